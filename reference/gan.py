"""Generative adversarial networks in NumPy."""

import numpy as np

from gongsik.reference.arrays import implements
from gongsik.reference.autodiff import Variable, grad, value_and_grad, vjp
from gongsik.spec import gan as spec
from gongsik.spec.tree import leaves, map_leaves

__all__ = [
    "alternating_training", "critic_generator_loss", "critic_loss", "discriminator_loss", "feature_matching",
    "generator_loss", "gradient_penalty", "historical_averaging", "lipschitz_constant", "lipschitz_lower_bound",
    "minibatch_discrimination", "non_saturating_generator_loss", "value_function", "wasserstein_distance",
    "weight_clipping",
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
    # how much lies at or left of each place; whole numbers are counted without an error
    if x_weights is None:
        F_x = np.cumsum(order < n) / n
    else:
        F_x = np.cumsum(np.concatenate([x_weights, np.zeros_like(y)])[order], 0)
    if y_weights is None:
        F_y = np.cumsum(order >= n) / len(y)
    else:
        F_y = np.cumsum(np.concatenate([np.zeros_like(x), y_weights])[order], 0)
    return (np.abs(F_x - F_y)[:-1] * (t[1:] - t[:-1])).sum()


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
    run = np.linalg.norm(x[:, None] - x[None, :], axis=-1)  # [n, n]
    rise = np.linalg.norm(fx[:, None] - fx[None, :], axis=-1)
    return np.where(run > 0, rise / np.where(run > 0, run, 1), 0).max()


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
