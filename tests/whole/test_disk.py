"""A disk that is full or cannot be written: said, nothing lost, and with space it goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.whole import tiny
from tests.whole.machine import inside

# A disk of 4 MB.  Each turn: what is done to it, then `aimass run --until prepare`.
FULL = """
import json, subprocess, sys
from pathlib import Path
from tests.whole import tiny
disk, project = Path(sys.argv[1]), sys.argv[2]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
def turn(until):
    done = tiny.aimass("run", project, "--until", until, workspace=disk / "w")
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
def fill(left):
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096): pass
        except OSError: pass
        file.truncate(max(0, file.tell() - left))
turn("collect")
for left in (0, 60_000):
    fill(left)
    turn("prepare")
(disk / "ballast").unlink()
turn("prepare")
look = "import sys; from aimass.runner.workspace import Workspace; print(Workspace(sys.argv[1]).verify())"
subprocess.run([sys.executable, "-c", look, str(disk / "w")], check=True)  # lets go of the disk when it ends
subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
turn("prepare")
subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
turn("prepare")
"""


def test_a_full_or_read_only_disk_is_said_and_with_space_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    project = tiny.write(tmp_path)
    told = [json.loads(line) for line in inside("mount", FULL, tmp_path / "disk", project).splitlines()]
    collected, full, nearly, freed, damaged, read_only, writable = told
    assert collected[0] == 0
    for code, _, err in (full, nearly):
        assert code == 1 and "Traceback" not in err, err
        assert "No space left" in err and "free some space" in err, err
    assert freed[0] == 0 and damaged == []
    assert "= collect" in freed[1]
    assert "reused" not in freed[1].split("prepare")[1]
    assert read_only[0] == 1 and "is read-only" in read_only[2] and "--workspace" in read_only[2]
    assert writable[0] == 0 and writable[1].count("(reused)") == 2


def test_a_workspace_that_this_user_may_not_write_is_said(tmp_path: Path) -> None:
    project, workspace = tiny.write(tmp_path), tmp_path / "w"
    workspace.mkdir(mode=0o555)
    command = tiny.command("run", project, workspace=workspace)
    if os.geteuid() == 0:  # root without the right to do as it likes
        if shutil.which("setpriv") is None:
            pytest.skip("`setpriv` is not installed")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=tiny.ENVIRONMENT, timeout=60)
    assert done.returncode == 1 and "is read-only" in done.stderr and "Traceback" not in done.stderr
    assert "expected: a folder that can be written" in done.stderr and "to do:" in done.stderr
    assert list(workspace.iterdir()) == []
    workspace.chmod(0o755)
    assert tiny.aimass("run", project, "--until", "collect", workspace=workspace).returncode == 0
