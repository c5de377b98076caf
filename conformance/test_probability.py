"""Laws of probability models."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.probability import between_rows, exact_rows
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import inputs
from gongsik.reference import probability as reference
from gongsik.spec import DomainError, DtypeError
from gongsik.spec.probability import (
    chain_rule_parameters,
    independent_parameters,
    joint_table_parameters,
    markov_parameters,
    rgb_pixel_parameters,
)

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5)


def of(name):
    """A formula as a side of a law."""
    return lambda gs, *arrays: getattr(gs, name)(*arrays)


def near(x: np.ndarray, limit: float) -> np.ndarray:
    """Numbers that are moved into [-limit, limit]."""
    return np.asarray(np.clip(x, -limit, limit))


def number(gs, x):
    return float(gs.numpy(x))


@st.composite
def pairs(draw, least: int = 1):
    """Two distributions over the same values, of multiples of 1/128."""
    k = draw(st.integers(least, 6))
    return draw(exact_rows((k,))), draw(exact_rows((k,)))


@st.composite
def positive_rows(draw, *shape: int):
    """Distributions of powers of 2 without a 0: 1/2, 1/4, ..., and the last number twice, in a drawn order."""
    k = shape[-1]
    row = np.array([2.0**-i for i in range(1, k)] + [2.0 ** (1 - k)])
    rng = np.random.Generator(np.random.Philox(draw(SEEDS)))
    return rng.permuted(np.broadcast_to(row, shape), axis=-1)


# Distributions


@law("probability.bernoulli", "probability.categorical")
@given(st.integers(0, 128), st.integers(0, 1))
def test_bernoulli_is_categorical_with_two_values(gs, k, x):
    """The log-probability of x is that of the value x among 0 and 1 with probabilities 1 - p and p."""
    p = k / 128
    assert_agree(
        gs,
        lambda gs, x, label, p, row: gs.bernoulli(x, p),
        lambda gs, x, label, p, row: gs.categorical(label, row),
        np.array(float(x)), np.array(x), np.array(p), np.array([1 - p, p]),
    )  # fmt: skip


@law("probability.bernoulli", "probability.categorical")
@given(st.integers(1, 6).flatmap(lambda k: exact_rows((k,))))
def test_probabilities_sum_to_one(gs, p):
    """Over all values they do, also where some are impossible."""
    every = np.arange(len(p))
    assert_agree(gs, lambda gs, y, p: gs.likelihood(gs.categorical(y, p)[None]).sum(), lambda gs, *_: 1.0, every, p)
    assert_agree(
        gs,
        lambda gs, x, p: gs.likelihood(gs.bernoulli(x, p)[None]).sum(),
        lambda gs, *_: 1.0,
        np.array([0.0, 1.0]), np.array(p[0]),
    )  # fmt: skip


@law("probability.categorical")
@given(st.integers(1, 6).flatmap(lambda k: exact_rows((k,))), SEEDS)
def test_categorical_does_not_care_what_values_are_called(gs, p, seed):
    """Renaming the values of a distribution and those of the data changes nothing, exactly."""
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(p))
    plain = gs.numpy(gs.categorical(gs.array(order), gs.array(p)))
    renamed = gs.numpy(gs.categorical(gs.array(np.arange(len(p))), gs.array(p[order])))
    assert np.array_equal(plain, renamed), (plain, renamed)


@law("probability.bernoulli")
@given(st.floats(-80, 80, width=32), st.integers(0, 1))
def test_bernoulli_of_a_sigmoid_is_minus_the_logistic_loss(gs, score, x):
    """With p = sigmoid(s), log p(x) is -log(1 + e^(-+s)): what a network with one output maximises."""
    score = gs.precision.round(np.array([score]))
    assert_agree(
        gs,
        lambda gs, s, sign, x: gs.bernoulli(x, gs.sigmoid(s)).sum(),
        lambda gs, s, sign, x: -gs.logistic_loss(s, sign),
        score, np.array([2.0 * x - 1]), np.array([float(x)]),
    )  # fmt: skip


@law("probability.bernoulli", "probability.bernoulli_sample")
@given(st.integers(0, 128))
def test_mean_and_variance_of_samples_are_those_of_the_distribution(gs, k):
    """Evenly spread draws give the mean p and the variance p (1 - p), exactly."""
    uniform = (np.arange(128) + 0.5) / 128
    x = gs.numpy(gs.bernoulli_sample(gs.array(uniform), gs.array(np.array(k / 128))))
    p = k / 128
    assert x.mean(dtype=np.float64) == p
    assert x.var(dtype=np.float64) == p * (1 - p)


@law("probability.bernoulli_sample")
@given(between_rows((20,)))
def test_what_cannot_be_never_comes_and_what_is_certain_always_does(gs, uniform):
    """With p = 0 the sample is 0 and with p = 1 it is 1, for every draw, 0 included."""
    uniform = gs.array(np.append(uniform, 0.0))
    for p in (0.0, 1.0):
        assert (gs.numpy(gs.bernoulli_sample(uniform, gs.array(np.array(p)))) == p).all()


@law("probability.categorical_sample")
@given(st.integers(1, 6).flatmap(lambda k: exact_rows((k,))))
def test_evenly_spread_draws_give_every_value_its_share(gs, p):
    """Of 128 draws, value i comes 128 p_i times, exactly."""
    uniform = gs.array((np.arange(128) + 0.5) / 128)
    y = gs.numpy(gs.categorical_sample(uniform, gs.array(p)))
    assert np.bincount(y, minlength=len(p)).tolist() == (128 * p).tolist()


@law("probability.categorical_sample")
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(0, 12))
def test_impossible_values_never_come(gs, sizes, at):
    """A value of probability 0 is not drawn, be the draw 0 or as large as it can be and the sum of the row below it."""
    p = np.array([*sizes[:at], 1, *sizes[at:]], np.float64) / (sum(sizes) + 1)
    p = gs.precision.round(p)
    largest = gs.precision.round(np.array(1 - 2 * gs.precision.unit))
    uniform = np.array([0.0, 0.5, float(largest)])
    y = gs.numpy(gs.categorical_sample(gs.array(uniform), gs.array(p)))
    assert (p[y] > 0).all(), (p, y)


@law("probability.categorical_sample", "probability.bernoulli_sample")
@given(st.integers(0, 128), between_rows((9,)))
def test_yes_among_two_values_is_drawn_by_the_upper_end(gs, k, uniform):
    """Drawing from (1 - p, p) gives yes where drawing yes with probability 1 - p gives no: one draw, two readings."""
    p = k / 128
    y = gs.numpy(gs.categorical_sample(gs.array(uniform), gs.array(np.array([1 - p, p]))))
    no = gs.numpy(gs.bernoulli_sample(gs.array(uniform), gs.array(np.array(1 - p))))
    assert np.array_equal(y, 1 - no)


@law("probability.normal", "probability.normal_sample")
@given(inputs("mse"), st.integers(-4, 4), st.sampled_from((0.25, 0.5, 2.0, 4.0)))
def test_density_of_a_scaled_and_shifted_sample_is_that_of_the_draw(gs, case, mean, std):
    """The log-density of mu + sigma z under N(mu, sigma^2) is that of z under N(0, 1), less log sigma."""
    assert_agree(
        gs,
        lambda gs, z, m, s, zero, one: gs.normal(gs.normal_sample(z, m, s), m, s),
        lambda gs, z, m, s, zero, one: gs.normal(z, zero, one) - math.log(std),
        near(case.arguments[0], 8), *(np.array(float(v)) for v in (mean, std, 0, 1)),
    )  # fmt: skip


@law("probability.normal")
@given(st.integers(-16, 16), st.integers(-16, 16), st.sampled_from((0.25, 0.5, 1.0, 2.0)))
def test_gradient_of_the_log_density_points_to_the_mean(gs, x, mean, std):
    """The score, d log p / d mu, is (x - mu) / sigma^2, and that by x is its negative."""
    arguments = np.array(x / 8), np.array(mean / 8), np.array(std)

    def slope(gs, which, x, m, s):
        arrays = [x, m]
        return gs.value_and_grad(lambda v: gs.normal(*[v if i == which else a for i, a in enumerate(arrays)], s))(
            arrays[which]
        )[1]

    for which, sign in ((1, 1), (0, -1)):
        assert_agree(
            gs,
            lambda gs, x, m, s, i=which: slope(gs, i, x, m, s),
            lambda gs, x, m, s, sign=sign: sign * (x - m) / s**2,
            *arguments,
        )


@law("probability.normal", "probability.gaussian_mixture")
@given(st.integers(-8, 8), st.sampled_from((0.5, 1.0, 2.0)))
def test_densities_integrate_to_one(gs, mean, std):
    """The sum over a fine grid times its step is 1: for normal densities it is exact far beyond any rounding.

    With a step of half a standard deviation it is off by e^(-8 pi^2), beyond 12 of them there is e^(-72).
    """
    grid = np.arange(-96, 97) / 8 * std + 0 * mean
    assert_agree(
        gs,
        lambda gs, x, m, s: gs.likelihood(gs.normal(x + m, m, s)[None]).sum() * (std / 8),
        lambda gs, *_: 1.0,
        grid, np.array(mean / 4), np.array(std),
    )  # fmt: skip
    wide = np.arange(-64, 65) / 2
    assert_agree(
        gs,
        lambda gs, x, w, m, s: gs.likelihood(gs.gaussian_mixture(x, w, m, s)[None]).sum() / 2,
        lambda gs, *_: 1.0,
        wide, np.array([0.25, 0.75]), np.array([mean / 4, -1.0]), np.array([2.0, 1.0]),
    )  # fmt: skip


@law("probability.normal")
@given(st.integers(-8, 8), st.sampled_from(((3, 4, 5), (5, 12, 13), (8, 15, 17))))
def test_sum_of_independent_normal_numbers_is_normal(gs, y, sizes):
    """The density of the sum, N(y; a + b, s^2 + t^2), is the convolution of the two: here as a sum over a grid."""
    s, t, both = (size / 8 for size in sizes)
    grid = np.arange(-128, 129) / 16  # half the smaller deviation is at most a step
    left = gs.precision.round(np.array(y / 8)) - grid

    def convolved(gs, x, rest, zero, s, t, y, both):
        parts = [gs.normal(x, zero, s), gs.normal(rest, zero, t)]
        return gs.likelihood((parts[0] + parts[1])[None]).sum() / 16

    assert_agree(
        gs,
        convolved,
        lambda gs, x, rest, zero, s, t, y, both: gs.likelihood(gs.normal(y, zero, both)[None]),
        grid, left, *(np.array(v) for v in (0.0, s, t, y / 8, both)),
    )  # fmt: skip


@law("probability.normal")
@given(inputs("mse"))
def test_normal_log_density_is_minus_the_gaussian_loss(gs, case):
    """Summed up, log N(y; prediction, 1) is minus gaussian_nll: least squares is maximum likelihood."""
    pred, target = case.arguments
    assert_agree(
        gs,
        lambda gs, p, t, one: gs.normal(t, p, one).sum(),
        lambda gs, p, t, one: -gs.gaussian_nll(p, t, reduction="sum"),
        pred, target, np.ones_like(pred),
    )  # fmt: skip


@law("probability.normal_sample")
@given(inputs("normal_sample"))
def test_a_draw_of_zero_is_the_mean(gs, case):
    """With z = 0 the sample is the mean, exactly; twice the deviation leads twice as far from 0."""
    z, mean, std = case.arguments
    at_mean = gs.numpy(gs.normal_sample(gs.array(np.zeros_like(z)), gs.array(mean), gs.array(std)))
    assert np.array_equal(at_mean, np.broadcast_to(gs.numpy(gs.array(mean)), z.shape))
    assert_agree(
        gs,
        lambda gs, z, m, s: gs.normal_sample(z, m, 2 * s),
        lambda gs, z, m, s: 2 * gs.normal_sample(z, m, s),
        z, np.zeros_like(mean), std,
    )  # fmt: skip


# What a joint distribution costs


@law("probability.rgb_pixel_parameters")
def test_a_pixel_of_three_channels_takes_almost_17_million(gs):
    """256^3 - 1 = 16,777,215 for the table, 765 for independent channels; 255^3 is neither."""
    assert rgb_pixel_parameters() == 16_777_215 == joint_table_parameters(3, k=256)
    assert rgb_pixel_parameters(independent=True) == 765 == 3 * 255
    assert 255**3 == 16_581_375 not in (rgb_pixel_parameters(), rgb_pixel_parameters(independent=True))
    assert rgb_pixel_parameters(levels=2) == 7


@law("probability.joint_table_parameters")
def test_a_further_binary_variable_doubles_the_table_and_adds_one(gs):
    """2^n - 1: 100 binary pixels take 2^100 - 1. A table of 2^n states can be as uncertain as n coins."""
    assert joint_table_parameters(100) == 2**100 - 1
    for n in range(1, 9):
        assert joint_table_parameters(n + 1) == 2 * joint_table_parameters(n) + 1
        table = np.full(joint_table_parameters(n) + 1, 2.0**-n)
        assert_agree(gs, of("entropy"), lambda gs, _, n=n: n * math.log(2), table)


@law("probability.independent_parameters")
def test_independence_leaves_one_parameter_per_variable(gs):
    """N parameters instead of 2^n - 1 for still 2^n states; equal for one variable only."""
    assert independent_parameters(100) == 100
    assert independent_parameters(1) == joint_table_parameters(1) == 1
    assert all(independent_parameters(n) < joint_table_parameters(n) for n in range(2, 20))
    assert independent_parameters(5, k=3) == sum(joint_table_parameters(1, k=3) for _ in range(5))


@law("probability.chain_rule_parameters")
@given(st.integers(1, 12), st.integers(1, 5))
def test_the_chain_rule_saves_no_parameters(gs, n, k):
    """Its factors take 1 + 2 + ... + 2^(n - 1) = 2^n - 1, as many as the table; factor i takes 2^(i - 1)."""
    assert sum(chain_rule_parameters(n, k=k)) == joint_table_parameters(n, k=k)
    assert chain_rule_parameters(n) == tuple(2**i for i in range(n))
    for i, size in enumerate(chain_rule_parameters(n, k=k)):
        assert size == k**i * joint_table_parameters(1, k=k)  # a distribution for each of k^i pasts


@law("probability.markov_parameters")
@given(st.integers(1, 40), st.integers(1, 5))
def test_the_markov_assumption_grows_with_the_length_only(gs, n, k):
    """2n - 1 for binary variables; for one or two variables it saves nothing."""
    assert markov_parameters(n) == 2 * n - 1
    for m in (1, 2):
        assert markov_parameters(m, k=k) == joint_table_parameters(m, k=k)
    tables = chain_rule_parameters(2, k=k)
    assert markov_parameters(n, k=k) == tables[0] + (n - 1) * tables[1]
    assert independent_parameters(n, k=k) <= markov_parameters(n, k=k) <= joint_table_parameters(n, k=k)


@law("probability.joint_table_parameters")
@pytest.mark.parametrize(
    "count", [joint_table_parameters, independent_parameters, chain_rule_parameters, markov_parameters]
)
def test_counts_are_of_something(gs, count):
    """Sizes below 1 or no integers are refused, by the name of the function and of the size."""
    for n, k, name in ((0, 2, "n"), (-3, 2, "n"), (3, 0, "k")):
        with pytest.raises(DomainError, match=rf"^{count.__name__}: {name} is -?\d, expected an int >= 1"):
            count(n, k=k)
    for n in (2.0, "2", True):
        with pytest.raises(DtypeError, match=rf"^{count.__name__}: n is of type"):
            count(n)
    with pytest.raises(DomainError, match=r"^rgb_pixel_parameters: levels is 0"):
        rgb_pixel_parameters(levels=0)


# Rules of probability


def factors(gs, table):
    """Log-probability of each variable of a table given those before it: arrays [n0], [n0, n1], ..."""
    for i in range(table.ndim):
        marginal = table
        for _ in range(table.ndim - 1 - i):
            marginal = marginal.sum(-1)
        rows = marginal / marginal.sum(-1)[..., None]  # p(x_i | past)
        every = gs.array(np.broadcast_to(np.arange(table.shape[i]), tuple(table.shape[: i + 1])).copy())
        yield gs.categorical(every, rows[..., None, :] + 0 * rows[..., :, None])


def product(gs, factors):
    """Probability of every state, from log-probabilities [n0], [n0, n1], ..."""
    total, *rest = factors
    for factor in rest:
        total = total[..., None] + factor
    return gs.likelihood(total[None])


@law("probability.chain_rule")
@given(st.lists(st.integers(1, 3), min_size=3, max_size=3), st.permutations(range(3)), SEEDS)
def test_any_table_is_the_product_of_its_conditionals_in_any_order(gs, shape, order, seed):
    """In p(x_a) p(x_b | x_a) p(x_c | x_a, x_b) it does not matter which variable comes first."""
    weights = np.random.Generator(np.random.Philox(seed)).integers(1, 9, shape)
    table = gs.precision.round(np.transpose(weights / weights.sum(), order))
    assert_agree(gs, lambda gs, p: product(gs, factors(gs, p)), lambda gs, p: p / p.sum(), table)


@law("probability.chain_rule")
@given(st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_entropies_obey_the_chain_rule(gs, k, m, seed):
    """H(x, y) = H(x) + sum_x p(x) H(y | x): what is not known of one, and then of the other."""
    rng = np.random.Generator(np.random.Philox(seed))
    rows = np.array([2.0 ** -np.minimum(np.arange(1, m + 1), m - 1)]) if m > 1 else np.ones((1, 1))
    rows = rng.permuted(np.repeat(rows, k, 0), axis=-1)
    p = 2.0 ** -np.minimum(np.arange(1, k + 1), k - 1) if k > 1 else np.ones(1)
    joint = (p[:, None] * rows).reshape(-1)
    assert_agree(
        gs,
        lambda gs, joint, p, rows: gs.entropy(joint),
        lambda gs, joint, p, rows: gs.entropy(p) + (p * gs.entropy(rows)).sum(),
        joint, p, rows,
    )  # fmt: skip


@law("probability.bayes_rule", "probability.posterior")
@given(st.integers(1, 5), SEEDS)
def test_posterior_times_evidence_is_likelihood_times_prior(gs, k, seed):
    """p(x | y) p(y) = p(y | x) p(x), and the posterior sums to 1."""
    rng = np.random.Generator(np.random.Philox(seed))
    likelihood, prior = rng.integers(1, 129, (3, k)) / 128, rng.multinomial(128, np.full(k, 1 / k)) / 128
    log_likelihood = gs.precision.round(np.log(likelihood))
    assert_agree(
        gs,
        lambda gs, log, p: gs.posterior(log, p) * (gs.likelihood(log[None]) * p).sum(-1)[..., None],
        lambda gs, log, p: gs.likelihood(log[None]) * p,
        log_likelihood, prior,
    )  # fmt: skip
    assert_agree(gs, lambda gs, log, p: gs.posterior(log, p).sum(-1), lambda gs, *_: 1.0, log_likelihood, prior)


@law("probability.bayes_rule", "probability.posterior")
@given(st.integers(1, 6).flatmap(lambda k: exact_rows((k,))), st.integers(-64, 64))
def test_what_says_the_same_of_every_cause_teaches_nothing(gs, prior, c):
    """With a constant likelihood, however small, the posterior is the prior."""
    assert_agree(
        gs, lambda gs, log, p: gs.posterior(log, p), lambda gs, log, p: p, np.full(prior.shape, float(c)), prior
    )


@law("probability.bayes_rule", "probability.posterior")
@given(st.integers(2, 4), SEEDS)
def test_one_observation_after_the_other_is_both_at_once(gs, k, seed):
    """The posterior of the first is the prior of the second; the order does not matter."""
    rng = np.random.Generator(np.random.Philox(seed))
    first, second = rng.integers(-16, 17, (2, k)) / 8
    prior = np.full(k, 1 / k) if k != 3 else np.array([0.5, 0.25, 0.25])
    for a, b in ((first, second), (second, first)):
        assert_agree(
            gs,
            lambda gs, a, b, p: gs.posterior(b, gs.posterior(a, p)),
            lambda gs, a, b, p: gs.posterior(a + b, p),
            a, b, prior,
        )  # fmt: skip


@law("probability.posterior")
def test_no_observation_is_too_improbable(gs):
    """Log-likelihoods of -10,000 and below still decide; a cause of prior 0 stays out whatever is observed."""
    log_likelihood = gs.array(np.array([[-10000.0, -10064.0], [-10064.0, -10000.0], [0.0, 10000.0]]))
    half, sure = gs.array(np.array([0.5, 0.5])), gs.array(np.array([1.0, 0.0]))
    shares = gs.numpy(gs.posterior(log_likelihood, half))
    assert shares.argmax(-1).tolist() == [0, 1, 1]
    assert np.isfinite(shares).all()
    assert gs.numpy(gs.posterior(log_likelihood, sure)).tolist() == [[1.0, 0.0]] * 3


def common_cause(seed: int) -> tuple[np.ndarray, ...]:
    """p(z), p(x | z), p(y | z) for two values each, in quarters: all products are exact in every precision."""
    p = np.random.Generator(np.random.Philox(seed)).integers(1, 4, (5,)) / 4
    rows = np.stack([p, 1 - p], -1)
    return rows[0], rows[1:3], rows[3:5]


@law("probability.conditional_independence")
@given(SEEDS)
def test_under_a_common_cause_the_other_effect_says_nothing_more(gs, seed):
    """From p(x, y | z) = p(x | z) p(y | z) follow p(x | y, z) = p(x | z) and p(y | x, z) = p(y | z), by Bayes' rule."""
    _, x_of, y_of = common_cause(seed)
    for z, seen in itertools.product(range(2), range(2)):
        for effect, other in ((x_of[z], y_of[z]), (y_of[z], x_of[z])):
            # the prior is p(x | z); the likelihood of y under each x is p(y | z)
            assert_agree(
                gs,
                lambda gs, label, other, effect: gs.posterior(gs.categorical(label, other), effect),
                lambda gs, label, other, effect: effect,
                np.full(2, seen), np.broadcast_to(other, (2, 2)).copy(), effect,
            )  # fmt: skip


@law("probability.conditional_independence")
@given(SEEDS)
def test_without_the_common_cause_one_effect_tells_of_the_other(gs, seed):
    """Summed over z, p(x, y) is not p(x) p(y), unless z says nothing of one of them: then they are equal, exactly."""
    z, x_of, y_of = common_cause(seed)
    joint = np.einsum("z,zx,zy->xy", z, x_of, y_of)
    independent = np.outer(joint.sum(1), joint.sum(0))
    information = number(gs, gs.kl_divergence(*(gs.array(table.reshape(-1)) for table in (joint, independent))))
    if (x_of[0] == x_of[1]).all() or (y_of[0] == y_of[1]).all():
        assert information == 0
    elif gs.precision.unit < 2**-12:
        assert information > 0


def chain(gs, initial, transition, n):
    """Log-probabilities of the n states of a chain, each given those before it."""
    k = len(initial)
    yield gs.categorical(gs.array(np.arange(k)), initial)
    every = gs.array(np.tile(np.arange(k), (k, 1)))
    step = gs.categorical(every, transition[:, None, :] + 0 * transition[:, :, None])  # [before, after]
    for i in range(1, n):
        yield step[(None,) * (i - 1)]


@law("probability.markov_factorization")
@given(positive_rows(3), positive_rows(3, 3), st.integers(1, 4))
def test_the_markov_product_is_a_distribution(gs, initial, transition, n):
    """The sum of p(x1) prod p(x_i | x_(i-1)) over all sequences is 1; its factors are those of the chain rule."""

    def joint(gs, initial, transition):
        return product(gs, chain(gs, initial, transition, n))

    assert_agree(gs, lambda *a: joint(*a).sum(), lambda gs, *_: 1.0, initial, transition)
    assert_agree(gs, lambda gs, *a: product(gs, factors(gs, joint(gs, *a))), joint, initial, transition)


@law("probability.markov_factorization")
@given(positive_rows(3), positive_rows(3, 3))
def test_the_present_screens_off_the_past_and_the_future(gs, initial, transition):
    """Of p(x3 | x1, x2) = p(x3 | x2), and p(x1 | x2, x3) = p(x1 | x2): backwards it is a Markov chain, too."""

    def joint(gs, initial, transition):
        first, second, third = chain(gs, initial, transition, 3)
        return (first[:, None] + second)[..., None] + third  # log p, [x1, x2, x3]

    def last(gs, p, t, prior):  # by Bayes' rule, from a prior that is taken out again
        return gs.posterior(joint(gs, p, t) - gs.categorical(gs.array(np.arange(3)), prior), prior)

    def first(gs, p, t, prior):  # [x3, x2, x1]
        return gs.posterior(joint(gs, p, t).swapaxes(0, 2) - gs.categorical(gs.array(np.arange(3)), prior), prior)

    prior = np.array([0.5, 0.25, 0.25])
    assert_agree(gs, last, lambda gs, p, t, _: t[None] + 0 * joint(gs, p, t), initial, transition, prior)
    assert_agree(gs, first, lambda gs, *a: first(gs, *a)[:1] + 0 * first(gs, *a), initial, transition, prior)


@law("probability.markov_factorization")
def test_a_chain_forgets_what_a_third_coin_remembers(gs):
    """A third coin that repeats the first is no Markov chain: the factorisation says 1/8 for every state."""
    joint = np.zeros((2, 2, 2))
    for a, b in itertools.product(range(2), range(2)):
        joint[a, b, a] = 0.25
    half, rows = np.array([0.5, 0.5]), np.full((2, 2), 0.5)  # p(x1), and p(x2 | x1) = p(x3 | x2)
    assert_agree(gs, lambda gs, p, t: product(gs, chain(gs, p, t, 3)), lambda gs, *_: 1 / 8, half, rows)
    assert_agree(gs, of("kl_divergence"), lambda gs, *_: math.log(2), joint.reshape(-1), np.full(8, 1 / 8))


# How well a model fits


@law("probability.likelihood", "probability.log_likelihood")
@given(inputs("likelihood"))
def test_the_logarithm_of_the_product_is_the_sum_of_the_logarithms(gs, case):
    """The law log L = l holds wherever the product neither under- nor overflows."""
    (log_prob,) = case.arguments
    log_prob = near(log_prob, 1)
    one = np.zeros_like(log_prob[:1])
    assert_agree(
        gs,
        lambda gs, x, one: gs.likelihood(x),
        lambda gs, x, one: gs.likelihood(gs.log_likelihood(x)[None]) * gs.likelihood(one),
        log_prob, one,
    )  # fmt: skip


@law("probability.likelihood", "probability.log_likelihood")
@given(st.integers(1, 7), st.lists(st.integers(0, 1), min_size=1, max_size=12))
def test_likelihood_of_throws_is_the_product_of_their_chances(gs, k, throws):
    """Of a coin with p = k/8: p^heads (1 - p)^tails, in any order."""
    p, heads = k / 8, sum(throws)
    value = p**heads * (1 - p) ** (len(throws) - heads)
    for x in (throws, sorted(throws)):
        assert_agree(
            gs,
            lambda gs, x, p: gs.likelihood(gs.bernoulli(x, p)),
            lambda gs, *_: value,
            np.array(x, float), np.array(p),
        )  # fmt: skip


@law("probability.likelihood", "probability.log_likelihood")
def test_the_product_vanishes_where_the_sum_does_not(gs):
    """4096 fair throws: 2^-4096 is 0 in every format, -4096 log 2 is a number like any other."""
    log_prob = np.full(4096, float(gs.precision.round(np.array(math.log(0.5)))))
    assert number(gs, gs.likelihood(gs.array(log_prob))) == 0
    assert_agree(gs, of("log_likelihood"), lambda gs, x: 4096 * log_prob[0], log_prob)


@law("probability.maximum_likelihood")
@given(st.lists(st.integers(0, 1), min_size=1, max_size=16), st.integers(0, 16))
def test_share_of_heads_is_the_most_likely_p(gs, throws, k):
    """No other p of a grid gives the throws a larger likelihood than their mean does."""
    x = np.array(throws, float)
    best = gs.precision.round(np.array(x.mean()))
    if best != x.mean():  # the mean is not a number of this precision
        return
    assert number(gs, gs.maximum_likelihood(gs.array(x)).mean) == best
    assert_at_most(
        gs,
        lambda gs, x, p, best: gs.log_likelihood(gs.bernoulli(x, p)),
        lambda gs, x, p, best: gs.log_likelihood(gs.bernoulli(x, best)),
        x, np.array(k / 16), best,
    )  # fmt: skip


@law("probability.maximum_likelihood")
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(1, 3).flatmap(lambda _: exact_rows((4,))))
def test_frequencies_are_the_most_likely_probabilities(gs, labels, other):
    """Of rows with a single 1 the mean is the maximum likelihood estimate of a categorical distribution."""
    y = np.array(labels)
    n = 2 ** (len(y).bit_length() - 1)  # a power of 2, so that the frequencies are exact
    y = y[:n]
    p = gs.maximum_likelihood(gs.array(np.eye(4)[y])).mean
    assert gs.numpy(p).tolist() == (np.bincount(y, minlength=4) / n).tolist()
    assert_at_most(
        gs,
        lambda gs, y, p, other: gs.log_likelihood(gs.categorical(y, other)),
        lambda gs, y, p, other: gs.log_likelihood(gs.categorical(y, p)),
        y, np.bincount(y, minlength=4) / n, other,
    )  # fmt: skip


@law("probability.maximum_likelihood")
@given(st.lists(st.integers(-16, 16), min_size=4, max_size=4), st.integers(-16, 16), st.integers(1, 32))
def test_mean_and_spread_are_the_most_likely_normal_distribution(gs, x, mean, std):
    """No other mean and deviation give the data a larger likelihood, where the data are not all equal."""
    x = np.array([*x, *(-v for v in x)]) / 8
    if not x.any():
        return
    assert_at_most(
        gs,
        lambda gs, x, m, s: gs.log_likelihood(gs.normal(x, m, s)),
        lambda gs, x, m, s: gs.log_likelihood(gs.normal(x, *gs.maximum_likelihood(x))),
        x, np.array(mean / 8), np.array(std / 8),
    )  # fmt: skip


@law("probability.maximum_likelihood")
@given(st.lists(st.integers(-16, 16), min_size=2, max_size=9))
def test_the_score_is_zero_at_the_most_likely_parameters(gs, x):
    """There the gradients of the log-likelihood by mean and by deviation vanish."""
    x = np.array(x) / 8
    if (x == x[0]).all():
        return

    def score(gs, x, which):
        found = list(gs.maximum_likelihood(x))

        def fit(v):
            return gs.log_likelihood(gs.normal(x, *[v if i == which else p for i, p in enumerate(found)]))

        return gs.value_and_grad(fit)(found[which])[1]

    for which in (0, 1):
        assert_agree(gs, lambda gs, x, i=which: score(gs, x, i), lambda gs, x: 0.0, x)


@law("probability.maximum_likelihood")
@given(inputs("maximum_likelihood"), st.sampled_from((-2.0, 0.5, 4.0)), st.integers(-4, 4))
def test_estimates_move_with_the_data(gs, case, a, b):
    """Those of a x + b are a mean + b and |a| std; of 0 and 1 the variance is p (1 - p)."""
    (x,) = case.arguments
    x = np.asarray(np.rint(near(x, 8)))
    assert_agree(
        gs,
        lambda gs, x: list(gs.maximum_likelihood(a * x + b)),
        lambda gs, x: [a * gs.maximum_likelihood(x).mean + b, abs(a) * gs.maximum_likelihood(x).std],
        x,
    )
    assert_agree(
        gs,
        lambda gs, x: gs.maximum_likelihood(x).std ** 2,
        lambda gs, x: gs.maximum_likelihood(x).mean * (1 - gs.maximum_likelihood(x).mean),
        np.asarray(x > 0, float),
    )


@law("probability.maximum_likelihood")
@given(inputs("batch_statistics"))
def test_batch_normalization_fits_a_normal_distribution_per_channel(gs, case):
    """Its statistics are the maximum likelihood estimates over samples and places."""
    (x,) = case.arguments
    n, c = x.shape[:2]
    flat = np.moveaxis(x.reshape(n, c, -1), 1, 2).reshape(-1, c)
    assert_agree(
        gs,
        lambda gs, x, flat: list(gs.batch_statistics(x)),
        lambda gs, x, flat: [gs.maximum_likelihood(flat).mean, gs.maximum_likelihood(flat).std ** 2],
        x, flat,
    )  # fmt: skip


# What a distribution knows, and how far two are apart


@law("probability.entropy")
@given(st.integers(1, 8).flatmap(lambda k: exact_rows((k,))))
def test_entropy_lies_between_certainty_and_ignorance(gs, p):
    """0 <= H <= log k: 0 where one value is certain, log k where all are as probable as each other."""
    assert_at_most(gs, lambda gs, p: 0.0 * p.sum(), of("entropy"), p)
    assert_at_most(gs, of("entropy"), lambda gs, p: math.log(len(p)), p)
    assert number(gs, gs.entropy(gs.array(np.eye(len(p))[0]))) == 0
    k = 2 ** (len(p) - 1)
    assert_agree(gs, of("entropy"), lambda gs, p: math.log(k), np.full(k, 1 / k))


@law("probability.entropy")
@given(pairs())
def test_entropy_is_concave(gs, rows):
    """A mixture of two distributions is at least as uncertain as they are on average."""
    assert_at_most(
        gs,
        lambda gs, p, q: (gs.entropy(p) + gs.entropy(q)) / 2,
        lambda gs, p, q: gs.entropy((p + q) / 2),
        *rows,
    )


@law("probability.entropy", "probability.kl_divergence", "probability.js_divergence")
@given(pairs(), SEEDS)
def test_what_values_are_called_does_not_matter(gs, rows, seed):
    """Entropy and divergences stay the same when the values are renamed."""
    p, q = rows
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(p))
    assert_agree(gs, lambda gs, p, q: gs.entropy(p[order]), lambda gs, p, q: gs.entropy(p), p, q)
    for name in ("kl_divergence", "js_divergence"):
        assert_agree(gs, lambda gs, p, q, f=name: of(f)(gs, p[order], q[order]), of(name), p, q)


@law("probability.entropy", "probability.kl_divergence")
@given(st.integers(1, 3), st.integers(1, 3), st.data())
def test_independent_parts_add_up(gs, k, m, data):
    """H(p x r) = H(p) + H(r), and KL(p x r, q x s) = KL(p, q) + KL(r, s) for products."""
    p, q = data.draw(positive_rows(2, k))
    r, s = data.draw(positive_rows(2, m))

    def product(a, b):
        return (a[:, None] * b[None, :]).reshape(-1)

    assert_agree(
        gs,
        lambda gs, p, q, r, s: gs.entropy(product(p, r)),
        lambda gs, p, q, r, s: gs.entropy(p) + gs.entropy(r),
        p, q, r, s,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, p, q, r, s: gs.kl_divergence(product(p, r), product(q, s)),
        lambda gs, p, q, r, s: gs.kl_divergence(p, q) + gs.kl_divergence(r, s),
        p, q, r, s,
    )  # fmt: skip


@law("probability.kl_divergence")
@given(pairs())
def test_kl_is_zero_for_equal_distributions_only(gs, rows):
    """Gibbs' inequality: KL >= 0; exactly 0 for p = q; above 0 where they differ by an eighth or more."""
    p, q = rows
    assert number(gs, gs.kl_divergence(gs.array(p), gs.array(p))) == 0
    assert_at_most(gs, lambda gs, p, q: 0.0 * p.sum(), of("kl_divergence"), p, q)
    if np.abs(p - q).max() >= 1 / 8:
        assert number(gs, gs.kl_divergence(gs.array(p), gs.array(q))) > 0


@law("probability.kl_divergence")
@given(pairs())
def test_kl_is_infinite_where_q_excludes_what_p_allows(gs, rows):
    """Exactly there; what p excludes costs nothing, whatever q says."""
    p, q = rows
    divergence = number(gs, gs.kl_divergence(gs.array(p), gs.array(q)))
    assert np.isinf(divergence) == ((p > 0) & (q == 0)).any(), divergence


@law("probability.kl_divergence")
@given(pairs(), pairs())
def test_kl_is_convex_in_both_at_once(gs, first, second):
    """KL((p + r)/2, (q + s)/2) <= (KL(p, q) + KL(r, s))/2."""
    k = min(len(first[0]), len(second[0]))
    p, q, r, s = (np.append(x[: k - 1], x[k - 1 :].sum()) for x in (*first, *second))
    assert_at_most(
        gs,
        lambda gs, p, q, r, s: gs.kl_divergence((p + r) / 2, (q + s) / 2),
        lambda gs, p, q, r, s: (gs.kl_divergence(p, q) + gs.kl_divergence(r, s)) / 2,
        p, q, r, s,
    )  # fmt: skip


@law("probability.kl_asymmetry")
def test_kl_depends_on_the_direction(gs):
    """For (1/2, 1/2) and (9/10, 1/10) it is 0.5108 one way and 0.3681 the other; nor does it obey the triangle."""
    p, q = (gs.array(gs.precision.round(np.array(row))) for row in ([0.5, 0.5], [0.9, 0.1]))
    there, back = number(gs, gs.kl_divergence(p, q)), number(gs, gs.kl_divergence(q, p))
    digits = 4 if gs.precision.unit < 2**-12 else 1
    assert (round(there, digits), round(back, digits)) == (round(0.5108, digits), round(0.3681, digits))
    a, b, c = (gs.array(np.array(row)) for row in ([0.5, 0.5], [0.25, 0.75], [1 / 16, 15 / 16]))
    detour = number(gs, gs.kl_divergence(a, b)) + number(gs, gs.kl_divergence(b, c))
    assert number(gs, gs.kl_divergence(a, c)) > detour


@law("probability.cross_entropy_decomposition", "probability.kl_divergence", "probability.entropy")
@given(st.integers(1, 5).flatmap(lambda k: st.tuples(exact_rows((k,)), positive_rows(k))))
def test_cross_entropy_is_entropy_plus_divergence(gs, rows):
    """CE(q; p) = H(p) + KL(p, q)."""
    assert_agree(
        gs,
        lambda gs, p, q: gs.cross_entropy(q[None], p[None]),
        lambda gs, p, q: gs.entropy(p) + gs.kl_divergence(p, q),
        *rows,
    )


@law("probability.cross_entropy_decomposition")
@given(st.integers(1, 5).flatmap(lambda k: st.tuples(st.integers(0, k - 1), positive_rows(k))))
def test_for_a_certain_target_cross_entropy_is_the_divergence(gs, drawn):
    """A one-hot p has the entropy 0, so CE = KL = -log q of the class."""
    label, q = drawn
    p = np.eye(len(q))[label]
    assert_agree(gs, lambda gs, p, q: gs.cross_entropy(q[None], p[None]), of("kl_divergence"), p, q)
    assert_agree(
        gs, lambda gs, y, p, q: gs.kl_divergence(p, q), lambda gs, y, p, q: -gs.categorical(y, q), np.array(label), p, q
    )


@law("probability.cross_entropy_decomposition")
@given(st.integers(1, 5).flatmap(lambda k: st.tuples(exact_rows((k,)), positive_rows(k))))
def test_cross_entropy_and_divergence_have_the_same_gradient(gs, rows):
    """By q, of which the entropy knows nothing: -p / q."""
    for name in ("kl", "cross entropy"):

        def slope(gs, p, q, name=name):
            def loss(q):
                return gs.kl_divergence(p, q) if name == "kl" else gs.cross_entropy(q[None], p[None])

            return gs.value_and_grad(loss)(q)[1]

        assert_agree(gs, slope, lambda gs, p, q: -p / q, *rows)


@law("probability.model_fitting")
@given(st.lists(st.integers(0, 2), min_size=8, max_size=8), exact_rows((3,)), exact_rows((3,)))
def test_the_model_nearest_to_the_data_makes_them_most_likely(gs, labels, first, second):
    """KL(frequencies, model) = -mean log-likelihood - H(frequencies): of two models the nearer one is the likelier."""
    y = np.array(labels)
    frequencies = np.bincount(y, minlength=3) / 8
    for q in (first, second):
        assert_agree(
            gs,
            lambda gs, y, p, q: gs.kl_divergence(p, q),
            lambda gs, y, p, q: -gs.log_likelihood(gs.categorical(y, q)) / 8 - gs.entropy(p),
            y, frequencies, q,
        )  # fmt: skip
    apart = [reference.kl_divergence(frequencies, q) for q in (first, second)]
    nearer, farther = (first, second) if apart[0] <= apart[1] else (second, first)
    assert_at_most(
        gs,
        lambda gs, y, nearer, farther: gs.log_likelihood(gs.categorical(y, farther)),
        lambda gs, y, nearer, farther: gs.log_likelihood(gs.categorical(y, nearer)),
        y, nearer, farther,
    )  # fmt: skip


@law("probability.model_fitting")
@given(st.lists(st.integers(0, 1), min_size=16, max_size=16))
def test_over_a_grid_the_same_parameter_is_best(gs, throws):
    """Among p = 0, 1/16, ..., 1, divergence is smallest where likelihood is largest: at the share of heads, and 0."""
    x = np.array(throws, float)
    grid = np.arange(17) / 16
    share = x.mean()
    model = gs.array(np.stack([1 - grid, grid], -1))
    data = gs.array(np.broadcast_to(np.array([1 - share, share]), (17, 2)).copy())
    apart, best = gs.numpy(gs.kl_divergence(data, model)), int(share * 16)
    assert apart[best] == 0
    assert (np.delete(apart, best) > 0).all() or gs.precision.unit > 2**-12

    def fit(gs, x, p):
        return gs.log_likelihood(gs.bernoulli(x, p))

    assert_at_most(gs, fit, lambda gs, x, p: fit(gs, x, p)[best] + 0 * p, np.repeat(x[:, None], 17, 1), grid)


@law("probability.js_divergence")
@given(pairs())
def test_jsd_is_symmetric_bounded_and_zero_for_equal_distributions_only(gs, rows):
    """JSD(p, q) = JSD(q, p), exactly; 0 <= JSD <= log 2; exactly 0 for p = q."""
    p, q = map(gs.array, rows)
    there, back = gs.numpy(gs.js_divergence(p, q)), gs.numpy(gs.js_divergence(q, p))
    assert there == back
    assert number(gs, gs.js_divergence(p, p)) == 0
    assert_at_most(gs, lambda gs, p, q: 0.0 * p.sum(), of("js_divergence"), *rows)
    assert_at_most(gs, of("js_divergence"), lambda gs, p, q: math.log(2), *rows)
    if np.abs(rows[0] - rows[1]).max() >= 1 / 4:
        assert there > 0


@law("probability.js_divergence", "probability.kl_divergence", "probability.entropy")
@given(pairs())
def test_jsd_is_by_how_much_the_middle_is_more_uncertain(gs, rows):
    """JSD = KL(p, m)/2 + KL(q, m)/2 = H(m) - (H(p) + H(q))/2, with m = (p + q)/2."""
    assert_agree(
        gs,
        of("js_divergence"),
        lambda gs, p, q: (gs.kl_divergence(p, (p + q) / 2) + gs.kl_divergence(q, (p + q) / 2)) / 2,
        *rows,
    )
    assert_agree(
        gs,
        of("js_divergence"),
        lambda gs, p, q: gs.entropy((p + q) / 2) - (gs.entropy(p) + gs.entropy(q)) / 2,
        *rows,
    )


@law("probability.js_metric")
@given(st.integers(2, 5).flatmap(lambda k: st.tuples(*[exact_rows((k,))] * 3)))
def test_the_root_of_jsd_obeys_the_triangle_inequality(gs, rows):
    """The law: sqrt JSD(p, r) <= sqrt JSD(p, q) + sqrt JSD(q, r)."""
    assert_at_most(
        gs,
        lambda gs, p, q, r: gs.js_divergence(p, r) ** 0.5,
        lambda gs, p, q, r: gs.js_divergence(p, q) ** 0.5 + gs.js_divergence(q, r) ** 0.5,
        *rows,
    )


@law("probability.js_metric")
def test_jsd_itself_does_not(gs):
    """From (1, 0) to (0, 1) it is log 2, by way of the middle 0.4315; the roots are 0.8326 and 0.9290."""
    p, m, q = (gs.array(np.array(row)) for row in ([1.0, 0.0], [0.5, 0.5], [0.0, 1.0]))
    direct, *detour = (number(gs, gs.js_divergence(*pair)) for pair in ((p, q), (p, m), (m, q)))
    assert direct > sum(detour)
    assert direct**0.5 < sum(x**0.5 for x in detour)
    if gs.precision.unit < 2**-12:
        assert [round(x, 4) for x in (direct, sum(detour))] == [0.6931, 0.4315]
        assert [round(x, 4) for x in (direct**0.5, sum(x**0.5 for x in detour))] == [0.8326, 0.9290]


@law("probability.js_disjoint", "probability.js_divergence")
@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_disjoint_distributions_are_log_2_apart_however_far(gs, k, m, data):
    """JSD is log 2 wherever they are put, KL infinite; and where they coincide, both are 0."""
    p, q = data.draw(exact_rows((k,))), data.draw(exact_rows((m,)))
    for gap in (0, 3):
        first = np.concatenate([p, np.zeros(gap + m)])
        second = np.concatenate([np.zeros(k + gap), q])
        assert_agree(gs, of("js_divergence"), lambda gs, *_: math.log(2), first, second)
        assert np.isinf(number(gs, gs.kl_divergence(gs.array(first), gs.array(second))))
    assert number(gs, gs.js_divergence(gs.array(p), gs.array(p))) == 0


@law("probability.js_disjoint")
@given(st.integers(1, 6))
def test_the_divergence_says_nothing_of_how_far_to_go(gs, distance):
    """A point mass moved step by step towards another: JSD stays the same until they meet, so its slope is 0."""
    line = np.eye(8)
    here = gs.array(line[0])
    apart = [number(gs, gs.js_divergence(here, gs.array(line[i]))) for i in range(8)]
    assert len(set(apart[1:])) == 1
    assert apart[0] == 0 < apart[distance] == apart[7]


# Mixtures


@law("probability.gaussian_mixture")
@given(inputs("normal"))
def test_a_mixture_of_one_is_a_normal_distribution(gs, case):
    """With a single component of weight 1."""
    x, mean, std = case.arguments
    assert_agree(
        gs,
        lambda gs, x, m, s, one: gs.gaussian_mixture(x, one, m[..., None], s[..., None]),
        lambda gs, x, m, s, one: gs.normal(x, m, s),
        x, mean, std, np.ones((*mean.shape, 1)),
    )  # fmt: skip


@law("probability.gaussian_mixture")
@given(inputs("normal"), st.integers(1, 5).flatmap(lambda k: exact_rows((k,))))
def test_equal_components_are_one(gs, case, weight):
    """Whatever their weights are."""
    x = case.arguments[0]
    k = len(weight)
    assert_agree(
        gs,
        lambda gs, x, w, m, s: gs.gaussian_mixture(x, w, m, s),
        lambda gs, x, w, m, s: gs.normal(x, m[0], s[0]),
        near(x, 8), weight, np.full(k, 0.5), np.full(k, 2.0),
    )  # fmt: skip


@law("probability.gaussian_mixture", "probability.posterior")
@given(inputs("gaussian_mixture"))
def test_gradient_by_the_log_density_of_a_component_is_its_responsibility(gs, case):
    """Shift the log-density of every component by d: that of the mixture moves by sum of responsibility times d."""
    x, weight, mean, std = case.arguments
    x, mean = near(x, 4), near(mean, 4)

    def components(gs, x, mean, std):
        return gs.normal(x[..., None] + 0 * mean, mean, std)  # [*shape, k]

    # d log p / d x = sum_k r_k (mu_k - x) / sigma_k^2
    assert_agree(
        gs,
        lambda gs, x, w, m, s: gs.value_and_grad(lambda x: gs.gaussian_mixture(x, w, m, s).sum())(x)[1],
        lambda gs, x, w, m, s: (
            gs.posterior(components(gs, x, m, s), w) * (m - x[..., None]) / (s * s)
        ).sum(-1),
        x, weight, mean, std,
    )  # fmt: skip


@law("probability.gaussian_mixture", "probability.gaussian_mixture_sample")
@given(st.integers(2, 4), SEEDS)
def test_mean_and_variance_of_a_mixture(gs, k, seed):
    """They are sum pi mu, and sum pi (sigma^2 + mu^2) - mean^2: of samples with evenly spread draws, exactly.

    Half of the normal draws are 1, half -1, in each share of the uniform draws: mean 0, variance 1.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    weight = rng.multinomial(16, np.full(k, 1 / k)) / 16
    mean, std = rng.integers(-4, 5, k) * 1.0, 2.0 ** rng.integers(-1, 2, k)
    uniform, normal = np.repeat((np.arange(16) + 0.5) / 16, 2), np.tile([1.0, -1.0], 16)
    x = gs.numpy(gs.gaussian_mixture_sample(*map(gs.array, (uniform, normal, weight, mean, std)))).astype(np.float64)
    middle = weight @ mean
    assert x.mean() == middle
    assert (x**2).mean() - middle**2 == weight @ (std**2 + mean**2) - middle**2


@law("probability.gaussian_mixture")
def test_far_away_the_nearest_component_decides_and_nothing_underflows(gs):
    """At 1024 from the nearer component the log-density is about -2^19, where the density is 0 in any format."""
    x, weight = np.array([1024.0]), np.array([0.5, 0.5])
    mean, std = np.array([0.0, -1024.0]), np.ones(2)
    assert_agree(
        gs,
        of("gaussian_mixture"),
        lambda gs, *_: -(2.0**19) - math.log(2 * math.pi) / 2 - math.log(2),
        x, weight, mean, std,
    )  # fmt: skip


@law("probability.expectation_maximization")
@given(inputs("expectation_maximization"))
def test_the_likelihood_of_a_mixture_never_falls(gs, case):
    """After a step of EM the data are at least as likely as before; so after two."""
    x, weight, mean, std = case.arguments
    x, mean = np.rint(np.clip(4 * x, -8, 8)) / 4, np.rint(np.clip(mean, -2, 2))
    if np.unique(x).size < 3 or (weight == 0).any():
        return

    def fit(gs, x, *mixture):
        return gs.log_likelihood(gs.gaussian_mixture(x, *mixture))

    assert_at_most(
        gs, fit, lambda gs, x, *mixture: fit(gs, x, *gs.expectation_maximization(x, *mixture)), x, weight, mean, std
    )


@law("probability.expectation_maximization", "probability.maximum_likelihood")
@given(inputs("maximum_likelihood"), SIZES)
def test_one_component_is_fitted_in_one_step(gs, case, start):
    """To the mean and the deviation of the data, from anywhere."""
    x = near(np.ravel(case.arguments[0]), 8)
    assert_agree(
        gs,
        lambda gs, x, one, m, s: [part[0] for part in gs.expectation_maximization(x, one, m, s)][1:],
        lambda gs, x, one, m, s: list(gs.maximum_likelihood(x)),
        x, np.ones(1), np.array([start * 1.0]), np.array([2.0]),
    )  # fmt: skip


@law("probability.expectation_maximization")
@given(inputs("expectation_maximization"))
def test_a_step_of_em_keeps_the_mean_of_the_data(gs, case):
    """The weights sum to 1, and the mean of the new mixture is that of the data."""
    x, weight, mean, std = case.arguments
    if (weight == 0).any():  # whose component has no mean
        return
    assert_agree(
        gs, lambda gs, *a: gs.expectation_maximization(*a).weight.sum(), lambda gs, *_: 1.0, x, weight, mean, std
    )

    def mean_of_mixture(gs, *arrays):
        new = gs.expectation_maximization(*arrays)
        return (new.weight * new.mean).sum()

    assert_agree(gs, mean_of_mixture, lambda gs, x, *_: x.mean(), x, weight, mean, std)


# Two kinds of models


@law("probability.generative_vs_discriminative", "probability.posterior")
@given(
    st.integers(-16, 16), st.integers(-8, 8), st.integers(-8, 8), st.sampled_from((0.5, 1.0, 2.0)), st.integers(1, 7)
)
def test_two_classes_of_one_spread_give_a_logistic_posterior(gs, x, a, b, std, k):
    """With N(a, s^2) and N(b, s^2): p(1 | x) = sigmoid(w x + c), w = (b - a)/s^2, c = (a^2 - b^2)/2s^2 + log odds."""
    prior = k / 8
    x, a, b = x / 4, a / 4, b / 4

    def generative(gs, x, mean, std, prior):
        return gs.posterior(gs.normal(x, mean, std), prior)[1]

    def discriminative(gs, x, mean, std, prior):
        a, b = mean[0], mean[1]
        slope = (b - a) / (std[0] * std[0])
        constant = (a * a - b * b) / (2 * std[0] * std[0]) + math.log(k / (8 - k))
        return gs.sigmoid(slope * x[0] + constant)

    arguments = np.full(2, x), np.array([a, b]), np.full(2, std), np.array([1 - prior, prior])
    assert_agree(gs, generative, discriminative, *arguments)


@law("probability.generative_vs_discriminative", "probability.posterior", "probability.gaussian_mixture")
@given(inputs("gaussian_mixture"))
def test_the_joint_has_the_density_of_the_data_beside_the_posterior(gs, case):
    """It is p(x | y) p(y) = p(y | x) p(x): the generative model has both factors, the other only one."""
    x, weight, mean, std = case.arguments
    if (weight == 0).any():
        return
    x, mean = near(x, 2), near(mean, 2)

    def left(gs, x, w, m, s):
        return gs.likelihood((gs.normal(x[..., None] + 0 * m, m, s))[None]) * w

    def right(gs, x, w, m, s):
        shares = gs.posterior(gs.normal(x[..., None] + 0 * m, m, s), w)
        return shares * gs.likelihood(gs.gaussian_mixture(x, w, m, s)[None])[..., None]

    assert_agree(gs, left, right, x, weight, mean, std)


@law("probability.generative_vs_discriminative")
@given(st.integers(-8, 8), st.integers(-8, 8), st.sampled_from((-2.0, -0.5, 0.5, 2.0)))
def test_the_posterior_does_not_tell_how_probable_the_data_are(gs, a, b, c):
    """Make an x e^c times as probable in each class: p(y | x) stays, p(x) does not."""
    arguments = np.array([a, b]) / 4, np.array([0.75, 0.25])

    def evidence(gs, log_likelihood, prior):
        return (gs.likelihood(log_likelihood[None]) * prior).sum()

    assert_agree(gs, lambda gs, log, p: gs.posterior(log + c, p), of("posterior"), *arguments)
    assert_agree(
        gs,
        lambda gs, log, p: evidence(gs, log + c, p),
        lambda gs, log, p: math.exp(c) * evidence(gs, log, p),
        *arguments,
    )
