// What can be done with the selected samples, and undoing it.

import { html, useState } from "../html.js";
import { count, counted } from "../formats.js";
import { SPLITS } from "./filters.js";
import { move, relabel, setEnabled, setMetadata } from "./changes.js";

/** `run` carries out a function that returns a change; `onDelete` gets the samples to delete when the page is left. */
export function Selection({ selected, total, progress, run, onDelete, onSelectAll, onClear }) {
  const [label, setLabel] = useState("");
  const [metadata, setOwn] = useState({ key: "artist", value: "" });
  const samples = [...selected.values()];
  const submit = (event) => {
    event.preventDefault();
    run(() => relabel(samples, label.trim()));
  };
  const describe = (event) => {
    event.preventDefault();
    run(() => setMetadata(samples, metadata.key.trim(), metadata.value.trim()));
  };
  return html`<section class="selection" aria-label="Selected samples">
    <div class="row">
      <strong role="status">${progress ?? `${counted(samples.length, "sample")} selected`}</strong>
      ${samples.length < total && html`<button onClick=${onSelectAll}>Select all ${count(total)}</button>`}
      <button onClick=${onClear}>Clear the selection</button>
    </div>
    <form class="row" onSubmit=${submit}>
      <label class="field"><span>New label (blank: none)</span>
        <input value=${label} onInput=${(event) => setLabel(event.target.value)} /></label>
      <button>Change labels</button>
    </form>
    <form class="row" onSubmit=${describe}>
      <label class="field"><span>Metadata</span>
        <input name="key" required value=${metadata.key} onInput=${(event) => setOwn({ ...metadata, key: event.target.value })} /></label>
      <label class="field"><span>New value (blank: none)</span>
        <input name="value" value=${metadata.value} onInput=${(event) => setOwn({ ...metadata, value: event.target.value })} /></label>
      <button>Change metadata</button>
    </form>
    <div class="row">
      ${SPLITS.map((split) => html`<button key=${split} onClick=${() => run(() => move(samples, split))}>Move to ${split}</button>`)}
      <button onClick=${() => run(() => setEnabled(samples, true))}>Enable</button>
      <button onClick=${() => run(() => setEnabled(samples, false))}>Disable</button>
      <button class="danger" onClick=${() => onDelete(samples)}>Delete</button>
    </div>
  </section>`;
}

/** The last change, with a button that undoes it, and what is deleted when the page is left. */
export function Undo({ changes, deleted, onUndo, onKeep, onDeleteNow }) {
  const last = changes.at(-1);
  if (!last && !deleted.size) return null;
  return html`<section class="row" aria-label="Changes of this page">
    ${last && html`<span role="status">${last.text}.</span><button onClick=${onUndo}>Undo</button>`}
    ${deleted.size > 0 && html`<span role="status">${counted(deleted.size, "sample")}
        ${deleted.size === 1 ? " is" : " are"} deleted when you leave this page.</span>
      <button onClick=${onKeep}>Keep ${deleted.size === 1 ? "it" : "them"}</button>
      <button class="danger" onClick=${onDeleteNow}>Delete now</button>`}
  </section>`;
}
