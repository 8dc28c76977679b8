"""What changes while one looks on: it is done by other processes, so it is looked at, once for all who watch.

`tail` reads what a table gained, `source` makes news of runs of it, `marks` says of all else that it is another.
`topic` numbers and keeps news for a while, `feed` keeps them coming while somebody watches, `kinds` has all topics.
"""
