"""A folder as a reader of the docs has it: some customers, a project file, and a finished run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

PROJECT = """
name = "customers"

[collect]
use  = "csv"
path = "customers.csv"

[goal]
target  = "churned"
p99_ms  = 1000.0
clients = 2

[search]
models = ["linear"]
passes = []
"""


def customers(path: Path, rows: int = 300) -> None:
    random = np.random.default_rng(0)
    age, spend = random.integers(18, 80, rows), random.gamma(2.0, 20.0, rows)
    churned = np.where(spend + random.normal(0, 10, rows) < 35, "yes", "no")
    plan = random.choice(["basic", "plus", "pro"], rows)
    lines = [f"{a},{p},2024-{1 + i % 12:02}-{1 + i % 28:02},{s:.2f},{c}" for i, (a, p, s, c) in
             enumerate(zip(age, plan, spend, churned, strict=True))]  # fmt: skip
    path.write_text("\n".join(["age,plan,joined,spend,churned", *lines]) + "\n")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `aimass run` has published customers@1."""
    from aimass.cli.main import cli

    folder = tmp_path_factory.mktemp("reader")
    customers(folder / "customers.csv")
    (folder / "aimass.toml").write_text(PROJECT)
    done = CliRunner().invoke(cli, ["-w", str(folder / ".aimass"), "run", str(folder / "aimass.toml")])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def desk(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """A copy of that folder to work in."""

    def sit() -> Path:
        folder = tmp_path / "desk"
        shutil.copytree(finished, folder)
        monkeypatch.chdir(folder)
        monkeypatch.syspath_prepend(str(folder))
        return folder

    return sit
