"""The machine code of the CUDA kernels around a step: averages, copies, what monitors see, units; as `test_cuda_sass.py` for the rules."""

import importlib.util
import os

import pytest

from fastgd._kernels import cuda, cuda_averages, cuda_coded, cuda_passes, cuda_source, cuda_unit_source, measures, rules

if importlib.util.find_spec("numba_cuda") is None or cuda.SIMULATED:
    pytest.skip("needs numba-cuda and its compiler: make test-cuda", allow_module_level=True)

from tests import cuda_sass

WIDE = ("f32", "f64")
ALL = bool(os.environ.get("FASTGD_CUDA_ALL"))


def machines(text, registers):
    """Yield (target, machine) of a kernel that keeps nothing in local memory and has few registers."""
    for target, found in cuda_sass.machines(text).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= registers, (target, found.registers)
        yield target, found


def in_loops(found, name):
    """Return how many instructions in loops have exactly this name, but for what the oldest generation adds."""
    return found.hot[name] + found.hot[name + ".SYS"]


def float64(found):
    return [n for n in found.counts if n.startswith(("DADD", "DMUL", "DFMA", "DSETP", "F2F.F64", "F2F.F32.F64"))]


@pytest.mark.parametrize("give", [False, True], ids=["ema", "lookahead"])
@pytest.mark.parametrize(("average", "weight"), [("f32", "f32"), ("f64", "f64"), ("f32", "f16"), ("f32", "bf16")])
def test_averages(average, weight, give):
    """Vectors of both, no float64 for float32, and no product that is fused with a sum."""
    for target, found in machines(cuda_averages.follow(average, weight, give), 64):
        stored = {
            "STG.E.128": 1 + (give and weight in WIDE),
            "STG.E.64": (weight not in WIDE and give) + (average == "f64") * (1 + give),
        }
        assert all(found.of(name, hot=True) == n for name, n in stored.items()), (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= 2 + (weight in WIDE), (
            target,
            found.hot,
        )  # one is the row of the table
        assert not found.of("FFMA") and not found.of("DFMA"), (target, found.counts)
        assert average == "f64" or not float64(found), (target, found.counts)


@pytest.mark.parametrize(
    ("to", "source"),
    [(kind, kind) for kind in ("f32", "f64", "f16", "bf16")]
    + [("f16", "f32"), ("bf16", "f32"), ("f32", "f16"), ("f32", "bf16")],
)
def test_copies(to, source):
    for target, found in machines(cuda_passes.copy(to, source), 48):
        assert found.of("STG.E.128" if to in WIDE else "STG.E.64", hot=True) >= 1, (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= 1 + (source in WIDE), (target, found.hot)
        assert not float64(found), (target, found.counts)


@pytest.mark.parametrize("kind", ["f32", "f64", "f16", "bf16"])
def test_looks(kind):
    """Squares are float64 on purpose, as those of norms."""
    for text, columns in ((cuda_passes.look(kind, cuda.BLOCK), 2), (cuda_passes.beyond(kind, cuda.BLOCK), 1)):
        for target, found in machines(text, 64):
            halves = (
                in_loops(found, "LDG.E") // 2 if kind == "f16" else 0
            )  # some vectors are loaded so, by the compiler's choice
            vectors = found.of("LDG.E.128" if kind in WIDE else "LDG.E.64", hot=True) + halves
            assert vectors >= columns, (target, found.hot)
            assert found.of("STG.E.128") == 0, (target, found.counts)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        (w, k)
        for w in ("adaptive", "centralized", "limited")
        for k in ("f32", "f64", "bf16")
        if ALL or k == "f32" or w == "adaptive"
    ],
)
def test_units(what, kind):
    """Four loads of a thread are in flight; neighbouring threads read neighbouring elements. No float64 division for each of float32."""
    load = {"f32": "LDG.E", "f64": "LDG.E.64", "bf16": "LDG.E.U16"}[kind]
    for target, found in machines(cuda_unit_source.sums(what, kind, kind, cuda.BLOCK), 96):
        assert in_loops(found, load) >= (10 if what == "adaptive" else 5), (target, found.hot)
    for target, found in machines(cuda_unit_source.changed(what, kind, kind, cuda.BLOCK), 96):
        assert in_loops(found, load) >= 5, (target, found.hot)
        assert in_loops(found, "STG.E.64" if kind == "f64" else "STG.E") == 5, (target, found.hot)
        assert kind == "f64" or not found.of("DFMA"), (target, found.hot)
    list(machines(cuda_unit_source.numbers(what, kind, cuda.BLOCK), 96))


@pytest.mark.parametrize("kind", ["f16", "bf16"])
@pytest.mark.parametrize("rule", [rules.sgd, rules.momentum, rules.adam], ids=lambda rule: rule.__name__)
def test_updates_by_wider_gradients(rule, kind):
    """As those by gradients of the parameters' kind, but that the gradients are float32."""
    slots = len(cuda_source.signature(rule)[0]) - 2
    for target, found in cuda_sass.machines(cuda_source.update(rule, kind, None, "f32")).items():
        assert found.local == 0 and found.registers <= 80, (target, found)
        assert found.stack == found.local == 0, (target, found)
        assert found.of("LDG.E.128", hot=True) >= 1 + slots and found.of("STG.E.128", hot=True) == slots, (
            target,
            found.hot,
        )
        assert found.of("STG.E.64", hot=True) == 1 and not float64(found)[1:], (target, found.hot)


def test_measures_and_bytes_by_wider_gradients():
    for target, found in cuda_sass.machines(
        cuda_source.measured(measures.dog_sums, rules.dog, "bf16", cuda.BLOCK, "f32")
    ).items():
        assert found.stack == found.local == 0 and found.registers <= 96, (target, found)
    for target, found in cuda_sass.machines(
        cuda_coded.update(rules.momentum, "bf16", ("i8",), cuda.BLOCK, "f32")
    ).items():
        assert found.stack == found.local == 0 and found.registers <= 128, (target, found)
