"""Autoregressive models against torch and SciPy: definitions written as loops, cells per pixel, masked convolutions."""

import itertools

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gongsik import Draws, reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, convert, flatten
from gongsik.conformance.bounded import PRECISIONS
from gongsik.spec.autoregressive import NADE, DiagonalBiLSTM, RealNADE, RowLSTM
from gongsik.torch_impl import autoregressive as inside

EXACT = Exact(PRECISIONS["float64"])
DRAWS = Draws(11)
N, D, H = 4, 9, 5


def draw(name: str, *shape: int) -> np.ndarray:
    return DRAWS.normal(name, shape) / 2


def params_of(config) -> dict[str, np.ndarray]:
    return {name: draw(name, *shape) for name, shape in config.parameters().items()}


def tensors(params, grad: bool = False) -> dict[str, Tensor]:
    return {name: torch.from_numpy(p.copy()).requires_grad_(grad) for name, p in params.items()}


def binary(*shape: int) -> np.ndarray:
    return (DRAWS.uniform("binary", shape) < 0.4).astype(float)


def agree(theirs, ours) -> None:
    """Another library's result lies within the bound of ours."""
    verdict = compare(theirs.detach().numpy() if isinstance(theirs, Tensor) else theirs, ours)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


# NADE: the definition, one image and one pixel at a time


def log_p_by_definition(p: dict[str, Tensor], x: Tensor) -> Tensor:
    totals = []
    for image in x:
        total = x.new_zeros(())
        for i in range(len(image)):
            hidden = torch.sigmoid(p["w"][:, :i] @ image[:i] + p["c"])
            total = total + torch.distributions.Bernoulli(logits=p["alpha"][i] @ hidden + p["b"][i]).log_prob(image[i])
        totals.append(total)
    return torch.stack(totals)


@pytest.mark.parametrize(("n", "d", "h"), [(N, D, H), (1, 1, 1), (300, 40, 60), (2, 50, 3)])
def test_nade_and_its_gradients_are_those_of_the_definition(n, d, h):
    """In blocks of one pixel, of some, and of all of them: the gradient is written by hand, theirs is autograd's."""
    config, x = NADE(d, h), binary(n, d)
    params, upstream = params_of(config), draw("upstream", n)
    expected = tensors(params, grad=True)
    log_p = log_p_by_definition(expected, torch.from_numpy(x))
    (log_p * torch.from_numpy(upstream)).sum().backward()
    bounds = reference.nade(config, convert(params, EXACT), EXACT.array(x))
    agree(log_p, bounds)
    given = tensors(params, grad=True)
    mine = torch_impl.nade(config, given, torch.from_numpy(x))
    agree(mine, bounds)
    (mine * torch.from_numpy(upstream)).sum().backward()
    if n < 10:
        _, slopes = reference.value_and_grad(
            lambda p: (reference.nade(config, p, EXACT.array(x)) * EXACT.array(upstream)).sum()
        )(convert(params, EXACT))
        for (a, b), (c, _) in zip(
            flatten({k: p.grad for k, p in expected.items()}, slopes),
            flatten({k: p.grad for k, p in given.items()}, slopes), strict=True,
        ):  # fmt: skip
            agree(a, b)
            agree(c, b)
    else:  # both are sums of the same terms: of n d of them at most, each rounded a few times
        for name, p in given.items():
            mine, theirs = (x.grad.numpy() for x in (p, expected[name]))  # pyright: ignore[reportOptionalMemberAccess]
            room = 64 * np.sqrt(n * d) * PRECISIONS["float64"].unit * np.abs(theirs).max()
            assert np.abs(mine - theirs).max() <= room, name


def test_nade_has_second_derivatives():
    """The backward pass by hand is recorded where it has to be; against autograd through the definition."""
    config, x = NADE(4, 3), torch.from_numpy(binary(3, 4))
    params = params_of(config)

    def hessian_times_ones(function) -> list[Tensor]:
        p = tensors(params, grad=True)
        slopes = torch.autograd.grad(function(p).sum(), list(p.values()), create_graph=True)
        return list(torch.autograd.grad(sum(s.sum() for s in slopes), list(p.values())))  # pyright: ignore

    ours = hessian_times_ones(lambda p: torch_impl.nade(config, p, x))
    theirs = hessian_times_ones(lambda p: log_p_by_definition(p, x))
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() <= 4096 * PRECISIONS["float64"].unit * b.abs().max()
        assert b.abs().max() > 0


def test_some_parameters_may_be_constants_and_the_image_may_have_a_gradient():
    config, x = NADE(5, 3), torch.from_numpy(binary(2, 5))
    given = tensors(params_of(config))
    given["alpha"].requires_grad_()
    torch_impl.nade(config, given, x).sum().backward()
    expected = tensors(params_of(config), grad=True)
    log_p_by_definition(expected, x).sum().backward()
    assert given["w"].grad is None
    room = 4096 * PRECISIONS["float64"].unit
    assert (given["alpha"].grad - expected["alpha"].grad).abs().max() <= room * expected["alpha"].grad.abs().max()  # pyright: ignore
    x.requires_grad_()
    assert torch.autograd.grad(torch_impl.nade(config, given, x).sum(), x)[0].abs().max() > 0


def test_chances_of_all_1024_images_of_10_pixels_sum_to_1():
    config = NADE(10, 6)
    x = np.array(list(itertools.product((0.0, 1.0), repeat=10)))
    for gs in (reference, torch_impl):
        params = {name: gs.asarray(p) for name, p in params_of(config).items()}
        log_p = gs.to_numpy(gs.nade(config, params, gs.asarray(x)))
        assert np.abs(scipy.special.logsumexp(log_p)) < 1024 * PRECISIONS["float64"].unit
        # each conditional chance, too: of two images that differ in the last pixel, one of them is there
        pairs = scipy.special.logsumexp(log_p.reshape(-1, 2), axis=1)
        assert np.abs(scipy.special.logsumexp(pairs)) < 1024 * PRECISIONS["float64"].unit


def test_torch_multiplies_in_proportion_to_the_pixels():
    """Its products, forwards and backwards: 4 times the pixels are 4 times the work, where the definition needs 16."""

    def products(d: int) -> int:
        config, x = NADE(d, 64), torch.from_numpy(binary(300, d))
        given = tensors(params_of(config), grad=True)
        with FlopCounterMode(display=False) as counter:
            torch_impl.nade(config, given, x).sum().backward()
        return counter.get_total_flops()

    assert products(256) < 4.5 * products(64)


def test_torch_keeps_no_hidden_layer_of_every_pixel():
    """For the way back it keeps the parameters, the images and their logits: nothing of n d h numbers."""
    n, d, h = 50, 60, 70
    config = NADE(d, h)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        torch_impl.nade(config, tensors(params_of(config), grad=True), torch.from_numpy(binary(n, d)))
    assert max(kept) == d * h
    assert sum(kept) <= 2 * d * h + h + d + 2 * n * d


@pytest.mark.parametrize("backend", [reference, torch_impl], ids=["reference", "torch"])
def test_samples_follow_the_chances_that_the_definition_gives(backend):
    """20,000 draws of 16 images: the chi-square test, with a false alarm in one of a million runs."""
    config, n = NADE(4, 3), 20_000
    params = {name: 3 * p for name, p in params_of(config).items()}
    x = np.array(list(itertools.product((0.0, 1.0), repeat=4)))
    p = log_p_by_definition(tensors(params), torch.from_numpy(x)).exp().numpy()
    u = DRAWS.uniform("sampling", (n, 4))
    drawn = backend.to_numpy(
        backend.nade_sample(config, {name: backend.asarray(q) for name, q in params.items()}, backend.asarray(u))
    ).astype(int)
    counts = np.bincount(drawn @ [8, 4, 2, 1], minlength=16)
    assert scipy.stats.chisquare(counts, n * p / p.sum()).pvalue > 1e-6


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_real_nade_is_a_mixture_of_torch_distributions(activation):
    config = RealNADE(6, 4, 3, activation)
    params, x = params_of(config), draw("x", 3, 6)
    p, images = tensors(params), torch.from_numpy(x)
    rho = {"relu": torch.relu, "sigmoid": torch.sigmoid}[activation]
    total = torch.zeros(3, dtype=torch.float64)
    for i in range(6):
        hidden = rho(p["rho"][i] * (images[:, :i] @ p["w"][:, :i].T + p["c"]))
        pi, mu, sigma = (
            F.linear(hidden, p[f"{part}.weight"][i], p[f"{part}.bias"][i]) for part in ("pi", "mu", "sigma")
        )
        total += torch.distributions.MixtureSameFamily(
            torch.distributions.Categorical(logits=pi), torch.distributions.Normal(mu, sigma.exp())
        ).log_prob(images[:, i])
    bounds = reference.real_nade(config, convert(params, EXACT), EXACT.array(x))
    agree(total, bounds)
    agree(torch_impl.real_nade(config, p, images), bounds)


# PixelRNN


def test_factorization_is_the_cross_entropy_of_torch():
    logits, x = draw("logits", 2, 3, 7, 4, 5), DRAWS.integers("levels", (2, 3, 4, 5), 7)
    theirs = F.cross_entropy(torch.from_numpy(logits).movedim(2, 1), torch.from_numpy(x), reduction="none").sum(
        (1, 2, 3)
    )
    agree(-theirs, reference.pixel_rnn_factorization(EXACT.array(logits), x))


@pytest.mark.parametrize("kind", ["A", "B"])
@pytest.mark.parametrize("channels", [1, 3])
def test_masks_are_those_written_out_pixel_by_pixel(kind, channels):
    """The loop of the published description, and a convolution with it."""
    o, i, k = 6, 9, 5
    weight, x = draw("weight", o, i, k, k), draw("x", 2, i, 6, 7)
    mask = np.zeros((o, i, k, k))
    for a, b, u, v in itertools.product(range(o), range(i), range(k), range(k)):
        before = u < k // 2 or (u == k // 2 and v < k // 2)
        out_group, in_group = a // (o // channels), b // (i // channels)
        itself = in_group < out_group or (in_group == out_group and kind == "B")
        mask[a, b, u, v] = before or ((u, v) == (k // 2, k // 2) and itself)
    for gs in (reference, torch_impl):
        masked = gs.to_numpy(gs.context_mask(gs.asarray(weight), kind=kind, channels=channels))
        assert np.array_equal(masked, mask * weight)
    theirs = F.conv2d(torch.from_numpy(x), torch.from_numpy(mask * weight), padding=k // 2)
    exact = reference.context_mask(EXACT.array(weight), kind=kind, channels=channels)
    agree(theirs, reference.conv2d(EXACT.array(x), exact, padding=k // 2))


def cell_of(inputs: int, hidden: int, weight_ih: Tensor, weight_hh: Tensor, bias: Tensor) -> nn.LSTMCell:
    cell = nn.LSTMCell(inputs, hidden).double()
    cell.load_state_dict({"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias, "bias_hh": 0 * bias})
    return cell


@torch.no_grad()
def test_row_lstm_is_torchs_cell_at_every_pixel():
    """The cell reads the pixel with those to its left, and the states above it, side by side; what it was, is above."""
    (n, c, k, h, w), m = (2, 2, 3, 4, 5), 3
    config = RowLSTM(c, k, kernel_size=m)
    params, x = params_of(config), draw("x", n, c, h, w)
    p, image = tensors(params), F.pad(torch.from_numpy(x), (m // 2, 0))
    k_is, k_ss = p["input_to_state.weight"][..., 0, : m // 2 + 1], p["state_to_state.weight"][..., 0, :]
    reads = c * (m // 2 + 1) + k * m
    cell = cell_of(reads, k, torch.cat([k_is.flatten(1), k_ss.flatten(1)], 1), torch.zeros(4 * k, k).double(),
                   p["input_to_state.bias"])  # fmt: skip
    states, cells = torch.zeros(n, k, w + 2 * (m // 2)).double(), [torch.zeros(n, k).double()] * w
    rows = []
    for i in range(h):
        row = []
        for j in range(w):
            seen = torch.cat([image[:, :, i, j : j + m // 2 + 1].flatten(1), states[:, :, j : j + m].flatten(1)], 1)
            state, cells[j] = cell(seen, (torch.zeros(n, k).double(), cells[j]))
            row.append(state)
        rows.append(torch.stack(row, -1))
        states = F.pad(rows[-1], (m // 2, m // 2))
    theirs = torch.stack(rows, 2)
    bounds = reference.row_lstm(config, convert(params, EXACT), EXACT.array(x))
    agree(theirs, bounds)
    agree(torch_impl.row_lstm(config, p, torch.from_numpy(x)), bounds)


@torch.no_grad()
def test_diagonal_bilstm_is_torchs_cell_at_every_pixel():
    """Without a skew: the cell reads the pixel and the state above, after the state beside."""
    n, c, k, h, w = 2, 2, 3, 4, 5
    config = DiagonalBiLSTM(c, k)
    params, x = params_of(config), draw("x", n, c, h, w)
    p, zero = tensors(params), torch.zeros(n, k).double()

    def crossed(side: str, image: Tensor) -> Tensor:
        k_is, k_ss = p[f"{side}.input_to_state.weight"][..., 0, 0], p[f"{side}.state_to_state.weight"][..., 0]
        cell = cell_of(c + k, k, torch.cat([k_is, k_ss[..., 0]], 1), k_ss[..., 1], p[f"{side}.input_to_state.bias"])
        shown: dict[tuple[int, int], Tensor] = {}
        for i in range(h):
            state = memory = zero
            for j in range(w):
                state, memory = cell(torch.cat([image[:, :, i, j], shown.get((i - 1, j), zero)], 1), (state, memory))
                shown[i, j] = state
        return torch.stack([torch.stack([shown[i, j] for j in range(w)], -1) for i in range(h)], 2)

    image = torch.from_numpy(x)
    theirs = crossed("from_left", image)
    theirs[:, :, 1:] += crossed("from_right", image.flip(-1)).flip(-1)[:, :, :-1]
    bounds = reference.diagonal_bilstm(config, convert(params, EXACT), EXACT.array(x))
    agree(theirs, bounds)
    agree(torch_impl.diagonal_bilstm(config, p, image), bounds)


def test_columns_of_a_skewed_image_are_numpys_diagonals():
    x = draw("x", 4, 6)
    y = reference.skew(x)
    for t in range(9):
        column = y[max(0, t - 5) : min(3, t) + 1, t]
        assert np.array_equal(column, np.diagonal(x[:, ::-1], 5 - t))


def test_blocks_of_pixels_are_of_every_size():
    """What the tests above rely on: one pixel at a time, several, and all at once."""
    sizes = []
    for n, h in ((300, 60), (4, 5), (40, 60)):
        x, w = torch.zeros(40, n), torch.zeros(40, h)
        sizes.append([len(sums) for _, sums in inside._blocks(torch.zeros(n, h), x, w)])
    assert sizes[0] == 40 * [1]
    assert sizes[1] == [40]
    assert 1 < sizes[2][0] < 40
    assert sum(sizes[2]) == 40
