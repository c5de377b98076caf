"""What a user would call instead of the recurrent formulas: torch.nn's modules and cells, and loops by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.recurrent import GRU, LSTM, RNN, SequenceMapping


def _sizes(data: Data) -> tuple[int, int, int, int]:
    """Samples, steps, features, units."""
    return data.of((2, 4, 8, 8), (32, 32, 64, 64), (64, 100, 128, 256))


def naive_sequence_model(data: Data) -> Contest:
    k, t = data.of((2, 3), (8, 6), (8, 7))
    tables = tuple(data.uniform(*(k,) * j).softmax(-1) for j in range(1, t + 1))

    def by_hand(tables: Any, seq: Tensor) -> Tensor:
        return torch.stack([table[seq[:, : j + 1].unbind(1)].log() for j, table in enumerate(tables)]).sum(0)

    seq = data.integers(k, data.of(8, 4096, 65536), t)
    return Contest((tables, seq), {"table[elements].log()": by_hand}, moved=2 * 4 * t * len(seq) + 8 * seq.numel())


def autoregressive_model(data: Data) -> Contest:
    t, tau = data.of((64, 4), (65536, 16), (2**20, 32))

    def by_hand(x: Tensor, a: Tensor, c: Tensor) -> Tensor:
        return F.conv1d(x[None, None], a.flip(0)[None, None], c[None])[0, 0]

    return Contest((data.normal(t), data.normal(tau), data.normal()), {"F.conv1d": by_hand})


def markov_model(data: Data) -> Contest:
    k, n, t = data.of((4, 2, 8), (64, 256, 256), (512, 1024, 1024))

    def by_hand(initial: Tensor, transition: Tensor, seq: Tensor) -> Tensor:
        return initial[seq[:, 0]].log() + transition[seq[:, :-1], seq[:, 1:]].log().sum(-1)

    tables = data.uniform(k).softmax(-1), data.uniform(k, k).softmax(-1)
    return Contest((*tables, data.integers(k, n, t)), {"log of what is picked": by_hand},
                   note="states and rows are checked, in one pass each")  # fmt: skip


def rnn_cell(data: Data) -> Contest:
    n, _, i, k = _sizes(data)
    weights = data.normal(k, i) / 8, data.normal(k, k) / 8, data.normal(k), data.normal(k)
    return Contest((data.normal(n, i), data.normal(n, k), *weights), {"torch.rnn_tanh_cell": torch.rnn_tanh_cell},
                   operations=2 * n * k * (i + k))  # fmt: skip


def _module(kind: type, data: Data, layers: int = 1) -> tuple[Any, dict[str, Tensor], nn.Module, Tensor]:
    """A configuration, its parameters, torch's module with the same ones, and a batch of sequences."""
    n, t, i, k = _sizes(data)
    config = kind(i, k, layers)
    module = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}[kind](i, k, layers, batch_first=True).to(data.device)
    params = {name: p.detach() for name, p in module.named_parameters()}
    return config, params, module, data.normal(n, t, i)


def _forward(module: nn.Module) -> Callable[..., Any]:
    def peer(config: Any, params: Any, x: Tensor) -> Any:
        with torch.no_grad():
            return module(x)

    return peer


def _products(params: dict[str, Tensor], x: Tensor) -> int:
    rows = x.shape[0] * x.shape[1]
    return sum(2 * rows * p.numel() for p in params.values() if p.ndim == 2)


def _network(data: Data, kind: type, layers: int = 1) -> Contest:
    config, params, module, x = _module(kind, data, layers)
    name = f"nn.{kind.__name__}"
    return Contest((config, params, x), {name: _forward(module)}, operations=_products(params, x))


def rnn(data: Data) -> Contest:
    return _network(data, RNN)


def stacked_rnn(data: Data) -> Contest:
    return _network(data, RNN, 2)


def lstm(data: Data) -> Contest:
    return _network(data, LSTM)


def gru(data: Data) -> Contest:
    return _network(data, GRU)


def sequence_mapping(data: Data) -> Contest:
    config, params, module, x = _module(LSTM, data)
    whole = SequenceMapping(config, 10, "many_to_one")
    linear = nn.Linear(config.hidden_size, 10).to(data.device)
    mine = {f"recurrent.{name}": p for name, p in params.items()}
    mine |= {f"linear.{name}": p.detach() for name, p in linear.named_parameters()}

    def peer(config: Any, params: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return linear(module(x)[0][:, -1:])

    return Contest((whole, mine, x), {"nn.LSTM, nn.Linear": peer}, operations=_products(params, x))


def rnn_forward_code(data: Data) -> Contest:
    n, _, i, k = _sizes(data)
    shapes = (n, i), (n, k), (i, k), (k, k), (k, 10), (k,), (10,)

    def by_hand(x: Tensor, h: Tensor, u: Tensor, w: Tensor, v: Tensor, b: Tensor, c: Tensor) -> Any:
        h = torch.tanh(torch.mm(x, u) + torch.mm(h, w) + b)
        return F.softmax(torch.mm(h, v) + c, dim=1), h

    return Contest(tuple(data.normal(*shape) / 8 for shape in shapes), {"the lines of the notes, right": by_hand})


def _jordan(data: Data) -> tuple[Tensor, ...]:
    _, _, i, k = _sizes(data)
    return tuple(data.normal(*shape) / 8 for shape in ((k, i), (k, k), (k,), (k, k), (k,)))


def jordan_cell(data: Data) -> Contest:
    n, _, i, k = _sizes(data)

    def by_hand(x: Tensor, y: Tensor, w_x: Tensor, w_y: Tensor, b: Tensor, w_o: Tensor, c: Tensor) -> Any:
        h = torch.tanh(x @ w_x.T + y @ w_y.T + b)
        return torch.sigmoid(h @ w_o.T + c), h

    return Contest((data.normal(n, i), data.normal(n, k), *_jordan(data)), {"by hand": by_hand},
                   operations=2 * n * k * (i + 2 * k))  # fmt: skip


def _plain_lstm(x: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> Tensor:
    """An LSTM by hand, without peepholes: the input's part of all steps in one product."""
    shown = []
    for step in (F.linear(x, w_ih, b_ih) + b_hh).unbind(1):
        i, f, candidate, o = torch.addmm(step, h, w_hh.T).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(candidate)
        h = torch.sigmoid(o) * torch.tanh(c)
        shown.append(h)
    return torch.stack(shown, 1)


def jordan_network(data: Data) -> Contest:
    n, t, i, k = _sizes(data)
    lstm_weights = [data.normal(*shape) / 8 for shape in ((4 * k, i), (4 * k, k), (4 * k,), (4 * k,))]

    arguments = x, y0, *_ = data.normal(n, t, i), data.normal(n, k), *_jordan(data)
    plain = partial(_plain_lstm, x, y0, y0, *lstm_weights)
    return _beside("a plain LSTM by hand", plain, arguments, 2 * n * t * k * (i + 2 * k))


def _beside(name: str, plain: Callable[[], Any], arguments: tuple[Tensor, ...], operations: int) -> Contest:
    """A contest with what has a kernel or is written by everybody, and computes something else of the same size."""
    moved = sum(x.nbytes for x in arguments)
    return Contest(arguments, yardsticks={name: (plain, moved)}, moved=moved, operations=operations)


def _peephole(data: Data) -> tuple[Tensor, ...]:
    _, _, i, k = _sizes(data)
    shapes = (4 * k, i), (4 * k, k), (4 * k,), (4 * k,), (3, k)
    return tuple(data.normal(*shape) / 8 for shape in shapes)


def lstm_peephole(data: Data) -> Contest:
    n, t, i, k = _sizes(data)
    arguments = data.normal(n, t, i), data.normal(n, k), data.normal(n, k), *_peephole(data)
    plain = partial(_plain_lstm, *arguments[:-1])
    return _beside("a plain LSTM by hand", plain, arguments, 2 * n * t * 4 * k * (i + k))


def lstm_peephole_cell(data: Data) -> Contest:
    n, _, i, k = _sizes(data)
    arguments = x, h, c, *weights = data.normal(n, i), data.normal(n, k), data.normal(n, k), *_peephole(data)
    plain = partial(torch.lstm_cell, x, (h, c), *weights[:-1])
    return _beside("torch.lstm_cell", plain, arguments, 2 * n * 4 * k * (i + k))


def lstm_cell(data: Data) -> Contest:
    n, _, i, k = _sizes(data)
    arguments = data.normal(n, i), data.normal(n, k), data.normal(n, k), *_peephole(data)[:-1]
    return Contest(arguments, {"torch.lstm_cell": lambda x, h, c, *w: torch.lstm_cell(x, (h, c), *w)},
                   operations=2 * n * 4 * k * (i + k))  # fmt: skip


def gru_cell(data: Data) -> Contest:
    n, _, i, k = _sizes(data)
    weights = [data.normal(*shape) / 8 for shape in ((3 * k, i), (3 * k, k), (3 * k,), (3 * k,))]
    return Contest((data.normal(n, i), data.normal(n, k), *weights), {"torch.gru_cell": torch.gru_cell},
                   operations=2 * n * 3 * k * (i + k))  # fmt: skip


def _gate(data: Data, rows: int = 1) -> tuple[Tensor, ...]:
    n, _, i, k = _sizes(data)
    shapes = (n, i), (n, k), (rows * k, i), (rows * k, k), (rows * k,)
    return tuple(data.normal(*shape) / 8 for shape in shapes)


def _sigmoid_gate(x: Tensor, h: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return torch.sigmoid(x @ u.T + h @ w.T + b)


def lstm_forget_gate(data: Data) -> Contest:
    return Contest(_gate(data), {"torch.sigmoid(x @ u.T + h @ w.T + b)": _sigmoid_gate})


def gru_reset_gate(data: Data) -> Contest:
    return lstm_forget_gate(data)


def gru_update_gate(data: Data) -> Contest:
    return lstm_forget_gate(data)


def lstm_input_gate(data: Data) -> Contest:
    def by_hand(x: Tensor, h: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Any:
        i, candidate = (x @ u.T + h @ w.T + b).chunk(2, -1)
        return torch.sigmoid(i), torch.tanh(candidate)

    return Contest(_gate(data, 2), {"by hand": by_hand})


def lstm_cell_update(data: Data) -> Contest:
    arguments = tuple(data.uniform(data.of(2**6, 2**16, 2**22)) for _ in range(4))
    return Contest(arguments, {"f * c + i * candidate": lambda c, f, i, candidate: f * c + i * candidate})


def lstm_output_gate(data: Data) -> Contest:
    def by_hand(x: Tensor, h: Tensor, c: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Any:
        o = _sigmoid_gate(x, h, u, w, b)
        return o, o * torch.tanh(c)

    x, h, *weights = _gate(data)
    return Contest((x, h, h, *weights), {"by hand": by_hand})


def sequence_loss(data: Data) -> Contest:
    n, t, k = data.of((2, 4, 8), (64, 64, 64), (64, 256, 1024))
    z, target = data.normal(n, t, k), data.uniform(n, t, k).softmax(-1)

    def peer(z: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(z.flatten(0, 1), target.flatten(0, 1), reduction="sum")

    return Contest((z, target), {"F.cross_entropy": peer})


def _plain(data: Data) -> tuple[Tensor, ...]:
    n, t, i, k = _sizes(data)
    return tuple(data.normal(*shape) / 8 for shape in ((n, t, i), (n, k), (i, k), (k, k), (k,)))


def _run(x: Tensor, h0: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Torch's kernel with the weights of the notes."""
    parameters = [u.T, w.T, b, torch.zeros_like(b)]
    return torch.rnn_tanh(x, h0[None], parameters, True, 1, 0.0, True, False, True)[0]


def bptt(data: Data) -> Contest:
    x, h0, *weights = _plain(data)
    upstream = data.normal(*x.shape[:2], h0.shape[-1])

    def peer(*arguments: Tensor) -> Any:
        leaves = [a.detach().requires_grad_() for a in arguments[:5]]
        return torch.autograd.grad(_run(*leaves), leaves, arguments[5])

    return Contest((x, h0, *weights, upstream), {"autograd through torch.rnn_tanh": peer})


def truncated_bptt(data: Data) -> Contest:
    contest = bptt(data)

    def peer(*arguments: Tensor, steps: int = 4) -> Any:
        """In pieces of that many steps, as one cuts them: less work, and errors near a cut do not go back so far."""
        x, h, *weights = arguments[:5]
        leaves, total = [w.detach().requires_grad_() for w in weights], None
        for start in range(0, x.shape[1], steps):
            output = _run(x[:, start : start + steps], h, *leaves)
            grads = torch.autograd.grad(output, leaves, arguments[5][:, start : start + steps])
            total = grads if total is None else [a + b for a, b in zip(total, grads, strict=True)]
            h = output[:, -1].detach()
        return total

    return Contest(contest.arguments, {"torch.rnn_tanh in pieces": peer}, {"steps": 4},
                   note="each error goes back all its steps, those near a cut as well")  # fmt: skip


def bptt_output_gradient(data: Data) -> Contest:
    n, _, _, k = _sizes(data)

    def peer(h: Tensor, v: Tensor, c: Tensor, target: Tensor) -> Any:
        v = v.detach().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(h @ v + c, target, reduction="sum"), v)

    arguments = data.normal(n, k), data.normal(k, 10), data.normal(10), data.uniform(n, 10).softmax(-1)
    return Contest(arguments, {"autograd": peer})


def _last_step(data: Data, which: int) -> Contest:
    x, h0, *weights = _plain(data)
    k = h0.shape[-1]
    readout = data.normal(k, 10) / 8, data.normal(10), data.uniform(len(x), 10).softmax(-1)

    def peer(*arguments: Tensor) -> Any:
        leaves = list(arguments[:5])
        leaves[which] = leaves[which].detach().requires_grad_()
        v, c, target = arguments[5:]
        loss = F.cross_entropy(_run(*leaves)[:, -1] @ v + c, target, reduction="sum")
        return torch.autograd.grad(loss, leaves[which])

    return Contest((x, h0, *weights, *readout), {"autograd through torch.rnn_tanh": peer})


def bptt_input_gradient(data: Data) -> Contest:
    return _last_step(data, 2)


def bptt_recurrent_gradient(data: Data) -> Contest:
    return _last_step(data, 3)


def gradient_flow(data: Data) -> Contest:
    n, t, i, k = data.of((2, 4, 8, 8), (8, 16, 32, 32), (16, 32, 64, 64))
    arguments = [data.normal(*shape) / 8 for shape in ((n, t, i), (n, k), (k, i), (k, k), (k,))]

    def peer(x: Tensor, h0: Tensor, w_xh: Tensor, w_hh: Tensor, b: Tensor) -> Tensor:
        def last(h: Tensor, rest: Tensor) -> Tensor:
            for step in rest.unbind(0):
                h = torch.tanh(w_xh @ step + w_hh @ h + b)
            return h

        h, found = h0, []
        for j in range(x.shape[1]):
            h = torch.tanh(x[:, j] @ w_xh.T + h @ w_hh.T + b)
            found.append(torch.func.vmap(torch.func.jacrev(last))(h, x[:, j + 1 :]))
        return torch.stack(found, 1)

    return Contest(tuple(arguments), {"torch.func.jacrev": peer})


def latent_autoregressive_model(data: Data) -> Contest:
    """A running average of what was seen; only its time is measured."""
    x = data.normal(*data.of((2, 4, 8), (32, 64, 64), (64, 256, 256)))
    return Contest((lambda h, x: 0.5 * h + 0.5 * x, lambda h: h * h, x, x[:, 0]))
