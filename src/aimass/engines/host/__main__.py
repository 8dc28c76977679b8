"""The process of one model: takes its order from stdin, loads the engine, answers batches until nobody asks any more.

python -m aimass.engines.host < order.json
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError, TaskFailed
from aimass.core.part import resolve
from aimass.engines.base import Engine, Predictor
from aimass.engines.host.limits import Limits, take
from aimass.engines.host.memory import mapped
from aimass.engines.host.process import ANSWER, ERROR, READY, WORD
from aimass.engines.host.wire import Region
from aimass.runner.worker import die_with_parent

LONGEST = 10_000  # characters of an error


def main() -> int:
    """Exit code 0 when the other side has left, 1 when the model cannot be loaded or memory ran out."""
    order = json.loads(sys.stdin.read())
    die_with_parent(order["parent"])
    sys.path[:] = order["path"]
    take(Limits.from_settings(order["limits"]))
    with socket.socket(fileno=order["socket"]) as line:
        questions, answers = mapped(order["memory"], order["room"])
        try:
            predict = loaded(order)
        except Exception as error:  # whatever a guest's code does wrong, the other side says
            line.sendall(WORD.pack(ERROR, told(answers, error)))
            return 1
        line.sendall(WORD.pack(READY, 0))
        return serve(line, predict, questions, answers)


def loaded(order: dict[str, Any]) -> Predictor:
    """The predictor that ORDER names."""
    engine: Engine = resolve("engine", order["engine"]["use"]).from_settings(order["engine"])  # type: ignore[assignment]
    return engine.load(Path(order["folder"]))


def serve(line: socket.socket, predict: Predictor, questions: Region, answers: Region) -> int:
    """Answer until LINE ends.  Memory that ran out is told and ends the process: what is left of it is not trusted."""
    while word := line.recv(WORD.size):
        _, length = WORD.unpack(word)
        kind, code = ANSWER, 0
        try:
            size = answers.write(predict(questions.read(length, own=False)))
        except Exception as error:  # one call failed; who asked is told why
            kind, size, code = ERROR, told(answers, error), int(isinstance(error, MemoryError))
        answers.release()
        line.sendall(WORD.pack(kind, size))
        if code:
            return code
    return 0


def told(answers: Region, error: Exception) -> int:
    """Write ERROR where the answer would be; gives its length."""
    if isinstance(error, MemoryError):
        error = TaskFailed(
            "the model ran out of memory", todo="send fewer rows at once, or raise the host's `memory_mb`"
        )
    elif not isinstance(error, AimassError):
        error = TaskFailed(f"the model failed: {type(error).__name__}: {error}"[:LONGEST])
    return answers.write_bytes(json.dumps(error.as_json()).encode())


if __name__ == "__main__":
    raise SystemExit(main())
