"""Search: measured candidates become a pick and a ledger that lists every one, adopted or rejected, and why."""
