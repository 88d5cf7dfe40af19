// The key figures.

const serverOf = (run) => partOf(run.data.server);
const latencyAt = (key) => (run) => ({ value: partOf(run.data.latency_us)[key], format: formats.duration });

const cpuFigure = (run) =>
  run.inBytes
    ? { value: serverOf(run).cpu_s_per_gib, format: formats.seconds, after: "a GiB" }
    : { value: serverOf(run).cpu_us_per_message, format: formats.microseconds, after: "a message" };

// What an open loop did not get done stands beside the errors.
function errorFigure({ data }) {
  const lost = [
    ["dropped", data.dropped],
    ["unanswered", data.unanswered],
  ].filter(([, count]) => count > 0);
  return {
    value: data.errors,
    format: formats.number,
    loud: data.errors > 0 || lost.length > 0,
    after: lost.map(([what, count]) => `${show(count, formats.number)} ${what}`).join(", "),
  };
}

// [label, what of a run]. The rate first: it is what most people came for.
const TILES = [
  ["Rate", (run) => ({ value: run.data.rate, format: run.rateFormat })],
  ["Latency, median", latencyAt("p50")],
  ["Latency, p99", latencyAt("p99")],
  ["Latency, p99.9", latencyAt("p999")],
  ["Latency, max", latencyAt("max")],
  ["Errors", errorFigure],
  ["Server CPU", cpuFigure],
  [
    "Server memory",
    (run) => ({ value: serverOf(run).bytes_per_connection, format: formats.bytes, after: "a connection" }),
  ],
];

function makeTileValue(run, { value, format, loud, after }) {
  return make(
    "dd",
    { class: loud ? "loud" : null },
    makeLetter(run),
    make("span", { class: "value" }, show(value, format)),
    after && numberOf(value) !== null ? make("span", { class: "unit" }, after) : null,
  );
}

function makeTile(runs, [label, figureOf]) {
  const figures = runs.map(figureOf);
  const comparable = runs.length === 2 && figures[0].format === figures[1].format;
  const ratio = comparable ? formatRatio(figures[0].value, figures[1].value) : null;
  return make(
    "div",
    { class: "tile" },
    make("dt", {}, label),
    ...runs.map((run, i) => makeTileValue(run, figures[i])),
    ratio === null ? null : make("dd", { class: "ratio" }, `B is ${ratio} A`),
  );
}

function showFigures(runs) {
  byId("figures").append(make("dl", { class: "tiles" }, ...TILES.map((tile) => makeTile(runs, tile))));
}
