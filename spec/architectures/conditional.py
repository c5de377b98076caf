"""Networks that are given something beside their input: the conditional GAN (Mirza & Osindero 2014)."""

import itertools
import math
from dataclasses import dataclass

from gongsik.spec.layers import (
    Activation,
    Architecture,
    Condition,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    Sequential,
    Shape,
    Unflatten,
    sequence,
)


class Conditional(Architecture):
    """Base of the configurations whose tree has a `Condition` in it."""

    @property
    def condition(self) -> int:
        """How many numbers are given for each sample."""
        raise NotImplementedError


def _dense(sizes: tuple[int, ...]) -> list[Layer]:
    layers: list[Layer] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [Linear(n_in, n_out), LeakyReLU(0.2)]
    return layers[:-1]


def _given(classes: int) -> tuple[tuple[str, Layer], ...]:
    return (("", Condition(classes)),) if classes else ()


@dataclass(frozen=True)
class DenseGenerator(Conditional):
    """Configuration of a generator of fully connected layers: from noise (n, z) to images in [-1, 1].

    Parameters
    ----------
    classes : int
        How many numbers say what the image shall show; 0 for a GAN without a condition.
    z : int
        Length of the noise.
    shape : tuple of int
        Of an image: (channels, height, width).
    hidden : tuple of int
        Units of the hidden layers, which are leaky ReLUs.
    """

    classes: int = 10
    z: int = 100
    shape: Shape = (1, 28, 28)
    hidden: tuple[int, ...] = (128, 256, 512, 1024)

    @property
    def condition(self) -> int:
        return self.classes

    def build(self) -> Layer:
        layers = _dense((self.z + self.classes, *self.hidden, math.prod(self.shape)))
        model = sequence(*layers, Activation("tanh"))
        return Sequential((*_given(self.classes), ("model", model), ("", Unflatten(self.shape))))


@dataclass(frozen=True)
class DenseDiscriminator(Conditional):
    """Configuration of a discriminator of fully connected layers: from images to (n, 1) logits.

    Parameters
    ----------
    classes, shape, hidden
        As in `DenseGenerator`.
    sigmoid : bool
        Whether probabilities come out in place of logits. The losses take logits.
    """

    classes: int = 10
    shape: Shape = (1, 28, 28)
    hidden: tuple[int, ...] = (512, 512, 512)
    sigmoid: bool = False

    @property
    def condition(self) -> int:
        return self.classes

    def build(self) -> Layer:
        layers = _dense((math.prod(self.shape) + self.classes, *self.hidden, 1))
        layers += [Activation("sigmoid")] if self.sigmoid else []
        return Sequential((("", Flatten()), *_given(self.classes), ("model", sequence(*layers))))
