"""Compares what was taken with what is in blocks, by pyarrow alone.

Arguments: the ledger (entries of 25 bytes: trace id, span id, kind) and the data.parquet files.
Prints a JSON object of numbers. The recorded traffic has spans that share an id and kind; they
count as often as they were sent.
"""

import collections
import json
import sys

import pyarrow.parquet

ENTRY = 25
PATH = "rs.list.element.ss.list.element.Spans.list.element."


def spans(path):
    table = pyarrow.parquet.ParquetFile(path)
    for group in range(table.num_row_groups):
        columns = ["TraceID", PATH + "SpanID", PATH + "Kind"]
        for row in table.read_row_group(group, columns=columns).to_pylist():
            for resource in row["rs"]:
                for scope in resource["ss"]:
                    for span in scope["Spans"]:
                        yield row["TraceID"] + span["SpanID"] + bytes([span["Kind"]])


def main():
    ledger = open(sys.argv[1], "rb").read()
    taken = collections.Counter(ledger[i : i + ENTRY] for i in range(0, len(ledger), ENTRY))
    blocks, twice = collections.Counter(), 0
    for path in sys.argv[2:]:
        block = collections.Counter(spans(path))
        twice += sum(n - taken[span] for span, n in block.items() if n > max(taken[span], 1))
        blocks.update(block.keys())
    json.dump(
        {
            "found": sum(taken[span] for span in blocks if span in taken),
            "missing": sum(n for span, n in taken.items() if span not in blocks),
            "unknown": sum(span not in taken for span in blocks),
            "twice_in_a_block": twice,
            "in_two_blocks": sum(n > 1 for n in blocks.values()),
        },
        sys.stdout,
    )


main()
