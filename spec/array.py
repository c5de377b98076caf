"""The vocabulary of a declaration: kinds of array, domains of values, ranges of options.

Array types are jaxtyping's: ``Float[Array, "*batch d"]`` is an array of real numbers whose last axis is called `d`.
Inside one declaration an axis name stands for one size, and an expression such as ``c//groups`` is computed from axes
and options. Domains and ranges are attached with `typing.Annotated`; those of `annotated_types` (`Ge`, `Interval`, ...)
mean the same for an array, element by element, as for a number.
"""

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import jaxtyping
from annotated_types import Ge, Gt, Interval, Le, Lt

T = TypeVar("T")

if TYPE_CHECKING:
    Array: TypeAlias = Any
else:

    class Array:
        """Any array: NumPy's, PyTorch's, or a type that computes with errors or records a graph."""


@dataclass(frozen=True)
class Simplex:
    """The last axis holds a probability distribution: no negative element, sum 1 up to rounding."""


@dataclass(frozen=True)
class Labels:
    """As many integers as `of` says, from `first` on: positions count from 0, lengths from 1.

    `of` is an axis, an option, or an expression of these and of a configuration: ``config.vocab``.
    """

    of: str
    first: int = 0


@dataclass(frozen=True)
class SignedLabels:
    """Every element is -1 or +1."""


@dataclass(frozen=True)
class Ordered:
    """The last axis does not decrease."""


@dataclass(frozen=True)
class Corners:
    """The last axis holds (x1, y1, x2, y2), two corners of a box, of which the second lies nowhere before the first."""


@dataclass(frozen=True)
class Finite:
    """No infinity, and where `nan` is false no NaN. Nobody checks it: looking costs a pass, and on a GPU a wait."""

    nan: bool = True


@dataclass(frozen=True)
class Tree:
    """One float array, or a list, tuple or dict of float arrays; trees of a call that share `name` have one shape."""

    name: str


@dataclass(frozen=True)
class PerAxis:
    """An option that is one number for both axes of an image, or a pair of them: (vertical, horizontal)."""


Pair: TypeAlias = Annotated[int | tuple[int, int], PerAxis()]
Probability = Interval(ge=0, le=1)
Uniform = Interval(ge=0, le=1)
"""Draws from [0, 1). In a format with few digits the largest of them become 1, which is therefore allowed."""
Params: TypeAlias = Annotated[Any, Tree("params")]
Positive = Annotated[T, Gt(0)]
NonNegative = Annotated[T, Ge(0)]
Decay = Annotated[T, Interval(ge=0, lt=1)]
"""A factor by which a running quantity fades each step: 0 forgets everything, 1 (excluded) nothing."""


@dataclass(frozen=True)
class Range:
    """An interval of numbers; an end that is `open` does not belong to it."""

    low: float = -float("inf")
    high: float = float("inf")
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, x: float) -> bool:
        above = self.low < x if self.low_open else self.low <= x
        below = x < self.high if self.high_open else x <= self.high
        return above and below

    def __and__(self, other: "Range") -> "Range":
        """What lies in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Range(low, high, low_open, not high_closed)

    def __str__(self) -> str:
        if self.high == float("inf"):
            return f"{'>' if self.low_open else '>='} {self.low:g}"
        if self.low == -float("inf"):
            return f"{'<' if self.high_open else '<='} {self.high:g}"
        return f"in {'(' if self.low_open else '['}{self.low:g}, {self.high:g}{')' if self.high_open else ']'}"


Domain: TypeAlias = Range | Simplex | Labels | SignedLabels | Ordered | Corners | Finite


@dataclass(frozen=True)
class ArrayType:
    """An array argument or result: `kind` is float, int or bool; `dims` the axes as they are written."""

    kind: Literal["float", "int", "bool"]
    dims: tuple[str, ...]
    domain: Domain | None = None

    @property
    def variadic(self) -> int | None:
        """Position of the axis that stands for any number of axes."""
        return next((i for i, dim in enumerate(self.dims) if dim == "..." or dim.startswith("*")), None)

    def __str__(self) -> str:
        return f"({', '.join(self.dims)}{',' if len(self.dims) == 1 else ''})"


@dataclass(frozen=True)
class TreeType:
    """A `Tree` argument or result."""

    name: str
    domain: Domain | None = None


@dataclass(frozen=True)
class StateType:
    """A `NamedTuple` of arrays and trees; as an argument it may be `None`, which means: before the first step."""

    type: type
    fields: Mapping[str, "ArrayType | TreeType"]


@dataclass(frozen=True)
class OptionType:
    """A keyword option: its Python type, its range or choices, and whether `None` is allowed.

    With `per_axis` it is a number, a pair of numbers, or one of the choices.
    """

    type: type
    range: Range | None = None
    choices: tuple[Any, ...] = ()
    optional: bool = False
    per_axis: bool = False


@dataclass(frozen=True)
class OpaqueType:
    """A configuration, a dict of parameters or a function: checked by `isinstance` (or not at all for `Any`)."""

    type: Any


Type: TypeAlias = ArrayType | TreeType | StateType | OptionType | OpaqueType


@dataclass(frozen=True)
class Argument:
    """One parameter of a formula. `optional` arrays may be `None`."""

    name: str
    type: Type
    default: Any = inspect.Parameter.empty
    option: bool = False
    optional: bool = False

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


_KINDS: dict[Any, Literal["float", "int", "bool"]] = {
    jaxtyping.Float: "float", jaxtyping.Int: "int", jaxtyping.Bool: "bool"
}  # fmt: skip


def _range(constraint: Any) -> Range | None:
    """A constraint of `annotated_types` as a `Range`; None if it is not one."""
    if not isinstance(constraint, Gt | Ge | Lt | Le | Interval):
        return None
    ends = {end: getattr(constraint, end, None) for end in ("gt", "ge", "lt", "le")}
    low = ends["ge"] if ends["gt"] is None else ends["gt"]
    high = ends["le"] if ends["lt"] is None else ends["lt"]
    return Range(
        -float("inf") if low is None else float(low),
        float("inf") if high is None else float(high),
        low_open=ends["gt"] is not None,
        high_open=ends["lt"] is not None,
    )


def _domain(metadata: tuple[Any, ...]) -> Domain | None:
    ranges = []
    for item in metadata:
        if isinstance(item, Simplex | Labels | SignedLabels | Ordered | Corners | Finite):
            return item
        if (found := _range(item)) is not None:
            ranges.append(found)
    return functools.reduce(Range.__and__, ranges) if ranges else None


def _array(annotation: Any) -> ArrayType | None:
    """A jaxtyping annotation as an `ArrayType`; None if it is not one."""
    text = getattr(annotation, "dim_str", None)
    if text is None:
        return None
    kind = next(kind for base, kind in _KINDS.items() if annotation.dtypes == base.dtypes)
    return ArrayType(kind, tuple(text.split()))


def pair(option: int | tuple[int, int], /) -> tuple[int, int]:
    """The value of an option per axis as (vertical, horizontal).

    >>> pair(2), pair((1, 3))
    ((2, 2), (1, 3))
    """
    return option if isinstance(option, tuple) else (option, option)


def read_annotation(annotation: Any) -> tuple[Type, bool]:
    """What an annotation declares, and whether `None` is allowed beside it."""
    metadata: tuple[Any, ...] = ()
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata += tuple(more)
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not type(None)]
            if any(isinstance(item, PerAxis) for item in metadata):
                choices = next((get_args(member) for member in members if get_origin(member) is Literal), ())
                domain = _domain(metadata)
                assert domain is None or isinstance(domain, Range)
                optional = optional or len(members) < len(get_args(annotation))
                return OptionType(members[0], domain, choices, optional, per_axis=True), optional
            if len(members) != 1:
                raise TypeError(f"a declaration can say `X | None`, not {annotation}")
            optional, annotation = True, members[0]
        else:
            break
    array = _array(annotation)
    if array is not None:
        return ArrayType(array.kind, array.dims, _domain(metadata)), optional
    tree = next((item for item in metadata if isinstance(item, Tree)), None)
    if tree is not None:
        return TreeType(tree.name, _domain(metadata)), optional
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return OptionType(type(choices[0]), choices=choices, optional=optional), optional
    if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        hints = get_type_hints(annotation, include_extras=True)
        fields = {name: read_annotation(hint)[0] for name, hint in hints.items()}
        return StateType(annotation, types.MappingProxyType(fields)), optional  # pyright: ignore[reportArgumentType]
    if annotation in (float, int, bool, str):
        domain = _domain(metadata)
        return OptionType(annotation, domain if isinstance(domain, Range) else None, optional=optional), optional
    return OpaqueType(annotation), optional


def read_signature(function: Callable[..., Any]) -> tuple[tuple[Argument, ...], tuple[Type, ...]]:
    """Arguments and results that a declaration's signature states.

    Raises
    ------
    TypeError
        If the declaration breaks a rule: arrays are positional-only, options are keyword-only.
    """
    hints = get_type_hints(function, include_extras=True)
    arguments = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind, optional = read_annotation(hints[name])
        option = parameter.kind is parameter.KEYWORD_ONLY
        if not option and parameter.kind is not parameter.POSITIONAL_ONLY:
            raise TypeError(f"{function.__name__}: {name} must be positional-only (before /) or keyword-only (after *)")
        if isinstance(kind, OptionType) and not option:
            raise TypeError(f"{function.__name__}: {name} is an option and must be keyword-only")
        arguments.append(Argument(name, kind, parameter.default, option, optional))
    result = hints.get("return")
    if get_origin(result) is tuple:
        results = tuple(read_annotation(part)[0] for part in get_args(result))
    else:
        results = (read_annotation(result)[0],)
    return tuple(arguments), results
