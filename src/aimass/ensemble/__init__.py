"""Ensemble: several models become one, in one ONNX graph; the ledger says whether it pays."""

PARTS = {
    "mean": ".mean:Mean",
    "weighted": ".weighted:Weighted",
    "greedy": ".greedy:Greedy",
    "vote": ".vote:Vote",
    "max": ".most:Max",
    "cascade": ".cascade:Cascade",
    "route": ".route:Route",
}
