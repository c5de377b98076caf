"""Figures of the first half of the chapter on transformers: small models as they start, run by the reference."""

from importlib import import_module

import numpy as np
from matplotlib.figure import Figure

from gongsik.draws import Draws
from gongsik.reference import attention, normalization
from gongsik.spec.transformer import Encoder, EncoderLayer

gs = import_module("gongsik.reference.transformer")  # the chapter: the package has a function of this name
DRAWS = Draws(21)
SENTENCES = (("배가", "고프다", "밥을", "먹자"), ("배가", "바다로", "떠났다", "멀리"))
CONFIG = Encoder(EncoderLayer(16, 2, 32, norm_first=True), 4)
PARAMS = {
    name: DRAWS.normal(name, shape) / 4 if len(shape) > 1 else np.full(shape, float(name.endswith("weight")))
    for name, shape in CONFIG.parameters().items()
}


def _embedded(words: tuple[str, ...]) -> np.ndarray:
    """A vector per word, the same wherever it stands, and one for its place."""
    vectors = np.stack([DRAWS.normal(word, (16,)) for word in words])
    place = attention.sinusoidal_positional_encoding(np.arange(float(len(words))), d=16)
    return attention.add_positional_encoding(vectors, place)


def plot_maps() -> Figure:
    """What the heads of a stack look at: of an encoder, and of one whose future is hidden."""
    words = (*SENTENCES[0], *SENTENCES[1])
    figure = Figure(figsize=(6.6, 3.6))
    for ax, (title, causal) in zip(
        figure.subplots(1, 2, sharey=True), (("인코더: 양쪽을 본다", False), ("디코더: 앞만 본다", True)), strict=True
    ):
        weights = gs.encoder_states(CONFIG, PARAMS, _embedded(words), causal=causal).weights
        ax.imshow(weights[0, 0], cmap="Blues", vmin=0)
        ax.set_xticks(range(len(words)), words, rotation=60)
        ax.set_yticks(range(len(words)), words)
        ax.set_title(title)
    return figure


def plot_context() -> Figure:
    """How alike the vectors of one word are in two sentences, after each layer; and of what knows no neighbours."""
    figure = Figure(figsize=(5.6, 3.4))
    ax = figure.subplots()
    hidden = [gs.encoder_states(CONFIG, PARAMS, _embedded(words)).hidden[:, 0] for words in SENTENCES]
    alone = np.eye(4, dtype=bool)
    blind = [gs.encoder_states(CONFIG, PARAMS, _embedded(words), alone).hidden[:, 0] for words in SENTENCES]
    for pair, label, style in ((hidden, "이웃을 본다", "C0-o"), (blind, "자기만 본다", "C1--s")):
        a, b = (normalization.layer_norm(h) for h in pair)
        ax.plot((a * b).mean(-1), style, label=label)
    ax.set(xlabel="지나온 층", ylabel="두 문장의 “배가”가 닮은 정도", xticks=range(len(hidden[0])), ylim=(0, 1.05))
    ax.legend()
    return figure
