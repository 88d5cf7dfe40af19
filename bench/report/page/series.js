// What the charts draw: lines, each {run, label, shade, x, y}. Shades go from 1 to 4, the last the
// strongest. A y of null is a gap.

const hasFigures = (line) => line.y.some((value) => value !== null);

function timelineOf(run) {
  const rows = listOf(run.data.timeline).filter((row) => numberOf(row.at_s) !== null);
  return rows.sort((a, b) => a.at_s - b.at_s);
}

// Rows are a hair longer or shorter than a second; a run begins at 0 all the same.
function beginOf([first]) {
  const span = numberOf(first.span_s) ?? 0;
  const begin = first.at_s - span;
  return begin < span / 100 ? Math.min(0, begin) : begin;
}

// A row tells of the time before it, so the line begins where the first row's time does.
function lineOverTime(run, label, shade, key, accept = numberOf) {
  const rows = timelineOf(run);
  const y = rows.map((row) => accept(row[key]));
  if (rows.length === 0) return { run, label, shade, x: [], y };
  return { run, label, shade, x: [beginOf(rows), ...rows.map((row) => row.at_s)], y: [y[0], ...y] };
}

// A logarithmic scale has no place for 0.
const positive = (value) => (numberOf(value) > 0 ? value : null);

const throughputLines = (runs) => runs.map((run) => lineOverTime(run, "rate", 2, "rate"));

const latencyLines = (runs) =>
  runs.flatMap((run) =>
    ["p50", "p90", "p99", "max"].map((name, i) => lineOverTime(run, name, i + 1, `${name}_us`, positive)),
  );

const cpuLines = (runs) =>
  runs.flatMap((run) => [
    lineOverTime(run, "server", 3, "server_cpu_share"),
    lineOverTime(run, "generator", 1, "generator_cpu_share"),
  ]);

const errorLines = (runs) => runs.map((run) => lineOverTime(run, "errors", 2, "errors"));

const connectionLines = (runs) => runs.map((run) => lineOverTime(run, "connections", 2, "connections"));

// Whether a line is worth a chart: not if it says one thing all the time.
const varies = (line) => new Set(line.y).size > 1;

const memoryLines = (runs) => runs.map((run) => lineOverTime(run, "server", 2, "server_memory_bytes"));

// The curve of HdrHistogram: at percentile p one message in 1/(1-p) takes longer. The last step, 100 %, has
// no such place; one in all of them is the nearest.
function percentileLine(run) {
  const line = { run, label: "latency", shade: 2, x: [], y: [] };
  const steps = listOf(run.data.percentiles).filter((step) => numberOf(step.percentile) >= 0);
  for (const step of steps.sort((a, b) => a.percentile - b.percentile)) {
    const last = line.x.at(-1) ?? 0;
    const place =
      step.percentile < 100
        ? 1 / (1 - step.percentile / 100)
        : Math.max(last * 1.01, numberOf(step.count) ?? 1);
    if (place <= last) continue;
    line.x.push(place);
    line.y.push(positive(step.us));
  }
  return line;
}

// The range of a line in words, for who cannot see it.
function describeLine(line, format) {
  const values = line.y.filter((value) => value !== null);
  const [least, most] = values.reduce(
    ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
    [Infinity, -Infinity],
  );
  return `${nameOfLine(line)} from ${show(least, format)} to ${show(most, format)}`;
}

const nameOfLine = ({ run, label }) => (run.letter ? `${run.letter} ${label}` : label);
