// The reasons of a recommendation as words: the sentences of cli/reasons.py, in the page's language.

import { tagWord } from "./tags.js";
import { hasWords, number, t, wordOr } from "./words.js";

const HOUR_MS = 3_600_000;

/**
 * One reason as words.
 * @param {Record<string, any>} reason as in a list
 * @param {(id: string) => string} named what stands for an item's id
 * @param {{amounts?: boolean}} [how] with the strength of each
 */
export function sentence(reason, named, { amounts = false } = {}) {
  const item = reason.item_id ? named(reason.item_id) : "";
  const amount = (value) => (amounts && value !== null && value !== undefined ? ` (${number(value, 2)})` : "");
  const strength = amount(reason.strength);
  switch (reason.code) {
    case "looks_like":
      if (!item && Object.keys(reason.by ?? {}).join() === "words") return t("reason.fits_words") + amount(reason.similarity);
      return t("reason.looks_like", { item: item || t("reason.the_picture") }) + amount(reason.similarity) + by(reason.by, amounts);
    case "same_category":
      return t("reason.same_category", { category: reason.category }) + strength;
    case "same_colour":
      return t("reason.same_colour", { colour: colour(reason.colour) }) + strength;
    case "same_attribute":
      return t("reason.same_attribute", { attribute: reason.attribute, value: reason.value }) + strength;
    case "same_tag":
      return t("reason.same_tag", { tag: tagWord(reason.tag) }) + strength;
    case "within_budget": {
      const about = reason.price ?? null;
      if (about === null) return t("reason.within_budget") + strength;
      return t("reason.within_budget_of", { price: `${+about.toPrecision(6)} ${reason.currency ?? ""}`.trim() }) + strength;
    }
    case "new":
      return t("reason.new") + (amounts ? age(reason.age_ms) : "");
    case "you_asked": {
      const more = t("reason.more_of", { category: reason.category || t("reason.its_owner") });
      return t("reason.you_asked", { what: item ? t("reason.this_one") : more }) + strength;
    }
    default:
      // A later server may have other reasons: its own word is better than none.
      return (hasWords(`reason.${reason.code}`) ? t(`reason.${reason.code}`, { item, rule: reason.rule ?? "" }) : reason.code.replaceAll("_", " ")) + strength;
  }
}

/** A colour by its name in the page's language. */
export const colour = (name) => wordOr(`colour.${name}`, name);

function by(similarities, amounts) {
  const ordered = Object.entries(similarities ?? {}).sort((a, b) => b[1] - a[1]);
  if (!amounts || !ordered.length) return "";
  return t("reason.by", { what: ordered.map(([name, value]) => `${t(`by.${name}`)} ${number(value, 2)}`).join(", ") });
}

function age(ms) {
  if (ms === null || ms === undefined) return "";
  const hours = ms / HOUR_MS;
  if (hours < 1) return t("reason.age_minutes");
  return hours < 48 ? t("reason.age_hours", { count: number(hours) }) : t("reason.age_days", { count: number(hours / 24) });
}
