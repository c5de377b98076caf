"""InfoGAN: codes that can be read back from the image (Chen et al. 2016, appendix C.1)."""

from dataclasses import dataclass

from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Activation,
    Architecture,
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    Layer,
    LeakyReLU,
    Parallel,
    Sequential,
    Unflatten,
    sequence,
)


@dataclass(frozen=True)
class InfoGAN(Architecture):
    """What both players of an InfoGAN share.

    Parameters
    ----------
    classes : int
        Values of the discrete code.
    continuous : int
        How many further codes are real numbers.
    size, channels : int
        Of the image; a multiple of 4 pixels on a side.
    width, hidden : int
        Maps at half of that size (a quarter has twice as many), and units of the fully connected layer.
    """

    classes: int = 10
    continuous: int = 2
    size: int = 28
    channels: int = 1
    width: int = 64
    hidden: int = 1024

    def quarter(self) -> int:
        """Pixels on a side of the smallest map."""
        if type(self.size) is not int or self.size < 4 or self.size % 4:
            raise DomainError(f"{type(self).__name__}: size is {self.size!r}, expected a multiple of 4")
        return self.size // 4


@dataclass(frozen=True)
class InfoGANGenerator(InfoGAN):
    """Configuration of the generator: from noise, the discrete code as 0 and 1, and the real ones, to an image.

    Parameters
    ----------
    noise : int
        Length of the noise, before the codes.
    """

    noise: int = 62

    @property
    def features(self) -> int:
        """Length of the input: noise and codes."""
        return self.noise + self.classes + self.continuous

    def build(self) -> Layer:
        c = self.width
        return Sequential(
            (
                ("", Unflatten((self.features, 1, 1))),
                ("tconv1", ConvTranspose2d(self.features, self.hidden, 1, bias=False)),
                ("bn1", BatchNorm2d(self.hidden)),
                ("", Activation()),
                ("tconv2", ConvTranspose2d(self.hidden, 2 * c, self.quarter(), bias=False)),
                ("bn2", BatchNorm2d(2 * c)),
                ("", Activation()),
                ("tconv3", ConvTranspose2d(2 * c, c, 4, stride=2, padding=1, bias=False)),
                ("bn3", BatchNorm2d(c)),
                ("", Activation()),
                ("tconv4", ConvTranspose2d(c, self.channels, 4, stride=2, padding=1, bias=False)),
                ("", Activation("sigmoid")),
            )
        )


@dataclass(frozen=True)
class InfoGANDiscriminator(InfoGAN):
    """Configuration of discriminator and code reader, which share all but their last layers.

    What comes out, one after the other: the logit that the image is real, the logits of the discrete code, the means of
    the real codes, and the logarithms of their variances.
    """

    def build(self) -> Layer:
        c = self.width
        trunk = Sequential(
            (
                ("conv1", Conv2d(self.channels, c, 4, stride=2, padding=1)),
                ("", LeakyReLU(0.1)),
                ("conv2", Conv2d(c, 2 * c, 4, stride=2, padding=1, bias=False)),
                ("bn2", BatchNorm2d(2 * c)),
                ("", LeakyReLU(0.1)),
                ("conv3", Conv2d(2 * c, self.hidden, self.quarter(), bias=False)),
                ("bn3", BatchNorm2d(self.hidden)),
                ("", LeakyReLU(0.1)),
            )
        )
        codes = [("conv_disc", Conv2d(128, self.classes, 1))]
        if self.continuous:
            codes += [(name, Conv2d(128, self.continuous, 1)) for name in ("conv_mu", "conv_var")]
        reader = Sequential(
            (
                ("conv1", Conv2d(self.hidden, 128, 1, bias=False)),
                ("bn1", BatchNorm2d(128)),
                ("", LeakyReLU(0.1)),
                ("", Parallel(tuple(codes))),
            )
        )
        heads = Parallel((("netD", sequence(conv=Conv2d(self.hidden, 1, 1))), ("netQ", reader)))
        return Sequential((("discriminator", trunk), ("", heads), ("", Flatten())))
