// Changes of samples that can be undone until the page is left. A deletion is carried out when the page is left.

import { get, post } from "../api.js";
import { counted } from "../formats.js";

const IDS_AT_ONCE = 1000;

/** Give samples another label. Returns a change: {text, undo, error}; `error` is null or why it ended early. */
export function relabel(samples, label) {
  return change(samples, `label ${label ? `"${label.slice(0, 40)}"` : "removed"}`, {
    send: (part) => batch("edit-labels", part, { label }),
    undo: restoreLabels,
  });
}

/** Move samples to another split. */
export function move(samples, category) {
  return change(samples, `moved to ${category}`, {
    send: (part) => batch("moveSamples", part, { newCategory: category }),
    undo: (done) => each(groupedBy(done, (one) => one.category), (old, part) =>
      batch("moveSamples", part, { newCategory: old })),
  });
}

/** Enable samples, or disable them: a disabled sample is used in no training and no test. */
export function setEnabled(samples, enabled) {
  const verb = (value) => (value ? "enable-samples" : "disable-samples");
  return change(samples, enabled ? "enabled" : "disabled", {
    send: (part) => batch(verb(enabled), part),
    undo: (done) => each(groupedBy(done, (one) => !one.isDisabled), (old, part) => batch(verb(old), part)),
  });
}

/** Set one key of the metadata of samples, such as the artist; an empty value removes the key. */
export function setMetadata(samples, key, value) {
  const set = (part, text) => (text ? batch("add-metadata", part, { metadataKey: key, metadataValue: text })
    : batch("clear-metadata-by-key", part, { metadataKey: key }));
  return change(samples, `${key.slice(0, 40)} ${value ? `"${value.slice(0, 40)}"` : "removed"}`, {
    send: (part) => set(part, value),
    undo: (done) => each(groupedBy(done, (one) => one.metadata?.[key] ?? ""), (old, part) => set(part, old)),
  });
}

/** Delete samples; this cannot be undone. With `keepalive` it is carried out although the page is being closed. */
export function deleteSamples(samples, options = {}) {
  return Promise.all(parts(samples).map((part) => batch("delete", part, {}, options)));
}

/** Crop a sample to a part, in ms. */
export async function crop(sample, startMs, endMs) {
  const index = (milliseconds) => Math.round(milliseconds / sample.intervalMs);
  await post(`/raw-data/${sample.id}/crop`, { cropStart: index(startMs), cropEnd: index(endMs) });
  return { text: "1 sample cropped", error: null, undo: () => restore(sample) };
}

/** Restore the whole recording of a sample that was cropped or is a segment. */
export async function restore(sample) {
  const whole = await get(`/raw-data/${sample.id}/original`, { limitPayloadValues: 1 });
  await post(`/raw-data/${sample.id}/crop`, { cropStart: 0, cropEnd: whole.sample.valuesCount });
}

/** Replace a sample by segments, [{startMs, endMs}]. */
export async function split(sample, segments) {
  await post(`/raw-data/${sample.id}/segment`, { segments });
  const undo = async () => {
    const names = new Set(segments.map((_, i) => `${sample.filename}.s${i + 1}`));
    const { samples } = await get("/raw-data", { filename: `${sample.filename}.s`, category: sample.category });
    const [first, ...others] = samples.filter((one) => names.has(one.filename) && one.id > sample.id);
    if (!first) throw new Error("The segments do not exist any more: the sample cannot be restored.");
    await restore(first);
    await post(`/raw-data/${first.id}/rename`, { name: sample.filename });
    if (others.length) await deleteSamples(others);
  };
  return { text: `1 sample split into ${segments.length}`, error: null, undo };
}

/**
 * Divide all samples of the splits again, in shares of training, validation and testing; samples with the same value of
 * the metadata `key` stay together. `readSamples()` returns all of them as they were, for undoing it.
 */
export async function divide(shares, key, readSamples) {
  const before = (await readSamples()).filter((one) => one.category in shares);
  await post("/split", {
    trainingSplitRatio: shares.training, validationSplitRatio: shares.validation, testingSplitRatio: shares.testing,
    keepTogetherMetadataKeys: key ? [key] : [],
  });
  const undo = () => each(groupedBy(before, (one) => one.category), (old, part) => batch("moveSamples", part, { newCategory: old }));
  return { text: `${counted(before.length, "sample")} divided again`, error: null, undo };
}

async function change(samples, what, { send, undo }) {
  const done = [];
  let error = null;
  try {
    for (const part of parts(samples)) {
      await send(part);
      done.push(...part);
    }
  } catch (failed) {
    if (!done.length) throw failed;
    error = failed;
  }
  return { text: `${counted(done.length, "sample")} ${what}`, error, undo: () => undo(done) };
}

async function restoreLabels(done) {
  const plain = done.filter((one) => !one.structuredLabels);
  await each(groupedBy(plain, (one) => one.label), (label, part) => batch("edit-labels", part, { label }));
  for (const { id, structuredLabels } of done.filter((one) => one.structuredLabels)) {
    await post(`/raw-data/${id}/structured-labels`, { structuredLabels });
  }
}

async function each(groups, send) {
  for (const [value, group] of groups) for (const part of parts(group)) await send(value, part);
}

function batch(name, samples, body = {}, options = {}) {
  return post(`/raw-data/batch/${name}`, body, { ids: JSON.stringify(samples.map((one) => one.id)) }, options);
}

function parts(samples) {
  const found = [];
  for (let i = 0; i < samples.length; i += IDS_AT_ONCE) found.push(samples.slice(i, i + IDS_AT_ONCE));
  return found;
}

function groupedBy(samples, valueOf) {
  const groups = new Map();
  for (const one of samples) {
    const value = valueOf(one);
    if (!groups.has(value)) groups.set(value, []);
    groups.get(value).push(one);
  }
  return groups;
}
