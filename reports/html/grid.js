// A table of any length of which only the rows in sight exist, scrolled with the page and used by mouse or keyboard.

const MARGIN_ROWS = 8;
const TALLEST = 15_000_000; // pixels that every browser can still lay out; beyond, rows share them
const PRINTED_ROWS = 1_000;
const PASSED = 40; // milliseconds that rows without their values are in sight until these are asked for

class Grid {
  // A row below 0 is a group: -1 the first of `groups`.
  constructor(table, { onOpen, onSort }) {
    this.table = table;
    this.head = table.tHead;
    this.body = table.tBodies[0];
    this.onOpen = onOpen;
    this.onSort = onSort;
    this.rows = [];
    this.columns = [];
    this.active = 0;
    this.drawn = new Map(); // the rows that exist, by their place
    this.above = spacer();
    this.below = spacer();
    this.height = 40;
    table.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => this.click(event));
    addEventListener("scroll", () => this.draw(), { passive: true });
    addEventListener("resize", () => this.resized());
    addEventListener("beforeprint", () => this.print());
    addEventListener("afterprint", () => this.draw());
  }

  // columns: [{ name, label, className, cell(data, row) → children }]
  setColumns(columns, label) {
    this.columns = columns;
    this.sort = undefined; // so that the next heading is drawn whatever it says
    this.table.setAttribute("aria-label", label);
    this.table.setAttribute("aria-colcount", columns.length);
  }

  setHead(sort) {
    if (sort === this.sort) return;
    this.sort = sort;
    const headings = this.columns.map((column) => this.heading(column, sort));
    this.head.replaceChildren(h("tr", { "aria-rowindex": 1 }, headings));
  }

  heading({ name, label, className }, sort) {
    const direction = sort?.name === name ? (sort.descending ? "descending" : "ascending") : "none";
    const arrow = { ascending: "↑", descending: "↓", none: "" }[direction];
    const sign = h("span", { "aria-hidden": "true" }, arrow);
    const button = h("button", { type: "button", onclick: () => this.onSort(name) }, label, sign);
    return h(`th.${className}`, { scope: "col", "aria-sort": direction, "data-column": name }, button);
  }

  focusHeading(name) {
    this.head.querySelector(`[data-column=${name}] button`).focus();
  }

  // Rows of `data`, a Table. groups: of a row that is a group its cells, { column: children }; a cell takes the columns
  // after it that have none.
  show(data, rows, groups = null, active = 0) {
    const top = this.bodyTop; // measured before the page changes, or the browser lays it out twice
    this.data = data;
    this.rows = rows;
    this.groups = groups;
    this.active = active;
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.drawn.clear();
    this.body.replaceChildren(this.above, this.below);
    this.draw(top);
  }

  // Pixels of page for a pixel of table: 1 until the table is too tall to exist.
  get scale() {
    return Math.max(1, (this.rows.length * this.height) / TALLEST);
  }

  get bodyTop() {
    return this.head.getBoundingClientRect().height + this.table.getBoundingClientRect().top + scrollY;
  }

  draw(top = this.bodyTop) {
    const total = this.rows.length;
    const above = Math.max(0, scrollY - top) * this.scale;
    const inSight = Math.ceil(innerHeight / this.height);
    const first = Math.max(0, Math.min(Math.floor(above / this.height), total - inSight) - MARGIN_ROWS);
    const last = Math.min(total, first + inSight + 2 * MARGIN_ROWS);
    this.fill(first, last);
  }

  // Rows that stay keep their elements, so that a click that began on one ends on it.
  fill(first, last) {
    for (const [at, element] of this.drawn) {
      if (at >= first && at < last) continue;
      element.remove();
      this.drawn.delete(at);
    }
    let before = this.above;
    for (let at = first; at < last; at++) {
      if (!this.drawn.has(at)) {
        this.drawn.set(at, this.row(at));
        before.after(this.drawn.get(at));
      }
      before = this.drawn.get(at);
    }
    this.space(this.above, first / this.scale);
    this.space(this.below, (this.rows.length - first) / this.scale - (last - first));
    this.markActive();
    this.askForWaiting(this.rows.slice(first, last).filter((row) => row >= 0));
  }

  // What is scrolled past is not asked for.
  askForWaiting(rows) {
    clearTimeout(this.asking);
    if (rows.every((row) => this.data.has(row))) return;
    const { data } = this;
    this.asking = setTimeout(() => data.fetched(rows)?.then(() => data === this.data && this.fillWaiting()), PASSED);
  }

  // Rows whose values have arrived take the place of their placeholders.
  fillWaiting() {
    for (const [at, element] of this.drawn) {
      if (!element.classList.contains("waiting") || !this.data.has(this.rows[at])) continue;
      this.drawn.set(at, this.row(at));
      element.replaceWith(this.drawn.get(at));
    }
    this.markActive();
  }

  space(spacer, rows) {
    spacer.hidden = rows <= 0;
    spacer.firstChild.style.height = `${Math.max(0, rows) * this.height}px`;
  }

  row(at) {
    if (this.rows[at] < 0) return this.groupRow(at);
    if (!this.data.has(this.rows[at])) return this.waitingRow(at);
    const cells = this.columns.map(({ className, cell }) => h(`td.${className}`, null, cell(this.data, this.rows[at])));
    return h("tr", { id: this.idOf(at), "aria-rowindex": at + 2, "data-at": at }, cells);
  }

  waitingRow(at) {
    const cells = this.columns.map(({ className }) => h(`td.${className}`, null, "…"));
    return h("tr.waiting", { id: this.idOf(at), "aria-rowindex": at + 2, "data-at": at, "aria-busy": "true" }, cells);
  }

  groupRow(at) {
    const cells = this.groups(this.rows[at]);
    const starts = this.columns.map(({ name }, column) => (name in cells ? column : -1)).filter((column) => column >= 0);
    const parts = starts.map((column, number) => {
      const { name, className } = this.columns[column];
      const colspan = (starts[number + 1] ?? this.columns.length) - column;
      return h(`td.${className}`, { colspan }, cells[name]);
    });
    return h("tr.group", { id: this.idOf(at), "aria-rowindex": at + 2, "data-at": at }, parts);
  }

  markActive() {
    for (const [at, element] of this.drawn) {
      element.classList.toggle("active", at === this.active);
      element.setAttribute("aria-selected", String(at === this.active));
    }
    if (this.rows.length) this.table.setAttribute("aria-activedescendant", this.idOf(this.active));
    else this.table.removeAttribute("aria-activedescendant");
  }

  idOf(at) {
    return `row-${at}`;
  }

  resized() {
    const drawn = this.body.querySelector("tr:not(.spacer)");
    if (drawn) this.height = drawn.getBoundingClientRect().height || this.height;
    this.draw();
  }

  print() {
    this.fill(0, Math.min(this.rows.length, PRINTED_ROWS));
  }

  // --- use

  click(event) {
    const row = event.target.closest("tr[data-at]");
    if (!row || row.matches(".waiting") || String(getSelection())) return;
    this.activate(Number(row.dataset.at));
    this.onOpen(this.rows[this.active]);
  }

  key(event) {
    if (event.target !== this.table || !this.rows.length) return;
    const page = Math.max(1, Math.floor(innerHeight / this.height) - 4);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") this.onOpen(this.rows[this.active]);
    else if (event.key in steps) this.activate(this.active + steps[event.key]);
    else return;
    event.preventDefault();
  }

  // Step from the active row and open what is there; false at either end.
  step(by) {
    let to = this.active + by;
    while (this.rows[to] < 0) to += by;
    if (to < 0 || to >= this.rows.length) return false;
    this.activate(to);
    this.onOpen(this.rows[to]);
    return true;
  }

  activate(at) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, at));
    this.reveal();
    this.draw();
  }

  // Scroll no further than it takes to see the active row below the heading, which sticks.
  reveal() {
    const covered = this.head.getBoundingClientRect().bottom;
    const top = this.bodyTop + (this.active * this.height) / this.scale - scrollY;
    if (top < covered) scrollBy({ top: top - covered });
    else if (top + this.height > innerHeight) scrollBy({ top: top + this.height - innerHeight });
  }
}

// Takes the height of the rows that do not exist; one cell, for a column may be hidden where there is no room for it.
function spacer() {
  return h("tr.spacer", { "aria-hidden": "true" }, h("td"));
}
