// Live classification: of a dropped file, of the microphone, and of a sample of the project.

import { html, useEffect, useRef, useState } from "../html.js";
import { addressOf as resource, get, getBytes, post } from "../api.js";
import { addressOf, setQuery } from "../router.js";
import { Loaded, Notice, announce, useLoad } from "../ui.js";
import { loadImpulse } from "../impulse_state.js";
import { Board } from "./board.js";
import { BoardSettings, boardSettings } from "./board_settings.js";
import { classifyRecording, keepForTesting, resultOf } from "./classify.js";
import { Microphone } from "./microphone.js";
import { appliesLevel, findProgram } from "./program.js";
import { Timeline } from "./timeline.js";
import { decode, isWav, wavOf } from "./wav.js";

export default function LivePage({ session, address }) {
  const loaded = useLoad(async (signal) => {
    const found = await loadImpulse(signal);
    const keras = found.learn ? await get(`/training/keras/${found.learn.id}`, {}, signal) : null;
    return { ...found, trained: keras?.trained ?? false, threshold: keras?.minimumConfidenceRating };
  }, []);
  return html`<h1>Live classification</h1>
    <${Loaded} of=${loaded}>${({ input, learn, trained, threshold }) => (trained
      ? html`<${Live} input=${input} learnId=${learn.id} threshold=${threshold} query=${address.query} canKeep=${session.role === "admin"} />`
      : html`<${Notice}>There is no trained model yet. <a href=${addressOf(session.projectId, "learning/keras")}>Train
          one</a> first.<//>`)}<//>`;
}

function Live({ input, learnId, threshold, query, canKeep }) {
  const [state, setState] = useState({ busy: false, progress: "", problem: null, recording: null });
  const [over, setOver] = useState(false);
  const settings = boardSettings(query, threshold, input.windowIncreaseMs);
  const { level, targetDbfs, maxGainDb } = settings;
  const variant = query.variant === "float32" ? "float32" : undefined;
  const found = useLoad(
    async (signal) => ({ variant, program: await findProgram(learnId, variant ?? "int8", signal) }), [learnId, variant],
  );
  const isSearched = found.error !== null || (found.value !== null && found.value.variant === variant);
  const own = isSearched ? found.value?.program : null;
  const usable = own && appliesLevel(own, settings) ? own : null;
  const program = query.by === "studio" ? null : usable;
  const how = { variant, level, targetDbfs, maxGainDb, program };
  useEffect(() => () => state.recording?.release?.(), [state.recording]);
  const latest = useRef(0); // number of the classification whose result is shown
  const show = async (load) => {
    const number = latest.current += 1;
    const update = (change) => number === latest.current && setState(change);
    setState((before) => ({ ...before, busy: true, progress: "", problem: null }));
    const onProgress = (done, all) => update((before) => ({ ...before, progress: ` ${done} of ${all} parts` }));
    try {
      const recording = await load(onProgress);
      update({ busy: false, progress: "", problem: null, recording });
    } catch (error) {
      update((before) => ({ ...before, busy: false, problem: error.message }));
    }
  };
  const file = (one) => one && show((onProgress) => classifyFile(one, input, how, onProgress));
  useEffect(() => {
    if (!isSearched) return;
    if (query.sample) show(() => classifySample(Number(query.sample), input, how));
    else if (state.recording) show((onProgress) => classified(state.recording, input, how, onProgress));
  }, [query.sample, isSearched, ...Object.values(how)]);
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    file(event.dataTransfer.files[0]);
  };
  return html`
    <fieldset class="row"><legend class="visually-hidden">Model variant</legend>${["int8", "float32"].map((name) => html`
      <label key=${name}><input type="radio" name="variant" checked=${(how.variant ?? "int8") === name}
        onChange=${() => setQuery({ variant: name })} /> ${name}</label>`)}</fieldset>
    <${Place} program=${program} usable=${usable} />
    <${BoardSettings} settings=${settings} />
    <div class="columns">
      <section aria-labelledby="file" class="drop ${over ? "over" : ""}" onDrop=${drop} onDragLeave=${() => setOver(false)}
        onDragOver=${(event) => { event.preventDefault(); setOver(true); }}>
        <h2 id="file">File</h2>
        <label class="field"><span>A recording of any length; drop it here, or choose it</span>
          <input type="file" accept="audio/*" disabled=${state.busy} onChange=${(event) => file(event.target.files[0])} /></label>
      </section>
      <${Microphone} input=${input} how=${how} settings=${settings}
        onRecording=${(made) => show((onProgress) => classified(made, input, how, onProgress))} />
      <${Board} canStart=${canKeep} />
    </div>
    ${state.busy && html`<p role="status">Classifying…${state.progress}</p>`}
    ${state.problem && html`<${Notice} kind="error">${state.problem}<//>`}
    ${state.recording && html`<${Timeline} key=${state.recording.url} recording=${state.recording} settings=${settings} />
      ${canKeep && state.recording.blob && html`<${Keep} key=${`keep ${state.recording.url}`} recording=${state.recording} />`}`}`;
}

/** Where recordings are classified: in this browser by the WebAssembly build of the model, or by the studio. */
function Place({ program, usable }) {
  if (!usable) {
    return html`<p class="soft">The studio classifies. Build the target WebAssembly of this model, and this browser does, without an
      upload.</p>`;
  }
  return html`<fieldset class="row"><legend class="visually-hidden">Where recordings are classified</legend>
    <label><input type="radio" name="by" checked=${program !== null} onChange=${() => setQuery({ by: "" })} /> in this browser
      (WebAssembly build ${usable.version})</label>
    <label><input type="radio" name="by" checked=${program === null} onChange=${() => setQuery({ by: "studio" })} /> by the
      studio</label></fieldset>`;
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

/** The studio classifies a sample whose windows keep their level where it is stored. */
async function classifySample(id, input, how) {
  const [{ sample }, bytes] = await Promise.all([
    get(`/raw-data/${id}`, { limitPayloadValues: 1 }), getBytes(`/raw-data/${id}/wav`),
  ]);
  const shown = { name: sample.filename, ...(await decode(new File([bytes], sample.filename), input.frequencyHz)) };
  const found = how.level === "none" && !how.program
    ? resultOf(await post(`/classify/v2/${id}`, {}, { variant: how.variant })) : await classifyRecording(shown, input, how);
  return { ...shown, ...found, url: resource(`/raw-data/${id}/wav`) };
}
