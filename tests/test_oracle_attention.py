"""Attention against torch's kernel, torch.nn.MultiheadAttention, the operator of ONNX and tensor2tensor's signal."""

import math
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from onnx.reference import ReferenceEvaluator
from torch import nn

from gongsik import Draws, reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, convert, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import PRECISION, Case, inputs
from gongsik.spec.attention import MultiHead
from gongsik.torch_impl.attention import MultiHeadModule

FLOAT64 = PRECISIONS["float64"]
EXACT = Exact(FLOAT64)
DRAWS = Draws(11)
N, T, S, D, H = 3, 5, 7, 12, 4
CONFIG = MultiHead(D, H)
RNG = np.random.default_rng(0)


def draw(name: str, *shape: int) -> np.ndarray:
    return DRAWS.normal(name, shape)


def agree(theirs: Any, ours: Any) -> None:
    """Another library's result lies within the bound of ours, which says something."""
    verdict = compare(np.asarray(theirs), ours)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def bounded(function: str, *arguments: Any, **options: Any) -> Any:
    return values(EXACT, function, Case(arguments, options))


X, MEMORY = draw("x", N, T, D), draw("memory", N, S, D)
CAUSAL = np.tril(np.ones((T, T), bool))
PADDING = np.arange(S) < np.array([[7], [3], [1]])  # [n, s]: true where there is a token
SOME = RNG.random((N, T, S)) < 0.6
SOME[..., 0] = True  # torch's module answers NaN where nothing is left
PARAMS = {name: draw(name, *shape) / math.sqrt(D) for name, shape in CONFIG.parameters().items()}


def module(config: MultiHead = CONFIG) -> nn.MultiheadAttention:
    """Torch's own module with our parameters, loaded by their names."""
    theirs = nn.MultiheadAttention(
        config.d_model, config.n_heads, bias=config.bias, batch_first=True, dtype=torch.float64
    )
    theirs.load_state_dict({name: torch.tensor(PARAMS[name]) for name in config.parameters()})
    return theirs


def test_the_fused_kernel_of_torch_lies_within_the_bounds():
    """On every kind of input that the suite draws; empty rows included, which torch fills with zeros as well."""
    said = []

    @settings(
        max_examples=100, deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(inputs("scaled_dot_product_attention"))
    def check(case: Case) -> None:
        query, key, value, mask = case.arguments
        t, s = query.shape[-2], key.shape[-2]
        shown = np.broadcast_to(True if mask is None else mask, (*query.shape[:-1], s))
        if case.options["causal"]:
            shown = shown & np.tril(np.ones((t, s), bool), s - t)
        q, k, v, m = (torch.tensor(x) for x in (query, key, value, shown))
        theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=m, scale=case.options["scale"])
        verdict = compare(theirs.numpy(), values(EXACT, "scaled_dot_product_attention", case))
        assert verdict.agreed, verdict.message
        said.append(verdict.conclusive)

    token = PRECISION.set(FLOAT64)
    check()
    PRECISION.reset(token)
    assert any(said)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cross", [False, True])
def test_multi_head_attention_is_that_of_torch(cross, bias):
    """Outputs and maps, with a mask, padding, both, neither: torch's masks are true where ours are not."""
    config = MultiHead(D, H, bias)
    params = {name: PARAMS[name] for name in config.parameters()}
    theirs, memory = module(config), MEMORY if cross else None
    s = S if cross else T
    mask, padding = SOME[0, :, :s], PADDING[:, :s]
    for ours, options in (
        (None, {}),
        (mask, {"attn_mask": ~torch.tensor(mask)}),
        (padding[:, None], {"key_padding_mask": ~torch.tensor(padding)}),
        (mask & padding[:, None], {"attn_mask": ~torch.tensor(mask), "key_padding_mask": ~torch.tensor(padding)}),
        (SOME[:, :, :s], {"attn_mask": ~torch.tensor(SOME[:, :, :s]).repeat_interleave(H, 0)}),
    ):
        source = torch.tensor(X if memory is None else memory)
        output, maps = theirs(torch.tensor(X), source, source, average_attn_weights=False, **options)
        agree(output.detach(), bounded("multi_head_attention", config, params, X, memory, ours))
        agree(maps.detach(), bounded("multi_head_attention_weights", config, params, X, memory, ours))


def test_causal_multi_head_attention_is_that_of_torch():
    theirs, x = module(), torch.tensor(X)
    mask = nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
    output, _ = theirs(x, x, x, attn_mask=mask, is_causal=True)
    agree(output.detach(), bounded("multi_head_attention", CONFIG, PARAMS, X, causal=True))


def test_the_fast_path_of_torch_is_ours():
    """What torch.nn.MultiheadAttention does for inference, in one kernel of its own."""
    theirs, x = module().eval(), torch.tensor(X)
    with torch.inference_mode():
        output, _ = theirs(x, x, x, need_weights=False)
    agree(output, bounded("multi_head_attention", CONFIG, PARAMS, X))


def test_gradients_are_those_of_torch():
    """Of a weighted sum of the output, by the tokens and by every parameter, with a mask."""
    weight, theirs = draw("upstream", N, T, D), module()
    x = torch.tensor(X, requires_grad=True)
    output, _ = theirs(x, x, x, attn_mask=~torch.tensor(CAUSAL))
    named = dict(theirs.named_parameters())
    expected = torch.autograd.grad((output * torch.tensor(weight)).sum(), [x, *named.values()])

    def total(inputs: Any, weight: Any) -> Any:
        return (reference.multi_head_attention(CONFIG, inputs[1], inputs[0], None, CAUSAL) * weight).sum()

    _, (by_x, by_params) = EXACT.value_and_grad(total)(*convert([[X, PARAMS], weight], EXACT))
    for g, ours in zip(expected, [by_x, *(by_params[name] for name in named)], strict=True):
        agree(g, ours)


def test_state_dicts_go_both_ways():
    """Ours into torch's module and torch's into ours, strictly; ours computes the same, also under autocast."""
    config = MultiHead(4, 2)
    theirs = nn.MultiheadAttention(4, 2, batch_first=True)
    ours = MultiHeadModule(config)
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())
    assert {name: tuple(p.shape) for name, p in ours.state_dict().items()} == config.parameters()
    x = torch.tensor(X[..., :4], dtype=torch.float32)
    params = {name: p.detach().double().numpy() for name, p in ours.named_parameters()}
    case = Case((config, params, x.double().numpy(), None, CAUSAL))
    agree(
        ours(x, mask=torch.tensor(CAUSAL)).detach(), values(Exact(PRECISIONS["float32"]), "multi_head_attention", case)
    )
    with torch.autocast("cpu", torch.bfloat16):
        output = ours(x, mask=torch.tensor(CAUSAL))
    assert output.dtype is torch.bfloat16
    agree(output.detach().float(), values(Exact(PRECISIONS["bfloat16"]), "multi_head_attention", case))


def test_a_fresh_module_starts_as_that_of_torch_does():
    """The same draws of the generator give the same parameters."""
    torch.manual_seed(3)
    theirs = nn.MultiheadAttention(D, H)
    torch.manual_seed(3)
    ours = MultiHeadModule(CONFIG)
    bound = math.sqrt(6 / (4 * D))  # of Glorot's uniform draws for a matrix of 3 D rows and D columns
    for state in (theirs.state_dict(), ours.state_dict()):
        assert 0.8 * bound < state["in_proj_weight"].abs().max() <= bound
        assert not state["in_proj_bias"].any()
        assert not state["out_proj.bias"].any()


@pytest.mark.parametrize("causal", [False, True])
def test_the_attention_operator_of_onnx_lies_within_the_bounds(causal):
    """Its own is_causal starts at the first key: compared on sequences as long as their keys. Its masks are ours."""
    query, key, value = draw("q", 2, 3, T, 4), draw("k", 2, 3, T, 4), draw("v", 2, 3, T, 6)
    node = onnx.helper.make_node("Attention", ["q", "k", "v", "mask"], ["z"], is_causal=int(causal))
    double, boolean = onnx.TensorProto.DOUBLE, onnx.TensorProto.BOOL
    graph = onnx.helper.make_graph(
        [node], "attention",
        [onnx.helper.make_tensor_value_info(name, kind, None)
         for name, kind in (("q", double), ("k", double), ("v", double), ("mask", boolean))],
        [onnx.helper.make_tensor_value_info("z", double, None)],
    )  # fmt: skip
    opset = [onnx.helper.make_opsetid("", 23)]
    mask = np.array(SOME[0, :, :T])
    (theirs,) = ReferenceEvaluator(onnx.helper.make_model(graph, opset_imports=opset)).run(
        None, {"q": query, "k": key, "v": value, "mask": mask}
    )
    agree(theirs, bounded("scaled_dot_product_attention", query, key, value, mask, causal=causal))


def test_the_causal_mask_of_torch_is_ours():
    """Torch's is 0 where ours is true and minus infinity where it is false."""
    for t in (1, 2, 9):
        theirs = nn.Transformer.generate_square_subsequent_mask(t).numpy()
        ours = reference.causal_mask(np.arange(t), np.arange(t))
        assert np.array_equal(theirs == 0, ours)
        assert np.array_equal(theirs == -np.inf, ~ours)


def timing_signal(length: int, channels: int) -> np.ndarray:
    """The positions of tensor2tensor, as its documentation describes them, by increments of a logarithm; in 80 bits."""
    timescales = channels // 2
    increment = np.log(np.longdouble(10000)) / max(timescales - 1, 1)
    angle = np.arange(length)[:, None] * np.exp(-increment * np.arange(timescales))
    return np.concatenate([np.sin(angle), np.cos(angle)], 1).astype(np.float64)


def paper(length: int, d: int) -> np.ndarray:
    """Entry by entry, as the formula stands, in 80 bits."""
    base = np.longdouble(10000)
    rows = [[(np.cos if j % 2 else np.sin)(t / base ** (np.longdouble(j - j % 2) / d)) for j in range(d)]
            for t in range(length)]  # fmt: skip
    return np.array(rows, np.float64)


@pytest.mark.parametrize("d", [2, 4, 6, 512])
def test_encodings_are_those_of_the_paper_and_of_tensor2tensor(d):
    position = np.arange(60.0)
    for name, theirs in (("sinusoidal", paper), ("concatenated", timing_signal)):
        agree(theirs(60, d), bounded(f"{name}_positional_encoding", position, d=d))


def test_seq2seq_attention_is_two_einsums_of_torch():
    query, states, mask = draw("s", N, D), draw("h", N, S, D), PADDING
    score = torch.einsum("nd,nsd->ns", torch.tensor(query), torch.tensor(states))
    weights = score.masked_fill(~torch.tensor(mask), -math.inf).softmax(-1)
    ours = bounded("seq2seq_attention", query, states, mask)
    agree(weights, ours.weights)
    agree(torch.einsum("ns,nsd->nd", weights, torch.tensor(states)), ours.context)


def test_projections_and_outputs_are_linear_layers_of_torch():
    weight, bias = draw("w", 6, D), draw("b", 6)
    x, w = torch.tensor(X), torch.tensor(weight)
    for ours in bounded("qkv_projection", X, weight, weight, weight):
        agree(F.linear(x, w), ours)
    heads = x.view(N, T, H, D // H).transpose(1, 2)  # by torch's own view and transpose
    assert np.array_equal(reference.split_heads(X, n_heads=H), heads.numpy())
    agree(F.linear(x, w, torch.tensor(bias)), bounded("output_projection", heads.numpy(), weight, bias))


@pytest.mark.parametrize("mask", [None, CAUSAL], ids=["unmasked", "causal"])
def test_the_module_is_one_graph_and_can_be_vectorised(mask):
    """Compiled without a break, and mapped over the samples, it gives what it gives."""
    module = MultiHeadModule(CONFIG).double()
    params = {name: p.detach() for name, p in module.named_parameters()}
    expected = bounded("multi_head_attention", CONFIG, {name: p.numpy() for name, p in params.items()}, X, None, mask)
    mask, x = None if mask is None else torch.tensor(mask), torch.tensor(X)
    torch._dynamo.reset()
    agree(torch.compile(module, fullgraph=True, backend="eager")(x, None, mask).detach(), expected)
    agree(torch.func.vmap(lambda x: torch_impl.multi_head_attention(CONFIG, params, x, None, mask))(x), expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")  # torch's own, for its derivatives
def test_second_derivatives_go_through_torch_func():
    """The fused kernel has none. Along one direction, that of the gradient's derivative agrees with a difference."""
    query, key, value = (torch.tensor(draw(name, 1, 3, 2)) for name in "qkv")

    def slope(query: torch.Tensor) -> torch.Tensor:
        return torch.func.grad(lambda q: torch_impl.scaled_dot_product_attention(q, key, value).square().sum())(query)

    direction = torch.ones_like(query)
    second = torch.func.jvp(slope, (query,), (direction,))[1]
    errors = [
        ((slope(query + h * direction) - slope(query - h * direction)) / (2 * h) - second).abs().max().item()
        for h in (2.0**-5, 2.0**-7)
    ]
    assert 1.8 < math.log2(errors[0] / errors[1]) / 2 < 2.2, errors  # a central difference is of order 2
