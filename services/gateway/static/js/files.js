// Files to keep.

import { request, session } from "./api.js";
import { h } from "./dom.js";

/** A file needs the same credentials as everything else, which a plain link would not send. */
document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[download]");
  if (!link || session() === null || !link.href.includes("/api/v1/")) return;
  event.preventDefault();
  const answer = await request("GET", link.href.split("/api/v1/")[1]);
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "file";
  const address = URL.createObjectURL(await answer.blob());
  const given = h("a", { href: address, download: name });
  document.body.append(given);
  given.click();
  given.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
});
