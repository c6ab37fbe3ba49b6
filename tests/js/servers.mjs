// Servers on loopback: an authority with certificates, HTTPS, DNS. Everything is made anew in each run.
import "reflect-metadata";
import { createServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import * as x509 from "@peculiar/x509";
import dns2 from "dns2";

const { crypto } = globalThis;
x509.cryptoProvider.set(crypto);
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 24 * 60 * 60 * 1000;
const around = (now = Date.now()) => ({ notBefore: new Date(now - DAY), notAfter: new Date(now + DAY) });

/** An authority: its certificate, and certificates by it. */
export async function authority(name = "Test authority") {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${name}`,
    ...around(),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  /** A key and a certificate for names and addresses, valid now unless said. */
  const issue = async (names, validity = around()) => {
    const mine = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const alternatives = names.map((one) => ({ type: /^[\d.]+$|:/.test(one) ? "ip" : "dns", value: one }));
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: "02",
      subject: "CN=Test server",
      issuer: own.subject,
      ...validity,
      signingAlgorithm: ALGORITHM,
      publicKey: mine.publicKey,
      signingKey: keys.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension(alternatives), await x509.AuthorityKeyIdentifierExtension.create(own)],
    });
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", mine.privateKey);
    return { key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"), cert: certificate.toString("pem") };
  };
  return { ca: own.toString("pem"), issue };
}

/** Something that listens on loopback until the test ends: `port`. */
async function listen(test, server, address = "127.0.0.1") {
  const sockets = new Set();
  const count = { connections: 0 };
  server.on("connection", (socket) => {
    count.connections += 1;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, address, resolve));
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(count, { port: server.address().port, sockets });
}

/** An HTTPS server with a key and certificate; `handle` as for `node:http`. */
export const httpsServer = (test, identity, handle, address) => listen(test, createServer(identity, handle), address);

/** A TCP server; `handle` gets each socket. */
export const tcpServer = (test, handle) => listen(test, createTcpServer(handle));

const { Packet } = dns2;

/**
 * A DNS server. `zone` has for each name an array of `["A", "192.0.2.1"]`, `["AAAA", …]`, `["CNAME", name]`,
 * `["SRV", priority, weight, port, target]`, or a word: `"SERVFAIL"`, `"REFUSED"`, `"silence"`. A name that is not
 * there does not exist. `"AAAA name"` goes before `name` for questions of that type. Gives the address of the server, and what was asked.
 */
export async function dnsServer(test, zone) {
  const asked = [];
  const server = dns2.createServer({
    udp: true,
    handle(request, send) {
      const [{ name, type }] = request.questions;
      const question = `${Object.keys(Packet.TYPE).find((word) => Packet.TYPE[word] === type)} ${name.toLowerCase()}`;
      asked.push(question);
      const response = Packet.createResponseFromRequest(request);
      const here = zone[question] ?? zone[name.toLowerCase()];
      if (here === "silence") return;
      if (here === undefined) response.header.rcode = 3;
      else if (here === "SERVFAIL") response.header.rcode = 2;
      else if (here === "REFUSED") response.header.rcode = 5;
      else answer(response.answers, zone, name, type);
      send(response);
    },
  });
  await server.listen({ udp: { port: 0, address: "127.0.0.1" } });
  test.after(() => server.close());
  return { server: `127.0.0.1:${server.addresses().udp.port}`, asked };
}

function answer(answers, zone, name, type) {
  for (const [word, ...data] of zone[name.toLowerCase()] ?? []) {
    const record = { name, type: Packet.TYPE[word], class: Packet.CLASS.IN, ttl: 60 };
    if (word === "CNAME") {
      answers.push({ ...record, domain: data[0] });
      // As a resolver does that looks further by itself.
      if (type !== record.type) answer(answers, zone, data[0], type);
    } else if (type === record.type) {
      const [priority, weight, port, target] = data;
      answers.push(word === "SRV" ? { ...record, priority, weight, port, target } : { ...record, address: data[0] });
    }
  }
}
