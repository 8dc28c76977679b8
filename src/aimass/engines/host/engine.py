"""The host as an engine: whatever engine it names runs in a process of its own."""

from __future__ import annotations

from pathlib import Path

from aimass.core.part import knob
from aimass.engines.base import Engine, Predictor
from aimass.engines.host.hosted import Hosted
from aimass.engines.host.limits import Limits
from aimass.engines.onnxruntime import OnnxRuntime


class Host(Engine):
    """Runs another engine in a process of its own, and starts it again when it fails."""

    engine: Engine = knob(OnnxRuntime(), help="what runs there")
    limits: Limits = knob(Limits(), help="what it may take, and how often it may fail")

    def files(self) -> tuple[str, ...]:
        return self.engine.files()

    def load(self, model: Path) -> Predictor:
        """A predictor that is running; its `close` ends the process.  Raises what the engine raises at loading."""
        return Hosted(self.engine, model, self.limits).start()
