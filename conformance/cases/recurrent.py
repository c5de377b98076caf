"""Inputs of the recurrent networks: short sequences, and weights that shrink with the width, as those of a network do.

With larger ones every state would sit where tanh is flat, and nothing of a gradient would be left to compare.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from gongsik.conformance.bounded import Precision
from gongsik.conformance.cases.network import SEEDS, Fill
from gongsik.conformance.strategies import LAYOUTS, Case, make
from gongsik.spec.array import Simplex
from gongsik.spec.recurrent import GRU, LSTM, RNN, Form, JordanActivation, SequenceMapping

STYLES = st.sampled_from(("normal", "normal", "normal", "normal", "ties", "spread", "tiny"))
LENGTHS = st.sampled_from((1, 2, 2, 3, 3, 4, 6))
Dims = Mapping[str, int]


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, int]:
    """Samples, steps, features, units, outputs: mostly few of each, sometimes more than a vector register holds."""
    width = st.integers(1, 5) if draw(st.integers(0, 3)) else st.integers(1, 19)
    outputs = draw(width.filter(lambda o: o > 1))  # a softmax of one number is 1, whatever it is
    return {"n": draw(st.integers(1, 3)), "t": draw(LENGTHS), "i": draw(width), "k": draw(width), "o": outputs}


@st.composite
def fills(draw: st.DrawFn, precision: Precision) -> Fill:
    """A function that fills one shape after the other; every array may be a view."""
    seed, style, layout = draw(SEEDS), draw(STYLES), draw(st.sampled_from(LAYOUTS))
    used = iter(range(1000))
    return lambda shape: make(seed + next(used), style, shape, precision.name, layout=layout if shape else "plain")


def weight(fill: Fill, *shape: int) -> np.ndarray:
    """Divided by a power of 2 near the root of the inputs: still exact."""
    return fill(shape) / 2.0 ** round(math.log2(max(shape)) / 2)


def distribution(draw: st.DrawFn, precision: Precision, *shape: int) -> np.ndarray:
    return make(draw(SEEDS), draw(st.sampled_from(("normal", "ties", "huge"))), shape, precision.name, Simplex())


def _cases(
    precision: Precision, arrays: Callable[[Dims, Fill], list[np.ndarray]], **options: SearchStrategy[Any]
) -> SearchStrategy[Case]:
    """Cases of a formula of arrays alone."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        found = arrays(draw(sizes()), draw(fills(precision)))
        return Case(tuple(found), {name: draw(option) for name, option in options.items()})

    return cases()


# Models of sequences


def naive_sequence_model(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        n, t, k = (draw(st.integers(1, most)) for most in (5, 4, 4))
        tables = tuple(distribution(draw, precision, *(k,) * j) for j in range(1, t + 1 + draw(st.integers(0, 1))))
        return Case((tables, np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, k, (n, t))))

    return cases()


def autoregressive_model(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        fill, batch = draw(fills(precision)), draw(st.sampled_from(((), (1,), (3,), (2, 2), (0,))))
        tau = draw(st.integers(1, 9))
        return Case((fill((*batch, tau + draw(st.integers(0, 20)))), weight(fill, tau), fill(())))

    return cases()


def latent_autoregressive_model(precision: Precision) -> SearchStrategy[Case]:
    """A running average, and the square of it."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        size, fill, keep = draw(sizes()), draw(fills(precision)), draw(st.sampled_from((0.0, 0.5, 0.75)))
        x, h0 = fill((size["n"], size["t"], size["k"])), fill((size["n"], size["k"]))
        return Case((lambda h, x: keep * h + (1 - keep) * x, lambda h: h * h, x, h0))

    return cases()


# Networks over a sequence


@st.composite
def networks(
    draw: st.DrawFn, precision: Precision, kind: type, most: int = 3
) -> tuple[Any, dict[str, np.ndarray], Fill, Dims]:
    """A configuration of up to so many layers, parameters that fit it, and what fills more arrays."""
    size, fill = draw(sizes()), draw(fills(precision))
    options: dict[str, Any] = {}
    if kind is RNN:
        options["nonlinearity"] = draw(st.sampled_from(("tanh", "tanh", "relu")))
    elif kind is GRU:
        options = {"reset_after": draw(st.booleans()), "update": draw(st.sampled_from(("keep", "write")))}
    config = kind(size["i"], size["k"], draw(st.integers(1, most)), **options)
    return config, parameters(config, fill), fill, size


def parameters(config: Any, fill: Fill) -> dict[str, np.ndarray]:
    table = config.parameters()
    return {name: weight(fill, *shape) if len(shape) == 2 else fill(shape) for name, shape in table.items()}


def _network_cases(precision: Precision, kind: type, states: int, most: int = 3) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config, params, fill, size = draw(networks(precision, kind, most))
        shape = config.num_layers, size["n"], size["k"]
        before = [fill(shape) if draw(st.booleans()) else None for _ in range(states)]
        return Case((config, params, fill((size["n"], size["t"], size["i"])), *before))

    return cases()


def rnn(precision: Precision) -> SearchStrategy[Case]:
    return _network_cases(precision, RNN, 1, 1)


def stacked_rnn(precision: Precision) -> SearchStrategy[Case]:
    return _network_cases(precision, RNN, 1)


def lstm(precision: Precision) -> SearchStrategy[Case]:
    return _network_cases(precision, LSTM, 2)


def gru(precision: Precision) -> SearchStrategy[Case]:
    return _network_cases(precision, GRU, 1)


def sequence_mapping(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        config, _, fill, size = draw(networks(precision, draw(st.sampled_from((RNN, LSTM, GRU)))))
        form = draw(st.sampled_from(get_args(Form)))
        fed_back = form in ("one_to_many", "sequence_to_sequence")
        whole = SequenceMapping(config, size["i"] if fed_back else size["o"], form, draw(st.integers(1, 3)))
        n, t = size["n"], 1 if form == "one_to_many" else size["t"]
        lengths = None
        if form == "many_to_one" and draw(st.booleans()):
            lengths = np.array(draw(st.lists(st.integers(1, t), min_size=n, max_size=n)))
        return Case((whole, parameters(whole, fill), fill((n, t, size["i"])), lengths))

    return cases()


def rnn_forward_code(precision: Precision) -> SearchStrategy[Case]:
    def arrays(d: Dims, fill: Fill) -> list[np.ndarray]:
        n, _, i, k, o = d.values()
        return [fill((n, i)), fill((n, k)), weight(fill, i, k), weight(fill, k, k), weight(fill, k, o), fill((k,)),
                fill((o,))]  # fmt: skip

    return _cases(precision, arrays)


def jordan_network(precision: Precision) -> SearchStrategy[Case]:
    def arrays(d: Dims, fill: Fill) -> list[np.ndarray]:
        n, t, i, k, o = d.values()
        return [fill((n, t, i)), fill((n, o)), weight(fill, k, i), weight(fill, k, o), fill((k,)),
                weight(fill, o, k), fill((o,))]  # fmt: skip

    return _cases(precision, arrays, activation=st.sampled_from(get_args(JordanActivation)))


def lstm_peephole(precision: Precision) -> SearchStrategy[Case]:
    def arrays(d: Dims, fill: Fill) -> list[np.ndarray]:
        n, t, i, k, _ = d.values()
        return [fill((n, t, i)), fill((n, k)), fill((n, k)), weight(fill, 4 * k, i), weight(fill, 4 * k, k),
                fill((4 * k,)), fill((4 * k,)), fill((3, k))]  # fmt: skip

    return _cases(precision, arrays, output=st.sampled_from(("new", "old")))


# Backpropagation through time


def _plain(d: Dims, fill: Fill) -> list[np.ndarray]:
    """Input, first state and parameters of a plain network whose weights work from the right."""
    n, t, i, k, _ = d.values()
    return [fill((n, t, i)), fill((n, k)), weight(fill, i, k), weight(fill, k, k), fill((k,))]


def bptt(precision: Precision) -> SearchStrategy[Case]:
    return _cases(precision, lambda d, fill: [*_plain(d, fill), fill((d["n"], d["t"], d["k"]))])


def truncated_bptt(precision: Precision) -> SearchStrategy[Case]:
    def arrays(d: Dims, fill: Fill) -> list[np.ndarray]:
        return [*_plain(d, fill), fill((d["n"], d["t"], d["k"]))]

    return _cases(precision, arrays, steps=st.integers(1, 8))


def gradient_flow(precision: Precision) -> SearchStrategy[Case]:
    def arrays(d: Dims, fill: Fill) -> list[np.ndarray]:
        x, h0, u, w, b = _plain(d, fill)
        return [x, h0, u.T, w, b]

    return _cases(precision, arrays)


def _last_step(precision: Precision) -> SearchStrategy[Case]:
    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        size, fill = draw(sizes()), draw(fills(precision))
        # of differences 8 bits leave nothing: here mostly are none
        plain = precision.unit > 2.0**-12 and draw(st.sampled_from((True, True, True, False)))
        if plain:
            size = {**size, "n": 1, "k": 1, "t": min(size["t"], 2)}
        readout = [weight(fill, size["k"], size["o"]), fill((size["o"],))]
        first, second = np.random.Generator(np.random.Philox(draw(SEEDS))).integers(0, size["o"], (2, size["n"]))
        if plain:
            readout[0] = abs(readout[0]) * np.where(np.arange(size["o"]) == 0, -1, 1)
            first, second = 0 * first, 0 * second
        one_hot = np.eye(size["o"])  # the mean of two labels is exact in any format
        x, *rest = _plain(size, fill)
        return Case((x / 4 if plain else x, *rest, *readout, (one_hot[first] + one_hot[second]) / 2))

    return cases()


def bptt_output_gradient(precision: Precision) -> SearchStrategy[Case]:
    return _last_step(precision).map(lambda case: Case((case.arguments[1], *case.arguments[5:])))


def bptt_input_gradient(precision: Precision) -> SearchStrategy[Case]:
    return _last_step(precision)


def bptt_recurrent_gradient(precision: Precision) -> SearchStrategy[Case]:
    return _last_step(precision)
