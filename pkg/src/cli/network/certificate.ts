/** The certificate that a server shows, also one that no request would trust. */
import { once } from "node:events";
import { checkServerIdentity, connect, type PeerCertificate } from "node:tls";

/** What a certificate says. */
export interface Certificate {
  /** The host names and addresses it is for. */
  names: string[];
  issuer: string;
  /** Until when it is valid (ms). */
  valid_until_ts: number | null;
  /** The name or address it has to be for, and whether it is. */
  fits: boolean;
  /** By whom it is signed is trusted, and it is valid today; if not, in the words of OpenSSL. */
  untrusted?: string;
}

/** Shakes hands with an address that may be connected to, and hangs up; undefined when no certificate is shown. */
export async function certificateAt(
  to: { address: string; port: number; tlsName: string | undefined; ca: string | undefined },
  signal: AbortSignal,
): Promise<Certificate | undefined> {
  const { address, port, tlsName, ca } = to;
  const socket = connect({
    host: address,
    port,
    servername: tlsName ?? "",
    ...(ca === undefined ? {} : { ca }),
    // What is wrong with it is what shall be told. Nothing is sent.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  const stop = AbortSignal.any([signal, AbortSignal.timeout(HANDSHAKE_LIMIT)]);
  try {
    await once(socket, "secureConnect", { signal: stop });
    const shown = socket.getPeerCertificate();
    if (Object.keys(shown).length === 0) return undefined;
    return read(shown, tlsName ?? address, socket.authorizationError);
  } catch {
    // The request that was made before has told why.
    return undefined;
  } finally {
    socket.on("error", () => {});
    socket.destroy();
  }
}

const HANDSHAKE_LIMIT = 10_000;

function read(shown: PeerCertificate, name: string, untrusted: unknown): Certificate {
  const until = Date.parse(shown.valid_to);
  const { O, CN } = shown.issuer ?? {};
  const issuer = [O, CN].flat().filter((part) => part !== undefined);
  return {
    names: namesIn(shown.subjectaltname),
    issuer: issuer.join(", ") || "nobody",
    valid_until_ts: Number.isNaN(until) ? null : until,
    fits: checkServerIdentity(name, shown) === undefined,
    ...(untrusted ? { untrusted: inWords(untrusted) } : {}),
  };
}

/** Of `DNS:a.example, IP Address:192.0.2.1`. */
function namesIn(text = ""): string[] {
  return text.split(", ").flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
}

function inWords(untrusted: unknown): string {
  const { code, message } = untrusted instanceof Error ? (untrusted as NodeJS.ErrnoException) : { code: undefined, message: "" };
  return code ?? (message || String(untrusted));
}
