"""Train a variational autoencoder on real handwritten digits, with either backend.

    python examples/vae.py --run runs/vae
    python examples/vae.py --backend reference --dtype float64 --steps 200
    python examples/vae.py --latent 8 --json docs/autoencoder.json

The code has two numbers, so that all of it can be drawn; --latent gives it more. A pixel is ink with the probability
that the decoder says (greys count as probabilities), and the loss is minus the ELBO from one draw of each code. Draws
are a function of the seed and the step: both backends learn from the same ones, and a stopped run goes on.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np
from generative import Trained, batch, grid, images, text

import gongsik
from gongsik.draws import normal_quantile
from gongsik.spec.autoencoder import VAE

BATCH = 64
RATE = 3e-3
DRAWS = 64
"""Draws of each code by which the ELBO of held-out digits is estimated."""
SAMPLES = 1000


@dataclass(frozen=True)
class Options(generative.Options):
    """`generative.Options`, and how many numbers a code has."""

    steps: int = 6000
    latent: int = 2


def model(options: Options) -> VAE:
    return VAE((64, 128, 64, options.latent), "relu")


def learning_rate(step: int, steps: int) -> float:
    """Falls along half a cosine, from the first step to the last."""
    return RATE * (1 + float(np.cos(np.pi * step / steps))) / 2


def objective(bk: Any, config: VAE) -> Any:
    """The loss of a batch as a function of the parameters: the same text for every backend."""

    def loss(params: Any, x: Any, normal: Any) -> Any:
        said = bk.vae(config, params, x, normal)
        return bk.vae_loss(said.output, x, said.mu, said.log_var)

    return loss


def train(options: Options, folder: Path | None = None) -> Trained:
    """Train, from the last complete checkpoint of `folder` if there is one."""
    bk, config = gongsik.backend(options.backend, dtype=options.dtype), model(options)
    x, draws = bk.asarray(images()[0].x), gongsik.Draws(options.seed)
    value_and_grad = bk.value_and_grad(objective(bk, config))

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        index = batch(options.seed, i, len(x), BATCH)
        normal = bk.asarray(draws.normal("vae: code", (BATCH, options.latent), counter=i))
        loss, grads = value_and_grad(tree["params"], x[index], normal)
        params, state = bk.adam(tree["params"], grads, tree["state"], lr=learning_rate(i, options.steps))
        return {"params": params, "state": state}, {"loss": loss}

    start = {"params": generative.initial(bk, config.parameters(), options.seed), "state": None}
    return generative.train(bk, options, start, step, folder, name=f"{options.backend}, VAE")


def pixels(bk: Any, config: VAE, params: Any, z: np.ndarray) -> np.ndarray:
    """Probabilities of ink that the decoder gives to codes [*batch k]: [*batch 64]."""
    return bk.to_numpy(bk.sigmoid(bk.decode(config, params, bk.asarray(z)))).astype(np.float64)


def held_out_elbo(bk: Any, config: VAE, params: Any, seed: int = 0) -> tuple[float, float]:
    """The mean ELBO of the held-out digits in nats, and the part of it that codes cost."""
    x = bk.asarray(images()[1].x)
    normal = bk.asarray(gongsik.Draws(seed).normal("vae: held out", (DRAWS, len(x), config.sizes[-1])))
    said = bk.vae(config, params, x, normal)
    elbo = bk.elbo(said.output, x, said.mu, said.log_var)
    return float(elbo.mean()), float(bk.gaussian_kl(said.mu, said.log_var).mean())


def independent_pixels() -> float:
    """The mean log-probability of held-out digits where every pixel has its own mean brightness, and knows no other."""
    train, test = images()
    p = np.clip(train.x.mean(0), 1 / (2 * len(train.x)), 1 - 1 / (2 * len(train.x)))
    return float((test.x * np.log(p) + (1 - test.x) * np.log1p(-p)).sum(-1).mean())


def limit() -> float:
    """Minus the mean entropy of the held-out digits' greys: no decoder has an ELBO above it."""
    x = images()[1].x
    inside = np.where((x > 0) & (x < 1), x, 0.5)
    entropy = -(inside * np.log(inside) + (1 - inside) * np.log1p(-inside))
    return -float(np.where((x > 0) & (x < 1), entropy, 0).sum(-1).mean())


def latent_map(bk: Any, config: VAE, params: Any, side: int = 15) -> np.ndarray:
    """What the decoder makes of a grid of codes of two numbers, at the quantiles of the normal distribution."""
    line = normal_quantile((np.arange(side) + 0.5) / side)
    z = np.stack(np.meshgrid(line, line[::-1]), -1).reshape(-1, 2)
    return grid(pixels(bk, config, params, z), side)


def shown(bk: Any, config: VAE, params: Any) -> dict[str, Any]:
    """Pictures for the page: samples, restored digits, ways between two digits, an attribute given, the map."""
    test, draws = images()[1], gongsik.Draws(1)
    k = config.sizes[-1]
    z = draws.normal("vae: samples", (60, k))
    said = bk.vae(config, params, bk.asarray(test.x), bk.asarray(np.zeros((len(test.x), k))))
    mu = bk.to_numpy(said.mu).astype(np.float64)
    restored = bk.to_numpy(bk.sigmoid(said.output[:12])).astype(np.float64)
    ends = [int(np.flatnonzero(test.y == digit)[0]) for digit in (0, 6, 4, 1, 3, 7)]
    ways = [
        bk.to_numpy(bk.latent_interpolation(bk.asarray(mu[a]), bk.asarray(mu[b]), steps=10))
        for a, b in zip(ends[::2], ends[1::2], strict=True)
    ]
    found: dict[str, Any] = {
        "samples": text(grid(pixels(bk, config, params, z), 20)),
        "restored": text(grid(np.concatenate([test.x[:12], restored]), 12)),
        "ways": text(grid(pixels(bk, config, params, np.concatenate(ways)), 10)),
    }
    if k == 2:
        found["map"] = text(latent_map(bk, config, params))
        found["codes"] = [[round(float(a), 3) for a in code] for code in mu]
        found["labels"] = test.y.tolist()
    return found


def measure(bk: Any, config: VAE, params: Any) -> dict[str, float]:
    """How good the trained model is: the bound on held-out digits, and how far samples are from digits."""
    elbo, cost = held_out_elbo(bk, config, params)
    z = gongsik.Draws(2).normal("vae: samples", (SAMPLES, config.sizes[-1]))
    distance = generative.distance_to_digits(pixels(bk, config, params, z))
    return {
        "elbo": elbo, "codes cost": cost, "independent pixels": independent_pixels(), "limit": limit(),
        "distance": distance,
    }  # fmt: skip


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train and measure; what goes into the JSON file."""
    bk, config = gongsik.backend(options.backend, dtype=options.dtype), model(options)
    trained = train(options, folder)
    params = trained.tree["params"]
    return {
        "measured": measure(bk, config, params),
        "curves": {"loss": generative.thinned(trained.history["loss"])},
        "shown": shown(bk, config, params),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run, {"latent": 1}, lambda o: f"vae {o.latent}")


if __name__ == "__main__":
    sys.exit(main())
