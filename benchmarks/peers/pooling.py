"""What a user would call instead of the pools: a kernel, or the lines that everybody writes where there is none."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gongsik.benchmarks.peers import Contest, Data


def _image(data: Data) -> Tensor:
    """Pixels as they are behind a ReLU: not negative."""
    return data.uniform(*data.of((1, 4, 8, 8), (8, 32, 32, 32), (32, 64, 56, 56)))


def max_pool2d(data: Data) -> Contest:
    def peer(x: Tensor) -> Tensor:
        return F.max_pool2d(x, 3, 2)

    return Contest((_image(data),), {"F.max_pool2d": peer}, {"kernel": 3, "stride": 2})


def block_max_pool(data: Data) -> Contest:
    def kernel_of_torch(x: Tensor) -> Tensor:
        return F.max_pool2d(x[None, None], 2)[0, 0]

    def by_hand(x: Any) -> Any:
        return x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2).max(axis=(1, 3))

    x = data.normal(*data.of((8, 8), (512, 512), (4096, 4096)))
    return Contest((x,), {"F.max_pool2d": kernel_of_torch}, {"kernel": 2}, {"x.reshape(...).max((1, 3))": by_hand})


def avg_pool2d(data: Data) -> Contest:
    def peer(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2)

    return Contest((_image(data),), {"F.avg_pool2d": peer}, {"kernel": 2})


def _windows(x: Tensor) -> Tensor:
    """All windows of 2 by 2 pixels, one in each row."""
    n, c, h, w = x.shape
    return x.view(n, c, h // 2, 2, w // 2, 2).transpose(3, 4).reshape(-1, 4)


def stochastic_pool2d(data: Data) -> Contest:
    def cumulative(x: Tensor, uniform: Tensor) -> Tensor:
        windows = _windows(x)
        sums = windows.cumsum(1)
        taken = (sums <= uniform.reshape(-1, 1) * sums[:, -1:]).sum(1, keepdim=True)
        return windows.gather(1, taken).view(uniform.shape)

    x = _image(data)
    uniform = data.uniform(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
    peers = {"cumsum and gather": cumulative}
    return Contest((x, uniform), peers, {"kernel": 2}, note="image and draws are checked, in one pass over each")


def stochastic_pool2d_inference(data: Data) -> Contest:
    def by_hand(x: Tensor) -> Tensor:
        return F.avg_pool2d(x * x, 2) / F.avg_pool2d(x, 2)

    return Contest(
        (_image(data),), {"F.avg_pool2d(x * x) / F.avg_pool2d(x)": by_hand}, {"kernel": 2},
        note="the image is checked, in one pass; no square overflows",
    )  # fmt: skip


def global_avg_pool2d(data: Data) -> Contest:
    peers = {"F.adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)}
    return Contest((_image(data),), peers)


def trainable_subsampling(data: Data) -> Contest:
    def by_hand(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.sigmoid(4 * F.avg_pool2d(x, 2) * weight[:, None, None] + bias[:, None, None])

    x = _image(data)
    parameters = data.normal(2, x.shape[1]).unbind()
    return Contest((x, *parameters), {"torch.sigmoid(4 * F.avg_pool2d(x, 2) * w + b)": by_hand})
