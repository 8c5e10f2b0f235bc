// The review: what is ticked is told to the server at once, and applied when the user says so.
import { drawDiff } from "/static/diffview.js";
import { $, fill, h, say, toast } from "/static/dom.js";
import { close, enter, get, post } from "/static/page.js";
import { setUpTheme, toggleTheme } from "/static/theme.js";
import { isSafe, Tree } from "/static/tree.js";
import { number } from "/static/words.js";

const BUTTONS = ["all", "none", "apply"];
const state = { changes: [], current: null, diff: null, hunk: -1 };
let tree = null;
let turn = Promise.resolve(); // requests that change something go one after the other

/** Run `act` after what was asked before; errors are said. */
function inTurn(act) {
  turn = turn.then(act).catch((error) => { draw(); toast(error.message, true); });
  return turn;
}

/** What was asked for; while it takes its time, `where` says how far the server is. */
async function showing(asked, where = $("sum")) {
  let isOpen = true;
  (async () => {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { text } = isOpen ? await get("/api/progress") : {};
      if (!isOpen) return;
      if (text) say(where, text);
    }
  })().catch(() => {}); // what was asked for says what is wrong
  try {
    return await asked;
  } finally {
    isOpen = false;
  }
}

/** All changes, a page at a time: the first, with what deserves a look, is drawn at once. */
async function load() {
  const notice = h("p", { class: "notice" }, "reading the changes");
  fill($("diff"), notice);
  for (const button of BUTTONS) $(button).disabled = true;
  const review = await showing(get("/api/review"), notice);
  say($("where"), `${review.session} → ${review.workspace}`);
  document.title = `review ${review.session}`;
  state.changes = review.changes;
  state.current = null;
  draw(review.total);
  if (tree.shown.length) await open(tree.shown[0]);
  else say(notice, review.total ? "Open a folder on the left to look into it, or tick it as a whole." : "Nothing is left to review.");
  const all = [...review.changes];
  while (all.length < review.total) {
    const page = await get(`/api/review?start=${all.length}`);
    if (page.reading !== review.reading) return load(); // applied in another window meanwhile
    all.push(...page.changes);
    say($("sum"), `${number(all.length)} of ${number(review.total)} changes here`);
  }
  if (all.length > state.changes.length) {
    state.changes = all;
    draw();
  }
}

function draw(total = state.changes.length) {
  const scroll = $("tree").scrollTop;
  tree.show(state.changes, $("search").value, state.current);
  $("tree").scrollTop = scroll;
  const count = state.changes.filter((each) => (each.state ?? "none") !== "none").length;
  say($("sum"), `${number(count)} of ${number(total)} changes ticked`);
  $("sum").dataset.count = String(count);
  for (const button of BUTTONS) $(button).disabled = !state.changes.length;
  $("apply").disabled = count === 0 && !state.changes.some((each) => each.resolution === "mine");
}

async function open(change, again = false) {
  if (change === state.current && !again) return;
  tree.elements.get(state.current)?.classList.remove("is-open");
  state.current = change;
  const element = tree.elements.get(change);
  element?.classList.add("is-open");
  element?.scrollIntoView({ block: "nearest" });
  try {
    const diff = await get(`/api/diff?path=${encodeURIComponent(change.path)}`);
    if (state.current !== change) return;
    state.diff = diff;
    state.hunk = -1;
    drawDiff($("diff"), change, diff, acts);
  } catch (error) {
    toast(error.message, true);
  }
}

const acts = {
  open,
  redraw: () => draw(),
  choose: (changes, wanted) => inTurn(async () => {
    await post("/api/choose", { paths: changes.map((each) => each.path), wanted });
    for (const each of changes) each.state = wanted ? "all" : "none";
    draw();
    if (state.current && changes.includes(state.current)) await open(state.current, true);
  }),
  hunk: (change, number, wanted) => inTurn(async () => {
    change.state = (await post("/api/hunk", { path: change.path, number, wanted })).state;
    draw();
    if (change === state.current) {
      for (const [at, box] of hunks().entries()) if (at === number || !state.diff.is_splittable) setHunk(box, wanted);
      const take = $("take");
      take.checked = change.state === "all";
      take.indeterminate = change.state === "some";
    }
  }),
  resolve: (change, how) => inTurn(async () => {
    change.state = (await post("/api/resolve", { path: change.path, how })).state;
    change.resolution = how;
    draw();
    if (change === state.current) await open(change, true);
  }),
};

const hunks = () => [...document.querySelectorAll(".hunk")];

function setHunk(box, wanted) {
  box.classList.toggle("is-wanted", wanted);
  box.querySelector("input").checked = wanted;
}

async function askPlan() {
  await turn;
  try {
    showPlan(await showing(post("/api/plan", {})));
  } catch (error) {
    toast(error.message, true);
  }
  draw();
}

function showPlan(plan) {
  const dangerous = new Set(state.changes.filter((each) => each.dangers?.length).map((each) => each.path));
  const yes = plan.held_back.filter(([path]) => dangerous.has(path));
  const ticks = yes.map(([path, shown, reason]) => {
    const tick = h("input", { type: "checkbox", value: path });
    return [tick, h("li", {}, h("label", {}, tick, h("code", {}, shown), h("span", { class: "soft" }, reason)))];
  });
  const list = (title, entries) => (entries.length ? [h("h3", {}, title), h("ul", {}, ...entries.slice(0, 200).map(([, shown, reason]) =>
    h("li", {}, h("code", {}, shown), " ", h("span", { class: "soft" }, reason))))] : []);
  const go = h("button", { class: "primary", type: "button", disabled: plan.conflicts.length > 0, on: { click: () => apply(ticks.filter(([tick]) => tick.checked).map(([tick]) => tick.value)) } }, "");
  const label = () => say(go, `Apply ${number(plan.count + ticks.filter(([tick]) => tick.checked).length)} changes`);
  for (const [tick] of ticks) tick.addEventListener("change", label);
  label();
  fill($("plan"), h("h2", {}, "Apply to the project"),
    h("p", {}, `${number(plan.count)} changes go to the project${plan.required.length ? `, ${number(plan.required.length)} of them because others need them` : ""}. \`vibedom undo\` takes them back.`),
    ...list("Changed on both sides: decide on each of them first", plan.conflicts),
    ...(ticks.length ? [h("h3", {}, "Something on this machine could run these. Each needs a yes of its own:"), h("ul", {}, ...ticks.map(([, item]) => item))] : []),
    ...list("Left out", [...plan.skipped, ...plan.held_back.filter((each) => !yes.includes(each))]), ...list("Note", plan.notes),
    h("div", { class: "acts" }, h("button", { type: "button", on: { click: () => $("plan").close() } }, "Cancel"), go));
  $("plan").showModal();
}

function apply(dangerous) {
  $("plan").close();
  return inTurn(async () => {
    const done = await showing(post("/api/apply", { dangerous }));
    await load();
    toast(`${number(done.count)} changes applied; \`vibedom undo\` takes them back`);
  });
}

function step(by) {
  const at = tree.shown.indexOf(state.current);
  const next = tree.shown[Math.min(tree.shown.length - 1, Math.max(0, at + by))];
  if (next && next !== state.current) open(next);
}

function stepHunk(by) {
  const boxes = hunks();
  if (!boxes.length) return;
  boxes[state.hunk]?.classList.remove("is-current");
  state.hunk = Math.min(boxes.length - 1, Math.max(0, state.hunk + by));
  boxes[state.hunk].classList.add("is-current");
  boxes[state.hunk].scrollIntoView({ block: "center" });
}

const KEYS = {
  j: () => step(1), k: () => step(-1), n: () => stepHunk(1), p: () => stepHunk(-1),
  " ": () => state.current && acts.choose([state.current], state.current.state !== "all"),
  x: () => { const box = hunks()[Math.max(0, state.hunk)]; if (box) acts.hunk(state.current, Math.max(0, state.hunk), !box.classList.contains("is-wanted")); },
  a: chooseSafe, A: askPlan, "/": () => $("search").focus(), "?": () => $("help").showModal(), t: toggleTheme,
};

function chooseSafe() {
  const safe = state.changes.filter((each) => isSafe(each) && each.state !== "all");
  if (safe.length) acts.choose(safe, true);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open || $("plan").open) return;
  if (event.target.matches("input[type=search]")) {
    if (event.key === "Escape" || event.key === "Enter") event.target.blur();
    return;
  }
  if (event.target.matches("button, input") && (event.key === " " || event.key === "Enter")) return;
  if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  }
}

async function start() {
  setUpTheme();
  if (!(await enter())) return close("Open it with the link that `vibedom review --web` prints. Each link works once.");
  tree = new Tree($("tree"), acts);
  $("search").addEventListener("input", () => draw());
  $("all").addEventListener("click", chooseSafe);
  $("none").addEventListener("click", () => acts.choose(state.changes, false));
  $("apply").addEventListener("click", askPlan);
  $("help-button").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", onKey);
  try {
    await load();
  } catch (error) {
    close(`${error.message}. Run \`vibedom review --web\` again for a new link: each works once.`);
  }
}

start().catch((error) => close(error.message));
