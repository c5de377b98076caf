"""Generative adversarial networks in NumPy."""

import math

import numpy as np

from gongsik.reference.arrays import implements
from gongsik.reference.autodiff import Variable, grad, value_and_grad, vjp
from gongsik.reference.layers import Pass, beside, evaluate, run
from gongsik.reference.loss import softmax_cross_entropy
from gongsik.spec import gan as spec
from gongsik.spec.cnn import TrainingPass
from gongsik.spec.layers import check_network, flat, nest
from gongsik.spec.tree import leaves, map_leaves

__all__ = [
    "alternating_training", "conditional_gan", "conditional_input", "conditional_training", "critic_generator_loss",
    "critic_loss", "cycle_consistency_loss", "cyclegan", "dcgan", "discriminator_loss", "fade_in", "feature_matching",
    "generator_loss", "gradient_penalty", "historical_averaging", "infogan", "infogan_loss", "jigsaw",
    "lipschitz_constant", "lipschitz_lower_bound", "matching_aware_loss", "minibatch_discrimination",
    "mutual_information_bound", "non_saturating_generator_loss", "progressive_gan", "puzzle_gan", "restoration_loss",
    "stargan", "text_to_image", "value_function", "wasserstein_distance", "weight_clipping",
]  # fmt: skip


# The game


@implements(spec.value_function)
def value_function(prob_real, prob_fake, /):
    with np.errstate(divide="ignore"):  # log 0 of a discriminator that is certain and wrong
        return np.log(prob_real).mean() + np.log1p(-prob_fake).mean()


def softplus(s):
    """Give -log(1 - D) for the logit of D; for minus the logit, -log D."""
    return np.logaddexp(0, s)


@implements(spec.discriminator_loss)
def discriminator_loss(logit_real, logit_fake, /):
    return softplus(-logit_real).mean() + softplus(logit_fake).mean()


@implements(spec.generator_loss)
def generator_loss(logit_fake, /):
    return -softplus(logit_fake).mean()


@implements(spec.non_saturating_generator_loss)
def non_saturating_generator_loss(logit_fake, /):
    return softplus(-logit_fake).mean()


@implements(spec.alternating_training)
def alternating_training(game, players, batches, draws, /, *, k=1, noise="shared", on_step=None):
    rounds = spec.count_rounds(batches, draws, k, noise)
    batches, draws = rounds_of(batches, rounds), rounds_of(draws, rounds)
    g, d, g_state, d_state = players
    d_losses, g_losses = [], []
    last = draws[0].shape[1] - 1

    def loss_of_samples(fake, d, *batch):
        return game.generator_loss(d, fake, *batch)

    for r in range(rounds):
        fake, back = vjp(game.generate, g, *(z[r, last] for z in draws))
        for j in range(k):
            sample = fake if j == last else game.generate(g, *(z[r, j] for z in draws))
            value, grads = value_and_grad(game.discriminator_loss)(d, sample, *(x[r, j] for x in batches))
            d, d_state = game.update_discriminator(d, grads, d_state)
            d_losses.append(value)
        value, upstream = value_and_grad(loss_of_samples)(fake, d, *(x[r, k - 1] for x in batches))
        g, g_state = game.update_generator(g, back(upstream), g_state)
        g_losses.append(value)
        if on_step is not None:
            on_step(r + 1, d_losses[-1], value)
    players = spec.Players(g, d, g_state, d_state)
    return spec.Played(players, np.stack(d_losses).reshape(rounds, k), np.stack(g_losses))


def rounds_of(arrays, rounds):
    return [x.reshape(rounds, -1, *x.shape[1:]) for x in arrays]  # [rounds, steps, ...]


# Mode collapse, and remedies


@implements(spec.feature_matching)
def feature_matching(real, fake, /):
    return ((real.mean(0) - fake.mean(0)) ** 2).sum()


@implements(spec.minibatch_discrimination)
def minibatch_discrimination(features, kernel, /, *, include_self=True):
    M = np.tensordot(features, kernel, 1)  # [n, b, c]
    distance = np.abs(M[:, None] - M[None, :]).sum(-1)  # [n, n, b]
    itself = np.eye(len(M), dtype=bool)[:, :, None]
    others = np.where(itself, 0, np.exp(-distance)).sum(1)  # [n, b]
    return others + 1 if include_self else others


@implements(spec.historical_averaging)
def historical_averaging(theta, state=None, /):
    count, mean = (0, theta) if state is None else (int(state.count), state.mean)
    away = map_leaves(lambda w, m: w - m, theta, mean)
    mean = map_leaves(lambda m, d: m + d / (count + 1), mean, away)
    return sum((d**2).sum() for d in leaves(away)), spec.HistoryState(np.array(count + 1), mean)


# Another distance


@implements(spec.wasserstein_distance)
def wasserstein_distance(x, y, x_weights=None, y_weights=None, /):
    n, places = len(x), np.concatenate([x, y])
    order = np.argsort(places, kind="stable")
    t = places[order]
    one = np.full_like(t, 1, shape=())  # in the format of the data, whose rounding a quotient has
    # how much lies at or left of each place; whole numbers are counted without an error
    if x_weights is None:
        F_x = np.cumsum(order < n).astype(t.dtype) * one / n
    else:
        F_x = np.cumsum(np.concatenate([x_weights, np.zeros_like(y)])[order], 0)
    if y_weights is None:
        F_y = np.cumsum(order >= n).astype(t.dtype) * one / len(y)
    else:
        F_y = np.cumsum(np.concatenate([np.zeros_like(x), y_weights])[order], 0)
    gap = np.abs(F_x - F_y)
    return (gap[:-1] * (t[1:] - t[:-1])).sum()


@implements(spec.critic_loss)
def critic_loss(score_real, score_fake, /):
    for name, score in (("score_real", score_real), ("score_fake", score_fake)):
        if is_sigmoid(score):
            spec.warn_of_sigmoid("critic_loss", name)
    return score_fake.mean() - score_real.mean()


def is_sigmoid(x):
    """Whether the record of an array says that it comes out of a sigmoid, perhaps in another shape."""
    while isinstance(x, Variable) and x.operation in ("reshape", "squeeze", "ravel", "getitem") and x.edges:
        x = x.edges[0].operand
    return isinstance(x, Variable) and x.operation == "sigmoid"


@implements(spec.critic_generator_loss)
def critic_generator_loss(score_fake, /):
    return -score_fake.mean()


@implements(spec.lipschitz_constant)
def lipschitz_constant(weight, /):
    return np.linalg.norm(weight, 2, axis=(-2, -1))


@implements(spec.lipschitz_lower_bound)
def lipschitz_lower_bound(x, fx, /):
    i, j = np.triu_indices(len(x), 1)  # every pair once
    apart = np.count_nonzero(x[i] != x[j], axis=-1) > 0
    run, rise = np.linalg.norm(x[i] - x[j], axis=-1), np.linalg.norm(fx[i] - fx[j], axis=-1)
    return np.where(apart, rise / np.where(apart, run, 1), 0).max()


@implements(spec.weight_clipping)
def weight_clipping(params, /, *, c=0.01):
    return map_leaves(lambda w: np.clip(w, -c, c), params)


@implements(spec.gradient_penalty)
def gradient_penalty(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    epsilon = uniform.reshape(-1, *(1,) * (real.ndim - 1))  # [n, 1, ...]
    between = epsilon * real + (1 - epsilon) * fake

    def total_score(x):
        score = critic(params, x)
        if is_sigmoid(score):
            spec.warn_of_sigmoid("gradient_penalty", "the critic's score")
        return score.sum()

    slope = np.linalg.norm(grad(total_score)(between).reshape(len(real), -1), axis=-1)  # [n]
    excess = slope - 1
    if one_sided:
        excess = np.maximum(excess, 0)
    return strength * (excess**2).mean()


# Models


def _network(declaration):
    """A player that is its tree of layers and nothing else."""

    @implements(declaration)
    def model(config, params, buffers, x, /):
        return evaluate(declaration.__name__, config, params, buffers, x)

    return model


dcgan = _network(spec.dcgan)
infogan = _network(spec.infogan)
progressive_gan = _network(spec.progressive_gan)
puzzle_gan = _network(spec.puzzle_gan)


@implements(spec.conditional_gan)
def conditional_gan(config, params, buffers, x, y, /):
    return evaluate("conditional_gan", config, params, buffers, x, y)


@implements(spec.text_to_image)
def text_to_image(config, params, buffers, x, text, /):
    return evaluate("text_to_image", config, params, buffers, x, text)


@implements(spec.conditional_training)
def conditional_training(config, params, buffers, draws, x, y, /):
    check_network("conditional_training", config, params, buffers, x.shape, draws)
    at, now = nest(params | buffers | draws), Pass(training=True, condition=y)
    output = run(config.network, at, x, now)
    return TrainingPass(output, tuple(now.auxiliary), flat(at, buffers))


@implements(spec.conditional_input)
def conditional_input(x, y, /):
    return beside(x, y)


@implements(spec.mutual_information_bound)
def mutual_information_bound(code_logits, code, /):
    return math.log(code_logits.shape[1]) - softmax_cross_entropy(code_logits, code)


@implements(spec.infogan_loss)
def infogan_loss(logit_fake, code_logits, code, /, *, weight=1.0):
    return non_saturating_generator_loss(logit_fake) - weight * mutual_information_bound(code_logits, code)


@implements(spec.cycle_consistency_loss)
def cycle_consistency_loss(x, x_cycled, y, y_cycled, /):
    return np.abs(x_cycled - x).mean() + np.abs(y_cycled - y).mean()


@implements(spec.cyclegan)
def cyclegan(config, params, x, y, /, *, weight=10.0, adversarial="least_squares"):
    spec.check_translators("cyclegan", config, params, x=x.shape, y=y.shape)
    at = nest(params)

    def translate(name, image):
        return run(config.generator.network, at[name], image, Pass())

    def judge(name, image):
        return run(config.discriminator.network, at[name], image, Pass())

    y_fake, x_fake = translate("G", x), translate("F", y)
    pairs = (judge("D_Y", y), judge("D_Y", y_fake)), (judge("D_X", x), judge("D_X", x_fake))
    if adversarial == "log":
        fooled = sum(non_saturating_generator_loss(fake) for _, fake in pairs)
        discriminator = sum(discriminator_loss(real, fake) for real, fake in pairs)
    else:
        fooled = sum(((fake - 1) ** 2).mean() for _, fake in pairs)
        discriminator = sum(((real - 1) ** 2).mean() + (fake**2).mean() for real, fake in pairs) / 2
    cycle = cycle_consistency_loss(x, translate("F", y_fake), y, translate("G", x_fake))
    return spec.Translations(fooled + weight * cycle, discriminator)


@implements(spec.stargan)
def stargan(config, params, x, domain, target, /, *, class_weight=1.0, cycle_weight=10.0):
    spec.check_translators("stargan", config, params, x=x.shape)
    at, k = nest(params), config.domains

    def translate(image, c):
        return run(config.generator.network, at["G"], image, Pass(condition=np.eye(k, dtype=x.dtype)[c]))

    def judge(image):
        said = run(config.discriminator.network, at["D"], image, Pass())
        return said[:, :-k], said[:, -k:]  # scores of patches, logits of domains

    fake = translate(x, target)
    score_real, domain_real = judge(x)
    score_fake, domain_fake = judge(fake)
    named = softmax_cross_entropy(domain_fake, target)
    back = np.abs(x - translate(fake, domain)).mean()
    return spec.Translations(
        critic_generator_loss(score_fake) + class_weight * named + cycle_weight * back,
        critic_loss(score_real, score_fake) + class_weight * softmax_cross_entropy(domain_real, domain),
    )


@implements(spec.fade_in)
def fade_in(low, high, alpha, /):
    doubled = np.repeat(np.repeat(low, 2, axis=-2), 2, axis=-1)
    return (1 - alpha) * doubled + alpha * high


@implements(spec.matching_aware_loss)
def matching_aware_loss(logit_real, logit_mismatched, logit_fake, /):
    false = softplus(logit_mismatched).mean() + softplus(logit_fake).mean()
    return softplus(-logit_real).mean() + false / 2


@implements(spec.jigsaw)
def jigsaw(x, permutation, /, *, grid=3):
    n, c, h, w = x.shape
    parts = x.reshape(n, c, grid, h // grid, grid, w // grid)
    parts = np.moveaxis(parts, (2, 4), (1, 2)).reshape(n, grid**2, c, h // grid, w // grid)
    laid = parts[np.arange(n)[:, None], permutation].reshape(n, grid, grid, c, h // grid, w // grid)
    return np.moveaxis(laid, (1, 2), (2, 4)).reshape(n, c, h, w)


@implements(spec.restoration_loss)
def restoration_loss(restored, x, logit_fake, /, *, weight=0.999):
    return weight * ((restored - x) ** 2).mean() + (1 - weight) * non_saturating_generator_loss(logit_fake)
