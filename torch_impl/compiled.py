"""Formulas compiled by `torch.compile`, where that pays, and steps that write over what they are given.

``gongsik.backend("torch", compile=True)`` passes every formula through `compiled`. Of an optimizer the arithmetic of
one tensor is compiled, once for all sizes, and run for every large tensor and for all small ones joined: compiling
neither takes longer for more parameters, nor is repeated when a rate changes.
"""

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from gongsik.spec.tree import leaves
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.trees import (
    Columns,
    Kernel,
    bind,
    columns_of,
    eager,
    is_transformed,
    run_joined,
    trees_of,
    without_gradient,
)

PAYS_FROM = 2**20
"""Elements from which on a compiled formula repays the cost of its call (some 50 microseconds)."""

KERNEL_PAYS_FROM = 2**16
"""The same for a kernel of an optimizer, which saves more: a handful of passes over as many arrays."""


GAINS = frozenset({
    "activation.step", "activation.tanh", "loss.mae", "loss.cross_entropy", "loss.softmax_cross_entropy",
    "loss.binary_cross_entropy", "loss.gaussian_nll", "loss.zero_one_loss", "loss.hinge_loss", "loss.logistic_loss",
    "loss.exponential_loss", "network.perceptron", "network.xor_mlp", "optimizer.exponential_moving_average",
    "optimizer.cosine_decay", "optimizer.inverse_sqrt_decay", "optimizer.linear_warmup", "pooling.max_pool2d",
    "pooling.block_max_pool", "pooling.avg_pool2d", "pooling.stochastic_pool2d_inference", "normalization.standardize",
    "normalization.batch_norm_affine", "normalization.batch_norm_running", "normalization.local_response_norm",
    "regularization.to_grayscale", "regularization.weight_noise", "regularization.mixup", "regularization.cutmix",
    "regularization.inverted_dropout", "language.glove", "training.hit_probability", "training.expected_improvement",
})  # fmt: skip
"""Formulas that were seen to gain: 1.15 to 4 times the speed on the CPU. They make several passes over their arrays.

The others stay as they are. One kernel of torch's own is as fast as what is compiled, or up to 5 times faster; and
compiled code need not have the digits: of exp(x) - 1, which it makes of the expm1 in elu, none is right near 0.
"""


def compiled(function: Callable[..., Any], id: str, /, *, donate: bool = False) -> Callable[..., Any]:
    """The same formula, compiled for large inputs if it is one that gains; small ones take the usual way.

    Parameters
    ----------
    function : callable
        A formula of this backend.
    id : str
        Its id.
    donate : bool
        Whether an optimizer may write over the parameters and the state that it is given (and `clip_grad_norm` over the
        gradients), and so needs no new memory. They are then used up, as with JAX's `donate_argnums`: only the returned
        ones are valid.

    Returns
    -------
    callable
        With the signature and the input check of `function`.
    """
    formula, inner = function.formula, function.__wrapped__  # pyright: ignore[reportFunctionMemberAccess]
    if hasattr(inner, "with_runner"):
        return implements(formula.function)(inner.with_runner(functools.partial(_run, donate=donate)))
    if id not in GAINS:
        return function
    # every number is compiled in, because torch may go on with one of an earlier call (pytorch/pytorch#194976)
    fast = torch._dynamo.config.patch(specialize_float=True)(torch.compile(inner, dynamic=True))

    @functools.wraps(inner)
    def chosen(*arguments: Any, **options: Any) -> Any:
        size = sum(x.numel() for x in leaves(arguments) if isinstance(x, Tensor))
        return (fast if size >= PAYS_FROM else inner)(*arguments, **options)

    return implements(formula.function)(chosen)


def _run(
    kernel: Kernel,
    trees: Sequence[Any],
    *coefficients: Any,
    in_place: Callable[..., Any] | None = None,
    out_of_place: Callable[..., Any] | None = None,
    donate: bool,
) -> list[Any]:
    """The runner that compiles; with `donate` it writes over all trees but the second, the gradient."""
    columns = columns_of(trees)
    if is_transformed(columns) or (out_of_place is not None and not donate):
        return eager(kernel, trees, *coefficients, out_of_place=out_of_place)
    with torch.no_grad():
        if donate and in_place is not None and all(all(map(Tensor.is_contiguous, column)) for column in columns):
            in_place(*columns)
            return trees_of(trees[0], without_gradient(columns))
        return trees_of(trees[0], _run_kernel(kernel, columns, coefficients, donate))


def _run_kernel(kernel: Kernel, columns: Columns, coefficients: Sequence[Any], donate: bool) -> Columns:
    usual = bind(kernel, coefficients)
    # as tensors: for numbers the kernel would be compiled again and again, or go wrong as described above
    scalars = [torch.tensor(x, dtype=torch.float64) if type(x) in (float, int) else x for x in coefficients]

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        if tensors[0].numel() < KERNEL_PAYS_FROM:
            return usual(*tensors)
        # one compiled kernel for any number of axes, and (by `data`) one for views and for others
        flat = [x.reshape(-1).data for x in tensors]
        results = _compile(kernel, donate)(*flat, *scalars)
        if results is not None:
            return tuple(x.view(tensors[0].shape) for x in results)
        pairs = zip(without_gradient(tensors), without_gradient(flat), strict=True)
        return tuple(old if old.is_contiguous() else copy.view(old.shape) for old, copy in pairs)

    return run_joined(columns, run)


@functools.cache
def _compile(kernel: Kernel, donate: bool) -> Callable[..., tuple[Tensor, ...] | None]:
    """The compiled kernel; with `donate` it returns nothing and writes over the parameters and the states."""
    if not donate:
        return torch.compile(kernel, dynamic=True)

    def donating(*arguments: Any) -> None:
        for old, new in zip(without_gradient(arguments), kernel(*arguments), strict=False):  # after them: coefficients
            old.copy_(new)

    # torch.compile limits compilations per code object, so every kernel needs one of its own.
    code = donating.__code__.replace(co_name=f"donating{kernel.__name__}")
    return torch.compile(types.FunctionType(code, globals(), closure=donating.__closure__), dynamic=True)
