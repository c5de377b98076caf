"""Architectures of convolutional networks in PyTorch."""

import torch

from gongsik.spec import cnn as spec
from gongsik.spec.layers import check_network, nest
from gongsik.torch_impl.arrays import implements
from gongsik.torch_impl.layers import NetworkModule, Pass, evaluate, run

__all__ = ["NetworkModule", "forward", "forward_training", "resnet"]


@implements(spec.forward)
def forward(config, params, buffers, x, /):
    return evaluate("forward", config, params, buffers, x)


@implements(spec.forward_training)
def forward_training(config, params, buffers, draws, x, /):
    if not torch.compiler.is_compiling():
        check_network("forward_training", config, params, buffers, x.shape, draws)
    buffers = {name: array.clone() for name, array in buffers.items()}  # which the kernels write over
    now = Pass(training=True)
    output = run(config.network, nest(params | buffers | draws), x, now)
    return spec.TrainingPass(output, tuple(now.auxiliary), buffers)


@implements(spec.resnet)
def resnet(config, params, buffers, x, /):
    return evaluate("resnet", config, params, buffers, x)
