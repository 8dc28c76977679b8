"""Who may ask for what, how much of it, and whose turn it is.

`keys` is what a caller shows, `file` where keys are kept, `scopes` the one table of rights, `clients` the keys at work,
`rates` and `quotas` what they may take, `guard` the place where a request meets all of it, `tls` the door itself.
"""
