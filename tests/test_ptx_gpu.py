"""The stand-in for a GPU itself: what instructions compute, and that it sees what a device would answer with an error or do at random."""

import ctypes
import shutil

import numpy as np
import pytest

from tests.ptx_gpu import build
from tests.ptx_gpu.block import Fault
from tests.ptx_gpu.machine import Machine
from tests.ptx_gpu.text import read_module

if shutil.which(build.COMPILER) is None:
    pytest.skip(f"needs a C compiler: {build.COMPILER} is not found", allow_module_level=True)

KERNEL = """
.version 9.0
.target sm_90
.address_size 64
.shared .align 8 .b8 held[2048];
.visible .entry kernel(
    .param .u64 kernel_param_0,
    .param .u64 kernel_param_1
)
{
    .reg .pred %p<9>;
    .reg .b16 %rs<9>;
    .reg .b32 %r<9>;
    .reg .f32 %f<9>;
    .reg .b64 %rd<19>;
    .reg .f64 %fd<9>;
    ld.param.u64 %rd1, [kernel_param_0];
    ld.param.u64 %rd2, [kernel_param_1];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    mov.u32 %r3, %ntid.x;
    mad.lo.s32 %r4, %r2, %r3, %r1;
    mul.wide.s32 %rd3, %r4, 8;
    add.s64 %rd4, %rd1, %rd3;
    add.s64 %rd5, %rd2, %rd3;
BODY
    ret;
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = ctypes.CDLL(str(build.library(tmp_path_factory.mktemp("ptx"), "libstandin.so")))
    made.stand_in_move.restype = ctypes.c_size_t
    return made


@pytest.fixture
def run(library):
    """Return a function that runs statements on two arrays of the device, at %rd4 and %rd5 of 8 bytes a thread, and fills the second."""

    def function(body, given, found, *, grid=1, threads=32, fused=False, order=None):
        arrays = [np.ascontiguousarray(given), found]
        for array in arrays:
            library.stand_in_lend(ctypes.c_uint64(array.ctypes.data), ctypes.c_uint64(array.nbytes))
        try:
            machine = Machine(read_module(KERNEL.replace("BODY", body))["kernel"], library, fused)
            arguments = np.array([a.ctypes.data for a in arrays], np.uint64).tobytes()
            machine.run(grid, threads, arguments, np.arange(grid) if order is None else order)
        finally:
            for array in arrays:
                library.stand_in_lend(ctypes.c_uint64(array.ctypes.data), ctypes.c_uint64(0))
        return found

    return function


WHOLE = np.array([-7, 7, -(2**62), 5, 2**33 + 1, 0, -1, 2**63 - 1] * 4)
REAL = np.array([1.5, -2.5, 1e300, -np.inf, np.nan, 0.0, -0.0, 3e-310] * 4)
BITS = {
    "div.s64 %rd6, %rd6, 3": (WHOLE, [x // 3 if x > 0 else -(-x // 3) for x in WHOLE.tolist()]),
    "rem.s64 %rd6, %rd6, 3": (WHOLE, [x % 3 if x > 0 else -(-x % 3) for x in WHOLE.tolist()]),
    "shr.s64 %rd6, %rd6, 70": (WHOLE, [-1 if x < 0 else 0 for x in WHOLE.tolist()]),
    "shr.u64 %rd6, %rd6, 60": (WHOLE, WHOLE.view(np.uint64) >> np.uint64(60)),
    "shl.b64 %rd6, %rd6, 64": (WHOLE, np.zeros(32, int)),
    "bfi.b64 %rd6, %rd6, 255, 4, 8": (WHOLE, ((WHOLE & 0xFF) << 4) | 0xF),
    "cvt.s64.s32 %rd6, %r1": (WHOLE, np.arange(32)),
    "not.b64 %rd6, %rd6": (WHOLE, ~WHOLE),
    "{ .reg .b32 %half; mov.b64 {%half, %r5}, %rd6; } cvt.s64.s32 %rd6, %r5": (WHOLE, WHOLE >> 32),
    "mov.u32 %r5, 305419896; prmt.b32 %r6, %r5, 0, 291; cvt.u64.u32 %rd6, %r6": (WHOLE, np.full(32, 0x78563412)),
    "setp.lt.s64 %p1, %rd6, 0; selp.b64 %rd6, 1, 2, %p1": (WHOLE, np.where(WHOLE < 0, 1, 2)),
    "setp.gtu.f64 %p1, %fd1, 0d0000000000000000; selp.b64 %rd6, 1, 2, %p1": (REAL, np.where(~(REAL <= 0), 1, 2)),
    "cvt.rzi.s64.f64 %rd6, %fd1": (REAL, [1, -2, 2**63 - 1, -(2**63), 0, 0, 0, 0] * 4),
    "cvt.rn.f32.f64 %f1, %fd1; cvt.f64.f32 %fd1, %f1; mov.b64 %rd6, %fd1": (
        np.tile(REAL[:2], 16),
        np.tile(REAL[:2], 16).view(int),
    ),
    "cvt.rn.f32.f64 %f1, %fd1; cvt.rn.f16x2.f32 %r5, %f1, 0f3F800000; cvt.u64.u32 %rd6, %r5": (
        np.tile(REAL[:2], 16),
        np.tile([0x3E003C00, 0xC1003C00], 16),
    ),
    "mov.b32 %r5, 0f3F800000; cvt.u64.u32 %rd6, %r5": (WHOLE, np.full(32, 0x3F800000)),
    "mov.b32 %r5, 15872; cvt.u16.u32 %rs1, %r5; sub.rn.f32.f16 %f1, %rs1, 0f3F000000; cvt.f64.f32 %fd1, %f1; mov.b64 %rd6, %fd1": (
        WHOLE,
        np.full(32, 1.0).view(int),
    ),
    "max.f64 %fd1, %fd1, 0d0000000000000000; mov.b64 %rd6, %fd1": (
        np.tile(REAL[[0, 4]], 16),
        np.tile([1.5, 0.0], 16).view(int),
    ),
}


@pytest.mark.parametrize("statements", BITS)
def test_instructions(run, statements):
    given, expected = BITS[statements]
    body = f"ld.global.u64 %rd6, [%rd4]; mov.b64 %fd1, %rd6; {statements}; st.global.u64 [%rd5], %rd6;"
    assert (
        run(body, given.view(np.int64), np.zeros(32, np.int64)).tolist() == np.array(expected).astype(np.int64).tolist()
    )


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", ["mul.f64", "mul.rn.f64"])
def test_a_product_and_a_sum_are_rounded_once_where_that_is_allowed(run, name, fused):
    x = 1 + 2.0**-30
    body = f"ld.global.f64 %fd1, [%rd4]; {name} %fd2, %fd1, %fd1; sub.f64 %fd3, %fd2, 0d3FF0000000000000; st.global.f64 [%rd5], %fd3;"
    found = run(body, np.full(32, x), np.zeros(32), fused=fused)
    exact = 2.0**-29 + 2.0**-60
    assert found[0] == (exact if fused and name == "mul.f64" else x * x - 1) and exact != x * x - 1


def test_paths_that_part_meet_again(run):
    body = """
    cvt.s64.s32 %rd6, %r1; mov.u64 %rd7, 0;
again:
    setp.eq.s64 %p1, %rd6, 0;
    @%p1 bra done;
    add.s64 %rd7, %rd7, %rd6; add.s64 %rd6, %rd6, -1;
    bra.uni again;
done:
    st.global.u64 [%rd5], %rd7;
    """
    assert run(body, WHOLE, np.zeros(32, np.int64)).tolist() == [k * (k + 1) // 2 for k in range(32)]


NEIGHBOUR = """
    mul.wide.u32 %rd6, %r1, 8; mov.u64 %rd7, held; add.s64 %rd8, %rd7, %rd6; xor.b64 %rd9, %rd6, 256; add.s64 %rd9, %rd9, %rd7;
    ld.global.u64 %rd10, [%rd4]; st.shared.u64 [%rd8], %rd10; BARRIER
    ld.shared.u64 %rd11, [%rd9]; st.global.u64 [%rd5], %rd11;
"""


def test_shared_memory_and_its_barrier(run):
    given = np.arange(64)
    found = run(NEIGHBOUR.replace("BARRIER", "bar.sync 0;"), given, np.zeros(64, np.int64), threads=64)
    assert found.tolist() == [k ^ 32 for k in range(64)]
    with pytest.raises(Fault, match="no barrier since"):
        run(NEIGHBOUR.replace("BARRIER", ""), given, np.zeros(64, np.int64), threads=64)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("setp.lt.u32 %p1, %r1, 7; @%p1 bra over; bar.sync 0; over:", "before a barrier"),
        (
            "setp.lt.u32 %p1, %r1, 7; @%p1 bra other; bar.sync 0; bra over; other: bar.sync 0; over:",
            "different barriers",
        ),
        ("setp.lt.u32 %p1, %r1, 7; @%p1 bra over; shfl.sync.bfly.b32 %r5, %r1, 16, 31, -1; over:", "do not come"),
        ("ld.global.u64 %rd6, [%rd4+8];", "not of the device"),
        ("ld.global.u64 %rd6, [%rd4+-4];", "misaligned"),
        ("ld.global.v2.u64 {%rd6, %rd7}, [%rd4];", "16 bytes at"),
        ("mov.u64 %rd6, 2048; ld.shared.u64 %rd7, [%rd6];", "outside of shared memory"),
        ("st.global.u64 [%rd2], %rd1;", "touch one place"),
        ("mov.u64 %rd6, held; st.shared.u64 [%rd6], %rd1;", "same place"),
    ],
)
def test_what_a_device_forbids_or_does_at_random(run, body, message):
    with pytest.raises(Fault, match=message):
        run(body, np.zeros(32, np.int64), np.zeros(32, np.int64))


def test_values_are_exchanged_within_a_warp(run):
    body = "shfl.sync.bfly.b32 %r5, %r1, 8, 31, -1; cvt.u64.u32 %rd6, %r5; st.global.u64 [%rd5], %rd6;"
    assert run(body, np.zeros(64, np.int64), np.zeros(64, np.int64), threads=64).tolist() == [k ^ 8 for k in range(64)]


# The last of some blocks adds up what each has left at its place.
LAST = """
    setp.ne.s32 %p1, %r1, 0;
    @%p1 bra over;
    cvt.s64.s32 %rd6, %r2; shl.b64 %rd6, %rd6, 3; add.s64 %rd7, %rd2, %rd6; add.s64 %rd8, %rd6, 10; st.global.u64 [%rd7+16], %rd8;
    FENCE atom.global.add.u64 %rd9, [%rd2], 1;
    setp.ne.s64 %p2, %rd9, 2;
    @%p2 bra over;
    ld.global.u64 %rd10, [%rd2+16]; ld.global.u64 %rd11, [%rd2+24]; ld.global.u64 %rd12, [%rd2+32];
    add.s64 %rd10, %rd10, %rd11; add.s64 %rd10, %rd10, %rd12; st.global.u64 [%rd2+8], %rd10;
over:
"""


def test_blocks_in_every_order_and_their_fence(run):
    for order in ([0, 1, 2], [2, 0, 1]):
        found = run(
            LAST.replace("FENCE", "membar.gl;"),
            np.zeros(3, np.int64),
            np.zeros(5, np.int64),
            grid=3,
            threads=1,
            order=order,
        )
        assert found.tolist() == [3, 54, 10, 18, 26]
    with pytest.raises(Fault, match="without a fence"):
        run(LAST.replace("FENCE", ""), np.zeros(3, np.int64), np.zeros(5, np.int64), grid=3, threads=1)
    with pytest.raises(Fault, match=r"blocks \[0, 1, 2\] touch one place in no order"):
        run("st.global.u64 [%rd2], %rd2;", np.zeros(3, np.int64), np.zeros(5, np.int64), grid=3, threads=1)
