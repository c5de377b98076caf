"""Train NADE on binary handwritten digits, with either backend, and draw new ones.

    python examples/nade.py --run runs/nade --json nade.json
    python examples/nade.py --backend reference --steps 200

The data are scikit-learn's digits, 64 pixels in ink or paper. What is maximised is the log-probability of the training
images, with weights that decay; what is compared is the mean log-probability of 360 held-out images, beside that of two
simple models: independent pixels, and pixels that are independent given the digit. The program is one of those that
share `generative.py`.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np

import gongsik
from gongsik.spec.autoregressive import NADE

BATCH = 100
LR = 5e-3
SAMPLES = 1000
DRAWN = 40
"""Samples and real images that go into the file as pictures."""


@dataclass(frozen=True)
class Options(generative.Options):
    """What decides the numbers of a run; `order` is 0 for the raster order, or the seed of another one."""

    steps: int = 2000
    hidden: int = 128
    decay: float = 0.1
    order: int = 0


def pixels(order: int) -> np.ndarray:
    """For each pixel of the model, which one of the image it is."""
    d = generative.SIDE**2
    return gongsik.Draws(order).permutation("nade: order of the pixels", d) if order else np.arange(d)


def bernoulli(chance: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Log-probability of each binary image if every pixel is ink with its own chance."""
    return np.where(x == 1, np.log(chance), np.log1p(-chance)).sum(-1)


def baselines(train: generative.Digits, test: generative.Digits) -> dict[str, float]:
    """Mean log-probability of held-out images under models that count ink in the training images, each pixel alone.

    Counts start from 1/2 for ink and for paper, so that nothing is impossible. The second model is a mixture with one
    component per digit.
    """
    x, held_out = generative.binary(train.x), generative.binary(test.x)
    independent = bernoulli((x.sum(0) + 0.5) / (len(x) + 1), held_out)
    components = []
    for label in range(10):
        own = x[train.y == label]
        components.append(math.log(len(own) / len(x)) + bernoulli((own.sum(0) + 0.5) / (len(own) + 1), held_out))
    return {
        "independent pixels": float(independent.mean()),
        "independent pixels, given the digit": float(np.logaddexp.reduce(components).mean()),
    }


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train, and measure what the file gets."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    train, test = generative.images()
    order = pixels(options.order)
    x, held_out = (bk.asarray(generative.binary(part.x)[:, order]) for part in (train, test))
    config = NADE(generative.SIDE**2, options.hidden)
    rates = bk.to_numpy(bk.cosine_decay(bk.asarray(np.arange(options.steps)), base_lr=LR, total_steps=options.steps))

    def loss(params: Any, x: Any) -> Any:
        return -bk.nade(config, params, x).mean()

    def mean(params: Any, x: Any) -> float:
        return float(bk.to_numpy(bk.nade(config, params, x)).mean())

    value_and_grad = bk.value_and_grad(loss)

    def step(tree: Any, i: int) -> Any:
        value, grads = value_and_grad(tree["params"], x[generative.batch(options.seed, i, len(train.y), BATCH)])
        params, state = bk.adamw(tree["params"], grads, tree["state"], lr=float(rates[i]), weight_decay=options.decay)
        return {"params": params, "state": state}, {"loss": value}

    params = generative.initial(bk, config.parameters(), options.seed)
    start = {"params": params, "state": None}
    trained = generative.train(bk, options, start, step, folder, name=options.backend)
    params = trained.tree["params"]
    uniform = gongsik.Draws(options.seed).uniform("nade: samples", (SAMPLES, config.features))
    samples = np.empty((SAMPLES, config.features))
    samples[:, order] = bk.to_numpy(bk.nade_sample(config, params, bk.asarray(uniform)))
    real = generative.binary(test.x)
    losses = np.array(trained.history["loss"])
    every = max(1, len(losses) // 100)
    return {
        "measured": {
            "training images": mean(params, x),
            "held-out images": mean(params, held_out),
            **baselines(train, test),
            "distance of the samples": generative.distance_to_digits(samples, real),
            "distance of training images": generative.distance_to_digits(generative.binary(train.x)[:SAMPLES], real),
        },
        "curve": [round(float(part.mean()), 4) for part in np.array_split(losses, len(losses) // every)],
        "samples": generative.text(generative.grid(samples[:DRAWN], 10)),
        "real": generative.text(generative.grid(real[:DRAWN], 10)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run, {"hidden": 1, "decay": 0, "order": 0})


if __name__ == "__main__":
    sys.exit(main())
