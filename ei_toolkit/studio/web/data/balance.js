// How many samples each label has in each split, and the artists that are in more than one split.

import { html } from "../html.js";
import { get } from "../api.js";
import { count, counted } from "../formats.js";
import { addressOf } from "../router.js";
import { Loaded, Name, Notice, useLoad } from "../ui.js";
import { SPLITS } from "./filters.js";

const MOST_LABELS = 30;
const MOST_ARTISTS = 50;

/** Class balance of the project; `version` changes with its samples. */
export function Balance({ project, labels, version }) {
  const shown = labels.slice(0, MOST_LABELS);
  const counts = useLoad((signal) => countsOf(shown, signal), [shown.join("\n"), version]);
  const artists = useLoad((signal) => sharedArtists(signal), [version]);
  return html`<div class="columns">
    <section>
      <h2>Samples of each label</h2>
      <${Loaded} of=${counts}>${(rows) => html`<${Bars} rows=${rows} project=${project} />`}<//>
      ${labels.length > MOST_LABELS && html`<p class="soft">The first ${MOST_LABELS} of ${count(labels.length)} labels.</p>`}
    </section>
    <section>
      <h2>Artists in several splits</h2>
      <${Loaded} of=${artists}>${(found) => html`<${Artists} found=${found} project=${project} />`}<//>
    </section>
  </div>`;
}

function Bars({ rows, project }) {
  if (!rows.length) return html`<p class="soft">No sample has a label yet.</p>`;
  const most = Math.max(...rows.map((row) => row.total));
  return html`
    <div class="wide" tabindex="0" role="region" aria-label="Samples of each label"><table class="balance">
      <thead><tr><th>label</th><th class="number">samples</th><th>training, validation, testing</th></tr></thead>
      <tbody>${rows.map(({ label, bySplit, total }) => html`<tr key=${label}>
        <td><a href=${addressOf(project, "acquisition", { label })}><${Name} text=${label} longest=${40} /></a></td>
        <td class="number">${count(total)}</td>
        <td class="bar"><div class="bars" aria-hidden="true">${SPLITS.map((split) => html`
          <span key=${split} class=${split} style=${{ width: `${(100 * bySplit[split]) / most}%` }}></span>`)}</div>
          <span class="soft">${SPLITS.map((split) => count(bySplit[split])).join(" / ")}</span></td>
      </tr>`)}</tbody>
    </table></div>
    ${imbalance(rows)}`;
}

function imbalance(rows) {
  const totals = rows.map((row) => row.total).filter(Boolean);
  const [least, most] = [Math.min(...totals), Math.max(...totals)];
  if (rows.length < 2 || most < 2 * least) return null;
  return html`<${Notice} kind="warning">The most frequent label has ${(most / least).toFixed(1)} times as many samples as the
    rarest: accuracy is mostly that of the frequent labels.<//>`;
}

function Artists({ found, project }) {
  const { shared, known } = found;
  if (!known) {
    return html`<p class="soft">No sample has an artist. <code>eitk upload</code> sends it as metadata, so that the splits
      can be compared.</p>`;
  }
  if (!shared.length) return html`<p>None: no artist of ${count(known)} is in training and in testing or validation.</p>`;
  return html`
    <${Notice} kind="warning">${counted(shared.length, "artist")} of ${count(known)} in several splits: the test result
      overestimates the accuracy for other artists.<//>
    <ul>${shared.slice(0, MOST_ARTISTS).map(({ artist, splits }) => html`<li key=${artist}>
      <a href=${addressOf(project, "acquisition", { artist })}><${Name} text=${artist} longest=${60} /></a>
      <span class="soft"> in ${splits.join(" and ")}</span></li>`)}</ul>
    ${shared.length > MOST_ARTISTS && html`<p class="soft">and ${count(shared.length - MOST_ARTISTS)} more</p>`}`;
}

async function countsOf(labels, signal) {
  const countOf = async (label, category) =>
    (await get("/raw-data/count", { labels: JSON.stringify([label]), category }, signal)).count;
  return Promise.all(labels.map(async (label) => {
    const counts = await Promise.all(SPLITS.map((split) => countOf(label, split)));
    const bySplit = Object.fromEntries(SPLITS.map((split, i) => [split, counts[i]]));
    return { label, bySplit, total: counts.reduce((sum, one) => sum + one, 0) };
  }));
}

async function sharedArtists(signal) {
  const bySplit = await Promise.all(SPLITS.map((category) => artistsOf(category, signal)));
  const splitsOf = new Map();
  SPLITS.forEach((split, i) => {
    for (const artist of bySplit[i]) splitsOf.set(artist, [...(splitsOf.get(artist) ?? []), split]);
  });
  const shared = [...splitsOf].filter(([, splits]) => splits.length > 1).map(([artist, splits]) => ({ artist, splits }));
  return { shared, known: splitsOf.size };
}

/** The artists of a split; all for `all`. The list of keys is sorted, and the values of other keys may be many. */
export async function artistsOf(category, signal) {
  for (let offset = 0; ; offset += 1) {
    const page = { category, limit: 1, offset };
    const [found] = (await get("/raw-data/metadata-filter-options", page, signal)).optionsList;
    if (!found || found.key > "artist") return [];
    if (found.key === "artist") return found.options;
  }
}
