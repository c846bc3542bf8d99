// A table whose rows are kept by key.

import { h, keyed, text } from "./dom.js";

/** `columns`: {title, num, hint, cell(td, row)}; returns show(rows). */
export function table(parent, columns, key, { empty, rowClass, open, wide }) {
  const head = h(
    "tr",
    {},
    columns.map(({ title, num, hint, only }) => h("th", { scope: "col", class: join(num && "num", only), title: hint }, title)),
  );
  const body = h("tbody");
  const none = h("p", { class: "empty" }, "Not known yet.");
  parent.replaceChildren(h("table", { class: wide }, h("thead", {}, head), body), none);

  function make(row) {
    const cells = columns.map(({ num, only, className }) => h("td", { class: join(num && "num", only, className) }));
    const made = h("tr", { class: join(rowClass, open && "opens") }, cells);
    if (open) made.addEventListener("click", () => open(made.row));
    made.row = row;
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

/** A cell that holds plain text. */
export function plain(read) {
  return (td, row) => text(td, read(row));
}

/** A cell that holds text coloured by direction. */
export function coloured(read, way) {
  return (td, row) => {
    text(td, read(row));
    const name = way(row);
    td.classList.toggle("up", name === "up");
    td.classList.toggle("down", name === "down");
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
  const given = names.filter(Boolean);
  return given.length ? given.join(" ") : null;
}
