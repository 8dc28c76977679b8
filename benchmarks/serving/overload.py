"""What happens when more is asked than a model can answer?

Its capacity is measured first (a closed loop of the same requests); then requests arrive at 1, 2 and 4 times that
rate, whether those before were answered or not.  A third says in V2's `timeout` how long it will wait, a third by a
gRPC deadline, and a third says nothing.  At twice the rate it goes on for a minute, and memory is watched.

    python benchmarks/serving/overload.py --record        # about three minutes
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from open_loop import Kind, Pool, Send, Told, arrivals, closed_loop, http_request, numbers_body
from scene import LOAD, Goals, Running, arguments, report, serving

from aimass.serve.grpc.messages import CLASSES
from models import costly

ROW = 0.002  # seconds of work a row
DEADLINE = 0.1  # seconds
CHANNELS = 8
CLIENTS = 16  # of the closed loop: all are answered within their deadlines
INFER = "/inference.GRPCInferenceService/ModelInfer"
CODES = {grpc.StatusCode.RESOURCE_EXHAUSTED: 429, grpc.StatusCode.DEADLINE_EXCEEDED: 504,
         grpc.StatusCode.UNAVAILABLE: 503}  # fmt: skip
SECONDS = {1: 20.0, 2: 60.0, 4: 20.0}


async def calls(stack: AsyncExitStack, port: int) -> Send:
    """By gRPC, with a deadline, over several connections in turn."""
    message = CLASSES["ModelInferRequest"](
        model_name="m", inputs=[{"name": "a", "datatype": "FP64", "shape": [1]}],
        raw_input_contents=[np.array([1.5]).tobytes()],
    ).SerializeToString()  # fmt: skip
    options = (("grpc.use_local_subchannel_pool", 1),)
    channels = [
        await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}", options))
        for _ in range(CHANNELS)
    ]
    turns = [channel.unary_unary(INFER) for channel in channels]
    count = 0

    async def send() -> int:
        nonlocal count
        count += 1
        try:
            await turns[count % CHANNELS](message, timeout=DEADLINE)
        except grpc.aio.AioRpcError as error:
            return CODES.get(error.code(), 500)
        return 200

    return send


async def kinds_of(stack: AsyncExitStack, port: int) -> list[Kind]:
    pool, patient = Pool(port), Pool(port)
    limited = http_request("/v2/models/m/infer", numbers_body(timeout=DEADLINE * 1e6))
    unlimited = http_request("/v2/models/m/infer", numbers_body())
    return [
        Kind("V2 timeout", lambda: pool.status(limited), 1),
        Kind("gRPC deadline", await calls(stack, port), 1),
        Kind("says nothing", lambda: patient.status(unlimited), 1),
    ]


async def measured(server: Running, quick: bool) -> dict[str, Any]:
    """The capacity, and what is told at each load."""
    async with AsyncExitStack() as stack:
        kinds = await kinds_of(stack, server.port)
        seconds = 2.0 if quick else 10.0
        turns = cycle(kinds)
        await closed_loop(lambda: next(turns).send(), CLIENTS, seconds / 4)
        capacity, failed = await closed_loop(lambda: next(turns).send(), CLIENTS, seconds)
        found: dict[str, Any] = {"capacity": capacity, "failed in the closed loop": failed, "loads": {}}
        for times, lasts in SECONDS.items():
            begin, held = time.perf_counter(), list[float]()
            watch = asyncio.create_task(watched(server, held))
            told = await arrivals(kinds, times * capacity, 3.0 if quick else lasts, seed=times)
            watch.cancel()
            found["loads"][times] = {**seen(told, time.perf_counter() - begin), "MB": held}
        again, _ = await closed_loop(lambda: next(turns).send(), CLIENTS, seconds)
        return {**found, "capacity afterwards": again}


async def watched(server: Running, held: list[float]) -> None:
    """Megabytes, once a second."""
    while True:
        held.append(round(server.megabytes(), 1))
        await asyncio.sleep(1)


def seen(told: Sequence[Told], seconds: float) -> dict[str, Any]:
    """What callers saw: times in milliseconds, from when a request was due."""
    good = [one for one in told if one.status == 200]
    kept = [one for one in good if one.kind == "says nothing" or one.seconds <= DEADLINE]
    lasts = max(one.due for one in told) - min(one.due for one in told)
    kinds = {kind: _of([one for one in told if one.kind == kind]) for kind in sorted({one.kind for one in told})}
    behind = np.array([one.sent - one.due for one in told])
    return {
        "asked a second": len(told) / lasts, "answered a second": len(good) / seconds, "goodput": len(kept) / seconds,
        "by kind": kinds, "sender late, p99 ms": 1000 * float(np.percentile(behind, 99)),
    }  # fmt: skip


def _of(told: Sequence[Told]) -> dict[str, Any]:
    """TIMES of one kind."""
    by = {name: [1000 * one.seconds for one in told if one.status == status]
          for name, status in (("accepted", 200), ("refused", 429), ("too late", 504))}  # fmt: skip
    waits = {name: dict(zip(("p50", "p99", "max"), np.percentile(times, (50, 99, 100)).round(2).tolist(), strict=True))
             for name, times in by.items() if times}  # fmt: skip
    within = [time <= 1000 * DEADLINE for time in by["accepted"]]
    statuses = dict(Counter(str(one.status) for one in told))
    return {"statuses": statuses, "ms": waits, "within the deadline": float(np.mean(within)) if within else 1.0}


def judged(found: dict[str, Any], goals: Goals) -> None:
    for times, load in found["loads"].items():
        if times == 2:
            goals.at_least("2x: goodput of capacity", load["goodput"] / found["capacity"], 0.9)
            third = len(load["MB"]) // 3  # by then the queues are full
            grown = max(load["MB"][-third:]) / max(load["MB"][third : 2 * third])
            goals.at_most("2x: memory in the last third of the time over that in the second", grown, 1.05)
        for kind, one in load["by kind"].items():
            accepted, refused = one["ms"].get("accepted"), one["ms"].get("refused")
            if accepted and kind != "says nothing":
                goals.at_least(f"{times}x, {kind}: accepted within the deadline", one["within the deadline"], 0.99)
            if refused and times > 1:
                goals.at_most(f"{times}x, {kind}: ms until refused, p50", refused["p50"], 5.0)
                goals.at_most(f"{times}x, {kind}: ms until refused, p99", refused["p99"], 5.0)
            broken = sum(count for status, count in one["statuses"].items() if status in ("0", "500"))
            goals.at_most(f"{times}x, {kind}: broken", broken, 0)


def main() -> None:
    given, goals = arguments(__doc__).parse_args(), Goals()
    with tempfile.TemporaryDirectory() as folder:
        model = costly(Path(folder, "m"), ROW)
        with serving(model, "--name", "m", "--version", "1") as server:
            os.sched_setaffinity(0, {LOAD})
            found = asyncio.run(measured(server, given.quick))
    judged(found, goals)
    note = f"a row costs {1000 * ROW:g} ms, the deadline is {1000 * DEADLINE:g} ms; times count from when it was due"
    report("overload", __doc__, found, goals, given, note)


if __name__ == "__main__":
    main()
