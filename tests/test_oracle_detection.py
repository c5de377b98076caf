"""Detection against what others wrote: onnxruntime's and torchvision's boxes and regions, PyTorch's kernels."""

import math
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto, helper

from gongsik import reference, torch_impl
from gongsik.benchmarks.torchvision_models import models, ops
from gongsik.conformance.agreement import Exact, compare, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, inputs

FEW = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT32 = PRECISIONS["float32"]
DETECTION: Any = models.detection
BoxCoder, Matcher = DETECTION._utils.BoxCoder, DETECTION._utils.Matcher


def at_every(name, check):
    """Check a formula on inputs from its cases, in float32, which onnxruntime computes in."""

    @FEW
    @given(inputs(name))
    def on(case: Case) -> None:
        check(case)

    token = PRECISION.set(FLOAT32)
    try:
        on()
    finally:
        PRECISION.reset(token)


def session(kind, given, opset, **attributes):
    """A model of one node, of onnxruntime."""
    of = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i8"): TensorProto.INT64}
    described = [helper.make_tensor_value_info(name, of[x.dtype], x.shape) for name, x in given.items()]
    result = TensorProto.INT64 if kind == "NonMaxSuppression" else TensorProto.FLOAT
    node = helper.make_node(kind, list(given), ["result"], **attributes)
    graph = helper.make_graph([node], "one", described, [helper.make_tensor_value_info("result", result, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    made = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(made.run(None, given)[0])


def assert_inside(result, name, case):
    verdict = compare(np.asarray(result), values(Exact(FLOAT32), name, case))
    assert verdict.agreed, f"{verdict.message}\n{case}"


@pytest.mark.parametrize("n", [1, 40, 700])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.7])
@pytest.mark.parametrize("backend", [reference, torch_impl], ids=["reference", "torch"])
def test_suppression_is_that_of_onnxruntime(backend, n, threshold):
    rng = np.random.default_rng(n)
    first = rng.uniform(0, 200, (n, 2))
    boxes = np.concatenate([first, first + rng.uniform(5, 80, (n, 2))], 1).astype(np.float32)
    scores = rng.permutation(n).astype(np.float32) / n
    limits = {"most": np.array([n]), "threshold": np.array([threshold], np.float32)}
    found = session("NonMaxSuppression", {"boxes": boxes[None], "scores": scores[None, None], **limits}, 11)
    kept = backend.non_max_suppression(backend.asarray(boxes), backend.asarray(scores), threshold=threshold)
    assert np.array_equal(np.sort(found[:, 2]), np.flatnonzero(backend.to_numpy(kept)))


def test_roi_align_is_that_of_onnxruntime():
    def check(case: Case) -> None:
        x, boxes, images = case.arguments
        options = dict(case.options)
        h, w = options["output_size"] if isinstance(options["output_size"], tuple) else [options["output_size"]] * 2
        if not len(boxes):
            return
        given = {"x": x.astype("f4"), "boxes": boxes.astype("f4"), "images": images}
        mode = "half_pixel" if options["aligned"] else "output_half_pixel"
        result = session(
            "RoiAlign", given, 16, output_height=h, output_width=w, sampling_ratio=options["sampling_ratio"],
            spatial_scale=options["spatial_scale"], coordinate_transformation_mode=mode,
        )  # fmt: skip
        assert_inside(result, "roi_align", case)

    at_every("roi_align", check)


def test_region_warp_is_interpolation_of_the_part():
    def check(case: Case) -> None:
        image, boxes = case.arguments
        whole = np.clip(np.rint(boxes), 0, np.tile(image.shape[:0:-1], 2))
        size = case.options["size"]
        for x1, y1, x2, y2 in whole.reshape(-1, 4).astype(int):
            part = torch.tensor(image[:, y1:y2, x1:x2].copy())[None]
            size_ = size if isinstance(size, tuple) else (size, size)
            warped = F.interpolate(part, size_, mode="bilinear")[0]
            assert_inside(warped, "region_warp", Case((image, np.array([x1, y1, x2, y2], float)), case.options))

    at_every("region_warp", check)


def test_spatial_pyramid_pool_is_adaptive_max_pooling():
    def check(case: Case) -> None:
        x = torch.tensor(case.arguments[0].copy())
        parts = [F.adaptive_max_pool2d(x, b).flatten(1) for b in case.options["levels"]]
        assert_inside(torch.cat(parts, 1), "spatial_pyramid_pool", case)

    at_every("spatial_pyramid_pool", check)


def test_smooth_l1_is_that_of_torch():
    def check(case: Case) -> None:
        pred, target = (torch.tensor(x.copy()) for x in case.arguments)
        assert_inside(F.smooth_l1_loss(pred, target, **case.options), "smooth_l1", case)

    at_every("smooth_l1", check)


# torchvision


def float32(x: np.ndarray) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float32)


def test_box_convert_is_that_of_torchvision():
    def check(case: Case) -> None:
        source, target = case.options["source"], case.options["target"]
        assert_inside(ops.box_convert(float32(case.arguments[0]), source, target), "box_convert", case)

    at_every("box_convert", check)


def test_iou_is_that_of_torchvision():
    """But for two boxes without an area, of which torchvision says NaN."""

    def check(case: Case) -> None:
        found = ops.box_iou(float32(case.arguments[0]), float32(case.arguments[1]))
        empty = [(x[:, 2:] == x[:, :2]).any(1) for x in case.arguments]
        none = empty[0][:, None] & empty[1]
        assert not reference.iou(*case.arguments)[none].any()
        assert_inside(np.where(none, 0, found), "iou", case)

    at_every("iou", check)


def test_box_regression_is_that_of_torchvision():
    def check(case: Case) -> None:
        boxes, anchors = (float32(x).reshape(-1, 4) for x in case.arguments)
        found = BoxCoder((1.0, 1.0, 1.0, 1.0)).encode_single(boxes, anchors)
        assert_inside(found.reshape(case.arguments[0].shape), "box_regression", case)

    at_every("box_regression", check)


def test_decoding_is_that_of_torchvision():
    def check(case: Case) -> None:
        deltas, anchors = (float32(x).reshape(-1, 4) for x in case.arguments)
        largest = case.options["largest"]
        coder = BoxCoder((1.0, 1.0, 1.0, 1.0), math.inf if largest is None else math.log(largest))
        assert_inside(coder.decode_single(deltas, anchors).reshape(case.arguments[0].shape), "decode_boxes", case)

    at_every("decode_boxes", check)


@pytest.mark.parametrize("backend", [reference, torch_impl], ids=["reference", "torch"])
@pytest.mark.parametrize(("stride", "h", "w"), [(16, 3, 5), (8, 4, 1)])
def test_anchors_are_those_of_torchvision(backend, stride, h, w):
    """Theirs stand at the corners of the cells, ours at the centres; sides of whole pixels, which they round to."""
    sizes, ratios = (32.0, 64.0), (0.25, 1.0, 4.0)
    generator = DETECTION.anchor_utils.AnchorGenerator((sizes,), (ratios,))
    (theirs,) = generator.grid_anchors([[h, w]], [[torch.tensor(stride), torch.tensor(stride)]])
    ours = backend.anchor_boxes(backend.asarray(np.zeros((h, w))), stride=stride, sizes=sizes, ratios=ratios)
    assert np.array_equal(backend.to_numpy(ours), theirs.numpy() + stride / 2)


@pytest.mark.parametrize("backend", [reference, torch_impl], ids=["reference", "torch"])
@pytest.mark.parametrize("seed", range(8))
def test_anchors_are_matched_as_by_torchvision(backend, seed):
    """Positive, ignored and negative, and the best truth of the positive ones; every truth overlaps with something."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 60, (80, 2))
    anchors = np.concatenate([first, first + rng.uniform(10, 30, (80, 2))], 1)
    truths = anchors[rng.permutation(80)[:5]] + rng.uniform(-6, 6, (5, 4)).round(3)
    overlap = reference.iou(truths, anchors)
    matched = Matcher(0.5, 0.3, allow_low_quality_matches=True)(torch.tensor(overlap)).numpy()
    ours = backend.match_anchors(backend.asarray(anchors), backend.asarray(truths), positive=0.5, negative=0.3)
    positive, negative, truth = map(backend.to_numpy, ours)
    assert np.array_equal(positive, matched >= 0)
    assert np.array_equal(negative, matched == -1)
    assert np.array_equal(truth[positive], matched[positive])
    assert (matched == -2).any()
    assert (overlap[:, positive].max(0) < 0.5).any() or (overlap.max(1) >= 0.5).all()
