"""Is there anything a caller can send that fails the server, holds it up, or makes it grow?

Callers drawn by lot send requests with something wrong (HTTP/1.1 streams, JSON of V2, records and V1, binary tensors,
HTTP/2 frames, gRPC messages) to a whole server, most of them without a socket, a share over real ones.  Nothing but
answers below 500, and 503 and 504, may come back; a good request is answered beside each 32 of them; nothing is left
of them; memory does not grow.  A seed shows a finding again: --seed N --many 1.

    python benchmarks/serving/fuzz.py --record        # a million callers, about forty minutes
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # tests/serve/fuzz

from scene import Goals, Running, arguments, memory, report, serving
from tests.serve.fuzz.round import GOOD, Found, fuzzed, server_of
from tests.serve.fuzz.shapes import any_of_them, pieces

from aimass.serve.predictor import Wanted, load
from models import numbered

SHARE = 0.02  # over real sockets
STRETCH = 10_000
OPEN = 64  # real connections at once


def without_sockets(folder: Path, many: int, seed: int, found: Found) -> list[float]:
    """Megabytes after each stretch."""
    model, held = load(Wanted(folder, "m", 1)), list[float]()
    server = server_of(model)

    async def all_of_them() -> None:
        for begin in range(seed, seed + many, STRETCH):
            await fuzzed(server, min(STRETCH, seed + many - begin), begin, found)
            held.append(memory(os.getpid(), "Anonymous"))
            print(f"{begin + STRETCH - seed} callers, {len(found.wrong)} findings, {held[-1]:.0f} MB", flush=True)

    asyncio.run(all_of_them())
    model.close()
    return held


async def over_sockets(server: Running, many: int, seed: int, found: Found) -> list[float]:
    """The same against a server of its own, over 127.0.0.1; megabytes after each tenth."""
    held, turns = list[float](), asyncio.Semaphore(OPEN)

    async def one(number: int) -> None:
        chance = Random(number)
        async with turns:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                for piece in pieces(chance, any_of_them(chance)):
                    writer.write(piece)
                    await writer.drain()
                writer.write_eof()
                sent = await asyncio.wait_for(reader.read(), 20)
            except TimeoutError:
                sent = b""
                found.wrong.append(f"seed {number}: no end within 20 s, over a socket")
            except OSError:  # it may end a connection at any byte
                sent = b""
            writer.close()
            if b"HTTP/1.1 500" in sent or b"the server failed at this" in sent:
                found.wrong.append(f"seed {number}: {sent[:200]!r}, over a socket")
        found.callers += 1

    step = max(1, many // 10)
    for begin in range(seed, seed + many, step):
        await asyncio.gather(*(one(number) for number in range(begin, min(begin + step, seed + many))))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GOOD)
        if b" 200 " not in await asyncio.wait_for(reader.readuntil(b"}]}"), 10):
            found.wrong.append("a good request is not answered after those before")
        writer.close()
        held.append(server.megabytes("Anonymous"))
    return held


def growth(held: list[float]) -> float:
    """Of the last over the first, once all that is made once was made."""
    first = held[min(len(held) - 1, max(1, len(held) // 5))]
    return held[-1] / first


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=10_000_000)
    given, goals, found = parser.parse_args(), Goals(), Found()
    many = min(given.many, 2000) if given.quick else given.many
    real, begin = int(many * SHARE), time.perf_counter()
    with tempfile.TemporaryDirectory() as root:
        folder = numbered(Path(root, "m"), 1)
        held = without_sockets(folder, many - real, given.seed, found)
        figures: dict[str, Any] = {"MB by stretch": [round(one, 1) for one in held[:: max(1, len(held) // 20)]]}
        goals.at_most("memory at the end over a fifth of the way, without sockets", growth(held), 1.05)
        if real:
            with serving(folder, "--name", "m", "--version", "1") as server:
                beside = asyncio.run(over_sockets(server, real, given.seed + many, found))
            figures["MB over sockets"] = [round(one, 1) for one in beside]
            goals.at_most("memory at the end over a fifth of the way, over sockets", growth(beside), 1.05)
    for wrong in found.wrong[:20]:
        print(wrong)
    goals.at_most("findings", len(found.wrong), 0)
    goals.at_least("callers", found.callers, many)
    answers = {str(status): count for status, count in sorted(found.answers.items())}
    figures |= {"callers": found.callers, "answers by status": answers, "seconds": time.perf_counter() - begin}
    print(json.dumps(answers))
    report("fuzz", __doc__, figures, goals, given, f"seed {given.seed}; {SHARE:.0%} over real sockets")


if __name__ == "__main__":
    main()
