// What a shopper may ask of us about what is known: dials, and to be forgotten, with the receipt.

import { nameOf } from "../core/app.js";
import { h } from "../core/dom.js";
import { ask } from "../core/http.js";
import { milliseconds, number, t, wordOr } from "../core/words.js";
import { openDialog } from "../frame/dialog.js";
import { complain, toast } from "../frame/toasts.js";

const WAIT_S = 20;

/** Sends a request and waits for its receipt; throws a Problem. */
async function request(shopper, kind, body) {
  const { receipt } = await ask(`${shopper.path}/${kind}`, { method: "POST", ...(body ? { body } : {}) });
  return ask(`${receipt}?wait=${WAIT_S}`, { timeoutMs: (WAIT_S + 5) * 1000 });
}

/** Sets dials: a name with how much more or less of it, -1 to 1; 0 takes it away. */
export async function prefer(shopper, dials) {
  try {
    await request(shopper, "prefer", { prefer: dials });
    const [[name, weight]] = Object.entries(dials);
    toast(t(weight > 0 ? "dial.more" : weight < 0 ? "dial.less" : "dial.none", { name }));
    shopper.readProfileSoon();
    shopper.load();
  } catch (problem) {
    complain(problem);
  }
}

/** Asks whether it is meant, forgets, and shows the receipt. */
export function openForget(shopper) {
  const { id } = shopper.get();
  const content = h("div", {}, h("p", {}, t("forget.what")));
  const yes = h("button", { type: "button", class: "primary danger", onclick: forget }, t("forget.yes"));
  const dialog = openDialog(t("forget.title", { name: nameOf(id) }), [content, h("p", { class: "dialog-actions" }, yes)]);

  async function forget() {
    yes.disabled = true;
    yes.textContent = t("forget.running");
    try {
      const receipt = await request(shopper, "forget");
      dialog.show(t("forget.done", { name: nameOf(id) }), [drawReceipt(receipt)]);
      shopper.empty();
    } catch (problem) {
      yes.disabled = false;
      yes.textContent = t("forget.yes");
      content.append(h("p", { class: "notice bad", role: "alert" }, problem.message));
    }
  }
}

function drawReceipt(receipt) {
  const erased = Object.entries(receipt.erased).filter(([, count]) => count > 0);
  const word = (name) => wordOr(`erased.${name}`, name.replaceAll("_", " "));
  const row = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  const place = ({ partition, offset }) => t("receipt.place", { partition, offset });
  return h("div", { class: "receipt" },
    h("p", {}, erased.length ? t("receipt.erased") : t("receipt.nothing")),
    h("dl", {},
      ...erased.map(([name, count]) => row(word(name), number(count))),
      row(t("receipt.took"), `${milliseconds(receipt.done_ms - receipt.asked_ms)} ms`),
      row(t("receipt.request"), place(receipt.request)),
      row(t("receipt.applied"), place(receipt.applied)),
      row(t("receipt.user"), h("code", {}, receipt.user_hash))),
    h("p", { class: "soft" }, t("receipt.about")));
}
