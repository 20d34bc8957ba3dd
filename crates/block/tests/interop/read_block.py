"""Reads a block with pyarrow and DuckDB, and prints what they find as JSON.

    python read_block.py <folder of the block>

Both count traces, spans, attributes and errors on their own; the counts must agree. DuckDB is
asked in SQL over the nested columns, as a person would ask.
"""

import json
import sys
from pathlib import Path

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq

data = str(Path(sys.argv[1]) / "data.parquet")


def with_pyarrow():
    file = pq.ParquetFile(data)
    found = {"traces": 0, "spans": 0, "span_attributes": 0, "errors": 0, "ids": 0}
    for number in range(file.num_row_groups):
        table = file.read_row_group(number)
        found["traces"] += table.num_rows
        found["ids"] += len(set(table["TraceID"].to_pylist()))
        scopes = pc.list_flatten(pc.struct_field(pc.list_flatten(table["rs"]), "ss"))
        spans = pc.list_flatten(pc.struct_field(scopes, "Spans"))
        found["spans"] += len(spans)
        found["errors"] += pc.sum(pc.equal(pc.struct_field(spans, "StatusCode"), 2)).as_py() or 0
        found["span_attributes"] += len(pc.list_flatten(pc.struct_field(spans, "Attrs")))
    return found


def with_duckdb():
    spans = f"""
        with r as (select TraceID, unnest(rs) as r from read_parquet('{data}')),
             s as (select TraceID, unnest(r.ss) as s from r),
             p as (select TraceID, unnest(s.Spans) as p from s)
        select count(distinct TraceID), count(*), coalesce(sum(len(p.Attrs)), 0)::bigint,
               count(*) filter (p.StatusCode = 2)
        from p
    """
    ids, count, attributes, errors = duckdb.connect().execute(spans).fetchone()
    traces = duckdb.connect().execute(f"select count(*) from read_parquet('{data}')").fetchone()[0]
    return {
        "traces": traces,
        "spans": count,
        "span_attributes": attributes,
        "errors": errors,
        "ids": ids,
    }


print(json.dumps({"pyarrow": with_pyarrow(), "duckdb": with_duckdb()}))
