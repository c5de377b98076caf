"""Pooling in NumPy: every formula is said in terms of the places of a window."""

import numpy as np

from gongsik.reference.activation import sigmoid
from gongsik.reference.arrays import implements
from gongsik.spec import pooling as spec
from gongsik.spec.array import pair

__all__ = [
    "avg_pool2d",
    "block_max_pool",
    "global_avg_pool2d",
    "max_pool2d",
    "stochastic_pool2d",
    "stochastic_pool2d_inference",
    "trainable_subsampling",
]


def _places(x, kernel, stride):
    """What the windows have at their first place, at their second, ..., row by row: arrays [n c oh ow]."""
    (kh, kw), (sh, sw) = pair(kernel), pair(kernel if stride is None else stride)
    h, w = x.shape[-2:]
    return [x[:, :, i : h - kh + i + 1 : sh, j : w - kw + j + 1 : sw] for i in range(kh) for j in range(kw)]


def _pad(x, padding, value):
    ph, pw = pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=value)


def largest(places):
    """The largest of several arrays, element by element; of equals the first, so that it alone gets the gradient."""
    best, *others = places
    for place in others:
        best = np.where((place > best) | np.isnan(place), place, best)
    return best


@implements(spec.max_pool2d)
def max_pool2d(x, /, *, kernel, stride=None, padding=0):
    return largest(_places(_pad(x, padding, -np.inf), kernel, stride))


@implements(spec.block_max_pool)
def block_max_pool(x, /, *, kernel):
    (m, n), (k, l) = x.shape, pair(kernel)  # noqa: E741
    blocks = x[: m // k * k, : n // l * l].reshape(m // k, k, n // l, l)  # [mk k nl l]
    return largest([blocks[:, i, :, j] for i in range(k) for j in range(l)])


@implements(spec.avg_pool2d)
def avg_pool2d(x, /, *, kernel, stride=None, padding=0, count_include_pad=True):
    places = _places(_pad(x, padding, 0), kernel, stride)
    image = np.ones((1, 1, *x.shape[-2:]), x.dtype)
    pixels = len(places) if count_include_pad else sum(_places(_pad(image, padding, 0), kernel, stride))
    return sum(places) / pixels


@implements(spec.stochastic_pool2d)
def stochastic_pool2d(x, uniform, /, *, kernel, stride=None):
    places = _places(x, kernel, stride)
    cumulative = [places[0]]
    for place in places[1:]:
        cumulative.append(cumulative[-1] + place)
    bound = uniform * cumulative.pop()
    taken = places.pop() + 0 * bound  # 0, but for windows with NaN or infinity
    for place, total in zip(reversed(places), reversed(cumulative), strict=True):
        taken = np.where(total > bound, place, taken)
    return taken


@implements(spec.stochastic_pool2d_inference)
def stochastic_pool2d_inference(x, /, *, kernel, stride=None):
    places = _places(x, kernel, stride)
    total = sum(places)
    total = np.where(total == 0, 1, total)
    return sum(place / total * place for place in places)  # p_i a_i, in which no square overflows


@implements(spec.global_avg_pool2d)
def global_avg_pool2d(x, /):
    return x.mean((-2, -1))


@implements(spec.trainable_subsampling)
def trainable_subsampling(x, weight, bias, /, *, kernel=2):
    total = sum(_places(x, kernel, None))
    return sigmoid(weight[:, None, None] * total + bias[:, None, None])
