"""Laws of the loss functions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs

ELEMENTWISE = ["mse", "mae", "binary_cross_entropy", "gaussian_nll"]
MARGIN = ["zero_one_loss", "hinge_loss", "logistic_loss", "exponential_loss"]


def reals(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of the precision under test."""
    return st.floats(low, high, width=32).map(lambda x: float(PRECISION.get().round(x)))


def vectors(low: float, high: float, size: int | None = None) -> st.SearchStrategy[np.ndarray]:
    return st.lists(reals(low, high), min_size=size or 1, max_size=size or 9).map(np.array)


def eighths(low: int, high: int, size: int) -> st.SearchStrategy[np.ndarray]:
    """Multiples of 1/8: sums, differences and small products of them are exact in every precision."""
    return st.lists(st.integers(low, high), min_size=size, max_size=size).map(lambda x: np.array(x) / 8)


def chances(size: int) -> st.SearchStrategy[np.ndarray]:
    """Multiples of 1/128 from 0 to 1: 1 - p is exact in every precision."""
    return st.lists(st.integers(0, 128), min_size=size, max_size=size).map(lambda x: np.array(x) / 128)


@st.composite
def rows(draw, n: int = 2, k: int = 3):
    """Distributions of multiples of 1/128."""
    cuts = [sorted(draw(st.lists(st.integers(0, 128), min_size=k - 1, max_size=k - 1))) for _ in range(n)]
    return np.array([np.diff([0, *c, 128]) for c in cuts]) / 128


def of(name, **fixed):
    """A loss as a side of a law."""
    return lambda gs, *arrays, **options: getattr(gs, name)(*arrays, **fixed, **options)


def at(name):
    """A margin loss as a function of margins: at scores m, all labels +1."""
    return lambda gs, m, **options: getattr(gs, name)(m, 0 * m + 1, **options)


def gradient(gs, loss, first, *others, **options):
    return gs.value_and_grad(lambda first: getattr(gs, loss)(first, *others, **options))(first)[1]


# Losses of real predictions


@pytest.mark.parametrize("name", ELEMENTWISE)
@law("loss.mse", "loss.mae", "loss.binary_cross_entropy", "loss.gaussian_nll")
@given(chances(6), chances(6))
def test_reductions_differ_by_their_divisor_only(gs, name, pred, target):
    """On n samples of d features: sum = n batchmean = n d mean."""
    arguments = pred.reshape(2, 3), target.reshape(2, 3)
    for reduction, divisor in (("batchmean", 2), ("mean", 6)):
        assert_agree(
            gs,
            lambda gs, p, t, r=reduction, n=divisor: n * getattr(gs, name)(p, t, reduction=r),
            lambda gs, p, t: getattr(gs, name)(p, t, reduction="sum"),
            *arguments,
        )


@law("loss.mse", "loss.rmse", "loss.mae")
@given(eighths(-64, 64, 4), eighths(-64, 64, 4))
def test_regression_losses_are_distances(gs, pred, target):
    """They are symmetric, at least 0, and 0 exactly where prediction and target are equal."""
    p, t = gs.array(pred), gs.array(target)
    for name in ("mse", "rmse", "mae"):
        loss = getattr(gs, name)
        there, back = gs.numpy(loss(p, t)), gs.numpy(loss(t, p))
        assert there == back
        assert (there > 0) == (pred != target).any(), there
        assert there >= 0


@law("loss.mse")
@given(inputs("mse"), st.integers(-4, 4))
def test_mse_ignores_a_common_shift(gs, case, c):
    """mse(p + c, t + c) = mse(p, t)."""
    assert_agree(
        gs,
        lambda gs, p, t, **options: gs.mse(p + c, t + c, **options),
        of("mse"),
        *case.arguments,
        **case.options,
    )


@law("loss.mse", "loss.rmse", "loss.mae")
@given(inputs("rmse"), st.sampled_from([-3.0, 0.0, 0.5, 8.0]))
def test_regression_losses_are_homogeneous(gs, case, a):
    """Scaling all by a scales mse by a^2, rmse and mae by |a|."""
    for name, factor in (("mse", a * a), ("rmse", abs(a)), ("mae", abs(a))):
        assert_agree(
            gs,
            lambda gs, p, t, name=name: getattr(gs, name)(a * p, a * t),
            lambda gs, p, t, name=name, factor=factor: factor * getattr(gs, name)(p, t),
            *case.arguments,
        )


@law("loss.mse")
@given(vectors(-8, 8, 4), vectors(-8, 8, 4))
def test_gradient_of_mse_is_two_residuals_over_n(gs, pred, target):
    """The gradient by the prediction is 2 (p - t) / N."""
    assert_agree(gs, lambda gs, p, t: gradient(gs, "mse", p, t), lambda gs, p, t: 2 * (p - t) / 4, pred, target)


@law("loss.rmse")
@given(inputs("rmse"))
def test_rmse_squared_is_mse(gs, case):
    """rmse^2 = mse."""
    assert_agree(gs, lambda gs, p, t: gs.rmse(p, t) ** 2, of("mse"), *case.arguments)


@law("loss.rmse", "loss.mae")
@given(eighths(-64, 64, 3), eighths(-64, 64, 3), st.sampled_from([-1, 0, 1, 2]), eighths(-8, 8, 3))
def test_rmse_and_mae_obey_the_triangle_inequality(gs, a, step, k, aside):
    """From a to c is no further than by way of b, also where b lies between them: each is a scaled norm."""
    b, c = a + step, a + step + k * step + aside
    for loss in (of("rmse"), of("mae")):

        def detour(gs, a, b, c, loss=loss):
            return loss(gs, a, b) + loss(gs, b, c)

        assert_at_most(gs, lambda gs, a, b, c, loss=loss: loss(gs, a, c), detour, a, b, c)


@law("loss.rmse", "loss.mae")
@given(st.integers(-12, 6))
def test_rmse_and_mae_have_a_kink_at_zero(gs, k):
    """At residuals h and -h both are |h|, however small h is: no derivative at 0."""
    h = np.full(4, 2.0**k)
    for name in ("rmse", "mae"):
        assert [gs.numpy(getattr(gs, name)(gs.array(s * h), gs.array(0 * h))) for s in (1, -1)] == [2.0**k, 2.0**k]


@law("loss.mse_outlier_sensitivity")
@given(eighths(-32, 32, 4), eighths(-64, 64, 1))
def test_mse_is_smallest_at_the_mean(gs, y, c):
    """The mean squared distance from c is that from the mean, plus the squared distance of c from the mean."""
    mean = np.full(4, y.mean())
    assert_agree(
        gs,
        lambda gs, y, c, mean: gs.mse(c, y),
        lambda gs, y, c, mean: gs.mse(mean, y) + gs.mse(c, mean),
        y,
        np.repeat(c, 4),
        mean,
    )


@law("loss.mse_outlier_sensitivity")
@given(eighths(-32, 32, 4), eighths(-640, 640, 1), st.sampled_from([64.0, -512.0]))
def test_mae_stays_with_the_bulk_and_mse_follows_the_outlier(gs, bulk, c, outlier):
    """One outlier pulls the best constant for mse a fifth of the way; for mae the best constant stays in the bulk."""
    y = np.append(bulk, outlier)
    inside = np.clip(c, bulk.min(), bulk.max())
    assert_at_most(
        gs, lambda gs, y, a, b: gs.mae(b, y), lambda gs, y, a, b: gs.mae(a, y), y, np.repeat(c, 5), np.repeat(inside, 5)
    )
    at_bulk = gs.numpy(gradient(gs, "mse", gs.array(np.full(5, bulk.mean())), gs.array(y))).sum()
    assert np.sign(at_bulk) == np.sign(bulk.mean() - outlier), at_bulk


@law("loss.mse_outlier_sensitivity")
@given(eighths(-32, -1, 4), st.integers(3, 10))
def test_an_outlier_takes_a_growing_share_of_the_gradient_of_mse(gs, bulk, k):
    """Doubling one residual raises its share of the gradient of mse; that of mae is always shared equally."""

    def share(name, size):
        g = np.abs(gs.numpy(gradient(gs, name, gs.array(np.append(bulk, size)), gs.array(np.zeros(5)))))
        return float(g[-1] / g.sum(dtype=np.float64))

    assert share("mse", 2.0 ** (k + 1)) > share("mse", 2.0**k)
    assert_agree(gs, lambda gs: share("mae", 2.0**k), lambda gs: 0.2)


# Losses of probabilities


@law("loss.cross_entropy")
@given(rows(), rows())
def test_cross_entropy_is_smallest_at_the_target(gs, p, y):
    """No prediction costs less than the target itself, which costs its entropy."""
    assert_at_most(gs, lambda gs, p, y: gs.cross_entropy(y, y), of("cross_entropy"), p, y)
    terms = np.where(y == 0, 0, y * np.log(np.where(y == 0, 1, y)))
    assert_agree(gs, lambda gs, y: gs.cross_entropy(y, y), lambda gs, y: -terms.sum() / 2, y)


@law("loss.cross_entropy")
@given(st.integers(1, 7), st.integers(0, 2))
def test_cross_entropy_of_a_class_is_its_surprise(gs, j, label):
    """A one-hot target costs -log of the probability of its class: j log 2 for a probability of 2^-j."""
    p = np.full((1, 3), (1 - 2.0**-j) / 2)
    p[0, label] = 2.0**-j
    assert_agree(gs, of("cross_entropy"), lambda gs, p, y: j * math.log(2), p, np.eye(3)[[label]])


@law("loss.cross_entropy")
@given(rows(), rows(), rows())
def test_cross_entropy_is_convex_in_the_prediction_and_linear_in_the_target(gs, p, q, y):
    """CE((p + q)/2, y) <= (CE(p, y) + CE(q, y))/2, and CE(y, (p + q)/2) = (CE(y, p) + CE(y, q))/2."""
    inner = (p + y) / 2, (q + y) / 2  # as positive as y: the floor of the logarithm is not convex
    assert_at_most(
        gs,
        lambda gs, p, q, y: gs.cross_entropy((p + q) / 2, y),
        lambda gs, p, q, y: (gs.cross_entropy(p, y) + gs.cross_entropy(q, y)) / 2,
        *inner,
        y,
    )
    assert_agree(
        gs,
        lambda gs, p, q, y: gs.cross_entropy(y, (p + q) / 2),
        lambda gs, p, q, y: (gs.cross_entropy(y, p) + gs.cross_entropy(y, q)) / 2,
        p,
        q,
        y,
    )


@law("loss.cross_entropy", "loss.binary_cross_entropy")
def test_impossible_events_cost_100_if_they_happen_else_nothing(gs):
    """Log 0 counts as -100; 0 log 0 is 0; the derivative at the floor is 0, not NaN."""
    sure, other = gs.array(np.array([[0.0, 1.0]])), gs.array(np.array([[1.0, 0.0]]))
    for name in ("cross_entropy", "binary_cross_entropy"):
        loss = getattr(gs, name)
        assert [float(gs.numpy(loss(sure, y))) for y in (sure, other)] == [0.0, 100.0]
    assert gs.numpy(gradient(gs, "cross_entropy", sure, other)).tolist() == [[0.0, 0.0]]
    assert gs.numpy(gradient(gs, "binary_cross_entropy", sure, sure, reduction="sum")).tolist() == [[1.0, -1.0]]
    assert gs.numpy(gradient(gs, "binary_cross_entropy", sure, other)).tolist() == [[0.0, 0.0]]


@law("loss.softmax_cross_entropy")
@given(inputs("softmax_cross_entropy"))
def test_softmax_cross_entropy_is_cross_entropy_of_the_softmax(gs, case):
    """It equals cross_entropy(softmax(z), onehot(y)), wherever the softmax does not underflow."""
    logits, target = np.clip(case.arguments[0], -16, 16), case.arguments[1]
    onehot = np.eye(logits.shape[-1])[target]
    assert_agree(
        gs,
        lambda gs, z, y, onehot, **options: gs.softmax_cross_entropy(z, y, **options),
        lambda gs, z, y, onehot, **options: gs.cross_entropy(gs.softmax(z), onehot, **options),
        logits,
        target,
        onehot,
        **case.options,
    )


@law("loss.softmax_cross_entropy")
@given(inputs("softmax_cross_entropy"), st.integers(-64, 64))
def test_softmax_cross_entropy_ignores_what_all_logits_share(gs, case, c):
    """Adding c to every logit changes nothing."""
    assert_agree(
        gs,
        lambda gs, z, y, **options: gs.softmax_cross_entropy(z + c, y, **options),
        of("softmax_cross_entropy"),
        *case.arguments,
        **case.options,
    )


@law("loss.softmax_cross_entropy")
@given(vectors(-8, 8, 6), st.lists(st.integers(0, 2), min_size=2, max_size=2))
def test_gradient_of_softmax_cross_entropy_is_softmax_minus_onehot(gs, z, y):
    """The gradient by the logits is (softmax(z) - onehot(y)) / N, and each of its rows sums to 0."""
    arguments = z.reshape(2, 3), np.array(y), np.eye(3)[y]
    assert_agree(
        gs,
        lambda gs, z, y, onehot: gradient(gs, "softmax_cross_entropy", z, y),
        lambda gs, z, y, onehot: (gs.softmax(z) - onehot) / 2,
        *arguments,
    )
    assert_agree(
        gs,
        lambda gs, z, y, onehot: gradient(gs, "softmax_cross_entropy", z, y).sum(-1),
        lambda gs, z, y, onehot: 0.0,
        *arguments,
    )


@law("loss.softmax_cross_entropy")
@given(st.integers(1, 40), reals(-100, 100))
def test_uniform_logits_cost_log_k(gs, k, z):
    """If all k logits are equal, the loss is log k: what a fresh classifier should start from."""
    assert_agree(
        gs,
        of("softmax_cross_entropy"),
        lambda gs, z, y: math.log(k),
        np.full((1, k), z),
        np.array([k - 1]),
    )


@law("loss.softmax_cross_entropy", "loss.logistic_loss")
def test_losses_of_logits_are_finite_at_ten_thousand(gs):
    """A gap of 8192 between the logits costs exactly 8192 on the wrong side and 0 on the right one."""
    z = gs.array(np.array([[8192.0, 0.0]]))
    assert [float(gs.numpy(gs.softmax_cross_entropy(z, gs.array(np.array([y]))))) for y in (0, 1)] == [0.0, 8192.0]
    right, wrong = (gs.array(np.array([m])) for m in (8192.0, -8192.0))
    assert [float(gs.numpy(at("logistic_loss")(gs, m))) for m in (right, wrong)] == [0.0, 8192.0]
    slopes = [gs.value_and_grad(lambda m: at("logistic_loss")(gs, m))(m)[1] for m in (right, wrong)]
    assert [gs.numpy(slope).item() for slope in slopes] == [0.0, -1.0]


@law("loss.binary_cross_entropy")
@given(chances(4), chances(4))
def test_binary_cross_entropy_treats_yes_and_no_alike(gs, p, y):
    """BCE(1 - p, 1 - y) = BCE(p, y)."""
    assert_agree(gs, lambda gs, p, y: gs.binary_cross_entropy(1 - p, 1 - y), of("binary_cross_entropy"), p, y)


@law("loss.binary_cross_entropy")
@given(chances(4), chances(4))
def test_binary_cross_entropy_is_smallest_at_the_target(gs, p, y):
    """No prediction costs less than the target itself."""
    assert_at_most(gs, lambda gs, p, y: gs.binary_cross_entropy(y, y), of("binary_cross_entropy"), p, y)


@law("loss.binary_cross_entropy")
@given(chances(4), chances(4))
def test_binary_cross_entropy_is_cross_entropy_of_two_columns(gs, p, y):
    """BCE(p, y) = CE([p, 1 - p], [y, 1 - y])."""
    assert_agree(
        gs,
        lambda gs, p, y, two_p, two_y: gs.binary_cross_entropy(p, y),
        lambda gs, p, y, two_p, two_y: gs.cross_entropy(two_p, two_y),
        p,
        y,
        np.stack([p, 1 - p], -1),
        np.stack([y, 1 - y], -1),
    )


@law("loss.binary_cross_entropy")
@given(vectors(-6, 6, 4), chances(4))
def test_gradient_of_bce_through_a_sigmoid_is_the_residual(gs, z, y):
    """With p = sigmoid(z), the gradient by z is (p - y) / N."""
    assert_agree(
        gs,
        lambda gs, z, y: gs.value_and_grad(lambda z: gs.binary_cross_entropy(gs.sigmoid(z), y))(z)[1],
        lambda gs, z, y: (gs.sigmoid(z) - y) / 4,
        z,
        y,
    )


@law("loss.bce_asymmetry")
@given(st.integers(65, 127), st.integers(1, 63))
def test_bce_charges_more_for_overshooting_a_likely_event(gs, t, delta):
    """For t > 1/2, BCE(t + d, t) >= BCE(t - d, t), while the squared error is d^2 on both sides."""
    delta = min(delta, 127 - t)
    t, over, under = (np.array([x / 128]) for x in (t, t + delta, t - delta))
    assert_at_most(
        gs,
        lambda gs, t, over, under: gs.binary_cross_entropy(under, t),
        lambda gs, t, over, under: gs.binary_cross_entropy(over, t),
        t,
        over,
        under,
    )
    squares = [gs.numpy(gs.mse(gs.array(p), gs.array(t))) for p in (over, under)]
    assert squares[0] == squares[1]


@law("loss.bce_asymmetry")
def test_bce_is_symmetric_at_one_half_only(gs):
    """At t = 1/2 both sides cost the same; at t = 3/4, d = 3/16 the upper side costs clearly more."""

    def cost(t, p):
        return float(gs.numpy(gs.binary_cross_entropy(gs.array(np.array([p])), gs.array(np.array([t])))))

    assert cost(0.75, 0.9375) > cost(0.75, 0.5625) + 0.05
    half = np.array([0.5])
    assert_agree(
        gs,
        lambda gs, t, p: gs.binary_cross_entropy(p, t),
        lambda gs, t, p: gs.binary_cross_entropy(1 - p, t),
        half,
        np.array([0.9375]),
    )


# The normal distribution behind the squared error


@law("loss.gaussian_nll")
@given(vectors(-8, 8, 4), vectors(-8, 8, 4))
def test_gaussian_nll_is_affine_in_mse(gs, pred, target):
    """NLL = (log 2 pi + MSE) / 2, so its gradient is half of that of MSE."""
    assert_agree(
        gs,
        of("gaussian_nll"),
        lambda gs, p, t: (math.log(2 * math.pi) + gs.mse(p, t)) / 2,
        pred,
        target,
    )
    assert_agree(
        gs,
        lambda gs, p, t: gradient(gs, "gaussian_nll", p, t),
        lambda gs, p, t: gradient(gs, "mse", p, t) / 2,
        pred,
        target,
    )


@law("loss.gaussian_nll")
def test_gaussian_nll_has_the_known_values(gs):
    """A residual of 0 costs log(2 pi)/2 = 0.9189385332, a residual of 1 costs 1.4189385332: neither is the MSE."""
    known = math.log(2 * math.pi) / 2
    assert (round(known, 10), round(known + 0.5, 10)) == (0.9189385332, 1.4189385332)
    for residual in (0.0, 1.0):
        pred = np.array([residual])
        assert_agree(gs, lambda gs, p: gs.gaussian_nll(p, 0 * p), lambda gs, p, e=residual: known + e / 2, pred)


@law("loss.gaussian_nll")
@given(vectors(-8, 8, 4), st.integers(-4, 4))
def test_gaussian_nll_of_a_scaled_problem_differs_by_the_log_of_the_scale(gs, pred, k):
    """With standard deviation 2^k, NLL(2^k p, 0) = NLL(p, 0) + k log 2."""
    scale = 2.0**k
    assert_agree(
        gs,
        lambda gs, p: gs.gaussian_nll(scale * p, 0 * p, 0 * p + scale * scale),
        lambda gs, p: gs.gaussian_nll(p, 0 * p) + k * math.log(2),
        pred,
    )


@law("loss.mle_mse_equivalence")
@given(vectors(-4, 4, 4), vectors(-4, 4, 4), vectors(-4, 4, 4), st.integers(-3, 3))
def test_gaussian_likelihood_ranks_predictions_as_mse_does(gs, a, b, y, k):
    """For one fixed variance v, NLL(a) - NLL(b) = (MSE(a) - MSE(b)) / (2 v): the same prediction is best."""
    v = 4.0**k

    def nll(gs, p, y):
        return gs.gaussian_nll(p, y, 0 * p + v)

    assert_agree(
        gs,
        lambda gs, a, b, y: nll(gs, a, y) - nll(gs, b, y),
        lambda gs, a, b, y: (gs.mse(a, y) - gs.mse(b, y)) / (2 * v),
        a,
        b,
        y,
    )
    assert_agree(
        gs,
        lambda gs, a, y: gs.value_and_grad(lambda p: nll(gs, p, y))(a)[1],
        lambda gs, a, y: gradient(gs, "mse", a, y) / (2 * v),
        a,
        y,
    )


@law("loss.mle_mse_equivalence")
def test_laplace_likelihood_does_not_rank_as_mse(gs):
    """Of y = (0, 0, 3), MSE prefers the mean 1 and MAE, the likelihood of Laplace's noise, the median 0."""
    y = gs.array(np.array([0.0, 0.0, 3.0]))
    mean, median = gs.array(np.ones(3)), gs.array(np.zeros(3))
    assert gs.numpy(gs.mse(mean, y)) < gs.numpy(gs.mse(median, y))
    assert gs.numpy(gs.mae(mean, y)) > gs.numpy(gs.mae(median, y))


# Margins


@law("loss.margin")
@given(inputs("margin"), st.sampled_from([0.5, 2.0, 16.0]))
def test_margin_is_positive_exactly_if_the_sign_is_right(gs, case, a):
    """The sign of m is that of y times that of the score; m is odd in both together, and scales with the score."""
    score, target = (gs.array(x) for x in case.arguments)
    m = gs.numpy(gs.margin(score, target))
    assert np.array_equal(np.sign(m), np.sign(case.arguments[0]) * case.arguments[1])
    assert np.array_equal(gs.numpy(gs.margin(-score, -target)), m)
    assert_agree(gs, lambda gs, s, y: gs.margin(a * s, y), lambda gs, s, y: a * gs.margin(s, y), *case.arguments)


@pytest.mark.parametrize("name", MARGIN)
@law("loss.hinge_loss", "loss.logistic_loss", "loss.exponential_loss")
@given(st.data())
def test_losses_of_a_margin_depend_on_nothing_else(gs, name, data):
    """ℓ(score, target) = ℓ(margin, 1)."""
    case = data.draw(inputs(name))
    assert_agree(
        gs,
        lambda gs, s, y, **options: getattr(gs, name)(s, y, **options),
        lambda gs, s, y, **options: at(name)(gs, gs.margin(s, y), **options),
        *case.arguments,
        **case.options,
    )


@pytest.mark.parametrize("name", MARGIN[1:])
@law("loss.hinge_loss", "loss.logistic_loss", "loss.exponential_loss")
@given(vectors(-8, 8, 1), vectors(-8, 8, 1))
def test_margin_losses_are_convex_and_do_not_increase(gs, name, a, b):
    """ℓ((a + b)/2) <= (ℓ(a) + ℓ(b))/2, and ℓ(max(a, b)) <= ℓ(min(a, b))."""
    assert_at_most(
        gs,
        lambda gs, a, b: at(name)(gs, (a + b) / 2),
        lambda gs, a, b: (at(name)(gs, a) + at(name)(gs, b)) / 2,
        a,
        b,
    )
    assert_at_most(
        gs,
        lambda gs, low, high: at(name)(gs, high),
        lambda gs, low, high: at(name)(gs, low),
        np.minimum(a, b),
        np.maximum(a, b),
    )


@law("loss.hinge_loss")
@given(eighths(-80, 80, 1), eighths(-80, 80, 1))
def test_hinge_loss_is_0_from_margin_1_on(gs, a, b):
    """ℓ(m) = 0 exactly for m >= 1, also positive for right answers with 0 < m < 1; it never changes faster than m."""
    at_a, at_b = (float(gs.numpy(at("hinge_loss")(gs, gs.array(m)))) for m in (a, b))
    assert at_a == max(0.0, 1 - a[0])
    assert abs(at_a - at_b) <= abs(a[0] - b[0])


@law("loss.hinge_loss")
@given(eighths(-80, 80, 4), st.lists(st.sampled_from([-1.0, 1.0]), min_size=4, max_size=4))
def test_subgradient_of_hinge_loss_is_minus_y_below_the_threshold(gs, score, target):
    """The gradient by the score is -y 1[m < 1] / N."""
    y = np.array(target)
    g = gs.numpy(gradient(gs, "hinge_loss", gs.array(score), gs.array(y)))
    assert np.array_equal(g, np.where(y * score < 1, -y / 4, 0)), g


@law("loss.logistic_loss")
@given(vectors(-40, 40, 1))
def test_logistic_loss_of_m_and_of_minus_m_differ_by_m(gs, m):
    """ℓ(-m) - ℓ(m) = m, and ℓ > 0."""
    assert_agree(gs, lambda gs, m: at("logistic_loss")(gs, -m) - at("logistic_loss")(gs, m), lambda gs, m: m.sum(), m)
    assert gs.numpy(at("logistic_loss")(gs, gs.array(m))) > 0


@law("loss.logistic_loss")
@given(vectors(0, 40, 1))
def test_logistic_loss_falls_exponentially_and_rises_linearly(gs, m):
    """For m >= 0: e^-m - e^-2m / 2 <= ℓ(m) <= e^-m, and m <= ℓ(-m) <= m + e^-m."""
    loss, exponential = at("logistic_loss"), at("exponential_loss")
    assert_at_most(gs, loss, exponential, m)
    assert_at_most(gs, lambda gs, m: exponential(gs, m) - exponential(gs, 2 * m) / 2, loss, m)
    assert_at_most(gs, lambda gs, m: m.sum(), lambda gs, m: loss(gs, -m), m)
    assert_at_most(gs, lambda gs, m: loss(gs, -m), lambda gs, m: m.sum() + exponential(gs, m), m)


@law("loss.logistic_loss")
def test_logistic_loss_of_ten_is_already_e_to_the_minus_ten(gs):
    """ℓ(10) = 4.5399e-05, e^-10 times 0.99998: it does not fall on a logarithmic scale."""
    known = math.log1p(math.exp(-10))
    assert (round(known, 9), round(known / math.exp(-10), 5)) == (4.5399e-05, 0.99998)
    assert_agree(gs, at("logistic_loss"), lambda gs, m: known, np.array([10.0]))


@law("loss.logistic_loss", "loss.exponential_loss")
@given(vectors(-16, 16, 1))
def test_slopes_of_margin_losses_have_closed_forms(gs, m):
    """ℓ'(m) = -sigmoid(-m) for the logistic loss, and -ℓ(m) for the exponential one."""

    def slope(gs, name, m):
        return gs.value_and_grad(lambda m: at(name)(gs, m))(m)[1]

    assert_agree(gs, lambda gs, m: slope(gs, "logistic_loss", m), lambda gs, m: -gs.sigmoid(-m), m)
    assert_agree(
        gs, lambda gs, m: slope(gs, "exponential_loss", m).sum(), lambda gs, m: -at("exponential_loss")(gs, m), m
    )


@law("loss.logistic_bce_equivalence")
@given(vectors(-8, 8, 4), st.lists(st.sampled_from([-1.0, 1.0]), min_size=4, max_size=4))
def test_logistic_loss_is_bce_of_the_sigmoid(gs, s, y):
    """log(1 + e^(-y s)) = BCE(sigmoid(s), (y + 1)/2), and the gradients by s are the same."""

    def bce(gs, s, y):
        return gs.binary_cross_entropy(gs.sigmoid(s), (y + 1) / 2)

    y = np.array(y)
    assert_agree(gs, of("logistic_loss"), bce, s, y)
    assert_agree(
        gs,
        lambda gs, s, y: gradient(gs, "logistic_loss", s, y),
        lambda gs, s, y: gs.value_and_grad(lambda s: bce(gs, s, y))(s)[1],
        s,
        y,
    )


@law("loss.exponential_loss")
@given(vectors(-8, 8, 1), vectors(-8, 8, 1))
def test_exponential_losses_multiply_where_margins_add(gs, a, b):
    """ℓ(a + b) = ℓ(a) ℓ(b)."""
    assert_agree(
        gs,
        lambda gs, a, b: at("exponential_loss")(gs, a + b),
        lambda gs, a, b: at("exponential_loss")(gs, a) * at("exponential_loss")(gs, b),
        a,
        b,
    )


@law("loss.exponential_loss")
@given(st.integers(1, 127), vectors(-4, 4, 1))
def test_exponential_loss_is_smallest_at_half_the_log_odds(gs, k, s):
    """If +1 has probability q, then q ℓ(s) + (1 - q) ℓ(-s) is smallest at s = log(q / (1 - q)) / 2."""
    q = k / 128

    def risk(gs, s):
        return q * at("exponential_loss")(gs, s) + (1 - q) * at("exponential_loss")(gs, -s)

    best = gs.precision.round(np.array([math.log(q / (1 - q)) / 2]))
    assert_at_most(gs, lambda gs, best, s: risk(gs, best), lambda gs, best, s: risk(gs, s), best, s)


@law("loss.surrogate_upper_bound")
@given(vectors(-8, 8, 1))
def test_surrogates_bound_the_zero_one_loss(gs, m):
    """1[m <= 0] <= max(0, 1 - m) <= e^-m, and 1[m <= 0] <= log2(1 + e^-m) <= e^-m / ln 2."""

    def loss(name, factor=1.0):
        return lambda gs, m: factor * at(name)(gs, m)

    chain = loss("zero_one_loss"), loss("hinge_loss"), loss("exponential_loss")
    bits = loss("zero_one_loss"), loss("logistic_loss", 1 / math.log(2)), loss("exponential_loss", 1 / math.log(2))
    for smaller, larger in (*pairwise(chain), *pairwise(bits)):
        assert_at_most(gs, smaller, larger, m)


@law("loss.surrogate_upper_bound")
@given(st.integers(3, 6))
def test_surrogates_grow_at_different_rates(gs, k):
    """Doubling a negative margin squares the exponential loss, while hinge and logistic loss do not even double."""
    m, twice = (gs.array(np.array([-(2.0**j)])) for j in (k, k + 1))
    for name in ("hinge_loss", "logistic_loss"):
        assert gs.numpy(at(name)(gs, twice)) <= 2 * gs.numpy(at(name)(gs, m))
    if 2.0 ** (k + 1) < math.log(gs.precision.largest):
        assert gs.numpy(at("exponential_loss")(gs, twice)) > 1000 * gs.numpy(at("exponential_loss")(gs, m))


@law("loss.zero_one_loss")
@given(inputs("zero_one_loss"))
def test_zero_one_loss_counts_the_margins_that_are_not_positive(gs, case):
    """The sum over all elements is the number of m <= 0."""
    score, target = case.arguments
    counted = gs.numpy(gs.zero_one_loss(gs.array(score), gs.array(target), reduction="sum"))
    exact = (score * target <= 0).sum()
    assert counted == gs.precision.round(exact), (counted, exact)
