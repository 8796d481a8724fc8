// Where a report's data comes from: the page's own blocks. The served page has a source with the same methods that
// fetches (scanner/serve/page/fetched.js).
//
// A source: overview() gives what stands above the lists, list(name) one of VIEWS, tables(kind, id) all that a panel reads,
// more(kind, row, tables) further parts of a panel, actions(kind, about, tables) what can be done at an item, tabs(views, view) those
// that are shown, isViewer(name) whether that is who looks, absent(kind) what is said where there is nothing to show, and read() and write(state) its addresses. showExport() offers the list
// as a file. pages are views that are no list, { name: { label } }, and showPage(state) is whether it shows one.
//
// A list: run({ text, chosen, sort }) gives { table, rows, total, counts, groups }, or null where a later question made this
// one stale: the rows found, out of how many, how many each value of a facet would leave, and, where the view has them, the
// groups of the rows. counts may be a promise. count(text) is how many rows have a text.

const PANEL_BLOCKS = [
  "identities", "search", "credentials", "secrets", "details", "activity", "findings", "entries", "coverage", "changes",
];

class EmbeddedSource {
  lists = {};
  pages = {};
  hasCommands = true; // what can be done is done elsewhere

  async overview() {
    const overview = await openBlock("overview", (content) => content);
    const { coverage, identities, changes } = await openTables("coverage", "identities", "changes");
    const counts = COUNTED_AXES.map((axis) => [axis, countsOf(identities.columns[axis])]);
    return {
      ...overview,
      counts: Object.fromEntries(counts),
      gaps: gapsIn(coverage),
      holders: orphanHolders(identities),
      changed: identitiesChanged(changes),
      left: ownersWhoLeft(identities),
    };
  }

  async list(name) {
    return (this.lists[name] ??= await EmbeddedList.open(name));
  }

  async tables() {
    const [tables, { scan, since }] = await Promise.all([openTables(...PANEL_BLOCKS), openBlock("overview")]);
    return { ...tables, now: scan.started, since };
  }

  tabs(views) {
    return Object.entries(views);
  }

  // What can be done at an item; a file has commands to copy.
  actions() {
    return [];
  }

  isViewer() {
    return false;
  }

  absent(kind) {
    return { title: "Not in this report", why: ABSENT[kind] ?? "It is not in this report: it left since, or was not read." };
  }

  more() {
    return [];
  }

  showPage() {
    return false;
  }

  failed() {
    return "This report could not be opened: it needs a browser of 2023 or newer.";
  }

  // What the first keystroke and the first opened row will need.
  async prepare(list) {
    await list.prepare();
    await openTables(...PANEL_BLOCKS);
  }

  read() {
    return readAddress(location.hash);
  }

  write(state) {
    return writeAddress(state);
  }

  showExport(button, { name, view }, { table, rows }) {
    button.disabled = rows.length === 0;
    button.onclick = () => saveText(`muster-${name}.csv`, csvOf(view, table, rows));
  }
}

class EmbeddedList {
  static async open(name) {
    return new EmbeddedList(name, VIEWS[name], VIEWS[name].build(await openTables(...VIEWS[name].blocks)));
  }

  constructor(name, view, table) {
    Object.assign(this, { name, view, table });
    const orders = Object.fromEntries(view.columns.map((column) => [column.name, orderOf(column.axis)]));
    this.query = new Query(table, view.facets.map((facet) => facet.name), orders);
    table.reasons = (row) => wordsOf(this.text).map((word) => this.query.terms?.reason(row, word)).filter(Boolean);
  }

  async run(question) {
    const { table, view } = this;
    if (question.text && !this.query.terms) await this.prepare();
    this.text = question.text;
    const { rows, counts } = this.query.run({ ...question, sort: question.sort ?? view.first });
    const groups = view.grouped && !question.flat ? groupedRows(table, rows, view.grouped.by) : null;
    return { table, rows, total: table.length, counts, groups };
  }

  async prepare() {
    this.query.terms ??= await this.view.terms(this.table);
  }

  async count(text) {
    await this.prepare();
    return this.query.search(text)?.reduce((sum, hit) => sum + hit, 0) ?? 0;
  }
}

openPage(new EmbeddedSource());
