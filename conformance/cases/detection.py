"""Inputs of detection: boxes that overlap, touch, contain each other or have no area; none at all; clear choices.

A choice (of the best truth, of the most similar pair) decides what comes out as a whole, and says nothing about
rounding: where two candidates are nearly equal, another input is drawn. Thresholds need no such care, because a
comparison that rounding could turn is in doubt by itself.
"""

from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik import reference
from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, make, make_integers
from gongsik.reference.detection import grouping
from gongsik.reference.layers import Pass, run
from gongsik.spec.detectors import RCNN, RPN, FasterRCNN, FastRCNN, SPPNet, YOLOv1
from gongsik.spec.layers import Activation, Conv2d, Flatten, Layer, Linear, MaxPool2d, nest, sequence

SEEDS = st.integers(0, 2**32 - 1)
NUMBERS = st.sampled_from((0, 1, 2, 3, 5, 8, 17))
SOME = st.sampled_from((1, 2, 3, 5, 8))
CLEAR = 2.0**-10
"""How far the best candidate is ahead of the second."""


def boxes(draw: st.DrawFn, precision: Precision, n: int, *, area: bool = False) -> np.ndarray:
    """Boxes [n 4] that lie close to each other: corners on a coarse grid, or anywhere."""
    seed, style = draw(SEEDS), draw(st.sampled_from(("grid", "grid", "anywhere", "wide")))
    if style == "grid":
        first, size = (make_integers(seed + i, low, 6, (n, 2)) for i, low in enumerate((0, int(area))))
        return np.concatenate([first, first + size], -1).astype(np.float64)
    scale = {"anywhere": 1, "wide": 64}[style]
    first, size = (make(seed + i, "normal", (n, 2), precision.name) for i in range(2))
    found = np.concatenate([first, first + np.abs(size) + area / 4], -1)
    return precision.round(found * scale)


def scores(draw: st.DrawFn, precision: Precision, n: int) -> np.ndarray:
    """Scores in (-1, 1), often with ties."""
    values = make(draw(SEEDS), "normal", (n,), precision.name)
    step = draw(st.sampled_from((2, 4, 64)))
    return precision.round(np.rint(np.tanh(values) * step) / step)


def labels(draw: st.DrawFn, n: Any, high: int, low: int = 0) -> np.ndarray:
    return make_integers(draw(SEEDS), low, high, n if isinstance(n, tuple) else (n,)).astype(np.int64)


def clear(values: np.ndarray, axis: int) -> bool:
    """Whether the largest value along an axis is ahead of the second, or nothing is above 0 at all."""
    if values.shape[axis] < 2 or values.size == 0:
        return True
    second, first = np.moveaxis(np.sort(values, axis), axis, 0)[-2:]
    return bool(((first - second > CLEAR) | (first == 0)).all())


def box_convert(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = (*draw(st.sampled_from(((), (1,), (3,), (2, 2), (0,), (40,)))), 4)
        options = {name: draw(st.sampled_from(("xyxy", "xywh", "cxcywh"))) for name in ("source", "target")}
        style = draw(st.sampled_from(("normal", "ties", "spread", "offset")))
        return Case((make(draw(SEEDS), style, shape, precision.name),), options)

    return cases()


def iou(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        return Case(tuple(boxes(draw, precision, draw(NUMBERS)) for _ in range(2)))

    return cases()


def non_max_suppression(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n = draw(st.one_of(NUMBERS, st.just(40)))
        classes = labels(draw, n, 1) if draw(st.booleans()) else None
        options = {
            "threshold": draw(st.sampled_from((0.5, 0.25, 0.3, 0.1, 0.7, 0.0, 1.0, 1.5))),
            "inclusive": draw(st.booleans()),
        }
        return Case((boxes(draw, precision, n), scores(draw, precision, n), classes), options)

    return cases()


def average_precision(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n = draw(st.one_of(NUMBERS, st.just(60)))
        correct = labels(draw, n, 1).astype(bool)
        options = {
            "positives": int(correct.sum()) + draw(st.integers(0, 3)),
            "points": draw(st.sampled_from((0, 11, 2))),
        }
        return Case((scores(draw, precision, n), correct), options)

    return cases()


def _found(draw: st.DrawFn, precision: Precision) -> tuple[Any, ...]:
    """Detections around truths, in up to two groups; the best truth of each is clear."""
    n, m = draw(NUMBERS), draw(st.sampled_from((0, 1, 2, 4)))
    truths = boxes(draw, precision, m, area=True)
    groups, truth_groups = labels(draw, n, 1), labels(draw, m, 1)
    found = boxes(draw, precision, n, area=True)
    if m and n:
        close = truths[labels(draw, n, m - 1)] + precision.round(
            make(draw(SEEDS), "normal", (n, 1), precision.name) / 4
        )
        found = precision.round(np.where(labels(draw, (n, 1), 2) > 0, close, found))
        if not clear(np.where(groups[:, None] == truth_groups, reference.iou(found, truths), 0), 1):
            reject()
    return found, scores(draw, precision, n), groups, truths, truth_groups


THRESHOLDS = st.sampled_from((0.5, 0.3, 0.75, 1.0, 0.125))


def match_detections(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        return Case(_found(draw, precision), {"threshold": draw(THRESHOLDS)})

    return cases()


def mean_average_precision(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        found, values, kinds, truths, truth_kinds = _found(draw, precision)
        images, truth_images = labels(draw, len(found), 1), labels(draw, len(truths), 1)
        case = Case(
            (found, values, kinds, images, truths, truth_kinds, truth_images),
            {"classes": draw(st.integers(1, 3)), "threshold": draw(THRESHOLDS)},
        )
        if _near(case, precision):
            reject()
        return case

    return cases()


def _near(case: Case, precision: Precision) -> bool:
    """Whether an IoU is so close to the threshold that rounding could decide whether a detection is right."""
    if not len(case.arguments[0]) or not len(case.arguments[4]):
        return False
    overlap = reference.iou(case.arguments[0], case.arguments[4])
    return bool((np.abs(overlap - case.options["threshold"]) < 64 * precision.unit).any())


def selective_search(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        h, w, c = draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(st.sampled_from((1, 3)))
        regions = draw(st.integers(1, min(h * w, 6)))
        seeds = np.stack(np.divmod(np.random.Generator(np.random.Philox(draw(SEEDS))).permutation(h * w)[:regions], w))
        rows, columns = np.indices((h, w))
        away = (rows - seeds[0][:, None, None]) ** 2 + (columns - seeds[1][:, None, None]) ** 2
        parts = away.argmin(0).astype(np.int64)
        pixels = labels(draw, (c, h, w), 32) / 32
        tint = labels(draw, (regions, c), 8)[parts].transpose(2, 0, 1) / 8
        image = precision.round(np.where(labels(draw, (1,), 3) > 0, (pixels + 3 * tint) / 4, pixels))
        if min(grouping(image, parts, regions)[1], default=1.0) < CLEAR:
            reject()
        return Case((image, parts), {"regions": regions})

    return cases()


def region_warp(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        c, h, w = draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
        shape = draw(st.sampled_from(((), (0,), (1,), (3,), (2, 2))))
        first = np.stack([labels(draw, shape, size - 1) for size in (w, h)], -1)
        last = np.minimum(first + 1 + np.stack([labels(draw, shape, size) for size in (w, h)], -1), (w, h))
        rest = np.stack([labels(draw, shape, 3) for _ in range(4)], -1) / 4 * draw(st.sampled_from((0, 1)))
        corners = np.concatenate([first, last], -1) + rest * [-1, -1, 1, 1]
        options = {"size": draw(st.one_of(st.integers(1, 6), st.tuples(st.integers(1, 6), st.integers(1, 6))))}
        image = make(draw(SEEDS), draw(st.sampled_from(("normal", "ties", "spread"))), (c, h, w), precision.name)
        return Case((image, corners.astype(np.float64)), options)

    return cases()


def box_regression(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n = draw(NUMBERS)
        return Case(tuple(boxes(draw, precision, n, area=True) for _ in range(2)))

    return cases()


def decode_boxes(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n, style = draw(NUMBERS), draw(st.sampled_from(("normal", "ties", "tiny")))
        deltas = make(draw(SEEDS), style, (n, 4), precision.name)
        return Case((deltas, boxes(draw, precision, n)), {"largest": draw(st.sampled_from((None, 2.5, 62.5)))})

    return cases()


def spatial_pyramid_pool(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        options = {"levels": draw(st.sampled_from(((1, 2, 4), (1,), (2, 3), (3, 1), (5,))))}
        return Case((_map(draw, precision),), options)

    return cases()


def _map(draw: st.DrawFn, precision: Precision) -> np.ndarray:
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    return make(draw(SEEDS), draw(st.sampled_from(("ties", "normal", "spread", "tiny"))), shape, precision.name)


def _regions(draw: st.DrawFn, precision: Precision, *, whole: bool) -> tuple[np.ndarray, ...]:
    """A map and regions of its image, some of which reach beyond it, whose pixels are four times as many."""
    x, k = _map(draw, precision), draw(st.sampled_from((0, 1, 2, 5)))
    corners = labels(draw, (k, 4), 48, -8)
    corners = 4 * (corners // 4) if whole else corners
    corners = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], 1
    )
    return x, corners.astype(np.float64), labels(draw, k, len(x) - 1)


SIZES = st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 4), st.integers(1, 4)))


def roi_pool(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        return Case(_regions(draw, precision, whole=True), {"output_size": draw(SIZES), "spatial_scale": 0.25})

    return cases()


def roi_align(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        options = {
            "output_size": draw(SIZES), "spatial_scale": draw(st.sampled_from((0.25, 0.3))),
            "sampling_ratio": draw(st.integers(1, 3)), "aligned": draw(st.booleans()),
        }  # fmt: skip
        return Case(_regions(draw, precision, whole=False), options)

    return cases()


def fast_rcnn_loss(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        k, c = draw(SOME), draw(st.integers(1, 4))
        style = draw(st.sampled_from(("normal", "ties", "spread")))
        logits, deltas, targets = (make(draw(SEEDS), style, s, precision.name) for s in ((k, c), (k, c, 4), (k, 4)))
        return Case(
            (logits, deltas, labels(draw, k, c - 1), targets), {"balance": draw(st.sampled_from((1.0, 0.0, 2.5)))}
        )

    return cases()


def anchor_boxes(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        shape = (*draw(st.sampled_from(((), (2,), (1, 3)))), draw(st.integers(1, 5)), draw(st.integers(1, 5)))
        options = {
            "stride": draw(st.sampled_from((16, (8, 4), 1))),
            "sizes": draw(st.sampled_from(((128.0, 256.0, 512.0), (7.5,), (3, 10)))),
            "ratios": draw(st.sampled_from(((0.5, 1.0, 2.0), (1,), (3.0, 0.7)))),
        }
        return Case((make(draw(SEEDS), "normal", shape, precision.name),), options)

    return cases()


def match_anchors(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        anchors, truths = (boxes(draw, precision, draw(NUMBERS), area=True) for _ in range(2))
        if len(anchors) and len(truths):
            overlap = reference.iou(anchors, truths)
            if not (clear(overlap, 0) and clear(overlap, 1)):
                reject()
        options = draw(st.sampled_from(({"positive": 0.7, "negative": 0.3}, {"positive": 0.2, "negative": 0.1})))
        return Case((anchors, truths), options)

    return cases()


def rpn_loss(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        a, style = draw(SOME), draw(st.sampled_from(("normal", "ties", "spread")))
        objectness, deltas, targets = (make(draw(SEEDS), style, (a, k), precision.name) for k in (2, 4, 4))
        return Case(
            (objectness, deltas, labels(draw, a, 1, -1), targets), {"balance": draw(st.sampled_from((1.0, 0.0, 10.0)))}
        )

    return cases()


def _centred(draw: st.DrawFn, precision: Precision, shape: tuple[int, ...], s: int) -> np.ndarray:
    """Boxes whose centres lie well inside the cells of a grid, or at the very end of the image."""
    cell, part = labels(draw, (*shape, 2), s - 1), labels(draw, (*shape, 2), 7, 1) / 8
    centre = np.where(labels(draw, (*shape, 1), 9) == 0, 1.0, (cell + part) / s)
    return precision.round(np.concatenate([centre, labels(draw, (*shape, 2), 16) / 16], -1))


def yolo_cell(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        s, shape = draw(st.sampled_from((7, 1, 2, 4))), draw(st.sampled_from(((), (0,), (1,), (5,), (2, 3))))
        return Case((_centred(draw, precision, shape, s),), {"s": s})

    return cases()


def yolo_target(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        s, classes, shape = draw(st.sampled_from((7, 1, 2, 3))), draw(st.integers(1, 4)), (draw(SOME), draw(SOME))
        found = _centred(draw, precision, shape, s)
        return Case((found, labels(draw, shape, classes - 1, -1)), {"s": s, "classes": classes})

    return cases()


def yolo_decode(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        s, b, c = draw(st.sampled_from((1, 2, 3, 7))), draw(st.integers(1, 3)), draw(st.integers(1, 3))
        x = make(draw(SEEDS), draw(st.sampled_from(("normal", "ties"))), (draw(SOME), s, s, 5 * b + c), precision.name)
        return Case((x,), {"b": b})

    return cases()


def yolo_loss(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        s, b, c, n = (
            draw(st.sampled_from((1, 2, 3))),
            draw(st.integers(1, 3)),
            draw(st.integers(1, 3)),
            draw(st.integers(1, 3)),
        )
        found, kinds = _centred(draw, precision, (n, 3), s), labels(draw, (n, 3), c - 1, -1)
        target = reference.yolo_target(found, kinds, s=s, classes=c)
        noise = make(draw(SEEDS), draw(st.sampled_from(("normal", "ties"))), (n, s, s, b, 5), precision.name) / 4
        slots = target[..., None, :5] ** [1, 1, 0.5, 0.5, 1] + noise
        pred = np.concatenate(
            [slots.reshape(n, s, s, 5 * b), make(draw(SEEDS), "normal", (n, s, s, c), precision.name)], -1
        )
        options = {
            "b": b,
            "lambda_coord": draw(st.sampled_from((5.0, 1.0))),
            "lambda_noobj": draw(st.sampled_from((0.5, 0.0))),
        }
        return Case((precision.round(pred), precision.round(target)), options)

    return cases()


# Models: a few channels, and parameters of the size that keeps signals alive


def _params(draw: st.DrawFn, precision: Precision, config: Any) -> dict[str, np.ndarray]:
    seed = draw(SEEDS)
    params = {}
    for i, (name, shape) in enumerate(config.parameters().items()):
        fan_in = 4.0 ** round(np.log2(max(int(np.prod(shape[1:])), 1)) / 2)  # a power of 4: its root is exact
        params[name] = make(seed + i, "normal", shape, precision.name) / np.sqrt(fan_in)
    return params


def _backbone(draw: st.DrawFn, channels: int) -> Layer:
    """Convolutions that shrink the image to a quarter."""
    width = draw(st.integers(2, 4))
    return sequence(
        Conv2d(channels, width, 3, padding=1), Activation("leaky_relu"), MaxPool2d(2),
        Conv2d(width, width, 3, stride=2, padding=1), Activation("leaky_relu"),
    )  # fmt: skip


def _image(draw: st.DrawFn, precision: Precision, shape: tuple[int, ...]) -> np.ndarray:
    return make(draw(SEEDS), "normal", shape, precision.name)


def _proposals(draw: st.DrawFn, n: int, size: int) -> np.ndarray:
    """Different boxes on a grid of four pixels, inside an image."""
    first = labels(draw, (n, 2), size // 4 - 1)
    last = first + 1 + labels(draw, (n, 2), size // 4)
    found = 4.0 * np.concatenate([first, np.minimum(last, size // 4)], -1)
    if len(np.unique(found, axis=0)) < n:
        reject()
    return found


def rcnn(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        size = draw(st.sampled_from((4, 6)))
        backbone = sequence(Conv2d(3, 2, 3), Activation("leaky_relu"), Flatten(), Linear(2 * (size - 2) ** 2, 4))
        config = RCNN(draw(st.integers(1, 3)), size, backbone)
        image, found = _image(draw, precision, (3, 12, 12)), _proposals(draw, draw(st.sampled_from((0, 1, 3))), 12)
        params = _params(draw, precision, config)
        case = Case((config, params, image, found), {"threshold": draw(st.sampled_from((0.3, 0.6)))})
        if len(found) and not _apart(reference.rcnn(*case.arguments).scores.T):
            reject()
        return case

    return cases()


def _apart(values: np.ndarray) -> bool:
    """Whether the numbers along the last axis are so different that rounding changes no order."""
    return bool((np.diff(np.sort(values, -1), axis=-1) > CLEAR**2).all())


def sppnet(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config = SPPNet(draw(st.integers(1, 3)), _backbone(draw, 3), 4, draw(st.sampled_from(((1, 2), (3,)))), (5,))
        n, k = draw(st.integers(1, 2)), draw(st.sampled_from((0, 1, 3)))
        regions = _proposals(draw, k, 16), labels(draw, k, n - 1)
        return Case((config, _params(draw, precision, config), _image(draw, precision, (n, 3, 16, 16)), *regions))

    return cases()


def _fast(draw: st.DrawFn, *, aligned: bool) -> FastRCNN:
    channels = draw(st.sampled_from((1, 3)))
    hidden = draw(st.sampled_from(((4,), (3, 5), ())))
    return FastRCNN(draw(st.integers(1, 3)), _backbone(draw, channels), 4, 2, hidden, aligned, channels)


def fast_rcnn(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config = _fast(draw, aligned=draw(st.booleans()))
        n, k = draw(st.integers(1, 2)), draw(st.sampled_from((0, 1, 3)))
        image = _image(draw, precision, (n, config.channels, 16, 16))
        return Case((config, _params(draw, precision, config), image, _proposals(draw, k, 16), labels(draw, k, n - 1)))

    return cases()


def rpn(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config = RPN(draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4)))
        shape = draw(st.integers(1, 2)), config.channels, draw(st.integers(1, 5)), draw(st.integers(1, 5))
        return Case((config, _params(draw, precision, config), _image(draw, precision, shape)))

    return cases()


def faster_rcnn(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        # By rounding to pixels a proposal would jump; and of equal scores, as where a ReLU gives 0, none is the best.
        detector = _fast(draw, aligned=True)
        config = FasterRCNN(
            detector, (6.0,), draw(st.sampled_from(((1.0,), (0.5, 2.0)))), draw(st.integers(1, 9)), 0.5, 8
        )
        params = _params(draw, precision, config)
        case = Case((config, params, _image(draw, precision, (detector.channels, 8, 12))))
        features = reference.faster_rcnn(config, params, case.arguments[2])
        if not np.isfinite(features.logits).all() or not _apart(_objectness(case)):
            reject()
        return case

    return cases()


def _objectness(case: Case) -> np.ndarray:
    """The scores of all anchors of an image."""
    config, params, image = case.arguments
    of_rpn = {name.removeprefix("rpn."): value for name, value in params.items() if name.startswith("rpn.")}
    backbone = {name.removeprefix("backbone."): value for name, value in params.items() if name.startswith("backbone.")}
    x = run(config.detector.backbone, nest(backbone), image[None], Pass())
    logits = reference.rpn(config.rpn, of_rpn, x)[0]
    return (logits[0, 1::2] - logits[0, ::2]).reshape(-1)


def yolo_v1(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        s, b, c, channels = (draw(st.integers(1, 2)) for _ in range(4))
        config = YOLOv1(s, b, c, 16, (((2, 3),), ((3, 1), (2, 3)), ((2, 3),)), 4, channels)
        image = _image(draw, precision, (draw(st.integers(1, 2)), channels, 16, 16))
        return Case((config, _params(draw, precision, config), image))

    return cases()
