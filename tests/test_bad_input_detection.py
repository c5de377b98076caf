"""What bad input of detection gets: one clear error, the same in both backends; no boxes at all are good input."""

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.detectors import RPN, FastRCNN

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
BOXES, SCORES = np.array([[0.0, 0, 4, 4], [1, 1, 3, 5]]), np.array([0.5, 0.25])
TURNED = {"x": np.array([[0.0, 0, 4, 4], [3, 1, 1, 5]]), "y": np.array([[0.0, 0, 4, 4], [1, 5, 3, 1]])}
NONE, NO_SCORES, NO_LABELS = np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64)
X = np.arange(18.0).reshape(1, 2, 3, 3)


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


@pytest.mark.parametrize("axis", ["x", "y"])
def test_the_second_corner_lies_behind_the_first(bk, axis):
    turned = TURNED[axis]
    for name, arguments, which in (
        ("iou", (turned, BOXES), "a"), ("iou", (BOXES, turned), "b"),
        ("non_max_suppression", (turned, SCORES), "boxes"),
        ("box_regression", (turned, BOXES), "boxes"), ("decode_boxes", (BOXES, turned), "anchors"),
        ("match_anchors", (turned, BOXES), "anchors"), ("match_anchors", (BOXES, turned), "truths"),
    ):  # fmt: skip
        assert refusal(bk, name, *arguments) == (DomainError, f"{which} has a box with {axis}2 < {axis}1")


def test_a_score_that_is_no_number_is_not_kept(bk):
    kept = call(bk, "non_max_suppression", np.vstack([BOXES[:1], BOXES[:1]]), np.array([np.nan, 0.5]))
    assert bk.to_numpy(kept).tolist() == [False, True]


def test_thresholds_stay_in_their_range(bk):
    assert refusal(bk, "non_max_suppression", BOXES, SCORES, threshold=-0.1)[0] is DomainError
    labels = np.array([0, 0])
    for threshold in (0.0, 1.5):
        found = refusal(bk, "match_detections", BOXES, SCORES, labels, BOXES, labels, threshold=threshold)
        assert found[0] is DomainError
    kind, message = refusal(bk, "match_anchors", BOXES, BOXES, positive=0.3, negative=0.5)
    assert kind is DomainError
    assert "a lower bound that is no higher than the upper one" in message


def test_no_boxes_are_good_input(bk):
    def empty(name, *arguments, **options):
        result = call(bk, name, *arguments, **options)
        return tuple(bk.to_numpy(result).shape)

    assert empty("box_convert", NONE) == (0, 4)
    assert empty("iou", NONE, BOXES) == (0, 2)
    assert empty("iou", BOXES, NONE) == (2, 0)
    assert empty("non_max_suppression", NONE, NO_SCORES) == (0,)
    assert empty("roi_pool", X, NONE, NO_LABELS, output_size=2) == (0, 2, 2, 2)
    assert empty("roi_align", X, NONE, NO_LABELS, output_size=2) == (0, 2, 2, 2)
    assert empty("region_warp", X[0], NONE, size=5) == (0, 2, 5, 5)
    assert float(call(bk, "average_precision", NO_SCORES, np.zeros(0, bool), positives=3)) == 0
    negative = call(bk, "match_anchors", BOXES, NONE).negative
    assert bk.to_numpy(negative).all()


def test_labels_and_regions_are_among_those_that_exist(bk):
    image, labels = np.zeros((1, 1, 3)), np.array([[0, 2, 2]])
    kind, message = refusal(bk, "selective_search", image, labels, regions=3)
    assert kind is DomainError
    assert message == "labels has 2 regions, expected each from 0 to 2"
    boxes = np.array([[[0.5, 0.5, 0.25, 0.25]]])
    assert refusal(bk, "yolo_target", boxes, np.array([[3]]), classes=3)[0] is DomainError
    assert refusal(bk, "roi_pool", X, BOXES, np.array([0, 1]), output_size=2)[0] is DomainError


def test_grids_and_levels_have_a_shape_that_says_what_is_in_them(bk):
    assert refusal(bk, "yolo_decode", np.zeros((1, 2, 2, 10)), b=2)[0] is DomainError
    assert refusal(bk, "yolo_decode", np.zeros((1, 2, 3, 11)), b=2)[0] is ShapeError
    assert refusal(bk, "spatial_pyramid_pool", X, levels=[1, 2])[0] is DomainError
    assert refusal(bk, "spatial_pyramid_pool", X, levels=(0,))[0] is DomainError
    assert refusal(bk, "anchor_boxes", X, ratios=(0.0,))[0] is DomainError
    assert refusal(bk, "average_precision", SCORES, SCORES, positives=1)[0] is DtypeError


def test_parameters_that_do_not_fit_are_named_all_at_once(bk):
    config = RPN(2, 1, 3)
    params = {name: np.zeros(shape) for name, shape in config.parameters().items()}
    broken = {k: bk.asarray(v) for k, v in params.items() if k != "bbox_pred.bias"} | {"more": bk.asarray(np.zeros(1))}
    kind, message = refusal(bk, "rpn", config, broken, X)
    assert kind is ShapeError
    assert "no bbox_pred.bias" in message
    assert "no place for more" in message
    with pytest.raises(DomainError, match="classes is 0, expected an int >= 1"):
        FastRCNN(0)
