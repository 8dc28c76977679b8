"""Boosting for tree architectures: one tree (a class) a round, as many as the validation rows ask for.

When their number is known, the trees are grown once more, on the training and the validation rows together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import onnx
import xgboost as xgb

from aimass.core.artifact import Examples, Model, open_artifact
from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.core.step import Context
from aimass.models.base import Architecture
from aimass.models.network import check_parity
from aimass.models.trees import network_of
from aimass.models.xgboost import Boosted
from aimass.runner.gang import Rank
from aimass.train.base import Recipe
from aimass.train.data import Split, check, open_split
from aimass.train.rounds import Job, Progress, Stop, grow
from aimass.train.shards import shard_of, talking

LOST = "/collective/"  # the place in XGBoost's sources of an error that another rank caused
SHOWN = 256  # rows that the exported trees must answer as the booster does
DONE = "all rounds done"  # as many as were asked for
MORE = 1.1  # more rows carry more rounds before they are learnt by heart
SPARE = 1.2  # a refit may take so much longer than it is expected to


Grown = tuple[xgb.Booster, dict[str, Any]]


class Boosting(Recipe):
    """Adds trees until the loss on the validation rows no longer falls; then grows so many on all rows but the test's.

    The refit matters most where the split is by time: the validation rows are then the most recent ones, nearest to
    what the model will be asked, and without it they would only count rounds.  The test rows stay unseen.
    """

    fits: ClassVar[str] = "boosting"

    rounds: int = knob(1000, 1, 100_000, log=True, help="trees (a class) at most")
    patience: int = knob(50, 1, 100_000, help="rounds without a better loss before the stop")
    refit: bool = knob(True, help="grow the trees again, on training and validation rows, once their number is known")
    segment: int = knob(50, 1, 10_000, help="rounds between checkpoints; part of the result: chance starts anew")
    minutes: float = knob(0.0, 0.0, help="stop after so long, refit included, with the best so far; 0: no limit")
    threads: int = knob(2, 1, 256, help="part of the result: sums are added up in another order with another count")

    def fit(
        self, ctx: Context, architecture: Architecture, examples: Examples, out: Path, start: Model | None = None
    ) -> dict[str, Any]:
        """Writes OUT/network.onnx and OUT/trees.json (XGBoost's own format)."""
        order = {"architecture": architecture.settings(), "recipe": self.settings(), "examples": str(examples.folder)}
        place = {"out": str(out), "resume": str(ctx.resume), "seed": ctx.seed}
        facts: dict[str, Any] = ctx.gang(boost, **order, **place)[0]
        return facts

    def grown(self, ctx: Context, rank: Rank, boosted: Boosted, train: Split, valid: Split) -> Grown:
        """The trees that are kept, and facts of how many there are."""
        chosen = self._choose(ctx, rank, boosted, train, valid)
        best = chosen.best if len(valid) else len(chosen.losses)
        facts: dict[str, Any] = {"rounds": len(chosen.losses), "best_round": best, "rows": len(train)}
        stopped = chosen.stopped
        booster = xgb.Booster(model_file=bytearray(chosen.booster.encode()))[:best]
        if self.refit and len(valid):
            again = self._refit(ctx, rank, boosted, train, valid, chosen)
            if again.stopped == DONE:
                booster = xgb.Booster(model_file=bytearray(again.booster.encode()))
                facts |= {"refit_rounds": len(again.losses), "refit_rows": len(train) + len(valid)}
            else:
                stopped += f"; no refit: {again.stopped}"
        return booster, {**facts, "stopped": stopped}

    def _choose(self, ctx: Context, rank: Rank, boosted: Boosted, train: Split, valid: Split) -> Progress:
        """Trees on the training rows, until the loss on the validation rows (where there are any) no longer falls."""
        larger = (len(train) + len(valid)) / len(train) if self.refit and len(valid) else 0.0

        def why_stop(losses: list[float], seconds: float) -> str:
            best = int(np.argmin(losses)) + 1
            if len(valid) and len(losses) - best >= self.patience:
                return f"no lower validation loss for {self.patience} rounds"
            if len(losses) >= self.rounds:
                return DONE
            refit = SPARE * larger * _refit_rounds(best) * seconds / len(losses)
            return self._over(seconds + refit)

        job = self._job(ctx, rank, "boosting", boosted, len(train), self.rounds, why_stop)
        if len(valid):
            job = replace(job, figure="valid_loss")
        return grow(ctx, rank, job, lambda: self._matrices(rank, boosted, [train], [valid] if len(valid) else []))

    def _refit(
        self, ctx: Context, rank: Rank, boosted: Boosted, train: Split, valid: Split, chosen: Progress
    ) -> Progress:
        """As many trees as were CHOSEN, and some more, on both splits, training rows first; in bins of their own."""
        count = _refit_rounds(chosen.best)

        def why_stop(losses: list[float], seconds: float) -> str:
            return DONE if len(losses) >= count else self._over(seconds)

        if over := self._over(chosen.seconds):
            return Progress(stopped=over)
        job = self._job(ctx, rank, "refit", boosted, len(train) + len(valid), count, why_stop)
        job = replace(job, before=len(chosen.losses), spent=chosen.seconds)
        return grow(ctx, rank, job, lambda: self._matrices(rank, boosted, [train, valid], []))

    def _job(self, ctx: Context, rank: Rank, name: str, boosted: Boosted, rows: int, most: int, why_stop: Stop) -> Job:
        asked = {"parameters": boosted.parameters, "recipe": self.settings()}
        identity = digest_of({**asked, "rows": rows, "rounds": most, "seed": ctx.seed})
        parameters = {**boosted.parameters, "nthread": self._threads(rank)}
        return Job(name, identity, parameters, ctx.seed, self.segment, most, why_stop)

    def _over(self, seconds: float) -> str:
        """Why to stop after SECONDS; '' while the minutes are not spent."""
        return f"the {self.minutes:g} minutes allowed no more" if 0 < 60 * self.minutes < seconds else ""

    def _threads(self, rank: Rank) -> int:
        """Of this rank: those of the recipe are for all ranks of a machine."""
        return max(1, self.threads // rank.peers)

    def _matrices(self, rank: Rank, boosted: Boosted, learn: list[Split], judge: list[Split]) -> list[xgb.DMatrix]:
        """Binned rows of this rank to LEARN from, and to JUDGE by in the same bins where there are any."""
        how = {"max_bin": boosted.parameters["max_bin"], "nthread": self._threads(rank)}
        try:
            first = xgb.QuantileDMatrix(*_rows(rank, boosted, learn), **how)
            if not judge:
                return [first]
            return [first, xgb.QuantileDMatrix(*_rows(rank, boosted, judge), ref=first, **how)]
        except xgb.core.XGBoostError as error:
            if LOST in str(error):
                raise
            # Its own words stand behind a time, a line of its source and the name of its check.
            reason = re.sub(r"^\[.*?\] \S+: (Check failed: [^:]*: )?", "", str(error).strip().splitlines()[0])
            raise InputError(
                f"XGBoost refuses the rows: {reason}",
                expected="finite numbers (missing ones are allowed)",
                todo="look for infinite values in the columns",
                key="columns",
            ) from error


def boost(
    rank: Rank, *, architecture: dict[str, Any], recipe: dict[str, Any], examples: str, out: str, resume: str, seed: int
) -> dict[str, Any]:
    """What each worker does: the same trees, from its part of the rows; rank 0 exports them.  Returns facts."""
    ctx = rank.context(Path(resume), folder=Path(out), seed=seed)
    chosen, found = Boosting.from_settings(recipe), cast(Examples, open_artifact(Path(examples)))
    signature = found.signature
    train, valid = open_split(found, "train"), open_split(found, "valid")
    check(train, signature)
    boosted: Boosted = Architecture.from_settings(architecture).build(signature)
    with talking(rank):
        booster, facts = chosen.grown(ctx, rank, boosted, train, valid)
    if rank.rank == 0:
        trees = bytes(booster.save_raw("json"))
        (ctx.folder / "trees.json").write_bytes(trees)
        _export(booster, trees, boosted, signature, train.named(slice(0, SHOWN)), ctx.folder / "network.onnx")
    return facts


def _refit_rounds(best: int) -> int:
    return math.ceil(MORE * best)


def _rows(rank: Rank, boosted: Boosted, splits: list[Split]) -> tuple[np.ndarray, np.ndarray]:
    """Features [N, F] and target [N] of this rank's part of each of SPLITS, one below the other."""
    parts = [(split, shard_of(len(split), rank)) for split in splits]
    features = [boosted.features(split.named(rows)) for split, rows in parts]
    return np.concatenate(features), np.concatenate([np.array(split.target[rows]) for split, rows in parts])


def _export(
    booster: xgb.Booster, trees: bytes, boosted: Boosted, signature: Signature, shown: dict[str, np.ndarray], out: Path
) -> None:
    onnx.save(network_of(trees, signature, boosted.sources), out)

    def margins(tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        rows = xgb.DMatrix(boosted.features(tensors), nthread=1)
        return np.asarray(booster.predict(rows, output_margin=True)).reshape(-1, signature.width)

    check_parity(out, margins, shown)
