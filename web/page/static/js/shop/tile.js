// One item of a list: its picture, why it is there, and what one can do with it.

import { h, iconButton } from "../core/dom.js";
import { factsOf, titleOf } from "../core/items.js";
import { pictureElement } from "../core/pictures.js";
import { sentence } from "../core/reasons.js";
import { length, price, t } from "../core/words.js";

/**
 * @typedef {{
 *   act: (type: string, id: string, at: number) => void,
 *   why?: (id: string) => void, similar: (id: string) => void,
 * }} TileActions
 */

/** What a key does to the tile that has the focus. */
export const TILE_KEYS = { l: "like", h: "hide", d: "dislike", s: "similar", w: "why" };

/**
 * @param {{item_id: string, reasons: any[], explore: boolean}} item
 * @param {TileActions} actions
 */
export function makeTile(item, actions) {
  const id = item.item_id;
  const does = {
    click: (event) => actions.act("click", id, event.timeStamp),
    like: (event) => actions.act("like", id, event.timeStamp),
    hide: (event) => actions.act("hide", id, event.timeStamp),
    dislike: (event) => actions.act("dislike", id, event.timeStamp),
    similar: () => actions.similar(id),
    why: () => actions.why?.(id),
  };
  const picture = h("button", { type: "button", class: "picture", onclick: does.click }, pictureElement(id));
  const badge = h("span", { class: "badge", "aria-hidden": "true", hidden: true });
  const reason = h(actions.why ? "button" : "span", { class: "reason", ...(actions.why ? { type: "button", onclick: does.why } : {}) });
  const lasts = factsOf(id)?.clip_ms;
  const clip = lasts ? t("tile.clip", { length: length(lasts) }) : "";
  const cost = price(factsOf(id)?.price, factsOf(id)?.currency);
  const title = titleOf(id);
  const named = (label) => `${label}: ${title}`;
  const element = h(
    "li",
    { class: "tile", dataset: { item: id }, onkeydown: (event) => press(event, does) },
    h("div", { class: "frame" }, picture, badge,
      clip ? h("span", { class: "badge clip", "aria-hidden": "true" }, `▶ ${length(lasts)}`) : null,
      h("div", { class: "actions" },
        iconButton("heart", t("act.like"), does.like, { class: "icon-button like", "aria-label": named(t("act.like")) }),
        iconButton("similar", t("act.similar"), does.similar, { "aria-label": named(t("act.similar")) }),
        iconButton("less", t("act.less"), does.dislike, { "aria-label": named(t("act.less")) }),
        iconButton("hide", t("act.hide"), does.hide, { "aria-label": named(t("act.hide")) }))),
    h("div", { class: "about" },
      h("p", { class: "title", title }, title),
      cost && h("p", { class: "price" }, cost)),
    reason,
  );

  /** Says what is new of it. @param {{item: any, isNew: boolean, moved: number}} now */
  function update({ item: now, isNew, moved }) {
    const [first] = now.reasons;
    const why = first ? sentence(first, titleOf) : t("reason.none");
    const text = now.explore ? `${t("tile.explore")}: ${why}` : why;
    const label = isNew ? t("tile.new") : moved > 0 ? `↑ ${moved}` : "";
    // What stays as it is costs no layout.
    if (badge.textContent !== label) {
      badge.className = `badge ${isNew ? "new" : "moved"}`;
      badge.textContent = label;
      badge.hidden = !label;
    }
    element.classList.toggle("is-new", isNew);
    const said = [title, clip, cost, text, isNew && t("tile.new")].filter(Boolean).join(". ");
    if (said !== picture.getAttribute("aria-label")) picture.setAttribute("aria-label", said);
    if (reason.textContent === text) return;
    reason.textContent = text;
    if (actions.why) reason.setAttribute("aria-label", t("tile.why", { title, why: text }));
  }

  return { element, picture, update };
}

function press(event, does) {
  const action = TILE_KEYS[event.key.toLowerCase()];
  if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  does[action](event);
}
