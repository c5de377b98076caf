"""The input check of a formula, made from its declaration.

`implements` compiles one Python expression per formula that is true for good input; it costs about half a microsecond
and does not break a graph. Only when it is false, `explain` goes through the declaration step by step, to name the
argument, what came and what was expected. `explain` has the last word: what it finds nothing wrong with passes.
"""

import ast
import inspect
import linecache
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from gongsik.spec.array import (
    Argument,
    ArrayType,
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
    axis_names,
)
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.formula import Formula
from gongsik.spec.tree import fits, leaves

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class ArrayAdapter:
    """What the check needs to know about a backend's arrays.

    Attributes
    ----------
    dtypes : dict
        For float, int and bool: the dtypes of that kind.
    inside : callable
        ``inside(x, low, high, low_open, high_open)``: whether all values lie in the interval. NaN is data and passes.
        True, too, where looking would stop the device or a trace.
    distribution : callable
        Whether the last axis of `x` sums to 1 up to rounding, with the same exceptions.
    signs : callable
        Whether every value is -1 or +1, with the same exceptions.
    ordered : callable
        Whether the last axis does not decrease, with the same exceptions.
    may_mix : callable
        Whether arrays of several float dtypes are allowed just now (under autocast).
    """

    dtypes: dict[str, frozenset[Any]]
    inside: Callable[[Any, float, float, bool, bool], bool]
    distribution: Callable[[Any], bool]
    signs: Callable[[Any], bool]
    ordered: Callable[[Any], bool]
    may_mix: Callable[[], bool]


def _float_tree(tree: Any, dtypes: frozenset[Any]) -> bool:
    """Whether a container holds float arrays and nothing else."""
    for part in tree.values() if isinstance(tree, dict) else tree:
        dtype = getattr(part, "dtype", None)
        if dtype not in dtypes and not (isinstance(part, dict | list | tuple) and _float_tree(part, dtypes)):
            return False
    return len(tree) > 0


class _Rename(ast.NodeTransformer):
    def __init__(self, axes: set[str]):
        self.axes = axes

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"_{node.id}", node.ctx) if node.id in self.axes else node


def _axes(formula: Formula) -> set[str]:
    """Names of all axes that the arguments bind."""
    types = [argument.type for argument in formula.positional]
    types += [kind for state in types if isinstance(state, StateType) for kind in state.fields.values()]
    return {
        dim.removeprefix("*")
        for kind in types
        if isinstance(kind, ArrayType)
        for dim in kind.dims
        if dim.removeprefix("*").isidentifier() and dim != "_"
    }


def _parts(formula: Formula) -> dict[str, str]:
    """Shapes that are another one or a part of it, as in ``{"target": "_shape_logits[:-1]"}``: one comparison each."""
    whole: dict[tuple[str, ...], str] = {}
    found: dict[str, str] = {}
    for argument in formula.positional:
        if not isinstance(argument.type, ArrayType):
            continue
        dims, name = argument.type.dims, argument.name
        parts = [part for known, shape in whole.items() if (part := _part(dims, known, shape))]
        if parts:
            found[name] = parts[0]
        elif not argument.optional and not {"_", "..."} & set(dims):
            whole[dims] = f"_shape_{name}"
    return found


def _part(dims: tuple[str, ...], known: tuple[str, ...], shape: str) -> str | None:
    """The shape of these axes as a part of a known shape, if they are all of it, or among them a variadic axis."""
    more = len(known) - len(dims)
    if dims == known:
        return shape
    if not any(dim.startswith("*") for dim in dims):
        return None
    if more > 0 and known[:-more] == dims and not any(dim.startswith("*") for dim in known[-more:]):
        return f"{shape}[:-{more}]"
    if more > 0 and known[more:] == dims and not any(dim.startswith("*") for dim in known[:more]):
        return f"{shape}[{more}:]"
    return None


def _shared(formula: Formula, parts: dict[str, str]) -> set[str]:
    """Names of the axes that several shapes have, or a condition or a computed axis."""
    shapes = [a.type.dims for a in formula.positional if isinstance(a.type, ArrayType) and a.name not in parts]
    dims = [dim.removeprefix("*") for shape in shapes for dim in shape]
    computed = [dim for dim in dims if not dim.isidentifier() and dim != "..."]
    expressions = computed + [condition for condition, _ in formula.requires]
    return {dim for dim in dims if dims.count(dim) > 1}.union(*map(axis_names, expressions))


class _Compiler:
    """Conditions of one formula as Python source.

    Axes are local variables with an underscore in front, helpers end in one: neither is in the way of an argument.
    """

    def __init__(self, formula: Formula):
        self.formula = formula
        self.axes = _axes(formula)
        self.parts = _parts(formula)
        self.shared = _shared(formula, self.parts)
        self.bound: set[str] = set()
        self.later: list[str] = []  # conditions on axes that a later argument binds
        self.values: list[str] = []  # conditions that look at values, last because they cost most
        self.float_seen = False
        self.trees: dict[str, str] = {}

    def rename(self, expression: str) -> str:
        return ast.unparse(_Rename(self.axes).visit(ast.parse(expression, mode="eval")))

    def dtype(self, name: str, kind: ArrayType) -> str:
        if kind.kind != "float":
            return f"{name}.dtype in {kind.kind}_dtypes_"
        if self.float_seen:
            return f"{name}.dtype == _dtype"
        self.float_seen = True
        return f"(_dtype := {name}.dtype) in float_dtypes_"

    def shape(self, name: str, kind: ArrayType, optional: bool) -> list[str]:
        if name in self.parts:
            return [f"{name}.shape == {self.parts[name]}"]
        shape, middle = f"_shape_{name}", kind.variadic
        if middle is None and all(dim in self.bound for dim in kind.dims):
            return [f"({shape} := {name}.shape) == ({''.join(f'_{dim}, ' for dim in kind.dims)})"]
        rank = len(kind.dims) if middle is None else len(kind.dims) - 1
        conditions = [f"len({shape} := {name}.shape) {'==' if middle is None else '>='} {rank}"]
        for i, dim in enumerate(kind.dims):
            if i == middle:
                after = len(kind.dims) - 1 - i
                part = f"{shape}[{i}:{f'-{after}' if after else ''}]" if i or after else shape
                axis = dim.removeprefix("*")
                # Slicing costs more than all else here: an axis that only one shape has is left alone.
                if axis in self.shared:
                    conditions += self.bind(axis, part, variadic=True, optional=optional)
                continue
            at = i if middle is None or i < middle else i - len(kind.dims)
            if dim == "_":
                continue
            if dim.isidentifier():
                conditions += self.bind(dim, f"{shape}[{at}]", variadic=False, optional=optional)
            elif dim.isdigit():
                conditions.append(f"{shape}[{at}] == {dim}")
            else:
                self.later.append(f"{shape}[{at}] == {self.rename(dim)}" if not optional else
                                  f"({name} is None or {shape}[{at}] == {self.rename(dim)})")  # fmt: skip
        if self.formula.nonempty:
            conditions.append(f"0 not in {shape}")
        return conditions

    def bind(self, axis: str, part: str, *, variadic: bool, optional: bool) -> list[str]:
        if axis in self.bound:
            return [f"{part} == _{axis}"]
        if not optional:
            self.bound.add(axis)
        return [f"(_{axis} := {part}) is not None"] if variadic else [f"(_{axis} := {part}) >= 1"]

    def domain(self, name: str, domain: Domain | None) -> str | None:
        match domain:
            case Range(low, high, low_open, high_open):
                ends = ", ".join(repr(end).replace("inf", "inf_") for end in (low, high))
                return f"inside_({name}, {ends}, {low_open}, {high_open})"
            case Labels(of):
                return f"inside_({name}, 0, _{of} - 1, False, False)"
            case Simplex():
                return f"inside_({name}, 0.0, inf_, False, True) and distribution_({name})"
            case SignedLabels():
                return f"signs_({name})"
            case Ordered():
                return f"ordered_({name})"
        return None

    def array(self, name: str, kind: ArrayType, optional: bool) -> list[str]:
        conditions = [self.dtype(name, kind), *self.shape(name, kind, optional)]
        value = self.domain(name, kind.domain)
        if value:
            self.values.append(f"({name} is None or {value})" if optional else value)
        return conditions

    def tree(self, name: str, kind: TreeType) -> list[str]:
        if kind.name in self.trees:
            return [self.like(self.trees[kind.name], [name])]
        self.trees[kind.name] = name
        tree, array = f"float_tree_({name}, float_dtypes_)", f"(_shape_{name} := {name}.shape) is not None"
        dtype = f"(_dtype_{name} := getattr({name}, 'dtype', None))"  # of one array, which is the tree then
        return [f"({tree} if {dtype} is None else _dtype_{name} in float_dtypes_ and {array})"]

    def like(self, first: str, others: list[str]) -> str:
        """That trees are like the first one of their kind; a tree that is one array needs no call."""
        trees = [f"fits_({first}, {other})" for other in others]
        arrays = [f"{other}.shape == _shape_{first} and {other}.dtype == _dtype_{first}" for other in others]
        return f"({' and '.join(trees)} if _dtype_{first} is None else {' and '.join(arrays)})"

    def option(self, argument: Argument, kind: OptionType) -> str:
        name = argument.name
        if kind.choices:
            condition = f"{name} in {{{', '.join(map(repr, kind.choices))}}}"
        elif kind.type is float:
            condition = f"isinstance({name}, (float, int))"
        else:
            condition = f"type({name}) is {kind.type.__name__}"
        if kind.range is not None:
            low, high = kind.range.low, kind.range.high
            left = f"{low!r} {'<' if kind.range.low_open else '<='} " if low != -float("inf") else ""
            right = f" {'<' if kind.range.high_open else '<='} {high!r}" if high != float("inf") else ""
            condition += f" and {left}{name}{right}"
        if kind.optional and argument.default is not None:
            condition = f"{name} is None or {condition}"
        # Mostly an option is what it is by default, which is the quickest to see.
        return f"({condition})" if argument.required else f"({name} is default_{name} or {condition})"

    def conditions(self) -> list[str]:
        found: list[str] = []
        for argument in self.formula.positional:
            name, kind = argument.name, argument.type
            match kind:
                case ArrayType():
                    conditions = self.array(name, kind, argument.optional)
                case TreeType():
                    conditions = self.tree(name, kind)
                case StateType():
                    conditions = [f"type({name}) is {kind.type.__name__}"]
                    trees: dict[str, list[str]] = {}
                    for key, part in kind.fields.items():
                        if isinstance(part, TreeType):
                            trees.setdefault(self.trees[part.name], []).append(f"{name}.{key}")
                        else:
                            conditions += [f"{name}.{key}.dtype in {part.kind}_dtypes_", f"{name}.{key}.ndim == 0"]
                    conditions += [self.like(first, others) for first, others in trees.items()]
                case OpaqueType(type=expected) if isinstance(expected, type):
                    conditions = [f"isinstance({name}, {expected.__name__})"]
                case _:
                    continue
            if argument.optional:
                found.append(f"({name} is None or ({' and '.join(conditions)}))")
            else:
                found += conditions
        for argument in self.formula.options:
            if isinstance(argument.type, OptionType):
                found.append(self.option(argument, argument.type))
        found += self.later
        found += [f"({self.rename(condition)})" for condition, _ in self.formula.requires]
        return found + self.values


def implements(declaration: Callable[..., Any], adapter: ArrayAdapter) -> Callable[[F], F]:
    """Make a function the implementation of a declaration: the same signature, with the input check before it.

    Parameters
    ----------
    declaration : function
        A function decorated with `gongsik.spec.formula.formula`.
    adapter : ArrayAdapter
        What the check needs to know about the backend's arrays.

    Raises
    ------
    TypeError
        If names, kinds, order or defaults of the parameters differ from the declaration's.
    """
    formula: Formula = declaration.formula  # pyright: ignore[reportFunctionMemberAccess]

    def wrap(function: F) -> F:
        _same_signature(declaration, function)
        source = _source(formula)
        filename = f"<check of {formula.id} for {function.__module__}>"
        namespace: dict[str, Any] = {
            "explain_": lambda *arguments: explain(formula, adapter, arguments),
            "fits_": fits, "float_tree_": _float_tree, "function_": function, "inf_": float("inf"),
            "inside_": adapter.inside, "distribution_": adapter.distribution, "signs_": adapter.signs,
            "ordered_": adapter.ordered,
            **{f"{kind}_dtypes_": dtypes for kind, dtypes in adapter.dtypes.items()},
            **{f"default_{a.name}": a.default for a in formula.arguments if not a.required},
            **{k.type.__name__: k.type for a in formula.arguments
               if isinstance(k := a.type, StateType) or (isinstance(k, OpaqueType) and isinstance(k.type, type))},
        }  # fmt: skip
        exec(compile(source, filename, "exec"), namespace)
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        checked = namespace[formula.name]
        checked.__module__, checked.__qualname__ = function.__module__, function.__qualname__
        checked.__doc__ = function.__doc__ or declaration.__doc__
        checked.__wrapped__ = function
        checked.__signature__ = inspect.signature(declaration)
        checked.formula = formula
        return checked

    return wrap


def _same_signature(declaration: Callable[..., Any], function: Callable[..., Any]) -> None:
    def facts(f: Callable[..., Any]) -> list[tuple[Any, ...]]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(f).parameters.values()]

    if facts(declaration) != facts(function):
        raise TypeError(
            f"{function.__module__}.{function.__name__}{inspect.signature(function)} is not "
            f"the signature of the declaration, {inspect.signature(declaration)}"
        )


def _source(formula: Formula) -> str:
    """Source of the checked function: one condition, and the call."""
    parameters, call = [], []
    for argument in formula.arguments:
        if argument.option and "*" not in parameters:
            parameters.append("*")
        parameters.append(argument.name if argument.required else f"{argument.name}=default_{argument.name}")
        call.append(f"{argument.name}={argument.name}" if argument.option else argument.name)
        if argument is formula.positional[-1]:
            parameters.append("/")
    conditions = _Compiler(formula).conditions() or ["True"]
    names = ", ".join(argument.name for argument in formula.arguments)
    return (
        f"def {formula.name}({', '.join(parameters)}):\n"
        "    try:\n"
        f"        good = {' and '.join(conditions)}\n"
        "    except (AttributeError, IndexError, NameError, TypeError, ValueError, ZeroDivisionError):\n"
        "        good = False\n"
        "    if not good:\n"
        f"        explain_({names})\n"
        f"    return function_({', '.join(call)})\n"
    )


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
        return eval(expression, {"__builtins__": {"len": len, "min": min, "max": max}}, {**self.given, **self.sizes})

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
            case Labels(of):
                if not adapter.inside(value, 0, self.sizes[of] - 1, False, False):
                    self.fail(DomainError, f"{name} has a label that is not in [0, {of}){self.known({of})}")
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

    def option(self, argument: Argument, value: Any) -> None:
        kind, name = argument.type, argument.name
        if not isinstance(kind, OptionType) or (value is None and kind.optional):
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
        for name, value, kind in arrays:
            self.computed_axes(name, tuple(value.shape), kind)
        for condition, words in self.formula.requires:
            if not self.evaluate(condition):
                self.fail(DomainError, f"expected {words}{self.known(axis_names(condition))}")
        for name, value, kind in arrays:
            self.domain(name, value, kind.domain)


def explain(formula: Formula, adapter: ArrayAdapter, arguments: Iterable[Any]) -> None:
    """Say what is wrong with a call, if anything is.

    Parameters
    ----------
    formula : Formula
        The declaration.
    adapter : ArrayAdapter
        What the check needs to know about the backend's arrays.
    arguments : iterable
        One value per argument of the formula, in order, options included.

    Raises
    ------
    ShapeError, DtypeError, DomainError
        With the formula, the argument, what came and what was expected.
    """
    _Explainer(formula, adapter, arguments).run()


def _kind_words(kind: str) -> str:
    return {"float": "a float dtype", "int": "an integer dtype", "bool": "bool"}[kind]


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiouAEIOU' else 'a'} {word}"
