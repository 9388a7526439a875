// The page begins here: words, theme, who shops, and which of the two views is shown.

import { app, readAddress, setTheme } from "./core/app.js";
import { speak, wantedLanguage } from "./core/words.js";
import { makeFinder } from "./find/finder.js";
import { listenToKeys } from "./frame/keys.js";
import { askForKey } from "./frame/key.js";
import { drawTop, listenToDrops } from "./frame/top.js";
import { showOperations } from "./operations/view.js";
import { makeCrowd } from "./shop/crowd.js";
import { showShop } from "./shop/view.js";

let shown = /** @type {{view: string, language: string, end: () => void} | null} */ (null);
const crowd = makeCrowd();
const finder = makeFinder(crowd.active);

const does = {
  search: (words) => toShop(() => finder.search(words)),
  photo: (file) => toShop(() => finder.photo(file)),
  turn: async (language) => {
    localStorage.setItem("sightline.language", language);
    await speak(language);
    app.set({ language });
  },
};

/** Searches and photos belong to the shoppers' view. */
function toShop(then) {
  if (app.get().view !== "shop") app.set({ view: "shop" });
  then();
}

function show() {
  const { view, language } = app.get();
  drawTop(does);
  if (shown?.view === view && shown.language === language) return;
  shown?.end();
  const main = /** @type {HTMLElement} */ (document.getElementById("main"));
  if (view === "operations") {
    const operations = showOperations();
    main.replaceChildren(operations.element);
    shown = { view, language, end: operations.end };
  } else {
    finder.redraw();
    const shop = showShop(finder, crowd);
    main.replaceChildren(shop.element);
    shown = { view, language, end: shop.end };
  }
}

async function begin() {
  const language = wantedLanguage();
  await speak(language);
  setTheme(app.get().theme);
  app.set({ language });
  readAddress();
  app.watch(["view", "language", "theme", "shoppers"], show);
  app.watch(["needsKey"], ({ needsKey }) => needsKey && askForKey());
  window.addEventListener("hashchange", readAddress);
  listenToKeys({ photo: () => document.getElementById("photo-file")?.click() });
  listenToDrops(does.photo);
}

begin();
