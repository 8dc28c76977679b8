"""A lost password is replaced from the machine of the workspace, and everybody can see that it was."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.console.conftest import PASSWORD, Guest

from aimass.cli.main import main
from aimass.console.access import audit
from aimass.store.catalog import Catalog

Written = Callable[[str, str], int]
NEW = "several words are good"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """What comes of `aimass password NAME` with a LINE in stdin."""

    def wrote(name: str, line: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(line))
        try:
            main(["-w", str(tmp_path / "space"), "password", name])
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return wrote


def sign_in(app: FastAPI, password: str) -> int:
    return TestClient(app).post("/api/v1/session", json={"name": "ada", "password": password}).status_code


def test_the_only_admin_comes_in_again_and_sessions_there_were_have_ended(
    app: FastAPI, admin: TestClient, catalog: Catalog, written: Written
) -> None:
    assert written("ada", f"{NEW}\n") == 0
    assert admin.get("/api/v1/me").status_code == 401
    assert (sign_in(app, PASSWORD), sign_in(app, NEW)) == (401, 200)
    told = audit.entries(catalog, what="users.password", limit=1)[0]
    assert (told["who"], told["subject"]) == ("command line", "ada") and NEW not in str(told)


def test_who_is_disabled_stays_so(
    admin: TestClient, guest: Guest, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    guest("viewer", "eve")
    assert admin.patch("/api/v1/users/eve", json={"disabled": True}).status_code == 200
    assert written("eve", NEW) == 0
    assert "eve is disabled all the same" in capsys.readouterr().out


def test_a_person_writes_it_twice_and_unseen(
    app: FastAPI, admin: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, terminal = os.openpty()
    monkeypatch.setattr("sys.stdin", os.fdopen(terminal))
    said = iter([NEW, NEW])
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda prompt: next(said))
    main(["-w", str(tmp_path / "space"), "password", "ada"])
    os.close(keeper)
    assert sign_in(app, NEW) == 200 and not list(said)


@pytest.mark.parametrize(("name", "line", "said"), [
    ("adda", NEW, "did you mean 'ada'"),
    ("ada", "short", "the password is too short"), ("ada", "", "no password in stdin"),
])  # fmt: skip
def test_what_is_no_user_or_no_password_changes_nothing(
    app: FastAPI,
    admin: TestClient,
    written: Written,
    capsys: pytest.CaptureFixture[str],
    name: str,
    line: str,
    said: str,
) -> None:
    assert written(name, line) == 2
    assert said in capsys.readouterr().err
    assert admin.get("/api/v1/me").status_code == 200 and sign_in(app, PASSWORD) == 200
