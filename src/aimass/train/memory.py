"""What to do when a step does not fit in memory, and which size of batch does."""

from __future__ import annotations

import torch

CPU_ALLOCATOR = "DefaultCPUAllocator"  # in the text of its RuntimeError; CUDA has an exception of its own


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ERROR says that a tensor could not be allocated."""
    return isinstance(error, torch.OutOfMemoryError) or CPU_ALLOCATOR in str(error)
