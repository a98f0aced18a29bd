// Curves over the steps of a training, and drawings of sound on a canvas.

import uPlot from "./vendor/uplot.js";
import { html, useEffect, useRef } from "./html.js";
import { colourValue, onColourChange } from "./formats.js";

const HEIGHT = 200;

/**
 * Curves in one plot: `series` has {name, values, colour, dashed}; `colour` is a name of the palette. The plot follows
 * the width of its place. The last value of each curve is written below it.
 */
export function Curves({ title, series, xLabel = "Epoch" }) {
  const place = useRef(null);
  const plot = useRef(null);
  const shape = series.map((one) => one.name).join("\n");
  useEffect(() => {
    const build = () => {
      if (!place.current) return; // the page was left in this frame
      plot.current?.destroy();
      plot.current = new uPlot(options(series, place.current.clientWidth, xLabel), columns(series), place.current);
    };
    build();
    const resized = new ResizeObserver(() => {
      if (place.current) plot.current?.setSize({ width: place.current.clientWidth, height: HEIGHT });
    });
    resized.observe(place.current);
    const forget = onColourChange(build);
    return () => {
      forget();
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(columns(series));
  }, [series]);
  const last = series.map((one) => `${one.name} ${number(one.values.at(-1))}`).join(", ");
  const steps = Math.max(0, ...series.map((one) => one.values.length));
  return html`<figure class="curves">
    <figcaption><strong>${title}</strong> <span class="soft">${steps
      ? `${xLabel.toLowerCase()} ${steps}: ${last}` : "no values yet"}</span></figcaption>
    <div ref=${place} role="img" aria-label=${`${title}: ${last}`}></div>
  </figure>`;
}

/** A canvas that `draw(context, width, height)` fills; it is drawn again for another size, other colours or values. */
export function Drawing({ label, height, draw, dependencies, ...rest }) {
  const canvas = useRef(null);
  useEffect(() => {
    const repaint = () => {
      if (!canvas.current) return; // the page was left in this frame
      const scale = devicePixelRatio || 1;
      const width = canvas.current.clientWidth;
      canvas.current.width = Math.max(1, Math.round(width * scale));
      canvas.current.height = Math.round(height * scale);
      const context = canvas.current.getContext("2d");
      context.scale(scale, scale);
      draw(context, width, height);
    };
    repaint();
    const resized = new ResizeObserver(repaint);
    resized.observe(canvas.current);
    const forget = onColourChange(repaint);
    return () => {
      resized.disconnect();
      forget();
    };
  }, [height, ...dependencies]);
  return html`<canvas ref=${canvas} class="drawing" role="img" aria-label=${label} style=${`height: ${height}px`}
    ...${rest}></canvas>`;
}

/** Draw the lowest and highest value of each column of pixels. `from` and `to` are indices of `values`. */
export function drawWaveform(context, width, height, values, from = 0, to = values.length) {
  let largest = 1e-9;
  for (let i = from; i < to; i += 1) largest = Math.max(largest, Math.abs(values[i]));
  context.clearRect(0, 0, width, height);
  context.fillStyle = colourValue("blue");
  const each = (to - from) / width;
  for (let x = 0; x < width; x += 1) {
    const start = Math.floor(from + x * each);
    const end = Math.min(to, Math.max(start + 1, Math.floor(from + (x + 1) * each)));
    let [low, high] = [Infinity, -Infinity];
    for (let i = start; i < end; i += 1) {
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
    if (low > high) continue;
    const top = (height / 2) * (1 - high / largest);
    context.fillRect(x, top, 1, Math.max(1, ((high - low) / largest) * (height / 2)));
  }
}

/** Draw (frames, bins) features as a spectrogram: time from left to right, bins from below. */
export function drawSpectrogram(context, width, height, features, frames, bins) {
  const image = document.createElement("canvas");
  image.width = frames;
  image.height = bins;
  const pixels = new ImageData(frames, bins);
  let [low, high] = [Infinity, -Infinity];
  for (const value of features) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = high - low || 1;
  for (let frame = 0; frame < frames; frame += 1) {
    for (let bin = 0; bin < bins; bin += 1) {
      const at = 4 * ((bins - 1 - bin) * frames + frame);
      pixels.data.set(heat((features[frame * bins + bin] - low) / range), at);
    }
  }
  image.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, width, height);
}

/** A colour from black over violet and orange to pale yellow, whose lightness grows evenly. */
function heat(share) {
  const position = Math.min(1, Math.max(0, share)) * (HEAT.length - 1);
  const [before, after] = [HEAT[Math.floor(position)], HEAT[Math.ceil(position)]];
  const part = position % 1;
  return [0, 1, 2].map((i) => before[i] + part * (after[i] - before[i])).concat(255);
}

const HEAT = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39],
  [252, 255, 164]]; // the colour map "inferno" of matplotlib, at equal distances

function columns(series) {
  const steps = Math.max(0, ...series.map((one) => one.values.length));
  const x = Array.from({ length: steps }, (_, i) => i + 1);
  return [x, ...series.map((one) => x.map((_, i) => one.values[i] ?? null))];
}

function options(series, width, xLabel) {
  const axis = { stroke: colourValue("soft"), grid: { stroke: colourValue("rule"), width: 1 }, ticks: { width: 0 } };
  return {
    width: Math.max(width, 120),
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [{ ...axis, label: xLabel, labelSize: 18, size: 34 }, { ...axis, size: 52 }],
    series: [{}, ...series.map((one) => ({
      label: one.name, stroke: colourValue(one.colour), width: 2, dash: one.dashed ? [6, 4] : undefined,
      points: { show: one.values.length < 2 },
    }))],
  };
}

function number(value) {
  return value === undefined ? "–" : Number(value).toPrecision(3);
}
