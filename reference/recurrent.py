"""Recurrent networks in NumPy: one cell, one step after the other."""

import numpy as np

from gongsik.reference.activation import relu, sigmoid, softmax, tanh
from gongsik.reference.arrays import implements
from gongsik.reference.network import linear
from gongsik.spec import recurrent as spec
from gongsik.spec.model import check_parameters

__all__ = [
    "autoregressive_model",
    "bptt",
    "bptt_input_gradient",
    "bptt_output_gradient",
    "bptt_recurrent_gradient",
    "gradient_flow",
    "gru",
    "gru_cell",
    "gru_reset_gate",
    "gru_update_gate",
    "jordan_cell",
    "jordan_network",
    "latent_autoregressive_model",
    "lstm",
    "lstm_cell",
    "lstm_cell_update",
    "lstm_forget_gate",
    "lstm_input_gate",
    "lstm_output_gate",
    "lstm_peephole",
    "lstm_peephole_cell",
    "markov_model",
    "naive_sequence_model",
    "rnn",
    "rnn_cell",
    "rnn_forward_code",
    "sequence_loss",
    "sequence_mapping",
    "stacked_rnn",
    "truncated_bptt",
]


# Models of sequences


@implements(spec.naive_sequence_model)
def naive_sequence_model(tables, seq, /):
    spec.check_tables(tables, seq.shape[1])
    with np.errstate(divide="ignore"):  # what is impossible has log-probability minus infinity
        # The elements up to the t-th are the place in the t-th table.
        return sum(np.log(tables[t][tuple(seq[:, : t + 1].T)]) for t in range(seq.shape[1]))


@implements(spec.autoregressive_model)
def autoregressive_model(x, a, c, /):
    tau = len(a)
    windows = np.lib.stride_tricks.sliding_window_view(x, tau, axis=-1)  # [*batch, t + 1 - tau, tau]
    return c + windows @ np.flip(a)


@implements(spec.markov_model)
def markov_model(initial, transition, seq, /):
    with np.errstate(divide="ignore"):  # what is impossible has log-probability minus infinity
        steps = np.log(transition)[seq[:, :-1], seq[:, 1:]]  # [n, t - 1]
        return np.log(initial)[seq[:, 0]] + steps.sum(-1)


@implements(spec.latent_autoregressive_model)
def latent_autoregressive_model(update, readout, x, h0, /):
    h, predictions = h0, []
    for t in range(x.shape[1]):
        h = update(h, x[:, t])
        predictions.append(readout(h))
    return np.stack(predictions, 1)


# The plain cell, and what is made of it


@implements(spec.rnn_cell)
def rnn_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, nonlinearity="tanh"):
    s = linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh)
    return tanh(s) if nonlinearity == "tanh" else relu(s)


def _layers(config, x, states, cell):
    """Run layer after layer over a sequence: ``cell(layer, x_t, *state)`` does a step and shows the first of its state.

    `states` are those before the first step, [layers, n, k] each; None for zeros. Returns what the last layer shows at
    every step, and the states of all layers after the last one.
    """
    zeros = np.zeros((config.num_layers, len(x), config.hidden_size), x.dtype)
    states, last = [zeros if state is None else state for state in states], []
    for layer in range(config.num_layers):
        state, shown = [s[layer] for s in states], []
        for t in range(x.shape[1]):
            state = cell(layer, x[:, t], *state)
            shown.append(state[0])
        x = np.stack(shown, 1)  # [n, t, k], which the next layer reads
        last.append(state)
    return x, *(np.stack(parts) for parts in zip(*last, strict=True))


@implements(spec.rnn)
def rnn(config, params, x, h0=None, /):
    return stacked_rnn(config, params, x, h0)


@implements(spec.stacked_rnn)
def stacked_rnn(config, params, x, h0=None, /):
    check_parameters("stacked_rnn", config, params)

    def cell(layer, x, h):
        return (rnn_cell(x, h, *config.layer(params, layer), nonlinearity=config.nonlinearity),)

    return spec.States(*_layers(config, x, (h0,), cell))


@implements(spec.rnn_forward_code)
def rnn_forward_code(x, h, u, w, v, b, c, /):
    h = tanh(x @ u + h @ w + b)
    return spec.RNNForward(softmax(h @ v + c), h)


JORDAN = {"identity": lambda z: z, "sigmoid": sigmoid, "tanh": tanh, "softmax": softmax}


@implements(spec.jordan_cell)
def jordan_cell(x, y, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    h = tanh(linear(x, w_x) + linear(y, w_y) + b)
    return spec.Jordan(JORDAN[activation](linear(h, w_o, c)), h)


@implements(spec.jordan_network)
def jordan_network(x, y0, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    y, steps = y0, []
    for t in range(x.shape[1]):
        y, h = jordan_cell(x[:, t], y, w_x, w_y, b, w_o, c, activation=activation)
        steps.append((y, h))
    return spec.JordanStates(*(np.stack(parts, 1) for parts in zip(*steps, strict=True)))


@implements(spec.sequence_mapping)
def sequence_mapping(config, params, x, lengths=None, /):
    check_parameters("sequence_mapping", config, params)
    spec.check_reading(config, x.shape[1], lengths)
    network = {spec.RNN: stacked_rnn, spec.LSTM: lstm, spec.GRU: gru}[type(config.recurrent)]
    weights = {name: params[f"recurrent.{name}"] for name in config.recurrent.parameters()}
    h, *states = network(config.recurrent, weights, x)
    if config.form == "many_to_one":
        h = h[:, -1:] if lengths is None else h[np.arange(len(x)), lengths - 1][:, None]
    if not config.feeds_back:
        return linear(h, params["linear.weight"], params["linear.bias"])
    outputs = [linear(h[:, -1:], params["linear.weight"], params["linear.bias"])]
    for _ in range(config.steps - 1):
        h, *states = network(config.recurrent, weights, outputs[-1], *states)
        outputs.append(linear(h, params["linear.weight"], params["linear.bias"]))
    return np.concatenate(outputs, 1)


# Training: backpropagation through time


@implements(spec.sequence_loss)
def sequence_loss(z, target, lengths=None, /, *, kind="cross_entropy"):
    if lengths is not None:
        real = (np.arange(z.shape[1]) < lengths[:, None])[..., None]  # [n, t, 1]
        z, target = np.where(real, z, 0), np.where(real, target, 0)
    if kind == "squared_error":
        return ((target - z) ** 2).mean(-1).sum()
    shifted = z - z.max(-1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return -(target * log_softmax).sum()


def _states(x, h0, u, w, b):
    """h_0, h_1, ..., h_T of a plain RNN."""
    states = [h0]
    for t in range(x.shape[1]):
        states.append(tanh(x[:, t] @ u + states[-1] @ w + b))
    return states


def _rows(x):
    """The vectors of all samples and steps below each other."""
    return x.reshape(-1, x.shape[-1])  # [n t, k]


@implements(spec.bptt)
def bptt(x, h0, u, w, b, upstream, /):
    h = _states(x, h0, u, w, b)
    deltas, from_later = [], 0
    for t in range(x.shape[1], 0, -1):
        delta = (upstream[:, t - 1] + from_later) * (1 - h[t] ** 2)
        deltas.append(delta)
        from_later = delta @ w.T
    delta, before = np.stack(deltas[::-1], 1), np.stack(h[:-1], 1)  # [n, t, k]
    rows = _rows(delta)
    return spec.BPTT(delta @ u.T, from_later, _rows(x).T @ rows, _rows(before).T @ rows, rows.sum(0))


@implements(spec.bptt_output_gradient)
def bptt_output_gradient(h, v, c, target, /):
    y = softmax(h @ v + c)
    return h.T @ (y - target)


def _terms(x, h0, u, w, b, v, c, target):
    """For k = T, ..., 1: what step k read, the state before it, and the derivative of E_T by its sum s_k."""
    h = _states(x, h0, u, w, b)
    upstream = (softmax(h[-1] @ v + c) - target) @ v.T  # dE_T / dh_T
    for k in range(x.shape[1], 0, -1):
        delta = upstream * (1 - h[k] ** 2)
        yield x[:, k - 1], h[k - 1], delta
        upstream = delta @ w.T  # dE_T / dh_{k-1}


@implements(spec.bptt_input_gradient)
def bptt_input_gradient(x, h0, u, w, b, v, c, target, /):
    return sum(x_k.T @ delta for x_k, _, delta in _terms(x, h0, u, w, b, v, c, target))


@implements(spec.bptt_recurrent_gradient)
def bptt_recurrent_gradient(x, h0, u, w, b, v, c, target, /):
    return sum(before.T @ delta for _, before, delta in _terms(x, h0, u, w, b, v, c, target))


@implements(spec.gradient_flow)
def gradient_flow(x, h0, w_xh, w_hh, b, /):
    h = _states(x, h0, w_xh.T, w_hh.T, b)
    jacobians = [np.broadcast_to(np.eye(len(b), dtype=x.dtype), (len(x), len(b), len(b)))]
    for j in range(x.shape[1], 1, -1):
        step = (1 - h[j] ** 2)[:, :, None] * w_hh  # diag(tanh') W_hh = dh_j / dh_{j-1}: [n, k, k]
        jacobians.append(jacobians[-1] @ step)
    return np.stack(jacobians[::-1], 1)


@implements(spec.truncated_bptt)
def truncated_bptt(x, h0, u, w, b, upstream, /, *, steps):
    h = np.stack(_states(x, h0, u, w, b), 1)  # [n, t + 1, k]
    slope = 1 - h[:, 1:] ** 2
    delta = upstream * slope  # of every E_t by the sum s_t: no step back
    n_steps = x.shape[1]
    grads = [np.zeros_like(u), np.zeros_like(w), np.zeros_like(b)]
    for back in range(min(steps, n_steps)):
        # delta[:, j] is the derivative of E_{j + 1 + back} by s_{j + 1}
        rows, inputs, before = _rows(delta), _rows(x[:, : n_steps - back]), _rows(h[:, : n_steps - back])
        grads = [g + term for g, term in zip(grads, (inputs.T @ rows, before.T @ rows, rows.sum(0)), strict=True)]
        delta = delta[:, 1:] @ w.T * slope[:, : n_steps - back - 1]
    return spec.TruncatedBPTT(*grads)


# LSTM, gate by gate


def _sums(x, h, u, w, b, b_hh):
    s = linear(x, u, b) + linear(h, w)
    return s if b_hh is None else s + b_hh


@implements(spec.lstm_forget_gate)
def lstm_forget_gate(x, h, u, w, b, b_hh=None, /):
    return sigmoid(_sums(x, h, u, w, b, b_hh))


@implements(spec.lstm_input_gate)
def lstm_input_gate(x, h, u, w, b, b_hh=None, /):
    s, k = _sums(x, h, u, w, b, b_hh), h.shape[-1]  # [*batch, 2k]
    return spec.InputGate(sigmoid(s[..., :k]), tanh(s[..., k:]))


@implements(spec.lstm_cell_update)
def lstm_cell_update(c, f, i, candidate, /):
    return f * c + i * candidate


@implements(spec.lstm_output_gate)
def lstm_output_gate(x, h, c, u, w, b, b_hh=None, /):
    o = sigmoid(_sums(x, h, u, w, b, b_hh))
    return spec.OutputGate(o, o * tanh(c))


def _blocks(parameter, n):
    """The blocks of rows of n gates."""
    k = len(parameter) // n
    return [parameter[j * k : (j + 1) * k] for j in range(n)]


@implements(spec.lstm_cell)
def lstm_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, /):
    parameters = weight_ih, weight_hh, bias_ih, bias_hh
    gate_i, gate_f, of_candidate, gate_o = zip(*(_blocks(parameter, 4) for parameter in parameters), strict=True)
    write = [np.concatenate(pair) for pair in zip(gate_i, of_candidate, strict=True)]
    f = lstm_forget_gate(x, h, *gate_f)
    i, candidate = lstm_input_gate(x, h, *write)
    c = lstm_cell_update(c, f, i, candidate)
    return spec.Cell(lstm_output_gate(x, h, c, *gate_o).h, c)


@implements(spec.lstm)
def lstm(config, params, x, h0=None, c0=None, /):
    check_parameters("lstm", config, params)

    def cell(layer, x, h, c):
        return lstm_cell(x, h, c, *config.layer(params, layer))

    return spec.LSTMStates(*_layers(config, x, (h0, c0), cell))


@implements(spec.lstm_peephole_cell)
def lstm_peephole_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    s, k = linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh), h.shape[-1]  # [*batch, 4k]
    i = sigmoid(s[..., :k] + v[0] * c)
    f = sigmoid(s[..., k : 2 * k] + v[1] * c)
    c_new = lstm_cell_update(c, f, i, tanh(s[..., 2 * k : 3 * k]))
    o = sigmoid(s[..., 3 * k :] + v[2] * (c_new if output == "new" else c))
    return spec.Cell(o * tanh(c_new), c_new)


@implements(spec.lstm_peephole)
def lstm_peephole(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    h, c, shown = h0, c0, []
    for t in range(x.shape[1]):
        h, c = lstm_peephole_cell(x[:, t], h, c, weight_ih, weight_hh, bias_ih, bias_hh, v, output=output)
        shown.append(h)
    return spec.PeepholeStates(np.stack(shown, 1), h, c)


# GRU


@implements(spec.gru_reset_gate)
def gru_reset_gate(x, h, u, w, b, b_hh=None, /):
    return sigmoid(_sums(x, h, u, w, b, b_hh))


@implements(spec.gru_update_gate)
def gru_update_gate(x, h, u, w, b, b_hh=None, /):
    return sigmoid(_sums(x, h, u, w, b, b_hh))


@implements(spec.gru_cell)
def gru_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, reset_after=True, update="keep"):
    parameters = weight_ih, weight_hh, bias_ih, bias_hh
    reset, mix, (u, w, b_ih, b_hh) = zip(*(_blocks(parameter, 3) for parameter in parameters), strict=True)
    r, z = gru_reset_gate(x, h, *reset), gru_update_gate(x, h, *mix)
    seen = r * linear(h, w, b_hh) if reset_after else linear(r * h, w, b_hh)
    candidate = tanh(linear(x, u, b_ih) + seen)
    return z * h + (1 - z) * candidate if update == "keep" else (1 - z) * h + z * candidate


@implements(spec.gru)
def gru(config, params, x, h0=None, /):
    check_parameters("gru", config, params)

    def cell(layer, x, h):
        options = {"reset_after": config.reset_after, "update": config.update}
        return (gru_cell(x, h, *config.layer(params, layer), **options),)

    return spec.States(*_layers(config, x, (h0,), cell))
