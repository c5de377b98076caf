"""What a model is: a configuration, a table of parameters, and a forward function over a flat dict of arrays."""

import math
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from gongsik.spec.array import Array
from gongsik.spec.errors import DtypeError, ShapeError

__all__ = ["Model", "Parameters", "check_parameters", "differences", "parameter_count"]

Parameters: TypeAlias = dict[str, Array]
"""Arrays by the names of the model's table."""


class Model(Protocol):
    """A configuration: a frozen dataclass from which every name and shape follows, without any backend."""

    def parameters(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of all parameters, by the names that they have in a checkpoint."""
        ...


def parameter_count(config: Model, /) -> int:
    """How many numbers a model has to learn.

    >>> from gongsik.spec.network import MLP
    >>> parameter_count(MLP((64, 32, 10)))
    2410
    """
    return sum(math.prod(shape) for shape in config.parameters().values())


def check_parameters(formula: str, config: Model, params: Any, /) -> None:
    """Hold parameters against the table of a configuration.

    Parameters
    ----------
    formula : str
        Whose argument they are, for the message.
    config : Model
        The configuration.
    params : dict
        Arrays by name.

    Raises
    ------
    DtypeError
        If `params` is no dict.
    ShapeError
        If names are missing, unknown or have another shape: all of them in one message.
    """
    if not isinstance(params, dict):
        raise DtypeError(f"{formula}: params is of type {type(params).__name__}, expected a dict of arrays by name")
    problems = differences(config.parameters(), params)
    if problems:
        raise ShapeError(f"{formula}: params do not fit {config}: {'; '.join(problems)}")


def differences(expected: Mapping[str, tuple[int, ...]], params: Mapping[str, Any], /) -> list[str]:
    """What keeps arrays from being those of a table, in words: missing and unknown names, other shapes.

    >>> import numpy as np
    >>> differences({"w": (2, 3), "b": (2,)}, {"w": np.zeros((3, 2)), "bias": np.zeros(2)})
    ['no b', 'no place for bias', 'w has shape (3, 2), expected (2, 3)']
    """
    if params.keys() == expected.keys() and all(params[name].shape == shape for name, shape in expected.items()):
        return []
    missing = [name for name in expected if name not in params]
    unknown = [str(name) for name in params if name not in expected]
    problems = [f"no {', '.join(missing)}"] if missing else []
    problems += [f"no place for {', '.join(unknown)}"] if unknown else []
    for name, shape in expected.items():
        if name in params and tuple(params[name].shape) != tuple(shape):
            problems.append(f"{name} has shape {tuple(params[name].shape)}, expected {tuple(shape)}")
    return problems
