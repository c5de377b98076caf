"""Semantic segmentation: a class for every pixel.

Scores are (n, k, h, w), one map per class; a label map is (n, h, w), the number of a class at every pixel. A model is a
configuration, whose `network` is a tree of layers (`gongsik.spec.layers`).
"""

from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias, cast

from annotated_types import Ge
from jaxtyping import Float, Int

from gongsik.spec.architectures.resnet import ResNet
from gongsik.spec.array import Array, Finite, Labels, Pair, Positive
from gongsik.spec.errors import DomainError
from gongsik.spec.formula import Chapter, Erratum, formula, law
from gongsik.spec.layers import (
    Activation,
    Architecture,
    AtInputSize,
    Auxiliary,
    BatchNorm2d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Layer,
    Linear,
    MaxPool2d,
    Parallel,
    Residual,
    Sequential,
    join,
    sequence,
)
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="의미론적 분할", en="Semantic segmentation")

Images: TypeAlias = Float[Array, "n c h w"]
FiniteImages: TypeAlias = Annotated[Images, Finite(nan=False)]
Scores: TypeAlias = Float[Array, "n k h w"]
LabelMaps: TypeAlias = Int[Array, "n h w"]


# A class for every pixel


@formula(
    ko="의미론적 분할(픽셀별 분류)",
    en="Semantic segmentation (per-pixel classification)",
    tex=r"\hat y_{ij} = \arg\max_k s_{kij}",
    notes=("000#Semantic Segmentation", "001#Semantic segmentation"),
    source="Long, Shelhamer & Darrell 2015, section 4",
    kind="model",
    requires=(("k > 0", "at least one class"),),
)
def pixel_classification(score: Scores, /) -> LabelMaps:
    """Give every pixel the class with the highest score; of equal scores the first.

    Shapes
    ------
    score : (n, k, h, w), with k at least 1
    returns : (n, h, w), labels from 0 to k - 1

    Source
    ------
    Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation", section 4.

    Examples
    --------
    >>> score = gs.asarray([[[[0.0, 2.0]], [[1.0, 1.0]]]])  # two classes, one row of two pixels
    >>> gs.to_numpy(gs.pixel_classification(score))
    array([[[1, 0]]])
    """


@formula(
    ko="픽셀 교차 엔트로피",
    en="Per-pixel cross-entropy",
    tex=r"L = -\frac{1}{NHW} \sum_{n, i, j} \log p_{n, y_{nij}, i, j}, \qquad "
    r"p_{nkij} = \frac{e^{s_{nkij}}}{\sum_l e^{s_{nlij}}}",
    notes=("000#Semantic Segmentation", "001#Semantic segmentation (Dense classification)"),
    source="Long, Shelhamer & Darrell 2015, section 3",
    nonempty=True,
    differentiable=True,
)
def pixel_cross_entropy(logits: Scores, target: Annotated[LabelMaps, Labels("k")], /) -> Float[Array, ""]:
    """Average `loss.softmax_cross_entropy` over the pixels: each is a sample of its own.

    Shapes
    ------
    logits : (n, k, h, w)
    target : (n, h, w), labels from 0 to k - 1
    returns : ()

    Source
    ------
    Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation", section 3.

    Examples
    --------
    >>> logits, target = gs.asarray(np.zeros((1, 10, 2, 3))), gs.asarray(np.zeros((1, 2, 3), int))
    >>> round(float(gs.pixel_cross_entropy(logits, target)), 4)  # knows nothing: log 10
    2.3026
    """


@formula(
    ko="픽셀 정확도",
    en="Pixel accuracy",
    tex=r"\frac{\sum_k n_{kk}}{\sum_k t_k}, \qquad n_{kl} = \bigl|\{(i, j) : y_{ij} = k,\ \hat y_{ij} = l\}\bigr|,\ "
    r"t_k = \sum_l n_{kl}",
    source="Long, Shelhamer & Darrell 2015, section 5",
    nonempty=True,
)
def pixel_accuracy(
    pred: Annotated[LabelMaps, Ge(0)], target: Annotated[LabelMaps, Ge(0)], /, *, classes: Positive[int]
) -> Float[Array, ""]:
    """Share of the pixels that get their class. Pixels whose true label is `classes` or more do not count.

    Shapes
    ------
    pred, target : (n, h, w), at least 0
    returns : (), float64; NaN if no pixel counts

    Options
    -------
    classes : at least 1; labels from this on are none, such as the 255 along the contours in Pascal VOC

    Source
    ------
    Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation", section 5.

    Examples
    --------
    >>> pred, target = gs.asarray([[[0, 0, 1, 1]]]), gs.asarray([[[0, 1, 1, 255]]])
    >>> round(float(gs.pixel_accuracy(pred, target, classes=2)), 4)
    0.6667
    """


@formula(
    ko="평균 IoU(mIoU)",
    en="Mean intersection over union",
    tex=r"\mathrm{mIoU} = \frac{1}{|\mathcal C|} \sum_{k \in \mathcal C} \frac{n_{kk}}{t_k + \sum_l n_{lk} - n_{kk}}, "
    r"\qquad \mathcal C = \Bigl\{k : t_k + \sum_l n_{lk} > 0\Bigr\}",
    source="Everingham et al. 2010, section 4.1; Long, Shelhamer & Darrell 2015, section 5",
    nonempty=True,
)
def mean_iou(
    pred: Annotated[LabelMaps, Ge(0)], target: Annotated[LabelMaps, Ge(0)], /, *, classes: Positive[int]
) -> Float[Array, ""]:
    """Average over the classes the share of the pixels that truth and prediction have in common among all of either.

    A class that occurs in neither has no share and is left out. Pixels whose true label is `classes` or more do not
    count; a predicted label from there on is none of the classes.

    Shapes
    ------
    pred, target : (n, h, w), at least 0
    returns : (), float64; NaN if no pixel counts

    Options
    -------
    classes : at least 1

    Source
    ------
    Everingham, Van Gool, Williams, Winn & Zisserman 2010, "The Pascal visual object classes (VOC) challenge", section
    4.1; Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation", section 5.

    Examples
    --------
    >>> pred, target = gs.asarray([[[0, 0, 1, 1]]]), gs.asarray([[[0, 1, 1, 1]]])
    >>> round(float(gs.mean_iou(pred, target, classes=3)), 4)  # (1/2 + 2/3) / 2
    0.5833
    """


# From a classifier to a map


@formula(
    ko="합성곱화",
    en="Convolutionalisation of a dense layer",
    tex=r"W^{\mathrm{fc}} \mathrm{vec}(x) = \mathrm{conv}_{k_h \times k_w}(x), \qquad "
    r"W^{\mathrm{conv}} = \mathrm{reshape}(W^{\mathrm{fc}}, [o, c, k_h, k_w])",
    notes=("000#Fully Convolutional Network(FCN)", "001#Fully Convolutional Network"),
    source="Long, Shelhamer & Darrell 2015, section 3.1",
    errata=(
        Erratum(
            key="fcn_removes_dense",
            place="001#Fully Convolutional Network",
            stated="완전 연결층을 없애면 완전 합성곱 신경망이 된다.",
            right="없애지 않고 같은 가중치의 합성곱으로 바꾼다. 4×4×16에서 10으로 가는 층은 앞뒤 모두 2560개이다.",
            setup="w = np.ones((10, 4 * 4 * 16))",
            stated_value="0",
            right_value="gs.convolutionalize(w, kernel=4).size",
        ),
    ),
    kind="law",
    nonempty=True,
    requires=(("d % (kernel[0] * kernel[1]) == 0", "a kernel whose area divides the inputs"),),
    axes={"c": "d // (kernel[0] * kernel[1])", "kh": "kernel[0]", "kw": "kernel[1]"},
    differentiable=True,
)
def convolutionalize(weight: Float[Array, "o d"], /, *, kernel: Annotated[Pair, Ge(1)]) -> Float[Array, "o c kh kw"]:
    """Write the weight of a dense layer, which sees the whole of an image of the kernel's size, as a convolution's.

    On an image of that size the convolution without padding returns the same numbers; on a larger one a map of them,
    which is what the dense layer would say of every window.

    Shapes
    ------
    weight : (o, d), with d = c kh kw, of a layer that sees an image flattened as (c, h, w)
    returns : (o, c, kh, kw), for `convolution.conv2d`; the bias stays as it is

    Options
    -------
    kernel : at least 1, height and width of the image that the dense layer sees

    Source
    ------
    Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation", section 3.1.

    Examples
    --------
    >>> weight, image = gs.asarray([[1.0, 2.0, 3.0, 4.0]]), gs.asarray([[[[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]]])
    >>> gs.to_numpy(gs.conv2d(image, gs.convolutionalize(weight, kernel=2)))
    array([[[[5., 9.]]]])
    """


heat_map = law(
    "segmentation.heat_map",
    ko="히트맵",
    en="Class heat map of an FCN",
    tex=r"S_{kij} = F_k(x_{[si,\, si + h) \times [sj,\, sj + w)})",
    notes=("000#Fully Convolutional Network(FCN) (img)", "001#Fully Convolutional Network"),
    source="Long, Shelhamer & Darrell 2015, section 3.1",
)


# Back to the size of the image


@formula(
    ko="이중선형 크기 조절",
    en="Bilinear resizing",
    tex=r"y_{ij} = \sum_{a, b} [1 - |u_i - a|]_+ [1 - |v_j - b|]_+ x_{ab}, \qquad "
    r"u_i = \mathrm{clip}\bigl((i + \tfrac12) \tfrac{h}{H} - \tfrac12,\ 0,\ h - 1\bigr)",
    source="Press, Teukolsky, Vetterling & Flannery 2007, section 3.6.1",
    nonempty=True,
    axes={"oh": "size[0]", "ow": "size[1]"},
    differentiable=True,
)
def resize(x: FiniteImages, /, *, size: Annotated[Pair, Ge(1)]) -> Float[Array, "n c oh ow"]:
    """Bring images to a size by interpolating between pixels, each of which has its value at its centre.

    The corners of the image stay its corners; beyond the outermost centres their value goes on. An image that is made
    smaller is sampled, not averaged.

    Shapes
    ------
    x : (n, c, h, w), finite
    returns : (n, c, oh, ow)

    Options
    -------
    size : at least 1, height and width of the result

    Source
    ------
    Press, Teukolsky, Vetterling & Flannery 2007, "Numerical recipes", section 3.6.1; the centres as in
    ``torch.nn.functional.interpolate(..., align_corners=False)``.

    Examples
    --------
    >>> gs.to_numpy(gs.resize(gs.asarray([[[[0.0, 4.0]]]]), size=(1, 4)))
    array([[[[0., 1., 3., 4.]]]])
    """


@formula(
    ko="이중선형 업샘플링",
    en="Bilinear upsampling by transposed convolution",
    tex=r"w_{uv} = \Bigl(1 - \frac{|u - c|}{f}\Bigr)\Bigl(1 - \frac{|v - c|}{f}\Bigr), \qquad "
    r"u, v < 2f - (f \bmod 2),\ c = f - \tfrac{1 + f \bmod 2}{2}",
    notes=("000#Deconvolution(conv transpose)",),
    source="Long, Shelhamer & Darrell 2015, section 3.3",
    nonempty=True,
    axes={"oh": "factor * h", "ow": "factor * w"},
    differentiable=True,
)
def bilinear_upsample(x: FiniteImages, /, *, factor: Positive[int]) -> Float[Array, "n c oh ow"]:
    """Enlarge images by a whole factor: a transposed convolution whose kernel is a tent, channel by channel.

    Inside it is `resize`. At the border it is darker, because zeros stand around the image.

    Shapes
    ------
    x : (n, c, h, w), finite
    returns : (n, c, factor h, factor w)

    Options
    -------
    factor : at least 1

    Source
    ------
    Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation", section 3.3.

    Examples
    --------
    >>> gs.to_numpy(gs.bilinear_upsample(gs.asarray([[[[16.0, 48.0], [16.0, 48.0]]]]), factor=2))[0, 0, 1]
    array([12., 24., 40., 36.])
    """


# Networks

RESNET_50 = ResNet(50)


@dataclass(frozen=True)
class FCN(Architecture):
    """Configuration of a fully convolutional network: the layers of a classifier, a head, and back to the image's size.

    Parameters
    ----------
    n_classes : int
        Channels of the output.
    backbone : ResNet
        The classifier, of which all before its pooling is used.
    stride : int
        Pixels of the image from one place of the map to the next, at most: 4, 8, 16, ... A stage that would go beyond
        widens its kernels in place of its steps. 8 is what the common checkpoints have.
    auxiliary : bool
        Whether a second head sees what the last stage but one returns; it speaks in training only.
    """

    n_classes: int = 21
    backbone: ResNet = RESNET_50
    stride: int = 8
    auxiliary: bool = False

    def build(self) -> Layer:
        layers = dict(cast(Sequential, self.backbone.network).layers)
        channels = cast(Linear, layers["fc"]).n_in
        *earlier, last = stages = [name for name in layers if name.startswith("layer")]
        if self.stride not in (reached := [4 * 2**i for i in range(len(stages))]):
            raise DomainError(f"FCN: stride is {self.stride}, expected one of {', '.join(map(str, reached))}")
        if self.auxiliary and not earlier:
            raise DomainError("FCN: an auxiliary head needs a backbone of at least two stages")
        parts: list[tuple[str, Layer]] = []
        for name, layer in layers.items():
            if name in stages and (rate := 4 * 2 ** stages.index(name) // self.stride) > 1:
                layer = _widened(layer, rate)
            if name == last and self.auxiliary:
                parts.append(("aux_classifier", Auxiliary(_head(channels // 2, self.n_classes))))
            if name not in ("avgpool", "flatten", "fc"):
                parts.append((join("backbone", name), layer))
        return AtInputSize(Sequential((*parts, ("classifier", _head(channels, self.n_classes)))))


def _widened(layer: Layer, rate: int) -> Layer:
    """A part of a stage without its step: kernels that stood behind it have their places `rate` apart.

    The kernel that made the step stands where the stage before has left off.
    """
    match layer:
        case Conv2d(kernel=1) | MaxPool2d(kernel=1):
            return replace(layer, stride=1)
        case Conv2d():
            gap = rate // cast(int, layer.stride)
            return replace(layer, stride=1, padding=gap * cast(int, layer.padding), dilation=gap)
        case Sequential():
            return Sequential(tuple((name, _widened(inner, rate)) for name, inner in layer.layers))
        case Residual():
            shortcut = None if layer.shortcut is None else _widened(layer.shortcut, rate)
            return replace(layer, body=_widened(layer.body, rate), shortcut=shortcut)
    return layer


def _head(c_in: int, n_classes: int) -> Layer:
    c = max(1, c_in // 4)
    return sequence(
        Conv2d(c_in, c, 3, padding=1, bias=False), BatchNorm2d(c), Activation(), Dropout(0.1), Conv2d(c, n_classes, 1)
    )


@formula(
    ko="FCN",
    en="Fully convolutional network",
    tex=r"\text{backbone} \to C_3 \to C_1 \to \uparrow_{H \times W}",
    notes=("000#Fully Convolutional Network(FCN)", "001#Fully Convolutional Network"),
    source="Long, Shelhamer & Darrell 2015; dilated stages: Yu & Koltun 2016",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
)
def fcn(config: FCN, params: Parameters, buffers: Parameters, x: Images, /) -> Float[Array, "n config.n_classes h w"]:
    """Score every pixel by a convolutional classifier without its dense layer: `cnn.forward` of this configuration.

    Shapes
    ------
    params, buffers : dicts of the names and shapes that `config.parameters()` and `config.buffers()` say
    x : (n, config.backbone.channels, h, w), of any size
    returns : (n, config.n_classes, h, w), logits

    Raises
    ------
    ShapeError
        As `cnn.forward`.

    Source
    ------
    Long, Shelhamer & Darrell 2015, "Fully convolutional networks for semantic segmentation"; Yu & Koltun 2016,
    "Multi-scale context aggregation by dilated convolutions".

    Examples
    --------
    >>> from gongsik.spec.model import parameter_count
    >>> from gongsik.spec.segmentation import FCN
    >>> parameter_count(FCN(21)), FCN(21).output((1, 3, 375, 500))
    (32957013, (1, 21, 375, 500))
    """


@dataclass(frozen=True)
class UNet(Architecture):
    """Configuration of a U-Net for images of `channels` channels.

    Parameters
    ----------
    channels, n_classes : int
        Of the image and of the output.
    width : int
        Channels of the first level; every further level doubles them.
    depth : int
        How often the image is halved, and enlarged again.
    padding : int
        Of the 3x3 convolutions. 0, as in the paper: the output is smaller than the image. 1: as large, if `depth`
        halvings leave no remainder.
    norm : bool
        Whether the 3x3 convolutions have batch normalization in place of a bias. The paper, which is older, has none.
    """

    channels: int = 1
    n_classes: int = 2
    width: int = 64
    depth: int = 4
    padding: int = 0
    norm: bool = False

    def build(self) -> Layer:
        if self.depth < 1:
            raise DomainError(f"UNet: depth is {self.depth}, expected an int >= 1")
        return Sequential((("", self._level(1, self.channels)), ("head", Conv2d(self.width, self.n_classes, 1))))

    def _level(self, i: int, c_in: int) -> Layer:
        """What happens at level i and below it."""
        c = self.width * 2 ** (i - 1)
        if i > self.depth:
            return Sequential((("bottom", self.convolutions(c_in, c)),))
        below = Sequential((
            ("", MaxPool2d(2)), ("", self._level(i + 1, c)), (f"up{i}", ConvTranspose2d(2 * c, c, 2, stride=2)),
        ))  # fmt: skip
        return Sequential((
            (f"encoder{i}", self.convolutions(c_in, c)),
            ("", Parallel((("", None), ("", below)), crop=True)),
            (f"decoder{i}", self.convolutions(2 * c, c)),
        ))  # fmt: skip

    def convolutions(self, c_in: int, c: int) -> Layer:
        """What is done at a level, on the way down and on the way up."""
        layers: list[Layer] = []
        for n in (c_in, c):
            norm = [BatchNorm2d(c)] if self.norm else []
            layers += [Conv2d(n, c, 3, padding=self.padding, bias=not self.norm), *norm, Activation()]
        return sequence(*layers)


@formula(
    ko="U-Net",
    en="U-Net",
    tex=r"(C_3 C_3 P)^4 \to C_3 C_3 \to (\uparrow_2 \Vert\, \mathrm{crop} \to C_3 C_3)^4 \to C_1",
    notes=("003#U-Net (img)",),
    source="Ronneberger, Fischer & Brox 2015, figure 1",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
    axes={"oh": "config.output((n, c, h, w))[2]", "ow": "config.output((n, c, h, w))[3]"},
)
def unet(
    config: UNet, params: Parameters, buffers: Parameters, x: Images, /
) -> Float[Array, "n config.n_classes oh ow"]:
    """Score pixels by a network that goes down and up again, each level beside its own: `cnn.forward` of it.

    Shapes
    ------
    params, buffers : dicts of the names and shapes that `config.parameters()` and `config.buffers()` say
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes, oh, ow), logits of the middle of the image; `config.output` says how much of it

    Raises
    ------
    ShapeError
        As `cnn.forward`: without padding an image needs at least 188 x 188 pixels at depth 4.

    Source
    ------
    Ronneberger, Fischer & Brox 2015, "U-Net: convolutional networks for biomedical image segmentation", figure 1.

    Examples
    --------
    >>> from gongsik.spec.model import parameter_count
    >>> from gongsik.spec.segmentation import UNet
    >>> parameter_count(UNet()), UNet().output((1, 1, 572, 572))
    (31030658, (1, 2, 388, 388))
    """
