// Classify a recording with the studio: it is uploaded, classified window by window, and deleted again.

import { addressOf, del, post, upload } from "../api.js";

export const CATEGORY = "post-processing"; // its samples are neither trained on nor tested

/**
 * Return {scores, threshold, windowMs, increaseMs, sampleId} of a WAV file; `scores` has an object by label for each
 * window. With `keep` the sample stays in the category post-processing.
 */
export async function classifyWav(blob, name, { variant, keep = false } = {}) {
  let [reason, id] = [null, null];
  const file = new File([blob], `${name.replace(/\.[^.]*$/, "") || "recording"}.wav`, { type: "audio/wav" });
  await upload(CATEGORY, [{ file }], (_, error, sample) => { [reason, id] = [error, sample]; });
  if (reason !== null) throw new Error(reason);
  try {
    const found = await post(`/classify/v2/${id}`, {}, { variant });
    const [one] = found.classifications;
    return {
      sampleId: id, scores: one.result, threshold: one.minimumConfidenceRating, windowMs: found.windowSizeMs,
      increaseMs: found.windowIncreaseMs,
    };
  } finally {
    if (!keep) await del(`/raw-data/${id}`).catch(() => {});
  }
}

/** Move a sample that was kept into the test set, with a label. */
export async function keepForTesting(id, label) {
  await post(`/raw-data/${id}/edit-label`, { label });
  await post(`/raw-data/${id}/move`, { newCategory: "testing" });
}

export const wavAddress = (id) => addressOf(`/raw-data/${id}/wav`);
