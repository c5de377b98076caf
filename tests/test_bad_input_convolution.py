"""What bad input of a convolution gets: one clear error, the same in both backends."""

import numpy as np
import pytest

import gongsik
from gongsik.spec import DomainError, DtypeError, ShapeError
from gongsik.spec.convolution import (
    ConvStack,
    conv_multiply_adds,
    conv_output_size,
    conv_parameter_count,
    conv_transpose_output_size,
    receptive_field,
    same_padding,
)

BACKENDS = {name: gongsik.backend(name) for name in ("reference", "torch")}
LAYERS = ["conv2d", "grouped_conv2d", "dilated_conv2d", "depthwise_conv2d", "depthwise_separable_conv2d",
          "spatially_separable_conv2d", "flattened_conv2d"]  # fmt: skip


@pytest.fixture(params=list(BACKENDS))
def bk(request):
    return BACKENDS[request.param]


def refusal(bk, name, *arguments, **options):
    """The error of a call, as its class and its message."""
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        getattr(bk, name)(*(bk.asarray(x) if isinstance(x, np.ndarray) else x for x in arguments), **options)
    return caught.type, str(caught.value).removeprefix(f"{name}: ")


def layer(name, size=4, kernel=3, c=2):
    """Arguments and options of a layer on a square image."""
    x, weight, lines = np.ones((1, c, size, size)), np.ones((c, c, kernel, kernel)), np.ones((c, kernel))
    return {
        "conv2d": ((x, weight), {}),
        "grouped_conv2d": ((x, weight), {"groups": 1}),
        "dilated_conv2d": ((x, weight), {"dilation": 1}),
        "depthwise_conv2d": ((x, weight[:, :1]), {}),
        "depthwise_separable_conv2d": ((x, weight[:, :1], np.ones((c, c))), {}),
        "spatially_separable_conv2d": ((x, lines[0], lines[0]), {}),
        "flattened_conv2d": ((x, np.ones((c, c)), lines, lines), {}),
    }[name]


@pytest.mark.parametrize("name", LAYERS)
def test_a_kernel_has_to_fit_into_the_padded_input(bk, name):
    arguments, options = layer(name, size=2, kernel=5)
    kind, message = refusal(bk, name, *arguments, **{**options, "padding": 1})
    assert kind is DomainError
    assert message.startswith("expected a kernel that fits into the padded input with h=2 (from x), kh=5 (from ")
    assert "padding=1" in message
    getattr(bk, name)(*map(bk.asarray, arguments), **{**options, "padding": 2})


@pytest.mark.parametrize("name", LAYERS)
def test_dilation_counts_in_the_size_of_a_kernel(bk, name):
    arguments, options = layer(name, size=4, kernel=3)
    assert refusal(bk, name, *arguments, **{**options, "dilation": (1, 2)})[0] is DomainError


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "dilated_conv2d"])
@pytest.mark.parametrize(
    ("stride", "kind"), [(0, DomainError), ((1, 0), DomainError), (-1, DomainError), (1.0, DtypeError),
                         ((1, 1, 1), DtypeError), (True, DtypeError), ("same", DtypeError)]
)  # fmt: skip
def test_a_stride_is_at_least_1(bk, name, stride, kind):
    arguments, options = layer(name)
    found = refusal(bk, name, *arguments, **{**options, "stride": stride})
    assert found == (kind, f"stride is {stride!r}, expected an int >= 1, a pair of them")


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("padding", [-1, (0, -1), "valid", 0.5])
def test_a_padding_is_at_least_0_or_same(bk, name, padding):
    arguments, options = layer(name)
    kind, message = refusal(bk, name, *arguments, **{**options, "padding": padding})
    assert kind is (DtypeError if isinstance(padding, float) else DomainError)
    assert message == f"padding is {padding!r}, expected an int >= 0, a pair of them or 'same'"


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "dilated_conv2d"])
def test_padding_same_has_a_stride_of_1(bk, name):
    arguments, options = layer(name)
    kind, message = refusal(bk, name, *arguments, **{**options, "padding": "same", "stride": (1, 2)})
    assert kind is DomainError
    assert message.startswith("expected a stride of 1 where padding is 'same' with ")


@pytest.mark.parametrize("name", ["conv2d", "grouped_conv2d"])
def test_groups_divide_the_channels(bk, name):
    assert refusal(bk, name, np.ones((1, 6, 4, 4)), np.ones((8, 4, 3, 3)), groups=2) == (
        ShapeError,
        "weight has shape (8, 4, 3, 3), expected (o, c//groups, kh, kw) with c=6 (from x), groups=2",
    )
    for c, o in ((3, 4), (4, 3)):
        kind, message = refusal(bk, name, np.ones((1, c, 4, 4)), np.ones((o, c // 2, 3, 3)), groups=2)
        assert kind is DomainError
        assert message.startswith("expected groups that divide the channels of the input and of the output with ")
    assert refusal(bk, name, np.ones((1, 4, 4, 4)), np.ones((4, 4, 3, 3)), groups=0) == (
        DomainError,
        "groups is 0, expected an int > 0",
    )


def test_arrays_of_a_layer_fit_each_other(bk):
    x, weight = np.ones((1, 3, 4, 4)), np.ones((2, 3, 3, 3))
    assert refusal(bk, "conv2d", x[0, 0], weight)[0] is ShapeError
    assert refusal(bk, "conv2d", x, weight[0])[0] is ShapeError
    assert refusal(bk, "conv2d", x, weight, np.ones(3)) == (
        ShapeError, "bias has shape (3,), expected (o,) with o=2 (from weight)",
    )  # fmt: skip
    assert refusal(bk, "conv2d", x.astype(np.int64), weight)[0] is DtypeError
    assert refusal(bk, "conv2d", x.tolist(), weight) == (DtypeError, "x is a list, expected an array")
    assert refusal(bk, "conv2d", np.ones((1, 0, 4, 4)), weight)[0] is ShapeError
    assert refusal(bk, "depthwise_conv2d", x, weight)[0] is ShapeError
    assert refusal(bk, "pointwise_conv2d", x, np.ones((2, 4)))[0] is ShapeError


def test_a_transposed_convolution_leaves_something(bk):
    x, weight = np.ones((1, 4, 2, 2)), np.ones((4, 1, 3, 3))
    kind, message = refusal(bk, "conv_transpose2d", x, weight, padding=2)
    assert kind is DomainError
    assert message.startswith("expected a padding that leaves at least one pixel with ")
    for output_padding in (2, (0, 2)):
        kind, message = refusal(bk, "conv_transpose2d", x, weight, stride=2, output_padding=output_padding)
        assert kind is DomainError
        assert message.startswith("expected an output_padding below the stride or the dilation with ")
    assert refusal(bk, "conv_transpose2d", x, weight, groups=3)[1].startswith(
        "expected groups that divide the channels"
    )
    assert refusal(bk, "conv_transpose2d", x, weight, np.ones(3), groups=2)[0] is ShapeError
    assert refusal(bk, "conv_transpose2d", x, weight, padding="same")[0] in (DomainError, DtypeError)


def test_gradients_belong_to_a_size(bk):
    x, grad, weight = np.ones((1, 2, 5, 5)), np.ones((1, 3, 3, 3)), np.ones((3, 2, 3, 3))
    kind, message = refusal(bk, "conv2d_grad_input", grad, weight, size=6)
    assert kind is DomainError
    assert message.startswith("expected the size of an input whose convolution has the size of grad with ")
    kind, message = refusal(bk, "conv2d_grad_weight", x, grad, kernel=(3, 2))
    assert kind is DomainError
    assert message.startswith("expected a kernel with which the convolution of x has the size of grad with ")
    assert refusal(bk, "conv2d_grad_weight", np.ones((2, 2, 5, 5)), grad, kernel=3)[0] is ShapeError
    assert refusal(bk, "conv2d_grad_input", grad, weight, size=5, groups=2)[0] is DomainError


def test_modes_have_names_and_a_longer_sequence_first(bk):
    short, long = np.ones(2), np.ones(3)
    assert refusal(bk, "convolve", short, long, mode="circular") == (
        DomainError,
        "mode is 'circular', expected one of 'full', 'same', 'valid'",
    )
    for mode in ("same", "valid"):
        assert refusal(bk, "convolve", short, long, mode=mode)[0] is DomainError
        assert refusal(bk, "convolve2d", np.ones((3, 2)), np.ones((2, 3)), mode=mode)[0] is DomainError
    assert refusal(bk, "cross_correlation2d", np.ones((3, 2)), np.ones((2, 3)))[0] is DomainError
    assert refusal(bk, "convolve", np.ones(0), long)[0] is ShapeError


def test_shuffles_have_groups_that_divide(bk):
    assert refusal(bk, "channel_shuffle", np.ones((1, 4, 2, 2)), groups=3)[1].startswith(
        "expected groups that divide the channels with "
    )
    one = np.ones((4, 2, 1, 1))
    assert (
        refusal(bk, "shuffled_grouped_conv2d", np.ones((1, 4, 1, 1)), one[:3], one[:, :1], groups=2)[0] is DomainError
    )
    big = np.ones((4, 2, 2, 2))
    kind, message = refusal(bk, "shuffled_grouped_conv2d", np.ones((1, 4, 2, 2)), big, big, groups=2)
    assert kind is DomainError
    assert message.startswith("expected kernels that together fit into the input with ")


def test_padding_takes_no_negative_number(bk):
    assert refusal(bk, "zero_pad", np.ones((2, 2)), pad=-1)[0] is DomainError
    assert refusal(bk, "zero_pad", np.ones((2, 2)), pad=0, after=(0, -1))[0] is DomainError
    assert refusal(bk, "zero_pad", np.ones(2), pad=0)[0] is ShapeError


def test_a_stack_needs_its_parameters_and_room(bk):
    config = ConvStack((1, 2, 2))
    params = {name: bk.asarray(np.ones(shape)) for name, shape in config.parameters().items()}
    x = bk.asarray(np.ones((1, 1, 8, 8)))
    with pytest.raises(ShapeError, match=r"no 2\.bias"):
        bk.nested_convolution(config, {name: p for name, p in params.items() if name != "2.bias"}, x)
    with pytest.raises(DomainError, match="kernels that fit into what the layers leave"):
        bk.nested_convolution(config, params, x[..., :4])
    with pytest.raises(ShapeError, match=r"expected \(\*batch, config.channels\[0\], h, w\)"):
        bk.nested_convolution(config, params, bk.asarray(np.ones((1, 2, 8, 8))))


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"channels": (3,)}, DomainError, "at least an input and an output"),
        ({"channels": (3, 0)}, DomainError, "channels is 0"),
        ({"kernel": 0}, DomainError, "kernel is 0"),
        ({"kernel": 3.0}, DtypeError, "kernel is 3.0"),
        ({"padding": -1}, DomainError, "padding is -1"),
        ({"padding": "same", "stride": 2}, DomainError, "stride of 1"),
        ({"activation": "softmax"}, DomainError, "activation is 'softmax'"),
    ],
)
def test_a_stack_is_configured_with_what_makes_sense(changed, kind, message):
    with pytest.raises(kind, match=message):
        ConvStack(**changed)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: conv_output_size(2, 5),
            DomainError,
            "the kernel covers 5, expected at most the 2 of the padded input",
        ),
        (lambda: conv_output_size(2, 0), DomainError, "kernel is 0"),
        (lambda: conv_output_size(2, 1, stride=0), DomainError, "stride is 0"),
        (lambda: conv_output_size(2.0, 1), DtypeError, "size is 2.0"),  # pyright: ignore[reportArgumentType]
        (lambda: conv_output_size(4, 3, padding="same", stride=2), DomainError, "expected a stride of 1"),
        (lambda: conv_transpose_output_size(1, 1, padding=1), DomainError, "the output has size -1"),
        (lambda: conv_parameter_count(3, 4, 6, groups=4), DomainError, "a divisor of c_in=4 and of c_out=6"),
        (lambda: receptive_field([()]), DomainError, r"a layer is \(\)"),
        (lambda: receptive_field([(3, 0)]), DomainError, "stride is 0"),
        (lambda: same_padding(0), DomainError, "kernel is 0"),
        (lambda: conv_multiply_adds((1, 4, 4), (1, 1, 5, 5)), DomainError, "a kernel that fits"),
    ],
)
def test_counts_refuse_what_no_layer_has(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
