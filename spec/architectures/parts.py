"""What several families of architectures are made of."""

from collections.abc import Iterable
from typing import Any

from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    BatchNorm2d,
    Conv2d,
    Gate,
    Layer,
    sequence,
)


def one_of(config: Architecture, name: str, known: Iterable[Any]) -> Any:
    """The value of a field, which must be one of those that are known."""
    value, known = getattr(config, name), list(known)
    if value not in known:
        expected = ", ".join(map(repr, known))
        raise DomainError(f"{type(config).__name__}: {name} is {value!r}, expected one of {expected}")
    return value


def scaled(channels: int, width: float) -> int:
    """So many channels times `width`, and at least one.

    >>> scaled(96, 0.25), scaled(16, 0.01)
    (24, 1)
    """
    return max(1, int(channels * width))


def divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of the divisor that does not take more than a tenth away.

    >>> [divisible(c) for c in (32 * 0.35, 24 * 0.75, 9, 1)]
    [16, 24, 16, 8]
    """
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * channels else nearest + divisor


def conv_norm(
    c_in: int, c_out: int, kernel: int, *, stride: int = 1, groups: int = 1, activation: str | None = "relu",
    momentum: float = 0.1,
) -> list[Layer]:  # fmt: skip
    """A convolution that keeps the size (at stride 1), the normalization that spares its bias, an activation."""
    conv = Conv2d(c_in, c_out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    norm = BatchNorm2d(c_out, momentum=momentum)
    return [conv, norm, *([] if activation is None else [Activation(activation)])]


def squeeze_excitation(channels: int, reduction: int, name: str = "") -> Gate:
    """Squeeze each channel to its mean, excite all by two layers, and scale the channels by what comes out."""
    if type(reduction) is not int or reduction < 1:
        raise DomainError(f"squeeze_excitation: reduction is {reduction!r}, expected an int >= 1")
    middle = max(1, channels // reduction)
    gate = sequence(
        avgpool=AdaptiveAvgPool2d(1),
        fc1=Conv2d(channels, middle, 1),
        relu=Activation(),
        fc2=Conv2d(middle, channels, 1),
        sigmoid=Activation("sigmoid"),
    )
    return Gate(gate, name)
