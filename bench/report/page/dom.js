// Elements, made without markup: text is only ever set as text.

// make("p", {class: "hint"}, "text", other): attributes that are null are left out.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const byId = (id) => document.getElementById(id);

// A table of texts or elements. The first cell of a row is its heading.
function makeTable(caption, head, rows, { label = null } = {}) {
  const cell = (name, scope) => (content) => make(name, { scope }, content);
  const body = rows.map(([first, ...others]) =>
    make("tr", {}, cell("th", "row")(first), ...others.map(cell("td", null))),
  );
  const table = make(
    "table",
    { "aria-label": label },
    caption === null ? null : make("caption", {}, caption),
    make(
      "thead",
      {},
      make("tr", {}, ...head.map((title) => (title === "" ? make("td") : cell("th", "col")(title)))),
    ),
    make("tbody", {}, ...body),
  );
  return make("div", { class: "scroll" }, table);
}

// The letter of a run, when there are two: in its colour, in a shape of its own.
function makeLetter(run) {
  return run.letter === "" ? null : make("span", { class: `letter ${run.key}` }, run.letter);
}

// "p99" with the letter of the run before it.
const withLetter = (run, text) => make("span", {}, makeLetter(run), text);

function makeCopyButton(source) {
  const button = make("button", { type: "button", class: "copy screen-only" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl-C";
    }
  });
  return button;
}

function makeCode(text) {
  const code = make("code", {}, text);
  return make("div", { class: "code" }, make("pre", { tabindex: "0" }, code), makeCopyButton(code));
}
