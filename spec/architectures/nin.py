"""Network in network: a small perceptron slides over the image in place of a linear filter (Lin, Chen & Yan 2014)."""

from dataclasses import dataclass

from gongsik.spec.architectures.parts import scaled
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    MaxPool2d,
    sequence,
)


@dataclass(frozen=True)
class MLPConv(Architecture):
    """Configuration of a convolution and the 1x1 convolutions after it, each with its ReLU.

    Parameters
    ----------
    c_in : int
        Channels of the image.
    widths : tuple of int
        Channels after each convolution.
    kernel, stride, padding : int
        Of the first; the others are 1x1.
    """

    c_in: int
    widths: tuple[int, ...]
    kernel: int = 3
    stride: int = 1
    padding: int = 0

    def build(self) -> Layer:
        first, *others = self.widths
        layers: list[Layer] = [Conv2d(self.c_in, first, self.kernel, stride=self.stride, padding=self.padding)]
        for c_in, c_out in zip(self.widths, others, strict=False):
            layers += [Activation(), Conv2d(c_in, c_out, 1)]
        return sequence(*layers, Activation())


@dataclass(frozen=True)
class NetworkInNetwork(Architecture):
    """Configuration of the network in network for photographs: four `MLPConv`, and the mean of the last maps.

    Parameters
    ----------
    n_classes, channels : int
        Length of the output, and channels of the image.
    width : float
        Factor of the numbers of channels inside.
    """

    n_classes: int = 1000
    channels: int = 3
    width: float = 1.0

    def build(self) -> Layer:
        c1, c2, c3, c4 = (scaled(c, self.width) for c in (96, 256, 384, 1024))
        pool = MaxPool2d(3, stride=2, ceil=True)
        return sequence(
            mlpconv1=MLPConv(self.channels, (c1, c1, c1), kernel=11, stride=4).network,
            pool1=pool,
            mlpconv2=MLPConv(c1, (c2, c2, c2), kernel=5, padding=2).network,
            pool2=pool,
            mlpconv3=MLPConv(c2, (c3, c3, c3), kernel=3, padding=1).network,
            pool3=pool,
            dropout=Dropout(),
            mlpconv4=MLPConv(c3, (c4, c4, self.n_classes), kernel=3, padding=1).network,
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
        )
