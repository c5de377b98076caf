"""Laws of the activation functions."""

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs


def reals(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers of the precision under test."""
    return st.floats(low, high, width=32).map(lambda x: float(PRECISION.get().round(x)))


def vectors(low: float, high: float, size: int | None = None) -> st.SearchStrategy[np.ndarray]:
    return st.lists(reals(low, high), min_size=size or 1, max_size=size or 9).map(np.array)


def slope(gs, function, x):
    """Derivative of a function that works element by element, at every element."""
    return gs.value_and_grad(lambda x: function(x).sum())(x)[1]


@law("activation.step")
@given(inputs("step"), st.sampled_from([0.5, 2.0, 1024.0]))
def test_step_is_0_or_1_and_blind_to_scale(gs, case, a):
    """step(x) is exactly 0 or 1, 1 at 0, and step(a x) = step(x) for every a > 0."""
    x = gs.array(case.arguments[0])
    once, scaled = gs.numpy(gs.step(x)), gs.numpy(gs.step(a * x))
    assert set(np.unique(once)) <= {0.0, 1.0}, once
    assert gs.numpy(gs.step(gs.array(np.array([-0.0, 0.0])))).tolist() == [1.0, 1.0]
    same = (gs.numpy(a * x) != 0) | (case.arguments[0] == 0)  # a * x may underflow
    assert np.array_equal(once[same], scaled[same]), (once, scaled)


@law("activation.step", "activation.sigmoid")
@given(vectors(-8, 8), st.sampled_from([1, 16, 256]))
def test_steep_sigmoid_is_a_step(gs, x, k):
    """|sigmoid(k x) - step(x)| <= e^(-k |x|): the sigmoid of ever larger scores becomes the step."""
    x = x[x != 0]
    assert_at_most(
        gs,
        lambda gs, x, room: abs(gs.sigmoid(k * x) - gs.step(x)),
        lambda gs, x, room: room,
        x,
        gs.precision.round(np.exp(-k * np.abs(x)) * (1 + 4 * gs.precision.unit)),
    )


@law("activation.step", "activation.sigmoid", "activation.tanh", "activation.leaky_relu")
@given(vectors(-8, 8), st.sampled_from(["step", "sigmoid", "tanh", "relu", "leaky_relu", "elu"]))
def test_activations_do_not_decrease(gs, x, name):
    """From x <= y follows f(x) <= f(y)."""
    x = np.sort(x)
    assert_at_most(gs, lambda gs, x, y: getattr(gs, name)(x), lambda gs, x, y: getattr(gs, name)(y), x[:-1], x[1:])


@law("activation.sigmoid", "activation.tanh")
def test_sigmoid_and_tanh_increase_strictly(gs):
    """At consecutive quarters each value is larger than the one before, as long as the format can tell."""
    z = np.arange(-16, 9) / 4
    for function in (gs.sigmoid, gs.tanh):
        values = gs.numpy(function(gs.array(z[z <= 1.5])))
        inner = values[np.abs(values) < 0.97]
        assert (np.diff(inner) > 0).all(), inner


@law("activation.sigmoid")
@given(inputs("sigmoid"))
def test_sigmoid_of_minus_z_is_one_minus_sigmoid(gs, case):
    """sigmoid(-z) = 1 - sigmoid(z)."""
    assert_agree(gs, lambda gs, z: gs.sigmoid(-z), lambda gs, z: 1 - gs.sigmoid(z), *case.arguments)


@law("activation.sigmoid")
@given(vectors(-80, 0))
def test_sigmoid_undoes_the_log_odds(gs, z):
    """For p = sigmoid(z), p / (1 - p) = e^z; e^z is 1 + elu(z) for z <= 0."""
    assert_agree(gs, lambda gs, z: gs.sigmoid(z) / gs.sigmoid(-z), lambda gs, z: 1 + gs.elu(z), z)


@law("activation.sigmoid")
@given(inputs("sigmoid"))
def test_sigmoid_is_a_probability_for_every_finite_score(gs, case):
    """0 <= sigmoid(z) <= 1 without overflow, and above 0 as long as e^z is."""
    z = case.arguments[0]
    p = gs.numpy(gs.sigmoid(gs.array(z)))
    assert ((p >= 0) & (p <= 1)).all(), p
    assert (p[z > math.log(gs.precision.smallest)] > 0).all(), p


@law("activation.sigmoid")
def test_sigmoid_of_ten_thousand_does_not_overflow(gs):
    """sigmoid(-10^4) = 0 and sigmoid(10^4) = 1, where e^(10^4) is infinite."""
    z = gs.precision.round(np.array([-1e4, 1e4]))
    assert gs.numpy(gs.sigmoid(gs.array(z))).tolist() == [0.0, 1.0]


@law("activation.sigmoid")
@given(vectors(-16, 16))
def test_slope_of_sigmoid_is_s_times_one_minus_s(gs, z):
    """sigmoid'(z) = sigmoid(z) (1 - sigmoid(z))."""

    def product(gs, z):
        s = gs.sigmoid(z)
        return s * (1 - s)

    assert_agree(gs, lambda gs, z: slope(gs, gs.sigmoid, z), product, z)


@law("activation.sigmoid_saturation")
@given(vectors(-16, 16))
def test_slope_of_sigmoid_is_even(gs, z):
    """sigmoid'(-z) = sigmoid'(z): the slope vanishes on both sides."""
    assert_agree(gs, lambda gs, z: slope(gs, gs.sigmoid, z), lambda gs, z: slope(gs, gs.sigmoid, -z), z)


@law("activation.sigmoid_saturation")
@given(vectors(-8, 8))
def test_slope_of_sigmoid_is_at_most_a_quarter(gs, z):
    """sigmoid'(z) <= 1/4, so a product of L slopes is at most 4^-L."""
    slopes = gs.numpy(slope(gs, gs.sigmoid, gs.array(z)))
    assert (slopes <= 0.25).all(), slopes
    assert math.prod(slopes.tolist()) <= 4.0 ** -len(z), slopes
    assert gs.numpy(slope(gs, gs.sigmoid, gs.array(np.zeros(1)))).tolist() == [0.25]


@law("activation.sigmoid_saturation")
def test_slope_of_sigmoid_has_the_known_values(gs):
    """sigmoid'(±5) = e^-5 / (1 + e^-5)^2 = 0.0066480567, and sigmoid'(10) < 5e-5."""
    at_5 = math.exp(-5) / (1 + math.exp(-5)) ** 2
    assert round(at_5, 10) == 0.0066480567
    assert_agree(gs, lambda gs, z: slope(gs, gs.sigmoid, z), lambda gs, z: at_5, np.array([-5.0, 5.0]))
    assert gs.numpy(slope(gs, gs.sigmoid, gs.array(np.array(10.0)))) < 5e-5


def weight_gradient(gs, x, target):
    """Gradient by w, at w = 0, of (w . x - target)^2: its upstream gradient has the sign of -target."""
    return gs.value_and_grad(lambda w: ((w * x).sum() - target) ** 2)(0 * x)[1]


@law("activation.zero_centered_gradient")
@given(inputs("sigmoid"), st.sampled_from([-1.0, 1.0]))
def test_positive_inputs_give_gradients_of_one_sign(gs, case, target):
    """If all x_i > 0, every dL/dw_i has the sign of dL/df: so behind a sigmoid, and weakly behind a ReLU."""
    z = np.clip(case.arguments[0], -16, 16).reshape(-1)
    behind_sigmoid = gs.numpy(weight_gradient(gs, gs.sigmoid(gs.array(z)), target))
    assert (np.sign(behind_sigmoid) == -target).all(), behind_sigmoid
    behind_relu = gs.numpy(weight_gradient(gs, gs.relu(gs.array(z)), target))
    assert (target * behind_relu <= 0).all(), behind_relu


@law("activation.zero_centered_gradient")
def test_centred_inputs_give_gradients_of_both_signs(gs):
    """Of the 2^d sign patterns behind a tanh, two give a gradient of one sign: a share of 1 - 2^(1-d) gives both."""
    for d in range(1, 6):
        patterns = [np.array(p) for p in itertools.product([-1.0, 1.0], repeat=d)]
        gradients = [gs.numpy(weight_gradient(gs, gs.tanh(gs.array(p)), 1.0)) for p in patterns]
        mixed = sum(len(set(np.sign(g).tolist())) == 2 for g in gradients)
        assert mixed / len(patterns) == 1 - 2.0 ** (1 - d)


@law("activation.tanh")
@given(inputs("tanh"))
def test_tanh_is_odd_and_within_one(gs, case):
    """tanh(-x) = -tanh(x) and |tanh(x)| <= 1."""
    assert_agree(gs, lambda gs, x: gs.tanh(-x), lambda gs, x: -gs.tanh(x), *case.arguments)
    assert (np.abs(gs.numpy(gs.tanh(gs.array(*case.arguments)))) <= 1).all()


@law("activation.tanh")
@given(vectors(-3, 3, 2), vectors(-3, 3, 2))
def test_tanh_has_its_addition_theorem(gs, a, b):
    """tanh(a + b) = (tanh a + tanh b) / (1 + tanh a tanh b)."""

    def theorem(gs, a, b):
        s, t = gs.tanh(a), gs.tanh(b)
        return (s + t) / (1 + s * t)

    assert_agree(gs, lambda gs, a, b: gs.tanh(a + b), theorem, a, b)


@law("activation.tanh", "activation.tanh_gradient_bound")
@given(vectors(-8, 8))
def test_slope_of_tanh_is_one_minus_its_square(gs, x):
    """tanh'(x) = 1 - tanh(x)^2."""
    assert_agree(gs, lambda gs, x: slope(gs, gs.tanh, x), lambda gs, x: 1 - gs.tanh(x) * gs.tanh(x), x)


@law("activation.tanh_gradient_bound")
@given(vectors(-8, 8))
def test_slope_of_tanh_is_at_most_one(gs, x):
    """0 <= tanh'(x) <= 1, equal to 1 at 0 only: a product of slopes never grows with a further factor."""
    slopes = gs.numpy(slope(gs, gs.tanh, gs.array(x)))
    assert ((slopes >= 0) & (slopes <= 1)).all(), slopes
    assert (slopes[np.abs(x) > 0.25] < 1).all(), slopes
    assert (slopes[np.abs(x) < 2] > 0).all(), slopes
    assert (np.diff(np.cumprod(slopes)) <= 0).all(), slopes
    assert gs.numpy(slope(gs, gs.tanh, gs.array(np.zeros(1)))).tolist() == [1.0]


@law("activation.tanh_sigmoid_identity")
@given(inputs("tanh"))
def test_tanh_is_a_rescaled_sigmoid(gs, case):
    """tanh(x) = 2 sigmoid(2x) - 1."""
    assert_agree(gs, lambda gs, x: gs.tanh(x), lambda gs, x: 2 * gs.sigmoid(2 * x) - 1, *case.arguments)


@law("activation.tanh_sigmoid_identity")
@given(vectors(-8, 8))
def test_slope_of_tanh_is_four_slopes_of_sigmoid(gs, x):
    """tanh'(x) = 4 sigmoid'(2x)."""
    assert_agree(gs, lambda gs, x: slope(gs, gs.tanh, x), lambda gs, x: 4 * slope(gs, gs.sigmoid, 2 * x), x)


@law("activation.relu")
@given(inputs("relu"))
def test_relu_splits_a_number_into_its_two_parts(gs, case):
    """relu(x) - relu(-x) = x and relu(x) + relu(-x) = |x|, exactly; relu(relu(x)) = relu(x)."""
    x = gs.array(*case.arguments)
    positive, negative = gs.numpy(gs.relu(x)), gs.numpy(gs.relu(-x))
    assert np.array_equal(positive - negative, case.arguments[0])
    assert np.array_equal(positive + negative, np.abs(case.arguments[0]))
    assert np.array_equal(gs.numpy(gs.relu(gs.relu(x))), positive)


@law("activation.relu", "activation.leaky_relu")
@given(inputs("leaky_relu"), st.sampled_from([0.0, 0.5, 4.0]))
def test_rectifiers_are_positively_homogeneous(gs, case, a):
    """f(a x) = a f(x) for a >= 0, for ReLU and leaky ReLU."""
    for options in ({"negative_slope": 0.0}, case.options):
        assert_agree(
            gs,
            lambda gs, x, **options: gs.leaky_relu(a * x, **options),
            lambda gs, x, **options: a * gs.leaky_relu(x, **options),
            *case.arguments,
            **options,
        )
    assert_agree(gs, lambda gs, x: gs.relu(a * x), lambda gs, x: a * gs.relu(x), *case.arguments)


@law("activation.relu")
@given(vectors(-8, 8, 3), vectors(-8, 8, 3))
def test_relu_is_convex_and_never_stretches(gs, x, y):
    """relu((x + y) / 2) <= (relu(x) + relu(y)) / 2, and |relu(x) - relu(y)| <= |x - y|."""
    assert_at_most(
        gs, lambda gs, x, y: gs.relu((x + y) / 2), lambda gs, x, y: (gs.relu(x) + gs.relu(y)) / 2, x, y
    )  # fmt: skip
    assert_at_most(gs, lambda gs, x, y: abs(gs.relu(x) - gs.relu(y)), lambda gs, x, y: abs(x - y), x, y)


@law("activation.relu_subgradient")
@given(st.integers(1, 20))
def test_relu_has_two_difference_quotients_at_zero(gs, k):
    """(relu(h) - relu(0)) / h is 1 for h > 0 and 0 for h < 0: there is no derivative at 0."""
    h = 2.0**-k
    left, middle, right = gs.numpy(gs.relu(gs.array(np.array([-h, 0.0, h]))))
    assert ((middle - left) / h, (right - middle) / h) == (0.0, 1.0)


@law("activation.relu_subgradient")
@given(inputs("relu"))
def test_slope_of_relu_is_1_where_positive_else_0(gs, case):
    """The convention is relu'(0) = 0; elsewhere the slope is 1[x > 0]."""
    slopes = gs.numpy(slope(gs, gs.relu, gs.array(*case.arguments)))
    assert np.array_equal(slopes, case.arguments[0] > 0)


@law("activation.relu_non_saturation")
@given(st.lists(st.sampled_from([-2.0, -0.5, 0.25, 1.0, 4.0]), min_size=1, max_size=6), st.sampled_from([0.5, 3.0]))
def test_gradient_along_an_active_path_is_the_product_of_its_weights(gs, weights, x):
    """Through relu(w_L ... relu(w_1 x)), the gradient by x is the product of the w_l if all are positive, else 0."""

    def path(x):
        for w in weights:
            x = gs.relu(w * x)
        return x

    expected = math.prod(weights) if min(weights) > 0 else 0.0
    assert gs.numpy(gs.value_and_grad(path)(gs.array(np.array(x)))[1]) == expected


def unit_gradient(gs, activation, x, w, b):
    """Gradient by weight and bias of the summed output of one unit, over all samples x."""
    return gs.value_and_grad(lambda params: activation(params[0] * x + params[1]).sum())([w, b])[1]


@law("activation.dying_relu")
@given(vectors(-4, 4), reals(0.125, 2))
def test_a_relu_unit_that_is_off_for_every_sample_gets_no_gradient(gs, samples, w):
    """If w x_i + b < 0 for all i, the gradient by w and b is 0; that of a leaky ReLU is not."""
    x, b = gs.array(samples), gs.array(np.array(-16.0))
    w = gs.array(np.array(w))
    assert [gs.numpy(g).item() for g in unit_gradient(gs, gs.relu, x, w, b)] == [0.0, 0.0]
    by_bias = gs.numpy(unit_gradient(gs, lambda z: gs.leaky_relu(z, negative_slope=0.125), x, w, b)[1])
    assert by_bias == 0.125 * len(samples)


@law("activation.dying_relu")
def test_a_relu_unit_that_is_on_for_one_sample_moves(gs):
    """With x in {-1, +1} and w = 1 the first pre-activation is -1, but the second sample gives a gradient of 1."""
    one, zero = gs.array(np.array(1.0)), gs.array(np.array(0.0))
    by_weight = [
        gs.numpy(unit_gradient(gs, gs.relu, gs.array(np.array(x)), one, zero)[0]) for x in ([-1.0], [-1.0, 1.0])
    ]
    assert by_weight == [0.0, 1.0]


@law("activation.leaky_relu")
@given(inputs("leaky_relu"))
def test_leaky_relu_lies_between_relu_and_identity(gs, case):
    """A slope of 0 gives ReLU, of 1 the identity, exactly."""
    x = gs.array(*case.arguments)
    assert np.array_equal(gs.numpy(gs.leaky_relu(x, negative_slope=0.0)), gs.numpy(gs.relu(x)))
    assert np.array_equal(gs.numpy(gs.leaky_relu(x, negative_slope=1.0)), gs.numpy(x))


@law("activation.leaky_relu")
@given(inputs("leaky_relu"), st.sampled_from([0.01, 0.25, 1.0]))
def test_leaky_relu_can_be_undone(gs, case, a):
    """The inverse is min(y / a, y), which is -leaky_relu(-y) / a."""

    def back(gs, x):
        return -gs.leaky_relu(-gs.leaky_relu(x, negative_slope=a), negative_slope=a) / a

    assert_agree(gs, back, lambda gs, x: x, *case.arguments)


@law("activation.leaky_relu")
@given(inputs("leaky_relu"))
def test_slope_of_leaky_relu_is_a_or_1(gs, case):
    """The slope is 1 where x > 0, else a; at 0 the convention is a."""
    slopes = gs.numpy(slope(gs, lambda x: gs.leaky_relu(x, **case.options), gs.array(*case.arguments)))
    a = gs.precision.round(case.options["negative_slope"])
    assert np.array_equal(slopes, np.where(case.arguments[0] > 0, 1, a)), slopes


@law("activation.elu")
@given(inputs("elu"))
def test_elu_stays_above_minus_alpha(gs, case):
    """elu(x) >= -alpha, and elu(x) = x for x > 0, exactly."""
    values = gs.numpy(gs.elu(gs.array(*case.arguments), **case.options))
    assert (values >= -gs.precision.round(case.options["alpha"])).all(), values
    positive = case.arguments[0] > 0
    assert np.array_equal(values[positive], case.arguments[0][positive])


@law("activation.elu")
@given(vectors(-16, -0.0625), st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_slope_of_elu_is_elu_plus_alpha(gs, x, alpha):
    """elu'(x) = elu(x) + alpha for x < 0."""
    assert_agree(
        gs,
        lambda gs, x: slope(gs, lambda x: gs.elu(x, alpha=alpha), x),
        lambda gs, x: gs.elu(x, alpha=alpha) + alpha,
        x,
    )


@law("activation.elu")
@given(st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_elu_is_smooth_at_zero_for_alpha_1_only(gs, alpha):
    """The slope jumps from alpha to 1 at 0; the function itself does not jump."""
    h = gs.precision.smallest
    ends = gs.array(np.array([-h, h]))
    assert gs.numpy(slope(gs, lambda x: gs.elu(x, alpha=alpha), ends)).tolist() == [alpha, 1.0]
    assert (np.abs(gs.numpy(gs.elu(ends, alpha=alpha))) <= 2 * h).all()


@law("activation.elu")
@given(inputs("elu"))
def test_elu_with_alpha_0_is_relu(gs, case):
    """elu(x, alpha=0) = relu(x), exactly."""
    x = gs.array(*case.arguments)
    assert np.array_equal(gs.numpy(gs.elu(x, alpha=0.0)), gs.numpy(gs.relu(x)))


@law("activation.softmax")
@given(inputs("softmax"))
def test_softmax_is_a_distribution(gs, case):
    """All elements lie in [0, 1] and sum to 1 along the axis."""
    axis = case.options["axis"]
    p = gs.numpy(gs.softmax(gs.array(*case.arguments), **case.options))
    assert ((p >= 0) & (p <= 1)).all(), p
    assert_agree(gs, lambda gs, z: gs.softmax(z, axis=axis).sum(axis), lambda gs, z: 1.0, *case.arguments)


@law("activation.softmax")
@given(vectors(-16, 16), reals(-16, 16))
def test_softmax_ignores_what_all_scores_share(gs, z, c):
    """softmax(z + c) = softmax(z)."""
    assert_agree(gs, lambda gs, z: gs.softmax(z + c), lambda gs, z: gs.softmax(z), z)


@law("activation.softmax")
@given(inputs("softmax"))
def test_softmax_of_turned_scores_is_the_turned_softmax(gs, case):
    """Reordering the scores reorders the probabilities likewise."""
    z = np.atleast_1d(case.arguments[0]).reshape(-1)[: 2 * (case.arguments[0].size // 2)]
    if z.size:
        turned = np.concatenate([z[1::2], z[::2]])
        half = z.size // 2
        assert_agree(
            gs, lambda gs, z, turned: gs.softmax(turned)[:half], lambda gs, z, turned: gs.softmax(z)[1::2], z, turned
        )


@law("activation.softmax")
@given(inputs("sigmoid"))
def test_softmax_of_two_classes_is_the_sigmoid(gs, case):
    """softmax([z, 0])[0] = sigmoid(z)."""
    z = case.arguments[0].reshape(-1)
    pairs = np.stack([z, np.zeros_like(z)], -1)
    assert_agree(gs, lambda gs, z, pairs: gs.softmax(pairs)[:, 0], lambda gs, z, pairs: gs.sigmoid(z), z, pairs)


@law("activation.softmax")
@given(st.integers(2, 6), st.integers(0, 5), st.sampled_from([1.0, 4.0]))
def test_temperature_leads_from_the_winner_to_uniform(gs, k, winner, gap):
    """softmax(z / T) tends to one-hot of the maximum as T -> 0, and to 1/k as T -> infinity."""
    one_hot = np.eye(k)[winner % k]
    z = gs.array(gap * one_hot)
    cold, hot = (gs.numpy(gs.softmax(z / T)) for T in (2.0**-10, 2.0**20))
    assert np.array_equal(cold, one_hot), cold
    # The scores differ by at most gap / T, so no probability is further from 1/k than that, beside rounding.
    assert (np.abs(hot - 1 / k) <= gap * 2.0**-20 + 4 * gs.precision.unit).all(), hot


@law("activation.softmax_jacobian")
@given(inputs("softmax_jacobian"))
def test_softmax_jacobian_is_symmetric_with_rows_of_sum_zero(gs, case):
    """J = J^T, and the vector of ones is in its kernel."""
    assert_agree(
        gs, lambda gs, z: gs.softmax_jacobian(z), lambda gs, z: gs.softmax_jacobian(z).swapaxes(-1, -2), *case.arguments
    )
    assert_agree(gs, lambda gs, z: gs.softmax_jacobian(z).sum(-1), lambda gs, z: 0.0, *case.arguments)


@law("activation.softmax_jacobian")
@given(vectors(-4, 4, 4), vectors(-4, 4, 4))
def test_softmax_jacobian_is_positive_semidefinite(gs, z, v):
    """v^T J v >= 0."""
    assert_at_most(gs, lambda gs, z, v: 0.0, lambda gs, z, v: (v * (gs.softmax_jacobian(z) * v).sum(-1)).sum(), z, v)


@law("activation.softmax_jacobian")
@given(vectors(-4, 4, 4), vectors(-4, 4, 4))
def test_gradient_through_softmax_is_the_jacobian_times_upstream(gs, z, g):
    """The gradient by z of <g, softmax(z)> is J g = p (g - <g, p>)."""

    def closed_form(gs, z, g):
        p = gs.softmax(z)
        return p * (g - (g * p).sum())

    assert_agree(
        gs, lambda gs, z, g: gs.value_and_grad(lambda z: (g * gs.softmax(z)).sum())(z)[1], closed_form, z, g
    )  # fmt: skip
    assert_agree(gs, lambda gs, z, g: (gs.softmax_jacobian(z) * g).sum(-1), closed_form, z, g)
