"""Collect: the outside world becomes a dataset.

A collector yields rows and, whenever it can name its position, a `Cursor`; everything before the cursor becomes
one commit of a Delta table, with the cursor inside the same commit.  So a collector that is killed and started
again stores every row exactly once.
"""

PARTS = {
    "csv": ".csv:Csv",
    "parquet": ".parquet:Parquet",
    "jsonl": ".jsonl:JsonLines",
    "images": ".images:Images",
    "sql": ".sql:Sql",
    "python": ".python:Python",
    "predictions": ".predictions:Predictions",
}
