"""A run or a release as one HTML file: read anywhere, asks nobody for anything, and holds its data for export."""
