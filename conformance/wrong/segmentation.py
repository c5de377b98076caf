"""Classic mistakes in segmentation."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import convolution, interpolation, layers, loss
from gongsik.reference import segmentation as right
from gongsik.spec.array import pair
from gongsik.spec.layers import Sequential


@wrong("segmentation.pixel_classification", "the class that fits least")
def least(score, /):
    return np.argmin(score, 1)


@wrong("segmentation.pixel_classification", "of equal scores the last")
def last_of_ties(score, /):
    return score.shape[1] - 1 - np.argmax(score[:, ::-1], 1)


@wrong("segmentation.pixel_cross_entropy", "the sum over the pixels of an image, averaged over images only")
def sum_over_pixels(logits, target, /):
    return loss.softmax_cross_entropy(np.moveaxis(logits, 1, -1), target, reduction="batchmean")


@wrong("segmentation.pixel_cross_entropy", "logits reshaped where they should be transposed")
def reshaped(logits, target, /):
    rows = logits.reshape(-1, logits.shape[1])
    return loss.softmax_cross_entropy(rows, target.reshape(-1))


@wrong("segmentation.pixel_accuracy", "pixels without a class count")
def accuracy_of_everything(pred, target, /, *, classes):
    return (pred == target).mean()


@wrong("segmentation.pixel_accuracy", "the average over images, each of which counts the same")
def accuracy_per_image(pred, target, /, *, classes):
    counts = target < classes
    return np.mean(((pred == target) & counts).sum((1, 2)) / np.maximum(counts.sum((1, 2)), 1))


@wrong("segmentation.mean_iou", "divided by all classes, also those that occur nowhere")
def iou_over_all_classes(pred, target, /, *, classes):
    return _iou(pred, target, classes)[0].sum() / classes


@wrong("segmentation.mean_iou", "the Dice coefficient")
def dice(pred, target, /, *, classes):
    share, present = _iou(pred, target, classes)
    return (2 * share / (1 + share)).sum() / present


@wrong("segmentation.mean_iou", "false positives not counted: the recall")
def recall(pred, target, /, *, classes):
    true = target[..., None] == np.arange(classes)
    hits = (true & (pred == target)[..., None]).sum((0, 1, 2))
    return (hits / np.maximum(true.sum((0, 1, 2)), 1)).sum() / _iou(pred, target, classes)[1]


@wrong("segmentation.mean_iou", "predictions on pixels without a class count as wrong")
def iou_of_everything(pred, target, /, *, classes):
    both = pred[..., None] == np.arange(classes), target[..., None] == np.arange(classes)
    common, either = (both[0] & both[1]).sum((0, 1, 2)), (both[0] | both[1]).sum((0, 1, 2))
    return (common / np.maximum(either, 1)).sum() / (either > 0).sum()


def _iou(pred, target, classes):
    counts = (target < classes)[..., None]
    p, t = pred[..., None] == np.arange(classes), target[..., None] == np.arange(classes)
    either = (counts & (p | t)).sum((0, 1, 2))
    return (counts & p & t).sum((0, 1, 2)) / np.maximum(either, 1), (either > 0).sum()


@wrong("segmentation.convolutionalize", "channels taken for the last axis of the flattened image")
def channels_last(weight, /, *, kernel):
    kh, kw = pair(kernel)
    return np.moveaxis(weight.reshape(len(weight), kh, kw, -1), -1, 1)


@wrong("segmentation.convolutionalize", "the kernel turned, as if to undo a flip")
def turned(weight, /, *, kernel):
    return right.convolutionalize(weight, kernel=kernel)[..., ::-1, ::-1]


@wrong("segmentation.resize", "corners aligned: the outermost centres stay where they are")
def corners_aligned(x, /, *, size):
    rows, columns = (
        interpolation.between(np.linspace(0, n - 1, m) if m > 1 else np.zeros(1), n)
        for n, m in zip(x.shape[-2:], pair(size), strict=True)
    )
    return (rows @ x @ columns.T).astype(x.dtype)


@wrong("segmentation.resize", "the nearest pixel")
def nearest(x, /, *, size):
    rows, columns = (np.arange(m) * n // m for n, m in zip(x.shape[-2:], pair(size), strict=True))
    return x[:, :, rows][..., columns]


@wrong("segmentation.resize", "height and width mistaken for each other")
def turned_size(x, /, *, size):
    h, w = pair(size)
    return right.resize(x, size=(w, h))


@wrong("segmentation.resize", "pixels stand at their corner: no half is added")
def without_half_pixels(x, /, *, size):
    rows, columns = (
        interpolation.between(np.minimum(np.arange(m) * (n / m), n - 1), n)
        for n, m in zip(x.shape[-2:], pair(size), strict=True)
    )
    return (rows @ x @ columns.T).astype(x.dtype)


@wrong("segmentation.bilinear_upsample", "the border goes on in place of zeros: a mere resizing")
def border_continued(x, /, *, factor):
    return right.resize(x, size=(factor * x.shape[2], factor * x.shape[3]))


@wrong("segmentation.bilinear_upsample", "the kernel normalized to a sum of 1, which darkens all")
def normalized_kernel(x, /, *, factor):
    return right.bilinear_upsample(x, factor=factor) / factor**2


@wrong("segmentation.bilinear_upsample", "one padding for all factors: moved by a pixel")
def moved(x, /, *, factor):
    return np.roll(right.bilinear_upsample(x, factor=factor), 1, axis=-1)


@wrong("segmentation.bilinear_upsample", "a kernel of constant weights: each pixel repeated")
def repeated(x, /, *, factor):
    return x.repeat(factor, 2).repeat(factor, 3)


def _scores(config, params, buffers, x):
    """What the body of an FCN says, before it is brought to the size of the image."""
    return layers.run(config.network.body, layers.nest(params | buffers), x, layers.Pass())


@wrong("segmentation.fcn", "corners aligned when the scores are enlarged")
def fcn_corners_aligned(config, params, buffers, x, /):
    return corners_aligned(_scores(config, params, buffers, x), size=x.shape[-2:])


@wrong("segmentation.fcn", "normalized by the statistics of the batch, after training, too")
def fcn_in_training(config, params, buffers, x, /):
    *features, (name, head) = config.network.body.layers
    at, size = layers.nest(params | buffers), x.shape[-2:]
    x = layers.run(Sequential(tuple(features)), at, x, layers.Pass(training=True))
    return interpolation.resized(layers.child(name, head, at, x, layers.Pass()), size)


@wrong("segmentation.unet", "copies not cut around the middle but at the corner")
def unet_corner(config, params, buffers, x, /):
    return _unet(config, params, buffers, x, lambda skip, h, w: skip[..., :h, :w])


@wrong("segmentation.unet", "the copy behind what comes up, not before it")
def unet_behind(config, params, buffers, x, /):
    return _unet(config, params, buffers, x, _middle, first=False)


def _middle(x, height, width):
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top : top + height, left : left + width]


def _unet(config, params, buffers, x, crop, *, first=True):
    at = layers.nest(params | buffers)

    def convolutions(name, x):
        return layers.run(config.convolutions(1, 1), at[name], x, layers.Pass())

    def level(i, x):
        if i > config.depth:
            return convolutions("bottom", x)
        skip = convolutions(f"encoder{i}", x)
        below = level(i + 1, layers.max_pool2d(skip, kernel=2))
        up = convolution.conv_transpose2d(below, params[f"up{i}.weight"], params[f"up{i}.bias"], stride=2)
        parts = [crop(skip, *up.shape[-2:]), up]
        return convolutions(f"decoder{i}", np.concatenate(parts if first else parts[::-1], 1))

    return convolution.conv2d(level(1, x), params["head.weight"], params["head.bias"])
