"""Object detection in NumPy, as one reads it: loops where the algorithm has them."""

import math

import numpy as np

from gongsik.reference.activation import relu
from gongsik.reference.arrays import ADAPTER, implements
from gongsik.reference.interpolation import between
from gongsik.reference.layers import Pass, run
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.reference.pooling import largest
from gongsik.spec import detection as spec
from gongsik.spec.array import pair
from gongsik.spec.layers import check_network, nest
from gongsik.spec.model import check_parameters

__all__ = [
    "anchor_boxes", "average_precision", "box_convert", "box_regression", "decode_boxes", "fast_rcnn", "fast_rcnn_loss",
    "faster_rcnn", "iou", "match_anchors", "match_detections", "mean_average_precision", "non_max_suppression", "rcnn",
    "region_warp", "roi_align", "roi_pool", "rpn", "rpn_loss", "selective_search", "smooth_l1", "spatial_pyramid_pool",
    "sppnet", "yolo_cell", "yolo_confidence", "yolo_decode", "yolo_loss", "yolo_target", "yolo_v1",
]  # fmt: skip


# Boxes


@implements(spec.box_convert)
def box_convert(boxes, /, *, source="cxcywh", target="xyxy"):
    if source == target:
        return boxes
    first, second = boxes[..., :2], boxes[..., 2:]
    if source == "cxcywh":
        first, second = first - second / 2, first + second / 2
    elif source == "xywh":
        second = first + second
    if target == "cxcywh":
        first, second = (first + second) / 2, second - first
    elif target == "xywh":
        second = second - first
    return np.concatenate([first, second], -1)


@implements(spec.iou)
def iou(a, b, /):
    return _overlap(a[:, None], b)


def _overlap(a, b):
    """IoU of boxes with those at the same place."""
    sides = relu(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]))  # [*n 2]
    shared = sides[..., 0] * sides[..., 1]
    return shared / np.where(shared == 0, 1, _area(a) + _area(b) - shared)


def _area(boxes):
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


@implements(spec.non_max_suppression)
def non_max_suppression(boxes, scores, labels=None, /, *, threshold=0.5, inclusive=False):
    kept = ~(np.isnan(scores) | np.isnan(boxes).any(-1))
    order = np.argsort(-scores, kind="stable")
    rank = np.argsort(order)
    for i in order:
        overlap = iou(boxes[i][None], boxes)[0]
        dropped = (overlap >= threshold if inclusive else overlap > threshold) & kept[i] & (rank > rank[i])
        if labels is not None:
            dropped = dropped & (labels == labels[i])
        kept = kept & ~dropped
    return kept


# Average precision


@implements(spec.average_precision)
def average_precision(scores, correct, /, *, positives, points=0):
    if len(scores) == 0 or positives == 0:
        return np.asarray(0.0, scores.dtype)
    right = correct[np.argsort(-scores, kind="stable")]
    found = np.cumsum(right, 0)
    curve = [0.0]  # of precision, from the end, made non-increasing
    for k in range(len(scores), 0, -1):
        curve.append(np.maximum(curve[-1], found[k - 1] / k))
    curve = np.stack(curve[:0:-1])
    if points:
        recalled = [np.where((points - 1) * found >= i * positives, curve, 0).max() for i in range(points)]
        return np.stack(recalled).mean().astype(scores.dtype)
    return (np.where(right, curve, 0).sum() / positives).astype(scores.dtype)


@implements(spec.match_detections)
def match_detections(boxes, scores, groups, truths, truth_groups, /, *, threshold=0.5):
    if len(boxes) == 0 or len(truths) == 0:
        return np.zeros(len(boxes), bool)
    overlap = np.where(groups[:, None] == truth_groups, iou(boxes, truths), 0)  # [n m]
    best = np.argmax(overlap, -1)
    fits = overlap.max(-1) >= threshold
    rank = np.argsort(np.argsort(-scores, kind="stable"))
    rivals = (best[:, None] == best) & (rank < rank[:, None])  # [n n]: those before it that want the same truth
    taken = np.where(rivals & fits, 1, 0 * scores).sum(-1) > 0
    return fits & ~taken


@implements(spec.mean_average_precision)
def mean_average_precision(
    boxes, scores, labels, images, truths, truth_labels, truth_images, /, *, classes, threshold=0.5
):
    groups = np.where(labels < classes, images * classes + labels, -1)
    truth_groups = np.where(truth_labels < classes, truth_images * classes + truth_labels, -2)
    correct = match_detections(boxes, scores, groups, truths, truth_groups, threshold=threshold)
    values = []
    for c in range(classes):
        positives, of_class = int((truth_labels == c).sum()), labels == c
        if positives:
            values.append(average_precision(scores[of_class], correct[of_class], positives=positives))
    return np.asarray(0.0, scores.dtype) if not values else sum(values) / len(values)


# Regions


COLOURS, SLOPES, DIRECTIONS = 25, 10, 8


def _histograms(image, members):
    """Colours and slopes of every region: shares of the bins, [regions bins] each."""
    c, h, w = image.shape
    size = members.sum(-1, keepdims=True)
    edge = np.pad(image, ((0, 0), (2, 2), (2, 2)), mode="edge")
    rows = _slope([edge[:, i : i + h, 2:-2] for i in range(5)])
    columns = _slope([edge[:, 2:-2, j : j + w] for j in range(5)])
    angles = [2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
    rising = np.stack([math.cos(t) * columns + math.sin(t) * rows for t in angles], 1)  # [c 8 h w]
    found = []
    for values, bins, top in ((image.reshape(c, -1), COLOURS, 1.0), (rising.reshape(c * DIRECTIONS, -1), SLOPES, 0.5)):
        place = np.floor(values * (bins / top))
        place = np.minimum(np.maximum(place, 0), bins - 1)[:, None]  # [values 1 pixels]
        counts = np.where(place == np.arange(bins)[:, None], 1.0, 0.0) @ members.T  # [values bins regions]
        found.append(counts.reshape(-1, len(members)).T / (size * len(values)))
    return found


def _slope(places):
    """The derivative of a Gaussian curve over five pixels in a row; a ramp of 1 per pixel has slope 1."""
    near, far = math.exp(-1 / 2), 2 * math.exp(-2)
    total = 2 * near + 4 * far
    return near / total * (places[3] - places[1]) + far / total * (places[4] - places[0])


def grouping(image, labels, regions):
    """The boxes of selective search; and for every merger by how much the pair was more similar than any other."""
    h, w = labels.shape
    labels, pixels = labels.astype(np.int64), h * w
    members = np.where(labels.reshape(-1) == np.arange(regions)[:, None], 1.0, 0.0)  # [regions pixels]
    inside = members.reshape(regions, h, w) > 0
    rows, columns = np.asarray(inside.any(2)), np.asarray(inside.any(1))
    boxes = np.stack(
        [columns.argmax(1), rows.argmax(1), w - columns[:, ::-1].argmax(1), h - rows[:, ::-1].argmax(1)], 1
    )
    size, (colour, slope) = members.sum(-1), _histograms(image, members)
    near = np.zeros((regions, regions), bool)
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        near = near | (np.bincount((a * regions + b).reshape(-1), minlength=regions**2).reshape(regions, -1) > 0)
    near = (near | near.T) & ~np.eye(regions, dtype=bool)

    def similarity(i):
        """Of region i and every other one."""
        common = np.minimum(colour, colour[i]).sum(-1) + np.minimum(slope, slope[i]).sum(-1)
        corners = [np.minimum(boxes[:, :2], boxes[i, :2]), np.maximum(boxes[:, 2:], boxes[i, 2:])]
        return common + 2 - _area(np.concatenate(corners, 1)) / pixels  # the sizes cancel: both measures are added up

    values = np.stack([similarity(i) for i in range(regions)])
    leads = []
    for _ in range(regions - 1):
        pairs = np.where(np.triu(near), values, -np.inf)
        i, j = np.unravel_index(np.argmax(pairs), pairs.shape)
        leads.append(pairs[i, j] - np.where(pairs == pairs[i, j], -np.inf, pairs).max())
        share = size[i] / (size[i] + size[j])
        size = np.concatenate([size, size[[i]] + size[j]])
        colour = np.concatenate([colour, (share * colour[i] + (1 - share) * colour[j])[None]])
        slope = np.concatenate([slope, (share * slope[i] + (1 - share) * slope[j])[None]])
        merged = np.concatenate([np.minimum(boxes[i, :2], boxes[j, :2]), np.maximum(boxes[i, 2:], boxes[j, 2:])])
        boxes = np.concatenate([boxes, merged[None]])
        gone = np.isin(np.arange(len(near)), (i, j))
        side = (near[i] | near[j]) & ~gone
        near = near & ~gone & ~gone[:, None]
        near = np.block([[near, side[:, None]], [side[None], np.zeros((1, 1), bool)]])
        row = similarity(-1)
        values = np.concatenate([np.concatenate([values, row[:-1, None]], 1), row[None]])
    return boxes, leads


@implements(spec.selective_search)
def selective_search(image, labels, /, *, regions):
    spec.check_regions(labels, regions)
    return grouping(image, labels, regions)[0].astype(image.dtype)


@implements(spec.region_warp)
def region_warp(image, boxes, /, *, size=227):
    corners = boxes.reshape(-1, 4)
    rows, columns = (
        between(_clipped_centres(corners[:, [1 - axis, 3 - axis]], n, size), size)
        for axis, (n, size) in enumerate(zip(pair(size), image.shape[1:], strict=True))
    )
    warped = rows[:, None] @ image @ np.swapaxes(columns, -1, -2)[:, None]  # [k c oh ow]
    return warped.reshape(*boxes.shape[:-1], *warped.shape[1:])


def _clipped_centres(ends, n, size):
    """Where the centres of n parts of an interval lie, inwards of its first and last pixel: [k n]."""
    low, high = ends[:, :1], ends[:, 1:]
    at = low + (np.arange(n) + 0.5).astype(ends.dtype) * ((high - low) / n) - 0.5
    at = np.minimum(np.maximum(at, low), high - 1)
    return np.minimum(np.maximum(at, 0), size - 1)


@implements(spec.box_regression)
def box_regression(boxes, anchors, /):
    box, anchor = (
        box_convert(boxes, source="xyxy", target="cxcywh"),
        box_convert(anchors, source="xyxy", target="cxcywh"),
    )
    offset = (box[..., :2] - anchor[..., :2]) / anchor[..., 2:]
    return np.concatenate([offset, np.log(box[..., 2:] / anchor[..., 2:])], -1)


@implements(spec.decode_boxes)
def decode_boxes(deltas, anchors, /, *, largest=None):
    anchor = box_convert(anchors, source="xyxy", target="cxcywh")
    growth = deltas[..., 2:] if largest is None else np.minimum(deltas[..., 2:], math.log(largest))
    centre = deltas[..., :2] * anchor[..., 2:] + anchor[..., :2]
    return box_convert(np.concatenate([centre, np.exp(growth) * anchor[..., 2:]], -1))


# Pools of regions


@implements(spec.spatial_pyramid_pool)
def spatial_pyramid_pool(x, /, *, levels=(1, 2, 4)):
    n, c, h, w = x.shape
    parts = []
    for b in levels:
        rows, columns = ([slice(i * size // b, -(-(i + 1) * size // b)) for i in range(b)] for size in (h, w))
        cells = [[_first_largest(x[:, :, row, column]) for column in columns] for row in rows]
        parts.append(np.stack([np.stack(row, -1) for row in cells], -2).reshape(n, c * b * b))
    return np.concatenate(parts, 1)


def _first_largest(cell):
    pixels = cell.reshape(*cell.shape[:2], -1)
    return largest([pixels[..., i] for i in range(pixels.shape[-1])])


@implements(spec.roi_pool)
def roi_pool(x, boxes, images, /, *, output_size, spatial_scale=1.0):
    (ph, pw), (h, w) = pair(output_size), x.shape[2:]
    corners = np.floor(boxes * spatial_scale + 0.5).astype(np.int64)
    rows, columns = _bins(corners[:, 1], corners[:, 3], ph, h), _bins(corners[:, 0], corners[:, 2], pw, w)
    pooled = [_pool_region(x[images[k]], rows[k], columns[k]) for k in range(len(boxes))]
    return np.stack(pooled) if pooled else np.zeros((0, x.shape[1], ph, pw), x.dtype)


def _bins(low, high, n, size):
    """Which of the pixels 0, ..., size - 1 each of n parts of the pixels low, ..., high has: booleans [k n size]."""
    low, length = low[:, None, None], np.maximum(high - low + 1, 1)[:, None, None]
    part, pixel = np.arange(n)[:, None], np.arange(size) - low
    return ((pixel + 1) * n > part * length) & (pixel * n < (part + 1) * length)


def _pool_region(x, rows, columns):
    """The largest pixels of a map [c h w] in every bin, [c ph pw]; 0 in an empty one."""
    (ph, h), (pw, w) = rows.shape, columns.shape
    lines = [largest([np.where(columns[j, v], x[:, :, v], -np.inf) for v in range(w)]) for j in range(pw)]
    across = np.stack(lines, -1)  # [c h pw]
    pooled = [
        largest([np.where(rows[i, u], across[:, u], -np.inf) for u in range(h)]) for i in range(ph)
    ]  # [c pw] each
    some = [np.where(mask, 1.0, 0.0).sum(-1) > 0 for mask in (rows, columns)]
    return np.where(some[0][:, None] & some[1], np.stack(pooled, 1), 0)


@implements(spec.roi_align)
def roi_align(x, boxes, images, /, *, output_size, spatial_scale=1.0, sampling_ratio=2, aligned=True):
    corners = boxes * spatial_scale - (0.5 if aligned else 0)
    rows, columns = (
        _sampled(corners[:, 1 - axis], corners[:, 3 - axis], n, size, sampling_ratio, 0 if aligned else 1)
        for axis, (n, size) in enumerate(zip(pair(output_size), x.shape[2:], strict=True))
    )
    return rows[:, None] @ x[images] @ np.swapaxes(columns, -1, -2)[:, None]  # [k c ph pw]


def _sampled(low, high, n, size, points, least):
    """Weights of the pixels in each of n parts, averaged over points spread evenly over the part: [k n size]."""
    length = np.maximum(high - low, least)[:, None]
    at = low[:, None] + (np.arange(n * points) + 0.5).astype(low.dtype) * (length / (n * points))  # [k n*points]
    outside = ((at < -1) | (at > size))[..., None]
    weights = np.where(outside, 0, between(np.minimum(np.maximum(at, 0), size - 1), size))
    return weights.reshape(len(weights), n, points, size).mean(2)


# Losses, anchors and what they are trained for


def _smooth_l1(difference, beta):
    size = np.abs(difference)
    near = np.where(size < beta, size, 0)  # elsewhere the square could overflow
    return np.where(size < beta, near / beta * near / 2, size - beta / 2)


@implements(spec.smooth_l1)
def smooth_l1(pred, target, /, *, beta=1.0, reduction="mean"):
    losses = _smooth_l1(pred - target, beta)
    return losses.mean() if reduction == "mean" else losses.sum()


@implements(spec.fast_rcnn_loss)
def fast_rcnn_loss(logits, deltas, labels, targets, /, *, balance=1.0):
    k = len(labels)
    chosen = deltas[np.arange(k), labels]  # [k 4]
    of_boxes = np.where(labels[:, None] >= 1, _smooth_l1(chosen - targets, 1), 0)
    return softmax_cross_entropy(logits, labels) + balance * of_boxes.sum() / k


@implements(spec.anchor_boxes)
def anchor_boxes(x, /, *, stride=16, sizes=(128.0, 256.0, 512.0), ratios=(0.5, 1.0, 2.0)):
    (h, w), (sy, sx) = x.shape[-2:], pair(stride)
    shapes = np.array([(size / math.sqrt(ratio), size * math.sqrt(ratio)) for ratio in ratios for size in sizes])
    columns, rows = np.meshgrid((np.arange(w) + 0.5) * sx, (np.arange(h) + 0.5) * sy)
    centres = np.stack([columns, rows], -1)[:, :, None]  # [h w 1 2]
    return np.concatenate([centres - shapes / 2, centres + shapes / 2], -1).reshape(-1, 4).astype(x.dtype)


@implements(spec.match_anchors)
def match_anchors(anchors, truths, /, *, positive=0.7, negative=0.3):
    n, m = len(anchors), len(truths)
    if n == 0 or m == 0:
        return spec.Matched(np.zeros(n, bool), np.ones(n, bool), np.zeros(n, np.int64))
    overlap = iou(anchors, truths)  # [n m]
    highest = overlap.max(-1)
    first = np.argmax(overlap, 0) == np.arange(n)[:, None]  # [n m]
    best = np.where(first & (overlap > 0), 1, 0 * overlap).sum(-1) > 0
    found = (highest >= positive) | best
    return spec.Matched(found, (highest < negative) & ~found, np.argmax(overlap, -1))


@implements(spec.rpn_loss)
def rpn_loss(objectness, deltas, labels, targets, /, *, balance=1.0):
    number = max(int((labels >= 0).sum()), 1)
    z = objectness - objectness.max(-1, keepdims=True)
    losses = np.log(np.exp(z).sum(-1)) - np.where(labels == 1, z[:, 1], z[:, 0])
    of_boxes = np.where(labels[:, None] == 1, _smooth_l1(deltas - targets, 1), 0)
    return (np.where(labels >= 0, losses, 0).sum() + balance * of_boxes.sum()) / number


# YOLO


@implements(spec.yolo_cell)
def yolo_cell(boxes, /, *, s=7):
    at = boxes[..., :2] * s
    cell = np.where(np.isnan(at), 0, np.floor(np.minimum(at, s - 0.5)))
    within, cell = at - cell, cell.astype(np.int64)
    return spec.Cell(cell[..., 1], cell[..., 0], within[..., 0], within[..., 1])


@implements(spec.yolo_confidence)
def yolo_confidence(objectness, overlap, classes, /):
    confidence = objectness * overlap
    return confidence, confidence[..., :, None] * classes[..., None, :]


@implements(spec.yolo_target)
def yolo_target(boxes, labels, /, *, s=7, classes=20):
    spec.check_labels("yolo_target", ADAPTER, labels, classes)
    row, column, dx, dy = yolo_cell(boxes, s=s)
    here = (row[..., None] * s + column[..., None] == np.arange(s * s)) & (labels[..., None] >= 0)  # [n m s*s]
    kind = (labels[..., None] == np.arange(classes)).astype(boxes.dtype)
    written = np.concatenate(
        [np.stack([dx, dy, boxes[..., 2], boxes[..., 3], np.ones_like(dx)], -1), kind], -1
    )  # [n m f]
    target = np.zeros((len(boxes), s * s, 5 + classes), boxes.dtype)
    for i in range(boxes.shape[1] - 1, -1, -1):  # the first one has the last word
        target = np.where(here[:, i, :, None], written[:, i, None], target)
    return target.reshape(len(boxes), s, s, 5 + classes)


@implements(spec.yolo_decode)
def yolo_decode(x, /, *, b=2):
    n, s = x.shape[:2]
    slots = x[..., : 5 * b].reshape(n, s, s, b, 5)
    boxes = _cell_boxes(slots[..., :4], s).reshape(n, s * s * b, 4)
    scores = slots[..., 4:] * x[..., None, 5 * b :]  # [n s s b c]
    return boxes, scores.reshape(n, s * s * b, -1)


def _cell_boxes(slots, s):
    """Corners of boxes [n s s b 4] that are said by their centre in a cell and the roots of their sizes."""
    corner = np.stack(np.meshgrid(np.arange(s), np.arange(s)), -1)[:, :, None]  # [s s 1 2], column and row
    corner = corner.astype(slots.dtype)
    return box_convert(np.concatenate([(slots[..., :2] + corner) / s, slots[..., 2:] ** 2], -1))


@implements(spec.yolo_loss)
def yolo_loss(pred, target, /, *, b=2, lambda_coord=5.0, lambda_noobj=0.5):
    n, s = pred.shape[:2]
    slots, truth = pred[..., : 5 * b].reshape(n, s, s, b, 5), target[..., None, :5]  # [n s s b 5], [n s s 1 5]
    roots = np.concatenate([truth[..., :2], np.sqrt(truth[..., 2:4])], -1)
    squares = (slots - np.concatenate([roots, truth[..., 4:]], -1)) ** 2
    of_boxes = of_objects = of_nothing = 0.0
    for i, best in enumerate(_fits_best(_cell_boxes(slots[..., :4], s), _cell_boxes(roots, s))):
        answers = (target[..., 4] > 0) & best  # [n s s]: this box of the cell has an object to answer for
        of_boxes = of_boxes + np.where(answers, squares[..., i, :4].sum(-1), 0).sum()
        of_objects = of_objects + np.where(answers, squares[..., i, 4], 0).sum()
        of_nothing = of_nothing + np.where(answers, 0, slots[..., i, 4] ** 2).sum()
    of_classes = np.where(target[..., 4:5] > 0, (pred[..., 5 * b :] - target[..., 5:]) ** 2, 0).sum()
    return (lambda_coord * of_boxes + of_objects + lambda_noobj * of_nothing + of_classes) / n


def _fits_best(boxes, truth):
    """Which of the b boxes of a cell has the largest IoU with the truth, of equals the first: one array per box."""
    overlap = _overlap(boxes, truth)
    places = [overlap[..., i] for i in range(boxes.shape[-2])]
    best = []
    for i, mine in enumerate(places):
        wins = np.ones(mine.shape, bool)
        for j, other in enumerate(places):
            if i != j:
                wins = wins & (mine > other if j < i else mine >= other)
        best.append(wins)
    return best


# Models


def _network(config, params, name):
    """One of the networks of a detector, as a function."""
    prefix = f"{name}."
    at = nest({key.removeprefix(prefix): value for key, value in params.items() if key.startswith(prefix)})
    return lambda x: run(config.parts()[name], at, x, Pass())


@implements(spec.rcnn)
def rcnn(config, params, image, boxes, /, *, threshold=0.3):
    check_parameters("rcnn", config, params)
    n, c = len(boxes), config.classes
    features = _network(config, params, "backbone")(region_warp(image, boxes, size=config.size))  # [n features]
    scores = _network(config, params, "svms")(features)  # [n c]
    deltas = _network(config, params, "bbox_pred")(features).reshape(n, c, 4)
    refined = decode_boxes(deltas, np.broadcast_to(boxes[:, None], (n, c, 4)))
    labels = np.tile(np.arange(c), n)
    keep = non_max_suppression(refined.reshape(n * c, 4), scores.reshape(n * c), labels, threshold=threshold)
    return spec.Detected(refined, scores, np.reshape(keep, (n, c)))


@implements(spec.sppnet)
def sppnet(config, params, x, boxes, images, /):
    check_parameters("sppnet", config, params)
    feature_map, scale = _network(config, params, "backbone")(x), 1 / config.stride
    pyramid = [roi_pool(feature_map, boxes, images, output_size=b, spatial_scale=scale) for b in config.levels]
    cells = np.concatenate(
        [level.reshape(len(boxes), level.shape[1] * b * b) for level, b in zip(pyramid, config.levels, strict=True)], 1
    )
    return _network(config, params, "cls_score")(_network(config, params, "head")(cells))


@implements(spec.fast_rcnn)
def fast_rcnn(config, params, x, boxes, images, /):
    check_parameters("fast_rcnn", config, params)
    return _look(config, params, _network(config, params, "backbone")(x), boxes, images)


def _look(config, params, feature_map, boxes, images):
    """The second stage: what Fast R-CNN says about regions of a map."""
    pool = roi_align if config.aligned else roi_pool
    pooled = pool(feature_map, boxes, images, output_size=config.pool, spatial_scale=1 / config.stride)
    features = _network(config, params, "head")(pooled)
    deltas = _network(config, params, "bbox_pred")(features).reshape(len(boxes), config.classes, 4)
    return spec.RegionOutput(_network(config, params, "cls_score")(features), deltas)


@implements(spec.rpn)
def rpn(config, params, x, /):
    check_parameters("rpn", config, params)
    hidden = _network(config, params, "conv")(x)
    return tuple(_network(config, params, name)(hidden) for name in ("cls_logits", "bbox_pred"))


@implements(spec.faster_rcnn)
def faster_rcnn(config, params, image, /):
    check_parameters("faster_rcnn", config, params)
    (h, w), k = image.shape[1:], config.rpn.anchors
    feature_map = _network(config, params, "backbone")(image[None])
    of_rpn = {name.removeprefix("rpn."): value for name, value in params.items() if name.startswith("rpn.")}
    objectness, deltas = (t[0] for t in rpn(config.rpn, of_rpn, feature_map))
    logits = np.transpose(objectness.reshape(k, 2, *objectness.shape[1:]), (2, 3, 0, 1)).reshape(-1, 2)  # [h*w*k 2]
    deltas = np.transpose(deltas.reshape(k, 4, *deltas.shape[1:]), (2, 3, 0, 1)).reshape(-1, 4)
    anchors = anchor_boxes(feature_map[0], stride=config.detector.stride, sizes=config.sizes, ratios=config.ratios)
    boxes = decode_boxes(deltas, anchors, largest=spec.LARGEST)
    boxes = np.stack([np.minimum(np.maximum(boxes[:, i], 0), (w, h)[i % 2]) for i in range(4)], -1)  # inside the image
    scores = logits[:, 1] - logits[:, 0]
    keep = non_max_suppression(boxes, scores, threshold=config.threshold)
    best = np.argsort(-np.where(keep, scores, -np.inf), kind="stable")[: config.proposals]
    boxes, keep = boxes[best], keep[best]
    return spec.Proposed(
        boxes, keep, *_look(config.detector, params, feature_map, boxes, np.zeros(len(best), np.int64))
    )


@implements(spec.yolo_v1)
def yolo_v1(config, params, x, /):
    check_network("yolo_v1", config, params, {}, x.shape)
    return run(config.network, nest(params), x, Pass()).reshape(len(x), config.s, config.s, 5 * config.b + config.c)
