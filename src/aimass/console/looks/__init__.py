"""What is in a file that anybody may have made, told by a process of its own.

A file that breaks its reader, takes all memory or never ends does no harm here: `ask` begins the process with limits on
time and memory, in a folder that goes with it, and remembers what it told; `process` is what it does.
"""
