"""What changes while one looks on: runs are other processes, so the catalog is asked, once for all who watch.

`tail` reads what a table gained, `source` makes news of it, `topic` numbers and keeps them for a while, `feed` keeps
them coming as long as somebody watches.
"""
