"""What bad input of a normalization gets: one clear error, the same in both backends; NaN and infinity are data."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
X, C = np.arange(24.0).reshape(2, 4, 3), np.ones(4)
PER_CHANNEL = {"batch_norm": {}, "instance_norm": {}, "group_norm": {"groups": 2}}


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


@pytest.mark.parametrize("name", PER_CHANNEL)
def test_parameters_are_one_number_per_channel(bk, name):
    for arguments, what in (((X, np.ones(3)), "gamma"), ((X, C, np.ones(5)), "beta"), ((X, None, np.ones(3)), "beta")):
        kind, message = refusal(bk, name, *arguments, **PER_CHANNEL[name])
        assert kind is ShapeError
        assert message.startswith(f"{what} has shape ({len(arguments[-1])},), expected (c,) with c=4 (from x)")


@pytest.mark.parametrize("name", [*PER_CHANNEL, "batch_statistics", "local_response_norm"])
def test_an_image_has_samples_and_channels_and_no_axis_is_empty(bk, name):
    options = PER_CHANNEL.get(name, {})
    kind, message = refusal(bk, name, np.ones(4), **options)
    assert (kind, message) == (ShapeError, "x has shape (4,), expected (n, c, *space), at least 2 axes")
    for shape in ((0, 4, 3), (2, 0, 3), (2, 4, 0)):
        kind, message = refusal(bk, name, np.ones(shape), **options)
        assert kind is ShapeError
        assert "at least" in message


def test_parameters_of_layer_norm_fit_the_last_axis(bk):
    kind, message = refusal(bk, "layer_norm", X, np.ones(4))
    assert kind is ShapeError
    assert message == "gamma has shape (4,), expected (d,) with d=3 (from x)"
    assert refusal(bk, "layer_norm", np.ones(()))[0] is ShapeError
    assert refusal(bk, "layer_norm_backward", X[:1], X, np.ones(3))[0] is ShapeError
    assert refusal(bk, "batch_norm_backward", X[:1], X, C)[0] is ShapeError


@pytest.mark.parametrize("name", [*PER_CHANNEL, "layer_norm"])
@pytest.mark.parametrize("eps", [-1e-5, 0.0, -1])
def test_epsilon_is_above_0(bk, name, eps):
    assert refusal(bk, name, X, eps=eps, **PER_CHANNEL.get(name, {})) == (
        DomainError,
        f"eps is {eps}, expected a float > 0",
    )


@pytest.mark.parametrize("groups", [3, 0, -2, 8])
def test_groups_divide_the_channels(bk, groups):
    kind, message = refusal(bk, "group_norm", X, groups=groups)
    assert kind is DomainError
    assert "groups that divide c" in message
    assert "c=4 (from x)" in message
    assert f"groups={groups}" in message


def test_groups_are_an_integer_and_have_no_default(bk):
    assert refusal(bk, "group_norm", X, groups=2.0)[0] is DtypeError
    with pytest.raises(TypeError, match="groups"):
        call(bk, "group_norm", X)


def test_a_variance_is_not_negative(bk):
    """Who passes mean and variance in the wrong order is told so, wherever a mean is negative."""
    kind, message = refusal(bk, "batch_norm_inference", X, C, -C)
    assert (kind, message) == (DomainError, "var has a value that is not >= 0")


def test_running_statistics_have_a_share_and_a_count(bk):
    arguments = (C, C, C, C)
    assert refusal(bk, "batch_norm_running", *arguments, alpha=1.5) == (
        DomainError,
        "alpha is 1.5, expected a float in [0, 1]",
    )
    assert refusal(bk, "batch_norm_running", *arguments, count=1)[0] is DomainError
    assert refusal(bk, "batch_norm_running", *arguments[:3], np.ones(3))[0] is ShapeError


def test_local_response_norm_has_a_window_and_a_positive_bracket(bk):
    for options in ({"size": 0}, {"alpha": -1.0}, {"beta": -0.5}, {"k": 0.0}):
        kind, message = refusal(bk, "local_response_norm", X, **options)
        assert kind is DomainError
        assert message.startswith(f"{next(iter(options))} is ")
    assert refusal(bk, "local_response_norm", X, size=2.5)[0] is DtypeError


def test_real_numbers_of_one_dtype_are_needed(bk):
    assert refusal(bk, "batch_norm", X.astype(np.int64))[0] is DtypeError
    assert refusal(bk, "standardize", X[0] > 3)[0] is DtypeError
    assert refusal(bk, "layer_norm", X.tolist()) == (DtypeError, "x is a list, expected an array")


def test_a_batch_of_one_gives_beta(bk):
    """It is no error, in training either: the deviation of one value from its own mean is 0."""
    y, mean, var = call(bk, "batch_norm", np.array([[1e6, -3.0]]), np.array([2.0, 3.0]), np.array([0.5, -0.5]))
    assert [bk.to_numpy(r).tolist() for r in (y, mean, var)] == [[[0.5, -0.5]], [1e6, -3.0], [0.0, 0.0]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bad_value_spoils_its_channel_and_no_other(bk, bad):
    x = X.copy()
    x[0, 1, 2] = bad
    with np.errstate(all="ignore"):
        y, mean, var = (bk.to_numpy(r) for r in call(bk, "batch_norm", x))
    assert np.isnan(y[:, 1]).all()
    assert np.isnan(var[1])
    assert not np.isfinite(mean[1])
    others = [0, 2, 3]
    assert np.isfinite(y[:, others]).all()
    assert np.isfinite(var[others]).all()
