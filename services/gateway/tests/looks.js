// What a page must never be, however it is filled: told by the page itself, of all that is seen at the moment.
(() => {
  const faults = [];
  const roots = [document, ...[...document.querySelectorAll("*")].map((one) => one.shadowRoot).filter(Boolean)];
  const all = (what) => roots.flatMap((root) => [...root.querySelectorAll(what)]).filter((one) => one.checkVisibility());
  const brief = (one) => `${one.tagName.toLowerCase()} "${(one.innerText ?? one.outerHTML).trim().slice(0, 40)}"`;

  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one first heading");
  if (!document.title) faults.push("no title");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) faults.push(`two are called #${id}`);

  const named = (one) => [one.getAttribute("aria-label"), one.textContent, one.title, ...[...(one.labels ?? [])].map((each) => each.textContent),
    ...(one.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent)].some((name) => name?.trim());
  for (const one of all("a, button, input, select, textarea, [role=img], [role=region], [role=radiogroup], dialog[open]")) {
    if (!named(one)) faults.push(`nameless: ${one.outerHTML.slice(0, 80)}`);
  }
  for (const one of all("button, a.small-button")) {
    const { width, height } = one.getBoundingClientRect();
    if (width && !one.closest("td, li") && height < 24) faults.push(`${brief(one)} is only ${Math.round(height)} pixels high`);
  }
  if (innerWidth >= 1440) {
    for (const one of all(".body, .bar .pages")) {
      if (one.scrollWidth > one.clientWidth + 1) faults.push(`${one.id || brief(one)} scrolls sideways on a desk: ${one.scrollWidth} in ${one.clientWidth}`);
    }
  }
  if (/\bNaN\b|\bundefined\b|\bInfinity\b|\[object /.test(document.body.innerText)) faults.push("a figure that is none");

  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (text) => {
    if (!known.has(text)) {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = text;
      paint.fillRect(0, 0, 1, 1);
      known.set(text, [...paint.getImageData(0, 0, 1, 1).data]);
    }
    return known.get(text);
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((value, at) => value * (a / 255) + under[at] * (1 - a / 255));
  const ground = (one) => (one === null ? [255, 255, 255] : over(colour(getComputedStyle(one).backgroundColor), ground(one.parentElement)));
  const light = (rgb) => rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
  const faint = new Map();
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const one = words.currentNode.parentElement;
    if (!words.currentNode.textContent.trim() || !one.checkVisibility({ visibilityProperty: true }) || one.closest("script, :disabled, [inert], .fresh, [aria-busy=true]")) continue;
    const style = getComputedStyle(one);
    const under = ground(one);
    const both = [light(under), light(over(colour(one instanceof SVGElement ? style.fill : style.color), under))].sort((a, b) => b - a);
    const contrast = (both[0] + 0.05) / (both[1] + 0.05);
    if (contrast < 4.5) faint.set(`${one.tagName}.${one.getAttribute("class")}`, `${brief(one)} has a contrast of ${contrast.toFixed(2)}`);
  }
  return [...faults, ...faint.values()];
})()
