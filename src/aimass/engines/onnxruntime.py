"""ONNX Runtime: the engine behind every file we save, on the CPU unless a provider is named.

Knows tensors, never rows of records.  The same options run when a model is calibrated, measured and served, so a
figure is about what will be served.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

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
# Our names and theirs; what a provider cannot run goes to those behind it.  Batches differ from call to call: cuDNN
# must not time every algorithm for each new one, nor TF32 round what the model was measured with.
CPU: tuple[str, dict[str, Any]] = ("CPUExecutionProvider", {})
CUDA: tuple[str, dict[str, Any]] = (
    "CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"},
)  # fmt: skip
PROVIDERS = {"cpu": [CPU], "cuda": [CUDA, CPU], "tensorrt": [("TensorrtExecutionProvider", {}), CUDA, CPU]}


class OnnxRuntime(Engine):
    """Runs model.onnx with ONNX Runtime."""

    threads: int = knob(1, 1, 256, help="threads inside one call; 1 keeps p99 steady when requests overlap")
    spinning: bool = knob(False, help="idle threads burn a core to start sooner; takes it from everything else")
    provider: Literal["cpu", "cuda", "tensorrt"] = knob("cpu", help="whose kernels; asked for where it is installed")
    arena: bool = knob(True, help="keep the memory of a call for the next; without it every call gives it back")

    def load(self, model: Path) -> Predictor:
        """A predictor of MODEL/model.onnx: raw columns by name [N, ...] -> outputs by name [N, ...].

        Raises InputError when the file is missing or damaged, the provider is not there, or a call lacks a column or
        has a wrong shape.
        """
        return predictor(self.session(model / "model.onnx"))

    def session(self, source: Path | bytes) -> ort.InferenceSession:
        """A session of the ONNX file SOURCE with these settings."""
        return session(
            source, threads=self.threads, spinning=self.spinning, provider=self.provider, arena=self.arena
        )  # fmt: skip


def session(
    source: Path | bytes, *, threads: int = 1, spinning: bool = False, provider: str = "cpu", arena: bool = True
) -> ort.InferenceSession:
    """An inference session of the ONNX file SOURCE, or of its bytes.  Raises InputError when it cannot be loaded."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    options.enable_cpu_mem_arena = arena
    options.enable_mem_pattern = arena  # a pattern plans the arena
    # A spinning pool slowed neighbouring work 29 times on small machines (roboflow/rf-detr#1456).
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    if isinstance(source, Path) and not source.is_file():
        raise InputError(f"{source} does not exist", expected="an ONNX file", todo="train or fetch the model again")
    wanted = PROVIDERS[provider]
    _check_provider(wanted[0][0], provider, ort.get_available_providers())
    try:
        loaded = ort.InferenceSession(source if isinstance(source, bytes) else str(source), options, providers=wanted)
    except ERRORS as error:
        name = "the model" if isinstance(source, bytes) else source
        raise InputError(
            f"{name} cannot be loaded: {_first_line(error)}",
            expected="a whole ONNX file of a version this ONNX Runtime knows",
            todo="the file is damaged or too new: make the artifact again",
        ) from error
    _check_provider(wanted[0][0], provider, loaded.get_providers())  # one that cannot start is left out in silence
    return loaded


def _check_provider(wanted: str, provider: str, there: Sequence[str]) -> None:
    if wanted not in there:
        known = [name for name, lists in PROVIDERS.items() if lists[0][0] in there]
        raise InputError(
            f"the provider {provider!r} of ONNX Runtime is not here",
            expected=f"one of: {', '.join(known)}",
            todo="install onnxruntime-gpu in place of onnxruntime, and its driver; or leave `provider` out",
            key="provider",
        )


def predictor(loaded: ort.InferenceSession, outputs: Sequence[str] = ()) -> Predictor:
    """LOADED as the one shape of serving: named arrays in, named arrays out; names it does not take are ignored.

    OUTPUTS: those that are computed, all of them by default.
    """
    wanted = [i.name for i in loaded.get_inputs()]
    names = list(outputs) or [o.name for o in loaded.get_outputs()]

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
