"""The messages of inference.GRPCInferenceService, in a pool of their own; other services make theirs the same way.

tritonclient and the KServe client register the same names in protobuf's common pool, and cannot be imported together
(kserve/kserve#3099); whoever imports us beside either must not notice.  Numbers and names are the published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
F = descriptor_pb2.FieldDescriptorProto
KINDS = {
    "bool": F.TYPE_BOOL, "int32": F.TYPE_INT32, "int64": F.TYPE_INT64, "uint32": F.TYPE_UINT32, "uint64": F.TYPE_UINT64,
    "float": F.TYPE_FLOAT, "double": F.TYPE_DOUBLE, "string": F.TYPE_STRING, "bytes": F.TYPE_BYTES,
}  # fmt: skip

# Message -> "kind name = number; ..."; [] repeats, {} maps from text, | is one of several.
MESSAGES = {
    "InferParameter": "|bool bool_param = 1; |int64 int64_param = 2; |string string_param = 3; "
                      "|double double_param = 4; |uint64 uint64_param = 5",
    "InferTensorContents": "[]bool bool_contents = 1; []int32 int_contents = 2; []int64 int64_contents = 3; "
                           "[]uint32 uint_contents = 4; []uint64 uint64_contents = 5; []float fp32_contents = 6; "
                           "[]double fp64_contents = 7; []bytes bytes_contents = 8",
    "ServerLiveRequest": "",
    "ServerLiveResponse": "bool live = 1",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "bool ready = 1",
    "ModelReadyRequest": "string name = 1; string version = 2",
    "ModelReadyResponse": "bool ready = 1",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name = 1; string version = 2; []string extensions = 3",
    "ModelMetadataRequest": "string name = 1; string version = 2",
    "ModelMetadataResponse.TensorMetadata": "string name = 1; string datatype = 2; []int64 shape = 3",
    "ModelMetadataResponse": "string name = 1; []string versions = 2; string platform = 3; "
                             "[]ModelMetadataResponse.TensorMetadata inputs = 4; "
                             "[]ModelMetadataResponse.TensorMetadata outputs = 5",
    "ModelInferRequest.InferInputTensor": "string name = 1; string datatype = 2; []int64 shape = 3; "
                                          "{}InferParameter parameters = 4; InferTensorContents contents = 5",
    "ModelInferRequest.InferRequestedOutputTensor": "string name = 1; {}InferParameter parameters = 2",
    "ModelInferRequest": "string model_name = 1; string model_version = 2; string id = 3; "
                         "{}InferParameter parameters = 4; []ModelInferRequest.InferInputTensor inputs = 5; "
                         "[]ModelInferRequest.InferRequestedOutputTensor outputs = 6; []bytes raw_input_contents = 7",
    "ModelInferResponse.InferOutputTensor": "string name = 1; string datatype = 2; []int64 shape = 3; "
                                            "{}InferParameter parameters = 4; InferTensorContents contents = 5",
    "ModelInferResponse": "string model_name = 1; string model_version = 2; string id = 3; "
                          "{}InferParameter parameters = 4; []ModelInferResponse.InferOutputTensor outputs = 5; "
                          "[]bytes raw_output_contents = 6",
    "ModelStreamInferResponse": "string error_message = 1; ModelInferResponse infer_response = 2",
    "ModelRepositoryParameter": "|bool bool_param = 1; |int64 int64_param = 2; |string string_param = 3; "
                                "|bytes bytes_param = 4",
    "RepositoryIndexRequest": "string repository_name = 1; bool ready = 2",
    "RepositoryIndexResponse.ModelIndex": "string name = 1; string version = 2; string state = 3; string reason = 4",
    "RepositoryIndexResponse": "[]RepositoryIndexResponse.ModelIndex models = 1",
    "RepositoryModelLoadRequest": "string repository_name = 1; string model_name = 2; "
                                  "{}ModelRepositoryParameter parameters = 3",
    "RepositoryModelLoadResponse": "",
    "RepositoryModelUnloadRequest": "string repository_name = 1; string model_name = 2; "
                                    "{}ModelRepositoryParameter parameters = 3",
    "RepositoryModelUnloadResponse": "",
    "StatisticDuration": "uint64 count = 1; uint64 ns = 2",
    "InferStatistics": "StatisticDuration success = 1; StatisticDuration fail = 2; StatisticDuration queue = 3; "
                       "StatisticDuration compute_input = 4; StatisticDuration compute_infer = 5; "
                       "StatisticDuration compute_output = 6",
    "ModelStatisticsRequest": "string name = 1; string version = 2",
    "ModelStatistics": "string name = 1; string version = 2; uint64 last_inference = 3; uint64 inference_count = 4; "
                       "uint64 execution_count = 5; InferStatistics inference_stats = 6; "
                       "[]InferBatchStatistics batch_stats = 7",
    "InferBatchStatistics": "uint64 batch_size = 1; StatisticDuration compute_input = 2; "
                            "StatisticDuration compute_infer = 3; StatisticDuration compute_output = 4",
    "ModelStatisticsResponse": "[]ModelStatistics model_stats = 1",
    "ModelInput": "string name = 1; int32 data_type = 2; []int64 dims = 4",
    "ModelOutput": "string name = 1; int32 data_type = 2; []int64 dims = 3",
    "ModelConfig": "string name = 1; string platform = 2; int32 max_batch_size = 4; []ModelInput input = 5; "
                   "[]ModelOutput output = 6; string backend = 17",
    "ModelConfigRequest": "string name = 1; string version = 2",
    "ModelConfigResponse": "ModelConfig config = 1",
}  # fmt: skip


def classes(package: str, messages: Mapping[str, str]) -> dict[str, Any]:
    """Classes of MESSAGES, which are written as above, by name."""
    file = descriptor_pb2.FileDescriptorProto(name=f"aimass/{package}.proto", package=package, syntax="proto3")
    made: dict[str, Any] = {}
    for name, text in messages.items():
        outer, _, inner = name.partition(".")
        if outer not in made:
            made[outer] = file.message_type.add(name=outer)
        target = made[outer].nested_type.add(name=inner) if inner else made[outer]
        for field in filter(None, text.split("; ")):
            _add(target, package, name, field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    whole = (name for name in messages if "." not in name)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in whole}


def _add(message: Any, package: str, within: str, text: str) -> None:
    """A field as TEXT says to MESSAGE."""
    kind, name, _, number = text.split()
    mark = next((mark for mark in ("[]", "{}", "|") if kind.startswith(mark)), "")
    kind = kind.removeprefix(mark)
    field = message.field.add(
        name=name, number=int(number), label=F.LABEL_REPEATED if mark in ("[]", "{}") else F.LABEL_OPTIONAL
    )
    if mark == "{}":
        _map(message, field, package, within, kind)
    else:
        _typed(field, package, kind)
    if mark == "|":
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0


def _typed(field: Any, package: str, kind: str) -> None:
    if kind in KINDS:
        field.type = KINDS[kind]
    else:
        field.type, field.type_name = F.TYPE_MESSAGE, f".{package}.{kind}"


def _map(message: Any, field: Any, package: str, within: str, kind: str) -> None:
    entry = message.nested_type.add(name="".join(part.title() for part in field.name.split("_")) + "Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=F.LABEL_OPTIONAL, type=F.TYPE_STRING)
    _typed(entry.field.add(name="value", number=2, label=F.LABEL_OPTIONAL), package, kind)
    field.type, field.type_name = F.TYPE_MESSAGE, f".{package}.{within}.{entry.name}"


CLASSES = classes(PACKAGE, MESSAGES)
