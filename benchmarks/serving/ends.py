"""Is an answer lost when the server is told to end under load, how long does it take, and what is left of it?

Thirty-two connections over HTTP and gRPC ask without a pause when SIGTERM comes.  A request is lost that was sent over
a connection on which the server had not said that it ends, and got no whole answer.

    python benchmarks/serving/ends.py --record        # about a minute
"""

from __future__ import annotations

import http.client
import json
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from scene import Goals, arguments, family, report, serving, spread

from aimass.serve.grpc.messages import CLASSES
from models import numbered

INFER = "/inference.GRPCInferenceService/ModelInfer"
BODY = json.dumps({"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1.5]}]})
HTTP, GRPC = 28, 4  # connections
DRAIN = 0.3  # seconds in which open connections may still ask


class Askers:
    """Over HTTP and gRPC, until the server says that it ends, or refuses connections."""

    def __init__(self, port: int) -> None:
        self.port, self.counts, self.lost = port, Counter[str](), list[str]()
        kinds = [self.requests] * HTTP + [self.calls] * GRPC
        self.threads = [threading.Thread(target=kind) for kind in kinds]
        for thread in self.threads:
            thread.start()

    def requests(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        while True:
            try:
                connection.request("POST", "/v2/models/m/infer", BODY)
                reply = connection.getresponse()
                whole, last = reply.read(), reply.getheader("connection") == "close"
            except http.client.RemoteDisconnected:  # between two requests: HTTP lets a server end so (RFC 9112, 9.6)
                self.counts["closed while idle"] += 1
                return
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                return
            if reply.status != 200 or b"1001.5" not in whole:
                self.lost.append(f"{reply.status} {whole[:100]!r}")
            self.counts["answered"] += 1
            if last:
                self.counts["told that it ends"] += 1
                return

    def calls(self) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", (("grpc.use_local_subchannel_pool", 1),)) as channel:
            infer = channel.unary_unary(
                INFER, lambda asked: asked.SerializeToString(), CLASSES["ModelInferResponse"].FromString
            )
            asked = CLASSES["ModelInferRequest"](
                model_name="m", inputs=[{"name": "a", "datatype": "FP64", "shape": [1]}],
                raw_input_contents=[np.array([1.5]).tobytes()],
            )  # fmt: skip
            while True:
                try:
                    told = infer(asked, timeout=30)
                except grpc.RpcError as error:
                    refused = "refused" in error.details() or "connect" in error.details()
                    if error.code() == grpc.StatusCode.UNAVAILABLE and refused:
                        self.counts["told that it ends"] += 1
                    else:
                        self.lost.append(f"{error.code()} {error.details()}")
                    return
                self.counts["answered"] += 1
                if np.frombuffer(told.raw_output_contents[0]).tolist() != [1001.5]:
                    self.lost.append(str(told))


def once(folder: Path, seconds: float) -> tuple[Askers, float, int, int]:
    """An end under load: who asked, how long it took, the exit code, and processes that are left."""
    with serving(folder, "--name", "m", "--version", "1") as server:
        askers = Askers(server.port)
        time.sleep(seconds)
        processes = family(server.pid)
        begin = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(60)
        taken = time.perf_counter() - begin
        for thread in askers.threads:
            thread.join(40)
        left = sum(Path(f"/proc/{pid}").exists() for pid in processes)
    return askers, taken, code, left


def main() -> None:
    given, goals = arguments(__doc__).parse_args(), Goals()
    with tempfile.TemporaryDirectory() as folder:
        model = numbered(Path(folder, "m"), 1)
        runs = [once(model, 0.5 + 0.05 * i) for i in range(2 if given.quick else 20)]
    counts: Counter[str] = sum((run[0].counts for run in runs), Counter())
    lost = [one for run in runs for one in run[0].lost]
    print(*lost[:5], sep="\n")
    goals.at_most("answers lost", len(lost), 0)
    goals.at_most("seconds until it had ended, the longest", max(run[1] for run in runs), 1 + DRAIN)
    goals.at_most("processes left", sum(run[3] for run in runs), 0)
    goals.at_most("exit codes other than 0", sum(run[2] != 0 for run in runs), 0)
    found: dict[str, Any] = {"ends": len(runs), "counts": dict(counts), "seconds": spread([run[1] for run in runs])}
    report("ends", __doc__, found, goals, given, f"{HTTP} connections of HTTP, {GRPC} of gRPC, asking without a pause")


if __name__ == "__main__":
    main()
