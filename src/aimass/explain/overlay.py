"""An image with its attributions over it, as PNG: red speaks for the answer, blue against it."""

from __future__ import annotations

import io

import numpy as np

LEAST = 224  # pixels along the shorter side: small images are enlarged by a whole number
FOR, AGAINST = np.array([230.0, 40.0, 30.0]), np.array([30.0, 90.0, 230.0])
COVER = 0.7  # how much of the image the largest attribution covers


def overlay(image: np.ndarray, attributions: np.ndarray) -> bytes:
    """PNG of IMAGE uint8 [H, W, C] under its ATTRIBUTIONS [H, W]; its greys stand for its colours."""
    from PIL import Image

    grey = image[..., :3].mean(axis=2) if image.shape[2] >= 3 else image[..., 0].astype(np.float64)
    largest = np.abs(attributions).max()
    weight = COVER * (np.abs(attributions) / largest if largest > 0 else np.zeros(attributions.shape))[..., None]
    tint = np.where(attributions[..., None] >= 0, FOR, AGAINST)
    mixed = (1 - weight) * grey[..., None] + weight * tint
    times = max(1, -(-LEAST // max(1, min(attributions.shape)))) if max(attributions.shape) < LEAST else 1
    enlarged = mixed.round().astype(np.uint8).repeat(times, axis=0).repeat(times, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(enlarged).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
