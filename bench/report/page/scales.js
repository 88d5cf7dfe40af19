// The scales of the charts: each has what uPlot wants for a scale and its axis, and how a value is written.

// Seconds, cut as clocks are.
const TIME_STEPS = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400,
];
const SIZE_STEPS = Array.from({ length: 50 }, (_, i) => 2 ** i);

const TIME = {
  scale: { time: false, range: (u, min, max) => (max > min ? [min, max] : [0, (max ?? 0) + 1]) },
  axis: { incrs: TIME_STEPS, values: (u, splits) => splits.map((at) => formatClock(at, splits.at(-1))) },
  format: (at) => `at ${formatClock(at, at)}`,
  sync: "time",
};

function nameOfPercentile(place) {
  const percent = 100 - 100 / place;
  return `${percent.toFixed(Math.max(0, Math.round(Math.log10(place)) - 2))} %`;
}

// Every power of ten is a nine more; 50 % is named where there is room.
function percentileSplits(u, axis, min, max) {
  const nines = Array.from({ length: 13 }, (_, i) => 10 ** i).filter(
    (place) => place >= min * 0.999 && place <= max,
  );
  const room = u.bbox.width / devicePixelRatio / Math.log10(max / min);
  if (room < 72) return nines.filter((_, i) => i % 2 === 0);
  return room > 110 && min <= 2 && max >= 2 ? [...nines, 2].sort((a, b) => a - b) : nines;
}

const PERCENTILE = {
  scale: { time: false, distr: 3, log: 10, range: (u, min, max) => (max > min ? [min, max] : [1, 10]) },
  axis: {
    splits: percentileSplits,
    filter: (u, splits) => splits,
    values: (u, splits) => splits.map(nameOfPercentile),
  },
  format: (place) => `at ${Number((100 - 100 / place).toPrecision(7))} %`,
  sync: null,
};

const linear = (format, axis = {}) => ({
  format,
  scale: { range: (u, min, max) => [0, max > 0 ? uPlot.rangeNum(0, max, 0.1, true)[1] : 1] },
  axis,
});

// Some room above and below, and nearly a power of ten at least, so that noise does not fill the chart. uPlot
// wants the lower end to be a whole multiple of its power of ten.
function rangeLatency(min, max) {
  const middle = Math.sqrt(min * max);
  const [low] = uPlot.rangeLog(Math.min(min * 0.8, middle / 3), max, 10, false);
  return [low, Math.max(max * 1.3, middle * 3)];
}

const logarithmic = (format) => ({
  format,
  scale: { distr: 3, log: 10, range: (u, min, max) => (max > 0 ? rangeLatency(min, max) : [1, 10]) },
  axis: {},
});
