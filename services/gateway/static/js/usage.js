// The usage page: how much was asked by day, key and route, and the newest requests; one's own, or for operators all.

import { $, h, segments, text } from "./dom.js";
import { ago, compact, day } from "./format.js";
import { DAYS, Poll, headlineOf, keepAsking } from "./page.js";
import { columnPicture } from "./panels/series.js";
import { session } from "./api.js";
import { column, num, table } from "./table.js";

const state = { days: 7, whose: "me", failed: false };
const figure = headlineOf($("headline"), ["Requests", "Refused", "Failed", "Mean time", "Peak hour today"]);
const count = (value) => value.toLocaleString("en");
const milliseconds = (micros) => `${(micros / 1000).toFixed(1)} ms`;
const bytes = (value) => (value < 1000 ? `${value} B` : `${compact(value).replace(/[KMGT]$/, " $&")}B`);
const failing = (row) => row.client_errors + row.server_errors;
const sums = [num("Requests", (row) => count(row.requests)), num("Refused", (row) => count(row.client_errors)), num("Failed", (row) => count(row.server_errors))];

const showRoutes = table($("routes"), [
  column("Route", (row) => `${row.method} ${row.route}`, { className: "long" }), ...sums,
  num("Mean", (row) => milliseconds(row.mean_micros)), num("Slowest", (row) => milliseconds(row.slowest_micros)), num("Sent", (row) => bytes(row.bytes_out)),
], (row) => row.method + row.route, { empty: "Nothing was asked yet." });
const showKeys = table($("keys"), [
  column("By", (row) => (state.whose === "me" ? row.key_id || "session" : `${row.user_id || "stranger"} ${row.key_id}`), { className: "long" }), ...sums,
], (row) => row.user_id + row.key_id, { empty: "Nothing was asked yet." });
const showLog = table($("log"), [
  column("When", (row) => ago(Date.now() / 1000 - row.at / 1e6)),
  { title: "What", className: "long", cell: (td, row) => {
    text(td, `${row.method} ${row.route.replace("/api/v1", "")}`);
    td.title = `${row.user_id || "stranger"} from ${row.ip}`;
  } },
  { title: "Answer", className: "long tight", cell: (td, row) => {
    text(td, `${row.status} ${row.error.replaceAll("_", " ")}`);
    td.title = row.error;
    td.classList.toggle("down", row.status >= 400);
  } },
  num("Time", (row) => milliseconds(row.micros)),
], (row) => row.id, { empty: "Nothing was asked yet." });

function show(told) {
  const total = (read) => told.days.reduce((sum, row) => sum + read(row), 0);
  const requests = total((row) => row.requests);
  figure("Requests", count(requests), `${state.days} days`);
  figure("Refused", count(total((row) => row.client_errors)), "4xx");
  figure("Failed", count(total((row) => row.server_errors)), "5xx", total((row) => row.server_errors) ? "down" : "");
  figure("Mean time", requests ? milliseconds(total((row) => row.mean_micros * row.requests) / requests) : "–");
  figure("Peak hour today", told.days.length ? `${String(told.days[0].peak_hour).padStart(2, "0")}:00` : "–", told.days.length ? `${count(told.days[0].peak)} requests` : "");
  if (told.cache) figure("From the cache", `${(told.cache.rate * 100).toFixed(1)} %`, told.dropped ? `${count(told.dropped)} not logged` : "", told.dropped ? "down" : "");
  columnPicture($("picture"), "Requests by day", [...told.days].reverse(), [
    ["column", "answered", (row) => row.requests - failing(row)], ["short", "refused or failed", failing],
  ], (row) => `${day(row.day)}: ${count(row.requests)} requests, ${count(failing(row))} refused or failed`, { whole: true });
  showRoutes(told.routes);
  showKeys(told.keys);
}

const signed = () => session() !== null;
const polls = {
  usage: new Poll("usage", 5000, () => signed() && [`${state.whose}/usage`, { days: state.days }], show),
  log: new Poll("log", 5000, () => signed() && !session().key && [`${state.whose}/requests`, { failed: state.failed, limit: 50 }], ({ requests }) => showLog(requests)),
};

function choose(name, read) {
  return (value) => {
    state[name] = read(value);
    for (const poll of Object.values(polls)) poll.now();
  };
}

segments($("span"), DAYS, state.days, choose("days", Number));
segments($("whose"), [{ value: "me", label: "Mine" }, { value: "admin", label: "Everybody’s" }], state.whose, choose("whose", String));
segments($("which"), [{ value: "all", label: "All" }, { value: "failed", label: "Refused" }], "all", choose("failed", (value) => value === "failed"));
if (!signed()) $("picture").replaceChildren(h("p", { class: "empty" }, "Sign in to see what you have asked."));
keepAsking(polls);
