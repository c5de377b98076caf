"""Networks: from one perceptron to a stack of layers, how gradients come back through it, and how it starts."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

from jaxtyping import Float, Int

from gongsik.spec.array import Array, Positive, Tree, Uniform
from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.graph import Graph
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="신경망", en="Networks")

Activation: TypeAlias = Literal["identity", "step", "sigmoid", "tanh", "relu", "leaky_relu", "elu"]
"""The function between the layers: one of the chapter on activations, with its default options, or none."""


class Rank(NamedTuple):
    """How many axes a tensor has, how long each is, and how many numbers it holds."""

    ndim: Int[Array, ""]
    shape: Int[Array, "ndim"]
    size: Int[Array, ""]


@formula(
    ko="텐서와 차원",
    en="Tensor rank and shape",
    tex=r"\mathrm{ndim}(x) = \lvert \mathrm{shape}(x) \rvert, \qquad \mathrm{size}(x) = \prod_i \mathrm{shape}(x)_i",
    notes=("002#Tensor",),
    source="Harris et al. 2020",
    errata=(
        Erratum(
            key="scalar_example",
            place="002#Tensor",
            stated="스칼라(0차원 텐서)의 예로 $[1, 2, 3]$을, 벡터(1차원 텐서)의 예로 $[[1, 2], [3, 4]]$를 든다.",
            right="$[1, 2, 3]$은 축이 하나인 벡터이고 $[[1, 2], [3, 4]]$는 축이 둘인 행렬이다. 스칼라는 축이 없는 수 "
            "하나이다.",
            stated_value="0",
            right_value="int(gs.tensor(np.array([1.0, 2.0, 3.0])).ndim)",
        ),
    ),
)
def tensor(x: Float[Array, "*shape"], /) -> Rank:
    """Count the axes of a tensor, their lengths and its elements: a scalar has no axis, a colour image three.

    Shapes
    ------
    x : (*shape)
    returns : a `Rank` of integer arrays: ndim (), shape (ndim,), size ()

    Source
    ------
    Harris et al. 2020, "Array programming with NumPy".

    Examples
    --------
    >>> rank = gs.tensor(gs.asarray([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    >>> int(rank.ndim), gs.to_numpy(rank.shape).tolist(), int(rank.size)
    (2, [2, 3], 6)
    """
    ...


@formula(
    ko="퍼셉트론",
    en="Perceptron",
    tex=r"y = \varphi(w^\top x + b)",
    notes=("004#Perceptron", "000#img 1"),
    source="Rosenblatt 1958",
    kind="model",
    differentiable=True,
)
def perceptron(
    x: Float[Array, "*batch p"], w: Float[Array, "p"], b: Float[Array, ""], /, *, activation: Activation = "step"
) -> Float[Array, "*batch"]:
    """Weigh the inputs, add a bias, and decide: with the step function the boundary is the plane w.x + b = 0.

    Shapes
    ------
    x : (*batch, p)
    w : (p,)
    b : ()
    returns : (*batch)

    Options
    -------
    activation : what turns the weighted sum into the output

    Source
    ------
    Rosenblatt 1958, "The perceptron".

    Examples
    --------
    >>> corners = gs.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> gs.to_numpy(gs.perceptron(corners, gs.asarray([1.0, 1.0]), gs.asarray(-1.5)))  # AND
    array([0., 0., 0., 1.])
    """


@formula(
    ko="다중 퍼셉트론",
    en="Layer of perceptrons",
    tex=r"y = \varphi(W x + b)",
    notes=("004#Perceptron (Multiple Perceptron)",),
    source="Rosenblatt 1962",
    kind="model",
    differentiable=True,
)
def perceptron_layer(
    x: Float[Array, "*batch i"], weight: Float[Array, "o i"], bias: Float[Array, "o"], /, *, activation: Activation
) -> Float[Array, "*batch o"]:
    """Let several perceptrons look at the same input: row j of `weight` and element j of `bias` are the j-th.

    Shapes
    ------
    x : (*batch, i)
    weight : (o, i)
    bias : (o,)
    returns : (*batch, o)

    Options
    -------
    activation : what turns every weighted sum into an output

    Source
    ------
    Rosenblatt 1962, "Principles of neurodynamics".

    Examples
    --------
    >>> weight, bias = gs.asarray([[1.0, 1.0], [-1.0, -1.0]]), gs.asarray([-1.5, 1.5])
    >>> gs.to_numpy(gs.perceptron_layer(gs.asarray([1.0, 1.0]), weight, bias, activation="step"))  # AND, NAND
    array([1., 0.])
    """


@formula(
    ko="완전 연결층(아핀 변환)",
    en="Fully connected (affine) layer",
    tex=r"y = x W^\top + b, \qquad \frac{\partial L}{\partial x} = g W,\quad "
    r"\frac{\partial L}{\partial W} = g^\top x,\quad \frac{\partial L}{\partial b} = \textstyle\sum g",
    notes=("000#Neural Networks", "000#Linear Neural Networks", "000#CNN 구조와 용어", "001#선형 결합",
           "004#Fully Connected Layer", "004#Perceptron"),
    source="Goodfellow, Bengio & Courville 2016, section 6.1",
    differentiable=True,
)  # fmt: skip
def linear(
    x: Float[Array, "*batch i"], weight: Float[Array, "o i"], bias: Float[Array, "o"] | None = None, /
) -> Float[Array, "*batch o"]:
    """Let every output see every input: a matrix, and a shift.

    Shapes
    ------
    x : (*batch, i)
    weight : (o, i), an output per row
    bias : (o,) or None
    returns : (*batch, o)

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep Learning", section 6.1.

    Examples
    --------
    >>> x, weight, bias = gs.asarray([[1.0, 2.0]]), gs.asarray([[3.0, 4.0], [0.0, 1.0]]), gs.asarray([0.5, 0.0])
    >>> gs.to_numpy(gs.linear(x, weight, bias))
    array([[11.5,  2. ]])
    """


@count(
    ko="완전 연결층 파라미터 수",
    en="Parameters of a dense layer",
    tex=r"n_{in}\, n_{out}\ (+\, n_{out})",
    notes=("000#Convolution Arithmetic (dense layer)", "004#Fully Connected Layer"),
)
def linear_parameter_count(n_in: int, n_out: int, /, *, bias: bool = False) -> int:
    """How many numbers a fully connected layer has to learn.

    Options
    -------
    bias : whether each output has a bias, which the notes leave out

    Raises
    ------
    DomainError
        If a width is not at least 1.

    Examples
    --------
    >>> linear_parameter_count(13 * 13 * 128 * 2, 2048 * 2)
    177209344
    """
    _check_widths("linear_parameter_count", (n_in, n_out))
    return n_in * n_out + (n_out if bias else 0)


linear_collapse = law(
    "network.linear_collapse",
    ko="선형층 합성의 붕괴",
    en="Stacked linear layers collapse",
    tex=r"W_2 (W_1 x + b_1) + b_2 = (W_2 W_1) x + (W_2 b_1 + b_2)",
    notes=("000#Activation function and Multi-layer Perceptron", "001#활성 함수",
           "001#05강 / AlexNet (Non-linear)"),
    source="Goodfellow, Bengio & Courville 2016, section 6.1",
)  # fmt: skip


def _check_widths(formula: str, widths: tuple[int, ...]) -> None:
    for width in widths:
        if type(width) is not int:
            raise DtypeError(f"{formula}: a width is {width!r}, expected an int")
        if width < 1:
            raise DomainError(f"{formula}: a width is {width}, expected an int >= 1")


@dataclass(frozen=True)
class MLP:
    """Configuration of a multi-layer perceptron.

    Parameters
    ----------
    sizes : tuple of int
        Widths of the input, of every hidden layer and of the output.
    activation : str
        The function after every layer but the last.

    Raises
    ------
    DomainError
        If there are fewer than two sizes, one is below 1, or the activation is unknown.
    DtypeError
        If a size is no int.
    """

    sizes: tuple[int, ...] = (64, 32, 10)
    activation: Activation = "relu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        if len(self.sizes) < 2:
            raise DomainError(f"MLP: sizes is {self.sizes}, expected at least an input and an output")
        _check_widths("MLP", self.sizes)
        if self.activation not in get_args(Activation):
            expected = ", ".join(map(repr, get_args(Activation)))
            raise DomainError(f"MLP: activation is {self.activation!r}, expected one of {expected}")

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the linear layers. The activations between them have the odd numbers, as in torch.nn.Sequential."""
        return tuple(str(2 * i) for i in range(len(self.sizes) - 1))

    def parameters(self) -> dict[str, tuple[int, ...]]:
        """Shapes of all parameters by name.

        >>> MLP((2, 3, 1)).parameters()
        {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
        """
        table: dict[str, tuple[int, ...]] = {}
        for layer, n_in, n_out in zip(self.layers, self.sizes[:-1], self.sizes[1:], strict=True):
            table[f"{layer}.weight"], table[f"{layer}.bias"] = (n_out, n_in), (n_out,)
        return table


@formula(
    ko="다층 퍼셉트론",
    en="Multi-layer perceptron",
    tex=r"a^0 = x, \qquad a^l = \rho(W_l a^{l-1} + b_l)\ (l < L), \qquad y = W_L a^{L-1} + b_L",
    notes=("000#Neural Networks", "000#Activation function and Multi-layer Perceptron",
           "001#Multi-Layer Perceptron", "003#DNN", "004#Neural network", "004#Multilayer Perceptron"),
    source="Rumelhart, Hinton & Williams 1986",
    kind="model",
    differentiable=True,
)  # fmt: skip
def mlp(
    config: MLP, params: Parameters, x: Float[Array, "*batch config.sizes[0]"], /
) -> Float[Array, "*batch config.sizes[-1]"]:
    """Stack linear layers with an activation between them, none after the last.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, config.sizes[0])
    returns : (*batch, config.sizes[-1])

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors".

    Examples
    --------
    >>> from gongsik.spec.network import MLP
    >>> params = {"0.weight": gs.asarray([[1.0, -1.0], [-1.0, 1.0]]), "0.bias": gs.asarray([0.0, 0.0]),
    ...           "2.weight": gs.asarray([[1.0, 1.0]]), "2.bias": gs.asarray([0.0])}
    >>> gs.to_numpy(gs.mlp(MLP((2, 2, 1)), params, gs.asarray([[3.0, 1.0], [1.0, 1.0]])))  # |x1 - x2|
    array([[2.],
           [0.]])
    """


xor_not_linearly_separable = law(
    "network.xor_not_linearly_separable",
    ko="XOR의 선형 분리 불가능성",
    en="XOR is not linearly separable",
    tex=r"\nexists\, (w, b):\ H(w^\top x + b) = x_1 \oplus x_2\ \ \forall x \in \{0, 1\}^2",
    notes=("004#Single layer",),
    source="Minsky & Papert 1969",
)


@formula(
    ko="XOR을 푸는 다층 퍼셉트론",
    en="XOR by a two-layer perceptron",
    tex=r"h_1 = H(x_1 + x_2 - \tfrac12),\quad h_2 = H(x_1 + x_2 - \tfrac32),\quad y = H(h_1 - h_2 - \tfrac12)",
    notes=("004#Single layer", "004#Multilayer Perceptron"),
    source="Minsky & Papert 1969",
    kind="model",
)
def xor_mlp(x: Float[Array, "*batch 2"], /) -> Float[Array, "*batch"]:
    """Tell with three perceptrons whether exactly one of two inputs is 1: at least one, but not both.

    Shapes
    ------
    x : (*batch, 2)
    returns : (*batch)

    Source
    ------
    Minsky & Papert 1969, "Perceptrons".

    Examples
    --------
    >>> gs.to_numpy(gs.xor_mlp(gs.asarray([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])))
    array([0., 1., 1., 0.])
    """


universal_approximation = law(
    "network.universal_approximation",
    ko="보편 근사 정리",
    en="Universal approximation theorem",
    tex=r"\forall g \in \mathcal M^r\ \forall \epsilon > 0\ \exists f \in \Sigma^r(\Psi),\ K \text{ compact}:\quad "
    r"\mu(K) \ge 1 - \epsilon,\quad \sup_{x \in K} \lvert f(x) - g(x) \rvert < \epsilon",
    notes=("001#Universal Approximation theorem", "000#Neural Networks (function approximators)"),
    source="Hornik, Stinchcombe & White 1989, corollary 2.1",
    errata=(
        Erratum(
            key="universal_measure",
            place="001#Universal Approximation theorem (Math)",
            stated="근사가 성립하는 집합 $K$의 측도가 $\\mu(K) < 1 - \\epsilon$이다.",
            right="$\\mu(K) \\ge 1 - \\epsilon$이다. 근사는 거의 모든 곳에서 성립해야 한다. 부등호가 반대이면 "
            "공집합으로도 충분하므로 아무 말도 하지 않는 정리가 된다.",
            setup="epsilon, measure_of_empty_set = 0.1, 0.0",
            stated_value="measure_of_empty_set < 1 - epsilon",
            right_value="measure_of_empty_set >= 1 - epsilon",
        ),
        Erratum(
            key="universal_quantifiers",
            place="001#Universal Approximation theorem (Math)",
            stated="한 번 정한 $K$와 $f$가 모든 $\\epsilon > 0$에 대해 성립한다.",
            right="$\\epsilon$이 먼저이고 $K$와 $f$는 그에 따라 고른다. $x = 0$에서 0에서 1로 뛰는 함수를 연속인 $f$로 "
            "근사하면, 뛰는 곳을 품은 구간에서 오차가 $\\tfrac12$보다 작아질 수 없다.",
            setup="best = min(max(abs(f0 - 0.0), abs(f0 - 1.0)) for f0 in np.linspace(0, 1, 101))",
            stated_value="True",
            right_value="bool(best < 0.4)",
        ),
    ),
)

chain_rule = law(
    "network.chain_rule",
    ko="연쇄 법칙",
    en="Chain rule",
    tex=r"\frac{dz}{dx} = \frac{dz}{dy} \frac{dy}{dx}, \qquad J_{g \circ f}(x) = J_g(f(x))\, J_f(x)",
    notes=("004#Chain Rule", "003#가중치 학습 (자동 미분)"),
    source="Goodfellow, Bengio & Courville 2016, section 6.5.2",
)


@formula(
    ko="계산 그래프",
    en="Computation graph",
    tex=r"G = (V, E)\ \text{acyclic}, \qquad v_i = f_i(v_{\mathrm{pa}(i)})",
    notes=("003#계산 그래프", "003#PyTorch"),
    source="Goodfellow, Bengio & Courville 2016, section 6.5.1",
    kind="model",
)
def computation_graph(graph: Graph, inputs: Annotated[Any, Tree("inputs")], /) -> dict[str, Array]:
    """Compute every node of a graph once, after all its operands, and return the values by name.

    Shapes
    ------
    inputs : dict of arrays by name, all of one shape; names that the graph does not use are ignored
    returns : dict of arrays of that shape, one per node

    Raises
    ------
    DomainError
        If an input is missing or has the name of a node. (A cycle or an unknown operation cannot come so far: `Graph`
        refuses it.)
    ShapeError
        If the inputs differ in shape.

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep Learning", section 6.5.1.

    Examples
    --------
    >>> from gongsik.spec.graph import Graph, Node
    >>> graph = Graph((Node("u", "multiply", ("w", "x")), Node("z", "add", ("u", 1.0))))
    >>> values = gs.computation_graph(graph, {"w": gs.asarray(2.0), "x": gs.asarray(3.0)})
    >>> {name: float(value) for name, value in values.items()}
    {'u': 6.0, 'z': 7.0}
    """
    ...


@formula(
    ko="자동 미분",
    en="Automatic differentiation",
    tex=r"\bar v_{\mathrm{out}} = \bar y, \qquad "
    r"\bar v_i = \sum_{j \in \mathrm{children}(i)} \bar v_j\, \frac{\partial v_j}{\partial v_i}",
    notes=("003#가중치 학습 (자동 미분)",),
    source="Baydin, Pearlmutter, Radul & Siskind 2018, section 3.2",
    kind="algorithm",
    differentiable=True,
)
def automatic_differentiation(
    graph: Graph, inputs: Annotated[Any, Tree("inputs")], upstream: Float[Array, "*shape"] | None = None, /
) -> dict[str, Array]:
    """Gradient of a graph's output by every input, by reverse accumulation: what a node's users send back, added up.

    Shapes
    ------
    inputs : dict of arrays by name, all of one shape
    upstream : (*shape), the gradient of something further on by the output; None: 1
    returns : dict of arrays of that shape, one per array of `inputs`; 0 for what the output does not depend on

    Raises
    ------
    DomainError
        If an input is missing or has the name of a node.
    ShapeError
        If the inputs, or `upstream`, differ in shape.

    Source
    ------
    Baydin, Pearlmutter, Radul & Siskind 2018, "Automatic differentiation in machine learning: a survey", section 3.2.

    Examples
    --------
    >>> from gongsik.spec.graph import Graph, Node
    >>> graph = Graph((Node("u", "multiply", ("w", "x")), Node("z", "add", ("u", "w"))))  # w is used twice
    >>> grads = gs.automatic_differentiation(graph, {"w": gs.asarray(2.0), "x": gs.asarray(3.0)})
    >>> {name: float(value) for name, value in grads.items()}
    {'w': 4.0, 'x': 2.0}
    """
    ...


@formula(
    ko="오차 역전파",
    en="Backpropagation",
    tex=r"\delta^L = \frac{\partial L}{\partial y}, \qquad "
    r"\delta^l = (W_{l+1}^\top \delta^{l+1}) \odot \rho'(z^l), \qquad "
    r"\frac{\partial L}{\partial W_l} = \delta^l (a^{l-1})^\top,\quad \frac{\partial L}{\partial b_l} = \delta^l",
    notes=("000#math 2", "002#AE의 학습과정", "004#Neural network", "004#Backpropagation"),
    source="Rumelhart, Hinton & Williams 1986; Nielsen 2015, eq. BP1-BP4",
    kind="algorithm",
    differentiable=True,
)
def backpropagation(
    config: MLP,
    params: Parameters,
    x: Float[Array, "*batch config.sizes[0]"],
    upstream: Float[Array, "*batch config.sizes[-1]"],
    /,
) -> dict[str, Array]:
    """Gradients of all parameters of a multi-layer perceptron, from the gradient of the loss by its output.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, config.sizes[0])
    upstream : (*batch, config.sizes[-1])
    returns : dict of the names and shapes of `params`, summed over the batch

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Nielsen 2015, "Neural Networks and Deep Learning", chapter 2, eq. BP1-BP4.

    Examples
    --------
    >>> from gongsik.spec.network import MLP
    >>> params = {"0.weight": gs.asarray([[2.0]]), "0.bias": gs.asarray([-1.0]),
    ...           "2.weight": gs.asarray([[3.0]]), "2.bias": gs.asarray([0.0])}
    >>> grads = gs.backpropagation(MLP((1, 1, 1)), params, gs.asarray([4.0]), gs.asarray([1.0]))
    >>> {name: float(value.sum()) for name, value in grads.items()}
    {'0.weight': 12.0, '0.bias': 3.0, '2.weight': 7.0, '2.bias': 1.0}
    """
    ...


vanishing_gradient = law(
    "network.vanishing_gradient",
    ko="기울기 소멸",
    en="Vanishing gradient in deep nets",
    tex=r"\Bigl\lVert \frac{\partial L}{\partial z^1} \Bigr\rVert \le \prod_{l=2}^{L} \lVert W_l \rVert\, "
    r"\sup_z \lvert \rho'(z) \rvert\ \Bigl\lVert \frac{\partial L}{\partial z^L} \Bigr\rVert",
    notes=("003#기울기 소멸 문제", "001#05강 / AlexNet", "000#Modern CNN / 1. AlexNet"),
    source="Hochreiter 1991; Pascanu, Mikolov & Bengio 2013",
)


@formula(
    ko="작은 난수 초기화",
    en="Small random initialisation",
    tex=r"W \sim \mathcal N(0, s^2), \quad s \text{ small}",
    notes=("003#가중치 초기화",),
    source="Krizhevsky, Sutskever & Hinton 2012, section 5",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def normal_init(normal: Float[Array, "*shape"], /, *, std: Positive[float] = 0.01) -> Float[Array, "*shape"]:
    """Start from small random numbers: different, so that units learn different things, and near 0.

    Shapes
    ------
    normal : (*shape), standard normal draws
    returns : (*shape)

    Options
    -------
    std : above 0, the standard deviation of the weights

    Source
    ------
    Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional neural networks", section 5.

    Examples
    --------
    >>> gs.to_numpy(gs.normal_init(gs.asarray([[1.0, -2.0]]), std=0.5))
    array([[ 0.5, -1. ]])
    """


@formula(
    ko="균등 분포 초기화(글로럿)",
    en="Glorot (Xavier) uniform",
    tex=r"W \sim U\!\left[-\sqrt{\tfrac{6}{n_{in} + n_{out}}},\ \sqrt{\tfrac{6}{n_{in} + n_{out}}}\right], \qquad "
    r"\mathrm{Var}(W) = \tfrac{2}{n_{in} + n_{out}}",
    notes=("003#가중치 초기화",),
    source="Glorot & Bengio 2010, eq. 16",
    errata=(
        Erratum(
            key="init_code_sqrt",
            place="003#가중치 초기화 (code)",
            stated="범위를 `sd = sd.sqrt(6/(...))`로 구한다.",
            right="`np.sqrt(6/(...))`이다. 그 줄에서 `sd`는 아직 정의되지 않은 이름이라 실행하면 NameError가 난다.",
            setup="layer_size, i = [2, 3, 4], 1\n"
            "try:\n    stated = sd.sqrt(6 / (layer_size[i + 1] + layer_size[i]))\n"
            "except NameError as error:\n    stated = type(error).__name__",
            stated_value="stated",
            right_value="float(np.sqrt(6 / (layer_size[i + 1] + layer_size[i])))",
        ),
        Erratum(
            key="init_code_size",
            place="003#가중치 초기화 (code)",
            stated="난수를 `layer_size[i]*layer_size[i-1]`개 뽑아 `(layer_size[i+1], layer_size[i])` 꼴로 바꾼다.",
            right="`layer_size[i+1]*layer_size[i]`개를 뽑아야 한다. 개수가 다르면 꼴을 바꿀 수 없다.",
            setup="layer_size, i = [2, 3, 4], 1",
            stated_value="layer_size[i] * layer_size[i - 1]",
            right_value="gs.glorot_uniform(np.zeros((layer_size[i + 1], layer_size[i]))).size",
        ),
    ),
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def glorot_uniform(uniform: Annotated[Float[Array, "o i"], Uniform], /) -> Float[Array, "o i"]:
    """Choose the variance between what keeps activations and what keeps gradients the same from layer to layer.

    Shapes
    ------
    uniform : (o, i), uniform draws from [0, 1)
    returns : (o, i)

    Source
    ------
    Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16.

    Examples
    --------
    >>> gs.to_numpy(gs.glorot_uniform(gs.asarray([[0.0, 0.5, 0.75], [0.25, 0.5, 0.5], [0.5, 0.5, 0.5]])))
    array([[-1. ,  0. ,  0.5],
           [-0.5,  0. ,  0. ],
           [ 0. ,  0. ,  0. ]])
    """


@formula(
    ko="제이비어 초기화",
    en="Xavier initialisation (fan-in, LeCun normal)",
    tex=r"W = \frac{\mathcal N(0, 1)}{\sqrt{n_{in}}}, \qquad \mathrm{Var}(W) = \tfrac{1}{n_{in}}",
    notes=("003#가중치 초기화", "004#Weight Initializing"),
    source="LeCun, Bottou, Orr & Müller 1998, eq. 16",
    errata=(
        Erratum(
            key="xavier_two_definitions",
            place="003#가중치 초기화",
            stated="$\\mathcal N(0,1)/\\sqrt{n_i}$을 제이비어 초기화라 부른다. $n_i + n_{i+1}$을 쓰는 규칙은 균등 분포 "
            "초기화라고만 한다.",
            right="한 이름이 두 규칙에 쓰인다. Glorot(제이비어)의 정규 분포 규칙은 분산이 $2/(n_{in}+n_{out})$이고, "
            "$n_{in}$만 쓰는 규칙은 LeCun의 것이다. 여기에서 `xavier_init`은 노트의 규칙이고 `glorot_uniform`은 "
            "Glorot의 규칙이다.",
            setup="n_in, n_out = 100, 300",
            stated_value="round(float(gs.xavier_init(np.ones((n_out, n_in)))[0, 0]), 4)",
            right_value="round(float(np.sqrt(2 / (n_in + n_out))), 4)",
        ),
        Erratum(
            key="xavier_divide_by_din",
            place="004#Weight Initializing",
            stated="난수를 $d_{in}$으로 나눈다.",
            right="$\\sqrt{d_{in}}$으로 나눈다. $d_{in}$으로 나누는 것은 분산이다. 그래야 "
            "$\\mathrm{Var}(Wx) = \\mathrm{Var}(x)$이다.",
            setup="d_in = 100  # Var(Wx) for Var(x) = 1",
            stated_value="d_in * (1 / d_in) ** 2",
            right_value="round(float((gs.xavier_init(np.ones((1, d_in))) ** 2).sum()), 12)",
        ),
    ),
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def xavier_init(normal: Float[Array, "o i"], /) -> Float[Array, "o i"]:
    """Divide by the root of the number of inputs, so that a linear layer keeps the variance of what it gets.

    Glorot's own rule, which looks at the outputs too, is `glorot_uniform`.

    Shapes
    ------
    normal : (o, i), standard normal draws
    returns : (o, i)

    Source
    ------
    LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", eq. 16.

    Examples
    --------
    >>> gs.to_numpy(gs.xavier_init(gs.asarray([[1.0, -2.0, 0.0, 4.0]])))
    array([[ 0.5, -1. ,  0. ,  2. ]])
    """


@formula(
    ko="허 초기화",
    en="He (Kaiming) initialisation",
    tex=r"W = \frac{\mathcal N(0, 1)}{\sqrt{n_{in} / 2}}, \qquad \mathrm{Var}(W) = \tfrac{2}{n_{in}}",
    notes=("003#가중치 초기화",),
    source="He, Zhang, Ren & Sun 2015, eq. 10",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def he_init(normal: Float[Array, "o i"], /) -> Float[Array, "o i"]:
    """Give back the half of the second moment that a ReLU takes away: twice the variance of `xavier_init`.

    Shapes
    ------
    normal : (o, i), standard normal draws
    returns : (o, i)

    Source
    ------
    He, Zhang, Ren & Sun 2015, "Delving deep into rectifiers", eq. 10.

    Examples
    --------
    >>> gs.to_numpy(gs.he_init(gs.asarray([[1.0, -2.0]])))
    array([[ 1., -2.]])
    """


init_variance_preservation = law(
    "network.init_variance_preservation",
    ko="초기화와 분산 보존",
    en="Initialisation preserves variance",
    tex=r"\mathrm{Var}(y) = n_{in}\, \mathrm{Var}(W)\, \mathbb E[x^2]",
    notes=("003#가중치 초기화", "004#Weight Initializing"),
    source="Glorot & Bengio 2010, eq. 5; He, Zhang, Ren & Sun 2015, eq. 6",
)
