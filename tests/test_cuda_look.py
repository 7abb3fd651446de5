"""The look at parameters and gradients on a GPU: what is taken at a glance, what is looked at in full; by torch tensors in host memory.

`cuda_sim_launch.py` and `cuda_sim_more.py` have whole steps, with stand-ins of the other kinds of arrays.
"""

import types

import numpy as np
import pytest

from fastgd._kernels import _dlpack, cuda_arrays
from fastgd._kernels._cuda_look import Look
from fastgd._kernels.cuda_arrays import DeviceArray

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'fastgd[torch]'")
HOST = (1, 0)  # DLPack's name of host memory, here in the place of a GPU
SHAPES = ((5,), (), (3, 4), (0, 2), (1, 7))


class Raised(Exception):
    """What a guard or check raises."""


class Checks:
    """Notes what is looked at in full."""

    def __init__(self):
        self.params, self.gradients, self.refusing = [], [], False

    def param(self, i, leaf):
        self.params.append(i)

    def gradient(self, i, gradient, cast):
        self.gradients.append(i)
        if self.refusing:
            raise Raised("gradient", i)
        return DeviceArray(gradient.data_ptr(), tuple(gradient.shape), np.dtype("float32"), gradient)


class Guard:
    def structure(self, path, tree, gradients):
        raise Raised("structure", path)

    def changed(self, i):
        raise Raised("changed", i)


def looking(params, tree=None):
    views = [DeviceArray(p.data_ptr(), tuple(p.shape), np.dtype(str(p.dtype)[6:]), p) for p in params]
    checks = Checks()
    return Look(params if tree is None else tree, params, views, HOST, Guard(), checks), checks


def seen(look, checks, gradients):
    """Return which parameters and gradients a step looks at in full."""
    checks.params.clear(), checks.gradients.clear()
    look.look(gradients, False)
    return list(checks.params), list(checks.gradients)


def tensors(dtype=None):
    return [torch.ones(shape, dtype=dtype or torch.float32) for shape in SHAPES]


@pytest.fixture(params=["C functions", "attributes"])
def offered(request, monkeypatch):
    """Let torch offer what it does now, or what it did before 2.10."""
    if request.param == "attributes":
        monkeypatch.setattr(torch.Tensor, "__dlpack_c_exchange_api__", None)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: types.SimpleNamespace(cuda_stream=24))
    elif not hasattr(torch.Tensor, "__dlpack_c_exchange_api__"):
        pytest.skip("this torch offers none")
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_nothing_is_looked_at_in_full_that_is_as_expected(offered, dtype):
    params = [torch.nn.Parameter(p) for p in tensors(getattr(torch, dtype))]
    grads = tensors(getattr(torch, dtype))
    look, checks = looking(params)
    every, first = list(range(5)), seen(look, checks, grads)
    assert first == (([], []) if offered == "C functions" else (every, every))
    assert seen(look, checks, grads) == ([], [])
    assert look.addresses.tolist() == [g.data_ptr() for g in grads]
    assert look.live.all() and look.n_live == 5 and look.gradients == grads
    others = tensors(getattr(torch, dtype))
    others[1] = None
    assert seen(look, checks, others) == ([], [] if offered == "C functions" else [0, 2, 4])  # 3 is empty, at address 0
    assert look.addresses.tolist() == [0 if g is None else g.data_ptr() for g in others]
    assert look.live.tolist() == [True, False, True, True, True] and look.n_live == 4
    assert look.streams == {0 if offered == "C functions" else 24}
    look.forget()
    assert look.gradients == [None] * 5


CHANGES = {
    "dtype": lambda: torch.ones((3, 4), dtype=torch.float64),
    "integers": lambda: torch.ones((3, 4), dtype=torch.int32),
    "complex": lambda: torch.ones((3, 4), dtype=torch.complex64),
    "shape": lambda: torch.ones(4, 3),
    "fewer axes": lambda: torch.ones(12),
    "more axes": lambda: torch.ones(3, 4, 1),
    "order": lambda: torch.ones(4, 3).T,
    "gaps": lambda: torch.ones(3, 8)[:, ::2],
    "rows apart": lambda: torch.ones(3, 8)[:, :4],
    "repeated": lambda: torch.ones(4).expand(3, 4),
    "sparse": lambda: torch.eye(3, 4).to_sparse(),
    "no memory": lambda: torch.ones((3, 4), device="meta"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_differs_is_looked_at_in_full(offered, name):
    params, grads = tensors(), tensors()
    look, checks = looking(params)
    look.look(grads, False)
    grads[2] = CHANGES[name]()
    checks.refusing = True
    with pytest.raises(Raised) as raised:
        look.look(grads, False)
    assert raised.value.args == ("gradient", 2)


def test_a_stride_of_an_axis_of_one_element_means_nothing():
    look, checks = looking(tensors())
    grads = tensors()
    grads[4] = torch.ones(14).as_strided((1, 7), (3, 1))
    assert seen(look, checks, grads) == ([], [])


@pytest.mark.parametrize("change", ["memory", "shape", "dtype"])
def test_a_parameter_that_changes_in_place(offered, change):
    params = tensors()
    look, checks = looking(params)
    look.look(tensors(), False)
    if change == "memory":
        params[2].set_(torch.ones(3, 4))
    elif change == "shape":
        params[2].resize_(4, 3)
    else:
        params[2].data = torch.ones((3, 4), dtype=torch.float64)
    assert seen(look, checks, tensors())[0] == [2]


def test_trees():
    a, b, c = torch.ones(1), torch.ones(2), torch.ones(3)
    tree = {"x": [a, (b,)], "y": c}
    look, _ = looking([a, b, c], tree)
    grads = {"y": torch.ones(3), "x": (torch.ones(1), [None])}
    look.look(grads, False)
    assert look.addresses.tolist() == [grads["x"][0].data_ptr(), 0, grads["y"].data_ptr()]
    for wrong, path in (
        ([a], ()),
        ({"x": [a, (b,)]}, ()),
        ({"x": [a, (b,)], "z": c}, ()),
        ({"x": [a], "y": c}, ("x",)),
        ({"x": [a, b], "y": c}, ("x", 1)),
        ({"x": {0: a, 1: b}, "y": c}, ("x",)),
    ):
        with pytest.raises(Raised) as raised:
            look.look(wrong, False)
        assert raised.value.args == ("structure", path)
    tree["x"][0] = torch.ones(1)
    with pytest.raises(Raised) as raised:
        look.look(grads, False)
    assert raised.value.args == ("changed", 0)


def test_no_array_is_named_twice_by_a_dictionary_that_is_used_again():
    """A producer may keep one dictionary and change what is in it."""

    class Reused:
        def __init__(self):
            self.interface = {"shape": (2,), "typestr": "<f4", "data": (4096, False), "version": 3}

        @property
        def __cuda_array_interface__(self):
            return self.interface

        def data_ptr(self):
            return self.interface["data"][0]

        shape = (2,)

    param, grad = torch.ones(2), Reused()
    look, checks = looking([param])
    for address, full in ((4096, [0]), (4096, []), (8192, [0])):
        grad.interface["data"] = (address, False)
        assert seen(look, checks, [grad])[1] == full and look.addresses.tolist() == [address]


def test_the_stream_of_torch():
    if not hasattr(torch.Tensor, "__dlpack_c_exchange_api__"):
        pytest.skip("this torch offers none")
    assert _dlpack.exchanged_stream(torch.ones(1)) == cuda_arrays.stream_of(torch.ones(1)) == 0  # host memory has none
    assert _dlpack.exchanged_stream(np.ones(1)) is None
