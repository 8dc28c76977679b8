"""The pages tell the truth: every example runs, every command, part and setting is told of, every link leads on."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from aimass.cli.main import cli
from aimass.core.part import resolve, table_of
from aimass.core.stages import INSIDE, STAGES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
FAMILIES = [(s.folder.rpartition(".")[2], s.family) for s in (*STAGES, *INSIDE) if s.family]
PARTS = [(page, family, name) for page, family in FAMILIES for name in table_of(family)]
BASE = {"collect": {"use": "csv", "path": "customers.csv"}, "goal": {"target": "churned"}}


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: p.name)
def test_every_example_of_a_page_runs_in_order(page: Path, desk: Callable[[], Path]) -> None:
    folder = desk()
    names: dict[str, object] = {"__name__": "__main__"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, f"{page.name}", "exec", dont_inherit=True), names)
        elif language == "toml":
            check_toml(text, folder)
        elif language == "console":
            for line in text.splitlines():
                if line.startswith("$ aimass "):
                    type_in(line[2:])


def type_in(line: str) -> None:
    command = shlex.split(line, comments=True)[1:]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"


def check_toml(text: str, folder: Path) -> None:
    """A fragment of a project file holds together with the tables that it leaves out."""
    from aimass.project.file import load
    from aimass.project.run import Run
    from aimass.project.steps import order

    tables = tomllib.loads(text)
    missing = "" if "steps" in tables else "".join(
        f"\n[{name}]\n" + "\n".join(f'{k} = "{v}"' for k, v in table.items()) + "\n"
        for name, table in BASE.items() if name not in tables
    )  # fmt: skip
    (folder / "fragment.toml").write_text(text + missing)
    project = load(folder / "fragment.toml")
    if "steps" in tables:
        order(project, project.tables["steps"])
    else:
        Run(project, None, print).plan()  # type: ignore[arg-type]


@pytest.mark.parametrize(("page", "family", "name"), PARTS, ids=lambda v: v)
def test_every_part_and_every_setting_of_it_stands_on_its_familys_page(page: str, family: str, name: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert f"`{name}`" in text
    lacking = [row["name"] for row in resolve(family, name).schema() if f"`{row['name']}`" not in text]
    assert not lacking


@pytest.mark.parametrize("command", sorted(cli.list_commands(None)))  # type: ignore[arg-type]
def test_every_command_is_told_of(command: str) -> None:
    assert any(f"aimass {command}" in page.read_text(encoding="utf-8") for page in PAGES)


@pytest.mark.parametrize("stage", [s.folder for s in STAGES])
def test_every_stage_has_a_page_that_the_readme_leads_to(stage: str) -> None:
    assert f"docs/{stage}.md" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken
