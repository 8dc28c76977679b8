"""Engines of users, some of whom mean harm."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from aimass.engines.base import Engine, Predictor, Tensors


class Echo(Engine):
    """Gives back what it got."""

    def load(self, model: Path) -> Predictor:
        return dict


class Facts(Engine):
    """What its process is like: an environment variable, how far it stands back, its cores, a process it started."""

    def load(self, model: Path) -> Predictor:
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

        def predict(tensors: Tensors) -> Tensors:
            cores = len(os.sched_getaffinity(0))
            return {
                "secret": np.array([os.environ.get("AIMASS_SECRET", "")], dtype=object),
                "numbers": np.array([os.nice(0), cores, helper.pid]),
            }

        return predict


class Wicked(Engine):
    """Twice each row, until call number `on`, which does what `how` says."""

    how: str = "exit"
    on: int = 1
    at_load: str = ""

    def load(self, model: Path) -> Predictor:
        marks = model / "loads"  # how often this was loaded
        marks.write_text(marks.read_text() + "x" if marks.exists() else "x")
        if self.at_load and (self.at_load != "exit later" or len(marks.read_text()) > 1):
            DEEDS[self.at_load.removesuffix(" later")]()
        calls = 0

        def predict(tensors: Tensors) -> Tensors:
            nonlocal calls
            calls += 1
            if calls == self.on:
                DEEDS[self.how]()
            return {name: array * 2 for name, array in tensors.items()}

        return predict


def say_and_exit() -> None:
    print("no more of this", flush=True)
    os._exit(3)


def crash() -> None:
    ctypes.string_at(0)


def spin() -> None:
    while True:
        pass


def allocate() -> None:
    np.ones(4 << 27)  # 4 GB


def grow() -> None:
    held = []
    while True:
        held.append(np.ones(2 << 20))  # 16 MB
        time.sleep(0.03)


def line() -> int:
    """The descriptor through which words go."""
    open_now = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    return next(n for n in open_now if n > 2 and _is_socket(n))


def _is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


def lie(word: bytes) -> None:
    os.write(line(), word)
    time.sleep(60)


def fail() -> None:
    raise RuntimeError("bad weather")


DEEDS: dict[str, Callable[[], Any]] = {
    "exit": say_and_exit,
    "crash": crash,
    "sleep": lambda: time.sleep(60),
    "spin": spin,
    "allocate": allocate,
    "grow": grow,
    "fail": fail,
    "lie": lambda: lie(b"\x63" * 9),
    "boast": lambda: lie(b"\x03" + (1 << 60).to_bytes(8, "little")),
    "stammer": lambda: lie(b"\x03"),
}
