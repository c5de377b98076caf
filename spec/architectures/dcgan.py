"""DCGAN and what is built like it: convolutions that halve an image, and transposed ones that double it.

Radford, Metz & Chintala 2016; the networks with text of Reed et al. 2016; the one that restores of Pathak et al. 2016.
"""

from dataclasses import dataclass

from gongsik.spec.architectures.conditional import Conditional
from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Activation,
    Architecture,
    BatchNorm2d,
    Condition,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    Sequential,
    Unflatten,
    sequence,
)


def doublings(config: Architecture, size: int) -> int:
    """How often 4 x 4 pixels are doubled to `size` x `size`."""
    times = size.bit_length() - 3
    if type(size) is not int or times < 1 or size != 4 * 2**times:
        raise DomainError(f"{type(config).__name__}: size is {size!r}, expected 8, 16, 32, ...")
    return times


def growing(features: int, width: int, times: int, channels: int) -> list[Layer]:
    """From features at one place to 4 x 4 pixels, doubled so many times; normalized everywhere but at the output."""
    c = width * 2 ** (times - 1)
    layers = [ConvTranspose2d(features, c, 4, bias=False), BatchNorm2d(c), Activation()]
    for _ in range(times - 1):
        layers += [ConvTranspose2d(c, c // 2, 4, stride=2, padding=1, bias=False), BatchNorm2d(c // 2), Activation()]
        c //= 2
    return [*layers, ConvTranspose2d(c, channels, 4, stride=2, padding=1, bias=False), Activation("tanh")]


def shrinking(channels: int, width: int, times: int, norm: bool) -> list[Layer]:
    """Down to 4 x 4 pixels, so many halvings of which the first makes `width` maps; normalized but for the first."""
    layers: list[Layer] = [Conv2d(channels, width, 4, stride=2, padding=1, bias=False), LeakyReLU(0.2)]
    c = width
    for _ in range(times - 1):
        layers.append(Conv2d(c, 2 * c, 4, stride=2, padding=1, bias=False))
        layers += [BatchNorm2d(2 * c), LeakyReLU(0.2)] if norm else [LeakyReLU(0.2)]
        c *= 2
    return layers


@dataclass(frozen=True)
class DCGAN(Architecture):
    """What both players of a DCGAN share.

    Parameters
    ----------
    size, channels : int
        Of the image: 8, 16, 32, 64, ... pixels on a side.
    width : int
        Maps at half of that size; at every further half there are twice as many.
    """

    size: int = 64
    channels: int = 3
    width: int = 64


@dataclass(frozen=True)
class DCGANGenerator(DCGAN):
    """Configuration of the generator: from noise (n, z) to images with values in [-1, 1].

    Parameters
    ----------
    z : int
        Length of the noise.
    """

    z: int = 100

    def build(self) -> Layer:
        main = growing(self.z, self.width, doublings(self, self.size), self.channels)
        return Sequential((("", Unflatten((self.z, 1, 1))), ("main", sequence(*main))))


@dataclass(frozen=True)
class DCGANDiscriminator(DCGAN):
    """Configuration of the discriminator: from images to (n, 1) logits.

    Parameters
    ----------
    norm : bool
        Whether batches are normalized; a critic with a penalty on its slope must not be.
    sigmoid : bool
        Whether probabilities come out in place of logits, as in the paper. The losses take logits.
    """

    norm: bool = True
    sigmoid: bool = False

    def build(self) -> Layer:
        times = doublings(self, self.size)
        layers = shrinking(self.channels, self.width, times, self.norm)
        layers.append(Conv2d(self.width * 2 ** (times - 1), 1, 4, bias=False))
        layers += [Activation("sigmoid")] if self.sigmoid else []
        return Sequential((("main", sequence(*layers)), ("", Flatten())))


@dataclass(frozen=True)
class TextToImage(Conditional):
    """What both players of a GAN for images of sentences share.

    Parameters
    ----------
    text, projected : int
        Length of a sentence's embedding, and of what each network makes of it first.
    size, channels, width
        As in `DCGAN`.
    """

    text: int = 1024
    projected: int = 128
    size: int = 64
    channels: int = 3
    width: int = 64

    @property
    def condition(self) -> int:
        return self.text

    def sentence(self) -> Layer:
        """Where the sentence joins in."""
        return Condition(self.text, sequence(Linear(self.text, self.projected), LeakyReLU(0.2)), "projection")


@dataclass(frozen=True)
class TextGenerator(TextToImage):
    """Configuration of the generator: from noise (n, z) and a sentence to an image.

    Parameters
    ----------
    z : int
        Length of the noise.
    """

    z: int = 100

    def build(self) -> Layer:
        features = self.z + self.projected
        main = growing(features, self.width, doublings(self, self.size), self.channels)
        return Sequential((("", self.sentence()), ("", Unflatten((features, 1, 1))), ("main", sequence(*main))))


@dataclass(frozen=True)
class TextDiscriminator(TextToImage):
    """Configuration of the discriminator: from an image and a sentence to (n, 1) logits.

    The sentence joins the image where that has 4 x 4 places.
    """

    def build(self) -> Layer:
        times = doublings(self, self.size)
        c = self.width * 2 ** (times - 1)
        joint = [Conv2d(c + self.projected, c, 1, bias=False), BatchNorm2d(c), LeakyReLU(0.2), Conv2d(c, 1, 4)]
        main = shrinking(self.channels, self.width, times, norm=True)
        parts = {"main": sequence(*main), "joint": sequence(*joint)}
        return Sequential((("main", parts["main"]), ("", self.sentence()), ("joint", parts["joint"]), ("", Flatten())))


@dataclass(frozen=True)
class PuzzleGAN(DCGAN):
    """Configuration of a generator that restores an image from its parts: down to one place, and up again.

    Parameters
    ----------
    bottleneck : int
        Features at the one place, which has seen all parts.
    """

    bottleneck: int = 4000

    def build(self) -> Layer:
        times = doublings(self, self.size)
        c, features = self.width * 2 ** (times - 1), self.bottleneck
        middle = [Conv2d(c, features, 4, bias=False), BatchNorm2d(features), LeakyReLU(0.2)]
        down = shrinking(self.channels, self.width, times, norm=True)
        return sequence(main=sequence(*down, *middle, *growing(features, self.width, times, self.channels)))
