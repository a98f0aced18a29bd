// The data page: all samples of the project in a table, one of them with its sound, and changes that can be undone.

import { html, useCallback, useEffect, useRef, useState } from "../html.js";
import { beforeSignOut, get } from "../api.js";
import { count, counted, duration } from "../formats.js";
import { setQuery } from "../router.js";
import { announce, Notice, useLoad } from "../ui.js";
import { artistsOf, Balance } from "./balance.js";
import { deleteSamples, divide } from "./changes.js";
import { Divide } from "./divide.js";
import { apiQuery, Filters } from "./filters.js";
import { readAll, useRows } from "./rows.js";
import { Sample } from "./sample.js";
import { Selection, Undo } from "./selection.js";
import { Table } from "./table.js";
import { Upload } from "./upload.js";

const NO_LABELS = [];

export default function DataPage({ session, address }) {
  const query = apiQuery(address);
  const { source, reload } = useRows(query);
  const [version, setVersion] = useState(0);
  const [selected, setSelected] = useState(new Map());
  const [changes, setChanges] = useState([]);
  const [progress, setProgress] = useState(null);
  const [deleted, setDeleted] = useDeletions();
  const overview = useLoad((signal) => overviewOf(signal), [version]);
  const labels = overview.value?.labels ?? NO_LABELS;
  const opened = Number(address.query.sample) || null;

  const refresh = useCallback(() => {
    setVersion((number) => number + 1);
    reload();
  }, []);
  const added = (change) => {
    if (change) setChanges((before) => [...before, change]);
    refresh();
  };
  const run = async (action) => {
    setProgress("Changing…");
    try {
      const change = await action();
      setSelected(new Map());
      added(change);
      if (change?.error) announce(`Only ${change.text}: ${change.error.message}`);
    } catch (error) {
      announce(error.message);
    }
    setProgress(null);
  };
  const undo = async () => {
    const last = changes.at(-1);
    try {
      await last.undo();
      setChanges((before) => before.filter((one) => one !== last));
      announce(`Undone: ${last.text}.`);
    } catch (error) {
      announce(error.message);
    }
    refresh();
  };
  const selectAll = async () => {
    try {
      const onProgress = (done, total) => setProgress(`Reading ${count(done)} of ${count(total)}…`);
      const all = await readAll(query, { onProgress });
      setSelected(new Map(all.map((one) => [one.id, one])));
    } catch (error) {
      announce(error.message);
    }
    setProgress(null);
  };
  const remove = (samples) => {
    setDeleted(new Map([...deleted, ...samples.map((one) => [one.id, one])]));
    setSelected(new Map());
  };
  const removeNow = () => run(async () => {
    const samples = [...deleted.values()];
    setDeleted(new Map());
    await deleteSamples(samples);
    if (deleted.has(opened)) setQuery({ sample: "" });
    announce(`${counted(samples.length, "sample")} deleted.`);
  });

  return html`
    <h1>Data</h1>
    <${Summary} overview=${overview} onRetry=${refresh} />
    <${Upload} onDone=${refresh} />
    ${session.role === "admin" && html`<${Divide} busy=${progress !== null}
      onDivide=${(shares, key) => run(() => divide(shares, key, () => readAll(apiQuery({ rest: [], query: {} }))))} />`}
    <${Filters} address=${address} labels=${labels} artists=${overview.value?.artists ?? []} />
    <div class=${`data${opened ? " with-sample" : ""}`}>
      <div>
        <${Undo} changes=${changes} deleted=${deleted} onUndo=${undo} onKeep=${() => setDeleted(new Map())}
          onDeleteNow=${removeNow} />
        ${selected.size > 0 && html`<${Selection} selected=${selected} total=${source?.total ?? 0} progress=${progress}
          run=${run} onDelete=${remove} onSelectAll=${selectAll} onClear=${() => setSelected(new Map())} />`}
        ${source?.error && html`<${Notice} kind="error" onRetry=${refresh}>${source.error.message}<//>`}
        <p role="status" class="soft">${found(source)}</p>
        ${source?.total > 0 && html`<${Table} source=${source} sort=${address.query.sort} labels=${labels}
          selected=${selected} deleted=${deleted} opened=${opened} onSelect=${setSelected}
          onOpen=${(sample) => setQuery({ sample: sample.id })} />`}
      </div>
      ${opened && html`<${Sample} key=${opened} id=${opened} version=${version} onChange=${added}
        onClose=${() => setQuery({ sample: "" })} />`}
    </div>
    ${overview.value && html`<${Balance} project=${session.projectId} labels=${labels} version=${version} />`}`;
}

function found(source) {
  if (!source || source.total < 0) return source?.error ? "" : "Loading…";
  return source.total ? `${counted(source.total, "sample")} found` : "No sample matches the filters.";
}

function Summary({ overview, onRetry }) {
  if (overview.error) return html`<${Notice} kind="error" onRetry=${onRetry}>${overview.error.message}<//>`;
  if (!overview.value) return null;
  const parts = Object.entries(overview.value.splits).filter(([, one]) => one.dataCount > 0);
  if (!parts.length) return html`<p>The project has no samples yet. Add some here, or run <code>eitk upload</code>.</p>`;
  return html`<p>${parts.map(([name, one]) =>
    `${name}: ${counted(one.dataCount, "sample")}, ${duration(one.totalLengthMs)}`).join(" · ")}</p>`;
}

async function overviewOf(signal) {
  const [project, artists] = await Promise.all([get("", {}, signal), artistsOf("all", signal)]);
  const splits = project.dataSummaryPerCategory;
  const labels = [...new Set(Object.values(splits).flatMap((one) => one.labels))].sort();
  return { splits, labels, artists };
}

/** The samples that are deleted when the page is left: by going to another one, closing it, or signing out. */
function useDeletions() {
  const [deleted, setDeleted] = useState(new Map());
  const latest = useRef(deleted);
  latest.current = deleted;
  useEffect(() => {
    const finish = async (options) => {
      const samples = [...latest.current.values()];
      latest.current = new Map();
      if (!samples.length) return;
      try {
        await deleteSamples(samples, options);
        announce(`${counted(samples.length, "sample")} deleted.`);
      } catch (error) {
        announce(`The samples were not deleted: ${error.message}`);
      }
    };
    const leave = () => finish({ keepalive: true });
    addEventListener("pagehide", leave);
    beforeSignOut.add(finish);
    return () => {
      removeEventListener("pagehide", leave);
      beforeSignOut.delete(finish);
      finish();
    };
  }, []);
  return [deleted, setDeleted];
}
