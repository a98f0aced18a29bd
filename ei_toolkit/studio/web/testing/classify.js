// Classify a recording with the studio: it is uploaded, classified window by window, and deleted again.

import { del, post, upload } from "../api.js";
import { levelled, toInt16 } from "./level.js";
import { classifyWindows } from "./program.js";
import { resampled, usableRate, wavOf } from "./wav.js";

const LONGEST_MS = 5 * 60_000; // of what is sent at once
const CATEGORY = "post-processing"; // its samples are neither trained on nor tested

/** Return {scores, windowMs, increaseMs} of a WAV file; `scores` has an object by label for each window. */
async function classifyWav(blob, name, variant) {
  const id = await store(blob, name);
  try {
    return resultOf(await post(`/classify/v2/${id}`, {}, { variant }));
  } finally {
    await del(`/raw-data/${id}`).catch(() => {});
  }
}

/** Return the scores and the windows of a `ClassifySampleResponse`. */
export function resultOf({ classifications: [one], windowSizeMs, windowIncreaseMs }) {
  return { scores: one.result, windowMs: windowSizeMs, increaseMs: windowIncreaseMs };
}

/** Upload a WAV file as a sample that is neither trained on nor tested; return its id. */
async function store(blob, name) {
  let [reason, id] = [null, null];
  const file = new File([blob], `${name.replace(/\.[^.]*$/, "") || "recording"}.wav`, { type: "audio/wav" });
  await upload(CATEGORY, [{ file }], (_, error, sample) => { [reason, id] = [error, sample]; });
  if (reason !== null) throw new Error(reason);
  return id;
}

/**
 * Classify a recording {name, blob, samples, rate} of any length: a long one in parts, whose windows are those of the
 * whole. `how` has the model variant, the level of each window, and the model's program if it classifies in this page.
 * `onProgress(done, all)` is called after each part.
 */
export async function classifyRecording({ name, blob, samples, rate }, input, how, onProgress = () => {}) {
  if (how.program) return classifyHere(await resampled(samples, rate, usableRate(input.frequencyHz)), input, how, onProgress);
  const { parts, step } = how.level === "none" ? wholeParts(samples, rate, input, blob)
    : levelledParts(await resampled(samples, rate, usableRate(input.frequencyHz)), input, how);
  const scores = [];
  let found = null;
  for (const [done, part] of parts.entries()) {
    found = await classifyWav(part(), name, how.variant);
    scores.push(...found.scores.filter((_, i) => i % step === 0));
    if (parts.length > 1) onProgress(done + 1, parts.length);
  }
  return { ...found, scores };
}

async function classifyHere(samples, input, how, onProgress) {
  const { window, increase } = sizesOf(usableRate(input.frequencyHz), input);
  const starts = startsOf(samples.length, window, increase);
  const scores = await classifyWindows(how.program, toInt16(samples), starts, how, onProgress);
  return { scores, windowMs: input.windowSizeMs, increaseMs: input.windowIncreaseMs };
}

/** Return where the windows of a recording start, in samples; a short recording has one. */
const startsOf = (length, window, increase) => Array.from(
  { length: 1 + Math.max(0, Math.floor((length - window) / increase)) }, (_, i) => i * increase);

/** Return functions that make the WAV file of each part; one part is sent as the file that it came from. */
function wholeParts(samples, rate, input, blob) {
  const parts = partsOf(samples.length, rate, input);
  return { step: 1, parts: parts.length === 1 ? [() => blob]
    : parts.map(([start, end]) => () => wavOf(samples.subarray(start, end), rate)) };
}

/**
 * Return functions that make WAV files of levelled windows. They follow each other at a multiple of the distance at which
 * the studio cuts windows, so that each `step`-th window of the studio is one of them.
 */
export function levelledParts(samples, input, how, longestMs = LONGEST_MS) {
  const rate = usableRate(input.frequencyHz);
  const { window, increase } = sizesOf(rate, input);
  const whole = toInt16(samples);
  if (whole.length <= window) return { step: 1, parts: [() => wavOf(levelled(whole, how), rate)] };
  const step = Math.ceil(window / increase);
  const starts = startsOf(whole.length, window, increase);
  const atOnce = Math.max(1, Math.floor((rate * longestMs) / 1000 / (step * increase)));
  const parts = [];
  for (let first = 0; first < starts.length; first += atOnce) {
    const own = starts.slice(first, first + atOnce);
    parts.push(() => {
      const joined = new Int16Array((own.length - 1) * step * increase + window);
      own.forEach((start, i) => joined.set(levelled(whole.subarray(start, start + window), how), i * step * increase));
      return wavOf(joined, rate);
    });
  }
  return { step, parts };
}

/** Return the length and the distance of windows in samples. */
function sizesOf(rate, { windowSizeMs, windowIncreaseMs }) {
  const [window, increase] = [windowSizeMs, windowIncreaseMs].map((ms) => Math.round((rate * ms) / 1000));
  return { window, increase };
}

/** Return [first, end] of each part of a recording, in samples. Two parts share what their windows share. */
export function partsOf(length, rate, input, longestMs = LONGEST_MS) {
  const { window, increase } = sizesOf(rate, input);
  const windows = Math.max(1, Math.floor(((rate * longestMs) / 1000 - window) / increase) + 1);
  if (length <= window + (windows - 1) * increase) return [[0, length]];
  const parts = [];
  for (let start = 0; start + window <= length; start += windows * increase) {
    parts.push([start, Math.min(length, start + window + (windows - 1) * increase)]);
  }
  return parts;
}

/** Store a recording as a sample of the test set; return its id. */
export async function keepForTesting(blob, name, label) {
  const id = await store(blob, name);
  await post(`/raw-data/${id}/edit-label`, { label });
  await post(`/raw-data/${id}/move`, { newCategory: "testing" });
  return id;
}
