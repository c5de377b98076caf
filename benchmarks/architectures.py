"""Every architecture on its native input: what it costs on paper, what one image takes in both backends, and how long
`NetworkModule` takes beside torchvision's module, where torchvision has one.

``python -m gongsik.benchmarks.architectures FILE.md`` writes the table. Each network runs in a process of its own, so
that no other is in its way.
"""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import astuple
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map

from gongsik import reference, torch_impl
from gongsik.benchmarks.timing import measure
from gongsik.spec import cnn
from gongsik.spec.layers import Architecture
from gongsik.torch_impl.layers import NetworkModule

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

TORCHVISION = {
    "AlexNet, one tower": "alexnet", **{f"VGG-{depth}": f"vgg{depth}" for depth in (11, 13, 16, 19)},
    "GoogLeNet with batch normalization": "googlenet",
    **{f"ResNet-{depth}": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
    **{f"DenseNet-{depth}": f"densenet{depth}" for depth in (121, 169, 201)},
    "MobileNet v2": "mobilenet_v2", "ShuffleNet v2": "shufflenet_v2_x1_0", "MnasNet": "mnasnet1_0",
}  # fmt: skip
BATCH = 2
"""Images of a training step: the least that batch normalization has a variance of, where a map is one pixel."""


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


def ratios(name: str, budget: float = 8.0) -> dict[str, tuple[float, float, float]]:
    """Our module's time over torchvision's, quartiles: of a forward pass, and of forward and backward in training."""
    from gongsik.benchmarks.torchvision_models import models  # which not every user has

    config, sample = NETWORKS[name]
    options = {"aux_logits": False, "init_weights": False} if name.startswith("GoogLeNet") else {}
    theirs = getattr(models, TORCHVISION[name])(**options)
    ours = NetworkModule(config)
    ours.load_state_dict(theirs.state_dict())
    modules = {"ours": ours, "theirs": theirs}
    found = {}
    x = torch.randn(1, *sample)
    with torch.no_grad():
        calls = {key: partial(module.eval(), x) for key, module in modules.items()}
        found["forward"] = measure(calls, budget=budget).ratio("ours", "theirs")
    x = torch.randn(BATCH, *sample)
    calls = {key: partial(_step, module.train(), x) for key, module in modules.items()}
    found["both"] = measure(calls, budget=budget).ratio("ours", "theirs")
    return {key: astuple(quartiles) for key, quartiles in found.items()}


def _step(module: torch.nn.Module, x: torch.Tensor) -> None:
    module.zero_grad()
    module(x).square().mean().backward()


def table() -> str:
    """The table in Markdown, every network measured now."""
    lines = [
        "| network | input | parameters | multiply-adds | reference | its memory | torch | module / torchvision "
        "| and backward |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (config, sample) in NETWORKS.items():
        rows = config.table(sample)
        cells = [name, " x ".join(map(str, sample)), f"{sum(row.parameters for row in rows):,}"]
        cells.append(f"{sum(row.multiply_adds for row in rows) / 1e6:,.1f} M")
        command = [sys.executable, "-m", "gongsik.benchmarks.architectures", name]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        cells += [f"{found['reference']:.3g} s", f"{found['mebibytes']:,.0f} MiB", f"{found['torch']:.3g} s"]
        cells += [_shown(found.get(kind)) for kind in ("forward", "both")]
        print(*cells, sep="  ", file=sys.stderr)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(quartiles: tuple[float, float, float] | None) -> str:
    return "" if quartiles is None else "{1:.2f} [{0:.2f}, {2:.2f}]".format(*quartiles)


ABOUT = f"""# The architectures on their native input

One image in float32, on one thread: seconds of a forward pass, and the memory that it takes beyond the parameters. Then
the time of our module over torchvision's, measured in alternation, with its quartiles: of a forward pass of one image,
and of forward and backward of {BATCH} in training mode. Made by `python -m gongsik.benchmarks.architectures FILE.md`.
"""

if __name__ == "__main__":
    if (asked := sys.argv[1]) in NETWORKS:
        print(json.dumps({**run_one(asked), **(ratios(asked) if asked in TORCHVISION else {})}))
    else:
        Path(asked).write_text(f"{ABOUT}\n{table()}\n", encoding="utf-8")
