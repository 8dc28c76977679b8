"""Where the rows of a split lie while a network is trained on them, by their size."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch

Tier = Literal["device", "memory", "mapped"]

DEVICE_SHARE = 0.4  # of the free memory of the device: weights, activations and moments need theirs
MEMORY_SHARE = 0.5  # of the free memory of the machine
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


def choose_tier(size: int, device: torch.device) -> Tier:
    """Where SIZE bytes go: to the DEVICE, into the memory of the machine, or nowhere, read where they are used."""
    if device.type == "cuda" and size < DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
        return "device"
    return "memory" if size < MEMORY_SHARE * free_memory() else "mapped"


def free_memory() -> int:
    """Bytes that this process could still have: of the machine, or of the container where that allows less."""
    return min(_of_machine(), _of_container())


def _of_machine() -> int:
    if MEMINFO.exists():
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2  # macOS does not tell what is free


def _of_container() -> int:
    """What the limit of the control group (version 2) leaves; pages of files can be given up, so they count as free."""
    try:
        limit = int((CGROUP / "memory.max").read_text(encoding="ascii"))
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        return limit - used + int(stat["file"])
    except (OSError, ValueError):  # no such file, or "max": no limit
        return 2**63
