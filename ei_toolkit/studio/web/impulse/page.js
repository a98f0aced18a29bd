// The impulse: how recordings are cut into windows, the processing block and the learn block.

import { html, useState } from "../html.js";
import { get, post } from "../api.js";
import { addressOf } from "../router.js";
import { Loaded, Name, Notice, announce, useLoad } from "../ui.js";

const FIELDS = [
  { name: "windowSizeMs", title: "Window, ms", min: 1 },
  { name: "windowIncreaseMs", title: "Window increase, ms", min: 1 },
  { name: "frequencyHz", title: "Sample rate, Hz", min: 1 },
];
const DEFAULTS = { windowSizeMs: 1000, windowIncreaseMs: 500, frequencyHz: 16000, padZeros: true };

export default function ImpulsePage({ session }) {
  const loaded = useLoad(async (signal) => {
    const [{ impulse }, blocks] = await Promise.all([get("/impulse", {}, signal), get("/impulse/blocks", {}, signal)]);
    return { impulse: impulse ?? null, blocks };
  }, []);
  return html`<h1>Impulse</h1>
    <p>Each recording is cut into windows. The processing block computes features of a window, and the learn block
      classifies them.</p>
    <${Loaded} of=${loaded}>${({ impulse, blocks }) => html`<${Design} key=${JSON.stringify(impulse)} impulse=${impulse}
      blocks=${blocks} session=${session} onSaved=${loaded.reload} />`}<//>`;
}

function Design({ impulse, blocks, session, onSaved }) {
  const input = impulse?.inputBlocks[0];
  const dsp = impulse?.dspBlocks[0];
  const learn = impulse?.learnBlocks[0];
  const [values, setValues] = useState({ ...DEFAULTS, ...input, kind: dsp?.type ?? "mfe" });
  const [problem, setProblem] = useState(null);
  const [saving, setSaving] = useState(false);
  const set = (name, value) => setValues({ ...values, [name]: value });
  const save = async (event) => {
    event.preventDefault();
    setSaving(true);
    try {
      await post("/impulse", await impulseOf(values, impulse, blocks));
      announce("The impulse was saved.");
      onSaved();
    } catch (error) {
      setProblem(error.message);
    }
    setSaving(false);
  };
  const several = (impulse?.dspBlocks.length ?? 0) > 1 || (impulse?.learnBlocks.length ?? 0) > 1;
  return html`<form onSubmit=${save}>
    <fieldset disabled=${saving || several || session.role !== "admin"}>
      <legend class="visually-hidden">Blocks of the impulse</legend>
      <h2>1. Time series data</h2>
      <div class="row">${FIELDS.map(({ name, title, min }) => html`<label class="field" key=${name}><span>${title}</span>
        <input type="number" name=${name} min=${min} required value=${values[name]}
          onInput=${(event) => set(name, event.target.value)} /></label>`)}
        <label class="check"><input type="checkbox" checked=${values.padZeros}
          onChange=${(event) => set("padZeros", event.target.checked)} /> Pad short recordings with zeros</label></div>
      <h2>2. Processing block</h2>
      <label class="field"><span>Features</span>
        <select name="kind" value=${values.kind} onChange=${(event) => set("kind", event.target.value)}>
          ${blocks.dspBlocks.map((one) => html`<option key=${one.type} value=${one.type}>${one.title}</option>`)}</select></label>
      <p class="soft">${blocks.dspBlocks.find((one) => one.type === values.kind)?.description}</p>
      <h2>3. Learn block</h2>
      <p>Classification${learn && html`: <${Name} text=${learn.name} />`}</p>
      ${several && html`<${Notice}>This impulse has several blocks of a kind: eitk impulse changes it.<//>`}
      ${problem && html`<${Notice} kind="error">${problem}<//>`}
      <button class="main">${impulse ? "Save the impulse" : "Create the impulse"}</button>
      ${impulse && html`<p class="soft">A change of the windows or of the processing block deletes the features.</p>`}
    </fieldset>
    ${dsp && html`<p><a href=${addressOf(session.projectId, `dsp/${dsp.type}/${dsp.id}`)}>Parameters and features</a>,
      <a href=${addressOf(session.projectId, "learning/keras")}>training</a></p>`}
  </form>`;
}

/** Return the document of the impulse; blocks that stay the same keep their id, and with it settings and results. */
async function impulseOf(values, impulse, blocks) {
  const [input, dsp, learn] = [impulse?.inputBlocks[0], impulse?.dspBlocks[0], impulse?.learnBlocks[0]];
  const kind = blocks.dspBlocks.find((one) => one.type === values.kind);
  const inputId = input?.id ?? (await newId());
  const same = dsp?.type === values.kind;
  const dspId = same ? dsp.id : await newId();
  const learnId = learn?.id ?? (await newId());
  return {
    ...impulse,
    inputBlocks: [{
      name: "Time series", title: "Time series data", ...input, id: inputId, type: "time-series",
      windowSizeMs: Number(values.windowSizeMs), windowIncreaseMs: Number(values.windowIncreaseMs),
      frequencyHz: Number(values.frequencyHz), padZeros: values.padZeros,
    }],
    dspBlocks: [same ? dsp : {
      id: dspId, type: kind.type, name: kind.title, title: kind.title, axes: dsp?.axes ?? ["audio"], input: inputId,
      implementationVersion: kind.latestImplementationVersion,
    }],
    learnBlocks: [{ type: "keras", name: "Classifier", title: "Classification", ...learn, id: learnId, dsp: [dspId] }],
  };
}

const newId = async () => (await post("/impulse/get-new-block-id")).blockId;
