/* What every part of the page uses. All text is set as text: no name of a user's is ever markup. */

const COLOURS = 8;

/* An element with attributes and children; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== "") element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/* The same for a drawing. */
function draw(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const at = (id) => document.getElementById(id);
const content = (id) => JSON.parse(at(id).textContent);

/* A definition list of [name, text]. */
function pairs(facts) {
  return facts.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
}

const report = content("report");

/* Runs that are drawn below the tables: number -> its colour, the same while it is chosen. */
const chosen = new Map();

function choose(runs, on) {
  for (const run of runs) {
    if (!on) chosen.delete(run);
    else if (!chosen.has(run)) {
      const taken = [...chosen.values()];
      let slot = 0;
      while (taken.includes(slot)) slot += 1;
      chosen.set(run, slot);
    }
  }
}

const colour = (run) => `var(--c${chosen.get(run) % COLOURS})`;

/* A run in words: what it differs in from the others that are chosen, or all that is known of it. */
function label(run) {
  const parts = report.parts[run];
  const unlike = parts.filter((part, place) => [...chosen.keys()].some((other) => report.parts[other][place] !== part));
  return unlike.filter(Boolean).join(", ") || parts.filter(Boolean).join(", ") || report.names[run];
}
