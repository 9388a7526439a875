// Who shops: a name of one's own, or somebody new.

import { app, newShopper, setShoppers } from "../core/app.js";
import { h } from "../core/dom.js";
import { t } from "../core/words.js";
import { openDialog } from "../frame/dialog.js";

const LONGEST = 128; // characters of a user id

/** @param {number} place of the shopper that becomes somebody else; one more than there are: another one */
export function openBecome(place) {
  const { shoppers } = app.get();
  const input = h("input", { id: "shopper-id", value: shoppers[place] ?? newShopper(), required: true, maxLength: LONGEST, autocomplete: "off", spellcheck: false });
  const form = h("form", { class: "form", onsubmit: become },
    h("p", {}, t("become.what")),
    h("label", { for: "shopper-id" }, t("become.label")), input,
    h("p", { class: "dialog-actions" },
      h("button", { type: "button", class: "quiet", onclick: () => (input.value = newShopper()) }, t("become.new")),
      h("button", { type: "submit", class: "primary" }, t("become.go"))));
  const dialog = openDialog(t(place < shoppers.length ? "become.title" : "become.second"), [form]);
  input.select();

  function become(event) {
    event.preventDefault();
    const id = input.value.trim();
    if (!id) return;
    dialog.close();
    setShoppers(shoppers.toSpliced(place, 1, id));
  }
}
