"""Logs of several places as one stream: whole, in order, whichever way it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.console.logs import file, stream
from aimass.console.logs.file import FileLog
from aimass.console.logs.line import ERROR, Line, Log, Wanted, level_of
from aimass.console.logs.stamp import Stamped
from aimass.core.errors import InputError
from aimass.core.task import Task
from aimass.runner.workspace import Workspace

ALL = Wanted()


def stamp(second: int) -> str:
    return f"2026-11-22T02:{second // 60:02}:{second % 60:02}.000Z"


def write(path: Path, lines: dict[int, str]) -> FileLog:
    path.write_text("".join(f"{stamp(at)} {text}\n" for at, text in lines.items()))
    return FileLog(path.stem, path)


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def forwards(logs: list[Log], limit: int, wanted: Wanted = ALL) -> list[str]:
    places: stream.Places = {}
    found: list[str] = []
    while True:
        page = stream.newer(logs, places, limit, wanted)
        assert len(page.lines) <= limit
        found += texts(page.lines)
        if page.newer == places or page.newer is None:
            return found
        places = stream.read(stream.written(page.newer) or "")


def backwards(logs: list[Log], limit: int, wanted: Wanted = ALL) -> list[str]:
    page = stream.latest(logs, limit, wanted)
    found = texts(page.lines)
    while page.older is not None:
        page = stream.older(logs, page.older, limit, wanted)
        found = [*texts(page.lines), *found]
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abc"), st.booleans()), max_size=60),
    st.integers(1, 7),
    st.sampled_from([8, 40, 1 << 18]),
)
def test_both_ways_give_every_line_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[int, str, bool]], limit: int, block: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    lines = [(at, key, f"{key}{number} {'failed' if bad else 'went on'}") for number, (at, key, bad) in enumerate(said)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "BLOCK", block * 10)
        logs: list[Log] = []
        for key in "abc":
            mine = sorted((at, text) for at, whose, text in lines if whose == key)
            (folder / f"{key}.log").write_text("".join(f"{stamp(at)} {text}\n" for at, text in mine))
            logs.append(FileLog(key, folder / f"{key}.log"))
        for wanted in (ALL, Wanted(level=ERROR), Wanted(text="A1")):
            whole = forwards(logs, 1000, wanted)
            assert sorted(whole) == sorted(text for _, _, text in lines if _fits(text, wanted))
            assert forwards(logs, limit, wanted) == whole
            assert backwards(logs, limit, wanted) == whole


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, 50)), max_size=40),
    st.integers(1, 7),
    st.sampled_from([80, 300, 1 << 18]),
)
def test_no_line_is_lost_or_doubled_where_times_are_missing_or_go_back(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, int | None]], limit: int, block: int
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    mine = {key: [f"{key}{i}" for i, (whose, _) in enumerate(said) if whose == key] for key in "ab"}
    for key in "ab":
        raws = [
            f"{'' if at is None else f'{stamp(at)} '}{key}{i}" for i, (whose, at) in enumerate(said) if whose == key
        ]
        (folder / f"{key}.log").write_text("".join(f"{raw}\n" for raw in raws))
    logs: list[Log] = [FileLog(key, folder / f"{key}.log") for key in "ab"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "BLOCK", block)
        for found in (forwards(logs, limit), backwards(logs, limit)):
            assert {key: [text for text in found if text[0] == key] for key in "ab"} == mine


def test_lines_at_the_begin_of_a_block_have_the_time_of_the_line_above(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(f"{stamp(7)} begun\n" + "".join(f"  line {i}\n" for i in range(40)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file, "BLOCK", 420)
        found = FileLog("x", path).before(1 << 40, 100, ALL).lines
    assert len(found) == 41 and {line.time for line in found} == {f"{stamp(7)[:-1]}+00:00"}


def test_a_word_is_found_as_it_stands_there_in_any_language(tmp_path: Path) -> None:
    log = write(tmp_path / "x.log", {1: "Über 3 ROWS", 2: "unter 3 rows"})
    assert texts(log.after(0, 9, Wanted("Über 3 rows")).lines) == ["Über 3 ROWS"]


def test_a_file_that_is_emptied_while_it_is_read_ends_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "x.log", {1: "one"})
    monkeypatch.setattr(FileLog, "end", lambda self: 1000)
    assert texts(log.after(0, 9, Wanted("nothing")).lines) == []


def _fits(text: str, wanted: Wanted) -> bool:
    return wanted.text.lower() in text and wanted.level_fits(level_of(text))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path / "space")
    yield workspace
    workspace.catalog.engine.dispose()


def test_processes_jobs_and_runs_are_one_stream(space: Workspace) -> None:
    (space.folder / "up").mkdir()
    (space.folder / "jobs" / "3").mkdir(parents=True)
    write(space.folder / "up" / "console.log", {1: "console begins", 9: "ValueError: nothing"})
    write(space.folder / "up" / "jobs-1.log", {5: "worker looks"})
    write(space.folder / "jobs" / "3" / "log.txt", {7: "job says"})
    run = space.catalog.start_run(Task("train", 1, {}, {}))
    space.catalog.add_log(run, "epoch 1")
    page = stream.latest(stream.logs_of(space), 10, ALL)
    told = [(line.key, line.text, line.level, line.run) for line in page.lines]
    assert told == [
        ("console", "console begins", "info", None),
        ("jobs-1", "worker looks", "info", None),
        ("job-3", "job says", "info", None),
        ("console", "ValueError: nothing", "error", None),
        ("runs", "epoch 1", "info", 1),
    ]
    assert [log.key for log in stream.logs_of(space, ["workers", "jobs"])] == ["jobs-1", "job-3"]


def test_a_line_is_found_again_with_those_around_it(space: Workspace) -> None:
    (space.folder / "up").mkdir()
    write(space.folder / "up" / "console.log", {at: f"c{at}" for at in range(0, 100, 2)})
    write(space.folder / "up" / "up.log", {at: f"u{at}" for at in range(1, 100, 2)})
    logs = stream.logs_of(space)
    line = next(line for line in stream.latest(logs, 1000, ALL).lines if line.text == "c50")
    page = stream.around(logs, line.key, line.at, 6, ALL)
    assert texts(page.lines) == ["u47", "c48", "u49", "c50", "u51", "c52"]
    assert page.older and texts(stream.older(logs, page.older, 2, ALL).lines) == ["u45", "c46"]
    assert page.newer and texts(stream.newer(logs, page.newer, 2, ALL).lines) == ["u53", "c54"]
    with pytest.raises(InputError, match="no line console:3"):
        stream.around(logs, "console", 3, 6, ALL)


def test_what_is_said_meanwhile_is_read_once_also_in_a_file_that_began_anew(space: Workspace) -> None:
    (space.folder / "up").mkdir()
    path = space.folder / "up" / "console.log"
    write(path, {1: "one"})
    page = stream.latest(stream.logs_of(space), 10, ALL)
    with path.open("a") as log:
        log.write(f"{stamp(2)} two\n{stamp(3)} half a li")
    page = stream.newer(stream.logs_of(space), page.newer or {}, 10, ALL)
    assert texts(page.lines) == ["two"]
    with path.open("a") as log:
        log.write("ne\n")
    page = stream.newer(stream.logs_of(space), page.newer or {}, 10, ALL)
    assert texts(page.lines) == ["half a line"]
    write(path, {4: "anew"})
    assert texts(stream.newer(stream.logs_of(space), page.newer or {}, 10, ALL).lines) == ["anew"]


def test_lines_without_a_time_have_that_of_the_line_before_and_no_control_letters(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"2026-11-22T02:00:01.000Z begun\n  File \x1b[31mred\x1b[0m\x07\n\xff\xfe\n" + b"y" * 9000 + b"\n")
    found = FileLog("x", path).before(1 << 40, 10, ALL).lines
    assert {line.time for line in found} == {"2026-11-22T02:00:01.000+00:00"}
    assert texts(found)[1:3] == ["  File red", "\ufffd\ufffd"] and len(found[3].text) == 4000


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(["failed", "Step 1", "step 2", ""])), max_size=30),
    st.integers(1, 5),
    st.sampled_from(["", "STEP", "step 2", "00:00:0", "1\n"]),
)
def test_lines_and_their_times_are_the_same_from_either_end(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[bool, str]], limit: int, text: str
) -> None:
    path = tmp_path_factory.mktemp("logs") / "x.log"
    whole, time = [], "2026-11-22T00:00:00.000"
    raws = [f"{time}Z begun"]
    for second, (dated, words) in enumerate(said):
        time = stamp(second)[:-1] if dated else time
        raws.append(f"{time}Z {words}" if dated else words)
        whole.append((time, words, raws[-1]))
    path.write_text("".join(f"{raw}\n" for raw in raws))
    whole.insert(0, ("2026-11-22T00:00:00.000", "begun", raws[0]))
    wanted = [(f"{when}+00:00", words) for when, words, raw in whole if text.lower() in raw.lower()]
    log = FileLog("x", path)
    first, last = log.after(0, limit, Wanted(text)).lines, log.before(log.end(), limit, Wanted(text)).lines
    assert [(line.time, line.text) for line in first] == wanted[:limit]
    assert [(line.time, line.text) for line in last] == wanted[-limit:]


def test_what_a_process_prints_has_its_time_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "said.log"
    with path.open("wb") as log:
        said = Stamped(log.fileno())
        print("one\ntwo", file=said)
        said.write("half ")
        said.write("a line ü\n")
    found = FileLog("said", path).after(0, 10, ALL).lines
    assert texts(found) == ["one", "two", "half a line ü"]
    assert all(line.time[10] == "T" for line in found)


@pytest.mark.parametrize(
    "cursor", ["x", "e30x", "bnVsbA", "eyJhIjotMX0", "eyJhIjo5OTk5OTk5OTk5OTk5OTk5OTk5OTk5fQ", "A"]
)
def test_a_cursor_of_somebody_else_is_refused(cursor: str) -> None:
    with pytest.raises(InputError, match="cursor is none of ours"):
        stream.read(cursor)
