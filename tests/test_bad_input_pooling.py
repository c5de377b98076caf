"""What bad input of pooling gets: one clear error, the same in both backends; NaN and infinity are data."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
X, U = np.arange(1.0, 25.0).reshape(1, 2, 3, 4), np.full((1, 2, 1, 2), 0.5)
POOLS = {
    "max_pool2d": (X,), "avg_pool2d": (X,), "stochastic_pool2d": (X, U), "stochastic_pool2d_inference": (X,),
    "trainable_subsampling": (X, np.ones(2), np.ones(2)), "block_max_pool": (X[0, 0],),
}  # fmt: skip
STRIDED = ["max_pool2d", "avg_pool2d", "stochastic_pool2d", "stochastic_pool2d_inference"]
PADDED = ["max_pool2d", "avg_pool2d"]


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


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("kernel", [4, (4, 1), (1, 5)])
def test_a_window_fits_into_the_image(bk, name, kernel):
    kind, message = refusal(bk, name, *POOLS[name], kernel=kernel)
    assert kind is DomainError
    assert "a kernel no larger than the " in message
    assert f"kernel={kernel}" in message


@pytest.mark.parametrize("name", POOLS)
def test_a_window_has_a_pixel_at_least(bk, name):
    for kernel in (0, (2, 0), -1):
        kind, message = refusal(bk, name, *POOLS[name], kernel=kernel)
        assert kind is DomainError
        assert message.startswith(f"kernel is {kernel}, expected an int >= 1")
    for kernel in (2.0, "2", (1, 2, 3), [2, 2]):
        assert refusal(bk, name, *POOLS[name], kernel=kernel)[0] is DtypeError


@pytest.mark.parametrize("name", STRIDED)
def test_a_stride_goes_on(bk, name):
    for stride in (0, (1, 0)):
        kind, message = refusal(bk, name, *POOLS[name], kernel=2, stride=stride)
        assert kind is DomainError
        assert message.startswith(f"stride is {stride}, expected an int >= 1")


@pytest.mark.parametrize("name", PADDED)
@pytest.mark.parametrize(("kernel", "padding"), [(2, 2), (3, 2), ((2, 3), (0, 2)), (1, 1)])
def test_padding_is_at_most_half_the_kernel(bk, name, kernel, padding):
    """Else a window could hold nothing but padding."""
    kind, message = refusal(bk, name, X, kernel=kernel, padding=padding)
    assert kind is DomainError
    assert "padding of at most half the kernel" in message
    assert refusal(bk, name, X, kernel=kernel, padding=-1)[0] is DomainError


def test_a_window_may_be_as_large_as_the_padded_image(bk):
    assert bk.to_numpy(call(bk, "max_pool2d", X, kernel=(5, 6), padding=1)).tolist() == [[[[12.0]], [[24.0]]]]
    assert "padded image" in refusal(bk, "max_pool2d", X, kernel=(6, 6), padding=1)[1]


@pytest.mark.parametrize("name", [*STRIDED, "trainable_subsampling"])
def test_an_image_has_four_axes(bk, name):
    kind, message = refusal(bk, name, X[0], *POOLS[name][1:], kernel=2)
    assert kind is ShapeError
    assert message.startswith("x has shape (2, 3, 4), expected (n, c, h, w), 4 axes")
    kind, message = refusal(bk, name, X[:, :, :, :0], *POOLS[name][1:], kernel=2)
    assert kind is ShapeError
    assert "at least 1" in message


@pytest.mark.parametrize("name", ["stochastic_pool2d", "stochastic_pool2d_inference"])
def test_probabilities_need_values_that_are_not_negative(bk, name):
    kind, message = refusal(bk, name, -X, *POOLS[name][1:], kernel=2)
    assert (kind, message) == (DomainError, "x has a value that is not >= 0")


def test_draws_are_one_per_window_and_probabilities(bk):
    assert refusal(bk, "stochastic_pool2d", X, U[..., :1], kernel=2)[0] is ShapeError
    for draw in (1.25, -0.25):
        kind, message = refusal(bk, "stochastic_pool2d", X, U + (draw - 0.5), kernel=2)
        assert (kind, message) == (DomainError, "uniform has a value that is not in [0, 1]")


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d", "stochastic_pool2d", "stochastic_pool2d_inference"])
def test_nan_stays_in_its_window(bk, name):
    x = X.copy()
    x[0, 0, 1, 1] = math.nan
    y = bk.to_numpy(call(bk, name, x, *POOLS[name][1:], kernel=2))
    assert np.isnan(y[0, 0, 0, 0])
    assert np.isfinite(np.delete(y.ravel(), 0)).all()


def test_infinity_is_the_largest(bk):
    x = X.copy()
    x[0, 0, 1, 1], x[0, 0, :2, 2:] = math.inf, -math.inf
    assert bk.to_numpy(call(bk, "max_pool2d", x, kernel=2))[0, 0].tolist() == [[math.inf, -math.inf]]
    assert bk.to_numpy(call(bk, "avg_pool2d", x, kernel=2))[0, 0].tolist() == [[math.inf, -math.inf]]
