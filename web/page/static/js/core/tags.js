// What pictures show, in the page's language: a reason says the English name alone, what is known of items says both.

import { spoken } from "./words.js";

/** @type {Map<string, string>} */
const chinese = new Map();

/** Remembers both names of tags. @param {{name: string, chinese: string}[]} tags */
export const learnTags = (tags) => tags.forEach((tag) => tag.chinese && chinese.set(tag.name, tag.chinese));

/** A tag by its name in the page's language, or in English where the other name never came. @param {string} name */
export const tagWord = (name) => (spoken() === "zh" && chinese.get(name)) || name;
