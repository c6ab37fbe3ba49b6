/** Times in words. */

const SECOND = 1000;
const UNITS = [
  ["year", 365 * 24 * 3600 * SECOND],
  ["day", 24 * 3600 * SECOND],
  ["hour", 3600 * SECOND],
  ["minute", 60 * SECOND],
  ["second", SECOND],
] as const;

/** `2026-11-25 15:31 UTC`; a time that no calendar has, as its number. */
export function moment(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `in 2 days`, `3 hours ago`. */
export function fromNow(ms: number, now = Date.now()): string {
  const distance = Math.abs(ms - now);
  const [unit, length] = UNITS.find(([, least]) => distance >= least) ?? (["second", SECOND] as const);
  return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(Math.trunc((ms - now) / length), unit);
}
