"""What a user would call instead of the networks and their blocks: torchvision's modules, and timm's."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gongsik.benchmarks.peers import Contest, Data
from gongsik.benchmarks.torchvision_models import models, ops
from gongsik.spec import cnn
from gongsik.spec.layers import Architecture
from gongsik.torch_impl.cnn import NetworkModule


def _timm(name: str) -> nn.Module:
    import timm  # which imports torchvision, and so comes after it

    return timm.create_model(name)


def _network(data: Data, config: Architecture, name: str, make: Callable[[], nn.Module], smallest: int = 32) -> Contest:
    """A network beside somebody else's module, with the same parameters: also as a module of ours."""
    module = make().to(data.device).eval()
    params, buffers = config.split({key: array.detach() for key, array in module.state_dict().items()})
    ours = NetworkModule(config).to(data.device).eval()
    ours.load_state_dict({**params, **buffers})
    size = data.of(smallest, 128, 224)
    x = data.normal(1, 3, size, size)
    operations = 2 * sum(row.multiply_adds for row in config.table((3, size, size)))

    def peer(config: Architecture, params: Any, buffers: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x)

    def our_module() -> Tensor:
        with torch.no_grad():
            return ours(x)

    return Contest(
        (config, params, buffers, x), {name: peer}, ours={"NetworkModule": our_module}, operations=operations
    )


def forward(data: Data) -> Contest:
    return _network(data, cnn.ResNet(50), "torchvision.models.resnet50", models.resnet50)


def forward_training(data: Data) -> Contest:
    module, config, n = models.resnet18().to(data.device).train(), cnn.ResNet(18), data.of(2, 2, 8)
    params, buffers = config.split({key: array.detach().clone() for key, array in module.state_dict().items()})
    size = data.of(32, 128, 224)
    x = data.normal(n, 3, size, size)
    operations = 2 * n * sum(row.multiply_adds for row in config.table((3, size, size)))

    def peer(config: Architecture, params: Any, buffers: Any, draws: Any, x: Tensor) -> tuple[Any, ...]:
        with torch.no_grad():
            module.load_state_dict(buffers, strict=False)  # as ours starts from the same ones each time
            return module(x), (), dict(module.named_buffers())

    arguments = config, params, buffers, {}, x
    return Contest(arguments, {"torchvision.models.resnet18": peer}, operations=operations)


def _narrow(model: Any, hidden: int) -> nn.Module:
    """An AlexNet or a VGG with narrower hidden layers, whose weights would take most of the memory."""
    layers = [i for i, layer in enumerate(model.classifier) if isinstance(layer, nn.Linear)]
    features = model.classifier[layers[0]].in_features
    for i, n_in, n_out in zip(layers, (features, hidden, hidden), (hidden, hidden, 1000), strict=True):
        model.classifier[i] = nn.Linear(n_in, n_out)
    return model


def alexnet(data: Data) -> Contest:
    config = cnn.AlexNet(hidden=256)
    return _network(data, config, "torchvision.models.alexnet", lambda: _narrow(models.alexnet(), 256), 64)


def vgg(data: Data) -> Contest:
    config = cnn.VGG(11, hidden=256)
    return _network(data, config, "torchvision.models.vgg11", lambda: _narrow(models.vgg11(init_weights=False), 256))


def googlenet(data: Data) -> Contest:
    def make() -> nn.Module:
        return models.GoogLeNet(aux_logits=False, init_weights=False)

    return _network(data, cnn.GoogLeNet(norm=True, auxiliary=False), "torchvision.models.googlenet", make)


def resnet(data: Data) -> Contest:
    return _network(data, cnn.ResNet(18), "torchvision.models.resnet18", models.resnet18)


def densenet(data: Data) -> Contest:
    return _network(data, cnn.DenseNet(121), "torchvision.models.densenet121", models.densenet121)


def dpn(data: Data) -> Contest:
    return _network(data, cnn.DPN(92), "timm dpn92", lambda: _timm("dpn92"))


def senet(data: Data) -> Contest:
    return _network(data, cnn.SENet(50), "timm seresnet50", lambda: _timm("seresnet50"))


def mobilenet(data: Data) -> Contest:
    return _network(data, cnn.MobileNet(), "timm mobilenetv1_100", lambda: _timm("mobilenetv1_100"))


def mobilenet_v2(data: Data) -> Contest:
    return _network(data, cnn.MobileNetV2(), "torchvision.models.mobilenet_v2", models.mobilenet_v2)


def shufflenet_v2(data: Data) -> Contest:
    return _network(data, cnn.ShuffleNetV2(), "torchvision.models.shufflenet_v2_x1_0", models.shufflenet_v2_x1_0)


def mnasnet(data: Data) -> Contest:
    return _network(data, cnn.MnasNet(), "torchvision.models.mnasnet1_0", models.mnasnet1_0)


def _block(data: Data, config: Architecture, channels: int, name: str, module: nn.Module) -> Contest:
    """A block beside somebody else's, whose names are ours."""
    module = module.to(data.device).eval()
    params, buffers = config.split({key: array.detach() for key, array in module.state_dict().items()})
    size = data.of(4, 14, 56)
    x = data.normal(data.of(1, 1, 8), channels, size, size)
    operations = 2 * len(x) * sum(row.multiply_adds for row in config.table((channels, size, size)))

    def peer(config: Architecture, params: Any, buffers: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x)

    return Contest((config, params, buffers, x), {name: peer}, operations=operations)


def mlpconv(data: Data) -> Contest:
    peer = nn.Sequential(nn.Conv2d(32, 64, 3), nn.ReLU(True), nn.Conv2d(64, 64, 1), nn.ReLU(True))
    return _block(data, cnn.MLPConv(32, (64, 64)), 32, "nn.Sequential", peer)


def inception_block(data: Data) -> Contest:
    from torchvision.models.googlenet import Inception

    config = cnn.InceptionBlock(192, 64, (96, 128), (16, 32), 32, norm=True)
    return _block(data, config, 192, "torchvision's Inception", Inception(192, 64, 96, 128, 16, 32, 32))


def residual_block(data: Data) -> Contest:
    from torchvision.models.resnet import BasicBlock

    return _block(data, cnn.ResidualBlock(64, 64), 64, "torchvision's BasicBlock", BasicBlock(64, 64))


def bottleneck_block(data: Data) -> Contest:
    from torchvision.models.resnet import Bottleneck

    return _block(data, cnn.BottleneckBlock(256, 64), 256, "torchvision's Bottleneck", Bottleneck(256, 64))


def dense_block(data: Data) -> Contest:
    from torchvision.models.densenet import _DenseBlock

    config = cnn.DenseBlock(64, growth=32, layers=6, bottleneck=4)
    return _block(data, config, 64, "torchvision's _DenseBlock", _DenseBlock(6, 64, 4, 32, 0.0))


def transition_layer(data: Data) -> Contest:
    from torchvision.models.densenet import _Transition

    return _block(data, cnn.TransitionLayer(256), 256, "torchvision's _Transition", _Transition(256, 128))


def projection_shortcut(data: Data) -> Contest:
    size = data.of(4, 14, 56)
    x, weight = data.normal(data.of(1, 1, 8), 64, size, size), data.normal(128, 64, 1, 1)
    peers = {"F.conv2d": lambda x, weight: F.conv2d(x, weight, stride=2)}
    return Contest((x, weight), peers, {"stride": 2}, operations=2 * len(x) * 128 * 64 * (size // 2) ** 2)


def auxiliary_loss(data: Data) -> Contest:
    peers = {"main + 0.3 * auxiliary.sum()": lambda main, auxiliary: main + 0.3 * auxiliary.sum()}
    return Contest((data.normal(), data.normal(data.of(2, 4, 8))), peers)


def _map(data: Data) -> Tensor:
    return data.normal(*data.of((1, 16, 4, 4), (8, 64, 14, 14), (32, 256, 56, 56)))


def squeeze(data: Data) -> Contest:
    return Contest((_map(data),), {"F.adaptive_avg_pool2d": lambda u: F.adaptive_avg_pool2d(u, 1).flatten(1)})


def _excitation(data: Data, c: int) -> tuple[Tensor, Tensor]:
    return data.normal(c // 8, c), data.normal(c, c // 8)


def excitation(data: Data) -> Contest:
    z = data.normal(*data.of((1, 16), (8, 64), (32, 256)))
    peers = {"by hand": lambda z, w1, w2: torch.sigmoid(F.linear(F.relu(F.linear(z, w1)), w2))}
    return Contest((z, *_excitation(data, z.shape[1])), peers)


def se_block(data: Data) -> Contest:
    u = _map(data)
    c = u.shape[1]
    w1, w2 = _excitation(data, c)
    module = ops.SqueezeExcitation(c, c // 8).to(data.device)
    module.load_state_dict({"fc1.weight": w1[..., None, None], "fc1.bias": data.normal(c // 8),
                            "fc2.weight": w2[..., None, None], "fc2.bias": data.normal(c)})  # fmt: skip

    def peer(u: Tensor, w1: Tensor, w2: Tensor, b1: Tensor, b2: Tensor) -> Tensor:
        with torch.no_grad():
            return module(u)

    return Contest((u, w1, w2, data.normal(c // 8), data.normal(c)), {"torchvision.ops.SqueezeExcitation": peer})


# Networks and blocks that nobody publishes as a module


def _alone(data: Data, config: Architecture, sample: tuple[int, int, int], n: int = 1) -> Contest:
    params = {name: 0.1 * data.normal(*shape) for name, shape in config.parameters().items()}
    buffers = {name: data.uniform(*shape) for name, shape in config.buffers().items()}
    x = data.normal(n, *sample)
    operations = 2 * n * sum(row.multiply_adds for row in config.table(sample))
    return Contest((config, params, buffers, x), operations=operations)


def _sequential(data: Data, config: Architecture, sample: tuple[int, int, int], n: int, *layers: nn.Module) -> Contest:
    """A network beside torch's layers in a row, with the same parameters in the same order."""
    given = _alone(data, config, sample, n)
    module = nn.Sequential(*layers).to(data.device).eval()
    module.load_state_dict(dict(zip(module.state_dict(), given.arguments[1].values(), strict=True)))

    def peer(config: Architecture, params: Any, buffers: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            return module(x)

    return Contest(given.arguments, {"nn.Sequential": peer}, operations=given.operations)


def simple_cnn(data: Data) -> Contest:
    def block(c_in: int, c_out: int) -> tuple[nn.Module, ...]:
        return nn.Conv2d(c_in, c_out, 3, padding=1), nn.ReLU(True), nn.MaxPool2d(2)

    head = nn.Flatten(), nn.Linear(784, 64), nn.ReLU(True), nn.Linear(64, 10), nn.Softmax(-1)
    return _sequential(data, cnn.SimpleCNN(), (1, 28, 28), data.of(1, 32, 512), *block(1, 8), *block(8, 16), *head)


def lenet5(data: Data) -> Contest:
    def block(c_in: int, c_out: int) -> tuple[nn.Module, ...]:
        return nn.Conv2d(c_in, c_out, 5), nn.Sigmoid(), nn.AvgPool2d(2)

    head = nn.Conv2d(16, 120, 5), nn.Sigmoid(), nn.Flatten(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10)
    return _sequential(data, cnn.LeNet5("dense"), (1, 32, 32), data.of(1, 32, 512), *block(1, 6), *block(6, 16), *head)


def network_in_network(data: Data) -> Contest:
    def block(c_in: int, c: int, c_out: int, kernel: int, **options: int) -> tuple[nn.Module, ...]:
        first = nn.Conv2d(c_in, c, kernel, **options), nn.ReLU(True)  # pyright: ignore[reportArgumentType]
        return *first, nn.Conv2d(c, c, 1), nn.ReLU(True), nn.Conv2d(c, c_out, 1), nn.ReLU(True)

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    size = data.of(64, 128, 224)
    return _sequential(
        data, cnn.NetworkInNetwork(), (3, size, size), 1, *block(3, 96, 96, 11, stride=4), pool(),
        *block(96, 256, 256, 5, padding=2), pool(), *block(256, 384, 384, 3, padding=1), pool(),
        *block(384, 1024, 1000, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def shufflenet(data: Data) -> Contest:
    size = data.of(32, 128, 224)
    return _alone(data, cnn.ShuffleNet(), (3, size, size))


def shufflenet_unit(data: Data) -> Contest:
    size = data.of(4, 14, 28)
    return _alone(data, cnn.ShuffleNetUnit(240, 240), (240, size, size), data.of(1, 1, 8))


def dual_path_block(data: Data) -> Contest:
    size = data.of(4, 14, 56)
    config = cnn.DualPathBlock(304, 96, residual=256, growth=16, groups=32)
    return _alone(data, config, (304, size, size), data.of(1, 1, 8))


def auxiliary_classifier(data: Data) -> Contest:
    given = _alone(data, cnn.AuxiliaryClassifier(512), (512, 14, 14), data.of(1, 8, 64))
    config, params, buffers, x = given.arguments
    draws = {name: data.uniform(*shape) for name, shape in config.draws(tuple(x.shape)).items()}
    return Contest((config, params, buffers, draws, x), operations=given.operations)
