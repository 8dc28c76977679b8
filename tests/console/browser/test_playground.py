"""A record goes in and its answer is drawn: bars of classes, what it rests on, words of a text, a picture, a table."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.console.browser.conftest import lacking
from tests.console.browser.looked import clear_to_all
from tests.console.browser.watched import Opening, Watched

HOSTILE = {"age": 40, "plan": "<img src=x onerror=alert(1)>", "spend": 1, "joined": None}
CODE: dict[str, tuple[Sequence[str], Callable[[str], Any]]] = {  # how it is run, and how one reads what it prints
    "curl": (("sh", "-c"), json.loads),
    "Python": (("python3", "-c"), ast.literal_eval),
}


def test_a_record_is_one_click_from_its_answer_and_why(opened: Opening) -> None:
    watched = opened()
    watched.open("/playground/customers?explain=200")
    watched.heading("Playground")
    page = watched.page
    watched.click("button", "Send record")
    page.get_by_text("answered in").wait_for()
    page.get_by_role("heading", name="What it rests on").wait_for()
    assert watched.clicks == 1
    assert page.get_by_role("region", name="Probabilities").inner_text().startswith("leaves")
    assert page.get_by_text("plan = basic").is_visible()
    clear_to_all(watched, "playground-answer")


def test_what_is_wrong_is_said_at_its_field(opened: Opening) -> None:
    watched = opened()
    watched.open("/playground/customers")
    page = watched.page
    page.get_by_role("textbox", name="age").fill("forty")
    watched.click("button", "Send record")
    page.get_by_text("expected: a number").wait_for()
    page.get_by_role("textbox", name="age").fill("")
    watched.click("button", "Send record")
    page.get_by_text("answered in").wait_for()  # not known is an answer, too
    assert page.get_by_text("expected: a number").count() == 0


def test_a_text_is_drawn_word_by_word_and_a_picture_with_what_it_shows(opened: Opening) -> None:
    watched = opened()
    page = watched.page
    watched.open("/playground/reviews?explain=200")
    watched.click("button", "Send record")
    page.get_by_text("review, word by word").wait_for()
    assert page.locator(".token.for", has_text="broken").is_visible()
    clear_to_all(watched, "playground-text")
    watched.open("/playground/clothes?explain=200")
    page.get_by_alt_text("image as it is sent").wait_for()
    watched.click("button", "Send record")
    page.get_by_alt_text("what speaks for shirt").wait_for()
    clear_to_all(watched, "playground-picture")
    watched.click("tab", "curl")
    assert '"overlay":true' in page.locator("pre.code").inner_text(), "what was drawn was asked for in what is shown"


SENT = {  # where, and what: the example that stands there, or these records
    "words that a shell would read": ("customers?version=2", [{**HOSTILE, "plan": 'it\'s $HOME `id` \\ "x"\n;'}]),
    "a long body": ("customers?version=2", [{**HOSTILE, "age": age} for age in range(30)]),
    "a picture": ("clothes", []),
}


@pytest.mark.parametrize("what", SENT)
def test_the_request_as_code_gives_the_same_answer(opened: Opening, tmp_path: Path, what: str) -> None:
    if not shutil.which("curl"):
        lacking("no curl is installed: apt-get install curl")
    path, rows = SENT[what]
    watched = opened()
    page = watched.page
    watched.open(f"/playground/{path}")
    if rows:
        watched.click("button", "As JSON")
        page.get_by_label("Records as JSON").fill(json.dumps(rows))
    watched.click("button", "Send record")
    page.get_by_text("answered in").wait_for()
    answered = json.loads(shown(watched, "JSON"))["predictions"]
    for tab in CODE:
        assert carried_out(watched, tab, tmp_path) == answered, tab
    assert (tmp_path / "request.json").exists() == (what == "a long body")


def shown(watched: Watched, tab: str) -> str:
    """What stands in TAB."""
    watched.click("tab", tab)
    return str(watched.page.locator("pre.code").inner_text())


def carried_out(watched: Watched, tab: str, folder: Path) -> Any:
    """What is predicted for who copies the code of TAB and runs it in FOLDER, with the file that it asks for."""
    program, read = CODE[tab]
    code = shown(watched, tab)
    if "request.json" in code:
        with watched.page.expect_download() as going:
            watched.click("button", "request.json")
        going.value.save_as(folder / "request.json")
    said = subprocess.run([*program, code], capture_output=True, text=True, timeout=60, cwd=folder)
    assert said.returncode == 0, said.stderr
    return read(said.stdout)["predictions"]


def test_several_records_are_a_table(opened: Opening) -> None:
    watched = opened()
    page = watched.page
    watched.open("/playground/customers")
    watched.click("button", "As JSON")
    rows = [{**HOSTILE, "age": age} for age in range(30)]
    page.get_by_label("Records as JSON").fill(json.dumps(rows))
    watched.click("button", "Send records")
    page.get_by_text("30 answers").wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert page.get_by_label("Answers, row by row").locator("tbody tr").count() == 30
