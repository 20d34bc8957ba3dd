// Sends one trace with OpenTelemetry for JavaScript, as its documentation has it. Argument: which
// exporter. Prints a JSON object: trace id (hex) -> the spans that were sent, each with id, name,
// parent id, and one tag.
'use strict';

const { createRequire } = require('node:module');
// Packages lie where the test run has installed them.
const load = createRequire(`${process.env.NODE_PACKAGES}/`);

const { trace, context, SpanKind } = load('@opentelemetry/api');
const { resourceFromAttributes } = load('@opentelemetry/resources');
const { NodeTracerProvider, BatchSpanProcessor } = load('@opentelemetry/sdk-trace-node');
const { OTLPTraceExporter } = load(`@opentelemetry/exporter-trace-otlp-${process.argv[2]}`);

const SPANS = 5;
// What an application may well have, and no receiver can keep as it is: half of a pair of surrogates, a
// number that is no 64-bit integer though it looks like one, one that is none.
const ODD = { 'odd.text': 'a\ud800', 'odd.number': 2 ** 64, 'odd.none': NaN };

async function main() {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'live' }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('live-senders', '1.0');
  const sent = {};
  const note = (span, name, parent) => {
    const { traceId, spanId } = span.spanContext();
    (sent[traceId] ??= []).push({ id: spanId, name, parent, tag: 'größe' });
    return spanId;
  };
  const attributes = { tag: 'größe', ...ODD };
  const root = tracer.startSpan('root', { kind: SpanKind.SERVER, attributes });
  const rootId = note(root, 'root', '');
  for (let i = 0; i < SPANS - 1; i++) {
    const name = `child ${i}`;
    const inRoot = trace.setSpan(context.active(), root);
    const child = tracer.startSpan(name, { attributes: { tag: 'größe' } }, inRoot);
    child.addEvent('reached', { i });
    note(child, name, rootId);
    child.end();
  }
  root.end();
  await provider.shutdown();
  process.stdout.write(JSON.stringify(sent));
}

main();
