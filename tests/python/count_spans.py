"""Counts the spans of Tempo blocks with readers that are not ours.

Arguments: the reader (pyarrow or duckdb) and the data.parquet files. Prints a JSON object: trace id
in hex -> [spans, spans with an error status, distinct span ids].
"""

import collections
import json
import sys


def pyarrow_rows(paths):
    import pyarrow.parquet

    for path in paths:
        table = pyarrow.parquet.read_table(path, columns=["TraceID", "rs"])
        for row in table.to_pylist():
            for resource in row["rs"]:
                for scope in resource["ss"]:
                    for span in scope["Spans"]:
                        yield row["TraceID"].hex(), span["SpanID"], span["StatusCode"]


def duckdb_rows(paths):
    import duckdb

    query = """
        with resources as (select TraceID, unnest(rs) as r from read_parquet(?)),
             scopes as (select TraceID, unnest(r.ss) as s from resources),
             spans as (select TraceID, unnest(s.Spans) as x from scopes)
        select lower(hex(TraceID)), x.SpanID, x.StatusCode from spans
    """
    yield from duckdb.execute(query, [paths]).fetchall()


def main():
    reader, paths = sys.argv[1], sys.argv[2:]
    rows = {"pyarrow": pyarrow_rows, "duckdb": duckdb_rows}[reader](paths)
    counts = collections.defaultdict(lambda: [0, 0, set()])
    for trace, span, status in rows:
        count = counts[trace]
        count[0] += 1
        count[1] += status == 2
        count[2].add(bytes(span))
    json.dump({trace: [n, errors, len(ids)] for trace, (n, errors, ids) in counts.items()}, sys.stdout)


main()
