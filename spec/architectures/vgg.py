"""VGG: nothing but 3x3 convolutions, and many of them (Simonyan & Zisserman 2015)."""

from dataclasses import dataclass
from typing import Literal

from gongsik.spec.architectures.parts import one_of
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    sequence,
)

STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""By depth, how many convolutions come before each pooling: columns A, B, D and E of the paper's table 1."""
WIDTHS = (1, 2, 4, 8, 8)


@dataclass(frozen=True)
class VGG(Architecture):
    """Configuration of a VGG network for images of at least 32 x 32 pixels.

    Parameters
    ----------
    depth : int
        11, 13, 16 or 19 layers with weights.
    n_classes, channels : int
        Length of the output, and channels of the image.
    norm : bool
        Whether every convolution is followed by batch normalization.
    width, hidden : int
        Channels of the first stage, and width of the two hidden layers.
    """

    depth: Literal[11, 13, 16, 19] = 16
    n_classes: int = 1000
    channels: int = 3
    norm: bool = False
    width: int = 64
    hidden: int = 4096

    def build(self) -> Layer:
        layers: list[Layer] = []
        c_in = self.channels
        for n_convolutions, factor in zip(STAGES[one_of(self, "depth", STAGES)], WIDTHS, strict=True):
            c = self.width * factor
            for _ in range(n_convolutions):
                layers += [Conv2d(c_in, c, 3, padding=1), *([BatchNorm2d(c)] if self.norm else []), Activation()]
                c_in = c
            layers.append(MaxPool2d(2))
        return sequence(
            features=sequence(*layers),
            avgpool=AdaptiveAvgPool2d(7),
            flatten=Flatten(),
            classifier=sequence(
                Linear(c_in * 7 * 7, self.hidden), Activation(), Dropout(),
                Linear(self.hidden, self.hidden), Activation(), Dropout(),
                Linear(self.hidden, self.n_classes),
            ),
        )  # fmt: skip
