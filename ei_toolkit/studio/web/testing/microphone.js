// Classify the signal of the microphone of this computer, window by window, and then the whole recording.

import { html, useEffect, useRef, useState } from "../html.js";
import { duration } from "../formats.js";
import { Notice } from "../ui.js";
import { classifyRecording } from "./classify.js";
import { LiveScores } from "./live_scores.js";
import { usableRate, wavOf } from "./wav.js";

const MOST_MS = 10 * 60_000;
const IDLE = { running: false, ms: 0, scores: [], problem: null };

/**
 * `input` is the input block of the impulse, `how` what `classifyRecording` needs, `settings` are those of the board.
 * `onRecording({name, blob, samples, rate})` is called at the end.
 */
export function Microphone({ input, how, settings, onRecording }) {
  const [state, setState] = useState(IDLE);
  const recording = useRef(null);
  const latest = useRef(null);
  latest.current = how;
  const stop = () => {
    const own = recording.current;
    recording.current = null;
    if (!own) return;
    own.stream.getTracks().forEach((track) => track.stop());
    own.context.close();
    setState((before) => ({ ...before, running: false }));
    const samples = own.samples();
    if (samples.length) onRecording({ name: "microphone", blob: wavOf(samples, own.rate), samples, rate: own.rate });
  };
  const start = async () => {
    setState({ ...IDLE, running: true });
    try {
      recording.current = await record(input.frequencyHz);
      classifyWhile(recording, input, latest, (change) => setState((before) => ({ ...before, ...change })), stop);
    } catch (error) {
      setState({ ...IDLE, problem: sentenceOf(error) });
    }
  };
  useEffect(() => () => {
    recording.current?.stream.getTracks().forEach((track) => track.stop());
    recording.current?.context.close();
    recording.current = null;
  }, []);
  return html`<section aria-labelledby="microphone"><h2 id="microphone">Microphone</h2>
    ${state.running
      ? html`<button class="main" onClick=${stop}>Stop after ${duration(state.ms)}</button>`
      : html`<button onClick=${start}>Record from the microphone</button>`}
    ${state.problem && html`<${Notice} kind="error">${state.problem}<//>`}
    ${state.scores.length > 0 && html`<${LiveScores} scores=${state.scores} settings=${settings} />`}
  </section>`;
}

/** Start recording, at the rate of the model if possible: {context, stream, rate, count(), samples(from, to)}. */
async function record(rate) {
  const constraints = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints });
  const [context, source] = await sourceOf(stream, rate);
  await context.audioWorklet.addModule("/web/testing/recorder.js");
  const worklet = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  const parts = [];
  let total = 0;
  worklet.port.onmessage = ({ data }) => {
    parts.push(data);
    total += data.length;
  };
  source.connect(worklet);
  const samples = (from = 0, to = total) => joined(parts, from, to);
  return { context, stream, rate: context.sampleRate, count: () => total, samples };
}

/** Return an audio context and the stream as its source; some browsers have streams at their own rate only. */
async function sourceOf(stream, rate) {
  const context = new AudioContext({ sampleRate: usableRate(rate) });
  try {
    return [context, context.createMediaStreamSource(stream)];
  } catch {
    await context.close();
    const own = new AudioContext();
    return [own, own.createMediaStreamSource(stream)];
  }
}

function joined(parts, from, to) {
  const found = new Float32Array(Math.max(0, to - from));
  let at = 0;
  for (const part of parts) {
    if (at + part.length > from && at < to) {
      const first = Math.max(0, from - at);
      found.set(part.subarray(first, Math.min(part.length, to - at)), at + first - from);
    }
    at += part.length;
  }
  return found;
}

/** Classify the newest whole window again and again; a window that the studio has no time for is left out. */
async function classifyWhile(recording, input, how, update, stop) {
  const own = recording.current;
  const window = Math.round((own.rate * input.windowSizeMs) / 1000);
  const increase = Math.round((own.rate * input.windowIncreaseMs) / 1000);
  const scores = [];
  let next = window;
  while (recording.current === own) {
    const ms = (1000 * own.count()) / own.rate;
    update({ ms });
    if (ms > MOST_MS) stop();
    if (own.count() < next) {
      await new Promise((resolve) => { setTimeout(resolve, 50); });
      continue;
    }
    const end = next + increase * Math.floor((own.count() - next) / increase);
    next = end + increase;
    try {
      const samples = own.samples(end - window, end);
      const one = { name: "window", blob: wavOf(samples, own.rate), samples, rate: own.rate };
      const found = await classifyRecording(one, input, how.current);
      scores.push(found.scores[0]);
      update({ scores: [...scores], problem: null });
    } catch (error) {
      update({ problem: error.message });
    }
  }
}

function sentenceOf(error) {
  if (error.name === "NotAllowedError") {
    return "The browser refused the microphone: allow it for this address, then record again.";
  }
  if (error.name === "NotFoundError") return "This computer has no microphone: connect one, then record again.";
  return `The microphone cannot be used: ${error.message}.`;
}
