"""Train a small Vision Transformer on real handwritten digits, cut into sixteen patches of 2 by 2 pixels.

    python examples/vit.py --backend torch --run runs/vit --json docs/vit.json

The digits are scikit-learn's; 360 of the 1,797 are kept for the test. The file also says, of a few, how much the
token that is asked for the class looks at every patch. With --run the same command goes on where it was stopped.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np
from gpt import dropout, optimize, start

import gongsik
from gongsik.spec.architectures.vit import ViT

BATCH = 32
CONFIG = ViT(generative.SIDE, 2, 1, 10, d_model=48, n_heads=4, d_ff=96, n_layers=3, dropout=0.1)
SHOWN = 8


@dataclass(frozen=True)
class Options(generative.Options):
    """What decides the numbers of a run."""

    steps: int = 1200


def images(x: np.ndarray) -> np.ndarray:
    """Rows of 64 numbers as [n 1 8 8]."""
    return x.reshape(-1, 1, generative.SIDE, generative.SIDE)


def looks(bk: Any, params: Any, x: np.ndarray) -> np.ndarray:
    """How much the first token looks at every patch in the last layer, the mean over the heads: [n 4 4]."""
    name = "vit.embeddings."
    weight, bias = (params[f"{name}patch_embeddings.projection.{part}"] for part in ("weight", "bias"))
    patches = bk.patch_embedding(bk.asarray(x), weight, bias)
    tokens = bk.cls_token(patches, params[f"{name}cls_token"][0, 0]) + params[f"{name}position_embeddings"]
    inner = {key: params[f"vit.{key}"] for key in CONFIG.encoder.parameters()}
    weights = bk.to_numpy(bk.encoder_states(CONFIG.encoder, inner, tokens).weights)  # [layers, n, heads, 17, 17]
    return weights[-1, :, :, 0, 1:].mean(1).reshape(len(x), 4, 4)


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train, and measure on the digits that were kept."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    training, test = generative.images()

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        rows = generative.batch(options.seed, i, len(training.y), BATCH)
        x, y = bk.asarray(images(training.x[rows])), bk.asarray(training.y[rows])
        drawn = dropout(bk, CONFIG, tuple(x.shape), options.seed, i)

        def loss(params: Any) -> Any:
            return bk.softmax_cross_entropy(bk.vit(CONFIG, params, x, drawn), y)

        tree, value = optimize(bk, tree, loss, i, options, rate=3e-3)
        return tree, {"loss": value}

    first = {"params": start(bk, CONFIG, options.seed), "state": None}
    trained = generative.train(bk, options, first, step, folder, name="ViT")
    params, losses = trained.tree["params"], trained.history["loss"]
    said = bk.to_numpy(bk.vit(CONFIG, params, bk.asarray(images(test.x)))).argmax(-1)
    return {
        "measured": {
            "parameters": sum(int(np.prod(shape)) for shape in CONFIG.parameters().values()),
            "training loss": float(np.mean(losses[-100:])),
            "test accuracy": float((said == test.y).mean()),
        },
        "losses": np.array(losses)[: len(losses) // 20 * 20].reshape(-1, 20).mean(1).round(4).tolist(),
        "digits": generative.text(test.x[:SHOWN]),
        "looks": looks(bk, params, images(test.x[:SHOWN])).round(4).tolist(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run)


if __name__ == "__main__":
    sys.exit(main())
