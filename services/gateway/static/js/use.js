// What this browser tells of its own use, for whoever is signed in: pages, visits, files, forms, faults, and waiting.
// Nothing is told of a stranger, nor against a browser that asks not to be followed; the switch itself is the gateway's.

import { onSession, send, session } from "./api.js";

const WAITING = "cleartide.use";
const VISIT = "cleartide.visit";
const FIRST_MS = 1500;
const EVERY_MS = 10000;
const MOST = 200;
const here = location.pathname === "/index.html" ? "/" : location.pathname;
const welcome = () => session() !== null && !navigator.globalPrivacyControl;
const random = () => [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("");
const waiting = () => JSON.parse(sessionStorage.getItem(WAITING) ?? "[]");
const keep = (events) => sessionStorage.setItem(WAITING, JSON.stringify(events.slice(-MOST)));
const name = (text) => text.toLowerCase().replace(/[^a-z0-9_.-]/g, "_").slice(0, 40);
const journey = name(here.slice(1, -5));
let off = false;

/** One event; it waits in this tab until the gateway has taken it, so the next page sends what this one could not. */
function tell(kind, body) {
  if (off || !welcome()) return;
  const event = { kind, id: random(), at: Date.now() * 1000, session: visit(), page: here, ...body };
  keep([...waiting(), event]);
}

function visit() {
  let known = sessionStorage.getItem(VISIT);
  if (!known) {
    known = random();
    sessionStorage.setItem(VISIT, known);
    const device = !matchMedia("(pointer: coarse)").matches ? "desktop" : innerWidth < 700 ? "mobile" : "tablet";
    tell("session_start", { device });
  }
  return known;
}

async function flush() {
  const events = waiting();
  if (off || !events.length || !welcome()) return;
  try {
    const { recording } = await send("POST", "product/events", { events });
    off = !recording;
    const sent = new Set(events.map(({ id }) => id));
    keep(off ? [] : waiting().filter(({ id }) => !sent.has(id)));
  } catch ({ status }) {
    off = status >= 400 && status < 500 && status !== 429;
    if (off) keep([]); // else it waits: what is told again counts once
  }
}

function opened() {
  const [way] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const from = document.referrer ? new URL(document.referrer).hostname : "";
  tell("page", { load_micros: Math.round((way?.domContentLoadedEventEnd ?? 0) * 1000), ...(from && from !== location.hostname ? { referrer: from } : {}) });
  if (paint) tell("performance", { metric: "first_paint_micros", value: Math.round(paint.startTime * 1000) });
  if (journey && document.querySelector("main form")) tell("journey_step", { journey, step: 1 });
}

addEventListener("click", ({ target }) => {
  const link = target.closest?.('a[download][href*="/api/v1/"]');
  if (link) tell("feature", { feature: /format=parquet/.test(link.href) ? "export_parquet" : "export_csv" });
});
addEventListener("submit", ({ target }) => {
  tell("feature", { feature: name(`form_${target.id || "dialog"}`) });
  if (journey && target.closest("main")) tell("journey_step", { journey, step: 2, completes: true });
});
addEventListener("error", ({ message }) => tell("error", { name: "script", text: String(message).slice(0, 200) }));
addEventListener("unhandledrejection", ({ reason }) => tell("error", { name: "promise", text: String(reason).slice(0, 200) }));
document.addEventListener("visibilitychange", () => document.hidden && flush());
onSession((held) => {
  if (held !== null) return;
  keep([]); // it was his who has left
  sessionStorage.removeItem(VISIT);
});
setTimeout(() => (opened(), flush()), FIRST_MS);
setInterval(flush, EVERY_MS);
