// The page's end of the worker: a call and its answer.

/** @type {Worker | null} */
let worker = null;
let next = 0;
/** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
const open = new Map();

/** Makes the worker; early, so that it has loaded when a trace is asked for. */
export function begin() {
  if (worker) return worker;
  const address = new URL("./worker.js", import.meta.url).href;
  worker = new Worker(/** @type {string} */ (/** @type {unknown} */ (trusted(address))), { type: "module" });
  worker.onmessage = ({ data }) => {
    const call = open.get(data.number);
    open.delete(data.number);
    if (data.error === undefined) call?.resolve(data.value);
    else call?.reject(new Error(data.error));
  };
  worker.onerror = (event) => {
    for (const call of open.values()) call.reject(new Error(event.message || "the worker did not start"));
    open.clear();
    worker = null;
  };
  return worker;
}

/** Made once: the page's own policy forbids a second one of its name. @type {any} */
let policy = null;

/** The one address that may become a script. @param {string} address */
function trusted(address) {
  const types = /** @type {any} */ (window).trustedTypes;
  if (!types) return address;
  policy ??= types.createPolicy("tributary", {
    createScriptURL: (/** @type {string} */ url) => {
      if (url !== address) throw new TypeError("not the worker");
      return url;
    },
  });
  return policy.createScriptURL(address);
}

/**
 * @param {string} name
 * @param {Record<string, unknown>} message
 * @param {Transferable[]} [transfer]
 * @returns {Promise<any>}
 */
export function call(name, message, transfer = []) {
  const number = next++;
  return new Promise((resolve, reject) => {
    open.set(number, { resolve, reject });
    begin().postMessage({ call: name, number, ...message }, transfer);
  });
}
