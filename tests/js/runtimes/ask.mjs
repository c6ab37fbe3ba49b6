// What runtimes.test.mjs has each runtime do; prints what came of it.
import { askHost } from "fedproof";
import { nodeHost } from "fedproof/hosts/node";

const { ca, server, port } = JSON.parse(globalThis.Deno?.args[0] ?? globalThis.process.argv[2]);
const loopback = ["127.0.0.0/8", "::1"];
const request = (more) => ({ https: { connectHost: "a.test", address: "127.0.0.1", port, tlsName: "a.test", hostHeader: "h.test", ...more } });
const text = ({ https, error }) => (https ? new TextDecoder().decode(https.body) : error.message);

const host = nodeHost({ ca, servers: [server], allowAddresses: loopback });
const [srv, addresses, none, named, unnamed, wrongName, mapped, refused] = await askHost(host, [
  { srv: "_x._tcp.a.test" },
  { addresses: "a.test" },
  { srv: "nothing.test" },
  request(),
  request({ connectHost: "127.0.0.1", tlsName: undefined, hostHeader: "127.0.0.1" }),
  request({ tlsName: "b.test" }),
  request({ address: "::ffff:10.0.0.1" }),
  request({ port: 1 }),
]);
const [untrusted] = await askHost(nodeHost({ allowAddresses: loopback }), [request()]);
const [closed] = await askHost(nodeHost({ ca }), [request()]);
const [slow] = await askHost(host, [request({ target: "/slow", timeLimit: 100 })]);

console.log(
  JSON.stringify({
    srv: srv.srv,
    addresses: addresses.addresses,
    canonicalName: addresses.canonicalName,
    none: none.srv,
    named: text(named),
    unnamed: text(unnamed),
    wrongName: wrongName.error?.code,
    untrusted: untrusted.error?.code,
    private: closed.error?.code,
    mapped: mapped.error?.code,
    refused: refused.error?.code,
    slow: slow.error?.code,
  }),
);
host.close();
