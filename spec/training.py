"""Training in practice: how data becomes batches and batches become updates, and what surrounds a run.

A data set is a tuple of arrays whose first axis counts the samples. A run has no hidden state: its order of the samples
is an argument, where it stands is the number of updates done, and so it goes on from anywhere. What takes long calls
``on_step(done, value)`` after each step, if that is given: a place for a progress bar.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt
from jaxtyping import Float, Int

from gongsik.spec.adapter import ArrayAdapter
from gongsik.spec.array import Array, NonNegative, Params, Positive, Probability, Tree, Uniform
from gongsik.spec.errors import DomainError, ShapeError
from gongsik.spec.formula import Chapter, Erratum, count, formula, law, named

CHAPTER = Chapter(ko="학습 실무", en="Training in practice")

Orders = Int[Array, "e m"]
"""Which samples, epoch by epoch, in which order: a permutation in each row, or a worker's part of one."""


class EpochArithmetic(NamedTuple):
    """How many batches an epoch has, the size of the last one, and how many updates a run makes."""

    iterations: int
    last_batch: int
    updates: int


class Fitted(NamedTuple):
    """Parameters after the last update, and the loss of every batch before its update."""

    params: Any
    losses: Any


class Transferred(NamedTuple):
    """Parameters of the backbone and of the head after the last update, and the losses on the way."""

    backbone: Any
    head: Any
    losses: Any


class Search(NamedTuple):
    """What a search has found, and all that it tried: the history from which it goes on.

    Attributes
    ----------
    best : dict
        The point with the smallest value; the first of them.
    value : array
        The objective there.
    points : dict
        Every point, in order: an array per hyperparameter.
    values : array
        The objective at every point.
    at : array
        (points, hyperparameters): positions in the grid, or the draws that a point is made of.
    """

    best: dict[str, Any]
    value: Any
    points: dict[str, Any]
    values: Any
    at: Any


class Report(NamedTuple):
    """The fitted parameters, the loss of every batch, and the objective on the data seen and unseen."""

    params: Any
    losses: Any
    train_loss: Any
    test_loss: Any


# Epochs and batches


@formula(
    ko="배열의 텐서 변환",
    en="Array to tensor conversion",
    tex=r"\texttt{Tensor}(a) \to \text{float32}, \qquad \texttt{LongTensor}(a) \to \text{int64}",
    notes=("003#PyTorch",),
    source="PyTorch, torch.Tensor",
    kind="algorithm",
)
def to_tensor(data: object, /, *, dtype: Literal["float32", "int64"] = "float32") -> Array:
    """Make an array of the backend out of nested lists of numbers, or of an array of NumPy's or its own.

    Shapes
    ------
    data : of any shape
    returns : of the same shape

    Options
    -------
    dtype : "float32" for what is computed with, "int64" for what counts or names: labels, indices

    Raises
    ------
    ShapeError
        If the lists in `data` differ in length.
    DtypeError
        If `data` holds no numbers, or real numbers are to become integers, which would cut off their fractions.

    Source
    ------
    IEEE Std 754-2019, section 4.3.1: a number becomes the nearest that float32 has, the even one of two.

    Examples
    --------
    >>> gs.to_numpy(gs.to_tensor([[0.5, 1.0], [2.0, 3.0]]))
    array([[0.5, 1. ],
           [2. , 3. ]], dtype=float32)
    >>> gs.to_numpy(gs.to_tensor([3, 1, 4], dtype="int64"))
    array([3, 1, 4])
    """
    ...


@formula(
    ko="텐서 데이터셋",
    en="Tensor dataset",
    tex=r"\mathcal D[i] = (x_i, y_i)",
    notes=("003#PyTorch",),
    source="PyTorch, torch.utils.data.TensorDataset",
    errata=(
        Erratum(
            key="pytorch_names",
            place="003#PyTorch",
            stated="`TensorDataSet()`으로 묶고 `TensorLoader(tensorDataset, batch=64, shuffle=True)`로 꺼낸다.",
            right="`torch.utils.data.TensorDataset`과 `DataLoader(dataset, batch_size=64, shuffle=True)`이다. "
            "`TensorLoader`라는 이름은 없고, `batch`라는 인자도 없다.",
        ),
    ),
    kind="algorithm",
)
def tensor_dataset(arrays: tuple, index: Int[Array, "*b"], /) -> tuple:
    """Take the samples of these numbers out of every array, so that what belongs together stays together.

    Shapes
    ------
    arrays : a tuple of arrays, whose first axis counts the samples
    index : any shape; which samples, from 0 up to the number of samples
    returns : per array the samples, the axes of `index` first

    Raises
    ------
    ShapeError
        If the arrays differ in the number of samples, or there are none.
    DomainError
        If there is no such sample.

    Source
    ------
    PyTorch's documentation, torch.utils.data.TensorDataset.

    Examples
    --------
    >>> x, y = gs.asarray([[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]]), gs.asarray([7, 8, 9])
    >>> first, second = gs.tensor_dataset((x, y), gs.asarray([2, 0]))
    >>> gs.to_numpy(first), gs.to_numpy(second)
    (array([[2. , 2.5],
           [0. , 0.5]]), array([9, 7]))
    """
    ...


def iterations_per_epoch(n: int, batch_size: int, /, *, drop_last: bool = False) -> int:
    """Number of batches in one pass over n samples.

    >>> iterations_per_epoch(10, 3), iterations_per_epoch(10, 3, drop_last=True)
    (4, 3)
    """
    return n // batch_size if drop_last else -(-n // batch_size)


@count(
    ko="에포크·배치·반복",
    en="Epochs, batches and iterations",
    tex=r"\text{iterations} = \lceil N / B \rceil\ \ (\lfloor N / B \rfloor\ \text{with drop\_last}), \qquad "
    r"\text{updates} = \text{epochs} \cdot \text{iterations}",
    notes=("003#가중치 갱신 전략",),
    errata=(
        Erratum(
            key="iterations_rounding",
            place="003#가중치 갱신 전략",
            stated="반복 수는 $N / B$이다.",
            right="나누어떨어지지 않으면 올림한다. 모자라는 마지막 배치를 버린다면 내림한다. $N = 10$, $B = 3$이면 "
            "배치는 넷(3, 3, 3, 1)이거나 셋이다.",
            stated_value="round(10 / 3, 2)",
            right_value="len(gs.mini_batches((np.arange(10.0),), np.arange(10), batch_size=3))",
        ),
    ),
)
def epoch_arithmetic(n: int, batch_size: int, /, *, epochs: int = 1, drop_last: bool = False) -> EpochArithmetic:
    """How often the parameters move when n samples are passed over in batches.

    Options
    -------
    epochs : at least 1; passes over all samples
    drop_last : whether a last batch that is not full is left out

    Raises
    ------
    DomainError
        If n, the batch size or the number of epochs is not at least 1.

    Examples
    --------
    >>> epoch_arithmetic(1437, 32, epochs=20)
    EpochArithmetic(iterations=45, last_batch=29, updates=900)
    >>> epoch_arithmetic(1437, 32, epochs=20, drop_last=True)
    EpochArithmetic(iterations=44, last_batch=32, updates=880)
    """
    for name, value in (("n", n), ("batch_size", batch_size), ("epochs", epochs)):
        if value < 1:
            raise DomainError(f"epoch_arithmetic: {name} is {value}, expected at least 1")
    iterations = iterations_per_epoch(n, batch_size, drop_last=drop_last)
    last = min(batch_size, n) if drop_last or n % batch_size == 0 else n % batch_size
    return EpochArithmetic(iterations, last if iterations else 0, epochs * iterations)


@formula(
    ko="미니배치 생성",
    en="Mini-batch generator",
    tex=r"\pi \in S_N, \qquad B_j = \{\pi_{(j-1)B+1}, \dots, \pi_{\min(jB,\,N)}\}",
    notes=("003#미니배치 갱신 (get_mini_batches)",),
    source="Bottou, Curtis & Nocedal 2018, section 3",
    kind="algorithm",
    stochastic=True,
    requires=(("start <= iterations_per_epoch(m, batch_size, drop_last=drop_last)", "start within the epoch"),),
)
def mini_batches(
    data: tuple, order: Int[Array, "m"], /, *, batch_size: Annotated[int, Ge(1)] = 32,
    drop_last: bool = False, start: Annotated[int, Ge(0)] = 0,
) -> list:  # fmt: skip
    """Cut the samples of an epoch, in a given order, into batches.

    Shapes
    ------
    data : a tuple of arrays, whose first axis counts the samples
    order : (m,); which samples, a permutation (`Draws.permutation`) or a part of one
    returns : a list of tuples, per batch and array the samples

    Options
    -------
    batch_size : at least 1
    drop_last : whether a last batch that is not full is left out
    start : how many batches of the epoch are done and left out

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.
    DomainError
        If there is no such sample, or `start` lies beyond the epoch.

    Source
    ------
    Bottou, Curtis & Nocedal 2018, "Optimization methods for large-scale machine learning", section 3.

    Examples
    --------
    >>> x = gs.asarray([0.0, 10.0, 20.0, 30.0, 40.0])
    >>> for (batch,) in gs.mini_batches((x,), gs.asarray([4, 0, 3, 1, 2]), batch_size=2):
    ...     print(gs.to_numpy(batch))
    [40.  0.]
    [30. 10.]
    [20.]
    """
    ...


@formula(
    ko="데이터 로더",
    en="Data loader",
    tex=r"B_t = \{\pi^{(e)}_{jB+1}, \dots, \pi^{(e)}_{\min((j+1)B,\,N)}\}, \qquad "
    r"(e, j) = \operatorname{divmod}(t, \text{iterations})",
    notes=("003#PyTorch",),
    source="PyTorch, torch.utils.data.DataLoader",
    kind="algorithm",
    stochastic=True,
    requires=(
        ("step < e * iterations_per_epoch(m, batch_size, drop_last=drop_last)", "a step within the epochs of orders"),
    ),
)
def data_loader(
    dataset: tuple, orders: Orders, /, *, step: Annotated[int, Ge(0)] = 0, batch_size: Annotated[int, Ge(1)] = 64,
    drop_last: bool = False,
) -> tuple:  # fmt: skip
    """The batch of one step of a run. Step and orders say everything: a run goes on wherever it was left.

    Shapes
    ------
    dataset : a tuple of arrays, whose first axis counts the samples
    orders : (e, m); the order of every epoch, a permutation in each row or a worker's part of one
    returns : the samples of the batch, per array

    Options
    -------
    step : at least 0; how many batches came before, over all epochs
    batch_size : at least 1
    drop_last : whether a last batch that is not full is left out

    Raises
    ------
    ShapeError
        If the arrays of `dataset` differ in the number of samples, or there are none.
    DomainError
        If there is no such sample or no such step.

    Source
    ------
    PyTorch's documentation, torch.utils.data.DataLoader; here the step is an argument.

    Examples
    --------
    >>> x = gs.asarray([0.0, 10.0, 20.0, 30.0, 40.0])
    >>> orders = gs.asarray([[0, 1, 2, 3, 4], [4, 0, 3, 1, 2]])
    >>> (batch,) = gs.data_loader((x,), orders, step=3, batch_size=2)  # the first of the second epoch
    >>> gs.to_numpy(batch)
    array([40.,  0.])
    """
    ...


# Updates


@formula(
    ko="확률적 갱신",
    en="Stochastic update loop",
    tex=r"\text{for } i \text{ in } \pi:\quad w \leftarrow w - \eta\, \nabla \ell_i(w)",
    notes=("003#확률적 갱신", "000#Gradient Descent Methods", "001#Gradient Descent Methods"),
    source="Robbins & Monro 1951",
    kind="algorithm",
    stochastic=True,
    requires=(("start < e * m", "start before the last update"),),
)
def stochastic_update(
    loss: Callable, params: Params, data: tuple, orders: Orders, /, *, lr: NonNegative[float] = 1e-2,
    start: Annotated[int, Ge(0)] = 0, on_step: Callable | None = None,
) -> Fitted:  # fmt: skip
    """Update the parameters once per sample.

    Shapes
    ------
    loss : ``loss(params, *batch)`` is the mean over the samples of a batch, an array without axes
    params : any tree of arrays
    data : a tuple of arrays, whose first axis counts the samples
    orders : (e, m); the order of every epoch
    returns : the new parameters, and the loss of every sample before its update, (updates,)

    Options
    -------
    lr : at least 0; the learning rate
    start : at least 0; how many updates are done already
    on_step : called as ``on_step(done, loss)`` after every update

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.
    DomainError
        If there is no such sample, or nothing is left to do.

    Source
    ------
    Robbins & Monro 1951, "A stochastic approximation method".

    Examples
    --------
    >>> x = gs.asarray([0.0, 10.0])
    >>> half = lambda w, x: ((w - x) ** 2).mean() / 2
    >>> w, losses = gs.stochastic_update(half, gs.asarray(0.0), (x,), gs.asarray([[1, 0]]), lr=0.5)
    >>> float(w), gs.to_numpy(losses)
    (2.5, array([50. , 12.5]))
    """
    ...


@formula(
    ko="배치 갱신",
    en="Batch update loop",
    tex=r"w \leftarrow w - \eta\, \frac1N \sum_{i=1}^{N} \nabla \ell_i(w)",
    notes=("003#배치 갱신", "003#배치 갱신 (code)", "000#Gradient Descent Methods", "001#Gradient Descent Methods"),
    source="Cauchy 1847",
    errata=(
        Erratum(
            key="batch_update_code",
            place="003#배치 갱신 (code)",
            stated="`gradient = evaluate_gradient(one_data)`",
            right="`evaluate_gradient(training_data)`이다. 데이터가 0과 10이고 손실이 $(w - x)^2 / 2$이면 $w = 0$에서 "
            "평균 기울기는 $-5$이다. 앞 예제에서 남은 `one_data`가 10이면 $-10$이 된다.",
            setup="half = lambda w, x: ((w - x) ** 2).mean() / 2\nx, w = np.array([0.0, 10.0]), np.array(0.0)",
            stated_value="float(gs.batch_gradient(half, w, (x[1:],))[1])",
            right_value="float(gs.batch_gradient(half, w, (x,))[1])",
        ),
    ),
    kind="algorithm",
)
def batch_update(
    loss: Callable, params: Params, data: tuple, /, *, lr: NonNegative[float] = 1e-2,
    epochs: Annotated[int, Ge(1)] = 1, on_step: Callable | None = None,
) -> Fitted:  # fmt: skip
    """Update the parameters once per epoch, with the gradient over all samples.

    Shapes
    ------
    loss, params, data : as for `stochastic_update`
    returns : the new parameters, and the loss before every update, (epochs,)

    Options
    -------
    lr : at least 0; the learning rate
    epochs : at least 1; how many updates
    on_step : called as ``on_step(done, loss)`` after every update

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.

    Source
    ------
    Cauchy 1847, "Méthode générale pour la résolution des systèmes d'équations simultanées".

    Examples
    --------
    >>> half = lambda w, x: ((w - x) ** 2).mean() / 2
    >>> w, losses = gs.batch_update(half, gs.asarray(0.0), (gs.asarray([0.0, 10.0]),), lr=0.5, epochs=2)
    >>> float(w), gs.to_numpy(losses)
    (3.75, array([25.   , 15.625]))
    """
    ...


@formula(
    ko="미니배치 갱신",
    en="Mini-batch update loop",
    tex=r"\text{for } B \text{ in } B_1, B_2, \dots:\quad w \leftarrow w - \eta\, \frac{1}{|B|} \sum_{i \in B} "
    r"\nabla \ell_i(w)",
    notes=("003#미니배치 갱신", "003#미니배치 갱신 (code)", "000#Gradient Descent Methods",
           "001#Gradient Descent Methods"),
    source="Bottou, Curtis & Nocedal 2018, section 3",
    errata=(
        Erratum(
            key="mini_batch_update_code",
            place="003#미니배치 갱신 (code)",
            stated="배치를 도는 반복문 안에서 `gradient = evaluate_gradient(one_data)`를 쓴다.",
            right="`evaluate_gradient(one_batch)`이다. 배치가 (0, 10)과 (20, 30)이고 손실이 $(w - x)^2 / 2$이면 첫 "
            "기울기는 $-5$이다. 앞에서 남은 `one_data`가 30이면 배치가 무엇이든 $-30$이다.",
            setup="half = lambda w, x: ((w - x) ** 2).mean() / 2\n"
            "x, w = np.array([0.0, 10.0, 20.0, 30.0]), np.array(0.0)",
            stated_value="float(gs.batch_gradient(half, w, (x[3:],))[1])",
            right_value="float(gs.mini_batch_gradient(half, w, (x,), np.array([0, 1]))[1])",
        ),
        Erratum(
            key="mini_batch_best_for_overfitting",
            place="003#미니배치 갱신",
            stated="미니배치 갱신이 과적합을 막는 데 가장 도움이 된다.",
            right="실험에서 자주 보이는 경향이며 정리가 아니다. 기울기의 흔들림이 돕는 것이라면 분산이 "
            "$\\sigma^2 / B$이므로 $B = 1$의 흔들림이 $B = 32$의 32배이고, 가장 도움이 되는 것은 미니배치가 아니라 "
            "확률적 갱신이어야 한다.",
        ),
    ),
    kind="algorithm",
    stochastic=True,
    requires=(
        ("start < e * iterations_per_epoch(m, batch_size, drop_last=drop_last)", "start before the last update"),
    ),
)  # fmt: skip
def mini_batch_update(
    loss: Callable, params: Params, data: tuple, orders: Orders, /, *, lr: NonNegative[float] = 1e-2,
    batch_size: Annotated[int, Ge(1)] = 32, drop_last: bool = False, start: Annotated[int, Ge(0)] = 0,
    on_step: Callable | None = None,
) -> Fitted:  # fmt: skip
    """Update the parameters once per mini-batch.

    Shapes
    ------
    loss, params, data, orders : as for `stochastic_update`
    returns : the new parameters, and the loss of every batch before its update, (updates,)

    Options
    -------
    lr : at least 0; the learning rate
    batch_size, drop_last : as for `mini_batches`
    start : at least 0; how many updates are done already
    on_step : called as ``on_step(done, loss)`` after every update

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.
    DomainError
        If there is no such sample, or nothing is left to do.

    Source
    ------
    Bottou, Curtis & Nocedal 2018, "Optimization methods for large-scale machine learning", section 3.

    Examples
    --------
    >>> x, order = gs.asarray([0.0, 10.0, 20.0, 30.0]), gs.asarray([[0, 1, 2, 3]])
    >>> half = lambda w, x: ((w - x) ** 2).mean() / 2
    >>> report = lambda done, loss: print("update", done, "loss", float(loss))
    >>> w, losses = gs.mini_batch_update(half, gs.asarray(0.0), (x,), order, lr=0.5, batch_size=2, on_step=report)
    update 1 loss 25.0
    update 2 loss 265.625
    >>> float(w)
    13.75
    """
    ...


shard_gradient = law(
    "training.shard_gradient",
    ko="조각 기울기의 평균",
    en="The gradient of a batch is the mean of its shards' gradients",
    tex=r"B = B_1 \sqcup \dots \sqcup B_R: \qquad \nabla L_B = \sum_{r=1}^{R} \frac{|B_r|}{|B|}\, \nabla L_{B_r}",
    source="Li et al. 2020, section 3",
)


@formula(
    ko="최소점의 뾰족함",
    en="Sharpness of a minimum",
    tex=r"\phi_\epsilon = \frac{\max_{|d_i| \le \epsilon (|w_i| + 1)} L(w + d) - L(w)}{1 + L(w)} \times 100",
    notes=("000#Batch-size Matters", "001#Batch-size Matters"),
    source="Keskar et al. 2017, metric 2.1",
    errata=(
        Erratum(
            key="small_batch_always_better",
            place="000#Batch-size Matters",
            stated="배치가 작을수록 유리하다는 것이 실험으로 증명되었다.",
            right="그 실험의 망에서 나타난 경향이며 법칙이 아니다. 학습률을 배치 크기에 맞추어 고르면 차이가 많이 "
            "준다. 볼록한 이차 손실이라면 전체 배치든 $B = 1$이든 학습률을 줄여 가며 같은 최소점에 닿는다.",
        ),
    ),
    stochastic=True,
)
def sharpness(
    loss: Callable, params: Params, data: tuple, uniform: Annotated[Params, Uniform], /, *,
    eps: Positive[float] = 1e-3, box: Literal["relative", "absolute"] = "relative", steps: Annotated[int, Ge(0)] = 10,
    step_size: Annotated[float, Gt(0)] = 0.5,
) -> Float[Array, ""]:  # fmt: skip
    """How far the loss rises, in percent of 1 + loss, in a small box about the parameters.

    The maximum is searched from a random point of the box: `steps` times every parameter goes up the slope by
    `step_size` half-widths of the box, and not beyond its wall. The highest loss seen counts, so the result is a lower
    bound, which on a convex loss does not fall from step to step.

    Shapes
    ------
    loss : ``loss(params, *data)``, an array without axes, at least 0
    params : any tree of arrays
    data : a tuple of arrays, which the loss is taken over
    uniform : the same tree, draws from [0, 1): where in the box the search starts
    returns : ()

    Options
    -------
    eps : above 0; the half-width of the box, in units of |w| + 1 if the box is "relative"
    box : "relative" as in the paper; "absolute" for half-width eps everywhere
    steps : at least 0
    step_size : above 0, in half-widths; at 2 every step goes from wall to wall

    Source
    ------
    Keskar, Mudigere, Nocedal, Smelyanskiy & Tang 2017, "On large-batch training for deep learning", metric 2.1.

    Examples
    --------
    >>> valley = lambda w, curvature: (curvature * w**2).sum() / 2
    >>> w, start = gs.asarray([0.0, 0.0]), gs.asarray([0.9, 0.2])
    >>> for curvature in (1.0, 100.0):
    ...     print(round(float(gs.sharpness(valley, w, (gs.asarray([curvature] * 2),), start, eps=0.1)), 6))
    1.0
    100.0
    """
    ...


# Hyperparameters


@formula(
    ko="격자 탐색",
    en="Grid search",
    tex=r"\lambda^\star = \operatorname*{arg\,min}_{\lambda \in \Lambda_1 \times \dots \times \Lambda_k} "
    r"L_{\mathrm{val}}(\lambda)",
    notes=("003#MnasNet (하이퍼파라미터 탐색)",),
    source="Bergstra & Bengio 2012, section 1",
    errata=(
        Erratum(
            key="greedy_search",
            place="003#MnasNet (하이퍼파라미터 탐색)",
            stated="그리디 탐색, 주어진 값 가운데에서 무작위, 순전한 무작위로 찾는다.",
            right="앞의 것은 격자 탐색(grid search)으로 보인다. 한 좌표씩 고르는 탐욕적 탐색은 다른 방법이고 답도 "
            "다르다. $f(0,0) = 1$, $f(1,1) = 0$, 나머지가 2이면 격자 탐색은 0을 찾지만, 탐욕적 탐색은 $(0,0)$에서 "
            "움직이지 않는다.",
            setup="f = np.array([[1.0, 2.0], [2.0, 0.0]])\na, b = 0, 0\n"
            "for _ in range(4):\n    a = int(f[:, b].argmin())\n    b = int(f[a].argmin())\n"
            "grid = {'a': np.array([0, 1]), 'b': np.array([0, 1])}",
            stated_value="float(f[a, b])",
            right_value="float(gs.grid_search(lambda point: f[point['a'], point['b']], grid).value)",
        ),
    ),
    kind="algorithm",
)
def grid_search(
    objective: Callable, grid: dict, history: tuple | None = None, /, *, on_step: Callable | None = None
) -> Search:
    """Try every combination of given values; the last hyperparameter changes fastest.

    Shapes
    ------
    objective : ``objective(point)`` is a number, smaller is better; `point` has an array without axes per name
    grid : a dict of arrays, the values of each hyperparameter, (n_i,)
    history : a `Search` over the first points of the same grid, which are not tried again
    returns : a `Search` over n_1 n_2 ... points; NaN counts as the worst value

    Options
    -------
    on_step : called as ``on_step(done, value)`` after every point

    Raises
    ------
    ShapeError
        If the grid is empty, or a hyperparameter has no value; if the history has more points than the grid.

    Source
    ------
    Bergstra & Bengio 2012, "Random search for hyper-parameter optimization", section 1.

    Examples
    --------
    >>> grid = {"lr": gs.asarray([0.1, 0.5, 1.5]), "decay": gs.asarray([0.0, 1.0])}
    >>> found = gs.grid_search(lambda point: (1 - point["lr"]) ** 2 + point["decay"], grid)
    >>> {name: float(x) for name, x in found.best.items()}, float(found.value)
    ({'lr': 0.5, 'decay': 0.0}, 0.25)
    >>> gs.to_numpy(found.at).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    """
    ...


@formula(
    ko="무작위 탐색",
    en="Random search",
    tex=r"\lambda_j = Q(u_j),\ u_j \sim U[0, 1)^k, \qquad \lambda^\star = \operatorname*{arg\,min}_{j} "
    r"L_{\mathrm{val}}(\lambda_j)",
    notes=("003#MnasNet (하이퍼파라미터 탐색)",),
    source="Bergstra & Bengio 2012",
    kind="algorithm",
    stochastic=True,
)
def random_search(
    objective: Callable, space: dict, uniform: Annotated[Float[Array, "n k"], Uniform],
    history: tuple | None = None, /, *, on_step: Callable | None = None,
) -> Search:  # fmt: skip
    """Try points drawn from the distributions of the hyperparameters.

    Shapes
    ------
    objective : as for `grid_search`
    space : a dict of functions that turn uniform draws into a hyperparameter: the inverse of its distribution function,
        as ``lambda u: 1e-4 * 1000**u`` for rates from 1e-4 to 1e-1, all magnitudes alike
    uniform : (n, k), uniform draws from [0, 1), a column per hyperparameter
    history : a `Search` over the first draws, which are not tried again
    returns : a `Search` over n points; NaN counts as the worst value

    Options
    -------
    on_step : called as ``on_step(done, value)`` after every point

    Raises
    ------
    ShapeError
        If `space` is empty or has not k functions; if the history has more points than there are draws.

    Source
    ------
    Bergstra & Bengio 2012, "Random search for hyper-parameter optimization".

    Examples
    --------
    >>> space = {"lr": lambda u: 2 * u, "decay": lambda u: u - 0.5}
    >>> uniform = gs.asarray([[0.0, 0.5], [0.75, 0.25], [0.25, 0.5]])
    >>> found = gs.random_search(lambda point: (1 - point["lr"]) ** 2 + point["decay"] ** 2, space, uniform)
    >>> {name: float(x) for name, x in found.best.items()}, float(found.value)
    ({'lr': 0.5, 'decay': 0.0}, 0.25)
    """
    ...


@formula(
    ko="적중 확률",
    en="Probability that a random search hits",
    tex=r"P(\text{a point of the best } q \text{ among } n) = 1 - (1 - q)^n",
    notes=("003#MnasNet (하이퍼파라미터 탐색)",),
    source="Bergstra & Bengio 2012",
)
def hit_probability(
    q: Annotated[Float[Array, "*shape"], Probability], /, *, n: Annotated[int, Ge(1)]
) -> Float[Array, "*shape"]:
    """How likely one of n random points is among the best share q of the space.

    Shapes
    ------
    q : any shape, from 0 to 1
    returns : the same shape

    Options
    -------
    n : at least 1; how many points are drawn

    Source
    ------
    Bergstra & Bengio 2012, "Random search for hyper-parameter optimization".

    Examples
    --------
    >>> round(float(gs.hit_probability(gs.asarray(0.05), n=59)), 4)
    0.9515
    """
    ...


@formula(
    ko="가우스 과정의 사후 분포",
    en="Posterior of a Gaussian process",
    tex=r"& k(x, x') = e^{-\lVert x - x' \rVert^2 / 2 \ell^2}, \quad K_{ij} = k(x_i, x_j) + \sigma_n^2 \delta_{ij} \\ "
    r"& \mu(x) = k(x)^\top K^{-1} y, \quad \sigma^2(x) = 1 - k(x)^\top K^{-1} k(x)",
    notes=("001#01강 (Bayesian Optimization)",),
    source="Rasmussen & Williams 2006, algorithm 2.1",
)
def gaussian_process(
    x: Float[Array, "n k"], y: Float[Array, "n"], query: Float[Array, "m k"], /, *,
    length: Annotated[float, Gt(0)] = 1.0, noise: Annotated[float, Gt(0)] = 1e-6,
) -> tuple[Float[Array, "m"], Float[Array, "m"]]:  # fmt: skip
    """What n observations say about a smooth function elsewhere: its mean, and how uncertain that is.

    Shapes
    ------
    x : (n, k), the points observed
    y : (n,), the values there
    query : (m, k), the points asked for
    returns : mean and standard deviation of the function, (m,) each

    Options
    -------
    length : above 0; over what distance the function changes
    noise : above 0; variance of the observations' own error

    Source
    ------
    Rasmussen & Williams 2006, "Gaussian processes for machine learning", algorithm 2.1.

    Examples
    --------
    >>> x, y = gs.asarray([[0.0], [1.0]]), gs.asarray([1.0, 2.0])
    >>> mean, std = gs.gaussian_process(x, y, gs.asarray([[0.0], [0.5], [9.0]]))
    >>> gs.to_numpy(mean).round(2), gs.to_numpy(std).round(2)
    (array([1.  , 1.65, 0.  ]), array([0.  , 0.17, 1.  ]))
    """
    ...


@formula(
    ko="기대 개선량",
    en="Expected improvement",
    tex=r"\mathrm{EI} = \mathbb E[\max(0, f^\star - f)] = (f^\star - \mu)\, \Phi(z) + \sigma\, \varphi(z), \quad "
    r"z = \frac{f^\star - \mu}{\sigma}",
    notes=("001#01강 (Bayesian Optimization)",),
    source="Jones, Schonlau & Welch 1998, eq. 15",
    differentiable=True,
)
def expected_improvement(
    mean: Float[Array, "*shape"], std: Annotated[Float[Array, "*shape"], Ge(0)], best: Float[Array, ""], /
) -> Float[Array, "*shape"]:
    """By how much a point can be expected to fall below the best value so far.

    Shapes
    ------
    mean, std : any shape; what is believed about the value, a normal distribution
    best : (), the smallest value seen
    returns : the shape of `mean`

    Source
    ------
    Jones, Schonlau & Welch 1998, "Efficient global optimization of expensive black-box functions", eq. 15.

    Examples
    --------
    >>> mean, std = gs.asarray([0.0, 1.0, 1.0]), gs.asarray([0.0, 1.0, 0.0])
    >>> gs.to_numpy(gs.expected_improvement(mean, std, gs.asarray(1.0))).round(4)
    array([1.    , 0.3989, 0.    ])
    """
    ...


@formula(
    ko="베이지안 최적화",
    en="Bayesian optimisation",
    tex=r"u_{t+1} = \operatorname*{arg\,max}_{u \in U_{t+1}} \mathrm{EI}\bigl(\mu_t(u), \sigma_t(u), f^\star_t\bigr), "
    r"\qquad \lambda_{t+1} = Q(u_{t+1})",
    notes=("001#01강 (Bayesian Optimization)",),
    source="Snoek, Larochelle & Adams 2012",
    kind="algorithm",
    stochastic=True,
)
def bayesian_optimization(
    objective: Callable, space: dict, uniform: Annotated[Float[Array, "n m k"], Uniform],
    history: tuple | None = None, /, *, initial: Annotated[int, Ge(1)] = 3, length: Annotated[float, Gt(0)] = 0.25,
    noise: Annotated[float, Gt(0)] = 1e-4, on_step: Callable | None = None,
) -> Search:  # fmt: skip
    """Try, step by step, the candidate that promises most by what all earlier points have shown.

    The first points are the first candidates of their steps. After that a `gaussian_process` over the draws is fitted
    to the values, shifted and scaled to mean 0 and variance 1, and the candidate of largest `expected_improvement`
    is tried. A value that is not finite counts as the worst finite one.

    Shapes
    ------
    objective, space : as for `random_search`
    uniform : (n, m, k), uniform draws from [0, 1): per step m candidates of k hyperparameters
    history : a `Search` over the first steps, which are not done again
    returns : a `Search` over n points

    Options
    -------
    initial : at least 1; how many points are tried before the first choice
    length, noise : of the Gaussian process, over the unit cube of the draws
    on_step : called as ``on_step(done, value)`` after every point

    Raises
    ------
    ShapeError
        If `space` is empty or has not k functions; if the history has more points than there are steps.

    Source
    ------
    Snoek, Larochelle & Adams 2012, "Practical Bayesian optimization of machine learning algorithms".

    Examples
    --------
    >>> space, places = {"x": lambda u: 4 * u - 2}, np.linspace(0, 1, 64, endpoint=False)
    >>> uniform = gs.asarray(np.stack([np.roll(places, 17 * t)[:, None] for t in range(10)]))
    >>> found = gs.bayesian_optimization(lambda point: (point["x"] - 1) ** 2, space, uniform)
    >>> float(found.best["x"])
    1.0
    """
    ...


@formula(
    ko="MnasNet 탐색 보상",
    en="MnasNet search reward",
    tex=r"R = \mathrm{ACC}(m) \times \Bigl[\frac{\mathrm{LAT}(m)}{T}\Bigr]^{w}, \quad w = -0.07",
    notes=("003#MnasNet",),
    source="Tan et al. 2019, eq. 2",
    differentiable=True,
)
def neural_architecture_reward(
    accuracy: Annotated[Float[Array, "*shape"], Probability], latency: Annotated[Float[Array, "*shape"], Gt(0)], /,
    *, target: Annotated[float, Gt(0)], w: float = -0.07,
) -> Float[Array, "*shape"]:  # fmt: skip
    """Weigh the accuracy of a network against the time it takes.

    Shapes
    ------
    accuracy : any shape, from 0 to 1
    latency : the same shape, above 0, in the unit of `target`
    returns : the same shape

    Options
    -------
    target : above 0; the latency T at which the accuracy counts as it is
    w : what latency costs; -0.07 gives up 5 % of the accuracy for half the latency

    Source
    ------
    Tan et al. 2019, "MnasNet: platform-aware neural architecture search for mobile", eq. 2.

    Examples
    --------
    >>> accuracy, latency = gs.asarray([0.75, 0.75]), gs.asarray([80.0, 160.0])
    >>> gs.to_numpy(gs.neural_architecture_reward(accuracy, latency, target=80.0)).round(4)
    array([0.75  , 0.7145])
    """
    ...


automl = named(
    "training.automl",
    ko="AutoML",
    en="Automated machine learning",
    notes=("003#MnasNet",),
)


# From one task to another, and the whole


feature_learning = named(
    "training.feature_learning",
    ko="특징 학습과 추출",
    en="Learned versus hand-made features",
    notes=("003#DNN",),
)


@formula(
    ko="전이 학습",
    en="Transfer learning",
    tex=r"\hat y = h_\psi\bigl(f_{\theta_0}(x)\bigr), \qquad \min_\psi L \quad (\theta_0\ \text{frozen})",
    notes=("003#전이 학습",),
    source="Yosinski, Clune, Bengio & Lipson 2014",
    kind="algorithm",
)
def transfer_learning(
    features: Callable, loss: Callable, backbone: Params, head: Annotated[Any, Tree("head")], data: tuple, /, *,
    freeze: bool = True, lr: NonNegative[float] = 0.1, epochs: Annotated[int, Ge(1)] = 100,
    on_step: Callable | None = None,
) -> Transferred:  # fmt: skip
    """Train a new head on the features of a network that has learned something else.

    Frozen, the features are computed once. Not frozen (fine-tuning), backbone and head are trained together.

    Shapes
    ------
    features : ``features(backbone, x)``, the features of the samples
    loss : ``loss(head, features, *targets)`` is the mean over the samples, an array without axes
    backbone, head : any trees of arrays
    data : a tuple of arrays, whose first axis counts the samples: x, then what the loss needs
    returns : backbone and head, and the loss before every update, (epochs,)

    Options
    -------
    freeze : whether the backbone stays as it is
    lr : at least 0; the learning rate
    epochs : at least 1; how many updates, each over all samples
    on_step : called as ``on_step(done, loss)`` after every update

    Raises
    ------
    ShapeError
        If the arrays of `data` differ in the number of samples, or there are none.

    Source
    ------
    Yosinski, Clune, Bengio & Lipson 2014, "How transferable are features in deep neural networks?".

    Examples
    --------
    >>> features = lambda scale, x: scale * x
    >>> square = lambda head, z, y: ((head * z - y) ** 2).mean()
    >>> data = gs.asarray([1.0, 2.0]), gs.asarray([6.0, 12.0])
    >>> scale, head, losses = gs.transfer_learning(features, square, gs.asarray(2.0), gs.asarray(0.0), data, lr=0.05)
    >>> float(scale), round(float(head), 6)
    (2.0, 3.0)
    """
    ...


@formula(
    ko="지도 학습 4단계",
    en="Supervised learning in four steps",
    tex=r"\text{model} \to \text{objective} \to \text{fit} \to \text{evaluate on unseen inputs}",
    notes=("004#Supervised Learning Framework", "000#소개 (4가지 요소)", "001#딥러닝 핵심 구성 요소"),
    source="Goodfellow, Bengio & Courville 2016, section 5.10",
    kind="algorithm",
    stochastic=True,
)
def supervised_learning_framework(
    model: Callable, objective: Callable, params: Params, data: tuple, unseen: tuple, orders: Orders, /, *,
    lr: NonNegative[float] = 1e-2, batch_size: Annotated[int, Ge(1)] = 32, on_step: Callable | None = None,
) -> Report:  # fmt: skip
    """Fit a model to an objective on some data, and measure it on data that the fit has not seen.

    Shapes
    ------
    model : step 1, ``model(params, x)``, predictions
    objective : step 2, ``objective(predictions, y)`` is the mean over the samples, an array without axes
    params : any tree of arrays, where the fit starts
    data : step 3, the arrays x and y to fit to, whose first axis counts the samples
    unseen : step 4, arrays x and y to measure on
    orders : (e, m); the order of the samples of `data` in every epoch
    returns : the fitted parameters, the loss of every batch before its update, (updates,), and the objective over all
        of `data` and over all of `unseen`, () each

    Options
    -------
    lr : at least 0; the learning rate
    batch_size : at least 1
    on_step : called as ``on_step(done, loss)`` after every update

    Raises
    ------
    ShapeError
        If the arrays of `data` or of `unseen` are not two, or differ in the number of samples, or there are none.
    DomainError
        If there is no such sample.

    Source
    ------
    Goodfellow, Bengio & Courville 2016, "Deep learning", section 5.10.

    Examples
    --------
    >>> model, objective = lambda w, x: w * x, lambda p, y: ((p - y) ** 2).mean()
    >>> data = gs.asarray([1.0, 2.0, 3.0]), gs.asarray([2.0, 4.0, 6.0])
    >>> unseen = gs.asarray([4.0]), gs.asarray([9.0])
    >>> orders = gs.asarray([[0, 1, 2]] * 50)
    >>> report = gs.supervised_learning_framework(model, objective, gs.asarray(0.0), data, unseen, orders, lr=0.05)
    >>> round(float(report.params), 6), round(float(report.train_loss), 6), round(float(report.test_loss), 6)
    (2.0, 0.0, 1.0)
    """
    ...


# What both backends check


def check_order(name: str, adapter: ArrayAdapter, order: Any, n: int) -> None:
    """Hold numbers of samples against how many samples there are, for the formula `name`.

    Raises
    ------
    DomainError
        If there is no such sample.
    """
    if not adapter.inside(order, 0, n - 1, False, False):
        raise DomainError(f"{name}: a sample is asked for that is not in [0, {n - 1}], the samples of data")


def check_grid(grid: Mapping[str, Any]) -> tuple[int, ...]:
    """How many values every hyperparameter of a grid has.

    Raises
    ------
    ShapeError
        If there is no hyperparameter, or one that is no array of at least one value.
    """
    if not grid:
        raise ShapeError("grid_search: grid is empty, expected at least one hyperparameter")
    for name, values in grid.items():
        shape = getattr(values, "shape", None)
        if shape is None or len(shape) != 1 or shape[0] == 0:
            got = f"has shape {tuple(shape)}" if shape is not None else f"is {values!r}"
            raise ShapeError(f"grid_search: {name} {got}, expected an array of at least one value, with one axis")
    return tuple(values.shape[0] for values in grid.values())


def check_space(name: str, space: Mapping[str, Callable], uniform: Any) -> None:
    """Hold the functions of a space against the draws, for the formula `name`.

    Raises
    ------
    ShapeError
        If there is not one function per column of the draws.
    """
    if len(space) != uniform.shape[-1]:
        raise ShapeError(f"{name}: space has {len(space)} hyperparameters, uniform has {uniform.shape[-1]} columns")


def check_history(name: str, history: Search | None, points: int) -> int:
    """How many points of a search are done, for the formula `name`.

    Raises
    ------
    ShapeError
        If these are more than there are points to try.
    """
    done = 0 if history is None else len(history.values)
    if done > points:
        raise ShapeError(f"{name}: history has {done} points, more than the {points} to try")
    return done
