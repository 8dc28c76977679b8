"""Delta tables that several processes append to, a few rows at a time: the prediction log, and labels.

An append never stands in the way of another.  What does (a new column, a table that two begin at once) is tried again
on the table as it is then.  A column keeps its type for ever: rows that have another type under its name begin the
next table of the folder, `1`, `2`, ...  Of many small files one is made now and then; readers need not know.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable, PostCommitHookProperties, Schema, WriterProperties, write_deltalake
from deltalake import Field as DeltaField
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from aimass.core.errors import StoreError

log = logging.getLogger("aimass.store")

TRIES = 10  # of an append, where others change the table at the same time
TIDY = 64  # versions after which small files become one
PACKED = WriterProperties(compression="ZSTD")
NOTHING_MORE = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)  # an error: no commit
COMMITS = "{:020}.json"


class Appended:
    """The table of FOLDER that rows like SCHEMA belong to; it begins with the first rows."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder, self.schema = folder, schema
        self.place: Path | None = None
        self.table: DeltaTable | None = None
        self.tidied = 0

    def append(self, rows: pa.Table) -> Path:
        """ROWS are in the table, all of them, once this returns; where it stands.  Raises StoreError."""
        tries = 0
        while True:
            tries += 1
            try:
                return self._append(rows)
            except (DeltaError, OSError, pa.ArrowException) as error:
                self.table = None
                if not isinstance(error, CommitFailedError) or tries == TRIES:
                    raise unwritten(self.folder, error) from error

    def _append(self, rows: pa.Table) -> Path:
        if self.table is None:
            self.place = fitting(self.folder, self.schema)
            self.table = _opened(self.place)
            self.tidied = self.table.version() // TIDY if self.table else 0
        assert self.place is not None
        known = self.table or str(self.place)
        write_deltalake(
            known, rows, mode="append", schema_mode="merge", writer_properties=PACKED,
            post_commithook_properties=NOTHING_MORE,
        )  # fmt: skip
        return self.place  # a table that began with these rows is opened for the next ones: they are kept already

    def tidy(self, *, keep_days: int = 0, column: str = "") -> None:
        """Once in a while make one of many small files, and drop those that nothing leads to for a week.

        KEEP_DAYS above 0: also rows whose time in COLUMN is longer ago.  What goes wrong is logged and left for the
        next time: who appended rows and is told of an error would append them again.
        """
        table = self.table
        if table is None or table.version() // TIDY <= self.tidied:
            return
        self.tidied = table.version() // TIDY
        try:
            if keep_days:
                oldest = datetime.now(UTC) - timedelta(days=keep_days)
                table.delete(f"\"{column}\" < '{oldest.isoformat()}'")
            table.optimize.compact(writer_properties=PACKED)
            table.vacuum(dry_run=False, full=True)
            table.create_checkpoint()
            table.cleanup_metadata()
        except CommitFailedError:  # another process does the same: that is as good
            self.table = None
        except (DeltaError, OSError) as error:
            self.table = None
            log.warning("the table %s was not tidied: %s", self.folder, error)


def unwritten(folder: Path, error: Exception) -> StoreError:
    what = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return StoreError(
        f"the table {folder} cannot be written: {what}",
        expected="a Delta table that can be written, on a disk with free space",
        todo="free some space or check the rights; if its log is damaged, move the table away",
    )


def numbers(folder: Path) -> list[int]:
    """Of the tables of FOLDER, the newest last."""
    if not folder.is_dir():
        return []
    found = [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()]
    return sorted(number for number in found if (folder / str(number) / "_delta_log").is_dir())


def fitting(folder: Path, schema: pa.Schema) -> Path:
    """Where rows of SCHEMA belong: the newest table whose columns agree with it, else a new one."""
    wanted = {field.name: field.type for field in Schema.from_arrow(schema).fields}
    known = numbers(folder)
    for number in reversed(known):
        table = _opened(folder / str(number))
        if table is None or all(_agree(field, wanted) for field in table.schema().fields):
            return folder / str(number)
    return folder / str(known[-1] + 1 if known else 1)


def _agree(field: DeltaField, wanted: Mapping[str, object]) -> bool:
    return field.name not in wanted or field.type == wanted[field.name]


def _opened(place: Path | None) -> DeltaTable | None:
    try:
        return DeltaTable(str(place))
    except TableNotFoundError:
        return None


# -- reading -------------------------------------------------------------------------------------------------------


def opened(place: Path) -> DeltaTable:
    """The table at PLACE.  Raises StoreError."""
    try:
        return DeltaTable(str(place))
    except (DeltaError, OSError) as error:
        what = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StoreError(f"the table {place} cannot be read: {what}", expected="a Delta table",
                         todo="put it back, or move it away") from error  # fmt: skip


def rows_of(table: DeltaTable, files: list[str] | None = None) -> ds.Dataset:
    """All rows of TABLE as they came, or those in FILES; columns a file lacks are null."""
    folder = Path(unquote(table.table_uri).removeprefix("file://"))
    names = files if files is not None else in_order(table)
    schema = pa.schema(table.schema().to_arrow())
    return ds.dataset([str(folder / name) for name in names], schema=schema, format="parquet")


def in_order(table: DeltaTable) -> list[str]:
    """The files of TABLE, the oldest first."""
    actions = pa.table(table.get_add_actions(flatten=True)).select(["modification_time", "path"])
    rows = sorted(zip(*(column.to_pylist() for column in actions.columns), strict=True))
    return [unquote(path) for _, path in rows]


def added(table: DeltaTable, since: int) -> list[str] | None:
    """The files that were appended after version SINCE; None where that cannot be told any more: read all then.

    Of one file that was made of many nothing is new, so only appends count.
    """
    folder = Path(unquote(table.table_uri).removeprefix("file://"))
    found: list[str] = []
    for number in range(since + 1, table.version() + 1):
        try:
            text = (folder / "_delta_log" / COMMITS.format(number)).read_text(encoding="utf-8")
        except OSError:  # the log is kept for a month
            return None
        actions = [json.loads(line) for line in text.splitlines()]
        if any(action.get("commitInfo", {}).get("operation") == "WRITE" for action in actions):
            found += [unquote(action["add"]["path"]) for action in actions if "add" in action]
    return found if since <= table.version() and all((folder / name).exists() for name in found) else None
