// Shapes that several modules share. For the check alone; never sent.

/** A resource: what the spans of one process have in common. */
export interface Resource {
  /** Place of its message in the bytes, and its length. */
  at: number;
  len: number;
  service: string;
  /** What tells instances apart: pod, host or instance id. */
  host: string;
}

export interface Scope {
  at: number;
  len: number;
}

/** Spans as they stand in the bytes, one after the other. Times are nanoseconds since `base`. */
export interface Columns {
  bytes: Uint8Array;
  count: number;
  /** Hex, of the first span. */
  traceId: string;
  /** How many trace ids there are beside that of the first span, as far as was looked. */
  otherTraces: number;
  base: bigint;
  at: Uint32Array;
  len: Uint32Array;
  name: Uint32Array;
  names: string[];
  idHi: Uint32Array;
  idLo: Uint32Array;
  parentHi: Uint32Array;
  parentLo: Uint32Array;
  start: Float64Array;
  duration: Float64Array;
  kind: Uint8Array;
  flags: Uint8Array;
  events: Uint16Array;
  links: Uint16Array;
  resource: Uint32Array;
  scope: Uint32Array;
  resources: Resource[];
  scopes: Scope[];
}

/**
 * A trace as a tree. A row is a place in pre-order: the subtree of row `r` is `r .. r + size[r]`, and a
 * parent stands before its children. Rows with the flag MISSING are parents that are not there.
 */
export interface Trace extends Columns {
  parent: Int32Array;
  depth: Uint16Array;
  size: Uint32Array;
  /** Spans that are there: rows less those that are missing. */
  spans: number;
  missing: number;
  roots: number[];
  /** End of the last span. */
  length: number;
  self: Float64Array;
  critical: Float64Array;
  /** Pieces of the critical path: those of row `r` are `pieceAt[r] .. pieceAt[r + 1]`. */
  pieceAt: Uint32Array;
  pieceFrom: Float64Array;
  pieceTo: Float64Array;
  /** Runs of alike siblings; the group that begins at a row, or -1. */
  groupAt: Int32Array;
  groups: Group[];
  /** Rows with an error, by start. */
  errors: number[];
  /** By how much each host's spans were moved, nanoseconds; none if they stand as they came. */
  moved: { host: string; by: number }[];
}

export interface Group {
  /** Rows `first .. end`, whole subtrees. */
  first: number;
  end: number;
  count: number;
  sum: number;
  slowest: number;
}

export interface Attribute {
  key: string;
  type: "string" | "bool" | "int" | "double" | "array" | "map" | "bytes" | "none";
  value: string;
}

export interface SpanEvent {
  name: string;
  /** Since the trace's base. */
  time: number;
  attributes: Attribute[];
}

export interface SpanLink {
  trace: string;
  span: string;
  attributes: Attribute[];
}

/** One span in full. */
export interface Span {
  id: string;
  parent: string;
  trace: string;
  state: string;
  name: string;
  kind: number;
  start: bigint;
  end: bigint;
  status: number;
  message: string;
  attributes: Attribute[];
  events: SpanEvent[];
  links: SpanLink[];
  dropped: { attributes: number; events: number; links: number };
}

/** What is asked of rows. */
export interface View {
  open: Uint8Array;
  groupOpen: Uint8Array;
  grouping: boolean;
  /** Rows that are shown at all; none for all. */
  keep: Uint8Array | null;
  /** Only this row's subtree; -1 for all. */
  focus: number;
}

/** Rows as they stand on the screen: a row, or `~g` for group `g`. */
export interface Visible {
  rows: Int32Array;
  depth: Uint16Array;
  count: number;
}

export interface Address {
  view: string;
  q: string;
  since: string;
  start: string;
  end: string;
  trace: string;
  span: string;
  find: string;
  tenant: string;
  tab: string;
  clock: string;
  only: string;
  by: string;
}

export interface Found {
  traceID: string;
  rootServiceName?: string;
  rootTraceName?: string;
  startTimeUnixNano?: string;
  durationMs?: number;
  serviceStats?: Record<string, { spanCount?: number; errorCount?: number }>;
  spanSets?: FoundSet[];
  spanSet?: FoundSet;
}

export interface FoundSet {
  matched?: number;
  spans?: FoundSpan[];
}

export interface FoundSpan {
  spanID: string;
  name?: string;
  startTimeUnixNano?: string;
  durationNanos?: string;
  attributes?: { key: string; value: Record<string, unknown> }[];
}

export interface Series {
  labels?: { key: string; value: Record<string, unknown> }[];
  samples?: { timestampMs?: string; value?: number | string }[];
  exemplars?: { labels?: { key: string; value: Record<string, unknown> }[]; value?: number; timestampMs?: string }[];
}

/** A line of a chart. */
export interface Line {
  name: string;
  slot: string;
  points: { at: number; value: number }[];
}

export type Answer<T> = { ok: true; value: T } | { ok: false; status: number; text: string };

export interface Edge {
  from: string;
  to: string;
  calls: number;
  errors: number;
  sum: number;
}

/** Calls between two services, as the ingesters have counted them. */
export interface Counted {
  client: string;
  server: string;
  connection_type: string;
  calls: number;
  failed: number;
  client_seconds: number;
  server_seconds: number;
}

/** All of them: since when (Unix seconds), by how many ingesters, and who has not told. */
export interface CountedCalls {
  since: number;
  ingesters: number;
  missing: string[];
  edges: Counted[];
}
