"""`aimass up`: one process that keeps the others - the console, the workers of jobs, the endpoints of the workspace.

`supervisor` keeps them, each as a `kept`, which runs `child` with one of the bodies `page`, `working` and `inference`;
`state` is the file that says who is up, for `aimass status` and `aimass down`.
"""

BODIES = {
    "console": "aimass.console.up.page:answer",
    "jobs": "aimass.console.up.working:work",
    "inference": "aimass.console.up.inference:serve_published",
}
