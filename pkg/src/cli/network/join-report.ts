/** A join, for people. */
import type { JoinedRoom } from "../../index.js";
import { MARKS, paintKind } from "../outcome.js";
import { roomReasonsOf } from "../room-reasons.js";
import { type Paint, plural, printable } from "../style.js";
import { hung } from "./ladder.js";

const MOST = 20;
const LABEL = 12;

export interface ShownJoin {
  roomId: string;
  joined: JoinedRoom;
  /** The file that the room is in. */
  saved: string | undefined;
}

export function joinText({ roomId, joined, saved }: ShownJoin, width: number, paint: Paint): string {
  const { server, room_version, failures, keys, report, room } = joined;
  const { verdict, state, fallen, missing, partial, serversInRoom } = report;
  const lines = ["", `${paint("bold", printable(roomId))}  ${paint("dim", `room version ${room_version}`)}`, ""];
  for (const { server_name, message, code } of failures) {
    lines.push(...hung(`${mark("fail", paint)} ${printable(server_name)}: ${printable(message)} (${code})`, 0, width));
  }
  const isIn = verdict.outcome === "accepted";
  lines.push(...hung(`${mark(isIn ? "pass" : "fail", paint)} ${printable(server)} took the join; by the state that it gave, it is ${paintKind(verdict, paint)}`, 0, width));
  lines.push("");
  for (const [index, one] of fallen.slice(0, MOST).entries()) lines.push(roomReasonsOf(one, index + 1, width, paint));
  if (fallen.length > MOST) lines.push(paint("dim", `… and ${plural(fallen.length - MOST, "event")} more; --json tells the reasons of all`), "");
  if (!isIn) lines.push(roomReasonsOf(verdict, fallen.length + 1, width, paint));
  const fact = (label: string, value: string): void => {
    lines.push(...hung(`${paint("dim", label.padEnd(LABEL))}${value}`, 0, width));
  };
  fact("join", printable(verdict.event_id ?? joined.event_id));
  fact("state", `${plural(state.taken, "event")} taken, ${state.fallen.length.toLocaleString("en")} fell out${partial ? "; members were left out" : ""}`);
  if (isIn) fact("now", `${room.currentState().length.toLocaleString("en")} entries in the state`);
  if (missing.length > 0) fact("missing", `${plural(missing.length, "event")} that others rest on`);
  if (serversInRoom) fact("servers", `${plural(serversInRoom.length, "server")} in the room, by word of ${printable(server)}`);
  const silent = new Set(keys.failed.map(({ server_name }) => server_name));
  for (const { server_name } of keys.fetched) silent.delete(server_name);
  fact("keys", `of ${plural(keys.fetched.length, "server")} fetched${silent.size > 0 ? `, of ${silent.size.toLocaleString("en")} not to be had` : ""}`);
  for (const { server_name, reason, code } of keys.failed.filter(({ server_name }) => silent.has(server_name)).slice(0, MOST)) {
    lines.push(...hung(paint("dim", printable(`${server_name}: ${reason} (${code})`)), LABEL, width));
  }
  if (saved !== undefined) fact("saved", `${printable(saved)}; see fedproof room ${printable(saved)} --state`);
  return lines.map((line) => `${line}\n`).join("");
}

function mark(result: keyof typeof MARKS, paint: Paint): string {
  return paint(MARKS[result].format, MARKS[result].mark);
}
