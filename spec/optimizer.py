"""Optimizers: how parameters move once the gradient is known.

A step is a pure function ``(param, grad, state) -> (param, state)``. Parameters are one float array, or a list, tuple
or dict of them. A state is a value: a `NamedTuple` of arrays, shaped as the parameters, and for some a step counter,
which is an integer array without axes. Before the first step it is None. Options have the defaults of `torch.optim`.
"""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Interval
from jaxtyping import Float, Int

from gongsik.spec.array import Array, Decay, NonNegative, Params, Positive
from gongsik.spec.errors import ShapeError
from gongsik.spec.formula import Chapter, Erratum, formula, law

CHAPTER = Chapter(ko="최적화", en="Optimizers")

EpsPlace = Literal["outside", "inside"]
"""Where epsilon goes: ``sqrt(x) + eps`` as in the papers and in torch, or ``sqrt(x + eps)``."""

Steps = Annotated[Int[Array, "*shape"], Ge(0)]


class MomentumState(NamedTuple):
    """State of `momentum` and `nesterov`: the accumulated gradient."""

    a: Params


class AdagradState(NamedTuple):
    """State of `adagrad`: the sum of the squared gradients."""

    G: Annotated[Params, Ge(0)]


class AdadeltaState(NamedTuple):
    """State of `adadelta`: moving averages of the squared gradients and of the squared steps."""

    G: Annotated[Params, Ge(0)]
    H: Annotated[Params, Ge(0)]


class RMSPropState(NamedTuple):
    """State of `rmsprop`: the moving average of the squared gradients."""

    G: Annotated[Params, Ge(0)]


class AdamState(NamedTuple):
    """State of `adam`, `adamw` and `radam`: steps done, moving averages of the gradients and of their squares."""

    step: Annotated[Int[Array, ""], Ge(0)]
    m: Params
    v: Annotated[Params, Ge(0)]


class AdamaxState(NamedTuple):
    """State of `adamax`: steps done, moving average of the gradients, decaying maximum of their sizes."""

    step: Annotated[Int[Array, ""], Ge(0)]
    m: Params
    u: Annotated[Params, Ge(0)]


class NAdamState(NamedTuple):
    """State of `nadam`: that of `adam`, and the product of all momentum factors so far, which starts in float64."""

    step: Annotated[Int[Array, ""], Ge(0)]
    mu_product: Annotated[Float[Array, ""], Interval(ge=0, le=1)]
    m: Params
    v: Annotated[Params, Ge(0)]


# One step down the slope


@formula(
    ko="경사 하강법",
    en="Gradient descent",
    tex=r"W_{t+1} = W_t - \eta\, g_t",
    notes=("000#math 2-1", "000#용어의 정의", "000#math 6", "003#경사 하강법", "004#Gradient Descent"),
    source="Cauchy 1847",
    kind="algorithm",
)
def gradient_descent(param: Params, grad: Params, /, *, lr: NonNegative[float] = 1e-3) -> Params:
    """Move every parameter against its gradient.

    Shapes
    ------
    param, grad : the same tree of arrays
    returns : the new parameters, the same tree

    Options
    -------
    lr : at least 0; the learning rate

    Source
    ------
    Cauchy 1847, "Méthode générale pour la résolution des systèmes d'équations simultanées".

    Examples
    --------
    >>> gs.to_numpy(gs.gradient_descent(gs.asarray([1.0, -1.0]), gs.asarray([2.0, 0.0]), lr=0.25))
    array([ 0.5, -1. ])
    """
    ...


gradient_descent_convergence = law(
    "optimizer.gradient_descent_convergence",
    ko="볼록 함수에서의 수렴",
    en="Convergence on convex functions",
    tex=r"f\ \text{convex},\ L\text{-smooth},\ \eta \le \tfrac1L \;\Rightarrow\; "
    r"f(x_T) - f^\star \le \frac{\lVert x_0 - x^\star \rVert^2}{2 \eta T}",
    notes=("004#Gradient Descent", "000#Nestrerov Accelerated Gradient"),
    source="Beck & Teboulle 2009, theorem 3.1",
    errata=(
        Erratum(
            key="convexity_alone",
            place="004#Gradient Descent",
            stated="손실이 볼록하면 전역 최솟값이 보장된다.",
            right="볼록성만으로는 모자란다. 기울기가 $L$-립시츠이고 학습률이 $2/L$보다 작아야 한다. "
            "$f = x^2$($L = 2$)에서 $\\eta = 1.1$이면 열 걸음 만에 $|x| = 6.19$가 된다.",
            setup="x = np.array(1.0)\nfor _ in range(10):\n    x = gs.gradient_descent(x, 2 * x, lr=1.1)",
            stated_value="0.0",
            right_value="round(abs(float(x)), 2)",
        ),
        Erratum(
            key="nag_guarantee",
            place="000#Nestrerov Accelerated Gradient",
            stated="NAG는 최소 지점에 도달함이 증명되었다.",
            right="볼록하고 매끄러운 함수에서, 알맞은 학습률일 때만 증명되었다. "
            "$f = x^2/2$에서 $\\beta = 0.9$, $\\eta = 2$이면 발산한다.",
            setup="x, state = np.array(1.0), None\nfor _ in range(50):\n"
            "    ahead = gs.nesterov_lookahead(x, state, lr=2.0, beta=0.9)\n"
            "    x, state = gs.nesterov(x, ahead, state, lr=2.0, beta=0.9, form='lookahead')",
            stated_value="0.0",
            right_value="float(f'{abs(float(x)):.3g}')",
        ),
        Erratum(
            key="differentiability_needed",
            place="004#Gradient Descent",
            stated="손실이 미분 가능할 때만 쓸 수 있다.",
            right="학습률을 줄여 가면 부분기울기(subgradient)로도 수렴한다. ReLU, 힌지 손실, L1 벌점이 그 예이다.",
            setup="x = np.array(0.3)\nfor t in range(1, 1001):\n    x = gs.gradient_descent(x, np.sign(x), lr=1 / t)",
            stated_value="0.3",
            right_value="round(abs(float(x)), 3)",
        ),
    ),
)

learning_rate_regimes = law(
    "optimizer.learning_rate_regimes",
    ko="학습률의 영향",
    en="Learning-rate regimes",
    tex=r"& f = \tfrac{\lambda}{2} x^2:\ x_t = (1 - \eta\lambda)^t x_0 \\ "
    r"& \eta < \tfrac1\lambda\ \text{monotone},\ \ \tfrac1\lambda < \eta < \tfrac2\lambda\ \text{oscillating},\ \ "
    r"\eta > \tfrac2\lambda\ \text{divergent}",
    notes=("004#Learning rate", "000#Gradient Descent"),
    source="LeCun, Bottou, Orr & Müller 1998, section 5.1",
)

local_minimum = law(
    "optimizer.local_minimum",
    ko="국소 최소점",
    en="Gradient descent finds a local minimum",
    tex=r"f(x) = (x^2 - 1)^2 + 0.3 x:\ x_0\ \text{decides the basin}",
    notes=("000#용어의 정의 (Gradient Descent)", "001#Nesterov Accelerated Gradient", "004#Gradient Descent"),
)


# Which samples the gradient is taken over


@formula(
    ko="확률적 경사",
    en="Stochastic (single-sample) gradient",
    tex=r"g_t = \nabla \ell_{i_t}(W_t), \quad i_t \sim U\{1, \dots, N\}",
    notes=("000#Gradient Descent Methods", "001#Gradient Descent Methods", "003#확률적 갱신",
           "004#SGD(Stochastic Gradient Descent)"),
    source="Robbins & Monro 1951",
    kind="algorithm",
    stochastic=True,
)  # fmt: skip
def stochastic_gradient(
    loss: Callable, params: Params, data: tuple, index: Int[Array, ""], /
) -> tuple[Float[Array, ""], Params]:
    """Value and gradient of the loss on one sample.

    Shapes
    ------
    loss : ``loss(params, *batch)`` is the mean over the samples of a batch, an array without axes
    params : any tree of arrays
    data : a tuple of arrays, whose first axis counts the samples
    index : (); which sample, from 0 up to the number of samples
    returns : the loss on ``data[i:i + 1]``, (), and its gradient, the tree of `params`

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.
    DomainError
        If there is no such sample.

    Source
    ------
    Robbins & Monro 1951, "A stochastic approximation method".

    Examples
    --------
    >>> x = gs.asarray([1.0, 2.0, 6.0])
    >>> loss, grad = gs.stochastic_gradient(lambda w, x: ((w - x) ** 2).mean(), gs.asarray(0.0), (x,), gs.asarray(2))
    >>> float(loss), float(grad)
    (36.0, -12.0)
    """
    ...


@formula(
    ko="미니배치 경사",
    en="Mini-batch gradient",
    tex=r"g_t = \frac{1}{|B_t|} \sum_{i \in B_t} \nabla \ell_i(W_t)",
    notes=("000#Gradient Descent Methods", "001#Gradient Descent Methods", "003#미니배치 갱신"),
    source="Bottou, Curtis & Nocedal 2018, section 3",
    kind="algorithm",
    stochastic=True,
)
def mini_batch_gradient(
    loss: Callable, params: Params, data: tuple, index: Int[Array, "b"], /
) -> tuple[Float[Array, ""], Params]:
    """Value and gradient of the loss on some of the samples.

    Shapes
    ------
    loss, params, data : as for `stochastic_gradient`
    index : (b,); which samples, each from 0 up to the number of samples
    returns : the mean loss over the batch, (), and its gradient, the tree of `params`

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none; if the batch is empty.
    DomainError
        If there is no such sample.

    Source
    ------
    Bottou, Curtis & Nocedal 2018, "Optimization methods for large-scale machine learning", section 3.

    Examples
    --------
    >>> x = gs.asarray([1.0, 2.0, 6.0])
    >>> square = lambda w, x: ((w - x) ** 2).mean()
    >>> loss, grad = gs.mini_batch_gradient(square, gs.asarray(0.0), (x,), gs.asarray([0, 1]))
    >>> float(loss), float(grad)
    (2.5, -3.0)
    """
    ...


@formula(
    ko="배치 경사",
    en="Full-batch gradient",
    tex=r"g_t = \frac1N \sum_{i=1}^{N} \nabla \ell_i(W_t)",
    notes=("000#Gradient Descent Methods", "001#Gradient Descent Methods", "003#배치 갱신"),
    source="Bottou, Curtis & Nocedal 2018, section 3",
    kind="algorithm",
)
def batch_gradient(loss: Callable, params: Params, data: tuple, /) -> tuple[Float[Array, ""], Params]:
    """Value and gradient of the loss on all samples.

    Shapes
    ------
    loss, params, data : as for `stochastic_gradient`
    returns : the mean loss over all samples, (), and its gradient, the tree of `params`

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.

    Source
    ------
    Bottou, Curtis & Nocedal 2018, "Optimization methods for large-scale machine learning", section 3.

    Examples
    --------
    >>> x = gs.asarray([1.0, 2.0, 6.0])
    >>> loss, grad = gs.batch_gradient(lambda w, x: ((w - x) ** 2).mean(), gs.asarray(3.0), (x,))
    >>> float(grad)
    0.0
    """
    ...


def count_samples(name: str, data: tuple) -> int:
    """Number of samples in the arrays of a data set, for the formula `name`.

    Raises
    ------
    ShapeError
        If the arrays differ in it, there are no arrays or no samples.
    """
    if not data or any(not getattr(x, "shape", ()) for x in data):
        raise ShapeError(f"{name}: data must be arrays with an axis of samples first")
    n = data[0].shape[0]
    if n == 0 or any(x.shape[0] != n for x in data):
        raise ShapeError(
            f"{name}: data has {', '.join(str(x.shape[0]) for x in data)} samples, expected one number above 0"
        )
    return n


minibatch_noise = law(
    "optimizer.minibatch_noise",
    ko="미니배치 경사의 불편성과 분산",
    en="Mini-batch gradient noise",
    tex=r"\mathbb E[g_B] = \nabla L, \qquad \operatorname{Var}(g_B) = \frac{\Sigma}{B} \cdot \frac{N - B}{N - 1}",
    notes=("004#SGD(Stochastic Gradient Descent) (Inaccurate gradient estimation)",),
    source="Cochran 1977, theorem 2.2",
)

jittering = law(
    "optimizer.jittering",
    ko="지터링(병적 곡률)",
    en="Jittering on ill-conditioned losses",
    tex=r"f = \tfrac12 (\lambda_1 x^2 + \lambda_2 y^2),\ \kappa = \lambda_1 / \lambda_2:\ "
    r"\min_\eta\ \text{rate} = \frac{\kappa - 1}{\kappa + 1}, \quad "
    r"\text{with momentum}\ \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}",
    notes=("004#SGD(Stochastic Gradient Descent)",),
    source="Polyak 1964",
)

saddle_point = law(
    "optimizer.saddle_point",
    ko="안장점",
    en="Saddle points",
    tex=r"\nabla f = 0, \qquad \nabla^2 f\ \text{has eigenvalues of both signs}",
    notes=("004#SGD(Stochastic Gradient Descent)", "004#Gradient Descent"),
    source="Dauphin et al. 2014",
    errata=(
        Erratum(
            key="saddle_definition",
            place="004#SGD(Stochastic Gradient Descent)",
            stated="안장점은 어느 방향으로든 기울기가 0인 곳이다.",
            right="그것은 임계점(critical point)의 정의이다. 안장점은 거기에 더해 곡률의 부호가 방향에 따라 다르다. "
            "$x^2 + y^2$의 원점은 기울기가 0이지만 최소점이다.",
            setup="slope, hessian = 2 * np.zeros(2), np.diag([2.0, 2.0])\ncurvature = np.linalg.eigvalsh(hessian)",
            stated_value="bool((slope == 0).all())",
            right_value="bool(curvature.min() < 0 < curvature.max())",
        ),
    ),
)


# A memory of the direction


@formula(
    ko="모멘텀",
    en="Momentum (heavy ball)",
    tex=r"a_{t+1} = \beta a_t + g_t, \qquad W_{t+1} = W_t - \eta\, a_{t+1}",
    notes=("000#math 6-1", "001#Momentum", "003#모멘텀 사용 경사 하강법", "004#해결법"),
    source="Polyak 1964",
    kind="algorithm",
)
def momentum(
    param: Params, grad: Params, state: MomentumState | None = None, /,
    *, lr: NonNegative[float] = 1e-3, beta: Decay[float] = 0.9,
) -> tuple[Params, MomentumState]:  # fmt: skip
    """Move along a fading sum of all gradients so far.

    Shapes
    ------
    param, grad, state.a : the same tree of arrays
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    beta : in [0, 1); what is left of the sum after a step. 0 is `gradient_descent`

    Source
    ------
    Polyak 1964, "Some methods of speeding up the convergence of iteration methods".

    Examples
    --------
    >>> param, state = gs.asarray(0.0), None
    >>> for _ in range(2):
    ...     param, state = gs.momentum(param, gs.asarray(1.0), state, lr=1.0, beta=0.5)
    >>> float(param), float(state.a)
    (-2.5, 1.5)
    """
    ...


momentum_forms = law(
    "optimizer.momentum_forms",
    ko="모멘텀 두 표기의 동치",
    en="Two momentum forms agree",
    tex=r"\Delta^t = \alpha \Delta^{t-1} + \eta g_t,\ w^{t+1} = w^t - \Delta^t \;\Longleftrightarrow\; "
    r"\Delta^t = \eta\, a_{t+1}\ (\eta\ \text{constant})",
    notes=("000#math 6-1", "003#모멘텀 사용 경사 하강법"),
    source="Sutskever, Martens, Dahl & Hinton 2013",
)

momentum_horizon = law(
    "optimizer.momentum_horizon",
    ko="모멘텀의 유효 기억 길이",
    en="Effective memory of momentum",
    tex=r"a_t = \sum_{s \le t} \beta^{t-s} g_s, \qquad \sum_{s \ge 0} \beta^s = \frac{1}{1 - \beta}",
    notes=("001#실습 (Adam)", "000#Momentum"),
)


@formula(
    ko="네스테로프 가속 경사",
    en="Nesterov accelerated gradient",
    tex=r"a_{t+1} = \beta a_t + \nabla\mathcal L(W_t - \eta\beta a_t), \qquad W_{t+1} = W_t - \eta\, a_{t+1}",
    notes=("000#math 6-2", "001#Nesterov Accelerated Gradient", "003#NAG"),
    source="Nesterov 1983; Sutskever, Martens, Dahl & Hinton 2013, eq. 3-4",
    errata=(
        Erratum(
            key="nag_garbled",
            place="001#Nesterov Accelerated Gradient",
            stated="두 갱신식이 화살표 없이 한 줄로 이어져 있다.",
            right="$a \\leftarrow \\beta a + \\nabla\\mathcal L(W - \\eta\\beta a)$가 먼저이고, 그 $a$로 "
            "$W \\leftarrow W - \\eta a$를 한다.",
        ),
    ),
    kind="algorithm",
)
def nesterov(
    param: Params, grad: Params, state: MomentumState | None = None, /,
    *, lr: NonNegative[float] = 1e-3, beta: Decay[float] = 0.9, form: Literal["shifted", "lookahead"] = "shifted",
) -> tuple[Params, MomentumState]:  # fmt: skip
    """Momentum whose gradient is taken where the momentum is about to carry the parameters.

    Both forms run through the same points. With ``form="lookahead"`` the parameters are W and the gradient has to be
    taken at `nesterov_lookahead`, W - lr beta a. With ``form="shifted"`` the parameters are that point themselves, and
    the gradient is taken at the parameters, as for every other optimizer: W' = W - lr (g + beta a').

    Shapes
    ------
    param, grad, state.a : the same tree of arrays
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    beta : in [0, 1); what is left of the sum after a step
    form : "shifted" (as torch) or "lookahead" (as published)

    Source
    ------
    Nesterov 1983, "A method of solving a convex programming problem with convergence rate O(1/k^2)"; Sutskever,
    Martens, Dahl & Hinton 2013, "On the importance of initialization and momentum in deep learning", eq. 3-4.

    Examples
    --------
    >>> state = MomentumState(gs.asarray(1.0))
    >>> w = gs.asarray(1.0)
    >>> slope = gs.nesterov_lookahead(w, state, lr=0.1, beta=0.9)  # of W**2 / 2
    >>> w, state = gs.nesterov(w, slope, state, lr=0.1, beta=0.9, form="lookahead")
    >>> round(float(w), 3), round(float(state.a), 2)
    (0.819, 1.81)
    """
    ...


@formula(
    ko="네스테로프의 앞선 위치",
    en="Nesterov's lookahead point",
    tex=r"\tilde W_t = W_t - \eta\beta a_t",
    notes=("000#math 6-2", "001#Nesterov Accelerated Gradient", "003#NAG"),
    source="Sutskever, Martens, Dahl & Hinton 2013, eq. 3",
)
def nesterov_lookahead(
    param: Params, state: MomentumState | None = None, /,
    *, lr: NonNegative[float] = 1e-3, beta: Decay[float] = 0.9,
) -> Params:  # fmt: skip
    """Where `nesterov` with ``form="lookahead"`` wants the gradient to be taken.

    Shapes
    ------
    param, state.a : the same tree of arrays
    returns : the same tree

    Options
    -------
    lr : at least 0; the learning rate
    beta : in [0, 1); what is left of the sum after a step

    Source
    ------
    Sutskever, Martens, Dahl & Hinton 2013, "On the importance of initialization and momentum in deep learning", eq. 3.

    Examples
    --------
    >>> float(gs.nesterov_lookahead(gs.asarray(1.0), MomentumState(gs.asarray(2.0)), lr=0.5, beta=0.5))
    0.5
    """
    ...


@formula(
    ko="지수 이동 평균",
    en="Exponential moving average",
    tex=r"m_t = \gamma m_{t-1} + (1 - \gamma) x_t = (1 - \gamma) \sum_{s \le t} \gamma^{t-s} x_s + \gamma^t m_0",
    notes=("000#math 6-4", "001#Adadelta", "003#추론 (배치 정규화)", "004#해결법 (RMSProp)"),
    source="Brown 1956",
    differentiable=True,
)
def exponential_moving_average(
    x: Float[Array, "t *shape"], init: Float[Array, "*shape"] | None = None, /, *, gamma: Decay[float] = 0.99
) -> Float[Array, "t *shape"]:
    """Average of all values so far, in which each counts less than the next by a factor.

    Shapes
    ------
    x : (t, *shape), over time
    init : (*shape), the average before the first value; None: 0
    returns : (t, *shape)

    Options
    -------
    gamma : in [0, 1); the factor. A window of n values corresponds to ``1 - 1/n``: 100 values to 0.99

    Source
    ------
    Brown 1956, "Exponential smoothing for predicting demand".

    Examples
    --------
    >>> gs.to_numpy(gs.exponential_moving_average(gs.asarray([4.0, 0.0, 0.0]), gamma=0.5))
    array([2. , 1. , 0.5])
    """
    ...


# A rate of its own for every parameter


@formula(
    ko="아다그라드",
    en="Adagrad",
    tex=r"G_t = G_{t-1} + g_t^2, \qquad W_{t+1} = W_t - \frac{\eta}{\sqrt{G_t} + \epsilon}\, g_t",
    notes=("000#math 6-3", "001#Adagrad", "003#Adagrad", "004#해결법"),
    source="Duchi, Hazan & Singer 2011, figure 1",
    errata=(
        Erratum(
            key="epsilon_place",
            place="000#math 6-3, 6-5, 6-6; 003#Adagrad; 001#RMSprop",
            stated="$\\epsilon$을 제곱근 안에 넣는다: $\\sqrt{G_t + \\epsilon}$.",
            right="논문과 torch는 제곱근 밖에 더한다: $\\sqrt{G_t} + \\epsilon$. 기울기가 작을 때 둘은 크게 다르다. "
            "노트의 꼴은 `eps_place=\"inside\"`이다.",
            setup="w, g = np.array(0.0), np.array(1e-4)",
            stated_value="round(float(-gs.adagrad(w, g, lr=1.0, eps=1e-8, eps_place='inside')[0]), 4)",
            right_value="round(float(-gs.adagrad(w, g, lr=1.0, eps=1e-8)[0]), 4)",
        ),
    ),
    kind="algorithm",
)  # fmt: skip
def adagrad(
    param: Params, grad: Params, state: AdagradState | None = None, /,
    *, lr: NonNegative[float] = 1e-2, eps: NonNegative[float] = 1e-10, eps_place: EpsPlace = "outside",
) -> tuple[Params, AdagradState]:  # fmt: skip
    """Divide the rate of every parameter by the root of its summed squared gradients.

    Shapes
    ------
    param, grad, state.G : the same tree of arrays
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    eps : at least 0; keeps the denominator from 0
    eps_place : "outside" (the paper, torch) or "inside" the root (the lecture notes)

    Source
    ------
    Duchi, Hazan & Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization",
    figure 1.

    Examples
    --------
    >>> param, state = gs.adagrad(gs.asarray([0.0, 0.0]), gs.asarray([3.0, -0.01]), lr=0.5)
    >>> gs.to_numpy(param).round(6)  # the same size of step for both
    array([-0.5,  0.5])
    """
    ...


adagrad_decay = law(
    "optimizer.adagrad_decay",
    ko="Adagrad 학습률의 소멸",
    en="Adagrad's rate tends to zero",
    tex=r"g_t \equiv g \;\Rightarrow\; \frac{\eta}{\sqrt{G_t}} |g| = \frac{\eta}{\sqrt t} \to 0",
    notes=("000#Adagrad", "001#Adagrad", "004#해결법"),
    source="Zeiler 2012, section 2.2",
)


@formula(
    ko="아다델타",
    en="Adadelta",
    tex=r"& G_t = \gamma G_{t-1} + (1 - \gamma) g_t^2,\quad "
    r"\Delta W_t = -\frac{\sqrt{H_{t-1} + \epsilon}}{\sqrt{G_t + \epsilon}}\, g_t, \\ "
    r"& H_t = \gamma H_{t-1} + (1 - \gamma) \Delta W_t^2,\quad W_{t+1} = W_t + \Delta W_t",
    notes=("000#math 6-4", "001#Adadelta (img)", "003#Adadelta (img)"),
    source="Zeiler 2012, algorithm 1",
    errata=(
        Erratum(
            key="adadelta_window",
            place="000#Adadelta",
            stated="정한 창(window) 안의 걸음만 학습률에 영향을 준다. 열한 번째가 오면 첫 번째는 빠진다.",
            right="지수 이동 평균에서는 어떤 걸음도 빠지지 않는다. 무게가 $\\gamma^k$로 옅어질 뿐이다. "
            "정확한 창은 도입의 동기였다.",
            setup="impulse = np.array([1.0] + [0.0] * 11)",
            stated_value="0.0",
            right_value="round(float(gs.exponential_moving_average(impulse, gamma=0.9)[11]), 4)",
        ),
    ),
    kind="algorithm",
)
def adadelta(
    param: Params, grad: Params, state: AdadeltaState | None = None, /,
    *, gamma: Decay[float] = 0.9, eps: NonNegative[float] = 1e-6,
) -> tuple[Params, AdadeltaState]:  # fmt: skip
    """Scale every gradient by the usual size of the step over the usual size of the gradient: no learning rate.

    Shapes
    ------
    param, grad, state.G, state.H : the same tree of arrays
    returns : the new parameters and the new state

    Options
    -------
    gamma : in [0, 1); decay of both averages
    eps : at least 0; starts the first step and keeps the denominator from 0. With 0 nothing ever moves

    Source
    ------
    Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1.

    Examples
    --------
    >>> param, state = gs.adadelta(gs.asarray(0.0), gs.asarray(3.0))
    >>> round(float(param), 6)
    -0.003162
    """
    ...


@formula(
    ko="RMSProp",
    en="RMSProp",
    tex=r"G_t = \gamma G_{t-1} + (1 - \gamma) g_t^2, \qquad W_{t+1} = W_t - \frac{\eta}{\sqrt{G_t} + \epsilon}\, g_t",
    notes=("000#math 6-5", "001#RMSprop", "003#RMSprop (img)", "003#RMSprop 방법 사용", "004#해결법"),
    source="Tieleman & Hinton 2012, lecture 6.5",
    errata=(
        Erratum(
            key="rmsprop_lhs",
            place="001#RMSprop",
            stated="$W_{t+1} = \\gamma G_{t-1} + (1 - \\gamma) g_t^2$",
            right="왼쪽은 $G_t$이다. 새 가중치는 그 다음 줄의 식이 정한다.",
            setup="w, g = np.array(1.0), np.array(2.0)",
            stated_value="round(0.9 * 0.0 + (1 - 0.9) * float(g) ** 2, 4)",
            right_value="round(float(gs.rmsprop(w, g, lr=0.1, gamma=0.9)[0]), 4)",
        ),
        Erratum(
            key="rmsprop_is_adadelta_plus_step",
            place="000#RMSprop",
            stated="Adadelta에 학습률만 더한 것이다.",
            right="더하는 것이 아니라 바꾸는 것이다. 분자의 $\\sqrt{H}$ 자리에 $\\eta$가 들어간다.",
            setup="w, g = np.array(0.0), np.array(1.0)",
            stated_value="round(float(-gs.adadelta(w, g, gamma=0.9, eps=1e-6)[0]), 4)",
            right_value="round(float(-gs.rmsprop(w, g, lr=1.0, gamma=0.9, eps=1e-6)[0]), 4)",
        ),
        Erratum(
            key="rmsprop_root_as_rate",
            place="003#RMSprop",
            stated="제곱을 모은 것의 제곱근을 학습률로 쓴다.",
            right="학습률을 그 제곱근으로 나눈다. 늘 $g = 2$이면 걸음은 $2 \\cdot 2$가 아니라 $\\eta$로 간다.",
            setup="w, g, state = np.array(0.0), np.array(2.0), None\nfor _ in range(300):\n"
            "    before, (w, state) = w, gs.rmsprop(w, g, state, lr=1.0, gamma=0.9)",
            stated_value="round(float(np.sqrt(state.G) * g), 4)",
            right_value="round(float(before - w), 4)",
        ),
    ),
    kind="algorithm",
)
def rmsprop(
    param: Params, grad: Params, state: RMSPropState | None = None, /,
    *, lr: NonNegative[float] = 1e-2, gamma: Decay[float] = 0.99, eps: NonNegative[float] = 1e-8,
    eps_place: EpsPlace = "outside",
) -> tuple[Params, RMSPropState]:  # fmt: skip
    """Divide the rate of every parameter by the root of a moving average of its squared gradients.

    Shapes
    ------
    param, grad, state.G : the same tree of arrays
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    gamma : in [0, 1); decay of the average
    eps : at least 0; keeps the denominator from 0
    eps_place : "outside" (torch) or "inside" the root (the lecture notes)

    Source
    ------
    Tieleman & Hinton 2012, "Neural networks for machine learning", lecture 6.5.

    Examples
    --------
    >>> param, state = gs.rmsprop(gs.asarray(0.0), gs.asarray(2.0), lr=0.1, gamma=0.75)
    >>> round(float(param), 4), float(state.G)  # at most lr / sqrt(1 - gamma)
    (-0.2, 1.0)
    """
    ...


rmsprop_step_bound = law(
    "optimizer.rmsprop_step_bound",
    ko="RMSProp 갱신 크기의 상한",
    en="RMSProp step bound",
    tex=r"|\Delta W_t| \le \frac{\eta}{\sqrt{1 - \gamma}}",
    notes=("003#RMSprop 방법 사용 (기울기 폭발 대응)",),
)


# Both: the Adam family


@formula(
    ko="Adam",
    en="Adam",
    tex=r"& m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t,\quad v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \\ "
    r"& \hat m_t = \frac{m_t}{1 - \beta_1^t},\quad \hat v_t = \frac{v_t}{1 - \beta_2^t},\quad "
    r"W_{t+1} = W_t - \eta\, \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}",
    notes=("000#math 6-6", "000#딥러닝의 역사", "001#Adam(Adaptive Moment Estimation) (img)", "003#ADAM (img)",
           "004#해결법"),
    source="Kingma & Ba 2015, algorithm 1",
    errata=(
        Erratum(
            key="adam_v_sign",
            place="000#math 6-6",
            stated="$v_t = \\beta_2 v_{t-1} - (1 - \\beta_2) g_t^2$",
            right="부호는 더하기이다. 제곱의 평균은 음수가 될 수 없고, 음수이면 제곱근이 없다.",
            setup="state = gs.adam(np.array(0.0), np.array(1.0), beta2=0.999)[1]",
            stated_value="round(0.999 * 0.0 - (1 - 0.999) * 1.0**2, 6)",
            right_value="round(float(state.v), 6)",
        ),
        Erratum(
            key="adam_m_index",
            place="000#math 6-6",
            stated="$m_t = \\beta_1 m_{t=1} + (1 - \\beta_1) g_t$",
            right="아래 첨자는 $t - 1$이다. 바로 앞의 평균을 이어받는다.",
            setup="state = None\nfor _ in range(3):\n    state = gs.adam(np.array(0.0), np.array(1.0), state)[1]",
            stated_value="round(0.9 * (1 - 0.9) + (1 - 0.9), 4)",
            right_value="round(float(state.m), 4)",
        ),
    ),
    kind="algorithm",
)  # fmt: skip
def adam(
    param: Params, grad: Params, state: AdamState | None = None, /,
    *, lr: NonNegative[float] = 1e-3, beta1: Decay[float] = 0.9, beta2: Decay[float] = 0.999,
    eps: NonNegative[float] = 1e-8, eps_place: EpsPlace = "outside",
) -> tuple[Params, AdamState]:  # fmt: skip
    """Move along the average gradient, divided by the root of the average squared gradient.

    Shapes
    ------
    param, grad, state.m, state.v : the same tree of arrays
    state.step : ()
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate, about the size of a step
    beta1, beta2 : in [0, 1); decay of the averages of the gradient and of its square
    eps : at least 0; keeps the denominator from 0
    eps_place : "outside" the root of the corrected v (the paper's algorithm 1, torch), or "inside" the root of the
        bare v (the lecture notes): W - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / sqrt(v + eps)

    Source
    ------
    Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1.

    Examples
    --------
    >>> param, state = gs.adam(gs.asarray([0.0, 0.0]), gs.asarray([3.0, -0.01]), lr=0.5)
    >>> gs.to_numpy(param).round(6)  # the first step has size lr, whatever the gradient
    array([-0.5,  0.5])
    >>> int(state.step)
    1
    """
    ...


adam_bias_correction = law(
    "optimizer.adam_bias_correction",
    ko="Adam 편향 보정",
    en="Bias correction of Adam",
    tex=r"\hat m_t = \frac{m_t}{1 - \beta_1^t},\ \hat v_t = \frac{v_t}{1 - \beta_2^t}; \quad "
    r"g\ \text{stationary} \Rightarrow \mathbb E\,\hat m_t = \mathbb E\,g,\ \mathbb E\,\hat v_t = \mathbb E\,g^2",
    notes=("000#math 6-6", "003#ADAM (img)"),
    source="Kingma & Ba 2015, section 3",
)


@formula(
    ko="AdaMax",
    en="AdaMax",
    tex=r"& m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t,\quad u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon), \\ "
    r"& W_{t+1} = W_t - \frac{\eta}{1 - \beta_1^t}\, \frac{m_t}{u_t}",
    notes=("003#AdaMax (img)",),
    source="Kingma & Ba 2015, algorithm 2",
    kind="algorithm",
)
def adamax(
    param: Params, grad: Params, state: AdamaxState | None = None, /,
    *, lr: NonNegative[float] = 2e-3, beta1: Decay[float] = 0.9, beta2: Decay[float] = 0.999,
    eps: NonNegative[float] = 1e-8,
) -> tuple[Params, AdamaxState]:  # fmt: skip
    """Adam with the largest recent gradient in place of the root of the average square.

    Shapes
    ------
    param, grad, state.m, state.u : the same tree of arrays
    state.step : ()
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    beta1, beta2 : in [0, 1); decay of the average and of the maximum
    eps : at least 0; keeps u from 0, as in torch. The paper has none

    Source
    ------
    Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 2.

    Examples
    --------
    >>> param, state = gs.adamax(gs.asarray([0.0, 0.0]), gs.asarray([3.0, -0.5]), lr=0.5, eps=0.0)
    >>> gs.to_numpy(param), gs.to_numpy(state.u)
    (array([-0.5,  0.5]), array([3. , 0.5]))
    """
    ...


@formula(
    ko="AdamW",
    en="AdamW (decoupled weight decay)",
    tex=r"W_{t+1} = (1 - \eta\lambda) W_t - \eta\, \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}",
    notes=("003#AdamW (img)",),
    source="Loshchilov & Hutter 2019, algorithm 2",
    errata=(
        Erratum(
            key="adamw_not_l2",
            place="003#AdamW",
            stated="L2 노름과 가중치 감소를 함께 쓴 Adam이다.",
            right="L2 항을 기울기에서 빼내고, 그 대신 가중치 감소를 걸음에 따로 더한 것이다. 둘을 함께 쓰지 않는다. "
            "기울기가 0일 때 L2를 넣은 Adam은 감소를 한 걸음 크기로 부풀린다.",
            setup="w, zero = np.array(1.0), np.array(0.0)",
            stated_value="round(float(gs.adam(w, zero + 0.1 * w, lr=1e-3)[0]), 6)",
            right_value="round(float(gs.adamw(w, zero, lr=1e-3, weight_decay=0.1)[0]), 6)",
        ),
    ),
    kind="algorithm",
)
def adamw(
    param: Params, grad: Params, state: AdamState | None = None, /,
    *, lr: NonNegative[float] = 1e-3, beta1: Decay[float] = 0.9, beta2: Decay[float] = 0.999,
    eps: NonNegative[float] = 1e-8, weight_decay: NonNegative[float] = 1e-2,
) -> tuple[Params, AdamState]:  # fmt: skip
    """Adam that besides shrinks every parameter by a fixed share, which the gradient does not touch.

    Shapes
    ------
    param, grad, state.m, state.v : the same tree of arrays
    state.step : ()
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    beta1, beta2 : in [0, 1); decay of the averages
    eps : at least 0; keeps the denominator from 0
    weight_decay : at least 0; lambda, the share is lr lambda. 0 is `adam`

    Source
    ------
    Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2.

    Examples
    --------
    >>> param, state = gs.adamw(gs.asarray(1.0), gs.asarray(0.0), lr=0.5, weight_decay=0.5)
    >>> float(param)
    0.75
    """
    ...


decoupled_weight_decay = law(
    "optimizer.decoupled_weight_decay",
    ko="가중치 감소와 L2의 (비)동치",
    en="Weight decay versus L2",
    tex=r"\text{SGD}:\ W - \eta (g + \lambda W) = (1 - \eta\lambda) W - \eta g; \qquad "
    r"\text{Adam} + L_2 \ne \text{AdamW}",
    notes=("001#Parameter norm penalty (weight decay)", "001#01강 (Weight decay)", "003#AdamW"),
    source="Loshchilov & Hutter 2019, propositions 1-2",
)


@formula(
    ko="Nadam",
    en="Nesterov Adam",
    tex=r"& \mu_t = \beta_1 \bigl(1 - \tfrac12 \cdot 0.96^{t\psi}\bigr), \\ "
    r"& W_{t+1} = W_t - \frac{\eta}{\sqrt{\hat v_t} + \epsilon} "
    r"\Bigl( \frac{\mu_{t+1}\, m_t}{1 - \prod_{i=1}^{t+1} \mu_i} "
    r"+ \frac{(1 - \mu_t)\, g_t}{1 - \prod_{i=1}^{t} \mu_i} \Bigr)",
    notes=("001#Optimizer의 발달 계보 (img)",),
    source="Dozat 2016, algorithm 2",
    kind="algorithm",
)
def nadam(
    param: Params, grad: Params, state: NAdamState | None = None, /,
    *, lr: NonNegative[float] = 2e-3, beta1: Decay[float] = 0.9, beta2: Decay[float] = 0.999,
    eps: NonNegative[float] = 1e-8, momentum_decay: NonNegative[float] = 4e-3,
    form: Literal["scheduled", "simplified"] = "scheduled",
) -> tuple[Params, NAdamState]:  # fmt: skip
    """Adam that looks one momentum step ahead, as Nesterov.

    Shapes
    ------
    param, grad, state.m, state.v : the same tree of arrays
    state.step, state.mu_product : ()
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    beta1, beta2 : in [0, 1); decay of the averages
    eps : at least 0; keeps the denominator from 0
    momentum_decay : at least 0; psi, how fast the momentum factor warms up from beta1 / 2 to beta1
    form : "scheduled" (the paper's algorithm, torch), or "simplified": the factor is beta1 from the start, and the
        update is beta1 m / (1 - beta1^t) + (1 - beta1) g / (1 - beta1^t) over the same root

    Source
    ------
    Dozat 2016, "Incorporating Nesterov momentum into Adam", algorithm 2.

    Examples
    --------
    >>> param, state = gs.nadam(gs.asarray(0.0), gs.asarray(3.0), lr=1.0, form="simplified")
    >>> round(float(param), 6)  # lr (1 + beta1)
    -1.9
    """
    ...


@formula(
    ko="RAdam",
    en="Rectified Adam",
    tex=r"& \rho_\infty = \frac{2}{1 - \beta_2} - 1,\quad "
    r"\rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \\ "
    r"& r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2)\rho_t}}, \\ "
    r"& W_{t+1} = W_t - \eta\, \hat m_t \cdot "
    r"\begin{cases} r_t \sqrt{1 - \beta_2^t} / (\sqrt{v_t} + \epsilon) & \rho_t > 5 "
    r"\\ 1 & \rho_t \le 5 \end{cases}",
    notes=("001#01강 (RAdam Optimizer)",),
    source="Liu et al. 2020, algorithm 2",
    kind="algorithm",
)
def radam(
    param: Params, grad: Params, state: AdamState | None = None, /,
    *, lr: NonNegative[float] = 1e-3, beta1: Decay[float] = 0.9, beta2: Decay[float] = 0.999,
    eps: NonNegative[float] = 1e-8,
) -> tuple[Params, AdamState]:  # fmt: skip
    """Adam that does not divide by the root until the average square has seen enough gradients to be trusted.

    Shapes
    ------
    param, grad, state.m, state.v : the same tree of arrays
    state.step : ()
    returns : the new parameters and the new state

    Options
    -------
    lr : at least 0; the learning rate
    beta1, beta2 : in [0, 1); decay of the averages. The root is used while rho_t > 5 (torch; the paper's text says 4)
    eps : at least 0; keeps the denominator from 0

    Source
    ------
    Liu et al. 2020, "On the variance of the adaptive learning rate and beyond", algorithm 2.

    Examples
    --------
    >>> param, state = gs.radam(gs.asarray(0.0), gs.asarray(3.0), lr=0.5)
    >>> round(float(param), 6)  # the first steps are plain momentum: lr g
    -1.5
    """
    ...


# Using the curvature


@formula(
    ko="2차 최적화(뉴턴법)",
    en="Second-order (Newton) method",
    tex=r"x_{t+1} = x_t - \bigl[\nabla^2 f(x_t)\bigr]^{-1} \nabla f(x_t)",
    notes=("004#Optimization (First / Second)",),
    source="Nocedal & Wright 2006, eq. 2.15",
    kind="algorithm",
    nonempty=True,
)
def newton_method(
    param: Float[Array, "p"], grad: Float[Array, "p"], hessian: Float[Array, "p p"], /
) -> Float[Array, "p"]:
    """Jump to where the quadratic model of the function has its critical point.

    Shapes
    ------
    param, grad : (p,)
    hessian : (p, p)
    returns : (p,)

    Raises
    ------
    DomainError
        If the Hessian is singular. (On a GPU the device itself reports it, later.)

    Source
    ------
    Nocedal & Wright 2006, "Numerical optimization", eq. 2.15.

    Examples
    --------
    >>> hessian = gs.asarray([[4.0, 0.0], [0.0, 1.0]])  # of 2 x**2 + y**2 / 2
    >>> gs.to_numpy(gs.newton_method(gs.asarray([1.0, -2.0]), gs.asarray([4.0, -2.0]), hessian))
    array([0., 0.])
    """
    ...


taylor_models = law(
    "optimizer.taylor_models",
    ko="1차·2차 근사 모델",
    en="First- and second-order models",
    tex=r"f(x + d) = f + \nabla f^\top d + O(\lVert d \rVert^2) "
    r"= f + \nabla f^\top d + \tfrac12 d^\top H d + O(\lVert d \rVert^3)",
    notes=("004#Optimization (First / Second)",),
    source="Nocedal & Wright 2006, theorem 2.1",
    errata=(
        Erratum(
            key="second_order_tangent",
            place="004#Optimization (First / Second)",
            stated="이차함수로 접선을 그어, 적은 걸음으로 최솟값을 찾는다.",
            right="이차 모델의 임계점으로 간다. 헤시안이 양의 정부호가 아니면 최대점 쪽으로 갈 수 있다. "
            "$f = x^3 - 3x$의 $x = -0.9$에서 $f'' = -5.4$이고, 뉴턴 걸음은 최대점 $-1$로 간다.",
            setup="x = np.array([-0.9])",
            stated_value="1.0",
            right_value="round(float(gs.newton_method(x, 3 * x**2 - 3, np.diag(6 * x))[0]), 4)",
        ),
    ),
)


# The rate over time


@formula(
    ko="코사인 감쇠",
    en="Cosine decay",
    tex=r"\eta_t = \eta_{\min} + \tfrac12 (\eta_0 - \eta_{\min}) \Bigl( 1 + \cos\frac{\pi t}{T} \Bigr)",
    notes=("004#Learning rate",),
    source="Loshchilov & Hutter 2017, eq. 5",
    requires=(("min_lr <= base_lr", "min_lr to be at most base_lr"),),
)
def cosine_decay(
    step: Steps, /, *, base_lr: NonNegative[float] = 1e-3, total_steps: Positive[int] = 1000,
    min_lr: NonNegative[float] = 0.0,
) -> Float[Array, "*shape"]:  # fmt: skip
    """Let the learning rate fall along half a cosine wave.

    Past `total_steps` the wave goes on, as torch's: the rate rises again and is `base_lr` at twice that step.

    Shapes
    ------
    step : (*shape), at least 0
    returns : (*shape), float64

    Options
    -------
    base_lr : at least 0; the rate at step 0
    total_steps : at least 1; the step at which the rate is `min_lr`
    min_lr : from 0 to base_lr

    Source
    ------
    Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", eq. 5.

    Examples
    --------
    >>> gs.to_numpy(gs.cosine_decay(gs.asarray([0, 50, 100]), base_lr=2.0, total_steps=100)).round(12)
    array([2., 1., 0.])
    """
    ...


@formula(
    ko="선형 감쇠",
    en="Linear decay",
    tex=r"\eta_t = \eta_0 \Bigl( 1 - \frac{\min(t, T)}{T} \Bigr)",
    notes=("004#Learning rate",),
    source="Devlin et al. 2019, appendix A.2",
)
def linear_decay(
    step: Steps, /, *, base_lr: NonNegative[float] = 1e-3, total_steps: Positive[int] = 1000
) -> Float[Array, "*shape"]:
    """Let the learning rate fall to 0 along a straight line, and stay there.

    Shapes
    ------
    step : (*shape), at least 0
    returns : (*shape), float64

    Options
    -------
    base_lr : at least 0; the rate at step 0
    total_steps : at least 1; the step from which on the rate is 0

    Source
    ------
    Devlin et al. 2019, "BERT: pre-training of deep bidirectional transformers for language understanding",
    appendix A.2.

    Examples
    --------
    >>> gs.to_numpy(gs.linear_decay(gs.asarray([0, 25, 100, 200]), base_lr=2.0, total_steps=100))
    array([2. , 1.5, 0. , 0. ])
    """
    ...


@formula(
    ko="역제곱근 감쇠",
    en="Inverse square-root decay",
    tex=r"\eta_t = \frac{\eta_0}{\sqrt{t / s}}",
    notes=("004#Learning rate",),
    source="Vaswani et al. 2017, eq. 3",
)
def inverse_sqrt_decay(
    step: Annotated[Int[Array, "*shape"], Ge(1)], /,
    *, base_lr: NonNegative[float] = 1e-3, timescale: Positive[int] = 1,
) -> Float[Array, "*shape"]:  # fmt: skip
    """Let the learning rate fall as the root of the step grows: a quarter of the way it is twice what it is at the end.

    Shapes
    ------
    step : (*shape), at least 1
    returns : (*shape), float64

    Options
    -------
    base_lr : at least 0; the rate at step `timescale`
    timescale : at least 1; s, the number of warm-up steps, say

    Source
    ------
    Vaswani et al. 2017, "Attention is all you need", eq. 3, after the warm-up.

    Examples
    --------
    >>> gs.to_numpy(gs.inverse_sqrt_decay(gs.asarray([1, 4, 100]), base_lr=1.0))
    array([1. , 0.5, 0.1])
    """
    ...


@formula(
    ko="선형 웜업",
    en="Linear warm-up",
    tex=r"\eta_t = \eta_0 \min\Bigl( 1, \frac{t}{T_w} \Bigr) \cdot \frac{\mathrm{decay}(t - T_w)}{\eta_0}",
    notes=("004#Learning rate (Initial Warmup)",),
    source="Goyal et al. 2017, section 2.2",
    requires=(
        ("decay not in ('cosine', 'linear') or (total_steps is not None and total_steps > warmup_steps)",
         "total_steps to be larger than warmup_steps for this decay"),
    ),
)  # fmt: skip
def linear_warmup(
    step: Steps, /, *, base_lr: NonNegative[float] = 1e-3, warmup_steps: Annotated[int, Ge(0)] = 100,
    decay: Literal["constant", "cosine", "linear", "inverse_sqrt"] = "constant", total_steps: int | None = None,
) -> Float[Array, "*shape"]:  # fmt: skip
    """Let the learning rate grow from 0 along a straight line, then follow a decay that begins where the line ends.

    Shapes
    ------
    step : (*shape), at least 0
    returns : (*shape), float64

    Options
    -------
    base_lr : at least 0; the rate at the end of the warm-up
    warmup_steps : at least 0; its length T_w. 0 is the bare decay
    decay : what follows: "constant"; "cosine" or "linear" down to 0 at `total_steps`; "inverse_sqrt" with the time
        scale T_w (1 if there is no warm-up, and then step 0 counts as step 1)
    total_steps : the last step, warm-up included; "cosine" and "linear" need it

    Source
    ------
    Goyal et al. 2017, "Accurate, large minibatch SGD: training ImageNet in 1 hour", section 2.2; the decay as
    transformers' ``get_cosine_schedule_with_warmup`` and its like.

    Examples
    --------
    >>> options = dict(base_lr=1.0, warmup_steps=10, decay="linear", total_steps=110)
    >>> gs.to_numpy(gs.linear_warmup(gs.asarray([0, 5, 10, 60, 110]), **options))
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    ...


@formula(
    ko="기울기 크기 제한",
    en="Gradient norm clipping",
    tex=r"g \leftarrow g \cdot \min\Bigl( 1, \frac{\theta}{\lVert g \rVert_2} \Bigr)",
    notes=("003#그레디언트 최대값 고정 방법 사용", "004#Gradient Flow problem in RNN"),
    source="Pascanu, Mikolov & Bengio 2013, algorithm 1",
    errata=(
        Erratum(
            key="clip_divides_by_norm",
            place="004#Gradient Flow problem in RNN",
            stated="기울기를 그 크기로 나눈다.",
            right="크기가 문턱값을 넘을 때만 나누고, 문턱값을 곱한다. 작은 기울기는 그대로 둔다.",
            setup="g = np.array([0.3, 0.4])",
            stated_value="(g / np.linalg.norm(g)).round(4).tolist()",
            right_value="gs.clip_grad_norm(g, max_norm=1.0).round(4).tolist()",
        ),
    ),
    kind="algorithm",
    differentiable=True,
)
def clip_grad_norm(grads: Params, /, *, max_norm: Positive[float] = 1.0) -> Params:
    """Shorten the gradient, all arrays together, to a largest length; leave a shorter one as it is.

    What is clipped has the length `max_norm` after it. (`torch.nn.utils.clip_grad_norm_` adds 1e-6 to the norm, and so
    clips to slightly less, also what is just below the threshold.)

    Shapes
    ------
    grads : any tree of arrays
    returns : the same tree

    Options
    -------
    max_norm : above 0; theta

    Source
    ------
    Pascanu, Mikolov & Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.

    Examples
    --------
    >>> grads = gs.clip_grad_norm([gs.asarray([3.0]), gs.asarray([4.0])], max_norm=1.0)
    >>> [round(float(g[0]), 6) for g in grads]
    [0.6, 0.8]
    """
    ...
