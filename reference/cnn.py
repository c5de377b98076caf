"""Architectures of convolutional networks in NumPy: each block written out, the networks run as trees of layers."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from gongsik.reference.activation import relu, sigmoid
from gongsik.reference.arrays import implements
from gongsik.reference.convolution import channel_shuffle, conv2d
from gongsik.reference.layers import Pass, evaluate, run
from gongsik.reference.network import linear
from gongsik.reference.normalization import batch_norm, batch_norm_inference
from gongsik.reference.pooling import avg_pool2d, global_avg_pool2d, max_pool2d
from gongsik.reference.regularization import inverted_dropout
from gongsik.spec import cnn as spec
from gongsik.spec.layers import AdaptiveAvgPool2d, check_network, flat, nest

__all__ = [
    "alexnet",
    "auxiliary_classifier",
    "auxiliary_loss",
    "bottleneck_block",
    "dense_block",
    "densenet",
    "dpn",
    "dual_path_block",
    "excitation",
    "forward",
    "forward_training",
    "googlenet",
    "inception_block",
    "lenet5",
    "mlpconv",
    "mnasnet",
    "mobilenet",
    "mobilenet_v2",
    "network_in_network",
    "projection_shortcut",
    "residual_block",
    "resnet",
    "se_block",
    "senet",
    "shufflenet",
    "shufflenet_unit",
    "shufflenet_v2",
    "simple_cnn",
    "squeeze",
    "transition_layer",
    "vgg",
]

D = TypeVar("D", bound=Callable[..., Any])


@implements(spec.forward)
def forward(config, params, buffers, x, /):
    return evaluate("forward", config, params, buffers, x)


@implements(spec.forward_training)
def forward_training(config, params, buffers, draws, x, /):
    check_network("forward_training", config, params, buffers, x.shape, draws)
    at, now = nest(params | buffers | draws), Pass(training=True)
    output = run(config.network, at, x, now)
    return spec.TrainingPass(output, tuple(now.auxiliary), flat(at, buffers))


def _network(declaration: D) -> D:
    """A model that is its tree of layers and nothing else."""

    @implements(declaration)
    def model(config, params, buffers, x, /):
        return evaluate(declaration.__name__, config, params, buffers, x)

    return model


# Blocks: `at` has their arrays by name, dicts inside dicts


def _conv(at, x, **options):
    return conv2d(x, at["weight"], at.get("bias"), **options)


def _norm(at, x, eps=1e-5):
    return batch_norm_inference(x, at["running_mean"], at["running_var"], at["weight"], at["bias"], eps=eps)


def _checked(name, config, params, buffers, x):
    check_network(name, config, params, buffers, x.shape)
    return nest(params | buffers)


simple_cnn = _network(spec.simple_cnn)
lenet5 = _network(spec.lenet5)
alexnet = _network(spec.alexnet)
vgg = _network(spec.vgg)


@implements(spec.mlpconv)
def mlpconv(config, params, buffers, x, /):
    at = _checked("mlpconv", config, params, buffers, x)
    x = relu(_conv(at["0"], x, stride=config.stride, padding=config.padding))
    for i in range(1, len(config.widths)):
        x = relu(_conv(at[str(2 * i)], x))
    return x


network_in_network = _network(spec.network_in_network)


def _conv_relu(at, x, padding=0):
    """As inception blocks have it: with a bias, or with normalization."""
    x = _conv(at["conv"], x, padding=padding)
    return relu(_norm(at["bn"], x, eps=1e-3) if "bn" in at else x)


@implements(spec.inception_block)
def inception_block(config, params, buffers, x, /):
    at = _checked("inception_block", config, params, buffers, x)
    one, three, five, pooled = (at[f"branch{i}"] for i in range(1, 5))
    branches = [
        _conv_relu(one, x),
        _conv_relu(three["1"], _conv_relu(three["0"], x), padding=1),
        _conv_relu(five["1"], _conv_relu(five["0"], x), padding=1 if config.norm else 2),
        _conv_relu(pooled["1"], max_pool2d(x, kernel=3, stride=1, padding=1)),
    ]
    return np.concatenate(branches, axis=1)


googlenet = _network(spec.googlenet)


@implements(spec.auxiliary_classifier)
def auxiliary_classifier(config, params, buffers, draws, x, /):
    check_network("auxiliary_classifier", config, params, buffers, x.shape, draws)
    at = nest(params | draws)
    if config.norm:
        x = run(AdaptiveAvgPool2d(4), {}, x, Pass())
        x = conv2d(x, at["conv"]["conv"]["weight"])
        x, _, _ = batch_norm(x, at["conv"]["bn"]["weight"], at["conv"]["bn"]["bias"], eps=1e-3)
    else:
        x = _conv(at["conv"]["conv"], avg_pool2d(x, kernel=5, stride=3))
    x = relu(x).reshape(len(x), -1)  # [n middle*4*4]
    x = relu(linear(x, at["fc1"]["weight"], at["fc1"]["bias"]))
    x = inverted_dropout(x, at["dropout"]["uniform"], p=0.7)
    return linear(x, at["fc2"]["weight"], at["fc2"]["bias"])


@implements(spec.auxiliary_loss)
def auxiliary_loss(main, auxiliary, /, *, weight=0.3):
    return main + weight * auxiliary.sum()


@implements(spec.projection_shortcut)
def projection_shortcut(x, weight, /, *, stride=1):
    return conv2d(x, weight, stride=stride)


def _shortcut(config, at, x):
    """The input in the channels and the size of the body's output."""
    if config.projects:
        projected = projection_shortcut(x, at["downsample"]["0"]["weight"], stride=config.stride)
        return projected if config.preactivation else _norm(at["downsample"]["1"], projected)
    new = config.c_out - config.c_in
    return np.pad(x[:, :, :: config.stride, :: config.stride], ((0, 0), (0, new), (0, 0), (0, 0)))


def _excited(config, at, y):
    """What the body makes, its channels scaled if the block squeezes and excites."""
    if config.reduction is None:
        return y
    first, second = at["se"]["fc1"], at["se"]["fc2"]
    return se_block(y, first["weight"][:, :, 0, 0], second["weight"][:, :, 0, 0], first["bias"], second["bias"])


@implements(spec.residual_block)
def residual_block(config, params, buffers, x, /):
    at = _checked("residual_block", config, params, buffers, x)
    if config.preactivation:
        a = relu(_norm(at["bn1"], x))
        y = _conv(at["conv1"], a, stride=config.stride, padding=1)
        y = _conv(at["conv2"], relu(_norm(at["bn2"], y)), padding=1)
        return _excited(config, at, y) + _shortcut(config, at, a if config.projects else x)
    y = relu(_norm(at["bn1"], _conv(at["conv1"], x, stride=config.stride, padding=1)))
    y = _norm(at["bn2"], _conv(at["conv2"], y, padding=1))
    return relu(_excited(config, at, y) + _shortcut(config, at, x))


@implements(spec.bottleneck_block)
def bottleneck_block(config, params, buffers, x, /):
    at = _checked("bottleneck_block", config, params, buffers, x)
    if config.preactivation:
        a = relu(_norm(at["bn1"], x))
        y = _conv(at["conv1"], a)
        y = _conv(at["conv2"], relu(_norm(at["bn2"], y)), stride=config.stride, padding=1)
        y = _conv(at["conv3"], relu(_norm(at["bn3"], y)))
        return _excited(config, at, y) + _shortcut(config, at, a if config.projects else x)
    y = relu(_norm(at["bn1"], _conv(at["conv1"], x)))
    y = relu(_norm(at["bn2"], _conv(at["conv2"], y, stride=config.stride, padding=1)))
    y = _norm(at["bn3"], _conv(at["conv3"], y))
    return relu(_excited(config, at, y) + _shortcut(config, at, x))


resnet = _network(spec.resnet)


@implements(spec.dense_block)
def dense_block(config, params, buffers, x, /):
    at = _checked("dense_block", config, params, buffers, x)
    for i in range(config.layers):
        layer = at[f"denselayer{i + 1}"]
        y = x
        if config.bottleneck is not None:
            y = _conv(layer["conv1"], relu(_norm(layer["norm1"], y)))
        last = "1" if config.bottleneck is None else "2"
        y = _conv(layer[f"conv{last}"], relu(_norm(layer[f"norm{last}"], y)), padding=1)
        x = np.concatenate([x, y], axis=1)  # [n c+growth h w]
    return x


@implements(spec.transition_layer)
def transition_layer(config, params, buffers, x, /):
    at = _checked("transition_layer", config, params, buffers, x)
    return avg_pool2d(_conv(at["conv"], relu(_norm(at["norm"], x))), kernel=2)


densenet = _network(spec.densenet)


def _norm_relu_conv(at, x, **options):
    """As dual path blocks have it."""
    return _conv(at["conv"], relu(_norm(at["bn"], x, eps=1e-3)), **options)


@implements(spec.dual_path_block)
def dual_path_block(config, params, buffers, x, /):
    at, r = _checked("dual_path_block", config, params, buffers, x), config.residual
    s = _norm_relu_conv(at[f"c1x1_w_s{config.stride}"], x, stride=config.stride) if config.project else x
    y = _norm_relu_conv(at["c1x1_a"], x)
    y = _norm_relu_conv(at["c3x3_b"], y, stride=config.stride, padding=1, groups=config.groups)
    y = _norm_relu_conv(at["c1x1_c"], y)
    return np.concatenate([s[:, :r] + y[:, :r], s[:, r:], y[:, r:]], axis=1)


dpn = _network(spec.dpn)


@implements(spec.squeeze)
def squeeze(u, /):
    return global_avg_pool2d(u)


@implements(spec.excitation)
def excitation(z, w1, w2, b1=None, b2=None, /):
    return sigmoid(linear(relu(linear(z, w1, b1)), w2, b2))


@implements(spec.se_block)
def se_block(u, w1, w2, b1=None, b2=None, /):
    s = excitation(squeeze(u), w1, w2, b1, b2)
    return s[:, :, None, None] * u


senet = _network(spec.senet)
mobilenet = _network(spec.mobilenet)
mobilenet_v2 = _network(spec.mobilenet_v2)


@implements(spec.shufflenet_unit)
def shufflenet_unit(config, params, buffers, x, /):
    at, g = _checked("shufflenet_unit", config, params, buffers, x), config.groups
    y = relu(_norm(at["bn1"], _conv(at["conv1"], x, groups=g if config.grouped_entry else 1)))
    y = channel_shuffle(y, groups=g)
    y = _norm(at["bn2"], _conv(at["conv2"], y, stride=config.stride, padding=1, groups=y.shape[1]))
    y = _norm(at["bn3"], _conv(at["conv3"], y, groups=g))
    if config.stride == 1:
        return relu(x + y)
    return relu(np.concatenate([avg_pool2d(x, kernel=3, stride=2, padding=1), y], axis=1))


shufflenet = _network(spec.shufflenet)
shufflenet_v2 = _network(spec.shufflenet_v2)
mnasnet = _network(spec.mnasnet)
