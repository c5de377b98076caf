"""SE-ResNet: residual networks whose blocks weigh their channels (Hu, Shen & Sun 2018)."""

from dataclasses import dataclass

from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.layers import Layer


@dataclass(frozen=True)
class SENet(ResNet):
    """Configuration of a residual network with squeeze and excitation before every sum; its names are timm's.

    Parameters
    ----------
    reduction : int
        How many channels share one in the middle of the excitation.
    others
        As in `ResNet`.
    """

    reduction: int = 16

    def build(self) -> Layer:
        return self.tree(self.reduction)
