"""Transformers against torch.nn.Transformer, BERT against that of transformers: small, all parameters perturbed."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from torch import nn

from gongsik import Draws, reference, torch_impl
from gongsik.benchmarks.torchvision_models import models as _models  # noqa: F401 (first: transformers looks for torchvision)
from gongsik.conformance.agreement import Exact, compare, convert, evaluate, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case
from gongsik.spec.errors import ShapeError
from gongsik.spec.transformer import (
    Bert,
    BertClassifier,
    BertPretraining,
    Decoder,
    DecoderLayer,
    Encoder,
    EncoderLayer,
    Transformer,
)
from gongsik.torch_impl.transformer import TransformerModule

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning")  # torch's, about its layers

FLOAT64 = PRECISIONS["float64"]
EXACT = Exact(FLOAT64)
DRAWS = Draws(13)
N, S, T, D, H, INNER = 3, 6, 5, 12, 3, 20
X, MEMORY = DRAWS.normal("x", (N, T, D)), DRAWS.normal("memory", (N, S, D))
REAL = np.arange(T) < np.array([[5], [3], [1]])
REAL_MEMORY = np.arange(S) < np.array([[2], [6], [4]])
BERT = Bert(11, D, H, INNER, 2, max_length=8)
IDS, SEGMENTS = DRAWS.integers("ids", (N, T), 11), DRAWS.integers("segments", (N, T), 2)


def agree(theirs: Any, ours: Any) -> None:
    """Another library's result lies within the bound of ours, which says something."""
    verdict = compare(np.asarray(theirs.detach() if isinstance(theirs, torch.Tensor) else theirs), ours)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def bounded(function: str, *arguments: Any, **options: Any) -> Any:
    return values(EXACT, function, Case(arguments, options))


def perturbed(module: nn.Module) -> nn.Module:
    """The module in float64, every parameter away from where it started, normalizations and biases included."""
    module = module.double().eval()
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.add_(torch.tensor(DRAWS.normal(name, tuple(p.shape))), alpha=0.2)
    return module


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: x.numpy() for name, x in module.state_dict().items()}


OPTIONS = {"activation": "gelu", "norm_first": True, "layer_norm_eps": 1e-3}


@pytest.fixture(params=[{}, OPTIONS], ids=["post-norm", "pre-norm"])
def options(request):
    """Of torch's layers, and of ours."""
    renamed = {"layer_norm_eps": "eps"}
    return request.param, {renamed.get(name, name): x for name, x in request.param.items()}


def hidden(real: np.ndarray) -> torch.Tensor:
    """Torch's masks of padding are true where ours are not."""
    return ~torch.tensor(real)


# torch.nn


@pytest.mark.parametrize("mask", [None, REAL], ids=["whole", "padded"])
def test_encoder_layers_are_those_of_torch(options, mask):
    theirs = perturbed(nn.TransformerEncoderLayer(D, H, INNER, batch_first=True, **options[0]))
    config = EncoderLayer(D, H, INNER, **options[1])
    params = config.from_state(arrays(theirs))
    for causal in (False, True):
        later = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64) < 0 if causal else None
        padding = None if mask is None else hidden(mask)
        said = theirs(torch.tensor(X), later, padding)
        ours = bounded("encoder_layer", config, params, X, None if mask is None else mask[:, None], causal=causal)
        real = np.ones((N, T), bool) if mask is None else mask
        agree(said.detach().numpy()[real], ours[real])


def test_decoder_layers_are_those_of_torch(options):
    theirs = perturbed(nn.TransformerDecoderLayer(D, H, INNER, batch_first=True, **options[0]))
    config = DecoderLayer(D, H, INNER, **options[1])
    later = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64) < 0
    said = theirs(torch.tensor(X), torch.tensor(MEMORY), later, None, hidden(REAL), hidden(REAL_MEMORY))
    masks = REAL[:, None], REAL_MEMORY[:, None]
    agree(said, bounded("decoder_layer", config, config.from_state(arrays(theirs)), X, MEMORY, *masks))


def of_torch(layers: int, **options: Any) -> Any:
    return perturbed(nn.Transformer(D, H, layers, layers, INNER, batch_first=True, **options))


def test_stacks_are_those_of_torch(options):
    """Encoder and decoder of torch.nn.Transformer, each with its own state dict, loaded strictly."""
    theirs = of_torch(2, **options[0])
    encoder = Encoder(EncoderLayer(D, H, INNER, **options[1]), 2, norm=True)
    decoder = Decoder(DecoderLayer(D, H, INNER, **options[1]), 2, norm=True)
    params, mask = encoder.from_state(arrays(theirs.encoder)), REAL_MEMORY[:, None]
    states = bounded("encoder_states", encoder, params, MEMORY, mask)
    x = torch.tensor(MEMORY)
    for i, layer in enumerate(theirs.encoder.layers):
        agree(x.numpy()[REAL_MEMORY], states.hidden[i][REAL_MEMORY])
        seen = layer.norm1(x) if layer.norm_first else x
        _, weights = layer.self_attn(seen, seen, seen, hidden(REAL_MEMORY), average_attn_weights=False)
        agree(weights, states.weights[i])
        x = layer(x, src_key_padding_mask=hidden(REAL_MEMORY)).detach()
    agree(theirs.encoder.norm(x).detach().numpy()[REAL_MEMORY], states.hidden[-1][REAL_MEMORY])
    later = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64) < 0
    said = theirs.decoder(torch.tensor(X), torch.tensor(MEMORY), later, None, hidden(REAL), hidden(REAL_MEMORY))
    masks = REAL[:, None], REAL_MEMORY[:, None]
    agree(said, bounded("decoder", decoder, decoder.from_state(arrays(theirs.decoder)), X, MEMORY, *masks))


def test_the_transformer_is_that_of_torch_between_embeddings_and_a_linear_layer(options):
    """Its state dict has all names of ours but those of the vocabularies; ours as a module takes it strictly, too."""
    theirs = of_torch(1, **options[0])
    config = Transformer(7, 5, D, H, INNER, 1, 1, **options[1])
    ends = {"source.weight": (7, D), "target.weight": (5, D), "output.weight": (5, D), "output.bias": (5,)}
    params = config.from_state(arrays(theirs) | {name: DRAWS.normal(name, shape) for name, shape in ends.items()})
    source, target = DRAWS.integers("source", (N, S), 7), DRAWS.integers("target", (N, T), 5)

    def embed(name: str, ids: np.ndarray) -> torch.Tensor:
        places = reference.sinusoidal_positional_encoding(np.arange(float(ids.shape[1])), d=D)
        return F.embedding(torch.tensor(ids), torch.tensor(params[f"{name}.weight"])) * math.sqrt(D) + torch.tensor(
            places
        )

    later = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64) < 0
    padding = hidden(REAL_MEMORY)
    h = theirs(
        embed("source", source), embed("target", target), None, later, None, padding, hidden(REAL), padding
    )  # fmt: skip
    said = F.linear(h, *(torch.tensor(params[f"output.{name}"]) for name in ("weight", "bias")))
    ours = bounded("transformer", config, params, source, target, REAL_MEMORY, REAL)
    agree(said, ours)
    module = TransformerModule(config).double().eval()
    module.load_state_dict({name: torch.tensor(x) for name, x in params.items()}, strict=True)
    agree(module(*map(torch.tensor, (source, target, REAL_MEMORY, REAL))), ours)


def test_gradients_are_those_of_torch(options):
    """Of a weighted sum of the encoder's output, by the tokens and by every parameter."""
    theirs = of_torch(2, **options[0]).encoder
    config = Encoder(EncoderLayer(D, H, INNER, **options[1]), 2, norm=True)
    x, weight = torch.tensor(X, requires_grad=True), DRAWS.normal("upstream", (N, T, D))
    named = dict(theirs.named_parameters())
    total = (theirs(x, src_key_padding_mask=hidden(REAL)) * torch.tensor(weight) * torch.tensor(REAL)[..., None]).sum()
    expected = torch.autograd.grad(total, [x, *named.values()])

    def ours(inputs: Any, weight: Any) -> Any:
        y = reference.encoder(config, inputs[1], inputs[0], REAL[:, None])
        return (y * weight * REAL[..., None]).sum()

    chosen = [X, config.from_state(arrays(theirs))]
    _, (by_x, by_params) = EXACT.value_and_grad(ours)(*convert([chosen, weight], EXACT))
    pairs = zip(expected, [by_x, *(by_params[name] for name in named)], strict=True)
    verdicts = [compare(g.numpy(), bound) for g, bound in pairs]
    for name, verdict in zip(["x", *named], verdicts, strict=True):
        assert verdict.agreed, f"{name}: {verdict.message}"
    assert sum(verdict.conclusive for verdict in verdicts) > len(verdicts) / 2  # a shift of all keys changes nothing


# BERT


def of_bert(kind: str) -> Any:
    config = transformers.BertConfig(
        vocab_size=11, hidden_size=D, num_hidden_layers=2, num_attention_heads=H, intermediate_size=INNER,
        max_position_embeddings=8, num_labels=3, attn_implementation="eager",  # which writes the maps down
    )  # fmt: skip
    return perturbed(getattr(transformers, kind)(config))


@pytest.fixture(scope="module")
def pretraining(tmp_path_factory):
    """The model of transformers, and what it writes to a file, in which the tied table stands once."""
    theirs, folder = of_bert("BertForPreTraining"), tmp_path_factory.mktemp("bert")
    theirs.save_pretrained(folder)
    return theirs, BertPretraining(BERT).from_state(load_file(folder / "model.safetensors"))


@pytest.mark.parametrize("mask", [None, REAL], ids=["whole", "padded"])
def test_bert_is_that_of_transformers(pretraining, mask):
    """Embedding, every hidden state, the weights of every head, the pooler, both heads."""
    theirs, params = pretraining
    given = {"token_type_ids": torch.tensor(SEGMENTS)}
    if mask is not None:
        given["attention_mask"] = torch.tensor(mask).long()
    with torch.no_grad():
        said = theirs(torch.tensor(IDS), output_hidden_states=True, output_attentions=True, **given)
        base = theirs.bert(torch.tensor(IDS), **given)
    inner = {name: params[f"bert.{name}"] for name in BERT.parameters()}

    def embedding(gs: Any, inner: Any) -> Any:
        at = "embeddings."
        tables = (inner[f"{at}{name}_embeddings.weight"] for name in ("word", "token_type", "position"))
        norm = inner[f"{at}LayerNorm.weight"], inner[f"{at}LayerNorm.bias"]
        return gs.layer_norm(gs.bert_embedding(IDS, SEGMENTS, *tables), *norm, eps=BERT.eps)

    def states(gs: Any, inner: Any) -> Any:
        layers = {name: inner[f"encoder.{name}"] for name in BERT.encoder.parameters()}
        return gs.encoder_states(BERT.encoder, layers, embedding(gs, inner), None if mask is None else mask[:, None])

    ours = evaluate(states, EXACT, Case((inner,)))
    real = np.ones((N, T), bool) if mask is None else mask
    assert len(said.hidden_states) == len(ours.hidden) == 3
    for i, hidden_state in enumerate(said.hidden_states):
        agree(hidden_state[real], ours.hidden[i][real])
    assert len(said.attentions) == 2
    for i, weights in enumerate(said.attentions):
        agree(weights.transpose(1, 2)[real], ours.weights[i].swapaxes(1, 2)[real])
    output = bounded("bert", BERT, inner, IDS, SEGMENTS, mask)
    agree(base.last_hidden_state[real], output.hidden[real])
    agree(base.pooler_output, output.pooled)
    heads = bounded("bert_pretraining", BertPretraining(BERT), params, IDS, SEGMENTS, mask)
    agree(said.prediction_logits[real], heads.tokens[real])
    agree(said.seq_relationship_logits, heads.follows)


def test_both_losses_are_those_of_transformers(pretraining):
    """Together, as BertForPreTraining adds them; and their gradient, of which the table gets a share from both ends."""
    theirs, params = pretraining
    chosen, follows = DRAWS.uniform("chosen", (N, T)) < 0.4, DRAWS.integers("follows", (N,), 2)
    labels = torch.tensor(np.where(chosen, IDS, -100))
    said = theirs(torch.tensor(IDS), labels=labels, next_sentence_label=torch.tensor(follows))
    named = {name: p for name, p in theirs.named_parameters() if name in params}
    expected = torch.autograd.grad(said.loss, list(named.values()))

    def loss(params: Any) -> Any:
        heads = reference.bert_pretraining(BertPretraining(BERT), params, IDS)
        return reference.masked_language_model(heads.tokens, IDS, chosen) + reference.softmax_cross_entropy(
            heads.follows, follows
        )

    value, slopes = EXACT.value_and_grad(loss)(convert(params, EXACT))
    agree(said.loss, value)
    verdicts = {name: compare(g.numpy(), slopes[name]) for name, g in zip(named, expected, strict=True)}
    for name, verdict in verdicts.items():
        assert verdict.agreed, f"{name}: {verdict.message}"
    assert sum(verdict.conclusive for verdict in verdicts.values()) > len(verdicts) / 2
    assert verdicts["bert.embeddings.word_embeddings.weight"].conclusive


def test_the_head_of_the_next_sentence_is_that_of_transformers(pretraining):
    theirs, params = pretraining
    follows = DRAWS.integers("follows", (N,), 2)
    with torch.no_grad():
        pooled = theirs.bert(torch.tensor(IDS)).pooler_output
        said = F.cross_entropy(theirs.cls.seq_relationship(pooled), torch.tensor(follows))
    head = (params[f"cls.seq_relationship.{name}"] for name in ("weight", "bias"))
    agree(said, bounded("next_sentence_prediction", pooled.numpy(), follows, *head))


def test_the_classifier_is_that_of_transformers():
    theirs, config = of_bert("BertForSequenceClassification"), BertClassifier(BERT, 3)
    with torch.no_grad():
        said = theirs(torch.tensor(IDS), torch.tensor(REAL).long(), torch.tensor(SEGMENTS)).logits
    agree(said, bounded("bert_classifier", config, config.from_state(arrays(theirs)), IDS, SEGMENTS, REAL))


def test_state_dicts_of_bert_go_both_ways(pretraining):
    """Strictly; the tied table is one parameter in ours as well, and a checkpoint that lacks an array is refused."""
    theirs, params = pretraining
    ours = TransformerModule(BertPretraining(BERT)).double().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert set(ours.state_dict()) == set(theirs.state_dict())
    decoder, table = "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"
    assert ours.get_parameter(decoder) is ours.get_parameter(table)
    with torch.no_grad():
        agree(ours(torch.tensor(IDS)).tokens, bounded("bert_pretraining", BertPretraining(BERT), params, IDS).tokens)
    state = arrays(theirs)
    assert all(np.array_equal(x, params[name]) for name, x in BertPretraining(BERT).from_state(state).items())
    del state["bert.pooler.dense.bias"]
    with pytest.raises(ShapeError, match=r"no bert\.pooler\.dense\.bias"):
        BertPretraining(BERT).from_state(state)


def test_bert_base_has_as_many_parameters_as_that_of_transformers():
    with torch.device("meta"):
        theirs = transformers.BertModel(transformers.BertConfig())
    assert {name: tuple(p.shape) for name, p in theirs.named_parameters()} == Bert().parameters()
    assert sum(map(math.prod, Bert().parameters().values())) == 109_482_240


# Activations, and what torch does with a module


def test_gelu_is_x_times_the_normal_distribution_of_scipy():
    z = np.linspace(-6, 6, 49)[:, None]
    one, none = np.ones((1, 1)), np.zeros(1)
    agree(z * scipy.stats.norm.cdf(z), bounded("feed_forward", z, one, none, one, none, activation="gelu"))
    approximate = F.gelu(torch.tensor(z), approximate="tanh")
    agree(approximate, bounded("feed_forward", z, one, none, one, none, activation="gelu_tanh"))


CONFIGS = {
    "encoder": (Encoder(EncoderLayer(D, H, INNER), 2), (X, REAL[:, None])),
    "transformer": (Transformer(11, 11, D, H, INNER, 1, 1), (IDS, IDS, REAL, REAL)),
    "bert": (BertPretraining(BERT), (IDS, SEGMENTS, REAL)),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_module_is_one_graph(name):
    """Compiled without a break it gives, to the last bit, what it gives; and a gradient for every parameter."""
    config, given = CONFIGS[name]
    module = TransformerModule(config).double().eval()
    inputs = [torch.tensor(x) for x in given]
    torch._dynamo.reset()
    said = torch.compile(module, fullgraph=True, backend="eager")(*inputs)
    for a, b in zip(*((x,) if isinstance(x, torch.Tensor) else x for x in (said, module(*inputs))), strict=True):
        assert torch.equal(a, b)
    total: Any = sum(x.sum() for x in ((said,) if isinstance(said, torch.Tensor) else said))
    total.backward()
    assert all(p.grad is not None for p in module.parameters())


@pytest.mark.parametrize("name", CONFIGS)
def test_a_module_computes_in_bfloat16_under_autocast(name):
    config, given = CONFIGS[name]
    module = TransformerModule(config).eval()
    inputs = [torch.tensor(x, dtype=torch.float32 if x.dtype.kind == "f" else None) for x in given]
    with torch.autocast("cpu", torch.bfloat16):
        said = module(*inputs)
    first = said if isinstance(said, torch.Tensor) else said[0]
    assert first.dtype in (torch.bfloat16, torch.float32)
    assert bool(first.isfinite().all())


def test_an_encoder_can_be_vectorised():
    """Mapped over the samples by torch.func it gives what it gives on the batch."""
    config, _ = CONFIGS["encoder"]
    params = {name: DRAWS.normal(name, shape) / 4 for name, shape in config.parameters().items()}
    tensors = {name: torch.tensor(x) for name, x in params.items()}
    said = torch.func.vmap(lambda x: torch_impl.encoder(config, tensors, x))(torch.tensor(X))
    agree(said, bounded("encoder", config, params, X))


def test_training_drops_as_torch_does():
    """From the same state of the generator, torch's layer and ours drop the same units, and the same weights.

    One sequence: of several, torch's has another order in memory, in which the draws fall.
    """
    theirs = perturbed(nn.TransformerEncoderLayer(D, H, INNER, dropout=0.3, batch_first=True)).train()
    module = TransformerModule(EncoderLayer(D, H, INNER, dropout=0.3)).double().train()
    module.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.tensor(X[:1])
    evaluation = module.eval()(x)
    torch.manual_seed(0)
    said = theirs(x)
    torch.manual_seed(0)
    ours = module.train()(x)
    assert not torch.equal(ours, evaluation)
    agree(said, values(EXACT, "linear", Case((ours.detach().numpy(), np.eye(D)))))
