"""Classic mistakes in transformers."""

import dataclasses
from importlib import import_module

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.spec.transformer import Step

right = import_module("gongsik.reference.transformer")  # the chapter: the package has a function of this name

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
