"""Adversarial networks against what others wrote: PyTorch's autograd and kernels, SciPy's distances and programs."""

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
import scipy.spatial.distance
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gongsik import reference, torch_impl
from gongsik.conformance.agreement import Exact, Target, check_values, compare, gradients, result_weights, values
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.conformance.cases.gan import make_critic
from gongsik.conformance.strategies import PRECISION, Case, PerBackend, find, inputs
from gongsik.spec.gan import Game, HistoryState, Players

FEW = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
FLOAT64 = PRECISIONS["float64"]
BACKENDS = {"reference": reference, "torch": torch_impl}
RNG = np.random.default_rng(7)


@pytest.fixture(autouse=True)
def in_float64():
    token = PRECISION.set(FLOAT64)
    yield
    PRECISION.reset(token)


def bounded(name, *arguments, **options):
    """The reference's value with its error bound."""
    given = [Bounded(x, None, FLOAT64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in arguments]
    with np.errstate(all="ignore"):
        return getattr(reference, name)(*given, **options)


def agree(found, expected):
    verdict = compare(np.asarray(found), expected, FLOAT64)
    assert verdict.agreed, verdict.message


@FEW
@given(inputs("discriminator_loss"))
def test_losses_are_torch_s_cross_entropy_of_logits(case):
    real, fake = (torch.tensor(x) for x in case.arguments)
    yes, no = F.logsigmoid, lambda logit: F.logsigmoid(-logit)
    agree(-yes(real).mean() - no(fake).mean(), bounded("discriminator_loss", *case.arguments))
    agree(-yes(fake).mean(), bounded("non_saturating_generator_loss", case.arguments[1]))
    agree(no(fake).mean(), bounded("generator_loss", case.arguments[1]))
    # torch's cross-entropy takes log D from the logit itself: it is as exact as the logit is large
    bce = F.binary_cross_entropy_with_logits
    expected = bounded("discriminator_loss", *case.arguments)
    size = sum(np.abs(x).mean() for x in case.arguments)
    blurred = Bounded(expected.value, expected.error + 4 * FLOAT64.unit * size, FLOAT64)
    agree(bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake)), blurred)


@FEW
@given(inputs("wasserstein_distance"))
def test_the_distance_is_scipy_s(case):
    x, y, x_weights, y_weights = case.arguments
    agree(
        scipy.stats.wasserstein_distance(x, y, x_weights, y_weights), bounded("wasserstein_distance", *case.arguments)
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_distance_is_the_value_of_the_transport_program_and_of_its_dual(seed):
    """The least cost of a plan, and the best 1-Lipschitz critic, by linear programming on a grid."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 6, 2)
    x, y = np.sort(rng.integers(-8, 9, n) / 4), np.sort(rng.integers(-8, 9, m) / 4)
    p, q = (rng.dirichlet(np.ones(k)) for k in (n, m))
    cost = np.abs(x[:, None] - y[None, :])
    marginals = np.concatenate([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
    plan = scipy.optimize.linprog(cost.ravel(), A_eq=marginals, b_eq=np.concatenate([p, q]))
    places = np.unique(np.concatenate([x, y]))
    weight = np.bincount(np.searchsorted(places, x), p, len(places)) - np.bincount(
        np.searchsorted(places, y), q, len(places)
    )
    i, j = np.nonzero(~np.eye(len(places), dtype=bool))
    rows = np.eye(len(places))[i] - np.eye(len(places))[j]
    limits = np.abs(places[i] - places[j])
    fixed = [(0, 0), *[(None, None)] * (len(places) - 1)]  # a critic plus a constant is as good
    critic = scipy.optimize.linprog(-weight, A_ub=rows if len(rows) else None, b_ub=limits if len(rows) else None,
                                    bounds=fixed)  # fmt: skip
    for backend in BACKENDS.values():
        found = float(backend.wasserstein_distance(*(backend.asarray(v) for v in (x, y, p, q))))
        # the solver's own tolerance of feasibility is 1e-7, per constraint, at costs of at most 4
        assert abs(plan.fun - found) <= 4e-7 * (n + m)
        assert abs(-critic.fun - found) <= 4e-7 * (n + m)


@FEW
@given(st.lists(st.integers(0, 5), min_size=2, max_size=6).filter(any), st.integers(0, 2**32 - 1))
def test_the_value_at_the_best_discriminator_is_scipy_s_divergence(counts, seed):
    """2 JSD - log 4; SciPy gives the root of JSD."""
    other = np.random.default_rng(seed).integers(0, 5, len(counts))
    other[0] += not other.any()
    p, q = np.array(counts) / sum(counts), other / other.sum()
    best = p / np.where(p + q > 0, p + q, 1)
    found = reference.value_function(np.repeat(best, counts), np.repeat(best, other))
    root = scipy.spatial.distance.jensenshannon(p, q)
    # SciPy's root of a divergence near 0 has half the digits; its square is off by as many roundings as terms
    assert abs(found - (2 * root**2 - np.log(4))) <= 64 * len(counts) * FLOAT64.unit


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 2), (4, 4), (3, 6, 2)])
def test_the_constant_is_the_spectral_norm(shape):
    w = RNG.standard_normal(shape)
    expected = Exact(FLOAT64).lipschitz_constant(Bounded(w, None, FLOAT64))
    agree(torch.linalg.matrix_norm(torch.tensor(w), ord=2), expected)
    agree(torch_impl.lipschitz_constant(torch.tensor(w)), expected)
    if w.ndim == 2:
        agree(scipy.linalg.svdvals(w)[0], expected)


def tensors(*shapes):
    return [torch.tensor(RNG.standard_normal(shape)) for shape in shapes]


@FEW
@given(inputs("gradient_penalty"))
def test_the_penalty_is_the_double_backward_of_torch(case):
    """Value and gradient of the penalty, written by hand with create_graph."""
    _, arrays, *rest = case.arguments
    params = {name: torch.tensor(x, requires_grad=True) for name, x in arrays.items()}
    real, fake, u = (torch.tensor(x) for x in rest)
    share = u.reshape(-1, *[1] * (real.ndim - 1))
    x = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(make_critic(torch)(params, x).sum(), x, create_graph=True)
    excess = slope.reshape(len(x), -1).norm(dim=1) - 1
    excess = excess.clamp(min=0) if case.options["one_sided"] else excess
    expected = case.options["strength"] * (excess**2).mean()
    agree(expected.detach(), values(Exact(FLOAT64), "gradient_penalty", case))
    (weight,) = result_weights(FLOAT64, "gradient_penalty", case)
    by_hand = torch.autograd.grad(expected * torch.tensor(weight), list(params.values()), materialize_grads=True)
    bounds = gradients(Exact(FLOAT64), find("gradient_penalty"), case)[0]
    for name, found in zip(params, by_hand, strict=True):
        agree(found, bounds[name])
    ours = torch_impl.gradient_penalty(make_critic(torch), params, real, fake, u, **case.options)
    (ours * torch.tensor(weight)).backward()  # the plain way to train
    for name, p in params.items():
        agree(np.zeros(p.shape) if p.grad is None else p.grad, bounds[name])


def mlp(params, x):
    return torch.tanh(x @ params["w"] + params["b"]) @ params["v"]


def test_the_penalty_needs_no_record_where_none_is_wanted():
    """Under no_grad the value is the same, and has no graph."""
    w, b, v, real, fake = tensors((3, 5), (5,), (5,), (4, 3), (4, 3))
    params, u = {"w": w, "b": b, "v": v}, torch.full((4,), 0.5, dtype=torch.float64)
    with torch.no_grad():
        value = torch_impl.gradient_penalty(mlp, params, real, fake, u)
    assert not value.requires_grad
    assert value == torch_impl.gradient_penalty(mlp, params, real, fake, u).detach()
    flat = torch_impl.gradient_penalty(lambda params, x: params["b"], params, real, fake, u)
    assert float(flat) == 10.0  # a critic that does not look has slope 0


def test_clipping_is_torch_s_clamp():
    (w,) = tensors((5, 4))
    agree(torch_impl.weight_clipping([w], c=0.3)[0], Bounded(torch.clamp(w, -0.3, 0.3).numpy(), None, FLOAT64))


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("noise", ["shared", "fresh"])
def test_training_is_what_torch_s_optimizers_do(k, noise):
    """Modules, torch.optim.SGD and backward(), in the order of the paper's algorithm: the same parameters after it."""
    torch.manual_seed(0)
    rounds, n, latent, d = 3, 6, 2, 3
    per_round = k + (noise == "fresh")
    generator, judge = torch.nn.Linear(latent, d).double(), torch.nn.Linear(d, 1).double()
    start = [{name: p.detach().clone() for name, p in net.named_parameters()} for net in (generator, judge)]
    x, z = tensors((rounds * k, n, d), (rounds * per_round, n, latent))
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5) for net in (generator, judge)]
    bce = F.binary_cross_entropy_with_logits
    for r in range(rounds):
        for j in range(k):
            optimizers[1].zero_grad()
            real, fake = judge(x[r * k + j]), judge(generator(z[r * per_round + j]).detach())
            (bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))).backward()
            optimizers[1].step()
        optimizers[0].zero_grad()
        fake = judge(generator(z[(r + 1) * per_round - 1]))
        bce(fake, torch.ones_like(fake)).backward()
        optimizers[0].step()

    def linear(params, x):
        return x @ params["weight"].T + params["bias"]

    def game(bk):
        def step(params, grads, state):
            return bk.momentum(params, grads, state, lr=0.1, beta=0.5)

        return Game(
            linear,
            lambda d, fake, real: bk.discriminator_loss(linear(d, real), linear(d, fake)),
            lambda d, fake, real: bk.non_saturating_generator_loss(linear(d, fake)),
            step,
            step,
        )

    arrays = [{name: p.numpy() for name, p in params.items()} for params in start]
    case = Case((PerBackend(game), Players(*arrays), (x.numpy(),), (z.numpy(),)), {"k": k, "noise": noise})
    expected = values(Exact(FLOAT64), "alternating_training", case).players
    for net, bounds in ((generator, expected.generator), (judge, expected.discriminator)):
        for name, p in net.named_parameters():
            agree(p.detach(), bounds[name])
    for name, backend in BACKENDS.items():
        assert check_values(Target(backend, FLOAT64, name=name), "alternating_training", case).agreed


def test_history_in_both_backends_is_numpy_s_mean():
    history = RNG.standard_normal((6, 4))
    mean = Bounded(history[:5], None, FLOAT64).mean(0)
    expected = ((history[5] - mean) ** 2).sum()
    for backend in BACKENDS.values():
        state: HistoryState | None = None
        for row in history[:5]:
            _, state = backend.historical_averaging(backend.asarray(row), state)
        agree(backend.historical_averaging(backend.asarray(history[5]), state)[0], expected)
