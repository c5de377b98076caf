"""Detectors as torch modules: names, the functional form, gradients, one graph."""

from typing import Any

import pytest
import torch

from gongsik import torch_impl
from gongsik.spec.detectors import RCNN, RPN, Detector, FasterRCNN, FastRCNN, SPPNet, YOLOv1
from gongsik.spec.layers import Activation, Conv2d, Flatten, Linear, MaxPool2d, sequence
from gongsik.torch_impl.detectors import FUNCTIONS, DetectorModule
from gongsik.torch_impl.layers import NetworkModule

BACKBONE = sequence(Conv2d(3, 4, 3, padding=1), Activation("leaky_relu"), MaxPool2d(4))
FAST = FastRCNN(3, BACKBONE, 4, 2, (5,), aligned=True)
CONFIGS: tuple[Detector, ...] = (
    RCNN(2, 6, sequence(Conv2d(3, 2, 3), Activation("leaky_relu"), Flatten(), Linear(32, 4))),
    SPPNet(3, BACKBONE, 4, (1, 2), (5,)), FAST, RPN(4, 2, 6), FasterRCNN(FAST, (6.0,), (0.5, 2.0), 5, 0.5, 8),
)  # fmt: skip
UNSEEN = {RCNN: {"bbox_pred"}, FasterRCNN: {"rpn.cls_logits"}}
"""What decides only the order, or the boxes: a gradient of the scores does not reach it."""


@pytest.fixture(params=CONFIGS, ids=lambda config: type(config).__name__)
def detector(request) -> tuple[DetectorModule, tuple[torch.Tensor, ...]]:
    config = request.param
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = DetectorModule(config).double()
        images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
        boxes = torch.tensor([[0.0, 0, 8, 8], [4, 2, 15, 13], [1, 5, 9, 16]], dtype=torch.float64)
        regions = images, boxes, torch.tensor([0, 1, 1])
        inputs = {RCNN: (images[0], boxes), RPN: (torch.randn(2, 4, 5, 3).double(),), FasterRCNN: (images[0],)}
        return module, inputs.get(type(config), regions)


def test_every_detector_has_a_module():
    assert FUNCTIONS.keys() == set(Detector.__subclasses__())


def test_names_are_those_of_the_specification(detector):
    module, _ = detector
    shapes = {name: tuple(array.shape) for name, array in module.state_dict().items()}
    assert shapes == {name: tuple(shape) for name, shape in module.config.parameters().items()}


def test_module_is_the_function(detector):
    module, inputs = detector
    function = FUNCTIONS[type(module.config)]
    with torch.no_grad():
        said, expected = _tuple(module(*inputs)), _tuple(function(module.config, module.state_dict(), *inputs))
    assert len(said) == len(expected)
    assert all(map(torch.equal, said, expected))


def test_every_parameter_learns(detector):
    """From the scores or the logits, and through the boxes that the second stage looks at."""
    module, inputs = detector
    said: Any = _tuple(module(*inputs))
    numbers = (said[1],) if isinstance(module.config, RCNN) else [x for x in said if x.requires_grad]
    torch.stack([(x * torch.randn_like(x)).sum() for x in numbers]).sum().backward()
    unseen = UNSEEN.get(type(module.config), set())
    for name, parameter in module.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached != (name.rpartition(".")[0] in unseen), name


def test_module_is_one_graph(detector):
    module, inputs = detector
    torch._dynamo.reset()
    with torch.no_grad():
        result = _tuple(torch.compile(module, fullgraph=True, backend="eager")(*inputs))  # nothing is cached so far
        expected = _tuple(module(*inputs))
    assert all(map(torch.equal, result, expected))


def test_yolo_is_one_network():
    """Its module gives the grid of the function in one row, and in training drops half of the hidden units."""
    config = YOLOv1(2, 1, 3, 16, (((2, 3),), ((3, 1), (2, 3)), ((2, 3),)), 8, 1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module, x = NetworkModule(config), torch.randn(2, 1, 16, 16)
        assert {k: tuple(v.shape) for k, v in module.state_dict().items()} == dict(config.parameters())
        grid = torch_impl.yolo_v1(config, module.state_dict(), x)
        assert torch.equal(module.eval()(x).view(grid.shape), grid)
        assert not torch.equal(module.train()(x).view(grid.shape), grid)


def _tuple(said: Any) -> tuple[torch.Tensor, ...]:
    return tuple(said) if isinstance(said, tuple) else (said,)
