"""Regularization against what others wrote: PyTorch, NumPy, SciPy, scikit-learn, Pillow and the text of Keras."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F
from sklearn.linear_model import Lasso, Ridge

from gongsik import Draws, reference, torch_impl
from gongsik.conformance.agreement import Exact, compare, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case

FLOAT64 = PRECISIONS["float64"]
DRAWS = Draws(0)


def of_reference(name, *arguments, **options):
    """The reference's value, with its bound, in float64."""
    return values(Exact(FLOAT64), name, Case(arguments, options))


def assert_inside(theirs, expected):
    verdict = compare(np.asarray(theirs), expected)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def images(n=4, c=3, h=7, w=5):
    return DRAWS.normal("images", (n, c, h, w))


# A price on large weights


def test_step_of_weight_decay_is_that_of_torch_sgd():
    """torch.optim.SGD(weight_decay=...), over several steps of a tree."""
    params = {"weight": DRAWS.normal("weight", (3, 4)), "bias": DRAWS.normal("bias", 3)}
    theirs = [torch.tensor(w, requires_grad=True) for w in params.values()]
    sgd = torch.optim.SGD(theirs, lr=0.1, weight_decay=0.3)
    for step in range(5):
        grads = {name: DRAWS.normal(name, w.shape, counter=step + 1) for name, w in params.items()}
        for leaf, gradient in zip(theirs, grads.values(), strict=True):
            leaf.grad = torch.tensor(gradient)
        before = {name: leaf.detach().numpy().copy() for name, leaf in zip(params, theirs, strict=True)}
        sgd.step()
        expected = of_reference("weight_decay", before, grads, lr=0.1, weight_decay=0.3)
        for leaf, bounded in zip(theirs, expected.values(), strict=True):
            assert_inside(leaf.detach(), bounded)


def test_penalties_are_norms_of_torch():
    w = DRAWS.normal("weight", (30, 20))
    assert_inside(torch.linalg.vector_norm(torch.tensor(w)) ** 2 / 2, of_reference("l2_penalty", w))
    assert_inside(torch.linalg.vector_norm(torch.tensor(w), 1), of_reference("l1_penalty", w))


@pytest.mark.parametrize("strength", [0.01, 0.1, 1.0])
def test_ridge_and_lasso_of_scikit_learn_are_stationary(strength):
    """At their coefficients no direction lowers our objective: the KKT conditions of ridge and lasso hold."""
    x = DRAWS.normal("x", (40, 6))
    y = x @ np.array([2.0, -1.0, 0.5, 0.0, 0.0, 0.0]) + 0.1 * DRAWS.normal("y", 40)
    m, n = x.shape
    curvature = np.linalg.norm(x, 2) ** 2

    def gamma(k):
        return k * FLOAT64.unit / (1 - k * FLOAT64.unit)

    def rounding(w):
        """Of the sums over the samples: of theirs, and of ours (Higham 2002, section 3.1)."""
        return 2 * gamma(m + 2) * np.linalg.norm(np.abs(x).T @ (np.abs(x) @ np.abs(w) + np.abs(y))) / m

    def residual_slope(w):
        return reference.value_and_grad(lambda w: reference.mse(x @ w, y) / 2)(w)[1]

    ridge = Ridge(alpha=40 * strength, fit_intercept=False, solver="cholesky").fit(x, y).coef_
    penalty_slope = reference.value_and_grad(lambda w: reference.l2_penalty(w, strength=strength))(ridge)[1]
    # What Cholesky leaves of a system: Higham 2002, theorem 10.4.
    left = gamma(3 * n + 1) * n * (curvature + m * strength) * np.linalg.norm(ridge) / m
    assert np.linalg.norm(residual_slope(ridge) + penalty_slope) <= left + rounding(ridge)

    lasso = Lasso(alpha=strength, fit_intercept=False, tol=1e-15, max_iter=100_000).fit(x, y).coef_
    slope, penalty_slope = residual_slope(lasso), reference.value_and_grad(reference.l1_penalty)(lasso)[1]
    used = lasso != 0
    # It stops at a duality gap of tol |y|^2, and no proximal gradient is longer than the root of 2 L times the gap.
    gap = np.sqrt(2 * curvature * 1e-15 * (y @ y)) / m + rounding(lasso)
    assert np.abs((slope + strength * penalty_slope)[used]).max(initial=0) <= gap
    assert np.abs(slope[~used]).max(initial=0) <= strength + gap
    assert (~used).any(), "no coefficient is 0: nothing of the subgradient was tested"


# Stopping in time


def keras_early_stopping(losses, patience, min_delta):
    """keras.callbacks.EarlyStopping with mode="min", by its documentation: the epoch of the stop, and the best one."""
    best, best_epoch, wait = math.inf, 0, 0
    for epoch, loss in enumerate(losses):
        wait += 1
        if loss + min_delta < best:
            best, best_epoch, wait = loss, epoch, 0
        elif wait >= patience:
            return epoch, best_epoch
    return None, best_epoch


@pytest.mark.parametrize("bk", [reference, torch_impl], ids=["reference", "torch"])
@pytest.mark.parametrize("patience", [1, 2, 5])
@pytest.mark.parametrize("min_delta", [0.0, 0.125])
def test_early_stopping_stops_where_keras_does(bk, patience, min_delta):
    """On noisy curves that fall and rise again; in eighths, so that both decide between the same numbers."""
    for seed in range(20):
        t = np.arange(30)
        losses = np.rint(8 * ((t / 12 - 1) ** 2 + 0.3 * Draws(seed).normal("curve", 30))) / 8
        expected = keras_early_stopping(losses, patience, min_delta)
        state, stopped = None, None
        for epoch, loss in enumerate(losses):
            stop, state = bk.early_stopping(bk.asarray(np.array(loss)), state, patience=patience, min_delta=min_delta)
            if stop:
                stopped = epoch
                break
        assert state is not None
        assert (stopped, int(state.best_step) - 1) == expected


# Other pictures with the same label


@pytest.mark.parametrize("turns", range(-5, 6))
def test_rotation_is_that_of_numpy_and_scipy(turns):
    x = images()
    turned = reference.rotate(x, quarter_turns=turns)
    assert np.array_equal(turned, np.rot90(x, turns, (-2, -1)))
    assert np.array_equal(torch_impl.rotate(torch.tensor(x), quarter_turns=turns).numpy(), turned)
    theirs = scipy.ndimage.rotate(x, 90 * turns, axes=(-1, -2), order=0)
    assert np.array_equal(turned, theirs)


def test_flips_are_those_of_numpy():
    x = images()
    assert np.array_equal(reference.horizontal_flip(x), x[..., ::-1])
    assert np.array_equal(reference.vertical_flip(x), x[..., ::-1, :])


@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (-1, 4), (7, 0), (-9, 5), (6, 4), (-7, -5)])
@pytest.mark.parametrize("fill", [0.0, -1.5])
def test_translation_is_that_of_scipy(shift, fill):
    """scipy.ndimage.shift(order=0), also by more than the image is large."""
    x = images()
    theirs = scipy.ndimage.shift(x, (0, 0, *shift), order=0, mode="constant", cval=fill)
    assert np.array_equal(reference.translate(x, shift=shift, fill=fill), theirs)
    assert np.array_equal(torch_impl.translate(torch.tensor(x), shift=shift, fill=fill).numpy(), theirs)


@pytest.mark.parametrize("size", [(2, 3), (90, 60)])
def test_crops_are_slices_of_numpy(size):
    """Small windows and large ones, which torch cuts out in another way."""
    x, places = images(h=100, w=70), [np.array([0, 5, 10, 3]), np.array([10, 0, 4, 7])]
    theirs = np.stack([x[k, :, i : i + size[0], j : j + size[1]] for k, (i, j) in enumerate(zip(*places, strict=True))])
    assert np.array_equal(reference.random_crop(x, *places, size=size), theirs)
    ours = torch_impl.random_crop(torch.tensor(x), *map(torch.tensor, places), size=size)
    assert np.array_equal(ours.numpy(), theirs)


def test_grayscale_is_that_of_pillow():
    """Pillow's conversion to "L" rounds the same weights, in 16 bits, to a whole number."""
    from PIL import Image

    colors = DRAWS.integers("colors", (6, 8, 3), 256).astype(np.uint8)
    theirs = np.asarray(Image.fromarray(colors).convert("L"), float)
    ours = reference.to_grayscale(np.moveaxis(colors.astype(float), -1, 0))[0]
    assert np.abs(ours - theirs).max() <= 0.5 + 3 * 255 / 2**16  # half a step of rounding, and that of three weights


def test_color_jitter_is_the_contrast_and_shift_of_plain_pixels():
    """Pillow's contrast blends with the mean, as torchvision's does; here in real numbers, pixel by pixel."""
    x, draws = np.clip(images() / 4 + 0.5, 0, 1), DRAWS.uniform("jitter", (4, 2))
    expected = of_reference("color_jitter", x, draws, brightness=0.3, contrast=0.5)
    theirs = np.empty_like(x)
    for i, image in enumerate(x):
        factor, shift = 1 + 0.5 * (2 * draws[i, 0] - 1), 0.3 * (2 * draws[i, 1] - 1)
        blend = factor * image + (1 - factor) * math.fsum(image.ravel()) / image.size
        theirs[i] = np.minimum(np.maximum(blend + shift, 0), 1)
    assert_inside(theirs, expected)


# Softer labels, mixed samples


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.5, 1.0])
def test_label_smoothing_is_that_of_torch(eps):
    """F.cross_entropy(label_smoothing=eps), and F.cross_entropy on our targets."""
    logits, labels = DRAWS.normal("logits", (8, 5)), DRAWS.integers("labels", 8, 5)
    exact = Exact(FLOAT64)
    targets = reference.label_smoothing(exact.array(np.eye(5)[labels]), eps=eps)
    expected = reference.cross_entropy(reference.softmax(exact.array(logits)), targets)
    z, smooth = torch.tensor(logits), reference.label_smoothing(np.eye(5)[labels], eps=eps)
    assert_inside(F.cross_entropy(z, torch.tensor(labels), label_smoothing=eps), expected)
    assert_inside(F.cross_entropy(z, torch.tensor(smooth)), expected)


def test_mixup_is_the_roll_of_torchvision():
    """torchvision.transforms.v2.MixUp mixes a batch with itself, rolled by one: written out as there."""
    x, y, lam = images(), np.eye(4), 0.3
    theirs = [torch.tensor(a).roll(1, 0).mul_(1 - lam).add_(torch.tensor(a).mul(lam)) for a in (x, y)]
    expected = of_reference("mixup", x, y, np.full(4, lam), np.roll(np.arange(4), 1))
    for result, bounded in zip(theirs, expected, strict=True):
        assert_inside(result, bounded)


def test_cutmix_and_cutout_are_slices_of_torch():
    """A box of even size is cut as torchvision.transforms.v2.CutMix does it: by corners clamped to the image."""
    x, y = torch.tensor(images(4, 3, 8, 10)), torch.eye(4, dtype=torch.float64)
    for row, column, half in ((0, 0, 2), (4, 5, 1), (7, 9, 3), (2, 8, 4)):
        y1, y2 = (min(max(row + step, 0), 8) for step in (-half, half))
        x1, x2 = (min(max(column + step, 0), 10) for step in (-half, half))
        mixed, erased = x.clone(), x.clone()
        mixed[..., y1:y2, x1:x2] = x.roll(1, 0)[..., y1:y2, x1:x2]
        erased[..., y1:y2, x1:x2] = 0
        share = (x2 - x1) * (y2 - y1) / 80  # of the partner; torchvision's lambda is 1 minus that
        place, partner = (np.full(4, row), np.full(4, column)), np.roll(np.arange(4), 1)
        ours = reference.cutmix(x.numpy(), y.numpy(), *place, partner, size=2 * half)
        assert np.array_equal(ours[0], mixed.numpy())
        soft = of_reference("cutmix", x.numpy(), y.numpy(), *place, partner, size=2 * half)[1]
        assert_inside((1 - share) * y + share * y.roll(1, 0), soft)
        assert np.array_equal(reference.cutout(x.numpy(), *place, size=2 * half), erased.numpy())


# Dropping units


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 1.0])
def test_inverted_dropout_is_that_of_torch(p):
    """F.dropout keeps what we keep: draws that are made of its own mask."""
    h = torch.tensor(DRAWS.normal("h", 1000))
    torch.manual_seed(0)
    theirs = F.dropout(h, p)
    kept = (theirs != 0).numpy()
    uniform = np.where(kept, p + (1 - p) / 2, p / 2)
    assert_inside(theirs, of_reference("inverted_dropout", h.numpy(), uniform, p=p))
    assert np.array_equal(reference.dropout(h.numpy(), uniform, p=p), np.where(kept, h.numpy(), 0))
    assert_inside(F.dropout(h, p, training=False) * (1 - p), of_reference("dropout_inference", h.numpy(), p=p))


def test_output_layer_is_the_loop_of_the_notes():
    """Sums node by node, leaving out the dropped ones, then the bias."""
    h, weight, bias = DRAWS.normal("h", 5), DRAWS.normal("weight", (5, 3)), DRAWS.normal("bias", 3)
    dropped = DRAWS.uniform("drop", 5) < 0.6
    sums = [math.fsum(h[j] * weight[j, k] for j in range(5) if not dropped[j]) + bias[k] for k in range(3)]
    assert dropped.any()
    assert_inside(sums, of_reference("dropout_output_layer", h, weight, bias, dropped))


def test_boundary_of_dropout_is_a_draw_equal_to_p_in_every_format():
    """PyTorch's kernel compares with the number below p, in the format of the draws; plain torch compares with p."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        for p in (0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.75, 0.9, 0.999, 1e-3):
            edge = torch.tensor(p, dtype=dtype)
            below, above = (torch.nextafter(edge, torch.tensor(end, dtype=dtype)) for end in (0.0, 1.0))
            uniform = torch.stack([below, edge, above, torch.zeros_like(edge)])
            kept = torch_impl.dropout(torch.ones_like(uniform), uniform, p=p)
            assert torch.equal(kept, (uniform >= edge).to(dtype)), (dtype, p)
