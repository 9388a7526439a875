// From the click to the painted picture: whose time it was.

/**
 * @typedef {{name: string, ms: number}} Stage
 * @typedef {{clicked: number, received: number, ready: number, painted: number}} Clock by performance.now()
 */

/** What lists call their stages, and what people call them. */
const SERVER = { queue: "queue", load: "profile", profile: "profile", candidates: "candidates", rank: "ranking" };

/**
 * The stages of one click, in order. What the server says of its stages is taken out of the time until the list was
 * here; the rest is what lay before (sent) and behind (delivered) them. They are told apart by the time at which the list
 * was made, unless that shows that the clocks of page and server differ.
 * @param {Clock} clock
 * @param {{timings_ms: Record<string, number>, generated_at_ms: number}} list
 * @param {number} receivedAtMs when the list was here, by the clock on the wall
 * @returns {Stage[]}
 */
export function stagesOf(clock, list, receivedAtMs) {
  const until = clock.received - clock.clicked;
  const server = Object.entries(list.timings_ms).filter(([name]) => name in SERVER);
  const inside = server.reduce((sum, [, ms]) => sum + ms, 0);
  // Milliseconds on the wire are whole: together they may be more than there was.
  const scale = inside > until ? until / inside : 1;
  const outside = Math.max(until - inside, 0);
  // A list has the time at which its candidates were asked for, in whole milliseconds.
  const { candidates = 0, rank = 0 } = list.timings_ms;
  const since = receivedAtMs - list.generated_at_ms - candidates - rank;
  const clocksAgree = since >= -1 && since <= outside;
  const delivered = Math.max(since, 0);
  return [
    { name: clocksAgree ? "sent" : "on_the_way", ms: clocksAgree ? outside - delivered : outside },
    ...server.map(([name, ms]) => ({ name: SERVER[name], ms: ms * scale })),
    ...(clocksAgree ? [{ name: "delivered", ms: delivered }] : []),
    { name: "pictures", ms: clock.ready - clock.received },
    { name: "painted", ms: clock.painted - clock.ready },
  ];
}

/** Resolves once the browser has painted what is in the document now, with the time at which that was. */
export function painted() {
  return new Promise((resolve) => {
    const done = () => resolve(performance.now());
    // A tab that is hidden paints nothing.
    if (document.hidden) return done();
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(null);
    });
  });
}

/** The middle one, and that which one in twenty is above. @param {number[]} all */
export function summary(all) {
  const sorted = [...all].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { count: sorted.length, p50: at(0.5), p95: at(0.95) };
}
