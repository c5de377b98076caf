"""What an optimizer refuses, with one error that says which argument, what came and what was expected."""

import numpy as np
import pytest

import gongsik
from gongsik import DomainError, DtypeError, ShapeError
from gongsik.spec.optimizer import AdamState, MomentumState

X, G = np.ones(3), np.ones(3)


@pytest.fixture(params=["reference", "torch"])
def bk(request):
    return gongsik.backend(request.param)


def tree(bk, *shapes, dtype="float64"):
    return [bk.asarray(np.ones(shape), dtype=dtype) for shape in shapes]


def refuses(error, message, call, *arguments, **options):
    with pytest.raises(error, match=message):
        call(*arguments, **options)


@pytest.mark.parametrize("name", ["gradient_descent", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_a_negative_learning_rate(bk, name):
    x = bk.asarray(X)
    refuses(DomainError, rf"{name}: lr is -0.1, expected a float >= 0", getattr(bk, name), x, x, lr=-0.1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("momentum", {"beta": 1.0}, r"beta is 1.0, expected a float in \[0, 1\)"),
        ("nesterov", {"form": "sideways"}, "form is 'sideways', expected one of 'shifted', 'lookahead'"),
        ("adagrad", {"eps": -1e-8}, "eps is -1e-08, expected a float >= 0"),
        ("rmsprop", {"eps_place": "above"}, "eps_place is 'above', expected one of 'outside', 'inside'"),
        ("adam", {"beta2": 1.5}, r"beta2 is 1.5, expected a float in \[0, 1\)"),
        ("adamw", {"weight_decay": -1.0}, "weight_decay is -1.0, expected a float >= 0"),
        ("nadam", {"form": "full"}, "form is 'full'"),
    ],
)
def test_an_option_out_of_its_range(bk, name, options, message):
    x = bk.asarray(X)
    refuses(DomainError, f"{name}: {message}", getattr(bk, name), x, x, **options)


def test_an_option_that_is_no_number(bk):
    x = bk.asarray(X)
    refuses(DtypeError, "adam: lr is 'fast', expected a float", bk.adam, x, x, lr="fast")


def test_gradients_that_do_not_fit_the_parameters(bk):
    one, other = tree(bk, (3,), (2, 2)), tree(bk, (3,), (2, 3))
    refuses(ShapeError, r"adam: grad\[1\] has shape \(2, 3\), expected \(2, 2\) as param has", bk.adam, one, other)
    refuses(ShapeError, "adam: grad has 1 arrays, expected 2 as param has", bk.adam, one, other[:1])
    named = dict(zip("ab", one, strict=True))
    renamed = dict(zip("ac", one, strict=True))
    refuses(ShapeError, "adam: grad is nested differently from param", bk.adam, named, renamed)
    single = tree(bk, (3,), (2, 2), dtype="float32")
    refuses(DtypeError, "adam: grad has dtype .*float32, expected .*float64", bk.adam, one[0], single[0])
    refuses(DtypeError, "adam: param holds an array of dtype .*int64", bk.adam, bk.asarray(np.arange(3)), one[0])
    refuses(DtypeError, "momentum: param holds a float, expected float arrays", bk.momentum, 1.0, one[0])


def test_no_parameters(bk):
    refuses(ShapeError, "adam: param holds no array", bk.adam, [], [])


def test_a_state_of_another_optimizer_or_shape(bk):
    x, g = bk.asarray(X), bk.asarray(G)
    refuses(DtypeError, "adam: state is a MomentumState, expected an AdamState", bk.adam, x, g, MomentumState(x))
    refuses(DtypeError, "momentum: state is a tuple, expected a MomentumState", bk.momentum, x, g, (x,))
    one = bk.asarray(np.ones(1, np.int64))
    refuses(ShapeError, "adam: state.step must be an array without axes", bk.adam, x, g, AdamState(one, x, x))
    real = bk.asarray(np.array(1.0))
    refuses(
        DtypeError, "adam: state.step has dtype .*float64, expected an integer", bk.adam, x, g, AdamState(real, x, x)
    )
    count = bk.asarray(np.array(1))
    wide = bk.asarray(np.ones(4))
    refuses(ShapeError, r"adam: state.v has shape \(4,\)", bk.adam, x, g, AdamState(count, x, wide))


def loss(w, x):
    return ((x - w) ** 2).mean()


def test_samples_that_are_not_there(bk):
    w, data = bk.asarray(np.array(0.0)), (bk.asarray(X),)
    for index in (3, -1):
        i = bk.asarray(np.array(index))
        message = r"stochastic_gradient: index has a value that is not in \[0, 2\]"
        refuses(DomainError, message, bk.stochastic_gradient, loss, w, data, i)
    batch = bk.asarray(np.array([0, 7]))
    refuses(DomainError, "mini_batch_gradient: index has a value", bk.mini_batch_gradient, loss, w, data, batch)
    nothing = bk.asarray(np.zeros(0, np.int64))
    refuses(ShapeError, r"mini_batch_gradient: index has shape \(0,\)", bk.mini_batch_gradient, loss, w, data, nothing)


def test_data_that_is_no_data_set(bk):
    w = bk.asarray(np.array(0.0))
    uneven = (bk.asarray(np.ones(3)), bk.asarray(np.ones((2, 3))))
    refuses(ShapeError, "batch_gradient: data has 3, 2 samples", bk.batch_gradient, loss, w, uneven)
    refuses(ShapeError, "batch_gradient: data has 0 samples", bk.batch_gradient, loss, w, (bk.asarray(np.ones(0)),))
    refuses(ShapeError, "batch_gradient: data must be arrays", bk.batch_gradient, loss, w, (w,))
    refuses(ShapeError, "batch_gradient: data must be arrays", bk.batch_gradient, loss, w, ())
    refuses(DtypeError, "batch_gradient: data is a list", bk.batch_gradient, loss, w, [bk.asarray(X)])
    refuses(DtypeError, "batch_gradient: loss is a float", bk.batch_gradient, 0.0, w, (bk.asarray(X),))


def test_a_hessian_without_an_inverse(bk):
    x = bk.asarray(np.ones(2))
    refuses(DomainError, "newton_method: hessian is singular", bk.newton_method, x, x, bk.asarray(np.ones((2, 2))))
    refuses(
        ShapeError, r"newton_method: hessian has shape \(2, 3\)", bk.newton_method, x, x, bk.asarray(np.ones((2, 3)))
    )


def test_steps_and_lengths_of_schedules(bk):
    step = bk.asarray(np.array([0, 5]))
    refuses(DomainError, "cosine_decay: total_steps is 0, expected an int > 0", bk.cosine_decay, step, total_steps=0)
    refuses(DtypeError, "cosine_decay: total_steps is 10.0, expected an int", bk.cosine_decay, step, total_steps=10.0)
    refuses(DomainError, "cosine_decay: expected min_lr to be at most", bk.cosine_decay, step, base_lr=0.1, min_lr=0.2)
    refuses(DomainError, "cosine_decay: step has a value that is not >= 0", bk.cosine_decay, bk.asarray(np.array(-1)))
    refuses(DtypeError, "linear_decay: step has dtype", bk.linear_decay, bk.asarray(np.array([0.5])))
    refuses(DomainError, "inverse_sqrt_decay: step has a value that is not >= 1", bk.inverse_sqrt_decay, step)
    refuses(DomainError, "linear_warmup: expected total_steps", bk.linear_warmup, step, decay="cosine")
    late = {"decay": "linear", "warmup_steps": 100, "total_steps": 100}
    refuses(DomainError, "linear_warmup: expected total_steps to be larger", bk.linear_warmup, step, **late)


def test_clipping_to_nothing_and_an_average_of_nothing(bk):
    x = bk.asarray(X)
    refuses(DomainError, "clip_grad_norm: max_norm is 0.0, expected a float > 0", bk.clip_grad_norm, x, max_norm=0.0)
    empty = bk.asarray(np.ones((0, 3)))
    message = r"exponential_moving_average: x has shape \(0, 3\), expected \(t, \*shape\) with t at least 1"
    refuses(ShapeError, message, bk.exponential_moving_average, empty)
