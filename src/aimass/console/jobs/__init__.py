"""Jobs: projects and tasks that somebody asked for; a worker carries out one at a time, each in a process of its own.

`store.jobs` is the queue; `worker` takes from it, `attempt` is the process of one job as its worker sees it, `process`
is that process, and `work` what it does.
"""
