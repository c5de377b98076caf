"""What a user would call instead of segmentation: torch.nn.functional, scikit-learn, torchvision."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.benchmarks.torchvision_models import models
from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.segmentation import FCN, UNet

CLASSES = 21


def _scores(data: Data) -> Tensor:
    return data.normal(*data.of((1, CLASSES, 16, 16), (4, CLASSES, 64, 64), (8, CLASSES, 256, 256)))


def _labels(data: Data) -> tuple[Tensor, Tensor]:
    shape = data.of((1, 16, 16), (4, 64, 64), (8, 256, 256))
    pred, target = (torch.randint(CLASSES, shape, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    return pred.to(data.device), target.to(data.device)


def pixel_classification(data: Data) -> Contest:
    return Contest((_scores(data),), {"torch.argmax(dim=1)": lambda score: torch.argmax(score, dim=1)})


def pixel_cross_entropy(data: Data) -> Contest:
    return Contest((_scores(data), _labels(data)[1]), {"F.cross_entropy": F.cross_entropy})


def pixel_accuracy(data: Data) -> Contest:
    def by_hand(pred: Tensor, target: Tensor) -> Tensor:
        counts = target < CLASSES
        return (pred[counts] == target[counts]).double().mean()

    return Contest(_labels(data), {"(pred[counts] == target[counts]).mean()": by_hand}, {"classes": CLASSES})


def mean_iou(data: Data) -> Contest:
    def by_hand(pred: Tensor, target: Tensor) -> Tensor:
        count = torch.bincount((target * CLASSES + pred).flatten(), minlength=CLASSES**2).view(CLASSES, CLASSES)
        common = count.diagonal().double()
        return (common / (count.sum(0) + count.sum(1) - common)).mean()

    return Contest(_labels(data), {"torch.bincount of the pairs": by_hand}, {"classes": CLASSES})


def convolutionalize(data: Data) -> Contest:
    weight = data.normal(*data.of((10, 256), (512, 512 * 9), (4096, 512 * 49)))
    k = data.of(4, 3, 7)
    peers = {"reshape": lambda weight: weight.reshape(len(weight), -1, k, k)}
    return Contest((weight,), peers, {"kernel": k})


def resize(data: Data) -> Contest:
    x = data.normal(*data.of((1, CLASSES, 8, 8), (2, CLASSES, 32, 32), (4, CLASSES, 64, 64)))
    size = data.of(16, 128, 512)
    peers = {"F.interpolate": lambda x: F.interpolate(x, (size, size), mode="bilinear")}
    return Contest((x,), peers, {"size": size})


def bilinear_upsample(data: Data) -> Contest:
    x = data.normal(*data.of((1, CLASSES, 8, 8), (2, CLASSES, 32, 32), (4, CLASSES, 64, 64)))
    line = torch.tensor([0.25, 0.75, 0.75, 0.25], device=data.device)
    kernel = line.outer(line).expand(CLASSES, 1, 4, 4).contiguous()

    def peer(x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=CLASSES)

    return Contest((x,), {"F.conv_transpose2d with a kernel at hand": peer}, {"factor": 2})


def _contest(config: Any, module: nn.Module, x: Tensor, name: str) -> Contest:
    module = module.to(x.device).eval()
    params, buffers = config.split({key: array.detach() for key, array in module.state_dict().items()})

    def peer(config: Any, params: Any, buffers: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            said = module(x)
        return said["out"] if isinstance(said, dict) else said

    return Contest((config, params, buffers, x), {name: peer})


def fcn(data: Data) -> Contest:
    x = data.normal(*data.of((1, 3, 32, 32), (1, 3, 96, 96), (2, 3, 224, 224)))
    theirs = models.segmentation.fcn_resnet50(weights=None, weights_backbone=None)
    return _contest(FCN(21, ResNet(50)), theirs, x, "torchvision.models.segmentation.fcn_resnet50")


class PlainUNet(nn.Module):
    """A U-Net as one writes it with modules of torch."""

    def __init__(self, config: UNet):
        super().__init__()
        widths = [config.width * 2**i for i in range(config.depth + 1)]
        self.depth, self.padding = config.depth, config.padding
        for i, (c_in, c) in enumerate(zip([config.channels, *widths], widths, strict=False), 1):
            self.add_module(f"encoder{i}" if i <= config.depth else "bottom", self.pair(c_in, c))
            if i <= config.depth:
                self.add_module(f"up{i}", nn.ConvTranspose2d(2 * c, c, 2, stride=2))
                self.add_module(f"decoder{i}", self.pair(2 * c, c))
        self.head = nn.Conv2d(config.width, config.n_classes, 1)

    def pair(self, c_in: int, c: int) -> nn.Module:
        first, second = (nn.Conv2d(n, c, 3, padding=self.padding) for n in (c_in, c))
        return nn.Sequential(first, nn.ReLU(inplace=True), second, nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i in range(1, self.depth + 1):
            x = self.get_submodule(f"encoder{i}")(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.get_submodule("bottom")(x)
        for i in range(self.depth, 0, -1):
            x, skip = self.get_submodule(f"up{i}")(x), skips.pop()
            top, left = ((a - b) // 2 for a, b in zip(skip.shape[-2:], x.shape[-2:], strict=True))
            x = torch.cat([skip[..., top : top + x.shape[-2], left : left + x.shape[-1]], x], 1)
            x = self.get_submodule(f"decoder{i}")(x)
        return self.head(x)


def unet(data: Data) -> Contest:
    config = UNet(1, 2, *data.of((4, 2, 1), (16, 3, 1), (64, 4, 0)))
    x = data.normal(*data.of((1, 1, 16, 16), (1, 1, 128, 128), (1, 1, 284, 284)))
    return _contest(config, PlainUNet(config), x, "nn.Module")
