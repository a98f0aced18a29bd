// One job of a page: started, followed with its log, cancelled; a page that is loaded again finds its running job.

import { html, useEffect, useRef, useState } from "./html.js";
import { followJob, get, post } from "./api.js";
import { duration } from "./formats.js";
import { Notice } from "./ui.js";

const MOST_LINES = 2000;

/**
 * Follow the job of a page: {job, lines, running, error, start, attach, cancel}. `key` identifies the job, `keras-3`; a job with
 * it that is running is followed at once. `start(path, body, query)` starts one, `attach()` follows the newest one, for
 * a request whose response does not name it. `onEnd(job)` is called at its end.
 */
export function useJob(key, onEnd) {
  const [state, setState] = useState({ job: null, lines: [], running: false, error: null });
  const controller = useRef(null);
  const ended = useRef(onEnd);
  ended.current = onEnd;
  const follow = async (id) => {
    controller.current?.abort();
    const own = new AbortController();
    controller.current = own;
    const update = (change) => { if (!own.signal.aborted) setState((before) => ({ ...before, ...change(before) })); };
    update(() => ({ job: { id }, lines: [], running: true, error: null }));
    try {
      const add = (piece) => update((before) => ({ lines: [...before.lines, ...linesOf(piece)].slice(-MOST_LINES) }));
      const job = await followJob(id, add, own.signal);
      update(() => ({ job, running: false }));
      if (!own.signal.aborted) ended.current?.(job);
    } catch (error) {
      if (error.name !== "AbortError") update(() => ({ running: false, error: error.message }));
    }
  };
  const start = async (path, body = {}, query = {}) => {
    setState({ job: null, lines: [], running: true, error: null });
    try {
      const answer = await post(path, body, query);
      follow(answer.id);
      return answer;
    } catch (error) {
      const other = /job ID: (\d+)/.exec(error.message);
      if (other) follow(Number(other[1]));
      else setState({ job: null, lines: [], running: false, error: error.message });
      return null;
    }
  };
  const attach = async () => {
    const { jobs } = await get("/jobs/all", { key, limit: 1 });
    if (jobs.length) follow(jobs[0].id);
  };
  const cancel = () => post(`/jobs/${state.job.id}/cancel`, {}, { forceCancel: true }).catch(
    (error) => setState((before) => ({ ...before, error: error.message })),
  );
  useEffect(() => {
    if (!key) return undefined;
    const first = new AbortController();
    get("/jobs", { key }, first.signal).then(({ jobs }) => { if (jobs.length) follow(jobs[0].id); }, () => {});
    return () => {
      first.abort();
      controller.current?.abort();
    };
  }, [key]);
  return { ...state, start, attach, cancel };
}

/** The state and the log of a job of `useJob`. */
export function JobLog({ of, what }) {
  const box = useRef(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [of.lines]);
  if (!of.job && !of.error && !of.running) return null;
  const failed = of.job?.finished && !of.job.finishedSuccessful;
  return html`<section class="job" aria-label=${`Job: ${what}`}>
    ${of.error && html`<${Notice} kind="error">${of.error}<//>`}
    ${of.running && html`<p role="status">${what}: ${of.job ? `job ${of.job.id} is running` : "starting"}…
      ${of.job && html` <button onClick=${of.cancel}>Cancel the job</button>`}</p>`}
    ${failed && html`<${Notice} kind="error">${what} failed: ${of.job.additionalInfo || "its log has the reason"}. Nothing
      that was stored before is lost; change the cause, then start it again.<//>`}
    ${of.job?.finishedSuccessful && html`<p role="status">${what} finished
      ${of.job.computeTime !== undefined && ` in ${duration(1000 * of.job.computeTime)}`}.</p>`}
    ${of.lines.length > 0 && html`<details open=${of.running || failed}>
      <summary>Log</summary>
      <pre ref=${box} class="log" tabindex="0" aria-label="Log of the job">${of.lines.join("\n")}</pre>
    </details>`}
  </section>`;
}

function linesOf(piece) {
  return String(piece).replace(/\n$/, "").split("\n");
}
