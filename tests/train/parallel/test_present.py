"""A process that torchrun made a rank is one of ours, and does what ours do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from aimass.train.parallel.present import of_torchrun, present
from tests.train.by_hand import FakeContext
from tests.train.parallel.test_placement import mean_loss_gradients

SCRIPT = Path(__file__).with_name("launched.py")


def test_ranks_of_torchrun_find_what_one_process_finds(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(SCRIPT)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, str(tmp_path)], env=environment, check=True, timeout=120)
    answers = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert [answer["world"] for answer in answers] == [2, 2]
    assert [answer["told"] for answer in answers] == [[0, "x"]] * 2
    assert [answer["reports"] for answer in answers] == [[{"at": 1.0, "loss": 0.5}], []]
    for answer in answers:
        np.testing.assert_allclose(answer["gradients"], mean_loss_gradients([]), rtol=1e-4, atol=1e-6)


def test_a_process_without_torchruns_variables_is_no_rank(tmp_path: Path) -> None:
    with present(FakeContext(tmp_path / "out", tmp_path / "resume")) as rank:
        assert rank is None


def test_torchruns_variables_are_rank_and_place() -> None:
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    found = of_torchrun({**dict(zip(names, "5812", strict=True)), "MASTER_ADDR": "10.0.0.1"})
    assert found is not None
    rank, host = found
    assert (rank.rank, rank.world, rank.local, rank.peers, host) == (5, 8, 1, 2, "10.0.0.1")
