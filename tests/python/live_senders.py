"""Sends one trace with each library as its documentation has it, defaults and all.

Argument: which library. Clients that can be told where to send by a variable are told so; jaeger-client
has its agent's port in its configuration. Prints a JSON object: trace id (hex) -> the spans that were
sent, each with id, name, parent id, and one tag.
"""

import json
import os
import sys

SPANS = 5
# Numbers that JSON has no words for, and that an application may well have.
ODD = {"odd.none": float("nan"), "odd.much": float("inf")}


def opentelemetry(exporter):
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "live"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("live-senders", "1.0")
    sent = {}

    def note(span, parent):
        context = span.get_span_context()
        line = {"id": f"{context.span_id:016x}", "name": span.name, "parent": parent, "tag": "größe"}
        sent.setdefault(f"{context.trace_id:032x}", []).append(line)
        return line["id"]

    with tracer.start_as_current_span("root", kind=trace.SpanKind.SERVER) as root:
        root.set_attribute("tag", "größe")
        root.set_attributes(ODD)
        root_id = note(root, "")
        for i in range(SPANS - 1):
            with tracer.start_as_current_span(f"child {i}") as child:
                child.set_attribute("tag", "größe")
                child.add_event("reached", {"i": i})
                note(child, root_id)
    provider.shutdown()
    return sent


def otlp_grpc():
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    return opentelemetry(OTLPSpanExporter())


def otlp_http():
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return opentelemetry(OTLPSpanExporter())


def jaeger():
    from jaeger_client import Config

    agent = {"reporting_host": "127.0.0.1"}
    for name in ("reporting_port", "sampling_port"):
        agent[name] = int(os.environ[name.upper()])
    # No sampler: it asks the agent, as it does by default, but sooner than after a minute.
    settings = {"local_agent": agent, "logging": False, "sampling_refresh_interval": 1}
    config = Config(settings, service_name="live", validate=True)
    tracer = config.initialize_tracer()
    # Until the agent has answered, one trace in a thousand is sampled.
    import time

    deadline = time.time() + 60
    while not tracer.sampler.is_sampled(2**63, "root")[0]:
        if time.time() > deadline:
            raise SystemExit("the agent never told to sample everything")
        time.sleep(0.05)
    sent = {}

    def note(span, parent):
        line = {"id": f"{span.span_id:016x}", "name": span.operation_name, "parent": parent}
        sent.setdefault(f"{span.trace_id:032x}", []).append(line | {"tag": "größe"})
        return line["id"]

    with tracer.start_span("root", tags={"tag": "größe"} | ODD) as root:
        root_id = note(root, "")
        for i in range(SPANS - 1):
            with tracer.start_span(f"child {i}", child_of=root, tags={"tag": "größe"}) as child:
                child.log_kv({"event": "reached", "i": i})
                note(child, root_id)
    closed = tracer.close()
    while not closed.done():
        time.sleep(0.05)
    return sent


def py_zipkin():
    import urllib.request

    from py_zipkin import Encoding
    from py_zipkin.transport import BaseTransportHandler
    from py_zipkin.zipkin import zipkin_span

    class Http(BaseTransportHandler):
        def get_max_payload_bytes(self):
            return None

        def send(self, payload):
            body = payload if isinstance(payload, bytes) else payload.encode()
            request = urllib.request.Request(
                os.environ["ZIPKIN_ENDPOINT"] + "/api/v2/spans",
                data=body,
                headers={"Content-Type": "application/json"},
            )
            urllib.request.urlopen(request).read()

    sent = {}

    def note(span, parent):
        attrs = span.zipkin_attrs
        line = {"id": attrs.span_id.zfill(16), "name": span.span_name, "parent": parent}
        sent.setdefault(attrs.trace_id.zfill(32), []).append(line | {"tag": "größe"})
        return line["id"]

    # Half of a pair of surrogates: JSON can carry it, and no text in UTF-8 can.
    odd = {"odd.text": "a\ud800"}
    common = {"service_name": "live", "binary_annotations": {"tag": "größe"}}
    with zipkin_span(
        span_name="root",
        transport_handler=Http(),
        sample_rate=100,
        encoding=Encoding.V2_JSON,
        service_name="live",
        binary_annotations={"tag": "größe"} | odd,
    ) as root:
        root_id = note(root, "")
        for i in range(SPANS - 1):
            with zipkin_span(span_name=f"child {i}", **common) as child:
                child.add_annotation("reached")
                note(child, root_id)
    return sent


json.dump(
    {"otlp-grpc": otlp_grpc, "otlp-http": otlp_http, "jaeger": jaeger, "py_zipkin": py_zipkin}[
        sys.argv[1]
    ](),
    sys.stdout,
)
