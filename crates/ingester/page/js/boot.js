// Loads the program that belongs to the document. In a rollout the document of one version may meet an
// ingester of another one, which does not know its files: then the page is loaded again, three times at most.

export {};

const TRIES = "tributary-boot";
const hash = document.querySelector("meta[name=hash]")?.getAttribute("content") ?? "";

try {
  const { start } = await import(`./${hash}/js/main.js`);
  sessionStorage.removeItem(TRIES);
  document.getElementById("unloaded")?.remove();
  start();
} catch (error) {
  console.error(error);
  const tries = Number(sessionStorage.getItem(TRIES) ?? 0);
  if (tries < 3) {
    sessionStorage.setItem(TRIES, String(tries + 1));
    setTimeout(() => location.reload(), 1000);
  }
}
