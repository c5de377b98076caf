"""Inputs for adversarial networks: games that both backends can play, and critics whose slope is not 0."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.cnn import runs, states
from gongsik.conformance.strategies import LAYOUTS, Case, PerBackend, make, make_integers
from gongsik.spec.architectures.conditional import DenseDiscriminator, DenseGenerator
from gongsik.spec.architectures.dcgan import (
    DCGANDiscriminator,
    DCGANGenerator,
    PuzzleGAN,
    TextDiscriminator,
    TextGenerator,
)
from gongsik.spec.architectures.infogan import InfoGANDiscriminator, InfoGANGenerator
from gongsik.spec.architectures.progressive import ProgressiveDiscriminator, ProgressiveGenerator
from gongsik.spec.architectures.translation import CycleGAN, StarGAN
from gongsik.spec.gan import Game, Players

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 4)


def affine_game(gs: Any, lr: float = 0.125) -> Game:
    """An affine generator against a discriminator with one hidden layer; both go down with momentum."""

    def generate(g: Any, z: Any) -> Any:
        return z @ g["w"] + g["b"]

    def logit(d: Any, x: Any) -> Any:
        return gs.tanh(x @ d["w"]) @ d["v"]

    def update(params: Any, grads: Any, state: Any) -> Any:
        return gs.momentum(params, grads, state, lr=lr, beta=0.5)

    return Game(
        generate,
        lambda d, fake, real: gs.discriminator_loss(logit(d, real), logit(d, fake)),
        lambda d, fake, real: gs.non_saturating_generator_loss(logit(d, fake)),
        update,
        update,
    )


@st.composite
def games(draw: st.DrawFn, precision: Precision, noise: str, k: int) -> tuple[Players, Any, Any]:
    """Players of an affine game, batches and noise for one round or two."""
    seed, d, latent, n = draw(SEEDS), draw(SIZES), draw(SIZES), draw(SIZES)
    rounds = draw(st.integers(1, 2 if precision.unit < 2.0**-12 else 1))
    shapes = {"w": (latent, d), "b": (d,)}, {"w": (d, 3), "v": (3,)}
    g, opponent = (
        {
            name: make(seed + i, "normal", shape, precision.name)
            for i, (name, shape) in enumerate(table.items(), 2 * which)
        }
        for which, table in enumerate(shapes)
    )
    real = make(seed + 4, "normal", (rounds * k, n, d), precision.name)
    z = make(seed + 5, "normal", (rounds * (k + (noise == "fresh")), n, latent), precision.name)
    if precision.unit > 2.0**-12:  # of differences 8 bits leave nothing: with these signs all gradients are sums
        g, opponent = ({name: abs(x) / 2 for name, x in table.items()} for table in (g, opponent))
        real, z = -abs(real) / 2, abs(z) / 2
    return Players(g, opponent), (real,), (z,)


def alternating_training(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        k, noise = draw(st.integers(1, 2)), draw(st.sampled_from(("shared", "fresh")))
        arguments = draw(games(precision, noise, k))
        return Case((PerBackend(affine_game), *arguments), {"k": k, "noise": noise})

    return cases()


def make_critic(gs: Any) -> Any:
    """A critic with one hidden layer, of samples of any shape."""
    return lambda params, x: gs.tanh(x.reshape(len(x), -1) @ params["w"] + params["b"]) @ params["v"]


def gradient_penalty(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        seed, n, width = draw(SEEDS), draw(SIZES), draw(SIZES)
        data = draw(st.sampled_from(((), (1,), (3,), (2, 2))))
        real, fake = (make(seed + i, "normal", (n, *data), precision.name) for i in range(2))
        size = int(np.prod(data))
        params = {
            "w": make(seed + 2, "normal", (size, width), precision.name),
            "b": make(seed + 3, "normal", (width,), precision.name),
            "v": 2 + make(seed + 4, "ties", (width,), precision.name),
        }
        uniform = precision.round(np.random.Generator(np.random.Philox(seed)).uniform(size=n))
        options = {"strength": draw(st.sampled_from((10.0, 1.0))), "one_sided": draw(st.booleans())}
        return Case((PerBackend(make_critic), params, real, fake, uniform), options)

    return cases()


# Models


def _networks(precision: Precision, configs: SearchStrategy[Any]) -> SearchStrategy[Case]:
    """Players, each with a sample that it can take: noise or an image."""

    def of(config: Any) -> SearchStrategy[Case]:
        return runs(precision, st.just(config), st.just(sample(config)))

    return configs.flatmap(of)


def sample(config: Any) -> tuple[int, ...]:
    """Shape of what a player is given: a generator noise, a discriminator an image."""
    if isinstance(config, InfoGANGenerator):
        return (config.features,)
    if hasattr(config, "z"):
        return (config.z,)
    return config.shape if isinstance(config, DenseDiscriminator) else (config.channels, config.size, config.size)


SMALL = {"channels": st.integers(1, 2), "width": st.integers(1, 2)}
NORMALIZED = SEEDS.map(lambda seed: seed % 4 == 1)
"""There and back through two normalized generators a bound on the gradient says nothing: mostly they are not."""
SIDES = {"size": st.sampled_from((8, 8, 16))}


def dcgan(precision: Precision) -> SearchStrategy[Case]:
    generators = st.builds(DCGANGenerator, z=SIZES, **SMALL, **SIDES)
    judges = st.builds(DCGANDiscriminator, norm=st.booleans(), sigmoid=st.booleans(), **SMALL, **SIDES)
    return _networks(precision, st.one_of(generators, judges))


def infogan(precision: Precision) -> SearchStrategy[Case]:
    sizes = {"classes": SIZES, "continuous": st.integers(0, 2), "size": st.sampled_from((4, 8, 12)), "hidden": SIZES}
    generators = st.builds(InfoGANGenerator, noise=SIZES, **sizes, **SMALL)
    judges = st.builds(InfoGANDiscriminator, **sizes, **SMALL)
    return _networks(precision, st.one_of(generators, judges))


def progressive_gan(precision: Precision) -> SearchStrategy[Case]:
    widths = st.lists(st.integers(1, 3), min_size=3, max_size=3).map(tuple)
    shared = {"widths": widths, "channels": st.integers(1, 2)}
    stages = st.sampled_from(((0, False), (1, False), (1, True), (2, True), (2, False)))

    def at(stage: tuple[int, bool]) -> SearchStrategy[Any]:
        where = {"stage": st.just(stage[0]), "fading": st.just(stage[1])}
        generators = st.builds(ProgressiveGenerator, z=SIZES, **where, **shared)
        return st.one_of(generators, st.builds(ProgressiveDiscriminator, **where, **shared))

    return _networks(precision, stages.flatmap(at))


def puzzle_gan(precision: Precision) -> SearchStrategy[Case]:
    return _networks(precision, st.builds(PuzzleGAN, bottleneck=SIZES, **SMALL, **SIDES))


@st.composite
def _conditional(draw: st.DrawFn, precision: Precision, configs: Any, *, training: bool = False) -> Case:
    config = draw(configs)
    case = draw(runs(precision, st.just(config), st.just(sample(config)), training=training))
    shape = len(case.arguments[-1]), config.condition
    return Case((*case.arguments, make(draw(SEEDS), "normal", shape, precision.name)))


def _dense() -> SearchStrategy[Any]:
    shapes = st.tuples(SIZES, st.integers(1, 3), st.integers(1, 3))
    sizes = {"classes": SIZES, "shape": shapes, "hidden": st.lists(SIZES, max_size=2).map(tuple)}
    judges = st.builds(DenseDiscriminator, sigmoid=st.booleans(), **sizes)
    return st.one_of(st.builds(DenseGenerator, z=SIZES, **sizes), judges)


def _of_text() -> SearchStrategy[Any]:
    sizes = {"text": SIZES, "projected": SIZES, "size": st.just(8), **SMALL}
    return st.one_of(st.builds(TextGenerator, z=SIZES, **sizes), st.builds(TextDiscriminator, **sizes))


def conditional_gan(precision: Precision) -> SearchStrategy[Case]:
    return _conditional(precision, _dense())


def text_to_image(precision: Precision) -> SearchStrategy[Case]:
    return _conditional(precision, _of_text())


def conditional_training(precision: Precision) -> SearchStrategy[Case]:
    return _conditional(precision, st.one_of(_dense(), _of_text()), training=True)


@st.composite
def cyclegan(draw: st.DrawFn, precision: Precision) -> Case:
    """Images of 8 x 8 pixels, which the generators bring down to 2 x 2 and back."""
    norm = draw(NORMALIZED)
    config = CycleGAN(draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(0, 1)), 1, norm)
    params, _ = draw(states(precision, config))
    seed = draw(SEEDS)
    x, y = (
        make(seed + i, "normal", (draw(st.integers(1, 2)), config.channels, 8, 8), precision.name) for i in range(2)
    )
    weight, adversarial = draw(st.sampled_from((10.0, 0.5, 0.0))), draw(st.sampled_from(("least_squares", "log")))
    return Case((config, params, x, y), {"weight": weight, "adversarial": adversarial})


@st.composite
def stargan(draw: st.DrawFn, precision: Precision) -> Case:
    k = draw(st.integers(1, 3))
    small, blocks, halvings = st.integers(1, 2), draw(st.integers(0, 1)), draw(st.integers(1, 3))
    config = StarGAN(k, 8, draw(small), draw(small), blocks, halvings, draw(NORMALIZED))
    params, _ = draw(states(precision, config))
    n, seed = draw(st.integers(1, 2)), draw(SEEDS)
    x = make(seed, "normal", (n, config.channels, 8, 8), precision.name)
    domain, target = (make_integers(seed + i, 0, k - 1, (n,)) for i in (1, 2))
    weights = st.sampled_from((10.0, 1.0, 0.0))
    return Case((config, params, x, domain, target), {"class_weight": draw(weights), "cycle_weight": draw(weights)})


@st.composite
def jigsaw(draw: st.DrawFn, precision: Precision) -> Case:
    grid, n, c = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    seed, shape = draw(SEEDS), (n, c, grid * draw(st.integers(1, 3)), grid * draw(st.integers(1, 3)))
    x = make(
        seed, draw(st.sampled_from(("normal", "ties"))), shape, precision.name, layout=draw(st.sampled_from(LAYOUTS))
    )
    rng = np.random.Generator(np.random.Philox(seed))
    order = np.stack([rng.permutation(grid * grid) for _ in range(n)])
    return Case((x, order), {"grid": grid})
