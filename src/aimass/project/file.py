"""aimass.toml as an object: every table checked before anything runs, errors with line and column."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aimass.core.errors import InputError, suggest
from aimass.core.part import Settings, knob
from aimass.project.toml import locate, read
from aimass.runner.inputs import SEEDS

T = TypeVar("T")

TABLES = (
    "name", "seed", "on", "collect", "clean", "prepare", "goal", "spend",
    "search", "train", "measure", "publish", "serve", "steps", "track",
)  # fmt: skip


class Spend(Settings):
    """One clock over collect .. publish."""

    minutes: float = knob(10.0, 0.01, 100_000, help="wall-clock minutes for the whole run")


class Search(Settings):
    """What is tried: architectures x pass lists.  Empty means the defaults for the data."""

    models: list[Any] | None = knob(None, help="architectures, by name or as tables")
    passes: list[Any] | None = knob(None, help="lists of passes; each is tried on every model")
    engines: list[Any] | None = knob(None, help="engines, by name or as tables; each is tried on every model as it is")


class Train(Settings):
    """How models are fitted."""

    recipe: Any = knob(None, help="for every model this recipe fits; the others keep their own")
    needs: dict[str, Any] | None = knob(None, help="where it is done: { workers = 2 }; never part of what it means")


class Measure(Settings):
    """How often is asked before a latency is believed.  Left out: as often as `aimass measure` does by itself."""

    samples: int | None = knob(None, 1, help="requests at the endpoint")
    starts: int | None = knob(None, 1, help="fresh servers that share them")
    processes: int | None = knob(None, 1, help="fresh processes that time the engine call")
    calls: int | None = knob(None, 1, help="engine calls in each")
    repeat: int | None = knob(None, 0, help="raise it to measure again what was measured, say on a busy machine")

    def given(self) -> dict[str, int]:
        """What the file says; the rest is the step's own."""
        return {name: value for name, value in self.settings().items() if value is not None}


class Publish(Settings):
    """Under which name a version goes out."""

    name: str = knob("", help="empty means the project's name")
    alias: str = knob("champion", help="moved to the new version")
    gates: list[Any] | None = knob(None, help="what a version must pass")


class Serve(Settings):
    """Where `--serve` listens."""

    host: str = knob("127.0.0.1")
    port: int = knob(8080, 0, 65535)


GROUPS: dict[str, type[Settings]] = {
    "spend": Spend, "search": Search, "train": Train, "measure": Measure, "publish": Publish, "serve": Serve,
}  # fmt: skip


@dataclass(frozen=True)
class Project:
    """A checked project file.  `tables` holds plain JSON values with paths made absolute."""

    path: Path
    text: str
    name: str
    seed: int
    on: str | None
    tables: dict[str, Any]
    spend: Spend
    search: Search
    train: Train
    measure: Measure
    publish: Publish
    serve: Serve

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        """Collector tables by source name; the short form is one source named after the project."""
        table = self.tables.get("collect", {})
        return {self.name: table} if self.one_source else table

    @property
    def one_source(self) -> bool:
        """Whether [collect] itself is the source, rather than a table of sources."""
        return any(key == "use" or not isinstance(value, dict) for key, value in self.tables.get("collect", {}).items())

    def checked(self, keys: list[str], make: Callable[[], T]) -> T:
        """What MAKE returns; an InputError of it gets the file, line and column of table KEYS."""
        try:
            return make()
        except InputError as error:
            raise self.at([*keys, *error.key.split(".")] if error.key else keys, error) from error

    def placed(self, keys: list[str], run: Callable[[], T]) -> T:
        """What RUN, the step of table KEYS, returns; an InputError that names a key of the file gets its place."""
        try:
            return run()
        except InputError as error:
            place = self._place(keys, error.key.split("."))
            if place is None:
                raise
            raise self.at(place, error) from error

    def _place(self, keys: list[str], names: list[str]) -> list[str] | None:
        """Where the setting NAMES of the step KEYS stands: in its own table, or in [goal], whose target it may be."""
        for path in (keys, ["goal"]):
            table: Any = self.tables
            for key in path:
                table = table.get(key, {}) if isinstance(table, dict) else {}
            if isinstance(table, dict) and names[0] in table:
                return [*path, *names]
        return None

    def at(self, keys: list[str], error: InputError) -> InputError:
        line, column = locate(self.text, keys)
        what = f"{self.path.name}:{line}:{column}: [{'.'.join(keys)}] {error.what}"
        return InputError(what, expected=error.expected, todo=error.todo)


def load(path: Path, sets: tuple[str, ...] = (), folder: Path | None = None) -> Project:
    """Read and check the project file at PATH (or aimass.toml in that folder); its paths are relative to FOLDER, or
    to the file's own.

    SETS override single keys: "collect.path=/my/data" (a path here is relative to where the command is typed, or to
    FOLDER).
    """
    tables, text = read(path)
    for item in sets:
        override(tables, item, typed_here=folder is None)
    path = path / "aimass.toml" if path.is_dir() else path
    name = tables.get("name", path.resolve().parent.name)
    project = Project(path.resolve(), text, name, tables.get("seed", 0), tables.get("on"), tables,
                      Spend(), Search(), Train(), Measure(), Publish(), Serve())  # fmt: skip
    _check_scalars(project)
    for key in tables:
        if key not in TABLES:
            raise project.at([key], InputError(f"unknown key{suggest(key, TABLES)}", expected=", ".join(TABLES)))
    if "steps" not in tables:
        for needed in ("collect", "goal"):
            if needed not in tables:
                raise InputError(f"{path.name}: table [{needed}] is missing", todo=f"add [{needed}] (docs/project.md)")
    if not tables.get("collect", {"use": ""}):
        raise project.at(["collect"], InputError("no source", expected='use = "csv" and its settings',
                                                 todo="see: aimass parts collector"))  # fmt: skip
    for table in ("collect", "steps", "track"):
        absolute_paths(tables.get(table, {}), folder or path.resolve().parent)
    groups = {
        key: project.checked([key], lambda k=key, c=kind: c.from_settings(tables.get(k, {}), k))  # type: ignore[misc]
        for key, kind in GROUPS.items()
    }
    return Project(project.path, text, name, project.seed, project.on, tables, **groups)


def override(tables: dict[str, Any], item: str, *, typed_here: bool = True) -> None:
    """Put one "table.key=value" into TABLES; the value is TOML, or else text.  A path that is TYPED_HERE is made
    absolute."""
    path, equals, given = item.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise InputError(f"--set {item}: not TABLE.KEY=VALUE", todo="for example --set spend.minutes=5")
    try:
        value = tomllib.loads(f"value = {given}")["value"]
    except (ValueError, RecursionError):  # also a whole number of thousands of digits, brackets without end
        here = typed_here and keys[-1] == "path" and _is_relative(given)
        value = str(Path(given).absolute()) if here else given
    for key in keys[:-1]:
        tables = tables.setdefault(key, {})
        if not isinstance(tables, dict):
            raise InputError(f"--set {item}: {key} is not a table", expected="the path of a key in the file")
    tables[keys[-1]] = value


def _check_scalars(project: Project) -> None:
    wanted = {"name": str, "seed": int, "on": str}
    for key, kind in wanted.items():
        value = project.tables.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise project.at([key], InputError(f"got {value!r}", expected=f"a {kind.__name__}"))
    if not 0 <= project.seed < SEEDS:
        raise project.at(["seed"], InputError(f"got {project.seed}", expected=f"a whole number from 0 to {SEEDS - 1}"))
    for key in set(TABLES) - {*wanted, "track"}:  # [track] may be a name or a list, too
        value = project.tables.get(key)
        if value is not None and not isinstance(value, dict):
            raise project.at([key], InputError(f"got {value!r}", expected=f"a table: [{key}]"))


def absolute_paths(table: Any, folder: Path) -> None:
    """Paths in a project file are relative to the file, wherever the command is typed."""
    if isinstance(table, list):
        for item in table:
            absolute_paths(item, folder)
    if not isinstance(table, dict):
        return
    for key, value in table.items():
        if isinstance(value, str) and _names_a_file(key, value) and _is_relative(value):
            table[key] = str(folder / value)
        else:
            absolute_paths(value, folder)


def _names_a_file(key: str, value: str) -> bool:
    """Whether the setting KEY is a path; `rows` is one where it has the ending of a file."""
    return key in ("path", "labels") or (key == "rows" and bool(Path(value).suffix))


def _is_relative(value: str) -> bool:
    return "://" not in value and not value.startswith("package:") and not Path(value).is_absolute()
