"""Tables to files: CSV or Parquet, in blocks of rows, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mentorship_eval.errors import UsageError

__all__ = ["FORMATS", "write_json", "write_study", "write_tables"]

FORMATS = ("csv", "parquet")
_ROWS = 500_000  # rows in a block


def write_tables(folder: Path, tables: dict[str, pd.DataFrame], format: str) -> None:
    """One file per table; raises `UsageError` for an unknown format."""
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", fix=f"Known: {', '.join(FORMATS)}.")
    for name, table in tables.items():
        write = _csv if format == "csv" else _parquet
        write(folder / f"{name}.{format}", table)


def _blocks(table: pd.DataFrame) -> list[pd.DataFrame]:
    return [table.iloc[at : at + _ROWS] for at in range(0, max(len(table), 1), _ROWS)]


def _csv(path: Path, table: pd.DataFrame) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        for number, block in enumerate(_blocks(table)):
            _with_text_dates(block).to_csv(stream, index=False, header=number == 0, lineterminator="\n")


def _with_text_dates(block: pd.DataFrame) -> pd.DataFrame:
    """Dates as text, each distinct day once: a window has few days and many rows."""
    dates = [name for name in block if pd.api.types.is_datetime64_any_dtype(block[name])]
    if not dates:
        return block
    made = {}
    for name in dates:
        codes, days = pd.factorize(block[name])
        texts = np.append(np.asarray(pd.DatetimeIndex(days).strftime("%Y-%m-%d"), dtype=object), None)  # code -1, a missing day, is the last
        made[name] = pd.Series(texts[codes], index=block.index, dtype=object)
    return block.assign(**made)


def _parquet(path: Path, table: pd.DataFrame) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # the types of the whole table, since a block may hold nothing but blanks in a column
    schema = pa.Schema.from_pandas(table, preserve_index=False).remove_metadata()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for block in _blocks(table):
            writer.write_table(pa.Table.from_pandas(block, schema=schema, preserve_index=False).replace_schema_metadata(None))


def write_study(folder: Path, study: dict[str, Any]) -> None:
    import yaml

    text = yaml.safe_dump(study, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
    (folder / "study.yaml").write_text("# A simulated cohort: nobody in it exists. What is true of it stands in truth.json.\n" + text,
                                       encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
