"""Store: where things are kept.  Bytes in a folder or at an fsspec URL, facts in SQLite or Postgres, rows in Delta."""
