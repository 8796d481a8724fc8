// Drawings in an identity's panel: its credentials over time, and what it is linked with. Both say only what a table
// beside them says in words, so they are hidden from a screen reader and take no keyboard focus.

const CREDENTIALS_DRAWN = 12;
const NEIGHBOURS_DRAWN = 6;
const YEAR = 365 * 24 * 60;
const WIDE = 540;

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
