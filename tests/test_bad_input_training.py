"""What training in practice refuses, with one error that says which argument, what came and what was expected."""

import numpy as np
import pytest

import gongsik
from gongsik import DomainError, DtypeError, ShapeError

X, Y, ORDER = np.ones((5, 2)), np.arange(5), np.arange(5)


@pytest.fixture(params=["reference", "torch"])
def bk(request):
    return gongsik.backend(request.param, dtype="float64")


def refuses(error, message, call, *arguments, **options):
    with pytest.raises(error, match=message):
        call(*arguments, **options)


def square(w, x, *_):
    return ((w - x) ** 2).mean()


def test_a_batch_size_that_is_none(bk):
    x, order, orders = bk.asarray(X), bk.asarray(ORDER), bk.asarray(ORDER[None])
    w = bk.asarray(np.array(0.0))
    refuses(
        DomainError, "mini_batches: batch_size is 0, expected an int >= 1", bk.mini_batches, (x,), order, batch_size=0
    )
    refuses(
        DtypeError, "mini_batches: batch_size is 2.0, expected an int", bk.mini_batches, (x,), order, batch_size=2.0
    )
    refuses(DomainError, "data_loader: batch_size is -1", bk.data_loader, (x,), orders, batch_size=-1)
    refuses(
        DomainError, "mini_batch_update: batch_size is 0", bk.mini_batch_update, square, w, (x,), orders, batch_size=0
    )
    refuses(
        DomainError, "supervised_learning_framework: batch_size is 0", bk.supervised_learning_framework,
        lambda w, x: w * x, square, w, (x, x), (x, x), orders, batch_size=0,
    )  # fmt: skip


def test_a_step_beyond_the_end(bk):
    x, order, orders = bk.asarray(X), bk.asarray(ORDER), bk.asarray(np.stack([ORDER, ORDER]))
    w = bk.asarray(np.array(0.0))
    refuses(DomainError, "mini_batches: expected start within the epoch with .*start=4",
            bk.mini_batches, (x,), order, batch_size=2, start=4)  # fmt: skip
    assert bk.mini_batches((x,), order, batch_size=2, start=3) == []
    refuses(DomainError, "data_loader: expected a step within the epochs of orders with .*step=6",
            bk.data_loader, (x,), orders, batch_size=2, step=6)  # fmt: skip
    refuses(DomainError, "data_loader: step is -1, expected an int >= 0", bk.data_loader, (x,), orders, step=-1)
    refuses(DomainError, "data_loader: expected a step", bk.data_loader, (x,), orders, batch_size=6, drop_last=True)
    refuses(DomainError, "mini_batch_update: expected start before the last update",
            bk.mini_batch_update, square, w, (x,), orders, batch_size=2, start=6)  # fmt: skip
    refuses(DomainError, "stochastic_update: expected start before the last update with .*start=10",
            bk.stochastic_update, square, w, (x,), orders, start=10)  # fmt: skip


@pytest.mark.parametrize("wrong", [5, -1])
def test_samples_that_are_not_there(bk, wrong):
    x, order = bk.asarray(X), bk.asarray(np.array([0, wrong]))
    w = bk.asarray(np.array(0.0))
    message = r"a sample is asked for that is not in \[0, 4\]"
    refuses(DomainError, f"tensor_dataset: .*{message}", bk.tensor_dataset, (x,), order)
    refuses(DomainError, f"mini_batches: .*{message}", bk.mini_batches, (x,), order)
    refuses(DomainError, f"data_loader: .*{message}", bk.data_loader, (x,), order[None])
    refuses(DomainError, message, bk.mini_batch_update, square, w, (x,), order[None])


def test_arrays_of_different_length(bk):
    x, y, order = bk.asarray(X), bk.asarray(Y[:4]), bk.asarray(ORDER)
    w = bk.asarray(np.array(0.0))
    refuses(ShapeError, "tensor_dataset: data has 5, 4 samples", bk.tensor_dataset, (x, y), order)
    refuses(ShapeError, "mini_batches: data has 5, 4 samples", bk.mini_batches, (x, y), order)
    refuses(ShapeError, "data_loader: data has 5, 4 samples", bk.data_loader, (x, y), order[None])
    refuses(
        ShapeError, "mini_batch_update: data has 5, 4 samples", bk.mini_batch_update, square, w, (x, y), order[None]
    )
    refuses(ShapeError, "batch_update: data has 5, 4 samples", bk.batch_update, square, w, (x, y))
    refuses(
        ShapeError,
        "transfer_learning: data has 5, 4 samples",
        bk.transfer_learning,
        lambda b, x: x,
        square,
        w,
        w,
        (x, y),
    )
    refuses(
        ShapeError, "supervised_learning_framework: data has 5, 4 samples", bk.supervised_learning_framework,
        lambda w, x: w * x, square, w, (x, x), (x, y), order[None],
    )  # fmt: skip


def test_no_samples(bk):
    nothing, order = bk.asarray(np.zeros((0, 2))), bk.asarray(ORDER)
    w = bk.asarray(np.array(0.0))
    refuses(ShapeError, "tensor_dataset: data has 0 samples", bk.tensor_dataset, (nothing,), order)
    refuses(ShapeError, "mini_batches: data must be arrays", bk.mini_batches, (), order)
    refuses(ShapeError, r"mini_batches: order has shape \(0,\)", bk.mini_batches, (bk.asarray(X),), order[:0])
    refuses(ShapeError, "batch_update: data has 0 samples", bk.batch_update, square, w, (nothing,))
    refuses(DomainError, "batch_update: epochs is 0", bk.batch_update, square, w, (bk.asarray(X),), epochs=0)
    refuses(DtypeError, "mini_batches: data is a list, expected a tuple", bk.mini_batches, [bk.asarray(X)], order)


def test_what_is_no_array(bk):
    refuses(ShapeError, "to_tensor: the lists in data differ in length", bk.to_tensor, [[1, 2], [3]])
    refuses(
        DtypeError,
        "to_tensor: data has dtype .*float64, which does not become int64",
        bk.to_tensor,
        [1.5],
        dtype="int64",
    )
    refuses(DtypeError, "to_tensor: data ", bk.to_tensor, ["a", "b"])
    refuses(DtypeError, "to_tensor: data ", bk.to_tensor, [1j])
    refuses(
        DomainError,
        "to_tensor: dtype is 'float16', expected one of 'float32', 'int64'",
        bk.to_tensor,
        [1],
        dtype="float16",
    )


def test_an_empty_grid(bk):
    refuses(ShapeError, "grid_search: grid is empty", bk.grid_search, sum, {})
    refuses(ShapeError, r"grid_search: lr has shape \(0,\), expected an array of at least one value",
            bk.grid_search, sum, {"lr": bk.asarray(np.zeros(0))})  # fmt: skip
    refuses(ShapeError, r"grid_search: lr is \[0.1\], expected an array", bk.grid_search, sum, {"lr": [0.1]})
    refuses(DtypeError, "grid_search: grid is a list, expected a dict", bk.grid_search, sum, [])


def test_draws_that_do_not_fit_the_space(bk):
    space, uniform = {"x": lambda u: u}, bk.asarray(np.full((2, 3, 2), 0.5))
    message = "space has 1 hyperparameters, uniform has 2 columns"
    refuses(ShapeError, f"random_search: {message}", bk.random_search, sum, space, uniform[0])
    refuses(ShapeError, f"bayesian_optimization: {message}", bk.bayesian_optimization, sum, space, uniform)
    refuses(DomainError, r"random_search: uniform has a value that is not in \[0, 1\]",
            bk.random_search, sum, space, bk.asarray(np.full((2, 1), 1.5)))  # fmt: skip
    refuses(ShapeError, r"bayesian_optimization: uniform has shape \(0, 3, 1\)",
            bk.bayesian_optimization, sum, space, uniform[:0, :, :1])  # fmt: skip


def test_a_history_longer_than_the_search(bk):
    space, uniform = {"x": lambda u: u}, bk.asarray(np.full((4, 1), 0.5))
    found = bk.random_search(lambda point: point["x"], space, uniform)
    message = "random_search: history has 4 points, more than the 2 to try"
    refuses(ShapeError, message, bk.random_search, lambda point: point["x"], space, uniform[:2], found)
    refuses(DtypeError, "random_search: history is a list, expected a tuple",
            bk.random_search, lambda point: point["x"], space, uniform, [])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "options", "message"),
    [
        ("hit_probability", [[1.5]], {"n": 3}, r"q has a value that is not in \[0, 1\]"),
        ("hit_probability", [[0.5]], {"n": 0}, "n is 0, expected an int >= 1"),
        ("expected_improvement", [[0.0], [-1.0], 0.0], {}, "std has a value that is not >= 0"),
        (
            "neural_architecture_reward",
            [[1.1], [1.0]],
            {"target": 1.0},
            r"accuracy has a value that is not in \[0, 1\]",
        ),
        ("neural_architecture_reward", [[1.0], [0.0]], {"target": 1.0}, "latency has a value that is not > 0"),
        ("neural_architecture_reward", [[1.0], [1.0]], {"target": 0.0}, "target is 0.0, expected a float > 0"),
        ("gaussian_process", [[[0.0]], [0.0], [[0.0]]], {"length": 0.0}, "length is 0.0, expected a float > 0"),
        ("gaussian_process", [[[0.0]], [0.0], [[0.0]]], {"noise": 0.0}, "noise is 0.0, expected a float > 0"),
    ],
)
def test_numbers_out_of_their_range(bk, name, arguments, options, message):
    arrays = [bk.asarray(np.array(x)) for x in arguments]
    refuses(DomainError, f"{name}: {message}", getattr(bk, name), *arrays, **options)


def test_observations_that_do_not_fit(bk):
    x, y = bk.asarray(np.zeros((3, 2))), bk.asarray(np.zeros(3))
    refuses(
        ShapeError, r"gaussian_process: y has shape \(2,\), expected \(n,\) with n=3", bk.gaussian_process, x, y[:2], x
    )
    refuses(ShapeError, r"gaussian_process: query has shape \(3, 1\)", bk.gaussian_process, x, y, x[:, :1])


def test_sharpness_of_nothing(bk):
    w, x = bk.asarray(np.zeros(2)), bk.asarray(np.zeros(2))
    refuses(DomainError, "sharpness: eps is 0, expected a float > 0", bk.sharpness, square, w, (x,), x, eps=0)
    refuses(DomainError, "sharpness: box is 'round'", bk.sharpness, square, w, (x,), x, box="round")
    refuses(DomainError, "sharpness: steps is -1", bk.sharpness, square, w, (x,), x, steps=-1)
    refuses(ShapeError, "sharpness: uniform has shape", bk.sharpness, square, w, (x,), x[:1])
    refuses(DtypeError, "sharpness: loss is a float", bk.sharpness, 0.0, w, (x,), x)
