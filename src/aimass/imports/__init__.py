"""Imports: a model made elsewhere becomes a model of ours, if it still answers as it did.

A file that is data (ONNX, XGBoost's JSON, LightGBM's text) is read in a process of its own, with limits.  A file that
is a program (a pickle, a TorchScript archive, a Keras file, a SavedModel) is never loaded: its model is given as an
object, from the Python that trusts it.  Either way only ONNX is kept, and it must give the original's answers.
"""

PARTS = {
    "onnx": ".onnx:Onnx",
    "xgboost": ".xgboost:XGBoost",
    "lightgbm": ".lightgbm:LightGBM",
    "sklearn": ".sklearn:Sklearn",
    "torch": ".torch:Torch",
    "keras": ".keras:Keras",
}
