"""A training that finds itself to be a rank: `torchrun -m tests.train.ranks JSON`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from safetensors.torch import save_file

from aimass.train.fit import fit
from tests.train.fit_child import data, module

if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    out = Path(order.pop("out"))
    network = fit(module(), data(), **order).module
    save_file(network.state_dict(), out / f"{os.environ['RANK']}.safetensors")
