// Uploading: files that are chosen or dropped anywhere on the page, with a line for each file that was rejected.

import { html, useEffect, useRef, useState } from "../html.js";
import { upload } from "../api.js";
import { count, counted } from "../formats.js";
import { Name } from "../ui.js";

const MOST_LINES = 500;
const SPLIT_NAMES = {
  split: "automatically", training: "training", validation: "validation", testing: "testing",
};

/** The form and the drop target; `onDone` is called after an upload that stored something. */
export function Upload({ onDone }) {
  const [split, setSplit] = useState("split");
  const [labelFrom, setLabelFrom] = useState("name");
  const [label, setLabel] = useState("");
  const [artist, setArtist] = useState("");
  const [dropping, setDropping] = useState(false);
  const [state, setState] = useState(null);
  const controller = useRef(null);
  const busy = state !== null && !state.ended;

  const start = async (found) => {
    if (!found.length || controller.current) return;
    const labelOf = { name: () => "", folder: (one) => one.folder, text: () => label.trim() }[labelFrom];
    const metadata = artist.trim() ? { artist: artist.trim() } : {};
    const items = found.map((one) => ({ file: one.file, label: labelOf(one), metadata }));
    const result = { total: items.length, accepted: 0, rejected: [], ended: false };
    setState({ ...result });
    controller.current = new AbortController();
    await upload(split, items, ({ file }, reason) => {
      if (reason === null) result.accepted += 1;
      else result.rejected.push({ name: file.name, reason });
      setState({ ...result });
    }, controller.current.signal);
    controller.current = null;
    setState({ ...result, ended: true });
    if (result.accepted) onDone();
  };
  useDrop((files) => start(files), setDropping);

  return html`<details class=${dropping ? "dropping" : ""} open=${dropping || state !== null}>
    <summary>Add samples</summary>
    <p class="soft">Choose WAV, JSON, CBOR or CSV files, or drop files and folders anywhere on this page. For other audio
      use <code>eitk upload</code>, which converts it.</p>
    <div class="row">
      <label class="field"><span>Split</span><select value=${split} onChange=${(e) => setSplit(e.target.value)}>
        ${Object.entries(SPLIT_NAMES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
      </select></label>
      <label class="field"><span>Label</span><select value=${labelFrom} onChange=${(e) => setLabelFrom(e.target.value)}>
        <option value="name">file name up to the first dot</option>
        <option value="folder">name of the folder</option>
        <option value="text">this text</option>
      </select></label>
      ${labelFrom === "text" && html`<label class="field"><span>Text of the label</span>
        <input value=${label} onInput=${(e) => setLabel(e.target.value)} /></label>`}
      <label class="field"><span>Artist (optional)</span>
        <input value=${artist} onInput=${(e) => setArtist(e.target.value)} /></label>
      <label class="field"><span>Files</span><input type="file" multiple disabled=${busy} onChange=${(event) => {
        start([...event.target.files].map((file) => ({ file, folder: "" })));
        event.target.value = "";
      }} /></label>
    </div>
    ${state && html`<${Result} state=${state} onCancel=${() => controller.current?.abort()} />`}
  </details>`;
}

function Result({ state, onCancel }) {
  const { total, accepted, rejected, ended } = state;
  const sent = accepted + rejected.length;
  const text = `${counted(accepted, "file")} accepted, ${count(rejected.length)} rejected, of ${count(total)}`;
  return html`<div class="upload-result">
    <progress value=${sent} max=${total} aria-label="Files sent"></progress>
    <p role="status">${text}${ended && sent < total ? "; cancelled" : ""}.
      ${!ended && html` <button onClick=${onCancel}>Cancel</button>`}</p>
    ${rejected.length > 0 && html`<ul class="rejected" tabindex="0" aria-label="Rejected files">
      ${rejected.slice(0, MOST_LINES).map(({ name, reason }, i) => html`<li key=${i}><${Name} text=${name} />: ${reason}</li>`)}
      ${rejected.length > MOST_LINES && html`<li>and ${count(rejected.length - MOST_LINES)} more</li>`}
    </ul>`}
  </div>`;
}

function useDrop(onFiles, setDropping) {
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    const over = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDropping(true);
    };
    const leave = (event) => {
      if (!event.relatedTarget) setDropping(false);
    };
    const drop = async (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDropping(false);
      latest.current(await droppedFiles(event.dataTransfer));
    };
    const events = { dragover: over, dragleave: leave, drop };
    for (const [name, handler] of Object.entries(events)) addEventListener(name, handler);
    return () => {
      for (const [name, handler] of Object.entries(events)) removeEventListener(name, handler);
    };
  }, []);
}

/** The files of a drop, also those in folders: [{file, folder}]. */
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, folder: "" }));
  const found = [];
  for (const entry of entries) await addEntry(entry, "", found);
  return found;
}

async function addEntry(entry, folder, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push({ file, folder });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const part = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!part.length) return;
    for (const below of part) await addEntry(below, entry.name, found);
  }
}
