"""Classic mistakes of adversarial networks."""

import numpy as np

from gongsik import reference
from gongsik.conformance.wrong import wrong
from gongsik.reference.autodiff import grad
from gongsik.reference.gan import softplus
from gongsik.spec import gan as spec
from gongsik.spec.tree import leaves, map_leaves


@wrong("gan.value_function", "the samples are judged as data, too")
def value_function_all_real(prob_real, prob_fake, /):
    return np.log(prob_real).mean() + np.log(prob_fake).mean()


@wrong("gan.value_function", "one mean over data and samples together")
def value_function_pooled(prob_real, prob_fake, /):
    return np.concatenate([np.log(prob_real), np.log1p(-prob_fake)]).mean()


@wrong("gan.discriminator_loss", "the sigmoid is formed, and its logarithm taken")
def discriminator_loss_of_sigmoid(logit_real, logit_fake, /):
    return -reference.value_function(1 / (1 + np.exp(-logit_real)), 1 / (1 + np.exp(-logit_fake)))


@wrong("gan.discriminator_loss", "half of it, the mean over both batches")
def discriminator_loss_halved(logit_real, logit_fake, /):
    return reference.discriminator_loss(logit_real, logit_fake) / 2


@wrong("gan.discriminator_loss", "the labels are the wrong way round")
def discriminator_loss_swapped(logit_real, logit_fake, /):
    return softplus(logit_real).mean() + softplus(-logit_fake).mean()


@wrong("gan.generator_loss", "the sign of the discriminator's part")
def generator_loss_sign(logit_fake, /):
    return softplus(logit_fake).mean()


@wrong("gan.generator_loss", "the non-saturating loss in its place")
def generator_loss_other(logit_fake, /):
    return reference.non_saturating_generator_loss(logit_fake)


@wrong("gan.non_saturating_generator_loss", "log(1 + e^-s), which overflows")
def non_saturating_generator_loss_overflows(logit_fake, /):
    return np.log(1 + np.exp(-logit_fake)).mean()


@wrong("gan.non_saturating_generator_loss", "the sum in place of the mean")
def non_saturating_generator_loss_sum(logit_fake, /):
    return softplus(-logit_fake).sum()


@wrong("gan.alternating_training", "the generator is judged by the discriminator from before its updates")
def alternating_training_old_judge(game, players, batches, draws, /, *, k=1, noise="shared", on_step=None):
    judge = players.discriminator
    old = spec.Game(
        game.generate,
        game.discriminator_loss,
        lambda d, fake, *batch: game.generator_loss(judge, fake, *batch),
        game.update_discriminator,
        game.update_generator,
    )
    return reference.alternating_training(old, players, batches, draws, k=k, noise=noise)


@wrong("gan.alternating_training", "the optimizers forget their states")
def alternating_training_forgetful(game, players, batches, draws, /, *, k=1, noise="shared", on_step=None):
    forgetful = spec.Game(
        game.generate,
        game.discriminator_loss,
        game.generator_loss,
        lambda params, grads, state: game.update_discriminator(params, grads, None),
        lambda params, grads, state: game.update_generator(params, grads, None),
    )
    return reference.alternating_training(forgetful, players, batches, draws, k=k, noise=noise)


@wrong("gan.feature_matching", "the mean over features in place of the sum")
def feature_matching_mean(real, fake, /):
    return ((real.mean(0) - fake.mean(0)) ** 2).mean()


@wrong("gan.feature_matching", "the length, not its square")
def feature_matching_length(real, fake, /):
    return np.linalg.norm(real.mean(0) - fake.mean(0))


@wrong("gan.minibatch_discrimination", "Euclid's distance in place of the sum of absolute differences")
def minibatch_discrimination_euclidean(features, kernel, /, *, include_self=True):
    M = np.tensordot(features, kernel, 1)
    distance = np.linalg.norm(M[:, None] - M[None, :], axis=-1)
    return np.exp(-distance).sum(1) - (not include_self)


@wrong("gan.minibatch_discrimination", "the distance over all b kernels together")
def minibatch_discrimination_joined(features, kernel, /, *, include_self=True):
    M = np.tensordot(features, kernel, 1)
    distance = np.abs(M[:, None] - M[None, :]).sum((-2, -1), keepdims=True)[..., 0]
    return np.broadcast_to(np.exp(-distance).sum(1) - (not include_self), M.shape[:2])


@wrong("gan.minibatch_discrimination", "a sample always counts itself")
def minibatch_discrimination_self(features, kernel, /, *, include_self=True):
    return reference.minibatch_discrimination(features, kernel)


@wrong("gan.historical_averaging", "the mean has the present parameters in it already")
def historical_averaging_present(theta, state=None, /):
    state = reference.historical_averaging(theta, state)[1]
    return sum(((w - m) ** 2).sum() for w, m in zip(leaves(theta), leaves(state.mean, theta), strict=True)), state


@wrong("gan.historical_averaging", "an exponential average in place of the mean")
def historical_averaging_fading(theta, state=None, /):
    penalty, new = reference.historical_averaging(theta, state)
    if state is None:
        return penalty, new
    return penalty, new._replace(mean=map_leaves(lambda m, w: 0.9 * m + 0.1 * w, state.mean, theta))


@wrong("gan.wasserstein_distance", "points are matched in the order in which they come")
def wasserstein_distance_unsorted(x, y, x_weights=None, y_weights=None, /):
    n = min(len(x), len(y))
    return np.abs(x[:n] - y[:n]).mean()


@wrong("gan.wasserstein_distance", "the area between the distributions without its size: the difference of means")
def wasserstein_distance_signed(x, y, x_weights=None, y_weights=None, /):
    return np.abs(np.average(x, weights=x_weights) - np.average(y, weights=y_weights)).astype(x.dtype)


@wrong("gan.wasserstein_distance", "the weights are not moved with their points")
def wasserstein_distance_weights_stay(x, y, x_weights=None, y_weights=None, /):
    return reference.wasserstein_distance(np.sort(x), np.sort(y), x_weights, y_weights)


@wrong("gan.wasserstein_distance", "the weights are ignored")
def wasserstein_distance_unweighted(x, y, x_weights=None, y_weights=None, /):
    return reference.wasserstein_distance(x, y)


@wrong("gan.critic_loss", "the sign: samples are to score high")
def critic_loss_sign(score_real, score_fake, /):
    return score_real.mean() - score_fake.mean()


@wrong("gan.critic_loss", "scores go through a sigmoid")
def critic_loss_sigmoid(score_real, score_fake, /):
    return reference.sigmoid(score_fake).mean() - reference.sigmoid(score_real).mean()


@wrong("gan.critic_generator_loss", "the sign: the generator makes its samples worse")
def critic_generator_loss_sign(score_fake, /):
    return score_fake.mean()


@wrong("gan.critic_generator_loss", "the sum in place of the mean")
def critic_generator_loss_sum(score_fake, /):
    return -score_fake.sum()


@wrong("gan.lipschitz_constant", "the root of the sum of squares, which is a bound only")
def lipschitz_constant_frobenius(weight, /):
    return np.sqrt((weight**2).sum((-2, -1)))


@wrong("gan.lipschitz_constant", "the largest sum of a row, for another norm")
def lipschitz_constant_rows(weight, /):
    return np.abs(weight).sum(-1).max(-1)


@wrong("gan.lipschitz_lower_bound", "only neighbours in the batch are compared")
def lipschitz_lower_bound_neighbours(x, fx, /):
    run, rise = (np.linalg.norm(v[1:] - v[:-1], axis=-1) for v in (x, fx))
    return np.where(run > 0, rise / np.where(run > 0, run, 1), 0).max()


@wrong("gan.lipschitz_lower_bound", "the slope from the origin")
def lipschitz_lower_bound_origin(x, fx, /):
    run, rise = np.linalg.norm(x, axis=-1), np.linalg.norm(fx, axis=-1)
    return np.where(run > 0, rise / np.where(run > 0, run, 1), 0).max()


@wrong("gan.lipschitz_lower_bound", "the mean slope in place of the steepest")
def lipschitz_lower_bound_mean(x, fx, /):
    i, j = np.triu_indices(len(x), 1)
    run, rise = (np.linalg.norm(v[i] - v[j], axis=-1) for v in (x, fx))
    return np.where(run > 0, rise / np.where(run > 0, run, 1), 0).mean()


@wrong("gan.weight_clipping", "what is outside is set to 0")
def weight_clipping_to_zero(params, /, *, c=0.01):
    return map_leaves(lambda w: np.where(np.abs(w) > c, 0, w), params)


@wrong("gan.weight_clipping", "the norm is clipped, not each parameter")
def weight_clipping_norm(params, /, *, c=0.01):
    return reference.clip_grad_norm(params, max_norm=c)


@wrong("gan.weight_clipping", "only the upper end")
def weight_clipping_above(params, /, *, c=0.01):
    return map_leaves(lambda w: np.minimum(w, c), params)


def _slopes(critic, params, x):
    return np.linalg.norm(grad(lambda x: critic(params, x).sum())(x).reshape(len(x), -1), axis=-1)


def _between(real, fake, uniform):
    epsilon = uniform.reshape(-1, *(1,) * (real.ndim - 1))
    return epsilon * real + (1 - epsilon) * fake


@wrong("gan.gradient_penalty", "the slope is brought to 0, not to 1")
def gradient_penalty_zero(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    return strength * (_slopes(critic, params, _between(real, fake, uniform)) ** 2).mean()


@wrong("gan.gradient_penalty", "the norm of the whole batch's gradient in place of each sample's")
def gradient_penalty_batch(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    total = np.sqrt((_slopes(critic, params, _between(real, fake, uniform)) ** 2).sum())
    return strength * (np.maximum(total - 1, 0) if one_sided else total - 1) ** 2


@wrong("gan.gradient_penalty", "looks at the data only")
def gradient_penalty_at_data(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    return reference.gradient_penalty(
        critic, params, real, real, uniform, strength=strength, one_sided=one_sided
    )  # fmt: skip


@wrong("gan.gradient_penalty", "epsilon is the share of the sample")
def gradient_penalty_turned(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    return reference.gradient_penalty(critic, params, fake, real, uniform, strength=strength, one_sided=one_sided)


@wrong("gan.gradient_penalty", "always two-sided")
def gradient_penalty_two_sided(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    return reference.gradient_penalty(critic, params, real, fake, uniform, strength=strength)
