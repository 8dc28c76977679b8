"""A script for torchrun: `launched.py FOLDER`; each rank writes what it found."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from aimass.train.parallel.group import placed
from aimass.train.parallel.present import present
from tests.train.by_hand import FakeContext
from tests.train.parallel import works


def main(folder: Path) -> None:
    context = FakeContext(folder / f"out-{os.getpid()}", folder / "resume")
    with present(context) as rank:
        assert rank is not None
        rank.report(1.0, loss=0.5)
        told = rank.share([rank.rank, "x"])
        with placed(rank) as placement:
            found = works.flat(works.gradients(placement, 2, []))
        answer = {"world": rank.world, "told": told, "gradients": found, "reports": context.reports}
        (folder / f"{rank.rank}.json").write_text(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
