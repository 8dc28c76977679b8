"""ONNX models in one file: one behind the other, or (with `prefixed`) beside each other."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import onnx
from onnx import compose, defs, version_converter

from aimass.core.errors import InputError
from aimass.models.network import bare

ML = "ai.onnx.ml"


def chain(models: list[onnx.ModelProto]) -> onnx.ModelProto:
    """MODELS one behind the other, joined by the names of outputs and inputs, and nothing that is not needed.

    The inputs of the first and the outputs of the last keep their names; the rest is called a/..., b/..., ...
    Raises InputError when one takes what the one before does not give.
    """
    last = len(models) - 1
    named = [prefixed(model, f"{chr(ord('a') + i)}/", inputs=i > 0, outputs=i < last) for i, model in enumerate(models)]
    outputs = [output.name for output in models[-1].graph.output]
    whole, *rest = same_versions(named)
    for each in rest:
        whole = _join(whole, each)
    keep_only(whole, outputs)
    onnx.checker.check_model(whole)
    return whole


def same_versions(models: list[onnx.ModelProto]) -> list[onnx.ModelProto]:
    """MODELS with one version of each operator set and one IR version, the highest among them.

    Of ai.onnx.ml the highest that has every operator in use: its later versions drop some (TreeEnsembleRegressor 5).
    """
    domains = {opset.domain for model in models for opset in model.opset_import}
    highest = {domain: _highest(models, domain) for domain in sorted(domains)}
    ir_version = max(model.ir_version for model in models)
    raised = [_raised(model, highest) for model in models]
    for model in raised:
        model.ir_version = ir_version
    return raised


def _highest(models: list[onnx.ModelProto], domain: str) -> int:
    """The version of DOMAIN that MODELS are raised, or of ai.onnx.ml lowered, to."""
    given = [(model, opset) for model in models for opset in model.opset_import if opset.domain == domain]
    versions: list[int] = sorted({opset.version for _, opset in given}, reverse=True)
    if domain != ML:
        return versions[0]  # its models can be converted
    used = [(_operators(model, domain).items(), opset) for model, opset in given]
    kept = (v for v in versions if all(_same(*each, opset, v) for kinds, opset in used for each in kinds))
    return next(kept, versions[0])


def _raised(model: onnx.ModelProto, highest: dict[str, int]) -> onnx.ModelProto:
    """MODEL in the HIGHEST versions: a new number when its operators mean the same there, else converted."""
    for opset in model.opset_import:
        wanted = highest[opset.domain]
        if opset.version == wanted:
            continue
        used = _operators(model, opset.domain)
        changed = [kind for kind, attributes in sorted(used.items()) if not _same(kind, attributes, opset, wanted)]
        if not changed:
            opset.version = wanted
        elif opset.domain in ("", "ai.onnx"):
            return _raised(version_converter.convert_version(model, wanted), highest)
        else:
            raise InputError(
                f"{', '.join(changed)} changed between versions {opset.version} and {wanted} of {opset.domain}",
                expected="a graph and a network of one version",
                todo="write the later file with the earlier version",
            )
    return model


def _operators(model: onnx.ModelProto, domain: str) -> dict[str, set[str]]:
    """Operators of DOMAIN in MODEL, with the attributes that are set anywhere."""
    found: dict[str, set[str]] = {}
    for node in _nodes(model.graph):
        if node.domain == domain:
            found.setdefault(node.op_type, set()).update(attribute.name for attribute in node.attribute)
    return found


def _same(kind: str, attributes: set[str], opset: onnx.OperatorSetIdProto, wanted: int) -> bool:
    """Whether operator KIND means the same in version WANTED."""
    if not defs.has(kind, opset.domain):
        return True  # an engine's own operator: it has one version
    here = defs.get_schema(kind, opset.version, opset.domain)
    there = defs.get_schema(kind, wanted, opset.domain)
    if there.deprecated:
        return False
    # ai.onnx.ml has no version converter.  Its later versions add attributes (TreeEnsembleClassifier 3) or give
    # them other names (LabelEncoder 2); what keeps every name that is set means what it meant.
    kept = opset.domain == ML and attributes <= set(there.attributes)
    return bool(here.since_version == there.since_version or kept)


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node of GRAPH and of the graphs inside its nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                yield from _nodes(inner)


def prefixed(model: onnx.ModelProto, prefix: str, *, inputs: bool = True, outputs: bool = True) -> onnx.ModelProto:
    """MODEL with its names prefixed, those of its INPUTS and OUTPUTS too where asked, and no names of nodes."""
    model = compose.add_prefix(bare(model), prefix, rename_inputs=inputs, rename_outputs=outputs)
    for node in _nodes(model.graph):
        node.name = ""
    return model


def _join(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """SECOND behind FIRST, joined by the names behind their prefixes.  Raises InputError when FIRST lacks one."""
    given = {_plain(output.name): output.name for output in first.graph.output}
    wanted = {_plain(value.name): value.name for value in second.graph.input}
    missing = [name for name in wanted if name not in given]
    if missing:
        raise InputError(
            f"the network takes {', '.join(missing)}, which is not given",
            expected=f"only {', '.join(sorted(given))}",
            todo="train the model on these examples",
        )
    pairs = [(given[name], wanted[name]) for name in wanted]
    return bare(compose.merge_models(first, second, pairs, name="model"))


def _plain(name: str) -> str:
    return name.partition("/")[2]


def keep_only(model: onnx.ModelProto, outputs: list[str]) -> None:
    """Drop what OUTPUTS do not need; every raw column stays an input.  In place."""
    graph = model.graph
    needed, kept = set(outputs), []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= reads(node)
    answers = [output for output in graph.output if output.name in outputs]
    constants = [constant for constant in graph.initializer if constant.name in needed]
    for field, values in ((graph.node, kept[::-1]), (graph.output, answers), (graph.initializer, constants)):
        held = [copy.deepcopy(value) for value in values]
        del field[:]
        field.extend(held)


def reads(node: onnx.NodeProto) -> set[str]:
    """Names that NODE and the graphs inside it read."""
    names = set(node.input)
    for attribute in node.attribute:
        for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
            names |= {o.name for o in inner.output}.union(*(reads(n) for n in inner.node))
    return names
