"use strict";
// Okabe and Ito's colours, which colour-blind readers can tell apart; the last two are light on white and come last.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"];
const ON_DARK = ["#4aa8e8", "#f0803c", "#2cc293", "#e59cc4", "#9bd5f7", "#f0bc4a"];
const CHARTS = [
  {title: "Loss", fields: [["loss", "training", []], ["val_loss", "validation", [6, 4]]], loss: true},
  {title: "Learning rate", fields: [["learning_rate", "learning rate", []]], loss: false},
  {title: "Validation score", fields: [["val_score", "score", []]], loss: false},
  {title: "Gradient norm", fields: [["grad_norm", "gradient norm", []]], loss: false},
  {title: "Objective (loss and penalty)", fields: [["objective", "objective", []]], loss: true},
  {title: "Rows per second", fields: [["rows_per_second", "rows per second", []]], loss: false},
];
const COLUMNS = ["epoch", "step", "learning_rate", "loss", "objective", "val_loss", "val_score", "grad_norm", "clipped", "rows_per_second", "seconds"];

let runs = RUNS;
let shown = runs.map(() => true);
let charts = [];
let zoom = null;
let syncing = false;
const titleOf = k => runs[k].header.name || "run";  // unique: see rename
const $ = id => document.getElementById(id);
const colour = k => (document.documentElement.dataset.theme === "dark" ? ON_DARK : COLOURS)[k % COLOURS.length];

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function format(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return typeof value === "object" ? JSON.stringify(value) : String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  const short = +value.toPrecision(5);
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? String(short) : short.toExponential();
}

// On an axis there is room for 1.5M, not for 1,500,000.
const onAxis = value => Math.abs(value) >= 1e5 && Math.abs(value) < 1e15 ? value.toLocaleString("en", {notation: "compact"}) : format(value);

function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) {
    if (value === undefined || value === null || value === "") continue;
    list.append(make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, format(value)));
  }
  return list;
}

function rename() {
  // Two runs of one name could not be told apart in the legends.
  const seen = {};
  for (const run of runs) {
    const given = run.header.name || "run";
    seen[given] = (seen[given] || 0) + 1;
    if (seen[given] > 1) run.header.name = `${given} (${seen[given]})`;
  }
}

function drawRuns() {
  $("runs").replaceChildren(...runs.map((run, k) => {
    const header = run.header;
    const box = make("input", {type: "checkbox", onchange: event => { shown[k] = event.target.checked; drawCurves(); }});
    box.checked = shown[k];
    const card = make("article", {class: "card", style: `--run: ${colour(k)}`},
      make("h3", {}, make("label", {}, box, make("span", {class: "swatch", "aria-hidden": "true"}), titleOf(k))),
      facts([["model", header.model], ["score", header.score], ["scored_on", header.scored_on], ["learning_rate", header.learning_rate],
        ["epochs", run.epochs.length || undefined], ["stopped_by", header.stop_reason], ["started", header.started],
        ...Object.entries(header.data || {}), ...(run.epochs.length ? [] : run.curves.map(curve => [kindOf(curve), chosen(curve)]))]));
    for (const [title, value] of [["Parameters", header.parameters], ["Machine and versions", header.machine]]) {
      if (value && Object.keys(value).length) card.append(make("details", {}, make("summary", {}, title), facts(Object.entries(value))));
    }
    if (header.command) card.append(make("details", {}, make("summary", {}, "Command"), make("pre", {tabindex: "0"}, header.command)));
    return card;
  }));
  const found = runs.flatMap((run, k) => run.diagnosis.length
    ? [make("h3", {}, titleOf(k)), make("ul", {}, ...run.diagnosis.map(each => make("li", {}, each)))] : []);
  $("diagnosis").replaceChildren(...(found.length ? found : [make("p", {}, "Nothing yet.")]));
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  return {ink: style.getPropertyValue("--faint").trim(), line: style.getPropertyValue("--line").trim()};
}

const WHOLE = Array.from({length: 15}, (_, power) => [1, 2, 5].map(digit => digit * 10 ** power)).flat();  // there is no epoch 2.5

function axes(names) {
  const {ink, line} = theme();
  const values = (u, ticks) => ticks.map(value => value === null ? "" : onAxis(value));
  return names.map((label, k) => ({label, stroke: ink, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1}, size: k ? 76 : 50, values, ...(k || !["epoch", "step"].includes(label) ? {} : {incrs: WHOLE})}));
}

function figure(holder, title, options, data, summary) {
  const place = make("div", {role: "img", "aria-label": `${title}: ${summary}`});
  holder.append(make("figure", {}, make("figcaption", {}, title), place));
  const width = Math.max(280, place.clientWidth || 560);
  return new uPlot({width, height: 300, ...options}, data, place);
}

function drawCurves() {
  const form = $("controls");
  const by = form.elements.x.value;
  const log = form.elements.log.checked;
  charts.forEach(each => each.destroy());
  charts = [];
  $("curves").replaceChildren();
  for (const chart of CHARTS) {
    const tables = [], series = [{label: by, value: (u, v) => format(v)}], words = [];
    runs.forEach((run, k) => {
      if (!shown[k]) return;
      const rows = run.epochs.filter(epoch => typeof epoch[by] === "number");
      for (const [key, label, dash] of chart.fields) {
        const y = rows.map(epoch => typeof epoch[key] === "number" ? epoch[key] : null);
        if (y.every(value => value === null)) continue;
        const full = (runs.length > 1 ? `${titleOf(k)} ` : "") + label;
        tables.push([rows.map(epoch => epoch[by]), y]);
        series.push({label: full, stroke: colour(k), width: 2, dash, spanGaps: true, points: {show: rows.length < 40, size: 5, fill: colour(k)}, value: (u, v) => format(v)});
        const known = y.filter(value => value !== null);
        words.push(`${full} from ${format(known[0])} to ${format(known.at(-1))}`);
      }
    });
    if (!tables.length) continue;
    const positive = tables.every(table => table[1].every(value => value === null || value > 0));
    const options = {
      series,
      scales: {x: {time: false}, y: {distr: log && chart.loss && positive ? 3 : 1}},
      axes: axes([by, chart.title]),
      cursor: {sync: {key: "runs"}, drag: {x: true, y: false}},
      hooks: {setScale: [(u, key) => { if (key === "x") follow(u); }]},
    };
    charts.push(figure($("curves"), chart.title, options, uPlot.join(tables), words.join("; ")));
  }
  if (zoom) charts.forEach(each => each.setScale("x", zoom));
}

function follow(source) {
  // A zoom in one chart is one in all; the numbers beside them say where, and set it from the keyboard.
  if (syncing || !charts.includes(source)) return;
  const {min, max} = source.scales.x;
  const [first, last] = [source.data[0][0], source.data[0].at(-1)];
  zoom = min === first && max === last ? null : {min, max};
  const form = $("controls").elements;
  form.from.value = zoom ? +min.toPrecision(6) : "";
  form.to.value = zoom ? +max.toPrecision(6) : "";
  syncing = true;
  charts.forEach(each => { if (each !== source) each.setScale("x", {min, max}); });
  syncing = false;
}

function setRange() {
  const form = $("controls").elements;
  if (form.from.value === "" && form.to.value === "") zoom = null;
  else zoom = {min: form.from.value === "" ? charts[0].data[0][0] : +form.from.value,
    max: form.to.value === "" ? charts[0].data[0].at(-1) : +form.to.value};
  syncing = true;
  charts.forEach(each => each.setScale("x", zoom || {min: each.data[0][0], max: each.data[0].at(-1)}));
  syncing = false;
}

// A sweep has a row of losses for each epoch, a range test one for each rate, with a column for each seed.
const isTest = curve => Array.isArray(curve.loss[0]) && curve.loss.length === curve.learning_rate.length && !curve.val_loss;
const kindOf = curve => isTest(curve) || curve.suggestions ? "range test" : "sweep";

function chosen(curve) {
  const best = curve.best_learning_rate || curve.learning_rate[curve.best];
  return best ? `the best rate is ${format(best)}` : Object.entries(curve.suggestions || {})
    .map(([rule, found]) => `${rule} ${format(found.learning_rate ?? found)}`).join(", ");
}

function drawRates() {
  const found = runs.flatMap((run, k) => run.curves.map(curve => [titleOf(k), curve])).filter(([, c]) => c.learning_rate && c.loss);
  $("rates").hidden = !found.length;
  $("rate-curves").replaceChildren();
  for (const [title, curve] of found) {
    const seeds = isTest(curve), lines = linesOf(curve);
    const series = [{label: "learning rate", value: (u, v) => format(v)}].concat(lines.map((_, k) => ({
      label: lineName(curve, k, lines.length), stroke: colour(0), alpha: seeds ? 0.6 : 0.25 + 0.75 * (k + 1) / lines.length,
      width: !seeds && k + 1 === lines.length ? 2.5 : 1.2, points: {size: 5, fill: colour(0)}, value: (u, v) => format(v)})));
    const words = chosen(curve);
    const limit = ceiling(lines);
    const options = {series, scales: {x: {time: false, distr: 3}, y: {range: (u, low, high) => [low, Math.min(high, limit)]}}, axes: axes(["learning rate", "loss"])};
    figure($("rate-curves"), `${title}: ${words}`, options, [curve.learning_rate, ...lines], words);
  }
}

function linesOf(curve) {
  const source = curve.val_loss || curve.loss;
  return isTest(curve) ? source[0].map((_, k) => source.map(row => row[k])) : Array.isArray(source[0]) ? source : [source];
}

const lineName = (curve, k, n) => n > 1 ? `${isTest(curve) ? "seed" : "epoch"} ${k + 1}` : "loss";

function ceiling(lines) {
  // Rates that diverge would flatten all the others.
  const known = lines.flat().filter(value => value !== null).sort((a, b) => a - b);
  const low = known[0] ?? 0, middle = known[known.length >> 1] ?? 1;
  return middle + 2 * (middle - low) + 1e-9;
}

function drawTables() {
  const open = new Set([...$("tables").querySelectorAll("details[open]")].map(each => each.dataset.name));
  const made = runs.flatMap((run, k) => {
    const names = COLUMNS.filter(key => run.epochs.some(epoch => epoch[key] !== undefined && epoch[key] !== null));
    const epochs = run.epochs.length || !run.curves.length
      ? [table(titleOf(k), `${run.epochs.length} epochs`, names, run.epochs.map(epoch => names.map(key => epoch[key])))] : [];
    return epochs.concat(run.curves.filter(curve => curve.learning_rate && curve.loss).map(curve => {
      const lines = linesOf(curve);
      const heads = ["learning_rate", ...lines.map((_, line) => `${curve.val_loss ? "val_loss" : "loss"} ${lineName(curve, line, lines.length)}`)];
      const rows = curve.learning_rate.map((rate, row) => [rate, ...lines.map(line => line[row])]);
      return table(`${titleOf(k)}, rates`, `${rows.length} learning rates of a ${kindOf(curve)}`, heads, rows);
    }));
  });
  $("tables").replaceChildren(...made);
  for (const each of made) each.open = open.has(each.dataset.name);
}

function table(name, what, heads, rows) {
  const head = make("thead", {}, make("tr", {}, ...heads.map(key => make("th", {scope: "col"}, key.replaceAll("_", " ")))));
  const body = make("tbody", {}, ...rows.map(row => make("tr", {}, ...row.map(value => make("td", {}, format(value))))));
  const save = make("button", {type: "button", "aria-label": `Download ${name} as CSV`, onclick: () => download(name, heads, rows)}, "Download as CSV");
  return make("details", {"data-name": name}, make("summary", {}, `${name}: ${what}`), save,
    make("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": `numbers of ${name}`},
      make("table", {}, make("caption", {}, name), head, body)));
}

function download(name, heads, rows) {
  const text = [heads, ...rows.map(row => row.map(value => value ?? ""))].map(row => row.join(",")).join("\n") + "\n";
  const link = make("a", {href: URL.createObjectURL(new Blob([text], {type: "text/csv"})), download: `${name}.csv`});
  link.click();
  URL.revokeObjectURL(link.href);
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  $("theme").setAttribute("aria-pressed", String(dark));
}

function draw() {
  rename();
  drawRuns();
  drawCurves();
  drawRates();
  drawTables();
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
$("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme !== "dark"); drawRuns(); drawCurves(); drawRates(); });
$("controls").addEventListener("submit", event => event.preventDefault());
$("controls").addEventListener("change", event => {
  if (event.target.type === "number") return setRange();
  if (event.target.name === "x") { zoom = null; $("controls").elements.from.value = $("controls").elements.to.value = ""; }
  drawCurves();
});
$("all").addEventListener("click", () => { $("controls").elements.from.value = $("controls").elements.to.value = ""; setRange(); });
let waiting = 0;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => { drawCurves(); drawRates(); }, 150); });
draw();
if (LIVE) {
  const source = new EventSource("/events");
  source.onmessage = event => {
    runs = JSON.parse(event.data);
    shown = runs.map((_, k) => shown[k] ?? true);
    draw();
    const going = runs.filter(run => run.epochs.length && !run.header.stop_reason).length;
    $("status").textContent = going ? `${going} still training` : "all ended";
  };
  source.onerror = () => { $("status").textContent = "the server has gone; this page stays as it is"; };
}
