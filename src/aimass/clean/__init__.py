"""Clean: datasets become one dataset that keeps its contract.

Each source's contract (types, missing words, ranges) is inferred, shown, and editable in the project file.  A row
that breaks it goes to quarantine with its reason: accepted + quarantined = read.  Transforms then join and derive.
"""

PARTS = {"sql": ".sql:Sql"}
