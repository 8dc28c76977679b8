"""What is seen of a server while it answers: metrics as text, its own state, an access log, traces.

Nothing here stands in the way of a request: it counts, or notes what a thread of its own tells later.
"""
