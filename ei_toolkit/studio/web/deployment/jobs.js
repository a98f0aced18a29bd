// Jobs with their logs, and the impulses of the project compared.

import { html, useState } from "../html.js";
import { addressOf as resource, get, post } from "../api.js";
import { bytes, count, date, duration, percent } from "../formats.js";
import { setQuery } from "../router.js";
import { Loaded, Name, Notice, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";

const PAGE = 25;

export default function JobsPage({ address }) {
  return html`<h1>Jobs</h1>
    <${Jobs} offset=${Math.max(0, Number(address.query.offset) || 0)} chosen=${Number(address.query.job) || null} />
    <h2>Impulses compared</h2><${Impulses} />`;
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

function Impulses() {
  const loaded = useLoad((signal) => get("/impulses-detailed", {}, signal), []);
  const [problem, setProblem] = useState(null);
  const copying = useJob(null, loaded.reload);
  const copy = async (impulse) => {
    try {
      await copying.start(`/impulse/${impulse.id}/clone/complete`, { name: `Copy of ${impulse.name}`.slice(0, 100) });
      setProblem(null);
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`<p>A copy keeps the settings, the features and the model of an impulse as they are now, while the pages
      and commands change the first impulse. What differs is bold.</p>
    ${problem && html`<${Notice} kind="error">${problem}<//>`}
    <${JobLog} of=${copying} what="Copying" />
    <${Loaded} of=${loaded}>${({ impulses }) => (impulses.length === 0
      ? html`<p class="soft">There is no impulse yet.</p>`
      : html`<div class="wide" tabindex="0" role="group" aria-label="Impulses"><table class="impulses">
          <thead><tr><th scope="col">Property</th>${impulses.map(({ impulse }) => html`<th scope="col" key=${impulse.id}>
            <${Name} text=${impulse.name} longest=${40} /></th>`)}</tr></thead>
          <tbody>${ROWS.map(([title, value]) => {
            const cells = impulses.map((one) => value(one));
            const differs = new Set(cells).size > 1;
            return html`<tr key=${title}><th scope="row">${title}</th>${cells.map((cell, i) => html`<td key=${i}>
              ${differs && cells.length > 1 ? html`<strong>${cell}</strong>` : cell}</td>`)}</tr>`;
          })}
          <tr><th scope="row">Copy</th>${impulses.map(({ impulse }) => html`<td key=${impulse.id}><button
            onClick=${() => copy(impulse)}>Copy<span class="visually-hidden"> impulse ${impulse.id}</span></button></td>`)}</tr>
          </tbody></table></div>`)}<//>`;
}

const keras = (one) => one.learnBlockKerasConfigs[0];
const metrics = (one, type) => keras(one)?.metadata?.modelValidationMetrics.find((each) => each.type === type);
const cost = (one) => metrics(one, "int8")?.onDevicePerformance.find((each) => each.isDefault) ?? metrics(one, "int8")?.onDevicePerformance[0];
const input = (one) => one.impulse.inputBlocks[0];
const ROWS = [
  ["Window", (one) => (input(one) ? `${input(one).windowSizeMs} ms every ${input(one).windowIncreaseMs} ms` : "–")],
  ["Sample rate", (one) => (input(one) ? `${input(one).frequencyHz} Hz` : "–")],
  ["Processing block", (one) => one.impulse.dspBlocks.map((block) => block.title).join(", ") || "–"],
  ["Features", (one) => keras(one)?.config.dependencies.featureCount ?? "–"],
  ["Layers", (one) => (keras(one)?.config.mode === "expert" ? "script"
    : keras(one)?.config.visualLayers.map((layer) => layer.type).join(", ") ?? "–")],
  ["Epochs", (one) => keras(one)?.config.trainingCycles ?? "–"],
  ["Learning rate", (one) => keras(one)?.config.learningRate ?? "–"],
  ["Accuracy, int8", (one) => figure(metrics(one, "int8")?.accuracy, percent)],
  ["Accuracy, float32", (one) => figure(metrics(one, "float32")?.accuracy, percent)],
  ["Loss, int8", (one) => figure(metrics(one, "int8")?.loss, (value) => value.toFixed(3))],
  ["Time on the board", (one) => figure(cost(one)?.latency, (value) => `${value} ms`)],
  ["RAM on the board", (one) => figure(cost(one)?.eon?.ramRequired, bytes)],
  ["Trained", (one) => figure(keras(one)?.metadata?.created, date)],
];
const figure = (value, write) => (value === undefined || value === null ? "–" : write(value));
