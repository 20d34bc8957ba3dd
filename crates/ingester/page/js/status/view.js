/** @type {any} */
export const statusView = (root) => ({ show() { root.textContent = "…"; } });
