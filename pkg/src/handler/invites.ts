/** Invites of our users by other servers. */
import { FedproofError, kindOf } from "../errors.js";
import type { Federation } from "../federation.js";
import { checkInvite, type InviteJudgment } from "../handover.js";
import type { Awaitable } from "../host.js";
import { encodeText } from "../input.js";
import { signEvent, type SigningKey } from "../signing.js";
import { Refusal } from "./answer.js";
import type { InviteDecision, ReceivedInvite } from "./callbacks.js";
import { isObject } from "./edus.js";
import type { Deadline } from "./limits.js";
import type { RoomsHeld } from "./rooms.js";

/** Who decides, and who is told. */
export interface InviteListeners {
  decideInvite?: ((invite: ReceivedInvite) => Awaitable<InviteDecision>) | undefined;
  onInvite?: ((invite: ReceivedInvite) => Awaitable<unknown>) | undefined;
}

/** A request to sign an invite. */
export interface InviteRequest {
  version: "v1" | "v2";
  roomId: string;
  eventId: string;
  body: Uint8Array;
  origin: string;
}

export class Invites {
  constructor(
    readonly federation: Federation,
    readonly key: SigningKey,
    readonly rooms: RoomsHeld,
    readonly listeners: InviteListeners,
  ) {}

  /**
   * Signs an invite, if it is to be.
   *
   * @returns The answer, JSON text.
   * @throws Refusal Why it is not signed; FedproofError or anything else when a callback fails.
   * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
   */
  async receive(request: InviteRequest, deadline: Deadline): Promise<string> {
    const { version, roomId, origin } = request;
    const room = await this.rooms.find(roomId);
    const acl = room && this.rooms.check(room, origin);
    if (acl?.allowed === false) throw new Refusal(403, "M_FORBIDDEN", acl.reason);
    const invite = await this.#judge(request, deadline);
    await this.#decide(invite);
    const { serverName } = this.federation;
    const event = signEvent(invite.event, { serverName, key: this.key, roomVersion: invite.roomVersion });
    await this.listeners.onInvite?.({ ...invite, event });
    return version === "v1" ? `[200,{"event":${event}}]` : `{"event":${event}}`;
  }

  async #judge({ version, roomId, eventId, body, origin }: InviteRequest, deadline: Deadline): Promise<ReceivedInvite> {
    const { serverName, keys } = this.federation;
    const asked = version === "v1" ? asOfV2(body) : body;
    const judge = (): InviteJudgment => {
      try {
        return checkInvite(asked, { serverName, origin, roomId, eventId, keys });
      } catch (thrown) {
        if (!(thrown instanceof FedproofError) || thrown.code === "wasm_trap") throw thrown;
        throw new Refusal(400, thrown.errcode ?? "M_BAD_JSON", thrown.message, { cause: thrown });
      }
    };
    let judged = judge();
    if (judged.outcome === "incomplete") {
      const wanted = judged.missing.map((missing) => {
        const [server = "", keyId] = missing.split(" ");
        return { serverName: server, keyId };
      });
      await deadline.ask((limits) => this.federation.queryKeys(wanted, limits));
      judged = judge();
    }
    if (judged.outcome !== "accepted") throw new Refusal(judged.status ?? 400, judged.errcode, `${judged.reason} (${judged.code})`);
    const { verdict, event, room_version: roomVersion, room_state: roomState } = judged;
    // An invite that was accepted has both.
    const { sender = "", state_key: userId = "" } = verdict;
    return { origin, roomId, roomVersion, eventId, sender, userId, event, roomState };
  }

  /** Nobody but the host knows who our users are: without its word, nothing is signed. */
  async #decide(invite: ReceivedInvite): Promise<void> {
    const { decideInvite } = this.listeners;
    const decided: unknown = decideInvite === undefined ? false : await decideInvite({ ...invite });
    if (decided === true) return;
    if (decided === false) throw new Refusal(403, "M_FORBIDDEN", `${invite.userId} takes no invite of ${invite.sender}`);
    const { errcode, reason = `${invite.userId} takes no invites` } = isObject(decided) ? decided : {};
    if ((errcode === "M_FORBIDDEN" || errcode === "M_INVITE_BLOCKED") && typeof reason === "string") {
      throw new Refusal(403, errcode, reason);
    }
    const expected = 'true, false or {errcode: "M_FORBIDDEN" or "M_INVITE_BLOCKED", reason?}';
    throw new FedproofError("callback_failed", `decideInvite must give ${expected}; it gave ${kindOf(decided)}`);
  }
}

/** The body of a v1 request, which is the event itself, as one of v2. */
function asOfV2(body: Uint8Array): Uint8Array {
  const { unsigned } = JSON.parse(new TextDecoder().decode(body)) as { unsigned?: unknown };
  const state = JSON.stringify((isObject(unsigned) ? unsigned["invite_room_state"] : undefined) ?? []);
  const parts = [encodeText('{"room_version":"1","event":'), body, encodeText(`,"invite_room_state":${state}}`)];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
