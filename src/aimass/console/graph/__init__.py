"""The graph of a model: what is in it as a table, and Netron to look at it, from files of this machine alone."""
