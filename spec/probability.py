"""Probability models: distributions, what they cost in parameters, how well they fit, and how far apart they are.

Logarithms are natural, and everything is finite wherever mathematics is: 0 log 0 is 0, and an event of probability 0
has the log-probability minus infinity. What has the probability 0 takes no part, in the gradient neither.

A distribution of single numbers is a function of the data and of its parameters, which returns log-probabilities; the
same name with `_sample` turns draws into data. The parameters have the shape of the last axes of the data: one for all
elements, one per column, or one for each element. A distribution over k values is a row of k probabilities.
"""

from typing import Annotated, NamedTuple, TypeAlias

from jaxtyping import Float, Int

from gongsik.spec.array import Array, Labels, NonNegative, Positive, Probability, Simplex, Uniform
from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law, named

CHAPTER = Chapter(ko="확률 모형", en="Probability models")

Values: TypeAlias = Float[Array, "*shape"]
Scale: TypeAlias = Positive[Float[Array, "*params"]]
Rows: TypeAlias = Annotated[Float[Array, "*batch k"], Simplex()]
Weights: TypeAlias = Annotated[Float[Array, "*params k"], Simplex()]
Means: TypeAlias = Float[Array, "*params k"]
Scales: TypeAlias = Positive[Float[Array, "*params k"]]


class Estimate(NamedTuple):
    """Mean and standard deviation that make data most probable."""

    mean: Float[Array, "*shape"]
    std: Float[Array, "*shape"]


class Mixture(NamedTuple):
    """The share, the mean and the standard deviation of each of k normal distributions."""

    weight: Float[Array, "k"]
    mean: Float[Array, "k"]
    std: Float[Array, "k"]


LAST_AXES = (("not params or shape[-len(params):] == params", "parameters in the shape of the last axes of the data"),)


# Distributions


@formula(
    ko="베르누이 분포",
    en="Bernoulli distribution",
    tex=r"P(X = 1) = p,\ P(X = 0) = 1 - p; \qquad \log p(x) = x \log p + (1 - x) \log(1 - p)",
    notes=("000#Basic Discrete Distributions / 1. Bernoulli",),
    source="Bernoulli 1713; Bishop 2006, eq. 2.2",
    requires=LAST_AXES,
    differentiable=("p",),
)
def bernoulli(
    x: Annotated[Values, Probability], p: Annotated[Float[Array, "*params"], Probability], /
) -> Values:  # fmt: skip
    """Give the log-probability of yes (1) or no (0), where yes has the probability p.

    What cannot be has minus infinity. An x between 0 and 1 gives the mean over answers that are yes that often.

    Shapes
    ------
    x : (*shape), in [0, 1]
    p : (*params), the last axes of `shape`; in [0, 1]
    returns : (*shape)

    Source
    ------
    Bernoulli 1713, "Ars conjectandi"; Bishop 2006, "Pattern recognition and machine learning", eq. 2.2.

    Examples
    --------
    >>> log_p = gs.bernoulli(gs.asarray([1.0, 0.0, 1.0]), gs.asarray(0.25))
    >>> np.exp(gs.to_numpy(log_p)).round(6)
    array([0.25, 0.75, 0.25])
    >>> gs.to_numpy(gs.bernoulli(gs.asarray([0.0, 1.0]), gs.asarray([0.0, 0.0])))
    array([  0., -inf])
    """


@formula(
    ko="베르누이 표본",
    en="Sample of a Bernoulli distribution",
    tex=r"x = \mathbb 1[u < p], \quad u \sim U[0, 1)",
    notes=("000#Basic Discrete Distributions / 1. Bernoulli",),
    source="Devroye 1986, section II.2",
    requires=LAST_AXES,
    stochastic=True,
)
def bernoulli_sample(
    uniform: Annotated[Values, Uniform], p: Annotated[Float[Array, "*params"], Probability], /
) -> Values:  # fmt: skip
    """Turn uniform draws into yes (1) with probability p, or no (0).

    Shapes
    ------
    uniform : (*shape), uniform draws
    p : (*params), the last axes of `shape`; in [0, 1]
    returns : (*shape), 0 or 1

    Source
    ------
    Devroye 1986, "Non-uniform random variate generation", section II.2.

    Examples
    --------
    >>> gs.to_numpy(gs.bernoulli_sample(gs.asarray([0.1, 0.5, 0.9]), gs.asarray(0.5)))
    array([1., 0., 0.])
    """


@formula(
    ko="범주형 분포",
    en="Categorical distribution",
    tex=r"P(Y = i) = p_i, \qquad \sum_{i=1}^{m} p_i = 1",
    notes=("000#Basic Discrete Distributions / 2. Categorical",),
    source="Bishop 2006, eq. 2.26",
    requires=LAST_AXES,
    differentiable=("p",),
)
def categorical(label: Annotated[Int[Array, "*shape"], Labels("k")], p: Weights, /) -> Values:
    """Give the log-probability of one of k values, by the row of their probabilities.

    Shapes
    ------
    label : (*shape), from 0 to k - 1
    p : (*params, k), each row a distribution; params the last axes of `shape`
    returns : (*shape)

    Source
    ------
    Bishop 2006, "Pattern recognition and machine learning", eq. 2.26.

    Examples
    --------
    >>> log_p = gs.categorical(gs.asarray([0, 2, 2]), gs.asarray([0.25, 0.25, 0.5]))
    >>> np.exp(gs.to_numpy(log_p)).round(6)
    array([0.25, 0.5 , 0.5 ])
    """


@formula(
    ko="범주형 표본",
    en="Sample of a categorical distribution",
    tex=r"y = \min\Bigl\{i : u < \sum_{j \le i} p_j\Bigr\}, \quad u \sim U[0, 1)",
    notes=("000#Basic Discrete Distributions / 2. Categorical",),
    source="Devroye 1986, section III.2",
    requires=LAST_AXES,
    stochastic=True,
)
def categorical_sample(uniform: Annotated[Values, Uniform], p: Weights, /) -> Int[Array, "*shape"]:
    """Turn uniform draws into values: the first one up to which the probabilities add up to more than the draw.

    A value of probability 0 never comes, also where rounding leaves the sum of a row below the draw.

    Shapes
    ------
    uniform : (*shape), uniform draws
    p : (*params, k), each row a distribution; params the last axes of `shape`
    returns : (*shape), from 0 to k - 1

    Source
    ------
    Devroye 1986, "Non-uniform random variate generation", section III.2.

    Examples
    --------
    >>> gs.to_numpy(gs.categorical_sample(gs.asarray([0.0, 0.25, 0.99]), gs.asarray([0.25, 0.5, 0.25, 0.0])))
    array([0, 1, 2])
    """


@formula(
    ko="정규 분포",
    en="Normal distribution",
    tex=r"\log \mathcal N(y; \mu, \sigma^2) = -\tfrac12 \log(2 \pi \sigma^2) - \frac{(y - \mu)^2}{2 \sigma^2}",
    notes=("000#math 4", "001#02강 / Loss functions (MLE)", "002#VAE"),
    source="Gauss 1809; Bishop 2006, eq. 1.46",
    requires=LAST_AXES,
    differentiable=True,
)
def normal(x: Values, mean: Float[Array, "*params"], std: Scale, /) -> Values:
    """Give the log-density of a normal distribution; it is above 0 where the density is above 1.

    Shapes
    ------
    x : (*shape)
    mean, std : (*params), the last axes of `shape`; the standard deviation is above 0
    returns : (*shape)

    Source
    ------
    Gauss 1809, "Theoria motus corporum coelestium"; Bishop 2006, "Pattern recognition and machine learning", eq. 1.46.

    Examples
    --------
    >>> log_p = gs.normal(gs.asarray([0.0, 1.0]), gs.asarray(0.0), gs.asarray(1.0))
    >>> gs.to_numpy(log_p).round(4)
    array([-0.9189, -1.4189])
    """


@formula(
    ko="정규 표본",
    en="Sample of a normal distribution",
    tex=r"x = \mu + \sigma z, \quad z \sim \mathcal N(0, 1)",
    notes=("000#math 4", "002#VAE"),
    source="Box & Muller 1958; Kingma & Welling 2014, section 2.4",
    requires=LAST_AXES,
    differentiable=True,
    stochastic=True,
)
def normal_sample(normal: Values, mean: Float[Array, "*params"], std: Scale, /) -> Values:
    """Scale and shift standard normal draws.

    Shapes
    ------
    normal : (*shape), standard normal draws
    mean, std : (*params), the last axes of `shape`; the standard deviation is above 0
    returns : (*shape)

    Source
    ------
    Box & Muller 1958, "A note on the generation of random normal deviates"; Kingma & Welling 2014, "Auto-encoding
    variational Bayes", section 2.4.

    Examples
    --------
    >>> gs.to_numpy(gs.normal_sample(gs.asarray([-1.0, 0.0, 2.0]), gs.asarray(10.0), gs.asarray(3.0)))
    array([ 7., 10., 16.])
    """


# What a joint distribution costs


@count(
    ko="RGB 픽셀 분포의 파라미터 수",
    en="Parameters of an RGB pixel distribution",
    tex=r"256^3\ \text{값}, \quad 256^3 - 1 = 16{,}777{,}215\ \text{개의 자유로운 파라미터}; "
    r"\qquad \text{채널이 독립이면}\ 3 \cdot 255",
    notes=("000#Basic Discrete Distributions / 3. 예시",),
    errata=(
        Erratum(
            key="rgb_parameters",
            place="000#Basic Discrete Distributions / 3. 예시",
            stated="256단계 채널 셋의 결합 분포에 파라미터가 $255 \\cdot 255 \\cdot 255$개 필요하다.",
            right="값마다 확률이 하나이고 합이 1이므로 $256^3 - 1$개이다. 채널이 서로 독립이라면 $3 \\cdot 255$개이다. "
            "세 채널의 자유도를 곱한 수는 어느 쪽도 아니다.",
            setup="from gongsik.spec.probability import rgb_pixel_parameters",
            stated_value="255**3",
            right_value="rgb_pixel_parameters()",
        ),
    ),
)
def rgb_pixel_parameters(*, levels: int = 256, independent: bool = False) -> int:
    """Count the free parameters of the distribution of one pixel with three channels.

    Options
    -------
    levels : at least 1, how many values a channel has
    independent : whether the channels are taken to be independent

    Raises
    ------
    DomainError, DtypeError
        If `levels` is not at least 1, or no int.

    Examples
    --------
    >>> rgb_pixel_parameters(), rgb_pixel_parameters(independent=True)
    (16777215, 765)
    """
    _at_least_1("rgb_pixel_parameters", levels=levels)
    return independent_parameters(3, k=levels) if independent else joint_table_parameters(3, k=levels)


@count(
    ko="결합 분포의 파라미터 수",
    en="Parameters of a full joint table",
    tex=r"k^n - 1 \qquad (k = 2:\ 2^n - 1)",
    notes=("000#Structure Through Independence & Conditional Independence",),
    source="Koller & Friedman 2009, section 3.1",
)
def joint_table_parameters(n: int, /, *, k: int = 2) -> int:
    """Count the free parameters of any distribution of n variables: one per combination of values, but for the sum 1.

    Options
    -------
    k : at least 1, how many values a variable has

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> joint_table_parameters(3), joint_table_parameters(100)
    (7, 1267650600228229401496703205375)
    """
    _at_least_1("joint_table_parameters", n=n, k=k)
    return k**n - 1


@count(
    ko="독립 가정의 파라미터 수",
    en="Parameters under full independence",
    tex=r"p(x) = \prod_i p(x_i): \quad n\,(k - 1) \qquad (k = 2:\ n)",
    notes=("000#Structure Through Independence & Conditional Independence",),
    source="Koller & Friedman 2009, section 3.1.1",
)
def independent_parameters(n: int, /, *, k: int = 2) -> int:
    """Count the free parameters where every variable has a distribution of its own, and that is all.

    Options
    -------
    k : at least 1, how many values a variable has

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> independent_parameters(100), independent_parameters(3, k=256)
    (100, 765)
    """
    _at_least_1("independent_parameters", n=n, k=k)
    return n * (k - 1)


chain_rule = law(
    "probability.chain_rule",
    ko="확률의 연쇄 법칙",
    en="Chain rule of probability",
    tex=r"p(x_1, \dots, x_n) = \prod_{i=1}^{n} p(x_i \mid x_1, \dots, x_{i-1})",
    notes=("000#Structure Through Independence & Conditional Independence", "000#Auto-regressive Model", "004#n-gram"),
    source="Kolmogorov 1933, section I.4; Bishop 2006, eq. 8.3",
)


@count(
    ko="연쇄 법칙의 파라미터 수",
    en="The chain rule saves no parameters",
    tex=r"1 + 2 + \dots + 2^{n-1} = 2^n - 1 \qquad \Bigl(\sum_{i=1}^{n} k^{i-1} (k - 1) = k^n - 1\Bigr)",
    notes=("000#Structure Through Independence & Conditional Independence",),
    source="Koller & Friedman 2009, section 3.1.3",
)
def chain_rule_parameters(n: int, /, *, k: int = 2) -> tuple[int, ...]:
    """Count the free parameters of each factor of the chain rule: one distribution for each past.

    Options
    -------
    k : at least 1, how many values a variable has

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> chain_rule_parameters(4), sum(chain_rule_parameters(4))
    ((1, 2, 4, 8), 15)
    """
    _at_least_1("chain_rule_parameters", n=n, k=k)
    return tuple(k**i * (k - 1) for i in range(n))


bayes_rule = law(
    "probability.bayes_rule",
    ko="베이즈 규칙",
    en="Bayes' rule",
    tex=r"p(x \mid y) = \frac{p(x, y)}{p(y)} = \frac{p(y \mid x)\, p(x)}{p(y)}",
    notes=("000#Structure Through Independence & Conditional Independence",
           "000#Variational Auto-encoder (posterior)"),
    source="Bayes 1763; Laplace 1774",
)  # fmt: skip


@formula(
    ko="사후 확률",
    en="Posterior of a class",
    tex=r"p(y \mid x) = \frac{p(x \mid y)\, p(y)}{\sum_{y'} p(x \mid y')\, p(y')} "
    r"= \mathrm{softmax}_y \bigl(\log p(x \mid y) + \log p(y)\bigr)",
    notes=("000#Structure Through Independence & Conditional Independence", "002#생성 vs 판별"),
    source="Bishop 2006, eq. 4.62",
    requires=(("not params or batch[-len(params):] == params",
               "parameters in the shape of the last axes of the data"),),
    differentiable=True,
)  # fmt: skip
def posterior(log_likelihood: Float[Array, "*batch k"], prior: Weights, /) -> Rows:
    """Turn what each of k causes says about an observation into how probable each cause is.

    Only differences of the log-likelihoods count, so that no observation is too improbable. Where no cause of positive
    prior can be, each has the posterior NaN: 0/0.

    Shapes
    ------
    log_likelihood : (*batch, k), of the observation under each cause
    prior : (*params, k), each row a distribution; params the last axes of `batch`
    returns : (*batch, k), each row a distribution

    Source
    ------
    Bishop 2006, "Pattern recognition and machine learning", eq. 4.62.

    Examples
    --------
    >>> log_likelihood = np.log([0.9, 0.1])
    >>> gs.to_numpy(gs.posterior(gs.asarray(log_likelihood), gs.asarray([0.25, 0.75]))).round(6)
    array([0.75, 0.25])
    >>> gs.to_numpy(gs.posterior(gs.asarray([-1e5, -2e5]), gs.asarray([0.5, 0.5])))
    array([1., 0.])
    """


conditional_independence = law(
    "probability.conditional_independence",
    ko="조건부 독립",
    en="Conditional independence",
    tex=r"x \perp y \mid z \;\Rightarrow\; p(x \mid y, z) = p(x \mid z)",
    notes=("000#Structure Through Independence & Conditional Independence",),
    source="Dawid 1979",
)

markov_factorization = law(
    "probability.markov_factorization",
    ko="마르코프 분해",
    en="Factorisation under the Markov assumption",
    tex=r"X_{i+1} \perp X_1, \dots, X_{i-1} \mid X_i \;\Rightarrow\; "
    r"p(x_1, \dots, x_n) = p(x_1) \prod_{i \ge 2} p(x_i \mid x_{i-1})",
    notes=("000#Structure Through Independence & Conditional Independence",),
    source="Markov 1906; Bishop 2006, eq. 13.2",
)


@count(
    ko="마르코프 가정의 파라미터 수",
    en="Parameters under the Markov assumption",
    tex=r"(k - 1) + (n - 1)\,k\,(k - 1) \qquad (k = 2:\ 2n - 1)",
    notes=("000#Structure Through Independence & Conditional Independence",),
    source="Koller & Friedman 2009, section 3.2",
    errata=(
        Erratum(
            key="autoregressive_needs_independence",
            place="000#Structure Through Independence & Conditional Independence",
            stated="조건부 독립을 써서 만든 모델을 자기회귀 모델이라고 한다.",
            right="자기회귀 모델에 필요한 것은 연쇄 법칙뿐이고, 연쇄 법칙은 언제나 성립한다. 조건부 독립은 조건에서 "
            "변수를 지워 파라미터를 줄이는 별개의 가정이다. 앞의 픽셀을 모두 보는 NADE는 이 가정을 쓰지 않는다.",
            setup="from gongsik.spec.probability import chain_rule_parameters, markov_parameters",
            stated_value="markov_parameters(3)",
            right_value="sum(chain_rule_parameters(3))",
        ),
    ),
)
def markov_parameters(n: int, /, *, k: int = 2) -> int:
    """Count the free parameters where a variable depends on the one before it only; each has a table of its own.

    Options
    -------
    k : at least 1, how many values a variable has

    Raises
    ------
    DomainError, DtypeError
        If a number is not at least 1, or no int.

    Examples
    --------
    >>> markov_parameters(100), markov_parameters(3, k=256)
    (199, 130815)
    """
    _at_least_1("markov_parameters", n=n, k=k)
    return (k - 1) + (n - 1) * k * (k - 1)


# How well a model fits


@formula(
    ko="로그우도",
    en="Log-likelihood of i.i.d. data",
    tex=r"\ell(\theta) = \sum_{i=1}^{n} \log p(x_i \mid \theta)",
    notes=("004#왜 Least Squares를 쓰는가?",),
    source="Fisher 1922",
    differentiable=True,
)
def log_likelihood(log_prob: Float[Array, "n *batch"], /) -> Float[Array, "*batch"]:
    """Add up the log-probabilities of n independent observations.

    Shapes
    ------
    log_prob : (n, *batch), of each observation; the other axes are models, say
    returns : (*batch)

    Source
    ------
    Fisher 1922, "On the mathematical foundations of theoretical statistics".

    Examples
    --------
    >>> float(gs.log_likelihood(gs.asarray([-1.0, -2.5])))
    -3.5
    """


@formula(
    ko="우도",
    en="Likelihood of i.i.d. data",
    tex=r"L(\theta) = \prod_{i=1}^{n} p(x_i \mid \theta) = e^{\ell(\theta)}",
    notes=("004#왜 Least Squares를 쓰는가?",),
    source="Fisher 1922",
    differentiable=True,
)
def likelihood(log_prob: Float[Array, "n *batch"], /) -> Float[Array, "*batch"]:
    """Multiply the probabilities of n independent observations. Of many it is 0 in any format: use `log_likelihood`.

    Shapes
    ------
    log_prob : (n, *batch), the logarithm of the probability of each observation
    returns : (*batch)

    Source
    ------
    Fisher 1922, "On the mathematical foundations of theoretical statistics".

    Examples
    --------
    >>> round(float(gs.likelihood(gs.asarray(np.log([0.5, 0.25])))), 6)
    0.125
    >>> float(gs.likelihood(gs.asarray(np.full(2000, -0.6931))))
    0.0
    """


@formula(
    ko="최대우도추정",
    en="Maximum likelihood estimation",
    tex=r"\hat\theta = \arg\max_\theta \sum_i \log p(x_i \mid \theta): \quad \hat p = \bar x, \qquad "
    r"\hat\mu = \bar x,\ \hat\sigma^2 = \tfrac1n \sum_i (x_i - \bar x)^2",
    notes=(
        "000#소개",
        "000#Activation function and Multi-layer Perceptron",
        "001#01강",
        "004#왜 Least Squares를 쓰는가?",
    ),
    source="Fisher 1922; Bishop 2006, eqs. 1.55, 1.56, 2.7 and 2.33",
    kind="algorithm",
    nonempty=True,
)
def maximum_likelihood(x: Float[Array, "n *shape"], /) -> Estimate:
    """Find the parameters under which the data are most probable: their mean and their standard deviation.

    The mean is the p of `bernoulli` (for data of 0 and 1) and of `categorical` (for rows with a single 1); both are the
    parameters of `normal`. Of equal numbers the standard deviation is 0, and the density has no largest value.

    Shapes
    ------
    x : (n, *shape), n observations
    returns : mean (*shape), and std (*shape), whose square is the mean of the squares

    Source
    ------
    Fisher 1922, "On the mathematical foundations of theoretical statistics"; Bishop 2006, "Pattern recognition and
    machine learning", eqs. 1.55, 1.56, 2.7 and 2.33.

    Examples
    --------
    >>> mean, std = gs.maximum_likelihood(gs.asarray([1.0, 3.0, 1.0, 3.0]))
    >>> float(mean), float(std)
    (2.0, 1.0)
    """
    ...


# What a distribution knows, and how far two are apart


@formula(
    ko="엔트로피",
    en="Entropy",
    tex=r"H(p) = -\sum_x p(x) \log p(x), \qquad 0 \log 0 = 0",
    notes=("004#Classification Tree", "004#Cross Entropy"),
    source="Shannon 1948, section 6",
    differentiable=True,
)
def entropy(p: Rows, /) -> Float[Array, "*batch"]:
    """Average the surprise of a distribution: how much is not known before it is drawn from, in nats.

    Shapes
    ------
    p : (*batch, k), each row a distribution
    returns : (*batch), from 0 to log k

    Source
    ------
    Shannon 1948, "A mathematical theory of communication", section 6.

    Examples
    --------
    >>> gs.to_numpy(gs.entropy(gs.asarray([[0.5, 0.5], [1.0, 0.0]]))).round(4) + 0.0
    array([0.6931, 0.    ])
    """


@formula(
    ko="KL 발산",
    en="Kullback-Leibler divergence",
    tex=r"D_{KL}(p \,\Vert\, q) = \sum_x p(x) \log \frac{p(x)}{q(x)}, \qquad 0 \log \tfrac{0}{q} = 0",
    notes=("000#Variational Auto-encoder", "002#VAE (Variational Auto Encoder)의 Loss Function", "002#KL Divergence",
           "004#KL Divergence(Kullback-Leibler Divergence)"),
    source="Kullback & Leibler 1951, eq. 2.4",
    errata=(
        Erratum(
            key="kl_similarity",
            place="004#KL Divergence(Kullback-Leibler Divergence)",
            stated="교차 엔트로피는 예측과 정답을 비교하지만 KL 발산은 두 분포의 유사도를 잰다.",
            right="KL 발산은 닮은 정도가 아니라 다른 정도이다. 같으면 0이고, 다를수록 끝없이 커진다. 교차 엔트로피도 "
            "두 분포를 견주며, KL 발산과는 $H(p)$만큼만 다르다.",
            setup="p = np.array([0.5, 0.5])",
            stated_value="1.0",
            right_value="float(gs.kl_divergence(p, p))",
        ),
    ),
    differentiable=True,
)  # fmt: skip
def kl_divergence(p: Rows, q: Rows, /) -> Float[Array, "*batch"]:
    """Average, over draws from p, by how much the log-probability under p exceeds that under q.

    It is infinite where q excludes what p allows.

    Shapes
    ------
    p, q : (*batch, k), each row a distribution
    returns : (*batch), at least 0

    Source
    ------
    Kullback & Leibler 1951, "On information and sufficiency", eq. 2.4.

    Examples
    --------
    >>> p, q = gs.asarray([0.5, 0.5]), gs.asarray([0.9, 0.1])
    >>> round(float(gs.kl_divergence(p, q)), 4), round(float(gs.kl_divergence(q, p)), 4)
    (0.5108, 0.3681)
    >>> float(gs.kl_divergence(gs.asarray([0.5, 0.5]), gs.asarray([1.0, 0.0])))
    inf
    """


kl_asymmetry = law(
    "probability.kl_asymmetry",
    ko="KL의 비대칭성",
    en="KL is not symmetric",
    tex=r"D_{KL}(p \,\Vert\, q) \ne D_{KL}(q \,\Vert\, p)",
    notes=("002#GAN (KLD와 JSD)",),
    source="Kullback & Leibler 1951, section 2",
)

cross_entropy_decomposition = law(
    "probability.cross_entropy_decomposition",
    ko="교차 엔트로피 분해",
    en="Cross-entropy = entropy + KL",
    tex=r"H(p, q) = H(p) + D_{KL}(p \,\Vert\, q)",
    notes=("004#Cross Entropy", "004#KL Divergence(Kullback-Leibler Divergence)"),
    source="Cover & Thomas 2006, theorem 5.4.3",
)

model_fitting = law(
    "probability.model_fitting",
    ko="모델 분포의 근사",
    en="P_model approaches P_data",
    tex=r"\theta^\star = \arg\min_\theta D_{KL}(p_{data} \,\Vert\, p_\theta) "
    r"= \arg\max_\theta \mathbb E_{p_{data}} \log p_\theta",
    notes=("002#생성 모델 (P_model, P_data)",),
    source="Goodfellow, Bengio & Courville 2016, eqs. 5.59 to 5.61",
)


@formula(
    ko="젠슨-섀넌 발산",
    en="Jensen-Shannon divergence",
    tex=r"\mathrm{JSD}(p \,\Vert\, q) = \tfrac12 D_{KL}(p \,\Vert\, m) + \tfrac12 D_{KL}(q \,\Vert\, m), "
    r"\qquad m = \tfrac12 (p + q)",
    notes=("000#GAN 소개", "002#GAN", "002#JS Divergence"),
    source="Lin 1991, eq. 3.1",
    errata=(
        Erratum(
            key="js_name",
            place="000#GAN 소개",
            stated="Jenson-Shannon Divergence라고 적혀 있다.",
            right="덴마크의 수학자 옌센(Jensen)의 이름이다. 영어로 Jensen-Shannon divergence라고 적는다.",
        ),
    ),
    differentiable=True,
)
def js_divergence(p: Rows, q: Rows, /) -> Float[Array, "*batch"]:
    """Average the divergences of two distributions from their middle: symmetric, and always finite.

    Shapes
    ------
    p, q : (*batch, k), each row a distribution
    returns : (*batch), from 0 to log 2

    Source
    ------
    Lin 1991, "Divergence measures based on the Shannon entropy", eq. 3.1.

    Examples
    --------
    >>> p, q = gs.asarray([1.0, 0.0]), gs.asarray([0.0, 1.0])
    >>> round(float(gs.js_divergence(p, q)), 4), float(gs.js_divergence(p, p))
    (0.6931, 0.0)
    """


js_metric = law(
    "probability.js_metric",
    ko="JSD와 거리",
    en="The square root of JSD is a metric",
    tex=r"\sqrt{\mathrm{JSD}(p, r)} \le \sqrt{\mathrm{JSD}(p, q)} + \sqrt{\mathrm{JSD}(q, r)}",
    notes=("002#GAN (KLD와 JSD)",),
    source="Endres & Schindelin 2003",
    errata=(
        Erratum(
            key="jsd_is_not_a_metric",
            place="002#GAN (KLD와 JSD)",
            stated="JSD는 두 확률분포의 거리를 나타낼 수 있다.",
            right="JSD는 대칭이지만 삼각 부등식을 어기므로 거리가 아니다. 거리는 그 제곱근이다.",
            setup="p, m, q = np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.0, 1.0])",
            stated_value="bool(gs.js_divergence(p, q) > gs.js_divergence(p, m) + gs.js_divergence(m, q))",
            right_value="bool(gs.js_divergence(p, q)**0.5 > gs.js_divergence(p, m)**0.5 + gs.js_divergence(m, q)**0.5)",
        ),
    ),
)

js_disjoint = law(
    "probability.js_disjoint",
    ko="서로 다른 지지집합의 JSD",
    en="JSD of disjoint supports",
    tex=r"\mathrm{supp}\,p \cap \mathrm{supp}\,q = \emptyset \;\Rightarrow\; \mathrm{JSD} = \ln 2, \quad "
    r"D_{KL} = \infty",
    notes=("002#Wasserstein GAN",),
    source="Arjovsky, Chintala & Bottou 2017, section 2",
)


# Mixtures


@formula(
    ko="가우시안 혼합",
    en="Mixture of Gaussians",
    tex=r"\log p(x) = \log \sum_{k} \pi_k\, \mathcal N(x; \mu_k, \sigma_k^2)",
    notes=("000#Auto-regressive Model / 1. NADE (continuous)",),
    source="Pearson 1894; Bishop 2006, eq. 9.7",
    requires=LAST_AXES,
    differentiable=True,
)
def gaussian_mixture(x: Values, weight: Weights, mean: Means, std: Scales, /) -> Values:
    """Give the log-density of a number that comes from one of k normal distributions, nobody knows from which.

    Shapes
    ------
    x : (*shape)
    weight, mean, std : (*params, k), params the last axes of `shape`; each row of weights a distribution, each standard
        deviation above 0
    returns : (*shape)

    Source
    ------
    Pearson 1894, "Contributions to the mathematical theory of evolution"; Bishop 2006, "Pattern recognition and machine
    learning", eq. 9.7.

    Examples
    --------
    >>> weight, mean, std = gs.asarray([0.5, 0.5]), gs.asarray([-1.0, 1.0]), gs.asarray([1.0, 1.0])
    >>> gs.to_numpy(gs.gaussian_mixture(gs.asarray([0.0, 50.0]), weight, mean, std)).round(4)
    array([   -1.4189, -1202.1121])
    """


@formula(
    ko="가우시안 혼합의 표본",
    en="Sample of a mixture of Gaussians",
    tex=r"y = \min\Bigl\{i : u < \sum_{j \le i} \pi_j\Bigr\}, \quad x = \mu_y + \sigma_y z",
    notes=("000#Auto-regressive Model / 1. NADE (continuous)",),
    source="Bishop 2006, section 9.2",
    requires=LAST_AXES,
    differentiable=("normal", "mean", "std"),
    stochastic=True,
)
def gaussian_mixture_sample(
    uniform: Annotated[Values, Uniform], normal: Values, weight: Weights, mean: Means, std: Scales, /
) -> Values:
    """Choose a component by a uniform draw, then scale and shift a normal one.

    Shapes
    ------
    uniform, normal : (*shape), uniform and standard normal draws
    weight, mean, std : (*params, k), params the last axes of `shape`; each row of weights a distribution, each standard
        deviation above 0
    returns : (*shape)

    Source
    ------
    Bishop 2006, "Pattern recognition and machine learning", section 9.2.

    Examples
    --------
    >>> weight, mean, std = gs.asarray([0.5, 0.5]), gs.asarray([-10.0, 10.0]), gs.asarray([1.0, 2.0])
    >>> gs.to_numpy(gs.gaussian_mixture_sample(gs.asarray([0.1, 0.9]), gs.asarray([1.0, 1.0]), weight, mean, std))
    array([-9., 12.])
    """


@formula(
    ko="EM 한 걸음",
    en="One step of expectation-maximization",
    tex=r"r_{ik} = p(k \mid x_i), \quad N_k = \sum_i r_{ik}; \qquad \pi_k = \frac{N_k}{n}, \quad "
    r"\mu_k = \frac{1}{N_k} \sum_i r_{ik} x_i, \quad "
    r"\sigma_k^2 = \frac{1}{N_k} \sum_i r_{ik} (x_i - \mu_k)^2 + \lambda",
    source="Dempster, Laird & Rubin 1977; Bishop 2006, eqs. 9.23 to 9.26",
    kind="algorithm",
    nonempty=True,
)
def expectation_maximization(
    x: Float[Array, "n"], weight: Annotated[Float[Array, "k"], Simplex()], mean: Float[Array, "k"],
    std: Positive[Float[Array, "k"]], /, *, reg_covar: NonNegative[float] = 0.0,
) -> Mixture:  # fmt: skip
    """Improve a mixture of Gaussians: share each observation among the components, then fit each to its shares.

    The likelihood never falls. A component that is left with a single observation shrinks to a standard deviation of 0,
    which the next step refuses, unless `reg_covar` holds it open; one without any share becomes NaN.

    Shapes
    ------
    x : (n,)
    weight, mean, std : (k,); the weights a distribution, each standard deviation above 0
    returns : weight, mean, std (k,)

    Options
    -------
    reg_covar : at least 0, what is added to each variance

    Source
    ------
    Dempster, Laird & Rubin 1977, "Maximum likelihood from incomplete data via the EM algorithm"; Bishop 2006, "Pattern
    recognition and machine learning", eqs. 9.23 to 9.26.

    Examples
    --------
    >>> x = gs.asarray([-9.0, -11.0, 9.0, 11.0])
    >>> mixture = gs.asarray([0.5, 0.5]), gs.asarray([-1.0, 1.0]), gs.asarray([1.0, 1.0])
    >>> [gs.to_numpy(part).round(4).tolist() for part in gs.expectation_maximization(x, *mixture)]
    [[0.5, 0.5], [-10.0, 10.0], [1.0, 1.0]]
    """
    ...


# Two kinds of models


generative_vs_discriminative = law(
    "probability.generative_vs_discriminative",
    ko="생성 모델과 판별 모델",
    en="Generative versus discriminative",
    tex=r"p(y \mid x) = \frac{p(x \mid y)\, p(y)}{\sum_{y'} p(x \mid y')\, p(y')}, \qquad "
    r"\sigma_0 = \sigma_1 \;\Rightarrow\; p(y = 1 \mid x) = \mathrm{sigmoid}(w x + b)",
    notes=("002#생성 vs 판별", "002#판별 모델", "000#Generative Models(생성 모델) / Introduction"),
    source="Ng & Jordan 2002; Bishop 2006, eqs. 4.57 to 4.67",
)

density_estimation = named(
    "probability.density_estimation",
    ko="밀도 추정과 명시적/암시적 모델",
    en="Density estimation; explicit and implicit models",
    notes=("000#Generative Models(생성 모델) / Introduction", "000#Auto-regressive Model (explicit)",
           "000#GAN 소개 (implicit)"),
    source="Goodfellow 2016, section 2",
)  # fmt: skip


def _at_least_1(formula: str, **numbers: int) -> None:
    for name, number in numbers.items():
        if type(number) is not int:
            raise DtypeError(f"{formula}: {name} is of type {type(number).__name__}, expected an int")
        if number < 1:
            raise DomainError(f"{formula}: {name} is {number}, expected an int >= 1")
