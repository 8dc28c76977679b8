"""The recipe on several workers: the same rows in the same order, the same gradients, and advice they agree on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from aimass.core.errors import InputError, Stopped
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train.order import order
from aimass.train.step import train
from tests.train.fit_child import USUAL, data, module

ROOT = Path(__file__).parents[2]
LAYERS = Architecture.from_settings({"use": "mlp", "width": 8, "norm": "layer", "dropout": 0.0})
SETTINGS = {"use": "gradient", "epochs": 3, "batch": 40, "threads": 1, "clip": 0.0, "learning_rate": 0.01}


def recipe(**given: Any):
    return resolve("recipe", "gradient").from_settings({**SETTINGS, **given})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def test_two_workers_learn_what_one_learns(make_examples, context) -> None:
    examples = make_examples("binary", "categories")  # numbers would be normed over each worker's half of a batch
    found = []
    for workers in (1, 2):
        made = context(f"of-{workers}", workers=workers)
        train.body(made, examples, model=LAYERS, recipe=recipe())
        found.append(weights(made.folder))
    for name, value in found[0].items():  # the same sums in another order
        torch.testing.assert_close(value, found[1][name], rtol=1e-3, atol=1e-4, msg=name)


def test_workers_come_and_go_and_no_row_is_lost_or_seen_twice(make_examples, context, tmp_path: Path) -> None:
    """1 -> 2 -> 1 workers: every epoch has each row once, in the order that a single worker would give it."""
    examples, seen = make_examples("binary", "numbers", rows=(400, 50, 10)), tmp_path / "seen"
    seen.mkdir()
    learner = recipe(epochs=9, patience=9, augment=[{"use": "tests.train.recorded:Recorded", "folder": str(seen)}])
    epochs: dict[int, list[int]] = {}
    for number, workers in enumerate((1, 2, 1)):
        made = context(f"part-{number}", resume="shared", workers=workers)
        if number < 2:
            made.on_report = stop_once_after(made, 3 * number + 1)
            with pytest.raises(Stopped):
                train.body(made, examples, model=LAYERS, recipe=learner)
        else:
            train.body(made, examples, model=LAYERS, recipe=learner)
        assert number == 0 or any(line.startswith("going on at epoch") for line in made.lines)
        for epoch, rows in rows_seen(seen, workers):
            epochs.setdefault(epoch, []).extend(rows)
    assert made.told["epochs"] == 9 and len(epochs) == 9
    for epoch, rows in epochs.items():
        assert rows == order(made.seed, epoch, 400)[:].tolist()


def rows_seen(folder: Path, workers: int) -> Iterator[tuple[int, list[int]]]:
    """(epoch, rows of a global batch) in their order, from the files of so many WORKERS; takes the files away.

    The parts of a batch are its rows from the first rank's to the last's, but files do not say whose they are.
    """
    files = [[json.loads(line) for line in path.read_text().splitlines()] for path in sorted(folder.iterdir())]
    for path in folder.iterdir():
        path.unlink()
    assert len(files) == workers
    first = order(0, files[0][0][0], 400)[:].tolist()
    files.sort(key=lambda lines: first.index(lines[0][1][0]))
    for parts in zip(*files, strict=True):
        assert len({epoch for epoch, _ in parts}) == 1
        yield parts[0][0], [row for _, rows in parts for row in rows]


def stop_once_after(made: Any, epochs: int):
    def on_report(at: float) -> None:
        if at >= epochs:
            raise Stopped("asked to stop")

    return on_report


def test_a_batch_smaller_than_two_rows_a_worker_is_refused(make_examples, context) -> None:
    with pytest.raises(InputError, match="a batch of 2 rows is too small for 2 workers"):
        train.body(context("a", workers=2), make_examples("binary", "numbers"), model=LAYERS, recipe=recipe(batch=2))


def test_two_ranks_resume_bit_for_bit(make_examples, context) -> None:
    examples = make_examples("binary", "numbers")
    given = {"average": "ema", "hook": "powersgd", "accumulate": 2}
    whole = context("whole", workers=2)
    train.body(whole, examples, model=LAYERS, recipe=recipe(**given))
    stopping = context("stopped", resume="shared", workers=2)
    stopping.on_report = stop_once_after(stopping, 1)
    with pytest.raises(Stopped):
        train.body(stopping, examples, model=LAYERS, recipe=recipe(**given))
    again = context("again", resume="shared", workers=2)
    train.body(again, examples, model=LAYERS, recipe=recipe(**given))
    kept, other = weights(whole.folder), weights(again.folder)
    assert [name for name, value in kept.items() if not value.equal(other[name])] == []


def test_workers_agree_on_advice_and_never_adopt_what_changes_the_algorithm(make_examples, context) -> None:
    """Whatever a busy machine lets them find out: none waits for another for ever, and both train by one plan."""
    made = context("a", workers=2)
    train.body(made, make_examples("binary", "numbers"), model=LAYERS, recipe=recipe(advise=6.0))
    advice = json.loads((made.folder / "advice.json").read_text())
    assert advice["verdict"] in ("adopted", "kept", "too noisy", "too short") and 0 < advice["seconds"] < 60
    assert "adopted" not in {row["decision"] for row in advice["rows"] if row["kind"] == "A"}
    plan = json.loads((made.folder / "model.json").read_text())["trained"]["plan"]
    assert plan["hook"] == "none" and plan == {name: advice["plan"][name] for name in plan}


def test_torchrun_makes_ranks_of_aimass_fit(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    order = {**USUAL, "out": str(tmp_path)}
    ran = subprocess.run([*command, "-m", "tests.train.ranks", json.dumps(order)], cwd=ROOT, capture_output=True,
                         text=True, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"})  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    mine, other = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert all(value.equal(other[name]) for name, value in mine.items() if "running" not in name)
    assert not mine["9.weight"].equal(module()[9].weight) and len(data()[1]) == 80
