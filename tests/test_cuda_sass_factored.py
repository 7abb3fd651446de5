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


def checked(text, registers=128):
    """Compile a kernel for every generation and look at what holds for all of them; at 128 registers, two blocks fit on a processor."""
    for target, found in cuda_sass.machines(text).items():
        assert found.local == found.stack == found.of("STL") == found.of("LDL") == 0, (target, found)
        assert found.registers <= registers, (target, found.registers)
        added = [n for n in found.counts if n.startswith(("ATOM", "RED")) and ("F32" in n or "F64" in n)]
        assert not added, f"{target}: {added} are sums in no particular order"
        yield target, found


def wide(kind):
    """Return how a vector of a kind is accessed: 16 bytes, or 8 of the 16-bit kinds."""
    return "E.128" if kind in ("f32", "f64") else "E.64"


# Of SM3: the rule, the kinds of parameters, of gradients and, where there is any, of momentum.
SM3 = [(rules.sgd, kind, kind, None) for kind in KINDS]
SM3 += [(rules.momentum, kind, kind, "f64" if kind == "f64" else "f32") for kind in KINDS]
SM3 += [(rules.momentum, "bf16", "f32", "bf16"), (rules.momentum, "f32", "f32", "bf16")]


@pytest.mark.parametrize(("rule", "kind", "gradient", "slot"), SM3)
def test_sm3(rule, kind, gradient, slot):
    text = cuda_factored_source.covered(rule, kind, gradient, slot, cuda.BLOCK)
    for target, found in checked(text):
        stored = (
            sum(each in ("f32", "f64") for each in (kind, slot)) + 1
        )  # parameter, momentum, a vector's sums: of 16 bytes
        assert found.of("STG.E.128", hot=True) == stored, (target, found.hot)
        loaded = stored + (gradient in ("f32", "f64"))
        assert found.of("LDG.E.128", hot=True) >= loaded, (target, found.hot)
        assert found.of("LDG.E.64", hot=True) >= sum(each in ("f16", "bf16") for each in (kind, gradient, slot))
        maxima = [n for n in found.counts if n.startswith(("ATOM", "RED")) and "MAX" in n]
        assert maxima, (target, found.counts)
        if kind != "f64":
            assert not any(found.of(name) for name in DOUBLE), (target, found.counts)


@pytest.mark.parametrize("kind", KINDS)
def test_adafactors_step(kind):
    text = cuda_factored_source.scaled(rules.sgd, kind, kind, cuda.BLOCK)
    for target, found in checked(text):
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
    for target, found in checked(text):
        assert found.of(f"LDG.{wide(kind)}", hot=True) >= (2 if name == "gather" else 1), (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= 1, (target, found.hot)
        if kind != "f64":
            assert found.of("FMUL") and found.of("DADD"), (target, found.counts)


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("name", ["means", "factors", "take"])
def test_what_comes_between(name, kind):
    make = getattr(cuda_factored_source, name)
    text = make(kind) if name == "take" else make(rules.sgd, kind, cuda.BLOCK)
    for _ in checked(text, 96):
        pass
