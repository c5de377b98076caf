"""Classic mistakes in object detection."""

from typing import Any

import numpy as np

from gongsik import reference as gs
from gongsik.conformance.wrong import wrong
from gongsik.spec.array import pair
from gongsik.spec.detection import Cell, Detected, Matched, Proposed, RegionOutput

# Boxes


@wrong("detection.box_convert", "the corner taken for the centre")
def box_convert_corner(boxes, /, *, source: Any = "cxcywh", target: Any = "xyxy"):
    swap: dict[str, Any] = {"cxcywh": "xywh", "xywh": "cxcywh"}
    return gs.box_convert(boxes, source=swap.get(source, source), target=target)


@wrong("detection.box_convert", "the whole size added on both sides")
def box_convert_whole(boxes, /, *, source: Any = "cxcywh", target: Any = "xyxy"):
    if source == "cxcywh" and target == "xyxy":
        return np.concatenate([boxes[..., :2] - boxes[..., 2:], boxes[..., :2] + boxes[..., 2:]], -1)
    return gs.box_convert(boxes, source=source, target=target)


def _sides(a, b, *, clipped=True, pixels=0):
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2]) + pixels
    return np.maximum(sides, 0) if clipped else sides


def _ratio(shared, a, b, pixels=0):
    areas = [np.prod(x[:, 2:] - x[:, :2] + pixels, -1) for x in (a, b)]
    with np.errstate(all="ignore"):
        return np.where(shared == 0, 0, shared / (areas[0][:, None] + areas[1] - shared))


@wrong("detection.iou", "negative overlaps are not cut off: two of them make a positive area")
def iou_negative(a, b, /):
    return _ratio(np.prod(_sides(a, b, clipped=False), -1), a, b)


@wrong("detection.iou", "one pixel added to every side, as for inclusive corners")
def iou_inclusive(a, b, /):
    return _ratio(np.prod(_sides(a, b, pixels=1), -1), a, b, 1)


@wrong("detection.iou", "divided by the sum of the areas, of which the intersection is in both")
def iou_of_sum(a, b, /):
    u = gs.iou(a, b)
    return u / (1 + u)


@wrong("detection.non_max_suppression", "dropped boxes drop others")
def non_max_suppression_by_dropped(boxes, scores, labels=None, /, *, threshold=0.5, inclusive=False):
    rank = np.argsort(np.argsort(-scores, kind="stable"))
    overlap = gs.iou(boxes, boxes)
    near = (overlap >= threshold if inclusive else overlap > threshold) & (rank[:, None] < rank)
    return ~(near if labels is None else near & (labels[:, None] == labels)).any(0)


@wrong("detection.non_max_suppression", "the classes are not told apart")
def non_max_suppression_of_all(boxes, scores, labels=None, /, *, threshold=0.5, inclusive=False):
    return gs.non_max_suppression(boxes, scores, threshold=threshold, inclusive=inclusive)


@wrong("detection.non_max_suppression", "in the order of the boxes, not of their scores")
def non_max_suppression_unsorted(boxes, scores, labels=None, /, *, threshold=0.5, inclusive=False):
    return gs.non_max_suppression(boxes, 0 * scores, labels, threshold=threshold, inclusive=inclusive)


# Average precision


@wrong("detection.average_precision", "the curve may rise: the precision at each right answer")
def average_precision_rising(scores, correct, /, *, positives, points=0):
    right = correct[np.argsort(-scores, kind="stable")]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    return np.asarray((precision * right).sum() / max(positives, 1), scores.dtype)


@wrong("detection.average_precision", "what is never found does not count")
def average_precision_of_found(scores, correct, /, *, positives, points=0):
    return gs.average_precision(scores, correct, positives=int(correct.sum()), points=points)


@wrong("detection.average_precision", "the lowest scores first")
def average_precision_backwards(scores, correct, /, *, positives, points=0):
    return gs.average_precision(-scores, correct, positives=positives, points=points)


@wrong("detection.match_detections", "every detection of a truth is right")
def match_detections_often(boxes, scores, groups, truths, truth_groups, /, *, threshold=0.5):
    if not len(boxes) or not len(truths):
        return np.zeros(len(boxes), bool)
    return np.where(groups[:, None] == truth_groups, gs.iou(boxes, truths), 0).max(-1) >= threshold


@wrong("detection.match_detections", "the groups are not looked at")
def match_detections_anywhere(boxes, scores, groups, truths, truth_groups, /, *, threshold=0.5):
    return gs.match_detections(boxes, scores, 0 * groups, truths, 0 * truth_groups, threshold=threshold)


@wrong("detection.mean_average_precision", "the mean is over all classes, also those of which there is nothing")
def mean_average_precision_of_all(boxes, scores, labels, images, truths, kinds, where, /, *, classes, threshold=0.5):
    value = gs.mean_average_precision(
        boxes, scores, labels, images, truths, kinds, where, classes=classes, threshold=threshold
    )
    return np.asarray(value * len(set(kinds.tolist()) & set(range(classes))) / classes, scores.dtype)


@wrong("detection.mean_average_precision", "detections of one image match truths of another")
def mean_average_precision_mixed(boxes, scores, labels, images, truths, kinds, where, /, *, classes, threshold=0.5):
    options = {"classes": classes, "threshold": threshold}
    return gs.mean_average_precision(boxes, scores, labels, 0 * images, truths, kinds, 0 * where, **options)


# Regions


@wrong("detection.selective_search", "the pixels of the last row and column are not counted")
def selective_search_inclusive(image, labels, /, *, regions):
    return gs.selective_search(image, labels, regions=regions) - np.array([0, 0, 1, 1], image.dtype)


@wrong("detection.selective_search", "the bounding boxes as (y, x)")
def selective_search_transposed(image, labels, /, *, regions):
    return gs.selective_search(image, labels, regions=regions)[:, [1, 0, 3, 2]]


@wrong("detection.region_warp", "corners of the box on corners of the result: align_corners")
def region_warp_corners(image, boxes, /, *, size=227):
    grown = [(high - low) / (2 * max(n - 1, 1)) for n, low, high in _ends(boxes, size)]
    spread = np.stack([-grown[1], -grown[0], grown[1], grown[0]], -1)
    return gs.region_warp(image, (boxes + spread).astype(boxes.dtype), size=size)


def _ends(boxes, size):
    return [(n, boxes[..., 1 - i], boxes[..., 3 - i]) for i, n in enumerate(pair(size))]


@wrong("detection.region_warp", "the nearest pixel instead of between four")
def region_warp_nearest(image, boxes, /, *, size=227):
    corners, (oh, ow) = boxes.reshape(-1, 4), pair(size)
    found = []
    for x1, y1, x2, y2 in corners:
        rows = np.floor(y1 + (np.arange(oh) + 0.5) * (y2 - y1) / oh).astype(int).clip(0, image.shape[1] - 1)
        columns = np.floor(x1 + (np.arange(ow) + 0.5) * (x2 - x1) / ow).astype(int).clip(0, image.shape[2] - 1)
        found.append(image[:, rows][:, :, columns])
    found = np.stack(found) if found else np.zeros((0, len(image), oh, ow), image.dtype)
    return found.reshape(*boxes.shape[:-1], len(image), oh, ow)


@wrong("detection.box_regression", "offsets in sizes of the box, not of the anchor")
def box_regression_by_box(boxes, anchors, /):
    return np.concatenate([-gs.box_regression(anchors, boxes)[..., :2], gs.box_regression(boxes, anchors)[..., 2:]], -1)


@wrong("detection.box_regression", "ratios without their logarithm")
def box_regression_ratio(boxes, anchors, /):
    t = gs.box_regression(boxes, anchors)
    return np.concatenate([t[..., :2], np.exp(t[..., 2:])], -1)


@wrong("detection.decode_boxes", "the offset in pixels")
def decode_boxes_pixels(deltas, anchors, /, *, largest=None):
    still = np.concatenate([0 * deltas[..., :2], deltas[..., 2:]], -1)
    return gs.decode_boxes(still, anchors, largest=largest) + np.tile(deltas[..., :2], 2)


@wrong("detection.decode_boxes", "a side grows as far as it likes")
def decode_boxes_unlimited(deltas, anchors, /, *, largest=None):
    return gs.decode_boxes(4 * deltas if largest else deltas, anchors)


# Pools


@wrong("detection.spatial_pyramid_pool", "averages instead of maxima")
def spatial_pyramid_pool_average(x, /, *, levels=(1, 2, 4)):
    _n, _c, h, w = x.shape
    cells = [
        x[:, :, i * h // b : -(-(i + 1) * h // b), j * w // b : -(-(j + 1) * w // b)].mean((2, 3))
        for b in levels for i in range(b) for j in range(b)
    ]  # fmt: skip
    return np.concatenate(cells, 1)


@wrong("detection.spatial_pyramid_pool", "cell by cell instead of channel by channel")
def spatial_pyramid_pool_by_cell(x, /, *, levels=(1, 2, 4)):
    parts = [gs.spatial_pyramid_pool(x, levels=(b,)).reshape(*x.shape[:2], -1) for b in levels]
    return np.concatenate([part.swapaxes(1, 2).reshape(len(x), -1) for part in parts], 1)


@wrong("detection.roi_pool", "the pixel of the second corner does not belong to the region")
def roi_pool_exclusive(x, boxes, images, /, *, output_size, spatial_scale=1.0):
    shorter = boxes - np.array([0, 0, 1, 1], boxes.dtype) / boxes.dtype.type(spatial_scale)
    return gs.roi_pool(x, shorter, images, output_size=output_size, spatial_scale=spatial_scale)


@wrong("detection.roi_pool", "x and y of the corners exchanged")
def roi_pool_transposed(x, boxes, images, /, *, output_size, spatial_scale=1.0):
    return gs.roi_pool(x, boxes[:, [1, 0, 3, 2]], images, output_size=output_size, spatial_scale=spatial_scale)


@wrong("detection.roi_pool", "all regions of the first image")
def roi_pool_of_first(x, boxes, images, /, *, output_size, spatial_scale=1.0):
    return gs.roi_pool(x, boxes, 0 * images, output_size=output_size, spatial_scale=spatial_scale)


@wrong("detection.roi_align", "half a pixel off: aligned taken the other way round")
def roi_align_shifted(x, boxes, images, /, *, output_size, spatial_scale=1.0, sampling_ratio=2, aligned=True):
    return gs.roi_align(
        x, boxes, images, output_size=output_size, spatial_scale=spatial_scale, sampling_ratio=sampling_ratio,
        aligned=not aligned,
    )  # fmt: skip


@wrong("detection.roi_align", "corners rounded to pixels first")
def roi_align_rounded(x, boxes, images, /, *, output_size, spatial_scale=1.0, sampling_ratio=2, aligned=True):
    rounded = (np.rint(boxes * spatial_scale) / spatial_scale).astype(boxes.dtype)
    options = {"spatial_scale": spatial_scale, "sampling_ratio": sampling_ratio, "aligned": aligned}
    return gs.roi_align(x, rounded, images, output_size=output_size, **options)


# Losses and anchors


@wrong("detection.smooth_l1", "half of beta is not taken off: a jump where parabola and line meet")
def smooth_l1_jump(pred, target, /, *, beta=1.0, reduction="mean"):
    d = np.abs(pred - target)
    losses = np.where(d < beta, 0.5 * np.minimum(d, beta) ** 2 / beta, d)
    return losses.mean() if reduction == "mean" else losses.sum()


@wrong("detection.smooth_l1", "the parabola does not know beta")
def smooth_l1_parabola(pred, target, /, *, beta=1.0, reduction="mean"):
    d = np.abs(pred - target)
    losses = np.where(d < beta, 0.5 * np.minimum(d, beta) ** 2, d - beta / 2)
    return losses.mean() if reduction == "mean" else losses.sum()


@wrong("detection.fast_rcnn_loss", "the background pays for its box")
def fast_rcnn_loss_background(logits, deltas, labels, targets, /, *, balance=1.0):
    k = len(labels)
    return gs.softmax_cross_entropy(logits, labels) + balance / k * gs.smooth_l1(
        deltas[np.arange(k), labels], targets, reduction="sum"
    )


@wrong("detection.fast_rcnn_loss", "the box of the first class for all")
def fast_rcnn_loss_first(logits, deltas, labels, targets, /, *, balance=1.0):
    return gs.fast_rcnn_loss(logits, np.repeat(deltas[:, :1], deltas.shape[1], 1), labels, targets, balance=balance)


@wrong("detection.anchor_boxes", "the ratio taken as width by height")
def anchor_boxes_wide(x, /, *, stride=16, sizes=(128.0, 256.0, 512.0), ratios=(0.5, 1.0, 2.0)):
    return gs.anchor_boxes(x, stride=stride, sizes=sizes, ratios=tuple(1 / r for r in ratios))


@wrong("detection.anchor_boxes", "centred at the corner of the cell")
def anchor_boxes_corner(x, /, *, stride=16, sizes=(128.0, 256.0, 512.0), ratios=(0.5, 1.0, 2.0)):
    sy, sx = pair(stride)
    half = np.array([sx, sy, sx, sy], x.dtype) / 2
    return gs.anchor_boxes(x, stride=stride, sizes=sizes, ratios=ratios) - half


@wrong("detection.match_anchors", "the best anchor of a truth is nothing special")
def match_anchors_threshold_only(anchors, truths, /, *, positive=0.7, negative=0.3):
    found = gs.match_anchors(anchors, truths, positive=positive, negative=negative)
    highest = gs.iou(anchors, truths).max(-1, initial=0)
    return Matched(highest >= positive, highest < negative, found.truth)


@wrong("detection.match_anchors", "all that is not positive is negative")
def match_anchors_two_ways(anchors, truths, /, *, positive=0.7, negative=0.3):
    found = gs.match_anchors(anchors, truths, positive=positive, negative=negative)
    return Matched(found.positive, ~found.positive, found.truth)


@wrong("detection.rpn_loss", "ignored anchors count as background")
def rpn_loss_of_all(objectness, deltas, labels, targets, /, *, balance=1.0):
    return gs.rpn_loss(objectness, deltas, np.maximum(labels, 0), targets, balance=balance)


@wrong("detection.rpn_loss", "object and background exchanged")
def rpn_loss_exchanged(objectness, deltas, labels, targets, /, *, balance=1.0):
    return gs.rpn_loss(objectness[:, ::-1], deltas, labels, targets, balance=balance)


# YOLO


@wrong("detection.yolo_cell", "row and column exchanged")
def yolo_cell_transposed(boxes, /, *, s=7):
    row, column, dx, dy = gs.yolo_cell(boxes, s=s)
    return Cell(column, row, dx, dy)


@wrong("detection.yolo_cell", "a centre at the very end falls out of the grid")
def yolo_cell_outside(boxes, /, *, s=7):
    at = boxes[..., :2] * boxes.dtype.type(s)
    cell = np.floor(at).astype(np.int64)
    within = at - np.floor(at)
    return Cell(cell[..., 1], cell[..., 0], within[..., 0], within[..., 1])


@wrong("detection.yolo_confidence", "the classes are not weighted by the confidence")
def yolo_confidence_plain(objectness, overlap, classes, /):
    confidence = objectness * overlap
    return confidence, np.ones_like(confidence)[..., :, None] * classes[..., None, :]


@wrong("detection.yolo_confidence", "the confidence does not know how well the box fits")
def yolo_confidence_objectness(objectness, overlap, classes, /):
    return objectness, objectness[..., :, None] * classes[..., None, :]


@wrong("detection.yolo_target", "the last box of a cell wins")
def yolo_target_last(boxes, labels, /, *, s=7, classes=20):
    return gs.yolo_target(boxes[:, ::-1], labels[:, ::-1], s=s, classes=classes)


@wrong("detection.yolo_target", "the grid transposed")
def yolo_target_transposed(boxes, labels, /, *, s=7, classes=20):
    return gs.yolo_target(boxes, labels, s=s, classes=classes).swapaxes(1, 2)


@wrong("detection.yolo_decode", "sizes are not squared")
def yolo_decode_roots(x, /, *, b=2):
    slots = x[..., : 5 * b].reshape(*x.shape[:3], b, 5)
    signed = np.concatenate([slots[..., :2], np.sqrt(np.abs(slots[..., 2:4])), slots[..., 4:]], -1)
    return gs.yolo_decode(np.concatenate([signed.reshape(*x.shape[:3], -1), x[..., 5 * b :]], -1), b=b)


@wrong("detection.yolo_decode", "the place of the cell is forgotten")
def yolo_decode_one_cell(x, /, *, b=2):
    boxes, scores = gs.yolo_decode(x, b=b)
    _n, s = x.shape[:2]
    rows, columns, _ = np.indices((s, s, b)).reshape(3, -1)
    return (boxes - np.stack([columns, rows] * 2, -1) / s).astype(x.dtype), scores


@wrong("detection.yolo_loss", "every box of the cell answers for the object")
def yolo_loss_all_answer(pred, target, /, *, b=2, lambda_coord=5.0, lambda_noobj=0.5):
    whole = gs.yolo_loss(pred, target, b=b, lambda_coord=lambda_coord, lambda_noobj=lambda_noobj)
    of_boxes = pred[..., : 5 * b].reshape(*pred.shape[:3], b, 5)[..., 4] * (target[..., 4:5] > 0)
    return whole + (of_boxes**2).sum() / len(pred)


@wrong("detection.yolo_loss", "sizes compared without their roots")
def yolo_loss_no_roots(pred, target, /, *, b=2, lambda_coord=5.0, lambda_noobj=0.5):
    squared = np.concatenate([target[..., :2], target[..., 2:4] ** 2, target[..., 4:]], -1)
    return gs.yolo_loss(pred, squared, b=b, lambda_coord=lambda_coord, lambda_noobj=lambda_noobj)


# Models


@wrong("detection.rcnn", "the image cut, but its boxes not refined")
def rcnn_unrefined(config, params, image, boxes, /, *, threshold=0.3):
    found = gs.rcnn(config, params, image, boxes, threshold=threshold)
    return Detected(np.broadcast_to(boxes[:, None], found.boxes.shape), found.scores, found.keep)


@wrong("detection.rcnn", "classes suppress each other")
def rcnn_one_class(config, params, image, boxes, /, *, threshold=0.3):
    found = gs.rcnn(config, params, image, boxes, threshold=threshold)
    keep = gs.non_max_suppression(found.boxes.reshape(-1, 4), found.scores.reshape(-1), threshold=threshold)
    return Detected(found.boxes, found.scores, keep.reshape(found.keep.shape))


@wrong("detection.sppnet", "regions in pixels of the image, not of the map")
def sppnet_unscaled(config, params, x, boxes, images, /):
    return gs.sppnet(config, params, x, boxes * config.stride, images)


@wrong("detection.sppnet", "a bias forgotten")
def sppnet_no_bias(config, params, x, boxes, images, /):
    return gs.sppnet(config, params | {"cls_score.bias": 0 * params["cls_score.bias"]}, x, boxes, images)


@wrong("detection.fast_rcnn", "regions in pixels of the image, not of the map")
def fast_rcnn_unscaled(config, params, x, boxes, images, /):
    return gs.fast_rcnn(config, params, x, boxes * config.stride, images)


@wrong("detection.fast_rcnn", "deltas as (4, classes) instead of (classes, 4)")
def fast_rcnn_transposed(config, params, x, boxes, images, /):
    logits, deltas = gs.fast_rcnn(config, params, x, boxes, images)
    return RegionOutput(logits, deltas.reshape(len(boxes), 4, -1).swapaxes(1, 2))


@wrong("detection.rpn", "the anchors without the ReLU in between")
def rpn_linear(config, params, x, /):
    hidden = gs.conv2d(x, params["conv.0.weight"], params["conv.0.bias"], padding=1)
    return tuple(
        gs.conv2d(hidden, params[f"{name}.weight"], params[f"{name}.bias"]) for name in ("cls_logits", "bbox_pred")
    )


@wrong("detection.rpn", "both heads exchanged")
def rpn_exchanged(config, params, x, /):
    return gs.rpn(config, params, x)[::-1]


@wrong("detection.faster_rcnn", "proposals in the order of the anchors")
def faster_rcnn_unsorted(config, params, image, /):
    found = gs.faster_rcnn(config, params, image)
    order = np.argsort(found.proposals[:, 0], kind="stable")
    return Proposed(*(part[order] for part in found))


@wrong("detection.faster_rcnn", "no proposal suppresses another")
def faster_rcnn_all(config, params, image, /):
    found = gs.faster_rcnn(config, params, image)
    return Proposed(found.proposals, np.ones_like(found.keep), found.logits, found.deltas)


@wrong("detection.yolo_v1", "the features of a cell before the cells")
def yolo_v1_transposed(config, params, x, /):
    out = gs.yolo_v1(config, params, x)
    n, s, _, f = out.shape
    return out.reshape(n, f, s, s).transpose(0, 2, 3, 1)


@wrong("detection.yolo_v1", "the roots of the sizes are squared already")
def yolo_v1_squared(config, params, x, /):
    return gs.yolo_v1(config, params, x) ** 2
