"""Autoregressive generative models: an image one pixel after the other, each with a chance that the earlier ones set.

A binary image is a row of d zeros and ones, in an order that is agreed on; NADE gives each of them its chance with one
set of weights. PixelRNN works on images [n c h w] in raster order and says for every channel of every pixel how likely
each of k levels is. Draws are arguments: with the same ones, two backends draw the same images.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

from annotated_types import Ge
from jaxtyping import Float, Int

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import Array, Labels, Probability, Uniform
from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="자기회귀 생성 모형", en="Autoregressive generative models")

MaskKind: TypeAlias = Literal["A", "B"]
HiddenActivation: TypeAlias = Literal["relu", "sigmoid"]


# The chain rule over pixels


factorization = law(
    "autoregressive.factorization",
    ko="자기회귀 이미지 분해",
    en="Autoregressive factorisation of an image",
    tex=r"p(x_1, \dots, x_{784}) = \prod_{i=1}^{784} p(x_i \mid x_1, \dots, x_{i-1})",
    notes=("000#Auto-regressive Model",),
    source="Larochelle & Murray 2011, eq. 1",
)


@formula(
    ko="픽셀 순서",
    en="Pixel ordering (raster order)",
    tex=r"\pi(i, j) = i\,W + j",
    notes=("000#Auto-regressive Model",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 2.1",
)
def raster_order(
    row: Annotated[Int[Array, "*shape"], Ge(0)],
    column: Annotated[Int[Array, "*shape"], Labels("width")],
    /,
    *,
    width: Annotated[int, Ge(1)],
) -> Int[Array, "*shape"]:
    """Say how many pixels come before the one in a row and a column, row by row from the left.

    Shapes
    ------
    row : (*shape), integers >= 0
    column : (*shape), integers from 0 to width - 1
    returns : (*shape), int64

    Options
    -------
    width : at least 1; pixels in a row

    Raises
    ------
    DomainError
        If a row is negative, or a column not in the image.

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 2.1.

    Examples
    --------
    >>> row, column = gs.asarray([[0], [1]]) + gs.asarray([[0, 0, 0]]), gs.asarray([[0, 1, 2], [0, 1, 2]])
    >>> gs.to_numpy(gs.raster_order(row, column, width=3))
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    ...


# NADE


def _check_sizes(model: str, **sizes: int) -> None:
    for name, size in sizes.items():
        if type(size) is not int:
            raise DtypeError(f"{model}: {name} is {size!r}, expected an int")
        if size < 1:
            raise DomainError(f"{model}: {name} is {size}, expected an int >= 1")


def check_binary(name: str, adapter: ArrayAdapter, x: Any, /) -> None:
    """Hold an image against what a Bernoulli model gives chances to: zeros and ones, nothing between.

    Raises
    ------
    DomainError
        If there is anything else. NaN is data and passes.
    """
    if not adapter.inside(x * (1 - x), 0, 0, False, False):
        raise DomainError(f"{name}: x has a value that is neither 0 nor 1: this model is of binary images")


@dataclass(frozen=True)
class NADE:
    """Configuration of `nade`.

    Parameters
    ----------
    features : int
        Pixels of an image, d.
    hidden : int
        Units of the hidden layer that every pixel has for itself, h.

    Raises
    ------
    DomainError
        If a size is below 1.
    DtypeError
        If a size is no int.
    """

    features: int
    hidden: int

    def __post_init__(self) -> None:
        _check_sizes("NADE", features=self.features, hidden=self.hidden)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters, by the letters of the formula.

        >>> NADE(784, 500).parameters()
        {'w': (500, 784), 'c': (500,), 'alpha': (784, 500), 'b': (784,)}
        """
        d, h = self.features, self.hidden
        return {"w": (h, d), "c": (h,), "alpha": (d, h), "b": (d,)}


@formula(
    ko="NADE",
    en="Neural autoregressive density estimator",
    tex=r"\begin{aligned} \log p(x) &= \sum_{i=1}^{d} \log p(x_i \mid x_{<i}), &\quad "
    r"p(x_i = 1 \mid x_{<i}) &= \sigma(\alpha_i^\top h_i + b_i) \\"
    r"h_i &= \sigma(a_i), & a_{i+1} &= a_i + x_i W_{\cdot i}, \quad a_1 = c \end{aligned}",
    notes=("000#Auto-regressive Model / 1. NADE",),
    source="Larochelle & Murray 2011, section 3",
    errata=(
        Erratum(
            key="nade_computed_independently",
            place="000#Auto-regressive Model / 1. NADE",
            stated="조건부 확률을 각각 독립적으로 계산한다.",
            right="따로 계산할 수 있지만 따로 된 모형이 아니다. 모든 조건부가 $W$와 $c$를 함께 쓴다. 28 × 28 화소에 "
            "은닉 유닛이 500개이면 $W$의 수는 392,000개이고, 조건부마다 층을 따로 두면 153,468,000개이다.",
            setup="from gongsik.spec.autoregressive import NADE\nweights = NADE(784, 500).parameters()['w']",
            stated_value="sum(500 * (i - 1) for i in range(1, 785))",
            right_value="weights[0] * weights[1]",
        ),
    ),
    kind="model",
    differentiable=("params",),
)
def nade(
    config: NADE, params: Parameters, x: Annotated[Float[Array, "n config.features"], Probability], /
) -> Float[Array, "n"]:
    """Give the log-probability of binary images: a chance per pixel, by a small network that has read those before it.

    The sum that a hidden layer reads grows by one column of W from pixel to pixel: d h multiplications in all, not
    d^2 h. With alpha = 0 the pixels are independent, each with the chance sigmoid(b).

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, config.features), 0 or 1, in the order of the model
    returns : (n,)

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If a pixel is neither 0 nor 1.

    Source
    ------
    Larochelle & Murray 2011, "The neural autoregressive distribution estimator", section 3.

    Examples
    --------
    >>> from gongsik.spec.autoregressive import NADE
    >>> config = NADE(3, 2)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> p = np.exp(gs.to_numpy(gs.nade(config, params, gs.asarray([[0.0, 1.0, 1.0]]))))
    >>> round(float(p[0]), 6)  # one of eight images
    0.125
    """
    ...


@formula(
    ko="NADE 표본 생성",
    en="Ancestral sampling from NADE",
    tex=r"x_i = \mathbb 1\bigl[u_i < p(x_i = 1 \mid x_{<i})\bigr], \quad u_i \sim U[0, 1), \quad i = 1, \dots, d",
    notes=("000#Auto-regressive Model / 1. NADE",),
    source="Larochelle & Murray 2011, section 3",
    kind="algorithm",
    stochastic=True,
)
def nade_sample(
    config: NADE, params: Parameters, uniform: Annotated[Float[Array, "n config.features"], Uniform], /
) -> Float[Array, "n config.features"]:
    """Draw images pixel by pixel: each is decided by its draw before the next one's chance is known.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    uniform : (n, config.features), draws from [0, 1), one per pixel
    returns : (n, config.features), 0 or 1

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If a draw is not in [0, 1].

    Source
    ------
    Larochelle & Murray 2011, "The neural autoregressive distribution estimator", section 3.

    Examples
    --------
    >>> from gongsik.spec.autoregressive import NADE
    >>> config = NADE(3, 2)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> gs.to_numpy(gs.nade_sample(config, params, gs.asarray([[0.2, 0.9, 0.4]])))  # all chances are 1/2
    array([[1., 0., 1.]])
    """
    ...


@count(
    ko="NADE 파라미터 수",
    en="Parameters of NADE",
    tex=r"\underbrace{hd}_{W} + \underbrace{h}_{c} + \underbrace{hd}_{\alpha} + \underbrace{d}_{b} "
    r"\quad \text{vs.} \quad \sum_{i=1}^{d} \bigl(h(i-1) + h + h + 1\bigr)",
    notes=("000#Auto-regressive Model / 1. NADE",),
    source="Larochelle & Murray 2011, section 3",
)
def nade_parameter_count(d: int, h: int, /, *, shared: bool = True) -> int:
    """Count what NADE has to learn for d pixels and h units; with `shared=False`, if every pixel had its own network.

    >>> nade_parameter_count(784, 500), nade_parameter_count(784, 500, shared=False)
    (785284, 154252784)

    Raises
    ------
    DomainError
        If a size is below 1.
    DtypeError
        If a size is no int.
    """
    _check_sizes("nade_parameter_count", d=d, h=h)
    read = h * d + h if shared else h * d * (d - 1) // 2 + h * d
    return read + h * d + d


@dataclass(frozen=True)
class RealNADE:
    """Configuration of `real_nade`.

    Parameters
    ----------
    features : int
        Numbers of an example, d.
    hidden : int
        Units of the hidden layer that every number has for itself, h.
    components : int
        Normal distributions in a mixture, k.
    activation : str
        Of the hidden layer: "relu" as published, or "sigmoid" as in `nade`.

    Raises
    ------
    DomainError
        If a size is below 1, or the activation unknown.
    DtypeError
        If a size is no int.
    """

    features: int
    hidden: int
    components: int = 10
    activation: HiddenActivation = "relu"

    def __post_init__(self) -> None:
        _check_sizes("RealNADE", features=self.features, hidden=self.hidden, components=self.components)
        if self.activation not in get_args(HiddenActivation):
            raise DomainError(f"RealNADE: activation is {self.activation!r}, expected one of 'relu', 'sigmoid'")

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters: the running sum's, and of pi, mu and sigma a weight and a bias for every number.

        >>> list(RealNADE(3, 5, 2).parameters())
        ['w', 'c', 'rho', 'pi.weight', 'pi.bias', 'mu.weight', 'mu.bias', 'sigma.weight', 'sigma.bias']
        """
        d, h, k = self.features, self.hidden, self.components
        table: dict[str, tuple[int, ...]] = {"w": (h, d), "c": (h,), "rho": (d,)}
        for part in ("pi", "mu", "sigma"):
            table |= {f"{part}.weight": (d, k, h), f"{part}.bias": (d, k)}
        return table


@formula(
    ko="연속형 NADE(가우시안 혼합)",
    en="Real-valued NADE with Gaussian mixtures",
    tex=r"\begin{aligned} p(x_i \mid x_{<i}) &= \sum_{k=1}^{K} \pi_{ik}\, \mathcal N(x_i;\, \mu_{ik}, \sigma_{ik}^2), "
    r"& \pi_i &= \mathrm{softmax}(V^\pi_i h_i + b^\pi_i) \\"
    r"h_i &= \mathrm{ReLU}(\rho_i a_i), & \mu_i &= V^\mu_i h_i + b^\mu_i \\"
    r"a_{i+1} &= a_i + x_i W_{\cdot i}, \quad a_1 = c & \sigma_i &= \exp(V^\sigma_i h_i + b^\sigma_i) \end{aligned}",
    notes=("000#Auto-regressive Model / 1. NADE",),
    source="Uria, Murray & Larochelle 2013, section 3",
    kind="model",
    differentiable=("params",),
)
def real_nade(config: RealNADE, params: Parameters, x: Float[Array, "n config.features"], /) -> Float[Array, "n"]:
    """Give the log-density of real numbers: each follows a mixture of normal distributions that those before it set.

    Standard deviations are exponentials, so none can be negative, and everything is added up as logarithms: far from
    all means the result is very small, not minus infinity.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, config.features)
    returns : (n,)

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Uria, Murray & Larochelle 2013, "RNADE: the real-valued neural autoregressive density-estimator", section 3.

    Examples
    --------
    >>> from gongsik.spec.autoregressive import RealNADE
    >>> config = RealNADE(2, 3, 1)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> log_p = gs.real_nade(config, params, gs.asarray([[0.0, 1.0]]))
    >>> round(float(log_p[0]), 6)  # two standard normals: -log(2 pi) - 1/2
    -2.337877
    """
    ...


# PixelRNN


@formula(
    ko="PixelRNN의 RGB 분해",
    en="RGB factorisation of PixelRNN",
    tex=r"\begin{aligned} p(x) &= \prod_{i=1}^{n^2} p(x_{i,R} \mid x_{<i})\, p(x_{i,G} \mid x_{<i}, x_{i,R})\, "
    r"p(x_{i,B} \mid x_{<i}, x_{i,R}, x_{i,G}) \\"
    r"p(x_{i,c} = v \mid \cdot) &= \mathrm{softmax}(z_{i,c})_v \end{aligned}",
    notes=("000#Auto-regressive Model / 2. Pixel RNN",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, eq. 1-2",
    differentiable=("logits",),
)
def pixel_rnn_factorization(
    logits: Float[Array, "n 3 k h w"], x: Annotated[Int[Array, "n 3 h w"], Labels("k")], /
) -> Float[Array, "n"]:
    """Add up the log-probabilities of all channels of all pixels: 3 h w factors per image.

    The logits of a factor must not depend on what comes after it; `context_mask` makes convolutions that see to it.

    Shapes
    ------
    logits : (n, 3, k, h, w); z, for red, green and blue a logit per level
    x : (n, 3, h, w), levels from 0 to k - 1
    returns : (n,)

    Raises
    ------
    DomainError
        If a level is not in [0, k).

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", eq. 1-2.

    Examples
    --------
    >>> x = gs.asarray(np.zeros((1, 3, 2, 2), int))
    >>> log_p = gs.pixel_rnn_factorization(gs.asarray(np.zeros((1, 3, 256, 2, 2))), x)
    >>> round(float(log_p[0] / np.log(2)), 6)  # 12 factors of 8 bits
    -96.0
    """
    ...


@formula(
    ko="문맥 마스크",
    en="Masked-convolution context (types A and B)",
    tex=r"M \odot W, \qquad M_{oiuv} = \begin{cases} 1 & (u, v) \prec (c_u, c_v) \\ "
    r"\mathbb 1[g_i < g_o]\ (A),\ \ \mathbb 1[g_i \le g_o]\ (B) & (u, v) = (c_u, c_v) \\ "
    r"0 & \text{else} \end{cases}",
    notes=("000#Auto-regressive Model / 2. Pixel RNN",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.4",
    differentiable=True,
    requires=(
        ("kh % 2 == 1 and kw % 2 == 1", "a kernel with a centre: kh and kw odd"),
        ("o % channels == 0 and i % channels == 0", "o and i to be multiples of channels"),
    ),
)
def context_mask(
    weight: Float[Array, "o i kh kw"], /, *, kind: MaskKind, channels: Annotated[int, Ge(1)] = 1
) -> Float[Array, "o i kh kw"]:
    """Clear every weight of a kernel that would see the pixel itself or a later one, in raster order.

    At the centre, type A clears everything, and B nothing. With three channels there is an order within a pixel, too:
    inputs and outputs are three groups of equal size, g = 0, 1, 2, and green may see red. Of one such group type A
    clears what sees the group itself, B does not.

    Shapes
    ------
    weight : (o, i, kh, kw), of a convolution
    returns : (o, i, kh, kw)

    Options
    -------
    kind : "A" for a layer that reads the image, "B" for those after it
    channels : at least 1; groups in which a pixel's features are drawn one after the other

    Raises
    ------
    DomainError
        If the kernel has no centre, or o or i is no multiple of `channels`.

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 3.4.

    Examples
    --------
    >>> ones = gs.asarray(np.ones((1, 1, 3, 3)))
    >>> gs.to_numpy(gs.context_mask(ones, kind="A")[0, 0])
    array([[1., 1., 1.],
           [1., 0., 0.],
           [0., 0., 0.]])
    >>> centre = gs.context_mask(gs.asarray(np.ones((3, 3, 1, 1))), kind="B", channels=3)
    >>> gs.to_numpy(centre[:, :, 0, 0])  # rows are outputs: red sees red, green red and green
    array([[1., 0., 0.],
           [1., 1., 0.],
           [1., 1., 1.]])
    """
    ...


@dataclass(frozen=True)
class _PixelLSTM:
    """What both LSTM layers of PixelRNN share.

    Parameters
    ----------
    in_channels : int
        Features of a pixel of the input, c.
    hidden : int
        Features of the state of a pixel, k.
    channels : int
        Groups of `context_mask` within a pixel: 1, or 3 for colours.

    Raises
    ------
    DomainError
        If a size is below 1, or no multiple of `channels`.
    DtypeError
        If a size is no int.
    """

    in_channels: int
    hidden: int
    channels: int = 1

    def __post_init__(self) -> None:
        name, sizes = type(self).__name__, {"in_channels": self.in_channels, "hidden": self.hidden}
        _check_sizes(name, **sizes, channels=self.channels)
        for size, value in sizes.items():
            if value % self.channels:
                raise DomainError(f"{name}: {size} is {value}, expected a multiple of channels={self.channels}")

    def _layer(self, input_kernel: tuple[int, int], state_kernel: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        rows = 4 * self.hidden
        return {
            "input_to_state.weight": (rows, self.in_channels, *input_kernel),
            "input_to_state.bias": (rows,),
            "state_to_state.weight": (rows, self.hidden, *state_kernel),
        }


@dataclass(frozen=True)
class RowLSTM(_PixelLSTM):
    """Configuration of `row_lstm`.

    Parameters
    ----------
    in_channels, hidden, channels : int
        As of both layers.
    kernel_size : int
        Pixels of a row that both kernels see, m, an odd number.
    """

    kernel_size: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_sizes("RowLSTM", kernel_size=self.kernel_size)
        if self.kernel_size % 2 == 0:
            raise DomainError(f"RowLSTM: kernel_size is {self.kernel_size}, expected an odd number")

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters; blocks of rows are the gates i, f, the candidate, and o, as in torch's LSTM.

        >>> RowLSTM(1, 8).parameters()["state_to_state.weight"]
        (32, 8, 1, 3)
        """
        return self._layer((1, self.kernel_size), (1, self.kernel_size))


@dataclass(frozen=True)
class DiagonalBiLSTM(_PixelLSTM):
    """Configuration of `diagonal_bilstm`.

    Parameters
    ----------
    in_channels, hidden, channels : int
        As of both layers.
    """

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters, of either direction; gates as in `RowLSTM`.

        >>> list(DiagonalBiLSTM(1, 8).parameters())[:3]
        ['from_left.input_to_state.weight', 'from_left.input_to_state.bias', 'from_left.state_to_state.weight']
        """
        layer = self._layer((1, 1), (2, 1))
        return {f"{side}.{name}": shape for side in ("from_left", "from_right") for name, shape in layer.items()}


_GATES = r"[i, f, \tilde c, o] &= [\sigma, \sigma, \tanh, \sigma]"


@formula(
    ko="Row LSTM",
    en="Row LSTM",
    tex=rf"\begin{{aligned}} {_GATES}(K^{{ss}} * h_{{r-1}} + K^{{is}} * x_r + b) \\"
    r"c_r &= f \odot c_{r-1} + i \odot \tilde c, \qquad h_r = o \odot \tanh c_r \end{aligned}",
    notes=("000#Auto-regressive Model / 2. Pixel RNN",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.1",
    kind="model",
    differentiable=True,
)
def row_lstm(
    config: RowLSTM, params: Parameters, x: Float[Array, "n config.in_channels h w"], /
) -> Float[Array, "n config.hidden h w"]:
    """Let an LSTM go down an image row by row; a step is a convolution along the row, for all its pixels at once.

    The kernel over the input is masked (type B of `context_mask`), that over the row above is not. Before the first
    row and beside the image every state is 0. What a pixel sees above it is a triangle.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, config.in_channels, h, w)
    returns : (n, config.hidden, h, w)

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 3.1.

    Examples
    --------
    >>> from gongsik.spec.autoregressive import RowLSTM
    >>> config = RowLSTM(1, 1)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params["input_to_state.bias"] = gs.asarray([50.0, 50.0, 50.0, 50.0])  # all gates open: the cell counts rows
    >>> h = gs.to_numpy(gs.row_lstm(config, params, gs.asarray(np.zeros((1, 1, 3, 2)))))
    >>> h[0, 0, :, 0].round(4)  # tanh of 1, 2, 3
    array([0.7616, 0.964 , 0.9951])
    """
    ...


@formula(
    ko="대각 정렬(skew)",
    en="Skewing rows",
    tex=r"y_{r,\, c + r} = x_{r, c}, \qquad 0 \text{ elsewhere}",
    notes=("000#Auto-regressive Model / 2. Pixel RNN",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.2",
    differentiable=True,
    axes={"s": "w + h - 1"},
)
def skew(x: Float[Array, "*batch h w"], /) -> Float[Array, "*batch h s"]:
    """Shift every row one further to the right than the one above it: what lay on a diagonal becomes a column.

    Shapes
    ------
    x : (*batch, h, w)
    returns : (*batch, h, w + h - 1)

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 3.2.

    Examples
    --------
    >>> gs.to_numpy(gs.skew(gs.asarray([[1.0, 2.0], [3.0, 4.0]])))
    array([[1., 2., 0.],
           [0., 3., 4.]])
    """
    ...


@formula(
    ko="대각 정렬 되돌리기(unskew)",
    en="Undoing the skew",
    tex=r"x_{r, c} = y_{r,\, c + r}",
    notes=("000#Auto-regressive Model / 2. Pixel RNN",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.2",
    differentiable=True,
    requires=(("h <= s", "at least as many columns as rows"),),
    axes={"w": "s - h + 1"},
)
def unskew(y: Float[Array, "*batch h s"], /) -> Float[Array, "*batch h w"]:
    """Shift the rows back and leave out what `skew` has filled in.

    Shapes
    ------
    y : (*batch, h, s), s >= h
    returns : (*batch, h, s - h + 1)

    Raises
    ------
    DomainError
        If there are more rows than columns.

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 3.2.

    Examples
    --------
    >>> gs.to_numpy(gs.unskew(gs.asarray([[1.0, 2.0, 0.0], [0.0, 3.0, 4.0]])))
    array([[1., 2.],
           [3., 4.]])
    """
    ...


@formula(
    ko="Diagonal BiLSTM",
    en="Diagonal BiLSTM",
    tex=rf"\begin{{aligned}} {_GATES}(K^{{ss}}_0 h_{{r-1, c}} + K^{{ss}}_1 h_{{r, c-1}} + K^{{is}} x_{{r, c}} + b) \\"
    r"c_{r, c} &= f \odot c_{r, c-1} + i \odot \tilde c, \qquad h_{r, c} = o \odot \tanh c_{r, c} \\"
    r"y_{r, c} &= h^{\rightarrow}_{r, c} + h^{\leftarrow}_{r-1, c} \end{aligned}",
    notes=("000#Auto-regressive Model / 2. Pixel RNN",),
    source="van den Oord, Kalchbrenner & Kavukcuoglu 2016, section 3.2",
    kind="model",
    differentiable=True,
)
def diagonal_bilstm(
    config: DiagonalBiLSTM, params: Parameters, x: Float[Array, "n config.in_channels h w"], /
) -> Float[Array, "n config.hidden h w"]:
    """Let two LSTMs cross an image from its upper corners, a diagonal per step: together they see all earlier pixels.

    Each reads the pixel's input, its own state one to the side, and that of the row above. Skewed, a diagonal is a
    column, so that a step is one convolution. What comes from the right is shifted down by a row before both are
    added, because in its own row it has seen later pixels. Outside the image every state is 0.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says; row 0 of a state's kernel is for the row
        above
    x : (n, config.in_channels, h, w)
    returns : (n, config.hidden, h, w)

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 3.2.

    Examples
    --------
    >>> from gongsik.spec.autoregressive import DiagonalBiLSTM
    >>> config = DiagonalBiLSTM(1, 1)
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> params["from_left.input_to_state.bias"] = gs.asarray([50.0, 50.0, 50.0, 50.0])  # the cell counts columns
    >>> gs.to_numpy(gs.diagonal_bilstm(config, params, gs.asarray(np.zeros((1, 1, 2, 3))))[0, 0]).round(4)
    array([[0.7616, 0.964 , 0.9951],
           [0.7616, 0.964 , 0.9951]])
    """
    ...
