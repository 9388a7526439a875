// What the page is, and its keys.

import { h } from "../core/dom.js";
import { t } from "../core/words.js";
import { openDialog } from "./dialog.js";

const KEYS = [
  ["Enter", "keys.click"], ["← ↑ → ↓", "keys.walk"], ["L", "act.like"], ["S", "act.similar"], ["D", "act.less"],
  ["H", "act.hide"], ["W", "keys.why"], ["/", "keys.search"], ["P", "keys.photo"], ["1 · 2", "keys.shopper"], ["O", "keys.operations"], ["?", "keys.help"],
];

export function openHelp() {
  openDialog(t("help.title"), [
    h("p", {}, t("help.what")),
    h("h3", {}, t("help.keys")),
    h("dl", { class: "keys" }, ...KEYS.map(([key, about]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(about))))),
  ]);
}
