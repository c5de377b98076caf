"""Loss functions: one number that says how wrong a prediction is.

Every loss takes the prediction first and the target second; the first axis counts samples. `reduction` says how the
losses of the elements become one number: "mean" divides their sum by the number of elements, "batchmean" by the number
of samples only, "sum" does not divide. An element of `cross_entropy` and `softmax_cross_entropy` is a row.
"""

from typing import Annotated, Literal, TypeAlias

from jaxtyping import Float, Int

from gongsik.spec.array import Array, Labels, Positive, Probability, SignedLabels, Simplex
from gongsik.spec.formula import Chapter, Erratum, formula, law

CHAPTER = Chapter(ko="손실 함수", en="Loss functions")

LOG_FLOOR = -100.0
"""The least that a loss takes as the logarithm of a probability: an event of probability 0 costs 100, not infinity."""

Reduction: TypeAlias = Literal["mean", "batchmean", "sum"]
Elements: TypeAlias = Float[Array, "n *features"]
Rows: TypeAlias = Annotated[Float[Array, "n *batch k"], Simplex()]
Signs: TypeAlias = Annotated[Elements, SignedLabels()]
Chances: TypeAlias = Annotated[Elements, Probability]
Scalar: TypeAlias = Float[Array, ""]


@formula(
    ko="평균 제곱 오차",
    en="Mean squared error",
    tex=r"\mathrm{MSE} = \frac{1}{ND} \sum_{i=1}^{N} \sum_{d=1}^{D} \bigl(y_i^{(d)} - \hat y_i^{(d)}\bigr)^2",
    notes=("000#Linear Neural Networks", "000#Activation function and Multi-layer Perceptron",
           "001#02강 / Loss functions", "003#BPTT 알고리즘 (regression)", "004#Regression function의 목적"),
    source="Legendre 1805; Gauss 1809",
    errata=(
        Erratum(
            key="mse_parenthesis",
            place="001#02강 / Loss functions",
            stated="식에 여는 괄호가 없다. 적힌 대로 읽으면 예측만 제곱한다.",
            right="잔차 전체를 제곱한다.",
            setup="y, y_hat = np.array([3.0]), np.array([1.0])",
            stated_value="float((y - y_hat**2).mean())",
            right_value="float(gs.mse(y_hat, y))",
        ),
    ),
    nonempty=True,
    differentiable=True,
)  # fmt: skip
def mse(pred: Elements, target: Elements, /, *, reduction: Reduction = "mean") -> Scalar:
    """Average the squared residuals.

    Shapes
    ------
    pred, target : (n, *features)
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Gauss 1809, "Theoria motus corporum coelestium", section 179.

    Examples
    --------
    >>> pred, target = gs.asarray([[3.0, 1.0], [0.0, 2.0]]), gs.asarray([[1.0, 1.0], [0.0, 0.0]])
    >>> float(gs.mse(pred, target)), float(gs.mse(pred, target, reduction="batchmean"))
    (2.0, 4.0)
    """


@formula(
    ko="평균 제곱근 오차",
    en="Root mean squared error",
    tex=r"\mathrm{RMSE} = \sqrt{\frac{1}{ND} \sum_{i=1}^{N} \sum_{d=1}^{D} \bigl(y_i^{(d)} - \hat y_i^{(d)}\bigr)^2}",
    notes=(
        "001#01강 / 손실함수",
        "002#Binary Cross Entropy 대신 RMSE",
        "002#VAE (Variational Auto Encoder)의 Loss Function",
    ),
    source="Hyndman & Koehler 2006, section 2.1",
    nonempty=True,
    differentiable=True,
)
def rmse(pred: Elements, target: Elements, /) -> Scalar:
    """Take the root of the mean squared error, in the unit of the target. At residuals of 0 it has no derivative.

    Shapes
    ------
    pred, target : (n, *features)
    returns : ()

    Source
    ------
    Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", section 2.1.

    Examples
    --------
    >>> float(gs.rmse(gs.asarray([3.0, 0.0]), gs.asarray([2.0, 7.0])))
    5.0
    """


@formula(
    ko="평균 절대 오차",
    en="Mean absolute error",
    tex=r"\mathrm{MAE} = \frac{1}{ND} \sum_{i=1}^{N} \sum_{d=1}^{D} \bigl|y_i^{(d)} - \hat y_i^{(d)}\bigr|",
    source="Hyndman & Koehler 2006, section 2.1",
    nonempty=True,
    differentiable=True,
)
def mae(pred: Elements, target: Elements, /, *, reduction: Reduction = "mean") -> Scalar:
    """Average the absolute residuals. The derivative at a residual of 0 is taken as 0.

    Shapes
    ------
    pred, target : (n, *features)
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", section 2.1.

    Examples
    --------
    >>> float(gs.mae(gs.asarray([3.0, 0.0]), gs.asarray([1.0, 1.0])))
    1.5
    """


mse_outlier_sensitivity = law(
    "loss.mse_outlier_sensitivity",
    ko="MSE의 이상치 민감성",
    en="MSE is outlier-sensitive",
    tex=r"\frac{\partial e^2}{\partial e} = 2e\ (\text{unbounded}), \qquad "
    r"\arg\min_c \sum_i (y_i - c)^2 = \bar y, \quad \arg\min_c \sum_i |y_i - c| = \mathrm{med}(y)",
    notes=("001#실습 (Adam)",),
    source="Huber 1964",
)


@formula(
    ko="교차 엔트로피 손실",
    en="Cross-entropy loss (probabilities)",
    tex=r"\mathrm{CE} = -\frac1N \sum_{i=1}^{N} \sum_{k=1}^{K} y_i^{(k)} \log \hat y_i^{(k)}, "
    r"\qquad \log t := \max(\ln t, -100)",
    notes=("000#Activation function and Multi-layer Perceptron", "001#02강 / Loss functions", "003#BPTT 알고리즘",
           "004#Cross Entropy"),
    source="Good 1952, section 8",
    nonempty=True,
    differentiable=True,
)  # fmt: skip
def cross_entropy(prob: Rows, target: Rows, /, *, reduction: Reduction = "mean") -> Scalar:
    """Average, over rows, the surprise of a predicted distribution when the target distribution is drawn from.

    The logarithm is at least -100, so an event of probability 0 that does happen costs 100, and one that does not costs
    nothing; the derivative there is 0. Where there are logits, `softmax_cross_entropy` needs no such floor.

    Shapes
    ------
    prob, target : (n, *batch, k), each row a distribution
    returns : ()

    Options
    -------
    reduction : "mean" over all rows, "batchmean" (the sum over rows, divided by n) or "sum"

    Source
    ------
    Good 1952, "Rational decisions", section 8.

    Examples
    --------
    >>> prob = gs.asarray([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])
    >>> target = gs.asarray([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> round(float(gs.cross_entropy(prob, target, reduction="sum")), 4)
    0.6931
    """


@formula(
    ko="소프트맥스 교차 엔트로피",
    en="Softmax cross-entropy (logits)",
    tex=r"L = -\frac1N \sum_{i=1}^{N} \Bigl(z_{i, y_i} - \log \sum_{k} e^{z_{ik}}\Bigr), \qquad "
    r"\nabla_{z_i} L = \tfrac1N \bigl(\mathrm{softmax}(z_i) - \mathrm{onehot}(y_i)\bigr)",
    notes=("003#컨볼루션 신경망의 구조 (SM)", "004#Linear Classifiers(image기준)", "004#Cross Entropy"),
    source="Bridle 1990",
    nonempty=True,
    differentiable=True,
)
def softmax_cross_entropy(
    logits: Float[Array, "n *batch k"],
    target: Annotated[Int[Array, "n *batch"], Labels("k")],
    /, *, reduction: Reduction = "mean",
) -> Scalar:  # fmt: skip
    """Average minus the log-probability that the softmax of each row gives to the label, without forming the softmax.

    Shapes
    ------
    logits : (n, *batch, k)
    target : (n, *batch), labels from 0 to k - 1
    returns : ()

    Options
    -------
    reduction : "mean" over all rows, "batchmean" (the sum over rows, divided by n) or "sum"

    Source
    ------
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    Examples
    --------
    >>> float(gs.softmax_cross_entropy(gs.asarray([[10000.0, 0.0], [0.0, 10000.0]]), gs.asarray([0, 0])))
    5000.0
    """


@formula(
    ko="이진 교차 엔트로피",
    en="Binary cross-entropy",
    tex=r"\mathrm{BCE} = -\frac1N \sum_{i=1}^{N} \bigl[y_i \log p_i + (1 - y_i) \log(1 - p_i)\bigr], "
    r"\qquad \log t := \max(\ln t, -100)",
    notes=("002#Binary Cross Entropy 대신 RMSE (img)", "002#GAN"),
    source="Good 1952, section 8; Hinton 1989",
    nonempty=True,
    differentiable=True,
)
def binary_cross_entropy(prob: Chances, target: Chances, /, *, reduction: Reduction = "mean") -> Scalar:
    """Average the surprise of a predicted probability when the event happens with the target probability.

    The logarithms are at least -100, as in `cross_entropy`. On a score, `logistic_loss` needs no such floor.

    Shapes
    ------
    prob, target : (n, *features), in [0, 1]
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Good 1952, "Rational decisions", section 8; Hinton 1989, "Connectionist learning procedures".

    Examples
    --------
    >>> float(gs.binary_cross_entropy(gs.asarray([0.0, 0.0, 1.0, 1.0]), gs.asarray([0.0, 1.0, 0.0, 1.0])))
    50.0
    """


bce_asymmetry = law(
    "loss.bce_asymmetry",
    ko="BCE의 비대칭 벌점",
    en="BCE penalises over- and under-estimation unequally",
    tex=r"\mathrm{BCE}(t + \delta, t) \ne \mathrm{BCE}(t - \delta, t)\ (t \ne \tfrac12), "
    r"\qquad (t - (t \pm \delta))^2 = \delta^2",
    notes=("002#Binary Cross Entropy 대신 RMSE (img)",),
)


@formula(
    ko="가우시안 음의 로그우도",
    en="Gaussian negative log-likelihood",
    tex=r"\mathrm{NLL} = -\frac{1}{ND} \sum_{i, d} \log \mathcal N\bigl(y_i^{(d)}; \hat y_i^{(d)}, \sigma_{id}^2\bigr) "
    r"= \frac{1}{ND} \sum_{i, d} \frac12 \Bigl(\log 2\pi\sigma_{id}^2 + "
    r"\frac{(y_i^{(d)} - \hat y_i^{(d)})^2}{\sigma_{id}^2}\Bigr)",
    notes=("000#Activation function and Multi-layer Perceptron (MLE)", "001#02강 / Loss functions (MLE)"),
    source="Nix & Weigend 1994, eq. 2",
    errata=(
        Erratum(
            key="mle_equals_mse",
            place="001#02강 / Loss functions",
            stated="MLE는 로그 우도의 평균이고 MSE와 같다.",
            right="로그 우도는 최대화할 값이다. 부호를 바꾸어도 MSE와는 상수 $\\frac12 \\log 2\\pi$와 "
            "계수 $\\frac12$만큼 다르다. 같은 것은 최솟값을 주는 예측뿐이다.",
            setup="y = y_hat = np.array([0.0])",
            stated_value="float(gs.mse(y_hat, y))",
            right_value="round(float(-gs.gaussian_nll(y_hat, y)), 6)",
        ),
    ),
    nonempty=True,
    differentiable=True,
)
def gaussian_nll(
    pred: Elements, target: Elements, var: Positive[Elements] | None = None, /, *, reduction: Reduction = "mean"
) -> Scalar:
    """Average minus the log-density of the target under a normal distribution around the prediction, constant included.

    Shapes
    ------
    pred, target : (n, *features)
    var : (n, *features), above 0; the variance of each element, 1 if it is not given
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Nix & Weigend 1994, "Estimating the mean and variance of the target probability distribution", eq. 2.

    Examples
    --------
    >>> pred, target = gs.asarray([2.0, 0.0]), gs.asarray([0.0, 0.0])
    >>> round(float(gs.gaussian_nll(pred, target)), 4), round(float(gs.gaussian_nll(target, target)), 4)
    (1.9189, 0.9189)
    """


mle_mse_equivalence = law(
    "loss.mle_mse_equivalence",
    ko="가우시안 MLE와 MSE 최소화의 동치",
    en="Gaussian MLE is least squares",
    tex=r"\arg\max_\theta \sum_i \log \mathcal N(y_i; f_\theta(x_i), \sigma^2) "
    r"= \arg\min_\theta \sum_i (y_i - f_\theta(x_i))^2",
    notes=("001#02강 / Loss functions (MLE)", "004#왜 Least Squares를 쓰는가?"),
    source="Gauss 1809",
)


@formula(
    ko="마진",
    en="Functional margin",
    tex=r"m = y\,\hat y, \quad y \in \{-1, +1\},\ \hat y \in \mathbb R",
    notes=("004#Margin-based Loss function",),
    source="Schapire, Freund, Bartlett & Lee 1998",
    errata=(
        Erratum(
            key="margin_range",
            place="004#Margin-based Loss function",
            stated="마진이 +1에 가까우면 강하고 맞은 예측, -1에 가까우면 강하고 틀린 예측이다.",
            right="예측이 실수이므로 마진은 ±1에 갇히지 않는다. 클수록 강하고 맞은 예측이다. "
            "1은 힌지 손실이 0이 되는 문턱일 뿐이다.",
            setup="score, y = np.array([7.0]), np.array([1.0])",
            stated_value="1.0",
            right_value="float(gs.margin(score, y)[0])",
        ),
    ),
    nonempty=True,
    differentiable=("score",),
)
def margin(score: Elements, target: Signs, /) -> Elements:
    """Say how far a score lies on the right side of 0: positive if its sign is the label's.

    Shapes
    ------
    score : (n, *features)
    target : (n, *features), -1 or +1
    returns : (n, *features)

    Source
    ------
    Schapire, Freund, Bartlett & Lee 1998, "Boosting the margin".

    Examples
    --------
    >>> gs.to_numpy(gs.margin(gs.asarray([2.0, 0.5, -3.0]), gs.asarray([1.0, -1.0, -1.0])))
    array([ 2. , -0.5,  3. ])
    """


@formula(
    ko="0-1 손실",
    en="Zero-one loss",
    tex=r"\ell(m) = \mathbb 1[m \le 0], \quad m = y\,\hat y",
    source="Hastie, Tibshirani & Friedman 2009, section 2.4",
    nonempty=True,
)
def zero_one_loss(score: Elements, target: Signs, /, *, reduction: Reduction = "mean") -> Scalar:
    """Count the share of predictions on the wrong side. A score of 0 is on neither side and counts as wrong.

    Shapes
    ------
    score : (n, *features)
    target : (n, *features), -1 or +1
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Hastie, Tibshirani & Friedman 2009, "The elements of statistical learning", section 2.4.

    Examples
    --------
    >>> float(gs.zero_one_loss(gs.asarray([2.0, 0.0, -3.0, 0.1]), gs.asarray([1.0, 1.0, 1.0, 1.0])))
    0.5
    """


@formula(
    ko="힌지 손실",
    en="Hinge loss",
    tex=r"\ell(m) = \max(0,\, 1 - m), \quad m = y\,\hat y",
    notes=("004#Margin-based Loss function",),
    source="Cortes & Vapnik 1995; Hastie, Tibshirani & Friedman 2009, eq. 12.25",
    nonempty=True,
    differentiable=("score",),
)
def hinge_loss(score: Elements, target: Signs, /, *, reduction: Reduction = "mean") -> Scalar:
    """Charge what a margin lacks to 1, and nothing beyond. The derivative at a margin of 1 is taken as 0.

    Shapes
    ------
    score : (n, *features)
    target : (n, *features), -1 or +1
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Cortes & Vapnik 1995, "Support-vector networks"; Hastie, Tibshirani & Friedman 2009, eq. 12.25.

    Examples
    --------
    >>> float(gs.hinge_loss(gs.asarray([2.0, 0.5, -3.0, 1.0]), gs.asarray([1.0, 1.0, 1.0, 1.0]), reduction="sum"))
    4.5
    """


@formula(
    ko="로그(로지스틱) 손실",
    en="Logistic (log) loss on margins",
    tex=r"\ell(m) = \log(1 + e^{-m}), \quad m = y\,\hat y",
    notes=("004#Margin-based Loss function",),
    source="Friedman, Hastie & Tibshirani 2000, section 4",
    errata=(
        Erratum(
            key="log_loss_decay",
            place="004#Margin-based Loss function",
            stated="마진이 커질수록 로그 스케일로 감소한다.",
            right="마진이 크면 $e^{-m}$처럼 지수적으로 감소한다. 마진이 음수이면 $-m$처럼 직선이다.",
            setup="loss = lambda m: float(gs.logistic_loss(np.array([m]), np.array([1.0])))",
            stated_value="round(float(np.log(10) / np.log(20)), 6)",
            right_value="round(loss(20.0) / loss(10.0), 6)",
        ),
    ),
    nonempty=True,
    differentiable=("score",),
)
def logistic_loss(score: Elements, target: Signs, /, *, reduction: Reduction = "mean") -> Scalar:
    """Charge minus the log-probability that the sigmoid of the score gives to the label; finite for every finite score.

    Shapes
    ------
    score : (n, *features)
    target : (n, *features), -1 or +1
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Friedman, Hastie & Tibshirani 2000, "Additive logistic regression: a statistical view of boosting", section 4.

    Examples
    --------
    >>> float(gs.logistic_loss(gs.asarray([1e4, -1e4]), gs.asarray([1.0, 1.0])))
    5000.0
    """


logistic_bce_equivalence = law(
    "loss.logistic_bce_equivalence",
    ko="로지스틱 손실과 BCE의 동치",
    en="Margin log-loss equals sigmoid BCE",
    tex=r"\log(1 + e^{-y s}) = \mathrm{BCE}\bigl(\sigma(s), \tfrac{y + 1}{2}\bigr)",
    notes=("004#Margin-based Loss function", "004#Logistic Regression"),
    source="Friedman, Hastie & Tibshirani 2000, section 4",
)


@formula(
    ko="지수 손실",
    en="Exponential loss",
    tex=r"\ell(m) = e^{-m}, \quad m = y\,\hat y",
    notes=("004#Margin-based Loss function",),
    source="Friedman, Hastie & Tibshirani 2000, eq. 12",
    nonempty=True,
    differentiable=("score",),
)
def exponential_loss(score: Elements, target: Signs, /, *, reduction: Reduction = "mean") -> Scalar:
    """Charge a wrong prediction exponentially in its margin.

    Shapes
    ------
    score : (n, *features)
    target : (n, *features), -1 or +1
    returns : ()

    Options
    -------
    reduction : "mean" over all elements, "batchmean" (the mean over samples of the sum over features) or "sum"

    Source
    ------
    Friedman, Hastie & Tibshirani 2000, "Additive logistic regression: a statistical view of boosting", eq. 12.

    Examples
    --------
    >>> round(float(gs.exponential_loss(gs.asarray([0.0, -1.0]), gs.asarray([1.0, 1.0]))), 4)
    1.8591
    """


surrogate_upper_bound = law(
    "loss.surrogate_upper_bound",
    ko="대리 손실의 상계",
    en="Surrogate losses bound the 0-1 loss",
    tex=r"\mathbb 1[m \le 0] \le \max(0, 1 - m) \le e^{-m}, \quad "
    r"\mathbb 1[m \le 0] \le \log_2(1 + e^{-m}) \le \frac{e^{-m}}{\ln 2}",
    notes=("004#Margin-based Loss function",),
    source="Bartlett, Jordan & McAuliffe 2006",
)
