/* A table that is sorted by its headings; `options.keep` says which rows are shown. */

const LONG = 60;
const AT_ONCE = 100;
const loaded = new Promise((done) => addEventListener("load", done));

class SortedTable {
  constructor(host, sheet, options = {}) {
    Object.assign(this, { host, sheet, ...options });
    this.hidden = new Set(sheet.columns.filter((column) => !column.shown).map((column) => column.name));
    this.by = null;
    this.descending = false;
    this.open = new Set();
    this.searched = sheet.rows.map((row, number) =>
      [...row.flatMap((cell) => [cell[0] || "", cell[2] || ""]), this.words ? this.words(number) : ""]
        .join("\n").toLowerCase());
  }

  /* Rows in order; what has no value is last either way. */
  rows() {
    const places = this.sheet.rows.map((_, number) => number)
      .filter((number) => !this.keep || this.keep(this, number));
    if (this.by === null) return places;
    const value = (number) => this.sheet.rows[number][this.by][1] ?? null;
    const sign = this.descending ? -1 : 1;
    return places.sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      if (a === null || b === null) return (a === null) - (b === null) || one - other;
      const order = typeof a === "number" && typeof b === "number" ? a - b
        : String(a).localeCompare(String(b), "en", { numeric: true });
      return sign * order || one - other;
    });
  }

  sort(place) {
    this.descending = this.by === place && !this.descending;
    this.by = place;
    this.show();
    this.host.querySelector(`thead button[data-place="${place}"]`).focus();
  }

  show() {
    const shown = this.sheet.columns.map((column, place) => ({ column, place }))
      .filter(({ column }) => !this.hidden.has(column.name));
    const head = make("tr", {}, ...(this.chooses ? [make("th", {}, "")] : []),
      ...shown.map(({ column, place }, first) => this.heading(column, place, first === 0)));
    const rows = this.rows();
    const body = make("tbody");
    this.fill(body, rows, shown, 0);
    this.body = body;
    this.host.replaceChildren(make("table", {}, make("thead", {}, head), body));
    if (this.shown) this.shown(rows.length, this.sheet.rows.length);
  }

  /* Rows that nobody sees yet come after the page is there, unless it is sorted anew by then. */
  fill(body, rows, shown, start) {
    for (const number of rows.slice(start, start + AT_ONCE)) {
      body.append(this.row(number, shown));
      if (this.open.has(number)) body.append(this.unfolded(number, shown.length + 1));
    }
    const next = start + AT_ONCE;
    if (next < rows.length) loaded.then(() => setTimeout(() => {
      if (this.body === body) this.fill(body, rows, shown, next);
    }));
  }

  heading(column, place, fixed) {
    const sorted = this.by === place ? (this.descending ? "descending" : "ascending") : undefined;
    const button = make("button", { type: "button", title: column.tip, "data-place": String(place),
      onclick: () => this.sort(place) }, column.name);
    const role = column.role === "number" ? "number" : "";
    return make("th", { scope: "col", class: [role, fixed ? "fixed" : ""].join(" ").trim(),
      "aria-sort": sorted }, button);
  }

  row(number, shown) {
    const cells = shown.map(({ column, place }, first) => {
      const [text = "", , tip = "", kind = ""] = this.sheet.rows[number][place];
      const wide = text.length > LONG;
      const cell = make("td", { title: tip || (wide ? text : ""),
        class: [column.role === "number" ? "number" : "", kind, wide ? "wide" : "", first === 0 ? "fixed" : ""].filter(Boolean).join(" ") });
      if (first === 0 && this.details) cell.append(this.unfold(number, text));
      else cell.append(...value(text, column.role));
      return cell;
    });
    if (!this.chooses) return make("tr", {}, ...cells);
    const runs = this.sheet.members[number];
    const box = make("input", { type: "checkbox", "aria-label": "draw below",
      onchange: () => this.chooses(runs, box.checked) });
    box.checked = runs.every((run) => chosen.has(run));
    return make("tr", {}, make("td", {}, box), ...cells);
  }

  unfold(number, text) {
    return make("button", { type: "button", class: "run", "aria-expanded": String(this.open.has(number)),
      onclick: () => {
        if (!this.open.delete(number)) this.open.add(number);
        this.show();
      } }, text || "-");
  }

  unfolded(number, width) {
    const cell = make("td", { colspan: String(width) });
    for (const run of this.sheet.members[number]) cell.append(...this.details(run));
    return make("tr", { class: "details" }, cell);
  }
}

/* A number's error is fainter than the number. */
function value(text, role) {
  const [mean, ...rest] = role === "number" ? text.split(" ± ") : [text];
  return rest.length ? [mean, make("span", { class: "error" }, ` ± ${rest.join(" ± ")}`)] : [text];
}
