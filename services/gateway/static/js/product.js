// The page on how the product is used: by everybody, for those who read for the venue, or by oneself.

import { $, segments, text } from "./dom.js";
import "./files.js";
import { DAYS, Poll, headlineOf, keepAsking } from "./page.js";
import { columnPicture, linesPicture } from "./panels/series.js";
import { seesVenue, send } from "./api.js";
import { column, num, table } from "./table.js";

const figure = headlineOf($("headline"), ["People", "Visits", "Page views", "Journeys completed", "Errors"]);
const state = { days: 30 };

const count = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
const times = (title, key, hint) => num(title, (row) => count(row[key]), { hint });
const named = (title) => column(title, (row) => row.name);
const people = times("People", "persons");

const showPages = table($("pages"), [named("Page"), times("Views", "events"), people, times("Load, ms", "load_millis", "mean")], (row) => row.name, { empty: "No page was seen." });
const showFeatures = table($("features"), [named("Name"), times("Times", "times"), people], (row) => `${row.kind} ${row.name}`, { empty: "No feature was used." });
const showJourneys = table($("journeys"), [
  column("Journey", (row) => row.journey), times("Step", "step"), times("Times", "events"), people,
  num("Of the first", (row) => `${row.share.toFixed(0)} %`),
], (row) => `${row.journey} ${row.step}`, { empty: "Nobody is on the way." });
const showErrors = table($("errors"), [named("Error"), times("Times", "events"), times("Fatal", "fatal"), people], (row) => row.name, { empty: "Nothing failed." });
const showMetrics = table($("metrics"), [
  named("Measured"), times("Times", "events"), times("Mean", "mean"), times("p50", "p50"), times("p95", "p95"), times("p99", "p99"),
], (row) => row.name, { empty: "Nothing was measured." });
const showDevices = table($("devices"), [named("Device"), times("Visits", "events"), people], (row) => row.name, { empty: "Nobody came." });
const showVisits = table($("visits"), [
  column("Began", (row) => row.started_at.slice(0, 16).replace("T", " ")), times("Seconds", "seconds"), times("Pages", "pages"),
  column("First page", (row) => row.entry_page), column("Last page", (row) => row.exit_page),
], (row) => `${row.day} ${row.session}`, { empty: "No visit was recorded." });
const PARTS = ["days", "pages", "features", "journeys", "errors", "metrics", "devices", "visits"];
const OWN = ["days", "visits"];

/** The files of what is shown: of one's own use, names of all kinds are in one. */
function offer() {
  const mine = $("whose").value === "me/product";
  for (const part of PARTS) {
    const wanted = mine && !OWN.includes(part) ? "used" : part;
    for (const form of ["csv", "parquet"]) $(`${part}-${form}`).href = `/api/v1/${$("whose").value}?days=${state.days}&table=${wanted}&format=${form}`;
  }
  $("devices-panel").hidden = mine;
  $("privacy-panel").hidden = $("visits-panel").hidden = !mine;
}

function showPrivacy({ recording, person }) {
  text($("privacy-said"), recording ? "on" : "off");
  text($("privacy-name"), person);
  text($("record"), recording ? "Switch recording off" : "Switch recording on");
  state.recording = recording;
}

async function change(method, path, body) {
  await send(method, path, body);
  polls.use.now();
}

/** One's own figures have no people and fewer columns; they are brought into the form of everybody's. */
function whole({ used, ...answer }) {
  if (!used) return answer;
  const none = { pages: used.page, features: used.feature, actions: used.action, errors: used.error, metrics: used.metric };
  const lists = Object.fromEntries(Object.entries(none).map(([name, rows = []]) => [name, rows]));
  const steps = (used.step ?? []).map(({ name, events }) => ({ journey: name.slice(0, -3), step: Number(name.slice(-2)), events }));
  const journeys = [...new Set(steps.map(({ journey }) => journey))].map((journey) => ({ journey, steps: steps.filter((step) => step.journey === journey).sort((a, b) => a.step - b.step) }));
  return { ...answer, ...lists, journeys };
}

function show(found) {
  const answer = whole(found);
  const { totals, days } = answer;
  figure("People", count(totals.persons), `last ${days.length} days`);
  figure("Visits", count(totals.sessions), totals.mean_session_seconds === null ? "" : `${count(totals.mean_session_seconds)} s each`);
  figure("Page views", count(totals.page_views));
  figure("Journeys completed", count(totals.conversions));
  figure("Errors", count(totals.errors));
  const at = (row) => Date.parse(row.day) * 1000;
  const line = (name, key) => ({ name, points: days.map((row) => ({ at: at(row), value: row[key] })) });
  linesPicture($("people"), "People and visits by day", [line("people", "persons"), line("visits", "sessions")], (row) => row.value, (row) => count(row.value), { whole: true });
  const dated = days.map((row) => ({ ...row, day: at(row) }));
  columnPicture($("views"), "Page views by day", dated, [["sum-fill", "page views", (row) => row.page_views]], (row) => count(row.page_views), { whole: true });
  columnPicture($("faults"), "Errors by day", dated, [["short", "errors", (row) => row.errors]], (row) => count(row.errors), { whole: true });
  showPages(answer.pages);
  const used = [...answer.features.map((row) => ({ ...row, kind: "feature", times: row.uses ?? row.events })), ...answer.actions.map((row) => ({ ...row, kind: "action", times: row.events }))];
  showFeatures(used.sort((a, b) => b.times - a.times));
  showJourneys(answer.journeys.flatMap(({ journey, steps }) => steps.map((step) => ({ ...step, journey, share: (100 * step.events) / steps[0].events }))));
  showErrors(answer.errors);
  showMetrics(answer.metrics);
  showDevices(answer.devices ?? []);
  showVisits(answer.visits ?? []);
  if (answer.privacy) showPrivacy(answer.privacy);
  $("nobody").hidden = totals.events > 0;
  $("people").hidden = totals.events === 0;
}

const polls = { use: new Poll("use", 15000, () => [$("whose").value, { days: state.days }], show) };

function ask() {
  offer();
  polls.use.now();
}

segments($("span"), DAYS, state.days, (value) => {
  state.days = Number(value);
  ask();
});
$("whose").onchange = ask;
$("record").onclick = () => change("PUT", "me/privacy", { recording: !state.recording });
$("erase").onclick = () => confirm("Delete all that was recorded of your use?") && change("DELETE", "me/privacy/recorded");
if (!seesVenue()) {
  $("whose").value = "me/product";
  $("whose").options[0].disabled = true;
}
offer();
keepAsking(polls);
