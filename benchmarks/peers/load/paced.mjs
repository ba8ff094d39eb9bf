// A fixed rate, whatever the server makes of it (undici): a request leaves when it is due, whether or not those before
// it were answered, and its time includes the wait for a free connection. autocannon would spend each second's
// requests at the beginning of the second, which measures a queue.
import { Pool } from "undici";

const PATIENCE_MILLISECONDS = 60_000;

export async function pace(url, stream, measured, until) {
  const pool = new Pool(url, { connections: stream.connections, pipelining: 1, headersTimeout: PATIENCE_MILLISECONDS });
  const requests = stream.requests.flat();
  const began = performance.now();
  const waiting = new Set();
  for (let sent = 0; performance.now() < until; ) {
    for (const due = ((performance.now() - began) * stream.rate) / 1000; sent < due; sent++) {
      const answer = send(pool, requests[sent % requests.length], measured);
      waiting.add(answer);
      answer.finally(() => waiting.delete(answer));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(waiting);
  await pool.close();
}

async function send(pool, request, measured) {
  const began = performance.now();
  try {
    const { statusCode, body } = await pool.request(request);
    await body.dump({ limit: Infinity });
    measured.answered(statusCode, performance.now() - began, began);
  } catch (error) {
    measured.failed(error.message, began);
  }
}
