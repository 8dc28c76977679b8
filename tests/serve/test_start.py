"""A start waits for what answers requests and for nothing else."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from aimass import __version__

LOADED = """
import sys
from pathlib import Path
import aimass.serve.__main__, aimass.serve.server as server
server.App([server.load(server.Wanted(Path(sys.argv[1]), "m"))])
print(*sys.modules)
"""
LISTENS = """
import gc, os, signal, sys
import aimass.serve.__main__ as server

def said(where):
    print(gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))
    os.kill(os.getpid(), signal.SIGTERM)

server.said = said
sys.exit(server.main([sys.argv[1], "--name", "m"]))
"""


def told(code: str, folder: Path) -> str:
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def imported(folder: Path) -> set[str]:
    """The modules of a process that has loaded a model and is about to listen."""
    return set(told(LOADED, folder).split())


def test_a_server_loads_only_what_it_answers_with(imported: set[str]) -> None:
    assert not imported & {"torch", "pyarrow", "google.protobuf", "hpack", "grpc", "deltalake", "sqlalchemy"}


def test_what_few_ask_for_is_loaded_when_it_is_asked_for(imported: set[str]) -> None:
    later = ["docs", "observe.exposition", "observe.traces", "probation", "grpc.calls", "http2.connection",
             "explaining.explanations", "explaining.beside", "explaining.pool"]  # fmt: skip
    places = [f"aimass.serve.{name}" for name in later]
    assert all(find_spec(place) for place in places)
    assert not imported & {*places, "importlib.metadata", "zipfile", "tomllib", "html", "multiprocessing"}


def test_a_start_loads_few_modules(imported: set[str]) -> None:
    assert sum(name.partition(".")[0] == "aimass" for name in imported) <= 120
    assert len(imported) <= 440


def test_what_a_start_made_is_never_collected_and_what_comes_after_it_is(folder: Path) -> None:
    assert told(LISTENS, folder) == "True True\n"


def test_a_server_tells_the_version_that_is_installed() -> None:
    assert version("aimass") == __version__
