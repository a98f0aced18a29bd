// The feature explorer: the windows of all samples as points, coloured by label or by right and wrong.

import { html, useEffect, useMemo, useRef, useState } from "../html.js";
import { get, post } from "../api.js";
import { colourValue, counted, labelColour, labelColourValue, onColourChange, percent } from "../formats.js";
import { setQuery } from "../router.js";
import { Loaded, Name, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";
import { WindowPlayer } from "../window.js";

const HEIGHT = 420;
const RADIUS = 3;
const REACH = 12; // pixels between the pointer and a point that it chooses
const MOST_ZOOM = 200;

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
  const points = useMemo(() => placed(data, predictions), [data, predictions]);
  const [chosen, setChosen] = useState(null);
  const point = chosen === null ? null : points[chosen];
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
        endMs=${point.sample.endMs} actual=${point.label} predicted=${point.predicted} onClose=${() => setChosen(null)} />`}
    </div>`;
}

/** Draw the points; one path for each colour, so that ten thousand take some milliseconds. */
function Scatter({ points, labels, byCorrectness, chosen, onChoose }) {
  const canvas = useRef(null);
  const view = useRef({ zoom: 1, x: 0, y: 0 });
  const [aimed, setAimed] = useState(0);
  const drawAgain = useRef(() => {});
  useEffect(() => {
    let waiting = 0;
    const draw = () => {
      waiting = 0;
      if (canvas.current) drawPoints(canvas.current, points, labels, byCorrectness, view.current, chosen, aimed);
    };
    drawAgain.current = () => { waiting ||= requestAnimationFrame(draw); };
    drawAgain.current();
    const resized = new ResizeObserver(() => drawAgain.current());
    resized.observe(canvas.current);
    const forget = onColourChange(drawAgain.current);
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
    if (step) setAimed((aimed + step + points.length) % points.length);
    else if (event.key === "Enter" || event.key === " ") onChoose(aimed);
    else if (event.key === "+") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else return;
    event.preventDefault();
  };
  return html`<div>
    <canvas ref=${canvas} class="drawing scatter" style=${`height: ${HEIGHT}px`} tabindex="0" role="application"
      aria-label=${`Points of ${points.length} windows. Point ${aimed + 1}: ${points[aimed]?.label}`}
      onClick=${click} onKeyDown=${key}></canvas>
    <div class="row"><button onClick=${() => zoom(1.5)}>Zoom in</button><button onClick=${() => zoom(1 / 1.5)}>Zoom
      out</button></div></div>`;
}

/** Return the points in the unit square, each with its prediction if there is one. */
function placed(data, predictions) {
  const xs = data.map((one) => one.X[0]);
  const ys = data.map((one) => one.X[1]);
  const [left, bottom] = [minimum(xs), minimum(ys)];
  const [width, height] = [-minimum(xs.map((x) => -x)) - left || 1, -minimum(ys.map((y) => -y)) - bottom || 1];
  const found = predictions?.length === data.length ? predictions : null;
  return data.map((one, i) => ({
    x: 0.03 + (0.94 * (xs[i] - left)) / width, y: 0.97 - (0.94 * (ys[i] - bottom)) / height,
    label: one.yLabel, sample: one.sample, predicted: found?.[i].prediction, right: found?.[i].predictionCorrect,
  }));
}

function drawPoints(canvas, points, labels, byCorrectness, view, chosen, aimed) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const colours = byCorrectness ? [colourValue("green"), colourValue("orange")]
    : labels.map((label) => labelColourValue(label, labels));
  const groups = colours.map(() => []);
  points.forEach((point) => groups[byCorrectness ? Number(!point.right) : labels.indexOf(point.label)].push(point));
  context.globalAlpha = 0.7;
  groups.forEach((group, i) => {
    context.fillStyle = colours[i];
    for (const point of group) {
      const { x, y } = onCanvas(point, view, width, height);
      if (x > -RADIUS && y > -RADIUS && x < width + RADIUS && y < height + RADIUS) {
        context.fillRect(x - RADIUS / 2, y - RADIUS / 2, RADIUS, RADIUS);
      }
    }
  });
  context.globalAlpha = 1;
  context.strokeStyle = colourValue("ink");
  context.lineWidth = 2;
  for (const [index, radius] of [[aimed, 6], [chosen, 9]]) {
    if (index === null || !points[index]) continue;
    const { x, y } = onCanvas(points[index], view, width, height);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }
}

function nearest(points, view, x, y, box) {
  let [found, smallest] = [null, REACH ** 2];
  points.forEach((point, i) => {
    const at = onCanvas(point, view, box.width, box.height);
    const distance = (at.x - x) ** 2 + (at.y - y) ** 2;
    if (distance <= smallest) [found, smallest] = [i, distance];
  });
  return found;
}

const onCanvas = (point, view, width, height) => ({
  x: (point.x - view.x) * view.zoom * width, y: (point.y - view.y) * view.zoom * height,
});
const clamp = (value, zoom) => Math.min(1 - 1 / zoom, Math.max(0, value));
const minimum = (numbers) => numbers.reduce((least, number) => Math.min(least, number), Infinity);
