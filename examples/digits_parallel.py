"""`digits.py` on several processes, one per GPU or core, started by torchrun on each machine.

    torchrun --standalone --nproc-per-node 2 -- examples/digits.py --backend torch --run runs/two

Every process takes its part of each batch, `DistributedDataParallel` averages the gradients, and so all make the same
update: the run is that of one process, up to the order in which the gradients are added up.
"""

# pyright: reportPrivateImportUsage=false
# (torch lists not all of its public names)

import atexit
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from gongsik import checkpoint
from gongsik.spec.network import MLP
from gongsik.torch_impl.network import MLPModule


class Team(NamedTuple):
    """The processes of a run, and which of them this one is."""

    rank: int
    size: int


def join(device: str) -> Team:
    """Meet the other processes that torchrun has started; one GPU for each, if it is to be GPUs."""
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))  # so "cuda" is another GPU in every process
    store, rank, size = next(rendezvous("env://"))
    # torchrun's store outlives a start: without a name of its own, this one would find the addresses of the last
    store = dist.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    dist.init_process_group("nccl" if device == "cuda" else "gloo", store=store, rank=rank, world_size=size)
    atexit.register(dist.destroy_process_group)
    return Team(rank, size)


def check_start(steps: int) -> None:
    """Make sure that all processes go on from one checkpoint.

    Raises
    ------
    CheckpointError
        If they found different ones: the folder has to be the same for all machines.
    """
    found: list[int] = [0] * dist.get_world_size()
    dist.all_gather_object(found, steps)
    if len(set(found)) > 1:
        raise checkpoint.CheckpointError(f"the processes found checkpoints after {found} steps: --run must be shared")


def value_and_grad(bk: Any, config: MLP, team: Team, like: Any) -> Callable[..., tuple[Any, Any]]:
    """What ``bk.value_and_grad`` of the loss gives for a batch, computed by all processes together.

    Parameters
    ----------
    bk : Backend
        PyTorch's.
    config : MLP
        The model.
    team : Team
        Who takes part.
    like : tensor
        Whose dtype and device the parameters have.
    """
    module = MLPModule(config).to(like)
    model = DistributedDataParallel(module)

    def evaluate(params: dict[str, Any], x: Any, y: Any) -> tuple[Any, Any]:
        with torch.no_grad():
            for name, p in module.named_parameters():
                p.copy_(params[name])
        model.zero_grad()
        mine = slice(team.rank, None, team.size)
        share = len(y[mine]) / len(y)
        # averaged over the processes, the mean of each weighted by its samples: the mean of the batch
        loss = bk.softmax_cross_entropy(model(x[mine]), y[mine]) * (share * team.size)
        loss.backward()
        total = loss.detach() / team.size
        dist.all_reduce(total)
        return total, {name: p.grad for name, p in module.named_parameters()}

    return evaluate
