"""Estimators in files: safetensors with a digest, written whole or not at all, read without running anything."""

import inspect
import os
from importlib import import_module
from typing import Any, Self

import numpy as np

from fastgd._estimators.plain_data import decode, encode
from fastgd._validation import ArgumentTypeError, ArgumentValueError, shortened, type_error, value_error
from fastgd.checkpoint import read_file, write_file

HOMES = {
    **dict.fromkeys(("Perceptron", "SGDClassifier", "SGDOneClassSVM", "SGDRegressor"), "fastgd.linear_model"),
    **dict.fromkeys(("MLPClassifier", "MLPMultiTask", "MLPRegressor"), "fastgd.neural_network"),
}
LEFT_OUT = ("_skl_callbacks", "_parent_callback_ctx")  # callbacks are code


class Storable:
    """What makes an estimator one that has files."""

    def save(self, path, *, keep=1):
        """Write the estimator to a file, whole or not at all: parameters, fitted attributes, and what `partial_fit` goes on from.

        Parameters
        ----------
        path : str or os.PathLike
            The file to create or replace, as in `fastgd.save`.
        keep : int, 1 to 9, default=1
            How many files to hold at most: with 2 the file replaced stays as ``path.1``, and so on.

        Raises
        ------
        ArgumentTypeError
            An attribute is nothing that a file can hold, such as a function; nothing was written. Callbacks are left out.
        OSError
            The file cannot be written; the old one is untouched.

        Examples
        --------
        >>> import os, tempfile
        >>> from fastgd.linear_model import SGDRegressor
        >>> model = SGDRegressor(max_iter=5, tol=None, random_state=0).fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     model.save(path)
        ...     other = SGDRegressor.load(path)
        >>> (other.predict([[2.0]]) == model.predict([[2.0]])).item()
        True
        """
        save_model(path, self, keep=keep)

    @classmethod
    def load(cls, path) -> Self:
        """Read an estimator of this class that `save` wrote; training goes on from it bit for bit.

        Parameters
        ----------
        path : str or os.PathLike
            The file. Nothing in it is unpickled or run.

        Returns
        -------
        estimator
            As it was saved.

        Raises
        ------
        CorruptCheckpointError
            The file is damaged or cut off.
        ArgumentValueError
            The file is no estimator of this class; the message says what it is.

        Examples
        --------
        >>> import os, tempfile
        >>> from fastgd.neural_network import MLPRegressor
        >>> model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0).partial_fit([[0.0], [1.0]], [0.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "model.safetensors")
        ...     model.save(path)
        ...     other = MLPRegressor.load(path)
        >>> other.partial_fit([[0.0], [1.0]], [0.0, 1.0]).t_
        4
        """
        return _read(path, cls)


def save_model(path: str | os.PathLike[str], model: Any, *, keep: int = 1) -> None:
    """Write an estimator to a file, whole or not at all; the method `save` of all estimators does the same.

    Parameters
    ----------
    path : str or os.PathLike
        The file to create or replace, as in `fastgd.save`.
    model : estimator
        Of `fastgd.linear_model` or `fastgd.neural_network`, fitted or not.
    keep : int, 1 to 9, default=1
        How many files to hold at most.

    Raises
    ------
    ArgumentTypeError
        An attribute is nothing that a file can hold, such as a function; nothing was written. Callbacks are left out.
    OSError
        The file cannot be written; the old one is untouched.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastgd
    >>> from fastgd.linear_model import SGDRegressor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     fastgd.save_model(path, SGDRegressor(alpha=0.1))
    ...     model = fastgd.load_model(path)
    >>> model
    SGDRegressor(alpha=0.1)
    """
    if not isinstance(model, Storable):
        raise type_error("save_model", "model", "an estimator of fastgd", model, "For optimizer states: fastgd.save.")
    tensors: dict[str, np.ndarray] = {}
    parameters = model.get_params(deep=False)  # type: ignore[attr-defined]
    kept = {name: value for name, value in vars(model).items() if name not in LEFT_OUT}
    described = {name: encode(value, name, tensors) for name, value in kept.items()}
    config = {"estimator": type(model).__name__, "parameters": list(parameters), "attributes": described}
    write_file(path, tensors, config, keep)


def load_model(path: str | os.PathLike[str]) -> Any:
    """Read an estimator that `save` or `save_model` wrote, of whatever class of fastgd.

    Parameters
    ----------
    path : str or os.PathLike
        The file. Nothing in it is unpickled or run.

    Returns
    -------
    estimator
        As it was saved: it predicts the same, and training goes on from it, bit for bit.

    Raises
    ------
    CorruptCheckpointError
        The file is damaged or cut off.
    ArgumentValueError
        The file is no estimator; the message says what it is.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastgd
    >>> from fastgd.neural_network import MLPClassifier
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     MLPClassifier((8,), optimizer=fastgd.Lion(lr=0.01)).save(path)
    ...     fastgd.load_model(path)
    MLPClassifier(hidden_layer_sizes=(8,), optimizer=Lion(lr=0.01))
    """
    return _read(path, None)


def _read(path: Any, cls: type | None) -> Any:
    tensors, config = read_file(path)
    name, described = config.get("estimator"), config.get("attributes")
    if not isinstance(described, dict):
        what = "an optimizer's state: use fastgd.load" if "optimizer" in config else "something else"
        raise value_error("load_model", "path", "a saved estimator", str(path), f"It is {what}.")
    if cls is None and isinstance(name, str) and name in HOMES:
        cls = getattr(import_module(HOMES[name]), name)
    if cls is None or cls.__name__ != name:
        fix = f"It is a {name}: use its own class's load, or fastgd.load_model."
        raise value_error("load", "path", f"a saved {cls.__name__ if cls else 'estimator of fastgd'}", str(path), fix)
    try:
        attributes = {key: decode(value, tensors) for key, value in described.items()}
        parameters = {key: attributes[key] for key in config["parameters"]}
    except (ArgumentTypeError, ArgumentValueError):
        raise
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ArgumentValueError(
            shortened(f"the attributes stored in {str(path)!r} are none that fastgd writes ({error!r})")
        ) from error
    unknown = set(parameters) - set(inspect.signature(cls).parameters)
    if unknown:
        fix = "It was saved by a newer fastgd, perhaps: upgrade."
        raise value_error("load", "path", f"a {name} without parameters {sorted(unknown)}", str(path), fix)
    model: Any = cls(**parameters)
    vars(model).update(attributes)
    return model
