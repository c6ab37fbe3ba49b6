/** The rooms that we hold, and whom their ACLs let in. */
import { type AclDecision, ServerAcl } from "../acl.js";
import { FedproofError, kindOf } from "../errors.js";
import type { Awaitable } from "../host.js";
import type { KeyRing } from "../keys.js";
import { Room } from "../state.js";

export class RoomsHeld {
  readonly #acls = new WeakMap<Room, { eventId: string | undefined; acl: ServerAcl }>();

  constructor(
    readonly rooms: (roomId: string) => Awaitable<Room | undefined>,
    readonly keys: KeyRing,
  ) {}

  /** The room with this ID, if we hold it. @throws FedproofError `callback_failed` when the callback gives something else. */
  async find(roomId: string): Promise<Room | undefined> {
    const room: unknown = await this.rooms(roomId);
    if (room === undefined || room === null) return undefined;
    if (!(room instanceof Room)) {
      throw new FedproofError("callback_failed", `rooms must give a Room or undefined; it gave ${kindOf(room)}`);
    }
    if (room.keys !== this.keys) {
      const reason = "a room that rooms gives must have the keys of the federation (`keys: federation.keys`): keys are fetched for those";
      throw new FedproofError("callback_failed", reason);
    }
    return room;
  }

  /** May this server take part in the room, by its current ACL? */
  check(room: Room, server: string): AclDecision {
    const eventId = room.currentEvent("m.room.server_acl", "");
    let known = this.#acls.get(room);
    if (known === undefined || known.eventId !== eventId) {
      known?.acl.dispose();
      const event = eventId === undefined ? undefined : room.event(eventId)?.pdu;
      known = { eventId, acl: new ServerAcl(event) };
      this.#acls.set(room, known);
    }
    return known.acl.check(server);
  }
}
