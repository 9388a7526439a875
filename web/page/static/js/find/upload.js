// A photo becomes an item: sent, stored, looked at by the network, and found by everybody.

import { h, icon } from "../core/dom.js";
import { ask, newId, segment } from "../core/http.js";
import { forgetFacts } from "../core/items.js";
import { listen } from "../core/stream.js";
import { milliseconds, t, wordOr } from "../core/words.js";
import { fitted } from "./fitted.js";

const STAGES = ["sent", "accepted", "searchable"];
const TIMEOUT_MS = 60_000;
const TOO_LARGE = 413;

/** @param {Blob} file @param {() => string} owner */
export function makeUpload(file, owner) {
  const title = h("input", { id: "upload-title", maxLength: 200, required: true, autocomplete: "off", value: nameOf(file) });
  const button = h("button", { type: "submit", class: "primary" }, t("upload.send"));
  const steps = h("ol", { class: "steps", hidden: true, "aria-live": "polite" });
  const form = h("form", { class: "form upload", onsubmit: send }, h("label", { for: "upload-title" }, t("upload.title")),
    h("div", { class: "inline" }, title, button));
  const element = h("div", {}, form, steps);
  let stop = () => {};

  async function send(event) {
    event.preventDefault();
    form.hidden = true;
    steps.hidden = false;
    const began = performance.now();
    const item = `photo-${newId().slice(0, 12)}`;
    const passed = new Map();
    draw(passed);
    try {
      const query = new URLSearchParams({ title: title.value.trim(), user_id: owner() });
      const taken = await put(`/v1/items/${segment(item)}/picture?${query}`, file);
      pass("sent");
      stop = listen(taken.stages, { take, tell: (_, problem) => problem?.status >= 400 && fail(problem.message), once: true });
    } catch (problem) {
      fail(problem.message);
    }

    function take(message) {
      const said = JSON.parse(message.data || "{}");
      if (message.event === "refused") fail([said.reason && reasonWord(said.reason), said.error].filter(Boolean).join(": "));
      if (message.event === "waiting") fail(t("upload.waiting"));
      if (STAGES.includes(message.event)) pass(message.event);
      if (message.event === "searchable") forgetFacts(item);
      return message.event !== "accepted";
    }

    function pass(stage) {
      passed.set(stage, performance.now() - began);
      draw(passed);
    }

    function fail(text) {
      draw(passed, text);
      form.hidden = false;
    }
  }

  /** Sends the photo; a smaller one to a server that has no room for large ones. */
  async function put(path, photo) {
    const headers = { "content-type": photo.type || "application/octet-stream" };
    try {
      return await ask(path, { method: "PUT", body: photo, headers, timeoutMs: TIMEOUT_MS });
    } catch (problem) {
      const smaller = problem.status === TOO_LARGE ? await fitted(photo) : photo;
      if (smaller.size >= photo.size) throw problem;
      return put(path, smaller);
    }
  }

  function draw(passed, failure = "") {
    const next = STAGES.find((stage) => !passed.has(stage));
    steps.replaceChildren(...STAGES.map((stage) => {
      const at = passed.get(stage);
      const state = at !== undefined ? "done" : stage === next && !failure ? "now" : failure && stage === next ? "failed" : "later";
      return h("li", { class: state },
        h("span", { class: "step", "aria-hidden": "true" }, state === "done" ? icon("check") : state === "failed" ? icon("close") : ""),
        h("span", {}, t(`upload.${stage}`)),
        at ? h("b", {}, `${milliseconds(at)} ms`) : null,
        state === "failed" ? h("p", { class: "notice bad", role: "alert" }, t("upload.refused", { why: failure })) : null);
    }));
  }

  return { element, end: () => stop() };
}

/** A reason of refusal in the page's language; the server's own word where the page has none. */
const reasonWord = (reason) => wordOr(`refused.${reason}`, reason.replaceAll("_", " "));

function nameOf(file) {
  const name = /** @type {File} */ (file).name ?? "";
  return name.replace(/\.[a-z0-9]+$/i, "").replace(/[_-]+/g, " ").trim().slice(0, 80) || t("upload.untitled");
}
