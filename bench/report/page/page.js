// Draws the page from the results embedded in it, and says how that went, for tests.

const { dataset } = document.documentElement;
const fail = (what) => {
  dataset.state = `failed: ${what}`;
};
addEventListener("error", (event) => fail(event.message));
addEventListener("unhandledrejection", (event) => fail(event.reason));
document.addEventListener("securitypolicyviolation", (event) =>
  fail(`${event.violatedDirective} was violated`),
);

function showPage() {
  const results = JSON.parse(byId("results").textContent);
  const runs = results.map((result, i) => makeRun(result, i, results.length));
  showHead(runs);
  showVerdicts(runs);
  showFigures(runs);
  showCharts(runs);
  showLatency(runs);
  showSetting(runs);
  showData(runs);
}

showPage();
dataset.state ??= "drawn";
