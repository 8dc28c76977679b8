"""Explain: a model, some rows and a background become reasons that add up to the answer.

The model is asked as it is served (raw columns in, answers out), so what is explained is what answers, compressed or
not, and names are those of the raw columns.  An explainer hides parts of a row behind a background and asks again:
columns, regions of an image, words of a text.  It knows predictors and signatures, never HTTP.
"""

PARTS = {
    "auto": ".auto:Auto",
    "shapley": ".shapley:Shapley",
    "occlusion": ".occlusion:Occlusion",
    "tokens": ".tokens:Tokens",
}
