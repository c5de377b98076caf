"""Detectors of several networks as modules."""

from typing import Any

from torch import nn

from gongsik.spec import detectors as spec
from gongsik.torch_impl import detection
from gongsik.torch_impl.layers import NetworkModule, place

FUNCTIONS = {
    spec.RCNN: detection.rcnn, spec.SPPNet: detection.sppnet, spec.FastRCNN: detection.fast_rcnn,
    spec.RPN: detection.rpn, spec.FasterRCNN: detection.faster_rcnn,
}  # fmt: skip


class DetectorModule(nn.Module):
    """A detector as a module: its state dict has the names and shapes of ``config.parameters()``.

    It computes what the function of the detector computes, in training as in evaluation: losses, and which regions to
    learn from, are for the caller to choose. YOLO is a single network, so ``NetworkModule(YOLOv1())`` is its module;
    that gives the numbers of the grid in one row.

    Parameters
    ----------
    config : Detector
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.detectors import RPN
    >>> list(DetectorModule(RPN(2, 1, 3)).state_dict())[:4]
    ['conv.0.weight', 'conv.0.bias', 'cls_logits.weight', 'cls_logits.bias']
    """

    def __init__(self, config: spec.Detector, /) -> None:
        super().__init__()
        self.config = config
        for name, part in config.parts().items():
            place(self, name, NetworkModule(part))

    def forward(self, *inputs: Any, **options: Any) -> Any:
        return FUNCTIONS[type(self.config)](self.config, dict(self.named_parameters()), *inputs, **options)
