// Classify a recording with the studio: it is uploaded, classified window by window, and deleted again.

import { del, post, upload } from "../api.js";
import { wavOf } from "./wav.js";

const LONGEST_MS = 5 * 60_000; // of what is sent at once
const CATEGORY = "post-processing"; // its samples are neither trained on nor tested

/** Return {scores, threshold, windowMs, increaseMs} of a WAV file; `scores` has an object by label for each window. */
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
  return {
    scores: one.result, threshold: one.minimumConfidenceRating, windowMs: windowSizeMs, increaseMs: windowIncreaseMs,
  };
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
 * whole. `onProgress(done, all)` is called after each part.
 */
export async function classifyRecording({ name, blob, samples, rate }, input, variant, onProgress) {
  const parts = partsOf(samples.length, rate, input);
  if (parts.length === 1) return classifyWav(blob, name, variant);
  const scores = [];
  let found = null;
  for (const [done, [start, end]] of parts.entries()) {
    found = await classifyWav(wavOf(samples.subarray(start, end), rate), name, variant);
    scores.push(...found.scores);
    onProgress(done + 1, parts.length);
  }
  return { ...found, scores };
}

/** Return [first, end] of each part of a recording, in samples. Two parts share what their windows share. */
export function partsOf(length, rate, input, longestMs = LONGEST_MS) {
  const [window, increase] = [input.windowSizeMs, input.windowIncreaseMs].map((ms) => Math.round((rate * ms) / 1000));
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
