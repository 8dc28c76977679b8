"""Labels that come after the answers: what really was, by request and row, kept in a Delta table beside the log.

An answer of 200 means that the labels are on disk.  Whoever sends a label again changes it: the last one counts.
"""

from __future__ import annotations

import asyncio
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.core.errors import StoreError, suggest
from aimass.core.signature import Signature
from aimass.serve.messages import Answer, Refused, Request, json_answer, parsed, unpacked
from aimass.serve.paths import NAME, Place

if TYPE_CHECKING:
    from aimass.store.appended import Appended

FOLDER = "feedback"
MOST = 10_000  # labels of a request
WAITING = 100_000  # labels that wait for the disk
LONGEST = 128  # characters of a request's id
LARGEST = 2**31 - 1  # of a row
SHAPES = '{"request": "id", "row": 0, "label": ...} or a list of them'
KEYS = ("request", "row", "label", "at")


@dataclass(frozen=True)
class Label:
    """What row ROW of REQUEST really was; AT: since when that was known, where the caller says."""

    request: str
    row: int
    label: str | float
    at: datetime | None


@dataclass
class Waiting:
    """Labels that are to be written together, and what went wrong with it."""

    labels: list[Label]
    signature: Signature
    error: Exception | None = None


@dataclass
class Feedback:
    """The labels of all models of a server, below FOLDER; without one they are not kept."""

    folder: Path | None = None
    waiting: dict[str, list[Waiting]] = field(default_factory=dict)
    tables: dict[tuple[str, str, str], Appended] = field(default_factory=dict)
    last: int = 0  # microseconds since 1970 of the last label

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="feedback")

    def places(self, find: Callable[[str], Any]) -> list[Place]:
        """What is answered where; FIND gives the version of a model that counts, by the model's name."""

        async def answering(request: Request, name: str) -> Answer:
            raw, encoding = await request.raw(), request.headers.get(b"content-encoding")
            body = parsed(unpacked(raw, encoding, request.limit) if encoding else raw)
            taken = await self.take(name, find(name).served.signature, body)
            return json_answer({"model": name, "labels": taken})

        return [Place(re.compile(rf"/v1/feedback/{NAME}"), {"POST": answering}, find)]

    async def take(self, name: str, signature: Signature, body: Any) -> int:
        """Keep the labels that BODY says of rows of the model NAME; how many they are.  Raises Refused."""
        if self.folder is None:
            raise Refused(404, "labels are not kept here", to_do="start the server with a folder: --log-to FOLDER")
        labels = labels_of(body, signature, name)
        mine = Waiting(labels, signature)
        with self.lock:
            together = self.waiting.setdefault(name, [])
            if sum(len(one.labels) for one in together) + len(labels) > WAITING:
                raise Refused(503, "too many labels wait for the disk", to_do="send them again in a few seconds")
            together.append(mine)
        await asyncio.get_running_loop().run_in_executor(self.thread, self._write, name)
        if isinstance(mine.error, StoreError):
            raise Refused(503, mine.error.what, expected=mine.error.expected, to_do=mine.error.todo)
        if mine.error is not None:
            raise mine.error
        return len(labels)

    def close(self) -> None:
        """Write what was taken."""
        self.thread.shutdown()

    # -- the thread -------------------------------------------------------------------------------------------

    def _write(self, name: str) -> None:
        """All that waits for the table of NAME, in one commit: what came while the last one was written shares it."""
        with self.lock:
            together, self.waiting[name] = self.waiting[name], []
        for target in {one.signature.target: None for one in together}:
            mine = [one for one in together if one.signature.target == target]
            try:
                self._append(name, mine[0].signature, [label for one in mine for label in one.labels])
            except Exception as error:  # whoever waits for it raises it
                for one in mine:
                    one.error = error

    def _append(self, name: str, signature: Signature, labels: Sequence[Label]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        from aimass.store.appended import Appended

        stamp, text = pa.timestamp("us", "UTC"), pa.string()
        kind = text if signature.classes else pa.float64()
        assert self.folder is not None
        prefix = prefix_of(signature.target)
        names = [*(prefix + fact for fact in ("time", "at", "request", "row")), signature.target]
        schema = pa.schema(list(zip(names, (stamp, stamp, text, pa.int32(), kind), strict=True)))
        key = (name, signature.target, str(kind))
        table = self.tables.setdefault(key, Appended(self.folder / FOLDER / name, schema))
        first = self.last = max(self.last + 1, time.time_ns() // 1000)
        self.last += len(labels)
        times = pa.array(range(first, first + len(labels)), stamp)  # in the order they came
        at = pc.coalesce(pa.array([label.at for label in labels], stamp), times)
        columns = [times, at, *_rest(labels)]
        table.append(pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema))
        table.tidy()


def _rest(labels: Sequence[Label]) -> list[list[Any]]:
    return [[one.request for one in labels], [one.row for one in labels], [one.label for one in labels]]


def prefix_of(target: str) -> str:
    """What stands before the facts, so that the target is not called like one."""
    prefix = "_"
    while target.lower() in {prefix + fact for fact in ("time", "at", "request", "row")}:
        prefix += "_"
    return prefix


# -- what a caller says ------------------------------------------------------------------------------------------


def labels_of(body: Any, signature: Signature, name: str) -> list[Label]:
    """The labels in BODY for the model NAME: all of them, or Refused says which is wrong, and none is kept."""
    many = isinstance(body, list)
    if not many and not isinstance(body, dict):
        raise Refused(400, "the body is neither a label nor a list of labels", expected=SHAPES)
    told = body if many else [body]
    if not told:
        raise Refused(400, "there are no labels", expected="at least one")
    if len(told) > MOST:
        raise Refused(413, f"{len(told)} labels are too many for one request", expected=f"at most {MOST}")
    return [_label(one, f"label {i}: " if many else "", signature, name) for i, one in enumerate(told)]


def _label(told: Any, where: str, signature: Signature, name: str) -> Label:
    if not isinstance(told, dict):
        raise Refused(400, f"{where}{str(told)[:40]!r} is not an object", expected=SHAPES)
    odd = next((key for key in told if key not in KEYS), None)
    if odd is not None:
        raise Refused(400, f"{where}{odd!r} is not known{suggest(odd, KEYS)}", expected=f"of: {', '.join(KEYS)}")
    missing = next((key for key in ("request", "label") if key not in told), None)
    if missing:
        raise Refused(400, f"{where}{missing!r} is missing", expected=SHAPES)
    return Label(
        _request(told["request"], where), _row(told.get("row", 0), where),
        _value(told["label"], where, signature, name), _at(told.get("at"), where),
    )  # fmt: skip


def _request(value: Any, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not _sendable(value):
        expected = f"the id of an answer (x-request-id, or V2's id), at most {LONGEST} characters"
        raise Refused(400, f"{where}'request' is {str(value)[:40]!r}", expected=expected)
    return value


def _sendable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _row(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise Refused(400, f"{where}'row' is {str(value)[:40]!r}", expected="which row of the request, from 0")
    return value


def _value(value: Any, where: str, signature: Signature, name: str) -> str | float:
    """A class of the model, as text; a finite number, where it predicts numbers."""
    if signature.classes:
        if isinstance(value, str) and value in signature.classes:
            return value
        near = suggest(str(value), signature.classes)
        raise Refused(400, f"{where}{value!r:.60} is no class of {name}{near}",
                      expected=f"one of: {', '.join(signature.classes[:20])}, as text")  # fmt: skip
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _finite(value):
        raise Refused(400, f"{where}'label' is {value!r:.60}", expected="a finite number")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number larger than any float
        return False


def _at(value: Any, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        stamp = datetime.fromisoformat(value)
        return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(400, f"{where}'at' is {str(value)[:40]!r}",
                      expected='a time such as "2026-11-21T08:30:00Z"') from error  # fmt: skip
