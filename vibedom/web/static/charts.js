// The two small charts, as SVG.
import { fill, s } from "/static/dom.js";
import { seconds } from "/static/words.js";

const WIDTH = 300;
const HEIGHT = 62;
const MINUTES = 60;

/** Requests, findings and blocked of the last hour; one bar a minute. */
export function drawMinutes(box, minutes) {
  const now = Math.floor(Date.now() / 60000);
  const last = Math.max(now, ...minutes.map((each) => each.at));
  const byMinute = new Map(minutes.map((each) => [each.at, each]));
  const most = Math.max(1, ...minutes.map((each) => Math.max(each.requests, each.findings + each.blocked)));
  const step = WIDTH / MINUTES;
  const marks = [];
  for (let at = 0; at < MINUTES; at += 1) {
    const each = byMinute.get(last - MINUTES + 1 + at);
    if (!each) continue;
    const bar = (name, count, below) => {
      const tall = (count / most) * HEIGHT;
      if (count) marks.push(s("rect", { class: name, x: at * step + 0.5, width: step - 1, rx: 1,
        y: HEIGHT - (below / most) * HEIGHT - Math.max(1.5, tall), height: Math.max(1.5, tall) }));
    };
    bar("requests", each.requests, 0);
    bar("findings", each.findings, 0);
    bar("blocked", each.blocked, each.findings);
  }
  fill(box, frame(...marks, label(0, "60 min ago", "start"), label(WIDTH, "now", "end"), label(WIDTH / 2, `up to ${most}/min`, "middle")));
}

/** How long the calls of the scrubber took; one bar a bucket. */
export function drawLatency(box, latency) {
  const most = Math.max(1, ...latency.counts);
  const step = WIDTH / latency.counts.length;
  const marks = latency.counts.map((count, at) => {
    const tall = count ? Math.max(2, (count / most) * HEIGHT) : 0;
    return s("rect", { class: "step", x: at * step + 1, width: step - 2, y: HEIGHT - tall, height: tall, rx: 1.5 });
  });
  const middle = Math.floor(latency.bounds.length / 2);
  fill(box, frame(...marks, label(0, `≤ ${seconds(latency.bounds[0])}`, "start"),
    label((middle + 0.5) * step, seconds(latency.bounds[middle]), "middle"), label(WIDTH, `> ${seconds(latency.bounds.at(-1))}`, "end")));
}

const frame = (...marks) => s("svg", { viewBox: `0 0 ${WIDTH} 76`, preserveAspectRatio: "none", role: "img" },
  s("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5 }), ...marks);

const label = (x, text, anchor) => s("text", { x, y: 74, "text-anchor": anchor }, text);
