"""Endpoints as the console sees them: what is published, what of it answers, and how it can be asked.

`served` joins the registry with what the server says, `form` reads how a release wants to be asked, `asking` asks it.
"""
