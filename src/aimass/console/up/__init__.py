"""What is behind a workspace, kept: the workers of jobs and the endpoints of what is published.

A `kept` is one process, which runs `child` with one of the bodies `working` and `inference`; `state` is the file that
says who is up.
"""
