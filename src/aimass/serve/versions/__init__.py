"""Versions of a model: which should be here, which are, and whose turn it is.

`desired` says what should be, `life` makes it so: a new version proves itself in a process of its own (`probation`),
is loaded beside the old one, gets the requests that `traffic` gives it, and is watched (`judge`) until it may stay.
`deployment` is what the protocols see of a name; `shadow` compares a version with the one that answers.
"""
