// TraceQL's text as tokens with places: for colours, completion and chips. Pure. It never refuses: what a
// query means, and whether it is one, is for the server to say.

/** @typedef {{ kind: "space" | "text" | "number" | "word" | "attribute" | "operator" | "bracket" | "odd", text: string, at: number }} Token */

/** Characters that end an attribute's name. */
const END = /[\s{}()=~!<>&|^,]/;
const OPERATORS = ["&>>", "&<<", "!>>", "!<<", "&>", "&<", "&~", "!>", "!<", "&&", "||", "=~", "!~", "!=", "<=", ">=", ">>", "<<"];

/** @param {string} query @returns {Token[]} */
export function lex(query) {
  /** @type {Token[]} */
  const tokens = [];
  let at = 0;
  while (at < query.length) {
    const [kind, length] = next(query, at);
    tokens.push({ kind, text: query.slice(at, at + length), at });
    at += length;
  }
  return tokens;
}

/** @param {string} q @param {number} at @returns {[Token["kind"], number]} */
function next(q, at) {
  const c = q.charAt(at);
  const rest = q.slice(at);
  const space = /^\s+/.exec(rest);
  if (space) return ["space", space[0].length];
  if (c === "\"" || c === "\x60") return ["text", textLength(q, at, c)];
  const number = /^\d[\w.µ]*/.exec(rest);
  if (number) return ["number", number[0].length];
  const scoped = /^(?:(?:span|resource|event|link|instrumentation|parent)?\.|(?:span|trace|event|link|instrumentation):)/.exec(rest);
  if (scoped) return ["attribute", nameLength(q, at + scoped[0].length) + scoped[0].length];
  const word = /^[A-Za-z_][\w]*/.exec(rest);
  if (word) return ["word", word[0].length];
  const operator = OPERATORS.find((one) => rest.startsWith(one));
  if (operator) return ["operator", operator.length];
  if ("{}()".includes(c)) return ["bracket", 1];
  if ("=<>!~|&+-*/%^,".includes(c)) return ["operator", 1];
  return ["odd", 1];
}

/** @param {string} q @param {number} at @param {string} quote */
function textLength(q, at, quote) {
  let i = at + 1;
  while (i < q.length && q[i] !== quote) i += q[i] === "\\" && quote === '"' ? 2 : 1;
  return Math.min(i + 1, q.length) - at;
}

/** @param {string} q @param {number} at */
function nameLength(q, at) {
  let i = at;
  while (i < q.length) {
    const c = q.charAt(i);
    if (c === '"') i += textLength(q, i, '"');
    else if (END.test(c)) break;
    else i++;
  }
  return i - at;
}
