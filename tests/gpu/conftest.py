"""What only a GPU can show: `pytest tests/gpu` on a machine that has one.  Elsewhere there is nothing to collect."""

from __future__ import annotations

import torch

collect_ignore_glob = [] if torch.cuda.is_available() else ["test_*.py"]
