"""However a release is published, it gets a number and an alias, and never before it could be served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import aimass
from aimass.cli.main import cli
from aimass.core.errors import AimassError, InputError
from aimass.project.file import load
from aimass.project.run import Run
from aimass.project.steps import run_steps
from aimass.publish.registry import find_release

STEPS = """
name = "by-hand"

[steps.out]
do = "publish"
model = "{model}"
ledger = "{ledger}"
name = "flights"
"""
PROJECT = """
name = "flights"
collect = { use = "csv", path = "rows.csv" }
goal = { target = "y" }
"""


def with_python(workspace, model, ledger, alias: str = "champion") -> str:
    aimass.publish(model, ledger, name="flights", alias=alias, workspace=workspace)
    return ""


def with_the_command(workspace, model, ledger, alias: str = "champion") -> str:
    words = ["publish", model.digest, ledger.digest, "--name", "flights", "--alias", alias]
    done = CliRunner().invoke(cli, ["-w", str(workspace.folder), *words])
    assert done.exit_code == 0, done.output
    return done.output


def with_steps(workspace, model, ledger, alias: str = "champion") -> str:
    path = workspace.folder.parent / "aimass.toml"
    path.write_text(STEPS.format(model=model.digest, ledger=ledger.digest) + f'alias = "{alias}"\n')
    run_steps(load(path), workspace)
    return ""


WAYS: list[Callable[..., str]] = [with_python, with_the_command, with_steps]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_publish_gives_a_number_and_moves_the_alias(way, workspace, model, ledger_for) -> None:
    way(workspace, model, ledger_for(model.digest))
    release, number = find_release(workspace, "flights")
    assert number == 1 and release.read_json("release.json")["model"] == model.digest
    way(workspace, model, ledger_for(model.digest), "canary")
    assert find_release(workspace, "flights@canary")[0].digest == release.digest
    assert [row["number"] for row in workspace.versions("flights")] == [1]


def test_the_command_says_which_version_it_made(workspace, model, ledger_for) -> None:
    assert "version flights@1, alias flights@champion" in with_the_command(workspace, model, ledger_for(model.digest))


def test_an_alias_that_cannot_be_one_is_refused_before_anything_is_made(workspace, model, ledger_for) -> None:
    with pytest.raises(InputError, match="reads like a version"):
        with_python(workspace, model, ledger_for(model.digest), "7")
    assert workspace.find("release") == [] and workspace.versions() == []


def test_a_release_that_cannot_answer_gets_no_number_and_the_champion_stays(
    workspace, model, ledger_for, tmp_path: Path
) -> None:
    (tmp_path / "aimass.toml").write_text(PROJECT)
    run = Run(load(tmp_path / "aimass.toml"), workspace, print)
    run.outcome.ledger = {"pick": {"model": model.digest}}
    with pytest.raises(AimassError):
        run.publish(ledger_for(model.digest))  # its model.onnx is no model: the endpoint does not start
    assert len(workspace.find("release")) == 1
    assert workspace.versions() == [] and workspace.find_name("flights@champion") is None
