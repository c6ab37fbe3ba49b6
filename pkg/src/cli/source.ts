/** Where bytes come from: a file, or standard input; read in chunks, and again where needed. */
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "./usage.js";

/** Large enough that crossing into the module costs nothing, small enough to be no memory. */
const CHUNK = 256 * 1024;

const MOST_HELD = 16 * 1024 * 1024;

/** Bytes that can be read from the start, and a second time when that was asked for in time. */
export interface Source {
  /** For messages. */
  readonly name: string;
  /** In bytes, where it is known. */
  readonly size: number | undefined;
  chunks(): AsyncIterable<Uint8Array>;
  /**
   * Says, while the first reading is on its way, whether there will be a second one. Until it is
   * said, the first megabytes of a stream are held in memory; what is more, and everything after a
   * yes, goes to a temporary file.
   */
  willReadAgain(yes: boolean): Promise<void>;
  close(): Promise<void>;
}

/** What a path is called in messages. */
export function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

/** Does its name say that it has an event a line? */
export function isNdjson(name: string): boolean {
  return /\.(ndjson|jsonl)$/i.test(name);
}

/** Opens a file, or standard input for `-`. */
export async function openSource(path: string): Promise<Source> {
  if (path === "-") return new StreamSource(nameOf(path), process.stdin);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) throw unreadable(path, { code: "EISDIR" });
  // A pipe under a file's name (such as a shell's <(…)) can be read but once.
  if (!found.isFile()) return new StreamSource(path, createReadStream(path));
  return new FileSource(path, found.size);
}

/** The whole of a source that must fit in memory, such as a key file. */
export async function readWhole(path: string): Promise<Uint8Array> {
  const source = await openSource(path);
  await source.willReadAgain(false);
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks()) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Bytes that are in memory already; `name` is for messages. */
export class MemorySource implements Source {
  readonly size: number;

  constructor(
    readonly name: string,
    readonly bytes: Uint8Array,
  ) {
    this.size = bytes.length;
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < this.bytes.length; at += CHUNK) yield this.bytes.subarray(at, at + CHUNK);
  }

  async willReadAgain(): Promise<void> {}

  async close(): Promise<void> {}
}

class FileSource implements Source {
  constructor(
    readonly name: string,
    readonly size: number,
  ) {}

  chunks(): AsyncIterable<Uint8Array> {
    return readable(createReadStream(this.name, { highWaterMark: CHUNK }), this.name);
  }

  async willReadAgain(): Promise<void> {}

  async close(): Promise<void> {}
}

class StreamSource implements Source {
  readonly size = undefined;
  /** What was read while it was not known whether it will be read again. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #spool: Spool | undefined;
  #keeping = true;
  #readings = 0;

  constructor(
    readonly name: string,
    readonly stream: NodeJS.ReadableStream,
  ) {}

  async *chunks(): AsyncIterable<Uint8Array> {
    this.#readings += 1;
    if (this.#readings > 1) {
      if (this.#spool) yield* this.#spool.chunks();
      return;
    }
    for await (const chunk of readable(this.stream, this.name)) {
      if (this.#keeping) await this.#keep(chunk);
      yield chunk;
    }
  }

  async willReadAgain(yes: boolean): Promise<void> {
    this.#keeping = yes;
    if (yes) await this.#toFile();
    this.#held = [];
  }

  async close(): Promise<void> {
    await this.#spool?.close();
  }

  async #keep(chunk: Uint8Array): Promise<void> {
    if (this.#spool) return this.#spool.write(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MOST_HELD) await this.#toFile();
  }

  async #toFile(): Promise<void> {
    if (this.#spool) return;
    this.#spool = await Spool.create();
    for (const chunk of this.#held) await this.#spool.write(chunk);
    this.#held = [];
  }
}

/** A temporary file that nobody else can read and that is gone when we are. */
class Spool {
  private constructor(
    readonly file: Awaited<ReturnType<typeof open>>,
    readonly folder: string,
  ) {}

  static async create(): Promise<Spool> {
    const folder = await mkdtemp(join(tmpdir(), "fedproof-"));
    const file = await open(join(folder, "input"), "wx+", 0o600);
    // Where the system allows it the name goes now, so that even a killed process leaves nothing.
    await rm(folder, { recursive: true, force: true }).catch(() => {});
    return new Spool(file, folder);
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.file.writeFile(chunk);
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    for (let at = 0; ; ) {
      const { bytesRead, buffer } = await this.file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async close(): Promise<void> {
    await this.file.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function* readable(stream: NodeJS.ReadableStream, name: string): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as unknown as Uint8Array;
  } catch (error) {
    throw unreadable(name, error as NodeJS.ErrnoException);
  }
}

function unreadable(path: string, error: { code?: string | undefined; message?: string }): UsageError {
  const reasons: Record<string, string> = {
    ENOENT: "there is no such file",
    EISDIR: "it is a folder",
    EACCES: "you may not read it",
  };
  const reason = reasons[error.code ?? ""] ?? error.message ?? "unknown reason";
  return new UsageError(`${path} cannot be read: ${reason}`, { code: "input_unreadable" });
}
