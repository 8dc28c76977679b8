"""The contract of a transform: tables in, tables out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pyarrow.dataset as ds

from aimass.core.part import Part

Tables = Mapping[str, ds.Dataset]  # by source name; scanned, never loaded whole


class Transform(Part):
    """Makes tables from tables: joins, derived columns, filters."""

    family: ClassVar[str] = "transform"

    def apply(self, tables: Tables, out: Path) -> dict[str, Any]:
        """Write one Parquet file to OUT from TABLES; return facts ({"rows": n}).  Same tables, same bytes.

        A temporary file may stand beside OUT while it runs.  Raises InputError for what cannot be done.
        """
        raise NotImplementedError
