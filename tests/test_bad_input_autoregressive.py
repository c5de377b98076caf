"""What autoregressive models refuse, with one error that says which argument, what came and what was expected."""

import numpy as np
import pytest

import gongsik
from gongsik import DomainError, DtypeError, ShapeError
from gongsik.spec.autoregressive import NADE, DiagonalBiLSTM, RealNADE, RowLSTM, nade_parameter_count

MODELS = [("nade", NADE(4, 3)), ("nade_sample", NADE(4, 3)), ("real_nade", RealNADE(4, 3, 2)),
          ("row_lstm", RowLSTM(2, 3)), ("diagonal_bilstm", DiagonalBiLSTM(2, 3))]  # fmt: skip
each_model = pytest.mark.parametrize(("name", "config"), MODELS, ids=[name for name, _ in MODELS])


@pytest.fixture(params=["reference", "torch"])
def bk(request):
    return gongsik.backend(request.param, dtype="float64")


def refuses(error, message, call, *arguments, **options):
    with pytest.raises(error, match=message):
        call(*arguments, **options)


def zeros(bk, *shape):
    return bk.asarray(np.zeros(shape))


def params_of(bk, config):
    return {name: zeros(bk, *shape) for name, shape in config.parameters().items()}


def data_of(bk, name):
    return zeros(bk, 2, 2, 3, 3) if "lstm" in name else zeros(bk, 2, 4)


@pytest.mark.parametrize("value", [-0.25, 1.5, 255.0, float("inf")])
def test_an_image_outside_0_and_1(bk, value):
    x = bk.asarray(np.array([[0.0, 1.0, value, 0.0]]))
    refuses(DomainError, r"nade: x has a value that is not in \[0, 1\]", bk.nade, NADE(4, 3), params_of(bk, NADE(4, 3)),
            x)  # fmt: skip


@pytest.mark.parametrize("value", [0.5, 1 / 16, 1e-300, 1 - 2.0**-53])
def test_a_grey_image_has_no_chance_in_a_model_of_binary_ones(bk, value):
    x = bk.asarray(np.array([[0.0, 1.0, value, 0.0]]))
    refuses(DomainError, "nade: x has a value that is neither 0 nor 1: this model is of binary images", bk.nade,
            NADE(4, 3), params_of(bk, NADE(4, 3)), x)  # fmt: skip


def test_nan_is_data(bk):
    x = bk.asarray(np.array([[0.0, float("nan"), 1.0, 0.0]]))
    with np.errstate(invalid="ignore"):
        assert np.isnan(bk.to_numpy(bk.nade(NADE(4, 3), params_of(bk, NADE(4, 3)), x))).all()


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_draw_that_is_none(bk, value):
    config = NADE(4, 3)
    refuses(DomainError, r"nade_sample: uniform has a value that is not in \[0, 1\]", bk.nade_sample, config,
            params_of(bk, config), bk.asarray(np.full((1, 4), value)))  # fmt: skip


@each_model
def test_parameters_that_do_not_fit_are_named_all_at_once(bk, name, config):
    params = params_of(bk, config)
    first, second, *_ = params
    shape = tuple(params[first].shape)
    params[first] = zeros(bk, 7, 7)
    params["extra"] = params.pop(second)
    with pytest.raises(ShapeError) as caught:
        getattr(bk, name)(config, params, data_of(bk, name))
    for problem in (f"no {second}", "no place for extra", f"{first} has shape (7, 7), expected {shape}"):
        assert problem in str(caught.value)
    refuses(DtypeError, f"{name}: params is of type list, expected a dict", getattr(bk, name), config, [],
            data_of(bk, name))  # fmt: skip


@each_model
def test_data_that_do_not_fit_the_configuration(bk, name, config):
    wrong = zeros(bk, 2, 5, 3, 3) if "lstm" in name else zeros(bk, 2, 5)
    refuses(ShapeError, rf"{name}: \w+ has shape \(2, 5", getattr(bk, name), config, params_of(bk, config), wrong)
    refuses(DtypeError, rf"{name}: \w+ has dtype .*int64", getattr(bk, name), config, params_of(bk, config),
            bk.asarray(np.zeros((2, 4), int)))  # fmt: skip


@each_model
def test_a_configuration_of_another_model(bk, name, config):
    refuses(DtypeError, f"{name}: config", getattr(bk, name), (4, 3), params_of(bk, config), data_of(bk, name))


def test_a_standard_deviation_cannot_be_negative(bk):
    """It is an exponential: whatever the parameters are, the density is one."""
    config = RealNADE(1, 2, 1)
    params = params_of(bk, config) | {"sigma.bias": bk.asarray(np.array([[-300.0]]))}
    log_p = bk.to_numpy(bk.real_nade(config, params, zeros(bk, 1, 1)))
    assert log_p == 300 - np.log(2 * np.pi) / 2


def test_a_level_beyond_the_last(bk):
    logits = zeros(bk, 1, 3, 4, 2, 2)
    for level in (-1, 4):
        x = bk.asarray(np.full((1, 3, 2, 2), level))
        refuses(DomainError, r"pixel_rnn_factorization: x has a label that is not in \[0, k\) with k=4",
                bk.pixel_rnn_factorization, logits, x)  # fmt: skip
    refuses(ShapeError, r"x has shape \(1, 1, 2, 2\), expected \(n, 3, h, w\)", bk.pixel_rnn_factorization, logits,
            bk.asarray(np.zeros((1, 1, 2, 2), int)))  # fmt: skip
    refuses(DtypeError, "x has dtype .*float64", bk.pixel_rnn_factorization, logits, zeros(bk, 1, 3, 2, 2))


def test_a_kernel_without_a_centre_or_with_features_of_no_group(bk):
    refuses(DomainError, "context_mask: expected a kernel with a centre: kh and kw odd", bk.context_mask,
            zeros(bk, 2, 2, 2, 3), kind="A")  # fmt: skip
    refuses(DomainError, "context_mask: expected o and i to be multiples of channels", bk.context_mask,
            zeros(bk, 6, 2, 3, 3), kind="A", channels=3)  # fmt: skip
    refuses(DomainError, "context_mask: kind is 'C', expected one of 'A', 'B'", bk.context_mask, zeros(bk, 2, 2, 3, 3),
            kind="C")  # fmt: skip


def test_places_outside_the_image(bk):
    row, column = bk.asarray(np.array([0, 1])), bk.asarray(np.array([2, 3]))
    refuses(DomainError, r"raster_order: column has a label that is not in \[0, width\)", bk.raster_order, row, column,
            width=3)  # fmt: skip
    refuses(DomainError, "raster_order: row has a value that is not >= 0", bk.raster_order, -1 - row, column, width=4)
    refuses(DomainError, "raster_order: width is 0, expected", bk.raster_order, row, column, width=0)


def test_a_skewed_image_is_at_least_as_wide_as_high(bk):
    refuses(DomainError, "unskew: expected at least as many columns as rows", bk.unskew, zeros(bk, 4, 3))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: NADE(0, 3), DomainError, "NADE: features is 0, expected an int >= 1"),
        (lambda: NADE(4, 3.0), DtypeError, "NADE: hidden is 3.0, expected an int"),  # pyright: ignore
        (lambda: RealNADE(4, 3, 0), DomainError, "RealNADE: components is 0"),
        (lambda: RealNADE(4, 3, activation="tanh"), DomainError, "activation is 'tanh', expected one of 'relu'"),  # pyright: ignore
        (lambda: RowLSTM(2, 3, kernel_size=2), DomainError, "RowLSTM: kernel_size is 2, expected an odd number"),
        (lambda: RowLSTM(3, 4, 3), DomainError, "RowLSTM: hidden is 4, expected a multiple of channels=3"),
        (lambda: DiagonalBiLSTM(2, 3, 3), DomainError, "in_channels is 2, expected a multiple of channels=3"),
        (lambda: nade_parameter_count(0, 3), DomainError, "nade_parameter_count: d is 0"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be(make, error, message):
    refuses(error, message, make)
