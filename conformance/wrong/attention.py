"""Classic mistakes in attention."""

import math

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference import attention as right
from gongsik.spec.attention import Attended, MultiHead, Projections


def _scores(query, key):
    return query @ key.swapaxes(-1, -2)


def _softmax(z, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@wrong("attention.qkv_projection", "one matrix for queries and keys")
def qkv_shared(x, wq, wk, wv, /):
    return right.qkv_projection(x, wq, wq, wv)


@wrong("attention.qkv_projection", "keys and values exchanged where the shapes allow it")
def qkv_exchanged(x, wq, wk, wv, /):
    q, k, v = right.qkv_projection(x, wq, wk, wv)
    return Projections(q, v, k) if k.shape == v.shape else Projections(q, 2 * k, v)


@wrong("attention.qkv_projection", "square weights not transposed")
def qkv_untransposed(x, wq, wk, wv, /):
    square = wq.shape[0] == wq.shape[1]
    return right.qkv_projection(x, wq.T if square else wq, wk.T if square else wk, wv)


@wrong("attention.dot_product_score", "divided by the root of the width already here")
def score_scaled(query, key, /):
    return _scores(query, key) / np.sqrt(query.shape[-1], dtype=query.dtype)


@wrong("attention.dot_product_score", "cosines in place of products")
def score_cosine(query, key, /):
    lengths = [np.sqrt((x * x).sum(-1, keepdims=True)) for x in (query, key)]
    return _scores(query / lengths[0], key / lengths[1])


@wrong("attention.attention_weights", "the softmax over the queries in place of the keys")
def weights_over_queries(score, mask=None, /, *, scale=1.0):
    z = scale * score if mask is None else np.where(mask, scale * score, -np.inf)
    return np.nan_to_num(_softmax(z, -2))


@wrong("attention.attention_weights", "the mask the other way round: true hides")
def weights_inverted_mask(score, mask=None, /, *, scale=1.0):
    return right.attention_weights(score, None if mask is None else ~mask, scale=scale)


@wrong("attention.attention_weights", "hidden weights cut off after the softmax, without sharing out again")
def weights_masked_late(score, mask=None, /, *, scale=1.0):
    weights = right.attention_weights(score, scale=scale)
    return weights if mask is None else np.where(mask, weights, 0)


@wrong("attention.attention_weights", "a large negative number for minus infinity: an empty row is shared equally")
def weights_large_negative(score, mask=None, /, *, scale=1.0):
    return _softmax(scale * score if mask is None else np.where(mask, scale * score, np.finfo(score.dtype).min / 2))


@wrong("attention.attention_weights", "minus infinity without a thought for empty rows: NaN")
def weights_nan(score, mask=None, /, *, scale=1.0):
    return _softmax(scale * score if mask is None else np.where(mask, scale * score, -np.inf))


@wrong("attention.scaled_dot_product_attention", "not scaled")
def attention_unscaled(query, key, value, mask=None, /, *, scale=None, causal=False):
    return right.scaled_dot_product_attention(query, key, value, mask, scale=scale or 1.0, causal=causal)


@wrong("attention.scaled_dot_product_attention", "divided by the width, not its root")
def attention_by_width(query, key, value, mask=None, /, *, scale=None, causal=False):
    scale = scale or 1 / query.shape[-1]
    return right.scaled_dot_product_attention(query, key, value, mask, scale=scale, causal=causal)


@wrong("attention.scaled_dot_product_attention", "scaled by the width of the values")
def attention_by_value_width(query, key, value, mask=None, /, *, scale=None, causal=False):
    scale = scale or 1 / math.sqrt(value.shape[-1])
    return right.scaled_dot_product_attention(query, key, value, mask, scale=scale, causal=causal)


@wrong("attention.scaled_dot_product_attention", "the last queries taken for the first ones")
def attention_top_left(query, key, value, mask=None, /, *, scale=None, causal=False):
    t, s = query.shape[-2], key.shape[-2]
    if causal:
        earlier = np.tril(np.ones((t, s), bool))
        mask = earlier if mask is None else earlier & mask
    return right.scaled_dot_product_attention(query, key, value, mask, scale=scale)


@wrong("attention.scaled_dot_product_attention", "causal: the mask of the call forgotten")
def attention_causal_alone(query, key, value, mask=None, /, *, scale=None, causal=False):
    return right.scaled_dot_product_attention(query, key, value, None if causal else mask, scale=scale, causal=causal)


@wrong("attention.self_attention", "the inner product of the weight matrices in place of that of the vectors")
def self_attention_of_weights(x, wq, wk, wv, mask=None, /):
    score = np.broadcast_to((wq * wk).sum(), (*x.shape[:-1], x.shape[-2]))
    return right.attention_weights(score, mask) @ (x @ wv.T)


@wrong("attention.self_attention", "scaled by the width of the tokens, not of the keys")
def self_attention_by_model_width(x, wq, wk, wv, mask=None, /):
    q, k, v = right.qkv_projection(x, wq, wk, wv)
    return right.scaled_dot_product_attention(q, k, v, mask, scale=1 / math.sqrt(x.shape[-1]))


@wrong("attention.self_attention", "the scores transposed: who is looked at looks")
def self_attention_transposed(x, wq, wk, wv, mask=None, /):
    return right.self_attention(x, wk, wq, wv, mask)


@wrong("attention.masked_self_attention", "a token does not see itself")
def masked_without_itself(x, wq, wk, wv, /):
    t = x.shape[-2]
    return right.self_attention(x, wq, wk, wv, np.tril(np.ones((t, t), bool), -1))


@wrong("attention.masked_self_attention", "the past hidden in place of the future")
def masked_past(x, wq, wk, wv, /):
    t = x.shape[-2]
    return right.self_attention(x, wq, wk, wv, np.triu(np.ones((t, t), bool)))


@wrong("attention.masked_self_attention", "zero in place of minus infinity added to what is hidden")
def masked_by_zero(x, wq, wk, wv, /):
    q, k, v = right.qkv_projection(x, wq, wk, wv)
    return _softmax(np.tril(_scores(q, k)) / np.sqrt(q.shape[-1], dtype=x.dtype)) @ v


@wrong("attention.cross_attention", "the values from the queries' side where the lengths allow it")
def cross_values_from_x(x, memory, wq, wk, wv, mask=None, /):
    source = x if x.shape == memory.shape else 0 * memory
    return right.scaled_dot_product_attention(x @ wq.T, memory @ wk.T, source @ wv.T, mask)


@wrong("attention.cross_attention", "the mask ignored")
def cross_unmasked(x, memory, wq, wk, wv, mask=None, /):
    return right.cross_attention(x, memory, wq, wk, wv)


@wrong("attention.cross_attention", "not scaled")
def cross_unscaled(x, memory, wq, wk, wv, mask=None, /):
    return right.scaled_dot_product_attention(x @ wq.T, memory @ wk.T, memory @ wv.T, mask, scale=1.0)


def _angle(position, exponents, base):
    return position[..., None] * np.power(base, exponents).astype(position.dtype)


@wrong("attention.sinusoidal_positional_encoding", "the exponent i / d in place of 2 i / d")
def sinusoidal_half_exponent(position, /, *, d, base=10000.0):
    angle = _angle(position, -np.arange(d // 2) / d, base)
    return np.stack([np.sin(angle), np.cos(angle)], -1).reshape(*position.shape, d)


@wrong("attention.sinusoidal_positional_encoding", "sines and cosines in halves, not in turns")
def sinusoidal_concatenated(position, /, *, d, base=10000.0):
    angle = _angle(position, -2 * np.arange(d // 2) / d, base)
    return np.concatenate([np.sin(angle), np.cos(angle)], -1)


@wrong("attention.sinusoidal_positional_encoding", "cosine first")
def sinusoidal_cosine_first(position, /, *, d, base=10000.0):
    angle = _angle(position, -2 * np.arange(d // 2) / d, base)
    return np.stack([np.cos(angle), np.sin(angle)], -1).reshape(*position.shape, d)


@wrong("attention.concatenated_positional_encoding", "the frequencies of the interleaved layout")
def concatenated_paper_frequencies(position, /, *, d, base=10000.0):
    angle = _angle(position, -2 * np.arange(d // 2) / d, base)
    return np.concatenate([np.sin(angle), np.cos(angle)], -1)


@wrong("attention.concatenated_positional_encoding", "a frequency of its own for every column")
def concatenated_all_columns(position, /, *, d, base=10000.0):
    angle = _angle(position, -np.arange(d) / max(d - 1, 1), base)
    return np.concatenate([np.sin(angle[..., : d // 2]), np.cos(angle[..., d // 2 :])], -1)


@wrong("attention.add_positional_encoding", "the tokens scaled up by the root of their width")
def add_scaled(x, encoding, /):
    return np.sqrt(x.shape[-1], dtype=x.dtype) * x + 2 * encoding


@wrong("attention.add_positional_encoding", "the encoding of the place before")
def add_shifted(x, encoding, /):
    return x + np.concatenate([0 * encoding[:1], encoding[:-1]])


@wrong("attention.causal_mask", "strictly earlier")
def causal_strict(query, key, /):
    return key[..., None, :] < query[..., :, None]


@wrong("attention.causal_mask", "places in the array in place of the positions")
def causal_by_place(query, key, /):
    t, s = query.shape[-1], key.shape[-1]
    return np.broadcast_to(np.tril(np.ones((t, s), bool)), (*query.shape, s))


@wrong("attention.split_heads", "cut without exchanging tokens and heads")
def split_by_reshape(x, /, *, n_heads):
    *batch, t, d = x.shape
    return x.reshape(*batch, n_heads, t, d // n_heads)


@wrong("attention.split_heads", "features dealt out in turn")
def split_in_turn(x, /, *, n_heads):
    *batch, t, d = x.shape
    return np.moveaxis(x.reshape(*batch, t, d // n_heads, n_heads), -1, -3)


@wrong("attention.output_projection", "heads joined without exchanging tokens and heads back")
def output_by_reshape(heads, weight, bias=None, /):
    *batch, h, t, e = heads.shape
    z = heads.reshape(*batch, t, h * e) @ weight.T
    return z if bias is None else z + bias


@wrong("attention.output_projection", "the bias once per head")
def output_bias_per_head(heads, weight, bias=None, /):
    return right.output_projection(heads, weight, None if bias is None else (1 + heads.shape[-3]) * bias)


@wrong("attention.multi_head_attention", "scaled by the width of the model, not of a head")
def multi_head_by_model_width(config, params, x, memory=None, mask=None, /, *, causal=False):
    scale = 1 / np.sqrt(config.n_heads, dtype=x.dtype)
    w, b, d = params["in_proj_weight"], params.get("in_proj_bias"), config.d_model
    scaled = {**params, "in_proj_weight": np.concatenate([scale * w[:d], w[d:]])}
    if b is not None:
        scaled["in_proj_bias"] = np.concatenate([scale * b[:d], b[d:]])
    return right.multi_head_attention(config, scaled, x, memory, mask, causal=causal)


@wrong("attention.multi_head_attention", "queries from the memory, keys and values from the tokens where lengths agree")
def multi_head_exchanged(config, params, x, memory=None, mask=None, /, *, causal=False):
    if memory is not None and memory.shape == x.shape:
        x, memory = memory, x
    elif memory is not None:
        memory = 0 * memory
    return right.multi_head_attention(config, params, x, memory, mask, causal=causal)


@wrong("attention.multi_head_attention", "the input cut into heads: each head sees only its part")
def multi_head_cut_input(config, params, x, memory=None, mask=None, /, *, causal=False):
    head = np.arange(config.d_model) // config.d_head
    blocks = np.tile(head[:, None] == head, (3, 1))
    cut = {**params, "in_proj_weight": np.where(blocks, params["in_proj_weight"], 0)}
    return right.multi_head_attention(config, cut, x, memory, mask, causal=causal)


@wrong("attention.multi_head_attention", "one head of the full width")
def multi_head_single(config, params, x, memory=None, mask=None, /, *, causal=False):
    single = MultiHead(config.d_model, 1, config.bias)
    return right.multi_head_attention(single, params, x, memory, mask, causal=causal)


@wrong("attention.multi_head_attention_weights", "the mean over the heads for each of them")
def maps_averaged(config, params, x, memory=None, mask=None, /, *, causal=False):
    maps = right.multi_head_attention_weights(config, params, x, memory, mask, causal=causal)
    return np.broadcast_to(maps.mean(-3, keepdims=True), maps.shape)


@wrong("attention.multi_head_attention_weights", "what is later not hidden")
def maps_without_causality(config, params, x, memory=None, mask=None, /, *, causal=False):
    return right.multi_head_attention_weights(config, params, x, memory, mask)


@wrong("attention.seq2seq_attention", "scaled by the root of the width")
def seq2seq_scaled(query, states, mask=None, /):
    return right.seq2seq_attention(query / np.sqrt(query.shape[-1], dtype=query.dtype), states, mask)


@wrong("attention.seq2seq_attention", "padding not hidden")
def seq2seq_unmasked(query, states, mask=None, /):
    return right.seq2seq_attention(query, states)


@wrong("attention.seq2seq_attention", "scores in place of weights in the sum")
def seq2seq_by_scores(query, states, mask=None, /):
    weights = right.seq2seq_attention(query, states, mask).weights
    score = (states @ query[..., None])[..., 0]
    return Attended((score[..., None] * states).sum(-2), weights)


@wrong("attention.attentional_hidden_state", "the state before the context")
def hidden_state_first(context, query, weight, bias, /):
    return np.tanh(np.concatenate([query, context], -1) @ weight.T + bias)


@wrong("attention.attentional_hidden_state", "no activation")
def hidden_state_linear(context, query, weight, bias, /):
    return np.concatenate([context, query], -1) @ weight.T + bias
