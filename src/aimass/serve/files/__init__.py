"""Predictions for whole files: read a block at a time, by as many workers as wanted, written when whole.

blocks.py says what a block is; csv.py, jsonl.py, parquet.py and pictures.py read them; sinks.py writes answers; work.py
is what a worker does, and fresh.py puts the result in its place.
"""
