"""ShuffleNets: pointwise convolutions in groups, and a shuffle that lets the groups meet."""

from dataclasses import dataclass
from typing import Literal

from gongsik.spec.architectures.parts import conv_norm, one_of
from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    AvgPool2d,
    BatchNorm2d,
    ChannelShuffle,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Parallel,
    Residual,
    Sequential,
    sequence,
)

WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""By groups, channels of the first stage: table 1 of Zhang, Zhou, Lin & Sun 2018. More groups, more for the money."""
REPEATS = (4, 8, 4)
MAPS_V2 = {
    0.5: (24, 48, 96, 192, 1024),
    1.0: (24, 116, 232, 464, 1024),
    1.5: (24, 176, 352, 704, 1024),
    2.0: (24, 244, 488, 976, 2048),
}
"""By scale, channels of the stem, of the three stages and of the last convolution: table 5 of Ma et al. 2018."""


@dataclass(frozen=True)
class ShuffleNetUnit(Architecture):
    """Configuration of a unit of ShuffleNet v1.

    Parameters
    ----------
    c_in, c_out : int
        Channels of the input and of the output.
    groups : int
        Of the pointwise convolutions.
    stride : int
        1: the input is added. 2: the means of its 3x3 windows stand beside the result.
    grouped_entry : bool
        Whether the first convolution is grouped; where the input has few channels it is not.
    """

    c_in: int
    c_out: int
    groups: int = 3
    stride: int = 1
    grouped_entry: bool = True

    def build(self) -> Layer:
        one_of(self, "stride", (1, 2))
        added = self.c_out if self.stride == 1 else self.c_out - self.c_in
        if added < 1 or (self.stride == 1 and self.c_in != self.c_out):
            expected = "c_in" if self.stride == 1 else "more than c_in"
            raise DomainError(f"ShuffleNetUnit: c_out is {self.c_out}, expected {expected} = {self.c_in}")
        middle = self.c_out // 4
        body = Sequential(
            (
                ("conv1", Conv2d(self.c_in, middle, 1, groups=self.groups if self.grouped_entry else 1, bias=False)),
                ("bn1", BatchNorm2d(middle)),
                ("", Activation()),
                ("", ChannelShuffle(self.groups)),
                ("conv2", Conv2d(middle, middle, 3, stride=self.stride, padding=1, groups=middle, bias=False)),
                ("bn2", BatchNorm2d(middle)),
                ("conv3", Conv2d(middle, added, 1, groups=self.groups, bias=False)),
                ("bn3", BatchNorm2d(added)),
            )
        )
        if self.stride == 1:
            return Residual(body, activation="relu")
        beside = Parallel((("", AvgPool2d(3, stride=2, padding=1)), ("", body)))
        return Sequential((("", beside), ("", Activation())))


@dataclass(frozen=True)
class ShuffleNet(Architecture):
    """Configuration of ShuffleNet v1 for images of any size.

    Parameters
    ----------
    groups : int
        1, 2, 3, 4 or 8 groups of the pointwise convolutions; any where `maps` is given.
    n_classes, channels : int
        Length of the output, and channels of the image.
    stem : int
        Channels before the first stage.
    maps : int, optional
        Channels of the first stage; every further stage doubles them.
    repeats : tuple of int
        How many units each stage has.
    """

    groups: int = 3
    n_classes: int = 1000
    channels: int = 3
    stem: int = 24
    maps: int | None = None
    repeats: tuple[int, ...] = REPEATS

    def build(self) -> Layer:
        c_out = WIDTHS[one_of(self, "groups", WIDTHS)] if self.maps is None else self.maps
        c = self.stem
        stages: dict[str, Layer] = {}
        for i, repeats in enumerate(self.repeats):
            units: list[Layer] = []
            for j in range(repeats):
                stride = 2 if j == 0 else 1
                units.append(ShuffleNetUnit(c, c_out, self.groups, stride, grouped_entry=(i, j) != (0, 0)).network)
                c = c_out
            stages[f"stage{i + 2}"] = sequence(*units)
            c_out *= 2
        return sequence(
            conv1=sequence(*conv_norm(self.channels, self.stem, 3, stride=2)),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            **stages,
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            fc=Linear(c, self.n_classes),
        )


@dataclass(frozen=True)
class ShuffleNetV2(Architecture):
    """Configuration of ShuffleNet v2 for images of any size.

    Parameters
    ----------
    scale : float
        0.5, 1.0, 1.5 or 2.0 times the channels; ignored where `maps` is given.
    n_classes, channels : int
        Length of the output, and channels of the image.
    maps : tuple of int, optional
        Channels of the stem, of the three stages (even numbers), and of the last convolution.
    repeats : tuple of int
        How many units each stage has.
    """

    scale: Literal[0.5, 1.0, 1.5, 2.0] = 1.0  # pyright: ignore[reportInvalidTypeForm]
    n_classes: int = 1000
    channels: int = 3
    maps: tuple[int, int, int, int, int] | None = None
    repeats: tuple[int, int, int] = REPEATS

    def build(self) -> Layer:
        stem, *widths, last = MAPS_V2[one_of(self, "scale", MAPS_V2)] if self.maps is None else self.maps
        c = stem
        stages: dict[str, Layer] = {}
        for i, (c_out, repeats) in enumerate(zip(widths, self.repeats, strict=True)):
            units: list[Layer] = []
            for j in range(repeats):
                units.append(_unit_v2(c, c_out, 2 if j == 0 else 1))
                c = c_out
            stages[f"stage{i + 2}"] = sequence(*units)
        return sequence(
            conv1=sequence(*conv_norm(self.channels, stem, 3, stride=2)),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            **stages,
            conv5=sequence(*conv_norm(c, last, 1)),
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            fc=Linear(last, self.n_classes),
        )


def _unit_v2(c_in: int, c_out: int, stride: int) -> Layer:
    """One half of the channels passes by (or, at stride 2, all of them by a short way), the other is worked on."""
    if c_out % 2:
        raise DomainError(f"ShuffleNetV2: a stage has {c_out} channels, expected an even number")
    half = c_out // 2
    split = stride == 1
    worked = c_in // 2 if split else c_in
    short = sequence(*conv_norm(c_in, c_in, 3, stride=stride, groups=c_in, activation=None), *conv_norm(c_in, half, 1))
    long = sequence(
        *conv_norm(worked, half, 1),
        *conv_norm(half, half, 3, stride=stride, groups=half, activation=None),
        *conv_norm(half, half, 1),
    )
    both = Parallel((("branch1", None if split else short), ("branch2", long)), split=split)
    return Sequential((("", both), ("", ChannelShuffle(2))))
