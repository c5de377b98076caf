"""Regularization in NumPy."""

import numpy as np

from gongsik.reference.arrays import ADAPTER, implements
from gongsik.reference.optimizer import number
from gongsik.spec import regularization as spec
from gongsik.spec.array import pair
from gongsik.spec.tree import leaves, map_leaves

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
    return strength / 2 * sum((w**2).sum() for w in leaves(params))


@implements(spec.l1_penalty)
def l1_penalty(params, /, *, strength=1.0):
    return strength * sum(np.abs(w).sum() for w in leaves(params))


@implements(spec.weight_decay)
def weight_decay(param, grad, /, *, lr=1e-3, weight_decay=1e-2):
    lr = number(lr)
    return map_leaves(lambda w, g: (1 - lr * weight_decay) * w - lr * g, param, grad)


# Stopping in time


@implements(spec.early_stopping)
def early_stopping(loss, state=None, /, *, patience=10, min_delta=0.0):
    step, best, best_step = (np.array(0), np.full_like(loss, np.inf), np.array(0)) if state is None else state
    step = np.array(step + 1)
    improved = loss < best - min_delta
    best, best_step = np.where(improved, loss, best), np.where(improved, step, best_step)
    stop = step - best_step >= (np.inf if patience is None else patience)
    return stop, spec.EarlyStoppingState(step, best, best_step)


# Other pictures with the same label


@implements(spec.horizontal_flip)
def horizontal_flip(x, /):
    return np.flip(x, -1)


@implements(spec.vertical_flip)
def vertical_flip(x, /):
    return np.flip(x, -2)


@implements(spec.rotate)
def rotate(x, /, *, quarter_turns=1):
    for _ in range(quarter_turns % 4):
        x = np.flip(np.swapaxes(x, -1, -2), -2)
    return x


@implements(spec.translate)
def translate(x, /, *, shift=0, fill=0.0):
    (h, w), (down, right) = x.shape[-2:], pair(shift)
    i, j = np.arange(h)[:, None] - down, np.arange(w) - right  # where each pixel is from
    inside = (i >= 0) & (i < h) & (j >= 0) & (j < w)  # [h, w]
    return np.where(inside, np.roll(x, (down, right), (-2, -1)), number(fill))


@implements(spec.random_crop)
def random_crop(x, top, left, /, *, size=32):
    oh, ow = pair(size)
    spec.check_windows(ADAPTER, x, top, left, (oh, ow))
    return np.stack([image[..., i : i + oh, j : j + ow] for image, i, j in zip(x, top, left, strict=True)])


@implements(spec.to_grayscale)
def to_grayscale(x, /):
    red, green, blue = (x[..., channel : channel + 1, :, :] for channel in range(3))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@implements(spec.color_jitter)
def color_jitter(x, uniform, /, *, brightness=0.2, contrast=0.2):
    each = (len(x), *(x.ndim - 1) * (1,))  # one number per image, [n, 1, ..., 1]
    c = (1 + contrast * (2 * uniform[:, 0] - 1)).reshape(each)
    b = (brightness * (2 * uniform[:, 1] - 1)).reshape(each)
    mean = x.reshape(len(x), -1).mean(-1).reshape(each)
    return np.clip(c * x + (1 - c) * mean + b, 0, 1)


# Noise


@implements(spec.input_noise)
def input_noise(x, normal, /, *, std=0.1):
    return x + std * normal


@implements(spec.weight_noise)
def weight_noise(params, normal, /, *, std=0.1):
    return map_leaves(lambda w, e: w + std * e, params, normal)


# Softer labels, mixed samples


@implements(spec.label_smoothing)
def label_smoothing(target, /, *, eps=0.1):
    return (1 - eps) * target + eps / target.shape[-1]


@implements(spec.mixup)
def mixup(x, target, lam, permutation, /):
    def mix(a):
        share = lam.reshape(len(a), *(a.ndim - 1) * (1,))  # [n, 1, ..., 1]
        return share * a + (1 - share) * a[permutation]

    return mix(x), mix(target)


def box_at(row, column, size, x):
    """Whether each pixel lies in the box of its image: [n, h, w]."""

    def covered(middle, length, n):
        place = np.arange(n) - middle[:, None] + length // 2  # in the box: from 0 to length - 1
        return (place >= 0) & (place < length)

    (bh, bw), (h, w) = pair(size), x.shape[-2:]
    return covered(row, bh, h)[:, :, None] & covered(column, bw, w)[:, None, :]


def over_channels(box, x):
    """The boxes with axes for the channels of x: [n, 1, ..., 1, h, w]."""
    n, h, w = box.shape
    return box.reshape(n, *(x.ndim - 3) * (1,), h, w)


@implements(spec.cutout)
def cutout(x, row, column, /, *, size=16):
    return np.where(over_channels(box_at(row, column, size, x), x), 0, x)


@implements(spec.cutmix)
def cutmix(x, target, row, column, permutation, /, *, size=16):
    box = box_at(row, column, size, x)
    mixed = np.where(over_channels(box, x), x[permutation], x)
    share = box.mean((-2, -1)).astype(target.dtype)[:, None]  # of the partner: 1 - lambda, [n, 1]
    return mixed, (1 - share) * target + share * target[permutation]


# Dropping units


@implements(spec.dropout)
def dropout(h, uniform, /, *, p=0.5):
    dropped = uniform < (p if p < 1 else np.inf)
    return np.where(dropped, 0, h)


@implements(spec.dropout_inference)
def dropout_inference(h, /, *, p=0.5):
    return (1 - p) * h


@implements(spec.inverted_dropout)
def inverted_dropout(h, uniform, /, *, p=0.5):
    scale = 1 - p if p < 1 else 1  # with p = 1 nothing is left to scale
    return dropout(h, uniform, p=p) / scale


@implements(spec.dropout_output_layer)
def dropout_output_layer(h, weight, bias, dropped, /):
    return np.where(dropped, 0, h) @ weight + bias
