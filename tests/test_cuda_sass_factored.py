"""The machine code of the CUDA kernels of `Adafactor` and `SM3`: wide accesses, no local memory, no float64 where elements are float32."""

import importlib.util
import os

import pytest

from fastgd._kernels import cuda, cuda_factored_source, rules

if importlib.util.find_spec("numba_cuda") is None or cuda.SIMULATED:
    pytest.skip("needs numba-cuda and its compiler: make test-cuda", allow_module_level=True)

from tests import cuda_sass

ALL = bool(os.environ.get("FASTGD_CUDA_ALL"))
KINDS = ("f32", "f64", "f16", "bf16") if ALL else ("f32", "bf16")
DOUBLE = ("DADD", "DMUL", "DFMA", "DSETP", "F2F.F64", "F2F.F32.F64")

# A defect to mend on a device: so many bytes of SM3's kernels, which want more than 128 registers, are spilled on the newest generations.
ON_THE_STACK = {
    ("covered_sgd", "f64"): {(10, 0): 8, (12, 0): 24},
    ("covered_momentum", "f64"): {(10, 0): 40, (12, 0): 72},
    **{key: {(12, 0): 24} for key in [("covered_momentum", "f16"), ("covered_momentum", "bf16")]},
}


def checked(name, text, kind, registers=128):
    """Compile a kernel for every generation and look at what holds for all of them; at 128 registers, two blocks fit on a processor."""
    for target, found in cuda_sass.machines(text).items():
        assert found.local == 0 and found.stack <= ON_THE_STACK.get((name, kind), {}).get(target, 0), (target, found)
        assert found.stack or not (found.of("STL") or found.of("LDL")), (target, found)
        assert found.registers <= registers, (target, found.registers)
        added = [n for n in found.counts if n.startswith(("ATOM", "RED")) and ("F32" in n or "F64" in n)]
        assert not added, f"{target}: {added} are sums in no particular order"
        yield target, found


def wide(kind):
    """Return how a vector of a kind is accessed: 16 bytes, or 8 of the 16-bit kinds."""
    return "E.128" if kind in ("f32", "f64") else "E.64"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", [rules.sgd, rules.momentum])
def test_sm3(rule, kind):
    compute = "f64" if kind == "f64" else "f32"
    slot = compute if rule is rules.momentum else None
    text = cuda_factored_source.covered(rule, kind, kind, slot, cuda.BLOCK)
    for target, found in checked(f"covered_{rule.__name__}", text, kind):
        stored = 1 + (slot is not None) + (kind in ("f32", "f64"))  # of vectors the sums, momentum, the parameter
        assert found.of("STG.E.128", hot=True) == stored, (target, found.hot)
        assert found.of(f"LDG.{wide(kind)}", hot=True) >= 2, (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= stored, (target, found.hot)
        maxima = [n for n in found.counts if n.startswith(("ATOM", "RED")) and "MAX" in n]
        assert maxima, (target, found.counts)
        if kind != "f64":
            assert not any(found.of(name) for name in DOUBLE), (target, found.counts)


@pytest.mark.parametrize("kind", KINDS)
def test_adafactors_step(kind):
    text = cuda_factored_source.scaled(rules.sgd, kind, kind)
    for target, found in checked("scaled", text, kind):
        assert found.of(f"STG.{wide(kind)}", hot=True) == 1, (target, found.hot)
        assert found.of(f"LDG.{wide(kind)}", hot=True) >= 2 and found.of("LDG.E.128", hot=True) >= 1, (
            target,
            found.hot,
        )
        if kind != "f64":
            assert not any(found.of(name) for name in DOUBLE), (target, found.counts)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["gather", "sizes"])
def test_adafactors_sums(name, kind):
    """Sums are float64 on purpose; what they are of is computed in float32."""
    text = getattr(cuda_factored_source, name)(rules.sgd, kind, kind, cuda.BLOCK)
    for target, found in checked(name, text, kind):
        assert found.of(f"LDG.{wide(kind)}", hot=True) >= (2 if name == "gather" else 1), (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= 1, (target, found.hot)
        if kind != "f64":
            assert found.of("FMUL") and found.of("DADD"), (target, found.counts)


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("name", ["means", "factors", "take"])
def test_what_comes_between(name, kind):
    make = getattr(cuda_factored_source, name)
    text = make(kind) if name == "take" else make(rules.sgd, kind, cuda.BLOCK)
    for _ in checked(name, text, kind, 96):
        pass
