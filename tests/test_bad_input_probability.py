"""What bad input of a probability model gets: one clear error, the same in both backends; NaN and infinity are data."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
NAN, INF = math.nan, math.inf
X, U, P = np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.5, 0.9]), np.array([0.25, 0.5, 0.25])
Y, ONE = np.array([0, 2, 1]), np.ones(3)
CALLS = {
    "bernoulli": (X, P), "bernoulli_sample": (U, P), "categorical": (Y, P), "categorical_sample": (U, P),
    "normal": (X, X, ONE), "normal_sample": (X, X, ONE), "posterior": (X, P),
    "likelihood": (X,), "log_likelihood": (X,), "maximum_likelihood": (X,), "entropy": (P,),
    "kl_divergence": (P, P), "js_divergence": (P, P),
    "gaussian_mixture": (X, P, X, ONE), "gaussian_mixture_sample": (U, X, P, X, ONE),
    "expectation_maximization": (X, P, X, ONE),
}  # fmt: skip
SIMPLEX = {
    "categorical": 1, "categorical_sample": 1, "posterior": 1, "entropy": 0, "kl_divergence": 1, "js_divergence": 0,
    "gaussian_mixture": 1, "gaussian_mixture_sample": 2, "expectation_maximization": 1,
}  # fmt: skip
"""Formulas, and which of their arguments is a distribution."""
STD = {"normal": 2, "normal_sample": 2, "gaussian_mixture": 3, "gaussian_mixture_sample": 4,
       "expectation_maximization": 3}  # fmt: skip


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def call(bk, name, *arguments, **options):
    return getattr(bk, name)(*(bk.asarray(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        call(bk, name, *arguments, **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


def with_argument(name, i, value):
    arguments = list(CALLS[name])
    arguments[i] = value
    return arguments


def test_good_input_passes(bk):
    for name, arguments in CALLS.items():
        call(bk, name, *arguments)


@pytest.mark.parametrize("name", SIMPLEX)
def test_probabilities_that_do_not_sum_to_one(bk, name):
    for row in ([0.25, 0.5, 0.5], [0.0, 0.0, 0.0], [0.3, 0.3, 0.3]):
        kind, message = refusal(bk, name, *with_argument(name, SIMPLEX[name], np.array(row)))
        assert kind is DomainError
        assert message.endswith("does not sum to 1 along its last axis")


@pytest.mark.parametrize("name", SIMPLEX)
def test_negative_probabilities(bk, name):
    for row in ([0.5, 0.75, -0.25], [INF, 0.0, 0.0]):
        kind, message = refusal(bk, name, *with_argument(name, SIMPLEX[name], np.array(row)))
        assert kind is DomainError
        assert message.endswith("has a negative or infinite value, expected probabilities")


def test_logits_in_place_of_probabilities(bk):
    """Who forgets the softmax is told so, not given a number."""
    assert refusal(bk, "kl_divergence", np.array([2.0, -1.0, 0.5]), P)[0] is DomainError
    assert refusal(bk, "categorical", Y, np.array([2.0, 1.0, 0.5]))[0] is DomainError


@pytest.mark.parametrize("name", ["bernoulli", "bernoulli_sample"])
@pytest.mark.parametrize("argument", [0, 1])
@pytest.mark.parametrize("value", [-0.01, 1.01, INF, 255.0])
def test_chances_and_pixels_lie_between_0_and_1(bk, name, argument, value):
    """An image in 0 to 255 is no answer of yes or no, and a draw beyond 1 no uniform one."""
    kind, message = refusal(bk, name, *with_argument(name, argument, np.array([0.5, value, 0.5])))
    assert kind is DomainError
    assert message.endswith("has a value that is not in [0, 1]")


@pytest.mark.parametrize("name", STD)
@pytest.mark.parametrize("value", [0.0, -1.0, -INF])
def test_a_standard_deviation_is_above_0(bk, name, value):
    """Of a density at a single point there is no height; a variance below 0 there is none."""
    kind, message = refusal(bk, name, *with_argument(name, STD[name], np.array([1.0, value, 1.0])))
    assert (kind, message) == (DomainError, "std has a value that is not > 0")


def test_a_variance_to_add_is_not_negative(bk):
    kind, message = refusal(bk, "expectation_maximization", *CALLS["expectation_maximization"], reg_covar=-1e-6)
    assert kind is DomainError
    assert message.startswith("reg_covar is -1e-06, expected a float >= 0")
    assert refusal(bk, "expectation_maximization", *CALLS["expectation_maximization"], reg_covar="1")[0] is DtypeError


@pytest.mark.parametrize("label", [-1, 3, 255])
def test_a_label_names_a_value(bk, label):
    assert refusal(bk, "categorical", np.array([0, label, 1]), P) == (
        DomainError,
        "label has a label that is not in [0, k) with k=3 (from p)",
    )
    assert refusal(bk, "categorical", Y.astype(float), P)[0] is DtypeError


@pytest.mark.parametrize("name", ["bernoulli", "bernoulli_sample", "normal", "normal_sample"])
def test_parameters_have_the_shape_of_the_last_axes(bk, name):
    """One for all, one per column, or one for each element; anything else would be stretched without notice."""
    data = np.full((2, 3), 0.5)
    others = len(CALLS[name]) - 1
    for shape in ((), (3,), (2, 3)):
        assert call(bk, name, data, *[np.full(shape, 0.5)] * others).shape == (2, 3)
    for shape in ((2,), (1,), (2, 1), (1, 3), (1, 2, 3)):
        kind, message = refusal(bk, name, data, *[np.full(shape, 0.5)] * others)
        assert kind in (DomainError, ShapeError)
        assert "parameters in the shape of the last axes of the data" in message


def test_rows_of_parameters_have_the_shape_of_the_last_axes(bk):
    rows = np.broadcast_to(P, (2, 3, 3))
    assert call(bk, "categorical", np.zeros((2, 3), int), rows.copy()).shape == (2, 3)
    message = refusal(bk, "categorical", np.zeros((3, 2), int), rows[0].copy())[1]
    assert "parameters in the shape of the last axes of the data" in message
    assert refusal(bk, "gaussian_mixture", X, P, np.zeros(2), np.ones(3))[0] is ShapeError
    assert refusal(bk, "kl_divergence", P, np.array([0.5, 0.5]))[0] is ShapeError
    assert refusal(bk, "posterior", np.zeros((4, 2)), P)[0] is ShapeError


def test_no_observation_has_no_estimate(bk):
    for name in ("maximum_likelihood", "expectation_maximization", "likelihood", "log_likelihood"):
        kind, message = refusal(bk, name, *with_argument(name, 0, np.zeros(0)))
        assert kind is ShapeError
        assert "at least" in message


@pytest.mark.parametrize("name", CALLS)
def test_real_numbers_of_one_dtype_are_needed(bk, name):
    last = len(CALLS[name]) - 1
    assert refusal(bk, name, *with_argument(name, last, np.array([0, 0, 1])))[0] is DtypeError
    assert refusal(bk, name, *with_argument(name, last, [1.0, 0.0, 0.0]))[0] is DtypeError


def test_what_cannot_be_has_minus_infinity_and_no_warning(bk):
    """Log 0 is minus infinity where mathematics says so, and 0 log 0 is 0."""
    zero, one = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    assert bk.to_numpy(call(bk, "bernoulli", one, np.array(0.0))).tolist() == [-INF, 0.0]
    assert bk.to_numpy(call(bk, "categorical", np.array([0, 1]), zero)).tolist() == [-INF, 0.0]
    assert float(call(bk, "entropy", zero)) == 0
    assert float(call(bk, "kl_divergence", np.array([0.5, 0.5]), one)) == INF
    assert float(call(bk, "kl_divergence", one, one)) == 0
    assert float(call(bk, "js_divergence", one, one)) == 0
    assert math.isfinite(float(call(bk, "js_divergence", zero, one)))
    assert float(call(bk, "likelihood", np.array([-INF, 0.0]))) == 0


def test_gradients_are_finite_where_a_probability_is_0(bk):
    """What has the probability 0 takes no part."""
    p, q = bk.asarray(np.array([0.0, 0.5, 0.5])), bk.asarray(np.array([0.0, 0.25, 0.75]))
    for name, arguments in (("entropy", (p,)), ("kl_divergence", (p, q)), ("js_divergence", (p, q))):
        function = getattr(bk, name)
        for i in range(len(arguments)):
            rest = list(arguments)

            def at(v, i=i, rest=rest, function=function):
                return function(*[v if j == i else a for j, a in enumerate(rest)])

            slope = bk.to_numpy(bk.value_and_grad(at)(arguments[i])[1])
            assert slope[0] == 0, (name, slope)
            assert np.isfinite(slope).all(), (name, slope)
    x = bk.asarray(np.array([0.5, -1.0]))
    mean, std = bk.asarray(np.array([0.0, 1.0, 2.0])), bk.asarray(np.ones(3))
    slope = bk.value_and_grad(lambda w: bk.gaussian_mixture(x, w, mean, std).sum())(p)[1]
    assert np.isfinite(bk.to_numpy(slope)).all()


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_nan_and_infinity_are_data(bk, value):
    x = np.array([0.0, value])
    density = bk.to_numpy(call(bk, "normal", x, np.array(0.0), np.array(1.0)))
    mixture = bk.to_numpy(call(bk, "gaussian_mixture", x, P, X, ONE))
    for result in (density, mixture):
        assert math.isfinite(result[0])
        assert math.isnan(result[1]) if math.isnan(value) else result[1] == -INF


def test_an_observation_that_nothing_explains_has_no_posterior(bk):
    shares = bk.to_numpy(call(bk, "posterior", np.array([[-INF, -INF], [-INF, 0.0]]), np.array([0.5, 0.5])))
    assert np.isnan(shares[0]).all()
    assert shares[1].tolist() == [0.0, 1.0]


def test_a_component_on_a_single_point_is_refused_at_the_next_step(bk):
    """Its deviation is 0 and the likelihood infinite; a little variance holds it open."""
    x = np.array([0.0, 100.0, 101.0])
    mixture = np.array([0.5, 0.5]), np.array([0.0, 100.5]), np.array([1.0, 1.0])
    collapsed = [bk.to_numpy(part) for part in call(bk, "expectation_maximization", x, *mixture)]
    assert collapsed[2][0] == 0
    assert refusal(bk, "expectation_maximization", x, *collapsed)[0] is DomainError
    held = [bk.to_numpy(part) for part in call(bk, "expectation_maximization", x, *mixture, reg_covar=0.25)]
    assert held[2][0] == 0.5
    call(bk, "expectation_maximization", x, *held)
