// Retirements: how far each is, who was refused, and the commands of what is next; and who would notice if an identity were
// switched off. Nothing here begins, ends or changes anything: commands are copied.

const STAGES = ["lowered", "disabled", "waited", "deleted"];
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

async function retirementsPage() {
  const { retirements } = await getApi("retirements");
  const [called, quiet] = [retirements.filter(({ heard_at }) => heard_at), retirements.filter(({ heard_at }) => !heard_at)];
  return [
    h("h2", null, `Retirements under way: ${count(retirements.length)}`),
    h("p.quiet", null, "As the latest scan saw them; where somebody was refused first. A retirement begins with ", h("code", null, "muster retire IDENTITY --start"), ", and ends with ", h("code", null, "--stop"), "."),
    manyOf("ul.needs", [...called, ...quiet], retirementItem) || h("p", null, source.viewer.sees_all ? "None is under way." : "None of what you own is under way."),
  ];
}

function retirementItem(one) {
  const name = one.stage === "deleted" ? outside(one.name) : link("identity", one.identity, one.name);
  return h("li.need", null, h("h3", null, name), h("p.key", null, h("code", null, breakable(one.credential ?? one.identity))), retirementParts(one));
}

// In the panel of its identity.
function retirementsOf({ retirements }) {
  return (retirements ?? []).map((one) => section("Retirement under way", one.credential && h("p", null, "Of its credential ", h("code", null, breakable(one.credential)), "."), retirementParts(one)));
}

function retirementParts({ stage, stage_since, started_at, by, wait_days, verdict, heard_at, is_heard, screams, next }) {
  const days = `${count(wait_days)} ${wait_days === 1 ? "day" : "days"}`;
  const rows = screams.map(({ at, caller, host, events, fingerprint }) => [minuteOf(at), caller ?? "unknown", host ?? "unknown", events ?? "", link("finding", fingerprint, "the finding")]);
  return [
    h("ol.stages", { "aria-label": "Stages" }, STAGES.map((one) => stageItem(one, stage, stage_since))),
    h("p", null, `Begun ${minuteOf(started_at)} by `, outside(by), ", when the verdict was ", mark("retire", verdict), `. It waits ${days} between disabled and deleted.`),
    heard_at ? [h("h4", null, "Somebody was refused"), smallTable(["Last", "Caller", "From", "Calls", "Finding"], rows)] : h("p", null, is_heard ? "Nobody was refused, by the logs that are read." : "Whether somebody is refused is unknown: no log that would name it is read."),
    h("h4", null, next.stage ? `Next: ${next.stage}` : "Next"),
    bullets(next.says),
    commandsOf("Commands", next.commands),
    next.way_back.length > 0 && h("details", { open: Boolean(heard_at) }, h("summary", null, "The way back"), commandsOf("Way back", next.way_back)),
  ].flat(Infinity).filter(isShown);
}

function stageItem(one, stage, since) {
  const isNow = one === stage;
  const when = isNow && since ? ` since ${minuteOf(since)}` : "";
  return h(`li${isNow ? ".now" : ""}`, { "aria-current": isNow ? "step" : null }, `${one}${when}`);
}

function minuteOf(time) {
  return `${time.slice(0, 16).replace("T", " ")} UTC`;
}

// Commands as they run under `sh -e`, with a button that copies them.
function commandsOf(label, commands) {
  if (!commands.length) return false;
  const text = commands.join("\n");
  return h("div.commands", null, h("pre", { tabindex: "0", role: "group", "aria-label": label }, h("code", null, text)), copying(`Copy the ${label[0].toLowerCase()}${label.slice(1)}`, text));
}

// --- who would notice

// Filled once the server has read who uses what; an older scan, which has no retirements, does not say.
function whoWouldNotice({ key, retirements }) {
  if (!retirements) return false;
  const place = h("div", null, h("p.quiet", null, "Reading who uses it…"));
  whenReady(() => getApi(`retirements/${encodeURIComponent(key)}`))
    .then((found) => place.replaceChildren(...noticeParts(found, retirements.length > 0).flat(Infinity).filter(isShown)))
    .catch((error) => place.replaceChildren(h("p", { role: "alert" }, error.message)));
  return section("Safe to switch off?", place);
}

function noticeParts({ identity, verdict: safety, because, window_days, window_from, window_to, plan, terraform, ...found }, isUnderWay) {
  const { dependents, unread } = found;
  const noticed = `Who would notice: ${count(dependents.length)}; not read: ${count(unread.length)}`;
  return [
    h("p", null, mark("retire", safety), ` ${meaning("retire", safety)}, by ${count(window_days)} ${window_days === 1 ? "day" : "days"} from ${window_from} to ${window_to}.`),
    bullets(because),
    h("details", null, h("summary", null, noticed), whoOf(safety, found)),
    h("details", null, h("summary", null, "The plan, and the way back"), planOf(plan, terraform)),
    !isUnderWay && [h("p", null, "Muster changes nothing. This has scans follow it from here on:"), commandsOf("Command that begins", [`muster retire ${shellWord(identity)} --start`])],
  ];
}

function whoOf(safety, { dependents, coverage, unread, to_know }) {
  const users = dependents.map(({ what, kind, evidence, source: by, at }) => [what, word(kind), evidence, by, at ? minuteOf(at) : "unknown"]);
  const uses = coverage.map(({ use, source: by, whole, detail }) => [use, by, whole ? "yes" : "no", detail]);
  return [
    smallTable(["Who or what", "Kind", "Evidence", "Source", "Date"], users) || h("p", null, safety === "in_use" ? "It is used, but who uses it was not found in what was read." : "Nobody was found in what was read."),
    h("h4", null, "Not read"),
    bullets(unread) || h("p", null, "Nothing of its place, as far as the scan tells."),
    h("h4", null, "What records its use"),
    smallTable(["Use", "Source", "Every day", "Detail"], uses),
    to_know.length > 0 && [h("h4", null, "The shortest way to know"), bullets(to_know)],
  ].flat(Infinity).filter(isShown);
}

function planOf(plan, terraform) {
  const stages = plan.map(({ stage, says, commands, undo }, at) => [
    h("h4", null, `${at + 1}. ${stage}`),
    bullets(says),
    commandsOf(`Commands of ${stage}`, commands),
    undo.length > 0 && [h("p", null, "The way back:"), commandsOf(`Way back from ${stage}`, undo)],
  ]);
  return [...stages, terraform && [h("h4", null, "Terraform"), commandsOf("Fragment", [terraform])]].flat(Infinity).filter(isShown);
}

function shellWord(text) {
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}
