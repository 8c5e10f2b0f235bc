// Everything beside the table: sessions, totals, blocked hosts, alerts, bars, and the selected flow.
import { $, fill, h, say, sureButton, visible } from "/static/dom.js";
import { bytes, clock, milliseconds, number, quantile } from "/static/words.js";

const SEVERITIES = { critical: "bad", high: "bad", medium: "warn", low: "info" };

/** The sessions: those that run with buttons, and a few that ended. */
export function drawSessions(rows, acts) {
  const alive = rows.filter((row) => row.is_alive);
  const shown = [...alive, ...rows.filter((row) => !row.is_alive).slice(0, Math.max(0, 4 - alive.length))];
  fill($("sessions"), ...shown.map((row) => sessionItem(row, acts)));
}

function sessionItem(row, acts) {
  const state = row.is_paused ? "paused" : row.state;
  const code = row.exit_code ? ` (${row.exit_code})` : "";
  const item = h("li", { class: "session", data: { state, alive: String(row.is_alive) },
    title: visible(`${row.workspace} · ${row.runtime} · ${row.command || "shell"}`) },
    h("span", { class: "dot" }),
    h("button", { class: "name", type: "button", on: { click: () => acts.only(row.id) } }, row.id),
    h("span", { class: "soft" }, state + code));
  if (row.is_alive) {
    const turn = row.is_paused ? "resume" : "pause";
    item.append(h("button", { class: "small", type: "button", on: { click: () => acts.control(row.id, turn) } }, turn),
      sureButton("stop", "really stop?", () => acts.control(row.id, "stop")));
  }
  return item;
}

export function drawTiles(totals, latency, dropped) {
  const tile = (value, text, kind = "") => h("div", { class: `tile ${kind}` }, h("b", {}, value), h("span", {}, text));
  fill($("tiles"),
    tile(number(totals.requests), `requests · ${bytes(totals.sent)} out, ${bytes(totals.received)} in`),
    tile(number(totals.blocked), "blocked", totals.blocked ? "bad" : ""),
    tile(number(totals.findings), `findings · ${number(totals.scrubbed)} scrubbed`, totals.findings ? "warn" : ""),
    tile(quantile(latency, "p99_seconds"), dropped ? `p99 scrub · ${number(dropped)} records dropped` : "scrub time, p99",
      dropped ? "warn" : ""));
}

/** Questions that an agent waits for come first. */
export function drawBlocked(blocked, sessions, acts) {
  const asked = sessions.flatMap((row) => row.questions.map((each) => ({ ...each, session: row.id, question: each.id })));
  const waiting = new Set(asked.map((each) => `${each.session} ${each.host}`));
  const rest = blocked.filter((each) => !waiting.has(`${each.session} ${each.host}`));
  const alive = new Set(sessions.filter((row) => row.is_alive).map((row) => row.id));
  const items = [...asked.map((each) => blockedItem(each, acts, true)),
    ...rest.map((each) => blockedItem(each, acts, alive.has(each.session)))];
  fill($("blocked"), ...(items.length ? items : [h("li", { class: "none" }, "No host was refused.")]));
}

function blockedItem(each, acts, isAlive) {
  const port = each.port && ![80, 443].includes(each.port) ? `:${each.port}` : "";
  const allow = (scope, title) => h("button", { class: "small", type: "button", title,
    disabled: !isAlive && scope !== "always", on: { click: () => acts.allow(each, scope) } }, scope);
  const why = each.question ? `waits, ${each.waiting} held · ${each.session}` : `${each.reason} · ${each.session}`;
  return h("li", { class: each.question ? "is-waiting" : "" },
    h("div", { class: "line" },
      h("button", { class: "host", type: "button", title: visible(each.session), on: { click: () => acts.host(each.host) } }, each.host + port),
      h("span", { class: "soft" }, each.question ? "now" : `×${number(each.count)}`)),
    h("div", { class: "acts" }, h("span", { class: "soft" }, why), allow("once", "Allow the next request"),
      allow("session", "Allow until the session ends"), allow("always", "Put it on the whitelist"),
      ...(each.question ? [h("button", { class: "small danger", type: "button", on: { click: () => acts.allow(each, "no") } }, "no")] : [])));
}

/** The newest first: sessions are read one after another, so they do not come in order. */
export function drawAlerts(alerts) {
  const ordered = [...alerts].sort((one, other) => (one.time < other.time ? 1 : one.time > other.time ? -1 : 0));
  const items = ordered.slice(0, 60).map((each) => h("li", { title: visible(each.session) },
    h("div", { class: "line" },
      h("span", {}, h("span", { class: `badge ${SEVERITIES[each.severity] ?? ""}` }, each.severity),
        h("span", { class: "soft" }, ` ${clock(each.time)}`)),
      h("span", { class: "soft" }, each.count > 1 ? `×${number(each.count)}` : "")),
    h("div", { class: "message" }, each.message ?? each.name)));
  fill($("alerts"), ...(items.length ? items : [h("li", { class: "none" }, "No alert.")]));
}

export function drawBars(list, pairs, act) {
  const most = Math.max(1, ...pairs.map(([, count]) => count));
  const items = pairs.slice(0, 8).map(([name, count]) => {
    const bar = h("i");
    bar.style.width = `${(100 * count) / most}%`;
    return h("li", {}, bar, h("button", { type: "button", title: visible(name), on: { click: () => act(name) } },
      h("span", {}, name), h("span", {}, number(count))));
  });
  fill(list, ...(items.length ? items : [h("li", { class: "soft" }, "Nothing yet.")]));
}

/** All that is known of one flow, with what can be done about it. */
export function drawDetail(row, acts) {
  const box = $("detail");
  box.hidden = !row;
  if (!row) return;
  const fact = (name, value) => (value ? [h("div", {}, h("dt", {}, name), h("dd", {}, value))] : []);
  const buttons = row.host ? [h("button", { class: "small", type: "button", on: { click: () => acts.host(row.host) } }, "only this host")] : [];
  if (row.verdict === "deny" && row.host)
    for (const scope of ["once", "session", "always"])
      buttons.push(h("button", { class: "small", type: "button", on: { click: () => acts.allow(row, scope) } }, `allow ${scope}`));
  const found = row.findings ?? [];
  fill(box,
    h("header", {}, h("h3", {}, `${row.method ?? row.kind} ${row.scheme ? `${row.scheme}://` : ""}${row.host ?? ""}${row.path ?? ""}`), ...buttons,
      h("button", { class: "icon", type: "button", title: "Close (Esc)", on: { click: () => acts.closeDetail() } }, "×")),
    h("dl", {}, ...fact("verdict", `${row.verdict ?? "allow"}: ${row.reason ?? ""}`), ...fact("policy line", row.rule), ...fact("session", row.session),
      ...fact("time", row.time), ...fact("port", row.port), ...fact("context", row.context), ...fact("status", row.status),
      ...fact("content type", row.content_type), ...fact("DNS type", row.question), ...fact("sent", row.sent && bytes(row.sent)),
      ...fact("received", row.received && bytes(row.received)), ...fact("took", row.duration_ms && milliseconds(row.duration_ms)),
      ...fact("not read because", row.unscanned), ...fact("note", row.note), ...fact("flow", row.id)),
    ...(found.length ? [h("table", {}, h("thead", {}, h("tr", {}, ...["rule", "done", "direction", "where", "severity"].map((name) => h("th", {}, name)))),
      h("tbody", {}, ...found.map((each) => h("tr", {}, ...[each.rule, each.action, each.direction, each.location, each.severity].map((text) => h("td", {}, text))))))] : []));
}

/** The options of a list, the choice kept. */
export function drawOptions(select, names, first) {
  const wanted = [first, ...names].join("\n");
  if (select.wanted === wanted) return;
  select.wanted = wanted;
  const chosen = select.value;
  fill(select, h("option", { value: "" }, first), ...names.map((name) => h("option", { value: name }, name)));
  select.value = names.includes(chosen) ? chosen : "";
}

export function drawLink(state) {
  $("link").dataset.state = state;
  say($("link"), { live: "live", gone: "vibedom is gone" }[state] ?? "connecting");
}
