"""Who may use the console, and for what.

`roles` is the one table of rights, `who` the place where a request meets it; `users`, `sessions`, `keys` and `links`
are ways to be somebody, `passwords` and `attempts` keep others from trying, `audit` keeps what was done.
"""
