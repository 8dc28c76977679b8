"""Explanations at the endpoint: asked over HTTP, made in a process of their own that runs when nothing else wants to.

An explanation asks the model hundreds of times; here it asks a copy, so predictions never wait for it.  `word` is what
asks for one, `route` and `beside` where: by itself, or with a prediction.  `asked` reads how, `explanations` makes them
at once or as `jobs`, `pool` hands questions to the process, `__main__` is that process.
"""
