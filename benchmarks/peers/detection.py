"""What a user would call instead for detection: torchvision, a kernel of torch or of onnxruntime."""

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks.peers import Contest, Data
from gongsik.benchmarks.torchvision_models import models, ops
from gongsik.spec.detection import RCNN, RPN, FasterRCNN, FastRCNN, SPPNet, YOLOv1
from gongsik.spec.layers import Activation, AdaptiveAvgPool2d, Conv2d, Flatten, Sequential, sequence

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


# What nobody else has in one call: only its time is measured.


def _params(data: Data, config: Any) -> dict[str, Tensor]:
    return {name: data.normal(*shape) / 8 for name, shape in config.parameters().items()}


def average_precision(data: Data) -> Contest:
    n = data.of(16, 2**12, 2**18)
    return Contest((data.uniform(n), data.uniform(n) > 0.5), options={"positives": n})


def match_detections(data: Data) -> Contest:
    boxes = _boxes(data, data.of(8, 300, 2000))
    groups = data.integers(4, len(boxes))
    return Contest((boxes, data.uniform(len(boxes)), groups, boxes.flip(0).contiguous(), groups))


def mean_average_precision(data: Data) -> Contest:
    boxes = _boxes(data, data.of(8, 300, 2000))
    kinds, images = data.integers(20, len(boxes)), data.integers(max(1, len(boxes) // 20), len(boxes))
    arguments = boxes, data.uniform(len(boxes)), kinds, images, boxes.flip(0).contiguous(), kinds, images
    return Contest(arguments, options={"classes": 20})


def selective_search(data: Data) -> Contest:
    cells, size = data.of((2, 4), (8, 8), (16, 16))
    index = torch.arange(cells * size, device=data.device) // size
    labels = index[:, None] * cells + index
    return Contest((data.uniform(3, *labels.shape), labels), options={"regions": cells**2})


def region_warp(data: Data) -> Contest:
    side, n = data.of((16, 2), (256, 16), (512, 128))
    return Contest((data.normal(3, side, side), _boxes(data, n) * side / 1000), options={"size": data.of(7, 64, 227)})


def _regions(data: Data) -> tuple[Tensor, Tensor, Tensor]:
    """A map, regions of it, and the image of each."""
    n, c, side, k = data.of((1, 4, 8, 2), (1, 64, 32, 64), (2, 256, 64, 512))
    return data.normal(n, c, side, side), _boxes(data, k) * side / 1200, data.integers(n, k)


def roi_pool(data: Data) -> Contest:
    return Contest(_regions(data), options={"output_size": 7})


def roi_align(data: Data) -> Contest:
    return Contest(_regions(data), options={"output_size": 7})


def fast_rcnn_loss(data: Data) -> Contest:
    k, c = data.of((4, 3), (512, 21), (2**14, 81))
    return Contest((data.normal(k, c), data.normal(k, c, 4), data.integers(c, k), data.normal(k, 4)))


def anchor_boxes(data: Data) -> Contest:
    return Contest((data.normal(*data.of((4, 4), (50, 50), (200, 300))),))


def match_anchors(data: Data) -> Contest:
    return Contest((_boxes(data, data.of(16, 2**12, 2**16)), _boxes(data, data.of(2, 20, 50)).flip(0).contiguous()))


def rpn_loss(data: Data) -> Contest:
    a = data.of(8, 2**12, 2**18)
    return Contest((data.normal(a, 2), data.normal(a, 4), data.integers(3, a) - 1, data.normal(a, 4)))


def yolo_cell(data: Data) -> Contest:
    return Contest((data.uniform(data.of(4, 2**12, 2**18), 4),))


def yolo_confidence(data: Data) -> Contest:
    n = data.of(4, 2**12, 2**16)
    return Contest((data.uniform(n, 2), data.uniform(n, 2), data.uniform(n, 20)))


def yolo_target(data: Data) -> Contest:
    n, m = data.of((1, 2), (16, 8), (512, 16))
    return Contest((data.uniform(n, m, 4), data.integers(20, n, m)))


def yolo_decode(data: Data) -> Contest:
    return Contest((data.uniform(data.of(1, 16, 512), 7, 7, 30),))


def yolo_loss(data: Data) -> Contest:
    n = data.of(1, 16, 512)
    return Contest((data.uniform(n, 7, 7, 30), data.uniform(n, 7, 7, 25).round()))


def _backbone(data: Data) -> Sequential:
    """A few convolutions with a stride of 4."""
    width = data.of(4, 16, 64)
    convolutions = (Conv2d(3, width, 3, stride=2, padding=1), Conv2d(width, width, 3, stride=2, padding=1))
    return sequence(convolutions[0], Activation(), convolutions[1], Activation())


def _detector(data: Data) -> FastRCNN:
    hidden = data.of((8, 8), (64, 64), (256, 256))
    return FastRCNN(classes=5, backbone=_backbone(data), stride=4, pool=3, hidden=hidden)


def _scene(data: Data) -> tuple[Tensor, Tensor, Tensor]:
    side, k = data.of((32, 2), (128, 32), (256, 128))
    return data.normal(1, 3, side, side), _boxes(data, k) * side / 1200, data.integers(1, k)


def rcnn(data: Data) -> Contest:
    backbone = sequence(*(layer for _, layer in _backbone(data).layers), AdaptiveAvgPool2d(1), Flatten())
    config = RCNN(classes=3, size=data.of(16, 32, 64), backbone=backbone)
    x, boxes, _ = _scene(data)
    return Contest((config, _params(data, config), x[0], boxes))


def sppnet(data: Data) -> Contest:
    config = SPPNet(classes=5, backbone=_backbone(data), stride=4, hidden=data.of((8, 8), (64, 64), (256, 256)))
    return Contest((config, _params(data, config), *_scene(data)))


def fast_rcnn(data: Data) -> Contest:
    config = _detector(data)
    return Contest((config, _params(data, config), *_scene(data)))


def rpn(data: Data) -> Contest:
    config = RPN(channels=data.of(4, 64, 256), hidden=data.of(4, 64, 256))
    return Contest(
        (config, _params(data, config), data.normal(1, config.channels, *data.of((4, 4), (32, 32), (64, 64))))
    )


def faster_rcnn(data: Data) -> Contest:
    sizes = (8.0, 16.0, 32.0)
    config = FasterRCNN(_detector(data), sizes=sizes, proposals=data.of(4, 32, 100), hidden=data.of(4, 16, 64))
    return Contest((config, _params(data, config), _scene(data)[0][0]))


def yolo_v1(data: Data) -> Contest:
    config = YOLOv1(s=2, size=64, widths=(((4, 3),), ((8, 3),), ((8, 3),)), hidden=data.of(8, 64, 256))
    return Contest((config, _params(data, config), data.normal(data.of(1, 8, 64), 3, 64, 64)))
