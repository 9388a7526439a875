// Server-sent events, read with fetch: it can send Last-Event-ID and a key, and sees why it is refused.
// A tab that is hidden lets its connection go: over HTTP/1.1 a browser has six for all its tabs.

import { headers, problemOf } from "./http.js";

const SILENT_MS = 45_000; // three heartbeats
const LONGEST_WAIT_MS = 10_000;

/**
 * @typedef {{event: string, id: string, data: string}} Message
 * @typedef {"connecting" | "live" | "lost" | "paused" | "refused" | "ended"} Connection
 */

/** Takes the messages out of what has arrived; returns what is not whole yet. */
export function takeMessages(text, lastId, take) {
  const blocks = text.replace(/\r\n?/g, "\n").split("\n\n");
  const rest = blocks.pop() ?? "";
  for (const block of blocks) {
    const fields = { event: "message", id: lastId, data: /** @type {string[]} */ ([]), retry: "" };
    for (const line of block.split("\n")) {
      const [, name, value] = line.match(/^([a-z]+): ?(.*)$/) ?? [];
      if (name === "data") fields.data.push(value);
      else if (name) fields[name] = value;
    }
    lastId = fields.id;
    if (fields.data.length || fields.retry) take({ ...fields, data: fields.data.join("\n") });
  }
  return rest;
}

/**
 * Listens to a path until it is stopped, and connects again whenever the connection is lost.
 * @param {string} path
 * @param {{take: (message: Message) => boolean | void, tell: (state: Connection, problem?: any) => void, once?: boolean}} who
 *   `take` returns true to end it; `once`: a stream that the server ends is at its end
 * @returns {() => void} stops it
 */
export function listen(path, { take, tell, once = false }) {
  let stopped = false;
  let lastId = "";
  let retryMs = 1000;
  let failures = 0;
  let open = new AbortController();
  let wake = () => {};

  const hear = (message) => {
    if (message.retry) retryMs = Number(message.retry) || retryMs;
    lastId = message.id;
    if (message.data && take(message) === true) stop();
  };
  const stop = () => {
    stopped = true;
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("online", now);
    open.abort();
    wake();
  };
  const now = () => wake();
  const seen = () => (document.hidden ? open.abort() : wake());
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("online", now);

  const read = async () => {
    open = new AbortController();
    const answer = await fetch(path, {
      headers: headers({ accept: "text/event-stream", ...(lastId ? { "last-event-id": lastId } : {}) }),
      signal: open.signal,
      cache: "no-store",
    });
    if (!answer.ok) throw await problemOf(answer);
    tell("live");
    failures = 0;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silence = setTimeout(() => open.abort(), SILENT_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      text = takeMessages(text + value, lastId, hear);
    }
  };

  (async () => {
    tell("connecting");
    while (!stopped) {
      const problem = await read().then(() => null, (error) => error);
      if (stopped) return;
      if (once && !problem) return stop();
      if (problem?.status >= 400 && !problem.passes) return tell("refused", problem), stop();
      failures += 1;
      tell(document.hidden ? "paused" : "lost", problem);
      const longest = Math.min(retryMs * 2 ** (failures - 1), LONGEST_WAIT_MS);
      await new Promise((resolve) => {
        wake = () => document.hidden || resolve(undefined);
        if (!document.hidden) setTimeout(wake, longest * (0.5 + Math.random() / 2));
      });
    }
  })();
  return stop;
}
