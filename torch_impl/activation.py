"""Activation functions in PyTorch: one kernel each."""

import torch
import torch.nn.functional as F

from gongsik.spec import activation as spec
from gongsik.torch_impl.arrays import implements

__all__ = ["elu", "leaky_relu", "relu", "sigmoid", "softmax", "softmax_jacobian", "step", "tanh"]


@implements(spec.step)
def step(x, /):
    return torch.where(x.isnan(), x, (x >= 0).to(x.dtype))  # torch.heaviside sends NaN to 0


@implements(spec.sigmoid)
def sigmoid(z, /):
    return torch.sigmoid(z)


@implements(spec.tanh)
def tanh(x, /):
    return torch.tanh(x)


@implements(spec.relu)
def relu(x, /):
    return torch.relu(x)


@implements(spec.leaky_relu)
def leaky_relu(x, /, *, negative_slope=0.01):
    return F.leaky_relu(x, negative_slope)


@implements(spec.elu)
def elu(x, /, *, alpha=1.0):
    return F.elu(x, alpha)


@implements(spec.softmax)
def softmax(z, /, *, axis=-1):
    return torch.softmax(z, axis)


@implements(spec.softmax_jacobian)
def softmax_jacobian(z, /):
    p = torch.softmax(z, -1)
    return torch.diag_embed(p) - p[..., :, None] * p[..., None, :]
