// Why an item is in a shopper's list, with the evidence; and why another is not.

import { nameOf } from "../core/app.js";
import { h, icon } from "../core/dom.js";
import { ask, segment } from "../core/http.js";
import { factsOf, fetchFacts, titleOf } from "../core/items.js";
import { pictureElement } from "../core/pictures.js";
import { sentence } from "../core/reasons.js";
import { number, percent, t } from "../core/words.js";
import { openDialog } from "../frame/dialog.js";
import { answerWords, nameIn, verdict } from "./words.js";

const FOUND = 6;

/** Shows why an item is in the list. */
export function openWhy(shopper, id) {
  const place = h("div", { class: "why" }, h("p", { class: "soft" }, t("why.looking")));
  openDialog(t("why.title", { item: titleOf(id) }), [place], { wide: true });
  explain(shopper, id, place);
}

/** Lets the shopper look for an item, and says why it is not in the list. */
export function openWhyNot(shopper) {
  const words = h("input", { id: "why-words", required: true, autocomplete: "off", maxLength: 1000 });
  const place = h("div", { class: "why" });
  const found = h("ul", { class: "picks" });
  const form = h("form", { class: "form", role: "search", onsubmit: look },
    h("label", { for: "why-words" }, t("why.which")),
    h("div", { class: "inline" }, words, h("button", { type: "submit", class: "primary" }, icon("search"), t("why.find"))));
  openDialog(t("why.not_title", { name: nameOf(shopper.get().id) }), [form, found, place], { wide: true });

  async function look(event) {
    event.preventDefault();
    const wanted = words.value.trim();
    place.replaceChildren();
    try {
      const [{ items }] = await Promise.all([
        ask(`/v1/search?${new URLSearchParams({ q: wanted, count: String(FOUND) })}`).catch(() => ({ items: [] })),
        fetchFacts([wanted]),
      ]);
      const ids = [...new Set([...(factsOf(wanted) ? [wanted] : []), ...items.map((item) => item.item_id)])];
      await fetchFacts(ids);
      found.replaceChildren(...ids.map(pick));
      // What is no item's id, and is not found by its words, is asked about as it is.
      if (!ids.length) explain(shopper, wanted, place);
    } catch (problem) {
      place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, problem.message));
    }
  }

  function pick(id) {
    return h("li", { dataset: { item: id } }, h("button", { type: "button", onclick: () => explain(shopper, id, place) }, pictureElement(id), h("span", {}, titleOf(id))));
  }
}

async function explain(shopper, id, place) {
  try {
    const found = await ask(`${shopper.path}/explain/${segment(id)}`);
    const named = [found.item.repeats?.item_id, ...found.item.sources.map((each) => each.item_id)];
    const slot = found.item.slot ? found.slots[found.item.slot - 1] : null;
    await fetchFacts([id, ...named, ...(slot?.item.reasons ?? []).map((reason) => reason.item_id)]);
    place.replaceChildren(...draw(id, found, slot));
  } catch (problem) {
    place.replaceChildren(h("p", { class: "notice bad", role: "alert" }, problem.message ?? String(problem)));
  }
}

function draw(id, found, slot) {
  const { item } = found;
  const score = slot?.score ?? item.standing?.score;
  return [
    h("div", { class: "verdict" }, h("span", { class: "frame" }, pictureElement(id)),
      h("div", {}, h("p", { class: "title" }, titleOf(id)), h("p", { class: "says", role: "status" }, verdict(item)))),
    slot && part(t("why.because"), h("ul", { class: "reasons" }, ...slot.item.reasons.map(reason))),
    score && part(t("why.score", { score: number(score.score, 3) }), signals(score, item.standing?.last)),
    item.sources.length > 0 && part(t("why.sources"), h("dl", { class: "sources" }, ...item.sources.map((answer) =>
      h("div", { class: answer.code === "proposed" ? "proposed" : "" }, h("dt", {}, nameIn("source", answer.source)), h("dd", {}, answerWords(answer)))))),
    h("p", { class: "soft" }, t("why.made_of", { candidates: number(found.candidates), ranker: found.model.ranker ?? "", encoder: found.model.encoder ?? "" })),
  ].filter(Boolean);
}

const part = (title, content) => h("section", {}, h("h3", {}, title), content);

function reason(each) {
  return h("li", {}, each.item_id ? h("span", { class: "frame" }, pictureElement(each.item_id)) : h("span", { class: "frame mark" }, icon("up")),
    h("span", {}, sentence(each, titleOf, { amounts: true })));
}

/** What each signal adds; for an item that is not in the list, beside what it adds for the last slot. */
function signals(score, last) {
  const most = Math.max(...score.signals.map((each) => Math.abs(each.adds)), 0.0001);
  const row = (name, adds, share) => h("li", { class: adds < 0 ? "against" : "", vars: { "--share": String(Math.abs(adds) / most) } },
    h("span", { class: "bar-name" }, name), h("span", { class: "bar-value" }, `${adds > 0 ? "+" : ""}${number(adds, 3)}`, share ? ` · ${percent(share)}` : ""));
  return h("div", {},
    h("ul", { class: "bars signals" }, ...score.signals.map((each) => row(nameIn("signal", each.code), each.adds, each.share)),
      score.others ? row(t("signal.others"), score.others, null) : ""),
    last && h("p", { class: "soft" }, t("why.last", { slot: last.slot, item: titleOf(last.item.item_id), score: number(last.score.score, 3) })));
}
