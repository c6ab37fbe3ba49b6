// The driver of conversations: whatever a host does, a call ends as it should and leaves nothing behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, mock, test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { askHost, canonicalJson, FedproofError } from "fedproof";
import { toHost } from "../../pkg/dist/host.js";
import { drive } from "../../pkg/dist/operation.js";
import { LONGEST_TIMER, pause } from "../../pkg/dist/turns.js";
import { call } from "../../pkg/dist/wasm.js";
import { initSync } from "../../pkg/dist/wasm/fedproof.js";
import { error } from "./world.mjs";

const never = () => new Promise(() => {});
const later = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
const OK = { status: 200, headers: [["Content-Type", "text/plain"]], body: new TextEncoder().encode("hello") };
const REQUEST = { https: { connectHost: "a.test" } };
const host = (over = {}) => ({ srv: () => [], addresses: () => ({ addresses: [] }), https: () => OK, ...over });
const first = async (over, question, options) => (await askHost(host(over), [question], options))[0];
const failed = (answer, code) => {
  assert.equal(answer.error?.code, code, JSON.stringify(answer));
  assert.notEqual(answer.error.message, "");
  return answer.error;
};

const unhandled = [];
process.on("unhandledRejection", (reason) => unhandled.push(reason));
after(async () => {
  await later(20);
  assert.deepEqual(unhandled, [], "no rejection was left unhandled");
});

// Once the module is there, this gives the exports of the very instance that is used.
const module = new WebAssembly.Module(readFileSync(new URL("../../pkg/dist/wasm/fedproof_bg.wasm", import.meta.url)));
const memory = () => initSync({ module }).memory.buffer.byteLength;

test("every question gets its answer, and the core says what it understood", async () => {
  const answers = await askHost(
    host({
      srv: (name) => [{ priority: 1, weight: 2, port: 3, target: `${name}.` }],
      addresses: (name) => ({ addresses: ["192.0.2.1", "2001:db8:0::1"], canonicalName: `x.${name}` }),
      now: () => 77,
      random: (bytes) => new Uint8Array(bytes).fill(5),
      wait: () => undefined,
    }),
    [{ srv: "s" }, { addresses: "a" }, REQUEST, { now: true }, { random: 3 }, { wait: 1 }],
  );
  assert.deepEqual(answers, [
    { srv: [{ priority: 1, weight: 2, port: 3, target: "s" }] },
    { addresses: ["192.0.2.1", "2001:db8::1"], canonicalName: "x.a" },
    { https: { status: 200, headers: [["content-type", "text/plain"]], body: new TextEncoder().encode("hello") } },
    { now: 77 },
    { random: Uint8Array.of(5, 5, 5) },
    { wait: true },
  ]);
});

test("clock, randomness and pauses have defaults", async () => {
  const before = Date.now();
  const [now, random, again, none, pause] = await askHost(host(), [{ now: true }, { random: 65_536 }, { random: 16 }, { random: 0 }, { wait: 30 }]);
  assert.ok(now.now >= before && now.now <= Date.now());
  assert.equal(random.random.length, 65_536);
  assert.ok(random.random.subarray(65_520).some((byte) => byte !== 0));
  assert.ok(again.random.some((byte) => byte !== 0));
  assert.equal(none.random.length, 0);
  assert.deepEqual(pause, { wait: true });
});

test("a request reaches the host in all its parts", async () => {
  const asked = [];
  const body = new TextEncoder().encode('{"a":1}');
  const whole = { connectHost: "b.test", address: "192.0.2.7", port: 443, hostHeader: "a.test", tlsName: "c.test", method: "PUT", target: "/x?y=%2F", body, maxBytes: 9, timeLimit: 1234 };
  await askHost(host({ https: (request) => (asked.push(request), OK) }), [REQUEST, { https: whole }]);
  const [plain, told] = asked;
  assert.deepEqual(told, { ...whole, headers: [], followRedirects: 0 });
  assert.deepEqual([plain.address, plain.tlsName, plain.body, plain.port], [undefined, undefined, undefined, 8448]);
});

test("methods are called on their host, once read", async () => {
  class Mine {
    #status = 201;
    https() {
      return { ...OK, status: this.#status };
    }
  }
  assert.equal((await askHost(new Mine(), [REQUEST]))[0].https.status, 201);
});

// ---- What a host may do wrong.

for (const kind of ["srv", "addresses", "https", "now", "random", "wait"]) {
  const question = { srv: { srv: "x" }, addresses: { addresses: "x" }, https: REQUEST, now: { now: true }, random: { random: 1 }, wait: { wait: 0 } }[kind];

  test(`l118 ${kind} throws, rejects, or never settles`, async () => {
    const ways = [
      [() => { throw new Error("it is broken"); }, "host_failed"],
      [() => { throw undefined; }, "host_failed"],
      [() => { throw "a word"; }, "host_failed"],
      [() => Promise.reject(new Error("it is broken")), "host_failed"],
      [() => Promise.reject(), "host_failed"],
      [() => Promise.reject(new FedproofError("host_tls", "not the right name")), "host_tls"],
      [() => Promise.reject(new FedproofError("aborted", "not a code of hosts")), "host_failed"],
      [() => Promise.reject(AbortSignal.timeout(0).reason ?? new DOMException("too slow", "TimeoutError")), "host_timed_out"],
      [() => { throw new Proxy({}, { get() { throw new Error("trap"); } }); }, "host_failed"],
      [() => ({ get then() { throw new Error("getter"); } }), "host_failed"],
      [() => ({ then() { throw new Error("then"); } }), "host_failed"],
      [() => Object.defineProperty(Promise.resolve(OK), "constructor", { get() { throw new Error("getter"); } }), "host_failed"],
    ];
    for (const [way, code] of ways) failed(await first({ [kind]: way }, question), code);
    if (kind !== "wait") failed(await first({ [kind]: never }, question, { stepTimeLimit: 10 }), "host_timed_out");
  });

  test(`l118 ${kind} settles after its time limit, and the call has gone on`, async () => {
    const limited = { stepTimeLimit: 10 };
    failed(await first({ [kind]: () => later(40, OK) }, question, limited), "host_timed_out");
    failed(await first({ [kind]: () => later(40).then(() => Promise.reject(new Error("late"))) }, question, limited), "host_timed_out");
    await later(60);
  });

  if (kind === "wait") continue;
  test(`l119 ${kind} answers what is no answer`, async () => {
    const hostile = new Proxy({}, { get() { throw new Error("trap"); }, has() { throw new Error("trap"); }, getPrototypeOf() { throw new Error("trap"); } });
    const garbage = [undefined, null, true, "200", 1.5, NaN, -1, 10n, Symbol("x"), () => {}, {}, [[]], new Date(NaN), new Map(), hostile, [hostile]];
    for (const answer of garbage) failed(await first({ [kind]: () => answer }, question), "host_failed");
  });
}

test("l119 each member of an HTTPS answer is checked", async () => {
  const garbage = [
    { ...OK, status: "200" },
    { ...OK, status: 99 },
    { ...OK, status: 600 },
    { ...OK, status: 200.5 },
    { ...OK, body: {} },
    { ...OK, body: "hello" },
    { ...OK, body: new ArrayBuffer(5) },
    { ...OK, body: { [Symbol.toStringTag]: "Uint8Array", length: 5 } },
    { ...OK, body: new Proxy(new Uint8Array(5), {}) },
    { ...OK, headers: undefined },
    { ...OK, headers: { a: "b" } },
    { ...OK, headers: ["ab"] },
    { ...OK, headers: [["a", 1]] },
    { ...OK, headers: [["a", "\ud800"]] },
    { ...OK, headers: [["content-length", "6"]] },
    { ...OK, headers: [["Content-Length", "4"]] },
    { ...OK, headers: [["content-length", "five"]] },
    Object.defineProperty({ ...OK }, "body", { get() { throw new Error("getter"); } }),
  ];
  for (const answer of garbage) failed(await first({ https: () => answer }, REQUEST), "host_failed");
  const endless = { *[Symbol.iterator]() { for (;;) yield ["a", "b"]; } };
  failed(await first({ https: () => ({ ...OK, headers: endless }) }, REQUEST), "host_answer_too_large");
  failed(await first({ https: () => ({ ...OK, headers: [["a", "b".repeat(300_000)]] }) }, REQUEST), "host_answer_too_large");
  // And what is unusual is right.
  for (const answer of [
    { ...OK, headers: [["content-length", "5"]] },
    { ...OK, headers: [["content-length", "3"], ["content-encoding", "gzip"]] },
    { ...OK, headers: new Headers({ a: "b" }) },
    { ...OK, headers: new Map([["a", "b"]]) },
    { ...OK, body: Buffer.from("hello") },
    { status: 204, headers: [["content-length", "7"]], body: new Uint8Array() },
  ]) {
    const { https, error: wrong } = await first({ https: () => answer }, REQUEST);
    assert.equal(https?.status, answer.status, wrong?.message);
  }
});

test("l119 a body of 501 MB is refused before it is copied", async () => {
  const before = memory();
  const huge = { ...OK, body: new Uint8Array(501_000_000) };
  const limited = { https: { connectHost: "a.test", maxBytes: 500_000_000 } };
  failed(await first({ https: () => huge }, limited), "host_answer_too_large");
  assert.equal(memory(), before);
});

test("l119 a body whose length lies is taken for what it is", async () => {
  for (const length of [1, 1e9, -1, NaN]) {
    const body = new TextEncoder().encode("hello");
    for (const name of ["length", "byteLength", "byteOffset"]) Object.defineProperty(body, name, { value: length });
    const { https } = await first({ https: () => ({ ...OK, body }) }, REQUEST);
    assert.equal(Buffer.from(https.body).toString(), "hello");
  }
});

test("l119 each record and address is checked", async () => {
  const record = { priority: 1, weight: 1, port: 1, target: "a" };
  for (const wrong of [{ priority: -1 }, { weight: 65_536 }, { port: 1.5 }, { port: "8448" }, { target: 5 }, { target: undefined }, { target: "\ud800" }]) {
    failed(await first({ srv: () => [record, { ...record, ...wrong }] }, { srv: "x" }), "host_failed");
  }
  for (const wrong of ["", "localhost", "127.1", "0177.0.0.1", "2130706433", "1.2.3.4:80", "[::1]", "fe80::1%eth0", 5, null]) {
    failed(await first({ addresses: () => ({ addresses: ["192.0.2.1", wrong] }) }, { addresses: "x" }), "host_failed");
  }
  failed(await first({ addresses: () => ({ addresses: [], canonicalName: 5 }) }, { addresses: "x" }), "host_failed");
  failed(await first({ srv: () => Array.from({ length: 5000 }, () => record) }, { srv: "x" }), "host_answer_too_large");
  assert.equal((await first({ srv: () => Array.from({ length: 1000 }, () => record) }, { srv: "x" })).srv.length, 1000);
});

test("too few or too many random bytes are no randomness", async () => {
  for (const bytes of [0, 15, 17]) failed(await first({ random: () => new Uint8Array(bytes) }, { random: 16 }), "host_failed");
});

test("one question that fails leaves the others alone", async () => {
  const answers = await askHost(host({ srv: never }), [{ srv: "x" }, REQUEST, { now: true }], { stepTimeLimit: 10 });
  failed(answers[0], "host_timed_out");
  assert.equal(answers[1].https.status, 200);
  assert.ok(answers[2].now > 0);
});

test("what a host cannot look up is unsupported", async () => {
  const answers = await askHost({ https: () => OK }, [{ srv: "x" }, { addresses: "x" }]);
  for (const answer of answers) failed(answer, "host_unsupported");
});

test("l120 a host that calls back into the same host and call, and two calls at once", async () => {
  const nested = host({
    addresses: async () => {
      const [answer] = await askHost(nested, [{ now: true }]);
      assert.ok(answer.now > 0);
      assert.equal(canonicalJson('{"b":1,"a":2}'), '{"a":2,"b":1}');
      return { addresses: ["192.0.2.1"] };
    },
  });
  const calls = Array.from({ length: 20 }, () => askHost(nested, [{ addresses: "x" }, REQUEST]));
  for (const [addresses, https] of await Promise.all(calls)) {
    assert.deepEqual(addresses.addresses, ["192.0.2.1"]);
    assert.equal(https.https.status, 200);
  }
});

test("l120 a call that is aborted from within its own callbacks", async () => {
  for (const way of ["at once", "later"]) {
    const controller = new AbortController();
    const https = async () => {
      if (way === "later") await null;
      controller.abort(new Error("enough"));
      return OK;
    };
    await assert.rejects(askHost(host({ https }), [REQUEST, REQUEST, REQUEST], { signal: controller.signal }), error("aborted", ({ cause }) => {
      assert.equal(cause.message, "enough");
    }));
  }
});

test("l121 200 pending calls of 1 MB that never settle give their memory back", async () => {
  const pending = [];
  const hanging = host({ https: (request) => (pending.push(request.body.length), never()) });
  const round = async () => {
    const controller = new AbortController();
    const calls = Array.from({ length: 200 }, () =>
      askHost(hanging, [{ https: { connectHost: "a.test", method: "PUT", body: new Uint8Array(1_000_000) } }], { signal: controller.signal }),
    );
    await later(10);
    controller.abort();
    for (const { status, reason } of await Promise.allSettled(calls)) {
      assert.equal(status, "rejected");
      assert.equal(reason.code, "aborted");
    }
  };
  await round();
  assert.equal(pending.length, 200);
  const after = memory();
  for (let n = 0; n < 3; n += 1) await round();
  assert.equal(memory(), after);
});

test("l121 memory is flat over 10,000 calls, however they end", async () => {
  const bodies = host({ https: ({ port }) => (port === 1 ? OK : port === 2 ? "garbage" : never()) });
  const run = async (times) => {
    for (let n = 0; n < times; n += 10) {
      const controller = new AbortController();
      const calls = Array.from({ length: 10 }, (_, m) =>
        askHost(bodies, [{ https: { connectHost: "a.test", port: 1 + (m % 3), body: new Uint8Array(20_000) } }], { signal: controller.signal }),
      );
      await null;
      setImmediate(() => controller.abort());
      await Promise.allSettled(calls);
    }
  };
  await run(1000);
  const before = memory();
  await run(10_000);
  assert.equal(memory(), before);
});

test("l121 what a host holds on to holds none of our buffers", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  const held = []; // a host that never forgets a question
  let body;
  const call = async () => {
    const controller = new AbortController();
    const hoarder = host({ https: (request) => ((body = new WeakRef(request.body)), new Promise((...both) => held.push(both))) });
    const asked = askHost(hoarder, [{ https: { connectHost: "a.test", body: new Uint8Array(1_000_000) } }], { signal: controller.signal });
    await later(1);
    controller.abort();
    await assert.rejects(asked);
  };
  await call();
  for (let n = 0; n < 10 && body.deref(); n += 1) {
    await later(5);
    collect();
  }
  assert.equal(held.length, 1);
  assert.equal(body.deref(), undefined);
});

test("l122 a fault inside the module ends the calls that are under way, and no other", async () => {
  const trap = () => assert.throws(() => call((wasm) => wasm.trap()), error("wasm_trap"));
  for (let n = 0; n < 300; n += 1) {
    const pending = askHost(host({ https: () => later(1, OK) }), [REQUEST]);
    const trapping = askHost(host({ https: () => (trap(), OK) }), [REQUEST]);
    await assert.rejects(trapping, error("wasm_trap"));
    await assert.rejects(pending, error("wasm_trap"));
    assert.equal((await first({}, REQUEST)).https.status, 200);
  }
});

test("l122 a fault in each step of an operation", async () => {
  for (const step of ["start", "poll", "take_body", "answer_https", "fail", "take_result", "take_attachment", "free"]) {
    const operation = script([{ effects: [{ id: 0, ...TOLD }] }, { ended: true }]);
    const trap = () => { throw new WebAssembly.RuntimeError("unreachable"); };
    const start = () => (step === "start" ? trap() : Object.assign(operation, { [step]: trap }));
    const https = () => (step === "fail" ? Promise.reject(new Error("x")) : OK);
    const driven = drive(start, toHost(host({ https }), "the host"));
    if (step === "free") assert.equal((await driven).json, "result");
    else await assert.rejects(driven, error("wasm_trap"), step);
    assert.equal(canonicalJson("{}"), "{}");
  }
});

test("l123 sizes beyond 32 bits are refused, not wrapped", async () => {
  const start = (effect) => call((wasm) => wasm.ask_host(new TextEncoder().encode(JSON.stringify([effect])), [new Uint8Array()], {}));
  const request = { kind: "https", connect_host: "a", port: 1, host_header: "a", method: "GET", target: "/", max_bytes: 1, time_limit: 1 };
  for (const bytes of [2 ** 32, 5000 * 2 ** 20, 2 ** 53, -1]) {
    assert.throws(() => start({ kind: "random", bytes }), error("invalid_argument"));
    assert.throws(() => start({ ...request, max_bytes: bytes }), error("invalid_argument"));
  }
  for (const port of [65_536, -1]) assert.throws(() => start({ ...request, port }), error("invalid_argument"));
  start(request).free();
  await assert.rejects(askHost(host(), [{ random: 2 ** 32 }]), error("invalid_option"));
});

test("l123 the class itself checks what it is given", () => {
  const operation = call((wasm) => wasm.ask_host(new TextEncoder().encode('[{"kind":"now"}]'), [new Uint8Array()], {}));
  const text = (value) => new TextEncoder().encode(value);
  const wrong = [
    () => operation.take_result(),
    () => operation.answer_now(0, 0.5),
    () => operation.answer_now(0, -1),
    () => operation.answer_now(0, NaN),
    () => operation.answer_now(0, 2 ** 53),
    () => operation.answer_srv(0, text("[[1,2,3]]")),
    () => operation.answer_srv(0, text("{}")),
    () => operation.answer_addresses(0, text('["x"]')),
    () => operation.answer_https(0, 99, text("[]"), text("")),
    () => operation.answer_https(0, 65_736, text("[]"), text("")),
    () => operation.answer_https(0, 200, text('[["a"]]'), text("")),
  ];
  for (const one of wrong) assert.throws(() => call(one), error("invalid_argument"));
  assert.throws(() => call(() => operation.answer_addresses(0, text("["))), error("json_syntax"));
  operation.fail(7, "no code", "nobody asked");
  operation.answer_waited(7);
  assert.equal(operation.take_body(7), undefined);
  operation.free();
});

test("l124 what is no host is refused", async () => {
  const wrong = [undefined, null, 5, "host", () => OK, {}, { https: 5 }, { https: () => OK, srv: 5 }, { https: () => OK, capabilities: 5 }, { https: () => OK, capabilities: { srv: "yes" } }, { get https() { throw new Error("getter"); } }, new Proxy({}, { get() { throw new Error("trap"); } })];
  for (const one of wrong) await assert.rejects(askHost(one, []), error("invalid_argument"));
});

test("l124 what is no question and no option is refused", async () => {
  const questions = [undefined, null, 5, "srv", [], {}, { srv: 5 }, { srv: "\ud800" }, { srv: "a", now: true }, { now: false }, { random: -1 }, { random: 1.5 }, { wait: Infinity }, { https: {} }, { https: null }, { https: { connectHost: "a", port: 65_536 } }, { https: { connectHost: "a", method: "BREW" } }, { https: { connectHost: "a", body: "x" } }, { https: { connectHost: "a", address: "localhost" } }, { else: 1 }];
  const refused = (thrown) => error(thrown.code === "invalid_argument" ? "invalid_argument" : "invalid_option")(thrown);
  for (const one of questions) await assert.rejects(askHost(host(), [one]), refused, JSON.stringify(one));
  for (const many of [undefined, {}, "x", new Array(1001).fill({ now: true })]) await assert.rejects(askHost(host(), many), refused);
  const options = [5, { signal: {} }, { signal: null }, { timeLimit: 0 }, { timeLimit: -1 }, { timeLimit: NaN }, { timeLimit: Infinity }, { timeLimit: "5" }, { stepTimeLimit: 2 ** 31 }, { onProgress: 5 }, { else: 1 }];
  for (const one of options) await assert.rejects(askHost(host(), [], one), refused, JSON.stringify(one));
  assert.deepEqual(await askHost(host(), []), []);
});

// ---- Ends.

test("a call is aborted by its signal, before it begins and while it waits", async () => {
  let asked = 0;
  const counting = host({ https: () => ((asked += 1), never()) });
  await assert.rejects(askHost(counting, [REQUEST], { signal: AbortSignal.abort("no") }), error("aborted", ({ cause }) => assert.equal(cause, "no")));
  assert.equal(asked, 0);
  await assert.rejects(askHost(counting, [REQUEST], { signal: AbortSignal.timeout(5) }), error("aborted", ({ cause }) => assert.equal(cause.name, "TimeoutError")));
  assert.equal(asked, 1);
});

test("the whole has a time limit of its own", async () => {
  await assert.rejects(askHost(host({ https: never }), [REQUEST], { timeLimit: 10 }), error("timed_out", ({ details }) => assert.equal(details.limit, 10)));
});

test("whatever ends a step or the call reaches the host by its signal", async () => {
  for (const [options, code] of [[{ stepTimeLimit: 5 }, "host_timed_out"], [{ timeLimit: 5 }, "aborted"], [{ signal: undefined }, "aborted"]]) {
    if ("signal" in options) options.signal = AbortSignal.timeout(5);
    let seen;
    const https = (_, { signal }) => ((seen = signal), never());
    await askHost(host({ https }), [REQUEST], options).catch(() => {});
    assert.ok(seen.aborted);
    assert.equal(seen.reason.code, code);
  }
  let seen;
  await first({ https: (_, { signal }) => ((seen = signal), OK) }, REQUEST);
  assert.equal(seen.aborted, false, "after an answer nothing is aborted");
});

test("no listener stays on a signal that outlives its calls", async () => {
  let listeners = 0;
  const signal = new EventTarget();
  Object.assign(signal, {
    aborted: false,
    addEventListener: (...all) => ((listeners += 1), EventTarget.prototype.addEventListener.apply(signal, all)),
    removeEventListener: (...all) => ((listeners -= 1), EventTarget.prototype.removeEventListener.apply(signal, all)),
  });
  await askHost(host(), [REQUEST], { signal });
  await askHost(host({ https: () => Promise.reject(new Error("x")) }), [REQUEST], { signal });
  assert.equal(listeners, 0);
});

test("after the end no timer keeps a process alive", () => {
  const ends = (script) => {
    const prelude = `import { askHost } from "fedproof"; const host = { https: () => ({ status: 200, headers: [], body: new Uint8Array() }) };`;
    const { status, stderr, error: late } = spawnSync(process.execPath, ["--input-type=module", "--eval", prelude + script], { cwd: new URL(".", import.meta.url), encoding: "utf8", timeout: 20_000 });
    assert.equal(late, undefined, "the process did not end");
    assert.equal(status, 0, stderr);
  };
  const hour = "{ timeLimit: 3_600_000, stepTimeLimit: 3_600_000 }";
  ends(`await askHost(host, [{ https: { connectHost: "a" } }, { wait: 0 }], ${hour});`);
  ends(`const c = new AbortController(); const p = askHost({ https: () => new Promise(() => {}) }, [{ wait: 3_600_000 }, { https: { connectHost: "a" } }], { ...${hour}, signal: c.signal }); c.abort(); await p.catch(() => {});`);
  // And while it runs its timers do: the promise is settled, not forgotten.
  ends(`await askHost({ https: () => new Promise(() => {}) }, [{ https: { connectHost: "a" } }], { timeLimit: 10 }).then(() => process.exit(1), (e) => process.exit(e.code === "timed_out" ? 0 : 2));`);
});

// ---- What no conversation of today does: by an operation that follows a script.

const TOLD = { kind: "https", connect_host: "a", port: 1, host_header: "a", method: "GET", target: "/", headers: [], max_bytes: 10, time_limit: 1000, follow_redirects: 0 };

/** An operation that tells each of these when polled; what is delivered goes into `heard`. */
function script(turns, heard = []) {
  const waiting = [...turns];
  const hear = (name) => (...all) => void heard.push([name, ...all]);
  return {
    heard,
    freed: 0,
    poll: () => JSON.stringify({ ended: false, effects: [], dropped: [], notices: [], ...waiting.shift() }),
    take_body: () => undefined,
    take_result: () => "result",
    take_attachment: () => undefined,
    free() {
      this.freed += 1;
    },
    fail: hear("fail"),
    ...Object.fromEntries(["srv", "addresses", "https", "now", "random", "waited"].map((name) => [`answer_${name}`, hear(name)])),
  };
}

const driven = (operation, over, listeners) => drive(() => operation, toHost(host(over), "the host"), listeners);

test("an effect that nobody waits for any more is aborted, and its answer goes nowhere", async () => {
  let seen;
  const operation = script([
    { effects: [{ id: 4, ...TOLD }, { id: 5, kind: "now" }] },
    { dropped: [4], effects: [{ id: 6, kind: "wait", ms: 30 }] },
    { ended: true },
  ]);
  const https = (_, { signal }) => ((seen = signal), later(10, OK));
  assert.deepEqual(await driven(operation, { https }), { json: "result", attachment: undefined });
  assert.ok(seen.aborted);
  assert.deepEqual(operation.heard.map(([name, id]) => [name, id]), [["now", 5], ["waited", 6]]);
  assert.equal(operation.freed, 1);
});

test("answers that come together make one turn", async () => {
  let polled = 0;
  const asking = (...ids) => ({ effects: ids.map((id) => ({ id, kind: "now" })) });
  const operation = script([asking(1, 2, 3), asking(4), { ended: true }]);
  const { poll } = operation;
  operation.poll = () => ((polled += 1), poll());
  await driven(operation);
  assert.equal(polled, 3);
  assert.deepEqual(operation.heard.map(([, id]) => id), [1, 2, 3, 4]);
});

test("what is told on the way comes in order, and to whom it is for", async () => {
  const keys = { kind: "server_keys", document: "{}", fetched_ts: 5 };
  const progress = (done) => ({ kind: "progress", stage: "testing", done, total: 2 });
  const operation = script([{ notices: [progress(0), keys], effects: [{ id: 0, kind: "now" }] }, { ended: true, notices: [progress(2), { kind: "progress", stage: "end", done: 1 }] }]);
  const heard = [];
  await driven(operation, {}, { onProgress: (one) => heard.push(one), onServerKeys: (...all) => heard.push(all) });
  assert.deepEqual(heard, [{ stage: "testing", done: 0, total: 2 }, [keys], { stage: "testing", done: 2, total: 2 }, { stage: "end", done: 1, total: undefined }]);
});

test("a callback that throws ends the call; one that aborts it does too", async () => {
  const turn = { notices: [{ kind: "progress", stage: "x", done: 1 }], effects: [{ id: 0, kind: "now" }] };
  let operation = script([turn]);
  const broken = { onProgress: () => { throw new Error("oh"); } };
  await assert.rejects(driven(operation, {}, broken), error("callback_failed", ({ cause }) => assert.equal(cause.message, "oh")));
  assert.equal(operation.freed, 1);
  operation = script([turn]);
  const controller = new AbortController();
  await assert.rejects(driven(operation, {}, { signal: controller.signal, onProgress: () => controller.abort() }), error("aborted"));
  assert.deepEqual([operation.freed, operation.heard], [1, []]);
});

test("a long computation lets others run: timers come between its slices", async () => {
  const slices = Array.from({ length: 200 }, (_, id) => ({ effects: [{ id, kind: "wait", ms: 0 }] }));
  let between = 0;
  const timer = setInterval(() => (between += 1), 1);
  const operation = script([...slices, { ended: true }]);
  const { poll } = operation;
  operation.poll = () => {
    const until = performance.now() + 1;
    while (performance.now() < until);
    return poll();
  };
  await driven(operation);
  clearInterval(timer);
  assert.ok(between > 20, `${between} timers came between`);
});

test("a host that answers everything at once, for ever, does not keep the time limit from coming", async () => {
  const operation = script([]);
  let id = 0;
  operation.poll = () => JSON.stringify({ ended: false, dropped: [], notices: [], effects: [{ id: (id += 1), kind: "now" }] });
  await assert.rejects(driven(operation, {}, { timeLimit: 100 }), error("timed_out"));
  assert.equal(operation.freed, 1);
});

test("an error that a host caused brings along what the host threw", async () => {
  const thrown = new FedproofError("host_tls", "the name is another");
  const operation = script([{ effects: [{ id: 0, ...TOLD }] }, { ended: true }]);
  operation.take_result = () => { throw JSON.stringify({ code: "host_tls", message: "a.test: the name is another" }); };
  await assert.rejects(driven(operation, { https: () => Promise.reject(thrown) }), error("host_tls", ({ cause }) => assert.equal(cause, thrown)));
  assert.deepEqual(operation.heard, [["fail", 0, "host_tls", "the name is another"]]);
});

test("what an operation cannot begin with is thrown, and nothing is asked", async () => {
  const start = () => { throw JSON.stringify({ code: "server_name_invalid", message: "no server name" }); };
  await assert.rejects(drive(start, toHost(host(), "the host")), error("server_name_invalid"));
});

test("capabilities: what there is no method for nobody can do", () => {
  const abilities = (one) => toHost(one, "the host").capabilities;
  const all = { srv: true, addresses: true, address: true, names: true, redirects: true };
  assert.deepEqual(abilities(host()), all);
  assert.deepEqual(abilities({ https: () => OK }), { ...all, srv: false, addresses: false });
  assert.deepEqual(abilities({ https: () => OK, capabilities: { srv: true, names: false } }), { ...all, srv: false, addresses: false, names: false });
});

test("an operation that waits for nothing is a fault, not a silence", async () => {
  for (const turns of [[{}], [{ effects: [{ id: 0, kind: "now" }] }, {}], [{ effects: [{ id: 0, ...TOLD }] , dropped: [] }, { dropped: [0] }]]) {
    const operation = script(turns);
    await assert.rejects(driven(operation), error("wasm_trap"));
    assert.equal(operation.freed, 1);
  }
});

test("a pause may be longer than a timer can be, and ends with its signal", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let over = false;
    pause(LONGEST_TIMER + 10, new AbortController().signal).then(() => (over = true));
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    for (const [ms, expected] of [[LONGEST_TIMER, false], [9, false], [1, true]]) {
      mock.timers.tick(ms);
      await settled();
      assert.equal(over, expected);
    }
    let ended = false;
    const controller = new AbortController();
    pause(5, controller.signal).then(() => (ended = true));
    controller.abort();
    mock.timers.tick(10);
    await settled();
    assert.equal(ended, false);
  } finally {
    mock.timers.reset();
  }
});

test("others get a turn by whichever way the platform has", () => {
  for (const missing of [[], ["setImmediate"], ["setImmediate", "MessageChannel"]]) {
    const script = `
      for (const name of ${JSON.stringify(missing)}) delete globalThis[name];
      const { nextTurn } = await import("../../pkg/dist/turns.js");
      const order = [];
      await new Promise((resolve) => {
        nextTurn(() => order.push("first"));
        nextTurn(() => (order.push("second"), setTimeout(resolve, 20)));
        queueMicrotask(() => order.push("microtask"));
      });
      // The channel of a page holds nobody; in Node it would.
      process.exit(order.join() === "microtask,first,second" ? 0 : 1);
    `;
    assert.equal(spawnSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: new URL(".", import.meta.url) }).status, 0, missing.join());
  }
});
