"""Datasets on their way out: written as one file in the background, with a checksum, and kept for a day.

One is written at a time.  It is renamed into place when it is whole, so that a file that is there can be had.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from aimass.clean.export import WRITERS, check, export
from aimass.console.datasets import facts_of, rows_of, size_of
from aimass.console.refusals import Refusal, missing
from aimass.core.artifact import Dataset
from aimass.core.canonical import digest_of_file
from aimass.core.errors import AimassError, StoreError
from aimass.runner.scratch import scratch_in
from aimass.runner.workspace import Workspace
from aimass.store.base import writing
from aimass.store.catalog import now

log = logging.getLogger("aimass.console")
KEPT = 24 * 3600.0  # seconds
SPARE = 1 << 30  # bytes that stay free on the disk
WAITING = 8  # that may be asked for at once
WHOLE = "rows.parquet"  # what a cleaned dataset is already


@dataclass
class Going:
    """An export that is waited for, or written."""

    total: int
    rows: int = 0
    error: dict[str, str] | None = None


@dataclass
class Exports:
    """Of one console."""

    going: dict[tuple[str, str], Going] = field(default_factory=dict)  # by digest and format
    asking: threading.Lock = field(default_factory=threading.Lock)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def known(self, space: Workspace, dataset: Dataset) -> list[dict[str, Any]]:
        """How each format of DATASET stands: none, making, ready or failed."""
        return [self._state(space, dataset, kind) for kind in WRITERS]

    def ask(self, space: Workspace, dataset: Dataset, kind: str) -> dict[str, Any]:
        """Begin to write DATASET as KIND, unless it is there or under way.

        Raises InputError for what cannot be written so, Refusal (503) when many are waited for.
        """
        rows = _rows(space, dataset)
        check(rows.schema, kind)
        with self.asking:
            before = self._state(space, dataset, kind)
            if before["state"] in ("ready", "making"):
                return before
            if sum(1 for one in list(self.going.values()) if one.error is None) >= WAITING:
                raise Refusal(503, f"{WAITING} exports are waited for", todo="a moment later again",
                              headers={"retry-after": "10"})  # fmt: skip
            self.going[dataset.digest, kind] = Going(rows.count_rows())
        sweep(space.folder)
        try:
            threading.Thread(target=self._make, args=(space, dataset, kind), daemon=True).start()
        except RuntimeError:  # there are too many threads: nobody will make it
            del self.going[dataset.digest, kind]
            raise
        return self._state(space, dataset, kind)

    def _state(self, space: Workspace, dataset: Dataset, kind: str) -> dict[str, Any]:
        going = self.going.get((dataset.digest, kind))
        nothing = {"format": kind, "rows": 0, "total": None, "size": None, "sha256": None, "made": None, "error": None}
        if going is not None:
            state = "making" if going.error is None else "failed"
            return {**nothing, "state": state, "rows": going.rows, "total": going.total, "error": going.error}
        ready = _facts(space, dataset, kind)
        return {**nothing, "state": "none"} if ready is None else {**nothing, "state": "ready", **ready}

    def _make(self, space: Workspace, dataset: Dataset, kind: str) -> None:
        going = self.going[dataset.digest, kind]
        try:
            with self.turn, scratch_in(space.folder) as scratch:
                _check_room(space.folder, size_of(space, dataset))
                self._write(space, dataset, kind, scratch)
        except Exception as error:  # whatever it is, nobody else would hear of it
            id = secrets.token_hex(6)
            log.error("export %s of %s as %s failed", id, dataset.digest[:12], kind, exc_info=error)
            told = error if isinstance(error, AimassError) else StoreError(f"the export failed: {error}"[:500])
            going.error = {**told.as_json(), "to_do": told.todo or f"look for {id} in the log of the console"}
        finally:
            if going.error is None:
                del self.going[dataset.digest, kind]

    def _write(self, space: Workspace, dataset: Dataset, kind: str, scratch: Path) -> None:
        going, out = self.going[dataset.digest, kind], scratch / "rows"

        def tell(rows: int) -> None:
            _check_room(space.folder)
            going.rows = rows

        rows = export(_rows(space, dataset), kind, out, tell)
        facts = {"rows": rows, "total": rows, "size": out.stat().st_size, "sha256": digest_of_file(out), "made": now()}
        place = _place(space, dataset, kind)
        with writing(f"the export {place.name}"):
            place.parent.mkdir(exist_ok=True)
            out.replace(place)
            (scratch / "facts").write_text(json.dumps(facts))
            (scratch / "facts").replace(place.with_name(f"{place.name}.json"))


def file_of(space: Workspace, dataset: Dataset, kind: str) -> tuple[Path, dict[str, Any]]:
    """The file of DATASET as KIND, and its facts.  Raises Refusal (404) when it was not made, or not lately."""
    facts = _facts(space, dataset, kind)
    if facts is None:
        raise missing(f"there is no export of {dataset.digest[:12]} as {kind[:20]}")
    return _place(space, dataset, kind), facts


def _place(space: Workspace, dataset: Dataset, kind: str) -> Path:
    assert kind in WRITERS, kind
    if _is_whole(dataset, kind):
        return dataset.folder / WHOLE
    return space.folder / "exports" / f"{dataset.digest}.{kind}"


def _rows(space: Workspace, dataset: Dataset) -> ds.Dataset:
    """What goes out: unreadable rows, too, where there are any, with the reason and as they came."""
    return rows_of(space, dataset, malformed=bool(facts_of(dataset).get("malformed")))


def _is_whole(dataset: Dataset, kind: str) -> bool:
    return kind == "parquet" and WHOLE in dataset.manifest.files


def _facts(space: Workspace, dataset: Dataset, kind: str) -> dict[str, Any] | None:
    """Of the file, where it is there."""
    if kind not in WRITERS:
        return None
    place = _place(space, dataset, kind)
    if _is_whole(dataset, kind):
        rows = facts_of(dataset)["rows"]
        return {"rows": rows, "total": rows, "size": place.stat().st_size, "made": dataset.manifest.created,
                "sha256": dataset.manifest.files[WHOLE]}  # fmt: skip
    try:
        facts: dict[str, Any] = json.loads(place.with_name(f"{place.name}.json").read_text())
        return facts if place.stat().st_size == facts["size"] else None
    except (FileNotFoundError, ValueError):
        return None


def _check_room(folder: Path, size: int = 0) -> None:
    """Raises StoreError unless SIZE more bytes leave the disk of FOLDER with some room for everybody else."""
    room = shutil.disk_usage(folder).free - SPARE
    if room < size:
        raise StoreError(f"No space left: the export needs some {size} bytes, {max(room, 0)} are free for it",
                         expected=f"{SPARE} bytes that stay free", todo="free some space, export it again")  # fmt: skip


def sweep(folder: Path) -> None:
    """Remove from the workspace FOLDER what was made more than a day ago."""
    for path in (folder / "exports").glob("*"):
        with suppress(FileNotFoundError):  # another request was quicker
            if path.stat().st_mtime < time.time() - KEPT:
                path.unlink()
