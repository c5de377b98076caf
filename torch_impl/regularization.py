"""Regularization in PyTorch: as few passes over the data as the kernels allow, nothing read back from the device."""

# pyright: reportPrivateImportUsage=false
# (torch's fused kernels have no public names)

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.spec import regularization as spec
from gongsik.spec.array import pair
from gongsik.spec.tree import leaves
from gongsik.torch_impl.arrays import ADAPTER, implements
from gongsik.torch_impl.optimizer import dtypes, number
from gongsik.torch_impl.trees import SMALL, groups, is_transformed, over_trees

__all__ = [
    "color_jitter", "cutmix", "cutout", "dropout", "dropout_inference", "dropout_output_layer", "early_stopping",
    "horizontal_flip", "input_noise", "inverted_dropout", "l1_penalty", "l2_penalty", "label_smoothing", "mixup",
    "random_crop", "regularized_objective", "rotate", "to_grayscale", "translate", "vertical_flip", "weight_decay",
    "weight_noise",
]  # fmt: skip


# A price on large weights


@implements(spec.regularized_objective)
def regularized_objective(loss, penalty, /, *, strength=1e-2):
    return loss + strength * penalty


@implements(spec.l2_penalty)
def l2_penalty(params, /, *, strength=1.0):
    # one pass; the root of torch's norms would lose the gradient where a square underflows
    return strength / 2 * total(lambda w: torch.dot(w, w), params)


@implements(spec.l1_penalty)
def l1_penalty(params, /, *, strength=1.0):
    return strength * total(lambda w: w.abs().sum(), params)


def total(function, params):
    """Sum of a function of vectors over a tree: small arrays are joined, so that it is called once for all of them."""
    arrays = leaves(params)
    flat = [[arrays[i].reshape(-1) for i in places] for places in groups(arrays)]
    sums = [function(torch.cat(parts) if len(parts) > 1 else parts[0]) for parts in flat]
    return sum(sums[1:], sums[0])


@implements(spec.weight_decay)
@over_trees
def weight_decay(run, param, grad, /, *, lr=1e-3, weight_decay=1e-2):
    # not torch's fused SGD, which decays by way of the gradient: an infinite weight and gradient would give NaN
    lr = number(lr)
    if isinstance(lr, Tensor):
        return run(_weight_decay, (param, grad), lr, lr * weight_decay)[0]
    keep = 1 - lr * weight_decay

    def in_place(w, g):
        # as an outer product it is one pass, which pays for large ones; it would lose a NaN for keep = 0
        one_pass = keep != 0 and w[0].device.type == "cpu" and dtypes(w) <= {torch.float32, torch.float64}
        small = ([], [])
        for x, dx in zip(w, g, strict=True):
            if one_pass and x.numel() >= SMALL:
                x.view(1, -1).addr_(x.new_ones(1), dx.view(-1), beta=keep, alpha=-lr)
            else:
                small[0].append(x)
                small[1].append(dx)
        if small[0]:
            torch._foreach_mul_(small[0], keep)
            torch._foreach_sub_(*small, alpha=lr)

    def out_of_place(w, g):
        new = torch._foreach_mul(w, keep)
        torch._foreach_sub_(new, g, alpha=lr)
        return new

    return run(_weight_decay, (param, grad), lr, lr * weight_decay, in_place=in_place, out_of_place=out_of_place)[0]


def _weight_decay(w, g, lr, shrink):
    return ((1 - shrink) * w - lr * g,)


# Stopping in time


@implements(spec.early_stopping)
def early_stopping(loss, state=None, /, *, patience=10, min_delta=0.0):
    loss = loss.detach()  # the best loss is kept, not the graph behind it
    if state is None:
        nothing = torch.zeros((), dtype=torch.int64, device=loss.device)
        state = spec.EarlyStoppingState(nothing, torch.full_like(loss, math.inf), nothing)
    step = state.step + 1
    improved = loss < state.best - min_delta
    best, best_step = torch.where(improved, loss, state.best), torch.where(improved, step, state.best_step)
    stop = step - best_step >= (math.inf if patience is None else patience)
    return stop, spec.EarlyStoppingState(step, best, best_step)


# Other pictures with the same label


@implements(spec.horizontal_flip)
def horizontal_flip(x, /):
    return x.flip(-1)


@implements(spec.vertical_flip)
def vertical_flip(x, /):
    return x.flip(-2)


@implements(spec.rotate)
def rotate(x, /, *, quarter_turns=1):
    return torch.rot90(x, quarter_turns, (-2, -1))


@implements(spec.translate)
def translate(x, /, *, shift=0, fill=0.0):
    # one pass: a negative width of padding cuts off
    down, right = (max(-n, min(n, by)) for n, by in zip(x.shape[-2:], pair(shift), strict=True))
    return F.pad(x, (right, -right, down, -down), value=fill)


LARGE_WINDOW = 8192
"""Elements of a window from which on slices are faster: 5 microseconds each, and no index for every pixel."""


@implements(spec.random_crop)
def random_crop(x, top, left, /, *, size=32):
    oh, ow = pair(size)
    spec.check_windows(ADAPTER, x, top, left, (oh, ow))
    n, *channels, h, w = x.shape
    if not is_transformed([[x, top, left]]):
        if x.device.type == "cpu" and math.prod(channels) * oh * ow > LARGE_WINDOW:
            places = zip(x.unbind(), top.tolist(), left.tolist(), strict=True)
            return torch.stack([image[..., i : i + oh, j : j + ow] for image, i, j in places])
        # all windows are a view, from which pixels are copied; its gradient would fill every window
        windows = x.reshape(n, math.prod(channels), h, w).unfold(2, oh, 1).unfold(3, ow, 1)
        each = torch.arange(n, device=x.device)
        return windows[each, :, top.long(), left.long()].view(n, *channels, oh, ow)
    i = top[:, None, None] + torch.arange(oh, device=x.device)[:, None]  # [n, oh, 1]
    j = left[:, None, None] + torch.arange(ow, device=x.device)  # [n, 1, ow]
    place = (i * w + j).reshape(n, 1, oh * ow).expand(n, math.prod(channels), oh * ow)
    return x.reshape(n, math.prod(channels), h * w).gather(-1, place).view(n, *channels, oh, ow)


@implements(spec.to_grayscale)
def to_grayscale(x, /):
    red, green, blue = x.split(1, -3)
    return (0.299 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)


@implements(spec.color_jitter)
def color_jitter(x, uniform, /, *, brightness=0.2, contrast=0.2):
    # one number per image first, then one pass over the pixels
    away, b = (2 * uniform - 1).unbind(-1)
    offset = brightness * b - contrast * away * x.flatten(1).mean(-1)
    each = (-1, *(x.ndim - 1) * (1,))  # [n, 1, ..., 1]
    y = (x * (1 + contrast * away).view(each)).add_(offset.view(each))
    return y.clamp(0, 1) if is_transformed([[x, uniform]]) else y.clamp_(0, 1)  # which torch.func cannot vectorise


# Noise


@implements(spec.input_noise)
def input_noise(x, normal, /, *, std=0.1):
    return torch.add(x, normal, alpha=std)


@implements(spec.weight_noise)
@over_trees
def weight_noise(run, params, normal, /, *, std=0.1):
    in_place, out_of_place = (functools.partial(add, alpha=std) for add in (torch._foreach_add_, torch._foreach_add))
    return run(_weight_noise, (params, normal), std, in_place=in_place, out_of_place=out_of_place)[0]


def _weight_noise(w, e, std):
    return (w + std * e,)


# Softer labels, mixed samples


@implements(spec.label_smoothing)
def label_smoothing(target, /, *, eps=0.1):
    return (target * (1 - eps)).add_(eps / target.shape[-1])


@implements(spec.mixup)
def mixup(x, target, lam, permutation, /):
    def mix(a):
        share, partner = lam.view(-1, *(a.ndim - 1) * (1,)), a.index_select(0, permutation)  # [n, 1, ..., 1]
        if is_transformed([[a, lam, permutation]]):
            return share * a + (1 - share) * partner
        return partner.mul_(1 - share).addcmul_(a, share)  # in place: new memory costs more than all the rest

    permutation = permutation.long()
    return mix(x), mix(target)


def box_at(row, column, size, x):
    """Which rows [n, h] and which columns [n, w] the box of each image covers."""

    def covered(middle, length, n):
        place = torch.arange(n, device=x.device) - (middle - length // 2)[:, None]  # in the box: from 0 to length - 1
        return (place >= 0) & (place < length)

    (bh, bw), (h, w) = pair(size), x.shape[-2:]
    return covered(row, bh, h), covered(column, bw, w)


def over_channels(rows, columns, x):
    """1 in the boxes and 0 elsewhere, with axes for the channels of x: [n, 1, ..., 1, h, w]."""
    one = (x.ndim - 3) * (1,)
    (n, h), (_, w) = rows.shape, columns.shape
    return rows.to(x.dtype).view(n, *one, h, 1) * columns.to(x.dtype).view(n, *one, 1, w)


def zero_where(x, condition, at_most):
    """Zero where the condition is at most a number, x elsewhere, infinities and NaN included.

    In one kernel, that of the backward pass of `F.threshold`: torch.where takes ten times as long on the CPU.
    """
    return torch.ops.aten.threshold_backward(x, condition, at_most)


@implements(spec.cutout)
def cutout(x, row, column, /, *, size=16):
    return zero_where(x, 1 - over_channels(*box_at(row, column, size, x), x), 0)


@implements(spec.cutmix)
def cutmix(x, target, row, column, permutation, /, *, size=16):
    permutation = permutation.long()
    rows, columns = box_at(row, column, size, x)
    box = over_channels(rows, columns, x)
    mixed = zero_where(x.index_select(0, permutation), box, 0).add_(zero_where(x, 1 - box, 0))
    # the share of the partner, 1 - lambda, [n, 1]
    share = ((rows.sum(-1) * columns.sum(-1)).to(target.dtype) / (x.shape[-2] * x.shape[-1]))[:, None]
    return mixed, torch.addcmul((1 - share) * target, share, target.index_select(0, permutation))


# Dropping units


def largest_below(p, dtype):
    """The largest number of a format below 0 < p < 1: a draw is at least p where it is larger than this."""
    mantissa, exponent = math.frexp(p)
    digits = 1 - round(math.log2(torch.finfo(dtype).eps))
    n = round(math.ldexp(mantissa, digits))  # in the format p is n 2^(exponent - digits), n of so many binary digits
    power_of_2 = n == 2 ** (digits - 1)  # below which the numbers lie twice as close
    return math.ldexp(2 * n - 1, exponent - digits - 1) if power_of_2 else math.ldexp(n - 1, exponent - digits)


@implements(spec.dropout)
def dropout(h, uniform, /, *, p=0.5):
    at_most = largest_below(p, uniform.dtype) if 0 < p < 1 else 2 * p - 1  # p = 0 drops no draw, p = 1 each
    return zero_where(h, uniform, at_most)


@implements(spec.dropout_inference)
def dropout_inference(h, /, *, p=0.5):
    return (1 - p) * h


@implements(spec.inverted_dropout)
def inverted_dropout(h, uniform, /, *, p=0.5):
    kept = dropout(h, uniform, p=p)
    return kept.div_(1 - p) if p < 1 else kept  # with p = 1 nothing is left to scale


@implements(spec.dropout_output_layer)
def dropout_output_layer(h, weight, bias, dropped, /):
    return F.linear(h.masked_fill(dropped, 0), weight.mT, bias)
