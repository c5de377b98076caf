"""Normalization in PyTorch: its kernels, and what is faster or more precise where a kernel is far from the best."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.spec import normalization as spec
from gongsik.torch_impl.arrays import implements, may_need_gradient

__all__ = [
    "batch_norm",
    "batch_norm_affine",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_running",
    "batch_statistics",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "layer_norm_backward",
    "local_response_norm",
    "standardize",
]

aten = torch.ops.aten


@implements(spec.standardize)
def standardize(x, /):
    smallest, largest = x.amin(0), x.amax(0)
    constant = smallest == largest
    deviation = torch.where(constant, x - x, x - x.mean(0))
    var = deviation.square().mean(0)
    return deviation * torch.where(constant, 1, var).rsqrt()


def _all_but_channels(x):
    return (0, *range(2, x.ndim))


def _beside(channels, x):
    return channels.reshape(-1, *(1,) * (x.ndim - 2))  # [c *1]


@implements(spec.batch_statistics)
def batch_statistics(x, /):
    if x.is_cuda:
        return spec.BatchStatistics(*reversed(torch.var_mean(x, _all_but_channels(x), correction=0)))
    # Two passes: on the CPU torch.var_mean updates both numbers with every element, five times as slowly.
    mean = x.mean(_all_but_channels(x))
    return spec.BatchStatistics(mean, (x - _beside(mean, x)).square().mean(_all_but_channels(x)))


@implements(spec.batch_norm_affine)
def batch_norm_affine(x_hat, gamma, beta, /):
    return _affine(x_hat, gamma, beta)  # torch.addcmul would take twice as long with numbers per channel


def _affine(x_hat, gamma, beta):
    scaled = x_hat if gamma is None else x_hat * _beside(gamma, x_hat)
    return scaled if beta is None else scaled + _beside(beta, x_hat)


class _Statistics(torch.autograd.Function):
    """Mean and variance that a kernel has found without recording how, with their gradient.

    d mean / dx = 1/m and d var / dx = 2 (x - mean) / m: no array but x itself is kept.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
        return mean.clone(), var.clone()

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx, *grad_outputs: Tensor):
        (x,) = ctx.saved_tensors
        grad_mean, grad_var = (_beside(g, x) for g in grad_outputs)
        mean = _beside(x.mean(_all_but_channels(x)), x)
        m = x.numel() // x.shape[1]
        return (grad_mean + 2 * (x - mean) * grad_var) / m, None, None


def _kernel(x, gamma, beta, mean, var, training, eps):
    # The gradient of torch's kernel reads a strided array of channels as if it were contiguous.
    gamma, mean, var = (None if array is None else array.contiguous() for array in (gamma, mean, var))
    return torch.batch_norm(x, gamma, beta, mean, var, training, 1.0, eps, torch.backends.cudnn.enabled)


@implements(spec.batch_norm)
def batch_norm(x, gamma=None, beta=None, /, *, eps=1e-5):
    m = x.numel() // x.shape[1]
    if m == 1:  # where the kernel would give beta up to the rounding of x / sqrt(eps), and the variance as 0 / 0
        deviation = x - x  # NaN for infinity
        return spec.BatchNorm(_affine(deviation, gamma, beta), x.flatten(), deviation.flatten())
    # The kernel finds the variance in one pass, in double precision: for double precision that loses digits.
    if torch.compiler.is_compiling() or x.dtype == torch.float64:
        return spec.BatchNorm(_kernel(x, gamma, beta, None, None, True, eps), *batch_statistics(x))
    # With momentum 1 the running statistics are those of the batch, of the variance the unbiased one.
    dtype = next((p.dtype for p in (gamma, beta) if p is not None), x.dtype)
    mean, var = (torch.zeros_like(x[0, :, *(0,) * (x.ndim - 2)], dtype=dtype) for _ in range(2))
    y = _kernel(x, gamma, beta, mean, var, True, eps)
    var = var * ((m - 1) / m)
    return spec.BatchNorm(y, *(_Statistics.apply(x, mean, var) if may_need_gradient(x) else (mean, var)))


@implements(spec.batch_norm_backward)
def batch_norm_backward(upstream, x, gamma, /, *, eps=1e-5):
    mean, var = batch_statistics(x.detach())
    upstream, gamma = upstream.to(x.dtype), gamma.to(x.dtype)  # under autocast they may differ
    gradients = aten.native_batch_norm_backward(
        upstream, x, gamma.contiguous(), None, None, mean, (var + eps).rsqrt(), True, eps, [True, True, True]
    )
    return spec.BatchNormGradients(*gradients)


@implements(spec.batch_norm_running)
def batch_norm_running(running_mean, running_var, mean, var, /, *, alpha=0.9, count=None):
    unbiased = 1 if count is None else count / (count - 1)
    return spec.BatchStatistics(
        torch.add(alpha * running_mean, mean, alpha=1 - alpha),
        torch.add(alpha * running_var, var, alpha=(1 - alpha) * unbiased),
    )


@implements(spec.batch_norm_inference)
def batch_norm_inference(x, mean, var, gamma=None, beta=None, /, *, eps=1e-5):
    return _kernel(x, gamma, beta, mean, var, False, eps)


@implements(spec.layer_norm)
def layer_norm(x, gamma=None, beta=None, /, *, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)


@implements(spec.layer_norm_backward)
def layer_norm_backward(upstream, x, gamma, /, *, eps=1e-5):
    upstream, gamma = upstream.to(x.dtype), gamma.to(x.dtype)  # under autocast they may differ
    shape, rows = list(x.shape[-1:]), (-1, x.shape[-1])
    x_hat, mean, rstd = aten.native_layer_norm(x, shape, None, None, eps)
    whole = x.dtype not in (torch.bfloat16, torch.float16)  # in which the kernel adds up long sums, digit by lost digit
    dx, dgamma, dbeta = aten.native_layer_norm_backward(
        upstream, x, shape, mean, rstd, gamma, torch.zeros_like(gamma), [True, whole, whole]
    )
    if not whole:
        dgamma, dbeta = (upstream * x_hat).reshape(rows).sum(0), upstream.reshape(rows).sum(0)
    return spec.LayerNormGradients(dx, dgamma, dbeta)


@implements(spec.group_norm)
def group_norm(x, gamma=None, beta=None, /, *, groups, eps=1e-5):
    if x.is_cpu and x.ndim in (4, 5) and not x.is_contiguous():
        # For channels-last memory torch's kernel has the variance as a difference of two large numbers. The result does
        # not depend on the mean, so nearly all of it may go before, and needs no gradient.
        mean = x.detach().mean(tuple(range(2, x.ndim)))  # [n c]
        mean = mean.unflatten(1, (groups, -1)).mean(-1, keepdim=True).expand(-1, -1, x.shape[1] // groups)
        x = x - mean.reshape(*x.shape[:2], *(1,) * (x.ndim - 2))
    if gamma is None and beta is not None:  # a shift alone has no gradient in torch
        return torch.group_norm(x, groups, None, None, eps) + _beside(beta, x)
    return torch.group_norm(x, groups, gamma, beta, eps)


@implements(spec.instance_norm)
def instance_norm(x, gamma=None, beta=None, /, *, eps=1e-5):
    # F.instance_norm calls the kernel of batch norm, several times as slow as that of group norm
    return group_norm(x, gamma, beta, groups=x.shape[1], eps=eps)


@implements(spec.local_response_norm)
def local_response_norm(x, /, *, size=5, alpha=1e-4, beta=0.75, k=1.0, average=True):
    # A new array costs more than a pass: in place, where no gradient needs what was there.
    multiply = torch.mul if may_need_gradient(x) else Tensor.mul_
    bracket = _windows_of_squares(x, size, average).mul_(alpha).add_(k)
    if beta != 0.75:
        return multiply(bracket.pow(-beta), x)
    root = bracket.rsqrt_()  # by roots: torch.pow takes ten times as long
    return multiply(multiply(root.sqrt(), root), x)


def _windows_of_squares(x, size, average):
    """Sum or mean of the squares over a window of channels."""
    n, c = x.shape[:2]
    squares = x.square()
    if not x.is_contiguous():
        squares = F.pad(squares, (*(0, 0) * (x.ndim - 2), size // 2, (size - 1) // 2))
        total = squares[:, :c].clone()
        for j in range(1, size):
            total += squares[:, j : j + c]
        return total / size if average else total
    # Places are the "channels" of a channels-last image, which is c high and 1 wide: added up in vectors, no copy.
    squares = squares.view(n, c, 1, -1).permute(0, 3, 1, 2)  # [n space c 1]
    windows = F.avg_pool2d(squares, (size, 1), 1, (size // 2, 0), divisor_override=None if average else 1)
    return windows[:, :, :c].permute(0, 2, 3, 1).reshape(x.shape)  # an even size has one window too many
