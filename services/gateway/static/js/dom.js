// Elements without markup strings: every text enters as text, so nothing that was received can become markup.

export const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

/** Make an element. `props`: attributes; `on...` are listeners; null and false are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  assign(element, props);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make an SVG element. */
export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  assign(element, props);
  element.append(...children.flat());
  return element;
}

function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

/** Set text only when it differs, so that a selection survives an update. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Keep a parent's children equal to `items` by key: rows move and change, they are not made anew. */
export function keyed(parent, items, key, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = known.get(name);
    if (child) known.delete(name);
    else {
      child = make(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of known.values()) child.remove();
}

/** A group of buttons of which one is chosen: arrow keys move, as in every radio group. */
export function segments(parent, options, chosen, choose) {
  const select = (value, focus) => {
    for (const button of parent.children) {
      const on = button.dataset.value === String(value);
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
      if (on && focus) button.focus();
    }
  };
  const pick = (value, focus) => {
    select(value, focus);
    choose(value);
  };
  parent.replaceChildren(
    ...options.map(({ value, label }) =>
      h("button", { type: "button", role: "radio", "data-value": value, onclick: () => pick(value, false) }, label),
    ),
  );
  parent.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = options.findIndex(({ value }) => String(value) === document.activeElement?.dataset.value);
    pick(options[(at + step + options.length) % options.length].value, true);
  };
  select(chosen, false);
  return (value) => select(value, false);
}
