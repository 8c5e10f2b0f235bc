// The table of flows. Only the rows in sight exist as elements, so ten thousand cost as much as forty.
import { h, say, visible } from "/static/dom.js";
import { bytes, clock, milliseconds } from "/static/words.js";

const HEIGHT = 28;
const SPARE = 8;

export class Flows {
  /** `picked` is called with the selected row, or null. */
  constructor(box, picked) {
    this.box = box;
    this.picked = picked;
    this.rows = [];
    this.selected = null;
    this.pool = [];
    this.sizer = h("div", { class: "sizer" });
    box.append(this.sizer);
    box.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.ask()).observe(box);
  }

  /** Show these rows, the newest first. Where the user has scrolled down, what is in sight stays there. */
  show(rows) {
    const top = Math.floor(this.box.scrollTop / HEIGHT);
    const anchor = this.box.scrollTop > 0 ? this.rows[top]?.id : null;
    this.rows = rows;
    this.sizer.style.height = `${rows.length * HEIGHT}px`;
    if (anchor) {
      const at = rows.findIndex((row) => row.id === anchor);
      if (at > top) this.box.scrollTop += (at - top) * HEIGHT;
    }
    this.ask();
  }

  /** Draw before the next frame, once. */
  ask() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / HEIGHT) - SPARE);
    const count = Math.ceil(this.box.clientHeight / HEIGHT) + 2 * SPARE;
    const shown = this.rows.slice(first, first + count);
    while (this.pool.length < shown.length) this.pool.push(this.element());
    this.pool.forEach((element, at) => {
      const row = shown[at];
      element.hidden = !row;
      if (row) this.write(element, row, first + at);
    });
  }

  element() {
    const part = (name) => h("span", { class: name });
    const element = h("div", { class: "flow", on: { click: () => this.select(element.row) } });
    element.setAttribute("role", "option");
    element.where = [h("span", { class: "host" }), h("span", { class: "path" })];
    element.found = part("found");
    element.append(part("time"), part("who"), part("verdict"), part("method"), h("span", {}, ...element.where),
      element.found, part("status"), part("size"), part("taken"));
    this.sizer.append(element);
    return element;
  }

  write(element, row, at) {
    element.style.transform = `translateY(${at * HEIGHT}px)`;
    element.classList.toggle("is-selected", row.id === this.selected);
    element.setAttribute("aria-selected", row.id === this.selected);
    if (element.row?.id === row.id && element.change === row.change) return;
    element.row = row;
    element.change = row.change;
    const [time, who, verdict, method, , , status, size, taken] = element.children;
    element.dataset.verdict = row.verdict ?? "allow";
    say(time, clock(row.time));
    say(who, row.session);
    who.title = visible(row.session);
    say(verdict, row.verdict === "deny" ? "blocked" : row.kind === "session" ? "session" : "allowed");
    say(method, row.kind === "dns" ? `DNS ${row.question ?? ""}` : row.kind === "message" ? "message" : row.method ?? "");
    say(element.where[0], row.kind === "session" ? row.note : (row.host || "(no host)") + portOf(row));
    say(element.where[1], row.path ?? "");
    say(status, row.status || "");
    status.className = row.status >= 400 ? "status is-error" : "status";
    say(size, row.sent || row.received ? bytes((row.sent ?? 0) + (row.received ?? 0)) : "");
    say(taken, row.duration_ms ? milliseconds(row.duration_ms) : "");
    element.found.replaceChildren(...badges(row));
  }

  select(row) {
    this.selected = row && row.id !== this.selected ? row.id : row ? this.selected : null;
    this.picked(row ?? null);
    this.ask();
  }

  /** Move the selection by `step` rows and keep it in sight. */
  move(step) {
    if (!this.rows.length) return;
    const now = this.rows.findIndex((row) => row.id === this.selected);
    const at = Math.min(this.rows.length - 1, Math.max(0, now < 0 ? 0 : now + step));
    const top = at * HEIGHT;
    const room = this.box.clientHeight;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top + HEIGHT > this.box.scrollTop + room) this.box.scrollTop = top + HEIGHT - room;
    this.select(this.rows[at]);
  }
}

const portOf = (row) => (row.port && ![80, 443, 53].includes(row.port) ? `:${row.port}` : "");

function badges(row) {
  const counts = new Map();
  for (const each of row.findings ?? []) counts.set(each.rule, { ...each, count: (counts.get(each.rule)?.count ?? 0) + 1 });
  const made = [...counts.values()].slice(0, 2).map((each) => h(
    "span", { class: each.action === "allow" ? "badge" : "badge warn", title: `${each.action}: ${visible(each.location)}` },
    each.count > 1 ? `${each.rule} ×${each.count}` : each.rule));
  if (counts.size > 2) made.push(h("span", { class: "badge" }, `+${counts.size - 2}`));
  if (!made.length && row.verdict === "deny") made.push(h("span", { class: "badge bad" }, row.reason));
  else if (!made.length && row.unscanned) made.push(h("span", { class: "badge" }, `unread: ${row.unscanned}`));
  return made;
}
