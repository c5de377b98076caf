"""Activation functions: what makes a stack of matrices more than one matrix."""

from typing import Annotated

from annotated_types import Interval
from jaxtyping import Float

from gongsik.spec.array import Array, NonNegative
from gongsik.spec.formula import Chapter, Erratum, formula, law

CHAPTER = Chapter(ko="활성화 함수", en="Activation functions")


@formula(
    ko="계단 함수",
    en="Heaviside step function",
    tex=r"H(x) = \mathbb{1}[x \ge 0]",
    notes=("004#Activation function", "004#Perceptron"),
    source="Rosenblatt 1958",
)
def step(x: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
    """Output 1 where the input is at least 0, else 0; NaN stays NaN.

    Shapes
    ------
    x : (*shape)
    returns : (*shape)

    Source
    ------
    Rosenblatt 1958, "The perceptron".

    Examples
    --------
    >>> gs.to_numpy(gs.step(gs.asarray([-0.5, 0.0, 2.0])))
    array([0., 1., 1.])
    """
    ...


@formula(
    ko="시그모이드",
    en="Logistic sigmoid",
    tex=r"\sigma(z) = \frac{1}{1 + e^{-z}}, \qquad \sigma'(z) = \sigma(z)\,(1 - \sigma(z))",
    notes=("000#math 3 (img)", "001#05강 / AlexNet", "002#AE의 학습과정", "003#LeNet", "004#Sigmoid Function"),
    source="Verhulst 1845; Rumelhart, Hinton & Williams 1986",
    differentiable=True,
)
def sigmoid(z: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
    """Squash a real number into (0, 1), without overflow for any finite input.

    Shapes
    ------
    z : (*shape)
    returns : (*shape)

    Source
    ------
    Rumelhart, Hinton & Williams 1986, "Learning representations by back-propagating errors", eq. 2.

    Examples
    --------
    >>> gs.to_numpy(gs.sigmoid(gs.asarray([0.0, -1000.0, 1000.0])))
    array([0.5, 0. , 1. ])
    """
    ...


sigmoid_saturation = law(
    "activation.sigmoid_saturation",
    ko="시그모이드의 기울기 소멸",
    en="Sigmoid saturation (killed gradient)",
    tex=r"0 < \sigma'(z) \le \tfrac14, \quad \sigma'(z) = \sigma'(-z) \to 0\ (|z| \to \infty), \quad "
    r"\prod_{l=1}^{L} \sigma'(z_l) \le 4^{-L}",
    notes=("001#05강 / AlexNet", "003#기울기 소멸 문제", "004#Sigmoid's problem"),
    source="Hochreiter 1991; Bengio, Simard & Frasconi 1994",
    errata=(
        Erratum(
            key="sigmoid_saturates_both_sides",
            place="001#05강 / AlexNet",
            stated="$x > 0$일 때 기울기가 줄어든다.",
            right="양쪽 꼬리에서 모두 줄어든다. 도함수는 짝함수라서 $\\sigma'(-x) = \\sigma'(x)$이다.",
            setup="slope = lambda x: gs.sigmoid(np.array(x)) * (1 - gs.sigmoid(np.array(x)))",
            stated_value="float(slope(0.0))",
            right_value="float(slope(-5.0))",
        ),
    ),
)

zero_centered_gradient = law(
    "activation.zero_centered_gradient",
    ko="영 중심이 아닌 출력과 기울기 부호",
    en="Non-zero-centred inputs force one-signed weight gradients",
    tex=r"f = \sum_i w_i x_i + b,\ x_i > 0\ \forall i \;\Rightarrow\; "
    r"\operatorname{sign}\frac{\partial L}{\partial w_i} = \operatorname{sign}\frac{\partial L}{\partial f}\ \forall i",
    notes=("004#Sigmoid's problem", "004#ReLu's problem"),
    source="LeCun, Bottou, Orr & Müller 1998, section 4.3",
)


@formula(
    ko="쌍곡탄젠트",
    en="Hyperbolic tangent",
    tex=r"\tanh x = \frac{e^{x} - e^{-x}}{e^{x} + e^{-x}}, \qquad \tanh' x = 1 - \tanh^2 x",
    notes=("000#math 3 (img)", "000#Long Short Term Memory(LSTM) / Vanilla RNN Unit", "002#활성화 함수", "003#RNN",
           "004#Activation function"),
    source="LeCun, Bottou, Orr & Müller 1998, section 4.4",
    errata=(
        Erratum(
            key="tanh_name",
            place="000#Long Short Term Memory(LSTM)",
            stated="tanh를 hyperparabolic이라고 부른다.",
            right="쌍곡(hyperbolic)탄젠트이다. 이름 그대로 $\\sinh x / \\cosh x$이다.",
        ),
    ),
    differentiable=True,
)  # fmt: skip
def tanh(x: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
    """Squash a real number into (-1, 1), with 0 in the middle.

    Shapes
    ------
    x : (*shape)
    returns : (*shape)

    Source
    ------
    LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 4.4.

    Examples
    --------
    >>> gs.to_numpy(gs.tanh(gs.asarray([0.0, -50.0, 50.0])))
    array([ 0., -1.,  1.])
    """
    ...


tanh_sigmoid_identity = law(
    "activation.tanh_sigmoid_identity",
    ko="tanh와 시그모이드의 관계",
    en="tanh as a rescaled sigmoid",
    tex=r"\tanh x = 2\,\sigma(2x) - 1",
    notes=("004#Tanh funtion's problem",),
)

tanh_gradient_bound = law(
    "activation.tanh_gradient_bound",
    ko="tanh 도함수의 범위",
    en="Bound on the derivative of tanh",
    tex=r"0 < \tanh'(x) \le 1, \quad \tanh'(0) = 1",
    notes=("002#BPTT의 장기의존성", "004#Tanh funtion's problem", "004#Gradient Flow problem in RNN"),
)


@formula(
    ko="ReLU",
    en="Rectified linear unit",
    tex=r"\mathrm{ReLU}(x) = \max(0, x)",
    notes=("000#math 3 (img)", "000#Modern CNN / 1. AlexNet", "001#05강 / AlexNet", "003#기울기 소멸 문제",
           "004#Activation function"),
    source="Nair & Hinton 2010; Glorot, Bordes & Bengio 2011",
    differentiable=True,
)  # fmt: skip
def relu(x: Float[Array, "*shape"], /) -> Float[Array, "*shape"]:
    """Keep what is positive, replace the rest by 0. The derivative at 0 is taken as 0.

    Shapes
    ------
    x : (*shape)
    returns : (*shape)

    Source
    ------
    Nair & Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".

    Examples
    --------
    >>> gs.to_numpy(gs.relu(gs.asarray([-2.0, 0.0, 3.0])))
    array([0., 0., 3.])
    """
    ...


relu_subgradient = law(
    "activation.relu_subgradient",
    ko="ReLU의 0에서의 미분 불가능성",
    en="ReLU is not differentiable at zero",
    tex=r"\partial\,\mathrm{ReLU}(0) = [0, 1]; \quad \text{convention: } \mathrm{ReLU}'(0) = 0",
    notes=("004#ReLu's problem",),
)

relu_non_saturation = law(
    "activation.relu_non_saturation",
    ko="ReLU의 비포화성",
    en="ReLU does not saturate for positive inputs",
    tex=r"x > 0 \Rightarrow \mathrm{ReLU}'(x) = 1, \qquad \prod_{l} \mathrm{ReLU}'(z_l) \in \{0, 1\}",
    notes=("000#Modern CNN / 1. AlexNet", "001#05강 / AlexNet", "003#기울기 소멸 문제"),
    source="Glorot, Bordes & Bengio 2011",
)

dying_relu = law(
    "activation.dying_relu",
    ko="죽은 ReLU",
    en="Dying ReLU",
    tex=r"w^\top x_i + b \le 0\ \forall i \;\Rightarrow\; \nabla_{w, b} \sum_i \ell(\mathrm{ReLU}(w^\top x_i + b)) = 0",
    notes=("004#ReLu's problem", "004#Leaky ReLU"),
    source="Maas, Hannun & Ng 2013",
    errata=(
        Erratum(
            key="dying_relu_scope",
            place="004#ReLu's problem",
            stated="처음에 음수가 나오면 그 뒤로 계속 음수이다.",
            right="모든 표본에서 활성화 이전 값이 0 이하일 때만 멈춘다. 한 표본이라도 양수이면 기울기가 흐른다.",
            setup="x, w = np.array([-1.0, 1.0]), np.array(1.0)",
            stated_value="0.0",
            right_value="float(gs.value_and_grad(lambda w: -gs.relu(w * x).sum())(w)[1])",
        ),
    ),
)


@formula(
    ko="Leaky ReLU",
    en="Leaky rectified linear unit",
    tex=r"\mathrm{LReLU}_a(x) = \max(a x, x), \quad 0 \le a \le 1\ (a = 0.01)",
    notes=("002#DCGAN 가이드", "004#Leaky ReLU"),
    source="Maas, Hannun & Ng 2013",
    differentiable=True,
)
def leaky_relu(
    x: Float[Array, "*shape"], /, *, negative_slope: Annotated[float, Interval(ge=0, le=1)] = 0.01
) -> Float[Array, "*shape"]:
    """Keep what is positive, multiply the rest by a small slope. The derivative at 0 is taken as the slope.

    Shapes
    ------
    x : (*shape)
    returns : (*shape)

    Options
    -------
    negative_slope : in [0, 1]; 0 gives ReLU, 1 the identity

    Source
    ------
    Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".

    Examples
    --------
    >>> gs.to_numpy(gs.leaky_relu(gs.asarray([-2.0, 0.0, 3.0])))
    array([-0.02,  0.  ,  3.  ])
    """
    ...


@formula(
    ko="ELU",
    en="Exponential linear unit",
    tex=r"\mathrm{ELU}_\alpha(x) = \begin{cases} x & x > 0 \\ \alpha (e^{x} - 1) & x \le 0 \end{cases}",
    notes=("004#ELU",),
    source="Clevert, Unterthiner & Hochreiter 2016, eq. 15",
    errata=(
        Erratum(
            key="elu_differentiable_at_zero",
            place="004#ELU",
            stated="0에서 미분할 수 있다.",
            right="$\\alpha = 1$일 때만 그렇다. 왼쪽 기울기는 $\\alpha$, 오른쪽 기울기는 1이다.",
            setup="h = 2.0**-20",
            stated_value="round(float((gs.elu(np.array(h), alpha=0.5) - gs.elu(np.array(0.0), alpha=0.5)) / h), 3)",
            right_value="round(float((gs.elu(np.array(0.0), alpha=0.5) - gs.elu(np.array(-h), alpha=0.5)) / h), 3)",
        ),
    ),
    differentiable=True,
)
def elu(x: Float[Array, "*shape"], /, *, alpha: NonNegative[float] = 1.0) -> Float[Array, "*shape"]:
    """Keep what is positive, let the rest run smoothly into -alpha. The derivative at 0 is taken as alpha.

    Shapes
    ------
    x : (*shape)
    returns : (*shape)

    Options
    -------
    alpha : at least 0; minus the limit for x -> -inf

    Source
    ------
    Clevert, Unterthiner & Hochreiter 2016, "Fast and accurate deep network learning by exponential
    linear units", eq. 15.

    Examples
    --------
    >>> gs.to_numpy(gs.elu(gs.asarray([-50.0, 0.0, 3.0]), alpha=2.0))
    array([-2.,  0.,  3.])
    """
    ...


@formula(
    ko="소프트맥스",
    en="Softmax",
    tex=r"\mathrm{softmax}(z)_i = \frac{e^{z_i - \max_j z_j}}{\sum_k e^{z_k - \max_j z_j}}",
    notes=("000#좀 더 자세한 벡터 처리 예시", "003#컨볼루션 신경망의 구조 (SM)", "004#Linear Classifiers(image기준)",
           "004#Attention", "004#Transformer 작동 원리(with 번역)"),
    source="Bridle 1990",
    requires=(
        ("-len(shape) <= axis < len(shape)", "axis to be an axis of z"),
        ("shape[axis] > 0", "at least one element along axis"),
    ),
    differentiable=True,
)  # fmt: skip
def softmax(z: Float[Array, "*shape"], /, *, axis: int = -1) -> Float[Array, "*shape"]:
    """Turn scores into probabilities: positive, and summing to 1 along one axis.

    Shapes
    ------
    z : (*shape), with at least one axis
    returns : (*shape)

    Options
    -------
    axis : the axis that sums to 1

    Source
    ------
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    Examples
    --------
    >>> gs.to_numpy(gs.softmax(gs.asarray([1000.0, 1000.0])))
    array([0.5, 0.5])
    """
    ...


@formula(
    ko="소프트맥스 야코비안",
    en="Softmax Jacobian",
    tex=r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)",
    notes=("004#Cross Entropy", "003#BPTT 알고리즘"),
    source="Bridle 1990",
    differentiable=True,
)
def softmax_jacobian(z: Float[Array, "*batch k"], /) -> Float[Array, "*batch k k"]:
    """Derivative of every probability of `softmax(z)` by every score.

    Shapes
    ------
    z : (*batch, k)
    returns : (*batch, k, k), probability first, score second

    Source
    ------
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    Examples
    --------
    >>> gs.to_numpy(gs.softmax_jacobian(gs.asarray([0.0, 0.0])))
    array([[ 0.25, -0.25],
           [-0.25,  0.25]])
    """
    ...
