"""What recurrent networks refuse, with one error that says which argument, what came and what was expected."""

import numpy as np
import pytest

import gongsik
from gongsik import DomainError, DtypeError, ShapeError
from gongsik.spec.recurrent import GRU, LSTM, RNN, SequenceMapping, gru_lstm_parameter_ratio, lstm_parameter_count

NETWORKS = [("rnn", RNN(2, 3)), ("stacked_rnn", RNN(2, 3, 2)), ("lstm", LSTM(2, 3)), ("gru", GRU(2, 3))]


@pytest.fixture(params=["reference", "torch"])
def bk(request):
    return gongsik.backend(request.param, dtype="float64")


def refuses(error, message, call, *arguments, **options):
    with pytest.raises(error, match=message):
        call(*arguments, **options)


def params_of(bk, config):
    return {name: bk.asarray(np.zeros(shape)) for name, shape in config.parameters().items()}


def zeros(bk, *shape):
    return bk.asarray(np.zeros(shape))


@pytest.mark.parametrize(("name", "config"), NETWORKS, ids=lambda x: x if isinstance(x, str) else "")
def test_a_sequence_without_steps(bk, name, config):
    refuses(ShapeError, rf"{name}: x has shape \(4, 0, 2\), expected .* with t at least 1",
            getattr(bk, name), config, params_of(bk, config), zeros(bk, 4, 0, 2))  # fmt: skip


@pytest.mark.parametrize(("name", "config"), NETWORKS, ids=lambda x: x if isinstance(x, str) else "")
def test_features_and_states_that_do_not_fit_the_configuration(bk, name, config):
    run, params = getattr(bk, name), params_of(bk, config)
    refuses(ShapeError, rf"{name}: x has shape \(4, 5, 3\)", run, config, params, zeros(bk, 4, 5, 3))
    refuses(ShapeError, rf"{name}: h0 has shape \(4, 3\), expected .*3 axes", run, config, params, zeros(bk, 4, 5, 2),
            zeros(bk, 4, 3))  # fmt: skip
    refuses(ShapeError, rf"{name}: h0 has shape \({config.num_layers}, 5, 3\)", run, config, params,
            zeros(bk, 4, 5, 2), zeros(bk, config.num_layers, 5, 3))  # fmt: skip
    refuses(DtypeError, rf"{name}: x has dtype .*int64", run, config, params, bk.asarray(np.zeros((4, 5, 2), int)))


@pytest.mark.parametrize(("name", "config"), NETWORKS, ids=lambda x: x if isinstance(x, str) else "")
def test_a_state_dict_that_does_not_fit_is_told_of_all_its_problems_at_once(bk, name, config):
    params = params_of(bk, config)
    params["weight_ih_l0"] = zeros(bk, 2, 2)
    params["weight_hh_l9"] = params.pop("weight_hh_l0")
    with pytest.raises(ShapeError) as caught:
        getattr(bk, name)(config, params, zeros(bk, 4, 5, 2))
    rows = 3 * config.gates
    for problem in ("no weight_hh_l0", "no place for weight_hh_l9",
                    f"weight_ih_l0 has shape (2, 2), expected ({rows}, 2)"):  # fmt: skip
        assert problem in str(caught.value)
    refuses(DtypeError, "params is of type list, expected a dict", getattr(bk, name), config, [], zeros(bk, 4, 5, 2))


def test_several_layers_where_one_is_expected(bk):
    config = RNN(2, 3, 2)
    refuses(DomainError, r"rnn: expected one layer \(stacked_rnn takes more\)", bk.rnn, config, params_of(bk, config),
            zeros(bk, 4, 5, 2))  # fmt: skip


@pytest.mark.parametrize(("lengths", "given"), [([1, 6], 6), ([0, 5], 0), ([-1, 1], -1)])
def test_a_length_beyond_the_padded_axis(bk, lengths, given):
    """And a length of nothing: there is no last step."""
    config = SequenceMapping(LSTM(2, 3), 4, "many_to_one")
    x, lengths = zeros(bk, 2, 5, 2), bk.asarray(np.array(lengths))
    refuses(DomainError, r"sequence_mapping: lengths has a value that is not in \[1, t\] with t=5 \(from x\)",
            bk.sequence_mapping, config, params_of(bk, config), x, lengths)  # fmt: skip
    refuses(DomainError, r"sequence_loss: lengths has a value that is not in \[1, t\] with t=5",
            bk.sequence_loss, x, x, lengths)  # fmt: skip


def test_lengths_that_are_not_one_per_sample_or_no_integers(bk):
    z = zeros(bk, 2, 5, 2)
    refuses(ShapeError, r"sequence_loss: lengths has shape \(3,\)", bk.sequence_loss, z, z,
            bk.asarray(np.array([1, 2, 3])))  # fmt: skip
    refuses(DtypeError, "sequence_loss: lengths has dtype .*float64, expected", bk.sequence_loss, z, z, zeros(bk, 2))


def test_forms_that_do_not_fit_the_sequence(bk):
    one, many = (SequenceMapping(RNN(2, 3), 2, form) for form in ("one_to_many", "many_to_many"))
    refuses(DomainError, "x has 5 steps, expected 1 for one_to_many", bk.sequence_mapping, one, params_of(bk, one),
            zeros(bk, 4, 5, 2))  # fmt: skip
    refuses(DomainError, "lengths are given, expected None for many_to_many", bk.sequence_mapping, many,
            params_of(bk, many), zeros(bk, 2, 5, 2), bk.asarray(np.array([1, 2])))  # fmt: skip


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RNN(0, 3), DomainError, "RNN: input_size is 0, expected an int >= 1"),
        (lambda: LSTM(2, 3.0), DtypeError, "LSTM: hidden_size is 3.0, expected an int"),  # pyright: ignore
        (lambda: GRU(2, 3, 0), DomainError, "GRU: num_layers is 0"),
        (lambda: RNN(2, 3, nonlinearity="gelu"), DomainError, "nonlinearity is 'gelu', expected one of 'tanh', 'relu'"),  # pyright: ignore
        (lambda: GRU(2, 3, update="torch"), DomainError, "update is 'torch', expected one of 'keep', 'write'"),  # pyright: ignore
        (lambda: SequenceMapping(RNN(2, 3), 4, "one_to_one"), DomainError, "form is 'one_to_one', expected one of"),  # pyright: ignore
        (lambda: SequenceMapping(RNN(2, 3), 4, "one_to_many"), DomainError, "output_size is 4, expected 2"),
        (lambda: SequenceMapping(RNN(2, 3), 4, steps=0), DomainError, "steps is 0, expected an int >= 1"),
        (lambda: lstm_parameter_count(0, 3), DomainError, "lstm_parameter_count: i is 0"),
        (lambda: gru_lstm_parameter_ratio(2, 3, biases=-1), DomainError, "biases is -1, expected an int >= 0"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be(make, error, message):
    refuses(error, message, make)


def test_weights_of_a_cell_that_do_not_fit_its_state(bk):
    x, h, bias = zeros(bk, 4, 2), zeros(bk, 4, 3), zeros(bk, 12)
    refuses(ShapeError, r"lstm_cell: weight_ih has shape \(9, 2\), expected \(4\*k, i\) with .*k=3 \(from h\)",
            bk.lstm_cell, x, h, h, zeros(bk, 9, 2), zeros(bk, 12, 3), bias, bias)  # fmt: skip
    refuses(ShapeError, r"gru_cell: weight_hh has shape \(12, 3\), expected \(3\*k, k\)",
            bk.gru_cell, x, h, zeros(bk, 9, 2), zeros(bk, 12, 3), bias[:9], bias[:9])  # fmt: skip
    refuses(ShapeError, r"rnn_cell: h has shape \(5, 3\)", bk.rnn_cell, x, zeros(bk, 5, 3), zeros(bk, 3, 2),
            zeros(bk, 3, 3), bias[:3], bias[:3])  # fmt: skip
    refuses(DomainError, "output is 'now', expected one of 'new', 'old'", bk.lstm_peephole_cell, x, h, h,
            zeros(bk, 12, 2), zeros(bk, 12, 3), bias, bias, zeros(bk, 3, 3), output="now")  # fmt: skip


def test_sequences_that_no_model_knows(bk):
    uniform, seq = bk.asarray(np.full(2, 0.5)), bk.asarray(np.array([[0, 1, 1]]))
    table = bk.asarray(np.full((2, 2), 0.5))
    refuses(ShapeError, r"naive_sequence_model: tables have the shapes \(2,\), \(2, 2\), expected 3 or more",
            bk.naive_sequence_model, (uniform, table), seq)  # fmt: skip
    refuses(ShapeError, "naive_sequence_model: tables have the shapes", bk.naive_sequence_model, (table,) * 3, seq)
    refuses(DtypeError, "naive_sequence_model: tables", bk.naive_sequence_model, [uniform], seq)
    refuses(DomainError, r"markov_model: seq has a label that is not in \[0, k\) with k=2", bk.markov_model, uniform,
            table, bk.asarray(np.array([[0, 2]])))  # fmt: skip
    refuses(DomainError, "markov_model: transition does not sum to 1", bk.markov_model, uniform, 2 * table, seq)
    refuses(DomainError, "autoregressive_model: expected at least tau steps with t=3 .*tau=4",
            bk.autoregressive_model, zeros(bk, 3), zeros(bk, 4), zeros(bk))  # fmt: skip


def test_truncation_to_no_step(bk):
    x, h, w, b = zeros(bk, 1, 4, 2), zeros(bk, 1, 3), zeros(bk, 3, 3), zeros(bk, 3)
    arguments = x, h, zeros(bk, 2, 3), w, b, zeros(bk, 1, 4, 3)
    refuses(DomainError, "truncated_bptt: steps is 0, expected an int >= 1", bk.truncated_bptt, *arguments, steps=0)
    refuses(DtypeError, "truncated_bptt: steps is 1.5, expected an int", bk.truncated_bptt, *arguments, steps=1.5)
