"""Laws of regularization."""

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gongsik import Draws
from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec.tree import map_leaves

SEEDS = st.integers(0, 2**32 - 1)
EIGHTHS = st.integers(0, 8).map(lambda n: n / 8)
SIGNS = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
"""The eight corners of a cube: each coordinate has mean 0 and variance 1, and no two of them go together."""


def eighths(*shape: int, low: int = -64, high: int = 64) -> st.SearchStrategy[np.ndarray]:
    """Multiples of 1/8: sums, differences and small products of them are exact in every precision."""
    size = math.prod(shape)
    return st.lists(st.integers(low, high), min_size=size, max_size=size).map(lambda x: np.reshape(x, shape) / 8)


def chances(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Multiples of 1/8 from 0 to 1."""
    return eighths(*shape, low=0, high=8)


def onehot(labels: list[int], k: int) -> np.ndarray:
    return np.eye(k)[labels]


def images(n: int = 2, c: int = 2) -> st.SearchStrategy[np.ndarray]:
    """Images of up to 6 by 6 pixels."""

    def of(seed: int, h: int, w: int) -> np.ndarray:
        return make(seed, "normal", (n, c, h, w), PRECISION.get().name)

    return st.builds(of, SEEDS, st.integers(1, 6), st.integers(1, 6))


def pixels(gs, function, x, *arguments, **options):
    """What a formula makes of images, as NumPy's array."""
    return gs.numpy(getattr(gs, function)(gs.array(x), *arguments, **options))


def same(a, b) -> bool:
    return a.shape == b.shape and bool((a == b).all())


def rounded(x):
    return PRECISION.get().round(x)


# A price on large weights


@law("regularization.regularized_objective")
@given(eighths(1, low=-800, high=800), eighths(1), st.sampled_from([0.0, 0.5, 2.0]))
def test_objective_is_linear_in_its_strength(gs, loss, penalty, strength):
    """A strength of 0 leaves the loss as it is, and the gradient of the objective is the sum of both gradients."""
    loss, penalty = gs.array(loss[0]), gs.array(penalty[0])
    assert gs.numpy(gs.regularized_objective(loss, penalty, strength=0.0)) == gs.numpy(loss)
    for i, expected in enumerate((1.0, strength)):
        pair = [loss, penalty]
        slopes = gs.value_and_grad(lambda pair: gs.regularized_objective(*pair, strength=strength))(pair)[1]
        assert gs.numpy(slopes[i]) == expected


@law("regularization.regularized_objective")
@given(st.integers(1, 8), st.integers(-16, 16), st.integers(0, 6))
def test_more_strength_buys_a_smaller_penalty_with_a_larger_loss(gs, x, y, k):
    """At the ridge solution w = x y / (x^2 + lambda), a larger lambda gives no smaller loss and no larger penalty."""
    points = [np.array(rounded(x * y / (x * x + lam))) for lam in (2.0 ** (k - 3), 2.0 ** (k - 2))]

    def loss(gs, w):
        return (w * x - y) ** 2 / 2

    def penalty(gs, w):
        return gs.l2_penalty(w)

    for value, (small, large) in ((loss, points), (penalty, points[::-1])):
        assert_at_most(gs, lambda gs, a, b, f=value: f(gs, a), lambda gs, a, b, f=value: f(gs, b), small, large)


@law("regularization.l2_penalty")
@given(inputs("l2_penalty"))
def test_gradient_of_the_l2_penalty_is_the_weights_themselves(gs, case):
    """The gradient of alpha/2 |W|^2 is alpha W."""
    strength = case.options["strength"]

    def slope(gs, params):
        return gs.value_and_grad(lambda params: gs.l2_penalty(params, strength=strength))(params)[1]

    assert_agree(gs, slope, lambda gs, params: map_leaves(lambda w: strength * w, params), *case.arguments)


@law("regularization.l2_penalty", "regularization.l1_penalty")
@given(inputs("l2_penalty"), st.sampled_from([-2.0, 0.0, 0.5, 4.0]))
def test_penalties_are_homogeneous(gs, case, a):
    """Scaling all weights by a scales the L2 penalty by a^2, the L1 penalty by |a|."""
    for name, factor in (("l2_penalty", a * a), ("l1_penalty", abs(a))):
        assert_agree(
            gs,
            lambda gs, params, name=name: getattr(gs, name)(map_leaves(lambda w: a * w, params)),
            lambda gs, params, name=name, factor=factor: factor * getattr(gs, name)(params),
            *case.arguments,
        )


@law("regularization.l2_penalty")
@given(eighths(3), eighths(3, 3))
def test_l2_penalty_does_not_care_how_the_axes_are_turned(gs, w, turn):
    """|W R| = |W| for a rotation R: the ridge has no favourite direction."""
    rotation = rounded(np.linalg.qr(turn)[0])
    gap = np.abs(rotation @ rotation.T - np.eye(3)).sum()  # a rounded rotation is not quite one
    assert_agree(
        gs,
        lambda gs, w, r: gs.l2_penalty(w @ r) / (1 + gap),
        lambda gs, w, r: gs.l2_penalty(w) / (1 + gap),
        w,
        rotation,
    )


@law("regularization.l2_penalty", "regularization.l1_penalty")
@given(eighths(2, 2))
def test_penalties_are_zero_for_no_weights_only(gs, w):
    """Both are at least 0, and 0 exactly where all weights are."""
    for name in ("l2_penalty", "l1_penalty"):
        value = gs.numpy(getattr(gs, name)([gs.array(w), gs.array(0 * w)]))
        assert (value > 0) == w.any(), value
        assert value >= 0


@law("regularization.l1_penalty")
@given(eighths(4), eighths(4), st.sampled_from([0.25, 1.0, 3.0]))
def test_l1_penalty_is_a_norm(gs, a, b, strength):
    """It obeys the triangle inequality."""

    def norm(gs, w):
        return gs.l1_penalty(w, strength=strength)

    assert_at_most(gs, lambda gs, a, b: norm(gs, a + b), lambda gs, a, b: norm(gs, a) + norm(gs, b), a, b)


@law("regularization.l1_penalty")
@given(eighths(5, low=-2, high=2), st.sampled_from([0.5, 2.0]))
def test_slope_of_the_l1_penalty_is_the_sign(gs, w, strength):
    """The gradient is lambda sign(W): as steep for a small weight as for a large one, and 0 at 0."""
    slope = gs.value_and_grad(lambda w: gs.l1_penalty(w, strength=strength))(gs.array(w))[1]
    assert same(gs.numpy(slope), strength * np.sign(w))


@law("regularization.l1_penalty")
@given(eighths(3), eighths(3), chances(1))
def test_soft_thresholding_is_the_proximal_map_of_the_l1_penalty(gs, v, elsewhere, strength):
    """No w has a smaller |w - v|^2 / 2 + lambda |w|_1 than v moved towards 0 by lambda, and stopped there."""
    strength = float(strength[0])
    soft = np.sign(v) * np.maximum(np.abs(v) - strength, 0)

    def objective(gs, w, v):
        return gs.regularized_objective(((w - v) ** 2).sum(-1) / 2, gs.l1_penalty(w), strength=strength)

    assert_at_most(
        gs,
        lambda gs, soft, w, v: objective(gs, soft, v),
        lambda gs, soft, w, v: objective(gs, w, v),
        soft,
        elsewhere,
        v,
    )


@law("regularization.weight_decay", "regularization.l2_penalty")
@given(eighths(3), eighths(3), st.sampled_from([0.0, 0.125, 0.5]), st.sampled_from([0.0, 0.25, 1.0]))
def test_weight_decay_is_gradient_descent_on_the_penalised_loss(gs, w, slope, lr, strength):
    """With the gradient of loss + lambda/2 |W|^2, plain gradient descent makes the step of weight decay."""

    def penalised(gs, w, slope):
        def objective(w):
            return gs.regularized_objective((w * slope).sum(-1), gs.l2_penalty(w), strength=strength)

        return gs.gradient_descent(w, gs.value_and_grad(objective)(w)[1], lr=lr)

    assert_agree(gs, lambda gs, w, g: gs.weight_decay(w, g, lr=lr, weight_decay=strength), penalised, w, slope)


@law("regularization.weight_decay")
@given(inputs("weight_decay"))
def test_without_decay_a_step_is_gradient_descent(gs, case):
    """A weight decay of 0 changes nothing."""
    lr = case.options["lr"]
    assert_agree(
        gs,
        lambda gs, w, g: gs.weight_decay(w, g, lr=lr, weight_decay=0.0),
        lambda gs, w, g: gs.gradient_descent(w, g, lr=lr),
        *case.arguments,
    )


@law("regularization.weight_decay")
@given(eighths(3), st.sampled_from([0.125, 0.5]), st.sampled_from([0.5, 1.0]), st.integers(1, 5))
def test_without_a_gradient_weights_fade_geometrically(gs, w, lr, strength, steps):
    """After t steps (1 - eta lambda)^t of each weight is left."""

    def fade(gs, w):
        for _ in range(steps):
            w = gs.weight_decay(w, 0 * w, lr=lr, weight_decay=strength)
        return w

    assert_agree(gs, fade, lambda gs, w: (1 - lr * strength) ** steps * w, w)


@law("regularization.weight_decay")
@given(eighths(1, low=8, high=64), st.sampled_from([1e-3, 1e-2]), st.sampled_from([0.1, 0.5]))
def test_adam_on_the_penalty_does_not_decay_as_adamw_does(gs, w, lr, strength):
    """Adam divides the penalty's gradient by its own size: every weight loses lr, whatever its size and lambda."""

    def adam_on_penalty(gs, w):
        slope = gs.value_and_grad(lambda w: gs.l2_penalty(w, strength=strength))(w)[1]
        return gs.adam(w, slope, lr=lr, eps=0.0)[0]

    assert_agree(gs, adam_on_penalty, lambda gs, w: w - lr, w)
    assert_agree(
        gs,
        lambda gs, w: gs.adamw(w, 0 * w, lr=lr, weight_decay=strength)[0],
        lambda gs, w: gs.weight_decay(w, 0 * w, lr=lr, weight_decay=strength),
        w,
    )


# Stopping in time


def watch(gs, losses, **options):
    """Whether it says stop, after each loss, and the last state."""
    stops, state = [], None
    for loss in losses:
        stop, state = gs.early_stopping(gs.array(np.array(loss)), state, **options)
        stops.append(bool(gs.numpy(stop)))
    assert state is not None
    return stops, (int(gs.numpy(state.step)), float(gs.numpy(state.best)), int(gs.numpy(state.best_step)))


LOSSES = st.lists(st.integers(-32, 32).map(lambda n: n / 8), min_size=1, max_size=12)


@law("regularization.early_stopping")
@given(LOSSES)
def test_early_stopping_remembers_the_first_smallest_loss(gs, losses):
    """With endless patience it never stops, and its best step is the first minimiser, counted from 1."""
    stops, state = watch(gs, losses, patience=None)
    assert not any(stops)
    assert state == (len(losses), min(losses), 1 + int(np.argmin(losses)))


@law("regularization.early_stopping")
@given(LOSSES, st.integers(1, 4), st.sampled_from([0.0, 0.125, 1.0]))
def test_early_stopping_stops_after_so_many_losses_without_improvement(gs, losses, patience, min_delta):
    """It says stop exactly where no loss among the last `patience` was below the best before them by `min_delta`."""
    stops, _ = watch(gs, losses, patience=patience, min_delta=min_delta)
    best, waited = math.inf, 0
    for loss, stop in zip(losses, stops, strict=True):
        best, waited = (loss, 0) if loss < best - min_delta else (best, waited + 1)
        assert stop == (waited >= patience)


@law("regularization.early_stopping")
@given(LOSSES, st.integers(1, 4))
def test_a_loss_that_falls_is_never_stopped(gs, losses, patience):
    """Strictly decreasing losses never stop; the same ones backwards stop after `patience` of them."""
    falling = sorted(set(losses), reverse=True)
    assert not any(watch(gs, falling, patience=patience)[0])
    rising = falling[::-1]
    assert watch(gs, rising, patience=patience)[0] == [i >= patience for i in range(len(rising))]


@law("regularization.early_stopping")
@given(LOSSES, st.sampled_from([0.5, 2.0]), st.sampled_from([-4.0, 1.0]), st.integers(1, 4))
def test_early_stopping_looks_at_the_order_of_losses_only(gs, losses, scale, shift, patience):
    """Stretching and shifting all losses changes no decision."""
    other = [scale * loss + shift for loss in losses]
    stops, (_, _, best_step) = watch(gs, losses, patience=patience)
    assert (stops, best_step) == (watch(gs, other, patience=patience)[0], watch(gs, other, patience=patience)[1][2])


@law("regularization.early_stopping")
def test_early_stopping_watches_the_validation_loss_not_the_gap(gs):
    """Validation losses 1, 0.6, 0.5, 0.55: the third is the best, although the gap is smallest at the first."""
    stops, (_, best, best_step) = watch(gs, [1.0, 0.59375, 0.5, 0.546875], patience=1)
    assert (stops, best, best_step) == ([False, False, False, True], 0.5, 3)


@law("regularization.early_stopping")
def test_nan_is_no_improvement(gs):
    """Not at first, not later: the best loss is the smallest number."""
    stops, (_, best, best_step) = watch(gs, [math.nan, 2.0, math.nan, math.nan], patience=2)
    assert (stops, best, best_step) == ([False, False, False, True], 2.0, 2)


# Other pictures with the same label


@law("regularization.horizontal_flip", "regularization.vertical_flip", "regularization.rotate")
@given(images())
def test_flips_and_turns_form_the_symmetries_of_a_square(gs, x):
    """Each flip undoes itself, the two commute and are half a turn, and four quarter turns are none: exactly."""
    a = gs.array(x)
    horizontal, vertical, rotate = gs.horizontal_flip, gs.vertical_flip, gs.rotate
    for flip in (horizontal, vertical):
        assert same(gs.numpy(flip(flip(a))), x)
    half_turn = gs.numpy(rotate(a, quarter_turns=2))
    assert same(gs.numpy(horizontal(vertical(a))), half_turn)
    assert same(gs.numpy(vertical(horizontal(a))), half_turn)
    assert same(gs.numpy(rotate(rotate(rotate(rotate(a))))), x)
    # a flip turns the sense of a rotation around
    assert same(gs.numpy(horizontal(rotate(horizontal(a)))), gs.numpy(rotate(a, quarter_turns=-1)))


@law("regularization.horizontal_flip", "regularization.vertical_flip", "regularization.rotate")
@given(images(1, 1), st.integers(-5, 5))
def test_flips_and_turns_only_move_pixels(gs, x, turns):
    """The pixels are the same ones, in other places."""
    for moved in (
        pixels(gs, "horizontal_flip", x),
        pixels(gs, "vertical_flip", x),
        pixels(gs, "rotate", x, quarter_turns=turns),
    ):
        assert same(np.sort(moved, None), np.sort(x, None))


@law("regularization.rotate")
@given(images(), st.integers(-5, 5), st.integers(-5, 5))
def test_angles_of_rotations_add_up(gs, x, a, b):
    """Turning by a and then by b is turning by a + b."""
    twice = gs.rotate(gs.rotate(gs.array(x), quarter_turns=a), quarter_turns=b)
    assert same(gs.numpy(twice), pixels(gs, "rotate", x, quarter_turns=a + b))


@law("regularization.rotate")
def test_a_quarter_turn_goes_counterclockwise(gs):
    """What was at the top right is at the top left."""
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert same(pixels(gs, "rotate", x), np.array([[2.0, 4.0], [1.0, 3.0]]))


@law("regularization.translate")
@given(images(), st.integers(-7, 7), st.integers(-7, 7))
def test_moving_there_and_back_restores_what_stayed_inside(gs, x, down, right):
    """What did not leave the image comes back to its place; the rest is filled. No shift changes nothing."""
    assert same(pixels(gs, "translate", x, shift=0, fill=9.0), x)
    back = gs.translate(gs.translate(gs.array(x), shift=(down, right), fill=9.0), shift=(-down, -right), fill=9.0)
    h, w = x.shape[-2:]
    i, j = np.arange(h)[:, None] + down, np.arange(w) + right
    stayed = (i >= 0) & (i < h) & (j >= 0) & (j < w)
    assert same(gs.numpy(back), np.where(stayed, x, 9.0))


@law("regularization.translate")
@given(images(), SEEDS, st.sampled_from([(1, -2), (0, 3), 2]))
def test_translation_is_linear_and_moves_an_impulse(gs, x, seed, shift):
    """With 0 filled in, the shift of a sum is the sum of the shifts."""
    y = make(seed, "normal", x.shape, PRECISION.get().name)
    assert_agree(
        gs,
        lambda gs, x, y: gs.translate(x - 2 * y, shift=shift),
        lambda gs, x, y: gs.translate(x, shift=shift) - 2 * gs.translate(y, shift=shift),
        x,
        y,
    )
    impulse = np.eye(9)[4][:, None] * np.eye(9)[4]
    down, right = shift if isinstance(shift, tuple) else (shift, shift)
    assert pixels(gs, "translate", impulse, shift=shift)[4 + down, 4 + right] == 1


@law("regularization.random_crop")
@given(images(3), st.integers(0, 5), st.integers(0, 5))
def test_a_crop_is_a_window_of_neighbouring_pixels(gs, x, top, left):
    """A window as large as the image is the image; any other is that part of it, for every image at its own place."""
    h, w = x.shape[-2:]
    top, left = min(top, h - 1), min(left, w - 1)
    size = (h - top, w - left)
    none, places = np.zeros(3, int), np.array([0, top, top])
    assert same(pixels(gs, "random_crop", x, gs.array(none), gs.array(none), size=(h, w)), x)
    crops = pixels(gs, "random_crop", x, gs.array(places), gs.array(np.array([left, 0, left])), size=size)
    assert same(crops[0], x[0, :, : size[0], left:])
    assert same(crops[1], x[1, :, top:, : size[1]])
    assert same(crops[2], x[2, :, top:, left:])


@law("regularization.random_crop")
def test_every_window_is_drawn_equally_often(gs):
    """All 12 places of a 2 by 3 window in a 4 by 6 image give every window once, and places are drawn uniformly."""
    x = np.arange(24.0).reshape(1, 4, 6)
    top, left = (np.array(place) for place in zip(*itertools.product(range(3), range(4)), strict=True))
    crops = pixels(gs, "random_crop", np.repeat(x, 12, 0), gs.array(top), gs.array(left), size=(2, 3))
    windows = np.lib.stride_tricks.sliding_window_view(x[0], (2, 3)).reshape(12, 2, 3)
    assert same(crops, windows)
    counts = np.bincount(Draws(0).integers("crop", 12_000, 12), minlength=12)
    # 12 binomial counts beyond 6 standard deviations: a false alarm in fewer than 1 of 40 million runs
    assert np.abs(counts - 1000).max() < 6 * math.sqrt(12_000 / 12 * 11 / 12)


@law("regularization.to_grayscale")
@given(images(2, 1))
def test_gray_images_stay_as_they_are(gs, x):
    """The weights sum to 1: three equal channels give that channel, and doing it again changes nothing."""
    ones = np.ones((3, 1, 1))

    def gray(gs, x, ones):
        return gs.to_grayscale(x * ones)

    assert_agree(gs, gray, lambda gs, x, ones: x, x, ones)
    assert_agree(gs, lambda gs, x, ones: gray(gs, gray(gs, x, ones), ones), gray, x, ones)


@law("regularization.to_grayscale")
@given(images(2, 3), SEEDS)
def test_grayscale_is_linear(gs, x, seed):
    """The gray of a blend is the blend of the grays; green counts most, blue least."""
    y = make(seed, "normal", x.shape, PRECISION.get().name)
    assert_agree(
        gs,
        lambda gs, x, y: gs.to_grayscale(x - 2 * y),
        lambda gs, x, y: gs.to_grayscale(x) - 2 * gs.to_grayscale(y),
        x,
        y,
    )
    red, green, blue = pixels(gs, "to_grayscale", np.eye(3)[..., None, None]).ravel()
    assert green > red > blue > 0


@law("regularization.color_jitter")
@given(images(3), chances(3, 2), EIGHTHS, EIGHTHS)
def test_color_jitter_stays_between_black_and_white(gs, x, draws, brightness, contrast):
    """Whatever is drawn, pixels end in [0, 1]; the middle of the draws, or no room for change, is the identity."""
    x = np.abs(x) % 1
    options = {"brightness": brightness, "contrast": contrast}
    jittered = pixels(gs, "color_jitter", x, gs.array(draws), **options)
    assert ((jittered >= 0) & (jittered <= 1)).all()
    middle = gs.array(np.full((3, 2), 0.5))
    assert same(pixels(gs, "color_jitter", x, middle, **options), x)
    assert same(pixels(gs, "color_jitter", x, gs.array(draws), brightness=0.0, contrast=0.0), x)


@law("regularization.color_jitter")
@given(chances(1, 8), chances(1, 2), EIGHTHS, EIGHTHS)
def test_color_jitter_keeps_the_order_of_pixels(gs, x, draws, brightness, contrast):
    """A pixel that is brighter stays at least as bright."""
    x = np.sort(x, -1)[:, None]
    y = pixels(gs, "color_jitter", x, gs.array(draws), brightness=brightness, contrast=contrast)
    assert (np.diff(y) >= 0).all()


SIX = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0]], float)
NINE = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 0]], float)


@law("regularization.label_preserving", "regularization.rotate")
def test_half_a_turn_makes_a_nine_of_a_six(gs):
    """A rotation by 180 degrees does not preserve the labels of digits."""
    assert same(pixels(gs, "rotate", SIX, quarter_turns=2), NINE)
    assert not same(pixels(gs, "horizontal_flip", SIX), SIX)


@law("regularization.label_preserving", "regularization.horizontal_flip")
@given(images(), SEEDS)
def test_a_classifier_of_symmetric_features_does_not_see_a_flip(gs, x, seed):
    """If its weights are equal left and right, a linear classifier gives the flipped image the same score."""
    half = make(seed, "normal", x.shape[1:], PRECISION.get().name)
    weight = half + half[..., ::-1]
    assert_agree(
        gs,
        lambda gs, x, w: (gs.horizontal_flip(x) * w).sum((-3, -2, -1)),
        lambda gs, x, w: (x * w).sum((-3, -2, -1)),
        x,
        weight,
    )


@law("regularization.label_preserving")
@given(images(3, 1))
def test_an_augmented_set_is_as_many_times_larger_as_there_are_transformations(gs, x):
    """The 8 symmetries of a square make 8 n images of n, all different unless the image is symmetric."""
    square = x[..., :1, :1] + np.arange(9.0).reshape(3, 3) / 8
    turned = [pixels(gs, "rotate", square, quarter_turns=k) for k in range(4)]
    everything = np.concatenate([*turned, *(pixels(gs, "horizontal_flip", image) for image in turned)])
    assert len(everything) == 8 * len(square)
    assert len(np.unique(everything[:: len(square)].reshape(8, -1), axis=0)) == 8


# Noise


@law("regularization.input_noise", "regularization.weight_noise")
@given(inputs("input_noise"))
def test_noise_of_no_strength_changes_nothing(gs, case):
    """For sigma = 0 input and weights come back as they were."""
    x, normal = case.arguments
    assert same(gs.numpy(gs.input_noise(gs.array(x), gs.array(normal), std=0.0)), x)
    noisy = gs.weight_noise({"w": gs.array(x)}, {"w": gs.array(normal)}, std=0.0)
    assert same(gs.numpy(noisy["w"]), x)


@law("regularization.input_noise", "regularization.weight_noise")
@given(eighths(1), st.sampled_from([0.25, 1.0, 2.0]))
def test_noise_has_the_mean_and_variance_it_says(gs, x, std):
    """Over 10,000 draws: mean x and variance sigma^2, within 6 standard errors (a false alarm in 1 of 250 million)."""
    normal = rounded(Draws(1).normal("noise", 10_000))
    many = np.full(10_000, x[0])
    for noisy in (
        gs.input_noise(gs.array(many), gs.array(normal), std=std),
        gs.weight_noise(gs.array(many), gs.array(normal), std=std),
    ):
        values = gs.numpy(noisy).astype(float) - x[0]
        coarse = gs.precision.unit * (8 + 8 * std)  # rounding of numbers up to 8: x, and draws of no more than 8 std
        assert abs(values.mean()) < 6 * std / 100 + coarse
        assert abs(values.var() - std**2) < 6 * std**2 * math.sqrt(2) / 100 + 8 * std * coarse


@law("regularization.input_noise", "regularization.l2_penalty")
@given(eighths(3, low=-16, high=16), eighths(3, low=-16, high=16), eighths(1), st.sampled_from([0.25, 0.5, 1.0]))
def test_input_noise_on_a_linear_model_is_ridge(gs, w, x, y, std):
    """E (w (x + e) - y)^2 = (w x - y)^2 + sigma^2 |w|^2, exactly: over noise of mean 0 and covariance sigma^2."""

    def noisy(gs, w, x, y, signs):
        return gs.mse(gs.input_noise(x + 0 * signs, signs, std=std) @ w, y + 0 * signs[:, 0])

    def ridge(gs, w, x, y, signs):
        fit = gs.mse((x + 0 * signs) @ w, y + 0 * signs[:, 0])
        return gs.regularized_objective(fit, gs.l2_penalty(w), strength=2 * std**2)

    assert_agree(gs, noisy, ridge, w, x, np.full((), y[0]), SIGNS)


@law("regularization.weight_noise")
@given(eighths(3, low=-16, high=16), eighths(3, low=-16, high=16), eighths(1), st.sampled_from([0.25, 0.5, 1.0]))
def test_weight_noise_on_a_linear_model_costs_the_size_of_the_input(gs, w, x, y, std):
    """E ((w + e) x - y)^2 = (w x - y)^2 + sigma^2 |x|^2, exactly."""

    def noisy(gs, w, x, y, signs):
        return gs.mse(gs.weight_noise(w + 0 * signs, signs, std=std) @ x, y + 0 * signs[:, 0])

    def clean(gs, w, x, y, signs):
        fit = gs.mse((w + 0 * signs) @ x, y + 0 * signs[:, 0])
        return gs.regularized_objective(fit, gs.l2_penalty(x), strength=2 * std**2)

    assert_agree(gs, noisy, clean, w, x, np.full((), y[0]), SIGNS)


# Softer labels, mixed samples


@law("regularization.label_smoothing")
@given(st.integers(1, 9), st.integers(0, 8), EIGHTHS)
def test_smoothed_labels_are_distributions(gs, k, label, eps):
    """Rows sum to 1; eps = 0 changes nothing, 1 makes all alike; below 1 the label stays the largest."""
    label %= k
    y = onehot([label], k)
    assert_agree(gs, lambda gs, y: gs.label_smoothing(y, eps=eps).sum(-1), lambda gs, y: 1.0, y)
    assert same(gs.numpy(gs.label_smoothing(gs.array(y), eps=0.0)), y)
    assert len(np.unique(gs.numpy(gs.label_smoothing(gs.array(y), eps=1.0)))) == 1
    if eps < 1:
        smooth = gs.numpy(gs.label_smoothing(gs.array(y), eps=eps))[0]
        assert smooth.argmax() == label
        assert (np.delete(smooth, label) < smooth[label]).all()


@law("regularization.label_smoothing")
def test_no_second_sample_is_in_a_smoothed_label(gs):
    """K = 4, eps = 0.1, class 0: (0.925, 0.025, 0.025, 0.025). Mixup of classes 0 and 1 would give (0.9, 0.1, 0, 0)."""
    y = onehot([0, 1], 4)
    first = np.array([[0.925, 0.025, 0.025, 0.025]])
    assert_agree(gs, lambda gs, y: gs.label_smoothing(y, eps=0.1)[:1].sum(0)[0], lambda gs, y: first[0, 0], y)
    assert_agree(gs, lambda gs, y: gs.label_smoothing(y, eps=0.1)[:1].sum(0)[3], lambda gs, y: first[0, 3], y)
    share, partner = np.full(2, rounded(0.9)), np.array([1, 0])
    mixed = gs.numpy(gs.mixup(*map(gs.array, (y, y, share, partner)))[1])
    assert (mixed > 0).tolist() == [[True, True, False, False]] * 2


@law("regularization.label_smoothing")
@given(eighths(2, 3, low=-32, high=32), st.lists(st.integers(0, 2), min_size=2, max_size=2), EIGHTHS)
def test_cross_entropy_of_smoothed_labels_is_a_mix(gs, logits, labels, eps):
    """CE(p, smoothed y) = (1 - eps) CE(p, y) + eps CE(p, uniform)."""
    y = onehot(labels, 3)

    def ce(gs, logits, target):
        return gs.cross_entropy(gs.softmax(logits), target)

    assert_agree(
        gs,
        lambda gs, z, y: ce(gs, z, gs.label_smoothing(y, eps=eps)),
        lambda gs, z, y: (1 - eps) * ce(gs, z, y) + eps * ce(gs, z, gs.label_smoothing(y, eps=1.0)),
        logits,
        y,
    )
    assert_agree(
        gs,
        lambda gs, z, y, labels: ce(gs, z, y),
        lambda gs, z, y, labels: gs.softmax_cross_entropy(z, labels),
        logits,
        y,
        np.array(labels),
    )


@law("regularization.mixup")
@given(eighths(3, 2), st.permutations(range(3)))
def test_mixup_ends_at_the_sample_and_at_its_partner(gs, x, order):
    """A share of 1 is the sample itself, 0 its partner: exactly, targets as well."""
    y, order = onehot([0, 1, 2], 3), np.array(order)
    for share, expected in ((1.0, np.arange(3)), (0.0, order)):
        mixed = gs.mixup(gs.array(x), gs.array(y), gs.array(np.full(3, share)), gs.array(order))
        assert same(gs.numpy(mixed[0]), x[expected])
        assert same(gs.numpy(mixed[1]), y[expected])


@law("regularization.mixup")
@given(inputs("mixup"), SEEDS)
def test_mixup_commutes_with_linear_models(gs, case, seed):
    """Mixed targets are distributions, and a linear model of the mixed samples is the mix of its outputs."""
    x, target, lam, permutation = case.arguments
    assert_agree(gs, lambda gs, *a: gs.mixup(*a)[1].sum(-1), lambda gs, *a: a[1].sum(-1), x, target, lam, permutation)
    rows = make(seed, "normal", (len(target), 3), PRECISION.get().name)
    weight = make(seed + 1, "normal", (3, 2), PRECISION.get().name)
    assert_agree(
        gs,
        lambda gs, x, w, y, lam, p: gs.mixup(x, y, lam, p)[0] @ w,
        lambda gs, x, w, y, lam, p: gs.mixup(x @ w, y, lam, p)[0],
        rows, weight, target, lam, permutation,
    )  # fmt: skip


@law("regularization.mixup")
@given(eighths(4, 2), st.permutations(range(4)), EIGHTHS)
def test_mixup_over_a_permutation_keeps_the_mean(gs, x, order, share):
    """If every sample is the partner of one, with one share for all, the mean of the batch stays."""
    y = onehot([0, 1, 1, 0], 2)
    for part in (0, 1):
        assert_agree(
            gs,
            lambda gs, x, y, s, p, part=part: gs.mixup(x, y, s, p)[part].mean(0),
            lambda gs, x, y, s, p, part=part: (x, y)[part].mean(0),
            x, y, np.full(4, share), np.array(order),
        )  # fmt: skip


def covered(shape, row, column, size):
    """The pixels of one box, the slow way."""
    bh, bw = size
    box = np.zeros(shape[-2:], bool)
    for i, j in itertools.product(range(shape[-2]), range(shape[-1])):
        box[i, j] = (
            row - bh // 2 <= i < row - bh // 2 + bh and column - bw // 2 <= j < column - bw // 2 + bw
        )  # fmt: skip
    return box


@law("regularization.cutout")
@given(images(), st.integers(0, 5), st.integers(0, 5), st.integers(0, 7), st.integers(0, 7))
def test_cutout_covers_the_box_and_nothing_else(gs, x, row, column, bh, bw):
    """Inside the box, as far as it lies in the image, pixels are 0; outside they are untouched. Twice is once."""
    row, column = row % x.shape[-2], column % x.shape[-1]
    places = gs.array(np.array([row, 0])), gs.array(np.array([column, 0]))
    once = gs.cutout(gs.array(x), *places, size=(bh, bw))
    expected = [np.where(covered(x.shape, r, c, (bh, bw)), 0, image)
                for image, r, c in zip(x, (row, 0), (column, 0), strict=True)]  # fmt: skip
    assert same(gs.numpy(once), np.stack(expected))
    assert same(gs.numpy(gs.cutout(once, *places, size=(bh, bw))), np.stack(expected))


@law("regularization.cutmix")
@given(images(), st.integers(0, 5), st.integers(0, 5), st.integers(0, 9), st.integers(0, 9))
def test_cutmix_mixes_labels_by_the_area_it_exchanged(gs, x, row, column, bh, bw):
    """Each pixel is of one image or the other, and the share of the label is that of the pixels, after clipping."""
    row, column = row % x.shape[-2], column % x.shape[-1]
    y, partner = onehot([0, 1], 2), np.array([1, 0])
    box = covered(x.shape, row, column, (bh, bw))
    arguments = x, y, np.full(2, row), np.full(2, column), partner
    mixed = gs.cutmix(*(gs.array(a) for a in arguments), size=(bh, bw))
    assert same(gs.numpy(mixed[0]), np.where(box, x[partner], x))
    lam = 1 - box.mean()
    assert_agree(
        gs,
        lambda gs, *a: gs.cutmix(*a, size=(bh, bw))[1][0],
        lambda gs, *a: lam * a[1][0] + (1 - lam) * a[1][1],
        *arguments,
    )
    assert_agree(gs, lambda gs, *a: gs.cutmix(*a, size=(bh, bw))[1].sum(-1), lambda gs, *a: 1.0, *arguments)


@law("regularization.cutmix")
@given(images())
def test_cutmix_of_no_box_is_the_image_and_of_a_full_one_its_partner(gs, x):
    """A 2 by 2 box in a 4 by 4 image leaves a share of 0.75; at the corner only 1 pixel of it counts: 0.9375."""
    y, partner, middle = onehot([0, 1], 2), np.array([1, 0]), np.zeros(2, int)
    arguments = [gs.array(a) for a in (x, y, middle, middle, partner)]
    for size, expected in ((0, [0, 1]), (12, [1, 0])):
        mixed = gs.cutmix(*arguments, size=size)
        assert same(gs.numpy(mixed[0]), x[expected])
        assert same(gs.numpy(mixed[1]), y[expected])
    black = gs.array(np.zeros((2, 4, 4)))
    for place, share in ((2, 0.75), (0, 0.9375)):
        place = gs.array(np.full(2, place))
        mixed = gs.cutmix(black, gs.array(y), place, place, gs.array(partner), size=2)
        assert gs.numpy(mixed[1])[0, 0] == share


# Dropping units


@law("regularization.dropout", "regularization.inverted_dropout", "regularization.dropout_inference")
@given(inputs("dropout"))
def test_dropout_of_no_and_of_every_unit(gs, case):
    """No drops for p = 0, at inference, too; p = 1 leaves nothing, even where a draw has been rounded up to 1."""
    h, uniform = case.arguments
    a = gs.array(h)
    for draws in (gs.array(uniform), gs.array(np.zeros(h.shape)), gs.array(np.ones(h.shape))):
        for name in ("dropout", "inverted_dropout"):
            assert same(gs.numpy(getattr(gs, name)(a, draws, p=0.0)), h)
            assert not gs.numpy(getattr(gs, name)(a, draws, p=1.0)).any()
    assert same(gs.numpy(gs.dropout_inference(a, p=0.0)), h)
    assert not gs.numpy(gs.dropout_inference(a, p=1.0)).any()


@law("regularization.dropout")
@given(eighths(8, low=1), chances(8), EIGHTHS)
def test_kept_units_are_unchanged_and_their_draws_at_least_p(gs, h, uniform, p):
    """A unit is 0 where its draw is below p; else it is what it was: exactly, for a draw of p itself as well."""
    kept = gs.numpy(gs.dropout(gs.array(h), gs.array(uniform), p=p))
    assert same(kept, np.where((uniform < p) | (p == 1), 0, h))


@law("regularization.dropout", "regularization.inverted_dropout")
@given(eighths(8), chances(8), st.integers(0, 7).map(lambda n: n / 8))
def test_gradient_goes_through_the_same_mask(gs, h, uniform, p):
    """The derivative by a unit is 1 where it was kept (scaled alike, if inverted) and 0 where it was dropped."""
    for name, scale in (("dropout", 1.0), ("inverted_dropout", 1 / (1 - p))):
        assert_agree(
            gs,
            lambda gs, h, u, kept, name=name: gs.value_and_grad(lambda h: getattr(gs, name)(h, u, p=p).sum(-1))(h)[1],
            lambda gs, h, u, kept, scale=scale: scale * kept,
            h, uniform, 1.0 * (uniform >= p),
        )  # fmt: skip


@law("regularization.inverted_dropout", "regularization.dropout")
@given(inputs("dropout"), st.sampled_from([0.1, 0.2, 0.5, 0.75]))
def test_inverted_dropout_is_dropout_over_what_was_kept(gs, case, p):
    """For the same draws, (1 - p) times the inverted form is the plain one."""
    assert_agree(
        gs,
        lambda gs, h, u: gs.dropout_inference(gs.inverted_dropout(h, u, p=p), p=p),
        lambda gs, h, u: gs.dropout(h, u, p=p),
        *case.arguments,
    )


@law("regularization.dropout")
@given(st.sampled_from([0.125, 0.2, 0.5, 0.8]))
def test_share_of_dropped_units_is_p(gs, p):
    """A share p of 10,000 is dropped, within 6 standard deviations (a false alarm in 1 of 500 million)."""
    uniform = rounded(Draws(2).uniform("dropout", 10_000))
    dropped = 10_000 - np.count_nonzero(gs.numpy(gs.dropout(gs.array(np.ones(10_000)), gs.array(uniform), p=p)))
    coarse = 10_000 * gs.precision.unit * p  # draws are multiples of the format's unit
    assert abs(dropped - 10_000 * p) < 6 * math.sqrt(10_000 * p * (1 - p)) + coarse


GRID = np.array(list(itertools.product((0, 1, 2, 3), repeat=3))) / 4
"""All triples of draws from 0, 1/4, 1/2, 3/4: for p = k/4 each mask of three units comes as often as it is probable."""


@law("regularization.dropout_expectation", "regularization.dropout", "regularization.inverted_dropout",
     "regularization.dropout_inference")  # fmt: skip
@given(eighths(3, low=-16, high=16), eighths(3, low=-16, high=16), st.integers(0, 4))
def test_mean_over_all_masks_is_the_scaled_layer(gs, weight, h, k):
    """E[W (r * h)] = (1 - p) W h and Var = p (1 - p) sum W^2 h^2, by all draws of a grid: exactly in real numbers."""
    p, batch = k / 4, np.repeat(h[None], len(GRID), 0)

    def outputs(gs, w, h, u, name):
        return getattr(gs, name)(h, u, p=p) @ w

    assert_agree(
        gs,
        lambda gs, w, h, u: outputs(gs, w, h, u, "dropout").mean(-1),
        lambda gs, w, h, u: gs.dropout_inference(h, p=p)[0] @ w,
        weight, batch, GRID,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, w, h, u: ((outputs(gs, w, h, u, "dropout") - gs.dropout_inference(h, p=p) @ w) ** 2).mean(-1),
        lambda gs, w, h, u: p * (1 - p) * (w * w * h[0] * h[0]).sum(-1),
        weight, batch, GRID,
    )  # fmt: skip
    if p < 1:
        assert_agree(
            gs,
            lambda gs, w, h, u: outputs(gs, w, h, u, "inverted_dropout").mean(-1),
            lambda gs, w, h, u: h[0] @ w,
            weight, batch, GRID,
        )  # fmt: skip


@law("regularization.dropout_expectation")
@given(eighths(3, low=-16, high=16), eighths(3, low=-16, high=16), eighths(1), st.sampled_from([0.25, 0.5, 0.75]))
def test_dropout_on_a_linear_model_is_a_ridge_that_adapts(gs, w, x, y, p):
    """With squared loss dropout adds p (1 - p) sum w^2 x^2 to the loss of the scaled model: a ridge per feature."""
    batch, target = np.repeat(x[None], len(GRID), 0), np.repeat(y, len(GRID))

    def adaptive(gs, w, x, y, u):
        fit = gs.mse(gs.dropout_inference(x, p=p) @ w, y)
        return gs.regularized_objective(fit, gs.l2_penalty(w * x[0]), strength=2 * p * (1 - p))

    assert_agree(gs, lambda gs, w, x, y, u: gs.mse(gs.dropout(x, u, p=p) @ w, y), adaptive, w, batch, target, GRID)


@law("regularization.dropout_inference")
def test_numbers_of_the_notes(gs):
    """Rate 0.5 halves the output. Rate 0.2 on ten units of output 1: 8 on average in training, so 8 at inference."""
    h = gs.array(np.array([2.0, 4.0]))
    assert gs.numpy(gs.dropout_inference(h, p=0.5)).tolist() == [1.0, 2.0]
    ten = np.ones(10)
    assert_agree(gs, lambda gs, h: gs.dropout_inference(h, p=0.2).sum(-1), lambda gs, h: 8.0, ten)
    assert gs.numpy(gs.dropout(h, gs.array(np.array([0.25, 0.75])), p=0.5)).tolist() == [0.0, 4.0]


@law("regularization.dropout_output_layer")
@given(inputs("dropout_output_layer"))
def test_output_layer_sums_what_was_not_dropped(gs, case):
    """It is a linear layer of h * (1 - d): without drops the plain layer, with all dropped the bias alone."""
    h, weight, bias, dropped = case.arguments
    assert_agree(
        gs,
        lambda gs, h, w, b, d, kept: gs.dropout_output_layer(h, w, b, d),
        lambda gs, h, w, b, d, kept: gs.linear(h * kept, w.T, b),
        h, weight, bias, dropped, 1.0 - dropped,
    )  # fmt: skip
    assert_agree(
        gs,
        lambda gs, h, w, b, none: gs.dropout_output_layer(h, w, b, none),
        lambda gs, h, w, b, none: gs.linear(h, w.T, b),
        h, weight, bias, np.zeros(h.shape, bool),
    )  # fmt: skip
    nothing = gs.dropout_output_layer(*map(gs.array, (h, weight, bias, np.ones(h.shape, bool))))
    assert (gs.numpy(nothing) == bias).all()


@law("regularization.dropout_output_layer", "regularization.dropout")
@given(eighths(4), eighths(4, 2), eighths(2), chances(4))
def test_output_layer_of_the_notes_is_dropout_and_a_linear_layer(gs, h, weight, bias, uniform):
    """With nodes dropped where random() < 0.2, as the notes' code has it; and not single weights of them."""
    assert_agree(
        gs,
        lambda gs, h, w, b, u, d: gs.dropout_output_layer(h, w, b, d),
        lambda gs, h, w, b, u, d: gs.dropout(h, u, p=0.2) @ w + b,
        h, weight, bias, uniform, uniform < 0.2,
    )  # fmt: skip
    ones = [gs.array(np.ones(2)), gs.array(np.ones((2, 2))), gs.array(np.zeros(2))]
    assert gs.numpy(gs.dropout_output_layer(*ones, gs.array(np.array([True, False])))).tolist() == [1.0, 1.0]
