"""Several processes on one port: each is a whole server with sockets of its own, a supervisor keeps them.

No request ever passes the supervisor.  `sockets` are those, `starting` makes processes, `seat` keeps a worker on its
own, `supervisor` keeps the seats; `channel` is what they speak over: `member` at the end of the worker, which begins
with an `order`, `child` at the other.  `owner` decides what all of them serve, `sums` adds up what they counted,
`spending` what keys have taken.
"""
