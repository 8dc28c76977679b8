"""A server with the models that clients' examples ask for, and what came of their calls.

The clients want protobuf 6 where we have 7, and do not bear one another, so they stand in an environment of their own
beside ours (`make .venv/clients.installed`), and each asks from a process of its own.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.serve.clients.models import write_echo, write_numbers, write_table, write_texts
from tests.serve.conftest import Running, serving

HERE = Path(__file__).parent
PYTHON = Path(sys.prefix, "clients", "bin", "python")
TOGETHER = (  # modules of `calls` whose clients can be imported in one process
    ("tritonclient_http", "tritonclient_http_aio", "tritonclient_grpc", "tritonclient_grpc_aio"),
    ("kserve_rest", "kserve_grpc"),
    ("mlserver_codecs",),
)
Came = dict[tuple[str, str], str]


def calls() -> list[tuple[str, str]]:
    """Modules and the calls in them, read without their imports."""
    found = []
    for module in (module for modules in TOGETHER for module in modules):
        parts = ast.parse((HERE / "calls" / f"{module}.py").read_text()).body
        names = [part.name for part in parts if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
        found += [(module, name) for name in names if name[0] != "_"]
    return found


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository."""
    root = tmp_path_factory.mktemp("clients")
    for name in ("simple", "spare_http", "spare_grpc"):
        write_numbers(root / name / "1")
    write_numbers(root / "half" / "1", "float16")
    write_texts(root / "simple_string" / "1")
    write_echo(root / "simple_identity" / "1")
    write_table(root / "table" / "1")
    return root


@pytest.fixture(scope="session")
def server(shelf: Path) -> Iterator[Running]:
    with serving("--repository", str(shelf)) as found:
        yield found


@pytest.fixture(scope="session")
def came(server: Running) -> Came:
    """What went wrong with each call; nothing when nothing did.  The processes ask at the same time."""
    assert PYTHON.exists(), f"the clients are not installed at {PYTHON.parents[1]}: make .venv/clients.installed"
    found: Came = {}
    with ExitStack() as stack:
        asking = []
        for modules in TOGETHER:
            command = [str(PYTHON), str(HERE / "calls" / "run.py"), f"127.0.0.1:{server.port}", *modules]
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={"PATH": ""})
            stack.callback(process.wait)
            stack.callback(process.kill)
            asking.append(process)
        for process in asking:
            said, wrong = process.communicate(timeout=120)
            assert process.returncode == 0, wrong
            for line in said.splitlines():
                came = json.loads(line)
                found[came["module"], came["call"]] = came["failed"]
    return found
