"""Object detection in PyTorch: no loop over boxes, nor over regions or anchors."""

import functools
import math

import torch
import torch.nn.functional as F
from torch._C._functorch import is_functorch_wrapped_tensor

from gongsik.spec import detection as spec
from gongsik.spec.array import pair
from gongsik.spec.layers import nest
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import ADAPTER, implements, may_need_gradient
from gongsik.torch_impl.layers import Pass, evaluate, run
from gongsik.torch_impl.suppression import suppress

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
    return torch.cat([first, second], -1)


@implements(spec.iou)
def iou(a, b, /):
    return _overlap(a[:, None], b)


def _overlap(a, b):
    """IoU of boxes with those at the same place; axis by axis, because a last axis of two is slow to reduce."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.unbind(-1), b.unbind(-1)
    width = F.relu(torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1))
    shared = width * F.relu(torch.minimum(ay2, by2) - torch.maximum(ay1, by1))
    union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - shared
    return shared / union.masked_fill(shared == 0, 1)


@implements(spec.non_max_suppression)
def non_max_suppression(boxes, scores, labels=None, /, *, threshold=0.5, inclusive=False):
    return suppress(boxes, scores, labels, float(threshold), inclusive)


# Average precision


def _curve(found, counted):
    """Precision after each answer, made non-increasing from the end, in float64: [*classes n]."""
    precision = found / counted.clamp(min=1).double()
    return precision.flip(-1).cummax(-1).values.flip(-1)


@implements(spec.average_precision)
def average_precision(scores, correct, /, *, positives, points=0):
    n = len(scores)
    if n == 0 or positives == 0:
        return scores.new_zeros(())
    right = correct[scores.argsort(descending=True, stable=True)]
    found = right.cumsum(0)
    curve = _curve(found, torch.arange(1, n + 1, device=scores.device))
    if points:
        recalls = torch.arange(points, device=scores.device)[:, None] * positives
        return torch.where((points - 1) * found >= recalls, curve, 0).amax(-1).mean().to(scores.dtype)
    return (torch.where(right, curve, 0).sum() / positives).to(scores.dtype)


def _ranks(scores):
    """The place of each score among all, the highest first, of equals the first first."""
    order = scores.argsort(descending=True, stable=True)
    return torch.empty_like(order).scatter(0, order, torch.arange(len(order), device=order.device))


@implements(spec.match_detections)
def match_detections(boxes, scores, groups, truths, truth_groups, /, *, threshold=0.5):
    n, m = len(boxes), len(truths)
    if n == 0 or m == 0:
        return scores.new_zeros(n, dtype=torch.bool)
    overlap, best = torch.where(groups[:, None] == truth_groups, iou(boxes, truths), 0).max(-1)
    fits, rank = overlap >= threshold, _ranks(scores)
    rank = torch.where(fits, rank, n)
    first = torch.full((m,), n, device=rank.device).scatter_reduce(0, best, rank, "amin")  # to want each truth
    return fits & (rank == first[best])


@implements(spec.mean_average_precision)
def mean_average_precision(
    boxes, scores, labels, images, truths, truth_labels, truth_images, /, *, classes, threshold=0.5
):
    groups = torch.where(labels < classes, images * classes + labels, -1)
    truth_groups = torch.where(truth_labels < classes, truth_images * classes + truth_labels, -2)
    correct = match_detections(boxes, scores, groups, truths, truth_groups, threshold=threshold)
    if len(boxes) == 0:
        return scores.new_zeros(())
    order = scores.argsort(descending=True, stable=True)
    kinds = torch.arange(classes, device=labels.device)[:, None]
    of_class = labels[order] == kinds  # [classes n]: every class has its list, with gaps that change nothing
    right = of_class & correct[order]
    curve = _curve(right.cumsum(-1), of_class.cumsum(-1))
    positives = (truth_labels == kinds).sum(-1)
    values = torch.where(right, curve, 0).sum(-1) / positives.clamp(min=1)
    return (values.sum() / (positives > 0).sum().clamp(min=1)).to(scores.dtype)


# Regions


COLOURS, SLOPES, DIRECTIONS = 25, 10, 8


def _histograms(image, members):
    """Colours and slopes of every region: shares of the bins, [regions bins] each."""
    h, w = image.shape[1:]
    size = members.sum(-1, keepdim=True)
    edge = F.pad(image[None], (2, 2, 2, 2), mode="replicate")[0]
    weights = {d: d * math.exp(-d * d / 2) for d in (1, 2)}
    total = sum(2 * d * weight for d, weight in weights.items())

    def slope(axis):
        inside = edge.narrow(3 - axis, 2, (w, h)[axis - 1])
        far = [inside.narrow(axis, 2 + d, image.shape[axis]) for d in (-2, -1, 1, 2)]
        return (weights[2] / total) * (far[3] - far[0]) + (weights[1] / total) * (far[2] - far[1])

    rows, columns = slope(1), slope(2)
    angles = [2 * math.pi * k / DIRECTIONS for k in range(DIRECTIONS)]
    rising = torch.stack([math.cos(t) * columns + math.sin(t) * rows for t in angles], 1)  # [c 8 h w]
    found = []
    for values, bins, top in ((image.flatten(1), COLOURS, 1.0), (rising.flatten(0, 1).flatten(1), SLOPES, 0.5)):
        place = (values * (bins / top)).floor().clamp(0, bins - 1)[:, None]  # [values 1 pixels]
        counts = (place == torch.arange(bins, device=image.device)[:, None]).to(members.dtype) @ members.T
        found.append(counts.flatten(0, 1).T / (size * len(values)))
    return torch.cat(found, 1)


def _merged_box(first, second):
    return torch.cat(
        [torch.minimum(first[..., :2], second[..., :2]), torch.maximum(first[..., 2:], second[..., 2:])], -1
    )


@implements(spec.selective_search)
def selective_search(image, labels, /, *, regions):
    if labels.is_cpu and not torch.compiler.is_compiling() and not is_functorch_wrapped_tensor(labels):
        spec.check_regions(labels, regions)
    dtype, image = image.dtype, image.to(torch.promote_types(image.dtype, torch.float32))  # shares of many pixels
    (h, w), n = labels.shape, 2 * regions - 1
    labels, index, device = labels.long(), torch.arange(n, device=labels.device), labels.device
    own = labels.flatten() == index[:regions, None]  # [regions pixels]
    inside = own.view(regions, h, w)
    rows, columns = (inside.any(axis).to(torch.int8) for axis in (2, 1))
    ends = [columns.argmax(1), rows.argmax(1), w - columns.flip(1).argmax(1), h - rows.flip(1).argmax(1)]
    members = own.to(image.dtype)
    # One row per region that there will ever be; the merged ones follow. No pair leaves the device to be looked at.
    boxes = F.pad(torch.stack(ends, 1).to(image.dtype), (0, 0, 0, regions - 1))
    features = F.pad(torch.cat([members.sum(-1)[:, None], _histograms(image, members)], 1), (0, 0, 0, regions - 1))
    near = [(a.flatten(), b.flatten()) for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1]))]
    pairs = torch.cat([a * n + b for a, b in near])
    beside = torch.zeros(n * n, dtype=image.dtype, device=device)
    beside = beside.index_add(0, pairs, torch.ones_like(pairs, dtype=image.dtype)).view(n, n) > 0
    beside = (beside | beside.T) & (index != index[:, None])

    def similarity(feature, box):
        """Of some regions [k 1 f] and all."""
        x1, y1, x2, y2 = _merged_box(box, boxes).unbind(-1)
        return torch.minimum(feature[..., 1:], features[:, 1:]).sum(-1) + 2 - (x2 - x1) * (y2 - y1) / (h * w)

    values = torch.cat([similarity(features[i : i + 1, None], boxes[i : i + 1, None]) for i in range(regions)])
    values = F.pad(values, (0, 0, 0, regions - 1))
    for t in range(regions, n):
        at = torch.where(beside & (index > index[:, None]), values, -torch.inf).argmax()
        pair_of = torch.stack([at // n, at % n])
        two, (first, second) = features.index_select(0, pair_of), boxes.index_select(0, pair_of)
        size = two[:, :1].sum(0)
        feature = torch.cat([size, (two[:, :1] / size * two[:, 1:]).sum(0)])
        box, new = _merged_box(first, second), index == t
        features = torch.where(new[:, None], feature, features)
        boxes = torch.where(new[:, None], box, boxes)
        gone = (index == pair_of[:, None]).any(0)
        side = beside.index_select(0, pair_of).any(0) & ~gone
        beside = beside & ~gone & ~gone[:, None] | (new[:, None] & side) | (new & side[:, None])
        row = similarity(feature[None, None], box[None, None])[0]
        values = torch.where(new[:, None], row, torch.where(new, row[:, None], values))
    return boxes.to(dtype)


def _weighted_pixels(x, images, rows, columns):
    """Sums of weighted pixels of maps [n c h w] in every cell of a grid, [k c ph pw].

    Rows and columns come as (index, weight), each [k cells points]. One kernel adds up the pixels of a cell where they
    lie, in channels-last memory, without gathering them first.
    """
    (row, high), (column, wide) = rows, columns
    (n, c, h, w), (k, ph, _), pw = x.shape, row.shape, column.shape[1]
    place = (images[:, None, None] * h + row)[:, :, None, :, None] * w + column[:, None, :, None, :]
    weight = high[:, :, None, :, None] * wide[:, None, :, None, :]  # [k ph pw points points]
    table = x.permute(0, 2, 3, 1).reshape(n * h * w, c)
    bags = k * ph * pw
    place, weight = (t.reshape(bags, math.prod(t.shape[3:])) for t in (place, weight.to(x.dtype)))
    if not torch.compiler.is_compiling() and any(map(is_functorch_wrapped_tensor, (x, place))):  # which know no bags
        sums = (weight[..., None] * table[place]).sum(1)  # of [bags points c]
    else:
        sums = F.embedding_bag(place, table, mode="sum", per_sample_weights=weight)
    return sums.view(k, ph, pw, c).permute(0, 3, 1, 2)


def _neighbours(at, size):
    """The two pixels between which a place lies, and their weights: [... 2] each."""
    low = at.detach().floor().clamp(0, size - 1)
    part = at - low
    index = torch.stack([low, (low + 1).clamp(max=size - 1)], -1).long()
    return index, torch.stack([1 - part, part], -1)


@implements(spec.region_warp)
def region_warp(image, boxes, /, *, size=227):
    corners = boxes.reshape(-1, 4)
    grid = []
    for axis, (n, length) in enumerate(zip(pair(size), image.shape[1:], strict=True)):
        low, high = corners[:, 1 - axis, None], corners[:, 3 - axis, None]
        at = low + (torch.arange(n, device=boxes.device) + 0.5) * ((high - low) / n) - 0.5
        at = torch.minimum(torch.maximum(at, low), high - 1).clamp(0, length - 1)
        grid.append(_neighbours(at, length))
    zeros = torch.zeros(len(corners), dtype=torch.int64, device=boxes.device)
    warped = _weighted_pixels(image[None], zeros, *grid)
    return warped.reshape(*boxes.shape[:-1], *warped.shape[1:])


@implements(spec.box_regression)
def box_regression(boxes, anchors, /):
    box, anchor = (box_convert(x, source="xyxy", target="cxcywh") for x in (boxes, anchors))
    sides = anchor[..., 2:]
    return torch.cat([(box[..., :2] - anchor[..., :2]) / sides, (box[..., 2:] / sides).log()], -1)


@implements(spec.decode_boxes)
def decode_boxes(deltas, anchors, /, *, largest=None):
    anchor = box_convert(anchors, source="xyxy", target="cxcywh")
    growth = deltas[..., 2:] if largest is None else deltas[..., 2:].clamp(max=math.log(largest))
    sides = anchor[..., 2:]
    return box_convert(torch.cat([deltas[..., :2] * sides + anchor[..., :2], growth.exp() * sides], -1))


# Pools of regions


@implements(spec.spatial_pyramid_pool)
def spatial_pyramid_pool(x, /, *, levels=(1, 2, 4)):
    return torch.cat([F.adaptive_max_pool2d(x, b).flatten(1) for b in levels], 1)


def _larger(first, second):
    """Element by element the larger one of (values, places); of equals the one that comes first in the map."""
    (a, i), (b, j) = first, second
    if i is None:
        return torch.maximum(a, b), None
    second_wins = (b > a) | ((b == a) & (j < i)) | (b.isnan() & ~a.isnan())
    return torch.where(second_wins, b, a), torch.where(second_wins, j, i)


def _doubled(table, axis):
    """Largest values in windows twice as long, from those in windows of 1, 2, 4, ... along an axis: all of them."""
    tables, length = [table], 1
    while 2 * length <= table[0].shape[axis]:
        last = tables[-1][0].shape[axis] - length
        halves = [[x if x is None else x.narrow(axis, start, last) for x in tables[-1]] for start in (0, length)]
        tables.append(_larger(*halves))
        length *= 2
    return tables


def _spans(low, high, n, size):
    """How windows cover each of n parts of the pixels low, ..., high, as far as they lie in the map: [k n] each.

    The exponent of the largest power of 2 that fits, where the first and the last window of this length begin, and
    whether the part is empty.
    """
    length, part = (high - low + 1).clamp(min=1)[:, None], torch.arange(n, device=low.device)
    start = (low[:, None] + part * length // n).clamp(0, size)
    stop = (low[:, None] - (-(part + 1) * length) // n).clamp(0, size)
    powers = 2 ** torch.arange(size.bit_length(), device=low.device)
    power = torch.bucketize(stop - start, powers, right=True).sub(1).clamp(min=0)
    last = (stop - 2**power).clamp(min=0)
    return power, (start.clamp(max=size - 1), last), stop <= start


@implements(spec.roi_pool)
def roi_pool(x, boxes, images, /, *, output_size, spatial_scale=1.0):
    # A bin is covered by four windows whose sides are powers of 2. The largest values in all such windows take a few
    # passes over the map, whatever the number of regions; then every bin is four look-ups, however large it is.
    (n, c, h, w), (ph, pw) = x.shape, pair(output_size)
    corners = (boxes.detach() * spatial_scale + 0.5).floor().long()
    rows, columns = _spans(corners[:, 1], corners[:, 3], ph, h), _spans(corners[:, 0], corners[:, 2], pw, w)
    pixels = x.permute(0, 2, 3, 1).contiguous()
    places = None
    if may_need_gradient(x):
        places = torch.arange(n * h * w, device=x.device).view(n, h, w, 1).expand(n, h, w, c)
    tables = [t for row in _doubled((pixels.detach(), places), 1) for t in _doubled(row, 2)]
    sizes = torch.tensor([t[0].shape[:3] for t in tables])
    starts = (sizes.prod(1).cumsum(0) - sizes.prod(1)).to(x.device)
    heights, widths = sizes[:, 1].to(x.device), sizes[:, 2].to(x.device)
    which = rows[0][:, :, None] * w.bit_length() + columns[0][:, None]  # [k ph pw]
    flat = [
        None if part[0] is None else torch.cat([p.reshape(-1, c) for p in part]) for part in zip(*tables, strict=True)
    ]
    found = []
    for row in rows[1]:
        for column in columns[1]:
            at = (images[:, None, None] * heights[which] + row[:, :, None]) * widths[which] + column[:, None]
            at = at + starts[which]
            found.append([part if part is None else part[at] for part in flat])  # [k ph pw c]
    values, best = functools.reduce(_larger, found)
    if best is not None:
        values = pixels.view(-1, c).gather(0, best.reshape(-1, c)).view(best.shape)
    empty = rows[2][:, :, None] | columns[2][:, None]
    return values.masked_fill(empty[..., None], 0).permute(0, 3, 1, 2)


@implements(spec.roi_align)
def roi_align(x, boxes, images, /, *, output_size, spatial_scale=1.0, sampling_ratio=2, aligned=True):
    corners = boxes.detach() * spatial_scale - (0.5 if aligned else 0)
    grid = []
    for axis, (n, size) in enumerate(zip(pair(output_size), x.shape[2:], strict=True)):
        low, high = corners[:, 1 - axis, None], corners[:, 3 - axis, None]
        length = (high - low).clamp(min=0 if aligned else 1)
        points = torch.arange(n * sampling_ratio, device=boxes.device) + 0.5
        at = low + points * (length / (n * sampling_ratio))
        index, weight = _neighbours(at.clamp(0, size - 1), size)
        weight = weight * ((at >= -1) & (at <= size))[..., None] / sampling_ratio
        grid.append([t.reshape(len(boxes), n, 2 * sampling_ratio) for t in (index, weight)])
    return _weighted_pixels(x, images, *grid)


# Losses, anchors and what they are trained for


@implements(spec.smooth_l1)
def smooth_l1(pred, target, /, *, beta=1.0, reduction="mean"):
    return F.smooth_l1_loss(pred, target, reduction=reduction, beta=beta)


def _box_loss(deltas, targets, counted):
    losses = F.smooth_l1_loss(deltas, targets, reduction="none")
    return torch.where(counted[:, None], losses, 0).sum()


@implements(spec.fast_rcnn_loss)
def fast_rcnn_loss(logits, deltas, labels, targets, /, *, balance=1.0):
    labels = labels.long()
    chosen = deltas.gather(1, labels[:, None, None].expand(-1, 1, 4))[:, 0]
    return F.cross_entropy(logits, labels) + balance * _box_loss(chosen, targets, labels >= 1) / len(labels)


@implements(spec.anchor_boxes)
def anchor_boxes(x, /, *, stride=16, sizes=(128.0, 256.0, 512.0), ratios=(0.5, 1.0, 2.0)):
    (h, w), (sy, sx) = x.shape[-2:], pair(stride)
    half = [(size / math.sqrt(ratio) / 2, size * math.sqrt(ratio) / 2) for ratio in ratios for size in sizes]
    half = torch.tensor(half, dtype=torch.float64, device=x.device)  # [k 2]
    rows, columns = (
        (torch.arange(n, dtype=half.dtype, device=x.device) + 0.5) * step for n, step in ((h, sy), (w, sx))
    )
    centres = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)[:, :, None]  # [h w 1 2]
    return torch.cat([centres - half, centres + half], -1).view(-1, 4).to(x.dtype)


@implements(spec.match_anchors)
def match_anchors(anchors, truths, /, *, positive=0.7, negative=0.3):
    n, m = len(anchors), len(truths)
    if n == 0 or m == 0:
        none = torch.zeros(n, dtype=torch.bool, device=anchors.device)
        return spec.Matched(none, ~none, none.long())
    overlap = iou(anchors, truths)
    highest, truth = overlap.max(-1)
    best = (overlap.argmax(0) == torch.arange(n, device=anchors.device)[:, None]) & (overlap > 0)
    found = (highest >= positive) | best.any(-1)
    return spec.Matched(found, (highest < negative) & ~found, truth)


@implements(spec.rpn_loss)
def rpn_loss(objectness, deltas, labels, targets, /, *, balance=1.0):
    labels = labels.long()
    of_classes = F.cross_entropy(objectness, labels, ignore_index=-1, reduction="sum")
    number = (labels >= 0).sum().clamp(min=1)
    return (of_classes + balance * _box_loss(deltas, targets, labels == 1)) / number


# YOLO


@implements(spec.yolo_cell)
def yolo_cell(boxes, /, *, s=7):
    at = boxes[..., :2] * s
    cell = at.clamp(max=s - 0.5).floor().nan_to_num(0)
    within, cell = at - cell, cell.long()
    return spec.Cell(cell[..., 1], cell[..., 0], within[..., 0], within[..., 1])


@implements(spec.yolo_confidence)
def yolo_confidence(objectness, overlap, classes, /):
    confidence = objectness * overlap
    return confidence, confidence[..., :, None] * classes[..., None, :]


@implements(spec.yolo_target)
def yolo_target(boxes, labels, /, *, s=7, classes=20):
    spec.check_labels("yolo_target", ADAPTER, labels, classes)
    row, column, dx, dy = yolo_cell(boxes, s=s)
    places = torch.arange(s * s, device=boxes.device)
    here = ((row * s + column)[..., None] == places) & (labels >= 0)[..., None]  # [n m s*s]
    kind = (labels[..., None] == torch.arange(classes, device=boxes.device)).to(boxes.dtype)
    centre = torch.stack([dx, dy], -1)
    written = torch.cat([centre, boxes[..., 2:], torch.ones_like(boxes[..., :1]), kind], -1)  # [n m f]
    first = here.to(torch.int8).argmax(1)[..., None].expand(-1, -1, written.shape[-1])
    target = torch.where(here.any(1)[..., None], written.gather(1, first), 0)
    return target.view(len(boxes), s, s, 5 + classes)


def _cell_boxes(slots, s):
    """Corners of boxes [n s s b 4] that are said by their centre in a cell and the roots of their sizes."""
    places = torch.arange(s, device=slots.device)
    corner = torch.stack(torch.meshgrid(places, places, indexing="xy"), -1)[:, :, None]  # column and row
    return box_convert(torch.cat([(slots[..., :2] + corner) / s, slots[..., 2:] ** 2], -1))


@implements(spec.yolo_decode)
def yolo_decode(x, /, *, b=2):
    n, s = x.shape[:2]
    slots = x[..., : 5 * b].unflatten(-1, (b, 5))
    boxes = _cell_boxes(slots[..., :4], s).reshape(n, s * s * b, 4)
    return boxes, (slots[..., 4:] * x[..., None, 5 * b :]).reshape(n, s * s * b, -1)


@implements(spec.yolo_loss)
def yolo_loss(pred, target, /, *, b=2, lambda_coord=5.0, lambda_noobj=0.5):
    n, s = pred.shape[:2]
    slots, truth = pred[..., : 5 * b].unflatten(-1, (b, 5)), target[..., None, :5]
    roots = torch.cat([truth[..., :2], truth[..., 2:4].sqrt()], -1)
    with torch.no_grad():
        overlap = _overlap(_cell_boxes(slots[..., :4], s), _cell_boxes(roots, s))  # [n s s b]
        mine, other = overlap[..., :, None], overlap[..., None, :]
        later = torch.ones(b, b, dtype=torch.bool, device=pred.device).triu(1)
        wins = (mine > other) | ((mine == other) & later) | torch.eye(b, dtype=torch.bool, device=pred.device)
        answers = wins.all(-1) & (truth[..., 4] > 0)
    squares = (slots - torch.cat([roots, truth[..., 4:]], -1)) ** 2
    of_answers = lambda_coord * squares[..., :4].sum(-1) + squares[..., 4]
    of_boxes = torch.where(answers, of_answers, lambda_noobj * slots[..., 4] ** 2).sum()
    of_classes = torch.where(target[..., 4:5] > 0, (pred[..., 5 * b :] - target[..., 5:]) ** 2, 0).sum()
    return (of_boxes + of_classes) / n


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
    refined = decode_boxes(deltas, boxes[:, None].expand(n, c, 4))
    labels = torch.arange(c, device=boxes.device).repeat(n)
    keep = non_max_suppression(refined.reshape(n * c, 4), scores.reshape(n * c), labels, threshold=threshold)
    return spec.Detected(refined, scores, keep.reshape(n, c))


@implements(spec.sppnet)
def sppnet(config, params, x, boxes, images, /):
    check_parameters("sppnet", config, params)
    feature_map, scale = _network(config, params, "backbone")(x), 1 / config.stride
    pyramid = [roi_pool(feature_map, boxes, images, output_size=b, spatial_scale=scale) for b in config.levels]
    cells = torch.cat(
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
    logits = objectness.unflatten(0, (k, 2)).permute(2, 3, 0, 1).reshape(-1, 2)  # [h*w*k 2]
    deltas = deltas.unflatten(0, (k, 4)).permute(2, 3, 0, 1).reshape(-1, 4)
    anchors = anchor_boxes(feature_map[0], stride=config.detector.stride, sizes=config.sizes, ratios=config.ratios)
    boxes = decode_boxes(deltas, anchors, largest=spec.LARGEST)
    boxes = torch.stack([boxes[:, i].clamp(0, (w, h)[i % 2]) for i in range(4)], -1)  # inside the image
    scores = logits[:, 1] - logits[:, 0]
    keep = non_max_suppression(boxes, scores, threshold=config.threshold)
    best = torch.where(keep, scores, -torch.inf).argsort(descending=True, stable=True)[: config.proposals]
    boxes, keep = boxes[best], keep[best]
    return spec.Proposed(boxes, keep, *_look(config.detector, params, feature_map, boxes, torch.zeros_like(best)))


@implements(spec.yolo_v1)
def yolo_v1(config, params, x, /):
    grid = evaluate("yolo_v1", config, params, {}, x)
    return grid.reshape(len(x), config.s, config.s, 5 * config.b + config.c)
