"""Classic mistakes in autoencoders."""

import importlib
import math

import numpy as np

from gongsik.conformance.wrong import wrong
from gongsik.reference.activation import sigmoid
from gongsik.reference.layers import Pass, child, nest
from gongsik.spec import autoencoder as spec

right = importlib.import_module("gongsik.reference.autoencoder")  # in the package the chapter's name is the model's


def _part(config, name, params, x):
    return child(name, dict(config.network.children())[name], nest(params), x, Pass())


def _softplus(s):
    return np.logaddexp(0, s)


@wrong("autoencoder.autoencoder", "a sigmoid after the encoder, too, which squeezes the code")
def squashed_code(config, params, x, /):
    code = sigmoid(_part(config, "encoder", params, x))
    return spec.Autoencoded(code, _part(config, "decoder", params, code))


@wrong("autoencoder.autoencoder", "biases forgotten")
def without_biases(config, params, x, /):
    return right.autoencoder(config, {k: 0 * p if k.endswith("bias") else p for k, p in params.items()}, x)


@wrong("autoencoder.decode", "a sigmoid, whatever the decoder ends in")
def decoded_twice(config, params, z, /):
    return sigmoid(right.decode(config, params, z))


@wrong("autoencoder.decode", "the code with the sign turned")
def decoded_mirrored(config, params, z, /):
    return right.decode(config, params, -z)


@wrong("autoencoder.denoising_autoencoder", "the noise added behind the decoder")
def noise_behind(config, params, x, normal, /, *, std=0.1):
    code, output = right.autoencoder(config, params, x)
    return spec.Autoencoded(code, output + std * normal)


@wrong("autoencoder.denoising_autoencoder", "the variance in place of the standard deviation")
def noise_of_variance(config, params, x, normal, /, *, std=0.1):
    return right.denoising_autoencoder(config, params, x, normal, std=std**2)


@wrong("autoencoder.reconstruction_loss", "the mean over pixels, not their sum")
def loss_per_pixel(output, x, /, *, kind="squared"):
    loss = right.reconstruction_loss(output, x, kind=kind)
    return loss if kind == "rmse" else (loss / x.shape[-1]).astype(x.dtype)


@wrong("autoencoder.reconstruction_loss", "logits taken for probabilities")
def loss_of_probabilities(output, x, /, *, kind="squared"):
    if kind != "bce":
        return right.reconstruction_loss(output, x, kind=kind)
    p = np.clip(output, 1e-6, 1 - 1e-6)
    return -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(-1).mean()


@wrong("autoencoder.reconstruction_loss", "log(1 + e^s) as it is written: infinite where e^s is")
def loss_overflows(output, x, /, *, kind="squared"):
    if kind != "bce":
        return right.reconstruction_loss(output, x, kind=kind)
    with np.errstate(over="ignore"):
        return (np.log1p(np.exp(output)) - x * output).sum(-1).mean()


@wrong("autoencoder.reconstruction_term", "the logarithm of the mean likelihood, not the mean of the logarithms")
def term_of_mean(output, x, /, *, likelihood="bernoulli", var=1.0):
    if output.ndim == 2:
        return right.reconstruction_term(output, x, likelihood=likelihood, var=var)
    each = [right.reconstruction_term(o, x, likelihood=likelihood, var=var) for o in output.reshape(-1, *x.shape)]
    return (np.logaddexp.reduce(each, 0) - math.log(len(each))).astype(x.dtype)


@wrong("autoencoder.reconstruction_term", "the constant of the normal distribution left away")
def term_without_constant(output, x, /, *, likelihood="bernoulli", var=1.0):
    term = right.reconstruction_term(output, x, likelihood=likelihood, var=var)
    constant = x.shape[-1] * math.log(2 * math.pi * var) / 2 if likelihood == "gaussian" else 0
    return (term + constant).astype(x.dtype)


@wrong("autoencoder.reconstruction_term", "the standard deviation where the variance belongs")
def term_of_deviation(output, x, /, *, likelihood="bernoulli", var=1.0):
    return right.reconstruction_term(output, x, likelihood=likelihood, var=math.sqrt(var))


@wrong("autoencoder.gaussian_kl", "half of it forgotten")
def kl_doubled(mu, log_var, /):
    return 2 * right.gaussian_kl(mu, log_var)


@wrong("autoencoder.gaussian_kl", "the mean over the numbers of a code, not their sum")
def kl_averaged(mu, log_var, /):
    return (right.gaussian_kl(mu, log_var) / mu.shape[-1]).astype(mu.dtype)


@wrong("autoencoder.gaussian_kl", "log sigma taken for log sigma^2")
def kl_of_log_sigma(mu, log_var, /):
    return right.gaussian_kl(mu, 2 * log_var)


@wrong("autoencoder.gaussian_kl", "the divergence the other way round, of the prior from q")
def kl_reversed(mu, log_var, /):
    with np.errstate(over="ignore"):
        return (((1 + mu**2) * np.exp(-log_var) + log_var - 1).sum(-1) / 2).astype(mu.dtype)


@wrong("autoencoder.elbo", "what codes cost is added, not subtracted")
def elbo_of_both_signs(output, x, mu, log_var, /, *, likelihood="bernoulli", var=1.0):
    term = right.reconstruction_term(output, x, likelihood=likelihood, var=var)
    return term + right.gaussian_kl(mu, log_var)


@wrong("autoencoder.elbo", "only the first draw of the code")
def elbo_of_one_draw(output, x, mu, log_var, /, *, likelihood="bernoulli", var=1.0):
    return right.elbo(output.reshape(-1, *x.shape)[0], x, mu, log_var, likelihood=likelihood, var=var)


@wrong("autoencoder.reparameterize", "the variance in place of the standard deviation")
def scaled_by_variance(mu, log_var, normal, /):
    return mu + np.exp(log_var) * normal


@wrong("autoencoder.reparameterize", "the logarithm of the variance taken for the standard deviation")
def scaled_by_logarithm(mu, log_var, normal, /):
    return mu + log_var * normal


@wrong("autoencoder.reparameterize", "the noise forgotten: always the mean")
def always_the_mean(mu, log_var, normal, /):
    return mu + 0 * log_var * normal


@wrong("autoencoder.vae", "mean and log-variance mistaken for each other")
def heads_exchanged(config, params, x, normal, /):
    swap = {"mean": "log_var", "log_var": "mean"}
    names = {name: name.replace(part, swap.get(part, part)) for name in params for part in [name.split(".")[0]]}
    return right.vae(config, {name: params[names[name]] for name in params}, x, normal)


@wrong("autoencoder.vae", "decodes the mean, not the draw")
def decodes_the_mean(config, params, x, normal, /):
    said = right.vae(config, params, x, normal)
    output = right.decode(config, params, said.mu + 0 * normal)
    return said._replace(output=output)


@wrong("autoencoder.vae", "no activation before the two heads")
def linear_before_the_heads(config, params, x, normal, /):
    encoder = dict(config.network.children())["encoder"]
    layers = encoder.layers[:-1]
    hidden = child("encoder", type(encoder)(layers), nest(params), x, Pass())
    mu, log_var = (_part(config, name, params, hidden) for name in ("mean", "log_var"))
    code = right.reparameterize(mu, log_var, normal)
    return spec.Variational(mu, log_var, code, right.decode(config, params, code))


@wrong("autoencoder.vae_loss", "the sum over images, not their mean, of what codes cost")
def loss_with_summed_kl(output, x, mu, log_var, /, *, kind="bce", r=1.0):
    return r * right.reconstruction_loss(output, x, kind=kind) + right.gaussian_kl(mu, log_var).sum()


@wrong("autoencoder.vae_loss", "the weight on what codes cost, not on the reconstruction")
def loss_with_weight_on_kl(output, x, mu, log_var, /, *, kind="bce", r=1.0):
    return right.reconstruction_loss(output, x, kind=kind) + r * right.gaussian_kl(mu, log_var).mean()


@wrong("autoencoder.vae_loss", "the reconstruction averaged over pixels, beside codes that are summed up")
def loss_averaged_over_pixels(output, x, mu, log_var, /, *, kind="bce", r=1.0):
    return r * loss_per_pixel(output, x, kind=kind) + right.gaussian_kl(mu, log_var).mean()


def _adversarial(config, params, x, prior):
    code, output = right.autoencoder(config, params, x)
    real, fake = (_part(config, "discriminator", params, z)[:, 0] for z in (prior, code))
    return ((x - output) ** 2).sum(-1).mean(), real, fake


@wrong("autoencoder.adversarial_autoencoder", "the generator's loss that saturates: log(1 - D)")
def saturating(config, params, x, prior, /):
    restored, real, fake = _adversarial(config, params, x, prior)
    discriminator = _softplus(-real).mean() + _softplus(fake).mean()
    return spec.AdversarialLosses(restored, discriminator, -_softplus(fake).mean())


@wrong("autoencoder.adversarial_autoencoder", "codes of inputs called real, draws of the prior false")
def sides_exchanged(config, params, x, prior, /):
    restored, real, fake = _adversarial(config, params, x, prior)
    return spec.AdversarialLosses(restored, _softplus(real).mean() + _softplus(-fake).mean(), _softplus(fake).mean())


@wrong("autoencoder.adversarial_autoencoder", "the two halves of the discriminator's loss averaged")
def halved(config, params, x, prior, /):
    losses = right.adversarial_autoencoder(config, params, x, prior)
    return losses._replace(discriminator=losses.discriminator / 2)


@wrong("autoencoder.latent_arithmetic", "the mean of all where that of those without belongs")
def from_the_middle(z, codes, label, /, *, alpha=1.0):
    return (z + alpha * (codes[label].mean(0) - codes.mean(0))).astype(z.dtype)


@wrong("autoencoder.latent_arithmetic", "takes the attribute away")
def taken_away(z, codes, label, /, *, alpha=1.0):
    return right.latent_arithmetic(z, codes, label, alpha=-alpha)


@wrong("autoencoder.latent_arithmetic", "sums in place of means")
def of_sums(z, codes, label, /, *, alpha=1.0):
    return (z + alpha * (codes[label].sum(0) - codes[~label].sum(0))).astype(z.dtype)


@wrong("autoencoder.latent_interpolation", "from the second to the first")
def turned_round(a, b, /, *, steps, spherical=False):
    return right.latent_interpolation(b, a, steps=steps, spherical=spherical)


@wrong("autoencoder.latent_interpolation", "the last code never reached")
def without_the_end(a, b, /, *, steps, spherical=False):
    return right.latent_interpolation(a, b, steps=steps + 1, spherical=spherical)[:-1]


@wrong("autoencoder.latent_interpolation", "along the line and brought to the length of the arc, in unequal steps")
def stretched_line(a, b, /, *, steps, spherical=False):
    line = right.latent_interpolation(a, b, steps=steps)
    if not spherical:
        return line
    lengths = right.latent_interpolation(*(np.sqrt((x**2).sum(-1, keepdims=True)) for x in (a, b)), steps=steps)
    return (line / np.sqrt((line**2).sum(-1, keepdims=True)) * lengths).astype(a.dtype)
