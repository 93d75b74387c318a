/* Training curves of the chosen runs, one panel a quantity, overlaid. */

const PANELS = [
  { title: "bound", unit: "nats", lines: ["val/bound", "train/bound"], skips: true },
  { title: "ELBO", unit: "nats", lines: ["val/elbo", "train/elbo"], skips: true, unlike: "val/bound" },
  { title: "KL", unit: "nats", lines: ["val/kl"], zero: true },
  { title: "mutual information", unit: "nats", lines: ["val/mi", "val/mi_ceiling"], zero: true },
  { title: "active units", unit: "", lines: ["val/au"], zero: true },
  { title: "beta", unit: "", lines: ["beta"], zero: true },
];
const SAID = { "train/bound": "dashed: training", "train/elbo": "dashed: training", "val/mi_ceiling": "dashed: ceiling" };
const BOX = { width: 420, height: 200, left: 44, right: 8, top: 8, bottom: 22 };
const VISIBLE = 0.5; // nats by which the bound must pass the ELBO for the latter to be drawn too

function showCurves() {
  const runs = [...chosen.keys()].map((run) => ({ run, curves: content(`details-${run}`).curves }))
    .filter(({ curves }) => curves.epoch.length);
  at("legend").replaceChildren(...[...chosen.keys()].map((run) => make("span", {},
    make("span", { class: "swatch", style: `border-color: ${colour(run)}` }), label(run))));
  at("curves").replaceChildren(...PANELS.flatMap((panel) => drawn(panel, runs)));
  if (!chosen.size) at("legend").textContent = "Tick runs in the table to draw them here.";
}

function drawn(panel, runs) {
  const lines = runs.flatMap(({ run, curves }) => panel.lines
    .filter((name) => curves[name])
    .map((name, place) => ({ run, name, dashed: name !== panel.lines[0], x: curves.epoch, y: curves[name] })));
  const known = lines.some(({ y }) => y.some((one) => one !== null));
  const like = panel.unlike && !runs.some(({ curves }) => (curves[panel.lines[0]] || []).some((one, place) =>
    one !== null && Math.abs((curves[panel.unlike] || [])[place] - one) > VISIBLE));
  if (!known || like) return [];
  const scale = scales(panel, lines);
  const svg = draw("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, role: "img", "aria-label": panel.title });
  const clip = `clip-${panel.title.replace(" ", "-")}`;
  svg.append(draw("clipPath", { id: clip }, draw("rect", { x: BOX.left, y: BOX.top,
    width: BOX.width - BOX.left - BOX.right, height: BOX.height - BOX.top - BOX.bottom })));
  axes(svg, scale);
  const group = draw("g", { "clip-path": `url(#${clip})` });
  for (const line of [...lines].reverse()) group.append(...path(line, scale));
  svg.append(group);
  hover(svg, panel, lines, scale);
  const said = [panel.unit, ...new Set(lines.map(({ name }) => SAID[name]).filter(Boolean))].filter(Boolean);
  return [make("figure", {}, make("figcaption", {}, panel.title, make("span", {}, said.length ? ` ${said.join("; ")}` : "")), svg)];
}

/* From epochs and values to places; the first epochs lie so far off that the rest would look flat. */
function scales(panel, lines) {
  const x = lines.flatMap((line) => line.x);
  const seen = lines.flatMap(({ y }) => y.slice(panel.skips ? Math.floor(y.length / 20) : 0)).filter((one) => one !== null);
  const [first, last] = [Math.min(...x), Math.max(...x)];
  let [low, high] = [Math.min(...seen), Math.max(...seen)];
  if (panel.zero) low = Math.min(0, low);
  const margin = 0.05 * (high - low) || 0.5;
  high += margin;
  if (!panel.zero) low -= margin;
  return { first, last, low, high,
    x: (epoch) => BOX.left + (BOX.width - BOX.left - BOX.right) * (last > first ? (epoch - first) / (last - first) : 0.5),
    y: (value) => BOX.height - BOX.bottom - (BOX.height - BOX.top - BOX.bottom) * (value - low) / (high - low) };
}

function axes(svg, scale) {
  for (const tick of ticks(scale.low, scale.high, 5)) {
    const y = scale.y(tick);
    svg.append(draw("line", { class: "grid", x1: BOX.left, x2: BOX.width - BOX.right, y1: y, y2: y }),
      draw("text", { x: BOX.left - 5, y: y + 3, "text-anchor": "end" }, String(tick)));
  }
  for (const tick of ticks(scale.first, scale.last, 6).filter(Number.isInteger)) {
    svg.append(draw("text", { x: scale.x(tick), y: BOX.height - 8, "text-anchor": "middle" }, String(tick)));
  }
}

/* Round numbers between two. */
function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const found = [];
  for (let tick = Math.ceil(low / step); tick * step <= high; tick += 1) found.push(Number((tick * step).toFixed(digits)));
  return found;
}

/* A line, broken where a value is missing; a dot where it has one point. */
function path({ run, dashed, x, y }, scale) {
  const places = x.map((epoch, place) => (y[place] === null ? null : [scale.x(epoch), scale.y(y[place])]));
  const style = `stroke: ${colour(run)}${dashed ? "; stroke-dasharray: 3 3; opacity: .75" : ""}`;
  const known = places.filter((place) => place !== null);
  if (known.length === 1) return [draw("circle", { cx: known[0][0], cy: known[0][1], r: 3, style: `fill: ${colour(run)}` })];
  let text = "";
  places.forEach((place, number) => {
    if (place) text += `${number && places[number - 1] ? "L" : "M"}${place.map((one) => one.toFixed(1)).join(",")}`;
  });
  return [draw("path", { d: text, style })];
}

/* Under the pointer: the epoch, and each run's value there. */
function hover(svg, panel, lines, scale) {
  const cursor = draw("line", { class: "cursor", y1: BOX.top, y2: BOX.height - BOX.bottom, visibility: "hidden" });
  svg.append(cursor);
  const box = at("hover") || document.body.appendChild(make("div", { id: "hover", hidden: true }));
  svg.addEventListener("pointermove", (event) => {
    const place = svg.getBoundingClientRect();
    const x = ((event.clientX - place.left) / place.width) * BOX.width;
    const wanted = scale.first + ((x - BOX.left) / (BOX.width - BOX.left - BOX.right)) * (scale.last - scale.first);
    const epochs = lines.flatMap((line) => line.x);
    const epoch = epochs.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));
    cursor.setAttribute("x1", scale.x(epoch));
    cursor.setAttribute("x2", scale.x(epoch));
    cursor.setAttribute("visibility", "visible");
    const rows = lines.flatMap((line) => {
      const value = line.y[line.x.indexOf(epoch)];
      if (value === null || value === undefined) return [];
      return [make("div", {}, make("span", {}, make("span", { class: "swatch", style: `border-color: ${colour(line.run)}; border-top-style: ${line.dashed ? "dashed" : "solid"}` }),
        label(line.run)), make("span", {}, String(Number(value.toPrecision(5)))))];
    });
    box.replaceChildren(make("b", {}, `${panel.title}, epoch ${epoch}`), ...rows);
    box.hidden = false;
    box.style.left = `${Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8)}px`;
    box.style.top = `${Math.min(event.clientY + 14, innerHeight - box.offsetHeight - 8)}px`;
  });
  svg.addEventListener("pointerleave", () => {
    box.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  });
}
