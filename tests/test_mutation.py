"""The mutation runner: it makes the mistakes it should, and tells which the suite notices."""

import inspect

import pytest

from gongsik.benchmarks.mutation import Mutant, is_caught, mutants
from gongsik.reference import activation

SOURCE = '''
from gongsik.reference.arrays import implements

RATE = 2

def half(x):
    """Not this string."""
    return x / RATE

@implements(spec.f)
def f(x, /, *, a=1):
    return np.where(x >= a, half(x), -np.exp(x)) if a else np.sum(x, keepdims=True)

@implements(spec.g)
def g(x, /):
    return half(x) + 1 and not x

def unused(x):
    return x * 3
'''
NAMES = tuple(activation.__all__)


def all_mutants() -> list[Mutant]:
    return list(mutants(inspect.getsource(activation), "reference/activation.py", NAMES))


def test_every_kind_of_mistake_is_made_once():
    made = [(mutant.change, mutant.reaches) for mutant in mutants(SOURCE, "f.py", ("f", "g"))]
    assert sorted(made) == sorted(
        [("2 -> 3", ("f", "g")), ("2 -> 0", ("f", "g"))]
        + [(f"x / RATE -> {new}", ("f", "g")) for new in ("x * RATE", "x", "RATE")]
        + [(f"np.where(x >= a, half(x), -np.exp(x)) if a else np.sum(x, keepdims=True) -> {new}", ("f",))
           for new in ("np.where(x >= a, half(x), -np.exp(x))", "np.sum(x, keepdims=True)")]
        + [("x >= a -> x > a", ("f",)), ("x >= a -> x <= a", ("f",)), ("half(x) -> x", ("f",))]
        + [("-np.exp(x) -> np.exp(x)", ("f",)), ("np.exp(x) -> np.expm1(x)", ("f",)), ("np.exp(x) -> x", ("f",))]
        + [("np.sum(x, keepdims=True) -> np.mean(x, keepdims=True)", ("f",)), ("True -> False", ("f",))]
        + [("np.sum(x, keepdims=True) -> np.sum(x)", ("f",))]
        + [("half(x) + 1 and (not x) -> half(x) + 1 or not x", ("g",))]
        + [("not x -> x", ("g",)), ("half(x) -> x", ("g",))]
        + [(f"half(x) + 1 -> {new}", ("g",)) for new in ("half(x) - 1", "half(x)", "1")]
        + [("1 -> 2", ("g",)), ("1 -> 0", ("g",))]
    )  # fmt: skip


def test_the_file_itself_is_not_changed_by_mutating_it():
    plain = compile(inspect.getsource(activation), "reference/activation.py", "exec")
    assert len({mutant.code for mutant in all_mutants()} | {plain}) == len(all_mutants()) + 1
    assert not is_caught("reference", "activation", Mutant("", "", plain, NAMES), examples=20)


@pytest.mark.parametrize(
    ("change", "caught"),
    [
        ("x <= 0 -> x >= 0", True),  # relu
        ("1 + e -> 1 - e", True),  # sigmoid
        ("keepdims=True", True),  # softmax
        ("x < 0 -> x <= 0", False),  # step: no mistake, because x >= 0 was asked before
    ],
)
def test_what_is_wrong_is_caught_and_what_is_right_is_not(change, caught):
    chosen = [mutant for mutant in all_mutants() if change in mutant.change]
    assert chosen
    assert all(is_caught("reference", "activation", mutant, examples=50) == caught for mutant in chosen)


def test_a_loop_that_does_not_end_is_caught(monkeypatch):
    monkeypatch.setattr("gongsik.benchmarks.mutation.PATIENCE", 1)
    code = compile("while True: pass", "endless.py", "exec")
    assert is_caught("reference", "activation", Mutant("", "", code, ("relu",)), examples=1)
