// Collects what was seen between the warm-up and the end.
import { readFileSync } from "node:fs";

const TICKS_A_SECOND = 100; // USER_HZ, which Linux never changes

export class Measured {
  constructor(from, until) {
    this.from = from;
    this.until = until;
    this.milliseconds = [];
    this.refused = {};
  }

  // `moment` decides whether it counts: that of the answer, or, at a fixed rate, that of the request.
  answered(status, took, moment = performance.now()) {
    if (status < 200 || status > 299) this.failed(status, moment);
    else if (moment >= this.from && moment < this.until) this.milliseconds.push(took);
  }

  // In the warm-up too: a refusal spoils a run. What is cut off at the end is no failure of the server's.
  failed(reason, moment = performance.now()) {
    if (moment < this.until) this.refused[reason] = (this.refused[reason] ?? 0) + 1;
  }

  figures() {
    const sorted = Float64Array.from(this.milliseconds).sort();
    const at = (share) => (sorted.length ? sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] : null);
    return {
      answers: sorted.length,
      perSecond: (1000 * sorted.length) / (this.until - this.from),
      p50: at(0.5),
      p99: at(0.99),
      refused: this.refused,
    };
  }
}

// What the processes and their threads have used so far.
export function processorSeconds(processes) {
  const ticks = processes.map((process) => {
    const stat = readFileSync(`/proc/${process}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_A_SECOND;
}
