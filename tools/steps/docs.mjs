// Tables for the documentation, written from the module itself so that they cannot be wrong.
import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { at, dist } from "../lib/paths.mjs";
import { step } from "../lib/step.mjs";

export const writeDocs = () =>
  step({
    name: "docs",
    reads: [`${dist}/wasm/fedproof_bg.wasm`, `${dist}/index.js`, "tools/steps/docs.mjs"],
    writes: [`${dist}/docs/codes.md`, `${dist}/docs/room-versions.md`],
    async make() {
      const { roomVersions, verdictCodes } = await import(pathToFileURL(at(dist, "index.js")));
      mkdirSync(at(dist, "docs"), { recursive: true });
      const codes = verdictCodes();
      writeFileSync(at(dist, "docs/codes.md"), codesPage(codes));
      writeFileSync(at(dist, "docs/room-versions.md"), versionsPage(roomVersions()));
      return `tables of ${codes.length} codes and of the room versions`;
    },
  });

function codesPage(codes) {
  const of = (kind) => codes.filter((code) => code.kind === kind);
  const ofChecks = of("verdict").filter(({ check }) => check !== null);
  const ofNoCheck = of("verdict").filter(({ check }) => check === null);
  const ofAcls = ofNoCheck.filter(({ code }) => code.startsWith("acl_"));
  const ofRequests = ofNoCheck.filter((code) => !ofAcls.includes(code));
  const link = ({ spec }) => `[spec](${spec})`;
  return [
    "# Codes",
    "Codes are stable; the sentences that go with them are not.",
    "## Checks that did not pass",
    table(["code", "check", "the event is", "meaning", ""], ofChecks.map((code) => [`\`${code.code}\``, code.check, code.effect, code.summary, link(code)])),
    "## Server ACLs",
    table(["code", "the server is", "meaning", ""], ofAcls.map((code) => [`\`${code.code}\``, code.effect, code.summary, link(code)])),
    "## Requests and invites of other servers",
    "The codes of check 2, and those about JSON, are given here too.",
    table(["code", "the request is", "meaning", ""], ofRequests.map((code) => [`\`${code.code}\``, code.effect, code.summary, link(code)])),
    "## Flags",
    table(["flag", "meaning", ""], of("flag").map((code) => [`\`${code.code}\``, code.summary, link(code)])),
    "## Errors",
    "Thrown as `FedproofError`. The codes about JSON and numbers above are errors too, of the functions that take JSON.",
    table(["code", "meaning", ""], of("error").map((code) => [`\`${code.code}\``, code.summary, link(code)])),
    "",
  ].join("\n\n");
}

function versionsPage(versions) {
  const flags = Object.keys(versions[0]).filter((flag) => flag !== "version");
  const cell = (value) => (value === true ? "yes" : value === false ? "–" : value);
  return [
    "# Room versions",
    "What sets each room version apart, as `roomVersions()` tells it.",
    table(["", ...versions.map(({ version }) => version)], flags.map((flag) => [`\`${flag}\``, ...versions.map((version) => cell(version[flag]))])),
    "",
  ].join("\n\n");
}

const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
