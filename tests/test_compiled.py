"""Compiled formulas of the torch backend: the same numbers, one compilation per kernel, memory used again."""

import importlib
import math

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

import gongsik
from gongsik.conformance.agreement import Target, check_values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case
from gongsik.spec import formulas
from gongsik.spec.array import TreeType
from gongsik.spec.tree import leaves, map_leaves

STEPS = [id for id, f in formulas("optimizer").items() if f.takes_trees and "grad" in [a.name for a in f.positional]]
PURE, DONATING = ({"compile": True, "donate": donate} for donate in (False, True))
compiled = importlib.import_module("gongsik.torch_impl.compiled")  # the attribute of this name is the function

# torch.compile warns about torch's own use of torch.jit
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")


SHAPES = {"a": (2**16 + 3,), "b": (7, 300), "c": (), "d": (300, 500)}
"""Of parameters that are large enough to be compiled, small enough to be joined, and without axes."""


def tree(seed: int, positive: bool = False) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return {key: torch.rand(shape) - (0 if positive else 0.5) for key, shape in SHAPES.items()}


def numpy_tree(seed: int, positive: bool = False) -> dict[str, np.ndarray]:
    """The same in NumPy; one array is transposed, one broadcast."""
    arrays = map_leaves(lambda x: x.double().numpy(), tree(seed, positive))
    return arrays | {"b": np.broadcast_to(arrays["b"][:1], (7, 300)), "d": arrays["d"].T.copy().T}


def case_of(formula) -> Case:
    """One step in the middle of a run, with the gradients in another order than the parameters."""
    grad = dict(reversed(numpy_tree(1).items()))
    if not formula.steps:
        return Case((numpy_tree(0), grad))
    kind = formula.results[1]
    scalars = {"step": np.array(40), "mu_product": np.array(0.25)}
    parts = {
        name: numpy_tree(i + 2, positive=part.domain is not None) if isinstance(part, TreeType) else scalars[name]
        for i, (name, part) in enumerate(kind.fields.items())
    }
    return Case((numpy_tree(0), grad, kind.type(**parts)))


@pytest.mark.parametrize("options", [{}, DONATING], ids=["eager", "donating"])
@pytest.mark.parametrize("id", STEPS)
def test_steps_of_large_small_and_strided_parameters_agree(id, options):
    formula = formulas()[id]
    target = Target(gongsik.backend("torch", **options), PRECISIONS["float32"])
    verdict = check_values(target, formula.name, case_of(formula))
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


@pytest.mark.parametrize("id", ["optimizer.nadam", "optimizer.adam"])
def test_a_compiled_step_agrees(id):
    formula = formulas()[id]
    target = Target(gongsik.backend("torch", **PURE), PRECISIONS["float32"])
    for options in ({}, {"lr": 1.0, "beta1": 0.0, "eps": 0.0}):  # other numbers than those of the compilation
        verdict = check_values(target, formula.name, Case(case_of(formula).arguments, options))
        assert verdict.agreed, verdict.message


def test_what_gains_is_a_formula():
    assert set(formulas()) >= compiled.GAINS


def test_a_compiled_formula_uses_the_options_of_this_call(monkeypatch):
    monkeypatch.setattr(compiled, "PAYS_FROM", 0)
    target = Target(gongsik.backend("torch", **PURE), PRECISIONS["float32"])
    for k in (0.5, 1.0, 2.0, 0.25):
        verdict = check_values(target, "local_response_norm", Case((numpy_tree(0)["d"],), {"k": k}))
        assert verdict.agreed, verdict.message


@pytest.mark.parametrize("id", ["optimizer.adamax", "optimizer.radam"])
def test_nothing_is_compiled_again_when_rates_sizes_and_time_change(id):
    torch._dynamo.reset()
    compiled._compile.cache_clear()
    counters.clear()
    step = getattr(gongsik.backend("torch", **DONATING), id.split(".")[1])
    param, state = tree(0), None
    for t in range(9):
        options = {"lr": 0.1 / (t + 1), "beta1": 0.9 - 0.01 * t, "beta2": 0.999 - 0.001 * t, "eps": 1e-8 * (t + 1)}
        param, state = step(param, tree(t + 1), state, **options)
    for n in (2**16, 2**17 + 1):
        step(torch.rand(n), torch.rand(n))
    # RAdam has one graph before and one after it starts to divide by the root.
    assert counters["stats"]["unique_graphs"] == (2 if "radam" in id else 1)


def addresses(result) -> list[int]:
    """Where the parameters and the state are; not the counter of steps, which is a new number."""
    return [x.data_ptr() for x in leaves(result) if x.ndim]


@pytest.mark.parametrize("shapes", [[(300, 500)], [(200, 200), (7,), (300, 100)]], ids=["large", "joined"])
@pytest.mark.parametrize("name", ["adam", "adamax", "momentum"])
def test_donation_uses_memory_again(name, shapes):
    """That of large arrays at once; that of small ones from the second step on, when they lie in one piece."""
    step = getattr(gongsik.backend("torch", **DONATING), name)
    param, state = [torch.rand(shape) for shape in shapes], None
    grad = [torch.rand(shape) for shape in shapes]
    kept = [x.clone() for x in grad]
    old: list[int] = []
    for _ in range(3):
        old, (param, state) = addresses((param, state)) if state else [], step(param, grad, state)
    assert addresses((param, state)) == old
    assert all(map(torch.equal, grad, kept))


@pytest.mark.parametrize("options", [{}, PURE], ids=["eager", "compiled"])
@pytest.mark.parametrize("name", ["adam", "adamax", "momentum", "adagrad"])
def test_without_donation_nothing_is_written_over(name, options):
    step = getattr(gongsik.backend("torch", **options), name)
    param, grad = tree(0), tree(1)
    _, state = step(param, grad)
    given = (param, grad, state)
    kept = [x.clone() for x in leaves(given)]
    step(*given)
    assert all(torch.equal(x, y) for x, y in zip(leaves(given), kept, strict=True))


@pytest.mark.parametrize("options", [{}, PURE, DONATING], ids=["eager", "compiled", "donating"])
def test_a_step_can_be_differentiated(options):
    """By the rate and by the parameters: what learns to learn needs it."""
    bk = gongsik.backend("torch", **options)
    lr = torch.tensor(0.25, requires_grad=True)
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    new = bk.gradient_descent(w, 3 * w, lr=lr)
    new.sum().backward()
    assert lr.grad is not None
    assert w.grad is not None
    assert float(lr.grad) == -9
    assert w.grad.tolist() == [0.25, 0.25]  # 1 - 3 lr
    m = torch.zeros(2)
    assert bk.adam(w, w.detach(), bk.adam(m, m + 1)[1])[0].requires_grad


def test_donation_leaves_a_parameter_that_is_differentiated_alone():
    w = torch.nn.Parameter(torch.rand(300, 500))
    kept = w.detach().clone()
    new = gongsik.backend("torch", **DONATING).momentum(w, torch.rand(300, 500))[0]
    assert torch.equal(w.detach(), kept)
    assert new.requires_grad


SIZES = {"large": (300, 500), "small": (5,)}


@pytest.mark.parametrize("weight_decay", [0.25, 10.0], ids=["some is kept", "nothing is kept"])
def test_decay_in_place_is_the_formula(weight_decay):
    """In one pass and in two, at ordinary values and at infinite ones."""
    target = Target(gongsik.backend("torch", **DONATING), PRECISIONS["float32"])
    draws = gongsik.Draws(0)
    param = {name: PRECISIONS["float32"].round(draws.normal(name, shape)) for name, shape in SIZES.items()}
    grad = {name: PRECISIONS["float32"].round(draws.normal(name, shape, counter=1)) for name, shape in SIZES.items()}
    for name in SIZES:
        param[name].ravel()[:4] = math.nan, math.inf, math.inf, -math.inf
        grad[name].ravel()[:4] = 0, -math.inf, math.inf, 1
    verdict = check_values(target, "weight_decay", Case((param, grad), {"lr": 0.1, "weight_decay": weight_decay}))
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def test_no_digit_is_lost_near_0(monkeypatch):
    """A compiled elu has none right there, so it stays as it is."""
    monkeypatch.setattr(compiled, "PAYS_FROM", 0)
    target = Target(gongsik.backend("torch", **PURE), PRECISIONS["float32"])
    x = PRECISIONS["float32"].round(np.linspace(-1e-4, 0, 1000))
    verdict = check_values(target, "elu", Case((x,)))
    assert verdict.agreed, verdict.message
