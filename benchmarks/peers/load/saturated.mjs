// As much as the server takes: each connection sends its next request when the last one is answered (autocannon).
import autocannon from "autocannon";

const PATIENCE_SECONDS = 60;
const END_NOTICED_MILLISECONDS = 100;

export function saturate(url, stream, measured, until) {
  let connection = 0;
  const setupClient = (client) => {
    const requests = stream.requests[connection];
    const chain = stream.chain && chained(requests[0], stream.chain.name, stream.chain.forms[connection]);
    client.setRequests(chain ? [chain] : structuredClone(requests));
    connection += 1;
  };
  return new Promise((resolve, reject) => {
    const options = {
      url,
      connections: stream.connections,
      duration: (until - performance.now()) / 1000,
      timeout: PATIENCE_SECONDS,
      sampleInt: END_NOTICED_MILLISECONDS,
      setupClient,
    };
    const run = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
    run.on("response", (_client, status, _bytes, took) => measured.answered(status, took));
    run.on("reqError", (error) => measured.failed(error.message));
  });
}

// Each answer brings what the next request has to send.
function chained(request, name, form) {
  let current = form[name];
  return {
    ...request,
    setupRequest: (next) => ({ ...next, body: new URLSearchParams({ ...form, [name]: current }).toString() }),
    onResponse: (status, body) => {
      if (status === 200) current = JSON.parse(body)[name] ?? current;
    },
  };
}
