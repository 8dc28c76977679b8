"""ONNX Runtime on the CPU: the engine behind every file we save.

Knows tensors, never rows of records.  The same options run when a model is calibrated, measured and served, so a
figure is about what will be served.
"""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as _native

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.engines.base import Engine, Predictor, Tensors

# The binding raises a dozen classes whose only common base is Exception.
ERRORS: tuple[type[Exception], ...] = tuple(
    c for c in vars(_native).values() if isinstance(c, type) and issubclass(c, Exception)
)
CALL_ERRORS: tuple[type[Exception], ...] = (*ERRORS, ValueError)

QUIET = 4  # what goes wrong is raised and told once, by us


class OnnxRuntime(Engine):
    """Runs model.onnx with ONNX Runtime's CPU kernels."""

    threads: int = knob(1, 1, 256, help="threads inside one call; 1 keeps p99 steady when requests overlap")
    spinning: bool = knob(False, help="idle threads burn a core to start sooner; takes it from everything else")

    def load(self, model: Path) -> Predictor:
        """A predictor of MODEL/model.onnx: raw columns by name [N, ...] -> outputs by name [N, ...].

        Raises InputError when the file is missing or damaged, or a call lacks a column or has a wrong shape.
        """
        return predictor(session(model / "model.onnx", threads=self.threads, spinning=self.spinning))


def session(path: Path, *, threads: int = 1, spinning: bool = False) -> ort.InferenceSession:
    """An inference session of the ONNX file PATH on the CPU.  Raises InputError when it cannot be loaded."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    # A spinning pool slowed neighbouring work 29 times on small machines (roboflow/rf-detr#1456).
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="an ONNX file", todo="train or fetch the model again")
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except ERRORS as error:
        raise InputError(
            f"{path} cannot be loaded: {_first_line(error)}",
            expected="a whole ONNX file of a version this ONNX Runtime knows",
            todo="the file is damaged or too new: make the artifact again",
        ) from error


def predictor(loaded: ort.InferenceSession) -> Predictor:
    """LOADED as the one shape of serving: named arrays in, named arrays out; names it does not take are ignored."""
    wanted = [i.name for i in loaded.get_inputs()]
    names = [o.name for o in loaded.get_outputs()]

    def predict(tensors: Tensors) -> Tensors:
        try:
            feeds = {name: tensors[name] for name in wanted}
            return dict(zip(names, loaded.run(names, feeds), strict=True))
        except KeyError as error:
            raise InputError(f"no column {error}", expected=f"all of: {', '.join(wanted)}") from error
        except CALL_ERRORS as error:
            raise InputError(f"the model refused its input: {_first_line(error)}") from error

    return predict


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
