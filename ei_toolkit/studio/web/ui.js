// What several pages show: notices, names, dialogs, what is being loaded, and messages at the end of the window.

import { html, useCallback, useEffect, useErrorBoundary, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { shortened } from "./formats.js";

/** A name or a label from a file: text of any length and direction that does not change the text around it. */
export function Name({ text, longest = 120 }) {
  const shown = shortened(text, longest);
  return html`<bdi class="name" title=${shown === text ? null : shortened(text, 1000)}>${shown || "(empty)"}</bdi>`;
}

/** A notice; `kind` is info, warning or error. `onRetry` adds a button. */
export function Notice({ kind = "info", children, onRetry }) {
  return html`<div class="notice ${kind}" role=${kind === "error" ? "alert" : "status"}>
    <div>${children}</div>
    ${onRetry && html`<button onClick=${onRetry}>Try again</button>`}
  </div>`;
}

/** Load a value when `dependencies` change: {value, error, loading, reload}. The last value stays while loading. */
export function useLoad(load, dependencies) {
  const [state, setState] = useState({ value: null, error: null, loading: true });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    load(controller.signal).then(
      (value) => { if (!controller.signal.aborted) setState({ value, error: null, loading: false }); },
      (error) => {
        if (!controller.signal.aborted) setState((before) => ({ ...before, error, loading: false }));
      },
    );
    return () => controller.abort();
  }, [...dependencies, attempt]);
  const reload = useCallback(() => setAttempt((number) => number + 1), []);
  return { ...state, reload };
}

/** Load a style sheet below /web/, once; return when it applies. */
export function loadStyle(name) {
  const address = `/web/${name}`;
  if (document.querySelector(`link[href="${address}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: address });
  return new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = () => {
      link.remove(); // the page is shown without it, and the next one loads it again
      resolve();
    };
    document.head.append(link);
  });
}

/** Show a loaded value: `children` is a function of it. An error has a button that loads it again. */
export function Loaded({ of, children }) {
  return html`
    ${of.error && html`<${Notice} kind="error" onRetry=${of.reload}>${of.error.message}<//>`}
    ${of.value !== null ? children(of.value) : !of.error && html`<p class="soft" role="status">Loading…</p>`}
  `;
}

/** A dialog over the page. It closes with Escape and returns the focus. */
export function Dialog({ title, onClose, children }) {
  const element = useRef(null);
  const heading = useId();
  useEffect(() => {
    element.current.showModal();
  }, []);
  return html`<dialog ref=${element} aria-labelledby=${heading} onClose=${onClose}>
    <h2 id=${heading}>${title}</h2>
    ${children}
  </dialog>`;
}

/** Show a page or, if it fails, a sentence with a way to continue. */
export function ErrorBoundary({ children }) {
  const [error, reset] = useErrorBoundary();
  if (!error) return children;
  return html`<${Notice} kind="error" onRetry=${reset}>
    <p>This page could not be shown: ${shortened(String(error.message ?? error), 300)}.</p>
    <p>Nothing was changed in the studio. Try again, or load the page again.</p>
  <//>`;
}

const messages = new EventTarget();

/** Show a message at the end of the window for some seconds; screen readers read it. `undo` adds a button. */
export function announce(text, undo = null) {
  messages.dispatchEvent(new CustomEvent("message", { detail: { text, undo } }));
}

/** The place of the messages of `announce`. */
export function Messages() {
  const [message, setMessage] = useState(null);
  useLayoutEffect(() => {
    const show = (event) => setMessage(event.detail);
    messages.addEventListener("message", show);
    return () => messages.removeEventListener("message", show);
  }, []);
  useEffect(() => {
    if (!message || message.undo) return undefined;
    const timer = setTimeout(() => setMessage(null), 8000);
    return () => clearTimeout(timer);
  }, [message]);
  const undo = () => {
    setMessage(null);
    message.undo();
  };
  return html`<div class="messages" role="status">
    ${message && html`<span>${message.text}</span>
      ${message.undo && html`<button onClick=${undo}>Undo</button>`}
      <button aria-label="Close this message" onClick=${() => setMessage(null)}>×</button>`}
  </div>`;
}
