// A trace in which every text tries to be more than text.

export const TEXTS = {
  service: "<script>alert('service')</script>",
  name: "<img src=x onerror=alert('name')>",
  key: "k\"><svg onload=alert('key')>",
  value: "</script><script>alert('value')</script>",
  link: "javascript:alert('link')",
  bidi: "abc\u202edcba\u0007",
  event: "<iframe srcdoc='<script>alert(1)</script>'>",
  message: "<b onmouseover=alert('message')>failed</b> {{constructor.constructor('alert(1)')()}}",
};

export const ID = "badbadbadbadbadbadbadbadbadbadba";

/** As OTLP's JSON, now. */
export function hostile() {
  const start = BigInt(Date.now() - 2000) * 1_000_000n;
  const text = (/** @type {string} */ key, /** @type {string} */ value) => ({ key, value: { stringValue: value } });
  return {
    resourceSpans: [{
      resource: { attributes: [text("service.name", TEXTS.service), text(TEXTS.key, TEXTS.value)] },
      scopeSpans: [{
        scope: { name: TEXTS.name, version: TEXTS.value },
        spans: [{
          traceId: ID, spanId: "bad0000000000001", name: TEXTS.name, kind: 2,
          startTimeUnixNano: String(start), endTimeUnixNano: String(start + 1_000_000n),
          attributes: [text(TEXTS.key, TEXTS.value), text("url", TEXTS.link), text("bidi", TEXTS.bidi), text("long", "x".repeat(1_000_000))],
          events: [{ timeUnixNano: String(start), name: TEXTS.event, attributes: [text("exception.stacktrace", TEXTS.value)] }],
          links: [{ traceId: ID, spanId: "bad0000000000002", attributes: [text(TEXTS.key, TEXTS.value)] }],
          status: { code: 2, message: TEXTS.message },
        }, {
          traceId: ID, spanId: "bad0000000000002", parentSpanId: "bad0000000000001", name: TEXTS.bidi, kind: 3,
          startTimeUnixNano: String(start), endTimeUnixNano: String(start + 500_000n),
        }],
      }],
    }],
  };
}
