"""Whether steps of whole matrices, and what a state does around its step, are right on a GPU, for ``python -m bench.gpu``."""

import itertools
import math

import numpy as np

import fastgd

BEFORE = (
    fastgd.GradientCentralization(),
    fastgd.AdaptiveGradientClipping(0.1),
    fastgd.AdaptiveGradientClipping(0.1, unit_axis=0),
    fastgd.ArrayNormClipping(1.0),
)
DTYPES = ("float32", "float64", "float16")
AFTER = (fastgd.EMA(0.9), fastgd.Lookahead(k=2))


def shaped(array, shape):
    """Return an array on the GPU, or in the simulator, in another shape."""
    return array.reshape(shape) if hasattr(array, "reshape") else type(array)(array.host.reshape(shape))


def check(device, shapes, dtypes=DTYPES):
    """Raise unless averages and what leads back have the processor's bits, and the rest its values."""
    for extras in (AFTER, *((extra,) for extra in BEFORE), (*BEFORE, *AFTER)):
        for dtype in dtypes:
            run(device, fastgd.AdamW(lr=0.01, extras=extras), shapes, dtype, exact=extras == AFTER)
    for optimizer, dtype in itertools.product((fastgd.Adafactor(lr=0.1), fastgd.SM3(lr=0.1)), dtypes):
        run(device, optimizer, shapes, dtype, exact=isinstance(optimizer, fastgd.SM3))
    for dtype in dtypes:
        check_search(device, shapes, dtype)
    print("  Armijo, points tried and steps taken: the processor's bits")
    print("  SM3: the processor's bits; Adafactor: 1e-6, 1e-13 in float64")
    print("  EMA and Lookahead: the processor's bits; what changes gradients by units: 1e-6, 1e-13 in float64")
    print("  monitors: 1e-13 of the processor's; rollback: the bits of the good copy")


def check_search(device, shapes, dtype):
    """Raise unless a line search tries the points that it tries on the processor, and takes the same steps."""
    rng = np.random.default_rng(0)
    here = [rng.standard_normal(shape).astype(dtype).ravel() for shape in shapes]
    there, tried = [device.put(p) for p in here], ([], [])
    states = [fastgd.Armijo(first=8.0, backtrack=0.5).init(params) for params in (here, there)]
    for _ in range(3):
        grads = [(2 * p.astype(float)).astype(dtype) for p in here]
        wrapped = [device.put(g) for g in grads]
        for state, own, read, points in (
            (states[0], grads, lambda: [p.copy() for p in here], tried[0]),
            (states[1], wrapped, lambda: [device.get(p) for p in there], tried[1]),
        ):

            def loss(read=read, points=points):
                points.append(read())
                return sum(float((p.astype(float) ** 2).sum()) for p in points[-1])

            state.step(own, loss=loss)
    assert len(tried[0]) == len(tried[1]) > 6, [len(points) for points in tried]
    for a, b in zip(*([p for point in points for p in point] for points in tried), strict=True):
        assert a.tobytes() == b.tobytes(), f"Armijo, {dtype}: {np.count_nonzero(a != b)} of {a.size} differ"
    assert all(a.tobytes() == device.get(b).tobytes() for a, b in zip(here, there, strict=True))


def run(device, optimizer, shapes, dtype, exact):
    """Step on both, watched, until a loss that is not finite leads back; then once more."""
    rng = np.random.default_rng(0)

    def put(values):
        return [shaped(device.put(v.ravel()), v.shape) for v in values]

    here = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    there = put(here)
    kept = {"monitor": 1, "rollback": fastgd.Rollback(every=2)}
    cpu, gpu = optimizer.init(here, **kept), optimizer.init(there, **kept)
    for k in range(5):
        grads = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
        for state, given in ((cpu, grads), (gpu, put(grads))):
            state.step(given)
            if k == 3:
                state.observe(math.nan)
        for name, a in cpu.monitor.arrays.items():
            b = gpu.monitor.arrays[name]
            assert np.allclose(a, b, rtol=1e-13 if exact else 1e-5, atol=0), (a, b)
    assert (cpu.t, cpu.lr, cpu.recovery.warnings()) == (gpu.t, gpu.lr, gpu.recovery.warnings())
    arrays = [(a, gpu.arrays[name]) for name, a in cpu.arrays.items()]
    for a, b in [*zip(here, map(device.get, there), strict=True), *((a, np.asarray(b)) for a, b in arrays)]:
        if exact:
            assert a.tobytes() == b.tobytes(), f"{optimizer}, {dtype}: {np.count_nonzero(a != b)} of {a.size} differ"
        else:
            tolerance = {"float64": 1e-13, "float32": 1e-6, "float16": 1e-3}[dtype]
            np.testing.assert_allclose(a.astype(float), b.astype(float), rtol=tolerance, atol=tolerance)
