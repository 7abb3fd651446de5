"""The stochastic line search, against its algorithm written plainly; what it calls, what it leaves alone."""

import numpy as np
import pytest

import fastgd


def naive_armijo(f, gradient, w, steps, first=1.0, largest=10.0, c=0.1, beta=0.9, gamma=2.0, n=500):
    """Vaswani et al. 2019, algorithms 1 and 2 with option 1: the weights and the step after each step."""
    eta, found = None, []
    for _ in range(steps):
        g = gradient(w)
        eta = min(first if eta is None else eta * gamma ** (1 / n), largest)
        for _ in range(100):
            if f(w - eta * g) <= f(w) - c * eta * np.sum(g * g):
                break
            eta *= beta
        w = w - eta * g
        found.append((w, eta))
    return found


def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


def slope(w):
    return np.array([-2 * (1 - w[0]) - 400 * w[0] * (w[1] - w[0] ** 2), 200 * (w[1] - w[0] ** 2)])


OPTIONS = [
    ({}, {}),
    ({"lr": 0.01, "c": 0.5}, {"largest": 0.01, "c": 0.5}),
    (
        {"first": 0.1, "backtrack": 0.5, "growth": 4.0, "n_batches": 2},
        {"first": 0.1, "beta": 0.5, "gamma": 4.0, "n": 2},
    ),
]


@pytest.mark.parametrize(("ours", "theirs"), OPTIONS)
@pytest.mark.parametrize("maximize", [False, True])
def test_is_the_algorithm(ours, theirs, maximize):
    w = np.array([-1.0, 1.0])
    state = fastgd.Armijo(maximize=maximize, **ours).init(w)
    sign = -1 if maximize else 1
    for expected, eta in naive_armijo(rosenbrock, slope, w.copy(), 60, **theirs):
        state.step(sign * slope(w), loss=lambda: sign * rosenbrock(w))
        np.testing.assert_allclose(w, expected, rtol=1e-9)
        assert state.estimates["param"]["step_size"] == pytest.approx(eta, rel=1e-12)
    assert rosenbrock(w) < rosenbrock(np.array([-1.0, 1.0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_several_arrays_any_layout_and_clipping(dtype):
    """The loss falls in every step; arrays without a gradient stay."""
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(4, 3)).astype(dtype).T, rng.normal(size=5).astype(dtype), np.ones(2, dtype)]

    def loss():
        return float(sum((p.astype(float) ** 2).sum() for p in params))

    state = fastgd.Armijo(clip_norm=1.0).init(params)
    for _ in range(20):
        before = loss()
        state.step([2 * params[0], 2 * params[1], None], loss=loss)
        assert loss() < before
    assert (params[2] == 1).all() and state.t == 20


@pytest.mark.parametrize("when", [1, 2, 5])
def test_an_error_in_the_loss_leaves_everything_as_it_was(when):
    w, calls = np.array([3.0, -4.0]), []
    state = fastgd.Armijo(first=100.0, lr=100.0).init(w)

    def loss():
        calls.append(w.copy())
        if len(calls) == when:
            raise KeyError("mine")
        return float(w @ w)

    with pytest.raises(KeyError, match="mine"):
        state.step(2 * w, loss=loss)
    assert (w == [3, -4]).all() and state.t == 0 and state.estimates["param"]["step_size"] == 0
    state.step(2 * w, loss=lambda: float(w @ w))
    assert abs(w).max() < 4


def test_a_trial_that_is_not_finite_is_too_long():
    w = np.array([1.0])
    state = fastgd.Armijo().init(w)
    state.step(np.array([1.0]), loss=lambda: float(w[0]) if w[0] > 0.5 else float("nan"))
    assert 0.5 < w[0] < 1


def test_a_run_resumes(tmp_path):
    def run(state, steps):
        for _ in range(steps):
            state.step(slope(state.params), loss=lambda: rosenbrock(state.params))
        return state

    whole = run(fastgd.Armijo().init(np.array([-1.0, 1.0])), 9)
    fastgd.save(tmp_path / "run", run(fastgd.Armijo().init(np.array([-1.0, 1.0])), 4))
    again = run(fastgd.load(tmp_path / "run", np.zeros(2)), 5)
    assert (again.params == whole.params).all() and again.estimates == whole.estimates


@pytest.mark.parametrize("loss", [None, 0.5, lambda: float("nan"), lambda: "x"])
def test_what_cannot_be_used_is_refused(loss):
    w = np.ones(2)
    state = fastgd.Armijo().init(w)
    with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match="loss"):
        state.step(w.copy(), loss=loss)
    assert (w == 1).all() and state.t == 0


@pytest.mark.parametrize("maximize", [False, True])
def test_a_trial_that_is_not_a_number_is_too_long_either_way(maximize):
    sign, w = (-1 if maximize else 1), np.array([1.0])
    state = fastgd.Armijo(maximize=maximize).init(w)
    state.step(np.array([float(sign)]), loss=lambda: sign * float(w[0]) if w[0] > 0.5 else float("nan"))
    assert 0.5 < w[0] < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 1.0}, {"clip_value": 0.5}, {"on_nonfinite": "zero"}], ids=lambda o: "-".join(o)
)
def test_the_step_is_the_last_trial(dtype, options):
    """Bit for bit, whatever the layout; each trial begins where the first did."""
    rng = np.random.default_rng(0)
    params = [rng.normal(size=(4, 6)).astype(dtype)[:, ::2], rng.normal(size=(5, 3)).astype(dtype).T, np.ones(3, dtype)]
    grads = [2 * params[0], 2 * params[1], None]
    if "on_nonfinite" in options:
        grads[0][1, 1] = np.nan
    start, seen = [p.copy() for p in params], []

    def loss():
        seen.append([p.copy() for p in params])
        return sum(float((p.astype(float) ** 2).sum()) for p in params)

    fastgd.Armijo(lr=16.0, first=16.0, backtrack=0.5, **options).init(params).step(grads, loss=loss)
    assert len(seen) >= 3 and all((p == last).all() for p, last in zip(params, seen[-1], strict=True))
    assert all((p == first).all() for p, first in zip(start, seen[0], strict=True))
    eta = 16.0 * 0.5 ** (len(seen) - 2)
    if not options:
        for p, first, g in zip(params, start, grads, strict=True):
            wide = np.promote_types(dtype, np.float32)
            expected = first if g is None else (first.astype(wide) - wide.type(eta) * g.astype(wide)).astype(dtype)
            assert (p == expected).all()


def test_an_interrupt_in_the_loss_leaves_everything_as_it_was():
    params = [np.array([3.0, -4.0]), np.ones((2, 2), np.float32)]
    state, calls = fastgd.Armijo().init(params), []

    def loss():
        calls.append(params[0].copy())
        if len(calls) == 3:
            raise KeyboardInterrupt
        return 1.0 if len(calls) == 1 else 2.0

    with pytest.raises(KeyboardInterrupt):
        state.step([2 * p for p in params], loss=loss)
    assert (calls[2] != [3, -4]).all() and (params[0] == [3, -4]).all() and (params[1] == 1).all() and state.t == 0


def test_losses_of_other_libraries():
    torch = pytest.importorskip("torch")
    w = torch.ones(3, dtype=torch.float64)
    view = w.numpy()
    state = fastgd.Armijo().init(view)
    state.step(2 * view, loss=lambda: w.requires_grad_() @ w)
    assert abs(view).max() < 1
    for loss in (torch.ones(2), torch.tensor(True), torch.tensor(1j)):
        with pytest.raises((fastgd.ArgumentTypeError, fastgd.ArgumentValueError), match="loss"):
            state.step(2 * view, loss=lambda loss=loss: loss)
    watched = fastgd.SGD(lr=0.1).init(np.ones(2), rollback=True)
    watched.step(np.ones(2), loss=torch.tensor(1.0))
    assert watched.step(np.ones(2), loss=torch.tensor(float("nan"))).skipped and watched.t == 0
