// The table of samples. Only the rows in view are elements, so that it stays fast with 100,000 samples.

import { Component, html, useEffect, useLayoutEffect, useRef, useState } from "../html.js";
import { count, duration, labelColour } from "../formats.js";
import { Name } from "../ui.js";
import { setFilters } from "./filters.js";

const ROW_PX = 34; // as in page.css
const MARGIN_ROWS = 6;
const MOST_ROWS = 250_000; // browsers limit the height of an element
const COLUMNS = [
  { name: "Name", sort: "filename" }, { name: "Label", sort: "label" }, { name: "Split" },
  { name: "Length", sort: "length" }, { name: "State" }, { name: "Artist" },
];

/**
 * `selected` and `deleted` are Maps of samples by id. `onSelect` gets a new Map, `onOpen` a sample.
 * Keys: arrows, Page Up, Page Down, Home and End move; Space selects, with Shift up to here; Enter opens.
 */
export function Table({ source, sort, labels, selected, deleted, opened, onSelect, onOpen }) {
  const grid = useRef(null);
  const [view, setView] = useState({ first: 0, last: 30 });
  const [active, setActive] = useState(0);
  const anchor = useRef(0);
  const total = Math.min(Math.max(source.total, 0), MOST_ROWS);

  const look = () => {
    const { scrollTop, clientHeight } = grid.current;
    const height = Math.min(clientHeight, innerHeight); // without its style, the table would be as high as all rows
    const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - MARGIN_ROWS);
    const last = first + Math.ceil(height / ROW_PX) + 2 * MARGIN_ROWS;
    setView((before) => (before.first === first && before.last === last ? before : { first, last }));
  };
  useLayoutEffect(look, []);
  useEffect(() => {
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  const last = Math.min(view.last, total - 1);
  useEffect(() => {
    if (total) source.want(view.first, last);
  }, [source, view.first, last]);
  useEffect(() => {
    if (active >= total && total > 0) setActive(total - 1);
  }, [total]);

  const toggle = async (position, extend) => {
    const from = extend ? Math.min(anchor.current, position) : position;
    const rows = await source.range(from, extend ? Math.max(anchor.current, position) : position);
    const next = new Map(selected);
    const remove = !extend && rows.every((one) => next.has(one.id));
    for (const one of rows) if (remove) next.delete(one.id); else next.set(one.id, one);
    if (!extend) anchor.current = position;
    onSelect(next);
  };
  const goTo = (position) => {
    const next = Math.max(0, Math.min(total - 1, position));
    setActive(next);
    const top = next * ROW_PX;
    const { scrollTop, clientHeight } = grid.current;
    const bottom = clientHeight - 2 * ROW_PX; // the head covers one row
    if (top < scrollTop) grid.current.scrollTop = top;
    else if (top > scrollTop + bottom) grid.current.scrollTop = top - bottom;
    return next;
  };
  const pageRows = () => Math.max(1, Math.floor(grid.current.clientHeight / ROW_PX) - 2);
  const onKeyDown = (event) => {
    if (event.target !== grid.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: pageRows(), PageUp: -pageRows(), Home: -total, End: total };
    if (event.key in moves) {
      const next = goTo(active + moves[event.key]);
      if (event.shiftKey) toggle(next, true);
    } else if (event.key === " ") toggle(active, event.shiftKey);
    else if (event.key === "Enter" && source.at(active)) onOpen(source.at(active));
    else return;
    event.preventDefault();
  };
  const onClick = (event) => {
    const position = Number(event.target.closest("[role=row]")?.dataset.position ?? -1);
    if (position < 0 || !source.at(position)) return;
    setActive(position);
    if (event.target.closest("input") || event.shiftKey) toggle(position, event.shiftKey);
    else onOpen(source.at(position));
  };

  const rows = [];
  for (let i = view.first; i <= last; i += 1) rows.push(i);
  return html`
    <div class="grid wide" role="grid" aria-label="Samples" aria-rowcount=${total + 1} aria-multiselectable="true"
      tabindex="0" aria-activedescendant=${active >= view.first && active <= last ? `row-${active}` : null} ref=${grid}
      onScroll=${look} onKeyDown=${onKeyDown}>
      <div role="rowgroup" class="head"><div role="row" aria-rowindex="1" class="cells">
        <span role="columnheader"><span class="hidden">Selected</span></span>
        ${COLUMNS.map((column) => html`<${Head} key=${column.name} column=${column} sort=${sort} />`)}
      </div></div>
      <div role="rowgroup" class="body" style=${{ height: `${total * ROW_PX}px` }} onClick=${onClick}>
        ${rows.map((i) => {
          const sample = source.at(i);
          return html`<${Row} key=${i} position=${i} sample=${sample} labels=${labels} active=${i === active}
            selected=${selected.has(sample?.id)} deleted=${deleted.has(sample?.id)} opened=${sample?.id === opened} />`;
        })}
      </div>
    </div>
    ${source.total > MOST_ROWS && html`<p class="soft">The first ${count(MOST_ROWS)} are shown: filter for others.</p>`}`;
}

function Head({ column, sort }) {
  if (!column.sort) return html`<span role="columnheader">${column.name}</span>`;
  const direction = sort?.startsWith(`${column.sort}-`) ? sort.split("-")[1] : null;
  const next = `${column.sort}-${direction === "asc" ? "desc" : "asc"}`;
  const ordered = { asc: "ascending", desc: "descending" }[direction] ?? "none";
  return html`<span role="columnheader" aria-sort=${ordered}>
    <button class="link" onClick=${() => setFilters({ sort: next })}>${column.name}</button>
    <span aria-hidden="true">${{ asc: " ▲", desc: " ▼" }[direction]}</span>
  </span>`;
}

/** One row; it is rendered again only if one of its properties changes. */
class Row extends Component {
  shouldComponentUpdate(next) {
    return Object.keys(next).some((name) => next[name] !== this.props[name]);
  }

  render({ position, sample, labels, active, selected, deleted, opened }) {
    const place = { id: `row-${position}`, "data-position": position, "aria-rowindex": position + 2,
      style: { top: `${position * ROW_PX}px` } };
    if (!sample) {
      return html`<div role="row" class="cells" ...${place}><span role="gridcell" class="soft loading">…</span></div>`;
    }
    const state = deleted ? "to be deleted" : sample.isDisabled ? "disabled" : "enabled";
    const classes = ["cells", active && "active", deleted && "deleted", opened && "opened"];
    return html`<div role="row" class=${classes.filter(Boolean).join(" ")} aria-selected=${String(selected)} ...${place}>
      <span role="gridcell"><input type="checkbox" tabindex="-1" checked=${selected}
        aria-label=${`Select ${sample.filename.slice(0, 100)}`} /></span>
      <span role="gridcell"><${Name} text=${sample.filename} /></span>
      <span role="gridcell"><span class="swatch" style=${{ background: labelColour(sample.label, labels) }}></span>
        <${Name} text=${sample.label || "(no label)"} longest=${60} /></span>
      <span role="gridcell">${sample.category}</span>
      <span role="gridcell">${duration(sample.totalLengthMs)}</span>
      <span role="gridcell" class=${sample.isDisabled ? "soft" : ""}>${state}</span>
      <span role="gridcell"><${Name} text=${sample.metadata?.artist || "–"} longest=${60} /></span>
    </div>`;
  }
}
