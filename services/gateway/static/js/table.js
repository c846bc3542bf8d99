// A table whose rows are kept by key.

import { h, keyed, text } from "./dom.js";

/** `columns`: {title, num, hint, only, className, cell(td, row)}; returns show(rows). */
export function table(parent, columns, key, { empty, open }) {
  const head = columns.map(({ title, num, hint, only }) => h("th", { scope: "col", class: join(num && "num", only), title: hint }, title));
  const body = h("tbody");
  const none = h("p", { class: "empty" }, "Not known yet.");
  parent.replaceChildren(h("table", {}, h("thead", {}, h("tr", {}, head)), body), none);

  function make(row) {
    const cells = columns.map(({ num, only, className }) => h("td", { class: join(num && "num", only, className) }));
    const made = h("tr", { class: join(open && "opens") }, cells);
    if (open) made.addEventListener("click", () => open(made.row));
    return made;
  }

  return function show(rows) {
    text(none, empty);
    none.hidden = rows.length > 0;
    keyed(body, rows, key, make, (made, row) => {
      made.row = row;
      columns.forEach(({ cell }, at) => cell(made.children[at], row));
    });
  };
}

/** A column of text; `more`: hint, only, className, and `way(row)`, "up" or "down", by which it is coloured. */
export const column = (title, read, { way, ...more } = {}) => ({ title, cell: written(read, way), ...more });

/** A column of figures. */
export const num = (title, read, more) => ({ num: true, ...column(title, read, more) });

function written(read, way) {
  return (td, row) => {
    text(td, read(row));
    if (way) for (const name of ["up", "down"]) td.classList.toggle(name, way(row) === name);
  };
}

/** A cell with a button that opens an account. */
export function opener(read) {
  return (td, row) => {
    if (!td.firstChild) td.append(h("button", { type: "button", class: "link-button" }));
    text(td.firstChild, read(row));
  };
}

function join(...names) {
  return names.filter(Boolean).join(" ") || null;
}
