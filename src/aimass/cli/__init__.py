"""The command line: each step as a command, derived from its signature; no logic of its own."""
