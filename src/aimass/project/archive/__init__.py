"""A project in one file: its runs, artifacts, releases, names, rows and project file, for another workspace.

A zip that any tool opens, in which nothing is packed: what comes out is never more than the file itself.  Nothing in it
can run.  `contents.json`, its last member, lists every other one with its size and SHA-256.
"""
