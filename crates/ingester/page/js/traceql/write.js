// Conditions of TraceQL from what a span holds. Pure.

/** A text as the language writes it. @param {string} text */
export function quoted(text) {
  return JSON.stringify(text);
}

/** A key behind its scope: in quotes where it has characters that end a name. @param {string} scope @param {string} key */
export function name(scope, key) {
  return /^[^\s{}()=~!<>&|^,"\\]+$/.test(key) ? `${scope}.${key}` : `${scope}."${key.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * `scope.key = value`; none where nothing compares with such a value.
 * @param {string} scope @param {string} key @param {string} type @param {string} value
 */
export function condition(scope, key, type, value) {
  if (key === "" || value.length > 2000) return "";
  switch (type) {
    case "string":
      return `${name(scope, key)} = ${quoted(value)}`;
    case "int":
    case "bool":
      return `${name(scope, key)} = ${value}`;
    case "double":
      return Number.isFinite(Number(value)) ? `${name(scope, key)} = ${value}` : "";
    default:
      return "";
  }
}
