"""HTTP/1.1 for the data plane: bytes of a connection in, exchanges out, answers in the order of their questions.

Knows nothing of models.  `heads` remembers heads that were parsed before, `connection` is the protocol of one
connection, `front` is what all of them share, `bridge` lets an ASGI application answer what is not on the hot path.
"""
