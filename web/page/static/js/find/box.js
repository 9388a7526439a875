// A box over a photo: the part that is asked about. By pointer: drag. By keys: arrows move it, with Shift they size it.

import { h } from "../core/dom.js";
import { t } from "../core/words.js";

const STEP = 0.04;
const LEAST = 0.06;

/** @typedef {{x: number, y: number, width: number, height: number}} Box in shares of the photo */

/** @param {HTMLElement} frame the photo's @param {(box: Box | null) => void} chosen */
export function makeBox(frame, chosen) {
  /** @type {Box | null} */
  let box = null;
  let from = /** @type {{x: number, y: number} | null} */ (null);
  const element = h("div", { class: "box", tabIndex: 0, role: "group", "aria-label": t("photo.box"), onkeydown: press });
  frame.append(element);
  frame.addEventListener("pointerdown", begin);
  frame.addEventListener("pointermove", (event) => from && draw(between(from, place(event))));
  frame.addEventListener("pointerup", end);
  frame.addEventListener("pointercancel", () => (from = null));
  draw(null);

  function place(event) {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const within = (value) => Math.min(Math.max(value, 0), 1);
    return { x: within((event.clientX - left) / width), y: within((event.clientY - top) / height) };
  }

  function begin(event) {
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    from = place(event);
  }

  function end(event) {
    if (!from) return;
    const drawn = between(from, place(event));
    from = null;
    // A tap is no box: it asks about the whole photo again.
    set(drawn.width < LEAST || drawn.height < LEAST ? null : drawn);
  }

  function press(event) {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (event.key === "Escape" && box) set(null);
    if (!dx && !dy) return;
    event.preventDefault();
    const now = box ?? { x: 0.2, y: 0.2, width: 0.6, height: 0.6 };
    set(event.shiftKey ? sized(now, dx * STEP, dy * STEP) : moved(now, dx * STEP, dy * STEP));
  }

  function set(next) {
    box = next;
    draw(box);
    chosen(box);
  }

  function draw(shown) {
    element.classList.toggle("drawn", Boolean(shown));
    for (const [name, value] of Object.entries(shown ?? { x: 0, y: 0, width: 1, height: 1 })) {
      element.style.setProperty(`--${name}`, String(value));
    }
  }

  /** Draws a box that was found elsewhere, and asks about nothing. @param {Box | null} found */
  const show = (found) => draw((box = found));

  return { set, show };
}

const between = (a, b) => ({ x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) });
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const moved = (box, dx, dy) => ({ ...box, x: clamp(box.x + dx, 0, 1 - box.width), y: clamp(box.y + dy, 0, 1 - box.height) });
const sized = (box, dx, dy) => ({
  ...box,
  width: clamp(box.width + dx, LEAST, 1 - box.x),
  height: clamp(box.height + dy, LEAST, 1 - box.y),
});
