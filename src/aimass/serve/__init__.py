"""Serve: a release answers.  One predictor, wrapped; plain records and Open Inference V2 end in the same call."""

PARTS = {"prediction-log": ".log:PredictionLog"}
