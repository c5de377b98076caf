"""Inputs of networks: trees of every kind of layer, small models of every architecture, and arrays that fit them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, make
from gongsik.spec.architectures.alexnet import AlexNet
from gongsik.spec.architectures.densenet import DenseBlock, DenseNet, TransitionLayer
from gongsik.spec.architectures.dpn import DPN, DualPathBlock
from gongsik.spec.architectures.googlenet import AuxiliaryClassifier, GoogLeNet, InceptionBlock
from gongsik.spec.architectures.lenet import LeNet5
from gongsik.spec.architectures.mnasnet import MnasNet
from gongsik.spec.architectures.mobilenet import MobileNet, MobileNetV2
from gongsik.spec.architectures.nin import MLPConv, NetworkInNetwork
from gongsik.spec.architectures.resnet import BottleneckBlock, ResidualBlock, ResNet
from gongsik.spec.architectures.senet import SENet
from gongsik.spec.architectures.shufflenet import ShuffleNet, ShuffleNetUnit, ShuffleNetV2
from gongsik.spec.architectures.simple import SimpleCNN
from gongsik.spec.architectures.vgg import VGG
from gongsik.spec.layers import (
    ACTIVATIONS,
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    Auxiliary,
    AvgPool2d,
    BatchNorm2d,
    ChannelShuffle,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    DualPath,
    Equalized,
    Fade,
    Flatten,
    Gate,
    InstanceNorm2d,
    Layer,
    LeakyReLU,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    MinibatchDeviation,
    Parallel,
    PartialConv2d,
    PixelNorm,
    RadialBasis,
    ReflectionPad2d,
    Residual,
    Sequential,
    Single,
    Softmax,
    Subsampling,
    Unflatten,
    Upsample,
    ZeroChannels,
    sequence,
)

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(("normal", "normal", "ties", "spread"))
SMALL = st.integers(1, 3)
BOTH = st.booleans()

Shape = tuple[int, ...]
Draw = st.DrawFn


# Arrays


def fitting(
    precision: Precision, config: Architecture, seed: int, style: str = "normal"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers that fit a configuration and keep what passes through it of order 1.

    Of every second seed weights are small and biases near 1: then few ReLUs are dead, and gradients say something.
    """
    alive = seed % 2

    def array(i: int, name: str, shape: Shape) -> np.ndarray:
        if name.endswith("num_batches_tracked"):
            return np.array(seed % 5)
        x = make(seed + i, style, shape, precision.name)
        if name.endswith("running_var"):
            return precision.round(0.25 + np.abs(x))
        if name.endswith("alpha"):
            return np.array(seed % 5 / 4)
        if len(shape) > 1:  # divided by a power of 2 near the root of the inputs: still exact
            return x / 2.0 ** (round(math.log2(math.prod(shape[1:])) / 2) + alive)
        center = alive if name.endswith("bias") else name.endswith("weight")
        return precision.round(center + x / 4)

    tables = config.parameters(), config.buffers()
    return tuple({name: array(i, name, shape) for i, (name, shape) in enumerate(table.items())} for table in tables)  # pyright: ignore[reportReturnType]


@st.composite
def states(draw: Draw, precision: Precision, config: Architecture) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `fitting` makes, of any seed and style."""
    return fitting(precision, config, draw(SEEDS), draw(st.sampled_from(("normal", "normal", "ties"))))


@st.composite
def runs(draw: Draw, precision: Precision, configs: Any, shapes: Any, *, training: bool = False) -> Case:
    """A configuration with all that it takes to run it, on a batch of one of the shapes of a sample."""
    config, sample = draw(configs), draw(shapes)
    n = draw(st.integers(2, 3) if training else st.integers(1, 2))
    params, buffers = draw(states(precision, config))
    seed, style = draw(SEEDS), draw(STYLES)
    x = make(seed, style, (n, *sample), precision.name)
    if not training:
        return Case((config, params, buffers, x))
    rng = np.random.Generator(np.random.Philox(seed))
    uniform = {name: precision.round(rng.random(shape)) for name, shape in config.draws(x.shape).items()}
    return Case((config, params, buffers, uniform, x))


# Trees of layers. Each function makes a layer that can take a sample of this shape, (c, h, w)


def _conv(draw: Draw, shape: Shape) -> Layer:
    c, h, w = shape
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3) if c % g == 0]))
    padding, dilation = draw(st.integers(0, 1)), draw(st.sampled_from((1, 1, 2)))
    room = (min(h, w) + 2 * padding - 1) // dilation + 1
    options = {"stride": draw(st.integers(1, 2)), "padding": padding, "dilation": dilation}
    kernel = draw(st.integers(1, min(3, room)))
    return Conv2d(c, groups * draw(st.integers(1, 2)), kernel, **options, groups=groups, bias=draw(BOTH))


def _partial_conv(draw: Draw, shape: Shape) -> Layer:
    c, *sizes = shape
    some = st.lists(st.integers(0, c - 1), min_size=1, max_size=c, unique=True).map(tuple)
    sees = tuple(draw(st.lists(some, min_size=1, max_size=3)))
    return PartialConv2d(c, sees, draw(st.integers(1, min(3, *sizes))))


def _conv_transpose(draw: Draw, shape: Shape) -> Layer:
    kernel = draw(SMALL)
    padding, stride = draw(st.integers(0, (kernel - 1) // 2)), draw(st.integers(1, 2))
    beyond = draw(st.integers(0, stride - 1))
    return ConvTranspose2d(shape[0], draw(SMALL), kernel, stride, padding, bias=draw(BOTH), output_padding=beyond)


def _norm(draw: Draw, shape: Shape) -> Layer:
    return BatchNorm2d(shape[0], eps=draw(st.sampled_from((1e-5, 1e-3))), momentum=draw(st.sampled_from((0.1, 0.25))))


def _instance_norm(draw: Draw, shape: Shape) -> Layer:
    return InstanceNorm2d(shape[0], affine=draw(BOTH), eps=draw(st.sampled_from((1e-5, 1e-3))))


def _pixel_norm(draw: Draw, shape: Shape) -> Layer:
    return PixelNorm(draw(st.sampled_from((1e-8, 1e-3))))


def _minibatch_deviation(draw: Draw, shape: Shape) -> Layer:
    return MinibatchDeviation(draw(st.sampled_from((1e-8, 1e-3))))


def _equalized(draw: Draw, shape: Shape) -> Layer:
    layer = _conv(draw, shape)
    assert isinstance(layer, Conv2d)
    return Equalized(layer)


def _activation(draw: Draw, shape: Shape) -> Layer:
    return draw(st.sampled_from((*map(Activation, ACTIVATIONS), LeakyReLU(0.2), LeakyReLU(0.0))))


def _unflatten(draw: Draw, shape: Shape) -> Layer:
    c, h, w = shape
    return Unflatten(draw(st.sampled_from(((c * h, 1, w), (h, w, c), (c, w, h)))))


def _reflection_pad(draw: Draw, shape: Shape) -> Layer:
    return ReflectionPad2d(draw(st.integers(0, min(3, *shape[1:]) - 1)))


def _upsample(draw: Draw, shape: Shape) -> Layer:
    return Upsample(draw(st.integers(1, 2)))


def _max_pool(draw: Draw, shape: Shape) -> Layer:
    kernel = draw(st.integers(1, min(3, *shape[1:])))
    return MaxPool2d(kernel, draw(SMALL), draw(st.integers(0, kernel // 2)), ceil=draw(BOTH))


def _avg_pool(draw: Draw, shape: Shape) -> Layer:
    kernel = draw(st.integers(1, min(3, *shape[1:])))
    return AvgPool2d(kernel, draw(SMALL), draw(st.integers(0, kernel // 2)))


def _subsampling(draw: Draw, shape: Shape) -> Layer:
    return Subsampling(shape[0], draw(st.integers(1, min(2, *shape[1:]))))


def _zero_channels(draw: Draw, shape: Shape) -> Layer:
    return ZeroChannels(shape[0] + draw(st.integers(0, 2)))


def _adaptive_avg_pool(draw: Draw, shape: Shape) -> Layer:
    return AdaptiveAvgPool2d(draw(SMALL))


def _local_response_norm(draw: Draw, shape: Shape) -> Layer:
    size, beta = draw(SMALL), draw(st.sampled_from((0.75, 0.5)))
    return LocalResponseNorm(size, alpha=draw(st.sampled_from((1e-4, 0.5))), beta=beta, k=2.0, average=draw(BOTH))


def _dropout(draw: Draw, shape: Shape) -> Layer:
    return Dropout(draw(st.sampled_from((0.5, 0.25, 0.0))))


def _channel_shuffle(draw: Draw, shape: Shape) -> Layer:
    return ChannelShuffle(draw(st.sampled_from([g for g in range(1, shape[0] + 1) if shape[0] % g == 0])))


def _residual(draw: Draw, shape: Shape) -> Layer:
    c, stride, name = shape[0], draw(st.integers(1, 2)), draw(st.sampled_from(("relu", "identity")))
    if stride == 1 and draw(BOTH):
        return Residual(sequence(conv=Conv2d(c, c, 3, padding=1)), activation=name)
    c_out = draw(SMALL)
    body = sequence(conv=Conv2d(c, c_out, 3, stride=stride, padding=1, bias=False), bn=_norm(draw, (c_out,)))
    return Residual(body, sequence(Conv2d(c, c_out, 1, stride=stride)), activation=name)


def _parallel(draw: Draw, shape: Shape) -> Layer:
    c, *sizes = shape
    if draw(BOTH):
        pool = sequence(MaxPool2d(3, stride=1, padding=1), Conv2d(c, draw(SMALL), 1))
        branches = ("", None), ("conv", Conv2d(c, draw(SMALL), 3, padding=1)), ("pool", pool)
        return Parallel(draw(st.permutations(branches)))  # pyright: ignore[reportArgumentType]
    if c % 2 == 0 and draw(BOTH):
        return Parallel((("", None), ("conv", Conv2d(c // 2, draw(SMALL), 1))), split=True)
    kernel = draw(st.integers(1, min(3, *sizes)))
    return Parallel((("valid", Conv2d(c, 1, kernel)), ("conv", Conv2d(c, draw(SMALL), 1))), crop=True)


def _gate(draw: Draw, shape: Shape) -> Layer:
    gate = sequence(AdaptiveAvgPool2d(1), Conv2d(shape[0], shape[0], 1), Activation("sigmoid"))
    return Gate(gate, draw(st.sampled_from(("", "se"))))


def _dual_path(draw: Draw, shape: Shape) -> Layer:
    c, c_out = shape[0], draw(SMALL)
    shortcut = None if draw(BOTH) else sequence(project=Conv2d(c, draw(SMALL), 1))
    beside = c if shortcut is None else shortcut.output(shape)[0]
    width = draw(st.integers(0, min(beside, c_out)))
    return DualPath(sequence(conv=Conv2d(c, c_out, 3, padding=1)), width, shortcut)


def _fade(draw: Draw, shape: Shape) -> Layer:
    c = draw(SMALL)
    old, new = sequence(old=Conv2d(shape[0], c, 1)), sequence(new=Equalized(Conv2d(shape[0], c, 3, padding=1)))
    return Fade(old, new)


def _auxiliary(draw: Draw, shape: Shape) -> Layer:
    return Auxiliary(sequence(pool=AdaptiveAvgPool2d(1), flatten=Flatten(), fc=Linear(shape[0], 2)))


KINDS: tuple[Callable[[Draw, Shape], Layer], ...] = (
    _conv, _partial_conv, _conv_transpose, _norm, _activation, _max_pool, _avg_pool, _adaptive_avg_pool, _subsampling,
    _local_response_norm, _dropout, _channel_shuffle, _zero_channels, _residual, _parallel, _gate, _dual_path,
    _auxiliary, _instance_norm, _pixel_norm, _minibatch_deviation, _equalized, _unflatten, _reflection_pad, _upsample,
    _fade,
)  # fmt: skip


@st.composite
def trees(draw: Draw, shape: Shape) -> Sequential:
    """Up to four layers of any kind for samples of this shape, and mostly a head that says two numbers."""
    layers: list[Layer] = []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        layers.append(kind(draw, shape))
        shape = layers[-1].output(shape)
    if draw(BOTH):
        layers += [Flatten(), Linear(math.prod(shape), 2, bias=draw(BOTH)), Dropout(0.5)]
        layers.append(draw(st.sampled_from((Softmax(), RadialBasis(2, 3), Activation("tanh")))))
    return sequence(*layers)


SAMPLES = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))


def _any_network(precision: Precision, *, training: bool) -> SearchStrategy[Case]:
    def of(sample: Shape) -> SearchStrategy[Case]:
        return runs(precision, trees(sample).map(Single), st.just(sample), training=training)

    return SAMPLES.flatmap(of)


def forward(precision: Precision) -> SearchStrategy[Case]:
    return _any_network(precision, training=False)


def forward_training(precision: Precision) -> SearchStrategy[Case]:
    return _any_network(precision, training=True)


# Architectures, with few channels and few blocks


def _square(channels: int, *sizes: int) -> SearchStrategy[Shape]:
    return st.sampled_from(sizes).map(lambda size: (channels, size, size))


def _images(channels: int, low: int, high: int) -> SearchStrategy[Shape]:
    return st.tuples(st.just(channels), st.integers(low, high), st.integers(low, high))


def _each(
    precision: Precision, configs: SearchStrategy[Any], shapes: Callable[[Any], Any], *, training: bool = False
) -> SearchStrategy[Case]:
    """A configuration, with samples of a shape that fits it."""
    return configs.flatmap(lambda config: runs(precision, st.just(config), shapes(config), training=training))


def simple_cnn(precision: Precision) -> SearchStrategy[Case]:
    maps = st.tuples(SMALL, SMALL)
    sizes = st.sampled_from((4, 5, 8, 9, 11))
    configs = st.builds(SimpleCNN, channels=SMALL, n_classes=st.integers(2, 3), size=sizes, maps=maps, hidden=SMALL)
    return _each(precision, configs, lambda config: _square(config.channels, config.size))


def lenet5(precision: Precision) -> SearchStrategy[Case]:
    forms, activations = st.sampled_from(("paper", "dense")), st.sampled_from(("sigmoid", "tanh"))
    configs = st.builds(LeNet5, form=forms, activation=activations, n_classes=SMALL, channels=st.integers(1, 2))
    return _each(precision, configs, lambda config: _square(config.channels, 32))


def alexnet(precision: Precision) -> SearchStrategy[Case]:
    """In one tower: two towers take images of 227 x 227 pixels only, and have a law of their own."""
    maps = st.sampled_from(((2, 2, 2, 4, 2), (4, 2, 4, 2, 2)))
    configs = st.builds(AlexNet, n_classes=SMALL, channels=st.just(1), maps=maps, hidden=st.just(3))
    return runs(precision, configs, _square(1, 63, 64, 70))


def vgg(precision: Precision) -> SearchStrategy[Case]:
    depths = st.sampled_from((11, 11, 13))
    configs = st.builds(VGG, depth=depths, n_classes=SMALL, channels=SMALL, norm=BOTH, width=st.just(1), hidden=SMALL)
    return _each(precision, configs, lambda config: _images(config.channels, 32, 33))


def mlpconv(precision: Precision) -> SearchStrategy[Case]:
    widths = st.lists(SMALL, min_size=1, max_size=3).map(tuple)
    padding = st.integers(0, 1)
    configs = st.builds(MLPConv, c_in=SMALL, widths=widths, kernel=SMALL, stride=st.integers(1, 2), padding=padding)
    return _each(precision, configs, lambda config: _images(config.c_in, config.kernel, 5))


def network_in_network(precision: Precision) -> SearchStrategy[Case]:
    configs = st.builds(NetworkInNetwork, n_classes=SMALL, channels=st.just(1), width=st.just(0.02))
    return _each(precision, configs, lambda config: _images(1, 55, 56))


def inception_block(precision: Precision) -> SearchStrategy[Case]:
    pairs = st.tuples(SMALL, SMALL)
    configs = st.builds(InceptionBlock, c_in=SMALL, c1=SMALL, c3=pairs, c5=pairs, cp=SMALL, norm=BOTH)
    return _each(precision, configs, lambda config: _images(config.c_in, 1, 6))


def googlenet(precision: Precision) -> SearchStrategy[Case]:
    """With auxiliary heads in the form that takes small images."""
    common = {"n_classes": SMALL, "channels": st.just(2), "width": st.just(0.05)}
    configs = st.builds(GoogLeNet, auxiliary=BOTH, norm=st.just(True), **common)
    plain = st.builds(GoogLeNet, auxiliary=st.just(False), **common)
    return _each(
        precision, st.one_of(configs, plain), lambda config: _images(2, 31, 34) if config.norm else _images(2, 47, 48)
    )


def auxiliary_classifier(precision: Precision) -> SearchStrategy[Case]:
    configs = st.builds(AuxiliaryClassifier, c_in=SMALL, n_classes=SMALL, middle=SMALL, hidden=SMALL, norm=BOTH)
    return _each(precision, configs, lambda c: _images(c.c_in, 4, 7) if c.norm else _square(c.c_in, 14), training=True)


def _residual_blocks(kind: Any, channels: SearchStrategy[int]) -> SearchStrategy[Any]:
    """At least as many channels come out as go in, often as many."""
    shortcuts, reductions = st.sampled_from(("projection", "zeros")), st.sampled_from((None, 2))
    options = {"stride": st.sampled_from((1, 1, 2)), "shortcut": shortcuts, "reduction": reductions}
    return st.builds(kind, c_in=st.integers(2, 4), channels=channels, preactivation=BOTH, **options)


def residual_block(precision: Precision) -> SearchStrategy[Case]:
    return _each(precision, _residual_blocks(ResidualBlock, st.just(4)), lambda config: _images(config.c_in, 1, 5))


def bottleneck_block(precision: Precision) -> SearchStrategy[Case]:
    configs = _residual_blocks(BottleneckBlock, st.integers(1, 2))
    return _each(precision, configs, lambda config: _images(config.c_in, 1, 5))


def resnet(precision: Precision) -> SearchStrategy[Case]:
    return _residual_networks(precision, ResNet)


def senet(precision: Precision) -> SearchStrategy[Case]:
    return _residual_networks(precision, SENet, reduction=st.just(2))


def _residual_networks(precision: Precision, kind: Any, **more: Any) -> SearchStrategy[Case]:
    blocks = st.sampled_from(((1,), (1, 1), (2, 1)))
    sizes = {"blocks": blocks, "width": SMALL, "n_classes": SMALL, "channels": st.just(2), "bottleneck": BOTH}
    shortcuts = st.sampled_from(("projection", "zeros"))
    configs = st.builds(kind, **sizes, shortcut=shortcuts, preactivation=BOTH, **more)
    return runs(precision, configs, _images(2, 7, 12))


def dense_block(precision: Precision) -> SearchStrategy[Case]:
    thin = st.sampled_from((None, 2))
    configs = st.builds(DenseBlock, c_in=SMALL, growth=SMALL, layers=st.integers(1, 3), bottleneck=thin)
    return _each(precision, configs, lambda config: _images(config.c_in, 1, 5))


def transition_layer(precision: Precision) -> SearchStrategy[Case]:
    configs = st.builds(TransitionLayer, c_in=st.integers(2, 6), compression=st.sampled_from((0.5, 1.0, 0.75)))
    return _each(precision, configs, lambda config: _images(config.c_in, 2, 7))


def densenet(precision: Precision) -> SearchStrategy[Case]:
    blocks = st.sampled_from(((1,), (2, 1), (1, 2)))
    configs = st.builds(
        DenseNet, blocks=blocks, growth=SMALL, stem=st.integers(2, 3), n_classes=SMALL, channels=st.just(2)
    )
    return runs(precision, configs, _images(2, 9, 14))


def dual_path_block(precision: Precision) -> SearchStrategy[Case]:
    def case(path: tuple[int, int], c_in: int, middle: int, groups: int, stride: int) -> Any:
        project = stride > 1 or c_in < path[0]
        return DualPathBlock(c_in, middle * groups, *path, groups=groups, stride=stride, project=project)

    paths = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any)
    configs = st.builds(case, paths, c_in=SMALL, middle=SMALL, groups=st.integers(1, 2), stride=st.integers(1, 2))
    return _each(precision, configs, lambda config: _images(config.c_in, 1, 5))


def dpn(precision: Precision) -> SearchStrategy[Case]:
    blocks = st.sampled_from(((1,), (2, 1)))
    configs = st.builds(DPN, n_classes=SMALL, channels=st.just(2), blocks=blocks, divisor=st.just(32))
    return runs(precision, configs, _images(2, 7, 12))


def mobilenet(precision: Precision) -> SearchStrategy[Case]:
    activations = st.sampled_from(("relu", "relu6"))
    widths = st.sampled_from((0.04, 0.05))
    configs = st.builds(MobileNet, width=widths, n_classes=SMALL, channels=st.just(2), activation=activations)
    return runs(precision, configs, _images(2, 5, 9))


def mobilenet_v2(precision: Precision) -> SearchStrategy[Case]:
    configs = st.builds(MobileNetV2, width=st.just(0.02), n_classes=SMALL, channels=st.just(2), divisor=st.just(1))
    return runs(precision, configs, _images(2, 5, 9))


def shufflenet_unit(precision: Precision) -> SearchStrategy[Case]:
    def case(groups: int, times: int, stride: int, grouped_entry: bool) -> Any:
        c_out = 4 * groups * times
        return ShuffleNetUnit(c_out if stride == 1 else groups, c_out, groups, stride, grouped_entry)

    configs = st.builds(case, SMALL, st.integers(1, 2), stride=st.integers(1, 2), grouped_entry=BOTH)
    return _each(precision, configs, lambda config: _images(config.c_in, 1, 5))


def shufflenet(precision: Precision) -> SearchStrategy[Case]:
    def case(groups: int, times: int, n_classes: int, repeats: tuple[int, ...]) -> Any:
        return ShuffleNet(groups, n_classes, 2, stem=2 * groups, maps=4 * groups * times, repeats=repeats)

    configs = st.builds(case, SMALL, st.integers(1, 2), SMALL, repeats=st.sampled_from(((1,), (2,), (1, 2))))
    return runs(precision, configs, _images(2, 5, 12))


def shufflenet_v2(precision: Precision) -> SearchStrategy[Case]:
    maps = st.sampled_from(((2, 4, 6, 8, 3), (3, 2, 4, 4, 2)))
    repeats = st.sampled_from(((1, 1, 1), (2, 1, 1)))
    configs = st.builds(ShuffleNetV2, n_classes=SMALL, channels=st.just(2), maps=maps, repeats=repeats)
    return runs(precision, configs, _images(2, 5, 12))


def mnasnet(precision: Precision) -> SearchStrategy[Case]:
    alphas = st.sampled_from((0.05, 0.1))
    configs = st.builds(
        MnasNet, alpha=alphas, n_classes=SMALL, channels=st.just(2), divisor=st.integers(1, 2), last=SMALL
    )
    return runs(precision, configs, _images(2, 5, 9))
