// What became of orphans, arrivals and acknowledgements over the scans, of all and by team: lines, and the same as tables.

const TREND_LINES = [
  { name: "orphaned", tone: "bad", called: "Orphaned identities" },
  { name: "unregistered", tone: "warn", called: "Unregistered identities" },
  { name: "worsened", tone: "critical", called: "Findings that got worse" },
  { name: "acknowledged", tone: "quiet", called: "Acknowledged findings" },
];
const NO_TEAM = "no team";

async function trendsPage(fields) {
  const { scans, whole, teams, more } = await whenReady(() => getApi("trends"));
  const asked = fields.get("team");
  const chosen = teams.find(({ team }) => (team ?? "") === asked) ?? { ...whole, team: null };
  const isWhole = asked === null || !teams.includes(chosen);
  const points = scans.map(({ id, started_at }, place) => ({
    id,
    at: Math.floor(Date.parse(started_at) / 60000),
    ...Object.fromEntries(TREND_LINES.map(({ name }) => [name, chosen[name][place]])),
  }));
  const what = source.viewer.sees_all ? "everything" : "what you own";
  const of = isWhole ? what : chosen.team ?? NO_TEAM;
  const heading = h("h2", null, "Trends of ", isWhole ? of : outside(of));
  const said = points.length > 1 ? `${count(points.length)} scans, from ${day(points[0].at)} to ${day(points.at(-1).at)}.` : "A line takes two scans or more.";
  const charts = points.length > 1 && h("figure.trend", null, h("div.lines", null, TREND_LINES.map((line) => lineChart(points, line))));
  return [heading, teams.length > 1 && teamChoice(teams, isWhole ? null : asked, what), h("p.quiet", null, said), charts, nights(points), teams.length > 1 && byTeam(teams, more)];
}

function teamChoice(teams, asked, what) {
  const options = [["", what], ...teams.map(({ team }) => [`=${team ?? ""}`, team ?? NO_TEAM])];
  const choice = h("select", { id: "trend-team" }, options.map(([value, text]) => h("option", { value }, text)));
  choice.value = asked === null ? "" : `=${asked}`;
  choice.addEventListener("change", async () => {
    await visit(choice.value ? teamAddress(choice.value.slice(1)) : "/trends");
    byId("trend-team")?.focus();
  });
  return h("div.field.choice", null, h("label", { for: "trend-team" }, "Trends of"), choice);
}

function teamAddress(team) {
  return `/trends?team=${encodeURIComponent(team ?? "")}`;
}

// The numbers of the lines, the latest scan first.
function nights(points) {
  const rows = [...points].reverse().map((point) => [
    h("a.when", { href: `/?scan=${encodeURIComponent(point.id)}` }, moment(point.at)),
    ...TREND_LINES.map(({ name }) => count(point[name])),
  ]);
  return [h("h3", null, "Scan by scan"), smallTable(["Scan", ...TREND_LINES.map(({ called }) => called)], rows)];
}

// Each team's first and last numbers.
function byTeam(teams, more) {
  const moved = (numbers) => (numbers[0] === numbers.at(-1) ? count(numbers[0]) : `${count(numbers[0])} → ${count(numbers.at(-1))}`);
  const rows = teams.map((one) => [
    h("a", { href: teamAddress(one.team) }, one.team === null ? NO_TEAM : outside(one.team)),
    ...TREND_LINES.map(({ name }) => moved(one[name])),
  ]);
  const left = more > 0 && h("p.quiet", null, `and ${count(more)} more teams`);
  return [h("h3", null, "By team, first and last scan"), smallTable(["Team", ...TREND_LINES.map(({ called }) => called)], rows), left];
}
