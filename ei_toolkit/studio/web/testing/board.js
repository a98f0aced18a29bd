// What a connected or emulated board predicts: its label, its scores and its times, as it sends them.

import { html, useEffect, useRef, useState } from "../html.js";
import { followPredictions, get } from "../api.js";
import { Loaded, Name, Notice, useLoad } from "../ui.js";
import { bestOf } from "./decision.js";
import { Meters } from "./live_scores.js";

const MOST_SHOWN = 20;
const REFRESH_MS = 3000; // of the list of boards while none is watched

/** The boards that run a model, and the predictions of the one that is watched. */
export function Board({ canStart }) {
  const devices = useLoad((signal) => get("/devices", {}, signal), []);
  const [watched, setWatched] = useState(null);
  const [records, setRecords] = useState([]);
  const [problem, setProblem] = useState(null);
  const controller = useRef(null);
  useEffect(() => {
    if (watched) return undefined;
    const timer = setInterval(() => document.hidden || devices.reload(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [watched]);
  useEffect(() => () => controller.current?.abort(), []);
  const watch = async (device) => {
    controller.current = new AbortController();
    setWatched(device);
    setRecords([]);
    setProblem(null);
    const add = (message) => isRecord(message) && setRecords((before) => [message, ...before].slice(0, MOST_SHOWN));
    try {
      await followPredictions(device.deviceId, add, controller.current.signal);
    } catch (error) {
      setProblem(error.message);
    }
    setWatched(null);
  };
  return html`<section aria-labelledby="board"><h2 id="board">Board</h2>
    ${problem && html`<${Notice} kind="error">${problem}<//>`}
    ${watched
      ? html`<button class="main" onClick=${() => controller.current.abort()}>Stop watching</button>`
      : html`<${Loaded} of=${devices}>${({ devices: known }) => html`<${Choice} canStart=${canStart} onWatch=${watch}
          boards=${known.filter((one) => one.remoteMgmtMode === "inference")} />`}<//>`}
    ${watched && records.length === 0 && html`<p role="status">Waiting for the first prediction of <${Name}
      text=${watched.name} longest=${40} />… A virtual board classifies what eitk play sends to it.</p>`}
    ${records.length > 0 && html`<${Predictions} records=${records} />`}
  </section>`;
}

function Choice({ boards, canStart, onWatch }) {
  if (!boards.length) {
    return html`<p>No board that runs a model is connected. Connect one, or a virtual one:</p>
      <pre tabindex="0" aria-label="Command that connects a board">eitk connect --predictions</pre>`;
  }
  return html`<div class="row">${boards.map((one) => html`<button key=${one.id} disabled=${!canStart}
    onClick=${() => onWatch(one)}>Watch <${Name} text=${one.name} longest=${40} /></button>`)}</div>`;
}

function Predictions({ records }) {
  const [{ impulseRecord: { result, timing, winner, levelDbfs }, index }] = records;
  return html`<p class="live" role="status"><strong><${Name} text=${winner ?? bestOf(result.classification)} /></strong>
      ${" "}(prediction ${index})</p>
    <p>Features ${milliseconds(timing?.dsp)}, network ${milliseconds(timing?.classification)}${
      Number.isFinite(levelDbfs) && `, level ${levelDbfs.toFixed(1)} dB of full scale`}</p>
    <${Meters} scores=${result.classification} />
    <details><summary>Last predictions</summary><div class="wide" tabindex="0" role="group" aria-label="Predictions"><table>
      <thead><tr><th scope="col" class="number">Prediction</th><th scope="col">Time</th><th scope="col">Label</th></tr></thead>
      <tbody>${records.map(({ impulseRecord: one, index: number, timestamp }) => html`<tr key=${number}>
        <td class="number">${number}</td><td>${new Date(timestamp).toLocaleTimeString("en-GB")}</td>
        <td><${Name} text=${one.winner ?? bestOf(one.result.classification)} longest=${40} /></td></tr>`)}</tbody>
    </table></div></details>`;
}

/** Whether a message of a device is a prediction that can be shown. */
function isRecord({ impulseRecord, index }) {
  const scores = impulseRecord?.result?.classification;
  return typeof index === "number" && scores !== null && typeof scores === "object"
    && Object.values(scores).length > 0 && Object.values(scores).every(Number.isFinite)
    && (impulseRecord.winner === undefined || typeof impulseRecord.winner === "string");
}

const milliseconds = (time) => (Number.isFinite(time) ? `${time.toFixed(time < 10 ? 2 : 0)} ms` : "–");
