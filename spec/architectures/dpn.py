"""Dual path networks: one part of the channels is added up, the other grows (Chen et al. 2017)."""

from dataclasses import dataclass

from gongsik.spec.architectures.parts import one_of
from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    BatchNorm2d,
    Conv2d,
    DualPath,
    Flatten,
    Layer,
    MaxPool2d,
    sequence,
)

TABLE = {92: (64, 96, 32, (3, 4, 20, 3), (16, 32, 24, 128))}
"""By depth: channels of the stem, of the first 3x3 convolutions, and their groups; blocks and growth per stage."""


def _norm(channels: int) -> BatchNorm2d:
    return BatchNorm2d(channels, eps=1e-3)


def _conv(c_in: int, c_out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> Layer:
    """Normalization and activation before the convolution."""
    conv = Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return sequence(bn=_norm(c_in), relu=Activation(), conv=conv)


@dataclass(frozen=True)
class DualPathBlock(Architecture):
    """Configuration of a dual path block.

    Parameters
    ----------
    c_in, middle : int
        Channels of the input, and between the convolutions.
    residual, growth : int
        Channels that are added up, and those that are appended; one of them may be 0.
    groups : int
        Of the 3x3 convolution.
    stride : int
        Of the 3x3 convolution and of the projection.
    project : bool
        Whether the input is projected to `residual + 2 * growth` channels first, as at the start of a stage.
    """

    c_in: int
    middle: int
    residual: int
    growth: int
    groups: int = 1
    stride: int = 1
    project: bool = False

    @property
    def c_out(self) -> int:
        """Channels of the output."""
        return self.growth + (self.residual + 2 * self.growth if self.project else self.c_in)

    def build(self) -> Layer:
        if not self.project and (self.stride > 1 or self.c_in < self.residual):
            what = f"stride {self.stride}, {self.c_in} channels for a residual path of {self.residual}"
            raise DomainError(f"DualPathBlock: {what}: expected a projection")
        body = sequence(
            c1x1_a=_conv(self.c_in, self.middle, 1),
            c3x3_b=_conv(self.middle, self.middle, 3, stride=self.stride, groups=self.groups),
            c1x1_c=_conv(self.middle, self.residual + self.growth, 1),
        )
        if not self.project:
            return DualPath(body, self.residual)
        projection = _conv(self.c_in, self.residual + 2 * self.growth, 1, stride=self.stride)
        return DualPath(body, self.residual, sequence(**{f"c1x1_w_s{self.stride}": projection}))


@dataclass(frozen=True)
class DPN(Architecture):
    """Configuration of a dual path network for images of any size; its names are timm's.

    Parameters
    ----------
    depth : int
        92.
    n_classes, channels : int
        Length of the output, and channels of the image.
    blocks : tuple of int, optional
        How many blocks each stage has.
    divisor : int
        What the numbers of channels are divided by.
    """

    depth: int = 92
    n_classes: int = 1000
    channels: int = 3
    blocks: tuple[int, ...] | None = None
    divisor: int = 1

    def build(self) -> Layer:
        stem, middle, groups, blocks, growths = TABLE[one_of(self, "depth", TABLE)]
        stem, middle, groups = (max(1, n // self.divisor) for n in (stem, middle, groups))
        features: dict[str, Layer] = {
            "conv1_1": sequence(
                conv=Conv2d(self.channels, stem, 7, stride=2, padding=3, bias=False), bn=_norm(stem), relu=Activation()
            ),
            "conv1_pool": MaxPool2d(3, stride=2, padding=1),
        }
        c = stem
        for i, n_blocks in enumerate(blocks if self.blocks is None else self.blocks):
            residual, growth = max(1, 256 // self.divisor) * 2**i, max(1, growths[i] // self.divisor)
            for j in range(n_blocks):
                stride = 2 if i > 0 and j == 0 else 1
                block = DualPathBlock(c, middle * 2**i, residual, growth, groups, stride, project=j == 0)
                features[f"conv{i + 2}_{j + 1}"] = block.network
                c = block.c_out
        return sequence(
            features=sequence(**features, conv5_bn_ac=sequence(bn=_norm(c), relu=Activation())),
            avgpool=AdaptiveAvgPool2d(1),
            classifier=Conv2d(c, self.n_classes, 1),
            flatten=Flatten(),
        )
