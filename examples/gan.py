"""Train a GAN, a WGAN with a gradient penalty or a DCGAN on real handwritten digits, with either backend.

    python examples/gan.py --kind gan --json docs/gan.json
    python examples/gan.py --kind wgan-gp --run runs/wgan-gp
    python examples/gan.py --kind dcgan
    python examples/gan.py --backend reference --dtype float64 --steps 200

A step is a round of the game: some updates of the discriminator (five of a critic), then one of the generator. Batches
and noise are a function of the seed and the step, so a stopped run goes on. On the way each run keeps what the
generator makes of the same noise.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np
from generative import SIDE, Trained, batch, grid, images, text

import gongsik
from gongsik.spec.architectures.conditional import DenseDiscriminator, DenseGenerator
from gongsik.spec.architectures.dcgan import DCGANDiscriminator, DCGANGenerator
from gongsik.spec.gan import Game, Players
from gongsik.spec.layers import Architecture

BATCH = 64
NOISE = 16
SAMPLES = 1000
SHOWN = 20
"""Images that are kept at each of `MARKS`."""
MARKS = (0.02, 0.1, 0.3, 1.0)
"""Shares of a run after which it keeps what the generator makes."""


@dataclass(frozen=True)
class Options(generative.Options):
    """`generative.Options`, and which of `KINDS`."""

    steps: int = 1500
    kind: str = "gan"


@dataclass(frozen=True)
class Kind:
    """Two networks and how they learn.

    Attributes
    ----------
    generator, discriminator : Architecture
        The players.
    critic : bool
        Whether the discriminator is a critic with a gradient penalty.
    k : int
        Updates of the discriminator in each round.
    rate, beta1 : float
        Of Adam.
    """

    generator: Architecture
    discriminator: Architecture
    critic: bool = False
    k: int = 1
    rate: float = 5e-4
    beta1: float = 0.5


SHAPE = (1, SIDE, SIDE)
DENSE = DenseGenerator(0, NOISE, SHAPE, (128, 128)), DenseDiscriminator(0, SHAPE, (128, 128))
CONVOLUTIONAL = DCGANGenerator(SIDE, 1, 64, z=NOISE), DCGANDiscriminator(SIDE, 1, 64)
KINDS = {
    "gan": Kind(*DENSE),
    "wgan-gp": Kind(*DENSE, critic=True, k=5, rate=1e-3, beta1=0.0),
    "dcgan": Kind(*CONVOLUTIONAL),
}


def kind_of(options: Options) -> Kind:
    """Raises `gongsik.BackendError` if there is no such kind."""
    if options.kind not in KINDS:
        raise gongsik.BackendError(f"no kind {options.kind!r}; there are {', '.join(KINDS)}")
    return KINDS[options.kind]


def player(bk: Any, config: Architecture, seed: int) -> Callable[[Any, Any], Any]:
    """A network as a function of its parameters and its input; batches normalize themselves, and nothing is carried."""
    buffers = generative.initial(bk, config.buffers(), seed)
    return lambda params, x: bk.forward_training(config, params, buffers, {}, x).output


def game(bk: Any, kind: Kind, seed: int) -> Game:
    """The rules of a kind."""
    generate, judge = player(bk, kind.generator, seed), player(bk, kind.discriminator, seed)

    def tell(d: Any, fake: Any, real: Any, uniform: Any) -> Any:
        said = judge(d, real), judge(d, fake)
        if not kind.critic:
            return bk.discriminator_loss(*said)
        return bk.critic_loss(*said) + bk.gradient_penalty(judge, d, real, fake, uniform)

    def deceive(d: Any, fake: Any, real: Any, uniform: Any) -> Any:
        said = judge(d, fake)
        return bk.critic_generator_loss(said) if kind.critic else bk.non_saturating_generator_loss(said)

    def update(params: Any, grads: Any, state: Any) -> Any:
        return bk.adam(params, grads, state, lr=kind.rate, beta1=kind.beta1)

    return Game(generate, tell, deceive, update, update)


def train(options: Options, folder: Path | None = None) -> Trained:
    """Train, from the last complete checkpoint of `folder` if there is one."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    kind, draws = kind_of(options), gongsik.Draws(options.seed)
    rules, x = game(bk, kind, options.seed), 2 * images()[0].x.reshape(-1, *SHAPE) - 1
    marks = [max(1, round(share * options.steps)) for share in MARKS]
    same = bk.asarray(gongsik.Draws(1).normal("gan: shown", (SHOWN, NOISE)))

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        rows = [batch(options.seed, kind.k * i + j, len(x), BATCH) for j in range(kind.k)]
        real = bk.asarray(x[np.stack(rows)])
        uniform = bk.asarray(draws.uniform("gan: between", (kind.k, BATCH), counter=i))
        z = bk.asarray(draws.normal("gan: noise", (kind.k, BATCH, NOISE), counter=i))
        played = bk.alternating_training(rules, tree["players"], (real, uniform), (z,), k=kind.k)
        shown = tree["shown"]
        if i + 1 in marks:
            made = bk.to_numpy(rules.generate(played.players.generator, same)).astype(np.float64)
            chosen = np.array(marks)[:, None, None] == i + 1
            shown = bk.asarray(np.where(chosen, made.reshape(SHOWN, -1), bk.to_numpy(shown)))
        measured = {
            "discriminator": played.discriminator_losses[0, -1], "generator": played.generator_losses[0]
        }  # fmt: skip
        return {"players": played.players, "shown": shown}, measured

    seeds = options.seed, options.seed + 1
    networks = kind.generator, kind.discriminator
    params = [generative.initial(bk, net.parameters(), seed) for net, seed in zip(networks, seeds, strict=True)]
    start = {"players": Players(*params), "shown": bk.asarray(np.zeros((len(MARKS), SHOWN, SIDE * SIDE)))}
    return generative.train(bk, options, start, step, folder, name=f"{options.backend}, {options.kind}")


def samples(bk: Any, options: Options, players: Players, n: int = SAMPLES) -> np.ndarray:
    """Images [n 64] from 0 to 1 of noise of their own."""
    z = bk.asarray(gongsik.Draws(2).normal("gan: samples", (n, NOISE)))
    made = bk.to_numpy(player(bk, kind_of(options).generator, options.seed)(players.generator, z))
    return (made.reshape(n, -1).astype(np.float64) + 1) / 2


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train and measure; what goes into the JSON file."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    trained = train(options, folder)
    made = samples(bk, options, trained.tree["players"])
    shown = (bk.to_numpy(trained.tree["shown"]).astype(np.float64) + 1) / 2
    return {
        "measured": {"distance": generative.distance_to_digits(made), **generative.references()},
        "curves": {name: generative.thinned(values) for name, values in trained.history.items()},
        "marks": [max(1, round(share * options.steps)) for share in MARKS],
        "shown": [text(grid(each, SHOWN)) for each in shown],
        "samples": text(grid(made[:60], 20)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run, under=lambda options: options.kind)


if __name__ == "__main__":
    sys.exit(main())
