"""Residual networks: each block adds something to what it gets (He, Zhang, Ren & Sun 2016)."""

from dataclasses import dataclass
from typing import Literal

from gongsik.spec.architectures.parts import one_of, squeeze_excitation
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Residual,
    Sequential,
    ZeroChannels,
    sequence,
)

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""By depth, how many blocks each stage has: table 1 of the paper. From 50 on they are bottlenecks."""


@dataclass(frozen=True)
class ResidualBlock(Architecture):
    """Configuration of a residual block of two 3x3 convolutions.

    Parameters
    ----------
    c_in, channels : int
        Channels of the input and inside.
    stride : int
        Of the first convolution, and of the shortcut.
    shortcut : str
        Where size or channels change: "projection" by a 1x1 convolution, or what it is, with "zeros" in new channels.
    preactivation : bool
        Whether normalization and activation come before each convolution, and none after the sum (He et al. 2016b).
    reduction : int, optional
        If given, squeeze and excitation scale the channels before the sum, in the middle of `channels / reduction`.
    """

    c_in: int
    channels: int
    stride: int = 1
    shortcut: Literal["projection", "zeros"] = "projection"
    preactivation: bool = False
    reduction: int | None = None

    @property
    def c_out(self) -> int:
        """Channels of the output."""
        return self.channels

    @property
    def projects(self) -> bool:
        """Whether there is a 1x1 convolution on the shortcut."""
        return self.shortcut == "projection" and (self.stride > 1 or self.c_in != self.c_out)

    def convolutions(self) -> tuple[Conv2d, ...]:
        """The convolutions of the body, in order."""
        c = self.channels
        return (
            Conv2d(self.c_in, c, 3, stride=self.stride, padding=1, bias=False),
            Conv2d(c, c, 3, padding=1, bias=False),
        )

    def build(self) -> Layer:
        one_of(self, "shortcut", ("projection", "zeros"))
        layers: list[tuple[str, Layer]] = []
        for i, conv in enumerate(self.convolutions(), 1):
            relu = ("", Activation())
            if self.preactivation:
                layers += [(f"bn{i}", BatchNorm2d(conv.c_in)), relu, (f"conv{i}", conv)]
            else:
                layers += [(f"conv{i}", conv), (f"bn{i}", BatchNorm2d(conv.c_out)), relu]
        if not self.preactivation:
            layers.pop()  # the last activation comes after the sum
        if self.reduction is not None:
            layers.append(("se", squeeze_excitation(self.c_out, self.reduction)))
        if not self.preactivation:
            return Residual(Sequential(tuple(layers)), self._shortcut(), activation="relu")
        if not self.projects:
            return Residual(Sequential(tuple(layers)), self._shortcut())
        # What is projected has been normalized and activated, too.
        return Sequential((*layers[:2], ("", Residual(Sequential(tuple(layers[2:])), self._shortcut()))))

    def _shortcut(self) -> Layer | None:
        if self.projects:
            conv = Conv2d(self.c_in, self.c_out, 1, stride=self.stride, bias=False)
            return sequence(conv) if self.preactivation else sequence(conv, BatchNorm2d(self.c_out))
        if self.stride == 1 and self.c_in == self.c_out:
            return None
        return Sequential((("", MaxPool2d(1, stride=self.stride)), ("", ZeroChannels(self.c_out))))


@dataclass(frozen=True)
class BottleneckBlock(ResidualBlock):
    """Configuration of a residual block that is thin in the middle: 1x1 to `channels`, 3x3, and 1x1 to four times them.

    The stride is the 3x3 convolution's, as in the checkpoints that are in use; the paper has it in the first 1x1.
    """

    @property
    def c_out(self) -> int:
        return 4 * self.channels

    def convolutions(self) -> tuple[Conv2d, ...]:
        c = self.channels
        return (
            Conv2d(self.c_in, c, 1, bias=False),
            Conv2d(c, c, 3, stride=self.stride, padding=1, bias=False),
            Conv2d(c, self.c_out, 1, bias=False),
        )


@dataclass(frozen=True)
class ResNet(Architecture):
    """Configuration of a residual network for images of any size.

    Parameters
    ----------
    depth : int
        18 or 34 with basic blocks, 50, 101 or 152 with bottlenecks; ignored where `blocks` is given.
    n_classes : int
        Length of the output.
    channels, width : int
        Of the image, and of the first stage; every further stage doubles it.
    blocks : tuple of int, optional
        How many blocks each stage has.
    bottleneck : bool, optional
        Which kind of block; by default what the depth says.
    shortcut, preactivation
        As in `ResidualBlock`.
    """

    depth: int = 50
    n_classes: int = 1000
    channels: int = 3
    width: int = 64
    blocks: tuple[int, ...] | None = None
    bottleneck: bool | None = None
    shortcut: Literal["projection", "zeros"] = "projection"
    preactivation: bool = False

    def build(self) -> Layer:
        return self.tree(reduction=None)

    def tree(self, reduction: int | None) -> Layer:
        """The tree, with squeeze and excitation in every block if there is a reduction."""
        blocks = BLOCKS[one_of(self, "depth", BLOCKS)] if self.blocks is None else self.blocks
        wide = self.depth >= 50 if self.bottleneck is None else self.bottleneck
        stages: dict[str, Layer] = {}
        c = self.width
        for i, n_blocks in enumerate(blocks):
            stage: list[Layer] = []
            for j in range(n_blocks):
                block = (BottleneckBlock if wide else ResidualBlock)(
                    c, self.width * 2**i, 2 if i > 0 and j == 0 else 1, self.shortcut, self.preactivation, reduction
                )
                stage.append(block.network)
                c = block.c_out
            stages[f"layer{i + 1}"] = sequence(*stage)
        stem = Conv2d(self.channels, self.width, 7, stride=2, padding=3, bias=False)
        pool = MaxPool2d(3, stride=2, padding=1)
        if self.preactivation:
            body = {"conv1": stem, "maxpool": pool, **stages, "norm": BatchNorm2d(c), "relu": Activation()}
        else:
            body = {"conv1": stem, "bn1": BatchNorm2d(self.width), "relu": Activation(), "maxpool": pool, **stages}
        return sequence(**body, avgpool=AdaptiveAvgPool2d(1), flatten=Flatten(), fc=Linear(c, self.n_classes))
