// The samples that match a query, loaded a page at a time as the table shows them.

import { useEffect, useRef, useState } from "../html.js";
import { get } from "../api.js";

const PAGE_ROWS = 50;
const MOST_PAGES = 60; // in memory; past it the page that was used longest ago is dropped
const SCROLLING_MS = 30;
const ALL_ROWS = 1000; // of a page when all samples are read

/** Rows by their position. `total` is -1 until the first page has arrived. */
class RowSource {
  constructor(query, onChange) {
    this.query = query;
    this.onChange = onChange;
    this.total = -1;
    this.error = null;
    this.pages = new Map();
    this.requests = new Map();
    this.timer = 0;
    this.closed = false;
  }

  /** The sample at a position; null while it is being loaded. */
  at(position) {
    return this.pages.get(Math.floor(position / PAGE_ROWS))?.[position % PAGE_ROWS] ?? null;
  }

  /** Load the rows from `first` to `last`; requests for other rows are cancelled. */
  want(first, last) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(first, last), this.total < 0 ? 0 : SCROLLING_MS);
  }

  load(first, last) {
    const wanted = new Set();
    for (let page = Math.floor(first / PAGE_ROWS); page <= Math.floor(last / PAGE_ROWS); page += 1) wanted.add(page);
    for (const [page, controller] of this.requests) if (!wanted.has(page)) controller.abort();
    for (const page of wanted) {
      const rows = this.pages.get(page);
      if (rows) {
        this.pages.delete(page); // it becomes the newest
        this.pages.set(page, rows);
      } else if (!this.requests.has(page)) this.request(page);
    }
  }

  async request(page) {
    const controller = new AbortController();
    this.requests.set(page, controller);
    try {
      const found = await listSamples(this.query, PAGE_ROWS, page * PAGE_ROWS, controller.signal);
      this.total = found.totalCount;
      this.error = null;
      this.pages.set(page, found.samples);
      while (this.pages.size > MOST_PAGES) this.pages.delete(this.pages.keys().next().value);
    } catch (error) {
      if (error.name !== "AbortError") this.error = error;
    }
    this.requests.delete(page);
    if (!this.closed) this.onChange();
  }

  /** Return the samples from a position to another one, both included. */
  async range(first, last) {
    const known = [];
    for (let i = first; i <= last && this.at(i); i += 1) known.push(this.at(i));
    if (known.length === last - first + 1) return known;
    return readAll(this.query, { offset: first, most: last - first + 1 });
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    for (const controller of this.requests.values()) controller.abort();
  }
}

/** Read all samples that match a query; `onProgress` gets how many were read and how many there are. */
export async function readAll(query, { offset = 0, most = Infinity, onProgress = () => {}, signal } = {}) {
  const samples = [];
  for (;;) {
    const limit = Math.min(ALL_ROWS, most - samples.length);
    const found = await listSamples(query, limit, offset + samples.length, signal);
    samples.push(...found.samples);
    onProgress(samples.length, found.totalCount);
    if (!found.samples.length || samples.length >= Math.min(most, found.totalCount - offset)) return samples;
  }
}

/** The rows of a query. The rows of the last query stay until the first page of a new one arrives. */
export function useRows(query) {
  const key = JSON.stringify(query);
  const current = useRef(null);
  const [, setChanges] = useState(0);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const source = new RowSource(query, () => {
      if (current.current !== source && (source.total >= 0 || source.error)) {
        current.current?.close();
        current.current = source;
      }
      setChanges((number) => number + 1);
    });
    source.want(0, PAGE_ROWS - 1);
    if (!current.current) current.current = source;
    return () => {
      if (current.current !== source) source.close();
    };
  }, [key, attempt]);
  useEffect(() => () => current.current?.close(), []);
  return { source: current.current, reload: () => setAttempt((number) => number + 1) };
}

function listSamples(query, limit, offset, signal) {
  return get("/raw-data", { ...query, limit, offset, excludeSensors: true }, signal);
}
