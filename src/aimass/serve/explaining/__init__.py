"""Explanations at the endpoint: asked over HTTP, made in a process of their own that runs when nothing else wants to.

An explanation asks the model hundreds of times; here it asks a copy, so predictions never wait for it.  `route` reads
what is asked, `pool` hands it to the process, `__main__` is that process.
"""
