"""Inputs of autoencoders: small networks with arrays that fit them, pixels, and codes of order 1."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.strategies import LAYOUTS, Case, from_declaration, make, make_integers
from gongsik.spec.array import Range
from gongsik.spec.autoencoder import VAE, AdversarialAutoencoder, Autoencoder, LatentModel

SEEDS = st.integers(0, 2**32 - 1)
STYLES = st.sampled_from(("normal", "normal", "ties", "spread", "tiny"))
CALM = st.sampled_from(("normal", "normal", "ties", "tiny"))
"""Styles of what an exponential is taken of."""
SMALL = st.integers(1, 4)
WIDTH = st.integers(1, 5)
UNIT = Range(0, 1)


# Models


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, ...]:
    return tuple(draw(st.lists(WIDTH, min_size=2, max_size=4)))


ACTIVATIONS = st.sampled_from(("tanh", "sigmoid", "relu", "identity"))
LAST = st.sampled_from(("identity", "sigmoid"))
AUTOENCODERS = st.builds(Autoencoder, sizes(), ACTIVATIONS, LAST)
VAES = st.builds(VAE, sizes(), ACTIVATIONS)
ADVERSARIAL = st.builds(AdversarialAutoencoder, sizes(), ACTIVATIONS, LAST, st.lists(WIDTH, max_size=1).map(tuple))


def fitting(config: LatentModel, seed: int, style: str, precision: Precision) -> dict[str, np.ndarray]:
    """Parameters of a model, weights divided by about the root of their inputs: still exact."""
    return {
        name: make(seed + i, style, shape, precision.name) / 2.0 ** math.ceil(math.log2(shape[-1]) / 2 + len(shape) / 2)
        for i, (name, shape) in enumerate(config.parameters().items())
    }


@st.composite
def models(draw: st.DrawFn, precision: Precision, configs: SearchStrategy[Any]) -> tuple[Any, Any, Any]:
    """A configuration, parameters, and what fills more arrays."""
    config, seed, style = draw(configs), draw(SEEDS), draw(CALM)
    used = iter(range(100, 1000))
    return config, fitting(config, seed, style, precision), lambda *s: make(seed + next(used), style, s, precision.name)


BATCHES = st.sampled_from(((), (1,), (3,), (2, 2), (0,)))


@st.composite
def autoencoder(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, fill = draw(models(precision, AUTOENCODERS))
    return Case((config, params, fill(*draw(BATCHES), config.sizes[0])))


@st.composite
def decode(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, fill = draw(models(precision, st.one_of(AUTOENCODERS, VAES, ADVERSARIAL)))
    return Case((config, params, fill(*draw(BATCHES), config.sizes[-1])))


@st.composite
def denoising_autoencoder(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, fill = draw(models(precision, AUTOENCODERS))
    shape = (*draw(BATCHES), config.sizes[0])
    return Case((config, params, fill(*shape), fill(*shape)), {"std": draw(st.sampled_from((0.1, 0.0, 0.5, 2.0)))})


@st.composite
def vae(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, fill = draw(models(precision, VAES))
    n = draw(SMALL)
    return Case((config, params, fill(n, config.sizes[0]), fill(*draw(SAMPLES), n, config.sizes[-1])))


@st.composite
def adversarial_autoencoder(draw: st.DrawFn, precision: Precision) -> Case:
    config, params, fill = draw(models(precision, ADVERSARIAL))
    return Case((config, params, fill(draw(SMALL), config.sizes[0]), fill(draw(SMALL), config.sizes[-1])))


# Losses


SAMPLES = st.sampled_from(((), (1,), (3,), (2, 2)))


@st.composite
def pixels(draw: st.DrawFn, precision: Precision, n: int, d: int, *, bernoulli: bool) -> np.ndarray:
    """Images: for a Bernoulli likelihood paper, ink and greys, else any numbers."""
    seed, layout = draw(SEEDS), draw(st.sampled_from(LAYOUTS))
    if not bernoulli:
        return make(seed, draw(STYLES), (n, d), precision.name, layout=layout)
    if draw(st.booleans()):
        return make_integers(seed, 0, 1, (n, d)).astype(float)
    return make(seed, "normal", (n, d), precision.name, UNIT, layout)


@st.composite
def restored(draw: st.DrawFn, precision: Precision, *, bernoulli: bool, samples: bool) -> tuple[Any, Any, int]:
    """What a decoder has made of images, the images, and how many."""
    small = draw(st.booleans())
    n, d = draw(SMALL), draw(SMALL if small else st.integers(1, 65))
    style = draw(st.sampled_from(("normal", "normal", "ties", "spread", "huge", "tiny")))
    shape = (*(draw(SAMPLES) if samples else ()), n, d)
    output = make(draw(SEEDS), style, shape, precision.name, layout=draw(st.sampled_from(LAYOUTS)))
    return output, draw(pixels(precision, n, d, bernoulli=bernoulli)), n


KINDS = st.sampled_from(("bce", "squared", "rmse"))


@st.composite
def reconstruction_loss(draw: st.DrawFn, precision: Precision) -> Case:
    kind = draw(KINDS)
    output, x, _ = draw(restored(precision, bernoulli=kind == "bce", samples=False))
    return Case((output, x), {"kind": kind})


@st.composite
def likelihoods(draw: st.DrawFn) -> dict[str, Any]:
    var = draw(st.sampled_from((1.0, 0.25, 0.01, 4.0)))
    return {"likelihood": draw(st.sampled_from(("bernoulli", "gaussian"))), "var": var}


@st.composite
def reconstruction_term(draw: st.DrawFn, precision: Precision) -> Case:
    options = draw(likelihoods())
    output, x, _ = draw(restored(precision, bernoulli=options["likelihood"] == "bernoulli", samples=True))
    return Case((output, x), options)


@st.composite
def codes(draw: st.DrawFn, precision: Precision, n: int, number: int = 2) -> tuple[np.ndarray, ...]:
    """Means and log-variances of codes."""
    k = draw(SMALL)
    return tuple(make(draw(SEEDS), draw(CALM), (n, k), precision.name) for _ in range(number))


@st.composite
def elbo(draw: st.DrawFn, precision: Precision) -> Case:
    options = draw(likelihoods())
    output, x, n = draw(restored(precision, bernoulli=options["likelihood"] == "bernoulli", samples=True))
    return Case((output, x, *draw(codes(precision, n))), options)


@st.composite
def vae_loss(draw: st.DrawFn, precision: Precision) -> Case:
    kind = draw(KINDS)
    output, x, n = draw(restored(precision, bernoulli=kind == "bce", samples=False))
    return Case((output, x, *draw(codes(precision, n))), {"kind": kind, "r": draw(st.sampled_from((1.0, 0.0, 30.0)))})


# Codes


def gaussian_kl(precision: Precision) -> SearchStrategy[Case]:
    """Also of codes of order 1, at which the exponential does not overflow."""
    return st.one_of(from_declaration("gaussian_kl"), SMALL.flatmap(lambda n: codes(precision, n)).map(Case))


@st.composite
def reparameterize(draw: st.DrawFn, precision: Precision) -> Case:
    n, k = draw(SMALL), draw(SMALL)
    shapes = ((n, k), (n, k), (*draw(SAMPLES), n, k))
    return Case(tuple(make(draw(SEEDS), draw(CALM), shape, precision.name) for shape in shapes))


@st.composite
def latent_arithmetic(draw: st.DrawFn, precision: Precision) -> Case:
    """With examples of both kinds."""
    n, k = draw(st.integers(2, 17)), draw(SMALL)
    label = make_integers(draw(SEEDS), 0, 1, (n,)) > 0
    label[:2] = draw(st.sampled_from(((True, False), (False, True))))
    z, examples = (make(draw(SEEDS), draw(STYLES), shape, precision.name) for shape in ((*draw(SAMPLES), k), (n, k)))
    return Case((z, examples, label), {"alpha": draw(st.sampled_from((1.0, 0.0, -1.0, 0.5, 2.5)))})


@st.composite
def latent_interpolation(draw: st.DrawFn, precision: Precision) -> Case:
    """Also between a code and a multiple of it; hardly ever between opposite ones, where the arc has no meaning."""
    shape = (*draw(SAMPLES), draw(st.integers(2, 9)))
    spherical = draw(st.booleans())
    a = make(draw(SEEDS), draw(STYLES), shape, precision.name)
    b = 2 * a if draw(st.sampled_from((False, False, True))) else make(draw(SEEDS), draw(STYLES), shape, precision.name)
    if spherical:
        a, b = (np.where((x == 0).all(-1, keepdims=True), 1.0, x) for x in (a, b))
    return Case((a, b), {"steps": draw(st.integers(2, 7)), "spherical": spherical})
