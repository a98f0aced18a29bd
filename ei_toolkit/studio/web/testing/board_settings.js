// The settings with which the sketch decides: level of a window, threshold, smoothing, hysteresis and hold time.

import { html } from "../html.js";
import { DEFAULTS } from "../defaults.js";
import { settingsOf } from "../api.js";
import { setQuery } from "../router.js";

const LEVELS = { none: "unchanged", dc: "without the constant offset (dc)", rms: "at one loudness (rms)" };
const NUMBERS = [
  { name: "targetDbfs", title: "Target, dB of full scale", step: "any", rms: true },
  { name: "maxGainDb", title: "Largest gain, dB", step: "any", rms: true },
  { name: "threshold", title: "Threshold", step: 0.05 },
  { name: "smoothing", title: "Mean of windows", step: 1 },
  { name: "hysteresis", title: "Hysteresis", step: 0.01 },
  { name: "holdMs", title: "Hold time, ms", step: 100 },
];

/**
 * Return the settings: those of the address, else those of eitk.toml that `eitk studio open` passed, else the threshold
 * of the model and the defaults of eitk.toml. `increaseMs` is the distance of the windows; `hold` counts windows.
 */
export function boardSettings(query, modelThreshold, increaseMs) {
  const own = { threshold: modelThreshold, ...settingsOf() };
  const found = { level: [query.level, own.level].find((one) => one in LEVELS) ?? DEFAULTS.level.value };
  for (const { name } of NUMBERS) found[name] = numberOf(query[name], DEFAULTS[name]) ?? numberOf(own[name], DEFAULTS[name])
    ?? DEFAULTS[name].value;
  return { ...found, hold: Math.ceil(found.holdMs / increaseMs) };
}

/** Return a number in the range of a setting; null for anything else. */
function numberOf(value, { minimum, maximum, whole }) {
  if (value === undefined || value === null || value === "" || !Number.isFinite(Number(value))) return null;
  const number = Math.min(maximum ?? Infinity, Math.max(minimum ?? -Infinity, Number(value)));
  return whole ? Math.round(number) : number;
}

/** The form of the settings, which are stored in the address. */
export function BoardSettings({ settings }) {
  const shown = NUMBERS.filter(({ rms }) => !rms || settings.level === "rms");
  const { level, threshold, smoothing, hysteresis, holdMs } = settings;
  const values = `level ${level}, threshold ${threshold}, mean of ${smoothing}, hysteresis ${hysteresis}, hold ${holdMs} ms`;
  return html`<details class="board-settings"><summary>Settings of the board: ${values}</summary>
    <p class="soft">The sketch decides with these settings of eitk.toml ([slice] and [board]). Change them here to try others.</p>
    <div class="row">
      <label class="field"><span>Level of a window</span><select name="level" value=${settings.level}
        onChange=${(event) => setQuery({ level: event.target.value })}>${Object.entries(LEVELS).map(([name, title]) => html`
          <option key=${name} value=${name}>${title}</option>`)}</select></label>
      ${shown.map(({ name, title, step }) => html`<label class="field" key=${name}><span>${title}</span>
        <input type="number" name=${name} min=${DEFAULTS[name].minimum} max=${DEFAULTS[name].maximum} step=${step}
          value=${settings[name]} onChange=${(event) => setQuery({ [name]: event.target.value })} /></label>`)}
    </div></details>`;
}
