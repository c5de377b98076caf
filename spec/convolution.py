"""Convolution: one small set of weights that slides over a signal or an image, and every way to make it cheaper.

Images are [*batch, channels, height, width]. An option that may differ between the two axes of an image is one number
for both or a pair, (vertical, horizontal).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias, get_args

from annotated_types import Ge
from jaxtyping import Float

from gongsik.spec.abstract import result_shapes
from gongsik.spec.array import Array, Finite, Pair, PerAxis, Positive, pair
from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.model import Parameters
from gongsik.spec.network import Activation, linear_parameter_count

CHAPTER = Chapter(ko="합성곱", en="Convolution")

Mode: TypeAlias = Literal["full", "same", "valid"]
"""full: wherever the two overlap; same: as large as the first, in the middle; valid: where they overlap entirely."""

Steps: TypeAlias = Annotated[Pair, Ge(1)]
Margin: TypeAlias = Annotated[Pair, Ge(0)]
Padding: TypeAlias = Annotated[int | tuple[int, int] | Literal["same"], PerAxis(), Ge(0)]

NUMBERS = Finite(nan=False)
"""Whether a weight is multiplied by the zeros of a margin is not said, and must not matter: 0 times it has to be 0."""

Images: TypeAlias = Float[Array, "*batch c h w"]
Filters: TypeAlias = Annotated[Float[Array, "o c//groups kh kw"], NUMBERS]
Biases: TypeAlias = Float[Array, "o"]
Maps: TypeAlias = Float[Array, "*batch o oh ow"]

PLACES = {
    "oh": "conv_output_size(h, kh, stride=stride[0], padding=padding[0], dilation=dilation[0])",
    "ow": "conv_output_size(w, kw, stride=stride[1], padding=padding[1], dilation=dilation[1])",
}
# What is true of most calls comes first in a condition, because it is quick to see; what follows covers all of them.
FITS = (
    "dilation == 1 and kh <= h and kw <= w or padding[0] == 'same' or "
    "h + 2 * padding[0] > dilation[0] * (kh - 1) and w + 2 * padding[1] > dilation[1] * (kw - 1)",
    "a kernel that fits into the padded input",
)
SAME_AT_STRIDE_1 = (
    "stride == 1 or padding[0] != 'same' or stride[0] == stride[1] == 1",
    "a stride of 1 where padding is 'same'",
)
GROUPS = (
    "groups == 1 or c % groups == 0 and o % groups == 0",
    "groups that divide the channels of the input and of the output",
)


def _check_ints(formula: str, least: int, **numbers: int) -> None:
    for name, value in numbers.items():
        if type(value) is not int:
            raise DtypeError(f"{formula}: {name} is {value!r}, expected an int")
        if value < least:
            raise DomainError(f"{formula}: {name} is {value}, expected an int >= {least}")


# In one dimension


@formula(
    ko="연속 합성곱",
    en="Continuous convolution",
    tex=r"(f * g)(t) = \int f(\tau)\, g(t - \tau)\, d\tau = \int f(t - \tau)\, g(\tau)\, d\tau",
    notes=("000#math 8", "001#continous convolution"),
    source="Oppenheim & Willsky 1997, eq. 2.33",
    errata=(
        Erratum(
            key="continuous_convolution_variable",
            place="000#math 8",
            stated="둘째 꼴을 $\\int f(t - \\tau)\\, g(t)\\, d\\tau$로 적는다.",
            right="$g$에 들어가는 것은 적분하는 변수 $\\tau$이다. $t$를 넣으면 $g(t)$가 적분 밖으로 나온다.",
            setup="box = lambda s: ((s >= 0) & (s <= 1)) * 1.0\n"
            "ramp = lambda s: s * box(s)\n"
            "t, tau = np.array([0.5]), np.linspace(0, 1, 1001)",
            stated_value="round(float(np.trapezoid(box(t - tau) * ramp(t), tau)), 2)",
            right_value="round(float(gs.continuous_convolution(ramp, box, t, lower=0.0, upper=1.0, steps=1000)[0]), 3)",
        ),
    ),
)
def continuous_convolution(
    f: Callable[[Any], Any], g: Callable[[Any], Any], t: Float[Array, "*shape"], /,
    *, lower: float, upper: float, steps: Positive[int] = 512,
) -> Float[Array, "*shape"]:  # fmt: skip
    """Mix two functions: turn one around, shift it by t, and integrate the product, by the trapezoidal rule.

    Halving the width of a step divides the error of smooth functions by four.

    Shapes
    ------
    f, g : functions of an array of any shape to one of the same shape
    t : (*shape)
    returns : (*shape)

    Options
    -------
    lower, upper : the interval of tau outside of which the product is negligible
    steps : at least 1, into how many pieces it is divided

    Source
    ------
    Oppenheim & Willsky 1997, "Signals and systems", eq. 2.33.

    Examples
    --------
    >>> one, itself = lambda s: 0 * s + 1, lambda s: s
    >>> gs.to_numpy(gs.continuous_convolution(one, itself, gs.asarray([2.0, 3.0]), lower=0.0, upper=2.0))
    array([2., 4.])
    """


def convolution_size(size: int, kernel: int, mode: Mode) -> int:
    """Length of a convolution along one axis.

    >>> [convolution_size(5, 3, mode) for mode in ("full", "same", "valid")]
    [7, 5, 3]
    """
    return {"full": size + kernel - 1, "same": size, "valid": size - kernel + 1}[mode]


@formula(
    ko="이산 합성곱",
    en="Discrete convolution",
    tex=r"(f * g)(t) = \sum_i f(i)\, g(t - i) = \sum_i f(t - i)\, g(i)",
    notes=("000#math 8", "001#discrete convolution"),
    source="Oppenheim & Willsky 1997, eq. 2.6",
    requires=(("mode == 'full' or m <= n", "a second array no longer than the first, or mode 'full'"),),
    axes={"l": "convolution_size(n, m, mode)"},
    differentiable=True,
)
def convolve(
    f: Float[Array, "n"], g: Annotated[Float[Array, "m"], NUMBERS], /, *, mode: Mode = "full"
) -> Float[Array, "l"]:
    """Let every element of one sequence leave a copy of the other, and add them up: as polynomials multiply.

    Shapes
    ------
    f : (n,)
    g : (m,)
    returns : (n + m - 1,) in mode "full", (n,) in "same", (n - m + 1,) in "valid"

    Options
    -------
    mode : "full", wherever they overlap; "same", as long as f, around the middle; "valid", where they overlap entirely

    Source
    ------
    Oppenheim & Willsky 1997, "Signals and systems", eq. 2.6.

    Examples
    --------
    >>> gs.to_numpy(gs.convolve(gs.asarray([1.0, 2.0]), gs.asarray([3.0, 0.0, 1.0])))  # (1 + 2x)(3 + x^2)
    array([3., 6., 1., 2.])
    """


# In two dimensions


@formula(
    ko="2차원 합성곱",
    en="2-D convolution",
    tex=r"(I * K)(i, j) = \sum_m \sum_n I(m, n)\, K(i - m, j - n) = \sum_m \sum_n I(i - m, j - n)\, K(m, n)",
    notes=("000#math 8", "001#2D 이미지 convolution"),
    source="Gonzalez & Woods 2018, eq. 3-44",
    errata=(
        Erratum(
            key="convolve2d_index",
            place="000#math 8",
            stated="둘째 꼴에서 화소를 $I(i - m, i - n)$으로 적는다.",
            right="$I(i - m, j - n)$이다. 열의 번호는 $j$에서 나온다.",
            setup="image, delta = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0]])\ni, j = 0, 1",
            stated_value="float(image[i - 0, i - 0])",
            right_value="float(gs.convolve2d(image, delta)[i, j])",
        ),
    ),
    requires=(("mode == 'full' or kh <= h and kw <= w", "a kernel no larger than the image, or mode 'full'"),),
    axes={"oh": "convolution_size(h, kh, mode)", "ow": "convolution_size(w, kw, mode)"},
    differentiable=True,
)
def convolve2d(
    image: Float[Array, "h w"], kernel: Annotated[Float[Array, "kh kw"], NUMBERS], /, *, mode: Mode = "full"
) -> Float[Array, "oh ow"]:
    """Let every pixel leave a copy of the kernel, scaled by its value, and add them up.

    Shapes
    ------
    image : (h, w)
    kernel : (kh, kw)
    returns : (h + kh - 1, w + kw - 1) in mode "full", (h, w) in "same", (h - kh + 1, w - kw + 1) in "valid"

    Options
    -------
    mode : "full", wherever they overlap; "same", as large as the image, around the middle; "valid", where the kernel
        lies inside the image

    Source
    ------
    Gonzalez & Woods 2018, "Digital image processing", eq. 3-44.

    Examples
    --------
    >>> dot, kernel = gs.asarray([[0.0, 0.0], [0.0, 1.0]]), gs.asarray([[1.0, 2.0], [3.0, 4.0]])
    >>> gs.to_numpy(gs.convolve2d(dot, kernel))
    array([[0., 0., 0.],
           [0., 1., 2.],
           [0., 3., 4.]])
    """


@formula(
    ko="2차원 교차상관(CNN의 합성곱)",
    en="2-D cross-correlation",
    tex=r"O_{ij} = \sum_{m=1}^{k_h} \sum_{n=1}^{k_w} I_{i + m - 1,\, j + n - 1}\, K_{mn} + b",
    notes=("000#math 8-1", "003#컨볼루션"),
    source="Goodfellow, Bengio & Courville 2016, eq. 9.6",
    errata=(
        Erratum(
            key="convolution_vs_correlation",
            place="000#math 8-1",
            stated="math 8은 커널을 뒤집는 합성곱을 정의하고, math 8-1은 뒤집지 않고 셈하면서 같은 이름으로 부른다.",
            right="딥러닝의 합성곱층이 셈하는 것은 교차상관이다. 둘은 180도 돌려도 그대로인 커널에서만 같다.",
            setup="image, kernel = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])",
            stated_value="float(gs.convolve2d(image, kernel, mode='valid')[0, 0])",
            right_value="float(gs.cross_correlation2d(image, kernel)[0, 0])",
        ),
    ),
    requires=(("kh <= h and kw <= w", "a kernel no larger than the image"),),
    axes={"oh": "h - kh + 1", "ow": "w - kw + 1"},
    differentiable=True,
)
def cross_correlation2d(
    image: Float[Array, "h w"], kernel: Float[Array, "kh kw"], bias: Float[Array, ""] | None = None, /
) -> Float[Array, "oh ow"]:
    """Lay the kernel on the image, multiply what lies on top of each other and add it up; then move on by a pixel.

    Shapes
    ------
    image : (h, w)
    kernel : (kh, kw)
    bias : () or None
    returns : (h - kh + 1, w - kw + 1)

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep Learning", eq. 9.6.

    Examples
    --------
    >>> image, kernel = gs.asarray([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]), gs.asarray([[-1.0, 1.0]])
    >>> gs.to_numpy(gs.cross_correlation2d(image, kernel))
    array([[1., 2.],
           [1., 2.]])
    """


kernel_flip = law(
    "convolution.kernel_flip",
    ko="커널 뒤집기",
    en="Convolution is correlation with a flipped kernel",
    tex=r"I * K = I \star \mathrm{rot}_{180} K",
    notes=("000#math 8", "000#math 8-1"),
    source="Goodfellow, Bengio & Courville 2016, section 9.1",
)


# The layer


@formula(
    ko="다중 채널 2차원 합성곱",
    en="Multi-channel 2-D convolution layer",
    tex=r"y_{n, o, i, j} = b_o + \sum_{c, u, v} W_{o, c, u, v}\; x_{n,\, c,\, s i + d u - p,\, s j + d v - p}",
    notes=("000#img 8-2", "000#img 8-3", "001#RGB Image convolution", "001#stack of convolution",
           "002#Convolutional Layer", "003#CNN (Conv2D code)", "003#다중 채널의 2D 컨볼루션",
           "004#Convolutional Layer"),
    source="LeCun et al. 1989; Dumoulin & Visin 2016",
    requires=(GROUPS, SAME_AT_STRIDE_1, FITS),
    axes=PLACES,
    differentiable=True,
)  # fmt: skip
def conv2d(
    x: Images, weight: Filters, bias: Biases | None = None, /,
    *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1, groups: Positive[int] = 1,
) -> Maps:  # fmt: skip
    """Slide every filter over all channels of an image: one feature map per filter, of its answer at every place.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight : (o, c // groups, kh, kw), a filter per output channel
    bias : (o,) or None
    returns : (*batch, o, oh, ow) with oh = (h + 2 padding - dilation (kh - 1) - 1) // stride + 1, ow likewise

    Options
    -------
    stride : at least 1, pixels from one place to the next
    padding : at least 0, rows and columns of zeros on each side; "same": as many as keep the size, at stride 1
    dilation : at least 1, pixels from one weight to the next
    groups : at least 1; each group of output channels sees one group of input channels only

    Source
    ------
    LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition"; Dumoulin & Visin 2016, "A guide
    to convolution arithmetic for deep learning".

    Examples
    --------
    >>> x = gs.asarray([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]])
    >>> gs.to_numpy(gs.conv2d(x, gs.asarray([[[[1.0, 0.0], [0.0, -1.0]]]]), gs.asarray([10.0])))
    array([[[6., 6.],
            [6., 6.]]])
    """


@count(
    ko="RGB 커널의 생략된 깊이",
    en="A 5x5 kernel on RGB is 5x5x3",
    tex=r"k \times k \;\Rightarrow\; k \times k \times C_{in}; \qquad \text{출력은 } \times 1",
    notes=("000#img 8-2",),
)
def rgb_kernel_depth(kernel: int, /, *, channels: int = 3) -> tuple[int, int, int]:
    """The sizes of one filter, of which people name only the first two: its depth is that of the input.

    Options
    -------
    channels : at least 1, how many the input has

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> rgb_kernel_depth(5)
    (5, 5, 3)
    """
    _check_ints("rgb_kernel_depth", 1, kernel=kernel, channels=channels)
    return kernel, kernel, channels


feature_map = law(
    "convolution.feature_map",
    ko="특징 지도의 수",
    en="k filters give k feature maps",
    tex=r"C_{out} = \#\{\text{filters}\}",
    notes=("000#img 8-3", "002#Feature Map", "003#특징 지도, feature map"),
    source="LeCun, Bottou, Bengio & Haffner 1998, section II.A",
)

SHARPEN = ((0, -1, 0), (-1, 5, -1), (0, -1, 0))
"""The pixel, and what it has more than its four neighbours."""


@count(
    ko="샤프닝 필터 예시",
    en="Zero-padded 3x3 sharpening example",
    tex=r"K = \begin{pmatrix} 0 & -1 & 0 \\ -1 & 5 & -1 \\ 0 & -1 & 0 \end{pmatrix}",
    notes=("002#Padding",),
    source="Gonzalez & Woods 2018, section 3.6",
)
def sharpen(image: Sequence[Sequence[int]], /) -> tuple[tuple[int, ...], ...]:
    """Sharpen an image of whole numbers, with zeros around it: five times a pixel less its four neighbours.

    Raises
    ------
    DomainError
        If the rows differ in length.

    Examples
    --------
    >>> sharpen([[60, 113], [73, 121]])
    ((114, 384), (184, 419))
    """
    if len({len(row) for row in image}) > 1:
        raise DomainError("sharpen: rows of different lengths, expected an image")
    zeros = (0,) * len(image[0]) if image else ()
    rows = [zeros, *image, zeros]
    return tuple(
        tuple(
            5 * row[j] - above[j] - below[j] - (row[j - 1] if j else 0) - (row[j + 1] if j + 1 < len(row) else 0)
            for j in range(len(row))
        )
        for above, row, below in zip(rows, rows[1:], rows[2:], strict=False)
    )


@dataclass(frozen=True)
class ConvStack:
    """Configuration of convolution layers one after the other, all with one size of kernel.

    Parameters
    ----------
    channels : tuple of int
        Of the input and of every layer.
    kernel, stride, padding, dilation : int
        Of every layer, on both axes; padding may be "same".
    activation : str
        The function after every layer.

    Raises
    ------
    DomainError
        If there are fewer than two channels, a number is too small, or the activation is unknown.
    DtypeError
        If a number is no int.
    """

    channels: tuple[int, ...] = (3, 16, 32)
    kernel: int = 3
    stride: int = 1
    padding: int | Literal["same"] = 0
    dilation: int = 1
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        if len(self.channels) < 2:
            raise DomainError(f"ConvStack: channels is {self.channels}, expected at least an input and an output")
        for channels in self.channels:
            _check_ints("ConvStack", 1, channels=channels)
        _check_ints("ConvStack", 1, kernel=self.kernel, stride=self.stride, dilation=self.dilation)
        if self.padding != "same":
            _check_ints("ConvStack", 0, padding=self.padding)
        elif self.stride != 1:
            raise DomainError(f"ConvStack: padding is 'same' and stride is {self.stride}, expected a stride of 1")
        if self.activation not in get_args(Activation):
            expected = ", ".join(map(repr, get_args(Activation)))
            raise DomainError(f"ConvStack: activation is {self.activation!r}, expected one of {expected}")

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the convolutions. The activations have the odd numbers, as in torch.nn.Sequential."""
        return tuple(str(2 * i) for i in range(len(self.channels) - 1))

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters by name.

        >>> ConvStack((3, 8), kernel=5).parameters()
        {'0.weight': (8, 3, 5, 5), '0.bias': (8,)}
        """
        table: dict[str, tuple[int, ...]] = {}
        for layer, c_in, c_out in zip(self.layers, self.channels[:-1], self.channels[1:], strict=True):
            table[f"{layer}.weight"], table[f"{layer}.bias"] = (c_out, c_in, self.kernel, self.kernel), (c_out,)
        return table

    @cached_property
    def smallest(self) -> int:
        """The smallest height or width of an input of which all layers leave something.

        >>> ConvStack((3, 16, 32)).smallest
        5
        """
        size = 1
        for _ in self.layers if self.padding != "same" else ():
            size = max(1, (size - 1) * self.stride + self.dilation * (self.kernel - 1) + 1 - 2 * int(self.padding))
        return size

    def output_size(self, size: int, /) -> int:
        """The height or width that is left of an input's after all layers; 0 if a kernel does not fit on the way.

        >>> ConvStack((3, 16, 32)).output_size(8)
        4
        """
        if size < self.smallest:
            return 0
        options: dict[str, Any] = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        for _ in self.layers:
            size = conv_output_size(size, self.kernel, **options)
        return size


@formula(
    ko="중첩 합성곱층",
    en="Stacked convolution layers",
    tex=r"h^0 = x, \qquad h^{l+1} = \rho(W_l \star h^l + b_l)",
    notes=("001#stack of convolution", "004#Nested Convolutional Layer"),
    source="Fukushima 1980; LeCun, Bottou, Bengio & Haffner 1998, section II.A",
    kind="model",
    requires=(("h >= config.smallest and w >= config.smallest", "kernels that fit into what the layers leave"),),
    axes={"oh": "config.output_size(h)", "ow": "config.output_size(w)"},
    differentiable=True,
)
def nested_convolution(
    config: ConvStack, params: Parameters, x: Float[Array, "*batch config.channels[0] h w"], /
) -> Float[Array, "*batch config.channels[-1] oh ow"]:
    """Stack convolutions, with an activation after each: every layer looks at the feature maps of the one before.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, config.channels[0], h, w)
    returns : (*batch, config.channels[-1], config.output_size(h), config.output_size(w))

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.A.

    Examples
    --------
    >>> from gongsik.spec.convolution import ConvStack
    >>> params = {"0.weight": gs.asarray([[[[0.5]]]]), "0.bias": gs.asarray([0.0]),
    ...           "2.weight": gs.asarray([[[[3.0]]]]), "2.bias": gs.asarray([1.0])}
    >>> gs.to_numpy(gs.nested_convolution(ConvStack((1, 1, 1), kernel=1), params, gs.asarray([[[4.0, -4.0]]])))
    array([[[7., 1.]]])
    """


# Stride, padding, size


stride = law(
    "convolution.stride",
    ko="스트라이드",
    en="Stride",
    tex=r"y^{(s)}_{i, j} = y^{(1)}_{s i,\, s j}",
    notes=("000#CNN 구조와 용어 / 1. Stride", "001#stride", "003#스프라이드", "004#Stride"),
    source="Dumoulin & Visin 2016, section 2.3",
)


@formula(
    ko="제로 패딩",
    en="Zero padding",
    tex=r"\tilde x_{i + p,\, j + p} = x_{ij}, \qquad \tilde x = 0 \text{ elsewhere}",
    notes=("000#CNN 구조와 용어 / 2. Padding", "001#padding", "002#Padding", "003#패딩", "004#Padding"),
    source="Dumoulin & Visin 2016, section 2.2",
    errata=(
        Erratum(
            key="padding_and_overfitting",
            place="002#Padding",
            stated="제로 패딩이 과적합을 막는다.",
            right="패딩은 크기와 가장자리의 정보를 지킨다. 파라미터 수는 패딩이 있으나 없으나 같으니, "
            "과적합을 막을 까닭이 없다.",
        ),
    ),
    axes={
        "oh": "h + pad[0] + (pad[0] if after[0] is None else after[0])",
        "ow": "w + pad[1] + (pad[1] if after[1] is None else after[1])",
    },
    differentiable=True,
)
def zero_pad(
    x: Float[Array, "*batch h w"], /,
    *, pad: Margin, after: Annotated[int | tuple[int, int] | None, PerAxis(), Ge(0)] = None,
) -> Float[Array, "*batch oh ow"]:  # fmt: skip
    """Put zeros around an image.

    Shapes
    ------
    x : (*batch, h, w)
    returns : (*batch, pad + h + after, pad + w + after)

    Options
    -------
    pad : at least 0, rows above and columns to the left
    after : at least 0, rows below and columns to the right; None: as many as `pad`

    Source
    ------
    Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", section 2.2.

    Examples
    --------
    >>> gs.to_numpy(gs.zero_pad(gs.asarray([[1.0, 2.0]]), pad=(0, 1), after=(1, 0)))
    array([[0., 1., 2.],
           [0., 0., 0.]])
    """


@count(
    ko="동일 크기 패딩",
    en="Same padding",
    tex=r"p_{\text{앞}} + p_{\text{뒤}} = d\,(k - 1), \qquad p = \frac{d\,(k - 1)}{2}\ (k \text{가 홀수}) "
    r"\;\Rightarrow\; O = H\ (s = 1)",
    notes=("000#CNN 구조와 용어 / 2. Padding", "004#Padding"),
    source="Dumoulin & Visin 2016, relationship 3",
    errata=(
        Erratum(
            key="padding_keeps_size",
            place="000#CNN 구조와 용어 / 2. Padding",
            stated="제로 패딩을 하면 입력과 출력의 크기가 같아진다.",
            right="스트라이드가 1이고 패딩이 $d(k-1)/2$일 때만 같다.",
            setup="x, weight = np.ones((1, 5, 5)), np.ones((1, 1, 5, 5))",
            stated_value="x.shape[-1]",
            right_value="gs.conv2d(x, weight, padding=1).shape[-1]",
        ),
    ),
)
def same_padding(kernel: int, /, *, dilation: int = 1) -> tuple[int, int]:
    """How many zeros before and after an axis keep its size at stride 1; an even kernel needs one more after.

    Options
    -------
    dilation : at least 1, pixels from one weight to the next

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> same_padding(3), same_padding(3, dilation=2), same_padding(4)
    ((1, 1), (2, 2), (1, 2))
    """
    _check_ints("same_padding", 1, kernel=kernel, dilation=dilation)
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2


@count(
    ko="합성곱 출력 크기",
    en="Convolution output size",
    tex=r"O = \Bigl\lfloor \frac{H + 2P - d\,(FH - 1) - 1}{S} \Bigr\rfloor + 1",
    notes=("001#Zero padding (stride=1)", "001#2.1 Convolution 레이어 출력 데이터 크기 산정",
           "000#img stride, padding"),
    source="Dumoulin & Visin 2016, relationships 6 and 15",
    errata=(
        Erratum(
            key="output_size_floor",
            place="001#2.1 Convolution 레이어 출력 데이터 크기 산정",
            stated="출력 크기를 $(H + 2P - FH)/S + 1$로 적고, 나누어떨어지지 않을 때를 말하지 않는다.",
            right="몫을 내림한다. 마지막 걸음에서 커널이 다 들어가지 못하면 그 자리는 버린다.",
            setup="x, weight = np.ones((1, 6, 6)), np.ones((1, 1, 3, 3))",
            stated_value="(6 + 2 * 0 - 3) / 2 + 1",
            right_value="gs.conv2d(x, weight, stride=2).shape[-1]",
        ),
        Erratum(
            key="output_width_name",
            place="001#2.1 Convolution 레이어 출력 데이터 크기 산정",
            stated="$OW = (W + 2P - FW)/S + 1$을 Output Weight라고 부른다.",
            right="출력의 너비(width)이다. 가중치(weight)가 아니다.",
        ),
    ),
)  # fmt: skip
def conv_output_size(
    size: int, kernel: int, /, *, stride: int = 1, padding: int | Literal["same"] = 0, dilation: int = 1
) -> int:
    """How many places a kernel has along one axis: the size of the output.

    Options
    -------
    stride : at least 1, steps from one place to the next
    padding : at least 0, zeros on each side of the input; "same": as many as keep the size, at stride 1
    dilation : at least 1, steps from one weight to the next

    Raises
    ------
    DomainError
        If a number is too small, the kernel does not fit into the padded input, or "same" meets a stride above 1.
    DtypeError
        If a number is no int.

    Examples
    --------
    >>> conv_output_size(5, 3), conv_output_size(5, 3, padding=1), conv_output_size(6, 3, stride=2)
    (3, 5, 2)
    """
    name = "conv_output_size"
    _check_ints(name, 1, kernel=kernel, stride=stride, dilation=dilation)
    _check_ints(name, 0, size=size)
    if padding == "same":
        if stride != 1:
            raise DomainError(f"{name}: padding is 'same' and stride is {stride}, expected a stride of 1")
        return size
    _check_ints(name, 0, padding=padding)
    padded, covered = size + 2 * padding, dilation * (kernel - 1) + 1
    if padded < covered:
        raise DomainError(f"{name}: the kernel covers {covered}, expected at most the {padded} of the padded input")
    return (padded - covered) // stride + 1


# Parameters


def _check_layer(formula: str, kernel: int | tuple[int, int], c_in: int, c_out: int, groups: int) -> None:
    kh, kw = pair(kernel)
    _check_ints(formula, 1, kernel=kh, c_in=c_in, c_out=c_out, groups=groups)
    _check_ints(formula, 1, kernel=kw)
    if c_in % groups or c_out % groups:
        raise DomainError(f"{formula}: groups is {groups}, expected a divisor of c_in={c_in} and of c_out={c_out}")


@count(
    ko="합성곱층 파라미터 수",
    en="Convolution parameter count",
    tex=r"k_h\, k_w\, C_{in}\, C_{out}\ (+\, C_{out})",
    notes=("000#Convolution Arithmetic",),
)
def conv_parameter_count(
    kernel: int | tuple[int, int], c_in: int, c_out: int, /, *, groups: int = 1, bias: bool = False
) -> int:
    """How many numbers a convolution layer has to learn; the size of the image is not among what it depends on.

    Options
    -------
    groups : at least 1, a divisor of both numbers of channels; each filter sees c_in / groups channels
    bias : whether each output channel has a bias, which the notes leave out

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int, or if groups does not divide the channels.

    Examples
    --------
    >>> conv_parameter_count(3, 128, 64)
    73728
    """
    _check_layer("conv_parameter_count", kernel, c_in, c_out, groups)
    return math.prod(pair(kernel)) * (c_in // groups) * c_out + (c_out if bias else 0)


@count(
    ko="2경로(집단) 합성곱 파라미터 수",
    en="Two-path convolution parameters",
    tex=r"k^2\, \frac{C_{in}}{g}\, \frac{C_{out}}{g}\, g",
    notes=("000#Convolution Arithmetic",),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.5",
)
def grouped_parameter_count(kernel: int | tuple[int, int], c_in: int, c_out: int, /, *, groups: int = 2) -> int:
    """Parameters of `groups` paths side by side, each with its share of the channels.

    Options
    -------
    groups : at least 1, a divisor of both numbers of channels

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int, or if groups does not divide the channels.

    Examples
    --------
    >>> grouped_parameter_count(5, 96, 256)  # AlexNet's second layer: 48 to 128 channels, twice
    307200
    """
    _check_layer("grouped_parameter_count", kernel, c_in, c_out, groups)
    return groups * conv_parameter_count(kernel, c_in // groups, c_out // groups)


@count(
    ko="FC층과 합성곱층의 파라미터 비교",
    en="Dense versus convolution parameters",
    tex=r"\frac{n_{in}\, n_{out}}{k^2\, C_{in}\, C_{out} / g}",
    notes=("000#Convolution Arithmetic",),
    errata=(
        Erratum(
            key="thousand_times",
            place="000#Convolution Arithmetic",
            stated="완전 연결층에는 합성곱층의 1000배가 넘는 파라미터가 쓰인다.",
            right="노트의 수로 셈하면 가장 큰 완전 연결층이 둘째 합성곱층의 577배이다. 1000배를 넘는 것은 "
            "첫 합성곱층과 견줄 때뿐이며, 층을 모두 더하면 85배이다.",
            setup="from gongsik.spec.convolution import dense_versus_conv_parameters",
            stated_value="1000",
            right_value="round(dense_versus_conv_parameters(13 * 13 * 256, 4096, 5, 96, 256, groups=2))",
        ),
    ),
)
def dense_versus_conv_parameters(
    n_in: int, n_out: int, kernel: int | tuple[int, int], c_in: int, c_out: int, /, *, groups: int = 1
) -> float:
    """How many times the parameters of a convolution layer a fully connected layer has.

    Options
    -------
    groups : at least 1, of the convolution

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int, or if groups does not divide the channels.

    Examples
    --------
    >>> round(dense_versus_conv_parameters(13 * 13 * 256, 4096, 5, 96, 256, groups=2), 1)
    576.9
    """
    return linear_parameter_count(n_in, n_out) / conv_parameter_count(kernel, c_in, c_out, groups=groups)


size_free_parameters = law(
    "convolution.size_free_parameters",
    ko="스트라이드·패딩과 파라미터 수의 무관성",
    en="Stride and padding do not change the parameter count",
    tex=r"\#W = k_h\, k_w\, C_{in}\, C_{out} \quad \forall\, s, p, H, W",
    notes=("001#padding", "001#Fully Convolutional Network"),
    source="Long, Shelhamer & Darrell 2015, section 3.1",
)

weight_sharing = law(
    "convolution.weight_sharing",
    ko="가중치 공유(토플리츠 행렬)",
    en="Weight sharing: convolution as a structured matrix",
    tex=r"\mathrm{vec}(K \star x) = T_K\, \mathrm{vec}(x)",
    notes=("000#Convolution Arithmetic", "001#Fully Convolutional Network", "002#CNN의 특징"),
    source="Goodfellow, Bengio & Courville 2016, section 9.1",
)

spatial_locality = law(
    "convolution.spatial_locality",
    ko="공간 지역성",
    en="Spatial locality",
    tex=r"\frac{\partial y_{ij}}{\partial x_{uv}} = 0 \quad \text{outside the receptive field}",
    notes=("003#CNN (stationarity, locality)", "002#Convolutional Layer", "004#Spatial Locality"),
    source="Goodfellow, Bengio & Courville 2016, section 9.2",
)

shift_equivariance = law(
    "convolution.shift_equivariance",
    ko="이동 등변성",
    en="Translation equivariance",
    tex=r"\mathrm{conv}(T_a x) = T_a\, \mathrm{conv}(x)",
    notes=("004#Positional Invariance", "003#CNN (stationarity)", "001#Fully Convolutional Network"),
    source="Goodfellow, Bengio & Courville 2016, section 9.2",
    errata=(
        Erratum(
            key="equivariance_not_invariance",
            place="004#Positional Invariance",
            stated="위치가 바뀌어도 똑같이 알아보는 불변성이 CNN의 핵심 가정이다.",
            right="합성곱은 불변이 아니라 등변이다. 입력이 옮겨 가면 출력도 그만큼 옮겨 간다. "
            "불변에 가까워지는 것은 풀링 덕분이다.",
            setup="x = np.zeros((1, 1, 6)); x[0, 0, 2] = 1\nkernel = np.ones((1, 1, 1, 1))",
            stated_value="gs.conv2d(x, kernel).tolist()",
            right_value="gs.conv2d(np.roll(x, 1, -1), kernel).tolist()",
        ),
    ),
)


# The gradients of the layer


@formula(
    ko="합성곱의 기울기: 입력",
    en="Gradient of a convolution by its input",
    tex=r"\frac{\partial L}{\partial x_{n, c, a, b}} = \sum_{o} \sum_{\substack{i, u:\; s i + d u - p = a \\ "
    r"j, v:\; s j + d v - p = b}} W_{o, c, u, v}\; g_{n, o, i, j}",
    source="Dumoulin & Visin 2016, section 4.1; Goodfellow, Bengio & Courville 2016, eq. 9.13",
    requires=(
        ("groups == 1 or o % groups == 0", "groups that divide the filters"),
        (
            "stride == dilation == 1 and "
            "size[0] + 2 * padding[0] - kh + 1 == oh and size[1] + 2 * padding[1] - kw + 1 == ow or "
            "(size[0] + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1 == oh and "
            "(size[1] + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1 == ow",
            "the size of an input whose convolution has the size of grad",
        ),
    ),
    differentiable=True,
)
def conv2d_grad_input(
    grad: Maps, weight: Annotated[Float[Array, "o q kh kw"], NUMBERS], /,
    *, size: Steps, stride: Steps = 1, padding: Margin = 0, dilation: Steps = 1, groups: Positive[int] = 1,
) -> Float[Array, "*batch q*groups size[0] size[1]"]:  # fmt: skip
    """Send the gradient by the outputs of `conv2d` back to its input: every output to the pixels that it has seen.

    Shapes
    ------
    grad : (*batch, o, oh, ow), the gradient by the result of `conv2d`
    weight : (o, q, kh, kw)
    returns : (*batch, q * groups, size), the gradient by `x`

    Options
    -------
    size : at least 1, height and width of the input
    stride, padding, dilation, groups : those of `conv2d`

    Source
    ------
    Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", section 4.1.

    Examples
    --------
    >>> grad, weight = gs.asarray([[[1.0, 10.0]]]), gs.asarray([[[[1.0, 2.0]]]])
    >>> gs.to_numpy(gs.conv2d_grad_input(grad, weight, size=(1, 3)))
    array([[[ 1., 12., 20.]]])
    """


@formula(
    ko="합성곱의 기울기: 가중치",
    en="Gradient of a convolution by its weights",
    tex=r"\frac{\partial L}{\partial W_{o, c, u, v}} = \sum_{n, i, j} g_{n, o, i, j}\; "
    r"x_{n,\, c,\, s i + d u - p,\, s j + d v - p}, \qquad \frac{\partial L}{\partial b_o} = \sum_{n, i, j} "
    r"g_{n, o, i, j}",
    source="Goodfellow, Bengio & Courville 2016, eq. 9.11",
    requires=(
        GROUPS,
        (
            "stride == dilation == 1 and "
            "h + 2 * padding[0] - kernel[0] + 1 == oh and w + 2 * padding[1] - kernel[1] + 1 == ow or "
            "(h + 2 * padding[0] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1 == oh and "
            "(w + 2 * padding[1] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1 == ow",
            "a kernel with which the convolution of x has the size of grad",
        ),
    ),
    differentiable=True,
)
def conv2d_grad_weight(
    x: Images, grad: Maps, /,
    *, kernel: Steps, stride: Steps = 1, padding: Margin = 0, dilation: Steps = 1, groups: Positive[int] = 1,
) -> Float[Array, "o c//groups kernel[0] kernel[1]"]:  # fmt: skip
    """Collect the gradient of a weight of `conv2d` from every place where it was used.

    Shapes
    ------
    x : (*batch, c, h, w), the input of `conv2d`
    grad : (*batch, o, oh, ow), the gradient by its result
    returns : (o, c // groups, kernel), the gradient by `weight`; that by `bias` is the sum of `grad` over all else

    Options
    -------
    kernel : at least 1, height and width of the kernel
    stride, padding, dilation, groups : those of `conv2d`

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep Learning", eq. 9.11.

    Examples
    --------
    >>> x, grad = gs.asarray([[[1.0, 2.0, 4.0]]]), gs.asarray([[[1.0, 10.0]]])
    >>> gs.to_numpy(gs.conv2d_grad_weight(x, grad, kernel=(1, 2)))
    array([[[[21., 42.]]]])
    """


# Across channels only


@formula(
    ko="1x1 합성곱",
    en="1x1 (pointwise) convolution",
    tex=r"y_{o, i, j} = b_o + \sum_c W_{oc}\, x_{c, i, j}",
    notes=("000#1x1 convolution를 활용한 최적화", "001#→ 1x1 Convolution", "003#1 * 1 컨볼루션", "003#GoogleNet"),
    source="Lin, Chen & Yan 2014, section 3.1",
    differentiable=True,
)
def pointwise_conv2d(
    x: Images, weight: Float[Array, "o c"], bias: Biases | None = None, /
) -> Float[Array, "*batch o h w"]:
    """Mix the channels of every pixel by one matrix, a fully connected layer that all pixels share.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight : (o, c)
    bias : (o,) or None
    returns : (*batch, o, h, w)

    Source
    ------
    Lin, Chen & Yan 2014, "Network in network", section 3.1.

    Examples
    --------
    >>> rgb, grey = gs.asarray([[[10.0]], [[20.0]], [[30.0]]]), gs.asarray([[0.25, 0.5, 0.25]])
    >>> gs.to_numpy(gs.pointwise_conv2d(rgb, grey))
    array([[[20.]]])
    """


@count(
    ko="1x1 병목의 파라미터 절감",
    en="Saving by a 1x1 bottleneck",
    tex=r"k^2\, C_{in}\, C_{out} \quad \text{vs.} \quad C_{in}\, C_m + k^2\, C_m\, C_{out}",
    notes=("000#1x1 convolution를 활용한 최적화 (img)", "000#Modern CNN / 3. GoogleNet (img)",
           "001#→ 1x1 Convolution", "001#Inception blocks"),
    source="Szegedy et al. 2015, section 4",
    errata=(
        Erratum(
            key="thirty_percent",
            place="001#Inception blocks",
            stated="1x1 합성곱으로 파라미터 수를 30% 정도 줄일 수 있다.",
            right="강의의 그림에서는 147,456개가 40,960개가 된다. 28%로 줄었으니 72%를 줄인 것이다. "
            "얼마나 줄이는지는 채널 수가 정한다.",
        ),
    ),
)  # fmt: skip
def bottleneck_count(kernel: int, c_in: int, c_mid: int, c_out: int, /) -> tuple[int, int]:
    """Parameters of one convolution, and of a 1x1 convolution to fewer channels before it.

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> bottleneck_count(3, 128, 32, 128)
    (147456, 40960)
    """
    reduced = conv_parameter_count(1, c_in, c_mid) + conv_parameter_count(kernel, c_mid, c_out)
    return conv_parameter_count(kernel, c_in, c_out), reduced


# Upwards


@formula(
    ko="전치 합성곱(디컨볼루션)",
    en="Transposed convolution",
    tex=r"y_{o,\, s i + d u - p,\, s j + d v - p} \mathrel{+}= \sum_c x_{c, i, j}\, W_{c, o, u, v}, \qquad "
    r"y_o \mathrel{+}= b_o",
    notes=("000#Deconvolution(conv transpose)", "001#Deconvolution (conv. transpose)", "003#디컨볼루션",
           "002#Fractional convolution"),
    source="Zeiler, Krishnan, Taylor & Fergus 2010; Dumoulin & Visin 2016, chapter 4",
    requires=(
        ("groups == 1 or c % groups == 0", "groups that divide the channels"),
        (
            "output_padding == 0 or "
            "output_padding[0] < max(stride[0], dilation[0]) and output_padding[1] < max(stride[1], dilation[1])",
            "an output_padding below the stride or the dilation",
        ),
        (
            "padding == 0 or "
            "(h - 1) * stride[0] + dilation[0] * (kh - 1) + output_padding[0] >= 2 * padding[0] and "
            "(w - 1) * stride[1] + dilation[1] * (kw - 1) + output_padding[1] >= 2 * padding[1]",
            "a padding that leaves at least one pixel",
        ),
    ),
    axes={
        "oh": "(h - 1) * stride[0] - 2 * padding[0] + dilation[0] * (kh - 1) + output_padding[0] + 1",
        "ow": "(w - 1) * stride[1] - 2 * padding[1] + dilation[1] * (kw - 1) + output_padding[1] + 1",
    },
    differentiable=True,
)  # fmt: skip
def conv_transpose2d(
    x: Images, weight: Annotated[Float[Array, "c q kh kw"], NUMBERS], bias: Float[Array, "q*groups"] | None = None, /,
    *, stride: Steps = 1, padding: Margin = 0, output_padding: Margin = 0, dilation: Steps = 1,
    groups: Positive[int] = 1,
) -> Float[Array, "*batch q*groups oh ow"]:  # fmt: skip
    """Let every pixel leave a copy of the kernel, `stride` pixels apart: the transpose of the matrix of `conv2d`.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight : (c, q, kh, kw)
    bias : (q * groups,) or None
    returns : (*batch, q * groups, oh, ow) with oh = (h - 1) stride - 2 padding + dilation (kh - 1) + output_padding + 1

    Options
    -------
    stride : at least 1, pixels between the copies
    padding : at least 0, rows and columns that are cut off on each side
    output_padding : at least 0 and below the stride or the dilation, rows below and columns to the right that are kept
        or added: `conv2d` forgets them where the stride leaves a remainder
    dilation : at least 1, pixels from one weight to the next
    groups : at least 1; each group of output channels sees one group of input channels only

    Source
    ------
    Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning", chapter 4.

    Examples
    --------
    >>> x, weight = gs.asarray([[[1.0, 2.0]]]), gs.asarray([[[[1.0, 1.0, 1.0]]]])
    >>> gs.to_numpy(gs.conv_transpose2d(x, weight, stride=(1, 2)))
    array([[[1., 1., 3., 2., 2.]]])
    """


@count(
    ko="전치 합성곱 출력 크기",
    en="Output size of a transposed convolution",
    tex=r"O = (H - 1)\, s - 2p + d\,(k - 1) + op + 1",
    notes=("000#Deconvolution(conv transpose)", "003#디컨볼루션"),
    source="Dumoulin & Visin 2016, relationship 14",
    errata=(
        Erratum(
            key="deconv_always_larger",
            place="003#디컨볼루션",
            stated="입력보다 큰 출력이 생긴다.",
            right="$(H - 1)s - 2p + k > H$일 때만 커진다. 스트라이드가 1이고 $p \\ge (k - 1)/2$이면 커지지 않는다.",
            setup="x, weight = np.ones((1, 5, 5)), np.ones((1, 1, 3, 3))",
            stated_value="True",
            right_value="gs.conv_transpose2d(x, weight, padding=1).shape[-1] > x.shape[-1]",
        ),
    ),
)
def conv_transpose_output_size(
    size: int, kernel: int, /, *, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """The size of the output of a transposed convolution along one axis.

    Options
    -------
    stride, dilation : at least 1
    padding, output_padding : at least 0

    Raises
    ------
    DomainError
        If a number is too small, or nothing is left.
    DtypeError
        If a number is no int.

    Examples
    --------
    >>> conv_transpose_output_size(3, 3, stride=2), conv_transpose_output_size(5, 3, padding=1)
    (7, 5)
    """
    name = "conv_transpose_output_size"
    _check_ints(name, 1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _check_ints(name, 0, padding=padding, output_padding=output_padding)
    found = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    if found < 1:
        raise DomainError(f"{name}: the output has size {found}, expected a padding that leaves at least 1")
    return found


fractionally_strided_conv2d = law(
    "convolution.fractionally_strided_conv2d",
    ko="분수 스트라이드 합성곱",
    en="Fractionally strided convolution",
    tex=r"\mathrm{conv}^\top_s(x) = \mathrm{conv}_1(\uparrow_s x)",
    notes=("002#Deep Convolutional GAN (Fractional convolution)",),
    source="Dumoulin & Visin 2016, section 4.3; Radford, Metz & Chintala 2016, section 3",
)

deconvolution_is_not_inverse = law(
    "convolution.deconvolution_is_not_inverse",
    ko="디컨볼루션은 역연산이 아님",
    en="Transposed convolution is not the inverse",
    tex=r"\mathrm{conv}^\top\, \mathrm{conv} \ne I",
    notes=("000#Deconvolution(conv transpose)",),
    source="Dumoulin & Visin 2016, section 4.1",
)


# Far


@formula(
    ko="팽창 합성곱",
    en="Dilated convolution",
    tex=r"y_{o, i, j} = b_o + \sum_{c, u, v} W_{o, c, u, v}\; x_{c,\, i + d u,\, j + d v}",
    notes=("003#팽창 컨볼루션",),
    source="Yu & Koltun 2016, eq. 2",
    requires=(FITS,),
    axes={name: place.replace("stride[0]", "1").replace("stride[1]", "1") for name, place in PLACES.items()},
    differentiable=True,
)
def dilated_conv2d(
    x: Images, weight: Annotated[Float[Array, "o c kh kw"], NUMBERS], bias: Biases | None = None, /,
    *, dilation: Steps, padding: Padding = 0,
) -> Maps:  # fmt: skip
    """Spread the kernel: the same weights, `dilation` pixels apart, see further.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight : (o, c, kh, kw)
    bias : (o,) or None
    returns : (*batch, o, oh, ow) with oh = h + 2 padding - dilation (kh - 1), ow likewise

    Options
    -------
    dilation : at least 1, pixels from one weight to the next
    padding : at least 0, rows and columns of zeros on each side; "same": as many as keep the size

    Source
    ------
    Yu & Koltun 2016, "Multi-scale context aggregation by dilated convolutions", eq. 2.

    Examples
    --------
    >>> x, weight = gs.asarray([[[1.0, 2.0, 4.0, 8.0]]]), gs.asarray([[[[-1.0, 1.0]]]])
    >>> gs.to_numpy(gs.dilated_conv2d(x, weight, dilation=2))
    array([[[3., 6.]]])
    """


@count(
    ko="수용 필드",
    en="Receptive field",
    tex=r"r_l = r_{l-1} + d_l\,(k_l - 1) \prod_{i < l} s_i, \qquad r_0 = 1",
    notes=("000#Modern CNN / 1. AlexNet", "000#Modern CNN / 2. VGGNet", "001#요약"),
    source="Luo, Li, Urtasun & Zemel 2016; Araujo, Norris & Sim 2019",
)
def receptive_field(layers: Sequence[tuple[int, ...]], /) -> int:
    """How many pixels along one axis an output has seen, through all layers.

    Each layer is (kernel,), (kernel, stride) or (kernel, stride, dilation).

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int, or if a layer has none or more than three.

    Examples
    --------
    >>> receptive_field([(11, 4)]), receptive_field(2 * [(3,)]), receptive_field(3 * [(3,)])
    (11, 5, 7)
    """
    field = step = 1
    for layer in layers:
        if not 1 <= len(layer) <= 3:
            raise DomainError(f"receptive_field: a layer is {layer}, expected (kernel, stride, dilation)")
        kernel, stride, dilation = (*layer, *(1, 1, 1)[len(layer) :])
        _check_ints("receptive_field", 1, kernel=kernel, stride=stride, dilation=dilation)
        field += dilation * (kernel - 1) * step
        step *= stride
    return field


@count(
    ko="팽창 합성곱의 수용 필드",
    en="Receptive field of dilated stacks",
    tex=r"r = 1 + \sum_l d_l\,(k_l - 1), \qquad d_l = 2^l \;\Rightarrow\; r = 1 + (k - 1)(2^L - 1)",
    notes=("003#팽창 컨볼루션",),
    source="Yu & Koltun 2016, section 2",
)
def dilated_receptive_field(kernel: int, n_layers: int, /) -> int:
    """The receptive field of so many layers of one kernel, whose dilations double: 1, 2, 4, ...

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> [dilated_receptive_field(3, n) for n in (1, 2, 3, 4)]
    [3, 7, 15, 31]
    """
    _check_ints("dilated_receptive_field", 1, kernel=kernel, n_layers=n_layers)
    return 1 + (kernel - 1) * (2**n_layers - 1)


# Cheap


@formula(
    ko="깊이별 합성곱",
    en="Depthwise convolution",
    tex=r"y_c = W_c \star x_c + b_c",
    notes=("003#분할 컨볼루션 (깊이별)", "003#MobileNet"),
    source="Howard et al. 2017, eq. 3",
    requires=(SAME_AT_STRIDE_1, FITS),
    axes=PLACES,
    differentiable=True,
)
def depthwise_conv2d(
    x: Images, weight: Annotated[Float[Array, "c 1 kh kw"], NUMBERS], bias: Float[Array, "c"] | None = None, /,
    *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1,
) -> Float[Array, "*batch c oh ow"]:  # fmt: skip
    """Give every channel a kernel of its own; channels do not mix.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight : (c, 1, kh, kw)
    bias : (c,) or None
    returns : (*batch, c, oh, ow)

    Options
    -------
    stride, padding, dilation : those of `conv2d`

    Source
    ------
    Howard et al. 2017, "MobileNets", eq. 3.

    Examples
    --------
    >>> x, weight = gs.asarray([[[1.0, 2.0]], [[3.0, 4.0]]]), gs.asarray([[[[1.0, 1.0]]], [[[1.0, -1.0]]]])
    >>> gs.to_numpy(gs.depthwise_conv2d(x, weight))
    array([[[ 3.]],
    <BLANKLINE>
           [[-1.]]])
    """


@formula(
    ko="깊이별 분할 합성곱",
    en="Depthwise separable convolution",
    tex=r"y_o = \sum_c W^{pw}_{oc}\, \bigl(W^{dw}_c \star x_c\bigr)",
    notes=("003#분할 컨볼루션 (깊이별)", "003#MobileNet"),
    source="Sifre 2014; Howard et al. 2017, section 3.1",
    requires=(SAME_AT_STRIDE_1, FITS),
    axes=PLACES,
    differentiable=True,
)
def depthwise_separable_conv2d(
    x: Images, depthwise: Annotated[Float[Array, "c 1 kh kw"], NUMBERS], pointwise: Float[Array, "o c"], /,
    *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1,
) -> Maps:  # fmt: skip
    """Look around within every channel first, then mix the channels of every pixel.

    Shapes
    ------
    x : (*batch, c, h, w)
    depthwise : (c, 1, kh, kw)
    pointwise : (o, c)
    returns : (*batch, o, oh, ow)

    Options
    -------
    stride, padding, dilation : those of `conv2d`, of the first step

    Source
    ------
    Howard et al. 2017, "MobileNets", section 3.1.

    Examples
    --------
    >>> x, depthwise = gs.asarray([[[1.0, 2.0]], [[3.0, 4.0]]]), gs.asarray([[[[1.0, 1.0]]], [[[1.0, -1.0]]]])
    >>> gs.to_numpy(gs.depthwise_separable_conv2d(x, depthwise, gs.asarray([[1.0, 10.0]])))
    array([[[-7.]]])
    """


@formula(
    ko="공간 분할 합성곱",
    en="Spatially separable convolution",
    tex=r"K = u v^\top \;\Rightarrow\; K \star x = u \star (v^\top \star x)",
    notes=("003#분할 컨볼루션 (공간)",),
    source="Gonzalez & Woods 2018, section 3.4",
    requires=(SAME_AT_STRIDE_1, FITS),
    axes=PLACES,
    differentiable=True,
)
def spatially_separable_conv2d(
    x: Images, column: Annotated[Float[Array, "kh"], NUMBERS], row: Annotated[Float[Array, "kw"], NUMBERS], /,
    *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1,
) -> Float[Array, "*batch c oh ow"]:  # fmt: skip
    """Apply a kernel of rank 1 to every channel: along the rows first, then along the columns.

    Shapes
    ------
    x : (*batch, c, h, w)
    column : (kh,)
    row : (kw,)
    returns : (*batch, c, oh, ow)

    Options
    -------
    stride, padding, dilation : those of `conv2d`

    Source
    ------
    Gonzalez & Woods 2018, "Digital image processing", section 3.4.

    Examples
    --------
    >>> x = gs.asarray([[[1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]])
    >>> sobel = gs.spatially_separable_conv2d(x, gs.asarray([1.0, 2.0, 1.0]), gs.asarray([-1.0, 0.0, 1.0]))
    >>> gs.to_numpy(sobel)
    array([[[12.]]])
    """


@formula(
    ko="평탄화 합성곱",
    en="Flattened convolution",
    tex=r"K_o = \alpha_o \otimes \beta_o \otimes \gamma_o \quad "
    r"(\text{channel} \times \text{vertical} \times \text{horizontal})",
    notes=("003#분할 컨볼루션 (평탄화)",),
    source="Jin, Dundar & Culurciello 2015, eq. 3",
    requires=(SAME_AT_STRIDE_1, FITS),
    axes=PLACES,
    differentiable=True,
)
def flattened_conv2d(
    x: Images, channel: Annotated[Float[Array, "o c"], NUMBERS],
    vertical: Annotated[Float[Array, "o kh"], NUMBERS], horizontal: Annotated[Float[Array, "o kw"], NUMBERS], /,
    *, stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1,
) -> Maps:  # fmt: skip
    """Take every filter apart into three lines: across the channels, down the columns, along the rows.

    Shapes
    ------
    x : (*batch, c, h, w)
    channel : (o, c)
    vertical : (o, kh)
    horizontal : (o, kw)
    returns : (*batch, o, oh, ow)

    Options
    -------
    stride, padding, dilation : those of `conv2d`

    Source
    ------
    Jin, Dundar & Culurciello 2015, "Flattened convolutional neural networks for feedforward acceleration", eq. 3.

    Examples
    --------
    >>> x, one = gs.asarray([[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, 40.0]]]), gs.asarray([[1.0, 1.0]])
    >>> gs.to_numpy(gs.flattened_conv2d(x, one, one, gs.asarray([[-1.0, 1.0]])))
    array([[[22.]]])
    """


@formula(
    ko="집단 합성곱",
    en="Grouped convolution",
    tex=r"y_g = W_g \star x_g, \qquad g = 1, \dots, G",
    notes=("003#집단 컨볼루션", "000#Modern CNN / 1. AlexNet (2 paths)"),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.5",
    requires=(GROUPS, SAME_AT_STRIDE_1, FITS),
    axes=PLACES,
    differentiable=True,
)
def grouped_conv2d(
    x: Images, weight: Filters, bias: Biases | None = None, /,
    *, groups: Positive[int], stride: Steps = 1, padding: Padding = 0, dilation: Steps = 1,
) -> Maps:  # fmt: skip
    """Divide the channels into groups that know nothing of each other, with filters of their own.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight : (o, c // groups, kh, kw)
    bias : (o,) or None
    returns : (*batch, o, oh, ow)

    Options
    -------
    groups : at least 1, a divisor of c and o
    stride, padding, dilation : those of `conv2d`

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.5.

    Examples
    --------
    >>> x, weight = gs.asarray([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), gs.asarray([[1.0, 1.0], [1.0, -1.0]])
    >>> gs.to_numpy(gs.grouped_conv2d(x, weight[..., None, None], groups=2))
    array([[[ 3.]],
    <BLANKLINE>
           [[-1.]]])
    """


@formula(
    ko="채널 섞기",
    en="Channel shuffle",
    tex=r"y_{j g + i} = x_{i \frac{C}{g} + j}, \qquad 0 \le i < g,\ 0 \le j < \tfrac{C}{g}",
    notes=("003#채널 섞기 집단 컨볼루션", "003#SuffleNet"),
    source="Zhang, Zhou, Lin & Sun 2018, section 3.1",
    requires=(("c % groups == 0", "groups that divide the channels"),),
    differentiable=True,
)
def channel_shuffle(x: Images, /, *, groups: Positive[int]) -> Images:
    """Deal the channels out like cards: the first of every group, then the second of every group, and so on.

    Shapes
    ------
    x : (*batch, c, h, w)
    returns : (*batch, c, h, w)

    Options
    -------
    groups : at least 1, a divisor of c

    Source
    ------
    Zhang, Zhou, Lin & Sun 2018, "ShuffleNet", section 3.1.

    Examples
    --------
    >>> x = gs.asarray([[[0.0]], [[1.0]], [[2.0]], [[3.0]], [[4.0]], [[5.0]]])
    >>> gs.to_numpy(gs.channel_shuffle(x, groups=2)[:, 0, 0])
    array([0., 3., 1., 4., 2., 5.])
    """


@formula(
    ko="채널 섞기 집단 합성곱",
    en="Shuffled grouped convolution",
    tex=r"y = \mathrm{GConv}_2\bigl(\mathrm{shuffle}(\mathrm{GConv}_1(x))\bigr)",
    notes=("003#채널 섞기 집단 컨볼루션, Shuffled Grouped Convolution",),
    source="Zhang, Zhou, Lin & Sun 2018, section 3.1",
    requires=(
        ("c % groups == 0 and m % groups == 0 and o % groups == 0", "groups that divide all numbers of channels"),
        ("kh + uh - 1 <= h and kw + uw - 1 <= w", "kernels that together fit into the input"),
    ),
    axes={"oh": "h - kh - uh + 2", "ow": "w - kw - uw + 2"},
    differentiable=True,
)
def shuffled_grouped_conv2d(
    x: Images, weight1: Float[Array, "m c//groups kh kw"], weight2: Float[Array, "o m//groups uh uw"], /,
    *, groups: Positive[int],
) -> Maps:  # fmt: skip
    """Shuffle the channels between two grouped convolutions, so that every group hears from all others.

    Shapes
    ------
    x : (*batch, c, h, w)
    weight1 : (m, c // groups, kh, kw)
    weight2 : (o, m // groups, uh, uw)
    returns : (*batch, o, h - kh - uh + 2, w - kw - uw + 2)

    Options
    -------
    groups : at least 1, a divisor of c, m and o

    Source
    ------
    Zhang, Zhou, Lin & Sun 2018, "ShuffleNet", section 3.1.

    Examples
    --------
    >>> x, ones = gs.asarray([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), gs.asarray([[[[1.0]], [[1.0]]]])
    >>> keep = gs.asarray([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])[..., None, None]
    >>> gs.to_numpy(gs.shuffled_grouped_conv2d(x, keep, keep, groups=2)[:, 0, 0])
    array([1., 3., 2., 4.])
    """


# Cost


@count(
    ko="합성곱의 곱셈-덧셈 수",
    en="Multiply-adds of a convolution",
    tex=r"k_h\, k_w\, \tfrac{C_{in}}{g}\, C_{out}\, O_h\, O_w",
    source="Sze, Chen, Yang & Emer 2017, section III",
)
def conv_multiply_adds(
    x: tuple[int, ...], weight: tuple[int, ...], /,
    *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> int:  # fmt: skip
    """Multiplications of `conv2d` on arrays of these shapes, each with its addition: weights times places.

    Options
    -------
    stride, padding, dilation, groups : those of `conv2d`

    Raises
    ------
    ShapeError, DomainError, DtypeError
        If `conv2d` would.

    Examples
    --------
    >>> conv_multiply_adds((1, 128, 56, 56), (64, 128, 3, 3), padding=1)
    231211008
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    (maps,) = result_shapes(conv2d, x, weight, None, **options)
    assert maps is not None
    return math.prod(maps) * math.prod(weight[1:])


@count(
    ko="표준 합성곱 계산 비용",
    en="Cost of a standard convolution",
    tex=r"D_K \cdot D_K \cdot M \cdot N \cdot D_F \cdot D_F",
    notes=("003#계산 비용",),
    source="Howard et al. 2017, eq. 2",
    errata=(
        Erratum(
            key="width_height",
            place="003#계산 비용",
            stated="$D_F$와 $D_K$를 특징 지도와 커널의 '폭과 넓이'라고 한다.",
            right="폭(너비)과 높이이다. 정사각형이므로 둘이 같다. 넓이는 $D_F^2$과 $D_K^2$이다.",
        ),
        Erratum(
            key="mobilenet_cost",
            place="003#계산 비용",
            stated="표준 합성곱의 비용을 $D_K D_K M D_F D_F D_F$로 적는다.",
            right="$D_K D_K M N D_F D_F$이다. 출력 깊이 $N$이 빠지고 $D_F$가 하나 더 들어갔다.",
            setup="from gongsik.spec.convolution import standard_conv_cost\ndk, m, n, df = 3, 2, 4, 5",
            stated_value="dk * dk * m * df * df * df",
            right_value="standard_conv_cost(dk, m, n, df)",
        ),
    ),
)
def standard_conv_cost(dk: int, m: int, n: int, df: int, /) -> int:
    """Multiply-adds of a dk x dk kernel from m to n channels, on maps of df x df that keep their size.

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> standard_conv_cost(3, 2, 4, 5)
    1800
    """
    _check_ints("standard_conv_cost", 1, dk=dk, m=m, n=n, df=df)
    return dk * dk * m * n * df * df


@count(
    ko="깊이별 분할 합성곱 계산 비용",
    en="Cost of a depthwise separable convolution",
    tex=r"D_K D_K M D_F D_F + M N D_F D_F, \qquad \frac{\text{separable}}{\text{standard}} = \frac1N + \frac1{D_K^2}",
    notes=("003#계산 비용",),
    source="Howard et al. 2017, eq. 5",
)
def depthwise_separable_cost(dk: int, m: int, n: int, df: int, /) -> int:
    """Multiply-adds of a depthwise separable convolution of the same sizes as `standard_conv_cost`.

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> depthwise_separable_cost(3, 2, 4, 5)
    650
    """
    _check_ints("depthwise_separable_cost", 1, dk=dk, m=m, n=n, df=df)
    return dk * dk * m * df * df + m * n * df * df
