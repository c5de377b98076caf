"""What bad input of a loss gets: one clear error, the same in both backends; NaN and infinity are data."""

import inspect
import math

import numpy as np
import pytest
import torch

import gongsik
from gongsik import torch_impl
from gongsik.spec import DomainError, DtypeError, ShapeError

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
PAIRWISE = ["mse", "rmse", "mae", "gaussian_nll"]
MARGIN = ["margin", "zero_one_loss", "hinge_loss", "logistic_loss", "exponential_loss"]
Z, O = np.zeros(3), np.ones(3)  # noqa: E741
ROWS = np.full((2, 4), 0.25)
LABELS = np.array([0, 3])
NAN, INF = math.nan, math.inf


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(bk.asarray(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


@pytest.mark.parametrize("name", PAIRWISE + MARGIN)
def test_shapes_have_to_match(bk, name):
    kind, message = refusal(bk, name, O, np.ones(4))
    assert kind is ShapeError
    assert message.startswith("target has shape (4,), expected (n, *features)")
    assert "n=3 (from " in message
    assert refusal(bk, name, np.ones((3, 2)), O)[0] is ShapeError


@pytest.mark.parametrize("name", PAIRWISE + MARGIN)
def test_a_sample_is_needed(bk, name):
    assert refusal(bk, name, np.ones(()), np.ones(()))[0] is ShapeError
    for shape in ((0,), (3, 0)):
        kind, message = refusal(bk, name, np.ones(shape), np.ones(shape))
        assert kind is ShapeError
        assert "at least" in message


@pytest.mark.parametrize("name", PAIRWISE + MARGIN)
def test_real_numbers_of_one_dtype_are_needed(bk, name):
    assert refusal(bk, name, O.astype(np.int64), O)[0] is DtypeError
    kind, message = refusal(bk, name, O, np.array([True, False, True]))
    assert kind is DtypeError
    assert message.startswith("target has dtype ")
    assert "bool" in message
    assert refusal(bk, name, O.tolist(), O) == (
        DtypeError,
        f"{'score' if name in MARGIN else 'pred'} is a list, expected an array",
    )
    single = BACKENDS["torch"].asarray(O, dtype="float32") if bk.name == "torch" else O.astype(np.float32)
    with pytest.raises(DtypeError, match=r"float64, expected .*float32"):
        getattr(bk, name)(single, bk.asarray(O))


@pytest.mark.parametrize("name", ["mse", "cross_entropy", "softmax_cross_entropy", "hinge_loss"])
def test_reductions_have_names(bk, name):
    arguments = {"cross_entropy": (ROWS, ROWS), "softmax_cross_entropy": (ROWS, LABELS)}.get(name, (O, O))
    assert refusal(bk, name, *arguments, reduction="none") == (
        DomainError,
        "reduction is 'none', expected one of 'mean', 'batchmean', 'sum'",
    )


@pytest.mark.parametrize("name", MARGIN)
@pytest.mark.parametrize(
    "labels", [(0.0, 1.0, 1.0), (1.0, -1.0, 0.0), (-1.0, 1.0, 0.5), (2.0, 1.0, 0.5), (NAN, 1.0, 1.0)]
)
def test_labels_of_margins_are_minus_one_or_one(bk, name, labels):
    assert refusal(bk, name, O, np.array(labels)) == (DomainError, "target has a value that is neither -1 nor +1")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_label_just_below_one_is_found_among_many(dtype):
    """The check multiplies them all, and no rounding of a product brings back what one factor lacks."""
    labels = torch.ones(10_000, dtype=getattr(torch, dtype))
    labels[::2] = -1
    scores = torch.zeros_like(labels)
    torch_impl.margin(scores, labels)
    labels[777] = 1 - torch.finfo(labels.dtype).eps / 2
    with pytest.raises(DomainError, match="neither -1 nor"):
        torch_impl.margin(scores, labels)


@pytest.mark.parametrize("argument", [0, 1])
@pytest.mark.parametrize("value", [-0.01, 1.01, INF, -INF])
def test_probabilities_lie_between_0_and_1(bk, argument, value):
    arguments = [O / 2, O / 2]
    arguments[argument] = np.array([0.0, value, 1.0])
    what = ("prob", "target")[argument]
    assert refusal(bk, "binary_cross_entropy", *arguments) == (DomainError, f"{what} has a value that is not in [0, 1]")


@pytest.mark.parametrize("argument", [0, 1])
def test_rows_are_distributions(bk, argument):
    what = ("prob", "target")[argument]
    for row, message in (
        ([0.5, 0.5, 0.5, -0.5], f"{what} has a negative or infinite value, expected probabilities"),
        ([INF, 0.0, 0.0, 0.0], f"{what} has a negative or infinite value, expected probabilities"),
        ([0.5, 0.25, 0.125, 0.0], f"{what} does not sum to 1 along its last axis"),
        ([2.0, 1.0, 0.0, -2.0], f"{what} has a negative or infinite value, expected probabilities"),
    ):
        arguments = [ROWS, ROWS]
        arguments[argument] = np.array([[0.25] * 4, row])
        assert refusal(bk, "cross_entropy", *arguments) == (DomainError, message)


def test_logits_are_no_distributions(bk):
    """Who mixes up the two cross entropies is told so, not given a number."""
    logits = np.array([[2.0, -1.0, 0.5, 0.0], [1.0, 1.0, 1.0, 1.0]])
    assert refusal(bk, "cross_entropy", logits, np.eye(4)[LABELS])[0] is DomainError


@pytest.mark.parametrize("label", [-1, 4, -100, 255])
def test_labels_name_a_class(bk, label):
    assert refusal(bk, "softmax_cross_entropy", ROWS, np.array([0, label])) == (
        DomainError,
        "target has a label that is not in [0, k) with k=4 (from logits)",
    )


def test_minus_100_is_a_label_out_of_range_for_the_kernel_too():
    """Where nothing looks at the values first, torch's kernel refuses the label that it would otherwise ignore."""
    unchecked = inspect.unwrap(torch_impl.softmax_cross_entropy)
    with pytest.raises(IndexError, match="-100"):
        unchecked(torch.zeros(2, 4), torch.tensor([0, -100]))


def test_labels_are_integers_without_the_axis_of_classes(bk):
    kind, message = refusal(bk, "softmax_cross_entropy", ROWS, LABELS.astype(float))
    assert kind is DtypeError
    assert "expected an integer dtype" in message
    assert refusal(bk, "softmax_cross_entropy", ROWS, np.eye(4)[LABELS].astype(np.int64))[0] is ShapeError
    assert refusal(bk, "softmax_cross_entropy", ROWS, np.array([0, 1, 2]))[0] is ShapeError
    assert refusal(bk, "softmax_cross_entropy", ROWS[0], np.array(0))[0] is ShapeError
    assert refusal(bk, "softmax_cross_entropy", ROWS[:0], LABELS[:0])[0] is ShapeError
    assert refusal(bk, "softmax_cross_entropy", ROWS[:, :0], LABELS)[0] is ShapeError


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_variance_is_positive(bk, value):
    assert refusal(bk, "gaussian_nll", O, O, np.array([1.0, value, 1.0])) == (
        DomainError,
        "var has a value that is not > 0",
    )
    assert refusal(bk, "gaussian_nll", O, O, np.ones(1))[0] is ShapeError


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mse", ([NAN, 1.0], [0.0, 0.0]), NAN),
        ("mse", ([INF, 1.0], [0.0, 0.0]), INF),
        ("mse", ([INF, 1.0], [INF, 0.0]), NAN),
        ("rmse", ([0.0, -INF], [0.0, 0.0]), INF),
        ("mae", ([0.0, -INF], [0.0, NAN]), NAN),
        ("cross_entropy", ([[NAN, 0.5]], [[0.0, 1.0]]), NAN),
        ("binary_cross_entropy", ([NAN, 0.5], [0.0, 1.0]), NAN),
        ("binary_cross_entropy", ([0.5, 0.5], [NAN, 1.0]), NAN),
        ("softmax_cross_entropy", ([[-INF, 0.0]], [0]), INF),
        ("softmax_cross_entropy", ([[-INF, 0.0]], [1]), 0.0),
        ("softmax_cross_entropy", ([[INF, 0.0]], [0]), NAN),
        ("softmax_cross_entropy", ([[NAN, 0.0]], [1]), NAN),
        ("gaussian_nll", ([0.0], [0.0], [INF]), INF),
        ("gaussian_nll", ([INF], [0.0], [INF]), NAN),
        ("zero_one_loss", ([NAN, 1.0], [1.0, 1.0]), NAN),
        ("hinge_loss", ([NAN, 1.0], [1.0, 1.0]), NAN),
        ("hinge_loss", ([INF, -INF], [1.0, -1.0]), 0.0),
        ("logistic_loss", ([INF, 1.0], [-1.0, 1.0]), INF),
        ("logistic_loss", ([INF, -INF], [1.0, -1.0]), 0.0),
        ("exponential_loss", ([NAN, 1.0], [1.0, 1.0]), NAN),
        ("exponential_loss", ([-INF, 1.0], [1.0, 1.0]), INF),
    ],
)
def test_nan_and_infinity_are_data(bk, name, arguments, expected):
    with np.errstate(all="ignore"):
        value = float(getattr(bk, name)(*(bk.asarray(np.array(x)) for x in arguments)))
    assert value == expected or (math.isnan(value) and math.isnan(expected)), value
