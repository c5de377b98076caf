"""torchvision's models, as an oracle.

Its compiled library is built beside torch's default build and cannot load beside the one for CPUs alone. Its models do
without: they import once the schemas of the two operators are declared that they name.
"""

import warnings

import torch

LIBRARY = torch.library.Library("torchvision", "FRAGMENT")
for operator in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, operator):
        LIBRARY.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that it cannot read image files
    from torchvision import models, ops

__all__ = ["models", "ops"]
