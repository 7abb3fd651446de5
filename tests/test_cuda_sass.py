"""The CUDA kernels' machine code, for five generations of GPUs: few registers, no local memory, wide accesses, no needless float64.

Needs numba-cuda, but no GPU: ``make test-cuda`` installs it and runs these, and all of them with ``FASTGD_CUDA_ALL=1``.
"""

import importlib.util
import inspect
import os

import pytest

from fastgd._kernels import codecs, cuda, cuda_coded, cuda_source, cuda_sparse, execute, measures, rules
from fastgd._kernels.cuda_source import row_words

if importlib.util.find_spec("numba_cuda") is None or cuda.SIMULATED:
    pytest.skip("needs numba-cuda and its compiler: make test-cuda", allow_module_level=True)

from tests import cuda_sass

RULES = {n: f for n, f in vars(rules).items() if inspect.isfunction(f) and n != "clipped"}
MEASURES = {n: f for n, f in vars(measures).items() if inspect.isfunction(f)}
FEW = ("sgd", "momentum", "adam", "adan")
ALL = bool(os.environ.get("FASTGD_CUDA_ALL"))
# Of these rules, all products, sums and comparisons: nothing is divided and no root is taken.
PLAIN = ("sgd", "momentum", "nesterov", "lion", "signsgd", "signum", "rprop", "qhm", "novograd", "dog")


def slots(rule):
    return len(cuda_source.signature(rule)[0]) - 2


@pytest.mark.parametrize("name", RULES if ALL else FEW)
def test_updates_of_float32(name):
    rule = RULES[name]
    addresses, n_scalars = 2 + slots(rule), 2 + len(cuda_source.signature(rule)[1])
    loaded = addresses - (name == "secant")  # whose state is overwritten unread
    table = (addresses + (addresses + 1 == row_words(slots(rule)))) // 2  # words that are loaded in pairs
    scalars = n_scalars // 4 + (n_scalars % 4 == 3)  # what is left of a vector is loaded by less
    for target, found in cuda_sass.machines(cuda_source.update(rule, "f32")).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 96, (target, found.registers)
        assert loaded + table <= found.of("LDG.E.128", hot=True) <= loaded + table + scalars, (target, found.hot)
        assert found.of("STG.E.128", hot=True) == 1 + slots(rule), (target, found.hot)
        assert not [n for n in found.counts if n.startswith(("DADD", "DMUL", "DFMA", "DSETP"))], (target, found.counts)
        assert not found.of("F2F", hot=True), (target, found.hot)
        if name in PLAIN:
            assert not found.of("FFMA"), f"{target}: a product is fused with a sum: other bits than the processor's"


@pytest.mark.parametrize("kind", ["f64", "f16", "bf16"])
@pytest.mark.parametrize("name", RULES if ALL else FEW)
def test_updates_of_other_dtypes(name, kind):
    rule = RULES[name]
    targets = cuda_sass.TARGETS if name in FEW else ((9, 0),)
    for target, found in cuda_sass.machines(cuda_source.update(rule, kind), targets).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 128, (target, found.registers)
        wide = slots(rule) + (2 if kind == "f64" else 0)
        assert found.of("STG.E.128", hot=True) == wide - (kind == "f64"), (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= wide, (target, found.hot)
        if kind != "f64":
            assert found.of("STG.E.64", hot=True) == 1, (target, found.hot)
            assert not found.of("DMUL") and not found.of("DADD") and not found.of("DFMA"), (target, found.counts)
        if name in PLAIN:
            assert not found.of("DFMA") and not found.of("FFMA"), (target, found.counts)


@pytest.mark.parametrize("kind", ["f32", "f64", "f16", "bf16"])
def test_norms(kind):
    """Four vectors are in flight at a time; squares are float64 on purpose, so that none overflows."""
    for target, found in cuda_sass.machines(cuda_source.norm(kind, cuda.BLOCK, 8)).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 80, (target, found.registers)
        assert found.of("LDG.E.128" if kind in ("f32", "f64") else "LDG.E.64", hot=True) >= 5, (target, found.hot)


@pytest.mark.parametrize("name", MEASURES if ALL else ("dog_sums", "lamb_sums"))
def test_measures(name):
    rule = {2 + slots(f): f for f in RULES.values()}[max(2, len(cuda_source.signature(MEASURES[name])[0]))]
    for target, found in cuda_sass.machines(cuda_source.measured(MEASURES[name], rule, "f32", cuda.BLOCK)).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 96, (target, found.registers)


def test_the_beginning_of_a_step():
    for target, found in cuda_sass.begin_machines().items():
        assert found.stack == found.local == 0 and found.registers <= 64, (target, found)


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("name", ["product", "shares", "join"])
def test_products_of_sparse_rows(name, kind):
    for target, found in cuda_sass.machines(cuda_sparse.text(name, kind)).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 96, (target, found.registers)
        assert not found.of("ATOM") and not found.of("RED"), (target, found.counts)
        fused, wide = ("FFMA", ("DADD", "DMUL", "DFMA")) if kind == "f32" else ("DFMA", ())
        assert not found.of(fused, hot=True) and not any(found.of(name) for name in wide), (target, found.counts)


def test_state_arrays_of_bfloat16():
    """As with float32, but that the state arrays' accesses are half as wide."""
    for target, found in cuda_sass.machines(cuda_source.update(rules.adam, "f32", "bf16")).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 80, (target, found.registers)
        assert found.of("STG.E.128", hot=True) == 1 and found.of("STG.E.64", hot=True) == 2, (target, found.hot)
        assert found.of("LDG.E.128", hot=True) >= 2 and found.of("LDG.E.64", hot=True) >= 2, (target, found.hot)
        assert not found.of("DMUL") and not found.of("DADD") and not found.of("F2F", hot=True), (target, found.counts)


KINDS = {
    name: tuple({"int8": "i8", "uint8": "u8"}[codecs.AVERAGES[slot]] for slot in execute.slot_names(rule))
    for name, rule in RULES.items()
    if execute.slot_names(rule) and set(execute.slot_names(rule)) <= codecs.AVERAGES.keys()
}


@pytest.mark.parametrize("name", KINDS if ALL else ["momentum", "adam", "ademamix"])
def test_state_arrays_of_bytes(name):
    """Two vectors of four elements a thread in flight, the codes 32 bits at a time, no slow conversion between integers and floats."""
    kinds = KINDS[name]
    for target, found in cuda_sass.machines(cuda_coded.update(RULES[name], "f32", kinds, cuda.BLOCK)).items():
        assert found.stack == found.local == 0 and not found.of("STL") and not found.of("LDL"), (target, found)
        assert found.registers <= 128, (target, found.registers)  # two blocks of 256 threads on a processor
        assert found.of("STG.E.128", hot=True) == 2 and found.of("LDG.E.128", hot=True) >= 4, (target, found.hot)
        assert found.of("SHFL") >= 5 * len(kinds), (target, found.counts)
        assert not found.of("I2F", hot=True) and not found.of("F2F", hot=True), (target, found.hot)
        assert not found.of("DMUL") and not found.of("DADD") and not found.of("DFMA"), (target, found.counts)
        # With exact roots for codes it was 2103 on sm_90, so near to what there is time for while memory moves the bytes.
        assert name != "adam" or sum(found.hot.values()) <= 1600, (target, found.hot)
