"""What could make a step faster: one row an acceleration, in the order of data, precision, layout, update, compiler.

Class E: exact maths, other rounding.  P: fewer bits.  A: changes the algorithm, so it is never adopted for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aimass.train.plan import Plan

Facts = Mapping[str, Any]
Applies = Callable[[Facts, Plan], str]  # "" or why not

COMPUTE = ("forward", "backward")
ALL = ("data", "copy", *COMPUTE, "update")
FUSED = ("adam", "adamw", "sgd", "adagrad")  # torch 2.13: these have a fused update, all but Muon a foreach one
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"}
FP16_FLAGS = {"avx512_fp16", "amx_fp16", "fphp", "asimdhp"}
COMPILE_SECONDS = 40.0  # of a small network on two cores, backward included, with nothing cached


@dataclass(frozen=True)
class Candidate:
    """CHANGES to the plan's fields that may make a step faster.

    touches  parts of a step it works on (diagnose.PARTS): no other part may move
    typical  how many times faster it usually makes those; it only decides the order of trying
    setup    seconds it usually takes to build
    """

    name: str
    kind: Literal["E", "P", "A"]
    changes: Mapping[str, Any]
    touches: tuple[str, ...]
    typical: float
    applies: Applies
    setup: float = 0.0


def candidates(facts: Facts) -> list[Candidate]:
    """All there are for a machine with these FACTS, applicable or not: who does not apply says why."""
    return [*_data(), *_precision(), *_kernels(), *_compiled(facts), *_threads(facts), *_hooks()]


def _data() -> list[Candidate]:
    return [
        Candidate("data in memory", "E", {"tier": "memory"}, ("data", "copy"), 4.0, _fits_host),
        Candidate("data on the device", "E", {"tier": "device"}, ("data", "copy"), 10.0, _fits_device),
        Candidate("prefetch", "E", {"prefetch": True}, ("data", "copy"), 3.0, _always),
    ]


def _precision() -> list[Candidate]:
    return [
        Candidate("bf16", "P", {"precision": "bf16"}, COMPUTE, 1.8, _has_bf16),
        Candidate("tf32", "P", {"precision": "tf32"}, COMPUTE, 1.6, _has_tf32),
        Candidate("fp16", "P", {"precision": "fp16"}, (*COMPUTE, "update"), 1.7, _has_fp16),
    ]


def _kernels() -> list[Candidate]:
    # A batch may be laid out where it is made, so the layout may move the data's part too.
    layout = ("data", "copy", *COMPUTE)
    return [
        Candidate("channels-last", "E", {"layout": "channels-last"}, layout, 1.25, _has_convolutions),
        Candidate("fused update", "E", {"update": "fused"}, ("update",), 3.0, _has_fused),
        Candidate("foreach update", "E", {"update": "foreach"}, ("update",), 1.5, _has_foreach),
    ]


def _compiled(facts: Facts) -> list[Candidate]:
    modes = [("compile", "default", 1.3)]
    if facts.get("device") == "cuda":
        # Not max-autotune: it picks kernels by timing them, and a resumed run might pick others, with other rounding.
        modes.append(("compile, less overhead", "reduce-overhead", 1.4))
    setup = float(facts.get("compile_seconds", COMPILE_SECONDS))
    parts = (*COMPUTE, "update")
    compiled = [
        Candidate(n, "E", {"compile": mode}, parts, typical, _has_compiler, setup) for n, mode, typical in modes
    ]
    return [*compiled, Candidate("CUDA graphs", "E", {"graphs": True}, ("copy", *parts), 1.3, _can_capture, 1.0)]


def _threads(facts: Facts) -> list[Candidate]:
    """1, 2, 4, ... threads, and as many as there are cores."""
    cores = int(facts.get("cores", 1))
    counts = sorted({1, cores, *(2**k for k in range(1, cores.bit_length()) if 2**k <= cores)})
    return [Candidate(_threads_name(n), "E", {"threads": n}, ALL, 1.15, _on_cpu) for n in counts]


def _threads_name(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def _hooks() -> list[Candidate]:
    hooks = (("fp16 gradients", "fp16", 1.8), ("bf16 gradients", "bf16", 1.8), ("PowerSGD", "powersgd", 4.0))
    return [Candidate(name, "A", {"hook": hook}, ("sync",), typical, _has_ranks) for name, hook, typical in hooks]


def _always(facts: Facts, plan: Plan) -> str:
    return ""


def _fits_host(facts: Facts, plan: Plan) -> str:
    size, room = facts.get("data_bytes", 0), facts.get("host_bytes", 0)
    return "" if size <= room / 2 else f"the data ({size:,} bytes) are more than half of the free memory"


def _fits_device(facts: Facts, plan: Plan) -> str:
    if facts.get("device") != "cuda":
        return "memory is the device's memory here"
    size, room = facts.get("data_bytes", 0), facts.get("memory_bytes", 0)
    return "" if size <= room / 2 else f"the data ({size:,} bytes) are more than half of the device's memory"


def _has_bf16(facts: Facts, plan: Plan) -> str:
    if facts.get("device") == "cuda":
        return "" if _capability(facts) >= (8, 0) else "this GPU has no bfloat16 units (before compute capability 8)"
    known = set(facts.get("flags", ()))
    return "" if known & BF16_FLAGS else "this processor has no bfloat16 instructions: it would be emulated"


def _has_tf32(facts: Facts, plan: Plan) -> str:
    return "" if _capability(facts) >= (8, 0) else "TensorFloat-32 exists on GPUs of compute capability 8 and up"


def _has_fp16(facts: Facts, plan: Plan) -> str:
    if facts.get("device") == "cuda":
        return "" if _capability(facts) >= (7, 0) else "this GPU has no half-precision tensor cores"
    known = set(facts.get("flags", ()))
    return "" if known & FP16_FLAGS else "this processor has no half-precision arithmetic: it would be emulated"


def _capability(facts: Facts) -> tuple[int, ...]:
    return tuple(facts.get("capability") or (0, 0))


def _has_convolutions(facts: Facts, plan: Plan) -> str:
    if not facts.get("has_convolutions"):
        return "the network has no convolutions"
    return str(facts.get("unsafe_layout", ""))


def _has_fused(facts: Facts, plan: Plan) -> str:
    return "" if plan.optimizer in FUSED else f"{plan.optimizer} has no fused update"


def _has_foreach(facts: Facts, plan: Plan) -> str:
    return "" if plan.optimizer != "muon" else "muon has no foreach update"


def _has_compiler(facts: Facts, plan: Plan) -> str:
    needed = "triton" if facts.get("device") == "cuda" else "a C++ compiler"
    return "" if facts.get("has_compiler") else f"torch.compile needs {needed}, which is not here"


def _can_capture(facts: Facts, plan: Plan) -> str:
    return "" if facts.get("device") == "cuda" else "graphs exist on CUDA only"


def _on_cpu(facts: Facts, plan: Plan) -> str:
    return "" if facts.get("device", "cpu") == "cpu" else "the work is done on the GPU"


def _has_ranks(facts: Facts, plan: Plan) -> str:
    return "" if facts.get("ranks", 1) > 1 else "one rank has nobody to talk to"
