/* Puts the page together: views, filters, and what is drawn of chosen runs. */

const MOST = 40; // values of a setting that a drop-down lists
const views = {};
const wanted = new Map(); // setting -> the value that is asked for
let view = Object.keys(report.views)[0];

function keep(table, number) {
  const words = at("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => table.searched[number].includes(word))) return false;
  return table.sheet.columns.every((column, place) => !wanted.has(column.name)
    || (table.sheet.rows[number][place][0] ?? "") === wanted.get(column.name));
}

for (const [name, sheet] of Object.entries(report.views)) {
  views[name] = new SortedTable(at("table"), sheet, {
    keep, details,
    words: (number) => sheet.members[number].flatMap((run) => [report.names[run], ...report.parts[run]]).join("\n"),
    chooses: (runs, on) => { choose(runs, on); showChosen(); },
    shown: (shown, all) => { at("count").textContent = shown < all ? `${shown} of ${all} rows` : `${all} rows`; },
  });
}

function showView(name) {
  view = name;
  at("views").replaceChildren(...Object.keys(views).map((other) => make("button", { type: "button", role: "tab",
    "aria-selected": String(other === view), onclick: () => showView(other) }, other)));
  showChoices();
  showColumns();
  views[view].show();
}

/* A drop-down for each setting that the rows differ in. */
function showChoices() {
  const { columns, rows } = views[view].sheet;
  for (const name of [...wanted.keys()]) {
    if (!columns.some((column) => column.name === name)) wanted.delete(name);
  }
  at("choices").replaceChildren(...columns.flatMap((column, place) => {
    if (column.role !== "setting") return [];
    const values = [...new Set(rows.map((row) => row[place][0] ?? ""))]
      .sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
    if (wanted.has(column.name) && !values.includes(wanted.get(column.name))) wanted.delete(column.name);
    if (values.length < 2 || values.length > MOST) return [];
    const select = make("select", { "data-setting": column.name, onchange: () => {
      if (select.value === "any") wanted.delete(column.name);
      else wanted.set(column.name, values[Number(select.value)]);
      views[view].show();
    } }, make("option", { value: "any" }, "any"),
    ...values.map((value, number) => make("option", { value: String(number) }, value || "(none)")));
    if (wanted.has(column.name)) select.value = String(values.indexOf(wanted.get(column.name)));
    return [make("label", {}, `${column.name} `, select)];
  }));
}

function showColumns() {
  const table = views[view];
  at("columns").querySelector("div").replaceChildren(...table.sheet.columns.map((column) => {
    const box = make("input", { type: "checkbox", onchange: () => {
      if (box.checked) table.hidden.delete(column.name);
      else table.hidden.add(column.name);
      table.show();
    } });
    box.checked = !table.hidden.has(column.name);
    return make("label", {}, box, ` ${column.name}`);
  }));
}

function showChosen() {
  showCurves();
  showFigures();
}

at("filter").addEventListener("input", () => views[view].show());
at("reset").addEventListener("click", () => {
  at("filter").value = "";
  wanted.clear();
  showChoices();
  views[view].show();
});
at("title").textContent = report.title;
at("facts").append(...pairs(report.facts));
at("embedded").textContent = report.embedded;
if (report.published) {
  at("published").hidden = false;
  new SortedTable(at("published").querySelector(".scroll"), report.published).show();
}
choose(report.first, true);
showView(view);
// The runs' own blocks come after this script.
addEventListener("DOMContentLoaded", showChosen);
