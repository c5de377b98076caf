"""Recurrent networks against torch.nn, the reference implementation of ONNX, and SciPy's eigenvalues."""

import itertools
from typing import Any, cast

import numpy as np
import onnx
import pytest
import scipy.linalg
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn

from gongsik import Draws, reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, convert, flatten
from gongsik.conformance.bounded import PRECISIONS
from gongsik.spec.recurrent import GRU, LSTM, RNN, SequenceMapping

EXACT = Exact(PRECISIONS["float64"])
DRAWS = Draws(5)
N, T, I, K = 3, 6, 4, 5  # noqa: E741 - as the lecture calls them


def draw(name: str, *shape: int) -> np.ndarray:
    return DRAWS.normal(name, shape) / 2


def agree(theirs: Any, function: Any, *arguments: Any, **options: Any) -> None:
    """Every array of another library's result lies within the bound of ours."""
    ours = function(*convert(arguments, EXACT), **options)
    for a, b in flatten(theirs, list(ours) if isinstance(ours, tuple) else ours):
        verdict = compare(a.detach().numpy() if isinstance(a, torch.Tensor) else a, b)
        assert verdict.agreed, verdict.message
        assert verdict.conclusive


def params_of(config: Any) -> dict[str, np.ndarray]:
    return {name: draw(name, *shape) for name, shape in config.parameters().items()}


def tensors(params: Any) -> Any:
    return {name: torch.from_numpy(np.array(value)) for name, value in params.items()}


def theirs(config: Any, params: Any) -> Any:
    """torch.nn's module with the same parameters: its own names take them as they are."""
    kind = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}[type(config)]
    options = {"nonlinearity": config.nonlinearity} if isinstance(config, RNN) else {}
    module = kind(config.input_size, config.hidden_size, config.num_layers, batch_first=True, **options).double()
    module.load_state_dict(tensors(params))
    return module


CONFIGS = [RNN(I, K), RNN(I, K, 2), RNN(I, K, 2, "relu"), LSTM(I, K), LSTM(I, K, 3), GRU(I, K), GRU(I, K, 3)]
OURS = {RNN: "stacked_rnn", LSTM: "lstm", GRU: "gru"}


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("start", [False, True], ids=["from zero", "from a state"])
def test_networks_are_torchs(config, start):
    """Outputs, last states, and a state dict that goes from module to module, strictly."""
    params, x = params_of(config), draw("x", N, T, I)
    module, states = theirs(config, params), 2 if isinstance(config, LSTM) else 1
    before = [draw(f"state {j}", config.num_layers, N, K) for j in range(states)] if start else []
    given = [torch.from_numpy(s) for s in before]
    output, last = module(torch.from_numpy(x), *([tuple(given)] if states == 2 and start else given))
    result = [output, *last] if states == 2 else [output, last]
    agree(result, getattr(reference, OURS[type(config)]), config, params, x, *before)
    own = {RNN: torch_impl.RNNModule, LSTM: torch_impl.LSTMModule, GRU: torch_impl.GRUModule}[type(config)](config)
    own.double().load_state_dict(module.state_dict(), strict=True)
    mine = own(torch.from_numpy(x), *([tuple(given)] if states == 2 and start else given))[0]
    assert torch.equal(mine, output)
    assert {name: tuple(p.shape) for name, p in own.state_dict().items()} == config.parameters()


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_backpropagation_is_torchs(config):
    """Our own backpropagation through the reference, on numbers with bounds, against autograd through torch.nn."""
    params, x, g = params_of(config), draw("x", N, T, I), draw("g", N, T, K)
    module = theirs(config, params)
    (module(torch.from_numpy(x))[0] * torch.from_numpy(g)).sum().backward()
    expected = {name: p.grad for name, p in module.named_parameters()}
    x, g = EXACT.array(x), EXACT.array(g)
    function = getattr(reference, OURS[type(config)])
    _, grads = reference.value_and_grad(lambda p: (function(config, p, x).output * g).sum())(convert(params, EXACT))
    for a, b in flatten(expected, grads):
        verdict = compare(a.numpy(), b)
        assert verdict.agreed, verdict.message


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_plain_cell_is_torchs(nonlinearity):
    x, h, params = draw("x", N, I), draw("h", N, K), list(params_of(RNN(I, K)).values())
    cell = nn.RNNCell(I, K, nonlinearity=nonlinearity).double()
    load(cell, params)
    agree(cell(*map(torch.from_numpy, (x, h))), reference.rnn_cell, x, h, *params, nonlinearity=nonlinearity)


def load(cell: nn.Module, params: list[np.ndarray]) -> None:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    cell.load_state_dict(tensors(dict(zip(names, params, strict=True))))


def test_the_lstm_and_gru_cells_are_torchs():
    x, h, c = draw("x", N, I), draw("h", N, K), draw("c", N, K)
    params = list(params_of(LSTM(I, K)).values())
    cell = nn.LSTMCell(I, K).double()
    load(cell, params)
    agree(list(cell(torch.from_numpy(x), (torch.from_numpy(h), torch.from_numpy(c)))), reference.lstm_cell,
          x, h, c, *params)  # fmt: skip
    params = list(params_of(GRU(I, K)).values())
    cell = nn.GRUCell(I, K).double()
    load(cell, params)
    agree(cell(*map(torch.from_numpy, (x, h))), reference.gru_cell, x, h, *params)


# ONNX


def onnx_run(operator: str, inputs: dict[str, np.ndarray], outputs: tuple[str, ...], **attributes: Any) -> list[Any]:
    """One operator of ONNX by its reference implementation; what is left out is an empty name."""
    names = list(inputs)
    node = onnx.helper.make_node(operator, names, list(outputs), **attributes)
    given = {name: value for name, value in inputs.items() if name}
    infos = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, value.shape)
             for name, value in given.items()]  # fmt: skip
    results = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, None) for name in outputs]
    graph = onnx.helper.make_graph([node], operator, infos, results)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)])
    return list(ReferenceEvaluator(model).run(None, given))  # pyright: ignore[reportArgumentType]


def blocks(parameter: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The blocks of rows in another order, with ONNX's axis of directions in front."""
    parts = np.split(parameter, len(order))
    return np.concatenate([parts[j] for j in order])[None]


def test_peepholes_are_those_of_onnx():
    """ONNX orders the gates i, o, f, candidate, and the peepholes i, o, f; its output gate sees the new cell."""
    params = list(params_of(LSTM(I, K)).values())
    x, h0, c0, v = draw("x", N, T, I), draw("h", N, K), draw("c", N, K), draw("v", 3, K)
    w, r, wb, rb = (blocks(p, (0, 3, 1, 2)) for p in params)
    inputs = {"X": x.swapaxes(0, 1), "W": w, "R": r, "B": np.concatenate([wb, rb], -1)}
    inputs |= {"": np.zeros(0), "h": h0[None], "c": c0[None], "P": v[[0, 2, 1]].reshape(1, -1)}
    y, h, c = onnx_run("LSTM", inputs, ("Y", "Y_h", "Y_c"), hidden_size=K)
    agree([y[:, 0].swapaxes(0, 1), h[0], c[0]], reference.lstm_peephole, x, h0, c0, *params, v)


@pytest.mark.parametrize("reset_after", [False, True])
def test_both_places_of_the_reset_gate_are_those_of_onnx(reset_after):
    """ONNX orders the gates z, r, candidate; `linear_before_reset` is our `reset_after`."""
    config = GRU(I, K, reset_after=reset_after)
    params, x, h0 = params_of(config), draw("x", N, T, I), draw("h", N, K)
    w, r, wb, rb = (blocks(p, (1, 0, 2)) for p in params.values())
    inputs = {"X": x.swapaxes(0, 1), "W": w, "R": r, "B": np.concatenate([wb, rb], -1), "": np.zeros(0), "h": h0[None]}
    y, h = onnx_run("GRU", inputs, ("Y", "Y_h"), hidden_size=K, linear_before_reset=int(reset_after))
    agree([y[:, 0].swapaxes(0, 1), h], reference.gru, config, params, x, h0[None])


# Backpropagation through time


def plain() -> tuple[list[np.ndarray], list[torch.Tensor]]:
    names = {"x": (N, T, I), "h0": (N, K), "u": (I, K), "w": (K, K), "b": (K,)}
    arrays = [draw(name, *shape) for name, shape in names.items()]
    return arrays, [torch.from_numpy(a).requires_grad_() for a in arrays]


def states(x: torch.Tensor, h0: torch.Tensor, u: Any, w: Any, b: Any) -> list[torch.Tensor]:
    """h_0, ..., h_T by torch.nn's cell."""
    zeros = torch.zeros_like(b)
    cells = itertools.accumulate(
        x.unbind(1), lambda h, step: torch.rnn_tanh_cell(step, h, u.T, w.T, b, zeros), initial=h0
    )
    return list(cells)


def test_bptt_is_autograd_through_torchs_cell():
    arrays, given = plain()
    g = draw("g", N, T, K)
    total = (torch.stack(states(*given)[1:], 1) * torch.from_numpy(g)).sum()
    agree(list(torch.autograd.grad(total, given)), reference.bptt, *arrays, g)


@pytest.mark.parametrize("steps", [1, 2, 4, T, T + 3])
def test_truncated_bptt_is_autograd_with_the_state_cut_off(steps):
    """Each error goes back on its own, through a state that was detached so many steps before."""
    arrays, (x, h0, *weights) = plain()
    g = draw("g", N, T, K)
    with torch.no_grad():
        constant = states(x, h0, *weights)
    expected = [torch.zeros_like(p) for p in weights]
    for t in range(T):
        first = max(0, t + 1 - steps)
        last = states(x[:, first : t + 1], constant[first], *weights)[-1]
        for total, part in zip(expected, torch.autograd.grad((last * torch.from_numpy(g[:, t])).sum(), weights),
                               strict=True):  # fmt: skip
            total += part
    agree(expected, reference.truncated_bptt, *arrays, g, steps=steps)


def test_gradients_of_one_step_are_autograds():
    """Of the cross-entropy of the last step, by U, W and V."""
    arrays, given = plain()
    v, c = draw("v", K, 7), draw("c", 7)
    target = np.eye(7)[[0, 3, 6]]
    weights = [given[2], given[3], torch.from_numpy(v).requires_grad_()]
    last = states(*given)[-1]
    loss = nn.functional.cross_entropy(last @ weights[2] + torch.from_numpy(c), torch.from_numpy(target),
                                       reduction="sum")  # fmt: skip
    by_u, by_w, by_v = torch.autograd.grad(loss, weights)
    agree(by_u, reference.bptt_input_gradient, *arrays, v, c, target)
    agree(by_w, reference.bptt_recurrent_gradient, *arrays, v, c, target)
    h = EXACT.array(last.detach().numpy())
    ours = reference.bptt_output_gradient(h, *convert((v, c, target), EXACT))
    # torch's last state is within its own bound of ours, not equal to it: twice the bound of the step holds both.
    assert compare(by_v.numpy(), ours).agreed


def test_the_flow_is_torchs_jacobian():
    arrays, (x, h0, u, w, b) = plain()
    found = [torch.autograd.functional.jacobian(lambda h, s=s, j=j: states(x[s : s + 1, j:], h[None], u, w, b)[-1][0],
                                                states(x, h0, u, w, b)[j][s].detach())
             for s in range(N) for j in range(1, T + 1)]  # fmt: skip
    stacked = torch.stack(found).reshape(N, T, K, K)  # pyright: ignore[reportArgumentType]
    agree(stacked, reference.gradient_flow, arrays[0], arrays[1], arrays[2].T, arrays[3].T, arrays[4])


@pytest.mark.parametrize("kind", ["cross_entropy", "squared_error"])
def test_the_loss_of_padded_sequences_is_the_sum_of_torchs(kind):
    z, lengths = draw("z", N, T, 7), np.array([1, 4, T])
    target = np.eye(7)[(DRAWS.uniform("labels", (N, T)) * 7).astype(int)]
    total = torch.zeros((), dtype=torch.float64)
    for s, length in enumerate(lengths):
        step, goal = torch.from_numpy(z[s, :length]), torch.from_numpy(target[s, :length])
        if kind == "cross_entropy":
            total += nn.functional.cross_entropy(step, goal.argmax(-1), reduction="sum")
        else:
            total += nn.functional.mse_loss(step, goal, reduction="none").mean(-1).sum()
    agree(total, reference.sequence_loss, z, target, lengths, kind=kind)


def test_many_to_one_with_lengths_is_torchs_packed_sequence():
    """The last state of a packed sequence, and a linear layer."""
    config = SequenceMapping(GRU(I, K), 2, "many_to_one")
    params, x, lengths = params_of(config), draw("x", N, T, I), np.array([T, 1, 3])
    recurrent = {name.removeprefix("recurrent."): p for name, p in params.items() if name.startswith("recurrent.")}
    packed = nn.utils.rnn.pack_padded_sequence(
        torch.from_numpy(x), torch.from_numpy(lengths), batch_first=True, enforce_sorted=False
    )
    _, last = theirs(config.recurrent, recurrent)(packed)
    y = nn.functional.linear(last[0], *(torch.from_numpy(params[f"linear.{name}"]) for name in ("weight", "bias")))
    agree(y[:, None], reference.sequence_mapping, config, params, x, lengths)


@pytest.mark.parametrize("scale", [0.6, 1.4])
def test_the_flow_of_a_network_at_rest_grows_like_scipys_largest_eigenvalue(scale):
    """|W^n|^(1/n) comes closer to the spectral radius; the powers are those by SciPy's eigen-decomposition."""
    w = draw("matrix", K, K)
    w = w * scale / np.abs(np.asarray(scipy.linalg.eigvals(w))).max()
    eigenvalues, q = cast(tuple[np.ndarray, np.ndarray], scipy.linalg.eig(w))
    rates = []
    for n in (5, 200):
        zero = np.zeros(K)
        flow = reference.gradient_flow(np.zeros((1, n + 1, 1)), zero[None], np.zeros((K, 1)), w, zero)[0, 0]
        rates.append(np.linalg.norm(flow) ** (1 / n))
        by_scipy = (q * eigenvalues**n @ np.linalg.inv(q)).real
        # n products, and a decomposition that amplifies a rounding by the condition of Q.
        room = 4 * K * (n + 1) * np.linalg.cond(q) * np.finfo(float).eps * np.linalg.norm(by_scipy)
        assert np.linalg.norm(flow - by_scipy) <= room
    assert abs(rates[1] - scale) < abs(rates[0] - scale)
    assert (rates[1] > 1) == (scale > 1)
