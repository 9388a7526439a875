// One shopper: the list, what was clicked and is not answered yet, and how the connection is.

import { ask, segment } from "../core/http.js";
import { fetchFacts } from "../core/items.js";
import { preparePictures } from "../core/pictures.js";
import { makeStore } from "../core/store.js";
import { listen } from "../core/stream.js";
import { isRefusal, makeActs } from "./acts.js";
import { changesOf } from "./changes.js";
import { makeLater } from "./later.js";
import { painted, stagesOf } from "./timing.js";

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
    slow: false,
    last: /** @type {any} */ (null),
    times: /** @type {number[]} */ ([]),
    chosen: /** @type {{id: string, type: string}[]} */ ([]),
    profile: /** @type {any} */ (null),
    took: /** @type {any} */ (null),
  });
  const path = `/v1/users/${segment(id)}`;
  const acts = makeActs(store, onProblem);
  const later = makeLater(store, path);
  let latest = 0;
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
    const answered = acts.answeredBy(list);
    const changes = changesOf(before?.items.map((item) => item.item_id) ?? [], ids);
    store.set({ list, changes, loading: false, failed: null, more: [], took: tookAway(answered, before, list, changes) });
    const at = await painted();
    if (answered) measure(answered, list, { clicked: answered.clicked, received, ready, painted: at });
    later.read();
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
    if (!answered || !isRefusal(answered.type)) return store.get().took;
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
    later.read(0);
  }

  /** Appends the next page of the list. */
  async function loadMore() {
    const { more, list } = store.get();
    const turn = latest;
    const shown = new Set([...list.items, ...more].map((item) => item.item_id));
    let { cursor } = store.get();
    try {
      let next;
      let items = [];
      // A list that was pushed has no cursor: the first page of one that is made now is mostly here already.
      do {
        next = await ask(`${path}/recommendations?${new URLSearchParams(cursor ? { cursor } : {})}`);
        items = next.items.filter((item) => !shown.has(item.item_id));
        ({ cursor } = next);
      } while (!items.length && cursor);
      await fetchFacts(items.map((item) => item.item_id));
      await preparePictures(items.map((item) => item.item_id));
      if (turn === latest) store.set({ more: [...more, ...items], cursor: next.cursor });
    } catch (problem) {
      onProblem(problem);
    }
  }

  function take(message) {
    // Another device of the same user may have asked to be forgotten.
    if (message.event === "withdrawn") return empty();
    if (message.event !== "list") return;
    const list = JSON.parse(message.data);
    const shown = store.get().list;
    if (list.kind !== "feed" || (shown && list.generated_at_ms <= shown.generated_at_ms)) return;
    if (shown?.seq !== undefined && list.seq <= shown.seq) return;
    store.set({ known: true, cursor: null });
    show(list, performance.now());
  }

  /** Starts again with nothing on the page, as after a forget. */
  function empty() {
    acts.giveUp();
    latest += 1;
    store.set({ list: null, more: [], chosen: [], profile: null, took: null, last: null, known: false });
    load();
  }

  return {
    ...store,
    path,
    act: acts.act,
    load,
    loadMore,
    empty,
    readProfileSoon: later.read,
    start() {
      load();
      stop = listen(`${path}/recommendations/stream`, {
        take,
        tell(connection, refusal) {
          const before = store.get().connection;
          store.set({ connection, refusal });
          // What was missed may be older than what a server that started again remembers.
          if (connection !== "live" || !["lost", "paused"].includes(before)) return;
          acts.giveUp();
          load();
        },
      });
    },
    stop() {
      stop();
      later.stop();
      acts.giveUp();
    },
  };
}
