"""AI Mass: raw data to a fast, small, explained, watched model at a live endpoint."""

__version__ = "0.1.0"
