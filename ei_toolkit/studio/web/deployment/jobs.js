// Jobs with their logs, and the impulses of the project compared.

import { html } from "../html.js";
import { addressOf as resource, get, post } from "../api.js";
import { count, date, duration } from "../formats.js";
import { setQuery } from "../router.js";
import { Loaded, Name, useLoad } from "../ui.js";
import { Impulses } from "./compare.js";

const PAGE = 25;

export default function JobsPage({ address }) {
  return html`<h1>Jobs</h1>
    <${Jobs} offset=${Math.max(0, Number(address.query.offset) || 0)} chosen=${Number(address.query.job) || null} />
    <h2>Impulses compared</h2><${Impulses} onlyDifferent=${address.query.differs === "1"} />`;
}

function Jobs({ offset, chosen }) {
  const jobs = useLoad((signal) => get("/jobs/all", { limit: PAGE, offset }, signal), [offset]);
  const cancel = async (id) => {
    await post(`/jobs/${id}/cancel`, {}, { forceCancel: true }).catch(() => {});
    jobs.reload();
  };
  return html`<${Loaded} of=${jobs}>${({ jobs: found, totalJobCount }) => html`
    <div class="row"><button onClick=${jobs.reload}>Refresh</button>
      <button disabled=${offset === 0} onClick=${() => setQuery({ offset: Math.max(0, offset - PAGE) || "" })}>Newer</button>
      <button disabled=${offset + PAGE >= totalJobCount} onClick=${() => setQuery({ offset: offset + PAGE })}>Older</button>
      <span>${count(totalJobCount)} jobs</span></div>
    <div class="wide" tabindex="0" role="group" aria-label="Jobs"><table>
      <thead><tr><th scope="col">Job</th><th scope="col">What</th><th scope="col">State</th><th scope="col">Created</th>
        <th scope="col" class="number">Took</th><th scope="col">Log</th></tr></thead>
      <tbody>${found.map((one) => html`<tr key=${one.id} class=${one.id === chosen ? "chosen" : ""}>
        <th scope="row">${one.id}</th><td>${one.category}</td>
        <td>${stateOf(one)}${one.additionalInfo && html`: <${Name} text=${one.additionalInfo} longest=${100} />`}</td>
        <td>${date(one.created)}</td>
        <td class="number">${one.computeTime === undefined ? "–" : duration(1000 * one.computeTime)}</td>
        <td><button onClick=${() => setQuery({ job: one.id })}>Show<span class="visually-hidden"> the log of job
          ${one.id}</span></button> ${!one.finished && html`<button onClick=${() => cancel(one.id)}>Cancel<span
          class="visually-hidden"> job ${one.id}</span></button>`}</td></tr>`)}</tbody></table></div>
    ${chosen && html`<${Log} key=${chosen} id=${chosen} />`}`}<//>`;
}

function Log({ id }) {
  const log = useLoad((signal) => get(`/jobs/${id}/stdout`, {}, signal), [id]);
  return html`<section aria-labelledby="log"><h2 id="log">Log of job ${id}</h2><${Loaded} of=${log}>${({ stdout, totalCount }) => html`
    ${totalCount > stdout.length && html`<p>The last ${count(stdout.length)} of ${count(totalCount)} lines.</p>`}
    <pre class="log" tabindex="0" aria-label=${`Log of job ${id}`}>${stdout.map((one) => one.data).reverse().join("")}</pre>
    <p><button onClick=${log.reload}>Refresh</button> <a href=${resource(`/jobs/${id}/stdout/download`)}
      download=${`job-${id}.txt`}>Download the whole log</a></p>`}<//></section>`;
}

const stateOf = (job) => (job.finished ? (job.finishedSuccessful ? "finished" : "failed") : job.started ? "running" : "queued");
