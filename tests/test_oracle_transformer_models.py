"""GPT-2 and ViT against those of transformers, small, all parameters perturbed; ViT against torchvision's, too."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from gongsik import Draws, reference, torch_impl
from gongsik.benchmarks.torchvision_models import models  # first: transformers looks for torchvision
from gongsik.conformance.agreement import Exact, compare, convert, evaluate, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case
from gongsik.spec.architectures.gpt import GPT
from gongsik.spec.architectures.vit import ViT
from gongsik.torch_impl.transformer import TransformerModule

transformers = pytest.importorskip("transformers")

FLOAT64 = PRECISIONS["float64"]
EXACT = Exact(FLOAT64)
DRAWS = Draws(12)
GPT_CONFIG = GPT(vocab_size=11, d_model=12, n_heads=3, d_ff=20, n_layers=2, max_length=8)
VIT_CONFIG = ViT(6, 3, 2, 5, d_model=12, n_heads=3, d_ff=20, n_layers=2)
IDS = DRAWS.integers("ids", (3, 7), 11)
MASK = np.arange(7) < np.array([[7], [4], [2]])
X = DRAWS.normal("x", (3, 2, 6, 6))


def agree(theirs: torch.Tensor, ours: Any) -> None:
    """Another library's result lies within the bound of ours, which says something."""
    verdict = compare(theirs.detach().numpy(), ours)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def bounded(function: str, *arguments: Any, **options: Any) -> Any:
    return values(EXACT, function, Case(arguments, options))


def perturbed(module: torch.nn.Module) -> torch.nn.Module:
    """The module in float64, every parameter away from where it starts, normalizations and biases included."""
    module = module.double().eval()
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.fill_(float("ln" in name or "norm" in name) * name.endswith("weight"))
            p.add_(torch.tensor(DRAWS.normal(name, tuple(p.shape))), alpha=0.2)
    return module


def of_gpt() -> Any:
    config = transformers.GPT2Config(
        vocab_size=11, n_embd=12, n_head=3, n_inner=20, n_layer=2, n_positions=8, attn_implementation="eager"
    )
    return perturbed(transformers.GPT2LMHeadModel(config))


def of_vit(attention: str = "sdpa") -> Any:
    config = transformers.ViTConfig(
        image_size=6, patch_size=3, num_channels=2, num_labels=5, hidden_size=12, num_attention_heads=3,
        intermediate_size=20, num_hidden_layers=2, attn_implementation=attention,
    )  # fmt: skip
    return perturbed(transformers.ViTForImageClassification(config))


def saved(module: Any, folder: Any) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint as transformers writes it."""
    module.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    theirs = of_gpt()
    return theirs, GPT_CONFIG.from_state(saved(theirs, tmp_path_factory.mktemp("gpt2")))


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    theirs = of_vit()
    return theirs, VIT_CONFIG.from_state(saved(theirs, tmp_path_factory.mktemp("vit")))


def inside(config: Any, params: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The parameters of the encoder alone."""
    return {key: params[f"{name}{key}"] for key in config.encoder.parameters()}


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
def test_gpt_is_that_of_transformers(gpt2, mask):
    """Embedding, every hidden state, the weights of every head, and logits; with padding, of the real tokens."""
    theirs, params = gpt2
    options = {} if mask is None else {"attention_mask": torch.tensor(mask).long()}
    with torch.no_grad():
        said = theirs(torch.tensor(IDS), output_hidden_states=True, output_attentions=True, **options)
    real = np.ones_like(IDS, bool) if mask is None else mask
    agree(said.logits[real], bounded("gpt", GPT_CONFIG, params, IDS, mask)[real])
    seen = None if mask is None else mask[:, None]

    def states(gs: Any, config: Any, params: Any, inner: Any) -> Any:
        embedding = params["transformer.wte.weight"][IDS] + params["transformer.wpe.weight"][:7]
        return gs.encoder_states(config.encoder, inner, embedding, seen, causal=True)

    ours = evaluate(states, EXACT, Case((GPT_CONFIG, params, inside(GPT_CONFIG, params, "transformer."))))
    assert len(said.hidden_states) == len(ours.hidden)
    for i, hidden in enumerate(said.hidden_states):
        agree(hidden[real], ours.hidden[i][real])
    for i, weights in enumerate(said.attentions):
        agree(weights.transpose(1, 2)[real], ours.weights[i].swapaxes(1, 2)[real])


def test_a_cache_of_gpt_is_that_of_transformers(gpt2):
    """Logits, keys and values after each of three steps, of four, one and two tokens."""
    theirs, params = gpt2
    past, cache = None, ()
    for start, end in ((0, 4), (4, 5), (5, 7)):
        with torch.no_grad():
            said = theirs(torch.tensor(IDS[:, start:end]), past_key_values=past, use_cache=True)
        past = said.past_key_values
        logits, *cache = bounded("gpt_step", GPT_CONFIG, params, IDS[:, start:end], *cache)
        agree(said.logits, logits)
        for i, layer in enumerate(past.layers):
            agree(layer.keys, cache[0][i, :, :, :end])
            agree(layer.values, cache[1][i, :, :, :end])
        assert cache[2].tolist() == [end] * 3


def test_gradients_of_gpt_are_those_of_transformers(gpt2):
    """Of the language model's loss by every parameter, of which the table of tokens is used twice."""
    theirs, params = gpt2
    ids = torch.tensor(IDS)
    logits = theirs(ids).logits  # their own loss is in float32
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    named = {name: p for name, p in theirs.named_parameters() if name in params}
    expected = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))

    def ours(params: Any) -> Any:
        return reference.language_model_loss(reference.gpt(GPT_CONFIG, params, IDS), IDS)

    value, slopes = EXACT.value_and_grad(ours)(convert(params, EXACT))
    agree(loss, value)
    verdicts = [compare(slope.numpy(), slopes[name]) for name, slope in expected.items()]
    for name, verdict in zip(expected, verdicts, strict=True):
        assert verdict.agreed, f"{name}: {verdict.message}"
    assert sum(verdict.conclusive for verdict in verdicts) > len(verdicts) / 2  # a shift of all keys changes nothing


def test_the_state_dict_of_gpt_loads_as_it_is(gpt2):
    """Strictly, into a module and into a dict, the tied table twice; and the module is the function."""
    theirs, params = gpt2
    module = TransformerModule(GPT_CONFIG).double().eval()
    module.load_state_dict(theirs.state_dict(), strict=True)
    assert module.get_parameter("lm_head.weight") is module.get_parameter("transformer.wte.weight")
    state = {name: x.numpy() for name, x in theirs.state_dict().items()}
    assert all(np.array_equal(x, params[name]) for name, x in GPT_CONFIG.from_state(state).items())
    with torch.no_grad():
        agree(module(torch.tensor(IDS)), bounded("gpt", GPT_CONFIG, params, IDS))


def test_vit_is_that_of_transformers(vit):
    """Embedding, every hidden state, the weights of every head, and logits."""
    theirs, params = vit
    with torch.no_grad():
        said = theirs(torch.tensor(X), output_hidden_states=True)
        eager = of_vit("eager")
        eager.load_state_dict(theirs.state_dict())
        maps = eager(torch.tensor(X), output_attentions=True).attentions
    agree(said.logits, bounded("vit", VIT_CONFIG, params, X))

    def states(gs: Any, config: Any, params: Any, inner: Any, x: Any) -> Any:
        at = "vit.embeddings."
        weight, bias = (params[f"{at}patch_embeddings.projection.{name}"] for name in ("weight", "bias"))
        tokens = gs.cls_token(gs.patch_embedding(x, weight, bias), params[f"{at}cls_token"][0, 0])
        return gs.encoder_states(config.encoder, inner, tokens + params[f"{at}position_embeddings"])

    case = Case((VIT_CONFIG, params, inside(VIT_CONFIG, params, "vit."), X))
    ours = evaluate(states, EXACT, case)
    for i, hidden in enumerate(said.hidden_states[:-1]):  # theirs has the last one before it is normalized
        agree(hidden, ours.hidden[i])
    in_float32 = evaluate(states, Exact(PRECISIONS["float32"]), case)  # as which theirs writes the maps down
    for i, weights in enumerate(maps):
        agree(weights, in_float32.weights[i])


def test_the_checkpoint_of_vit_loads_as_it_is(vit):
    _, params = vit
    module = TransformerModule(VIT_CONFIG).double().eval()
    module.load_state_dict({name: torch.tensor(x) for name, x in params.items()}, strict=True)
    with torch.no_grad():
        agree(module(torch.tensor(X)), bounded("vit", VIT_CONFIG, params, X))


def from_torchvision(theirs: Any, config: ViT) -> dict[str, np.ndarray]:
    """Parameters of torchvision's ViT by the names of ours: queries, keys and values are one matrix there."""
    state = {name: x.numpy() for name, x in theirs.state_dict().items()}
    names = {
        "vit.embeddings.cls_token": "class_token",
        "vit.embeddings.position_embeddings": "encoder.pos_embedding",
        "vit.embeddings.patch_embeddings.projection.": "conv_proj.",
        "vit.layernorm.": "encoder.ln.",
        "classifier.": "heads.head.",
    }
    found = {}
    for i in range(config.n_layers):
        ours, other = f"vit.encoder.layer.{i}.", f"encoder.layers.encoder_layer_{i}."
        for kind in ("weight", "bias"):
            blocks = np.split(state[f"{other}self_attention.in_proj_{kind}"], 3)
            for name, block in zip(("query", "key", "value"), blocks, strict=True):
                found[f"{ours}attention.attention.{name}.{kind}"] = block
        names |= {
            f"{ours}attention.output.dense.": f"{other}self_attention.out_proj.",
            f"{ours}layernorm_before.": f"{other}ln_1.", f"{ours}layernorm_after.": f"{other}ln_2.",
            f"{ours}intermediate.dense.": f"{other}mlp.0.", f"{ours}output.dense.": f"{other}mlp.3.",
        }  # fmt: skip
    for ours, other in names.items():
        found |= {name: state[other + name.removeprefix(ours)] for name in config.parameters() if name.startswith(ours)}
    return config.from_state(found)


def test_vit_is_that_of_torchvision():
    config = dataclasses.replace(VIT_CONFIG, channels=3, eps=1e-6)
    theirs = perturbed(models.VisionTransformer(6, 3, 2, 3, 12, 20, num_classes=5))
    x = DRAWS.normal("colours", (3, 3, 6, 6))
    with torch.no_grad():
        agree(theirs(torch.tensor(x)), bounded("vit", config, from_torchvision(theirs, config), x))


def test_words_are_those_that_torch_finds_in_the_cumulated_shares():
    """torch.searchsorted in torch's own cumulated softmax, far from the ends of the pieces; and torch.topk."""
    logits, uniform = DRAWS.normal("logits", (200, 9)), DRAWS.uniform("u", 200)
    for temperature, k in ((1.0, 9), (0.5, 9), (2.0, 4)):
        z = torch.tensor(logits)
        z = z.masked_fill(z < z.topk(k).values[:, -1:], -torch.inf) / temperature
        ends = torch.softmax(z, -1).cumsum(-1)
        theirs = torch.searchsorted(ends, torch.tensor(uniform)[:, None], right=True)[:, 0]
        for backend in (reference, torch_impl):
            arguments = backend.asarray(logits), backend.asarray(uniform)
            ours = backend.output_sampling(*arguments, temperature=temperature, top_k=k)
            assert np.array_equal(backend.to_numpy(ours), theirs.numpy())


@pytest.mark.parametrize("name", ["gpt", "vit"])
def test_models_are_one_graph(name, gpt2, vit):
    """Compiled without a break they give what they give."""
    config, (_, params), x = (GPT_CONFIG, gpt2, IDS) if name == "gpt" else (VIT_CONFIG, vit, X)
    tensors = {key: torch.tensor(value) for key, value in params.items()}
    torch._dynamo.reset()
    function = torch.compile(getattr(torch_impl, name), fullgraph=True, backend="eager")
    agree(function(config, tensors, torch.tensor(x)), bounded(name, config, params, x))


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_step_is_one_graph_for_every_length(gpt2, overwrite):
    """One compilation for all steps of one token: the cache does not grow, and its length is a tensor."""
    _, params = gpt2
    tensors = {key: torch.tensor(value) for key, value in params.items()}
    torch._dynamo.reset()
    compiled = []
    step = torch.compile(
        torch_impl.gpt_step, fullgraph=True, backend=lambda graph, inputs: compiled.append(graph) or graph.forward
    )
    with torch.no_grad():
        _, *cache = torch_impl.gpt_step(GPT_CONFIG, tensors, torch.tensor(IDS[:, :2]))
        for i in range(2, 7):
            logits, *cache = step(GPT_CONFIG, tensors, torch.tensor(IDS[:, i : i + 1]), *cache, overwrite=overwrite)
            agree(logits[:, 0], bounded("gpt", GPT_CONFIG, params, IDS)[:, i])
    assert len(compiled) == 1
