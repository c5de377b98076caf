"""Networks as torch modules: the functional form, gradients, compilation, memory formats, autocast, frozen parts."""

import copy
from typing import Any

import pytest
import torch

from gongsik import torch_impl
from gongsik.conformance.bounded import PRECISIONS
from gongsik.spec import cnn
from gongsik.spec.layers import Architecture
from gongsik.torch_impl.cnn import NetworkModule

CONFIGS: dict[str, tuple[Architecture, int]] = {
    "simple_cnn": (cnn.SimpleCNN(3, size=16), 16),
    "lenet5": (cnn.LeNet5(channels=3), 32),
    "alexnet": (cnn.AlexNet(n_classes=5, hidden=16, maps=(8, 8, 8, 8, 8)), 64),
    "alexnet in two towers": (cnn.AlexNet(2, 5, hidden=16, maps=(8, 8, 8, 8, 8)), 227),
    "vgg": (cnn.VGG(11, 5, width=4, hidden=16), 32),
    "vgg with norm": (cnn.VGG(11, 5, width=4, hidden=16, norm=True), 33),
    "network_in_network": (cnn.NetworkInNetwork(5, width=0.1), 64),
    "googlenet": (cnn.GoogLeNet(5, width=0.05), 224),
    "googlenet with norm": (cnn.GoogLeNet(5, width=0.1, norm=True), 64),
    "resnet": (cnn.ResNet(18, 5, width=8), 32),
    "resnet by zeros": (cnn.ResNet(50, 5, width=8, blocks=(1, 2), shortcut="zeros"), 32),
    "resnet, preactivation": (cnn.ResNet(50, 5, width=8, blocks=(1, 2), preactivation=True), 32),
    "densenet": (cnn.DenseNet(n_classes=5, blocks=(2, 2), growth=4, stem=8), 32),
    "dpn": (cnn.DPN(n_classes=5, blocks=(1, 2), divisor=16), 32),
    "senet": (cnn.SENet(50, 5, width=8, blocks=(1, 2)), 32),
    "mobilenet": (cnn.MobileNet(0.1, 5), 32),
    "mobilenet_v2": (cnn.MobileNetV2(0.1, 5, divisor=2), 32),
    "shufflenet": (cnn.ShuffleNet(2, 5, maps=48), 32),
    "shufflenet_v2": (cnn.ShuffleNetV2(n_classes=5, maps=(8, 8, 16, 32, 32), repeats=(2, 2, 2)), 32),
    "mnasnet": (cnn.MnasNet(0.1, 5, divisor=2, last=16), 32),
}


@pytest.fixture(params=CONFIGS)
def network(request) -> tuple[NetworkModule, Architecture, torch.Tensor]:
    config, size = CONFIGS[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = NetworkModule(config).double()
        return module, config, torch.randn(3, 3, size, size, dtype=torch.float64)


def parts(module: NetworkModule, config: Architecture) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    return config.split({name: array.detach().clone() for name, array in module.state_dict().items()})


def test_module_is_the_function_in_evaluation(network):
    module, config, x = network
    with torch.no_grad():
        assert torch.equal(module.eval()(x), torch_impl.forward(config, *parts(module, config), x))


def test_module_is_the_function_in_training(network, monkeypatch):
    """Output, auxiliary outputs and buffers, to the last bit, where dropout draws the same."""
    module, config, x = network
    params, buffers = parts(module, config)
    for p in params.values():
        p.requires_grad_()  # some formulas go another way where no gradient is wanted
    draws = {name: torch.rand(shape, dtype=x.dtype) for name, shape in config.draws(tuple(x.shape)).items()}
    waiting = iter(draws.values())
    monkeypatch.setattr(
        torch.nn.functional, "dropout", lambda x, p: torch_impl.inverted_dropout(x, next(waiting), p=p)
    )  # fmt: skip
    expected = torch_impl.forward_training(config, params, buffers, draws, x)
    said = module.train()(x)
    output, *auxiliary = said if isinstance(said, tuple) else (said,)
    assert next(waiting, None) is None
    assert torch.equal(output, expected.output)
    assert len(auxiliary) == len(expected.auxiliary)
    assert all(map(torch.equal, auxiliary, expected.auxiliary))
    assert {name for name, b in module.named_buffers() if not torch.equal(b, expected.buffers[name])} == set()
    assert all(torch.equal(params[name], p) for name, p in module.named_parameters()), "nothing is written over"


def test_every_parameter_learns(network):
    """A gradient reaches every parameter, and is that of the function without any writing over."""
    module, config, x = network
    params, buffers = parts(module, config)
    for p in params.values():
        p.requires_grad_()
    with torch.no_grad():
        weight = torch.randn_like(torch_impl.forward(config, params, buffers, x))
    (torch_impl.forward(config, params, buffers, x) * weight).sum().backward()
    (module.eval()(x) * weight).sum().backward()
    heads = {name for name in params if name.startswith("aux")}
    for name, p in module.named_parameters():
        if name in heads:
            assert p.grad is None
        else:
            ours, expected = p.grad, params[name].grad
            assert ours is not None
            assert expected is not None
            assert torch.equal(ours, expected), name


GRAPHS = ("lenet5", "alexnet in two towers", "googlenet with norm", "resnet", "densenet", "dpn", "shufflenet_v2")
"""Together they have every kind of layer."""


@pytest.mark.parametrize("network", GRAPHS, indirect=True)
def test_module_is_one_graph(network):
    module, _, x = network
    for training in (False, True):
        torch._dynamo.reset()
        each, other = copy.deepcopy(module).train(training), copy.deepcopy(module).train(training)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            expected = each(x)
            torch.manual_seed(1)
            result = torch.compile(other, fullgraph=True, backend="eager")(x)
        for y, z in zip(*((v if isinstance(v, tuple) else (v,)) for v in (result, expected)), strict=True):
            assert torch.equal(y, z)
        assert all(map(torch.equal, each.state_dict().values(), other.state_dict().values()))


def test_channels_last(network):
    """Computed in float64, it gives the numbers of contiguous memory as far as float32 has digits."""
    module, _, x = network
    expected = module.eval()(x)
    other: Any = copy.deepcopy(module)
    y = other.to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    assert (y - expected).abs().max() <= PRECISIONS["float32"].unit * expected.abs().max()


def test_channels_last_stays_channels_last():
    """Convolutions, normalizations, poolings and sums keep the memory format: no copy between the layers."""
    module: Any = NetworkModule(cnn.ResNet(50, 5, width=8, blocks=(1, 1)))
    module = module.to(memory_format=torch.channels_last).eval()
    formats = []
    for part in ("conv1", "layer1", "layer2"):
        module[part].register_forward_hook(
            lambda part, inputs, y: formats.append(y.is_contiguous(memory_format=torch.channels_last))
        )
    module(torch.randn(2, 3, 64, 64).to(memory_format=torch.channels_last))
    assert formats == [True, True, True]


def test_autocast_runs_forward_and_backward(network):
    module, config, x = network
    module.float().train()
    with torch.autocast("cpu", torch.bfloat16):
        said = module(x.float())
        output = said[0] if isinstance(said, tuple) else said
    assert output.dtype in (torch.bfloat16, torch.float32)
    assert output.shape == config.output(tuple(x.shape))
    output.float().square().sum().backward()
    grads = [p.grad for name, p in module.named_parameters() if not name.startswith("aux")]
    assert all(g is not None and g.dtype == torch.float32 and torch.isfinite(g).all() for g in grads)


def test_frozen_part_keeps_its_statistics():
    """A part in evaluation mode inside a network in training normalizes by what it has, as users freeze a backbone."""
    module = NetworkModule(cnn.ResNet(18, 5, width=4)).train()
    module["layer1"].eval()
    before = copy.deepcopy(module.state_dict())
    module(torch.randn(4, 3, 32, 32))
    moved = {name for name, b in module.state_dict().items() if not torch.equal(b, before[name])}
    assert any(name.startswith("layer2") for name in moved)
    assert not any(name.startswith("layer1") for name in moved)


def test_hooks_of_parts_are_called():
    module = NetworkModule(cnn.ResNet(18, 5, width=4)).eval()
    seen = []
    module["layer3"].register_forward_hook(lambda part, inputs, output: seen.append(tuple(output.shape)))
    module(torch.randn(1, 3, 32, 32))
    assert seen == [(1, 16, 2, 2)]
