"""Attention in PyTorch: the fused kernel, which never writes the weights down, wherever they are not asked for."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._C._functorch import peek_interpreter_stack

from gongsik.spec import attention as spec
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import implements

__all__ = [
    "MultiHeadModule",
    "add_positional_encoding",
    "attention_weights",
    "attentional_hidden_state",
    "causal_mask",
    "concatenated_positional_encoding",
    "cross_attention",
    "dot_product_score",
    "masked_self_attention",
    "multi_head_attention",
    "multi_head_attention_weights",
    "output_projection",
    "qkv_projection",
    "scaled_dot_product_attention",
    "self_attention",
    "seq2seq_attention",
    "sinusoidal_positional_encoding",
    "split_heads",
]


@implements(spec.qkv_projection)
def qkv_projection(x, wq, wk, wv, /):
    return spec.Projections(F.linear(x, wq), F.linear(x, wk), F.linear(x, wv))


@implements(spec.dot_product_score)
def dot_product_score(query, key, /):
    return query @ key.mT


def _weights(score, mask, scale):
    z = score if scale == 1 else score * scale
    if mask is None:
        return torch.softmax(z, -1)
    # The softmax of an empty row is NaN. It is replaced here, and what comes back through it is by the other `where`.
    weights = torch.softmax(torch.where(mask, z, -math.inf), -1)
    return torch.where(mask.any(-1, keepdim=True), weights, 0)


@implements(spec.attention_weights)
def attention_weights(score, mask=None, /, *, scale=1.0):
    spec.check_mask("attention_weights", mask, score.shape)
    return _weights(score, mask, scale)


def earlier_than(t, s, device):
    """Which of s places are not behind each of the last t."""
    return torch.ones(t, s, dtype=torch.bool, device=device).tril_(s - t)


def attend(query, key, value, mask, scale, causal, dropout=0.0):
    """The fused kernel; under torch.func, which cannot vectorise or differentiate it twice, what it computes.

    With `dropout` it drops so many of the weights, by draws of torch's generator.
    """
    t, s = query.shape[-2], key.shape[-2]
    if causal and t == 1:
        causal = False  # the last place looks at all of them
    transformed = not torch.compiler.is_compiling() and peek_interpreter_stack() is not None
    if causal and (mask is not None or t != s or transformed):
        earlier = earlier_than(t, s, query.device)
        mask, causal = earlier if mask is None else earlier & mask, False
    if transformed:
        weights = _weights(query @ key.mT, mask, scale or query.shape[-1] ** -0.5)
        return F.dropout(weights, dropout) @ value
    n = 4 - query.ndim
    if n > 0:  # the fused kernels take four axes
        query, key, value = query[(None,) * n], key[(None,) * n], value[(None,) * n]
    if mask is not None and mask.ndim not in (2, 4):  # and a mask with two or four
        mask = mask[(None,) * (4 - mask.ndim)]
    z = F.scaled_dot_product_attention(query, key, value, mask, dropout, causal, scale=scale)
    return z[(0,) * n] if n > 0 else z


@implements(spec.scaled_dot_product_attention)
def scaled_dot_product_attention(query, key, value, mask=None, /, *, scale=None, causal=False):
    spec.check_mask("scaled_dot_product_attention", mask, (*query.shape[:-1], key.shape[-2]))
    return attend(query, key, value, mask, scale, causal)


@implements(spec.self_attention)
def self_attention(x, wq, wk, wv, mask=None, /):
    spec.check_mask("self_attention", mask, (*x.shape[:-1], x.shape[-2]))
    return attend(F.linear(x, wq), F.linear(x, wk), F.linear(x, wv), mask, None, False)


@implements(spec.masked_self_attention)
def masked_self_attention(x, wq, wk, wv, /):
    return attend(F.linear(x, wq), F.linear(x, wk), F.linear(x, wv), None, None, True)


@implements(spec.cross_attention)
def cross_attention(x, memory, wq, wk, wv, mask=None, /):
    spec.check_mask("cross_attention", mask, (*x.shape[:-1], memory.shape[-2]))
    return attend(F.linear(x, wq), F.linear(memory, wk), F.linear(memory, wv), mask, None, False)


def _angles(position, d, base, last):
    # The frequencies are rounded once, from float64: an error in them grows with the position.
    exponents = torch.arange(0, -d // 2, -1, dtype=torch.float64, device=position.device) / last
    return position[..., None] * torch.pow(base, exponents).to(position.dtype)


@implements(spec.sinusoidal_positional_encoding)
def sinusoidal_positional_encoding(position, /, *, d, base=10000.0):
    angle = _angles(position, d, base, d / 2)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(-2)


@implements(spec.concatenated_positional_encoding)
def concatenated_positional_encoding(position, /, *, d, base=10000.0):
    angle = _angles(position, d, base, max(d // 2 - 1, 1))
    return torch.cat([angle.sin(), angle.cos()], -1)


@implements(spec.add_positional_encoding)
def add_positional_encoding(x, encoding, /):
    return x + encoding


@implements(spec.causal_mask)
def causal_mask(query, key, /):
    return key[..., None, :] <= query[..., :, None]


@implements(spec.split_heads)
def split_heads(x, /, *, n_heads):
    return x.unflatten(-1, (n_heads, -1)).transpose(-2, -3)  # a view


@implements(spec.output_projection)
def output_projection(heads, weight, bias=None, /):
    return F.linear(heads.transpose(-2, -3).flatten(-2), weight, bias)


def _heads(config, params, x, memory):
    """Queries, keys and values as views of as few products as possible: one, or two with a memory."""
    weight, bias, d = params["in_proj_weight"], params.get("in_proj_bias"), config.d_model
    if memory is None:
        blocks = F.linear(x, weight, bias).unflatten(-1, (3, config.n_heads, -1)).unbind(-3)  # [*batch, t, h, d/h]
    else:
        query = F.linear(x, weight[:d], None if bias is None else bias[:d])
        pair = F.linear(memory, weight[d:], None if bias is None else bias[d:])
        blocks = (query.unflatten(-1, (config.n_heads, -1)), *pair.unflatten(-1, (2, config.n_heads, -1)).unbind(-3))
    return [block.transpose(-2, -3) for block in blocks]  # [*batch, h, t, d/h]


def for_heads(formula, mask, x, memory):
    """The mask with an axis for the heads, which all look at the same."""
    spec.check_mask(formula, mask, (*x.shape[:-1], (x if memory is None else memory).shape[-2]))
    return mask if mask is None or mask.ndim <= 2 else mask.unsqueeze(-3)


@implements(spec.multi_head_attention)
def multi_head_attention(config, params, x, memory=None, mask=None, /, *, causal=False):
    check_parameters("multi_head_attention", config, params)
    mask = for_heads("multi_head_attention", mask, x, memory)
    query, key, value = _heads(config, params, x, memory)
    z = attend(query, key, value, mask, None, causal)
    return F.linear(z.transpose(-2, -3).flatten(-2), params["out_proj.weight"], params.get("out_proj.bias"))


@implements(spec.multi_head_attention_weights)
def multi_head_attention_weights(config, params, x, memory=None, mask=None, /, *, causal=False):
    check_parameters("multi_head_attention_weights", config, params)
    mask = for_heads("multi_head_attention_weights", mask, x, memory)
    query, key, _ = _heads(config, params, x, memory)
    if causal:
        earlier = earlier_than(query.shape[-2], key.shape[-2], x.device)
        mask = earlier if mask is None else earlier & mask
    return attention_weights(query @ key.mT, mask, scale=1 / math.sqrt(config.d_head))


class MultiHeadModule(nn.Module):
    """`multi_head_attention` as a module, whose state dict is that of torch.nn.MultiheadAttention.

    Parameters
    ----------
    config : MultiHead
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.attention import MultiHead
    >>> list(MultiHeadModule(MultiHead(6, 2)).state_dict())
    ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias']
    """

    def __init__(self, config: spec.MultiHead, /) -> None:
        super().__init__()
        self.config = config
        d = config.d_model
        self.in_proj_weight = nn.Parameter(torch.empty(3 * d, d))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * d)) if config.bias else None
        self.out_proj = nn.Linear(d, d, config.bias)
        nn.init.xavier_uniform_(self.in_proj_weight)  # and no bias: how torch.nn.MultiheadAttention starts
        if config.bias:
            nn.init.zeros_(self.out_proj.bias)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None, *, causal: bool = False
    ) -> Tensor:
        return multi_head_attention(self.config, dict(self.named_parameters()), x, memory, mask, causal=causal)

    def extra_repr(self) -> str:
        return str(self.config)


@implements(spec.seq2seq_attention)
def seq2seq_attention(query, states, mask=None, /):
    score = query[..., None, :] @ states.mT  # [*batch, 1, s]: a row on the left is the quicker product
    weights = _weights(score.squeeze(-2), mask, 1)
    return spec.Attended((weights[..., None, :] @ states).squeeze(-2), weights)


@implements(spec.attentional_hidden_state)
def attentional_hidden_state(context, query, weight, bias, /):
    return torch.tanh(F.linear(torch.cat([context, query], -1), weight, bias))
