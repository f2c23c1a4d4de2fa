// Following a light job of the Data tab to its end.
(() => {
  "use strict";
  const data = (whetstone.data = whetstone.data || {});
  const POLL_MS = 300;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const ENDED = ["finished", "failed", "stopped"];

  data.hasEnded = (state) => ENDED.includes(state.status);

  // Calls show(state) until the job has ended; answers with its last state, throws what a failed one says.
  data.follow = async (server, jobId, show) => {
    for (;;) {
      const state = await server.job({ job_id: jobId });
      show(state);
      if (state.status === "failed") throw state.problem;
      if (data.hasEnded(state)) return state;
      await pause(POLL_MS);
    }
  };

  // Seconds until the end at the pace of the last few seconds; null while that is not known. pace: [time, done], kept
  // from one look to the next.
  const PACE_MS = 6000;
  data.timeLeft = (pace, { status, done, total }) => {
    if (status !== "running" || !done || !total || done >= total) return null;
    const now = performance.now();
    if (pace.length && pace.at(-1)[1] > done) pace.length = 0;
    if (!pace.length || pace.at(-1)[1] !== done) pace.push([now, done]);
    while (pace.length > 2 && now - pace[0][0] > PACE_MS) pace.shift();
    const [began, before] = pace[0];
    return done > before ? ((total - done) * (pace.at(-1)[0] - began)) / (done - before) / 1000 : null;
  };

  data.progressWords = (say, state) => {
    if (state.status === "queued") return say("data.job_queued");
    if (state.status === "stopping") return say("data.job_stopping");
    if (state.unit === "bytes" && state.total) return say("data.job_bytes_of", { done: whetstone.bytes(state.done), total: whetstone.bytes(state.total) });
    if (state.total && state.left != null) return say("data.job_rows_left", { done: state.done, total: state.total, left: whetstone.duration(state.left) });
    if (state.total) return say("data.job_rows_of", { done: state.done, total: state.total });
    if (state.done) return say("data.job_rows", { done: state.done });
    return state.phase && whetstone.has(`phase.${state.phase}`) ? say(`phase.${state.phase}`) : say("data.job_starting");
  };
})();
