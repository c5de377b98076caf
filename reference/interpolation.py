"""Values between pixels: what several chapters interpolate with."""

import numpy as np

from gongsik.reference.activation import relu


def between(at, n):
    """Weights of n pixels for values at places between them: 1 at the pixel, 0 at its neighbours: [*at n]."""
    return relu(1 - np.abs(at[..., None] - np.arange(n, dtype=at.dtype)))


def resized(x, size):
    """Images [..., h, w] at another size; a pixel has its value at its centre, and the border its pixels' value."""
    rows, columns = (between(_centres(n, m, x), n) for n, m in zip(x.shape[-2:], size, strict=True))
    return rows @ x @ columns.T


def _centres(n, m, x):
    """Where the centres of m new pixels lie among n old ones: [m], computed in the format of x."""
    step = np.full_like(x, n / m, shape=())
    return np.minimum(np.maximum((np.arange(m, dtype=x.dtype) + 0.5) * step - 0.5, 0), n - 1)
