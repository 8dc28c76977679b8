"""What everything hangs on: artifacts, parts, steps, tasks, signatures, errors.  Standard library only."""
