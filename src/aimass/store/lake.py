"""The lake: Delta tables that any Delta reader can open (reader 1, writer 2), the cursor inside the commit of its rows.

delta-rs records an application's transaction number but does not enforce it, so the rule is ours: open the table,
read the last number, go on from there; a writer that loses a race is refused by Delta and starts again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake import Field as DeltaField
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, create_table_with_add_actions
from pyarrow.fs import LocalFileSystem

from aimass.core.artifact import Dataset
from aimass.core.canonical import digest_of
from aimass.core.errors import StoreError
from aimass.store.base import lake_uri, writing

KEY = "aimass"  # our facts in a commit's metadata
FOREVER = "interval 3650 days"  # datasets pin versions: nothing in the log may expire behind their back
KEPT = {"delta.logRetentionDuration": FOREVER, "delta.deletedFileRetentionDuration": FOREVER}
LOOK_BACK = 50  # commits searched for the last one of ours


@dataclass(frozen=True)
class Commit:
    """What the last commit of a table says about all of it.

    source   whose commits these are: the digest of the collector's settings
    number   of the source's commits, from 0
    content  chained SHA-256 of every Parquet file since the last replacement: equal rows, equal content
    columns  name, type and, for images, shape; in the order of the source
    """

    source: str
    number: int
    cursor: Any
    rows: int
    malformed: int
    content: str
    columns: list[dict[str, Any]] = field(default_factory=list)
    version: int = -1

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "version"}


class Part(NamedTuple):
    """A local Parquet file that waits for its commit: how many ROWS, and the SHA-256 of its bytes."""

    path: Path
    rows: int
    digest: str


class LakeTable:
    """One Delta table at URI: a local folder or object storage."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.local = "://" not in uri
        self._table: DeltaTable | None = None  # reading the whole log for each commit would be slow

    def last(self, version: int | None = None) -> Commit | None:
        """The last commit up to VERSION, None for a table that does not exist.  Raises StoreError when it is not
        ours."""
        if not DeltaTable.is_deltatable(self.uri):
            return None
        table = self._open(version)
        if version is None:
            self._table = table
        for entry in table.history(LOOK_BACK):
            if KEY in entry:
                return replace(Commit(**json.loads(entry[KEY])), version=table.version())
        raise StoreError(
            f"the table {self.uri} was not written by a collector",
            expected="a table whose commits carry a cursor",
            todo="give the source another name, or move that table away",
        )

    def commit(self, files: list[Part], schema: pa.Schema, commit: Commit, *, overwrite: bool) -> Commit:
        """Publish FILES as one version: COMMIT with its number.  All or nothing.

        Files are named by their content, so a repeated attempt writes the same names.  Raises StoreError when
        another writer was quicker.
        """
        with writing(f"the table {self.uri}"):
            actions: list[AddAction] = [self._place(part, f"{commit.number:08}-{i:04}") for i, part in enumerate(files)]
        told = CommitProperties(
            app_transactions=[Transaction(KEY, commit.number)],
            custom_metadata={KEY: json.dumps(commit.as_json(), ensure_ascii=False)},
        )
        try:
            version = self._write(actions, Schema.from_arrow(schema), told, overwrite, commit.number)
        except CommitFailedError as error:
            raise self._overtaken() from error
        except (DeltaError, OSError) as error:
            raise StoreError(
                f"the table {self.uri} cannot be written: {str(error).strip().splitlines()[0]}",
                expected="a table that can be written, on a disk with free space",
                todo="free some space or check the rights, then run again; what was committed stays",
            ) from error
        return replace(commit, version=version)

    def _overtaken(self) -> StoreError:
        return StoreError(
            f"another program wrote to {self.uri} at the same time",
            expected="one collector a table",
            todo="run again; nothing is lost or doubled",
        )

    def _write(
        self, actions: list[AddAction], schema: Schema, told: CommitProperties, overwrite: bool, number: int
    ) -> int:
        if not DeltaTable.is_deltatable(self.uri):
            create_table_with_add_actions(
                self.uri, schema, actions, mode="error", configuration=KEPT, commit_properties=told
            )
            return 0
        table = self._table = self._table or self._open()  # Delta refuses a writer that missed one of ours
        committed = table.transaction_version(KEY)
        if committed is not None and number <= committed:
            raise self._overtaken()
        if not overwrite:
            known = {f.name for f in table.schema().fields}
            new = [DeltaField(f.name, f.type, nullable=True) for f in schema.fields if f.name not in known]
            if new:
                table.alter.add_columns(new)
                table.update_incremental()
        table.create_write_transaction(
            [*actions], "overwrite" if overwrite else "append", schema, commit_properties=told
        )
        table.update_incremental()
        ours = told.custom_metadata or {}
        return int(next(entry["version"] for entry in table.history(LOOK_BACK) if entry.get(KEY) == ours[KEY]))

    def _place(self, part: Part, place: str) -> AddAction:
        path, size = part.path, part.path.stat().st_size
        name = f"{place}-{part.digest[:24]}.parquet"
        if self.local:
            folder = Path(self.uri)
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(folder / name)
        else:
            filesystem, root = fsspec.core.url_to_fs(self.uri)
            filesystem.put_file(str(path), f"{root}/{name}")
            path.unlink()
        return AddAction(name, size, {}, 0, True, json.dumps({"numRecords": part.rows}))

    def _open(self, version: int | None = None) -> DeltaTable:
        try:
            return DeltaTable(self.uri, version=version)
        except DeltaError as error:
            raise StoreError(
                f"the table {self.uri} cannot be read{'' if version is None else f' at version {version}'}: "
                f"{str(error).strip().splitlines()[0]}",
                expected="the Delta table that the dataset points to",
                todo="put the table back, or collect again",
            ) from error

    def size(self, version: int) -> int:
        """Bytes of the files of VERSION."""
        return sum(pa.table(self._open(version).get_add_actions(flatten=True))["size_bytes"].to_pylist())

    def at(self, version: int, columns: list[str]) -> ds.Dataset:
        """The rows of VERSION in the order they were collected."""
        table = self._open(version)
        types = {f.name: f.type for f in pa.schema(table.schema().to_arrow())}
        schema = pa.schema([(name, _arrow(types[name])) for name in columns])
        names = sorted(uri.rpartition("/")[2] for uri in table.file_uris())  # of the URIs the folder is encoded
        files = [f"{self.uri}/{name}" for name in names]
        missing = [file for file in files if self.local and not Path(file).exists()]
        if missing:
            raise StoreError(
                f"the table {self.uri} has lost {len(missing)} of {len(files)} files, for one {missing[0]}",
                expected="every file its log lists",
                todo="put the files back, or move the table away and collect again",
            )
        if self.local:
            return ds.dataset(files, schema=schema, format="parquet")
        filesystem, root = fsspec.core.url_to_fs(self.uri)
        return ds.dataset([f"{root}/{name}" for name in names], schema=schema, format="parquet", filesystem=filesystem)


def _arrow(kind: Any) -> pa.DataType:
    """Delta tells its types with views; plain types scan everywhere."""
    plain = {"string_view": pa.string(), "binary_view": pa.binary()}
    return plain.get(str(kind), pa.field("x", kind).type)


def open_dataset(dataset: Dataset, lake: str, *, also: tuple[str, ...] = ()) -> ds.Dataset:
    """The rows of any dataset: the snapshot of a lake table, or the Parquet file of a cleaned one.

    ALSO names columns of the table that the dataset does not list (those of malformed rows).
    """
    facts = dataset.read_json("dataset.json")
    if "table" not in facts:
        return ds.dataset(dataset.folder / "rows.parquet", format="parquet")
    columns = [*(column["name"] for column in facts["columns"]), *also]
    return LakeTable(lake_uri(lake, facts["table"])).at(facts["version"], columns)


def on_disk(rows: ds.Dataset, copy: Path) -> ds.Dataset:
    """ROWS as local files: themselves, or written to COPY where they lie in object storage."""
    if isinstance(rows.filesystem, LocalFileSystem):
        return rows
    with pq.ParquetWriter(copy, rows.schema, store_schema=False) as writer:
        for batch in batches(rows):
            writer.write_batch(batch)
    return ds.dataset(copy, format="parquet")


def batches(rows: ds.Dataset) -> Iterator[pa.RecordBatch]:
    """ROWS in order, a bounded number at a time."""
    return iter(rows.to_batches(batch_size=65_536, use_threads=True, fragment_readahead=1))


def chained(before: str, files: list[Part]) -> str:
    """The content hash after FILES were added to what BEFORE stands for."""
    return digest_of([before, *(part.digest for part in files)])
