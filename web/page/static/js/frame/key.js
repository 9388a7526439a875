// Where the server has keys, the page asks for one.

import { setShoppers } from "../core/app.js";
import { h } from "../core/dom.js";
import { setAccessKey } from "../core/http.js";
import { t } from "../core/words.js";
import { openDialog } from "./dialog.js";

/** Asks for a key or a token, keeps it for this tab, and loads the page again. */
export function askForKey() {
  const input = h("input", { type: "password", id: "access-key", autocomplete: "off", required: true });
  const form = h("form", { class: "form", onsubmit: keep },
    h("p", {}, t("key.what")),
    h("label", { for: "access-key" }, t("key.label")), input,
    h("p", { class: "dialog-actions" }, h("button", { type: "submit", class: "primary" }, t("key.use"))));
  openDialog(t("key.title"), [form]);

  function keep(event) {
    event.preventDefault();
    const key = input.value.trim();
    setAccessKey(key);
    const user = userOf(key);
    if (user) setShoppers([user]);
    location.reload();
  }
}

/** The user whom a token is for, who is then the one to shop; "" for a key. @param {string} key */
function userOf(key) {
  try {
    const said = atob(key.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return String(JSON.parse(new TextDecoder().decode(Uint8Array.from(said, (each) => each.charCodeAt(0)))).sub ?? "");
  } catch {
    return "";
  }
}
