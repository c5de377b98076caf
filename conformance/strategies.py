"""Inputs for a formula, drawn from its declaration.

`inputs("softmax")` is a hypothesis strategy of `Case`. Small arrays are drawn element by element, so that a failure
shrinks to the smallest one; large ones are made by `make` from a seed and a style, which are drawn. What hurts in
practice is always among them: axes of size 1, ties, huge and tiny values, subnormals, a large mean with a small spread,
non-contiguous and broadcast views. All values are representable in the precision under test.
"""

import importlib
import importlib.util
import math
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gongsik.conformance.bounded import PRECISIONS, Precision
from gongsik.reference.arrays import ADAPTER
from gongsik.spec import Formula, formulas
from gongsik.spec.array import (
    Argument,
    ArrayType,
    Domain,
    Labels,
    OptionType,
    Ordered,
    Range,
    SignedLabels,
    Simplex,
    StateType,
    TreeType,
)
from gongsik.spec.check import explain
from gongsik.spec.errors import DomainError, DtypeError, ShapeError

PRECISION: ContextVar[Precision] = ContextVar("precision", default=PRECISIONS["float32"])
"""The precision for which `inputs` draws; the plugin sets it."""

DISCARDED: Counter[str] = Counter()
"""How many drawn inputs of each formula its own check refused (options that do not fit the axes)."""


@dataclass(frozen=True)
class PerBackend:
    """An argument that has to be made with the functions of the backend: ``make(gs)``."""

    make: Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """Arguments and options of one call. Float arrays are float64, their values representable in the precision.

    `recipes` has, by the `id` of a large array, the expression that makes it again.
    """

    arguments: tuple[Any, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[int, str] = field(default_factory=dict, repr=False)


STYLES = ("normal", "spread", "offset", "ties", "huge", "tiny")


def make(seed: int, style: str, shape: tuple[int, ...], precision: str = "float32") -> np.ndarray:
    """An array of one style, representable in a precision.

    Styles: "normal" (mean 0, spread 1), "spread" (magnitudes from 2^-10 to 2^10), "offset" (mean 1000, spread 1),
    "ties" (few different integers), "huge" (up to 10,000), "tiny" (about the root of the smallest normal number).
    """
    rng = np.random.Generator(np.random.Philox(seed))
    x = rng.standard_normal(shape)
    if style == "spread":
        x = x * 2.0 ** rng.integers(-10, 10, shape)
    elif style == "offset":
        x = x + 1000
    elif style == "ties":
        x = np.rint(x)
    elif style == "huge":
        x = x * 3000
    elif style == "tiny":
        x = x * math.sqrt(PRECISIONS[precision].smallest)
    return PRECISIONS[precision].round(x)


def _to_domain(x: np.ndarray, domain: Domain | None, precision: Precision) -> np.ndarray:
    """Move values into a domain, keeping what is special about them as far as the domain allows."""
    match domain:
        case None:
            return x
        case Range(low, high) if math.isfinite(low) and math.isfinite(high):
            inside = low + (high - low) / (1 + np.exp(-np.clip(x, -30, 30)))
            x = np.where((low <= x) & (x <= high), x, inside)
        case Range(low, high):
            sign = 1 if math.isfinite(low) else -1
            x = (low if sign > 0 else high) + sign * np.abs(x)
        case Simplex():
            e = np.exp(x - x.max(-1, keepdims=True, initial=-np.inf))
            return precision.round(e / e.sum(-1, keepdims=True))
        case SignedLabels():
            return np.where(x >= 0, 1.0, -1.0)
        case Ordered():
            return np.sort(x, -1)
        case _:
            raise TypeError(f"{domain} is not a domain of real numbers")
    x = precision.round(x)
    if domain.low_open:
        x = np.where(x <= domain.low, precision.round(domain.low + 2.0**-7), x)
    if domain.high_open:
        x = np.where(x >= domain.high, precision.round(domain.high - 2.0**-7), x)
    return np.clip(x, domain.low, domain.high)


def _elements(precision: Precision) -> SearchStrategy[float]:
    """Single numbers: mostly ordinary, some of the kind that breaks formulas."""
    special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        0.5,
        1e-4,
        -1e-4,
        100.0,
        -100.0,
        1e4,
        -1e4,
        precision.smallest,
        precision.unit,
    ]
    special += [4 * precision.smallest * precision.unit, 1 + 2 * precision.unit]  # a subnormal; the number after 1
    return st.one_of(
        st.sampled_from([float(precision.round(x)) for x in special]),
        st.integers(-8, 8).map(float),
        st.floats(-16, 16, width=32).map(lambda x: float(precision.round(x))),
    )


@st.composite
def _values(draw: DrawFn, shape: tuple[int, ...], domain: Domain | None, recipes: dict[int, str]) -> np.ndarray:
    precision = PRECISION.get()
    size = math.prod(shape)
    if size <= 12:
        flat = draw(st.lists(_elements(precision), min_size=size, max_size=size))
        return _to_domain(np.array(flat, np.float64).reshape(shape), domain, precision)
    seed, style = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(STYLES))
    x = make(seed, style, shape, precision.name)
    if domain is None:
        recipes[id(x)] = f"make({seed}, {style!r}, {shape}, {precision.name!r})"
        return _view(draw, x)
    return _view(draw, _to_domain(x, domain, precision))


def _view(draw: DrawFn, x: np.ndarray) -> np.ndarray:
    """The array itself or a view that a careless kernel would misread: transposed, strided, broadcast."""
    layout = draw(st.sampled_from(("plain", "plain", "transposed", "strided", "broadcast")))
    if layout == "transposed":
        return x.T.copy().T
    if layout == "strided":
        return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x
    if layout == "broadcast" and x.ndim > 1:
        return np.broadcast_to(x[:1], x.shape)
    return x


@st.composite
def _sizes(draw: DrawFn, formula: Formula) -> dict[str, Any]:
    """A size for every axis; for a variadic one a shape of up to three axes."""
    small = draw(st.booleans()) or draw(st.booleans())
    size = st.integers(1, 3) if small else st.integers(1, 33)
    lowest = 1 if formula.nonempty else 0
    sizes: dict[str, Any] = {}
    for kind in _array_types(formula):
        for dim in kind.dims:
            name = dim.removeprefix("*")
            if name in sizes or not (name.isidentifier() or name == "..."):
                continue
            if dim.startswith("*") or dim == "...":
                axis = st.one_of(size, size, st.just(lowest)) if small else size
                sizes[name] = tuple(draw(st.lists(axis, min_size=0, max_size=3 if small else 2)))
            else:
                sizes[name] = draw(size)
    return sizes


def _array_types(formula: Formula) -> list[ArrayType]:
    found = []
    for argument in formula.positional:
        if isinstance(argument.type, ArrayType):
            found.append(argument.type)
        elif isinstance(argument.type, StateType):
            found += [kind for kind in argument.type.fields.values() if isinstance(kind, ArrayType)]
    return found


def shape_of(kind: ArrayType, sizes: Mapping[str, Any], options: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape that an array type has for given axes and options."""
    shape: list[int] = []
    for dim in kind.dims:
        if dim.startswith("*") or dim == "...":
            shape += sizes[dim.removeprefix("*")]
        elif dim.isdigit():
            shape.append(int(dim))
        elif dim in sizes:
            shape.append(sizes[dim])
        else:
            shape.append(eval(dim, {"__builtins__": {}}, {**options, **sizes}))
    return tuple(shape)


@st.composite
def _array(
    draw: DrawFn, kind: ArrayType, sizes: Mapping[str, Any], options: Mapping[str, Any], recipes: dict[int, str]
) -> np.ndarray:
    shape = shape_of(kind, sizes, options)
    if kind.kind == "float":
        return draw(_values(shape, kind.domain, recipes))
    if kind.kind == "bool":
        elements: SearchStrategy[Any] = st.booleans()
        dtype: type = np.bool_
    else:
        low, high = 0, 1000
        if isinstance(kind.domain, Labels):
            high = sizes[kind.domain.of] - 1
        elif isinstance(kind.domain, Range):
            low = int(max(kind.domain.low, -1000)) + kind.domain.low_open
            high = int(min(kind.domain.high, 1000)) - kind.domain.high_open
        elements, dtype = st.integers(low, high), np.int64
    flat = draw(st.lists(elements, min_size=math.prod(shape), max_size=math.prod(shape)))
    return np.array(flat, dtype).reshape(shape)


@st.composite
def _structure(draw: DrawFn) -> Any:
    """Shapes of a tree: of one array, of a list or of a dict."""
    shape = st.one_of(
        st.lists(st.integers(1, 3), min_size=0, max_size=2), st.lists(st.integers(2, 9), min_size=2, max_size=2)
    ).map(tuple)
    return draw(
        st.one_of(
            shape.map(lambda s: ("array", s)),
            st.lists(shape, min_size=1, max_size=3).map(lambda s: ("list", s)),
            st.lists(shape, min_size=1, max_size=2).map(lambda s: ("dict", s)),
        )
    )


@st.composite
def _tree(draw: DrawFn, structure: Any, domain: Domain | None, recipes: dict[int, str]) -> Any:
    kind, shapes = structure
    if kind == "array":
        return draw(_values(shapes, domain, recipes))
    arrays = [draw(_values(shape, domain, recipes)) for shape in shapes]
    return arrays if kind == "list" else {f"p{i}": array for i, array in enumerate(arrays)}


def _option(argument: Argument) -> SearchStrategy[Any]:
    kind, default = argument.type, argument.default
    if not isinstance(kind, OptionType):
        return st.just(default)
    if kind.choices:
        values: SearchStrategy[Any] = st.sampled_from(kind.choices)
    elif kind.type is bool:
        values = st.booleans()
    elif kind.type is int:
        low = -4 if kind.range is None else int(max(kind.range.low, -4)) + kind.range.low_open
        high = 5 if kind.range is None else int(min(kind.range.high, max(low, 0) + 8)) - kind.range.high_open
        values = st.integers(low, high)
    else:
        values = _real_option(kind.range, None if argument.required else default)
    if not argument.required:
        values = st.one_of(st.just(default), values)
    return st.one_of(st.none(), values) if kind.optional else values


def _real_option(domain: Range | None, default: Any) -> SearchStrategy[float]:
    """A real option: anywhere in a finite range, else within three orders of magnitude of its default."""
    domain = domain or Range()
    if math.isfinite(domain.low) and math.isfinite(domain.high):
        return st.floats(
            domain.low, domain.high, exclude_min=domain.low_open, exclude_max=domain.high_open, allow_subnormal=False
        ).filter(lambda x: x == 0 or abs(x) > 1e-6)
    scale = abs(default) if isinstance(default, int | float) and default else 1.0
    sizes = st.floats(-3, 3).map(lambda e: scale * 10**e)
    if domain.low >= 0:
        sizes = sizes.map(lambda x: x + domain.low)
        return sizes if domain.low_open else st.one_of(st.just(domain.low), sizes)
    return st.one_of(sizes, sizes.map(lambda x: -x))


@st.composite
def derived(draw: DrawFn, formula: Formula) -> Case:
    """Inputs of a formula, from nothing but its declaration."""
    recipes: dict[int, str] = {}
    sizes = draw(_sizes(formula))
    options = {argument.name: draw(_option(argument)) for argument in formula.options}
    structures: dict[str, Any] = {}
    arguments: list[Any] = []
    for argument in formula.positional:
        kind = argument.type
        if argument.optional and draw(st.booleans()):
            arguments.append(None)
        elif isinstance(kind, ArrayType):
            arguments.append(draw(_array(kind, sizes, options, recipes)))
        elif isinstance(kind, TreeType):
            structure = structures.setdefault(kind.name, draw(_structure()))
            arguments.append(draw(_tree(structure, kind.domain, recipes)))
        elif isinstance(kind, StateType):
            parts = {
                name: draw(_array(part, sizes, options, recipes))
                if isinstance(part, ArrayType)
                else draw(_tree(structures[part.name], part.domain, recipes))
                for name, part in kind.fields.items()
            }
            arguments.append(kind.type(**parts))
        else:
            raise TypeError(
                f"{formula.id}: {argument.name} is {kind}; write its inputs in conformance/cases/{formula.chapter}.py"
            )
    try:
        explain(formula, ADAPTER, (*arguments, *options.values()))
    except (DomainError, DtypeError, ShapeError):
        DISCARDED[formula.id] += 1
        reject()
    return Case(tuple(arguments), options, recipes)


@st.composite
def inputs(draw: DrawFn, name: str) -> Case:
    """Strategy of cases for a formula, by its name or id.

    The inputs are derived from the declaration, unless ``gongsik.conformance.cases.<chapter>`` has a function of the
    formula's name, ``(precision) -> SearchStrategy[Case]``.
    """
    formula = find(name)
    written = getattr(_special_cases(formula.chapter), formula.name, None)
    return draw(derived(formula) if written is None else written(PRECISION.get()))


@cache
def _special_cases(chapter: str) -> ModuleType | None:
    name = f"gongsik.conformance.cases.{chapter}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def find(name: str) -> Formula:
    """The formula of a name or id.

    Raises
    ------
    KeyError
        If there is none.
    """
    for id, formula in formulas().items():
        if name in (id, formula.name):
            return formula
    raise KeyError(f"no formula {name!r}")


def interior(rng: np.random.Generator, shape: tuple[int, ...], domain: Domain | None) -> np.ndarray:
    """Random float64 values well inside a domain: around which a formula can be varied in every direction."""
    if isinstance(domain, Range) and math.isfinite(domain.low) and math.isfinite(domain.high):
        return domain.low + (domain.high - domain.low) * rng.uniform(0.1, 0.9, shape)
    if isinstance(domain, Range) and math.isfinite(domain.low):
        return domain.low + rng.uniform(0.1, 2, shape)
    return rng.standard_normal(shape)


def with_special_values(draw: Callable[[SearchStrategy[Any]], Any], formula: Formula, case: Case) -> Case:
    """The case with NaN or infinity at a few places of its float arrays, where the domain allows them."""

    def spoil(x: Any, domain: Domain | None) -> Any:
        if isinstance(x, dict):
            return {key: spoil(value, domain) for key, value in x.items()}
        if isinstance(x, list):
            return [spoil(value, domain) for value in x]
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.size == 0:
            return x
        values = [np.nan] + [
            v for v in (np.inf, -np.inf) if domain is None or (isinstance(domain, Range) and v in domain)
        ]
        x = x.copy()
        for place in draw(st.lists(st.integers(0, x.size - 1), min_size=1, max_size=2)):
            x.flat[place] = draw(st.sampled_from(values))
        return x

    spoiled = [
        spoil(value, argument.type.domain)
        if isinstance(argument.type, ArrayType | TreeType)
        and not isinstance(argument.type.domain, Simplex | SignedLabels)
        else value
        for argument, value in zip(formula.positional, case.arguments, strict=True)
    ]
    return Case(tuple(spoiled), case.options)
