// Questions to the server. Whatever goes wrong is a Problem that says what, and what to do (RFC 9457).

import { app } from "./app.js";
import { t } from "./words.js";

const TIMEOUT_MS = 15_000;
const KEY = "sightline.key";

/** What the server refuses, or why there is no answer: `status` 0 where nothing came back. */
export class Problem extends Error {
  /** @param {{status: number, title?: string, detail?: string, value?: unknown, remedy?: string, retryAfterS?: number}} said */
  constructor({ status, title, detail, value, remedy, retryAfterS }) {
    super([title, detail, remedy].filter(Boolean).join(". "));
    Object.assign(this, { status, title, detail, value, remedy, retryAfterS });
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.remedy = remedy;
    this.retryAfterS = retryAfterS;
  }

  /** Whether the same question may be answered later. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

/** The key or token that a server with keys asks for; it is kept for this tab alone. */
export const accessKey = () => sessionStorage.getItem(KEY) ?? "";
export const setAccessKey = (key) => (key ? sessionStorage.setItem(KEY, key) : sessionStorage.removeItem(KEY));

/** Headers of every question. @param {Record<string, string>} [more] */
export function headers(more = {}) {
  const key = accessKey();
  return { ...(key ? { authorization: `Bearer ${key}` } : {}), ...more };
}

/** An id as a part of a path. */
export const segment = (id) => encodeURIComponent(id);

/**
 * Asks, and reads the JSON of the answer; throws a Problem.
 * @param {string} path
 * @param {{method?: string, body?: BodyInit | object, headers?: Record<string, string>, signal?: AbortSignal, timeoutMs?: number}} [how]
 * @returns {Promise<any>}
 */
export async function ask(path, how = {}) {
  const plain = how.body === undefined || how.body instanceof Blob || how.body instanceof FormData;
  const limits = [AbortSignal.timeout(how.timeoutMs ?? TIMEOUT_MS), ...(how.signal ? [how.signal] : [])];
  let answer;
  try {
    answer = await fetch(path, {
      method: how.method ?? (how.body === undefined ? "GET" : "POST"),
      body: plain ? /** @type {any} */ (how.body) : JSON.stringify(how.body),
      headers: headers({ ...(plain ? {} : { "content-type": "application/json" }), ...how.headers }),
      signal: AbortSignal.any(limits),
    });
  } catch (error) {
    if (how.signal?.aborted) throw error;
    const slow = /** @type {Error} */ (error).name === "TimeoutError";
    throw new Problem({ status: 0, title: t(slow ? "problem.slow" : "problem.unreachable") });
  }
  if (!answer.ok) throw await problemOf(answer);
  return answer.status === 204 ? null : answer.json();
}

/** What an answer that is no success says; where it lacks a key, the page asks for one. @param {Response} answer */
export async function problemOf(answer) {
  if (answer.status === 401) app.set({ needsKey: true });
  const retryAfterS = Number(answer.headers.get("retry-after")) || undefined;
  const said = await answer.json().catch(() => ({}));
  const title = said.title ?? t("problem.status", { status: answer.status });
  return new Problem({ ...said, title, status: answer.status, retryAfterS });
}

/** A new id, also where the page is not served over HTTPS. */
export function newId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
