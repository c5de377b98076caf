"""Train an LSTM that reads real handwritten digits row by row, with either backend.

    python examples/digits_lstm.py --backend torch --run runs/lstm
    python examples/digits_lstm.py --backend reference --evaluate runs/lstm/model.safetensors

An image of 8 by 8 pixels is a sequence of 8 rows; after the last one the network says which digit it has seen. The
program is that of `digits.py`, with its data, checkpoints and options, and another network.
"""

import sys
from typing import Any

import digits

from gongsik.spec.recurrent import LSTM, SequenceMapping

CONFIG = SequenceMapping(LSTM(8, 32), 10, "many_to_one")
RATES = digits.RATES | {"adam": 1e-2}


def forward(bk: Any, params: Any, x: Any) -> Any:
    """Logits of a batch of images, rows of 64 numbers."""
    return bk.sequence_mapping(CONFIG, params, x.reshape(-1, 8, 8))[:, 0]


NETWORK = digits.Network("digits_lstm.py", CONFIG, forward, RATES)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return digits.main(arguments, NETWORK, about=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
