/** Everything the package offers, whichever way the module is loaded. */
export { FedproofError } from "./errors.js";
export type { EventInput, JsonInput } from "./input.js";
export {
  canonicalJson,
  type CanonicalJsonOptions,
  contentHash,
  eventId,
  type Numbers,
  parseServerName,
  redact,
  referenceHash,
  type RoomVersionInfo,
  roomVersions,
  type ServerName,
} from "./values.js";
export {
  type JsonSignatures,
  signEvent,
  SigningKey,
  signJson,
  type SignOptions,
  verifyEventSignatures,
  type VerifyEventSignaturesOptions,
  verifyJson,
  type VerifyJsonOptions,
} from "./signing.js";
export {
  type AddServerKeysOptions,
  type KeyLookup,
  type KeyReport,
  KeyRing,
  type PublishedKey,
  type TrustedKey,
} from "./keys.js";
export { type EventsInput, Session, verifyEvent, verifyEvents, type VerifyOptions } from "./session.js";
export type { Check, CheckName, CheckResult, Outcome, RuleStep, Verdict } from "./verdict.js";
export { type CodeInfo, verdictCodes } from "./codes.js";
export {
  authTypesForEvent,
  checkAuth,
  type CheckAuthOptions,
  type JudgeOptions,
  type PowerLevel,
  type PowerLevelDefect,
  powerLevels,
  type PowerLevels,
  type ReceiveContextOptions,
  receiveEvent,
  type ReceiveOptions,
  RoomContext,
  type RoomContextOptions,
  type StateKey,
} from "./auth.js";
export {
  type AclDecision,
  type EduRooms,
  type ProtectedEndpoint,
  ServerAcl,
} from "./acl.js";
export {
  checkInvite,
  type CheckInviteOptions,
  checkJoinAnswer,
  type CheckJoinAnswerOptions,
  type InviteJudgment,
  type JoinAnswer,
  signTemplate,
  type SignTemplateOptions,
} from "./handover.js";
export type { Arrival } from "./arrival.js";
export type { DraftOptions } from "./draft.js";
export type { Abortable } from "./pace.js";
export {
  type MissingKey,
  type RequestJudgment,
  type SignedRequest,
  signRequest,
  type SignRequestOptions,
  verifyRequest,
  type VerifyRequestOptions,
} from "./request-auth.js";
export {
  type AddedWithState,
  type AppliedEvent,
  type ArrivalOptions,
  type Gap,
  type GivenState,
  type GivenStateOptions,
  type JoinOptions,
  type JoinReport,
  type ResolutionTrace,
  type ResolvedState,
  resolveState,
  type ResolveStateOptions,
  Room,
  type RoomEvent,
  type RoomOptions,
  type StateEntry,
} from "./state.js";
export {
  type AddressesAnswer,
  type Awaitable,
  type Host,
  type HostCallOptions,
  type HostCapabilities,
  type HostErrorCode,
  type HttpsAnswer,
  type HttpsRequest,
  type SrvRecord,
} from "./host.js";
export { askHost, type HostAnswer, type HostQuestion } from "./ask-host.js";
export type { CallOptions, Progress } from "./call-options.js";
export type { Signal } from "./signal.js";
export {
  Federation,
  type FederationOptions,
  type JoinedRoom,
  type JoinRoomOptions,
  type KnockedRoom,
  type RequestAnswer,
  type RoomAt,
} from "./federation.js";
export type {
  AliasTarget,
  AuthChain,
  DroppedEvent,
  FetchedEvent,
  FetchedEvents,
  FetchedState,
  Gaps,
  KeyFetch,
  LeftOut,
  Membership,
  Profile,
  ProvenEvent,
  PublicRooms,
  Resolution,
  RoomSummary,
  Sent,
  ServerKeys,
  ServerVersion,
  Space,
  StateIds,
  StrippedEvent,
  TraceEntry,
} from "./federation-answers.js";
export type { FilledGap } from "./gap-filler.js";
export { type OldKey, publishedKeys, type PublishedKeysOptions } from "./published-keys.js";
export { createHandler, type Handler, type HandlerOptions, type Received } from "./handler.js";
export type { Edu, InviteDecision, ReceivedInvite, VerdictContext } from "./handler/callbacks.js";
export type { FetchAnswer, FetchRequest, MinimalRequest, MinimalResponse } from "./fetch-types.js";
