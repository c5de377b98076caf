"""MnasNet: blocks that a search for accuracy and speed has found (Tan et al. 2019)."""

from dataclasses import dataclass

from gongsik.spec.architectures.parts import conv_norm, divisible
from gongsik.spec.errors import DomainError
from gongsik.spec.layers import AdaptiveAvgPool2d, Architecture, Dropout, Flatten, Layer, Linear, Residual, sequence

STACKS = ((3, 2, 3, 24, 3), (5, 2, 3, 40, 3), (5, 2, 6, 80, 3), (3, 1, 6, 96, 2), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1))
"""Kernel, first stride, expansion, channels and repetitions of each stack."""
MOMENTUM = 1 - 0.9997


@dataclass(frozen=True)
class MnasNet(Architecture):
    """Configuration of MnasNet (B1, without squeeze and excitation) for images of any size.

    Parameters
    ----------
    alpha : float
        Factor of all numbers of channels, which are then rounded to multiples of `divisor`.
    n_classes, channels : int
        Length of the output, and channels of the image.
    divisor : int
        Of the numbers of channels.
    last : int
        Channels of the last convolution, which alpha does not change.
    """

    alpha: float = 1.0
    n_classes: int = 1000
    channels: int = 3
    divisor: int = 8
    last: int = 1280

    def build(self) -> Layer:
        if not self.alpha > 0:
            raise DomainError(f"MnasNet: alpha is {self.alpha}, expected > 0")
        stem, c = (divisible(channels * self.alpha, self.divisor) for channels in (32, 16))
        layers: list[Layer] = [
            *_conv(self.channels, stem, 3, stride=2),
            *_conv(stem, stem, 3, groups=stem),
            *_conv(stem, c, 1, activation=None),
        ]
        for kernel, first_stride, expansion, channels, repetitions in STACKS:
            c_out = divisible(channels * self.alpha, self.divisor)
            stack: list[Layer] = []
            for i in range(repetitions):
                stack.append(_inverted(c, c_out, kernel, first_stride if i == 0 else 1, expansion))
                c = c_out
            layers.append(sequence(*stack))
        return sequence(
            layers=sequence(*layers, *_conv(c, self.last, 1)),
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            classifier=sequence(Dropout(0.2), Linear(self.last, self.n_classes)),
        )


def _conv(
    c_in: int, c_out: int, kernel: int, *, stride: int = 1, groups: int = 1, activation: str | None = "relu"
) -> list[Layer]:
    return conv_norm(c_in, c_out, kernel, stride=stride, groups=groups, activation=activation, momentum=MOMENTUM)


def _inverted(c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> Layer:
    """A residual block that is wide in the middle, and linear at its end."""
    wide = c_in * expansion
    body = sequence(
        layers=sequence(
            *_conv(c_in, wide, 1),
            *_conv(wide, wide, kernel, stride=stride, groups=wide),
            *_conv(wide, c_out, 1, activation=None),
        )
    )
    return Residual(body) if stride == 1 and c_in == c_out else body
