// What a shopper does with items, from the press until the list that answers it.

import { newId } from "../core/http.js";
import { send } from "./sending.js";

const CHOSEN = 12;
const SLOW_MS = 1500;

/** @typedef {{eventId: string, type: string, itemId: string, clicked: number}} Act `clicked` by performance.now() */

/** Whether it says that the shopper does not want an item. @param {string} type */
export const isRefusal = (type) => type === "hide" || type === "dislike";

/** @param {any} store the shopper's @param {(problem: any) => void} onProblem */
export function makeActs(store, onProblem) {
  /** @type {Act[]} */
  let pending = [];
  let slowTimer = 0;

  /** Publishes what the shopper did. @param {string} type @param {string} itemId @param {number} clicked */
  async function act(type, itemId, clicked) {
    const { id, list, chosen } = store.get();
    const eventId = newId();
    pending = [...pending, { eventId, type, itemId, clicked }];
    if (!isRefusal(type)) store.set({ chosen: [{ id: itemId, type }, ...chosen.filter((each) => each.id !== itemId)].slice(0, CHOSEN) });
    clearTimeout(slowTimer);
    slowTimer = window.setTimeout(() => store.set({ slow: true }), SLOW_MS);
    try {
      await send({ event_id: eventId, type, user_id: id, item_id: itemId, occurred_at_ms: Date.now(), surface: "page", ...placeIn(list, itemId) });
    } catch (problem) {
      pending = pending.filter((each) => each.eventId !== eventId);
      if (!pending.length) settle();
      store.set({ chosen: store.get().chosen.filter((each) => each.id !== itemId) });
      onProblem(problem);
    }
  }

  /** The act that a list answers, and with it all that were sent before. @returns {Act | null} */
  function answeredBy(list) {
    const place = pending.findIndex((each) => each.eventId === list.trigger?.event_id);
    if (place < 0) return null;
    const answered = pending[place];
    pending = pending.slice(place + 1);
    if (!pending.length) settle();
    return answered;
  }

  function settle() {
    clearTimeout(slowTimer);
    store.set({ slow: false });
  }

  return {
    act,
    answeredBy,
    /** Waits for no answer any more. */
    giveUp() {
      pending = [];
      settle();
    },
  };
}

/** In which list the shopper saw an item, and where; nothing for a list that was not published, or an item of another. */
function placeIn(list, itemId) {
  const position = list?.items.findIndex((item) => item.item_id === itemId) ?? -1;
  return list?.rec_id && position >= 0 ? { rec_id: list.rec_id, position } : {};
}
