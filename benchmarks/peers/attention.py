"""What a user would call instead of attention: the fused kernel of torch, its module, and lines by hand."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.attention import MultiHead


def _sizes(data: Data) -> tuple[int, int, int]:
    """Samples, tokens, features."""
    return data.of((2, 8, 16), (8, 128, 256), (8, 512, 512))


def _sequence(data: Data) -> tuple[Tensor, Tensor]:
    """Tokens, and a square weight."""
    n, t, d = _sizes(data)
    return data.normal(n, t, d), data.normal(d, d) / math.sqrt(d)


def _heads(data: Data) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of several heads."""
    query = data.normal(*data.of((2, 2, 8, 8), (8, 4, 128, 64), (8, 8, 512, 64)))
    return query, query.roll(1, -1), query.roll(2, -1)


def _pairs(data: Data, query: Tensor) -> int:
    """Operations of the scores and of mixing the values."""
    return 4 * query.numel() * query.shape[-2]


def qkv_projection(data: Data) -> Contest:
    x, w = _sequence(data)
    peer = {"F.linear, three times": lambda x, *weights: [F.linear(x, w) for w in weights]}
    return Contest((x, w, w.roll(1), w.roll(2)), peer, operations=6 * x.numel() * x.shape[-1])


def dot_product_score(data: Data) -> Contest:
    query, key, _ = _heads(data)
    peer = {"torch.einsum": lambda q, k: torch.einsum("nhtd,nhsd->nhts", q, k)}
    return Contest((query, key), peer, operations=_pairs(data, query) // 2)


def attention_weights(data: Data) -> Contest:
    query, key, _ = _heads(data)
    score, t = query @ key.mT, query.shape[-2]
    mask = torch.ones(t, t, dtype=torch.bool, device=score.device).tril()

    def by_hand(score: Tensor, mask: Tensor) -> Tensor:
        return (0.125 * score).masked_fill(~mask, -math.inf).softmax(-1)

    return Contest((score, mask), {"masked_fill(...).softmax(-1)": by_hand}, {"scale": 0.125},
                   note="a row that the mask leaves empty becomes 0, in one pass more")  # fmt: skip


def scaled_dot_product_attention(data: Data) -> Contest:
    query, key, value = _heads(data)
    peers = {"F.scaled_dot_product_attention": F.scaled_dot_product_attention}
    return Contest((query, key, value), peers, operations=_pairs(data, query))


def _kernel(query: Tensor, key: Tensor, value: Tensor, *, causal: bool = False) -> Tensor:
    query, key, value = query[:, None], key[:, None], value[:, None]
    return F.scaled_dot_product_attention(query, key, value, is_causal=causal)[:, 0]


def self_attention(data: Data) -> Contest:
    x, w = _sequence(data)
    peer = {"F.scaled_dot_product_attention of F.linear": lambda x, *ws: _kernel(*(F.linear(x, w) for w in ws))}
    return Contest((x, w, w.roll(1), w.roll(2)), peer, operations=6 * x.numel() * x.shape[-1] + _pairs(data, x))


def masked_self_attention(data: Data) -> Contest:
    x, w = _sequence(data)

    def by_hand(x: Tensor, *weights: Tensor) -> Tensor:
        return _kernel(*(F.linear(x, w) for w in weights), causal=True)

    peer = {"F.scaled_dot_product_attention(..., is_causal=True)": by_hand}
    return Contest((x, w, w.roll(1), w.roll(2)), peer, operations=6 * x.numel() * x.shape[-1] + _pairs(data, x) // 2)


def cross_attention(data: Data) -> Contest:
    x, w = _sequence(data)

    def by_hand(x: Tensor, memory: Tensor, wq: Tensor, wk: Tensor, wv: Tensor) -> Tensor:
        return _kernel(F.linear(x, wq), F.linear(memory, wk), F.linear(memory, wv))

    peer = {"F.scaled_dot_product_attention of F.linear": by_hand}
    return Contest((x, x.roll(1, 1), w, w.roll(1), w.roll(2)), peer,
                   operations=6 * x.numel() * x.shape[-1] + _pairs(data, x))  # fmt: skip


def _multi_head(data: Data) -> tuple[MultiHead, dict[str, Tensor], nn.MultiheadAttention, Tensor]:
    """A configuration, parameters, torch's module with the same ones, and tokens."""
    n, t, d = _sizes(data)
    config = MultiHead(d, data.of(2, 4, 8))
    module = nn.MultiheadAttention(d, config.n_heads, batch_first=True).to(data.device)
    params = {name: data.normal(*shape) / math.sqrt(d) for name, shape in config.parameters().items()}
    module.load_state_dict(params)
    return config, params, module, data.normal(n, t, d)


def multi_head_attention(data: Data) -> Contest:
    config, params, module, x = _multi_head(data)
    quick = nn.MultiheadAttention(config.d_model, config.n_heads, batch_first=True).to(data.device).eval()
    quick.load_state_dict(params)

    def trained(config: MultiHead, params: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x, x, x, need_weights=False)[0]

    def fast_path(config: MultiHead, params: Any, x: Tensor) -> Tensor:
        with torch.inference_mode():
            return quick(x, x, x, need_weights=False)[0]

    peers = {"nn.MultiheadAttention": trained, "nn.MultiheadAttention, its fast path": fast_path}
    return Contest((config, params, x), peers, operations=8 * x.numel() * x.shape[-1] + _pairs(data, x))


def multi_head_attention_weights(data: Data) -> Contest:
    config, params, module, x = _multi_head(data)

    def peer(config: MultiHead, params: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x, x, x, average_attn_weights=False)[1]

    return Contest((config, params, x), {"nn.MultiheadAttention(..., need_weights=True)": peer})


def split_heads(data: Data) -> Contest:
    x, heads = _sequence(data)[0], data.of(2, 4, 8)

    def by_hand(x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], heads, -1).transpose(1, 2)

    return Contest((x,), {"x.view(...).transpose(1, 2)": by_hand}, {"n_heads": heads})


def output_projection(data: Data) -> Contest:
    heads = _heads(data)[0]
    d = heads.shape[1] * heads.shape[-1]

    def by_hand(heads: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.linear(heads.transpose(1, 2).flatten(2), weight, bias)

    peer = {"F.linear(heads.transpose(1, 2).flatten(2), ...)": by_hand}
    return Contest((heads, data.normal(d, d), data.normal(d)), peer, operations=2 * heads.numel() * d)


def _positions(data: Data) -> tuple[Tensor, int]:
    t, d = data.of((8, 16), (512, 512), (4096, 1024))
    return torch.arange(t, dtype=torch.float32, device=data.device), d


def _by_hand(position: Tensor, d: int) -> Tensor:
    """What most implementations write: into an empty table, columns in turn."""
    table = torch.empty(len(position), d, device=position.device)
    div = torch.exp(torch.arange(0, d, 2, device=position.device) * (-math.log(10000.0) / d))
    table[:, 0::2] = torch.sin(position[:, None] * div)
    table[:, 1::2] = torch.cos(position[:, None] * div)
    return table


def sinusoidal_positional_encoding(data: Data) -> Contest:
    position, d = _positions(data)
    peer = {"pe[:, 0::2] = torch.sin(...)": lambda position: _by_hand(position, d)}
    return Contest((position,), peer, {"d": d})


def concatenated_positional_encoding(data: Data) -> Contest:
    position, d = _positions(data)

    def by_hand(position: Tensor) -> Tensor:
        steps = torch.arange(d // 2, device=position.device)
        angle = position[:, None] * torch.exp(steps * -(math.log(1e4) / (d // 2 - 1)))
        return torch.cat([torch.sin(angle), torch.cos(angle)], 1)

    return Contest((position,), {"torch.cat([torch.sin(...), torch.cos(...)], 1)": by_hand}, {"d": d})


def add_positional_encoding(data: Data) -> Contest:
    x = _sequence(data)[0]
    return Contest((x, x[0].roll(1)), {"torch.add": torch.add})


def causal_mask(data: Data) -> Contest:
    t = data.of(8, 512, 4096)
    position = torch.arange(t, device=data.device)

    def by_hand(query: Tensor, key: Tensor) -> Tensor:
        return torch.ones(len(query), len(key), dtype=torch.bool, device=query.device).tril()

    return Contest((position, position), {"torch.ones(t, t, dtype=bool).tril()": by_hand})


def seq2seq_attention(data: Data) -> Contest:
    states = _sequence(data)[0]

    def by_hand(query: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        weights = torch.einsum("nd,nsd->ns", query, states).softmax(-1)
        return torch.einsum("ns,nsd->nd", weights, states), weights

    return Contest((states[:, 0].clone(), states), {"torch.einsum, softmax, torch.einsum": by_hand})


def attentional_hidden_state(data: Data) -> Contest:
    n, d = data.of((2, 8), (256, 256), (1024, 1024))
    weight = data.normal(d, 2 * d) / math.sqrt(d)

    def by_hand(context: Tensor, query: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.tanh(F.linear(torch.cat([context, query], -1), weight, bias))

    arguments = data.normal(n, d), data.uniform(n, d), weight, data.normal(d)
    return Contest(arguments, {"torch.tanh(F.linear(torch.cat(...)))": by_hand}, operations=4 * n * d * d)
