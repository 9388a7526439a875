// Events leave the page here. One that was sent twice changes nothing: its id stays the same.

import { ask } from "../core/http.js";

const ATTEMPTS = 4;
const LONGEST_WAIT_S = 5;

/** Publishes an event, and tries again while the server is away or busy; throws the last Problem. @param {object} event */
export async function send(event) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask("/v1/events", { body: event });
    } catch (problem) {
      if (!problem.passes || attempt === ATTEMPTS) throw problem;
      const seconds = Math.min(problem.retryAfterS ?? 0.5 * 2 ** (attempt - 1), LONGEST_WAIT_S);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}
