// What audit logs record of an identity: how much of the time they cover, what it used, when, from where, who became it.

function activityOf(row, { identities, activity, services, assumers }) {
  const [seen] = activity.where("identity", row);
  if (!seen) return h("p.quiet", null, "No audit log covers it, so what it did is unknown.");
  const hours = [...seen.hours].map((days) => days.charCodeAt(0) - "0".charCodeAt(0));
  return [
    h("p", null, spanOf(seen)),
    seen.unused && h("p", null, h("b", null, outside(sentence(seen.unused)))),
    servicesOf(services.where("identity", row), seen.services),
    hoursDrawn(hours),
    facts([
      ["hours (UTC)", hoursInWords(hours)],
      ["first event", moment(seen.first)],
      ["last event", moment(seen.last)],
      ["networks", listed(seen.networks)],
      ["clients", listed(seen.clients)],
      ["regions", listed(seen.regions)],
      ["tools", listed(seen.tools)],
      ["became by", becameBy(assumers.where("identity", row), seen.assumers, identities)],
    ]),
  ];
}

// Silence is a fact where the logs cover the time, and says nothing where they do not.
function spanOf({ from, to, days, events, denied }) {
  const many = `${count(events)} ${events === 1 ? "event" : "events"}`;
  if (from === null) return `${many} seen, but no day is covered in full by its logs: it may have done more.`;
  const span = `${count(days)} covered ${days === 1 ? "day" : "days"}, ${dayOf(from)} to ${dayOf(to)}`;
  if (events === 0) return `No event in ${span}: it did nothing that its logs record.`;
  return `${many}${denied ? `, ${count(denied)} of them denied` : ""}, in ${span}.`;
}

function dayOf(number) {
  return day(number * 24 * 60);
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

// The first values, of which the last may be the number of those left out.
function listed(values) {
  const more = values.at(-1);
  if (typeof more !== "number") return values.join(", ");
  return `${values.slice(0, -1).join(", ")} and ${count(more)} more`;
}

function servicesOf(services, all) {
  const rows = services.map(({ service, actions, events, first, last }) => [
    service ?? "–",
    actions.length ? listed(actions) : "nothing succeeded",
    count(events),
    dayOf(first),
    dayOf(last),
  ]);
  const more = all - rows.length;
  const table = smallTable(["Service", "Actions", "Events", "First", "Last"], rows);
  return more > 0 ? [table, h("p.quiet", null, `and ${count(more)} more ${more === 1 ? "service" : "services"}`)] : table;
}

function becameBy(assumers, all, identities) {
  if (!assumers.length) return null;
  const named = ({ who }) =>
    typeof who === "number" ? link("identity", keyOf(identities, who), identities.at("name", who)) : outside(who ?? "–");
  const parts = assumers.flatMap((one, at) => [at > 0 && ", ", named(one)]);
  return [...parts, all > assumers.length && ` and ${count(all - assumers.length)} more`].filter(isShown);
}

// --- hours

const HOURS_HIGH = 44;

// 24 bars, as high as the days on which it acted in that hour. The facts below say the same in words.
function hoursDrawn(hours) {
  const most = Math.max(0, ...hours);
  if (!most) return false;
  const step = WIDE / 24;
  const bars = hours.map((days, hour) => {
    const high = days && Math.max(2, (HOURS_HIGH * days) / most);
    return svg("rect", { x: hour * step + 2, y: HOURS_HIGH - high, width: step - 4, height: high }, svg("title", null, `${clock(hour)} UTC: ${count(days)}`));
  });
  const named = [0, 6, 12, 18].map((hour) => svg("text", { x: hour * step + 2, y: HOURS_HIGH + 15 }, clock(hour)));
  const ground = svg("line", { class: "year", x1: 0, x2: WIDE, y1: HOURS_HIGH, y2: HOURS_HIGH });
  return drawing(HOURS_HIGH + 20, "hours", bars, ground, named);
}

function clock(hour) {
  return `${String(hour).padStart(2, "0")}:00`;
}

// Hours that follow each other as one span, with the days of the busiest.
function hoursInWords(hours) {
  const spans = [];
  hours.forEach((days, hour) => {
    if (!days) return;
    const last = spans.at(-1);
    if (last?.end === hour) Object.assign(last, { end: hour + 1, most: Math.max(last.most, days) });
    else spans.push({ start: hour, end: hour + 1, most: days });
  });
  return spans
    .map(({ start, end, most }) => `${clock(start)} to ${clock(end)} (${most === 1 ? "1 day" : `up to ${count(most)} days`})`)
    .join(", ");
}
