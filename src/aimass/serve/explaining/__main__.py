"""python -m aimass.serve.explaining: reads questions from its input, a length and JSON each, and writes answers.

A question names a folder; its model is loaded once and kept while it is asked about.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.prepare.rows import from_records
from aimass.runner.worker import die_with_parent
from aimass.serve.explaining.asked import LIMITS
from aimass.serve.explaining.looks import EVERY, Looks
from aimass.serve.predictor import Served, Wanted, columns_of, load

KEPT = 4  # models
LENGTH = struct.Struct("<I")
NICE = 19


class Models:
    """The last few that were asked about, by folder."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, Served] = OrderedDict()

    def get(self, folder: str, name: str) -> Served:
        found = self.kept.pop(folder, None) or load(Wanted(Path(folder), name))
        self.kept[folder] = found
        while len(self.kept) > KEPT:
            self.kept.popitem(last=False)[1].close()
        return found


def answered(models: Models, question: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be told: the explanations, or what is wrong with the question."""
    from aimass.explain.question import explained

    try:
        served = models.get(question["folder"], question["name"])
        predict: Predictor = served.predict
        background = background_of(served)
        rows = question["records"]
        if rows is None:
            rows = columns_of(question["columns"], served.signature)
        return {"found": explained(predict, served.signature, background, rows, question["asked"], limits=LIMITS)}
    except InputError as error:
        return {"refused": error.as_json()}


def background_of(served: Served) -> Tensors:
    """The training rows that `prepare` left with the model, else its examples."""
    from aimass.prepare.background import load_background

    fields = served.signature.rows
    if (kept := load_background(served.folder, fields)) is not None:
        return kept
    return from_records(served.sample, fields) if served.sample else zeros(served.signature)


def zeros(signature: Signature) -> Tensors:
    """A background of one empty row, where a model has no examples."""
    found = {}
    for field in signature.rows:
        shape = (1, *(max(1, size) for size in field.shape))
        found[field.name] = np.full(shape, "", object) if field.dtype == "string" else np.zeros(shape, field.dtype)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Until its input ends."""
    parser = argparse.ArgumentParser(prog="python -m aimass.serve.explaining")
    parser.add_argument("--parent", type=int, default=None, help="the process that asks: end with it")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        die_with_parent(given.parent)
    looks = Looks()
    sys.setswitchinterval(EVERY)  # who waits for the interpreter wakes as often
    modest(but=looks.thread)
    models = Models()
    while head := sys.stdin.buffer.read(LENGTH.size):
        raw = sys.stdin.buffer.read(LENGTH.unpack(head)[0])
        with looks.working():
            said = orjson.dumps(answered(models, orjson.loads(raw)), option=orjson.OPT_SERIALIZE_NUMPY)
        sys.stdout.buffer.write(LENGTH.pack(len(said)) + said)
        sys.stdout.buffer.flush()
    return 0


def modest(but: threading.Thread) -> None:
    """Run only when nobody else wants to, all threads BUT one: who predicts is never kept waiting.

    In a process group of its own, which signals of a terminal do not reach, but in the session of the server: Linux
    shares processors between sessions first (autogroup), and only then asks who is modest.
    """
    os.setpgid(0, 0)
    os.nice(NICE)
    if sys.platform == "linux":
        for thread in Path("/proc/self/task").iterdir():  # imports have started some
            if int(thread.name) != but.native_id:
                os.sched_setscheduler(int(thread.name), os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    sys.exit(main())
