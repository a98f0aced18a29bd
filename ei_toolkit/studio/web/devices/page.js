// Devices: boards that are or were connected, renamed and deleted, and samples that they record on request.

import { html, useEffect, useState } from "../html.js";
import { del, get, post } from "../api.js";
import { date } from "../formats.js";
import { addressOf } from "../router.js";
import { Dialog, Loaded, Name, Notice, announce, useLoad } from "../ui.js";
import { Sampling } from "./sampling.js";

const REFRESH_MS = 3000;
const STATES = { ingestion: "connected", inference: "connected, runs a model", disconnected: "not connected" };

export default function DevicesPage({ session }) {
  const loaded = useLoad((signal) => get("/devices", {}, signal), []);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || loaded.reload(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<h1>Devices</h1>
    <p>A board that is connected records samples for the project. This command connects the board of a project's
      eitk.toml, real or virtual; Edge Impulse's tools connect theirs to this studio, too:</p>
    <pre tabindex="0" aria-label="Command that connects a board">eitk connect</pre>
    <${Loaded} of=${loaded}>${({ devices }) => (devices.length === 0
      ? html`<p class="soft">No device was connected yet.</p>`
      : html`<${List} devices=${devices} canChange=${session.role === "admin"} onChange=${loaded.reload} />
          <${Record} devices=${devices.filter((one) => one.remote_mgmt_connected && one.sensors.length)} session=${session} />`)}<//>`;
}

function List({ devices, canChange, onChange }) {
  const [asked, setAsked] = useState(null);
  const [problem, setProblem] = useState(null);
  const act = async (action) => {
    setAsked(null);
    try {
      announce(await action());
      setProblem(null);
    } catch (error) {
      setProblem(error.message);
    }
    onChange();
  };
  const path = (one) => encodeURIComponent(one.deviceId);
  const rename = (one, name) => act(async () => {
    await post(`/devices/${path(one)}/rename`, { name });
    return "The device was renamed.";
  });
  const remove = (one) => act(async () => {
    await del(`/device/${path(one)}`);
    return "The device was deleted. Its samples stay.";
  });
  return html`
    ${problem && html`<${Notice} kind="error">${problem}<//>`}
    <div class="wide" tabindex="0" role="group" aria-label="Devices"><table>
      <thead><tr><th scope="col">Device</th><th scope="col">Type</th><th scope="col">State</th><th scope="col">Sensors</th>
        <th scope="col">Last seen</th>${canChange && html`<th scope="col">Change</th>`}</tr></thead>
      <tbody>${devices.map((one) => html`<tr key=${one.id}>
        <th scope="row"><${Name} text=${one.name} longest=${40} />${one.name !== one.deviceId && html`<br /><span
          class="soft"><${Name} text=${one.deviceId} longest=${40} /></span>`}</th>
        <td><${Name} text=${one.deviceType} longest=${40} /></td><td>${STATES[one.remoteMgmtMode] ?? "connected"}</td>
        <td>${one.sensors.map((sensor) => html`<div key=${sensor.name}><${Name} text=${sensor.name} longest=${40} /></div>`)}</td>
        <td>${date(one.lastSeen)}</td>
        ${canChange && html`<td><button onClick=${() => setAsked({ device: one, name: one.name })}>Rename<span
            class="visually-hidden"> ${one.name.slice(0, 40)}</span></button>
          <button class="danger" onClick=${() => setAsked({ device: one })}>Delete<span class="visually-hidden">
            ${one.name.slice(0, 40)}</span></button></td>`}</tr>`)}</tbody></table></div>
    ${asked?.name !== undefined && html`<${Dialog} title="Rename the device" onClose=${() => setAsked(null)}>
      <form class="row" onSubmit=${(event) => { event.preventDefault(); rename(asked.device, asked.name.trim()); }}>
        <label class="field"><span>Name</span><input name="name" required maxlength="128" value=${asked.name}
          onInput=${(event) => setAsked({ ...asked, name: event.target.value })} /></label>
        <button class="main">Rename</button><button type="button" onClick=${() => setAsked(null)}>Cancel</button></form><//>`}
    ${asked && asked.name === undefined && html`<${Dialog} title="Delete the device?" onClose=${() => setAsked(null)}>
      <p><${Name} text=${asked.device.name} /> is disconnected and leaves the list. Its samples stay. It returns when it
        connects again.</p>
      <div class="row"><button class="main" onClick=${() => remove(asked.device)}>Delete</button>
        <button onClick=${() => setAsked(null)}>Cancel</button></div><//>`}`;
}

function Record({ devices, session }) {
  if (session.role !== "admin") return null;
  return html`<h2>Record a sample</h2>${devices.length
    ? html`<${Sampling} devices=${devices} addressOfSample=${(id) => addressOf(session.projectId, "acquisition", { sample: id })} />`
    : html`<p class="soft">No device with a sensor is connected.</p>`}`;
}
