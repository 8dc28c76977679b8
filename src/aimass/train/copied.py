"""A job to try things on, so that nothing that is tried touches what will be trained."""

from __future__ import annotations

import copy
from dataclasses import replace

from aimass.train.agreed import NoTrial
from aimass.train.job import Job
from aimass.train.memory import is_out_of_memory


def copied(job: Job, tier: str) -> Job:
    """JOB with a module of its own, and its rows in TIER.

    Raises NoTrial when the module cannot be copied (a lock, an open file), RuntimeError for want of memory.
    """
    try:
        module = copy.deepcopy(job.module).to(job.device)
    except Exception as error:  # whatever a module of somebody's own makes of being copied
        if is_out_of_memory(error):
            raise
        told = str(error).strip().split("\n")[0] or type(error).__name__
        raise NoTrial(f"the network cannot be copied to try things on: {told}") from error
    return replace(job, module=module, train=job.train.at(tier))
