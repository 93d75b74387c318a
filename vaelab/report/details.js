/* What unfolds below a run: its command, what it was made with, every metric. */

function details(run) {
  const found = content(`details-${run}`);
  const parts = [make("h3", {}, [report.names[run], ...report.parts[run].filter(Boolean)].join(", "))];
  if (found.command) {
    const copy = make("button", { type: "button", class: "copy", onclick: () => copied(found.command, copy) }, "copy");
    parts.push(make("div", { class: "command" }, copy, make("code", {}, found.command)));
  }
  const facts = make("dl", {}, ...pairs(found.facts));
  const folder = facts.querySelector("dd");
  folder.replaceChildren(make("a", { href: found.link }, folder.textContent));
  parts.push(facts);
  if (found.metrics.length) {
    const rows = found.metrics.map(([evaluation, split, name, text, measured]) => make("tr", {},
      make("td", {}, evaluation), make("td", {}, split), make("td", {}, name), make("td", { class: "number" }, text),
      make("td", { class: "quiet" }, measured)));
    parts.push(make("table", {}, make("tbody", {}, ...rows)));
  }
  return parts;
}

/* A browser may refuse the clipboard to a page from a file: then the text is copied as a selection. */
async function copied(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", {}, text);
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy"; }, 1500);
}
