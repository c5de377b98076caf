"""Semantic segmentation in PyTorch."""

import torch
import torch.nn.functional as F

from gongsik.spec import segmentation as spec
from gongsik.spec.array import pair
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.layers import evaluate

__all__ = [
    "bilinear_upsample",
    "convolutionalize",
    "fcn",
    "mean_iou",
    "pixel_accuracy",
    "pixel_classification",
    "pixel_cross_entropy",
    "resize",
    "unet",
]


@implements(spec.pixel_classification)
def pixel_classification(score, /):
    return score.argmax(1)


@implements(spec.pixel_cross_entropy)
def pixel_cross_entropy(logits, target, /):
    # By default -100 would mean "ignore this pixel"; here it is a label out of range like any other.
    return F.cross_entropy(logits, target.long(), ignore_index=-(2**62))


@implements(spec.pixel_accuracy)
def pixel_accuracy(pred, target, /, *, classes):
    counts = target < classes
    return (counts & (pred == target)).sum().double() / counts.sum()


@implements(spec.mean_iou)
def mean_iou(pred, target, /, *, classes):
    # One pass counts the pairs (true, predicted), without an array of pixels times classes and without a wait for the
    # device; whatever is no class is counted as one more.
    n = classes + 1
    pairs = target.flatten().long().clamp(max=classes) * n + pred.flatten().clamp(max=classes)
    count = torch.zeros(n * n, dtype=torch.float64, device=pred.device)
    count = count.scatter_add(0, pairs, count.new_ones(()).expand_as(pairs)).view(n, n)[:classes]
    common = count.diagonal()
    either = count.sum(1) + count[:, :classes].sum(0) - common
    return (common / either.clamp(min=1)).sum() / (either > 0).sum()


@implements(spec.convolutionalize)
def convolutionalize(weight, /, *, kernel):
    return weight.reshape(len(weight), -1, *pair(kernel))


@implements(spec.resize)
def resize(x, /, *, size):
    return F.interpolate(x, pair(size), mode="bilinear")


@implements(spec.bilinear_upsample)
def bilinear_upsample(x, /, *, factor):
    # One kernel for all channels, which are groups: nothing but the result is written.
    c, k = x.shape[1], 2 * factor - factor % 2
    line = 1 - (torch.arange(k, dtype=x.dtype, device=x.device) - (factor - (1 + factor % 2) / 2)).abs() / factor
    return F.conv_transpose2d(x, line.outer(line).expand(c, 1, k, k), stride=factor, padding=factor // 2, groups=c)


@implements(spec.fcn)
def fcn(config, params, buffers, x, /):
    return evaluate("fcn", config, params, buffers, x)


@implements(spec.unet)
def unet(config, params, buffers, x, /):
    return evaluate("unet", config, params, buffers, x)
