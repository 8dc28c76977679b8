"""What a worker does: every WORLDth stretch of the rows, read, predicted, and written when the stretch is whole.

Every worker reads all of the input, which is cheap, and understands only its own stretches, which is not.  So the
result does not depend on how many there are, and a stretch that was written before a kill is not done again.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError
from aimass.engines.base import Predictor, Tensors
from aimass.runner.gang import Rank
from aimass.serve.files.blocks import Arrays, Bad, Block, Reader, judged
from aimass.serve.files.job import Job, files_of
from aimass.serve.files.sinks import Sink, line
from aimass.serve.predictor import Served, Wanted, load

STRETCH = 16  # blocks
Row = tuple[Block, Arrays, Tensors]


def work(rank: Rank, *, job: dict[str, Any]) -> int:
    """How many stretches there are; those of RANK lie in the job's folder now.

    Raises InputError at the first bad row, unless the job sets them aside.
    """
    order = Job(**job)
    model = load(Wanted(Path(order.model), "model"))
    try:
        return Worker(rank, order, model).run()
    finally:
        model.close()


class Worker:
    """One of several, each with its own copy of MODEL."""

    def __init__(self, rank: Rank, job: Job, model: Served) -> None:
        self.rank, self.job, self.signature = rank, job, model.signature
        self.predict: Predictor = model.predict
        self.reader: Reader = job.reader(self.signature)
        self.sink: Sink = job.sink(self.reader, self.signature)
        self.begun, self.rows = time.monotonic(), 0
        self.sizes = [file.stat().st_size for file in files_of(self.reader)]

    def run(self) -> int:
        numbered = enumerate(self.job.blocks(self.reader, self.signature))
        stretches = 0
        for stretch, group in itertools.groupby(numbered, key=lambda pair: pair[0] // STRETCH):
            blocks = (block for _, block in group)
            place = Path(self.job.folder, f"{stretch:08}")
            if stretch % self.rank.world == self.rank.rank and not done(place).exists():
                self._write(place, self._counted(blocks))
            else:
                for _ in self._counted(blocks):
                    pass
            stretches = stretch + 1
            if stretches % self.rank.world == 0:
                self._report()
        return stretches

    def _counted(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            self.rows += len(block) + len(block.malformed)
            yield block

    def _write(self, place: Path, blocks: Iterable[Block]) -> None:
        """A stretch: its rows, its bad rows, and, when both are whole, how many of each."""
        bad: list[Bad] = []
        counts = {"rows": 0, "bad": 0}
        self.sink.write(place, self._predicted(blocks, bad, counts))
        bad_rows(place).write_bytes(b"".join(line(row.as_json()) for row in bad))
        counts["bad"] = len(bad)
        rough = place.with_suffix(".told")
        rough.write_text(json.dumps(counts), encoding="utf-8")
        rough.replace(done(place))

    def _predicted(self, blocks: Iterable[Block], bad: list[Bad], counts: dict[str, int]) -> Iterator[Row]:
        for block in blocks:
            found = judged(block, self.signature.rows)
            if found.bad and not self.job.aside:
                raise _refusal(found.bad[0])
            bad += found.bad
            if len(found.block):
                counts["rows"] += len(found.block)
                yield found.block, found.tensors, self.predict(found.tensors)

    def _report(self) -> None:
        """How far it is; every worker says it at the same stretches."""
        seconds = time.monotonic() - self.begun
        read = self.reader.position + self._behind()
        share = min(1.0, read / max(1, sum(self.sizes)))
        left = {"seconds_left": seconds / share * (1 - share)} if share else {}
        self.rank.report(self.rows, rows=self.rows, rows_per_second=self.rows / max(seconds, 1e-9), **left)

    def _behind(self) -> int:
        """Bytes of the files before the one that is being read."""
        return sum(self.sizes[: self.reader.at]) if self.reader.at else 0


def done(place: Path) -> Path:
    """What says that the stretch at PLACE is whole."""
    return place.with_suffix(".done")


def bad_rows(place: Path) -> Path:
    """The rows of the stretch at PLACE that could not be read."""
    return place.with_suffix(".bad")


def _refusal(bad: Bad) -> InputError:
    return InputError(f"{bad.place}: {bad.reason}", expected=bad.expected or "a row like the others",
                      todo="mend the row, or set such rows aside: --bad-rows FILE")  # fmt: skip
