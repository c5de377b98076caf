"""Train LeNet-5 on real handwritten digits, with either backend.

    python examples/digits_lenet.py --backend torch --run runs/lenet
    python examples/digits_lenet.py --backend reference --evaluate runs/lenet/model.safetensors
    python examples/digits_lenet.py --compare --epochs 1

The images of 8 by 8 pixels are enlarged to the 32 by 32 that LeNet-5 takes: each pixel becomes a square of three by
three, and the 24 by 24 of them stand in the middle of an empty image, as the paper has its digits. Everything else is
`digits.py`: optimizers, schedules, the progress bar, checkpoints that a killed run goes on from, the comparison.
"""

import sys
from typing import Any

import numpy as np
from digits import Network, Options, main

from gongsik.spec.cnn import LeNet5

CONFIG = LeNet5("dense", activation="tanh")
"""The form with a fully connected output, whose logits a softmax takes."""
EVERY = 3
MARGIN = (32 - 8 * EVERY) // 2


def enlarge(bk: Any, x: Any) -> Any:
    """Rows of 64 numbers as images of 32 by 32 pixels: a transposed convolution whose kernel is a square of ones."""
    square = bk.asarray(np.ones((1, 1, EVERY, EVERY)))
    return bk.zero_pad(bk.conv_transpose2d(x.reshape(-1, 1, 8, 8), square, stride=EVERY), pad=MARGIN)


def forward(bk: Any, params: Any, x: Any) -> Any:
    return bk.lenet5(CONFIG, params, {}, enlarge(bk, x))


RATES = {
    "gradient_descent": 0.05, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.01, "adadelta": 1.0, "rmsprop": 1e-3,
    "adam": 2e-3, "adamax": 4e-3, "adamw": 2e-3, "nadam": 2e-3, "radam": 2e-3,
}  # fmt: skip
LENET = Network("digits_lenet.py", CONFIG, forward, RATES)

if __name__ == "__main__":
    sys.exit(main(network=LENET, defaults=Options(epochs=8), about=__doc__ or ""))
