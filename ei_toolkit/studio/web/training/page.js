// Training: the settings and layers of the learn block, a training while it runs, and its results.

import { html, useMemo, useState } from "../html.js";
import { get, post } from "../api.js";
import { addressOf, setQuery } from "../router.js";
import { Loaded, Name, Notice, announce, useLoad } from "../ui.js";
import { Curves } from "../chart.js";
import { JobLog, useJob } from "../job.js";
import { loadImpulse } from "../impulse_state.js";
import { historyOf, readLog } from "./log.js";
import { Results } from "./results.js";

const SETTINGS = [
  { name: "trainingCycles", title: "Epochs", step: 1, min: 1 },
  { name: "learningRate", title: "Learning rate", step: "any", min: 0 },
  { name: "batchSize", title: "Batch size", step: 1, min: 1 },
  { name: "trainTestSplit", title: "Validation share", step: "any", min: 0 },
  { name: "minimumConfidenceRating", title: "Threshold", step: "any", min: 0 },
];

export default function TrainingPage({ session, address }) {
  const impulse = useLoad(loadImpulse, []);
  return html`<h1>Training</h1>
    <${Loaded} of=${impulse}>${({ learn }) => (learn
      ? html`<${LearnBlock} session=${session} learn=${learn} query=${address.query} />`
      : html`<${Notice}>This project has no learn block yet. <a
          href=${addressOf(session.projectId, "create-impulse")}>Create an impulse</a> first.<//>`)}<//>`;
}

function LearnBlock({ session, learn, query }) {
  const settings = useLoad((signal) => get(`/training/keras/${learn.id}`, {}, signal), [learn.id]);
  const trained = settings.value?.trained ?? false;
  const results = useLoad(
    async (signal) => (trained ? get(`/training/keras/${learn.id}/metadata`, {}, signal) : null), [learn.id, trained],
  );
  const job = useJob(`keras-${learn.id}`, () => {
    settings.reload();
    results.reload();
  });
  return html`
    <${Loaded} of=${settings}>${(keras) => html`
      <${Settings} key=${JSON.stringify(SETTINGS.map(({ name }) => keras[name]))} keras=${keras} learn=${learn} job=${job}
        readOnly=${session.role !== "admin"} />
      <${Architecture} keras=${keras} />`}<//>
    <${Progress} job=${job} results=${results.value} />
    <${JobLog} of=${job} what="Training" />
    ${trained && !job.running && html`<${Loaded} of=${results}>${(value) => html`
      <${Results} metadata=${value} variant=${query.variant} cell=${query}
        onVariant=${(variant) => setQuery({ variant, actual: "", predicted: "" })} />`}<//>`}
  `;
}

function Settings({ keras, learn, job, readOnly }) {
  const [values, setValues] = useState(Object.fromEntries(SETTINGS.map(({ name }) => [name, keras[name]])));
  const [error, setError] = useState(null);
  const body = () => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
  const save = async () => {
    try {
      await post(`/training/keras/${learn.id}`, body());
      setError(null);
      announce("The settings were saved.");
    } catch (problem) {
      setError(problem.message);
    }
  };
  const start = (event) => {
    event.preventDefault();
    job.start(`/jobs/train/keras/${learn.id}`, body());
  };
  return html`<form onSubmit=${start}>
    <h2>Settings</h2>
    <fieldset class="row" disabled=${readOnly || job.running}>
      <legend class="visually-hidden">Settings of the training</legend>
      ${SETTINGS.map(({ name, title, step, min }) => html`<label class="field" key=${name}><span>${title}</span>
        <input type="number" name=${name} step=${step} min=${min} required value=${values[name]}
          onInput=${(event) => setValues({ ...values, [name]: event.target.value })} /></label>`)}
      <button type="button" onClick=${save}>Save</button>
      <button class="main">Start training</button>
    </fieldset>
    ${error && html`<${Notice} kind="error">${error}<//>`}
  </form>`;
}

function Architecture({ keras }) {
  const details = (layer) => Object.entries(layer).filter(([name]) => name !== "type" && name !== "enabled");
  return html`<h2>Architecture</h2>
    ${keras.mode === "expert"
      ? html`<p class="soft">The network is defined by a script (expert mode). It is shown only; eitk train changes it.</p>
          <pre tabindex="0" aria-label="Script of the network">${keras.script}</pre>`
      : html`<ol class="layers">
          <li>Input: ${keras.dependencies.featureCount} features</li>
          ${keras.visualLayers.map((layer, i) => html`<li key=${i} class=${layer.enabled === false ? "soft" : ""}>
            ${layer.type}${details(layer).map(([name, value]) => html` <span class="soft">${name} ${String(value)}</span>`)}
            ${layer.enabled === false && " (disabled)"}</li>`)}
          <li>Output: ${keras.dependencies.classes.length} labels
            ${keras.dependencies.classes.slice(0, 20).map((label) => html` <${Name} key=${label} text=${label}
              longest=${24} />`)}</li>
        </ol>`}`;
}

function Progress({ job, results }) {
  const live = useMemo(() => readLog(job.lines), [job.lines]);
  const stored = useMemo(() => historyOf(results?.tensorboardGraphs), [results]);
  const isLive = job.running || Object.keys(live.history).length > 0;
  const history = isLive ? live.history : stored;
  const curves = useMemo(() => ["accuracy", "loss", "learning_rate"].map((name) => ({
    title: { accuracy: "Accuracy", loss: "Loss", learning_rate: "Learning rate" }[name],
    series: [
      { name: "training", values: history[name] ?? [], colour: "blue" },
      { name: "validation", values: history[`val_${name}`] ?? [], colour: "orange", dashed: true },
    ].filter((one) => one.values.length || (one.name === "training" && name !== "learning_rate")),
  })).filter(({ series }) => series.length), [history]);
  if (!isLive && !results) return null;
  return html`<h2>Curves</h2>
    ${job.running && html`<p><progress max=${live.epochs || 1} value=${live.epochs ? live.epoch : undefined}
      aria-label="Progress of the training"></progress>
      ${live.epochs ? `Epoch ${live.epoch} of ${live.epochs}` : "Computing features…"}</p>`}
    <div class="columns">${curves.map((one) => html`<${Curves} key=${one.title} ...${one} />`)}</div>`;
}
