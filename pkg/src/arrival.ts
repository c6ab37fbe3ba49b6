/** As what events come to a room. */
import { oneOf } from "./options.js";

/**
 * As what events come:
 * - `event`: as events that were sent;
 * - `backfill`: as history that was asked for: it is not held against the current state (checks 6 and 7),
 *   and does not change that;
 * - `outlier`: as events that others rest on (`auth_chain`) or that stand in a state. They are judged by
 *   checks 1 to 4, and have no place in the room until they come again as events.
 */
export type Arrival = "event" | "backfill" | "outlier";

/** An option that is an {@link Arrival}. */
export const toArrival = oneOf("event", "backfill", "outlier");
