/** Writing to streams that may be slow, or gone. */
import { once } from "node:events";

/** As a shell reports a process that SIGPIPE ended; 0 would claim that everything was told. */
const BROKEN_PIPE = 141;

/** Ends quietly when the reader of our output goes away (`fedproof … | head`). */
export function guardOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") process.exit(BROKEN_PIPE);
      throw error;
    });
  }
}

/** Writes to standard output, and waits while its reader is behind. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (text.length > 0 && !process.stdout.write(text)) await once(process.stdout, "drain");
}
