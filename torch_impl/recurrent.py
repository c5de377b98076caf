"""Recurrent networks in PyTorch: fused kernels over whole sequences; where there is none, what does not wait for the
step before is computed for all steps at once.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.spec import recurrent as spec
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import implements

__all__ = [
    "GRUModule",
    "LSTMModule",
    "RNNModule",
    "SequenceMappingModule",
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
    elements = seq.unbind(1)
    chosen = [tables[t][elements[: t + 1]] for t in range(len(elements))]
    return torch.stack(chosen).log_().sum(0)


@implements(spec.autoregressive_model)
def autoregressive_model(x, a, c, /):
    windows = x.unfold(-1, len(a), 1)  # [*batch, t + 1 - tau, tau], a view
    return windows @ a.flip(0) + c


@implements(spec.markov_model)
def markov_model(initial, transition, seq, /):
    # One gather from the logarithms of all pairs, which are few beside the steps.
    steps = transition.log().flatten()[seq[:, :-1] * len(initial) + seq[:, 1:]]  # [n, t - 1]
    return initial.log()[seq[:, 0]] + steps.sum(-1)


@implements(spec.latent_autoregressive_model)
def latent_autoregressive_model(update, readout, x, h0, /):
    h, predictions = h0, []
    for step in x.unbind(1):
        h = update(h, step)
        predictions.append(readout(h))
    return torch.stack(predictions, 1)


# The plain cell, and what is made of it


@implements(spec.rnn_cell)
def rnn_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, nonlinearity="tanh"):
    s = F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)
    return torch.tanh(s) if nonlinearity == "tanh" else torch.relu(s)


def _run(kernel, config, params, x, *states):
    """A fused kernel of torch over all layers and steps; the arguments are those that torch.nn's modules pass."""
    states = [_zeros(config, x) if state is None else state for state in states]
    weights = [params[name] for name in config.parameters()]
    # What a backward pass needs is kept if there can be one.
    options = (True, config.num_layers, 0.0, torch.is_grad_enabled(), False, True)
    return kernel(x, states[0] if len(states) == 1 else states, weights, *options)


def _zeros(config, x):
    return x.new_zeros(config.num_layers, len(x), config.hidden_size)


@implements(spec.rnn)
def rnn(config, params, x, h0=None, /):
    return stacked_rnn(config, params, x, h0)


@implements(spec.stacked_rnn)
def stacked_rnn(config, params, x, h0=None, /):
    check_parameters("stacked_rnn", config, params)
    kernel = torch.rnn_tanh if config.nonlinearity == "tanh" else torch.rnn_relu
    return spec.States(*_run(kernel, config, params, x, h0))


class RNNModule(nn.RNN):
    """`rnn` and `stacked_rnn` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : RNN
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.recurrent import RNN
    >>> list(RNNModule(RNN(2, 3)).state_dict())
    ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
    """

    def __init__(self, config: spec.RNN, /) -> None:
        sizes = config.input_size, config.hidden_size, config.num_layers
        super().__init__(*sizes, nonlinearity=config.nonlinearity, batch_first=True)
        self.config = config


@implements(spec.rnn_forward_code)
def rnn_forward_code(x, h, u, w, v, b, c, /):
    h = torch.tanh(torch.addmm(b, x, u) + h @ w)
    return spec.RNNForward(torch.softmax(torch.addmm(c, h, v), -1), h)


JORDAN = {
    "identity": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softmax": partial(torch.softmax, dim=-1),
}  # fmt: skip


@implements(spec.jordan_cell)
def jordan_cell(x, y, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    h = torch.tanh(F.linear(x, w_x, b) + F.linear(y, w_y))
    return spec.Jordan(JORDAN[activation](F.linear(h, w_o, c)), h)


@implements(spec.jordan_network)
def jordan_network(x, y0, w_x, w_y, b, w_o, c, /, *, activation="sigmoid"):
    y, rho, outputs, hidden = y0, JORDAN[activation], [], []
    for step in F.linear(x, w_x, b).unbind(1):  # the input's part of all steps in one product
        hidden.append(torch.tanh(torch.addmm(step, y, w_y.T)))
        y = rho(F.linear(hidden[-1], w_o, c))
        outputs.append(y)
    return spec.JordanStates(torch.stack(outputs, 1), torch.stack(hidden, 1))


@implements(spec.sequence_mapping)
def sequence_mapping(config, params, x, lengths=None, /):
    check_parameters("sequence_mapping", config, params)
    spec.check_reading(config, x.shape[1], lengths)
    network = {spec.RNN: stacked_rnn, spec.LSTM: lstm, spec.GRU: gru}[type(config.recurrent)]
    weights = {name: params[f"recurrent.{name}"] for name in config.recurrent.parameters()}
    h, *states = network(config.recurrent, weights, x)
    if config.form != "many_to_many":
        h = h[:, -1:] if lengths is None else h[torch.arange(len(x), device=x.device), lengths - 1][:, None]
    outputs = [F.linear(h, params["linear.weight"], params["linear.bias"])]
    for _ in range(config.outputs(x.shape[1]) - 1 if config.feeds_back else 0):
        h, *states = network(config.recurrent, weights, outputs[-1], *states)
        outputs.append(F.linear(h, params["linear.weight"], params["linear.bias"]))
    return torch.cat(outputs, 1) if len(outputs) > 1 else outputs[0]


class SequenceMappingModule(nn.Module):
    """`sequence_mapping` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : SequenceMapping
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.recurrent import LSTM, SequenceMapping
    >>> module = SequenceMappingModule(SequenceMapping(LSTM(8, 32), 10, "many_to_one"))
    >>> list(module(torch.zeros(5, 8, 8)).shape)
    [5, 1, 10]
    """

    def __init__(self, config: spec.SequenceMapping, /) -> None:
        super().__init__()
        kind = {spec.RNN: RNNModule, spec.LSTM: LSTMModule, spec.GRU: GRUModule}[type(config.recurrent)]
        self.config, self.recurrent = config, kind(config.recurrent)
        self.linear = nn.Linear(config.recurrent.hidden_size, config.output_size)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return sequence_mapping(self.config, dict(self.named_parameters()), x, lengths)


# Training: backpropagation through time


@implements(spec.sequence_loss)
def sequence_loss(z, target, lengths=None, /, *, kind="cross_entropy"):
    if lengths is not None:
        padding = torch.arange(z.shape[1], device=z.device) >= lengths[:, None]  # [n, t]
        z, target = (part.masked_fill(padding[..., None], 0) for part in (z, target))
    if kind == "squared_error":
        return F.mse_loss(z, target, reduction="sum") / z.shape[-1]
    return -(target * torch.log_softmax(z, -1)).sum()


def _states(x, h0, u, w, b):
    """h_0, h_1, ..., h_T of a plain RNN: [t + 1, n, k]; the input's part of all steps in one product."""
    states = [h0]
    for step in (x @ u + b).unbind(1):
        states.append(torch.tanh(torch.addmm(step, states[-1], w)))
    return torch.stack(states)


def _tanh_backward(upstream, h):
    return torch.ops.aten.tanh_backward(upstream, h)


def _product(left, right):
    """left^T right, summed over all samples and steps: one product."""
    return left.flatten(0, -2).mT @ right.flatten(0, -2)


@implements(spec.bptt)
def bptt(x, h0, u, w, b, upstream, /):
    h = _states(x, h0, u, w, b)
    deltas, arriving = [], upstream[:, -1]
    for t in range(x.shape[1], 0, -1):
        deltas.append(_tanh_backward(arriving, h[t]))
        if t > 1:
            arriving = torch.addmm(upstream[:, t - 2], deltas[-1], w.mT)
    delta = torch.stack(deltas[::-1])  # [t, n, k]
    return spec.BPTT(
        (delta @ u.mT).transpose(0, 1), deltas[-1] @ w.mT, _product(x.transpose(0, 1), delta), _product(h[:-1], delta),
        delta.sum((0, 1)),
    )  # fmt: skip


@implements(spec.bptt_output_gradient)
def bptt_output_gradient(h, v, c, target, /):
    return h.mT @ (torch.softmax(torch.addmm(c, h, v), -1) - target)


def _last_step(x, h0, u, w, b, v, c, target):
    """h_0, ..., h_T, and the derivatives of E_T by the sums of all steps: [t + 1, n, k], [t, n, k]."""
    h = _states(x, h0, u, w, b)
    arriving, deltas = (torch.softmax(torch.addmm(c, h[-1], v), -1) - target) @ v.mT, []
    for t in range(x.shape[1], 0, -1):
        deltas.append(_tanh_backward(arriving, h[t]))
        if t > 1:
            arriving = deltas[-1] @ w.mT
    return h, torch.stack(deltas[::-1])


@implements(spec.bptt_input_gradient)
def bptt_input_gradient(x, h0, u, w, b, v, c, target, /):
    _, delta = _last_step(x, h0, u, w, b, v, c, target)
    return _product(x.transpose(0, 1), delta)


@implements(spec.bptt_recurrent_gradient)
def bptt_recurrent_gradient(x, h0, u, w, b, v, c, target, /):
    h, delta = _last_step(x, h0, u, w, b, v, c, target)
    return _product(h[:-1], delta)


@implements(spec.gradient_flow)
def gradient_flow(x, h0, w_xh, w_hh, b, /):
    h = _states(x, h0, w_xh.mT, w_hh.mT, b)
    n, k = h0.shape
    identity = torch.eye(k, dtype=h.dtype, device=h.device).expand(n, k, k)
    jacobians, slope = [identity], 1 - h * h
    for j in range(x.shape[1], 1, -1):  # the diagonal scales columns, so that all samples share one product with W
        jacobians.append((jacobians[-1] * slope[j][:, None, :]) @ w_hh)
    return torch.stack(jacobians[::-1], 1)


@implements(spec.truncated_bptt)
def truncated_bptt(x, h0, u, w, b, upstream, /, *, steps):
    # All errors go back together, one step at a time: tau products over all steps, not one per step.
    h = _states(x, h0, u, w, b)
    n_steps, after = x.shape[1], h[1:]
    delta = _tanh_backward(upstream.transpose(0, 1), after)  # [t, n, k]: of every E_t by s_t
    total = delta
    for back in range(1, min(steps, n_steps)):
        delta = _tanh_backward(delta[1:] @ w.mT, after[: n_steps - back])
        total = total + F.pad(delta, (0, 0, 0, 0, 0, back))  # no error comes from beyond the end
    return spec.TruncatedBPTT(_product(x.transpose(0, 1), total), _product(h[:-1], total), total.sum((0, 1)))


# LSTM, gate by gate


def _sums(x, h, u, w, b, b_hh):
    return F.linear(x, u, b) + F.linear(h, w, b_hh)


@implements(spec.lstm_forget_gate)
def lstm_forget_gate(x, h, u, w, b, b_hh=None, /):
    return torch.sigmoid(_sums(x, h, u, w, b, b_hh))


@implements(spec.lstm_input_gate)
def lstm_input_gate(x, h, u, w, b, b_hh=None, /):
    gate, candidate = _sums(x, h, u, w, b, b_hh).chunk(2, -1)
    return spec.InputGate(torch.sigmoid(gate), torch.tanh(candidate))


@implements(spec.lstm_cell_update)
def lstm_cell_update(c, f, i, candidate, /):
    return torch.addcmul(f * c, i, candidate)


@implements(spec.lstm_output_gate)
def lstm_output_gate(x, h, c, u, w, b, b_hh=None, /):
    o = torch.sigmoid(_sums(x, h, u, w, b, b_hh))
    return spec.OutputGate(o, o * torch.tanh(c))


@implements(spec.lstm_cell)
def lstm_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, /):
    i, f, candidate, o = _sums(x, h, weight_ih, weight_hh, bias_ih, bias_hh).chunk(4, -1)
    c = torch.addcmul(torch.sigmoid(f) * c, torch.sigmoid(i), torch.tanh(candidate))
    return spec.Cell(torch.sigmoid(o) * torch.tanh(c), c)


@implements(spec.lstm)
def lstm(config, params, x, h0=None, c0=None, /):
    check_parameters("lstm", config, params)
    return spec.LSTMStates(*_run(torch.lstm, config, params, x, h0, c0))


class LSTMModule(nn.LSTM):
    """`lstm` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : LSTM
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.recurrent import LSTM
    >>> output, (h, c) = LSTMModule(LSTM(2, 3))(torch.zeros(5, 7, 2))
    >>> list(output.shape), list(h.shape), list(c.shape)
    ([5, 7, 3], [1, 5, 3], [1, 5, 3])
    """

    def __init__(self, config: spec.LSTM, /) -> None:
        super().__init__(config.input_size, config.hidden_size, config.num_layers, batch_first=True)
        self.config = config


def _peephole_step(sums, c, v, output):
    """One step from the sums of input and last output: i and f, which lie side by side, in one pass each."""
    sums = sums.unflatten(-1, (4, -1))  # [*batch, 4, k]
    i, f = torch.sigmoid(torch.addcmul(sums[..., :2, :], v[:2], c[..., None, :])).unbind(-2)
    c_new = torch.addcmul(f * c, i, torch.tanh(sums[..., 2, :]))
    o = torch.sigmoid(torch.addcmul(sums[..., 3, :], v[2], c_new if output == "new" else c))
    return o * torch.tanh(c_new), c_new


@implements(spec.lstm_peephole_cell)
def lstm_peephole_cell(x, h, c, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    return spec.Cell(*_peephole_step(_sums(x, h, weight_ih, weight_hh, bias_ih, bias_hh), c, v, output))


@implements(spec.lstm_peephole)
def lstm_peephole(x, h0, c0, weight_ih, weight_hh, bias_ih, bias_hh, v, /, *, output="new"):
    h, c, shown = h0, c0, []
    for step in (F.linear(x, weight_ih, bias_ih) + bias_hh).unbind(1):  # the input's part of all steps in one product
        h, c = _peephole_step(torch.addmm(step, h, weight_hh.mT), c, v, output)
        shown.append(h)
    return spec.PeepholeStates(torch.stack(shown, 1), h, c)


# GRU


@implements(spec.gru_reset_gate)
def gru_reset_gate(x, h, u, w, b, b_hh=None, /):
    return torch.sigmoid(_sums(x, h, u, w, b, b_hh))


@implements(spec.gru_update_gate)
def gru_update_gate(x, h, u, w, b, b_hh=None, /):
    return torch.sigmoid(_sums(x, h, u, w, b, b_hh))


@implements(spec.gru_cell)
def gru_cell(x, h, weight_ih, weight_hh, bias_ih, bias_hh, /, *, reset_after=True, update="keep"):
    return _gru_step(F.linear(x, weight_ih, bias_ih), h, weight_hh, bias_hh, reset_after, update)


def _gru_step(sums, h, weight, bias, reset_after, update):
    """One step from the sums of the input."""
    k = h.shape[-1]
    if reset_after:
        seen = F.linear(h, weight, bias)
        r, z = torch.sigmoid(sums[..., : 2 * k] + seen[..., : 2 * k]).chunk(2, -1)
        candidate = torch.tanh(sums[..., 2 * k :] + r * seen[..., 2 * k :])
    else:
        r, z = torch.sigmoid(sums[..., : 2 * k] + F.linear(h, weight[: 2 * k], bias[: 2 * k])).chunk(2, -1)
        candidate = torch.tanh(sums[..., 2 * k :] + F.linear(r * h, weight[2 * k :], bias[2 * k :]))
    return z * h + (1 - z) * candidate if update == "keep" else (1 - z) * h + z * candidate


@implements(spec.gru)
def gru(config, params, x, h0=None, /):
    check_parameters("gru", config, params)
    if config.reset_after and config.update == "keep":
        return spec.States(*_run(torch.gru, config, params, x, h0))
    # No kernel resets the state before the product. For "write" one could turn the signs of z's rows, but where z is
    # almost 0 the kernel's gate would then be almost 1, and 1 minus it, the slope, rounding.
    last, before = [], _zeros(config, x) if h0 is None else h0
    for layer in range(config.num_layers):
        weight_ih, weight_hh, bias_ih, bias_hh = config.layer(params, layer)
        h, shown = before[layer], []
        for step in F.linear(x, weight_ih, bias_ih).unbind(1):  # the input's part of all steps in one product
            h = _gru_step(step, h, weight_hh, bias_hh, config.reset_after, config.update)
            shown.append(h)
        x = torch.stack(shown, 1)
        last.append(h)
    return spec.States(x, torch.stack(last))


class GRUModule(nn.GRU):
    """`gru` as a module, whose state dict has the names and shapes of ``config.parameters()``.

    Parameters
    ----------
    config : GRU
        The configuration; `reset_after` and `update` are honoured.

    Examples
    --------
    >>> from gongsik.spec.recurrent import GRU
    >>> output, h = GRUModule(GRU(2, 3, reset_after=False))(torch.zeros(5, 7, 2))
    >>> list(output.shape), list(h.shape)
    ([5, 7, 3], [1, 5, 3])
    """

    def __init__(self, config: spec.GRU, /) -> None:
        super().__init__(config.input_size, config.hidden_size, config.num_layers, batch_first=True)
        self.config = config

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return gru(self.config, dict(self.named_parameters()), x, h0)
