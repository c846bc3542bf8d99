// The head of every page: its name, the pages, the state of its data, who is signed in.

import { h, svg, text } from "./dom.js";
import { onSession, session } from "./session.js";

const PAGES = [
  ["/", "Overview"],
  ["/market.html", "Market"],
  ["/account.html", "Account"],
  ["/portfolio.html", "Portfolio"],
  ["/vaults.html", "Vaults"],
  ["/risk.html", "Risk"],
  ["/earnings.html", "Earnings"],
  ["/liquidity.html", "Venues"],
  ["/markets.html", "Statistics"],
  ["/product.html", "Use"],
  ["/operations.html", "Operations"],
  ["/desk.html", "Desk"],
];
const SIGN_IN = "/sign-in.html";
const here = location.pathname === "/index.html" ? "/" : location.pathname;

function waves() {
  const props = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-linecap": "round", "aria-hidden": "true" };
  return svg(
    "svg",
    props,
    svg("path", { d: "M2.5 10c2.4 0 3.1-3.6 5.5-3.6S11.1 10 13.5 10s3.1-3.6 5.5-3.6c1 0 1.7.5 2.3 1.1", "stroke-width": "2.4" }),
    svg("path", { d: "M2.5 16.6c2.4 0 3.1-2.6 5.5-2.6s3.1 2.6 5.5 2.6S16.6 14 19 14c1 0 1.7.4 2.3.8", "stroke-width": "1.8", opacity: ".55" }),
  );
}

/** `<ct-bar>`: its children come between pages and state, those with slot="end" beside the state. */
class Bar extends HTMLElement {
  connectedCallback() {
    const own = [...this.children];
    const ending = own.filter((child) => child.slot === "end");
    const links = PAGES.map(([href, name]) => h("a", { href, "aria-current": href === here ? "page" : null }, name));
    const state = h("output", { class: "link", id: "link", "data-state": "" }, "Asking");
    this.who = h("a", { class: "person", href: SIGN_IN, "aria-current": here === SIGN_IN ? "page" : null });
    const theme = h("button", { class: "icon-button", id: "theme", type: "button" });
    const nav = h("nav", { class: "pages", "aria-label": "Pages" }, links);
    this.notice = h("p", { class: "stale", role: "status", hidden: true }, "Sign in to see more: this is not open to everybody. ", h("a", { href: SIGN_IN }, "Sign in"));
    this.replaceChildren(
      h("header", { class: "bar" }, h("h1", { class: "brand" }, waves(), "Cleartide"), nav,
        ...own.filter((child) => !ending.includes(child)), h("div", { class: "bar-end" }, state, ...ending, this.who, theme)),
      this.notice,
    );
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
customElements.define("ct-bar", Bar);
