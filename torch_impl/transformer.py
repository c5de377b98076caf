"""Transformers in PyTorch: one product for queries, keys and values where they are one matrix, and the fused kernel."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.spec import transformer as spec
from gongsik.spec.architectures import transformer as architecture
from gongsik.spec.architectures.transformer import SequenceModel, layer_names
from gongsik.torch_impl.arrays import implements, may_need_gradient
from gongsik.torch_impl.attention import (
    attend,
    attention_weights,
    earlier_than,
    for_heads,
    sinusoidal_positional_encoding,
)
from gongsik.torch_impl.regularization import inverted_dropout

__all__ = [
    "TransformerModule",
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

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh")}


@implements(spec.feed_forward)
def feed_forward(x, w1, b1, w2, b2, /, *, activation="relu"):
    return F.linear(ACTIVATIONS[activation](F.linear(x, w1, b1)), w2, b2)


# What all layers are made of. Parameters are read by name: `at` is what the names of this layer begin with. `draws` are
# None where nothing is dropped, uniform numbers by name, or GENERATOR.

GENERATOR = object()
"""In place of draws: torch draws itself, inside its kernels."""


def check_model(formula, config, params, draws, *shapes):
    if not torch.compiler.is_compiling():
        architecture.check_model(formula, config, params, None if draws is GENERATOR else draws, shapes)


def drop(draws, name, x, p):
    if draws is None:
        return x
    return F.dropout(x, p) if draws is GENERATOR else inverted_dropout(x, draws[name], p=p)


def affine(config, params, name, x):
    """The linear map whose weight and bias have this name."""
    weight = params[name + "weight"]
    return F.linear(x, weight.mT if config.names.transposed else weight, params[name + "bias"])


def norm(config, params, name, x):
    return F.layer_norm(x, (config.d_model,), params[name + "weight"], params[name + "bias"], config.eps)


def _split(z, parts, n_heads):
    """So many tensors of heads that lie side by side, as views: [*batch, h, t, d/h]."""
    return [part.transpose(-2, -3) for part in z.unflatten(-1, (parts, n_heads, -1)).unbind(-3)]


def project(config, params, at, names, x, memory):
    """Queries of x, keys and values of the memory, by as few products as their names allow."""
    h = config.n_heads
    if len(names.projections) == 3:
        sources = zip(names.projections, (x, memory, memory), strict=True)
        return [affine(config, params, at + name, source).unflatten(-1, (h, -1)).transpose(-2, -3)
                for name, source in sources]  # fmt: skip
    if memory is x:
        return _split(affine(config, params, at + names.projections[0], x), 3, h)
    d, weight = config.d_model, params[at + names.projections[0] + "weight"]
    weight, bias = weight.mT if config.names.transposed else weight, params[at + names.projections[0] + "bias"]
    queries = F.linear(x, weight[:d], bias[:d])
    return _split(queries, 1, h) + _split(F.linear(memory, weight[d:], bias[d:]), 2, h)


def weigh(config, query, key, mask, causal):
    """The map of every head, written down: [*batch, h, t, s]."""
    if causal:
        earlier = earlier_than(query.shape[-2], key.shape[-2], query.device)
        mask = earlier if mask is None else earlier & mask
    return attention_weights(query @ key.mT, mask, scale=1 / math.sqrt(config.d_head))


def attention(config, params, at, names, x, memory, mask, causal, draws, cross=""):
    query, key, value = project(config, params, at, names, x, memory)
    if isinstance(draws, dict):
        weights = weigh(config, query, key, mask, causal)
        z = drop(draws, f"{at}{cross}attention", weights, config.p_attention) @ value
    else:
        z = attend(query, key, value, mask, None, causal, 0.0 if draws is None else config.p_attention)
    z = affine(config, params, at + names.output, z.transpose(-2, -3).flatten(-2))
    return drop(draws, f"{at}{cross}attended", z, config.dropout)


def think(config, params, at, x, draws):
    """The feed-forward layer, by the names of a configuration."""
    z = ACTIVATIONS[config.activation](affine(config, params, at + config.names.inner, x))
    if config.inner_dropout:
        z = drop(draws, f"{at}inner", z, config.dropout)
    return drop(draws, f"{at}output", affine(config, params, at + config.names.outer, z), config.dropout)


def added(config, params, name, x, body):
    """X and what the body makes of it, normalized after the sum, or before the body if the norm is to be first."""
    if config.norm_first:
        return x + body(norm(config, params, name, x))
    return norm(config, params, name, x + body(x))


def encode_layer(config, params, at, x, mask, causal, draws):
    names = config.names
    x = added(
        config, params, at + names.attention.norm, x,
        lambda x: attention(config, params, at, names.attention, x, x, mask, causal, draws),
    )  # fmt: skip
    return added(config, params, at + names.norm, x, lambda x: think(config, params, at, x, draws))


def encode(config, params, at, x, mask, causal, draws):
    """A whole stack of layers, and the normalization after it if there is one."""
    for name in layer_names(config):
        x = encode_layer(config.layer, params, at + name, x, mask, causal, draws)
    return norm(config.layer, params, at + config.layer.names.final, x) if config.norm else x


def decode_layer(config, params, at, x, memory, mask, memory_mask, draws):
    names = config.names
    x = added(
        config, params, at + names.attention.norm, x,
        lambda x: attention(config, params, at, names.attention, x, x, mask, True, draws),
    )  # fmt: skip
    x = added(
        config, params, at + names.cross.norm, x,
        lambda x: attention(config, params, at, names.cross, x, memory, memory_mask, False, draws, "cross_"),
    )  # fmt: skip
    return added(config, params, at + names.norm, x, lambda x: think(config, params, at, x, draws))


def decode(config, params, at, x, memory, mask, memory_mask, draws):
    for name in layer_names(config):
        x = decode_layer(config.layer, params, at + name, x, memory, mask, memory_mask, draws)
    return norm(config.layer, params, at + config.layer.names.final, x) if config.norm else x


@implements(spec.encoder_layer)
def encoder_layer(config, params, x, mask=None, draws=None, /, *, causal=False):
    check_model("encoder_layer", config, params, draws, x.shape)
    return encode_layer(config, params, "", x, for_heads("encoder_layer", mask, x, None), causal, draws)


@implements(spec.encoder)
def encoder(config, params, x, mask=None, draws=None, /, *, causal=False):
    check_model("encoder", config, params, draws, x.shape)
    return encode(config, params, "", x, for_heads("encoder", mask, x, None), causal, draws)


def states(config, params, at, x, mask, causal):
    """What every layer of a stack makes of x, and what each of its heads looks at."""
    layer, hidden, weights = config.layer, [x], []
    for name in layer_names(config):
        seen = norm(layer, params, at + name + layer.names.attention.norm, x) if layer.norm_first else x
        query, key, _ = project(layer, params, at + name, layer.names.attention, seen, seen)
        weights.append(weigh(layer, query, key, mask, causal))
        x = encode_layer(layer, params, at + name, x, mask, causal, None)
        hidden.append(x)
    if config.norm:
        hidden[-1] = norm(layer, params, at + layer.names.final, x)
    return spec.EncoderStates(torch.stack(hidden), torch.stack(weights))


@implements(spec.encoder_states)
def encoder_states(config, params, x, mask=None, /, *, causal=False):
    check_model("encoder_states", config, params, None)
    return states(config, params, "", x, for_heads("encoder_states", mask, x, None), causal)


@implements(spec.decoder_layer)
def decoder_layer(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    check_model("decoder_layer", config, params, draws, x.shape, memory.shape[-2])
    masks = for_heads("decoder_layer", mask, x, None), for_heads("decoder_layer", memory_mask, x, memory)
    return decode_layer(config, params, "", x, memory, *masks, draws)


@implements(spec.decoder)
def decoder(config, params, x, memory, mask=None, memory_mask=None, draws=None, /):
    check_model("decoder", config, params, draws, x.shape, memory.shape[-2])
    masks = for_heads("decoder", mask, x, None), for_heads("decoder", memory_mask, x, memory)
    return decode(config, params, "", x, memory, *masks, draws)


def padding(mask):
    """A mask of real tokens as one for heads: every query may look at those keys."""
    return None if mask is None else mask[..., None, None, :]  # [n, 1, 1, s]


@implements(spec.transformer)
def transformer(config, params, source, target, source_mask=None, target_mask=None, draws=None, /):
    check_model("transformer", config, params, draws, source.shape, target.shape)

    def embed(name, ids):
        vectors = F.embedding(ids, params[f"{name}.weight"])
        position = torch.arange(ids.shape[-1], dtype=vectors.dtype, device=ids.device)
        encoding = sinusoidal_positional_encoding(position, d=config.d_model)
        return drop(draws, name, torch.add(encoding, vectors, alpha=config.scale), config.dropout)

    memory_mask = padding(source_mask)
    memory = encode(config.encoder, params, "encoder.", embed("source", source), memory_mask, False, draws)
    h = decode(
        config.decoder, params, "decoder.", embed("target", target), memory, padding(target_mask), memory_mask, draws
    )
    return F.linear(h, params["output.weight"], params["output.bias"])


@implements(spec.cls_token)
def cls_token(x, cls, /):
    return torch.cat([cls.expand(*x.shape[:-2], 1, -1), x], -2)


# BERT


@implements(spec.bert_embedding)
def bert_embedding(ids, segments, tokens, segment, position, /):
    return F.embedding(ids, tokens) + F.embedding(segments, segment) + position[: ids.shape[-1]]


@implements(spec.mask_tokens)
def mask_tokens(ids, pick, way, other, allowed=None, /, *, mask_id, rate=0.15, masked=0.8, random=0.1):
    chosen = pick < rate
    chosen = chosen if allowed is None else chosen & allowed
    changed = torch.where(way < masked, mask_id, torch.where(way < masked + random, other, ids))
    return spec.MaskedTokens(torch.where(chosen, changed, ids), chosen)


IGNORED = -100
"""A target that costs nothing."""


@implements(spec.masked_language_model)
def masked_language_model(logits, ids, chosen, /):
    # The places stay where they are: to pick them out would wait for the device to say how many there are.
    target = torch.where(chosen, ids, IGNORED)
    total = F.cross_entropy(logits.flatten(0, -2), target.flatten(), ignore_index=IGNORED, reduction="sum")
    return total / chosen.sum().clamp(min=1)


@implements(spec.next_sentence_pairs)
def next_sentence_pairs(uniform, other, /):
    following = torch.arange(1, len(other) + 1, device=other.device)
    random = uniform >= 0.5
    return spec.SentencePairs(torch.where(random, other + (other >= following), following), random.long())


@implements(spec.next_sentence_prediction)
def next_sentence_prediction(pooled, label, weight, bias, /):
    return F.cross_entropy(F.linear(pooled, weight, bias), label)


def read(config, params, at, ids, segments, mask, draws):
    """BERT, of whose parameters the names begin with `at`."""
    layer, name = config.encoder.layer, f"{at}embeddings."
    tokens, segment, position = (
        params[f"{name}{table}_embeddings.weight"] for table in ("word", "token_type", "position")
    )
    which = segment[0] if segments is None else F.embedding(segments, segment)
    x = F.embedding(ids, tokens) + which + position[: ids.shape[-1]]
    x = drop(draws, f"{at}embeddings", norm(layer, params, f"{name}LayerNorm.", x), config.dropout)
    hidden = encode(config.encoder, params, f"{at}encoder.", x, padding(mask), False, draws)
    pooled = torch.tanh(affine(layer, params, f"{at}pooler.dense.", hidden[:, 0]))
    return spec.BertOutput(hidden, pooled)


@implements(spec.bert)
def bert(config, params, ids, segments=None, mask=None, draws=None, /):
    check_model("bert", config, params, draws, ids.shape)
    return read(config, params, "", ids, segments, mask, draws)


@implements(spec.bert_pretraining)
def bert_pretraining(config, params, ids, segments=None, mask=None, draws=None, /):
    check_model("bert_pretraining", config, params, draws, ids.shape)
    hidden, pooled = read(config.bert, params, "bert.", ids, segments, mask, draws)
    layer, head = config.bert.encoder.layer, "cls.predictions."
    h = ACTIVATIONS[layer.activation](affine(layer, params, f"{head}transform.dense.", hidden))
    h = norm(layer, params, f"{head}transform.LayerNorm.", h)
    tokens = F.linear(h, params["bert.embeddings.word_embeddings.weight"], params[f"{head}bias"])
    return spec.BertHeads(tokens, affine(layer, params, "cls.seq_relationship.", pooled))


@implements(spec.bert_classifier)
def bert_classifier(config, params, ids, segments=None, mask=None, draws=None, /):
    check_model("bert_classifier", config, params, draws, ids.shape)
    _, pooled = read(config.bert, params, "bert.", ids, segments, mask, draws)
    pooled = drop(draws, "classifier", pooled, config.bert.dropout)
    return affine(config.bert.encoder.layer, params, "classifier.", pooled)


# GPT: only back


@implements(spec.gpt)
def gpt(config, params, ids, mask=None, draws=None, /):
    check_model("gpt", config, params, draws, ids.shape)
    tokens = params["transformer.wte.weight"]
    x = F.embedding(ids, tokens) + params["transformer.wpe.weight"][: ids.shape[-1]]
    x = drop(draws, "embeddings", x, config.dropout)
    return F.linear(encode(config.encoder, params, "transformer.", x, padding(mask), True, draws), tokens)


@implements(spec.gpt_step)
def gpt_step(config, params, ids, keys=None, values=None, length=None, /, *, capacity=None, overwrite=False):
    check_model("gpt_step", config, params, None)
    layer, tokens, (n, t) = config.encoder.layer, params["transformer.wte.weight"], ids.shape
    if keys is None or values is None or length is None:
        keys, values = tokens.new_zeros(2, *spec.cache_shape(config, n, capacity)).unbind()
        length, overwrite = ids.new_zeros(n, dtype=torch.int64), not may_need_gradient(tokens)
    position = length[:, None] + torch.arange(t, device=ids.device)  # [n, t]
    seen = (torch.arange(keys.shape[-2], device=ids.device) <= position[..., None])[:, None]  # [n, 1, t, s]
    place = position[:, None, :, None].expand(n, config.n_heads, t, config.d_head)
    write = Tensor.scatter_ if overwrite else Tensor.scatter
    x = F.embedding(ids, tokens) + F.embedding(position, params["transformer.wpe.weight"])
    all_keys, all_values = [], []
    for i, name in enumerate(layer_names(config.encoder)):
        at, names = f"transformer.{name}", layer.names.attention
        normal = norm(layer, params, at + names.norm, x)
        query, key, value = project(layer, params, at, names, normal, normal)
        all_keys.append(write(keys[i], 2, place, key))
        all_values.append(write(values[i], 2, place, value))
        z = attend(query, all_keys[-1], all_values[-1], seen, None, False)  # over the whole cache: nothing grows
        x = x + affine(layer, params, at + names.output, z.transpose(-2, -3).flatten(-2))
        x = added(layer, params, at + layer.names.norm, x, lambda x, at=at: think(layer, params, at, x, None))
    if not overwrite:
        keys, values = torch.stack(all_keys), torch.stack(all_values)
    logits = F.linear(norm(layer, params, f"transformer.{layer.names.final}", x), tokens)
    return spec.Step(logits, keys, values, length + t)


@implements(spec.output_sampling)
def output_sampling(logits, uniform, /, *, temperature=1.0, top_k=None):
    if temperature == 0:
        return logits.argmax(-1)
    if top_k is not None and top_k < logits.shape[-1]:
        smallest = logits.topk(top_k, sorted=False).values.amin(-1, keepdim=True)
        logits = torch.where(logits < smallest, -math.inf, logits)
    share = torch.softmax((logits - logits.amax(-1, keepdim=True)) / temperature, -1).cumsum(-1)
    total = share[..., -1:]
    return ((share <= uniform[..., None] * total) & (share < total)).sum(-1)


# Images as sentences


@implements(spec.patch_embedding)
def patch_embedding(x, weight, bias=None, /):
    n, c, h, w = x.shape
    p, q = weight.shape[-2:]
    # One copy of the pixels and one matrix product, whose result lies as the next layer reads it.
    patches = x.reshape(n, c, h // p, p, w // q, q).permute(0, 2, 4, 1, 3, 5)  # [n, h/p, w/q, c, p, q]
    return F.linear(patches.flatten(3).flatten(1, 2), weight.flatten(1), bias)


@implements(spec.vit)
def vit(config, params, x, draws=None, /):
    check_model("vit", config, params, draws, x.shape)
    at = "vit.embeddings."
    patches = patch_embedding(x, *(params[f"{at}patch_embeddings.projection.{name}"] for name in ("weight", "bias")))
    tokens = cls_token(patches, params[f"{at}cls_token"][0, 0]) + params[f"{at}position_embeddings"]
    tokens = drop(draws, "embeddings", tokens, config.dropout)
    z = encode(config.encoder, params, "vit.", tokens, None, False, draws)
    return F.linear(z[:, 0], params["classifier.weight"], params["classifier.bias"])


FORWARD: dict[type[SequenceModel], Any] = {
    spec.EncoderLayer: encoder_layer,
    spec.Encoder: encoder,
    spec.DecoderLayer: decoder_layer,
    spec.Decoder: decoder,
    spec.Transformer: transformer,
    spec.Bert: bert,
    spec.BertPretraining: bert_pretraining,
    spec.BertClassifier: bert_classifier,
    spec.GPT: gpt,
    spec.ViT: vit,
}
"""The model of each kind of configuration."""


class TransformerModule(nn.Module):
    """A model as a module, whose state dict has the names of the model that the configuration is named after.

    In training mode it drops units and attention weights by draws of torch's generator. Matrices start as those of
    torch.nn.Transformer or, in BERT, GPT and ViT, as theirs; normalizations with 1 and 0, other biases with 0.

    Parameters
    ----------
    config : SequenceModel
        The configuration.

    Examples
    --------
    >>> from gongsik.spec.transformer import Encoder, EncoderLayer
    >>> module = TransformerModule(Encoder(EncoderLayer(6, 2, 8), 1))
    >>> list(module.state_dict())[:2]
    ['layers.0.self_attn.in_proj_weight', 'layers.0.self_attn.in_proj_bias']
    """

    def __init__(self, config: SequenceModel, /) -> None:
        super().__init__()
        self.config = config
        owners = {
            name: self._register(name, _start(config, name, shape)) for name, shape in config.parameters().items()
        }
        self._owners = [(name, owner, name.rpartition(".")[2]) for name, owner in owners.items()]
        for name, first in config.tied().items():
            self._register(name, self.get_parameter(first))

    def _register(self, name: str, parameter: nn.Parameter) -> nn.Module:
        """Make a parameter part of the module that its path says; the modules on the way are made."""
        *path, last = name.split(".")
        owner: nn.Module = self
        for part in path:
            if not hasattr(owner, part):
                owner.add_module(part, nn.Module())
            owner = owner.get_submodule(part)
        owner.register_parameter(last, parameter)
        return owner

    def forward(self, *arguments: Any, **options: Any) -> Any:
        params = {name: getattr(owner, last) for name, owner, last in self._owners}
        function = FORWARD[type(self.config)]
        if not self.training:
            return function(self.config, params, *arguments, **options)
        n_arrays = len(function.formula.positional) - 3  # besides configuration, parameters and draws
        arrays = [*arguments, *[None] * (n_arrays - len(arguments))]
        return function(self.config, params, *arrays, GENERATOR, **options)

    def extra_repr(self) -> str:
        return str(self.config)


def _start(config: SequenceModel, name: str, shape: tuple[int, ...]) -> nn.Parameter:
    """A parameter as it is before training."""
    if len(shape) == 1:
        return nn.Parameter(torch.ones(shape) if name.endswith("weight") else torch.zeros(shape))
    start = torch.empty(shape)
    if isinstance(config, spec.Bert | spec.BertPretraining | spec.BertClassifier | spec.GPT | spec.ViT):
        return nn.Parameter(nn.init.trunc_normal_(start, std=0.02))
    if name in ("source.weight", "target.weight"):  # multiplied by the root of the width before they are used
        return nn.Parameter(nn.init.normal_(start, std=shape[-1] ** -0.5))
    return nn.Parameter(nn.init.xavier_uniform_(start))
