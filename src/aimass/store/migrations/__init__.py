"""The catalog's history: each revision brings an older catalog to the tables of today."""
