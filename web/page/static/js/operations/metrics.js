// Figures from the workers' metrics: sums over workers, rates between two looks, and quantiles of histograms.

/**
 * @typedef {{labels: Record<string, string>, value: number}} Sample
 * @typedef {{address: string, up: boolean, metrics: Record<string, Sample[]>}} Worker
 */

/** All samples of a metric of all workers. @param {Worker[]} workers @param {string} name */
export const samples = (workers, name) => workers.flatMap((worker) => worker.metrics?.[name] ?? []);

/** The sum of a metric over workers, of the samples that are wanted. */
export function total(workers, name, wanted = (_labels) => true) {
  return samples(workers, name).reduce((sum, { labels, value }) => sum + (wanted(labels) && Number.isFinite(value) ? value : 0), 0);
}

/** The sum by one label. @returns {Map<string, number>} the greatest first */
export function totalBy(workers, name, label) {
  const sums = new Map();
  for (const { labels, value } of samples(workers, name)) sums.set(labels[label] ?? "", (sums.get(labels[label] ?? "") ?? 0) + value);
  return new Map([...sums].sort((a, b) => b[1] - a[1]));
}

/** How much a counter grew a second; one that begins again, as after a restart, counts from 0. */
export function rate(now, before, seconds) {
  return seconds > 0 ? Math.max(now >= before ? now - before : now, 0) / seconds : 0;
}

/**
 * A histogram over all workers: counts between the bounds, in seconds.
 * @returns {{bounds: number[], counts: number[]}}
 */
export function histogram(workers, name) {
  const sums = new Map();
  for (const { labels, value } of samples(workers, `${name}_bucket`)) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    sums.set(bound, (sums.get(bound) ?? 0) + value);
  }
  const bounds = [...sums.keys()].sort((a, b) => a - b);
  return { bounds, counts: bounds.map((bound, at) => sums.get(bound) - (at ? sums.get(bounds[at - 1]) : 0)) };
}

/** What was counted between two looks. */
export function grown(now, before) {
  const then = new Map(before.bounds.map((bound, at) => [bound, before.counts[at]]));
  return { bounds: now.bounds, counts: now.counts.map((count, at) => {
    const was = then.get(now.bounds[at]) ?? 0;
    return count >= was ? count - was : count;
  }) };
}

/** A quantile in seconds, between the bounds as Prometheus does it; null where nothing was counted. */
export function quantile({ bounds, counts }, share) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  let below = 0;
  for (let at = 0; at < counts.length; at += 1) {
    if (below + counts[at] >= share * all) {
      const from = at ? bounds[at - 1] : 0;
      return Number.isFinite(bounds[at]) ? from + ((share * all - below) / counts[at]) * (bounds[at] - from) : from;
    }
    below += counts[at];
  }
  return bounds.at(-1) ?? null;
}
