"""Activation functions against what others wrote: SciPy, NumPy and PyTorch."""

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import HealthCheck, given, settings

from gongsik import reference
from gongsik.conformance.agreement import Exact, compare, evaluate, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, inputs

FEW = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


def through_torch(function):
    return lambda x, **options: function(torch.tensor(x), **options).numpy()


def jacobian(z):
    """Of the softmax of every vector, by automatic differentiation."""
    flat = torch.tensor(z).reshape(-1, z.shape[-1])
    matrices = [torch.autograd.functional.jacobian(lambda z: torch.softmax(z, -1), row) for row in flat]
    if not matrices:
        return np.zeros((*z.shape, z.shape[-1]))
    return torch.stack(matrices).reshape(*z.shape, z.shape[-1]).numpy()  # pyright: ignore[reportArgumentType, reportCallIssue]


ORACLES = {
    "step": [lambda x: np.heaviside(x, 1.0)],
    "sigmoid": [scipy.special.expit, through_torch(torch.sigmoid)],
    "tanh": [np.tanh, through_torch(torch.tanh)],
    "relu": [lambda x: np.maximum(0, x), through_torch(torch.nn.functional.relu)],
    "leaky_relu": [through_torch(torch.nn.functional.leaky_relu)],
    "elu": [through_torch(torch.nn.functional.elu)],
    "softmax": [scipy.special.softmax, through_torch(lambda z, axis: torch.softmax(z, axis))],
    "softmax_jacobian": [jacobian],
}


def assert_inside(result, expected):
    verdict = compare(result, expected)
    assert verdict.agreed, verdict.message


@pytest.mark.parametrize(("name", "oracle"), [(name, oracle) for name, found in ORACLES.items() for oracle in found])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_values_of_others_lie_within_the_bounds_of_the_reference(name, oracle, precision):
    """What somebody else's function gives is as close as a right implementation has to be."""
    token = PRECISION.set(PRECISIONS[precision])

    @FEW
    @given(inputs(name))
    def check(case: Case) -> None:
        x = case.arguments[0].astype(precision)
        with np.errstate(all="ignore"):
            theirs = oracle(x, **case.options)
        assert_inside(theirs, values(Exact(PRECISIONS[precision]), name, case))

    check()
    PRECISION.reset(token)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "elu"])
def test_slopes_of_others_are_ours(name):
    """Backpropagation through the reference, held against PyTorch's autograd, kinks included."""
    x = np.concatenate([np.linspace(-8, 8, 65), [-1e-3, 0.0, 1e-3]])
    leaf = torch.from_numpy(x).requires_grad_()
    ours = evaluate(
        lambda gs, x: gs.value_and_grad(lambda x: getattr(gs, name)(x).sum())(x)[1],
        Exact(PRECISIONS["float64"]),
        Case((x,)),
    )
    theirs = getattr(torch if name in ("sigmoid", "tanh") else torch.nn.functional, name)(leaf).sum()
    assert_inside(torch.autograd.grad(theirs, leaf)[0].numpy(), ours)


def test_log_odds_of_scipy_are_undone():
    """sigmoid(logit(p)) = p, with SciPy's logit: exact probabilities, one rounding of the score apart."""
    p = np.arange(1, 128) / 128
    z = scipy.special.logit(p)
    bounded = Exact(PRECISIONS["float64"]).array(z)
    bounded.error = 4 * PRECISIONS["float64"].unit * np.abs(z)  # of the logit itself
    assert_inside(p, reference.sigmoid(bounded))
