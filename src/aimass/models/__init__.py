"""Models: what a network is.  One file an architecture; each maps the tensors of `prepare` to scores."""

PARTS = {
    "linear": ".linear:Linear",
    "mlp": ".mlp:Mlp",
    "convnet": ".convnet:ConvNet",
    "text": ".text:TextNet",
    "xgboost": ".xgboost:XGBoost",
}
