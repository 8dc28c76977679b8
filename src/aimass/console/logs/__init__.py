"""What all processes, jobs and runs say.

`stamp` gives what a process prints its time.
"""
