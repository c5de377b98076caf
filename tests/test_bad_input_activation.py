"""What bad input of an activation function gets: one clear error, the same in both backends; NaN and inf are data."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
ARGUMENT = {"step": "x", "sigmoid": "z", "tanh": "x", "relu": "x", "leaky_relu": "x", "elu": "x", "softmax": "z",
            "softmax_jacobian": "z"}  # fmt: skip
NAN, INF = math.nan, math.inf


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def refusal(bk, name, x, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(bk.asarray(x) if isinstance(x, np.ndarray) else x, **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize("name", ARGUMENT)
def test_real_numbers_in_an_array_are_needed(bk, name):
    for x in (np.array([1, 2]), np.array([True, False])):
        kind, message = refusal(bk, name, x)
        assert kind is DtypeError
        assert message.startswith(f"{ARGUMENT[name]} has dtype ")
        assert message.endswith("expected a float dtype")
    for x, what in (([1.0, 2.0], "a list"), (1.0, "a float"), (None, "a NoneType")):
        assert refusal(bk, name, x) == (DtypeError, f"{ARGUMENT[name]} is {what}, expected an array")


@pytest.mark.parametrize("slope", [-0.1, 1.5, INF, NAN])
def test_negative_slope_lies_between_0_and_1(bk, slope):
    kind, message = refusal(bk, "leaky_relu", np.ones(2), negative_slope=slope)
    assert (kind, message) == (DomainError, f"negative_slope is {slope!r}, expected a float in [0, 1]")


@pytest.mark.parametrize("slope", ["0.1", None])
def test_negative_slope_is_a_number(bk, slope):
    kind, message = refusal(bk, "leaky_relu", np.ones(2), negative_slope=slope)
    assert (kind, message) == (DtypeError, f"negative_slope is {slope!r}, expected a float")


@pytest.mark.parametrize("alpha", [-1.0, NAN])
def test_alpha_is_not_negative(bk, alpha):
    kind, message = refusal(bk, "elu", np.ones(2), alpha=alpha)
    assert (kind, message) == (DomainError, f"alpha is {alpha!r}, expected a float >= 0")


@pytest.mark.parametrize(("shape", "axis"), [((2, 3), 2), ((2, 3), -3), ((), -1), ((), 0)])
def test_axis_of_softmax_is_one_of_its_axes(bk, shape, axis):
    kind, message = refusal(bk, "softmax", np.zeros(shape), axis=axis)
    assert kind is DomainError
    assert message.startswith("expected axis to be an axis of z")


@pytest.mark.parametrize("axis", [0.0, True, None, "last"])
def test_axis_of_softmax_is_an_integer(bk, axis):
    assert refusal(bk, "softmax", np.zeros((2, 3)), axis=axis) == (DtypeError, f"axis is {axis!r}, expected an int")


def test_softmax_needs_an_element_to_choose(bk):
    kind, message = refusal(bk, "softmax", np.zeros((2, 0)))
    assert kind is DomainError
    assert message.startswith("expected at least one element along axis")
    assert bk.to_numpy(bk.softmax(bk.asarray(np.zeros((0, 2))))).shape == (0, 2)
    for shape in ((), (2, 0)):
        assert refusal(bk, "softmax_jacobian", np.zeros(shape))[0] is ShapeError


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("step", [NAN, INF, -INF], [NAN, 1.0, 0.0]),
        ("sigmoid", [NAN, INF, -INF], [NAN, 1.0, 0.0]),
        ("tanh", [NAN, INF, -INF], [NAN, 1.0, -1.0]),
        ("relu", [NAN, INF, -INF], [NAN, INF, 0.0]),
        ("leaky_relu", [NAN, INF, -INF], [NAN, INF, -INF]),
        ("elu", [NAN, INF, -INF], [NAN, INF, -1.0]),
        ("softmax", [0.0, 0.0, -INF], [0.5, 0.5, 0.0]),
        ("softmax", [0.0, NAN, -INF], [NAN, NAN, NAN]),
        ("softmax", [0.0, 0.0, INF], [NAN, NAN, NAN]),
        ("softmax", [-INF, -INF, -INF], [NAN, NAN, NAN]),
    ],
)
def test_nan_and_infinity_are_data(bk, name, x, expected):
    with np.errstate(all="ignore"):
        value = bk.to_numpy(getattr(bk, name)(bk.asarray(np.array(x))))
    np.testing.assert_array_equal(value, expected)


def test_one_bad_row_spoils_no_other(bk):
    """NaN in one row of scores stays in that row."""
    scores = bk.asarray(np.array([[NAN, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(bk.to_numpy(bk.softmax(scores)), [[NAN, NAN], [0.5, 0.5]])
    np.testing.assert_array_equal(bk.to_numpy(bk.softmax_jacobian(scores))[1], [[0.25, -0.25], [-0.25, 0.25]])
