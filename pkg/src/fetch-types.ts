/** Requests and responses of Fetch, also for programs that compile without the types of a platform. */

/** What is used of a `Request`. */
export interface MinimalRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  /** A `ReadableStream` of bytes. */
  readonly body: unknown;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What a `Response` has at least. */
export interface MinimalResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** `Request`, where the program's types know it. */
export type FetchRequest = typeof globalThis extends { Request: { prototype: infer R } } ? R : MinimalRequest;
/** `Response`, where the program's types know it. */
export type FetchAnswer = typeof globalThis extends { Response: { prototype: infer R } } ? R : MinimalResponse;
