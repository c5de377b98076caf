"""Activation functions in NumPy."""

import numpy as np

from gongsik.reference.arrays import implements
from gongsik.reference.autodiff import local_gradient
from gongsik.spec import activation as spec

__all__ = ["elu", "leaky_relu", "relu", "sigmoid", "softmax", "softmax_jacobian", "step", "tanh"]


@implements(spec.step)
def step(x, /):
    return np.where(x >= 0, 1, np.where(x < 0, 0, x))  # NaN is neither


@implements(spec.sigmoid)
@local_gradient(lambda s, z: s * (1 - s))
def sigmoid(z, /):
    e = np.exp(np.where(z >= 0, -z, z))  # at most 1: cannot overflow
    return np.where(z >= 0, 1, e) / (1 + e)


@implements(spec.tanh)
def tanh(x, /):
    return np.tanh(x)


@implements(spec.relu)
def relu(x, /):
    return np.where(x <= 0, 0, x)


@implements(spec.leaky_relu)
def leaky_relu(x, /, *, negative_slope=0.01):
    return np.where(x > 0, x, negative_slope * x)


@implements(spec.elu)
def elu(x, /, *, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))


@implements(spec.softmax)
def softmax(z, /, *, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@implements(spec.softmax_jacobian)
def softmax_jacobian(z, /):
    p = softmax(z)
    delta = np.eye(z.shape[-1], dtype=z.dtype)
    return p[..., :, None] * (delta - p[..., None, :])  # [*batch, k, k]
