"""Architectures of convolutional networks in PyTorch: each block written out, the networks run as trees of layers."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.nn.functional as F

from gongsik.spec import cnn as spec
from gongsik.spec.layers import check_network, nest
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.convolution import channel_shuffle
from gongsik.torch_impl.layers import NetworkModule, Pass, evaluate, run
from gongsik.torch_impl.regularization import inverted_dropout

__all__ = [
    "NetworkModule",
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


def _check(name, config, params, buffers, x, draws=None):
    if not torch.compiler.is_compiling():
        check_network(name, config, params, buffers, x.shape, draws)


@implements(spec.forward)
def forward(config, params, buffers, x, /):
    return evaluate("forward", config, params, buffers, x)


@implements(spec.forward_training)
def forward_training(config, params, buffers, draws, x, /):
    _check("forward_training", config, params, buffers, x, draws)
    buffers = {name: array.clone() for name, array in buffers.items()}  # which the kernels write over
    now = Pass(training=True)
    output = run(config.network, nest(params | buffers | draws), x, now)
    return spec.TrainingPass(output, tuple(now.auxiliary), buffers)


def _network(declaration: D) -> D:
    """A model that is its tree of layers and nothing else."""

    @implements(declaration)
    def model(config, params, buffers, x, /):
        return evaluate(declaration.__name__, config, params, buffers, x)

    return model


# Blocks: `at` has their arrays by name, dicts inside dicts


def _conv(at, x, **options):
    return F.conv2d(x, at["weight"], at.get("bias"), **options)


def _norm(at, x, eps=1e-5):
    return F.batch_norm(x, at["running_mean"], at["running_var"], at["weight"], at["bias"], eps=eps)


def _checked(name, config, params, buffers, x):
    _check(name, config, params, buffers, x)
    return nest(params | buffers)


simple_cnn = _network(spec.simple_cnn)
lenet5 = _network(spec.lenet5)
alexnet = _network(spec.alexnet)
vgg = _network(spec.vgg)


@implements(spec.mlpconv)
def mlpconv(config, params, buffers, x, /):
    at = _checked("mlpconv", config, params, buffers, x)
    x = F.relu_(_conv(at["0"], x, stride=config.stride, padding=config.padding))
    for i in range(1, len(config.widths)):
        x = F.relu_(_conv(at[str(2 * i)], x))
    return x


network_in_network = _network(spec.network_in_network)


def _conv_relu(at, x, padding=0):
    """As inception blocks have it: with a bias, or with normalization."""
    x = _conv(at["conv"], x, padding=padding)
    return F.relu_(_norm(at["bn"], x, eps=1e-3) if "bn" in at else x)


@implements(spec.inception_block)
def inception_block(config, params, buffers, x, /):
    at = _checked("inception_block", config, params, buffers, x)
    one, three, five, pooled = (at[f"branch{i}"] for i in range(1, 5))
    branches = [
        _conv_relu(one, x),
        _conv_relu(three["1"], _conv_relu(three["0"], x), padding=1),
        _conv_relu(five["1"], _conv_relu(five["0"], x), padding=1 if config.norm else 2),
        _conv_relu(pooled["1"], F.max_pool2d(x, 3, 1, 1)),
    ]
    return torch.cat(branches, 1)


googlenet = _network(spec.googlenet)


@implements(spec.auxiliary_classifier)
def auxiliary_classifier(config, params, buffers, draws, x, /):
    _check("auxiliary_classifier", config, params, buffers, x, draws)
    at = nest(params | draws)
    if config.norm:
        x, norm = F.adaptive_avg_pool2d(x, 4), at["conv"]["bn"]
        x = F.conv2d(x, at["conv"]["conv"]["weight"])
        x = F.batch_norm(x, None, None, norm["weight"], norm["bias"], training=True, eps=1e-3)
    else:
        x = _conv(at["conv"]["conv"], F.avg_pool2d(x, 5, 3))
    x = F.relu_(x).flatten(1)  # [n middle*4*4]
    x = F.relu_(F.linear(x, at["fc1"]["weight"], at["fc1"]["bias"]))
    x = inverted_dropout(x, at["dropout"]["uniform"], p=0.7)
    return F.linear(x, at["fc2"]["weight"], at["fc2"]["bias"])


@implements(spec.auxiliary_loss)
def auxiliary_loss(main, auxiliary, /, *, weight=0.3):
    return torch.add(main, auxiliary.sum(), alpha=weight)


@implements(spec.projection_shortcut)
def projection_shortcut(x, weight, /, *, stride=1):
    return F.conv2d(x, weight, stride=stride)


def _shortcut(config, at, x):
    """The input in the channels and the size of the body's output."""
    if config.projects:
        projected = projection_shortcut(x, at["downsample"]["0"]["weight"], stride=config.stride)
        return projected if config.preactivation else _norm(at["downsample"]["1"], projected)
    new = config.c_out - config.c_in
    if new == 0 and config.stride == 1:
        return x
    return F.pad(x[:, :, :: config.stride, :: config.stride], (0, 0, 0, 0, 0, new))


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
        a = F.relu_(_norm(at["bn1"], x))
        y = _conv(at["conv1"], a, stride=config.stride, padding=1)
        y = _conv(at["conv2"], F.relu_(_norm(at["bn2"], y)), padding=1)
        return _excited(config, at, y) + _shortcut(config, at, a if config.projects else x)
    y = F.relu_(_norm(at["bn1"], _conv(at["conv1"], x, stride=config.stride, padding=1)))
    y = _norm(at["bn2"], _conv(at["conv2"], y, padding=1))
    return F.relu_(_excited(config, at, y) + _shortcut(config, at, x))


@implements(spec.bottleneck_block)
def bottleneck_block(config, params, buffers, x, /):
    at = _checked("bottleneck_block", config, params, buffers, x)
    if config.preactivation:
        a = F.relu_(_norm(at["bn1"], x))
        y = _conv(at["conv1"], a)
        y = _conv(at["conv2"], F.relu_(_norm(at["bn2"], y)), stride=config.stride, padding=1)
        y = _conv(at["conv3"], F.relu_(_norm(at["bn3"], y)))
        return _excited(config, at, y) + _shortcut(config, at, a if config.projects else x)
    y = F.relu_(_norm(at["bn1"], _conv(at["conv1"], x)))
    y = F.relu_(_norm(at["bn2"], _conv(at["conv2"], y, stride=config.stride, padding=1)))
    y = _norm(at["bn3"], _conv(at["conv3"], y))
    return F.relu_(_excited(config, at, y) + _shortcut(config, at, x))


resnet = _network(spec.resnet)


@implements(spec.dense_block)
def dense_block(config, params, buffers, x, /):
    at = _checked("dense_block", config, params, buffers, x)
    for i in range(config.layers):
        layer = at[f"denselayer{i + 1}"]
        y = x
        if config.bottleneck is not None:
            y = _conv(layer["conv1"], F.relu_(_norm(layer["norm1"], y)))
        last = "1" if config.bottleneck is None else "2"
        y = _conv(layer[f"conv{last}"], F.relu_(_norm(layer[f"norm{last}"], y)), padding=1)
        x = torch.cat([x, y], 1)  # [n c+growth h w]
    return x


@implements(spec.transition_layer)
def transition_layer(config, params, buffers, x, /):
    at = _checked("transition_layer", config, params, buffers, x)
    return F.avg_pool2d(_conv(at["conv"], F.relu_(_norm(at["norm"], x))), 2)


densenet = _network(spec.densenet)


def _norm_relu_conv(at, x, **options):
    """As dual path blocks have it."""
    return _conv(at["conv"], F.relu_(_norm(at["bn"], x, eps=1e-3)), **options)


@implements(spec.dual_path_block)
def dual_path_block(config, params, buffers, x, /):
    at, r = _checked("dual_path_block", config, params, buffers, x), config.residual
    s = _norm_relu_conv(at[f"c1x1_w_s{config.stride}"], x, stride=config.stride) if config.project else x
    y = _norm_relu_conv(at["c1x1_a"], x)
    y = _norm_relu_conv(at["c3x3_b"], y, stride=config.stride, padding=1, groups=config.groups)
    y = _norm_relu_conv(at["c1x1_c"], y)
    return torch.cat([s[:, :r] + y[:, :r], s[:, r:], y[:, r:]], 1)


dpn = _network(spec.dpn)


@implements(spec.squeeze)
def squeeze(u, /):
    return u.mean((-2, -1))


@implements(spec.excitation)
def excitation(z, w1, w2, b1=None, b2=None, /):
    return F.linear(F.relu_(F.linear(z, w1, b1)), w2, b2).sigmoid_()


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
    y = F.relu_(_norm(at["bn1"], _conv(at["conv1"], x, groups=g if config.grouped_entry else 1)))
    y = channel_shuffle(y, groups=g)
    y = _norm(at["bn2"], _conv(at["conv2"], y, stride=config.stride, padding=1, groups=y.shape[1]))
    y = _norm(at["bn3"], _conv(at["conv3"], y, groups=g))
    if config.stride == 1:
        return F.relu_(x + y)
    return F.relu_(torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1))


shufflenet = _network(spec.shufflenet)
shufflenet_v2 = _network(spec.shufflenet_v2)
mnasnet = _network(spec.mnasnet)
