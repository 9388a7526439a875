// The view of operators: what the workers' metrics say, looked at each second while somebody looks.

import { h } from "../core/dom.js";
import { ask } from "../core/http.js";
import { milliseconds, number, percent, t } from "../core/words.js";
import { sparkline } from "./chart.js";
import { grown, histogram, quantile, rate, total, totalBy } from "./metrics.js";

const EVERY_MS = 1000;
const KEPT = 60; // looks
const LATENCY = "sightline_event_to_recommendation_seconds";
const LISTS = "sightline_recommendations_total";

/** Shows the view, and looks until it ends. */
export function showOperations() {
  const cards = h("div", { class: "cards" });
  const problems = h("div", { class: "notices", role: "status" });
  const element = h("div", { class: "operations" },
    h("header", {}, h("h1", {}, t("operations.title")), h("p", { class: "soft" }, t("operations.what"))), problems, cards);
  /** @type {{at: number, workers: import("./metrics.js").Worker[]}[]} */
  let looks = [];
  let timer = 0;
  let over = false;

  async function look() {
    try {
      const { workers } = await ask("/v1/operations", { timeoutMs: 5000 });
      looks = [...looks, { at: performance.now(), workers }].slice(-KEPT);
      problems.replaceChildren(...missing(workers));
      cards.replaceChildren(...drawCards(looks));
    } catch (problem) {
      problems.replaceChildren(h("p", { class: "notice bad" }, problem.message ?? String(problem)));
    }
    if (!over) timer = window.setTimeout(() => (document.hidden ? wait() : look()), EVERY_MS);
  }

  function wait() {
    document.addEventListener("visibilitychange", () => over || look(), { once: true });
  }

  look();
  return {
    element,
    end() {
      over = true;
      clearTimeout(timer);
    },
  };
}

/** What is wrong with the workers, the first of which is the door itself. */
function missing(workers) {
  if (workers.length < 2) return [h("p", { class: "notice info" }, t("operations.no_workers"))];
  const down = workers.filter((worker) => !worker.up);
  return down.map((worker) => h("p", { class: "notice bad" }, t("operations.down", { address: worker.address })));
}

function drawCards(looks) {
  const { workers } = looks[looks.length - 1];
  const first = looks[0].workers;
  const seconds = (looks[looks.length - 1].at - looks[0].at) / 1000;
  const recent = looks.length > 1 ? grown(histogram(workers, LATENCY), histogram(first, LATENCY)) : histogram(workers, LATENCY);
  const grew = (name, wanted) => Math.max(total(workers, name, wanted) - total(first, name, wanted), 0);
  const lists = grew(LISTS);
  const degraded = grew(LISTS, (labels) => Boolean(labels.degraded));
  return [
    rateCard(t("operations.events"), looks, "sightline_events_total", t("operations.events_about")),
    rateCard(t("operations.lists"), looks, LISTS, t("operations.lists_about")),
    card(t("operations.lag"), number(total(workers, "sightline_consumer_lag_records")), t("operations.lag_about"),
      rows(totalBy(workers, "sightline_consumer_lag_records", "topic"))),
    card(t("operations.degraded"), lists ? percent(degraded / lists) : "–", t("operations.degraded_about", { seconds: number(seconds) }),
      rows(withoutEmpty(totalBy(workers, LISTS, "degraded")), "sum"), degraded > 0 ? "warn" : ""),
    latencyCard(recent),
    stagesCard(workers),
    h("div", { class: "stack" }, card(t("operations.dead_letters"), number(total(workers, "sightline_dead_letters_total")), t("operations.dead_letters_about"),
      rows(totalBy(workers, "sightline_dead_letters_total", "reason"))),
    card(t("operations.items"), number(catalogue(workers)), t("operations.items_about"), uploads(workers)),
    workersCard(workers)),
  ];
}

function card(title, value, about, more = null, kind = "") {
  return h("section", { class: `card ${kind}` }, h("h2", {}, title), h("p", { class: "figure" }, ...[value].flat()), h("p", { class: "soft" }, about), more);
}

function rateCard(title, looks, name, about) {
  const totals = looks.map((each) => total(each.workers, name));
  const rates = totals.slice(1).map((now, at) => rate(now, totals[at], (looks[at + 1].at - looks[at].at) / 1000));
  const latest = rates.slice(-5);
  const mean = latest.length ? latest.reduce((sum, each) => sum + each, 0) / latest.length : null;
  return card(title, mean === null ? "–" : [number(mean, mean < 10 ? 1 : 0), h("small", {}, t("operations.a_second"))], about, sparkline(rates, KEPT));
}

const inMs = (seconds) => (seconds === null ? "–" : milliseconds(seconds * 1000));

function latencyCard(recent) {
  const shown = recent.bounds.map((bound, at) => [bound, recent.counts[at]]);
  const last = shown.findLastIndex(([, count]) => count > 0);
  const from = Math.max(shown.findIndex(([, count]) => count > 0) - 1, 0);
  const most = Math.max(...recent.counts, 1);
  const bars = shown.slice(from, last + 1).map(([bound, count], at, all) => {
    const below = at ? all[at - 1][0] : 0;
    const text = Number.isFinite(bound) ? `≤ ${number(bound * 1000, Number.isInteger(+(bound * 1000).toFixed(3)) ? 0 : 1)}` : `> ${number(below * 1000)}`;
    return h("li", { vars: { "--share": String(count / most) } }, h("span", { class: "bar-name" }, `${text} ms`), h("span", { class: "bar-value" }, number(count)));
  });
  const quantiles = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]].map(([name, share]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, inMs(quantile(recent, Number(share))), h("small", {}, " ms"))));
  return h("section", { class: "card latency" }, h("h2", {}, t("operations.latency")), h("dl", { class: "quantiles" }, ...quantiles),
    h("p", { class: "soft" }, t("operations.latency_about")),
    bars.length ? h("ul", { class: "bars" }, ...bars) : h("p", { class: "soft" }, t("operations.none_yet")));
}

function rows(sums) {
  const shown = [...sums].filter(([, value]) => value > 0).slice(0, 6);
  if (!shown.length) return null;
  return h("ul", { class: "rows" }, ...shown.map(([name, value]) => h("li", {}, h("span", {}, name), h("b", {}, number(value)))));
}

const withoutEmpty = (sums) => new Map([...sums].filter(([name]) => name));

function stagesCard(workers) {
  const sums = totalBy(workers, "sightline_stage_seconds_sum", "stage");
  const counts = totalBy(workers, "sightline_stage_seconds_count", "stage");
  const means = [...sums].filter(([stage]) => counts.get(stage)).map(([stage, sum]) => [stage, sum / (counts.get(stage) ?? 1)])
    .sort((a, b) => Number(b[1]) - Number(a[1]));
  const most = Math.max(...means.map(([, mean]) => Number(mean)), 1e-9);
  const bars = means.map(([stage, mean]) => h("li", { vars: { "--share": String(Number(mean) / most) } },
    h("span", { class: "bar-name" }, stage), h("span", { class: "bar-value" }, `${inMs(mean)} ms`)));
  return h("section", { class: "card stages" }, h("h2", {}, t("operations.stages")), h("p", { class: "soft" }, t("operations.stages_about")), h("ul", { class: "bars" }, ...bars));
}

/** Every worker holds the whole catalogue: the greatest replica counts, not their sum. */
function catalogue(workers) {
  return Math.max(0, ...workers.map((worker) => total([worker], "sightline_catalog_items", (labels) => labels.state === "searchable")));
}

function uploads(workers) {
  const all = histogram(workers, "sightline_upload_to_searchable_seconds");
  const p50 = quantile(all, 0.5);
  return p50 === null ? null : h("ul", { class: "rows" }, h("li", {}, h("span", {}, t("operations.upload")), h("b", {}, `${inMs(p50)} ms`)));
}

function workersCard(workers) {
  return h("section", { class: "card" }, h("h2", {}, t("operations.workers")), h("ul", { class: "rows" }, ...workers.map((worker) =>
    h("li", {}, h("span", {}, h("span", { class: `dot ${worker.up ? "up" : "down"}`, "aria-hidden": "true" }), worker.address === "web" ? t("operations.this") : worker.address),
      h("b", {}, t(worker.up ? "operations.up" : "operations.is_down"))))));
}
