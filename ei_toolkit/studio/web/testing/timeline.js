// Scores over time below the waveform of a recording, with zoom, a player and a download as CSV.

import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { colourValue, counted, duration, labelColour, labelColourValue, percent } from "../formats.js";
import { Drawing, drawWaveform } from "../chart.js";
import { Name } from "../ui.js";
import { UNCERTAIN, smoothed, stableLabels } from "./decision.js";
import { csvOf } from "./scores.js";

const MOST_ROWS = 200;

/** `recording` has {name, samples, rate, url, scores, windowMs, increaseMs}; `settings` are those of the board. */
export function Timeline({ recording, settings }) {
  const { samples, rate, scores, increaseMs, windowMs } = recording;
  const { smoothing, threshold, hysteresis, hold } = settings;
  const [view, setView] = useState({ zoom: 1, start: 0 });
  const [at, setAt] = useState(0);
  const audio = useRef(null);
  const total = (1000 * samples.length) / rate;
  const labels = useMemo(() => Object.keys(scores[0] ?? {}), [scores]);
  const rows = useMemo(() => smoothed(scores, smoothing), [scores, smoothing]);
  const found = useMemo(() => stableLabels(rows, settings), [rows, threshold, hysteresis, hold]);
  const csv = useObjectUrl(() => new Blob([csvOf(rows, found, increaseMs)], { type: "text/csv" }), [rows, found, increaseMs]);
  const shown = total / view.zoom;
  const start = Math.min(view.start, total - shown);
  const zoom = (factor) => {
    const next = Math.min(Math.max(1, view.zoom * factor), Math.max(1, total / 500));
    setView({ zoom: next, start: Math.max(0, start + shown / 2 - total / next / 2) });
  };
  const seek = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    audio.current.currentTime = (start + ((event.clientX - box.left) / box.width) * shown) / 1000;
  };
  const share = mostFrequent(found);
  return html`<section aria-label="Timeline">
    <h3><${Name} text=${recording.name} /></h3>
    <p class="verdict">${duration(total)}, ${counted(scores.length, "window")}: ${share.map(([label, part], i) => html`
      <span key=${label}>${i > 0 && ", "}<${Name} text=${label} longest=${40} /> ${percent(part)}</span>`)}</p>
    <div class="row">
      <button onClick=${() => zoom(2)}>Zoom in</button><button onClick=${() => zoom(0.5)}>Zoom out</button>
      <a href=${csv} download=${`${recording.name}.csv`}>Download the scores as CSV</a></div>
    ${view.zoom > 1 && html`<label class="field"><span>From ${duration(start)}</span><input type="range" min="0"
      max=${total - shown} step="any" value=${start}
      onInput=${(event) => setView({ ...view, start: Number(event.target.value) })} /></label>`}
    <${Drawing} label=${`Waveform from ${duration(start)} to ${duration(start + shown)}`} height=${80} onClick=${seek}
      dependencies=${[samples, start, shown, at]} draw=${(context, width, height) => {
        drawWaveform(context, width, height, samples, Math.floor((start * rate) / 1000),
          Math.min(samples.length, Math.ceil(((start + shown) * rate) / 1000)));
        drawCursor(context, (width * (at - start)) / shown, height);
      }} />
    <${Drawing} label=${`Scores of ${labels.length} labels over time`} height=${180} onClick=${seek}
      dependencies=${[rows, start, shown, at, threshold]}
      draw=${(context, width, height) => drawScores(context, width, height, {
        rows, labels, increaseMs, windowMs, start, shown, threshold, at,
      })} />
    <div class="legend">${labels.slice(0, 40).map((label) => html`<span key=${label}><span class="swatch"
      style=${`background: ${labelColour(label, labels)}`}></span><${Name} text=${label} longest=${24} /></span>`)}</div>
    <audio ref=${audio} controls src=${recording.url}
      onTimeUpdate=${(event) => setAt(1000 * event.target.currentTime)}></audio>
    <details><summary>Scores of each window</summary><div class="wide" tabindex="0" role="group" aria-label="Scores">
      <table class="scores"><thead><tr><th scope="col">From</th><th scope="col">Label</th>${labels.map((label) => html`
        <th scope="col" class="number" key=${label}><${Name} text=${label} longest=${14} /></th>`)}</tr></thead>
      <tbody>${rows.slice(0, MOST_ROWS).map((row, i) => html`<tr key=${i}><th scope="row">${duration(i * increaseMs)}</th>
        <td><${Name} text=${found[i]} longest=${24} /></td>${labels.map((label) => html`<td class="number" key=${label}>
          ${row[label].toFixed(3)}</td>`)}</tr>`)}</tbody></table>
      ${rows.length > MOST_ROWS && html`<p>The first ${MOST_ROWS} windows; the CSV file has all.</p>`}</div></details>
  </section>`;
}

function drawScores(context, width, height, { rows, labels, increaseMs, windowMs, start, shown, threshold, at }) {
  context.clearRect(0, 0, width, height);
  const x = (i) => (width * (i * increaseMs + windowMs / 2 - start)) / shown;
  const y = (score) => height - 2 - score * (height - 4);
  const first = Math.max(0, Math.floor((start - windowMs) / increaseMs));
  const last = Math.min(rows.length, Math.ceil((start + shown) / increaseMs) + 1);
  context.setLineDash([4, 4]);
  context.strokeStyle = colourValue("soft");
  context.strokeRect(-1, y(threshold), width + 2, height);
  context.setLineDash([]);
  context.lineWidth = 1.5;
  for (const label of labels) {
    context.strokeStyle = labelColourValue(label, labels);
    context.beginPath();
    for (let i = first; i < last; i += 1) context.lineTo(x(i), y(rows[i][label]));
    context.stroke();
    if (last - first === 1) context.strokeRect(x(first) - 2, y(rows[first][label]) - 2, 4, 4);
  }
  drawCursor(context, (width * (at - start)) / shown, height);
}

function drawCursor(context, x, height) {
  context.fillStyle = colourValue("ink");
  context.fillRect(x, 0, 1, height);
}

/** Return [label, share of the windows], the three most frequent; `uncertain` is last. */
function mostFrequent(labels) {
  const numbers = new Map();
  for (const label of labels) numbers.set(label, (numbers.get(label) ?? 0) + 1);
  const order = ([label]) => (label === UNCERTAIN ? 1 : 0);
  return [...numbers].sort((a, b) => order(a) - order(b) || b[1] - a[1]).slice(0, 3)
    .map(([label, number]) => [label, number / labels.length]);
}

/** Return the address of a blob, which is released when another one is made. */
export function useObjectUrl(make, dependencies) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    const made = URL.createObjectURL(make());
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, dependencies);
  return url;
}
