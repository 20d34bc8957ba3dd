"""Compares what was taken with what is in blocks, by pyarrow alone.

Arguments: the ledger (entries of 25 bytes: trace id, span id, kind) and the data.parquet files.
Prints a JSON object of numbers. The recorded traffic has spans that share an id and kind; they
count as often as they were sent.
"""

import json
import sys

import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet

ENTRY = 25
PATH = "rs.list.element.ss.list.element.Spans.list.element."
KINDS = pyarrow.array([bytes([kind]) for kind in range(256)], pyarrow.binary())
EMPTY = pyarrow.scalar(b"", pyarrow.binary())


def counted(spans, name):
    """How often each one stands there."""
    table = pyarrow.table({"span": spans})
    return table.group_by("span").aggregate([([], "count_all")]).rename_columns(["span", name])


def ledger(path):
    buffer = pyarrow.py_buffer(open(path, "rb").read())
    entries = len(buffer) // ENTRY
    spans = pyarrow.Array.from_buffers(pyarrow.binary(ENTRY), entries, [None, buffer])
    return counted(spans.cast(pyarrow.binary()), "taken")


def inner(lists, rows):
    """The elements of lists, and of which row each is."""
    return pc.list_flatten(lists), rows.take(pc.list_parent_indices(lists))


def block(path):
    columns = ["TraceID", PATH + "SpanID", PATH + "Kind"]
    table = pyarrow.parquet.ParquetFile(path).read(columns=columns)
    traces, resources = (table[name].combine_chunks() for name in ("TraceID", "rs"))
    rows = pyarrow.array(range(table.num_rows), pyarrow.int64())
    resources, rows = inner(resources, rows)
    scopes, rows = inner(pc.struct_field(resources, "ss"), rows)
    spans, rows = inner(pc.struct_field(scopes, "Spans"), rows)
    parts = [
        traces.take(rows),
        pc.struct_field(spans, "SpanID"),
        KINDS.take(pc.struct_field(spans, "Kind")),
    ]
    parts = [part.cast(pyarrow.binary()) for part in parts]
    return counted(pc.binary_join_element_wise(*parts, EMPTY), "stored")


def where(condition, values):
    return pc.sum(pc.if_else(condition, values, 0)).as_py() or 0


def main():
    taken = ledger(sys.argv[1])
    nothing = pyarrow.table({"span": pyarrow.array([], pyarrow.binary())})
    nothing = counted(nothing["span"], "stored")
    blocks = pyarrow.concat_tables([nothing] + [block(path) for path in sys.argv[2:]])

    each = blocks.join(taken, "span", join_type="left outer")
    sent = pc.fill_null(each["taken"], 0)
    allowed = pc.max_element_wise(sent, 1)
    twice = where(pc.greater(each["stored"], allowed), pc.subtract(each["stored"], sent))

    blocks = blocks.group_by("span").aggregate([([], "count_all")])
    both = blocks.join(taken, "span", join_type="full outer")
    sent, times = both["taken"], both["count_all"]
    stored = pc.is_valid(times)
    json.dump(
        {
            "found": where(stored, pc.fill_null(sent, 0)),
            "missing": where(pc.invert(stored), pc.fill_null(sent, 0)),
            "unknown": where(pc.is_null(sent), 1),
            "twice_in_a_block": twice,
            "in_two_blocks": where(pc.fill_null(pc.greater(times, 1), False), 1),
        },
        sys.stdout,
    )


main()
