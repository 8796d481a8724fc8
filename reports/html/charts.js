// The charts that are more than the states of an axis: whose the orphans are, and how the numbers moved.

const HOLDERS_LISTED = 6;
const LINES = [
  { name: "owned", tone: "good", called: "owned", share: true },
  { name: "registered", tone: "info", called: "registered", share: true },
  { name: "orphaned", tone: "warn", called: "orphans" },
  { name: "grave", tone: "bad", called: "critical and high findings" },
];

// Orphans by team, and those that belong to none by the reason; none where there is no orphan.
function orphansChart(identities, summary, go) {
  const holders = orphanHolders(identities).sort((a, b) => b.number - a.number);
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
  return [h("figure.holders", null, captionOf("Whose orphans", whole, summary), h("ul", null, rows), more)];
}

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

// The shares from 0 to 100 %, the numbers from 0 to the largest; none where there are not two scans.
function trendChart(trend) {
  if (trend.length < 2) return [];
  const [first, last] = [trend[0], trend.at(-1)];
  const largest = Math.max(1, ...trend.flatMap(({ orphaned, grave }) => [orphaned, grave]));
  const told = ({ share: isShare }, value) => (isShare ? share(value, 1) : count(value));
  const written = (line, value) => (value === null ? "unknown" : told(line, value));
  const moved = (line) => [first, last].map((point) => written(line, point[line.name])).join(" → ");
  const items = LINES.map((line) =>
    h(
      "li",
      null,
      h(`span.swatch.tone-${line.tone}`, { "aria-hidden": "true" }),
      h("span", null, line.called),
      h("span.number", null, moved(line)),
    ),
  );
  const caption = h("figcaption", null, "Trend", h("span.total", null, `${day(first.at)} to ${day(last.at)}`));
  const [shares, numbers] = [true, false].map((kind) => LINES.filter((line) => Boolean(line.share) === kind));
  const drawn = h("div.pair", null, trendLines(trend, shares, 1), trendLines(trend, numbers, largest));
  return [h("figure.trend", null, caption, drawn, h("ul", null, items))];
}

// Lines of one scale, from 0 to the top; the second one is dashed, so that colour is never alone.
function trendLines(trend, lines, top) {
  const [width, height, margin] = [300, 70, 4];
  const span = trend.at(-1).at - trend[0].at;
  const part = (at, place) => (span ? (at - trend[0].at) / span : place / (trend.length - 1)); // all in one minute
  const placed = trend.map((point, place) => ({ ...point, x: margin + (width - 2 * margin) * part(point.at, place) }));
  const down = (value) => height - margin - ((height - 2 * margin) * value) / top;
  const drawn = lines.map(({ name, tone }, at) => {
    const known = placed.filter((point) => point[name] !== null);
    const points = known.map((point) => `${point.x},${down(point[name])}`).join(" ");
    return svg("polyline", { points, class: `tone-${tone}`, "stroke-dasharray": at ? "4 3" : null });
  });
  const attributes = { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  return svg("svg", { ...attributes, class: "lines" }, drawn);
}
