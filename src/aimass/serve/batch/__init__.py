"""Micro-batches without a timer: requests that came in together, or while the model was busy, share a call.

`base` is what a request must be to take part, `profile` knows how long so many rows take, `waiting` is the bounded
queue, `groups` are those who share a call, `batcher` makes it.  Knows rows and seconds, never HTTP.
"""
