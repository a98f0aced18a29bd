// Dividing all samples into training, validation and testing again, with artists kept together.

import { html, useState } from "../html.js";
import { SPLITS } from "./filters.js";

const DEFAULTS = { training: 80, validation: 0, testing: 20 };

/** `onDivide(shares, key)` divides the samples; the key of their metadata is empty if none is kept together. */
export function Divide({ busy, onDivide }) {
  const [shares, setShares] = useState(DEFAULTS);
  const [key, setKey] = useState("artist");
  const submit = (event) => {
    event.preventDefault();
    onDivide(Object.fromEntries(SPLITS.map((split) => [split, Number(shares[split])])), key.trim());
  };
  return html`<details><summary>Divide all samples again</summary>
    <p class="soft">Each sample is assigned to a split by its hash. Samples with the same value of the metadata stay in one split,
      so that no artist is in training and in testing. The numbers below the table show the result; it can be undone.</p>
    <form class="row" onSubmit=${submit}>
      ${SPLITS.map((split) => html`<label class="field" key=${split}><span>${split} (share)</span><input class="short"
        name=${`share-${split}`} type="number" min="0" step="any" required value=${shares[split]}
        onInput=${(event) => setShares({ ...shares, [split]: event.target.value })} /></label>`)}
      <label class="field"><span>Keep together by metadata (blank: none)</span><input name="together" value=${key}
        onInput=${(event) => setKey(event.target.value)} /></label>
      <button disabled=${busy}>Divide</button>
    </form></details>`;
}
