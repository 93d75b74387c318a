/* Pictures and texts of the chosen runs side by side, a row a kind; made when a run is chosen. */

function showFigures() {
  const found = [...chosen.keys()].map((run) => ({ run, figures: content(`figures-${run}`) }));
  const kinds = [...new Set(found.flatMap(({ figures }) => Object.keys(figures)))];
  at("figures").replaceChildren(...kinds.flatMap((kind) => {
    const shown = found.filter(({ figures }) => kind in figures).map(({ run, figures }) => side(run, kind, figures[kind]));
    return [make("h3", {}, kind.replace(/\.\w+$/, "").replaceAll("_", " ")), make("div", { class: "kind" }, ...shown)];
  }));
}

function side(run, kind, held) {
  const caption = make("figcaption", {}, make("span", { class: "swatch", style: `border-color: ${colour(run)}` }), label(run));
  if (!held.startsWith("data:image/")) return make("figure", {}, caption, make("pre", {}, held));
  const image = make("img", { src: held, alt: `${kind}: ${label(run)}`, onclick: () => figure.classList.toggle("large") });
  const figure = make("figure", {}, caption, image);
  return figure;
}
