"""What a user would call instead of the language models: NumPy's counting, torch.nn, or what everybody writes."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik import torch_impl
from gongsik.benchmarks.peers import Contest, Data
from gongsik.spec.language import SentenceEncoder, Seq2Seq

CHECKS = "word numbers are checked, in a pass over them"


def n_gram_counts(data: Data) -> Contest:
    """Bigrams of up to a million words; what others have returns the numbers that stand for them."""
    length, vocab = data.of(2**8, 2**15, 1_000_000), data.of(32, 1_000, 30_000)
    text = data.integers(vocab, 1, length)

    def with_numpy() -> Any:
        x = text[0].cpu().numpy()
        return np.unique(x[:-1] * vocab + x[1:], return_counts=True)

    def with_torch() -> Any:
        return torch.unique(text[0, :-1] * vocab + text[0, 1:], return_counts=True)

    yardsticks = {
        "np.unique(..., return_counts=True)": (with_numpy, text.nbytes),
        "torch.unique(..., return_counts=True)": (with_torch, text.nbytes),
    }
    return Contest((text,), options={"n": 2, "vocab": vocab}, yardsticks=yardsticks)


def n_gram_model(data: Data) -> Contest:
    length, vocab = data.of(2**8, 2**13, 2**18), data.of(32, 100, 1_000)
    text = data.integers(vocab, 1, length)
    gram, count = torch_impl.n_gram_counts(text, n=2, vocab=vocab)

    def dense(gram: Tensor, count: Tensor, text: Tensor, **_: Any) -> Tensor:
        table = count.new_zeros(vocab, vocab).index_put((gram[:, 0], gram[:, 1]), count, accumulate=True)
        return (table / table.sum(-1, keepdim=True)).log()[text[:, :-1], text[:, 1:]]

    return Contest((gram, count.float(), text), {"a table of all bigrams": dense}, {"vocab": vocab})


def word_embedding(data: Data) -> Contest:
    vocab = data.of(64, 5_000, 50_000)
    ids = data.integers(vocab, *data.of((8, 8), (64, 128), (256, 512)))
    return Contest((ids, data.normal(vocab, 128)), {"F.embedding": F.embedding}, note=CHECKS)


def _vectors(data: Data) -> tuple[int, Tensor, Tensor]:
    vocab = data.of(64, 2_000, 10_000)
    return vocab, data.normal(vocab, 100), data.normal(vocab, 100)


def cbow(data: Data) -> Contest:
    vocab, v_in, u_out = _vectors(data)
    context = data.integers(vocab, data.of(8, 128, 512), 10)

    def by_hand(context: Tensor, v_in: Tensor, u_out: Tensor) -> Tensor:
        return F.linear(F.embedding_bag(context, v_in, mode="mean"), u_out)

    return Contest((context, v_in, u_out), {"F.embedding_bag, F.linear": by_hand})


def skip_gram(data: Data) -> Contest:
    vocab, v_in, u_out = _vectors(data)
    center = data.integers(vocab, data.of(8, 128, 512))
    peers = {"F.linear(v_in[center], u_out)": lambda center, v_in, u_out: F.linear(v_in[center], u_out)}
    return Contest((center, v_in, u_out), peers)


def negative_sampling_loss(data: Data) -> Contest:
    vocab, v_in, u_out = _vectors(data)
    n = data.of(8, 1_024, 16_384)

    def by_hand(center: Tensor, context: Tensor, noise: Tensor, v_in: Tensor, u_out: Tensor) -> Tensor:
        v = v_in[center]
        true, drawn = (v * u_out[context]).sum(-1), (v[:, None] * u_out[noise]).sum(-1)
        return -(F.logsigmoid(true) + F.logsigmoid(-drawn).sum(-1)).mean()

    ids = data.integers(vocab, n), data.integers(vocab, n).flip(0), data.integers(vocab, n, 5)
    return Contest((*ids, v_in, u_out), {"gathered, multiplied, summed": by_hand})


def cooccurrence_matrix(data: Data) -> Contest:
    length, vocab = data.of(2**8, 2**14, 2**18), data.of(32, 300, 1_000)
    text, weight = data.integers(vocab, 1, length), 1 / torch.arange(1.0, 6.0, device=data.device)

    def by_hand(text: Tensor, weight: Tensor, **_: Any) -> Tensor:
        x = weight.new_zeros(vocab, vocab)
        for i, w in enumerate(weight, 1):
            x = x.index_put((text[0, :-i], text[0, i:]), w.expand(length - i), accumulate=True)
        return x + x.T

    return Contest((text, weight), {"index_put(..., accumulate=True)": by_hand}, {"vocab": vocab})


def glove(data: Data) -> Contest:
    """Up to 200,000 pairs."""
    vocab, m = data.of(64, 2_000, 20_000), data.of(64, 10_000, 200_000)
    w, w_tilde, b, b_tilde = data.normal(vocab, 100), data.normal(vocab, 100), data.normal(vocab), data.normal(vocab)
    row, column, x = data.integers(vocab, m), data.integers(vocab, m).flip(0), 200 * data.uniform(m)
    arguments = w, w_tilde, b, b_tilde, row, column, x

    def by_hand(
        w: Tensor, w_tilde: Tensor, b: Tensor, b_tilde: Tensor, row: Tensor, column: Tensor, x: Tensor
    ) -> Tensor:
        f = torch.clamp((x / 100) ** 0.75, max=1)
        return (f * ((w[row] * w_tilde[column]).sum(1) + b[row] + b_tilde[column] - torch.log(x)) ** 2).sum()

    return Contest(arguments, {"the objective line by line": by_hand})


def language_model_loss(data: Data) -> Contest:
    logits = data.normal(*data.of((2, 8, 32), (8, 64, 1_000), (16, 128, 8_000)))
    ids = data.integers(logits.shape[-1], *logits.shape[:2])

    def by_hand(logits: Tensor, ids: Tensor) -> Tensor:
        return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())

    return Contest((logits, ids), {"F.cross_entropy of shifted logits": by_hand})


def _params(data: Data, config: Any) -> dict[str, Tensor]:
    return {name: data.normal(*shape) / 8 for name, shape in config.parameters().items()}


def _gru(data: Data, config: Any, params: dict[str, Tensor], prefix: str) -> nn.GRU:
    """Torch's own, with these parameters."""
    gru = nn.GRU(config.embedding_size, config.hidden_size, batch_first=True).to(data.device)
    gru.load_state_dict({name.removeprefix(prefix): x for name, x in params.items() if name.startswith(prefix)})
    return gru


def sentence_encoder(data: Data) -> Contest:
    config = SentenceEncoder(*data.of((32, 8, 16), (1_000, 64, 128), (10_000, 128, 256)))
    ids, params = data.integers(config.vocab, *data.of((4, 8), (32, 32), (64, 64))), _params(data, config)
    gru = _gru(data, config, params, "gru.")

    def by_hand(config: Any, params: Any, ids: Tensor) -> tuple[Tensor, Tensor]:
        h = gru(F.embedding(ids, params["embedding.weight"]))[1][0]
        return h, torch.sigmoid(F.linear(h, params["linear.weight"], params["linear.bias"]))

    return Contest((config, params, ids), {"nn.GRU": by_hand})


def seq2seq(data: Data) -> Contest:
    config = Seq2Seq(*data.of((32, 32, 8, 16), (500, 500, 64, 128), (5_000, 5_000, 128, 256)))
    shape = data.of((4, 8), (32, 32), (64, 48))
    source, target, params = (
        data.integers(config.source_vocab, *shape),
        data.integers(32, *shape),
        _params(data, config),
    )
    encoder, decoder = (_gru(data, config, params, f"{name}.gru.") for name in ("encoder", "decoder"))

    def by_hand(config: Any, params: Any, source: Tensor, target: Tensor) -> Tensor:
        h = encoder(F.embedding(source, params["encoder.embedding.weight"]))[1]
        output = decoder(F.embedding(target, params["decoder.embedding.weight"]), h)[0]
        return F.linear(output, params["decoder.linear.weight"], params["decoder.linear.bias"])

    return Contest((config, params, source, target), {"two nn.GRU": by_hand})


# What nobody else has in one call: only its time is measured.


def wordpiece(data: Data) -> Contest:
    vocab = {"[UNK]": 0, **{letter: i + 1 for i, letter in enumerate("abcdefghij")}}
    vocab |= {f"##{letter}": len(vocab) + i for i, letter in enumerate("abcdefghij")}
    words = tuple("".join("abcdefghij"[(i * j) % 10] for j in range(1, 8)) for i in range(data.of(4, 100, 2_000)))
    return Contest((words, vocab))


def _seq2seq(data: Data) -> tuple[Seq2Seq, dict[str, Tensor], Tensor, Tensor]:
    """A configuration, its parameters, words of that many texts, and the length of each."""
    config = Seq2Seq(*data.of((32, 32, 8, 16), (500, 500, 64, 128), (5_000, 5_000, 128, 256)))
    shape = data.of((4, 8), (32, 32), (64, 48))
    lengths = torch.full((shape[0],), shape[1], device=data.device)
    return config, _params(data, config), data.integers(config.source_vocab, *shape), lengths


def seq2seq_encoder(data: Data) -> Contest:
    return Contest(_seq2seq(data))


def seq2seq_decoder(data: Data) -> Contest:
    config, params, ids, _ = _seq2seq(data)
    states = data.normal(*ids.shape, config.hidden_size)
    return Contest((config, params, ids, states[:, -1].contiguous(), states))


def teacher_forcing(data: Data) -> Contest:
    s, t, v = data.of((2, 4, 8), (32, 32, 500), (64, 64, 2_000))
    table, target = data.normal(v, v), data.integers(v, s, t)
    lengths = torch.full((s,), t, device=data.device)
    return Contest((lambda table, words: table[words], table, target[:, 0], target, lengths))


def greedy_decode(data: Data) -> Contest:
    s, v = data.of((2, 8), (32, 500), (256, 5_000))
    table = data.normal(v, v)
    arguments = (lambda table, word: (table[word], table)), table, data.integers(v, s)
    return Contest(arguments, options={"eos": 0, "max_length": 16})
