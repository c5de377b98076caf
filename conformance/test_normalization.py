"""Laws of normalization."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.sampled_from([(4, 2), (3, 4, 5), (2, 4, 3, 2)])
PER_SAMPLE = {
    "layer_norm": lambda gs, x: gs.layer_norm(x),
    "instance_norm": lambda gs, x: gs.instance_norm(x),
    "group_norm": lambda gs, x: gs.group_norm(x, groups=2),
}


def normal(seed, shape):
    """Draws of a normal distribution, representable in the precision under test."""
    return PRECISION.get().round(np.random.default_rng(seed).standard_normal(shape))


@st.composite
def images(draw, shapes=SHAPES):
    return normal(draw(SEEDS), draw(shapes))


@st.composite
def parameters(draw):
    """An image, and a scale and a shift for its channels."""
    x = draw(images())
    return x, *(normal(draw(SEEDS), x.shape[1]) for _ in range(2))


def all_but_channels(x):
    return (0, *range(2, x.ndim))


def beside(channels, x):
    return channels.reshape(-1, *(1,) * (x.ndim - 2))


def pull_back(gs, function, upstream, *arguments):
    """Gradients of the sum of upstream times function, by all arguments."""
    return gs.value_and_grad(lambda arguments: (function(*arguments) * upstream).sum())(list(arguments))[1]


# Standardization and statistics


@law("normalization.standardize")
@given(st.integers(2, 9), st.integers(1, 3), SEEDS)
def test_standardized_features_have_mean_0_and_variance_1(gs, n, p, seed):
    """The mean is 0 and the mean square 1, for every feature."""
    x = normal(seed, (n, p))
    assert_agree(gs, lambda gs, x: gs.standardize(x).mean(0), lambda gs, x: 0 * x[0], x)
    assert_agree(gs, lambda gs, x: (gs.standardize(x) ** 2).mean(0), lambda gs, x: 0 * x[0] + 1, x)


@law("normalization.standardize")
@given(st.integers(2, 9), SEEDS, st.sampled_from([0.125, 2.0, 3.0]), st.integers(-8, 8))
def test_standardize_forgets_unit_and_origin(gs, n, seed, a, b):
    """Celsius or Fahrenheit: standardize(a x + b) = standardize(x) for a > 0; a second time changes nothing."""
    x = normal(seed, (n, 2))
    assert_agree(gs, lambda gs, x: gs.standardize(a * x + b), lambda gs, x: gs.standardize(x), x)
    assert_agree(gs, lambda gs, x: gs.standardize(gs.standardize(x)), lambda gs, x: gs.standardize(x), x)


@law("normalization.standardize")
@given(st.integers(1, 12), st.floats(-1000, 1000, width=16))
def test_a_feature_that_never_varies_becomes_0(gs, n, value):
    """Exactly, though the mean of n equal numbers may be rounded; and so does its gradient."""
    x = gs.array(np.full((n, 1), PRECISION.get().round(value + 0.1)))
    assert not gs.numpy(gs.standardize(x)).any()
    weight = gs.array(np.arange(1.0, n + 1)[:, None])
    assert not gs.numpy(gs.value_and_grad(lambda x: (gs.standardize(x) * weight).sum())(x)[1]).any()


@law("normalization.batch_statistics")
@given(images(), st.sampled_from([-2.0, 0.5, 3.0]), st.integers(-4, 4))
def test_statistics_follow_an_affine_map(gs, x, a, b):
    """The mean of a x + b is a mean + b, and the variance a^2 var: no unit is lost or made."""
    assert_agree(
        gs, lambda gs, x: gs.batch_statistics(a * x + b)[0], lambda gs, x: a * gs.batch_statistics(x)[0] + b, x
    )
    assert_agree(
        gs, lambda gs, x: gs.batch_statistics(a * x + b)[1], lambda gs, x: a * a * gs.batch_statistics(x)[1], x
    )


@law("normalization.batch_statistics")
@given(images(), st.randoms(use_true_random=False))
def test_statistics_do_not_see_the_order_of_samples(gs, x, random):
    """Mean and variance of a shuffled batch are the same up to rounding."""
    order = list(range(len(x)))
    random.shuffle(order)
    for i in (0, 1):
        assert_agree(
            gs,
            lambda gs, x, y, i=i: gs.batch_statistics(x)[i],
            lambda gs, x, y, i=i: gs.batch_statistics(y)[i],
            x,
            x[order],
        )


@law("normalization.batch_statistics")
@given(st.integers(10, 18))
def test_variance_survives_a_large_mean(gs, k):
    """1 and 3 have variance 1, and so have 2^k + 1 and 2^k + 3, wherever these are exact numbers."""
    values = np.array([[2.0**k + 1], [2.0**k + 3]])
    if (PRECISION.get().round(values) == values).all():
        mean, var = gs.batch_statistics(gs.array(values))
        assert (gs.numpy(mean).item(), gs.numpy(var).item()) == (2.0**k + 2, 1.0)


# Batch normalization


@law("normalization.batch_norm")
@given(parameters(), st.sampled_from([1e-5, 0.5]))
def test_batch_norm_gives_every_channel_its_mean_and_variance(gs, drawn, eps):
    """The mean of the output is beta, its variance gamma^2 var / (var + eps)."""
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.batch_statistics(gs.batch_norm(x, gamma, beta, eps=eps)[0])[0],
        lambda gs, x, gamma, beta: beta,
        *drawn,
    )
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.batch_statistics(gs.batch_norm(x, gamma, beta, eps=eps)[0])[1],
        lambda gs, x, gamma, beta: gamma**2 * gs.batch_statistics(x)[1] / (gs.batch_statistics(x)[1] + eps),
        *drawn,
    )


@law("normalization.batch_norm", "normalization.batch_norm_affine", "normalization.batch_norm_inference")
@given(parameters())
def test_batch_norm_is_made_of_its_parts(gs, drawn):
    """Statistics, normalization by them, scale and shift; with the batch's statistics inference is the same."""
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.batch_norm(x, gamma, beta)[0],
        lambda gs, x, gamma, beta: gs.batch_norm_affine(gs.batch_norm(x)[0], gamma, beta),
        *drawn,
    )
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.batch_norm(x, gamma, beta)[0],
        lambda gs, x, gamma, beta: gs.batch_norm_inference(x, *gs.batch_statistics(x), gamma, beta),
        *drawn,
    )
    for i in (0, 1):
        assert_agree(
            gs,
            lambda gs, x, *_, i=i: gs.batch_norm(x)[1 + i],
            lambda gs, x, *_, i=i: gs.batch_statistics(x)[i],
            *drawn,
        )


@law("normalization.batch_norm_affine")
@given(images())
def test_scale_and_shift_can_undo_the_normalization(gs, x):
    """With gamma = sqrt(var + eps) and beta = mean the layer is the identity: nothing is out of reach."""

    def undone(gs, x):
        y, mean, var = gs.batch_norm(x)
        return gs.batch_norm_affine(y, (var + 1e-5) ** 0.5, mean)

    assert_agree(gs, undone, lambda gs, x: x, x)


@law("normalization.batch_norm_affine")
@given(parameters(), SEEDS)
def test_gradients_of_scale_and_shift_are_sums_over_the_batch(gs, drawn, seed):
    """The gradient of gamma is the sum of g x_hat, that of beta the sum of g."""
    x, gamma, beta = drawn
    g, axes = normal(seed, x.shape), all_but_channels(x)
    for i, expected in ((1, lambda g, x: (g * x).sum(axes)), (2, lambda g, x: g.sum(axes))):
        assert_agree(
            gs,
            lambda gs, g, *arguments, i=i: pull_back(gs, gs.batch_norm_affine, g, *arguments)[i],
            lambda gs, g, x, *_, expected=expected: expected(g, x),
            g,
            x,
            gamma,
            beta,
        )


@law("normalization.batch_norm_scale_invariance", "normalization.batch_norm")
@given(images(), st.sampled_from([0.25, 2.0, 5.0]), st.integers(-3, 3))
def test_batch_norm_forgets_scale_and_bias_of_the_layer_before(gs, x, a, b):
    """BN(a x + b) = BN(x) for a > 0, where epsilon grows with a^2; so it is when epsilon goes to 0."""
    assert_agree(
        gs,
        lambda gs, x: gs.batch_norm(a * x + b, eps=1e-5 * a * a)[0],
        lambda gs, x: gs.batch_norm(x)[0],
        x,
    )


@law("normalization.batch_norm_scale_invariance")
@given(st.integers(3, 8), st.integers(1, 3), SEEDS)
def test_gradient_before_batch_norm_is_orthogonal_to_the_weights(gs, n, o, seed):
    """Scaling W changes nothing, so the loss has no slope along W; nor by a bias before the normalization.

    Epsilon is so small here that its share is below rounding.
    """
    x, w, g = (normal(seed + i, shape) for i, shape in enumerate([(n, 4), (o, 4), (n, o)]))

    def loss(gs, w, b, x):
        return gs.batch_norm(gs.linear(x, w, b), eps=1e-30)[0]

    def slopes(gs, g, x, w, b):
        return pull_back(gs, lambda w, b: loss(gs, w, b, x), g, w, b)

    b = np.zeros(o)
    assert_agree(gs, lambda gs, g, x, w, b: (slopes(gs, g, x, w, b)[0] * w).sum(-1), lambda gs, *_: 0.0, g, x, w, b)
    assert_agree(gs, lambda gs, *arrays: slopes(gs, *arrays)[1], lambda gs, *_: 0.0, g, x, w, b)


@law("normalization.small_batch", "normalization.batch_norm", "normalization.instance_norm")
@given(inputs("batch_norm"))
def test_one_value_per_channel_gives_beta(gs, case):
    """With m = 1 the deviation is 0, whatever the input is: the output is beta, and no gradient goes back."""
    x, gamma, beta = case.arguments
    x = x.reshape(-1, x.shape[1])[:1]  # one sample, one place
    gamma, beta = (np.ones(x.shape[1]) if p is None else p for p in (gamma, beta))
    y, mean, var = gs.batch_norm(*map(gs.array, (x, gamma, beta)), **case.options)
    assert np.array_equal(gs.numpy(y)[0], gs.numpy(gs.array(beta)))
    assert np.array_equal(gs.numpy(mean), gs.numpy(gs.array(x))[0])
    assert not gs.numpy(var).any()
    weight = gs.array(np.ones((1, x.shape[1])))
    slope = pull_back(gs, lambda x: gs.batch_norm(x, gs.array(gamma), gs.array(beta))[0], weight, gs.array(x))[0]
    assert not gs.numpy(slope).any()


@law("normalization.small_batch")
def test_mean_of_a_small_batch_is_noisy(gs):
    """Over 2,048 batches of normal draws the variance of the mean is 1/m, and var is 1 - 1/m on average.

    The variance of n means has a standard deviation of about sqrt(2/n)/m; six of them are once in a thousand million.
    """
    n = 2048
    for m in (2, 8, 32):
        x = np.random.default_rng(m).standard_normal((m, n))
        mean, var = (gs.numpy(s).astype(np.float64) for s in gs.batch_statistics(gs.array(PRECISION.get().round(x))))
        off = 6 * np.sqrt(2 / n) / m
        assert abs((mean**2).mean() - 1 / m) <= off
        assert abs(var.mean() - (1 - 1 / m)) <= 6 * np.sqrt(2 / (n * m))


@law("normalization.batch_norm_backward")
@given(parameters(), SEEDS, st.sampled_from([1e-5, 0.5]))
def test_batch_norm_backward_is_what_backpropagation_gives(gs, drawn, seed, eps):
    """Derived by hand or walked back node by node: the same three gradients."""
    x, gamma, beta = drawn
    for i in range(3):
        assert_agree(
            gs,
            lambda gs, g, x, gamma, beta, i=i: gs.batch_norm_backward(g, x, gamma, eps=eps)[i],
            lambda gs, g, *arguments, i=i: pull_back(
                gs, lambda *a: gs.batch_norm(*a, eps=eps)[0], g, *arguments
            )[i],
            normal(seed, x.shape),
            x,
            gamma,
            beta,
        )  # fmt: skip


@law("normalization.batch_norm_backward", "normalization.batch_norm")
@given(parameters(), SEEDS)
def test_gradient_through_batch_norm_is_orthogonal_to_1_and_x_hat(gs, drawn, seed):
    """Per channel its sum is 0, and that of its products with x_hat is eps gamma / (var + eps)^(3/2) sum(g x_hat)."""
    x, gamma, _ = drawn
    g, axes = normal(seed, x.shape), all_but_channels(x)
    assert_agree(
        gs,
        lambda gs, g, x, gamma: gs.batch_norm_backward(g, x, gamma)[0].sum(axes),
        lambda gs, g, x, gamma: 0 * gamma,
        g,
        x,
        gamma,
    )

    def remainder(gs, g, x, gamma):
        x_hat, _, var = gs.batch_norm(x)
        return gamma * 1e-5 / (var + 1e-5) ** 1.5 * (g * x_hat).sum(axes)

    assert_agree(
        gs,
        lambda gs, g, x, gamma: (gs.batch_norm_backward(g, x, gamma)[0] * gs.batch_norm(x)[0]).sum(axes),
        remainder,
        g,
        x,
        gamma,
    )


@law("normalization.batch_norm_running")
@given(st.integers(1, 3), SEEDS, st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_constant_statistics_are_a_fixed_point(gs, c, seed, alpha):
    """What every batch has, stays; alpha 1 keeps the old statistics, alpha 0 takes the new ones."""
    mean, var = normal(seed, c), np.abs(normal(seed + 1, c))
    for i, expected in ((0, mean), (1, var)):
        assert_agree(
            gs,
            lambda gs, mean, var, _, i=i: gs.batch_norm_running(mean, var, mean, var, alpha=alpha)[i],
            lambda gs, mean, var, expected: expected,
            mean,
            var,
            expected,
        )
    old, new = (gs.array(x) for x in (mean, mean + 1))
    for alpha, kept in ((1.0, old), (0.0, new)):
        moved = gs.batch_norm_running(old, old, new, new, alpha=alpha)
        assert all(np.array_equal(gs.numpy(statistic), gs.numpy(kept)) for statistic in moved)


@law("normalization.batch_norm_running")
@given(st.integers(2, 40), SEEDS)
def test_running_statistics_forget_their_start_like_alpha_to_the_t(gs, t, seed):
    """After t batches with the same statistics the distance to them is alpha^t of what it was (alpha 0.9, 0.99)."""
    start, end = normal(seed, 2), normal(seed + 1, 2)
    for alpha in (0.9, 0.99):

        def run(gs, start, end, alpha=alpha):
            mean = start
            for _ in range(t):
                mean, _ = gs.batch_norm_running(mean, mean, end, end, alpha=alpha)
            return mean

        assert_agree(gs, run, lambda gs, s, e, alpha=alpha: e + alpha**t * (s - e), start, end)


@law("normalization.batch_norm_running")
@given(images())
def test_count_makes_the_variance_unbiased(gs, x):
    """With alpha 0 and count m it is the sum of squares divided by m - 1: what torch keeps for inference."""
    m = x.size // x.shape[1]

    def unbiased(gs, x):
        _, mean, var = gs.batch_norm(x)
        return gs.batch_norm_running(mean, var, mean, var, alpha=0.0, count=m)[1]

    axes = all_but_channels(x)
    assert_agree(
        gs, unbiased, lambda gs, x: ((x - beside(x.mean(axes), x)) ** 2).sum(axes) / (m - 1), x
    )  # fmt: skip


@law("normalization.batch_norm_inference")
@given(parameters(), SEEDS)
def test_inference_looks_at_one_sample_only(gs, drawn, seed):
    """A sample alone gives what it gives in the batch."""
    x, gamma, beta = drawn
    mean, var = normal(seed, x.shape[1]), np.abs(normal(seed + 1, x.shape[1])) + 1
    for i in range(len(x)):
        assert_agree(
            gs,
            lambda gs, x, alone, *given, i=i: gs.batch_norm_inference(x, *given)[i],
            lambda gs, x, alone, *given: gs.batch_norm_inference(alone, *given)[0],
            x, x[i : i + 1], mean, var, gamma, beta,
        )  # fmt: skip


@law("normalization.batch_norm_inference")
@given(st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_inference_folds_into_the_layer_before(gs, n, o, seed):
    """BN(W x + b) is a linear layer with weights a W and bias a (b - mean) + beta, a = gamma / sqrt(var + eps)."""
    x, w, b, mean, gamma, beta = (
        normal(seed + i, shape) for i, shape in enumerate([(n, 3), (o, 3), (o,), (o,), (o,), (o,)])
    )
    var = np.abs(normal(seed + 6, (o,))) + 1

    def folded(gs, x, w, b, mean, var, gamma, beta):
        a = gamma / (var + 1e-5) ** 0.5
        return gs.linear(x, a[:, None] * w, a * (b - mean) + beta)

    assert_agree(
        gs,
        lambda gs, x, w, b, mean, var, gamma, beta: gs.batch_norm_inference(gs.linear(x, w, b), mean, var, gamma, beta),
        folded,
        x, w, b, mean, var, gamma, beta,
    )  # fmt: skip


@law("normalization.internal_covariate_shift", "normalization.batch_norm")
@given(SEEDS, st.sampled_from([0.5, 2.0]))
def test_a_step_of_one_layer_moves_the_input_of_the_next_unless_it_is_normalized(gs, seed, rate):
    """After W and b of a layer have changed, the means behind it are others; behind batch norm they are 0 as before."""
    x, w, b, step = (normal(seed + i, s) for i, s in enumerate([(16, 3), (2, 3), (2,), (2, 3)]))
    outputs = [gs.linear(gs.array(x), gs.array(w + rate * k * step), gs.array(b + rate * k)) for k in (0, 1)]
    before, after = (gs.numpy(y).mean(0) for y in outputs)
    assert (before != after).all()
    for k in (0, 1):
        assert_agree(
            gs,
            lambda gs, x, w, b: gs.batch_norm(gs.linear(x, w, b))[0].mean(0),
            lambda gs, *_: 0.0,
            x,
            PRECISION.get().round(w + rate * k * step),
            PRECISION.get().round(b + rate * k),
        )


# Layer, instance and group normalization


@pytest.mark.parametrize("name", PER_SAMPLE)
@law("normalization.layer_norm", "normalization.instance_norm", "normalization.group_norm")
@given(images())
def test_no_sample_depends_on_another(gs, name, x):
    """What a sample becomes in a batch it becomes alone."""
    function = PER_SAMPLE[name]
    for i in range(len(x)):
        assert_agree(
            gs,
            lambda gs, x, alone: function(gs, alone)[0],
            lambda gs, x, alone, i=i: function(gs, x)[i],
            x,
            x[i : i + 1],
        )


@pytest.mark.parametrize("name", PER_SAMPLE)
@law("normalization.layer_norm", "normalization.instance_norm", "normalization.group_norm")
@given(images(), st.sampled_from([0.25, 2.0, 5.0]), st.integers(-3, 3))
def test_every_sample_may_be_scaled_and_shifted(gs, name, x, a, b):
    """f(a x + b) = f(x) for a > 0, where epsilon grows with a^2."""
    options = {"groups": 2} if name == "group_norm" else {}
    assert_agree(
        gs,
        lambda gs, x: getattr(gs, name)(a * x + b, eps=1e-5 * a * a, **options),
        lambda gs, x: getattr(gs, name)(x, **options),
        x,
    )


@law("normalization.group_norm", "normalization.instance_norm", "normalization.layer_norm")
@given(parameters())
def test_group_norm_lies_between_layer_and_instance_norm(gs, drawn):
    """One group is layer norm over channels and space; as many groups as channels are instance norm."""
    x, *_ = drawn
    channels, flat = x.shape[1], (len(x), -1)
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.group_norm(x, groups=1).reshape(flat),
        lambda gs, x, gamma, beta: gs.layer_norm(x.reshape(flat)),
        *drawn,
    )
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.group_norm(x, gamma, beta, groups=channels),
        lambda gs, x, gamma, beta: gs.instance_norm(x, gamma, beta),
        *drawn,
    )


@law("normalization.instance_norm")
@given(parameters())
def test_instance_norm_is_batch_norm_of_one_sample(gs, drawn):
    """Of a batch with a single sample, the statistics of the batch are those of space."""
    x, gamma, beta = drawn
    assert_agree(
        gs,
        lambda gs, x, gamma, beta: gs.instance_norm(x, gamma, beta),
        lambda gs, x, gamma, beta: gs.batch_norm(x, gamma, beta)[0],
        x[:1],
        gamma,
        beta,
    )


@law("normalization.group_norm", "normalization.instance_norm")
@given(SEEDS, st.sampled_from([0.0, 2.0**10]))
def test_the_layout_in_memory_does_not_matter(gs, seed, offset):
    """Channels last or first, also with a mean a thousand times the spread."""
    x = PRECISION.get().round(normal(seed, (2, 3, 5, 4)) + offset).transpose(0, 3, 1, 2)
    assert x.strides[1] == x.itemsize
    for groups in (2, 4):
        assert_agree(
            gs,
            lambda gs, x, y, groups=groups: gs.group_norm(x, groups=groups),
            lambda gs, x, y, groups=groups: gs.group_norm(y, groups=groups),
            x,
            np.ascontiguousarray(x),
        )


@law("normalization.layer_norm_backward")
@given(images(), SEEDS, st.sampled_from([1e-5, 0.5]))
def test_layer_norm_backward_is_what_backpropagation_gives(gs, x, seed, eps):
    """Derived by hand or walked back node by node: the same three gradients."""
    gamma, beta, g = (normal(seed + i, s) for i, s in enumerate([x.shape[-1], x.shape[-1], x.shape]))
    for i in range(3):
        assert_agree(
            gs,
            lambda gs, g, x, gamma, beta, i=i: gs.layer_norm_backward(g, x, gamma, eps=eps)[i],
            lambda gs, g, *arguments, i=i: pull_back(gs, lambda *a: gs.layer_norm(*a, eps=eps), g, *arguments)[i],
            g,
            x,
            gamma,
            beta,
        )


# Local response normalization


@law("normalization.local_response_norm")
@given(inputs("local_response_norm"))
def test_local_response_norm_keeps_signs_and_is_odd(gs, case):
    """f(-x) = -f(x), and no value changes its sign."""
    x = gs.array(*case.arguments)
    y, turned = (gs.numpy(gs.local_response_norm(z, **case.options)) for z in (x, -x))
    assert np.array_equal(turned, -y)
    assert not (np.sign(y) * np.sign(gs.numpy(x)) < 0).any()


@law("normalization.local_response_norm")
@given(images(), st.sampled_from([1.0, 2.0, 16.0]), st.integers(1, 6))
def test_local_response_norm_without_neighbours_is_a_scale(gs, x, k, size):
    """With alpha = 0 it divides by k^beta."""
    assert_agree(
        gs,
        lambda gs, x: gs.local_response_norm(x, size=size, alpha=0.0, beta=0.5, k=k),
        lambda gs, x: x / k**0.5,
        x,
    )


@law("normalization.local_response_norm")
@given(images(), st.integers(1, 6))
def test_the_size_only_scales_alpha(gs, x, size):
    """The mean over a window with alpha is the sum over it with alpha / size: torch's convention and AlexNet's."""
    assert_agree(
        gs,
        lambda gs, x: gs.local_response_norm(x, size=size, alpha=0.5, k=2.0),
        lambda gs, x: gs.local_response_norm(x, size=size, alpha=0.5 / size, k=2.0, average=False),
        x,
    )


@law("normalization.local_response_norm")
@given(st.integers(0, 6), st.integers(1, 7))
def test_a_loud_channel_dampens_its_neighbours_only(gs, at, size):
    """Those channels change whose window it is in: from (size - 1) // 2 before to size // 2 after it."""
    x = np.ones((1, 7, 1))
    quiet = gs.numpy(gs.local_response_norm(gs.array(x), size=size))
    x[0, at] = 64.0
    loud = gs.numpy(gs.local_response_norm(gs.array(x), size=size))
    changed = {c for c in range(7) if loud[0, c, 0] != quiet[0, c, 0]}
    assert changed == set(range(max(0, at - (size - 1) // 2), min(7, at + size // 2 + 1)))
