// One window of a sample: its waveform and a player, and what was predicted for it.

import { html } from "./html.js";
import { addressOf, get } from "./api.js";
import { duration } from "./formats.js";
import { Drawing, drawWaveform } from "./chart.js";
import { Loaded, Name, useLoad } from "./ui.js";

/** Show and play a part of a sample; times are in ms from its start. `actual` and `predicted` are labels. */
export function WindowPlayer({ sampleId, startMs, endMs, actual, predicted, onClose }) {
  const loaded = useLoad(async (signal) => {
    const { sample } = await get(`/raw-data/${sampleId}`, { limitPayloadValues: 2 }, signal);
    const first = Math.min(sample.valuesCount, Math.round(startMs / sample.intervalMs));
    const end = Math.min(sample.valuesCount, Math.max(first + 1, Math.round(endMs / sample.intervalMs)));
    const { payload } = await get(`/raw-data/${sampleId}/slice`, { sliceStart: first, sliceEnd: end }, signal);
    return { sample, first, end, values: payload.values.map((row) => row[0]) };
  }, [sampleId, startMs, endMs]);
  return html`<section class="window" aria-label="Window">
    <${Loaded} of=${loaded}>${({ sample, first, end, values }) => html`
      <h3><${Name} text=${sample.filename} /></h3>
      <p>${duration(startMs)} to ${duration(endMs)}${actual !== undefined && html`; actual <${Name} text=${actual} />`}
        ${predicted !== undefined && html`, predicted <${Name} text=${predicted} />`}</p>
      <${Drawing} label=${`Waveform of ${values.length} values`} height=${90} dependencies=${[values]}
        draw=${(context, width, height) => drawWaveform(context, width, height, values)} />
      <audio key=${`${sample.id} ${first}`} controls autoplay
        src=${addressOf(`/raw-data/${sample.id}/wav`, { sliceStart: first, sliceEnd: end })}></audio>
    `}<//>
    ${onClose && html`<button onClick=${onClose}>Close the window</button>`}
  </section>`;
}
