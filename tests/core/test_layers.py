"""Imports look up the order in which data flows; whoever breaks a layer reads it here."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import aimass
from aimass.core.stages import ORDER

ROOT = Path(aimass.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))


def layer(module: str) -> int:
    return ORDER.index(module.split(".")[1] if "." in module else "__init__")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules that TREE imports; `from aimass import __version__` needs nothing but the package itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if [alias.name for alias in node.names] != ["__version__"]:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_imports_only_what_stands_above_it(path: Path) -> None:
    me, text = name_of(path), path.read_text(encoding="utf-8")
    found = list(imports(ast.parse(text)))
    assert [m for m in found if m.startswith("aimass.") and layer(m) > layer(me)] == []
    outside = {m.split(".")[0] for m in found} - {"aimass"}
    if me.startswith("aimass.core"):
        assert outside <= sys.stdlib_module_names
    if layer(me) < ORDER.index("models"):
        assert "torch" not in outside
    assert len(text.splitlines()) <= 265, "when a file wants a second heading, it wants a second file"


def test_no_ring_of_imports_can_form() -> None:
    names, above = {name_of(path) for path in FILES}, {}
    for path in FILES:
        top = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if not isinstance(node, ast.If)]
        top = [node for node in top if isinstance(node, ast.Import | ast.ImportFrom)]
        found = [m for node in top for m in imports(node)]
        above[name_of(path)] = {m if m in names else m.rpartition(".")[0] for m in found if m.startswith("aimass.")}
    list(TopologicalSorter(above).static_order())  # raises CycleError


def test_core_stays_small() -> None:
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "core").glob("*.py")) < 800
