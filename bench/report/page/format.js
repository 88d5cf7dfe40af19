// What is read from a result, and how figures are written. A result may come from anybody: each reader
// takes anything and gives the type it is named for.

const numberOf = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
const listOf = (value) =>
  Array.isArray(value) ? value.filter((each) => each !== null && typeof each === "object") : [];
const partOf = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});

// Controls and marks of direction would hide what a text says.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const escapeUnseen = (text) => text.replace(UNSEEN, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);

function textOf(value) {
  if (value === null || value === undefined) return "";
  return escapeUnseen(typeof value === "object" ? JSON.stringify(value) : String(value));
}

const MISSING = "\u2013";
const GAP = "\u00a0"; // A figure and its unit stay on one line.
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

const formatNumber = (value) => (Math.abs(value) >= 100 ? whole : precise).format(value);

// The largest of [size, unit] that a value reaches.
function formatUnit(value, units) {
  const [size, unit] = units.find(([least]) => Math.abs(value) >= least) ?? units.at(-1);
  return `${formatNumber(value / size)}${GAP}${unit}`;
}

const DURATIONS = [
  [1e6, "s"],
  [1e3, "ms"],
  [1, "\u00b5s"],
];
const SIZES = [
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
  [1, "B"],
];

const formats = {
  number: formatNumber,
  duration: (us) => formatUnit(us, DURATIONS),
  size: (bytes) => formatUnit(bytes, SIZES),
  byteRate: (bytes) => `${formatUnit(bytes, SIZES)}/s`,
  messageRate: (rate) => `${formatNumber(rate)}/s`,
  bytes: (bytes) => `${formatNumber(bytes)}${GAP}B`,
  microseconds: (us) => `${formatNumber(us)}${GAP}\u00b5s`,
  seconds: (s) => `${formatNumber(s)}${GAP}s`,
  percent: (share) => `${formatNumber(share * 100)}${GAP}%`,
};

const show = (value, format) => (numberOf(value) === null ? MISSING : format(value));

// 90 s is read better as 1:30, once a run takes minutes.
function formatClock(seconds, most) {
  if (most <= 600) return `${formatNumber(seconds)} s`;
  const two = (n) => String(Math.floor(n)).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = (seconds % 3600) / 60;
  return `${hours ? `${hours}:${two(minutes)}` : Math.floor(minutes)}:${two(seconds % 60)}`;
}

function formatRatio(a, b) {
  if (!numberOf(a) || numberOf(b) === null) return null;
  const ratio = b / a;
  return `${ratio > 0.1 && ratio < 100 ? ratio.toFixed(2) : formatNumber(ratio)} \u00d7`;
}

// One word of a command as a shell takes it. What cannot be seen is written out, so that what is pasted
// is what was read.
function quoteWord(word) {
  const text = String(word);
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (text.search(UNSEEN) < 0) return `'${text.replaceAll("'", "'\\''")}'`;
  const code = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `$'${text.replace(/[\\']/g, "\\$&").replace(UNSEEN, code)}'`;
}

const quoteCommand = (words) => (Array.isArray(words) ? words : []).map(quoteWord).join(" ");
