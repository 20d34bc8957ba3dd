// Every request that the page makes: relative, with the tenant, and with errors as values.

/** @template T @typedef {import("../types.js").Answer<T>} Answer */

let tenant = "";

/** @param {string} name */
export function setTenant(name) {
  tenant = name;
}

export function headers() {
  return /** @type {Record<string, string>} */ (tenant ? { "X-Scope-OrgID": tenant } : {});
}

/**
 * @param {string} path relative to the page
 * @param {Record<string, string | number>} [parameters]
 */
export function url(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  const query = new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString();
  return new URL(path + (query ? `?${query}` : ""), document.baseURI.split("?")[0]).href;
}

/**
 * @template T
 * @param {string} path
 * @param {Record<string, string | number>} [parameters]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer<T>>}
 */
export async function json(path, parameters, signal) {
  const answer = await text(path, parameters, signal);
  if (!answer.ok) return answer;
  try {
    return { ok: true, value: JSON.parse(answer.value) };
  } catch {
    return { ok: false, status: 0, text: "the answer is not JSON: is there an ingester behind this address?" };
  }
}

/**
 * @param {string} path
 * @param {Record<string, string | number>} [parameters]
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer<string>>}
 */
export async function text(path, parameters, signal) {
  try {
    const options = { headers: { Accept: "application/json", ...headers() }, ...(signal ? { signal } : {}) };
    const response = await fetch(url(path, parameters), options);
    const body = await response.text();
    return response.ok ? { ok: true, value: body } : { ok: false, status: response.status, text: explain(response.status, body) };
  } catch (error) {
    if (signal?.aborted) return { ok: false, status: -1, text: "" };
    return { ok: false, status: 0, text: unreachable(error) };
  }
}

/** @param {unknown} error */
export function unreachable(error) {
  const why = error instanceof Error ? error.message : String(error);
  return `The ingester does not answer (${why}). It may be restarting: try again.`;
}

/**
 * What went wrong, and what to do.
 * @param {number} status @param {string} body
 */
export function explain(status, body) {
  const said = body.trim().slice(0, 2000);
  switch (status) {
    case 401:
      return tenant || !/org ?id|tenant/i.test(said)
        ? `Not let in: ${said || "the ingester asks for an identity"}. A proxy in front of it can show one.`
        : `Whose traces? Give a tenant (upper right): ${said}`;
    case 403:
      return `Not allowed: ${said}`;
    case 429:
      return `The ingester is busy: ${said || "try again"}.`;
    case 502:
    case 504:
      return `No answer in time: ${said || "ask for less time, or name columns"}.`;
    case 503:
      return `Parts of the answer cannot be asked for: ${said}`;
    default:
      return said || `The answer is ${status}.`;
  }
}
