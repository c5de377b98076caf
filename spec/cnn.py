"""Architectures of convolutional networks: from LeNet to what is searched for by machines."""

import math
from typing import Annotated, Any, NamedTuple, TypeAlias

from annotated_types import Ge
from jaxtyping import Float

from gongsik.spec.architectures.alexnet import AlexNet
from gongsik.spec.architectures.densenet import DenseBlock, DenseNet, TransitionLayer
from gongsik.spec.architectures.dpn import DPN, DualPathBlock
from gongsik.spec.architectures.googlenet import AuxiliaryClassifier, GoogLeNet, InceptionBlock
from gongsik.spec.architectures.lenet import LeNet5
from gongsik.spec.architectures.mnasnet import MnasNet
from gongsik.spec.architectures.mobilenet import MobileNet, MobileNetV2
from gongsik.spec.architectures.nin import MLPConv, NetworkInNetwork
from gongsik.spec.architectures.resnet import BottleneckBlock, ResidualBlock, ResNet
from gongsik.spec.architectures.senet import SENet
from gongsik.spec.architectures.shufflenet import ShuffleNet, ShuffleNetUnit, ShuffleNetV2
from gongsik.spec.architectures.simple import SimpleCNN
from gongsik.spec.architectures.vgg import VGG
from gongsik.spec.array import Array, NonNegative
from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.layers import Architecture
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="CNN 구조", en="CNN architectures")

Images: TypeAlias = Float[Array, "n c h w"]
Maps: TypeAlias = Float[Array, "n *out"]
Logits: TypeAlias = Float[Array, "n config.n_classes"]

OUTPUT = {"*out": "config.output((n, c, h, w))[1:]"}
TRAINED = ("params", "x")


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


@formula(
    ko="기본 CNN 구조",
    en="Conv-ReLU-Pool pattern",
    tex=r"x \to [\mathrm{Conv} \to \mathrm{ReLU} \to \mathrm{Pool}]^2 \to \mathrm{FC} \to \mathrm{FC} \to "
    r"\mathrm{softmax}",
    notes=("000#CNN 구조와 용어", "001#CNN 기본 구성", "002#CNN의 구성요소", "003#CNN", "003#컨볼루션 신경망의 구조"),
    source="LeCun, Bottou, Bengio & Haffner 1998, section II",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def simple_cnn(config: SimpleCNN, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Find features by convolutions and poolings, and let a perceptron with a softmax decide.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, config.size, config.size)
    returns : (n, config.n_classes), each row a distribution

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.

    Examples
    --------
    >>> from gongsik.spec.cnn import SimpleCNN
    >>> [row.output for row in SimpleCNN().table((1, 28, 28)) if "Pool" in row.layer]
    [(8, 14, 14), (16, 7, 7)]
    """
    ...


@formula(
    ko="LeNet-5",
    en="LeNet-5",
    tex=r"32^2 \to C_5 @ 6 \to S_2 \to C_5 @ 16 \to S_2 \to C_5 @ 120 \to F_{84} \to 10",
    notes=("003#LeNet",),
    source="LeCun, Bottou, Bengio & Haffner 1998, figure 2",
    errata=(
        Erratum(
            key="mnist_size",
            place="003#LeNet",
            stated="32 x 32 크기인 MNIST 숫자를 입력으로 받는다.",
            right="MNIST의 영상은 28 x 28이다. LeNet-5는 둘레에 두 화소씩 0을 둘러 32 x 32로 만든다. 28 x "
            "28을 그대로 넣으면 셋째 합성곱에 닿을 때 한 변이 4가 되어 5 x 5 커널이 들어가지 않는다.",
            setup="side_of_c5 = lambda side: ((side - 4) // 2 - 4) // 2 - 4",
            stated_value="side_of_c5(28)",
            right_value="side_of_c5(32)",
        ),
    ),
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def lenet5(config: LeNet5, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Read a digit: three convolutions, two subsamplings between them, and two fully connected layers.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, 32, 32)
    returns : (n, config.n_classes), the larger the likelier; of the paper's form minus the distances to the codes

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.

    Examples
    --------
    >>> from gongsik.spec.cnn import LeNet5
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(LeNet5("paper")), parameter_count(LeNet5("dense"))
    (60000, 61706)
    """
    ...


@formula(
    ko="AlexNet",
    en="AlexNet",
    tex=r"C_{11/4} @ 96 \to \mathrm{LRN} \to P \to C_5 @ 256 \to \mathrm{LRN} \to P \to C_3 @ 384 \to C_3 @ 384 "
    r"\to C_3 @ 256 \to P \to F_{4096} \to F_{4096} \to F_{1000}",
    notes=("000#소개", "000#딥러닝의 역사", "000#Modern CNN / 1. AlexNet", "001#AlexNet", "003#AlexNet", "000#R-CNN"),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.5",
    errata=(
        Erratum(
            key="alexnet_norm_order",
            place="003#AlexNet",
            stated="층의 차례를 Conv-Pool-Norm-Conv-Pool-Norm으로 적는다.",
            right="논문은 합성곱과 ReLU 뒤에 정규화하고 나서 풀링한다: Conv-Norm-Pool. 풀링을 먼저 하는 것은 "
            "CaffeNet이라는 변형이고, 두 차례의 결과는 다르다.",
            setup="x = np.array([[[[1.0, 4.0]], [[3.0, 0.0]]]])\n"
            "lrn = lambda x: gs.local_response_norm(x, size=3, alpha=1.0, average=False)\n"
            "pool = lambda x: gs.max_pool2d(x, kernel=(1, 2))",
            stated_value="lrn(pool(x)).round(4).ravel().tolist()",
            right_value="pool(lrn(x)).round(4).ravel().tolist()",
        ),
        Erratum(
            key="first_relu",
            place="003#AlexNet",
            stated="ReLU를 활성화 함수로 쓴 첫 모델이다.",
            right="ReLU는 그 전에도 쓰였다(Nair & Hinton 2010, Glorot 외 2011). AlexNet은 그것을 널리 퍼뜨렸다.",
        ),
    ),
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def alexnet(config: AlexNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify photographs by five convolutions and three fully connected layers, in one tower or in two.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.5;
    Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", of the single tower.

    Examples
    --------
    >>> from gongsik.spec.cnn import AlexNet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(AlexNet(towers=2)), parameter_count(AlexNet(towers=1))
    (60965224, 61100840)
    """
    ...


@count(
    ko="AlexNet 층별 가중치 수",
    en="AlexNet weights per layer",
    tex=r"11^2 \cdot 3 \cdot 48 \cdot 2,\ 5^2 \cdot 48 \cdot 128 \cdot 2,\ 3^2 \cdot 256 \cdot 384,\ "
    r"3^2 \cdot 192 \cdot 192 \cdot 2,\ 3^2 \cdot 192 \cdot 128 \cdot 2",
    notes=("000#Convolution Arithmetic", "003#알렉스넷의 가중치 개수와 메모리 요구량 (img)"),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.5",
    errata=(
        Erratum(
            key="alexnet_fc6",
            place="000#Convolution Arithmetic",
            stated="첫 완전 연결층의 가중치를 13 * 13 * 128 * 2 x 2048 * 2 = 177M개로 센다.",
            right="마지막 풀링이 13 x 13을 6 x 6으로 줄이는 것을 빠뜨렸다. 6 * 6 * 256 * 4096 = "
            "37,748,736개이다. 177M개라면 AlexNet의 파라미터는 61M이 아니라 200M이 넘는다.",
            setup="from gongsik.spec.cnn import alexnet_parameter_table",
            stated_value="13 * 13 * 128 * 2 * 2048 * 2",
            right_value='alexnet_parameter_table()["fc6"]',
        ),
    ),
)
def alexnet_parameter_table() -> dict[str, int]:
    """How many weights each layer of the two-tower AlexNet has, without biases.

    Returns
    -------
    dict
        Numbers by the names of the layers.

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.5.

    Examples
    --------
    >>> table = alexnet_parameter_table()
    >>> table["conv2"], table["fc7"], sum(table.values())
    (307200, 16777216, 60954656)
    """
    shapes = AlexNet(towers=2).parameters()
    return {name.removesuffix(".weight"): math.prod(s) for name, s in shapes.items() if name.endswith(".weight")}


@count(
    ko="AlexNet 활성값 메모리",
    en="AlexNet activation memory",
    tex=r"\sum_l C_l H_l W_l \times 4\,\mathrm{B}",
    notes=("003#알렉스넷의 가중치 개수와 메모리 요구량 (img)",),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.5",
)
def alexnet_memory(*, batch: int = 1, bytes_per_value: int = 4) -> dict[str, int]:
    """How many bytes the maps of the two-tower AlexNet take, and its image; what is computed in place counts once.

    Options
    -------
    batch : at least 1, images at once
    bytes_per_value : at least 1; 4 in float32

    Returns
    -------
    dict
        Bytes by the names of the layers, "input" among them.

    Raises
    ------
    DtypeError, DomainError
        If an option is no int, or less than 1.

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.5.

    Examples
    --------
    >>> values = alexnet_memory(bytes_per_value=1)
    >>> values["input"], values["conv1"], values["pool1"], values["fc8"]
    (154587, 290400, 69984, 1000)
    """
    _check_ints("alexnet_memory", 1, batch=batch, bytes_per_value=bytes_per_value)
    image = (3, 227, 227)
    rows = AlexNet(towers=2).table(image)
    values = {row.name: math.prod(row.output) for row in rows if row.name.startswith(("conv", "pool", "fc"))}
    return {name: batch * bytes_per_value * n for name, n in {"input": math.prod(image), **values}.items()}


def _check_ints(formula: str, least: int, **numbers: int) -> None:
    for name, value in numbers.items():
        if type(value) is not int:
            raise DtypeError(f"{formula}: {name} is {value!r}, expected an int")
        if value < least:
            raise DomainError(f"{formula}: {name} is {value}, expected an int >= {least}")


@formula(
    ko="VGGNet",
    en="VGG",
    tex=r"[64]^{1|2} M\,[128]^{1|2} M\,[256]^{2|3|4} M\,[512]^{2|3|4} M\,[512]^{2|3|4} M \to F_{4096} \to "
    r"F_{4096} \to F_{1000}",
    notes=("000#Modern CNN / 2. VGGNet", "001#VGGNet", "003#VGGNet"),
    source="Simonyan & Zisserman 2015, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def vgg(config: VGG, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by 3x3 convolutions alone, up to 16 of them, and three fully connected layers.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import VGG
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(VGG(16)), parameter_count(VGG(19))
    (138357544, 143667240)
    """
    ...


@count(
    ko="3x3 반복과 5x5·7x7 비교",
    en="Stacked 3x3 versus 5x5 and 7x7",
    tex=r"2 \cdot 3^2 = 18 < 25 = 5^2, \qquad 3 \cdot 3^2 = 27 < 49 = 7^2",
    notes=("000#Modern CNN / 2. VGGNet", "001#VGGNet", "003#VGGNet"),
    source="Simonyan & Zisserman 2015, section 2.3",
)
def stacked_3x3_parameters(kernel: int, times: int, /, *, channels: int = 1) -> int:
    """How many weights `times` convolutions in a row have, of this kernel and with as many channels in as out.

    Options
    -------
    channels : at least 1

    Raises
    ------
    DtypeError, DomainError
        If a number is no int, or less than 1.

    Source
    ------
    Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition", section 2.3.

    Examples
    --------
    >>> stacked_3x3_parameters(3, 2), stacked_3x3_parameters(5, 1)
    (18, 25)
    >>> stacked_3x3_parameters(3, 2, channels=128), stacked_3x3_parameters(5, 1, channels=128)
    (294912, 409600)
    """
    _check_ints("stacked_3x3_parameters", 1, kernel=kernel, times=times, channels=channels)
    return times * kernel**2 * channels**2


@formula(
    ko="MLP 합성곱 층",
    en="MLP convolution layer",
    tex=r"\mathrm{Conv}_k \to \rho \to 1 \times 1 \to \rho \to 1 \times 1 \to \rho",
    notes=("001#network-in-network(NiN)",),
    source="Lin, Chen & Yan 2014, eq. 2",
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def mlpconv(config: MLPConv, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """Slide a small perceptron over an image: a convolution, and 1x1 convolutions that mix its channels place by place.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.widths[-1], oh, ow)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Lin, Chen & Yan 2014, "Network in network", eq. 2.

    Examples
    --------
    >>> from gongsik.spec.cnn import MLPConv
    >>> MLPConv(3, (8, 8, 4), kernel=5).output((1, 3, 32, 32))
    (1, 4, 28, 28)
    """
    ...


@formula(
    ko="네트워크 속 네트워크(NiN)",
    en="Network in network",
    tex=r"[\mathrm{MLPConv} \to P]^3 \to \mathrm{MLPConv} \to \mathrm{GAP}",
    notes=("000#Modern CNN / 3. GoogleNet", "001#network-in-network(NiN)"),
    source="Lin, Chen & Yan 2014, figure 2",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def network_in_network(config: NetworkInNetwork, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by four MLP convolutions; the mean of each of the last maps is the score of one class.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Lin, Chen & Yan 2014, "Network in network", figure 2.

    Examples
    --------
    >>> from gongsik.spec.cnn import NetworkInNetwork
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(NetworkInNetwork())
    7595176
    """
    ...


@formula(
    ko="인셉션 모듈",
    en="Inception block",
    tex=r"[\,1 \times 1 \mid 1 \times 1 \to 3 \times 3 \mid 1 \times 1 \to 5 \times 5 \mid \mathrm{pool}_3 \to "
    r"1 \times 1\,]",
    notes=("000#Modern CNN / 3. GoogleNet", "001#Inception blocks", "003#GoogleNet"),
    source="Szegedy et al. 2015, figure 2b",
    errata=(
        Erratum(
            key="inception_pool_branch",
            place="003#GoogleNet",
            stated="직전 층의 결과에 1 x 1, 3 x 3, 5 x 5 합성곱을 적용하는 것이라고 한다.",
            right="넷째 가지가 있다: 3 x 3 최댓값 풀링 뒤의 1 x 1 합성곱이다. 이것이 없으면 3a 블록의 출력은 "
            "256채널이 되지 않는다.",
            setup="from gongsik.spec.cnn import InceptionBlock\n"
            "block = InceptionBlock(192, 64, (96, 128), (16, 32), 32)",
            stated_value="64 + 128 + 32",
            right_value="block.c_out",
        ),
    ),
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def inception_block(config: InceptionBlock, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """Look at several scales at once: four branches, whose channels stand one after the other.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, h, w)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Szegedy et al. 2015, "Going deeper with convolutions", figure 2b.

    Examples
    --------
    >>> from gongsik.spec.cnn import InceptionBlock
    >>> InceptionBlock(192, 64, (96, 128), (16, 32), 32).output((1, 192, 28, 28))
    (1, 256, 28, 28)
    """
    ...


@formula(
    ko="GoogLeNet",
    en="GoogLeNet",
    tex=r"\mathrm{stem} \to 9 \times \mathrm{Inception} \to \mathrm{GAP} \to F_{1000}",
    notes=("000#소개", "000#Modern CNN / 3. GoogleNet", "001#GoogLeNet", "003#GoogleNet"),
    source="Szegedy et al. 2015, table 1",
    errata=(
        Erratum(
            key="googlenet_ten_percent",
            place="003#GoogleNet",
            stated="22층인데도 AlexNet보다 가중치가 10%만 늘었다고 한다.",
            right="늘어난 것이 아니라 줄었다. GoogLeNet의 파라미터는 AlexNet의 약 11%이다.",
            setup="from gongsik.spec.cnn import AlexNet, GoogLeNet\nfrom gongsik.spec.model import parameter_count",
            stated_value="1.10",
            right_value="round(parameter_count(GoogLeNet(auxiliary=False)) / parameter_count(AlexNet(towers=2)), 3)",
        ),
    ),
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def googlenet(config: GoogLeNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by nine inception blocks; the auxiliary classifiers speak in training only.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Szegedy et al. 2015, "Going deeper with convolutions", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import GoogLeNet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(GoogLeNet(auxiliary=False)), parameter_count(GoogLeNet(norm=True))
    (6998552, 13004888)
    """
    ...


@formula(
    ko="보조 분류기",
    en="Auxiliary classifier",
    tex=r"\mathrm{AvgPool}_{5/3} \to 1 \times 1\, @ 128 \to F_{1024} \to \mathrm{dropout} \to F_{1000}",
    notes=("003#GoogleNet",),
    source="Szegedy et al. 2015, section 5",
    kind="model",
    stochastic=True,
    differentiable=TRAINED,
)
def auxiliary_classifier(
    config: AuxiliaryClassifier, params: Parameters, buffers: Parameters, draws: Parameters, x: Images, /
) -> Logits:
    """Classify by a map in the middle of a network, in training: its loss brings a gradient to the early layers.

    The form of the paper; with `config.norm` that of the checkpoints, in which the batch normalizes itself.

    Shapes
    ------
    params, buffers, draws : as in `forward_training`
    x : (n, config.c_in, h, w), 14 x 14 in GoogLeNet
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError, DomainError
        As `forward_training`.

    Source
    ------
    Szegedy et al. 2015, "Going deeper with convolutions", section 5.

    Examples
    --------
    >>> from gongsik.spec.cnn import AuxiliaryClassifier
    >>> AuxiliaryClassifier(512).draws((8, 512, 14, 14))
    {'dropout.uniform': (8, 1024)}
    """
    ...


@formula(
    ko="보조 분류기 손실",
    en="Loss with auxiliary classifiers",
    tex=r"L = L_{main} + 0.3\, (L_{aux1} + L_{aux2})",
    notes=("003#GoogleNet",),
    source="Szegedy et al. 2015, section 5",
    differentiable=True,
)
def auxiliary_loss(
    main: Float[Array, ""], auxiliary: Float[Array, "k"], /, *, weight: NonNegative[float] = 0.3
) -> Float[Array, ""]:
    """Add the losses of auxiliary classifiers, with less weight, to that of the network.

    Shapes
    ------
    main : ()
    auxiliary : (k,), one loss per classifier
    returns : ()

    Options
    -------
    weight : at least 0

    Source
    ------
    Szegedy et al. 2015, "Going deeper with convolutions", section 5.

    Examples
    --------
    >>> float(gs.auxiliary_loss(gs.asarray(2.0), gs.asarray([4.0, 6.0])))
    5.0
    """
    ...


@formula(
    ko="잔차 블록(항등 지름길)",
    en="Residual block with identity shortcut",
    tex=r"y = \rho(x + F(x)), \qquad F = \mathrm{BN} \circ C_3 \circ \rho \circ \mathrm{BN} \circ C_3",
    notes=(
        "000#딥러닝의 역사",
        "000#Modern CNN / 4. ResNet",
        "001#Identity map(Skip connection)",
        "001#ResNet (더하는 자리)",
        "003#ResNet",
    ),
    source="He, Zhang, Ren & Sun 2016, eq. 1",
    errata=(
        Erratum(
            key="resnet_purpose",
            place="000#Modern CNN / 4. ResNet",
            stated="깊은 신경망의 학습 오차와 시험 오차의 차이를 줄인다고 한다.",
            right="잔차 학습이 푸는 것은 성능 저하(degradation)이다. 잔차 연결이 없으면 더 깊은 망의 학습 오차부터 더 "
            "크다. 논문의 56층 망은 20층 망보다 시험 오차만이 아니라 학습 오차도 컸다.",
        ),
    ),
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def residual_block(config: ResidualBlock, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """Add to the input what two convolutions make of it: with weights of 0 the block does nothing.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, oh, ow)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", eq. 1 and 2; He et al. 2016b, "Identity
    mappings in deep residual networks", figure 4e, of the preactivation.

    Examples
    --------
    >>> from gongsik.spec.cnn import ResidualBlock
    >>> list(ResidualBlock(64, 128, stride=2).parameters())[-3:]
    ['downsample.0.weight', 'downsample.1.weight', 'downsample.1.bias']
    """
    ...


@formula(
    ko="투영 지름길",
    en="Projection shortcut",
    tex=r"y = \rho(F(x) + W_s x), \qquad W_s: 1 \times 1,\ \text{stride } s",
    notes=("000#Modern CNN / 4. ResNet",),
    source="He, Zhang, Ren & Sun 2016, eq. 2",
    differentiable=True,
    axes={"oh": "(h - 1) // stride + 1", "ow": "(w - 1) // stride + 1"},
)
def projection_shortcut(
    x: Images, weight: Float[Array, "o c 1 1"], /, *, stride: Annotated[int, Ge(1)] = 1
) -> Float[Array, "n o oh ow"]:
    """Bring the input of a block to the channels and the size of its body's output: W_s x.

    Shapes
    ------
    x : (n, c, h, w)
    weight : (o, c, 1, 1)
    returns : (n, o, oh, ow), every `stride`-th row and column

    Options
    -------
    stride : at least 1, the body's

    Source
    ------
    He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", eq. 2.

    Examples
    --------
    >>> x = gs.asarray([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> gs.to_numpy(gs.projection_shortcut(x, gs.asarray([[[[1.0]]], [[[10.0]]]]), stride=2)).ravel()
    array([ 1., 10.])
    """
    ...


@formula(
    ko="병목 블록",
    en="Bottleneck block",
    tex=r"1 \times 1\,(C \to C/4) \to 3 \times 3 \to 1 \times 1\,(C/4 \to C),\ +x",
    notes=("000#Modern CNN / 4. ResNet (Bottleneck)", "001#Boottleneck architecture"),
    source="He, Zhang, Ren & Sun 2016, figure 5",
    errata=(
        Erratum(
            key="depth_is_not_receptive_field",
            place="001#Boottleneck architecture",
            stated="깊이를 수용 영역과 같은 것으로 적고, 이것을 늘려 파라미터를 줄인다고 한다.",
            right="둘은 다르다. 1 x 1 층은 깊이를 늘리지만 수용 영역은 그대로 둔다. 파라미터가 주는 까닭은 "
            "3 x 3 층의 채널이 적기 때문이다.",
            setup="from gongsik.spec.convolution import receptive_field\nbottleneck, "
            "basic = [(1,), (3,), (1,)], [(3,), (3,)]",
            stated_value="len(bottleneck) > len(basic)",
            right_value="receptive_field(bottleneck) > receptive_field(basic)",
        ),
    ),
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def bottleneck_block(config: BottleneckBlock, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """A residual block whose 3x3 convolution works on a quarter of the channels, between two 1x1 convolutions.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, oh, ow)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    He, Zhang, Ren & Sun 2016, "Deep residual learning for image recognition", figure 5.

    Examples
    --------
    >>> from gongsik.spec.cnn import BottleneckBlock
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(BottleneckBlock(256, 64))
    70400
    """
    ...


@formula(
    ko="ResNet",
    en="ResNet",
    tex=r"7 \times 7 / 2 \to P / 2 \to [n_1, n_2, n_3, n_4] \to \mathrm{GAP} \to F",
    notes=("000#Modern CNN / 4. ResNet", "001#ResNet", "003#ResNet"),
    source="He, Zhang, Ren & Sun 2016, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def resnet(config: ResNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by four stages of residual blocks; each stage halves the size and doubles the channels.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
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


residual_gradient = law(
    "cnn.residual_gradient",
    ko="잔차 연결의 기울기 흐름",
    en="Gradient through residual connections",
    tex=r"\frac{\partial L}{\partial x_l} = \frac{\partial L}{\partial x_L} "
    r"\Big(I + \frac{\partial}{\partial x_l} \sum_{i=l}^{L-1} F_i\Big)",
    notes=("000#Modern CNN / 4. ResNet", "003#ResNet"),
    source="He, Zhang, Ren & Sun 2016b, eq. 5",
)

residual_paths = law(
    "cnn.residual_paths",
    ko="잔차망의 다중 경로",
    en="Residual nets as sums over paths",
    tex=r"\prod_l (I + F_l) = \sum_{S \subseteq \{1..L\}} \prod_{l \in S} F_l "
    r"\quad (2^L\ \text{paths, linear } F)",
    notes=("003#ResNet (다양한 경로)",),
    source="Veit, Wilber & Belongie 2016, section 3",
)


@formula(
    ko="밀집 블록",
    en="Dense block",
    tex=r"x_l = H_l([x_0, x_1, \dots, x_{l-1}]), \quad H = C_3 \circ \rho \circ \mathrm{BN}; \qquad \mathbf x "
    r"\mapsto [\mathbf x, f_1(\mathbf x), f_2([\mathbf x, f_1(\mathbf x)]), \dots]",
    notes=("000#Modern CNN / 5. DenseNet", "001#DenseNet", "003#DenseNet"),
    source="Huang, Liu, van der Maaten & Weinberger 2017, eq. 2",
    errata=(
        Erratum(
            key="densenet_mapping",
            place="001#DenseNet",
            stated="x를 [x, f1(x), f2(x, f(x)), ...]로 보낸다고 적는다. 번호가 하나 빠지고 괄호의 짝이 맞지 않는다.",
            right="함수 $f_l$은 앞의 것을 모두 이어 붙인 하나를 받는다: $[x, f_1(x), f_2([x, f_1(x)]), "
            "f_3([x, f_1(x), f_2([x, f_1(x)])]), \\dots]$.",
        ),
    ),
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def dense_block(config: DenseBlock, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """Let each layer see the input and what all layers before it have made, side by side, and add a few channels.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, h, w), the input first

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", eq. 2.

    Examples
    --------
    >>> from gongsik.spec.cnn import DenseBlock
    >>> DenseBlock(64, growth=32, layers=6).output((1, 64, 56, 56))
    (1, 256, 56, 56)
    """
    ...


@count(
    ko="DenseNet 채널 증가",
    en="Channel growth of DenseNet",
    tex=r"c_l = k_0 + l\, k",
    notes=("000#Modern CNN / 5. DenseNet", "001#DenseNet"),
    source="Huang, Liu, van der Maaten & Weinberger 2017, section 3",
    errata=(
        Erratum(
            key="densenet_geometric",
            place="000#Modern CNN / 5. DenseNet",
            stated="채널이 기하급수로 커진다고 한다.",
            right="한 층이 언제나 같은 수 $k$만큼 더하므로 등차수열이다. 기하급수라면 층마다 같은 배수로 커져야 한다.",
            setup="from gongsik.spec.cnn import dense_channel_growth\nchannels = "
            "np.array(dense_channel_growth(64, 32, 3))",
            stated_value="bool(np.ptp(channels[1:] / channels[:-1]) == 0)",
            right_value="bool(np.ptp(np.diff(channels)) == 0)",
        ),
    ),
)
def dense_channel_growth(stem: int, growth: int, layers: int, /) -> list[int]:
    """Channels before the first layer of a dense block, and after each layer.

    Raises
    ------
    DtypeError, DomainError
        If a number is no int, or less than 1; there may be 0 layers.

    Source
    ------
    Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", section 3.

    Examples
    --------
    >>> dense_channel_growth(64, 32, 3)
    [64, 96, 128, 160]
    """
    _check_ints("dense_channel_growth", 1, stem=stem, growth=growth)
    _check_ints("dense_channel_growth", 0, layers=layers)
    return [stem + layer * growth for layer in range(layers + 1)]


@count(
    ko="DenseNet 연결 수",
    en="Number of dense connections",
    tex=r"L (L + 1) / 2",
    notes=("003#DenseNet (지름길 연결)",),
    source="Huang, Liu, van der Maaten & Weinberger 2017, section 1",
)
def dense_connections(layers: int, /) -> int:
    """How many connections a dense block has in which each layer sees the input and all layers before it.

    Raises
    ------
    DtypeError, DomainError
        If the number is no int, or less than 0.

    Source
    ------
    Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", section 1.

    Examples
    --------
    >>> dense_connections(5)
    15
    """
    _check_ints("dense_connections", 0, layers=layers)
    return layers * (layers + 1) // 2


@formula(
    ko="전이 층",
    en="Transition layer",
    tex=r"\mathrm{BN} \to \rho \to 1 \times 1\,(C \to \theta C) \to \mathrm{AvgPool}_{2 \times 2}",
    notes=("000#Modern CNN / 5. DenseNet", "001#DenseNet", "003#DenseNet"),
    source="Huang, Liu, van der Maaten & Weinberger 2017, section 3",
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def transition_layer(config: TransitionLayer, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """Between two dense blocks, keep a part of the channels and half of each side.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, h // 2, w // 2)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", section 3.

    Examples
    --------
    >>> from gongsik.spec.cnn import TransitionLayer
    >>> TransitionLayer(256).output((1, 256, 56, 56))
    (1, 128, 28, 28)
    """
    ...


@formula(
    ko="DenseNet",
    en="DenseNet",
    tex=r"\mathrm{stem} \to (\mathrm{Dense} \to \mathrm{Trans})^3 \to \mathrm{Dense} \to \mathrm{GAP} \to F, "
    r"\quad (6, 12, 24, 16),\ k = 32",
    notes=("000#Modern CNN / 5. DenseNet", "001#DenseNet", "003#DenseNet"),
    source="Huang, Liu, van der Maaten & Weinberger 2017, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def densenet(config: DenseNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by four dense blocks with transitions between them.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import DenseNet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(DenseNet(121))
    7978856
    """
    ...


@formula(
    ko="이중 경로 블록(DPN)",
    en="Dual path block",
    tex=r"[\,r \mid d\,] \mapsto [\,r + F_r \mid d \mathbin\Vert F_d\,]",
    notes=("003#DPN (Dual Path Network)",),
    source="Chen et al. 2017, eq. 5-8",
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def dual_path_block(config: DualPathBlock, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """Add the first channels of what three convolutions make to those of the input, and append the others.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, oh, ow)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Chen et al. 2017, "Dual path networks", eq. 5 to 8.

    Examples
    --------
    >>> from gongsik.spec.cnn import DualPathBlock
    >>> DualPathBlock(304, 96, residual=256, growth=16, groups=32).output((1, 304, 56, 56))
    (1, 320, 56, 56)
    """
    ...


@formula(
    ko="이중 경로 신경망",
    en="Dual path network",
    tex=r"\mathrm{stem} \to [3, 4, 20, 3]\ \text{dual path blocks} \to \mathrm{GAP} \to F",
    notes=("003#DPN (Dual Path Network)",),
    source="Chen et al. 2017, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def dpn(config: DPN, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by four stages of dual path blocks.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Chen et al. 2017, "Dual path networks", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import DPN
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(DPN(92))
    37668392
    """
    ...


@formula(
    ko="압축(squeeze) 연산",
    en="Squeeze",
    tex=r"z_c = F_{sq}(u_c) = \frac{1}{H \times W} \sum_{i=1}^{H} \sum_{j=1}^{W} u_c(i, j)",
    notes=("003#SE 블록",),
    source="Hu, Shen & Sun 2018, eq. 2",
    differentiable=True,
)
def squeeze(u: Images, /) -> Float[Array, "n c"]:
    """Say each channel in one number: its mean over the image.

    Shapes
    ------
    u : (n, c, h, w)
    returns : (n, c)

    Source
    ------
    Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", eq. 2.

    Examples
    --------
    >>> gs.to_numpy(gs.squeeze(gs.asarray([[[[1.0, 2.0], [3.0, 6.0]]]])))
    array([[3.]])
    """
    ...


@formula(
    ko="흥분(excitation) 연산",
    en="Excitation",
    tex=r"s = F_{ex}(z, W) = \sigma(g(z, W)) = \sigma(W_2\, \delta(W_1 z)), \qquad \tilde x_c = s_c u_c",
    notes=("003#SE 블록",),
    source="Hu, Shen & Sun 2018, eq. 3",
    errata=(
        Erratum(
            key="excitation_comma",
            place="003#SE 블록",
            stated="$\\sigma(W_2 \\delta(W_1, z))$로 적는다.",
            right="$\\delta$는 ReLU이고 하나를 받는다. $W_1$은 $z$에 곱한다: $\\sigma(W_2\\, \\delta(W_1 z))$.",
        ),
    ),
    differentiable=True,
)
def excitation(
    z: Float[Array, "n c"], w1: Float[Array, "r c"], w2: Float[Array, "c r"],
    b1: Float[Array, "r"] | None = None, b2: Float[Array, "c"] | None = None, /,
) -> Float[Array, "n c"]:  # fmt: skip
    """How much each channel is wanted, between 0 and 1, from what all channels say.

    Shapes
    ------
    z : (n, c)
    w1 : (r, c), to fewer channels
    w2 : (c, r), and back
    b1, b2 : (r,) and (c,), or None; checkpoints have them
    returns : (n, c)

    Source
    ------
    Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", eq. 3.

    Examples
    --------
    >>> gs.to_numpy(gs.excitation(gs.asarray([[3.0]]), gs.asarray([[2.0]]), gs.asarray([[0.0]])))
    array([[0.5]])
    """
    ...


@formula(
    ko="SE 블록",
    en="Squeeze-and-excitation block",
    tex=r"\tilde x_c = F_{scale}(u_c, s_c) = s_c\, u_c",
    notes=("003#SENet", "003#SE 블록"),
    source="Hu, Shen & Sun 2018, eq. 4",
    differentiable=True,
)
def se_block(
    u: Images, w1: Float[Array, "r c"], w2: Float[Array, "c r"],
    b1: Float[Array, "r"] | None = None, b2: Float[Array, "c"] | None = None, /,
) -> Images:  # fmt: skip
    """Scale each channel of an image by how much it is wanted: squeeze, excitation, product.

    Shapes
    ------
    u : (n, c, h, w)
    w1, w2, b1, b2 : as in `excitation`
    returns : (n, c, h, w)

    Source
    ------
    Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", eq. 4.

    Examples
    --------
    >>> u = gs.asarray([[[[2.0, 4.0]]]])
    >>> gs.to_numpy(gs.se_block(u, gs.asarray([[1.0]]), gs.asarray([[0.0]])))
    array([[[[1., 2.]]]])
    """
    ...


@formula(
    ko="SENet",
    en="SE-ResNet",
    tex=r"y = \rho(x + \mathrm{SE}(F(x)))",
    notes=("003#SENet",),
    source="Hu, Shen & Sun 2018, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def senet(config: SENet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by residual blocks that scale the channels of what they add.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Hu, Shen & Sun 2018, "Squeeze-and-excitation networks", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import SENet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(SENet(50))
    28088024
    """
    ...


@formula(
    ko="MobileNet",
    en="MobileNet v1",
    tex=r"C_{3/2} @ 32 \to 13 \times [\mathrm{DW}_3 \to \mathrm{BN}\,\rho \to 1 \times 1 \to \mathrm{BN}\,\rho] "
    r"\to \mathrm{GAP} \to F_{1000}",
    notes=("003#MobileNet",),
    source="Howard et al. 2017, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def mobilenet(config: MobileNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by convolutions taken apart into one per channel and one per place.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Howard et al. 2017, "MobileNets: efficient convolutional neural networks for mobile vision applications", table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import MobileNet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(MobileNet())
    4231976
    """
    ...


@formula(
    ko="MobileNet v2",
    en="MobileNet v2",
    tex=r"1 \times 1\,(C \to tC) \to \mathrm{DW}_3 \to 1 \times 1\,(tC \to C'),\ +x",
    notes=("003#MobileNet",),
    source="Sandler et al. 2018, table 2",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def mobilenet_v2(config: MobileNetV2, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by residual blocks that are wide in the middle and linear at their ends.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Sandler, Howard, Zhu, Zhmoginov & Chen 2018, "MobileNetV2: inverted residuals and linear bottlenecks", table 2.

    Examples
    --------
    >>> from gongsik.spec.cnn import MobileNetV2
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(MobileNetV2())
    3504872
    """
    ...


@formula(
    ko="ShuffleNet 유닛",
    en="ShuffleNet unit",
    tex=r"1 \times 1_g \to \mathrm{shuffle} \to \mathrm{DW}_3 \to 1 \times 1_g,\ +x\ (\text{stride } 2\text{: "
    r"beside the mean-pooled } x)",
    notes=("003#SuffleNet",),
    source="Zhang, Zhou, Lin & Sun 2018, figure 2",
    kind="model",
    axes=OUTPUT,
    differentiable=TRAINED,
)
def shufflenet_unit(config: ShuffleNetUnit, params: Parameters, buffers: Parameters, x: Images, /) -> Maps:
    """A residual block of grouped pointwise convolutions, between which the channels of the groups are shuffled.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.c_in, h, w)
    returns : (n, config.c_out, oh, ow)

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Zhang, Zhou, Lin & Sun 2018, "ShuffleNet", figure 2.

    Examples
    --------
    >>> from gongsik.spec.cnn import ShuffleNetUnit
    >>> ShuffleNetUnit(24, 240, groups=3, stride=2).output((1, 24, 56, 56))
    (1, 240, 28, 28)
    """
    ...


@formula(
    ko="ShuffleNet",
    en="ShuffleNet v1",
    tex=r"\mathrm{stem} \to [4, 8, 4]\ \text{units} \to \mathrm{GAP} \to F",
    notes=("003#SuffleNet",),
    source="Zhang, Zhou, Lin & Sun 2018, table 1",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def shufflenet(config: ShuffleNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by three stages of units with grouped pointwise convolutions.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Zhang, Zhou, Lin & Sun 2018, "ShuffleNet: an extremely efficient convolutional neural network for mobile devices",
    table 1.

    Examples
    --------
    >>> from gongsik.spec.cnn import ShuffleNet
    >>> sum(row.multiply_adds for row in ShuffleNet(groups=8).table((3, 224, 224))) // 10**6
    138
    """
    ...


@formula(
    ko="ShuffleNet v2",
    en="ShuffleNet v2",
    tex=r"[x_1 \mid x_2] \mapsto \mathrm{shuffle}[\,x_1 \mid F(x_2)\,]",
    notes=("003#SuffleNet",),
    source="Ma, Zhang, Zheng & Sun 2018, figure 3",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def shufflenet_v2(config: ShuffleNetV2, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by units of which one half of the channels passes by.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Ma, Zhang, Zheng & Sun 2018, "ShuffleNet V2: practical guidelines for efficient CNN architecture design", table 5.

    Examples
    --------
    >>> from gongsik.spec.cnn import ShuffleNetV2
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(ShuffleNetV2(1.0))
    2278604
    """
    ...


@formula(
    ko="MnasNet",
    en="MnasNet",
    tex=r"\mathrm{stem} \to \mathrm{MBConv}\ \text{stacks found by search} \to \mathrm{GAP} \to F",
    notes=("003#MnasNet",),
    source="Tan et al. 2019, figure 7",
    kind="model",
    deep=True,
    differentiable=TRAINED,
)
def mnasnet(config: MnasNet, params: Parameters, buffers: Parameters, x: Images, /) -> Logits:
    """Classify images by the blocks that a search for accuracy at a given speed has found.

    Shapes
    ------
    params, buffers : as in `forward`
    x : (n, config.channels, h, w)
    returns : (n, config.n_classes), logits

    Raises
    ------
    ShapeError
        As `forward`.

    Source
    ------
    Tan et al. 2019, "MnasNet: platform-aware neural architecture search for mobile", figure 7.

    Examples
    --------
    >>> from gongsik.spec.cnn import MnasNet
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(MnasNet(1.0))
    4383312
    """
    ...


@count(
    ko="모델별 층 수",
    en="Depths of the taught architectures",
    tex=r"5,\ 8,\ 16 / 19,\ 22,\ 152",
    notes=("000#Modern CNN", "003#물체 인식 CNN 모델"),
    source="the papers named at each model",
)
def depth_table() -> dict[str, int]:
    """How many layers with weights lie on the longest path: poolings, normalizations and activations do not count.

    Returns
    -------
    dict
        Depths by the names of the models.

    Source
    ------
    The papers named at each model.

    Examples
    --------
    >>> depth_table()
    {'LeNet-5': 5, 'AlexNet': 8, 'VGG-16': 16, 'VGG-19': 19, 'GoogLeNet': 22, 'ResNet-152': 152}
    """
    models: dict[str, Architecture] = {
        "LeNet-5": LeNet5(), "AlexNet": AlexNet(towers=2), "VGG-16": VGG(16), "VGG-19": VGG(19),
        "GoogLeNet": GoogLeNet(), "ResNet-152": ResNet(152),
    }  # fmt: skip
    return {name: config.network.depth() for name, config in models.items()}
