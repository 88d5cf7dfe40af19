// A chart, by uPlot. Colours are those of page.css, read when something is drawn, so that a change of
// scheme is a redraw.

const CHART_HEIGHT = 220;
const TALL_HEIGHT = 300;
const PAPER_WIDTH = 680;
const FONT = "12px system-ui, sans-serif";
const NAMES_FROM = 560; // Narrower charts have no names at the ends of lines; the legend has them.
const NAMES_APART = 14;

const plots = [];
const styles = getComputedStyle(document.documentElement);
const colour = (name) => styles.getPropertyValue(`--${name}`).trim();
const shadeName = ({ run, shade }) => `${run.key}${shade}`;

// The index of a line's last value that is drawn, or -1.
function lastInView(u, series) {
  const [first, last] = u.series[0].idxs ?? [0, -1];
  const values = u.data[series].slice(0, last + 1);
  const at = values.findLastIndex((value) => value != null);
  return at < first ? -1 : at;
}

// Names the lines at their right ends, moved apart where they would lie on each other.
function drawNames(u, lines) {
  if (u.width < NAMES_FROM) return;
  const scale = devicePixelRatio;
  const ends = lines
    .map((line, i) => ({ line, at: lastInView(u, i + 1), i: i + 1 }))
    .filter(({ at, i }) => at >= 0 && u.series[i].show)
    .map(({ line, at, i }) => ({ line, y: u.valToPos(u.data[i][at], "y", true) }))
    .sort((a, b) => a.y - b.y);
  ends.forEach((end, i) => {
    if (i > 0) end.y = Math.max(end.y, ends[i - 1].y + NAMES_APART * scale);
  });
  const over = ends.length === 0 ? 0 : Math.max(0, ends.at(-1).y - (u.bbox.top + u.bbox.height));
  u.ctx.save();
  u.ctx.font = FONT.replace(/^\d+/, (size) => size * scale);
  u.ctx.textAlign = "left";
  u.ctx.textBaseline = "middle";
  u.ctx.fillStyle = colour("text");
  for (const { line, y } of ends) {
    u.ctx.fillText(nameOfLine(line), u.bbox.left + u.bbox.width + 8 * scale, y - over);
  }
  u.ctx.restore();
}

function seriesOf(line, stepped) {
  return {
    label: nameOfLine(line),
    stroke: () => colour(shadeName(line)),
    width: 2,
    dash: line.run.key === "b" ? [7, 4] : undefined,
    paths: stepped ? uPlot.paths.stepped({ align: -1 }) : uPlot.paths.linear(),
    points: { show: false },
  };
}

// The same for all charts where there is room, so that their times are below each other.
function sizeOfLabels(u, values) {
  const longest = Math.max(0, ...(values ?? []).map((value) => (value ?? "").length));
  return Math.max(u.width < NAMES_FROM ? 0 : 68, 16 + 7 * longest);
}

function axisOf(own, side) {
  return {
    stroke: () => colour("muted"),
    grid: {
      stroke: () => colour("grid"),
      width: 1,
      filter: (u, splits, i, ...rest) => u.axes[i].filter(u, splits, i, ...rest),
    },
    ticks: { stroke: () => colour("grid"), width: 1, size: 4 },
    font: FONT,
    size: side === "y" ? sizeOfLabels : 32,
    ...own,
  };
}

function optionsOf({ lines, x, y, stepped, height = CHART_HEIGHT }, hooks) {
  const roomForNames = lines[0].run.letter === "" ? 80 : 94;
  return {
    width: PAPER_WIDTH,
    height,
    padding: [12, (u) => (u.width < NAMES_FROM ? 16 : roomForNames), 0, 0],
    legend: { show: false },
    cursor: { y: false, sync: x.sync ? { key: x.sync } : undefined, points: { size: 7 } },
    scales: { x: x.scale, y: y.scale },
    axes: [
      axisOf(x.axis, "x"),
      axisOf({ values: (u, splits) => splits.map((v) => (v === null ? "" : y.format(v))), ...y.axis }, "y"),
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, stepped))],
    hooks,
  };
}

// A button that shows the value of a line under the cursor, and hides the line.
function makeEntry(line) {
  const value = make("span", { class: "value" });
  const sample = make("span", { class: `sample ${line.run.key}` });
  sample.style.setProperty("--shade", `var(--${shadeName(line)})`);
  const pressed = { type: "button", "aria-pressed": "true" };
  return { line, value, button: make("button", pressed, sample, nameOfLine(line), value) };
}

// A row of buttons for each run.
function makeLegend({ lines, x, y }) {
  const place = make("span", { class: "place" });
  const entries = lines.map(makeEntry);
  const rows = [...new Set(lines.map((line) => line.run))].map((run) =>
    make("div", {}, ...entries.filter(({ line }) => line.run === run).map(({ button }) => button)),
  );
  const short = rows.length === lines.length;
  rows.at(short ? -1 : 0).append(place);
  const follow = (u) => {
    const { idx, idxs } = u.cursor;
    place.textContent = idx == null ? "" : x.format(u.data[0][idx]);
    entries.forEach(({ value }, i) => {
      const at = idxs?.[i + 1];
      value.textContent = idx == null || at == null ? "" : show(u.data[i + 1][at], y.format);
    });
  };
  return { element: make("div", { class: short ? "legend short" : "legend" }, ...rows), entries, follow };
}

function toggleOnClick(plot, entries) {
  entries.forEach(({ button }, i) =>
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      plot.setSeries(i + 1, { show: shown });
    }),
  );
}

// chart: {id, title, note, lines, x, y, stepped, height}; what it has no figures for is left out.
function addChart(chart) {
  const lines = chart.lines.filter(hasFigures);
  const figure = make(
    "figure",
    { id: chart.id, "data-series": String(lines.length) },
    make("figcaption", {}, make("h3", {}, chart.title), make("p", { class: "hint" }, chart.note)),
  );
  byId("charts").append(figure);
  if (lines.length === 0) {
    figure.append(make("p", { class: "nothing" }, "There are no figures to draw."));
    return;
  }
  const drawn = { ...chart, lines };
  const legend = makeLegend(drawn);
  const words = lines.map((line) => describeLine(line, chart.y.format)).join("; ");
  const place = make("div", { class: "plot", role: "img", "aria-label": `${chart.title}: ${words}.` });
  figure.append(place, legend.element);
  const hooks = { setCursor: [legend.follow], draw: [(u) => drawNames(u, lines)] };
  const plot = new uPlot(optionsOf(drawn, hooks), uPlot.join(lines.map(({ x, y }) => [x, y])), place);
  toggleOnClick(plot, legend.entries);
  plots.push({ plot, place });
}

const fit = (width = null) =>
  plots.forEach(({ plot, place }) =>
    plot.setSize({ width: width ?? Math.max(240, place.clientWidth), height: plot.height }),
  );
const redraw = () => plots.forEach(({ plot }) => plot.redraw(false, true));

function followPage() {
  fit();
  addEventListener("resize", () => fit());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.paper = "";
    fit(PAPER_WIDTH);
    redraw();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.paper;
    fit();
    redraw();
  });
}
