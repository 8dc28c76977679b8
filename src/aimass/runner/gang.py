"""A gang: one function on several ranks that talk, each a process of its own.

    def work(rank: Rank, *, rows: int) -> float: ...     # importable; arguments and answer are JSON
    answers = ctx.gang(work, rows=1000)                  # in rank order

Bulk data goes through folders, gradients from rank to rank (`train.parallel`).  One rank works in this process.
"""

from __future__ import annotations

import json
import queue
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError, InputError, Stopped, TaskFailed, error_from_json
from aimass.core.part import load
from aimass.core.step import Context
from aimass.runner.desk import PATIENCE, Line, Word

GRACE = 1.0  # seconds after a first failure in which others are heard: the cause need not be the first to be told
AGAIN = "run again: finished steps are reused and training goes on from its last checkpoint"


@dataclass
class Rank:
    """One of WORLD ranks, counted from 0; on its machine it is LOCAL of PEERS.

    Every rank calls `report` and `share` as often as the others and in the same order.
    """

    rank: int = 0
    world: int = 1
    local: int = 0
    peers: int = 1
    ctx: Context | None = None  # of the process that started the gang, when this is that process
    line: Line | None = None
    _said: dict[str, int] = field(default_factory=lambda: {"report": 0, "share": 0})

    @property
    def host(self) -> str:
        """The address of this machine that the other ranks can reach."""
        return self.line.host if self.line else "127.0.0.1"

    def report(self, at: float | None = None, **numbers: float) -> None:
        """Live metrics at a step's edge; those of rank 0 are published.

        Raises Stopped, on every rank at the same report, when the run was asked to stop.
        """
        if self.line is None:
            if self.ctx is not None:
                self.ctx.report(at, **numbers)
            return
        key = self._next("report")
        value = {"at": at, "numbers": {name: float(number) for name, number in numbers.items()}}
        _check(self.line.ask("take", key) if self.rank else self.line.ask("report", key, value))

    def share(self, value: Any = None) -> Any:
        """The VALUE (JSON) of rank 0, on every rank."""
        if self.line is None:
            return json.loads(json.dumps(value))
        key = self._next("share")
        return self.line.ask("take", key) if self.rank else self.line.ask("put", key, value)

    def log(self, message: str) -> None:
        """A line to the run's log, from rank 0; the others would say the same."""
        if self.rank == 0 and self.line:
            _check(self.line.ask("log", value=message))
        elif self.rank == 0 and self.ctx is not None:
            self.ctx.log(message)

    def tell(self, **facts: Any) -> None:
        """Facts of the result, from rank 0."""
        if self.rank == 0 and self.line:
            _check(self.line.ask("tell", value=facts))
        elif self.rank == 0 and self.ctx is not None:
            self.ctx.tell(**facts)

    def context(self, resume: Path, *, folder: Path | None = None, seed: int = 0) -> Context:
        """This rank as a step's context, for code that knows nothing of ranks; checkpoints are in RESUME."""
        return RankContext(self, folder or resume, resume, seed)

    def _next(self, kind: str) -> str:
        self._said[kind] += 1
        return f"{kind} {self._said[kind]}"


@dataclass
class RankContext:
    """`core.step.Context` of one rank."""

    rank: Rank
    folder: Path
    resume: Path
    seed: int
    workers: int = 1
    lake: str = ""

    def report(self, at: float | None = None, **numbers: float) -> None:
        self.rank.report(at, **numbers)

    def log(self, message: str) -> None:
        self.rank.log(message)

    def tell(self, **facts: Any) -> None:
        self.rank.tell(**facts)

    def gang(self, work: Callable[..., Any], **arguments: Any) -> list[Any]:
        return [call(work, Rank(ctx=self), arguments)]


@dataclass(frozen=True)
class Order:
    """What is to be done, as JSON: PLACE "module:function", its ARGUMENTS, and the FOLDER all machines see."""

    place: str
    arguments: dict[str, Any]
    ranks: int
    folder: str
    needs: Mapping[str, Any]


Launch = Callable[[Context, Order], list[Any]]  # answers by rank


def gang(
    ctx: Context, work: Callable[..., Any], arguments: Mapping[str, Any], launch: Launch, needs: Mapping[str, Any]
) -> list[Any]:
    """Answers of WORK(rank, **ARGUMENTS), by rank.

    Raises the AimassError of a rank, or TaskFailed naming the rank that died and its last lines; none goes on then.
    """
    if ctx.workers == 1:
        return [call(work, Rank(ctx=ctx), arguments)]
    place = place_of(work)
    return launch(ctx, Order(place, as_json(arguments, place), ctx.workers, str(ctx.resume), dict(needs)))


def call(work: Callable[..., Any], rank: Rank, arguments: Mapping[str, Any]) -> Any:
    """WORK's answer; what goes in and out is JSON however many ranks there are."""
    name = getattr(work, "__name__", str(work))
    return as_json(work(rank, **as_json(arguments, name)), name)


def as_json(value: Any, name: str) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        what = f"{name} takes and gives JSON: {error}"
        raise InputError(what, expected="numbers, texts, lists, tables", todo="put bulk data in a folder") from error


def place_of(work: Callable[..., Any]) -> str:
    """ "module:name" of WORK.  Raises InputError when another process could not find it there."""
    module, name = getattr(work, "__module__", ""), getattr(work, "__qualname__", "")
    if not name.isidentifier() or module == "__main__":
        raise InputError(
            f"{name or work} cannot be found by another process",
            expected="a function at the top level of a module that can be imported",
            todo="put it in a file of its own, beside your project file",
        )
    return f"{module}:{name}"


def serve(rank: Rank, place: str, arguments: Mapping[str, Any]) -> bool:
    """Work, in the process of RANK, and tell the desk what came of it.  False when the others must be ended."""
    assert rank.line is not None
    try:
        answer = call(load(place, f"function {place!r}"), rank, arguments)
    except Exception as error:
        told = error if isinstance(error, AimassError) else _crash(rank, error)
        rank.line.ask("error", value=told.as_json())
        return isinstance(error, Stopped)  # the others stop by themselves, when their checkpoint is written
    rank.line.ask("answer", value=answer)
    return True


def _crash(rank: Rank, error: Exception) -> TaskFailed:
    """A bug or a broken connection, with where it was."""
    lines = "".join(traceback.format_exception(error)[-3:]).rstrip().replace("\n", "\n    ")
    return TaskFailed(
        f"rank {rank.rank} of {rank.world} failed: {type(error).__name__}: {error}\n    {lines}", todo=AGAIN
    )


def _check(answer: Any) -> None:
    if answer:
        raise error_from_json(answer)


def gather(words: queue.SimpleQueue[Word], ranks: int) -> list[Any]:
    """Answers by rank, or the error that explains the others.

    A rank that dies tears its neighbours' connections, and their complaints may come first: after a first failure the
    others are heard for a moment.  Who was asked to stop gets the time to write a checkpoint.
    """
    answers: dict[int, Any] = {}
    failures: dict[int, AimassError] = {}
    until = float("inf")
    while len(answers.keys() | failures.keys()) < ranks:
        try:
            word = words.get(timeout=None if until == float("inf") else max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        if word.kind == "answer":
            answers[word.rank] = word.value
        elif word.kind == "error":
            failures.setdefault(word.rank, error_from_json(word.value))
        elif word.rank not in answers and word.rank not in failures:
            raise TaskFailed(
                f"rank {word.rank} of {ranks} {word.value}", expected="an answer of every rank", todo=AGAIN
            )
        if failures and until == float("inf"):
            stopped = isinstance(next(iter(failures.values())), Stopped)
            until = time.monotonic() + (PATIENCE if stopped else GRACE)
    if failures:
        told = list(failures.values())
        raise next((error for error in told if not isinstance(error, TaskFailed | Stopped)), told[0])
    return [answers[rank] for rank in range(ranks)]
