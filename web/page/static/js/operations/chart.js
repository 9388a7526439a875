// Drawings of numbers.

import { svg } from "../core/dom.js";

const WIDTH = 240;
const HEIGHT = 56;

/** A line of the latest values, the newest at the right; `length` of them fill the width. @param {number[]} values */
export function sparkline(values, length) {
  const most = Math.max(...values, 1e-9);
  const x = (at) => WIDTH - ((values.length - 1 - at) / (length - 1)) * WIDTH;
  const y = (value) => HEIGHT - 3 - (value / most) * (HEIGHT - 8);
  const line = values.map((value, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const drawing = svg("svg", { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (values.length > 1) {
    drawing.append(
      svg("path", { class: "area", d: `${line}L${WIDTH} ${HEIGHT}L${x(0).toFixed(1)} ${HEIGHT}Z` }),
      svg("path", { class: "line", d: line, "vector-effect": "non-scaling-stroke" }));
  }
  return drawing;
}
