"""AlexNet: in two towers, one per GPU, as it won the contest of 2012; and in one, as checkpoints have it."""

from dataclasses import dataclass
from typing import Literal

from gongsik.spec.architectures.parts import one_of
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    sequence,
)

MAPS = {1: (64, 192, 384, 256, 256), 2: (96, 256, 384, 384, 256)}
"""Channels of the five convolutions: of the single tower (Krizhevsky 2014), and of both towers together (2012)."""


@dataclass(frozen=True)
class AlexNet(Architecture):
    """Configuration of AlexNet.

    Parameters
    ----------
    towers : int
        1: one tower without normalization, of any image from 63 x 63 pixels on. 2: two towers that see each other after
        the second convolution and in the fully connected layers, with local response normalization, for images of
        227 x 227 pixels.
    n_classes, channels : int
        Length of the output, and channels of the image.
    maps : tuple of int, optional
        Channels of the five convolutions, if others than those of the papers.
    hidden : int
        Width of the two hidden layers.
    """

    towers: Literal[1, 2] = 1
    n_classes: int = 1000
    channels: int = 3
    maps: tuple[int, int, int, int, int] | None = None
    hidden: int = 4096

    def build(self) -> Layer:
        towers = one_of(self, "towers", MAPS)
        maps = MAPS[towers] if self.maps is None else self.maps
        return (_single if towers == 1 else _double)(self, *maps)


def _single(config: AlexNet, c1: int, c2: int, c3: int, c4: int, c5: int) -> Layer:
    return sequence(
        features=sequence(
            Conv2d(config.channels, c1, 11, stride=4, padding=2), Activation(), MaxPool2d(3, stride=2),
            Conv2d(c1, c2, 5, padding=2), Activation(), MaxPool2d(3, stride=2),
            Conv2d(c2, c3, 3, padding=1), Activation(),
            Conv2d(c3, c4, 3, padding=1), Activation(),
            Conv2d(c4, c5, 3, padding=1), Activation(), MaxPool2d(3, stride=2),
        ),
        avgpool=AdaptiveAvgPool2d(6),
        flatten=Flatten(),
        classifier=sequence(
            Dropout(), Linear(c5 * 6 * 6, config.hidden), Activation(),
            Dropout(), Linear(config.hidden, config.hidden), Activation(),
            Linear(config.hidden, config.n_classes),
        ),
    )  # fmt: skip


def _double(config: AlexNet, c1: int, c2: int, c3: int, c4: int, c5: int) -> Layer:
    norm = LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=2.0, average=False)
    pool = MaxPool2d(3, stride=2)
    return sequence(
        conv1=Conv2d(config.channels, c1, 11, stride=4), relu1=Activation(), norm1=norm, pool1=pool,
        conv2=Conv2d(c1, c2, 5, padding=2, groups=2), relu2=Activation(), norm2=norm, pool2=pool,
        conv3=Conv2d(c2, c3, 3, padding=1), relu3=Activation(),
        conv4=Conv2d(c3, c4, 3, padding=1, groups=2), relu4=Activation(),
        conv5=Conv2d(c4, c5, 3, padding=1, groups=2), relu5=Activation(), pool5=pool,
        flatten=Flatten(),
        fc6=Linear(c5 * 6 * 6, config.hidden), relu6=Activation(), dropout6=Dropout(),
        fc7=Linear(config.hidden, config.hidden), relu7=Activation(), dropout7=Dropout(),
        fc8=Linear(config.hidden, config.n_classes),
    )  # fmt: skip
