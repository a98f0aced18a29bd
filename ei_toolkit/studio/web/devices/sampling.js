// The form that lets a device record a sample, and the sample when it has arrived.

import { html, useEffect, useRef, useState } from "../html.js";
import { get, post } from "../api.js";
import { duration } from "../formats.js";
import { SPLITS } from "../data/filters.js";
import { Name, Notice } from "../ui.js";
import { WindowPlayer } from "../window.js";

const POLL_MS = 500;
const GRACE_MS = 60_000; // beyond the length of a sample, until it counts as lost

/** `devices` are connected and have a sensor. `addressOfSample(id)` is the address of the data page. */
export function Sampling({ devices, addressOfSample }) {
  const [values, setValues] = useState({ label: "", seconds: 1, category: "training" });
  const [state, setState] = useState({ running: null, sample: null, problem: null });
  const controller = useRef(null);
  useEffect(() => () => controller.current?.abort(), []);
  const device = devices.find((one) => one.deviceId === values.device) ?? devices[0];
  const sensor = device.sensors.find((one) => one.name === values.sensor) ?? device.sensors[0];
  const frequency = sensor.frequencies.find((one) => one === Number(values.frequency)) ?? sensor.frequencies[0] ?? 16000;
  const set = (name) => (event) => setValues({ ...values, [name]: event.target.value });
  const start = async (event) => {
    event.preventDefault();
    controller.current = new AbortController();
    const request = {
      label: values.label.trim(), lengthMs: Math.round(1000 * Number(values.seconds)), category: values.category,
      intervalMs: 1000 / frequency, sensor: sensor.name,
    };
    setState({ running: `${device.name.slice(0, 40)} records ${duration(request.lengthMs)}…`, sample: null, problem: null });
    try {
      setState({ running: null, sample: await record(device.deviceId, request, controller.current.signal), problem: null });
    } catch (error) {
      if (error.name !== "AbortError") setState({ running: null, sample: null, problem: error.message });
    }
  };
  const choice = (name, title, options, value) => html`<label class="field"><span>${title}</span><select name=${name}
    value=${value} onChange=${set(name)}>${options.map(([one, text]) => html`<option key=${one} value=${one}>${
      String(text).slice(0, 60)}</option>`)}</select></label>`;
  return html`<form onSubmit=${start}><fieldset class="row" disabled=${state.running !== null}>
      <legend class="visually-hidden">What is recorded</legend>
      ${choice("device", "Device", devices.map((one) => [one.deviceId, one.name]), device.deviceId)}
      ${choice("sensor", "Sensor", device.sensors.map((one) => [one.name, one.name]), sensor.name)}
      ${choice("frequency", "Sample rate", sensor.frequencies.map((one) => [one, `${one} Hz`]), frequency)}
      <label class="field"><span>Label</span><input name="label" required value=${values.label} onInput=${set("label")} /></label>
      <label class="field"><span>Length (s), at most ${sensor.maxSampleLengthS}</span><input name="seconds" type="number"
        min="0.1" max=${sensor.maxSampleLengthS} step="0.1" required value=${values.seconds} onInput=${set("seconds")} /></label>
      ${choice("category", "Split", SPLITS.map((one) => [one, one]), values.category)}
      <button class="main">Record</button></fieldset></form>
    ${state.running && html`<p role="status">${state.running} A virtual board waits for sound: eitk play --no-restart CLIP</p>`}
    ${state.problem && html`<${Notice} kind="error">${state.problem}<//>`}
    ${state.sample && html`<p role="status">Sample ${state.sample.id} has arrived: <${Name} text=${state.sample.label} longest=${40} />.
        ${" "}<a href=${addressOfSample(state.sample.id)}>Show it on the data page</a></p>
      <${WindowPlayer} key=${state.sample.id} sampleId=${state.sample.id} startMs=${0} endMs=${state.sample.totalLengthMs} />`}`;
}

/** Let a device record; return the sample when it is in the project. */
async function record(deviceId, request, signal) {
  const newest = async () => (await get("/raw-data", { category: request.category, limit: 1, sortBy: "id-desc" }, signal)).samples[0];
  const before = (await newest())?.id ?? 0;
  await post(`/device/${encodeURIComponent(deviceId)}/start-sampling`, request);
  const deadline = Date.now() + request.lengthMs + GRACE_MS;
  while (Date.now() < deadline) {
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    const sample = await newest();
    if (sample && sample.id > before && sample.label === request.label) return sample;
  }
  throw new Error("No sample has arrived: eitk connect prints the reason. Look at the board and its cable, then record again."
    + " A virtual board needs sound at once: eitk play --no-restart CLIP.");
}
