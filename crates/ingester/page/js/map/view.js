/** @type {any} */
export const mapView = (root) => ({ show() { root.textContent = "…"; } });
