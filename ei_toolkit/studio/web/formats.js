// How numbers, times and names are written, and the colours of labels. The colours are those of palette.css.

const LOCALE = "en-GB";
let colourCount = 0; // it does not change; to read it takes a calculation of style
const COUNT = new Intl.NumberFormat(LOCALE);
const DATE = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });

/** 12345 -> "12,345" */
export const count = (number) => COUNT.format(number);

/** (1, "sample") -> "1 sample"; (2, "sample") -> "2 samples" */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** Milliseconds as seconds, minutes or hours. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Bytes as B, KiB or MiB. */
export function bytes(number) {
  if (number < 1024) return `${number} B`;
  return number < 2 ** 20 ? `${(number / 1024).toFixed(1)} KiB` : `${(number / 2 ** 20).toFixed(1)} MiB`;
}

/** 0.934 -> "93.4 %" */
export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** A time of the API as a local date and time. */
export function date(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? "" : DATE.format(time);
}

/** A text of at most `longest` characters, with an ellipsis where it was cut. */
export function shortened(text, longest = 120) {
  const characters = [...text.slice(0, 2 * longest + 2)];
  return characters.length > longest ? `${characters.slice(0, longest - 1).join("")}…` : text;
}

/** The CSS colour of a label, by its position in the list of labels. */
export function labelColour(label, labels) {
  const position = labels.indexOf(label);
  return position < 0 ? "var(--soft)" : `var(--label-${position % labelColours()})`;
}

/** The value of a colour of the palette, for a canvas: colourValue("blue"). */
export const colourValue = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** The value of the colour of a label, for a canvas. */
export function labelColourValue(label, labels) {
  const position = labels.indexOf(label);
  return colourValue(position < 0 ? "soft" : `label-${position % labelColours()}`);
}

/** Call a function when light and dark mode change; return a function that ends it. */
export function onColourChange(callback) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", callback);
  return () => dark.removeEventListener("change", callback);
}

/** The nonce of the style sheets that wavesurfer.js adds. */
export const styleNonce = () => document.querySelector("meta[name=csp-nonce]").content;

function labelColours() {
  colourCount ||= Number(colourValue("label-colours"));
  return colourCount || 1;
}
