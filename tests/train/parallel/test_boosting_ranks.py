"""Boosted trees from rows on several ranks: the same trees, the same stop, and checkpoints as ever."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from hypothesis import given
from hypothesis import strategies as st

from aimass.core.errors import InputError, TaskFailed
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.runner.gang import Rank
from aimass.train import boosting, rounds
from aimass.train.data import open_split
from aimass.train.shards import shard_of
from aimass.train.step import train

# No chance, so that the trees of one rank and of two can be compared; 40 values a column, so that the bins are exact.
MODEL = {"use": "xgboost", "subsample": 1.0, "columns": 1.0, "leaf_weight": 1.0, "learning_rate": 0.3}
RECIPE = {"use": "boosting", "rounds": 40, "segment": 8, "patience": 5, "threads": 2}


def coarse(arrays: dict[str, np.ndarray]) -> None:
    arrays["x.numbers"] = np.clip(np.round(arrays["x.numbers"] * 8) / 8, -2.5, 2.5)
    noise = np.random.default_rng(len(arrays["target"])).random(len(arrays["target"]))
    arrays["target"] = np.where(noise < 0.2, 1 - arrays["target"], arrays["target"])


def run(context: Any, examples: Any) -> Any:
    recipe = resolve("recipe", "boosting").from_settings(RECIPE)
    train.body(context, examples, model=Architecture.from_settings(MODEL), recipe=recipe)
    return context


def dying(rank: Rank, *, moment: int, order: dict[str, Any]) -> dict[str, Any]:
    """As `boost`, but rank 0 is killed behind its checkpoint number MOMENT."""
    write, calls = rounds.write_whole, iter(range(1, 100))

    def write_and_die(*arguments: Any) -> None:
        write(*arguments)
        if next(calls) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    rounds.write_whole = write_and_die
    return boosting.boost(rank, **order)


def area_under_curve(truth: np.ndarray, scores: np.ndarray) -> float:
    """Share of the pairs of a positive and a negative row that are in order; ties count half."""
    differences = scores[truth == 1][:, None] - scores[truth == 0][None]
    return float((differences > 0).mean() + (differences == 0).mean() / 2)


def answers(folder: Path, examples: Any) -> tuple[np.ndarray, np.ndarray]:
    """Truth and margins of the test rows by the trees in FOLDER."""
    split, boosted = open_split(examples, "test"), Architecture.from_settings(MODEL).build(examples.signature)
    rows = xgb.DMatrix(boosted.features(split.named()), nthread=1)
    return np.array(split.target), xgb.Booster(model_file=folder / "trees.json").predict(rows, output_margin=True)


def test_two_ranks_grow_the_trees_of_one_and_go_on_after_a_kill(make_examples, context) -> None:
    examples = make_examples("binary", "numbers", rows=(601, 203, 300), change=coarse)
    one, two = run(context("one"), examples), run(context("two", workers=2), examples)
    told = [context_.told | {"bytes": 0} for context_ in (one, two)]
    assert told[0] == told[1], "rounds, best round and the reason to stop come from the loss over all rows"
    assert told[0]["stopped"] == "no lower validation loss for 5 rounds"
    (truth, first), (_, second) = (answers(made.folder, examples) for made in (one, two))
    np.testing.assert_allclose(first, second, atol=1e-4)
    assert abs(area_under_curve(truth, first) - area_under_curve(truth, second)) < 1e-4

    broken = context("broken", resume="shared", workers=2)
    order = {
        "architecture": Architecture.from_settings(MODEL).settings(),
        "recipe": resolve("recipe", "boosting").from_settings(RECIPE).settings(),
        "examples": str(examples.folder),
        "out": str(broken.folder),
        "resume": str(broken.resume),
        "seed": 0,
    }
    with pytest.raises(TaskFailed, match="rank 0 of 2 was killed by SIGKILL"):
        broken.gang(dying, moment=1, order=order)
    again = run(context("again", resume="shared", workers=2), examples)
    assert again.lines == ["boosting: going on at round 9"]
    assert (again.folder / "trees.json").read_bytes() == (two.folder / "trees.json").read_bytes()


def test_rows_that_one_rank_cannot_use_are_an_error_for_the_user(make_examples, context) -> None:
    def spoil(arrays: dict[str, np.ndarray]) -> None:
        arrays["x.numbers"][-1, 1] = np.inf

    with pytest.raises(InputError, match="XGBoost refuses the rows"):
        run(context("spoilt", workers=2), make_examples("binary", "numbers", change=spoil))


def test_a_rank_may_be_left_without_a_row_to_judge_by(make_examples, context) -> None:
    examples = make_examples("multiclass", "numbers", rows=(60, 1, 10))
    one, two = run(context("one"), examples), run(context("two", workers=2), examples)
    assert one.told["best_round"] == two.told["best_round"]


@given(rows=st.integers(0, 1000), world=st.integers(1, 9))
def test_shards_are_all_rows_once_and_of_one_size(rows: int, world: int) -> None:
    parts = [range(rows)[shard_of(rows, Rank(rank, world))] for rank in range(world)]
    assert [row for part in parts for row in part] == list(range(rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
