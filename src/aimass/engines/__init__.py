"""Engines: how a saved model is executed.  Engines know tensors, never rows of records."""

PARTS = {"onnxruntime": ".onnxruntime:OnnxRuntime", "host": ".host.engine:Host"}
