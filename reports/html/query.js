// Which rows of a table to show, in which order, and how many each facet's values would leave: pure, one pass.

class Query {
  // facets: names of columns; orders: { column: its values in order } where they have one of their own.
  // terms is set before a text is searched: all that a filter looks at, as Terms.
  constructor(table, facets, orders) {
    this.table = table;
    this.facets = facets.map((name) => ({ name, ...table.columns[name].coded }));
    this.orders = orders;
    this.terms = null;
    this.sorted = new Map();
    this.hits = { text: "", rows: null };
  }

  // chosen: { facet: Set of facetKey }; sort: { name, descending } or null. A facet's own choice does not narrow its
  // own counts: they say what each of its values would leave.
  run({ text, chosen, sort }) {
    const hits = this.search(text);
    const wanted = this.facets.map(({ name, values }) =>
      chosen[name]?.size ? Uint8Array.from(values, (value) => chosen[name].has(facetKey(value))) : null,
    );
    const counts = this.facets.map(({ values }) => new Uint32Array(values.length));
    const order = sort && this.order(sort);
    const rows = new Uint32Array(this.table.length);
    const width = this.facets.length;
    let shown = 0;
    for (let at = 0; at < this.table.length; at++) {
      const row = order ? order[at] : at;
      if (hits && !hits[row]) continue;
      let misses = 0;
      let missed = 0;
      for (let facet = 0; facet < width && misses < 2; facet++) {
        if (wanted[facet] && !wanted[facet][this.facets[facet].codes[row]]) {
          misses++;
          missed = facet;
        }
      }
      if (misses === 0) {
        rows[shown++] = row;
        for (let facet = 0; facet < width; facet++) counts[facet][this.facets[facet].codes[row]]++;
      } else if (misses === 1) {
        counts[missed][this.facets[missed].codes[row]]++;
      }
    }
    return { rows: rows.subarray(0, shown), counts: this.named(counts) };
  }

  named(counts) {
    return Object.fromEntries(
      this.facets.map(({ name, values }, facet) => [
        name,
        values.map((value, code) => ({ value, count: counts[facet][code] })),
      ]),
    );
  }

  // 1 for each row in which every word stands. What narrows the last text only looks at that one's hits.
  search(text) {
    const words = wordsOf(text);
    if (!words.length) return null;
    if (text === this.hits.text) return this.hits.rows;
    const last = this.hits.rows && text.startsWith(this.hits.text) ? this.hits.rows : null;
    let rows = last;
    for (const word of words) rows = this.terms.rowsWith(word, rows);
    this.hits = { text, rows };
    return rows;
  }

  order({ name, descending }) {
    const id = `${descending ? "-" : ""}${name}`;
    const column = this.table.columns[name].coded;
    if (!this.sorted.has(id)) this.sorted.set(id, sorted(column, this.orders[name], descending));
    return this.sorted.get(id);
  }
}

function wordsOf(text) {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

// What a filter looks at: `own`, a text in lower case for each row, and `sides`, columns of what rows hold, as
// { what, table, name, coded, to }: row `to(at)` of the list has the value of `codes[at]`. `table.at(name, …)` of the rows
// of its own says the same.
class Terms {
  constructor(own, sides = []) {
    this.own = own;
    this.sides = sides.map((side) => {
      const { values, codes } = side.coded;
      const texts = values.map((value) => (typeof value === "string" ? value.toLowerCase() : ""));
      return { ...side, texts, codes };
    });
  }

  // 1 for each row that has the word anywhere, out of `among`, or of all where that is null.
  rowsWith(word, among) {
    const rows = new Uint8Array(this.own.length);
    for (let row = 0; row < rows.length; row++) {
      if ((!among || among[row]) && this.own[row].includes(word)) rows[row] = 1;
    }
    for (const { texts, codes, to } of this.sides) {
      const hits = texts.map((text) => text.includes(word));
      if (!hits.includes(true)) continue;
      for (let at = 0; at < codes.length; at++) {
        if (!hits[codes[at]]) continue;
        const row = to(at);
        if (!among || among[row]) rows[row] = 1;
      }
    }
    return rows;
  }

  // Why a row is a hit for a word that its own text does not have: { what, text, at }, `at` the place of the hit; or null.
  reason(row, word) {
    if (this.own[row].includes(word)) return null;
    for (const { what, table, name } of this.sides) {
      for (const at of table.index("identity").get(row) ?? []) {
        const text = table.at(name, at);
        const hit = typeof text === "string" ? text.toLowerCase().indexOf(word) : -1;
        if (hit >= 0) return { what, text, at: hit };
      }
    }
    return null;
  }
}

// All rows by a column, equal ones as they stand, what is unknown last: a counting sort over the values' ranks.
function sorted({ values, codes }, known, descending) {
  const ranks = ranked(values, known, descending);
  const starts = new Uint32Array(values.length + 1);
  for (const code of codes) starts[ranks[code] + 1]++;
  for (let rank = 1; rank < starts.length; rank++) starts[rank] += starts[rank - 1];
  const order = new Uint32Array(codes.length);
  for (let row = 0; row < codes.length; row++) order[starts[ranks[codes[row]]]++] = row;
  return order;
}

// For each value its place: as `known` lists them, else numbers by size and texts by alphabet.
function ranked(values, known, descending) {
  const keys = values.map((value) => sortKey(value, known));
  const sign = descending ? -1 : 1;
  const codes = values.map((_, code) => code);
  codes.sort((a, b) => {
    if (values[a] === null || values[b] === null) return (values[a] === null) - (values[b] === null);
    return sign * (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : 0);
  });
  const ranks = new Uint32Array(values.length);
  codes.forEach((code, rank) => (ranks[code] = rank));
  return ranks;
}

function sortKey(value, known) {
  if (known) return known.indexOf(value);
  return typeof value === "string" ? value.toLowerCase() : value;
}

// How a choice stands in the address and in a set; nothing and an empty text are the same.
function facetKey(value) {
  return value === null ? "" : String(value);
}
