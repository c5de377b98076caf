"""What "agree" means: within K times a bound that the formula itself gives.

A result passes where ``|result - value| <= K * bound``; value and bound come from the unchanged reference, run in
float64 on the very inputs that the backend got, with `Bounded` numbers. NaN and infinity must be matched exactly, and
so must integers and booleans. Where the bound exceeds the scale of the result it says nothing: that is *inconclusive*,
counted and never a pass.
"""

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np
import pytest

from gongsik import reference
from gongsik.conformance.bounded import PRECISIONS, Bounded, Doubtful, K, Precision
from gongsik.conformance.strategies import Case, PerBackend, find, interior, make
from gongsik.spec import Formula, formulas
from gongsik.spec.array import ArrayType, Ordered, SignedLabels, StateType, TreeType


class Missing(pytest.skip.Exception):
    """The backend under test lacks a formula: listed, not failed."""


class Target:
    """A backend under test, at one precision and on one device.

    Functions are attributes: ``gs.softmax(x)``. `array` and `numpy` convert, `value_and_grad` differentiates. A formula
    that the backend lacks skips the test.
    """

    def __init__(self, backend: Any, precision: Precision, device: str | None = None, name: str | None = None):
        self.backend, self.precision, self.device = backend, precision, device
        self.name = name or getattr(backend, "name", getattr(backend, "__name__", type(backend).__name__))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        function = getattr(self.backend, name, None)
        if function is None:
            if name == "value_and_grad" or any(formula.name == name for formula in formulas().values()):
                raise Missing(f"{self.name} has no {name}")
            raise AttributeError(f"there is no formula {name!r}")
        return function

    def __repr__(self) -> str:
        return f"{self.name} in {self.precision.name} on {self.device or 'cpu'}"

    def array(self, x: np.ndarray) -> Any:
        """An array of the backend: real numbers in the precision under test, integers and booleans as they are."""
        options: dict[str, Any] = {} if self.device is None else {"device": self.device}
        if x.dtype.kind != "f":
            return self.backend.asarray(x, **options)
        name = self.precision.name
        x = cast_view(x, "float32" if name == "bfloat16" else name)  # NumPy has no bfloat16; float32 holds its values
        return self.backend.asarray(x, dtype=name, **options)

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(self.backend.to_numpy(x))


class Exact:
    """The reference on `Bounded` numbers: what a `Target` is held against.

    With `integers`, integers become `Bounded` numbers as well, in float64: for formulas that take nothing else.
    """

    name = "reference with error bounds"

    def __init__(self, precision: Precision, *, integers: bool = False):
        self.precision, self.integers = precision, integers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(reference, name)

    def array(self, x: np.ndarray) -> Any:
        if x.dtype.kind == "f":
            return Bounded(x, None, self.precision)
        return Bounded(x, None, self.precision, x.dtype) if self.integers and x.dtype.kind == "i" else x


def expectation(target: Target, case: Case, formula: Formula | None = None) -> Exact:
    """What a backend's results for a case are held against: a schedule of integers computes in float64.

    A formula that makes integers of integers has no error to bound.
    """
    if formula and _makes_integers(formula):
        return Exact(target.precision)
    if any(isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" for leaf, _ in flatten(*[case.arguments] * 2)):
        return Exact(target.precision)
    return Exact(PRECISIONS["float64"], integers=True)


def _makes_integers(formula: Formula) -> bool:
    kinds = [
        kind
        for result in formula.results
        for kind in (result.fields.values() if isinstance(result, StateType) else (result,))
    ]
    return all(isinstance(kind, ArrayType) and kind.kind == "int" for kind in kinds)


def cast_view(x: np.ndarray, dtype: str) -> np.ndarray:
    """The array in another dtype, with the same kind of strides: a transposed, strided or broadcast view stays one."""
    if 0 in x.strides and x.size:
        core = x[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in x.strides)]
        return np.broadcast_to(core.astype(dtype), x.shape)
    if x.ndim and x.size and abs(x.strides[-1]) == 2 * x.itemsize:
        return np.repeat(x.astype(dtype), 2, axis=-1)[..., ::2]
    return x.astype(dtype, order="K")


def convert(value: Any, target: Any) -> Any:
    """Every NumPy array inside a value as an array of the target; trees and states keep their form."""
    if isinstance(value, np.ndarray):
        return target.array(value)
    if isinstance(value, PerBackend):
        return value.make(target)
    if isinstance(value, dict):
        return {key: convert(item, target) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(convert(item, target) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(convert(item, target) for item in value)
    return value


def flatten(value: Any, like: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of corresponding leaves of two results; dicts are matched by key.

    Raises
    ------
    AssertionError
        If the results are nested differently.
    """
    if isinstance(like, dict):
        if not isinstance(value, dict) or value.keys() != like.keys():
            raise AssertionError(f"got {_nesting(value)}, expected {_nesting(like)}")
        for key in like:
            yield from flatten(value[key], like[key])
    elif isinstance(like, list | tuple):
        if not isinstance(value, list | tuple) or len(value) != len(like):
            raise AssertionError(f"got {_nesting(value)}, expected {_nesting(like)}")
        for item, other in zip(value, like, strict=True):
            yield from flatten(item, other)
    else:
        yield value, like


def _nesting(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(str, value))}"
    return f"{len(value)} results" if isinstance(value, list | tuple) else f"one {type(value).__name__}"


@dataclass(frozen=True)
class Verdict:
    """How a result compares with its expectation.

    Attributes
    ----------
    agreed : bool
        No element is further off than K times its bound.
    conclusive : bool
        At least half of the elements have a bound that says something.
    bits_lost : float
        log2 of the largest error in units of its bound, at least 0.
    message : str
        Of a disagreement: the worst element.
    """

    agreed: bool
    conclusive: bool = True
    bits_lost: float = 0.0
    message: str = ""

    def __and__(self, other: "Verdict") -> "Verdict":
        return Verdict(
            self.agreed and other.agreed,
            self.conclusive and other.conclusive,
            max(self.bits_lost, other.bits_lost),
            self.message or other.message,
        )


def compare(result: Any, expected: Any, precision: Precision | None = None, *, k: float = K) -> Verdict:
    """Hold one array of a backend, as NumPy's, against its expectation.

    Parameters
    ----------
    result : array
        What came out.
    expected : Bounded, Doubtful or array
        What should: a value with its bound; integers and booleans, which must be equal where rounding cannot turn them.
    precision : Precision
        Of the result; by default that of `expected`.
    k : float
        How many times its bound an error may be.
    """
    result = np.asarray(result)
    if isinstance(expected, Doubtful):
        same = result.shape == expected.shape and bool(((result == expected.value) | expected.doubt).all())
        conclusive = bool(np.mean(expected.doubt) <= 0.5) if result.size else True
        return Verdict(same, conclusive, message="" if same else f"got {result!r}, expected {expected.value!r}")
    if not isinstance(expected, Bounded):
        expected = np.asarray(expected)
        if expected.dtype.kind == "f":
            expected = Bounded(
                expected, precision.unit * np.abs(expected) if precision else None, precision or PRECISIONS["float64"]
            )
        else:
            same = result.shape == expected.shape and bool((result == expected).all())
            return Verdict(same, message="" if same else f"got {result!r}, expected {expected!r} exactly")
    if result.shape != expected.shape:
        return Verdict(False, message=f"got shape {result.shape}, expected {expected.shape}")
    if result.size == 0:
        return Verdict(True)
    with np.errstate(all="ignore"):
        return _compare(result.astype(np.float64), expected, precision or expected.precision, k)


def _compare(result: np.ndarray, expected: Bounded, precision: Precision, k: float) -> Verdict:
    value, bound = expected.value, expected.error + precision.smallest
    finite = np.isfinite(value)
    difference = np.where(finite, np.abs(result - value), np.where(_same(result, value), 0, np.inf))
    difference = np.where(np.isnan(difference), np.inf, difference)
    scale = np.max(np.abs(value), initial=64 * precision.smallest, where=finite)
    # Within a factor of K of the largest number, a step on the way may have overflowed.
    silent = (k * bound > scale) | (finite & (k * (np.abs(value) + bound) > precision.largest))
    wrong = (difference > k * bound) & ~silent
    ratio = np.where(silent, 0, difference / bound)
    ratio = np.where(finite, ratio, np.where(wrong, np.inf, 0))
    worst = np.unravel_index(np.argmax(ratio), ratio.shape)
    bits = float(np.log2(max(1.0, ratio[worst])))
    message = ""
    if wrong.any():
        at = ", ".join(map(str, worst))
        message = (
            f"element [{at}] is {result[worst]!r}, expected {value[worst]!r} within {k} x {bound[worst]:.3g}"
            f" ({precision.name}, off by {ratio[worst]:.3g} bounds)"
        )
    return Verdict(not wrong.any(), bool(silent.mean() <= 0.5), bits, message)


def _same(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a == b) | (np.isnan(a) & np.isnan(b))


def judge(result: Any, expected: Any, target: Target) -> Verdict:
    """Hold a whole result (an array, a tuple, a state) of a backend against the reference's.

    Every array of a tuple has to be conclusive, and at least half of those of a dict: of a network's parameters some
    may have no gradient, behind a unit that is never active.
    """
    if isinstance(expected, dict) and isinstance(result, dict) and result.keys() == expected.keys():
        parts = [judge(result[key], expected[key], target) for key in expected]
        conclusive = 2 * sum(part.conclusive for part in parts) >= len(parts)
        return replace(functools.reduce(operator.and_, parts, Verdict(True)), conclusive=conclusive)
    if isinstance(expected, list | tuple) and isinstance(result, list | tuple) and len(result) == len(expected):
        parts = [judge(ours, theirs, target) for ours, theirs in zip(result, expected, strict=True)]
        return functools.reduce(operator.and_, parts, Verdict(True))
    verdict = Verdict(True)
    try:
        pairs = list(flatten(result, expected))
    except AssertionError as error:
        return Verdict(False, message=str(error))
    for ours, theirs in pairs:
        if isinstance(theirs, Bounded) and getattr(ours, "dtype", None) is not None:
            name = str(ours.dtype).rsplit(".", 1)[-1]
            expected_name = "int64" if theirs.dtype.kind == "i" else theirs.precision.name
            if name != expected_name:
                verdict &= Verdict(False, message=f"got dtype {name}, expected {expected_name}")
        precision = theirs.precision if isinstance(theirs, Bounded) else target.precision
        verdict &= compare(target.numpy(ours), theirs, precision)
    return verdict


def evaluate(function: Callable[..., Any], target: Any, case: Case) -> Any:
    """A function of (gs, *arguments) on a target; warnings of NumPy about special values are not an error."""
    with np.errstate(all="ignore"):
        return function(target, *convert(case.arguments, target), **case.options)


def values(target: Any, name: str, case: Case) -> Any:
    """What a formula gives for a case, in a backend or in the reference with bounds."""
    return evaluate(lambda gs, *arguments, **options: getattr(gs, name)(*arguments, **options), target, case)


def check_values(target: Target, name: str, case: Case) -> Verdict:
    """Run one formula on one case in the backend under test and in the reference, and compare."""
    return judge(values(target, name, case), values(expectation(target, case, find(name)), name, case), target)


def assert_agree(
    target: Target, left: Callable[..., Any], right: Callable[..., Any], *arguments: Any, **options: Any
) -> None:
    """Assert that two expressions are equal up to the rounding errors of both.

    Parameters
    ----------
    target : Target
        The backend under test, `gs` of a law.
    left, right : callable
        Functions of (gs, *arguments, **options). They are computed by the backend, and by the reference with bounds.
    arguments, options
        NumPy arrays (float64, representable in the precision under test), trees, states, numbers.

    Raises
    ------
    AssertionError
        With the worst element, both values and the bound.
    """
    verdict = _relate(target, left, right, arguments, options, one_sided=False)
    assert verdict.agreed, f"{target}: {verdict.message}"


def assert_at_most(
    target: Target, left: Callable[..., Any], right: Callable[..., Any], *arguments: Any, **options: Any
) -> None:
    """Assert that one expression is nowhere larger than another, up to the rounding errors of both.

    Parameters and errors are those of `assert_agree`.
    """
    verdict = _relate(target, left, right, arguments, options, one_sided=True)
    assert verdict.agreed, f"{target}: {verdict.message}"


def _relate(
    target: Target,
    left: Callable[..., Any],
    right: Callable[..., Any],
    arguments: Any,
    options: Any,
    *,
    one_sided: bool,
) -> Verdict:
    case = Case(arguments, options)
    exact = expectation(target, case)
    ours, theirs = evaluate(left, target, case), evaluate(right, target, case)
    bounds, other_bounds = evaluate(left, exact, case), evaluate(right, exact, case)
    verdict = Verdict(True)
    for (x, e), (y, f) in zip(flatten(ours, bounds), flatten(theirs, other_bounds), strict=True):
        a, b = _as_numpy(target, x), _as_numpy(target, y)
        error = _error(e) + _error(f)
        a, b, error = np.broadcast_arrays(a, b, error)
        verdict &= compare(np.maximum(a, b) if one_sided else a, Bounded(b, error, exact.precision))
    return verdict


def _as_numpy(target: Target, x: Any) -> np.ndarray:
    number = isinstance(x, int | float | bool | np.generic)
    return np.asarray(x if number else target.numpy(x), np.float64)


def _error(x: Any) -> Any:
    return x.error if isinstance(x, Bounded) else 0.0


def result_weights(precision: Precision, name: str, case: Case) -> list[np.ndarray | None]:
    """Weights by which the leaves of a formula's result are summed up to one number; None for those without gradient.

    These are integers, booleans, and what is only carried along.
    """
    result = values(Exact(precision), name, case)
    for part in find(name).carried:
        result = result._replace(**{part: _map(lambda _: None, getattr(result, part))})
    leaves = [leaf for leaf, _ in flatten(result, result)]
    return [make(7, "normal", leaf.shape, precision.name) if isinstance(leaf, Bounded) else None for leaf in leaves]


def weighted_sum(
    target: Any, name: str, case: Case, which: Sequence[int], weights: Sequence[np.ndarray | None]
) -> tuple[Callable[[list[Any]], Any], list[Any]]:
    """A formula as a function to one number, of some of its arguments; and these arguments.

    Parameters
    ----------
    target : Target or Exact
        Where it is computed.
    name : str
        Name of the formula.
    case : Case
        Its arguments.
    which : sequence of int
        Positions of the arguments that are passed in.
    weights : sequence of arrays or None
        Of `result_weights`.
    """
    arguments = list(convert(case.arguments, target))
    converted = [None if w is None else target.array(w) for w in weights]

    def total(chosen: list[Any]) -> Any:
        given = list(arguments)
        for i, value in zip(which, chosen, strict=True):
            given[i] = value
        result = getattr(target, name)(*given, **case.options)
        leaves = [leaf for leaf, _ in flatten(result, result)]
        terms = [(leaf * w).sum() for leaf, w in zip(leaves, converted, strict=True) if w is not None]
        return sum(terms[1:], terms[0])

    return total, [arguments[i] for i in which]


def gradients(target: Any, formula: Formula, case: Case) -> list[Any]:
    """Gradients of `weighted_sum` by the arguments that have one, by the target's own `value_and_grad`."""
    which = differentiable_arguments(formula, case)
    weights = result_weights(target.precision, formula.name, case)
    if not which or not any(w is not None and w.size for w in weights):
        return []
    total, chosen = weighted_sum(target, formula.name, case, which, weights)
    with np.errstate(all="ignore"):
        return target.value_and_grad(total)(chosen)[1]


def check_gradients(target: Target, formula: Formula, case: Case) -> Verdict:
    """Hold a backend's gradients against those of the reference's own backpropagation, on numbers with bounds."""
    return judge(gradients(target, formula, case), gradients(Exact(target.precision), formula, case), target)


def differentiable_arguments(formula: Formula, case: Case) -> list[int]:
    """Positions of the arguments with respect to which the formula has a gradient, in this case."""
    found = []
    for i, (argument, value) in enumerate(zip(formula.positional, case.arguments, strict=True)):
        named = formula.differentiable is True or argument.name in (formula.differentiable or ())
        real = isinstance(argument.type, TreeType) or (
            isinstance(argument.type, ArrayType) and argument.type.kind == "float"
        )
        if named and (real or isinstance(value, dict)) and value is not None:
            found.append(i)
    return found


@np.errstate(all="ignore")
def taylor_order(target: Target, formula: Formula, case: Case, seed: int) -> float | None:
    """Order at which f(x + h d) - f(x) - h <gradient, d> vanishes with h, in a random direction d from a random x.

    2 where the gradient is right and f smooth, 1 where it is wrong; infinite where the remainder is within rounding;
    None where there is nothing to vary, or f jumps.
    """
    which = [i for i in differentiable_arguments(formula, case) if _free(formula.positional[i].type)]
    weights = result_weights(target.precision, formula.name, case)
    if not which or not any(w is not None and w.size for w in weights):
        return None
    rng = np.random.Generator(np.random.Philox(seed))
    arguments, directions = list(case.arguments), []
    for i in which:
        domain = getattr(formula.positional[i].type, "domain", None)
        pairs = _map(lambda x, domain=domain: interior(rng, x.shape, domain), arguments[i])
        arguments[i] = _map(lambda pair: pair[0], pairs)
        directions.append(_map(lambda pair: pair[1], pairs))
    case = Case(tuple(arguments), case.options)
    starts = [arguments[i] for i in which]

    total, chosen = weighted_sum(target, formula.name, case, which, weights)
    value, slopes = target.value_and_grad(total)(chosen)
    start = float(target.numpy(value))
    slope = sum(float((target.numpy(g) * d).sum()) for g, d in flatten(slopes, directions))
    bounded, bounded_chosen = weighted_sum(Exact(target.precision), formula.name, case, which, weights)
    floor = 4 * K * float(_error(bounded(bounded_chosen))) + target.precision.unit * abs(start)
    if not np.isfinite(floor):
        return None

    def remainder(h: float) -> float:
        moved = [_zip(lambda x, d: np.asarray(x + h * d), x, d) for x, d in zip(starts, directions, strict=True)]
        return abs(float(target.numpy(total(convert(moved, target)))) - start - h * slope)

    exponents = range(8, 21)
    seen = list(takewhile(lambda r: r > floor, (remainder(2.0**-k) for k in exponents)))
    if len(seen) < 10:  # a wrong gradient is off by c h, which stays above rounding to the end
        return float("inf")
    order = float(np.log2(seen[0] / seen[-1])) / (len(seen) - 1)
    return None if order < 0.5 else order  # 0 where the function jumps on the way: then it has no gradient to test


def _free(kind: Any) -> bool:
    """Whether an argument can be moved a little in every direction without leaving its domain."""
    return not isinstance(getattr(kind, "domain", None), SignedLabels | Ordered)


def _map(function: Callable[[Any], Any], tree: Any) -> Any:
    return _zip(lambda x, _: function(x), tree, tree)


def _zip(function: Callable[[Any, Any], Any], first: Any, second: Any) -> Any:
    if isinstance(first, dict):
        return {key: _zip(function, value, second[key]) for key, value in first.items()}
    if isinstance(first, list):
        return [_zip(function, a, b) for a, b in zip(first, second, strict=True)]
    return function(first, second)
