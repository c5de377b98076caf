"""Optimizers in PyTorch: one pass over the memory if compiled, torch's fused kernels where there are some.

Per step everything that is one number is computed once, in double precision: on the host, as the counter of steps stays
on the CPU; as tensors if the counter is on a GPU or the step is traced, so that neither waits for the other.
"""

# pyright: reportPrivateImportUsage=false
# (torch's fused kernels have no public names)

import functools
import math
from typing import Any

import torch
from torch import Tensor

from gongsik.spec import DomainError
from gongsik.spec import optimizer as spec
from gongsik.spec.tree import leaves, map_leaves
from gongsik.torch_impl.arrays import ADAPTER, implements, value_and_grad
from gongsik.torch_impl.trees import is_transformed, over_trees

__all__ = [
    "adadelta", "adagrad", "adam", "adamax", "adamw", "batch_gradient", "clip_grad_norm", "cosine_decay",
    "exponential_moving_average", "gradient_descent", "inverse_sqrt_decay", "linear_decay", "linear_warmup",
    "mini_batch_gradient", "momentum", "nadam", "nesterov", "nesterov_lookahead", "newton_method", "radam", "rmsprop",
    "stochastic_gradient",
]  # fmt: skip


def number(option: Any) -> Any:
    """A learning rate as a number, unless it is on a GPU or part of a trace."""
    known = isinstance(option, Tensor) and option.device.type == "cpu" and not is_transformed([[option]])
    return option.item() if known else option


def zeros(param: Any) -> Any:
    return map_leaves(torch.zeros_like, param)


def dtypes(param: Any) -> set[torch.dtype]:
    return {w.dtype for w in leaves(param)}


def next_step(state: Any) -> tuple[Tensor, Any]:
    """The counter of steps after this one, and its value: a number, or a tensor where reading it would wait."""
    step = torch.ones((), dtype=torch.int64) if state is None else state.step + 1
    readable = step.device.type == "cpu" and not is_transformed([[step]])
    return step, int(step) if readable else step.double()


def one_minus_power(beta: float, t: Any) -> Any:
    """1 - beta^t in double precision, without cancellation for beta near 1."""
    if isinstance(t, Tensor):
        return -torch.expm1(t * math.log(beta)) if beta else torch.ones_like(t)
    return -math.expm1(t * math.log(beta)) if beta else 1.0


def root(x: Tensor, eps: float, eps_place: str) -> Tensor:
    return torch.sqrt(x + eps) if eps_place == "inside" else torch.sqrt(x) + eps


# The parts of the kernels, in one pass each. A traced number is not passed as `alpha` or `value`: torch may go on with
# the one of an earlier call (pytorch/pytorch#194976).


def is_number(coefficient: Any) -> bool:
    return not isinstance(coefficient, Tensor) and not torch.compiler.is_compiling()


def descend(param: Tensor, rate: Any, step: Tensor, divisor: Tensor) -> Tensor:
    """Subtract rate * step / divisor."""
    if is_number(rate):
        return torch.addcdiv(param, step, divisor, value=-rate)
    return param - rate * (step / divisor)


def fade(average: Tensor, x: Tensor, beta: Any) -> Tensor:
    """Give the next moving average."""
    if is_number(beta):
        return torch.add(beta * average, x, alpha=1 - beta)
    return beta * average + (1 - beta) * x


def fade_squares(average: Tensor, x: Tensor, beta: Any) -> Tensor:
    """Give the next moving average of squares."""
    if is_number(beta):
        return torch.addcmul(beta * average, x, x, value=1 - beta)
    return beta * average + (1 - beta) * x * x


# One step down the slope


@implements(spec.gradient_descent)
@over_trees
def gradient_descent(run, param, grad, /, *, lr=1e-3):
    lr = number(lr)
    if isinstance(lr, Tensor):
        return run(_gradient_descent, (param, grad), lr)[0]
    in_place, out_of_place = (functools.partial(add, alpha=-lr) for add in (torch._foreach_add_, torch._foreach_add))
    return run(_gradient_descent, (param, grad), lr, in_place=in_place, out_of_place=out_of_place)[0]


def _gradient_descent(w, g, lr):
    return (w - lr * g,)


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


@implements(spec.momentum)
@over_trees
def momentum(run, param, grad, state=None, /, *, lr=1e-3, beta=0.9):
    return _with_momentum(run, param, grad, state, lr, beta, shifted=False)


@implements(spec.nesterov)
@over_trees
def nesterov(run, param, grad, state=None, /, *, lr=1e-3, beta=0.9, form="shifted"):
    return _with_momentum(run, param, grad, state, lr, beta, shifted=form == "shifted")


def _with_momentum(run, param, grad, state, lr, beta, shifted):
    lr, (a,) = number(lr), (zeros(param),) if state is None else state
    fused = None
    # for beta = 0 it wants no sums, and in half precision it is wrong on the CPU (pytorch/pytorch#191763)
    if beta and not isinstance(lr, Tensor) and dtypes(param) <= {torch.float32, torch.float64}:
        fused = functools.partial(
            torch._fused_sgd_, lr=lr, momentum=beta, nesterov=shifted, weight_decay=0.0, dampening=0.0, maximize=False,
            is_first_step=False,
        )  # fmt: skip
    param, a = run(_nesterov if shifted else _momentum, (param, grad, a), lr, beta, in_place=fused)
    return param, spec.MomentumState(a)


def _momentum(w, g, a, lr, beta):
    a = beta * a + g
    return w - lr * a, a


def _nesterov(w, g, a, lr, beta):
    a = beta * a + g
    return w - lr * (g + beta * a), a


@implements(spec.nesterov_lookahead)
def nesterov_lookahead(param, state=None, /, *, lr=1e-3, beta=0.9):
    lr = number(lr)
    return param if state is None else map_leaves(lambda w, a: w - (lr * beta) * a, param, state.a)


@implements(spec.exponential_moving_average)
def exponential_moving_average(x, init=None, /, *, gamma=0.99):
    # sums over 1, 2, 4, ... values by adding two of half the length: log2(t) passes instead of t steps
    m = (1 - gamma) * x  # [t, *shape]
    if init is not None:
        m = torch.cat([m[:1] + gamma * init, m[1:]])
    n = 1
    while n < len(x):
        # gamma^n in two factors, neither of which is 0: an infinite value stays infinite however old it is
        first, second = (max(gamma**k, torch.finfo(x.dtype).tiny) if gamma else 0.0 for k in (n // 2, n - n // 2))
        m = torch.cat([m[:n], m[n:] + first * (second * m[:-n])])
        n *= 2
    return m


# A rate of its own for every parameter


@implements(spec.adagrad)
@over_trees
def adagrad(run, param, grad, state=None, /, *, lr=1e-2, eps=1e-10, eps_place="outside"):
    lr, (G,) = number(lr), (zeros(param),) if state is None else state

    def in_place(w, g, G):
        steps = [torch.ones((), device=w[0].device)] * len(w)
        torch._fused_adagrad_(w, g, G, steps, lr=lr, lr_decay=0.0, weight_decay=0.0, eps=eps, maximize=False)

    fused = in_place if eps_place == "outside" and not isinstance(lr, Tensor) else None
    param, G = run(_adagrad, (param, grad, G), lr, eps, eps_place, in_place=fused)
    return param, spec.AdagradState(G)


def _adagrad(w, g, G, lr, eps, eps_place):
    G = torch.addcmul(G, g, g)
    return descend(w, lr, g, root(G, eps, eps_place)), G


@implements(spec.adadelta)
@over_trees
def adadelta(run, param, grad, state=None, /, *, gamma=0.9, eps=1e-6):
    G, H = (zeros(param), zeros(param)) if state is None else state
    param, G, H = run(_adadelta, (param, grad, G, H), gamma, eps)
    return param, spec.AdadeltaState(G, H)


def _adadelta(w, g, G, H, gamma, eps):
    G = fade_squares(G, g, gamma)
    delta = torch.sqrt(H + eps) / torch.sqrt(G + eps) * g
    return w - delta, G, fade_squares(H, delta, gamma)


@implements(spec.rmsprop)
@over_trees
def rmsprop(run, param, grad, state=None, /, *, lr=1e-2, gamma=0.99, eps=1e-8, eps_place="outside"):
    lr, (G,) = number(lr), (zeros(param),) if state is None else state
    param, G = run(_rmsprop, (param, grad, G), lr, gamma, eps, eps_place)
    return param, spec.RMSPropState(G)


def _rmsprop(w, g, G, lr, gamma, eps, eps_place):
    G = fade_squares(G, g, gamma)
    return descend(w, lr, g, root(G, eps, eps_place)), G


# Both: the Adam family


@implements(spec.adam)
@over_trees
def adam(run, param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, eps_place="outside"):
    step, t = next_step(state)
    lr, (m, v) = number(lr), (zeros(param), zeros(param)) if state is None else (state.m, state.v)
    rate, correction = lr / one_minus_power(beta1, t), one_minus_power(beta2, t) ** 0.5
    if eps_place == "inside":
        kernel, rate, fused = _adam_inside, rate * correction, None
    else:
        kernel, fused = _adam, _fused_adam(torch._fused_adam_, param, t, lr, beta1, beta2, eps, 0.0)
    param, m, v = run(kernel, (param, grad, m, v), rate, beta1, beta2, eps, correction, in_place=fused)
    return param, spec.AdamState(step, m, v)


@implements(spec.adamw)
@over_trees
def adamw(run, param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=1e-2):
    step, t = next_step(state)
    lr, (m, v) = number(lr), (zeros(param), zeros(param)) if state is None else (state.m, state.v)
    rate, correction = lr / one_minus_power(beta1, t), one_minus_power(beta2, t) ** 0.5
    fused = _fused_adam(torch._fused_adamw_, param, t, lr, beta1, beta2, eps, weight_decay)
    coefficients = (rate, beta1, beta2, eps, correction, lr * weight_decay)
    param, m, v = run(_adamw, (param, grad, m, v), *coefficients, in_place=fused)
    return param, spec.AdamState(step, m, v)


def _fused_adam(kernel, param, t, lr, beta1, beta2, eps, weight_decay):
    """Torch's kernel, if it computes the same; it forms 1 - beta^t by a subtraction, and m + (1 - beta1) (g - m)."""
    numbers = not isinstance(lr, Tensor) and not isinstance(t, Tensor)
    accurate = max(beta1, beta2) < 1 - 2**-20 and torch.float64 not in dtypes(param)
    if not (numbers and accurate and beta1 > 0.5):  # for beta1 <= 0.5 it makes NaN of an infinite gradient
        return None

    def fused(w, g, m, v):
        steps = [torch.full((), float(t), device=w[0].device)] * len(w)
        kernel(
            w, g, m, v, [], steps, lr=lr, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay, amsgrad=False,
            maximize=False,
        )  # fmt: skip

    return fused


def _adam(w, g, m, v, rate, beta1, beta2, eps, correction):
    m, v = fade(m, g, beta1), fade_squares(v, g, beta2)
    return descend(w, rate, m, torch.sqrt(v) / correction + eps), m, v


def _adam_inside(w, g, m, v, rate, beta1, beta2, eps, correction):
    m, v = fade(m, g, beta1), fade_squares(v, g, beta2)
    return descend(w, rate, m, torch.sqrt(v + eps)), m, v


def _adamw(w, g, m, v, rate, beta1, beta2, eps, correction, shrink):
    m, v = fade(m, g, beta1), fade_squares(v, g, beta2)
    return descend((1 - shrink) * w, rate, m, torch.sqrt(v) / correction + eps), m, v


@implements(spec.adamax)
@over_trees
def adamax(run, param, grad, state=None, /, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    step, t = next_step(state)
    m, u = (zeros(param), zeros(param)) if state is None else (state.m, state.u)
    rate = number(lr) / one_minus_power(beta1, t)
    param, m, u = run(_adamax, (param, grad, m, u), rate, beta1, beta2, eps)
    return param, spec.AdamaxState(step, m, u)


def _adamax(w, g, m, u, rate, beta1, beta2, eps):
    m = fade(m, g, beta1)
    u = torch.maximum(beta2 * u, g.abs() + eps)
    return descend(w, rate, m, u), m, u


@implements(spec.nadam)
@over_trees
def nadam(
    run, param, grad, state=None, /, *, lr=2e-3, beta1=0.9, beta2=0.999, eps=1e-8, momentum_decay=4e-3, form="scheduled"
):
    step, t = next_step(state)
    m, v = (zeros(param), zeros(param)) if state is None else (state.m, state.v)
    old_product = torch.ones((), dtype=torch.float64) if state is None else state.mu_product
    mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
    product = mu * number(old_product.double())
    if form == "scheduled":
        of_m, of_g = mu_next / (1 - product * mu_next), (1 - mu) / (1 - product)
    else:
        of_m, of_g = (beta / one_minus_power(beta1, t) for beta in (beta1, 1 - beta1))
    lr, correction = number(lr), one_minus_power(beta2, t) ** 0.5
    param, m, v = run(_nadam, (param, grad, m, v), lr * of_m, lr * of_g, beta1, beta2, eps, correction)
    return param, spec.NAdamState(step, torch.as_tensor(product, dtype=old_product.dtype), m, v)


def _nadam(w, g, m, v, rate_of_m, rate_of_g, beta1, beta2, eps, correction):
    m, v = fade(m, g, beta1), fade_squares(v, g, beta2)
    return w - (rate_of_m * m + rate_of_g * g) / (torch.sqrt(v) / correction + eps), m, v


@implements(spec.radam)
@over_trees
def radam(run, param, grad, state=None, /, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    step, t = next_step(state)
    m, v = (zeros(param), zeros(param)) if state is None else (state.m, state.v)
    rate, rest = number(lr) / one_minus_power(beta1, t), one_minus_power(beta2, t)
    rho_inf, rho = (1 + beta2) / (1 - beta2), averaged_gradients(beta2, t)
    trusted = rho > 5
    factor: Any = 1.0
    if isinstance(trusted, Tensor) or trusted:
        factor = abs((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho) * rest) ** 0.5
    param, m, v = run(_radam, (param, grad, m, v), rate, beta1, beta2, eps, factor, trusted)
    return param, spec.AdamState(step, m, v)


def averaged_gradients(beta: float, t: Any) -> Any:
    """RAdam's rho_t = rho_inf - 2 t beta^t / (1 - beta^t), written without the cancellation where t is small."""
    late = (1 + beta) / (1 - beta) - 2 * t * beta**t / one_minus_power(beta, t)
    if beta == 0 or (not isinstance(t, Tensor) and -t * math.log(beta) > 2):
        return late
    half = -math.log(beta) / 2
    early = t * (1 - langevin(t * half)) + langevin(half)
    return torch.where(t * half > 1, late, early) if isinstance(t, Tensor) else early


def langevin(y: Any) -> Any:
    """Give coth(y) - 1/y for 0 < y <= 1 without cancellation, by its continued fraction."""
    fraction = 0.0
    for k in range(19, 1, -2):
        fraction = y * y / (k + fraction)
    return fraction / y


def _radam(w, g, m, v, rate, beta1, beta2, eps, factor, trusted):
    m, v = fade(m, g, beta1), fade_squares(v, g, beta2)
    if isinstance(trusted, Tensor):
        return w - rate * m * torch.where(trusted, factor / (torch.sqrt(v) + eps), 1.0), m, v
    return (descend(w, rate * factor, m, torch.sqrt(v) + eps) if trusted else w - rate * m), m, v


# Using the curvature


@implements(spec.newton_method)
def newton_method(param, grad, hessian, /):
    half = param.dtype in (torch.bfloat16, torch.float16)  # which LAPACK does not know
    step, info = torch.linalg.solve_ex(hessian.float(), grad.float()) if half else torch.linalg.solve_ex(hessian, grad)
    if not ADAPTER.inside(info, 0, 0, False, False):
        raise DomainError("newton_method: hessian is singular")
    return param - (step.to(param.dtype) if half else step)


# The rate over time, in double precision


@implements(spec.cosine_decay)
def cosine_decay(step, /, *, base_lr=1e-3, total_steps=1000, min_lr=0.0):
    # (1 + cos(pi t / T)) / 2 without the cancellation near t = T
    share = torch.sin(math.pi / 2 * ((total_steps - step).double() / total_steps)) ** 2
    return min_lr + (base_lr - min_lr) * share


@implements(spec.linear_decay)
def linear_decay(step, /, *, base_lr=1e-3, total_steps=1000):
    return base_lr * ((total_steps - step).clamp(min=0).double() / total_steps)


@implements(spec.inverse_sqrt_decay)
def inverse_sqrt_decay(step, /, *, base_lr=1e-3, timescale=1):
    return base_lr / torch.sqrt(step.double() / timescale)


@implements(spec.linear_warmup)
def linear_warmup(step, /, *, base_lr=1e-3, warmup_steps=100, decay="constant", total_steps=None):
    after = (step - warmup_steps).clamp(min=0)
    span = 0 if total_steps is None else total_steps - warmup_steps  # a decay that needs it has it
    if decay == "cosine":
        rate = cosine_decay(after, base_lr=base_lr, total_steps=span)
    elif decay == "linear":
        rate = linear_decay(after, base_lr=base_lr, total_steps=span)
    elif decay == "inverse_sqrt":
        timescale = max(warmup_steps, 1)
        rate = inverse_sqrt_decay(step.clamp(min=timescale), base_lr=base_lr, timescale=timescale)
    else:
        rate = torch.full_like(step, base_lr, dtype=torch.float64)
    return rate * (step.clamp(max=warmup_steps).double() / warmup_steps) if warmup_steps else rate


@implements(spec.clip_grad_norm)
@over_trees
def clip_grad_norm(run, grads, /, *, max_norm=1.0):
    norm = total_norm([g for g in leaves(grads) if g.numel()])
    if isinstance(norm, Tensor):
        factor = torch.full_like(norm, max_norm) / norm.clamp(min=max_norm)  # number / tensor is not exactly 1
    elif norm <= max_norm:
        return grads
    else:
        factor = max_norm / norm
    return run(
        _scale, (grads,), factor,
        in_place=lambda g: torch._foreach_mul_(g, factor), out_of_place=lambda g: torch._foreach_mul(g, factor),
    )[0]  # fmt: skip


def _scale(g, factor):
    return (g * factor,)


def total_norm(tensors: list[Tensor]) -> Any:
    """Euclidean norm over several tensors: a number, or a tensor where reading it would wait."""
    if not tensors:
        return 0.0
    if all(g.is_cpu for g in tensors) and not is_transformed([tensors]):
        dtypes = {g.dtype for g in tensors}
        wide = torch.float32 if any(dtype.itemsize < 4 for dtype in dtypes) else None
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors, dtype=wide)).double()).item()
        smallest = max(torch.finfo(dtype).tiny ** 0.5 / torch.finfo(dtype).eps for dtype in dtypes)
        if smallest < norm < math.inf:  # no square was lost
            return norm
        return length(torch.stack([length(g) for g in tensors])).item()
    return length(torch.stack([length(g) for g in tensors]))


def length(g):
    """Euclidean norm in double precision, in which no square of a narrower format overflows."""
    if g.dtype != torch.float64:
        return torch.linalg.vector_norm(g, dtype=torch.float64)
    largest = torch.linalg.vector_norm(g, torch.inf)
    scale = torch.where((largest > 0) & largest.isfinite(), largest, 1.0)
    return scale * torch.linalg.vector_norm(g / scale)
