/**
 * The JSON documents of a file, for the commands that take one or many: a file that is one
 * document (pretty-printed or not), or NDJSON, a document a line.
 */
import { openSource, type Source } from "./source.js";
import { UsageError } from "./usage.js";

/** A document of a file. */
export interface Document {
  bytes: Uint8Array;
  /** Its line, when the file has one document a line. */
  line: number | undefined;
}

const NEWLINE = 0x0a;

/**
 * Yields the documents of a file. NDJSON is streamed: told by the file's name, or by a first line
 * that is JSON by itself with more behind it.
 */
export async function* documentsOf(path: string): AsyncIterable<Document> {
  const source = await openSource(path);
  await source.willReadAgain(false);
  const lines = linesOf(source);
  const first = await nextFilled(lines);
  if (first === undefined) {
    throw new UsageError(`${source.name} is empty`, { code: "input_empty" });
  }
  const second = await nextFilled(lines);
  const byLine = /\.(ndjson|jsonl)$/i.test(path) || (second !== undefined && isJson(first.bytes));
  if (!byLine) {
    const parts = [first.bytes];
    if (second) parts.push(second.bytes);
    for await (const { bytes } of lines) parts.push(bytes);
    // Lines were cut at their ends; put back between them what JSON counts as white space.
    yield { bytes: joinLines(parts), line: undefined };
    return;
  }
  yield first;
  if (second) yield second;
  for await (const line of lines) if (!isBlank(line.bytes)) yield line;
}

async function nextFilled(lines: AsyncIterator<Line>): Promise<Line | undefined> {
  for (;;) {
    const { done, value } = await lines.next();
    if (done) return undefined;
    if (!isBlank(value.bytes)) return value;
  }
}

interface Line {
  bytes: Uint8Array;
  line: number;
}

async function* linesOf(source: Source): AsyncGenerator<Line, undefined> {
  let line = 0;
  let open: Uint8Array[] = []; // the parts of a line that has not ended yet
  for await (const chunk of source.chunks()) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      line += 1;
      yield { bytes: Buffer.concat([...open, chunk.subarray(start, end)]), line };
      open = [];
      start = end + 1;
    }
    if (start < chunk.length) open.push(chunk.subarray(start));
  }
  if (open.length > 0) yield { bytes: Buffer.concat(open), line: line + 1 };
  return undefined;
}

function joinLines(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.of(NEWLINE), part])));
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
    return true;
  } catch {
    return false;
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
