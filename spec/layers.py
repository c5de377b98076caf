"""A network as data: a tree of layers, from which names, shapes and costs follow without any backend.

A layer is a frozen dataclass. It knows the parameters that it needs, by the names that they have in a checkpoint, and
what size it makes of a size; a backend knows how to compute it. A layer that is made of others gives each a name; the
empty name adds nothing to theirs, so that a block may be nested for our reading and flat in its checkpoint; a name with
dots is a path, for what is flat to us and nested there.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property, reduce
from operator import getitem
from typing import Any, NamedTuple, TypeAlias, get_args

from gongsik.spec import network
from gongsik.spec.array import pair
from gongsik.spec.convolution import conv_output_size, conv_transpose_output_size
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.model import differences

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AdaptiveAvgPool2d",
    "Architecture",
    "AtInputSize",
    "Auxiliary",
    "AvgPool2d",
    "BatchNorm2d",
    "ChannelShuffle",
    "Condition",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "DualPath",
    "Equalized",
    "Fade",
    "Flatten",
    "Gate",
    "InstanceNorm2d",
    "Layer",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "MaxPool2d",
    "MinibatchDeviation",
    "Parallel",
    "PartialConv2d",
    "PixelNorm",
    "RadialBasis",
    "ReflectionPad2d",
    "Residual",
    "Row",
    "Sequential",
    "Single",
    "Softmax",
    "Subsampling",
    "Tree",
    "Unflatten",
    "Upsample",
    "ZeroChannels",
    "check_network",
    "flat",
    "join",
    "nest",
    "sequence",
]

Shape: TypeAlias = tuple[int, ...]
"""Of one sample: (channels, height, width), or (features,)."""

ACTIVATIONS = (*get_args(network.Activation), "relu6")


class Row(NamedTuple):
    """One layer in the table of a network, for one sample.

    Attributes
    ----------
    name, layer : str
        Its path in the checkpoint, and what it is.
    output : tuple of int
        The shape of what it returns.
    parameters, multiply_adds : int
        How many numbers it learns, and how many multiplications with an addition each sample costs.
    """

    name: str
    layer: str
    output: Shape
    parameters: int
    multiply_adds: int


class Layer:
    """Base of the layers: a step that may have parameters, buffers and draws, and changes the shape of a sample."""

    def parameters(self) -> Mapping[str, Shape]:
        """Shapes of what is learned, by name."""
        return {}

    def buffers(self) -> Mapping[str, Shape]:
        """Shapes of what is carried along but not learned, by name."""
        return {}

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        """Shapes, for one sample, of the uniform draws that training takes, by name."""
        return {}

    def output(self, shape: Shape, /) -> Shape:
        """The shape that it makes of a sample's shape; `ShapeError` or `DomainError` if it cannot."""
        return shape

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        """The table of its layers for a sample of this shape."""
        output = self.output(shape)
        yield Row(name, str(self), output, _count(self.parameters()), self._multiply_adds(output))

    def depth(self) -> int:
        """Layers with weights on the longest path from input to output."""
        return int(any(len(shape) > 1 for shape in self.parameters().values()))

    def _multiply_adds(self, output: Shape) -> int:
        """Weights times places, for layers whose weight meets each place of the output once."""
        places = math.prod(output[1:])
        return places * sum(math.prod(shape) for shape in self.parameters().values() if len(shape) > 1)

    def __str__(self) -> str:
        shown = []
        for f in fields(self):  # pyright: ignore[reportArgumentType]
            value = getattr(self, f.name)
            if value != f.default:
                shown.append(f"{value}" if f.default is MISSING else f"{f.name}={value}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _count(table: Mapping[str, Shape]) -> int:
    return sum(math.prod(shape) for shape in table.values())


def _check(layer: Layer, least: int, **numbers: Any) -> None:
    for name, value in numbers.items():
        if type(value) is not int:
            raise DtypeError(f"{type(layer).__name__}: {name} is {value!r}, expected an int")
        if value < least:
            raise DomainError(f"{type(layer).__name__}: {name} is {value}, expected an int >= {least}")


def _image(layer: Layer, shape: Shape, channels: int | None = None) -> Shape:
    if len(shape) != 3 or channels not in (None, shape[0]):
        expected = "(c, h, w)" if channels is None else f"({channels}, h, w)"
        raise ShapeError(f"{layer}: a sample has shape {shape}, expected {expected}")
    return shape


def _size(layer: Layer, size: int, kernel: int, stride: int, padding: int, dilation: int = 1) -> int:
    covered = dilation * (kernel - 1) + 1
    if size + 2 * padding < covered:
        what = f"{size} + 2 x {padding}" if padding else f"{size}"
        raise ShapeError(f"{layer}: the image is too small here: {what}, expected at least {covered}")
    return conv_output_size(size, kernel, stride=stride, padding=padding, dilation=dilation)


@dataclass(frozen=True)
class Conv2d(Layer):
    """`convolution.conv2d` with a weight and, unless `bias` is false, a bias."""

    c_in: int
    c_out: int
    kernel: int | tuple[int, int]
    stride: int | tuple[int, int] = 1
    padding: int | tuple[int, int] = 0
    dilation: int | tuple[int, int] = 1
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, 1, c_in=self.c_in, c_out=self.c_out, groups=self.groups)
        if self.c_in % self.groups or self.c_out % self.groups:
            raise DomainError(f"{self}: groups is {self.groups}, expected a divisor of {self.c_in} and {self.c_out}")

    def parameters(self) -> Mapping[str, Shape]:
        weight = {"weight": (self.c_out, self.c_in // self.groups, *pair(self.kernel))}
        return {**weight, "bias": (self.c_out,)} if self.bias else weight

    def output(self, shape: Shape, /) -> Shape:
        _, *sizes = _image(self, shape, self.c_in)
        options = map(pair, (self.kernel, self.stride, self.padding, self.dilation))
        return (self.c_out, *(_size(self, *axis) for axis in zip(sizes, *options, strict=True)))


@dataclass(frozen=True)
class PartialConv2d(Layer):
    """A convolution of which each output sees a few of the inputs only: `sees` lists them, output by output.

    The weight has one kernel per connection, [connections kernel kernel], in the order of the list.
    """

    c_in: int
    sees: tuple[tuple[int, ...], ...]
    kernel: int

    def __post_init__(self) -> None:
        _check(self, 1, c_in=self.c_in, kernel=self.kernel)
        for inputs in self.sees:
            if not inputs or len(set(inputs)) < len(inputs) or not set(inputs) <= set(range(self.c_in)):
                raise DomainError(
                    f"PartialConv2d: an output sees {inputs}, expected inputs below {self.c_in}, each once"
                )

    def index(self) -> list[list[int]]:
        """Which kernel connects an output (row) to an input (column), counted from 1; 0 where none does."""
        number = itertools.count(1)
        kernels = [{i: next(number) for i in inputs} for inputs in self.sees]
        return [[kernel.get(i, 0) for i in range(self.c_in)] for kernel in kernels]

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (sum(map(len, self.sees)), self.kernel, self.kernel), "bias": (len(self.sees),)}

    def output(self, shape: Shape, /) -> Shape:
        _, *sizes = _image(self, shape, self.c_in)
        return (len(self.sees), *(_size(self, size, self.kernel, 1, 0) for size in sizes))

    def __str__(self) -> str:
        connections = sum(map(len, self.sees))
        return f"PartialConv2d({self.c_in}, {len(self.sees)}, {self.kernel}, {connections} connections)"


@dataclass(frozen=True)
class ConvTranspose2d(Layer):
    """`convolution.conv_transpose2d` with a weight and, unless `bias` is false, a bias."""

    c_in: int
    c_out: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = True
    output_padding: int = 0

    def __post_init__(self) -> None:
        _check(self, 1, c_in=self.c_in, c_out=self.c_out, kernel=self.kernel, stride=self.stride)
        _check(self, 0, padding=self.padding, output_padding=self.output_padding)
        if self.output_padding >= self.stride:
            raise DomainError(f"{self}: output_padding is {self.output_padding}, expected an int below the stride")

    def parameters(self) -> Mapping[str, Shape]:
        weight = {"weight": (self.c_in, self.c_out, self.kernel, self.kernel)}
        return {**weight, "bias": (self.c_out,)} if self.bias else weight

    def output(self, shape: Shape, /) -> Shape:
        _, *sizes = _image(self, shape, self.c_in)
        options = {"stride": self.stride, "padding": self.padding}
        more = self.output_padding
        return (self.c_out, *(conv_transpose_output_size(size, self.kernel, **options) + more for size in sizes))

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        weights = self.c_in * self.c_out * self.kernel**2  # each meets every place of the input
        yield Row(name, str(self), self.output(shape), _count(self.parameters()), weights * math.prod(shape[1:]))


@dataclass(frozen=True)
class BatchNorm2d(Layer):
    """`normalization.batch_norm` in training, `batch_norm_inference` by running statistics otherwise.

    In training the running statistics move by `momentum` towards those of the batch (the variance's unbiased estimate).
    """

    channels: int
    eps: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        _check(self, 1, channels=self.channels)
        if not self.eps > 0:
            raise DomainError(f"BatchNorm2d: eps is {self.eps}, expected > 0")
        if not 0 <= self.momentum <= 1:
            raise DomainError(f"BatchNorm2d: momentum is {self.momentum}, expected in [0, 1]")

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.channels,), "bias": (self.channels,)}

    def buffers(self) -> Mapping[str, Shape]:
        return {"running_mean": (self.channels,), "running_var": (self.channels,), "num_batches_tracked": ()}

    def output(self, shape: Shape, /) -> Shape:
        return _image(self, shape, self.channels)


@dataclass(frozen=True)
class InstanceNorm2d(Layer):
    """`normalization.instance_norm`, in training and after; `affine`: with a scale and a shift that are learned."""

    channels: int
    affine: bool = False
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _check(self, 1, channels=self.channels)
        if not self.eps > 0:
            raise DomainError(f"InstanceNorm2d: eps is {self.eps}, expected > 0")

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.channels,), "bias": (self.channels,)} if self.affine else {}

    def output(self, shape: Shape, /) -> Shape:
        return _image(self, shape, self.channels)


@dataclass(frozen=True)
class PixelNorm(Layer):
    """``x / sqrt(mean(x^2) + eps)``, the mean over the channels of each place (Karras et al. 2018, section 4.2)."""

    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not self.eps > 0:
            raise DomainError(f"PixelNorm: eps is {self.eps}, expected > 0")


@dataclass(frozen=True)
class MinibatchDeviation(Layer):
    """One more map, constant: how much the samples of the batch differ, by which a lack of variety shows.

    Of each feature the standard deviation over the batch, and of those the mean (Karras et al. 2018, section 3). What
    is said of a sample then depends on the others.
    """

    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not self.eps > 0:
            raise DomainError(f"MinibatchDeviation: eps is {self.eps}, expected > 0")

    def output(self, shape: Shape, /) -> Shape:
        c, *sizes = _image(self, shape)
        return (c + 1, *sizes)


@dataclass(frozen=True)
class Linear(Layer):
    """`network.linear` with a weight and, unless `bias` is false, a bias."""

    n_in: int
    n_out: int
    bias: bool = True

    def __post_init__(self) -> None:
        _check(self, 1, n_in=self.n_in, n_out=self.n_out)

    def parameters(self) -> Mapping[str, Shape]:
        weight = {"weight": (self.n_out, self.n_in)}
        return {**weight, "bias": (self.n_out,)} if self.bias else weight

    def output(self, shape: Shape, /) -> Shape:
        if shape[-1] != self.n_in or len(shape) != 1:
            raise ShapeError(f"{self}: a sample has shape {shape}, expected ({self.n_in},)")
        return (self.n_out,)


@dataclass(frozen=True)
class RadialBasis(Layer):
    """``-||x - w_i||^2`` for each row of a weight that is given, not learned: how near x is to each of some codes."""

    n_in: int
    n_out: int

    def __post_init__(self) -> None:
        _check(self, 1, n_in=self.n_in, n_out=self.n_out)

    def buffers(self) -> Mapping[str, Shape]:
        return {"weight": (self.n_out, self.n_in)}

    def output(self, shape: Shape, /) -> Shape:
        return Linear(self.n_in, self.n_out).output(shape)

    def depth(self) -> int:
        return 1

    def _multiply_adds(self, output: Shape) -> int:
        return self.n_in * self.n_out


@dataclass(frozen=True)
class Softmax(Layer):
    """`activation.softmax` over the features."""


@dataclass(frozen=True)
class Activation(Layer):
    """One of `ACTIVATIONS`, element by element, with its default options."""

    name: str = "relu"

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS:
            raise DomainError(f"Activation: name is {self.name!r}, expected one of {', '.join(ACTIVATIONS)}")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class LeakyReLU(Layer):
    """`activation.leaky_relu`, element by element."""

    negative_slope: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.negative_slope <= 1:
            raise DomainError(f"LeakyReLU: negative_slope is {self.negative_slope}, expected in [0, 1]")


@dataclass(frozen=True)
class _Pool(Layer):
    kernel: int
    stride: int | None = None
    padding: int = 0

    def __post_init__(self) -> None:
        _check(self, 1, kernel=self.kernel, stride=self.step)
        _check(self, 0, padding=self.padding)
        if 2 * self.padding > self.kernel:
            raise DomainError(f"{self}: padding is {self.padding}, expected at most half of the kernel")

    @property
    def step(self) -> int:
        """Pixels from one window to the next."""
        return self.kernel if self.stride is None else self.stride

    def output(self, shape: Shape, /) -> Shape:
        channels, *sizes = _image(self, shape)
        return (channels, *(_size(self, size, self.kernel, self.step, self.padding) for size in sizes))


@dataclass(frozen=True)
class MaxPool2d(_Pool):
    """`pooling.max_pool2d`; with `ceil` the last window may reach over the edge."""

    ceil: bool = False

    def beyond(self, size: int) -> int:
        """How far, with `ceil`, the last window reaches over the edge of an axis of this size."""
        rest = (size + 2 * self.padding - self.kernel) % self.step
        places = (size + 2 * self.padding - self.kernel) // self.step + 1
        begins_inside = places * self.step < size + self.padding
        return self.step - rest if self.ceil and rest and begins_inside else 0

    def output(self, shape: Shape, /) -> Shape:
        channels, *sizes = _image(self, shape)
        padded = (size + self.beyond(size) for size in sizes)
        return (channels, *(_size(self, size, self.kernel, self.step, self.padding) for size in padded))


@dataclass(frozen=True)
class AvgPool2d(_Pool):
    """`pooling.avg_pool2d`; the zeros of the padding count."""


@dataclass(frozen=True)
class Subsampling(Layer):
    """`pooling.trainable_subsampling`: the sum over `kernel` x `kernel` pixels, weighed, shifted and squashed."""

    channels: int
    kernel: int = 2

    def __post_init__(self) -> None:
        _check(self, 1, channels=self.channels, kernel=self.kernel)

    def parameters(self) -> Mapping[str, Shape]:
        return {"weight": (self.channels,), "bias": (self.channels,)}

    def output(self, shape: Shape, /) -> Shape:
        _image(self, shape, self.channels)
        return AvgPool2d(self.kernel).output(shape)


@dataclass(frozen=True)
class AdaptiveAvgPool2d(Layer):
    """The mean over each of `size` x `size` parts of the image, which overlap where the size does not divide it."""

    size: int = 1

    def __post_init__(self) -> None:
        _check(self, 1, size=self.size)

    def output(self, shape: Shape, /) -> Shape:
        channels, *_ = _image(self, shape)
        return (channels, self.size, self.size)


@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """`normalization.local_response_norm`: over `size` neighbouring channels."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
    average: bool = True


@dataclass(frozen=True)
class Dropout(Layer):
    """`regularization.inverted_dropout` in training, nothing otherwise."""

    p: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise DomainError(f"Dropout: p is {self.p}, expected in [0, 1]")

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        return {"uniform": shape}


@dataclass(frozen=True)
class Flatten(Layer):
    """All features of a sample in one axis."""

    def output(self, shape: Shape, /) -> Shape:
        return (math.prod(shape),)


@dataclass(frozen=True)
class Unflatten(Layer):
    """The features of a sample in another shape, of as many."""

    shape: Shape

    def output(self, shape: Shape, /) -> Shape:
        if math.prod(shape) != math.prod(self.shape):
            raise ShapeError(f"{self}: a sample has shape {shape}, expected {math.prod(self.shape)} features")
        return self.shape


@dataclass(frozen=True)
class ReflectionPad2d(Layer):
    """`padding` pixels more on each side: those inside, mirrored at the outermost one, which is not repeated."""

    padding: int

    def __post_init__(self) -> None:
        _check(self, 0, padding=self.padding)

    def output(self, shape: Shape, /) -> Shape:
        c, *sizes = _image(self, shape)
        if min(sizes) <= self.padding:
            raise ShapeError(f"{self}: the image is too small here: {min(sizes)}, expected at least {self.padding + 1}")
        return (c, *(size + 2 * self.padding for size in sizes))


@dataclass(frozen=True)
class Upsample(Layer):
    """Each pixel `factor` x `factor` times."""

    factor: int = 2

    def __post_init__(self) -> None:
        _check(self, 1, factor=self.factor)

    def output(self, shape: Shape, /) -> Shape:
        c, *sizes = _image(self, shape)
        return (c, *(self.factor * size for size in sizes))


@dataclass(frozen=True)
class Equalized(Layer):
    """A convolution or a linear layer that multiplies its weight, drawn from N(0, 1), by He's constant as it runs.

    So the steps of all layers are alike in size, however many inputs they have (Karras et al. 2018, section 4.1).
    """

    layer: Conv2d | Linear

    @property
    def gain(self) -> float:
        """``sqrt(2 / inputs of an output)``."""
        return math.sqrt(2 / math.prod(self.layer.parameters()["weight"][1:]))

    def parameters(self) -> Mapping[str, Shape]:
        return self.layer.parameters()

    def output(self, shape: Shape, /) -> Shape:
        return self.layer.output(shape)

    def _multiply_adds(self, output: Shape) -> int:
        return self.layer._multiply_adds(output)


@dataclass(frozen=True)
class ZeroChannels(Layer):
    """Channels of zeros after those of the image, so that there are `channels`."""

    channels: int

    def output(self, shape: Shape, /) -> Shape:
        if _image(self, shape)[0] > self.channels:
            raise ShapeError(f"{self}: a sample has {shape[0]} channels, expected at most {self.channels}")
        return (self.channels, *shape[1:])


@dataclass(frozen=True)
class ChannelShuffle(Layer):
    """`convolution.channel_shuffle`."""

    groups: int

    def output(self, shape: Shape, /) -> Shape:
        if _image(self, shape)[0] % self.groups:
            raise ShapeError(f"{self}: a sample has {shape[0]} channels, expected a multiple of {self.groups}")
        return shape


Named: TypeAlias = tuple[tuple[str, Layer], ...]


class Tree(Layer):
    """A layer that is made of named layers."""

    def children(self) -> Named:
        raise NotImplementedError

    def _table(self, which: str, *arguments: Any) -> dict[str, Shape]:
        table: dict[str, Shape] = {}
        for name, child in self.children():
            for key, shape in getattr(child, which)(*arguments).items():
                table[join(name, key)] = shape
        return table

    def parameters(self) -> Mapping[str, Shape]:
        return self._table("parameters")

    def buffers(self) -> Mapping[str, Shape]:
        return self._table("buffers")

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        return self._table("draws", shape)

    def depth(self) -> int:
        return max((child.depth() for _, child in self.children()), default=0)

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        for child_name, child in self.children():
            yield from child.rows(shape, join(name, child_name))


def join(prefix: str, name: str) -> str:
    """A path of two parts, either of which may be empty."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


@dataclass(frozen=True)
class Sequential(Tree):
    """Layers one after the other."""

    layers: Named = ()

    def children(self) -> Named:
        return self.layers

    def output(self, shape: Shape, /) -> Shape:
        for name, layer in self.layers:
            try:
                shape = layer.output(shape)
            except ShapeError as error:
                raise ShapeError(join(name, str(error))) from None
        return shape

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        table: dict[str, Shape] = {}
        for name, layer in self.layers:
            table |= {join(name, key): drawn for key, drawn in layer.draws(shape).items()}
            shape = layer.output(shape)
        return table

    def depth(self) -> int:
        return sum(layer.depth() for _, layer in self.layers)

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        for child_name, layer in self.layers:
            yield from layer.rows(shape, join(name, child_name))
            shape = layer.output(shape)


def sequence(*layers: Layer, **named: Layer) -> Sequential:
    """Layers one after the other: numbered as in torch.nn.Sequential, or with the names that are given.

    >>> list(sequence(Conv2d(3, 8, 3), Activation(), Linear(8, 2)).parameters())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """
    return Sequential((*((str(i), layer) for i, layer in enumerate(layers)), *named.items()))


@dataclass(frozen=True)
class Residual(Tree):
    """``activation(body(x) + shortcut(x))``; without a shortcut, x itself. The body's names stand for themselves."""

    body: Layer
    shortcut: Layer | None = None
    activation: str = "identity"
    shortcut_name: str = "downsample"

    def children(self) -> Named:
        return (("", self.body), *(() if self.shortcut is None else ((self.shortcut_name, self.shortcut),)))

    def output(self, shape: Shape, /) -> Shape:
        output = self.body.output(shape)
        beside = shape if self.shortcut is None else self.shortcut.output(shape)
        if output != beside:
            raise ShapeError(f"Residual: the body returns {output}, the shortcut {beside}, expected equal shapes")
        return output


@dataclass(frozen=True)
class Parallel(Tree):
    """Branches side by side, their channels one after the other; `None` is the input itself.

    With `split` each branch gets an equal share of the channels, otherwise all get all. With `crop` the maps are cut to
    the smallest of them, around the middle.
    """

    branches: tuple[tuple[str, Layer | None], ...]
    split: bool = False
    crop: bool = False

    def children(self) -> Named:
        return tuple((name, branch) for name, branch in self.branches if branch is not None)

    def share(self, shape: Shape) -> Shape:
        """The shape of what one branch gets."""
        if self.split and shape[0] % len(self.branches):
            raise ShapeError(f"Parallel: a sample has {shape[0]} channels, expected a multiple of {len(self.branches)}")
        return (shape[0] // len(self.branches), *shape[1:]) if self.split else shape

    def output(self, shape: Shape, /) -> Shape:
        share = self.share(_image(self, shape))
        outputs = [share if branch is None else branch.output(share) for _, branch in self.branches]
        sizes = {output[1:] for output in outputs}
        if self.crop:
            sizes = {(min(h for h, _ in sizes), min(w for _, w in sizes))}
        if len(sizes) > 1:
            raise ShapeError(f"Parallel: the branches return {outputs}, expected equal heights and widths")
        return (sum(output[0] for output in outputs), *sizes.pop())

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        return super().draws(self.share(shape))

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        return super().rows(self.share(shape), name)

    def __str__(self) -> str:
        return f"Parallel({', '.join(name or 'input' for name, _ in self.branches)})"


@dataclass(frozen=True)
class Gate(Tree):
    """``x * gate(x)``: the gate returns one number per channel."""

    gate: Layer
    name: str = ""

    def children(self) -> Named:
        return ((self.name, self.gate),)


@dataclass(frozen=True)
class DualPath(Tree):
    """A residual and a dense path in one: the first `width` channels are added up, the others appended.

    ``s = shortcut(x)`` (or x) and ``y = body(x)`` become ``[s_r + y_r | s_d | y_d]``, where r are the first `width`
    channels and d the others.
    """

    body: Layer
    width: int
    shortcut: Layer | None = None

    def children(self) -> Named:
        return (("", self.body), *(() if self.shortcut is None else (("", self.shortcut),)))

    def output(self, shape: Shape, /) -> Shape:
        output = self.body.output(shape)
        beside = shape if self.shortcut is None else self.shortcut.output(shape)
        if output[1:] != beside[1:] or min(output[0], beside[0]) < self.width:
            raise ShapeError(f"DualPath: the body returns {output}, the shortcut {beside}, expected equal sizes")
        return (output[0] + beside[0] - self.width, *output[1:])


@dataclass(frozen=True)
class Fade(Tree):
    """``(1 - alpha) old(x) + alpha new(x)``: alpha, a buffer, goes from 0 to 1 while the new layers learn."""

    old: Layer
    new: Layer

    def children(self) -> Named:
        return (("", self.old), ("", self.new))

    def buffers(self) -> Mapping[str, Shape]:
        return {"alpha": (), **super().buffers()}

    def output(self, shape: Shape, /) -> Shape:
        old, new = self.old.output(shape), self.new.output(shape)
        if old != new:
            raise ShapeError(f"Fade: the old layers return {old}, the new ones {new}, expected equal shapes")
        return new


@dataclass(frozen=True)
class Condition(Tree):
    """What is given beside the network's input, after the channels of x: the same at all places.

    Parameters
    ----------
    size : int
        How many numbers are given for each sample.
    project : Layer, optional
        What is made of them first, and its name.
    """

    size: int
    project: Layer | None = None
    name: str = ""

    def __post_init__(self) -> None:
        _check(self, 1, size=self.size)

    def children(self) -> Named:
        return () if self.project is None else ((self.name, self.project),)

    def output(self, shape: Shape, /) -> Shape:
        c, *sizes = shape
        (more,) = (self.size,) if self.project is None else self.project.output((self.size,))
        return (c + more, *sizes)

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        return super().draws((self.size,))

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        return super().rows((self.size,), name)


@dataclass(frozen=True)
class Auxiliary(Tree):
    """Passes x on; in training the head looks at it, too, and what it says is returned beside the network's output."""

    head: Layer

    def children(self) -> Named:
        return (("", self.head),)

    def depth(self) -> int:
        return 0


@dataclass(frozen=True)
class AtInputSize(Tree):
    """What the body makes of x, and what auxiliary heads in it say, brought to x's size by `segmentation.resize`."""

    body: Layer

    def children(self) -> Named:
        return (("", self.body),)

    def output(self, shape: Shape, /) -> Shape:
        return (self.body.output(shape)[0], *shape[1:])


@dataclass(frozen=True)
class Architecture:
    """Base of the configurations of networks: a frozen dataclass that says, as `build`, what tree it stands for.

    Attributes
    ----------
    network : Layer
        The tree.
    """

    network: Layer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "network", self.build())

    def build(self) -> Layer:
        """The tree of layers."""
        raise NotImplementedError

    def parameters(self) -> Mapping[str, Shape]:
        """Shapes of what is learned, by the names in a checkpoint."""
        return self._parameters

    def buffers(self) -> Mapping[str, Shape]:
        """Shapes of running statistics and counters, by the names in a checkpoint."""
        return self._buffers

    def draws(self, shape: Shape, /) -> Mapping[str, Shape]:
        """Shapes of the uniform draws that training takes for a batch of this shape, by name."""
        n, *sample = shape
        return {name: (n, *drawn) for name, drawn in self.network.draws(tuple(sample)).items()}

    def output(self, shape: Shape, /) -> Shape:
        """The shape of what comes out for a batch of this shape; `ShapeError` if it is too small, say."""
        n, *sample = shape
        return (n, *self.network.output(tuple(sample)))

    def table(self, shape: Shape, /) -> list[Row]:
        """Layer by layer, for one sample of this shape: output, parameters, multiply-adds."""
        self.network.output(shape)  # if that is not possible, it says where
        return list(self.network.rows(shape))

    @cached_property
    def _parameters(self) -> Mapping[str, Shape]:
        return dict(self.network.parameters())

    @cached_property
    def _buffers(self) -> Mapping[str, Shape]:
        return dict(self.network.buffers())

    def split(self, state: Mapping[str, Any], /) -> tuple[dict[str, Any], dict[str, Any]]:
        """A checkpoint's arrays as what is learned and what is not: (parameters, buffers).

        Raises
        ------
        ShapeError
            If arrays are missing, unknown or of another shape: all of them named.
        """
        problems = differences({**self.parameters(), **self.buffers()}, state)
        if problems:
            raise ShapeError(f"{type(self).__name__}: the checkpoint does not fit: {'; '.join(problems)}")
        return {name: state[name] for name in self.parameters()}, {name: state[name] for name in self.buffers()}


@dataclass(frozen=True)
class Single(Architecture):
    """A layer, or a tree of them, as a network of its own."""

    layer: Layer

    def build(self) -> Layer:
        return self.layer


def nest(table: Mapping[str, Any], /) -> dict[str, Any]:
    """Arrays by path as dicts inside each other, by the parts of the paths.

    >>> nest({"conv1.weight": 1, "layer1.0.weight": 2})
    {'conv1': {'weight': 1}, 'layer1': {'0': {'weight': 2}}}
    """
    root: dict[str, Any] = {}
    for path, value in table.items():
        *parents, last = path.split(".")
        scope = root
        for parent in parents:
            scope = scope.setdefault(parent, {})
        scope[last] = value
    return root


def flat(scopes: Mapping[str, Any], names: Iterable[str], /) -> dict[str, Any]:
    """The arrays of these paths, out of what `nest` has made.

    >>> flat({"conv1": {"weight": 1}, "layer1": {"0": {"weight": 2}}}, ["layer1.0.weight"])
    {'layer1.0.weight': 2}
    """
    return {name: reduce(getitem, name.split("."), scopes) for name in names}


def check_network(
    formula: str, config: Architecture, params: Any, buffers: Any, shape: Shape, draws: Any = None, /
) -> None:
    """Hold what a network is given against its configuration.

    Parameters
    ----------
    formula : str
        Whose arguments they are, for the message.
    config : Architecture
        The configuration.
    params, buffers : dict
        Arrays by name.
    shape : tuple of int
        Of the batch.
    draws : dict, optional
        Uniform draws by name, in training.

    Raises
    ------
    DtypeError
        If `params`, `buffers` or `draws` is no dict.
    ShapeError
        If names are missing, unknown or have another shape, all of them in one message; if the batch does not fit, and
        then the layer that it does not fit.
    """
    _check_table(formula, config, "params", params, config.parameters())
    _check_table(formula, config, "buffers", buffers, config.buffers())
    shape = tuple(shape)
    try:
        config.output(shape)
        drawn = {} if draws is None else config.draws(shape)
    except (ShapeError, DomainError) as error:
        raise ShapeError(f"{formula}: x of shape {shape} does not fit {config}: {error}") from None
    if draws is not None:
        _check_table(formula, config, "draws", draws, drawn)


def _check_table(formula: str, config: Architecture, name: str, table: Any, expected: Mapping[str, Shape]) -> None:
    if not isinstance(table, dict):
        raise DtypeError(f"{formula}: {name} is of type {type(table).__name__}, expected a dict of arrays by name")
    if problems := differences(expected, table):
        raise ShapeError(f"{formula}: {name} do not fit {config}: {'; '.join(problems)}")
