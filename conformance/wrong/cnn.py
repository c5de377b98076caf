"""Classic mistakes in architectures: most are one wrong step, made wherever a network has a layer of that kind."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import cnn as right
from gongsik.reference import layers as steps
from gongsik.reference.activation import relu, sigmoid
from gongsik.reference.layers import child, run
from gongsik.reference.network import ACTIVATIONS, linear
from gongsik.reference.normalization import batch_norm_inference
from gongsik.reference.pooling import avg_pool2d, max_pool2d
from gongsik.spec import layers as spec

Step = Callable[[Any, Any, Any, Any], Any]


@contextmanager
def instead(mistakes: Mapping[type[spec.Layer], Step]) -> Iterator[None]:
    """While it lasts, layers of these kinds are computed by these steps."""
    before = {kind: steps.STEPS[kind] for kind in mistakes}
    steps.STEPS.update(mistakes)
    try:
        yield
    finally:
        steps.STEPS.update(before)


def _network(name: str, mistake: str, kind: type[spec.Layer], step: Step) -> Callable[..., Any]:
    """A network, or the tree of a block, of which one kind of layer is computed wrongly."""

    def network(*arguments: Any) -> Any:
        with instead({kind: step}):
            if name == "forward_training":
                return right.forward_training(*arguments)
            if name == "auxiliary_classifier":
                return right.forward_training(*arguments).output
            return right.forward(*arguments)

    network.__name__ = f"{name}{step.__name__}"
    return wrong(f"cnn.{name}", mistake)(network)


# Steps, as they are made wrongly


def _alone(layer, at, x, now):
    """A residual block without what goes past it, where it could go past as it is."""
    y = run(layer.body, at, x, now)
    return ACTIVATIONS[layer.activation](y if layer.shortcut is None else y + _past(layer, at, x, now))


def _past(layer, at, x, now):
    return x if layer.shortcut is None else child(layer.shortcut_name, layer.shortcut, at, x, now)


def _added_late(layer, at, x, now):
    return relu(run(layer.body, at, x, now)) + _past(layer, at, x, now)


def _unprojected(layer, at, x, now):
    """Zeros where the shape changes."""
    y = run(layer.body, at, x, now)
    return ACTIVATIONS[layer.activation](y + x if layer.shortcut is None else y)


def _curved(layer, at, x, now):
    """An activation after a sum that has none."""
    return relu(run(layer.body, at, x, now) + _past(layer, at, x, now))


def _other_order(layer, at, x, now):
    """The branches concatenated from the last to the first."""
    n = len(layer.branches)
    shares = np.split(x, n, axis=1) if layer.split else [x] * n
    outputs = [
        share if branch is None else child(name, branch, at, share, now)
        for (name, branch), share in zip(layer.branches, shares, strict=True)
    ]
    return np.concatenate([y[..., : x.shape[-2], : x.shape[-1]] for y in outputs[::-1]], axis=1)


def _gated_twice(layer, at, x, now):
    g = child(layer.name, layer.gate, at, x, now)
    return x * g * g


def _ungated(layer, at, x, now):
    return x


def _appended_first(layer, at, x, now):
    """What is new in the dense path before what was there."""
    y, past = run(layer.body, at, x, now), x if layer.shortcut is None else run(layer.shortcut, at, x, now)
    r = layer.width
    return np.concatenate([past[:, :r] + y[:, :r], y[:, r:], past[:, r:]], axis=1)


def _not_added(layer, at, x, now):
    """The residual path replaced by what the body makes."""
    y, past = run(layer.body, at, x, now), x if layer.shortcut is None else run(layer.shortcut, at, x, now)
    r = layer.width
    return np.concatenate([y[:, :r], past[:, r:], y[:, r:]], axis=1)


def _eps_outside(layer, at, x, now):
    mean, var, gamma, beta = (
        at[name][:, None, None] for name in ("running_mean", "running_var", "weight", "bias")
    )  # fmt: skip
    return gamma * (x - mean) / (np.sqrt(var) + x.dtype.type(layer.eps)) + beta


def _no_eps(layer, at, x, now):
    statistics = at["running_mean"], at["running_var"]
    return batch_norm_inference(x, *statistics, at["weight"], at["bias"], eps=1e-30)


def _other_momentum(layer, at, x, now):
    return steps._batch_norm(replace(layer, momentum=1 - layer.momentum), at, x, now)


def _biased(layer, at, x, now):
    """The batch's own variance carried along, without n / (n - 1)."""
    before, n = at["running_var"], x.size // x.shape[1]
    y = steps._batch_norm(layer, at, x, now)
    kept = (1 - layer.momentum) * before
    at["running_var"] = (kept + (at["running_var"] - kept) * ((n - 1) / n)).astype(x.dtype)
    return y


def _linear(layer, at, x, now):
    """The activation forgotten."""
    return x


def _unscaled(layer, at, x, now):
    """What dropout keeps is not divided by 1 - p."""
    return np.where(at["uniform"] >= layer.p, x, 0) if now.training else x


def _still_dropping(layer, at, x, now):
    """The expectation of the dropout of 2012, scaled once more after training."""
    return x * x.dtype.type(1 - layer.p)


def _channels_last(layer, at, x, now):
    return np.moveaxis(x, 1, -1).reshape(len(x), -1)


def _averaged(layer, at, x, now):
    """The mean in place of the maximum."""
    return avg_pool2d(x, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)


def _largest_of_window(layer, at, x, now):
    return max_pool2d(x, kernel=layer.kernel, stride=layer.stride, padding=layer.padding)


def _margin_left_out(layer, at, x, now):
    """Means over the pixels of the image only."""
    share = avg_pool2d(np.ones_like(x), kernel=layer.kernel, stride=layer.stride, padding=layer.padding)
    return avg_pool2d(x, kernel=layer.kernel, stride=layer.stride, padding=layer.padding) / share


def _unshuffled(layer, at, x, now):
    return x


def _mean_subsampling(layer, at, x, now):
    """The mean, squashed, without its weight."""
    return avg_pool2d(x, kernel=layer.kernel)


def _nearer_is_less(layer, at, x, now):
    return ((x[:, None] - at["weight"]) ** 2).sum(-1)


# Any network, in evaluation and in training

forward_eps_outside = _network("forward", "epsilon beside the root", spec.BatchNorm2d, _eps_outside)
forward_added_late = _network("forward", "the sum after the activation", spec.Residual, _added_late)
forward_other_order = _network("forward", "branches concatenated in another order", spec.Parallel, _other_order)
forward_gated_twice = _network("forward", "the gate applied twice", spec.Gate, _gated_twice)
training_unscaled = _network("forward_training", "1 / (1 - p) forgotten", spec.Dropout, _unscaled)
training_biased = _network("forward_training", "biased variance carried along", spec.BatchNorm2d, _biased)
training_momentum = _network("forward_training", "momentum for 1 - momentum", spec.BatchNorm2d, _other_momentum)

# Networks

simple_linear = _network("simple_cnn", "no activation", spec.Activation, _linear)
simple_channels_last = _network("simple_cnn", "flattened with the channels last", spec.Flatten, _channels_last)
simple_logits = _network("simple_cnn", "no softmax", spec.Softmax, _linear)
lenet_mean = _network("lenet5", "subsampling without its weight", spec.Subsampling, _mean_subsampling)
lenet_distance = _network("lenet5", "the distance without its sign", spec.RadialBasis, _nearer_is_less)
alexnet_dropping = _network("alexnet", "scaled as if dropout had not been inverted", spec.Dropout, _still_dropping)
alexnet_channels_last = _network("alexnet", "flattened with the channels last", spec.Flatten, _channels_last)
vgg_linear = _network("vgg", "no activation", spec.Activation, _linear)
vgg_dropping = _network("vgg", "scaled as if dropout had not been inverted", spec.Dropout, _still_dropping)
mlpconv_linear = _network("mlpconv", "no activation", spec.Activation, _linear)
nin_linear = _network("network_in_network", "no activation", spec.Activation, _linear)
nin_dropping = _network(
    "network_in_network", "scaled as if dropout had not been inverted", spec.Dropout, _still_dropping
)
inception_order = _network("inception_block", "branches in another order", spec.Parallel, _other_order)
inception_averaged = _network("inception_block", "the pooled branch averages", spec.MaxPool2d, _averaged)
googlenet_order = _network("googlenet", "branches in another order", spec.Parallel, _other_order)
googlenet_dropping = _network("googlenet", "scaled as if dropout had not been inverted", spec.Dropout, _still_dropping)
auxiliary_unscaled = _network("auxiliary_classifier", "1 / (1 - p) forgotten", spec.Dropout, _unscaled)
auxiliary_linear = _network("auxiliary_classifier", "no activation", spec.Activation, _linear)
residual_alone = _network("residual_block", "nothing goes past the body", spec.Residual, _alone)
residual_added_late = _network("residual_block", "the sum after the activation", spec.Residual, _added_late)
residual_unprojected = _network("residual_block", "zeros where the shape changes", spec.Residual, _unprojected)
bottleneck_alone = _network("bottleneck_block", "nothing goes past the body", spec.Residual, _alone)
bottleneck_added_late = _network("bottleneck_block", "the sum after the activation", spec.Residual, _added_late)
resnet_unprojected = _network("resnet", "zeros where the shape changes", spec.Residual, _unprojected)
resnet_added_late = _network("resnet", "the sum after the activation", spec.Residual, _added_late)
resnet_no_eps = _network("resnet", "epsilon forgotten", spec.BatchNorm2d, _no_eps)
dense_order = _network("dense_block", "what is new comes first", spec.Parallel, _other_order)
dense_linear = _network("dense_block", "no activation", spec.Activation, _linear)
transition_largest = _network(
    "transition_layer", "the maximum in place of the mean", spec.AvgPool2d, _largest_of_window
)
transition_linear = _network("transition_layer", "no activation", spec.Activation, _linear)
densenet_order = _network("densenet", "what is new comes first", spec.Parallel, _other_order)
densenet_eps_outside = _network("densenet", "epsilon beside the root", spec.BatchNorm2d, _eps_outside)
dual_appended_first = _network("dual_path_block", "what is new comes first", spec.DualPath, _appended_first)
dual_not_added = _network("dual_path_block", "the residual path not added", spec.DualPath, _not_added)
dpn_appended_first = _network("dpn", "what is new comes first", spec.DualPath, _appended_first)
dpn_not_added = _network("dpn", "the residual path not added", spec.DualPath, _not_added)
senet_gated_twice = _network("senet", "the gate applied twice", spec.Gate, _gated_twice)
senet_ungated = _network("senet", "no gate", spec.Gate, _ungated)
mobilenet_linear = _network("mobilenet", "no activation", spec.Activation, _linear)
mobilenet_no_eps = _network("mobilenet", "epsilon forgotten", spec.BatchNorm2d, _no_eps)
mobilenet_v2_alone = _network("mobilenet_v2", "nothing goes past the body", spec.Residual, _alone)
mobilenet_v2_curved = _network("mobilenet_v2", "an activation after the sum", spec.Residual, _curved)
unit_unshuffled = _network("shufflenet_unit", "not shuffled", spec.ChannelShuffle, _unshuffled)
unit_margin = _network("shufflenet_unit", "means without the margin", spec.AvgPool2d, _margin_left_out)
shufflenet_unshuffled = _network("shufflenet", "not shuffled", spec.ChannelShuffle, _unshuffled)
shufflenet_margin = _network("shufflenet", "means without the margin", spec.AvgPool2d, _margin_left_out)
shufflenet_v2_unshuffled = _network("shufflenet_v2", "not shuffled", spec.ChannelShuffle, _unshuffled)
shufflenet_v2_order = _network("shufflenet_v2", "the halves exchanged", spec.Parallel, _other_order)
mnasnet_alone = _network("mnasnet", "nothing goes past the body", spec.Residual, _alone)
mnasnet_curved = _network("mnasnet", "an activation after the sum", spec.Residual, _curved)


# Parts


@wrong("cnn.mlpconv", "no activation at the end")
def mlpconv_without_end(config, params, buffers, x, /):
    return right.forward(spec.Single(spec.Sequential(config.network.layers[:-1])), params, buffers, x)


@wrong("cnn.auxiliary_loss", "the main loss weighted, too")
def auxiliary_loss_all_weighted(main, auxiliary, /, *, weight=0.3):
    return weight * (main + auxiliary.sum())


@wrong("cnn.auxiliary_loss", "the mean of the auxiliary losses")
def auxiliary_loss_mean(main, auxiliary, /, *, weight=0.3):
    return main + weight * auxiliary.mean()


@wrong("cnn.projection_shortcut", "nothing projected where the channels are as many")
def projection_skipped(x, weight, /, *, stride=1):
    o, c = weight.shape[:2]
    return x[:, :, ::stride, ::stride] if o == c else right.projection_shortcut(x, weight, stride=stride)


@wrong("cnn.projection_shortcut", "the last row and column of each window in place of the first")
def projection_from_the_end(x, weight, /, *, stride=1):
    return right.projection_shortcut(x[..., ::-1, ::-1], weight, stride=stride)[..., ::-1, ::-1]


@wrong("cnn.squeeze", "the sum in place of the mean")
def squeeze_sum(u, /):
    return u.sum((2, 3))


@wrong("cnn.squeeze", "the mean over channels, too")
def squeeze_all(u, /):
    return u.mean((1, 2, 3))[:, None] + 0 * u[:, :, 0, 0]


@wrong("cnn.excitation", "no activation between the two matrices")
def excitation_linear(z, w1, w2, b1=None, b2=None, /):
    return sigmoid(linear(linear(z, w1, b1), w2, b2))


@wrong("cnn.excitation", "sigmoid and ReLU exchanged")
def excitation_exchanged(z, w1, w2, b1=None, b2=None, /):
    return relu(linear(sigmoid(linear(z, w1, b1)), w2, b2))


@wrong("cnn.se_block", "the gate applied twice")
def se_twice(u, *weights):
    return right.se_block(right.se_block(u, *weights), *weights)


@wrong("cnn.se_block", "the gate added")
def se_added(u, *weights):
    return u + right.excitation(right.squeeze(u), *weights)[:, :, None, None]
