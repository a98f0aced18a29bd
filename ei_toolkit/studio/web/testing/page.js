// Model testing: the result of each window and each track of the test set.

import { html, useMemo } from "../html.js";
import { get } from "../api.js";
import { count, percent } from "../formats.js";
import { addressOf, setQuery } from "../router.js";
import { Loaded, Name, Notice, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";
import { loadImpulse } from "../impulse_state.js";
import { ConfusionMatrix } from "../confusion.js";
import { WindowList } from "../window_list.js";
import { bestOf, mean } from "./decision.js";
import { windowsOf } from "./scores.js";

const VARIANTS = ["int8", "float32"];

export default function TestingPage({ session, address }) {
  const impulse = useLoad(loadImpulse, []);
  return html`<h1>Model testing</h1>
    <${Loaded} of=${impulse}>${({ impulse: found, learn }) => (learn
      ? html`<${Test} impulseId=${found.id} query=${address.query} />`
      : html`<${Notice}>This project has no learn block yet. <a
          href=${addressOf(session.projectId, "create-impulse")}>Create an impulse</a> first.<//>`)}<//>`;
}

function Test({ impulseId, query }) {
  const variant = VARIANTS.includes(query.variant) ? query.variant : undefined;
  const result = useLoad(async (signal) => {
    try {
      return await get("/classify/all/result", { variant }, signal);
    } catch (error) {
      if (error.status === 200) return { missing: error.message };
      throw error;
    }
  }, [variant]);
  const job = useJob(`classify-${impulseId}`, result.reload);
  return html`
    <p>The model classifies every window of the samples in the category testing.</p>
    <button class="main" disabled=${job.running}
      onClick=${() => job.start("/jobs/classify", { modelVariants: VARIANTS })}>Test the model</button>
    <${JobLog} of=${job} what="Testing" />
    <${Loaded} of=${result}>${(found) => (found.missing
      ? html`<p class="soft">${found.missing}</p>`
      : html`<${TestResult} found=${found} query=${query} variant=${variant} />`)}<//>`;
}

function TestResult({ found, query, variant }) {
  const windows = useMemo(() => windowsOf(found), [found]);
  const tracks = useMemo(() => tracksOf(windows), [windows]);
  const byTrack = query.level === "track";
  const labels = found.accuracy.allLabels.filter((label) => label !== "uncertain");
  const rows = byTrack ? tracks : windows;
  const scored = rows.filter((one) => labels.includes(one.label));
  const right = scored.filter((one) => one.prediction === one.label).length;
  const shown = rows.filter((one) => (!query.wrong || one.prediction !== one.label)
    && (!query.actual || one.label === query.actual) && (!query.predicted || one.prediction === query.predicted));
  const actual = [...new Set(rows.map((one) => one.label))].sort();
  const columns = byTrack ? labels : found.accuracy.allLabels;
  return html`
    <fieldset class="row"><legend class="visually-hidden">What is shown</legend>
      ${VARIANTS.filter((name) => found.availableVariants?.includes(name)).map((name) => html`<label key=${name}>
        <input type="radio" name="variant" checked=${(variant ?? found.availableVariants[0]) === name}
          onChange=${() => setQuery({ variant: name })} /> ${name}</label>`)}
      <label><input type="radio" name="level" checked=${!byTrack} onChange=${() => setQuery({ level: "" })} /> windows</label>
      <label><input type="radio" name="level" checked=${byTrack} onChange=${() => setQuery({ level: "track" })} />
        tracks</label></fieldset>
    <p class="accuracy"><strong>${percent(scored.length ? right / scored.length : 0)}</strong> of ${count(scored.length)}
      ${byTrack ? " tracks" : " windows"} right.${!byTrack && " A window below the threshold is uncertain and counts as wrong."}
      ${byTrack && " The label of a track has the highest mean score of its windows."}</p>
    <${ConfusionMatrix} labels=${actual} columns=${columns} counts=${counts(rows, actual, columns)} chosen=${query}
      onChoose=${(one, other) => setQuery({ actual: one, predicted: other })} />
    <div class="row">
      <label class="check"><input type="checkbox" checked=${Boolean(query.wrong)}
        onChange=${(event) => setQuery({ wrong: event.target.checked ? "1" : "" })} /> Only wrong ones</label>
      ${(query.actual || query.predicted) && html`<span>Actual <${Name} text=${query.actual ?? ""} />, predicted
        <${Name} text=${query.predicted ?? ""} /> <button
          onClick=${() => setQuery({ actual: "", predicted: "" })}>Show all</button></span>`}
    </div>
    <p>${count(shown.length)} of ${count(rows.length)} ${byTrack ? "tracks" : "windows"}</p>
    ${byTrack ? html`<${TrackTable} tracks=${shown} />` : html`<${WindowList} windows=${shown} />`}`;
}

function TrackTable({ tracks }) {
  return html`<div class="wide" tabindex="0" role="group" aria-label="Tracks"><table>
    <thead><tr><th scope="col">Track</th><th scope="col">Actual</th><th scope="col">Predicted</th>
      <th scope="col" class="number">Score</th><th scope="col" class="number">Windows right</th></tr></thead>
    <tbody>${tracks.slice(0, 1000).map((one) => html`<tr key=${one.name}>
      <th scope="row"><${Name} text=${one.name} longest=${60} /></th><td><${Name} text=${one.label} longest=${30} /></td>
      <td><${Name} text=${one.prediction} longest=${30} /></td><td class="number">${percent(one.score)}</td>
      <td class="number">${one.right} of ${one.windows}</td></tr>`)}</tbody></table></div>`;
}

/** Group windows by the clip that they were cut from, or by sample if no metadata names one. */
function tracksOf(windows) {
  const groups = new Map();
  for (const one of windows) {
    const key = one.clip ?? `${one.name} (sample ${one.sampleId})`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(one);
  }
  return [...groups].map(([name, members]) => {
    const scores = mean(members.map((one) => one.scores));
    const prediction = bestOf(scores);
    return {
      name, label: members[0].label, prediction, score: scores[prediction], windows: members.length,
      right: members.filter((one) => one.prediction === one.label).length,
    };
  });
}

function counts(rows, labels, columns) {
  const found = labels.map(() => columns.map(() => 0));
  for (const one of rows) {
    const [row, column] = [labels.indexOf(one.label), columns.indexOf(one.prediction)];
    if (row >= 0 && column >= 0) found[row][column] += 1;
  }
  return found;
}
