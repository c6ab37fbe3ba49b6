/** Rooms that came from other servers, as files that `fedproof room` reads. */
import { type FileHandle, open, rm } from "node:fs/promises";
import { type KeyFetch, type SigningKey, signJson } from "../../index.js";
import { UsageError } from "../usage.js";

const DAY = 24 * 60 * 60 * 1000;

/** The key responses that were fetched on the way, each server's last. */
export class KeyDocuments {
  readonly #documents = new Map<string, string>();

  take({ fetched }: KeyFetch): void {
    for (const { server_name, document } of fetched) this.#documents.set(server_name, document);
  }

  /** Our own, which nobody has to be asked for. */
  takeOwn(serverName: string, key: SigningKey): void {
    const response = {
      server_name: serverName,
      valid_until_ts: Date.now() + DAY,
      verify_keys: { [key.keyId]: { key: key.publicKey } },
      old_verify_keys: {},
    };
    this.#documents.set(serverName, signJson(response, { serverName, key }));
  }

  /** As the members of an array. */
  toString(): string {
    return [...this.#documents.values()].join(",\n");
  }
}

/** The text of a room file: what `Room.save` gave, with the room's ID and the keys before it. */
export function roomFile(roomId: string, keys: KeyDocuments, saved: string): string {
  return `{"room_id":${JSON.stringify(roomId)},"server_keys":[\n${keys.toString()}\n],${saved.slice(1)}`;
}

/** A room file of plain events. */
export function eventsFile(roomId: string, roomVersion: string, keys: KeyDocuments, pdus: readonly string[]): string {
  return roomFile(roomId, keys, `{"room_version":${JSON.stringify(roomVersion)},"pdus":[\n${pdus.join(",\n")}\n]}\n`);
}

/** A new file, opened before anybody is asked: what was fetched shall not be lost for a wrong name. */
export class SavedFile {
  #written = false;

  private constructor(
    readonly path: string,
    readonly file: FileHandle,
  ) {}

  static async create(path: string | undefined): Promise<SavedFile | undefined> {
    if (path === undefined) return undefined;
    try {
      return new SavedFile(path, await open(path, "wx"));
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException;
      const why = code === "EEXIST" ? `${path} exists, and is not overwritten` : `${path} cannot be written: ${message}`;
      throw new UsageError(why, { code: "output_unwritable" });
    }
  }

  async write(text: string | Uint8Array): Promise<void> {
    await this.file.writeFile(text);
    this.#written = true;
  }

  /** One that nothing was written to goes away. */
  async close(): Promise<void> {
    await this.file.close();
    if (!this.#written) await rm(this.path, { force: true });
  }
}
