"""What steps ask for, as forms; what is written into them is checked by the steps themselves, before anything runs.

Steps and parts import what they work with (torch, say), so both happen in a process of its own: the console
stays small.
"""
