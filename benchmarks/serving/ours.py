"""Our server in the comparison of model servers: everything on, one engine thread, as `aimass serve` starts it.

Reads BENCH_MODELS (a folder with tab.onnx and cnn.onnx: input "x", output "probs") and BENCH_PORT; gRPC also on the
port after it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from aimass.core.signature import Field, Signature
from aimass.serve.__main__ import main as serve

SHAPES = {"tab": ((30,), 2), "cnn": ((1, 28, 28), 10)}


def artifact(onnx: Path, name: str, folder: Path) -> Path:
    """A folder that can be served: the graph as it is, and what it takes and gives."""
    shape, classes = SHAPES[name]
    fields = (Field("x", "float32", shape),)
    names = tuple(str(i) for i in range(classes))
    signature = Signature("multiclass", "y", fields, fields, (Field("probs", "float32", (classes,), values=names),))
    folder.mkdir(parents=True)
    shutil.copy(onnx, folder / "model.onnx")
    (folder / "signature.json").write_text(json.dumps(signature.as_json()))
    return folder


def main() -> None:
    models, port = Path(os.environ["BENCH_MODELS"]), int(os.environ["BENCH_PORT"])
    root = Path(tempfile.mkdtemp(prefix="bench-aimass-"))
    tab, cnn = (artifact(models / f"{name}.onnx", name, root / name) for name in SHAPES)
    words = [str(tab), "--name", "tab", "--version", "1", "--also", f"cnn={cnn}"]
    words += ["--port", str(port), "--grpc-port", str(port + 1)]
    if log := os.environ.get("BENCH_LOG_TO"):
        words += ["--log-to", log]
    sys.exit(serve(words))  # in this process, as the other servers of the comparison begin in theirs


if __name__ == "__main__":
    main()
