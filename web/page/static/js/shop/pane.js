// A shopper's part of the page: who it is, how fast the last click was, and the list.

import { nameOf } from "../core/app.js";
import { h, icon, iconButton } from "../core/dom.js";
import { titleOf } from "../core/items.js";
import { pictureElement } from "../core/pictures.js";
import { milliseconds, t, wordOr } from "../core/words.js";
import { say } from "../frame/spoken.js";
import { makeGrid } from "./grid.js";
import { makeProfile } from "./profile.js";
import { drawStages } from "./stages.js";

/**
 * @param {import("./shopper.js").Shopper} shopper
 * @param {{actions: import("./tile.js").TileActions, become: () => void, leave: (() => void) | null, forget: () => void,
 *   activate: () => void, whyNot: () => void, place: number, alone: boolean}} how
 */
export function makePane(shopper, how) {
  const { id } = shopper.get();
  const heading = `shopper-${how.place}`;
  const grid = makeGrid(how.actions, t("feed.label", { name: nameOf(id) }));
  const state = h("p", { class: "connection" });
  const figure = h("div", { class: "timing" });
  const slow = h("p", { class: "notice warn slow-note" }, t("feed.slow"));
  const chosen = h("div", { class: "chosen" });
  const notices = h("div", { class: "notices" });
  const more = h("button", { type: "button", class: "more", onclick: shopper.loadMore }, t("feed.more"));
  const profile = makeProfile(shopper, how);
  const element = h(
    "section",
    { class: "pane", dataset: { shopper: id }, "aria-labelledby": heading, onpointerdown: how.activate, onfocusin: how.activate },
    h("div", { class: "head" }, h("div", { class: "who" },
      h("span", { class: `face face-${how.place}`, "aria-hidden": "true" }, nameOf(id)[0]?.toUpperCase()),
      h("div", { class: "name" },
        h("h2", { id: heading }, nameOf(id)),
        state),
      h("div", { class: "who-actions" },
        h("button", { type: "button", class: "quiet", onclick: how.become }, icon("person"), t("shopper.change")),
        how.leave && iconButton("close", t("shopper.leave", { name: nameOf(id) }), how.leave))),
      figure),
    chosen, slow, notices, profile.element,
    h("div", { class: "list" }, grid.element, more),
  );

  const ended = [
    profile.end,
    shopper.watch(["connection", "refusal"], ({ connection }) => {
      element.dataset.connection = connection;
      state.replaceChildren(h("span", { class: "dot", "aria-hidden": "true" }), t(`connection.${connection}`));
    }),
    shopper.watch(["last", "known"], (now) => figure.replaceChildren(...(now.last ? drawStages(now.last, now.times) : [hint(now)]))),
    shopper.watch(["slow"], (now) => (slow.hidden = !now.slow)),
    shopper.watch(["chosen"], (now) => drawChosen(chosen, now.chosen)),
    shopper.watch(["list", "more", "changes"], (now) => {
      if (!now.list) return grid.show([], now.changes);
      grid.show([...now.list.items, ...now.more], now.changes);
      more.hidden = !now.list.items.length || (now.more.length > 0 && !now.cursor);
    }),
    shopper.watch(["loading", "failed", "list", "known", "optedOut", "connection", "refusal"], (now) => {
      notices.replaceChildren(...noticesOf(now, shopper));
      element.classList.toggle("loading", now.loading && !now.list);
    }),
    shopper.watch(["last"], ({ last, list, changes }) => {
      if (!last || !list) return;
      const first = list.items[0] ? titleOf(list.items[0].item_id) : "";
      say(t("spoken.list", { name: nameOf(id), ms: milliseconds(last.ms), count: changes.added.size, first }));
    }),
  ];
  return { element, end: () => ended.forEach((end) => end()) };
}

function hint({ known }) {
  return h("p", { class: "hint" }, icon("tap"), h("span", {}, h("b", {}, t("feed.hint")), " ", t(known ? "feed.hint_known" : "feed.hint_new")));
}

function drawChosen(element, chosen) {
  element.hidden = !chosen.length;
  element.replaceChildren(
    h("p", { class: "label" }, t("feed.chosen")),
    h("ul", {}, ...chosen.map((each) => h("li", { title: titleOf(each.id), class: each.type },
      pictureElement(each.id),
      each.type !== "click" && h("span", { class: "mark" }, icon(each.type === "like" ? "heart" : "check")),
      h("span", { class: "spoken" }, `${titleOf(each.id)} (${t(`act.${each.type}`)})`)))),
  );
}

/** What keeps the list from being what it should be, each said for what it is. */
function noticesOf({ loading, failed, list, connection, refusal, optedOut }, shopper) {
  const notes = [];
  const note = (kind, text, ...more) => notes.push(h("p", { class: `notice ${kind}` }, text, ...more));
  const again = () => h("button", { type: "button", class: "quiet", onclick: shopper.load }, t("again"));
  if (failed) note("bad", failed.message, again());
  if (connection === "lost") note("bad offline", t("notice.lost"));
  if (connection === "refused" && refusal) note("bad", refusal.message);
  if (optedOut) note("info", t("notice.opted_out"));
  for (const part of list?.degraded ?? []) note("warn degraded", wordOr(`degraded.${part}`, t("degraded.other", { part })));
  if (list && !loading && !list.items.length) note("info empty", t("notice.empty"));
  return notes;
}
