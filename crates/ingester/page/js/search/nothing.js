// Why an answer is empty, and what to do: from what the ingester says of itself.

import * as api from "../api.js";
import { h } from "../dom.js";
import { samples } from "../status/metrics.js";

/** @param {import("../../types.js").Address} address */
export async function nothing(address) {
  const [state, told] = await Promise.all([
    /** @type {Promise<import("../../types.js").Answer<{ silent?: boolean, ready?: boolean }>>} */ (api.json("api/tributary/state")),
    api.text("metrics"),
  ]);
  const received = told.ok ? samples(told.value).sum("tributary_ingester_spans_received_total") : NaN;
  const asked = address.q && address.q !== "{ }";
  /** @type {(string | Node)[]} */
  let lines;
  if (state.ok && state.value.silent) lines = ["Some ingesters do not answer: what they hold may be missing. The status view names those that do."];
  else if (asked) lines = ["No trace in this time matches the query.", "Ask for a longer time, or drop a condition."];
  else if (received === 0) {
    lines = [
      "This ingester has received no span yet. An application with an OpenTelemetry SDK sends to the sidecar beside it:",
      h("pre", {}, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\nOTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318"),
      "Or see it work with the command",
      h("pre", {}, "tributary demo"),
    ];
  } else lines = ["No trace in this time.", "Ask for a longer one."];
  return h("div", { class: "empty" }, h("h2", {}, "Nothing found"), ...lines.map((one) => (typeof one === "string" ? h("p", {}, one) : one)));
}
