"""Autoencoders: compress and restore, then let the code be drawn from a distribution.

A model is a configuration of dense networks: `sizes` are the widths from the input to the code, which the decoder has
in reverse. Images are rows of pixels. A decoder of a variational model returns what its likelihood takes: the logit of
every pixel for "bernoulli", whose images are in [0, 1], and the mean of every pixel for "gaussian".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from annotated_types import Ge
from jaxtyping import Bool, Float

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import Array, Finite, NonNegative, Positive
from gongsik.spec.errors import DomainError
from gongsik.spec.formula import Chapter, Erratum, formula, law
from gongsik.spec.layers import Activation, Architecture, Layer, Linear, Row, Sequential, Shape, Tree, join, sequence
from gongsik.spec.model import Parameters

CHAPTER = Chapter(ko="오토인코더", en="Autoencoders")

Likelihood: TypeAlias = Literal["bernoulli", "gaussian"]
Reconstruction: TypeAlias = Literal["squared", "rmse", "bce"]
Images: TypeAlias = Annotated[Float[Array, "n d"], Finite()]
Codes: TypeAlias = Float[Array, "*batch k"]
Scalar: TypeAlias = Float[Array, ""]


# Models as data


def _stack(sizes: tuple[int, ...], activation: str, last: str = "identity") -> Sequential:
    """Linear layers with an activation between them, and another one after the last."""
    layers: list[Layer] = []
    for n_in, n_out in pairwise(sizes):
        layers += [Linear(n_in, n_out), Activation(activation)]
    if layers:
        layers[-1:] = [] if last == "identity" else [Activation(last)]
    return sequence(*layers)


@dataclass(frozen=True)
class Parts(Tree):
    """Networks of a model that do not simply follow one another, each with the shape of a sample that it takes."""

    parts: tuple[tuple[str, Layer, Shape], ...]

    def children(self) -> tuple[tuple[str, Layer], ...]:
        return tuple((name, layer) for name, layer, _ in self.parts)

    def rows(self, shape: Shape, /, name: str = "") -> Iterator[Row]:
        for part, layer, takes in self.parts:
            yield from layer.rows(takes, join(name, part))


@dataclass(frozen=True)
class LatentModel(Architecture):
    """What the configurations share: an encoder from `sizes[0]` numbers to a code of `sizes[-1]`, and a decoder back.

    Parameters
    ----------
    sizes : tuple of int
        Widths of the input, of the hidden layers of the encoder, and of the code; the decoder has them in reverse.
    activation : str
        The function after every hidden layer, one of `layers.ACTIVATIONS`.

    Raises
    ------
    DomainError
        If there are fewer than two sizes, one is below 1, or the activation is unknown.
    DtypeError
        If a size is no int.
    """

    sizes: tuple[int, ...] = (64, 32, 8)
    activation: str = "relu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(self.sizes))
        if len(self.sizes) < 2:
            raise DomainError(f"{type(self).__name__}: sizes is {self.sizes}, expected at least an input and a code")
        super().__post_init__()


@dataclass(frozen=True)
class Autoencoder(LatentModel):
    """Configuration of an autoencoder; `LatentModel` has the other parameters.

    Parameters
    ----------
    last : str
        The function after the last layer of the decoder: "sigmoid" for pixels, "identity" for any numbers.

    Examples
    --------
    >>> Autoencoder((64, 32, 8)).parameters()["decoder.2.weight"]
    (64, 32)
    """

    last: str = "sigmoid"

    def build(self) -> Layer:
        encoder, decoder = self.sizes, self.sizes[::-1]
        return sequence(encoder=_stack(encoder, self.activation), decoder=_stack(decoder, self.activation, self.last))


@dataclass(frozen=True)
class VAE(LatentModel):
    """Configuration of a variational autoencoder; `LatentModel` has the parameters.

    After the hidden layers of the encoder one linear layer says the mean of the code, and another one the logarithm of
    its variance. The decoder ends in a linear layer.

    Examples
    --------
    >>> list(VAE((64, 2)).parameters())
    ['mean.weight', 'mean.bias', 'log_var.weight', 'log_var.bias', 'decoder.0.weight', 'decoder.0.bias']
    """

    def build(self) -> Layer:
        d, hidden, k = self.sizes[0], self.sizes[-2], self.sizes[-1]
        return Parts(
            (
                ("encoder", _stack(self.sizes[:-1], self.activation, self.activation), (d,)),
                ("mean", Linear(hidden, k), (hidden,)),
                ("log_var", Linear(hidden, k), (hidden,)),
                ("decoder", _stack(self.sizes[::-1], self.activation), (k,)),
            )
        )


@dataclass(frozen=True)
class AdversarialAutoencoder(Autoencoder):
    """Configuration of an adversarial autoencoder: an `Autoencoder`, and a discriminator that looks at codes.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers of the discriminator, which ends in one logit.

    Examples
    --------
    >>> AdversarialAutoencoder((64, 2), hidden=(16,)).parameters()["discriminator.2.weight"]
    (1, 16)
    """

    hidden: tuple[int, ...] = (32,)

    def build(self) -> Layer:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        d, k = self.sizes[0], self.sizes[-1]
        return Parts(
            (
                ("encoder", _stack(self.sizes, self.activation), (d,)),
                ("decoder", _stack(self.sizes[::-1], self.activation, self.last), (k,)),
                ("discriminator", _stack((k, *self.hidden, 1), self.activation), (k,)),
            )
        )


def check_pixels(formula: str, x: Any, adapter: ArrayAdapter) -> None:
    """What a Bernoulli likelihood asks of its images: every pixel is a probability.

    Raises
    ------
    DomainError
        If one is outside [0, 1].
    """
    if not adapter.inside(x, 0.0, 1.0, False, False):
        raise DomainError(f"{formula}: x has a value that is not in [0, 1], expected pixels of a Bernoulli likelihood")


# Compress and restore


class Autoencoded(NamedTuple):
    """The code of every input, and what the decoder makes of it."""

    code: Float[Array, "*batch k"]
    output: Float[Array, "*batch d"]


@formula(
    ko="오토인코더",
    en="Autoencoder",
    tex=r"z = f(x), \qquad \hat x = g(z), \qquad \min_{f, g} \sum_i \lVert x_i - g(f(x_i)) \rVert^2",
    notes=("002#Auto Encoder", "002#AE의 학습과정", "002#PCA vs AE", "002#생성모델로서의 AE",
           "000#Variational Auto-encoder (Auto-encoder)"),
    source="Hinton & Salakhutdinov 2006",
    errata=(
        Erratum(
            key="pca_cannot_separate",
            place="002#PCA vs AE",
            stated="PCA는 클래스를 제대로 가르지 못하고, 비선형인 오토인코더는 잘 가른다.",
            right="둘 다 정답을 보지 않으므로 가르는 것은 목적이 아니다. 클래스의 평균이 분산이 큰 축을 따라 "
            "떨어져 있으면 PCA의 첫 축만으로 갈라지고, 그렇지 않으면 오토인코더도 가르지 못할 수 있다.",
            setup="t = np.linspace(-1, 1, 9); "
            "x = np.concatenate([np.stack([5 + t, t**2], 1), np.stack([-5 + t, -(t**2)], 1)]); "
            "axis = np.linalg.svd(x - x.mean(0))[2][0]; side = x @ axis * np.sign(axis[0]) > 0",
            stated_value="False",
            right_value="bool(side[:9].all() and not side[9:].any())",
        ),
        Erratum(
            key="autoencoder_generative",
            place="002#생성모델로서의 AE",
            stated="오토인코더는 생성 모델이다.",
            right="코드 위에 분포가 없으면 뽑을 것이 없다. 디코더는 코드의 사전 분포를 정하고 인코더가 그 분포를 "
            "따르게 한 뒤에야 생성한다. 데이터가 $\\pm 1$뿐이고 코드가 $100x$이면, 표준 정규 분포에서 뽑은 코드는 "
            "있을 수 없는 0 근처가 된다.",
            setup="data = np.array([-1.0, 1.0]); z = np.array([-1.5, -0.5, 0.5, 1.5]); decoded = z / 100",
            stated_value="True",
            right_value="bool((np.abs(decoded[:, None] - data).min(1) < 0.9).any())",
        ),
    ),
    kind="model",
    differentiable=True,
)  # fmt: skip
def autoencoder(config: Autoencoder, params: Parameters, x: Float[Array, "*batch config.sizes[0]"], /) -> Autoencoded:
    """Press an input into a code of fewer numbers, and restore it from them.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, config.sizes[0])
    returns : `Autoencoded`: code (*batch, config.sizes[-1]), output (*batch, config.sizes[0])

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Hinton & Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".

    Examples
    --------
    >>> from gongsik.spec.autoencoder import Autoencoder
    >>> config = Autoencoder((2, 1), last="identity")  # the mean of two numbers, and twice that mean
    >>> params = {"encoder.0.weight": gs.asarray([[0.5, 0.5]]), "encoder.0.bias": gs.asarray([0.0]),
    ...           "decoder.0.weight": gs.asarray([[1.0], [1.0]]), "decoder.0.bias": gs.asarray([0.0, 0.0])}
    >>> found = gs.autoencoder(config, params, gs.asarray([[3.0, 3.0], [3.0, 1.0]]))
    >>> gs.to_numpy(found.code)[:, 0].tolist(), gs.to_numpy(found.output).tolist()
    ([3.0, 2.0], [[3.0, 3.0], [2.0, 2.0]])
    """
    ...


@formula(
    ko="디코더",
    en="Decoder",
    tex=r"\hat x = g(z)",
    notes=("002#AE의 학습과정",),
    source="Hinton & Salakhutdinov 2006",
    kind="model",
    differentiable=True,
)
def decode(
    config: LatentModel, params: Parameters, z: Float[Array, "*batch config.sizes[-1]"], /
) -> Float[Array, "*batch config.sizes[0]"]:
    """Restore inputs from codes, wherever these come from: an encoder, a prior, the way between two codes.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says, of the decoder and of the other parts
    z : (*batch, config.sizes[-1])
    returns : (*batch, config.sizes[0]); of a `VAE` what its likelihood takes, logits or means

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Hinton & Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks".

    Examples
    --------
    >>> from gongsik.spec.autoencoder import Autoencoder
    >>> config = Autoencoder((2, 1), last="identity")
    >>> params = {"encoder.0.weight": gs.asarray([[0.5, 0.5]]), "encoder.0.bias": gs.asarray([0.0]),
    ...           "decoder.0.weight": gs.asarray([[1.0], [1.0]]), "decoder.0.bias": gs.asarray([0.0, 1.0])}
    >>> gs.to_numpy(gs.decode(config, params, gs.asarray([[7.0]])))
    array([[7., 8.]])
    """


@formula(
    ko="재구성 손실",
    en="Reconstruction loss",
    tex=r"\text{squared}: \frac1N \sum_{i} \lVert x_i - \hat x_i \rVert^2, \qquad "
    r"\text{rmse}: \sqrt{\tfrac{1}{ND} \sum_{i} \lVert x_i - \hat x_i \rVert^2}, \qquad "
    r"\text{bce}: \frac1N \sum_{i, d} \bigl[\log(1 + e^{s_{id}}) - x_{id} s_{id}\bigr],\ \hat x = \sigma(s)",
    notes=("002#AE의 학습과정", "002#Binary Cross Entropy 대신 RMSE",
           "002#VAE (Variational Auto Encoder)의 Loss Function", "000#Variational Auto-encoder"),
    source="Vincent et al. 2010, section 2.2",
    nonempty=True,
    differentiable=("output",),
)  # fmt: skip
def reconstruction_loss(output: Float[Array, "n d"], x: Images, /, *, kind: Reconstruction = "squared") -> Scalar:
    """Say how much of the inputs is lost on the way through the code.

    Shapes
    ------
    output : (n, d); for "bce" logits, of which the sigmoid is the restored input
    x : (n, d); for "bce" in [0, 1]
    returns : ()

    Options
    -------
    kind : "squared" and "bce" are sums over the d numbers of an input and means over the n inputs, "rmse" is the root
        of the mean over all numbers

    Raises
    ------
    DomainError
        If for "bce" an input is outside [0, 1].

    Source
    ------
    Vincent, Larochelle, Lajoie, Bengio & Manzagol 2010, "Stacked denoising autoencoders", section 2.2.

    Examples
    --------
    >>> output, x = gs.asarray([[0.0, 0.0], [3.0, 0.0]]), gs.asarray([[1.0, 0.0], [1.0, 1.0]])
    >>> float(gs.reconstruction_loss(output, x)), round(float(gs.reconstruction_loss(output, x, kind="rmse")), 4)
    (3.0, 1.2247)
    >>> round(float(gs.reconstruction_loss(output, x, kind="bce")), 4)  # three times log 2, and a little
    1.064
    """


linear_autoencoder_pca = law(
    "autoencoder.linear_autoencoder_pca",
    ko="선형 AE와 PCA",
    en="Linear autoencoder spans the PCA subspace",
    tex=r"\min_{W_e, W_d} \lVert X_c - X_c W_e^\top W_d^\top \rVert_F^2 = \sum_{j > k} \sigma_j^2",
    notes=("002#PCA vs AE",),
    source="Baldi & Hornik 1989",
)


@formula(
    ko="잡음 제거 오토인코더",
    en="Denoising autoencoder",
    tex=r"\tilde x = x + s\,\epsilon,\ \epsilon \sim \mathcal N(0, I), \qquad "
    r"\min_{f, g} \mathbb E \lVert x - g(f(\tilde x)) \rVert^2",
    notes=("002#Auto Encoder (노이즈 제거)",),
    source="Vincent, Larochelle, Bengio & Manzagol 2008",
    kind="model",
    stochastic=True,
    differentiable=True,
)
def denoising_autoencoder(
    config: Autoencoder,
    params: Parameters,
    x: Float[Array, "*batch config.sizes[0]"],
    normal: Float[Array, "*batch config.sizes[0]"],
    /,
    *,
    std: NonNegative[float] = 0.1,
) -> Autoencoded:
    """Spoil the input with noise before it is pressed into a code; the loss compares with the clean input.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (*batch, config.sizes[0])
    normal : (*batch, config.sizes[0]), draws from the normal distribution
    returns : `Autoencoded`: code (*batch, config.sizes[-1]), output (*batch, config.sizes[0])

    Options
    -------
    std : at least 0, the standard deviation of the noise

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Vincent, Larochelle, Bengio & Manzagol 2008, "Extracting and composing robust features with denoising autoencoders".

    Examples
    --------
    >>> from gongsik.spec.autoencoder import Autoencoder
    >>> config = Autoencoder((2, 1), last="identity")
    >>> params = {"encoder.0.weight": gs.asarray([[0.5, 0.5]]), "encoder.0.bias": gs.asarray([0.0]),
    ...           "decoder.0.weight": gs.asarray([[1.0], [1.0]]), "decoder.0.bias": gs.asarray([0.0, 0.0])}
    >>> x, normal = gs.asarray([[2.0, 2.0]]), gs.asarray([[1.0, -1.0]])
    >>> gs.to_numpy(gs.denoising_autoencoder(config, params, x, normal, std=0.5).output)  # the mean forgets the noise
    array([[2., 2.]])
    """
    ...


# Variational inference


variational_inference = law(
    "autoencoder.variational_inference",
    ko="변분 추론",
    en="Variational inference",
    tex=r"q^\star = \arg\min_{q \in \mathcal Q} D_{\mathrm{KL}}(q_\phi(z \mid x) \,\Vert\, p_\theta(z \mid x)) "
    r"= \arg\max_{q \in \mathcal Q} \mathrm{ELBO}(q)",
    notes=("000#Variational Auto-encoder", "002#VAE"),
    source="Jordan, Ghahramani, Jaakkola & Saul 1999",
    errata=(
        Erratum(
            key="variational_parameters",
            place="000#Variational Auto-encoder",
            stated="변분 분포를 처음에는 $q_\\theta(z \\mid x)$로, 나중에는 $q_\\phi(z \\mid x)$로 적는다.",
            right="인코더의 파라미터 $\\phi$와 디코더의 파라미터 $\\theta$는 서로 다른 수이다. 변분 분포는 "
            "$q_\\phi$이고 $\\theta$는 $p_\\theta(x \\mid z)$와 그것이 정하는 사후 분포에 쓴다.",
        ),
    ),
)

elbo_gap = law(
    "autoencoder.elbo_gap",
    ko="로그 증거 분해",
    en="Log evidence = ELBO + KL",
    tex=r"\ln p_\theta(x) = \mathrm{ELBO} + D_{\mathrm{KL}}(q_\phi(z \mid x) \,\Vert\, p_\theta(z \mid x)) "
    r"\ge \mathrm{ELBO}",
    notes=("000#Variational Auto-encoder (Sandwitch method, img)",),
    source="Jordan, Ghahramani, Jaakkola & Saul 1999; Kingma & Welling 2014, eq. 1",
)


@formula(
    ko="재구성 항",
    en="Reconstruction term",
    tex=r"\mathbb E_{q_\phi(z \mid x)}[\ln p_\theta(x \mid z)] \approx \frac1S \sum_{s=1}^{S} \ln p_\theta(x \mid z_s)",
    notes=("000#Variational Auto-encoder (Reconstruction Term)",),
    source="Kingma & Welling 2014, eq. 7",
    stochastic=True,
    nonempty=True,
    differentiable=("output",),
)
def reconstruction_term(
    output: Float[Array, "*samples n d"],
    x: Images,
    /,
    *,
    likelihood: Likelihood = "bernoulli",
    var: Positive[float] = 1.0,
) -> Float[Array, "n"]:
    """Average, over draws of the code, the log-probability that the decoder gives to the input.

    Shapes
    ------
    output : (*samples, n, d), what the decoder makes of every draw: logits or means
    x : (n, d); for "bernoulli" in [0, 1]
    returns : (n,)

    Options
    -------
    likelihood : "bernoulli", ``sum x s - log(1 + e^s)`` of logits s, or "gaussian" around the output
    var : above 0, the variance of every pixel for "gaussian"

    Raises
    ------
    DomainError
        If for "bernoulli" an input is outside [0, 1].

    Source
    ------
    Kingma & Welling 2014, "Auto-encoding variational Bayes", eq. 7 and appendix C.

    Examples
    --------
    >>> output, x = gs.asarray([[[0.0, 0.0]], [[100.0, -100.0]]]), gs.asarray([[1.0, 0.0]])
    >>> np.round(gs.to_numpy(gs.reconstruction_term(output, x)), 4)  # half of 2 log 1/2
    array([-0.6931])
    """


@formula(
    ko="가우시안 사전 적합 항",
    en="Prior fitting term (Gaussian KL)",
    tex=r"D_{\mathrm{KL}}\bigl(\mathcal N(\mu, \mathrm{diag}\,\sigma^2) \,\Vert\, \mathcal N(0, I)\bigr) = "
    r"\tfrac12 \sum_{i=1}^{k} \bigl(\sigma_i^2 + \mu_i^2 - \ln \sigma_i^2 - 1\bigr)",
    notes=("000#Variational Auto-encoder (isotropic Gaussian)", "000#Prior Fitting Term",
           "002#VAE (Variational Auto Encoder)의 Loss Function"),
    source="Kingma & Welling 2014, appendix B",
    errata=(
        Erratum(
            key="isotropic_is_not_independent",
            place="000#Variational Auto-encoder (isotropic Gaussian)",
            stated="등방(isotropic) 가우시안은 출력 차원이 모두 서로 독립이라는 뜻이다.",
            right="독립이면 공분산이 대각 행렬이고, 등방이면 그 대각까지 모두 같아서 $\\sigma^2 I$이다. 이 식의 $q$는 "
            "대각이기만 하면 되고, 등방인 것은 사전 분포이다.",
            setup="cov = np.diag([1.0, 4.0]); independent = bool((cov == np.diag(np.diag(cov))).all())",
            stated_value="independent",
            right_value="bool((cov == cov[0, 0] * np.eye(2)).all())",
        ),
    ),
    differentiable=True,
)  # fmt: skip
def gaussian_kl(mu: Codes, log_var: Codes, /) -> Float[Array, "*batch"]:
    """Say how far a normal distribution with a diagonal covariance is from the standard one.

    Shapes
    ------
    mu, log_var : (*batch, k), means and logarithms of the variances
    returns : (*batch), at least 0 but for rounding

    Source
    ------
    Kingma & Welling 2014, "Auto-encoding variational Bayes", appendix B.

    Examples
    --------
    >>> mu, log_var = gs.asarray([[0.0, 0.0], [2.0, 0.0]]), gs.asarray([[0.0, 0.0], [0.0, np.log(4)]])
    >>> np.round(gs.to_numpy(gs.gaussian_kl(mu, log_var)), 4)  # 0, and 2 + (4 - log 4 - 1) / 2
    array([0.    , 2.8069])
    """


@formula(
    ko="ELBO",
    en="Evidence lower bound",
    tex=r"\mathrm{ELBO} = \mathbb E_{q_\phi(z \mid x)}[\ln p_\theta(x \mid z)] "
    r"- D_{\mathrm{KL}}(q_\phi(z \mid x) \,\Vert\, p(z))",
    notes=("000#Variational Auto-encoder (img)",
           "002#VAE (Variational Auto Encoder)의 Loss Function (목적함수)"),
    source="Kingma & Welling 2014, eq. 3",
    errata=(
        Erratum(
            key="vae_objective_expectation",
            place="002#VAE (Variational Auto Encoder)의 Loss Function (목적함수)",
            stated="목적 함수의 재구성 항을 $\\log p_\\theta(x \\mid z)$로, $q$에 대한 기댓값 없이 적는다.",
            right="재구성 항은 $z \\sim q_\\phi(z \\mid x)$에 대한 기댓값이다. $z$ 하나로 셈한 값은 그 기댓값의 한 "
            "표본 추정일 뿐이다. $q = \\mathcal N(0, 1)$, $x = 0$이면 기댓값은 상수를 빼고 $-0.5$인데 $z = 2$ 하나로는 "
            "$-2$이다.",
            setup="x = np.zeros((1, 1)); c = np.log(2 * np.pi) / 2; "
            "term = lambda z: float(gs.reconstruction_term(z, x, likelihood='gaussian')[0] + c)",
            stated_value="round(term(np.array([[[2.0]]])), 6)",
            right_value="round(term(np.array([[[1.0]], [[-1.0]]])), 6)",
        ),
    ),
    stochastic=True,
    nonempty=True,
    differentiable=("output", "mu", "log_var"),
)  # fmt: skip
def elbo(
    output: Float[Array, "*samples n d"],
    x: Images,
    mu: Float[Array, "n k"],
    log_var: Float[Array, "n k"],
    /,
    *,
    likelihood: Likelihood = "bernoulli",
    var: Positive[float] = 1.0,
) -> Float[Array, "n"]:
    """Bound the log-probability of inputs from below: how well draws of the code restore them, minus what codes cost.

    Shapes
    ------
    output : (*samples, n, d), what the decoder makes of every draw from N(mu, exp(log_var)): logits or means
    x : (n, d); for "bernoulli" in [0, 1]
    mu, log_var : (n, k), what the encoder says of the code
    returns : (n,), in nats; an unbiased estimate of the bound

    Options
    -------
    likelihood, var : as in `reconstruction_term`

    Raises
    ------
    DomainError
        If for "bernoulli" an input is outside [0, 1].

    Source
    ------
    Kingma & Welling 2014, "Auto-encoding variational Bayes", eq. 3.

    Examples
    --------
    >>> output, x = gs.asarray([[0.0, 0.0]]), gs.asarray([[1.0, 0.0]])
    >>> np.round(gs.to_numpy(gs.elbo(output, x, gs.asarray([[2.0]]), gs.asarray([[0.0]]))), 4)  # -2 log 2 - 2
    array([-3.3863])
    """


@formula(
    ko="재매개화 기법",
    en="Reparameterisation trick",
    tex=r"z = \mu + \sigma \odot \epsilon, \qquad \epsilon \sim \mathcal N(0, I), \quad "
    r"\sigma = e^{\frac12 \log \sigma^2}",
    notes=("002#VAE(Variational Auto Encoder)의 문제점", "002#VAE(Variational Auto Encoder)의 해결방안"),
    source="Kingma & Welling 2014, section 2.4",
    kind="algorithm",
    stochastic=True,
    differentiable=True,
)
def reparameterize(
    mu: Float[Array, "n k"], log_var: Float[Array, "n k"], normal: Float[Array, "*samples n k"], /
) -> Float[Array, "*samples n k"]:
    """Draw from N(mu, exp(log_var)) as a function of both, from draws that know neither.

    Shapes
    ------
    mu, log_var : (n, k), means and logarithms of the variances
    normal : (*samples, n, k), draws from the normal distribution
    returns : (*samples, n, k)

    Source
    ------
    Kingma & Welling 2014, "Auto-encoding variational Bayes", section 2.4.

    Examples
    --------
    >>> mu, log_var, normal = gs.asarray([[1.0, 1.0]]), gs.asarray([[0.0, np.log(4)]]), gs.asarray([[-1.0, 0.5]])
    >>> gs.to_numpy(gs.reparameterize(mu, log_var, normal))
    array([[0., 2.]])
    """


reparameterization_gradient = law(
    "autoencoder.reparameterization_gradient",
    ko="재매개화 기울기의 불편성",
    en="Unbiased pathwise gradient",
    tex=r"\nabla_\phi\, \mathbb E_{q_\phi}[f(z)] = \mathbb E_\epsilon[\nabla_\phi f(\mu + \sigma \epsilon)]",
    notes=("002#VAE(Variational Auto Encoder)의 해결방안",),
    source="Kingma & Welling 2014, section 2.4; Mohamed et al. 2020, section 5",
)


class Variational(NamedTuple):
    """What a variational autoencoder says: mean and log-variance of the code, draws of it, and what is decoded."""

    mu: Float[Array, "n k"]
    log_var: Float[Array, "n k"]
    code: Float[Array, "*samples n k"]
    output: Float[Array, "*samples n d"]


@formula(
    ko="변분 오토인코더",
    en="Variational autoencoder",
    tex=r"x \to (\mu, \log \sigma^2) \to z = \mu + \sigma \odot \epsilon \to g(z)",
    notes=("000#Variational Auto-encoder", "002#VAE (Variational Auto Encoder)"),
    source="Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014",
    errata=(
        Erratum(
            key="vae_from_prior",
            place="000#Variational Auto-encoder",
            stated="생성은 입력을 잠재 공간으로 보내 분포를 찾고, 거기서 뽑아 디코더에 넣는 것이다.",
            right="그것은 입력 하나의 재구성이다. 새 그림은 입력 없이, 사전 분포 $p(z) = \\mathcal N(0, I)$에서 뽑은 "
            "코드를 디코더에 넣어 만든다.",
        ),
    ),
    kind="model",
    stochastic=True,
    differentiable=True,
)
def vae(
    config: VAE,
    params: Parameters,
    x: Float[Array, "n config.sizes[0]"],
    normal: Float[Array, "*samples n config.sizes[-1]"],
    /,
) -> Variational:
    """Press an input into a distribution over codes, draw from it, and restore the input from every draw.

    To restore from the mean, pass zeros; to make new inputs, pass draws from the normal distribution to `decode`.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, config.sizes[0])
    normal : (*samples, n, config.sizes[-1]), draws from the normal distribution
    returns : `Variational`: mu and log_var (n, config.sizes[-1]), code (*samples, n, config.sizes[-1]), output
        (*samples, n, config.sizes[0])

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Kingma & Welling 2014, "Auto-encoding variational Bayes"; Rezende, Mohamed & Wierstra 2014, "Stochastic
    backpropagation and approximate inference in deep generative models".

    Examples
    --------
    >>> from gongsik.spec.autoencoder import VAE
    >>> config = VAE((2, 1))
    >>> params = {name: gs.asarray(np.ones(shape)) for name, shape in config.parameters().items()}
    >>> params["log_var.weight"] = gs.asarray([[0.0, 0.0]])
    >>> params["log_var.bias"] = gs.asarray([np.log(4)])
    >>> said = gs.vae(config, params, gs.asarray([[1.0, 2.0]]), gs.asarray([[0.5]]))
    >>> gs.to_numpy(said.mu).tolist(), gs.to_numpy(said.code).tolist(), gs.to_numpy(said.output).tolist()
    ([[4.0]], [[5.0]], [[6.0, 6.0]])
    """
    ...


@formula(
    ko="VAE 손실(가중합)",
    en="VAE loss (weighted sum)",
    tex=r"L = r \cdot \mathrm{rec}(x, \hat x) + \frac1N \sum_{i} D_{\mathrm{KL}}(q_\phi(z \mid x_i) \,\Vert\, "
    r"\mathcal N(0, I)), \qquad \mathrm{rec} \in \{\mathrm{bce}, \mathrm{squared}, \mathrm{rmse}\}",
    notes=("002#VAE (Variational Auto Encoder)의 Loss Function",),
    source="Kingma & Welling 2014, eq. 7; Higgins et al. 2017, eq. 4",
    errata=(
        Erratum(
            key="vae_rmse_is_not_elbo",
            place="002#VAE (Variational Auto Encoder)의 Loss Function",
            stated="손실은 RMSE와 KL의 합이고, 그 목적 함수로 ELBO를 든다.",
            right="정규 분포의 로그우도는 제곱 오차를 주고 그 제곱근을 주지 않는다. 오차가 모두 두 배가 되면 "
            "음의 로그우도는 네 배, RMSE는 두 배가 된다. RMSE는 ELBO가 아니라 따로 고른 무게이다.",
            setup="x = np.zeros((1, 2)); ratio = lambda kind: round(float("
            "gs.reconstruction_loss(2 + x, x, kind=kind) / gs.reconstruction_loss(1 + x, x, kind=kind)), 6)",
            stated_value="ratio('rmse')",
            right_value="ratio('squared')",
        ),
    ),
    nonempty=True,
    differentiable=("output", "mu", "log_var"),
)
def vae_loss(
    output: Float[Array, "n d"],
    x: Images,
    mu: Float[Array, "n k"],
    log_var: Float[Array, "n k"],
    /,
    *,
    kind: Reconstruction = "bce",
    r: NonNegative[float] = 1.0,
) -> Scalar:
    """Add what is lost in restoring and what the codes cost.

    With "bce" and r = 1 it is minus the mean `elbo` of Bernoulli pixels, from one draw; with "squared" and
    r = 1 / (2 var) that of Gaussian ones, but for a constant. "rmse" is the form of the notes, and no bound.

    Shapes
    ------
    output : (n, d), what the decoder makes of one draw; for "bce" logits
    x : (n, d); for "bce" in [0, 1]
    mu, log_var : (n, k), what the encoder says of the code
    returns : ()

    Options
    -------
    kind : of `reconstruction_loss`
    r : at least 0, the weight of the reconstruction; 1 / r is the beta of a beta-VAE

    Raises
    ------
    DomainError
        If for "bce" an input is outside [0, 1].

    Source
    ------
    Kingma & Welling 2014, "Auto-encoding variational Bayes", eq. 7; Higgins et al. 2017, "beta-VAE", eq. 4.

    Examples
    --------
    >>> output, x = gs.asarray([[0.0, 0.0]]), gs.asarray([[1.0, 0.0]])
    >>> mu, log_var = gs.asarray([[2.0]]), gs.asarray([[0.0]])
    >>> round(float(gs.vae_loss(output, x, mu, log_var)), 4), float(gs.vae_loss(output, x, mu, log_var, r=0.0))
    (3.3863, 2.0)
    """


# An adversary in place of a formula


class AdversarialLosses(NamedTuple):
    """What each part of an adversarial autoencoder makes small."""

    reconstruction: Float[Array, ""]
    discriminator: Float[Array, ""]
    generator: Float[Array, ""]


@formula(
    ko="적대적 오토인코더",
    en="Adversarial autoencoder",
    tex=r"\min_{E, G} \lVert x - G(E(x)) \rVert^2, \qquad "
    r"\min_D -\mathbb E_{z \sim p}[\ln D(z)] - \mathbb E_x[\ln(1 - D(E(x)))], \qquad "
    r"\min_E -\mathbb E_x[\ln D(E(x))]",
    notes=("000#Adversarial Auto-encoder(AAE)", "002#INDEX"),
    source="Makhzani et al. 2016, section 2",
    kind="model",
    stochastic=True,
    differentiable=True,
)
def adversarial_autoencoder(
    config: AdversarialAutoencoder,
    params: Parameters,
    x: Float[Array, "n config.sizes[0]"],
    prior: Float[Array, "m config.sizes[-1]"],
    /,
) -> AdversarialLosses:
    """Let a discriminator tell codes of inputs from draws of a prior, and the encoder deceive it.

    Encoder and decoder learn from the first loss, the discriminator from the second, the encoder also from the third;
    the others' parameters stand still. Only draws of the prior are needed, no formula of its density.

    Shapes
    ------
    params : dict of the names and shapes that `config.parameters()` says
    x : (n, config.sizes[0])
    prior : (m, config.sizes[-1]), draws from any distribution over codes
    returns : `AdversarialLosses` of (): reconstruction, the squared distance averaged over the inputs; discriminator,
        2 log 2 where it cannot tell; generator, log 2 there

    Raises
    ------
    ShapeError
        If parameters are missing, unknown or of another shape, all of them named.

    Source
    ------
    Makhzani, Shlens, Jaitly, Goodfellow & Frey 2016, "Adversarial autoencoders", section 2; the generator's loss is the
    one that does not saturate, Goodfellow et al. 2014, section 3.

    Examples
    --------
    >>> from gongsik.spec.autoencoder import AdversarialAutoencoder
    >>> config = AdversarialAutoencoder((2, 1), last="identity", hidden=())
    >>> params = {name: gs.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}
    >>> losses = gs.adversarial_autoencoder(config, params, gs.asarray([[1.0, 2.0]]), gs.asarray([[0.3], [-0.7]]))
    >>> [round(float(loss), 4) for loss in losses]
    [5.0, 1.3863, 0.6931]
    """
    ...


# What to do with a code


@formula(
    ko="잠재 벡터 연산",
    en="Latent vector arithmetic",
    tex=r"z' = z + \alpha\, (\bar z_{\mathrm{attr}} - \bar z_{\neg\mathrm{attr}})",
    notes=("002#VAE 코드의 덧셈과 뺄셈",
           "002#VAE 코드의 덧셈과 뺄셈: 남과 여"),
    source="Radford, Metz & Chintala 2016, section 6.3.2; Larsen et al. 2016, section 4.3",
    nonempty=True,
    differentiable=True,
)  # fmt: skip
def latent_arithmetic(
    z: Float[Array, "*batch k"],
    codes: Float[Array, "n k"],
    label: Bool[Array, "n"],
    /,
    *,
    alpha: float = 1.0,
) -> Float[Array, "*batch k"]:
    """Give codes an attribute, or take it: move them along the difference of the means of those with it and without.

    Shapes
    ------
    z : (*batch, k)
    codes : (n, k), examples
    label : (n,), which of them have the attribute; some do, some do not, otherwise the result is NaN
    returns : (*batch, k)

    Options
    -------
    alpha : how far; 1 moves the mean of those without onto that of those with, a negative number takes the attribute

    Source
    ------
    Larsen, Sønderby, Larochelle & Winther 2016, "Autoencoding beyond pixels using a learned similarity metric",
    section 4.3.

    Examples
    --------
    >>> codes, label = gs.asarray([[0.0, 1.0], [2.0, 1.0], [5.0, 3.0]]), gs.asarray([False, False, True])
    >>> gs.to_numpy(gs.latent_arithmetic(gs.asarray([0.0, 0.0]), codes, label, alpha=0.5))
    array([2., 1.])
    """


@formula(
    ko="잠재 공간 보간(얼굴 합성)",
    en="Latent interpolation (morphing)",
    tex=r"z_\alpha = (1 - \alpha) a + \alpha b, \qquad \text{spherical}: z_\alpha = "
    r"\frac{\sin((1 - \alpha) \Omega)}{\sin \Omega} a + \frac{\sin(\alpha \Omega)}{\sin \Omega} b, \quad "
    r"\Omega = \angle(a, b)",
    notes=("002#VAE 코드의 덧셈과 뺄셈: 두 얼굴",),
    source="Shoemake 1985; White 2016, section 2",
    nonempty=True,
    differentiable=True,
    axes={"steps": "steps"},
)
def latent_interpolation(
    a: Float[Array, "*batch k"],
    b: Float[Array, "*batch k"],
    /,
    *,
    steps: Annotated[int, Ge(2)],
    spherical: bool = False,
) -> Float[Array, "steps *batch k"]:
    """Walk from one code to another, in equal steps along a line or along an arc.

    On the line between two draws of many normal numbers codes are shorter than draws are; the arc keeps their length.

    Shapes
    ------
    a, b : (*batch, k)
    returns : (steps, *batch, k), a first and b last

    Options
    -------
    steps : at least 2, codes on the way, both ends included
    spherical : along the arc; between codes of one direction that is the line, a code of 0 has no direction (NaN), and
        between opposite ones there is no one arc: the result has no meaning

    Source
    ------
    Shoemake 1985, "Animating rotation with quaternion curves"; White 2016, "Sampling generative networks", section 2.

    Examples
    --------
    >>> a, b = gs.asarray([1.0, 0.0]), gs.asarray([0.0, 1.0])
    >>> gs.to_numpy(gs.latent_interpolation(a, b, steps=3)).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    >>> gs.to_numpy(gs.latent_interpolation(a, b, steps=3, spherical=True))[1].round(4).tolist()
    [0.7071, 0.7071]
    """
