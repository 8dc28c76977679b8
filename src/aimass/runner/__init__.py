"""Runner: places to work.  Every place calls the one function `execute`; ids cross the border, data does not."""

RUNNERS = {
    "inline": "aimass.runner.inline:Inline",
    "processes": "aimass.runner.processes:Processes",
    "ray": "aimass.runner.ray:Ray",
}
