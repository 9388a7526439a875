// Elements are made here, and nowhere from HTML text: what strangers wrote only ever becomes text.

/**
 * Makes an element. Properties that begin with "on" are listeners, `class` and names with a hyphen are attributes,
 * `vars` are custom CSS properties, all else is a property of the element. Children that are null or false are left out.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any} the element
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) give(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map(asNode));
  return element;
}

function give(element, name, value) {
  if (value === null || value === undefined) return;
  if (name === "vars") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "class" || name.includes("-") || name === "role" || name === "for" || name === "list") {
    element.setAttribute(name, String(value));
  } else element[name] = value;
}

function asNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing, with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** One of the symbols of index.html, for the eye alone. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true", focusable: "false" }, svg("use", { href: `#${name}` }));
}

/** A button with a symbol; `label` is what it says to people who do not see it, and on hover. */
export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props }, icon(name));
}
