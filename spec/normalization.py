"""Normalization: what a layer passes on keeps its scale, whatever the layers before it do.

Images and sequences are [n c *space]: samples, channels, and any number of axes of space. The formulas differ in what
they average over: all but the channel (batch), all but the sample (layer), or space alone (instance).
"""

from typing import Annotated, NamedTuple, TypeAlias

from annotated_types import Ge, Interval
from jaxtyping import Float

from gongsik.spec.array import Array, Finite, NonNegative, Positive
from gongsik.spec.formula import Chapter, Erratum, formula, law, named

CHAPTER = Chapter(ko="정규화", en="Normalization")

Image: TypeAlias = Float[Array, "n c *space"]
PerChannel: TypeAlias = Float[Array, "c"]
Gain: TypeAlias = Annotated[Float[Array, "c"], Finite()]


class BatchStatistics(NamedTuple):
    """Mean and variance of every channel, over all samples and places."""

    mean: Float[Array, "c"]
    var: Float[Array, "c"]


class BatchNorm(NamedTuple):
    """The normalized batch, and the statistics by which it was normalized."""

    y: Float[Array, "n c *space"]
    mean: Float[Array, "c"]
    var: Float[Array, "c"]


class BatchNormGradients(NamedTuple):
    """What comes back to the input, to the scale and to the shift."""

    x: Float[Array, "n c *space"]
    gamma: Float[Array, "c"]
    beta: Float[Array, "c"]


class LayerNormGradients(NamedTuple):
    """What comes back to the input, to the scale and to the shift."""

    x: Float[Array, "*batch d"]
    gamma: Float[Array, "d"]
    beta: Float[Array, "d"]


@formula(
    ko="표준화",
    en="Standardisation",
    tex=r"z_{ij} = \frac{x_{ij} - \mu_j}{\sigma_j}, \qquad \mu_j = \frac1n \sum_i x_{ij}, \quad "
    r"\sigma_j^2 = \frac1n \sum_i (x_{ij} - \mu_j)^2",
    notes=("004#Batch Normalization (기압과 온도)", "003#배치 정규화 기법"),
    source="LeCun, Bottou, Orr & Müller 1998, section 4.3",
    differentiable=True,
)
def standardize(x: Float[Array, "n p"], /) -> Float[Array, "n p"]:
    """Give every feature mean 0 and variance 1 over the samples.

    A feature that is the same for all samples becomes 0, with derivative 0. The variance divides by n.

    Shapes
    ------
    x : (n, p)
    returns : (n, p)

    Source
    ------
    LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.3.

    Examples
    --------
    >>> pressure_and_temperature = gs.asarray([[1000.0, 10.0], [1020.0, 30.0]])
    >>> gs.to_numpy(gs.standardize(pressure_and_temperature))
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    ...


@formula(
    ko="미니배치 통계량",
    en="Mini-batch mean and variance",
    tex=r"\mu_B = \frac1m \sum_{i=1}^{m} x_i, \qquad \sigma_B^2 = \frac1m \sum_{i=1}^{m} (x_i - \mu_B)^2",
    notes=("000#math 7-1", "001#Batch normalization", "003#배치 정규화 기법"),
    source="Ioffe & Szegedy 2015, algorithm 1",
    errata=(
        Erratum(
            key="bn_variance_index",
            place="003#배치 정규화 기법",
            stated="분산의 합이 $i = 0$에서 시작하고 계수는 $1/m$이다.",
            right="$i = 1$부터 $m$까지 $m$개를 더한다. 0부터 더하면 항이 $m + 1$개이다.",
            setup="x = np.array([[0.0], [1.0], [3.0]])  # x_0, x_1, x_2: m = 2",
            stated_value="float(((x - x[1:].mean()) ** 2).sum() / 2)",
            right_value="float(gs.batch_statistics(x[1:]).var[0])",
        ),
    ),
    nonempty=True,
    differentiable=True,
)
def batch_statistics(x: Image, /) -> BatchStatistics:
    """Give mean and variance of every channel over the m values that it has in the batch; the variance divides by m.

    Shapes
    ------
    x : (n, c, *space)
    returns : mean (c,) and var (c,)

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", algorithm 1.

    Examples
    --------
    >>> mean, var = gs.batch_statistics(gs.asarray([[1.0, 5.0], [3.0, 5.0]]))
    >>> gs.to_numpy(mean), gs.to_numpy(var)
    (array([2., 5.]), array([1., 0.]))
    """
    ...


@formula(
    ko="크기 조정과 이동",
    en="Scale and shift",
    tex=r"y = \gamma \hat x + \beta; \qquad \gamma = \sqrt{\sigma^2 + \epsilon},\ \beta = \mu "
    r"\;\Rightarrow\; y = x",
    notes=("003#배치 정규화 기법",),
    source="Ioffe & Szegedy 2015, algorithm 1",
    differentiable=True,
)
def batch_norm_affine(x_hat: Image, gamma: PerChannel, beta: PerChannel, /) -> Image:
    """Give every channel a scale and a mean that can be learned.

    Shapes
    ------
    x_hat : (n, c, *space)
    gamma, beta : (c,)
    returns : (n, c, *space)

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", algorithm 1.

    Examples
    --------
    >>> x_hat, gamma, beta = gs.asarray([[-1.0, 1.0]]), gs.asarray([2.0, 3.0]), gs.asarray([0.0, 10.0])
    >>> gs.to_numpy(gs.batch_norm_affine(x_hat, gamma, beta))
    array([[-2., 13.]])
    """
    ...


@formula(
    ko="배치 정규화(학습)",
    en="Batch normalisation (training)",
    tex=r"\hat x_i = \frac{x_i - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}}, \qquad y_i = \gamma \hat x_i + \beta",
    notes=("000#math 7-1", "001#Batch normalization", "001#01강", "003#배치 정규화 기법", "004#Batch Normalization"),
    source="Ioffe & Szegedy 2015, algorithm 1",
    errata=(
        Erratum(
            key="bn_normalises_activations",
            place="001#Batch normalization",
            stated="파라미터 천 개의 통계치를 평균 0, 분산 1로 만든다. 층의 파라미터를 같은 값으로 바꾼다는 노트도 "
            "있다.",
            right="바꾸는 것은 파라미터가 아니라 층을 지나는 값(배치에 걸친 활성값)이다. 값들이 서로 같아지지도 "
            "않는다.",
            setup="x = np.array([[1.0], [3.0]])",
            stated_value="0.0",
            right_value="float(np.ptp(gs.batch_norm(x).y).round(4))",
        ),
        Erratum(
            key="bn_std_identity",
            place="003#배치 정규화 기법",
            stated="표준편차가 $I$가 되도록 변환한다.",
            right="특징마다 표준편차가 1이 된다. 특징 사이의 상관은 그대로라서 공분산 행렬은 단위행렬이 아니다.",
            setup="x = np.array([[1.0, 2.0], [3.0, 6.0]])\ny = gs.batch_norm(x).y",
            stated_value="np.eye(2).tolist()",
            right_value="(y.T @ y / 2).round(4).tolist()",
        ),
    ),
    nonempty=True,
    differentiable=True,
)
def batch_norm(
    x: Image, gamma: Gain | None = None, beta: PerChannel | None = None, /, *, eps: Positive[float] = 1e-5
) -> BatchNorm:
    """Normalize every channel by the mean and the variance of this batch, then scale and shift it.

    The statistics are returned, for `batch_norm_running`; their variance divides by m. With one value per channel the
    deviation from the mean is 0, and the result is beta.

    Shapes
    ------
    x : (n, c, *space)
    gamma, beta : (c,); 1 and 0 if they are not given
    returns : y (n, c, *space), mean (c,) and var (c,)

    Options
    -------
    eps : above 0, added to the variance: a constant channel becomes beta

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", algorithm 1.

    Examples
    --------
    >>> y, mean, var = gs.batch_norm(gs.asarray([[1.0], [3.0]]))
    >>> gs.to_numpy(y).round(4).tolist(), gs.to_numpy(mean).tolist(), gs.to_numpy(var).tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    """
    ...


@formula(
    ko="배치 정규화의 기울기",
    en="Gradients of batch normalisation",
    tex=r"\frac{\partial L}{\partial x_i} = \frac{\gamma}{\sqrt{\sigma_B^2 + \epsilon}} \Bigl(g_i - \overline{g} - "
    r"\hat x_i\, \overline{g \hat x}\Bigr), \qquad \frac{\partial L}{\partial \gamma} = \sum_i g_i \hat x_i, \quad "
    r"\frac{\partial L}{\partial \beta} = \sum_i g_i, \qquad \overline{a} = \frac1m \sum_j a_j",
    source="Ioffe & Szegedy 2015, section 3",
    nonempty=True,
    differentiable=True,
)
def batch_norm_backward(
    upstream: Image, x: Image, gamma: Gain, /, *, eps: Positive[float] = 1e-5
) -> BatchNormGradients:
    """Carry the gradient g of the output of `batch_norm` back to its input, scale and shift.

    Shapes
    ------
    upstream, x : (n, c, *space)
    gamma : (c,)
    returns : x (n, c, *space), gamma (c,) and beta (c,)

    Options
    -------
    eps : above 0, as in `batch_norm`

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", section 3.

    Examples
    --------
    >>> x, upstream = gs.asarray([[1.0], [3.0]]), gs.asarray([[0.0], [1.0]])
    >>> grads = gs.batch_norm_backward(upstream, x, gs.asarray([2.0]), eps=3.0)
    >>> [gs.to_numpy(g).round(4).tolist() for g in grads]
    [[[-0.375], [0.375]], [0.5], [1.0]]
    """
    ...


@formula(
    kind="algorithm",
    ko="이동 평균 통계",
    en="Running statistics",
    tex=r"\mu \leftarrow \alpha \mu + (1 - \alpha) \mu_B, \qquad "
    r"\sigma^2 \leftarrow \alpha \sigma^2 + (1 - \alpha) \sigma_B^2",
    notes=("003#추론 (배치 정규화)",),
    source="Ioffe & Szegedy 2015, section 3.1",
    errata=(
        Erratum(
            key="bn_running_square",
            place="003#추론 (배치 정규화)",
            stated=r"$\sigma^2 \leftarrow \alpha \sigma^2 + (1 - \alpha) \sigma_B$",
            right=r"배치의 몫도 분산 $\sigma_B^2$이다. 표준편차를 더하면 단위부터 어긋난다.",
            setup="mean, var = np.array([0.0]), np.array([9.0])  # the running variance is right already",
            stated_value="round(0.9 * 9.0 + 0.1 * 3.0, 4)",
            right_value="round(float(gs.batch_norm_running(mean, var, mean, var).var[0]), 4)",
        ),
        Erratum(
            key="bn_inference_two_rules",
            place="003#추론 (배치 정규화)",
            stated="배치 평균들의 평균을 저장한다고 하고, 곧이어 지수 이동 평균으로 계산한다고 한다.",
            right="둘은 다른 규칙이다. 통계량이 변하지 않을 때만 같다. 여기서는, 그리고 널리 쓰이는 구현에서는 "
            "지수 이동 평균이다.",
            setup="zero, one = np.array([0.0]), np.array([1.0])\n"
            "first = gs.batch_norm_running(zero, one, zero, one)  # batch means 0, then 1",
            stated_value="(0.0 + 1.0) / 2",
            right_value="round(float(gs.batch_norm_running(*first, one, one).mean[0]), 4)",
        ),
    ),
    differentiable=True,
)
def batch_norm_running(
    running_mean: PerChannel, running_var: PerChannel, mean: PerChannel, var: PerChannel, /,
    *, alpha: Annotated[float, Interval(ge=0, le=1)] = 0.9, count: Annotated[int, Ge(2)] | None = None,
) -> BatchStatistics:  # fmt: skip
    """Move the statistics that inference will use a little towards those of a batch.

    `alpha` is the share that stays: what PyTorch calls momentum is 1 - alpha. The first statistics are mean 0 and
    variance 1. PyTorch (and the paper, for inference) has the unbiased variance there: `count` asks for it.

    Shapes
    ------
    running_mean, running_var : (c,), so far
    mean, var : (c,), of the batch, as `batch_norm` returns them
    returns : mean (c,) and var (c,)

    Options
    -------
    alpha : in [0, 1], the share of the old statistics
    count : at least 2, the number m of values per channel: multiplies the variance of the batch by m / (m - 1); None: 1

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", section 3.1.

    Examples
    --------
    >>> old, batch = (gs.asarray([0.0]), gs.asarray([1.0])), (gs.asarray([10.0]), gs.asarray([3.0]))
    >>> [gs.to_numpy(s).round(4).tolist() for s in gs.batch_norm_running(*old, *batch, count=4)]
    [[1.0], [1.3]]
    """
    ...


@formula(
    ko="배치 정규화(추론)",
    en="Batch normalisation (inference)",
    tex=r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta = a x + b, \qquad "
    r"a = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}, \quad b = \beta - a \mu",
    notes=("003#추론 (배치 정규화)", "004#Batch Normalization"),
    source="Ioffe & Szegedy 2015, algorithm 2",
    differentiable=("x", "gamma", "beta"),
)
def batch_norm_inference(
    x: Image, mean: PerChannel, var: NonNegative[PerChannel],
    gamma: Gain | None = None, beta: PerChannel | None = None, /, *, eps: Positive[float] = 1e-5,
) -> Image:  # fmt: skip
    """Normalize by given statistics: one affine map per channel, in which no sample depends on another.

    The statistics are constants: no gradient goes to them.

    Shapes
    ------
    x : (n, c, *space)
    mean, var : (c,); var is at least 0
    gamma, beta : (c,); 1 and 0 if they are not given
    returns : (n, c, *space)

    Options
    -------
    eps : above 0, added to the variance

    Source
    ------
    Ioffe & Szegedy 2015, "Batch normalization", algorithm 2.

    Examples
    --------
    >>> x, mean, var = gs.asarray([[7.0]]), gs.asarray([1.0]), gs.asarray([4.0])
    >>> gs.to_numpy(gs.batch_norm_inference(x, mean, var)).round(4).tolist()
    [[3.0]]
    """
    ...


batch_norm_scale_invariance = law(
    "normalization.batch_norm_scale_invariance",
    ko="가중치 크기 불변성",
    en="Scale invariance under batch norm",
    tex=r"\mathrm{BN}(aWx) = \mathrm{BN}(Wx)\ (a > 0,\ \epsilon \to 0), \qquad \langle W, \nabla_W L \rangle = 0",
    notes=("003#배치 정규화 기법", "004#Batch Normalization"),
    source="Ioffe & Szegedy 2015, section 3.3",
)

small_batch = law(
    "normalization.small_batch",
    ko="작은 배치의 문제",
    en="Small-batch failure of batch norm",
    tex=r"m = 1 \Rightarrow \hat x = 0,\ y = \beta; \qquad \mathrm{Var}(\mu_B) = \frac{\sigma^2}{m}",
    notes=("004#Batch Normalization",),
    source="Wu & He 2018",
)

internal_covariate_shift = named(
    "normalization.internal_covariate_shift",
    ko="내부 공변량 이동",
    en="Internal covariate shift",
    notes=("001#Batch normalization", "003#배치 정규화 기법 (각주)", "004#Batch Normalization"),
    source="Ioffe & Szegedy 2015, section 2",
)


@formula(
    ko="층 정규화",
    en="Layer normalisation",
    tex=r"y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta, \qquad "
    r"\mu = \frac1d \sum_{j=1}^{d} x_j, \quad \sigma^2 = \frac1d \sum_{j=1}^{d} (x_j - \mu)^2",
    notes=("000#img 7-2 (img)", "000#전체적인 encoder의 과정 (Add & Normalize, img)"),
    source="Ba, Kiros & Hinton 2016, eq. 3-4",
    differentiable=True,
)
def layer_norm(
    x: Float[Array, "*batch d"],
    gamma: Annotated[Float[Array, "d"], Finite()] | None = None,
    beta: Float[Array, "d"] | None = None,
    /, *, eps: Positive[float] = 1e-5,
) -> Float[Array, "*batch d"]:  # fmt: skip
    """Normalize the last axis to mean 0 and variance 1, then scale and shift it: no sample depends on another.

    Shapes
    ------
    x : (*batch, d)
    gamma, beta : (d,); 1 and 0 if they are not given
    returns : (*batch, d)

    Options
    -------
    eps : above 0, added to the variance: a constant row becomes beta

    Source
    ------
    Ba, Kiros & Hinton 2016, "Layer normalization", eq. 3-4.

    Examples
    --------
    >>> gs.to_numpy(gs.layer_norm(gs.asarray([[1.0, 3.0], [40.0, 20.0]]))).round(4)
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    ...


@formula(
    ko="층 정규화의 기울기",
    en="Gradients of layer normalisation",
    tex=r"\frac{\partial L}{\partial x_j} = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \Bigl(\gamma_j g_j - "
    r"\overline{\gamma g} - \hat x_j\, \overline{\gamma g \hat x}\Bigr), \qquad "
    r"\frac{\partial L}{\partial \gamma} = \sum_{\mathrm{batch}} g \odot \hat x, \quad "
    r"\frac{\partial L}{\partial \beta} = \sum_{\mathrm{batch}} g",
    source="Ba, Kiros & Hinton 2016",
    differentiable=True,
)
def layer_norm_backward(
    upstream: Float[Array, "*batch d"],
    x: Float[Array, "*batch d"],
    gamma: Annotated[Float[Array, "d"], Finite()],
    /, *, eps: Positive[float] = 1e-5,
) -> LayerNormGradients:  # fmt: skip
    """Carry the gradient g of the output of `layer_norm` back to its input, scale and shift.

    Shapes
    ------
    upstream, x : (*batch, d)
    gamma : (d,)
    returns : x (*batch, d), gamma (d,) and beta (d,)

    Options
    -------
    eps : above 0, as in `layer_norm`

    Source
    ------
    Ba, Kiros & Hinton 2016, "Layer normalization".

    Examples
    --------
    >>> x, upstream, gamma = gs.asarray([[1.0, 3.0]]), gs.asarray([[0.0, 1.0]]), gs.asarray([1.0, 2.0])
    >>> [gs.to_numpy(g).round(4).tolist() for g in gs.layer_norm_backward(upstream, x, gamma, eps=3.0)]
    [[[-0.375, 0.375]], [0.0, 0.5], [0.0, 1.0]]
    """
    ...


@formula(
    ko="인스턴스 정규화",
    en="Instance normalisation",
    tex=r"y_{nc} = \gamma_c \frac{x_{nc} - \mu_{nc}}{\sqrt{\sigma_{nc}^2 + \epsilon}} + \beta_c, \qquad "
    r"\mu_{nc},\, \sigma_{nc}^2\ \text{over}\ (H, W)",
    notes=("000#img 7-2 (img)",),
    source="Ulyanov, Vedaldi & Lempitsky 2016, eq. 5",
    nonempty=True,
    differentiable=True,
)
def instance_norm(
    x: Image, gamma: Gain | None = None, beta: PerChannel | None = None, /, *, eps: Positive[float] = 1e-5
) -> Image:
    """Normalize every channel of every sample by itself, over space. With one place only, the result is beta.

    Shapes
    ------
    x : (n, c, *space)
    gamma, beta : (c,); 1 and 0 if they are not given
    returns : (n, c, *space)

    Options
    -------
    eps : above 0, added to the variance

    Source
    ------
    Ulyanov, Vedaldi & Lempitsky 2016, "Instance normalization", eq. 5.

    Examples
    --------
    >>> gs.to_numpy(gs.instance_norm(gs.asarray([[[1.0, 3.0], [10.0, 30.0]]]))).round(4)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    ...


@formula(
    ko="그룹 정규화",
    en="Group normalisation",
    tex=r"y_{nc} = \gamma_c \frac{x_{nc} - \mu_{ng}}{\sqrt{\sigma_{ng}^2 + \epsilon}} + \beta_c, \qquad "
    r"\mu_{ng},\, \sigma_{ng}^2\ \text{over}\ (C/G, H, W), \quad g = \lfloor c\,G/C \rfloor",
    notes=("000#img 7-2 (img)",),
    source="Wu & He 2018, eq. 7",
    requires=(("groups >= 1 and c % groups == 0", "groups that divide c"),),
    nonempty=True,
    differentiable=True,
)
def group_norm(
    x: Image, gamma: Gain | None = None, beta: PerChannel | None = None, /,
    *, groups: int, eps: Positive[float] = 1e-5,
) -> Image:  # fmt: skip
    """Normalize groups of neighbouring channels of every sample, over the channels of the group and space.

    Shapes
    ------
    x : (n, c, *space)
    gamma, beta : (c,); 1 and 0 if they are not given
    returns : (n, c, *space)

    Options
    -------
    groups : at least 1, divides c
    eps : above 0, added to the variance

    Source
    ------
    Wu & He 2018, "Group normalization", eq. 7.

    Examples
    --------
    >>> x = gs.asarray([[[1.0], [3.0], [10.0], [30.0]]])
    >>> gs.to_numpy(gs.group_norm(x, groups=2)).round(4).ravel()
    array([-1.,  1., -1.,  1.])
    """
    ...


@formula(
    ko="국소 응답 정규화",
    en="Local response normalisation",
    tex=r"b_c = a_c \Big/ \Bigl(k + \tfrac{\alpha}{s} \sum_{j = c - \lfloor s/2 \rfloor}^{c + \lfloor (s-1)/2 \rfloor}"
    r" a_j^2\Bigr)^{\beta}",
    notes=("000#Modern CNN / 1. AlexNet", "003#AlexNet (Norm)"),
    source="Krizhevsky, Sutskever & Hinton 2012, section 3.3",
    nonempty=True,
    differentiable=True,
)
def local_response_norm(
    x: Image, /,
    *, size: Positive[int] = 5, alpha: NonNegative[float] = 1e-4, beta: NonNegative[float] = 0.75,
    k: Positive[float] = 1.0, average: bool = True,
) -> Image:  # fmt: skip
    """Divide every value by a power of what its neighbours in the channels have at the same place.

    Channels beyond the first and the last count as 0. The defaults are PyTorch's; AlexNet has k = 2 and does not divide
    by the size: ``average=False``.

    Shapes
    ------
    x : (n, c, *space)
    returns : (n, c, *space)

    Options
    -------
    size : at least 1, the number of channels in a window
    alpha : at least 0, the weight of the squares
    beta : at least 0, the exponent
    k : above 0, what is in the bracket where all is silent
    average : whether the squares are averaged over the window, or only added up

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 3.3.

    Examples
    --------
    >>> x = gs.asarray([[[3.0], [4.0], [0.0]]])
    >>> gs.to_numpy(gs.local_response_norm(x, size=3, alpha=1.0, beta=0.5, k=11.0, average=False)).round(4).ravel()
    array([0.5   , 0.6667, 0.    ])
    """
    ...
