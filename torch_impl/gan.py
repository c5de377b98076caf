"""Generative adversarial networks in PyTorch."""

import math

import torch
import torch.nn.functional as F
from torch._C._functorch import peek_interpreter_stack  # pyright: ignore[reportMissingImports]

from gongsik.spec import gan as spec
from gongsik.spec.cnn import TrainingPass
from gongsik.spec.layers import check_network, nest
from gongsik.spec.tree import leaves, map_leaves, rebuild
from gongsik.torch_impl.arrays import implements, value_and_grad
from gongsik.torch_impl.layers import Pass, beside, evaluate, run
from gongsik.torch_impl.loss import softmax_cross_entropy

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
    return prob_real.log().mean() + (-prob_fake).log1p_().mean()


def mean_log_no(s):
    """-log(1 - D) = log(1 + e^s), averaged; above the threshold that is s in every precision."""
    return F.softplus(s, threshold=40).mean()


def mean_log_yes(s):
    """-log D, averaged. With beta = -1, softplus is -log(1 + e^-s), which spares a pass for the sign."""
    return -F.softplus(s, beta=-1, threshold=40).mean()


@implements(spec.discriminator_loss)
def discriminator_loss(logit_real, logit_fake, /):
    return mean_log_yes(logit_real) + mean_log_no(logit_fake)


@implements(spec.generator_loss)
def generator_loss(logit_fake, /):
    return -mean_log_no(logit_fake)


@implements(spec.non_saturating_generator_loss)
def non_saturating_generator_loss(logit_fake, /):
    return mean_log_yes(logit_fake)


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
            sample = fake
            if j != last:
                with torch.no_grad():  # nothing goes back into the generator
                    sample = game.generate(g, *(z[r, j] for z in draws))
            value, grads = value_and_grad(game.discriminator_loss)(d, sample, *(x[r, j] for x in batches))
            d, d_state = game.update_discriminator(d, grads, d_state)
            d_losses.append(value)
        # by the samples only: nothing is spent on gradients of the discriminator's parameters
        value, upstream = value_and_grad(loss_of_samples)(fake, d, *(x[r, k - 1] for x in batches))
        g, g_state = game.update_generator(g, back(upstream), g_state)
        g_losses.append(value)
        if on_step is not None:
            on_step(r + 1, d_losses[-1], value)
    players = spec.Players(g, d, g_state, d_state)
    return spec.Played(players, torch.stack(d_losses).reshape(rounds, k), torch.stack(g_losses))


def rounds_of(arrays, rounds):
    return [x.reshape(rounds, -1, *x.shape[1:]) for x in arrays]  # [rounds, steps, ...]


def vjp(function, params, /, *rest):
    """Value of a function, without its record, and the way back: from a gradient by it to one by the parameters."""
    if is_transformed():
        value, back, *_ = torch.func.vjp(lambda params: function(params, *rest), params)
        return value.detach(), lambda upstream: back(upstream)[0]
    given = [p.detach().requires_grad_() for p in leaves(params)]
    with torch.enable_grad():
        value = function(rebuild(params, given), *rest)

    def back(upstream):
        return rebuild(params, torch.autograd.grad(value, given, upstream, materialize_grads=True))

    return value.detach(), back


def is_transformed():
    """Whether torch traces or transforms what is called here: then gradients are those of torch.func."""
    return torch.compiler.is_compiling() or peek_interpreter_stack() is not None


# Mode collapse, and remedies


@implements(spec.feature_matching)
def feature_matching(real, fake, /):
    return F.mse_loss(fake.mean(0), real.mean(0), reduction="sum")


@implements(spec.minibatch_discrimination)
def minibatch_discrimination(features, kernel, /, *, include_self=True):
    M = (features @ kernel.flatten(1)).unflatten(1, kernel.shape[1:]).transpose(0, 1)  # [b, n, c]
    # cdist does not form the [b, n, n, c] differences; it knows no half precision
    wide = M.to(torch.promote_types(M.dtype, torch.float32))
    closeness = (-torch.cdist(wide, wide, p=1.0)).exp()  # [b, n, n]
    if not include_self:  # not by taking 1 away, beside which little would be left of a small rest
        closeness = closeness.masked_fill(torch.eye(len(features), dtype=torch.bool, device=M.device), 0)
    return closeness.sum(-1).to(M.dtype).T


@implements(spec.historical_averaging)
def historical_averaging(theta, state=None, /):
    first = leaves(theta)[0]
    count = torch.zeros((), dtype=torch.int64, device=first.device) if state is None else state.count
    mean = theta if state is None else state.mean
    away = map_leaves(torch.sub, theta, mean)
    squares = [torch.linalg.vecdot(d.reshape(-1), d.reshape(-1)) for d in leaves(away)]
    share = 1 / (count + 1).double()
    new = map_leaves(lambda m, d: torch.addcmul(m, d, share.to(d.dtype)), mean, away)
    return sum(squares[1:], squares[0]), spec.HistoryState(count + 1, new)


# Another distance


@implements(spec.wasserstein_distance)
def wasserstein_distance(x, y, x_weights=None, y_weights=None, /):
    n, m = len(x), len(y)
    t, order = torch.sort(torch.cat([x, y]), stable=True)
    if x_weights is None and y_weights is None:  # whole numbers, without an error
        excess = torch.where(order < n, m, -n).cumsum(0).to(x.dtype) / (n * m)
    else:
        F_x = (order < n).cumsum(0).to(t.dtype) / n if x_weights is None else F.pad(x_weights, (0, m))[order].cumsum(0)
        F_y = (order >= n).cumsum(0).to(t.dtype) / m if y_weights is None else F.pad(y_weights, (n, 0))[order].cumsum(0)
        excess = F_x - F_y
    return (excess[:-1].abs() * t.diff()).sum()


@implements(spec.critic_loss)
def critic_loss(score_real, score_fake, /):
    for name, score in (("score_real", score_real), ("score_fake", score_fake)):
        if is_sigmoid(score):
            spec.warn_of_sigmoid("critic_loss", name)
    return score_fake.mean() - score_real.mean()


MOVES = {"ViewBackward0", "UnsafeViewBackward0", "SqueezeBackward0", "SqueezeBackward1", "SelectBackward0"}


def is_sigmoid(x):
    """Whether the record of a tensor says that it comes out of a sigmoid, perhaps in another shape."""
    node = None if torch.compiler.is_compiling() else x.grad_fn
    while node is not None and node.name() in MOVES:
        node = node.next_functions[0][0]
    return node is not None and node.name() == "SigmoidBackward0"


@implements(spec.critic_generator_loss)
def critic_generator_loss(score_fake, /):
    return -score_fake.mean()


@implements(spec.lipschitz_constant)
def lipschitz_constant(weight, /):
    # An eigenvalue of the smaller Gram matrix costs a fraction of a decomposition; scaled, its squares stay finite.
    scale = weight.abs().amax((-2, -1), keepdim=True)
    scale = torch.where(scale > 0, scale, 1)
    w = (weight / scale).to(torch.promote_types(weight.dtype, torch.float32))  # LAPACK has no half precision
    gram = w @ w.mT if w.shape[-2] <= w.shape[-1] else w.mT @ w
    return scale[..., 0, 0] * torch.linalg.eigvalsh(gram)[..., -1].clamp(min=0).sqrt().to(weight.dtype)


@implements(spec.lipschitz_lower_bound)
def lipschitz_lower_bound(x, fx, /):
    run, rise = distances(x), distances(fx)
    same = run == 0
    return torch.where(same, 0, rise / torch.where(same, 1, run)).amax().to(x.dtype)


def distances(x):
    """Between the rows of every pair; through a matrix product they would be wrong where rows are close."""
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    if is_transformed():  # of pdist no transformation knows
        return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    return F.pdist(x)


@implements(spec.weight_clipping)
def weight_clipping(params, /, *, c=0.01):
    return map_leaves(lambda w: w.clamp(-c, c), params)


@implements(spec.gradient_penalty)
def gradient_penalty(critic, params, real, fake, uniform, /, *, strength=10.0, one_sided=False):
    epsilon = uniform.reshape(-1, *(1,) * (real.ndim - 1))  # [n, 1, ...]
    between = torch.lerp(fake, real, epsilon)

    def total_score(x):
        score = critic(params, x)
        if is_sigmoid(score):
            spec.warn_of_sigmoid("gradient_penalty", "the critic's score")
        return score.sum()

    slope = torch.linalg.vector_norm(grad(total_score, between).reshape(len(real), -1), dim=-1)  # [n]
    excess = slope - 1
    if one_sided:
        excess = excess.clamp(min=0)
    return strength * excess.square().mean()


def grad(function, x):
    """Gradient of a scalar function of one tensor; where gradients are recorded, with its own record."""
    if is_transformed():
        return torch.func.grad(function)(x)
    recorded = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        value = function(x)
        if not value.requires_grad:
            return torch.zeros_like(x)
        return torch.autograd.grad(value, x, create_graph=recorded, materialize_grads=True)[0]


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
    if not torch.compiler.is_compiling():
        check_network("conditional_training", config, params, buffers, x.shape, draws)
    buffers = {name: array.clone() for name, array in buffers.items()}  # which the kernels write over
    now = Pass(training=True, condition=y)
    output = run(config.network, nest(params | buffers | draws), x, now)
    return TrainingPass(output, tuple(now.auxiliary), buffers)


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
    return F.l1_loss(x_cycled, x) + F.l1_loss(y_cycled, y)


@implements(spec.cyclegan)
def cyclegan(config, params, x, y, /, *, weight=10.0, adversarial="least_squares"):
    if not torch.compiler.is_compiling():
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
        fooled = sum((fake - 1).square().mean() for _, fake in pairs)
        discriminator = sum((real - 1).square().mean() + fake.square().mean() for real, fake in pairs) / 2
    cycle = cycle_consistency_loss(x, translate("F", y_fake), y, translate("G", x_fake))
    return spec.Translations(torch.add(fooled, cycle, alpha=weight), discriminator)


@implements(spec.stargan)
def stargan(config, params, x, domain, target, /, *, class_weight=1.0, cycle_weight=10.0):
    if not torch.compiler.is_compiling():
        spec.check_translators("stargan", config, params, x=x.shape)
    at, k = nest(params), config.domains

    def translate(image, c):
        return run(config.generator.network, at["G"], image, Pass(condition=F.one_hot(c.long(), k).to(x.dtype)))

    def judge(image):
        said = run(config.discriminator.network, at["D"], image, Pass())
        return said[:, :-k], said[:, -k:]  # scores of patches, logits of domains

    fake = translate(x, target)
    (score_real, domain_real), (score_fake, domain_fake) = judge(x), judge(fake)
    named, back = softmax_cross_entropy(domain_fake, target), F.l1_loss(translate(fake, domain), x)
    return spec.Translations(
        critic_generator_loss(score_fake) + class_weight * named + cycle_weight * back,
        critic_loss(score_real, score_fake) + class_weight * softmax_cross_entropy(domain_real, domain),
    )


@implements(spec.fade_in)
def fade_in(low, high, alpha, /):
    return torch.lerp(F.interpolate(low, scale_factor=2).to(high.dtype), high, alpha)


@implements(spec.matching_aware_loss)
def matching_aware_loss(logit_real, logit_mismatched, logit_fake, /):
    false = mean_log_no(logit_mismatched) + mean_log_no(logit_fake)
    return torch.add(mean_log_no(-logit_real), false, alpha=0.5)


@implements(spec.jigsaw)
def jigsaw(x, permutation, /, *, grid=3):
    # One gather on a view of the parts, and one copy to lay them out.
    n, c, h, w = x.shape
    parts = x.reshape(n, c, grid, h // grid, grid, w // grid).permute(0, 2, 4, 1, 3, 5)  # [n grid grid c h/grid w/grid]
    rows = torch.arange(n, device=x.device)[:, None]
    laid = parts[rows, permutation // grid, permutation % grid]  # [n grid*grid c h/grid w/grid]
    return laid.unflatten(1, (grid, grid)).permute(0, 3, 1, 4, 2, 5).reshape(x.shape)


@implements(spec.restoration_loss)
def restoration_loss(restored, x, logit_fake, /, *, weight=0.999):
    return weight * F.mse_loss(restored, x) + (1 - weight) * non_saturating_generator_loss(logit_fake)
