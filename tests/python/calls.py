"""Counts calls between services in recorded requests, as a check from outside.

Argument: a folder of `.otlp-proto.rec.zst` files. Reads them with a protobuf reader of its own, and
pairs the spans of a trace by their ids after everything is read: it shares neither code nor method
with what it checks. What it printed is `crates/span-metrics/tests/calls.tsv`.

A line: client, server, connection type, calls, failed, nanoseconds by servers, by clients; tabs
between.
"""

import collections
import pathlib
import struct
import subprocess
import sys

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
DATABASE = ["db.namespace", "db.name", "db.system", "db.system.name"]
PEER = ["peer.service", "db.name", "db.system", "db.system.name"]


def fields(data):
    at = 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(data):
        tag = varint()
        wire = tag & 7
        if wire == 0:
            yield tag >> 3, varint()
        elif wire == 1:
            yield tag >> 3, struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif wire == 5:
            yield tag >> 3, struct.unpack_from("<I", data, at)[0]
            at += 4
        else:
            length = varint()
            yield tag >> 3, data[at : at + length]
            at += length


def attributes(messages):
    """First of each key wins; values as text, for what is text or a number."""
    found = {}
    for message in messages:
        pair = dict(fields(message))
        value = ""
        for number, inner in fields(pair.get(2, b"")):
            if number == 1:
                value = inner.decode()
            elif number == 3:
                value = str(inner - (1 << 64) if inner >> 63 else inner)
        found.setdefault(pair.get(1, b"").decode(), value)
    return found


def spans_of(folder):
    for path in sorted(pathlib.Path(folder).glob("*.otlp-proto.rec.zst")):
        data = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
        at = 0
        while at < len(data):
            (length,) = struct.unpack_from("<I", data, at)
            request = data[at + 4 : at + 4 + length]
            at += 4 + length
            for _, resource_spans in fields(request):
                parts = list(fields(resource_spans))
                resource = {}
                for number, part in parts:
                    if number == 1:
                        resource = attributes(v for n, v in fields(part) if n == 1)
                for number, part in parts:
                    if number != 2:
                        continue
                    for inner, span in fields(part):
                        if inner == 2:
                            yield resource, read(span)


def read(data):
    span = {"attributes": [], "parent": b"", "kind": 0, "status": 0, "start": 0, "end": 0}
    for number, value in fields(data):
        if number == 1:
            span["trace"] = value
        elif number == 2:
            span["id"] = value
        elif number == 4:
            span["parent"] = value
        elif number == 6:
            span["kind"] = value
        elif number == 7:
            span["start"] = value
        elif number == 8:
            span["end"] = value
        elif number == 9:
            span["attributes"].append(value)
        elif number == 15:
            span["status"] = dict(fields(value)).get(3, 0)
    span["attributes"] = attributes(span["attributes"])
    return span


def first(keys, *places):
    for key in keys:
        for place in places:
            if key in place:
                return place[key]
    return None


def calls(folder):
    clients, servers = {}, collections.defaultdict(list)
    for resource, span in spans_of(folder):
        service = resource.get("service.name")
        if not service:
            continue
        took = max(0, span["end"] - span["start"])
        side = (service, resource, span, took)
        if span["kind"] in (CLIENT, PRODUCER):
            clients[span["trace"], span["id"]] = side
        elif span["kind"] in (SERVER, CONSUMER):
            servers[span["trace"], span["parent"]].append(side)
    total = collections.defaultdict(lambda: [0, 0, 0, 0])

    def count(client, server, kind, failed, server_ns, client_ns):
        one = total[client, server, kind]
        for i, n in enumerate((1, failed, server_ns, client_ns)):
            one[i] += n

    ambiguous = 0
    for at, (service, resource, span, took) in clients.items():
        own = span["attributes"]
        failed = span["status"] == 2
        name = first(DATABASE, resource, own)
        if name is not None:
            host = first(["network.peer.address"], resource, own)
            port = first(["network.peer.port"], resource, own)
            if host is not None and port is not None:
                host = f"{host}:{port}"
            told = first(["peer.service"], resource, own)
            told = first(["server.address"], resource, own) if told is None else told
            told = host if told is None else told
            count(service, name if told is None else told, "database", failed, took, took)
            if at in servers:
                ambiguous += 1
        elif at in servers:
            callee, _, called, server_took = servers[at].pop(0)
            kind = "messaging_system" if span["kind"] == PRODUCER or called["kind"] == CONSUMER else ""
            count(service, callee, kind, failed or called["status"] == 2, server_took, took)
            ambiguous += bool(servers[at])
        else:
            peer = first(PEER, own)
            if peer is None and span["kind"] == PRODUCER:
                peer = own.get("messaging.system")
            if peer:
                count(service, peer, "virtual_node", failed, 0, took)
    for (_, parent), sides in servers.items():
        if parent in (b"", bytes(8)):
            ambiguous += len(sides) - 1 if len(sides) > 1 else 0
            callee, _, called, took = sides[-1]
            peer = first(PEER, called["attributes"]) or "user"
            count(peer, callee, "virtual_node", called["status"] == 2, took, 0)
    print(f"{ambiguous} could be paired in more than one way", file=sys.stderr)
    return total


def main():
    for key, numbers in sorted(calls(sys.argv[1]).items()):
        print("\t".join([*key, *map(str, numbers)]))


main()
