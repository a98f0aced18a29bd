// What the newest window gives: the label that the board would show, and the scores.

import { html } from "../html.js";
import { percent } from "../formats.js";
import { Name } from "../ui.js";
import { UNCERTAIN, smoothed, stableLabels } from "./decision.js";

/** The label that the board would show now, and the mean scores of the newest windows. */
export function LiveScores({ scores, settings }) {
  const means = smoothed(scores, settings.smoothing);
  const [label, latest] = [stableLabels(means, settings).at(-1), means.at(-1)];
  return html`<p class="live" role="status"><strong><${Name} text=${label} /></strong>${label === UNCERTAIN
      && " (none of the labels)"} (mean of the last ${Math.min(settings.smoothing, scores.length)} of ${scores.length} windows)</p>
    <${Meters} scores=${latest} />`;
}

/** The score of each label. */
export function Meters({ scores }) {
  return html`<ul class="meters">${Object.entries(scores).map(([label, score]) => html`<li key=${label}><${Name} text=${label}
    longest=${24} /> <meter min="0" max="1" value=${score} aria-label=${`Score of ${label.slice(0, 40)}`}></meter>
    ${percent(score)}</li>`)}</ul>`;
}
