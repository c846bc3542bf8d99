// A dialog that asks before something is done: what will happen, fields, why, and for what is grave a word to type.

import "../dialogs.js";
import { h, text } from "../dom.js";

/** Returns ask({title, words, fields, confirm, act}): `fields` are elements with a name; `act(values)` does it. */
export function asking(dialog, said) {
  const form = dialog.querySelector("form");

  return function ask({ title, words, fields = [], confirm = null, note = true, doing = "Do it", act }) {
    text(dialog.querySelector("h2"), title);
    const typed = confirm && h("label", {}, `Type ${confirm} to confirm`, h("input", { name: "typed", required: true, pattern: confirm, autocomplete: "off" }));
    const why = note && h("label", {}, "Why (goes into the log)", h("input", { name: "note", maxlength: 150 }));
    const button = act && h("button", { class: "main-button", type: "submit" }, doing);
    const wrong = h("p", { class: "said down", role: "alert", hidden: true });
    form.replaceChildren(...[words, ...fields, typed, why, wrong, button].flat().filter(Boolean));
    form.onsubmit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      const { typed: _, ...values } = Object.fromEntries(new FormData(form));
      try {
        const outcome = await act(values);
        dialog.close();
        said(typeof outcome === "string" ? outcome : "Done.");
      } catch (error) {
        text(wrong, `${error.message} (${error.code ?? "error"})`);
        wrong.hidden = false;
        button.disabled = false;
      }
    };
    dialog.showModal();
    form.querySelector("input:not([readonly]), button")?.focus();
  };
}

/** A select as a field. `chosen` null: leave it as it is. */
export function choice(label, name, options, chosen) {
  return h("label", {}, label, h("select", { name }, options.map((value) => h("option", { value, selected: value === chosen }, value))));
}
