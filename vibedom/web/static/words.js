// Figures as people read them.

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (count >= 1000 && at < units.length - 1) { count /= 1000; at += 1; }
  return `${at && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[at]}`;
}

export const milliseconds = (ms) => (ms >= 10000 ? `${(ms / 1000).toFixed(1)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`);

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 0.001 ? `${Math.round(value * 1e6)} µs` : milliseconds(value * 1000);
}

/** A quantile of scrubbing times: JSON has no infinity, so one beyond all buckets comes as null. */
export function quantile(latency, name) {
  if (!latency?.counts.some(Boolean)) return "–";
  const value = latency[name];
  return value === null ? `> ${seconds(latency.bounds.at(-1))}` : `≤ ${seconds(value)}`;
}

export const number = (count) => (count ?? 0).toLocaleString("en-US");

/** Local time of day of an RFC 3339 time. */
export function clock(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const two = (value) => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
