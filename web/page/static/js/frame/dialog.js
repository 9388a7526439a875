// A dialog over the page, with a title and a way out.

import { h, iconButton } from "../core/dom.js";
import { t } from "../core/words.js";

/**
 * @param {string} title
 * @param {Node[]} content
 * @param {{wide?: boolean}} [how]
 */
export function openDialog(title, content, { wide = false } = {}) {
  const heading = h("h2", { id: "dialog-title" }, title);
  const body = h("div", { class: "dialog-body" }, ...content);
  const element = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": "dialog-title", onclick: outside, onclose: () => element.remove() },
    h("div", { class: "dialog-box" },
      h("header", {}, heading, iconButton("close", t("close"), () => element.close())), body));
  document.querySelector("dialog")?.remove();
  document.body.append(element);
  element.showModal();

  function outside(event) {
    if (event.target === element) element.close();
  }

  return {
    close: () => element.close(),
    /** Replaces what the dialog shows. @param {string} now @param {Node[]} nodes */
    show(now, nodes) {
      heading.textContent = now;
      body.replaceChildren(...nodes);
    },
  };
}
