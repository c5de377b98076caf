"""Networks against what others wrote: torch.nn, torch.nn.init and SciPy; and what bad input gets."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import nn

import gongsik
from gongsik import reference, torch_impl
from gongsik.conformance.agreement import compare
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.graph import Graph, Node
from gongsik.spec.model import parameter_count
from gongsik.spec.network import MLP, linear_parameter_count

BACKENDS = [pytest.param(gongsik.backend(name), id=name) for name in ("reference", "torch")]
FLOAT64 = PRECISIONS["float64"]
MODULES = {"identity": nn.Identity, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU,
           "elu": nn.ELU}  # fmt: skip


def sequential(config: MLP) -> nn.Sequential:
    """The same network as somebody would write it with torch.nn."""
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(config.sizes):
        layers += [nn.Linear(n_in, n_out, dtype=torch.float64), MODULES[config.activation]()]
    return nn.Sequential(*layers[:-1])


def assert_inside(result: torch.Tensor, expected: Bounded) -> None:
    verdict = compare(result.detach().numpy(), expected)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


# Against PyTorch's modules


@pytest.mark.parametrize("activation", MODULES)
def test_state_dict_of_a_torch_module_loads_into_both_backends(activation):
    config = MLP((5, 7, 3, 2), activation)
    torch.manual_seed(0)
    module, x = sequential(config), torch.randn(4, 5, dtype=torch.float64)
    params = module.state_dict()
    assert {name: tuple(p.shape) for name, p in params.items()} == config.parameters()
    assert torch.equal(torch_impl.mlp(config, params, x), module(x))
    bounded = {name: Bounded(p.numpy(), None, FLOAT64) for name, p in params.items()}
    assert_inside(module(x), reference.mlp(config, bounded, Bounded(x.numpy(), None, FLOAT64)))


@pytest.mark.parametrize("activation", MODULES)
def test_backpropagation_by_hand_is_what_autograd_leaves_in_a_torch_module(activation):
    config = MLP((5, 7, 3, 2), activation)
    torch.manual_seed(1)
    module, x, upstream = sequential(config), torch.randn(4, 5).double(), torch.randn(4, 2).double()
    module(x).backward(upstream)
    bounded = [Bounded(a.numpy(), None, FLOAT64) for a in (x, upstream)]
    params = {name: Bounded(p.detach().numpy(), None, FLOAT64) for name, p in module.named_parameters()}
    expected = reference.backpropagation(config, params, *bounded)
    ours = torch_impl.backpropagation(config, module.state_dict(), x, upstream)
    for name, p in module.named_parameters():
        assert p.grad is not None
        assert_inside(p.grad, expected[name])
        assert_inside(ours[name], expected[name])


@pytest.mark.parametrize("activation", ["step", *MODULES])
def test_module_is_the_function(activation):
    config = MLP((3, 4, 2), activation)
    torch.manual_seed(2)
    module, x = torch_impl.MLPModule(config), torch.randn(6, 3)
    assert {name: tuple(p.shape) for name, p in module.state_dict().items()} == config.parameters()
    assert sum(p.numel() for p in module.parameters()) == parameter_count(config)
    assert torch.equal(module(x), torch_impl.mlp(config, module.state_dict(), x))
    assert torch.equal(torch.compile(module, backend="eager", fullgraph=True)(x), module(x))


@pytest.mark.parametrize("bias", [False, True])
def test_count_of_a_layer_is_that_of_torch(bias):
    module = nn.Linear(17, 9, bias=bias)
    assert linear_parameter_count(17, 9, bias=bias) == sum(p.numel() for p in module.parameters())


# Against PyTorch's initialisations: the same stream of random numbers, so the same weights


def test_glorot_uniform_is_xavier_uniform_of_torch():
    torch.manual_seed(3)
    theirs = nn.init.xavier_uniform_(torch.empty(30, 50, dtype=torch.float64))
    torch.manual_seed(3)
    uniform = torch.rand(30, 50, dtype=torch.float64)
    # torch scales first and shifts then: two roundings of numbers up to twice the bound
    limit = Bounded(
        reference.glorot_uniform(uniform.numpy()), np.full((30, 50), 2 * FLOAT64.unit * (6 / 80) ** 0.5), FLOAT64
    )
    assert_inside(theirs, limit)


@pytest.mark.parametrize(("name", "nonlinearity"), [("xavier_init", "linear"), ("he_init", "relu")])
def test_fan_in_rules_are_kaiming_normal_of_torch(name, nonlinearity):
    torch.manual_seed(4)
    theirs = nn.init.kaiming_normal_(torch.empty(30, 50, dtype=torch.float64), nonlinearity=nonlinearity)
    torch.manual_seed(4)
    normal = torch.empty(30, 50, dtype=torch.float64).normal_(0, 1)
    assert_inside(theirs, getattr(reference, name)(Bounded(normal.numpy(), None, FLOAT64)))


# Against SciPy


def test_linear_programming_finds_no_line_for_xor():
    """The four strict inequalities, with a margin of 1, have a solution for 14 functions; for two it is proved none."""
    corners = np.array(list(itertools.product((0, 1), repeat=2)))
    separable = set()
    for table in itertools.product((0, 1), repeat=4):
        sign = np.where(np.array(table) == 1, -1, 1)[:, None]
        program = linprog(np.zeros(3), A_ub=sign * np.c_[corners, np.ones(4)], b_ub=-np.ones(4), bounds=(None, None))
        if program.status == 0:
            separable.add(table)
        else:
            assert program.status == 2  # proved infeasible
    assert set(itertools.product((0, 1), repeat=4)) - separable == {(0, 1, 1, 0), (1, 0, 0, 1)}


# Bad input


@pytest.mark.parametrize("bk", BACKENDS)
def test_all_that_is_wrong_with_parameters_is_named_at_once(bk):
    config = MLP((3, 4, 2))
    params = {name: bk.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    params["fc.weight"] = params.pop("0.bias")
    params["2.weight"] = bk.asarray(np.zeros((4, 2)))
    for call in (
        lambda: bk.mlp(config, params, bk.asarray(np.zeros((1, 3)))),
        lambda: bk.backpropagation(config, params, bk.asarray(np.zeros((1, 3))), bk.asarray(np.zeros((1, 2)))),
    ):
        with pytest.raises(ShapeError) as error:
            call()
        assert "no 0.bias; no place for fc.weight; 2.weight has shape (4, 2), expected (2, 4)" in str(error.value)


@pytest.mark.parametrize("bk", BACKENDS)
def test_input_has_to_fit_the_configuration(bk):
    config = MLP((3, 4, 2))
    params = {name: bk.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    x = bk.asarray(np.zeros((5, 4)))
    with pytest.raises(ShapeError, match=r"mlp: x has shape \(5, 4\), expected \(\*batch, config.sizes\[0\]\)"):
        bk.mlp(config, params, x)
    with pytest.raises(ShapeError, match="backpropagation: upstream has shape"):
        bk.backpropagation(config, params, bk.asarray(np.zeros((5, 3))), x)
    with pytest.raises(DtypeError, match="params is of type list, expected a dict"):
        bk.mlp(config, list(params.values()), bk.asarray(np.zeros((5, 3))))
    with pytest.raises(DtypeError, match=r"config is a tuple, expected an? MLP"):
        bk.mlp((3, 4, 2), params, x)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (((3,),), DomainError, "at least an input and an output"),
        (((3, 0),), DomainError, "a width is 0, expected an int >= 1"),
        (((3, 2.0),), DtypeError, "a width is 2.0, expected an int"),
        (((3, 2), "gelu"), DomainError, "activation is 'gelu', expected one of 'identity', 'step'"),
    ],
)
def test_configuration_that_makes_no_sense_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        MLP(*arguments)


@pytest.mark.parametrize(
    ("nodes", "output", "message"),
    [
        (
            (Node("a", "add", ("b", 1.0)), Node("b", "exp", ("a",))),
            "a",
            "the graph has a cycle: a -> b -> a|b -> a -> b",
        ),
        ((Node("a", "relu", ("x",)),), "", "node 'a': no operation 'relu'; there are add, subtract"),
        ((Node("a", "add", ("x",)),), "", "node 'a': add takes 2 operands, not 1"),
        ((Node("a", "add", (1.0, 2.0)),), "", "node 'a' depends on nothing"),
        ((Node("a", "exp", ("x",)), Node("a", "log", ("x",))), "", "two nodes of the name 'a'"),
        ((Node("a", "exp", ("x",)),), "x", "no node 'x' to be its output"),
        ((), "", "no node '' to be its output"),
    ],
)
def test_graph_that_cannot_be_computed_is_refused(nodes, output, message):
    with pytest.raises(DomainError, match=message):
        Graph(nodes, output)


@pytest.mark.parametrize("bk", BACKENDS)
@pytest.mark.parametrize("name", ["computation_graph", "automatic_differentiation"])
def test_inputs_have_to_fit_the_graph(bk, name):
    graph, function = Graph((Node("a", "add", ("x", "y")),)), getattr(bk, name)
    scalar, vector = bk.asarray(np.array(1.0)), bk.asarray(np.ones(3))
    with pytest.raises(DomainError, match=f"{name}: inputs lacks y; the graph needs x, y"):
        function(graph, {"x": scalar})
    with pytest.raises(DomainError, match="inputs has a, which the graph computes itself"):
        function(graph, {"x": scalar, "y": scalar, "a": scalar})
    with pytest.raises(ShapeError, match=r"inputs have different shapes: x \(\), y \(3,\)"):
        function(graph, {"x": scalar, "y": vector})
    with pytest.raises(DtypeError, match="inputs"):
        function(graph, {"x": bk.asarray(np.arange(3)), "y": bk.asarray(np.arange(3))})
    if name == "automatic_differentiation":
        with pytest.raises(ShapeError, match=r"upstream has shape \(\), expected \(3,\) as the inputs have"):
            function(graph, {"x": vector, "y": vector}, scalar)


def test_a_width_is_a_whole_number():
    with pytest.raises(DtypeError, match=r"linear_parameter_count: a width is 3.5, expected an int"):
        linear_parameter_count(3.5, 2)  # pyright: ignore[reportArgumentType]
