"""What a user would call instead of transformers: the modules of the library of that name, and of torch."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks import torchvision_models  # noqa: F401 (first: transformers looks for torchvision)
from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.architectures.transformer import SequenceModel
from gongsik.spec.transformer import GPT, ViT
from gongsik.torch_impl.transformer import TransformerModule
from gongsik.torch_impl.transformer import gpt_step as our_step


def _peer(kind: str, device: str, **options: Any) -> Any:
    """A model of transformers, as it starts; by its fused attention."""
    import transformers

    config = getattr(transformers, f"{kind.partition('For')[0].removesuffix('LMHeadModel')}Config")(**options)
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

    def drawn(logits: Tensor, uniform: Tensor) -> Tensor:
        return torch.multinomial(torch.softmax(logits, -1), 1)[:, 0]

    return Contest((logits, uniform), {"torch.multinomial(torch.softmax(...))": drawn},
                   note="a few calls more, of which small arrays feel the number: the draws are given")  # fmt: skip


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
