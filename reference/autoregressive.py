"""Autoregressive generative models in NumPy: pixel after pixel, row after row, diagonal after diagonal."""

import math

import numpy as np

from gongsik.reference.activation import relu, sigmoid, tanh
from gongsik.reference.arrays import ADAPTER, implements
from gongsik.reference.convolution import conv2d
from gongsik.reference.recurrent import lstm_cell_update
from gongsik.spec import autoregressive as spec
from gongsik.spec.model import check_parameters

__all__ = [
    "context_mask", "diagonal_bilstm", "nade", "nade_sample", "pixel_rnn_factorization", "raster_order", "real_nade",
    "row_lstm", "skew", "unskew",
]  # fmt: skip


@implements(spec.raster_order)
def raster_order(row, column, /, *, width):
    return row.astype(np.int64) * width + column


# NADE


@implements(spec.nade)
def nade(config, params, x, /):
    check_parameters("nade", config, params)
    spec.check_binary("nade", ADAPTER, x)
    w, c, alpha, b = (params[name] for name in ("w", "c", "alpha", "b"))
    a, log_p = c, 0
    for i in range(config.features):
        z = sigmoid(a) @ alpha[i] + b[i]  # [n]; of the first pixel one number
        log_p = log_p - np.logaddexp(0, (1 - 2 * x[:, i]) * z)  # log sigmoid(z), or log sigmoid(-z)
        a = a + x[:, i, None] * w[:, i]  # [n, h]: one column more
    return log_p


@implements(spec.nade_sample)
def nade_sample(config, params, uniform, /):
    check_parameters("nade_sample", config, params)
    w, c, alpha, b = (params[name] for name in ("w", "c", "alpha", "b"))
    a, pixels = c, []
    for i in range(config.features):
        p = sigmoid(sigmoid(a) @ alpha[i] + b[i])
        pixels.append((uniform[:, i] < p).astype(uniform.dtype))
        a = a + pixels[-1][:, None] * w[:, i]  # [n, h]
    return np.stack(pixels, -1)


def _log_sum_exp(z):
    largest = z.max(-1, keepdims=True)
    return np.log(np.exp(z - largest).sum(-1)) + largest[..., 0]


@implements(spec.real_nade)
def real_nade(config, params, x, /):
    check_parameters("real_nade", config, params)
    activation = {"relu": relu, "sigmoid": sigmoid}[config.activation]
    a, log_p = params["c"], 0
    for i in range(config.features):
        h = activation(params["rho"][i] * a)  # [n, h]; of the first number [h]
        pi, mu, log_sigma = (h @ params[f"{part}.weight"][i].T + params[f"{part}.bias"][i]
                             for part in ("pi", "mu", "sigma"))  # fmt: skip
        z = (x[:, i, None] - mu) / np.exp(log_sigma)  # [n, k]
        log_normal = -(z * z) / 2 - log_sigma - math.log(2 * math.pi) / 2
        log_p = log_p + _log_sum_exp(pi + log_normal) - _log_sum_exp(pi)
        a = a + x[:, i, None] * params["w"][:, i]
    return log_p


# PixelRNN


@implements(spec.pixel_rnn_factorization)
def pixel_rnn_factorization(logits, x, /):
    z = np.moveaxis(logits, 2, -1)  # [n, 3, h, w, k]
    chosen = np.take_along_axis(z, x[..., None], -1)[..., 0]
    return (chosen - _log_sum_exp(z)).sum((1, 2, 3))


@implements(spec.context_mask)
def context_mask(weight, /, *, kind, channels=1):
    o, i, kh, kw = weight.shape
    order = np.arange(kh * kw).reshape(kh, kw)
    centre = kh * kw // 2
    of_output, of_input = (np.arange(n) * channels // n for n in (o, i))  # groups
    sees = of_input < of_output[:, None] if kind == "A" else of_input <= of_output[:, None]  # [o, i]
    mask = (order < centre) | ((order == centre) & sees[:, :, None, None])
    return np.where(mask, weight, 0)


def _masked(weight, channels):
    """The mask of type B for every gate, of which each has its features in the order of the groups."""
    gates = weight.reshape(4, -1, *weight.shape[1:])  # [4, k, c, kh, kw]
    return np.concatenate([context_mask(gates[j], kind="B", channels=channels) for j in range(4)])


def _step(s, c):
    """One step from the sums of the four gates, [n, 4k, *rest]: state and cell."""
    k = s.shape[1] // 4
    i, f, candidate, o = s[:, :k], s[:, k : 2 * k], s[:, 2 * k : 3 * k], s[:, 3 * k :]
    c = lstm_cell_update(c, sigmoid(f), sigmoid(i), tanh(candidate))
    return sigmoid(o) * tanh(c), c


@implements(spec.row_lstm)
def row_lstm(config, params, x, /):
    check_parameters("row_lstm", config, params)
    k_is, k_ss = (params[f"{name}.weight"] for name in ("input_to_state", "state_to_state"))
    margin = (0, config.kernel_size // 2)
    seen = conv2d(x, _masked(k_is, config.channels), params["input_to_state.bias"], padding=margin)  # [n, 4k, h, w]
    h = c = np.zeros((len(x), config.hidden, x.shape[3]), x.dtype)
    rows = []
    for r in range(x.shape[2]):
        h, c = _step(seen[:, :, r] + conv2d(h[:, :, None], k_ss, padding=margin)[:, :, 0], c)
        rows.append(h)
    return np.stack(rows, 2)


@implements(spec.skew)
def skew(x, /):
    *batch, h, _ = x.shape
    none = [(0, 0)] * len(batch)
    return np.stack([np.pad(x[..., r, :], [*none, (r, h - 1 - r)]) for r in range(h)], -2)


@implements(spec.unskew)
def unskew(y, /):
    *_, h, s = y.shape
    return np.stack([y[..., r, r : r + s - h + 1] for r in range(h)], -2)


def _down(x):
    """Every row in the place of the one below it; the first becomes 0."""
    return np.concatenate([np.zeros_like(x[:, :, :1]), x[:, :, :-1]], 2)


def _diagonals(config, params, x):
    """The LSTM that crosses the image from the upper left: [n, k, h, w]."""
    k_is, b, k_ss = (params[name] for name in ("input_to_state.weight", "input_to_state.bias", "state_to_state.weight"))
    # The bias comes before the skew, so that what is outside the image stays 0, and its state with it.
    seen = skew(conv2d(x, _masked(k_is, config.channels), b))  # [n, 4k, h, w + h - 1]
    h = c = np.zeros((len(x), config.hidden, x.shape[2]), x.dtype)
    columns = []
    for t in range(seen.shape[-1]):
        h, c = _step(seen[..., t] + k_ss[:, :, 0, 0] @ _down(h) + k_ss[:, :, 1, 0] @ h, c)
        columns.append(h)
    return unskew(np.stack(columns, -1))


@implements(spec.diagonal_bilstm)
def diagonal_bilstm(config, params, x, /):
    check_parameters("diagonal_bilstm", config, params)
    left, right = ({name.removeprefix(side): p for name, p in params.items() if name.startswith(side)}
                   for side in ("from_left.", "from_right."))  # fmt: skip
    from_left = _diagonals(config, left, x)
    from_right = np.flip(_diagonals(config, right, np.flip(x, -1)), -1)
    return from_left + _down(from_right)
