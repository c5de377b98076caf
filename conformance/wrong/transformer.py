"""Classic mistakes in transformers."""

import dataclasses
from importlib import import_module

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.spec.transformer import BertOutput, EncoderStates, MaskedTokens, SentencePairs, Step

right = import_module("gongsik.reference.transformer")  # the chapter: the package has a function of this name

# Layers and stacks


def _gelu_of_half(x):
    return x * (2 - right.erfc(x / 2)) / 2


@wrong("transformer.feed_forward", "the activation after the second matrix, too")
def feed_forward_twice(x, w1, b1, w2, b2, /, *, activation="relu"):
    return right.ACTIVATIONS[activation](right.feed_forward(x, w1, b1, w2, b2, activation=activation))


@wrong("transformer.feed_forward", "no activation: two matrices that are one")
def feed_forward_linear(x, w1, b1, w2, b2, /, *, activation="relu"):
    return (x @ w1.T + b1) @ w2.T + b2


@wrong("transformer.feed_forward", "the approximation of GELU in place of GELU")
def feed_forward_approximate(x, w1, b1, w2, b2, /, *, activation="relu"):
    return right.feed_forward(x, w1, b1, w2, b2, activation="gelu_tanh" if activation == "gelu" else activation)


@wrong("transformer.feed_forward", "the error function of x / 2, not of x / sqrt(2)")
def feed_forward_half(x, w1, b1, w2, b2, /, *, activation="relu"):
    between = _gelu_of_half if activation == "gelu" else right.ACTIVATIONS[activation]
    return between(x @ w1.T + b1) @ w2.T + b2


def _flipped(config):
    return dataclasses.replace(config, norm_first=not config.norm_first)


def _flipped_stack(config):
    return dataclasses.replace(config, layer=_flipped(config.layer))


@wrong("transformer.encoder_layer", "normalization on the other side of the sums")
def encoder_layer_flipped(config, params, x, mask=None, draws=None, /, *, causal=False):
    return right.encoder_layer(_flipped(config), params, x, mask, draws, causal=causal)


@wrong("transformer.encoder_layer", "no shortcut around attention")
def encoder_layer_without_shortcut(config, params, x, mask=None, draws=None, /, *, causal=False):
    drop, names, at = right.dropping(draws), config.names, config.names.attention.norm
    mask = right.for_heads("encoder_layer", mask, x, None)
    seen = right.norm(config, params, at, x) if config.norm_first else x
    z = right.attention(config, params, "", names.attention, seen, seen, mask, causal, drop)
    x = z if config.norm_first else right.norm(config, params, at, z)
    return right.added(config, params, names.norm, x, lambda x: right.think(config, params, "", x, drop))


@wrong("transformer.encoder_layer", "scores divided by the root of the model's width, not of the head's")
def encoder_layer_by_model_width(config, params, x, mask=None, draws=None, /, *, causal=False):
    shrunk = (config.d_head / config.d_model) ** 0.25
    scaled = {}
    for name, p in params.items():
        if "query" in name or "key" in name:
            p = p * shrunk
        elif "in_proj" in name:
            axis = -1 if config.names.transposed or p.ndim == 1 else 0
            parts = np.split(p, 3, axis)
            p = np.concatenate([parts[0] * shrunk, parts[1] * shrunk, parts[2]], axis)
        scaled[name] = p
    return right.encoder_layer(config, scaled, x, mask, draws, causal=causal)


@wrong("transformer.encoder_layer", "one normalization for both sums")
def encoder_layer_shared_norm(config, params, x, mask=None, draws=None, /, *, causal=False):
    first, second = config.names.attention.norm, config.names.norm
    shared = {f"{second}{name}": params[f"{first}{name}"] for name in ("weight", "bias")}
    return right.encoder_layer(config, params | shared, x, mask, draws, causal=causal)


@wrong("transformer.encoder_layer", "queries and keys exchanged")
def encoder_layer_exchanged(config, params, x, mask=None, draws=None, /, *, causal=False):
    renamed = dict(params)
    if len(config.names.attention.projections) == 3:
        query, key, _ = config.names.attention.projections
        for name in ("weight", "bias"):
            renamed[query + name], renamed[key + name] = params[key + name], params[query + name]
    else:
        for name in ("weight", "bias"):
            full = config.names.attention.projections[0] + name
            axis = -1 if config.names.transposed or params[full].ndim == 1 else 0
            q, k, v = np.split(params[full], 3, axis)
            renamed[full] = np.concatenate([k, q, v], axis)
    return right.encoder_layer(config, renamed, x, mask, draws, causal=causal)


@wrong("transformer.encoder", "the parameters of the first layer in all layers")
def encoder_tied(config, params, x, mask=None, draws=None, /, *, causal=False):
    first = f"{config.layer.names.layers}0."
    tied = {}
    for name in params:
        _, number, rest = name.split(".", 2) if name.startswith(config.layer.names.layers) else ("", "", name)
        tied[name] = params[f"{first}{rest}"] if number else params[name]
    return right.encoder(config, tied, x, mask, draws, causal=causal)


@wrong("transformer.encoder", "the last normalization forgotten")
def encoder_without_last_normalization(config, params, x, mask=None, draws=None, /, *, causal=False):
    bare = dataclasses.replace(config, norm=False)
    names = bare.parameters()
    return right.encoder(bare, {n: p for n, p in params.items() if n in names}, x, mask, draws, causal=causal)


@wrong("transformer.encoder", "the mask in the first layer only")
def encoder_masked_once(config, params, x, mask=None, draws=None, /, *, causal=False):
    drop, mask = right.dropping(draws), right.for_heads("encoder", mask, x, None)
    for i, at in enumerate(right.layer_names(config)):
        x = right.encode_layer(config.layer, params, at, x, None if i else mask, causal, drop)
    return right.norm(config.layer, params, config.layer.names.final, x) if config.norm else x


@wrong("transformer.encoder_states", "the input left out, the last state twice")
def states_without_input(config, params, x, mask=None, /, *, causal=False):
    hidden, weights = right.encoder_states(config, params, x, mask, causal=causal)
    return EncoderStates(np.concatenate([hidden[1:], hidden[-1:]]), weights)


@wrong("transformer.encoder_states", "the last state before the last normalization")
def states_before_normalization(config, params, x, mask=None, /, *, causal=False):
    weights = right.encoder_states(config, params, x, mask, causal=causal).weights
    bare = dataclasses.replace(config, norm=False)
    names = bare.parameters()
    before = right.encoder_states(bare, {n: p for n, p in params.items() if n in names}, x, mask, causal=causal)
    return EncoderStates(before.hidden, weights)


@wrong("transformer.encoder_states", "the weights of what comes out of each layer, not of what goes in")
def states_weights_of_output(config, params, x, mask=None, /, *, causal=False):
    hidden, weights = right.encoder_states(config, params, x, mask, causal=causal)
    return EncoderStates(hidden, np.roll(weights, 1, 0) if len(weights) > 1 else weights.swapaxes(-1, -2))


@wrong("transformer.decoder_layer", "normalization on the other side of the sums")
def decoder_layer_flipped(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    return right.decoder_layer(_flipped(config), params, x, memory, mask, memory_mask, draws)


@wrong("transformer.decoder_layer", "it sees what is later")
def decoder_layer_open(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    drop, names = right.dropping(draws), config.names
    mask, memory_mask = (right.for_heads("decoder", m, x, o) for m, o in ((mask, None), (memory_mask, memory)))

    def own(x):
        return right.attention(config, params, "", names.attention, x, x, mask, False, drop)

    def cross(x):
        return right.attention(config, params, "", names.cross, x, memory, memory_mask, False, drop, "cross_")

    x = right.added(config, params, names.attention.norm, x, own)
    x = right.added(config, params, names.cross.norm, x, cross)
    return right.added(config, params, names.norm, x, lambda x: right.think(config, params, "", x, drop))


@wrong("transformer.decoder_layer", "the memory before its own past")
def decoder_layer_memory_first(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    drop, names = right.dropping(draws), config.names
    mask, memory_mask = (right.for_heads("decoder", m, x, o) for m, o in ((mask, None), (memory_mask, memory)))

    def own(x):
        return right.attention(config, params, "", names.attention, x, x, mask, True, drop)

    def cross(x):
        return right.attention(config, params, "", names.cross, x, memory, memory_mask, False, drop, "cross_")

    x = right.added(config, params, names.cross.norm, x, cross)
    x = right.added(config, params, names.attention.norm, x, own)
    return right.added(config, params, names.norm, x, lambda x: right.think(config, params, "", x, drop))


@wrong("transformer.decoder_layer", "the mask of the memory ignored")
def decoder_layer_memory_unmasked(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    return right.decoder_layer(config, params, x, memory, mask, None, draws)


@wrong("transformer.decoder", "every layer after the first looks at what the layers before made of the memory: nothing")
def decoder_memory_once(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    drop, mask = right.dropping(draws), right.for_heads("decoder", mask, x, None)
    memory_mask = right.for_heads("decoder", memory_mask, x, memory)
    for i, at in enumerate(right.layer_names(config)):
        seen = 0 * memory if i else memory
        x = right.decode_layer(config.layer, params, at, x, seen, mask, memory_mask, drop)
    return right.norm(config.layer, params, config.layer.names.final, x) if config.norm else x


@wrong("transformer.decoder", "normalization on the other side of the sums")
def decoder_flipped(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    return right.decoder(_flipped_stack(config), params, x, memory, mask, memory_mask, draws)


def _translated(config, params, arguments, *, source=None, target=None):
    """A transformer whose embeddings get other factors than the root of the width."""
    factors = {"source.weight": source, "target.weight": target}
    return right.transformer(
        config, {n: p if (f := factors.get(n)) is None else p * f for n, p in params.items()}, *arguments
    )


@wrong("transformer.transformer", "embeddings not multiplied by the root of the width")
def transformer_unscaled(config, params, *arguments):
    return _translated(config, params, arguments, source=1 / config.scale, target=1 / config.scale)


@wrong("transformer.transformer", "probabilities in place of logits")
def transformer_softmax(config, params, *arguments):
    z = right.transformer(config, params, *arguments)
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@wrong("transformer.transformer", "the target read backwards")
def transformer_backwards(config, params, source, target, *rest):
    return right.transformer(config, params, source, target[:, ::-1], *rest)


@wrong("transformer.transformer", "padding in the source not hidden from the decoder")
def transformer_source_padding(config, params, source, target, source_mask=None, target_mask=None, draws=None, /):
    return right.transformer(config, params, source, target, None, target_mask, draws)


@wrong("transformer.cls_token", "at the end")
def cls_at_the_end(x, cls, /):
    return np.concatenate([x, np.broadcast_to(cls, (*x.shape[:-2], 1, x.shape[-1]))], -2)


@wrong("transformer.cls_token", "in place of the first token, which is repeated at the end")
def cls_in_place(x, cls, /):
    first = np.broadcast_to(cls, (*x.shape[:-2], 1, x.shape[-1]))
    return np.concatenate([first, x[..., 1:, :], x[..., :1, :]], -2)


@wrong("transformer.cls_token", "added to the tokens, too")
def cls_added(x, cls, /):
    return right.cls_token(x + cls, cls)


# BERT


@wrong("transformer.bert_embedding", "positions left out")
def embedding_without_position(ids, segments, tokens, segment, position, /):
    return tokens[ids] + segment[segments]


@wrong("transformer.bert_embedding", "positions from the end of the table")
def embedding_last_positions(ids, segments, tokens, segment, position, /):
    return right.bert_embedding(ids, segments, tokens, segment, position[::-1])


@wrong("transformer.bert_embedding", "every sentence is the first one")
def embedding_one_segment(ids, segments, tokens, segment, position, /):
    return right.bert_embedding(ids, 0 * segments, tokens, segment, position)


@wrong("transformer.mask_tokens", "every chosen token masked")
def mask_all(ids, pick, way, other, allowed=None, /, *, mask_id, rate=0.15, masked=0.8, random=0.1):
    return right.mask_tokens(ids, pick, way, other, allowed, mask_id=mask_id, rate=rate, masked=1.0, random=0.0)


@wrong("transformer.mask_tokens", "only what has changed counts as chosen")
def mask_changed_only(ids, pick, way, other, allowed=None, /, **options):
    found = right.mask_tokens(ids, pick, way, other, allowed, **options)
    return MaskedTokens(found.ids, found.chosen & (found.ids != ids))


@wrong("transformer.mask_tokens", "the signs of the model masked as well")
def mask_anything(ids, pick, way, other, allowed=None, /, **options):
    return right.mask_tokens(ids, pick, way, other, **options)


@wrong("transformer.masked_language_model", "the mean over all places")
def mlm_over_all(logits, ids, chosen, /):
    return right.masked_language_model(logits, ids, chosen) * np.asarray(chosen.mean(), logits.dtype)


@wrong("transformer.masked_language_model", "every place costs something")
def mlm_everywhere(logits, ids, chosen, /):
    return right.masked_language_model(logits, ids, np.ones_like(chosen))


@wrong("transformer.masked_language_model", "no place: a mean over nothing, NaN")
def mlm_nan(logits, ids, chosen, /):
    loss = right.masked_language_model(logits, ids, chosen)
    return loss if chosen.any() else loss + np.nan


@wrong("transformer.next_sentence_pairs", "a random sentence may be the next one, and counts as another")
def pairs_with_next(uniform, other, /):
    found = right.next_sentence_pairs(uniform, other)
    return SentencePairs(np.where(found.label == 1, other, found.second), found.label)


@wrong("transformer.next_sentence_pairs", "1 for the sentence that follows")
def pairs_turned(uniform, other, /):
    found = right.next_sentence_pairs(uniform, other)
    return SentencePairs(found.second, 1 - found.label)


@wrong("transformer.next_sentence_prediction", "1 for the sentence that follows")
def next_turned(pooled, label, weight, bias, /):
    return right.next_sentence_prediction(pooled, 1 - label, weight, bias)


@wrong("transformer.next_sentence_prediction", "the sum over the pairs")
def next_summed(pooled, label, weight, bias, /):
    return right.next_sentence_prediction(pooled, label, weight, bias) * len(label)


@wrong("transformer.bert", "every sentence is the first one")
def bert_one_segment(config, params, ids, segments=None, mask=None, draws=None, /):
    return right.bert(config, params, ids, None, mask, draws)


@wrong("transformer.bert", "padding not hidden")
def bert_padding(config, params, ids, segments=None, mask=None, draws=None, /):
    return right.bert(config, params, ids, segments, None, draws)


@wrong("transformer.bert", "pooled from the mean of all tokens, not from the first")
def bert_mean(config, params, ids, segments=None, mask=None, draws=None, /):
    found = right.bert(config, params, ids, segments, mask, draws)
    weight, bias = params["pooler.dense.weight"], params["pooler.dense.bias"]
    return found._replace(pooled=np.tanh(found.hidden.mean(1) @ weight.T + bias))


@wrong("transformer.bert", "no normalization of the embeddings")
def bert_embeddings_as_they_are(config, params, ids, segments=None, mask=None, draws=None, /):
    right.bert(config, params, ids, segments, mask, draws)
    tables = [params[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type", "position")]
    x = right.bert_embedding(ids, np.zeros_like(ids) if segments is None else segments, *tables)
    drop = right.dropping(draws)
    x = drop("embeddings", x, config.dropout)
    hidden = right.encode(config.encoder, params, "encoder.", x, right.padding(mask), False, drop)
    pooled = np.tanh(hidden[:, 0] @ params["pooler.dense.weight"].T + params["pooler.dense.bias"])
    return BertOutput(hidden, pooled)


@wrong("transformer.bert_pretraining", "no activation in the head of the tokens")
def pretraining_linear_head(config, params, ids, segments=None, mask=None, draws=None, /):
    found = right.bert_pretraining(config, params, ids, segments, mask, draws)
    hidden, _ = right.read(config.bert, params, "bert.", ids, segments, mask, right.dropping(draws))
    layer, head = config.bert.encoder.layer, "cls.predictions."
    h = right.affine(layer, params, f"{head}transform.dense.", hidden)
    h = right.norm(layer, params, f"{head}transform.LayerNorm.", h)
    tokens = h @ params["bert.embeddings.word_embeddings.weight"].T + params[f"{head}bias"]
    return found._replace(tokens=tokens)


@wrong("transformer.bert_pretraining", "the bias of the tokens forgotten")
def pretraining_without_bias(config, params, ids, segments=None, mask=None, draws=None, /):
    found = right.bert_pretraining(config, params, ids, segments, mask, draws)
    return found._replace(tokens=found.tokens - params["cls.predictions.bias"])


@wrong("transformer.bert_pretraining", "1 for the sentence that follows")
def pretraining_turned(config, params, ids, segments=None, mask=None, draws=None, /):
    found = right.bert_pretraining(config, params, ids, segments, mask, draws)
    return found._replace(follows=found.follows[:, ::-1])


@wrong("transformer.bert_classifier", "on the last layer's first token, without the pooler")
def classifier_without_pooler(config, params, ids, segments=None, mask=None, draws=None, /):
    right.bert_classifier(config, params, ids, segments, mask, draws)
    hidden, _ = right.read(config.bert, params, "bert.", ids, segments, mask, right.dropping(draws))
    return hidden[:, 0] @ params["classifier.weight"].T + params["classifier.bias"]


@wrong("transformer.bert_classifier", "units dropped by the draws, but not scaled up")
def classifier_unscaled(config, params, ids, segments=None, mask=None, draws=None, /):
    z = right.bert_classifier(config, params, ids, segments, mask, draws)
    bias = params["classifier.bias"]
    return z if draws is None else (z - bias) * (1 - config.bert.dropout) + bias


# GPT, its cache, the next word, ViT


def _moved(config, params, ids, mask=None, draws=None, /, *, by):
    name = "transformer.wpe.weight"
    return right.gpt(config, {**params, name: np.roll(params[name], by, 0)}, ids, mask, draws)


@wrong("transformer.gpt", "looks ahead, as BERT does")
def gpt_both_ways(config, params, ids, mask=None, draws=None, /):
    right.gpt(config, params, ids, mask, draws)
    tokens, drop = params["transformer.wte.weight"], right.dropping(draws)
    x = drop("embeddings", tokens[ids] + params["transformer.wpe.weight"][: ids.shape[-1]], config.dropout)
    h = right.encode(config.encoder, params, "transformer.", x, right.padding(mask), False, drop)
    return h @ tokens.T


@wrong("transformer.gpt", "positions counted from 1")
def gpt_positions_from_one(config, params, ids, mask=None, draws=None, /):
    return _moved(config, params, ids, mask, draws, by=-1)


@wrong("transformer.gpt", "no normalization after the last layer")
def gpt_without_last_normalization(config, params, ids, mask=None, draws=None, /):
    tokens, drop = params["transformer.wte.weight"], right.dropping(draws)
    x = drop("embeddings", tokens[ids] + params["transformer.wpe.weight"][: ids.shape[-1]], config.dropout)
    stack = dataclasses.replace(config.encoder, norm=False)
    return right.encode(stack, params, "transformer.", x, right.padding(mask), True, drop) @ tokens.T


@wrong("transformer.gpt", "normalization after each sum, as in the first GPT")
def gpt_post_norm(config, params, ids, mask=None, draws=None, /):
    tokens, drop = params["transformer.wte.weight"], right.dropping(draws)
    x = drop("embeddings", tokens[ids] + params["transformer.wpe.weight"][: ids.shape[-1]], config.dropout)
    stack = dataclasses.replace(config.encoder, layer=dataclasses.replace(config.encoder.layer, norm_first=False))
    return right.encode(stack, params, "transformer.", x, right.padding(mask), True, drop) @ tokens.T


def _forget(cache):
    return [None if part is None else 0 * part for part in cache]


@wrong("transformer.gpt_step", "positions counted from 0 in every step")
def step_positions_from_zero(config, params, ids, *cache, capacity=None, overwrite=False):
    name = "transformer.wpe.weight"
    keys, values, length = (*cache, *[None] * (3 - len(cache)))
    if length is None:
        return right.gpt_step(config, params, ids, capacity=capacity)
    table = [np.roll(params[name], n, 0) for n in length]
    parts = [
        right.gpt_step(
            config,
            {**params, name: rolled},
            ids[i : i + 1],
            keys[:, i : i + 1],
            values[:, i : i + 1],
            length[i : i + 1],
        )
        for i, rolled in enumerate(table)
    ]
    joined = [np.concatenate(part, 0 if j in (0, 3) else 1) for j, part in enumerate(zip(*parts, strict=True))]
    return Step(*joined)


@wrong("transformer.gpt_step", "the cache is written and not read")
def step_forgetful(config, params, ids, *cache, capacity=None, overwrite=False):
    said = right.gpt_step(config, params, ids, *cache, capacity=capacity)
    alone = right.gpt_step(config, params, ids, *_forget(cache[:2]), *cache[2:], capacity=capacity)
    return said._replace(logits=alone.logits)


@wrong("transformer.gpt_step", "the length does not go on")
def step_same_length(config, params, ids, *cache, capacity=None, overwrite=False):
    said = right.gpt_step(config, params, ids, *cache, capacity=capacity)
    return said._replace(length=said.length - ids.shape[1])


@wrong("transformer.gpt_step", "keys and values exchanged in what is kept")
def step_exchanged(config, params, ids, *cache, capacity=None, overwrite=False):
    said = right.gpt_step(config, params, ids, *cache, capacity=capacity)
    return said._replace(keys=said.values, values=said.keys)


def _word(share, uniform):
    return np.minimum((share <= uniform[..., None]).sum(-1), share.shape[-1] - 1)


def _shares(logits, temperature=1.0):
    z = (logits - logits.max(-1, keepdims=True)) / np.asarray(temperature, logits.dtype)
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


@wrong("transformer.output_sampling", "multiplied by the temperature")
def sampling_multiplied(logits, uniform, /, *, temperature=1.0, top_k=None):
    return right.output_sampling(logits, uniform, temperature=1 / temperature if temperature else 0.0, top_k=top_k)


@wrong("transformer.output_sampling", "the probabilities divided by the temperature, not the logits")
def sampling_late_temperature(logits, uniform, /, *, temperature=1.0, top_k=None):
    if temperature == 0 or top_k is not None:
        return right.output_sampling(logits, uniform, temperature=temperature, top_k=top_k)
    return _word(np.cumsum(_shares(logits) / np.asarray(temperature, logits.dtype), -1), uniform)


@wrong("transformer.output_sampling", "always the likeliest word")
def sampling_greedy(logits, uniform, /, *, temperature=1.0, top_k=None):
    return logits.argmax(-1)


@wrong("transformer.output_sampling", "what is not among the k largest left out without sharing its part out")
def sampling_cut_off(logits, uniform, /, *, temperature=1.0, top_k=None):
    if temperature == 0 or top_k is None:
        return right.output_sampling(logits, uniform, temperature=temperature, top_k=top_k)
    smallest = np.sort(logits, -1)[..., -min(top_k, logits.shape[-1]), None]
    return _word(np.cumsum(np.where(logits < smallest, 0, _shares(logits, temperature)), -1), uniform)


@wrong("transformer.output_sampling", "a word by its probability alone: the last piece that begins before u")
def sampling_off_by_one(logits, uniform, /, *, temperature=1.0, top_k=None):
    word = right.output_sampling(logits, uniform, temperature=temperature, top_k=top_k)
    return np.maximum(word - 1, 0)


@wrong("transformer.patch_embedding", "patches cut by a reshape alone: rows of the image in place of patches")
def patches_by_reshape(x, weight, bias=None, /):
    n, c, h, w = x.shape
    d, _, p, q = weight.shape
    rows = x.reshape(n, h * w // (p * q), c * p * q) @ weight.reshape(d, -1).T
    return rows if bias is None else rows + bias


@wrong("transformer.patch_embedding", "patches column after column")
def patches_by_columns(x, weight, bias=None, /):
    return right.patch_embedding(x.swapaxes(2, 3), weight.swapaxes(2, 3), bias)


@wrong("transformer.patch_embedding", "channels last inside a patch")
def patches_channels_last(x, weight, bias=None, /):
    d, c, p, q = weight.shape
    return right.patch_embedding(x, weight.transpose(0, 2, 3, 1).reshape(d, c, p, q), bias)


@wrong("transformer.vit", "the mean over all tokens in place of the first one")
def vit_mean(config, params, x, draws=None, /):
    z = _vit_tokens(config, params, x, draws)
    return z.mean(1) @ params["classifier.weight"].T + params["classifier.bias"]


@wrong("transformer.vit", "the last token in place of the first one")
def vit_last(config, params, x, draws=None, /):
    z = _vit_tokens(config, params, x, draws)
    return z[:, -1] @ params["classifier.weight"].T + params["classifier.bias"]


@wrong("transformer.vit", "no positions")
def vit_nowhere(config, params, x, draws=None, /):
    name = "vit.embeddings.position_embeddings"
    return right.vit(config, {**params, name: 0 * params[name]}, x, draws)


def _vit_tokens(config, params, x, draws):
    at, drop = "vit.embeddings.", right.dropping(draws)
    patches = right.patch_embedding(x, *(params[f"{at}patch_embeddings.projection.{n}"] for n in ("weight", "bias")))
    tokens = right.cls_token(patches, params[f"{at}cls_token"][0, 0]) + params[f"{at}position_embeddings"]
    return right.encode(config.encoder, params, "vit.", drop("embeddings", tokens, config.dropout), None, False, drop)
