// What is said to people who hear the page: one thing at a time, and the latest.

let timer = 0;

/** @param {string} text */
export function say(text) {
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    const region = document.getElementById("spoken");
    if (region) region.textContent = text;
  }, 150);
}
