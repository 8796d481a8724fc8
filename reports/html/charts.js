// The charts that are more than the states of an axis: whose the orphans are, and how the numbers moved.

const HOLDERS_LISTED = 6;
// The colours are those of the states: what is owned is as green here as in the chart of ownership.
const LINES = [
  { name: "owned", tone: "good", called: "Owned", share: true },
  { name: "registered", tone: "good", called: "Registered", share: true },
  { name: "orphaned", tone: "bad", called: "Orphans" },
  { name: "grave", tone: "critical", called: "Critical and high findings" },
];

// Orphans by team, and those that belong to none by the reason; none where there is no orphan.
function orphansChart(unsorted, gaps, go) {
  const holders = [...unsorted].sort((a, b) => b.number - a.number);
  if (!holders.length) return [];
  const whole = holders.reduce((sum, { number }) => sum + number, 0);
  const most = holders[0].number;
  const listed = holders.slice(0, HOLDERS_LISTED);
  const rows = listed.map(({ team, reason, number }) => {
    const why = team === null ? { reason: [facetKey(reason)] } : {};
    const open = () => go("identities", { ownership: ["orphaned"], team: [facetKey(team)], ...why });
    const name = team === null ? h("span.quiet", { title: REASONS[reason] }, word(reason ?? "unknown")) : outside(team);
    const bar = barOf([svg("rect", { width: (100 * number) / most, height: 1, class: "tone-bad" })]);
    const parts = [h("span.who", null, name), bar, h("span.number", null, count(number))];
    return h("li", null, h("button.holder", { type: "button", onclick: open }, parts));
  });
  const left = holders.length - listed.length;
  const more = left > 0 && h("p.quiet", null, `and ${count(left)} more`);
  return [h("figure.holders", null, captionOf("Whose orphans", whole, gaps), h("ul", null, rows), more)];
}

// [{ team, reason, number }]
function orphanHolders({ length, columns }) {
  const [ownership, team, reason] = [columns.ownership, columns.team, columns.reason].map((column) => column.coded);
  const orphaned = ownership.values.indexOf("orphaned");
  const counts = new Map();
  for (let row = 0; row < length; row++) {
    if (ownership.codes[row] !== orphaned) continue;
    const ofTeam = team.values[team.codes[row]];
    const id = ofTeam === null ? `reason ${reason.codes[row]}` : team.codes[row];
    const known = counts.get(id);
    if (known) known.number++;
    else counts.set(id, { team: ofTeam, reason: reason.values[reason.codes[row]], number: 1 });
  }
  return [...counts.values()];
}

// A small chart for each line, the shares from 0 to 100 %, the numbers from 0 to their largest; none where there are
// not two scans.
function trendChart(trend) {
  if (trend.length < 2) return [];
  const caption = h("figcaption", null, "Trend", h("span.total", null, `${count(trend.length)} scans`));
  return [h("figure.trend", null, caption, h("div.lines", null, LINES.map((line) => lineChart(trend, line))))];
}

// One number over the scans, with its first and last value as text.
function lineChart(trend, line) {
  const values = trend.map((point) => point[line.name]);
  const top = line.share ? 1 : Math.max(1, ...values);
  const shown = (value) => (value === null ? "unknown" : line.share ? share(value, 1) : count(value));
  return h(
    "div.line",
    null,
    h("p", null, h("b", null, line.called), h("span.number", null, `${shown(values[0])} → ${shown(values.at(-1))}`)),
    h("div.plot", null, h("span.axis", { "aria-hidden": "true" }, h("i", null, shown(top)), h("i", null, "0")), trendLine(trend, line, top)),
    h("p.days", null, h("span", null, day(trend[0].at)), h("span", null, day(trend.at(-1).at))),
  );
}

// One line from 0 to the top, broken where a value is unknown, with a grid line at the top, half way and 0.
function trendLine(trend, { name, tone }, top) {
  const [width, height, margin] = [300, 70, 4];
  const span = trend.at(-1).at - trend[0].at;
  const part = (at, place) => (span ? (at - trend[0].at) / span : place / (trend.length - 1)); // all in one minute
  const down = (value) => height - margin - ((height - 2 * margin) * value) / top;
  const runs = [[]];
  trend.forEach((point, place) => {
    if (point[name] === null) runs.push([]);
    else runs.at(-1).push(`${margin + (width - 2 * margin) * part(point.at, place)},${down(point[name])}`);
  });
  const grid = [0, 0.5, 1].map((of) => svg("line", { class: "grid", x1: 0, x2: width, y1: down(of * top), y2: down(of * top) }));
  const drawn = runs.filter((run) => run.length).map((run) => svg("polyline", { points: run.join(" "), class: `tone-${tone}` }));
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, grid, drawn);
}
