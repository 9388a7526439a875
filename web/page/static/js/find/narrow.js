// The tags of what was found, as buttons: one narrows the question to what shows it, and once more takes that back.

import { h } from "../core/dom.js";
import { factsOf } from "../core/items.js";
import { tagWord } from "../core/tags.js";
import { t } from "../core/words.js";

const MOST = 8;

/** How much a question asks for, and within what, in its address. @param {number} count @param {string | null} tag */
export const limits = (count, tag) => ({ count: String(count), ...(tag && { tag }) });

/** @param {() => void} ask what asks the same question again */
export function makeNarrow(ask) {
  /** @type {string | null} */
  let tag = null;
  let names = /** @type {string[]} */ ([]);
  const element = h("div", { class: "narrow", role: "group", "aria-label": t("found.narrow"), hidden: true });

  function press(name) {
    tag = tag === name ? null : name;
    for (const button of element.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.tag === tag));
    }
    ask();
  }

  /** The tags that most of these items have; those of a narrowed answer would leave nothing else to choose. @param {string[]} ids */
  function offer(ids) {
    const offered = tag ? names : commonest(ids);
    if (offered.join() === names.join()) return; // the button that was pressed keeps the focus
    names = offered;
    element.hidden = names.length < 2;
    element.replaceChildren(t("found.narrow"), ...names.map((name) =>
      h("button", { type: "button", class: "quiet", "aria-pressed": "false", dataset: { tag: name }, onclick: () => press(name) }, tagWord(name))));
  }

  return { element, offer, tag: () => tag };
}

/** @param {string[]} ids */
function commonest(ids) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { name } of ids.flatMap((id) => factsOf(id)?.tags ?? [])) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).slice(0, MOST).map(([name]) => name);
}
