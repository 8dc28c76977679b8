"""What was asked of a model and what it answered, from the log of its servers; with the labels that came since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aimass.collect.base import Collector, Cursor, Rows
from aimass.core.errors import InputError, StoreError, suggest
from aimass.core.part import knob
from aimass.store.appended import added, numbers, opened, rows_of

LOGGED = ("time", "request", "row", "model", "version", "given", "weight", "batch")
LABELLED = ("time", "at", "request", "row")
FEEDBACK = "feedback"  # beside the folder of predictions


class Predictions(Collector):
    """Rows of the prediction log, with the columns of the model's signature.  New ones are added.

    With `labels`, each row has the last label that was sent for it, under the name of the model's target, or null; new
    labels may belong to old rows, so all rows are read again then.
    """

    path: str = knob("", help="folder of the log: .aimass/predictions/NAME")
    labels: bool = knob(False, help="join the labels that came by /v1/feedback/NAME")
    shadows: bool = knob(False, help="also what shadows answered to copies")
    table: int = knob(0, 0, help="number of the table, where a column changed its type; 0: the newest")

    def read(self, cursor: Any | None) -> Iterator[Rows]:
        try:
            place = self._place()
            log = opened(place)
            labels = Labels.beside(Path(self.path)) if self.labels else None
            now = {"table": place.name, "id": str(log.metadata().id), "version": log.version(),
                   "labels": labels.position if labels else None}  # fmt: skip
            if now == cursor:
                return
            same = cursor is not None and {**cursor, "version": now["version"]} == now
            files = added(log, cursor["version"]) if same and cursor is not None else None
            yield from self._rows(rows_of(log, files), labels)
            yield Cursor(now, replace=files is None and cursor is not None)
        except StoreError as error:
            raise InputError(error.what, expected=error.expected, todo=error.todo, key="path") from error

    def _place(self) -> Path:
        folder = Path(self.path)
        known = numbers(folder)
        if not known:
            beside = [one.name for one in folder.parent.iterdir()] if folder.parent.is_dir() else []
            raise InputError(
                f"no prediction log is at {self.path}{suggest(folder.name, beside)}",
                expected="a folder such as .aimass/predictions/NAME, in which a server has logged",
                todo="check the path; relative paths count from the project file",
                key="path",
            )
        if self.table and self.table not in known:
            raise InputError(f"{self.path} has no table {self.table}", expected=f"one of: {', '.join(map(str, known))}",
                             key="table")  # fmt: skip
        return folder / str(self.table or known[-1])

    def _rows(self, rows: Any, labels: Labels | None) -> Iterator[pa.Table]:
        prefix = prefix_of(rows.schema.names, LOGGED)
        for batch in rows.to_batches():
            told = pa.Table.from_batches([batch])
            if not self.shadows:
                told = told.filter(told[f"{prefix}given"])
            yield labels.joined(told, prefix) if labels else told


class Labels:
    """The last label of each row of each request."""

    def __init__(self, place: Path) -> None:
        table = opened(place)
        self.position = [place.name, str(table.metadata().id), table.version()]
        found = rows_of(table).to_table()
        prefix = prefix_of(found.column_names, LABELLED)
        found = found.take(pc.sort_indices(found, [(f"{prefix}time", "descending")]))
        self.keys = keys_of(found, prefix)  # of several equal ones the first is found: the last that came
        facts = {f"{prefix}{name}" for name in LABELLED}
        self.columns = {name: found[name].combine_chunks() for name in found.column_names if name not in facts}

    @classmethod
    def beside(cls, log: Path) -> Labels | None:
        """Those of the model whose LOG it is; None where none has come yet."""
        folder = log.parent.parent / FEEDBACK / log.name
        known = numbers(folder)
        return cls(folder / str(known[-1])) if known else None

    def joined(self, rows: pa.Table, prefix: str) -> pa.Table:
        """ROWS and, where there is one, the label of each."""
        places = pc.index_in(keys_of(rows, prefix).combine_chunks(), value_set=self.keys.combine_chunks())
        for name, values in self.columns.items():
            if name in rows.column_names:
                raise InputError(f"the labels are called {name}, as is a column of the log", expected="distinct names",
                                 todo="read them without labels and join them by hand", key="labels")  # fmt: skip
            rows = rows.append_column(name, values.take(places))
        return rows


def keys_of(rows: pa.Table, prefix: str) -> pa.ChunkedArray:
    """Request and row, as one text."""
    return pc.binary_join_element_wise(rows[f"{prefix}row"].cast(pa.string()), rows[f"{prefix}request"], " ")


def prefix_of(names: list[str], facts: tuple[str, ...]) -> str:
    """What stands before FACTS among the NAMES of columns."""
    known = set(names)
    found = ("_" * length for length in range(1, max(map(len, names)) + 1))
    return next(prefix for prefix in found if known >= {prefix + fact for fact in facts})
