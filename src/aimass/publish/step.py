"""The verb `publish`: a model whose gates all pass becomes a release, the folder that is served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from aimass.core.artifact import Artifact, Model, Release, Report
from aimass.core.errors import InfeasibleError, InputError
from aimass.core.step import Context, step
from aimass.engines.base import Engine
from aimass.engines.chosen import write_engine
from aimass.publish.base import Gate, Verdict
from aimass.publish.names import CHAMPION, check_alias, check_name

SERVED = ("model.onnx", "signature.json", "model.json", "sample.json")  # what answering needs
ALSO = ("head.json", "background.npz", "parity.json")  # kept beside them where the model has them


def register(workspace: Any, release: Artifact, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give RELEASE its number under the name of SETTINGS, and let the alias point to it."""
    from aimass.publish.registry import publish_version

    name, alias = settings["name"], settings["alias"]
    return {"version": publish_version(workspace, release, name, alias), "alias": f"{name}@{alias}"}  # type: ignore[arg-type]


@step(after=register)
def publish(  # type: ignore[return]  # the folder is the answer
    ctx: Context,
    model: Model,
    ledger: Report | None = None,
    *,
    name: str,
    alias: str = CHAMPION,
    gates: list[Gate] = ["budgets"],  # type: ignore[list-item]  # noqa: B006 - spelled out in the task
) -> Release:
    """Make a release of MODEL if every gate passes: the files that are served, with the ledger that argues for them.

    \b
    name   what the release is served as; it gets the next number of that name
    alias  moved to it: NAME@ALIAS; NAME alone means NAME@champion
    gates  what must pass; the first refusal ends it and nothing is published
    A model that was imported may go out without a ledger: its parity report argues for it (--gates parity).
    Example: aimass publish flights/mlp flights/ledger --name flights
    """
    check_name(name)
    check_alias(alias)
    _check_files(model, ledger)
    verdicts = [_verdict(ctx, gate, model, ledger) for gate in gates]
    engine = _engine(model, ledger)
    for file in (*SERVED, *ALSO, *(engine.files() if engine else ())):
        if (model.folder / file).exists():
            shutil.copyfile(model.folder / file, ctx.folder / file)
    if engine:
        write_engine(ctx.folder, engine)
    if ledger:
        shutil.copyfile(ledger.folder / "ledger.json", ctx.folder / "ledger.json")
    release = {"name": name, "model": model.digest, "ledger": ledger and ledger.digest, "gates": verdicts}
    text = json.dumps(release, indent=1, ensure_ascii=False)
    (ctx.folder / "release.json").write_text(text, encoding="utf-8")
    ctx.tell(name=name, gates=len(verdicts))


def _engine(model: Model, ledger: Report | None) -> Engine | None:
    """The engine that LEDGER picked with MODEL, None for the usual one.  Raises InputError when MODEL lacks a file."""
    pick = (ledger.read_json("ledger.json").get("pick") if ledger else None) or {}
    if pick.get("model") != model.digest or not pick.get("engine"):
        return None
    engine: Engine = Engine.from_settings(pick["engine"])
    _check_there(model, engine.files())
    return engine


def _check_files(model: Model, ledger: Report | None) -> None:
    _check_there(model, SERVED)
    if ledger and not (ledger.folder / "ledger.json").is_file():
        raise InputError(
            f"the report {ledger.digest[:12]} is no ledger",
            expected="a report made by `choose`, with ledger.json",
            todo="run `choose` on the measured candidates and publish with what it gives",
        )


def _check_there(model: Model, files: Sequence[str]) -> None:
    missing = [file for file in files if not (model.folder / file).is_file()]
    if missing:
        raise InputError(
            f"the model {model.digest[:12]} has no {', '.join(missing)}, so it cannot be served",
            expected=f"a model with {', '.join(files)}",
            todo="train it again",
        )


def _verdict(ctx: Context, gate: Gate, model: Model, ledger: Report | None) -> dict[str, object]:
    """GATE's verdict with its settings.  Raises InfeasibleError when it refuses."""
    settings = gate.settings()
    verdict: Verdict = gate.check(model, ledger)
    ctx.log(f"gate {settings['use']}: {'passed' if verdict.passed else 'refused'}: {verdict.reason}")
    if not verdict.passed:
        raise InfeasibleError(
            f"the gate {settings['use']} refuses the model: {verdict.reason}",
            expected="a model that passes every gate; nothing was published",
            todo="publish the model that the ledger picked, or relax the budget that is broken and run again",
        )
    return {"gate": settings, **verdict.as_json()}
