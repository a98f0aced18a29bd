// The frame of all pages: signing in, navigation, and what is shown when something fails.

import { html, render, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { check, connection, signIn, signOut, startHeartbeat } from "./api.js";
import { addressOf, followLinks, navigate, useAddress } from "./router.js";
import { ErrorBoundary, Loaded, loadStyle, Messages, Name, Notice, useLoad } from "./ui.js";
import { PAGES } from "./pages.js";

const TITLE = "eitk studio";

function App() {
  const [session, setSession] = useState(null);
  const [problem, setProblem] = useState(null);
  const [pending, setPending] = useState(true);
  const start = () => {
    setProblem(null);
    setPending(true);
    signIn().then(setSession, setProblem).finally(() => setPending(false));
  };
  useEffect(() => {
    const signedOut = () => setSession(null);
    connection.addEventListener("signed-out", signedOut);
    start();
    return () => connection.removeEventListener("signed-out", signedOut);
  }, []);
  if (session) return html`<${Frame} session=${session} />`;
  if (pending) return html`<main class="sign-in"><h1>${TITLE}</h1><p class="soft" role="status">Signing in…</p></main>`;
  return html`<main class="sign-in">
    <h1>${TITLE}</h1>
    ${problem && problem.status !== 401 && html`<${Notice} kind="error" onRetry=${start}>${problem.message}<//>`}
    ${problem?.status === 401 && html`<${Notice} kind="warning">${problem.message}<//>`}
    <p>To sign in, run this command in the folder of your project. It opens this page with an address that is valid once
      and for one minute:</p>
    <pre tabindex="0">eitk studio open</pre>
  </main>`;
}

function Frame({ session }) {
  const address = useAddress();
  const page = PAGES.find((one) => one.path === address.page);
  useEffect(() => {
    const start = addressOf(session.projectId, PAGES[0].path);
    if (!address.page) navigate(start, { replace: true });
  }, [address.page]);
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header>
      <div class="project"><strong>${TITLE}</strong> <${Name} text=${session.projectName} longest=${40} /></div>
      <nav aria-label="Pages">
        ${PAGES.map((one) => html`<a key=${one.path} href=${addressOf(session.projectId, one.path)}
          aria-current=${one === page ? "page" : null}>${one.name}</a>`)}
      </nav>
      <button class="sign-out" onClick=${signOut}>Sign out</button>
    </header>
    <${Unreachable} />
    <main id="main" tabindex="-1">
      ${Number(address.project) !== session.projectId && address.project
        ? html`<h1>Another project</h1>
            <${Notice} kind="warning">This browser is signed in to project ${session.projectId}, not to
            project ${address.project}. <a href=${addressOf(session.projectId, PAGES[0].path)}>Go to its data</a>, or run
            eitk studio open --project ${address.project}.<//>`
        : page
          ? html`<${ErrorBoundary} key=${page.path}><${Page} page=${page} session=${session} address=${address} /><//>`
          : address.page && html`<h1>No such page</h1><${Notice} kind="warning">There is no page with this address.
              <a href=${addressOf(session.projectId, PAGES[0].path)}>Go to the data</a>.<//>`}
    </main>
    <${Messages} />`;
}

function Page({ page, session, address }) {
  const module = useLoad(async () => (await Promise.all([page.load(), ...page.styles.map(loadStyle)]))[0], [page]);
  const first = useRef(true);
  useEffect(() => {
    document.title = `${page.name} · ${TITLE}`;
    if (!first.current) document.getElementById("main").focus();
    first.current = false;
  }, [page]);
  return html`${module.value === null && html`<h1>${page.name}</h1>`}<${Loaded} of=${module}>
    ${({ default: View }) => html`<${View} session=${session} address=${address} />`}
  <//>`;
}

function Unreachable() {
  const [gone, setGone] = useState(false);
  useLayoutEffect(() => {
    const show = (event) => setGone(event.type === "unreachable");
    connection.addEventListener("unreachable", show);
    connection.addEventListener("reachable", show);
    return () => {
      connection.removeEventListener("unreachable", show);
      connection.removeEventListener("reachable", show);
    };
  }, []);
  return gone && html`<${Notice} kind="error" onRetry=${check}>
    The studio does not respond; what is shown here may be out of date. If it was stopped, run
    <code> eitk studio open</code> in its project.
  <//>`;
}

followLinks();
startHeartbeat();
render(html`<${ErrorBoundary}><${App} /><//>`, document.getElementById("app"));
