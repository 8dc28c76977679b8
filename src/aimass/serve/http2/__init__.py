"""HTTP/2 for gRPC: calls with a message in and messages out, many on a connection (RFC 9113, RFC 7541).

grpcio's own server spends a hundred microseconds on a call.  Clients repeat themselves: the block of headers of a call
is, byte for byte, that of the call before it, so it is looked up; every answer's is the same.  Knows nothing of models.
"""
