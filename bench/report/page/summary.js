// The head of the page: what ran, and whether it counts.

// A result with what the page says of it. Two are told apart by letter and colour, and by dashes in charts.
function makeRun(result, index, count) {
  const data = partOf(result);
  return {
    data,
    letter: count > 1 ? "AB"[index] : "",
    key: index === 0 ? "a" : "b",
    rateFormat: ["send", "receive"].includes(data.scenario) ? formats.byteRate : formats.messageRate,
    inBytes: ["send", "receive"].includes(data.scenario),
    openLoop: Object.keys(partOf(data.service_us)).length > 0,
  };
}

const nameOf = (run) =>
  `${textOf(run.data.scenario) || "unnamed"} on ${textOf(run.data.target) || "an unnamed target"}`;

function titleOf(runs) {
  if (runs.length === 1) return nameOf(runs[0]);
  const [a, b] = runs.map((run) => textOf(run.data.scenario));
  return a === b ? `${a}: A and B compared` : "A and B compared";
}

function showHead(runs) {
  document.title = `${titleOf(runs)} \u2013 weir bench`;
  byId("title").textContent = titleOf(runs);
  for (const run of runs) {
    const { data } = run;
    const facts = [
      runs.length > 1 ? nameOf(run) : null,
      `${show(data.connections, formats.number)} connections`,
      `${show(data.duration_s, formats.seconds)} measured`,
      `${show(data.messages, whole.format)} messages`,
      textOf(data.started)
        .replace("T", " ")
        .replace(/(\.\d+)?Z$/, " UTC"),
      `weir ${textOf(data.weir)}`,
    ];
    byId("runs").append(
      make(
        "p",
        { class: "facts" },
        makeLetter(run),
        ...facts.filter(Boolean).map((fact) => make("span", {}, fact)),
      ),
    );
  }
}

// The kinds of reasons, as a sentence takes them.
const LIMITS = new Map([
  ["generator", "the generator"],
  ["schedule", "the schedule"],
  ["interrupted", "an interruption"],
]);

function makeVerdict(run) {
  const { data } = run;
  const valid = data.valid === true;
  const why = textOf(data.reason) || "The result does not say that it is valid.";
  const kind = LIMITS.get(data.limited_by) ?? textOf(data.limited_by);
  return make(
    "div",
    { class: `verdict ${valid ? "valid" : "refused"}`, role: "note" },
    make(
      "p",
      {},
      makeLetter(run),
      make("strong", {}, valid ? "Valid." : "Not valid."),
      " ",
      valid ? "The generator kept up, and no errors spoil the figures." : why,
    ),
    valid
      ? null
      : make(
          "p",
          { class: "hint" },
          kind ? `What spoiled it: ${kind}. ` : "",
          "These figures say little about the server and should not be quoted.",
        ),
  );
}

// A threshold's figure is in the unit of its bound: "p99<5ms".
function formatFound(figure, threshold) {
  const unit = /[<>=]\s*[\d.,]+\s*([a-z%]{1,3}(?:\/s)?)$/i.exec(textOf(threshold))?.[1] ?? "";
  return show(figure, (value) => `${formatNumber(value)} ${unit}`.trim());
}

const makeOutcome = (holds) => make("span", { class: holds ? "pass" : "fail" }, holds ? "pass" : "fail");

function makeThresholds(runs) {
  const rows = runs.flatMap((run) =>
    listOf(run.data.thresholds).map((each) => [
      withLetter(run, textOf(each.text)),
      formatFound(each.figure, each.text),
      makeOutcome(each.holds === true),
    ]),
  );
  return rows.length === 0 ? null : makeTable("Thresholds", ["Asked for", "Found", ""], rows);
}

function makeSearch(run) {
  const search = partOf(run.data.find_max);
  if (Object.keys(search).length === 0) return null;
  const ofConnections = search.of === "connections";
  const format = ofConnections ? formats.number : run.rateFormat;
  const runs =
    search.confirmed === 1 ? "one further run" : `${show(search.confirmed, formats.number)} further runs`;
  const best =
    numberOf(search.best) === null ? "No step held." : `${format(search.best)}, confirmed by ${runs}.`;
  const limit = textOf(search.limited_by).replace(/\.?$/, ".");
  const rows = listOf(search.trials).map((trial) => [
    show(trial.at, format),
    formatFound(trial.figure, search.threshold),
    makeOutcome(trial.holds === true),
    textOf(trial.reason),
  ]);
  return make(
    "div",
    { class: "search" },
    make(
      "h3",
      {},
      withLetter(
        run,
        `The ${ofConnections ? "most connections" : "highest rate"} at which ${textOf(search.threshold)} holds`,
      ),
    ),
    make(
      "p",
      {},
      make("strong", {}, best),
      limit === "." ? "" : ` What kept the next step from holding: ${limit}`,
    ),
    rows.length === 0 ? null : makeTable(null, ["At", "Found", "Held", "Why not"], rows, { label: "Trials" }),
  );
}

function showVerdicts(runs) {
  const parts = [...runs.map(makeVerdict), makeThresholds(runs), ...runs.map(makeSearch)];
  byId("verdicts").append(...parts.filter((part) => part !== null));
}
