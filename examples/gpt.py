"""Train a small GPT on the project's own Korean lecture pages, syllable by syllable, and let it go on writing.

    python examples/gpt.py --backend torch --run runs/gpt --json docs/gpt.json

Every tenth part of the text is kept for the test. All draws (parameters, batches, what is dropped, which syllable comes
next) come from `gongsik.Draws`. With --run the arrays are written every 200 steps, and the same command goes on there.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generative
import numpy as np
from corpus import syllables

import gongsik
from gongsik.spec.architectures.gpt import GPT

PART = 500
"""Syllables in one of the parts into which the text is cut; every tenth is for the test."""
RARE = 3
"""A syllable that is seen less often in the training text stands as the number 0."""
CONTEXT, BATCH = 64, 16
WIDTH, HEADS, LAYERS = 128, 4, 3
PROMPTS = ("신경망은 ", "손실 함수의 기울기", "학습률이 크면 ")
TEMPERATURES = (0.0, 0.5, 0.8)


@dataclass(frozen=True)
class Options(generative.Options):
    """What decides the numbers of a run."""

    steps: int = 1500


def split(text: str) -> tuple[list[str], list[str]]:
    """Parts for training and for the test."""
    parts = [text[i : i + PART] for i in range(0, len(text) - PART + 1, PART)]
    return [part for i, part in enumerate(parts) if i % 10], parts[::10]


def alphabet(parts: list[str]) -> list[str]:
    """Every syllable that is not rare, most frequent first, after the sign for the rare ones."""
    return ["·", *(name for name, number in Counter("".join(parts)).most_common() if number >= RARE)]


def encode(text: str, letters: list[str]) -> np.ndarray:
    """The numbers of syllables."""
    numbers = {letter: i for i, letter in enumerate(letters)}
    return np.array([numbers.get(letter, 0) for letter in text])


def start(bk: Any, config: Any, seed: int) -> dict[str, Any]:
    """Parameters to start from as GPT-2 and BERT do: normal draws times 0.02; normalization begins as the identity."""
    draws = gongsik.Draws(seed)

    def array(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) > 1:
            return 0.02 * draws.normal(name, shape)
        return np.ones(shape) if name.endswith("weight") else np.zeros(shape)

    return {name: bk.asarray(array(name, shape)) for name, shape in config.parameters().items()}


def dropout(bk: Any, config: Any, shape: tuple[int, ...], seed: int, step: int) -> dict[str, Any]:
    """The uniform draws of one step by which units are dropped."""
    source = gongsik.Draws(seed)
    return {name: bk.asarray(source.uniform(name, drawn, counter=step)) for name, drawn in config.draws(shape).items()}


def optimize(bk: Any, tree: Any, loss: Any, step: int, options: generative.Options, rate: float = 1e-3) -> Any:
    """One step of AdamW, whose rate rises over the first tenth of the run and then falls along half a wave."""
    value, grads = bk.value_and_grad(loss)(tree["params"])
    rise = max(options.steps // 10, 1)
    wave = (1 + np.cos(np.pi * max(step - rise, 0) / max(options.steps - rise, 1))) / 2
    lr = rate * min((step + 1) / rise, 1.0) * float(wave)
    params, state = bk.adamw(tree["params"], bk.clip_grad_norm(grads), tree["state"], lr=lr, weight_decay=0.1)
    return {"params": params, "state": state}, value


def held_out_loss(bk: Any, config: GPT, params: Any, parts: list[np.ndarray]) -> float:
    """Mean surprise at a syllable, in nats, over the parts; each is read in pieces as long as the context."""
    pieces = [part[i : i + CONTEXT] for part in parts for i in range(0, len(part) - CONTEXT + 1, CONTEXT)]
    ids = bk.asarray(np.array(pieces))
    return float(bk.language_model_loss(bk.gpt(config, params, ids), ids))


def go_on(
    bk: Any, config: GPT, params: Any, ids: np.ndarray, number: int, never: list[int], *, temperature: float,
    top_k: int | None = None, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """So many tokens after each row of `ids`, none of `never`: one reading of the row, then token by token."""
    draws = gongsik.Draws(seed)
    barred = bk.asarray(np.where(np.isin(np.arange(config.vocab_size), never), -np.inf, 0.0))
    new, cache, said = bk.asarray(ids), (), []
    for i in range(number):
        logits, *cache = bk.gpt_step(
            config, params, new, *cache, capacity=ids.shape[1] + number if not cache else None, overwrite=True
        )
        uniform = bk.asarray(draws.uniform("gpt: next", len(ids), counter=i))
        token = bk.output_sampling(logits[:, -1] + barred, uniform, temperature=temperature, top_k=top_k)
        new = token[:, None]
        said.append(bk.to_numpy(token))
    return np.stack(said, 1)


def write(bk: Any, config: GPT, params: Any, letters: list[str], prompt: str, temperature: float) -> str:
    """A prompt and what the model makes of it, as far as its positions reach."""
    ids = encode(prompt, letters)[None]
    never = [letters.index(sign) for sign in "·□"]
    tokens = go_on(bk, config, params, ids, CONTEXT - ids.shape[1], never, temperature=temperature, top_k=40)
    return prompt + "".join(letters[i] for i in tokens[0])


def run(options: Options, folder: Path | None) -> dict[str, Any]:
    """Train, measure and write."""
    bk = gongsik.backend(options.backend, dtype=options.dtype)
    training, test = split(syllables())
    letters = alphabet(training)
    config = GPT(len(letters), WIDTH, HEADS, 4 * WIDTH, LAYERS, CONTEXT)
    text = np.concatenate([encode(part, letters) for part in training])
    draws = gongsik.Draws(options.seed)

    def step(tree: Any, i: int) -> tuple[Any, dict[str, Any]]:
        at = draws.integers("gpt: places", (BATCH, 1), len(text) - CONTEXT, counter=i)
        ids = bk.asarray(text[at + np.arange(CONTEXT)])
        drawn = dropout(bk, config, tuple(ids.shape), options.seed, i)

        def loss(params: Any) -> Any:
            return bk.language_model_loss(bk.gpt(config, params, ids, None, drawn), ids)

        tree, value = optimize(bk, tree, loss, i, options)
        return tree, {"loss": value}

    trained = generative.train(
        bk, options, {"params": start(bk, config, options.seed), "state": None}, step, folder, name="GPT"
    )
    params, losses = trained.tree["params"], trained.history["loss"]
    parts = [encode(part, letters) for part in test]
    surprise = held_out_loss(bk, config, params, parts)
    counts = np.bincount(text, minlength=len(letters)) / len(text)
    return {
        "measured": {
            "letters": len(letters),
            "parameters": sum(int(np.prod(shape)) for shape in config.parameters().values()),
            "training loss": float(np.mean(losses[-100:])),
            "test loss": surprise,
            "test perplexity": float(np.exp(surprise)),
            "perplexity without context": float(np.exp(-np.mean(np.log(counts[np.concatenate(parts)].clip(1e-9))))),
        },
        "losses": np.array(losses)[: len(losses) // 20 * 20].reshape(-1, 20).mean(1).round(4).tolist(),
        "texts": {
            prompt: {str(t): write(bk, config, params, letters, prompt, t) for t in TEMPERATURES}
            for prompt in PROMPTS
        },
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    return generative.main(arguments, __doc__ or "", Options(), run)


if __name__ == "__main__":
    sys.exit(main())
