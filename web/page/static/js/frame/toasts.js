// Short messages at the edge of the page: what was done, and what could not be.

import { h, iconButton } from "../core/dom.js";
import { t } from "../core/words.js";

const SHOWN_MS = 6000;
const BAD_MS = 12_000;
const AT_ONCE = 3;

/** @param {string} text @param {{bad?: boolean, details?: Node[]}} [how] */
export function toast(text, { bad = false, details = [] } = {}) {
  const region = document.getElementById("toasts");
  if (!region) return;
  const close = () => element.remove();
  const element = h("div", { class: `toast${bad ? " bad" : ""}` }, h("div", {}, h("p", {}, text), ...details), iconButton("close", t("close"), close));
  for (const old of [...region.children]) if (old.textContent === element.textContent) old.remove();
  region.append(element);
  while (region.children.length > AT_ONCE) region.firstChild?.remove();
  setTimeout(close, bad ? BAD_MS : SHOWN_MS);
}

/** Shows a Problem for what it is. @param {any} problem */
export function complain(problem) {
  toast(problem?.message || String(problem), { bad: true });
  if (problem?.status === undefined) console.error(problem);
}
