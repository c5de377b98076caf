"""The figure of the chapter on history: what appeared when."""

import numpy as np
from matplotlib.figure import Figure

LANES = {
    "배우는 법": {
        "경사 하강법": 1847, "뉴런 모형": 1943, "SGD": 1951, "모멘텀": 1964, "네스테로프": 1983, "역전파": 1986,
        "Adagrad": 2011, "RMSprop": 2012, "Adam": 2014, "배치 정규화": 2015,
    },
    "보기": {
        "시각 피질": 1962, "LeNet-5": 1998, "AlexNet": 2012, "VGG": 2014, "Faster R-CNN": 2015, "ResNet": 2015.9,
        "SimCLR": 2020, "ViT": 2020.8,
    },
    "잇기": {
        "RNN": 1990, "LSTM": 1997, "Word2Vec": 2013, "seq2seq": 2014, "어텐션": 2014.7, "트랜스포머": 2017,
        "BERT": 2018, "GPT-3": 2020,
    },
    "만들기": {
        "NADE": 2011, "VAE": 2013, "GAN": 2014, "DCGAN": 2015, "PixelRNN": 2016, "WGAN": 2017, "DALL-E": 2021,
    },
}  # fmt: skip
TICKS = (1850, 1950, 1980, 2000, 2010, 2012, 2014, 2016, 2018, 2020)


def plot_timeline() -> Figure:
    """Names by year, a lane for each kind; the years before 2012 are drawn together."""
    figure = Figure(figsize=(9.4, 5))
    ax = figure.subplots()
    for row, names in enumerate(LANES.values()):
        ax.axhline(-row, linewidth=0.8, alpha=0.5, zorder=0)
        at = np.array([place(year) for year in names.values()])
        ax.plot(at, np.full(len(at), -row), "o", color=f"C{row}", markersize=5)
        for i, (name, x) in enumerate(zip(names, at, strict=True)):
            up = i % 4
            height = (10, -16, 24, -30)[up]
            ax.annotate(
                name, (x, -row), (0, height), textcoords="offset points", ha="center", fontsize=8.5,
                arrowprops={"arrowstyle": "-", "linewidth": 0.5, "alpha": 0.5} if up > 1 else None,
            )  # fmt: skip
    ax.set(xticks=[place(year) for year in TICKS], yticks=[-row for row in range(len(LANES))], ylim=(-3.7, 0.7))
    ax.set_xticklabels(list(map(str, TICKS)))
    ax.set_yticklabels(list(LANES))
    ax.tick_params(length=0)
    ax.spines[["left", "right", "top"]].set_visible(False)
    return figure


def place(year: float) -> float:
    """Where a year is on the axis: a year is one unit from 2012 on, and before it the less the longer ago it was."""
    return year - 2012 if year >= 2012 else -3.2 * float(np.log1p((2012 - year) / 3.2))
