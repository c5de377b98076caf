"""What a user would call instead of transformers: the modules of the library of that name, and of torch."""

import warnings
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks import torchvision_models  # noqa: F401 (first: transformers looks for torchvision)
from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.architectures.transformer import SequenceModel
from gongsik.spec.transformer import (
    GPT,
    Bert,
    BertClassifier,
    BertPretraining,
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderLayer,
    Transformer,
    ViT,
)
from gongsik.torch_impl.attention import sinusoidal_positional_encoding
from gongsik.torch_impl.transformer import TransformerModule
from gongsik.torch_impl.transformer import gpt_step as our_step


def _peer(kind: str, device: str, **options: Any) -> Any:
    """A model of transformers, as it starts; by its fused attention."""
    import transformers

    config = getattr(
        transformers, f"{kind.partition('For')[0].removesuffix('LMHeadModel').removesuffix('Model')}Config"
    )(**options)
    return getattr(transformers, kind)(config).to(device).eval()


RENAMED = {
    "vit.layers.": "vit.encoder.layer.", ".q_proj.": ".attention.query.", ".k_proj.": ".attention.key.",
    ".v_proj.": ".attention.value.", ".o_proj.": ".output.dense.", "mlp.fc1.": "intermediate.dense.",
    "mlp.fc2.": "output.dense.",
}  # fmt: skip
"""What parts of ViT are called in a module of transformers, and in its checkpoints."""


def _params(config: SequenceModel, module: Any) -> dict[str, Tensor]:
    """The parameters of such a model by the names of its checkpoints."""
    state = {}
    for name, tensor in module.state_dict().items():
        for theirs, saved in RENAMED.items():
            name = name.replace(theirs, saved)
        state[name] = tensor
    return config.from_state(state)


def _ours(config: SequenceModel, params: dict[str, Tensor], device: str) -> TransformerModule:
    module = TransformerModule(config).to(device).eval()
    module.load_state_dict(params, strict=False)  # an array with two names is there once
    return module


# Layers, stacks, BERT


def feed_forward(data: Data) -> Contest:
    n, d = data.of((8, 16), (1024, 256), (4096, 768))
    weights = data.normal(4 * d, d) / d**0.5, data.normal(4 * d), data.normal(d, 4 * d) / d**0.5, data.normal(d)

    def by_hand(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
        return F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)

    return Contest((data.normal(n, d), *weights), {"F.linear, F.relu, F.linear": by_hand}, operations=16 * n * d * d)


def _torch_sizes(data: Data) -> tuple[int, int, int, int, int]:
    """Sequences, tokens, width, heads, layers."""
    return data.of((2, 8, 16, 2, 2), (4, 128, 256, 4, 3), (8, 256, 512, 8, 6))


def _layer(kind: Any, data: Data) -> tuple[Any, dict[str, Any]]:
    """A configuration, and the options of torch's layer: pre-norm, for which torch has no kernel of its own."""
    _, _, d, heads, _ = _torch_sizes(data)
    options = {"d_model": d, "nhead": heads, "dim_feedforward": 4 * d, "batch_first": True, "norm_first": True}
    return kind(d, heads, 4 * d, norm_first=True), options


def _of_torch(module: Any, config: SequenceModel, *arrays: Tensor) -> Contest:
    """A module of torch.nn beside the model with its parameters."""
    module, name = module.to(arrays[0].device).eval(), f"nn.{type(module).__name__}"
    params = config.from_state({key: x.detach() for key, x in module.state_dict().items()})
    causal = torch.nn.Transformer.generate_square_subsequent_mask(arrays[0].shape[1], device=arrays[0].device)
    options = {"tgt_mask": causal, "tgt_is_causal": True} if len(arrays) == 2 else {}

    def peer(config: Any, params: Any, *arrays: Tensor) -> Tensor:
        with torch.no_grad():
            return module(*arrays, **options)

    return Contest((config, params, *arrays), {name: peer})


def _tokens(data: Data, number: int) -> list[Tensor]:
    n, t, d, _, _ = _torch_sizes(data)
    return [data.normal(n, t, d), data.normal(n, t, d).flip(0)][:number]


def encoder_layer(data: Data) -> Contest:
    config, options = _layer(EncoderLayer, data)
    return _of_torch(nn.TransformerEncoderLayer(**options), config, *_tokens(data, 1))


def encoder(data: Data) -> Contest:
    layer, options = _layer(EncoderLayer, data)
    depth = _torch_sizes(data)[-1]
    module = nn.TransformerEncoder(nn.TransformerEncoderLayer(**options), depth, enable_nested_tensor=False)
    return _of_torch(module, Encoder(layer, depth), *_tokens(data, 1))


def encoder_states(data: Data) -> Contest:
    layer, options = _layer(EncoderLayer, data)
    (x,), depth = _tokens(data, 1), _torch_sizes(data)[-1]
    module = nn.TransformerEncoder(nn.TransformerEncoderLayer(**options), depth, enable_nested_tensor=False).eval()
    module = module.to(x.device)
    config = Encoder(layer, depth)

    def peer(config: Encoder, params: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden, maps = [x], []
        with torch.no_grad():
            for each in module.layers:
                seen = each.norm1(x)  # pyright: ignore[reportCallIssue]
                maps.append(each.self_attn(seen, seen, seen, average_attn_weights=False)[1])  # pyright: ignore[reportCallIssue]
                x = each(x)
                hidden.append(x)
            return torch.stack(hidden), torch.stack(maps)

    params = config.from_state({name: p.detach() for name, p in module.state_dict().items()})
    return Contest((config, params, x), {"nn.TransformerEncoderLayer and its self_attn": peer})


def decoder_layer(data: Data) -> Contest:
    config, options = _layer(DecoderLayer, data)
    return _of_torch(nn.TransformerDecoderLayer(**options), config, *_tokens(data, 2))


def decoder(data: Data) -> Contest:
    layer, options = _layer(DecoderLayer, data)
    depth = _torch_sizes(data)[-1]
    module = nn.TransformerDecoder(nn.TransformerDecoderLayer(**options), depth)
    return _of_torch(module, Decoder(layer, depth), *_tokens(data, 2))


def transformer(data: Data) -> Contest:
    n, t, d, heads, depth = _torch_sizes(data)
    config = Transformer(100, 100, d, heads, 4 * d, depth, depth, norm_first=True)
    ours = TransformerModule(config).to(data.device).eval()
    params = {name: p.detach() for name, p in ours.named_parameters()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that pre-norm has no kernel of its own
        module = nn.Transformer(d, heads, depth, depth, 4 * d, batch_first=True, norm_first=True)
    module = module.to(data.device).eval()
    module.load_state_dict({name: params[name] for name in module.state_dict()})
    causal = nn.Transformer.generate_square_subsequent_mask(t, device=torch.device(data.device))
    places = sinusoidal_positional_encoding(torch.arange(t, dtype=torch.float32, device=data.device), d=d)

    def peer(config: Transformer, params: Any, source: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            x, y = (
                F.embedding(ids, params[f"{name}.weight"]) * config.scale + places
                for name, ids in (("source", source), ("target", target))
            )
            h = module(x, y, tgt_mask=causal, tgt_is_causal=True)
            return F.linear(h, params["output.weight"], params["output.bias"])

    ids = data.integers(100, n, t)
    return Contest((config, params, ids, ids.flip(1)), {"embeddings, nn.Transformer, F.linear": peer})


def cls_token(data: Data) -> Contest:
    n, t, d, _, _ = _torch_sizes(data)

    def by_hand(x: Tensor, cls: Tensor) -> Tensor:
        return torch.cat([cls.expand(len(x), 1, -1), x], 1)

    return Contest((data.normal(n, t, d), data.normal(d)), {"torch.cat([cls.expand(...), x], 1)": by_hand})


def bert_embedding(data: Data) -> Contest:
    n, t, v, d = data.of((2, 8, 100, 16), (8, 128, 30522, 256), (32, 256, 30522, 768))

    def by_hand(ids: Tensor, segments: Tensor, tokens: Tensor, segment: Tensor, position: Tensor) -> Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        return F.embedding(ids, tokens) + F.embedding(segments, segment) + F.embedding(places, position)

    tables = data.normal(v, d), data.normal(2, d), data.normal(512, d)
    return Contest((data.integers(v, n, t), data.integers(2, n, t), *tables), {"three of F.embedding": by_hand})


def mask_tokens(data: Data) -> Contest:
    shape = data.of((2, 16), (64, 512), (512, 512))
    pick, way = data.uniform(*shape), data.uniform(*shape).flip(0)

    def by_hand(ids: Tensor, pick: Tensor, way: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        chosen, found = pick < 0.15, ids.clone()
        found[chosen & (way < 0.8)] = 30000
        random = chosen & (way >= 0.8) & (way < 0.9)
        found[random] = other[random]
        return found, chosen

    ids = data.integers(30000, *shape)
    return Contest((ids, pick, way, ids.flip(1)), {"found[mask] = ..., as transformers": by_hand}, {"mask_id": 30000})


def masked_language_model(data: Data) -> Contest:
    n, v = data.of((16, 100), (512, 5000), (2048, 30522))

    def by_hand(logits: Tensor, ids: Tensor, chosen: Tensor) -> Tensor:
        return F.cross_entropy(logits, ids.masked_fill(~chosen, -100))

    chosen = data.uniform(n) < 0.15
    chosen[0] = True
    return Contest((data.normal(n, v), data.integers(v, n), chosen), {"F.cross_entropy(..., -100)": by_hand})


def next_sentence_pairs(data: Data) -> Contest:
    n = data.of(8, 10_000, 1_000_000)
    return Contest((data.uniform(n), data.integers(n, n)))


def next_sentence_prediction(data: Data) -> Contest:
    n, d = data.of((4, 16), (256, 768), (8192, 768))

    def by_hand(pooled: Tensor, label: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.cross_entropy(F.linear(pooled, weight, bias), label)

    arguments = data.normal(n, d), data.integers(2, n), data.normal(2, d), data.normal(2)
    return Contest(arguments, {"F.cross_entropy(F.linear(...))": by_hand})


def _bert(data: Data, kind: str, head: Any) -> Contest:
    """A model of transformers beside ours with its parameters: the function, and the module."""
    bert = data.of(Bert(100, 32, 2, 64, 2, 64), Bert(5000, 256, 4, 1024, 4, 256), Bert())
    config = head(bert) if head else bert
    theirs = _peer(
        kind, data.device, vocab_size=bert.vocab_size, hidden_size=bert.d_model, num_hidden_layers=bert.n_layers,
        num_attention_heads=bert.n_heads, intermediate_size=bert.d_ff, max_position_embeddings=bert.max_length,
    )  # fmt: skip
    params = _params(config, theirs)
    ids, ours = (
        data.integers(bert.vocab_size, *data.of((2, 16), (4, 128), (1, 512))),
        _ours(config, params, data.device),
    )

    def peer(config: Any, params: Any, ids: Tensor) -> Any:
        with torch.no_grad():
            return theirs(ids, return_dict=False)

    def our_module() -> Any:
        with torch.no_grad():
            return ours(ids)

    return Contest((config, params, ids), {f"transformers.{kind}": peer}, ours={"TransformerModule": our_module})


def bert(data: Data) -> Contest:
    return _bert(data, "BertModel", None)


def bert_pretraining(data: Data) -> Contest:
    return _bert(data, "BertForPreTraining", BertPretraining)


def bert_classifier(data: Data) -> Contest:
    return _bert(data, "BertForSequenceClassification", BertClassifier)


# GPT and ViT


def _gpt(data: Data) -> tuple[GPT, Any, dict[str, Tensor]]:
    """A configuration, GPT-2 of transformers, and its parameters."""
    config = data.of(GPT(100, 32, 2, 64, 2, 64), GPT(5000, 256, 4, 1024, 4, 256), GPT())
    theirs = _peer(
        "GPT2LMHeadModel", data.device, vocab_size=config.vocab_size, n_embd=config.d_model, n_head=config.n_heads,
        n_inner=config.d_ff, n_layer=config.n_layers, n_positions=config.max_length,
    )  # fmt: skip
    return config, theirs, _params(config, theirs)


def gpt(data: Data) -> Contest:
    config, theirs, params = _gpt(data)
    ids = data.integers(config.vocab_size, *data.of((2, 16), (4, 128), (1, 512)))
    ours = _ours(config, params, data.device)

    def peer(config: GPT, params: Any, ids: Tensor) -> Tensor:
        with torch.no_grad():
            return theirs(ids, use_cache=False).logits

    def our_module() -> Tensor:
        with torch.no_grad():
            return ours(ids)

    return Contest(
        (config, params, ids), {"transformers.GPT2LMHeadModel": peer}, ours={"TransformerModule": our_module}
    )


def gpt_step(data: Data) -> Contest:
    """One token after many; of transformers with its cache of fixed size, which is written over as well."""
    from transformers import StaticCache

    config, theirs, params = _gpt(data)
    capacity = config.max_length
    ids = data.integers(config.vocab_size, 1, capacity // 2)
    new = ids[:, :1]
    with torch.no_grad():
        _, *cache = our_step(config, params, ids)
        past: Any = StaticCache(theirs.config, max_cache_len=capacity)
        theirs(ids, past_key_values=past)
    position = torch.tensor([capacity // 2], device=data.device)

    def peer(config: GPT, params: Any, new: Tensor, *cache: Tensor, **options: Any) -> Tensor:
        with torch.no_grad():
            for layer in past.layers:  # back to where it was: the next call writes the same place
                layer.cumulative_length.fill_(capacity // 2)
            return theirs(new, past_key_values=past, position_ids=position[None]).logits

    return Contest((config, params, new, *cache), {"transformers, StaticCache": peer}, {"overwrite": True})


def output_sampling(data: Data) -> Contest:
    n, v = data.of((2, 50), (16, 5000), (64, 50257))
    logits, uniform = data.normal(n, v), data.uniform(n)

    def searched(logits: Tensor, uniform: Tensor) -> Tensor:
        ends = torch.softmax(logits, -1).cumsum(-1)
        return torch.searchsorted(ends, uniform[:, None] * ends[:, -1:], right=True)[:, 0]

    return Contest((logits, uniform), {"torch.searchsorted(softmax(...).cumsum, u)": searched})


def patch_embedding(data: Data) -> Contest:
    n, c, side, p, d = data.of((2, 1, 8, 2, 16), (8, 3, 64, 8, 192), (8, 3, 224, 16, 768))
    x, weight, bias = data.normal(n, c, side, side), data.normal(d, c, p, p) / p, data.normal(d)

    def by_convolution(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return F.conv2d(x, weight, bias, stride=p).flatten(2).mT

    operations = 2 * x.numel() * d
    return Contest((x, weight, bias), {"F.conv2d(..., stride=P).flatten(2).mT": by_convolution}, operations=operations)


def vit(data: Data) -> Contest:
    config = data.of(
        ViT(16, 8, 3, 10, 32, 2, 64, 2), ViT(64, 8, 3, 100, 192, 3, 768, 6), ViT()
    )  # fmt: skip
    theirs = _peer(
        "ViTForImageClassification", data.device, image_size=config.image_size, patch_size=config.patch_size,
        num_labels=config.n_classes, hidden_size=config.d_model, num_attention_heads=config.n_heads,
        intermediate_size=config.d_ff, num_hidden_layers=config.n_layers,
    )  # fmt: skip
    params = _params(config, theirs)
    x = data.normal(data.of(2, 4, 1), 3, config.image_size, config.image_size)
    ours = _ours(config, params, data.device)

    def peer(config: ViT, params: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return theirs(x).logits

    def our_module() -> Tensor:
        with torch.no_grad():
            return ours(x)

    return Contest((config, params, x), {"transformers.ViTForImageClassification": peer},
                   ours={"TransformerModule": our_module})  # fmt: skip
