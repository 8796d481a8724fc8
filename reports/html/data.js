// Tables out of the page's data blocks (packing.py is the other half). A block is base64 of gzip of JSON and is opened
// when it is first needed; a column is its distinct values and, for each row, the number of one of them.

class Column {
  constructor({ steps, values, codes, width, joined }) {
    this.values = steps ? summed(steps) : width ? parted(joined, width) : values;
    this.codes = codes ? Uint32Array.from(codes) : null;
  }

  static of(length, cell) {
    return new Column({ values: Array.from({ length }, (_, row) => cell(row)) });
  }

  // What this column has in the rows that another table points to; null where `to` gives no number.
  borrowed(length, to) {
    const { values, codes } = this.coded;
    const unknown = values.indexOf(null);
    const column = new Column({ values: unknown < 0 ? [...values, null] : values });
    column.codes = new Uint32Array(length).fill(unknown < 0 ? values.length : unknown);
    for (let row = 0; row < length; row++) {
      const target = to(row);
      if (typeof target === "number") column.codes[row] = codes[target];
    }
    return column;
  }

  at(row) {
    return this.codes ? this.values[this.codes[row]] : this.values[row];
  }

  // The same column with every value once.
  get coded() {
    if (this.codes) return this;
    const codeOf = new Map();
    const codes = this.values.map((value) => {
      if (!codeOf.has(value)) codeOf.set(value, codeOf.size);
      return codeOf.get(value);
    });
    this.values = [...codeOf.keys()];
    this.codes = Uint32Array.from(codes);
    return this;
  }
}

function parted(joined, width) {
  return Array.from({ length: joined.length / width }, (_, at) => joined.slice(at * width, (at + 1) * width));
}

// What is no number stands among the steps as it is.
function summed(steps) {
  let sum = 0;
  return steps.map((step) => (typeof step === "number" ? (sum += step) : step));
}

class Table {
  constructor(length, columns) {
    this.length = length;
    this.columns = columns;
  }

  static unpack({ length, columns }) {
    const unpacked = Object.entries(columns).map(([name, column]) => [name, new Column(column)]);
    return new Table(length, Object.fromEntries(unpacked));
  }

  at(name, row) {
    return this.columns[name].at(row);
  }

  // Whether the row's values are here; in a table that is fetched piece by piece some are not.
  has() {
    return true;
  }

  // Why a search found the row, where its own cells don't show it: [{ what, text, at }].
  reasons() {
    return [];
  }

  row(row) {
    return Object.fromEntries(Object.entries(this.columns).map(([name, column]) => [name, column.at(row)]));
  }

  // The rows whose `name` column holds this number, as records that know their own row.
  where(name, number) {
    return (this.index(name).get(number) ?? []).map((row) => ({ ...this.row(row), row }));
  }

  index(name) {
    this.indexes ??= {};
    return (this.indexes[name] ??= grouped(this.length, this.columns[name]));
  }
}

function grouped(length, column) {
  const groups = new Map();
  for (let row = 0; row < length; row++) {
    const value = column.at(row);
    if (value === null) continue;
    const group = groups.get(value);
    if (group) group.push(row);
    else groups.set(value, [row]);
  }
  return groups;
}

const opened = new Map();

// The content of a block, by default its tables; read once, and the text it came from is let go.
function openBlock(name, unpack = unpackedTables) {
  if (!opened.has(name)) opened.set(name, readBlock(document.getElementById(`block-${name}`)).then(unpack));
  return opened.get(name);
}

// The tables of several blocks, by name.
async function openTables(...names) {
  const blocks = await Promise.all(names.map((name) => openBlock(name)));
  return Object.assign({}, ...blocks);
}

function unpackedTables(packed) {
  return Object.fromEntries(Object.entries(packed).map(([name, table]) => [name, Table.unpack(table)]));
}

async function readBlock(element) {
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  const unzipped = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(unzipped).json();
}
