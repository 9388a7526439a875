// A question may have a picture of 1 MiB: larger photos are made smaller here, which also makes them quicker to send.

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
