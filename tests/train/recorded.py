"""An augmentation that changes nothing and writes down which rows it saw: where ranks are processes, a file tells."""

from __future__ import annotations

import json
import os
from pathlib import Path

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.train.augment.base import Augmentation
from aimass.train.batch import Batch
from aimass.train.rng import Chance


class Recorded(Augmentation):
    """A line a batch: epoch, and the rows of this rank's part in their order."""

    folder: str = knob(".", help="where each process writes a file of its own")

    def check(self, signature: Signature) -> None:
        """Every batch has rows."""

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        with (Path(self.folder) / f"{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps([chance.epoch, batch.rows.tolist()]) + "\n")
        return batch
