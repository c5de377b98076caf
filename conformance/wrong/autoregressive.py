"""Classic mistakes in autoregressive models."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import autoregressive as right
from gongsik.reference.activation import sigmoid
from gongsik.reference.convolution import conv2d
from gongsik.spec.autoregressive import RealNADE


@wrong("autoregressive.raster_order", "column by column")
def raster_transposed(row, column, /, *, width):
    return column.astype(np.int64) * width + row


@wrong("autoregressive.raster_order", "counts from 1")
def raster_from_one(row, column, /, *, width):
    return right.raster_order(row, column, width=width) + 1


# NADE


@wrong("autoregressive.nade", "a hidden layer sees its own pixel: W up to i, not before i")
def nade_sees_itself(config, params, x, /):
    a, log_p = params["c"], 0
    for i in range(config.features):
        a = a + x[:, i, None] * params["w"][:, i]
        z = sigmoid(a) @ params["alpha"][i] + params["b"][i]
        log_p = log_p - np.logaddexp(0, (1 - 2 * x[:, i]) * z)
    return log_p


@wrong("autoregressive.nade", "pixels without ink cost nothing")
def nade_ink_only(config, params, x, /):
    a, log_p = params["c"], 0
    for i in range(config.features):
        z = sigmoid(a) @ params["alpha"][i] + params["b"][i]
        log_p = log_p + x[:, i] * np.log(sigmoid(z))
        a = a + x[:, i, None] * params["w"][:, i]
    return log_p


@wrong("autoregressive.nade", "the bias c is added again for every pixel")
def nade_bias_again(config, params, x, /):
    w = params["w"] + params["c"][:, None]
    return right.nade(config, params | {"w": w}, x)


@wrong("autoregressive.nade", "the mean over the pixels in place of the sum")
def nade_mean(config, params, x, /):
    return right.nade(config, params, x) / config.features


@wrong("autoregressive.nade_sample", "all pixels drawn from their chances before any is known")
def sample_at_once(config, params, uniform, /):
    return right.nade_sample(config, params | {"w": 0 * params["w"]}, uniform)


@wrong("autoregressive.nade_sample", "ink where the draw is above the chance")
def sample_turned(config, params, uniform, /):
    return 1 - right.nade_sample(config, params, uniform)


@wrong("autoregressive.nade_sample", "the next pixel reads the chance, not what was drawn")
def sample_of_chances(config, params, uniform, /):
    a, pixels = params["c"], []
    for i in range(config.features):
        p = sigmoid(sigmoid(a) @ params["alpha"][i] + params["b"][i])
        pixels.append(np.where(uniform[:, i] < p, 1.0, 0.0).astype(uniform.dtype))
        a = a + (p * np.ones_like(uniform[:, i]))[:, None] * params["w"][:, i]
    return np.stack(pixels, -1)


@wrong("autoregressive.real_nade", "sigma is the exponential of half of what the network says")
def real_half(config, params, x, /):
    halved = {name: p / 2 if name.startswith("sigma") else p for name, p in params.items()}
    return right.real_nade(config, halved, x)


@wrong("autoregressive.real_nade", "the mixture's weights are left out: all components are equally likely")
def real_equal(config, params, x, /):
    return right.real_nade(config, {name: 0 * p if name.startswith("pi") else p for name, p in params.items()}, x)


@wrong("autoregressive.real_nade", "rho is forgotten: units see sums that grow from number to number")
def real_without_rho(config, params, x, /):
    return right.real_nade(config, params | {"rho": 0 * params["rho"] + 1}, x)


@wrong("autoregressive.real_nade", "the option is forgotten: always relu")
def real_relu(config, params, x, /):
    return right.real_nade(RealNADE(config.features, config.hidden, config.components), params, x)


# PixelRNN


@wrong("autoregressive.pixel_rnn_factorization", "logits taken for log-probabilities")
def pixels_unnormalized(logits, x, /):
    chosen = np.take_along_axis(np.moveaxis(logits, 2, -1), x[..., None], -1)[..., 0]
    return chosen.sum((1, 2, 3))


@wrong("autoregressive.pixel_rnn_factorization", "the mean over the colours of a pixel")
def pixels_mean(logits, x, /):
    return right.pixel_rnn_factorization(logits, x) / 3


@wrong("autoregressive.pixel_rnn_factorization", "blue, green, red")
def pixels_reversed(logits, x, /):
    return right.pixel_rnn_factorization(logits[:, ::-1], x)


@wrong("autoregressive.context_mask", "types A and B exchanged")
def mask_exchanged(weight, /, *, kind, channels=1):
    return right.context_mask(weight, kind="B" if kind == "A" else "A", channels=channels)


@wrong("autoregressive.context_mask", "the row above only: what is to the left is cleared, too")
def mask_rows_only(weight, /, *, kind, channels=1):
    middle = np.arange(weight.shape[2])[:, None] == weight.shape[2] // 2
    left = np.arange(weight.shape[3]) < weight.shape[3] // 2
    return np.where(middle & left, 0, right.context_mask(weight, kind=kind, channels=channels))


@wrong("autoregressive.context_mask", "the colours have no order")
def mask_without_channels(weight, /, *, kind, channels=1):
    return right.context_mask(weight, kind=kind)


@wrong("autoregressive.context_mask", "groups taken in turn, one feature each, not in blocks")
def mask_interleaved(weight, /, *, kind, channels=1):
    o, i = weight.shape[:2]
    outputs, inputs = (np.argsort(np.arange(n) % channels, kind="stable") for n in (o, i))
    masked = right.context_mask(weight[outputs][:, inputs], kind=kind, channels=channels)
    return masked[np.argsort(outputs)][:, np.argsort(inputs)]


@wrong("autoregressive.row_lstm", "the kernel over the input is not masked")
def row_unmasked(config, params, x, /):
    k_is, margin = params["input_to_state.weight"], (0, config.kernel_size // 2)
    seen = conv2d(x, k_is, params["input_to_state.bias"], padding=margin)
    h = c = np.zeros((len(x), config.hidden, x.shape[3]), x.dtype)
    rows = []
    for r in range(x.shape[2]):
        above = conv2d(h[:, :, None], params["state_to_state.weight"], padding=margin)[:, :, 0]
        h, c = right._step(seen[:, :, r] + above, c)
        rows.append(h)
    return np.stack(rows, 2)


@wrong("autoregressive.row_lstm", "columns for rows")
def row_transposed(config, params, x, /):
    return np.swapaxes(right.row_lstm(config, params, np.swapaxes(x, 2, 3)), 2, 3)


@wrong("autoregressive.row_lstm", "from the bottom up")
def row_upwards(config, params, x, /):
    return np.flip(right.row_lstm(config, params, np.flip(x, 2)), 2)


@wrong("autoregressive.skew", "to the left")
def skew_left(x, /):
    return np.flip(right.skew(np.flip(x, -1)), -1)


@wrong("autoregressive.skew", "rows in a circle: what leaves at the right comes back at the left")
def skew_rolled(x, /):
    y = right.skew(x)
    return np.stack([np.roll(y[..., r, :], r, -1) for r in range(x.shape[-2])], -2)


@wrong("autoregressive.unskew", "the columns of the left, without a shift")
def unskew_cut(y, /):
    return y[..., : y.shape[-1] - y.shape[-2] + 1]


@wrong("autoregressive.unskew", "skewed again")
def unskew_again(y, /):
    return right.skew(y)[..., y.shape[-2] - 1 : y.shape[-1]]


@wrong("autoregressive.diagonal_bilstm", "what comes from the right is not shifted down: later pixels are seen")
def diagonal_not_down(config, params, x, /):
    sides = _sides(params)
    return right._diagonals(config, sides[0], x) + np.flip(right._diagonals(config, sides[1], np.flip(x, -1)), -1)


@wrong("autoregressive.diagonal_bilstm", "from the left only")
def diagonal_one_way(config, params, x, /):
    return right._diagonals(config, _sides(params)[0], x)


@wrong("autoregressive.diagonal_bilstm", "the second direction is not turned back")
def diagonal_not_turned(config, params, x, /):
    sides = _sides(params)
    return right._diagonals(config, sides[0], x) + right._down(right._diagonals(config, sides[1], np.flip(x, -1)))


@wrong("autoregressive.diagonal_bilstm", "the kernel upside down: the row below in place of the one above")
def diagonal_upside_down(config, params, x, /):
    turned = {name: np.flip(p, 2) if "state_to_state" in name else p for name, p in params.items()}
    return right.diagonal_bilstm(config, turned, x)


def _sides(params):
    return [{name.partition(".")[2]: p for name, p in params.items() if name.startswith(side)}
            for side in ("from_left", "from_right")]  # fmt: skip
