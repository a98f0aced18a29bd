// One sample: what is known of it, its sound, and cropping and splitting.

import { html, useEffect, useState } from "../html.js";
import { addressOf, get, post, RequestError } from "../api.js";
import { count, counted, date, duration } from "../formats.js";
import { Player } from "../player.js";
import { announce, Loaded, Name, Notice, useLoad } from "../ui.js";
import { crop, relabel, restore, split } from "./changes.js";

/** `onChange` is called with a change that can be undone, or null; `onClose` closes the sample. */
export function Sample({ id, version, onChange, onClose }) {
  const loaded = useLoad((signal) => loadSample(id, signal), [id, version]);
  useEffect(() => {
    document.getElementById("sample-heading")?.focus({ preventScroll: true });
  }, [id]);
  return html`<section class="sample" aria-labelledby="sample-heading">
    <div class="head-line">
      <h2 id="sample-heading" tabindex="-1">Sample ${id}</h2>
      <button onClick=${onClose} aria-label="Close the sample">×</button>
    </div>
    <${Loaded} of=${loaded}>${(sample) => html`<${Details} key=${`${sample.id} ${sample.lastModified}`} sample=${sample}
      onChange=${onChange} />`}<//>
  </section>`;
}

/** Read a sample as lists have it: without its values, which take a process that reads the file. */
async function loadSample(id, signal) {
  const [sample] = (await get("/raw-data", { category: "all", ids: `[${id}]` }, signal)).samples;
  if (!sample) throw new RequestError(`There is no sample ${id}: it was deleted. Choose another one.`);
  return sample;
}

function Details({ sample, onChange }) {
  const [marked, setMarked] = useState([]);
  const sound = sample.sensors.length > 0 && sample.intervalMs > 0;
  const run = async (action) => {
    try {
      onChange((await action()) ?? null);
      setMarked([]);
    } catch (error) {
      announce(error.message);
    }
  };
  return html`
    <p><strong><${Name} text=${sample.filename} /></strong></p>
    ${sound && html`<${Player} url=${addressOf(`/raw-data/${sample.id}/wav`, { v: sample.sha256Hash })}
      rate=${sample.frequency} values=${sample.valuesCount} regions=${marked} onRegion=${(one) => setMarked([one])} />`}
    <${Label} sample=${sample} run=${run} />
    <${Cut} sample=${sample} marked=${marked} setMarked=${setMarked} run=${run} />
    <${Summary} sample=${sample} />`;
}

function Label({ sample, run }) {
  const [label, setLabel] = useState(sample.label);
  const submit = (event) => {
    event.preventDefault();
    run(() => relabel([sample], label.trim()));
  };
  return html`<form class="row" onSubmit=${submit}>
    <label class="field"><span>Label</span>
      <input value=${label} onInput=${(event) => setLabel(event.target.value)} /></label>
    <button disabled=${label.trim() === sample.label}>Change the label</button>
  </form>`;
}

/** Crop to the marked part, split there, or split at segments: the loud events, or parts of one length. */
function Cut({ sample, marked, setMarked, run }) {
  const [seconds, setSeconds] = useState("1");
  const length = sample.totalLengthMs;
  const [part] = marked;
  const mark = (values) => {
    const { startMs, endMs } = { startMs: 0, endMs: length, ...part, ...values };
    if (startMs >= 0 && startMs < endMs && endMs <= length + 1) setMarked([{ startMs, endMs }]);
  };
  const lengthMs = 1000 * Number(seconds);
  const valid = lengthMs >= sample.intervalMs && lengthMs <= length;
  const find = () => run(async () => {
    const { segments } = await post(`/raw-data/${sample.id}/find-segments`, { segmentLengthMs: lengthMs });
    setTimeout(() => setMarked(segments));
    announce(`${counted(segments.length, "segment")} found.`);
  });
  const divide = () => {
    const pieces = [];
    for (let start = 0; start + lengthMs <= length + 1e-6; start += lengthMs) {
      pieces.push({ startMs: start, endMs: Math.min(length, start + lengthMs) });
    }
    setMarked(pieces.slice(0, 1000));
  };
  const splitHere = () => run(() => split(sample, [
    ...(part.startMs > sample.intervalMs ? [{ startMs: 0, endMs: part.startMs }] : []), part,
    ...(part.endMs < length - sample.intervalMs ? [{ startMs: part.endMs, endMs: length }] : []),
  ]));
  const time = (name, value) => html`<label class="field"><span>${name} (s)</span><input class="short" type="number" min="0"
    step="0.01" max=${length / 1000} value=${part ? (part[value] / 1000).toFixed(3) : ""}
    onChange=${(event) => mark({ [value]: 1000 * Number(event.target.value) })} /></label>`;
  return html`<details>
    <summary>Crop or split</summary>
    <p class="soft">Mark a part with the mouse in the waveform, or enter its start and end. The uploaded recording is kept.</p>
    <div class="row">
      ${time("Start", "startMs")} ${time("End", "endMs")}
      <button disabled=${marked.length !== 1 || sample.isCropped}
        onClick=${() => run(() => crop(sample, part.startMs, part.endMs))}>Crop to the part</button>
      <button disabled=${marked.length !== 1} onClick=${splitHere}>Split at start and end</button>
      ${sample.isCropped && html`<button onClick=${() => run(() => restore(sample))}>Restore the whole recording</button>`}
    </div>
    <div class="row">
      <label class="field"><span>Length (s)</span><input class="short" type="number" min="0" step="0.01" value=${seconds}
        onInput=${(event) => setSeconds(event.target.value)} /></label>
      <button disabled=${!valid} onClick=${find}>Mark loud events</button>
      <button disabled=${!valid} onClick=${divide}>Mark parts of this length</button>
      <button disabled=${marked.length < 2} onClick=${() => run(() => split(sample, marked))}>
        Split into the marked parts</button>
    </div>
    ${sample.isCropped && html`<${Notice}>This sample is cropped: restore the whole recording before you crop it again.<//>`}
  </details>`;
}

function Summary({ sample }) {
  const rows = [
    ["Split", sample.category], ["State", sample.isDisabled ? "disabled" : "enabled"],
    ["Length", duration(sample.totalLengthMs)],
    ["Values", `${count(sample.valuesCount)} at ${count(Math.round(sample.frequency))} Hz`],
    ["Added", date(sample.added)], ["Device", sample.deviceName ?? ""],
    ["SHA-256", sample.sha256Hash],
    ...Object.entries(sample.metadata ?? {}),
  ];
  return html`<dl>${rows.filter(([, value]) => value).map(([name, value]) => html`
    <dt key=${name}><${Name} text=${name} longest=${40} /></dt><dd><${Name} text=${String(value)} longest=${300} /></dd>`)}</dl>`;
}
