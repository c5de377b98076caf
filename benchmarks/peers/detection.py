"""What a user would call instead for detection: torchvision, a kernel of torch or of onnxruntime."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks.peers import Contest, Data
from gongsik.benchmarks.torchvision_models import models, ops

DETECTION: Any = models.detection
CHECKED = "corners are checked"


def _boxes(data: Data, n: int) -> Tensor:
    """Boxes of 20 to 200 pixels on a picture of 1000."""
    draws = data.uniform(n, 4)
    first = 1000 * draws[:, :2]
    return torch.cat([first, first + 20 + 180 * draws[:, 2:]], 1)


def iou(data: Data) -> Contest:
    def by_hand(a: Tensor, b: Tensor) -> Tensor:
        sides = (torch.min(a[:, None, 2:], b[:, 2:]) - torch.max(a[:, None, :2], b[:, :2])).clamp(min=0)
        shared = sides[..., 0] * sides[..., 1]
        areas = [(x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (a, b)]
        return shared / (areas[0][:, None] + areas[1] - shared)

    boxes = _boxes(data, data.of(8, 300, 2000))
    peers = {"min, max, clamp, product": by_hand, "torchvision.ops.box_iou": lambda a, b: ops.box_iou(a, b)}
    return Contest((boxes, boxes.flip(0).contiguous()), peers, note=CHECKED)


def box_convert(data: Data) -> Contest:
    boxes = _boxes(data, data.of(8, 2**12, 2**18))
    return Contest((boxes,), {"torchvision.ops.box_convert": lambda x: ops.box_convert(x, "cxcywh", "xyxy")})


def box_regression(data: Data) -> Contest:
    coder, boxes = DETECTION._utils.BoxCoder((1.0, 1.0, 1.0, 1.0)), _boxes(data, data.of(8, 2**12, 2**18))
    return Contest((boxes, boxes.flip(0).contiguous()), {"torchvision's BoxCoder": coder.encode_single}, note=CHECKED)


def decode_boxes(data: Data) -> Contest:
    boxes = _boxes(data, data.of(8, 2**12, 2**18))
    coder = DETECTION._utils.BoxCoder((1.0, 1.0, 1.0, 1.0), math.inf)
    return Contest((data.normal(*boxes.shape), boxes), {"torchvision's BoxCoder": coder.decode_single}, note=CHECKED)


def non_max_suppression(data: Data) -> Contest:
    """On the CPU onnxruntime's kernel, with one thread per thread of torch."""
    n = data.of(10, 2000, 10000)
    boxes, scores = _boxes(data, n), data.uniform(n + 1)[1:]
    if data.device != "cpu":
        return Contest((boxes, scores))
    import onnxruntime
    from onnx import TensorProto, helper

    names = {"b": (TensorProto.FLOAT, [1, None, 4]), "s": (TensorProto.FLOAT, [1, 1, None])}
    numbers = {"m": (TensorProto.INT64, [1]), "t": (TensorProto.FLOAT, [1])}
    given = [helper.make_tensor_value_info(name, *kind) for name, kind in {**names, **numbers}.items()]
    found = helper.make_tensor_value_info("o", TensorProto.INT64, [None, 3])
    node = helper.make_node("NonMaxSuppression", ["b", "s", "m", "t"], ["o"])
    model = helper.make_model(
        helper.make_graph([node], "suppression", given, [found]),
        opset_imports=[helper.make_opsetid("", 11)], ir_version=8,
    )  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    limits = {"m": np.array([n]), "t": np.array([0.5], np.float32)}

    def kernel(boxes: Tensor, scores: Tensor) -> Tensor:
        kept = np.asarray(session.run(None, {"b": boxes.numpy()[None], "s": scores.numpy()[None, None], **limits})[0])
        return torch.zeros(len(scores), dtype=torch.bool).index_fill(0, torch.from_numpy(kept[:, 2].copy()), True)

    return Contest((boxes, scores), {"onnxruntime NonMaxSuppression": kernel}, note=CHECKED)


def spatial_pyramid_pool(data: Data) -> Contest:
    def kernels(x: Tensor) -> Tensor:
        return torch.cat([F.adaptive_max_pool2d(x, b).flatten(1) for b in (1, 2, 4)], 1)

    x = data.normal(*data.of((1, 4, 8, 8), (4, 64, 28, 28), (8, 256, 56, 56)))
    return Contest((x,), {"F.adaptive_max_pool2d, torch.cat": kernels})


def smooth_l1(data: Data) -> Contest:
    n = data.of(64, 2**16, 2**22)
    pred, target = data.normal(2, n).unbind()
    return Contest((pred, target), {"F.smooth_l1_loss": lambda a, b: F.smooth_l1_loss(a, b)})
