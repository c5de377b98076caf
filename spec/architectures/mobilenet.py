"""MobileNets: convolutions taken apart into one per channel and one per place."""

from dataclasses import dataclass

from gongsik.spec.architectures.parts import conv_norm, divisible, scaled
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
    Residual,
    sequence,
)

V1 = (((64, 1),), ((128, 2), (128, 1)), ((256, 2), (256, 1)), ((512, 2), *((512, 1),) * 5), ((1024, 2), (1024, 1)))
"""Channels and stride of each pair of convolutions, stage by stage: table 1 of Howard et al. 2017."""
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, repetitions and first stride of each stage: table 2 of Sandler et al. 2018."""


@dataclass(frozen=True)
class MobileNet(Architecture):
    """Configuration of MobileNet v1 for images of any size; its names are timm's.

    Parameters
    ----------
    width : float
        Factor of all numbers of channels.
    n_classes, channels : int
        Length of the output, and channels of the image.
    activation : str
        After every normalization: "relu" in the paper, "relu6" in the checkpoints.
    """

    width: float = 1.0
    n_classes: int = 1000
    channels: int = 3
    activation: str = "relu6"

    def build(self) -> Layer:
        def separable(c_in: int, c_out: int, stride: int) -> Layer:
            return sequence(
                conv_dw=Conv2d(c_in, c_in, 3, stride=stride, padding=1, groups=c_in, bias=False),
                bn1=BatchNorm2d(c_in),
                act1=Activation(self.activation),
                conv_pw=Conv2d(c_in, c_out, 1, bias=False),
                bn2=BatchNorm2d(c_out),
                act2=Activation(self.activation),
            )

        stem = c = scaled(32, self.width)
        stages: list[Layer] = []
        for stage in V1:
            blocks: list[Layer] = []
            for channels, stride in stage:
                c_out = scaled(channels, self.width)
                blocks.append(separable(c, c_out, stride))
                c = c_out
            stages.append(sequence(*blocks))
        return sequence(
            conv_stem=Conv2d(self.channels, stem, 3, stride=2, padding=1, bias=False),
            bn1=BatchNorm2d(stem),
            act1=Activation(self.activation),
            blocks=sequence(*stages),
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            classifier=Linear(c, self.n_classes),
        )


@dataclass(frozen=True)
class MobileNetV2(Architecture):
    """Configuration of MobileNet v2 for images of any size.

    Parameters
    ----------
    width : float
        Factor of all numbers of channels, which are then rounded to multiples of `divisor`.
    n_classes, channels : int
        Length of the output, and channels of the image.
    divisor : int
        Of every number of channels.
    """

    width: float = 1.0
    n_classes: int = 1000
    channels: int = 3
    divisor: int = 8

    def build(self) -> Layer:
        c = divisible(32 * self.width, self.divisor)
        features: list[Layer] = [sequence(*conv_norm(self.channels, c, 3, stride=2, activation="relu6"))]
        for expansion, channels, repetitions, first_stride in V2:
            c_out = divisible(channels * self.width, self.divisor)
            for i in range(repetitions):
                features.append(_inverted(c, c_out, expansion, first_stride if i == 0 else 1))
                c = c_out
        last = divisible(1280 * max(1.0, self.width), self.divisor)
        return sequence(
            features=sequence(*features, sequence(*conv_norm(c, last, 1, activation="relu6"))),
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            classifier=sequence(Dropout(0.2), Linear(last, self.n_classes)),
        )


def _inverted(c_in: int, c_out: int, expansion: int, stride: int) -> Layer:
    """A residual block that is wide in the middle, and linear at its end."""
    wide = c_in * expansion
    expand = [sequence(*conv_norm(c_in, wide, 1, activation="relu6"))] if expansion > 1 else []
    depthwise = sequence(*conv_norm(wide, wide, 3, stride=stride, groups=wide, activation="relu6"))
    body = sequence(conv=sequence(*expand, depthwise, *conv_norm(wide, c_out, 1, activation=None)))
    return Residual(body) if stride == 1 and c_in == c_out else body
