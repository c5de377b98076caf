"""Probability models against what others wrote: SciPy, PyTorch's distributions, scikit-learn."""

import numpy as np
import pytest
import scipy.optimize
import scipy.spatial.distance
import scipy.special
import scipy.stats
import torch
from hypothesis import HealthCheck, given, settings
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB

from gongsik import reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, inputs

FEW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FLOAT64 = PRECISIONS["float64"]
RNG = np.random.default_rng(0)
ROWS = RNG.dirichlet(np.ones(5), (2, 40))
SPARSE = np.where(RNG.random((2, 40, 5)) < 0.4, 0, ROWS)
SPARSE[..., 0] += 1 - SPARSE.sum(-1)
X = 3 * RNG.standard_normal(60)
WEIGHT, MEAN, STD = np.array([0.2, 0.5, 0.3]), np.array([-4.0, 0.0, 2.0]), np.array([0.5, 1.0, 3.0])


def assert_inside(theirs, expected, k=4.0):
    verdict = compare(np.asarray(theirs), expected, k=k)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def of_reference(name, *arguments, **options):
    """The reference's value, with its bound, in float64."""
    return values(Exact(FLOAT64), name, Case(arguments, options))


def at_every(name, theirs):
    """Another implementation on derived cases in float64: inside the bounds, most of which say something."""
    said = []

    def check(case: Case) -> None:
        with np.errstate(all="ignore"):
            verdict = compare(np.asarray(theirs(*case.arguments)), values(Exact(FLOAT64), name, case))
        assert verdict.agreed, verdict.message
        said.append(verdict.conclusive)

    token = PRECISION.set(FLOAT64)
    FEW(given(inputs(name))(check))()
    PRECISION.reset(token)
    assert np.mean(said) > 0.5


def suffixed(function):
    """A ufunc of data and parameters, whose shapes are broadcast from the last axis on."""
    return lambda x, *params: function(x, *params)


def test_bernoulli_is_that_of_scipy():
    """With the special function xlogy, also where the probability is 0 or 1, and between yes and no."""
    at_every("bernoulli", suffixed(lambda x, p: scipy.special.xlogy(x, p) + scipy.special.xlog1py(1 - x, -p)))
    for p in (0.0, 0.25, 1.0):
        x = np.array([0.0, 1.0, 1.0])
        assert_inside(scipy.stats.bernoulli.logpmf(x.astype(int), p), of_reference("bernoulli", x, np.array(p)))


def test_bernoulli_of_torch_is_ours_away_from_certainty():
    x, p = (RNG.random(50) < 0.5).astype(float), RNG.uniform(0.1, 0.9, 50)
    theirs = torch.distributions.Bernoulli(torch.tensor(p)).log_prob(torch.tensor(x))
    # torch takes the logit of p first: its own rounding, not ours, in a few units of the logarithm
    assert_inside(theirs, of_reference("bernoulli", x, p), k=16)


def test_categorical_is_that_of_torch():
    y = RNG.integers(0, 5, 40)
    theirs = torch.distributions.Categorical(torch.tensor(ROWS[0])).log_prob(torch.tensor(y))
    assert_inside(theirs, of_reference("categorical", y, ROWS[0]))


def test_normal_is_that_of_scipy():
    at_every("normal", suffixed(scipy.stats.norm.logpdf))


def test_normal_of_torch_lies_within_the_bounds():
    mean, std = torch.tensor([1.5, 2.5], dtype=torch.float64)
    theirs = torch.distributions.Normal(mean, std).log_prob(torch.tensor(X))
    assert_inside(theirs, of_reference("normal", X, np.array(1.5), np.array(2.5)))


def test_mixture_of_torch_lies_within_the_bounds():
    parts = torch.distributions.Normal(torch.tensor(MEAN), torch.tensor(STD))
    theirs = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(torch.tensor(WEIGHT)), parts)
    assert_inside(theirs.log_prob(torch.tensor(X)), of_reference("gaussian_mixture", X, WEIGHT, MEAN, STD))


def test_mixture_is_the_log_sum_exp_of_scipy():
    def theirs(x, weight, mean, std):
        return scipy.special.logsumexp(np.log(weight) + scipy.stats.norm.logpdf(x[..., None], mean, std), axis=-1)

    at_every("gaussian_mixture", theirs)


@pytest.mark.parametrize("p", [ROWS[0], SPARSE[0]])
def test_entropy_is_that_of_scipy_and_torch(p):
    p = p / p.sum(-1, keepdims=True)
    assert_inside(scipy.stats.entropy(p, axis=-1), of_reference("entropy", p))
    assert_inside(torch.special.entr(torch.tensor(p)).sum(-1), of_reference("entropy", p))


def test_divergence_is_that_of_scipy():
    """Also where either distribution has zeros: with the special function rel_entr."""
    at_every("kl_divergence", lambda p, q: scipy.special.rel_entr(p, q).sum(-1))
    assert_inside(scipy.stats.entropy(*ROWS, axis=-1), of_reference("kl_divergence", *ROWS))
    theirs = torch.distributions.kl_divergence(*(torch.distributions.Categorical(torch.tensor(p)) for p in ROWS))
    assert_inside(theirs, of_reference("kl_divergence", *ROWS))


def test_jensen_shannon_is_the_square_of_the_distance_of_scipy():
    for p, q in (ROWS, SPARSE):
        theirs = [scipy.spatial.distance.jensenshannon(*rows) ** 2 for rows in zip(p, q, strict=True)]
        assert_inside(theirs, of_reference("js_divergence", p, q), k=16)  # of a root that was squared again


def test_estimates_are_those_of_scipy():
    data = 100 + X
    mean, std = of_reference("maximum_likelihood", data)
    for theirs, ours in zip(scipy.stats.norm.fit(data), (mean, std), strict=True):
        assert_inside(theirs, ours)


def test_no_optimizer_of_scipy_finds_a_better_normal_distribution():
    """Nelder-Mead, started elsewhere, ends at the closed form as far as its own tolerance reaches."""

    def cost(params):
        return -scipy.stats.norm.logpdf(X, params[0], np.exp(params[1])).sum()

    found = scipy.optimize.minimize(cost, [1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    best = reference.log_likelihood(reference.normal(X, *reference.maximum_likelihood(X)))
    bound = of_reference("log_likelihood", reference.normal(X, *reference.maximum_likelihood(X))).error
    assert best >= -found.fun - 8 * bound


def test_posterior_of_gaussian_classes_is_that_of_naive_bayes():
    """scikit-learn's GaussianNB, with the estimates of each class and no smoothing of the variances."""
    labels = (X + RNG.standard_normal(60) > 0).astype(int)
    theirs = GaussianNB(var_smoothing=0).fit(X[:, None], labels)
    mean, std = np.transpose([reference.maximum_likelihood(X[labels == y]) for y in (0, 1)])
    prior = np.bincount(labels) / 60
    log_likelihood = reference.normal(np.repeat(X[:, None], 2, 1), mean, std)
    expected = of_reference("posterior", log_likelihood, prior)
    # their densities, which differ in the last digits, go through an exponential
    assert_inside(theirs.predict_proba(X[:, None]), expected, k=16)


@pytest.mark.parametrize("backend", [reference, torch_impl])
def test_em_takes_the_steps_of_scikit_learn(backend):
    """One step from the same start, with the same variance added; theirs is of vectors of one number."""
    theirs = GaussianMixture(
        3, covariance_type="diag", reg_covar=1e-3, weights_init=WEIGHT, means_init=MEAN[:, None],
        precisions_init=1 / STD[:, None] ** 2, max_iter=1, tol=0,
    )  # fmt: skip
    start = Case((X, WEIGHT, MEAN, STD), {"reg_covar": 1e-3})
    expected = values(Exact(FLOAT64), "expectation_maximization", start)
    with pytest.warns(ConvergenceWarning):  # of a single step
        theirs.fit(X[:, None])
    ours = backend.expectation_maximization(*map(backend.asarray, start.arguments), **start.options)
    weight, mean, var = (np.ravel(getattr(theirs, name)) for name in ("weights_", "means_", "covariances_"))
    found = weight, mean, np.sqrt(var)
    for mine, other, bounded in zip(ours, found, expected, strict=True):
        assert_inside(backend.to_numpy(mine), bounded)
        assert_inside(other, bounded, k=64)  # they add 1e-15 to each share, and square means of squares


def test_samples_have_the_distribution_they_are_of():
    """By Kolmogorov and Smirnov, and by chi-squared: a false alarm in a million, on fixed draws."""
    rng = np.random.default_rng(5)
    uniform, normal = rng.random(4000), rng.standard_normal(4000)
    x = reference.gaussian_mixture_sample(uniform, normal, WEIGHT, MEAN, STD)

    def distribution(t):
        return (WEIGHT * scipy.stats.norm.cdf(np.asarray(t)[..., None], MEAN, STD)).sum(-1)

    assert scipy.stats.kstest(x, distribution).pvalue > 1e-6
    assert scipy.stats.kstest(x, scipy.stats.norm(*reference.maximum_likelihood(x)).cdf).pvalue < 1e-6
    y = reference.categorical_sample(uniform, WEIGHT)
    assert scipy.stats.chisquare(np.bincount(y, minlength=3), 4000 * WEIGHT).pvalue > 1e-6
    z = reference.normal_sample(normal, np.array(3.0), np.array(2.0))
    assert scipy.stats.kstest(z, scipy.stats.norm(3, 2).cdf).pvalue > 1e-6
    b = reference.bernoulli_sample(uniform, np.array(0.3))
    assert scipy.stats.binomtest(int(b.sum()), 4000, 0.3).pvalue > 1e-6
