// The address of an open page.

/** Another address of the same page, typed or followed, chooses as the page's own controls do. */
export function whenAddressed(choose) {
  addEventListener("hashchange", () => {
    const name = decodeURIComponent(location.hash.slice(1));
    if (name) choose(name);
  });
}
