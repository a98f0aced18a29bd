// The feature explorer: the windows of all samples as points, coloured by label or by right and wrong.

import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { get, post } from "../api.js";
import { colourValue, counted, labelColour, labelColourValue, onColourChange, percent } from "../formats.js";
import { setQuery } from "../router.js";
import { Loaded, Name, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";
import { WindowPlayer } from "../window.js";

const HEIGHT = 420;
const [SIDE, LARGE_SIDE] = [3, 5]; // of the square of a point, in pixels: of many points, and of fewer than FEW
const FEW = 2000;
const REACH = 12; // pixels between the pointer and a point that it chooses
const MOST_ZOOM = 200;
const OPACITY = 0.7;

export function Explorer({ query }) {
  const loaded = useLoad(async (signal) => {
    const features = await get("/raw-data/data-explorer/features", {}, signal);
    const predictions = features.hasFeatures
      ? (await get("/raw-data/data-explorer/predictions", {}, signal).catch(() => null))?.predictions
      : null;
    return { ...features, predictions: predictions ?? null };
  }, []);
  const job = useJob("data-explorer", loaded.reload);
  const start = async (technique) => {
    await post("/raw-data/data-explorer/settings", technique ? { dimensionalityReductionTechnique: technique } : {});
    job.start("/jobs/data-explorer-features");
  };
  return html`<h2>Feature explorer</h2>
    <div class="row">
      <button onClick=${() => start("pca")} disabled=${job.running}>Project by principal components</button>
      <button onClick=${() => start("tsne")} disabled=${job.running}>Project by t-SNE</button>
    </div>
    <${JobLog} of=${job} what="Projecting the features" />
    <${Loaded} of=${loaded}>${(found) => (found.hasFeatures && found.data.length
      ? html`<${Points} data=${found.data} predictions=${found.predictions} query=${query} />`
      : html`<p class="soft">There are no points yet. The projection takes some seconds, t-SNE of ten thousand windows about
          a minute.</p>`)}<//>`;
}

function Points({ data, predictions, query }) {
  const byCorrectness = query.colour === "correctness" && predictions !== null;
  const labels = useMemo(() => [...new Set(data.map((one) => one.yLabel))].sort(), [data]);
  const points = useMemo(() => placed(data, labels, predictions), [data, labels, predictions]);
  const [chosen, setChosen] = useState(null);
  const point = chosen === null ? null : data[chosen];
  const wrong = predictions ? predictions.filter((one) => !one.predictionCorrect).length : 0;
  return html`
    <fieldset class="row"><legend class="visually-hidden">Colour of the points</legend>
      <label><input type="radio" name="colour" checked=${!byCorrectness} onChange=${() => setQuery({ colour: "" })} /> by
        label</label>
      <label><input type="radio" name="colour" checked=${byCorrectness} disabled=${predictions === null}
        onChange=${() => setQuery({ colour: "correctness" })} /> by right and wrong${predictions !== null
          && ` (${percent(1 - wrong / data.length)} right)`}</label>
    </fieldset>
    <p>${counted(data.length, "window")}. Wheel or + and −: zoom. Arrow keys: the next point. Enter or a click: play.</p>
    <div class="legend">${byCorrectness
      ? html`<span><span class="swatch" style="background: var(--green)"></span>right</span>
          <span><span class="swatch" style="background: var(--orange)"></span>wrong</span>`
      : labels.slice(0, 40).map((label) => html`<span key=${label}><span class="swatch"
          style=${`background: ${labelColour(label, labels)}`}></span><${Name} text=${label} longest=${24} /></span>`)}</div>
    <div class="with-player">
      <${Scatter} points=${points} labels=${labels} byCorrectness=${byCorrectness} chosen=${chosen} onChoose=${setChosen} />
      ${point && html`<${WindowPlayer} key=${chosen} sampleId=${point.sample.id} startMs=${point.sample.startMs}
        endMs=${point.sample.endMs} actual=${point.yLabel} predicted=${predictions?.[chosen]?.prediction}
        onClose=${() => setChosen(null)} />`}
    </div>`;
}

/** Draw the points, at most once in a frame. */
function Scatter({ points, labels, byCorrectness, chosen, onChoose }) {
  const canvas = useRef(null);
  const pixels = useRef(null); // of the last frame, written again while the size stays
  const view = useRef({ zoom: 1, x: 0, y: 0 });
  const [aimed, setAimed] = useState(0);
  const drawAgain = useRef(() => {});
  useEffect(() => {
    let waiting = 0;
    let colours = coloursOf(labels, byCorrectness);
    const draw = () => {
      waiting = 0;
      if (!canvas.current) return;
      pixels.current = drawPoints(canvas.current, pixels.current, points, colours, byCorrectness, view.current);
      [[aimed, 6], [chosen, 9]].forEach(([index, radius]) => index !== null && drawMark(canvas.current, points, view.current, index, radius));
    };
    drawAgain.current = () => { waiting ||= requestAnimationFrame(draw); };
    drawAgain.current();
    const resized = new ResizeObserver(() => drawAgain.current());
    resized.observe(canvas.current);
    const forget = onColourChange(() => {
      colours = coloursOf(labels, byCorrectness);
      drawAgain.current();
    });
    return () => {
      cancelAnimationFrame(waiting);
      resized.disconnect();
      forget();
    };
  }, [points, labels, byCorrectness, chosen, aimed]);
  const zoom = (factor, at = { x: 0.5, y: 0.5 }) => {
    const now = view.current;
    const next = Math.min(MOST_ZOOM, Math.max(1, now.zoom * factor));
    now.x = clamp(now.x + at.x / now.zoom - at.x / next, next);
    now.y = clamp(now.y + at.y / now.zoom - at.y / next, next);
    now.zoom = next;
    drawAgain.current();
  };
  const position = (event) => {
    const box = canvas.current.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, box };
  };
  useEffect(() => { // a listener that is not passive, so that the page does not scroll
    const wheel = (event) => {
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.25 : 0.8, position(event));
    };
    const element = canvas.current;
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  }, []);
  const click = (event) => {
    const { x, y, box } = position(event);
    const found = nearest(points, view.current, x * box.width, y * box.height, box);
    if (found !== null) {
      setAimed(found);
      onChoose(found);
    }
  };
  const key = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) setAimed((aimed + step + points.count) % points.count);
    else if (event.key === "Enter" || event.key === " ") onChoose(aimed);
    else if (event.key === "+") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else return;
    event.preventDefault();
  };
  return html`<div>
    <canvas ref=${canvas} class="drawing scatter" style=${`height: ${HEIGHT}px`} tabindex="0" role="application"
      aria-label=${`Points of ${points.count} windows. Point ${aimed + 1}: ${labels[points.label[aimed]]}`}
      onClick=${click} onKeyDown=${key}></canvas>
    <div class="row"><button onClick=${() => zoom(1.5)}>Zoom in</button><button onClick=${() => zoom(1 / 1.5)}>Zoom
      out</button></div></div>`;
}

/** Return the points in the unit square: {count, x, y, label, wrong}, each an array with an entry for each point. */
function placed(data, labels, predictions) {
  const count = data.length;
  const numbers = new Map(labels.map((label, i) => [label, i]));
  const known = predictions?.length === count ? predictions : null;
  return {
    count,
    x: spread(data, (one) => one.X[0], (share) => 0.03 + 0.94 * share),
    y: spread(data, (one) => one.X[1], (share) => 0.97 - 0.94 * share),
    label: Uint16Array.from(data, (one) => numbers.get(one.yLabel)),
    wrong: Uint8Array.from(data, (_, i) => Number(known !== null && !known[i].predictionCorrect)),
  };
}

/** Return a value of each point, from the lowest to the highest as 0 to 1, and then through `place`. */
function spread(data, valueOf, place) {
  const values = Float64Array.from(data, valueOf);
  const lowest = values.reduce((least, one) => Math.min(least, one), Infinity);
  const range = values.reduce((most, one) => Math.max(most, one), -Infinity) - lowest || 1;
  return values.map((one) => place((one - lowest) / range));
}

/** Return the red, green and blue of each label, or of right and wrong. */
function coloursOf(labels, byCorrectness) {
  const names = byCorrectness ? [colourValue("green"), colourValue("orange")]
    : labels.map((label) => labelColourValue(label, labels));
  return names.map((name) => [1, 3, 5].map((at) => parseInt(name.slice(at, at + 2), 16)));
}

/**
 * Draw squares for the points, and return their pixels. They are written one by one: calls of the canvas for each of ten
 * thousand points take longer than a frame.
 */
function drawPoints(canvas, pixels, points, colours, byCorrectness, view) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [Math.max(1, Math.round(canvas.clientWidth * scale)), Math.max(1, Math.round(canvas.clientHeight * scale))];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const image = pixels?.width === width && pixels.height === height ? pixels : new ImageData(width, height);
  const { data } = image;
  data.fill(0);
  const side = Math.max(1, Math.round((points.count < FEW ? LARGE_SIDE : SIDE) * scale));
  const group = byCorrectness ? points.wrong : points.label;
  for (let i = 0; i < points.count; i += 1) {
    const left = Math.round((points.x[i] - view.x) * view.zoom * width - side / 2);
    const top = Math.round((points.y[i] - view.y) * view.zoom * height - side / 2);
    if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
    const [red, green, blue] = colours[group[i]];
    for (let y = top; y < top + side; y += 1) {
      for (let at = 4 * (y * width + left); at < 4 * (y * width + left + side); at += 4) {
        const below = data[at + 3] ? 1 - OPACITY : 0; // of the points that are drawn over
        data[at] = below * data[at] + (1 - below) * red;
        data[at + 1] = below * data[at + 1] + (1 - below) * green;
        data[at + 2] = below * data[at + 2] + (1 - below) * blue;
        data[at + 3] = data[at + 3] ? 255 : 255 * OPACITY;
      }
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return image;
}

/** Draw a circle around a point. */
function drawMark(canvas, points, view, index, radius) {
  const scale = devicePixelRatio || 1;
  const context = canvas.getContext("2d");
  context.strokeStyle = colourValue("ink");
  context.lineWidth = 2 * scale;
  context.beginPath();
  context.arc(
    (points.x[index] - view.x) * view.zoom * canvas.width, (points.y[index] - view.y) * view.zoom * canvas.height,
    radius * scale, 0, 2 * Math.PI,
  );
  context.stroke();
}

function nearest(points, view, x, y, box) {
  let [found, smallest] = [null, REACH ** 2];
  for (let i = 0; i < points.count; i += 1) {
    const across = (points.x[i] - view.x) * view.zoom * box.width - x;
    const down = (points.y[i] - view.y) * view.zoom * box.height - y;
    if (across ** 2 + down ** 2 <= smallest) [found, smallest] = [i, across ** 2 + down ** 2];
  }
  return found;
}

const clamp = (value, zoom) => Math.min(1 - 1 / zoom, Math.max(0, value));
