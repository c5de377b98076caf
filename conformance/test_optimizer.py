"""Laws of the optimizers: what the lecture says about them, as sentences that run."""

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, find, inputs, make
from gongsik.spec import optimizer as spec

SEEDS = st.integers(0, 2**32 - 1)
RATES = st.sampled_from((0.5, 0.1, 0.01))
BETAS = st.sampled_from((0.0, 0.5, 0.9, 0.99))


@st.composite
def vectors(draw: st.DrawFn, *shape: int) -> np.ndarray:
    """Ordinary numbers, none of them 0; a vector of five unless a shape is given."""
    return make(draw(SEEDS), "normal", shape or (5,), PRECISION.get().name)


@st.composite
def curvatures(draw: st.DrawFn) -> np.ndarray:
    """Second derivatives of a quadratic along its axes, all positive."""
    return 0.25 + np.abs(draw(vectors()))


def size(x):
    """Euclidean norm, with what all arrays have."""
    return (x * x).sum(-1) ** 0.5


def run(step, start, slope, steps, state=None, **options) -> tuple[list[Any], Any]:
    """The points that an optimizer goes through, `start` included, and its last state."""
    points = [start]
    for _ in range(steps):
        point, state = step(points[-1], slope(points[-1]), state, **options)
        points.append(point)
    return points, state


# One step down the slope


@law("optimizer.gradient_descent")
@given(vectors(), curvatures(), st.sampled_from((0.1, 0.5, 1.0, 1.9)))
def test_gradient_descent_never_raises_a_smooth_function(gs, x, curvature, share):
    """f(x - eta g) <= f(x) - eta (1 - eta L / 2) |g|^2: with eta < 2/L every step goes down."""
    smoothness = curvature.max()
    lr = share / smoothness
    assert_at_most(
        gs,
        lambda gs, x, c: (c * gs.gradient_descent(x, c * x, lr=lr) ** 2 / 2).sum(-1),
        lambda gs, x, c: (c * x * x / 2).sum(-1) - lr * (1 - share / 2) * ((c * x) ** 2).sum(-1),
        x,
        curvature,
    )


@law("optimizer.gradient_descent")
@given(vectors(), RATES)
def test_gradient_descent_rests_exactly_at_critical_points(gs, x, lr):
    """The parameters stay where the gradient is 0, and only there."""
    start = gs.array(x)
    assert (gs.numpy(gs.gradient_descent(start, 0 * start, lr=lr)) == x).all()
    assert (gs.numpy(gs.gradient_descent(start, start, lr=lr)) != x).all()


@law("optimizer.gradient_descent", "optimizer.learning_rate_regimes")
@given(vectors(), curvatures(), st.floats(0, 3), st.integers(1, 4))
def test_gradient_descent_shrinks_each_axis_of_a_quadratic_by_its_own_factor(gs, x, curvature, lr, steps):
    """x_t = (1 - eta lambda)^t x_0."""

    def descend(gs, x, c):
        for _ in range(steps):
            x = gs.gradient_descent(x, c * x, lr=lr)
        return x

    assert_agree(gs, descend, lambda gs, x, c: (1 - lr * c) ** steps * x, x, curvature)


@law("optimizer.gradient_descent")
@given(vectors(), vectors(), vectors(5, 5), RATES)
def test_gradient_descent_does_not_care_how_the_axes_are_turned(gs, x, g, turn, lr):
    """Turning parameters and gradient turns the result."""
    rotation = gs.precision.round(np.linalg.qr(turn)[0])
    assert_agree(
        gs,
        lambda gs, x, g, r: gs.gradient_descent(x @ r, g @ r, lr=lr),
        lambda gs, x, g, r: gs.gradient_descent(x, g, lr=lr) @ r,
        x, g, rotation,
    )  # fmt: skip


@law("optimizer.gradient_descent_convergence")
@given(vectors(), curvatures(), st.integers(1, 12))
def test_gradient_descent_on_a_convex_function_is_as_close_as_promised(gs, x, curvature, steps):
    """f(x_T) - f* <= |x_0 - x*|^2 / (2 eta T) for eta = 1/L."""
    lr = 1 / curvature.max()

    def value(gs, x, c):
        for _ in range(steps):
            x = gs.gradient_descent(x, c * x, lr=lr)
        return (c * x * x / 2).sum(-1)

    assert_at_most(gs, value, lambda gs, x, c: (x * x).sum(-1) / (2 * lr * steps), x, curvature)


@law("optimizer.gradient_descent_convergence", "optimizer.nesterov")
@given(vectors(), curvatures(), st.integers(2, 12))
def test_nesterov_with_a_growing_factor_is_a_power_of_t_closer(gs, x, curvature, steps):
    """f(x_T) - f* <= 2 |x_0 - x*|^2 / (eta (T + 1)^2) for eta = 1/L and beta_t = (t - 1)/(t + 2)."""
    lr = 1 / curvature.max()

    def value(gs, x, c):
        state = None
        for t in range(1, steps + 1):
            options = {"lr": lr, "beta": (t - 1) / (t + 2)}
            ahead = gs.nesterov_lookahead(x, state, **options)
            x, state = gs.nesterov(x, c * ahead, state, form="lookahead", **options)
        return (c * x * x / 2).sum(-1)

    assert_at_most(gs, value, lambda gs, x, c: 2 * (x * x).sum(-1) / (lr * (steps + 1) ** 2), x, curvature)


@law("optimizer.gradient_descent_convergence", "optimizer.learning_rate_regimes")
@given(st.sampled_from((0.25, 1.0, 4.0)), st.floats(0.05, 0.9), st.floats(1.05, 1.95), st.floats(2.05, 3))
def test_a_rate_is_monotone_then_oscillating_then_divergent(gs, curvature, slow, fast, too_fast):
    """Below 1/lambda the same side, closer; up to 2/lambda the other side, closer; above it the other side, further."""
    for share, side, closer in ((slow, 1, True), (fast, -1, True), (too_fast, -1, False)):
        x = gs.array(np.array(1.0))
        for _ in range(5):
            old, x = x, gs.gradient_descent(x, curvature * x, lr=share / curvature)
            assert np.sign(gs.numpy(x)) == side * np.sign(gs.numpy(old)), share
            assert (abs(gs.numpy(x)) < abs(gs.numpy(old))) == closer, share


@law("optimizer.learning_rate_regimes")
@given(SEEDS)
def test_noise_leaves_a_plateau_that_is_higher_for_a_higher_rate(gs, seed):
    """With noisy gradients x^2 does not go to 0 but to a level that grows with eta."""
    noise = make(seed, "normal", (400,), gs.precision.name)
    levels = []
    for lr in (0.05, 0.4, 1.5):
        x, squares = gs.array(np.array(1.0)), []
        for g in gs.array(noise):
            x = gs.gradient_descent(x, x + g, lr=lr)
            squares.append(float(gs.numpy(x)) ** 2)
        levels.append(np.mean(squares[100:]))
    assert levels[0] < levels[1] < levels[2], levels


@law("optimizer.local_minimum")
@given(st.floats(0.4, 1.5), st.floats(-1.5, -0.2))
def test_the_start_decides_the_local_minimum(gs, right, left):
    """On (x^2 - 1)^2 + 0.3 x two starts end in two minima of different height, both flat and curved upwards."""

    def slope(x):
        return 4 * x * (x * x - 1) + 0.3

    ends = []
    for start in (right, left):
        x = gs.array(gs.precision.round(start))
        for _ in range(300):
            x = gs.gradient_descent(x, slope(x), lr=0.05)
        end = np.asarray(gs.numpy(x), np.float64)
        assert_agree(gs, lambda gs, x: gs.gradient_descent(x, slope(x), lr=0.05), lambda gs, x: x, end)
        assert 12 * end**2 - 4 > 0
        ends.append(end)
    high, low = ((x**2 - 1) ** 2 + 0.3 * x for x in ends)
    assert ends[1] < 0 < ends[0]
    assert low < high


@law("optimizer.local_minimum")
@given(vectors(), vectors())
def test_on_a_convex_function_the_start_does_not_matter(gs, start, other):
    """On (x - 1)^2 / 2 it goes from everywhere to 1, and rests there."""
    for x in (gs.array(start), gs.array(other)):
        for _ in range(200):
            x = gs.gradient_descent(x, x - 1, lr=0.5)
        assert_agree(gs, lambda gs, x: gs.gradient_descent(x, x - 1, lr=0.5), lambda gs, x: 0 * x + 1, gs.numpy(x))


# Which samples the gradient is taken over


def mean_square(w, x, y):
    return ((x @ w - y) ** 2).mean()


@law("optimizer.stochastic_gradient", "optimizer.batch_gradient", "optimizer.minibatch_noise")
@given(vectors(3), vectors(4, 3), vectors(4))
def test_gradients_of_single_samples_average_to_the_full_gradient(gs, w, x, y):
    """E g_i = grad L: values and gradients alike."""

    def average(gs, w, x, y, index):
        parts = [gs.stochastic_gradient(mean_square, w, (x, y), i) for i in index]
        return sum(loss for loss, _ in parts) / 4, sum(grad for _, grad in parts) / 4

    assert_agree(
        gs, average, lambda gs, w, x, y, index: gs.batch_gradient(mean_square, w, (x, y)), w, x, y, np.arange(4)
    )


@law("optimizer.stochastic_gradient", "optimizer.batch_gradient", "optimizer.mini_batch_gradient")
@given(vectors(3), vectors(1, 3), vectors(1))
def test_with_one_sample_all_three_gradients_are_one(gs, w, x, y):
    """N = 1: stochastic, mini-batch and batch gradient are the same."""
    w, data = gs.array(w), (gs.array(x), gs.array(y))
    batch = gs.batch_gradient(mean_square, w, data)
    for index, function in ((np.array(0), gs.stochastic_gradient), (np.array([0]), gs.mini_batch_gradient)):
        for ours, theirs in zip(function(mean_square, w, data, gs.array(index)), batch, strict=True):
            assert (gs.numpy(ours) == gs.numpy(theirs)).all()


@law("optimizer.mini_batch_gradient", "optimizer.batch_gradient")
@given(vectors(2), vectors(6, 2), vectors(6), st.permutations(range(6)))
def test_a_batch_of_all_samples_is_the_full_gradient_in_any_order(gs, w, x, y, order):
    """B = N: the order of the samples does not matter."""
    assert_agree(
        gs,
        lambda gs, w, x, y, order: gs.mini_batch_gradient(mean_square, w, (x, y), order),
        lambda gs, w, x, y, order: gs.batch_gradient(mean_square, w, (x[order], y[order])),
        w, x, y, np.array(order),
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, w, x, y, order: gs.batch_gradient(mean_square, w, (x[order], y[order])),
        lambda gs, w, x, y, order: gs.batch_gradient(mean_square, w, (x, y)),
        w, x, y, np.array(order),
    )  # fmt: skip


@law("optimizer.mini_batch_gradient")
@given(SEEDS)
def test_batches_of_64_128_and_256_samples_average_to_the_full_gradient(gs, seed):
    """The gradients of batches of equal size, over one epoch of 256 samples, average to the full gradient."""
    w, x, y = (make(seed + i, "normal", shape, gs.precision.name) for i, shape in enumerate([(2,), (256, 2), (256,)]))
    for n in (64, 128, 256):

        def average(gs, w, x, y, order, n=n):
            batches = [order[i : i + n] for i in range(0, 256, n)]
            assert len(batches) == {64: 4, 128: 2, 256: 1}[n]
            return sum(gs.mini_batch_gradient(mean_square, w, (x, y), batch)[1] for batch in batches) / len(batches)

        order = np.random.default_rng(seed).permutation(256)
        assert_agree(
            gs, average, lambda gs, w, x, y, order: gs.batch_gradient(mean_square, w, (x, y))[1], w, x, y, order
        )


@law("optimizer.batch_gradient")
@given(vectors(2), vectors(6, 2), vectors(6))
def test_the_full_gradient_is_the_same_every_time(gs, w, x, y):
    """Nothing is drawn: two calls agree to the last bit."""
    arguments = (mean_square, gs.array(w), (gs.array(x), gs.array(y)))
    first, second = (gs.numpy(gs.batch_gradient(*arguments)[1]) for _ in range(2))
    assert (first == second).all()


@law("optimizer.minibatch_noise")
@given(vectors(5), st.integers(1, 5))
def test_the_noise_of_a_mini_batch_falls_with_its_size_to_0(gs, x, n):
    """Over all subsets of size B: E g_B = grad L, Var g_B = Sigma / B (N - B) / (N - 1), which is 0 at B = N."""
    subsets = [np.array(subset) for subset in itertools.combinations(range(5), n)]

    def slopes(gs, x, subsets):
        w = x[0] * 0
        loss = lambda w, x: ((w - x) ** 2).mean() / 2  # noqa: E731
        return [gs.mini_batch_gradient(loss, w, (x,), subset)[1] for subset in subsets]

    def mean(gs, x, subsets):
        return sum(slopes(gs, x, subsets)) / len(subsets)

    def variance(gs, x, subsets):
        return sum((g + x.mean(-1)) ** 2 for g in slopes(gs, x, subsets)) / len(subsets)

    def predicted(gs, x, subsets):
        return ((x - x.mean(-1)) ** 2).mean(-1) * ((5 - n) / (4 * n))

    assert_agree(gs, mean, lambda gs, x, subsets: -x.mean(-1), x, subsets)
    assert_agree(gs, variance, predicted, x, subsets)


# A memory of the direction


@law("optimizer.jittering")
@given(st.sampled_from((4.0, 16.0, 100.0)), st.floats(0.05, 0.9))
def test_the_steep_coordinate_jumps_from_side_to_side(gs, steep, share):
    """Curvatures (kappa, 1): for a rate between 1/kappa and 2/kappa the steep one alternates, the flat one does not."""
    curvature = np.array([steep, 1.0])
    x = gs.array(np.array([1.0, 1.0]))
    for t in range(1, 6):
        x = gs.gradient_descent(x, gs.array(curvature) * x, lr=(1 + share) / steep)
        assert np.array_equal(np.sign(gs.numpy(x)), [(-1.0) ** t, 1.0])


@law("optimizer.jittering")
@given(st.sampled_from((2.0, 10.0, 100.0)), vectors(2))
def test_the_best_rate_on_an_ill_conditioned_bowl_is_slow(gs, kappa, x):
    """With eta = 2 / (lambda_1 + lambda_2) both coordinates shrink by (kappa - 1)/(kappa + 1), in either direction."""
    best, factor = 2 / (kappa + 1), (kappa - 1) / (kappa + 1)
    curvature = np.array([kappa, 1.0])
    signs = np.array([-1.0, 1.0])
    assert_agree(
        gs,
        lambda gs, x, c, s: gs.gradient_descent(x, c * x, lr=best),
        lambda gs, x, c, s: factor * s * x,
        x, curvature, signs,
    )  # fmt: skip
    for rate, worse in ((0.9 * best, 1), (1.1 * best, 0)):  # any other rate is worse for one of the two
        assert_at_most(
            gs,
            lambda gs, x, c, worse=worse: factor * abs(x[worse]),
            lambda gs, x, c, worse=worse, rate=rate: abs(gs.gradient_descent(x, c * x, lr=rate)[worse]),
            x, curvature,
        )  # fmt: skip


@law("optimizer.jittering", "optimizer.momentum")
@given(st.sampled_from((4.0, 9.0, 100.0)), st.integers(1, 8))
def test_momentum_takes_the_root_of_the_condition_number(gs, kappa, steps):
    """With the best rate and factor both coordinates are (1 + c t) r^t, |r| = (sqrt(kappa) - 1)/(sqrt(kappa) + 1)."""
    root = math.sqrt(kappa)
    lr, beta = 4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2
    curvature, r = np.array([kappa, 1.0]), np.array([-math.sqrt(beta), math.sqrt(beta)])
    growth = (1 - lr * curvature) / r - 1

    def fall(gs, c, closed):
        points, _ = run(gs.momentum, 0 * c + 1, lambda x: c * x, steps, lr=lr, beta=beta)
        return points[-1]

    closed = gs.precision.round((1 + growth * steps) * r**steps)
    assert_agree(gs, fall, lambda gs, c, closed: closed * 1.0, curvature, closed)


@law("optimizer.jittering", "optimizer.momentum")
@given(st.sampled_from((25.0, 100.0, 400.0)))
def test_momentum_beats_the_best_gradient_descent(gs, kappa):
    """After 60 steps on an ill-conditioned bowl, momentum is closer, each with its best rate."""
    root = math.sqrt(kappa)
    c = gs.array(np.array([kappa, 1.0]))
    x = gs.array(np.array([1.0, 1.0]))
    options = {"lr": 4 / (root + 1) ** 2, "beta": ((root - 1) / (root + 1)) ** 2}
    with_momentum = run(gs.momentum, x, lambda x: c * x, 60, **options)[0][-1]
    for _ in range(60):
        x = gs.gradient_descent(x, c * x, lr=2 / (kappa + 1))
    assert np.abs(gs.numpy(with_momentum)).max() < np.abs(gs.numpy(x)).max()


@law("optimizer.saddle_point")
@given(st.floats(0.01, 0.4), st.integers(1, 6), st.floats(-2, 2), st.sampled_from((2.0**-20, -(2.0**-40))))
def test_a_saddle_holds_who_comes_along_its_ridge_and_nobody_else(gs, lr, steps, x, off):
    """On x^2 - y^2, y = 0 stays 0 while x goes to the saddle; any other y grows as (1 + 2 eta)^t."""
    start = gs.precision.round(np.array([[x, 0.0], [x, off]]))
    signs = np.array([2.0, -2.0])

    def descend(gs, x, s):
        for _ in range(steps):
            x = gs.gradient_descent(x, s * x, lr=lr)
        return x

    assert_agree(gs, descend, lambda gs, x, s: (1 - lr * s) ** steps * x, start, signs)
    held, escaped = gs.numpy(descend(gs, gs.array(start), gs.array(signs)))
    assert held[1] == 0
    assert abs(escaped[1]) > abs(off)
    assert -(escaped[1] ** 2) < 0  # the gradient at the saddle is 0, and yet there are lower points beside it


@law("optimizer.momentum", "optimizer.nesterov", "optimizer.momentum_horizon")
@given(vectors(), vectors(), RATES)
def test_without_memory_momentum_and_nesterov_are_gradient_descent(gs, x, g, lr):
    """With beta = 0 it is the same step, whatever the state."""
    for step in ("momentum", "nesterov"):
        assert_agree(
            gs,
            lambda gs, x, g, a, step=step: getattr(gs, step)(x, g, spec.MomentumState(a), lr=lr, beta=0.0)[0],
            lambda gs, x, g, a: gs.gradient_descent(x, g, lr=lr),
            x, g, x,
        )  # fmt: skip


@law("optimizer.momentum", "optimizer.momentum_horizon")
@given(vectors(), BETAS, st.integers(1, 8))
def test_a_constant_slope_builds_up_speed(gs, g, beta, steps):
    """a_T = g (1 - beta^T) / (1 - beta): in the end the step is eta g / (1 - beta)."""
    assert_agree(
        gs,
        lambda gs, g: run(gs.momentum, 0 * g, lambda x: g, steps, lr=0.5, beta=beta)[1].a,
        lambda gs, g: g * (1 - beta**steps) / (1 - beta),
        g,
    )


@law("optimizer.momentum")
@given(inputs("momentum"), inputs("momentum"))
def test_momentum_is_linear_in_what_it_remembers_and_sees(gs, case, other):
    """A doubled state and a doubled gradient double the step and the new state."""
    x, g, state = case.arguments
    if state is None or not isinstance(x, np.ndarray):
        return
    assert_agree(
        gs,
        lambda gs, x, g, a: flat(gs.momentum(0 * x, 2 * g, spec.MomentumState(2 * a), **case.options)),
        lambda gs, x, g, a: tuple(2 * y for y in flat(gs.momentum(0 * x, g, spec.MomentumState(a), **case.options))),
        x, g, state.a,
    )  # fmt: skip


def flat(result):
    """Parameters and state of a step as one tuple."""
    return result[0], *result[1]


@law("optimizer.momentum", "optimizer.momentum_forms")
@given(vectors(), curvatures(), RATES, BETAS)
def test_both_forms_of_momentum_go_through_the_same_points(gs, x, curvature, lr, beta):
    """For a constant rate, Delta = alpha Delta + eta g and w = w - Delta is the accumulation, multiplied by eta."""

    def velocity(gs, x, c):
        delta = 0 * x
        for _ in range(4):
            delta = beta * delta + lr * (c * x)
            x = x - delta
        return x

    def accumulation(gs, x, c):
        return run(gs.momentum, x, lambda x: c * x, 4, lr=lr, beta=beta)[0][-1]

    assert_agree(gs, accumulation, velocity, x, curvature)


@law("optimizer.momentum_forms")
def test_the_forms_of_momentum_differ_when_the_rate_changes(gs):
    """Rates 1 and then 0, slope 1, beta 1/2: the velocity still moves by 1/2, the accumulation by 0."""
    x, g, state = gs.array(np.array(0.0)), gs.array(np.array(1.0)), None
    for lr in (1.0, 0.0):
        x, state = gs.momentum(x, g, state, lr=lr, beta=0.5)
    delta, w = 0.0, 0.0
    for lr in (1.0, 0.0):
        delta = 0.5 * delta + lr
        w -= delta
    assert (float(gs.numpy(x)), w) == (-1.0, -1.5)


@law("optimizer.momentum_horizon")
@given(vectors(6, 3), BETAS)
def test_momentum_sums_all_gradients_with_fading_weights(gs, g, beta):
    """a_t = sum_s beta^(t - s) g_s."""
    weights = beta ** np.arange(5.0, -1, -1)[:, None]
    assert_agree(
        gs,
        lambda gs, g, w: follow(gs.momentum, g, lr=1.0, beta=beta).a,
        lambda gs, g, w: (w * g).sum(0),
        g,
        gs.precision.round(weights) if beta in (0.0, 0.5) else weights,
    )


def follow(step, gradients, **options) -> Any:
    """State after a sequence of gradients."""
    x, state = 0 * gradients[0], None
    for g in gradients:
        x, state = step(x, g, state, **options)
    return state


@law("optimizer.momentum_horizon")
@given(BETAS)
def test_averaging_by_momentum_shrinks_noise(gs, beta):
    """(1 - beta) a has the variance (1 - beta)/(1 + beta) of independent gradients: the sum of its squared weights."""
    n = 40
    impulses = np.eye(n)

    def squares(gs, impulses):
        weights = (1 - beta) * follow(gs.momentum, impulses, lr=1.0, beta=beta).a
        return (weights * weights).sum(-1)

    assert_agree(gs, squares, lambda gs, _: (1 - beta) / (1 + beta) * (1 - beta ** (2 * n)), impulses)


@law("optimizer.nesterov")
@given(vectors(), BETAS, st.integers(1, 6))
def test_on_a_constant_slope_nesterov_is_momentum(gs, g, beta, steps):
    """Where the gradient is the same everywhere, looking ahead changes nothing."""
    options = {"lr": 0.25, "beta": beta}
    assert_agree(
        gs,
        lambda gs, g: run(gs.nesterov, 0 * g, lambda x: g, steps, form="lookahead", **options)[0][-1],
        lambda gs, g: run(gs.momentum, 0 * g, lambda x: g, steps, **options)[0][-1],
        g,
    )


@law("optimizer.nesterov", "optimizer.nesterov_lookahead")
@given(vectors(), curvatures(), RATES, BETAS)
def test_both_forms_of_nesterov_go_through_the_same_points(gs, x, curvature, lr, beta):
    """The shifted form is at W - eta beta a where the other is at W, and both equal the form with a velocity."""
    options = {"lr": lr, "beta": beta}

    def lookahead(gs, x, c):
        state = None
        for _ in range(3):
            slope = c * gs.nesterov_lookahead(x, state, **options)
            x, state = gs.nesterov(x, slope, state, form="lookahead", **options)
        return x, gs.nesterov_lookahead(x, state, **options)

    def shifted(gs, x, c):
        y, state = run(gs.nesterov, x, lambda y: c * y, 3, **options)
        return y[-1] + lr * beta * state.a, y[-1]

    def velocity(gs, x, c):
        delta = 0 * x
        for _ in range(3):
            delta = beta * delta + lr * (c * (x - beta * delta))
            x = x - delta
        return x, x - beta * delta

    assert_agree(gs, lookahead, shifted, x, curvature)
    assert_agree(gs, lookahead, velocity, x, curvature)


@law("optimizer.nesterov")
def test_nesterov_reproduces_the_example_of_the_notes(gs):
    """L = W^2 / 2, W = a = 1, eta = 0.1, beta = 0.9: the slope ahead is 0.91, a = 1.81, W = 0.819."""
    one = np.array(1.0)

    def step(gs, one):
        state = spec.MomentumState(one)
        slope = gs.nesterov_lookahead(one, state, lr=0.1, beta=0.9)
        w, state = gs.nesterov(one, slope, state, lr=0.1, beta=0.9, form="lookahead")
        return slope, state.a, w

    assert_agree(gs, step, lambda gs, one: (0.91 * one, 1.81 * one, 0.819 * one), one)


@law("optimizer.exponential_moving_average")
@given(vectors(7, 2), vectors(2), st.floats(0, 0.999))
def test_an_average_is_the_sum_of_fading_values(gs, x, init, gamma):
    """m_t = (1 - gamma) sum_s gamma^(t - s) x_s + gamma^t m_0."""
    t = np.arange(7)
    weights = np.where(t[:, None] >= t, gamma ** np.maximum(t[:, None] - t, 0.0), 0)
    fading = (gamma ** (t + 1.0))[:, None]
    assert_agree(
        gs,
        lambda gs, x, init, w, f: gs.exponential_moving_average(x, init, gamma=gamma),
        lambda gs, x, init, w, f: (1 - gamma) * (w @ x) + f * init,
        x, init, gs.precision.round(weights), gs.precision.round(fading),
    )  # fmt: skip


@law("optimizer.exponential_moving_average")
@given(vectors(3), st.floats(0, 0.999), st.integers(1, 9))
def test_an_average_of_equal_values_is_that_value(gs, x, gamma, t):
    """A constant is a fixed point; from 0 the weights so far sum to 1 - gamma^t."""
    constant = np.repeat(x[None], t, 0)
    assert_agree(
        gs,
        lambda gs, x, c: gs.exponential_moving_average(c, x, gamma=gamma)[-1],
        lambda gs, x, c: 1.0 * x,
        x,
        constant,
    )
    assert_agree(
        gs,
        lambda gs, x, c: gs.exponential_moving_average(c, gamma=gamma)[-1],
        lambda gs, x, c: -math.expm1(t * math.log(gamma)) * x if gamma else 1.0 * x,
        x,
        constant,
    )


@law("optimizer.exponential_moving_average")
@given(vectors(6), vectors(6), st.floats(0, 0.999))
def test_an_average_is_linear(gs, x, y, gamma):
    """EMA(x + 2 y) = EMA(x) + 2 EMA(y)."""
    assert_agree(
        gs,
        lambda gs, x, y: gs.exponential_moving_average(x + 2 * y, gamma=gamma),
        lambda gs, x, y: (
            gs.exponential_moving_average(x, gamma=gamma) + 2 * gs.exponential_moving_average(y, gamma=gamma)
        ),
        x,
        y,
    )


@law("optimizer.exponential_moving_average")
def test_gamma_of_0_99_stands_for_a_window_of_100(gs):
    """Its weights have the mean age gamma / (1 - gamma) = 99, and reach as far as a window of 1 / (1 - gamma) = 100."""
    n = 4000
    impulse = np.zeros(n)
    impulse[0] = 1.0
    weights = gs.numpy(gs.exponential_moving_average(gs.array(impulse), gamma=0.99)).astype(np.float64)
    bound = 8 * n * gs.precision.unit
    assert abs((weights * np.arange(n)).sum() - 99) <= 99 * bound
    assert abs(weights[:100].sum() - (1 - 0.99**100)) <= bound


# A rate of its own for every parameter


@law("optimizer.adagrad", "optimizer.adam", "optimizer.adamax", "optimizer.rmsprop_step_bound", "optimizer.rmsprop")
@given(vectors(), RATES)
def test_the_first_step_has_the_same_size_for_every_gradient(gs, g, lr):
    """With eps = 0 the first step is eta sign(g); RMSProp's is eta sign(g) / sqrt(1 - gamma), its largest."""
    factors = {"adagrad": 1.0, "adam": 1.0, "adamax": 1.0, "rmsprop": 2.0}
    for name, factor in factors.items():
        options = {"gamma": 0.75} if name == "rmsprop" else {}
        assert_agree(
            gs,
            lambda gs, g, s, name=name, options=options: getattr(gs, name)(0 * g, g, lr=lr, eps=0.0, **options)[0],
            lambda gs, g, s, factor=factor: -lr * factor * s,
            g,
            np.sign(g),
        )


ADAPTIVE = ("adagrad", "rmsprop", "adam", "adamax", "nadam")


@law("optimizer.adagrad", "optimizer.rmsprop", "optimizer.adam", "optimizer.adamax", "optimizer.nadam")
@given(vectors(3, 5), st.sampled_from(ADAPTIVE), st.sampled_from((2.0**-6, 3.0, 2.0**10)))
def test_the_scale_of_the_loss_does_not_matter(gs, g, name, scale):
    """With eps = 0 all gradients may be multiplied by a constant, and every parameter by its own."""
    scales = gs.precision.round(np.array([scale, 1.0, 1.0, scale, 0.5]))

    def end(gs, g):
        x, state = 0 * g[0], None
        for one in g:
            x, state = getattr(gs, name)(x, one, state, eps=0.0)
        return x

    assert_agree(gs, lambda gs, g, s: end(gs, g * s), lambda gs, g, s: end(gs, g), g, scales)


@law("optimizer.adagrad", "optimizer.adagrad_decay")
@given(vectors(), RATES, st.integers(1, 9))
def test_adagrad_slows_down_as_the_root_of_time(gs, g, lr, t):
    """A constant gradient: the t-th step is eta / sqrt(t), which goes to 0."""

    def last(gs, g, s):
        points, _ = run(gs.adagrad, 0 * g, lambda x: g, t - 1, lr=lr, eps=0.0)
        state = spec.AdagradState((t - 1) * g * g)
        return gs.adagrad(0 * points[-1], g, state, lr=lr, eps=0.0)[0]

    assert_agree(gs, last, lambda gs, g, s: -lr / math.sqrt(t) * s, g, np.sign(g))


@law("optimizer.adagrad", "optimizer.adagrad_decay")
@given(vectors(4, 3))
def test_adagrad_never_forgets(gs, g):
    """G is the sum of all squares: it does not decrease, so no effective rate ever grows."""
    state = None
    for one in gs.array(g):
        old, (_, state) = state, gs.adagrad(0 * one, one, state)
        assert old is None or (gs.numpy(state.G) >= gs.numpy(old.G)).all()
    assert_agree(gs, lambda gs, g: follow(gs.adagrad, g).G, lambda gs, g: (g * g).sum(0), g)


@law("optimizer.adagrad_decay")
@given(st.integers(2, 9), RATES)
def test_a_rarely_updated_parameter_keeps_a_larger_rate(gs, t, lr):
    """After t gradients of 1 for one parameter and one for another, a 1 moves them by 1/sqrt(t + 1) and 1/sqrt(2)."""
    gradients = np.ones((t, 2))
    gradients[1:, 1] = 0.0
    one = np.ones(2)

    def next_step(gs, gradients, one):
        return gs.adagrad(0 * one, one, follow(gs.adagrad, gradients, lr=lr, eps=0.5), lr=lr, eps=0.0)[0]

    expected = gs.precision.round(np.array([1 / math.sqrt(t + 1), 1 / math.sqrt(2)]))
    assert_agree(
        gs, lambda gs, g, one, e: next_step(gs, g, one), lambda gs, g, one, e: -lr * e, gradients, one, expected
    )


@law("optimizer.adadelta")
@given(vectors(), st.sampled_from((0.5, 0.9)), st.sampled_from((1e-6, 1e-2)))
def test_adadelta_starts_from_epsilon(gs, g, gamma, eps):
    """Without a learning rate the first step is sqrt(eps) / sqrt((1 - gamma) g^2 + eps) g."""
    assert "lr" not in {option.name for option in find("adadelta").options}
    assert_agree(
        gs,
        lambda gs, g: gs.adadelta(0 * g, g, gamma=gamma, eps=eps)[0],
        lambda gs, g: -(eps**0.5) * g / ((1 - gamma) * g * g + eps) ** 0.5,
        g,
    )


@law("optimizer.adadelta")
@given(vectors(), curvatures(), curvatures(), st.sampled_from((0.25, 3.0)), st.sampled_from((2.0, 0.125)))
def test_adadelta_has_the_units_of_its_parameters(gs, g, G, H, loss, unit):
    """With eps = 0 the unit of the loss changes nothing; the unit of the parameters is the unit of the step."""
    G, H = gs.precision.round(G), gs.precision.round(H)

    def step(gs, g, G, H):
        return gs.adadelta(0 * g, g, spec.AdadeltaState(G, H), eps=0.0)[0]

    assert_agree(
        gs,
        lambda gs, g, G, H: step(gs, g * (loss / unit), G * (loss / unit) ** 2, H * unit**2),
        lambda gs, g, G, H: unit * step(gs, g, G, H),
        g, G, H,
    )  # fmt: skip


@law("optimizer.rmsprop")
@given(vectors(), RATES, st.sampled_from((0.5, 0.9)), st.integers(1, 8))
def test_rmsprop_settles_at_steps_of_the_learning_rate(gs, g, lr, gamma, t):
    """A constant gradient: the t-th step is eta sign(g) / sqrt(1 - gamma^t), which goes to eta sign(g)."""

    def last(gs, g, s):
        _, state = run(gs.rmsprop, 0 * g, lambda x: g, t, lr=lr, gamma=gamma, eps=0.0)
        before = spec.RMSPropState((state.G - (1 - gamma) * g * g) / gamma)
        return gs.rmsprop(0 * g, g, before, lr=lr, gamma=gamma, eps=0.0)[0]

    assert_agree(gs, last, lambda gs, g, s: -lr * s / math.sqrt(1 - gamma**t), g, np.sign(g))


@law("optimizer.rmsprop", "optimizer.rmsprop_step_bound")
@given(inputs("rmsprop"))
def test_no_step_of_rmsprop_is_larger_than_its_bound(gs, case):
    """|step| <= eta / sqrt(1 - gamma) for every gradient and state: an exploding gradient cannot explode the step."""
    x, g, state = case.arguments
    if not isinstance(x, np.ndarray):
        return
    lr, gamma = case.options["lr"], case.options["gamma"]
    assert_at_most(
        gs,
        lambda gs, x, g, state: abs(gs.rmsprop(0 * x, g, state, **{**case.options, "eps": 1e-8})[0]),
        lambda gs, x, g, state: lr / math.sqrt(1 - gamma) + 0 * x,
        x, g, state,
    )  # fmt: skip


@law("optimizer.rmsprop", "optimizer.adagrad")
@given(vectors(), vectors(), curvatures(), RATES, st.sampled_from((0.5, 0.9)))
def test_rmsprop_with_a_sum_for_the_average_is_adagrad(gs, x, g, G, lr, gamma):
    """An average of (1 - gamma)/gamma G and (1 - gamma) g^2 is (1 - gamma) times Adagrad's sum."""
    assert_agree(
        gs,
        lambda gs, x, g, G: gs.rmsprop(
            x, g, spec.RMSPropState(G * ((1 - gamma) / gamma)), lr=lr * math.sqrt(1 - gamma), gamma=gamma, eps=0.0
        )[0],
        lambda gs, x, g, G: gs.adagrad(x, g, spec.AdagradState(G), lr=lr, eps=0.0)[0],
        x, g, gs.precision.round(G),
    )  # fmt: skip


# Both: the Adam family


@st.composite
def adam_states(draw: st.DrawFn) -> tuple[int, np.ndarray, np.ndarray]:
    """A step counter, and moments."""
    return draw(st.integers(0, 50)), draw(vectors()), PRECISION.get().round(draw(curvatures()))


@law("optimizer.adam")
@given(vectors(), vectors(), adam_states(), RATES)
def test_adam_without_momentum_is_rmsprop_with_bias_correction(gs, x, g, state, lr):
    """beta1 = 0 and eps = 0: RMSProp whose rate is eta sqrt(1 - beta2^t)."""
    step, m, v = state
    correction = math.sqrt(-math.expm1((step + 1) * math.log(0.99)))
    assert_agree(
        gs,
        lambda gs, x, g, t, m, v: gs.adam(x, g, spec.AdamState(t, m, v), lr=lr, beta1=0.0, beta2=0.99, eps=0.0)[0],
        lambda gs, x, g, t, m, v: gs.rmsprop(
            x, g, spec.RMSPropState(v), lr=lr * correction, gamma=0.99, eps=0.0
        )[0],
        x, g, np.array(step), m, v,
    )  # fmt: skip


@law("optimizer.adam", "optimizer.adam_bias_correction")
@given(vectors(), BETAS, BETAS, st.integers(1, 8))
def test_bias_correction_makes_constant_gradients_exact(gs, g, beta1, beta2, t):
    """At every t, m / (1 - beta1^t) = g and v / (1 - beta2^t) = g^2, so every step is eta sign(g)."""
    options = {"lr": 0.5, "beta1": beta1, "beta2": beta2, "eps": 0.0}

    def moments(gs, g, s):
        _, state = run(gs.adam, 0 * g, lambda x: g, t, **options)
        return state.m / (1 - beta1**t), state.v / (1 - beta2**t)

    def last(gs, g, s):
        before = None if t == 1 else run(gs.adam, 0 * g, lambda x: g, t - 1, **options)[1]
        return gs.adam(0 * g, g, before, **options)[0]

    assert_agree(gs, moments, lambda gs, g, s: (1.0 * g, g * g), g, np.sign(g))
    assert_agree(gs, last, lambda gs, g, s: -0.5 * s, g, np.sign(g))


@law("optimizer.adam_bias_correction")
@given(vectors(), vectors(), adam_states(), BETAS, BETAS)
def test_both_places_of_the_correction_are_one_without_epsilon(gs, x, g, state, beta1, beta2):
    """With eps = 0: m_hat / sqrt(v_hat) is the bare quotient with the rate eta sqrt(1 - beta2^t) / (1 - beta1^t)."""
    step, m, v = state
    options = {"lr": 0.5, "beta1": beta1, "beta2": beta2, "eps": 0.0}
    assert_agree(
        gs,
        lambda gs, x, g, t, m, v: gs.adam(x, g, spec.AdamState(t, m, v), **options)[0],
        lambda gs, x, g, t, m, v: gs.adam(x, g, spec.AdamState(t, m, v), eps_place="inside", **options)[0],
        x, g, np.array(step), m, v,
    )  # fmt: skip


@law("optimizer.adam_bias_correction")
@given(vectors(), vectors(), adam_states())
def test_bias_correction_fades(gs, x, g, state):
    """After 100,000 steps Adam's step is the bare quotient of its averages."""
    _, m, v = state

    def bare(gs, x, g, t, m, v):
        new = gs.adam(x, g, spec.AdamState(t, m, v), eps=0.0)[1]
        return x - 1e-3 * new.m / new.v**0.5

    assert_agree(
        gs,
        lambda gs, x, g, t, m, v: gs.adam(x, g, spec.AdamState(t, m, v), eps=0.0)[0],
        bare,
        x, g, np.array(100_000), m, v,
    )  # fmt: skip


@law("optimizer.adamax")
@given(vectors(5, 4), st.sampled_from((0.5, 0.9)))
def test_adamax_divides_by_the_limit_of_the_lp_norms(gs, g, beta2):
    """Bounds: u <= (sum_s (beta2^(t - s) |g_s|)^p)^(1/p) <= t^(1/p) u: for growing p the norm becomes u."""
    fading = gs.precision.round(beta2 ** np.arange(4.0, -1, -1))[:, None]

    def largest(gs, g, f):
        return follow(gs.adamax, g, beta2=beta2, eps=0.0).u

    for p in (8, 16):

        def norm(gs, g, f, p=p):
            return ((f * abs(g)) ** p).sum(0) ** (1 / p)

        assert_at_most(gs, largest, norm, g, fading)
        assert_at_most(gs, norm, lambda gs, g, f, p=p: 5 ** (1 / p) * largest(gs, g, f), g, fading)


@law("optimizer.adamax")
@given(inputs("adamax"))
def test_adamax_takes_no_gradient_smaller_than_it_is(gs, case):
    """The new u is at least |g| and at least beta2 times the old u."""
    x, g, state = case.arguments
    if state is None or not isinstance(x, np.ndarray):
        return

    def new(gs, x, g, state):
        return gs.adamax(x, g, state, **case.options)[1].u

    beta2 = case.options["beta2"]
    assert_at_most(gs, lambda gs, x, g, state: abs(g), new, x, g, state)
    assert_at_most(gs, lambda gs, x, g, state: beta2 * state.u, new, x, g, state)


@law("optimizer.adamax")
@given(vectors(), BETAS, st.integers(1, 6))
def test_adamax_needs_no_correction_of_its_maximum(gs, g, beta2, t):
    """A constant gradient: u = |g| from the first step on."""
    state = run(gs.adamax, gs.array(0 * g), lambda x: gs.array(g), t, beta2=beta2, eps=0.0)[1]
    assert (gs.numpy(state.u) == np.abs(g)).all()


@law("optimizer.adamw")
@given(vectors(), vectors(), adam_states(), RATES)
def test_adamw_without_decay_is_adam(gs, x, g, state, lr):
    """With lambda = 0 they are the same."""
    step, m, v = state
    assert_agree(
        gs,
        lambda gs, x, g, t, m, v: flat(gs.adamw(x, g, spec.AdamState(t, m, v), lr=lr, weight_decay=0.0)),
        lambda gs, x, g, t, m, v: flat(gs.adam(x, g, spec.AdamState(t, m, v), lr=lr)),
        x, g, np.array(step), m, v,
    )  # fmt: skip


@law("optimizer.adamw")
@given(vectors(), RATES, st.sampled_from((0.01, 0.5)), st.integers(1, 5))
def test_adamw_without_gradient_only_decays(gs, x, lr, decay, steps):
    """W_t = (1 - eta lambda)^t W_0."""
    assert_agree(
        gs,
        lambda gs, x: run(gs.adamw, x, lambda x: 0 * x, steps, lr=lr, weight_decay=decay)[0][-1],
        lambda gs, x: (1 - lr * decay) ** steps * x,
        x,
    )


@law("optimizer.adamw", "optimizer.decoupled_weight_decay")
@given(vectors(), vectors(), st.sampled_from((1.0, 2.0**-8, 2.0**8)))
def test_the_decay_of_adamw_does_not_depend_on_the_gradient(gs, x, g, scale):
    """AdamW is Adam's step from a shrunk start, for gradients of any scale."""
    options = {"lr": 0.125, "eps": 0.0}
    assert_agree(
        gs,
        lambda gs, x, g: gs.adamw(x, scale * g, weight_decay=0.5, **options)[0],
        lambda gs, x, g: gs.adam(x - 0.0625 * x, g, **options)[0],
        x,
        g,
    )


@law("optimizer.decoupled_weight_decay")
@given(vectors(), vectors(), RATES, st.sampled_from((0.01, 0.5)))
def test_for_gradient_descent_weight_decay_is_l2(gs, x, g, lr, decay):
    """W - eta (g + lambda W) = (1 - eta lambda) W - eta g."""
    assert_agree(
        gs,
        lambda gs, x, g: gs.gradient_descent(x, g + decay * x, lr=lr),
        lambda gs, x, g: gs.gradient_descent((1 - lr * decay) * x, g, lr=lr),
        x,
        g,
    )


@law("optimizer.decoupled_weight_decay")
def test_for_adam_weight_decay_is_not_l2(gs):
    """W = 1 without a gradient, eta = 0.125, lambda = 0.5: AdamW goes to 1 - 0.0625, Adam with L2 to 1 - 0.125."""
    one = np.array(1.0)
    assert_agree(
        gs,
        lambda gs, w: (
            gs.adamw(w, 0 * w, lr=0.125, weight_decay=0.5)[0],
            gs.adam(w, 0 * w + 0.5 * w, lr=0.125, eps=0.0)[0],
        ),
        lambda gs, w: (0.9375 * w, 0.875 * w),
        one,
    )


@law("optimizer.nadam")
@given(vectors(), vectors(), adam_states(), st.sampled_from(("scheduled", "simplified")))
def test_nadam_without_momentum_is_adam_without_momentum(gs, x, g, state, form):
    """beta1 = 0: nothing to look ahead with."""
    step, m, v = state
    product = np.array(0.0 if step else 1.0)
    assert_agree(
        gs,
        lambda gs, x, g, t, p, m, v: gs.nadam(x, g, spec.NAdamState(t, p, m, v), beta1=0.0, form=form)[0],
        lambda gs, x, g, t, p, m, v: gs.adam(x, g, spec.AdamState(t, m, v), lr=2e-3, beta1=0.0)[0],
        x, g, np.array(step), product, m, v,
    )  # fmt: skip


@law("optimizer.nadam")
@given(vectors(), RATES, st.sampled_from((0.5, 0.9)))
def test_the_first_step_of_nadam_counts_its_momentum_twice(gs, g, lr, beta1):
    """With eps = 0 the first simplified step is eta (1 + beta1) sign(g)."""
    assert_agree(
        gs,
        lambda gs, g, s: gs.nadam(0 * g, g, lr=lr, beta1=beta1, eps=0.0, form="simplified")[0],
        lambda gs, g, s: -lr * (1 + beta1) * s,
        g,
        np.sign(g),
    )


@law("optimizer.radam")
@given(vectors(), vectors(), vectors(), st.integers(0, 4))
def test_the_first_five_steps_of_radam_are_momentum(gs, x, g, m, step):
    """beta2 = 0.999: rho_t <= 5 up to t = 5, and the step is eta m_hat, whatever the squares are."""
    correction = 1 - 0.9 ** (step + 1)
    assert_agree(
        gs,
        lambda gs, x, g, t, m, v: gs.radam(x, g, spec.AdamState(t, m, v), lr=0.1)[0],
        lambda gs, x, g, t, m, v: x - 0.1 / correction * (0.9 * m + 0.1 * g),
        x, g, np.array(step), m, 1000 * np.ones(5),
    )  # fmt: skip


@law("optimizer.radam")
@given(vectors(), vectors(), adam_states())
def test_radam_trusts_adam_more_and_more(gs, x, g, state):
    """With eps = 0 the step is r_t times Adam's; r_t is in (0, 1), grows with t and goes to 1."""
    _, m, v = state

    def rectification(t):
        beta = Fraction(0.999)  # exact: the difference below loses digits
        rho_inf = 2 / (1 - beta) - 1
        rho = rho_inf - 2 * t * beta**t / (1 - beta**t)
        return math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))

    times = (6, 20, 100, 1000)
    for t in times:
        r = rectification(t)
        assert_agree(
            gs,
            lambda gs, g, t, m, v: gs.radam(0 * g, g, spec.AdamState(t, m, v), eps=0.0)[0],
            lambda gs, g, t, m, v, r=r: r * gs.adam(0 * g, g, spec.AdamState(t, m, v), eps=0.0)[0],
            g, np.array(t - 1), m, v,
        )  # fmt: skip
    rs = [rectification(t) for t in times]
    assert all(0 < a < b <= 1 for a, b in itertools.pairwise(rs))


# Using the curvature


@law("optimizer.newton_method", "optimizer.taylor_models")
@given(inputs("newton_method"))
def test_newton_needs_one_step_on_a_quadratic(gs, case):
    """The gradient H (x - x*) leads to x* at once, from everywhere, for every H that has an inverse."""
    x, best, hessian = case.arguments
    assert_agree(
        gs,
        lambda gs, x, best, h: gs.newton_method(x, h @ (x - best), h),
        lambda gs, x, best, h: 1.0 * best,
        x, best, hessian,
    )  # fmt: skip


@law("optimizer.newton_method")
@given(inputs("newton_method"), st.sampled_from((2.0, 0.25)))
def test_newton_does_not_care_for_units(gs, case, unit):
    """With x = A y the step in y is that in x: gradients become A^T g, Hessians A^T H A."""
    x, g, hessian = case.arguments
    scale = unit ** (np.arange(len(x)) % 3)
    assert_agree(
        gs,
        lambda gs, x, g, h, a: a * gs.newton_method(x / a, a * g, a[:, None] * h * a),
        lambda gs, x, g, h, a: gs.newton_method(x, g, h),
        x, g, hessian, scale,
    )  # fmt: skip


@law("optimizer.newton_method")
@given(st.floats(0.5, 8))
def test_newton_doubles_the_correct_digits_of_a_root(gs, x):
    """For the slope x^2 - 2 the error becomes e^2 / (2 x): close to the minimum it is squared in every step."""
    x = gs.precision.round(np.array([x]))
    root = math.sqrt(2)
    assert_agree(
        gs,
        lambda gs, x: gs.newton_method(x, x * x - 2, (2 * x)[:, None]) - x,
        lambda gs, x: (x - root) * (x - root) / (2 * x) - (x - root),
        x,
    )


def bumpy(x):
    """A smooth function of two variables, with its gradient and its Hessian."""
    a, b = x
    value = a**4 / 4 + a * b + b**2 + a**3
    slope = np.array([a**3 + b + 3 * a**2, a + 2 * b])
    return value, slope, np.array([[3 * a**2 + 6 * a, 1.0], [1.0, 2.0]])


@law("optimizer.taylor_models")
@given(vectors(2), vectors(2))
def test_models_are_as_good_as_their_order(gs, x, d):
    """Halving d divides the error of the linear model by 4 and that of the quadratic one by 8."""

    def model(gs, order):
        def value(w):
            return w[0] ** 4 / 4 + w[0] * w[1] + w[1] ** 2 + w[0] ** 3

        f, g = gs.value_and_grad(value)(gs.array(x))
        f, g, hessian = float(gs.numpy(f)), gs.numpy(g).astype(np.float64), bumpy(x)[2]
        errors = []
        for h in (2.0**-4, 2.0**-5):
            predicted = f + h * g @ d + (h * h / 2 * d @ hessian @ d if order == 2 else 0)
            errors.append(abs(bumpy(x + h * d)[0] - predicted))
        return errors

    if gs.precision.name != "float64":
        return  # the remainder drowns in the rounding of the value
    third = 6 * x[0] * d[0] ** 3 + 6 * d[0] ** 3  # the third derivative along d
    second = d @ bumpy(x)[2] @ d
    for order, leading in ((1, second), (2, third)):
        if abs(leading) < 0.5 or np.abs(d).max() > 2:
            continue  # the next order would show
        coarse, fine = model(gs, order)
        assert order + 0.5 < math.log2(coarse / fine) < order + 1.5


@law("optimizer.taylor_models", "optimizer.gradient_descent")
@given(vectors(), vectors(), vectors(), RATES)
def test_gradient_descent_minimises_the_linear_model_with_a_penalty(gs, x, g, other, lr):
    """<g, d> + |d|^2 / (2 eta) is nowhere smaller than at d = -eta g."""

    def model(g, d):
        return (g * d).sum(-1) + (d * d).sum(-1) / (2 * lr)

    assert_at_most(
        gs,
        lambda gs, x, g, d: model(g, gs.gradient_descent(0 * x, g, lr=lr)),
        lambda gs, x, g, d: model(g, d),
        x, g, lr * other - lr * g,
    )  # fmt: skip


@law("optimizer.taylor_models", "optimizer.newton_method")
@given(vectors(3, 3), vectors(3), vectors(3))
def test_newton_minimises_the_quadratic_model(gs, factor, g, other):
    """For a positive definite H no step makes <g, d> + d H d / 2 smaller than Newton's."""
    hessian = gs.precision.round(factor @ factor.T + np.eye(3))

    def model(g, h, d):
        return (g * d).sum(-1) + (d * (h @ d)).sum(-1) / 2

    assert_at_most(
        gs,
        lambda gs, g, h, d: model(g, h, gs.newton_method(0 * g, g, h)),
        lambda gs, g, h, d: model(g, h, d),
        g, hessian, other,
    )  # fmt: skip


# The rate over time. `one` makes a rate a number of the precision under test, with its rounding.

LENGTHS = st.integers(1, 200)


@law("optimizer.cosine_decay")
@given(RATES, LENGTHS, st.sampled_from((0.0, 0.005)))
def test_cosine_decay_falls_from_base_to_min_in_mirrored_halves(gs, base, total, low):
    """The base at 0, the minimum at T, never up on the way; eta_t + eta_(T - t) is constant; past T it rises again."""
    steps = np.arange(total + 1)
    options = {"base_lr": base, "total_steps": total, "min_lr": low}
    rates = gs.numpy(gs.cosine_decay(gs.array(steps), **options))
    assert rates[-1] == low
    assert (np.diff(rates) <= 0).all()
    assert_agree(
        gs,
        lambda gs, t, one: one * gs.cosine_decay(t, **options) + one * gs.cosine_decay(total - t, **options),
        lambda gs, t, one: (base + low) * one,
        steps,
        np.ones(total + 1),
    )
    assert_agree(
        gs,
        lambda gs, t, one: one * gs.cosine_decay(t, **options),
        lambda gs, t, one: base * one,
        np.array([0, 2 * total]),
        np.ones(2),
    )


@law("optimizer.cosine_decay")
@given(RATES, LENGTHS)
def test_cosine_decay_is_a_cosine(gs, base, total):
    """eta_t = eta_0 (1 + cos(pi t / T)) / 2, up to and past T."""
    steps = np.arange(2 * total + 1)
    rates = gs.numpy(gs.cosine_decay(gs.array(steps), base_lr=base, total_steps=total)).astype(np.float64)
    closed = base / 2 * (1 + np.cos(np.pi * (steps / total)))
    # the rounding of an argument up to 2 pi, and that of what is done with the cosine
    assert (np.abs(rates - closed) <= base * (2 * np.pi + 6) * gs.precision.unit).all()


@law("optimizer.linear_decay")
@given(RATES, LENGTHS)
def test_linear_decay_falls_by_the_same_amount_every_step(gs, base, total):
    """The base at 0, 0 from T on, and equal differences between."""
    rates = gs.numpy(gs.linear_decay(gs.array(np.arange(2 * total)), base_lr=base, total_steps=total))
    assert rates[0] == base
    assert (rates[total:] == 0).all()
    assert_agree(
        gs,
        lambda gs, t, one: one * gs.linear_decay(t, base_lr=base, total_steps=total) + (base / total) * (one * t),
        lambda gs, t, one: base * one,
        np.arange(total + 1),
        np.ones(total + 1),
    )


@law("optimizer.inverse_sqrt_decay")
@given(RATES, st.integers(1, 1000), st.sampled_from((1, 7, 100)))
def test_inverse_sqrt_decay_halves_when_time_quadruples(gs, base, t, timescale):
    """eta(4 t) = eta(t) / 2: always above 0, the base at the time scale."""
    options = {"base_lr": base, "timescale": timescale}
    assert_agree(
        gs,
        lambda gs, t, one: 2 * (one * gs.inverse_sqrt_decay(4 * t, **options)),
        lambda gs, t, one: one * gs.inverse_sqrt_decay(t, **options),
        np.array(t),
        np.array(1.0),
    )
    assert gs.numpy(gs.inverse_sqrt_decay(gs.array(np.array(timescale)), **options)) == base
    assert gs.numpy(gs.inverse_sqrt_decay(gs.array(np.array(10**9)), **options)) > 0


@law("optimizer.inverse_sqrt_decay")
@given(st.integers(2, 6))
def test_inverse_sqrt_decay_never_runs_out(gs, doublings):
    """The rates up to t sum to at least 2 (sqrt(t + 1) - 1), which grows without end: any distance can be walked."""
    t = 4**doublings
    rates = gs.numpy(gs.inverse_sqrt_decay(gs.array(np.arange(1, t + 1)), base_lr=1.0))
    assert rates.astype(np.float64).sum() >= 2 * (math.sqrt(t + 1) - 1)


DECAYS = ("constant", "cosine", "linear", "inverse_sqrt")


@law("optimizer.linear_warmup")
@given(RATES, st.integers(1, 50), st.integers(1, 100), st.sampled_from(DECAYS))
def test_warmup_rises_from_0_to_the_base_and_goes_on_without_a_jump(gs, base, warmup, rest, decay):
    """The rate is 0 at step 0, eta_0 t / T_w on the way and eta_0 at T_w, where every decay begins."""
    options = {"base_lr": base, "warmup_steps": warmup, "decay": decay, "total_steps": warmup + rest}
    rates = gs.numpy(gs.linear_warmup(gs.array(np.arange(warmup + 1)), **options))
    assert rates[0] == 0
    assert (np.diff(rates) > 0).all()
    assert_agree(
        gs,
        lambda gs, t, one: one * gs.linear_warmup(t, **options),
        lambda gs, t, one: (base / warmup) * (one * t),
        np.arange(warmup + 1),
        np.ones(warmup + 1),
    )
    after = gs.numpy(gs.linear_warmup(gs.array(np.arange(warmup, warmup + rest + 1)), **options))
    assert (np.diff(after) <= 0).all()


@law("optimizer.linear_warmup", "optimizer.cosine_decay", "optimizer.linear_decay", "optimizer.inverse_sqrt_decay")
@given(RATES, LENGTHS)
def test_warmup_of_length_0_is_the_bare_decay(gs, base, total):
    """With T_w = 0 nothing is left but the decay."""
    options = {"base_lr": base, "warmup_steps": 0, "total_steps": total}
    steps = gs.array(np.arange(1, total + 1))
    bare = {
        "cosine": gs.cosine_decay(steps, base_lr=base, total_steps=total),
        "linear": gs.linear_decay(steps, base_lr=base, total_steps=total),
        "inverse_sqrt": gs.inverse_sqrt_decay(steps, base_lr=base),
    }
    for decay, rates in bare.items():
        assert np.array_equal(gs.numpy(gs.linear_warmup(steps, decay=decay, **options)), gs.numpy(rates)), decay


@law("optimizer.clip_grad_norm")
@given(vectors(3), vectors(2, 2), st.floats(0.01, 10))
def test_clipping_keeps_the_direction_and_bounds_the_length(gs, a, b, theta):
    """|clip(g)| = min(|g|, theta) over all arrays together, and every array is multiplied by the same number."""

    def clipped(gs, a, b):
        a, b = gs.clip_grad_norm([a, b], max_norm=theta)
        return ((a * a).sum() + (b * b).sum()) ** 0.5

    length = math.sqrt((a * a).sum() + (b * b).sum())
    expected = np.array(gs.precision.round(min(length, theta)))
    assert_agree(gs, lambda gs, a, b, e: clipped(gs, a, b), lambda gs, a, b, e: 1.0 * e, a, b, expected)
    factor = min(1.0, theta / length)
    assert_agree(
        gs,
        lambda gs, a, b: tuple(gs.clip_grad_norm([a, b], max_norm=theta)),
        lambda gs, a, b: (factor * a, factor * b),
        a,
        b,
    )


@law("optimizer.clip_grad_norm")
@given(vectors())
def test_a_short_gradient_is_left_as_it_is(gs, g):
    """Below the threshold nothing changes, not even the last bit; and clipping twice is clipping once."""
    long = 2 * math.sqrt((g * g).sum())
    assert (gs.numpy(gs.clip_grad_norm(gs.array(g), max_norm=long)) == g).all()
    assert_agree(
        gs,
        lambda gs, g: gs.clip_grad_norm(gs.clip_grad_norm(g, max_norm=0.5), max_norm=0.5),
        lambda gs, g: gs.clip_grad_norm(g, max_norm=0.5),
        g,
    )


@law("optimizer.clip_grad_norm")
@given(vectors(), vectors(), st.floats(0.1, 4))
def test_clipping_brings_no_two_gradients_further_apart(gs, g, other, theta):
    """|clip(g) - clip(h)| <= |g - h|: a projection on a ball."""
    assert_at_most(
        gs,
        lambda gs, g, h: size(gs.clip_grad_norm(g, max_norm=theta) - gs.clip_grad_norm(h, max_norm=theta)),
        lambda gs, g, h: size(g - h),
        g,
        other,
    )
