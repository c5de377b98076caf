"""Classic mistakes of training in practice."""

import math

import numpy as np

from gongsik import reference
from gongsik.conformance.wrong import wrong
from gongsik.reference.special import erfc
from gongsik.reference.training import points_of, standard_scores, try_points
from gongsik.spec import training as spec
from gongsik.spec.tree import map_leaves


@wrong("training.to_tensor", "everything becomes float32")
def to_tensor_float(data, /, *, dtype="float32"):
    return reference.to_tensor(data)


@wrong("training.to_tensor", "int64 by way of float32, which has 24 bits")
def to_tensor_through_float(data, /, *, dtype="float32"):
    return reference.to_tensor(data).astype(dtype)


@wrong("training.tensor_dataset", "the next sample is taken")
def tensor_dataset_off_by_one(arrays, index, /):
    return tuple(x[(index + 1) % len(x)] for x in arrays)


@wrong("training.tensor_dataset", "only the first array is indexed")
def tensor_dataset_first_only(arrays, index, /):
    return (arrays[0][index], *arrays[1:])


@wrong("training.mini_batches", "the data are not shuffled")
def mini_batches_in_order(data, order, /, *, batch_size=32, drop_last=False, start=0):
    order = np.sort(order)
    return reference.mini_batches(data, order, batch_size=batch_size, drop_last=drop_last, start=start)


@wrong("training.mini_batches", "the last batch is left out, full or not")
def mini_batches_without_last(data, order, /, *, batch_size=32, drop_last=False, start=0):
    return reference.mini_batches(data, order, batch_size=batch_size, drop_last=drop_last, start=start)[:-1]


@wrong("training.mini_batches", "every array gets an order of its own")
def mini_batches_torn(data, order, /, *, batch_size=32, drop_last=False, start=0):
    parts = [
        reference.mini_batches((x,), np.roll(order, i), batch_size=batch_size, drop_last=drop_last, start=start)
        for i, x in enumerate(data)
    ]
    return [tuple(batch[0] for batch in batches) for batches in zip(*parts, strict=True)]


@wrong("training.data_loader", "every epoch has the order of the first")
def data_loader_one_order(dataset, orders, /, *, step=0, batch_size=64, drop_last=False):
    orders = np.broadcast_to(orders[:1], orders.shape)
    return reference.data_loader(dataset, orders, step=step, batch_size=batch_size, drop_last=drop_last)


@wrong("training.data_loader", "a loader that goes on starts its epoch again")
def data_loader_from_start(dataset, orders, /, *, step=0, batch_size=64, drop_last=False):
    iterations = spec.iterations_per_epoch(orders.shape[1], batch_size, drop_last=drop_last)
    step = step // iterations * iterations
    return reference.data_loader(dataset, orders, step=step, batch_size=batch_size, drop_last=drop_last)


@wrong("training.stochastic_update", "the samples are taken in the order of the data")
def stochastic_update_in_order(loss, params, data, orders, /, *, lr=1e-2, start=0, on_step=None):
    return reference.stochastic_update(loss, params, data, np.sort(orders, -1), lr=lr, start=start)


@wrong("training.stochastic_update", "all gradients at the parameters of the start")
def stochastic_update_late(loss, params, data, orders, /, *, lr=1e-2, start=0, on_step=None):
    slopes = [reference.stochastic_gradient(loss, params, data, i) for i in orders.ravel()[start:]]
    for _, grads in slopes:
        params = reference.gradient_descent(params, grads, lr=lr)
    return spec.Fitted(params, np.stack([value for value, _ in slopes]))


@wrong("training.batch_update", "the gradient of one sample that was left over")
def batch_update_one(loss, params, data, /, *, lr=1e-2, epochs=1, on_step=None):
    return reference.batch_update(loss, params, tuple(x[-1:] for x in data), lr=lr, epochs=epochs)


@wrong("training.batch_update", "the gradient summed, not averaged")
def batch_update_summed(loss, params, data, /, *, lr=1e-2, epochs=1, on_step=None):
    return reference.batch_update(loss, params, data, lr=lr * len(data[0]), epochs=epochs)


@wrong("training.mini_batch_update", "divided by the nominal size of the batch, also the last one's")
def mini_batch_update_nominal(
    loss, params, data, orders, /, *, lr=1e-2, batch_size=32, drop_last=False, start=0, on_step=None
):  # fmt: skip
    losses = []
    for order in orders:
        for batch in reference.mini_batches(data, order, batch_size=batch_size, drop_last=drop_last):
            value, grads = reference.value_and_grad(loss)(params, *batch)
            params = reference.gradient_descent(params, grads, lr=lr * len(batch[0]) / batch_size)
            losses.append(value)
    return spec.Fitted(params, np.stack(losses[start:]))


@wrong("training.mini_batch_update", "the gradient of one sample of the batch")
def mini_batch_update_one(
    loss, params, data, orders, /, *, lr=1e-2, batch_size=32, drop_last=False, start=0, on_step=None
):  # fmt: skip
    def of_first(params, *batch):
        return loss(params, *(x[:1] for x in batch))

    options = {"lr": lr, "batch_size": batch_size, "drop_last": drop_last, "start": start}
    return reference.mini_batch_update(of_first, params, data, orders, **options)


@wrong("training.sharpness", "divided by the loss, without 1")
def sharpness_relative(loss, params, data, uniform, /, **options):
    lowest = loss(params, *data)
    return reference.sharpness(loss, params, data, uniform, **options) * (1 + lowest) / lowest


@wrong("training.sharpness", "the random point of the box, without a search")
def sharpness_at_random(loss, params, data, uniform, /, *, steps=10, **options):
    return reference.sharpness(loss, params, data, uniform, steps=0, **options)


@wrong("training.sharpness", "the box is absolute although it should grow with the parameters")
def sharpness_absolute(loss, params, data, uniform, /, *, box="relative", **options):
    return reference.sharpness(loss, params, data, uniform, box="absolute", **options)


@wrong("training.grid_search", "the largest value is taken for the best")
def grid_search_largest(objective, grid, history=None, /, *, on_step=None):
    found = reference.grid_search(objective, grid, history)
    i = np.argmax(found.values)
    return found._replace(best={name: x[i] for name, x in found.points.items()}, value=found.values[i])


@wrong("training.grid_search", "one coordinate after the other, without the first")
def grid_search_greedy(objective, grid, history=None, /, *, on_step=None):
    found, point = reference.grid_search(objective, grid), {name: x[-1] for name, x in grid.items()}
    for name in list(grid)[1:]:  # the first one stays as it is
        point = reference.grid_search(objective, {**{n: x[None] for n, x in point.items()}, name: grid[name]}).best
    return found._replace(best=point, value=objective(point))


@wrong("training.random_search", "a history is tried again, after the draws")
def random_search_again(objective, space, uniform, history=None, /, *, on_step=None):
    done = 0 if history is None else len(history.values)
    return reference.random_search(objective, space, np.concatenate([uniform[done:], uniform[:done]]))


@wrong("training.random_search", "the draws themselves, not what the distribution makes of them")
def random_search_uniform(objective, space, uniform, history=None, /, *, on_step=None):
    points = {name: uniform[:, i] for i, name in enumerate(space)}
    return try_points("random_search", objective, points, uniform, history, on_step)


@wrong("training.hit_probability", "n q, which is only a bound")
def hit_probability_union(q, /, *, n):
    return n * q


@wrong("training.hit_probability", "1 - q rounds a small q away")
def hit_probability_rounded(q, /, *, n):
    return 1 - (1 - q) ** n


@wrong("training.gaussian_process", "the noise is forgotten")
def gaussian_process_noiseless(x, y, query, /, *, length=1.0, noise=1e-6):
    return reference.gaussian_process(x, y, query, length=length, noise=1e-6)


@wrong("training.gaussian_process", "the variance instead of its root")
def gaussian_process_variance(x, y, query, /, *, length=1.0, noise=1e-6):
    mean, std = reference.gaussian_process(x, y, query, length=length, noise=noise)
    return mean, std * std


@wrong("training.gaussian_process", "length instead of its square in the kernel")
def gaussian_process_length(x, y, query, /, *, length=1.0, noise=1e-6):
    return reference.gaussian_process(x, y, query, length=math.sqrt(length), noise=noise)


@wrong("training.expected_improvement", "for a maximum")
def expected_improvement_upwards(mean, std, best, /):
    return reference.expected_improvement(-mean, std, -best)


@wrong("training.expected_improvement", "the probability of improvement")
def probability_of_improvement(mean, std, best, /):
    z = (best - mean) / np.where(std > 0, std, 1)
    return erfc(-z / math.sqrt(2)) / 2


@wrong("training.bayesian_optimization", "the candidate of smallest mean: nothing is explored")
def bayesian_optimization_greedy(
    objective, space, uniform, history=None, /, *, initial=3, length=0.25, noise=1e-4, on_step=None
):  # fmt: skip
    at = list(uniform[:initial, 0])
    values = [objective(points_of(space, x)) for x in at]
    for candidates in uniform[initial:]:
        y = standard_scores(np.stack(values).astype(uniform.dtype))
        mean, _ = reference.gaussian_process(np.stack(at), y, candidates, length=length, noise=noise)
        at.append(candidates[np.argmin(mean)])
        values.append(objective(points_of(space, at[-1])))
    at = np.stack(at)
    return try_points("bayesian_optimization", objective, points_of(space, at), at, None, None)


@wrong("training.bayesian_optimization", "always the first candidate")
def bayesian_optimization_random(
    objective, space, uniform, history=None, /, *, initial=3, length=0.25, noise=1e-4, on_step=None
):  # fmt: skip
    return reference.random_search(objective, space, uniform[:, 0], history)


@wrong("training.neural_architecture_reward", "the share of the latency upside down")
def reward_upside_down(accuracy, latency, /, *, target, w=-0.07):
    return accuracy * (target / latency) ** w


@wrong("training.neural_architecture_reward", "a penalty that is added")
def reward_added(accuracy, latency, /, *, target, w=-0.07):
    return accuracy + w * np.log(latency / target)


@wrong("training.transfer_learning", "the backbone is trained although it is frozen")
def transfer_learning_thawed(
    features, loss, backbone, head, data, /, *, freeze=True, lr=0.1, epochs=100, on_step=None
):  # fmt: skip
    return reference.transfer_learning(features, loss, backbone, head, data, freeze=False, lr=lr, epochs=epochs)


@wrong("training.transfer_learning", "the head is frozen, not the backbone")
def transfer_learning_wrong_part(
    features, loss, backbone, head, data, /, *, freeze=True, lr=0.1, epochs=100, on_step=None
):  # fmt: skip
    found = reference.transfer_learning(features, loss, backbone, head, data, freeze=False, lr=lr, epochs=epochs)
    return found._replace(head=head)


@wrong("training.supervised_learning_framework", "measured on what was fitted, not on unseen data")
def framework_on_seen(model, objective, params, data, unseen, orders, /, *, lr=1e-2, batch_size=32, on_step=None):
    return reference.supervised_learning_framework(
        model, objective, params, data, data, orders, lr=lr, batch_size=batch_size
    )


@wrong("training.supervised_learning_framework", "the parameters of the start are measured")
def framework_of_start(model, objective, params, data, unseen, orders, /, *, lr=1e-2, batch_size=32, on_step=None):
    report = reference.supervised_learning_framework(
        model, objective, params, data, unseen, orders, lr=lr, batch_size=batch_size
    )
    return report._replace(test_loss=objective(model(map_leaves(np.copy, params), unseen[0]), unseen[1]))
