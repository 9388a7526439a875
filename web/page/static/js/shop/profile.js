// What Sightline knows of a shopper, as it fills in.

import { h, icon, iconButton } from "../core/dom.js";
import { titleOf } from "../core/items.js";
import { pictureElement } from "../core/pictures.js";
import { colour } from "../core/reasons.js";
import { learnTags, tagWord } from "../core/tags.js";
import { number, percent, t, wordOr } from "../core/words.js";
import { prefer } from "./privacy.js";

const REFUSED = 8;

/**
 * @param {import("./shopper.js").Shopper} shopper
 * @param {{forget: () => void, whyNot: () => void, alone: boolean}} how `alone`: there is room to show it whole
 */
export function makeProfile(shopper, how) {
  const body = h("div", { class: "profile-body" });
  const preview = h("span", { class: "preview", "aria-hidden": "true" });
  const element = h("details", { class: "profile", open: how.alone && matchMedia("(min-width: 1101px)").matches },
    h("summary", {}, h("h3", {}, t("profile.title")), preview),
    body,
    h("div", { class: "profile-foot" },
      h("button", { type: "button", class: "quiet", onclick: how.whyNot }, icon("search"), t("profile.why_not")),
      h("button", { type: "button", class: "quiet danger", onclick: how.forget }, t("profile.forget"))));
  const end = shopper.watch(["profile"], ({ profile, list }) => {
    preview.replaceChildren(...(profile?.interests ?? []).map((each) => pictureElement(each.item_id)));
    body.replaceChildren(...(profile && (profile.interactions || Object.keys(profile.dials).length) ? filled(profile, shopper) : [
      h("p", { class: "soft" }, t("profile.empty")),
    ]), ...heldBack(list));
  });
  return { element, end };
}

function filled(profile, shopper) {
  const categories = Object.entries(profile.categories);
  const dials = Object.entries(profile.dials);
  return [
    h("p", { class: "soft" }, t("profile.count", { count: profile.interactions, seen: number(profile.seen) })),
    profile.interests.length > 0 && part(t("profile.interests"), h("ul", { class: "interests" }, ...profile.interests.map(interest))),
    categories.length > 0 && part(t("profile.categories"), h("ul", { class: "bars" }, ...categories.slice(0, 6).map((each) => category(each, shopper)))),
    dials.length > 0 && part(t("profile.dials"), h("ul", { class: "chips" }, ...dials.map((each) => dial(each, shopper)))),
    profile.refused.length > 0 && part(t("profile.refused", { count: profile.refused.length + profile.refused_before }),
      h("ul", { class: "thumbs" }, ...profile.refused.slice(0, REFUSED).map(refusal))),
  ].filter(Boolean);
}

const part = (title, content) => h("section", {}, h("h4", {}, title), content);

function interest({ share, item_id, tags, colours }) {
  learnTags(tags);
  const looks = [...colours.slice(0, 1).map(([name]) => colour(name)), ...tags.slice(0, 1).map(({ name }) => tagWord(name))];
  return h("li", { vars: { "--share": String(share) } },
    h("span", { class: "ring" }, pictureElement(item_id)),
    h("b", {}, percent(share)),
    h("span", { class: "looks" }, looks.join(" ") || titleOf(item_id)),
    h("span", { class: "spoken" }, t("profile.like", { item: titleOf(item_id) })));
}

function category([name, share], shopper) {
  const turn = (weight) => () => prefer(shopper, { [name]: weight });
  return h("li", { vars: { "--share": String(share) } },
    h("span", { class: "bar-name" }, name), h("span", { class: "bar-value" }, percent(share)),
    iconButton("minus", t("profile.less_of", { name }), turn(-0.5)),
    iconButton("plus", t("profile.more_of", { name }), turn(0.5)));
}

function dial([name, weight], shopper) {
  const text = weight <= -1 ? t("profile.never") : weight < 0 ? t("profile.less") : t("profile.more");
  return h("li", { class: "chip" }, `${text} ${name.startsWith("#") ? t("profile.somebody") : name}`,
    iconButton("close", t("profile.undo", { name }), () => prefer(shopper, { [name]: 0 })));
}

function refusal(each) {
  const id = each.item_id ?? each;
  return h("li", { title: titleOf(id) }, pictureElement(id), h("span", { class: "spoken" }, titleOf(id)));
}

/** What the filters took out of this list. */
function heldBack(list) {
  const counts = Object.entries(list?.filtered ?? {}).filter(([, count]) => count > 0);
  if (!counts.length) return [];
  return [part(t("profile.held_back"), h("ul", { class: "chips plain" },
    ...counts.map(([name, count]) => h("li", { class: "chip" }, h("b", {}, number(count)), " ", wordOr(`filter.${name}`, name)))))];
}
