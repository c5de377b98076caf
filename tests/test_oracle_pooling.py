"""Pooling against what others wrote: PyTorch, SciPy and NumPy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from scipy import ndimage

from gongsik import reference
from gongsik.conformance.agreement import Exact, compare, gradients, result_weights, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, find, inputs

FEW = settings(
    max_examples=80, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT64 = PRECISIONS["float64"]


def max_pool2d(x, *, kernel, stride, padding):
    return F.max_pool2d(x, kernel, stride, padding)


def block_max_pool(x, *, kernel):
    return F.max_pool2d(x[None, None], kernel)[0, 0]


def avg_pool2d(x, *, kernel, stride, padding, count_include_pad):
    return F.avg_pool2d(x, kernel, stride, padding, count_include_pad=count_include_pad)


def global_avg_pool2d(x):
    return F.adaptive_avg_pool2d(x, 1).flatten(1)


def trainable_subsampling(x, weight, bias, *, kernel):
    size = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    scale = size[0] * size[1] * weight
    return torch.sigmoid(scale[:, None, None] * F.avg_pool2d(x, kernel) + bias[:, None, None])


KERNELS = {
    "max_pool2d": max_pool2d, "block_max_pool": block_max_pool, "avg_pool2d": avg_pool2d,
    "global_avg_pool2d": global_avg_pool2d, "trainable_subsampling": trainable_subsampling,
}  # fmt: skip


def assert_inside(result, expected):
    verdict = compare(np.asarray(result), expected)
    assert verdict.agreed, verdict.message
    return verdict.conclusive


def tensors(arguments):
    return [torch.tensor(x.copy()) for x in arguments]


def at_every(name, check):
    token = PRECISION.set(FLOAT64)
    FEW(given(inputs(name))(check))()
    PRECISION.reset(token)


@pytest.mark.parametrize("name", KERNELS)
def test_values_of_torch_lie_within_the_bounds_of_the_reference(name):
    said = []

    def check(case: Case) -> None:
        theirs = KERNELS[name](*tensors(case.arguments), **case.options)
        said.append(assert_inside(theirs, values(Exact(FLOAT64), name, case)))

    at_every(name, check)
    assert any(said)


@pytest.mark.parametrize("name", KERNELS)
def test_gradients_of_torch_lie_within_the_bounds_of_the_reference(name):
    """By the image, which has ties."""

    def check(case: Case) -> None:
        first, *others = tensors(case.arguments)
        first.requires_grad_()
        (weight,) = result_weights(FLOAT64, name, case)  # by which `gradients` multiplies the result
        theirs = torch.autograd.grad(KERNELS[name](first, *others, **case.options), first, torch.tensor(weight))[0]
        assert_inside(theirs, gradients(Exact(FLOAT64), find(name), case)[0])

    at_every(name, check)


def test_max_pool2d_is_the_maximum_filter_of_scipy():
    """Exactly: the filter looked at where the windows lie."""
    x = np.random.default_rng(0).integers(-9, 9, (2, 3, 12, 13)).astype(float)
    everywhere = ndimage.maximum_filter(x, (1, 1, 3, 3))  # centred: a window from 0 to 2 is found at 1
    assert np.array_equal(reference.max_pool2d(x, kernel=3, stride=1), everywhere[:, :, 1:-1, 1:-1])
    assert np.array_equal(reference.max_pool2d(x, kernel=3, stride=2), everywhere[:, :, 1:-1:2, 1:-1:2])


def test_stochastic_pool2d_is_searchsorted_of_numpy():
    """In every window: NumPy's search for the draw in the cumulative sums, on the right of equals."""
    rng = np.random.default_rng(1)
    x, uniform = rng.integers(0, 4, (2, 3, 6, 9)).astype(float), rng.integers(0, 16, (2, 3, 3, 3)) / 16
    ours = reference.stochastic_pool2d(x, uniform, kernel=(2, 3))
    for n, c, i, j in np.ndindex(*ours.shape):
        window = x[n, c, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3].ravel()
        taken = np.searchsorted(window.cumsum(), uniform[n, c, i, j] * window.sum(), side="right")
        assert ours[n, c, i, j] == window[min(taken, window.size - 1)]


def test_stochastic_pool2d_inference_is_the_average_of_numpy_with_weights():
    x = np.random.default_rng(2).random((2, 3, 6, 8))
    windows = x.reshape(2, 3, 3, 2, 4, 2).swapaxes(3, 4).reshape(2, 3, 3, 4, 4)
    expected = values(Exact(FLOAT64), "stochastic_pool2d_inference", Case((x,), {"kernel": 2}))
    assert assert_inside(np.average(windows, axis=-1, weights=windows), expected)
