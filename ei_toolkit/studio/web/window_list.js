// A list of windows with a player: a page of it at a time.

import { html, useState } from "./html.js";
import { count, duration, percent } from "./formats.js";
import { Name } from "./ui.js";
import { WindowPlayer } from "./window.js";

const PAGE = 100;

/** `windows` are {sampleId, startMs, endMs, label, prediction, name, score}; `name` and `score` may be missing. */
export function WindowList({ windows }) {
  const [shown, setShown] = useState(PAGE);
  const [playing, setPlaying] = useState(null);
  const hasNames = windows.some((one) => one.name !== undefined);
  const hasScores = windows.some((one) => one.score !== undefined);
  return html`<div class="with-player">
    <div class="wide" tabindex="0" role="group" aria-label="Windows"><table>
      <thead><tr>${hasNames && html`<th scope="col">Sample</th>`}<th scope="col">Window</th><th scope="col">Actual</th>
        <th scope="col">Predicted</th>${hasScores && html`<th scope="col" class="number">Score</th>`}
        <th scope="col">Listen</th></tr></thead>
      <tbody>${windows.slice(0, shown).map((one) => html`<tr key=${`${one.sampleId} ${one.startMs}`}
        class=${one === playing ? "chosen" : ""}>
        ${hasNames && html`<td><${Name} text=${one.name} longest=${40} /></td>`}
        <td>sample ${one.sampleId}, ${duration(one.startMs)}</td>
        <td><${Name} text=${one.label} longest=${30} /></td><td><${Name} text=${one.prediction} longest=${30} /></td>
        ${hasScores && html`<td class="number">${percent(one.score)}</td>`}
        <td><button onClick=${() => setPlaying(one)}
          aria-label=${`Play sample ${one.sampleId} from ${duration(one.startMs)}`}>Play</button></td></tr>`)}</tbody>
    </table>
    ${windows.length > shown && html`<p>${count(shown)} of ${count(windows.length)} windows.
      <button onClick=${() => setShown(shown + PAGE)}>Show more</button></p>`}</div>
    ${playing && html`<${WindowPlayer} sampleId=${playing.sampleId} startMs=${playing.startMs} endMs=${playing.endMs}
      actual=${playing.label} predicted=${playing.prediction} onClose=${() => setPlaying(null)} />`}
  </div>`;
}
