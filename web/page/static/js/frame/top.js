// The top of the page: its name, the search, the two views, theme and language; and its foot.

import { app, setTheme, shopAddress } from "../core/app.js";
import { h, icon, iconButton } from "../core/dom.js";
import { t } from "../core/words.js";
import { openHelp } from "./help.js";

const THEMES = ["auto", "light", "dark"];

/**
 * @param {{search: (words: string) => void, photo: (file: Blob) => void, turn: (language: string) => void}} does
 */
export function drawTop(does) {
  const { view, language, theme, active } = app.get();
  const top = document.getElementById("top");
  const words = h("input", { id: "words", type: "search", placeholder: t("search.placeholder"), "aria-label": t("search.label"), autocomplete: "off", enterKeyHint: "search", maxLength: 1000 });
  const file = h("input", { id: "photo-file", class: "spoken", type: "file", accept: "image/*,video/mp4,video/webm", tabIndex: -1, "aria-label": t("search.photo"), onchange: chosen });
  const other = language === "zh" ? "en" : "zh";
  const nextTheme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  const link = (name, href) => h("a", { href, class: view === name ? "here" : "", ...(view === name ? { "aria-current": "page" } : {}) }, t(`view.${name}`));
  top?.replaceChildren(
    h("a", { class: "brand", href: shopAddress(), "aria-label": t("title") }, h("span", { class: "logo" }, icon("eye")), h("span", {}, "Sightline")),
    h("form", { class: "search", role: "search", onsubmit: submit }, icon("search"), words, file,
      iconButton("camera", t("search.photo"), () => file.click())),
    h("nav", { "aria-label": t("view.label") }, link("shop", shopAddress()), link("operations", "#/operations")),
    h("div", { class: "switches" },
      iconButton("theme", t("theme.now", { theme: t(`theme.${theme}`) }), () => setTheme(nextTheme)),
      // A symbol, since not every machine has a font with Chinese in it.
      iconButton("language", other === "zh" ? "中文" : "English", () => does.turn(other), { lang: other === "zh" ? "zh-Hans" : "en" }),
      h("button", { type: "button", class: "icon-button", title: t("help.title"), "aria-label": t("help.title"), onclick: openHelp }, "?")));
  drawFoot(active);

  function submit(event) {
    event.preventDefault();
    if (words.value.trim()) does.search(words.value.trim());
  }

  function chosen() {
    if (file.files[0]) does.photo(file.files[0]);
    file.value = "";
  }
}

function drawFoot() {
  document.getElementById("foot")?.replaceChildren(
    h("p", {}, t("foot.what")),
    h("p", {}, h("a", { href: "/openapi.json" }, "OpenAPI"), " · ", h("button", { type: "button", class: "link", onclick: openHelp }, t("help.keys"))));
}

/** Lets photos be dropped anywhere on the page, or pasted. @param {(file: Blob) => void} take */
export function listenToDrops(take) {
  const over = (on) => document.body.classList.toggle("dropping", on);
  const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => files(event) && (event.preventDefault(), over(true)));
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  document.addEventListener("drop", (event) => {
    over(false);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) take(file);
  });
}
