"""The input check of a formula, made from its declaration.

`implements` compiles one Python expression per formula that is true for good input; it costs about half a microsecond
and does not break a graph. Only when it is false, `explain` goes through the declaration step by step, to name the
argument, what came and what was expected. `explain` has the last word: what it finds nothing wrong with passes.
"""

import inspect
import linecache
import math
from collections.abc import Callable
from typing import Any, TypeVar

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
from gongsik.spec.explain import explain
from gongsik.spec.expression import axis_names, functions, local
from gongsik.spec.formula import Formula
from gongsik.spec.tree import fits

D = TypeVar("D", bound=Callable[..., Any])


def _float_tree(tree: Any, dtypes: frozenset[Any]) -> bool:
    """Whether a container holds float arrays and nothing else."""
    for part in tree.values() if isinstance(tree, dict) else tree:
        dtype = getattr(part, "dtype", None)
        if dtype not in dtypes and not (isinstance(part, dict | list | tuple) and _float_tree(part, dtypes)):
            return False
    return len(tree) > 0


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


def _expressions(formula: Formula) -> list[str]:
    """Everything that is computed of axes and options: axes of arguments, and conditions."""
    dims = [dim for a in formula.positional if isinstance(a.type, ArrayType) for dim in a.type.dims]
    computed = [dim for dim in dims if not dim.removeprefix("*").isidentifier() and dim != "..."]
    return computed + [condition for condition, _ in formula.requires]


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
        return local(self.formula, expression, self.axes)

    def dtype(self, name: str, kind: ArrayType) -> str:
        if kind.kind != "float":
            return f"{name}.dtype in {kind.kind}_dtypes_"
        if self.float_seen:
            return f"{name}.dtype is _dtype"  # equal ones mostly are one object; else `explain` finds them equal
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
            case Labels(of, first):
                return f"inside_({name}, {first}, ({self.rename(of)}) - {1 - first}, False, False)"
            case Simplex():
                return f"inside_({name}, 0.0, inf_, False, True) and distribution_({name})"
            case SignedLabels():
                return f"signs_({name})"
            case Ordered():
                return f"ordered_({name})"
            case Corners():
                return f"corners_({name})"
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
        arrays = []
        for other in others:
            local = f"_{other.replace('.', '_')}"  # an attribute of a state is looked up once
            arrays.append(f"({local} := {other}).shape == _shape_{first} and {local}.dtype is _dtype_{first}")
        return f"({' and '.join(trees)} if _dtype_{first} is None else {' and '.join(arrays)})"

    def option(self, argument: Argument, kind: OptionType) -> str:
        name = argument.name
        if kind.per_axis:
            pair = " and ".join(self.number(f"{name}[{i}]", kind) for i in (0, 1))
            condition = f"{self.number(name, kind)} or type({name}) is tuple and len({name}) == 2 and {pair}"
            if kind.choices:
                condition += f" or {name} in {kind.choices!r}"
        elif kind.choices:
            condition = f"{name} in {{{', '.join(map(repr, kind.choices))}}}"
        else:
            condition = self.number(name, kind)
        if kind.optional and argument.default is not None:
            condition = f"{name} is None or {condition}"
        # Mostly an option is what it is by default, which is the quickest to see.
        return f"({condition})" if argument.required else f"({name} is default_{name} or {condition})"

    def number(self, value: str, kind: OptionType) -> str:
        typed = f"isinstance({value}, (float, int))" if kind.type is float else f"type({value}) is {kind.type.__name__}"
        if kind.range is None:
            return typed
        low, high = (kind.type(end) if math.isfinite(end) else end for end in (kind.range.low, kind.range.high))
        left = f"{low!r} {'<' if kind.range.low_open else '<='} " if low != -float("inf") else ""
        right = f" {'<' if kind.range.high_open else '<='} {high!r}" if high != float("inf") else ""
        return f"{typed} and {left}{value}{right}"

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


def implements(declaration: D, adapter: ArrayAdapter) -> Callable[[Callable[..., Any]], D]:
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

    def wrap(function: Callable[..., Any]) -> D:
        _same_signature(declaration, function)
        source = _source(formula)
        filename = f"<check of {formula.id} for {function.__module__}>"
        namespace: dict[str, Any] = {
            "explain_": lambda *arguments: explain(formula, adapter, arguments),
            "fits_": fits, "float_tree_": _float_tree, "function_": function, "inf_": float("inf"),
            "inside_": adapter.inside, "distribution_": adapter.distribution, "signs_": adapter.signs,
            "ordered_": adapter.ordered, "corners_": adapter.corners,
            **{name: f for expression in _expressions(formula) for name, f in functions(formula, expression).items()},
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
