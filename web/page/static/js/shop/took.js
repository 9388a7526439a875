// What a refusal took away.

import { h } from "../core/dom.js";
import { fetchFacts, titleOf } from "../core/items.js";
import { pictureElement } from "../core/pictures.js";
import { t } from "../core/words.js";
import { complain, toast } from "../frame/toasts.js";

const SHOWN = 6;

/** Says how many look-alikes left the list with a refused item, and shows them. */
export async function tellWhatWent({ type, itemId, gone, heldBack }) {
  await fetchFacts([itemId, ...gone]).catch(complain);
  const count = Math.max(gone.length, heldBack);
  const what = t(type === "hide" ? "took.hidden" : "took.less", { item: titleOf(itemId) });
  const also = count ? t("took.also", { count }) : t("took.nothing");
  const pictures = h("ul", { class: "thumbs" }, ...gone.slice(0, SHOWN).map((id) => h("li", { title: titleOf(id) }, pictureElement(id))));
  toast(`${what} ${also}`, { details: gone.length ? [pictures] : [] });
}
