/** What a room came to when all of its events were received, and how it is told to programs. */
import type { Outcome, StateEntry, Verdict } from "../index.js";
import type { RoomReceiver } from "../receiver.js";
import { print } from "./output.js";
import { JsonReport, type Report } from "./report.js";
import { jsonLine } from "./style.js";

/** The last line of `fedproof room --json`. */
export interface RoomSummary {
  room_id: string | null;
  room_version: string;
  /** How many events came. */
  events: number;
  /** How many had each outcome; `incomplete` are those that wait. */
  outcomes: Record<Outcome, number>;
  /** How many came again, and have no verdict of their own. */
  repeated: number;
  /** How many came as part of a state that a server gave, and are accepted without a verdict of their own. */
  outliers?: number;
  waiting: number;
  /** The ids of events that others wait for and that did not come, or were dropped. */
  missing: string[];
  forward_extremities: string[];
  state: StateEntry[];
}

/** All that there is to tell in the end. */
export interface Received {
  summary: RoomSummary;
  /** Verdicts on the events that wait. */
  waiting: readonly Verdict[];
  /** What is missing, with how many events wait for each. */
  missing: readonly (readonly [eventId: string, waiting: number])[];
  /** For what the events of the state say. */
  room: RoomReceiver;
}

/** Is told the verdicts as they come, and in the end what they came to. */
export interface RoomReport extends Report {
  summary(received: Received): Promise<void>;
}

/** A verdict a line, then a line with the summary. */
export class JsonRoomReport extends JsonReport implements RoomReport {
  async summary({ summary, waiting }: Received): Promise<void> {
    await this.verdicts(waiting);
    await print(jsonLine({ summary }));
  }
}
