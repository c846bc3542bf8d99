// What the operator's pages share: how long ago, small buttons, what was done or went wrong, and who may ask.

import { h, text } from "./dom.js";
import { ago, timeOfDay } from "./format.js";
import { session } from "./api.js";

export const since = (at) => (at ? ago(Date.now() / 1000 - at / 1e6) : "–");

/** A cell with an age, whose title is the time. */
export const when = (read) => (td, row) => {
  text(td, since(read(row)));
  td.title = read(row) ? timeOfDay(read(row)) : "";
};

/** A cell that is made anew only when its row is another, so that a button in it keeps the focus. */
export const kept = (make) => (td, row) => {
  const told = JSON.stringify(row);
  if (td.told !== told) td.replaceChildren(make(row));
  td.told = told;
};

/** Operators come as people, not by keys. */
export const asked = () => session() !== null && !session().key;

export const button = (label, onclick, danger = false) => h("button", { type: "button", class: danger ? "small-button danger" : "small-button", onclick }, label);

/** Returns say(words, way), which tells what came of something and asks everything anew. */
export function saying(place, polls) {
  return (words, way = "") => {
    place.hidden = !words;
    place.className = `said ${way}`;
    text(place, words);
    for (const poll of Object.values(polls())) poll.now();
  };
}

/** What is for operators says so to everybody else. */
export function closed(...places) {
  if (!asked()) for (const place of places) place.replaceChildren(h("p", { class: "empty" }, "For operators who have signed in."));
}
