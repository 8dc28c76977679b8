"""The order in which data flows, for resolver, help, docs and layer test.  Imports look up this list, never down."""

from typing import NamedTuple


class Stage(NamedTuple):
    """A folder of the story: its VERBS (steps), the FAMILY of parts it holds, a line of help."""

    folder: str
    story: str
    verbs: tuple[str, ...] = ()
    family: str = ""
    base: str = ""  # dotted name of the family's contract inside the folder


STAGES: tuple[Stage, ...] = (
    Stage("collect", "outside world -> dataset", ("collect",), "collector", ".base:Collector"),
    Stage("clean", "dataset -> dataset", ("clean",), "transform", ".base:Transform"),
    Stage("prepare", "dataset -> examples", ("prepare",), "preparer", ".base:Preparer"),
    Stage("models", "what a network is", (), "architecture", ".base:Architecture"),
    Stage("engines", "how a saved model is executed", (), "engine", ".base:Engine"),
    Stage("measure", "model x examples -> report", ("measure",), "metric", ".base:Metric"),
    Stage("explain", "model x examples -> report", ("explain",), "explainer", ".base:Explainer"),
    Stage("train", "examples -> model", ("train",), "recipe", ".base:Recipe"),
    Stage("imports", "model from elsewhere -> model", ("import_model",), "importer", ".base:Importer"),
    Stage("compress", "model -> model", ("compress",), "pass", ".base:Pass"),
    Stage("ensemble", "models -> one model", ("ensemble",), "fusion", ".base:Fusion"),
    Stage("search", "measured candidates -> pick and ledger", ("choose",)),
    Stage("publish", "model -> release", ("publish",), "gate", ".base:Gate"),
    Stage("serve", "release -> predictions", ("predict",), "wrapper", ".base:Wrapper"),
)

INSIDE = (  # families inside a stage: what its parts are made of
    Stage("store.trackers", "live figures -> other tools", (), "tracker", ".base:Tracker"),
    Stage("train.augment", "training batches -> varied batches", (), "augmentation", ".base:Augmentation"),
)

ORDER = ("core", "store", "runner", *(s.folder for s in STAGES), "project", "console", "cli", "__main__", "__init__")
VERBS = {verb: stage for stage in STAGES for verb in stage.verbs}
FAMILIES = {stage.family: stage for stage in (*STAGES, *INSIDE) if stage.family}
