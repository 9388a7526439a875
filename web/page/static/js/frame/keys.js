// Keys that work wherever the focus is, unless somebody writes.

import { app } from "../core/app.js";
import { openHelp } from "./help.js";

/** @param {{photo: () => void}} does */
export function listenToKeys(does) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, textarea, select, dialog")) return;
    if (press(event.key, does)) event.preventDefault();
  });
}

function press(key, does) {
  switch (key) {
    case "/":
      document.getElementById("words")?.focus();
      return true;
    case "p":
      does.photo();
      return true;
    case "?":
      openHelp();
      return true;
    case "o":
      location.hash = app.get().view === "operations" ? "#/shop" : "#/operations";
      return true;
    case "1":
    case "2":
      return focusShopper(Number(key) - 1);
    default:
      return false;
  }
}

function focusShopper(place) {
  const id = app.get().shoppers[place];
  const pane = id && document.querySelector(`.pane[data-shopper="${CSS.escape(id)}"]`);
  /** @type {HTMLElement | null | undefined | ""} */ (pane && pane.querySelector(".picture"))?.focus();
  return Boolean(pane);
}
