"""Laws of pooling."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik import Draws
from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import inputs
from gongsik.spec import DomainError
from gongsik.spec.convolution import conv_output_size
from gongsik.spec.pooling import avg_pool2d, max_pool2d, no_parameters, pool_output_size, trainable_subsampling

SIZES = st.integers(1, 6)


def integers(draw, *shape, low=-8, high=8):
    """An image of small integers: ties are in it, and sums are exact in every precision."""
    size = int(np.prod(shape))
    values = draw(st.lists(st.integers(low, high), min_size=size, max_size=size))
    return np.array(values, np.float64).reshape(shape)


@st.composite
def images(draw, low=-8, high=8, of=1):
    """An image [1 c h w] and a kernel that tiles it."""
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shape = (1, draw(st.integers(1, 2)), *(k * draw(st.integers(1, 3)) for k in kernel))
    found = [integers(draw, *shape, low=low, high=high) for _ in range(of)]
    return *found, kernel


def pooled(gs, name, x, *others, **options):
    """A pool of a NumPy array, in NumPy."""
    return gs.numpy(getattr(gs, name)(*map(gs.array, (x, *others)), **options))


def gradient(gs, name, x, weight, *others, **options):
    """Gradient of a weighted sum of a pool by the image, in NumPy."""
    weight, others = gs.array(weight), tuple(map(gs.array, others))
    grad = gs.value_and_grad(lambda x: (getattr(gs, name)(x, *others, **options) * weight).sum())(gs.array(x))[1]
    return gs.numpy(grad)


# Max pooling


@law("pooling.max_pool2d")
def test_max_pool2d_gives_the_numbers_of_the_lecture(gs):
    """A 4 by 4 map becomes 2 by 2, and that a single number."""
    x = np.array([[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]])[None, None]
    small = pooled(gs, "max_pool2d", x, kernel=2)
    assert small.tolist() == [[[[6.0, 8.0], [3.0, 4.0]]]]
    assert pooled(gs, "max_pool2d", small, kernel=2).tolist() == [[[[8.0]]]]


@law("pooling.max_pool2d")
@given(inputs("max_pool2d"), st.sampled_from([-2.0, 0.25]), st.sampled_from([0.0, 0.5, 4.0]))
def test_max_pool2d_commutes_with_increasing_maps(gs, case, c, a):
    """max_pool(a x + c) = a max_pool(x) + c for a >= 0, and max_pool(relu(x)) = relu(max_pool(x))."""
    options = case.options
    assert_agree(
        gs,
        lambda gs, x: gs.max_pool2d(a * x + c, **options),
        lambda gs, x: a * gs.max_pool2d(x, **options) + c,
        *case.arguments,
    )
    x = gs.array(*case.arguments)
    left, right = gs.max_pool2d(gs.relu(x), **options), gs.relu(gs.max_pool2d(x, **options))
    assert np.array_equal(gs.numpy(left), gs.numpy(right))


@law("pooling.max_pool2d")
@given(images())
def test_max_pool2d_is_a_member_of_its_window_that_none_exceeds(gs, drawn):
    """The result is in the window, and no element of the window is above it."""
    x, (kh, kw) = drawn
    y = pooled(gs, "max_pool2d", x, kernel=(kh, kw))
    for i, j in np.ndindex(*y.shape[2:]):
        window = x[:, :, i * kh : (i + 1) * kh, j * kw : (j + 1) * kw]
        for c in range(x.shape[1]):
            assert y[0, c, i, j] in window[0, c], (y, window)
            assert y[0, c, i, j] >= window[0, c].max()


@law("pooling.max_pool2d")
@given(images(low=0, high=2))
def test_gradient_of_max_pool2d_goes_to_the_first_of_the_largest(gs, drawn):
    """Every window sends all of its gradient to one element: the first largest, row by row."""
    x, kernel = drawn
    y = pooled(gs, "max_pool2d", x, kernel=kernel)
    weight = np.arange(1.0, y.size + 1).reshape(y.shape)
    expected = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*y.shape):
        window = x[n, c, i * kernel[0] : (i + 1) * kernel[0], j * kernel[1] : (j + 1) * kernel[1]]
        u, v = divmod(int(window.argmax()), kernel[1])
        expected[n, c, i * kernel[0] + u, j * kernel[1] + v] = weight[n, c, i, j]
    assert np.array_equal(gradient(gs, "max_pool2d", x, weight, kernel=kernel), expected)


@law("pooling.max_pool2d")
def test_large_images_are_pooled_as_small_ones_are(gs):
    """Whatever way a backend takes for much data: values, ties, NaN, padding and gradient are those of each channel."""
    x = np.random.default_rng(0).integers(0, 3, (2, 16, 40, 41)).astype(float)
    x[0, 3, 5, 7] = np.nan
    options = {"kernel": (3, 2), "stride": (2, 3), "padding": 1}
    y = pooled(gs, "max_pool2d", x, **options)
    weight = np.random.default_rng(1).integers(-4, 5, y.shape).astype(float)
    slopes = gradient(gs, "max_pool2d", x, weight, **options)
    for n, c in np.ndindex(2, 16):
        one = (slice(n, n + 1), slice(c, c + 1))
        assert np.array_equal(y[one], pooled(gs, "max_pool2d", x[one], **options), equal_nan=True)
        assert np.array_equal(slopes[one], gradient(gs, "max_pool2d", x[one], weight[one], **options))


@law("pooling.block_max_pool")
@given(inputs("block_max_pool"))
def test_block_max_pool_is_max_pool2d_side_by_side(gs, case):
    """The same numbers and the same gradient as max_pool2d with its default stride, the ragged border included."""
    (x,), kernel = case.arguments, case.options["kernel"]
    y = pooled(gs, "block_max_pool", x, kernel=kernel)
    assert np.array_equal(y, pooled(gs, "max_pool2d", x[None, None], kernel=kernel)[0, 0])
    weight = np.arange(1.0, y.size + 1).reshape(y.shape)
    ours = gradient(gs, "block_max_pool", x, weight, kernel=kernel)
    assert np.array_equal(ours, gradient(gs, "max_pool2d", x[None, None], weight[None, None], kernel=kernel)[0, 0])


@law("pooling.block_max_pool")
@given(images())
def test_blocks_of_one_element_change_nothing(gs, drawn):
    """K = L = 1 is the identity; what fills no block is dropped."""
    x, (k, l) = drawn[0][0, 0], drawn[-1]  # noqa: E741
    assert np.array_equal(pooled(gs, "block_max_pool", x, kernel=1), x)
    ragged = np.pad(x, ((0, k - 1), (0, l - 1)), constant_values=99.0)
    whole = pooled(gs, "block_max_pool", x, kernel=(k, l))
    assert np.array_equal(pooled(gs, "block_max_pool", ragged, kernel=(k, l)), whole)


@law("pooling.local_shift_invariance")
@given(st.integers(2, 4), st.data())
def test_a_lone_peak_may_move_inside_its_window(gs, k, data):
    """The output stays; across a border of windows it changes; and it does not tell where the peak was."""
    place = st.integers(0, 2 * k - 1)
    here, there = [(data.draw(place), data.draw(place)) for _ in range(2)]
    outputs = []
    for at in (here, there):
        x = np.zeros((1, 1, 2 * k, 2 * k))
        x[0, 0, at[0], at[1]] = 1.0
        outputs.append(pooled(gs, "max_pool2d", x, kernel=k))
        assert outputs[-1].sum() == 1
    same_window = all(a // k == b // k for a, b in zip(here, there, strict=True))
    assert np.array_equal(*outputs) == same_window


@law("pooling.overlapping_pool")
@given(st.integers(3, 60))
def test_overlapping_windows_share_pixels(gs, n):
    """With k = 3, s = 2 there are floor((n - 3) / 2) + 1 windows, and a peak between two of them is seen by both."""
    x = np.zeros((1, 1, n, 3))
    x[0, 0, 2] = 1.0
    y = pooled(gs, "max_pool2d", x, kernel=3, stride=(2, 1))[0, 0, :, 0]
    assert len(y) == (n - 3) // 2 + 1
    assert y.sum() == min(2, len(y))


@law("pooling.overlapping_pool", "pooling.pool_output_size")
def test_overlapping_pools_of_alexnet(gs):
    """55, 27, 13, 6: the maps between the layers of AlexNet, where the convolutions keep the size."""
    sizes = [55, 27, 13]
    assert [pool_output_size(n, 3, stride=2) for n in sizes] == [27, 13, 6]
    for n in sizes:
        assert (
            pooled(gs, "max_pool2d", np.zeros((1, 1, n, n)), kernel=3, stride=2).shape[2:]
            == (pool_output_size(n, 3, stride=2),) * 2
        )


# Average pooling


@law("pooling.avg_pool2d")
@given(images(of=2), st.sampled_from([-2.0, 0.5, 3.0]))
def test_avg_pool2d_is_linear_and_keeps_the_mean(gs, drawn, a):
    """avg(a x + y) = a avg(x) + avg(y); windows that tile the image keep its mean; no mean is above the largest."""
    x, y, kernel = drawn
    assert_agree(
        gs,
        lambda gs, x, y: gs.avg_pool2d(a * x + y, kernel=kernel),
        lambda gs, x, y: a * gs.avg_pool2d(x, kernel=kernel) + gs.avg_pool2d(y, kernel=kernel),
        x,
        y,
    )
    assert_agree(gs, lambda gs, x: gs.avg_pool2d(x, kernel=kernel).mean(), lambda gs, x: x.mean(), x)
    assert_at_most(
        gs,
        lambda gs, x: gs.avg_pool2d(x, kernel=kernel),
        lambda gs, x: gs.max_pool2d(x, kernel=kernel),
        x,
    )


@law("pooling.avg_pool2d")
@given(inputs("avg_pool2d"))
def test_avg_pool2d_is_a_depthwise_convolution_with_a_box(gs, case):
    """The kernel of that convolution is 1 / (kh kw) everywhere."""
    (x,), options = case.arguments, {**case.options}
    options.pop("count_include_pad")
    kernel = options.pop("kernel")
    kh, kw = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    options["stride"] = (kh, kw) if options["stride"] is None else options["stride"]
    box, channels = np.ones((x.shape[1], 1, kh, kw)), x.shape[1]
    assert_agree(
        gs,
        lambda gs, x, box: gs.avg_pool2d(x, kernel=kernel, **options),
        lambda gs, x, box: gs.conv2d(x, box / (kh * kw), groups=channels, **options),
        x,
        box,
    )


@law("pooling.avg_pool2d")
@given(images(low=1))
def test_a_constant_image_shows_what_is_counted(gs, drawn):
    """Its average is the constant where the padding does not count, and less at the border where it does."""
    x, kernel = drawn
    kernel = tuple(k + 1 for k in kernel)
    x, padding = np.full_like(x, 4.0), tuple(k // 2 for k in kernel)
    options = {"kernel": kernel, "stride": 1, "padding": padding}
    without = pooled(gs, "avg_pool2d", x, count_include_pad=False, **options)
    assert (without == 4).all(), without
    assert pooled(gs, "avg_pool2d", x, **options)[0, 0, 0, 0] < 4


@law("pooling.global_avg_pool2d")
@given(images(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_global_avg_pool2d_does_not_see_where(gs, drawn, shift, random):
    """Rolling the image or mixing its pixels keeps the result; it is that of one window as large as the image."""
    x, _ = drawn
    order = list(range(x.shape[2] * x.shape[3]))
    random.shuffle(order)
    mixed = x.reshape(*x.shape[:2], -1)[..., order].reshape(x.shape)
    for other in (np.roll(x, shift, -1), np.roll(x, shift, -2), mixed):
        assert_agree(gs, lambda gs, x, y: gs.global_avg_pool2d(x), lambda gs, x, y: gs.global_avg_pool2d(y), x, other)
    assert_agree(
        gs,
        lambda gs, x: gs.global_avg_pool2d(x),
        lambda gs, x: gs.avg_pool2d(x, kernel=x.shape[2:])[:, :, 0, 0],
        x,
    )


@law("pooling.global_avg_pool2d")
@given(images(of=2), st.sampled_from([-2.0, 0.5]))
def test_global_avg_pool2d_is_linear(gs, drawn, a):
    """z(a x + y) = a z(x) + z(y)."""
    assert_agree(
        gs,
        lambda gs, x, y: gs.global_avg_pool2d(a * x + y),
        lambda gs, x, y: a * gs.global_avg_pool2d(x) + gs.global_avg_pool2d(y),
        *drawn[:2],
    )


@law("pooling.trainable_subsampling")
@given(images())
def test_trainable_subsampling_is_a_squashed_average_pool(gs, drawn):
    """With w = 1 / (kh kw) and b = 0 it is sigmoid(avg_pool2d(x)), and in general sigmoid(w kh kw avg + b)."""
    x, kernel = drawn
    c, k = x.shape[1], kernel[0] * kernel[1]
    weight, bias = np.arange(1.0, c + 1) / 4, np.arange(c) / 2.0
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.trainable_subsampling(x, 0 * w + 1 / k, 0 * b, kernel=kernel),
        lambda gs, x, w, b: gs.sigmoid(gs.avg_pool2d(x, kernel=kernel)),
        x,
        weight,
        bias,
    )
    assert_agree(
        gs,
        lambda gs, x, w, b: gs.trainable_subsampling(x, w, b, kernel=kernel),
        lambda gs, x, w, b: gs.sigmoid(k * gs.avg_pool2d(x, kernel=kernel) * w[:, None, None] + b[:, None, None]),
        x,
        weight,
        bias,
    )


# Stochastic pooling


@law("pooling.stochastic_pool2d")
@given(images(low=0), st.data())
def test_stochastic_pool2d_takes_a_member_that_can_be_drawn(gs, drawn, data):
    """The result is in its window, at least the smallest and at most the largest of it, and 0 only where all are 0."""
    x, (kh, kw) = drawn
    shape = (*x.shape[:2], x.shape[2] // kh, x.shape[3] // kw)
    uniform = integers(data.draw, *shape, low=0, high=15) / 16
    y = pooled(gs, "stochastic_pool2d", x, uniform, kernel=(kh, kw))
    for n, c, i, j in np.ndindex(*shape):
        window = x[n, c, i * kh : (i + 1) * kh, j * kw : (j + 1) * kw]
        assert y[n, c, i, j] in window
        assert (y[n, c, i, j] > 0) == window.any()


@law("pooling.stochastic_pool2d")
@given(images(low=0), st.data())
def test_stochastic_pool2d_takes_the_first_whose_sum_exceeds_the_draw(gs, drawn, data):
    """Cumulative sums of integers are exact: the element is the one that the rule names, and it gets the gradient."""
    x, (kh, kw) = drawn
    shape = (*x.shape[:2], x.shape[2] // kh, x.shape[3] // kw)
    uniform = integers(data.draw, *shape, low=0, high=15) / 16
    expected, slopes = np.zeros(shape), np.zeros_like(x)
    for n, c, i, j in np.ndindex(*shape):
        window = x[n, c, i * kh : (i + 1) * kh, j * kw : (j + 1) * kw].ravel()
        above = window.cumsum() > uniform[n, c, i, j] * window.sum()
        taken = int(above.argmax()) if above.any() else window.size - 1
        expected[n, c, i, j] = window[taken]
        slopes[n, c, i * kh + taken // kw, j * kw + taken % kw] = 1
    assert np.array_equal(pooled(gs, "stochastic_pool2d", x, uniform, kernel=(kh, kw)), expected)
    ours = gradient(gs, "stochastic_pool2d", x, np.ones(shape), uniform, kernel=(kh, kw))
    assert np.array_equal(ours, slopes)


@law("pooling.stochastic_pool2d", "pooling.stochastic_pool2d_inference")
def test_stochastic_pool2d_draws_with_the_probabilities_of_the_window(gs):
    """Of 4,096 windows (1, 3; 0, 4) the shares of 1, 3 and 4 are 1/8, 3/8, 4/8, and the mean is that of inference.

    A share p of n draws is further than 6 sqrt(p (1 - p) / n) from p once in a thousand million times.
    """
    n = 4096
    x = np.broadcast_to(np.array([[1.0, 3.0], [0.0, 4.0]]), (n, 1, 2, 2))
    uniform = np.floor(Draws(0).uniform("windows", (n, 1, 1, 1)) * 256) / 256  # exact in every precision
    y = pooled(gs, "stochastic_pool2d", x, uniform, kernel=2)
    for value, p in ((1.0, 1 / 8), (3.0, 3 / 8), (0.0, 0.0), (4.0, 4 / 8)):
        assert abs((y == value).mean() - p) <= 6 * np.sqrt(p * (1 - p) / n)
    expected = float(pooled(gs, "stochastic_pool2d_inference", x[:1], kernel=2)[0, 0, 0, 0])
    assert expected == 3.25
    assert abs(y.mean(dtype=np.float64) - expected) <= 6 * np.sqrt((92 / 8 - 3.25**2) / n)


@law("pooling.stochastic_pool2d_inference")
@given(inputs("stochastic_pool2d_inference"), st.sampled_from([0.25, 2.0, 3.0]))
def test_stochastic_inference_lies_between_average_and_maximum(gs, case, a):
    """Average <= sum p a <= maximum, and scaling the image scales the result."""
    options = case.options
    name = "stochastic_pool2d_inference"
    assert_at_most(
        gs,
        lambda gs, x: gs.avg_pool2d(x, **options),
        lambda gs, x: getattr(gs, name)(x, **options),
        *case.arguments,
    )
    assert_at_most(
        gs,
        lambda gs, x: getattr(gs, name)(x, **options),
        lambda gs, x: gs.max_pool2d(x, **options),
        *case.arguments,
    )
    assert_agree(
        gs,
        lambda gs, x: getattr(gs, name)(a * x, **options),
        lambda gs, x: a * getattr(gs, name)(x, **options),
        *case.arguments,
    )


@law("pooling.stochastic_pool2d_inference")
def test_stochastic_inference_forms_no_square(gs):
    """In a window of 2^80 and of 2^-80 every square is beyond single precision, and every result is not."""
    for exponent in (80, -80):
        x = gs.array(np.full((1, 1, 2, 2), 2.0**exponent))
        assert gs.numpy(gs.stochastic_pool2d_inference(x, kernel=2)).item() == 2.0**exponent


@law("pooling.stochastic_pool2d", "pooling.stochastic_pool2d_inference")
def test_a_window_of_zeros_gives_zero(gs):
    """Where no probability is defined, the result is 0 and the derivative of inference is 0."""
    x = np.zeros((1, 1, 2, 2))
    assert pooled(gs, "stochastic_pool2d", x, np.full((1, 1, 1, 1), 0.5), kernel=2).item() == 0
    assert pooled(gs, "stochastic_pool2d_inference", x, kernel=2).item() == 0
    assert not gradient(gs, "stochastic_pool2d_inference", x, np.ones((1, 1, 1, 1)), kernel=2).any()


# Counts


@law("pooling.pool_output_size")
@given(st.integers(1, 64), SIZES, SIZES, st.integers(0, 3))
def test_pool_output_size_is_that_of_a_convolution(gs, size, kernel, stride, padding):
    """The same rule, the same refusals; side by side it is floor(H / k); and the pools have that size."""
    try:
        expected = conv_output_size(size, kernel, stride=stride, padding=padding)
    except DomainError:
        with pytest.raises(DomainError):
            pool_output_size(size, kernel, stride=stride, padding=padding)
        return
    assert pool_output_size(size, kernel, stride=stride, padding=padding) == expected
    if kernel <= size:
        assert pool_output_size(size, kernel) == size // kernel
    if 2 * padding <= kernel:
        x = np.zeros((1, 1, size, kernel))
        options = {"kernel": kernel, "stride": (stride, 1), "padding": (padding, 0)}
        assert pooled(gs, "avg_pool2d", x, **options).shape == (1, 1, expected, 1)


@law("pooling.no_parameters")
def test_pooling_has_nothing_to_learn(gs):
    """Not with any kernel, stride or padding; LeNet's subsampling has two numbers per channel: 12 and 32."""
    assert no_parameters(max_pool2d, 96) == no_parameters(avg_pool2d, 256) == 0
    assert no_parameters(trainable_subsampling, 6) == 12
    assert no_parameters(trainable_subsampling, 16) == 32
