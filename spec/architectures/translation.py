"""Networks that translate images: CycleGAN between two domains, StarGAN between many.

Zhu et al. 2017, with the residual generator and the judge of patches; Choi et al. 2018.
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

from gongsik.spec.architectures.conditional import Conditional
from gongsik.spec.errors import DomainError, ShapeError
from gongsik.spec.layers import (
    Activation,
    Architecture,
    Condition,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    InstanceNorm2d,
    Layer,
    LeakyReLU,
    Named,
    Parallel,
    ReflectionPad2d,
    Residual,
    Sequential,
    Shape,
    Tree,
    sequence,
)


@dataclass(frozen=True)
class Networks(Tree):
    """Networks that a formula runs one by one; what they have in common is a checkpoint."""

    networks: Named

    def children(self) -> Named:
        return self.networks

    def output(self, shape: Shape, /) -> Shape:
        raise ShapeError(f"{', '.join(name for name, _ in self.networks)} are networks of their own: run one of them")


def normalized(channels: int, norm: bool, *, affine: bool = False) -> list[Layer]:
    """Each map by itself, if at all."""
    return [InstanceNorm2d(channels, affine)] if norm else []


def reflected(c_in: int, c_out: int, kernel: int) -> list[Layer]:
    """A convolution that keeps the size, by what is mirrored at the border."""
    return [ReflectionPad2d(kernel // 2), Conv2d(c_in, c_out, kernel)]


@dataclass(frozen=True)
class CycleGANGenerator(Architecture):
    """Configuration of a generator: two halvings, residual blocks, two doublings.

    Parameters
    ----------
    channels : int
        Of the image.
    width : int
        Maps at full size; every half has twice as many.
    blocks : int
        How many residual blocks; the paper has 6 up to 128 x 128 pixels, 9 beyond.
    norm : bool
        Whether every map is normalized by itself; of a few pixels that leaves little.
    """

    channels: int = 3
    width: int = 64
    blocks: int = 9
    norm: bool = True

    def build(self) -> Layer:
        c, relu = self.width, Activation()
        layers = [*reflected(self.channels, c, 7), *normalized(c, self.norm), relu]
        for _ in range(2):
            layers += [Conv2d(c, 2 * c, 3, stride=2, padding=1), *normalized(2 * c, self.norm), relu]
            c *= 2
        for _ in range(self.blocks):
            half = [*reflected(c, c, 3), *normalized(c, self.norm)]
            layers.append(Residual(sequence(conv_block=sequence(*half, relu, *half))))
        for _ in range(2):
            up = ConvTranspose2d(c, c // 2, 3, stride=2, padding=1, output_padding=1)
            layers += [up, *normalized(c // 2, self.norm), relu]
            c //= 2
        return sequence(model=sequence(*layers, *reflected(c, self.channels, 7), Activation("tanh")))


@dataclass(frozen=True)
class PatchGAN(Architecture):
    """Configuration of a discriminator that judges each patch of an image: with three halvings, 70 x 70 pixels.

    Parameters
    ----------
    channels, width : int
        Of the image, and maps at half of its size; every further half has twice as many, up to eight times.
    halvings : int
        How many convolutions of stride 2.
    norm
        As in `CycleGANGenerator`.
    """

    channels: int = 3
    width: int = 64
    halvings: int = 3
    norm: bool = True

    def build(self) -> Layer:
        widths = [self.width * min(2**i, 8) for i in range(self.halvings + 1)]
        layers = [Conv2d(self.channels, self.width, 4, stride=2, padding=1), LeakyReLU(0.2)]
        for i, (c, c_out) in enumerate(itertools.pairwise(widths), 1):
            stride = 2 if i < self.halvings else 1
            layers += [Conv2d(c, c_out, 4, stride=stride, padding=1), *normalized(c_out, self.norm), LeakyReLU(0.2)]
        return sequence(model=sequence(*layers, Conv2d(widths[-1], 1, 4, padding=1)))


@dataclass(frozen=True)
class CycleGAN(Architecture):
    """Configuration of two GANs: G translates x to y, F translates y to x; D_X and D_Y judge the images of a domain.

    Parameters
    ----------
    channels, width, blocks, norm
        As in `CycleGANGenerator`.
    halvings
        As in `PatchGAN`.
    """

    channels: int = 3
    width: int = 64
    blocks: int = 9
    halvings: int = 3
    norm: bool = True

    @cached_property
    def generator(self) -> CycleGANGenerator:
        """Of G and of F."""
        return CycleGANGenerator(self.channels, self.width, self.blocks, self.norm)

    @cached_property
    def discriminator(self) -> PatchGAN:
        """Of D_X and of D_Y."""
        return PatchGAN(self.channels, self.width, self.halvings, self.norm)

    def build(self) -> Layer:
        g, d = self.generator.network, self.discriminator.network
        return Networks((("G", g), ("F", g), ("D_X", d), ("D_Y", d)))


@dataclass(frozen=True)
class StarGANGenerator(Conditional):
    """Configuration of a generator that is told the domain: two halvings, residual blocks, two doublings.

    Parameters
    ----------
    domains : int
        How many numbers say which domain, beside the image: one map each.
    channels, width, blocks, norm
        As in `CycleGANGenerator`; normalization learns a scale and a shift.
    """

    domains: int = 5
    channels: int = 3
    width: int = 64
    blocks: int = 6
    norm: bool = True

    @property
    def condition(self) -> int:
        return self.domains

    def build(self) -> Layer:
        c, relu = self.width, Activation()

        def norm(channels: int) -> list[Layer]:
            return normalized(channels, self.norm, affine=True)

        layers = [Conv2d(self.channels + self.domains, c, 7, padding=3, bias=False), *norm(c), relu]
        for _ in range(2):
            layers += [Conv2d(c, 2 * c, 4, stride=2, padding=1, bias=False), *norm(2 * c), relu]
            c *= 2
        for _ in range(self.blocks):
            half = [Conv2d(c, c, 3, padding=1, bias=False), *norm(c)]
            layers.append(Residual(sequence(main=sequence(*half, relu, *half))))
        for _ in range(2):
            layers += [ConvTranspose2d(c, c // 2, 4, stride=2, padding=1, bias=False), *norm(c // 2), relu]
            c //= 2
        layers += [Conv2d(c, self.channels, 7, padding=3, bias=False), Activation("tanh")]
        return Sequential((("", Condition(self.domains)), ("main", sequence(*layers))))


@dataclass(frozen=True)
class StarGANDiscriminator(Architecture):
    """Configuration of a critic of patches that also names the domain: scores first, then a logit for each domain.

    Parameters
    ----------
    domains : int
        How many logits come last.
    size, channels : int
        Of the image.
    width, halvings : int
        Maps at half of the size (every further half has twice as many), and how many halvings there are.
    """

    domains: int = 5
    size: int = 128
    channels: int = 3
    width: int = 64
    halvings: int = 6

    def build(self) -> Layer:
        if self.size < 1 or self.size % 2**self.halvings:
            expected = f"a multiple of {2**self.halvings}"
            raise DomainError(f"{type(self).__name__}: size is {self.size}, expected {expected}")
        c, layers = self.channels, []
        for i in range(self.halvings):
            layers += [Conv2d(c, self.width * 2**i, 4, stride=2, padding=1), LeakyReLU(0.01)]
            c = self.width * 2**i
        scores, names = (
            Conv2d(c, 1, 3, padding=1, bias=False),
            Conv2d(c, self.domains, self.size >> self.halvings, bias=False),
        )
        heads = [Sequential(((name, conv), ("", Flatten()))) for name, conv in (("conv1", scores), ("conv2", names))]
        return Sequential((("main", sequence(*layers)), ("", Parallel(tuple(("", head) for head in heads)))))


@dataclass(frozen=True)
class StarGAN(Architecture):
    """Configuration of one generator and one critic for all domains, under the names G and D.

    Parameters
    ----------
    domains, channels, width, blocks, norm
        As in `StarGANGenerator`.
    size, halvings
        As in `StarGANDiscriminator`.
    """

    domains: int = 5
    size: int = 128
    channels: int = 3
    width: int = 64
    blocks: int = 6
    halvings: int = 6
    norm: bool = True

    @cached_property
    def generator(self) -> StarGANGenerator:
        """Of G."""
        return StarGANGenerator(self.domains, self.channels, self.width, self.blocks, self.norm)

    @cached_property
    def discriminator(self) -> StarGANDiscriminator:
        """Of D."""
        return StarGANDiscriminator(self.domains, self.size, self.channels, self.width, self.halvings)

    def build(self) -> Layer:
        return Networks((("G", self.generator.network), ("D", self.discriminator.network)))
