// The view of shoppers: what was found, and one or two lists side by side.

import { app, newShopper, setShoppers } from "../core/app.js";
import { h, icon } from "../core/dom.js";
import { t } from "../core/words.js";
import { openWhy, openWhyNot } from "../why/why.js";
import { openBecome } from "./become.js";
import { makePane } from "./pane.js";
import { openForget } from "./privacy.js";

/**
 * @param {{found: HTMLElement, similar: (id: string) => void}} find
 * @param {ReturnType<typeof import("./crowd.js").makeCrowd>} crowd
 */
export function showShop(find, crowd) {
  /** @type {ReturnType<typeof makePane>[]} */
  let panes = [];
  const row = h("div", { class: "panes" });
  const second = h("button", { type: "button", class: "second", onclick: () => setShoppers([...app.get().shoppers, newShopper()]) }, icon("plus"), t("shopper.second"));
  const element = h("div", { class: "shop" }, h("h1", { class: "spoken" }, t("title")), find.found, row, second);

  const drawn = app.watch(["shoppers"], ({ shoppers: ids }) => {
    panes.forEach((pane) => pane.end());
    panes = ids.map((id, place) => makePane(crowd.of(id), how(id, place, ids)));
    row.replaceChildren(...panes.map((pane) => pane.element));
    row.classList.toggle("two", ids.length > 1);
    second.hidden = ids.length > 1;
  });

  function how(id, place, ids) {
    const shopper = crowd.of(id);
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
    end() {
      drawn();
      panes.forEach((pane) => pane.end());
    },
  };
}
