"""Autoencoders against torch, torch.distributions, scikit-learn and SciPy's integrals."""

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import integrate, special, stats
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import nn

import gongsik
from gongsik.conformance.agreement import Exact, Target, assert_agree, compare, evaluate, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case
from gongsik.spec.autoencoder import VAE, AdversarialAutoencoder, Autoencoder
from gongsik.torch_impl.autoencoder import LatentModule
from gongsik.torch_impl.layers import NetworkModule

DOUBLE = PRECISIONS["float64"]
BACKENDS = {name: gongsik.backend(name, dtype="float64") for name in ("reference", "torch")}
RNG = np.random.default_rng(0)
LOGITS, PIXELS = 3 * RNG.standard_normal((4, 7, 5)), RNG.uniform(size=(7, 5))
MU, LOG_VAR = RNG.standard_normal((2, 7, 3))


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def t(x):
    return torch.from_numpy(np.ascontiguousarray(x))


def assert_within(theirs, name, *arguments, **options):
    """Somebody else's result lies within the bound of our reference; ours do by the suite."""
    expected = values(Exact(DOUBLE), name, Case(arguments, options))
    verdict = compare(np.asarray(theirs), expected, DOUBLE)
    assert verdict.agreed, verdict.message
    assert verdict.conclusive


def test_bce_is_torch_bce_with_logits():
    theirs = F.binary_cross_entropy_with_logits(t(LOGITS[0]), t(PIXELS), reduction="sum") / 7
    assert_within(theirs, "reconstruction_loss", LOGITS[0], PIXELS, kind="bce")


def test_reconstruction_terms_are_log_probabilities_of_torch_distributions():
    bernoulli = torch.distributions.Bernoulli(logits=t(LOGITS), validate_args=False).log_prob(t(PIXELS))
    assert_within(bernoulli.sum(-1).mean(0), "reconstruction_term", LOGITS, PIXELS)
    normal = torch.distributions.Normal(t(LOGITS), 0.5).log_prob(t(PIXELS)).sum(-1).mean(0)
    assert_within(normal, "reconstruction_term", LOGITS, PIXELS, likelihood="gaussian", var=0.25)
    scipy = stats.norm.logpdf(PIXELS, LOGITS, 0.5).sum(-1).mean(0)
    assert_within(scipy, "reconstruction_term", LOGITS, PIXELS, likelihood="gaussian", var=0.25)


def test_gaussian_kl_is_that_of_torch_distributions():
    q = torch.distributions.Normal(t(MU), t(np.exp(LOG_VAR / 2)))
    p = torch.distributions.Normal(torch.zeros_like(t(MU)), torch.ones_like(t(MU)))
    assert_within(torch.distributions.kl_divergence(q, p).sum(-1), "gaussian_kl", MU, LOG_VAR)


def test_gaussian_kl_is_an_integral(bk):
    """Of q log(q/p), by SciPy's quadrature; its own estimate of its error is the room."""
    mu, log_var = 0.7, -0.4
    q = mu, math.exp(log_var / 2)
    log_ratio = lambda z: stats.norm.logpdf(z, *q) - stats.norm.logpdf(z)  # noqa: E731
    value, error = integrate.quad(lambda z: stats.norm.pdf(z, *q) * log_ratio(z), -9, 9, epsabs=1e-12)
    found = float(bk.gaussian_kl(bk.asarray([mu]), bk.asarray([log_var])))
    assert abs(found - value) <= error


def test_reparameterized_draws_are_those_of_rsample():
    """Of torch.distributions, given the noise that it has drawn; and so are the gradients."""
    mu, log_var = t(MU).requires_grad_(), t(LOG_VAR).requires_grad_()
    torch.manual_seed(0)
    z = torch.distributions.Normal(mu, (log_var / 2).exp()).rsample((6,))
    torch.manual_seed(0)
    noise = torch.normal(torch.zeros(6, 7, 3, dtype=torch.float64), torch.ones(6, 7, 3, dtype=torch.float64)).numpy()
    assert_within(z.detach(), "reparameterize", MU, LOG_VAR, noise)
    (z**2).sum().backward()

    def gradients(gs, m, s, e):
        return gs.value_and_grad(lambda p: (gs.reparameterize(*p, e) ** 2).sum())([m, s])[1]

    for theirs, ours in zip((mu, log_var), evaluate(gradients, Exact(DOUBLE), Case((MU, LOG_VAR, noise))), strict=True):
        assert theirs.grad is not None
        assert compare(theirs.grad.numpy(), ours, DOUBLE).agreed


# Evidence and its bound, by integrals: a code of one number, three pixels that are ink or paper


WEIGHT, BIAS, IMAGE = np.array([2.0, -1.0, 0.5]), np.array([-0.5, 0.3, 1.0]), np.array([1.0, 0.0, 1.0])


def log_likelihood(z):
    s = np.asarray(z)[..., None] * WEIGHT + BIAS
    return (IMAGE * special.log_expit(s) + (1 - IMAGE) * special.log_expit(-s)).sum(-1)


def elbo(bk, mu, log_var, nodes=80):
    """By Gauss and Hermite: each node is a draw, and its term counts by its weight."""
    eps, weight = np.polynomial.hermite_e.hermegauss(nodes)
    m, s = bk.asarray([[mu]]), bk.asarray([[log_var]])
    z = bk.to_numpy(bk.reparameterize(m, s, bk.asarray(eps[:, None, None])))  # [nodes 1 1]
    images = np.broadcast_to(IMAGE, (nodes, 3)).copy()
    terms = bk.to_numpy(bk.reconstruction_term(bk.asarray(z[:, 0] * WEIGHT + BIAS), bk.asarray(images)))
    return float(weight @ terms / weight.sum()) - float(bk.gaussian_kl(m, s)[0])


def test_log_evidence_of_a_bernoulli_model_is_bound_plus_gap(bk):
    """Evidence and divergence by SciPy's quadrature, the bound by ours: they differ by less than its error."""
    joint = lambda z: np.exp(log_likelihood(z)) * stats.norm.pdf(z)  # noqa: E731
    evidence, error = integrate.quad(joint, -12, 12, epsabs=1e-13)
    for mu, log_var in ((0.0, 0.0), (0.8, -0.5), (-1.0, 0.3)):
        std = math.exp(log_var / 2)

        def density(z, mu=mu, std=std):
            log_q = stats.norm.logpdf(z, mu, std)
            return np.exp(log_q) * (log_q - log_likelihood(z) - stats.norm.logpdf(z) + math.log(evidence))

        gap, gap_error = integrate.quad(density, mu - 9 * std, mu + 9 * std, epsabs=1e-11)
        found = elbo(bk, mu, log_var)
        # the last part: how much the nodes leave out, by half as many
        assert abs(found + gap - math.log(evidence)) <= error + gap_error + abs(found - elbo(bk, mu, log_var, 40))
        assert found < math.log(evidence)


def test_several_draws_estimate_the_bound_without_bias(bk):
    """The mean over 4,000 groups of draws lies within four standard errors: a false alarm in 16,000 such tests."""
    normal = gongsik.Draws(5).normal("groups", (4000, 3, 1, 1))
    mu, log_var = bk.asarray([[0.4]]), bk.asarray([[-0.3]])
    x = bk.asarray(IMAGE[None])
    z = bk.to_numpy(bk.reparameterize(mu, log_var, bk.asarray(normal)))  # [groups 3 1 1]
    output = np.moveaxis(z * WEIGHT + BIAS, 0, 2)[:, 0]  # [3 groups 3]
    wide = [bk.asarray(np.broadcast_to(bk.to_numpy(a), (4000, a.shape[1])).copy()) for a in (x, mu, log_var)]
    found = bk.to_numpy(bk.elbo(bk.asarray(output), *wide))
    assert abs(found.mean() - elbo(bk, 0.4, -0.3)) < 4 * found.std() / math.sqrt(4000)


# The linear case: scikit-learn's principal components


def test_linear_autoencoder_of_principal_components_is_pca(bk):
    """Codes are scikit-learn's scores and outputs its reconstructions, of the digits."""
    x = load_digits(return_X_y=True)[0][:300] / 16
    pca: Any = PCA(5, svd_solver="full").fit(x)
    config = Autoencoder((64, 5), last="identity")
    w = pca.components_
    params = {
        "encoder.0.weight": w,
        "encoder.0.bias": -w @ pca.mean_,
        "decoder.0.weight": w.T,
        "decoder.0.bias": pca.mean_,
    }
    found = bk.autoencoder(config, {name: bk.asarray(p) for name, p in params.items()}, bk.asarray(x))
    expected = values(Exact(DOUBLE), "autoencoder", Case((config, params, x)))
    for theirs, bounded in zip((pca.transform(x), pca.inverse_transform(pca.transform(x))), expected, strict=True):
        assert compare(theirs, bounded, DOUBLE).agreed
    loss = float(bk.reconstruction_loss(found.output, bk.asarray(x))) * len(x)
    left = (np.linalg.svd(x - x.mean(0), compute_uv=False)[5:] ** 2).sum()
    assert f"{loss:.9e}" == f"{left:.9e}"


def test_learning_finds_the_subspace_of_the_principal_components(bk):
    """Gradient descent from a random start: the error above PCA's falls by 1/1000 at least, and so does the angle."""
    x = np.random.default_rng(1).standard_normal((40, 4)) * [3.0, 2.0, 0.5, 0.3]
    x = x - x.mean(0)
    pca: Any = PCA(2).fit(x)
    least = ((x - pca.inverse_transform(pca.transform(x))) ** 2).sum() / len(x)
    config = Autoencoder((4, 2), last="identity")
    draws = gongsik.Draws(3)
    params = {name: bk.asarray(0.3 * draws.normal(name, shape)) for name, shape in config.parameters().items()}

    def loss(params):
        return bk.reconstruction_loss(bk.autoencoder(config, params, bk.asarray(x)).output, bk.asarray(x))

    def sine():
        """Of the largest angle between the two planes."""
        basis = np.linalg.qr(bk.to_numpy(params["decoder.0.weight"]))[0]
        return np.linalg.norm(basis - pca.components_.T @ (pca.components_ @ basis), 2)

    start, angle = float(loss(params)) - least, sine()
    for _ in range(300):
        params = bk.gradient_descent(params, bk.value_and_grad(loss)(params)[1], lr=0.02)
    assert 0 <= float(loss(params)) - least < start / 1000
    assert sine() < angle / 10


# Modules


def module_params(module):
    return {name: p.detach().numpy().astype(float) for name, p in module.state_dict().items()}


def test_modules_have_the_names_of_the_parameters_and_say_the_same():
    torch.manual_seed(0)
    x, normal = torch.rand(5, 6), torch.randn(5, 2)
    for config, name in ((VAE((6, 4, 2)), "vae"), (AdversarialAutoencoder((6, 4, 2)), "adversarial_autoencoder")):
        module = LatentModule(config)
        assert {k: tuple(p.shape) for k, p in module.state_dict().items()} == dict(config.parameters())
        said = getattr(gongsik.backend("torch"), name)(config, module.state_dict(), x, normal)
        assert all(ours.equal(theirs) for ours, theirs in zip(module(x, normal), said, strict=True))
    config = Autoencoder((6, 4, 2), "tanh")
    module = NetworkModule(config)
    assert gongsik.backend("torch").autoencoder(config, module.state_dict(), x).output.equal(module(x))


def test_vae_is_the_one_that_everybody_writes():
    """Modules of torch put together by hand, with our weights, within the bound."""

    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(6, 4), nn.Linear(4, 2), nn.Linear(4, 2)
            self.fc3, self.fc4 = nn.Linear(2, 4), nn.Linear(4, 6)

        def forward(self, x, eps):
            hidden = F.relu(self.fc1(x))
            mu, log_var = self.fc21(hidden), self.fc22(hidden)
            z = mu + eps * torch.exp(0.5 * log_var)
            return mu, log_var, z, self.fc4(F.relu(self.fc3(z)))

    torch.manual_seed(1)
    plain = Plain().double()
    ours = {"fc1": "encoder.0", "fc21": "mean", "fc22": "log_var", "fc3": "decoder.0", "fc4": "decoder.2"}
    params = {f"{ours[k.split('.')[0]]}.{k.split('.')[1]}": p.numpy() for k, p in plain.state_dict().items()}
    x, eps = torch.rand(5, 6).double(), torch.randn(5, 2).double()
    expected = values(Exact(DOUBLE), "vae", Case((VAE((6, 4, 2)), params, x.numpy(), eps.numpy())))
    for theirs, bounded in zip(plain(x, eps), expected, strict=True):
        assert compare(theirs.detach().numpy(), bounded, DOUBLE).agreed


def test_adversarial_losses_are_those_of_torch():
    """By torch's own cross-entropy with targets 1 and 0."""
    torch.manual_seed(2)
    config = AdversarialAutoencoder((6, 4, 2), "tanh")
    module = LatentModule(config).double()
    x, prior = torch.rand(5, 6).double(), torch.randn(7, 2).double()
    with torch.no_grad():
        code = module["encoder"](x)
        real, fake = module["discriminator"](prior), module["discriminator"](code)
        bce = F.binary_cross_entropy_with_logits
        theirs = (
            F.mse_loss(module["decoder"](code), x) * 6,
            bce(real, torch.ones(7, 1).double()) + bce(fake, torch.zeros(5, 1).double()),
            bce(fake, torch.ones(5, 1).double()),
        )
    expected = values(
        Exact(DOUBLE), "adversarial_autoencoder", Case((config, module_params(module), x.numpy(), prior.numpy()))
    )
    for their, bounded in zip(theirs, expected, strict=True):
        assert compare(their.numpy(), bounded, DOUBLE).agreed


# Codes


def test_line_is_numpy_linspace():
    a, b = MU[:2]
    assert_within(np.linspace(a, b, 6), "latent_interpolation", a, b, steps=6)


def test_arc_is_scipy_slerp():
    """SciPy has it for points of the sphere; lengths are in proportion."""
    from scipy.spatial import geometric_slerp

    a, b = (x / np.linalg.norm(x) for x in MU[:2])
    theirs = geometric_slerp(a, b, np.linspace(0, 1, 7))
    found = values(Exact(DOUBLE), "latent_interpolation", Case((a, b), {"steps": 7, "spherical": True}))
    verdict = compare(theirs, found, DOUBLE)
    assert verdict.agreed, verdict.message


def test_attribute_is_the_difference_of_means():
    label = np.array([True, False, False, True, True, False, False])
    theirs = MU + 0.5 * (MU[label].mean(0) - MU[~label].mean(0))
    assert_within(theirs, "latent_arithmetic", MU, MU, label, alpha=0.5)


def test_noise_that_scipy_draws_is_spoiled_input(bk):
    """The denoising autoencoder is the plain one of what `input_noise` makes."""
    config = Autoencoder((5, 2), last="identity")
    params = {name: RNG.standard_normal(shape) for name, shape in config.parameters().items()}
    normal = stats.norm.rvs(size=PIXELS.shape, random_state=0)
    assert_agree(
        Target(bk, DOUBLE),
        lambda gs, p, x, e: gs.denoising_autoencoder(config, p, x, e, std=0.3).output,
        lambda gs, p, x, e: gs.autoencoder(config, p, gs.input_noise(x, e, std=0.3)).output,
        params,
        PIXELS,
        normal,
    )
