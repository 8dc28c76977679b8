"""NVIDIA GPUs that a run uses, asked of the driver's own library: no torch is imported, no context is made on a device.

They are looked at once a process of the run has opened one, so that runs on processors cost nothing and show none.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aimass.runner.machine.proc import PROC

DRIVER = Path("/dev/nvidiactl")
DEVICE = re.compile(r"/dev/nvidia\d+")
LIBRARY = "libnvidia-ml.so.1"
LONGEST = 96  # letters of a UUID

Told = dict[str, tuple[float, int]]  # by UUID: busy per cent of the last moment, bytes in use


class _Busy(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


class Gpus:
    """Those that this process may see; none where there is no driver, or it does not answer."""

    def __init__(self, root: Path = PROC, driver: Path = DRIVER, load: Callable[[str], Any] = ctypes.CDLL) -> None:
        self.root, self.load = root, load
        self.hidden = not driver.exists()
        self.devices: dict[str, ctypes.c_void_p] | None = None  # None: not asked for yet

    def look(self, pids: Iterable[int]) -> Told:
        """What they do now; nothing until one of PIDS has opened one."""
        if self.hidden or (self.devices is None and not any(self._opened(pid) for pid in pids)):
            return {}
        try:
            if self.devices is None:
                self._open()
            return {uuid: self._told(device) for uuid, device in (self.devices or {}).items()}
        except (OSError, AttributeError):  # no library, an older one, or a device that has fallen off its bus
            self.hidden = True
            return {}

    def _opened(self, pid: int) -> bool:
        try:
            return any(DEVICE.fullmatch(str(one.readlink())) for one in (self.root / str(pid) / "fd").iterdir())
        except OSError:  # it has ended, or closed a file meanwhile
            return False

    def _open(self) -> None:
        self.library = self.load(LIBRARY)
        self._do("nvmlInit_v2")
        count, found = ctypes.c_uint(), dict[str, ctypes.c_void_p]()
        self._do("nvmlDeviceGetCount_v2", ctypes.byref(count))
        for index in range(count.value):
            device, uuid = ctypes.c_void_p(), ctypes.create_string_buffer(LONGEST)
            self._do("nvmlDeviceGetHandleByIndex_v2", index, ctypes.byref(device))
            self._do("nvmlDeviceGetUUID", device, uuid, LONGEST)
            found[uuid.value.decode()] = device
        self.devices = visible(found, os.environ.get("CUDA_VISIBLE_DEVICES"))

    def _told(self, device: ctypes.c_void_p) -> tuple[float, int]:
        busy, memory = _Busy(), _Memory()
        self._do("nvmlDeviceGetUtilizationRates", device, ctypes.byref(busy))
        self._do("nvmlDeviceGetMemoryInfo", device, ctypes.byref(memory))
        return float(busy.gpu), int(memory.used)

    def _do(self, name: str, *arguments: Any) -> None:
        if code := getattr(self.library, name)(*arguments):
            raise OSError(f"{name} answers {code}")


def visible(devices: dict[str, Any], said: str | None) -> dict[str, Any]:
    """Those of DEVICES that CUDA_VISIBLE_DEVICES names by place or UUID; all where it SAID nothing."""
    if said is None:
        return devices
    named = [word.strip() for word in said.split(",")]
    begins = tuple(word for word in named if word.startswith("GPU-"))
    return {uuid: device for place, (uuid, device) in enumerate(devices.items())
            if str(place) in named or uuid.startswith(begins)}  # fmt: skip
