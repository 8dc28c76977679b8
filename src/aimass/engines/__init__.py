"""Engines: how a saved model is executed.  Engines know tensors, never rows of records."""

PARTS = {
    "onnxruntime": ".onnxruntime:OnnxRuntime",
    "xgboost": ".xgboost:XGBoostNative",
    "torch": ".torch:Torch",
    "openvino": ".openvino:OpenVino",
    "host": ".host.engine:Host",
}
