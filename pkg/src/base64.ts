/** Base64 with what every platform has. */

/** The bytes of standard base64, padded or not; undefined when it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  // `atob` ignores white space, Matrix does not.
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    return fromBinary(atob(text));
  } catch {
    return undefined;
  }
}

/** Unpadded standard base64. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}

/** The bytes of a string with one character for each byte, as `atob` makes them. */
export function fromBinary(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
