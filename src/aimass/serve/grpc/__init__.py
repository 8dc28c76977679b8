"""The Open Inference Protocol V2 over gRPC, with Triton's repository, statistics, configuration and streaming calls."""
