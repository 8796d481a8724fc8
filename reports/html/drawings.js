// Drawings in an identity's panel. Its credentials over time and what it is linked with say only what a table beside them says
// in words, so they are hidden from a screen reader and take no keyboard focus. The attack paths are there for everyone.

const CREDENTIALS_DRAWN = 12;
const NEIGHBOURS_DRAWN = 6;
const YEAR = 365 * 24 * 60;
const WIDE = 540;
const NODE = { width: 168, height: 40, gap: 16, step: 58 };
const LETTER = 6.4; // pixels of a letter, on average

// A line from when each credential was made until it ends, with a tick for its last use and a line for the scan.
function timeline(credentials, now) {
  const drawn = credentials.filter(({ created, last_used }) => created !== null || last_used !== null);
  if (!drawn.length) return false;
  const rows = drawn.slice(0, CREDENTIALS_DRAWN);
  const starts = rows.map(({ created, last_used }) => created ?? last_used);
  const ends = rows.map(({ expires }) => expires ?? now).filter((end) => end < now + 2 * YEAR);
  const from = Math.min(...starts, now - YEAR / 4);
  const until = Math.max(...ends, now) + (now - from) / 8;
  const x = (minutes) => (WIDE * (Math.min(Math.max(minutes, from), until) - from)) / (until - from);
  const height = 16 * rows.length + 22;
  const lines = rows.map((credential, at) => lifeOf(credential, x, 16 * at + 10, now, until));
  const today = [
    svg("line", { class: "today", x1: x(now), x2: x(now), y1: 0, y2: height - 16 }),
    svg("text", { class: "today", x: x(now), y: height - 4, "text-anchor": "middle" }, "scan"),
  ];
  const left = drawn.length - rows.length;
  const more = left > 0 ? `; ${count(left)} more in the table` : "";
  return [
    drawing(height, "timeline", yearsOf(from, until, x, x(now), height), lines, today),
    h("p.legend", { "aria-hidden": "true" }, `● made, ▮ last used, | expires, › never expires${more}`),
  ];
}

function lifeOf({ created, expires, never_expires, last_used, enabled, age }, x, y, now, until) {
  const ended = expires !== null && expires <= now;
  const looks = enabled === false || ended ? "quiet" : tone("age", age);
  const end = expires ?? (never_expires ? until : now);
  return svg(
    "g",
    { class: `tone-${looks}` },
    created !== null && svg("line", { class: "life", x1: x(created), x2: x(end), y1: y, y2: y }),
    created !== null && svg("circle", { cx: x(created), cy: y, r: 4 }),
    expires !== null && svg("line", { class: "end", x1: x(end), x2: x(end), y1: y - 5, y2: y + 5 }),
    never_expires && svg("path", { class: "end", d: `M ${WIDE - 6} ${y - 4} l 5 4 l -5 4` }),
    last_used !== null && svg("rect", { class: "use", x: x(last_used) - 2, y: y - 5, width: 4, height: 10 }),
  );
}

// The turns of years that have room for their number.
function yearsOf(from, until, x, today, height) {
  const year = (minutes) => new Date(minutes * 60000).getUTCFullYear();
  const [first, last] = [year(from) + 1, year(until)];
  const every = Math.max(1, Math.ceil((last - first + 1) / 8));
  const marks = [];
  for (let turn = first; turn <= last; turn += every) {
    const at = x(Date.UTC(turn, 0) / 60000);
    const named = at > 14 && at < WIDE - 14 && Math.abs(at - today) > 34;
    marks.push(
      named && svg("line", { class: "year", x1: at, x2: at, y1: 0, y2: height - 16 }),
      named && svg("text", { x: at, y: height - 4, "text-anchor": "middle" }, String(turn)),
    );
  }
  return marks;
}

// What leads to an identity at the left, where it leads at the right. Each end: { label, relation, go or null }.
function neighbourhood(name, before, after) {
  if (!before.length && !after.length) return false;
  const rows = Math.max(Math.min(before.length, NEIGHBOURS_DRAWN + 1), Math.min(after.length, NEIGHBOURS_DRAWN + 1), 2);
  const height = 34 * rows;
  const middle = height / 2;
  const centre = [
    svg("rect", { class: "centre", x: 205, y: middle - 13, width: 130, height: 26, rx: 6 }),
    svg("text", { class: "centre", x: 270, y: middle + 4, "text-anchor": "middle" }, cut(name, 18)),
  ];
  return drawing(height, "graph", sideOf(before, height, middle, true), sideOf(after, height, middle, false), centre);
}

function sideOf(ends, height, middle, left) {
  const shown = ends.slice(0, NEIGHBOURS_DRAWN);
  const more = ends.length - shown.length;
  const all = more > 0 ? [...shown, { label: `and ${count(more)} more`, relation: "", go: null }] : shown;
  return all.map(({ label, relation, go }, at) => {
    const y = (height * (at + 0.5)) / all.length;
    const [edge, text, anchor] = left ? [205, 0, "start"] : [335, WIDE, "end"];
    const near = left ? 150 : WIDE - 150;
    const bend = (edge + near) / 2;
    return svg(
      "g",
      { class: go && "open", onclick: () => go?.() },
      svg("title", null, `${relation} ${label}`),
      svg("rect", { class: "ground", x: left ? 0 : near, y: y - 14, width: 150, height: 30 }),
      svg("path", { class: "edge", d: `M ${near} ${y} C ${bend} ${y} ${bend} ${middle} ${edge} ${middle}` }),
      svg("text", { x: text, y: y + 1, "text-anchor": anchor }, cut(label, 22)),
      svg("text", { class: "relation", x: text, y: y + 12, "text-anchor": anchor }, relation),
    );
  });
}

function cut(text, most) {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join("")}…`;
}

function drawing(height, name, ...children) {
  return svg("svg", { viewBox: `0 0 ${WIDE} ${height}`, class: name, "aria-hidden": "true" }, children);
}

// --- attack paths

const overlap = (one, other) =>
  one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height;
const onPathLast = (one, other) => one.classList.contains("onpath") - other.classList.contains("onpath");

// A drawing that starts with a path and grows: a node opens what is next to it, stays when it is pinned, and leads to its
// identity. Levels stand below each other: what can become the start above it, what it can become below. `nodes` are
// { key, name, note, admin, href }, `edges` { from, to, relation, evidence, conditional }, `path` the keys of the path, empty
// if there is none. expand(key) gives the nodes and edges next to a node, and how many more there are, or a promise of them.
class PathDrawing {
  constructor({ start, nodes, edges, path, more, expand }) {
    Object.assign(this, { start, path, expand, active: start });
    this.nodes = new Map();
    this.edges = new Map();
    this.opened = new Set(path.length > 1 ? [] : [start]);
    this.pinned = new Set();
    this.left = new Map([[start, more]]);
    this.add({ nodes, edges });
    this.figure = h("div.drawn", { role: "group", "aria-label": "Attack paths, drawn" });
    this.figure.addEventListener("keydown", (event) => this.key(event));
    this.about = h("div.about");
    this.said = h("p.unseen", { role: "status" });
    this.element = h("div.attack", null, this.figure, h("p.legend", null, "── certain, ╌╌ if: only under a condition"), this.about, this.said);
    this.draw();
    new ResizeObserver(() => this.resized()).observe(this.figure);
  }

  add({ nodes, edges }) {
    for (const node of nodes) if (!this.nodes.has(node.key)) this.nodes.set(node.key, node);
    for (const edge of edges) {
      for (const key of [edge.from, edge.to]) {
        if (!this.nodes.has(key)) this.nodes.set(key, { key, name: lastPart(key), note: "", admin: false, href: null });
      }
      const id = JSON.stringify([edge.from, edge.to]);
      const known = this.edges.get(id);
      if (edge.from !== edge.to && (!known || (known.conditional && !edge.conditional))) this.edges.set(id, edge);
    }
  }

  resized() {
    if (this.figure.clientWidth !== this.wide) this.draw();
  }

  // --- what is shown

  // The first neighbours of a node in each direction, and how many more there are.
  neighbours(key) {
    const every = [...this.edges.values()];
    const sides = [every.filter(({ from }) => from === key), every.filter(({ to }) => to === key)];
    const shown = sides.flatMap((side) => side.slice(0, NEIGHBOURS_DRAWN));
    const left = sides[0].length + sides[1].length - shown.length + (this.left.get(key) ?? 0);
    return { ends: shown.map(({ from, to }) => (from === key ? to : from)), left };
  }

  shown() {
    const near = [...this.opened].flatMap((key) => this.neighbours(key).ends);
    return new Set([this.start, ...this.path, ...this.pinned, ...this.opened, ...near]);
  }

  // Levels of keys: the start has the number 0, what leads to it negative ones.
  levels(shown, edges) {
    const level = new Map([[this.start, 0]]);
    for (const [end, other, by] of [["from", "to", 1], ["to", "from", -1]]) {
      for (const key of level.keys()) {
        for (const edge of edges) {
          if (edge[end] === key && !level.has(edge[other])) level.set(edge[other], level.get(key) + by);
        }
      }
    }
    const numbers = [...new Set(level.values())].sort((one, other) => one - other);
    const rows = numbers.map((number) => [...shown].filter((key) => level.get(key) === number));
    const apart = [...shown].filter((key) => !level.has(key));
    return apart.length ? [...rows, apart] : rows;
  }

  // --- drawing

  draw() {
    this.wide = this.figure.clientWidth || WIDE;
    const shown = this.shown();
    const edges = [...this.edges.values()].filter(({ from, to }) => shown.has(from) && shown.has(to));
    const { places, height } = this.placed(this.levels(shown, edges));
    this.order = [...places.keys()];
    if (!places.has(this.active)) this.active = this.start;
    const hadFocus = this.figure.contains(document.activeElement);
    const labels = this.labels(edges, places);
    this.figure.replaceChildren(
      svg(
        "svg",
        { viewBox: `0 0 ${this.wide} ${height}`, width: this.wide, height },
        edges.map((edge) => this.edge(edge, places, labels.get(edge))).sort(onPathLast),
        [...places].map(([key, place]) => this.node(key, place)),
      ),
    );
    if (hadFocus) this.focus();
    this.describe(edges);
  }

  // As many nodes beside each other as there is room for.
  placed(levels) {
    const { width, height, gap, step } = NODE;
    const most = Math.max(1, Math.floor((this.wide + gap) / (width + gap)));
    const places = new Map();
    let y = 2;
    for (const keys of levels) {
      keys.forEach((key, at) => places.set(key, { x: 2 + (at % most) * (width + gap), y: y + Math.floor(at / most) * (height + gap) }));
      y += Math.ceil(keys.length / most) * (height + gap) - gap + step;
    }
    return { places, height: y - step + height - NODE.height + 4 };
  }

  edge({ from, to, evidence, conditional }, places, label) {
    const [start, end] = [places.get(from), places.get(to)];
    const middle = (place) => place.x + Math.min(NODE.width, this.wide - 4) / 2;
    const down = end.y > start.y;
    const [x1, y1, x2, y2] = [middle(start), start.y + (down ? NODE.height : 0), middle(end), end.y + (down ? 0 : NODE.height)];
    const bend = Math.max(20, Math.abs(y2 - y1) / 2) * (down ? 1 : -1);
    const step = this.stepOf(from, to);
    const tip = down ? `M ${x2 - 5} ${y2 - 8} L ${x2} ${y2} L ${x2 + 5} ${y2 - 8}` : `M ${x2 - 5} ${y2 + 8} L ${x2} ${y2} L ${x2 + 5} ${y2 + 8}`;
    return svg(
      "g",
      { class: [step >= 0 && "onpath", conditional && "conditional"].filter(Boolean).join(" "), "aria-hidden": "true" },
      svg("title", null, evidence),
      svg("path", { class: "edge", d: `M ${x1} ${y1} C ${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}` }),
      svg("path", { class: "tip", d: tip }),
      label,
    );
  }

  // Which step of the path an edge is, from 0; -1 for none.
  stepOf(from, to) {
    return this.path.findIndex((key, at) => key === from && this.path[at + 1] === to);
  }

  // What stands at edges: the number of a step with its evidence, and whether it is conditional. A label that would lie on
  // another one or on a node moves up or down, is shortened to its number, or is left to the list.
  labels(edges, places) {
    const taken = [...places.values()].map(({ x, y }) => ({ x, y, width: NODE.width, height: NODE.height }));
    const byStep = [...edges].sort((one, other) => this.stepOf(other.from, other.to) - this.stepOf(one.from, one.to));
    const labels = new Map();
    for (const edge of byStep) {
      const { from, to, evidence, conditional } = edge;
      const step = this.stepOf(from, to);
      const short = [step >= 0 && `${step + 1}.`, conditional && "if"].filter(Boolean).join(" ");
      if (!short) continue;
      const [start, end] = [places.get(from), places.get(to)];
      const x = (start.x + end.x) / 2 + Math.min(NODE.width, this.wide - 4) / 2 + 8;
      const y = (start.y + end.y + NODE.height) / 2;
      const whole = step >= 0 && evidence ? cut(`${short} ${evidence}`, Math.floor((this.wide - x - 4) / LETTER)) : short;
      for (const [text, by] of [whole, short].flatMap((text) => [0, 12, -12].map((by) => [text, by]))) {
        const box = { x, y: y + by - 8, width: text.length * LETTER, height: 11 };
        if (taken.some((other) => overlap(box, other))) continue;
        taken.push(box);
        labels.set(edge, svg("text", { x, y: y + by + 2 }, text));
        break;
      }
    }
    return labels;
  }

  node(key, { x, y }) {
    const { name, note, admin } = this.nodes.get(key);
    const width = Math.min(NODE.width, this.wide - 4);
    const states = [key === this.start && "start", admin && "admin", this.pinned.has(key) && "pinned"].filter(Boolean);
    return svg(
      "g",
      {
        class: ["node", ...states].join(" "),
        role: "button",
        tabindex: key === this.active ? 0 : -1,
        "data-key": key,
        "aria-expanded": String(this.opened.has(key)),
        "aria-label": [name, note, ...states].filter(Boolean).join(", "),
        onclick: () => this.choose(key),
        onfocus: () => this.look(key),
      },
      svg("title", null, key),
      svg("rect", { x, y, width, height: NODE.height, rx: 6 }),
      svg("text", { x: x + 10, y: y + 17, class: "name" }, cut(name, Math.floor((width - 34) / 7))),
      svg("text", { x: x + 10, y: y + 32 }, cut(admin ? `admin · ${note}` : note, Math.floor((width - 16) / LETTER))),
      svg("text", { x: x + width - 10, y: y + 17, "text-anchor": "end" }, `${this.pinned.has(key) ? "◆ " : ""}${this.opened.has(key) ? "−" : "+"}`),
    );
  }

  // --- what one does with it

  key(event) {
    const at = this.order.indexOf(this.active);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: this.order.length - 1 }[event.key];
    if (to !== undefined) this.look(this.order[Math.min(Math.max(to, 0), this.order.length - 1)]);
    else if (event.key === "Enter" || event.key === " ") this.toggle(this.active);
    else if (event.key === "p") this.pin(this.active);
    else return;
    event.preventDefault();
    this.focus();
  }

  focus() {
    [...this.figure.querySelectorAll(".node")].find((node) => node.dataset.key === this.active)?.focus();
  }

  look(key) {
    if (key === this.active) return;
    this.active = key;
    for (const node of this.figure.querySelectorAll(".node")) node.setAttribute("tabindex", node.dataset.key === key ? 0 : -1);
    this.describe();
  }

  choose(key) {
    this.look(key);
    return this.toggle(key);
  }

  async toggle(key) {
    const { name } = this.nodes.get(key);
    if (this.opened.delete(key)) {
      this.said.textContent = `Neighbours of ${name} closed`;
    } else {
      let found;
      try {
        found = await this.expand(key);
      } catch {
        this.about.append(h("p", { role: "alert" }, `The neighbours of ${name} could not be read.`));
        return;
      }
      this.add(found);
      this.left.set(key, found.more);
      this.opened.add(key);
      this.said.textContent = `Neighbours of ${name} opened`;
    }
    this.draw();
  }

  pin(key) {
    if (!this.pinned.delete(key)) this.pinned.add(key);
    this.said.textContent = `${this.nodes.get(key).name} ${this.pinned.has(key) ? "pinned" : "no longer pinned"}`;
    this.draw();
  }

  // The active node in words: its steps with their evidence, and what can be done with it.
  describe(edges = [...this.edges.values()].filter(({ from, to }) => this.order.includes(from) && this.order.includes(to))) {
    const { key, name, note, href } = this.nodes.get(this.active);
    const words = ({ from, to, relation, evidence, conditional }) => {
      const [verb, other] = from === key ? [RELATIONS[relation][0], to] : [RELATIONS[relation][1], from];
      const maybe = conditional && h("b", null, " under a condition");
      return h("li", null, `${verb} `, outside(this.nodes.get(other).name), maybe, evidence && ": ", prose(evidence));
    };
    const { left } = this.neighbours(key);
    const button = (label, onclick) => h("button.copy", { type: "button", onclick }, label);
    const parts = [
      h("p", null, h("b", null, outside(name)), " ", h("span.quiet", null, outside(note))),
      h("ul.evidence", null, edges.filter(({ from, to }) => from === key || to === key).map(words)),
      this.opened.has(key) && left > 0 && h("p.quiet", null, `${count(left)} more ${left === 1 ? "neighbour is" : "neighbours are"} not drawn.`),
      h(
        "p.tags",
        null,
        button(this.opened.has(key) ? "Close neighbours" : "Open neighbours", () => this.toggle(key)),
        button(this.pinned.has(key) ? "Unpin" : "Pin", () => this.pin(key)),
        href && key !== this.start && h("a", { href }, "Go to ", outside(name)),
      ),
    ];
    this.about.replaceChildren(...parts.filter(isShown));
  }
}
