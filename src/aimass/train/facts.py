"""What candidates ask about a job and the machine it is on."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from aimass.measure.machine import machine
from aimass.train.job import Job
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.tier import free_memory


def facts_of(job: Job, plan: Plan, placement: Placement) -> dict[str, Any]:
    """What candidates ask about."""
    modules = list(job.module.modules())
    cuda = job.device.type == "cuda"
    found: dict[str, Any] = {
        "device": job.device.type,
        "cores": machine()["cores"],
        "flags": machine()["flags"],
        "capability": torch.cuda.get_device_capability(job.device) if cuda else None,
        "memory_bytes": _memory(job.device) if cuda else 0,
        "has_convolutions": any(isinstance(module, _ConvNd) for module in modules),
        "unsafe_layout": "" if cuda else unsafe_layout(modules),
        "has_batch_norm": any(isinstance(module, _BatchNorm) for module in modules),
        "has_compiler": _has_triton() if cuda else shutil.which("g++") is not None,
        "dynamic_shapes": plan.rows % plan.steps != 0,
        "optimizer": plan.optimizer,
        "ranks": placement.world,
        "data_bytes": job.train.bytes,
        "host_bytes": free_memory(),
        "planned_steps": plan.epochs * plan.steps,
        "planned_seconds": 60 * plan.minutes,
    }
    return found


def _memory(device: torch.device) -> int:
    """Bytes of a GPU that this process has or could have: its allocator keeps what was used once."""
    free: int = torch.cuda.mem_get_info(device)[0]
    return free + torch.cuda.memory_reserved(device)


def unsafe_layout(modules: list[nn.Module]) -> str:
    """Why this network must not be laid out channels last, '' where nothing is known against it.

    torch 2.13 (oneDNN): the backward pass of a 1 x 1 convolution with a stride, over channels that are no multiple of
    16, writes outside of its memory when there are several threads.
    """
    for module in modules:
        if not isinstance(module, nn.Conv2d) or set(module.kernel_size) != {1} or max(module.stride) == 1:
            continue
        if module.in_channels % 16 or module.out_channels % 16:
            return "a 1 x 1 convolution with a stride is not safe in this layout (torch 2.13, oneDNN)"
    return ""


def _has_triton() -> bool:
    return find_spec("triton") is not None
