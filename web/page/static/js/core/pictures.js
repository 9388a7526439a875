// Pictures of items, decoded before they are shown, so that a list changes in one frame.

import { accessKey, headers } from "./http.js";
import { factsOf } from "./items.js";

const LATEST_MS = 1500; // a list does not wait longer for a picture
const AGAIN_MS = 1500;
const KEPT = 400;
/** @type {Map<string, HTMLImageElement>} decoded pictures by address, the latest used last */
const decoded = new Map();
/** @type {Map<string, Promise<HTMLImageElement | null>>} */
const loading = new Map();

/** The address of an item's small picture; "" where it has none. */
export const pictureOf = (id) => factsOf(id)?.picture?.preview_url ?? "";

/** Fetches and decodes pictures; the answer comes when all are here, failed, or took too long. @param {Iterable<string>} ids */
export async function preparePictures(ids) {
  const addresses = [...new Set([...ids].map(pictureOf))].filter((address) => address && !decoded.has(address));
  const patience = new Promise((resolve) => setTimeout(resolve, LATEST_MS));
  await Promise.race([Promise.all(addresses.map(load)), patience]);
}

function load(address) {
  const now = loading.get(address) ?? fetchPicture(address).finally(() => loading.delete(address));
  loading.set(address, now);
  return now;
}

async function fetchPicture(address) {
  const image = new Image();
  image.decoding = "async";
  image.src = accessKey() ? await withKey(address) : address;
  const whole = await image.decode().then(() => true, () => false);
  if (!whole) return null;
  decoded.set(address, image);
  if (decoded.size > KEPT) decoded.delete(decoded.keys().next().value ?? "");
  return image;
}

/** A picture that only those with a key may see, as an address within the page. */
async function withKey(address) {
  const answer = await fetch(address, { headers: headers() });
  return answer.ok ? URL.createObjectURL(await answer.blob()) : address;
}

/** An `img` for an item; it goes on loading by itself where the picture is not here yet, and is tried a second time. */
export function imageOf(id, isSecond = false) {
  const address = pictureOf(id);
  const ready = decoded.get(address);
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  if (!address) return null;
  if (ready || !accessKey()) image.src = ready?.src ?? address;
  else load(address).then((found) => found && (image.src = found.src));
  image.addEventListener("error", () => {
    const stand = placeholder(id);
    image.replaceWith(stand);
    // A server that starts again, or has too much to do, has it a moment later.
    if (!isSecond) setTimeout(() => load(address).then((found) => found && stand.replaceWith(imageOf(id, true) ?? stand)), AGAIN_MS);
  }, { once: true });
  return image;
}

/** What stands where an item has no picture: its first letter. */
export function placeholder(id) {
  const span = document.createElement("span");
  span.className = "no-picture";
  span.textContent = [...(factsOf(id)?.title || id)][0]?.toUpperCase() ?? "?";
  span.setAttribute("aria-hidden", "true");
  return span;
}

/** The picture of an item, or what stands for it. */
export const pictureElement = (id) => imageOf(id) ?? placeholder(id);
