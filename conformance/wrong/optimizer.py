"""Classic mistakes in optimizers. A step is written for one array, as in the reference."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gongsik import reference
from gongsik.conformance.wrong import wrong
from gongsik.reference.autodiff import value_and_grad
from gongsik.reference.optimizer import moments, next_step, one_minus_power, over_tree, root, zeros
from gongsik.spec import optimizer as spec
from gongsik.spec.tree import leaves, map_leaves


def wrong_step(id: str, mistake: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a wrong step of one array as a wrong step of a tree of arrays."""
    over = over_tree(getattr(spec, id.split(".")[1]))
    return lambda step: wrong(id, mistake)(over(step))


@wrong("optimizer.gradient_descent", "up the slope")
def gradient_ascent(param, grad, /, *, lr=1e-3):
    return map_leaves(lambda w, g: w + lr * g, param, grad)


@wrong("optimizer.gradient_descent", "every array has its gradient divided by its length")
def gradient_descent_normalised(param, grad, /, *, lr=1e-3):
    return map_leaves(lambda w, g: w - lr * g / np.maximum(np.linalg.norm(g.reshape(-1)), 1e-30), param, grad)


@wrong("optimizer.stochastic_gradient", "the next sample is taken")
def stochastic_gradient_off_by_one(loss, params, data, index, /):
    i = (index + 1) % len(data[0])
    return value_and_grad(loss)(params, *(x[i][None] for x in data))


@wrong("optimizer.stochastic_gradient", "divided by the number of all samples")
def stochastic_gradient_of_sum(loss, params, data, index, /):
    n = len(data[0])
    value, grads = reference.stochastic_gradient(loss, params, data, index)
    return value / n, map_leaves(lambda g: g / n, grads)


@wrong("optimizer.mini_batch_gradient", "the sum over the batch, not the mean")
def mini_batch_gradient_summed(loss, params, data, index, /):
    value, grads = reference.mini_batch_gradient(loss, params, data, index)
    return value * len(index), map_leaves(lambda g: g * len(index), grads)


@wrong("optimizer.mini_batch_gradient", "a sample that was drawn twice counts once")
def mini_batch_gradient_without_repeats(loss, params, data, index, /):
    return reference.mini_batch_gradient(loss, params, data, np.unique(index))


@wrong("optimizer.batch_gradient", "the sum over the samples, not the mean")
def batch_gradient_summed(loss, params, data, /):
    value, grads = reference.batch_gradient(loss, params, data)
    return value * len(data[0]), map_leaves(lambda g: g * len(data[0]), grads)


@wrong("optimizer.batch_gradient", "the last sample is left out")
def batch_gradient_without_last(loss, params, data, /):
    return reference.batch_gradient(loss, params, tuple(x[: max(len(x) - 1, 1)] for x in data))


@wrong_step("optimizer.momentum", "the gradient is damped by 1 - beta")
def momentum_damped(param, grad, state=None, /, *, lr, beta):
    (a,) = zeros(param, 1) if state is None else state
    a = beta * a + (1 - beta) * grad
    return param - lr * a, spec.MomentumState(a)


@wrong_step("optimizer.momentum", "the step uses the old sum")
def momentum_late(param, grad, state=None, /, *, lr, beta):
    (a,) = zeros(param, 1) if state is None else state
    return param - lr * a, spec.MomentumState(beta * a + grad)


@wrong_step("optimizer.nesterov", "plain momentum in both forms")
def nesterov_without_lookahead(param, grad, state=None, /, *, lr, beta, form):
    (a,) = zeros(param, 1) if state is None else state
    a = beta * a + grad
    return param - lr * a, spec.MomentumState(a)


@wrong_step("optimizer.nesterov", "the shifted form adds the old sum")
def nesterov_late(param, grad, state=None, /, *, lr, beta, form):
    (a,) = zeros(param, 1) if state is None else state
    new = beta * a + grad
    return param - lr * (new if form == "lookahead" else grad + beta * a), spec.MomentumState(new)


@wrong("optimizer.nesterov_lookahead", "looks back instead of ahead")
def nesterov_lookback(param, state=None, /, *, lr, beta):
    return param if state is None else map_leaves(lambda w, a: w + lr * beta * a, param, state.a)


@wrong("optimizer.nesterov_lookahead", "beta is forgotten")
def nesterov_lookahead_too_far(param, state=None, /, *, lr, beta):
    return param if state is None else map_leaves(lambda w, a: w - lr * a, param, state.a)


@wrong("optimizer.exponential_moving_average", "the weights are exchanged")
def exponential_moving_average_exchanged(x, init=None, /, *, gamma):
    return reference.exponential_moving_average(x, init, gamma=1 - gamma if gamma > 0 else 0.5)


@wrong("optimizer.exponential_moving_average", "starts at the first value instead of 0")
def exponential_moving_average_from_first(x, init=None, /, *, gamma):
    return reference.exponential_moving_average(x, x[0] if init is None else init, gamma=gamma)


@wrong_step("optimizer.adagrad", "the root is forgotten")
def adagrad_without_root(param, grad, state=None, /, *, lr, eps, eps_place):
    (G,) = zeros(param, 1) if state is None else state
    G = G + grad**2
    return param - lr * grad / (G + eps), spec.AdagradState(G)


@wrong_step("optimizer.adagrad", "epsilon on the other side of the root")
def adagrad_eps_exchanged(param, grad, state=None, /, *, lr, eps, eps_place):
    (G,) = zeros(param, 1) if state is None else state
    G = G + grad**2
    return param - lr * grad / root(G, eps, "inside" if eps_place == "outside" else "outside"), spec.AdagradState(G)


@wrong_step("optimizer.adadelta", "the newest step is already in the numerator's average")
def adadelta_early(param, grad, state=None, /, *, gamma, eps):
    G, H = zeros(param, 2) if state is None else state
    G = gamma * G + (1 - gamma) * grad**2
    delta = -np.sqrt(H + eps) / np.sqrt(G + eps) * grad
    H = gamma * H + (1 - gamma) * delta**2
    return param - np.sqrt(H + eps) / np.sqrt(G + eps) * grad, spec.AdadeltaState(G, H)


@wrong_step("optimizer.adadelta", "epsilon outside the roots")
def adadelta_eps_outside(param, grad, state=None, /, *, gamma, eps):
    G, H = zeros(param, 2) if state is None else state
    G = gamma * G + (1 - gamma) * grad**2
    delta = -(np.sqrt(H) + eps) / (np.sqrt(G) + eps) * grad
    return param + delta, spec.AdadeltaState(G, gamma * H + (1 - gamma) * delta**2)


@wrong_step("optimizer.rmsprop", "the average of the notes' misprint: the sum, as Adagrad's")
def rmsprop_with_sum(param, grad, state=None, /, *, lr, gamma, eps, eps_place):
    (G,) = zeros(param, 1) if state is None else state
    G = G + grad**2
    return param - lr * grad / root(G, eps, eps_place), spec.RMSPropState(G)


@wrong_step("optimizer.rmsprop", "divides by the old average")
def rmsprop_late(param, grad, state=None, /, *, lr, gamma, eps, eps_place):
    (G,) = zeros(param, 1) if state is None else state
    new = gamma * G + (1 - gamma) * grad**2
    return param - lr * grad / root(G + 1e-30, eps, eps_place), spec.RMSPropState(new)


@wrong_step("optimizer.adam", "no bias correction")
def adam_uncorrected(param, grad, state=None, /, *, lr, beta1, beta2, eps, eps_place):
    m, v = moments(param, grad, state, beta1, beta2)
    return param - lr * m / root(v, eps, eps_place), spec.AdamState(next_step(state), m, v)


@wrong_step("optimizer.adam", "the second moment has the sign of the notes' misprint")
def adam_minus(param, grad, state=None, /, *, lr, beta1, beta2, eps, eps_place):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    v = np.maximum(v - 2 * (1 - beta2) * grad**2, 0)
    m_hat, v_hat = m / one_minus_power(beta1, t), v / one_minus_power(beta2, t)
    return param - lr * m_hat / (np.sqrt(v_hat) + eps), spec.AdamState(t, m, v)


@wrong_step("optimizer.adam", "the counter is one ahead")
def adam_off_by_one(param, grad, state=None, /, *, lr, beta1, beta2, eps, eps_place):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    m_hat, v_hat = m / one_minus_power(beta1, t + 1), v / one_minus_power(beta2, t + 1)
    return param - lr * m_hat / (np.sqrt(v_hat) + eps), spec.AdamState(t, m, v)


@wrong_step("optimizer.adam", "epsilon inside the root of the corrected average")
def adam_eps_inside_corrected(param, grad, state=None, /, *, lr, beta1, beta2, eps, eps_place):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    m_hat, v_hat = m / one_minus_power(beta1, t), v / one_minus_power(beta2, t)
    return param - lr * m_hat / np.sqrt(v_hat + eps), spec.AdamState(t, m, v)


@wrong_step("optimizer.adamax", "the maximum does not decay")
def adamax_without_decay(param, grad, state=None, /, *, lr, beta1, beta2, eps):
    t = next_step(state)
    m, u = zeros(param, 2) if state is None else (state.m, state.u)
    m, u = beta1 * m + (1 - beta1) * grad, np.maximum(u, np.abs(grad) + eps)
    return param - lr / one_minus_power(beta1, t) * m / u, spec.AdamaxState(t, m, u)


@wrong_step("optimizer.adamax", "the maximum is corrected for a bias that it does not have")
def adamax_corrected_twice(param, grad, state=None, /, *, lr, beta1, beta2, eps):
    t = next_step(state)
    m, u = zeros(param, 2) if state is None else (state.m, state.u)
    m, u = beta1 * m + (1 - beta1) * grad, np.maximum(beta2 * u, np.abs(grad) + eps)
    return param - lr / one_minus_power(beta1, t) * m / u * one_minus_power(beta2, t), spec.AdamaxState(t, m, u)


@wrong_step("optimizer.adamw", "L2 in the gradient, as the notes have it")
def adamw_as_l2(param, grad, state=None, /, *, lr, beta1, beta2, eps, weight_decay):
    options = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
    return reference.adam(param, grad + weight_decay * param, state, **options)


@wrong_step("optimizer.adamw", "the decay is not multiplied by the rate")
def adamw_decay_without_rate(param, grad, state=None, /, *, lr, beta1, beta2, eps, weight_decay):
    options = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
    new, state = reference.adam(param, grad, state, **options)
    return new - weight_decay * param, state


@wrong_step("optimizer.nadam", "no look ahead: Adam")
def nadam_as_adam(param, grad, state=None, /, *, form, momentum_decay, **options):
    given = None if state is None else spec.AdamState(state.step, state.m, state.v)
    new, after = reference.adam(param, grad, given, **options)
    return new, reference.nadam(param, grad, state, form=form, momentum_decay=momentum_decay, **options)[1]._replace(
        m=after.m, v=after.v
    )


@wrong_step("optimizer.nadam", "the schedule of the momentum is forgotten")
def nadam_without_schedule(param, grad, state=None, /, *, form, **options):
    return reference.nadam(param, grad, state, form="simplified", **options)


@wrong_step("optimizer.radam", "the rectification r_t is forgotten")
def radam_without_rectification(param, grad, state=None, /, *, lr, beta1, beta2, eps):
    t = next_step(state)
    m, v = moments(param, grad, state, beta1, beta2)
    m_hat = m / one_minus_power(beta1, t)
    if int(t) > 5:
        m_hat = m_hat / (np.sqrt(v / one_minus_power(beta2, t)) + eps)
    return param - lr * m_hat, spec.AdamState(t, m, v)


@wrong_step("optimizer.radam", "always the adaptive step: Adam")
def radam_as_adam(param, grad, state=None, /, *, lr, beta1, beta2, eps):
    return reference.adam(param, grad, state, lr=lr, beta1=beta1, beta2=beta2, eps=eps)


@wrong("optimizer.newton_method", "multiplies by the Hessian instead of its inverse")
def newton_method_multiplied(param, grad, hessian, /):
    return param - hessian @ grad


@wrong("optimizer.newton_method", "only the diagonal of the Hessian is inverted")
def newton_method_diagonal(param, grad, hessian, /):
    return param - grad / np.diagonal(hessian)


@wrong("optimizer.cosine_decay", "a whole wave instead of half")
def cosine_decay_whole_wave(step, /, *, base_lr, total_steps, min_lr):
    return min_lr + (base_lr - min_lr) * (1 + np.cos(2 * np.pi * step / total_steps)) / 2


@wrong("optimizer.cosine_decay", "the minimum is a floor, not the foot of the wave")
def cosine_decay_floor(step, /, *, base_lr, total_steps, min_lr):
    return np.maximum(min_lr, base_lr * (1 + np.cos(np.pi * step / total_steps)) / 2)


@wrong("optimizer.linear_decay", "goes on below 0")
def linear_decay_below_0(step, /, *, base_lr, total_steps):
    return base_lr * (1 - step / total_steps)


@wrong("optimizer.linear_decay", "one step ahead")
def linear_decay_off_by_one(step, /, *, base_lr, total_steps):
    return base_lr * np.maximum(1 - (step + 1) / total_steps, 0)


@wrong("optimizer.inverse_sqrt_decay", "the inverse, without the root")
def inverse_decay(step, /, *, base_lr, timescale):
    return base_lr * timescale / step


@wrong("optimizer.inverse_sqrt_decay", "the time scale is forgotten")
def inverse_sqrt_decay_without_scale(step, /, *, base_lr, timescale):
    return base_lr / np.sqrt(step)


@wrong("optimizer.linear_warmup", "the decay runs during the warm-up, too")
def linear_warmup_over_decay(step, /, *, base_lr, warmup_steps, decay, total_steps):
    rise = np.minimum(step, warmup_steps) / warmup_steps if warmup_steps else np.ones(step.shape)
    if decay == "cosine":
        return rise * reference.cosine_decay(step, base_lr=base_lr, total_steps=total_steps)
    if decay == "linear":
        return rise * reference.linear_decay(step, base_lr=base_lr, total_steps=total_steps)
    return rise * base_lr / (np.sqrt(np.maximum(step, 1)) if decay == "inverse_sqrt" else 1)


@wrong("optimizer.linear_warmup", "the first step is 1, not 0")
def linear_warmup_from_1(step, /, *, warmup_steps, **options):
    return reference.linear_warmup(
        np.minimum(step + 1, np.maximum(step, warmup_steps)), warmup_steps=warmup_steps, **options
    )


@wrong("optimizer.clip_grad_norm", "divides whatever the length, as the notes have it")
def clip_grad_norm_always(grads, /, *, max_norm):
    arrays = [g.reshape(-1) for g in leaves(grads)]
    length = np.linalg.norm(np.concatenate(arrays))
    return map_leaves(lambda g: g * np.asarray(max_norm / np.maximum(length, 1e-30), g.dtype), grads)


@wrong("optimizer.clip_grad_norm", "every array has a length of its own")
def clip_grad_norm_each(grads, /, *, max_norm):
    return map_leaves(lambda g: reference.clip_grad_norm(g, max_norm=max_norm), grads)


@wrong("optimizer.clip_grad_norm", "elements are clipped, which turns the gradient")
def clip_grad_value(grads, /, *, max_norm):
    return map_leaves(lambda g: np.clip(g, -max_norm, max_norm), grads)
