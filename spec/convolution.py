"""Convolution: one small set of weights that slides over a signal or an image, and every way to make it cheaper."""

from typing import Literal

from gongsik.spec.errors import DomainError, DtypeError
from gongsik.spec.formula import Chapter, Erratum, count

CHAPTER = Chapter(ko="합성곱", en="Convolution")


def _check_int(formula: str, name: str, value: int, least: int) -> None:
    if type(value) is not int:
        raise DtypeError(f"{formula}: {name} is {value!r}, expected an int")
    if value < least:
        raise DomainError(f"{formula}: {name} is {value}, expected an int >= {least}")


@count(
    ko="합성곱 출력 크기",
    en="Convolution output size",
    tex=r"O = \Bigl\lfloor \frac{H + 2P - D\,(FH - 1) - 1}{S} \Bigr\rfloor + 1",
    notes=("001#Zero padding (stride=1)", "001#2.1 Convolution 레이어 출력 데이터 크기 산정",
           "000#img stride, padding"),
    source="Dumoulin & Visin 2016, relationships 6 and 15",
    errata=(
        Erratum(
            key="output_size_floor",
            place="001#2.1 Convolution 레이어 출력 데이터 크기 산정",
            stated="출력 크기를 $(H + 2P - FH)/S + 1$로 적고 반올림에 대한 말이 없다.",
            right="몫을 내림한다. 마지막 걸음에서 커널이 다 들어가지 못하면 그 자리는 버린다.",
            setup="x, weight = np.ones((1, 1, 6, 6)), np.ones((1, 1, 3, 3))",
            stated_value="(6 + 2 * 0 - 3) / 2 + 1",
            right_value="gs.conv2d(x, weight, stride=2).shape[-1]",
        ),
        Erratum(
            key="output_width_name",
            place="001#2.1 Convolution 레이어 출력 데이터 크기 산정",
            stated="$OW = (W + 2P - FW)/S + 1$을 Output Weight라 부른다.",
            right="출력의 너비(width)이다. 가중치(weight)가 아니다.",
        ),
    ),
)  # fmt: skip
def conv_output_size(
    size: int, kernel: int, /, *, stride: int = 1, padding: int | Literal["same"] = 0, dilation: int = 1
) -> int:
    """How many places a kernel has along one axis: the size of the output.

    Options
    -------
    stride : at least 1, steps from one place to the next
    padding : at least 0, zeros before and after the input; "same": as many as keep the size, at stride 1
    dilation : at least 1, distance between neighbours in the kernel

    Raises
    ------
    DomainError
        If a number is too small, the kernel does not fit into the padded input, or "same" meets a stride above 1.
    DtypeError
        If a number is no int.

    Examples
    --------
    >>> conv_output_size(5, 3), conv_output_size(5, 3, padding=1), conv_output_size(6, 3, stride=2)
    (3, 5, 2)
    """
    name = "conv_output_size"
    for what, value, least in (
        ("size", size, 0),
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("dilation", dilation, 1),
    ):
        _check_int(name, what, value, least)
    covered = dilation * (kernel - 1) + 1
    if padding == "same":
        if stride != 1:
            raise DomainError(f"{name}: padding is 'same' and stride is {stride}, expected a stride of 1")
        return size
    _check_int(name, "padding", padding, 0)
    if size + 2 * padding < covered:
        raise DomainError(
            f"{name}: the kernel covers {covered}, expected at most the {size + 2 * padding} of the padded input"
        )
    return (size + 2 * padding - covered) // stride + 1
