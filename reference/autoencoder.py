"""Autoencoders in NumPy."""

import math

import numpy as np

from gongsik.reference.arrays import ADAPTER, implements
from gongsik.reference.layers import Pass, child
from gongsik.reference.loss import rmse
from gongsik.reference.regularization import input_noise
from gongsik.spec import autoencoder as spec
from gongsik.spec.layers import nest
from gongsik.spec.model import check_parameters

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


def _part(config, name, params, x):
    """What one part of a model makes of x: its encoder, its decoder."""
    return child(name, dict(config.network.children())[name], nest(params), x, Pass())


@implements(spec.autoencoder)
def autoencoder(config, params, x, /):
    check_parameters("autoencoder", config, params)
    code = _part(config, "encoder", params, x)
    return spec.Autoencoded(code, _part(config, "decoder", params, code))


@implements(spec.decode)
def decode(config, params, z, /):
    check_parameters("decode", config, params)
    return _part(config, "decoder", params, z)


def _check_pixels(name, x, likelihood):
    if likelihood in ("bce", "bernoulli"):
        spec.check_pixels(name, x, ADAPTER)


def _softplus(s):
    """log(1 + e^s)."""
    return np.logaddexp(0, s)


@implements(spec.reconstruction_loss)
def reconstruction_loss(output, x, /, *, kind="squared"):
    _check_pixels("reconstruction_loss", x, kind)
    if kind == "bce":
        return (_softplus(output) - x * output).sum(-1).mean()
    return rmse(output, x) if kind == "rmse" else ((x - output) ** 2).sum(-1).mean()


@implements(spec.denoising_autoencoder)
def denoising_autoencoder(config, params, x, normal, /, *, std=0.1):
    check_parameters("denoising_autoencoder", config, params)
    return autoencoder(config, params, input_noise(x, normal, std=std))


@implements(spec.reconstruction_term)
def reconstruction_term(output, x, /, *, likelihood="bernoulli", var=1.0):
    _check_pixels("reconstruction_term", x, likelihood)
    if likelihood == "bernoulli":
        log_p = x * output - _softplus(output)  # [*samples n d]
    else:
        log_p = -((x - output) ** 2 / var + math.log(2 * math.pi * var)) / 2
    return log_p.sum(-1).reshape(-1, len(x)).mean(0)  # [samples n], then [n]


@implements(spec.gaussian_kl)
def gaussian_kl(mu, log_var, /):
    # expm1 is sigma^2 - 1, also where sigma^2 is so near 1 that the difference would be rounded away
    return (np.expm1(log_var) + mu**2 - log_var).sum(-1) / 2


@implements(spec.elbo)
def elbo(output, x, mu, log_var, /, *, likelihood: spec.Likelihood = "bernoulli", var=1.0):
    _check_pixels("elbo", x, likelihood)
    return reconstruction_term(output, x, likelihood=likelihood, var=var) - gaussian_kl(mu, log_var)


@implements(spec.reparameterize)
def reparameterize(mu, log_var, normal, /):
    sigma = np.exp(log_var / 2)
    return mu + sigma * normal


@implements(spec.vae)
def vae(config, params, x, normal, /):
    check_parameters("vae", config, params)
    hidden = _part(config, "encoder", params, x)
    mu, log_var = (_part(config, name, params, hidden) for name in ("mean", "log_var"))
    code = reparameterize(mu, log_var, normal)
    return spec.Variational(mu, log_var, code, _part(config, "decoder", params, code))


@implements(spec.vae_loss)
def vae_loss(output, x, mu, log_var, /, *, kind: spec.Reconstruction = "bce", r=1.0):
    _check_pixels("vae_loss", x, kind)
    return r * reconstruction_loss(output, x, kind=kind) + gaussian_kl(mu, log_var).mean()


@implements(spec.adversarial_autoencoder)
def adversarial_autoencoder(config, params, x, prior, /):
    check_parameters("adversarial_autoencoder", config, params)
    code, output = autoencoder(config, params, x)
    real, fake = (_part(config, "discriminator", params, z)[:, 0] for z in (prior, code))  # logits: [m], [n]
    discriminator = _softplus(-real).mean() + _softplus(fake).mean()  # -log D, and -log(1 - D)
    return spec.AdversarialLosses(((x - output) ** 2).sum(-1).mean(), discriminator, _softplus(-fake).mean())


@implements(spec.latent_arithmetic)
def latent_arithmetic(z, codes, label, /, *, alpha=1.0):
    has = label[:, None]  # [n 1]
    mean_with = np.where(has, codes, 0).sum(0) / np.where(label, 1.0, 0.0).sum().astype(codes.dtype)
    mean_without = np.where(has, 0, codes).sum(0) / np.where(label, 0.0, 1.0).sum().astype(codes.dtype)
    return z + alpha * (mean_with - mean_without)


def _square(x):
    return (x**2).sum(-1, keepdims=True)


def _angle(a, b):
    """Between two vectors, exact also where it is small: twice the arc tangent of |a - b| / |a + b| of unit vectors."""
    a, b = a / np.sqrt(_square(a)), b / np.sqrt(_square(b))
    apart, together = _square(a - b), _square(a + b)
    same = apart == 0  # there the root has no derivative
    return np.where(same, 0, 2 * np.arctan(np.sqrt(np.where(same, 1, apart)) / np.sqrt(together)))


@implements(spec.latent_interpolation)
def latent_interpolation(a, b, /, *, steps, spherical=False):
    alpha = (np.arange(steps) / (steps - 1)).astype(a.dtype).reshape(-1, *[1] * a.ndim)  # [steps 1 ... 1]
    rest = alpha[::-1]  # 1 - alpha, without its rounding
    if not spherical:
        return rest * a + alpha * b
    angle = _angle(a, b)
    bent = angle > 0
    sine = np.sin(np.where(bent, angle, 1))
    shares = [np.where(bent, np.sin(t * angle) / sine, t) for t in (rest, alpha)]
    return shares[0] * a + shares[1] * b
