"""A backend of a third party: ten formulas on JAX, in a module that imports nothing of gongsik.

    gongsik conformance examples.jax_backend

judges what it has and lists what it lacks. So does, from any folder, with this one on the path,

    PYTHONPATH=examples pytest --pyargs gongsik.conformance --backend jax_backend
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)  # else JAX would make float32 of float64


def asarray(x, /, *, dtype=None, device=None):
    return jax.device_put(jnp.asarray(x, dtype=dtype), device and jax.devices(device)[0])


def to_numpy(x, /):
    return np.asarray(x)


def value_and_grad(function, /):
    return jax.value_and_grad(function)


# Activations


def sigmoid(z, /):
    return jax.nn.sigmoid(z)


def tanh(x, /):
    return jnp.tanh(x)


def relu(x, /):
    return jax.nn.relu(x)


def softmax(z, /, *, axis=-1):
    return jax.nn.softmax(z, axis)


# Losses


def reduce(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    return losses.sum() / len(losses) if reduction == "batchmean" else losses.sum()


def mse(pred, target, /, *, reduction="mean"):
    return reduce((pred - target) ** 2, reduction)


def softmax_cross_entropy(logits, target, /, *, reduction="mean"):
    log_p = jax.nn.log_softmax(logits)
    return reduce(-jnp.take_along_axis(log_p, target[..., None], axis=-1)[..., 0], reduction)


def hinge_loss(score, target, /, *, reduction="mean"):
    return reduce(relu(1 - target * score), reduction)


# Optimizers: a tree of arrays is what JAX calls a pytree


def gradient_descent(param, grad, /, *, lr=1e-3):
    return jax.tree.map(lambda w, g: w - lr * g, param, grad)


class MomentumState(NamedTuple):
    a: Any


def momentum(param, grad, state=None, /, *, lr=1e-3, beta=0.9):
    a = grad if state is None else jax.tree.map(lambda a, g: beta * a + g, state.a, grad)
    return gradient_descent(param, a, lr=lr), MomentumState(a)


class AdamState(NamedTuple):
    step: Any
    m: Any
    v: Any


def adam(param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, eps_place="outside"):
    if state is None:
        zeros = jax.tree.map(jnp.zeros_like, param)
        state = AdamState(jnp.asarray(0), zeros, zeros)
    step = state.step + 1
    m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state.m, grad)
    v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g**2, state.v, grad)

    def move(w, m, v):
        # In float64: 1 - 0.999**1 has lost ten of float32's bits.
        m_scale, v_scale = ((1 - beta ** step.astype("float64")).astype(w.dtype) for beta in (beta1, beta2))
        if eps_place == "inside":
            return w - lr * jnp.sqrt(v_scale) / m_scale * m / jnp.sqrt(v + eps)
        return w - lr * (m / m_scale) / (jnp.sqrt(v / v_scale) + eps)

    return jax.tree.map(move, param, m, v), AdamState(step, m, v)
