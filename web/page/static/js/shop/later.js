// What is asked for once the new list is there: the profile, and what may come next.

import { ask } from "../core/http.js";
import { fetchFacts } from "../core/items.js";
import { preparePictures } from "../core/pictures.js";

const AFTER_MS = 250; // what a click changes is stored a tenth of a second later
const AHEAD = 60; // items

/** @param {any} store the shopper's @param {string} path */
export function makeLater(store, path) {
  let timer = 0;

  async function readProfile() {
    const profile = await ask(path);
    const named = [...profile.interests, ...profile.refused, ...profile.engaged];
    await fetchFacts(named.map((each) => each.item_id));
    store.set({ profile, known: profile.known, optedOut: profile.opted_out });
  }

  /** Fetches pictures while nobody waits: most of a new list stood further down in the one before. */
  async function warmUp() {
    if (/** @type {any} */ (navigator).connection?.saveData || document.hidden) return;
    const { items } = await ask(`${path}/recommendations?count=${AHEAD}`);
    const ids = items.map((item) => item.item_id);
    await fetchFacts(ids);
    await preparePictures(ids);
  }

  return {
    /** Reads both, a moment from now; again, if it is asked again meanwhile. */
    read(afterMs = AFTER_MS) {
      clearTimeout(timer);
      // Nobody waits for these: lists and their problems say more than their failing would.
      timer = window.setTimeout(() => Promise.allSettled([readProfile(), warmUp()]), afterMs);
    },
    stop: () => clearTimeout(timer),
  };
}
