// The alert feed page by page: newest first and live, or older pages that stand still and say what has come since.

import { text } from "../dom.js";
import { alertTable } from "./riskTables.js";

const PAGE = 50;
const COUNTED = 500;
const SOUGHT = ["level", "market", "rule", "account"];

/** `form` has the filters, `pager` the buttons, `shown` says what is seen; `ask()` asks at once. */
export function alertPages(body, form, pager, shown, ask) {
  const show = alertTable(body);
  const button = (name) => pager.querySelector(`[value=${name}]`);
  let sought = {};
  let places = [];
  let page = null;
  let counts = false;
  let head = 0;
  let since = 0;

  /** The page at `places`; of an older one, once it is there, what has come since the newest page was left. */
  function question(whose) {
    counts = page !== null && places.length > 0;
    return ["alerts", { ...sought, ...whose, ...(counts ? { after_seq: head, limit: COUNTED } : { before: places.at(-1) ?? null, limit: PAGE }) }];
  }

  function take(answer) {
    if (counts) since = answer.alerts.length;
    else page = { rows: answer.alerts.reverse(), next: answer.next };
    if (!places.length) [head, since] = [answer.next_after_seq, 0];
    const { rows, next } = page;
    show(rows);
    button("older").disabled = next === null;
    button("newer").disabled = button("newest").disabled = !places.length;
    const range = rows.length ? `#${rows[0].seq} – #${rows.at(-1).seq}` : "none";
    const come = since ? `, ${since === COUNTED ? `${COUNTED} or more` : since} newer since` : "";
    text(shown, places.length ? range + come : next === null ? `all ${rows.length}` : `the newest ${rows.length}`);
  }

  function go(to) {
    [places, page] = [to, null];
    body.scrollTop = 0;
    ask();
  }

  function turn(to) {
    if (!button(to).disabled && page) go(to === "older" ? [...places, page.next] : to === "newer" ? places.slice(0, -1) : []);
  }

  /** Take what is wanted, {level, market, rule, account}, for the form's; without, what the form has. */
  function seek(wanted = {}) {
    for (const name of SOUGHT) if (name in wanted) form.elements[name].value = wanted[name];
    sought = Object.fromEntries(SOUGHT.map((name) => [name, wanted[name] || form.elements[name].value.trim() || null]));
    go([]);
  }

  pager.addEventListener("click", ({ target }) => target.value && turn(target.value));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    seek();
  });
  form.addEventListener("change", () => form.checkValidity() && seek());
  form.addEventListener("reset", () => setTimeout(seek));

  return { question, take, turn, seek };
}
