// The dashboard: takes in what the server streams, and redraws what changed, once a frame.
import { drawLatency, drawMinutes } from "/static/charts.js";
import { $, say, toast } from "/static/dom.js";
import { parse, textOf } from "/static/filter.js";
import { Flows } from "/static/flows.js";
import { close, enter, follow, post } from "/static/page.js";
import { drawAlerts, drawBars, drawBlocked, drawDetail, drawLink, drawOptions, drawSessions, drawTiles } from "/static/panels.js";
import { setUpTheme, toggleTheme } from "/static/theme.js";
import { number, quantile } from "/static/words.js";

const MOST_ROWS = 10000;
const MOST_ALERTS = 500;

const rows = new Map(); // id -> row, in the order they came
const state = { sessions: [], alerts: [], blocked: [], minutes: [], hosts: [], rules: [], totals: null, latency: null };
const dirty = new Set();
let flows = null;

function take(message) {
  if (message.restart) {
    rows.clear();
    state.alerts = [];
    dirty.add("flows");
  }
  for (const row of message.flows ?? []) {
    row.text = textOf(row);
    rows.set(row.id, row);
    dirty.add("flows");
  }
  for (const id of rows.keys()) {
    if (rows.size <= MOST_ROWS) break;
    rows.delete(id);
  }
  if (message.alerts) state.alerts = [...state.alerts, ...message.alerts].slice(-MOST_ALERTS);
  for (const name of Object.keys(message)) {
    if (name in state) dirty.add(name);
    if (name in state && name !== "alerts") state[name] = message[name];
  }
  redraw();
}

function redraw() {
  if (redraw.frame || !dirty.size) return;
  redraw.frame = requestAnimationFrame(() => {
    redraw.frame = null;
    const has = (...names) => names.some((name) => dirty.has(name));
    if (has("flows")) drawFlows();
    if (has("sessions")) drawSessions(state.sessions, acts);
    if (has("sessions", "blocked")) drawBlocked(state.blocked, state.sessions, acts);
    if (has("sessions")) drawOptions($("session"), state.sessions.map((row) => row.id), "All sessions");
    if (has("totals", "latency") && state.totals) drawTiles(state.totals, state.latency, state.latency?.dropped);
    if (has("alerts")) drawAlerts(state.alerts);
    if (has("minutes")) drawMinutes($("minutes"), state.minutes);
    if (has("hosts")) drawBars($("hosts"), state.hosts, acts.host);
    if (has("rules")) drawBars($("rules"), state.rules, acts.rule);
    if (has("rules")) drawOptions($("rule"), state.rules.map(([name]) => name), "All rules");
    if (has("latency") && state.latency) {
      drawLatency($("latency"), state.latency);
      say($("latency-text"), `median ${quantile(state.latency, "median_seconds")}, p99 ${quantile(state.latency, "p99_seconds")}`);
    }
    dirty.clear();
  });
}

function drawFlows() {
  const matches = parse($("search").value);
  const verdict = document.querySelector("[name=verdict]:checked").value;
  const session = $("session").value;
  const rule = $("rule").value;
  const dns = $("dns").checked;
  const shown = [];
  for (const row of rows.values()) {
    if (!dns && row.kind === "dns" && row.verdict !== "deny") continue;
    if (session && row.session !== session) continue;
    if (verdict === "deny" && row.verdict !== "deny") continue;
    if (verdict === "findings" && !row.findings?.length) continue;
    if (rule && !row.findings?.some((each) => each.rule === rule)) continue;
    if (matches(row)) shown.push(row);
  }
  shown.sort((one, other) => (one.time < other.time ? 1 : one.time > other.time ? -1 : 0));
  flows.show(shown);
  say($("count"), shown.length === rows.size ? `${number(rows.size)} flows` : `${number(shown.length)} of ${number(rows.size)}`);
  $("empty").hidden = shown.length > 0;
  say($("empty"), rows.size ? "No flow is like that." : "Nothing has crossed the border yet.");
}

async function doing(path, body) {
  try {
    toast((await post(path, body)).text || "done");
  } catch (error) {
    toast(error.message, true);
  }
}

function refilter() {
  dirty.add("flows");
  redraw();
}

const acts = {
  only: (session) => { $("session").value = $("session").value === session ? "" : session; refilter(); },
  host: (host) => { $("search").value = `host:${host}`; refilter(); },
  rule: (rule) => { $("rule").value = $("rule").value === rule ? "" : rule; refilter(); },
  control: (session, action) => doing("/api/control", { session, action }),
  allow: (each, scope) => doing("/api/allow", { session: each.session, host: each.host, port: each.port ?? 0, scope,
    ...(each.question && typeof each.question === "number" ? { question: each.question } : {}) }),
  closeDetail: () => flows.select(null),
};

const selectedRow = () => rows.get(flows.selected);

const KEYS = {
  j: () => flows.move(1), ArrowDown: () => flows.move(1), k: () => flows.move(-1), ArrowUp: () => flows.move(-1),
  g: () => flows.move(-MOST_ROWS), G: () => flows.move(MOST_ROWS),
  Enter: () => { if (selectedRow()) drawDetail($("detail").hidden ? selectedRow() : null, acts); },
  "/": () => { $("search").focus(); $("search").select(); },
  "?": () => $("help").showModal(),
  t: toggleTheme,
  h: () => { const row = selectedRow(); if (row?.host) acts.host(row.host); },
  a: () => { const row = selectedRow(); if (row?.verdict === "deny" && row.host) acts.allow(row, "session"); },
  x: clearFilters, Escape: () => (flows.selected ? flows.select(null) : clearFilters()),
  1: () => chooseVerdict(0), 2: () => chooseVerdict(1), 3: () => chooseVerdict(2),
};

function chooseVerdict(at) {
  document.querySelectorAll("[name=verdict]")[at].checked = true;
  refilter();
}

function clearFilters() {
  $("filters").reset();
  refilter();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target.matches("input[type=search], select")) {
    if (event.key === "Escape" || event.key === "Enter") event.target.blur();
    return;
  }
  if (event.key === "Enter" && event.target.matches("button")) return;
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
}

async function start() {
  setUpTheme();
  if (!(await enter())) return close("Open it with the link that `vibedom dashboard` prints. Each link works once.");
  flows = new Flows($("flows"), (row) => drawDetail(row, acts));
  $("filters").addEventListener("input", refilter);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("help-button").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", onKey);
  drawAlerts([]);
  await follow("/api/live", take, drawLink);
}

start().catch((error) => close(error.message));
