// Templates and hooks: every view imports them from here. A view adds its listeners for events in
// useLayoutEffect: useEffect runs after the next frame, and what happens before it would be missed.

import { h } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { Component, createContext, render } from "./vendor/preact.js";
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useRef, useState,
} from "./vendor/hooks.js";

/** A template: html`<p>${text}</p>`. Values are text or attributes, never markup. */
export const html = htm.bind(h);
