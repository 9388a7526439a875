// Who shops now: one or two, who stay while the visitor looks at another view or changes the language.

import { app } from "../core/app.js";
import { complain } from "../frame/toasts.js";
import { makeShopper } from "./shopper.js";
import { tellWhatWent } from "./took.js";

export function makeCrowd() {
  /** @type {Map<string, import("./shopper.js").Shopper>} */
  const shoppers = new Map();

  function begin(id) {
    const shopper = makeShopper(id, { onProblem: complain });
    shopper.watch(["took"], ({ took }) => took && tellWhatWent(took));
    shopper.start();
    shoppers.set(id, shopper);
    return shopper;
  }

  app.watch(["shoppers"], ({ shoppers: ids }) => {
    for (const [id, shopper] of shoppers) {
      if (ids.includes(id)) continue;
      shopper.stop();
      shoppers.delete(id);
    }
  });

  return {
    /** A shopper by id. @param {string} id */
    of: (id) => shoppers.get(id) ?? begin(id),
    /** To whom keys, searches and photos belong. */
    active: () => shoppers.get(app.get().active),
  };
}
