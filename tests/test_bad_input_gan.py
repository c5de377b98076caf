"""What bad input of an adversarial network gets: one clear error, the same in both backends; NaN is data."""

import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.gan import Game, HistoryState, Players

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
O = np.ones(3)  # noqa: E741
TWO = ["value_function", "discriminator_loss", "critic_loss"]
ONE = ["generator_loss", "non_saturating_generator_loss", "critic_generator_loss"]


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def convert(bk, x):
    if isinstance(x, np.ndarray):
        return bk.asarray(x)
    if isinstance(x, dict):
        return {key: convert(bk, value) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(convert(bk, part) for part in x))
    return tuple(convert(bk, part) for part in x) if isinstance(x, tuple) else x


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(convert(bk, x) for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize("name", TWO + ONE)
def test_a_sample_is_needed(bk, name):
    for shape in ((), (0,), (3, 0)):
        x = np.ones(shape)
        assert refusal(bk, name, *(x, x)[: 2 if name in TWO else 1])[0] is ShapeError


@pytest.mark.parametrize("name", TWO)
def test_data_and_samples_may_differ_in_number_but_not_in_what_is_judged(bk, name):
    getattr(bk, name)(bk.asarray(np.ones((3, 2)) / 2), bk.asarray(np.ones((5, 2)) / 2))
    kind, message = refusal(bk, name, np.ones((3, 2)) / 2, np.ones((3, 4)) / 2)
    assert kind is ShapeError
    assert "has shape (3, 4), expected (m, *site)" in message


@pytest.mark.parametrize("name", TWO + ONE)
def test_logits_are_real_numbers_of_one_dtype(bk, name):
    arguments = (O, O.astype(np.int64)) if name in TWO else (O.astype(np.int64),)
    kind, message = refusal(bk, name, *arguments)
    assert kind is DtypeError
    assert "int64" in message
    assert refusal(bk, name, *([1.0, 2.0],) * len(arguments))[0] is DtypeError


@pytest.mark.parametrize(("real", "fake"), [(1.5, 0.5), (0.5, -0.1)])
def test_a_probability_lies_between_0_and_1(bk, real, fake):
    """A logit in its place is the usual mistake."""
    kind, message = refusal(bk, "value_function", np.array([real]), np.array([fake]))
    assert kind is DomainError
    assert "in [0, 1]" in message


def test_log_of_zero_is_minus_infinity_and_said_without_a_warning(bk):
    """A discriminator that is certain and wrong; the losses from logits are finite there."""
    certain, none = bk.asarray(np.array([1.0])), bk.asarray(np.array([0.0]))
    assert float(bk.value_function(none, none)) == -math.inf
    assert float(bk.value_function(certain, certain)) == -math.inf
    assert float(bk.discriminator_loss(bk.asarray(np.array([-1e4])), bk.asarray(np.array([1e4])))) == 2e4


@pytest.mark.parametrize("name", TWO)
@np.errstate(invalid="ignore")
def test_nan_is_data(bk, name):
    assert math.isnan(float(getattr(bk, name)(bk.asarray(np.array([math.nan, 0.5])), bk.asarray(np.array([0.5])))))


def test_features_of_data_and_samples_have_one_length(bk):
    kind, message = refusal(bk, "feature_matching", np.ones((3, 2)), np.ones((3, 4)))
    assert kind is ShapeError
    assert "fake has shape (3, 4), expected (m, d) with d=2" in message


def test_a_kernel_fits_its_features(bk):
    kind, message = refusal(bk, "minibatch_discrimination", np.ones((3, 2)), np.ones((4, 2, 2)))
    assert kind is ShapeError
    assert "kernel has shape (4, 2, 2)" in message


def test_a_history_is_of_the_same_parameters(bk):
    state = HistoryState(np.array(1), {"w": np.ones(3)})
    assert refusal(bk, "historical_averaging", {"w": np.ones(2)}, state)[0] is ShapeError
    assert refusal(bk, "historical_averaging", {"v": np.ones(3)}, state)[0] is ShapeError
    assert refusal(bk, "historical_averaging", {"w": np.ones(3, np.int64)})[0] is DtypeError


@pytest.mark.parametrize("weights", [(0.5, 0.6, 0.1), (1.2, -0.2, 0.0), (0.0, 0.0, 0.0)])
def test_weights_are_a_distribution(bk, weights):
    """SciPy would divide by their sum; who means that says so."""
    kind, message = refusal(bk, "wasserstein_distance", O, O, np.array(weights))
    assert kind is DomainError
    assert message.startswith("x_weights")


def test_every_place_has_a_weight(bk):
    kind, message = refusal(bk, "wasserstein_distance", O, O, np.array([0.5, 0.5]))
    assert kind is ShapeError
    assert "x_weights has shape (2,), expected (n,)" in message
    assert refusal(bk, "wasserstein_distance", np.ones((3, 2)), O)[0] is ShapeError


def test_a_map_has_two_axes(bk):
    assert refusal(bk, "lipschitz_constant", O)[0] is ShapeError


def test_a_slope_needs_two_samples(bk):
    kind, message = refusal(bk, "lipschitz_lower_bound", np.ones((1, 2)), np.ones((1, 1)))
    assert kind in (ShapeError, DomainError)
    assert "at least two samples" in message


def test_a_box_has_a_size(bk):
    kind, message = refusal(bk, "weight_clipping", O, c=0.0)
    assert kind is DomainError
    assert message == "c is 0.0, expected a float > 0"


def penalty(bk, *arguments, **options):
    return refusal(bk, "gradient_penalty", lambda w, x: x @ w, *arguments, **options)


def test_the_penalty_takes_as_many_samples_as_data_and_draws(bk):
    x, u = np.ones((4, 3)), np.full(4, 0.5)
    assert penalty(bk, O, x, np.ones((5, 3)), u)[0] is ShapeError
    assert penalty(bk, O, x, x, np.full(3, 0.5))[0] is ShapeError
    assert penalty(bk, O, x, x, u + 1) == (DomainError, "uniform has a value that is not in [0, 1]")
    assert penalty(bk, O, x, x, u, strength=-1.0)[0] is DomainError


def game(bk):
    def stay(params, grads, state):
        return params, state

    return Game(
        lambda g, z: z + g, lambda d, fake, x: (d * fake).mean(), lambda d, fake, x: (d * fake).mean(), stay, stay
    )


@pytest.mark.parametrize(
    ("batches", "draws", "options", "words"),
    [
        ((np.ones((3, 2)),), (np.ones((4, 2)),), {}, "batches are for 3 rounds, but draws for 4"),
        ((np.ones((3, 2)),), (np.ones((3, 2)),), {"k": 2}, "expected 2 per round"),
        ((np.ones((4, 2)),), (np.ones((4, 2)),), {"k": 2, "noise": "fresh"}, "of length [4], expected 3"),
        ((np.ones((2, 2)), np.ones((3, 2))), (np.ones((2, 2)),), {}, "batches holds arrays of length [2, 3]"),
        ((), (np.ones((2, 2)),), {}, "batches holds arrays of length []"),
        ((np.ones((0, 2)),), (np.ones((0, 2)),), {}, "batches holds arrays of length [0]"),
    ],
)  # fmt: skip
def test_batches_and_noise_are_for_the_same_rounds(bk, batches, draws, options, words):
    players = Players(np.ones(()), np.ones(()))
    kind, message = refusal(bk, "alternating_training", game(bk), players, batches, draws, **options)
    assert kind is ShapeError
    assert words in message


def test_the_rules_are_a_game(bk):
    players = Players(np.ones(()), np.ones(()))
    kind, message = refusal(bk, "alternating_training", game, players, (O,), (O,))
    assert kind is DtypeError
    assert "Game" in message
    assert refusal(bk, "alternating_training", game(bk), players, (O,), (O,), k=0)[0] is DomainError
    assert refusal(bk, "alternating_training", game(bk), players, (O,), (O,), noise="new")[0] is DomainError


def test_a_critic_with_a_sigmoid_is_told_why_not(bk):
    """The warning names the formula, and what a bounded score cannot do."""
    x, w = bk.asarray(np.ones((3, 2))), bk.asarray(np.ones(2))
    with pytest.warns(UserWarning, match=r"gradient_penalty: .*sigmoid.*real numbers.*measure a distance"):
        bk.gradient_penalty(lambda w, x: bk.sigmoid(x @ w), w, x, x, bk.asarray(np.full(3, 0.5)))
