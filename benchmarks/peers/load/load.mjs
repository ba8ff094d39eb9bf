// Puts a load on a server: reads a plan (JSON) from standard input, prints what was seen (JSON).
//
// A plan has `url`, `warmUpSeconds`, `seconds`, `processes` (whose processor time is watched) and `streams`, all at
// once. A stream has `connections`, `requests` (a list for each connection, sent round and round), perhaps a `rate`
// (requests a second, of all its connections together) and perhaps `chain` (the name of the field of an answer that
// the next request of that connection sends in its form).
import { Measured, processorSeconds } from "./measured.mjs";
import { pace } from "./paced.mjs";
import { saturate } from "./saturated.mjs";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const plan = JSON.parse(Buffer.concat(chunks).toString());

const from = performance.now() + 1000 * plan.warmUpSeconds;
const until = from + 1000 * plan.seconds;
const streams = Object.entries(plan.streams).map(([name, stream]) => [name, stream, new Measured(from, until)]);

let before;
let own;
setTimeout(() => {
  before = processorSeconds(plan.processes);
  own = process.cpuUsage();
}, from - performance.now());
const watched = new Promise((resolve) => {
  setTimeout(() => {
    const { user, system } = process.cpuUsage(own);
    const busy = (processorSeconds(plan.processes) - before) / plan.seconds;
    resolve({ serverBusy: busy, generatorBusy: (user + system) / 1e6 / plan.seconds });
  }, until - performance.now());
});

await Promise.all(
  streams.map(([, stream, measured]) => (stream.rate ? pace : saturate)(plan.url, stream, measured, until)),
);
const figures = Object.fromEntries(streams.map(([name, , measured]) => [name, measured.figures()]));
process.stdout.write(JSON.stringify({ ...(await watched), streams: figures }), () => process.exit(0));
