"""The order in which data flows, written once: read by the resolver, the CLI help, the docs and the layer test.

Imports look up this list, never down.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A folder of the story: its VERBS (steps), the FAMILY of parts it holds, a line of help."""

    folder: str
    story: str
    verbs: tuple[str, ...] = ()
    family: str = ""
    base: str = ""  # dotted name of the family's contract inside the folder


FOUNDATION = ("core", "store", "runner")

STAGES: tuple[Stage, ...] = (
    Stage("collect", "outside world -> dataset", ("collect",), "collector", ".base:Collector"),
    Stage("clean", "dataset -> dataset", ("clean",), "transform", ".base:Transform"),
    Stage("prepare", "dataset -> examples", ("prepare",), "preparer", ".base:Preparer"),
    Stage("models", "what a network is", (), "architecture", ".base:Architecture"),
    Stage("engines", "how a saved model is executed", (), "engine", ".base:Engine"),
    Stage("measure", "model x examples -> report", ("measure",), "metric", ".base:Metric"),
    Stage("train", "examples -> model", ("train",), "recipe", ".base:Recipe"),
    Stage("compress", "model -> model", ("compress",), "pass", ".base:Pass"),
    Stage("search", "measured candidates -> pick and ledger", ("choose",)),
    Stage("publish", "model -> release", ("publish",), "gate", ".base:Gate"),
    Stage("serve", "release -> predictions", (), "wrapper", ".base:Wrapper"),
)

FACES = ("project", "cli", "__main__", "__init__")

ORDER: tuple[str, ...] = (*FOUNDATION, *(s.folder for s in STAGES), *FACES)


def stage_of_verb(verb: str) -> Stage:
    """The stage that owns VERB.  Raises InputError with the nearest verb when nobody does."""
    from aimass.core.errors import unknown

    for stage in STAGES:
        if verb in stage.verbs:
            return stage
    raise unknown("step", verb, [v for s in STAGES for v in s.verbs])


def stage_of_family(family: str) -> Stage:
    """The stage that holds the parts of FAMILY."""
    from aimass.core.errors import unknown

    for stage in STAGES:
        if stage.family == family:
            return stage
    raise unknown("family", family, [s.family for s in STAGES if s.family])
