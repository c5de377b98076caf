"""LeNet-5: the network that read checks (LeCun, Bottou, Bengio & Haffner 1998)."""

from dataclasses import dataclass
from typing import Literal

from gongsik.spec.architectures.parts import one_of
from gongsik.spec.layers import (
    Activation,
    Architecture,
    AvgPool2d,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    PartialConv2d,
    RadialBasis,
    Subsampling,
    sequence,
)

C3 = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip
"""Which maps of S2 each map of C3 sees: table I of the paper."""


@dataclass(frozen=True)
class LeNet5(Architecture):
    """Configuration of LeNet-5 for images of 32 x 32 pixels.

    Parameters
    ----------
    form : str
        "paper": subsampling learns a weight and a bias per map, C3 sees only some of the maps, and the output is how
        near the features are to a given code per class. "dense", as it is mostly written today: means, all maps, and a
        fully connected output.
    activation : str
        After the convolutions and F6.
    n_classes, channels : int
        Length of the output, and channels of the image.
    """

    form: Literal["paper", "dense"] = "paper"
    activation: str = "sigmoid"
    n_classes: int = 10
    channels: int = 1

    def build(self) -> Layer:
        paper = one_of(self, "form", ("paper", "dense")) == "paper"
        squash = Activation(self.activation)
        return sequence(
            c1=Conv2d(self.channels, 6, 5),
            a1=squash,
            s2=Subsampling(6) if paper else AvgPool2d(2),
            c3=PartialConv2d(6, C3, 5) if paper else Conv2d(6, 16, 5),
            a3=squash,
            s4=Subsampling(16) if paper else AvgPool2d(2),
            c5=Conv2d(16, 120, 5),
            a5=squash,
            flatten=Flatten(),
            f6=Linear(120, 84),
            a6=squash,
            output=RadialBasis(84, self.n_classes) if paper else Linear(84, self.n_classes),
        )
