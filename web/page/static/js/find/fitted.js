// A question may have a picture of 1 MiB: larger photos are made smaller here, which also makes them quicker to send.

import { h } from "../core/dom.js";
import { t } from "../core/words.js";

const LIMIT = 900_000; // bytes
const SIDE = 1600; // pixels: the network looks at far fewer, also where a box is a small part
const QUALITY = 0.86;

/** The photo as it is, or as a JPEG that fits; what the browser cannot read is left for the server to judge. @param {Blob} file */
export async function fitted(file) {
  if (file.size <= LIMIT) return file;
  try {
    const bitmap = await createImageBitmap(file);
    let side = SIDE;
    let fits = await drawn(bitmap, side);
    while (fits.size > LIMIT) fits = await drawn(bitmap, (side *= 0.7));
    bitmap.close();
    return fits;
  } catch {
    return file;
  }
}

/** A picture to ask with: a photo as it is, or the middle of a clip; throws where the browser cannot play it. @param {Blob} file */
export async function still(file) {
  if (!file.type.startsWith("video/")) return file;
  const clip = h("video", { muted: true, preload: "auto", src: URL.createObjectURL(file) });
  try {
    await until(clip, "loadeddata");
    // A file of sound alone loads, too.
    if (!clip.videoWidth) throw new Error(t("photo.unplayable"));
    // A clip that is being recorded has no end yet.
    if (Number.isFinite(clip.duration)) clip.currentTime = clip.duration / 2;
    if (clip.seeking) await until(clip, "seeked");
    return await drawn(await createImageBitmap(clip), SIDE);
  } finally {
    URL.revokeObjectURL(clip.src);
  }
}

/** Waits for an event of a clip. @param {HTMLVideoElement} clip @param {string} name */
function until(clip, name) {
  return new Promise((resolve, reject) => {
    clip.addEventListener(name, resolve, { once: true });
    clip.addEventListener("error", () => reject(new Error(t("photo.unplayable"))), { once: true });
  });
}

/** A JPEG of a picture, no longer than this. @param {ImageBitmap} bitmap @param {number} side */
function drawn(bitmap, side) {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, bitmap.width * scale), Math.max(1, bitmap.height * scale));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}

/** The bytes of a file in base64. @param {Blob} file @returns {Promise<string>} */
export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
