"""Detectors as configurations: which networks they are made of, and what their arrays are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gongsik.spec.errors import DomainError
from gongsik.spec.layers import (
    Activation,
    Architecture,
    Conv2d,
    Dropout,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Sequential,
    Shape,
    sequence,
)

__all__ = ["RCNN", "RPN", "Detector", "FastRCNN", "FasterRCNN", "SPPNet", "YOLOv1", "alexnet_features", "vgg_features"]


def alexnet_features() -> Sequential:
    """AlexNet up to its second fully connected layer: 4096 features of an image of 227 by 227 pixels."""
    relu = Activation("relu")
    return sequence(
        Conv2d(3, 64, 11, 4, 2), relu, MaxPool2d(3, 2), Conv2d(64, 192, 5, padding=2), relu, MaxPool2d(3, 2),
        Conv2d(192, 384, 3, padding=1), relu, Conv2d(384, 256, 3, padding=1), relu, Conv2d(256, 256, 3, padding=1),
        relu, MaxPool2d(3, 2), Flatten(), Linear(256 * 6 * 6, 4096), relu, Linear(4096, 4096), relu,
    )  # fmt: skip


def vgg_features() -> Sequential:
    """The convolutions of VGG-16 without the last pooling: 512 channels, one cell per 16 pixels."""
    layers: list[Layer] = []
    before = 3
    for block, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        layers += [MaxPool2d(2)] if block else []
        for _ in range(depth):
            layers += [Conv2d(before, width, 3, padding=1), Activation("relu")]
            before = width
    return sequence(*layers)


def dense(n_in: int, *sizes: int) -> Sequential:
    """Fully connected layers, each with a ReLU, on features that are flattened before."""
    layers: list[Layer] = [Flatten()]
    for before, after in zip((n_in, *sizes), sizes, strict=False):
        layers += [Linear(before, after), Activation("relu")]
    return sequence(*layers)


def _at_least_1(config: Any, *names: str) -> None:
    for name in names:
        if type(value := getattr(config, name)) is not int or value < 1:
            raise DomainError(f"{type(config).__name__}: {name} is {value!r}, expected an int >= 1")


class Detector:
    """Base of detectors that are made of several networks, each of which has a name."""

    def __post_init__(self) -> None:
        self.parameters()  # cached from now on: a compiler of functions cannot follow how they are worked out

    def parts(self) -> Mapping[str, Layer]:
        """The networks by name."""
        raise NotImplementedError

    def parameters(self) -> Mapping[str, Shape]:
        """Shapes of what is learned, by name: that of the network, a dot, that inside the network."""
        return self._parameters

    @cached_property
    def _parameters(self) -> Mapping[str, Shape]:
        return {
            f"{name}.{key}": shape for name, part in self.parts().items() for key, shape in part.parameters().items()
        }


@dataclass(frozen=True)
class RCNN(Detector):
    """R-CNN: features of every warped region, one linear classifier and one box regression per class.

    Attributes
    ----------
    classes : int
        Without a background: a region is nothing if all its scores are negative.
    size : int
        Height and width to which regions are warped.
    backbone : Layer
        From a warped region to its features.
    """

    classes: int = 20
    size: int = 227
    backbone: Layer = field(default_factory=alexnet_features)

    def __post_init__(self) -> None:
        _at_least_1(self, "classes", "size")
        super().__post_init__()

    @cached_property
    def features(self) -> int:
        """How many features a region has."""
        return self.backbone.output((3, self.size, self.size))[0]

    def parts(self) -> Mapping[str, Layer]:
        svms, regressors = Linear(self.features, self.classes), Linear(self.features, 4 * self.classes)
        return {"backbone": self.backbone, "svms": svms, "bbox_pred": regressors}


@dataclass(frozen=True)
class SPPNet(Detector):
    """SPPNet: one pass over the image, a spatial pyramid over the part of the map that each region covers.

    Attributes
    ----------
    classes : int
        With the background.
    backbone : Layer
        Convolutions, from three channels.
    stride : int
        Pixels of the image per pixel of the map.
    levels : tuple of int
        Of the pyramid.
    hidden : tuple of int
        Widths of the fully connected layers before the last.
    """

    classes: int = 21
    backbone: Layer = field(default_factory=vgg_features)
    stride: int = 16
    levels: tuple[int, ...] = (1, 2, 3, 6)
    hidden: tuple[int, ...] = (4096, 4096)

    def __post_init__(self) -> None:
        _at_least_1(self, "classes", "stride")
        super().__post_init__()

    def parts(self) -> Mapping[str, Layer]:
        channels = self.backbone.output((3, 16 * self.stride, 16 * self.stride))[0]
        features = channels * sum(b * b for b in self.levels)
        last = (features, *self.hidden)[-1]
        return {
            "backbone": self.backbone,
            "head": dense(features, *self.hidden),
            "cls_score": Linear(last, self.classes),
        }


@dataclass(frozen=True)
class FastRCNN(Detector):
    """Fast R-CNN: one pass over the image, a pool of fixed size for each region, classes and boxes at once.

    Attributes
    ----------
    classes : int
        With the background, which is class 0.
    backbone : Layer
        Convolutions, from `channels` channels.
    stride : int
        Pixels of the image per pixel of the map.
    pool : int
        Rows and columns that are left of each region.
    hidden : tuple of int
        Widths of the fully connected layers before the last.
    aligned : bool
        Whether regions are pooled by `roi_align`, without rounding, or by `roi_pool`.
    channels : int
        Of the image.
    """

    classes: int = 21
    backbone: Layer = field(default_factory=vgg_features)
    stride: int = 16
    pool: int = 7
    hidden: tuple[int, ...] = (4096, 4096)
    aligned: bool = False
    channels: int = 3

    def __post_init__(self) -> None:
        _at_least_1(self, "classes", "stride", "pool", "channels")
        super().__post_init__()

    @cached_property
    def width(self) -> int:
        """Channels of the map."""
        return self.backbone.output((self.channels, 16 * self.stride, 16 * self.stride))[0]

    def parts(self) -> Mapping[str, Layer]:
        features = self.width * self.pool**2
        last = (features, *self.hidden)[-1]
        return {
            "backbone": self.backbone, "head": dense(features, *self.hidden),
            "cls_score": Linear(last, self.classes), "bbox_pred": Linear(last, 4 * self.classes),
        }  # fmt: skip


@dataclass(frozen=True)
class RPN(Detector):
    """The region proposal network: a convolution over the map, then for each of k anchors two logits and four deltas.

    Attributes
    ----------
    channels : int
        Of the map.
    anchors : int
        k, how many there are at each place.
    hidden : int
        Channels in between.
    """

    channels: int = 512
    anchors: int = 9
    hidden: int = 512

    def __post_init__(self) -> None:
        _at_least_1(self, "channels", "anchors", "hidden")
        super().__post_init__()

    def parts(self) -> Mapping[str, Layer]:
        conv = sequence(Conv2d(self.channels, self.hidden, 3, padding=1), Activation("relu"))
        of_anchors = {"cls_logits": 2 * self.anchors, "bbox_pred": 4 * self.anchors}
        return {"conv": conv, **{name: Conv2d(self.hidden, n, 1) for name, n in of_anchors.items()}}


@dataclass(frozen=True)
class FasterRCNN(Detector):
    """Faster R-CNN: Fast R-CNN, whose proposals a region proposal network makes from the same map.

    Attributes
    ----------
    detector : FastRCNN
        The second stage; its backbone is that of both.
    sizes, ratios : tuple of float
        Of the anchors.
    proposals : int
        How many of them the second stage looks at, at most.
    threshold : float
        IoU above which the better one of two proposals suppresses the other.
    hidden : int
        Channels inside the proposal network.
    """

    detector: FastRCNN = field(default_factory=FastRCNN)
    sizes: tuple[float, ...] = (128.0, 256.0, 512.0)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    proposals: int = 300
    threshold: float = 0.7
    hidden: int = 512

    def __post_init__(self) -> None:
        _at_least_1(self, "proposals", "hidden")
        super().__post_init__()

    @cached_property
    def rpn(self) -> RPN:
        """The proposal network."""
        return RPN(self.detector.width, len(self.sizes) * len(self.ratios), self.hidden)

    def parts(self) -> Mapping[str, Layer]:
        return {**self.detector.parts(), **{f"rpn.{name}": part for name, part in self.rpn.parts().items()}}


@dataclass(frozen=True)
class YOLOv1(Architecture):
    """YOLO v1: 24 convolutions, two fully connected layers, and all boxes of the image at once.

    Attributes
    ----------
    s, b, c : int
        Rows and columns of the grid, boxes per cell, classes.
    size : int
        Height and width of the image.
    widths : tuple
        Of the convolutions, block by block; between two blocks the map is halved. A pair is (channels, kernel).
    hidden : int
        Width of the first fully connected layer.
    channels, stride : int
        Of the image; of the first convolution, and of that before the last block, which is the second to halve the map.
    """

    s: int = 7
    b: int = 2
    c: int = 20
    size: int = 448
    widths: tuple[tuple[tuple[int, int], ...], ...] = (
        ((64, 7),),
        ((192, 3),),
        ((128, 1), (256, 3), (256, 1), (512, 3)),
        (*(4 * ((256, 1), (512, 3))), (512, 1), (1024, 3)),
        (*(2 * ((512, 1), (1024, 3))), (1024, 3), (1024, 3)),
        ((1024, 3), (1024, 3)),
    )
    hidden: int = 4096
    channels: int = 3
    stride: int = 2

    def __post_init__(self) -> None:
        _at_least_1(self, "s", "b", "c", "size", "hidden", "channels", "stride")
        super().__post_init__()

    def build(self) -> Layer:
        leaky, before, last = Activation("leaky_relu"), self.channels, len(self.widths) - 1
        layers: list[Layer] = []
        for block, convolutions in enumerate(self.widths):
            for i, (width, kernel) in enumerate(convolutions):
                # The first halves the map; so does, instead of a pool, the last one of the block before the last.
                halves = (block == 0 and i == 0) or (block == last - 1 and i == len(convolutions) - 1)
                layers += [Conv2d(before, width, kernel, self.stride if halves else 1, kernel // 2), leaky]
                before = width
            layers += [MaxPool2d(2)] if block < last - 1 else []
        features = sequence(*layers).output((self.channels, self.size, self.size))
        n_out = self.s * self.s * (5 * self.b + self.c)
        layers += [Flatten(), Linear(features[0] * features[1] * features[2], self.hidden), leaky, Dropout(0.5)]
        return sequence(*layers, Linear(self.hidden, n_out))
