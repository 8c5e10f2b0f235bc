// What of the flows is shown.

const FIELDS = ["host", "rule", "session", "path", "method", "status", "reason", "kind", "context"];

/** A test of rows for words such as `host:example rule:aws -status:200 text`. */
export function parse(text) {
  const tests = text.trim().split(/\s+/).filter(Boolean).map(testOf);
  return (row) => tests.every((test) => test(row));
}

function testOf(word) {
  const isNot = word.length > 1 && word.startsWith("-");
  const [name, ...rest] = (isNot ? word.slice(1) : word).split(":");
  const value = rest.join(":").toLowerCase();
  const test = FIELDS.includes(name) && rest.length
    ? (row) => fieldOf(row, name).toLowerCase().includes(value)
    : (row) => row.text.includes((isNot ? word.slice(1) : word).toLowerCase());
  return isNot ? (row) => !test(row) : test;
}

function fieldOf(row, name) {
  if (name === "rule") return (row.findings ?? []).map((f) => f.rule).join(" ") + " " + (row.rule ?? "");
  return String(row[name] ?? "");
}

/** Everything of a row that a plain word is looked for in. */
export function textOf(row) {
  const found = (row.findings ?? []).map((f) => f.rule + " " + f.location).join(" ");
  return [row.session, row.method, row.host, row.path, row.status, row.reason, row.rule, row.note, row.question, found]
    .join(" ").toLowerCase();
}
