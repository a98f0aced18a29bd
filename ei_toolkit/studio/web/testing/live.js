// Live classification: of a dropped file, of the microphone, and of a sample of the project.

import { html, useEffect, useState } from "../html.js";
import { addressOf as resource, get, getBytes, post } from "../api.js";
import { addressOf, setQuery } from "../router.js";
import { Loaded, Notice, announce, useLoad } from "../ui.js";
import { loadImpulse } from "../impulse_state.js";
import { Board } from "./board.js";
import { BoardSettings, boardSettings } from "./board_settings.js";
import { classifyRecording, keepForTesting, resultOf } from "./classify.js";
import { Microphone } from "./microphone.js";
import { Timeline } from "./timeline.js";
import { decode, isWav, wavOf } from "./wav.js";

export default function LivePage({ session, address }) {
  const loaded = useLoad(async (signal) => {
    const found = await loadImpulse(signal);
    const keras = found.learn ? await get(`/training/keras/${found.learn.id}`, {}, signal) : null;
    return { ...found, trained: keras?.trained ?? false, threshold: keras?.minimumConfidenceRating };
  }, []);
  return html`<h1>Live classification</h1>
    <${Loaded} of=${loaded}>${({ input, trained, threshold }) => (trained
      ? html`<${Live} input=${input} threshold=${threshold} query=${address.query} canKeep=${session.role === "admin"} />`
      : html`<${Notice}>There is no trained model yet. <a href=${addressOf(session.projectId, "learning/keras")}>Train
          one</a> first.<//>`)}<//>`;
}

function Live({ input, threshold, query, canKeep }) {
  const [state, setState] = useState({ busy: false, progress: "", problem: null, recording: null });
  const [over, setOver] = useState(false);
  const settings = boardSettings(query, threshold, input.windowIncreaseMs);
  const { level, targetDbfs, maxGainDb } = settings;
  const how = { variant: query.variant === "float32" ? "float32" : undefined, level, targetDbfs, maxGainDb };
  useEffect(() => () => state.recording?.release?.(), [state.recording]);
  const show = async (load) => {
    setState((before) => ({ ...before, busy: true, progress: "", problem: null }));
    const onProgress = (done, all) => setState((before) => ({ ...before, progress: ` ${done} of ${all} parts` }));
    try {
      const recording = await load(onProgress);
      setState({ busy: false, progress: "", problem: null, recording });
    } catch (error) {
      setState((before) => ({ ...before, busy: false, problem: error.message }));
    }
  };
  const file = (one) => one && show((onProgress) => classifyFile(one, input, how, onProgress));
  useEffect(() => {
    if (query.sample) show(() => classifySample(Number(query.sample), input, how));
    else if (state.recording) show((onProgress) => classified(state.recording, input, how, onProgress));
  }, [query.sample, ...Object.values(how)]);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    file(event.dataTransfer.files[0]);
  };
  return html`
    <fieldset class="row"><legend class="visually-hidden">Model variant</legend>${["int8", "float32"].map((name) => html`
      <label key=${name}><input type="radio" name="variant" checked=${(how.variant ?? "int8") === name}
        onChange=${() => setQuery({ variant: name })} /> ${name}</label>`)}</fieldset>
    <${BoardSettings} settings=${settings} />
    <div class="columns">
      <section aria-labelledby="file" class="drop ${over ? "over" : ""}" onDrop=${drop} onDragLeave=${() => setOver(false)}
        onDragOver=${(event) => { event.preventDefault(); setOver(true); }}>
        <h2 id="file">File</h2>
        <label class="field"><span>A recording of any length; drop it here, or choose it</span>
          <input type="file" accept="audio/*" disabled=${state.busy} onChange=${(event) => file(event.target.files[0])} /></label>
      </section>
      <${Microphone} input=${input} variant=${how.variant} settings=${settings}
        onRecording=${(made) => show((onProgress) => classified(made, input, how, onProgress))} />
      <${Board} canStart=${canKeep} />
    </div>
    ${state.busy && html`<p role="status">Classifying…${state.progress}</p>`}
    ${state.problem && html`<${Notice} kind="error">${state.problem}<//>`}
    ${state.recording && html`<${Timeline} key=${state.recording.url} recording=${state.recording} settings=${settings} />
      ${canKeep && state.recording.blob && html`<${Keep} key=${`keep ${state.recording.url}`} recording=${state.recording} />`}`}`;
}

/** A form that stores the recording as a sample for testing. */
function Keep({ recording }) {
  const [label, setLabel] = useState("");
  const [problem, setProblem] = useState(null);
  const keep = async (event) => {
    event.preventDefault();
    try {
      const id = await keepForTesting(recording.blob, recording.name, label);
      announce(`The recording is sample ${id} of the category testing.`);
      setProblem(null);
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`<form class="row" onSubmit=${keep}><label class="field"><span>Label</span><input required value=${label}
      onInput=${(event) => setLabel(event.target.value)} /></label><button>Keep it for testing</button>
    <a href=${recording.url} download=${`${recording.name}.wav`}>Download the recording</a>
    ${problem && html`<${Notice} kind="error">${problem}<//>`}</form>`;
}

/** A WAV file is sent as it is; another file is decoded by the browser first. */
async function classifyFile(file, input, how, onProgress) {
  const { samples, rate } = await decode(file, input.frequencyHz);
  const blob = (await isWav(file)) ? file : wavOf(samples, rate);
  return classified({ name: file.name.replace(/\.[^.]*$/, ""), blob, samples, rate }, input, how, onProgress);
}

/** Return a recording with its scores, as the timeline shows it. */
async function classified(recording, input, how, onProgress) {
  const found = await classifyRecording(recording, input, how, onProgress);
  const url = URL.createObjectURL(recording.blob);
  return { ...recording, ...found, url, release: () => URL.revokeObjectURL(url) };
}

/** A sample whose windows keep their level is classified where it is stored. */
async function classifySample(id, input, how) {
  const [{ sample }, bytes] = await Promise.all([
    get(`/raw-data/${id}`, { limitPayloadValues: 1 }), getBytes(`/raw-data/${id}/wav`),
  ]);
  const shown = { name: sample.filename, ...(await decode(new File([bytes], sample.filename), input.frequencyHz)) };
  const found = how.level === "none"
    ? resultOf(await post(`/classify/v2/${id}`, {}, { variant: how.variant })) : await classifyRecording(shown, input, how);
  return { ...shown, ...found, url: resource(`/raw-data/${id}/wav`) };
}
