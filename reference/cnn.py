"""Architectures of convolutional networks in NumPy."""

from gongsik.reference.arrays import implements
from gongsik.reference.layers import Pass, run
from gongsik.spec import cnn as spec
from gongsik.spec.layers import check_network, flat, nest

__all__ = ["forward", "forward_training", "resnet"]


def _forward(name, config, params, buffers, x):
    check_network(name, config, params, buffers, x.shape)
    return run(config.network, nest(params | buffers), x, Pass())


@implements(spec.forward)
def forward(config, params, buffers, x, /):
    return _forward("forward", config, params, buffers, x)


@implements(spec.forward_training)
def forward_training(config, params, buffers, draws, x, /):
    check_network("forward_training", config, params, buffers, x.shape, draws)
    at, now = nest(params | buffers | draws), Pass(training=True)
    output = run(config.network, at, x, now)
    return spec.TrainingPass(output, tuple(now.auxiliary), flat(at, buffers))


@implements(spec.resnet)
def resnet(config, params, buffers, x, /):
    return _forward("resnet", config, params, buffers, x)
