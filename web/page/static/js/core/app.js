// The state of the page that is no shopper's.

import { makeStore } from "./store.js";

/**
 * @typedef {{
 *   view: "shop" | "operations", language: string, theme: "auto" | "light" | "dark",
 *   shoppers: string[], active: string, found: null | object, needsKey: boolean,
 * }} App
 */

const THEME = "sightline.theme";
const SHOPPERS = "sightline.shoppers";
const NAMES = ["ada", "ben", "chloe", "dev", "emi", "finn", "gao", "hana", "ivo", "jun", "kaya", "lin", "mei", "noor", "omar", "pia"];

/** The state; `active` is the shopper to whom keys, searches and photos belong. */
export const app = makeStore(
  /** @type {App} */ ({
    view: "shop",
    language: "en",
    theme: /** @type {any} */ (localStorage.getItem(THEME) ?? "auto"),
    shoppers: [],
    active: "",
    found: null,
    needsKey: false,
  }),
);

/** A user id for somebody new. */
export function newShopper() {
  const taken = app.get().shoppers.map((id) => id.split("-")[0]);
  const free = NAMES.filter((name) => !taken.includes(name));
  const four = crypto.getRandomValues(new Uint16Array(1))[0].toString(16).padStart(4, "0");
  return `${free[Math.floor(Math.random() * free.length)]}-${four}`;
}

/** What a shopper is called: made-up ids have a name before the hyphen, others are their own name. */
export function nameOf(id) {
  const made = id.match(/^([a-z]+)-[0-9a-f]{4}$/);
  return made ? made[1][0].toUpperCase() + made[1].slice(1) : id;
}

/** Sets who shops: one or two, each once; they are kept for the next visit, and stand in the address. */
export function setShoppers(ids) {
  const shoppers = [...new Set(ids)].filter(Boolean).slice(0, 2);
  if (!shoppers.length) shoppers.push(newShopper());
  const active = shoppers.includes(app.get().active) ? app.get().active : shoppers[0];
  localStorage.setItem(SHOPPERS, JSON.stringify(shoppers));
  app.set({ shoppers, active });
  if (app.get().view === "shop") history.replaceState(null, "", shopAddress());
}

export function shopAddress() {
  return `#/shop?${new URLSearchParams(app.get().shoppers.map((id) => ["user", id]))}`;
}

/** Reads the address: which view, and who shops. */
export function readAddress() {
  const [path, query] = location.hash.replace(/^#/, "").split("?");
  app.set({ view: path === "/operations" ? "operations" : "shop" });
  const named = new URLSearchParams(query ?? "").getAll("user");
  let kept = [];
  try {
    kept = JSON.parse(localStorage.getItem(SHOPPERS) ?? "[]");
  } catch {
    kept = [];
  }
  const now = app.get().shoppers;
  setShoppers(named.length ? named : now.length ? now : Array.isArray(kept) ? kept.map(String) : []);
}

export function setTheme(theme) {
  localStorage.setItem(THEME, theme);
  app.set({ theme });
  document.documentElement.dataset.theme = theme;
}
