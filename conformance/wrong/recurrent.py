"""Classic mistakes in recurrent networks."""

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import recurrent as right
from gongsik.reference.activation import sigmoid, softmax, tanh
from gongsik.reference.network import linear
from gongsik.spec import recurrent as spec

# Models of sequences


@wrong("recurrent.naive_sequence_model", "only the element before is looked at")
def naive_forgets(tables, seq, /):
    chosen = [tables[0][seq[:, 0]]]
    chosen += [tables[1][seq[:, t - 1], seq[:, t]] for t in range(1, seq.shape[1])]
    return np.log(np.stack(chosen)).sum(0)


@wrong("recurrent.naive_sequence_model", "the past backwards")
def naive_backwards(tables, seq, /):
    return sum(np.log(tables[t][tuple(seq[:, t::-1].T)]) for t in range(seq.shape[1]))


@wrong("recurrent.naive_sequence_model", "probabilities multiplied, no logarithm")
def naive_product(tables, seq, /):
    return np.exp(right.naive_sequence_model(tables, seq))


@wrong("recurrent.autoregressive_model", "the coefficients the wrong way round: the first weighs what is oldest")
def autoregressive_reversed(x, a, c, /):
    return right.autoregressive_model(x, np.flip(a), c)


@wrong("recurrent.autoregressive_model", "the constant is forgotten")
def autoregressive_without_constant(x, a, c, /):
    return right.autoregressive_model(x, a, 0 * c)


@wrong("recurrent.autoregressive_model", "the prediction after the end is left out")
def autoregressive_short(x, a, c, /):
    return right.autoregressive_model(x, a, c)[..., :-1]


@wrong("recurrent.markov_model", "the transition matrix is transposed: rows are where one comes from")
def markov_transposed(initial, transition, seq, /):
    return np.log(initial)[seq[:, 0]] + np.log(transition)[seq[:, 1:], seq[:, :-1]].sum(-1)


@wrong("recurrent.markov_model", "the first element costs nothing")
def markov_without_start(initial, transition, seq, /):
    return np.log(transition)[seq[:, :-1], seq[:, 1:]].sum(-1)


@wrong("recurrent.latent_autoregressive_model", "predicts before the step is read")
def latent_late(update, readout, x, h0, /):
    h, predictions = h0, []
    for t in range(x.shape[1]):
        predictions.append(readout(h))
        h = update(h, x[:, t])
    return np.stack(predictions, 1)


@wrong("recurrent.latent_autoregressive_model", "the summary starts anew at every step")
def latent_without_memory(update, readout, x, h0, /):
    return np.stack([readout(update(h0, x[:, t])) for t in range(x.shape[1])], 1)


# The plain cell, and what is made of it


@wrong("recurrent.rnn_cell", "the bias of the state is forgotten")
def rnn_cell_one_bias(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, nonlinearity="tanh"):
    return right.rnn_cell(x, h, weight_ih, weight_hh, bias_ih, 0 * bias_hh, nonlinearity=nonlinearity)


@wrong("recurrent.rnn_cell", "the recurrent weight is transposed")
def rnn_cell_transposed(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, nonlinearity="tanh"):
    return right.rnn_cell(x, h, weight_ih, weight_hh.T, bias_ih, bias_hh, nonlinearity=nonlinearity)


@wrong("recurrent.rnn_cell", "the option is forgotten: always tanh")
def rnn_cell_tanh(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, nonlinearity="tanh"):
    return right.rnn_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh)


@wrong("recurrent.rnn", "the first state is ignored")
def rnn_from_zero(config, params, x, h0=None, /):
    return right.rnn(config, params, x)


@wrong("recurrent.rnn", "the state of the first step in place of the last")
def rnn_first_state(config, params, x, h0=None, /):
    output, h = right.rnn(config, params, x, h0)
    return spec.States(output, np.broadcast_to(output[:, 0], h.shape))


@wrong("recurrent.rnn", "the sequence is read backwards")
def rnn_backwards(config, params, x, h0=None, /):
    return right.rnn(config, params, x[:, ::-1], h0)


@wrong("recurrent.stacked_rnn", "the last states from the top layer to the bottom")
def stacked_rnn_upside_down(config, params, x, h0=None, /):
    output, h = right.stacked_rnn(config, params, x, h0)
    return spec.States(output, h[::-1])


@wrong("recurrent.stacked_rnn", "every layer starts from the first state of the bottom layer")
def stacked_rnn_one_start(config, params, x, h0=None, /):
    return right.stacked_rnn(config, params, x, None if h0 is None else np.broadcast_to(h0[:1], h0.shape))


@wrong("recurrent.rnn_forward_code", "the output of the sum before tanh, as the notes print it")
def rnn_forward_of_sums(x, h, u, w, v, b, c, /):
    s = x @ u + h @ w + b
    return spec.RNNForward(softmax(s @ v + c), tanh(s))


@wrong("recurrent.rnn_forward_code", "no softmax")
def rnn_forward_logits(x, h, u, w, v, b, c, /):
    h = tanh(x @ u + h @ w + b)
    return spec.RNNForward(h @ v + c, h)


@wrong("recurrent.rnn_forward_code", "the output of the state before")
def rnn_forward_old_state(x, h, u, w, v, b, c, /):
    return spec.RNNForward(softmax(h @ v + c), tanh(x @ u + h @ w + b))


@wrong("recurrent.jordan_cell", "the output layer without its activation")
def jordan_cell_linear(x, y, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    return right.jordan_cell(x, y, w_x, w_y, b, w_o, c, activation="identity")


@wrong("recurrent.jordan_cell", "the output is not fed back")
def jordan_cell_forward(x, y, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    return right.jordan_cell(x, 0 * y, w_x, w_y, b, w_o, c, activation=activation)


@wrong("recurrent.jordan_network", "the first output is fed back at every step")
def jordan_network_stuck(x, y0, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    return spec.JordanStates(*right.jordan_cell(x, np.stack([y0] * x.shape[1], 1), w_x, w_y, b, w_o, c,
                                                activation=activation))  # fmt: skip


@wrong("recurrent.jordan_network", "the sum of the output layer is fed back")
def jordan_network_feeds_sums(x, y0, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    z, steps = y0, []
    for t in range(x.shape[1]):
        z, h = right.jordan_cell(x[:, t], z, w_x, w_y, b, w_o, c, activation="identity")
        steps.append((right.JORDAN[activation](z), h))
    return spec.JordanStates(*(np.stack(parts, 1) for parts in zip(*steps, strict=True)))


@wrong("recurrent.sequence_mapping", "many-to-one reads the last step, padding or not")
def sequence_mapping_reads_padding(config, params, x, lengths=None, /):
    return right.sequence_mapping(config, params, x)


@wrong("recurrent.sequence_mapping", "the state is not carried when outputs are fed back")
def sequence_mapping_forgets(config, params, x, lengths=None, /):
    if not config.feeds_back:
        return right.sequence_mapping(config, params, x, lengths)
    short = spec.SequenceMapping(config.recurrent, config.output_size, "sequence_to_sequence")
    outputs = [right.sequence_mapping(short, params, x)]
    while len(outputs) < config.steps:
        outputs.append(right.sequence_mapping(short, params, outputs[-1]))
    return np.concatenate(outputs, 1)


@wrong("recurrent.sequence_mapping", "the length taken as the index of the last step")
def sequence_mapping_off_by_one(config, params, x, lengths=None, /):
    later = None if lengths is None else np.minimum(lengths + 1, x.shape[1])
    return right.sequence_mapping(config, params, x, later)


# Training: backpropagation through time


@wrong("recurrent.sequence_loss", "padding counts")
def sequence_loss_padding(z, target, lengths=None, /, *, kind="cross_entropy"):
    return right.sequence_loss(z, target, kind=kind)


@wrong("recurrent.sequence_loss", "averaged over the steps")
def sequence_loss_mean(z, target, lengths=None, /, *, kind="cross_entropy"):
    return right.sequence_loss(z, target, lengths, kind=kind) / z.shape[1]


@wrong("recurrent.sequence_loss", "the squared error is not divided by the number of outputs")
def sequence_loss_sum(z, target, lengths=None, /, *, kind="cross_entropy"):
    loss = right.sequence_loss(z, target, lengths, kind=kind)
    return loss * z.shape[-1] if kind == "squared_error" else loss


@wrong("recurrent.bptt", "averaged over time, as the notes say in one place")
def bptt_mean(x, h0, u, w, b, upstream, /):
    grads = right.bptt(x, h0, u, w, b, upstream)
    return grads._replace(u=grads.u / x.shape[1], w=grads.w / x.shape[1], b=grads.b / x.shape[1])


@wrong("recurrent.bptt", "every step by itself: nothing comes back from later")
def bptt_without_time(x, h0, u, w, b, upstream, /):
    grads = right.truncated_bptt(x, h0, u, w, b, upstream, steps=1)
    return spec.BPTT(*right.bptt(x, h0, u, w, b, upstream)[:2], *grads)


@wrong("recurrent.bptt", "the recurrent weight is not transposed on the way back")
def bptt_untransposed(x, h0, u, w, b, upstream, /):
    h = right._states(x, h0, u, w, b)
    deltas, later = [], 0
    for t in range(x.shape[1], 0, -1):
        deltas.append((upstream[:, t - 1] + later) * (1 - h[t] ** 2))
        later = deltas[-1] @ w
    delta = np.stack(deltas[::-1], 1)
    rows = right._rows(delta)
    before = right._rows(np.stack(h[:-1], 1))
    return spec.BPTT(delta @ u.T, later, right._rows(x).T @ rows, before.T @ rows, rows.sum(0))


@wrong("recurrent.bptt_output_gradient", "the sign: target minus output")
def bptt_output_sign(h, v, c, target, /):
    return -right.bptt_output_gradient(h, v, c, target)


@wrong("recurrent.bptt_output_gradient", "averaged over the samples")
def bptt_output_mean(h, v, c, target, /):
    return right.bptt_output_gradient(h, v, c, target) / len(h)


@wrong("recurrent.bptt_input_gradient", "only the last step: the path through earlier states is missing")
def bptt_input_last(x, h0, u, w, b, v, c, target, /):
    x_t, _, delta = next(right._terms(x, h0, u, w, b, v, c, target))
    return x_t.T @ delta


@wrong("recurrent.bptt_input_gradient", "total derivatives in place of immediate ones: paths are counted repeatedly")
def bptt_input_total(x, h0, u, w, b, v, c, target, /):
    terms = list(right._terms(x, h0, u, w, b, v, c, target))
    return sum((j + 1) * (x_k.T @ delta) for j, (x_k, _, delta) in enumerate(terms))


@wrong("recurrent.bptt_recurrent_gradient", "only the last step: the path through earlier states is missing")
def bptt_recurrent_last(x, h0, u, w, b, v, c, target, /):
    _, before, delta = next(right._terms(x, h0, u, w, b, v, c, target))
    return before.T @ delta


@wrong("recurrent.bptt_recurrent_gradient", "the slopes of tanh are forgotten")
def bptt_recurrent_linear(x, h0, u, w, b, v, c, target, /):
    h = right._states(x, h0, u, w, b)
    upstream, total = (softmax(h[-1] @ v + c) - target) @ v.T, 0
    for k in range(x.shape[1], 0, -1):
        total = total + h[k - 1].T @ upstream
        upstream = upstream @ w.T
    return total


@wrong("recurrent.bptt_recurrent_gradient", "the recurrent weight is not transposed on the way back")
def bptt_recurrent_untransposed(x, h0, u, w, b, v, c, target, /):
    h = right._states(x, h0, u, w, b)
    upstream, total = (softmax(h[-1] @ v + c) - target) @ v.T, 0
    for k in range(x.shape[1], 0, -1):
        delta = upstream * (1 - h[k] ** 2)
        total, upstream = total + h[k - 1].T @ delta, delta @ w
    return total


def _jacobians(x, h0, w_xh, w_hh, b, step):
    h = right._states(x, h0, w_xh.T, w_hh.T, b)
    found = [np.broadcast_to(np.eye(len(b), dtype=x.dtype), (len(x), len(b), len(b)))]
    for j in range(x.shape[1], 1, -1):
        found.append(step(found[-1], (1 - h[j] ** 2)[:, :, None], w_hh))
    return np.stack(found[::-1], 1)


@wrong("recurrent.gradient_flow", "the slopes behind the product, as if the two commuted")
def gradient_flow_commutes(x, h0, w_xh, w_hh, b, /):
    return _jacobians(x, h0, w_xh, w_hh, b, lambda j, slope, w: slope * (j @ w))


@wrong("recurrent.gradient_flow", "no slope of tanh: powers of W")
def gradient_flow_linear(x, h0, w_xh, w_hh, b, /):
    return _jacobians(x, h0, w_xh, w_hh, b, lambda j, slope, w: j @ w)


@wrong("recurrent.gradient_flow", "the order of time: the first Jacobian is the identity")
def gradient_flow_reversed(x, h0, w_xh, w_hh, b, /):
    return right.gradient_flow(x, h0, w_xh, w_hh, b)[:, ::-1]


@wrong("recurrent.truncated_bptt", "one step too many")
def truncated_bptt_longer(x, h0, u, w, b, upstream, /, *, steps):
    return right.truncated_bptt(x, h0, u, w, b, upstream, steps=steps + 1)


@wrong("recurrent.truncated_bptt", "not truncated at all")
def truncated_bptt_full(x, h0, u, w, b, upstream, /, *, steps):
    return spec.TruncatedBPTT(*right.bptt(x, h0, u, w, b, upstream)[2:])


@wrong(
    "recurrent.truncated_bptt", "cut into pieces of that many steps: an error near a cut does not go back far enough"
)
def truncated_bptt_pieces(x, h0, u, w, b, upstream, /, *, steps):
    total, h = [0 * u, 0 * w, 0 * b], h0
    for start in range(0, x.shape[1], steps):
        part = slice(start, start + steps)
        total = [a + g for a, g in zip(total, right.bptt(x[:, part], h, u, w, b, upstream[:, part])[2:], strict=True)]
        h = right._states(x[:, part], h, u, w, b)[-1]
    return spec.TruncatedBPTT(*total)


# LSTM


@wrong("recurrent.lstm_forget_gate", "tanh in place of the sigmoid")
def forget_gate_tanh(x, h, u, w, b, b_hh=None, /):
    return tanh(right._sums(x, h, u, w, b, b_hh))


@wrong("recurrent.lstm_forget_gate", "turned over: how much is forgotten")
def forget_gate_turned(x, h, u, w, b, b_hh=None, /):
    return 1 - right.lstm_forget_gate(x, h, u, w, b, b_hh)


@wrong("recurrent.lstm_input_gate", "the blocks of rows exchanged")
def input_gate_exchanged(x, h, u, w, b, b_hh=None, /):
    s, k = right._sums(x, h, u, w, b, b_hh), h.shape[-1]
    return spec.InputGate(sigmoid(s[..., k:]), tanh(s[..., :k]))


@wrong("recurrent.lstm_input_gate", "the candidate through a sigmoid")
def input_gate_sigmoid(x, h, u, w, b, b_hh=None, /):
    s, k = right._sums(x, h, u, w, b, b_hh), h.shape[-1]
    return spec.InputGate(sigmoid(s[..., :k]), sigmoid(s[..., k:]))


@wrong("recurrent.lstm_cell_update", "one gate for both: what is not kept is written")
def cell_update_coupled(c, f, i, candidate, /):
    return f * c + (1 - f) * candidate


@wrong("recurrent.lstm_cell_update", "the gates exchanged")
def cell_update_exchanged(c, f, i, candidate, /):
    return i * c + f * candidate


@wrong("recurrent.lstm_output_gate", "the cell is shown as it is, without tanh")
def output_gate_linear(x, h, c, u, w, b, b_hh=None, /):
    o, _ = right.lstm_output_gate(x, h, c, u, w, b, b_hh)
    return spec.OutputGate(o, o * c)


@wrong("recurrent.lstm_output_gate", "tanh of the product")
def output_gate_tanh_last(x, h, c, u, w, b, b_hh=None, /):
    o, _ = right.lstm_output_gate(x, h, c, u, w, b, b_hh)
    return spec.OutputGate(o, tanh(o * c))


def _reordered(parameters, order):
    """Parameters whose blocks of rows stand in another order."""
    return [np.concatenate([right._blocks(p, len(order))[j] for j in order]) for p in parameters]


@wrong("recurrent.lstm_cell", "the blocks in the order i, o, f, candidate, as ONNX has them")
def lstm_cell_onnx_order(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, /):
    return right.lstm_cell(x, h, c, *_reordered((weight_ih, weight_hh, bias_ih, bias_hh), (0, 2, 3, 1)))


@wrong("recurrent.lstm_cell", "the old cell is shown")
def lstm_cell_shows_old(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, /):
    new = right.lstm_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh)
    o = sigmoid((linear(x, weight_ih, bias_ih) + linear(h, weight_hh, bias_hh))[..., 3 * h.shape[-1] :])
    return spec.Cell(o * tanh(c), new.c)


@wrong("recurrent.lstm", "the first cell is ignored")
def lstm_from_zero(config, params, x, h0=None, c0=None, /):
    return right.lstm(config, params, x, h0)


@wrong("recurrent.lstm", "output and cell of the end exchanged")
def lstm_exchanged(config, params, x, h0=None, c0=None, /):
    output, h, c = right.lstm(config, params, x, h0, c0)
    return spec.LSTMStates(output, c, h)


@wrong("recurrent.lstm_peephole_cell", "the option is forgotten: the output gate always sees the new cell")
def peephole_cell_new(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    return right.lstm_peephole_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v)


@wrong("recurrent.lstm_peephole_cell", "no peepholes")
def peephole_cell_blind(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    return right.lstm_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh)


@wrong("recurrent.lstm_peephole_cell", "the peepholes in the order i, o, f, as ONNX has them")
def peephole_cell_onnx_order(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    return right.lstm_peephole_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v[[0, 2, 1]], output=output)


@wrong("recurrent.lstm_peephole", "the cell starts at 0")
def peephole_from_zero(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    return right.lstm_peephole(x, h0, 0 * c0, weight_ih, weight_hh, bias_ih, bias_hh, v, output=output)


@wrong("recurrent.lstm_peephole", "the peepholes see the output in place of the cell")
def peephole_sees_output(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    more = np.concatenate([np.diag(v[0]), np.diag(v[1]), 0 * np.diag(v[2]), np.diag(v[2])])
    return right.lstm_peephole(x, h0, c0, weight_ih, weight_hh + more, bias_ih, bias_hh, 0 * v, output=output)


# GRU


@wrong("recurrent.gru_reset_gate", "turned over: how much is reset")
def reset_gate_turned(x, h, u, w, b, b_hh=None, /):
    return 1 - right.gru_reset_gate(x, h, u, w, b, b_hh)


@wrong("recurrent.gru_reset_gate", "the second bias is forgotten")
def reset_gate_one_bias(x, h, u, w, b, b_hh=None, /):
    return right.gru_reset_gate(x, h, u, w, b)


@wrong("recurrent.gru_update_gate", "tanh in place of the sigmoid")
def update_gate_tanh(x, h, u, w, b, b_hh=None, /):
    return tanh(right._sums(x, h, u, w, b, b_hh))


@wrong("recurrent.gru_update_gate", "the state is not seen")
def update_gate_blind(x, h, u, w, b, b_hh=None, /):
    return right.gru_update_gate(x, 0 * h, u, w, b, b_hh)


@wrong("recurrent.gru_cell", "the other orientation of the update gate")
def gru_cell_turned(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, reset_after=True, update="keep"):
    other = "write" if update == "keep" else "keep"
    return right.gru_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh, reset_after=reset_after, update=other)


@wrong("recurrent.gru_cell", "the reset gate always on the product")
def gru_cell_reset_after(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, reset_after=True, update="keep"):
    return right.gru_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh, update=update)


@wrong("recurrent.gru_cell", "the blocks in the order z, r, candidate, as ONNX and Keras have them")
def gru_cell_onnx_order(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, reset_after=True, update="keep"):
    parameters = _reordered((weight_ih, weight_hh, bias_ih, bias_hh), (1, 0, 2))
    return right.gru_cell(x, h, *parameters, reset_after=reset_after, update=update)


@wrong("recurrent.gru", "the other orientation of the update gate")
def gru_turned(config, params, x, h0=None, /):
    other = "write" if config.update == "keep" else "keep"
    turned = spec.GRU(config.input_size, config.hidden_size, config.num_layers, config.reset_after, other)
    return right.gru(turned, params, x, h0)


@wrong("recurrent.gru", "the first state is ignored")
def gru_from_zero(config, params, x, h0=None, /):
    return right.gru(config, params, x)
