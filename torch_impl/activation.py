"""Activation functions in PyTorch: one kernel each, where there is one."""

import torch
import torch.nn.functional as F

from gongsik.spec import activation as spec
from gongsik.torch_impl.arrays import implements

__all__ = ["elu", "leaky_relu", "relu", "sigmoid", "softmax", "softmax_jacobian", "step", "tanh"]


@implements(spec.step)
def step(x, /):
    # Three passes over vectors, two of them in place, which keep NaN; torch.heaviside goes element by element, and
    # sends NaN to 0.
    return x.clamp(-1, 0).floor_().add_(1)


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
    jacobian = p[..., :, None] * -p[..., None, :]  # [*batch, k, k]: the only pass over all of it
    jacobian.diagonal(dim1=-2, dim2=-1).add_(p)
    return jacobian
