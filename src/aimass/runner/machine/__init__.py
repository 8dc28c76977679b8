"""What a run's machine does while it works: its processes and all others, looked at from beside, never by the step."""
