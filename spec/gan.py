"""Generative adversarial networks: two networks that play against each other, and what their game minimises.

The generator makes samples of noise, the discriminator tells them from data. What a discriminator says is a logit, of
which the sigmoid is D, the probability that a sample is real: so every loss is finite for every logit. A critic says
any real number. The first axis counts samples; further axes are places of an image that are judged one by one.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from annotated_types import Ge, Interval
from jaxtyping import Float, Int

from gongsik.spec.architectures.conditional import Conditional
from gongsik.spec.architectures.dcgan import (
    DCGAN,
    PuzzleGAN,
    TextToImage,
)
from gongsik.spec.architectures.infogan import InfoGAN
from gongsik.spec.architectures.progressive import ProgressiveGAN
from gongsik.spec.architectures.translation import CycleGAN, StarGAN
from gongsik.spec.array import (
    Array,
    Finite,
    Labels,
    NonNegative,
    Params,
    Positive,
    Probability,
    Simplex,
    Tree,
    Uniform,
)
from gongsik.spec.cnn import TrainingPass
from gongsik.spec.errors import DomainError, DtypeError, ShapeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law
from gongsik.spec.model import Parameters, check_parameters

CHAPTER = Chapter(ko="적대적 생성 신경망(GAN)", en="Generative adversarial networks")

OfReal: TypeAlias = Float[Array, "n *site"]
OfFake: TypeAlias = Float[Array, "m *site"]
Scalar: TypeAlias = Float[Array, ""]


@dataclass(frozen=True)
class Game:
    """The rules of two players, each of whom has parameters.

    Attributes
    ----------
    generate : callable
        ``generate(generator, *noise)``: the fake samples, one array.
    discriminator_loss, generator_loss : callable
        ``loss(discriminator, fake, *batch)``: what each player makes small, an array without axes.
    update_discriminator, update_generator : callable
        ``update(params, grads, state) -> (params, state)``: a step of an optimizer; before the first, the state is
        `None`.
    """

    generate: Callable[..., Any]
    discriminator_loss: Callable[..., Any]
    generator_loss: Callable[..., Any]
    update_discriminator: Callable[..., Any]
    update_generator: Callable[..., Any]


class Players(NamedTuple):
    """Parameters of both networks, and the states of their optimizers: all that a game goes on from."""

    generator: Any
    discriminator: Any
    generator_state: Any = None
    discriminator_state: Any = None


class Played(NamedTuple):
    """The players after the last round; every loss before its update: (rounds, k) and (rounds,)."""

    players: Any
    discriminator_losses: Any
    generator_losses: Any


class HistoryState(NamedTuple):
    """How many parameters have been seen, and their mean."""

    count: Int[Array, ""]
    mean: Annotated[Any, Tree("params")]


def count_rounds(batches: tuple, draws: tuple, k: int, noise: str) -> int:
    """How many rounds there are batches and noise for.

    Raises
    ------
    ShapeError
        If the arrays do not hold a whole number of rounds, or not the same number.
    """
    per_round = k + 1 if noise == "fresh" else k
    for name, arrays, steps in (("batches", batches, k), ("draws", draws, per_round)):
        lengths = [x.shape[0] if x.ndim else 0 for x in arrays]
        if not lengths or len(set(lengths)) > 1 or lengths[0] == 0 or lengths[0] % steps:
            raise ShapeError(
                f"alternating_training: {name} holds arrays of length {lengths}, expected {steps} per round: one length"
                f" for all, a positive multiple of {steps}"
            )
    rounds, of_noise = batches[0].shape[0] // k, draws[0].shape[0] // per_round
    if rounds != of_noise:
        raise ShapeError(f"alternating_training: batches are for {rounds} rounds, but draws for {of_noise}")
    return rounds


def warn_of_sigmoid(name: str, argument: str) -> None:
    """Say why the scores of a critic must not come out of a sigmoid."""
    warnings.warn(
        f"{name}: {argument} comes out of a sigmoid. A critic's scores are real numbers: confined to (0, 1), their "
        "difference is below 1 however far the samples are from the data, and their slope vanishes there, so they no "
        "longer measure a distance. Leave the sigmoid out.",
        UserWarning,
        stacklevel=4,
    )


# The game


@formula(
    ko="GAN 가치 함수",
    en="GAN minimax value",
    tex=r"\min_G \max_D V(D, G) = \mathbb E_{x \sim p_{\mathrm{data}}}[\log D(x)] + "
    r"\mathbb E_{z \sim p_z}[\log(1 - D(G(z)))]",
    notes=("000#GAN 소개", "002#GAN"),
    source="Goodfellow et al. 2014, eq. 1",
    nonempty=True,
    differentiable=True,
)
def value_function(
    prob_real: Annotated[OfReal, Probability], prob_fake: Annotated[OfFake, Probability], /
) -> Scalar:  # fmt: skip
    """How well a discriminator tells data from samples: at most 0, -log 4 for one that says 1/2 to everything.

    It is minus infinity where the discriminator is certain and wrong. What networks are trained with are the losses
    below, which take logits.

    Shapes
    ------
    prob_real : (n, *site), in [0, 1]; D(x) for data
    prob_fake : (m, *site), in [0, 1]; D(G(z)) for samples
    returns : (); means over the samples in place of the expectations

    Source
    ------
    Goodfellow et al. 2014, "Generative adversarial nets", eq. 1.

    Examples
    --------
    >>> round(float(gs.value_function(gs.asarray([0.5, 0.5]), gs.asarray([0.5]))), 4)  # -log 4
    -1.3863
    >>> float(gs.value_function(gs.asarray([1.0]), gs.asarray([0.0])))
    0.0
    """
    ...


@formula(
    ko="판별자 손실",
    en="Discriminator loss",
    tex=r"L_D = -\frac1n \sum_{i=1}^{n} \log D(x_i) - \frac1m \sum_{i=1}^{m} \log\bigl(1 - D(G(z_i))\bigr), \qquad "
    r"D = \sigma(s)",
    notes=("000#GAN 소개 (Discriminator)", "002#생성자 고정한 상태에서 판별자 학습"),
    source="Goodfellow et al. 2014, algorithm 1",
    errata=(
        Erratum(
            key="discriminator_missing_g",
            place="002#생성자 고정한 상태에서 판별자 학습",
            stated="$\\mathbb E_z[\\log\\{1 - D(z)\\}]$",
            right="판별자가 보는 것은 잡음이 아니라 잡음으로 만든 표본이다. $\\log\\{1 - D(G(z))\\}$이다. "
            "$G(z) = z + 3$, $D = \\sigma$, $z = 0$이면 둘이 다르다.",
            setup="z = np.array([0.0])",
            stated_value="round(float(gs.generator_loss(z)), 4)",
            right_value="round(float(gs.generator_loss(z + 3)), 4)",
        ),
        Erratum(
            key="gan_expectation_is_mean",
            place="002#생성자 고정한 상태에서 판별자 학습",
            stated="기댓값이 미니배치의 평균과 같다.",
            right="미니배치의 평균은 기댓값의 추정값이다. 고른 동전을 한 번 던져 1이 나오면 평균은 1이고 기댓값은 "
            "$\\frac12$이다.",
        ),
    ),
    nonempty=True,
    differentiable=True,
)
def discriminator_loss(logit_real: OfReal, logit_fake: OfFake, /) -> Scalar:
    """Binary cross-entropy of a discriminator that should say 1 to data and 0 to samples, from its logits.

    Each half is a mean over its own batch, so data and samples weigh the same however many there are.

    Shapes
    ------
    logit_real : (n, *site)
    logit_fake : (m, *site)
    returns : ()

    Source
    ------
    Goodfellow et al. 2014, "Generative adversarial nets", algorithm 1.

    Examples
    --------
    >>> round(float(gs.discriminator_loss(gs.asarray([0.0]), gs.asarray([0.0]))), 4)  # D = 1/2: log 4
    1.3863
    >>> float(gs.discriminator_loss(gs.asarray([1000.0]), gs.asarray([1000.0])))
    1000.0
    """
    ...


@formula(
    ko="생성자 손실(포화형)",
    en="Saturating generator loss",
    tex=r"L_G = \frac1m \sum_{i=1}^{m} \log\bigl(1 - D(G(z_i))\bigr), \qquad \frac{\partial L_G}{\partial s_i} = "
    r"-\frac{D}{m}",
    notes=("000#GAN 소개 (Generator)", "002#판별자 고정한 상태에서 생성자 학습"),
    source="Goodfellow et al. 2014, algorithm 1",
    nonempty=True,
    differentiable=True,
)
def generator_loss(logit_fake: OfFake, /) -> Scalar:
    """The part of the game's value that the generator moves, which it makes small. It saturates where D is near 0.

    Shapes
    ------
    logit_fake : (m, *site)
    returns : ()

    Source
    ------
    Goodfellow et al. 2014, "Generative adversarial nets", algorithm 1.

    Examples
    --------
    >>> logit = gs.asarray([-5.0])  # a discriminator that sees through the sample
    >>> loss, slope = gs.value_and_grad(gs.generator_loss)(logit)
    >>> round(float(loss), 4), round(float(slope[0]), 4)
    (-0.0067, -0.0067)
    """
    ...


@formula(
    ko="생성자 손실(비포화형)",
    en="Non-saturating generator loss",
    tex=r"L_G = -\frac1m \sum_{i=1}^{m} \log D(G(z_i)), \qquad \frac{\partial L_G}{\partial s_i} = -\frac{1 - D}{m}",
    notes=("002#판별자 고정한 상태에서 생성자 학습",),
    source="Goodfellow et al. 2014, section 3",
    errata=(
        Erratum(
            key="non_saturating_arrow",
            place="002#판별자 고정한 상태에서 생성자 학습",
            stated="$\\min \\log(1 - D(G(z))) \\Rightarrow -\\log D(G(z))$",
            right="앞의 것에서 따라 나오는 것이 아니라 다른 목적 함수로 바꾼 것이다. 내려가는 방향은 같지만 기울기의 "
            "크기가 다르다. $D = 0.01$이면 로짓에 대한 기울기가 0.01과 0.99이다.",
            setup="logit = np.array([np.log(0.01 / 0.99)])",
            stated_value="round(-float(gs.value_and_grad(gs.generator_loss)(logit)[1][0]), 4)",
            right_value="round(-float(gs.value_and_grad(gs.non_saturating_generator_loss)(logit)[1][0]), 4)",
        ),
    ),
    nonempty=True,
    differentiable=True,
)
def non_saturating_generator_loss(logit_fake: OfFake, /) -> Scalar:
    """Surprise of a discriminator that should take samples for data: steep exactly where it does not.

    Shapes
    ------
    logit_fake : (m, *site)
    returns : ()

    Source
    ------
    Goodfellow et al. 2014, "Generative adversarial nets", section 3.

    Examples
    --------
    >>> logit = gs.asarray([-5.0])
    >>> loss, slope = gs.value_and_grad(gs.non_saturating_generator_loss)(logit)
    >>> round(float(loss), 4), round(float(slope[0]), 4)
    (5.0067, -0.9933)
    """
    ...


@formula(
    ko="교대 학습",
    en="Alternating GAN training",
    tex=r"\text{repeat: } k \text{ times } \theta_D \leftarrow \theta_D - \eta \nabla_{\theta_D} L_D\ "
    r"(\theta_G \text{ fixed}), \quad \theta_G \leftarrow \theta_G - \eta \nabla_{\theta_G} L_G\ "
    r"(\theta_D \text{ fixed})",
    notes=("000#GAN 소개", "002#GAN (동시에 최적화 불가능)"),
    source="Goodfellow et al. 2014, algorithm 1",
    kind="algorithm",
    stochastic=True,
)
def alternating_training(
    game: Game, players: tuple, batches: tuple, draws: tuple, /, *, k: Annotated[int, Ge(1)] = 1,
    noise: Literal["shared", "fresh"] = "shared", on_step: Callable | None = None,
) -> Played:  # fmt: skip
    """Update the discriminator k times, then the generator once, as often as there are batches for.

    The generator learns from the gradient that comes back through the discriminator: of the loss by the fake samples,
    and from there by its own parameters. The samples are made once for both players. So a round costs k passes through
    the generator, of which one is gone back, and none for gradients that nobody uses.

    Shapes
    ------
    game : `Game`: losses and updates
    players : `Players`: parameters, and states of the optimizers
    batches : a tuple of arrays of data, (rounds * k, ...); the generator's loss gets the last batch of its round, too
    draws : a tuple of arrays of noise, (rounds * k, ...), or (rounds * (k + 1), ...) if the noise is fresh
    returns : the players after it, and the losses before each update, (rounds, k) and (rounds,)

    Options
    -------
    k : at least 1; updates of the discriminator per round
    noise : "shared": the generator is judged by the samples of the discriminator's last update; "fresh": by new ones,
        as in the paper, for one more pass through the generator per round
    on_step : called as ``on_step(done, discriminator_loss, generator_loss)`` after every round

    Raises
    ------
    ShapeError
        If batches or draws are not for a whole number of rounds, or not for the same.

    Source
    ------
    Goodfellow et al. 2014, "Generative adversarial nets", algorithm 1.

    Examples
    --------
    >>> from gongsik.spec.gan import Game, Players
    >>> game = Game(  # a generator that shifts noise, a linear critic
    ...     generate=lambda g, z: z + g,
    ...     discriminator_loss=lambda d, fake, real: gs.critic_loss(d * real, d * fake),
    ...     generator_loss=lambda d, fake, real: gs.critic_generator_loss(d * fake),
    ...     update_discriminator=lambda d, grad, state: (gs.weight_clipping(d - grad, c=0.5), state),
    ...     update_generator=lambda g, grad, state: (g - grad, state),
    ... )
    >>> x, z = gs.asarray([[4.0, 6.0]] * 3), gs.asarray([[-1.0, 1.0]] * 3)
    >>> played = gs.alternating_training(game, Players(gs.asarray(0.0), gs.asarray(0.5)), (x,), (z,))
    >>> float(played.players.generator), float(played.players.discriminator)
    (1.5, 0.5)
    """
    ...


optimal_discriminator = law(
    "gan.optimal_discriminator",
    ko="최적 판별자",
    en="Optimal discriminator",
    tex=r"D^*_G(x) = \frac{p_{\mathrm{data}}(x)}{p_{\mathrm{data}}(x) + p_G(x)}",
    notes=("000#GAN 소개",),
    source="Goodfellow et al. 2014, proposition 1",
)

value_at_optimal_discriminator = law(
    "gan.value_at_optimal_discriminator",
    ko="최적 판별자에서의 가치",
    en="Value at the optimal discriminator",
    tex=r"V(G, D^*_G) = 2\,D_{\mathrm{JS}}(p_{\mathrm{data}} \Vert p_G) - \log 4",
    notes=("000#GAN 소개", "002#Discriminator의 목적 함수와 JS Divergence"),
    source="Goodfellow et al. 2014, theorem 1",
    errata=(
        Erratum(
            key="jsd_derivation_term",
            place="002#Discriminator의 목적 함수와 JS Divergence",
            stated="유도의 한 줄에 $\\log \\frac{p_{\\mathrm{data}}}{p_{\\mathrm{data}} / 2}$가 있다.",
            right="분모는 $\\frac{p_{\\mathrm{data}} + p_g}{2}$이다. 적힌 대로라면 두 분포가 같아도 $\\ln 2$이다.",
            setup="p = q = np.array([0.25, 0.75])",
            stated_value="round(float((p * np.log(p / (p / 2))).sum()), 4)",
            right_value="round(float((p * np.log(p / ((p + q) / 2))).sum()), 4)",
        ),
    ),
)

global_optimum = law(
    "gan.global_optimum",
    ko="GAN의 전역 최적",
    en="Global optimum of the GAN game",
    tex=r"\max_D V(D, G) \ge -\log 4, \qquad \text{with equality iff } p_G = p_{\mathrm{data}},\ D^* = \tfrac12",
    notes=("000#GAN 소개", "002#GAN"),
    source="Goodfellow et al. 2014, theorem 1",
)


# Mode collapse, and remedies


mode_collapse = law(
    "gan.mode_collapse",
    ko="모드 붕괴",
    en="Mode collapse",
    tex=r"D \text{ fixed}: \quad \arg\min_{p_G} \mathbb E_{x \sim p_G}[\ell(D(x))] = \delta_{x_0}, \qquad "
    r"x_0 = \arg\max_x D(x)",
    notes=("002#GAN 의 문제점: Mode Collapse",),
    source="Goodfellow 2016, section 5.1.1; Metz et al. 2017",
)


@formula(
    ko="특징 정합",
    en="Feature matching",
    tex=r"\Bigl\| \frac1n \sum_{i=1}^{n} f(x_i) - \frac1m \sum_{i=1}^{m} f(G(z_i)) \Bigr\|_2^2",
    notes=("002#Mode Collapse 해결 방안 (Feature matching)",),
    source="Salimans et al. 2016, section 3.1",
    differentiable=True,
)
def feature_matching(real: Float[Array, "n d"], fake: Float[Array, "m d"], /) -> Scalar:
    """Squared distance between the mean features of data and of samples: what a generator can make small instead.

    Shapes
    ------
    real : (n, d); features of data, in an inner layer of the discriminator
    fake : (m, d); those of samples
    returns : ()

    Source
    ------
    Salimans et al. 2016, "Improved techniques for training GANs", section 3.1.

    Examples
    --------
    >>> float(gs.feature_matching(gs.asarray([[0.0, 2.0], [2.0, 2.0]]), gs.asarray([[4.0, -2.0]])))
    25.0
    """
    ...


@formula(
    ko="미니배치 판별",
    en="Mini-batch discrimination",
    tex=r"o(x_i)_b = \sum_{j=1}^{n} \exp\bigl(-\|M_{i,b} - M_{j,b}\|_1\bigr), \qquad M_i = f(x_i)\, T \in "
    r"\mathbb R^{B \times C}",
    notes=("002#Mode Collapse 해결 방안 (Mini-batch Discrimination)",),
    source="Salimans et al. 2016, section 3.2",
    differentiable=True,
)
def minibatch_discrimination(
    features: Float[Array, "n a"], kernel: Float[Array, "a b c"], /, *, include_self: bool = True
) -> Float[Array, "n b"]:
    """How close each sample is to the others of its batch, in b ways: features that show a discriminator a collapse.

    Shapes
    ------
    features : (n, a); f(x) of a batch
    kernel : (a, b, c); T, learned
    returns : (n, b); from 1, alone, to n, all the same

    Options
    -------
    include_self : whether a sample counts itself, which is 1 everywhere, as in the paper; without it from 0 to n - 1

    Source
    ------
    Salimans et al. 2016, "Improved techniques for training GANs", section 3.2.

    Examples
    --------
    >>> kernel = gs.asarray([[[1.0]]])
    >>> gs.to_numpy(gs.minibatch_discrimination(gs.asarray([[0.0], [0.0], [99.0]]), kernel))
    array([[2.],
           [2.],
           [1.]])
    """
    ...


@formula(
    ko="과거 평균",
    en="Historical averaging",
    tex=r"\Bigl\| \theta - \frac1t \sum_{i=1}^{t} \theta[i] \Bigr\|^2, \qquad \bar\theta_{t+1} = \bar\theta_t + "
    r"\frac{\theta - \bar\theta_t}{t + 1}",
    notes=("002#Mode Collapse 해결 방안 (Historical averaging)",),
    source="Salimans et al. 2016, section 3.3",
    differentiable=("theta",),
)
def historical_averaging(theta: Params, state: HistoryState | None = None, /) -> tuple[Scalar, HistoryState]:
    """Squared distance of the parameters from the mean of all that came before: a brake on going in circles.

    Before the first there is no mean, and the distance is 0.

    Shapes
    ------
    theta, state.mean : the same tree of arrays
    state.count : (); how many parameters the mean is of
    returns : (), and the state that knows these parameters, too

    Source
    ------
    Salimans et al. 2016, "Improved techniques for training GANs", section 3.3.

    Examples
    --------
    >>> state = None
    >>> for theta in (0.0, 2.0, 4.0):
    ...     penalty, state = gs.historical_averaging(gs.asarray([theta]), state)
    ...     print(float(penalty), round(float(state.mean[0]), 6))
    0.0 0.0
    4.0 1.0
    9.0 2.0
    """
    ...


# Another distance


@formula(
    ko="바서슈타인 거리",
    en="Wasserstein-1 distance",
    tex=r"W(p, q) = \inf_{\gamma \in \Pi(p, q)} \mathbb E_{(x, y) \sim \gamma}|x - y| = "
    r"\int_{-\infty}^{\infty} |F_p(t) - F_q(t)|\, dt",
    notes=("002#Wasserstein GAN",),
    source="Vallender 1974; Arjovsky, Chintala & Bottou 2017, section 2",
    errata=(
        Erratum(
            key="wd_minimum",
            place="002#Wasserstein GAN",
            stated="옮길 양에 옮길 거리를 곱한 것이다.",
            right="옮기는 방법마다 그 곱의 합이 다르고, 그 가운데 최솟값이다. $p = q$가 0과 1에 반씩 있으면 둘을 "
            "맞바꾸는 방법은 1이 들지만 거리는 0이다.",
            setup="x = np.array([0.0, 1.0])",
            stated_value="float(np.abs(x - x[::-1]).mean())",
            right_value="float(gs.wasserstein_distance(x, x))",
        ),
    ),
    differentiable=("x", "y"),
)
def wasserstein_distance(
    x: Annotated[Float[Array, "n"], Finite()], y: Annotated[Float[Array, "m"], Finite()],
    x_weights: Annotated[Float[Array, "n"], Simplex()] | None = None,
    y_weights: Annotated[Float[Array, "m"], Simplex()] | None = None, /,
) -> Scalar:  # fmt: skip
    """The least work of moving one distribution on a line onto another, amount times distance: exact, by sorting.

    Its derivative by a point is the share of its weight that goes left, less the share that goes right. Where points
    coincide, those of x count as left of those of y, and among themselves in their order.

    Shapes
    ------
    x : (n,); places of one distribution
    y : (m,); places of the other
    x_weights, y_weights : (n,), (m,), a distribution each; how much is at each place, 1/n and 1/m without them
    returns : ()

    Source
    ------
    Vallender 1974, "Calculation of the Wasserstein distance between probability distributions on the line".

    Examples
    --------
    >>> x, y = gs.asarray([0.0, 1.0, 3.0]), gs.asarray([5.0, 6.0, 8.0])
    >>> round(float(gs.wasserstein_distance(x, y)), 6)
    5.0
    >>> float(gs.wasserstein_distance(gs.asarray([0.0]), gs.asarray([1.0, 5.0]), None, gs.asarray([0.75, 0.25])))
    2.0
    """
    ...


kantorovich_rubinstein = law(
    "gan.kantorovich_rubinstein",
    ko="칸토로비치-루빈시타인 쌍대",
    en="Kantorovich-Rubinstein duality",
    tex=r"W(p, q) = \sup_{\|f\|_L \le 1} \mathbb E_{x \sim p}[f(x)] - \mathbb E_{x \sim q}[f(x)]",
    notes=("002#Wasserstein GAN (비평자)",),
    source="Villani 2009, remark 6.5",
)

jsd_versus_wasserstein = law(
    "gan.jsd_versus_wasserstein",
    ko="평행선 예제",
    en="Parallel lines: JSD versus Wasserstein",
    tex=r"p = \delta_0,\ q = \delta_\theta: \qquad D_{\mathrm{JS}} = \ln 2 \cdot [\theta \ne 0], \qquad W = |\theta|",
    notes=("002#Wasserstein GAN",),
    source="Arjovsky, Chintala & Bottou 2017, example 1",
)


@formula(
    ko="비평자 손실",
    en="WGAN critic loss",
    tex=r"L_D = \frac1m \sum_{i=1}^{m} f(G(z_i)) - \frac1n \sum_{i=1}^{n} f(x_i)",
    notes=("002#Wasserstein GAN (Sigmoid 제거)",),
    source="Arjovsky, Chintala & Bottou 2017, eq. 2 and algorithm 1",
    nonempty=True,
    differentiable=True,
)
def critic_loss(score_real: OfReal, score_fake: OfFake, /) -> Scalar:
    """Minus how much higher a critic scores data than samples. For the best 1-Lipschitz critic that is minus W.

    Where it can be seen that scores come out of a sigmoid (because their gradient is recorded), a warning says why a
    critic must not have one.

    Shapes
    ------
    score_real : (n, *site)
    score_fake : (m, *site)
    returns : ()

    Source
    ------
    Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN", algorithm 1.

    Examples
    --------
    >>> float(gs.critic_loss(gs.asarray([3.0, 5.0]), gs.asarray([-1.0])))
    -5.0
    """
    ...


@formula(
    ko="비평자에 맞서는 생성자 손실",
    en="WGAN generator loss",
    tex=r"L_G = -\frac1m \sum_{i=1}^{m} f(G(z_i))",
    notes=("002#Wasserstein GAN (Sigmoid 제거)",),
    source="Arjovsky, Chintala & Bottou 2017, theorem 3 and algorithm 1",
    nonempty=True,
    differentiable=True,
)
def critic_generator_loss(score_fake: OfFake, /) -> Scalar:
    """Minus the mean score of samples: the part of the distance that the generator moves.

    Shapes
    ------
    score_fake : (m, *site)
    returns : ()

    Source
    ------
    Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN", algorithm 1.

    Examples
    --------
    >>> float(gs.critic_generator_loss(gs.asarray([-1.0, 4.0])))
    -1.5
    """
    ...


@formula(
    ko="립시츠 상수",
    en="Lipschitz constant",
    tex=r"|f(x) - f(y)| \le K\,|x - y|, \qquad \mathrm{Lip}(x \mapsto Wx) = \|W\|_2 = \sigma_{\max}(W)",
    notes=("002#1-립시츠 함수",),
    source="Horn & Johnson 2013, theorem 5.6.2; Miyato et al. 2018, section 2.1",
    errata=(
        Erratum(
            key="lipschitz_absolute",
            place="002#1-립시츠 함수",
            stated="임의의 두 점 사이의 기울기가 어떤 상수 이상 커지지 않는다.",
            right="기울기의 **절댓값**이 커지지 않는다. $f(x) = -5x$의 기울기 $-5$는 1보다 작지만 $f$는 1-립시츠가 "
            "아니다.",
            stated_value="-5.0 <= 1",
            right_value="bool(gs.lipschitz_constant(np.array([[-5.0]])) <= 1)",
        ),
    ),
    nonempty=True,
)
def lipschitz_constant(
    weight: Annotated[Float[Array, "*batch o i"], Finite(nan=False)], /
) -> Float[Array, "*batch"]:  # fmt: skip
    """By how much a linear map can stretch a difference at most: the largest singular value of its matrix.

    A constant of a composition is the product of those of its parts; ReLU, leaky ReLU and tanh have 1. So the product
    over the layers bounds a network, and `lipschitz_lower_bound` bounds it from the other side.

    Shapes
    ------
    weight : (*batch, o, i)
    returns : (*batch)

    Source
    ------
    Miyato et al. 2018, "Spectral normalization for generative adversarial networks", section 2.1.

    Examples
    --------
    >>> round(float(gs.lipschitz_constant(gs.asarray([[3.0, 0.0], [4.0, 0.0]]))), 6)
    5.0
    """
    ...


@formula(
    ko="립시츠 상수의 아래쪽 한계",
    en="Lower bound of a Lipschitz constant",
    tex=r"K \ge \max_{i \ne j} \frac{\|f(x_i) - f(x_j)\|_2}{\|x_i - x_j\|_2}",
    notes=("002#1-립시츠 함수",),
    source="Horn & Johnson 2013, section 5.6",
    requires=(("n >= 2", "at least two samples"),),
)
def lipschitz_lower_bound(
    x: Annotated[Float[Array, "n d"], Finite()], fx: Annotated[Float[Array, "n e"], Finite()], /
) -> Scalar:  # fmt: skip
    """The steepest slope between any two of the samples: no Lipschitz constant is below it.

    Samples that coincide have no slope between them, and are left out.

    Shapes
    ------
    x : (n, d), n at least 2
    fx : (n, e); what the function makes of each
    returns : ()

    Source
    ------
    Horn & Johnson 2013, "Matrix analysis", section 5.6.

    Examples
    --------
    >>> x = gs.asarray([[0.0], [1.0], [2.0]])
    >>> float(gs.lipschitz_lower_bound(x, x**2))
    3.0
    """
    ...


@formula(
    ko="가중치 클리핑",
    en="Weight clipping",
    tex=r"w \leftarrow \mathrm{clip}(w, -c, c), \qquad \mathrm{Lip}(W) \le c \sqrt{oi}",
    notes=("002#WGAN 어떻게 비평자를 립시츠 함수로 만들까?",),
    source="Arjovsky, Chintala & Bottou 2017, algorithm 1",
    kind="algorithm",
)
def weight_clipping(params: Params, /, *, c: Positive[float] = 0.01) -> Params:
    """Bring every parameter of a critic into [-c, c], after each of its updates: a crude way to bound its slope.

    Shapes
    ------
    params : any tree of arrays
    returns : the same tree

    Options
    -------
    c : above 0

    Source
    ------
    Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN", algorithm 1.

    Examples
    --------
    >>> gs.to_numpy(gs.weight_clipping(gs.asarray([-3.0, 0.25, 0.75]), c=0.5))
    array([-0.5 ,  0.25,  0.5 ])
    """
    ...


@formula(
    ko="기울기 벌점(WGAN-GP)",
    en="Gradient penalty (WGAN-GP)",
    tex=r"\lambda\, \frac1n \sum_{i=1}^{n} \bigl(\|\nabla_{\hat x_i} f(\hat x_i)\|_2 - 1\bigr)^2, \qquad "
    r"\hat x_i = \epsilon_i x_i + (1 - \epsilon_i)\, \tilde x_i",
    notes=("002#WGAN 어떻게 비평자를 립시츠 함수로 만들까? (img)",),
    source="Gulrajani et al. 2017, eq. 3 and algorithm 1",
    stochastic=True,
    differentiable=("params", "real", "fake"),
)
def gradient_penalty(
    critic: Callable, params: Params, real: Float[Array, "n *data"], fake: Float[Array, "n *data"],
    uniform: Annotated[Float[Array, "n"], Uniform], /, *, strength: NonNegative[float] = 10.0, one_sided: bool = False,
) -> Scalar:  # fmt: skip
    """How far the slope of a critic is from 1, at a random place between each datum and a sample.

    Its gradient by the parameters goes through a gradient by the inputs: the record is gone back twice. Where the slope
    is 0 its length has no derivative, and 0 is taken.

    Shapes
    ------
    critic : ``critic(params, x)``, the scores of (n, *data), one or several per sample, none of which depends on
        another sample (so no batch normalization)
    params : any tree of arrays
    real, fake : (n, *data)
    uniform : (n,), draws from [0, 1); epsilon: 1 is at the datum, 0 at the sample
    returns : ()

    Options
    -------
    strength : at least 0; lambda
    one_sided : whether only slopes above 1 count

    Source
    ------
    Gulrajani et al. 2017, "Improved training of Wasserstein GANs", algorithm 1.

    Examples
    --------
    >>> linear = lambda w, x: x @ w
    >>> x, u = gs.asarray([[0.0, 1.0], [2.0, 2.0]]), gs.asarray([0.25, 0.5])
    >>> round(float(gs.gradient_penalty(linear, gs.asarray([3.0, 4.0]), x, -x, u)), 6)  # slope 5 everywhere
    160.0
    >>> round(float(gs.gradient_penalty(linear, gs.asarray([0.6, 0.8]), x, -x, u)), 6)
    0.0
    """
    ...


# Models


class Translations(NamedTuple):
    """What each side of a game of translators makes small, by its own parameters."""

    generator: Scalar
    discriminator: Scalar


def check_translators(formula: str, config: Any, params: Any, **shapes: tuple[int, ...]) -> None:
    """Hold parameters and images against the configuration of networks that translate.

    Raises
    ------
    DtypeError, ShapeError
        If `params` are not those of all networks; if images do not fit, or come out in another shape.
    """
    check_parameters(formula, config, params)
    for name, shape in shapes.items():
        try:
            made = config.generator.output(tuple(shape))
            config.discriminator.output(tuple(shape))
        except (ShapeError, DomainError) as error:
            raise ShapeError(f"{formula}: {name} of shape {tuple(shape)} does not fit {config}: {error}") from None
        if made != tuple(shape):
            raise ShapeError(
                f"{formula}: {name} has shape {tuple(shape)} and is translated to {made}, expected height and width "
                "that are multiples of 4"
            )


@formula(
    ko="DCGAN",
    en="Deep convolutional GAN",
    tex=r"G:\ z \to [\mathrm{ConvT}\text{-}\mathrm{BN}\text{-}\mathrm{ReLU}]^{\times 4} \to "
    r"\mathrm{ConvT}\text{-}\tanh, "
    r"\quad D:\ x \to \mathrm{Conv}\text{-}\mathrm{LReLU} \to "
    r"[\mathrm{Conv}\text{-}\mathrm{BN}\text{-}\mathrm{LReLU}]^{\times 3} \to \mathrm{Conv} \to \sigma",
    notes=(
        "000#여러 GAN 모델들 (DCGAN)",
        "002#Deep Convolutional GAN",
        "002#DCGAN 지침",
    ),
    source="Radford, Metz & Chintala 2016, section 3 and figure 1",
    errata=(
        Erratum(
            key="dcgan_bn_everywhere",
            place="002#DCGAN 지침",
            stated="판별자와 생성자 모두에 배치 정규화를 쓴다.",
            right="생성자의 출력층과 판별자의 입력층은 뺀다. 출력 바로 앞에서 정규화하면 배치의 밝기 평균이 언제나 "
            "$\\beta$가 되어, 밝기가 모두 0.5인 그림도 0이 된다.",
            setup="x = np.full((4, 1, 2, 2), 0.5)",
            stated_value="float(gs.batch_norm(x, np.ones(1), np.zeros(1)).y.mean())",
            right_value="float(x.mean())",
        ),
    ),
    kind="model",
    deep=True,
    differentiable=("params", "x"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def dcgan(
    config: DCGAN, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"], /
) -> Float[Array, "n *out"]:
    """Run one of the players as it is used after training: the generator on noise, the discriminator on images.

    In training batches normalize themselves: `forward_training` is for that.

    Shapes
    ------
    config : a `DCGANGenerator` or a `DCGANDiscriminator`
    params, buffers : dicts of the names and shapes that the configuration says
    x : (n, config.z), noise; or (n, channels, size, size), images with values in [-1, 1]
    returns : images; or (n, 1), logits

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if x does not fit.

    Source
    ------
    Radford, Metz & Chintala 2016, "Unsupervised representation learning with deep convolutional generative adversarial
    networks", section 3.

    Examples
    --------
    >>> from gongsik.spec.architectures.dcgan import DCGANDiscriminator, DCGANGenerator
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(DCGANGenerator()), parameter_count(DCGANDiscriminator())
    (3576704, 2765568)
    >>> [row.output for row in DCGANGenerator().table((100,)) if "ConvTranspose" in row.layer]
    [(512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32), (3, 64, 64)]
    """
    ...


@formula(
    ko="조건 붙이기",
    en="Conditional input",
    tex=r"(x, y) \mapsto [x;\ y\,\mathbf 1_{h \times w}]",
    notes=("000#여러 GAN 모델들 (Info-GAN: class를 추가)", "000#여러 GAN 모델들 (Star-GAN)"),
    source="Mirza & Osindero 2014, section 3.2; Choi et al. 2018, section 3.2",
    differentiable=True,
)
def conditional_input(
    x: Float[Array, "n c *space"], y: Float[Array, "n k"], /
) -> Float[Array, "n c+k *space"]:  # fmt: skip
    """Put what is known of each sample behind its channels, the same at all places.

    Shapes
    ------
    x : (n, c, *space), images; or (n, c), noise
    y : (n, k), a class as 0 and 1, say
    returns : (n, c + k, *space)

    Source
    ------
    Mirza & Osindero 2014, "Conditional generative adversarial nets", section 3.2; Choi et al. 2018, "StarGAN", section
    3.2, of images.

    Examples
    --------
    >>> x, y = gs.asarray([[[[1.0, 2.0]]]]), gs.asarray([[0.0, 1.0]])
    >>> gs.to_numpy(gs.conditional_input(x, y))[0, :, 0].tolist()
    [[1.0, 2.0], [0.0, 0.0], [1.0, 1.0]]
    """
    ...


@formula(
    ko="조건부 GAN",
    en="Conditional GAN",
    tex=r"\min_G \max_D\ \mathbb E_x[\log D(x \mid y)] + \mathbb E_z[\log(1 - D(G(z \mid y) \mid y))]",
    notes=("000#여러 GAN 모델들 (Info-GAN: class를 추가)",),
    source="Mirza & Osindero 2014, eq. 2 and section 3.2",
    kind="model",
    deep=True,
    differentiable=("params", "x", "y"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def conditional_gan(
    config: Conditional, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"],
    y: Float[Array, "n config.condition"], /,
) -> Float[Array, "n *out"]:  # fmt: skip
    """Run a network that is given something beside its input, a class, say: a generator or a discriminator.

    Shapes
    ------
    config : a `DenseGenerator`, a `DenseDiscriminator`, or any other configuration with a `Condition` in its tree
    params, buffers : dicts of the names and shapes that the configuration says
    x : (n, config.z), noise; or (n, channels, h, w), images
    y : (n, config.condition); a class as 0 and 1, say
    returns : images; or (n, 1), logits

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if x or y does not fit.

    Source
    ------
    Mirza & Osindero 2014, "Conditional generative adversarial nets", section 3.2. The paper feeds x and y to layers of
    their own first; here they meet at the input.

    Examples
    --------
    >>> from gongsik.spec.architectures.conditional import DenseGenerator
    >>> DenseGenerator(classes=10, z=100).parameters()["model.0.weight"]
    (128, 110)
    """
    ...


@formula(
    ko="조건이 있는 학습 중 순전파",
    en="Forward pass in training, with a condition",
    tex=r"(f_\theta(x \mid y),\ b') = F_\theta(x, y, b, u)",
    notes=("000#여러 GAN 모델들 (Info-GAN: class를 추가)",),
    source="Mirza & Osindero 2014, section 3.2; Ioffe & Szegedy 2015, algorithm 2",
    kind="model",
    deep=True,
    stochastic=True,
    differentiable=("params", "x", "y"),
    carried=("buffers",),
)
def conditional_training(
    config: Conditional, params: Parameters, buffers: Parameters, draws: Parameters, x: Float[Array, "n *sample"],
    y: Float[Array, "n config.condition"], /,
) -> TrainingPass:  # fmt: skip
    """`forward_training` of a network that is given something beside its input.

    Shapes
    ------
    config, params, buffers, x, y : as in `conditional_gan`
    draws : dict of uniform draws, of the names and shapes that `config.draws` says for the shape of x
    returns : a `TrainingPass`

    Raises
    ------
    ShapeError, DomainError
        As `forward_training`; or if y does not fit.

    Source
    ------
    Mirza & Osindero 2014, "Conditional generative adversarial nets", section 3.2; Ioffe & Szegedy 2015, "Batch
    normalization", algorithm 2.

    Examples
    --------
    >>> from gongsik.spec.architectures.dcgan import TextGenerator
    >>> [name for name in TextGenerator(size=8).buffers() if name.endswith("running_mean")]
    ['main.1.running_mean']
    """
    ...


@formula(
    ko="InfoGAN",
    en="InfoGAN",
    tex=r"\min_{G, Q} \max_D\ V(D, G) - \lambda\, \bigl(\mathbb E_{c,\, x = G(z, c)}[\log Q(c \mid x)] + H(c)\bigr)",
    notes=("000#여러 GAN 모델들 (Info-GAN)",),
    source="Chen et al. 2016, eq. 6 and appendix C.1",
    errata=(
        Erratum(
            key="infogan_is_not_cgan",
            place="000#여러 GAN 모델들 (Info-GAN)",
            stated="클래스를 입력에 더 넣는다.",
            right="아는 클래스를 넣는 것은 조건부 GAN이다. InfoGAN은 아무 레이블 없이 **무작위로 뽑은 코드**를 넣고, "
            "그림에서 그 코드를 되읽을 수 있게 한다. 되읽을 수 있으면 값이 열 가지인 코드의 상호 정보량은 "
            "$\\ln 10 = 2.3026$이고, 그림과 코드가 무관하면 0이다.",
        ),
    ),
    kind="model",
    deep=True,
    differentiable=("params", "x"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def infogan(
    config: InfoGAN, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"], /
) -> Float[Array, "n *out"]:
    """Run one of the players after training: the generator on noise and codes, or the discriminator with its reader.

    Shapes
    ------
    config : an `InfoGANGenerator` or an `InfoGANDiscriminator`
    params, buffers : dicts of the names and shapes that the configuration says
    x : (n, noise + classes + continuous), noise and codes; or (n, channels, size, size), images
    returns : images with values in [0, 1]; or (n, 1 + classes + 2 continuous): the logit that the image is real, logits
        of the discrete code, means of the real ones, and logarithms of their variances

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if x does not fit.

    Source
    ------
    Chen et al. 2016, "InfoGAN", appendix C.1.

    Examples
    --------
    >>> from gongsik.spec.architectures.infogan import InfoGANDiscriminator, InfoGANGenerator
    >>> InfoGANGenerator().output((1, 74)), InfoGANDiscriminator().output((1, 1, 28, 28))
    ((1, 1, 28, 28), (1, 15))
    """
    ...


@formula(
    ko="상호 정보량의 하한",
    en="Lower bound of the mutual information",
    tex=r"L_I = \mathbb E_{c,\, x = G(z, c)}[\log Q(c \mid x)] + H(c) \le I(c; G(z, c)), \qquad H(c) = \log k",
    notes=("000#여러 GAN 모델들 (Info-GAN)",),
    source="Chen et al. 2016, eq. 4-5",
    nonempty=True,
    differentiable=True,
)
def mutual_information_bound(
    code_logits: Float[Array, "n k"], code: Annotated[Int[Array, "n"], Labels("k")], /
) -> Scalar:  # fmt: skip
    """How much of a uniformly drawn code can be read back from the samples, at least: at most log k, in nats.

    Shapes
    ------
    code_logits : (n, k), what the reader says of each sample
    code : (n,), what went into it, in [0, k)
    returns : ()

    Source
    ------
    Chen et al. 2016, "InfoGAN", eq. 4-5; Barber & Agakov 2003.

    Examples
    --------
    >>> sure, blank = gs.asarray([[50.0, 0.0], [0.0, 50.0]]), gs.asarray([[0.0, 0.0], [0.0, 0.0]])
    >>> code = gs.asarray(np.array([0, 1]))
    >>> round(float(gs.mutual_information_bound(sure, code)), 4)  # log 2: read without a doubt
    0.6931
    >>> abs(round(float(gs.mutual_information_bound(blank, code)), 4))
    0.0
    """
    ...


@formula(
    ko="InfoGAN 생성자 손실",
    en="InfoGAN generator loss",
    tex=r"L_{G, Q} = -\mathbb E[\log D(G(z, c))] - \lambda L_I",
    notes=("000#여러 GAN 모델들 (Info-GAN)",),
    source="Chen et al. 2016, eq. 6",
    nonempty=True,
    differentiable=True,
)
def infogan_loss(
    logit_fake: Float[Array, "n"], code_logits: Float[Array, "n k"], code: Annotated[Int[Array, "n"], Labels("k")], /,
    *, weight: NonNegative[float] = 1.0,
) -> Scalar:  # fmt: skip
    """What generator and reader make small: samples that pass for data, and from which their code can be read.

    Shapes
    ------
    logit_fake : (n,)
    code_logits : (n, k)
    code : (n,), in [0, k)
    returns : ()

    Options
    -------
    weight : at least 0; lambda. With 0 the code may be ignored.

    Source
    ------
    Chen et al. 2016, "InfoGAN", eq. 6, with the generator's loss that does not saturate.

    Examples
    --------
    >>> zero = gs.asarray([[0.0, 0.0]])
    >>> round(float(gs.infogan_loss(zero[:, 0], zero, gs.asarray(np.array([1])))), 4)
    0.6931
    """
    ...


@formula(
    ko="순환 일관성 손실",
    en="Cycle-consistency loss",
    tex=r"L_{\mathrm{cyc}} = \mathbb E\,\|F(G(x)) - x\|_1 + \mathbb E\,\|G(F(y)) - y\|_1",
    notes=("000#여러 GAN 모델들 (Cycle-consistency loss)",),
    source="Zhu, Park, Isola & Efros 2017, eq. 2",
    nonempty=True,
    differentiable=True,
)
def cycle_consistency_loss(
    x: OfReal, x_cycled: OfReal, y: Float[Array, "m *other"], y_cycled: Float[Array, "m *other"], /
) -> Scalar:
    """How far images are from themselves after a translation there and back: 0 where the two translators are inverse.

    Shapes
    ------
    x, x_cycled : (n, *site)
    y, y_cycled : (m, *other)
    returns : (); of each domain the mean over all pixels, which is the 1-norm in units that do not grow with the image

    Source
    ------
    Zhu, Park, Isola & Efros 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks",
    eq. 2.

    Examples
    --------
    >>> x, y = gs.asarray([[0.0, 1.0]]), gs.asarray([[5.0]])
    >>> float(gs.cycle_consistency_loss(x, x, y, y)), float(gs.cycle_consistency_loss(x, 1 - x, y, y + 2))
    (0.0, 3.0)
    """
    ...


@formula(
    ko="CycleGAN",
    en="CycleGAN",
    tex=r"L = L_{\mathrm{GAN}}(G, D_Y) + L_{\mathrm{GAN}}(F, D_X) + \lambda\, L_{\mathrm{cyc}}(G, F)",
    notes=("000#여러 GAN 모델들 (CycleGAN)", "000#여러 GAN 모델들 (Cycle-consistency loss)"),
    source="Zhu, Park, Isola & Efros 2017, eq. 3 and section 4",
    kind="model",
    deep=True,
    nonempty=True,
    differentiable=("params", "x", "y"),
)
def cyclegan(
    config: CycleGAN, params: Parameters, x: Float[Array, "n c h w"], y: Float[Array, "m c oh ow"], /,
    *, weight: NonNegative[float] = 10.0, adversarial: Literal["least_squares", "log"] = "least_squares",
) -> Translations:  # fmt: skip
    """Let two GANs translate images of two domains, of which no pairs are known, and back; and say both sides' losses.

    G and F go down `generator` by their parameters, D_X and D_Y go down `discriminator` by theirs. Nothing is
    normalized over a batch, so there are no buffers.

    Shapes
    ------
    config : a `CycleGAN`
    params : dict of the names and shapes that the configuration says: those of G, F, D_X and D_Y
    x, y : images of one domain and of the other, values in [-1, 1], sides that are multiples of 4
    returns : (), ()

    Options
    -------
    weight : at least 0; lambda
    adversarial : "least_squares" as the paper trains it (half of it for the discriminators), or "log", its eq. 1,
        where the generators' part does not saturate

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if images do not fit.

    Source
    ------
    Zhu, Park, Isola & Efros 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks",
    eq. 3 and section 4.

    Examples
    --------
    >>> from gongsik.spec.architectures.translation import CycleGAN
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(CycleGAN().generator), parameter_count(CycleGAN().discriminator)
    (11378179, 2764737)
    """
    ...


@formula(
    ko="StarGAN",
    en="StarGAN",
    tex=r"L = L_{\mathrm{adv}} + \lambda_{\mathrm{cls}} L_{\mathrm{cls}} + "
    r"\lambda_{\mathrm{rec}}\, \mathbb E\,\|x - G(G(x, c), c')\|_1",
    notes=("000#여러 GAN 모델들 (Star-GAN)",),
    source="Choi et al. 2018, eq. 5-8",
    kind="model",
    deep=True,
    nonempty=True,
    differentiable=("params", "x"),
)
def stargan(
    config: StarGAN, params: Parameters, x: Float[Array, "n c h w"],
    domain: Annotated[Int[Array, "n"], Labels("config.domains")],
    target: Annotated[Int[Array, "n"], Labels("config.domains")], /,
    *, class_weight: NonNegative[float] = 1.0, cycle_weight: NonNegative[float] = 10.0,
) -> Translations:  # fmt: skip
    """Translate images to any of several domains by one generator that is told which, and back; say both losses.

    G goes down `generator` by its parameters, D goes down `discriminator` by its own: it scores images as a critic
    does, and names the domain. The critic's slope has to be kept near 1 besides, by `gradient_penalty`.

    Shapes
    ------
    config : a `StarGAN`
    params : dict of the names and shapes that the configuration says: those of G and D
    x : (n, config.channels, config.size, config.size)
    domain, target : (n,), in [0, config.domains): where each image is from, and where it shall go
    returns : (), ()

    Options
    -------
    class_weight, cycle_weight : at least 0; the weights of the classification and of the way back

    Raises
    ------
    ShapeError, DomainError
        If arrays are missing, unknown or of another shape; if images do not fit, or a domain does not exist.

    Source
    ------
    Choi et al. 2018, "StarGAN: unified generative adversarial networks for multi-domain image-to-image translation",
    eq. 5-8, with one domain per image.

    Examples
    --------
    >>> from gongsik.spec.architectures.translation import StarGAN
    >>> from gongsik.spec.model import parameter_count
    >>> parameter_count(StarGAN().generator), parameter_count(StarGAN().discriminator)
    (8430528, 44762048)
    """
    ...


@count(
    ko="번역기의 수",
    en="Number of translators",
    tex=r"k(k - 1)\ \text{versus}\ 1",
    notes=("000#여러 GAN 모델들 (Star-GAN)",),
    source="Choi et al. 2018, section 1 and figure 2",
)
def translators(domains: int, /) -> dict[str, int]:
    """How many generators it takes to go from each of some domains to each other one, by pairs and by StarGAN.

    Returns
    -------
    dict
        Numbers by the names "CycleGAN" and "StarGAN".

    Raises
    ------
    DtypeError, DomainError
        If the number is no int, or less than 2.

    Source
    ------
    Choi et al. 2018, "StarGAN", section 1.

    Examples
    --------
    >>> translators(4)
    {'CycleGAN': 12, 'StarGAN': 1}
    """
    if type(domains) is not int:
        raise DtypeError(f"translators: domains is {domains!r}, expected an int")
    if domains < 2:
        raise DomainError(f"translators: domains is {domains}, expected an int >= 2")
    return {"CycleGAN": domains * (domains - 1), "StarGAN": 1}


@formula(
    ko="서서히 나타내기",
    en="Fading in",
    tex=r"y = (1 - \alpha)\, \uparrow\!\mathrm{low} + \alpha\, \mathrm{high}",
    notes=("000#여러 GAN 모델들 (Progressive-GAN)",),
    source="Karras, Aila, Laine & Lehtinen 2018, figure 2",
    differentiable=True,
)
def fade_in(
    low: Float[Array, "n c h w"], high: Float[Array, "n c 2*h 2*w"], alpha: Annotated[Scalar, Probability], /
) -> Float[Array, "n c 2*h 2*w"]:
    """Pass from small images, each pixel doubled, to large ones: alpha goes from 0 to 1.

    Shapes
    ------
    low : (n, c, h, w)
    high : (n, c, 2h, 2w)
    alpha : (), in [0, 1]
    returns : (n, c, 2h, 2w)

    Source
    ------
    Karras, Aila, Laine & Lehtinen 2018, "Progressive growing of GANs", figure 2.

    Examples
    --------
    >>> low, high = gs.asarray([[[[1.0]]]]), gs.asarray([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> gs.to_numpy(gs.fade_in(low, high, gs.asarray(0.5)))[0, 0].tolist()
    [[0.5, 1.0], [1.5, 2.0]]
    """
    ...


@formula(
    ko="Progressive GAN",
    en="Progressive growing",
    tex=r"y = (1 - \alpha)\, \uparrow\!\mathrm{toRGB}_{l-1}(h_{l-1}) + \alpha\, \mathrm{toRGB}_l(h_l), \qquad "
    r"4 \to 8 \to \dots \to 1024",
    notes=("000#여러 GAN 모델들 (Progressive-GAN)",),
    source="Karras, Aila, Laine & Lehtinen 2018, figure 2 and table 2",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def progressive_gan(
    config: ProgressiveGAN, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"], /
) -> Float[Array, "n *out"]:
    """Run one of the players at some stage of growth, in which the newest layers may be faded in.

    A stage's parameters are those of the stage before and a few more: training goes on from what is there. No layer
    differs between training and use.

    Shapes
    ------
    config : a `ProgressiveGenerator` or a `ProgressiveDiscriminator`
    params : dict of the names and shapes that the configuration says
    buffers : dict; while fading, of the number `alpha` in [0, 1], else empty
    x : (n, config.z), noise; or (n, channels, size, size), images
    returns : images; or (n, 1), scores, which depend on the batch

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if x does not fit.

    Source
    ------
    Karras, Aila, Laine & Lehtinen 2018, "Progressive growing of GANs for improved quality, stability, and variation",
    figure 2, sections 3-4 and table 2.

    Examples
    --------
    >>> from gongsik.spec.architectures.progressive import ProgressiveGenerator
    >>> [ProgressiveGenerator(stage).size for stage in range(9)]
    [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    >>> ProgressiveGenerator(stage=2, fading=True).buffers()
    {'alpha': ()}
    """
    ...


@formula(
    ko="Text2Image",
    en="Text-to-image GAN",
    tex=r"G(z, \varphi(t)), \qquad D(x, \varphi(t))",
    notes=("000#여러 GAN 모델들 (Text2Image)",),
    source="Reed et al. 2016, section 4.1 and figure 2",
    kind="model",
    deep=True,
    differentiable=("params", "x", "text"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def text_to_image(
    config: TextToImage, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"],
    text: Float[Array, "n config.text"], /,
) -> Float[Array, "n *out"]:  # fmt: skip
    """Run one of the players after training: a DCGAN that is given the embedding of a sentence.

    Shapes
    ------
    config : a `TextGenerator` or a `TextDiscriminator`
    params, buffers : dicts of the names and shapes that the configuration says
    x : (n, config.z), noise; or (n, channels, size, size), images
    text : (n, config.text), phi(t)
    returns : images; or (n, 1), logits that the image is real and fits the sentence

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if x or text does not fit.

    Source
    ------
    Reed et al. 2016, "Generative adversarial text to image synthesis", section 4.1.

    Examples
    --------
    >>> from gongsik.spec.architectures.dcgan import TextGenerator
    >>> TextGenerator().output((1, 100)), TextGenerator().parameters()["projection.0.weight"]
    ((1, 3, 64, 64), (128, 1024))
    """
    ...


@formula(
    ko="짝을 아는 판별자 손실",
    en="Matching-aware discriminator loss",
    tex=r"L_D = -\log D(x, h) - \tfrac12 \bigl(\log(1 - D(x, \hat h)) + \log(1 - D(\hat x, h))\bigr)",
    notes=("000#여러 GAN 모델들 (Text2Image)",),
    source="Reed et al. 2016, algorithm 1",
    nonempty=True,
    differentiable=True,
)
def matching_aware_loss(logit_real: OfReal, logit_mismatched: Float[Array, "k *site"], logit_fake: OfFake, /) -> Scalar:
    """A discriminator's loss that also counts real images with the wrong sentence as false.

    Shapes
    ------
    logit_real : (n, *site), of images with their sentence
    logit_mismatched : (k, *site), of images with another sentence
    logit_fake : (m, *site), of samples with the sentence that they were made for
    returns : ()

    Source
    ------
    Reed et al. 2016, "Generative adversarial text to image synthesis", algorithm 1.

    Examples
    --------
    >>> zero, sure = gs.asarray([0.0]), gs.asarray([50.0])
    >>> round(float(gs.matching_aware_loss(zero, zero, zero)), 4)
    1.3863
    >>> round(float(gs.matching_aware_loss(sure, sure, -sure)), 4)  # it does not look at the sentence
    25.0
    """
    ...


@formula(
    ko="조각 섞기",
    en="Jigsaw",
    tex=r"\tilde x_{(i)} = x_{(\pi_i)}, \qquad i = 1, \dots, g^2",
    notes=("000#여러 GAN 모델들 (Puzzle-GAN)",),
    source="Noroozi & Favaro 2016, section 3",
    stochastic=True,
    differentiable=("x",),
    requires=(
        ("tiles == grid * grid", "a place for each of grid x grid parts"),
        ("h % grid == 0 and w % grid == 0", "a grid that divides height and width"),
    ),
)
def jigsaw(
    x: Float[Array, "n c h w"], permutation: Annotated[Int[Array, "n tiles"], Labels("tiles")], /,
    *, grid: Annotated[int, Ge(1)] = 3,
) -> Float[Array, "n c h w"]:  # fmt: skip
    """Cut images into grid x grid parts and lay them in another order: at place i comes part `permutation[i]`.

    Shapes
    ------
    x : (n, c, h, w)
    permutation : (n, grid * grid), each row a permutation; parts are counted row by row
    returns : (n, c, h, w)

    Options
    -------
    grid : at least 1, a divisor of h and w

    Source
    ------
    Noroozi & Favaro 2016, "Unsupervised learning of visual representations by solving jigsaw puzzles", section 3.

    Examples
    --------
    >>> x = gs.asarray(np.arange(4.0).reshape(1, 1, 2, 2))
    >>> gs.to_numpy(gs.jigsaw(x, gs.asarray(np.array([[3, 0, 1, 2]])), grid=2))[0, 0].tolist()
    [[3.0, 0.0], [1.0, 2.0]]
    """
    ...


@formula(
    ko="Puzzle-GAN",
    en="Puzzle-GAN",
    tex=r"G(\tilde x) \approx x, \qquad L_G = \lambda\, \mathbb E\,\|x - G(\tilde x)\|_2^2 + "
    r"(1 - \lambda)\, L_{\mathrm{adv}}",
    notes=("000#여러 GAN 모델들 (Puzzle-GAN)",),
    source="Pathak et al. 2016, section 3 and figure 9",
    kind="model",
    deep=True,
    differentiable=("params", "x"),
    axes={"*out": "config.output((n, *sample))[1:]"},
)
def puzzle_gan(
    config: PuzzleGAN, params: Parameters, buffers: Parameters, x: Float[Array, "n *sample"], /
) -> Float[Array, "n *out"]:
    """Restore images from their parts, in any order or with some missing, by way of one place that has seen them all.

    The notes name it with a picture only. This is the nearest published network, the context encoder, whose judge is a
    `DCGANDiscriminator`; `jigsaw` makes the puzzles.

    Shapes
    ------
    config : a `PuzzleGAN`
    params, buffers : dicts of the names and shapes that the configuration says
    x : (n, channels, size, size), puzzles
    returns : (n, channels, size, size), images with values in [-1, 1]

    Raises
    ------
    ShapeError
        If arrays are missing, unknown or of another shape; if x does not fit.

    Source
    ------
    Pathak, Krahenbuhl, Donahue, Darrell & Efros 2016, "Context encoders", section 3.

    Examples
    --------
    >>> from gongsik.spec.architectures.dcgan import PuzzleGAN
    >>> PuzzleGAN(size=32).output((1, 3, 32, 32))
    (1, 3, 32, 32)
    """
    ...


@formula(
    ko="복원 손실",
    en="Restoration loss",
    tex=r"L_G = \lambda\, \mathbb E\,\|x - \hat x\|_2^2 - (1 - \lambda)\, \mathbb E[\log D(\hat x)]",
    notes=("000#여러 GAN 모델들 (Puzzle-GAN)",),
    source="Pathak et al. 2016, eq. 3",
    nonempty=True,
    differentiable=True,
)
def restoration_loss(
    restored: OfReal, x: OfReal, logit_fake: Float[Array, "m *place"], /,
    *, weight: Annotated[float, Interval(ge=0, le=1)] = 0.999,
) -> Scalar:  # fmt: skip
    """What a network that restores makes small: near to the image, and taken for real.

    Shapes
    ------
    restored, x : (n, *site)
    logit_fake : (m, *place), what the discriminator says of `restored`
    returns : (); the mean of the squares over all pixels, and the mean over the logits, weighed

    Options
    -------
    weight : in [0, 1]; lambda

    Source
    ------
    Pathak, Krahenbuhl, Donahue, Darrell & Efros 2016, "Context encoders", eq. 3, with the generator's loss that does
    not saturate.

    Examples
    --------
    >>> x = gs.asarray([[1.0, 3.0]])
    >>> float(gs.restoration_loss(x + 2, x, gs.asarray([0.0]), weight=1.0))
    4.0
    """
    ...
