"""The reference of the optimizers against torch.optim, SciPy and torch's schedulers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.signal
import torch
from torch.optim import lr_scheduler

from gongsik import Draws, reference
from gongsik.conformance.agreement import Exact, compare, flatten
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.spec import optimizer as spec

SHAPES = [(7, 3), (5,)]


def draws(name: str, dtype: str) -> list[np.ndarray]:
    return [Draws(5).normal(name, shape, counter=i).astype(dtype) for i, shape in enumerate(SHAPES)]


def agree(theirs: Any, ours: Any) -> None:
    """Their arrays lie within the error bound of our reference."""
    for value, expected in flatten(theirs, ours):
        verdict = compare(value, expected)
        assert verdict.agreed, verdict.message
        assert verdict.conclusive


def counter(state: dict[str, Any]) -> np.ndarray:
    return np.array(int(state["step"]))


def adam_state(kind: Callable[..., Any], second: str = "exp_avg_sq") -> Callable[..., Any]:
    """Our state from torch's states, one per parameter."""
    return lambda states: kind(counter(states[0]), column(states, "exp_avg"), column(states, second))


def column(states: list[dict[str, Any]], key: str) -> list[np.ndarray]:
    return [state[key].numpy().copy() for state in states]


def nadam_state(states: list[dict[str, Any]]) -> spec.NAdamState:
    product = states[0]["mu_product"].numpy().copy()
    return spec.NAdamState(counter(states[0]), product, column(states, "exp_avg"), column(states, "exp_avg_sq"))


# Torch's class and options, our name and options, our state from torch's, and the dtype. The Adam family is compared in
# float32: there it does not show that torch subtracts beta^t from 1, which costs it digits in float64.
OPTIMIZERS: dict[str, tuple[Any, ...]] = {
    "momentum": (torch.optim.SGD, {"momentum": 0.9, "lr": 0.1}, "momentum", {"lr": 0.1},
                 lambda s: spec.MomentumState(column(s, "momentum_buffer")), "float64"),
    "nesterov": (torch.optim.SGD, {"momentum": 0.8, "lr": 0.1, "nesterov": True}, "nesterov", {"lr": 0.1, "beta": 0.8},
                 lambda s: spec.MomentumState(column(s, "momentum_buffer")), "float64"),
    "adagrad": (torch.optim.Adagrad, {}, "adagrad", {}, lambda s: spec.AdagradState(column(s, "sum")), "float64"),
    "adadelta": (torch.optim.Adadelta, {}, "adadelta", {},
                 lambda s: spec.AdadeltaState(column(s, "square_avg"), column(s, "acc_delta")), "float64"),
    "rmsprop": (torch.optim.RMSprop, {}, "rmsprop", {},
                lambda s: spec.RMSPropState(column(s, "square_avg")), "float64"),
    "adam": (torch.optim.Adam, {}, "adam", {}, adam_state(spec.AdamState), "float32"),
    "adamax": (torch.optim.Adamax, {}, "adamax", {}, adam_state(spec.AdamaxState, "exp_inf"), "float32"),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.1}, "adamw", {"weight_decay": 0.1}, adam_state(spec.AdamState),
              "float32"),
    "adam with L2": (torch.optim.Adam, {"weight_decay": 0.1}, "adam", {}, adam_state(spec.AdamState), "float32"),
    "nadam": (torch.optim.NAdam, {}, "nadam", {}, nadam_state, "float32"),
    "radam": (torch.optim.RAdam, {}, "radam", {}, adam_state(spec.AdamState), "float32"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_step_of_torch_is_ours(name):
    """Twelve steps, each from torch's own parameters and state: with torch's defaults our defaults do the same."""
    make, their_options, ours, our_options, state_of, dtype = OPTIMIZERS[name]
    exact = Exact(PRECISIONS[dtype])
    params = [torch.nn.Parameter(torch.from_numpy(x)) for x in draws("start", dtype)]
    optimizer = make(params, **their_options)
    state = None
    for t in range(12):
        before = [p.detach().numpy().copy() for p in params]
        grads = draws(f"gradient {t}", dtype)
        for p, g in zip(params, grads, strict=True):
            p.grad = torch.from_numpy(g.copy())
        optimizer.step()
        states = [optimizer.state[p] for p in params]

        def bounded(arrays):
            return [exact.array(x.astype(np.float64)) for x in arrays]

        given = None if state is None else type(state)(*(bounded(x) if isinstance(x, list) else x for x in state))
        slopes = bounded(grads)
        if name == "adam with L2":
            slopes = [g + 0.1 * w for g, w in zip(slopes, bounded(before), strict=True)]
        new, after = getattr(reference, ours)(bounded(before), slopes, given, **our_options)
        state = state_of(states)
        agree([p.detach().numpy() for p in params], new)
        agree([x for x in state if isinstance(x, list)], [x for x in after if isinstance(x, list)])
        if hasattr(after, "step"):
            assert int(after.step) == t + 1


def test_gradient_descent_is_torchs():
    w, g = draws("start", "float64"), draws("gradient", "float64")
    params = [torch.nn.Parameter(torch.from_numpy(x.copy())) for x in w]
    for p, x in zip(params, g, strict=True):
        p.grad = torch.from_numpy(x)
    torch.optim.SGD(params, lr=0.3).step()
    exact = Exact(PRECISIONS["float64"])
    ours = reference.gradient_descent([exact.array(x) for x in w], [exact.array(x) for x in g], lr=0.3)
    agree([p.detach().numpy() for p in params], ours)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.99])
def test_the_moving_average_is_a_filter_of_scipy(gamma):
    x, init = Draws(3).normal("x", (40, 2)), Draws(3).normal("init", (2,))
    filtered, _ = scipy.signal.lfilter([1 - gamma], [1, -gamma], x, axis=0, zi=gamma * init[None])
    exact = Exact(PRECISIONS["float64"])
    ours = reference.exponential_moving_average(exact.array(x), exact.array(init), gamma=gamma)
    agree(filtered, ours)


def test_newtons_step_is_scipys_solution():
    for seed in range(20):
        a, g, x = (Draws(seed).normal(name, shape) for name, shape in (("a", (6, 6)), ("g", (6,)), ("x", (6,))))
        hessian = a + a.T
        exact = Exact(PRECISIONS["float64"])
        theirs = x - scipy.linalg.solve(hessian, g, assume_a="sym")
        agree(theirs, reference.newton_method(exact.array(x), exact.array(g), exact.array(hessian)))


def test_newtons_method_goes_where_scipy_goes():
    """On a smooth convex function: nothing that SciPy finds is lower than what Newton's steps find."""
    a = Draws(1).normal("a", (8, 3))

    def value(x):
        return np.logaddexp(0, a @ x).sum() + x @ x / 2

    def slope(x):
        return a.T @ (1 / (1 + np.exp(-a @ x))) + x

    def hessian(x):
        p = 1 / (1 + np.exp(-a @ x))
        return a.T @ (a * (p * (1 - p))[:, None]) + np.eye(3)

    theirs = scipy.optimize.minimize(value, np.ones(3), jac=slope, hess=hessian, method="Newton-CG", tol=1e-12)
    x = np.ones(3)
    for _ in range(12):
        x = reference.newton_method(x, slope(x), hessian(x))
    rounding = 30 * np.finfo(np.float64).eps * value(x)  # of a sum of 11 terms, each a few operations
    assert value(x) <= theirs.fun + rounding
    assert np.abs(slope(x)).max() <= rounding * np.abs(a).max() * 8


@pytest.mark.parametrize("start", [1.4, -1.4, 0.5, -0.5])
def test_gradient_descent_ends_in_the_minimum_that_scipy_finds(start):
    def value(x):
        return ((x**2 - 1) ** 2 + 0.3 * x).sum()

    def slope(x):
        return 4 * x * (x**2 - 1) + 0.3

    theirs = scipy.optimize.minimize(value, np.array([start]), jac=slope, method="CG", options={"gtol": 1e-12})
    x = np.array([start])
    for _ in range(400):
        x = reference.gradient_descent(x, slope(x), lr=0.05)
    assert value(x) <= value(theirs.x) + 10 * np.finfo(np.float64).eps * (1 + abs(value(x)))
    assert np.sign(x) == np.sign(theirs.x)


def closed_form(scheduler: Any, steps: np.ndarray) -> np.ndarray:
    """Rates of a scheduler of torch, without the rounding that piles up when it goes from step to step."""
    rates = []
    for t in steps:
        scheduler.last_epoch = int(t)
        rates.append(scheduler._get_closed_form_lr()[0])
    return np.array(rates)


def torch_optimizer(lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def within(theirs: np.ndarray, ours: np.ndarray, formula: Callable[[Any], Any], steps: np.ndarray) -> None:
    """Theirs is ours up to the rounding of the formula that they use, and of ours."""
    double = PRECISIONS["float64"]
    error = formula(Bounded(steps.astype(float), None, double)).error + 8 * double.unit * np.abs(ours)
    agree(theirs, Bounded(ours, error, double))


def test_cosine_decay_is_torchs_also_past_the_end():
    steps = np.arange(250)
    scheduler = lr_scheduler.CosineAnnealingLR(torch_optimizer(0.3), T_max=100, eta_min=0.01)
    ours = reference.cosine_decay(steps, base_lr=0.3, total_steps=100, min_lr=0.01)
    within(closed_form(scheduler, steps), ours, lambda t: 0.01 + 0.29 * (1 + np.cos(np.pi * t / 100)) / 2, steps)


def test_linear_decay_is_torchs_also_past_the_end():
    steps = np.arange(150)
    scheduler = lr_scheduler.LinearLR(torch_optimizer(0.3), start_factor=1.0, end_factor=0.0, total_iters=100)
    ours = reference.linear_decay(steps, base_lr=0.3, total_steps=100)
    within(closed_form(scheduler, steps), ours, lambda t: 0.3 * (1 - np.minimum(t, 100) / 100), steps)


def test_warmup_and_decay_are_torchs_one_after_the_other():
    """Torch's warm-up starts above 0, so only the shape is the same: its rate at step t is ours at t + 1 of T_w + 1."""
    steps = np.arange(9)
    scheduler = lr_scheduler.LinearLR(torch_optimizer(0.3), start_factor=0.1, end_factor=1.0, total_iters=9)
    ours = reference.linear_warmup(steps + 1, base_lr=0.3, warmup_steps=10)
    within(closed_form(scheduler, steps), ours, lambda t: 0.3 * (0.1 + 0.9 * t / 9), steps)


@pytest.mark.parametrize("max_norm", [0.5, 3.0, 100.0])
def test_clipping_is_torchs_but_for_what_torch_adds_to_the_length(max_norm):
    grads = draws("gradient", "float64")
    params = [torch.nn.Parameter(torch.zeros(shape, dtype=torch.float64)) for shape in SHAPES]
    for p, g in zip(params, grads, strict=True):
        p.grad = torch.from_numpy(g.copy())
    length = float(torch.nn.utils.clip_grad_norm_(params, max_norm))
    exact = Exact(PRECISIONS["float64"])
    ours = reference.clip_grad_norm([exact.array(g) for g in grads], max_norm=max_norm)
    added = length / (length + 1e-6) if length + 1e-6 > max_norm else 1.0
    agree([p.grad.numpy() for p in params if p.grad is not None], [added * g for g in ours])
