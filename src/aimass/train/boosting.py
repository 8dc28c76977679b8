"""Boosting for tree architectures: one tree (a class) a round, until the validation loss no longer falls.

Rounds run in segments, each a new booster that goes on from the trees so far with its own seed.  XGBoost does not
keep its random state with a model (dmlc/xgboost#10324, #11982), so only this makes a resumed run equal an
unbroken one, bit for bit.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import xgboost as xgb

from aimass.core.artifact import Examples
from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.core.step import Context
from aimass.models.base import Architecture
from aimass.models.network import check_parity
from aimass.models.trees import network_of
from aimass.models.xgboost import Boosted
from aimass.train.base import Recipe
from aimass.train.checkpoint import write_whole
from aimass.train.data import Split, check, open_split
from aimass.train.order import stream

SHOWN = 256  # rows that the exported trees must answer as the booster does
TELL_EVERY = 1.0  # seconds


@dataclass
class Progress:
    """What a segment starts from."""

    booster: bytes = b""  # JSON of all trees so far
    losses: list[float] = field(default_factory=list)  # on the validation rows, one a round

    @property
    def best(self) -> int:
        """Rounds up to the lowest loss."""
        return int(np.argmin(self.losses)) + 1 if self.losses else 0


class Boosting(Recipe):
    """Adds trees until the loss on the validation rows no longer falls; keeps those up to the best round."""

    fits: ClassVar[str] = "boosting"

    rounds: int = knob(600, 1, 100_000, log=True, help="trees (a class) at most")
    patience: int = knob(40, 1, 100_000, help="rounds without a better loss before the stop")
    segment: int = knob(50, 1, 10_000, help="rounds between checkpoints; part of the result: chance starts anew")
    threads: int = knob(2, 1, 256, help="part of the result: sums are added up in another order with another count")

    def fit(self, ctx: Context, architecture: Architecture, examples: Examples, out: Path) -> dict[str, Any]:
        """Writes OUT/network.onnx and OUT/trees.json (XGBoost's own format, cut at the best round)."""
        signature = examples.signature
        train, valid = open_split(examples, "train"), open_split(examples, "valid")
        check(train, signature)
        boosted: Boosted = architecture.build(signature)
        progress, stopped = self._boost(ctx, boosted, train, valid)
        best = progress.best if len(valid) else len(progress.losses)
        booster = xgb.Booster(model_file=bytearray(progress.booster))[:best]
        trees = bytes(booster.save_raw("json"))
        (out / "trees.json").write_bytes(trees)
        _export(booster, trees, boosted, signature, train.named(slice(0, SHOWN)), out / "network.onnx")
        return {"rounds": len(progress.losses), "best_round": best, "rows": len(train), "stopped": stopped}

    def _boost(self, ctx: Context, boosted: Boosted, train: Split, valid: Split) -> tuple[Progress, str]:
        """All segments, from the checkpoint on where there is one; and why it stopped."""
        judges = bool(len(valid))
        plan = {**boosted.parameters, "nthread": self.threads}
        identity = digest_of({"plan": plan, "recipe": self.settings(), "rows": len(train), "seed": ctx.seed})
        path = ctx.resume / "boosting.json"
        progress = _load(path, identity)
        if progress.losses:
            ctx.log(f"going on at round {len(progress.losses) + 1}")
        matrices = _matrices(boosted, train, valid, self.threads)
        while not (stopped := self._why_stop(progress.losses, judges)):
            first = len(progress.losses)
            booster = _opened({**plan, "seed": stream("boosting", ctx.seed, first) % 2**31}, matrices, progress)
            losses = self._segment(ctx, booster, matrices, progress.losses, len(train), judges)
            progress = Progress(bytes(booster.save_raw("json")), losses)
            write_whole(path, _saved(progress, identity))
        return progress, stopped

    def _segment(
        self,
        ctx: Context,
        booster: xgb.Booster,
        matrices: list[xgb.DMatrix],
        before: list[float],
        rows: int,
        judges: bool,
    ) -> list[float]:
        """Add rounds to BOOSTER until the segment is full or a reason to stop appears; all losses so far."""
        losses, first = list(before), len(before)
        began = told = time.monotonic()
        while not self._why_stop(losses, judges) and len(losses) - first < self.segment:
            booster.update(matrices[0], len(losses))
            losses.append(_loss(booster, matrices[-1], len(losses)))
            now, done = time.monotonic(), len(losses) - first
            if now - told >= TELL_EVERY or self._why_stop(losses, judges):
                told, a_round = now, (now - began) / done
                left = (self.rounds - len(losses)) * a_round
                ctx.report(
                    len(losses), valid_loss=losses[-1], rows_per_s=round(rows / a_round), seconds_left=round(left, 1)
                )
        return losses

    def _why_stop(self, losses: list[float], judges: bool) -> str:
        """'' while there is something to do; without validation rows (JUDGES false) all rounds are."""
        if judges and losses and len(losses) - (int(np.argmin(losses)) + 1) >= self.patience:
            return f"no lower validation loss for {self.patience} rounds"
        return "all rounds done" if len(losses) >= self.rounds else ""


def _matrices(boosted: Boosted, train: Split, valid: Split, threads: int) -> list[xgb.DMatrix]:
    """Binned training rows, and validation rows in the same bins where there are any."""
    bins = boosted.parameters["max_bin"]
    try:
        first = xgb.QuantileDMatrix(
            boosted.features(train.named()), np.array(train.target), max_bin=bins, nthread=threads
        )
        if not len(valid):
            return [first]
        rows = boosted.features(valid.named())
        return [first, xgb.QuantileDMatrix(rows, np.array(valid.target), max_bin=bins, ref=first, nthread=threads)]
    except xgb.core.XGBoostError as error:
        raise InputError(
            f"XGBoost refuses the rows: {str(error).strip().splitlines()[0]}",
            expected="finite numbers (missing ones are allowed)",
            todo="look for infinite values in the columns",
        ) from error


def _opened(plan: dict[str, Any], matrices: list[xgb.DMatrix], progress: Progress) -> xgb.Booster:
    booster = xgb.Booster(plan, matrices)
    if progress.booster:
        booster.load_model(bytearray(progress.booster))
        booster.set_param(plan)
    return booster


def _loss(booster: xgb.Booster, matrix: xgb.DMatrix, round: int) -> float:
    """The loss on MATRIX.  Raises InputError when it is no number."""
    value = float(booster.eval(matrix, "valid", round).rpartition(":")[2])
    if not math.isfinite(value):
        raise InputError(
            f"the loss is {value:g} at round {round + 1}",
            expected="a finite number",
            todo="give xgboost a lower learning_rate or a higher leaf_weight",
            key="learning_rate",
        )
    return value


def _export(
    booster: xgb.Booster, trees: bytes, boosted: Boosted, signature: Signature, shown: dict[str, np.ndarray], out: Path
) -> None:
    onnx.save(network_of(trees, signature, boosted.sources), out)

    def margins(tensors: Mapping[str, np.ndarray]) -> np.ndarray:
        rows = xgb.DMatrix(boosted.features(tensors), nthread=1)
        return np.asarray(booster.predict(rows, output_margin=True)).reshape(-1, signature.width)

    check_parity(out, margins, shown)


def _saved(progress: Progress, identity: str) -> bytes:
    return json.dumps({"task": identity, "losses": progress.losses, "booster": progress.booster.decode()}).encode()


def _load(path: Path, identity: str) -> Progress:
    """What an earlier attempt at the same task left."""
    if not path.exists():
        return Progress()
    saved = json.loads(path.read_bytes())
    if saved["task"] != identity:
        return Progress()
    return Progress(saved["booster"].encode(), saved["losses"])
