// The filters of the data page: from the address to the query of the API, and the form that changes the address.

import { html, useEffect, useRef, useState } from "../html.js";
import { navigate, addressOf, readAddress } from "../router.js";

export const SPLITS = ["training", "validation", "testing"];
const TYPING_MS = 200;
const MOST_OPTIONS = 1000;

/** The query of the API for the filters of an address: {rest: [split], query: {label, artist, state, min, max, name}}. */
export function apiQuery({ rest, query }) {
  const milliseconds = (text) => (Number(text) > 0 ? Number(text) * 1000 : undefined);
  return {
    category: SPLITS.includes(rest[0]) ? rest[0] : "all",
    labels: query.label === undefined ? undefined : JSON.stringify([query.label]),
    metadata: query.artist && JSON.stringify([{ key: "artist", op: "eq", values: [query.artist] }]),
    includeDisabled: ["enabled", "disabled"].includes(query.state) ? query.state : undefined,
    minLength: milliseconds(query.min),
    maxLength: milliseconds(query.max),
    filename: query.name,
    sortBy: /^(id|label|filename|length)-(asc|desc)$/.test(query.sort ?? "") ? query.sort : undefined,
  };
}

/** Change filters in the address; an empty value removes a filter. */
export function setFilters(values, split = undefined) {
  const { project, rest, query } = readAddress();
  const chosen = split === undefined ? rest[0] : split;
  navigate(addressOf(project, chosen ? `acquisition/${chosen}` : "acquisition", { ...query, ...values }), {
    replace: true,
  });
}

/** The form of all filters. `labels` and `artists` are what the project has. */
export function Filters({ address, labels, artists }) {
  const { query, rest } = address;
  const active = rest[0] || Object.keys(query).some((name) => name !== "sort" && name !== "sample");
  const clear = () => setFilters(
    { label: "", artist: "", state: "", min: "", max: "", name: "" }, "",
  );
  return html`<form class="row filters" role="search" aria-label="Filter samples" onSubmit=${(e) => e.preventDefault()}>
    <${Text} name="Name" value=${query.name} onChange=${(name) => setFilters({ name })} type="search" />
    <${Choice} name="Label" value=${query.label} options=${labels} onChange=${(label) => setFilters({ label })} />
    <${Choice} name="Split" value=${rest[0]} options=${SPLITS} onChange=${(split) => setFilters({}, split)} />
    <${Text} name="Artist" value=${query.artist} onChange=${(artist) => setFilters({ artist })} type="search"
      options=${artists} />
    <${Choice} name="State" value=${query.state} options=${["enabled", "disabled"]}
      onChange=${(state) => setFilters({ state })} />
    <${Text} name="Longer than (s)" value=${query.min} onChange=${(min) => setFilters({ min })} type="number" />
    <${Text} name="Shorter than (s)" value=${query.max} onChange=${(max) => setFilters({ max })} type="number" />
    ${active && html`<button type="button" onClick=${clear}>Remove all filters</button>`}
  </form>`;
}

function Choice({ name, value, options, onChange }) {
  const shown = value === undefined || options.includes(value) ? options : [value, ...options];
  return html`<label class="field"><span>${name}</span>
    <select value=${value ?? ""} onChange=${(event) => onChange(event.target.value)}>
      <option value="">all</option>
      ${shown.map((one) => html`<option key=${one} value=${one}>${one.slice(0, 60)}</option>`)}
    </select>
  </label>`;
}

function Text({ name, value = "", onChange, type, options = null }) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  const change = (event) => {
    const typed = event.target.value;
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(typed), TYPING_MS);
  };
  const list = options && `options-${name}`;
  return html`<label class="field"><span>${name}</span>
    <input type=${type} value=${text} onInput=${change} list=${list} step="any" min="0" maxlength="200" />
    ${list && html`<datalist id=${list}>
      ${options.slice(0, MOST_OPTIONS).map((one) => html`<option key=${one} value=${one} />`)}
    </datalist>`}
  </label>`;
}
