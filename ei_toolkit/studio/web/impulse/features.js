// The processing block: its parameters with a live preview and their cost, and the feature explorer.

import { html, useEffect, useMemo, useState } from "../html.js";
import { get, post } from "../api.js";
import { addressOf, setQuery } from "../router.js";
import { bytes, counted, duration } from "../formats.js";
import { Loaded, Name, Notice, announce, useLoad } from "../ui.js";
import { Drawing, drawSpectrogram, drawWaveform } from "../chart.js";
import { JobLog, useJob } from "../job.js";
import { loadImpulse } from "../impulse_state.js";
import { Explorer } from "./explorer.js";

const WAIT_MS = 250; // after the last change of a parameter, before the preview is computed

export default function FeaturesPage({ session, address }) {
  const impulse = useLoad(loadImpulse, []);
  return html`<h1>Features</h1>
    <${Loaded} of=${impulse}>${({ dsp, input, learn }) => (dsp
      ? html`<${Block} dsp=${dsp} input=${input} learn=${learn} session=${session} query=${address.query} />`
      : html`<${Notice}>This project has no processing block yet. <a
          href=${addressOf(session.projectId, "create-impulse")}>Create an impulse</a> first.<//>`)}<//>`;
}

function Block({ dsp, input, learn, session, query }) {
  const config = useLoad((signal) => get(`/dsp/${dsp.id}`, {}, signal), [dsp.id]);
  const [changes, setChanges] = useState({});
  const [problem, setProblem] = useState(null);
  const job = useJob(`dsp-${dsp.id}`);
  const save = async () => {
    try {
      await post(`/dsp/${dsp.id}`, { config: changes });
      setProblem(null);
      setChanges({});
      config.reload();
      announce("The parameters were saved.");
      return true;
    } catch (error) {
      setProblem(error.message);
      return false;
    }
  };
  const generate = async () => {
    if (!Object.keys(changes).length || (await save())) job.start("/jobs/generate-features", { dspId: dsp.id });
  };
  return html`<${Loaded} of=${config}>${({ config: groups }) => html`
    <div class="columns">
      <form onSubmit=${(event) => { event.preventDefault(); save(); }}>
        <h2>Parameters of <${Name} text=${dsp.name} /></h2>
        <fieldset disabled=${session.role !== "admin"}><legend class="visually-hidden">Parameters</legend>
          ${groups.map(({ group, items }) => html`<h3 key=${group}>${group}</h3>
            ${items.filter((one) => one.shouldShow).map((one) => html`<${Parameter} key=${one.param} of=${one}
              value=${changes[one.param] ?? one.value}
              onChange=${(value) => setChanges({ ...changes, [one.param]: value })} />`)}`)}
          ${problem && html`<${Notice} kind="error">${problem}<//>`}
          <div class="row"><button disabled=${!Object.keys(changes).length}>Save the parameters</button>
            <button type="button" class="main" onClick=${generate} disabled=${job.running}>Generate features</button></div>
        </fieldset>
      </form>
      <${Preview} dsp=${dsp} input=${input} params=${changes} sampleId=${query.sample} />
    </div>
    <${JobLog} of=${job} what="Generating features" />
    <${Explorer} hasModel=${learn !== null} query=${query} />
  `}<//>`;
}

function Parameter({ of, value, onChange }) {
  if (of.type === "boolean") {
    return html`<label class="check"><input type="checkbox" name=${of.param} checked=${value === "true"}
      onChange=${(event) => onChange(String(event.target.checked))} /> ${of.name}</label>`;
  }
  const kind = /int|float/.test(of.type) ? "number" : "text";
  return html`<label class="field parameter"><span title=${of.help}>${of.name}</span>
    <input type=${kind} step="any" name=${of.param} value=${value} onInput=${(event) => onChange(event.target.value)} />
  </label>`;
}

function Preview({ dsp, input, params, sampleId }) {
  const samples = useLoad((signal) => get("/raw-data", { limit: 200, category: "training", excludeSensors: true }, signal), []);
  const list = samples.value?.samples ?? [];
  const chosen = Number(sampleId) || list[0]?.id;
  return html`<section aria-labelledby="preview"><h2 id="preview">Preview</h2>
    <${Loaded} of=${samples}>${({ samples: found, totalCount }) => (found.length === 0
      ? html`<p class="soft">There are no training samples yet.</p>`
      : html`<div class="row"><label class="field"><span>Sample</span>
          <select value=${chosen} onChange=${(event) => setQuery({ sample: event.target.value })}>
            ${!list.some((one) => one.id === chosen) && html`<option value=${chosen}>sample ${chosen}</option>`}
            ${list.map((one) => html`<option key=${one.id} value=${one.id}>${`${one.filename.slice(0, 40)} (${one.label.slice(0, 20)})`}</option>`)}
          </select></label>
          <label class="field"><span>Sample by its number, of ${totalCount}</span><input type="number" min="1"
            value=${chosen} onChange=${(event) => setQuery({ sample: event.target.value })} /></label></div>
        <${Spectrogram} key=${chosen} dsp=${dsp} input=${input} params=${params} sampleId=${chosen} />`)}<//>
  </section>`;
}

function Spectrogram({ dsp, input, params, sampleId }) {
  const [startMs, setStart] = useState(0);
  const sample = useLoad(async (signal) => (await get(`/raw-data/${sampleId}`, { limitPayloadValues: 2 }, signal)).sample, [sampleId]);
  const last = Math.max(0, (sample.value?.totalLengthMs ?? 0) - input.windowSizeMs);
  const values = useLoad(async (signal) => {
    if (!sample.value) return null;
    const first = Math.round(Math.min(startMs, last) / sample.value.intervalMs);
    const end = Math.min(sample.value.valuesCount, first + Math.round(input.windowSizeMs / sample.value.intervalMs));
    const { payload } = await get(`/dsp/${dsp.id}/raw-data/${sampleId}/slice`, { sliceStart: first, sliceEnd: end }, signal);
    return payload.values.map((row) => row[0]);
  }, [sample.value, startMs]);
  const unchanged = useUnchanged(params, WAIT_MS);
  const result = useLoad(async () => (values.value
    ? post(`/dsp/${dsp.id}/run`, { features: values.value, params: unchanged, requestPerformance: true })
    : null), [values.value, JSON.stringify(unchanged)]);
  const shape = useMemo(() => shapeOf(result.value?.labels), [result.value]);
  return html`<${Loaded} of=${sample}>${() => html`
    ${last > 0 && html`<label class="field"><span>Window from ${duration(Math.min(startMs, last))}</span>
      <input type="range" min="0" max=${last} step=${Math.min(last, 50)} value=${startMs}
        onInput=${(event) => setStart(Number(event.target.value))} /></label>`}
    ${values.value && html`<${Drawing} label="Waveform of the window" height=${70} dependencies=${[values.value]}
      draw=${(context, width, height) => drawWaveform(context, width, height, values.value)} />`}
    <${Loaded} of=${result}>${(found) => found && html`
      <${Drawing} label=${`Features of the window: ${shape.frames} frames of ${shape.bins} bins`} height=${180}
        dependencies=${[found]} data-frames=${shape.frames} data-bins=${shape.bins}
        draw=${(context, width, height) => drawSpectrogram(context, width, height, found.features, shape.frames, shape.bins)} />
      <p class="cost">${counted(found.features.length, "feature")} (${shape.frames} frames of ${shape.bins}).${
        found.performance ? html` On the board: <strong> ${found.performance.latency} ms</strong> and
        <strong>${bytes(found.performance.ram)}</strong> of RAM for each window.` : " The block cannot run on a board."}</p>`}<//>`}<//>`;
}

/** Return a value after it has not changed for some milliseconds. */
function useUnchanged(value, milliseconds) {
  const [unchanged, setUnchanged] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setUnchanged(value), milliseconds);
    return () => clearTimeout(timer);
  }, [JSON.stringify(value)]);
  return unchanged;
}

/** Return frames and bins from the names of the features: the last one is `frame F bin B`. */
function shapeOf(labels) {
  const [, frame, bin] = (labels?.at(-1)?.match(/^frame (\d+) bin (\d+)$/) ?? [0, 0, labels?.length - 1]).map(Number);
  return { frames: frame + 1, bins: bin + 1 };
}
