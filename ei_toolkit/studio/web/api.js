// The only module that sends requests: those of Edge Impulse's API, with the session of this browser.

/** A request that failed; its message is a sentence for people. `status` is 0 if no response arrived. */
export class RequestError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.name = "RequestError";
    this.status = status;
  }
}

/** Events: `signed-out`, and `unreachable` and `reachable` for the studio itself. */
export const connection = new EventTarget();

const UNREACHABLE = "The studio does not respond. If it was stopped, run eitk studio open in its project.";
const HEARTBEAT_MS = 30_000; // a visible page keeps a studio running that stops when it is idle
const POLL_MS = 1000;
const KEEP_ALIVE_MS = 5000; // of a stream of predictions, which ends 30 s after the last one
const BATCH_FILES = 20;
const BATCH_BYTES = 32 * 2 ** 20;

let session = null;
let reachable = true;

/** Sign in with the token in the address, or continue the session of this browser; return the session. */
export async function signIn() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token) {
    history.replaceState(history.state, "", location.pathname + location.search);
    session = await answerOf(await send("POST", "/session", json({ token })));
    if (fragment.get("settings")) localStorage.setItem(settingsKey(), fragment.get("settings"));
  } else {
    session = await answerOf(await send("GET", "/session"));
  }
  return session;
}

/** Return the settings of the project's eitk.toml as `eitk studio open` passed them at last; empty if it has not. */
export function settingsOf() {
  try {
    return JSON.parse(localStorage.getItem(settingsKey())) ?? {};
  } catch {
    return {};
  }
}

/** Functions that run before the session ends: a page adds one that finishes what it has put off. */
export const beforeSignOut = new Set();

/** End the session of this browser. */
export async function signOut() {
  await Promise.all([...beforeSignOut].map((finish) => finish()));
  await call("DELETE", "/session");
  signedOut();
}

/** Return the JSON object of a GET request. A path is below the project, or absolute if it starts with /v1/. */
export const get = (path, query = {}, signal = undefined) => call("GET", withQuery(path, query), { signal });

/**
 * Send a POST request with a JSON body; return the JSON object of its response. With the option `keepalive` it is sent
 * although the page is being closed.
 */
export const post = (path, body = {}, query = {}, options = {}) =>
  call("POST", withQuery(path, query), { ...json(body), ...options });

/** Send a DELETE request; return the JSON object of its response. */
export const del = (path, query = {}) => call("DELETE", withQuery(path, query));

/** Return the address of a resource of the API, for an element or a library that loads it. */
export const addressOf = (path, query = {}) => absolute(withQuery(path, query));

/** Return the bytes of a resource of the API. */
export async function getBytes(path, query = {}, signal = undefined) {
  const response = await send("GET", absolute(withQuery(path, query)), { signal });
  if (!response.ok || (response.headers.get("content-type") ?? "").startsWith("application/json")) {
    await answerOf(response);
  }
  return response.arrayBuffer();
}

/**
 * Upload files in batches. Each of `items` is {file, label, metadata}; without a label, the studio takes the name of the
 * file up to its first dot. `onResult` is called with the item, the reason why it was rejected or null if it was
 * accepted, and the id of its sample. Returns when all were sent, or `signal` is aborted.
 */
export async function upload(category, items, onResult, signal = undefined) {
  for (const batch of batches(items)) {
    if (signal?.aborted) return;
    const form = new FormData();
    const entries = batch.map(({ file, label, metadata }) => ({
      path: file.name, category, metadata: metadata ?? {}, ...(label ? { label: { type: "label", label } } : {}),
    }));
    form.append("data", new Blob([JSON.stringify({ version: 1, files: entries })]), "info.labels");
    for (const { file } of batch) form.append("data", file, file.name);
    let outcomes;
    try {
      const response = await call("POST", `/api/${category}/files`, { body: form, signal });
      outcomes = response.files.map((outcome) => [outcome.success ? null : outcome.error, outcome.sampleId ?? null]);
    } catch (error) {
      if (error.name === "AbortError") return;
      outcomes = batch.map(() => [error.message, null]);
    }
    batch.forEach((item, i) => onResult(item, ...(outcomes[i] ?? [null, null])));
  }
}

/**
 * Follow a job until it ends: `onLine` gets each piece of its log as it arrives, over the live log if possible.
 * Returns the job; it has `finishedSuccessful`. Aborting `signal` ends following, not the job.
 */
export async function followJob(id, onLine = () => {}, signal = undefined) {
  const socket = await openLog(id, onLine).catch(() => null);
  try {
    let shown = 0;
    for (;;) {
      const { job } = await get(`/jobs/${id}/status`, {}, signal);
      if (!socket?.isUsable()) {
        const { stdout } = await get(`/jobs/${id}/stdout`, {}, signal);
        const pieces = stdout.map((one) => one.data).reverse();
        if (!socket) pieces.slice(shown).forEach(onLine);
        shown = pieces.length;
      }
      if (job.finished) {
        await socket?.end;
        return job;
      }
      await Promise.race([delay(POLL_MS, signal), socket?.end ?? new Promise(() => {})]);
    }
  } finally {
    socket?.close();
  }
}

/**
 * Let a device that runs a model send its predictions: `onRecord` gets each as the device sends it. Returns when `signal`
 * is aborted; rejects when the device or the studio is gone.
 */
export async function followPredictions(deviceId, onRecord, signal) {
  const device = `/device/${encodeURIComponent(deviceId)}`;
  let stream = null;
  const early = []; // messages that arrive before the response with the id of the stream
  const socket = await openSocket((name, message) => {
    if (stream === null) early.push([name, message]);
    else if (name === `debug-stream-data-${stream}`) onRecord(message);
  });
  try {
    stream = (await post(`${device}/debug-stream/inference/start`)).streamId;
    early.filter(([name]) => name === `debug-stream-data-${stream}`).forEach(([, message]) => onRecord(message));
    while (socket.isUsable()) {
      await Promise.race([delay(KEEP_ALIVE_MS, signal), socket.closed]);
      await post(`${device}/debug-stream/keep-alive`, { streamId: stream });
    }
    throw new RequestError("The connection to the studio has ended. Watch the board again.");
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    await post(`${device}/debug-stream/stop`, { streamId: stream }).catch(() => {});
  } finally {
    socket.close();
  }
}

/** Keep the studio running while the page is visible, and notice when it stops or starts again. */
export function startHeartbeat() {
  setInterval(() => {
    if (!document.hidden && session) check();
  }, HEARTBEAT_MS);
}

/** Ask whether the studio responds; return whether it does. */
export async function check() {
  try {
    await answerOf(await send("GET", "/session"));
    return true;
  } catch (error) {
    return error.status !== 0;
  }
}

const settingsKey = () => `eitk-settings-${session.projectId}`;

async function call(verb, path, options = {}) {
  const response = await send(verb, absolute(path), options);
  if (response.status === 403 && verb !== "GET" && (await tokenIsOld())) {
    return answerOf(await send(verb, absolute(path), options));
  }
  return answerOf(response);
}

/** Read the session again, which another page of this browser may have renewed; return whether its token differs. */
async function tokenIsOld() {
  const before = session?.csrfToken;
  session = await answerOf(await send("GET", "/session"));
  return session.csrfToken !== before;
}

async function send(verb, address, options = {}) {
  const headers = { ...options.headers };
  if (session && verb !== "GET") headers[session.csrfHeader] = session.csrfToken;
  try {
    const response = await fetch(address, { method: verb, ...options, headers });
    setReachable(true);
    return response;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    setReachable(false);
    throw new RequestError(UNREACHABLE);
  }
}

async function answerOf(response) {
  let document = null;
  try {
    document = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  if (response.ok && document?.success) return document;
  if (response.status === 401) signedOut();
  throw new RequestError(document?.error ? sentence(document.error) : unexplained(response.status), response.status);
}

function unexplained(status) {
  return status >= 500
    ? `The studio could not handle the request (status ${status}): its server.log has the details. Try again.`
    : `The studio sent a response that cannot be read (status ${status}). Try again.`;
}

function sentence(text) {
  const shown = String(text).slice(0, 500);
  return shown.charAt(0).toUpperCase() + shown.slice(1) + (/[.!?]$/.test(shown) ? "" : ".");
}

function signedOut() {
  session = null;
  connection.dispatchEvent(new Event("signed-out"));
}

function setReachable(now) {
  if (now !== reachable) connection.dispatchEvent(new Event(now ? "reachable" : "unreachable"));
  reachable = now;
}

function absolute(path) {
  return /^\/(v1|api|session)\b/.test(path) ? path : `/v1/api/${session.projectId}${path}`;
}

function withQuery(path, query) {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(parts).toString();
  return text ? `${path}?${text}` : path;
}

function json(body) {
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

function* batches(items) {
  let batch = [];
  let bytes = 0;
  for (const item of items) {
    if (batch.length && (batch.length >= BATCH_FILES || bytes + item.file.size > BATCH_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(item);
    bytes += item.file.size;
  }
  if (batch.length) yield batch;
}

/** Open the live log of a job. */
async function openLog(id, onLine) {
  let finish;
  const finished = new Promise((resolve) => { finish = resolve; });
  const socket = await openSocket((name, content) => {
    if (name === `job-data-${id}`) onLine(content.data);
    if (name === `job-finished-${id}`) finish();
  });
  socket.emit("start-log-stream", { jobId: id });
  return { ...socket, end: Promise.race([finished, socket.closed]) };
}

/** Open the connection for events (Socket.IO over a WebSocket): {emit(name, content), isUsable(), closed, close()}. */
async function openSocket(onEvent) {
  const { token } = await get("/socket-token");
  const query = new URLSearchParams({ EIO: 4, transport: "websocket", token: token.socketToken });
  const socket = new WebSocket(`ws://${location.host}/socket.io/?${query}`);
  let usable = false;
  let end;
  const closed = new Promise((resolve) => { end = resolve; });
  await new Promise((resolve, reject) => {
    socket.onclose = () => { usable = false; end(); reject(new Error("closed")); };
    socket.onmessage = ({ data }) => {
      if (data.startsWith("0")) socket.send("40");
      else if (data === "2") socket.send("3");
      else if (data.startsWith("40")) {
        usable = true;
        resolve();
      } else if (data.startsWith("42")) onEvent(...JSON.parse(data.slice(2)));
    };
  });
  const emit = (name, content) => socket.send(`42${JSON.stringify([name, content])}`);
  return { emit, isUsable: () => usable, closed, close: () => socket.close() };
}

function delay(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    const end = () => {
      clearTimeout(timer);
      reject(new DOMException("The page was left", "AbortError"));
    };
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
  });
}
