"""One finished workspace for every test that only looks, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimass.cli.main import main
from tests.whole import tiny

Say = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Finished:
    """A project that was run twice: what was printed, and what `--json` holds."""

    project: Path
    workspace: Path
    printed: str
    out: dict[str, Any]
    printed_again: str
    out_again: dict[str, Any]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """`aimass run aimass.toml --json out.json`, twice."""
    folder = tmp_path_factory.mktemp("finished")
    project, workspace = tiny.write(folder), folder / "w"
    printed, outs = [], []
    for name in ("first.json", "second.json"):
        done = tiny.aimass("run", project, "--json", folder / name, workspace=workspace)
        assert done.returncode == 0, done.stderr
        printed.append(done.stdout)
        outs.append(json.loads((folder / name).read_text()))
    return Finished(project, workspace, printed[0], outs[0], printed[1], outs[1])


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line in a workspace: exit code, output, errors."""

    def said(workspace: Path, *words: str | Path) -> tuple[int, str, str]:
        try:
            main(["-w", str(workspace), *map(str, words)])
            code = 0
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return said
