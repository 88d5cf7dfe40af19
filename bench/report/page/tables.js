// Latency in figures, the setting of the run, and the data itself.

const PERCENTILES = [
  ["p50", "p50"],
  ["p90", "p90"],
  ["p99", "p99"],
  ["p99.9", "p999"],
  ["max", "max"],
];

function latencyColumns(run) {
  const { latency_us: latency, service_us: service, lag_us: lag } = run.data;
  if (!run.openLoop) return [["Latency", latency]];
  return [
    ["From when it was due", latency],
    ["From when it was sent", service],
    ["Sent late by", lag],
  ];
}

// What a closed loop would have hidden, said with this run's own figures.
function explainGap(run) {
  const due = numberOf(partOf(run.data.latency_us).p99);
  const sent = numberOf(partOf(run.data.service_us).p99);
  const gap =
    due === null || sent === null
      ? ""
      : `: at p99, ${formats.duration(due)} instead of ${formats.duration(sent)}`;
  return make(
    "p",
    {},
    makeLetter(run),
    "Latency counts from when a message was due, so its wait to be sent is in it; counted from the " +
      "sending, as a closed loop does, a server that stalls holds back the very messages that would have shown the " +
      `stall, and the figures look better than what users would see (coordinated omission)${gap}.`,
  );
}

function showLatency(runs) {
  const columns = runs.flatMap((run) =>
    latencyColumns(run).map(([label, values]) => ({ run, label, values: partOf(values) })),
  );
  const compared = runs.length === 2;
  const rows = PERCENTILES.map(([label, key]) => {
    const [a, b] = runs.map((run) => partOf(run.data.latency_us)[key]);
    const cells = columns.map(({ values }) => show(values[key], formats.duration));
    return [label, ...cells, ...(compared ? [formatRatio(a, b) ?? MISSING] : [])];
  });
  const head = [
    "",
    ...columns.map(({ run, label }) => withLetter(run, label)),
    ...(compared ? ["B to A"] : []),
  ];
  byId("latency").append(
    ...runs.filter((run) => run.openLoop).map(explainGap),
    makeTable(null, head, rows, { label: "Latency" }),
  );
}

const ENVIRONMENT = {
  system: ["System", textOf],
  kernel: ["Kernel", textOf],
  cpu: ["CPU", textOf],
  cpus: ["CPUs", (value) => show(value, formats.number)],
  memory_bytes: ["Memory", (value) => show(value, formats.size)],
  descriptors: ["Descriptors a process may hold", (value) => show(value, whole.format)],
  load_average: ["Load average before", (value) => show(value, formats.number)],
};

// [label, what of a run, format]
const PROGRAMS = [
  ["Generator: agents", (run) => partOf(run.data.generator).agents, formats.number],
  ["Generator: CPU of the busiest", (run) => partOf(run.data.generator).cpu_share, formats.percent],
  ["Generator: waited for a CPU", (run) => partOf(run.data.generator).waited_share, formats.percent],
  ["Server: CPU", (run) => serverOf(run).cpu_share, formats.percent],
  [
    "Server: memory of a connection, used once",
    (run) => serverOf(run).bytes_per_connection_touched,
    formats.bytes,
  ],
];

// Rows of [label, value of each run], with what differs marked.
function makeComparison(caption, runs, rows) {
  const differs = ([, a, b]) => b !== undefined && a !== b;
  const anyDiffers = rows.some(differs);
  const marked = rows.map((row) => {
    if (!differs(row)) return anyDiffers ? [...row, ""] : row;
    const [label, ...values] = row;
    return [label, ...values.map((value) => make("strong", {}, value)), "differs"];
  });
  const head = ["", ...runs.map((run) => makeLetter(run) ?? "Value"), ...(anyDiffers ? [""] : [])];
  return makeTable(caption, head, marked);
}

const keysOf = (parts) => [...new Set(parts.flatMap((part) => Object.keys(part)))];

function environmentRows(runs) {
  const parts = runs.map((run) => partOf(run.data.environment));
  const known = (key) => (Object.hasOwn(ENVIRONMENT, key) ? ENVIRONMENT[key] : [escapeUnseen(key), textOf]);
  const machine = keysOf(parts).map((key) => {
    const [label, format] = known(key);
    return [label, ...parts.map((part) => format(part[key]) || MISSING)];
  });
  const programs = PROGRAMS.map(([label, figureOf, format]) => [
    label,
    ...runs.map((run) => show(figureOf(run), format)),
  ]);
  return [...machine, ...programs];
}

function optionRows(runs) {
  const parts = runs.map((run) => partOf(run.data.options));
  return keysOf(parts).map((key) => [
    escapeUnseen(key),
    ...parts.map((part) => textOf(part[key]) || MISSING),
  ]);
}

function showSetting(runs) {
  const setting = byId("setting");
  for (const run of runs)
    setting.append(make("h3", {}, withLetter(run, "Command")), makeCode(quoteCommand(run.data.command)));
  const options = optionRows(runs);
  setting.append(
    make(
      "div",
      { class: runs.length === 1 ? "pair" : "stack" },
      makeComparison("Environment", runs, environmentRows(runs)),
      options.length === 0 ? null : makeComparison("Options", runs, options),
    ),
  );
}

// The text is made when it is asked for: that of a long run has tens of thousands of lines.
function showData(runs) {
  for (const run of runs) {
    const details = make("details", {}, make("summary", {}, withLetter(run, "The whole result as JSON")));
    details.addEventListener("toggle", () => details.append(makeCode(JSON.stringify(run.data, null, 2))), {
      once: true,
    });
    byId("data").append(details);
  }
}
