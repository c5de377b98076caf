"""What a user would call instead of the convolutions: torch.nn.functional; NumPy and SciPy for the reference."""

from typing import Any

import numpy as np
import scipy.signal
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input, conv2d_weight

from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.convolution import ConvStack


def _images(data: Data) -> Tensor:
    return data.normal(*data.of((2, 8, 8, 8), (8, 64, 28, 28), (8, 64, 56, 56)))


def _operations(weight: Tensor, maps: int) -> int:
    """Additions and multiplications of a layer, for so many places of its kernels in all images."""
    return 2 * weight.numel() * maps


def continuous_convolution(data: Data) -> Contest:
    t = data.normal(data.of(2**4, 2**10, 2**14))

    def by_hand(f: Any, g: Any, t: Tensor) -> Tensor:
        tau = torch.linspace(-4, 4, 513, device=t.device)
        return torch.trapezoid(f(tau) * g(t[:, None] - tau), tau)

    arguments = (lambda s: s / (1 + s * s), lambda s: 1 / (1 + s * s), t)
    return Contest(arguments, {"torch.trapezoid(f(tau) * g(t - tau))": by_hand}, {"lower": -4.0, "upper": 4.0})


def convolve(data: Data) -> Contest:
    f, g = data.normal(data.of(2**6, 2**12, 2**18)), data.normal(data.of(5, 31, 127))

    def by_hand(f: Tensor, g: Tensor) -> Tensor:
        return F.conv1d(f[None], g.flip(0)[None, None], padding=len(g) - 1)[0]

    return Contest((f, g), {"F.conv1d of the turned kernel": by_hand}, arrays={"np.convolve": np.convolve})


def _plane(data: Data) -> tuple[Tensor, Tensor]:
    return data.normal(*data.of((16, 16), (256, 256), (1024, 1024))), data.normal(3, 3)


def convolve2d(data: Data) -> Contest:
    def by_hand(image: Tensor, kernel: Tensor) -> Tensor:
        return F.conv2d(image[None], kernel.flip(0, 1)[None, None], padding=2)[0]

    peers = {"F.conv2d of the turned kernel": by_hand}
    return Contest(_plane(data), peers, arrays={"scipy.signal.convolve2d": scipy.signal.convolve2d})


def cross_correlation2d(data: Data) -> Contest:
    def by_scipy(image: Any, kernel: Any) -> Any:
        return scipy.signal.correlate2d(image, kernel, mode="valid")

    peers = {"F.conv2d": lambda image, kernel: F.conv2d(image[None], kernel[None, None])[0]}
    return Contest(_plane(data), peers, arrays={"scipy.signal.correlate2d": by_scipy})


def conv2d(data: Data) -> Contest:
    x = _images(data)
    n, c, h, w = x.shape
    weight = data.normal(c, c, 3, 3)
    peers = {"F.conv2d": lambda x, weight: F.conv2d(x, weight, padding=1)}
    return Contest((x, weight), peers, {"padding": 1}, operations=_operations(weight, n * h * w))


def nested_convolution(data: Data) -> Contest:
    x = _images(data)
    config = ConvStack((x.shape[1], 32, 32), padding=1)
    layers = [nn.Conv2d(c_in, 32, 3, padding=1) for c_in in (x.shape[1], 32)]
    module = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())))
    params = {name: 0.1 * data.normal(*shape) for name, shape in config.parameters().items()}
    module.to(data.device).load_state_dict(params)

    def peer(config: ConvStack, params: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x)

    return Contest((config, params, x), {"nn.Sequential": peer})


def zero_pad(data: Data) -> Contest:
    return Contest((_images(data),), {"F.pad": lambda x: F.pad(x, (1, 1, 1, 1))}, {"pad": 1})


def conv2d_grad_input(data: Data) -> Contest:
    x = _images(data)
    n, c, h, w = x.shape
    weight = data.normal(c, c, 3, 3)
    peers = {"torch.nn.grad.conv2d_input": lambda g, weight: conv2d_input(x.shape, weight, g, padding=1)}
    return Contest((x, weight), peers, {"size": (h, w), "padding": 1}, operations=_operations(weight, n * h * w))


def conv2d_grad_weight(data: Data) -> Contest:
    x = _images(data)
    n, c, h, w = x.shape
    weight = data.normal(c, c, 3, 3)
    peers = {"torch.nn.grad.conv2d_weight": lambda x, g: conv2d_weight(x, weight.shape, g, padding=1)}
    return Contest((x, x.flip(0)), peers, {"kernel": 3, "padding": 1}, operations=_operations(weight, n * h * w))


def pointwise_conv2d(data: Data) -> Contest:
    x = _images(data)
    n, c, h, w = x.shape
    weight = data.normal(c, c)
    peers = {"F.conv2d of 1x1": lambda x, weight: F.conv2d(x, weight[:, :, None, None])}
    return Contest((x, weight), peers, operations=_operations(weight, n * h * w))


def conv_transpose2d(data: Data) -> Contest:
    x = _images(data)
    n, c, h, w = x.shape
    weight = data.normal(c, c, 2, 2)
    peers = {"F.conv_transpose2d": lambda x, weight: F.conv_transpose2d(x, weight, stride=2)}
    return Contest((x, weight), peers, {"stride": 2}, operations=_operations(weight, n * h * w))


def dilated_conv2d(data: Data) -> Contest:
    x = _images(data)
    weight = data.normal(x.shape[1], x.shape[1], 3, 3)
    peers = {"F.conv2d(dilation=2)": lambda x, weight: F.conv2d(x, weight, padding=2, dilation=2)}
    return Contest((x, weight), peers, {"padding": 2, "dilation": 2})


def depthwise_conv2d(data: Data) -> Contest:
    x = _images(data)
    peers = {"F.conv2d(groups=c)": lambda x, weight: F.conv2d(x, weight, padding=1, groups=x.shape[1])}
    return Contest((x, data.normal(x.shape[1], 1, 3, 3)), peers, {"padding": 1})


def depthwise_separable_conv2d(data: Data) -> Contest:
    x = _images(data)
    c = x.shape[1]

    def by_hand(x: Tensor, depthwise: Tensor, pointwise: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(x, depthwise, padding=1, groups=c), pointwise[:, :, None, None])

    return Contest((x, data.normal(c, 1, 3, 3), data.normal(c, c)), {"F.conv2d twice": by_hand}, {"padding": 1})


def spatially_separable_conv2d(data: Data) -> Contest:
    x = _images(data)
    c = x.shape[1]

    def by_lines(x: Tensor, column: Tensor, row: Tensor) -> Tensor:
        along_rows = F.conv2d(x, row.expand(c, 1, 1, -1), padding=(0, 1), groups=c)
        return F.conv2d(along_rows, column[:, None].expand(c, 1, -1, 1), padding=(1, 0), groups=c)

    return Contest((x, data.normal(3), data.uniform(3)), {"F.conv2d by lines": by_lines}, {"padding": 1})


def flattened_conv2d(data: Data) -> Contest:
    x = _images(data)
    c = x.shape[1]

    def by_lines(x: Tensor, channel: Tensor, vertical: Tensor, horizontal: Tensor) -> Tensor:
        mixed = F.conv2d(x, channel[:, :, None, None])
        down = F.conv2d(mixed, vertical[:, None, :, None], padding=(1, 0), groups=c)
        return F.conv2d(down, horizontal[:, None, None, :], padding=(0, 1), groups=c)

    arguments = (x, data.normal(c, c), data.normal(c, 3), data.uniform(c, 3))
    return Contest(arguments, {"F.conv2d by lines": by_lines}, {"padding": 1})


def grouped_conv2d(data: Data) -> Contest:
    x = _images(data)
    weight = data.normal(x.shape[1], x.shape[1] // 4, 3, 3)
    peers = {"F.conv2d(groups=4)": lambda x, weight: F.conv2d(x, weight, padding=1, groups=4)}
    return Contest((x, weight), peers, {"groups": 4, "padding": 1})


def channel_shuffle(data: Data) -> Contest:
    peers = {"F.channel_shuffle": lambda x: F.channel_shuffle(x, 4)}
    return Contest((_images(data),), peers, {"groups": 4})


def shuffled_grouped_conv2d(data: Data) -> Contest:
    x = _images(data)
    weight = data.normal(x.shape[1], x.shape[1] // 4, 1, 1)

    def by_hand(x: Tensor, weight1: Tensor, weight2: Tensor) -> Tensor:
        return F.conv2d(F.channel_shuffle(F.conv2d(x, weight1, groups=4), 4), weight2, groups=4)

    return Contest((x, weight, weight.flip(0)), {"F.conv2d, F.channel_shuffle, F.conv2d": by_hand}, {"groups": 4})
