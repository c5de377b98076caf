"""Laws of recurrent networks: what the lecture says about cells, gates and gradients, as sentences that run."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongsik.conformance.agreement import assert_agree, assert_at_most
from gongsik.conformance.cases.recurrent import parameters
from gongsik.conformance.laws import law
from gongsik.conformance.strategies import PRECISION, inputs, make
from gongsik.spec.array import Simplex
from gongsik.spec.model import parameter_count
from gongsik.spec.recurrent import (
    GRU,
    LSTM,
    RNN,
    SequenceMapping,
    gru_lstm_parameter_ratio,
    lstm_parameter_count,
)

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5)
NETWORKS = (("rnn", RNN), ("lstm", LSTM), ("gru", GRU))
each_network = pytest.mark.parametrize(("name", "kind"), [pytest.param(*pair, id=pair[0]) for pair in NETWORKS])


def normal(seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, PRECISION.get().name)


def distribution(seed: int, *shape: int) -> np.ndarray:
    return make(seed, "normal", shape, PRECISION.get().name, Simplex())


def params_of(config: Any, seed: int) -> dict[str, np.ndarray]:
    used = itertools.count(seed)
    return parameters(config, lambda shape: normal(next(used), *shape))


def network(gs: Any, name: str) -> Any:
    """The function for any number of layers."""
    return getattr(gs, "stacked_rnn" if name == "rnn" else name)


def same(gs: Any, left: Any, right: Any) -> None:
    """Equal to the last bit."""
    assert np.array_equal(gs.numpy(left), gs.numpy(right))


def plain(seed: int, n: int, t: int, i: int, k: int) -> tuple[np.ndarray, ...]:
    """Input, first state and parameters of a plain network whose weights work from the right."""
    shapes = (n, t, i), (n, k), (i, k), (k, k), (k,)
    x, h0, u, w, b = (normal(seed + j, *shape) for j, shape in enumerate(shapes))
    return x, h0, u / 2, w / 2, b


def everything(k: int, t: int) -> np.ndarray:
    """Every sequence of t elements out of k."""
    return np.array(list(itertools.product(range(k), repeat=t)))


# Models of sequences


@law("recurrent.naive_sequence_model")
@given(st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_chances_of_all_sequences_sum_to_1(gs, k, t, seed):
    tables = tuple(distribution(seed + j, *(k,) * (j + 1)) for j in range(t))
    # Each table is rounded, so each step can be off by a rounding of its row.
    assert_agree(
        gs,
        lambda gs, tables, seq: np_exp(gs, gs.naive_sequence_model(tables, seq)).sum(),
        lambda gs, tables, seq: total_chance(tables),
        tables,
        everything(k, t),
    )


def np_exp(gs: Any, x: Any) -> Any:
    """exp, of functions that every backend has: sigmoid(x) / (1 - sigmoid(x))."""
    return gs.sigmoid(x) / gs.sigmoid(-x)


def total_chance(tables: Any) -> Any:
    """The sum over all sequences, from the last element to the first: 1 if every row sums to 1 exactly."""
    total = tables[-1].sum(-1)
    for table in reversed(tables[:-1]):
        total = (table * total).sum(-1)
    return total


@law("recurrent.naive_sequence_model")
@given(st.integers(2, 3), st.integers(1, 3), SEEDS)
def test_any_joint_distribution_is_a_chain_of_conditional_ones(gs, k, t, seed):
    """Tables of conditional chances give back the joint chances that they were computed of."""
    joint = np.random.Generator(np.random.Philox(seed)).integers(1, 9, (k,) * t).astype(float)
    partial = [joint.sum(tuple(range(j, t))) for j in range(t + 1)]  # of the first j elements, up to the same factor
    tables = tuple(PRECISION.get().round(after / before[..., None]) for before, after in itertools.pairwise(partial))
    seq = everything(k, t)
    found = gs.numpy(gs.naive_sequence_model(tuple(map(gs.array, tables)), gs.array(seq)))
    # An element of a table, its logarithm and the sum are each off by a few units of the last place.
    room = 8 * (t + 1) * PRECISION.get().unit * (1 + t * np.log(9 * k**t))
    assert np.all(np.abs(found - np.log(joint / joint.sum())[tuple(seq.T)]) <= room)


@law("recurrent.naive_sequence_model")
def test_conditions_grow_with_the_time_and_tables_with_their_number(gs):
    """The table of step t has k^t numbers; a Markov model of any length has k + k^2."""
    sizes = [distribution(0, *(3,) * t).size for t in range(1, 6)]
    assert sizes == [3, 9, 27, 81, 243]


@law("recurrent.naive_sequence_model", "recurrent.markov_model")
@given(SIZES, st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_a_markov_model_is_a_naive_one_whose_tables_forget(gs, n, t, k, seed):
    initial, transition = distribution(seed, k), distribution(seed + 1, k, k)
    seq = np.random.Generator(np.random.Philox(seed)).integers(0, k, (n, t))
    tables = (initial, *(np.broadcast_to(transition, (k,) * j) for j in range(2, t + 1)))
    assert_agree(
        gs,
        lambda gs, initial, transition, tables, seq: gs.markov_model(initial, transition, seq),
        lambda gs, initial, transition, tables, seq: gs.naive_sequence_model(tables, seq),
        initial, transition, tables, seq,
    )  # fmt: skip


@law("recurrent.markov_model")
@given(st.integers(2, 4), st.integers(1, 4), SEEDS)
def test_n_steps_are_the_nth_power_of_the_transition(gs, k, n, seed):
    """Chapman and Kolmogorov: the chances of all ways from i to j in n steps sum to [P^n]_ij."""
    start, transition = distribution(seed + 1, k), distribution(seed, k, k)
    ways = everything(k, n + 1)
    order = np.lexsort((ways[:, -1], ways[:, 0]))  # by the two ends
    ways = ways[order]

    def summed(gs: Any, start: Any, transition: Any, seq: Any) -> Any:
        return np_exp(gs, gs.markov_model(start, transition, seq)).reshape(k, k, -1).sum(-1)

    def power(gs: Any, start: Any, transition: Any, seq: Any) -> Any:
        product = transition
        for _ in range(n - 1):
            product = product @ transition
        return start[:, None] * product

    assert_agree(gs, summed, power, start, transition, ways)


@law("recurrent.markov_model")
@given(st.integers(2, 4), st.integers(5, 30), SEEDS)
def test_counted_transitions_are_the_most_likely(gs, k, t, seed):
    """No other transition matrix gives the data a greater likelihood than the shares of what was counted."""
    seq = np.random.Generator(np.random.Philox(seed)).integers(0, k, (1, t))
    counts = np.zeros((k, k))
    np.add.at(counts, (seq[0, :-1], seq[0, 1:]), 1)
    counts = np.where(counts.sum(-1, keepdims=True) == 0, 1, counts)  # a state that never comes has any distribution
    counted = PRECISION.get().round(counts / counts.sum(-1, keepdims=True))
    start = distribution(seed, k)
    assert_at_most(
        gs,
        lambda gs, start, counted, other, seq: gs.markov_model(start, other, seq),
        # Rounded shares are off by half a unit each, so t steps by at most t units.
        lambda gs, start, counted, other, seq: gs.markov_model(start, counted, seq) + t * PRECISION.get().unit,
        start, counted, distribution(seed + 1, k, k), seq,
    )  # fmt: skip


@law("recurrent.markov_model")
@given(st.integers(1, 4), SEEDS)
def test_past_and_future_are_independent_given_the_present(gs, k, seed):
    """Of log-probabilities: log p(a, b, c) + log p(a', b, c') = log p(a, b, c') + log p(a', b, c)."""
    initial, transition = distribution(seed, k), distribution(seed + 1, k, k)
    a, a2, b, c, c2 = np.random.Generator(np.random.Philox(seed)).integers(0, k, 5).tolist()
    left, right = np.array([[a, b, c], [a2, b, c2]]), np.array([[a, b, c2], [a2, b, c]])
    assert_agree(
        gs,
        lambda gs, initial, transition, left, right: gs.markov_model(initial, transition, left).sum(),
        lambda gs, initial, transition, left, right: gs.markov_model(initial, transition, right).sum(),
        initial, transition, left, right,
    )  # fmt: skip


@law("recurrent.autoregressive_model")
@given(st.integers(1, 5), st.integers(1, 9), SEEDS)
def test_an_autoregressive_model_sees_tau_steps(gs, tau, more, seed):
    """What lies further back changes nothing; the last of the tau does."""
    x, a, c = normal(seed, tau + more), normal(seed + 1, tau), normal(seed + 2)
    before, nearer = x.copy(), x.copy()
    before[:more] += 1
    nearer[more] += 16
    predictions = [gs.numpy(gs.autoregressive_model(*map(gs.array, (s, a, c))))[-1] for s in (x, before, nearer)]
    assert predictions[0] == predictions[1]
    assert (predictions[0] != predictions[2]) or abs(a[-1]) < 1e-3


@law("recurrent.autoregressive_model")
@given(st.integers(1, 3), SEEDS)
def test_least_squares_recovers_the_coefficients_of_noiseless_data(gs, tau, seed):
    """From 0, one Newton step on the squared error leads to coefficients that predict the series."""
    rng = np.random.Generator(np.random.Philox(seed))
    a, x = rng.integers(-2, 3, tau).astype(float), list(rng.integers(-3, 4, tau).astype(float))
    a[-1] = a[-1] or 1.0
    for _ in range(2 * tau + 2):
        x.append(float(np.dot(a[::-1], x[-tau:])))
    series = np.array(x)
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], tau)[:, ::-1]
    hessian = windows.T @ windows  # of half the squared error
    singular = np.linalg.svd(hessian, compute_uv=False)
    if singular[-1] < 1e-3 * singular[0] or np.abs(hessian).max() > 2**20:
        return  # too short a series to tell its coefficients

    def half_square(gs: Any) -> Callable[..., Any]:
        return lambda a, x: ((gs.autoregressive_model(x[:-1], a, 0 * x[0]) - x[tau:]) ** 2).sum() / 2

    def recovered(gs: Any, x: Any, a: Any, hessian: Any) -> Any:
        _, slope = gs.value_and_grad(half_square(gs))(0 * a, x)
        return gs.newton_method(0 * a, slope, hessian)

    assert_agree(gs, recovered, lambda gs, x, a, hessian: a, series, a, hessian)


@law("recurrent.autoregressive_model")
@given(st.integers(1, 3), SEEDS)
def test_a_series_fades_if_all_eigenvalues_of_its_matrix_lie_inside_the_circle(gs, tau, seed):
    """Fed with its own predictions, a model fades or grows as the companion matrix' spectral radius says."""
    a = normal(seed, tau)
    companion = np.vstack([a, np.eye(tau)[:-1]])
    radius = np.abs(np.linalg.eigvals(companion)).max()
    if 0.8 < radius < 1.25:
        return  # neither is seen in so few steps
    x, zero = [gs.array(normal(seed + 1, tau))], gs.array(np.zeros(()))
    window = gs.numpy(x[0]).astype(float)
    for _ in range(200):
        step = gs.numpy(gs.autoregressive_model(gs.array(PRECISION.get().round(window)), gs.array(a), zero))
        window = np.append(window[1:], step[-1:].astype(float))
        if np.abs(window).max() > 1e6 or np.abs(window).max() < 1e-6:
            break
    assert (np.abs(window).max() > 1e6) == (radius > 1) or np.abs(window).max() < 1e-6


@law("recurrent.latent_autoregressive_model", "recurrent.autoregressive_model")
@given(st.integers(1, 4), st.integers(0, 5), SEEDS)
def test_a_summary_of_the_last_tau_steps_is_an_autoregressive_model(gs, tau, more, seed):
    """The function g drops the oldest of tau steps and appends the newest."""
    x, a, c = normal(seed, 1, tau + more, 1), normal(seed + 1, tau), normal(seed + 2)
    shift, last = np.eye(tau, k=-1), np.eye(1, tau, tau - 1)

    def latent(gs: Any, x: Any, a: Any, c: Any, shift: Any, last: Any) -> Any:
        h0 = 0 * (x[:, 0] @ last)
        predictions = gs.latent_autoregressive_model(
            lambda h, x: h @ shift + x @ last, lambda h: (h * flipped(a, tau)).sum(-1)[:, None] + c, x, h0
        )
        return predictions[0, tau - 1 :, 0]

    assert_agree(
        gs, latent, lambda gs, x, a, c, shift, last: gs.autoregressive_model(x[0, :, 0], a, c), x, a, c, shift, last
    )


def flipped(a: Any, tau: int) -> Any:
    """The order turned over, with an index that every array library understands."""
    return a[list(range(tau - 1, -1, -1))]


@law("recurrent.latent_autoregressive_model")
@given(SIZES, SIZES, SIZES, SIZES, SEEDS)
def test_an_rnn_is_a_latent_autoregressive_model(gs, n, t, i, k, seed):
    """With a cell for g; the state has one size, however long the sequence."""
    config = RNN(i, k)
    params, x = params_of(config, seed), normal(seed + 9, n, t, i)

    def latent(gs: Any, params: Any, x: Any) -> Any:
        h0 = 0 * gs.rnn(config, params, x).h[0]
        return gs.latent_autoregressive_model(
            lambda h, x: gs.rnn_cell(x, h, *config.layer(params, 0)), lambda h: h, x, h0
        )

    assert_agree(gs, latent, lambda gs, params, x: gs.rnn(config, params, x).output, params, x)


# The plain cell


@law("recurrent.rnn_cell")
@given(inputs("rnn_cell"))
def test_the_state_stays_between_minus_1_and_1(gs, case):
    h = gs.numpy(gs.rnn_cell(*map(gs.array, case.arguments)))
    assert np.all(np.abs(h) <= 1)


@law("recurrent.rnn_cell")
@given(SIZES, SIZES, SIZES, SEEDS)
def test_without_recurrent_weights_a_cell_is_a_layer(gs, n, i, k, seed):
    x, h, weight, bias = (normal(seed + j, *shape) for j, shape in enumerate([(n, i), (n, k), (k, i), (k,)]))
    zeros = np.zeros((k, k))
    assert_agree(
        gs,
        lambda gs, x, h, weight, zeros, bias: gs.rnn_cell(x, h, weight, zeros, bias, 0 * bias),
        lambda gs, x, h, weight, zeros, bias: gs.perceptron_layer(x, weight, bias, activation="tanh"),
        x, h, weight, zeros, bias,
    )  # fmt: skip


@law("recurrent.rnn_cell", "recurrent.rnn_forward_code")
@given(SIZES, SIZES, SIZES, SIZES, SEEDS)
def test_weights_from_the_left_are_those_from_the_right_transposed(gs, n, i, k, o, seed):
    """The step of the notes' code is a cell, a linear layer and a softmax; its rows sum to 1."""
    shapes = (n, i), (n, k), (i, k), (k, k), (k, o), (k,), (o,)
    arrays = [normal(seed + j, *shape) for j, shape in enumerate(shapes)]

    def cell(gs: Any, x: Any, h: Any, u: Any, w: Any, v: Any, b: Any, c: Any) -> Any:
        h = gs.rnn_cell(x, h, u.T, w.T, b, 0 * b)
        return gs.softmax(gs.linear(h, v.T, c)), h

    assert_agree(gs, lambda gs, *arrays: tuple(gs.rnn_forward_code(*arrays)), cell, *arrays)
    assert_agree(
        gs, lambda gs, *arrays: gs.rnn_forward_code(*arrays).f.sum(-1), lambda gs, *arrays: 0 * arrays[0][:, 0] + 1,
        *arrays,
    )  # fmt: skip


@law("recurrent.rnn_cell")
@given(SIZES, SIZES, SIZES, SEEDS)
def test_what_comes_back_through_a_cell_is_scaled_by_its_slope(gs, n, i, k, seed):
    """The gradient by the old state is (upstream * (1 - h^2)) W_hh."""
    config = RNN(i, k)
    params, x, h, g = params_of(config, seed), normal(seed + 5, n, i), normal(seed + 6, n, k), normal(seed + 7, n, k)

    def pulled(gs: Any, params: Any, x: Any, h: Any, g: Any) -> Any:
        return gs.value_and_grad(lambda h: (gs.rnn_cell(x, h, *config.layer(params, 0)) * g).sum())(h)[1]

    def by_hand(gs: Any, params: Any, x: Any, h: Any, g: Any) -> Any:
        y = gs.rnn_cell(x, h, *config.layer(params, 0))
        return (g * (1 - y * y)) @ params["weight_hh_l0"]

    assert_agree(gs, pulled, by_hand, params, x, h, g)


# Over a sequence


@law("recurrent.rnn", "recurrent.lstm", "recurrent.gru")
@each_network
@given(seed=SEEDS, t=st.integers(2, 6), cut=st.integers(1, 5))
def test_two_halves_with_the_state_carried_are_the_whole(gs, name, kind, seed, t, cut):
    config, cut = kind(2, 3, 2), min(cut, t - 1)
    params, x = params_of(config, seed), normal(seed + 40, 2, t, 2)

    def halves(gs: Any, params: Any, x: Any) -> Any:
        first, *states = network(gs, name)(config, params, x[:, :cut])
        second, *states = network(gs, name)(config, params, x[:, cut:], *states)
        return first, second, tuple(states)

    def whole(gs: Any, params: Any, x: Any) -> Any:
        output, *states = network(gs, name)(config, params, x)
        return output[:, :cut], output[:, cut:], tuple(states)

    assert_agree(gs, halves, whole, params, x)


@law("recurrent.rnn", "recurrent.lstm", "recurrent.gru")
@each_network
@given(seed=SEEDS, t=st.integers(2, 6), cut=st.integers(1, 5))
def test_an_output_does_not_see_what_comes_after_it(gs, name, kind, seed, t, cut):
    config, cut = kind(2, 3, 2), min(cut, t - 1)
    params, x = params_of(config, seed), normal(seed + 40, 2, t, 2)
    other = np.concatenate([x[:, :cut], x[:, cut:] + 1], 1)
    given_params = {key: gs.array(value) for key, value in params.items()}
    found = [gs.numpy(network(gs, name)(config, given_params, gs.array(s)).output) for s in (x, other)]
    assert np.array_equal(found[0][:, :cut], found[1][:, :cut])
    assert not np.array_equal(found[0][:, cut:], found[1][:, cut:])


@law("recurrent.rnn", "recurrent.lstm", "recurrent.gru", "recurrent.shared_weights")
@each_network
@given(seed=SEEDS, t=st.integers(1, 5))
def test_a_network_is_its_cell_step_by_step(gs, name, kind, seed, t):
    """One set of weights, unrolled: a deep network with tied layers."""
    config = kind(2, 3)
    params, x = params_of(config, seed), normal(seed + 40, 2, t, 2)

    def unrolled(gs: Any, params: Any, x: Any) -> Any:
        zero = 0 * (x[:, 0] @ params["weight_ih_l0"].T)[:, :3]
        state = (zero, zero) if kind is LSTM else (zero,)
        for j in range(t):
            state = getattr(gs, f"{name}_cell")(x[:, j], *state, *config.layer(params, 0))
            state = tuple(state) if kind is LSTM else (state,)
        return state

    def run(gs: Any, params: Any, x: Any) -> Any:
        return tuple(state[0] for state in network(gs, name)(config, params, x)[1:])

    assert_agree(gs, run, unrolled, params, x)


@law("recurrent.stacked_rnn")
@each_network
@given(seed=SEEDS, layers=st.integers(2, 3))
def test_layers_on_top_of_each_other_are_networks_one_after_the_other(gs, name, kind, seed, layers):
    """Each reads the states of the one below; one layer alone is the network itself."""
    config = kind(2, 3, layers)
    params, x = params_of(config, seed), normal(seed + 40, 2, 4, 2)

    def composed(gs: Any, params: Any, x: Any) -> Any:
        for layer in range(layers):
            one = kind(3 if layer else 2, 3)
            own = {key: params[key.replace("l0", f"l{layer}")] for key in one.parameters()}
            x = getattr(gs, name)(one, own, x).output
        return x

    assert_agree(gs, composed, lambda gs, params, x: network(gs, name)(config, params, x).output, params, x)


@law("recurrent.shared_weights")
@each_network
def test_the_number_of_parameters_does_not_depend_on_the_length(gs, name, kind):
    config = kind(2, 3)
    params = {key: gs.array(value) for key, value in params_of(config, 1).items()}
    for t in (1, 2, 9):
        output = network(gs, name)(config, params, gs.array(normal(0, 1, t, 2))).output
        assert tuple(output.shape) == (1, t, 3)
    assert parameter_count(config) == config.gates * (3 * (2 + 3) + 2 * 3)


@law("recurrent.shared_weights", "recurrent.bptt")
@given(SEEDS, st.integers(1, 5))
def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_copies(gs, seed, t):
    """Every step gets a copy of W of its own; the gradients of all copies add up to that of W."""
    x, h0, u, w, b = plain(seed, 2, t, 2, 3)
    g = normal(seed + 9, 2, t, 3)

    def copies(gs: Any, x: Any, h0: Any, u: Any, w: Any, b: Any, g: Any) -> Any:
        def total(own: Any) -> Any:
            h, terms = h0, []
            for j in range(t):
                h = gs.tanh(x[:, j] @ u + h @ own[j] + b)
                terms.append((h * g[:, j]).sum())
            return sum(terms[1:], terms[0])

        grads = gs.value_and_grad(total)([w] * t)[1]
        return sum(grads[1:], grads[0])

    assert_agree(gs, copies, lambda gs, *a: gs.bptt(*a).w, x, h0, u, w, b, g)


@law("recurrent.variable_length")
def test_a_recurrent_network_takes_any_length_and_so_does_a_convolution(gs):
    """A dense layer does not: it has a weight for each place."""
    config = SequenceMapping(LSTM(2, 3), 4, "many_to_one")
    params = {key: gs.array(value) for key, value in params_of(config, 0).items()}
    kernel = gs.array(normal(1, 4, 2, 1, 3))
    for t in (5, 9):
        x = normal(2, 1, t, 2)
        assert tuple(gs.sequence_mapping(config, params, gs.array(x)).shape) == (1, 1, 4)
        image = gs.array(np.swapaxes(x, 1, 2)[:, :, None])  # [n, c, 1, t]
        assert tuple(gs.global_avg_pool2d(gs.conv2d(image, kernel)).shape) == (1, 4)
    dense = gs.array(normal(3, 4, 10))
    assert tuple(gs.linear(gs.array(normal(2, 1, 5, 2).reshape(1, 10)), dense).shape) == (1, 4)
    with pytest.raises(ValueError, match="expected"):
        gs.linear(gs.array(normal(2, 1, 9, 2).reshape(1, 18)), dense)


@law("recurrent.jordan_cell")
@given(SEEDS, SIZES, SIZES, SIZES)
def test_a_jordan_cell_that_shows_its_hidden_layer_is_elmans(gs, seed, n, i, k):
    """With y = h the two are the same cell; without W_y it is feed-forward, and its state is as wide as the output."""
    x, y, w_x, w_y, b = (normal(seed + j, *s) for j, s in enumerate([(n, i), (n, k), (k, i), (k, k), (k,)]))
    identity, zeros = np.eye(k), np.zeros(k)

    def jordan(gs: Any, x: Any, y: Any, w_x: Any, w_y: Any, b: Any, identity: Any, zeros: Any) -> Any:
        shown, hidden = gs.jordan_cell(x, y, w_x, w_y, b, identity, zeros, activation="identity")
        return shown, hidden

    def elman(gs: Any, x: Any, y: Any, w_x: Any, w_y: Any, b: Any, identity: Any, zeros: Any) -> Any:
        h = gs.rnn_cell(x, y, w_x, w_y, b, zeros)
        return h, h

    assert_agree(gs, jordan, elman, x, y, w_x, w_y, b, identity, zeros)
    blind = [gs.array(a) for a in (w_x, 0 * w_y, b, identity, zeros)]
    same(gs, gs.jordan_cell(gs.array(x), gs.array(y), *blind).y, gs.jordan_cell(gs.array(x), gs.array(-y), *blind).y)


@law("recurrent.jordan_network")
@given(inputs("jordan_network"))
def test_a_jordan_network_is_its_cell_step_by_step(gs, case):
    def unrolled(gs: Any, x: Any, y: Any, *weights: Any, **options: Any) -> Any:
        for t in range(x.shape[1]):
            y, h = gs.jordan_cell(x[:, t], y, *weights, **options)
        return y, h

    def run(gs: Any, *arguments: Any, **options: Any) -> Any:
        y, h = gs.jordan_network(*arguments, **options)
        return y[:, -1], h[:, -1]

    assert_agree(gs, run, unrolled, *case.arguments, **case.options)


@law("recurrent.sequence_mapping")
@each_network
@given(seed=SEEDS, t=st.integers(1, 5))
def test_many_to_one_is_the_last_output_of_many_to_many(gs, name, kind, seed, t):
    """And what follows the length of a sample is not looked at."""
    configs = [SequenceMapping(kind(2, 3), 4, form) for form in ("many_to_many", "many_to_one")]
    params, x = params_of(configs[0], seed), normal(seed + 40, 3, t, 2)
    lengths = np.array([1, t, (t + 1) // 2])

    def all_outputs(gs: Any, params: Any, x: Any, lengths: Any) -> Any:
        y = gs.sequence_mapping(configs[0], params, x)
        return y[:, -1:], (y[0, 0], y[1, t - 1], y[2, (t + 1) // 2 - 1])

    def last_output(gs: Any, params: Any, x: Any, lengths: Any) -> Any:
        one = gs.sequence_mapping(configs[1], params, x, lengths)
        return gs.sequence_mapping(configs[1], params, x), (one[0, 0], one[1, 0], one[2, 0])

    assert_agree(gs, last_output, all_outputs, params, x, lengths)


@law("recurrent.sequence_mapping")
@each_network
@given(seed=SEEDS, steps=st.integers(1, 4))
def test_one_to_many_reads_what_it_has_written(gs, name, kind, seed, steps):
    """Given its own outputs as inputs, the many-to-many form writes the same."""
    written = SequenceMapping(kind(2, 3), 2, "one_to_many", steps)
    read = SequenceMapping(kind(2, 3), 2)
    params, x = params_of(read, seed), normal(seed + 40, 2, 1, 2)
    y = gs.numpy(gs.sequence_mapping(written, {key: gs.array(a) for key, a in params.items()}, gs.array(x)))
    inputs_read = np.concatenate([x, y[:, :-1].astype(float)], 1)
    assert_agree(
        gs,
        lambda gs, params, x, y: gs.sequence_mapping(read, params, x),
        lambda gs, params, x, y: gs.sequence_mapping(written, params, x[:, :1]),
        params, inputs_read, y.astype(float),
    )  # fmt: skip
    longer = SequenceMapping(kind(2, 3), 2, "sequence_to_sequence", steps)
    assert longer.outputs(1) == longer.outputs(7) == steps


# Training


@law("recurrent.sequence_loss")
@given(SEEDS, SIZES, st.integers(1, 5), st.integers(1, 4), st.sampled_from(("cross_entropy", "squared_error")))
def test_the_loss_of_a_sequence_is_the_sum_of_its_steps(gs, seed, n, t, k, kind):
    """And so is its gradient; padded steps do not count, whatever they hold."""
    z, target = normal(seed, n, t, k), distribution(seed + 1, n, t, k)

    def whole(gs: Any, z: Any, target: Any) -> Any:
        return gs.value_and_grad(lambda z: gs.sequence_loss(z, target, kind=kind))(z)

    def steps(gs: Any, z: Any, target: Any) -> Any:
        def total(z: Any) -> Any:
            terms = [gs.sequence_loss(z[:, j : j + 1], target[:, j : j + 1], kind=kind) for j in range(t)]
            return sum(terms[1:], terms[0])

        return gs.value_and_grad(total)(z)

    assert_agree(gs, whole, steps, z, target)
    padded = np.concatenate([z, np.full((n, 2, k), np.nan)], 1), np.concatenate([target, np.zeros((n, 2, k))], 1)
    found = gs.sequence_loss(*map(gs.array, padded), gs.array(np.full(n, t)), kind=kind)
    assert np.isfinite(gs.numpy(found))


def cut_at(seed: int, n: int, t: int) -> tuple[Any, ...]:
    return (*plain(seed, n, t, 2, 3), normal(seed + 9, n, t, 3))


@law("recurrent.bptt")
@given(SEEDS, st.integers(1, 3), st.integers(1, 5))
def test_bptt_is_what_backpropagation_finds_on_the_unrolled_network(gs, seed, n, t):
    """The gradient of sum_t <upstream_t, h_t> by input, first state, weights and bias."""

    def unrolled(gs: Any, *arguments: Any) -> Any:
        *variables, g = arguments

        def total(variables: Any) -> Any:
            x, h, u, w, b = variables
            terms = []
            for j in range(t):
                h = gs.tanh(x[:, j] @ u + h @ w + b)
                terms.append((h * g[:, j]).sum())
            return sum(terms[1:], terms[0])

        return gs.value_and_grad(total)(variables)[1]

    assert_agree(gs, lambda gs, *arguments: list(gs.bptt(*arguments)), unrolled, *cut_at(seed, n, t))


@law("recurrent.bptt")
@given(SEEDS, st.integers(1, 4))
def test_bptt_is_linear_in_what_comes_from_above(gs, seed, t):
    *arguments, g = cut_at(seed, 2, t)
    other = normal(seed + 20, 2, t, 3)

    def together(gs: Any, g: Any, other: Any, *arguments: Any) -> Any:
        return tuple(gs.bptt(*arguments, 2 * g + other))

    def apart(gs: Any, g: Any, other: Any, *arguments: Any) -> Any:
        first, second = gs.bptt(*arguments, g), gs.bptt(*arguments, other)
        return tuple(2 * a + b for a, b in zip(first, second, strict=True))

    assert_agree(gs, together, apart, g, other, *arguments)


@law("recurrent.bptt", "recurrent.bptt_input_gradient", "recurrent.bptt_recurrent_gradient",
     "recurrent.bptt_output_gradient")  # fmt: skip
@given(SEEDS, st.integers(1, 4), st.integers(1, 3))
def test_gradients_by_hand_are_those_of_the_step_of_the_notes(gs, seed, t, n):
    """The three gradients of E_T, against backpropagation through `rnn_forward_code`, step after step."""
    x, h0, u, w, b = plain(seed, n, t, 2, 3)
    v, c, target = normal(seed + 10, 3, 4) / 2, normal(seed + 11, 4), distribution(seed + 12, n, 4)

    def by_hand(gs: Any, x: Any, h0: Any, u: Any, w: Any, b: Any, v: Any, c: Any, target: Any) -> Any:
        arguments = x, h0, u, w, b, v, c, target
        h = h0
        for j in range(t):
            h = gs.rnn_forward_code(x[:, j], h, u, w, v, b, c).h
        return [
            gs.bptt_input_gradient(*arguments), gs.bptt_recurrent_gradient(*arguments),
            gs.bptt_output_gradient(h, v, c, target),
        ]  # fmt: skip

    def by_machine(gs: Any, x: Any, h0: Any, u: Any, w: Any, b: Any, v: Any, c: Any, target: Any) -> Any:
        def loss(weights: Any) -> Any:
            u, w, v = weights
            h = h0
            for j in range(t):
                h = gs.rnn_forward_code(x[:, j], h, u, w, v, b, c).h
            return gs.sequence_loss((h @ v + c)[:, None], target[:, None])

        return gs.value_and_grad(loss)([u, w, v])[1]

    # A distribution that is rounded does not sum to 1 exactly, which shifts the gradient of log-softmax by that much.
    target = np.eye(4)[target.argmax(-1)]
    assert_agree(gs, by_hand, by_machine, x, h0, u, w, b, v, c, target)


@law("recurrent.truncated_bptt")
@given(SEEDS, st.integers(1, 5), st.integers(0, 3))
def test_truncation_beyond_the_length_is_no_truncation(gs, seed, t, more):
    assert_agree(
        gs,
        lambda gs, *arguments: tuple(gs.truncated_bptt(*arguments, steps=t + more)),
        lambda gs, *arguments: tuple(gs.bptt(*arguments)[2:]),
        *cut_at(seed, 2, t),
    )


@law("recurrent.truncated_bptt")
@given(SEEDS, st.integers(1, 5))
def test_truncation_to_one_step_drops_the_way_back(gs, seed, t):
    """With tau = 1 the result does not depend on W, given the states: powers of W go up to tau - 1."""

    def each_alone(gs: Any, x: Any, h0: Any, u: Any, w: Any, b: Any, g: Any) -> Any:
        h, grads = h0, []
        for j in range(t):
            grads.append(gs.bptt(x[:, j : j + 1], h, u, w, b, g[:, j : j + 1])[2:])
            h = gs.tanh(x[:, j] @ u + h @ w + b)
        return tuple(sum(parts[1:], parts[0]) for parts in zip(*grads, strict=True))

    assert_agree(
        gs, lambda gs, *arguments: tuple(gs.truncated_bptt(*arguments, steps=1)), each_alone, *cut_at(seed, 2, t)
    )


@law("recurrent.truncated_bptt")
def test_the_power_of_w_is_limited_to_tau_minus_1(gs):
    """All states are 0 and all slopes 1: the error of the last step comes back as 1 + w + ... + w^(tau - 1)."""
    zero, one, w = gs.array(np.zeros(1)), gs.array(np.ones((1, 1))), gs.array(np.full((1, 1), 2.0))
    x, g = gs.array(np.zeros((1, 7, 1))), gs.array(np.eye(7)[-1:, :, None])
    for tau in range(1, 8):
        grads = gs.truncated_bptt(x, 0 * one, one, w, zero, g, steps=tau)
        assert gs.numpy(grads.b)[0] == 2**tau - 1


# Vanishing and exploding


def linear_flow(gs: Any, w: Any, t: int) -> Any:
    """The Jacobian d h_T / d h_1 of a network that stays at 0, where tanh is the identity: W^(T-1)."""
    k = w.shape[0]
    x, h0, zero = gs.array(np.zeros((1, t, 1))), gs.array(np.zeros((1, k))), gs.array(np.zeros(k))
    return gs.gradient_flow(x, h0, gs.array(np.zeros((k, 1))), w, zero)[0, 0]


@law("recurrent.gradient_flow")
@given(SEEDS, st.integers(1, 5), st.floats(0.25, 2, width=16))
def test_for_one_unit_the_flow_is_a_product_of_slopes_and_a_power(gs, seed, t, w):
    """Of numbers, and only of numbers, the slopes may be collected: prod tanh' * w^(t - 1)."""
    x, h0 = normal(seed, 1, t, 1), normal(seed + 1, 1, 1)
    weight, one, zero = np.full((1, 1), w), np.ones((1, 1)), np.zeros(1)

    def collected(gs: Any, x: Any, h0: Any, weight: Any, one: Any, zero: Any) -> Any:
        h, product = gs.rnn_cell(x[:, 0], h0, one, weight, zero, zero), one
        for j in range(1, t):
            h = gs.rnn_cell(x[:, j], h, one, weight, zero, zero)
            product = product * (1 - h * h)
        for _ in range(t - 1):
            product = product * weight
        return product

    assert_agree(
        gs, lambda gs, x, h0, weight, one, zero: gs.gradient_flow(x, h0, one, weight, zero)[0, 0], collected,
        x, h0, weight, one, zero,
    )  # fmt: skip


@law("recurrent.gradient_flow", "recurrent.bptt_recurrent_gradient")
@given(SEEDS, st.integers(1, 4))
def test_the_terms_of_all_starts_sum_to_the_gradient(gs, seed, t):
    """sum_k (dE_T / dh_T)(dh_T / dh_k)(d+ h_k / dW) is the gradient by W; the term of k = 1 alone is not."""
    x, h0, u, w, b = plain(seed, 1, t, 2, 3)
    g = normal(seed + 9, 1, 3)

    def terms(gs: Any, x: Any, h0: Any, u: Any, w: Any, b: Any, g: Any) -> Any:
        flow, h, total = gs.gradient_flow(x, h0, u.T, w.T, b), h0, 0 * w
        for j in range(t):
            before, h = h, gs.tanh(x[:, j] @ u + h @ w + b)
            delta = (g @ flow[0, j]) * (1 - h * h)  # [1, k]
            total = total + before.T @ delta
        return total

    def whole(gs: Any, x: Any, h0: Any, u: Any, w: Any, b: Any, g: Any) -> Any:
        def last(w: Any) -> Any:
            h = h0
            for j in range(t):
                h = gs.tanh(x[:, j] @ u + h @ w + b)
            return (h * g).sum()

        return gs.value_and_grad(last)(w)[1]

    assert_agree(gs, terms, whole, x, h0, u, w, b, g)


@law("recurrent.gradient_flow", "recurrent.vanishing_exploding", "recurrent.sensitivity_decay")
@given(SEEDS, st.integers(1, 6), st.integers(1, 4))
def test_the_flow_is_at_most_the_product_of_the_norms(gs, seed, t, k):
    """In the norm of row sums: |dh_T / dh_1| <= prod |diag tanh'| |W|, so |W| < 1 makes it vanish; so |dh_T / dx_1|."""
    x, h0, b = normal(seed, 1, t, 2), normal(seed + 1, 1, k), normal(seed + 2, k)
    w_xh, w_hh = normal(seed + 3, k, 2), normal(seed + 4, k, k) / k

    def norm(a: Any) -> Any:
        return (a * a) ** 0.5

    def flow(gs: Any, x: Any, h0: Any, w_xh: Any, w_hh: Any, b: Any) -> Any:
        return norm(gs.gradient_flow(x, h0, w_xh, w_hh, b)[0, 0]).sum(-1)

    def product(gs: Any, x: Any, h0: Any, w_xh: Any, w_hh: Any, b: Any) -> Any:
        rows = norm(w_hh).sum(-1)
        largest = rows[int(np.argmax(np.abs(w_hh_plain).sum(-1)))]
        total = 0 * rows + 1
        for _ in range(t - 1):
            total = total * largest
        return total

    w_hh_plain = w_hh
    assert_at_most(gs, flow, product, x, h0, w_xh, w_hh, b)


def diagonalisable(seed: int, k: int, eigenvalues: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q, Q^-1 and W = Q diag(eigenvalues) Q^-1, all exact: Q is a product of shears, whose inverses are integers."""
    rng = np.random.Generator(np.random.Philox(seed))
    q, inverse = np.eye(k), np.eye(k)
    for _ in range(2 * (k > 1)):
        a, b = rng.permutation(k)[:2]
        shear, back = np.eye(k), np.eye(k)
        shear[a, b], back[a, b] = 1, -1
        q, inverse = q @ shear, back @ inverse
    return q, inverse, q * eigenvalues @ inverse


@law("recurrent.matrix_power")
@given(SEEDS, st.integers(1, 4), st.integers(0, 5))
def test_the_power_of_a_matrix_is_that_of_its_eigenvalues(gs, seed, k, n):
    """W^n = Q Lambda^n Q^-1, where W^n is what n steps of a network at rest do to a gradient."""
    rng = np.random.Generator(np.random.Philox(seed))
    eigenvalues = rng.choice([-1.5, -1.0, -0.5, 0.25, 0.5, 1.0, 2.0], k)
    q, inverse, w = diagonalisable(seed, k, eigenvalues)
    assert_agree(
        gs,
        lambda gs, w, q, powers, inverse: linear_flow(gs, w, n + 1),
        lambda gs, w, q, powers, inverse: (q * powers) @ inverse,
        w, q, eigenvalues**n, inverse,
    )  # fmt: skip


@law("recurrent.matrix_power")
def test_the_hundredth_power_of_the_notes_and_of_a_matrix_without_eigenvectors(gs):
    """For [[1, 1], [0, 1]] there is no such Q, and yet W^100 = [[1, 100], [0, 1]]."""
    assert np.array_equal(gs.numpy(linear_flow(gs, gs.array(np.array([[1.0, 1.0], [0.0, 1.0]])), 101)),
                          [[1, 100], [0, 1]])  # fmt: skip


@law("recurrent.vanishing_exploding", "recurrent.matrix_power")
@pytest.mark.parametrize("radius", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_modulus_of_the_largest_eigenvalue_decides(gs, radius, sign):
    """Below 1 the gradient vanishes, at 1 it stays, above it explodes: also for -1.5, which is below 1."""
    _, _, w = diagonalisable(3, 3, np.array([sign * radius, 0.25, -0.125]))
    sizes = [np.abs(gs.numpy(linear_flow(gs, gs.array(w), t + 1))).max() for t in (10, 40)]
    if radius == 1:
        assert sizes[0] / 2 < sizes[1] < 2 * sizes[0]
    else:
        roots = [size ** (1 / t) for size, t in zip(sizes, (10, 40), strict=True)]
        assert abs(roots[1] - radius) < abs(roots[0] - radius), "|W^n|^(1/n) goes to the spectral radius"
        assert (sizes[1] < sizes[0]) == (radius < 1)


@law("recurrent.vanishing_exploding")
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_scaled_orthogonal_matrix_scales_exactly(gs, scale):
    """(sQ)^n has the length s^n in every direction: neither more nor less than s says."""
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    for n in (1, 5, 20):
        power = gs.numpy(linear_flow(gs, gs.array(scale * turn), n + 1)).astype(float)
        assert np.array_equal(power.T @ power, scale ** (2 * n) * np.eye(3))


@law("recurrent.vanishing_exploding")
def test_some_components_vanish_while_others_explode(gs):
    """In the basis of its eigenvectors the components of a gradient go their own ways."""
    q, inverse, w = diagonalisable(5, 2, np.array([0.5, 2.0]))
    power = gs.numpy(linear_flow(gs, gs.array(w), 3)).astype(float)
    assert np.array_equal(inverse @ power @ q, np.diag([0.5**2, 2.0**2]))


@law("recurrent.relu_explosion")
@pytest.mark.parametrize("w", [0.5, 1.0, 2.0])
def test_a_relu_network_explodes_only_if_its_gain_exceeds_1(gs, w):
    """h_t = w^t h_0: it decays for w = 1/2 and stays for w = 1; tanh is bounded for any w."""
    params = {"weight_ih_l0": np.zeros((1, 1)), "weight_hh_l0": np.full((1, 1), w), "bias_ih_l0": np.zeros(1),
              "bias_hh_l0": np.zeros(1)}  # fmt: skip
    given_params = {key: gs.array(value) for key, value in params.items()}
    x, h0 = gs.array(np.zeros((1, 10, 1))), gs.array(np.ones((1, 1, 1)))
    relu = gs.rnn(RNN(1, 1, nonlinearity="relu"), given_params, x, h0).output
    assert np.array_equal(gs.numpy(relu)[0, :, 0], w ** np.arange(1, 11))
    assert np.abs(gs.numpy(gs.rnn(RNN(1, 1), given_params, x, h0).output)).max() < 1


@law("recurrent.sensitivity_decay", "recurrent.cell_highway")
def test_a_plain_network_forgets_its_first_input_and_an_open_lstm_does_not(gs):
    """Over 30 steps, with |W| = 1/2; an LSTM with f = 1 and i = 0 keeps what it wrote first."""
    params = {key: gs.array(np.full(shape, 0.5 if "weight" in key else 0.0))
              for key, shape in RNN(1, 1).parameters().items()}  # fmt: skip
    x = gs.array(np.zeros((1, 30, 1)))
    _, slope = gs.value_and_grad(lambda x: gs.rnn(RNN(1, 1), params, x).output[:, -1].sum())(x)
    decay = np.abs(gs.numpy(slope)[0, :, 0].astype(float))
    assert np.array_equal(decay, 0.5 ** np.arange(30, 0, -1))
    c0 = gs.array(np.ones((1, 1, 1)))
    _, kept = gs.value_and_grad(lambda c: gs.lstm(LSTM(1, 1), open_gates(gs), x, 0 * c, c).c.sum())(c0)
    assert gs.numpy(kept).item() == 1


def open_gates(gs: Any) -> dict[str, Any]:
    """Weights of an LSTM of one unit that keeps its cell: f = 1, i = 0, exactly."""
    bias = np.array([-1e4, 1e4, 0.0, 0.0])  # i, f, candidate, o
    return {
        "weight_ih_l0": gs.array(np.zeros((4, 1))), "weight_hh_l0": gs.array(np.zeros((4, 1))),
        "bias_ih_l0": gs.array(bias), "bias_hh_l0": gs.array(np.zeros(4)),
    }  # fmt: skip


# LSTM


@law("recurrent.lstm_forget_gate", "recurrent.lstm_input_gate", "recurrent.lstm_output_gate",
     "recurrent.gru_reset_gate", "recurrent.gru_update_gate")  # fmt: skip
@given(inputs("lstm_output_gate"), inputs("lstm_input_gate"))
def test_gates_lie_between_0_and_1(gs, case, wider):
    """A candidate, and what a cell shows, between -1 and 1."""
    x, h, c, u, w, b, b_hh = (None if a is None else gs.array(a) for a in case.arguments)
    o, shown = gs.lstm_output_gate(x, h, c, u, w, b, b_hh)
    gates = [o] + [network(gs, name)(x, h, u, w, b, b_hh)
                   for name in ("lstm_forget_gate", "gru_reset_gate", "gru_update_gate")]  # fmt: skip
    i, candidate = gs.lstm_input_gate(*(None if a is None else gs.array(a) for a in wider.arguments))
    for gate in (*gates, i):
        assert np.all((gs.numpy(gate) >= 0) & (gs.numpy(gate) <= 1))
    for value in (candidate, shown):
        assert np.all(np.abs(gs.numpy(value)) <= 1)
    for gate in gates[1:]:
        same(gs, gate, o)  # one formula under four names


@law("recurrent.lstm_cell_update", "recurrent.lstm_forget_gate", "recurrent.lstm_input_gate")
@given(SEEDS, SIZES)
def test_the_cell_keeps_erases_and_replaces(gs, seed, k):
    """With f = 1, i = 0 it keeps, with f = 0, i = 1 it replaces, with neither it erases; it grows by at most 1."""
    c, candidate = normal(seed, k), np.tanh(normal(seed + 1, k))
    candidate = PRECISION.get().round(candidate)
    one, zero = gs.array(np.ones(k)), gs.array(np.zeros(k))
    old, new = gs.array(c), gs.array(candidate)
    same(gs, gs.lstm_cell_update(old, one, zero, new), old)
    same(gs, gs.lstm_cell_update(old, zero, one, new), new)
    same(gs, gs.lstm_cell_update(old, zero, zero, new), zero)
    assert_at_most(
        gs,
        lambda gs, c, candidate: gs.lstm_cell_update(c, 0 * c + 1, 0 * c + 1, candidate),
        lambda gs, c, candidate: (c * c) ** 0.5 + 1,
        c, candidate,
    )  # fmt: skip


@law("recurrent.lstm_cell", "recurrent.lstm_output_gate")
@given(SEEDS, SIZES)
def test_saturated_gates_keep_write_show_and_hide(gs, seed, k):
    """Biases of plus and minus 10,000 open and close the gates exactly."""
    x, h = gs.array(normal(seed, 1, k)), gs.array(normal(seed + 1, 1, k))
    c, weight = gs.array(normal(seed + 2, 1, k)), gs.array(np.zeros((4 * k, k)))
    biases = normal(seed + 3, k)

    def cell(i: float, f: float, o: float) -> Any:
        bias = np.concatenate([np.full(k, i), np.full(k, f), biases, np.full(k, o)])
        return gs.lstm_cell(x, h, c, weight, weight, gs.array(bias), gs.array(np.zeros(4 * k)))

    candidate = gs.tanh(gs.array(biases)[None])
    on, off = 1e4, -1e4
    same(gs, cell(off, on, on).c, c)
    same(gs, cell(off, on, on).h, gs.tanh(c))
    same(gs, cell(on, off, on).c, candidate)
    same(gs, cell(on, off, on).h, gs.tanh(candidate))  # a plain cell, through one more tanh
    same(gs, cell(off, on, off).h, 0 * c)
    same(gs, cell(off, on, off).c, c)


@law("recurrent.lstm_cell")
@given(SEEDS, SIZES, SIZES, SIZES)
def test_an_lstm_cell_is_its_gates(gs, seed, n, i, k):
    config = LSTM(i, k)
    params = params_of(config, seed)
    x, h, c = (normal(seed + 9 + j, n, width) for j, width in enumerate((i, k, k)))

    def gates(gs: Any, params: Any, x: Any, h: Any, c: Any) -> Any:
        def block(*rows: int) -> Any:
            index = [row * k + j for row in rows for j in range(k)]
            return [parameter[index] for parameter in config.layer(params, 0)]

        f = gs.lstm_forget_gate(x, h, *block(1))
        new = gs.lstm_cell_update(c, f, *gs.lstm_input_gate(x, h, *block(0, 2)))
        return gs.lstm_output_gate(x, h, new, *block(3)).h, new

    def cell(gs: Any, params: Any, x: Any, h: Any, c: Any) -> Any:
        return tuple(gs.lstm_cell(x, h, c, *config.layer(params, 0)))

    assert_agree(gs, cell, gates, params, x, h, c)


@law("recurrent.lstm_peephole_cell", "recurrent.lstm_peephole")
@given(SEEDS, SIZES, st.integers(1, 4))
def test_without_peepholes_the_cell_is_the_ordinary_one(gs, seed, k, t):
    config = LSTM(2, k)
    params, x = params_of(config, seed), normal(seed + 9, 2, t, 2)
    h0, c0, v = normal(seed + 10, 2, k), normal(seed + 11, 2, k), np.zeros((3, k))
    for output in ("new", "old"):
        assert_agree(
            gs,
            lambda gs, params, x, h, c, v, o=output: tuple(
                gs.lstm_peephole(x, h, c, *config.layer(params, 0), v, output=o)
            ),
            lambda gs, params, x, h, c, v: squeezed(gs.lstm(config, params, x, h[None], c[None])),
            params, x, h0, c0, v,
        )  # fmt: skip


def squeezed(states: Any) -> Any:
    return states[0], states[1][0], states[2][0]


@law("recurrent.lstm_peephole_cell")
def test_the_old_cell_has_a_way_to_the_output_gate(gs):
    """With f = 0, only through a peephole does what is shown depend on the old cell."""
    weight, bias = gs.array(np.zeros((4, 1))), gs.array(np.array([1e4, -1e4, 1.0, 0.0]))
    zero, v = gs.array(np.zeros((1, 1))), gs.array(np.array([[0.0], [0.0], [1.0]]))

    def slope(output: str) -> float:
        def shown(c: Any) -> Any:
            return gs.lstm_peephole_cell(zero, zero, c, weight, weight, bias, 0 * bias, v, output=output).h.sum()

        return gs.numpy(gs.value_and_grad(shown)(zero)[1]).item()

    assert slope("new") == 0
    assert slope("old") > 0


@law("recurrent.lstm_peephole")
@given(inputs("lstm_peephole"))
def test_a_network_with_peepholes_is_its_cell_step_by_step(gs, case):
    def unrolled(gs: Any, x: Any, h: Any, c: Any, *weights: Any, **options: Any) -> Any:
        for t in range(x.shape[1]):
            h, c = gs.lstm_peephole_cell(x[:, t], h, c, *weights, **options)
        return h, c

    assert_agree(
        gs, lambda gs, *a, **options: tuple(gs.lstm_peephole(*a, **options)[1:]), unrolled, *case.arguments,
        **case.options,
    )  # fmt: skip


@law("recurrent.cell_highway")
def test_open_gates_carry_a_gradient_over_a_thousand_steps(gs):
    """The product of the forget gates is 1; a tanh network of the same length has nothing left."""
    f, one, start = gs.array(np.ones(1)), gs.array(np.zeros(1)), gs.array(np.array([0.5]))

    def thousand(step: Callable[[Any], Any]) -> float:
        def total(c: Any) -> Any:
            for _ in range(1000):
                c = step(c)
            return c.sum()

        return gs.numpy(gs.value_and_grad(total)(start)[1]).item()

    weight = gs.array(np.full((1, 1), 0.5))
    assert thousand(lambda c: gs.lstm_cell_update(c, f, one, one)) == 1
    plain_cell = thousand(lambda h: gs.rnn_cell(h[None], h[None], 0 * weight, weight, 0 * start, 0 * start)[0])
    assert plain_cell == 0 or abs(plain_cell) <= 2.0**-1000


@law("recurrent.cell_highway", "recurrent.lstm_cell_update")
@given(inputs("lstm_cell_update"))
def test_the_direct_path_of_the_cell_is_the_forget_gate(gs, case):
    """Its derivative d c_t / d c_{t-1} is diag(f_t)."""

    def direct(gs: Any, c: Any, f: Any, i: Any, candidate: Any) -> Any:
        return gs.value_and_grad(lambda c: gs.lstm_cell_update(c, f, i, candidate).sum())(c)[1]

    assert_agree(gs, direct, lambda gs, c, f, i, candidate: 1 * f, *case.arguments)


# Counts


@law("recurrent.lstm_parameter_count")
@given(SIZES, SIZES)
def test_an_lstm_has_four_times_the_parameters_of_a_plain_cell(i, k):
    assert lstm_parameter_count(i, k) == 4 * (k * (i + k) + k)
    assert lstm_parameter_count(i, k, biases=2) == parameter_count(LSTM(i, k)) == 4 * parameter_count(RNN(i, k))


@law("recurrent.gru_lstm_parameter_ratio")
@given(SIZES, SIZES, st.integers(0, 2))
def test_a_gru_has_three_quarters_of_the_parameters(i, k, biases):
    """Exactly, with the same biases; peepholes, which the notes' LSTM has, make it a little less."""
    assert gru_lstm_parameter_ratio(i, k, biases=biases) == Fraction(3, 4)
    assert gru_lstm_parameter_ratio(i, k, biases=biases, peepholes=1) < Fraction(3, 4)
    assert Fraction(parameter_count(GRU(i, k)), parameter_count(LSTM(i, k))) == Fraction(3, 4)


# GRU


@law("recurrent.gru_cell", "recurrent.gru_update_gate", "recurrent.gru_convex_combination")
@given(inputs("gru_cell"))
def test_the_new_state_lies_between_the_old_one_and_the_candidate(gs, case):
    """The candidate is what comes out if the update gate writes everything; it lies within -1 and 1."""
    x, h, w_ih, w_hh, b_ih, b_hh = case.arguments
    k = h.shape[-1]
    options = {"reset_after": case.options["reset_after"]}
    wide = np.concatenate([np.zeros(k), np.full(k, 1e4), np.zeros(k)])
    closed = np.concatenate([np.ones(k), np.zeros(k), np.ones(k)])[:, None]

    def candidate(gs: Any, x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, wide: Any, closed: Any) -> Any:
        rest = closed[:, 0]
        return gs.gru_cell(
            x, h, w_ih * closed, w_hh * closed, b_ih * rest + wide, b_hh * rest, update="write", **options
        )

    def between(gs: Any, *arguments: Any) -> Any:
        """(h_t - h)(candidate - h_t), which is at least 0 if h_t lies between them."""
        h_t, other = gs.gru_cell(*arguments[:6], update=case.options["update"], **options), candidate(gs, *arguments)
        return -(h_t - arguments[1]) * (other - h_t)

    assert_at_most(gs, between, lambda gs, *a: 0 * a[1], x, h, w_ih, w_hh, b_ih, b_hh, wide, closed)


@law("recurrent.gru_cell", "recurrent.gru_update_gate", "recurrent.gru_reset_gate", "recurrent.gru_convex_combination")
@given(SEEDS, SIZES, st.booleans())
def test_a_closed_gate_keeps_the_state_and_open_gates_make_a_plain_cell(gs, seed, k, reset_after):
    """In the orientation of the notes: z = 0 keeps h, gradient and all; z = r = 1 is the plain cell; r = 0 forgets."""
    weights = [gs.array(np.concatenate([np.zeros((2 * k, width)), normal(seed + j, k, width)]))
               for j, width in enumerate((2, k))]  # fmt: skip
    x, h, zeros = gs.array(normal(seed + 5, 2, 2)), gs.array(normal(seed + 6, 2, k)), gs.array(np.zeros(3 * k))

    def cell(h: Any, r: float, z: float) -> Any:
        bias = gs.array(np.concatenate([np.full(k, r), np.full(k, z), np.zeros(k)]))
        return gs.gru_cell(x, h, *weights, bias, zeros, reset_after=reset_after, update="write")

    same(gs, cell(h, 0.0, -1e4), h)
    _, slope = gs.value_and_grad(lambda h: cell(h, 0.0, -1e4).sum())(h)
    assert np.array_equal(gs.numpy(slope), np.ones((2, k)))
    same(gs, cell(h, -1e4, 1e4), cell(-h, -1e4, 1e4))
    narrow = [w[2 * k :] for w in weights]
    same(gs, cell(h, 1e4, 1e4), gs.rnn_cell(x, h, *narrow, zeros[:k], zeros[:k]))


@law("recurrent.gru_cell", "recurrent.gru")
@given(SEEDS, SIZES, SIZES)
def test_the_two_orientations_differ_by_the_sign_of_the_gate(gs, seed, i, k):
    """1 - sigmoid(s) = sigmoid(-s): with the rows of z negated, "write" is "keep"."""
    config = GRU(i, k)
    params, x, h = params_of(config, seed), normal(seed + 5, 2, i), normal(seed + 6, 2, k)
    sign = np.concatenate([np.ones(k), -np.ones(k), np.ones(k)])

    def turned(gs: Any, params: Any, x: Any, h: Any, sign: Any) -> Any:
        w_ih, w_hh, b_ih, b_hh = config.layer(params, 0)
        column = sign[:, None]
        return gs.gru_cell(x, h, w_ih * column, w_hh * column, b_ih * sign, b_hh * sign, update="write")

    assert_agree(
        gs, turned, lambda gs, params, x, h, sign: gs.gru_cell(x, h, *config.layer(params, 0)), params, x, h, sign
    )


@law("recurrent.gru", "recurrent.lstm")
@each_network
@given(seed=SEEDS, t=st.integers(1, 4))
def test_backpropagation_through_a_network_is_that_through_its_unrolled_cell(gs, name, kind, seed, t):
    """The gradients by all parameters and by the input."""
    config = kind(2, 3)
    params, x = params_of(config, seed), normal(seed + 40, 2, t, 2)

    def fused(gs: Any, params: Any, x: Any) -> Any:
        variables = {**params, "x": x}
        return gs.value_and_grad(
            lambda v: network(gs, name)(config, {key: v[key] for key in params}, v["x"]).output.sum()
        )(variables)[1]

    def unrolled(gs: Any, params: Any, x: Any) -> Any:
        def total(v: Any) -> Any:
            zero = 0 * (v["x"][:, 0] @ v["weight_ih_l0"].T)[:, :3]
            state, terms = ((zero, zero) if kind is LSTM else (zero,)), []
            for j in range(t):
                state = getattr(gs, f"{name}_cell")(v["x"][:, j], *state, *config.layer(v, 0))
                state = tuple(state) if kind is LSTM else (state,)
                terms.append(state[0].sum())
            return sum(terms[1:], terms[0])

        return gs.value_and_grad(total)({**params, "x": x})[1]

    assert_agree(gs, fused, unrolled, params, x)
