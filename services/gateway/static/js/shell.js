// The head of every page: its name, the pages, the state of its data, who is signed in, and its colours.

import { h, svg, text } from "./dom.js";
import { onSession, session } from "./api.js";

const PAGES = [
  ["/", "Overview"],
  ["/market.html", "Market"],
  ["/account.html", "Account"],
  ["/portfolio.html", "Portfolio"],
  ["/vaults.html", "Vaults"],
  ["/risk.html", "Risk"],
  ["/alerts.html", "Alerts"],
  ["/earnings.html", "Earnings"],
  ["/liquidity.html", "Venues"],
  ["/markets.html", "Statistics"],
  ["/product.html", "Use"],
  ["/operations.html", "Operations"],
  ["/desk.html", "Desk"],
];
const SIGN_IN = "/sign-in.html";
const here = location.pathname === "/index.html" ? "/" : location.pathname;

/** `<ct-bar>`: its children come between pages and state, those with slot="end" beside the state. */
class Bar extends HTMLElement {
  connectedCallback() {
    const ending = [...this.children].filter((child) => child.slot === "end");
    const own = [...this.children].filter((child) => child.slot !== "end");
    const links = PAGES.map(([href, name]) => h("a", { href, "aria-current": href === here && "page" }, name));
    const nav = h("nav", { class: "pages", "aria-label": "Pages" }, links);
    const state = h("output", { class: "link", id: "link", "data-state": "" }, "Asking");
    const brand = h("h1", { class: "brand" }, h("img", { src: "/favicon.svg", alt: "" }), "Cleartide");
    this.who = h("a", { class: "person", href: SIGN_IN, "aria-current": here === SIGN_IN && "page" });
    this.notice = h("p", { class: "stale", role: "status", hidden: true }, "Sign in to see more: this is not open to everybody. ", h("a", { href: SIGN_IN }, "Sign in"));
    this.replaceChildren(h("header", { class: "bar" }, brand, nav, own, h("div", { class: "bar-end" }, state, ending, this.who, colours())), this.notice);
    const current = nav.querySelector("[aria-current]");
    if (current) nav.scrollLeft = current.offsetLeft - 40;
    onSession(() => this.show());
    this.show();
    addEventListener("cleartide:refused", () => (this.notice.hidden = session() !== null || here === SIGN_IN));
  }

  show() {
    const held = session();
    text(this.who, held === null ? "Sign in" : held.key ? "API key" : `${held.user.slice(0, 6)}…`);
    this.who.title = held === null ? "Sign in with a wallet or a key" : `Signed in as ${held.user}`;
    if (held === null) return;
    this.notice.hidden = true;
    import("./use.js");
  }
}

const KEY = "cleartide.theme";
const THEMES = {
  auto: ["as the system", "M8 2.5a5.5 5.5 0 1 0 .01 0M8 3v10M6.7 3.2v9.6M5.4 3.9v8.2M4.1 5v6"],
  light: ["light", "M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 0 0 0-5.6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7"],
  dark: ["dark", "M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z"],
};

/** A button, and the key t, that choose light, dark or as the system says; whoever paints hears "cleartide:colours". */
function colours() {
  const root = document.documentElement;
  const button = h("button", { class: "icon-button", id: "theme", type: "button", onclick: next });

  function show() {
    const [name, path] = THEMES[root.dataset.theme ?? "auto"];
    button.setAttribute("aria-label", `Colours: ${name}`);
    button.title = `Colours: ${name} (t)`;
    button.replaceChildren(svg("svg", { viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": "1.4", "stroke-linecap": "round", "aria-hidden": "true" }, svg("path", { d: path })));
    dispatchEvent(new CustomEvent("cleartide:colours"));
  }

  function next() {
    const order = Object.keys(THEMES);
    const chosen = order[(order.indexOf(root.dataset.theme ?? "auto") + 1) % order.length];
    localStorage.setItem(KEY, chosen);
    if (chosen === "auto") delete root.dataset.theme;
    else root.dataset.theme = chosen;
    show();
  }

  document.addEventListener("keydown", ({ key, target, ctrlKey, metaKey, altKey }) => {
    if (key === "t" && !ctrlKey && !metaKey && !altKey && !/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) next();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return button;
}
customElements.define("ct-bar", Bar);
