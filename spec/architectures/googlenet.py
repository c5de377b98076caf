"""GoogLeNet: nine inception blocks, which look at several scales at once (Szegedy et al. 2015)."""

from dataclasses import dataclass

from gongsik.spec.architectures.parts import scaled
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    Auxiliary,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Parallel,
    sequence,
)

BLOCKS = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}
"""Channels of the branches of each block: 1x1; before and after 3x3; before and after 5x5; after pooling (table 1)."""
HEADS = {"4a": "aux1", "4d": "aux2"}
"""After which blocks the auxiliary classifiers look."""


def _conv(c_in: int, c_out: int, kernel: int, norm: bool, stride: int = 1) -> Layer:
    conv = Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, bias=not norm)
    return sequence(conv=conv, **({"bn": BatchNorm2d(c_out, eps=1e-3)} if norm else {}), relu=Activation())


@dataclass(frozen=True)
class InceptionBlock(Architecture):
    """Configuration of an inception block.

    Parameters
    ----------
    c_in, c1 : int
        Channels of the input, and of the branch of one 1x1 convolution.
    c3, c5 : pair of int
        Channels after the 1x1 and after the large convolution, of the branches with 3x3 and 5x5.
    cp : int
        Channels of the branch with pooling.
    norm : bool
        As checkpoints have it: batch normalization in place of biases, and 3x3 in place of 5x5.
    """

    c_in: int
    c1: int
    c3: tuple[int, int]
    c5: tuple[int, int]
    cp: int
    norm: bool = False

    @property
    def c_out(self) -> int:
        """Channels of the output: those of all branches."""
        return self.c1 + self.c3[1] + self.c5[1] + self.cp

    def build(self) -> Layer:
        c_in, norm = self.c_in, self.norm
        branches = {
            "branch1": _conv(c_in, self.c1, 1, norm),
            "branch2": sequence(_conv(c_in, self.c3[0], 1, norm), _conv(*self.c3, 3, norm)),
            "branch3": sequence(_conv(c_in, self.c5[0], 1, norm), _conv(*self.c5, 3 if norm else 5, norm)),
            "branch4": sequence(MaxPool2d(3, stride=1, padding=1), _conv(c_in, self.cp, 1, norm)),
        }
        return Parallel(tuple(branches.items()))


@dataclass(frozen=True)
class AuxiliaryClassifier(Architecture):
    """Configuration of a small classifier that looks at a map in the middle of a network.

    Parameters
    ----------
    c_in, n_classes : int
        Channels of the map, and length of the output.
    middle, hidden : int
        Channels after the 1x1 convolution, and width of the hidden layer.
    norm : bool
        As checkpoints have it: batch normalization in place of the bias, and for maps of any size.
    """

    c_in: int
    n_classes: int = 1000
    middle: int = 128
    hidden: int = 1024
    norm: bool = False

    def build(self) -> Layer:
        return sequence(
            avgpool=AdaptiveAvgPool2d(4) if self.norm else AvgPool2d(5, stride=3),  # 14 -> 4
            conv=_conv(self.c_in, self.middle, 1, self.norm),
            flatten=Flatten(),
            fc1=Linear(4 * 4 * self.middle, self.hidden),
            relu=Activation(),
            dropout=Dropout(0.7),
            fc2=Linear(self.hidden, self.n_classes),
        )


@dataclass(frozen=True)
class GoogLeNet(Architecture):
    """Configuration of GoogLeNet, for images of 224 x 224 pixels; with `norm` for those of at least 31 x 31.

    Parameters
    ----------
    n_classes, channels : int
        Length of the output, and channels of the image.
    auxiliary : bool
        Whether it has the two auxiliary classifiers, which training looks at.
    norm : bool
        The form of checkpoints: batch normalization, no local response normalization, 3x3 in place of 5x5.
    width : float
        Factor of the numbers of channels inside.
    """

    n_classes: int = 1000
    channels: int = 3
    auxiliary: bool = True
    norm: bool = False
    width: float = 1.0

    def build(self) -> Layer:
        norm = self.norm

        def c(channels: int) -> int:
            return scaled(channels, self.width)

        pool = MaxPool2d(3, stride=2, ceil=True)
        layers: dict[str, Layer] = {
            "conv1": _conv(self.channels, c(64), 7, norm, stride=2),
            "maxpool1": pool,
            **({} if norm else {"norm1": LocalResponseNorm()}),
            "conv2": _conv(c(64), c(64), 1, norm),
            "conv3": _conv(c(64), c(192), 3, norm),
            **({} if norm else {"norm2": LocalResponseNorm()}),
            "maxpool2": pool,
        }
        c_in = c(192)
        for name, (one, (thin3, three), (thin5, five), pooled) in BLOCKS.items():
            block = InceptionBlock(c_in, c(one), (c(thin3), c(three)), (c(thin5), c(five)), c(pooled), norm)
            layers[f"inception{name}"] = block.network
            c_in = block.c_out
            if self.auxiliary and name in HEADS:
                head = AuxiliaryClassifier(c_in, self.n_classes, c(128), c(1024), norm)
                layers[HEADS[name]] = Auxiliary(head.network)
            if name == "3b":
                layers["maxpool3"] = pool
            if name == "4e":
                layers["maxpool4"] = MaxPool2d(2, stride=2, ceil=True) if norm else pool
        return sequence(
            **layers,
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            dropout=Dropout(0.2 if norm else 0.4),
            fc=Linear(c_in, self.n_classes),
        )
