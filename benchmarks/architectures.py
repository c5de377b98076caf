"""Every architecture on its native input: what it costs on paper, and what one image takes in both backends.

``python -m gongsik.benchmarks.architectures FILE.md`` writes the table. Each network runs in a process of its own, so
that no other is in its way.
"""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map

from gongsik import reference, torch_impl
from gongsik.spec import cnn
from gongsik.spec.layers import Architecture

NETWORKS: dict[str, tuple[Architecture, tuple[int, int, int]]] = {
    "LeNet-5": (cnn.LeNet5(), (1, 32, 32)),
    "AlexNet, two towers": (cnn.AlexNet(2), (3, 227, 227)),
    "AlexNet, one tower": (cnn.AlexNet(1), (3, 224, 224)),
    **{f"VGG-{depth}": (cnn.VGG(depth), (3, 224, 224)) for depth in (11, 13, 16, 19)},
    "NiN": (cnn.NetworkInNetwork(), (3, 224, 224)),
    "GoogLeNet": (cnn.GoogLeNet(auxiliary=False), (3, 224, 224)),
    "GoogLeNet with batch normalization": (cnn.GoogLeNet(norm=True, auxiliary=False), (3, 224, 224)),
    **{f"ResNet-{depth}": (cnn.ResNet(depth), (3, 224, 224)) for depth in (18, 34, 50, 101, 152)},
    **{f"DenseNet-{depth}": (cnn.DenseNet(depth), (3, 224, 224)) for depth in (121, 169, 201)},
    "DPN-92": (cnn.DPN(92), (3, 224, 224)),
    "SE-ResNet-50": (cnn.SENet(50), (3, 224, 224)),
    "MobileNet v1": (cnn.MobileNet(), (3, 224, 224)),
    "MobileNet v2": (cnn.MobileNetV2(), (3, 224, 224)),
    **{f"ShuffleNet v1, {g} groups": (cnn.ShuffleNet(g), (3, 224, 224)) for g in (1, 3, 8)},
    "ShuffleNet v2": (cnn.ShuffleNetV2(), (3, 224, 224)),
    "MnasNet": (cnn.MnasNet(), (3, 224, 224)),
}


def arrays(config: Architecture) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers in float32, of a size that keeps what passes through of order 1."""
    rng = np.random.default_rng(0)
    params = {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else np.ones(shape))
        for name, shape in config.parameters().items()
    }
    buffers = {name: np.ones(shape) for name, shape in config.buffers().items()}
    return tuple({name: array.astype(np.float32) for name, array in table.items()} for table in (params, buffers))  # pyright: ignore[reportReturnType]


def run_one(name: str) -> dict[str, float]:
    """Seconds of the second of two calls in either backend; how many mebibytes of NumPy's arrays there were at once."""
    config, sample = NETWORKS[name]
    torch.set_num_threads(1)
    given = *arrays(config), np.random.default_rng(1).standard_normal((1, *sample)).astype(np.float32)
    tracemalloc.start()
    y = reference.forward(config, *given)
    mebibytes = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert y.shape == config.output((1, *sample))
    assert np.isfinite(y).all()
    tensors = tree_map(torch.from_numpy, given)
    with torch.no_grad():
        torch_impl.forward(config, *tensors)
        seconds = {
            "reference": _seconds(lambda: reference.forward(config, *given)),
            "torch": _seconds(lambda: torch_impl.forward(config, *tensors)),
        }
    return {**seconds, "mebibytes": mebibytes}


def _seconds(call: Callable[[], Any]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def table() -> str:
    """The table in Markdown, every network measured now."""
    lines = [
        "| network | input | parameters | multiply-adds | reference | its memory | torch |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (config, sample) in NETWORKS.items():
        rows = config.table(sample)
        cells = [name, " x ".join(map(str, sample)), f"{sum(row.parameters for row in rows):,}"]
        cells.append(f"{sum(row.multiply_adds for row in rows) / 1e6:,.1f} M")
        command = [sys.executable, "-m", "gongsik.benchmarks.architectures", name]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        cells += [f"{found['reference']:.3g} s", f"{found['mebibytes']:,.0f} MiB", f"{found['torch']:.3g} s"]
        print(*cells, sep="  ", file=sys.stderr)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1] in NETWORKS:
        print(json.dumps(run_one(sys.argv[1])))
    else:
        Path(sys.argv[1]).write_text(
            "# The architectures on their native input\n\n"
            "One image in float32, on one thread: seconds of a forward pass, and the memory that it takes beyond the\n"
            "parameters. Made by `python -m gongsik.benchmarks.architectures FILE.md`.\n\n" + table() + "\n",
            encoding="utf-8",
        )
