"""Parts: found by name, checked by their own schema, the same after JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass.collect.base import Collector
from aimass.core.errors import InputError
from aimass.core.part import Part, Settings, knob, resolve, revision_of_source, table_of
from aimass.core.stages import FAMILIES
from aimass.measure.base import Metric

GUEST = '''
from aimass.measure.base import Metric
from aimass.core.part import knob

class Off(Metric):
    """How far off."""
    revision = 3
    share: float = knob(0.5, 0.0, 1.0)

class Alien: pass
number = 3
'''


class Split(Settings):
    """A group inside a part."""

    test: float = knob(0.2, 0.0, 0.9, help="share of rows")


class Choice(Part):
    """A part of the tests."""

    family = "metric"
    width: int = knob(64, 1, 1024, log=True)
    rate: float = knob(0.1, 0.0, 1.0)
    sizes: tuple[int, ...] = knob((8,), 1, 64)
    by: Literal["time", "group"] = "time"
    how: str = knob("a", choices=("a", "b"))
    cap: float | None = None
    split: Split = Split()
    name: str


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my_guest.py").write_text(GUEST)
    info = tmp_path / "my_guest-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-guest\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[aimass.metric]\nhow-far-off = my_guest:Off\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_guest", raising=False)
    return "my_guest:Off"


def make(**given: Any) -> Choice:
    return super(Part, Choice).from_settings({"name": "n", **given}, "metric choice")


finite = st.floats(0, 1)
tables = st.fixed_dictionaries(
    {},
    optional={
        "width": st.integers(1, 1024),
        "rate": finite | st.integers(0, 1),
        "sizes": st.lists(st.integers(1, 64)),
        "by": st.sampled_from(["time", "group"]),
        "how": st.sampled_from(["a", "b"]),
        "cap": st.none() | finite,
        "split": st.fixed_dictionaries({}, optional={"test": st.floats(0, 0.9)}),
    },
)


@given(tables)
def test_a_part_survives_json(given: dict[str, Any]) -> None:
    part = make(**given)
    table = json.loads(json.dumps(part.settings()))
    assert table.pop("use") == f"{__name__}:Choice" and table.pop("revision") == 1
    assert make(**table) == part


@pytest.mark.parametrize(
    ("given", "key", "says"),
    [
        ({"width": 0}, "width", "metric choice.width must lie in 1..1024, got 0"),
        ({"rate": 50}, "rate", "must lie in 0.0..1.0, got 50"),
        ({"rate": float("nan")}, "rate", "got nan"),
        ({"sizes": [4, 65]}, "sizes", "must lie in 1..64, got 65"),
        ({"sizes": 4}, "sizes", "got 4"),
        ({"width": 1.5}, "width", "got 1.5"),
        ({"width": True}, "width", "got True"),
        ({"by": "tim"}, "by", "got 'tim'; did you mean 'time'"),
        ({"how": "c"}, "how", "got 'c'"),
        ({"cap": "high"}, "cap", "got 'high'"),
        ({"cap": 10**400}, "cap", "cap: got 1000"),
        ({"split": "time"}, "split", "split: got 'time'"),
        ({"split": 5}, "split", "split: got 5"),
        ({"split": []}, "split", "split: got []"),
        ({"split": {"test": 2}}, "split.test", "must lie in 0.0..0.9"),
        ({"split": {"tset": 0.1}}, "split.tset", "did you mean 'test'"),
        ({"withd": 3}, "withd", "no setting of metric choice is called 'withd'; did you mean 'width'"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(given: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        make(**given)
    assert says in caught.value.what and caught.value.expected
    assert caught.value.key == key


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(InputError, match="setting 'name' is missing"):
        super(Part, Choice).from_settings({}, "metric choice")


def test_the_schema_tells_type_default_range_and_whether_it_is_required() -> None:
    rows = {row["name"]: row for row in Choice.schema()}
    assert rows["width"] == {
        "name": "width", "type": "int", "default": 64, "required": False, "low": 1, "high": 1024, "log": True,
    }  # fmt: skip
    assert (rows["rate"]["low"], rows["name"]["required"], rows["split"]["default"]) == (0.0, True, {"test": 0.2})
    types = [rows[name]["type"] for name in ("by", "cap", "sizes")]
    assert types == ["Literal['time', 'group']", "float | None", "tuple[int, ...]"]


def test_an_unknown_part_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match="no metric is called 'roc_aux'; did you mean 'roc_auc'") as caught:
        Metric.from_settings({"use": "roc_aux"})
    assert (caught.value.todo, caught.value.key) == ("see them all: aimass parts metric", "use")
    with pytest.raises(InputError, match="no family is called 'metrik'; did you mean 'metric'"):
        table_of("metrik")


def test_a_guest_comes_by_import_path(guest: str) -> None:
    part = Metric.from_settings({"use": guest, "share": 1})
    assert part.settings() == {"use": "how-far-off", "revision": 3, "share": 1.0}
    assert Metric.from_settings(part.settings()) == part
    assert revision_of_source(type(part)) == revision_of_source(type(part)) != "unknown"


def test_a_guest_comes_by_entry_point(guest: str) -> None:
    assert table_of("metric")["how-far-off"] == guest
    assert Metric.from_settings("how-far-off").settings()["use"] == "how-far-off"


def test_what_is_installed_is_only_read_about_for_a_name_that_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: asked.append(group) or [])
    resolve("metric", "accuracy")
    assert asked == []
    with pytest.raises(InputError):
        resolve("metric", "accurately")
    assert asked == ["aimass.metric"]


def test_a_part_has_one_name_however_it_was_resolved_last() -> None:
    csv = Collector.from_settings({"use": "csv", "path": "x"})
    before = csv.settings()
    by_path = Collector.from_settings({"use": "aimass.collect.csv:Csv", "path": "x"})
    assert before == csv.settings() == by_path.settings() and before["use"] == "csv"


def test_a_subclass_of_a_resolved_part_has_a_name_of_its_own() -> None:
    resolve("metric", "f1")

    class Mine(resolve("metric", "f1")):  # type: ignore[misc]
        pass

    assert Mine().settings()["use"].endswith("Mine")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\nclass Off(\n", r"my_broken.*SyntaxError.*line 2"),
        ("x = 1\n\nprint(y)\n", r"my_broken.*NameError: name 'y' is not defined \(.*my_broken\.py, line 3\)"),
        ("from math import cosine\n", r"my_broken.*ImportError.*my_broken\.py, line 1"),
    ],
)
def test_a_module_that_cannot_be_imported_is_said_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    (tmp_path / "my_broken.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match=says):
        resolve("metric", "my_broken:Off")


def test_an_annotation_that_names_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from __future__ import annotations\n" + GUEST.replace("share: float", "share: Flot")
    (tmp_path / "my_typo.py").write_text(text.replace("\nfrom aimass", "from aimass", 1))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError, match=r"my_typo\.Off.*name 'Flot' is not defined"):
        Metric.from_settings("my_typo:Off")


@pytest.mark.parametrize("given", [5, None, [], ["f1"]])
def test_a_part_is_a_name_or_a_table(given: object) -> None:
    with pytest.raises(InputError, match="metric: got") as caught:
        Metric.from_settings(given)
    assert caught.value.expected == "a table"


def test_what_is_no_guest_is_refused(guest: str) -> None:
    with pytest.raises(InputError, match="no object in my_guest is called 'Of'; did you mean 'Off'"):
        resolve("metric", "my_guest:Of")
    with pytest.raises(InputError, match="not a metric"):
        resolve("metric", "my_guest:Alien")
    with pytest.raises(InputError, match="is a metric, not a pass"):
        resolve("pass", guest)
    with pytest.raises(InputError, match="needs my_absent, which is not installed"):
        resolve("metric", "my_absent:Thing")
    with pytest.raises(InputError, match=r"metric ':x'.* cannot be imported"):
        resolve("metric", ":x")
    with pytest.raises(InputError, match="`use` is None"):
        Metric.from_settings({"share": 1})


def test_another_revision_is_not_run_silently(guest: str) -> None:
    with pytest.raises(InputError, match=r"written for revision 2 of my_guest:Off, here is 3"):
        Metric.from_settings({"use": guest, "revision": 2})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_part_of_the_tables_belongs_to_its_family(family: str) -> None:
    for name in table_of(family):
        assert resolve(family, name).family == family
