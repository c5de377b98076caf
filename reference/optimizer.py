"""Optimizers in NumPy. Each step is written for one array; `step_of` makes it a step of a tree of arrays."""

import functools
import math

import numpy as np

from gongsik.reference.arrays import ADAPTER, implements
from gongsik.reference.autodiff import value_and_grad
from gongsik.spec import DomainError
from gongsik.spec import optimizer as spec
from gongsik.spec.array import TreeType
from gongsik.spec.tree import leaves, map_leaves, rebuild

__all__ = [
    "adadelta", "adagrad", "adam", "adamax", "adamw", "batch_gradient", "clip_grad_norm", "cosine_decay",
    "exponential_moving_average", "gradient_descent", "inverse_sqrt_decay", "linear_decay", "linear_warmup",
    "mini_batch_gradient", "momentum", "nadam", "nesterov", "nesterov_lookahead", "newton_method", "radam", "rmsprop",
    "stochastic_gradient",
]  # fmt: skip


def step_of(declaration):
    """Make a step of one array the reference of a declared step."""
    return lambda step: implements(declaration)(over_tree(declaration)(step))


def over_tree(declaration):
    """Make a step of one array a step of a tree of arrays: the same formula for each of them."""
    fields = declaration.formula.results[1].fields
    trees = [name for name, kind in fields.items() if isinstance(kind, TreeType)]

    def wrap(step):
        @functools.wraps(step)
        def of_tree(param, grad, state=None, /, **options):
            params = leaves(param)
            states = [None] * len(params)
            if state is not None:
                parts = zip(*(leaves(getattr(state, name), param) for name in trees), strict=True)
                states = [state._replace(**dict(zip(trees, part, strict=True))) for part in parts]
            options = {name: number(value) for name, value in options.items()}
            steps = [step(*one, **options) for one in zip(params, leaves(grad, param), states, strict=True)]
            new = {name: rebuild(param, (getattr(state, name) for _, state in steps)) for name in trees}
            return rebuild(param, (w for w, _ in steps)), steps[0][1]._replace(**new)

        return of_tree

    return wrap


def number(option):
    """An option without NumPy's dtype, which would decide that of the result: a rate of a schedule, say."""
    return option.item() if isinstance(option, np.generic | np.ndarray) else option


def zeros(param, n):
    return (np.zeros_like(param),) * n


def next_step(state):
    return np.array(1 if state is None else state.step + 1)


def one_minus_power(beta, t):
    """1 - beta^t in double precision, without cancellation for beta near 1."""
    return -math.expm1(int(t) * math.log(beta)) if beta else 1.0


# One step down the slope


@implements(spec.gradient_descent)
def gradient_descent(param, grad, /, *, lr=1e-3):
    lr = number(lr)
    return map_leaves(lambda w, g: w - lr * g, param, grad)


# Which samples the gradient is taken over


@implements(spec.stochastic_gradient)
def stochastic_gradient(loss, params, data, index, /):
    return gradient_on("stochastic_gradient", loss, params, data, index.reshape(1))


@implements(spec.mini_batch_gradient)
def mini_batch_gradient(loss, params, data, index, /):
    return gradient_on("mini_batch_gradient", loss, params, data, index)


@implements(spec.batch_gradient)
def batch_gradient(loss, params, data, /):
    spec.count_samples("batch_gradient", data)
    return value_and_grad(loss)(params, *data)


def gradient_on(name, loss, params, data, index):
    n = spec.count_samples(name, data)
    if not ADAPTER.inside(index, 0, n - 1, False, False):
        raise DomainError(f"{name}: index has a value that is not in [0, {n - 1}], the samples of data")
    return value_and_grad(loss)(params, *(x[index] for x in data))


# A memory of the direction


@step_of(spec.momentum)
def momentum(param, grad, state=None, /, *, lr=1e-3, beta=0.9):
    (a,) = zeros(param, 1) if state is None else state
    a = beta * a + grad
    return param - lr * a, spec.MomentumState(a)


@step_of(spec.nesterov)
def nesterov(param, grad, state=None, /, *, lr=1e-3, beta=0.9, form="shifted"):
    (a,) = zeros(param, 1) if state is None else state
    a = beta * a + grad
    step = a if form == "lookahead" else grad + beta * a
    return param - lr * step, spec.MomentumState(a)


@implements(spec.nesterov_lookahead)
def nesterov_lookahead(param, state=None, /, *, lr=1e-3, beta=0.9):
    lr, beta = number(lr), number(beta)
    return param if state is None else map_leaves(lambda w, a: w - lr * beta * a, param, state.a)


@implements(spec.exponential_moving_average)
def exponential_moving_average(x, init=None, /, *, gamma=0.99):
    m = np.zeros_like(x[0]) if init is None else init
    averages = []
    for value in x:
        m = gamma * m + (1 - gamma) * value
        averages.append(m)
    return np.stack(averages)  # [t, *shape]


# A rate of its own for every parameter


def root(x, eps, eps_place):
    return np.sqrt(x + eps) if eps_place == "inside" else np.sqrt(x) + eps


@step_of(spec.adagrad)
def adagrad(param, grad, state=None, /, *, lr=1e-2, eps=1e-10, eps_place="outside"):
    (G,) = zeros(param, 1) if state is None else state
    G = G + grad**2
    return param - lr * grad / root(G, eps, eps_place), spec.AdagradState(G)


@step_of(spec.adadelta)
def adadelta(param, grad, state=None, /, *, gamma=0.9, eps=1e-6):
    G, H = zeros(param, 2) if state is None else state
    G = gamma * G + (1 - gamma) * grad**2
    delta = -np.sqrt(H + eps) / np.sqrt(G + eps) * grad
    H = gamma * H + (1 - gamma) * delta**2
    return param + delta, spec.AdadeltaState(G, H)


@step_of(spec.rmsprop)
def rmsprop(param, grad, state=None, /, *, lr=1e-2, gamma=0.99, eps=1e-8, eps_place="outside"):
    (G,) = zeros(param, 1) if state is None else state
    G = gamma * G + (1 - gamma) * grad**2
    return param - lr * grad / root(G, eps, eps_place), spec.RMSPropState(G)


# Both: the Adam family


def moments(param, grad, state, beta1, beta2):
    """Moving averages of the gradient and of its square: m_t and v_t."""
    m, v = zeros(param, 2) if state is None else (state.m, state.v)
    return beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2


@step_of(spec.adam)
def adam(param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, eps_place="outside"):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    m_hat = m / one_minus_power(beta1, t)
    if eps_place == "inside":
        step = math.sqrt(one_minus_power(beta2, t)) * m_hat / np.sqrt(v + eps)
    else:
        step = m_hat / (np.sqrt(v / one_minus_power(beta2, t)) + eps)
    return param - lr * step, spec.AdamState(t, m, v)


@step_of(spec.adamax)
def adamax(param, grad, state=None, /, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    t = next_step(state)
    m, u = zeros(param, 2) if state is None else (state.m, state.u)
    m = beta1 * m + (1 - beta1) * grad
    u = np.maximum(beta2 * u, np.abs(grad) + eps)
    return param - lr / one_minus_power(beta1, t) * m / u, spec.AdamaxState(t, m, u)


@step_of(spec.adamw)
def adamw(param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    m_hat, v_hat = m / one_minus_power(beta1, t), v / one_minus_power(beta2, t)
    return (1 - lr * weight_decay) * param - lr * m_hat / (np.sqrt(v_hat) + eps), spec.AdamState(t, m, v)


@step_of(spec.nadam)
def nadam(
    param, grad, state=None, /, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=4e-3, form="scheduled"
):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (int(s) * momentum_decay)) for s in (t, t + 1))
    mu_product = np.copy(mu * (np.ones(()) if state is None else state.mu_product))
    if form == "scheduled":
        rest, rest_next = ((1 - product).astype(param.dtype) for product in (mu_product, mu_product * mu_next))
        ahead = mu_next * m / rest_next + (1 - mu) * grad / rest
    else:
        ahead = (beta1 * m + (1 - beta1) * grad) / one_minus_power(beta1, t)
    v_hat = v / one_minus_power(beta2, t)
    return param - lr * ahead / (np.sqrt(v_hat) + eps), spec.NAdamState(t, mu_product, m, v)


@step_of(spec.radam)
def radam(param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    m_hat = m / one_minus_power(beta1, t)
    rho_inf, rho = (1 + beta2) / (1 - beta2), averaged_gradients(beta2, int(t))
    if rho > 5:
        r = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        m_hat = r * m_hat * math.sqrt(one_minus_power(beta2, t)) / (np.sqrt(v) + eps)
    return param - lr * m_hat, spec.AdamState(t, m, v)


def averaged_gradients(beta, t):
    """RAdam's rho_t = rho_inf - 2 t beta^t / (1 - beta^t): how many gradients the average of squares stands for.

    Both terms are near 2 / d, d = -log(beta), and what remains is near t; so where t d < 2 it is written without 2 / d.
    """
    if beta == 0 or -t * math.log(beta) > 2:
        return (1 + beta) / (1 - beta) - 2 * t * beta**t / one_minus_power(beta, t)
    half = -math.log(beta) / 2
    return t * (1 - langevin(t * half)) + langevin(half)


def langevin(y):
    """Give coth(y) - 1/y for 0 < y <= 1 without cancellation: y / (3 + y^2 / (5 + y^2 / (7 + ...)))."""
    fraction = 0.0
    for k in range(19, 1, -2):
        fraction = y * y / (k + fraction)
    return fraction / y


# Using the curvature


@implements(spec.newton_method)
def newton_method(param, grad, hessian, /):
    try:
        return param - np.linalg.solve(hessian, grad)
    except np.linalg.LinAlgError as error:
        raise DomainError("newton_method: hessian is singular") from error


# The rate over time


@implements(spec.cosine_decay)
def cosine_decay(step, /, *, base_lr=1e-3, total_steps=1000, min_lr=0.0):
    # (1 + cos(pi t / T)) / 2 without the cancellation near t = T
    share = np.sin(np.pi / 2 * ((total_steps - step) / total_steps)) ** 2
    return min_lr + (base_lr - min_lr) * share


@implements(spec.linear_decay)
def linear_decay(step, /, *, base_lr=1e-3, total_steps=1000):
    return base_lr * (np.maximum(total_steps - step, 0) / total_steps)


@implements(spec.inverse_sqrt_decay)
def inverse_sqrt_decay(step, /, *, base_lr=1e-3, timescale=1):
    return base_lr / np.sqrt(step / timescale)


@implements(spec.linear_warmup)
def linear_warmup(step, /, *, base_lr=1e-3, warmup_steps=100, decay="constant", total_steps=None):
    after = np.maximum(step - warmup_steps, 0)
    span = 0 if total_steps is None else total_steps - warmup_steps  # a decay that needs it has it
    if decay == "cosine":
        rate = cosine_decay(after, base_lr=base_lr, total_steps=span)
    elif decay == "linear":
        rate = linear_decay(after, base_lr=base_lr, total_steps=span)
    elif decay == "inverse_sqrt":
        timescale = max(warmup_steps, 1)
        rate = inverse_sqrt_decay(np.maximum(step, timescale), base_lr=base_lr, timescale=timescale)
    else:
        rate = base_lr
    return rate * (np.minimum(step, warmup_steps) / warmup_steps if warmup_steps else np.ones(step.shape))


@implements(spec.clip_grad_norm)
def clip_grad_norm(grads, /, *, max_norm=1.0):
    arrays = [g.reshape(-1) for g in leaves(grads) if g.size]
    if not arrays:
        return grads
    everything = np.concatenate(arrays)
    largest = np.max(np.abs(everything))
    scale = np.where((largest > 0) & (largest < np.inf), largest, 1)  # so that no square overflows
    norm = scale * np.linalg.norm(everything / scale)
    factor = max_norm / np.maximum(norm, max_norm)
    return map_leaves(lambda g: g * factor.astype(g.dtype), grads)
