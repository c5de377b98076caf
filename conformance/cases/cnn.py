"""Inputs of networks: trees of every kind of layer, small models of every architecture, and arrays that fit them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import Case, make
from gongsik.spec import cnn as spec
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
    Flatten,
    Gate,
    Layer,
    Linear,
    LocalResponseNorm,
    MaxPool2d,
    Parallel,
    Residual,
    Sequential,
    Single,
    sequence,
)

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(("normal", "normal", "ties", "spread"))
SMALL = st.integers(1, 3)
BOTH = st.booleans()

Shape = tuple[int, ...]
Draw = st.DrawFn


# Arrays


@st.composite
def states(draw: Draw, precision: Precision, config: Architecture) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers that fit a configuration and keep what passes through it of order 1."""
    seed, style = draw(SEEDS), draw(st.sampled_from(("normal", "normal", "ties")))

    def array(i: int, name: str, shape: Shape) -> np.ndarray:
        if name.endswith("num_batches_tracked"):
            return np.array(seed % 5)
        x = make(seed + i, style, shape, precision.name)
        if name.endswith("running_var"):
            return precision.round(0.25 + np.abs(x))
        if len(shape) > 1:  # divided by a power of 2 near the root of the inputs: still exact
            return x / 2.0 ** round(math.log2(math.prod(shape[1:])) / 2)
        return precision.round(1 + x / 4) if name.endswith("weight") else x / 4

    tables = config.parameters(), config.buffers()
    return tuple({name: array(i, name, shape) for i, (name, shape) in enumerate(table.items())} for table in tables)  # pyright: ignore[reportReturnType]


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


def _conv_transpose(draw: Draw, shape: Shape) -> Layer:
    kernel = draw(SMALL)
    padding = draw(st.integers(0, (kernel - 1) // 2))
    return ConvTranspose2d(shape[0], draw(SMALL), kernel, draw(st.integers(1, 2)), padding, bias=draw(BOTH))


def _norm(draw: Draw, shape: Shape) -> Layer:
    return BatchNorm2d(shape[0], eps=draw(st.sampled_from((1e-5, 1e-3))), momentum=draw(st.sampled_from((0.1, 0.25))))


def _activation(draw: Draw, shape: Shape) -> Layer:
    return Activation(draw(st.sampled_from(ACTIVATIONS)))


def _max_pool(draw: Draw, shape: Shape) -> Layer:
    kernel = draw(st.integers(1, min(3, *shape[1:])))
    return MaxPool2d(kernel, draw(SMALL), draw(st.integers(0, kernel // 2)), ceil=draw(BOTH))


def _avg_pool(draw: Draw, shape: Shape) -> Layer:
    kernel = draw(st.integers(1, min(3, *shape[1:])))
    return AvgPool2d(kernel, draw(SMALL), draw(st.integers(0, kernel // 2)))


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


def _auxiliary(draw: Draw, shape: Shape) -> Layer:
    return Auxiliary(sequence(pool=AdaptiveAvgPool2d(1), flatten=Flatten(), fc=Linear(shape[0], 2)))


KINDS: tuple[Callable[[Draw, Shape], Layer], ...] = (
    _conv, _conv_transpose, _norm, _activation, _max_pool, _avg_pool, _adaptive_avg_pool, _local_response_norm,
    _dropout, _channel_shuffle, _residual, _parallel, _gate, _dual_path, _auxiliary,
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


def _images(*sizes: int) -> Callable[[int], SearchStrategy[Shape]]:
    return lambda channels: st.tuples(st.just(channels), st.sampled_from(sizes), st.sampled_from(sizes))


def resnet(precision: Precision) -> SearchStrategy[Case]:
    blocks = st.sampled_from(((1,), (1, 1), (2, 1)))
    configs = st.builds(spec.ResNet, blocks=blocks, width=SMALL, n_classes=SMALL, channels=st.just(2), bottleneck=BOTH)
    return runs(precision, configs, _images(7, 8, 12)(2))
