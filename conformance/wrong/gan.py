"""Classic mistakes of adversarial networks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gongsik import reference
from gongsik.conformance.wrong import wrong
from gongsik.conformance.wrong.cnn import instead
from gongsik.reference import layers as steps
from gongsik.reference.autodiff import grad
from gongsik.reference.gan import softplus
from gongsik.reference.normalization import batch_norm
from gongsik.spec import gan as spec
from gongsik.spec import layers
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
def alternating_training_old_judge(game, players, batches, draws, /, *, k=1, noise: Any = "shared", on_step=None):
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
def alternating_training_forgetful(game, players, batches, draws, /, *, k=1, noise: Any = "shared", on_step=None):
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


# Models: mostly one step of all networks, done wrongly


def _player(name: str, mistake: str, kind: type[layers.Layer], step: Callable[..., Any]) -> Callable[..., Any]:
    right = getattr(reference, name)

    def player(*arguments: Any, **options: Any) -> Any:
        with instead({kind: step}):
            return right(*arguments, **options)

    player.__name__ = f"{name}{step.__name__}"
    return wrong(f"gan.{name}", mistake)(player)


def _by_the_batch(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return batch_norm(x, at["weight"], at["bias"], eps=layer.eps).y


def _relu(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return np.maximum(x, 0)


def _other_slope(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return np.where(x > 0, x, 0.01 * x)


def _sigmoid(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return reference.sigmoid(x) if layer.name == "tanh" else steps._activation(layer, at, x, now)


def _in_front(layer: Any, at: Any, x: Any, now: Any) -> Any:
    k = layer.size if layer.project is None else layer.project.output((layer.size,))[0]
    after = steps._condition(layer, at, x, now)
    return np.concatenate([after[:, -k:], after[:, :-k]], axis=1)


def _unheard(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return steps._condition(layer, at, x, replace(now, condition=0 * now.condition))


def _heads_turned(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return steps._parallel(replace(layer, branches=layer.branches[::-1]), at, x, now)


def _faded_out(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return steps._fade(replace(layer, old=layer.new, new=layer.old), at, x, now)


def _unequal(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return steps.run(layer.layer, at, x, now)


def _of_each_place(layer: Any, at: Any, x: Any, now: Any) -> Any:
    deviation = np.sqrt(((x - x.mean(0)) ** 2).mean(0) + layer.eps).mean(0)
    return np.concatenate([x, np.broadcast_to(deviation, (len(x), 1, *deviation.shape))], axis=1)


def _over_space(layer: Any, at: Any, x: Any, now: Any) -> Any:
    axes = tuple(range(1, x.ndim))
    return x / np.sqrt((x**2).mean(axes, keepdims=True) + layer.eps)


def _around(padding: int) -> Any:
    return ((0, 0), (0, 0), (padding, padding), (padding, padding))


def _zeros_around(layer: Any, at: Any, x: Any, now: Any) -> Any:
    return np.pad(x, _around(layer.padding))


BY_THE_BATCH = "normalized by the batch, after training, too"
dcgan_by_the_batch = _player("dcgan", BY_THE_BATCH, layers.BatchNorm2d, _by_the_batch)
dcgan_relu = _player("dcgan", "the discriminator's units are not leaky", layers.LeakyReLU, _relu)
dcgan_sigmoid = _player("dcgan", "images in [0, 1]", layers.Activation, _sigmoid)
conditional_unheard = _player("conditional_gan", "the condition is not looked at", layers.Condition, _unheard)
conditional_in_front = _player("conditional_gan", "the condition in front of x", layers.Condition, _in_front)
training_unheard = _player("conditional_training", "the condition is not looked at", layers.Condition, _unheard)
training_slope = _player("conditional_training", "a slope of 0.01 in place of 0.2", layers.LeakyReLU, _other_slope)
infogan_turned = _player("infogan", "the codes in front of the logit", layers.Parallel, _heads_turned)
infogan_slope = _player("infogan", "a slope of 0.01 in place of 0.1", layers.LeakyReLU, _other_slope)
infogan_by_the_batch = _player("infogan", BY_THE_BATCH, layers.BatchNorm2d, _by_the_batch)
cyclegan_zeros = _player(
    "cyclegan", "zeros around the image, not its reflection", layers.ReflectionPad2d, _zeros_around
)
cyclegan_relu = _player("cyclegan", "the discriminators' units are not leaky", layers.LeakyReLU, _relu)
progressive_faded_out = _player("progressive_gan", "alpha weighs what is old", layers.Fade, _faded_out)
progressive_unequal = _player("progressive_gan", "no constant beside the weights", layers.Equalized, _unequal)
progressive_map = _player("progressive_gan", "a deviation for each place", layers.MinibatchDeviation, _of_each_place)
progressive_norm = _player("progressive_gan", "normalized over the image, too", layers.PixelNorm, _over_space)
text_unheard = _player("text_to_image", "the sentence is not looked at", layers.Condition, _unheard)
text_in_front = _player("text_to_image", "the sentence in front of x", layers.Condition, _in_front)
stargan_unheard = _player("stargan", "the generator does not know the domain", layers.Condition, _unheard)
stargan_turned = _player("stargan", "domains and scores mistaken for each other", layers.Parallel, _heads_turned)
puzzle_relu = _player("puzzle_gan", "the encoder's units are not leaky", layers.LeakyReLU, _relu)
puzzle_sigmoid = _player("puzzle_gan", "images in [0, 1]", layers.Activation, _sigmoid)


@wrong("gan.conditional_input", "the condition in front of x")
def condition_first(x, y, /):
    return np.roll(reference.conditional_input(x, y), y.shape[1], axis=1)


@wrong("gan.conditional_input", "the condition at one place only")
def condition_at_a_corner(x, y, /):
    right = reference.conditional_input(x, y)
    corner = np.zeros(x.shape[2:], x.dtype)
    corner[(0,) * corner.ndim] = 1
    return np.concatenate([x, right[:, x.shape[1] :] * corner], axis=1)


@wrong("gan.mutual_information_bound", "without the entropy of the code")
def bound_without_entropy(code_logits, code, /):
    return reference.mutual_information_bound(code_logits, code) - np.log(
        np.asarray(code_logits.shape[1], code_logits.dtype)
    )


@wrong("gan.mutual_information_bound", "the surprise in place of the information")
def bound_turned(code_logits, code, /):
    return -reference.mutual_information_bound(code_logits, code)


@wrong("gan.infogan_loss", "information made small, not large")
def information_made_small(logit_fake, code_logits, code, /, *, weight=1.0):
    information = reference.mutual_information_bound(code_logits, code)
    return reference.non_saturating_generator_loss(logit_fake) + weight * information


@wrong("gan.infogan_loss", "information without its weight")
def information_unweighted(logit_fake, code_logits, code, /, *, weight=1.0):
    return reference.infogan_loss(logit_fake, code_logits, code)


@wrong("gan.cycle_consistency_loss", "squares in place of distances")
def cycle_squared(x, x_cycled, y, y_cycled, /):
    return ((x - x_cycled) ** 2).mean() + ((y - y_cycled) ** 2).mean()


@wrong("gan.cycle_consistency_loss", "one mean over the pixels of both domains")
def cycle_pooled(x, x_cycled, y, y_cycled, /):
    return (np.abs(x - x_cycled).sum() + np.abs(y - y_cycled).sum()) / (x.size + y.size)


@wrong("gan.cycle_consistency_loss", "one way only")
def cycle_one_way(x, x_cycled, y, y_cycled, /):
    return np.abs(x - x_cycled).mean()


@wrong("gan.cyclegan", "the cycle weighs once, whatever lambda")
def cyclegan_unweighted(config, params, x, y, /, *, weight=10.0, adversarial: Any = "least_squares"):
    return reference.cyclegan(config, params, x, y, weight=1.0, adversarial=adversarial)


@wrong("gan.cyclegan", "each discriminator judges the other domain")
def cyclegan_judges_swapped(config, params, x, y, /, **options):
    swapped = {name.translate(str.maketrans("XY", "YX")): array for name, array in params.items()}
    return reference.cyclegan(config, swapped, x, y, **options)


@wrong("gan.cyclegan", "the discriminators' loss is doubled")
def cyclegan_whole(config, params, x, y, /, **options):
    losses = reference.cyclegan(config, params, x, y, **options)
    return losses._replace(discriminator=2 * losses.discriminator)


@wrong("gan.stargan", "the way back leads to the target once more")
def stargan_no_way_back(config, params, x, domain, target, /, *, class_weight=1.0, cycle_weight=10.0):
    weights = {"class_weight": class_weight, "cycle_weight": cycle_weight}
    there = reference.stargan(config, params, x, target, target, **weights)
    return spec.Translations(
        there.generator, reference.stargan(config, params, x, domain, target, **weights).discriminator
    )


@wrong("gan.stargan", "the critic names the target of a real image")
def stargan_wrong_name(config, params, x, domain, target, /, *, class_weight=1.0, cycle_weight=10.0):
    weights = {"class_weight": class_weight, "cycle_weight": cycle_weight}
    there = reference.stargan(config, params, x, target, target, **weights)
    return spec.Translations(
        reference.stargan(config, params, x, domain, target, **weights).generator, there.discriminator
    )


@wrong("gan.fade_in", "alpha weighs the small image")
def faded_out(low, high, alpha, /):
    return reference.fade_in(low, high, 1 - alpha)


@wrong("gan.fade_in", "small images laid out four times, not enlarged")
def tiled(low, high, alpha, /):
    return (1 - alpha) * np.tile(low, (1, 1, 2, 2)) + alpha * high


@wrong("gan.matching_aware_loss", "wrong sentences weigh as much as true ones")
def matching_unhalved(logit_real, logit_mismatched, logit_fake, /):
    return softplus(-logit_real).mean() + softplus(logit_mismatched).mean() + softplus(logit_fake).mean()


@wrong("gan.matching_aware_loss", "real images count as real with any sentence")
def matching_ignored(logit_real, logit_mismatched, logit_fake, /):
    real = (softplus(-logit_real).mean() + softplus(-logit_mismatched).mean()) / 2
    return real + softplus(logit_fake).mean()


@wrong("gan.jigsaw", "each part goes to the place of its number: the inverse permutation")
def jigsaw_inverse(x, permutation, /, *, grid=3):
    return reference.jigsaw(x, np.argsort(permutation, 1), grid=grid)


@wrong("gan.jigsaw", "parts counted column by column")
def jigsaw_by_columns(x, permutation, /, *, grid=3):
    return np.swapaxes(reference.jigsaw(np.swapaxes(x, 2, 3), permutation, grid=grid), 2, 3)


@wrong("gan.jigsaw", "one order for all images")
def jigsaw_of_the_first(x, permutation, /, *, grid=3):
    return reference.jigsaw(x, np.broadcast_to(permutation[:1], permutation.shape), grid=grid)


@wrong("gan.restoration_loss", "distances in place of squares")
def restored_by_distance(restored, x, logit_fake, /, *, weight=0.999):
    rest = (1 - weight) * reference.non_saturating_generator_loss(logit_fake)
    return weight * np.abs(restored - x).mean() + rest


@wrong("gan.restoration_loss", "weights mistaken for each other")
def restored_turned(restored, x, logit_fake, /, *, weight=0.999):
    return reference.restoration_loss(restored, x, logit_fake, weight=1 - weight)
