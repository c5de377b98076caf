"""Detection against what others wrote: onnxruntime's suppression and pools of regions, PyTorch's kernels."""

import numpy as np
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto, helper

from gongsik import reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, inputs

FEW = settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT32 = PRECISIONS["float32"]


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
