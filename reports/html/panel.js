// The panel beside a list, and the parts that its contents are made of.

const PARTS_LISTED = 50;

class Panel {
  constructor(element, { onStep, onClose }) {
    this.element = element;
    this.content = h("div.content");
    this.title = h("h2", { id: "panel-title", tabindex: "-1" });
    const tools = h(
      "div.tools",
      null,
      tool("Previous in the list", "↑", () => onStep(-1)),
      tool("Next in the list", "↓", () => onStep(1)),
      tool("Close", "✕", onClose),
    );
    element.replaceChildren(h("div.head", null, this.title, tools), this.content);
    addEventListener("keydown", (event) => event.key === "Escape" && !element.hidden && onClose());
  }

  show({ title, parts }) {
    this.title.replaceChildren(outside(title));
    this.content.replaceChildren(...parts.flat(Infinity).filter(isShown));
    this.element.hidden = false;
    this.element.scrollTop = 0;
    this.title.focus({ preventScroll: true });
  }

  hide() {
    this.element.hidden = true;
  }
}

function tool(label, sign, onclick) {
  return h("button", { type: "button", "aria-label": label, title: label, onclick }, sign);
}

// --- parts: each is false where it has nothing to show

function section(title, ...children) {
  const shown = children.flat().filter(isShown);
  return shown.length > 0 && h("section", null, h("h3", null, title), shown);
}

// Names and values; what is unknown is left out.
function facts(pairs) {
  const known = pairs.filter(([, value]) => isShown(value) && value !== "");
  const items = known.map(([name, value]) => [h("dt", null, outside(name)), h("dd", null, content(value))]);
  return known.length > 0 && h("dl", null, items);
}

// What was built stays as it is; any other value is shown as text from outside.
function content(value, longest) {
  return value instanceof Node || Array.isArray(value) ? value : prose(String(value), longest);
}

// A longer text from outside, in which ids may break where their parts meet.
function prose(text, longest) {
  return h("bdi", null, breakable(text, longest));
}

// What `make` builds of each item, in a list; false where there is none.
function manyOf(selector, items, make) {
  const list = h(selector);
  return items.length > 0 && [list, fill(list, items, make)];
}

// Appends what `make` builds of each item. Of many only the first, and a button that asks for the rest is returned.
function fill(list, items, make) {
  const add = (some) => list.append(...some.map((item) => make(item)));
  const addRest = () => {
    add(items.slice(PARTS_LISTED));
    more.remove();
  };
  const more = h("button.more", { type: "button", onclick: addRest }, `Show all ${count(items.length)}`);
  add(items.slice(0, PARTS_LISTED));
  return items.length > PARTS_LISTED && more;
}

function smallTable(headings, rows) {
  if (!rows.length) return false;
  const head = h("tr", null, headings.map((heading) => h("th", { scope: "col" }, heading)));
  const body = h("tbody");
  const line = (cells) => h("tr", null, cells.map((cell) => h("td", null, content(cell, 18))));
  const more = fill(body, rows, line);
  return h(
    "div.scrolled",
    { tabindex: "0", role: "group", "aria-label": headings.join(", ") },
    h("table", null, h("thead", null, head), body),
    more,
  );
}

function link(kind, id, label) {
  return h("a", { href: addressOf(kind, id) }, outside(label ?? id));
}

function verdict(label, state, ...evidence) {
  const shown = evidence.flat().filter(isShown);
  const lines = shown.map((line) => (line instanceof Node ? line : h("p.evidence", null, prose(line))));
  return h("div.verdict", null, h("h4", null, label), h("div", null, h("p", null, state), lines));
}

function bullets(lines) {
  return manyOf("ul.evidence", lines, (line) => h("li", null, prose(line)));
}

function tag(label, title) {
  return h("span.tag", { title }, label);
}

function provisional() {
  return tag("provisional", "A gap hides possible matches");
}

function notRechecked() {
  return tag("not re-checked", "Its scope was not read this time; last known verdicts are shown");
}
