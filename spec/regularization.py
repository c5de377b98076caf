"""Regularization: what makes a model do worse on the training data so that it does better on data it has not seen.

The first half adds a penalty or stops in time, the second half changes what the model sees. An image's last two axes
are its height and width; where channels matter they are the axis before. Pixels are numbers, mostly from 0 to 1.

What is drawn is an argument. A uniform draw u drops a unit with probability p: the unit is kept where u >= p, and p = 1
drops all of them. (A draw from [0, 1) may round to 1 in a narrower format, so 1 is allowed.) Where something happens in
an image is given by integers, as `gongsik.Draws.integers` makes them: nothing is rounded then, in any format.
"""

from typing import Annotated, Any, NamedTuple, TypeAlias

from annotated_types import Ge
from jaxtyping import Bool, Float, Int

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import Array, Labels, NonNegative, Pair, Params, Probability, Simplex, Uniform
from gongsik.spec.errors import DomainError
from gongsik.spec.formula import Chapter, Erratum, formula, law

CHAPTER = Chapter(ko="규제화", en="Regularization")

Scalar: TypeAlias = Float[Array, ""]
Images: TypeAlias = Float[Array, "n *channels h w"]
Draws: TypeAlias = Annotated[Float[Array, "*shape"], Uniform]
Size: TypeAlias = Annotated[Pair, Ge(0)]


class EarlyStoppingState(NamedTuple):
    """State of `early_stopping`: losses seen, the smallest of them, and which one that was, counted from 1."""

    step: Annotated[Int[Array, ""], Ge(0)]
    best: Float[Array, ""]
    best_step: Annotated[Int[Array, ""], Ge(0)]


# A price on large weights


@formula(
    ko="규제화 목적 함수",
    en="Regularised objective",
    tex=r"J(\theta) = \mathrm{loss}(\theta) + \lambda\, \Omega(\theta)",
    notes=("003#규제화 기법, regulaization", "004#Regularization"),
    source="Goodfellow, Bengio & Courville 2016, eq. 7.1",
    differentiable=True,
)
def regularized_objective(loss: Scalar, penalty: Scalar, /, *, strength: NonNegative[float] = 1e-2) -> Scalar:
    """Add a penalty to a loss: what training then makes small is a compromise of both.

    Shapes
    ------
    loss, penalty : ()
    returns : ()

    Options
    -------
    strength : at least 0; lambda, what a unit of the penalty costs. 0 is the bare loss

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep learning", eq. 7.1.

    Examples
    --------
    >>> float(gs.regularized_objective(gs.asarray(2.0), gs.asarray(6.0), strength=0.5))
    5.0
    """


@formula(
    ko="파라미터 노름 벌점(L2)",
    en="Parameter norm penalty (L2)",
    tex=r"\Omega(W) = \frac{\alpha}{2} \lVert W \rVert_2^2, \qquad \nabla \Omega = \alpha W",
    notes=("000#math 7", "000#Parameter Norm Penalty", "001#Parameter norm penalty", "003#규제화 기법 (릿지)",
           "004#Ridge Regression(L2 정규화)"),
    source="Hoerl & Kennard 1970; Goodfellow, Bengio & Courville 2016, eq. 7.2",
    errata=(
        Erratum(
            key="penalty_of_sum",
            place="000#Parameter Norm Penalty",
            stated="파라미터들의 합이 너무 커지는 것을 막는다.",
            right="막는 것은 제곱의 합이다. 그냥 합은 0이어도 벌점은 얼마든지 클 수 있다.",
            setup="W = np.array([1000.0, -1000.0])",
            stated_value="float(W.sum())",
            right_value="float(gs.l2_penalty(W))",
        ),
    ),
    differentiable=True,
)  # fmt: skip
def l2_penalty(params: Params, /, *, strength: NonNegative[float] = 1.0) -> Scalar:
    """Half the sum of the squares of all parameters, times a strength: the gradient is the parameters themselves.

    Shapes
    ------
    params : any tree of arrays
    returns : ()

    Options
    -------
    strength : at least 0; alpha

    Source
    ------
    Hoerl & Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems"; Goodfellow, Bengio &
    Courville 2016, "Deep learning", eq. 7.2.

    Examples
    --------
    >>> params = {"weight": gs.asarray([[1.0, -2.0]]), "bias": gs.asarray([3.0])}
    >>> float(gs.l2_penalty(params, strength=0.5))
    3.5
    """


@formula(
    ko="L1 벌점",
    en="L1 penalty",
    tex=r"\Omega(W) = \lambda \lVert W \rVert_1 = \lambda \sum_j |W_j|, "
    r"\qquad \partial \Omega = \lambda \operatorname{sign}(W)",
    notes=("003#규제화 기법 (라소)", "004#Lasso Regression(L1 정규화)"),
    source="Tibshirani 1996",
    differentiable=True,
)  # fmt: skip
def l1_penalty(params: Params, /, *, strength: NonNegative[float] = 1.0) -> Scalar:
    """Sum of the absolute values of all parameters, times a strength. The derivative at 0 is taken as 0.

    Shapes
    ------
    params : any tree of arrays
    returns : ()

    Options
    -------
    strength : at least 0; lambda

    Source
    ------
    Tibshirani 1996, "Regression shrinkage and selection via the lasso".

    Examples
    --------
    >>> params = {"weight": gs.asarray([[1.0, -2.0]]), "bias": gs.asarray([3.0])}
    >>> float(gs.l1_penalty(params, strength=0.5))
    3.0
    """


@formula(
    ko="가중치 감소",
    en="Weight decay",
    tex=r"W \leftarrow (1 - \eta\lambda)\, W - \eta\, g",
    notes=("001#01강 (Weight decay)", "001#Parameter norm penalty (= weight decay)"),
    source="Hanson & Pratt 1988, eq. 2; Loshchilov & Hutter 2019, eq. 1",
    errata=(
        Erratum(
            key="weight_decay_equals_l2",
            place="001#Parameter norm penalty (= weight decay)",
            stated="노름 벌점과 가중치 감소는 같다.",
            right="SGD에서만 같다. Adam처럼 가중치마다 걸음을 맞추는 방법에서는 벌점의 기울기까지 나누어지므로 다르다. "
            "$w = 1$, 손실의 기울기 0, $\\eta = 0.001$, $\\lambda = 0.1$에서 한 걸음 뒤를 견주면 안다.",
            setup="w = np.array(1.0)\nslope = gs.value_and_grad(lambda w: gs.l2_penalty(w, strength=0.1))(w)[1]",
            stated_value="round(float(gs.adam(w, slope, lr=1e-3)[0]), 6)",
            right_value="round(float(gs.adamw(w, 0 * w, lr=1e-3, weight_decay=0.1)[0]), 6)",
        ),
    ),
    kind="algorithm",
)
def weight_decay(
    param: Params, grad: Params, /, *, lr: NonNegative[float] = 1e-3, weight_decay: NonNegative[float] = 1e-2
) -> Params:
    """Shrink every parameter by a factor, then move it against its gradient.

    Shapes
    ------
    param, grad : the same tree of arrays
    returns : the new parameters, the same tree

    Options
    -------
    lr : at least 0; the learning rate, eta
    weight_decay : at least 0; lambda. 0 is `gradient_descent`

    Source
    ------
    Hanson & Pratt 1988, "Comparing biases for minimal network construction with back-propagation", eq. 2; Loshchilov &
    Hutter 2019, "Decoupled weight decay regularization", eq. 1.

    Examples
    --------
    >>> param, grad = gs.asarray([1.0, -4.0]), gs.asarray([1.0, 0.0])
    >>> gs.to_numpy(gs.weight_decay(param, grad, lr=0.5, weight_decay=0.5))
    array([ 0.25, -3.  ])
    """
    ...


# Stopping in time


@formula(
    ko="조기 종료",
    en="Early stopping",
    tex=r"t^\star = \arg\min_t L_{val}(t), \qquad \text{stop once}\ t - t^\star \ge p",
    notes=("000#Early Stopping", "001#Earlystopping", "001#01강"),
    source="Prechelt 1998; Goodfellow, Bengio & Courville 2016, algorithm 7.1",
    errata=(
        Erratum(
            key="early_stopping_gap",
            place="000#Early Stopping",
            stated="검증 오차와 훈련 오차의 차이(generalization gap)가 가장 작을 때 멈춘다.",
            right="검증 오차가 가장 작을 때 멈춘다. 차이는 아직 아무것도 배우지 않은 처음에 가장 작기 쉽다.",
            setup="train, val = np.array([1.0, 0.55, 0.4, 0.3]), np.array([1.0, 0.6, 0.5, 0.55])\n"
            "state = None\nfor loss in val:\n    stop, state = gs.early_stopping(loss, state, patience=1)",
            stated_value="int(np.argmin(val - train))",
            right_value="int(state.best_step) - 1",
        ),
    ),
    kind="algorithm",
)
def early_stopping(
    loss: Scalar, state: EarlyStoppingState | None = None, /,
    *, patience: Annotated[int, Ge(1)] | None = 10, min_delta: NonNegative[float] = 0.0,
) -> tuple[Bool[Array, ""], EarlyStoppingState]:  # fmt: skip
    """Say whether to stop, after one more loss on data that are not trained on; remember when it was smallest.

    NaN is no improvement. Whoever stops goes back to the parameters of step `state.best_step`.

    Shapes
    ------
    loss : (); the validation loss of this epoch
    returns : whether `patience` losses in a row have not improved on the best one, (), and the new state

    Options
    -------
    patience : at least 1; how many losses without improvement it takes. None: never stop
    min_delta : at least 0; a loss improves on the best one if it is smaller by more than this

    Source
    ------
    Prechelt 1998, "Early stopping - but when?"; Goodfellow, Bengio & Courville 2016, "Deep learning", algorithm 7.1.

    Examples
    --------
    >>> state = None
    >>> for loss in (3.0, 1.0, 2.0, 2.0):
    ...     stop, state = gs.early_stopping(gs.asarray(loss), state, patience=2)
    >>> bool(stop), int(state.best_step), float(state.best)
    (True, 2, 1.0)
    """
    ...


# Other pictures with the same label


@formula(
    ko="좌우 반전",
    en="Horizontal flip",
    tex=r"y_{c, i, j} = x_{c, i, W - 1 - j}",
    notes=("000#Data Augmentation", "004#Data Augmentation"),
    source="Krizhevsky, Sutskever & Hinton 2012, section 4.1",
    kind="algorithm",
    differentiable=True,
)
def horizontal_flip(x: Float[Array, "*batch h w"], /) -> Float[Array, "*batch h w"]:
    """Exchange left and right.

    Shapes
    ------
    x : (*batch, h, w)
    returns : (*batch, h, w)

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 4.1.

    Examples
    --------
    >>> gs.to_numpy(gs.horizontal_flip(gs.asarray([[1.0, 2.0], [3.0, 4.0]])))
    array([[2., 1.],
           [4., 3.]])
    """


@formula(
    ko="상하 반전",
    en="Vertical flip",
    tex=r"y_{c, i, j} = x_{c, H - 1 - i, j}",
    notes=("004#Data Augmentation",),
    source="Shorten & Khoshgoftaar 2019",
    kind="algorithm",
    differentiable=True,
)
def vertical_flip(x: Float[Array, "*batch h w"], /) -> Float[Array, "*batch h w"]:
    """Exchange top and bottom.

    Shapes
    ------
    x : (*batch, h, w)
    returns : (*batch, h, w)

    Source
    ------
    Shorten & Khoshgoftaar 2019, "A survey on image data augmentation for deep learning".

    Examples
    --------
    >>> gs.to_numpy(gs.vertical_flip(gs.asarray([[1.0, 2.0], [3.0, 4.0]])))
    array([[3., 4.],
           [1., 2.]])
    """


@formula(
    ko="회전",
    en="Rotation",
    tex=r"y(p) = x(R_{-\phi}\, p), \qquad \phi = k \cdot 90^\circ:\ y_{i, j} = x_{j, W - 1 - i}\ (k = 1)",
    notes=("004#Data Augmentation",),
    source="Simard, Steinkraus & Platt 2003",
    kind="algorithm",
    differentiable=True,
    axes={"oh": "w if quarter_turns % 2 else h", "ow": "h if quarter_turns % 2 else w"},
)
def rotate(x: Float[Array, "*batch h w"], /, *, quarter_turns: int = 1) -> Float[Array, "*batch oh ow"]:
    """Turn an image by multiples of 90 degrees, counterclockwise: no pixel is interpolated, none is lost.

    Shapes
    ------
    x : (*batch, h, w)
    returns : (*batch, h, w), or (*batch, w, h) after an odd number of quarter turns

    Options
    -------
    quarter_turns : how many; below 0, clockwise

    Source
    ------
    Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual document
    analysis".

    Examples
    --------
    >>> gs.to_numpy(gs.rotate(gs.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])))
    array([[3., 6.],
           [2., 5.],
           [1., 4.]])
    """


@formula(
    ko="이동",
    en="Translation",
    tex=r"y_{i, j} = x_{i - a, j - b}, \qquad \text{and}\ v\ \text{where that is outside}",
    notes=("004#Data Augmentation",),
    source="Simard, Steinkraus & Platt 2003",
    kind="algorithm",
    differentiable=True,
)
def translate(x: Float[Array, "*batch h w"], /, *, shift: Pair = 0, fill: float = 0.0) -> Float[Array, "*batch h w"]:
    """Move an image down and to the right. What leaves it is lost.

    Shapes
    ------
    x : (*batch, h, w)
    returns : (*batch, h, w)

    Options
    -------
    shift : pixels, (down, right) or one number for both; below 0, up and to the left
    fill : what comes in

    Source
    ------
    Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual document
    analysis".

    Examples
    --------
    >>> gs.to_numpy(gs.translate(gs.asarray([[1.0, 2.0], [3.0, 4.0]]), shift=(1, 0), fill=9.0))
    array([[9., 9.],
           [1., 2.]])
    """


@formula(
    ko="잘라내기",
    en="Random crop",
    tex=r"y = x_{:,\, i : i + h',\, j : j + w'}, \qquad i \sim U\{0, \dots, H - h'\},\ j \sim U\{0, \dots, W - w'\}",
    notes=("004#Data Augmentation",),
    source="Krizhevsky, Sutskever & Hinton 2012, section 4.1",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
    requires=(("size[0] <= h and size[1] <= w", "a crop no larger than the image"),),
    axes={"oh": "size[0]", "ow": "size[1]"},
)
def random_crop(
    x: Images, top: Int[Array, "n"], left: Int[Array, "n"], /, *, size: Annotated[Pair, Ge(1)] = 32
) -> Float[Array, "n *channels oh ow"]:
    """Cut a window out of every image, each at a place of its own.

    Shapes
    ------
    x : (n, *channels, h, w)
    top, left : (n,); the first row and column of each window, uniform on 0, ..., h - oh and 0, ..., w - ow
    returns : (n, *channels, oh, ow)

    Options
    -------
    size : at least 1; (oh, ow) or one number for both

    Raises
    ------
    DomainError
        If a window is larger than the image, or reaches beyond its border.

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 4.1.

    Examples
    --------
    >>> x = gs.asarray([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]])
    >>> gs.to_numpy(gs.random_crop(x, gs.asarray([1]), gs.asarray([0]), size=2))
    array([[[4., 5.],
            [7., 8.]]])
    """
    ...


def check_windows(adapter: ArrayAdapter, x: Any, top: Any, left: Any, size: tuple[int, int]) -> None:
    """That all windows of `random_crop` lie in the image.

    Raises
    ------
    DomainError
        If one reaches beyond the border.
    """
    for name, first, whole, part in zip(("top", "left"), (top, left), x.shape[-2:], size, strict=True):
        if not adapter.inside(first, 0, whole - part, False, False):
            raise DomainError(
                f"random_crop: {name} has a value that is not in [0, {whole - part}], for {part} of {whole} pixels"
            )


@formula(
    ko="흑백 변환",
    en="Grayscale",
    tex=r"Y = 0.299\, R + 0.587\, G + 0.114\, B",
    notes=("000#Data Augmentation",),
    source="ITU-R BT.601-7, section 2.5.1",
    differentiable=True,
)
def to_grayscale(x: Float[Array, "*batch 3 h w"], /) -> Float[Array, "*batch 1 h w"]:
    """Weigh red, green and blue as the eye does, and keep their sum.

    Shapes
    ------
    x : (*batch, 3, h, w)
    returns : (*batch, 1, h, w)

    Source
    ------
    ITU-R BT.601-7, "Studio encoding parameters of digital television", section 2.5.1.

    Examples
    --------
    >>> gs.to_numpy(gs.to_grayscale(gs.asarray([[[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]]])))
    array([[[0.299, 0.701]]])
    """


@formula(
    ko="색상 변화",
    en="Colour jitter",
    tex=r"y = \mathrm{clip}\bigl(c\, x + (1 - c)\, \bar x + b,\ 0,\ 1\bigr), \qquad "
    r"c \sim U[1 - C, 1 + C],\ b \sim U[-B, B]",
    notes=("004#Data Augmentation",),
    source="Howard 2014, section 2.2",
    kind="algorithm",
    stochastic=True,
    nonempty=True,
    differentiable=("x",),
)
def color_jitter(
    x: Images, uniform: Annotated[Float[Array, "n 2"], Uniform], /,
    *, brightness: Annotated[float, Probability] = 0.2, contrast: Annotated[float, Probability] = 0.2,
) -> Images:  # fmt: skip
    """Stretch every image about its mean and shift it, then cut off what leaves [0, 1].

    Shapes
    ------
    x : (n, *channels, h, w), in [0, 1]; its mean is over all pixels and channels
    uniform : (n, 2), uniform draws u and v: c = 1 + contrast (2u - 1), b = brightness (2v - 1)
    returns : (n, *channels, h, w), in [0, 1]

    Options
    -------
    brightness : in [0, 1]; the largest shift, B
    contrast : in [0, 1]; the largest change of the factor, C

    Source
    ------
    Howard 2014, "Some improvements on deep convolutional neural network based image classification", section 2.2.

    Examples
    --------
    >>> x, draws = gs.asarray([[[0.25, 0.75]], [[0.25, 0.75]]]), gs.asarray([[1.0, 0.5], [0.5, 1.0]])
    >>> gs.to_numpy(gs.color_jitter(x, draws, brightness=0.5, contrast=0.5))
    array([[[0.125, 0.875]],
    <BLANKLINE>
           [[0.75 , 1.   ]]])
    """


label_preserving = law(
    "regularization.label_preserving",
    ko="라벨 보존 변환",
    en="Augmentation must preserve the label",
    tex=r"y(T(x)) = y(x)",
    notes=("001#Data augmentation",),
    source="Goodfellow, Bengio & Courville 2016, section 7.4",
)


# Noise


@formula(
    ko="입력 잡음",
    en="Input noise injection",
    tex=r"\tilde x = x + \epsilon, \quad \epsilon \sim \mathcal N(0, \sigma^2 I)",
    notes=("000#Noise Robustness", "001#Noise robustness", "004#Data Augmentation"),
    source="Bishop 1995",
    errata=(
        Erratum(
            key="noise_unexplained",
            place="001#Noise robustness",
            stated="잡음을 넣으면 왜 잘되는지는 아직 설명되지 않았다.",
            right="선형 모델과 제곱 손실에서는 릿지와 정확히 같다: "
            "$\\mathbb E\\,(w(x + \\epsilon) - y)^2 = (wx - y)^2 + \\sigma^2 w^2$. 잡음이 작으면 매끄러운 모델에서도 "
            "근사로 성립한다. $w = 2$, $x = y = 1$, $\\sigma = 0.5$에서 평균 손실이 1에서 2로 는다.",
            setup="w, x, y = 2.0, np.ones(2), 1.0\nboth_signs = np.array([1.0, -1.0])",
            stated_value="float(((w * x - y) ** 2).mean())",
            right_value="float(((w * gs.input_noise(x, both_signs, std=0.5) - y) ** 2).mean())",
        ),
    ),
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def input_noise(
    x: Float[Array, "*shape"], normal: Float[Array, "*shape"], /, *, std: NonNegative[float] = 0.1
) -> Float[Array, "*shape"]:
    """Add normal noise to the input: the model must not depend on what the noise can change.

    Shapes
    ------
    x : (*shape)
    normal : (*shape), standard normal draws
    returns : (*shape)

    Options
    -------
    std : at least 0; sigma, the standard deviation of the noise

    Source
    ------
    Bishop 1995, "Training with noise is equivalent to Tikhonov regularization".

    Examples
    --------
    >>> gs.to_numpy(gs.input_noise(gs.asarray([1.0, 2.0]), gs.asarray([0.5, -1.0]), std=2.0))
    array([2., 0.])
    """


@formula(
    ko="가중치 잡음",
    en="Weight noise injection",
    tex=r"\tilde W = W + \epsilon, \quad \epsilon \sim \mathcal N(0, \sigma^2 I)",
    notes=("000#Noise Robustness", "001#Noise robustness"),
    source="Murray & Edwards 1994; Goodfellow, Bengio & Courville 2016, section 7.5",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def weight_noise(params: Params, normal: Params, /, *, std: NonNegative[float] = 0.1) -> Params:
    """Add normal noise to the parameters for one step: training then looks for flat ground.

    Shapes
    ------
    params : any tree of arrays
    normal : the same tree, standard normal draws
    returns : the same tree

    Options
    -------
    std : at least 0; sigma, the standard deviation of the noise

    Source
    ------
    Murray & Edwards 1994, "Enhanced MLP performance and fault tolerance resulting from synaptic weight noise during
    training"; Goodfellow, Bengio & Courville 2016, "Deep learning", section 7.5.

    Examples
    --------
    >>> noisy = gs.weight_noise({"w": gs.asarray([1.0, 2.0])}, {"w": gs.asarray([1.0, -1.0])}, std=0.5)
    >>> gs.to_numpy(noisy["w"])
    array([1.5, 1.5])
    """


# Softer labels, mixed samples


@formula(
    ko="라벨 스무딩",
    en="Label smoothing",
    tex=r"y' = (1 - \epsilon)\, y + \frac{\epsilon}{K}",
    notes=("000#Label Smoothing", "001#Label smoothing"),
    source="Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2016, section 7",
    errata=(
        Erratum(
            key="label_smoothing_is_not_mixup",
            place="000#Label Smoothing",
            stated="라벨 스무딩은 데이터 둘을 뽑아 섞는 방법이고, Mixup과 CutMix가 그 예이다.",
            right="둘을 섞는 것은 Mixup이다. 라벨 스무딩은 표본 하나의 원-핫 정답을 무르게 할 뿐, "
            "다른 표본을 쓰지 않는다.",
            setup="x, y, lam = np.zeros((2, 1)), np.eye(4)[[0, 1]], np.full(2, 0.9)",
            stated_value="gs.mixup(x, y, lam, np.array([1, 0]))[1][0].round(3)",
            right_value="gs.label_smoothing(y, eps=0.1)[0].round(3)",
        ),
    ),
    differentiable=True,
)
def label_smoothing(
    target: Annotated[Float[Array, "*batch k"], Simplex()], /, *, eps: Annotated[float, Probability] = 0.1
) -> Annotated[Float[Array, "*batch k"], Simplex()]:
    """Move a share of every target to the uniform distribution.

    Shapes
    ------
    target : (*batch, k), each row a distribution
    returns : (*batch, k), each row a distribution

    Options
    -------
    eps : in [0, 1]; the share. 0 changes nothing, 1 forgets the target

    Source
    ------
    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna 2016, "Rethinking the inception architecture for computer vision",
    section 7.

    Examples
    --------
    >>> gs.to_numpy(gs.label_smoothing(gs.asarray([1.0, 0.0, 0.0, 0.0]), eps=0.5))
    array([0.625, 0.125, 0.125, 0.125])
    """


@formula(
    ko="믹스업",
    en="Mixup",
    tex=r"\tilde x = \lambda x_i + (1 - \lambda) x_j, \qquad \tilde y = \lambda y_i + (1 - \lambda) y_j, \qquad "
    r"\lambda \sim \mathrm{Beta}(\alpha, \alpha)",
    notes=("000#소개", "000#Label Smoothing", "001#01강", "001#Label smoothing"),
    source="Zhang, Cisse, Dauphin & Lopez-Paz 2018, section 2",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def mixup(
    x: Float[Array, "n *features"],
    target: Annotated[Float[Array, "n k"], Simplex()],
    lam: Annotated[Float[Array, "n"], Probability],
    permutation: Annotated[Int[Array, "n"], Labels("n")],
    /,
) -> tuple[Float[Array, "n *features"], Annotated[Float[Array, "n k"], Simplex()]]:
    """Replace every sample and its target by a point on the line to another sample and its target.

    Shapes
    ------
    x : (n, *features)
    target : (n, k), each row a distribution
    lam : (n,), in [0, 1]; the share of each sample itself, in the paper one draw of Beta(alpha, alpha) per batch
    permutation : (n,); the partner of each sample
    returns : the mixed samples, (n, *features), and targets, (n, k)

    Source
    ------
    Zhang, Cisse, Dauphin & Lopez-Paz 2018, "mixup: beyond empirical risk minimization", section 2.

    Examples
    --------
    >>> x, target = gs.asarray([[0.0], [8.0]]), gs.asarray([[1.0, 0.0], [0.0, 1.0]])
    >>> x, target = gs.mixup(x, target, gs.asarray([0.75, 0.5]), gs.asarray([1, 0]))
    >>> gs.to_numpy(x), gs.to_numpy(target)
    (array([[2.],
           [4.]]), array([[0.75, 0.25],
           [0.5 , 0.5 ]]))
    """
    ...


@formula(
    ko="컷아웃",
    en="Cutout",
    tex=r"\tilde x = x \odot (1 - M_{box})",
    notes=("000#Data Augmentation (일부 가림)", "001#Label smoothing (Cutout)"),
    source="DeVries & Taylor 2017, section 3",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def cutout(
    x: Images,
    row: Annotated[Int[Array, "n"], Labels("h")],
    column: Annotated[Int[Array, "n"], Labels("w")],
    /, *, size: Size = 16,
) -> Images:  # fmt: skip
    """Cover a box of every image with 0. The label stays.

    Shapes
    ------
    x : (n, *channels, h, w)
    row, column : (n,), uniform on 0, ..., h - 1 and 0, ..., w - 1; the middle of each box. A box of size s covers the
        rows row - s // 2, ..., row - s // 2 + s - 1, as far as there are any
    returns : (n, *channels, h, w)

    Options
    -------
    size : at least 0; (height, width) of the box or one number for both

    Source
    ------
    DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with cutout", section 3.

    Examples
    --------
    >>> x = gs.asarray([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])
    >>> gs.to_numpy(gs.cutout(x, gs.asarray([0]), gs.asarray([2]), size=2))
    array([[[1., 0., 0.],
            [4., 5., 6.]]])
    """


@formula(
    ko="컷믹스",
    en="CutMix",
    tex=r"\tilde x = M \odot x_A + (1 - M) \odot x_B, \qquad \tilde y = \lambda y_A + (1 - \lambda) y_B, \qquad "
    r"\lambda = 1 - \frac{|box|}{HW}",
    notes=("000#Label Smoothing (cumMix)", "001#Label smoothing (CutMix)"),
    source="Yun, Han, Oh, Chun, Choe & Yoo 2019, eq. 1",
    errata=(
        Erratum(
            key="cutmix_name",
            place="000#Label Smoothing (cumMix)",
            stated="cumMix",
            right="CutMix이다. 잘라서(cut) 섞는다(mix)는 뜻이다.",
        ),
    ),
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def cutmix(
    x: Images,
    target: Annotated[Float[Array, "n k"], Simplex()],
    row: Annotated[Int[Array, "n"], Labels("h")],
    column: Annotated[Int[Array, "n"], Labels("w")],
    permutation: Annotated[Int[Array, "n"], Labels("n")],
    /, *, size: Size = 16,
) -> tuple[Images, Annotated[Float[Array, "n k"], Simplex()]]:  # fmt: skip
    """Replace a box of every image by that of another one, and as large a share of its target.

    Shapes
    ------
    x : (n, *channels, h, w)
    target : (n, k), each row a distribution
    row, column : (n,); the middle of each box, as for `cutout`
    permutation : (n,); the partner of each image
    returns : the mixed images, (n, *channels, h, w), and targets, (n, k); of the box only what lies in the image counts

    Options
    -------
    size : at least 0; (height, width) of the box or one number for both. In the paper sqrt(1 - lambda) of the image's,
        for a uniform draw lambda

    Source
    ------
    Yun, Han, Oh, Chun, Choe & Yoo 2019, "CutMix: regularization strategy to train strong classifiers with localizable
    features", eq. 1.

    Examples
    --------
    >>> x = gs.asarray([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    >>> target = gs.asarray([[1.0, 0.0], [0.0, 1.0]])
    >>> place, partner = gs.asarray([0, 1]), gs.asarray([1, 0])
    >>> x, target = gs.cutmix(x, target, place, place, partner, size=1)
    >>> gs.to_numpy(x), gs.to_numpy(target)
    (array([[[5., 2.],
            [3., 4.]],
    <BLANKLINE>
           [[5., 6.],
            [7., 4.]]]), array([[0.75, 0.25],
           [0.25, 0.75]]))
    """
    ...


# Dropping units


@formula(
    ko="드롭아웃",
    en="Dropout (training mask)",
    tex=r"\tilde h = r \odot h, \qquad r_j = \mathbb 1[u_j \ge p] \sim \mathrm{Ber}(1 - p)",
    notes=("000#Dropout", "001#→ Dropout", "001#01강", "003#드롭아웃", "004#DL에서 overfitting 줄이는 방법"),
    source="Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, section 4",
    errata=(
        Erratum(
            key="dropout_weights",
            place="001#→ Dropout",
            stated="뉴런의 일부 가중치를 0으로 만든다.",
            right="0으로 만드는 것은 뉴런의 출력이다. 한 뉴런에서 나가는 가중치 전부가 한꺼번에 쓰이지 않는다. "
            "가중치를 하나씩 지우는 방법은 드롭커넥트(DropConnect)이다.",
            setup="h, weight, bias = np.ones(2), np.ones((2, 2)), np.zeros(2)\n"
            "one_weight_less = np.array([[0.0, 1.0], [1.0, 1.0]])",
            stated_value="h @ one_weight_less + bias",
            right_value="gs.dropout_output_layer(h, weight, bias, np.array([True, False]))",
        ),
    ),
    kind="algorithm",
    stochastic=True,
    differentiable=("h",),
)
def dropout(
    h: Float[Array, "*shape"], uniform: Draws, /, *, p: Annotated[float, Probability] = 0.5
) -> Float[Array, "*shape"]:
    """Set each unit to 0 with probability p; leave the others as they are.

    Shapes
    ------
    h : (*shape)
    uniform : (*shape), uniform draws; a unit is kept where its draw is at least p
    returns : (*shape)

    Options
    -------
    p : in [0, 1]; the probability of dropping. 0 keeps all units, 1 none

    Source
    ------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks
    from overfitting", section 4.

    Examples
    --------
    >>> gs.to_numpy(gs.dropout(gs.asarray([2.0, 4.0]), gs.asarray([0.2, 0.7])))
    array([0., 4.])
    """


@formula(
    ko="드롭아웃 추론 보정",
    en="Dropout at inference (weight scaling)",
    tex=r"y = (1 - p)\, h",
    notes=("004#DL에서 overfitting 줄이는 방법", "003#드롭아웃", "003#드롭아웃 (text and code)", "001#→ Dropout"),
    source="Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, figure 2",
    errata=(
        Erratum(
            key="dropout_at_inference",
            place="001#→ Dropout",
            stated="비율이 0.5이면 추론할 때 뉴런 절반의 가중치를 0으로 만든다.",
            right="추론할 때는 아무것도 버리지 않는다. 대신 출력에 $1 - p$를 곱한다.",
            setup="h, uniform = np.array([2.0, 4.0]), np.array([0.2, 0.7])",
            stated_value="gs.dropout(h, uniform, p=0.5)",
            right_value="gs.dropout_inference(h, p=0.5)",
        ),
        Erratum(
            key="dropout_no_scaling",
            place="003#드롭아웃 (text and code)",
            stated="학습할 때 노드를 버리고, 추론할 때는 전체 신경망의 출력을 그대로 쓴다.",
            right="크기를 맞추어야 한다. 추론에서 $1 - p$를 곱하거나 학습에서 $1 - p$로 나눈다. 그러지 않으면 "
            "다음 층이 받는 합의 평균이 달라진다. $p = 0.2$이고 출력이 1인 노드가 열이면 학습할 때의 평균은 8, "
            "추론할 때의 값은 10이다.",
            setup="h = np.ones(10)",
            stated_value="float(h.sum())",
            right_value="float(gs.dropout_inference(h, p=0.2).sum())",
        ),
    ),
    differentiable=True,
)
def dropout_inference(
    h: Float[Array, "*shape"], /, *, p: Annotated[float, Probability] = 0.5
) -> Float[Array, "*shape"]:
    """Scale every unit by the probability with which it was kept in training: nothing is drawn, nothing dropped.

    Shapes
    ------
    h : (*shape)
    returns : (*shape)

    Options
    -------
    p : in [0, 1]; the probability with which units were dropped in training

    Source
    ------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks
    from overfitting", figure 2.

    Examples
    --------
    >>> gs.to_numpy(gs.dropout_inference(gs.asarray([2.0, 4.0])))
    array([1., 2.])
    """


@formula(
    ko="역 드롭아웃",
    en="Inverted dropout",
    tex=r"\tilde h = \frac{r \odot h}{1 - p}",
    notes=("004#DL에서 overfitting 줄이는 방법 (scale)",),
    source="Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, section 10",
    kind="algorithm",
    stochastic=True,
    differentiable=("h",),
)
def inverted_dropout(
    h: Float[Array, "*shape"], uniform: Draws, /, *, p: Annotated[float, Probability] = 0.5
) -> Float[Array, "*shape"]:
    """Drop units as `dropout` does and scale up the others, so that inference needs no correction. p = 1 gives 0.

    Shapes
    ------
    h : (*shape)
    uniform : (*shape), uniform draws; a unit is kept where its draw is at least p
    returns : (*shape)

    Options
    -------
    p : in [0, 1]; the probability of dropping. 0 keeps all units, 1 none

    Source
    ------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks
    from overfitting", section 10.

    Examples
    --------
    >>> gs.to_numpy(gs.inverted_dropout(gs.asarray([2.0, 4.0]), gs.asarray([0.2, 0.7])))
    array([0., 8.])
    """


@formula(
    ko="드롭아웃 적용 출력 합산 코드",
    en="Output sums with dropped hidden nodes",
    tex=r"o_k = b_k + \sum_{j:\, d_j = 0} h_j\, w_{jk}",
    notes=("003#드롭아웃 (code)",),
    source="Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, section 4",
    errata=(
        Erratum(
            key="dropout_code_range",
            place="003#드롭아웃 (code)",
            stated="`for k in rnage(self.no):`",
            right="`range`의 오타이다. 적힌 대로는 `NameError`가 난다.",
            setup="try:\n    stated = list(rnage(3))\nexcept NameError as error:\n    stated = type(error).__name__",
            stated_value="stated",
            right_value="list(range(3))",
        ),
    ),
    kind="algorithm",
    differentiable=True,
)
def dropout_output_layer(
    h: Float[Array, "*batch i"],
    weight: Float[Array, "i o"],
    bias: Float[Array, "o"],
    dropped: Bool[Array, "*batch i"],
    /,
) -> Float[Array, "*batch o"]:
    """Sum what the units that were not dropped send to each output, and add its bias.

    Shapes
    ------
    h : (*batch, i)
    weight : (i, o), from a hidden unit to an output
    bias : (o,)
    dropped : (*batch, i); true where a unit is dropped
    returns : (*batch, o)

    Source
    ------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, "Dropout: a simple way to prevent neural networks
    from overfitting", section 4.

    Examples
    --------
    >>> h, weight, bias = gs.asarray([1.0, 2.0]), gs.asarray([[1.0, 10.0], [2.0, 20.0]]), gs.asarray([0.5, 0.0])
    >>> gs.to_numpy(gs.dropout_output_layer(h, weight, bias, gs.asarray([True, False])))
    array([ 4.5, 40. ])
    """


dropout_expectation = law(
    "regularization.dropout_expectation",
    ko="드롭아웃 기댓값",
    en="Expectation over dropout masks",
    tex=r"\mathbb E_r[W (r \odot h)] = (1 - p)\, W h, \qquad \mathrm{Var} = p (1 - p) \sum_j W_j^2 h_j^2",
    notes=("003#드롭아웃", "004#DL에서 overfitting 줄이는 방법"),
    source="Baldi & Sadowski 2013; Wager, Wang & Liang 2013, section 2.1",
)
