// A photo or clip that was dropped: what looks like it or like a part of it, and how it becomes an item.

import { h } from "../core/dom.js";
import { ask } from "../core/http.js";
import { t } from "../core/words.js";
import { makeBox } from "./box.js";
import { base64, fitted, still } from "./fitted.js";
import { limits } from "./narrow.js";
import { makeUpload } from "./upload.js";

/** @param {Blob} file @param {{owner: () => string, again: () => void}} how */
export function makePhoto(file, { owner, again }) {
  let address = "", ended = false;
  const shown = still(file);
  const small = shown.then(fitted);
  /** @type {import("./box.js").Box | "salient" | null} */
  let box = null;
  const image = new Image();
  image.alt = t("photo.alt");
  image.draggable = false;
  const frame = h("div", { class: "photo-frame" }, image);
  const whole = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => control.set(null) }, t("photo.whole"));
  const salient = h("button", { type: "button", class: "quiet", onclick: () => begin("salient") }, t("photo.salient"));
  const control = makeBox(frame, begin);
  const broken = () => frame.classList.add("broken");
  image.addEventListener("error", broken);
  shown.then((picture) => !ended && (image.src = address = URL.createObjectURL(picture)), broken);
  const upload = makeUpload(file, owner);
  const element = h("div", { class: "photo" },
    frame,
    h("div", { class: "photo-side" }, h("p", { class: "soft" }, h("span", {}, t("photo.hint")), salient, whole), upload.element));

  function begin(part) {
    box = part;
    whole.hidden = !box;
    again();
  }

  /** The answer for the most salient part, whose box is drawn: it can be moved as one's own. */
  function drawn(answer) {
    const region = answer.regions.find((part) => !part.refused);
    box = region.box ?? null;
    whole.hidden = !box;
    control.show(box);
    return { ...answer, items: region.items };
  }

  return {
    element,
    /** Items that look like the photo, or like the part in the box; throws a Problem. @param {number} count @param {string | null} tag */
    async ask(count, tag) {
      const body = await small;
      if (!box) {
        const type = body.type.startsWith("image/") ? body.type : "image/*";
        return ask(`/v1/similar?${new URLSearchParams(limits(count, tag))}`, { body, headers: { "content-type": type } });
      }
      const answer = await ask("/v1/similar", { body: { image: await base64(body), box, count, ...(tag && { only: { tag } }) } });
      return box === "salient" ? drawn(answer) : answer;
    },
    end() {
      ended = true;
      URL.revokeObjectURL(address);
      upload.end();
    },
  };
}
