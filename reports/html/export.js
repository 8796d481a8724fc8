// The list as it is filtered, as a CSV file for a spreadsheet.

// A spreadsheet takes these for a formula at the start of a cell, also behind blanks and quotes, in full width, and
// behind a semicolon, where it may split (tables.py is the same for the other reports).
const COULD_BE_FORMULA = /(^|;)(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

// RFC 4180: the key of each row, then its columns as they are called in the address.
function csvOf(view, table, rows) {
  const columns = [
    { name: "key", written: view.key },
    ...view.columns.filter(({ name }) => name !== "key"),
  ];
  const lines = [columns.map(({ name }) => name)];
  for (const row of rows) lines.push(columns.map(({ name, written }) => (written ? written(table, row) : table.at(name, row))));
  return lines.map((cells) => `${cells.map(csvCell).join(",")}\r\n`).join("");
}

function csvCell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value.replace(COULD_BE_FORMULA, "$1'") : literal(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function saveText(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
