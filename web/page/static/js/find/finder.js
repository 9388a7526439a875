// What was found: by words, by an item, or by a photo or a part of it. It stands above the lists until it is closed.

import { app } from "../core/app.js";
import { h, iconButton } from "../core/dom.js";
import { ask, segment } from "../core/http.js";
import { fetchFacts, titleOf } from "../core/items.js";
import { preparePictures } from "../core/pictures.js";
import { milliseconds, t } from "../core/words.js";
import { say } from "../frame/spoken.js";
import { makeGrid } from "../shop/grid.js";
import { limits, makeNarrow } from "./narrow.js";
import { makePhoto } from "./photo.js";

const COUNT = 24;
/** @param {string | null} tag @param {Record<string, string>} more */
const address = (tag, more = {}) => new URLSearchParams({ ...more, ...limits(COUNT, tag) });
const NOTHING = { added: new Set(), moved: new Map() };

/** @param {() => import("../shop/shopper.js").Shopper | undefined} active who clicks on what was found */
export function makeFinder(active) {
  const found = h("section", { class: "found", hidden: true, "aria-labelledby": "found-title", tabIndex: -1 });
  let turn = 0;
  let photo = /** @type {ReturnType<typeof makePhoto> | null} */ (null);

  const actions = { act: (type, id, at) => active()?.act(type, id, at), similar: (id) => similar(id) };

  /** Asks, and shows the answer; a later question goes first. A question gets the tag that it is narrowed to, or null. */
  async function show(title, question, extra = null) {
    const shelf = makeGrid(actions, title);
    const narrow = makeNarrow(() => answer());
    const state = h("p", { class: "found-state" }, t("found.looking"));
    const head = h("header", {}, h("h2", { id: "found-title" }, title), state, iconButton("close", t("found.close"), close));
    found.replaceChildren(...[head, extra, narrow.element, h("div", { class: "shelf" }, shelf.element)].filter(Boolean));
    found.hidden = false;
    const answer = async () => {
      const now = ++turn;
      found.setAttribute("aria-busy", "true");
      try {
        const before = performance.now();
        const { items, degraded } = await question(narrow.tag());
        const ms = performance.now() - before;
        await fetchFacts(items.flatMap((item) => [item.item_id, ...item.reasons.map((reason) => reason.item_id)]));
        await preparePictures(items.slice(0, 8).map((item) => item.item_id));
        if (now !== turn) return;
        shelf.show(items, NOTHING);
        narrow.offer(items.map((item) => item.item_id));
        const text = items.length ? t("found.count", { count: items.length, ms: milliseconds(ms) }) : t("found.nothing");
        state.replaceChildren(text, ...(degraded ?? []).map((part) => h("span", { class: "notice warn" }, t("degraded.other", { part }))));
        say(`${title}: ${text}`);
      } catch (problem) {
        if (now !== turn) return;
        shelf.show([], NOTHING);
        state.replaceChildren(h("span", { class: "notice bad" }, problem.message ?? String(problem)));
      } finally {
        // Of two questions the later one is still asked.
        if (now === turn) found.removeAttribute("aria-busy");
      }
    };
    await answer();
    return answer;
  }

  function search(words) {
    endPhoto();
    return show(t("found.words", { words }), (tag) => ask(`/v1/search?${address(tag, { q: words })}`));
  }

  function similar(id) {
    endPhoto();
    found.scrollIntoView({ block: "nearest" });
    window.scrollTo({ top: 0 });
    return show(t("found.similar", { item: titleOf(id) }), (tag) => ask(`/v1/items/${segment(id)}/similar?${address(tag)}`));
  }

  async function lookAt(file) {
    endPhoto();
    const mine = makePhoto(file, { owner: () => active()?.get().id ?? app.get().active, again: () => again?.() });
    photo = mine;
    window.scrollTo({ top: 0 });
    let again = /** @type {null | (() => void)} */ (null);
    again = await show(t("found.photo"), (tag) => mine.ask(COUNT, tag), mine.element);
  }

  function endPhoto() {
    photo?.end();
    photo = null;
  }

  function close() {
    turn += 1;
    found.removeAttribute("aria-busy");
    endPhoto();
    found.hidden = true;
    found.replaceChildren();
    document.getElementById("words")?.focus();
  }

  return { found, search, similar, photo: lookAt, redraw: () => !found.hidden && close() };
}
