"""The share of a steady step in which the GPU idles, and how often a step makes the host wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from by_hand import Work
from gpu_ways import fitted, ours

A_STEP = "aten::_log_softmax"  # what each step does once, in its loss
WAITS = {"cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize"}


def busy_share(work: Work, **how: Any) -> dict[str, float]:
    """Share of a steady step in which the device idles, and waits of the host a step.

    A profiler slows the host down, not the kernels: busy seconds come from a profiled epoch, those of a step from
    another run without it.
    """
    from torch.profiler import ProfilerActivity, profile

    cuda = work.device.type == "cuda"
    a_step = work.batch / ours(work, **how)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities, acc_events=True) as seen:
        fitted(replace(work, epochs=1), **how)
    kind = torch.autograd.DeviceType.CUDA if cuda else torch.autograd.DeviceType.CPU
    every = list(seen.events())
    events = [(e.time_range.start, e.time_range.end) for e in every if e.device_type == kind]
    begin, end = min(e[0] for e in events), max(e[1] for e in events)
    window = (begin + 0.4 * (end - begin), begin + 0.9 * (end - begin))  # what is before and after is no steady step
    inside = [e for e in every if window[0] <= e.time_range.start < window[1]]
    steps = sum(e.name == A_STEP and e.device_type == torch.autograd.DeviceType.CPU for e in inside)
    waits = sum(e.name in WAITS for e in inside)
    busy = covered([(max(b, window[0]), min(e, window[1])) for b, e in events if b < window[1] and e > window[0]])
    return {"idle_share": 1 - 1e-6 * busy / max(steps, 1) / a_step, "host_waits_a_step": waits / max(steps, 1),
            "steps_seen": steps}  # fmt: skip


def covered(spans: list[tuple[float, float]]) -> float:
    """Length of the union of SPANS."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
