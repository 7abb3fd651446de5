"""The state arrays of an optimizer as the user sees them."""

from collections.abc import Iterator, Mapping

import numpy as np

from fastgd import _validation as check


class Arrays(Mapping):
    """The state arrays by name; assigning copies values in, so that no state array ever shares memory with anything.

    Examples
    --------
    >>> import fastgd, numpy as np
    >>> state = fastgd.Adam().init({"w": np.ones(2)})
    >>> sorted(state.arrays)
    ['w.exp_avg', 'w.exp_avg_sq']
    >>> state.arrays["w.exp_avg"] = np.array([0.5, 0.5])
    """

    def __init__(self, arrays: dict[str, np.ndarray]):
        self._arrays = arrays

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __setitem__(self, name: str, values: np.ndarray) -> None:
        target = self._arrays.get(name)
        if target is None:
            raise check.value_error(
                "arrays", "name", "the name of a state array", name, check.nearest(str(name), list(self._arrays))
            )
        if not isinstance(values, np.ndarray) or values.shape != target.shape or values.dtype != target.dtype:
            got = (getattr(values, "shape", None), getattr(values, "dtype", type(values)))
            raise check.value_error("arrays", name, f"an array of shape {target.shape} and dtype {target.dtype}", got)
        if not np.isfinite(values).all():
            raise check.value_error("arrays", name, "finite", "NaN or infinity")
        target[...] = values

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {a.dtype} {a.shape}" for name, a in self._arrays.items())
