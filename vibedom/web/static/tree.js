// The list of changes: what deserves a look first, conflicts, then the tree. Folders open when they are asked for.
import { fill, h, visible } from "/static/dom.js";
import { number } from "/static/words.js";

const MARKS = { added: "A", modified: "M", deleted: "D", mode: "m", type: "T" };
const MOST_SHOWN = 400;
const OPEN_BELOW = 60;

export const isHeldBack = (change) => (change.dangers ?? []).some((each) => each.is_auto_run || each.needs_yes);
export const isDangerous = (change) => (change.dangers ?? []).some((each) => each.severity !== "low");
export const isSafe = (change) => !isHeldBack(change) && !change.conflict;

export class Tree {
  /** `acts.open(change)`, `acts.choose(changes, wanted)`. */
  constructor(box, acts) {
    this.box = box;
    this.acts = acts;
    this.open = new Map();
    this.room = new Map(); // by folder: how many of its lines are drawn, where that is more than usual
    this.nest = { changes: null, filter: "", root: null };
    this.shown = [];
    this.elements = new Map();
  }

  show(changes, filter, current) {
    const matching = filter ? changes.filter((each) => each.shown.toLowerCase().includes(filter.toLowerCase())) : changes;
    this.shown = [];
    this.elements.clear();
    this.current = current;
    const first = matching.filter(isDangerous).sort((one, other) => isHeldBack(other) - isHeldBack(one));
    const conflicts = matching.filter((each) => each.conflict && !isDangerous(each));
    const rest = matching.filter((each) => !isDangerous(each) && !each.conflict);
    fill(this.box,
      ...this.group("Look at these first", "bad", first), ...this.group("Changed on both sides", "warn", conflicts),
      ...(rest.length ? [h("h2", {}, `Changes (${number(rest.length)})`), ...this.folder(this.nested(rest, changes, filter), "", 0, Boolean(filter))] : []),
      ...(matching.length ? [] : [h("p", { class: "notice" }, changes.length ? "No path is like that." : "Nothing is left to review.")]));
  }

  /** The folders, made once for one list and filter: drawing again after a tick must not cost what reading did. */
  nested(rest, changes, filter) {
    if (this.nest.changes !== changes || this.nest.filter !== filter || this.nest.root.all.length !== rest.length) {
      this.nest = { changes, filter, root: nested(rest) };
    }
    return this.nest.root;
  }

  group(title, kind, changes) {
    if (!changes.length) return [];
    const room = this.roomOf(title);
    const shown = changes.slice(0, room).map((each) => this.entry(each, each.shown, 0, true));
    return [h("h2", { class: kind }, `${title} (${number(changes.length)})`), ...shown, ...this.more(title, changes.length - room)];
  }

  roomOf(key) {
    return this.room.get(key) ?? MOST_SHOWN;
  }

  more(key, left) {
    if (left <= 0) return [];
    const grow = () => { this.room.set(key, this.roomOf(key) + MOST_SHOWN); this.acts.redraw(); };
    return [h("button", { type: "button", class: "more", on: { click: grow } }, `${number(left)} more: show ${Math.min(left, MOST_SHOWN)}`)];
  }

  folder(node, path, depth, isOpen) {
    const made = [];
    const room = this.roomOf(path);
    for (const [name, inner] of [...node.folders].slice(0, room)) {
      const key = `${path}/${name}`;
      const opened = this.open.get(key) ?? (isOpen || inner.all.length <= OPEN_BELOW);
      const states = new Set(inner.all.map((each) => each.state ?? "none"));
      const tick = h("input", { type: "checkbox", ariaLabel: `all of ${visible(name)}`, checked: states.size === 1 && states.has("all"),
        indeterminate: states.size > 1 || states.has("some"), on: { change: () => this.acts.choose(inner.all, tick.checked) } });
      const line = h("div", { class: "folder" }, tick,
        h("button", { type: "button", on: { click: () => { this.open.set(key, !opened); this.acts.redraw(); } } },
          `${opened ? "▾" : "▸"} ${visible(name)}/ `, h("span", {}, number(inner.all.length))));
      line.style.paddingLeft = `${15 + depth * 14}px`;
      made.push(line, ...(opened ? this.folder(inner, key, depth + 1, isOpen) : []));
    }
    const shown = node.files.slice(0, Math.max(0, room - node.folders.size));
    made.push(...shown.map(([name, change]) => this.entry(change, name, depth, false)));
    return [...made, ...this.more(path, node.folders.size + node.files.length - room)];
  }

  entry(change, name, depth, hasReason) {
    const tick = h("input", { type: "checkbox", checked: change.state === "all", indeterminate: change.state === "some",
      ariaLabel: `take ${change.shown}`, on: { change: () => this.acts.choose([change], tick.checked), click: (event) => event.stopPropagation() } });
    const reason = change.conflict || (change.dangers ?? [])[0]?.reason;
    const element = h("div", { class: change === this.current ? "entry is-open" : "entry", data: { kind: change.kind, path: change.path },
      title: change.shown, on: { click: () => this.acts.open(change) } },
    tick, h("span", { class: "mark" }, MARKS[change.kind] ?? "?"), h("span", { class: "name" }, name + (change.type === "directory" ? "/" : "")),
    h("span", { class: "soft" }, change.note ?? ""), ...(hasReason && reason ? [h("span", { class: "why" }, reason)] : []));
    element.style.paddingLeft = `${12 + depth * 14}px`;
    this.shown.push(change);
    this.elements.set(change, element);
    return element;
  }
}

/** Changes by folder. Names are drawn text: a path shown as `a\u{2f}b` is one name. */
function nested(changes) {
  const root = { folders: new Map(), files: [], all: changes };
  for (const change of changes) {
    const names = change.shown.split("/");
    let node = root;
    for (const name of names.slice(0, -1)) {
      if (!node.folders.has(name)) node.folders.set(name, { folders: new Map(), files: [], all: [] });
      node = node.folders.get(name);
      node.all.push(change);
    }
    node.files.push([names.at(-1), change]);
  }
  return root;
}
