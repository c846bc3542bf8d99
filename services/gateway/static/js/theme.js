// Light, dark, or as the system says.

import { svg } from "./dom.js";

const KEY = "cleartide.theme";
const NAMES = { auto: "as the system", light: "light", dark: "dark" };
const PATHS = {
  auto: ["M8 2.5a5.5 5.5 0 1 0 0 11z", "M8 2.5a5.5 5.5 0 0 1 0 11"],
  light: ["M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 0 0 0-5.6", "M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7"],
  dark: ["M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z"],
};

/** Wire the button and the key t; `changed` is told whenever the colours may have changed. */
export function installTheme(button, changed) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = localStorage.getItem(KEY) ?? "auto";

  function show() {
    const root = document.documentElement;
    if (chosen === "auto") delete root.dataset.theme;
    else root.dataset.theme = chosen;
    button.setAttribute("aria-label", `Colours: ${NAMES[chosen]}`);
    button.title = `Colours: ${NAMES[chosen]} (t)`;
    const paths = PATHS[chosen].map((d, at) => svg("path", { d, fill: chosen === "auto" && at === 0 ? "currentColor" : "none" }));
    const props = { viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": "1.4", "stroke-linecap": "round", "aria-hidden": "true" };
    button.replaceChildren(svg("svg", props, ...paths));
    changed();
  }

  function next() {
    const order = ["auto", "light", "dark"];
    chosen = order[(order.indexOf(chosen) + 1) % order.length];
    localStorage.setItem(KEY, chosen);
    show();
  }

  button.addEventListener("click", next);
  document.addEventListener("keydown", ({ key, target, ctrlKey, metaKey, altKey }) => {
    if (key === "t" && !ctrlKey && !metaKey && !altKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) next();
  });
  system.addEventListener("change", show);
  show();
}
