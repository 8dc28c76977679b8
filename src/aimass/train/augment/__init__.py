"""Augment: training batches varied by chance, as batched tensor operations on the batch's own device."""

PARTS: dict[str, str] = {}
