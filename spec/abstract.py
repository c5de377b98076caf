"""What is known of a result before anything is computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import ArrayType, OpaqueType
from gongsik.spec.explain import explain
from gongsik.spec.expression import evaluate
from gongsik.spec.formula import Formula

__all__ = ["result_shapes", "shape_of"]


@dataclass(frozen=True)
class _Shape:
    """An array of which nothing but the shape and the kind is known."""

    shape: tuple[int, ...]
    dtype: str


_ADAPTER = ArrayAdapter(
    dtypes={kind: frozenset([kind]) for kind in ("float", "int", "bool")},
    inside=lambda x, low, high, low_open, high_open: True,
    distribution=lambda x: True,
    signs=lambda x: True,
    ordered=lambda x: True,
    corners=lambda x: True,
    may_mix=lambda: False,
)


def shape_of(
    formula: Formula, kind: ArrayType, sizes: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[int, ...]:
    """The shape of an argument or a result, for given axes and options."""
    shape: list[int] = []
    for dim in kind.dims:
        if dim in formula.axes and dim.startswith("*"):
            shape += evaluate(formula, formula.axes[dim], {**options, **sizes})
        elif dim.startswith("*") or dim == "...":
            shape += sizes[dim.removeprefix("*")]
        elif dim.isdigit():
            shape.append(int(dim))
        elif dim in sizes:
            shape.append(sizes[dim])
        else:
            shape.append(evaluate(formula, formula.axes.get(dim, dim), {**options, **sizes}))
    return tuple(shape)


def result_shapes(
    declaration: Callable[..., Any], /, *arguments: Any, **options: Any
) -> tuple[tuple[int, ...] | None, ...]:
    """Shapes of the results for the shapes of the arguments, from the declaration alone.

    Parameters
    ----------
    declaration : function
        A function of the spec.
    arguments : tuple of int
        The shape of every array, or `None` where one is left out.
    options
        As in a call.

    Returns
    -------
    tuple
        One shape per result; `None` for a result that is not one array.

    Raises
    ------
    ShapeError, DomainError
        If the arguments do not fit, as in a call.

    Examples
    --------
    >>> from gongsik.spec.network import linear
    >>> result_shapes(linear, (8, 3), (4, 3), (4,))
    ((8, 4),)
    """
    formula: Formula = declaration.formula  # pyright: ignore[reportFunctionMemberAccess]
    values = [
        value if value is None or not isinstance(argument.type, ArrayType) else _Shape(value, argument.type.kind)
        for argument, value in zip(formula.positional, arguments, strict=True)
    ]
    chosen = {option.name: options.get(option.name, option.default) for option in formula.options}
    if unknown := set(options) - set(chosen):
        raise TypeError(f"{formula.name} has no option {', '.join(sorted(unknown))}")
    sizes = explain(formula, _ADAPTER, (*values, *chosen.values()))
    for argument, value in zip(formula.positional, values, strict=True):
        if isinstance(argument.type, OpaqueType):
            chosen[argument.name] = value  # a configuration, from which sizes are computed, too
    return tuple(
        shape_of(formula, kind, sizes, chosen) if isinstance(kind, ArrayType) else None for kind in formula.results
    )
