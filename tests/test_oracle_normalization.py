"""Normalization against what others wrote: PyTorch and scikit-learn."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from sklearn.preprocessing import StandardScaler

from gongsik.conformance.agreement import Exact, compare, gradients, result_weights, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, find, inputs

FEW = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT64 = PRECISIONS["float64"]


def batch_norm(x, gamma, beta, *, eps):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)


def inference(x, mean, var, gamma, beta, *, eps):
    return F.batch_norm(x, mean, var, gamma, beta, eps=eps)


def layer_norm(x, gamma, beta, *, eps):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def instance_norm(x, gamma, beta, *, eps):
    return F.instance_norm(x, None, None, gamma, beta, eps=eps)


def group_norm(x, gamma, beta, *, groups, eps):
    return F.group_norm(x, groups, gamma, beta, eps)


def local_response_norm(x, *, size, alpha, beta, k, average):
    return F.local_response_norm(x, size, alpha if average else alpha * size, beta, k)


KERNELS = {
    "batch_norm": batch_norm, "batch_norm_inference": inference, "layer_norm": layer_norm,
    "instance_norm": instance_norm, "group_norm": group_norm, "local_response_norm": local_response_norm,
}  # fmt: skip


def assert_inside(result, expected):
    verdict = compare(np.asarray(result), expected)
    assert verdict.agreed, verdict.message
    return verdict.conclusive


def of_reference(name, *arguments, **options):
    """The reference's value, with its bound, in float64."""
    return values(Exact(FLOAT64), name, Case(arguments, options))


def tensors(arguments):
    return [None if x is None else torch.tensor(x.copy()) for x in arguments]


def at_every(name, check):
    """Run a check on derived cases in float64 that torch takes: it wants an axis of space, and two values on it."""
    token = PRECISION.set(FLOAT64)

    def accepted(case: Case) -> None:
        x = case.arguments[0]
        if x.size and (name == "layer_norm" or (x.ndim > 2 and np.prod(x.shape[2:]) > 1)):
            check(case)

    FEW(given(inputs(name))(accepted))()
    PRECISION.reset(token)


@pytest.mark.parametrize("name", KERNELS)
def test_values_of_torch_lie_within_the_bounds_of_the_reference(name):
    said = []

    def check(case: Case) -> None:
        theirs = KERNELS[name](*tensors(case.arguments), **case.options)
        expected = values(Exact(FLOAT64), name, case)
        said.append(assert_inside(theirs, expected.y if name == "batch_norm" else expected))

    at_every(name, check)
    assert any(said)


@pytest.mark.parametrize("name", ["layer_norm", "instance_norm", "group_norm", "local_response_norm"])
def test_gradients_of_torch_lie_within_the_bounds_of_the_reference(name):
    """By the image."""

    def check(case: Case) -> None:
        first = torch.tensor(case.arguments[0].copy(), requires_grad=True)
        (weight,) = result_weights(FLOAT64, name, case)  # by which `gradients` multiplies the result
        result = KERNELS[name](first, *tensors(case.arguments[1:]), **case.options)
        theirs = torch.autograd.grad(result, first, torch.tensor(weight))[0]
        assert_inside(theirs, gradients(Exact(FLOAT64), find(name), case)[0])

    at_every(name, check)


@pytest.mark.parametrize("name", ["batch_norm_backward", "layer_norm_backward"])
def test_derivatives_by_hand_are_those_of_torch(name):
    """Autograd through torch's kernel, against the formula: within the bounds of the reference."""
    rng = np.random.default_rng(0)
    for offset, eps in ((0.0, 1e-5), (100.0, 1e-3), (-3.0, 0.5)):
        x, upstream = rng.standard_normal((2, 6, 4)) + offset
        gamma, beta = rng.standard_normal((2, 4))
        leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
        y = KERNELS[name.removesuffix("_backward")](*leaves, eps=eps)
        theirs = torch.autograd.grad(y, leaves, torch.tensor(upstream))
        for ours, other in zip(of_reference(name, upstream, x, gamma, eps=eps), theirs, strict=True):
            assert assert_inside(other, ours)


def test_standardize_is_the_standard_scaler_of_scikit_learn():
    """Constant features included, and features of very different units."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((50, 6)) * [1, 1e-3, 1e3, 1, 1, 1] + [0, 5, -1e4, 1000, 0, 0]
    x[:, 4] = 7.0
    assert assert_inside(StandardScaler().fit_transform(x), of_reference("standardize", x))


def test_statistics_are_those_of_numpy_and_torch():
    x = np.random.default_rng(2).standard_normal((5, 3, 4, 4)) + 1000
    mean, var = of_reference("batch_statistics", x)
    theirs = torch.var_mean(torch.tensor(x), (0, 2, 3), correction=0)
    assert assert_inside(theirs[0], var)
    assert assert_inside(theirs[1], mean)
    assert assert_inside(x.var((0, 2, 3)), var)


@pytest.mark.parametrize("momentum", [0.1, 0.01, 0.5])
def test_running_statistics_are_the_buffers_of_torch(momentum):
    """A module in training mode, over five batches: alpha = 1 - momentum, and the variance unbiased."""
    rng = np.random.default_rng(3)
    module = torch.nn.BatchNorm1d(3, momentum=momentum, dtype=torch.float64)
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(5):
        x = rng.standard_normal((8, 3)) * 2 + 1
        module(torch.tensor(x))
        statistics = of_reference("batch_norm", x)
        mean, var = of_reference(
            "batch_norm_running", mean, var, statistics.mean, statistics.var, alpha=1 - momentum, count=8
        )
        assert assert_inside(module.running_mean, mean)
        assert assert_inside(module.running_var, var)


def test_torch_refuses_one_value_per_channel_where_we_give_beta():
    """The one place where we differ from torch.nn.functional on purpose."""
    x = np.array([[5.0, -3.0]])
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        F.batch_norm(torch.tensor(x), None, None, training=True)
    assert of_reference("batch_norm", x, None, np.array([1.0, 2.0])).y.value.tolist() == [[1.0, 2.0]]
