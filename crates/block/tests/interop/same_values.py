"""Reads two files with pyarrow and DuckDB, and prints as JSON whether they say the same.

    python same_values.py <data.parquet> <data.parquet>

Every value of every column is compared, by each reader on its own.
"""

import json
import sys

import duckdb
import pyarrow.parquet as pq

first, second = sys.argv[1:3]


def with_pyarrow():
    return pq.read_table(first).equals(pq.read_table(second))


def with_duckdb():
    database = duckdb.connect()

    def digest(path):
        row = f"select TraceID as id, md5(t::varchar) as row from read_parquet('{path}') t"
        return database.execute(f"select count(*), md5(string_agg(row, '' order by id)) from ({row})").fetchone()

    return digest(first) == digest(second)


print(json.dumps({"pyarrow": with_pyarrow(), "duckdb": with_duckdb()}))
