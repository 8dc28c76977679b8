"""What all processes, jobs and runs say, as one stream.

`stamp` gives what a process prints its time; `line` tells errors from the rest; `file` and `runs` read one log from a
place on, forwards and backwards; `stream` merges all of them by time, page by page.
"""
