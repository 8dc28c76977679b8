"""The project file: each step as a table in aimass.toml, from raw data to a published version.

`load` reads and checks a file, `run` carries it out, `draft` writes a first one from a data file.
"""
