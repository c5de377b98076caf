"""Laws of object detection."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import inputs, make
from gongsik.spec import DomainError
from gongsik.spec.detection import cnn_passes, rpn_channels, yolo_output_shape
from gongsik.spec.detectors import RPN, FasterRCNN, YOLOv1
from gongsik.spec.layers import Conv2d

SEEDS = st.integers(0, 2**32 - 1)


def run(gs, name, *arguments, **options) -> Any:
    """A formula of NumPy arrays, in NumPy."""
    result = getattr(gs, name)(*(gs.array(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)
    return tuple(map(gs.numpy, result)) if isinstance(result, tuple) else gs.numpy(result)


@st.composite
def grids(draw, n=8, least=1):
    """Up to n boxes whose corners are small integers, and different scores: areas and their sums are exact."""
    k = draw(st.integers(1, n))
    corner, size = st.tuples(*[st.integers(0, 8)] * 2), st.tuples(*[st.integers(least, 6)] * 2)
    boxes = np.array([(*c, c[0] + s[0], c[1] + s[1]) for c, s in (draw(st.tuples(corner, size)) for _ in range(k))])
    return boxes.astype(np.float64), (np.array(draw(st.permutations(range(k)))) + 1.0) / 16


# Boxes


@law("detection.box_convert")
@given(inputs("box_convert"))
def test_box_convert_returns_there_and_back(gs, case):
    """From one form to another and back is the identity."""
    there = {"source": case.options["source"], "target": case.options["target"]}
    back = {"source": there["target"], "target": there["source"]}
    assert_agree(gs, lambda gs, x: gs.box_convert(gs.box_convert(x, **there), **back), lambda gs, x: x, *case.arguments)


@law("detection.box_convert")
@given(inputs("box_convert"))
def test_box_convert_keeps_the_sizes(gs, case):
    """x2 - x1 = w and y2 - y1 = h."""

    def sides(gs, x):
        corners = gs.box_convert(x, source="cxcywh", target="xyxy")
        return corners[..., 2:] - corners[..., :2]

    assert_agree(gs, sides, lambda gs, x: x[..., 2:], *case.arguments)


@law("detection.iou")
@given(inputs("iou"))
def test_iou_is_symmetric_and_a_share(gs, case):
    """IoU(a, b) = IoU(b, a), from 0 to 1."""
    assert_agree(gs, lambda gs, a, b: gs.iou(a, b), lambda gs, a, b: gs.iou(b, a).swapaxes(0, 1), *case.arguments)
    assert_at_most(gs, lambda gs, a, b: gs.iou(a, b), lambda gs, a, b: 0 * gs.iou(a, b) + 1, *case.arguments)
    assert (run(gs, "iou", *case.arguments) >= 0).all()


@law("detection.iou")
@given(grids(), st.sampled_from((0.5, 4.0)), st.integers(-3, 3))
def test_iou_ignores_place_and_scale(gs, drawn, scale, shift):
    """IoU(s a + t, s b + t) = IoU(a, b), exactly on a grid; and only a box itself has 1."""
    boxes, _ = drawn
    overlap = run(gs, "iou", boxes, boxes)
    assert np.array_equal(run(gs, "iou", scale * boxes + shift, scale * boxes + shift), overlap)
    assert np.array_equal(overlap == 1, (boxes[:, None] == boxes).all(-1))


@law("detection.iou")
@given(grids(n=3))
def test_one_minus_iou_satisfies_the_triangle_inequality(gs, drawn):
    """1 - IoU is the Jaccard distance, a metric."""
    boxes = np.concatenate([drawn[0], np.tile([0.0, 0, 2, 2], (3, 1))])[:3]
    assert_at_most(
        gs,
        lambda gs, x: 1 - gs.iou(x[:1], x[2:]),
        lambda gs, x: 2 - gs.iou(x[:1], x[1:2]) - gs.iou(x[1:2], x[2:]),
        boxes,
    )


@law("detection.iou")
def test_iou_of_boxes_without_area_is_0(gs):
    """A point and a line share nothing, not even with themselves; a third is a third."""
    boxes = np.array([[1.0, 1, 1, 1], [0, 1, 3, 1], [0, 0, 2, 2], [1, 0, 3, 2]])
    overlap = run(gs, "iou", boxes, boxes)
    assert (overlap[:2] == 0).all()
    assert abs(overlap[2, 3] - 1 / 3) <= gs.precision.unit


# Non-maximum suppression


def suppressed_one_by_one(boxes, scores, labels, threshold, inclusive):
    """The definition, on integers: of two integers, shared / union > threshold without rounding."""
    order, kept = sorted(range(len(boxes)), key=lambda i: (-scores[i], i)), []
    numerator, denominator = float(threshold).as_integer_ratio()
    for i in order:
        for j in kept:
            sides = np.minimum(boxes[i][2:], boxes[j][2:]) - np.maximum(boxes[i][:2], boxes[j][:2])
            shared = int(np.prod(np.maximum(sides, 0)))
            union = sum(int(np.prod(boxes[k][2:] - boxes[k][:2])) for k in (i, j)) - shared
            excess = shared * denominator - numerator * max(union, 1)
            if labels[i] == labels[j] and (excess > 0 or (inclusive and excess == 0)):
                break
        else:
            kept.append(i)
    return np.isin(np.arange(len(boxes)), kept)


@law("detection.non_max_suppression")
@given(grids(n=24, least=0), st.sampled_from((0.5, 0.25, 0.125, 0.75)), st.booleans(), st.booleans())
def test_non_max_suppression_is_the_greedy_choice(gs, drawn, threshold, inclusive, of_classes):
    """Box after box by falling score: kept, unless a kept one of its class overlaps it by more than the threshold."""
    boxes, scores = drawn
    labels = np.arange(len(boxes)) % (2 if of_classes else 1)
    expected = suppressed_one_by_one(boxes, scores, labels, threshold, inclusive)
    given_labels = (labels,) if of_classes else ()
    kept = run(gs, "non_max_suppression", boxes, scores, *given_labels, threshold=threshold, inclusive=inclusive)
    assert np.array_equal(kept, expected), (boxes, scores, kept, expected)


@law("detection.non_max_suppression")
@given(grids(n=24))
def test_kept_boxes_stay_and_keep_their_distance(gs, drawn):
    """Those that are kept overlap by the threshold at most, all stay the second time, and so does the best."""
    boxes, scores = drawn
    kept = run(gs, "non_max_suppression", boxes, scores, threshold=0.5)
    overlap = run(gs, "iou", boxes[kept], boxes[kept]) - np.eye(kept.sum())
    assert (overlap <= 0.5).all()
    assert run(gs, "non_max_suppression", boxes[kept], scores[kept], threshold=0.5).all()
    assert kept[scores.argmax()]
    assert run(gs, "non_max_suppression", boxes, scores, threshold=1.5).all()


@law("detection.non_max_suppression")
def test_a_long_chain_of_suppressions_is_followed_to_its_end(gs):
    """Of boxes in a row, each overlapping the next, every second one is kept: a chain as long as the numbers reach."""
    n = 600 if gs.precision.unit < 2.0**-10 else 100
    boxes = np.stack([[2.0 * i, 0, 2 * i + 6, 1] for i in range(n)])  # IoU 1/2 with the next, 1/5 with the one after
    scores = (n - np.arange(n)) / 1024
    kept = run(gs, "non_max_suppression", boxes, scores, threshold=0.25)
    assert np.array_equal(kept, np.arange(n) % 2 == 0)


@law("detection.non_max_suppression")
def test_no_boxes_and_no_numbers(gs):
    """Nothing is kept of nothing; a score or a corner that is no number is not kept and drops nobody."""
    assert run(gs, "non_max_suppression", np.zeros((0, 4)), np.zeros(0)).shape == (0,)
    boxes = np.array([[0.0, 0, 2, 2], [0, 0, 2, 2], [0, np.nan, 2, 2]])
    kept = run(gs, "non_max_suppression", boxes, np.array([np.nan, 0.25, 0.5]))
    assert kept.tolist() == [False, True, False]


# Average precision


@law("detection.average_precision")
@given(inputs("average_precision"))
def test_average_precision_is_1_for_a_perfect_list_and_no_more(gs, case):
    """All right and nothing missing: 1. Otherwise from 0 to 1, and more if fewer are missing."""
    scores, correct = case.arguments
    positives, points = case.options["positives"], case.options["points"]
    value = run(gs, "average_precision", scores, correct, positives=positives, points=points)
    more = run(gs, "average_precision", scores, correct, positives=positives + 1, points=points)
    assert 0 <= more <= value <= 1
    if len(scores):
        assert run(gs, "average_precision", scores, np.ones(len(scores), bool), positives=len(scores)) == 1


@law("detection.average_precision")
@given(inputs("average_precision"))
def test_average_precision_is_the_area_under_the_curve_that_never_rises(gs, case):
    """One term per right answer: the best precision from there on, by hand."""
    scores, correct = case.arguments
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    right = [bool(correct[i]) for i in order]
    precision = [sum(right[: k + 1]) / (k + 1) for k in range(len(right))]
    area = sum(max(precision[k:]) for k in range(len(right)) if right[k]) / max(case.options["positives"], 1)
    value = run(gs, "average_precision", scores, correct, positives=case.options["positives"])
    assert abs(value - area) <= 4 * len(right) * gs.precision.unit


@law("detection.match_detections", "detection.mean_average_precision")
@given(grids(n=6), st.integers(1, 3))
def test_the_truth_itself_is_found(gs, drawn, classes):
    """Detections that are the truths have mean average precision 1; each truth is found once, in its own group."""
    boxes, scores = np.unique(drawn[0], axis=0), np.arange(1, 1 + len(np.unique(drawn[0], axis=0))) / 16
    labels, images = np.arange(len(boxes)) % classes, np.zeros(len(boxes), np.int64)
    truth = boxes, labels, images
    assert run(gs, "mean_average_precision", boxes, scores, labels, images, *truth, classes=classes) == 1
    twice = [np.concatenate([x, x]) for x in (boxes, scores, labels)]
    right = run(gs, "match_detections", *twice, boxes, labels, threshold=1.0)
    assert right.tolist() == [True] * len(boxes) + [False] * len(boxes)
    assert not run(gs, "match_detections", boxes, scores, labels, boxes, labels + 9).any()


@law("detection.mean_average_precision")
def test_mean_average_precision_is_over_classes_that_exist(gs):
    """Half of class 0 found, class 1 never there, class 2 missed: (1/2 + 0) / 2; nothing at all: 0."""
    truths = np.array([[0.0, 0, 4, 4], [9, 9, 12, 12], [0, 0, 4, 4]])
    labels, images = np.array([0, 0, 2]), np.array([0, 1, 1])
    found = truths[:1], np.array([0.5]), labels[:1], images[:1]
    assert run(gs, "mean_average_precision", *found, truths, labels, images, classes=3) == 0.25
    none = np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64)
    assert run(gs, "mean_average_precision", *none, *none[:1], *none[2:], classes=3) == 0


# Regions


@law("detection.selective_search")
@given(inputs("selective_search"))
def test_selective_search_gives_the_boxes_of_a_tree(gs, case):
    """2 n - 1 boxes; the first n hug their regions, every other is the hull of two, and the last is the image."""
    image, labels = case.arguments
    n, (h, w) = case.options["regions"], labels.shape
    boxes = run(gs, "selective_search", image, labels, regions=n)
    assert boxes.shape == (2 * n - 1, 4)
    for i in range(n):
        rows, columns = np.nonzero(labels == i)
        assert boxes[i].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    for i in range(n, 2 * n - 1):
        hulls = [np.r_[np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])] for a in boxes[:i] for b in boxes[:i]]
        assert any(np.array_equal(boxes[i], hull) for hull in hulls)
    assert boxes[-1].tolist() == [0, 0, w, h]


@law("detection.selective_search")
def test_selective_search_merges_what_looks_alike(gs):
    """Two dark stripes side by side come together before a dark and a bright one."""
    image = np.array([[[0.0] * 4 + [1.0] * 4] * 4])
    labels = np.array([[0, 0, 1, 1, 2, 2, 3, 3]] * 4)
    merged = run(gs, "selective_search", image, labels, regions=4)[4:]
    assert sorted(merged[:2].tolist()) == [[0, 0, 4, 4], [4, 0, 8, 4]]


@law("detection.region_warp")
@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
def test_region_warp_of_the_whole_image_to_its_size_is_the_image(gs, seed, h, w):
    """A box as large as the result is cut out as it is."""
    image = make(seed, "normal", (2, h + 1, w + 2), gs.precision.name)
    box = np.array([1.0, 1.0, 1.0 + w, 1.0 + h])
    assert np.array_equal(run(gs, "region_warp", image, box, size=(h, w)), image[:, 1:, 1 : 1 + w])


@law("detection.region_warp")
@given(inputs("region_warp"))
def test_region_warp_is_linear_and_stays_between_the_extremes(gs, case):
    """warp(2 x + 1) = 2 warp(x) + 1, and nothing leaves the range of the image."""
    options = case.options
    assert_agree(
        gs,
        lambda gs, x, b: gs.region_warp(2 * x + 1, b, **options),
        lambda gs, x, b: 2 * gs.region_warp(x, b, **options) + 1,
        *case.arguments,
    )
    flat = np.zeros_like(case.arguments[0]) + 0.75
    assert_agree(
        gs,
        lambda gs, x, b: gs.region_warp(x, b, **options),
        lambda gs, x, b: 0 * gs.region_warp(x, b, **options) + 0.75,
        flat,
        case.arguments[1],
    )


@law("detection.box_regression", "detection.decode_boxes")
@given(inputs("box_regression"))
def test_decoding_undoes_encoding(gs, case):
    """decode(encode(b, a), a) = b, and no offset is the anchor."""
    assert_agree(gs, lambda gs, b, a: gs.decode_boxes(gs.box_regression(b, a), a), lambda gs, b, a: b, *case.arguments)
    assert_agree(gs, lambda gs, b, a: gs.decode_boxes(0 * b, a), lambda gs, b, a: a, *case.arguments)


@law("detection.box_regression")
@given(inputs("box_regression"))
def test_encoding_ignores_place_and_scale(gs, case):
    """encode(2 b + 1, 2 a + 1) = encode(b, a)."""
    assert_agree(
        gs,
        lambda gs, b, a: gs.box_regression(2 * b + 1, 2 * a + 1),
        lambda gs, b, a: gs.box_regression(b, a),
        *case.arguments,
    )


@law("detection.decode_boxes")
def test_decoding_stretches_by_the_logarithm_and_no_further_than_allowed(gs):
    """A logarithm of ln 2 makes a box of width 10 one of width 20; with a largest factor of 1.5 it gets 15."""
    deltas, anchor = np.array([0.0, 0, math.log(2), 0]), np.array([10.0, 10, 20, 20])
    for largest, width in ((None, 20), (1.5, 15)):
        x1, _, x2, _ = run(gs, "decode_boxes", deltas, anchor, largest=largest)
        assert abs(x2 - x1 - width) <= 64 * width * gs.precision.unit


@law("detection.cnn_passes")
def test_cnn_passes_of_the_lecture(gs):
    """2000 against 1; and in proportion to the proposals for R-CNN alone."""
    assert cnn_passes("rcnn") == 2000
    assert {cnn_passes(name) for name in ("sppnet", "fast_rcnn", "faster_rcnn", "yolo_v1")} == {1}
    assert cnn_passes("rcnn", 3 * 7) == 3 * cnn_passes("rcnn", 7)
    with pytest.raises(DomainError, match="no method 'dpm'"):
        cnn_passes("dpm")


# Pools


@law("detection.spatial_pyramid_pool")
@given(inputs("spatial_pyramid_pool"))
def test_a_pyramid_has_the_same_length_for_any_size(gs, case):
    """There are c times the sum of b^2 numbers; one cell is the global maximum, and none exceeds it."""
    x, levels = case.arguments[0], case.options["levels"]
    pooled = run(gs, "spatial_pyramid_pool", x, levels=levels)
    assert pooled.shape == (len(x), x.shape[1] * sum(b * b for b in levels))
    whole = run(gs, "spatial_pyramid_pool", x, levels=(1,))
    assert np.array_equal(whole, gs.numpy(gs.array(x)).max((2, 3)))
    assert pooled.max() == whole.max()


@law("detection.spatial_pyramid_pool", "detection.roi_pool")
@given(inputs("spatial_pyramid_pool"))
def test_a_pyramid_is_the_pools_of_the_whole_image(gs, case):
    """Level b is RoI pooling of the region that is the image to b by b."""
    x, levels = case.arguments[0], case.options["levels"]
    n, _, h, w = x.shape
    whole = np.array([[0.0, 0, w - 1, h - 1]] * n)
    parts = [run(gs, "roi_pool", x, whole, np.arange(n), output_size=b).reshape(n, -1) for b in levels]
    assert np.array_equal(run(gs, "spatial_pyramid_pool", x, levels=levels), np.concatenate(parts, 1))


@law("detection.roi_pool")
@given(inputs("roi_pool"))
def test_roi_pool_covers_its_region(gs, case):
    """The largest pixel of a region is the largest of its cells; a region outside the map is 0."""
    x, boxes, images = case.arguments
    x = gs.numpy(gs.array(x))
    pooled = run(gs, "roi_pool", *case.arguments, **case.options)
    for (x1, y1, x2, y2), image, cells in zip(boxes, images, pooled, strict=True):
        left, top, right, bottom = (int(np.floor(v / 4 + 0.5)) for v in (x1, y1, x2, y2))
        region = x[image, :, max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)]
        expected = region.max((1, 2)) if region.size else np.zeros(x.shape[1])
        # A cell that lies outside has 0 in it, which may be more than what is inside.
        assert (cells.max((1, 2)) >= expected).all()
        assert np.isin(cells, np.append(region, 0)).all()


@law("detection.roi_pool")
def test_gradient_of_roi_pool_goes_to_the_largest_pixel(gs):
    """The whole map and one cell: all of the gradient at the first of the largest."""
    x, box, zero = np.array([[[[1.0, 7, 2], [7, 0, 7]]]]), np.array([[0.0, 0, 2, 1]]), np.array([0])
    total = lambda x: gs.roi_pool(x, gs.array(box), gs.array(zero), output_size=1).sum()  # noqa: E731
    gradient = gs.numpy(gs.value_and_grad(total)(gs.array(x))[1])
    assert gradient.tolist() == [[[[0, 1, 0], [0, 0, 0]]]]


@law("detection.roi_align")
@given(inputs("roi_align"))
def test_roi_align_is_linear_in_the_map(gs, case):
    """align(2 x) = 2 align(x), exactly; pixels of a ramp give the ramp at the middle of a cell."""
    x, *rest = case.arguments
    doubled = run(gs, "roi_align", 2 * x, *rest, **case.options)
    assert np.array_equal(doubled, 2 * run(gs, "roi_align", x, *rest, **case.options))


@law("detection.roi_align")
def test_roi_align_reads_a_ramp_at_the_middle_of_every_cell(gs):
    """On x(u, v) = u + 10 v a cell around (u, v) has u + 10 v; half a pixel is the shift of the centres."""
    v, u = np.mgrid[:8, :8].astype(np.float64)
    x, zero = (u + 10 * v)[None, None], np.array([0])
    pooled = run(gs, "roi_align", x, np.array([[1.0, 1, 5, 5]]), zero, output_size=2)
    expected = np.array([[1.5 + 15, 3.5 + 15], [1.5 + 35, 3.5 + 35]])  # centres 2 and 4, minus 1/2
    assert np.abs(pooled[0, 0] - expected).max() <= 64 * 40 * gs.precision.unit


# Losses and anchors


@law("detection.smooth_l1")
@given(inputs("smooth_l1"))
def test_smooth_l1_lies_below_the_parabola_and_the_absolute_value(gs, case):
    """0 <= l(d) <= |d| and l(d) <= d^2 / (2 beta), summed up."""
    beta = case.options["beta"]
    options = {"beta": beta, "reduction": "sum"}
    assert_at_most(
        gs, lambda gs, p, t: gs.smooth_l1(p, t, **options), lambda gs, p, t: abs(p - t).sum(), *case.arguments
    )
    assert run(gs, "smooth_l1", *case.arguments, **options) >= 0
    near = np.tanh(case.arguments[0] - case.arguments[1]) * beta / 2
    assert_agree(
        gs,
        lambda gs, d: gs.smooth_l1(d, 0 * d, **options),
        lambda gs, d: (d * d / (2 * beta)).sum(),
        gs.precision.round(near),
    )


@law("detection.smooth_l1")
def test_smooth_l1_is_smooth_at_its_joint(gs):
    """At |d| = beta value and slope agree: slope 1, and never more."""
    d = np.array([-4.0, -1.0, -0.5, 0.0, 0.5, 1.0, 4.0])
    total = lambda d: gs.smooth_l1(d, 0 * d, reduction="sum")  # noqa: E731
    assert gs.numpy(gs.value_and_grad(total)(gs.array(d))[1]).tolist() == [-1, -1, -0.5, 0, 0.5, 1, 1]


@law("detection.fast_rcnn_loss")
@given(inputs("fast_rcnn_loss"))
def test_the_background_has_no_box(gs, case):
    """Of regions of class 0 the boxes do not matter; without boxes it is the cross entropy."""
    logits, deltas, labels, targets = case.arguments
    background = 0 * labels
    one = run(gs, "fast_rcnn_loss", logits, deltas, background, targets, **case.options)
    other = run(gs, "fast_rcnn_loss", logits, deltas, background, 0 * targets + 9, **case.options)
    assert one == other
    assert_agree(
        gs,
        lambda gs, z, d, y, t: gs.fast_rcnn_loss(z, d, y, t, balance=0.0),
        lambda gs, z, d, y, t: gs.softmax_cross_entropy(z, y),
        *case.arguments,
    )


@law("detection.anchor_boxes")
@given(inputs("anchor_boxes"))
def test_anchors_have_their_area_and_stand_in_the_middle_of_their_cell(gs, case):
    """Areas w h = s^2 and h / w = r for every anchor; the centre of the first cell is half a stride."""
    sizes, ratios, stride = (case.options[name] for name in ("sizes", "ratios", "stride"))
    sy, sx = stride if isinstance(stride, tuple) else (stride, stride)
    h, w = case.arguments[0].shape[-2:]
    anchors = run(gs, "anchor_boxes", *case.arguments, **case.options).reshape(h, w, len(ratios), len(sizes), 4)
    side = anchors[..., 2:] - anchors[..., :2]
    far = 64 * (max(sizes) * 4 + 16 * max(h, w)) * gs.precision.unit
    area, ratio = np.array(sizes, float) ** 2, np.array(ratios, float)[:, None]
    assert (np.abs(side[..., 0] * side[..., 1] - area) <= far * 4 * max(sizes)).all()
    assert (np.abs(side[..., 1] - ratio * side[..., 0]) <= far * 4).all()
    middle = (anchors[..., 2:] + anchors[..., :2]) / 2
    for i in range(h):
        for j in range(w):
            assert (np.abs(middle[i, j] - [(j + 0.5) * sx, (i + 0.5) * sy]) <= far).all()


@law("detection.match_anchors")
@given(inputs("match_anchors"))
def test_every_truth_that_is_touched_has_an_anchor(gs, case):
    """No anchor is both; every truth that any anchor overlaps has a positive one; without truths all are background."""
    anchors, truths = case.arguments
    positive, negative, truth = run(gs, "match_anchors", *case.arguments, **case.options)
    assert not (positive & negative).any()
    if len(anchors) and len(truths):
        overlap = run(gs, "iou", anchors, truths)
        for j in np.flatnonzero(overlap.max(0) > 0):
            assert positive[overlap[:, j] == overlap[:, j].max()].any()
        assert (truth[positive] == overlap.argmax(1)[positive]).all()
    else:
        assert negative.all()


@law("detection.rpn_loss")
@given(inputs("rpn_loss"))
def test_ignored_anchors_cost_nothing(gs, case):
    """What has label -1 may say anything; if all have it, the loss is 0."""
    objectness, deltas, labels, targets = case.arguments
    ignored = (labels < 0)[:, None]
    changed = np.where(ignored, 3.0, objectness), np.where(ignored, -5.0, deltas), labels, targets
    assert run(gs, "rpn_loss", *case.arguments, **case.options) == run(gs, "rpn_loss", *changed, **case.options)
    assert run(gs, "rpn_loss", objectness, deltas, 0 * labels - 1, targets, **case.options) == 0


@law("detection.rpn_channels")
def test_rpn_has_54_channels(gs):
    """9 (4 + 2) = 54, linear in sizes and ratios; and as many biases has the network."""
    assert rpn_channels() == 54
    assert rpn_channels(6, 3) == 2 * rpn_channels(3, 3)
    table = RPN().parameters()
    assert table["cls_logits.bias"][0] + table["bbox_pred.bias"][0] == 54
    with pytest.raises(DomainError, match="expected ints >= 1"):
        rpn_channels(0, 3)


# YOLO


@law("detection.yolo_cell")
@given(inputs("yolo_cell"))
def test_a_centre_lies_in_one_cell(gs, case):
    """(column + dx) / S = x, and the rest is in [0, 1]."""
    s = case.options["s"]
    row, column, dx, dy = run(gs, "yolo_cell", *case.arguments, **case.options)
    assert ((row >= 0) & (row < s) & (column >= 0) & (column < s)).all()
    assert ((dx >= 0) & (dx <= 1) & (dy >= 0) & (dy <= 1)).all()
    x, y = case.arguments[0][..., 0], case.arguments[0][..., 1]
    assert (np.abs((column + dx) / s - x) <= 4 * gs.precision.unit).all()
    assert (np.abs((row + dy) / s - y) <= 4 * gs.precision.unit).all()


@law("detection.yolo_output_shape")
def test_yolo_says_1470_numbers(gs):
    """7 x 7 x 30; linear in b and c; two boxes are ten slots; and the network ends in as many."""
    assert yolo_output_shape() == (7, 7, 30)
    assert math.prod(yolo_output_shape(7, 2, 20)) == 1470
    assert yolo_output_shape(7, 2, 20)[2] - 20 == 10
    assert yolo_output_shape(7, 3, 21)[2] == yolo_output_shape(7, 2, 20)[2] + 6
    assert YOLOv1().output((1, 3, 448, 448)) == (1, 1470)
    with pytest.raises(DomainError, match="expected ints >= 1"):
        yolo_output_shape(0, 2, 20)


@law("detection.yolo_confidence")
@given(inputs("yolo_confidence"))
def test_confidence_is_0_without_an_object_and_the_iou_with_one(gs, case):
    """conf(0, u) = 0, conf(1, u) = u, and probabilities that sum to 1 share it."""
    objectness, overlap, classes = case.arguments
    nothing, something = np.zeros_like(objectness), np.ones_like(objectness)
    assert (run(gs, "yolo_confidence", nothing, overlap, classes)[0] == 0).all()
    conf, _ = run(gs, "yolo_confidence", something, overlap, classes)
    assert np.array_equal(conf, gs.numpy(gs.array(overlap)))
    even = np.full((*classes.shape[:-1], 4), 0.25)
    conf, scores = run(gs, "yolo_confidence", objectness, overlap, even)
    assert np.array_equal(scores.sum(-1), conf)


@law("detection.yolo_target", "detection.yolo_decode")
@given(inputs("yolo_target"))
def test_what_is_written_into_the_grid_is_read_out_again(gs, case):
    """decode(encode(b)) = b for the first box of each cell, which has score 1 for its class; elsewhere all is 0."""
    boxes, labels = case.arguments
    s, classes = case.options["s"], case.options["classes"]
    target = run(gs, "yolo_target", boxes, labels, s=s, classes=classes)
    roots = np.concatenate([target[..., :2], np.sqrt(target[..., 2:4]), target[..., 4:]], -1)
    decoded, scores = run(gs, "yolo_decode", gs.precision.round(roots), b=1)
    corners = np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)
    seen = set()
    for n, m in np.ndindex(labels.shape):
        cell = tuple(np.minimum(np.floor(boxes[n, m, :2] * s), s - 1).astype(int))
        if labels[n, m] < 0 or (n, cell) in seen:
            continue
        seen.add((n, cell))
        at = cell[1] * s + cell[0]
        assert (np.abs(decoded[n, at] - corners[n, m]) <= 16 * gs.precision.unit).all()
        assert scores[n, at].tolist() == [float(c == labels[n, m]) for c in range(classes)]
    assert target[..., 4].sum() == len(seen)


@law("detection.yolo_loss")
@given(inputs("yolo_target"), st.sampled_from((5.0, 1.0, 2.5)))
def test_yolo_loss_is_0_where_all_is_said_right(gs, case, lambda_coord):
    """A prediction that is the target, with roots of the sizes, costs nothing."""
    target = run(gs, "yolo_target", *case.arguments, **case.options)
    target[..., 2:4] = np.rint(4 * np.sqrt(target[..., 2:4])) ** 2 / 16  # whose roots are exact
    pred = np.concatenate([target[..., :2], np.sqrt(target[..., 2:4]), target[..., 4:]], -1)
    assert run(gs, "yolo_loss", pred, target, b=1, lambda_coord=lambda_coord) == 0


@law("detection.yolo_loss")
@given(inputs("yolo_loss"))
def test_yolo_loss_is_linear_in_its_weights(gs, case):
    """L(a) - L(0) = a (L(1) - L(0)) in either weight; and an empty cell pays for its confidences only."""
    b = case.options["b"]
    for name, other in (("lambda_coord", "lambda_noobj"), ("lambda_noobj", "lambda_coord")):
        assert_agree(
            gs,
            lambda gs, p, t, n=name, o=other: gs.yolo_loss(p, t, b=b, **{n: 4.0, o: 1.0}),
            lambda gs, p, t, n=name, o=other: (
                4 * gs.yolo_loss(p, t, b=b, **{n: 1.0, o: 1.0}) - 3 * gs.yolo_loss(p, t, b=b, **{n: 0.0, o: 1.0})
            ),
            *case.arguments,
        )
    pred, target = case.arguments
    empty = np.zeros_like(target)
    quiet = pred.copy()
    quiet[..., 4 : 5 * b : 5] = 0
    assert run(gs, "yolo_loss", quiet, empty, b=b) == 0


@law("detection.yolo_loss")
def test_the_same_error_costs_more_on_a_small_box(gs):
    """A tenth more width on a box of a tenth costs more than on one of a half."""
    costs = []
    for width in (0.125, 0.5):
        target = np.array([[[[0.5, 0.5, width, 0.5, 1.0, 1.0]]]])
        pred = np.array([[[[0.5, 0.5, math.sqrt(width + 0.125), math.sqrt(0.5), 1.0, 1.0]]]])
        costs.append(float(run(gs, "yolo_loss", gs.precision.round(pred), target, b=1)))
    assert costs[0] > 2 * costs[1] > 0


# Models


@law("detection.rcnn")
@given(inputs("rcnn"))
def test_rcnn_scores_are_linear_in_the_classifiers(gs, case):
    """Twice the weights and biases are twice the scores, exactly."""
    config, params, image, boxes = case.arguments
    doubled = params | {name: 2 * params[name] for name in ("svms.weight", "svms.bias")}
    arrays = [{k: gs.array(v) for k, v in p.items()} for p in (params, doubled)]
    single, double = (gs.numpy(gs.rcnn(config, p, gs.array(image), gs.array(boxes)).scores) for p in arrays)
    assert np.array_equal(2 * single, double)


@law("detection.sppnet", "detection.fast_rcnn")
@given(inputs("fast_rcnn"))
def test_a_region_does_not_depend_on_the_others(gs, case):
    """What is said of the first region is what is said of it alone: they share nothing but the map."""
    config = case.arguments[0]

    def first(gs, p, x, b, i):
        return gs.fast_rcnn(config, p, x, b, i).logits[:1]

    def alone(gs, p, x, b, i):
        return gs.fast_rcnn(config, p, x, b[:1], i[:1]).logits

    assert_agree(gs, first, alone, *case.arguments[1:])


@law("detection.sppnet")
@given(inputs("sppnet"))
def test_sppnet_has_as_many_features_for_any_region(gs, case):
    """One row of logits per region, and the first is what it is alone."""
    config = case.arguments[0]
    assert_agree(
        gs,
        lambda gs, p, x, b, i: gs.sppnet(config, p, x, b, i)[:1],
        lambda gs, p, x, b, i: gs.sppnet(config, p, x, b[:1], i[:1]),
        *case.arguments[1:],
    )


@law("detection.rpn")
@given(inputs("rpn"))
def test_the_proposal_network_takes_maps_of_any_size(gs, case):
    """2 k and 4 k channels for each place of the map, and a shift of a large map is a shift of what is said."""
    config, params, x = case.arguments
    objectness, deltas = run_model(gs, "rpn", config, params, x)
    assert objectness.shape == (len(x), 2 * config.anchors, *x.shape[2:])
    assert deltas.shape == (len(x), 4 * config.anchors, *x.shape[2:])
    wide = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
    moved = np.roll(wide, 1, 3)
    assert_agree(
        gs,
        lambda gs, p, a, b: gs.rpn(config, p, a)[0][..., :-1],
        lambda gs, p, a, b: gs.rpn(config, p, b)[0][..., 1:],
        params,
        np.pad(wide, ((0, 0), (0, 0), (0, 0), (1, 1))),
        np.pad(moved, ((0, 0), (0, 0), (0, 0), (1, 1))),
    )


def run_model(gs, name, config, params, *arguments):
    params = {key: gs.array(value) for key, value in params.items()}
    return tuple(map(gs.numpy, getattr(gs, name)(config, params, *map(gs.array, arguments))))


@law("detection.faster_rcnn")
@given(inputs("faster_rcnn"))
def test_faster_rcnn_is_fast_rcnn_on_its_own_proposals(gs, case):
    """Given the proposals, Fast R-CNN says the same; they lie inside the image and do not repeat each other."""
    config, params, image = case.arguments
    proposals, keep, logits, deltas = run_model(gs, "faster_rcnn", config, params, image)
    of_detector = {name: value for name, value in params.items() if not name.startswith("rpn.")}
    zeros = np.zeros(len(proposals), np.int64)
    again = run_model(gs, "fast_rcnn", config.detector, of_detector, image[None], proposals, zeros)
    assert np.array_equal(again[0], logits)
    assert np.array_equal(again[1], deltas)
    assert (proposals >= 0).all()
    assert (proposals <= np.tile(image.shape[:0:-1], 2)).all()
    assert keep[0]
    overlap = run(gs, "iou", proposals[keep], proposals[keep]) - np.eye(keep.sum())
    assert (overlap <= config.threshold + 16 * gs.precision.unit).all()


@law("detection.faster_rcnn", "detection.rpn")
def test_faster_rcnn_shares_one_backbone(gs):
    """Its table is that of Fast R-CNN and of the proposal network, nothing twice."""
    config = FasterRCNN()
    assert len(config.parameters()) == len(config.detector.parameters()) + len(config.rpn.parameters())


@law("detection.yolo_v1")
@given(inputs("yolo_v1"))
def test_yolo_v1_ends_in_its_grid(gs, case):
    """One pass, a grid of s by s cells with 5 b + c numbers each; the published one has 24 convolutions."""
    config, params, x = case.arguments
    out = gs.numpy(gs.yolo_v1(config, {k: gs.array(v) for k, v in params.items()}, gs.array(x)))
    assert out.shape == (len(x), *yolo_output_shape(config.s, config.b, config.c))
    published = YOLOv1()
    assert sum(row.layer.startswith("Conv2d") for row in published.table((3, 448, 448))) == 24
    assert sum(isinstance(layer, Conv2d) for _, layer in published.network.layers) == 24  # pyright: ignore[reportAttributeAccessIssue]
