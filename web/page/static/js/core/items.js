// What is known of items, asked for once and many at a time.

import { ask } from "./http.js";
import { learnTags } from "./tags.js";

const AT_ONCE = 200;
/** @type {Map<string, any>} null: there is no such item */
const known = new Map();
/** @type {Map<string, Promise<void>>} */
const asked = new Map();

/** The facts of an item, if they are here: undefined before, null where there is none. */
export const factsOf = (id) => known.get(id);

/** What people call an item. */
export const titleOf = (id) => known.get(id)?.title || id;

/** Fetches the facts of all these items that are not here; throws a Problem. @param {Iterable<string>} ids */
export async function fetchFacts(ids) {
  const wanted = [...new Set(ids)].filter((id) => id && !known.has(id));
  const missing = wanted.filter((id) => !asked.has(id));
  for (let start = 0; start < missing.length; start += AT_ONCE) {
    const some = missing.slice(start, start + AT_ONCE);
    const query = new URLSearchParams(some.map((id) => ["ids", id]));
    const answer = ask(`/v1/items?${query}`)
      .then(({ items }) => {
        some.forEach((id) => known.set(id, items[id] ?? null));
        Object.values(items).forEach((item) => learnTags(item.tags));
      })
      .finally(() => some.forEach((id) => asked.delete(id)));
    some.forEach((id) => asked.set(id, answer));
  }
  await Promise.all(wanted.map((id) => asked.get(id)).filter(Boolean));
}

/** Forgets what is known of an item that has changed. */
export const forgetFacts = (id) => known.delete(id);
