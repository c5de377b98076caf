"""Losses against what others wrote: PyTorch, scikit-learn and SciPy."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings

from gongsik import reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, gradients, result_weights, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, find, inputs

FEW = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT64 = PRECISIONS["float64"]
MARGINS = np.array([-1e4, -40.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 40.0, 1e4])
LABELS = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
SCORES = MARGINS * LABELS


def batchmean(function):
    """A kernel of PyTorch, with our reduction beside its own."""

    def reduced(first, second, *others, reduction):
        if reduction == "batchmean":
            return function(first, second, *others, reduction="sum") / len(first)
        return function(first, second, *others, reduction=reduction)

    return reduced


def gaussian_nll(pred, target, var, *, reduction):
    return F.gaussian_nll_loss(pred, target, var, full=True, eps=0, reduction=reduction)


def cross_entropy(logits, target, *, reduction):
    return F.cross_entropy(logits.flatten(0, -2), target.flatten(), reduction=reduction)


KERNELS = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "binary_cross_entropy": F.binary_cross_entropy,
    "gaussian_nll": gaussian_nll,
    "softmax_cross_entropy": cross_entropy,
}


def assert_inside(result, expected):
    verdict = compare(np.asarray(result), expected)
    assert verdict.agreed, verdict.message
    return verdict.conclusive


def of_reference(name, *arguments, **options):
    """The reference's value, with its bound, in float64."""
    return values(Exact(FLOAT64), name, Case(arguments, options))


def tensors(arguments):
    return [torch.ones_like(torch.tensor(arguments[0])) if x is None else torch.tensor(x) for x in arguments]


def at_every(name, check):
    """Run a check on derived cases in float64."""
    token = PRECISION.set(FLOAT64)
    FEW(given(inputs(name))(check))()
    PRECISION.reset(token)


@pytest.mark.parametrize("name", KERNELS)
def test_values_of_torch_lie_within_the_bounds_of_the_reference(name):
    said = []

    def check(case: Case) -> None:
        theirs = batchmean(KERNELS[name])(*tensors(case.arguments), **case.options)
        said.append(assert_inside(theirs, values(Exact(FLOAT64), name, case)))

    at_every(name, check)
    assert any(said)


@pytest.mark.parametrize("name", ["mse", "softmax_cross_entropy", "gaussian_nll"])
def test_gradients_of_torch_lie_within_the_bounds_of_the_reference(name):
    """By the first argument; binary_cross_entropy is left out: torch's own is wrong for p < 1e-12."""

    def check(case: Case) -> None:
        first, *others = tensors(case.arguments)
        first.requires_grad_()
        (weight,) = result_weights(FLOAT64, name, case)  # by which `gradients` multiplies the loss
        theirs = torch.autograd.grad(batchmean(KERNELS[name])(first, *others, **case.options), first)[0]
        ours = gradients(Exact(FLOAT64), find(name), case)[0]
        assert_inside(weight * theirs.numpy(), ours)

    at_every(name, check)


def test_bce_of_torch_is_ours_at_certain_probabilities():
    """The floor of the logarithm is torch's: -100."""
    p, y = np.array([0.0, 0.0, 1.0, 1.0, 0.25]), np.array([0.0, 1.0, 0.0, 1.0, 0.25])
    assert_inside(F.binary_cross_entropy(torch.tensor(p), torch.tensor(y)), of_reference("binary_cross_entropy", p, y))


def test_gradient_of_bce_is_right_where_that_of_torch_is_not():
    """At p = 1e-20 and y = 1 the derivative is -1e20; torch divides by 1e-12 at least."""
    p, y = torch.tensor([1e-20], dtype=torch.float64, requires_grad=True), torch.ones(1, dtype=torch.float64)
    (theirs,) = torch.autograd.grad(F.binary_cross_entropy(p, y), p)
    (ours,) = torch.autograd.grad(torch_impl.binary_cross_entropy(p, y), p)
    reference_gradient = reference.value_and_grad(reference.binary_cross_entropy)(np.array([1e-20]), np.ones(1))[1]
    assert ours.item() == reference_gradient.item() == -1 / 1e-20
    assert theirs.item() > -1e13


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mse", sklearn.metrics.mean_squared_error),
        ("rmse", sklearn.metrics.root_mean_squared_error),
        ("mae", sklearn.metrics.mean_absolute_error),
    ],
)
def test_regression_metrics_of_scikit_learn_lie_within_the_bounds(name, theirs):
    rng = np.random.default_rng(0)
    for scale in (1e-3, 1.0, 1e4):
        pred, target = scale * rng.standard_normal((2, 50))
        assert assert_inside(theirs(target, pred), of_reference(name, pred, target))


def test_log_loss_of_scikit_learn_lies_within_the_bounds():
    """On labels, and away from 0: scikit-learn moves probabilities away from it."""
    rng = np.random.default_rng(1)
    prob, labels = rng.dirichlet(np.ones(5), 40), rng.integers(0, 5, 40)
    theirs = sklearn.metrics.log_loss(labels, prob, labels=range(5))
    assert assert_inside(theirs, of_reference("cross_entropy", prob, np.eye(5)[labels]))


def test_cross_entropy_of_distributions_is_that_of_scipy():
    """Entropy plus Kullback-Leibler divergence, and -sum xlogy, zeros of the target included."""
    rng = np.random.default_rng(2)
    prob, target = rng.dirichlet(np.ones(4), 30), rng.dirichlet(np.ones(4), 30)
    target[::3] = np.eye(4)[rng.integers(0, 4, 10)]
    for theirs in (
        (scipy.stats.entropy(target, axis=-1) + scipy.stats.entropy(target, prob, axis=-1)).mean(),
        -scipy.special.xlogy(target, prob).sum(-1).mean(),
    ):
        assert assert_inside(theirs, of_reference("cross_entropy", prob, target))


def test_softmax_cross_entropy_is_minus_log_softmax_of_scipy():
    rng = np.random.default_rng(3)
    logits, labels = 1000 * rng.standard_normal((6, 7, 5)), rng.integers(0, 5, (6, 7))
    chosen = np.take_along_axis(scipy.special.log_softmax(logits, -1), labels[..., None], -1)
    assert assert_inside(-chosen.mean(), of_reference("softmax_cross_entropy", logits, labels))


def test_gaussian_nll_is_minus_logpdf_of_scipy():
    rng = np.random.default_rng(4)
    pred, target, var = rng.standard_normal((3, 8, 3))
    theirs = -scipy.stats.norm.logpdf(target, pred, np.sqrt(var**2)).sum()
    assert assert_inside(theirs / 8, of_reference("gaussian_nll", pred, target, var**2, reduction="batchmean"))
    assert assert_inside(
        -scipy.stats.norm.logpdf(target, pred).mean(), of_reference("gaussian_nll", pred, target, None)
    )


def test_margin_losses_of_scikit_learn_and_torch_lie_within_the_bounds():
    """Each at one margin after the other, so that a large loss hides no small one."""
    for score, label in zip(SCORES[:, None], LABELS[:, None], strict=True):
        both = np.append(label, -label), np.append(score, -score)  # scikit-learn wants a sample of each class
        assert_inside(sklearn.metrics.hinge_loss(*both), of_reference("hinge_loss", score, label))
        logistic = of_reference("logistic_loss", score, label)
        assert_inside(np.logaddexp(0, -label * score).item(), logistic)
        assert_inside(-scipy.special.log_expit(label * score).item(), logistic)
        if label * score > -700:  # torch's soft_margin_loss overflows below
            assert_inside(F.soft_margin_loss(torch.tensor(score), torch.tensor(label)).item(), logistic)


def test_zero_one_loss_of_scikit_learn_is_ours():
    """Exactly; a score of 0 predicts the class -1 there and is an error here, so none is among them."""
    some = SCORES != 0
    theirs = sklearn.metrics.zero_one_loss(LABELS[some], np.sign(SCORES[some]), normalize=False)
    assert reference.zero_one_loss(SCORES[some], LABELS[some], reduction="sum") == theirs


def test_bce_with_logits_of_torch_is_the_logistic_loss():
    """At margins where torch's kernel does not lose the loss in a difference."""
    score, label = SCORES[1:-1], LABELS[1:-1]
    theirs = F.binary_cross_entropy_with_logits(torch.tensor(score), torch.tensor((label + 1) / 2))
    assert assert_inside(theirs, of_reference("logistic_loss", score, label))


def test_exponential_loss_weighs_as_adaboost_does():
    """One step of AdaBoost multiplies the loss of a sample by e^(-alpha y h), so the losses are its sample weights."""
    margins = np.array([-2.0, -0.5, 0.0, 1.0])
    theirs = scipy.special.softmax(-margins)
    losses = np.array([reference.exponential_loss(m[None], np.ones(1)) for m in margins])
    expected = of_reference("softmax", -margins)
    assert_inside(losses / losses.sum(), expected)
    assert_inside(theirs, expected)
