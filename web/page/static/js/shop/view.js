// The view of shoppers: what was found, and one or two lists side by side.

import { app, newShopper, setShoppers } from "../core/app.js";
import { h, icon } from "../core/dom.js";
import { fetchFacts, titleOf } from "../core/items.js";
import { t } from "../core/words.js";
import { complain, toast } from "../frame/toasts.js";
import { openWhy, openWhyNot } from "../why/why.js";
import { openBecome } from "./become.js";
import { makePane } from "./pane.js";
import { openForget } from "./privacy.js";
import { makeShopper } from "./shopper.js";
import { pictureElement } from "../core/pictures.js";

/** @param {{found: HTMLElement, similar: (id: string) => void}} find */
export function showShop(find) {
  /** @type {Map<string, import("./shopper.js").Shopper>} */
  let shoppers = new Map();
  let panes = [];
  const row = h("div", { class: "panes" });
  const second = h("button", { type: "button", class: "second", onclick: () => setShoppers([...app.get().shoppers, newShopper()]) }, icon("plus"), t("shopper.second"));
  const element = h("div", { class: "shop" }, h("h1", { class: "spoken" }, t("title")), find.found, row, second);

  const drawn = app.watch(["shoppers"], ({ shoppers: ids }) => {
    panes.forEach((pane) => pane.end());
    for (const [id, shopper] of shoppers) if (!ids.includes(id)) shopper.stop();
    shoppers = new Map(ids.map((id) => [id, shoppers.get(id) ?? begin(id)]));
    panes = ids.map((id, place) => makePane(shoppers.get(id), how(id, place, ids)));
    row.replaceChildren(...panes.map((pane) => pane.element));
    row.classList.toggle("two", ids.length > 1);
    second.hidden = ids.length > 1;
  });

  function begin(id) {
    const shopper = makeShopper(id, { onProblem: complain });
    shopper.watch(["took"], ({ took }) => took && tell(took));
    shopper.start();
    return shopper;
  }

  function how(id, place, ids) {
    const shopper = shoppers.get(id);
    return {
      place,
      alone: ids.length === 1,
      actions: { act: shopper.act, why: (item) => openWhy(shopper, item), similar: find.similar },
      become: () => openBecome(place),
      leave: ids.length > 1 ? () => setShoppers(ids.filter((each) => each !== id)) : null,
      forget: () => openForget(shopper),
      whyNot: () => openWhyNot(shopper),
      activate: () => app.get().active !== id && app.set({ active: id }),
    };
  }

  return {
    element,
    /** Who a search or a photo belongs to. */
    active: () => shoppers.get(app.get().active) ?? [...shoppers.values()][0],
    end() {
      drawn();
      panes.forEach((pane) => pane.end());
      shoppers.forEach((shopper) => shopper.stop());
    },
  };
}

/** Says what a refusal took away. */
async function tell({ type, itemId, gone, heldBack }) {
  await fetchFacts([itemId, ...gone]).catch(complain);
  const count = Math.max(gone.length, heldBack);
  const what = t(type === "hide" ? "took.hidden" : "took.less", { item: titleOf(itemId) });
  const also = count ? t("took.also", { count }) : t("took.nothing");
  const pictures = h("ul", { class: "thumbs" }, ...gone.slice(0, 6).map((id) => h("li", { title: titleOf(id) }, pictureElement(id))));
  toast(`${what} ${also}`, { details: gone.length ? [pictures] : [] });
}
