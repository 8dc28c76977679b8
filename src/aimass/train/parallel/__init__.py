"""Data parallel: ranks that hold the same weights, each with its part of every batch; what they exchange, and how."""
