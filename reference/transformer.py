"""Transformers in NumPy."""

import math

import numpy as np

from gongsik.reference.activation import relu, softmax, tanh
from gongsik.reference.arrays import implements
from gongsik.reference.attention import (
    attention_weights,
    causal_mask,
    dot_product_score,
    for_heads,
    output_projection,
    sinusoidal_positional_encoding,
    split_heads,
    visible,
)
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.reference.network import linear
from gongsik.reference.normalization import layer_norm
from gongsik.reference.regularization import inverted_dropout
from gongsik.reference.special import erfc
from gongsik.spec import transformer as spec
from gongsik.spec.architectures.transformer import check_model, layer_names

__all__ = [
    "bert",
    "bert_classifier",
    "bert_embedding",
    "bert_pretraining",
    "cls_token",
    "decoder",
    "decoder_layer",
    "encoder",
    "encoder_layer",
    "encoder_states",
    "feed_forward",
    "gpt",
    "gpt_step",
    "mask_tokens",
    "masked_language_model",
    "next_sentence_pairs",
    "next_sentence_prediction",
    "output_sampling",
    "patch_embedding",
    "transformer",
    "vit",
]


def gelu(x):
    """X times the probability that a standard normal number is below x."""
    return x * (2 - erfc(x / math.sqrt(2))) / 2


def gelu_tanh(x):
    return x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


ACTIVATIONS = {"relu": relu, "gelu": gelu, "gelu_tanh": gelu_tanh}


@implements(spec.feed_forward)
def feed_forward(x, w1, b1, w2, b2, /, *, activation="relu"):
    return linear(ACTIVATIONS[activation](linear(x, w1, b1)), w2, b2)


# What all layers are made of. Parameters are read by name: `at` is what the names of this layer begin with.


def dropping(draws):
    """How a pass drops units: by these draws, by name, in training; else not at all."""
    if draws is None:
        return lambda name, x, p: x
    return lambda name, x, p: inverted_dropout(x, draws[name], p=p)


def affine(config, params, name, x):
    """The linear map whose weight and bias have this name."""
    weight = params[f"{name}weight"]
    return linear(x, weight.T if config.names.transposed else weight, params[f"{name}bias"])


def norm(config, params, name, x):
    return layer_norm(x, params[f"{name}weight"], params[f"{name}bias"], eps=config.eps)


def project(config, params, at, names, x, memory):
    """Queries of x, keys and values of the memory, all split into heads: [*batch, h, t, d/h]."""
    tensors = []
    for i, source in enumerate((x, memory, memory)):
        if len(names.projections) == 3:
            z = affine(config, params, at + names.projections[i], source)
        else:  # the three matrices are one
            name, part = at + names.projections[0], slice(i * config.d_model, (i + 1) * config.d_model)
            weight = params[f"{name}weight"]
            z = linear(source, (weight.T if config.names.transposed else weight)[part], params[f"{name}bias"][part])
        tensors.append(split_heads(z, n_heads=config.n_heads))
    return tensors


def weigh(config, query, key, mask, causal):
    """The map of every head: [*batch, h, t, s]."""
    score = dot_product_score(query, key)
    return attention_weights(score, visible(mask, causal, *score.shape[-2:]), scale=1 / math.sqrt(config.d_head))


def attention(config, params, at, names, x, memory, mask, causal, drop, cross=""):
    query, key, value = project(config, params, at, names, x, memory)
    weights = drop(f"{at}{cross}attention", weigh(config, query, key, mask, causal), config.p_attention)
    weight, bias = params[f"{at}{names.output}weight"], params[f"{at}{names.output}bias"]
    z = output_projection(weights @ value, weight.T if config.names.transposed else weight, bias)
    return drop(f"{at}{cross}attended", z, config.dropout)


def think(config, params, at, x, drop):
    """The feed-forward layer, by the names of a configuration."""
    z = ACTIVATIONS[config.activation](affine(config, params, at + config.names.inner, x))  # [*batch, t, d_ff]
    if config.inner_dropout:
        z = drop(f"{at}inner", z, config.dropout)
    return drop(f"{at}output", affine(config, params, at + config.names.outer, z), config.dropout)


def added(config, params, name, x, body):
    """X and what the body makes of it, normalized after the sum, or before the body if the norm is to be first."""
    if config.norm_first:
        return x + body(norm(config, params, name, x))
    return norm(config, params, name, x + body(x))


def encode_layer(config, params, at, x, mask, causal, drop):
    names = config.names
    x = added(
        config, params, at + names.attention.norm, x,
        lambda x: attention(config, params, at, names.attention, x, x, mask, causal, drop),
    )  # fmt: skip
    return added(config, params, at + names.norm, x, lambda x: think(config, params, at, x, drop))


def encode(config, params, at, x, mask, causal, drop):
    """A whole stack of layers, and the normalization after it if there is one."""
    for name in layer_names(config):
        x = encode_layer(config.layer, params, at + name, x, mask, causal, drop)
    return norm(config.layer, params, at + config.layer.names.final, x) if config.norm else x


def decode_layer(config, params, at, x, memory, mask, memory_mask, drop):
    names = config.names
    x = added(
        config, params, at + names.attention.norm, x,
        lambda x: attention(config, params, at, names.attention, x, x, mask, True, drop),
    )  # fmt: skip
    x = added(
        config, params, at + names.cross.norm, x,
        lambda x: attention(config, params, at, names.cross, x, memory, memory_mask, False, drop, "cross_"),
    )  # fmt: skip
    return added(config, params, at + names.norm, x, lambda x: think(config, params, at, x, drop))


def decode(config, params, at, x, memory, mask, memory_mask, drop):
    for name in layer_names(config):
        x = decode_layer(config.layer, params, at + name, x, memory, mask, memory_mask, drop)
    return norm(config.layer, params, at + config.layer.names.final, x) if config.norm else x


@implements(spec.encoder_layer)
def encoder_layer(config, params, x, mask=None, draws=None, /, *, causal=False):
    check_model("encoder_layer", config, params, draws, (x.shape,))
    return encode_layer(config, params, "", x, for_heads("encoder_layer", mask, x, None), causal, dropping(draws))


@implements(spec.encoder)
def encoder(config, params, x, mask=None, draws=None, /, *, causal=False):
    check_model("encoder", config, params, draws, (x.shape,))
    return encode(config, params, "", x, for_heads("encoder", mask, x, None), causal, dropping(draws))


def states(config, params, at, x, mask, causal):
    """What every layer of a stack makes of x, and what each of its heads looks at."""
    layer, hidden, weights = config.layer, [x], []
    for name in layer_names(config):
        seen = norm(layer, params, at + name + layer.names.attention.norm, x) if layer.norm_first else x
        query, key, _ = project(layer, params, at + name, layer.names.attention, seen, seen)
        weights.append(weigh(layer, query, key, mask, causal))
        x = encode_layer(layer, params, at + name, x, mask, causal, dropping(None))
        hidden.append(x)
    if config.norm:
        hidden[-1] = norm(layer, params, at + layer.names.final, x)
    return spec.EncoderStates(np.stack(hidden), np.stack(weights))


@implements(spec.encoder_states)
def encoder_states(config, params, x, mask=None, /, *, causal=False):
    check_model("encoder_states", config, params)
    return states(config, params, "", x, for_heads("encoder_states", mask, x, None), causal)


@implements(spec.decoder_layer)
def decoder_layer(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    check_model("decoder_layer", config, params, draws, (x.shape, memory.shape[-2]))
    masks = for_heads("decoder_layer", mask, x, None), for_heads("decoder_layer", memory_mask, x, memory)
    return decode_layer(config, params, "", x, memory, *masks, dropping(draws))


@implements(spec.decoder)
def decoder(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    check_model("decoder", config, params, draws, (x.shape, memory.shape[-2]))
    masks = for_heads("decoder", mask, x, None), for_heads("decoder", memory_mask, x, memory)
    return decode(config, params, "", x, memory, *masks, dropping(draws))


def padding(mask):
    """A mask of real tokens as one for heads: every query may look at those keys."""
    return None if mask is None else mask[..., None, None, :]  # [n, 1, 1, s]


@implements(spec.transformer)
def transformer(config, params, source, target, source_mask=None, target_mask=None, draws=None, /):
    check_model("transformer", config, params, draws, (source.shape, target.shape))
    drop = dropping(draws)

    def embed(name, ids):
        vectors = config.scale * params[f"{name}.weight"][ids]  # [n, t, d]
        position = np.arange(ids.shape[-1]).astype(vectors.dtype)
        return drop(name, vectors + sinusoidal_positional_encoding(position, d=config.d_model), config.dropout)

    memory_mask = padding(source_mask)
    memory = encode(config.encoder, params, "encoder.", embed("source", source), memory_mask, False, drop)
    h = decode(
        config.decoder, params, "decoder.", embed("target", target), memory, padding(target_mask), memory_mask, drop
    )
    return linear(h, params["output.weight"], params["output.bias"])


@implements(spec.cls_token)
def cls_token(x, cls, /):
    first = np.broadcast_to(cls, (*x.shape[:-2], 1, x.shape[-1]))
    return np.concatenate([first, x], -2)


@implements(spec.bert_embedding)
def bert_embedding(ids, segments, tokens, segment, position, /):
    return tokens[ids] + segment[segments] + position[: ids.shape[-1]]


@implements(spec.mask_tokens)
def mask_tokens(ids, pick, way, other, allowed=None, /, *, mask_id, rate=0.15, masked=0.8, random=0.1):
    chosen = pick < rate
    chosen = chosen if allowed is None else chosen & allowed
    hidden, changed = chosen & (way < masked), chosen & (way < masked + random)
    return spec.MaskedTokens(np.where(hidden, np.full_like(ids, mask_id), np.where(changed, other, ids)), chosen)


@implements(spec.masked_language_model)
def masked_language_model(logits, ids, chosen, /):
    if not chosen.any():
        return np.where(chosen[..., None], logits, 0).sum()  # 0, and so is every gradient
    return softmax_cross_entropy(logits[chosen], ids[chosen])


@implements(spec.next_sentence_pairs)
def next_sentence_pairs(uniform, other, /):
    following = np.arange(1, len(other) + 1)
    random = uniform >= 0.5
    another = other + (other >= following)  # the next one is left out
    label = np.where(random, np.ones_like(other), np.zeros_like(other))
    return spec.SentencePairs(np.where(random, another, following), label)


@implements(spec.next_sentence_prediction)
def next_sentence_prediction(pooled, label, weight, bias, /):
    return softmax_cross_entropy(linear(pooled, weight, bias), label)


def read(config, params, at, ids, segments, mask, drop):
    """BERT, of whose parameters the names begin with `at`."""
    tables = [
        params[f"{at}embeddings.{name}_embeddings.weight"] for name in ("word", "token_type", "position")
    ]  # fmt: skip
    segments = np.zeros_like(ids) if segments is None else segments
    layer = config.encoder.layer
    x = norm(layer, params, f"{at}embeddings.LayerNorm.", bert_embedding(ids, segments, *tables))
    x = drop(f"{at}embeddings", x, config.dropout)
    hidden = encode(config.encoder, params, f"{at}encoder.", x, padding(mask), False, drop)
    pooled = tanh(affine(layer, params, f"{at}pooler.dense.", hidden[:, 0]))
    return spec.BertOutput(hidden, pooled)


@implements(spec.bert)
def bert(config, params, ids, segments=None, mask=None, draws=None, /):
    check_model("bert", config, params, draws, (ids.shape,))
    return read(config, params, "", ids, segments, mask, dropping(draws))


@implements(spec.bert_pretraining)
def bert_pretraining(config, params, ids, segments=None, mask=None, draws=None, /):
    check_model("bert_pretraining", config, params, draws, (ids.shape,))
    hidden, pooled = read(config.bert, params, "bert.", ids, segments, mask, dropping(draws))
    layer, head = config.bert.encoder.layer, "cls.predictions."
    h = ACTIVATIONS[layer.activation](affine(layer, params, f"{head}transform.dense.", hidden))
    h = norm(layer, params, f"{head}transform.LayerNorm.", h)
    tokens = linear(h, params["bert.embeddings.word_embeddings.weight"], params[f"{head}bias"])
    return spec.BertHeads(tokens, affine(layer, params, "cls.seq_relationship.", pooled))


@implements(spec.bert_classifier)
def bert_classifier(config, params, ids, segments=None, mask=None, draws=None, /):
    check_model("bert_classifier", config, params, draws, (ids.shape,))
    drop = dropping(draws)
    _, pooled = read(config.bert, params, "bert.", ids, segments, mask, drop)
    pooled = drop("classifier", pooled, config.bert.dropout)
    return affine(config.bert.encoder.layer, params, "classifier.", pooled)


# GPT: only back


@implements(spec.gpt)
def gpt(config, params, ids, mask=None, draws=None, /):
    check_model("gpt", config, params, draws, (ids.shape,))
    tokens, drop = params["transformer.wte.weight"], dropping(draws)
    x = drop("embeddings", tokens[ids] + params["transformer.wpe.weight"][: ids.shape[-1]], config.dropout)
    h = encode(config.encoder, params, "transformer.", x, padding(mask), True, drop)  # [n, t, d]
    return linear(h, tokens)


def _remembered(kept, new, length):
    """What was kept of every sample, and after it what is new: [n, h, s, d/h]."""
    s, t = kept.shape[-2], new.shape[-2]
    place = np.arange(s) - length[:, None]  # [n, s], counted from the first new token
    index = np.clip(place, 0, t - 1)[:, None, :, None]
    is_new = ((place >= 0) & (place < t))[:, None, :, None]
    return np.where(is_new, np.take_along_axis(new, np.broadcast_to(index, kept.shape), -2), kept)


@implements(spec.gpt_step)
def gpt_step(config, params, ids, keys=None, values=None, length=None, /, *, capacity=None, overwrite=False):
    check_model("gpt_step", config, params)
    layer, tokens = config.encoder.layer, params["transformer.wte.weight"]
    n, t = ids.shape
    if keys is None or values is None or length is None:
        nothing = np.zeros_like(tokens, shape=spec.cache_shape(config, n, capacity))
        keys, values, length = nothing, nothing, np.zeros(n, np.int64)
    position = length[:, None] + np.arange(t)  # [n, t]
    seen = causal_mask(position, np.broadcast_to(np.arange(keys.shape[-2]), (n, keys.shape[-2])))[:, None]
    x = tokens[ids] + params["transformer.wpe.weight"][position]
    new_keys, new_values = [], []
    for i, name in enumerate(layer_names(config.encoder)):
        at, names = f"transformer.{name}", layer.names.attention
        normal = norm(layer, params, at + names.norm, x)
        query, key, value = project(layer, params, at, names, normal, normal)
        new_keys.append(_remembered(keys[i], key, length))
        new_values.append(_remembered(values[i], value, length))
        z = weigh(layer, query, new_keys[-1], seen, False) @ new_values[-1]  # [n, h, t, d/h]
        x = x + output_projection(z, params[f"{at}{names.output}weight"].T, params[f"{at}{names.output}bias"])
        x = added(layer, params, at + layer.names.norm, x, lambda x, at=at: think(layer, params, at, x, dropping(None)))
    logits = linear(norm(layer, params, f"transformer.{layer.names.final}", x), tokens)
    return spec.Step(logits, np.stack(new_keys), np.stack(new_values), length + t)


@implements(spec.output_sampling)
def output_sampling(logits, uniform, /, *, temperature=1.0, top_k=None):
    if temperature == 0:
        return np.argmax(logits, -1)
    if top_k is not None and top_k < logits.shape[-1]:
        order = np.argsort(-logits, -1)
        smallest = np.take_along_axis(logits, order[..., top_k - 1, None], -1)  # [*batch, 1], the k-th largest
        logits = np.where(logits < smallest, -np.inf, logits)
    z = (logits - logits.max(-1, keepdims=True)) / temperature
    share = np.cumsum(softmax(z), -1)  # [*batch, v], where each word's piece of [0, 1) ends
    total = share[..., -1:]  # 1 but for rounding
    # A word without probability has an empty piece; the last piece reaches to the end, even if u was rounded to 1.
    passed = (share <= uniform[..., None] * total) & (share < total)
    return passed.sum(-1)


# Images as sentences


@implements(spec.patch_embedding)
def patch_embedding(x, weight, bias=None, /):
    n, c, h, w = x.shape
    d, _, p, q = weight.shape
    patches = x.reshape(n, c, h // p, p, w // q, q).transpose(0, 2, 4, 1, 3, 5)  # [n, h/p, w/q, c, p, q]
    patches = patches.reshape(n, (h // p) * (w // q), c * p * q)  # [n, t, c*p*q]
    return linear(patches, weight.reshape(d, c * p * q), bias)


@implements(spec.vit)
def vit(config, params, x, draws=None, /):
    check_model("vit", config, params, draws, (x.shape,))
    at, drop = "vit.embeddings.", dropping(draws)
    patches = patch_embedding(x, *(params[f"{at}patch_embeddings.projection.{name}"] for name in ("weight", "bias")))
    tokens = cls_token(patches, params[f"{at}cls_token"][0, 0]) + params[f"{at}position_embeddings"]  # [n, t + 1, d]
    z = encode(config.encoder, params, "vit.", drop("embeddings", tokens, config.dropout), None, False, drop)
    return linear(z[:, 0], params["classifier.weight"], params["classifier.bias"])
