"""Pooling in PyTorch.

On the CPU torch's kernels go through a contiguous image window by window, and take ten times as long as through one in
channels-last memory, which they read in vectors. So there is another way for contiguous images.
"""

import functools
import math

import torch
import torch.nn.functional as F

from gongsik.spec import pooling as spec
from gongsik.spec.array import pair
from gongsik.torch_impl.arrays import implements, may_need_gradient

__all__ = [
    "avg_pool2d",
    "block_max_pool",
    "global_avg_pool2d",
    "max_pool2d",
    "stochastic_pool2d",
    "stochastic_pool2d_inference",
    "trainable_subsampling",
]

MANY = 2**14
"""Elements from which on another way repays its calls."""


def _is_slow(x):
    """Whether torch's kernel would go window by window through much data."""
    return x.is_cpu and x.numel() >= MANY and x.is_contiguous() and not torch.compiler.is_compiling()


def _along(axis, function, x, kernel, stride):
    """Combine what the windows have at their first place along one axis, at their second, ..."""
    last = x.shape[axis] - kernel
    places = (x.narrow(axis, i, last + 1) for i in range(kernel))
    index = (slice(None),) * (axis % x.ndim) + (slice(None, None, stride),)
    return functools.reduce(function, (place[index] for place in places))


def _separately(function, x, kernel, stride):
    """Combine down the columns, where memory is read in vectors, then along the rows of the smaller result."""
    return _along(-1, function, _along(-2, function, x, kernel[0], stride[0]), kernel[1], stride[1])


def _channels_last(pool, x):
    """Pool in the memory that the kernel likes, and return to that of x."""
    if x.shape[1] < 8:
        return pool(x)
    return pool(x.contiguous(memory_format=torch.channels_last)).contiguous()


@implements(spec.max_pool2d)
def max_pool2d(x, /, *, kernel, stride=None, padding=0):
    def pool(x):
        return F.max_pool2d(x, kernel, stride, padding)

    if not _is_slow(x):
        return pool(x)
    if may_need_gradient(x):  # which the kernel routes to the first of equals
        return _channels_last(pool, x)
    ph, pw = pair(padding)
    padded = F.pad(x, (pw, pw, ph, ph), value=-torch.inf) if ph or pw else x
    return _separately(torch.maximum, padded, pair(kernel), pair(kernel if stride is None else stride))


@implements(spec.block_max_pool)
def block_max_pool(x, /, *, kernel):
    return max_pool2d(x[None, None], kernel=kernel)[0, 0]


@implements(spec.avg_pool2d)
def avg_pool2d(x, /, *, kernel, stride=None, padding=0, count_include_pad=True):
    if _is_slow(x) and padding in (0, (0, 0)) and not may_need_gradient(x):
        size = pair(kernel)
        return _separately(torch.add, x, size, pair(kernel if stride is None else stride)) / math.prod(size)
    return F.avg_pool2d(x, kernel, stride, padding, count_include_pad=count_include_pad)


def _places(x, kernel, stride):
    """What the windows have at their first place, at their second, ..., row by row: views [n c oh ow]."""
    (kh, kw), (sh, sw) = pair(kernel), pair(kernel if stride is None else stride)
    h, w = x.shape[-2:]
    return [x[:, :, i : h - kh + i + 1 : sh, j : w - kw + j + 1 : sw] for i in range(kh) for j in range(kw)]


@implements(spec.stochastic_pool2d)
def stochastic_pool2d(x, uniform, /, *, kernel, stride=None):
    kw, (sh, sw), w = pair(kernel)[1], pair(kernel if stride is None else stride), x.shape[-1]
    first, *others = _places(x.detach(), kernel, stride)
    cumulative = [first]
    for place in others:
        cumulative.append(cumulative[-1] + place)
    total = cumulative.pop()
    bound = uniform.detach() * total
    # Counting the sums below the bound, in bytes, and one gather: torch.where takes ten times as long as a comparison.
    taken, rows = (torch.zeros_like(total, dtype=torch.int16) for _ in range(2))
    for i, below in enumerate(cumulative, start=1):
        passed = below <= bound
        taken += passed
        if i % kw == 0:
            rows += passed
    oh, ow = total.shape[-2:]
    corner = torch.arange(oh, device=x.device)[:, None] * (sh * w) + torch.arange(ow, device=x.device) * sw  # [oh ow]
    index = (rows.long() * (w - kw)).add_(taken).add_(corner)
    return x.flatten(-2).gather(-1, index.flatten(-2)).view(total.shape) + 0 * bound  # NaN stays, infinity becomes it


@implements(spec.stochastic_pool2d_inference)
def stochastic_pool2d_inference(x, /, *, kernel, stride=None):
    first, *others = _places(x, kernel, stride)
    total = sum(others, first)
    total = total + (total == 0)
    result = first / total * first
    for place in others:
        result = torch.addcmul(result, place / total, place)
    return result


@implements(spec.global_avg_pool2d)
def global_avg_pool2d(x, /):
    return x.mean((-2, -1))


@implements(spec.trainable_subsampling)
def trainable_subsampling(x, weight, bias, /, *, kernel=2):
    scale = math.prod(pair(kernel)) * weight
    return (scale[:, None, None] * avg_pool2d(x, kernel=kernel) + bias[:, None, None]).sigmoid_()
