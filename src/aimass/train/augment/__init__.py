"""Augment: training batches varied by chance, as batched tensor operations on the batch's own device."""

PARTS: dict[str, str] = {
    "flip": ".flip:Flip",
    "shift": ".shift:Shift",
    "crop": ".crop:Crop",
    "affine": ".affine:Affine",
    "colour": ".colour:Colour",
    "blur": ".blur:Blur",
    "noise": ".noise:Noise",
    "cutout": ".cutout:Cutout",
    "mixup": ".mixup:Mixup",
    "cutmix": ".cutmix:Cutmix",
    "swap-words": ".swap_words:SwapWords",
    "delete-words": ".delete_words:DeleteWords",
    "insert-words": ".insert_words:InsertWords",
    "synonyms": ".synonyms:Synonyms",
    "misspell": ".misspell:Misspell",
    "jitter": ".jitter:Jitter",
    "swap-cells": ".swap_cells:SwapCells",
    "hide-categories": ".hide_categories:HideCategories",
}
