// A grid of tiles that keeps the tile of an item as long as the item is there, and shows what moved.

import { h } from "../core/dom.js";
import { makeTile } from "./tile.js";

const MOVE_MS = 240;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @param {import("./tile.js").TileActions} actions
 * @param {string} label
 */
export function makeGrid(actions, label) {
  const element = h("ol", { class: "grid", "aria-label": label, onkeydown: walk });
  /** @type {Map<string, ReturnType<typeof makeTile>>} */
  let tiles = new Map();

  /** Shows these items. @param {any[]} items @param {{added: Set<string>, moved: Map<string, number>}} changes */
  function show(items, changes) {
    const places = still.matches ? null : placesOf(tiles);
    const focus = focused();
    const next = new Map();
    for (const item of items) {
      const id = item.item_id;
      const tile = tiles.get(id) ?? makeTile(item, actions);
      tile.update({ item, isNew: changes.added.has(id), moved: changes.moved.get(id) ?? 0 });
      next.set(id, tile);
    }
    for (const [id, tile] of tiles) if (!next.has(id)) tile.element.remove();
    let place = element.firstChild;
    for (const tile of next.values()) {
      if (tile.element === place) place = place.nextSibling;
      else element.insertBefore(tile.element, place);
    }
    tiles = next;
    keepFocus(focus);
    if (places) move(places);
  }

  /** Which tile and which of its buttons has the focus. */
  function focused() {
    const tile = element.contains(document.activeElement) ? document.activeElement?.closest(".tile") : null;
    return tile ? { active: document.activeElement, at: [...element.children].indexOf(tile) } : null;
  }

  /** A tile that went leaves the focus to the one in its place; one that moved takes its focus along. */
  function keepFocus(focus) {
    if (!focus || focus.active === document.activeElement) return;
    if (element.contains(focus.active)) return focus.active.focus({ preventScroll: true });
    const tile = element.children[Math.min(focus.at, element.children.length - 1)];
    /** @type {any} */ (tile?.querySelector(".picture"))?.focus({ preventScroll: true });
  }

  /** Lets tiles slide from where they were; pictures that are new are there at once. */
  function move(places) {
    const height = window.innerHeight;
    const now = placesOf(tiles);
    for (const [id, tile] of tiles) {
      const was = places.get(id);
      const is = now.get(id);
      if (is.top > height || is.bottom < 0) continue;
      if (!was) {
        if (places.size) tile.element.animate([{ transform: "scale(.94)" }, { transform: "none" }], { duration: MOVE_MS, easing: "ease-out" });
      } else if (was.x !== is.x || was.y !== is.y) {
        const from = `translate(${was.x - is.x}px, ${was.y - is.y}px)`;
        tile.element.animate([{ transform: from }, { transform: "none" }], { duration: MOVE_MS, easing: "cubic-bezier(.2,.7,.2,1)" });
      }
    }
  }

  return { element, show };
}

function placesOf(tiles) {
  return new Map([...tiles].map(([id, tile]) => [id, tile.element.getBoundingClientRect()]));
}

/** The arrow keys go from picture to picture. */
function walk(event) {
  if (!event.key.startsWith("Arrow") || !event.target.classList.contains("picture")) return;
  const grid = event.currentTarget;
  const tiles = [...grid.children];
  const at = tiles.indexOf(event.target.closest(".tile"));
  const columns = tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key] ?? 0;
  const next = tiles[at + step];
  if (!next) return;
  event.preventDefault();
  next.querySelector(".picture").focus();
}
