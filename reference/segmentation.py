"""Semantic segmentation in NumPy."""

import numpy as np

from gongsik.reference.arrays import implements
from gongsik.reference.convolution import conv_transpose2d
from gongsik.reference.interpolation import resized
from gongsik.reference.layers import evaluate
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.spec import segmentation as spec
from gongsik.spec.array import pair

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
    return np.argmax(score, 1)


@implements(spec.pixel_cross_entropy)
def pixel_cross_entropy(logits, target, /):
    return softmax_cross_entropy(np.moveaxis(logits, 1, -1), target)


@implements(spec.pixel_accuracy)
def pixel_accuracy(pred, target, /, *, classes):
    counts = target < classes
    return _number(counts & (pred == target)).sum() / _number(counts).sum()


@implements(spec.mean_iou)
def mean_iou(pred, target, /, *, classes):
    counts = (target < classes)[..., None]
    predicted, true = (label[..., None] == np.arange(classes) for label in (pred, target))  # [n h w classes]
    common = _number(counts & predicted & true).sum((0, 1, 2))  # [classes]
    either = _number(counts & (predicted | true)).sum((0, 1, 2))
    return (common / np.where(either == 0, 1, either)).sum() / _number(either > 0).sum()


def _number(true):
    return np.where(true, 1.0, 0.0)


@implements(spec.convolutionalize)
def convolutionalize(weight, /, *, kernel):
    return weight.reshape(len(weight), -1, *pair(kernel))


@implements(spec.resize)
def resize(x, /, *, size):
    return resized(x, pair(size))


@implements(spec.bilinear_upsample)
def bilinear_upsample(x, /, *, factor):
    n, c, h, w = x.shape
    centre = factor - (1 + factor % 2) / 2
    line = 1 - np.abs(np.arange(2 * factor - factor % 2) - centre) / factor  # [2f - f mod 2], symmetric
    kernel = (line[:, None] * line)[None, None]  # every channel has the same
    y = conv_transpose2d(x.reshape(n * c, 1, h, w), kernel.astype(x.dtype), stride=factor, padding=factor // 2)
    return y.reshape(n, c, factor * h, factor * w)


@implements(spec.fcn)
def fcn(config, params, buffers, x, /):
    return evaluate("fcn", config, params, buffers, x)


@implements(spec.unet)
def unet(config, params, buffers, x, /):
    return evaluate("unet", config, params, buffers, x)
