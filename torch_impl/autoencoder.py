"""Autoencoders in PyTorch."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.spec import autoencoder as spec
from gongsik.spec.layers import nest
from gongsik.spec.model import check_parameters
from gongsik.torch_impl.arrays import ADAPTER, implements
from gongsik.torch_impl.layers import NetworkModule, Pass, child
from gongsik.torch_impl.loss import rmse
from gongsik.torch_impl.regularization import input_noise

__all__ = [
    "adversarial_autoencoder",
    "autoencoder",
    "decode",
    "denoising_autoencoder",
    "elbo",
    "gaussian_kl",
    "latent_arithmetic",
    "latent_interpolation",
    "reconstruction_loss",
    "reconstruction_term",
    "reparameterize",
    "vae",
    "vae_loss",
]


def _arrays(name, config, params):
    check_parameters(name, config, params)
    return nest(params)


def _part(config, name, at, x):
    """What one part of a model makes of x. `at` has its arrays: dicts inside each other, or a module."""
    return child(name, dict(config.network.children())[name], at, x, Pass())


def _autoencode(config, at, x):
    code = _part(config, "encoder", at, x)
    return spec.Autoencoded(code, _part(config, "decoder", at, code))


@implements(spec.autoencoder)
def autoencoder(config, params, x, /):
    return _autoencode(config, _arrays("autoencoder", config, params), x)


@implements(spec.decode)
def decode(config, params, z, /):
    return _part(config, "decoder", _arrays("decode", config, params), z)


def _softplus(s):
    """log(1 + e^s). Above the threshold it is s in every precision."""
    return F.softplus(s, threshold=40)


def _bernoulli(name, s, x):
    """Minus the log-probability of every pixel, of which s is the logit: two passes, and the sigmoid is never there."""
    spec.check_pixels(name, x, ADAPTER)
    return torch.addcmul(_softplus(s), x, s, value=-1)


def _restored(name, output, x, kind):
    if kind == "bce":
        return _bernoulli(name, output, x).sum() / len(x)
    return rmse(output, x) if kind == "rmse" else F.mse_loss(output, x, reduction="sum") / len(x)


@implements(spec.reconstruction_loss)
def reconstruction_loss(output, x, /, *, kind="squared"):
    return _restored("reconstruction_loss", output, x, kind)


@implements(spec.denoising_autoencoder)
def denoising_autoencoder(config, params, x, normal, /, *, std=0.1):
    at = _arrays("denoising_autoencoder", config, params)
    return _autoencode(config, at, input_noise(x, normal, std=std))


def _minus_reconstruction(name, output, x, likelihood, var):
    if likelihood == "bernoulli":
        lost = _bernoulli(name, output, x).sum(-1)  # [*samples n]
    else:
        lost = ((x - output).square().sum(-1) / var + x.shape[-1] * math.log(2 * math.pi * var)) / 2
    return lost if lost.ndim == 1 else lost.reshape(-1, len(x)).mean(0)


@implements(spec.reconstruction_term)
def reconstruction_term(output, x, /, *, likelihood="bernoulli", var=1.0):
    return -_minus_reconstruction("reconstruction_term", output, x, likelihood, var)


def _codes_cost(mu, log_var):
    """Twice the divergence from the prior, for every number of a code: two passes."""
    return torch.addcmul(torch.expm1(log_var) - log_var, mu, mu)


@implements(spec.gaussian_kl)
def gaussian_kl(mu, log_var, /):
    return _codes_cost(mu, log_var).sum(-1) / 2


@implements(spec.elbo)
def elbo(output, x, mu, log_var, /, *, likelihood="bernoulli", var=1.0):
    return -(_minus_reconstruction("elbo", output, x, likelihood, var) + _codes_cost(mu, log_var).sum(-1) / 2)


@implements(spec.reparameterize)
def reparameterize(mu, log_var, normal, /):
    return torch.addcmul(mu, (log_var / 2).exp(), normal)


def _variational(config, at, x, normal):
    hidden = _part(config, "encoder", at, x)
    mu, log_var = (_part(config, name, at, hidden) for name in ("mean", "log_var"))
    code = reparameterize(mu, log_var, normal)
    return spec.Variational(mu, log_var, code, _part(config, "decoder", at, code))


@implements(spec.vae)
def vae(config, params, x, normal, /):
    return _variational(config, _arrays("vae", config, params), x, normal)


@implements(spec.vae_loss)
def vae_loss(output, x, mu, log_var, /, *, kind="bce", r=1.0):
    return r * _restored("vae_loss", output, x, kind) + _codes_cost(mu, log_var).sum() / (2 * len(mu))


def _adversarial(config, at, x, prior):
    code, output = _autoencode(config, at, x)
    # One pass through the discriminator for both kinds of codes.
    logits = _part(config, "discriminator", at, torch.cat([prior, code]))[:, 0]
    real, fake = logits[: len(prior)], logits[len(prior) :]
    restored = F.mse_loss(output, x, reduction="sum") / len(x)
    discriminator = _softplus(-real).mean() + _softplus(fake).mean()  # -log D, and -log(1 - D)
    return spec.AdversarialLosses(restored, discriminator, _softplus(-fake).mean())


@implements(spec.adversarial_autoencoder)
def adversarial_autoencoder(config, params, x, prior, /):
    return _adversarial(config, _arrays("adversarial_autoencoder", config, params), x, prior)


@implements(spec.latent_arithmetic)
def latent_arithmetic(z, codes, label, /, *, alpha=1.0):
    # Both means in one product of a matrix and a vector: no copy of the codes that have the attribute.
    has = label.to(codes.dtype)
    count = has.sum()
    weight = has / count - (1 - has) / (len(has) - count)
    return torch.add(z, weight @ codes, alpha=alpha)


def _angle(a, b):
    a, b = (x / torch.linalg.vector_norm(x, dim=-1, keepdim=True) for x in (a, b))
    apart, together = ((x * x).sum(-1, keepdim=True) for x in (a - b, a + b))
    same = apart == 0  # there the root has no derivative
    return torch.where(same, 0, 2 * torch.atan(torch.where(same, 1, apart).sqrt() / together.sqrt()))


@implements(spec.latent_interpolation)
def latent_interpolation(a, b, /, *, steps, spherical=False):
    alpha = (torch.arange(steps, dtype=a.dtype, device=a.device) / (steps - 1)).reshape(-1, *[1] * a.ndim)
    rest = alpha.flip(0)  # 1 - alpha, without its rounding
    if not spherical:
        return torch.addcmul(alpha * b, rest, a)
    angle = _angle(a, b)
    bent = angle > 0
    sine = torch.where(bent, angle, 1).sin()
    first, last = (torch.where(bent, (t * angle).sin() / sine, t) for t in (rest, alpha))
    return torch.addcmul(last * b, first, a)


class LatentModule(NetworkModule):
    """`vae` or `adversarial_autoencoder` as a module: its state dict has the names and shapes of ``parameters()``.

    It takes the inputs, and the normal draws or draws of the prior. Its parts are modules: ``module["decoder"](z)``.
    The module of an `autoencoder` is `NetworkModule`, which returns the restored inputs.

    Parameters
    ----------
    config : VAE or AdversarialAutoencoder
        The configuration.

    Examples
    --------
    >>> module = LatentModule(spec.VAE((64, 32, 2)))
    >>> list(module(torch.zeros(5, 64), torch.zeros(5, 2)).output.shape)
    [5, 64]
    """

    def __init__(self, config: spec.VAE | spec.AdversarialAutoencoder, /) -> None:
        super().__init__(config)
        self.config = config

    def forward(self, x: Tensor, draws: Tensor):  # pyright: ignore[reportIncompatibleMethodOverride]
        run = _variational if isinstance(self.config, spec.VAE) else _adversarial
        return run(self.config, self, x, draws)
