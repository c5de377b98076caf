"""Figures of the page on agreement."""

import numpy as np
from matplotlib.figure import Figure

from gongsik.conformance.agreement import K
from gongsik.conformance.bounded import PRECISIONS, Bounded
from gongsik.reference import activation as gs


def allclose(value: np.ndarray) -> np.ndarray:
    """How far from a value numpy.allclose lets another be."""
    return 1e-8 + 1e-5 * np.abs(value)


def plot_two_failures() -> Figure:
    """A fixed tolerance beside the derived bound: too wide for a softmax, too narrow for a sum that cancels."""
    single = PRECISIONS["float32"]
    figure = Figure(figsize=(6.6, 3.8))
    left, right = figure.subplots(1, 2)

    scores = np.linspace(0, -40, 81).astype(np.float32)
    expected = gs.softmax(Bounded(scores, None, single))
    error = np.abs(gs.softmax(scores) - expected.value)
    left.semilogy(scores, expected.value, color="C5", linestyle=":", label="값")
    _compare(left, scores, error, expected)
    left.set(title="소프트맥스", xlabel="점수", ylabel="절대 오차")

    draws = np.random.default_rng(7)
    lengths = np.unique(np.logspace(1, 5, 60).astype(int))
    samples = [draws.standard_normal(n).astype(np.float32) for n in lengths]
    samples = [x - x.mean() for x in samples]
    sums = [Bounded(x, None, single).sum() for x in samples]
    expected = Bounded([x.value for x in sums], [x.error for x in sums], single)
    error = np.abs([x.cumsum()[-1] for x in samples] - expected.value)  # summed from left to right, in float32
    right.set_xscale("log")
    _compare(right, lengths, error, expected)
    right.set(title="평균을 뺀 수들의 합", xlabel="더한 수의 개수")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _compare(ax, x, error, expected: Bounded) -> None:
    ax.semilogy(x, allclose(expected.value), color="C1", label="allclose의 허용 오차")
    ax.semilogy(x, K * expected.error, color="C0", label=f"유도한 한계의 {K}배")
    ax.semilogy(x[error > 0], error[error > 0], "o", color="C2", markersize=3, label="실제 오차")
