"""Which machine a figure is about.  Figures of one machine say nothing about another.

Standard library only: `measure/step.py` reads the digest for the default of a setting.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from aimass.core.canonical import digest_of

# What makes INT8 and half precision fast on x86 and ARM.
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_fp16", "avx512_bf16", "avx_ne_convert", "amx_int8",
         "amx_bf16", "amx_fp16", "asimddp", "asimdhp", "fphp", "bf16", "i8mm", "sve")  # fmt: skip
PACKAGES = ("aimass", "onnxruntime", "torch", "numpy", "httptools", "uvloop")


@cache
def machine() -> dict[str, Any]:
    """What stays the same from run to run: processor, cores, flags, memory (GB), how the clock of the cores is
    governed (None where the system does not tell), system, versions."""
    model, flags = _processor()
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "memory_gb": _memory_gb(),
        "governor": _governor(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


@cache
def machine_digest() -> str:
    """Sixteen hex digits of `machine()`: the `machine` setting of every measurement made here."""
    return digest_of(machine())[:16]


def has_vnni() -> bool:
    """Whether 8-bit products add up without saturating here.  x86 before VNNI adds them in 16 bits."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return bool({"avx512_vnni", "avx_vnni"} & set(machine()["flags"]))


def load_average() -> float | None:
    """Runnable processes over the last minute; None where the system does not tell."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def ticks() -> tuple[int, int] | None:
    """(stolen, all) clock ticks since boot: stolen ones went to another guest of the same host.  None if unknown."""
    try:
        fields = [int(f) for f in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]]
    except (OSError, ValueError):
        return None
    return (fields[7], sum(fields[:8])) if len(fields) > 7 else None


def steal_percent(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | None:
    """Per cent of processor time taken by other guests between two `ticks()`."""
    if before is None or after is None or after[1] == before[1]:
        return None
    return round(100 * (after[0] - before[0]) / (after[1] - before[1]), 2)


def _processor() -> tuple[str, set[str]]:
    """Name and feature flags; both empty where /proc/cpuinfo does not exist."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n")
    except OSError:
        return platform.processor(), set()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(facts.get("flags", facts.get("Features", "")).split())
    return facts.get("model name") or platform.machine(), flags


def _governor(path: Path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")) -> str | None:
    """'performance', 'powersave', ...; virtual machines have none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _memory_gb() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
