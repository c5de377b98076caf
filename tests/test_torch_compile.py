"""Every formula of the torch backend is one graph for torch.compile: no break in it, and the right numbers from it."""

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

from gongsik import torch_impl
from gongsik.conformance.agreement import Exact, Target, convert, judge, values
from gongsik.conformance.bounded import PRECISIONS
from gongsik.conformance.strategies import Case, inputs
from gongsik.spec import formulas

EVERY = [id for id in formulas() if hasattr(torch_impl, id.split(".")[1])]
TARGET = Target(torch_impl, PRECISIONS["float32"])
FEW = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip


@pytest.mark.parametrize("id", EVERY)
def test_a_formula_is_one_graph(id):
    name = id.split(".")[1]

    @FEW
    @given(inputs(id))
    def check(case: Case) -> None:
        torch._dynamo.reset()  # every case is a compilation of its own, none a graph for any shape
        # "eager" runs the graph as it was traced; what is tested is the tracing, not the compiler of kernels.
        compiled = torch.compile(getattr(torch_impl, name), fullgraph=True, backend="eager")
        result = compiled(*convert(case.arguments, TARGET), **case.options)
        verdict = judge(result, values(Exact(TARGET.precision), name, case), TARGET)
        assert verdict.agreed, f"{verdict.message}\n{case}"

    check()
