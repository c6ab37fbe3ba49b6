// One table of everything measured.
import Table from "cli-table3";
import { bold, dim, green, red } from "../../tools/lib/say.mjs";

export function table({ rows, sizes, start }) {
  const table = new Table({ head: ["what", "ours", "theirs", "ratio", "goal", ""].map(bold), style: { head: [], border: [] }, colAligns: ["left", "right", "right", "right", "right", "left"] });
  const heading = (text) => table.push([{ colSpan: 6, content: bold(text) }]);
  let part;
  for (const row of rows) {
    if (row.part !== part) heading((part = row.part));
    table.push(row.atMost === undefined ? race(row) : cost(row));
  }
  if (start) {
    heading("From the start of a process to the first verdict, median of 15");
    const { bare, first } = start;
    table.push(["wall time, beside a bare start of node", milliseconds(first.wall), milliseconds(bare.wall), `+ ${milliseconds(first.wall - bare.wall)}`, "", ""]);
    table.push(["CPU time", milliseconds(first.cpu), milliseconds(bare.cpu), `+ ${milliseconds(first.cpu - bare.cpu)}`, "", ""]);
  }
  if (sizes) {
    table.push([{ colSpan: 6, content: bold("Size in KB") }], ["", "raw", "gzip", "brotli", "goal (gzip)", ""].map(dim));
    for (const { what, raw, gzip, brotli, atMost } of sizes) {
      table.push([what, kilobytes(raw), kilobytes(gzip), kilobytes(brotli), atMost ? `≤ ${kilobytes(atMost)}` : "", atMost ? mark(gzip <= atMost) : ""]);
    }
  }
  return `\n${table}\nCPU time an event, a resolution or an answer, medians; a ratio says how many times faster ours is (median over neighbouring blocks).`;
}

function race({ what, against, ours, theirs, ratio, goal }) {
  return [`${what}\n${dim(`against ${against}`)}`, microseconds(ours), microseconds(theirs), `${ratio.toFixed(ratio < 100 ? 2 : 0)}×`, goal ? `≥ ${goal}×` : "", goal ? mark(ratio >= goal) : ""];
}

function cost({ what, against, ours, atMost, unit = "µs" }) {
  const value = unit === "µs" ? microseconds(ours) : `${ours.toFixed(ours < 100 ? 2 : 0)} ${unit}`;
  return [`${what}\n${dim(`beside ${against}`)}`, value, "", "", `≤ ${atMost} ${unit}`, mark(ours <= atMost)];
}

const mark = (reached) => (reached ? green("ok") : red("missed"));
/** As seconds or milliseconds where these are easier to read. */
function microseconds(value) {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, "s"] : value >= 1e4 ? [value / 1e3, "ms"] : [value, "µs"];
  return `${scaled.toFixed(scaled < 100 ? 1 : 0)} ${unit}`;
}
const milliseconds = (value) => `${value.toFixed(1)} ms`;
const kilobytes = (bytes) => (bytes / 1000).toFixed(1);
