/** @type {any} */
export const chartsView = (root) => ({ show() { root.textContent = "…"; } });
