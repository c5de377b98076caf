"""Convolutions against what others wrote: SciPy, NumPy and PyTorch; and the torch backend in its memory formats."""

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.signal
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch.nn.grad import conv2d_input, conv2d_weight

from gongsik import reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, gradients, result_weights, values
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.conformance.strategies import PRECISION, Case, find, inputs
from gongsik.draws import Draws
from gongsik.reference.convolution import convolution_matrix
from gongsik.spec.convolution import ConvStack
from gongsik.torch_impl.convolution import ConvStackModule

FEW = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT64 = PRECISIONS["float64"]
DRAWS = Draws(0)


def normal(name, *shape):
    return DRAWS.normal(name, shape)


def of_reference(name, *arguments, **options):
    """The reference's value, with its bound, in float64."""
    return values(Exact(FLOAT64), name, Case(arguments, options))


def assert_inside(result, expected):
    verdict = compare(np.asarray(result), expected)
    assert verdict.agreed, verdict.message
    return verdict.conclusive


def tensor(x) -> Any:
    return None if x is None else torch.tensor(np.ascontiguousarray(x))


# Signals and images


def test_continuous_convolution_approaches_that_of_scipy():
    """Sampled at the nodes, the convolution of SciPy is the same sum of rectangles, as f vanishes at both ends."""
    width = 1 / 64
    tau = np.arange(-3, 3 + width / 2, width)

    def bump(s):
        return np.maximum(1 - s * s, 0) ** 2

    def wave(s):
        return np.sin(s) + s

    sampled = scipy.signal.fftconvolve(bump(tau), wave(np.arange(-6, 6 + width / 2, width)), mode="valid") * width
    t = np.arange(-3, 3 + width / 2, width)
    ours = reference.continuous_convolution(bump, wave, t, lower=-3.0, upper=3.0, steps=len(tau) - 1)
    assert len(sampled) == len(t)
    error = np.abs(ours - sampled).max()
    assert error < len(tau) * 2.0**-52 * np.abs(bump(tau)).sum() * np.abs(wave(t)).max()


def test_gaussians_add_their_variances():
    """The convolution of normal densities is that of the sum; the trapezoids converge faster than any power here."""

    def density(variance):
        return lambda s: np.exp(-(s**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    t = np.linspace(-2, 2, 9)
    ours = reference.continuous_convolution(density(0.5), density(1.5), t, lower=-12.0, upper=12.0, steps=256)
    assert np.abs(ours - density(2.0)(t)).max() < 256 * 2.0**-53


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("n", "m"), [(7, 3), (7, 4), (5, 5), (1, 1), (6, 1)])
def test_convolve_is_that_of_numpy_and_scipy(mode, n, m):
    f, g = normal("f", n), normal("g", m)
    expected = of_reference("convolve", f, g, mode=mode)
    assert assert_inside(np.convolve(f, g, mode), expected)
    assert assert_inside(scipy.signal.convolve(f, g, mode, method="direct"), expected)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(("size", "kernel"), [((6, 7), (3, 3)), ((6, 7), (2, 4)), ((4, 4), (1, 4)), ((1, 1), (1, 1))])
def test_convolve2d_and_correlation_are_those_of_scipy(mode, size, kernel):
    image, weights = normal("image", *size), normal("kernel", *kernel)
    assert assert_inside(
        scipy.signal.convolve2d(image, weights, mode), of_reference("convolve2d", image, weights, mode=mode)
    )
    correlated = of_reference("cross_correlation2d", image, weights)
    assert assert_inside(scipy.signal.correlate2d(image, weights, "valid"), correlated)


def test_matrix_is_that_of_scipy():
    """In one dimension SciPy's matrix is that of a convolution: with the turned kernel, of a correlation."""
    kernel = normal("kernel", 3)
    theirs = scipy.linalg.convolution_matrix(kernel[::-1], 7, mode="valid")
    assert np.array_equal(convolution_matrix(kernel[None], (1, 7)), theirs)


def test_sharpening_is_that_of_scipy():
    from gongsik.conformance.test_convolution import NOTES_IMAGE
    from gongsik.spec.convolution import SHARPEN, sharpen

    assert np.array_equal(scipy.signal.correlate2d(NOTES_IMAGE, SHARPEN, mode="same"), sharpen(NOTES_IMAGE))


def test_separable_filters_are_those_of_scipy():
    x, column, row = normal("x", 8, 9), normal("column", 3), normal("row", 5)
    expected = of_reference("spatially_separable_conv2d", x[None], column, row, padding="same")
    once = scipy.ndimage.correlate1d(x, row, axis=1, mode="constant")
    assert assert_inside(scipy.ndimage.correlate1d(once, column, axis=0, mode="constant")[None], expected)


@pytest.mark.parametrize(("pad", "after"), [(1, None), ((1, 2), None), (0, (2, 1)), ((3, 0), 1)])
def test_padding_is_that_of_numpy(pad, after):
    x = normal("x", 2, 3, 4)
    before = pad if isinstance(pad, tuple) else (pad, pad)
    behind = before if after is None else after if isinstance(after, tuple) else (after, after)
    expected = np.pad(x, [(0, 0), (before[0], behind[0]), (before[1], behind[1])])
    assert np.array_equal(reference.zero_pad(x, pad=pad, after=after), expected)


# Layers


def flat(function):
    """A layer of torch for any number of batch axes."""

    def layer(x, *others, **options):
        y = function(x.flatten(0, -4) if x.ndim > 4 else x, *others, **options)
        return y.reshape(*x.shape[:-3], *y.shape[-3:])

    return layer


def conv2d(x, weight, bias=None, *, padding: Any = 0, **options):
    if padding == "same":  # torch warns of even kernels; by hand, one more zero after
        d = options.get("dilation", 1)
        total = [a * (k - 1) for k, a in zip(weight.shape[-2:], d if isinstance(d, tuple) else (d, d), strict=True)]
        x = F.pad(x, (total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2))
        padding = 0
    return flat(F.conv2d)(x, weight, bias, padding=padding, **options)


def separable(x, depthwise, pointwise, **options):
    return conv2d(conv2d(x, depthwise, groups=x.shape[-3], **options), pointwise[:, :, None, None])


THEIRS = {
    "conv2d": conv2d,
    "grouped_conv2d": conv2d,
    "dilated_conv2d": conv2d,
    "depthwise_conv2d": lambda x, w, b=None, **options: conv2d(x, w, b, groups=len(w), **options),
    "depthwise_separable_conv2d": separable,
    "pointwise_conv2d": lambda x, w, b=None: conv2d(x, w[:, :, None, None], b),
    "conv_transpose2d": flat(F.conv_transpose2d),
    "channel_shuffle": lambda x, groups: F.channel_shuffle(
        x[None] if x.ndim == 3 else x.flatten(0, -4), groups
    ).reshape(x.shape),
}


def at_every(name, check):
    """Run a check on derived cases in float64."""
    token = PRECISION.set(FLOAT64)
    FEW(given(inputs(name))(check))()
    PRECISION.reset(token)


@pytest.mark.parametrize("name", THEIRS)
def test_layers_of_torch_lie_within_the_bounds_of_the_reference(name):
    said = []

    def check(case: Case) -> None:
        theirs = THEIRS[name](*map(tensor, case.arguments), **case.options)
        said.append(assert_inside(theirs, values(Exact(FLOAT64), name, case)))

    at_every(name, check)
    assert any(said)


@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d", "depthwise_separable_conv2d"])
def test_gradients_of_torch_lie_within_the_bounds_of_the_reference(name):
    said = []

    def check(case: Case) -> None:
        leaves = [None if x is None else tensor(x).requires_grad_() for x in case.arguments]
        y = THEIRS[name](*leaves, **case.options)
        weights = result_weights(FLOAT64, name, case)[0]
        assert weights is not None
        wanted = [leaf for leaf in leaves if leaf is not None]
        theirs = torch.autograd.grad((y * torch.tensor(weights)).sum(), wanted)
        for gradient, expected in zip(theirs, gradients(Exact(FLOAT64), find(name), case), strict=False):
            said.append(assert_inside(gradient, expected))

    at_every(name, check)
    assert any(said)


@pytest.mark.parametrize("name", ["conv2d_grad_input", "conv2d_grad_weight"])
def test_gradient_formulas_are_those_of_torch(name):
    def check(case: Case) -> None:
        first, second = (tensor(x) for x in case.arguments)
        lead = first.shape[:-3]
        options = dict(case.options)
        if name == "conv2d_grad_input":
            shape = (lead.numel(), second.shape[1] * options["groups"], *options.pop("size"))
            theirs = conv2d_input(shape, second, first.reshape(-1, *first.shape[-3:]), **options)
            theirs = theirs.reshape(*lead, *theirs.shape[1:])
        else:
            shape = (second.shape[-3], first.shape[-3] // options["groups"], *options.pop("kernel"))
            first, second = (x.reshape(-1, *x.shape[-3:]) for x in (first, second))
            theirs = conv2d_weight(first, shape, second, **options)
        assert_inside(theirs, values(Exact(FLOAT64), name, case))

    at_every(name, check)


def test_stack_is_a_torch_module():
    """The parameters of a torch.nn.Sequential load into both backends, and into the module of ours."""
    config = ConvStack((3, 4, 5), kernel=3, stride=2, padding=1, activation="tanh")
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2, padding=1), torch.nn.Tanh(),
        torch.nn.Conv2d(4, 5, 3, stride=2, padding=1), torch.nn.Tanh(),
    ).double()  # fmt: skip
    x, params = torch.randn(2, 3, 9, 8, dtype=torch.float64), module.state_dict()
    assert {name: tuple(p.shape) for name, p in params.items()} == config.parameters()
    assert torch.equal(torch_impl.nested_convolution(config, params, x), module(x))
    bounded = {name: Bounded(p.numpy(), None, FLOAT64) for name, p in params.items()}
    expected = reference.nested_convolution(config, bounded, Bounded(x.numpy(), None, FLOAT64))
    assert assert_inside(module(x).detach().numpy(), expected)
    ours = ConvStackModule(config).double()
    ours.load_state_dict(params)
    assert torch.equal(ours(x), module(x))


def test_even_kernels_pad_like_torch():
    """The padding "same" of torch, which warns of them, puts the odd zero after, too."""
    x, weight = torch.randn(2, 2, 6, 7).double(), torch.randn(3, 2, 2, 4).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = F.conv2d(x, weight, padding="same")
    assert torch.equal(torch_impl.conv2d(x, weight, padding="same"), theirs)


# Memory formats and precisions of the torch backend

FLOAT32, BFLOAT16 = PRECISIONS["float32"], PRECISIONS["bfloat16"]
IMAGES, SQUARE = (FLOAT32.round(normal(name, *shape)) for name, shape in (("x", (2, 8, 10, 12)), ("w", (8, 8, 3, 3))))
CALLS = {
    "conv2d": lambda gs, x, w: gs.conv2d(x, w, padding=1, stride=2),
    "conv2d, even and same": lambda gs, x, w: gs.conv2d(x, w[..., :2], padding="same"),
    "grouped_conv2d": lambda gs, x, w: gs.grouped_conv2d(x, w[:, :4], groups=2),
    "dilated_conv2d": lambda gs, x, w: gs.dilated_conv2d(x, w, dilation=2),
    "depthwise_conv2d": lambda gs, x, w: gs.depthwise_conv2d(x, w[:, :1], padding=1),
    "depthwise_separable_conv2d": lambda gs, x, w: gs.depthwise_separable_conv2d(x, w[:, :1], w[..., 0, 0]),
    "pointwise_conv2d": lambda gs, x, w: gs.pointwise_conv2d(x, w[..., 0, 0]),
    "spatially_separable_conv2d": lambda gs, x, w: gs.spatially_separable_conv2d(x, w[0, 0, 0], w[0, 0, 1]),
    "flattened_conv2d": lambda gs, x, w: gs.flattened_conv2d(x, w[..., 0, 0], w[:, 0, 0], w[:, 0, 1]),
    "conv_transpose2d": lambda gs, x, w: gs.conv_transpose2d(x, w, stride=2),
    "channel_shuffle": lambda gs, x, w: gs.channel_shuffle(x, groups=4),
    "zero_pad": lambda gs, x, w: gs.zero_pad(x, pad=1),
    "shuffled_grouped_conv2d": lambda gs, x, w: gs.shuffled_grouped_conv2d(x, w[:, :4], w[:, :4], groups=2),
}


@pytest.mark.parametrize("name", CALLS)
def test_channels_last_stays_channels_last(name):
    """The same numbers, in the memory format of the images."""
    expected = CALLS[name](reference, *(Bounded(a, None, FLOAT32) for a in (IMAGES, SQUARE)))
    x, weight = (torch.tensor(a, dtype=torch.float32) for a in (IMAGES, SQUARE))
    for memory_format in (torch.contiguous_format, torch.channels_last):
        y = CALLS[name](torch_impl, x.contiguous(memory_format=memory_format), weight)
        assert y.is_contiguous(memory_format=memory_format)
        assert assert_inside(y, expected)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("channel_shuffle", "zero_pad")])
def test_autocast_computes_in_bfloat16(name):
    """Images and weights are rounded to bfloat16, and so is the result."""

    def rounded(a):
        return Bounded(a, np.abs(BFLOAT16.round(a) - a), BFLOAT16)

    expected = CALLS[name](reference, rounded(IMAGES), rounded(SQUARE))
    x, weight = (torch.tensor(a, dtype=torch.float32) for a in (IMAGES, SQUARE))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, mixed = CALLS[name](torch_impl, x, weight), CALLS[name](torch_impl, x.bfloat16(), weight)
    assert y.dtype == mixed.dtype == torch.bfloat16
    assert assert_inside(y.float(), expected)
    assert assert_inside(mixed.float(), expected)


def test_gradient_by_the_weights_takes_mixed_precisions_under_autocast():
    grad, x = torch.tensor(normal("grad", 2, 8, 8, 10)).float(), torch.tensor(IMAGES).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = torch_impl.conv2d_grad_weight(x, grad, kernel=3)
    plain = torch_impl.conv2d_grad_weight(x.float(), grad, kernel=3)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, plain)
