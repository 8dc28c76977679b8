"""The verb `collect`: what is new outside becomes rows of a Delta table, exactly once."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.collect.base import Collector
from aimass.core.artifact import Dataset
from aimass.core.errors import InputError
from aimass.core.step import Context, step

if TYPE_CHECKING:
    from aimass.collect.pending import Pending
    from aimass.store.lake import Commit, LakeTable, Part

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")


@step(reuse=False)
def collect(  # type: ignore[return]  # the folder is the answer
    ctx: Context, previous: Dataset | None = None, *, name: str, source: Collector
) -> Dataset:
    """Read what is new in SOURCE into the lake table NAME; the dataset is that version of the table.

    \b
    PREVIOUS is the dataset of the last time: it comes back unchanged when nothing is new.
    Example: aimass collect --name flights --use csv --set source.path=flights.csv
    """
    from aimass.store.base import lake_uri
    from aimass.store.lake import LakeTable
    from aimass.store.lock import held

    if not NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be the name of a table", expected="letters, digits and . _ -", key="name")
    table = LakeTable(lake_uri(ctx.lake, name))
    # Object storage has no locks; there Delta itself refuses the slower of two writers.
    lock = held(Path(f"{table.uri}.lock"), lambda pid: _wait(ctx, pid)) if table.local else nullcontext()
    with lock:
        last = Intake(ctx, table, source).run()
        facts = {"name": name, "table": name, "version": last.version, "rows": last.rows, "malformed": last.malformed,
                 "content": last.content, "columns": last.columns}  # fmt: skip
        if previous is not None and _still(previous, facts, table):
            ctx.log("nothing is new")
            return previous
    (ctx.folder / "dataset.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    ctx.tell(rows=last.rows, malformed=last.malformed, version=last.version, bytes=table.size(last.version))


def _wait(ctx: Context, pid: str) -> None:
    ctx.log(f"process {pid} is collecting into the same table; waiting for it")


def _still(previous: Dataset, facts: dict[str, Any], table: LakeTable) -> bool:
    """Whether PREVIOUS pins the rows of FACTS: the same version, or one before commits that only moved the cursor."""
    before = previous.read_json("dataset.json")
    if before != {**facts, "version": before.get("version")} or before["version"] > facts["version"]:
        return False
    pinned = table.last(before["version"])
    return pinned is not None and pinned.content == facts["content"]


class Intake:
    """One reading of a source into its table."""

    def __init__(self, ctx: Context, table: LakeTable, source: Collector) -> None:
        from aimass.core.canonical import digest_of

        self.ctx, self.table, self.source = ctx, table, source
        self.identity = digest_of(source.identity())
        self.last: Commit | None = table.last()
        # Another source under the same name: its cursors mean nothing here, and its rows are not ours.
        self.fresh = self.last is None or self.last.source != self.identity
        self.replace = self.fresh  # the next rows replace what is there
        self.read = 0

    def run(self) -> Commit:
        """Every commit the source has to give; what the table holds then.  Raises InputError when it holds nothing."""
        from aimass.collect.base import Cursor

        cursor = None if self.fresh or self.last is None else self.last.cursor
        pending, placed = self._pending(), False
        for item in self.source.read(cursor):
            if isinstance(item, Cursor):
                self.replace |= item.replace
                self._commit(pending, _plain(item.value))
                pending, placed = self._pending(), True
            else:
                pending.add(item)
                self._tell(pending)
        self._finish(pending, placed)
        if self.last is None or self.replace:
            raise InputError(
                "the source gave no rows",
                expected="at least one row",
                todo="look at the file, folder or query; a header alone is no row",
            )
        return self.last

    def _finish(self, pending: Pending, placed: bool) -> None:
        """Rows behind the last cursor: all of them, when the source knows no cursor at all."""
        pending.close()
        if not pending.files:
            return
        if placed:
            raise InputError(
                f"the collector yielded {pending.rows} rows after its last cursor; they were not stored",
                expected="a Cursor after the last rows, or none at all",
                todo="yield Cursor(...) at the end; everything before it is stored and is not read again",
            )
        self.replace = True
        self._commit(pending, None)

    def _commit(self, pending: Pending, cursor: Any) -> None:
        from aimass.core.canonical import digest_of_file
        from aimass.store.lake import Commit, Part, chained

        files = [Part(path, rows, digest_of_file(path)) for path, rows in pending.close()]
        before = None if self.replace else self.last
        if not files and (before is None or before.cursor == cursor):
            return  # a replacement waits for its first row: a table is never emptied
        content = before.content if before else ""
        if files:  # else only the cursor moves
            content = chained(content, files)
        if self.replace and not self.fresh and self.last is not None and self.last.content == content:
            self._moved(files, cursor)
            return
        columns = _joined(before.columns if before else [], pending.columns)
        commit = Commit(
            source=self.identity,
            number=self.last.number + 1 if self.last else 0,
            cursor=cursor,
            rows=pending.rows + (before.rows if before else 0),
            malformed=pending.malformed + (before.malformed if before else 0),
            content=content,
            columns=columns,
        )
        self.last = self.table.commit(files, pending.schema, commit, overwrite=self.replace)
        self.fresh = self.replace = False

    def _moved(self, files: list[Part], cursor: Any) -> None:
        """The same rows as before (a file has another name): FILES go, and the cursor alone is kept."""
        for part in files:
            part.path.unlink()
        self.replace = False
        self._commit(self._pending(), cursor)

    def _pending(self) -> Pending:
        from aimass.collect.pending import Pending

        return Pending(self.ctx.folder, self.last.number + 1 if self.last else 0)

    def _tell(self, pending: Pending) -> None:
        if pending.rows - self.read >= 10_000:
            self.read = pending.rows
            self.ctx.report(rows=pending.rows)


def _plain(cursor: Any) -> Any:
    """CURSOR as it comes back from the log."""
    try:
        return json.loads(json.dumps(cursor, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"the collector yielded a cursor that is not JSON: {error}",
                         expected="text, finite numbers, lists and tables",
                         todo="a date: Cursor(day.isoformat())") from error  # fmt: skip


def _joined(before: list[dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The columns of the table with those of new rows.  Raises InputError when a column changes its type."""
    from aimass.collect.pending import check_names, same

    columns = {column["name"]: column for column in before}
    for name, facts in found.items():
        same(columns.setdefault(name, {k: v for k, v in facts.items() if k != "arrow"}), facts)
    check_names(list(columns))
    return list(columns.values())
