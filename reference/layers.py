"""Networks in NumPy: how each layer of a tree is computed, in terms of the formulas."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gongsik.reference.activation import leaky_relu, softmax
from gongsik.reference.autodiff import constant
from gongsik.reference.convolution import channel_shuffle, conv2d, conv_transpose2d
from gongsik.reference.interpolation import resized
from gongsik.reference.network import ACTIVATIONS, linear
from gongsik.reference.normalization import (
    batch_norm,
    batch_norm_inference,
    batch_norm_running,
    instance_norm,
    local_response_norm,
)
from gongsik.reference.pooling import avg_pool2d, max_pool2d, trainable_subsampling
from gongsik.reference.regularization import inverted_dropout
from gongsik.spec import layers as spec
from gongsik.spec.errors import ShapeError
from gongsik.spec.layers import check_network, nest


@dataclass(frozen=True)
class Pass:
    """One way through a network: whether it is training, what auxiliary heads said, and what is given beside x."""

    training: bool = False
    auxiliary: list[Any] = field(default_factory=list)
    condition: Any = None


def run(layer, at, x, now):
    """What a layer makes of x. `at` has its arrays by name, and a dict inside for each layer inside it."""
    return STEPS[type(layer)](layer, at, x, now)


def evaluate(name, config, params, buffers, x, condition=None):
    """What a network says after training, once all that it is given has been checked; `name` is the formula's."""
    check_network(name, config, params, buffers, x.shape)
    return run(config.network, nest(params | buffers), x, Pass(condition=condition))


def child(name, layer, at, x, now):
    for part in filter(None, name.split(".")):
        at = at.get(part, {})
    return run(layer, at, x, now)


def _conv2d(layer, at, x, now):
    options = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation, "groups": layer.groups}
    return conv2d(x, at["weight"], at.get("bias"), **options)


def _conv_transpose2d(layer, at, x, now):
    options = {"stride": layer.stride, "padding": layer.padding, "output_padding": layer.output_padding}
    return conv_transpose2d(x, at["weight"], at.get("bias"), **options)


def _partial_conv2d(layer, at, x, now):
    none = np.zeros((1, layer.kernel, layer.kernel), x.dtype)
    weight = np.concatenate([none, at["weight"]])[np.array(layer.index())]  # [o c kernel kernel]
    return conv2d(x, weight, at["bias"])


def _radial_basis(layer, at, x, now):
    return -((x[:, None] - at["weight"]) ** 2).sum(-1)


def _batch_norm(layer, at, x, now):
    gamma, beta, mean, var = (at[name] for name in ("weight", "bias", "running_mean", "running_var"))
    if not now.training:
        return batch_norm_inference(x, mean, var, gamma, beta, eps=layer.eps)
    y, batch_mean, batch_var = batch_norm(x, gamma, beta, eps=layer.eps)
    count = x.size // x.shape[1]
    batch = constant(batch_mean), constant(batch_var)  # no gradient goes back through what is carried along
    running = batch_norm_running(mean, var, *batch, alpha=1 - layer.momentum, count=count)
    at["running_mean"], at["running_var"] = running  # the scope is this call's own, the arrays stay what they are
    at["num_batches_tracked"] = at["num_batches_tracked"] + 1
    return y


def _pixel_norm(layer, at, x, now):
    return x / np.sqrt((x**2).mean(1, keepdims=True) + layer.eps)


def _minibatch_deviation(layer, at, x, now):
    deviation = np.sqrt(((x - x.mean(0)) ** 2).mean(0) + layer.eps).mean()
    return np.concatenate([x, np.broadcast_to(deviation, (len(x), 1, *x.shape[2:]))], axis=1)


def _equalized(layer, at, x, now):
    gain = np.full_like(x, layer.gain, shape=())
    return run(layer.layer, {**at, "weight": gain * at["weight"]}, x, now)


def _activation(layer, at, x, now):
    if layer.name == "relu6":
        return np.where(x > 6, 6, ACTIVATIONS["relu"](x))
    return ACTIVATIONS[layer.name](x)


def _max_pool(layer, at, x, now):
    below, right = (layer.beyond(size) for size in x.shape[-2:])
    if below or right:
        p = layer.padding
        x = np.pad(x, ((0, 0), (0, 0), (p, p + below), (p, p + right)), constant_values=-np.inf)
        return max_pool2d(x, kernel=layer.kernel, stride=layer.stride)
    return max_pool2d(x, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)


def _avg_pool(layer, at, x, now):
    return avg_pool2d(x, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)


def _adaptive_avg_pool(layer, at, x, now):
    def parts(size):
        return [slice(i * size // layer.size, -(-(i + 1) * size // layer.size)) for i in range(layer.size)]

    h, w = x.shape[-2:]
    x = np.stack([x[:, :, part].mean(-2) for part in parts(h)], -2)  # [n c size w]
    return np.stack([x[..., part].mean(-1) for part in parts(w)], -1)  # [n c size size]


def _reflection_pad(layer, at, x, now):
    p = layer.padding

    def mirrored(size):
        return size - 1 - np.abs(size - 1 - np.abs(np.arange(-p, size + p)))

    h, w = x.shape[-2:]
    return x[..., mirrored(h), :][..., mirrored(w)]


def _upsample(layer, at, x, now):
    return np.repeat(np.repeat(x, layer.factor, axis=-2), layer.factor, axis=-1)


def _zero_channels(layer, at, x, now):
    return np.pad(x, ((0, 0), (0, layer.channels - x.shape[1]), (0, 0), (0, 0)))


def _local_response_norm(layer, at, x, now):
    options = {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "k": layer.k, "average": layer.average}
    return local_response_norm(x, **options)


def _dropout(layer, at, x, now):
    return inverted_dropout(x, at["uniform"], p=layer.p) if now.training else x


def _sequential(layer, at, x, now):
    for name, each in layer.layers:
        x = child(name, each, at, x, now)
    return x


def _residual(layer, at, x, now):
    y = run(layer.body, at, x, now)
    shortcut = x if layer.shortcut is None else child(layer.shortcut_name, layer.shortcut, at, x, now)
    return ACTIVATIONS[layer.activation](y + shortcut)


def _parallel(layer, at, x, now):
    n = len(layer.branches)
    c = x.shape[1] // n
    shares = [x[:, i * c : (i + 1) * c] for i in range(n)] if layer.split else [x] * n
    outputs = [
        share if branch is None else child(name, branch, at, share, now)
        for (name, branch), share in zip(layer.branches, shares, strict=True)
    ]
    if layer.crop:
        height, width = (min(y.shape[axis] for y in outputs) for axis in (-2, -1))
        outputs = [_cropped(y, height, width) for y in outputs]
    return np.concatenate(outputs, axis=1)


def _cropped(x, height, width):
    """The middle of a map."""
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top : top + height, left : left + width]


def _gate(layer, at, x, now):
    return x * child(layer.name, layer.gate, at, x, now)


def _dual_path(layer, at, x, now):
    y = run(layer.body, at, x, now)
    shortcut = x if layer.shortcut is None else run(layer.shortcut, at, x, now)
    r = layer.width
    return np.concatenate([shortcut[:, :r] + y[:, :r], shortcut[:, r:], y[:, r:]], axis=1)


def _fade(layer, at, x, now):
    return (1 - at["alpha"]) * run(layer.old, at, x, now) + at["alpha"] * run(layer.new, at, x, now)


def _condition(layer, at, x, now):
    if now.condition is None:
        raise ShapeError(f"{layer}: nothing is given beside x, expected {layer.size} numbers for each sample")
    given = now.condition
    return beside(x, given if layer.project is None else child(layer.name, layer.project, at, given, now))


def beside(x, y):
    """Numbers y [n k] behind the channels of x [n c *space], the same at all places: [n c+k *space]."""
    space = x.shape[2:]
    maps = np.broadcast_to(y.reshape(*y.shape, *(1 for _ in space)), (*y.shape, *space))  # [n k *space]
    return np.concatenate([x, maps], axis=1)


def _auxiliary(layer, at, x, now):
    if now.training:
        now.auxiliary.append(run(layer.head, at, x, now))
    return x


def _at_input_size(layer, at, x, now):
    before = len(now.auxiliary)
    y, size = run(layer.body, at, x, now), x.shape[-2:]
    now.auxiliary[before:] = [resized(heard, size) for heard in now.auxiliary[before:]]
    return resized(y, size)


STEPS: dict[type[spec.Layer], Callable[..., Any]] = {
    spec.Conv2d: _conv2d,
    spec.ConvTranspose2d: _conv_transpose2d,
    spec.PartialConv2d: _partial_conv2d,
    spec.BatchNorm2d: _batch_norm,
    spec.InstanceNorm2d: lambda layer, at, x, now: instance_norm(x, at.get("weight"), at.get("bias"), eps=layer.eps),
    spec.PixelNorm: _pixel_norm,
    spec.MinibatchDeviation: _minibatch_deviation,
    spec.Equalized: _equalized,
    spec.Linear: lambda layer, at, x, now: linear(x, at["weight"], at.get("bias")),
    spec.RadialBasis: _radial_basis,
    spec.Softmax: lambda layer, at, x, now: softmax(x),
    spec.Activation: _activation,
    spec.LeakyReLU: lambda layer, at, x, now: leaky_relu(x, negative_slope=layer.negative_slope),
    spec.MaxPool2d: _max_pool,
    spec.AvgPool2d: _avg_pool,
    spec.Subsampling: lambda layer, at, x, now: trainable_subsampling(x, at["weight"], at["bias"], kernel=layer.kernel),
    spec.AdaptiveAvgPool2d: _adaptive_avg_pool,
    spec.LocalResponseNorm: _local_response_norm,
    spec.Dropout: _dropout,
    spec.Flatten: lambda layer, at, x, now: x.reshape(len(x), math.prod(x.shape[1:])),
    spec.Unflatten: lambda layer, at, x, now: x.reshape(len(x), *layer.shape),
    spec.ReflectionPad2d: _reflection_pad,
    spec.Upsample: _upsample,
    spec.ZeroChannels: _zero_channels,
    spec.ChannelShuffle: lambda layer, at, x, now: channel_shuffle(x, groups=layer.groups),
    spec.Sequential: _sequential,
    spec.Residual: _residual,
    spec.Parallel: _parallel,
    spec.Gate: _gate,
    spec.DualPath: _dual_path,
    spec.Fade: _fade,
    spec.Condition: _condition,
    spec.Auxiliary: _auxiliary,
    spec.AtInputSize: _at_input_size,
}
