// A recording: waveform, time axis, spectrogram, player, and parts that are marked in it.

import { html, useEffect, useRef, useState } from "./html.js";
import { colourValue, duration, onColourChange, styleNonce } from "./formats.js";
import { Notice } from "./ui.js";

const LARGEST_VALUES = 12_000_000; // of a recording that is decoded without being asked for
const SPECTROGRAM_FFT = 512;

/**
 * Show and play a recording. `url` is the address of a WAV file, `rate` in Hz, `values` their number. `regions` are
 * parts, [{startMs, endMs}]; `onRegion` gets a part that is marked with the mouse or changed. Without `spectrogram`
 * there is only the waveform.
 */
export function Player({ url, rate, values, regions = [], onRegion = null, spectrogram = true }) {
  const element = useRef(null);
  const wave = useRef(null);
  const plugin = useRef(null);
  const [state, setState] = useState("loading");
  const [time, setTime] = useState(0);
  const [asked, setAsked] = useState(false);
  const [colours, setColours] = useState(0);
  const isLarge = values > LARGEST_VALUES && !asked;
  const latest = useRef(onRegion);
  latest.current = onRegion;

  useEffect(() => onColourChange(() => setColours((number) => number + 1)), []);
  useEffect(() => {
    if (isLarge) return undefined;
    let ended = false;
    setState("loading");
    makeWave(element.current, { url, rate, spectrogram }).then(({ wavesurfer, marks }) => {
      if (ended) {
        wavesurfer.destroy();
        return;
      }
      [wave.current, plugin.current] = [wavesurfer, marks];
      const stateOf = { ready: "paused", play: "playing", pause: "paused", finish: "paused", error: "failed" };
      for (const [event, next] of Object.entries(stateOf)) wavesurfer.on(event, () => setState(next));
      wavesurfer.on("timeupdate", setTime);
      const changed = (region) => latest.current?.({ startMs: 1000 * region.start, endMs: 1000 * region.end });
      marks.on("region-updated", changed);
      marks.on("region-created", (region) => {
        if (!region.id.startsWith("own-")) {
          changed(region);
          region.remove();
        }
      });
      if (latest.current) marks.enableDragSelection({ color: "rgb(86 180 233 / 25%)" });
    }, () => setState("failed"));
    return () => {
      ended = true;
      wave.current?.destroy();
      wave.current = null;
    };
  }, [url, isLarge, colours, spectrogram]);
  useEffect(() => {
    if (state === "loading" || state === "failed" || !wave.current) return;
    plugin.current.clearRegions();
    regions.forEach(({ startMs, endMs }, i) => plugin.current.addRegion({
      id: `own-${i}`, start: startMs / 1000, end: endMs / 1000, color: "rgb(86 180 233 / 30%)",
      drag: onRegion !== null, resize: onRegion !== null,
    }));
  }, [state === "loading", regions.map((one) => `${one.startMs}-${one.endMs}`).join()]);

  if (isLarge) {
    return html`<${Notice}>This recording has ${Math.round(values / 1e6)} million values.
      <button onClick=${() => setAsked(true)}>Show it</button><//>`;
  }
  const play = () => (regions.length === 1
    ? wave.current.play(regions[0].startMs / 1000, regions[0].endMs / 1000) : wave.current.playPause());
  const ready = state === "paused" || state === "playing";
  return html`
    <div class="sound" ref=${element} aria-hidden="true"></div>
    ${state === "failed" && html`<${Notice} kind="error">The recording cannot be played by this browser.<//>`}
    <div class="row">
      <button disabled=${!ready} onClick=${() => (state === "playing" ? wave.current.pause() : play())}>
        ${state === "playing" ? "Pause" : regions.length === 1 ? "Play the part" : "Play"}</button>
      <label class="field"><span>Position</span><input type="range" min="0" step="0.01" disabled=${!ready}
        max=${wave.current?.getDuration() || 1} value=${time}
        onInput=${(event) => wave.current.setTime(Number(event.target.value))} /></label>
      <label class="field"><span>Zoom</span><input type="range" min="0" max="1000" step="10" disabled=${!ready}
        value="0" onInput=${(event) => wave.current.zoom(Number(event.target.value))} /></label>
      <span class="soft">${state === "loading" ? "Loading…" : duration(1000 * time)}</span>
    </div>`;
}

async function makeWave(container, { url, rate, spectrogram }) {
  const [{ default: WaveSurfer }, { default: Regions }, { default: Timeline }, { default: Spectrogram }] =
    await Promise.all([
      import("./vendor/wavesurfer.js"), import("./vendor/wavesurfer-regions.js"),
      import("./vendor/wavesurfer-timeline.js"),
      spectrogram ? import("./vendor/wavesurfer-spectrogram.js") : { default: null },
    ]);
  const marks = Regions.create();
  const plugins = [marks, Timeline.create({ style: { color: colourValue("soft") } })];
  if (Spectrogram) {
    plugins.push(Spectrogram.create({ height: 140, fftSamples: SPECTROGRAM_FFT, labels: false, colorMap: "roseus" }));
  }
  const wavesurfer = WaveSurfer.create({
    container, url, plugins, height: 90, sampleRate: Math.min(96_000, Math.max(8000, Math.round(rate))),
    waveColor: colourValue("blue"), progressColor: colourValue("soft"), cursorColor: colourValue("orange"),
    cspNonce: styleNonce(),
  });
  return { wavesurfer, marks };
}
