"""Publish: a model becomes a numbered release (`flights@3`) if its gates pass; an alias points to a release."""

PARTS = {"budgets": ".budgets:Budgets", "parity": ".parity:Parity"}
