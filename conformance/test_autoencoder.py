"""Laws of autoencoders.

Expectations over a normal draw are sums here, not luck: two draws, -1 and +1, have the mean 0 and the variance 1, so
they average every polynomial of degree 3 exactly as the normal distribution does.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.autoencoder import AUTOENCODERS, fitting
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec.autoencoder import VAE, AdversarialAutoencoder, Autoencoder

BOTH_SIGNS = np.array([-1.0, 1.0])[:, None, None]
HADAMARD = np.array([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
"""Orthonormal, with entries that every precision has."""
SEEDS = st.integers(0, 2**32 - 1)


def eighths(low: int, high: int, *shape: int) -> st.SearchStrategy[np.ndarray]:
    """Multiples of 1/8: sums, differences and small products of them are exact in every precision."""
    size = math.prod(shape)
    return st.lists(st.integers(low, high), min_size=size, max_size=size).map(lambda x: np.array(x).reshape(shape) / 8)


def powers(low: int, high: int, *shape: int) -> st.SearchStrategy[np.ndarray]:
    """Powers of 2, whose squares and quotients are exact."""
    size = math.prod(shape)
    return st.lists(st.integers(low, high), min_size=size, max_size=size).map(
        lambda x: 2.0 ** np.array(x).reshape(shape)
    )


def logits_and_pixels(n: int, d: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    return st.tuples(eighths(-40, 40, n, d), eighths(0, 8, n, d))


def variance(gs, log_var):
    """The exponential, by the formulas: the square of what a draw of 1 makes of a mean of 0."""
    return gs.reparameterize(0 * log_var, log_var, 0 * log_var + 1) ** 2


def gradient(gs, function, x):
    return gs.value_and_grad(function)(x)[1]


# Compress and restore


@law("autoencoder.autoencoder", "autoencoder.decode")
@given(inputs("autoencoder"))
def test_what_is_restored_is_the_decoded_code(gs, case):
    """The output has the shape of the input, the code its own, and the decoder makes the one of the other, exactly."""
    config, params, x = (gs.array(v) if isinstance(v, np.ndarray) else v for v in case.arguments)
    params = {name: gs.array(p) for name, p in params.items()}
    found = gs.autoencoder(config, params, x)
    assert found.output.shape == x.shape
    assert found.code.shape == (*x.shape[:-1], config.sizes[-1])
    assert np.array_equal(gs.numpy(gs.decode(config, params, found.code)), gs.numpy(found.output), equal_nan=True)


@law("autoencoder.autoencoder")
@given(AUTOENCODERS)
def test_encoder_and_decoder_mirror_each_other(gs, config):
    """Layer for layer, the decoder's weights have the shapes of the encoder's, turned over, in reverse."""
    table = config.parameters()
    shapes = {part: [s for n, s in table.items() if n.startswith(part) and len(s) == 2] for part in ("enc", "dec")}
    assert shapes["dec"] == [shape[::-1] for shape in reversed(shapes["enc"])]


@pytest.mark.parametrize("seed", range(3))
@law("autoencoder.autoencoder")
def test_a_step_downhill_restores_better(gs, seed):
    """Along minus the gradient the loss falls, if the step is short enough: some power of 1/2 of it."""
    config = Autoencoder((4, 3, 2), "tanh", "identity")
    params = {name: gs.array(p) for name, p in fitting(config, seed, "normal", PRECISION.get()).items()}
    x = gs.array(make(seed, "normal", (5, 4), PRECISION.get().name))

    def loss(params):
        return gs.reconstruction_loss(gs.autoencoder(config, params, x).output, x)

    value, grads = gs.value_and_grad(loss)(params)
    steps = ({name: params[name] - 2.0**-k * grads[name] for name in params} for k in range(3, 9))
    assert any(float(gs.numpy(loss(moved))) < float(gs.numpy(value)) for moved in steps)


@law("autoencoder.reconstruction_loss")
@given(eighths(-40, 40, 3, 4))
def test_nothing_is_lost_where_all_is_restored(gs, x):
    """Squared and root mean squared losses are 0 there, exactly, and above 0 elsewhere."""
    for kind in ("squared", "rmse"):
        assert gs.numpy(gs.reconstruction_loss(gs.array(x), gs.array(x), kind=kind)) == 0
        assert gs.numpy(gs.reconstruction_loss(gs.array(x + np.eye(3, 4)), gs.array(x), kind=kind)) > 0


@law("autoencoder.reconstruction_loss")
@given(eighths(-40, 40, 3, 4), eighths(-40, 40, 3, 4))
def test_squared_loss_is_mse_of_the_sums_and_rmse_its_root(gs, output, x):
    """The squared loss is `mse` over samples, "batchmean"; d times rmse^2 is the same."""
    squared = lambda gs, o, x: gs.reconstruction_loss(o, x)  # noqa: E731
    assert_agree(gs, squared, lambda gs, o, x: gs.mse(o, x, reduction="batchmean"), output, x)
    assert_agree(gs, squared, lambda gs, o, x: 4 * gs.reconstruction_loss(o, x, kind="rmse") ** 2, output, x)


@law("autoencoder.reconstruction_loss")
@given(logits_and_pixels(2, 3))
def test_bce_of_logits_is_bce_of_their_sigmoid(gs, pair):
    """It equals `binary_cross_entropy` of the probabilities, "batchmean", where these do not round to 0 or 1."""
    assert_agree(
        gs,
        lambda gs, s, x: gs.reconstruction_loss(s, x, kind="bce"),
        lambda gs, s, x: gs.binary_cross_entropy(gs.sigmoid(s), x, reduction="batchmean"),
        *pair,
    )


@law("autoencoder.reconstruction_loss")
@given(st.integers(1, 127), eighths(-40, 40, 1, 1))
def test_bce_of_a_grey_pixel_is_least_at_its_entropy(gs, grey, s):
    """No logit costs a pixel x less than H(x) = -x log x - (1 - x) log(1 - x), which is above 0."""
    x = np.array([[grey / 128]])
    entropy = float(-(x * np.log(x) + (1 - x) * np.log1p(-x)).sum())
    assert_at_most(gs, lambda gs, s, x: entropy, lambda gs, s, x: gs.reconstruction_loss(s, x, kind="bce"), s, x)
    assert entropy > 0
    if grey == 64:
        assert_agree(gs, lambda gs, x: gs.reconstruction_loss(0 * x, x, kind="bce"), lambda gs, x: math.log(2), x)


@law("autoencoder.reconstruction_loss")
def test_a_logit_of_ten_thousand_costs_no_infinity(gs):
    """Of 8192 the wrong side costs exactly 8192, the right one nothing; the gradient is sigmoid - x."""
    s = gs.array(np.array([[8192.0, -8192.0]]))
    for x, cost, slope in (([1.0, 0.0], 0.0, [0.0, 0.0]), ([0.0, 1.0], 16384.0, [1.0, -1.0])):
        pixels = gs.array(np.array([x]))
        value, grad = gs.value_and_grad(lambda s, x: gs.reconstruction_loss(s, x, kind="bce"))(s, pixels)
        assert float(gs.numpy(value)) == cost
        assert gs.numpy(grad).tolist() == [slope]


# The linear case


def centred(scales):
    """Eight points around 0; principal axes are the rows of `HADAMARD`, singular values sqrt 2 times the scales."""
    return np.kron(HADAMARD, [[1.0], [-1.0]]) * scales @ HADAMARD  # all exact


def linear(encoder, decoder, k):
    zeros = {"encoder.0.bias": np.zeros(k), "decoder.0.bias": np.zeros(4)}
    return {"encoder.0.weight": encoder, "decoder.0.weight": decoder, **zeros}


def restoring(k):
    """The squared distance that a linear autoencoder leaves, summed over the eight points."""
    config = Autoencoder((4, k), last="identity")
    return lambda gs, params, x: 8 * gs.reconstruction_loss(gs.autoencoder(config, params, x).output, x)


@pytest.mark.parametrize("k", [1, 2, 3])
@law("autoencoder.linear_autoencoder_pca")
@given(powers(-2, 2, 4))
def test_principal_axes_leave_the_other_singular_values(gs, k, scales):
    """Encoder and decoder made of the first k axes leave the sum of the squares of the other singular values."""
    scales = np.sort(scales)[::-1]
    axes = HADAMARD[:k]
    left = lambda gs, x, params: restoring(k)(gs, params, x)  # noqa: E731
    expected = 2 * float((scales[k:] ** 2).sum())
    assert_agree(gs, left, lambda gs, x, params: expected, centred(scales), linear(axes, axes.T, k))


@law("autoencoder.linear_autoencoder_pca")
@given(powers(-2, 2, 4), powers(-1, 1, 2), eighths(-8, 8))
def test_any_mixing_of_the_code_restores_as_well(gs, scales, stretch, shear):
    """Encoder A V^T and decoder V A^-1 leave what V^T and V leave, for every invertible A."""
    scales, axes = np.sort(scales)[::-1], HADAMARD[:2]
    mix = np.diag(stretch) @ np.array([[1.0, float(shear)], [0.0, 1.0]])
    unmix = np.array([[1.0, -float(shear)], [0.0, 1.0]]) @ np.diag(1 / stretch)
    mixed = linear(mix @ axes, axes.T @ unmix, 2)
    assert np.array_equal(mix @ unmix, np.eye(2))
    assert_agree(
        gs,
        lambda gs, x, mixed: restoring(2)(gs, mixed, x),
        lambda gs, x, mixed: 2 * float((scales[2:] ** 2).sum()),
        centred(scales),
        mixed,
    )


@law("autoencoder.linear_autoencoder_pca")
@given(powers(-2, 2, 4), eighths(-16, 16, 2, 4), eighths(-16, 16, 4, 2))
def test_no_other_linear_autoencoder_restores_better(gs, scales, encoder, decoder):
    """Whatever its weights, it leaves at least what the principal axes leave."""
    scales = np.sort(scales)[::-1]
    assert_at_most(
        gs,
        lambda gs, x, params: 2 * float((scales[2:] ** 2).sum()),
        lambda gs, x, params: restoring(2)(gs, params, x),
        centred(scales),
        linear(encoder, decoder, 2),
    )


@law("autoencoder.linear_autoencoder_pca")
def test_other_axes_are_saddle_points(gs):
    """On axes that are not the first ones all gradients are 0, and on the way to the first ones the loss falls."""
    scales = np.array([4.0, 2.0, 1.0, 0.5])
    x = centred(scales)
    for chosen in (1, 2, 3):
        axis = HADAMARD[chosen : chosen + 1]
        params = {name: gs.array(p) for name, p in linear(axis, axis.T, 1).items()}
        value, grads = gs.value_and_grad(lambda p: restoring(1)(gs, p, gs.array(x)))(params)
        assert all((gs.numpy(g) == 0).all() for g in grads.values())
        aside = axis + HADAMARD[:1] / 8
        moved = {name: gs.array(p) for name, p in linear(aside, aside.T, 1).items()}
        assert gs.numpy(restoring(1)(gs, moved, gs.array(x))) < gs.numpy(value)


# Noise


@law("autoencoder.denoising_autoencoder")
@given(inputs("denoising_autoencoder"))
def test_without_noise_it_is_the_plain_autoencoder(gs, case):
    """A standard deviation of 0 changes nothing, exactly."""
    config, params, x, normal = case.arguments
    params = {name: gs.array(p) for name, p in params.items()}
    noisy = gs.denoising_autoencoder(config, params, gs.array(x), gs.array(normal), std=0.0)
    for ours, theirs in zip(noisy, gs.autoencoder(config, params, gs.array(x)), strict=True):
        assert np.array_equal(gs.numpy(ours), gs.numpy(theirs), equal_nan=True)


@law("autoencoder.denoising_autoencoder")
@given(powers(-1, 2, 1), st.sampled_from([0.5, 1.0, 2.0]), eighths(-8, 16, 1))
def test_the_best_linear_denoiser_shrinks(gs, scale, std, weight):
    """For data of variance v it multiplies by v / (v + std^2): the noise costs what the data gain.

    With one weight w the expected loss is (1 - w)^2 v + w^2 std^2, which data of both signs with noise of both signs
    average exactly.
    """
    config = Autoencoder((1, 1), last="identity")
    x = scale * np.array([[1.0], [1.0], [-1.0], [-1.0]])
    normal = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    v = float(scale[0]) ** 2
    best = v / (v + std**2)

    def expected_loss(gs, x, normal, w):
        one = 0 * w.reshape(1, 1) + 1
        params = {"encoder.0.weight": w.reshape(1, 1), "encoder.0.bias": 0 * w.reshape(1),
                  "decoder.0.weight": one, "decoder.0.bias": 0 * w.reshape(1)}  # fmt: skip
        output = gs.denoising_autoencoder(config, params, x, normal, std=std).output
        return gs.reconstruction_loss(output, x)

    assert_agree(
        gs, expected_loss, lambda gs, x, n, w: (1 - float(weight[0])) ** 2 * v + float(weight[0]) ** 2 * std**2,
        x, normal, weight,
    )  # fmt: skip
    least = PRECISION.get().round(np.array([best]))
    assert_at_most(
        gs,
        lambda gs, x, n, w, least: expected_loss(gs, x, n, least),
        lambda gs, x, n, w, least: expected_loss(gs, x, n, w),
        x,
        normal,
        weight,
        least,
    )


# Variational inference: a model that can be worked out, p(z) = N(0, 1) and p(x|z) = N(w z, v)


def evidence(x, w, v):
    """The logarithm of N(x; 0, w^2 + v)."""
    return -(np.log(2 * np.pi * (w**2 + v)) + x**2 / (w**2 + v)) / 2


def bound(gs, x, mu, log_var, w, v):
    """ELBO of one number, exact by two draws of both signs: the log-likelihood is a parabola in z."""
    normal = gs.array(BOTH_SIGNS)
    z = gs.reparameterize(mu, log_var, normal)
    return gs.elbo(w * z, x, mu, log_var, likelihood="gaussian", var=v)


def gap(gs, mu, log_var, x, w, v):
    """KL(q || p(z|x)) with p(z|x) = N(w x / (w^2 + v), v / (w^2 + v)): in units of the posterior that is the prior."""
    mean, log_spread = w * x / (w**2 + v), math.log(v / (w**2 + v))
    return gs.gaussian_kl((mu - mean) * math.sqrt((w**2 + v) / v), log_var - log_spread)


WORLDS = st.tuples(eighths(-16, 16, 1, 1), st.sampled_from([0.5, 1.0, 2.0, -1.0]), st.sampled_from([0.25, 1.0, 4.0]))


@law("autoencoder.elbo_gap", "autoencoder.elbo", "autoencoder.variational_inference")
@given(WORLDS, eighths(-16, 16, 1, 1), eighths(-24, 16, 1, 1))
def test_log_evidence_is_bound_plus_gap(gs, world, mu, log_var):
    """That is, ln p(x) = ELBO + KL(q || p(z|x)), whatever q is."""
    x, w, v = world
    log_p = float(evidence(x, w, v).item())
    assert_agree(
        gs,
        lambda gs, x, mu, log_var: bound(gs, x, mu, log_var, w, v) + gap(gs, mu, log_var, x, w, v),
        lambda gs, x, mu, log_var: log_p,
        x,
        mu,
        log_var,
    )
    assert_at_most(
        gs,
        lambda gs, x, mu, log_var: bound(gs, x, mu, log_var, w, v),
        lambda gs, x, mu, log_var: log_p,
        x,
        mu,
        log_var,
    )


@law("autoencoder.variational_inference", "autoencoder.elbo_gap")
@given(eighths(-16, 16, 1, 1), st.sampled_from([(1.0, 1.0), (-1.0, 1.0), (2.0, 4.0)]))
def test_the_posterior_leaves_no_gap(gs, x, world):
    """At q = p(z|x) the bound is the log evidence; rounding q moves it by squares of the rounding only."""
    w, v = world
    mean, log_var = (PRECISION.get().round(a) for a in (w * x / (w**2 + v), np.array([[math.log(v / (w**2 + v))]])))
    log_p = float(evidence(x, w, v).item())
    assert_agree(gs, lambda gs, x, m, s: bound(gs, x, m, s, w, v), lambda gs, x, m, s: log_p, x, mean, log_var)


@law("autoencoder.variational_inference")
@given(WORLDS)
def test_the_largest_bound_is_the_smallest_gap(gs, world):
    """Over a grid of means and variances the q of the largest ELBO is the q of the smallest divergence."""
    x, w, v = world
    mean, log_spread = w * float(x.item()) / (w**2 + v), math.log(v / (w**2 + v))
    exact = (np.array([[mean]]), np.array([[log_spread]]))
    grid = [(exact[0] + a, exact[1] + b) for a in (-0.5, 0.0, 0.75) for b in (-1.0, 0.0, 0.5)]
    grid = [tuple(PRECISION.get().round(part) for part in q) for q in grid]
    x = gs.array(x)
    pairs = [[gs.array(part) for part in q] for q in grid]
    bounds = [float(gs.numpy(bound(gs, x, *q, w, v)).item()) for q in pairs]
    gaps = [float(gs.numpy(gap(gs, *q, x, w, v)).item()) for q in pairs]
    assert int(np.argmax(bounds)) == int(np.argmin(gaps)) == 4


@law("autoencoder.elbo")
@given(inputs("elbo"))
def test_elbo_is_its_two_terms(gs, case):
    """ELBO = reconstruction term - divergence from the prior."""
    assert_agree(
        gs,
        lambda gs, *arrays, **options: gs.elbo(*arrays, **options),
        lambda gs, o, x, mu, s, **options: gs.reconstruction_term(o, x, **options) - gs.gaussian_kl(mu, s),
        *case.arguments,
        **case.options,
    )


@law("autoencoder.reconstruction_term")
@given(inputs("reconstruction_term"))
def test_draws_of_the_code_are_averaged(gs, case):
    """The term of several draws is the mean of the terms of each."""
    output, x = case.arguments
    draws = output.reshape(-1, *x.shape)

    def mean(gs, draws, x, **options):
        terms = [gs.reconstruction_term(draw, x, **options) for draw in draws]
        return sum(terms[1:], terms[0]) / len(terms)

    assert_agree(gs, lambda gs, *a, **o: gs.reconstruction_term(*a, **o), mean, draws, x, **case.options)


@law("autoencoder.reconstruction_term")
@given(eighths(-16, 16, 2, 3), eighths(0, 8, 2, 3), st.sampled_from([0.25, 1.0, 4.0]))
def test_gaussian_pixels_give_squared_errors_and_bernoulli_pixels_bce(gs, output, x, var):
    """-N/2 (squared loss / var + d log 2 pi var) and -N bce are the sums of the terms."""
    constant = 3 * math.log(2 * math.pi * var)
    for likelihood, loss in (
        ("gaussian", lambda gs, o, x: (gs.reconstruction_loss(o, x) / var + constant) / 2),
        ("bernoulli", lambda gs, o, x: gs.reconstruction_loss(o, x, kind="bce")),
    ):
        assert_agree(
            gs,
            lambda gs, o, x, of=likelihood: gs.reconstruction_term(o, x, likelihood=of, var=var).sum(),
            lambda gs, o, x, loss=loss: -2 * loss(gs, o, x),
            output,
            x,
        )


@law("autoencoder.gaussian_kl")
@given(eighths(-16, 16, 3, 2), eighths(-24, 24, 3, 2))
def test_gaussian_kl_is_a_divergence_that_adds_up(gs, mu, log_var):
    """At least 0, exactly 0 at the prior, and the sum over the numbers of a code."""
    assert_at_most(gs, lambda gs, m, s: 0 * m[:, 0], lambda gs, m, s: gs.gaussian_kl(m, s), mu, log_var)
    zeros = gs.array(np.zeros((3, 2)))
    assert (gs.numpy(gs.gaussian_kl(zeros, zeros)) == 0).all()
    assert_agree(
        gs,
        lambda gs, m, s: gs.gaussian_kl(m, s),
        lambda gs, m, s: gs.gaussian_kl(m[:, :1], s[:, :1]) + gs.gaussian_kl(m[:, 1:], s[:, 1:]),
        mu,
        log_var,
    )


@law("autoencoder.gaussian_kl")
@given(eighths(-16, 16, 3, 2), eighths(-24, 24, 3, 2))
def test_gradient_of_gaussian_kl_pulls_to_the_prior(gs, mu, log_var):
    """By mu it is mu; by log sigma^2 it is (sigma^2 - 1)/2, which by sigma is sigma - 1/sigma."""
    assert_agree(
        gs,
        lambda gs, m, s: gradient(gs, lambda p: gs.gaussian_kl(*p).sum(), [m, s]),
        lambda gs, m, s: [m, (variance(gs, s) - 1) / 2],
        mu,
        log_var,
    )


@law("autoencoder.gaussian_kl", "autoencoder.elbo")
@given(eighths(-16, 16, 2, 2), eighths(-24, 24, 2, 2))
def test_gaussian_kl_is_the_mean_log_ratio(gs, mu, log_var):
    """KL = E_q[ln q(z) - ln p(z)], by two draws of both signs: both logarithms are parabolas."""

    def log_ratio(gs, m, s):
        z = gs.reparameterize(m, s, gs.array(BOTH_SIGNS * np.ones((1, 2, 2))))
        return ((z**2).sum(-1).mean(0) - 2 - s.sum(-1)) / 2  # ln q(z) = -(eps^2 + ln sigma^2)/2, and eps^2 is 1

    assert_agree(gs, lambda gs, m, s: gs.gaussian_kl(m, s), log_ratio, mu, log_var)


# Draws as arguments


@law("autoencoder.reparameterize")
@given(eighths(-16, 16, 2, 3), eighths(-16, 16, 2, 3))
def test_draws_of_both_signs_have_mean_and_variance(gs, mu, log_var):
    """The mean of mu - sigma and mu + sigma is mu, half of their distance sigma; a variance of 0 leaves mu, exactly."""
    draw = lambda gs, m, s: gs.reparameterize(m, s, gs.array(BOTH_SIGNS * np.ones((1, 2, 3))))  # noqa: E731
    assert_agree(gs, lambda gs, m, s: draw(gs, m, s).mean(0), lambda gs, m, s: m, mu, log_var)
    assert_agree(
        gs,
        lambda gs, m, s: ((draw(gs, m, s)[1] - draw(gs, m, s)[0]) / 2) ** 2,
        lambda gs, m, s: 2 * gs.gaussian_kl((0 * s)[..., None], s[..., None]) + s + 1,
        mu,
        log_var,
    )
    point = gs.reparameterize(gs.array(mu), gs.array(np.full((2, 3), -np.inf)), gs.array(log_var))
    assert np.array_equal(gs.numpy(point), gs.numpy(gs.array(mu)))


@law("autoencoder.reparameterize")
@given(eighths(-16, 16, 2, 3), eighths(-16, 16, 2, 3))
def test_a_draw_moves_with_its_mean_and_its_deviation(gs, mu, normal):
    """dz/dmu = 1 and dz/dsigma = eps: by log sigma^2, at sigma = 1, half of eps."""
    zeros = np.zeros((2, 3))
    assert_agree(
        gs,
        lambda gs, m, s, n: gradient(gs, lambda p: gs.reparameterize(*p, n).sum(), [m, s]),
        lambda gs, m, s, n: [0 * m + 1, n / 2],
        mu,
        zeros,
        normal,
    )


@law("autoencoder.reparameterization_gradient")
@given(eighths(-16, 16, 1, 1), eighths(-16, 8, 1, 1), eighths(-8, 8, 3))
def test_mean_of_the_pathwise_gradients_is_the_gradient_of_the_mean(gs, mu, log_var, c):
    """For f(z) = c0 + c1 z + c2 z^2: E f = c0 + c1 mu + c2 (mu^2 + sigma^2), whose gradients are known."""
    a, b = float(c[1]), float(c[2])

    def pathwise(gs, m, s):
        def f(p):
            z = gs.reparameterize(*p, gs.array(BOTH_SIGNS))
            return (a * z + b * z**2).mean()

        return gradient(gs, f, [m, s])

    def known(gs, m, s):
        return [a + 2 * b * m, b * variance(gs, s)]

    assert_agree(gs, pathwise, known, mu, log_var)


@law("autoencoder.reparameterization_gradient")
@given(st.integers(-3, 3), st.sampled_from([0.5, 1.0, 2.0]))
def test_pathwise_gradients_scatter_less_than_scores(gs, mu, sigma):
    """By mu of z^2: 2 z has variance 4 sigma^2; the score estimator, z^2 eps / sigma, has a larger one.

    Both by ten nodes of Gauss and Hermite, which are exact up to degree 19; both have the mean 2 mu.
    """
    eps, weight = np.polynomial.hermite_e.hermegauss(10)
    weight = weight / weight.sum()
    z = mu + sigma * eps
    m, s = gs.array(np.full((10, 1), float(mu))), gs.array(np.full((10, 1), 2 * math.log(sigma)))
    normal = gs.array(PRECISION.get().round(eps)[:, None])
    path = gs.numpy(gradient(gs, lambda m: (gs.reparameterize(m, s, normal) ** 2).sum(), m))[:, 0].astype(float)
    score = z**2 * eps / sigma
    for estimate in (path, score):
        assert round(float(weight @ estimate) * 8) == 16 * mu
    spread = [float(weight @ estimate**2 - (weight @ estimate) ** 2) for estimate in (path, score)]
    assert spread[0] < spread[1]


@law("autoencoder.reparameterization_gradient")
def test_a_draw_that_is_made_beforehand_has_no_path(gs):
    """Given z as a number, f(z) does not depend on mu: its gradient is 0, while that of the mean is 2 mu."""
    mu, log_var, normal = (gs.array(np.array([[x]])) for x in (1.5, 0.0, 0.5))
    z = gs.array(gs.numpy(gs.reparameterize(mu, log_var, normal)).astype(float))
    assert gs.numpy(gradient(gs, lambda m: (z**2 + 0 * m).sum(), mu)) == 0
    assert gs.numpy(gradient(gs, lambda m: (gs.reparameterize(m, log_var, normal) ** 2).sum(), mu)) == 4


# The variational autoencoder


@law("autoencoder.vae", "autoencoder.reparameterize", "autoencoder.decode")
@given(inputs("vae"))
def test_vae_is_its_parts(gs, case):
    """The code is the reparameterized draw, and the output the decoded code, exactly."""
    config, params, x, normal = case.arguments
    params, x, normal = {name: gs.array(p) for name, p in params.items()}, gs.array(x), gs.array(normal)
    said = gs.vae(config, params, x, normal)
    assert said.mu.shape == said.log_var.shape == (len(x), config.sizes[-1])
    for ours, theirs in (
        (said.code, gs.reparameterize(said.mu, said.log_var, normal)),
        (said.output, gs.decode(config, params, said.code)),
    ):
        assert np.array_equal(gs.numpy(ours), gs.numpy(theirs), equal_nan=True)


@law("autoencoder.vae")
@given(SEEDS)
def test_vae_without_variance_is_an_autoencoder(gs, seed):
    """With sigma = 0 its output is what an autoencoder with the same weights says, and the draws do not matter."""
    config = VAE((3, 4, 2), "tanh")
    params = fitting(config, seed, "normal", PRECISION.get())
    params["log_var.weight"], params["log_var.bias"] = np.zeros((2, 4)), np.full(2, -np.inf)
    names = {"mean": "encoder.2"}
    same = {
        ".".join((names.get(name.split(".")[0], name.rpartition(".")[0]), name.rpartition(".")[2])): gs.array(p)
        for name, p in params.items()
        if not name.startswith("log_var")
    }
    x, normal = (gs.array(make(seed + i, "normal", s, PRECISION.get().name)) for i, s in enumerate(((5, 3), (5, 2))))
    said = gs.vae(config, {name: gs.array(p) for name, p in params.items()}, x, normal)
    found = gs.autoencoder(Autoencoder((3, 4, 2), "tanh", "identity"), same, x)
    assert np.array_equal(gs.numpy(said.output), gs.numpy(found.output))
    assert np.array_equal(gs.numpy(said.code), gs.numpy(found.code))


@law("autoencoder.vae_loss")
@given(inputs("vae_loss"))
def test_vae_loss_is_the_sum_of_what_is_lost_and_what_codes_cost(gs, case):
    """It is r times the reconstruction loss plus the mean divergence; with r = 0 the second alone."""
    assert_agree(
        gs,
        lambda gs, *arrays, **options: gs.vae_loss(*arrays, **options),
        lambda gs, o, x, m, s, *, kind, r: r * gs.reconstruction_loss(o, x, kind=kind) + gs.gaussian_kl(m, s).mean(),
        *case.arguments,
        **case.options,
    )


@law("autoencoder.vae_loss", "autoencoder.elbo")
@given(eighths(-16, 16, 2, 3), eighths(0, 8, 2, 3), eighths(-16, 16, 2, 2), eighths(-16, 16, 2, 2))
def test_vae_loss_is_minus_the_bound(gs, output, x, mu, log_var):
    """With bce and r = 1 it is minus the mean ELBO, with squared and r = 1/(2 var) so but for d/2 log 2 pi var."""
    arrays = output, x, mu, log_var
    assert_agree(gs, lambda gs, *a: gs.vae_loss(*a), lambda gs, *a: -gs.elbo(*a).mean(), *arrays)
    var, constant = 0.25, 1.5 * math.log(2 * math.pi * 0.25)
    assert_agree(
        gs,
        lambda gs, *a: gs.vae_loss(*a, kind="squared", r=1 / (2 * var)) + constant,
        lambda gs, *a: -gs.elbo(*a, likelihood="gaussian", var=var).mean(),
        *arrays,
    )


@law("autoencoder.vae_loss")
@given(eighths(-16, 16, 2, 3), eighths(0, 8, 2, 3), eighths(-16, 16, 2, 2), eighths(-16, 16, 2, 2))
def test_without_reconstruction_the_prior_is_best(gs, output, x, mu, log_var):
    """With r = 0 the loss is 0 at mu = 0, sigma = 1, whatever the input is: codes say nothing."""
    zeros = gs.array(np.zeros((2, 2)))
    assert gs.numpy(gs.vae_loss(gs.array(output), gs.array(x), zeros, zeros, r=0.0)) == 0
    assert_at_most(
        gs, lambda gs, *a: 0.0, lambda gs, *a: gs.vae_loss(*a, r=0.0), output, x, mu, log_var
    )  # fmt: skip


# An adversary


def adversary(seed, *, blind):
    """A model, whose discriminator says of everything the same if it is blind."""
    config = AdversarialAutoencoder((3, 4, 2), "tanh", "identity", (3,))
    params = fitting(config, seed, "normal", PRECISION.get())
    last = "discriminator.2."
    return config, params | ({f"{last}weight": np.zeros((1, 3)), f"{last}bias": np.zeros(1)} if blind else {})


@law("autoencoder.adversarial_autoencoder")
@given(SEEDS)
def test_a_blind_discriminator_costs_two_bits(gs, seed):
    """Where D = 1/2 everywhere it costs 2 log 2, and the generator log 2."""
    config, params = adversary(seed, blind=True)
    x, prior = (make(seed, "normal", shape, PRECISION.get().name) for shape in ((4, 3), (5, 2)))
    assert_agree(
        gs,
        lambda gs, params, x, prior: list(gs.adversarial_autoencoder(config, params, x, prior)[1:]),
        lambda gs, params, x, prior: [2 * math.log(2), math.log(2)],
        params,
        x,
        prior,
    )


@law("autoencoder.adversarial_autoencoder")
@given(SEEDS)
def test_no_discriminator_tells_codes_from_themselves(gs, seed):
    """If the draws of the prior are the codes themselves, every discriminator costs at least 2 log 2."""
    config, params = adversary(seed, blind=False)
    x = make(seed, "normal", (4, 3), PRECISION.get().name)

    def cost(gs, params, x):
        code = gs.autoencoder(config, params, x).code
        return gs.adversarial_autoencoder(config, params, x, code).discriminator

    assert_at_most(gs, lambda gs, params, x: 2 * math.log(2), cost, params, x)


@law("autoencoder.adversarial_autoencoder", "autoencoder.autoencoder")
@given(inputs("adversarial_autoencoder"))
def test_adversary_leaves_the_reconstruction_alone(gs, case):
    """The first loss is that of the autoencoder inside, whatever the prior and the discriminator are."""
    config, params, x, prior = case.arguments
    assert_agree(
        gs,
        lambda gs, params, x, prior: gs.adversarial_autoencoder(config, params, x, prior).reconstruction,
        lambda gs, params, x, prior: gs.reconstruction_loss(gs.autoencoder(config, params, x).output, x),
        params,
        x,
        prior,
    )


# What to do with a code


@law("autoencoder.latent_arithmetic")
@given(eighths(-16, 16, 2), eighths(-16, 16, 4, 2))
def test_an_attribute_is_given_and_taken_back(gs, z, codes):
    """An alpha of 0 changes nothing, and what +1 gives -1 takes."""
    label = np.array([True, False, True, False])
    zero = gs.latent_arithmetic(gs.array(z), gs.array(codes), gs.array(label), alpha=0.0)
    assert np.array_equal(gs.numpy(zero), gs.numpy(gs.array(z)))
    assert_agree(
        gs,
        lambda gs, z, c, has: gs.latent_arithmetic(gs.latent_arithmetic(z, c, has), c, has, alpha=-1.0),
        lambda gs, z, c, has: z,
        z,
        codes,
        label,
    )


@law("autoencoder.latent_arithmetic")
@given(eighths(-16, 16, 6, 2))
def test_the_mean_of_those_without_moves_onto_that_of_those_with(gs, codes):
    """For alpha = 1; for alpha = 1/2 it comes to the middle between both."""
    label = np.array([True, False, True, False, False, False])
    with_, without = codes[label].mean(0), codes[~label].mean(0)
    for alpha in (1.0, 0.5):
        assert_agree(
            gs,
            lambda gs, z, c, has, alpha=alpha: gs.latent_arithmetic(z, c, has, alpha=alpha),
            lambda gs, z, c, has, end=without + alpha * (with_ - without): gs.array(end),
            without,
            codes,
            label,
        )


@pytest.mark.parametrize("spherical", [False, True])
@law("autoencoder.latent_interpolation")
@given(eighths(-16, 16, 2, 3), eighths(1, 16, 2, 3), st.integers(2, 6))
def test_the_way_begins_at_the_first_code_and_ends_at_the_second(gs, spherical, a, b, steps):
    """And the way back is the same way."""
    a = np.where((a == 0).all(-1, keepdims=True), 1.0, a)
    walk = lambda gs, a, b: gs.latent_interpolation(a, b, steps=steps, spherical=spherical)  # noqa: E731
    assert_agree(gs, lambda gs, a, b: [walk(gs, a, b)[0], walk(gs, a, b)[-1]], lambda gs, a, b: [a, b], a, b)
    ends = gs.numpy(walk(gs, gs.array(a), gs.array(b)))
    if not spherical:
        assert np.array_equal(ends[0], gs.numpy(gs.array(a)))
        assert np.array_equal(ends[-1], gs.numpy(gs.array(b)))
    back = gs.numpy(walk(gs, gs.array(b), gs.array(a)))[::-1]
    assert np.array_equal(np.isnan(back), np.isnan(ends))


@law("autoencoder.latent_interpolation")
@given(eighths(-16, 16, 3), eighths(-16, 16, 3), st.integers(2, 6))
def test_steps_along_the_line_are_equal(gs, a, b, steps):
    """Each is (b - a) / (steps - 1), and the middle is the mean of both ends."""
    walk = lambda gs, a, b: gs.latent_interpolation(a, b, steps=steps)  # noqa: E731
    assert_agree(
        gs,
        lambda gs, a, b: walk(gs, a, b)[1:] - walk(gs, a, b)[:-1],
        lambda gs, a, b: (b - a) / (steps - 1) + 0 * walk(gs, a, b)[1:],
        a,
        b,
    )
    assert_agree(
        gs, lambda gs, a, b: gs.latent_interpolation(a, b, steps=3)[1], lambda gs, a, b: (a + b) / 2, a, b
    )  # fmt: skip


@law("autoencoder.latent_interpolation")
@given(st.integers(2, 6), st.integers(-3, 3), st.integers(0, 2), st.integers(1, 3))
def test_the_arc_keeps_length_and_the_line_does_not(gs, steps, scale, i, j):
    """Of two codes at right angles, of one length, the arc keeps it; the middle of the line has 1/sqrt 2 of it.

    The step at t is cos(pi t / 2) a + sin(pi t / 2) b.
    """
    a, b = 2.0**scale * HADAMARD[i], 2.0**scale * HADAMARD[(i + j) % 4]
    length = lambda gs, x: (x**2).sum(-1)  # noqa: E731
    walk = lambda gs, a, b: gs.latent_interpolation(a, b, steps=steps, spherical=True)  # noqa: E731
    assert_agree(
        gs,
        lambda gs, a, b: length(gs, walk(gs, a, b)),
        lambda gs, a, b: 4.0**scale + 0 * length(gs, walk(gs, a, b)),
        a,
        b,
    )
    angle = np.pi / 2 * np.linspace(0, 1, steps)[:, None]
    expected = np.cos(angle) * a + np.sin(angle) * b
    assert_agree(gs, walk, lambda gs, a, b: gs.array(expected), a, b)
    middle = gs.latent_interpolation(gs.array(a), gs.array(b), steps=3)[1]
    assert float(gs.numpy(length(gs, middle))) == 4.0**scale / 2


@law("autoencoder.latent_interpolation")
@given(eighths(1, 16, 3), st.sampled_from([0.5, 1.0, 4.0]))
def test_between_codes_of_one_direction_the_arc_is_the_line(gs, a, times):
    """Exactly: there is nothing to bend."""
    a, b = gs.array(a), gs.array(times * a)
    found = [gs.numpy(gs.latent_interpolation(a, b, steps=4, spherical=spherical)) for spherical in (False, True)]
    assert np.array_equal(*found)
