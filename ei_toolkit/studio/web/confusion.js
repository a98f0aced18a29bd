// A confusion matrix: actual labels in rows, predicted labels in columns. A cell is a button.

import { html } from "./html.js";
import { count, percent, shortened } from "./formats.js";

/**
 * `counts[actual][predicted]` by position; `onChoose(actual, predicted)` is called with labels. `columns` are the
 * predicted labels, which may have `uncertain` beside the labels of the rows.
 */
export function ConfusionMatrix({ labels, columns = labels, counts, chosen, onChoose }) {
  return html`<p class="soft">Rows: actual label. Columns: predicted label. Choose a cell to see its windows.</p>
    <div class="wide" tabindex="0" role="group" aria-label="Confusion matrix"><table class="confusion">
    <thead><tr><th scope="col">Actual</th>${columns.map((label) => html`<th scope="col" class="number" key=${label}
      title=${shortened(label, 300)}>${shortened(label, 14)}</th>`)}</tr></thead>
    <tbody>${labels.map((actual, row) => html`<tr key=${actual}>
      <th scope="row" title=${shortened(actual, 300)}>${shortened(actual, 20)}</th>
      ${columns.map((predicted, column) => html`<${Cell} key=${predicted} actual=${actual} predicted=${predicted}
        number=${counts[row]?.[column] ?? 0} total=${sum(counts[row] ?? [])}
        chosen=${chosen?.actual === actual && chosen?.predicted === predicted} onChoose=${onChoose} />`)}
    </tr>`)}</tbody>
  </table></div>`;
}

function Cell({ actual, predicted, number, total, chosen, onChoose }) {
  const share = total ? number / total : 0;
  const colour = actual === predicted ? "green" : "orange";
  const style = `background: color-mix(in srgb, var(--${colour}) ${Math.round(35 * share)}%, var(--ground))`;
  if (!number) return html`<td class="number soft">0</td>`;
  return html`<td class="number" style=${style}><button class="cell" aria-pressed=${chosen}
    aria-label=${`${count(number)} windows of ${actual} predicted as ${predicted}, ${percent(share)} of ${actual}`}
    onClick=${() => onChoose(actual, predicted)}>${count(number)}<small>${percent(share)}</small></button></td>`;
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
