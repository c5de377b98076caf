"""Classic mistakes in activation functions."""

import numpy as np

from gongsik.conformance.wrong import wrong


@wrong("activation.step", "0 belongs to the lower side")
def step_of_zero_is_zero(x, /):
    return np.where(x > 0, 1, np.where(x <= 0, 0, x)).astype(x.dtype)


@wrong("activation.step", "the sign, from -1 to 1")
def step_is_sign(x, /):
    return np.sign(x)


@wrong("activation.sigmoid", "e^z over 1 + e^z: infinity over infinity for a large score")
def sigmoid_overflows(z, /):
    return np.exp(z) / (1 + np.exp(z))


@wrong("activation.sigmoid", "through tanh: a small probability is lost in a difference from 1")
def sigmoid_cancels(z, /):
    return (1 + np.tanh(z / 2)) / 2


@wrong("activation.sigmoid", "the hard sigmoid, three straight pieces")
def sigmoid_hard(z, /):
    return np.clip(z / 4 + 0.5, 0, 1)


@wrong("activation.tanh", "the quotient of exponentials as it is written: infinity over infinity")
def tanh_overflows(x, /):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


@wrong("activation.tanh", "2 sigmoid(x) - 1: the factor 2 inside is forgotten")
def tanh_unscaled(x, /):
    return np.tanh(x / 2)


@wrong("activation.tanh", "2 sigmoid(2x) - 1: a small value is lost in a difference from 1")
def tanh_cancels(x, /):
    return 2 / (1 + np.exp(-2 * np.clip(x, -40, 40))) - 1


@wrong("activation.relu", "the absolute value")
def relu_folds(x, /):
    return np.abs(x)


@wrong("activation.relu", "the smooth one, softplus")
def relu_smooth(x, /):
    return np.logaddexp(0, x)


@wrong("activation.relu", "cut at 6")
def relu_capped(x, /):
    return np.clip(x, 0, 6)


@wrong("activation.leaky_relu", "the slope of the default, whatever is asked for")
def leaky_relu_ignores_slope(x, /, *, negative_slope=0.01):
    return np.where(x > 0, x, 0.01 * x)


@wrong("activation.leaky_relu", "the negative side is turned upwards")
def leaky_relu_turned(x, /, *, negative_slope=0.01):
    return np.where(x > 0, x, negative_slope * np.abs(x))


@wrong("activation.elu", "exp(x) - 1 in place of expm1: a small value is lost")
def elu_cancels(x, /, *, alpha=1.0):
    return np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))


@wrong("activation.elu", "alpha inside the exponential")
def elu_alpha_inside(x, /, *, alpha=1.0):
    return np.where(x > 0, x, np.expm1(alpha * np.minimum(x, 0)))


@wrong("activation.elu", "alpha scales the positive side, too")
def elu_alpha_everywhere(x, /, *, alpha=1.0):
    return alpha * np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


@wrong("activation.softmax", "the maximum is not subtracted")
def softmax_unshifted(z, /, *, axis=-1):
    e = np.exp(z)
    return e / e.sum(axis, keepdims=True)


@wrong("activation.softmax", "normalised over all axes")
def softmax_of_everything(z, /, *, axis=-1):
    e = np.exp(z - z.max())
    return e / e.sum()


@wrong("activation.softmax", "always along the last axis")
def softmax_ignores_axis(z, /, *, axis=-1):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@wrong("activation.softmax", "a small constant in the denominator, against a division by 0 that cannot happen")
def softmax_with_epsilon(z, /, *, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / (e.sum(axis, keepdims=True) + z.dtype.type(1e-3))


@wrong("activation.softmax_jacobian", "only the diagonal p (1 - p), as for independent sigmoids")
def softmax_jacobian_diagonal(z, /):
    e = np.exp(z - z.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    return (p * (1 - p))[..., None] * np.eye(z.shape[-1], dtype=z.dtype)


@wrong("activation.softmax_jacobian", "1 in place of p on the diagonal: delta - p p^T")
def softmax_jacobian_without_p(z, /):
    e = np.exp(z - z.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    return np.eye(z.shape[-1], dtype=z.dtype) - p[..., :, None] * p[..., None, :]
