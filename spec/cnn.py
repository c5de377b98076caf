"""Architectures of convolutional networks: from LeNet to what is searched for by machines."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from jaxtyping import Float

from gongsik.spec.array import Array
from gongsik.spec.errors import DomainError
from gongsik.spec.formula import Chapter, formula
from gongsik.spec.layers import (
    Activation,
    AdaptiveAvgPool2d,
    Architecture,
    BatchNorm2d,
    Conv2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    Residual,
    Sequential,
    sequence,
)
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="CNN 구조", en="CNN architectures")

Images: TypeAlias = Float[Array, "n c h w"]


class TrainingPass(NamedTuple):
    """What a network in training returns.

    Attributes
    ----------
    output : array
        Its output.
    auxiliary : tuple of arrays
        What its auxiliary heads say, from the first layer to the last; mostly there are none.
    buffers : dict
        The buffers after this batch.
    """

    output: Any
    auxiliary: Any
    buffers: Any


@formula(
    ko="신경망 순전파",
    en="Forward pass of a network",
    tex=r"f_\theta(x) = (f_L \circ \dots \circ f_1)(x)",
    source="LeCun, Bottou, Bengio & Haffner 1998, section II",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def forward(
    config: Architecture, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"], /
) -> Float[Array, "n *out"]:
    """Run a network as it is used after training: running statistics normalize, nothing is dropped.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    buffers : dict of those that `config.buffers()` says; both come out of a checkpoint by `config.split`
    x : (n, *sample), a batch
    returns : the shape that `config.output` says

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape, all of them named; if the batch does not fit, an image is
        too small for a layer, say, which is named.

    Source
    ------
    LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.

    Examples
    --------
    >>> from gongsik.spec.cnn import ResNet
    >>> ResNet(18).output((1, 3, 224, 224))
    (1, 1000)
    """
    ...


@formula(
    ko="학습 중 순전파",
    en="Forward pass in training",
    tex=r"(f_\theta(x),\ b') = F_\theta(x, b, u)",
    source="Ioffe & Szegedy 2015, algorithm 2",
    kind="model",
    deep=True,
    stochastic=True,
    differentiable=("params", "x"),
    carried=("buffers",),
)
def forward_training(
    config: Architecture, params: Parameters, buffers: Parameters, draws: Parameters, x: Float[Array, "n *sample"], /
) -> TrainingPass:
    """Run a network as in training: batches normalize themselves, dropout drops, and the buffers move on.

    Shapes
    ------
    params, buffers : as in `forward`
    draws : dict of uniform draws, of the names and shapes that `config.draws` says for the shape of x
    x : (n, *sample), a batch
    returns : a `TrainingPass`

    Raises
    ------
    ShapeError, DomainError
        As `forward`; or if a batch normalization sees one value per channel only, which has no variance.

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", algorithm 2; Srivastava et al. 2014, "Dropout", section 4.

    Examples
    --------
    >>> from gongsik.spec.cnn import ResNet
    >>> ResNet(18).draws((8, 3, 224, 224))  # no dropout: none are needed
    {}
    """
    ...


# Residual networks

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def _norm(channels: int) -> BatchNorm2d:
    return BatchNorm2d(channels)


@dataclass(frozen=True)
class ResNet(Architecture):
    """Configuration of a residual network for images of `channels` channels.

    Parameters
    ----------
    depth : int
        18 or 34 with basic blocks, 50, 101 or 152 with bottlenecks; ignored where `blocks` is given.
    n_classes : int
        Length of the output.
    channels, width : int
        Of the image, and of the first stage; every further stage doubles it.
    blocks : tuple of int, optional
        How many blocks each stage has.
    bottleneck : bool, optional
        Which kind of block; by default what the depth says.
    """

    depth: int = 50
    n_classes: int = 1000
    channels: int = 3
    width: int = 64
    blocks: tuple[int, ...] | None = None
    bottleneck: bool | None = None

    def build(self) -> Layer:
        if self.blocks is None and self.depth not in BLOCKS:
            raise DomainError(f"ResNet: depth is {self.depth}, expected one of {', '.join(map(str, BLOCKS))}")
        wide = self.depth >= 50 if self.bottleneck is None else self.bottleneck
        stages: dict[str, Layer] = {}
        c_in = self.width
        for i, n_blocks in enumerate(self.blocks or BLOCKS[self.depth]):
            blocks = []
            for j in range(n_blocks):
                block = _bottleneck if wide else _basic
                blocks.append(block(c_in, self.width * 2**i, stride=2 if i > 0 and j == 0 else 1))
                c_in = self.width * 2**i * (4 if wide else 1)
            stages[f"layer{i + 1}"] = sequence(*blocks)
        return sequence(
            conv1=Conv2d(self.channels, self.width, 7, stride=2, padding=3, bias=False),
            bn1=_norm(self.width),
            relu=Activation(),
            maxpool=MaxPool2d(3, stride=2, padding=1),
            **stages,
            avgpool=AdaptiveAvgPool2d(1),
            flatten=Flatten(),
            fc=Linear(c_in, self.n_classes),
        )


def _shortcut(c_in: int, c_out: int, stride: int) -> Layer | None:
    if stride == 1 and c_in == c_out:
        return None
    return sequence(Conv2d(c_in, c_out, 1, stride=stride, bias=False), _norm(c_out))


def _basic(c_in: int, c: int, stride: Literal[1, 2] = 1) -> Layer:
    body = sequence(
        conv1=Conv2d(c_in, c, 3, stride=stride, padding=1, bias=False),
        bn1=_norm(c),
        relu=Activation(),
        conv2=Conv2d(c, c, 3, padding=1, bias=False),
        bn2=_norm(c),
    )
    return Residual(body, _shortcut(c_in, c, stride), activation="relu")


def _bottleneck(c_in: int, c: int, stride: Literal[1, 2] = 1) -> Layer:
    """The stride is the 3x3 convolution's, as in the checkpoints that are in use (ResNet v1.5)."""
    body = Sequential(
        (
            ("conv1", Conv2d(c_in, c, 1, bias=False)),
            ("bn1", _norm(c)),
            ("", Activation()),
            ("conv2", Conv2d(c, c, 3, stride=stride, padding=1, bias=False)),
            ("bn2", _norm(c)),
            ("", Activation()),
            ("conv3", Conv2d(c, 4 * c, 1, bias=False)),
            ("bn3", _norm(4 * c)),
        )
    )
    return Residual(body, _shortcut(c_in, 4 * c, stride), activation="relu")


@formula(
    ko="ResNet",
    en="ResNet",
    tex=r"7 \times 7 / 2 \to P / 2 \to [n_1, n_2, n_3, n_4] \to \mathrm{GAP} \to F",
    notes=("000#Modern CNN / 4. ResNet", "001#ResNet", "003#ResNet"),
    source="He, Zhang, Ren & Sun 2016, table 1",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
)
def resnet(config: ResNet, params: Parameters, buffers: Parameters, x: Images, /) -> Float[Array, "n config.n_classes"]:
    """Classify images by a residual network: `forward` of this configuration.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w), with h and w at least 1
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import ResNet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(ResNet(50))
    25557032
    """
    ...
