"""Search in Korean: Sphinx knows no Korean, and would find 학습 only where it stands between two spaces.

Pages are indexed by runs of two and three syllables, across spaces, so that 경사하강법 finds 경사 하강법; a query loses
its particles (Adam의 finds Adam) and asks for the runs of each of its words. `search.js` does the same in the browser,
and puts the cards of formulas first.
"""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.search import SearchLanguage

from gongsik.spec import entries

PARTICLES = (
    *("으로부터", "에서는", "에서의", "이라는", "으로써"),
    *(
        "으로",
        "에서",
        "에는",
        "에게",
        "까지",
        "부터",
        "처럼",
        "보다",
        "마다",
        "라는",
        "이나",
        "하고",
        "하는",
        "하기",
        "하다",
    ),
    *("한다", "되는", "된다"),
    *"은는이가을를의에와과로도만",
)
"""What is taken from the end of a word, the longest first, if two syllables are left."""

SYNONYMS = (
    ("합성곱", "컨볼루션", "convolution"),
    ("경사 하강법", "경사 강하법", "gradient descent"),
    ("기울기", "그래디언트", "gradient"),
    ("기울기 소멸", "기울기 소실", "vanishing gradient"),
    ("기울기 폭발", "exploding gradient"),
    ("역전파", "backpropagation"),
    ("순전파", "forward pass"),
    ("손실 함수", "비용 함수", "목적 함수", "loss function"),
    ("교차 엔트로피", "크로스 엔트로피", "cross entropy"),
    ("활성화 함수", "activation function"),
    ("최적화 기법", "최적화기", "옵티마이저", "optimizer"),
    ("학습률", "learning rate"),
    ("모멘텀", "관성", "momentum"),
    ("가중치 감쇠", "weight decay"),
    ("과적합", "과대적합", "overfitting"),
    ("과소적합", "underfitting"),
    ("드롭아웃", "dropout"),
    ("배치 정규화", "batch normalization"),
    ("신경망", "뉴럴 네트워크", "neural network"),
    ("다층 퍼셉트론", "mlp", "multilayer perceptron"),
    ("순환 신경망", "rnn", "recurrent neural network"),
    ("어텐션", "주의 집중", "attention"),
    ("소프트맥스", "softmax"),
    ("시그모이드", "sigmoid"),
    ("하이퍼볼릭 탄젠트", "쌍곡탄젠트", "tanh"),
    ("퍼셉트론", "perceptron"),
)
"""Words of one meaning: a page that has one of them is found by the others."""

_WORD = re.compile(r"[가-힣]+|[^\W가-힣]+")
_HANGUL = re.compile(r"[가-힣]")


def strip_particle(word: str) -> str:
    """A Korean word without the particle at its end.

    >>> strip_particle("시그모이드의"), strip_particle("정의")
    ('시그모이드', '정의')
    """
    return next((word[: -len(end)] for end in PARTICLES if word.endswith(end) and len(word) >= len(end) + 2), word)


def normal(text: str) -> str:
    """Words in lower case; Korean ones that follow each other are joined, since spacing between them varies.

    >>> normal("확률적 경사 하강법(SGD)의 수렴")
    '확률적경사하강법 sgd 의수렴'
    """
    joined = ""
    for word in _WORD.findall(text.lower()):
        follows = joined and _HANGUL.match(joined[-1]) and _HANGUL.match(word)
        joined += word if follows or not joined else f" {word}"
    return joined


def grams(run: str) -> Iterator[str]:
    """Every two and every three syllables of a run of Hangul that stand beside each other."""
    for size in (2, 3):
        for start in range(len(run) - size + 1):
            yield run[start : start + size]


def index_terms(text: str) -> Iterator[str]:
    """What a text is found by.

    >>> sorted(set(index_terms("층은 ReLU의 softmax_jacobian")))
    ['jacobian', 'relu', 'softmax', 'softmax_jacobian', '층', '층은']
    """
    for word in normal(text).split():
        if _HANGUL.match(word):
            yield from grams(word)
        else:
            yield from dict.fromkeys((word, *filter(None, word.split("_"))))
    for word in _WORD.findall(text):  # words of one syllable, which have no run of two
        if _HANGUL.match(word) and len(word) <= 2 and word not in PARTICLES:
            yield from {word, word[0]} if word[1:] in PARTICLES else {word}


@functools.cache
def _synonyms() -> list[tuple[re.Pattern[str], tuple[str, ...]]]:
    """For every phrase that has synonyms: how it is recognised, and the others."""
    titles = [(entry.ko, entry.en) for entry in entries().values() if entry.ko != entry.en]
    return [
        (re.compile(rf"(?<![a-z0-9_]){re.escape(normal(phrase))}(?![a-z0-9_])"), tuple(o for o in group if o != phrase))
        for group in (*SYNONYMS, *titles)
        for phrase in group
    ]


class Korean(SearchLanguage):
    """Korean, for Sphinx's index."""

    lang = "ko"
    language_name = "Korean"

    @property
    def js_splitter_code(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The other half of this file, for the browser."""
        script = Path(__file__).with_name("search.js").read_text(encoding="utf-8")
        return f"const KOREAN_PARTICLES = {json.dumps(PARTICLES, ensure_ascii=False)};\n{script}"

    def split(self, input: str) -> list[str]:  # noqa: A002
        """Terms of a text, and of the synonyms of what it speaks of."""
        flat = normal(input)
        others = (other for found, group in _synonyms() if found.search(flat) for other in group)
        return [term for text in (input, *others) for term in index_terms(text)]


def setup(app: Sphinx) -> None:
    app.add_search_language(Korean)
