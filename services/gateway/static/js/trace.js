// The way of an alert: every message that led to it, with when it was stored, as bars over one time.

import { get } from "./api.js";
import { $, h, svg } from "./dom.js";

const WIDTH = 120;

/** `chain`: newest first, as the API tells it. */
function waterfall(parent, { chain }) {
  const oldest = [...chain].reverse();
  const last = Math.max(...oldest.map(({ milliseconds }) => milliseconds), 0.001);
  const bar = (link, at) => {
    const from = at ? (oldest[at - 1].milliseconds / last) * WIDTH : 0;
    const to = (link.milliseconds / last) * WIDTH;
    const rect = svg("rect", { class: "sum-fill", x: Math.min(from, WIDTH - 2), y: 1, width: Math.max(to - from, 2), height: 8, rx: 2 });
    return svg("svg", { class: "span", viewBox: `0 0 ${WIDTH} 10`, width: WIDTH, height: 10, role: "img", "aria-label": `${link.milliseconds} ms after the first` }, rect);
  };
  const step = (link, at) => h("li", {},
    h("b", {}, link.type), h("span", { class: "quiet" }, `${link.stream} #${link.stream_seq}`), h("span", { class: "num" }, `+${link.milliseconds.toFixed(1)} ms`),
    h("span", { class: "picture" }, bar(link, at)), h("span", { class: "told" }, link.told));
  parent.replaceChildren(h("ol", { class: "steps" }, oldest.map(step)));
}

async function follow(message) {
  history.replaceState(null, "", `#${message}`);
  $("trace-form").elements.message.value = message;
  $("trace").replaceChildren(h("p", { class: "empty" }, "The streams are being read."));
  try {
    waterfall($("trace"), await get(`admin/trace/${encodeURIComponent(message)}`));
  } catch (error) {
    $("trace").replaceChildren(h("p", { class: "empty" }, error.message));
  }
}

$("link").hidden = true;
$("trace-form").addEventListener("submit", (event) => {
  event.preventDefault();
  follow($("trace-form").elements.message.value.trim());
});
if (location.hash.length > 1) follow(decodeURIComponent(location.hash.slice(1)));
