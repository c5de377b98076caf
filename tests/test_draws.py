"""Draws: the same on every machine, independent of order, and of the distribution they claim."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

from gongsik import Draws
from gongsik.draws import normal_quantile

FALSE_ALARM = 1e-6
"""How often a test of a distribution fails although all is well, over all choices of seed; these seeds are fixed."""

GOLDEN_UNIFORM = ["0x1.902514354674cp-1", "0x1.3b87d27532d6ep-2", "0x1.9964f351b4557p-1"]
GOLDEN_NORMAL = ["-0x1.b04ae0421ac61p-9", "-0x1.195a9448b961cp-1", "-0x1.2415edbbd43fap+1"]
GOLDEN_INTEGERS = [[158, 724, 538], [986, 625, 826]]
GOLDEN_PERMUTATION = [0, 5, 3, 1, 6, 2, 7, 4]


def test_golden_values():
    """Numbers drawn once, for ever: a change of any of them breaks every recorded experiment."""
    draws = Draws(20221214)
    assert [v.hex() for v in draws.uniform("golden", 3)] == GOLDEN_UNIFORM
    assert [v.hex() for v in draws.normal("golden", 3, counter=5)] == GOLDEN_NORMAL
    assert draws.integers("golden", (2, 3), 1000).tolist() == GOLDEN_INTEGERS
    assert draws.permutation("golden", 8).tolist() == GOLDEN_PERMUTATION


def test_draw_depends_on_its_arguments_and_on_nothing_before():
    first, second = Draws(1), Draws(1)
    first.uniform("other", 100)
    first.normal("w", 7)
    np.testing.assert_array_equal(first.uniform("w", 9, counter=3), second.uniform("w", 9, counter=3))
    np.testing.assert_array_equal(first.uniform("w", 9)[:4], second.uniform("w", 4))


def test_seed_name_counter_and_kind_each_change_the_draw():
    draws = [
        Draws(1).uniform("a", 64), Draws(2).uniform("a", 64), Draws(1).uniform("b", 64),
        Draws(1).uniform("a", 64, counter=1), scipy.special.ndtr(Draws(1).normal("a", 64)),
        Draws(1).uniform("1 a", 64), Draws(1).uniform("a 1", 64),
    ]  # fmt: skip
    values = np.concatenate(draws)
    assert len(np.unique(values)) == len(values)


def test_shapes_and_dtypes():
    draws = Draws(0)
    assert draws.uniform("x").shape == ()
    assert draws.uniform("x", 3).shape == (3,)
    assert draws.normal("x", [2, 0, 3]).shape == (2, 0, 3)
    assert draws.integers("x", (), 5).shape == ()
    assert draws.permutation("x", 0).shape == (0,)
    for array, dtype in (
        (draws.uniform("x", 2), np.float64), (draws.normal("x", 2), np.float64),
        (draws.integers("x", 2, 3), np.int64), (draws.permutation("x", 2), np.int64),
    ):  # fmt: skip
        assert type(array) is np.ndarray
        assert array.dtype == dtype


def test_uniform_is_uniform():
    values = Draws(7).uniform("u", 100_000)
    assert values.min() >= 0
    assert values.max() < 1
    assert scipy.stats.kstest(values, "uniform").pvalue > FALSE_ALARM
    neighbours = np.floor(8 * values[::2]) * 8 + np.floor(8 * values[1::2])  # which of 64 squares a pair falls into
    assert scipy.stats.chisquare(np.bincount(neighbours.astype(int), minlength=64)).pvalue > FALSE_ALARM


def test_normal_is_normal():
    values = Draws(7).normal("n", 100_000)
    assert scipy.stats.kstest(values, "norm").pvalue > FALSE_ALARM
    assert np.abs(values).max() > 4  # the tails are there: P(none beyond 4 in 100,000) = 0.0018, for another seed


def test_normal_quantile_is_the_inverse_that_scipy_has():
    """Against scipy's ndtri, which is another algorithm (Cephes).

    AS 241 is good for 16 digits. Each side evaluates two polynomials of degree 7 and 8 at an argument that has itself
    a handful of rounding errors: 3 * 8 roundings a side bound both together, for the coefficients have one sign.
    """
    tiny = 2.0 ** -np.arange(1, 53)
    lower = np.geomspace(2.0**-52, 0.5, 5_000)
    p = np.concatenate([tiny, 1 - tiny, lower, np.linspace(0, 1, 20_001)[1:-1], [0.075, 0.925, np.exp(-25.0)]])
    ours, theirs = normal_quantile(p), scipy.special.ndtri(p)
    assert (np.abs(ours - theirs) <= 48 * 2.0**-53 * np.abs(theirs)).all()
    np.testing.assert_array_equal(normal_quantile(1 - tiny)[:40], -normal_quantile(tiny)[:40])


def test_integers_are_equally_likely():
    counts = np.bincount(Draws(3).integers("i", 70_000, 7))
    assert scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


def test_integers_do_not_favour_small_numbers():
    """With high = 3 * 2**61, the bare remainder of 64 bits is too seldom in the last third: 2 times in 8."""
    values = Draws(3).integers("i", 30_000, 3 * 2**61)
    counts = np.bincount(values // 2**61, minlength=3)
    assert values.max() < 3 * 2**61
    assert scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


def test_permutation_is_one_and_all_are_equally_likely():
    draws = Draws(5)
    assert sorted(draws.permutation("p", 1000)) == list(range(1000))
    orders = [tuple(draws.permutation("p", 3, counter=c)) for c in range(6000)]
    counts = [orders.count(order) for order in sorted(set(orders))]
    assert len(counts) == 6
    assert scipy.stats.chisquare(counts).pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Draws(-1), ValueError, "seed is -1, expected at least 0"),
        (lambda: Draws(1.5), TypeError, "seed is 1.5, expected an int"),  # pyright: ignore[reportArgumentType]
        (lambda: Draws(True), TypeError, "seed is True, expected an int"),
        (lambda: Draws(0).uniform("", 3), ValueError, "name is empty"),
        (lambda: Draws(0).uniform(3, 3), TypeError, "name is 3, expected a str"),  # pyright: ignore[reportArgumentType]
        (lambda: Draws(0).uniform("x", -3), ValueError, "a size of shape is -3, expected at least 0"),
        (lambda: Draws(0).uniform("x", (2, 1.0)), TypeError, "a size of shape is 1.0"),  # pyright: ignore[reportArgumentType]
        (lambda: Draws(0).normal("x", "3"), TypeError, "shape is '3', expected an int or"),  # pyright: ignore[reportArgumentType]
        (lambda: Draws(0).normal("x", 3, counter=-1), ValueError, "counter is -1, expected at least 0"),
        (lambda: Draws(0).integers("x", 3, 0), ValueError, "high is 0, expected at least 1"),
        (lambda: Draws(0).integers("x", 3, 2**63 + 1), ValueError, "high is 9223372036854775809, .* at most"),
        (lambda: Draws(0).permutation("x", -1), ValueError, "n is -1, expected at least 0"),
    ],
)
def test_bad_argument_is_one_clear_error(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert isinstance(caught.value, ValueError)
