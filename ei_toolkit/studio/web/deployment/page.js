// Deployment: what the model costs on a board, builds of a library, and downloads with their SHA-256.

import { html, useState } from "../html.js";
import { addressOf as resource, get, getBytes } from "../api.js";
import { addressOf } from "../router.js";
import { bytes, date } from "../formats.js";
import { Loaded, Name, Notice, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";
import { loadImpulse } from "../impulse_state.js";

const ENGINES = {
  "tflite-eon": "EON compiler", "tflite-eon-ram-optimized": "EON compiler, least RAM", tflite: "TensorFlow Lite interpreter",
};

export default function DeploymentPage({ session }) {
  const loaded = useLoad(async (signal) => {
    const found = await loadImpulse(signal);
    if (!found.learn) return { ...found, metadata: null };
    const [metadata, performance, { targets }, { project, latencyDevices }] = await Promise.all([
      get(`/training/keras/${found.learn.id}/metadata`, {}, signal).catch((error) => {
        if (error.status === 200) return null;
        throw error;
      }),
      get(`/dsp/${found.dsp.id}/performance`, {}, signal),
      get("/deployment/targets", {}, signal),
      get("", {}, signal),
    ]);
    const device = latencyDevices.find((one) => one.selected) ?? latencyDevices[0];
    return { ...found, metadata, performance: performance.performance, targets, device, project };
  }, []);
  const history = useLoad((signal) => get("/deployment/history", { limit: 50 }, signal), []);
  return html`<h1>Deployment</h1>
    <${Loaded} of=${loaded}>${(found) => (found.metadata
      ? html`<${Build} ...${found} onBuilt=${history.reload} canBuild=${session.role !== "readonly"} />`
      : html`<${Notice}>There is no trained model yet. <a href=${addressOf(session.projectId, "learning/keras")}>Train
          one</a> first.<//>`)}<//>
    <h2>Builds</h2>
    <${Loaded} of=${history}>${({ deployments }) => html`<${History} deployments=${deployments} />`}<//>`;
}

function Build({ impulse, metadata, performance, targets, device, onBuilt, canBuild }) {
  const [target, setTarget] = useState(targets.find((one) => one.recommendedForProject)?.format ?? targets[0].format);
  const [engine, setEngine] = useState("tflite-eon");
  const [variant, setVariant] = useState(metadata.recommendedModelType);
  const job = useJob(`build-${impulse.id}-${target}`, onBuilt);
  const [changed, setChanged] = useState({});
  const chosen = targets.find((one) => one.format === target);
  const usable = chosen.supportedEngines.includes(engine) ? engine : chosen.preferredEngine;
  const parameters = Object.fromEntries(chosen.parameters.map((one) => [one.param, changed[one.param] ?? one.defaultValue]));
  const start = (event) => {
    event.preventDefault();
    job.start("/jobs/build-ondevice-model", { engine: usable, modelType: variant, parameters }, { type: target });
  };
  return html`<form onSubmit=${start}><fieldset disabled=${!canBuild || job.running}>
    <legend class="visually-hidden">What is built</legend>
    <div class="row">
      <label class="field"><span>Target</span><select name="target" value=${target}
        onChange=${(event) => setTarget(event.target.value)}>${targets.map((one) => html`<option key=${one.format}
          value=${one.format}>${one.name}</option>`)}</select></label>
      <label class="field"><span>Engine</span><select name="engine" value=${usable}
        onChange=${(event) => setEngine(event.target.value)}>${chosen.supportedEngines.map((one) => html`<option key=${one}
          value=${one}>${ENGINES[one] ?? one}</option>`)}</select></label>
      <label class="field"><span>Model</span><select name="variant" value=${variant}
        onChange=${(event) => setVariant(event.target.value)}>${metadata.availableModelTypes.map((one) => html`<option
          key=${one} value=${one}>${one === "int8" ? "int8 (quantised)" : one}</option>`)}</select></label>
      ${chosen.parameters.map((one) => html`<${Parameter} key=${one.param} of=${one} value=${parameters[one.param]}
        onChange=${(value) => setChanged({ ...changed, [one.param]: value })} />`)}
    </div>
    <p class="soft">${chosen.description}</p>
    <${Estimate} metadata=${metadata} performance=${performance} engine=${usable} device=${device} />
    <button class="main">Build</button></fieldset></form>
    <${JobLog} of=${job} what="Building" />`;
}

/** One parameter of a target: a choice or a number. */
function Parameter({ of, value, onChange }) {
  const change = (event) => onChange(event.target.value);
  return html`<label class="field" title=${of.help}><span>${of.name}</span>${of.selectOptions
    ? html`<select name=${of.param} value=${value} onChange=${change}>${of.selectOptions.map((one) => html`<option
        key=${one.value} value=${one.value}>${one.value}</option>`)}</select>`
    : html`<input name=${of.param} type="number" step="any" value=${value} onChange=${change} />`}</label>`;
}

/** Time, RAM, flash and accuracy of each model variant on the project's board. */
function Estimate({ metadata, performance, engine, device }) {
  const dsp = performance.find((one) => one.mcu === device.mcu);
  const part = { "tflite-eon": "eon", "tflite-eon-ram-optimized": "eon_ram_optimized", tflite: "tflite" }[engine];
  return html`<div class="wide" tabindex="0" role="group" aria-label="Estimate"><table class="estimate">
    <caption>Estimate for ${device.name}</caption>
    <thead><tr><th scope="col">Part</th>${["Time", "RAM", "Flash", "Accuracy"].map((name) => html`<th scope="col"
      class="number" key=${name}>${name}</th>`)}</tr></thead>
    <tbody>
      ${dsp && html`<tr><th scope="row">Processing block</th><td class="number">${dsp.latency} ms</td>
        <td class="number">${bytes(dsp.ram)}</td><td class="number">–</td><td class="number">–</td></tr>`}
      ${metadata.modelValidationMetrics.map((one) => {
        const cost = one.onDevicePerformance.find((each) => each.mcu === device.mcu);
        const need = cost?.[part] ?? cost?.eon;
        return html`<tr key=${one.type}><th scope="row">Network, ${one.type}</th>
          <td class="number">${cost?.latency === undefined ? "–" : `${cost.latency} ms`}</td>
          <td class="number">${need ? bytes(need.ramRequired) : "–"}</td>
          <td class="number">${need ? bytes(need.romRequired) : "–"}</td>
          <td class="number">${(100 * one.accuracy).toFixed(1)} %</td></tr>`;
      })}</tbody></table></div>`;
}

function History({ deployments }) {
  if (!deployments.length) return html`<p class="soft">Nothing was built yet.</p>`;
  return html`<div class="wide" tabindex="0" role="group" aria-label="Builds"><table>
    <thead><tr><th scope="col">Version</th><th scope="col">Target</th><th scope="col">Engine</th><th scope="col">Model</th>
      <th scope="col">Impulse</th><th scope="col">Built</th><th scope="col">File</th></tr></thead>
    <tbody>${deployments.map((one) => html`<tr key=${one.deploymentVersion}><th scope="row">${one.deploymentVersion}</th>
      <td>${one.deploymentTarget.name}</td><td>${ENGINES[one.engine] ?? one.engine}</td><td>${one.modelType}</td>
      <td><${Name} text=${one.impulseName} longest=${40} />${one.impulseHasChangedSinceDeployment && " (changed since)"}</td>
      <td>${date(one.created)}</td><td><${File} version=${one.deploymentVersion} /></td></tr>`)}</tbody></table></div>`;
}

function File({ version }) {
  const [hash, setHash] = useState(null);
  const path = `/deployment/history/${version}/download`;
  const compute = async () => {
    try {
      const digest = await crypto.subtle.digest("SHA-256", await getBytes(path));
      setHash([...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    } catch (error) {
      setHash(error.message);
    }
  };
  return html`<a href=${resource(path)} download>Download<span class="visually-hidden"> version ${version}</span></a>
    ${hash ? html`<br /><code class="hash">${hash}</code>`
      : html` <button onClick=${compute}>SHA-256<span class="visually-hidden"> of version ${version}</span></button>`}`;
}
