"""What bad input of a regularizer gets: one clear error, the same in both backends, before anything is computed."""

import inspect
import math

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
H = np.ones(3)
IMAGES = np.ones((2, 3, 4, 5))
LABELS = np.eye(4)[:2]
PLACES = np.array([0, 1])
NAN, INF = math.nan, math.inf


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def convert(bk, value):
    if isinstance(value, dict):
        return {key: convert(bk, item) for key, item in value.items()}
    return bk.asarray(value) if isinstance(value, np.ndarray) else value


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(convert(bk, x) for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


ARGUMENTS = {
    "dropout": (H, H / 2), "inverted_dropout": (H, H / 2), "dropout_inference": (H,), "label_smoothing": (LABELS,),
    "color_jitter": (IMAGES, np.full((2, 2), 0.5)),
}  # fmt: skip
SHARES = [
    ("dropout", "p"), ("inverted_dropout", "p"), ("dropout_inference", "p"), ("label_smoothing", "eps"),
    ("color_jitter", "brightness"), ("color_jitter", "contrast"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "option"), SHARES)
@pytest.mark.parametrize("value", [-0.01, 1.01, INF, NAN])
def test_probabilities_lie_between_0_and_1(bk, name, option, value):
    assert refusal(bk, name, *ARGUMENTS[name], **{option: value}) == (
        DomainError,
        f"{option} is {value!r}, expected a float in [0, 1]",
    )
    assert refusal(bk, name, *ARGUMENTS[name], **{option: "half"})[0] is DtypeError


@pytest.mark.parametrize("name", ["dropout", "inverted_dropout", "color_jitter"])
@pytest.mark.parametrize("value", [-0.25, 1.25])
def test_normal_draws_are_no_uniform_ones(bk, name, value):
    x, uniform = ARGUMENTS[name]
    spoiled = uniform.copy()
    spoiled.flat[-1] = value
    assert refusal(bk, name, x, spoiled) == (DomainError, "uniform has a value that is not in [0, 1]")


def test_draws_have_the_shape_of_what_they_change(bk):
    for name in ("dropout", "inverted_dropout", "input_noise"):
        kind, message = refusal(bk, name, np.ones((2, 3)), H / 2)
        assert kind is ShapeError
        assert "has shape (3,), expected (*shape,) with shape=(2, 3) (from " in message
    assert refusal(bk, "weight_noise", {"w": H}, {"w": np.ones(4)}) == (
        ShapeError,
        "normal has shape (4,), expected (3,) as params has",
    )
    assert refusal(bk, "color_jitter", IMAGES, np.full((2, 3), 0.5))[0] is ShapeError
    assert refusal(bk, "color_jitter", IMAGES, np.full((3, 2), 0.5))[0] is ShapeError


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("regularized_objective", {"strength": -0.5}), ("l2_penalty", {"strength": -0.5}),
        ("l1_penalty", {"strength": -0.5}), ("weight_decay", {"lr": -0.5}), ("weight_decay", {"weight_decay": -0.5}),
        ("early_stopping", {"min_delta": -0.5}), ("input_noise", {"std": -0.5}), ("weight_noise", {"std": -0.5}),
    ],
)  # fmt: skip
def test_strengths_are_not_negative(bk, name, options):
    single = name in ("l2_penalty", "l1_penalty", "early_stopping")
    x = np.ones(()) if name in ("regularized_objective", "early_stopping") else H
    (option,) = options
    assert refusal(bk, name, *((x,) if single else (x, x)), **options) == (
        DomainError,
        f"{option} is -0.5, expected a float >= 0",
    )


def test_patience_is_a_whole_number_above_0_or_none(bk):
    loss = np.ones(())
    assert refusal(bk, "early_stopping", loss, patience=0) == (DomainError, "patience is 0, expected an int >= 1")
    assert refusal(bk, "early_stopping", loss, patience=2.0) == (DtypeError, "patience is 2.0, expected an int")
    assert not bool(bk.early_stopping(bk.asarray(loss), patience=None)[0])


def test_early_stopping_watches_one_number(bk):
    kind, message = refusal(bk, "early_stopping", H)
    assert kind is ShapeError
    assert message.startswith("loss has shape (3,)")
    assert refusal(bk, "early_stopping", 1.0) == (DtypeError, "loss is a float, expected an array")
    assert refusal(bk, "early_stopping", np.ones(()), (1, 2.0, 1)) == (
        DtypeError,
        "state is a tuple, expected an EarlyStoppingState or None",
    )


def test_penalties_are_of_float_arrays(bk):
    assert refusal(bk, "l2_penalty", {}) == (ShapeError, "params holds no array")
    assert refusal(bk, "l1_penalty", {"w": 1.0})[0] is DtypeError
    assert refusal(bk, "l2_penalty", np.ones(3, int))[0] is DtypeError
    assert refusal(bk, "weight_decay", {"w": H}, {"v": H})[0] is ShapeError
    assert refusal(bk, "regularized_objective", H, np.ones(()))[0] is ShapeError


@pytest.mark.parametrize("size", [5, (5, 1), (1, 6)])
def test_a_crop_is_no_larger_than_the_image(bk, size):
    kind, message = refusal(bk, "random_crop", IMAGES, PLACES, PLACES, size=size)
    assert kind is DomainError
    assert message.startswith("expected a crop no larger than the image with h=4 (from x)")
    assert f"size={size!r}" in message


@pytest.mark.parametrize(("argument", "places", "words"), [
    (1, [0, 3], "top has a value that is not in [0, 2], for 2 of 4 pixels"),
    (1, [-1, 0], "top has a value that is not in [0, 2], for 2 of 4 pixels"),
    (2, [0, 4], "left has a value that is not in [0, 3], for 2 of 5 pixels"),
])  # fmt: skip
def test_a_crop_does_not_reach_beyond_the_image(bk, argument, places, words):
    arguments = [IMAGES, PLACES, PLACES]
    arguments[argument] = np.array(places)
    assert refusal(bk, "random_crop", *arguments, size=2) == (DomainError, words)


def test_sizes_are_whole_numbers(bk):
    assert refusal(bk, "random_crop", IMAGES, PLACES, PLACES, size=0)[0] is DomainError
    assert refusal(bk, "random_crop", IMAGES, PLACES, PLACES, size=1.5)[0] is DtypeError
    assert refusal(bk, "cutout", IMAGES, PLACES, PLACES, size=-1)[0] is DomainError
    assert refusal(bk, "cutmix", IMAGES, LABELS, PLACES, PLACES, PLACES, size=(1, 2, 3))[0] is DtypeError
    assert refusal(bk, "translate", IMAGES, shift=0.5)[0] is DtypeError
    assert refusal(bk, "rotate", IMAGES, quarter_turns=0.5) == (DtypeError, "quarter_turns is 0.5, expected an int")
    assert refusal(bk, "rotate", IMAGES, quarter_turns=True)[0] is DtypeError


@pytest.mark.parametrize("name", ["cutout", "cutmix"])
@pytest.mark.parametrize(("row", "column", "words"), [
    (4, 0, "row has a label that is not in [0, h) with h=4 (from x)"),
    (-1, 0, "row has a label that is not in [0, h) with h=4 (from x)"),
    (0, 5, "column has a label that is not in [0, w) with w=5 (from x)"),
])  # fmt: skip
def test_the_middle_of_a_box_is_a_pixel(bk, name, row, column, words):
    arguments = [IMAGES, np.full(2, row), np.full(2, column)]
    if name == "cutmix":
        arguments = [IMAGES, LABELS, *arguments[1:], PLACES]
    assert refusal(bk, name, *arguments, size=2) == (DomainError, words)


@pytest.mark.parametrize("shape", [(2, 1, 4, 5), (2, 4, 4, 5), (4, 5)])
def test_grayscale_is_made_of_three_channels(bk, shape):
    kind, message = refusal(bk, "to_grayscale", np.ones(shape))
    assert kind is ShapeError
    assert message.startswith(f"x has shape {shape}, expected (*batch, 3, h, w)")


@pytest.mark.parametrize("name", ["horizontal_flip", "vertical_flip", "rotate", "translate"])
def test_an_image_has_two_axes_and_a_pixel(bk, name):
    assert refusal(bk, name, H)[0] is ShapeError
    assert refusal(bk, name, np.ones((2, 0, 3)))[0] is ShapeError


def test_mixed_batches_have_as_many_targets_as_samples(bk):
    x, lam = np.ones((2, 3)), np.full(2, 0.5)
    assert refusal(bk, "mixup", x, np.eye(3), lam, PLACES)[0] is ShapeError
    assert refusal(bk, "mixup", np.ones((3, 3)), LABELS, lam, PLACES)[0] is ShapeError
    assert refusal(bk, "mixup", x, LABELS, np.full(3, 0.5), PLACES)[0] is ShapeError
    assert refusal(bk, "mixup", x, LABELS, lam, np.arange(3))[0] is ShapeError
    assert refusal(bk, "cutmix", IMAGES, np.eye(3), PLACES, PLACES, PLACES, size=1)[0] is ShapeError
    assert refusal(bk, "mixup", x, np.array([0, 1]), lam, PLACES)[0] is DtypeError


def test_shares_partners_and_targets_are_in_their_domains(bk):
    x, lam = np.ones((2, 3)), np.full(2, 0.5)
    assert refusal(bk, "mixup", x, LABELS, np.array([0.5, 1.5]), PLACES) == (
        DomainError,
        "lam has a value that is not in [0, 1]",
    )
    assert refusal(bk, "mixup", x, LABELS, lam, np.array([0, 2])) == (
        DomainError,
        "permutation has a label that is not in [0, n) with n=2 (from x)",
    )
    assert refusal(bk, "mixup", x, 2 * LABELS, lam, PLACES) == (
        DomainError,
        "target does not sum to 1 along its last axis",
    )
    assert refusal(bk, "label_smoothing", np.array([[3.0, -2.0]]))[0] is DomainError


def test_the_output_layer_wants_booleans_of_the_shape_of_h(bk):
    arguments = [H, np.ones((3, 2)), np.ones(2), np.zeros(3, bool)]
    for place, value, kind in (
        (3, np.zeros(3), DtypeError), (3, np.zeros(2, bool), ShapeError), (1, np.ones((2, 3)), ShapeError),
        (2, np.ones(3), ShapeError),
    ):  # fmt: skip
        assert refusal(bk, "dropout_output_layer", *arguments[:place], value, *arguments[place + 1 :])[0] is kind


def test_arrays_are_needed_and_of_one_dtype(bk):
    assert refusal(bk, "dropout", [1.0, 2.0], H) == (DtypeError, "h is a list, expected an array")
    single = bk.asarray(H, dtype="float32")
    with pytest.raises(DtypeError, match=r"uniform has dtype .*float64, expected .*float32 as h has"):
        bk.dropout(single, bk.asarray(H))


def test_nan_and_infinity_in_the_data_are_data(bk):
    """A dropped infinity is 0, not NaN; a kept NaN stays one."""
    h, uniform = np.array([INF, NAN, -INF, NAN]), np.array([0.0, 0.0, 1.0, 1.0])
    expected = np.array([0.0, 0.0, -INF, NAN])
    for name in ("dropout", "inverted_dropout"):
        found = bk.to_numpy(getattr(bk, name)(bk.asarray(h), bk.asarray(uniform)))
        assert np.array_equal(found, expected, equal_nan=True)
    covered = bk.cutout(bk.asarray(np.full((1, 2, 2), INF)), *(bk.asarray(np.zeros(1, int)),) * 2, size=4)
    assert not bk.to_numpy(covered).any()


@pytest.mark.parametrize("name", ["dropout", "cutout", "mixup", "rotate"])
def test_arguments_are_left_as_they_were(bk, name):
    place = np.zeros(2, int)
    arguments = {
        "dropout": (H, H / 2), "cutout": (IMAGES, place, place), "mixup": (IMAGES, LABELS, np.full(2, 0.5), PLACES),
        "rotate": (IMAGES,),
    }[name]  # fmt: skip
    given = [convert(bk, x.copy()) for x in arguments]
    getattr(bk, name)(*given)
    assert all(np.array_equal(bk.to_numpy(x), before) for x, before in zip(given, arguments, strict=True))


def test_every_option_has_a_default(bk):
    for formula in gongsik.formulas("regularization").values():
        function = getattr(bk, formula.name)
        for parameter in inspect.signature(function).parameters.values():
            assert parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is not parameter.empty
