// Explanations as words: what cli/user/why.py prints, as it is said to a shopper.

import { titleOf } from "../core/items.js";
import { hasWords, number, spoken, t, wordOr } from "../core/words.js";

const two = (value) => (value === null || value === undefined ? "–" : number(value, 2));

/** What follows from an explanation of one item. @param {any} item */
export function verdict(item) {
  const { repeats, standing } = item;
  switch (item.verdict) {
    case "in_list":
      return t("verdict.in_list", { slot: item.slot });
    case "not_a_candidate":
      return t("verdict.not_a_candidate", { why: item.obstacles.map(obstacle).join("; ") });
    case "copy":
      return t("verdict.copy", { slot: repeats?.slot ?? "", item: titleOf(repeats?.item_id ?? "") });
    case "diversity":
      return t("verdict.diversity", { slot: repeats?.slot ?? "", item: titleOf(repeats?.item_id ?? ""), similarity: two(repeats?.similarity) });
    case "below_last_slot":
      return t("verdict.below_last_slot", {
        rank: standing?.rank ?? "", candidates: standing?.candidates ?? "", score: two(standing?.score.score),
        slot: standing?.last.slot ?? "", last: two(standing?.last.score.score),
      });
    default:
      return t(`verdict.${item.verdict}`);
  }
}

/** What keeps an item out. @param {any} found */
export function obstacle(found) {
  const long = found.long_ago ? ` ${t("obstacle.long_ago")}` : "";
  if (found.code === "never") {
    const what = found.named_by === "category" ? t("obstacle.its_category", { name: found.name }) : t(`obstacle.its_${found.named_by === "owner" ? "owner" : "self"}`);
    return t("obstacle.never", { what });
  }
  if (found.code === "expired") return t("obstacle.expired", { when: new Date(found.at_ms ?? 0).toLocaleString(spoken()) });
  return t(`obstacle.${found.code}`, { name: found.name ?? "" }) + long;
}

/** The least that was proposed: by looks, what the nearest interest proposes. @param {any} answer */
function weakestWords(answer) {
  const value = two(answer.weakest);
  return answer.code === "less_similar" ? t("answer.none_below", { value }) : t("answer.weakest", { proposals: answer.proposals, value });
}

/** What a source of candidates says of an item. @param {any} answer */
export function answerWords(answer) {
  const values = {
    latest: answer.latest ?? 0, known: answer.known ?? 0, proposals: answer.proposals, rank: answer.rank ?? "",
    similarity: two(answer.similarity), strength: two(answer.strength), item: titleOf(answer.item_id ?? ""),
    rule: answer.rule ?? "", seen: answer.seen ?? 0,
    weakest: answer.weakest === null || answer.weakest === undefined ? t("answer.none") : weakestWords(answer),
  };
  const key = `answer.${answer.code}`;
  return hasWords(key) ? t(key, values) : answer.code.replaceAll("_", " ");
}

/** A source or a signal by its name. @param {"source" | "signal"} kind @param {string} name */
export const nameIn = (kind, name) => wordOr(`${kind}.${name}`, name.replaceAll("_", " "));
