// The impulses of the project side by side: their parameters, and the figures of their models.

import { html, useState } from "../html.js";
import { get } from "../api.js";
import { bytes, date, percent } from "../formats.js";
import { setQuery } from "../router.js";
import { Loaded, Name, Notice, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";

const MOST_LABELS = 40;

export function Impulses({ onlyDifferent }) {
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
      : html`<label class="check"><input type="checkbox" checked=${onlyDifferent}
            onChange=${(event) => setQuery({ differs: event.target.checked ? "1" : "" })} /> Only what differs</label>
          <${Table} impulses=${impulses} onlyDifferent=${onlyDifferent} onCopy=${copy} />`)}<//>`;
}

function Table({ impulses, onlyDifferent, onCopy }) {
  return html`<div class="wide" tabindex="0" role="group" aria-label="Impulses"><table class="impulses">
    <thead><tr><th scope="col">Property</th>${impulses.map(({ impulse }) => html`<th scope="col" key=${impulse.id}>
      <${Name} text=${impulse.name} longest=${40} /></th>`)}</tr></thead>
    ${sectionsOf(impulses).map(([title, rows]) => html`<${Section} key=${title} title=${title} rows=${rows}
      columns=${impulses.length} onlyDifferent=${onlyDifferent} />`)}
    <tbody><tr><th scope="row">Copy</th>${impulses.map(({ impulse }) => html`<td key=${impulse.id}><button
      onClick=${() => onCopy(impulse)}>Copy<span class="visually-hidden"> impulse ${impulse.id}</span></button></td>`)}</tr></tbody>
  </table></div>`;
}

function Section({ title, rows, columns, onlyDifferent }) {
  const shown = rows.map(([name, cells]) => [name, cells, new Set(cells).size > 1])
    .filter(([, cells, differs]) => (onlyDifferent ? differs : cells.some((one) => one !== MISSING)));
  if (!shown.length) return null;
  return html`<tbody><tr><th scope="rowgroup" colspan=${columns + 1} class="soft">${title}</th></tr>
    ${shown.map(([name, cells, differs]) => html`<tr key=${name}><th scope="row"><${Name} text=${name} longest=${40} /></th>
      ${cells.map((cell, i) => html`<td key=${i}>${differs
        ? html`<strong><${Name} text=${cell} longest=${60} /></strong>` : html`<${Name} text=${cell} longest=${60} />`}</td>`)}
    </tr>`)}</tbody>`;
}

const MISSING = "–";
const keras = (one) => one.learnBlockKerasConfigs[0];
const settings = (one) => keras(one)?.config;
const metrics = (one, type) => keras(one)?.metadata?.modelValidationMetrics.find((each) => each.type === type);
const best = (one) => metrics(one, "int8") ?? metrics(one, "float32");
const cost = (one) => best(one)?.onDevicePerformance.find((each) => each.isDefault) ?? best(one)?.onDevicePerformance[0];
const input = (one) => one.impulse.inputBlocks[0];
const parameters = (one) => one.dspBlockConfigs.flatMap(({ config }) => config.config.flatMap(({ items }) => items));
const decimals = (value) => value.toFixed(3);

const WINDOWS = [
  ["Window", (one) => input(one)?.windowSizeMs, (value) => `${value} ms`],
  ["Window increase", (one) => input(one)?.windowIncreaseMs, (value) => `${value} ms`],
  ["Sample rate", (one) => input(one)?.frequencyHz, (value) => `${value} Hz`],
];
const FEATURES = [
  ["Processing block", (one) => one.impulse.dspBlocks.map((block) => block.title).join(", ")],
  ["Number of features", (one) => settings(one)?.dependencies.featureCount],
];
const TRAINING = [
  ["Layers", (one) => (settings(one)?.mode === "expert" ? "script"
    : settings(one)?.visualLayers.map((layer) => layer.type).join(", "))],
  ["Epochs", (one) => settings(one)?.trainingCycles],
  ["Learning rate", (one) => settings(one)?.learningRate],
  ["Batch size", (one) => settings(one)?.batchSize],
  ["Validation share", (one) => settings(one)?.trainTestSplit],
  ["Balanced labels", (one) => settings(one)?.autoClassWeights, (value) => (value ? "yes" : "no")],
  ["Threshold", (one) => settings(one)?.minimumConfidenceRating],
];
const RESULTS = [
  ["Accuracy, int8", (one) => metrics(one, "int8")?.accuracy, percent],
  ["Accuracy, float32", (one) => metrics(one, "float32")?.accuracy, percent],
  ["Loss, int8", (one) => metrics(one, "int8")?.loss, decimals],
  ["Loss, float32", (one) => metrics(one, "float32")?.loss, decimals],
  ["Time on the board", (one) => cost(one)?.latency, (value) => `${value} ms`],
  ["RAM on the board", (one) => cost(one)?.eon?.ramRequired, bytes],
  ["Flash on the board", (one) => cost(one)?.eon?.romRequired, bytes],
  ["Trained", (one) => keras(one)?.metadata?.created, date],
];

/** Return [title, [[name, a text for each impulse]]] of the parameters and the figures. */
function sectionsOf(impulses) {
  const row = ([name, value, write = String]) => [name, impulses.map((one) => {
    const found = value(one);
    return found === undefined || found === null || found === "" ? MISSING : write(found);
  })];
  const names = (found) => [...new Set(impulses.flatMap(found))];
  const features = names((one) => parameters(one).map(({ name }) => name)).map(
    (name) => [name, (one) => parameters(one).find((item) => item.name === name)?.value]);
  const additional = names((one) => (best(one)?.additionalMetrics ?? []).map(({ name }) => name)).map(
    (name) => [name, (one) => best(one)?.additionalMetrics?.find((item) => item.name === name)?.value]);
  const labels = names((one) => keras(one)?.metadata?.classNames ?? []).slice(0, MOST_LABELS).map(
    (label) => [`F1 of ${label}`, (one) => best(one)?.report[label]?.["f1-score"], percent]);
  return [
    ["Windows", WINDOWS.map(row)], ["Features", [...FEATURES, ...features].map(row)],
    ["Training", TRAINING.map(row)], ["Results on the validation windows", [...RESULTS, ...additional, ...labels].map(row)],
  ];
}
