// How a page is gone through by keys: what Tab may reach, in order, and what it has reached, with everything that is wrong about it.
(() => {
  const REACHED = "a[href], button, input, select, textarea, summary, [tabindex]";
  const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
  const brief = (one) => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""} "${(one.getAttribute("aria-label") ?? one.innerText ?? "").trim().slice(0, 30)}"`;
  const scrolls = (one) => /auto|scroll/.test(getComputedStyle(one).overflowY) && one.scrollHeight > one.clientHeight + 1;
  const within = () => document.querySelector("dialog[open]") ?? document;

  /** Everything that Tab must come to, in order. */
  const order = () => [...within().querySelectorAll(REACHED)].filter((one) => one.tabIndex >= 0 && !one.matches(":disabled, [inert] *") && seen(one));

  /** What has the focus; "" when it is outside, or where it was before: the browser goes round. A date has parts, and is null again. */
  const been = new Set([document.body, null]);
  let last = null;
  const at = () => {
    const one = document.activeElement;
    if (one === last && one.matches("input")) return null;
    if (been.has(one)) return "";
    been.add((last = one));
    return brief(one);
  };

  /** What is wrong with where the focus is: not seen, not marked, or out of the window. */
  const faults = () => {
    const one = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    const { left, right, top, bottom, width } = one.getBoundingClientRect();
    return [
      !one.matches(":focus-visible") && "not marked as having the focus",
      (outlineStyle === "none" || parseFloat(outlineWidth) < 1) && "no outline",
      (width === 0 || right <= 0 || bottom <= 0 || left >= innerWidth || top >= innerHeight) && "outside the window",
    ].filter(Boolean).map((fault) => `${brief(one)}: ${fault}`);
  };

  /** What keys alone cannot read, and pictures without words. */
  const blind = () => [
    ...[...document.querySelectorAll("body *")].filter((one) => seen(one) && scrolls(one) && one.tabIndex < 0 && !one.querySelector(REACHED)).map((one) => `${brief(one)} scrolls and is not reached`),
    ...[...document.querySelectorAll("svg, canvas")].filter((one) => seen(one) && !one.closest("[aria-hidden=true]") && !one.closest("[role=img][aria-label]")?.getAttribute("aria-label") && !one.closest("a, button")).map((one) => `${brief(one)}: a picture without words`),
  ];

  window.keyboard = { order: () => order().map(brief), at, faults, blind };
  return true;
})()
