// Versions: saved states of the project, compared by their figures, restored and deleted.

import { html, useState } from "../html.js";
import { del, get, post } from "../api.js";
import { date, percent } from "../formats.js";
import { Dialog, Loaded, Name, Notice, announce, useLoad } from "../ui.js";
import { JobLog, useJob } from "../job.js";

export default function VersionsPage({ session }) {
  const loaded = useLoad((signal) => get("/versions", {}, signal), []);
  const [description, setDescription] = useState("");
  const [asked, setAsked] = useState(null);
  const [problem, setProblem] = useState(null);
  const saving = useJob("version", (job) => {
    if (job.finishedSuccessful) setDescription("");
    loaded.reload();
  });
  const restoring = useJob("restore", loaded.reload);
  const act = async (action) => {
    setAsked(null);
    try {
      await action();
      setProblem(null);
    } catch (error) {
      setProblem(error.message);
    }
  };
  const restore = (version) => act(async () => {
    await post("/jobs/restore", { projectId: session.projectId, versionId: version.id });
    restoring.attach();
  });
  const remove = (version) => act(async () => {
    await del(`/versions/${version.id}`);
    announce(`Version ${version.version} was deleted.`);
    loaded.reload();
  });
  const save = (event) => {
    event.preventDefault();
    saving.start("/jobs/version", { description, makePublic: false });
  };
  const canChange = session.role === "admin";
  return html`<h1>Versions</h1>
    <p>A version has the samples, the impulses with their settings, the features, the models and the test results as they are
      now. Restoring one saves the present state first.</p>
    ${canChange && html`<form class="row" onSubmit=${save}><label class="field"><span>Description</span>
      <input name="description" value=${description} required maxlength="10000"
        onInput=${(event) => setDescription(event.target.value)} /></label>
      <button class="main" disabled=${saving.running}>Save a version</button></form>`}
    <${JobLog} of=${saving} what="Saving the version" />
    <${JobLog} of=${restoring} what="Restoring the version" />
    ${problem && html`<${Notice} kind="error">${problem}<//>`}
    <${Loaded} of=${loaded}>${({ versions }) => (versions.length === 0
      ? html`<p class="soft">No version was saved yet.</p>`
      : html`<div class="wide" tabindex="0" role="group" aria-label="Versions"><table>
          <thead><tr><th scope="col">Version</th><th scope="col">Description</th><th scope="col">Saved</th>
            <th scope="col" class="number">Samples</th><th scope="col" class="number">Accuracy, validation</th>
            <th scope="col" class="number">Accuracy, test</th>${canChange && html`<th scope="col">Change</th>`}</tr></thead>
          <tbody>${versions.map((one) => html`<tr key=${one.id}><th scope="row">${one.version}</th>
            <td><${Name} text=${one.description} longest=${200} /></td><td>${date(one.created)}</td>
            <td class="number">${one.totalSamplesCount}</td><td class="number">${figure(one.trainingAccuracy)}</td>
            <td class="number">${figure(one.testAccuracy)}</td>
            ${canChange && html`<td>
              <button onClick=${() => setAsked({ version: one, what: "Restore", action: restore })}>Restore<span
                class="visually-hidden"> version ${one.version}</span></button>
              <button class="danger" onClick=${() => setAsked({ version: one, what: "Delete", action: remove })}>Delete<span
                class="visually-hidden"> version ${one.version}</span></button></td>`}</tr>`)}</tbody></table></div>`)}<//>
    ${asked && html`<${Dialog} title=${`${asked.what} version ${asked.version.version}?`} onClose=${() => setAsked(null)}>
      <p>${asked.what === "Restore"
        ? "The samples, impulses and results of the project are replaced. Their present state is saved as a version before."
        : "The version is deleted, with the recordings that only it has. This cannot be undone."}</p>
      <div class="row"><button class="main" onClick=${() => asked.action(asked.version)}>${asked.what}</button>
        <button onClick=${() => setAsked(null)}>Cancel</button></div><//>`}`;
}

const figure = (accuracy) => (accuracy === undefined ? "–" : percent(accuracy));
