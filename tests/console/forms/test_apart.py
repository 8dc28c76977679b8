"""The process that knows steps: it answers, it is ended when it does not, and when nobody asks."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path

import pytest

from aimass.console.forms.apart import Apart
from aimass.console.refusals import Refusal
from aimass.console.turn import Turn
from aimass.core.errors import InputError, StoreError

STEP = '''
import time
from aimass.core.artifact import Report
from aimass.core.step import Context, step

print("what a module says is no answer")

@step
def {name}(ctx: Context, *, rows: int = 3) -> Report:
    """Nothing."""
'''


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return tmp_path


@pytest.fixture
def apart() -> Iterator[Apart]:
    made = Apart()
    yield made
    made.close()


def test_it_answers_and_says_what_is_wrong_in_our_words(apart: Apart, modules: Path) -> None:
    (modules / "my_steps.py").write_text(STEP.format(name="count"))
    form = apart.form("my_steps:count")
    assert form["fields"] == [{"name": "rows", "kind": "integer", "required": False, "default": 3, "help": ""}]
    with pytest.raises(InputError, match="no object in my_steps is called 'cuont'"):
        apart.form("my_steps:cuont")
    assert apart.form("my_steps:count") == form


def test_one_that_hangs_or_dies_is_ended_and_the_next_question_is_answered(apart: Apart, modules: Path) -> None:
    (modules / "my_sleep.py").write_text("import time\ntime.sleep(600)\n")
    (modules / "my_death.py").write_text("import os\nos._exit(9)\n")
    (modules / "my_steps.py").write_text(STEP.format(name="count"))
    assert apart.form("my_steps:count")["gives"] == "report"
    first = apart.process
    apart.patience = 0.5
    with pytest.raises(StoreError, match="said nothing for"):
        apart.form("my_sleep:x")
    assert first is not None and first.poll() is not None and apart.process is None
    apart.patience = 60.0
    with pytest.raises(StoreError, match="it has ended"):
        apart.form("my_death:x")
    assert apart.form("my_steps:count")["gives"] == "report"


def test_one_that_hangs_holds_no_more_than_a_few_threads(apart: Apart, modules: Path) -> None:
    (modules / "my_wait.py").write_text(f"open({str(modules / 'gate')!r}).read()\n" + STEP.format(name="count"))
    os.mkfifo(modules / "gate")
    apart.turn = Turn("others are asking", waiting=2, seconds=100.0)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(apart.form, "my_wait:count") for _ in range(8)]
        for one in islice(as_completed(asked), 5):  # while it hangs
            told = one.exception()
            assert isinstance(told, Refusal) and (told.status, told.headers) == (503, {"retry-after": "5"})
        (modules / "gate").write_text("")
        done = [one.result()["gives"] for one in asked if one.exception() is None]
    assert done == ["report"] * 3


def test_one_that_does_not_read_takes_no_longer_than_one_that_does_not_answer(
    apart: Apart, modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (modules / "sitecustomize.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr(sys, "path", [str(modules), *sys.path])
    apart.patience = 0.5
    with pytest.raises(StoreError, match="said nothing for"):
        apart.check({"note": "x" * (1 << 20)})
    assert apart.process is None


def test_it_ends_when_nobody_asks(modules: Path) -> None:
    (modules / "my_steps.py").write_text(STEP.format(name="count"))
    apart, ended = Apart(idle=0.05), threading.Event()
    close = apart.close
    apart.close = lambda: (close(), ended.set())  # type: ignore[method-assign,func-returns-value,assignment]
    apart.form("my_steps:count")
    assert ended.wait(20) and apart.process is None
