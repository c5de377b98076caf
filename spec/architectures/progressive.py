"""Progressive growing: networks to which layers for ever larger images are added (Karras et al. 2018)."""

from dataclasses import dataclass

from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Architecture,
    AvgPool2d,
    Conv2d,
    Equalized,
    Fade,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    MinibatchDeviation,
    Named,
    PixelNorm,
    Sequential,
    Unflatten,
    Upsample,
)

LEAKY = ("", LeakyReLU(0.2))


def _conv(c_in: int, c_out: int, kernel: int) -> Layer:
    return Equalized(Conv2d(c_in, c_out, kernel, padding=kernel // 2))


@dataclass(frozen=True)
class ProgressiveGAN(Architecture):
    """What both players share: at stage l images have 4 * 2^l pixels on a side.

    Parameters
    ----------
    stage : int
        From 0 on.
    fading : bool
        Whether the layers of this stage are being faded in: the buffer `alpha` says how far.
    widths : tuple of int
        Maps at 4, 8, 16, ... pixels.
    channels : int
        Of the image.
    """

    stage: int = 8
    fading: bool = False
    widths: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    channels: int = 3

    def __post_init__(self) -> None:
        if type(self.stage) is not int or not self.fading <= self.stage < len(self.widths):
            least, most = int(self.fading), len(self.widths) - 1
            raise DomainError(f"{type(self).__name__}: stage is {self.stage!r}, expected an int in [{least}, {most}]")
        super().__post_init__()

    @property
    def size(self) -> int:
        """Pixels on a side."""
        return 4 * 2**self.stage

    def colors(self, stage: int, *, back: bool = False) -> tuple[str, Layer]:
        """The 1x1 convolution from maps to an image, or back."""
        if back:
            return f"fromRGBLayers.{stage}.module", _conv(self.channels, self.widths[stage], 1)
        return f"toRGBLayers.{stage}.module", _conv(self.widths[stage], self.channels, 1)


@dataclass(frozen=True)
class ProgressiveGenerator(ProgressiveGAN):
    """Configuration of the generator: from noise (n, z) to images, which no activation confines.

    Parameters
    ----------
    z : int
        Length of the noise.
    """

    z: int = 512

    def build(self) -> Layer:
        c, norm = self.widths[0], ("", PixelNorm())
        layers: list[tuple[str, Layer]] = [
            norm,
            ("formatLayer.module", Equalized(Linear(self.z, 16 * c))), LEAKY,
            ("", Unflatten((c, 4, 4))), norm,
            ("groupScale0.0.module", _conv(c, c, 3)), LEAKY, norm,
        ]  # fmt: skip
        for stage in range(1, self.stage + 1 - self.fading):
            layers += self._larger(stage)
        if not self.fading:
            return Sequential((*layers, self.colors(self.stage)))
        old = Sequential((self.colors(self.stage - 1), ("", Upsample())))
        new = Sequential((*self._larger(self.stage), self.colors(self.stage)))
        return Sequential((*layers, ("", Fade(old, new))))

    def _larger(self, stage: int) -> Named:
        """Twice the size, and two convolutions."""
        c_in, c = self.widths[stage - 1 : stage + 1]
        name, norm = f"scaleLayers.{stage - 1}", ("", PixelNorm())
        first, second = (f"{name}.0.module", _conv(c_in, c, 3)), (f"{name}.1.module", _conv(c, c, 3))
        return (("", Upsample()), first, LEAKY, norm, second, LEAKY, norm)


@dataclass(frozen=True)
class ProgressiveDiscriminator(ProgressiveGAN):
    """Configuration of the critic: from images to (n, 1) scores. It sees how much the images of a batch differ."""

    def build(self) -> Layer:
        c = self.widths[0]
        last: list[tuple[str, Layer]] = [
            ("", MinibatchDeviation()),
            ("groupScaleZero.0.module", _conv(c + 1, c, 3)), LEAKY, ("", Flatten()),
            ("groupScaleZero.1.module", Equalized(Linear(16 * c, c))), LEAKY,
            ("decisionLayer.module", Equalized(Linear(c, 1))),
        ]  # fmt: skip
        first: Named = (self.colors(self.stage, back=True), LEAKY)
        if self.fading:
            old = Sequential((("", AvgPool2d(2)), self.colors(self.stage - 1, back=True), LEAKY))
            first = (("", Fade(old, Sequential((*first, *self._smaller(self.stage))))),)
        for stage in range(self.stage - self.fading, 0, -1):
            first = (*first, *self._smaller(stage))
        return Sequential((*first, *last))

    def _smaller(self, stage: int) -> Named:
        """Two convolutions, and half the size."""
        c, c_out = self.widths[stage], self.widths[stage - 1]
        name = f"scaleLayers.{stage - 1}"
        first, second = (f"{name}.0.module", _conv(c, c, 3)), (f"{name}.1.module", _conv(c, c_out, 3))
        return (first, LEAKY, second, LEAKY, ("", AvgPool2d(2)))
