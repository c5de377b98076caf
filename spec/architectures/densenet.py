"""DenseNet: each layer sees what all layers before it have made (Huang, Liu, van der Maaten & Weinberger 2017)."""

from dataclasses import dataclass

from gongsik.spec.architectures.parts import one_of
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Parallel,
    sequence,
)

BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
"""By depth, how many layers each block has: table 1 of the paper."""


@dataclass(frozen=True)
class DenseBlock(Architecture):
    """Configuration of a dense block.

    Parameters
    ----------
    c_in, growth, layers : int
        Channels of the input, those that every layer adds, and how many layers there are.
    bottleneck : int, optional
        If given, a 1x1 convolution to `bottleneck * growth` channels comes before every 3x3 (DenseNet-B).
    """

    c_in: int
    growth: int
    layers: int
    bottleneck: int | None = None

    @property
    def c_out(self) -> int:
        """Channels of the output."""
        return self.c_in + self.layers * self.growth

    def build(self) -> Layer:
        return sequence(**{
            f"denselayer{i + 1}": Parallel((("", None), ("", self._layer(self.c_in + i * self.growth))))
            for i in range(self.layers)
        })  # fmt: skip

    def _layer(self, c: int) -> Layer:
        thin = None if self.bottleneck is None else self.bottleneck * self.growth
        last = Conv2d(c if thin is None else thin, self.growth, 3, padding=1, bias=False)
        if thin is None:
            return sequence(norm1=BatchNorm2d(c), relu1=Activation(), conv1=last)
        return sequence(
            norm1=BatchNorm2d(c), relu1=Activation(), conv1=Conv2d(c, thin, 1, bias=False),
            norm2=BatchNorm2d(thin), relu2=Activation(), conv2=last,
        )  # fmt: skip


@dataclass(frozen=True)
class TransitionLayer(Architecture):
    """Configuration of what lies between two dense blocks: fewer channels, and half the size.

    Parameters
    ----------
    c_in : int
        Channels of the input.
    compression : float
        Which part of them is kept, above 0 and at most 1.
    """

    c_in: int
    compression: float = 0.5

    @property
    def c_out(self) -> int:
        """Channels of the output."""
        return int(self.compression * self.c_in)

    def build(self) -> Layer:
        return sequence(
            norm=BatchNorm2d(self.c_in),
            relu=Activation(),
            conv=Conv2d(self.c_in, self.c_out, 1, bias=False),
            pool=AvgPool2d(2),
        )


@dataclass(frozen=True)
class DenseNet(Architecture):
    """Configuration of a DenseNet for images of at least 29 x 29 pixels.

    Parameters
    ----------
    depth : int
        121, 169 or 201; ignored where `blocks` is given.
    n_classes, channels : int
        Length of the output, and channels of the image.
    growth, stem : int
        Channels that every layer adds, and those that there are before the first block.
    blocks : tuple of int, optional
        How many layers each block has.
    """

    depth: int = 121
    n_classes: int = 1000
    channels: int = 3
    growth: int = 32
    stem: int = 64
    blocks: tuple[int, ...] | None = None

    def build(self) -> Layer:
        blocks = BLOCKS[one_of(self, "depth", BLOCKS)] if self.blocks is None else self.blocks
        features: dict[str, Layer] = {
            "conv0": Conv2d(self.channels, self.stem, 7, stride=2, padding=3, bias=False),
            "norm0": BatchNorm2d(self.stem),
            "relu0": Activation(),
            "pool0": MaxPool2d(3, stride=2, padding=1),
        }
        c = self.stem
        for i, n_layers in enumerate(blocks, 1):
            block = DenseBlock(c, self.growth, n_layers, bottleneck=4)
            features[f"denseblock{i}"] = block.network
            c = block.c_out
            if i < len(blocks):
                transition = TransitionLayer(c)
                features[f"transition{i}"] = transition.network
                c = transition.c_out
        return sequence(
            features=sequence(**features, norm5=BatchNorm2d(c)),
            relu=Activation(),
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            classifier=Linear(c, self.n_classes),
        )
