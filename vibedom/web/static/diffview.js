// One change, side by side.
import { fill, h, visible } from "/static/dom.js";

const SEVERITIES = { critical: "bad", high: "bad", medium: "warn", low: "info" };
const WAYS = [["theirs", "take the agent's"], ["mine", "keep mine for good"], ["skip", "decide later"]];

/** Draw `diff` of `change` into `box`. `acts.choose`, `acts.hunk`, `acts.resolve` hear of what the user does. */
export function drawDiff(box, change, diff, acts) {
  const tick = h("input", { type: "checkbox", id: "take", checked: change.state === "all", indeterminate: change.state === "some",
    on: { change: () => acts.choose([change], tick.checked) } });
  const header = h("header", {},
    h("div", { class: "title" }, h("h2", {}, change.shown), h("span", { class: "badge" }, change.kind),
      ...(change.note ? [h("span", { class: "soft" }, change.note)] : []), h("label", {}, tick, "take this change")),
    ...reasons(change), ...conflict(change, diff, acts));
  const rest = diff.left_out ? [h("p", { class: "notice" }, `${diff.left_out} more lines are not shown here: vibedom diff has them all.`)] : [];
  fill(box, header, ...(diff.obstacle ? [h("p", { class: "notice" }, diff.obstacle)] : []),
    ...(!diff.obstacle && !diff.hunks.length ? [h("p", { class: "notice" }, "The content is the same.")] : []),
    ...diff.hunks.map((hunk, number) => hunkOf(hunk, number, change, diff, acts)), ...rest);
  box.scrollTop = 0;
}

function reasons(change) {
  if (!change.dangers?.length) return [];
  return [h("ul", { class: "reasons" }, ...change.dangers.map((each) => h("li", {},
    h("span", { class: `badge ${SEVERITIES[each.severity] ?? ""}` }, each.severity), h("span", {}, each.reason))))];
}

function conflict(change, diff, acts) {
  if (!change.conflict) return [];
  const ways = WAYS.map(([how, text]) => h("label", {},
    h("input", { type: "radio", name: "resolution", value: how, checked: diff.resolution === how, on: { change: () => acts.resolve(change, how) } }), text));
  return [h("div", { class: "conflict" }, h("strong", {}, change.conflict), ...ways)];
}

function hunkOf(hunk, number, change, diff, acts) {
  const tick = h("input", { type: "checkbox", checked: hunk.is_wanted, disabled: !diff.is_splittable && diff.hunks.length > 1 && number > 0,
    on: { change: () => acts.hunk(change, number, tick.checked) } });
  const element = h("section", { class: hunk.is_wanted ? "hunk is-wanted" : "hunk", data: { number: String(number) } },
    h("label", {}, tick, hunk.title), h("div", { class: "lines" }, ...hunk.rows.flatMap(cells)));
  return element;
}

function cells([kind, oldNumber, oldText, newNumber, newText]) {
  const [old, fresh] = kind === "changed" ? marked(oldText, newText) : [[oldText], [newText]];
  const side = (number, parts, name) => [h("span", { class: `no ${number === null ? "is-void" : name}` }, number ?? ""),
    h("span", { class: `text ${number === null ? "is-void" : name}` }, ...parts)];
  const isSame = kind === "same";
  return [...side(oldNumber, tabbed(old), isSame ? "" : "is-old"), ...side(newNumber, tabbed(fresh), isSame ? "" : "is-new")];
}

/** What differs between two lines stands out: all between their common start and their common end. */
function marked(old, fresh) {
  let start = 0;
  while (start < old.length && start < fresh.length && old[start] === fresh[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < fresh.length - start && old.at(-1 - end) === fresh.at(-1 - end)) end += 1;
  if (start + end < 3) return [[old], [fresh]];
  return [old, fresh].map((text) => [text.slice(0, start), h("mark", {}, ...tabbed([text.slice(start, text.length - end)])), text.slice(text.length - end)]);
}

/** A tab is no control character in a diff. */
function tabbed(parts) {
  return parts.map((part) => (typeof part === "string" ? document.createTextNode(part.split("\t").map(visible).join("\t")) : part));
}
