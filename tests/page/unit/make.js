// Traces for tables, as OTLP's bytes.

import { Writer } from "../../../crates/ingester/page/js/model/bytes.js";

/** @param {string} text */
const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/**
 * @param {Array<{ id: number, up?: number, name?: string, at?: number, took?: number, kind?: number, error?: boolean,
 *   service?: string, host?: string, attributes?: Record<string, string> }>} spans
 *   times in microseconds
 */
export function otlp(spans) {
  const out = new Writer();
  const base = 1_800_000_000_000_000_000n;
  const key = (/** @type {typeof spans[0]} */ s) => `${s.service ?? "shop"}\n${s.host ?? ""}`;
  for (const home of new Set(spans.map(key))) {
    const [service = "", host = ""] = home.split("\n");
    out.message(1, (resource) => {
      resource.message(1, (r) => {
        r.message(1, (a) => pair(a, "service.name", service));
        if (host) r.message(1, (a) => pair(a, "host.name", host));
      });
      resource.message(2, (scope) => {
        scope.message(1, (s) => s.text(1, "test"));
        for (const span of spans.filter((s) => key(s) === home)) {
          const at = base + BigInt(span.at ?? 0) * 1000n;
          scope.message(2, (s) => {
            s.raw(1, bytes("0123456789abcdef0123456789abcdef"));
            s.raw(2, bytes(span.id.toString(16).padStart(16, "0")));
            if (span.up !== undefined) s.raw(4, bytes(span.up.toString(16).padStart(16, "0")));
            s.text(5, span.name ?? "work");
            s.int(6, span.kind ?? 1);
            s.fixed64(7, at);
            s.fixed64(8, at + BigInt(span.took ?? 0) * 1000n);
            for (const [k, v] of Object.entries(span.attributes ?? {})) s.message(9, (a) => pair(a, k, v));
            if (span.error) s.message(15, (status) => status.int(3, 2));
          });
        }
      });
    });
  }
  return out.done();
}

/** @param {Writer} out @param {string} key @param {string} value */
function pair(out, key, value) {
  out.text(1, key);
  out.message(2, (v) => v.text(1, value));
}
