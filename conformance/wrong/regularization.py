"""Classic mistakes in regularization."""

import numpy as np

from gongsik import reference
from gongsik.conformance.wrong import wrong
from gongsik.reference.regularization import box_at, over_channels
from gongsik.spec.array import pair
from gongsik.spec.regularization import EarlyStoppingState
from gongsik.spec.tree import leaves, map_leaves

# A price on large weights


@wrong("regularization.regularized_objective", "the penalty is taken off")
def regularized_objective_subtracted(loss, penalty, /, *, strength=1e-2):
    return loss - strength * penalty


@wrong("regularization.regularized_objective", "the strength multiplies the loss, too")
def regularized_objective_scaled(loss, penalty, /, *, strength=1e-2):
    return strength * (loss + penalty)


@wrong("regularization.l2_penalty", "without the half, as in scikit-learn's ridge")
def l2_penalty_without_half(params, /, *, strength=1.0):
    return strength * sum((w**2).sum() for w in leaves(params))


@wrong("regularization.l2_penalty", "the norm itself, not its square")
def l2_penalty_of_norm(params, /, *, strength=1.0):
    return strength / 2 * np.sqrt(sum((w**2).sum() for w in leaves(params)))


@wrong("regularization.l2_penalty", "the square of the sum")
def l2_penalty_of_sum(params, /, *, strength=1.0):
    return strength / 2 * sum(w.sum() for w in leaves(params)) ** 2


@wrong("regularization.l2_penalty", "the mean over the parameters, not the sum")
def l2_penalty_averaged(params, /, *, strength=1.0):
    return strength / 2 * sum((w**2).mean() for w in leaves(params))


@wrong("regularization.l1_penalty", "no absolute value: weights of both signs cancel")
def l1_penalty_signed(params, /, *, strength=1.0):
    return strength * sum(w.sum() for w in leaves(params))


@wrong("regularization.l1_penalty", "a half, as if it were the L2 penalty")
def l1_penalty_halved(params, /, *, strength=1.0):
    return strength / 2 * sum(np.abs(w).sum() for w in leaves(params))


@wrong("regularization.weight_decay", "the decay is not multiplied by the learning rate")
def weight_decay_without_rate(param, grad, /, *, lr=1e-3, weight_decay=1e-2):
    return map_leaves(lambda w, g: (1 - weight_decay) * w - lr * g, param, grad)


@wrong("regularization.weight_decay", "the weights grow")
def weight_decay_of_wrong_sign(param, grad, /, *, lr=1e-3, weight_decay=1e-2):
    return map_leaves(lambda w, g: (1 + lr * weight_decay) * w - lr * g, param, grad)


@wrong("regularization.weight_decay", "the step shrinks as well")
def weight_decay_after_the_step(param, grad, /, *, lr=1e-3, weight_decay=1e-2):
    return map_leaves(lambda w, g: (1 - lr * weight_decay) * (w - lr * g), param, grad)


# Stopping in time


def _early_stopping(loss, state, patience, improved_on, late):
    step, best, best_step = (np.array(0), np.full_like(loss, np.inf), np.array(0)) if state is None else state
    step, improved = step + 1, improved_on(loss, best)
    best, best_step = np.where(improved, loss, best), np.where(improved, step, best_step)
    limit = np.inf if patience is None else patience
    return step - best_step >= limit + late, EarlyStoppingState(np.array(step), best, best_step)


@wrong("regularization.early_stopping", "one epoch late")
def early_stopping_late(loss, state=None, /, *, patience=10, min_delta=0.0):
    return _early_stopping(loss, state, patience, lambda loss, best: loss < best - min_delta, late=1)


@wrong("regularization.early_stopping", "an equal loss counts as an improvement")
def early_stopping_content_with_equal(loss, state=None, /, *, patience=10, min_delta=0.0):
    return _early_stopping(loss, state, patience, lambda loss, best: loss <= best - min_delta, late=0)


@wrong("regularization.early_stopping", "the least improvement is added, not taken off")
def early_stopping_forgiving(loss, state=None, /, *, patience=10, min_delta=0.0):
    return _early_stopping(loss, state, patience, lambda loss, best: loss < best + min_delta, late=0)


@wrong("regularization.early_stopping", "the larger the better, as for an accuracy")
def early_stopping_maximises(loss, state=None, /, *, patience=10, min_delta=0.0):
    return _early_stopping(loss, state, patience, lambda loss, best: loss > best + min_delta, late=0)


# Other pictures with the same label


@wrong("regularization.horizontal_flip", "top and bottom are exchanged")
def horizontal_flip_of_rows(x, /):
    return np.flip(x, -2)


@wrong("regularization.horizontal_flip", "off by one: moved around by a pixel as well")
def horizontal_flip_off_by_one(x, /):
    return np.roll(np.flip(x, -1), 1, -1)


@wrong("regularization.vertical_flip", "left and right are exchanged")
def vertical_flip_of_columns(x, /):
    return np.flip(x, -1)


@wrong("regularization.vertical_flip", "half a turn")
def vertical_flip_of_both(x, /):
    return np.flip(x, (-2, -1))


@wrong("regularization.rotate", "clockwise")
def rotate_clockwise(x, /, *, quarter_turns=1):
    return np.rot90(x, -quarter_turns, (-2, -1))


@wrong("regularization.rotate", "transposed, not turned")
def rotate_by_transposing(x, /, *, quarter_turns=1):
    return np.swapaxes(x, -1, -2) if quarter_turns % 2 else x


@wrong("regularization.translate", "what leaves on one side comes in on the other")
def translate_around(x, /, *, shift=0, fill=0.0):
    return np.roll(x, pair(shift), (-2, -1))


@wrong("regularization.translate", "up and to the left")
def translate_backwards(x, /, *, shift=0, fill=0.0):
    down, right = pair(shift)
    return reference.translate(x, shift=(-down, -right), fill=fill)  # pyright: ignore[reportArgumentType]


@wrong("regularization.translate", "(right, down), as OpenCV has it")
def translate_x_first(x, /, *, shift=0, fill=0.0):
    return reference.translate(x, shift=pair(shift)[::-1], fill=fill)  # pyright: ignore[reportArgumentType]


@wrong("regularization.translate", "0 comes in whatever was asked for")
def translate_without_fill(x, /, *, shift=0, fill=0.0):
    return reference.translate(x, shift=shift)


@wrong("regularization.random_crop", "the same window of every image")
def random_crop_of_the_first(x, top, left, /, *, size=32):
    return reference.random_crop(x, 0 * top + top[0], 0 * left + left[0], size=size)


@wrong("regularization.random_crop", "the window in the middle")
def random_crop_of_the_centre(x, top, left, /, *, size=32):
    (oh, ow), (h, w) = pair(size), x.shape[-2:]
    return reference.random_crop(x, 0 * top + (h - oh) // 2, 0 * left + (w - ow) // 2, size=size)


@wrong("regularization.to_grayscale", "the plain mean of the channels")
def to_grayscale_by_mean(x, /):
    return x.mean(-3, keepdims=True)


@wrong("regularization.to_grayscale", "blue first, as OpenCV has it")
def to_grayscale_blue_first(x, /):
    return reference.to_grayscale(np.flip(x, -3))


@wrong("regularization.to_grayscale", "the weights of high-definition television, BT.709")
def to_grayscale_of_bt709(x, /):
    weights = np.array([0.2126, 0.7152, 0.0722], x.dtype)[:, None, None]
    return (weights * x).sum(-3, keepdims=True)


@wrong("regularization.color_jitter", "stretched about 0, not about the mean")
def color_jitter_about_zero(x, uniform, /, *, brightness=0.2, contrast=0.2):
    each = (len(x), *(x.ndim - 1) * (1,))
    c, b = (1 + contrast * (2 * uniform[:, 0] - 1)), brightness * (2 * uniform[:, 1] - 1)
    return np.clip(c.reshape(each) * x + b.reshape(each), 0, 1)


@wrong("regularization.color_jitter", "not cut off")
def color_jitter_unclipped(x, uniform, /, *, brightness=0.2, contrast=0.2):
    each = (len(x), *(x.ndim - 1) * (1,))
    c, b = (1 + contrast * (2 * uniform[:, 0] - 1)), brightness * (2 * uniform[:, 1] - 1)
    mean = x.reshape(len(x), -1).mean(-1).reshape(each)
    return c.reshape(each) * (x - mean) + mean + b.reshape(each)


@wrong("regularization.color_jitter", "the draws for contrast and brightness exchanged")
def color_jitter_exchanged(x, uniform, /, *, brightness=0.2, contrast=0.2):
    return reference.color_jitter(x, uniform[:, ::-1], brightness=brightness, contrast=contrast)


# Noise


@wrong("regularization.input_noise", "the variance in place of the standard deviation")
def input_noise_of_variance(x, normal, /, *, std=0.1):
    return x + std**2 * normal


@wrong("regularization.input_noise", "multiplied, not added")
def input_noise_multiplied(x, normal, /, *, std=0.1):
    return x * (1 + std * normal)


@wrong("regularization.weight_noise", "the variance in place of the standard deviation")
def weight_noise_of_variance(params, normal, /, *, std=0.1):
    return map_leaves(lambda w, e: w + std**2 * e, params, normal)


@wrong("regularization.weight_noise", "scaled by the weight")
def weight_noise_multiplied(params, normal, /, *, std=0.1):
    return map_leaves(lambda w, e: w * (1 + std * e), params, normal)


# Softer labels, mixed samples


@wrong("regularization.label_smoothing", "the share goes to the other classes only")
def label_smoothing_to_the_others(target, /, *, eps=0.1):
    return (1 - eps) * target + eps * (1 - target) / max(target.shape[-1] - 1, 1)


@wrong("regularization.label_smoothing", "the whole share for every class")
def label_smoothing_not_divided(target, /, *, eps=0.1):
    return (1 - eps) * target + eps


@wrong("regularization.label_smoothing", "eps and 1 - eps exchanged")
def label_smoothing_exchanged(target, /, *, eps=0.1):
    return reference.label_smoothing(target, eps=1 - eps)


@wrong("regularization.mixup", "the shares exchanged in the targets")
def mixup_of_other_target(x, target, lam, permutation, /):
    return reference.mixup(x, target, lam, permutation)[0], reference.mixup(x, target, 1 - lam, permutation)[1]


@wrong("regularization.mixup", "the target of the sample itself is kept")
def mixup_without_target(x, target, lam, permutation, /):
    return reference.mixup(x, target, lam, permutation)[0], target


@wrong("regularization.mixup", "one share for all samples")
def mixup_of_one_share(x, target, lam, permutation, /):
    return reference.mixup(x, target, 0 * lam + lam[0], permutation)


@wrong("regularization.cutout", "the draw is taken for the corner of the box")
def cutout_from_corner(x, row, column, /, *, size=16):
    bh, bw = pair(size)
    return np.where(over_channels(box_at(row + bh // 2, column + bw // 2, size, x), x), 0, x)


@wrong("regularization.cutout", "all but the box is covered")
def cutout_turned(x, row, column, /, *, size=16):
    return np.where(over_channels(box_at(row, column, size, x), x), x, 0)


@wrong("regularization.cutout", "the box is a pixel too large")
def cutout_one_too_many(x, row, column, /, *, size=16):
    bh, bw = pair(size)
    return reference.cutout(x, row, column, size=(bh + 1, bw + 1))  # pyright: ignore[reportArgumentType]


@wrong("regularization.cutmix", "the share of the whole box, although part of it is outside")
def cutmix_of_unclipped_share(x, target, row, column, permutation, /, *, size=16):
    bh, bw = pair(size)
    share = target.dtype.type(min(bh * bw / (x.shape[-1] * x.shape[-2]), 1))
    mixed = reference.cutmix(x, target, row, column, permutation, size=size)[0]
    return mixed, (1 - share) * target + share * target[permutation]


@wrong("regularization.cutmix", "the shares exchanged")
def cutmix_of_other_share(x, target, row, column, permutation, /, *, size=16):
    mixed, soft = reference.cutmix(x, target, row, column, permutation, size=size)
    return mixed, target + target[permutation] - soft


@wrong("regularization.cutmix", "a cutout: the box is filled with 0")
def cutmix_of_nothing(x, target, row, column, permutation, /, *, size=16):
    soft = reference.cutmix(x, target, row, column, permutation, size=size)[1]
    return reference.cutout(x, row, column, size=size), soft


# Dropping units


@wrong("regularization.dropout", "p taken for the probability of keeping")
def dropout_of_the_others(h, uniform, /, *, p=0.5):
    return np.where(uniform < p, h, 0)


@wrong("regularization.dropout", "the kept units scaled up")
def dropout_scaled(h, uniform, /, *, p=0.5):
    return reference.inverted_dropout(h, uniform, p=p)


@wrong("regularization.dropout", "the kept units replaced by 1")
def dropout_mask_only(h, uniform, /, *, p=0.5):
    return np.where(uniform < p, 0, 1).astype(h.dtype)


@wrong("regularization.dropout_inference", "scaled by the probability of dropping")
def dropout_inference_by_p(h, /, *, p=0.5):
    return p * h


@wrong("regularization.dropout_inference", "not scaled, as if training had done it")
def dropout_inference_unscaled(h, /, *, p=0.5):
    return h


@wrong("regularization.inverted_dropout", "not scaled")
def inverted_dropout_unscaled(h, uniform, /, *, p=0.5):
    return reference.dropout(h, uniform, p=p)


@wrong("regularization.inverted_dropout", "divided by the probability of dropping")
def inverted_dropout_by_p(h, uniform, /, *, p=0.5):
    return reference.dropout(h, uniform, p=p) / (p if p > 0 else 1)


@wrong("regularization.inverted_dropout", "multiplied by the probability of keeping")
def inverted_dropout_shrunk(h, uniform, /, *, p=0.5):
    return reference.dropout(h, uniform, p=p) * (1 - p)


@wrong("regularization.dropout_output_layer", "the dropped units are the ones that count")
def dropout_output_layer_turned(h, weight, bias, dropped, /):
    return np.where(dropped, h, 0) @ weight + bias


@wrong("regularization.dropout_output_layer", "the bias is dropped where a unit is")
def dropout_output_layer_without_bias(h, weight, bias, dropped, /):
    return np.where(dropped, 0, h) @ weight + np.where(dropped.any(-1, keepdims=True), 0, bias)


@wrong("regularization.dropout_output_layer", "single weights are dropped, not units: one of each dropped unit's stays")
def dropout_output_layer_of_weights(h, weight, bias, dropped, /):
    rest = weight * (np.arange(weight.shape[1]) == 0)
    return np.where(dropped, 0, h) @ weight + np.where(dropped, h, 0) @ rest + bias
