"""Why an input is not what a declaration asks for, found step by step.

`gongsik.spec.check` calls `explain` only when its quick condition is false. It names the argument, what came and what
was expected.
"""

from collections.abc import Iterable
from typing import Any, NoReturn

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import (
    Argument,
    ArrayType,
    Corners,
    Domain,
    Labels,
    OpaqueType,
    OptionType,
    Ordered,
    Range,
    SignedLabels,
    Simplex,
    StateType,
    TreeType,
)
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.expression import axis_names, evaluate
from gongsik.spec.formula import Formula
from gongsik.spec.tree import fits, leaves


class _Explainer:
    """One call, held against the declaration argument by argument."""

    def __init__(self, formula: Formula, adapter: ArrayAdapter, arguments: Iterable[Any]):
        self.formula, self.adapter = formula, adapter
        self.given = dict(zip((argument.name for argument in formula.arguments), arguments, strict=True))
        self.sizes: dict[str, Any] = {}  # axis -> size, or shape for a variadic axis
        self.origin: dict[str, str] = {}  # axis -> the argument that bound it
        self.first_float: tuple[str, Any] | None = None
        self.trees: dict[str, tuple[str, Any]] = {}

    def fail(self, error: type[ValueError], text: str) -> NoReturn:
        raise error(f"{self.formula.name}: {text}")

    def known(self, names: Iterable[str]) -> str:
        """What the named axes and options are, for the end of a message."""
        parts = [f"{n}={self.sizes[n]} (from {self.origin[n]})" for n in sorted(names) if n in self.sizes]
        parts += [f"{n}={self.given[n]!r}" for n in sorted(names) if n not in self.sizes and n in self.given]
        return f" with {', '.join(parts)}" if parts else ""

    def dtype(self, name: str, value: Any, kind: str) -> None:
        if not hasattr(value, "dtype") or not hasattr(value, "shape"):
            self.fail(DtypeError, f"{name} is {_article(type(value).__name__)}, expected an array")
        if value.dtype not in self.adapter.dtypes[kind]:
            self.fail(DtypeError, f"{name} has dtype {value.dtype}, expected {_kind_words(kind)}")
        if kind == "float":
            self.same_dtype(name, value.dtype)

    def same_dtype(self, name: str, dtype: Any) -> None:
        if self.first_float is None:
            self.first_float = (name, dtype)
        elif dtype != self.first_float[1] and not self.adapter.may_mix():
            first, expected = self.first_float
            self.fail(DtypeError, f"{name} has dtype {dtype}, expected {expected} as {first} has")

    def shape(self, name: str, shape: tuple[int, ...], kind: ArrayType) -> None:
        middle = kind.variadic
        rank = len(kind.dims) - (middle is not None)
        words = kind
        names = set().union(
            *(axis_names(d) for d in kind.dims if not d.startswith(("*", ".")) and not d.isdigit() and d != "_")
        )
        names |= {d[1:] for d in kind.dims if d.startswith("*")}
        expected = f"expected {words}"
        if len(shape) != rank if middle is None else len(shape) < rank:
            what = f"{rank} axes" if middle is None else f"at least {rank} axes"
            if name not in self.origin.values():
                names = {n for n in names if n in self.sizes}
            self.fail(ShapeError, f"{name} has shape {tuple(shape)}, expected {words}, {what}{self.known(names)}")
        for i, dim in enumerate(kind.dims):
            if i == middle:
                stop = len(shape) - (len(kind.dims) - 1 - i)
                self.bind(name, dim.removeprefix("*"), tuple(shape[i:stop]), tuple(shape), expected, names)
                continue
            size = shape[i if middle is None or i < middle else i - len(kind.dims)]
            if dim.isidentifier() and dim != "_":
                if size < 1:
                    self.fail(ShapeError, f"{name} has shape {tuple(shape)}, expected {words} with {dim} at least 1")
                self.bind(name, dim, size, tuple(shape), expected, names)
            elif dim.isdigit() and size != int(dim):
                self.fail(ShapeError, f"{name} has shape {tuple(shape)}, {expected}{self.known(names)}")
        if self.formula.nonempty and 0 in shape:
            self.fail(ShapeError, f"{name} has shape {tuple(shape)}, expected at least one element")

    def bind(self, name: str, axis: str, size: Any, shape: Any, expected: str, names: set[str]) -> None:
        if axis == "...":
            return
        if axis not in self.sizes:
            self.sizes[axis], self.origin[axis] = size, name
        elif self.sizes[axis] != size:
            known = {n for n in names if self.origin.get(n) != name}
            self.fail(ShapeError, f"{name} has shape {shape}, {expected}{self.known(known)}")

    def evaluate(self, expression: str) -> Any:
        return evaluate(self.formula, expression, {**self.given, **self.sizes})

    def computed_axes(self, name: str, shape: tuple[int, ...], kind: ArrayType) -> None:
        for i, dim in enumerate(kind.dims):
            if dim.startswith(("*", ".")) or dim.isidentifier() or dim.isdigit():
                continue
            at = i if kind.variadic is None or i < kind.variadic else i - len(kind.dims)
            if shape[at] != self.evaluate(dim):
                names = set().union(*(axis_names(d) for d in kind.dims if not d.startswith(("*", "."))))
                names = {n for n in names if self.origin.get(n) != name or n in axis_names(dim)}
                self.fail(ShapeError, f"{name} has shape {tuple(shape)}, expected {kind}{self.known(names)}")

    def domain(self, name: str, value: Any, domain: Domain | None) -> None:
        adapter = self.adapter
        match domain:
            case Range(low, high, low_open, high_open):
                if not adapter.inside(value, low, high, low_open, high_open):
                    self.fail(DomainError, f"{name} has a value that is not {domain}")
            case Labels(of, first):
                last = self.evaluate(of) + first - 1
                if not adapter.inside(value, first, last, False, False):
                    values = f"value that is not in [{first}, {of if first == 1 else last}]"
                    expected = values if first else f"label that is not in [0, {of})"
                    self.fail(DomainError, f"{name} has a {expected}{self.known(axis_names(of))}")
            case Simplex():
                if not adapter.inside(value, 0.0, float("inf"), False, True):
                    self.fail(DomainError, f"{name} has a negative or infinite value, expected probabilities")
                if not adapter.distribution(value):
                    self.fail(DomainError, f"{name} does not sum to 1 along its last axis")
            case SignedLabels():
                if not adapter.signs(value):
                    self.fail(DomainError, f"{name} has a value that is neither -1 nor +1")
            case Ordered():
                if not adapter.ordered(value):
                    self.fail(DomainError, f"{name} decreases along its last axis")
            case Corners():
                if not adapter.corners(value):
                    axis = "y" if adapter.ordered(value[..., ::2]) else "x"
                    self.fail(DomainError, f"{name} has a box with {axis}2 < {axis}1")

    def option(self, argument: Argument, value: Any) -> None:
        kind, name = argument.type, argument.name
        if not isinstance(kind, OptionType) or (value is None and kind.optional):
            return
        if kind.per_axis:
            self.pair(name, value, kind)
            return
        if kind.choices:
            if value not in kind.choices:
                self.fail(DomainError, f"{name} is {value!r}, expected one of {', '.join(map(repr, kind.choices))}")
            return
        if kind.type is float and getattr(value, "shape", None) == ():
            return  # a 0-d array: its value may be on a device or part of a trace
        is_number = isinstance(value, int | float) or (hasattr(value, "__index__") and kind.type is int)
        if kind.type in (float, int):
            good = is_number and not (kind.type is int and isinstance(value, float | bool))
        else:
            good = isinstance(value, kind.type)
        if not good:
            self.fail(DtypeError, f"{name} is {value!r}, expected {_article(kind.type.__name__)}")
        if kind.range is not None and value not in kind.range:
            self.fail(DomainError, f"{name} is {value!r}, expected {_article(kind.type.__name__)} {kind.range}")

    def pair(self, name: str, value: Any, kind: OptionType) -> None:
        if isinstance(value, str) and value in kind.choices:
            return
        numbers = value if isinstance(value, tuple) and len(value) == 2 else (value,)
        range_ = f" {kind.range}" if kind.range else ""
        expected = " or ".join([f"an int{range_}, a pair of them", *map(repr, kind.choices)])
        if not all(hasattr(x, "__index__") and not isinstance(x, bool) for x in numbers):
            self.fail(
                DomainError if isinstance(value, str) and kind.choices else DtypeError,
                f"{name} is {value!r}, expected {expected}",
            )
        if kind.range is not None and not all(x in kind.range for x in numbers):
            self.fail(DomainError, f"{name} is {value!r}, expected {expected}")

    def tree(self, name: str, value: Any, kind: TreeType) -> None:
        arrays = leaves(value)
        if not arrays:
            self.fail(ShapeError, f"{name} holds no array")
        for array in arrays:
            if not hasattr(array, "dtype") or not hasattr(array, "shape"):
                self.fail(DtypeError, f"{name} holds {_article(type(array).__name__)}, expected float arrays")
            if array.dtype not in self.adapter.dtypes["float"]:
                self.fail(DtypeError, f"{name} holds an array of dtype {array.dtype}, expected float arrays")
        if kind.name not in self.trees:
            self.trees[kind.name] = (name, value)
            return
        first, expected = self.trees[kind.name]
        theirs = leaves(expected)
        if len(arrays) != len(theirs):
            self.fail(ShapeError, f"{name} has {len(arrays)} arrays, expected {len(theirs)} as {first} has")
        for i, (array, other) in enumerate(zip(arrays, theirs, strict=True)):
            at = f"{name}[{i}]" if len(arrays) > 1 else name
            if tuple(array.shape) != tuple(other.shape):
                self.fail(
                    ShapeError, f"{at} has shape {tuple(array.shape)}, expected {tuple(other.shape)} as {first} has"
                )
            if array.dtype != other.dtype:
                self.fail(DtypeError, f"{at} has dtype {array.dtype}, expected {other.dtype} as {first} has")
        try:
            nested_alike = fits(expected, value)
        except AttributeError:  # an array at the place of a container
            nested_alike = False
        if not nested_alike:
            self.fail(ShapeError, f"{name} is nested differently from {first}")

    def state(self, name: str, value: Any, kind: StateType) -> None:
        if not isinstance(value, kind.type):
            self.fail(
                DtypeError,
                f"{name} is {_article(type(value).__name__)}, expected {_article(kind.type.__name__)} or None",
            )
        for key, part in kind.fields.items():
            item = getattr(value, key)
            if isinstance(part, TreeType):
                self.tree(f"{name}.{key}", item, part)
            elif getattr(item, "shape", None) != ():
                self.fail(ShapeError, f"{name}.{key} must be an array without axes")
            elif item.dtype not in self.adapter.dtypes[part.kind]:
                self.fail(DtypeError, f"{name}.{key} has dtype {item.dtype}, expected {_kind_words(part.kind)}")

    def run(self) -> None:
        arrays = []
        for argument in self.formula.positional:
            name, kind, value = argument.name, argument.type, self.given[argument.name]
            if value is None and argument.optional:
                continue
            match kind:
                case ArrayType():
                    self.dtype(name, value, kind.kind)
                    self.shape(name, tuple(value.shape), kind)
                    arrays.append((name, value, kind))
                case TreeType():
                    self.tree(name, value, kind)
                case StateType():
                    self.state(name, value, kind)
                case OpaqueType(type=expected) if isinstance(expected, type) and not isinstance(value, expected):
                    self.fail(
                        DtypeError,
                        f"{name} is {_article(type(value).__name__)}, expected {_article(expected.__name__)}",
                    )
        for argument in self.formula.options:
            self.option(argument, self.given[argument.name])
        for condition, words in self.formula.requires:  # first: without them an axis may not be computable
            if not self.evaluate(condition):
                self.fail(DomainError, f"expected {words}{self.known(axis_names(condition))}")
        for name, value, kind in arrays:
            self.computed_axes(name, tuple(value.shape), kind)
        for name, value, kind in arrays:
            self.domain(name, value, kind.domain)


def explain(formula: Formula, adapter: ArrayAdapter, arguments: Iterable[Any]) -> dict[str, Any]:
    """Say what is wrong with a call, if anything is; else how large its axes are.

    Parameters
    ----------
    formula : Formula
        The declaration.
    adapter : ArrayAdapter
        What the check needs to know about the backend's arrays.
    arguments : iterable
        One value per argument of the formula, in order, options included.

    Returns
    -------
    dict
        The size of every axis, or the sizes of a variadic one, by its name.

    Raises
    ------
    ShapeError, DtypeError, DomainError
        With the formula, the argument, what came and what was expected.
    """
    call = _Explainer(formula, adapter, arguments)
    call.run()
    return call.sizes


def _kind_words(kind: str) -> str:
    return {"float": "a float dtype", "int": "an integer dtype", "bool": "bool"}[kind]


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"
