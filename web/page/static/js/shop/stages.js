// The milliseconds of the last click, and where they went.

import { h } from "../core/dom.js";
import { milliseconds, t } from "../core/words.js";
import { summary } from "./timing.js";

/** @param {{ms: number, stages: import("./timing.js").Stage[]}} last @param {number[]} times */
export function drawStages(last, times) {
  const shown = last.stages.filter((stage) => stage.ms > 0);
  const { count, p50 } = summary(times);
  const typical = count > 1 ? t("stages.typical", { count, ms: milliseconds(p50) }) : "";
  return [
    h("p", { class: "speed" },
      h("strong", {}, milliseconds(last.ms), h("span", { class: "unit" }, " ms")),
      h("span", { class: "what" }, t("stages.what"), typical && h("small", {}, typical))),
    h("div", { class: "split" },
      h("div", { class: "bar", "aria-hidden": "true" },
        ...shown.map((stage) => h("span", { class: `stage stage-${stage.name}`, vars: { "--share": String(stage.ms / last.ms) } }))),
      h("ul", { class: "legend", "aria-label": t("stages.label") },
        ...shown.map((stage) => h("li", { class: `stage-${stage.name}`, title: t(`stage.${stage.name}.about`) },
          t(`stage.${stage.name}`), h("b", {}, milliseconds(stage.ms)))))),
  ];
}
