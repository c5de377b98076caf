"""Recurrent networks: what comes in order is read in order, by one cell with one set of weights.

A sequence is [n t i]: samples, steps, features. A cell does one step, on arrays; `rnn`, `lstm` and `gru` run one over a
whole sequence, in any number of layers, with the names and the stacking of torch.nn: `weight_ih_l0` has a block of
rows per gate. The weights of the cells work from the left, as in torch; U, W and V of the formulas that derive
backpropagation through time work from the right, as in the lecture.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args

from annotated_types import Ge
from jaxtyping import Float, Int

from gongsik.spec.array import Array, Labels, Simplex
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="순환 신경망", en="Recurrent networks")

Lengths: TypeAlias = Annotated[Int[Array, "n"], Labels("t", first=1)]
"""How many steps of each sample are real; what follows is padding."""

Sequence: TypeAlias = Float[Array, "n t i"]
Distribution: TypeAlias = Annotated[Float[Array, "n o"], Simplex()]


# Models of sequences


@formula(
    ko="단순 순차 모델",
    en="Naive sequence model",
    tex=r"p(x_1, \dots, x_T) = \prod_{t=1}^{T} p(x_t \mid x_{t-1}, \dots, x_1)",
    notes=("000#Sequential Model / 1. Naive sequence Model", "001#Sequential Model"),
    source="Bengio, Ducharme, Vincent & Jauvin 2003, section 1",
)
def naive_sequence_model(tables: tuple, seq: Annotated[Int[Array, "n t"], Ge(0)], /) -> Float[Array, "n"]:
    """Look up the probability of every element in a table over all that came before it, and add up the logarithms.

    Shapes
    ------
    tables : (k,), (k, k), (k, k, k), ..., at least t of them: table j gives the distribution of an element for each of
        the k^(j - 1) pasts that j - 1 elements can be; its last axis sums to 1, which nobody checks
    seq : (n, t), integers from 0 to k - 1
    returns : (n,), log-probabilities; minus infinity where a step is impossible

    Raises
    ------
    ShapeError
        If there are fewer tables than steps, or one has another shape.
    DtypeError
        If the tables are no tuple of arrays.

    Source
    ------
    Bengio, Ducharme, Vincent & Jauvin 2003, "A neural probabilistic language model", section 1: the chain rule of
    probability.

    Examples
    --------
    >>> tables = gs.asarray([0.5, 0.5]), gs.asarray([[0.25, 0.75], [1.0, 0.0]])
    >>> p = np.exp(gs.to_numpy(gs.naive_sequence_model(tables, gs.asarray([[0, 1], [1, 0], [1, 1]]))))
    >>> [round(float(x), 6) for x in p]
    [0.375, 0.5, 0.0]
    """
    ...


def check_tables(tables: tuple, t: int, /) -> None:
    """Hold the tables of `naive_sequence_model` against a sequence of t steps.

    Raises
    ------
    ShapeError
        If there are fewer tables than steps, or one has another shape.
    DtypeError
        If one is no array.
    """
    shapes = [getattr(table, "shape", None) for table in tables]
    if None in shapes:
        raise DtypeError("naive_sequence_model: tables is expected to be a tuple of arrays")
    expected = [(shapes[0][0],) * (j + 1) if shapes[0] else () for j in range(len(shapes))] if shapes else []
    if len(shapes) < t or any(tuple(a) != b or not b for a, b in zip(shapes, expected, strict=True)):
        found = ", ".join(str(tuple(shape)) for shape in shapes)
        raise ShapeError(
            f"naive_sequence_model: tables have the shapes {found}, expected {t} or more: (k,), (k, k), ..."
        )


@formula(
    ko="자기회귀 모델 AR(τ)",
    en="Autoregressive model AR(tau)",
    tex=r"\hat x_t = c + \sum_{k=1}^{\tau} a_k\, x_{t-k}",
    notes=("000#Sequential Model / 2. Autoregressive model", "001#PPT 필기 (07강)"),
    source="Yule 1927",
    kind="model",
    differentiable=True,
    requires=(("tau <= t", "at least tau steps"),),
    axes={"m": "t + 1 - tau"},
)
def autoregressive_model(
    x: Float[Array, "*batch t"], a: Float[Array, "tau"], c: Float[Array, ""], /
) -> Float[Array, "*batch m"]:
    """Predict every element from the tau before it; the last prediction is of the element after the end.

    Shapes
    ------
    x : (*batch, t), t >= tau
    a : (tau,), a[k - 1] weighs what was k steps ago
    c : ()
    returns : (*batch, t + 1 - tau), predictions of steps tau + 1 to t + 1

    Raises
    ------
    DomainError
        If there are fewer than tau steps.

    Source
    ------
    Yule 1927, "On a method of investigating periodicities in disturbed series".

    Examples
    --------
    >>> fibonacci, a, c = gs.asarray([1.0, 1.0, 2.0, 3.0, 5.0]), gs.asarray([1.0, 1.0]), gs.asarray(0.0)
    >>> gs.to_numpy(gs.autoregressive_model(fibonacci, a, c))
    array([2., 3., 5., 8.])
    """
    ...


@formula(
    ko="마르코프 모델",
    en="Markov (first-order autoregressive) model",
    tex=r"p(x_1, \dots, x_T) = p(x_1) \prod_{t=2}^{T} p(x_t \mid x_{t-1})",
    notes=("000#Sequential Model / 3. Markov model", "000#Structure Through Independence & Conditional Independence",
           "004#n-gram"),
    source="Markov 1913",
    kind="model",
)  # fmt: skip
def markov_model(
    initial: Annotated[Float[Array, "k"], Simplex()],
    transition: Annotated[Float[Array, "k k"], Simplex()],
    seq: Annotated[Int[Array, "n t"], Labels("k")],
    /,
) -> Float[Array, "n"]:
    """Give the log-probability of every sequence, each element given only the one before it.

    Shapes
    ------
    initial : (k,), the distribution of the first element
    transition : (k, k), row i is the distribution after state i
    seq : (n, t), states from 0 to k - 1
    returns : (n,); minus infinity where a step is impossible

    Source
    ------
    Markov 1913, "An example of statistical investigation of the text Eugene Onegin concerning the connection of
    samples in chains".

    Examples
    --------
    >>> initial, transition = gs.asarray([0.5, 0.5]), gs.asarray([[0.75, 0.25], [0.5, 0.5]])
    >>> p = np.exp(gs.to_numpy(gs.markov_model(initial, transition, gs.asarray([[0, 0, 1], [1, 1, 1]]))))
    >>> [round(float(x), 6) for x in p]  # 1/2 * 3/4 * 1/4 and 1/2 * 1/2 * 1/2
    [0.09375, 0.125]
    """
    ...


@formula(
    ko="잠재 자기회귀 모델",
    en="Latent autoregressive model",
    tex=r"h_t = g(h_{t-1}, x_{t-1}), \qquad \hat x_t = r(h_t)",
    notes=("000#Sequential Model / 4. Latent autoregressive model", "000#Recurrent Neural Network(RNN)"),
    source="Zhang, Lipton, Li & Smola 2023, section 9.1",
    errata=(
        Erratum(
            key="rnn_implements_ar",
            place="000#Recurrent Neural Network(RNN)",
            stated="RNN은 AR 모델을 신경망으로 구현한 것이다.",
            right="RNN은 **잠재** 자기회귀 모델을 구현한다. AR($\\tau$)는 바로 앞의 $\\tau$개만 보지만, RNN의 "
            "은닉 상태에는 첫 입력까지의 흔적이 남는다.",
            setup="x, none = np.array([[1.0, 0.0, 0.0, 0.0]]), np.zeros(1)\n"
            "g, r = lambda h, x: 0.5 * h + x, lambda h: h",
            stated_value="float(gs.autoregressive_model(x, np.zeros(2), np.zeros(()))[0, -1])",
            right_value="float(gs.latent_autoregressive_model(g, r, x[..., None], none[None])[0, -1, 0])",
        ),
    ),
    kind="model",
    differentiable=True,
)
def latent_autoregressive_model(
    update: Callable[..., Any], readout: Callable[..., Any], x: Sequence, h0: Float[Array, "n k"], /
) -> Float[Array, "n t o"]:
    """Keep a summary of all that was seen, of one size, and predict the next element from it.

    Shapes
    ------
    update : g, a function of (h, x), (n, k) and (n, i), that returns the next summary, (n, k)
    readout : r, a function of a summary that returns a prediction, (n, o)
    x : (n, t, i)
    h0 : (n, k), the summary of nothing
    returns : (n, t, o); prediction j, counted from 0, is of the step after x[:, j]

    Source
    ------
    Zhang, Lipton, Li & Smola 2023, "Dive into deep learning", section 9.1.

    Examples
    --------
    >>> running_sum = gs.latent_autoregressive_model(
    ...     lambda h, x: h + x, lambda h: h, gs.asarray([[[1.0], [2.0], [3.0]]]), gs.asarray([[0.0]]))
    >>> gs.to_numpy(running_sum[0, :, 0])
    array([1., 3., 6.])
    """
    ...


# The plain cell, and what is made of it


@formula(
    ko="기본 RNN 셀",
    en="Vanilla RNN cell",
    tex=r"h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b), \qquad b = b_{ih} + b_{hh}",
    notes=("000#Recurrent Neural Network(RNN)", "000#Long Short Term Memory(LSTM) (Vanilla RNN Unit, img)",
           "001#Recurrent Neural Network", "002#RNN의 구조", "003#RNN", "004#RNN(Recurrent Neural Networks)"),
    source="Elman 1990",
    differentiable=True,
)  # fmt: skip
def rnn_cell(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], weight_ih: Float[Array, "k i"],
    weight_hh: Float[Array, "k k"], bias_ih: Float[Array, "k"], bias_hh: Float[Array, "k"], /,
    *, nonlinearity: Literal["tanh", "relu"] = "tanh",
) -> Float[Array, "*batch k"]:  # fmt: skip
    """Make the next state of an input and the state before: one layer that sees its own output of a step ago.

    Shapes
    ------
    x : (*batch, i)
    h : (*batch, k)
    weight_ih, weight_hh : (k, i), (k, k); W_xh and W_hh
    bias_ih, bias_hh : (k,); torch keeps two biases, of which only the sum matters
    returns : (*batch, k)

    Options
    -------
    nonlinearity : "tanh", which keeps the state within -1 and 1, or "relu"

    Source
    ------
    Elman 1990, "Finding structure in time".

    Examples
    --------
    >>> one, zero = gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> h = gs.rnn_cell(one, gs.asarray([[0.0]]), one, one, zero, zero)
    >>> round(float(h[0, 0]), 6)  # tanh(1)
    0.761594
    """
    ...


def _check_sizes(model: str, **sizes: int) -> None:
    for name, size in sizes.items():
        if type(size) is not int:
            raise DtypeError(f"{model}: {name} is {size!r}, expected an int")
        if size < 1:
            raise DomainError(f"{model}: {name} is {size}, expected an int >= 1")


def _check_choice(model: str, name: str, value: str, choices: Any) -> None:
    if value not in get_args(choices):
        raise DomainError(f"{model}: {name} is {value!r}, expected one of {', '.join(map(repr, get_args(choices)))}")


Nonlinearity: TypeAlias = Literal["tanh", "relu"]
Update: TypeAlias = Literal["keep", "write"]
Form: TypeAlias = Literal["many_to_many", "many_to_one", "one_to_many", "sequence_to_sequence"]
JordanActivation: TypeAlias = Literal["identity", "sigmoid", "tanh", "softmax"]


@dataclass(frozen=True)
class _Recurrent:
    """What the configurations of all recurrent networks share.

    Parameters
    ----------
    input_size : int
        Features of a step of the input, i.
    hidden_size : int
        Width of the state, k.
    num_layers : int
        Each layer after the first reads the states of the one below.

    Raises
    ------
    DomainError
        If a size is below 1, or an option is unknown.
    DtypeError
        If a size is no int.
    """

    gates: ClassVar[int]

    input_size: int
    hidden_size: int
    num_layers: int = 1

    def __post_init__(self) -> None:
        _check_sizes(type(self).__name__, input_size=self.input_size, hidden_size=self.hidden_size,
                     num_layers=self.num_layers)  # fmt: skip

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters, by torch.nn's names: the gates of a layer are blocks of rows.

        >>> LSTM(2, 3).parameters()
        {'weight_ih_l0': (12, 2), 'weight_hh_l0': (12, 3), 'bias_ih_l0': (12,), 'bias_hh_l0': (12,)}
        """
        table: dict[str, tuple[int, ...]] = {}
        rows = self.gates * self.hidden_size
        for layer in range(self.num_layers):
            table[f"weight_ih_l{layer}"] = (rows, self.hidden_size if layer else self.input_size)
            table[f"weight_hh_l{layer}"] = (rows, self.hidden_size)
            table[f"bias_ih_l{layer}"] = table[f"bias_hh_l{layer}"] = (rows,)
        return table

    def layer(self, params: Parameters, layer: int) -> tuple[Any, Any, Any, Any]:
        """Both weights and both biases of one layer, in the order in which the cells take them."""
        return (params[f"weight_ih_l{layer}"], params[f"weight_hh_l{layer}"], params[f"bias_ih_l{layer}"],
                params[f"bias_hh_l{layer}"])  # fmt: skip


@dataclass(frozen=True)
class RNN(_Recurrent):
    """Configuration of a network of plain cells.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
        As of every recurrent network.
    nonlinearity
        The option of `rnn_cell`.
    """

    gates = 1

    nonlinearity: Nonlinearity = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_choice("RNN", "nonlinearity", self.nonlinearity, Nonlinearity)


@dataclass(frozen=True)
class LSTM(_Recurrent):
    """Configuration of a network of LSTM cells; the blocks of rows are the gates i, f, the candidate, and o."""

    gates = 4


@dataclass(frozen=True)
class GRU(_Recurrent):
    """Configuration of a network of GRU cells; the blocks of rows are the gates r, z and the candidate.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
        As of every recurrent network.
    reset_after, update
        The options of `gru_cell`.
    """

    gates = 3

    reset_after: bool = True
    update: Update = "keep"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_choice("GRU", "update", self.update, Update)


class States(NamedTuple):
    """The state of the last layer at every step, and that of every layer after the last step."""

    output: Float[Array, "n t k"]
    h: Float[Array, "l n k"]


class LSTMStates(NamedTuple):
    """The output of the last layer at every step, and output and cell of every layer after the last step."""

    output: Float[Array, "n t k"]
    h: Float[Array, "l n k"]
    c: Float[Array, "l n k"]


@formula(
    ko="순환 신경망",
    en="Recurrent network over a sequence",
    tex=r"h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b), \quad t = 1, \dots, T",
    notes=("000#Recurrent Neural Network(RNN)", "002#RNN", "003#재귀 신경망의 구조와 동작",
           "004#RNN(Recurrent Neural Networks)"),
    source="Elman 1990",
    kind="model",
    differentiable=True,
    requires=(("config.num_layers == 1", "one layer (stacked_rnn takes more)"),),
)  # fmt: skip
def rnn(
    config: RNN,
    params: Parameters,
    x: Float[Array, "n t config.input_size"],
    h0: Float[Array, "config.num_layers n config.hidden_size"] | None = None,
    /,
) -> States:
    """Let `rnn_cell` read a sequence step by step, with the same weights at each.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, t, config.input_size)
    h0 : (config.num_layers, n, config.hidden_size), the states before the first step; 0 if it is not given
    returns : `States`: output (n, t, config.hidden_size), h (config.num_layers, n, config.hidden_size)

    Raises
    ------
    ShapeError
        If the sequence has no step; if parameters are missing, unknown or of another shape, all of them named.
    DomainError
        If the configuration has several layers.

    Source
    ------
    Elman 1990, "Finding structure in time".

    Examples
    --------
    >>> from gongsik.spec.recurrent import RNN
    >>> params = {"weight_ih_l0": gs.asarray([[1.0]]), "weight_hh_l0": gs.asarray([[2.0]]),
    ...           "bias_ih_l0": gs.asarray([0.0]), "bias_hh_l0": gs.asarray([0.0])}
    >>> output, h = gs.rnn(RNN(1, 1, nonlinearity="relu"), params, gs.asarray([[[1.0], [0.0], [0.0]]]))
    >>> gs.to_numpy(output[0, :, 0]), float(h[0, 0, 0])
    (array([1., 2., 4.]), 4.0)
    """
    ...


@formula(
    ko="다층 RNN",
    en="Multi-layer RNN",
    tex=r"h_t^{(l)} = \tanh\bigl(W_{hh}^{(l)} h_{t-1}^{(l)} + W_{xh}^{(l)} h_t^{(l-1)} + b^{(l)}\bigr), "
    r"\qquad h_t^{(0)} = x_t",
    notes=("004#RNN(Recurrent Neural Networks) (Multilayer RNN)",),
    source="El Hihi & Bengio 1995",
    kind="model",
    differentiable=True,
)
def stacked_rnn(
    config: RNN,
    params: Parameters,
    x: Float[Array, "n t config.input_size"],
    h0: Float[Array, "config.num_layers n config.hidden_size"] | None = None,
    /,
) -> States:
    """Put plain networks on top of each other: each reads, step by step, the states of the one below.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, t, config.input_size)
    h0 : (config.num_layers, n, config.hidden_size), the states before the first step; 0 if it is not given
    returns : `States`: output (n, t, config.hidden_size), h (config.num_layers, n, config.hidden_size)

    Raises
    ------
    ShapeError
        If the sequence has no step; if parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    El Hihi & Bengio 1995, "Hierarchical recurrent neural networks for long-term dependencies".

    Examples
    --------
    >>> from gongsik.spec.recurrent import RNN
    >>> config = RNN(1, 1, num_layers=2, nonlinearity="relu")
    >>> params = {name: gs.asarray(np.ones(shape) if "weight" in name else np.zeros(shape))
    ...           for name, shape in config.parameters().items()}
    >>> output, h = gs.stacked_rnn(config, params, gs.asarray([[[1.0], [0.0], [0.0]]]))
    >>> gs.to_numpy(output[0, :, 0]), gs.to_numpy(h[:, 0, 0])  # sums, and sums of sums
    (array([1., 2., 3.]), array([1., 3.]))
    """
    ...


class RNNForward(NamedTuple):
    """The distribution over the classes, and the state to go on with."""

    f: Float[Array, "n o"]
    h: Float[Array, "n k"]


@formula(
    ko="RNN 순전파 코드",
    en="RNN forward step of the notes' code",
    tex=r"s = x U + h W + b, \quad h \leftarrow \tanh s, \quad o = h V + c, \quad f = \mathrm{softmax}(o)",
    notes=("003#Code",),
    source="Goodfellow, Bengio & Courville 2016, eq. 10.8-10.11",
    errata=(
        Erratum(
            key="rnn_code_output",
            place="003#Code",
            stated="출력을 `mm(s, V) + c`로, 활성화 이전의 $s$에서 계산한다.",
            right="출력은 새 은닉 상태에서 나온다: `mm(h, V) + c`.",
            setup="one, zero = np.ones((1, 1)), np.zeros(1)\nV = np.array([[1.0, 0.0]])\nc = np.zeros(2)\n"
            "s = 2 * one\nf = lambda o: round(float(gs.softmax(o)[0, 0]), 4)",
            stated_value="f(s @ V + c)",
            right_value="round(float(gs.rnn_forward_code(s, 0 * one, one, one, V, zero, c).f[0, 0]), 4)",
        ),
        Erratum(
            key="rnn_code_softmax",
            place="003#Code",
            stated="마지막 줄이 `f = F.softmax()`이다.",
            right="`F.softmax(o, dim=1)`이다. 입력 없이 부르면 오류가 난다.",
            setup="def call(*arguments):\n"
            "    try:\n"
            "        return gs.softmax(*arguments).tolist()\n"
            "    except TypeError:\n"
            "        return 'TypeError'",
            stated_value="call()",
            right_value="call(np.zeros(2))",
        ),
    ),
    kind="algorithm",
    differentiable=True,
)
def rnn_forward_code(
    x: Float[Array, "n i"], h: Float[Array, "n k"], u: Float[Array, "i k"], w: Float[Array, "k k"],
    v: Float[Array, "k o"], b: Float[Array, "k"], c: Float[Array, "o"], /,
) -> RNNForward:  # fmt: skip
    """Do one step of a classifying RNN: a new state of input and old state, and a distribution of the new state.

    The weights work from the right: a sample is a row.

    Shapes
    ------
    x, h : (n, i), (n, k)
    u, w, v : (i, k), (k, k), (k, o)
    b, c : (k,), (o,)
    returns : `RNNForward`: f (n, o), h (n, k)

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep learning", eq. 10.8-10.11.

    Examples
    --------
    >>> one, zero = gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> f, h = gs.rnn_forward_code(2 * one, 0 * one, one, one, gs.asarray([[0.0, 0.0]]), zero, gs.asarray([0.0, 0.0]))
    >>> gs.to_numpy(f), round(float(h[0, 0]), 6)  # tanh(2)
    (array([[0.5, 0.5]]), 0.964028)
    """
    ...


shared_weights = law(
    "recurrent.shared_weights",
    ko="시간 공유 가중치",
    en="Weights shared over time",
    tex=r"\theta_t = \theta\ \ \forall t, \qquad "
    r"\frac{\partial L}{\partial \theta} = \sum_t \frac{\partial L}{\partial \theta_t}",
    notes=("002#RNN의 구조", "003#BPTT 알고리즘", "004#RNN의 장점"),
    source="Rumelhart, Hinton & Williams 1986",
)

variable_length = law(
    "recurrent.variable_length",
    ko="가변 길이 입력",
    en="Variable-length inputs",
    tex=r"f_\theta: \bigcup_T \mathbb R^{T \times d} \to \mathbb R^k",
    notes=("000#Sequential Model", "001#Sequential Model", "004#RNN의 장점", "004#RNN(Recurrent Neural Networks)"),
    source="Goodfellow, Bengio & Courville 2016, chapter 10",
    errata=(
        Erratum(
            key="cnn_cannot_sequence",
            place="000#Sequential Model",
            stated="길이를 미리 알 수 없으므로 순차 데이터에는 CNN을 쓸 수 없다.",
            right="길이가 정해져야 하는 것은 완전 연결층이다. 합성곱은 어떤 길이에도 쓸 수 있고, 전역 풀링을 하면 "
            "결과의 크기도 같다.",
            setup="kernel = np.array([1.0, -2.0, 1.0])\n"
            "outputs = [np.convolve(np.arange(n) ** 2.0, kernel, 'valid').max().shape for n in (5, 9)]",
            stated_value="False  # 두 길이에 모두 쓸 수 있는가",
            right_value="outputs[0] == outputs[1]",
        ),
    ),
)


class Jordan(NamedTuple):
    """The output, which is the state, and the hidden layer that it was read from."""

    y: Float[Array, "*batch o"]
    h: Float[Array, "*batch k"]


class JordanStates(NamedTuple):
    """Output and hidden layer at every step."""

    y: Float[Array, "n t o"]
    h: Float[Array, "n t k"]


_JORDAN_TEX = r"h_t = \tanh(W_x x_t + W_y y_{t-1} + b), \qquad y_t = \rho(W_o h_t + c)"


@formula(
    ko="출력 재입력 RNN 셀(조던)",
    en="Recurrent cell fed by the output layer (Jordan network)",
    tex=_JORDAN_TEX,
    notes=("003#재귀 신경망의 구조",),
    source="Jordan 1986",
    differentiable=True,
)
def jordan_cell(
    x: Float[Array, "*batch i"], y: Float[Array, "*batch o"], w_x: Float[Array, "k i"], w_y: Float[Array, "k o"],
    b: Float[Array, "k"], w_o: Float[Array, "o k"], c: Float[Array, "o"], /,
    *, activation: JordanActivation = "sigmoid",
) -> Jordan:  # fmt: skip
    """Feed the output back in place of the hidden layer: all that is remembered is what was said.

    Shapes
    ------
    x, y : (*batch, i), (*batch, o)
    w_x, w_y, b : (k, i), (k, o), (k,)
    w_o, c : (o, k), (o,)
    returns : `Jordan`: y (*batch, o), h (*batch, k)

    Options
    -------
    activation : rho, what turns the output layer's sums into the output

    Source
    ------
    Jordan 1986, "Serial order: a parallel distributed processing approach".

    Examples
    --------
    >>> one, zero = gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> y, h = gs.jordan_cell(one, one, one, -one, zero, one, zero)
    >>> float(y[0, 0]), float(h[0, 0])  # the input and the last output cancel out
    (0.5, 0.0)
    """
    ...


@formula(
    ko="조던 신경망",
    en="Jordan network over a sequence",
    tex=_JORDAN_TEX + r" \qquad (t = 1, \dots, T)",
    notes=("003#재귀 신경망의 구조",),
    source="Jordan 1986",
    kind="model",
    differentiable=True,
)
def jordan_network(
    x: Sequence, y0: Float[Array, "n o"], w_x: Float[Array, "k i"], w_y: Float[Array, "k o"], b: Float[Array, "k"],
    w_o: Float[Array, "o k"], c: Float[Array, "o"], /, *, activation: JordanActivation = "sigmoid",
) -> JordanStates:  # fmt: skip
    """Let `jordan_cell` read a sequence step by step.

    Shapes
    ------
    x : (n, t, i)
    y0 : (n, o), the output before the first step
    w_x, w_y, b, w_o, c : as in `jordan_cell`
    returns : `JordanStates`: y (n, t, o), h (n, t, k)

    Options
    -------
    activation : rho, what turns the output layer's sums into the output

    Source
    ------
    Jordan 1986, "Serial order: a parallel distributed processing approach".

    Examples
    --------
    >>> one, zero, x = gs.asarray([[1.0]]), gs.asarray([0.0]), gs.asarray([[[0.0], [0.0]]])
    >>> y, _ = gs.jordan_network(x, one, one, one, zero, one, zero, activation="identity")
    >>> [round(float(step), 4) for step in y[0, :, 0]]  # tanh(1), tanh(tanh(1))
    [0.7616, 0.642]
    """
    ...


@dataclass(frozen=True)
class SequenceMapping:
    """Configuration of a recurrent network with a linear layer on its states.

    Parameters
    ----------
    recurrent : RNN, LSTM or GRU
        What reads the sequence.
    output_size : int
        Numbers in one output, o.
    form : str
        What is read and what is written: "many_to_many" writes at every step, "many_to_one" after the last one,
        "sequence_to_sequence" begins to write after the last one and reads each output as its next input,
        "one_to_many" is the same after a single step.
    steps : int
        How many outputs the two forms write that feed them back.

    Raises
    ------
    DomainError
        If a size is below 1, the form is unknown, or an output that is fed back has not the size of an input.
    DtypeError
        If a size is no int.
    """

    recurrent: RNN | LSTM | GRU
    output_size: int
    form: Form = "many_to_many"
    steps: int = 1

    def __post_init__(self) -> None:
        _check_sizes("SequenceMapping", output_size=self.output_size, steps=self.steps)
        _check_choice("SequenceMapping", "form", self.form, Form)
        if self.feeds_back and self.output_size != self.recurrent.input_size:
            raise DomainError(
                f"SequenceMapping: output_size is {self.output_size}, expected {self.recurrent.input_size} as "
                f"input_size, because {self.form} reads its outputs"
            )

    @property
    def feeds_back(self) -> bool:
        return self.form in ("one_to_many", "sequence_to_sequence")

    def outputs(self, t: int) -> int:
        """How many outputs are written for t inputs."""
        return {"many_to_many": t, "many_to_one": 1}.get(self.form, self.steps)

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters by name: those of `recurrent`, and of the linear layer.

        >>> list(SequenceMapping(RNN(2, 3), 1).parameters())[2:]
        ['recurrent.bias_ih_l0', 'recurrent.bias_hh_l0', 'linear.weight', 'linear.bias']
        """
        table = {f"recurrent.{name}": shape for name, shape in self.recurrent.parameters().items()}
        table["linear.weight"] = (self.output_size, self.recurrent.hidden_size)
        table["linear.bias"] = (self.output_size,)
        return table


@formula(
    ko="입출력 대응 형태",
    en="Input/output forms of an RNN",
    tex=r"\begin{aligned}"
    r"&\text{many-to-many:} & y_t &= V h_t + c \quad (t = 1, \dots, T) \\"
    r"&\text{many-to-one:} & y &= V h_T + c \\"
    r"&\text{sequence-to-sequence, one-to-many:} & y_s &= V h_{T+s-1} + c, \quad x_{T+s} = y_s"
    r"\end{aligned}",
    notes=("002#RNN의 쓰임새", "003#재귀 신경망에서 입력과 출력의 대응 형태",
           "004#RNN(Recurrent Neural Networks)"),
    source="Karpathy 2015, “The unreasonable effectiveness of recurrent neural networks”",
    errata=(
        Erratum(
            key="one_to_one_is_recurrent",
            place="004#RNN(Recurrent Neural Networks)",
            stated="one-to-one은 입력을 받고, 그 결과와 다음 입력으로 새 결과를 내기를 되풀이한 다음 출력하는 것이다.",
            right="그것은 many-to-one이다. one-to-one은 입력 하나에 출력 하나이고 되풀이가 없다.",
        ),
    ),
    kind="model",
    differentiable=True,
)  # fmt: skip
def sequence_mapping(
    config: SequenceMapping,
    params: Parameters,
    x: Float[Array, "n t config.recurrent.input_size"],
    lengths: Lengths | None = None,
    /,
) -> Float[Array, "n config.outputs(t) config.output_size"]:
    """Read a sequence and write one: an output per step, one at the end, or as many as wanted after the end.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, t, config.recurrent.input_size); one step for "one_to_many"
    lengths : (n,), from 1 to t: how many steps of each sample are real, for "many_to_one"; all if it is not given
    returns : (n, config.outputs(t), config.output_size)

    Raises
    ------
    ShapeError
        If the sequence has no step, or more than one for "one_to_many"; if parameters are missing, unknown or of
        another shape, all of them named.
    DomainError
        If a length is below 1 or beyond the padded axis; if there are lengths for another form than "many_to_one".

    Source
    ------
    Karpathy 2015, "The unreasonable effectiveness of recurrent neural networks".

    Examples
    --------
    >>> from gongsik.spec.recurrent import RNN, SequenceMapping
    >>> names = SequenceMapping(RNN(1, 1, nonlinearity="relu"), 1).parameters()
    >>> params = {name: gs.asarray(np.ones(shape) if "weight" in name else np.zeros(shape))
    ...           for name, shape in names.items()}
    >>> x = gs.asarray([[[1.0], [2.0], [3.0]]])
    >>> for form in ("many_to_many", "many_to_one", "sequence_to_sequence"):
    ...     config = SequenceMapping(RNN(1, 1, nonlinearity="relu"), 1, form, steps=2)
    ...     gs.to_numpy(gs.sequence_mapping(config, params, x)[0, :, 0])
    array([1., 3., 6.])
    array([6.])
    array([ 6., 12.])
    """
    ...


def check_reading(config: SequenceMapping, t: int, lengths: Any, /) -> None:
    """Hold a sequence of t steps and its lengths against the form.

    Raises
    ------
    DomainError
        If there are several steps for "one_to_many", or lengths for another form than "many_to_one".
    """
    if config.form == "one_to_many" and t != 1:
        raise DomainError(f"sequence_mapping: x has {t} steps, expected 1 for one_to_many")
    if lengths is not None and config.form != "many_to_one":
        raise DomainError(f"sequence_mapping: lengths are given, expected None for {config.form}")


# Training: backpropagation through time


@formula(
    ko="서열 목적 함수",
    en="Sequence objective",
    tex=r"E(y, y') = \sum_t E_t(y_t, y'_t), \qquad E_t = -\sum_{i=1}^{K} y'_{ti} \log \mathrm{softmax}(z_t)_i "
    r"\ \text{ or }\ \frac1K \sum_{i=1}^{K} (y'_{ti} - z_{ti})^2",
    notes=("003#BPTT 알고리즘", "004#RNN(Recurrent Neural Networks) (Cross-entropy)"),
    source="Goodfellow, Bengio & Courville 2016, eq. 10.12-10.14",
    errata=(
        Erratum(
            key="sequence_loss_index",
            place="003#BPTT 알고리즘",
            stated="오차를 $\\sum_i y'_{yi} \\log y_{ti}$로, 기울기를 $i$에 대한 합으로 적는다.",
            right="목표의 첨자는 $y'_{ti}$이고, 기울기는 시점 $t$에 대한 합이다. $i$는 한 시점 안의 클래스이다.",
        ),
        Erratum(
            key="output_one_hot",
            place="003#BPTT 알고리즘",
            stated="RNN의 출력 서열이 원-핫 벡터이다.",
            right="원-핫인 것은 목표이다. 출력은 소프트맥스의 확률이며 0이 되지 않는다. 출력이 원-핫이면 틀렸을 때의 "
            "교차 엔트로피가 무한대이다.",
            setup="target = np.array([[[0.0, 1.0]]])\nerrstate = np.errstate(divide='ignore', invalid='ignore')\n"
            "output = np.array([1.0, 0.0])",
            stated_value="[-float(np.log(p)) if p else float('inf') for p in output[1:]][0]",
            right_value="round(float(gs.sequence_loss(output[None, None], target)), 4)",
        ),
    ),
    differentiable=True,
)
def sequence_loss(
    z: Float[Array, "n t k"], target: Float[Array, "n t k"], lengths: Lengths | None = None, /,
    *, kind: Literal["cross_entropy", "squared_error"] = "cross_entropy",
) -> Float[Array, ""]:  # fmt: skip
    """Add up the losses of all steps of all samples. Padding costs nothing, whatever stands there.

    Shapes
    ------
    z : (n, t, k), outputs; logits for "cross_entropy"
    target : (n, t, k); a distribution per step for "cross_entropy"
    lengths : (n,), from 1 to t: how many steps of each sample are real; all if it is not given
    returns : ()

    Options
    -------
    kind : "cross_entropy" of the softmax of z, or "squared_error", the mean over the k numbers of a step

    Raises
    ------
    DomainError
        If a length is below 1 or beyond the padded axis.

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep learning", eq. 10.12-10.14.

    Examples
    --------
    >>> z, target = gs.asarray([[[0.0, 0.0], [7.0, 0.0]]]), gs.asarray([[[1.0, 0.0], [0.0, 1.0]]])
    >>> round(float(gs.sequence_loss(z, target, gs.asarray([1]))), 4)  # ln 2: the second step is padding
    0.6931
    >>> float(gs.sequence_loss(z, target, kind="squared_error"))  # 1/2 + 50/2
    25.5
    """
    ...


class BPTT(NamedTuple):
    """What comes back to the input, the first state, both weights and the bias."""

    x: Float[Array, "n t i"]
    h0: Float[Array, "n k"]
    u: Float[Array, "i k"]
    w: Float[Array, "k k"]
    b: Float[Array, "k"]


class TruncatedBPTT(NamedTuple):
    """What comes back to both weights and the bias."""

    u: Float[Array, "i k"]
    w: Float[Array, "k k"]
    b: Float[Array, "k"]


@formula(
    ko="시간 역전파(BPTT)",
    en="Backpropagation through time",
    tex=r"\delta_t = \Bigl(\frac{\partial E_t}{\partial h_t} + \delta_{t+1} W^\top\Bigr) \odot (1 - h_t^2), \qquad "
    r"\frac{\partial E}{\partial W} = \sum_t h_{t-1}^\top \delta_t, \quad "
    r"\frac{\partial E}{\partial U} = \sum_t x_t^\top \delta_t, \quad "
    r"\frac{\partial E}{\partial b} = \sum_t \delta_t",
    notes=("002#BPTT", "003#BPTT 알고리즘", "003#BPTT 알고리즘 그레디언트 (img)", "004#RNN(Recurrent Neural Networks)"),
    source="Werbos 1990",
    errata=(
        Erratum(
            key="bptt_mean",
            place="003#BPTT 알고리즘",
            stated="시점마다 구한 그레디언트를 평균한다.",
            right="더한다. $E$가 시점의 합이기 때문이다. 같은 절의 뒷부분은 더한다고 적는다.",
            setup="h = lambda w: np.array([w, w**2])  # h_t = w h_{t-1}, h_0 = 1, E_t = h_t\nw, e = 1.0, 1e-6\n"
            "steps = (h(w + e) - h(w - e)) / (2 * e)",
            stated_value="round(float(steps.mean()), 6)",
            right_value="round(float((h(w + e).sum() - h(w - e).sum()) / (2 * e)), 6)",
        ),
    ),
    kind="algorithm",
    differentiable=True,
)
def bptt(
    x: Sequence, h0: Float[Array, "n k"], u: Float[Array, "i k"], w: Float[Array, "k k"], b: Float[Array, "k"],
    upstream: Float[Array, "n t k"], /,
) -> BPTT:  # fmt: skip
    """Walk a plain RNN from its last step back to its first, and add up what each step says about the shared weights.

    Shapes
    ------
    x : (n, t, i)
    h0 : (n, k)
    u, w, b : (i, k), (k, k), (k,); h_t = tanh(x_t U + h_{t-1} W + b)
    upstream : (n, t, k), the derivative of E by each h_t where it is an output, not where it is the next step's input
    returns : `BPTT`, each part in the shape of what it belongs to

    Source
    ------
    Werbos 1990, "Backpropagation through time: what it does and how to do it".

    Examples
    --------
    >>> zero, one = gs.asarray([0.0]), gs.asarray([[1.0]])
    >>> x, upstream = gs.asarray([[[0.0], [0.0]]]), gs.asarray([[[0.0], [1.0]]])
    >>> grads = gs.bptt(x, gs.asarray([[0.0]]), one, 3 * one, zero, upstream)  # E = h_2, all states are 0
    >>> gs.to_numpy(grads.x[0, :, 0]), float(grads.b[0]), float(grads.h0[0, 0])
    (array([3., 1.]), 4.0, 9.0)
    """
    ...


_STEP = r"\frac{\partial E_T}{\partial y_T} \frac{\partial y_T}{\partial h_T}"


@formula(
    ko="출력 가중치 V의 그레디언트",
    en="Gradient for the output weight",
    tex=r"\frac{\partial E_t}{\partial V} = \frac{\partial E_t}{\partial y_t} \frac{\partial y_t}{\partial z_t} "
    r"\frac{\partial z_t}{\partial V} = h_t^\top (y_t - y'_t), \qquad y_t = \mathrm{softmax}(z_t), "
    r"\quad z_t = h_t V + c",
    notes=("003#BPTT 알고리즘 (t = 3, V)",),
    source="Goodfellow, Bengio & Courville 2016, eq. 10.18, 10.24",
    differentiable=True,
)
def bptt_output_gradient(
    h: Float[Array, "n k"], v: Float[Array, "k o"], c: Float[Array, "o"], target: Distribution, /
) -> Float[Array, "k o"]:
    """Derive the cross-entropy of one step by the output weight: no other step has a part in it.

    Shapes
    ------
    h : (n, k), the state of the step
    v, c : (k, o), (o,)
    target : (n, o), a distribution per sample
    returns : (k, o), summed over the samples

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep learning", eq. 10.18 and 10.24.

    Examples
    --------
    >>> h, v, c = gs.asarray([[2.0]]), gs.asarray([[0.0, 0.0]]), gs.asarray([0.0, 0.0])
    >>> gs.to_numpy(gs.bptt_output_gradient(h, v, c, gs.asarray([[1.0, 0.0]])))  # 2 * (1/2 - 1, 1/2 - 0)
    array([[-1.,  1.]])
    """
    ...


@formula(
    ko="입력 가중치 U의 그레디언트",
    en="Gradient for the input weight",
    tex=rf"\frac{{\partial E_T}}{{\partial U}} = \sum_{{k=1}}^{{T}} {_STEP} "
    r"\frac{\partial h_T}{\partial h_k} \frac{\partial^+ h_k}{\partial U}",
    notes=("003#BPTT 알고리즘 (t = 3, U)", "003#BPTT 알고리즘"),
    source="Werbos 1990; Pascanu, Mikolov & Bengio 2013, eq. 3-5",
    errata=(
        Erratum(
            key="bptt_immediate_partial",
            place="003#BPTT 알고리즘",
            stated="마지막 인수를 $\\partial h_k / \\partial U$로 적는다.",
            right="직접 미분(immediate partial) $\\partial^+ h_k / \\partial U$이다. $h_{k-1}$을 상수로 보고 미분한다. "
            "그러지 않으면 같은 길을 여러 번 센다.",
            setup="steps = 4  # h_k = h_{k-1} + u, k = 0..3",
            stated_value="sum(k + 1 for k in range(steps))",
            right_value="sum(1 for k in range(steps))",
        ),
    ),
    differentiable=True,
)
def bptt_input_gradient(
    x: Sequence, h0: Float[Array, "n k"], u: Float[Array, "i k"], w: Float[Array, "k k"], b: Float[Array, "k"],
    v: Float[Array, "k o"], c: Float[Array, "o"], target: Distribution, /,
) -> Float[Array, "i k"]:  # fmt: skip
    """Derive the cross-entropy of the last step by the input weight: a term for every step that used it.

    Shapes
    ------
    x, h0 : (n, t, i), (n, k)
    u, w, b : (i, k), (k, k), (k,); h_t = tanh(x_t U + h_{t-1} W + b)
    v, c : (k, o), (o,)
    target : (n, o), of the last step; a distribution per sample
    returns : (i, k), summed over the samples

    Source
    ------
    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", eq. 3-5.

    Examples
    --------
    >>> x, h0, one, zero = gs.asarray([[[1.0], [0.0]]]), gs.asarray([[0.0]]), gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> v, c, target = gs.asarray([[1.0, -1.0]]), gs.asarray([0.0, 0.0]), gs.asarray([[1.0, 0.0]])
    >>> float(gs.bptt_input_gradient(x, h0, 0 * one, 3 * one, zero, v, c, target)[0, 0])  # (1/2 - 1 - 1/2) * 3 * x_1
    -3.0
    """
    ...


@formula(
    ko="순환 가중치 W의 그레디언트",
    en="Gradient for the recurrent weight",
    tex=rf"\frac{{\partial E_T}}{{\partial W}} = \sum_{{k=1}}^{{T}} {_STEP} "
    r"\Bigl(\prod_{j=k+1}^{T} \mathrm{diag}(1 - h_j^2)\, W^\top\Bigr) \frac{\partial^+ h_k}{\partial W}",
    notes=("003#BPTT 알고리즘 (t = 3, W, img)",),
    source="Werbos 1990; Pascanu, Mikolov & Bengio 2013, eq. 3-5",
    differentiable=True,
)
def bptt_recurrent_gradient(
    x: Sequence, h0: Float[Array, "n k"], u: Float[Array, "i k"], w: Float[Array, "k k"], b: Float[Array, "k"],
    v: Float[Array, "k o"], c: Float[Array, "o"], target: Distribution, /,
) -> Float[Array, "k k"]:  # fmt: skip
    """Derive the cross-entropy of the last step by the recurrent weight: the term of step k has come back T - k steps.

    Shapes
    ------
    x, h0 : (n, t, i), (n, k)
    u, w, b : (i, k), (k, k), (k,); h_t = tanh(x_t U + h_{t-1} W + b)
    v, c : (k, o), (o,)
    target : (n, o), of the last step; a distribution per sample
    returns : (k, k), summed over the samples

    Source
    ------
    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", eq. 3-5.

    Examples
    --------
    >>> x, h0, one, zero = gs.asarray([[[1.0]]]), gs.asarray([[2.0]]), gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> v, c, target = gs.asarray([[1.0, -1.0]]), gs.asarray([0.0, 0.0]), gs.asarray([[1.0, 0.0]])
    >>> float(gs.bptt_recurrent_gradient(x, h0, 0 * one, 0 * one, zero, v, c, target)[0, 0])  # (-1/2 - 1/2) * h_0
    -2.0
    """
    ...


@formula(
    ko="RNN의 기울기 흐름",
    en="Gradient flow through an RNN",
    tex=r"\frac{\partial h_T}{\partial h_k} = \prod_{j=T}^{k+1} \mathrm{diag}\bigl(\tanh'(W_{hh} h_{j-1} + W_{xh} x_j "
    r"+ b)\bigr)\, W_{hh}, \qquad \frac{\partial \mathcal L_T}{\partial W_{hh}} = "
    r"\sum_{k=1}^{T} \frac{\partial \mathcal L_T}{\partial h_T} \frac{\partial h_T}{\partial h_k} "
    r"\frac{\partial^+ h_k}{\partial W_{hh}}",
    notes=("004#Gradient Flow problem in RNN", "000#img RNN hidden state의 gradient"),
    source="Pascanu, Mikolov & Bengio 2013, eq. 5",
    errata=(
        Erratum(
            key="gradient_flow_commutes",
            place="004#Gradient Flow problem in RNN",
            stated="$\\tanh'$ 인수를 모두 앞으로 모으고 그 뒤에 $W_{hh}^{t-1}$을 둔다.",
            right="대각 행렬과 $W_{hh}$는 자리를 바꿀 수 없다. 둘이 번갈아 나온다. 상태가 수 하나일 때만 모을 수 있다.",
            setup="D, W = np.diag([0.5, 1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])",
            stated_value="(D @ D @ W @ W).tolist()",
            right_value="(D @ W @ D @ W).tolist()",
        ),
        Erratum(
            key="gradient_flow_single_term",
            place="004#Gradient Flow problem in RNN",
            stated="$\\mathcal L_t$의 기울기가 $h_1$까지 돌아가는 항 하나이다.",
            right="$k = 1, \\dots, t$의 모든 항을 더한 것이다.",
            setup="h, w = [0.0, 1.0, 2.0], 1.0  # h_t = w h_{t-1} + 1: h_0, h_1, h_2",
            stated_value="w**2 * h[0]",
            right_value="h[2] + w * h[1] + w**2 * h[0]",
        ),
    ),
    differentiable=True,
)
def gradient_flow(
    x: Sequence, h0: Float[Array, "n k"], w_xh: Float[Array, "k i"], w_hh: Float[Array, "k k"],
    b: Float[Array, "k"], /,
) -> Float[Array, "n t k k"]:  # fmt: skip
    """Give the Jacobian of the last state by every state: what is left of a gradient on its way back.

    Shapes
    ------
    x, h0 : (n, t, i), (n, k)
    w_xh, w_hh, b : (k, i), (k, k), (k,)
    returns : (n, t, k, k); [s, j - 1] is d h_T / d h_j of sample s, the last one the identity

    Source
    ------
    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", eq. 5.

    Examples
    --------
    >>> x, h0, zero = gs.asarray([[[0.0], [0.0], [0.0]]]), gs.asarray([[0.0]]), gs.asarray([0.0])
    >>> gs.to_numpy(gs.gradient_flow(x, h0, gs.asarray([[1.0]]), gs.asarray([[3.0]]), zero)[0, :, 0, 0])
    array([9., 3., 1.])
    """
    ...


matrix_power = law(
    "recurrent.matrix_power",
    ko="고윳값 분해를 이용한 거듭제곱",
    en="Matrix power by eigen-decomposition",
    tex=r"W = Q \Lambda Q^{-1} \ \Rightarrow\ W^n = Q \Lambda^n Q^{-1}",
    notes=("003#재귀 신경망의 기울기 소멸과 폭발",),
    source="Golub & Van Loan 2013, section 9.1.1",
    errata=(
        Erratum(
            key="diagonalizable_only",
            place="003#재귀 신경망의 기울기 소멸과 폭발",
            stated="행렬의 고윳값 분해로 $W^{100}$을 계산할 수 있다.",
            right="대각화할 수 있는 행렬만 그렇다. $\\begin{pmatrix} 1 & 1 \\\\ 0 & 1 \\end{pmatrix}$은 고유벡터의 "
            "방향이 하나뿐이다.",
            setup="W = np.array([[1.0, 1.0], [0.0, 1.0]])\neigenvalues, Q = np.linalg.eig(W)\nQ = np.round(Q, 12)",
            stated_value="(Q * eigenvalues**100 @ np.linalg.pinv(Q)).round().tolist()",
            right_value="np.linalg.matrix_power(W, 100).tolist()",
        ),
    ),
)

vanishing_exploding = law(
    "recurrent.vanishing_exploding",
    ko="기울기 소멸·폭발 조건",
    en="Vanishing and exploding gradients",
    tex=r"\rho(W) < 1 \Rightarrow \lVert W^n \rVert \to 0, \qquad "
    r"\rho(W) > 1 \Rightarrow \lVert W^n \rVert \to \infty, \qquad \rho(W) = \max_i |\lambda_i|",
    notes=("000#Recurrent Neural Network(RNN)", "002#활성화 함수", "003#재귀 신경망의 기울기 소멸과 폭발",
           "003#기울기 소멸 문제", "003#기울기 폭발 문제", "004#Gradient Flow problem in RNN"),
    source="Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013, section 2.1",
    errata=(
        Erratum(
            key="eigenvalue_modulus",
            place="003#재귀 신경망의 기울기 소멸과 폭발",
            stated="고윳값이 1보다 작으면 소멸하고 1보다 크면 폭발한다.",
            right="고윳값의 절댓값이 정한다. $-1.5$는 1보다 작지만 폭발한다. 절댓값이 1이면 그대로이다.",
            setup="eigenvalue = -1.5",
            stated_value="eigenvalue > 1  # 폭발하는가",
            right_value="abs(eigenvalue**100) > 1e17",
        ),
    ),
)  # fmt: skip

relu_explosion = law(
    "recurrent.relu_explosion",
    ko="ReLU RNN의 발산",
    en="Explosion of ReLU RNNs",
    tex=r"h_t = \mathrm{ReLU}(w h_{t-1}),\ w > 1,\ h_0 > 0 \ \Rightarrow\ h_t = w^t h_0 \to \infty",
    notes=("000#Recurrent Neural Network(RNN)", "002#활성화 함수"),
    source="Le, Jaitly & Hinton 2015",
    errata=(
        Erratum(
            key="relu_always_explodes",
            place="002#활성화 함수",
            stated="ReLU를 쓰면 $x \\ge 0$일 때 출력값이 발산한다.",
            right="되먹임의 크기가 1보다 클 때만 발산한다. $w = 0.5$이면 줄고 $w = 1$이면 그대로이다.",
            setup="h = 1.0\nfor _ in range(10):\n    h = max(0.0, 0.5 * h)",
            stated_value="h > 1  # 커졌는가",
            right_value="round(h, 6)",
        ),
    ),
)

sensitivity_decay = law(
    "recurrent.sensitivity_decay",
    ko="입력 민감도 감쇠",
    en="Decay of input sensitivity (short-term dependency)",
    tex=r"\Bigl\lVert \frac{\partial h_t}{\partial x_1} \Bigr\rVert \le \lVert W_{xh} \rVert "
    r"\prod_{k=2}^{t} \lVert W_{hh} \rVert\, \bigl\lVert \mathrm{diag} \tanh' \bigr\rVert",
    notes=("000#Recurrent Neural Network(RNN) (Short-term dependecies)", "001#RNN의 단점", "002#BPTT의 장기의존성",
           "003#일반 재귀 신경망의 입력에 대한 민감도", "004#RNN의 단점"),
    source="Graves 2012, section 4.1",
)  # fmt: skip


@formula(
    ko="단기 BPTT",
    en="Truncated BPTT",
    tex=r"\frac{\partial E_t}{\partial W} \approx \sum_{k = t - \tau + 1}^{t} \frac{\partial E_t}{\partial h_t} "
    r"\frac{\partial h_t}{\partial h_k} \frac{\partial^+ h_k}{\partial W}",
    notes=("003#단기 BPTT 사용 (truncated BPTT)",),
    source="Williams & Peng 1990",
    errata=(
        Erratum(
            key="tbptt_wording",
            place="003#단기 BPTT 사용 (truncated BPTT)",
            stated="행렬 $W$가 거듭제곱되는 횟수를 계산한다.",
            right="그 횟수를 제한한다. 최근 $\\tau$ 시점까지만 돌아가면 $W$는 많아야 $\\tau - 1$번 곱해진다.",
        ),
    ),
    kind="algorithm",
    differentiable=True,
)
def truncated_bptt(
    x: Sequence, h0: Float[Array, "n k"], u: Float[Array, "i k"], w: Float[Array, "k k"], b: Float[Array, "k"],
    upstream: Float[Array, "n t k"], /, *, steps: Annotated[int, Ge(1)],
) -> TruncatedBPTT:  # fmt: skip
    """Let the error of each step go back to so many of the latest steps only; before them, states are constants.

    Shapes
    ------
    x, h0, u, w, b, upstream : as in `bptt`
    returns : `TruncatedBPTT`: u (i, k), w (k, k), b (k,)

    Options
    -------
    steps : at least 1; tau. With t or more it is `bptt`

    Source
    ------
    Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories".

    Examples
    --------
    >>> zero, one = gs.asarray([0.0]), gs.asarray([[1.0]])
    >>> x, upstream = gs.asarray([[[0.0], [0.0], [0.0]]]), gs.asarray([[[0.0], [0.0], [1.0]]])
    >>> [float(gs.truncated_bptt(x, gs.asarray([[0.0]]), one, 3 * one, zero, upstream, steps=steps).b[0])
    ...  for steps in (1, 2, 3)]
    [1.0, 4.0, 13.0]
    """
    ...


# LSTM, gate by gate


class InputGate(NamedTuple):
    """How much of each number is written, and the numbers."""

    i: Float[Array, "*batch k"]
    candidate: Float[Array, "*batch k"]


class OutputGate(NamedTuple):
    """How much of each cell is shown, and what is shown."""

    o: Float[Array, "*batch k"]
    h: Float[Array, "*batch k"]


class Cell(NamedTuple):
    """What an LSTM cell shows, and what it keeps to itself."""

    h: Float[Array, "*batch k"]
    c: Float[Array, "*batch k"]


@formula(
    ko="망각 게이트",
    en="Forget gate",
    tex=r"f_t = \sigma(W_f h_{t-1} + U_f x_t + b_f)",
    notes=("000#Gate / 1. Forget Gate (img)", "003#LSTM 재귀 신경망의 동작", "004#LSTM(Long Short-Term Memory)"),
    source="Gers, Schmidhuber & Cummins 2000, eq. 3.1",
    differentiable=True,
)
def lstm_forget_gate(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], u: Float[Array, "k i"], w: Float[Array, "k k"],
    b: Float[Array, "k"], b_hh: Float[Array, "k"] | None = None, /,
) -> Float[Array, "*batch k"]:  # fmt: skip
    """Say how much of each number in the cell stays: 1 keeps it, 0 erases it.

    Shapes
    ------
    x, h : (*batch, i), (*batch, k)
    u, w, b : (k, i), (k, k), (k,)
    b_hh : (k,), a second bias, which torch keeps beside the first; none if it is not given
    returns : (*batch, k), between 0 and 1

    Source
    ------
    Gers, Schmidhuber & Cummins 2000, "Learning to forget: continual prediction with LSTM", eq. 3.1.

    Examples
    --------
    >>> x, h, one, zero = gs.asarray([[0.0]]), gs.asarray([[0.0]]), gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> float(gs.lstm_forget_gate(x, h, one, one, zero)[0, 0])
    0.5
    """
    ...


@formula(
    ko="입력 게이트와 후보 상태",
    en="Input gate and candidate",
    tex=r"i_t = \sigma(W_i h_{t-1} + U_i x_t + b_i), \qquad \tilde c_t = \tanh(W_c h_{t-1} + U_c x_t + b_c)",
    notes=("000#Gate / 2. Input Gate (img)", "003#LSTM 재귀 신경망의 동작", "004#LSTM(Long Short-Term Memory)"),
    source="Hochreiter & Schmidhuber 1997, section 4",
    differentiable=True,
)
def lstm_input_gate(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], u: Float[Array, "2*k i"], w: Float[Array, "2*k k"],
    b: Float[Array, "2*k"], b_hh: Float[Array, "2*k"] | None = None, /,
) -> InputGate:  # fmt: skip
    """Say how much of each candidate is written to the cell, and make the candidates.

    Shapes
    ------
    x, h : (*batch, i), (*batch, k)
    u, w, b : (2k, i), (2k, k), (2k,); the upper k rows are the gate's, the lower k the candidate's
    b_hh : (2k,), a second bias, which torch keeps beside the first; none if it is not given
    returns : `InputGate`: i (*batch, k), between 0 and 1, and candidate (*batch, k), between -1 and 1

    Source
    ------
    Hochreiter & Schmidhuber 1997, "Long short-term memory", section 4.

    Examples
    --------
    >>> x, h = gs.asarray([[0.0]]), gs.asarray([[0.0]])
    >>> weight, bias = gs.asarray([[1.0], [1.0]]), gs.asarray([0.0, 1.0])
    >>> i, candidate = gs.lstm_input_gate(x, h, weight, weight, bias)
    >>> float(i[0, 0]), round(float(candidate[0, 0]), 6)  # 1/2 and tanh(1)
    (0.5, 0.761594)
    """
    ...


@formula(
    ko="셀 상태 갱신",
    en="Cell state update",
    tex=r"c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t",
    notes=("000#img 새로 통과시킬 Cell State 형성", "003#LSTM 재귀 신경망의 동작", "004#LSTM(Long Short-Term Memory)"),
    source="Gers, Schmidhuber & Cummins 2000, eq. 3.5",
    differentiable=True,
)
def lstm_cell_update(
    c: Float[Array, "*batch k"], f: Float[Array, "*batch k"], i: Float[Array, "*batch k"],
    candidate: Float[Array, "*batch k"], /,
) -> Float[Array, "*batch k"]:  # fmt: skip
    """Keep a part of the old cell and add a part of the candidate: a sum, through which gradients pass unharmed.

    Shapes
    ------
    c, f, i, candidate : (*batch, k)
    returns : (*batch, k)

    Source
    ------
    Gers, Schmidhuber & Cummins 2000, "Learning to forget: continual prediction with LSTM", eq. 3.5.

    Examples
    --------
    >>> c, f, i, candidate = (gs.asarray([value]) for value in (8.0, 0.5, 0.25, 1.0))
    >>> float(gs.lstm_cell_update(c, f, i, candidate)[0])
    4.25
    """
    ...


@formula(
    ko="출력 게이트",
    en="Output gate",
    tex=r"o_t = \sigma(W_o h_{t-1} + U_o x_t + b_o), \qquad h_t = o_t \odot \tanh(c_t)",
    notes=("000#Gate / 3. Ouput Gate (img)", "003#LSTM 재귀 신경망의 동작", "004#LSTM(Long Short-Term Memory)"),
    source="Hochreiter & Schmidhuber 1997, section 4",
    differentiable=True,
)
def lstm_output_gate(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], c: Float[Array, "*batch k"], u: Float[Array, "k i"],
    w: Float[Array, "k k"], b: Float[Array, "k"], b_hh: Float[Array, "k"] | None = None, /,
) -> OutputGate:  # fmt: skip
    """Say how much of the cell is shown, and show it.

    Shapes
    ------
    x, h : (*batch, i), (*batch, k); h is what was shown a step ago
    c : (*batch, k), the cell as it is now
    u, w, b : (k, i), (k, k), (k,)
    b_hh : (k,), a second bias, which torch keeps beside the first; none if it is not given
    returns : `OutputGate`: o (*batch, k), between 0 and 1, and h (*batch, k), between -1 and 1

    Source
    ------
    Hochreiter & Schmidhuber 1997, "Long short-term memory", section 4.

    Examples
    --------
    >>> x, h, one, zero = gs.asarray([[0.0]]), gs.asarray([[0.0]]), gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> o, h = gs.lstm_output_gate(x, h, gs.asarray([[100.0]]), one, one, zero)
    >>> float(o[0, 0]), float(h[0, 0])
    (0.5, 0.5)
    """
    ...


@formula(
    ko="LSTM 셀",
    en="LSTM cell",
    tex=r"\begin{aligned}"
    r"f, i, o &= \sigma(W h_{t-1} + U x_t + b), & \tilde c_t &= \tanh(W_c h_{t-1} + U_c x_t + b_c), \\"
    r"c_t &= f \odot c_{t-1} + i \odot \tilde c_t, & h_t &= o \odot \tanh c_t"
    r"\end{aligned}",
    notes=("000#Long Short Term Memory(LSTM) (img)", "002#LSTM의 구조", "003#LSTM 재귀 신경망",
           "004#LSTM(Long Short-Term Memory)"),
    source="Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000",
    kind="model",
    differentiable=True,
)  # fmt: skip
def lstm_cell(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], c: Float[Array, "*batch k"],
    weight_ih: Float[Array, "4*k i"], weight_hh: Float[Array, "4*k k"], bias_ih: Float[Array, "4*k"],
    bias_hh: Float[Array, "4*k"], /,
) -> Cell:  # fmt: skip
    """Do one step with all three gates: forget, write, show.

    Shapes
    ------
    x : (*batch, i)
    h, c : (*batch, k), what the cell showed and what it kept
    weight_ih, weight_hh : (4k, i), (4k, k); blocks of rows in torch's order i, f, candidate, o
    bias_ih, bias_hh : (4k,); torch keeps two biases, of which only the sum matters
    returns : `Cell`: h (*batch, k), c (*batch, k)

    Source
    ------
    Hochreiter & Schmidhuber 1997, "Long short-term memory"; the forget gate is Gers, Schmidhuber & Cummins' of 2000.

    Examples
    --------
    >>> x, h, c = gs.asarray([[0.0]]), gs.asarray([[0.0]]), gs.asarray([[8.0]])
    >>> weight, bias = gs.asarray([[0.0]] * 4), gs.asarray([0.0] * 4)
    >>> h, c = gs.lstm_cell(x, h, c, weight, weight, bias, bias)  # all gates are half open
    >>> round(float(h[0, 0]), 4), float(c[0, 0])  # tanh(4) / 2
    (0.4997, 4.0)
    """
    ...


@formula(
    ko="LSTM",
    en="LSTM over a sequence",
    tex=r"h_0 = c_0 = 0; \qquad (h_t, c_t) = \mathrm{LSTMcell}(x_t, h_{t-1}, c_{t-1}), \quad t = 1, \dots, T",
    notes=("000#Long Short Term Memory(LSTM)", "003#LSTM 재귀 신경망의 동작", "003#LSTM 재귀 신경망의 학습"),
    source="Hochreiter & Schmidhuber 1997",
    kind="model",
    differentiable=True,
)
def lstm(
    config: LSTM,
    params: Parameters,
    x: Float[Array, "n t config.input_size"],
    h0: Float[Array, "config.num_layers n config.hidden_size"] | None = None,
    c0: Float[Array, "config.num_layers n config.hidden_size"] | None = None,
    /,
) -> LSTMStates:
    """Let `lstm_cell` read a sequence step by step; layer by layer, if there are more.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, t, config.input_size)
    h0, c0 : (config.num_layers, n, config.hidden_size), the states before the first step; 0 if they are not given
    returns : `LSTMStates`: output (n, t, config.hidden_size), h and c (config.num_layers, n, config.hidden_size)

    Raises
    ------
    ShapeError
        If the sequence has no step; if parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Hochreiter & Schmidhuber 1997, "Long short-term memory".

    Examples
    --------
    >>> from gongsik.spec.recurrent import LSTM
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in LSTM(1, 1).parameters().items()}
    >>> x, zero, c0 = gs.asarray([[[0.0], [0.0], [0.0]]]), gs.asarray([[[0.0]]]), gs.asarray([[[8.0]]])
    >>> float(gs.lstm(LSTM(1, 1), params, x, zero, c0).c[0, 0, 0])  # a forget gate of 1/2, three times
    1.0
    """
    ...


_PEEPHOLE_TEX = (
    r"\begin{aligned}"
    r"i_t &= \sigma(U_i x_t + W_i h_{t-1} + v_i \odot c_{t-1} + b_i), & "
    r"f_t &= \sigma(U_f x_t + W_f h_{t-1} + v_f \odot c_{t-1} + b_f), \\"
    r"c_t &= f_t \odot c_{t-1} + i_t \odot \tilde c_t, & "
    r"o_t &= \sigma(U_o x_t + W_o h_{t-1} + v_o \odot c_{t\,\text{or}\,t-1} + b_o)"
    r"\end{aligned}"
)
Peephole: TypeAlias = Literal["new", "old"]


@formula(
    ko="엿보기 LSTM 셀",
    en="LSTM cell with peepholes",
    tex=_PEEPHOLE_TEX,
    notes=("003#LSTM 재귀 신경망의 동작",),
    source="Gers & Schmidhuber 2000; Graves 2013, eq. 7-11",
    errata=(
        Erratum(
            key="lstm_output_bias",
            place="003#LSTM 재귀 신경망의 동작",
            stated="출력 게이트의 편향이 $b_f$이다.",
            right="출력 게이트에는 제 편향 $b_o$가 있다.",
            setup="b_f, b_o = np.array([5.0]), np.array([0.0])\nzero, one = np.zeros((1, 1)), np.ones((1, 1))\n"
            "o = lambda b: round(float(gs.lstm_output_gate(zero, zero, zero, one, one, b).o[0, 0]), 5)",
            stated_value="o(b_f)",
            right_value="o(b_o)",
        ),
        Erratum(
            key="lstm_peephole_time",
            place="003#LSTM 재귀 신경망의 동작",
            stated="출력 게이트에 항 $V_o c_{t-1}$이 있다. 다른 노트의 LSTM에는 없다.",
            right="표준 LSTM에는 이 항이 없다. 엿보기(peephole)를 넣은 LSTM의 출력 게이트는 새 셀 $c_t$를 본다. "
            '노트의 식은 `output="old"`이다.',
            setup="zero = np.zeros((1, 1))\nweight, v = np.zeros((4, 1)), np.array([[0.0], [0.0], [1.0]])\n"
            "bias = np.array([50.0, 0.0, 50.0, 0.0])  # i = 1, candidate = 1: the new cell is 1\n"
            "h = lambda output: round(float(gs.lstm_peephole_cell(zero, zero, zero, weight, weight, bias, 0 * bias, v, "
            "output=output).h[0, 0] / np.tanh(1)), 4)",
            stated_value='h("old")',
            right_value='h("new")',
        ),
    ),
    differentiable=True,
)
def lstm_peephole_cell(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], c: Float[Array, "*batch k"],
    weight_ih: Float[Array, "4*k i"], weight_hh: Float[Array, "4*k k"], bias_ih: Float[Array, "4*k"],
    bias_hh: Float[Array, "4*k"], v: Float[Array, "3 k"], /, *, output: Peephole = "new",
) -> Cell:  # fmt: skip
    """Let every gate see the cell that it guards. A peephole joins a gate to its own cell only: V is diagonal.

    Shapes
    ------
    x : (*batch, i)
    h, c : (*batch, k), what the cell showed and what it kept
    weight_ih, weight_hh, bias_ih, bias_hh : (4k, i), (4k, k), (4k,), (4k,), as in `lstm_cell`
    v : (3, k), the peepholes of the gates i, f and o; 0 where there is none
    returns : `Cell`: h (*batch, k), c (*batch, k)

    Options
    -------
    output : whether the output gate sees the "new" cell, or the "old" one as the lecture notes have it

    Source
    ------
    Gers & Schmidhuber 2000, "Recurrent nets that time and count".

    Examples
    --------
    >>> x, h, c, v = gs.asarray([[0.0]]), gs.asarray([[0.0]]), gs.asarray([[0.0]]), gs.asarray([[0.0], [0.0], [2.0]])
    >>> weight, bias = gs.asarray([[0.0]] * 4), gs.asarray([50.0, 0.0, 50.0, 0.0])  # writes 1 into the cell
    >>> for output in ("new", "old"):
    ...     h_new, _ = gs.lstm_peephole_cell(x, h, c, weight, weight, bias, 0 * bias, v, output=output)
    ...     round(float(h_new[0, 0]), 4)  # sigmoid(2) tanh(1), sigmoid(0) tanh(1)
    0.6708
    0.3808
    """
    ...


class PeepholeStates(NamedTuple):
    """What is shown at every step, and output and cell after the last one."""

    output: Float[Array, "n t k"]
    h: Float[Array, "n k"]
    c: Float[Array, "n k"]


@formula(
    ko="엿보기 LSTM",
    en="LSTM with peepholes over a sequence",
    tex=r"(h_t, c_t) = \mathrm{peepholecell}(x_t, h_{t-1}, c_{t-1}), \quad t = 1, \dots, T",
    notes=("003#LSTM 재귀 신경망의 동작",),
    source="Gers & Schmidhuber 2000",
    kind="model",
    differentiable=True,
)
def lstm_peephole(
    x: Sequence, h0: Float[Array, "n k"], c0: Float[Array, "n k"], weight_ih: Float[Array, "4*k i"],
    weight_hh: Float[Array, "4*k k"], bias_ih: Float[Array, "4*k"], bias_hh: Float[Array, "4*k"],
    v: Float[Array, "3 k"], /, *, output: Peephole = "new",
) -> PeepholeStates:  # fmt: skip
    """Let `lstm_peephole_cell` read a sequence step by step.

    Shapes
    ------
    x : (n, t, i)
    h0, c0 : (n, k), the states before the first step
    weight_ih, weight_hh, bias_ih, bias_hh, v : as in `lstm_peephole_cell`
    returns : `PeepholeStates`: output (n, t, k), h and c (n, k)

    Options
    -------
    output : whether the output gate sees the "new" cell, or the "old" one as the lecture notes have it

    Source
    ------
    Gers & Schmidhuber 2000, "Recurrent nets that time and count".

    Examples
    --------
    >>> x, zero, c0 = gs.asarray([[[0.0], [0.0], [0.0]]]), gs.asarray([[0.0]]), gs.asarray([[8.0]])
    >>> weight, bias, v = gs.asarray([[0.0]] * 4), gs.asarray([0.0] * 4), gs.asarray([[0.0]] * 3)
    >>> float(gs.lstm_peephole(x, zero, c0, weight, weight, bias, bias, v).c[0, 0])
    1.0
    """
    ...


cell_highway = law(
    "recurrent.cell_highway",
    ko="셀 상태의 기울기 고속도로",
    en="Cell state gradient highway",
    tex=r"\frac{\partial c_t}{\partial c_{t-1}} = \mathrm{diag}(f_t)\ (\text{direct path}), "
    r"\qquad \prod_t f_t = 1 \ \text{for open gates}",
    notes=("000#Long Short Term Memory(LSTM)", "003#LSTM 재귀 신경망", "003#게이트 장착을 통한 민감도 조절",
           "004#LSTM(Long Short-Term Memory)"),
    source="Hochreiter & Schmidhuber 1997, section 3.2",
)  # fmt: skip


@count(
    ko="LSTM 파라미터 수",
    en="LSTM parameter count",
    tex=r"4\,\bigl(k (i + k) + k\bigr)",
    notes=("000#Gated Recurrent Unit(GRU)", "003#GRU 재귀 신경망 학습"),
)
def lstm_parameter_count(i: int, k: int, /, *, biases: int = 1, peepholes: int = 0) -> int:
    """How many numbers an LSTM cell of i inputs and k units has to learn: four times those of a plain cell.

    Options
    -------
    biases : how many vectors of biases each gate has; torch keeps 2
    peepholes : how many gates see their cell

    Raises
    ------
    DomainError
        If a size is below 1, or a number below 0.

    Examples
    --------
    >>> lstm_parameter_count(10, 20), lstm_parameter_count(10, 20, biases=2)
    (2480, 2560)
    """
    return _gated_count("lstm_parameter_count", 4, i, k, biases) + _at_least_0("peepholes", peepholes) * k


def _gated_count(name: str, gates: int, i: int, k: int, biases: int) -> int:
    _check_sizes(name, i=i, k=k)
    return gates * (k * (i + k) + _at_least_0("biases", biases) * k)


def _at_least_0(name: str, number: int) -> int:
    if number < 0:
        raise DomainError(f"{name} is {number}, expected an int >= 0")
    return number


# GRU


@formula(
    ko="리셋 게이트",
    en="Reset gate",
    tex=r"r_t = \sigma(W_r h_{t-1} + U_r x_t + b_r)",
    notes=("000#Gated Recurrent Unit(GRU) (img)", "003#GRU 재귀 신경망"),
    source="Cho et al. 2014, eq. 5",
    differentiable=True,
)
def gru_reset_gate(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], u: Float[Array, "k i"], w: Float[Array, "k k"],
    b: Float[Array, "k"], b_hh: Float[Array, "k"] | None = None, /,
) -> Float[Array, "*batch k"]:  # fmt: skip
    """Say how much of the old state the candidate may see: at 0 it starts afresh from the input.

    Shapes
    ------
    x, h : (*batch, i), (*batch, k)
    u, w, b : (k, i), (k, k), (k,)
    b_hh : (k,), a second bias, which torch keeps beside the first; none if it is not given
    returns : (*batch, k), between 0 and 1

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    eq. 5.

    Examples
    --------
    >>> x, h, one, zero = gs.asarray([[1.0]]), gs.asarray([[-1.0]]), gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> float(gs.gru_reset_gate(x, h, one, one, zero)[0, 0])
    0.5
    """
    ...


@formula(
    ko="갱신 게이트",
    en="Update gate",
    tex=r"z_t = \sigma(W_z h_{t-1} + U_z x_t + b_z)",
    notes=("000#Gated Recurrent Unit(GRU) (img)", "003#GRU 재귀 신경망"),
    source="Cho et al. 2014, eq. 6",
    differentiable=True,
)
def gru_update_gate(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], u: Float[Array, "k i"], w: Float[Array, "k k"],
    b: Float[Array, "k"], b_hh: Float[Array, "k"] | None = None, /,
) -> Float[Array, "*batch k"]:  # fmt: skip
    """Say how the new state is mixed of the old one and the candidate; which of the two z weighs, `gru_cell` decides.

    Shapes
    ------
    x, h : (*batch, i), (*batch, k)
    u, w, b : (k, i), (k, k), (k,)
    b_hh : (k,), a second bias, which torch keeps beside the first; none if it is not given
    returns : (*batch, k), between 0 and 1

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    eq. 6.

    Examples
    --------
    >>> x, h, one, zero = gs.asarray([[1.0]]), gs.asarray([[-1.0]]), gs.asarray([[1.0]]), gs.asarray([0.0])
    >>> float(gs.gru_update_gate(x, h, one, one, zero)[0, 0])
    0.5
    """
    ...


@formula(
    ko="GRU 셀",
    en="GRU cell",
    tex=r"\begin{aligned}"
    r"\tilde h_t &= \tanh\bigl(U x_t + r_t \odot (W h_{t-1} + b_{hh}) + b_{ih}\bigr) \ \text{ or }\ "
    r"\tanh\bigl(U x_t + W (r_t \odot h_{t-1}) + b\bigr), \\"
    r"h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot \tilde h_t \ \text{ or }\ "
    r"(1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t"
    r"\end{aligned}",
    notes=("000#Gated Recurrent Unit(GRU) (img)", "001#Gated Recurrent Unit", "003#GRU 재귀 신경망",
           "004#GRU(Gated Recurrent Unit)"),
    source="Cho et al. 2014, eq. 5-8; Chung, Gulcehre, Cho & Bengio 2014",
    errata=(
        Erratum(
            key="gru_cell_state",
            place="003#GRU 재귀 신경망",
            stated="GRU는 상태 저장소, 리셋 게이트, 갱신 게이트를 포함한다. 다른 두 노트는 셀 상태가 없다고 적는다.",
            right="다른 두 노트가 맞다. LSTM 셀은 상태 $h$와 $c$를 주고받지만, GRU 셀의 상태는 $h$ 하나이다.",
            setup="zero, weight, bias = np.zeros((1, 1)), np.zeros((3, 1)), np.zeros(3)",
            stated_value="2  # 상태의 수",
            right_value="len(gs.gru_cell(zero, zero, weight, weight, bias, bias)[None])",
        ),
    ),
    kind="model",
    differentiable=True,
)  # fmt: skip
def gru_cell(
    x: Float[Array, "*batch i"], h: Float[Array, "*batch k"], weight_ih: Float[Array, "3*k i"],
    weight_hh: Float[Array, "3*k k"], bias_ih: Float[Array, "3*k"], bias_hh: Float[Array, "3*k"], /,
    *, reset_after: bool = True, update: Update = "keep",
) -> Float[Array, "*batch k"]:  # fmt: skip
    """Do one step with two gates and one state, which is mixed of the old state and a candidate.

    Shapes
    ------
    x, h : (*batch, i), (*batch, k)
    weight_ih, weight_hh : (3k, i), (3k, k); blocks of rows in torch's order r, z, candidate
    bias_ih, bias_hh : (3k,)
    returns : (*batch, k)

    Options
    -------
    reset_after : whether the reset gate works on the product W h, as in torch and cuDNN, or on h before it, as in the
        paper and the lecture notes
    update : whether z is the share of the old state that is kept, "keep", as in torch and in the paper, or that of the
        candidate which is written, "write", as in the lecture notes

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    eq. 5-8.

    Examples
    --------
    >>> x, h, weight = gs.asarray([[0.0]]), gs.asarray([[8.0]]), gs.asarray([[0.0]] * 3)
    >>> bias = gs.asarray([0.0, 1.0, 0.0])  # z = sigmoid(1), the candidate is 0
    >>> for update in ("keep", "write"):
    ...     round(float(gs.gru_cell(x, h, weight, weight, bias, 0 * bias, update=update)[0, 0]), 4)
    5.8485
    2.1515
    """
    ...


@formula(
    ko="GRU",
    en="GRU over a sequence",
    tex=r"h_t = \mathrm{GRUcell}(x_t, h_{t-1}), \quad t = 1, \dots, T",
    notes=("000#Gated Recurrent Unit(GRU)", "001#Gated Recurrent Unit", "003#GRU 재귀 신경망 학습",
           "004#GRU(Gated Recurrent Unit)"),
    source="Cho et al. 2014",
    kind="model",
    differentiable=True,
)  # fmt: skip
def gru(
    config: GRU,
    params: Parameters,
    x: Float[Array, "n t config.input_size"],
    h0: Float[Array, "config.num_layers n config.hidden_size"] | None = None,
    /,
) -> States:
    """Let `gru_cell` read a sequence step by step; layer by layer, if there are more.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, t, config.input_size)
    h0 : (config.num_layers, n, config.hidden_size), the states before the first step; 0 if it is not given
    returns : `States`: output (n, t, config.hidden_size), h (config.num_layers, n, config.hidden_size)

    Raises
    ------
    ShapeError
        If the sequence has no step; if parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation".

    Examples
    --------
    >>> from gongsik.spec.recurrent import GRU
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in GRU(1, 1).parameters().items()}
    >>> x, h0 = gs.asarray([[[0.0], [0.0]]]), gs.asarray([[[8.0]]])
    >>> gs.to_numpy(gs.gru(GRU(1, 1), params, x, h0).output[0, :, 0])  # an update gate of 1/2
    array([4., 2.])
    """
    ...


gru_convex_combination = law(
    "recurrent.gru_convex_combination",
    ko="GRU의 볼록 결합",
    en="GRU state is a convex combination",
    tex=r"\min(h_{t-1}, \tilde h_t) \le h_t \le \max(h_{t-1}, \tilde h_t), "
    r"\qquad \frac{\partial h_t}{\partial h_{t-1}} \ni \mathrm{diag}(z_t)",
    notes=("004#GRU(Gated Recurrent Unit)",),
    source="Cho et al. 2014, eq. 7",
)


@count(
    ko="GRU와 LSTM 파라미터 비율",
    en="GRU has 3/4 of the LSTM parameters",
    tex=r"\frac{3\,(k (i + k) + k)}{4\,(k (i + k) + k)} = \frac34",
    notes=("003#GRU 재귀 신경망 학습", "000#Gated Recurrent Unit(GRU)", "001#Gated Recurrent Unit",
           "004#GRU(Gated Recurrent Unit)"),
)  # fmt: skip
def gru_lstm_parameter_ratio(i: int, k: int, /, *, biases: int = 1, peepholes: int = 0) -> Fraction:
    """How many parameters a GRU has for each of an LSTM: three blocks of rows in place of four.

    Options
    -------
    biases : how many vectors of biases each gate has, in both
    peepholes : how many gates of the LSTM see their cell

    Raises
    ------
    DomainError
        If a size is below 1, or a number below 0.

    Examples
    --------
    >>> gru_lstm_parameter_ratio(10, 20), gru_lstm_parameter_ratio(10, 20, peepholes=1)
    (Fraction(3, 4), Fraction(93, 125))
    """
    return Fraction(
        _gated_count("gru_lstm_parameter_ratio", 3, i, k, biases),
        lstm_parameter_count(i, k, biases=biases, peepholes=peepholes),
    )
