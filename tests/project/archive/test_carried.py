"""What leaves a workspace as an archive is in another one as it was: facts, bytes, rows, figures, what is reused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.project.archive.conftest import PROJECT, collect, release
from tests.runner import chain
from tests.runner.test_runners import task_of

from aimass.core.artifact import Dataset
from aimass.core.errors import InputError, StoreError
from aimass.project.archive.belongs import projects
from aimass.project.archive.take import import_project, look
from aimass.project.archive.write import KEPT, export_project, known_text
from aimass.runner.workspace import Workspace
from aimass.store.jobs import Jobs
from aimass.store.lake import open_dataset


def state(space: Workspace) -> dict[str, Any]:
    """All that a workspace knows, but for numbers of its own and when names moved."""
    runs = []
    for row in space.runs(1000):
        run = {name: row[name] for name in row if name != "id"}
        runs.append({**run, "figures": space.catalog.history(row["id"]), "latest": space.latest(row["id"]),
                     "log": space.logs(row["id"])})  # fmt: skip
    artifacts = sorted(space.artifacts(limit=1000), key=lambda row: str(row["digest"]))
    return {"runs": runs, "artifacts": artifacts, "versions": space.versions(), "lineage": space.lineage("p@2"),
            "names": {row["name"]: row["digest"] for row in space.names()}}  # fmt: skip


def rows_of(space: Workspace, name: str) -> list[dict[str, Any]]:
    found = space.get(name)
    assert isinstance(found, Dataset)
    return open_dataset(found, space.lake).to_table().to_pylist()  # type: ignore[no-any-return]


def test_a_project_is_elsewhere_what_it_was_here(workspace: Workspace, elsewhere: Workspace, file: Path) -> None:
    told = import_project(elsewhere, file)
    here, there = state(workspace), state(elsewhere)
    assert there["names"] == {name: digest for name, digest in here["names"].items() if not name.startswith("q/")}
    assert there["versions"] == here["versions"] and there["lineage"] == here["lineage"]
    own = [row for row in here["artifacts"] if row in there["artifacts"]]
    assert own == there["artifacts"] and len(own) == len(here["artifacts"]) - 2
    runs = [row for row in here["runs"] if row in there["runs"]]
    assert runs == there["runs"] and len(runs) == len(here["runs"]) - 3  # two of q, one of nobody
    assert any(run["figures"] for run in runs) and any(run["log"] for run in runs)
    assert rows_of(elsewhere, "p/collect/p") == rows_of(workspace, "p/collect/p") != []
    assert elsewhere.verify() == []
    assert (told["project"], told["versions"], told["tables"]) == ("p", ["p@1", "p@2"], ["p/p"])
    assert told["new"]["artifacts"] == len(own) and told["new"]["runs"] == len(runs)
    assert Path(told["kept_project_file"]).read_text() == PROJECT == known_text(elsewhere, "p")


def test_how_much_of_it_is_written_and_read_is_told(workspace: Workspace, elsewhere: Workspace, tmp_path: Path) -> None:
    out, into = list[tuple[str, int, int]](), list[tuple[str, int, int]]()
    told = export_project(workspace, "p", tmp_path / "p.zip", progress=lambda *how: out.append(how))
    import_project(elsewhere, tmp_path / "p.zip", progress=lambda *how: into.append(how))
    for heard in (out, into):
        assert {(what, of) for what, _, of in heard} == {("bytes", heard[0][2])} and 0 < heard[0][2] < told["bytes"]
        done = [done for _, done, _ in heard]
        assert done == sorted(done) and len(set(done)) > 3 and done[-1] == heard[0][2]


def test_what_was_done_here_is_reused_elsewhere(elsewhere: Workspace, file: Path) -> None:
    import_project(elsewhere, file)
    seen: list[str] = []
    elsewhere.observe(lambda event: seen.append(event.kind))
    numbers = elsewhere.run(task_of(chain.make, {}, rows=4))
    elsewhere.run(task_of(chain.total, {"dataset": numbers.digest}))
    assert seen == ["reused", "reused"]


def test_collecting_goes_on_where_it_was(workspace: Workspace, elsewhere: Workspace, file: Path) -> None:
    import_project(elsewhere, file)
    rows = file.with_name("rows.csv")
    collect(elsewhere, rows, 2)
    assert len(rows_of(elsewhere, "p/collect/p")) == 7 and len(rows_of(workspace, "p/collect/p")) == 5


def test_twice_is_once(elsewhere: Workspace, file: Path) -> None:
    import_project(elsewhere, file)
    before = state(elsewhere)
    told = import_project(elsewhere, file)
    assert state(elsewhere) == before
    assert told["new"] == {"artifacts": 0, "runs": 0, "versions": [], "names": [], "tables": ["p/p"], "against": []}


def test_a_project_that_went_on_is_brought_up_to_date(workspace: Workspace, elsewhere: Workspace, file: Path) -> None:
    import_project(elsewhere, file)
    collect(workspace, file.with_name("rows.csv"), 2)
    release(workspace, workspace.resolve("p/total"), "newer")
    later = file.with_name("later.zip")
    export_project(workspace, "p", later)
    told = look(elsewhere, later)
    assert told["new"]["versions"] == ["p@3"] and told["new"]["against"] == []
    assert {row["name"] for row in told["new"]["names"]} == {"p/collect/p", "p@champion"}
    assert elsewhere.resolve("p") == workspace.resolve("p@2")  # only looked
    import_project(elsewhere, later)
    assert elsewhere.resolve("p") == workspace.resolve("p@3")
    assert rows_of(elsewhere, "p/collect/p") == rows_of(workspace, "p/collect/p")
    older = look(elsewhere, file)["new"]["against"]
    assert any("p/collect/p leads to" in why for why in older)


def test_what_is_something_else_here_is_not_replaced(elsewhere: Workspace, file: Path) -> None:
    collect(elsewhere, file.with_name("other.csv"), 3)
    release(elsewhere, elsewhere.resolve("p/collect/p"), "another")
    before = state_without_lineage(elsewhere)
    against = look(elsewhere, file)["new"]["against"]
    assert len(against) == 4
    with pytest.raises(InputError, match="p cannot come into this workspace: ") as refused:
        import_project(elsewhere, file)
    assert "aimass -w FOLDER import" in refused.value.todo
    for why in ("p@1 is another release here", "p@champion leads to", "p/collect/p leads to",
                "the table p/p of this workspace has other rows"):  # fmt: skip
        assert any(why in one for one in against)
    assert state_without_lineage(elsewhere) == before and len(rows_of(elsewhere, "p/collect/p")) == 3


def state_without_lineage(space: Workspace) -> Any:
    files = sorted(str(path) for path in space.folder.rglob("*") if path.is_file() and "lock" not in str(path))
    return space.runs(1000), space.artifacts(limit=1000), space.names(), space.versions(), files


def test_what_fails_on_the_way_leaves_nothing(
    elsewhere: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aimass.store import figures

    before = state_without_lineage(elsewhere)

    def full(*_: Any) -> None:
        raise StoreError("No space left for the catalog")

    monkeypatch.setattr(figures, "keep", full)  # in the middle of the transaction, when all bytes are placed
    with pytest.raises(StoreError, match="No space left"):
        import_project(elsewhere, file)
    assert [row for row in state_without_lineage(elsewhere)[:4] if row] == []
    assert elsewhere.bytes.digests() == []
    assert [path for path in state_without_lineage(elsewhere)[4] if path not in before[4]] == []


def test_what_a_run_has_made_meanwhile_is_not_taken_back(
    elsewhere: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aimass.project.archive import take

    def late(*_: Any) -> None:
        numbers = elsewhere.run(task_of(chain.make, {}, rows=4))  # as the archive has it
        elsewhere.run(task_of(chain.total, {"dataset": numbers.digest}))
        collect(elsewhere, file.with_name("other.csv"), 2)  # into a table that is there by now
        raise StoreError("No space left for the catalog")

    monkeypatch.setattr(take, "keep", late)
    with pytest.raises(StoreError, match="No space left"):
        import_project(elsewhere, file)
    known = {row["digest"] for row in elsewhere.artifacts()}
    assert set(elsewhere.bytes.digests()) == known and len(known) == 3 and elsewhere.verify() == []
    assert len(rows_of(elsewhere, "p/collect/p")) >= 2


def test_a_project_whose_file_cannot_be_kept_is_in_and_says_so(elsewhere: Workspace, file: Path) -> None:
    (elsewhere.folder / KEPT).write_text("in the way")
    said: list[str] = []
    told = import_project(elsewhere, file, note=said.append)
    assert told["kept_project_file"] is None and elsewhere.resolve("p@2")
    assert told["warning"] == said[-1] and "the project is in, without its aimass.toml: cannot write" in said[-1]
    (elsewhere.folder / KEPT).unlink()
    again = import_project(elsewhere, file)
    assert Path(again["kept_project_file"]).read_text() == PROJECT and again["warning"] == ""


def test_a_program_that_was_quicker_is_told_of(
    elsewhere: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aimass.project.archive import take

    def seen(space: Workspace, *rest: Any) -> Any:
        found = planned(space, *rest)
        space.catalog.add_version("p", "0" * 64)  # p@1, after it was looked for
        return found

    planned = take.planned
    monkeypatch.setattr(take, "planned", seen)
    with pytest.raises(StoreError, match="another program changed the same names meanwhile"):
        import_project(elsewhere, file)
    assert elsewhere.artifacts() == [] == elsewhere.runs() and elsewhere.bytes.digests() == []


def test_the_project_file_is_that_of_its_newest_job(workspace: Workspace, tmp_path: Path) -> None:
    assert export_project(workspace, "p", tmp_path / "without.zip")["project_file"] is False
    for text in ("old", 'name = "p"'):
        Jobs(workspace.catalog).ask("project", {"text": text}, label="p")
    told = export_project(workspace, "p", tmp_path / "with.zip")
    assert told["project_file"] and known_text(workspace, "p") == 'name = "p"'
    with zipfile.ZipFile(tmp_path / "with.zip") as zip:
        assert zip.read("project/aimass.toml") == b'name = "p"'
        assert json.loads(zip.read("contents.json"))["project"] == "p"
        assert zip.testzip() is None


def test_projects_are_told_by_their_names(workspace: Workspace) -> None:
    assert [(row["name"], row["names"], row["versions"]) for row in projects(workspace)] == [("q", 2, 0), ("p", 3, 2)]
    with pytest.raises(InputError, match="no project is called 'pp'; did you mean 'p'"):
        export_project(workspace, "pp", workspace.folder / "x.zip")
    assert not (workspace.folder / "x.zip").exists()


def test_a_damaged_artifact_does_not_leave(workspace: Workspace, tmp_path: Path) -> None:
    (workspace.get("p/numbers").folder / "rows.json").write_text("[]")
    with pytest.raises(StoreError, match="is damaged: rows"):
        export_project(workspace, "p", tmp_path / "p.zip")
    assert list(tmp_path.glob("*.zip*")) == [] and list(tmp_path.glob(".p*")) == []


def test_a_file_that_exists_is_kept_unless_forced(workspace: Workspace, file: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        export_project(workspace, "p", file)
    assert export_project(workspace, "p", file, force=True)["bytes"] == file.stat().st_size
