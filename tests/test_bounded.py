"""The error bounds are sound: whatever the operands really are, and however each result is rounded, it lies inside."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongsik import backend
from gongsik.conformance.agreement import Target, assert_at_most, compare
from gongsik.conformance.bounded import _UFUNCS, PRECISIONS, Bounded, Doubtful, Precision

FLOAT32 = Precision("float32", 2.0**-24, 2.0**-126, float(np.finfo(np.float32).max), "linear")
POSITIVE = {np.log, np.sqrt, np.power, np.reciprocal, np.log1p}
SEEDS = st.integers(0, 2**32 - 1)


def operand(rng: np.random.Generator, shape: tuple[int, ...], positive: bool) -> tuple[Bounded, np.ndarray]:
    """A number with an error, and what it might really be: inside the error, and a float32."""
    x = rng.standard_normal(shape) * 2.0 ** rng.integers(-6, 4)
    x = FLOAT32.round(np.abs(x) + 0.125 if positive else x)
    actual = x * (1 + rng.uniform(-1, 1, shape) * 2.0 ** -rng.integers(8, 22)) if rng.random() < 0.7 else x
    actual = FLOAT32.round(actual)
    return Bounded(x, np.abs(actual - x), FLOAT32), actual


@pytest.mark.parametrize("ufunc", [f for f in _UFUNCS if f is not np.matmul], ids=lambda f: f.__name__)
@given(SEEDS)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_ufunc_stays_inside_its_bound(ufunc, seed):
    rng = np.random.default_rng(seed)
    pairs = [operand(rng, (4,), ufunc in POSITIVE) for _ in range(ufunc.nin)]
    with np.errstate(all="ignore"):
        bounded = ufunc(*(b for b, _ in pairs))
        actual = FLOAT32.round(ufunc(*(a for _, a in pairs)))  # correctly rounded: at most one rounding
        inside = ~(np.abs(actual - bounded.value) > bounded.error)
    assert inside.all(), (pairs, actual, bounded)


CONTRACTIONS = {
    "sum": (lambda x: x.sum(-1), 1),
    "mean": (lambda x: x.mean(0), 1),
    "max": (lambda x: x.max(-1), 1),
    "var": (lambda x: np.var(x, -1), 1),
    "cumsum": (lambda x: np.cumsum(x, 0), 1),
    "norm": (lambda x: np.linalg.norm(x, axis=-1), 1),
    "matmul": (lambda x, y: x @ y.T, 2),
    "einsum": (lambda x, y: np.einsum("ij,kj->ik", x, y), 2),
    "tensordot": (lambda x, y: np.tensordot(x, y, ([0], [0])), 2),
}


@pytest.mark.parametrize("name", CONTRACTIONS)
@given(SEEDS)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_contraction_in_float32_stays_inside_its_bound(name, seed):
    function, arity = CONTRACTIONS[name]
    rng = np.random.default_rng(seed)
    pairs = [operand(rng, (5, 7), False) for _ in range(arity)]
    bounded = function(*(b for b, _ in pairs))
    actual = function(*(a.astype(np.float32) for _, a in pairs)).astype(np.float64)
    assert (np.abs(actual - bounded.value) <= bounded.error).all(), (pairs, actual, bounded)


@given(SEEDS)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_sum_may_begin_with_what_is_added_to_it(seed):
    """A fused layer adds its products to the bias, which may be far above them, and rounds at its size each time."""
    rng = np.random.default_rng(seed)
    x, w = (FLOAT32.round(rng.standard_normal((3, 40))) for _ in range(2))
    bias = FLOAT32.round(np.array(1000 * rng.standard_normal()))
    bounded = np.transpose(Bounded(x, None, FLOAT32) @ w.T) + Bounded(bias, None, FLOAT32)
    total = np.full((3, 3), bias, np.float32)
    for i in range(x.shape[1]):
        total += w.astype(np.float32)[:, i, None] * x.astype(np.float32)[:, i]
    assert (np.abs(total - bounded.value) <= bounded.error).all()
    alone = Bounded(bounded.value, None, FLOAT32) + Bounded(bias, None, FLOAT32)
    one_rounding = FLOAT32.unit * np.abs(alone.value) + FLOAT32.smallest
    assert (alone.error <= one_rounding).all()


def test_bound_is_a_few_roundings_not_a_wide_net():
    x: Any = Bounded(np.array([1.0, 3.0]), None, PRECISIONS["float32"])
    assert ((x / 3).error <= 3 * 2.0**-24).all()
    assert (np.exp(x).error <= 5 * 2.0**-24 * np.exp(x.value)).all()


def test_comparison_is_in_doubt_only_where_errors_meet():
    x: Any = Bounded(np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.1, 0.1]), FLOAT32)
    mask = x > np.array([1.0, 1.05, 2.0])
    assert isinstance(mask, Doubtful)
    assert mask.doubt.tolist() == [False, True, False]
    chosen = np.where(mask, 10.0 * x, x)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert chosen.error[1] >= 9 - 0.1
    assert chosen.error[2] == 0.1


def test_overflow_in_the_precision_leaves_nothing_known():
    x: Any = Bounded(np.array([100.0, 1.0]), None, FLOAT32)
    assert np.isinf(np.exp(x).error[0])
    assert np.isfinite(np.exp(x).error[1])


def test_infinity_and_nan_are_exact():
    x: Any = Bounded(np.array([np.inf, -np.inf, np.nan, 0.0]), None, FLOAT32)
    y = np.exp(x) * 2
    assert y.error[0] == y.error[2] == 0
    assert compare(np.array([np.inf, 0.0, np.nan, 2.0]), y).agreed
    assert not compare(np.array([np.inf, 0.0, 1.0, 2.0]), y).agreed
    assert not compare(np.array([1e30, 0.0, np.nan, 2.0]), y).agreed


def test_a_function_without_a_rule_is_named():
    x: Any = Bounded(np.ones(3), None, FLOAT32)
    with pytest.raises(TypeError, match=r"np\.sinc"):
        np.sinc(x)
    with pytest.raises(TypeError, match=r"np\.cbrt"):
        np.cbrt(x)
    with pytest.raises(TypeError, match="cannot become int64"):
        (x / 3).astype(int)


def test_rounding_to_bfloat16_is_to_the_nearest_even():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.concatenate([np.random.default_rng(0).standard_normal(1000), [1 + 2.0**-8, 1 + 3 * 2.0**-8, np.inf, np.nan]])
    x = x.astype(np.float32).astype(np.float64)
    expected = x.astype(ml_dtypes.bfloat16).astype(np.float64)
    assert np.array_equal(PRECISIONS["bfloat16"].round(x), expected, equal_nan=True)


@pytest.mark.parametrize("off", [0.0, 3.9, 4.1, 1e6])
def test_verdict_turns_at_k_bounds(off):
    expected = Bounded(np.array([1.0, 2.0]), np.array([1e-7, 1e-7]), FLOAT32)
    verdict = compare(np.array([1.0 + off * 1e-7, 2.0]), expected)
    assert verdict.agreed == (off < 4)
    if not verdict.agreed:
        assert "element [0]" in verdict.message


def test_a_bound_above_the_scale_is_inconclusive_not_a_pass():
    expected = Bounded(np.array([1.0, 1.0]), np.array([1.0, 1.0]), FLOAT32)
    verdict = compare(np.array([5.0, 5.0]), expected)
    assert verdict.agreed
    assert not verdict.conclusive


def test_at_most_is_not_passed_by_more():
    """Left over by a thousand times the rounding fails; equal up to rounding, or below, passes."""
    target, x = Target(backend("reference"), PRECISIONS["float32"]), np.array([1.0, 3.0])
    assert_at_most(target, lambda gs, x: x / 3 * 3, lambda gs, x: x, x)
    assert_at_most(target, lambda gs, x: x / 2 - 1, lambda gs, x: x / 3, x)
    with pytest.raises(AssertionError, match=r"element \[\d\] is"):
        assert_at_most(target, lambda gs, x: x / 3 * 3.0002, lambda gs, x: x, x)


def test_overflow_of_float64_is_unknown_and_a_pole_is_infinity():
    """What exceeds float64 itself may be anything; 1 / 0 and log 0 are infinite in every precision."""
    huge, zero = (Bounded(np.array([x, 1.0]), None, PRECISIONS["float64"]) for x in (1e308, 0.0))
    for unknown in (huge * 10, huge / 0.01, np.exp(huge), huge + huge, np.square(huge)):
        assert (unknown.value[0], unknown.error[0]) == (np.inf, np.inf)
        assert np.isfinite(unknown.error[1])
    for pole in (1 / zero, np.log(zero), np.reciprocal(zero), zero**-1.0):
        assert np.isinf(pole.value[0])
        assert pole.error[0] == 0
    row = Bounded(np.full((1, 2), 1e300), None, PRECISIONS["float64"])
    assert (row @ row.T).error[0, 0] == np.inf
    data = Bounded(np.array([[1.0, 2.0], [np.inf, 0.5]]), None, PRECISIONS["float64"])
    assert (data @ np.ones((2, 3))).error[1].tolist() == [0, 0, 0]


def test_what_a_comparison_decides_is_exact_unless_rounding_can_turn_it():
    """Booleans and integers chosen by x > 1: far from 1 they must be equal, within the error of x they may differ."""
    x = Bounded(np.array([0.5, 1.0, 2.0]), np.full(3, 1e-3), FLOAT32)
    above, chosen = x > 1, np.where(x > 1, np.array([7, 7, 7]), np.array([3, 3, 3]))
    assert chosen.dtype == np.int64
    for turned in (False, True):
        assert compare(np.array([False, turned, True]), above).agreed
        assert compare(np.where([False, turned, True], 7, 3), chosen).agreed
    for wrong in ([True, False, True], [False, False, False]):
        assert not compare(np.array(wrong), above).agreed
        assert not compare(np.where(wrong, 7, 3), chosen).agreed
    assert not compare(np.array([False]), above).agreed


def test_infinity_times_what_may_be_zero_is_unknown():
    """A number that rounding could make 0 makes the product NaN; one that it could not keeps its infinity."""
    precision = PRECISIONS["float32"]
    factor = Bounded(np.array([1e-46, 1.0, 0.0]), np.array([precision.smallest, 1e-7, 0.0]), precision)
    with np.errstate(invalid="ignore"):
        product = factor * np.inf
    assert product.error.tolist() == [np.inf, 0.0, 0.0]
    assert np.isnan(product.value[2])


def test_what_a_pad_fills_in_is_exact():
    padded = np.pad(Bounded(np.ones(1), np.full(1, 0.5), PRECISIONS["float32"]), 1, constant_values=-np.inf)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert padded.value.tolist() == [-np.inf, 1.0, -np.inf]
    assert padded.error.tolist() == [0.0, 0.5, 0.0]


def test_booleans_in_doubt_prove_nothing():
    """Where rounding can turn over most of them, agreement says nothing, and is not counted as a pass."""
    x: Any = Bounded(np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.0]), FLOAT32)
    in_doubt, clear = x > 1.05, x > 2.0
    assert compare(np.array([True, False, False]), in_doubt).agreed
    assert not compare(np.array([True, False, False]), in_doubt).conclusive
    assert compare(np.array([False, False, False]), clear).conclusive
    assert not compare(np.array([False, False, True]), in_doubt).agreed


def test_near_the_end_of_the_range_nothing_is_known():
    """2e38 may overflow on the way where the steps are taken in another order; 1e37 has room."""
    product: Any = Bounded(np.array([1e19, 1e18]), None, FLOAT32) * np.array([2e19, 1e19])
    assert product.error[0] == np.inf
    assert np.isfinite(product.error[1])


def test_nothing_divided_by_something_is_exactly_nothing():
    """Where the divisor may be 0 nothing is known."""
    divisor = Bounded(np.array([3.0, 1.0]), np.array([0.5, 2.0]), FLOAT32)
    quotient: Any = Bounded(np.zeros(2), None, FLOAT32) / divisor
    assert quotient.error.tolist() == [0.0, np.inf]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("operation", [np.logical_and, np.logical_or, np.bitwise_and, np.bitwise_or])
def test_one_operand_that_is_certain_can_decide(operation, first, second):
    """Of a pair of which one is in doubt, the result is in doubt where it depends on that one."""
    for doubts in ((True, False), (False, True), (True, True), (False, False)):
        pair = list(zip((first, second), doubts, strict=True))
        result = operation(*(Doubtful(np.array(value), np.array(doubt), FLOAT32) for value, doubt in pair))
        known = [{False, True} if doubt else {value} for value, doubt in pair]
        possible = {bool(operation(a, b)) for a in known[0] for b in known[1]}
        assert bool(result.doubt) == (len(possible) == 2)
        assert result.value == operation(first, second)


def test_how_many_are_true_is_an_integer_that_doubts_may_turn():
    mask: Any = Doubtful(
        np.array([[True, False, True], [True] * 3]), np.array([[False, True, True], [False] * 3]), FLOAT32
    )
    number = mask.sum(-1)
    assert (number.value.tolist(), number.error.tolist(), number.dtype) == ([2, 3], [2, 0], np.int64)


def test_places_are_those_that_the_values_have():
    """argsort, argmin and argmax choose by the values, and give plain integers."""
    x: Any = Bounded(np.array([2.0, -1.0, 0.5]), np.array([0.25, 0.0, 0.25]), FLOAT32)
    assert np.argsort(x).tolist() == [1, 2, 0]
    assert (np.argmin(x), np.argmax(x)) == (1, 0)
    assert x[np.argsort(x)].value.tolist() == [-1.0, 0.5, 2.0]
    assert x[np.argsort(x)].error.tolist() == [0.0, 0.25, 0.25]


def test_exact_numbers_become_integers_and_stay_so():
    """Towards zero, as `astype` goes; a number with an error does not, since it may be on either side of a step."""
    whole = Bounded(np.array([1.75, -1.75, 3.0]), None, FLOAT32).astype(np.int64)
    assert (whole.value.tolist(), whole.dtype) == ([1.0, -1.0, 3.0], np.dtype(np.int64))
    assert whole[1:].dtype == np.dtype(np.int64), "a part of integers is integers"
    with pytest.raises(TypeError, match="a number with an error cannot become int64"):
        Bounded(np.array([1.0, 2.0]), np.array([0.0, 0.5]), FLOAT32).astype(np.int64)


@pytest.mark.parametrize("seed", range(20))
def test_a_singular_value_moves_no_more_than_its_matrix(seed):
    """Inside the bound for every change of the elements within theirs, which is wide enough and not ten times wider."""
    rng = np.random.Generator(np.random.Philox(seed))
    shape = tuple(rng.integers(1, 7, 2))
    a, change = FLOAT32.round(rng.standard_normal(shape)), 0.01 * rng.uniform(-1, 1, shape)
    largest: Any = np.linalg.norm
    norm = largest(Bounded(a, np.abs(change), FLOAT32), 2, axis=(-2, -1))
    assert abs(np.linalg.svd(a + change)[1][0] - norm.value) <= norm.error
    assert norm.error <= np.sqrt((change**2).sum()) + (a.size + 2) * FLOAT32.unit * norm.value
    exact = largest(Bounded(a, None, FLOAT32), 2, axis=(-2, -1))
    single = np.linalg.svd(a.astype(np.float32))[1][0]
    assert abs(single - exact.value) <= 4 * exact.error
