"""Backpropagation through NumPy: every rule against torch.autograd, and the graph itself.

Rules that move, select or add up elements are exact on small integers, so their gradients must equal PyTorch's bit for
bit. Functions that round are held against PyTorch inside the running error bound of the rule itself.
"""

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gongsik import torch_impl
from gongsik.conformance.agreement import compare
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.reference.autodiff import Variable, backpropagate, grad, local_gradient, trace, value_and_grad, vjp
from gongsik.reference.gradients import ADJOINTS, COMPOSED, CONSTANT, LOCAL_GRADIENTS, astype
from gongsik.spec import DtypeError, ShapeError

FLOAT64 = PRECISIONS["float64"]


def integers(*shapes: tuple[int, ...], low: int = -4, high: int = 5, seed: int = 0) -> list[np.ndarray]:
    """Arrays of small integers, as float64: sums and products of them are exact."""
    rng = np.random.Generator(np.random.Philox(seed))
    return [rng.integers(low, high, shape).astype(np.float64) for shape in shapes]


def tensordot(a: torch.Tensor, b: torch.Tensor, first: list[int], second: list[int]) -> torch.Tensor:
    return torch.tensordot(a, b, (first, second))  # pyright: ignore[reportArgumentType] - its annotation says int


def numpy_gradients(function: Callable[..., Any], arrays: list[Any]) -> list[Any]:
    """Gradients of the sum of the function's result, weighted 1, 2, 3, ..., by backpropagation."""

    def loss(xs: list[Any]) -> Any:
        y = function(*xs)
        return (y * (np.arange(y.size, dtype=np.float64).reshape(y.shape) + 1)).sum()

    return value_and_grad(loss)(arrays)[1]


def torch_gradients(function: Callable[..., Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    xs = [torch.tensor(x, requires_grad=True) for x in arrays]
    y = function(*xs)
    weight = torch.arange(y.numel(), dtype=torch.float64).reshape(y.shape) + 1
    grads = torch.autograd.grad((y * weight).sum(), xs, allow_unused=True, materialize_grads=True)
    return [g.numpy() for g in grads]


# Rules that are exact on integers: bit for bit

einsum = lambda s: (np.einsum, lambda *xs: np.einsum(s, *xs), lambda *xs: torch.einsum(s, *xs))  # noqa: E731
IDS = np.array([[2, 0], [2, 2]])
ALONG = np.array([[1, 1, 0], [2, 0, 1]])

EXACT: list[tuple[Any, Callable[..., Any], Callable[..., Any], tuple[tuple[int, ...], ...]]] = [
    (np.add, operator.add, operator.add, ((2, 3), (3,))),
    (np.subtract, operator.sub, operator.sub, ((2, 3), (2, 1))),
    (np.subtract, lambda x: np.float64(3) - x, lambda x: 3 - x, ((2, 3),)),
    (np.multiply, operator.mul, operator.mul, ((1, 3), (2, 1))),
    (np.positive, operator.pos, operator.pos, ((4,),)),
    (np.negative, operator.neg, operator.neg, ((4,),)),
    (np.square, lambda x: np.square(x), torch.square, ((4,),)),
    (np.absolute, abs, abs, ((9,),)),
    (np.maximum, lambda a, b: np.maximum(a, b), torch.maximum, ((5, 9), (9,))),
    (np.minimum, lambda a, b: np.minimum(a, b), torch.minimum, ((5, 9), (9,))),
    (np.sum, lambda x: x.sum(), torch.sum, ((2, 3),)),
    (np.sum, lambda x: np.sum(x, (0, -1)), lambda x: x.sum((0, -1)), ((2, 3, 4),)),
    (np.sum, lambda x: x.sum(1, keepdims=True), lambda x: x.sum(1, keepdim=True), ((2, 3, 4),)),
    (np.mean, lambda x: x.mean((0, 2), keepdims=True), lambda x: x.mean((0, 2), keepdim=True), ((2, 3, 4),)),
    (np.mean, lambda x: x.mean(), torch.mean, ((2, 4),)),
    (np.max, lambda x: x.max(-1), lambda x: x.amax(-1), ((5, 4),)),
    (np.max, lambda x: x.max(), torch.amax, ((3, 5),)),
    (np.max, lambda x: np.max(x, (0, 2), keepdims=True), lambda x: x.amax((0, 2), keepdim=True), ((2, 3, 2),)),
    (np.min, lambda x: x.min(0), lambda x: x.amin(0), ((4, 5),)),
    (np.cumsum, lambda x: x.cumsum(1), lambda x: x.cumsum(1), ((2, 3, 4),)),
    (np.cumsum, lambda x: np.cumsum(x), lambda x: x.reshape(-1).cumsum(0), ((2, 3),)),
    (np.clip, lambda x: x.clip(-2, 2), lambda x: x.clip(-2, 2), ((4, 5),)),
    (np.clip, lambda x: np.clip(x, 1, None), lambda x: x.clip(min=1), ((4, 5),)),
    (np.where, lambda a, b: np.where(a > b, a, b * b), lambda a, b: torch.where(a > b, a, b * b), ((2, 3), (3,))),
    (np.where, lambda a: np.where(a > 0, 7, a), lambda a: torch.where(a > 0, 7, a), ((2, 3),)),
    *(
        (np.matmul, operator.matmul, operator.matmul, shapes)
        for shapes in (
            ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)), ((3,), (5, 3, 4)),
            ((5, 2, 3), (3,)), ((5, 1, 2, 3), (4, 3, 2)), ((1, 2, 3), (4, 3, 2)),
        )
    ),
    (*einsum("ij,jk->ik"), ((2, 3), (3, 4))),
    (*einsum("ij,jk"), ((2, 3), (3, 4))),
    (*einsum("bij,bjk,k->bi"), ((2, 3, 4), (2, 4, 5), (5,))),
    (*einsum("ii->"), ((3, 3),)),
    (*einsum("ii->i"), ((3, 3),)),
    (*einsum("iij,j->i"), ((3, 3, 2), (2,))),
    (*einsum("iii,ik->k"), ((3, 3, 3), (3, 2))),
    (*einsum("ij->"), ((3, 2),)),
    (*einsum("ij,k->i"), ((3, 2), (4,))),
    (*einsum("...ij,...jk->...ik"), ((5, 1, 2, 3), (4, 3, 2))),
    (*einsum("...i,i"), ((2, 4, 3), (3,))),
    (*einsum("i...,...->i..."), ((2, 4, 3), (3,))),
    (np.concatenate, lambda a, b: np.concatenate((a, b, a), -1), lambda a, b: torch.cat((a, b, a), -1),
     ((2, 3), (2, 1))),
    (np.concatenate, lambda a: np.concatenate([a, np.ones((1, 2))]), lambda a: torch.cat([a, torch.ones(1, 2)]),
     ((3, 2),)),
    (np.stack, lambda a, b: np.stack([a, b, a], 1), lambda a, b: torch.stack([a, b, a], 1), ((2, 3), (2, 3))),
    (np.stack, lambda a, b: np.stack((a, b), -1), lambda a, b: torch.stack((a, b), -1), ((2, 3), (2, 3))),
    (np.pad, lambda x: np.pad(x, ((1, 0), (2, 3))), lambda x: F.pad(x, (2, 3, 1, 0)), ((2, 3),)),
    (np.pad, lambda x: np.pad(x, 1, constant_values=9), lambda x: F.pad(x, (1, 1, 1, 1), value=9), ((2, 3),)),
    (np.pad, lambda x: np.pad(x, ((0, 0), (2, 1)), "reflect"), lambda x: F.pad(x, (2, 1), "reflect"), ((2, 3),)),
    (np.transpose, lambda x: x.T, lambda x: x.mT, ((2, 3),)),
    (np.transpose, lambda x: x.transpose(2, 0, -2), lambda x: x.permute(2, 0, 1), ((2, 3, 4),)),
    (np.swapaxes, lambda x: x.mT, lambda x: x.mT, ((2, 3, 4),)),
    (np.moveaxis, lambda x: np.moveaxis(x, (0, 2), (1, 0)), lambda x: x.movedim((0, 2), (1, 0)), ((2, 3, 4),)),
    (np.reshape, lambda x: x.reshape(3, -1), lambda x: x.reshape(3, -1), ((2, 3, 4),)),
    (np.reshape, lambda x: x.reshape((6,)), lambda x: x.reshape((6,)), ((2, 3),)),
    (np.ravel, lambda x: x.ravel(), lambda x: x.ravel(), ((2, 3),)),
    (np.expand_dims, lambda x: np.expand_dims(x, (0, 2)), lambda x: x[None, :, None], ((2, 3),)),
    (np.squeeze, lambda x: x.squeeze(1), lambda x: x.squeeze(1), ((2, 1, 3),)),
    (np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)), lambda x: x.expand(4, 2, 3), ((2, 1),)),
    (np.copy, lambda x: np.copy(x), lambda x: x.clone(), ((2, 3),)),
    (astype, lambda x: (x.astype(np.float32) * 3).astype(np.float64), lambda x: (x.float() * 3).double(), ((2, 3),)),
    (operator.getitem, lambda x: x[1:, ::-2], lambda x: x.flip(1)[1:, ::2], ((3, 5),)),
    (operator.getitem, lambda x: x[..., None, 1], lambda x: x[..., None, 1], ((3, 5),)),
    (operator.getitem, lambda x: x[0, 1] * x[-1], lambda x: x[0, 1] * x[-1], ((3, 5),)),
    (operator.getitem, lambda x: x[IDS], lambda x: x[torch.tensor(IDS)], ((4, 3),)),
    (operator.getitem, lambda x: x[[0, 1, 1], [2, 0, 0]], lambda x: x[[0, 1, 1], [2, 0, 0]], ((2, 3),)),
    (operator.getitem, lambda x: x[x > 0], lambda x: x[x > 0], ((4, 5),)),
    (operator.getitem, lambda x: x[0:0], lambda x: x[0:0], ((4, 5),)),
    (operator.getitem, lambda x: sum(row * row for row in x), lambda x: sum(row * row for row in x), ((4, 5),)),
    (np.diag, lambda x: np.diag(x), torch.diag, ((3,),)),
    (np.diag, lambda x: np.diag(x, 1), lambda x: torch.diag(x, 1), ((3, 4),)),
    (np.diagonal, lambda x: np.diagonal(x, 0, 1, 2), lambda x: torch.diagonal(x, 0, 1, 2), ((2, 3, 4),)),
    (np.flip, lambda x: np.flip(x, 1), lambda x: x.flip(1), ((2, 3),)),
    (np.repeat, lambda x: np.repeat(x, 3, 0), lambda x: x.repeat_interleave(3, 0), ((2, 3),)),
    (np.roll, lambda x: np.roll(x, 2, 1), lambda x: x.roll(2, 1), ((2, 5),)),
    (np.take, lambda x: np.take(x, IDS, 1), lambda x: x[:, torch.tensor(IDS)], ((2, 3),)),
    (np.take_along_axis, lambda x: np.take_along_axis(x, ALONG, 1), lambda x: x.gather(1, torch.tensor(ALONG)),
     ((2, 3),)),
    (np.tile, lambda x: np.tile(x, (2, 3)), lambda x: x.tile(2, 3), ((2, 3),)),
    (np.tril, lambda x: np.tril(x), torch.tril, ((3, 4),)),
    (np.triu, lambda x: np.triu(x, 1), lambda x: torch.triu(x, 1), ((3, 4),)),
    (
        np.lib.stride_tricks.sliding_window_view,
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, -1),
        lambda x: x.unfold(-1, 3, 1),
        ((2, 6),),
    ),
    (np.var, lambda x: np.var(x, 1), lambda x: x.var(1, correction=0), ((2, 4),)),
    (np.var, lambda x: x.var(1, ddof=2, keepdims=True), lambda x: x.var(1, correction=2, keepdim=True), ((2, 4),)),
    (np.dot, lambda a, b: a.dot(b), torch.dot, ((3,), (3,))),
    (np.dot, lambda a, b: np.dot(a, b), lambda a, b: tensordot(a, b, [-1], [-2]), ((2, 3), (4, 3, 5))),
    (np.dot, lambda a, b: np.dot(a, b), operator.mul, ((), (2, 3))),
    (np.outer, lambda a, b: np.outer(a, b), torch.outer, ((2,), (3,))),
    (np.tensordot, lambda a, b: np.tensordot(a, b, 2), lambda a, b: torch.tensordot(a, b, 2), ((2, 3, 4), (3, 4, 5))),
    (
        np.tensordot,
        lambda a, b: np.tensordot(a, b, ((0, 2), (1, 0))),
        lambda a, b: tensordot(a, b, [0, 2], [1, 0]),
        ((2, 3, 4), (4, 2, 5)),
    ),
    (np.tensordot, lambda a, b: np.tensordot(a, b, (0, 1)), lambda a, b: tensordot(a, b, [0], [1]), ((2, 3), (4, 2))),
    (np.split, lambda x: np.split(x, 3, -1)[1] * 2, lambda x: x.chunk(3, -1)[1] * 2, ((2, 6),)),
    (np.split, lambda x: np.split(x, [1, 4])[1], lambda x: x[1:4], ((5, 2),)),
    (np.broadcast_arrays, lambda a, b: np.broadcast_arrays(a, b)[0], lambda a, b: torch.broadcast_tensors(a, b)[0],
     ((3, 1), (4,))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("numpy_function", "torch_function", "shapes"),
    [pytest.param(*case[1:], id=f"{case[0].__name__}-{i}") for i, case in enumerate(EXACT)],
)
def test_exact_gradient_equals_autograd(numpy_function, torch_function, shapes):
    arrays = integers(*shapes)
    value = numpy_function(*(Variable(x, tape=0) for x in arrays)).value
    np.testing.assert_array_equal(value, numpy_function(*arrays))
    for ours, theirs in zip(
        numpy_gradients(numpy_function, arrays), torch_gradients(torch_function, arrays), strict=True
    ):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


# Rules that round: inside their error bound

REALS = (-3.0, -1.5, -0.25, 0.5, 1.0, 2.75)
POSITIVE = (1e-6, 0.125, 0.75, 1.0, 3.0, 500.0)
PAIRS = (REALS, (0.5, -2.0, 4.0, -0.5, 1.0, 3.0))

ROUNDED: dict[Any, tuple[Callable[..., Any], tuple[tuple[float, ...], ...]]] = {
    np.divide: (torch.divide, PAIRS),
    np.power: (torch.pow, (POSITIVE, REALS)),
    np.reciprocal: (torch.reciprocal, (REALS,)),
    np.sqrt: (torch.sqrt, (POSITIVE,)),
    np.exp: (torch.exp, (REALS,)),
    np.expm1: (torch.expm1, (REALS,)),
    np.log: (torch.log, (POSITIVE,)),
    np.log1p: (torch.log1p, (POSITIVE,)),
    np.logaddexp: (torch.logaddexp, PAIRS),
    np.sin: (torch.sin, (REALS,)),
    np.cos: (torch.cos, (REALS,)),
    np.arctan: (torch.arctan, (REALS,)),
    np.sinh: (torch.sinh, (REALS,)),
    np.cosh: (torch.cosh, (REALS,)),
    np.tanh: (torch.tanh, (REALS,)),
    np.linalg.norm: (torch.linalg.norm, (REALS,)),
    np.std: (lambda x: x.std(correction=0), (REALS,)),
}


@pytest.mark.parametrize("function", ROUNDED, ids=lambda f: f.__name__)
def test_gradient_of_a_function_equals_autograd_inside_its_bound(function):
    torch_function, values = ROUNDED[function]
    arrays = [np.array(v) for v in values]
    bounded = numpy_gradients(function, [Bounded(x, None, FLOAT64) for x in arrays])
    plain = numpy_gradients(function, arrays)
    for expected, ours, theirs in zip(bounded, plain, torch_gradients(torch_function, arrays), strict=True):
        for result in (ours, theirs):
            verdict = compare(result, Bounded(expected.value, expected.error, FLOAT64))
            assert verdict.agreed, verdict.message
            assert verdict.conclusive


def test_every_rule_has_its_test():
    of_numpy = {function for function in LOCAL_GRADIENTS if isinstance(function, np.ufunc)}
    assert {case[0] for case in EXACT} | set(ROUNDED) == of_numpy | set(ADJOINTS) | set(COMPOSED)


def test_function_with_a_stated_derivative_is_one_node():
    @local_gradient(lambda y, x: 10 * x)
    def square(x):
        return x * x

    [start, node] = trace(square)(3.0)
    assert (node.node.operation, node.node.value, start.upstream) == ("square", 9, 30)
    assert square(3.0) == 9
    assert grad(grad(square))(3.0) == 10


@pytest.mark.parametrize("function", [pytest.param(f, id=f.__name__) for f in sorted(CONSTANT, key=str)])
def test_constant_function_ends_the_record(function):
    x = np.array([[1.5, -2.0], [0.0, 1.5]])
    args: tuple[Any, ...] = (x, x.T)[: getattr(function, "nin", 1)]
    if function is np.full_like:
        args = (x, 3.0)
    result = function(*(Variable(a, tape=0) if isinstance(a, np.ndarray) else a for a in args))
    assert not isinstance(result, Variable)
    if function is not np.empty_like:
        np.testing.assert_array_equal(result, function(*args))


# Kinks: as PyTorch has them


@pytest.mark.parametrize(
    ("numpy_function", "torch_function"),
    [
        (lambda a, b: np.maximum(a, b), torch.maximum),
        (lambda a, b: np.minimum(a, b), torch.minimum),
        (lambda a, b: np.abs(a), lambda a, b: torch.abs(a)),
        (lambda a, b: np.where(a <= 0, 0, a), lambda a, b: torch.relu(a)),
        (lambda a, b: np.maximum(a, 0.0), lambda a, b: torch.maximum(a, torch.tensor(0.0))),
        (lambda a, b: a**0 + a**1 + a**2, lambda a, b: a**0 + a**1 + a**2),
        (lambda a, b: np.abs(b) ** a, lambda a, b: torch.abs(b) ** a),
        (lambda a, b: np.linalg.norm(a * 0), lambda a, b: torch.linalg.norm(a * 0)),
        (lambda a, b: np.clip(a, 0, 0), lambda a, b: torch.clip(a, 0, 0)),
        (lambda a, b: np.floor(a) * b + np.sign(b) * a, lambda a, b: torch.floor(a) * b + torch.sign(b) * a),
    ],
)
def test_at_a_kink_the_gradient_is_that_of_autograd(numpy_function, torch_function):
    arrays = [np.array([0.0, 2.0, 0.0, -1.0]), np.array([0.0, 2.0, 1.0, -1.0])]
    ours, theirs = numpy_gradients(numpy_function, arrays), torch_gradients(torch_function, arrays)
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(left, right)


def test_infinity_goes_back_as_it_went_forth():
    assert grad(lambda x: np.sqrt(x) * 2)(np.array(0.0)) == np.inf
    assert np.isnan(grad(lambda x: np.sqrt(x) * 0)(np.array(0.0)))


# The graph


def test_node_used_twice_receives_the_sum():
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(grad(lambda x: (x * x + 3 * x).sum())(x), 2 * x + 3)

    def shared(x):
        y = x * 2
        return (y * y + y[::-1]).sum()

    np.testing.assert_array_equal(grad(shared)(x), 8 * x + 2)


def test_every_node_is_visited_once_after_all_its_users():
    def braid(x):
        a, b = x, x
        for _ in range(40):  # 2^40 paths from end to start
            a, b = a + b, a - b
        return a + b

    visits = trace(braid)(1.0)
    numbers = [visit.node.number for visit in visits]
    assert len(set(numbers)) == len(visits) == 82
    for place, visit in enumerate(visits):
        assert all(numbers.index(edge.operand.number) < place for edge in visit.node.edges)
    assert visits[0].upstream == 2.0**20 * 2


def test_upstream_is_the_sum_of_what_the_users_sent_down():
    visits = trace(lambda p: np.tanh(p["w"] * p["x"] + p["b"]) * p["w"])({"w": 0.5, "x": -2.0, "b": 0.25})
    sent: dict[int, list[Any]] = {}
    for visit in visits:
        for edge, local, downstream in zip(visit.node.edges, visit.local, visit.downstream, strict=True):
            assert downstream == visit.upstream * local
            sent.setdefault(edge.operand.number, []).append(downstream)
    for visit in visits[:-1]:
        received = sent[visit.node.number]
        assert visit.upstream in (sum(received), sum(received[::-1]))
    assert visits[-1].upstream == 1
    assert {visit.node.name for visit in visits if visit.node.operation == "input"} == {"w", "x", "b"}


def test_a_graph_ten_thousand_nodes_deep():
    def chain(x):
        for _ in range(10_000):
            x = x + 1
        return x

    assert grad(chain)(0.0) == 1


def test_constants_get_nothing_and_unused_parameters_zero():
    value, grads = value_and_grad(lambda p, c: (p["a"] * c).sum())(
        {"a": np.ones(2), "b": np.ones((2, 3), np.float32)}, np.array([3.0, 4.0])
    )
    assert value == 7
    np.testing.assert_array_equal(grads["a"], [3, 4])
    np.testing.assert_array_equal(grads["b"], np.zeros((2, 3)))
    assert grads["b"].dtype == np.float32
    value, gradient = value_and_grad(lambda x: 5.0)(np.ones(2))
    assert (value, gradient.tolist()) == (5, [0, 0])
    value, gradient = torch_impl.value_and_grad(lambda x: torch.tensor(5.0))(torch.ones(2))
    assert (value.item(), gradient.tolist()) == (5, [0, 0])


class Pair(NamedTuple):
    first: Any
    second: Any


@pytest.mark.parametrize("kind", [list, tuple, Pair._make])
def test_gradients_have_the_structure_of_the_parameters(kind):
    params = kind([np.array([2.0]), {"w": np.array([3.0])}])
    grads = grad(lambda p: (p[0] * p[1]["w"]).sum())(params)
    assert type(grads) is type(params)
    assert (grads[0].tolist(), grads[1]["w"].tolist()) == ([3], [2])


def test_broadcasting_is_undone_by_summation():
    shapes = ((2, 1, 4), (3, 1), (4,), (), (1, 1, 1, 1))
    arrays = integers(*shapes)

    def product(*xs):
        y = xs[0]
        for x in xs[1:]:
            y = y * x
        return y

    for ours, theirs in zip(numpy_gradients(product, arrays), torch_gradients(product, arrays), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradient_keeps_the_dtype(dtype):
    def loss(x):
        y = np.maximum(x, 0.5) * np.float64(2) + np.abs(x).max(-1, keepdims=True) + np.where(x > 0, x, 0.1 * x)
        return (y.astype(np.float64) ** 2).mean()

    gradient = grad(loss)(np.array([[-1.0, 2.0, 0.5]], dtype))
    assert gradient.dtype == dtype


# Derivatives of derivatives


def test_third_derivative():
    assert grad(grad(grad(lambda x: x**4)))(np.array(3.0)) == 72


def test_gradient_penalty_with_an_inner_derivative_by_a_constant():
    """The inner derivative is by data, the outer one by a parameter that the inner one closes over."""
    w, x = integers((3,), (3,), seed=1)

    def penalty(w):
        return (grad(lambda x: (w * x * x).sum())(x) ** 2).sum()  # (2 w x)^2

    np.testing.assert_array_equal(grad(penalty)(w), 8 * w * x**2)


def test_hessian_equals_that_of_autograd():
    a, x = integers((3, 3), (3,), seed=2)

    def f(x, m):
        return (x @ m @ x) * x.sum()

    hessian = [grad(lambda x, i=i: grad(f)(x, a)[i])(x) for i in range(3)]
    theirs = torch.autograd.functional.hessian(lambda x: f(x, torch.tensor(a)), torch.tensor(x))
    np.testing.assert_array_equal(np.stack(hessian), theirs)  # pyright: ignore[reportArgumentType]


# A whole network


def block(p, x):
    """Attention, normalization, a gated layer: what later chapters are made of."""
    q, k = x @ p["q"], x @ p["k"]
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    e = np.exp(scores - scores.max(-1, keepdims=True))
    x = x + e / e.sum(-1, keepdims=True) @ x
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    gate, value = np.split(x @ p["w"], 2, axis=-1)
    h = np.where(gate >= 0, 1, np.exp(np.minimum(gate, 0))) / (1 + np.exp(-np.abs(gate))) * np.tanh(value)
    return np.log1p(np.concatenate([h, x[..., :1]], -1) ** 2).mean()


def test_remainder_of_the_linear_approximation_is_of_second_order():
    rng = np.random.Generator(np.random.Philox(3))
    p = {name: rng.standard_normal(shape) for name, shape in {"q": (4, 3), "k": (4, 3), "w": (4, 6)}.items()}
    d = {name: rng.standard_normal(x.shape) for name, x in p.items()}
    x = rng.standard_normal((2, 5, 4))
    value, grads = value_and_grad(block)(p, x)
    slope = sum((grads[name] * d[name]).sum() for name in p)
    steps = 2.0 ** -np.arange(8, 13)
    remainders = [abs(block({n: p[n] + h * d[n] for n in p}, x) - value - h * slope) for h in steps]
    order = np.polyfit(np.log2(steps), np.log2(remainders), 1)[0]
    assert order > 1.5, f"order {order:.3f} instead of 2: remainders {remainders}"  # 1 if the gradient were wrong


# What it refuses


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.linalg.svd(x), "no gradient rule for np.svd"),
        (lambda x: np.arcsin(x), "no gradient rule for np.arcsin"),
        (lambda x: np.add.reduce(x), r"no gradient rule for np.add.reduce"),
        (lambda x: np.exp(x, dtype=np.float32), "no gradient rule for np.exp with dtype"),
        (lambda x: np.sum(x, dtype=np.float32), "no gradient rule for this way to call np.sum"),
        (lambda x: np.linalg.norm(x, 1), "only the Euclidean norm"),
        (lambda x: np.sum(a=x), "np.sum: pass arrays by position"),
        (lambda x: np.clip(x, x, 3), "np.clip has no gradient by its argument number 2"),
        (lambda x: operator.iadd(x, 1), "write x = x [+] y, not x [+]= y"),
        (lambda x: np.asarray(x), "cannot become a plain array"),
        (lambda x: float(x.sum()), "float"),
    ],
)
def test_unknown_functions_are_named(function, message):
    with pytest.raises(TypeError, match=message):
        value_and_grad(function)(np.eye(2))


def test_only_real_numbers_are_differentiated():
    with pytest.raises(DtypeError, match="parameter w has dtype int64, expected a float dtype"):
        value_and_grad(lambda p: p["w"].sum())({"w": np.arange(3)})


def test_only_a_scalar_is_differentiated():
    with pytest.raises(ShapeError, match=r"returned an array of shape \(3,\), expected \(\)"):
        value_and_grad(lambda x: x * 2)(np.ones(3))


def test_the_way_back_from_an_array_is_torch_s():
    """By the parameters of a tree, of which one is not used; and inside another derivative."""
    w, x, upstream = integers((3, 2), (4, 3), (4, 2))
    y, back = vjp(lambda p, x: x @ p["w"] * p["w"][0], {"w": w, "b": np.ones(2)}, x)
    leaf = torch.tensor(w, requires_grad=True)
    expected = torch.tensor(x) @ leaf * leaf[0]
    expected.backward(torch.tensor(upstream))
    assert np.array_equal(y, expected.detach().numpy())
    assert leaf.grad is not None
    assert np.array_equal(back(upstream)["w"], leaf.grad)
    assert np.array_equal(back(upstream)["b"], np.zeros(2))
    assert grad(lambda u: vjp(lambda w: w**3, np.array(2.0))[1](u))(np.array(1.0)) == 12


def test_backpropagation_may_start_from_any_upstream_gradient():
    x = Variable(np.array([1.0, 2.0]), tape=0)
    visits = {visit.node.number: visit for visit in backpropagate(x * x, np.array([10.0, 1.0]))}
    assert visits[x.number].upstream.tolist() == [20, 4]
