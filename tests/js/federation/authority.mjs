// A certificate authority that exists for one run. Federation under test runs over TLS with verification on, as in
// the wild; only the authority is ours.
import { generateKeyPair, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { promisify } from "node:util";
import forge from "node-forge";

const HOUR = 3_600_000;

/**
 * Makes an authority. `certificate` is its own certificate (PEM), for those who shall trust it;
 * `issue(names)` gives `{ cert, key }` (PEM), valid for these host names and IP addresses.
 */
export async function makeAuthority() {
  const [authority, server] = await Promise.all([keyPair(), keyPair()]);
  const subject = [{ name: "commonName", value: "test authority of one run" }];
  const own = certificate(authority, subject, subject, authority, [
    { name: "basicConstraints", critical: true, cA: true, pathLenConstraint: 0 },
    { name: "keyUsage", critical: true, keyCertSign: true, cRLSign: true },
  ]);
  const key = forge.pki.privateKeyToPem(server.privateKey);

  function issue(names) {
    const issued = certificate(server, [{ name: "commonName", value: "a server of one run" }], subject, authority, [
      { name: "basicConstraints", critical: true, cA: false },
      { name: "keyUsage", critical: true, digitalSignature: true, keyEncipherment: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [...new Set(names)].map(alternativeName) },
    ]);
    return { cert: forge.pki.certificateToPem(issued), key };
  }

  return { certificate: forge.pki.certificateToPem(own), issue };
}

/** A new RSA key as forge holds it; made by Node, whose own code is many times faster. */
async function keyPair() {
  const { privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  const parsed = forge.pki.privateKeyFromPem(privateKey);
  return { privateKey: parsed, publicKey: forge.pki.setRsaPublicKey(parsed.n, parsed.e) };
}

function certificate({ publicKey }, subject, issuer, signer, extensions) {
  const made = forge.pki.createCertificate();
  made.publicKey = publicKey;
  made.serialNumber = `01${randomBytes(15).toString("hex")}`;
  made.validity.notBefore = new Date(Date.now() - HOUR);
  made.validity.notAfter = new Date(Date.now() + 48 * HOUR);
  made.setSubject(subject);
  made.setIssuer(issuer);
  made.setExtensions(extensions);
  made.sign(signer.privateKey, forge.md.sha256.create());
  return made;
}

function alternativeName(name) {
  return isIP(name) ? { type: 7, ip: name } : { type: 2, value: name };
}
