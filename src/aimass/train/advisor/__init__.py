"""The advisor: which accelerations pay on this machine, for this network and these rows?  It measures, never guesses.

noise -> diagnose -> screen each candidate -> search -> confirm with fresh pairs -> ledger; `advise` goes through them.
Techniques that make a step faster are adopted only when their lower bound is, their numbers agree with the safe
plan's, they fit the memory and their set-up pays back within the run.  Everything else is refused with a reason.
"""
