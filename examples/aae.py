"""Train an adversarial autoencoder on real handwritten digits, with either backend.

    python examples/aae.py --run runs/aae
    python examples/aae.py --prior normal --json docs/autoencoder.json
    python examples/aae.py --backend reference --dtype float64 --steps 200

Codes are to look like draws of a prior, of which nothing but draws is needed: by default a ring, whose density nobody
has to write down. A step has two phases: encoder and decoder restore the batch and deceive the discriminator, then the
discriminator learns to tell. Draws are a function of the seed and the step, so a stopped run goes on.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np
from generative import Trained, batch, grid, images, text

import gongsik
from gongsik.spec.autoencoder import AdversarialAutoencoder

CONFIG = AdversarialAutoencoder((64, 128, 64, 2), "relu", "sigmoid", hidden=(64, 64))
BATCH = 64
RATE = 2e-3
SAMPLES = 1000


@dataclass(frozen=True)
class Options(generative.Options):
    """`generative.Options`, and what codes are to look like: "ring" or "normal"."""

    steps: int = 6000
    prior: str = "ring"


def draw_prior(name: str, draws: gongsik.Draws, n: int, step: int) -> np.ndarray:
    """Draws of the prior [n 2]: normal ones, or a ring of radius 2 that is 0.2 wide.

    Raises
    ------
    ValueError
        If there is no such prior.
    """
    normal = draws.normal("aae: prior", (n, 2), counter=step)
    if name == "normal":
        return normal
    if name != "ring":
        raise ValueError(f"no prior {name!r}; there are ring and normal")
    return (
        2
        * normal
        / np.linalg.norm(normal, axis=1, keepdims=True)
        * (1 + 0.1 * draws.normal("aae: width", (n, 1), counter=step))
    )


def learning_rate(step: int, steps: int) -> float:
    """Falls along half a cosine, from the first step to the last."""
    return RATE * (1 + float(np.cos(np.pi * step / steps))) / 2


def train(options: Options, folder: Path | None = None) -> Trained:
    """Train, from the last complete checkpoint of `folder` if there is one."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    x, draws = bk.asarray(images()[0].x), gongsik.Draws(options.seed)

    def restore_and_deceive(autoencoder: Any, discriminator: Any, x: Any, prior: Any) -> Any:
        losses = bk.adversarial_autoencoder(CONFIG, autoencoder | discriminator, x, prior)
        return losses.reconstruction + losses.generator

    def tell(discriminator: Any, autoencoder: Any, x: Any, prior: Any) -> Any:
        return bk.adversarial_autoencoder(CONFIG, autoencoder | discriminator, x, prior).discriminator

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        here = x[batch(options.seed, i, len(x), BATCH)]
        prior = bk.asarray(draw_prior(options.prior, draws, BATCH, i))
        rate = learning_rate(i, options.steps)
        first, grads = bk.value_and_grad(restore_and_deceive)(tree["autoencoder"], tree["discriminator"], here, prior)
        autoencoder, state = bk.adam(tree["autoencoder"], grads, tree["state"], lr=rate)
        second, grads = bk.value_and_grad(tell)(tree["discriminator"], autoencoder, here, prior)
        discriminator, other = bk.adam(tree["discriminator"], grads, tree["other state"], lr=rate)
        after = {"autoencoder": autoencoder, "discriminator": discriminator, "state": state, "other state": other}
        return after, {"autoencoder": first, "discriminator": second}

    params = generative.initial(bk, CONFIG.parameters(), options.seed)
    parts = {
        "autoencoder": {name: p for name, p in params.items() if not name.startswith("discriminator")},
        "discriminator": {name: p for name, p in params.items() if name.startswith("discriminator")},
    }
    start = {**parts, "state": None, "other state": None}
    return generative.train(bk, options, start, step, folder, name=f"{options.backend}, AAE")


def measure(bk: Any, options: Options, params: Any) -> dict[str, float]:
    """How well held-out digits are restored, what the discriminator still tells, how far samples are from digits."""
    test, draws = images()[1].x, gongsik.Draws(2)
    prior = bk.asarray(draw_prior(options.prior, draws, len(test), 0))
    losses = bk.adversarial_autoencoder(CONFIG, params, bk.asarray(test), prior)
    z = bk.asarray(draw_prior(options.prior, draws, SAMPLES, 1))
    samples = bk.to_numpy(bk.decode(CONFIG, params, z)).astype(np.float64)
    return {
        "reconstruction": float(losses.reconstruction),
        "discriminator": float(losses.discriminator),
        "distance": generative.distance_to_digits(samples),
    }


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train and measure; what goes into the JSON file."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    trained = train(options, folder)
    params = trained.tree["autoencoder"] | trained.tree["discriminator"]
    test = images()[1]
    codes = bk.to_numpy(bk.autoencoder(CONFIG, params, bk.asarray(test.x)).code).astype(np.float64)
    draws = gongsik.Draws(1)
    angle = 2 * np.pi * np.arange(20) / 20
    around = 2 * np.stack([np.cos(angle), np.sin(angle)], -1)

    def picture(z: np.ndarray) -> list[str]:
        return text(grid(bk.to_numpy(bk.decode(CONFIG, params, bk.asarray(z))).astype(np.float64), 20))

    return {
        "measured": measure(bk, options, params),
        "curves": {name: generative.thinned(values) for name, values in trained.history.items()},
        "shown": {
            "samples": picture(draw_prior(options.prior, draws, 60, 0)),
            "around": picture(around),
            "codes": [[round(float(a), 3) for a in code] for code in codes],
            "labels": test.y.tolist(),
        },
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run, under=lambda options: f"aae {options.prior}")


if __name__ == "__main__":
    sys.exit(main())
