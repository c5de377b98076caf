"""Networks in PyTorch: how each layer of a tree is computed, on arrays by name or inside a module."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.spec import layers as spec
from gongsik.spec.errors import DomainError, ShapeError
from gongsik.spec.layers import check_network, nest
from gongsik.torch_impl.convolution import channel_shuffle
from gongsik.torch_impl.network import ACTIVATIONS
from gongsik.torch_impl.normalization import local_response_norm
from gongsik.torch_impl.pooling import trainable_subsampling
from gongsik.torch_impl.regularization import inverted_dropout


@dataclass(frozen=True)
class Pass:
    """One way through a network: whether it is training, what auxiliary heads said, and what is given beside x."""

    training: bool = False
    auxiliary: list[Any] = field(default_factory=list)
    condition: Any = None


def run(layer, at, x, now):
    """What a layer makes of x. `at` has its arrays by name: a dict with dicts inside, or a `NetworkModule`.

    In training the running statistics in `at` are written over: whoever wants to keep them passes a copy.
    """
    return STEPS[type(layer)](layer, at, x, now)


def evaluate(name, config, params, buffers, x, condition=None):
    """What a network says after training, once all that it is given has been checked; `name` is the formula's."""
    if not torch.compiler.is_compiling():
        check_network(name, config, params, buffers, x.shape)
    return run(config.network, nest(params | buffers), x, Pass(condition=condition))


def child(name, layer, at, x, now):
    if not name:
        return run(layer, at, x, now)
    if not isinstance(at, dict):
        return at[name](x, now)  # a module's part, called so that its hooks are
    for part in name.split("."):
        at = at.get(part, {})
    return run(layer, at, x, now)


def _conv2d(layer, at, x, now):
    bias = at["bias"] if layer.bias else None
    return F.conv2d(x, at["weight"], bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def _conv_transpose2d(layer, at, x, now):
    options = {"stride": layer.stride, "padding": layer.padding, "output_padding": layer.output_padding}
    return F.conv_transpose2d(x, at["weight"], at["bias"] if layer.bias else None, **options)


def _partial_conv2d(layer, at, x, now):
    index = torch.tensor(layer.index(), device=x.device)
    weight = F.pad(at["weight"], (0, 0, 0, 0, 1, 0))[index]  # [o c kernel kernel]
    return F.conv2d(x, weight, at["bias"])


def _radial_basis(layer, at, x, now):
    return -(x[:, None] - at["weight"]).square().sum(-1)


def _batch_norm(layer, at, x, now):
    if now.training:
        if x.numel() == x.shape[1]:
            raise DomainError("batch_norm: one value per channel has no variance, expected at least two in training")
        at["num_batches_tracked"].add_(1)
    statistics = at["running_mean"], at["running_var"]
    return F.batch_norm(x, *statistics, at["weight"], at["bias"], now.training, layer.momentum, layer.eps)


def _instance_norm(layer, at, x, now):
    gain = (at["weight"], at["bias"]) if layer.affine else (None, None)
    return F.group_norm(x, layer.channels, *gain, eps=layer.eps)  # each map is a group: also a map of one pixel


def _pixel_norm(layer, at, x, now):
    return x * (x.square().mean(1, keepdim=True) + layer.eps).rsqrt()


def _minibatch_deviation(layer, at, x, now):
    deviation = (x.var(0, correction=0) + layer.eps).sqrt().mean()
    return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], 1)


def _equalized(layer, at, x, now):
    bias = {"bias": at["bias"]} if layer.layer.bias else {}
    return run(layer.layer, {"weight": layer.gain * at["weight"], **bias}, x, now)


def _linear(layer, at, x, now):
    return F.linear(x, at["weight"], at["bias"] if layer.bias else None)


OVER = {"relu": F.relu_, "relu6": lambda x: F.relu6(x, inplace=True)}
"""Activations that can be written over their input: one large result less."""
FRESH = (spec.Conv2d, spec.ConvTranspose2d, spec.BatchNorm2d, spec.InstanceNorm2d, spec.Linear, spec.Equalized)
"""Layers whose result nobody else has, and whose gradient does not need it."""


def _over(layer):
    """What writes an activation over its input; None if it cannot be."""
    if isinstance(layer, spec.LeakyReLU):
        return lambda x: F.leaky_relu_(x, layer.negative_slope)
    return OVER.get(layer.name) if isinstance(layer, spec.Activation) else None


def _activation(layer, at, x, now):
    return F.relu6(x) if layer.name == "relu6" else ACTIVATIONS[layer.name](x)


def _max_pool(layer, at, x, now):
    return F.max_pool2d(x, layer.kernel, layer.step, layer.padding, ceil_mode=layer.ceil)


def _avg_pool(layer, at, x, now):
    return F.avg_pool2d(x, layer.kernel, layer.step, layer.padding)


def _adaptive_avg_pool(layer, at, x, now):
    # The mean is as fast as the pooling kernel, and its gradient faster.
    return x.mean((-2, -1), keepdim=True) if layer.size == 1 else F.adaptive_avg_pool2d(x, layer.size)


def _zero_channels(layer, at, x, now):
    return F.pad(x, (0, 0, 0, 0, 0, layer.channels - x.shape[1]))


def _local_response_norm(layer, at, x, now):
    options = {"size": layer.size, "alpha": layer.alpha, "beta": layer.beta, "k": layer.k, "average": layer.average}
    return local_response_norm(x, **options)


def _dropout(layer, at, x, now):
    if not now.training:
        return x
    if isinstance(at, dict):
        return inverted_dropout(x, at["uniform"], p=layer.p)
    return F.dropout(x, layer.p)


def _sequential(layer, at, x, now):
    before = None
    for name, each in layer.layers:
        over = _over(each) if isinstance(before, FRESH) else None
        x = over(x) if over else child(name, each, at, x, now)
        before = each
    return x


def _last(layer):
    while isinstance(layer, spec.Sequential) and layer.layers:
        layer = layer.layers[-1][1]
    return layer


def _residual(layer, at, x, now):
    y = run(layer.body, at, x, now)
    shortcut = x if layer.shortcut is None else child(layer.shortcut_name, layer.shortcut, at, x, now)
    y = y.add_(shortcut) if isinstance(_last(layer.body), FRESH) and y.dtype == shortcut.dtype else y + shortcut
    return OVER[layer.activation](y) if layer.activation in OVER else ACTIVATIONS[layer.activation](y)


def _parallel(layer, at, x, now):
    n = len(layer.branches)
    shares = x.chunk(n, dim=1) if layer.split else [x] * n
    outputs = [
        share if branch is None else child(name, branch, at, share, now)
        for (name, branch), share in zip(layer.branches, shares, strict=True)
    ]
    if layer.crop:
        height, width = (min(y.shape[axis] for y in outputs) for axis in (-2, -1))
        outputs = [_cropped(y, height, width) for y in outputs]
    return torch.cat(outputs, 1)


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
    return torch.cat([shortcut[:, :r] + y[:, :r], shortcut[:, r:], y[:, r:]], 1)


def _fade(layer, at, x, now):
    return torch.lerp(run(layer.old, at, x, now), run(layer.new, at, x, now), at["alpha"])


def _condition(layer, at, x, now):
    if now.condition is None:
        raise ShapeError(f"{layer}: nothing is given beside x, expected {layer.size} numbers for each sample")
    given = now.condition
    return beside(x, given if layer.project is None else child(layer.name, layer.project, at, given, now))


def beside(x, y):
    """Numbers y [n k] behind the channels of x [n c *space], the same at all places: [n c+k *space]."""
    space = x.shape[2:]
    return torch.cat([x, y.reshape(*y.shape, *(1 for _ in space)).expand(*y.shape, *space)], 1)


def _auxiliary(layer, at, x, now):
    if now.training:
        now.auxiliary.append(run(layer.head, at, x, now))
    return x


def _at_input_size(layer, at, x, now):
    before = len(now.auxiliary)
    y, size = run(layer.body, at, x, now), x.shape[-2:]
    now.auxiliary[before:] = [F.interpolate(heard, size, mode="bilinear") for heard in now.auxiliary[before:]]
    return F.interpolate(y, size, mode="bilinear")


STEPS: dict[type[spec.Layer], Callable[..., Any]] = {
    spec.Conv2d: _conv2d,
    spec.ConvTranspose2d: _conv_transpose2d,
    spec.PartialConv2d: _partial_conv2d,
    spec.BatchNorm2d: _batch_norm,
    spec.InstanceNorm2d: _instance_norm,
    spec.PixelNorm: _pixel_norm,
    spec.MinibatchDeviation: _minibatch_deviation,
    spec.Equalized: _equalized,
    spec.Linear: _linear,
    spec.RadialBasis: _radial_basis,
    spec.Softmax: lambda layer, at, x, now: F.softmax(x, -1),
    spec.Activation: _activation,
    spec.LeakyReLU: lambda layer, at, x, now: F.leaky_relu(x, layer.negative_slope),
    spec.MaxPool2d: _max_pool,
    spec.AvgPool2d: _avg_pool,
    spec.Subsampling: lambda layer, at, x, now: trainable_subsampling(x, at["weight"], at["bias"], kernel=layer.kernel),
    spec.AdaptiveAvgPool2d: _adaptive_avg_pool,
    spec.LocalResponseNorm: _local_response_norm,
    spec.Dropout: _dropout,
    spec.Flatten: lambda layer, at, x, now: x.flatten(1),
    spec.Unflatten: lambda layer, at, x, now: x.reshape(len(x), *layer.shape),
    spec.ReflectionPad2d: lambda layer, at, x, now: F.pad(x, 4 * (layer.padding,), mode="reflect"),
    spec.Upsample: lambda layer, at, x, now: F.interpolate(x, scale_factor=layer.factor),
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


def place(scope: nn.Module, name: str, module: nn.Module) -> None:
    """Make a module part of another one; a name with dots lies inside modules that hold modules only."""
    *path, last = name.split(".")
    for part in path:
        if not hasattr(scope, part):
            scope.add_module(part, nn.Module())
        scope = scope.get_submodule(part)
    scope.add_module(last, module)


class NetworkModule(nn.Module):
    """A network as a module: its state dict has the names and shapes of ``config.parameters()`` and ``buffers()``.

    Parameters start as torch's own layers start. In training mode dropout draws from torch's generator, running
    statistics are updated in place, and a network with auxiliary heads returns what they say as well.

    Parameters
    ----------
    config : Architecture or Layer
        The configuration, or a part of a network.

    Examples
    --------
    >>> from gongsik.spec.layers import Activation, Conv2d, sequence
    >>> list(NetworkModule(sequence(Conv2d(3, 8, 3), Activation())).state_dict())
    ['0.weight', '0.bias']
    """

    def __init__(self, config: spec.Architecture | spec.Layer, /) -> None:
        super().__init__()
        self.layer = config.network if isinstance(config, spec.Architecture) else config
        self._fill(self.layer)

    def _fill(self, layer: spec.Layer) -> None:
        """Make the arrays of a layer mine, and a module of each named layer inside it."""
        for name, inner in layer.children() if isinstance(layer, spec.Tree) else ():
            if name:
                place(self, name, NetworkModule(inner))
            else:
                self._fill(inner)
        if isinstance(layer, spec.Fade):
            self.register_buffer("alpha", torch.zeros(()))
        elif made := _torch_layer(layer):
            for name in layer.parameters():
                self.register_parameter(name, getattr(made, name))
            for name in layer.buffers():
                self.register_buffer(name, getattr(made, name))

    def __getitem__(self, name: str) -> Any:
        return self.get_submodule(name) if "." in name else getattr(self, name)

    def forward(self, x: Tensor, now: Pass | None = None, *, condition: Tensor | None = None) -> Any:
        if now is not None:  # inside another network, of which a part may be frozen
            return run(self.layer, self, x, Pass(self.training, now.auxiliary, now.condition))
        now = Pass(self.training, condition=condition)
        y = run(self.layer, self, x, now)
        return (y, *now.auxiliary) if now.auxiliary else y

    def extra_repr(self) -> str:
        return "" if isinstance(self.layer, spec.Tree) else str(self.layer)


def _torch_layer(layer: spec.Layer) -> Any:
    """Something with the parameters and buffers of this layer, as they start: torch's own layer, if there is one."""
    match layer:
        case spec.Conv2d():
            return nn.Conv2d(layer.c_in, layer.c_out, layer.kernel, groups=layer.groups, bias=layer.bias)
        case spec.ConvTranspose2d():
            return nn.ConvTranspose2d(layer.c_in, layer.c_out, layer.kernel, bias=layer.bias)
        case spec.BatchNorm2d():
            return nn.BatchNorm2d(layer.channels)
        case spec.InstanceNorm2d():
            return nn.InstanceNorm2d(layer.channels, affine=layer.affine)
        case spec.Equalized():
            made = _torch_layer(layer.layer)
            nn.init.normal_(made.weight)
            if layer.layer.bias:
                nn.init.zeros_(made.bias)
            return made
        case spec.Linear():
            return nn.Linear(layer.n_in, layer.n_out, bias=layer.bias)
        case spec.PartialConv2d():
            weight, bias = (torch.empty(shape) for shape in layer.parameters().values())
            seen = len(weight) / len(bias) * layer.kernel**2  # pixels that an output sees, on the average
            bound = 1 / math.sqrt(seen)
            return SimpleNamespace(
                weight=nn.Parameter(weight.uniform_(-bound, bound)), bias=nn.Parameter(bias.uniform_(-bound, bound))
            )
        case spec.Subsampling():  # the mean
            weight = torch.full((layer.channels,), 1 / layer.kernel**2)
            return SimpleNamespace(weight=nn.Parameter(weight), bias=nn.Parameter(torch.zeros_like(weight)))
        case spec.RadialBasis():  # codes of -1 and 1
            return SimpleNamespace(weight=2.0 * torch.randint(2, (layer.n_out, layer.n_in)) - 1)
    return None
