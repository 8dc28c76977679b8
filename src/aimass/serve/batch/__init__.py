"""Micro-batches without a timer: requests that came in together, or while the model was busy, share a call.

`base` is what a request must be to take part, `profile` knows how long so many rows take, `waiting` is the bounded
queue, `batcher` makes the calls.  Knows rows and seconds, never HTTP.
"""
