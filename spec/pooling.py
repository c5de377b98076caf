"""Pooling: one number in place of a window of an image.

An image is [n c h w]. A window covers `kernel` pixels and moves by `stride` pixels, which is `kernel` itself if it is
`None`; both, and `padding`, are one number for both axes or a pair (vertical, horizontal).
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from annotated_types import Ge
from jaxtyping import Float

from gongsik.spec.array import Array, NonNegative, Pair, Uniform
from gongsik.spec.convolution import conv_output_size
from gongsik.spec.formula import Chapter, Erratum, count, formula, law

CHAPTER = Chapter(ko="풀링", en="Pooling")

Image: TypeAlias = Float[Array, "n c h w"]
Pooled: TypeAlias = Float[Array, "n c oh ow"]
Window: TypeAlias = Annotated[Pair, Ge(1)]
Padding: TypeAlias = Annotated[Pair, Ge(0)]

FITS = (("kernel[0] <= h and kernel[1] <= w", "a kernel no larger than the image"),)
FITS_PADDED = (
    ("2 * padding[0] <= kernel[0] and 2 * padding[1] <= kernel[1]", "padding of at most half the kernel"),
    ("kernel[0] <= h + 2 * padding[0] and kernel[1] <= w + 2 * padding[1]", "a kernel no larger than the padded image"),
)
AXES = {f"o{axis}": f"pool_output_size({axis}, kernel[{i}], stride[{i}])" for i, axis in enumerate("hw")}
PADDED_AXES = {
    f"o{axis}": f"pool_output_size({axis}, kernel[{i}], stride[{i}], padding[{i}])" for i, axis in enumerate("hw")
}


@count(
    ko="풀링 출력 크기",
    en="Pooling output size",
    tex=r"O = \Bigl\lfloor \frac{H + 2p - k}{s} \Bigr\rfloor + 1",
    notes=("001#2. 레이어별 출력 데이터 산정", "000#maxpool2d층 원리"),
    source="Dumoulin & Visin 2016, relationship 7",
)
def pool_output_size(size: int, kernel: int, /, stride: int | None = None, padding: int = 0) -> int:
    """How many windows there are along one axis: as many as places of a kernel in a convolution.

    Options
    -------
    stride : at least 1; None: that of the kernel, so that the windows lie side by side
    padding : at least 0

    Raises
    ------
    DomainError
        If a number is too small, or the window does not fit into the padded image.
    DtypeError
        If a number is no int.

    Examples
    --------
    >>> pool_output_size(4, 2), pool_output_size(5, 2), pool_output_size(55, 3, stride=2)
    (2, 2, 27)
    """
    return conv_output_size(size, kernel, stride=kernel if stride is None else stride, padding=padding)


def windows(size: int, kernel: int, stride: int | None) -> int:
    """`pool_output_size` of numbers that are known to be good, for the check of every call."""
    return (size - kernel) // (kernel if stride is None else stride) + 1


@formula(
    ko="최대값 풀링",
    en="Max pooling",
    tex=r"y_{ij} = \max_{u, v}\, x_{si + u,\, sj + v}",
    notes=("000#maxpool2d층 원리", "001#CNN 기본 구성", "002#Pooling", "003#풀링", "004#Pooling layer"),
    source="Ranzato, Huang, Boureau & LeCun 2007",
    errata=(
        Erratum(
            key="pool_reduces_performance",
            place="000#maxpool2d층 원리",
            stated="특징 지도가 작아져서 성능을 줄이고 특징이 두드러진다.",
            right="줄어드는 것은 뒤따르는 층의 계산량과 메모리이다. 정확도가 떨어진다는 뜻으로 읽으면 안 된다.",
        ),
    ),
    requires=FITS_PADDED,
    axes=PADDED_AXES,
    differentiable=True,
)
def max_pool2d(x: Image, /, *, kernel: Window, stride: Window | None = None, padding: Padding = 0) -> Pooled:
    """Take the largest value of every window; padding is minus infinity and never the largest.

    NaN is larger than every number. Among equals the first one, row by row, gets the gradient.

    Shapes
    ------
    x : (n, c, h, w)
    returns : (n, c, oh, ow) with oh = pool_output_size(h, ...)

    Options
    -------
    kernel : at least 1, height and width of a window
    stride : at least 1, steps between windows; None: the kernel
    padding : from 0 to half the kernel

    Source
    ------
    Ranzato, Huang, Boureau & LeCun 2007, "Unsupervised learning of invariant feature hierarchies", section 2.

    Examples
    --------
    >>> x = gs.asarray([[1.0, 1.0, 2.0, 4.0], [5.0, 6.0, 7.0, 8.0], [3.0, 2.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]])
    >>> gs.to_numpy(gs.max_pool2d(x[None, None], kernel=2))[0, 0]
    array([[6., 8.],
           [3., 4.]])
    """
    ...


@formula(
    kind="algorithm",
    ko="블록 최대값 풀링 코드",
    en="Block max pooling by reshape",
    tex=r"y = \max_{1,3}\ \mathrm{reshape}_{M_K \times K \times N_L \times L}\bigl(x_{:M_K K,\, :N_L L}\bigr), \qquad "
    r"M_K = \lfloor M/K \rfloor,\ N_L = \lfloor N/L \rfloor",
    notes=("003#풀링 (maxPooling code)",),
    source="Ranzato, Huang, Boureau & LeCun 2007",
    requires=(("kernel[0] <= m and kernel[1] <= n", "a kernel no larger than the matrix"),),
    axes={"mk": "m // kernel[0]", "nl": "n // kernel[1]"},
    differentiable=True,
)
def block_max_pool(x: Float[Array, "m n"], /, *, kernel: Window) -> Float[Array, "mk nl"]:
    """Take the largest value of every block of a matrix, which is only looked at in another shape, not copied.

    Rows and columns that fill no block are dropped. The same as `max_pool2d` of one channel with its default stride.

    Shapes
    ------
    x : (m, n)
    returns : (m // K, n // L)

    Options
    -------
    kernel : at least 1, height K and width L of a block

    Source
    ------
    Ranzato, Huang, Boureau & LeCun 2007, "Unsupervised learning of invariant feature hierarchies", section 2.

    Examples
    --------
    >>> x = gs.asarray([[1.0, 1.0, 2.0, 4.0, 9.0], [5.0, 6.0, 7.0, 8.0, 9.0], [3.0, 2.0, 1.0, 0.0, 9.0]])
    >>> gs.to_numpy(gs.block_max_pool(x, kernel=2))
    array([[6., 8.]])
    """
    ...


@formula(
    ko="평균값 풀링",
    en="Average pooling",
    tex=r"y_{ij} = \frac{1}{k^2} \sum_{u, v} x_{si + u,\, sj + v}",
    notes=("000#maxpool2d층 원리", "003#풀링"),
    source="LeCun et al. 1990",
    requires=FITS_PADDED,
    axes=PADDED_AXES,
    differentiable=True,
)
def avg_pool2d(
    x: Image, /, *, kernel: Window, stride: Window | None = None, padding: Padding = 0, count_include_pad: bool = True
) -> Pooled:
    """Average every window; padding is 0.

    Shapes
    ------
    x : (n, c, h, w)
    returns : (n, c, oh, ow) with oh = pool_output_size(h, ...)

    Options
    -------
    kernel : at least 1, height and width of a window
    stride : at least 1, steps between windows; None: the kernel
    padding : from 0 to half the kernel
    count_include_pad : whether the zeros of the padding count, or the mean is over the pixels of the image alone

    Source
    ------
    LeCun et al. 1990, "Handwritten digit recognition with a back-propagation network", section 3.

    Examples
    --------
    >>> gs.to_numpy(gs.avg_pool2d(gs.asarray([[[[1.0, 3.0, 2.0, 4.0], [5.0, 7.0, 6.0, 8.0]]]]), kernel=2))
    array([[[[4., 5.]]]])
    """
    ...


@formula(
    kind="algorithm",
    ko="확률적 풀링(학습)",
    en="Stochastic pooling (training)",
    tex=r"p_i = \frac{a_i}{\sum_{k \in R} a_k}, \qquad y = a_l, \quad "
    r"l = \min \Bigl\{ j : \sum_{i \le j} a_i > u \sum_{i \in R} a_i \Bigr\}, \quad u \sim \mathrm{U}[0, 1)",
    notes=("003#풀링 (확률적)",),
    source="Zeiler & Fergus 2013, eq. 4-5",
    errata=(
        Erratum(
            key="stochastic_pool_domain",
            place="003#풀링 (확률적)",
            stated="블록의 원소가 크기에 비례하는 확률로 뽑힌다. 어떤 값에서 그런지는 말하지 않는다.",
            right="음수가 없고 합이 양수인 창에서만 확률이 된다. 그래서 ReLU 다음에 쓴다. 모두 0인 창의 결과는 0으로 "
            "정한다.",
            setup="a = np.array([1.0, -1.0, 2.0, 0.0])",
            stated_value="float((a / a.sum()).min())",
            right_value="float((gs.relu(a) / gs.relu(a).sum()).min())",
        ),
    ),
    requires=FITS,
    axes=AXES,
    stochastic=True,
    differentiable=("x",),
)
def stochastic_pool2d(
    x: NonNegative[Image],
    uniform: Annotated[
        Float[Array, "n c windows(h,kernel[0],stride[0]) windows(w,kernel[1],stride[1])"],
        Uniform,
    ],
    /, *, kernel: Window, stride: Window | None = None,
) -> Pooled:  # fmt: skip
    """Draw one value of every window, with a probability proportional to the value.

    The window is read row by row, and the first element is taken at which the cumulative sum exceeds u times the whole
    sum; so an element 0 is never taken, unless all are 0: then the result is 0. NaN or infinity makes NaN.
    The gradient goes to the element that was taken.

    Shapes
    ------
    x : (n, c, h, w), at least 0
    uniform : (n, c, oh, ow), in [0, 1]: one draw per window, of which 1 takes the last element
    returns : (n, c, oh, ow) with oh = pool_output_size(h, ...)

    Options
    -------
    kernel : at least 1, height and width of a window
    stride : at least 1, steps between windows; None: the kernel

    Source
    ------
    Zeiler & Fergus 2013, "Stochastic pooling for regularization of deep convolutional neural networks", eq. 4-5.

    Examples
    --------
    >>> x = gs.asarray([[[[1.0, 3.0], [0.0, 4.0]]]])  # cumulative sums 1, 4, 4, 8
    >>> [float(gs.stochastic_pool2d(x, gs.asarray([[[[u]]]]), kernel=2)[0, 0, 0, 0]) for u in (0.0, 0.125, 0.5)]
    [1.0, 3.0, 4.0]
    """
    ...


@formula(
    ko="확률적 풀링(추론)",
    en="Stochastic pooling (inference)",
    tex=r"y = \sum_i p_i a_i = \frac{\sum_i a_i^2}{\sum_i a_i}",
    notes=("003#풀링 (확률적)",),
    source="Zeiler & Fergus 2013, eq. 6",
    requires=FITS,
    axes=AXES,
    differentiable=True,
)
def stochastic_pool2d_inference(x: NonNegative[Image], /, *, kernel: Window, stride: Window | None = None) -> Pooled:
    """Weight every value of a window by its probability in training: what `stochastic_pool2d` gives on average.

    A window of zeros gives 0, with derivative 0.

    Shapes
    ------
    x : (n, c, h, w), at least 0
    returns : (n, c, oh, ow) with oh = pool_output_size(h, ...)

    Options
    -------
    kernel : at least 1, height and width of a window
    stride : at least 1, steps between windows; None: the kernel

    Source
    ------
    Zeiler & Fergus 2013, "Stochastic pooling for regularization of deep convolutional neural networks", eq. 6.

    Examples
    --------
    >>> gs.to_numpy(gs.stochastic_pool2d_inference(gs.asarray([[[[1.0, 3.0], [0.0, 4.0]]]]), kernel=2))
    array([[[[3.25]]]])
    """
    ...


@formula(
    ko="전역 평균 풀링",
    en="Global average pooling",
    tex=r"z_c = \frac{1}{HW} \sum_{i, j} u_c(i, j)",
    notes=("003#SE 블록 (squeeze)",),
    source="Lin, Chen & Yan 2014, section 3.2",
    differentiable=True,
)
def global_avg_pool2d(x: Image, /) -> Float[Array, "n c"]:
    """Average every channel over the whole image: the size of the result does not depend on that of the image.

    Shapes
    ------
    x : (n, c, h, w)
    returns : (n, c)

    Source
    ------
    Lin, Chen & Yan 2014, "Network in network", section 3.2.

    Examples
    --------
    >>> gs.to_numpy(gs.global_avg_pool2d(gs.asarray([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]])))
    array([[3., 1.]])
    """
    ...


overlapping_pool = law(
    "pooling.overlapping_pool",
    ko="겹침 풀링",
    en="Overlapping pooling",
    tex=r"s < k\ (k = 3,\ s = 2), \qquad 55 \to 27 \to 13 \to 6",
    notes=("000#Modern CNN / 1. AlexNet",),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.4",
)

local_shift_invariance = law(
    "pooling.local_shift_invariance",
    ko="국소 이동 불변성",
    en="Local shift invariance of max pooling",
    tex=r"\max\ \text{in the same window} \Rightarrow y\ \text{unchanged}",
    notes=("002#Pooling", "003#풀링", "004#Pooling layer", "000#maxpool2d층 원리"),
    source="Boureau, Ponce & LeCun 2010",
)


@formula(
    ko="LeNet 학습형 풀링",
    en="Trainable subsampling (LeNet)",
    tex=r"y_c = \sigma\Bigl(w_c \sum_{u, v} x_{c,\, ki + u,\, kj + v} + b_c\Bigr), \quad k = 2",
    notes=("003#LeNet",),
    source="LeCun, Bottou, Bengio & Haffner 1998, section II.B",
    requires=FITS,
    axes={"oh": "h // kernel[0]", "ow": "w // kernel[1]"},
    differentiable=True,
)
def trainable_subsampling(
    x: Image, weight: Float[Array, "c"], bias: Float[Array, "c"], /, *, kernel: Window = 2
) -> Pooled:
    """Add up every block, scale and shift the sum by two numbers per channel that are learned, and squash it.

    Shapes
    ------
    x : (n, c, h, w)
    weight, bias : (c,)
    returns : (n, c, h // kh, w // kw)

    Options
    -------
    kernel : at least 1, height and width of a block

    Source
    ------
    LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition", section II.B.

    Examples
    --------
    >>> x, weight, bias = gs.asarray([[[[1.0, 2.0], [3.0, 6.0]]]]), gs.asarray([0.25]), gs.asarray([-3.0])
    >>> gs.to_numpy(gs.trainable_subsampling(x, weight, bias))
    array([[[[0.5]]]])
    """
    ...


@count(
    ko="풀링층의 파라미터 수",
    en="Pooling has no parameters",
    tex=r"\#\theta = 0",
    notes=("000#Convolution Arithmetic",),
    errata=(
        Erratum(
            key="pooling_two_gpu_note",
            place="000#Convolution Arithmetic",
            stated="최대값 풀링층은 메모리 때문에 둘로 나누어 학습하는 층이니, 나눈 수만큼 파라미터 수에 곱한다.",
            right="풀링층에는 학습할 파라미터가 없으니 몇을 곱해도 0이다. 곱하는 2는 합성곱층과 완전 연결층을 "
            "GPU 두 대에 나눈 AlexNet의 것이다.",
        ),
    ),
)
def no_parameters(pool: Callable[..., Any], /, channels: int = 1) -> int:
    """How many numbers a pooling layer has to learn: those that its declaration takes beside the image and the draws.

    Examples
    --------
    >>> no_parameters(max_pool2d, 96), no_parameters(trainable_subsampling, 6)
    (0, 12)
    """
    learned = [a for a in pool.formula.positional if a.name not in ("x", "uniform")]  # pyright: ignore[reportFunctionMemberAccess]
    return channels * len(learned)
