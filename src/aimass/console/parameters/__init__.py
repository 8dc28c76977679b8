"""What can be changed while everything runs, whichever subsystem it belongs to: one list, one way, one history.

A subsystem adds a source: an object that lists what can be changed and changes it (`base`).  `registry` asks all of
them, `changes` remembers who changed what, `effect` says what a change did to the seconds that callers wait.
"""

SOURCES = {
    "inference": ".inference:Inference",
    "up": ".processes:Processes",
}
