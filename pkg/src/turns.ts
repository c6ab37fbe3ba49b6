/** Letting others run, and pausing, with what the platform has. */

let turn: ((next: () => void) => void) | undefined;

/** Runs `next` as a task of its own: events, timers and rendering come before it. */
export function nextTurn(next: () => void): void {
  turn ??= findTurn();
  turn(next);
}

function findTurn(): (next: () => void) => void {
  if (typeof setImmediate === "function") return (next) => void setImmediate(next);
  if (typeof MessageChannel !== "function") return (next) => void setTimeout(next, 0);
  // Browsers hold timers back, to 4 ms or, in hidden pages, to a second.
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (next) => {
    waiting.push(next);
    port2.postMessage(undefined);
  };
}

/** What timers can hold, in milliseconds: they take a longer time for none. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** Resolves after so many milliseconds; never, and without a timer left, once `signal` has fired. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0) return nextTurn(resolve);
    let left = ms;
    let timer: ReturnType<typeof setTimeout>;
    const stop = (): void => clearTimeout(timer);
    const go = (): void => {
      const now = Math.min(left, LONGEST_TIMER);
      left -= now;
      timer = setTimeout(() => {
        if (left > 0) return go();
        signal.removeEventListener("abort", stop);
        resolve();
      }, now);
    };
    if (signal.aborted) return;
    signal.addEventListener("abort", stop);
    go();
  });
}
