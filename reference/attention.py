"""Attention in NumPy."""

import math

import numpy as np

from gongsik.reference.activation import tanh
from gongsik.reference.arrays import implements
from gongsik.reference.network import linear
from gongsik.spec import attention as spec
from gongsik.spec.model import check_parameters

__all__ = [
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
    return spec.Projections(linear(x, wq), linear(x, wk), linear(x, wv))


@implements(spec.dot_product_score)
def dot_product_score(query, key, /):
    return query @ key.swapaxes(-1, -2)  # [*batch, t, s]


@implements(spec.attention_weights)
def attention_weights(score, mask=None, /, *, scale=1.0):
    spec.check_mask("attention_weights", mask, score.shape)
    z = scale * score
    if mask is None:
        shift, empty = z.max(-1, keepdims=True), False
    else:
        z = np.where(mask, z, -np.inf)
        empty = ~np.broadcast_to(mask, score.shape).any(-1, keepdims=True)  # [*batch, t, 1]
        shift = np.where(empty, 0, z.max(-1, keepdims=True))  # minus infinity less minus infinity would be NaN
    e = np.exp(z - shift)
    return e / np.where(empty, 1, e.sum(-1, keepdims=True))


def visible(mask, causal, t, s):
    """The mask, without what is later if `causal`: the queries belong to the last t of the s places."""
    if not causal:
        return mask
    earlier = causal_mask(np.arange(s - t, s), np.arange(s))  # [t, s]
    return earlier if mask is None else earlier & mask


@implements(spec.scaled_dot_product_attention)
def scaled_dot_product_attention(query, key, value, mask=None, /, *, scale=None, causal=False):
    *batch, t, d = query.shape
    s = key.shape[-2]
    spec.check_mask("scaled_dot_product_attention", mask, (*batch, t, s))
    scale = 1 / math.sqrt(d) if scale is None else scale
    weights = attention_weights(dot_product_score(query, key), visible(mask, causal, t, s), scale=scale)
    return weights @ value  # [*batch, t, e]


@implements(spec.self_attention)
def self_attention(x, wq, wk, wv, mask=None, /):
    spec.check_mask("self_attention", mask, (*x.shape[:-1], x.shape[-2]))
    return scaled_dot_product_attention(*qkv_projection(x, wq, wk, wv), mask)


@implements(spec.masked_self_attention)
def masked_self_attention(x, wq, wk, wv, /):
    return scaled_dot_product_attention(*qkv_projection(x, wq, wk, wv), causal=True)


@implements(spec.cross_attention)
def cross_attention(x, memory, wq, wk, wv, mask=None, /):
    spec.check_mask("cross_attention", mask, (*x.shape[:-1], memory.shape[-2]))
    return scaled_dot_product_attention(linear(x, wq), linear(memory, wk), linear(memory, wv), mask)


@implements(spec.sinusoidal_positional_encoding)
def sinusoidal_positional_encoding(position, /, *, d, base=10000.0):
    omega = base ** (-2 * np.arange(d // 2) / d)
    angle = position[..., None] * omega.astype(position.dtype)  # [*shape, d/2]
    pairs = np.stack([np.sin(angle), np.cos(angle)], -1)  # [*shape, d/2, 2]
    return pairs.reshape(*position.shape, d)


@implements(spec.concatenated_positional_encoding)
def concatenated_positional_encoding(position, /, *, d, base=10000.0):
    omega = base ** (-np.arange(d // 2) / max(d // 2 - 1, 1))
    angle = position[..., None] * omega.astype(position.dtype)  # [*shape, d/2]
    return np.concatenate([np.sin(angle), np.cos(angle)], -1)


@implements(spec.add_positional_encoding)
def add_positional_encoding(x, encoding, /):
    return x + encoding


@implements(spec.causal_mask)
def causal_mask(query, key, /):
    return key[..., None, :] <= query[..., :, None]


@implements(spec.split_heads)
def split_heads(x, /, *, n_heads):
    *batch, t, d = x.shape
    return x.reshape(*batch, t, n_heads, d // n_heads).swapaxes(-2, -3)  # [*batch, h, t, d/h]


@implements(spec.output_projection)
def output_projection(heads, weight, bias=None, /):
    *batch, h, t, e = heads.shape
    return linear(heads.swapaxes(-2, -3).reshape(*batch, t, h * e), weight, bias)


def _heads(config, params, x, memory):
    """Queries of x, keys and values of the memory, all split into heads: [*batch, h, t, d/h]."""
    memory = x if memory is None else memory
    weight, bias = params["in_proj_weight"], params.get("in_proj_bias")
    d = config.d_model
    heads = []
    for i, source in enumerate((x, memory, memory)):
        rows = slice(i * d, (i + 1) * d)  # of W^Q, W^K, W^V, which lie one below the other
        projected = linear(source, weight[rows], None if bias is None else bias[rows])
        heads.append(split_heads(projected, n_heads=config.n_heads))
    return tuple(heads)


def for_heads(formula, mask, x, memory):
    """The mask with an axis for the heads, which all look at the same."""
    spec.check_mask(formula, mask, (*x.shape[:-1], (x if memory is None else memory).shape[-2]))
    return mask if mask is None or mask.ndim <= 2 else np.expand_dims(mask, -3)


@implements(spec.multi_head_attention)
def multi_head_attention(config, params, x, memory=None, mask=None, /, *, causal=False):
    check_parameters("multi_head_attention", config, params)
    mask = for_heads("multi_head_attention", mask, x, memory)
    query, key, value = _heads(config, params, x, memory)
    z = scaled_dot_product_attention(query, key, value, mask, causal=causal)  # [*batch, h, t, d/h]
    return output_projection(z, params["out_proj.weight"], params.get("out_proj.bias"))


@implements(spec.multi_head_attention_weights)
def multi_head_attention_weights(config, params, x, memory=None, mask=None, /, *, causal=False):
    check_parameters("multi_head_attention_weights", config, params)
    mask = for_heads("multi_head_attention_weights", mask, x, memory)
    query, key, _ = _heads(config, params, x, memory)
    score = dot_product_score(query, key)  # [*batch, h, t, s]
    mask = visible(mask, causal, *score.shape[-2:])
    return attention_weights(score, mask, scale=1 / math.sqrt(config.d_head))


@implements(spec.seq2seq_attention)
def seq2seq_attention(query, states, mask=None, /):
    score = dot_product_score(query[..., None, :], states)  # [*batch, 1, s]
    weights = attention_weights(score, None if mask is None else mask[..., None, :])
    return spec.Attended((weights @ states)[..., 0, :], weights[..., 0, :])


@implements(spec.attentional_hidden_state)
def attentional_hidden_state(context, query, weight, bias, /):
    return tanh(linear(np.concatenate([context, query], -1), weight, bias))
