"""Laws of the chapter on convolution."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree
from gongsik.conformance.cases.convolution import FUNCTIONS, pair, stacks
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.reference.convolution import convolution_matrix, insert_zeros
from gongsik.spec import DomainError
from gongsik.spec.abstract import result_shapes
from gongsik.spec.convolution import (
    SHARPEN,
    ConvStack,
    bottleneck_count,
    conv2d,
    conv_multiply_adds,
    conv_output_size,
    conv_parameter_count,
    conv_transpose_output_size,
    dense_versus_conv_parameters,
    depthwise_separable_cost,
    dilated_receptive_field,
    grouped_parameter_count,
    receptive_field,
    rgb_kernel_depth,
    same_padding,
    sharpen,
    standard_conv_cost,
)
from gongsik.spec.model import parameter_count
from gongsik.spec.network import linear_parameter_count

SEEDS = st.integers(0, 2**32 - 1)
SMALL = st.integers(1, 5)


def draws(gs: Any, seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, gs.precision.name)


def turned(x: np.ndarray) -> np.ndarray:
    """By 180 degrees."""
    return np.ascontiguousarray(x[..., ::-1, ::-1])


def geometry(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("stride", "padding", "dilation")}


# In one dimension


@law("convolution.continuous_convolution")
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(st.integers(-8, 8), min_size=1, max_size=4))
def test_continuous_convolution_commutes_where_nothing_is_cut_off(gs, name, quarters):
    """The order does not matter: with f = 0 outside the window and t on the nodes, the sums have the same terms."""
    t = np.array(quarters) / 4.0
    window = {"lower": -4.0, "upper": 4.0, "steps": 32}
    bump, other = FUNCTIONS["triangle"], FUNCTIONS[name]

    def cut(gs):
        return lambda s: other(gs)(s) * gs.relu(1 - abs(s))

    assert_agree(
        gs,
        lambda gs, t: gs.continuous_convolution(bump(gs), cut(gs), t, **window),
        lambda gs, t: gs.continuous_convolution(cut(gs), bump(gs), t, **window),
        t,
    )


@law("convolution.continuous_convolution")
@given(SEEDS, st.sampled_from((1, 2, 4, 8)))
def test_error_of_the_trapezoids_is_a_sixth_of_the_squared_step(gs, seed, steps):
    """The integral of tau (t - tau) over [0, 1] is t/2 - 1/3; n trapezoids give 1 / (6 n^2) less."""

    def line(s):
        return s

    assert_agree(
        gs,
        lambda gs, t: gs.continuous_convolution(line, line, t, lower=0.0, upper=1.0, steps=steps),
        lambda gs, t: t / 2 - 1 / 3 - 1 / (6 * steps**2),
        draws(gs, seed, 5),
    )


@law("convolution.continuous_convolution")
def test_box_with_box_is_a_triangle(gs):
    """The overlap of two boxes of width 1 grows and shrinks by straight lines; exact with nodes between the jumps."""
    t = np.array([-0.5, 0.0, 0.25, 0.5, 1.0, 1.25, 2.0, 2.5])

    def box(s):
        return gs.step(s - 1 / 32) * gs.step(31 / 32 - s)  # the nodes, n/16, lie half a step from both jumps

    overlap = gs.continuous_convolution(
        box, box, gs.array(t + 1 / 16), lower=-1.0 + 1 / 16, upper=3.0 + 1 / 16, steps=64
    )
    expected = np.clip(1 - np.abs(t + 1 / 16 - 1), 0, None)
    assert np.abs(gs.numpy(overlap) - expected).max() <= 1 / 16  # one node more or less


@law("convolution.convolve")
@given(SEEDS, SMALL, SMALL, SMALL)
def test_convolution_is_commutative_and_associative(gs, seed, n, m, l):  # noqa: E741
    """Both f * g = g * f, and (f * g) * h = f * (g * h)."""
    f, g, h = (draws(gs, seed + i, size) for i, size in enumerate((n, m, l)))
    assert_agree(gs, lambda gs, f, g: gs.convolve(f, g), lambda gs, f, g: gs.convolve(g, f), f, g)
    assert_agree(
        gs,
        lambda gs, f, g, h: gs.convolve(gs.convolve(f, g), h),
        lambda gs, f, g, h: gs.convolve(f, gs.convolve(g, h)),
        f, g, h,
    )  # fmt: skip


@law("convolution.convolve")
@given(inputs("convolve"), st.integers(0, 4))
def test_a_shifted_delta_shifts(gs, case, shift):
    """delta_a * f is f, a places later, exactly: the delta at 0 changes nothing."""
    f = case.arguments[0]
    delta = np.eye(shift + 1)[shift]
    moved = gs.numpy(gs.convolve(gs.array(f), gs.array(delta)))
    assert np.array_equal(moved, np.concatenate([np.zeros(shift), gs.numpy(gs.array(f))]))


@law("convolution.convolve")
@given(SEEDS, SMALL, SMALL, st.sampled_from((-1.0, 0.5, 2.0)))
def test_polynomials_multiply(gs, seed, n, m, z):
    """The polynomial with coefficients f * g is the product of those with f and with g."""

    def at(coefficients):
        powers = z ** np.arange(len(coefficients))
        return sum(coefficients[i] * float(powers[i]) for i in range(len(coefficients)))

    f, g = draws(gs, seed, n), draws(gs, seed + 1, m)
    assert_agree(gs, lambda gs, f, g: at(gs.convolve(f, g)), lambda gs, f, g: at(f) * at(g), f, g)


# In two dimensions


@law("convolution.convolve2d")
@given(SEEDS, SMALL, SMALL, SMALL, SMALL)
def test_full_2d_convolution_commutes(gs, seed, h, w, kh, kw):
    """I * K = K * I in mode full."""
    image, kernel = draws(gs, seed, h, w), draws(gs, seed + 1, kh, kw)
    assert_agree(gs, lambda gs, a, b: gs.convolve2d(a, b), lambda gs, a, b: gs.convolve2d(b, a), image, kernel)


@law("convolution.convolve2d")
@given(SEEDS, SMALL, SMALL, st.sampled_from((1, 3, 5)))
def test_delta_in_the_middle_is_the_identity(gs, seed, h, w, k):
    """In mode same, with an odd size, exactly."""
    image, delta = draws(gs, seed, h + 4, w + 4), np.zeros((k, k))
    delta[k // 2, k // 2] = 1
    same = gs.convolve2d(gs.array(image), gs.array(delta), mode="same")
    assert np.array_equal(gs.numpy(same), gs.numpy(gs.array(image)))


@law("convolution.convolve2d", "convolution.convolve")
@given(SEEDS, SMALL, SMALL, SMALL, SMALL)
def test_outer_products_convolve_axis_by_axis(gs, seed, n, m, k, l):  # noqa: E741
    """(a b^T) * (u v^T) = (a * u)(b * v)^T: two dimensions are one, twice."""
    a, b, u, v = (draws(gs, seed + i, size) for i, size in enumerate((n, m, k, l)))
    assert_agree(
        gs,
        lambda gs, a, b, u, v: gs.convolve2d(a[:, None] * b[None, :], u[:, None] * v[None, :]),
        lambda gs, a, b, u, v: gs.convolve(a, u)[:, None] * gs.convolve(b, v)[None, :],
        a, b, u, v,
    )  # fmt: skip


@law("convolution.kernel_flip", "convolution.cross_correlation2d", "convolution.convolve2d")
@given(SEEDS, SMALL, SMALL, st.integers(0, 3), st.integers(0, 3))
def test_convolution_is_correlation_with_a_turned_kernel(gs, seed, kh, kw, more_h, more_w):
    """I * K = I star rot180(K), where the kernel lies inside."""
    image, kernel = draws(gs, seed, kh + more_h, kw + more_w), draws(gs, seed + 1, kh, kw)
    assert_agree(
        gs,
        lambda gs, image, kernel, flipped: gs.convolve2d(image, kernel, mode="valid"),
        lambda gs, image, kernel, flipped: gs.cross_correlation2d(image, flipped),
        image, kernel, turned(kernel),
    )  # fmt: skip


@law("convolution.kernel_flip")
@given(SEEDS, SMALL, SMALL)
def test_symmetric_kernels_make_no_difference(gs, seed, kh, kw):
    """A kernel that is the same after half a turn correlates as it convolves."""
    kernel = draws(gs, seed, kh, kw)
    image, kernel = draws(gs, seed + 1, 6, 6), gs.precision.round(kernel / 2 + turned(kernel) / 2)
    assert_agree(
        gs,
        lambda gs, image, kernel: gs.convolve2d(image, kernel, mode="valid"),
        lambda gs, image, kernel: gs.cross_correlation2d(image, kernel),
        image, kernel,
    )  # fmt: skip


@law("convolution.kernel_flip")
def test_correlation_is_not_commutative(gs):
    """Of two images of one size: the corner with the whole, and the whole with the corner."""
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    full = gs.zero_pad(gs.array(a), pad=1), gs.zero_pad(gs.array(b), pad=1)
    one, other = (gs.numpy(gs.cross_correlation2d(x, gs.array(y))) for x, y in zip(full, (b, a), strict=True))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, turned(other))


@law("convolution.cross_correlation2d")
def test_first_outputs_are_those_of_the_notes(gs):
    """O_1j = I_1j K_11 + I_1,j+1 K_12 + ... + I_3,j+2 K_33 + bias, for j = 1, ..., 4 of six columns."""
    image, kernel = np.arange(1.0, 19.0).reshape(3, 6), np.arange(1.0, 10.0).reshape(3, 3)
    by_hand = [sum(image[m, j + n] * kernel[m, n] for m in range(3) for n in range(3)) + 7 for j in range(4)]
    found = gs.cross_correlation2d(gs.array(image), gs.array(kernel), gs.array(np.array(7.0)))
    assert gs.numpy(found)[0].tolist() == gs.numpy(gs.array(np.array(by_hand))).tolist()


@law("convolution.cross_correlation2d")
@given(SEEDS, SMALL, SMALL)
def test_full_convolution_is_the_adjoint_of_correlation(gs, seed, kh, kw):
    """<I star K, G> = <I, G * K>."""
    image, kernel, g = draws(gs, seed, 6, 7), draws(gs, seed + 1, kh, kw), draws(gs, seed + 2, 7 - kh, 8 - kw)
    assert_agree(
        gs,
        lambda gs, image, kernel, g: (gs.cross_correlation2d(image, kernel) * g).sum(),
        lambda gs, image, kernel, g: (image * gs.convolve2d(g, kernel)).sum(),
        image, kernel, g,
    )  # fmt: skip


# The layer


@law("convolution.conv2d")
@given(inputs("conv2d"), SEEDS, st.sampled_from((-2.0, 0.5, 4.0)))
def test_layer_is_linear_in_images_and_in_weights(gs, case, seed, a):
    """Without a bias: conv(a x + y) = a conv(x) + conv(y), and the same for weights."""
    x, weight, _ = case.arguments
    y, other = draws(gs, seed, *x.shape), draws(gs, seed + 1, *weight.shape)
    assert_agree(
        gs,
        lambda gs, x, y, w, **options: gs.conv2d(a * x + y, w, **options),
        lambda gs, x, y, w, **options: a * gs.conv2d(x, w, **options) + gs.conv2d(y, w, **options),
        x, y, weight, **case.options,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, x, v, w, **options: gs.conv2d(x, a * w + v, **options),
        lambda gs, x, v, w, **options: a * gs.conv2d(x, w, **options) + gs.conv2d(x, v, **options),
        x, other, weight, **case.options,
    )  # fmt: skip


@law("convolution.conv2d")
@given(SEEDS, SMALL, SMALL, SMALL, SMALL)
def test_output_is_the_sum_over_channels_of_correlations(gs, seed, c, o, kh, kw):
    """y_o = sum over c of x_c star W_oc, plus b_o."""
    x, weight, bias = draws(gs, seed, c, 6, 6), draws(gs, seed + 1, o, c, kh, kw), draws(gs, seed + 2, o)
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.conv2d(x, w, b)[0],
        lambda gs, x, w, b: sum((gs.cross_correlation2d(x[i], w[0, i]) for i in range(1, c)),
                                gs.cross_correlation2d(x[0], w[0, 0])) + b[0],
        x, weight, bias,
    )  # fmt: skip


@law("convolution.conv2d")
@given(SEEDS, SMALL, SMALL, SMALL, SMALL)
def test_kernel_as_large_as_the_image_is_a_dense_layer(gs, seed, c, o, h, w):
    """One place: every output sees everything, as in `linear`."""
    x, weight, bias = draws(gs, seed, 2, c, h, w), draws(gs, seed + 1, o, c, h, w), draws(gs, seed + 2, o)
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.conv2d(x, w, b).reshape(2, o),
        lambda gs, x, w, b: gs.linear(x.reshape(2, -1), w.reshape(o, -1), b),
        x, weight, bias,
    )  # fmt: skip


@law("convolution.rgb_kernel_depth")
def test_a_5x5_kernel_on_rgb_has_75_weights_and_one_output(gs):
    """5 x 5 means 5 x 5 x 3, and one filter makes one map."""
    kh, kw, depth = rgb_kernel_depth(5)
    assert (kh, kw, depth) == (5, 5, 3)
    assert math.prod((kh, kw, depth)) == conv_parameter_count(5, 3, 1) == 75
    maps = gs.conv2d(gs.array(np.ones((depth, 8, 8))), gs.array(np.ones((1, depth, kh, kw))))
    assert gs.numpy(maps).tolist() == np.full((1, 4, 4), 75.0).tolist()


@law("convolution.feature_map")
@given(inputs("conv2d"))
def test_every_map_depends_on_its_filter_only(gs, case):
    """Map j of the layer is that of filter j alone; the filters have no order."""
    x, weight, _ = case.arguments
    options = {**case.options, "groups": 1}
    assume(weight.shape[1] == x.shape[-3])
    j = len(weight) - 1
    assert_agree(
        gs,
        lambda gs, x, w, **options: gs.conv2d(x, w, **options)[..., j : j + 1, :, :],
        lambda gs, x, w, **options: gs.conv2d(x, w[j : j + 1], **options),
        x, weight, **options,
    )  # fmt: skip
    order = [*range(1, len(weight)), 0]
    assert_agree(
        gs,
        lambda gs, x, w, **options: gs.conv2d(x, w[order], **options),
        lambda gs, x, w, **options: gs.conv2d(x, w, **options)[..., order, :, :],
        x, weight, **options,
    )  # fmt: skip


NOTES_IMAGE = (
    (60, 113, 56, 139, 85),
    (73, 121, 54, 84, 128),
    (131, 99, 70, 129, 127),
    (80, 57, 115, 69, 134),
    (104, 126, 123, 95, 130),
)


@law("convolution.sharpen")
def test_sharpening_gives_the_numbers_of_the_notes(gs):
    """The notes show 14 of 25 results. The count, which is plain Python, and the layer give the same, exactly."""
    sharp = sharpen(NOTES_IMAGE)
    assert sharp[:2] == ((114, 328, -26, 470, 158), (53, 266, -61, -30, 344))
    assert sharp[2][:5] == (403, 116, -47, 295, 244)
    if gs.precision.unit > 2.0**-11:
        pytest.skip(f"{gs.precision.name} has no room for whole numbers above {1 / gs.precision.unit:g}")
    image, kernel = np.array(NOTES_IMAGE, float), np.array(SHARPEN, float)
    layer = gs.conv2d(gs.array(image[None]), gs.array(kernel[None, None]), padding=1)
    assert gs.numpy(layer)[0].tolist() == [list(map(float, row)) for row in sharp]


@law("convolution.sharpen")
@given(st.integers(0, 255), st.integers(3, 6))
def test_sharpening_keeps_what_is_flat(value, n):
    """The weights sum to 1, so a constant stays inside; at the margin the zeros outside count as dark."""
    assert sum(map(sum, SHARPEN)) == 1
    sharp = sharpen([[value] * n] * n)
    assert all(x == value for row in sharp[1:-1] for x in row[1:-1])
    assert sharp[0][0] == 3 * value
    with pytest.raises(DomainError, match="different lengths"):
        sharpen([[1, 2], [3]])


@law("convolution.nested_convolution")
@given(SEEDS, st.integers(1, 3))
def test_two_layers_without_activation_are_one_with_the_convolved_kernel(gs, seed, k):
    """(x star K1) star K2 = x star (K1 * K2): a pile of linear layers is one layer."""
    x, first, second = draws(gs, seed, 1, 7, 7), draws(gs, seed + 1, k, k), draws(gs, seed + 2, k, k)
    config = ConvStack((1, 1, 1), kernel=k, activation="identity")

    def one_layer(gs, x, first, second, zero):
        return gs.conv2d(x, gs.convolve2d(first, second)[None, None])

    def two_layers(gs, x, first, second, zero):
        params = {"0.weight": first[None, None], "0.bias": zero, "2.weight": second[None, None], "2.bias": zero}
        return gs.nested_convolution(config, params, x)

    assert_agree(gs, two_layers, one_layer, x, first, second, np.zeros(1))


@st.composite
def configured(draw: st.DrawFn) -> Any:
    return draw(stacks(PRECISION.get()))


@law("convolution.nested_convolution")
@given(configured())
def test_stack_has_the_size_that_its_configuration_says(gs, stack):
    """Output size and the number of parameters come from the configuration alone."""
    config, params, x = stack
    arrays = {name: gs.array(value) for name, value in params.items()}
    y = gs.numpy(gs.nested_convolution(config, arrays, gs.array(x)))
    assert y.shape[-3:] == (config.channels[-1], config.output_size(x.shape[-2]), config.output_size(x.shape[-1]))
    assert parameter_count(config) == sum(p.size for p in params.values())


# Stride, padding, size


@law("convolution.stride")
@given(inputs("conv2d"))
def test_strided_output_is_a_subsample(gs, case):
    """Stride s keeps every s-th of the places of stride 1, on each axis."""
    x, weight, _ = case.arguments
    sh, sw = pair(case.options["stride"])
    assert_agree(
        gs,
        lambda gs, x, w, **options: gs.conv2d(x, w, **options),
        lambda gs, x, w, **options: gs.conv2d(x, w, **{**options, "stride": 1})[..., ::sh, ::sw],
        x, weight, **case.options,
    )  # fmt: skip


@law("convolution.stride", "convolution.conv_multiply_adds")
@given(SMALL, SMALL, st.integers(1, 4), st.integers(1, 4))
def test_cost_falls_by_the_product_of_the_strides(h, w, sh, sw):
    """On maps whose size the strides divide, at padding that keeps the size."""
    shapes = (2, 3, h * sh, w * sw), (4, 3, 3, 3)
    assert conv_multiply_adds(*shapes, padding=1) == sh * sw * conv_multiply_adds(*shapes, padding=1, stride=(sh, sw))


@law("convolution.zero_pad")
@given(inputs("zero_pad"))
def test_cropping_undoes_padding(gs, case):
    """The image is inside, exactly, and there is nothing else."""
    (x,), options = case.arguments, case.options
    (top, left) = pair(options["pad"])
    padded = gs.numpy(gs.zero_pad(gs.array(x), **options))
    h, w = x.shape[-2:]
    assert np.array_equal(padded[..., top : top + h, left : left + w], gs.numpy(gs.array(x)))
    assert np.count_nonzero(padded) == np.count_nonzero(gs.numpy(gs.array(x)))
    bottom, right = pair(options["pad"] if options["after"] is None else options["after"])
    assert padded.shape == (*x.shape[:-2], top + h + bottom, left + w + right)


@law("convolution.zero_pad")
@given(inputs("zero_pad"), SEEDS)
def test_cropping_is_the_adjoint_of_padding(gs, case, seed):
    """<pad(x), g> = <x, crop(g)>."""
    (x,), options = case.arguments, case.options
    (top, left), (h, w) = pair(options["pad"]), x.shape[-2:]
    bottom, right = pair(options["pad"] if options["after"] is None else options["after"])
    g = draws(gs, seed, *x.shape[:-2], top + h + bottom, left + w + right)
    assert_agree(
        gs,
        lambda gs, x, g: (gs.zero_pad(x, **options) * g).sum(),
        lambda gs, x, g: (x * g[..., top : top + h, left : left + w]).sum(),
        x, g,
    )  # fmt: skip


@law("convolution.same_padding", "convolution.conv2d")
@given(SEEDS, st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_same_padding_keeps_the_size(gs, seed, kh, kw, dilation):
    """For odd kernels as many zeros before as after, for even ones one more after; "same" pads just so."""
    (top, bottom), (left, right) = (same_padding(k, dilation=dilation) for k in (kh, kw))
    if kh % 2:
        assert top == bottom == dilation * (kh - 1) // 2
    else:
        assert bottom - top == dilation % 2
    x, weight = draws(gs, seed, 2, 5, 6), draws(gs, seed + 1, 2, 2, kh, kw)
    assert_agree(
        gs,
        lambda gs, x, w: gs.conv2d(x, w, padding="same", dilation=dilation),
        lambda gs, x, w: gs.conv2d(gs.zero_pad(x, pad=(top, left), after=(bottom, right)), w, dilation=dilation),
        x, weight,
    )  # fmt: skip
    assert result_shapes(conv2d, x.shape, weight.shape, None, padding="same", dilation=dilation) == (x.shape,)


@law("convolution.conv_output_size")
def test_output_sizes_are_those_of_the_notes():
    """(5 - 3)/1 + 1 = 3 and (5 + 2 - 3)/1 + 1 = 5; the floor of (6 - 3)/2 + 1 is 2."""
    assert conv_output_size(5, 3) == 3
    assert conv_output_size(5, 3, padding=1) == 5
    assert conv_output_size(6, 3, stride=2) == 2
    assert (conv_output_size(5, 3), conv_output_size(7, 3)) == (3, 5)


@law("convolution.conv_output_size")
@given(inputs("conv2d"))
def test_output_size_is_that_of_the_layer(gs, case):
    """On both axes, for all options."""
    arguments = [None if a is None else gs.array(a) for a in case.arguments]
    y = gs.numpy(gs.conv2d(*arguments, **case.options))
    x, weight, _ = case.arguments
    stride, padding, dilation = (pair(case.options[name]) for name in ("stride", "padding", "dilation"))
    expected = tuple(
        conv_output_size(n, k, stride=s, padding=p, dilation=d)
        for n, k, s, p, d in zip(x.shape[-2:], weight.shape[-2:], stride, padding, dilation, strict=True)
    )
    assert y.shape == (*x.shape[:-3], len(weight), *expected)


@law("convolution.conv_output_size")
@given(st.integers(1, 40), SMALL, SMALL, st.integers(0, 3), st.integers(1, 3))
def test_output_shrinks_with_stride_and_grows_with_padding(n, k, s, p, d):
    """A longer stride gives no more places, a wider margin no fewer; two layers are as one of the joint kernel."""
    assume(n + 2 * p > d * (k - 1))
    size = conv_output_size(n, k, stride=s, padding=p, dilation=d)
    assert conv_output_size(n, k, stride=s + 1, padding=p, dilation=d) <= size
    assert conv_output_size(n, k, stride=s, padding=p + 1, dilation=d) >= size
    if size >= k:
        assert conv_output_size(size, k) == conv_output_size(
            n, receptive_field([(k, s, d), (k,)]), stride=s, padding=p
        )  # fmt: skip


# Parameters


@law("convolution.conv_parameter_count")
@given(st.integers(1, 9), st.integers(1, 9), SMALL, SMALL, st.integers(1, 4))
def test_parameter_count_is_the_size_of_the_arrays(kh, kw, c_in, c_out, groups):
    """Of the weights, and with a bias per output channel; g groups have a g-th."""
    c_in, c_out = groups * c_in, groups * c_out
    assert conv_parameter_count((kh, kw), c_in, c_out, groups=groups) == np.zeros((c_out, c_in // groups, kh, kw)).size
    assert conv_parameter_count((kh, kw), c_in, c_out) == groups * conv_parameter_count(
        (kh, kw), c_in, c_out, groups=groups
    )
    assert conv_parameter_count(kh, c_in, c_out, bias=True) == parameter_count(ConvStack((c_in, c_out), kernel=kh))


@law("convolution.conv_parameter_count", "convolution.grouped_parameter_count")
def test_parameter_counts_are_those_of_the_notes():
    """3 x 3 x 128 x 64, and 5 x 5 x 48 x 128 twice."""
    assert conv_parameter_count(3, 128, 64) == 73_728
    assert grouped_parameter_count(5, 96, 256) == 5 * 5 * 48 * 128 * 2 == 307_200


@law("convolution.grouped_parameter_count")
@given(SMALL, SMALL, SMALL, st.integers(1, 4))
def test_paths_side_by_side_are_one_grouped_layer(k, c_in, c_out, groups):
    """So many paths of C/g channels have as many parameters as the layer with g groups: a g-th of the dense one's."""
    c_in, c_out = groups * c_in, groups * c_out
    paths = grouped_parameter_count(k, c_in, c_out, groups=groups)
    assert paths == conv_parameter_count(k, c_in, c_out, groups=groups)
    assert groups * paths == conv_parameter_count(k, c_in, c_out)


@law("convolution.dense_versus_conv_parameters")
def test_largest_dense_layer_has_577_times_the_parameters_of_the_second_convolution():
    """With the numbers of the notes: 177M, 16M and 4M against 307k, and AlexNet's five convolutions in two paths."""
    dense = [linear_parameter_count(*sizes) for sizes in ((13 * 13 * 256, 4096), (4096, 4096), (4096, 1000))]
    assert dense == [177_209_344, 16_777_216, 4_096_000]
    assert round(dense_versus_conv_parameters(13 * 13 * 256, 4096, 5, 96, 256, groups=2), 1) == 576.9
    layers = [
        conv_parameter_count(11, 3, 96),
        grouped_parameter_count(5, 96, 256),
        conv_parameter_count(3, 256, 384),
        grouped_parameter_count(3, 384, 384),
        grouped_parameter_count(3, 384, 256),
    ]
    assert sum(layers) == 2_332_704
    assert round(sum(dense) / sum(layers), 1) == 84.9
    assert round(dense_versus_conv_parameters(13 * 13 * 256, 4096, 11, 3, 96)) == 5085


@law("convolution.dense_versus_conv_parameters")
@given(SMALL, SMALL, SMALL, st.integers(3, 9))
def test_ratio_grows_with_the_square_of_the_image(k, c_in, c_out, n):
    """From n x n x c_in to as many outputs: the dense layer's weights grow by n^4, those of the kernel not at all."""
    ratio = dense_versus_conv_parameters(n * n * c_in, n * n * c_out, k, c_in, c_out)
    assert math.isclose(ratio, n**4 / k**2)
    assert math.isclose(dense_versus_conv_parameters(4 * n * n * c_in, 4 * n * n * c_out, k, c_in, c_out), 16 * ratio)


@law("convolution.size_free_parameters")
@given(SEEDS, SMALL, SMALL)
def test_one_kernel_runs_at_every_size(gs, seed, more_h, more_w):
    """On a part of the image it gives that part of the output; stride and padding need no other weights."""
    x, weight = draws(gs, seed, 2, 4 + more_h, 4 + more_w), draws(gs, seed + 1, 3, 2, 3, 3)
    assert_agree(
        gs,
        lambda gs, x, w: gs.conv2d(x, w)[..., :2, :2],
        lambda gs, x, w: gs.conv2d(x[..., :4, :4], w),
        x, weight,
    )  # fmt: skip
    for options in ({"stride": (1, 3)}, {"padding": 2}, {"padding": "same", "dilation": 2}):
        assert gs.numpy(gs.conv2d(gs.array(x), gs.array(weight), **options)).shape[-3] == 3
    assert weight.size == conv_parameter_count(3, 2, 3)


@law("convolution.weight_sharing")
@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))
def test_layer_is_a_matrix_with_shared_weights(gs, seed, kh, kw, more_h, more_w):
    """vec(K star x) = T vec(x), and the transpose of T is the transposed convolution."""
    x, kernel = draws(gs, seed, kh + more_h, kw + more_w), draws(gs, seed + 1, kh, kw)
    matrix = convolution_matrix(kernel, x.shape)
    assert_agree(
        gs,
        lambda gs, x, k, t: gs.cross_correlation2d(x, k).reshape(-1),
        lambda gs, x, k, t: t @ x.reshape(-1),
        x, kernel, matrix,
    )  # fmt: skip
    y = draws(gs, seed + 2, more_h + 1, more_w + 1)
    assert_agree(
        gs,
        lambda gs, y, k, t: gs.conv_transpose2d(y[None], k[None, None]).reshape(-1),
        lambda gs, y, k, t: t.T @ y.reshape(-1),
        y, kernel, matrix,
    )  # fmt: skip


@law("convolution.weight_sharing")
def test_matrix_has_few_different_numbers_on_diagonals():
    """Of 9 x 25 entries 81 are not zero, with 9 different values; each row is the one before, moved."""
    matrix = convolution_matrix(np.arange(1.0, 10.0).reshape(3, 3), (5, 5))
    assert matrix.shape == (9, 25)
    assert np.count_nonzero(matrix) == 81
    assert set(matrix[matrix != 0]) == set(range(1, 10))
    assert np.array_equal(matrix[1, 1:], matrix[0, :-1])
    assert np.array_equal(matrix[3, 5:], matrix[0, :-5])


@law("convolution.spatial_locality", "convolution.receptive_field", "convolution.nested_convolution")
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))
def test_gradient_reaches_exactly_the_receptive_field(gs, layers, kernel, stride, dilation):
    """Of a stack with positive weights: the pixels with a gradient span the receptive field, and none lies outside."""
    config = ConvStack((1,) * (layers + 1), kernel, stride, dilation=dilation, activation="identity")
    field = receptive_field(layers * [(kernel, stride, dilation)])
    n = next(n for n in range(1, 200) if config.output_size(n) == 2)
    params = {name: gs.array(np.ones(shape)) for name, shape in config.parameters().items()}
    x = gs.array(np.zeros((1, 1, n)).repeat(n, 1))
    _, gradient = gs.value_and_grad(lambda x: gs.nested_convolution(config, params, x)[0, 1, 1])(x)
    rows, columns = np.nonzero(gs.numpy(gradient)[0])
    jump = stride**layers
    assert (rows.min(), rows.max()) == (columns.min(), columns.max()) == (jump, jump + field - 1)


@law("convolution.spatial_locality")
def test_neighbours_in_the_notes_are_alike(gs):
    """In the two patches neighbours differ by 1 on average or less; the patches lie 8 apart."""
    patches = np.array([[[2, 2, 2], [3, 2, 3], [2, 3, 3]], [[10, 11, 12], [11, 10, 12], [12, 10, 10]]], float)
    difference = gs.array(np.array([[[[-1.0, 1.0]]], [[[1.0, -1.0]]]]))
    apart = np.abs(gs.numpy(gs.conv2d(gs.array(patches[:, None]), difference)))
    assert apart.max() == 2
    assert apart.mean() <= 1
    assert np.min(patches[1]) - np.max(patches[0]) == 7


@law("convolution.shift_equivariance")
@given(SEEDS, st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 3), st.integers(0, 3))
def test_shifted_images_give_shifted_maps(gs, seed, k, stride, dilation, down, right):
    """conv(T_sa x) = T_a conv(x) for a stride s, wherever the kernel meets nothing but the image."""
    n = dilation * (k - 1) + 3
    x, weight = draws(gs, seed, 2, n, n), draws(gs, seed + 1, 3, 2, k, k)
    options = {"stride": stride, "dilation": dilation}
    assert_agree(
        gs,
        lambda gs, x, w: gs.conv2d(gs.zero_pad(x, pad=(stride * down, stride * right), after=0), w, **options)[
            ..., down:, right:
        ],
        lambda gs, x, w: gs.conv2d(x, w, **options),
        x, weight,
    )  # fmt: skip


@law("convolution.shift_equivariance")
@given(SEEDS, st.integers(1, 3), st.integers(0, 3), st.integers(0, 3))
def test_a_sum_over_all_places_makes_it_invariant(gs, seed, k, down, right):
    """With a margin that cuts nothing off, the sum of a map does not change when the image moves."""
    x, weight = draws(gs, seed, 2, 4, 4), draws(gs, seed + 1, 3, 2, k, k)
    assert_agree(
        gs,
        lambda gs, x, w: gs.conv2d(gs.zero_pad(x, pad=(down, right), after=0), w, padding=k - 1).sum((-2, -1)),
        lambda gs, x, w: gs.conv2d(x, w, padding=k - 1).sum((-2, -1)),
        x, weight,
    )  # fmt: skip


# Gradients


@law("convolution.conv2d_grad_input", "convolution.conv2d_grad_weight", "convolution.conv2d")
@given(inputs("conv2d"), SEEDS)
def test_gradients_of_the_layer_are_those_of_the_formulas(gs, case, seed):
    """What backpropagation finds for x, W and b is what the formulas say."""
    x, weight, bias = case.arguments
    options = case.options
    assume(options["padding"] != "same")
    bias = np.zeros(len(weight)) if bias is None else bias
    maps = result_shapes(conv2d, x.shape, weight.shape, bias.shape, **options)[0]
    assert maps is not None
    g = draws(gs, seed, *maps)

    def formulas(gs, x, w, b, g):
        everything_but_channels = (*range(g.ndim - 3), -2, -1)
        return [
            gs.conv2d_grad_input(g, w, size=x.shape[-2:], **options),
            gs.conv2d_grad_weight(x, g, kernel=w.shape[-2:], **options),
            g.sum(everything_but_channels),
        ]

    def by_differentiation(gs, x, w, b, g):
        return gs.value_and_grad(lambda p: (gs.conv2d(*p, **options) * g).sum())([x, w, b])[1]

    assert_agree(gs, by_differentiation, formulas, x, weight, bias, g)


@law("convolution.conv2d_grad_input", "convolution.conv2d_grad_weight")
@given(inputs("conv2d"), SEEDS)
def test_both_gradients_are_adjoints(gs, case, seed):
    """<conv(x, W), g> = <x, grad_input(g, W)> = <W, grad_weight(x, g)>."""
    x, weight, _ = case.arguments
    options = case.options
    assume(options["padding"] != "same")
    maps = result_shapes(conv2d, x.shape, weight.shape, None, **options)[0]
    assert maps is not None
    g = draws(gs, seed, *maps)
    assert_agree(
        gs,
        lambda gs, x, w, g: (x * gs.conv2d_grad_input(g, w, size=x.shape[-2:], **options)).sum(),
        lambda gs, x, w, g: (gs.conv2d(x, w, **options) * g).sum(),
        x, weight, g,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, x, w, g: (w * gs.conv2d_grad_weight(x, g, kernel=w.shape[-2:], **options)).sum(),
        lambda gs, x, w, g: (gs.conv2d(x, w, **options) * g).sum(),
        x, weight, g,
    )  # fmt: skip


# Across channels only


@law("convolution.pointwise_conv2d")
@given(inputs("pointwise_conv2d"))
def test_pointwise_convolution_is_a_dense_layer_per_pixel(gs, case):
    """Also a convolution with a kernel of 1 x 1."""
    x, weight, bias = case.arguments
    assert_agree(
        gs,
        lambda gs, x, w: gs.pointwise_conv2d(x, w)[..., 0, 0],
        lambda gs, x, w: gs.linear(x[..., 0, 0], w),
        x, weight,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.pointwise_conv2d(x, w, b),
        lambda gs, x, w, b: gs.conv2d(x, w[:, :, None, None], b),
        x, weight, bias,
    )  # fmt: skip


@law("convolution.pointwise_conv2d")
@given(SEEDS, SMALL, SMALL, SMALL)
def test_pointwise_convolutions_multiply_their_matrices(gs, seed, c, m, o):
    """Two in a row are one with the product, whose rank is at most the number of channels between; pixels are alike."""
    x, first, second = draws(gs, seed, c, 2, 3), draws(gs, seed + 1, m, c), draws(gs, seed + 2, o, m)
    assert_agree(
        gs,
        lambda gs, x, a, b: gs.pointwise_conv2d(gs.pointwise_conv2d(x, a), b),
        lambda gs, x, a, b: gs.pointwise_conv2d(x, b @ a),
        x, first, second,
    )  # fmt: skip
    order = [2, 0, 1]
    assert_agree(
        gs,
        lambda gs, x, a: gs.pointwise_conv2d(x[..., order], a),
        lambda gs, x, a: gs.pointwise_conv2d(x, a)[..., order],
        x, first,
    )  # fmt: skip


@law("convolution.bottleneck_count")
def test_bottleneck_leaves_28_percent():
    """147,456 parameters become 40,960, the figure of the notes: 72 % less, not 30 %."""
    direct, reduced = bottleneck_count(3, 128, 32, 128)
    assert (direct, reduced) == (147_456, 40_960)
    assert round(reduced / direct, 2) == 0.28


@law("convolution.bottleneck_count")
@given(st.integers(1, 7), st.integers(1, 64), st.integers(1, 64), st.integers(1, 64))
def test_bottleneck_saves_below_a_number_of_channels(k, c_in, c_mid, c_out):
    """It does just if C_m < k^2 C_in C_out / (C_in + k^2 C_out)."""
    direct, reduced = bottleneck_count(k, c_in, c_mid, c_out)
    assert (reduced < direct) == (c_mid * (c_in + k * k * c_out) < k * k * c_in * c_out)


# Upwards


def adds_a_place(options: dict[str, Any]) -> bool:
    """Whether an output padding, which may be below the dilation only, makes room for one more place of the kernel."""
    return any(op >= s for op, s in zip(pair(options["output_padding"]), pair(options["stride"]), strict=True))


@law("convolution.conv_transpose2d")
@given(inputs("conv_transpose2d"), SEEDS)
def test_transposed_convolution_is_the_adjoint(gs, case, seed):
    """<conv(z), x> = <z, conv_transpose(x)>: the two share one matrix, and one array of weights."""
    x, weight, _ = case.arguments
    assume(not adds_a_place(case.options))
    options = {**geometry(case.options), "groups": case.options["groups"]}
    y = gs.numpy(gs.conv_transpose2d(gs.array(x), gs.array(weight), **case.options))
    z = draws(gs, seed, *y.shape)
    assert_agree(
        gs,
        lambda gs, x, w, z: (gs.conv2d(z, w, **options) * x).sum(),
        lambda gs, x, w, z: (z * gs.conv_transpose2d(x, w, **case.options)).sum(),
        x, weight, z,
    )  # fmt: skip


@law("convolution.conv_transpose2d")
def test_bilinear_kernel_enlarges_constants_to_constants(gs):
    """1/4, 1/2, 1/4 in both directions, twice the size: between the pixels lies their mean."""
    line = np.array([0.5, 1.0, 0.5])
    x, kernel = gs.array(np.full((1, 4, 4), 3.0)), gs.array(np.outer(line, line)[None, None])
    y = gs.numpy(gs.conv_transpose2d(x, kernel, stride=2, padding=1))
    assert y.tolist() == np.full((1, 7, 7), 3.0).tolist()


@law("convolution.fractionally_strided_conv2d", "convolution.conv_transpose2d")
@given(inputs("conv_transpose2d"))
def test_transposed_convolution_is_a_convolution_of_spread_pixels(gs, case):
    """Zeros between the pixels, a full margin, and a correlation at stride 1 with the turned kernel."""
    x, weight, _ = case.arguments
    options = case.options
    assume(options["groups"] == 1 and options["padding"] == 0 and pair(options["output_padding"]) == (0, 0))
    dilation = pair(options["dilation"])
    margin = tuple(d * (k - 1) for k, d in zip(weight.shape[-2:], dilation, strict=True))
    filters = np.ascontiguousarray(turned(weight).swapaxes(0, 1))
    assert_agree(
        gs,
        lambda gs, x, w, spread, filters: gs.conv_transpose2d(x, w, stride=options["stride"], dilation=dilation),
        lambda gs, x, w, spread, filters: gs.conv2d(spread, filters, padding=margin, dilation=dilation),
        x, weight, insert_zeros(x, options["stride"]), filters,
    )  # fmt: skip


@law("convolution.fractionally_strided_conv2d")
@given(st.integers(1, 9), st.integers(1, 4))
def test_stride_of_a_fraction_multiplies_the_size(n, s):
    """A kernel as long as the stride leaves s pixels for one."""
    assert conv_transpose_output_size(n, s, stride=s) == n * s


@law("convolution.conv_transpose_output_size")
@given(inputs("conv_transpose2d"))
def test_transposed_output_size_is_that_of_the_layer(gs, case):
    """On both axes, for all options."""
    x, weight, _ = case.arguments
    y = gs.numpy(gs.conv_transpose2d(gs.array(x), gs.array(weight), **case.options))
    names = ("stride", "padding", "output_padding", "dilation")
    for axis in (0, 1):
        options = {name: pair(case.options[name])[axis] for name in names}
        size = conv_transpose_output_size(x.shape[axis - 2], weight.shape[axis - 2], **options)
        assert y.shape[axis - 2] == size
        if not adds_a_place(case.options):
            back = {name: options[name] for name in ("stride", "padding", "dilation")}
            assert conv_output_size(size, weight.shape[axis - 2], **back) == x.shape[axis - 2]


@law("convolution.conv_transpose_output_size")
@given(st.integers(1, 40), SMALL, SMALL, st.integers(0, 2))
def test_size_comes_back_with_the_remainder_as_output_padding(n, k, s, p):
    """What the stride has left over at the end is the output padding."""
    assume(n + 2 * p >= k)
    small = conv_output_size(n, k, stride=s, padding=p)
    left_over = (n + 2 * p - k) % s
    assert conv_transpose_output_size(small, k, stride=s, padding=p, output_padding=left_over) == n
    assert (conv_transpose_output_size(5, 3, padding=1), conv_transpose_output_size(5, 3, padding=2)) == (5, 3)


@law("convolution.deconvolution_is_not_inverse")
def test_transposed_convolution_restores_the_shape_only(gs):
    """A box blurs twice. Where the rows of the matrix are orthonormal, as for one weight of 1, all comes back."""
    x = gs.array(np.arange(16.0).reshape(1, 4, 4))
    box, one = gs.array(np.full((1, 1, 2, 2), 0.25)), gs.array(np.ones((1, 1, 1, 1)))
    again = gs.conv_transpose2d(gs.conv2d(x, box), box)
    assert gs.numpy(again).shape == gs.numpy(x).shape
    assert not np.array_equal(gs.numpy(again), gs.numpy(x))
    assert np.array_equal(gs.numpy(gs.conv_transpose2d(gs.conv2d(x, one), one)), gs.numpy(x))
    matrix = convolution_matrix(np.full((2, 2), 0.25), (4, 4))
    assert not np.array_equal(matrix.T @ matrix, np.eye(16))


# Far


@law("convolution.dilated_conv2d")
@given(inputs("dilated_conv2d"))
def test_dilated_kernel_is_a_kernel_with_zeros_inside(gs, case):
    """It has d - 1 zeros between the weights; at d = 1 none."""
    x, weight, bias = case.arguments
    d = pair(case.options["dilation"])
    assume(case.options["padding"] != "same")
    assert_agree(
        gs,
        lambda gs, x, w, spread, b: gs.dilated_conv2d(x, w, b, **case.options),
        lambda gs, x, w, spread, b: gs.conv2d(x, spread, b, padding=case.options["padding"]),
        x, weight, insert_zeros(weight, d), bias,
    )  # fmt: skip


@law("convolution.receptive_field")
def test_receptive_fields_are_those_of_the_notes():
    """AlexNet's first kernel sees 11, two kernels of 3 see 5, three see 7; 1x1 adds nothing."""
    assert receptive_field([(11, 4)]) == 11
    assert receptive_field(2 * [(3,)]) == 5
    assert receptive_field(3 * [(3,)]) == 7
    assert receptive_field([(3,), (1,), (3,)]) == receptive_field(2 * [(3,)])
    assert receptive_field([]) == 1


@law("convolution.receptive_field")
@given(st.lists(st.tuples(SMALL, st.integers(1, 3), st.integers(1, 3)), max_size=4))
def test_receptive_field_is_the_input_of_one_output(layers):
    """An input that large leaves one place after all layers, and one pixel less leaves none."""

    def left(size):
        for kernel, stride, dilation in layers:
            if size <= dilation * (kernel - 1):
                return 0
            size = conv_output_size(size, kernel, stride=stride, dilation=dilation)
        return size

    field = receptive_field(layers)
    assert left(field) == 1
    assert field == 1 or left(field - 1) == 0


@law("convolution.dilated_receptive_field")
@given(SMALL, st.integers(1, 8))
def test_doubling_dilations_double_the_receptive_field(kernel, n_layers):
    """It is 1 + (k - 1)(2^L - 1): exponential, while the parameters grow by the layer."""
    layers = [(kernel, 1, 2**i) for i in range(n_layers)]
    field = dilated_receptive_field(kernel, n_layers)
    assert field == receptive_field(layers) == 1 + sum(d * (k - 1) for k, _, d in layers)
    assert dilated_receptive_field(kernel, n_layers + 1) - 1 == 2 * (field - 1) + kernel - 1


# Cheap


@law("convolution.depthwise_conv2d")
@given(inputs("depthwise_conv2d"))
def test_depthwise_convolution_has_a_group_per_channel(gs, case):
    """Channel i of the output is the correlation of channel i alone."""
    x, weight, bias = case.arguments
    c = len(weight)
    assert_agree(
        gs,
        lambda gs, x, w, b, **options: gs.depthwise_conv2d(x, w, b, **options),
        lambda gs, x, w, b, **options: gs.conv2d(x, w, b, groups=c, **options),
        x, weight, bias, **case.options,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, x, w, **options: gs.depthwise_conv2d(x, w, **options)[..., c - 1 :, :, :],
        lambda gs, x, w, **options: gs.conv2d(x[..., c - 1 :, :, :], w[c - 1 :], **options),
        x, weight, **case.options,
    )  # fmt: skip
    assert conv_parameter_count(weight.shape[2:], c, c, groups=c) == weight.size


@law("convolution.depthwise_separable_conv2d")
@given(inputs("depthwise_separable_conv2d"))
def test_separable_layer_is_a_dense_one_with_products_as_weights(gs, case):
    """W_oc = pw_oc dw_c, of k^2 M + M N weights in place of k^2 M N."""
    assert_agree(
        gs,
        lambda gs, x, dw, pw, **options: gs.depthwise_separable_conv2d(x, dw, pw, **options),
        lambda gs, x, dw, pw, **options: gs.conv2d(x, pw[:, :, None, None] * dw[None, :, 0], **options),
        *case.arguments, **case.options,
    )  # fmt: skip


@law("convolution.spatially_separable_conv2d")
@given(inputs("spatially_separable_conv2d"))
def test_two_lines_are_a_kernel_of_rank_1(gs, case):
    """K = u v^T, of kh + kw weights in place of kh kw."""

    def dense(gs, x, column, row, **options):
        kernel = (column[:, None] * row[None, :])[None, None]
        *batch, c, h, w = x.shape
        y = gs.conv2d(x.reshape(math.prod(batch) * c, 1, h, w), kernel, **options)
        return y.reshape(*batch, c, *y.shape[-2:])

    assert_agree(
        gs,
        lambda gs, x, column, row, **options: gs.spatially_separable_conv2d(x, column, row, **options),
        dense,
        *case.arguments,
        **case.options,
    )


@law("convolution.spatially_separable_conv2d")
def test_sobel_is_separable(gs):
    """[1, 2, 1]^T [-1, 0, 1]: 6 weights in place of 9."""
    smooth, slope = np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    sobel = np.array([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    x = np.arange(36.0).reshape(1, 6, 6) % 7
    lines = gs.spatially_separable_conv2d(gs.array(x), gs.array(smooth), gs.array(slope))
    assert np.array_equal(gs.numpy(lines), gs.numpy(gs.conv2d(gs.array(x), gs.array(sobel[None, None]))))
    assert smooth.size + slope.size == 6 < sobel.size


@law("convolution.flattened_conv2d")
@given(inputs("flattened_conv2d"))
def test_three_lines_are_a_kernel_of_rank_1(gs, case):
    """K_o = alpha_o x beta_o x gamma_o, of C + kh + kw weights per filter."""
    assert_agree(
        gs,
        lambda gs, x, a, b, c, **options: gs.flattened_conv2d(x, a, b, c, **options),
        lambda gs, x, a, b, c, **options: gs.conv2d(
            x, a[:, :, None, None] * b[:, None, :, None] * c[:, None, None, :], **options
        ),
        *case.arguments,
        **case.options,
    )


@law("convolution.flattened_conv2d")
@given(SEEDS, SMALL, SMALL, st.integers(1, 3))
def test_order_of_the_three_lines_does_not_matter(gs, seed, c, o, k):
    """Columns and rows of every channel first, and the mixture of the channels last, for filters that share them."""
    x, channel, vertical, horizontal = (
        draws(gs, seed + i, *shape) for i, shape in enumerate(((c, 5, 5), (o, c), (k,), (k,)))
    )
    assert_agree(
        gs,
        lambda gs, x, a, b, c: gs.pointwise_conv2d(gs.spatially_separable_conv2d(x, b, c), a),
        lambda gs, x, a, b, c: gs.flattened_conv2d(x, a, b + 0 * a[:, :1], c + 0 * a[:, :1]),  # the same line o times
        x, channel, vertical, horizontal,
    )  # fmt: skip


@law("convolution.grouped_conv2d")
@given(inputs("grouped_conv2d"))
def test_a_group_is_a_layer_of_its_own(gs, case):
    """The last group's outputs are those of the last channels with the last filters; it is conv2d with groups."""
    x, weight, bias = case.arguments
    groups, options = case.options["groups"], geometry(case.options)
    c, o = x.shape[-3] // groups, len(weight) // groups
    assert_agree(
        gs,
        lambda gs, x, w: gs.grouped_conv2d(x, w, groups=groups, **options)[..., -o:, :, :],
        lambda gs, x, w: gs.conv2d(x[..., -c:, :, :], w[-o:], **options),
        x, weight,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.grouped_conv2d(x, w, b, groups=groups, **options),
        lambda gs, x, w, b: gs.conv2d(x, w, b, groups=groups, **options),
        x, weight, bias,
    )  # fmt: skip


@law("convolution.channel_shuffle")
@given(inputs("channel_shuffle"))
def test_shuffle_is_a_permutation_and_undone_by_the_other_factor(gs, case):
    """Of g groups of n channels the inverse is the shuffle of n groups; with 1 or C groups nothing moves."""
    (x,), groups = case.arguments, case.options["groups"]
    c = x.shape[-3]
    array = gs.array(x)
    mixed = gs.channel_shuffle(array, groups=groups)
    assert np.array_equal(gs.numpy(gs.channel_shuffle(mixed, groups=c // groups)), gs.numpy(array))
    assert np.array_equal(gs.numpy(gs.channel_shuffle(array, groups=1)), gs.numpy(array))
    assert np.array_equal(gs.numpy(gs.channel_shuffle(array, groups=c)), gs.numpy(array))
    assert np.array_equal(np.sort(gs.numpy(mixed), -3), np.sort(gs.numpy(array), -3))


@law("convolution.shuffled_grouped_conv2d", "convolution.channel_shuffle")
@given(st.integers(2, 3), st.integers(0, 1))
def test_only_the_shuffle_lets_groups_hear_of_each_other(gs, groups, more):
    """With at least as many channels in a group as groups, every output hears from every group; without it from one."""
    c = groups * (groups + more)
    ones = gs.array(np.ones((c, c // groups, 1, 1)))
    for first in range(0, c, c // groups):
        x = np.zeros((c, 1, 1))
        x[first] = 1
        mixed = gs.shuffled_grouped_conv2d(gs.array(x), ones, ones, groups=groups)
        apart = gs.grouped_conv2d(gs.grouped_conv2d(gs.array(x), ones, groups=groups), ones, groups=groups)
        assert np.count_nonzero(gs.numpy(mixed)) == c
        assert np.count_nonzero(gs.numpy(apart)) == c // groups


# Cost


@law("convolution.conv_multiply_adds")
@given(inputs("conv2d"))
def test_multiply_adds_are_weights_times_places(case):
    """Counted one by one: every place of every filter multiplies each of its weights once."""
    x, weight, _ = case.arguments
    shapes = result_shapes(conv2d, x.shape, weight.shape, None, **case.options)[0]
    assert shapes is not None
    *batch, _, oh, ow = shapes
    assert conv_multiply_adds(x.shape, weight.shape, **case.options) == weight.size * math.prod(batch) * oh * ow


@law("convolution.standard_conv_cost", "convolution.depthwise_separable_cost", "convolution.conv_multiply_adds")
@given(st.sampled_from((1, 3, 5)), SMALL, SMALL, SMALL)
def test_costs_are_those_of_the_layers(dk, m, n, df):
    """At stride 1 with padding that keeps the size: one dense layer, against a depthwise and a pointwise one."""
    x, margin = (m, df, df), "same"
    assert standard_conv_cost(dk, m, n, df) == conv_multiply_adds(x, (n, m, dk, dk), padding=margin)
    depthwise = conv_multiply_adds(x, (m, 1, dk, dk), groups=m, padding=margin)
    assert depthwise_separable_cost(dk, m, n, df) == depthwise + conv_multiply_adds(x, (n, m, 1, 1))


@law("convolution.standard_conv_cost", "convolution.depthwise_separable_cost")
@given(st.integers(1, 7), st.integers(1, 99), st.integers(1, 99), st.integers(1, 99))
def test_ratio_of_the_costs_depends_on_kernel_and_filters_only(dk, m, n, df):
    """1/N + 1/D_K^2, exactly: for 3 x 3 and many filters about a ninth."""
    separable, standard = depthwise_separable_cost(dk, m, n, df), standard_conv_cost(dk, m, n, df)
    assert separable * n * dk**2 == standard * (dk**2 + n)
    assert standard_conv_cost(3, 2, 4, 5) == 1800
