"""What a token costs that GPT says after many others, with a cache and without.

    python -m gongsik.benchmarks.decoding docs/decoding.json

With the cache a step reads one token and what was kept of the others; without it the whole text is read again.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from gongsik.spec.transformer import GPT
from gongsik.torch_impl.transformer import TransformerModule, gpt, gpt_step

CONFIG = GPT(vocab_size=4000, d_model=256, n_heads=4, d_ff=1024, n_layers=4, max_length=1024)
LENGTHS = (1, 32, 64, 128, 256, 384, 512, 640, 768, 896, 1023)
ROUNDS = 9


def milliseconds(call: Callable[[], Any]) -> float:
    """The median of some calls; the first one is not counted."""
    call()
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        found.append(1e3 * (time.perf_counter() - start))
    return statistics.median(found)


@torch.inference_mode()
def measure() -> dict[str, Any]:
    """Milliseconds of the token after so many, both ways, on one thread of the processor."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    params = dict(TransformerModule(CONFIG).named_parameters())
    params = {name: params[name] for name in CONFIG.parameters()}
    ids = torch.randint(CONFIG.vocab_size, (1, CONFIG.max_length))
    cached, whole = [], []
    for n in LENGTHS:
        _, keys, values, length = gpt_step(CONFIG, params, ids[:, :n])
        new = ids[:, n : n + 1]
        cached.append(
            milliseconds(lambda: gpt_step(CONFIG, params, new, keys, values, length, overwrite=True))  # noqa: B023
        )
        whole.append(milliseconds(lambda: gpt(CONFIG, params, ids[:, : n + 1])))  # noqa: B023
    return {"lengths": LENGTHS, "with the cache": cached, "without": whole, "layers": CONFIG.n_layers,
            "width": CONFIG.d_model}  # fmt: skip


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")
