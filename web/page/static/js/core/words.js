// The page's words, in English and Chinese, from i18n/*.json. Both files have the same keys: a test looks.

const LANGUAGES = ["en", "zh"];
let words = {};
let language = "en";

/** The language that the visitor chose, or else the browser's. */
export function wantedLanguage() {
  const chosen = localStorage.getItem("sightline.language");
  if (LANGUAGES.includes(chosen ?? "")) return /** @type {string} */ (chosen);
  return (navigator.languages ?? [navigator.language]).some((each) => each?.toLowerCase().startsWith("zh")) ? "zh" : "en";
}

/** Loads a language; the page is drawn again by who calls. @param {string} name */
export async function speak(name) {
  const answer = await fetch(new URL(`../../i18n/${name}.json`, import.meta.url));
  words = await answer.json();
  language = name;
  document.documentElement.lang = name === "zh" ? "zh-Hans" : "en";
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-i18n]")) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.i18n ?? "");
  }
}

export const spoken = () => language;
export const hasWords = (key) => key in words;

/**
 * The text of a key, with `{name}` replaced. Where `count` is 1, and the key has a form `key.one`, that is taken.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = (values.count === 1 && words[`${key}.one`]) || words[key] || key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The text of a key, or something else where the page has no word for it: a later server may say more. */
export const wordOr = (key, otherwise) => (key in words ? t(key) : otherwise);

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

export const percent = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);

/** Milliseconds as people read them: 0.4, 38, 1,250. */
export const milliseconds = (ms) => number(ms, ms < 9.95 ? 1 : 0);

/** The length of a clip: 0:07, 2:30. @param {number} ms */
export function length(ms) {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A price; a currency that is none is written as it is. */
export function price(value, currency) {
  if (value === null || value === undefined) return "";
  try {
    if (currency) return new Intl.NumberFormat(language, { style: "currency", currency }).format(value);
  } catch {
    return `${number(value, 2)} ${currency}`;
  }
  return number(value, 2);
}
