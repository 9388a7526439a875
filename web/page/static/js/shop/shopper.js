// One shopper: the list, what was clicked and is not answered yet, and how the connection is.

import { ask, newId, segment } from "../core/http.js";
import { fetchFacts } from "../core/items.js";
import { preparePictures } from "../core/pictures.js";
import { makeStore } from "../core/store.js";
import { listen } from "../core/stream.js";
import { changesOf } from "./changes.js";
import { send } from "./sending.js";
import { painted, stagesOf } from "./timing.js";

const CHOSEN = 12;
const PROFILE_AFTER_MS = 250; // what a click changes is stored a tenth of a second later
const SLOW_MS = 1500;
const AHEAD = 60;

/** @typedef {ReturnType<typeof makeShopper>} Shopper */

/**
 * @param {string} id
 * @param {{onProblem: (problem: any) => void}} who
 */
export function makeShopper(id, { onProblem }) {
  const store = makeStore({
    id,
    connection: "connecting",
    refusal: /** @type {any} */ (null),
    loading: true,
    failed: /** @type {any} */ (null),
    list: /** @type {any} */ (null),
    changes: changesOf([], []),
    known: false,
    optedOut: false,
    cursor: /** @type {string | null} */ (null),
    more: /** @type {any[]} */ ([]),
    waiting: false,
    slow: false,
    last: /** @type {any} */ (null),
    times: /** @type {number[]} */ ([]),
    chosen: /** @type {{id: string, type: string}[]} */ ([]),
    profile: /** @type {any} */ (null),
    took: /** @type {any} */ (null),
  });
  const path = `/v1/users/${segment(id)}`;
  /** @type {{eventId: string, type: string, itemId: string, clicked: number}[]} */
  let pending = [];
  let latest = 0;
  let profileTimer = 0;
  let slowTimer = 0;
  let stop = () => {};

  /** Shows a list once its pictures are here; a later list goes first. */
  async function show(list, received) {
    const turn = ++latest;
    const ids = list.items.map((item) => item.item_id);
    try {
      const named = list.items.flatMap((item) => item.reasons.map((reason) => reason.item_id));
      await fetchFacts([...ids, ...named]);
      await preparePictures(ids);
    } catch (problem) {
      onProblem(problem);
    }
    if (turn !== latest) return;
    const ready = performance.now();
    const before = store.get().list;
    const answered = answeredBy(list);
    const changes = changesOf(before?.items.map((item) => item.item_id) ?? [], ids);
    store.set({ list, changes, loading: false, failed: null, more: [], took: tookAway(answered, before, list, changes) });
    const at = await painted();
    if (answered) measure(answered, list, { clicked: answered.clicked, received, ready, painted: at });
    readProfileSoon();
  }

  /** The click that a list answers, and with it all that were sent before. */
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
    store.set({ waiting: false, slow: false });
  }

  function measure(answered, list, clock) {
    const receivedAtMs = performance.timeOrigin + clock.received;
    const ms = clock.painted - clock.clicked;
    const last = { ms, stages: stagesOf(clock, list, receivedAtMs), itemId: answered.itemId, type: answered.type };
    store.set({ last, times: [...store.get().times, ms] });
    performance.measure("sightline.click-to-painted", { start: clock.clicked, end: clock.painted, detail: last });
  }

  /** What a refusal took out of the list, besides the item itself. */
  function tookAway(answered, before, list, changes) {
    if (!answered || !["hide", "dislike"].includes(answered.type)) return store.get().took;
    const held = (each) => each?.filtered?.like_refused ?? 0;
    const gone = changes.gone.filter((each) => each !== answered.itemId);
    return { ...answered, gone, heldBack: Math.max(held(list) - held(before), 0) };
  }

  async function load() {
    store.set({ loading: true, failed: null });
    try {
      const now = await ask(`${path}/recommendations`);
      const shown = store.get().list;
      store.set({ known: now.known, optedOut: now.opted_out, cursor: now.cursor });
      if (!shown || now.generated_at_ms > shown.generated_at_ms) await show(now, performance.now());
    } catch (problem) {
      store.set({ loading: false, failed: store.get().list ? null : problem });
      if (store.get().list) onProblem(problem);
    }
    readProfileSoon(0);
  }

  /** Appends the next page of the list. */
  async function loadMore() {
    const { cursor, more, list } = store.get();
    const turn = latest;
    try {
      const next = await ask(`${path}/recommendations?${new URLSearchParams(cursor ? { cursor } : {})}`);
      const shown = new Set([...list.items, ...more].map((item) => item.item_id));
      const items = next.items.filter((item) => !shown.has(item.item_id));
      await fetchFacts(items.map((item) => item.item_id));
      await preparePictures(items.map((item) => item.item_id));
      if (turn === latest) store.set({ more: [...more, ...items], cursor: next.cursor });
    } catch (problem) {
      onProblem(problem);
    }
  }

  function take(message) {
    if (message.event !== "list") return;
    const list = JSON.parse(message.data);
    const shown = store.get().list;
    if (list.kind !== "feed" || (shown && list.generated_at_ms <= shown.generated_at_ms)) return;
    if (shown?.seq !== undefined && list.seq <= shown.seq) return;
    store.set({ known: true, cursor: null });
    show(list, performance.now());
  }

  /** Publishes what the shopper did; the same event id again changes nothing, so it is sent until it is taken. */
  async function act(type, itemId, clicked) {
    const { list, chosen } = store.get();
    const eventId = newId();
    const position = list?.items.findIndex((item) => item.item_id === itemId) ?? -1;
    pending = [...pending, { eventId, type, itemId, clicked }];
    const refused = type === "hide" || type === "dislike";
    store.set({ waiting: true, chosen: refused ? chosen : [{ id: itemId, type }, ...chosen.filter((each) => each.id !== itemId)].slice(0, CHOSEN) });
    clearTimeout(slowTimer);
    slowTimer = window.setTimeout(() => store.set({ slow: true }), SLOW_MS);
    const event = { event_id: eventId, type, user_id: id, item_id: itemId, occurred_at_ms: Date.now(), surface: "page" };
    if (list?.rec_id) Object.assign(event, { rec_id: list.rec_id, ...(position >= 0 ? { position } : {}) });
    try {
      await send(event);
    } catch (problem) {
      pending = pending.filter((each) => each.eventId !== eventId);
      if (!pending.length) settle();
      store.set({ chosen });
      onProblem(problem);
    }
  }

  /** Fetches what may come next while nobody waits: most of a new list stood further down in the one before. */
  async function warmUp() {
    if (/** @type {any} */ (navigator).connection?.saveData || document.hidden) return;
    const { items } = await ask(`${path}/recommendations?count=${AHEAD}`);
    const ids = items.map((item) => item.item_id);
    await fetchFacts(ids);
    await preparePictures(ids);
  }

  function readProfileSoon(afterMs = PROFILE_AFTER_MS) {
    clearTimeout(profileTimer);
    profileTimer = window.setTimeout(() => {
      readProfile();
      warmUp().catch(() => {}); // nobody waits for it
    }, afterMs);
  }

  async function readProfile() {
    try {
      const profile = await ask(path);
      const refused = profile.refused.map((each) => each.item_id ?? each);
      await fetchFacts([...profile.interests.map((each) => each.item_id), ...refused, ...profile.engaged.map((each) => each.item_id)]);
      store.set({ profile, known: profile.known, optedOut: profile.opted_out });
    } catch {
      // The panel stays as it was: lists and their problems say more.
    }
  }

  /** Starts again with nothing on the page, as after a forget. */
  function empty() {
    pending = [];
    settle();
    store.set({ chosen: [], profile: null, took: null, last: null, known: false });
    load();
  }

  return {
    ...store,
    path,
    act,
    load,
    loadMore,
    empty,
    readProfileSoon,
    start() {
      load();
      stop = listen(`${path}/recommendations/stream`, {
        take,
        tell(connection, refusal) {
          const before = store.get().connection;
          store.set({ connection, refusal });
          // What was missed may be older than what a server that started again remembers.
          if (connection !== "live" || !["lost", "paused"].includes(before)) return;
          pending = [];
          settle();
          load();
        },
      });
    },
    stop() {
      stop();
      clearTimeout(profileTimer);
      clearTimeout(slowTimer);
    },
  };
}
