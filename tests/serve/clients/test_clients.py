"""The clients that exist talk to our server as they are: each sentence is a call in `calls`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.serve.clients.conftest import PYTHON, Came, calls
from tests.serve.conftest import Running

PAGE = Path(__file__).parents[3] / "docs" / "serve.md"


@pytest.mark.parametrize(("module", "call"), calls(), ids=lambda text: text)
def test_as(module: str, call: str, came: Came) -> None:
    assert (module, call) in came, "it was not made"
    assert not came[module, call], came[module, call]


def test_the_programs_of_the_page_run(server: Running) -> None:
    section = PAGE.read_text().split("## Clients that exist")[1].split("\n## ")[0]
    programs = re.findall(r"```py\n(.*?)```", section, re.DOTALL)
    assert len(programs) == 4
    asking = []
    for program in programs:
        program = program.replace("localhost:8080", f"127.0.0.1:{server.port}")
        command = [str(PYTHON), "-c", program]
        asking.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    for process in asking:
        said, wrong = process.communicate(timeout=120)
        assert process.returncode == 0 and said.strip(), wrong
