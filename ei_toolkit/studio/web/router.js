// The address of a page: /studio/PROJECT/PAGE/REST?FILTERS. The address is the state that a link or a reload restores.

import { check } from "./api.js";
import { useLayoutEffect, useState } from "./html.js";

/** The page that has a document of its own, because only its policy allows WebAssembly (`http/web.py`). */
const OWN_DOCUMENT = "classification";
const changed = new EventTarget();

/** Read the address: {project, page, rest, query}; `page` is empty for the start. */
export function readAddress() {
  const [project = "", page = "", ...rest] = location.pathname.split("/").slice(2).map(decode);
  return { project, page, rest, query: Object.fromEntries(new URLSearchParams(location.search)) };
}

/** Return the address of a page, for a link. Values of the query that are empty are left out. */
export function addressOf(project, path, query = {}) {
  const parts = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const text = new URLSearchParams(parts).toString();
  return `/studio/${project}/${path}${text ? `?${text}` : ""}`;
}

/** Go to an address of the studio; `replace` keeps no entry in the history, for filters that change while typing. */
export function navigate(address, { replace = false } = {}) {
  if (address === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
  changed.dispatchEvent(new Event("change"));
}

/** Change values of the query of the current address. */
export function setQuery(values, options = { replace: true }) {
  const { project, page, rest, query } = readAddress();
  navigate(addressOf(project, [page, ...rest].map(encodeURIComponent).join("/"), { ...query, ...values }), options);
}

/** Return the address, and render again when it changes. */
export function useAddress() {
  const [address, setAddress] = useState(readAddress);
  useLayoutEffect(() => {
    const update = () => setAddress(readAddress());
    changed.addEventListener("change", update);
    addEventListener("popstate", update);
    return () => {
      changed.removeEventListener("change", update);
      removeEventListener("popstate", update);
    };
  }, []);
  return address;
}

/** Follow links to pages of the studio without loading the document again. */
export function followLinks() {
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/studio/']");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.target || link.hasAttribute("download")) return;
    event.preventDefault();
    const address = link.getAttribute("href");
    if (hasOwnDocument(link.pathname) === hasOwnDocument(location.pathname)) navigate(address);
    else check().then((responds) => responds && location.assign(address)); // else the page stays, with a notice
  });
}

const hasOwnDocument = (path) => path.split("/")[3] === OWN_DOCUMENT;

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
