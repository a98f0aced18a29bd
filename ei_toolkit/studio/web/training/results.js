// The results of a training: figures for each model variant, confusion matrix, windows, labels, artists, cost.

import { html, useMemo, useState } from "../html.js";
import { get } from "../api.js";
import { bytes, count, percent } from "../formats.js";
import { setQuery } from "../router.js";
import { Loaded, Name, useLoad } from "../ui.js";
import { ConfusionMatrix } from "../confusion.js";
import { WindowList } from "../window_list.js";

export function Results({ metadata, variant, cell, onVariant }) {
  const available = metadata.modelValidationMetrics;
  const metrics = available.find((one) => one.type === variant) ?? available.find((one) => one.type === "int8") ?? available[0];
  const labels = metadata.classNames;
  const chosen = labels.includes(cell.actual) && labels.includes(cell.predicted) ? cell : null;
  return html`<h2>Results on the validation windows</h2>
    <fieldset class="row"><legend class="visually-hidden">Model variant</legend>
      ${available.map((one) => html`<label key=${one.type}><input type="radio" name="variant" value=${one.type}
        checked=${one === metrics} onChange=${() => onVariant(one.type)} /> ${one.type}:
        accuracy ${percent(one.accuracy)}, loss ${one.loss.toFixed(3)}</label>`)}
    </fieldset>
    <${ConfusionMatrix} labels=${labels} counts=${metrics.confusionMatrix} chosen=${chosen}
      onChoose=${(actual, predicted) => setQuery({ actual, predicted })} />
    ${chosen && html`<${Cell} metrics=${metrics} chosen=${chosen} />`}
    <${PerLabel} report=${metrics.report} labels=${labels} />
    <${PerArtist} predictions=${metrics.predictions} />
    <${Cost} metrics=${metrics} />`;
}

function Cell({ metrics, chosen }) {
  const windows = metrics.predictions.filter(
    (one) => one.label === chosen.actual && one.prediction === chosen.predicted,
  );
  return html`<h3>Windows of <${Name} text=${chosen.actual} /> predicted as <${Name} text=${chosen.predicted} /></h3>
    ${windows.length
      ? html`<${WindowList} windows=${windows} />`
      : html`<p class="soft">This model does not list its validation windows: train it again.</p>`}`;
}

function PerLabel({ report, labels }) {
  const shown = labels.filter((label) => report[label]);
  return html`<h3>By label</h3><div class="wide" tabindex="0" role="group" aria-label="Figures by label"><table>
    <thead><tr><th scope="col">Label</th>${["Precision", "Recall", "F1", "Windows"].map((name) => html`
      <th scope="col" class="number" key=${name}>${name}</th>`)}</tr></thead>
    <tbody>${shown.map((label) => html`<tr key=${label}><th scope="row"><${Name} text=${label} longest=${40} /></th>
      ${["precision", "recall", "f1-score"].map((name) => html`<td class="number" key=${name}>
        ${percent(report[label][name])}</td>`)}
      <td class="number">${count(report[label].support)}</td></tr>`)}</tbody>
  </table></div>`;
}

function PerArtist({ predictions }) {
  const [open, setOpen] = useState(false);
  return html`<details onToggle=${(event) => setOpen(event.target.open)}><summary>By artist</summary>
    ${open && html`<${Artists} predictions=${predictions} />`}</details>`;
}

function Artists({ predictions }) {
  const metadata = useLoad((signal) => get("/raw-data/metadata", {}, signal), []);
  return html`<${Loaded} of=${metadata}>${({ metadata: known }) => html`<${ArtistTable} predictions=${predictions}
    known=${known} />`}<//>`;
}

function ArtistTable({ predictions, known }) {
  const rows = useMemo(() => byArtist(predictions, known), [predictions, known]);
  if (!rows.length) return html`<p class="soft">The validation windows have no metadata “artist”.</p>`;
  return html`<div class="wide" tabindex="0" role="group" aria-label="Accuracy by artist"><table>
    <thead><tr><th scope="col">Artist</th><th scope="col" class="number">Accuracy</th>
      <th scope="col" class="number">Windows</th></tr></thead>
    <tbody>${rows.slice(0, 500).map(([artist, [right, all]]) => html`<tr key=${artist}>
      <th scope="row"><${Name} text=${artist} longest=${60} /></th>
      <td class="number">${percent(right / all)}</td><td class="number">${count(all)}</td></tr>`)}</tbody>
  </table></div>`;
}

/** Return [artist, [right windows, windows]], the least accurate first. */
function byArtist(predictions, known) {
  const artists = new Map(known.map(({ id, metadata }) => [id, metadata.artist]));
  const found = new Map();
  for (const one of predictions) {
    const artist = artists.get(one.sampleId);
    if (artist === undefined) continue;
    const [right, all] = found.get(artist) ?? [0, 0];
    found.set(artist, [right + (one.predictionCorrect ? 1 : 0), all + 1]);
  }
  return [...found].sort(([, a], [, b]) => a[0] / a[1] - b[0] / b[1] || b[1] - a[1]);
}

function Cost({ metrics }) {
  if (!metrics.isSupportedOnMcu) return html`<h3>On the board</h3><p>${metrics.mcuSupportError}</p>`;
  return html`<h3>On the board</h3><div class="wide" tabindex="0" role="group" aria-label="Cost on boards"><table>
    <thead><tr><th scope="col">Board</th><th scope="col" class="number">Time</th><th scope="col" class="number">RAM</th>
      <th scope="col" class="number">Flash</th></tr></thead>
    <tbody>${metrics.onDevicePerformance.map((one) => html`<tr key=${one.mcu}><th scope="row">${one.name}</th>
      <td class="number">${one.latency === undefined ? "–" : `${one.latency} ms`}</td>
      <td class="number">${memory(one, "ramRequired")}</td><td class="number">${memory(one, "romRequired")}</td></tr>`)}
    </tbody></table></div><p class="soft">The network without the processing block, compiled (EON).</p>`;
}

const memory = (one, name) => (one.eon?.[name] === undefined ? "–" : bytes(one.eon[name]));
