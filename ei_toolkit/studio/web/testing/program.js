// The model's WebAssembly build: found among the deployments, compared with the model, and run in this page.

import { get, getBytes } from "../api.js";
import { levelled } from "./level.js";

const TARGETS = ["wasm", "wasm-browser-simd"];
const MODULE = "classifier.js"; // of the deployment; its first two lines are the constants of the model
const CONSTANTS = /^const MODEL = (.*);\nconst PROGRAM = '([\w+/=]*)';\n/;
const PAUSE_MS = 30; // between two pauses in which the browser can draw

/**
 * Return the newest build of the present model in a variant, {version, model, classifier}; null if there is none, or if
 * this browser cannot run it.
 */
export async function findProgram(learnId, variant, signal) {
  const { deployments } = await get("/deployment/history", { limit: 50 }, signal);
  const build = deployments.find((one) => TARGETS.includes(one.deploymentFormat) && one.modelType === variant
    && !one.impulseHasChangedSinceDeployment);
  if (!build) return null;
  try {
    const [archive, network] = await Promise.all([
      getBytes(`/deployment/history/${build.deploymentVersion}/download`, {}, signal),
      getBytes(`/learn-data/${learnId}/model/tflite-${variant}`, {}, signal),
    ]);
    const constants = CONSTANTS.exec(new TextDecoder().decode(await unpacked(archive, MODULE)));
    if (!constants) return null;
    const model = JSON.parse(constants[1]);
    if (model.modelSha256 !== (await sha256(network))) return null;
    return { version: build.deploymentVersion, model, classifier: await classifierOf(constants[2], model, build.deploymentVersion) };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

/** Whether a build classifies windows of this level: it leaves the level to the page, or applies the same. */
export const appliesLevel = ({ model }, { level, targetDbfs, maxGainDb }) => model.level === "none" || (model.level === level
  && (level !== "rms" || (model.targetDbfs === targetDbfs && model.maxGainDb === maxGainDb)));

/** Return the scores of windows of int16 samples that start at `starts`, objects by label. */
export async function classifyWindows({ model, classifier }, samples, starts, how, onProgress) {
  const scores = [];
  let paused = performance.now();
  for (const start of starts) {
    const window = new Int16Array(model.windowSamples); // a short recording is followed by silence
    const own = samples.subarray(start, start + model.windowSamples);
    window.set(model.level === "none" ? levelled(own, how) : own);
    const found = classifier.classify(window);
    scores.push(Object.fromEntries(model.labels.map((label, i) => [label, found[i]])));
    if (performance.now() - paused < PAUSE_MS) continue;
    onProgress(scores.length, starts.length);
    await new Promise((resolve) => { setTimeout(resolve); });
    paused = performance.now();
  }
  return scores;
}

/** Load the module of browser deployments, which expects the constants of the model as global names. */
async function classifierOf(program, model, version) {
  Object.assign(globalThis, { MODEL: model, PROGRAM: program });
  const { Classifier } = await import(`/web/${MODULE}?${version}`);
  return Classifier.create();
}

/** Return the bytes of a file of a zip archive. */
async function unpacked(archive, name) {
  const view = new DataView(archive);
  let end = view.byteLength - 22; // of the end of the central directory, which a comment may follow
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    const [length, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    if (new TextDecoder().decode(new Uint8Array(archive, at + 46, length)) === name) {
      const [method, size, local] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      const packed = new Uint8Array(archive, start, size);
      if (method === 0) return packed;
      return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer();
    }
    at += 46 + length + extra + comment;
  }
  throw new Error(`The archive has no ${name}`);
}

async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
