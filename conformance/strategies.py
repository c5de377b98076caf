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
from typing import Any, TypeAlias

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gongsik.conformance.bounded import PRECISIONS, Precision
from gongsik.reference.arrays import ADAPTER
from gongsik.spec import Formula, formulas
from gongsik.spec.abstract import shape_of
from gongsik.spec.array import (
    ArrayType,
    Corners,
    Domain,
    Finite,
    Labels,
    OptionType,
    Ordered,
    Range,
    SignedLabels,
    Simplex,
    StateType,
    TreeType,
)
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.explain import explain
from gongsik.spec.expression import axis_names, evaluate

__all__ = [
    "Case", "Ordered", "PerBackend", "Range", "SignedLabels", "Simplex", "find", "from_declaration", "inputs",
    "interior", "make", "make_integers", "with_special_values",
]  # fmt: skip

PRECISION: ContextVar[Precision] = ContextVar("precision", default=PRECISIONS["float32"])
"""The precision for which `inputs` draws; the plugin sets it."""

Draw: TypeAlias = Callable[[SearchStrategy[Any]], Any]

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


LAYOUTS = ("plain", "plain", "transposed", "strided", "broadcast")
STYLES = ("normal", "spread", "offset", "ties", "huge", "tiny")


def make(
    seed: int, style: str, shape: tuple[int, ...], precision: str, domain: Domain | None = None, layout: str = "plain"
) -> np.ndarray:
    """An array of one style, representable in a precision, moved into a domain, as a view of some layout.

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
    x = PRECISIONS[precision].round(x)
    return view(np.asarray(x if domain is None else _to_domain(x, domain, PRECISIONS[precision])), layout)


def make_integers(seed: int, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    """Integers from `low` to `high`, both included."""
    return np.random.Generator(np.random.Philox(seed)).integers(low, high, shape, endpoint=True)


def _to_domain(x: np.ndarray, domain: Domain | None, precision: Precision) -> np.ndarray:
    """Move values into a domain, keeping what is special about them as far as the domain allows."""
    match domain:
        case None | Finite():
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
        case Corners():
            return np.concatenate([np.minimum(x[..., :2], x[..., 2:]), np.maximum(x[..., :2], x[..., 2:])], -1)
        case _:
            raise TypeError(f"{domain} is not a domain of real numbers")
    x = precision.round(x)
    if domain.low_open:
        x = np.where(x <= domain.low, precision.round(domain.low + 2.0**-7), x)
    if domain.high_open:
        x = np.where(x >= domain.high, precision.round(domain.high - 2.0**-7), x)
    return np.clip(x, domain.low, domain.high)


@cache
def _numbers(precision: Precision, size: int) -> SearchStrategy[list[float]]:
    """So many single numbers: mostly ordinary, some of the kind that breaks formulas."""
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
    tiny, unit = precision.smallest, precision.unit
    special += [tiny, 4 * tiny * unit, unit, 1 + 2 * unit]  # the second is subnormal, the last the number after 1
    element = st.one_of(
        st.sampled_from([float(precision.round(x)) for x in special]),
        st.sampled_from([float(precision.round(s * 1.37 * 2.0**e)) for e in range(-24, 12) for s in (1, -1)]),
        st.integers(-24, 24).map(float),
        st.floats(-16, 16, width=32).map(lambda x: float(precision.round(x))),
    )
    return st.lists(element, min_size=size, max_size=size)


_SEEDS = st.integers(0, 2**32 - 1)
_MADE = st.tuples(_SEEDS, st.sampled_from(STYLES), st.sampled_from(LAYOUTS))


def _values(draw: Draw, shape: tuple[int, ...], domain: Domain | None, recipes: dict[int, str]) -> np.ndarray:
    precision = PRECISION.get()
    size = math.prod(shape)
    if size <= 8:
        x = np.array(draw(_numbers(precision, size)), np.float64).reshape(shape)
        return np.asarray(_to_domain(x, domain, precision))
    seed, style, layout = draw(_MADE)
    x = make(seed, style, shape, precision.name, domain, layout)
    recipes[id(x)] = f"make({seed}, {style!r}, {shape}, {precision.name!r}, {domain!r}, {layout!r})"
    return x


def view(x: np.ndarray, layout: str) -> np.ndarray:
    """The array itself, or a view that a careless kernel would misread: transposed, strided, broadcast."""
    if layout == "transposed":
        return x.T.copy().T
    if layout == "strided":
        return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x
    if layout == "broadcast" and x.ndim > 1:
        return np.broadcast_to(x[:1], x.shape)
    return x


_SMALL, _LARGE = st.integers(1, 4), st.integers(1, 33)
_EDGE = st.sampled_from((2, 1, 3, 4, 2, 1, 3, 2, 4, 3, 2, 1, 3, 0))  # empty arrays are drawn, but seldom
_SHAPES = {
    (small, nonempty): st.lists((_SMALL if nonempty else _EDGE) if small else _LARGE, max_size=3 if small else 2).map(
        tuple
    )
    for small in (True, False)
    for nonempty in (True, False)
}
_MOSTLY = st.sampled_from((True, True, True, False))


def _sizes(draw: Draw, formula: Formula) -> dict[str, Any]:
    """A size for every axis; for a variadic one a shape of up to three axes."""
    small = draw(_MOSTLY)
    sizes: dict[str, Any] = {}
    for kind in _array_types(formula):
        for dim in kind.dims:
            name = dim.removeprefix("*")
            if name in sizes or not (name.isidentifier() or name == "..."):
                continue
            variadic = dim.startswith("*") or dim == "..."
            sizes[name] = draw(_SHAPES[small, formula.nonempty] if variadic else (_SMALL if small else _LARGE))
    return sizes


def _array_types(formula: Formula) -> list[ArrayType]:
    found = []
    for argument in formula.positional:
        if isinstance(argument.type, ArrayType):
            found.append(argument.type)
        elif isinstance(argument.type, StateType):
            found += [kind for kind in argument.type.fields.values() if isinstance(kind, ArrayType)]
    return found


@cache
def _integers(low: int, high: int, size: int) -> SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=size, max_size=size)


def _array(
    draw: Draw,
    formula: Formula,
    kind: ArrayType,
    sizes: Mapping[str, Any],
    options: Mapping[str, Any],
    recipes: dict[int, str],
) -> np.ndarray:
    shape = shape_of(formula, kind, sizes, options)
    if kind.kind == "float":
        return _values(draw, shape, kind.domain, recipes)
    low, high = 0, 1 if kind.kind == "bool" else 1000
    if isinstance(kind.domain, Labels):
        count = evaluate(formula, kind.domain.of, {**options, **sizes})
        low, high = kind.domain.first, count + kind.domain.first - 1
    elif isinstance(kind.domain, Range):
        low = int(max(kind.domain.low, -1000)) + kind.domain.low_open
        high = int(min(kind.domain.high, 1000)) - kind.domain.high_open
    dtype, size = np.bool_ if kind.kind == "bool" else np.int64, math.prod(shape)
    if size <= 8:
        return np.array(draw(_integers(low, high, size)), dtype).reshape(shape)
    seed = draw(_SEEDS)
    x = make_integers(seed, low, high, shape).astype(dtype)
    recipes[id(x)] = f"make_integers({seed}, {low}, {high}, {shape}).astype({dtype.__name__!r})"
    return x


_LEAF = st.one_of(st.lists(_SMALL, max_size=2).map(tuple), st.tuples(st.integers(2, 9), st.integers(2, 9)))
_STRUCTURES = st.one_of(
    _LEAF,
    st.lists(_LEAF, min_size=1, max_size=3),
    st.lists(_LEAF, min_size=1, max_size=2).map(lambda shapes: {f"p{i}": shape for i, shape in enumerate(shapes)}),
)
"""Shapes of a tree: of one array (a tuple), of a list of arrays, of a dict."""


def _tree(draw: Draw, structure: Any, domain: Domain | None, recipes: dict[int, str]) -> Any:
    if isinstance(structure, dict):
        return {key: _values(draw, shape, domain, recipes) for key, shape in structure.items()}
    if isinstance(structure, list):
        return [_values(draw, shape, domain, recipes) for shape in structure]
    return _values(draw, structure, domain, recipes)


@cache
def _option(id: str, name: str) -> SearchStrategy[Any]:
    """Values of an option of a formula: often the default, else anything in its range."""
    argument = next(argument for argument in find(id).options if argument.name == name)
    kind, default = argument.type, argument.default
    if not isinstance(kind, OptionType):
        return st.just(default)
    if kind.choices and not kind.per_axis:
        values: SearchStrategy[Any] = st.sampled_from(kind.choices)
    elif kind.type is bool:
        values = st.booleans()
    elif kind.type is int:
        low = -4 if kind.range is None else int(max(kind.range.low, -4)) + kind.range.low_open
        high = 5 if kind.range is None else int(min(kind.range.high, max(low, 0) + 8)) - kind.range.high_open
        values = st.integers(low, high)
        if kind.per_axis:
            values = st.one_of(values, st.tuples(values, values), *map(st.just, kind.choices))
    else:
        values = _real_option(kind.range, None if argument.required else default)
    if not argument.required:
        values = st.one_of(values, st.just(default))
    return st.one_of(st.none(), values) if kind.optional else values


def _real_option(domain: Range | None, default: Any) -> SearchStrategy[float]:
    """A real option: anywhere in a finite range, else within three orders of magnitude of its default."""
    domain = domain or Range()
    if math.isfinite(domain.low) and math.isfinite(domain.high):
        ends = {"exclude_min": domain.low_open, "exclude_max": domain.high_open}
        return st.floats(domain.low, domain.high, **ends).filter(lambda x: x == 0 or abs(x) > 1e-6)
    scale = abs(default) if isinstance(default, int | float) and default else 1.0
    sizes = st.integers(-300, 300).map(lambda e: scale * 10 ** (e / 100))
    if domain.low >= 0:
        sizes = sizes.map(lambda x: x + domain.low)
        return sizes if domain.low_open else st.one_of(sizes, sizes, sizes, st.just(domain.low))
    return st.one_of(sizes, sizes.map(lambda x: -x))


def _options(draw: Draw, formula: Formula, sizes: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every option. An integer that has to fit the axes is drawn among those that do."""
    options: dict[str, Any] = {}
    for argument in formula.options:
        rules = [rule for rule, _ in formula.requires if argument.name in axis_names(rule)]
        kind = argument.type
        if rules and isinstance(kind, OptionType) and kind.type is int and kind.range is None:
            known = {**options, **sizes}
            fitting = [
                n for n in range(-4, 5) if all(_holds(formula, rule, {**known, argument.name: n}) for rule in rules)
            ]
            options[argument.name] = draw(st.sampled_from(fitting)) if fitting else argument.default
        else:
            options[argument.name] = draw(_option(formula.id, argument.name))
    return options


def _holds(formula: Formula, rule: str, known: dict[str, Any]) -> bool:
    try:
        return bool(evaluate(formula, rule, known))
    except (IndexError, NameError):
        return False


_EITHER = st.booleans()


def derived(draw: Draw, formula: Formula) -> Case:
    """Inputs of a formula, from nothing but its declaration."""
    recipes: dict[int, str] = {}
    sizes = _sizes(draw, formula)
    options = _options(draw, formula, sizes)
    structures: dict[str, Any] = {}
    arguments: list[Any] = []
    for argument in formula.positional:
        kind = argument.type
        if argument.optional and draw(_EITHER):
            arguments.append(None)
        elif isinstance(kind, ArrayType):
            arguments.append(_array(draw, formula, kind, sizes, options, recipes))
        elif isinstance(kind, TreeType):
            if kind.name not in structures:
                structures[kind.name] = draw(_STRUCTURES)
            arguments.append(_tree(draw, structures[kind.name], kind.domain, recipes))
        elif isinstance(kind, StateType):
            parts = {
                name: _array(draw, formula, part, sizes, options, recipes)
                if isinstance(part, ArrayType)
                else _tree(draw, structures[part.name], part.domain, recipes)
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
def from_declaration(draw: DrawFn, name: str) -> Case:
    """Inputs of a formula, from nothing but its declaration, for a chapter's own cases to choose from."""
    return derived(draw, find(name))


@cache
def inputs(name: str) -> SearchStrategy[Case]:
    """Strategy of cases for a formula, by its name or id.

    The inputs are derived from the declaration, unless ``gongsik.conformance.cases.<chapter>`` has a function of the
    formula's name, ``(precision) -> SearchStrategy[Case]``.
    """
    formula = find(name)
    written = getattr(_special_cases(formula.chapter), formula.name, None)

    @st.composite
    def cases(draw: DrawFn) -> Case:
        return derived(draw, formula) if written is None else draw(written(PRECISION.get()))

    return cases()


@cache
def _special_cases(chapter: str) -> ModuleType | None:
    name = f"gongsik.conformance.cases.{chapter}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


@cache
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


def interior(rng: np.random.Generator, shape: tuple[int, ...], domain: Domain | None) -> tuple[np.ndarray, np.ndarray]:
    """A random float64 point well inside a domain, and a direction in which it can be moved a little."""
    direction = rng.uniform(-1, 1, shape)
    if isinstance(domain, Simplex):
        e = np.exp(rng.standard_normal(shape))
        point = e / e.sum(-1, keepdims=True)
        direction = direction - direction.mean(-1, keepdims=True)
        return point, direction * point.min(initial=1.0)
    if isinstance(domain, Corners):
        first = rng.standard_normal((*shape[:-1], 2))
        return np.concatenate([first, first + rng.uniform(0.1, 2, first.shape)], -1), direction
    if isinstance(domain, Range) and math.isfinite(domain.low) and math.isfinite(domain.high):
        return np.asarray(domain.low + (domain.high - domain.low) * rng.uniform(0.1, 0.9, shape)), direction
    if isinstance(domain, Range) and math.isfinite(domain.low):
        return np.asarray(domain.low + rng.uniform(0.1, 2, shape)), direction
    return rng.standard_normal(shape), direction


@cache
def _special(values: tuple[float, ...]) -> SearchStrategy[float]:
    return st.sampled_from(values)


def with_special_values(draw: Draw, formula: Formula, case: Case) -> Case:
    """The case with NaN or infinity at a few places of its float arrays, where the domain allows them."""

    def spoil(x: Any, domain: Domain | None) -> Any:
        if isinstance(x, dict):
            return {key: spoil(value, domain) for key, value in x.items()}
        if isinstance(x, list):
            return [spoil(value, domain) for value in x]
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.size == 0:
            return x
        if domain == Finite(nan=False):
            return x
        values = [np.nan] + [
            v for v in (np.inf, -np.inf) if domain is None or (isinstance(domain, Range) and v in domain)
        ]
        x = x.copy()
        for place in draw(_integers(0, x.size - 1, 2)):
            x.flat[place] = draw(_special(tuple(values)))
        return x

    spoiled = [
        spoil(value, argument.type.domain)
        if isinstance(argument.type, ArrayType | TreeType)
        and not isinstance(argument.type.domain, Simplex | SignedLabels)
        else value
        for argument, value in zip(formula.positional, case.arguments, strict=True)
    ]
    return Case(tuple(spoiled), case.options)
