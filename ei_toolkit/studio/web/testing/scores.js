// Scores of successive windows: smoothed, and with the label that they give, as the sketch on the board does it.

export const UNCERTAIN = "uncertain";

/** Return the mean of scores, which are objects by label. */
export function mean(rows) {
  const found = {};
  for (const row of rows) for (const [label, score] of Object.entries(row)) found[label] = (found[label] ?? 0) + score;
  for (const label of Object.keys(found)) found[label] /= rows.length;
  return found;
}

/** Return the mean of each row and up to `depth` - 1 rows before it (decision.h on the board). */
export const smoothed = (rows, depth) => rows.map((_, i) => mean(rows.slice(Math.max(0, i + 1 - depth), i + 1)));

/** Return the label with the highest score, or `uncertain` if it is below the threshold. */
export function labelOf(scores, threshold) {
  const best = Object.keys(scores).reduce((one, other) => (scores[other] > scores[one] ? other : one));
  return scores[best] >= threshold ? best : UNCERTAIN;
}

/** Return the windows of a `ClassifyJobResponse`, each with its scores, the name of its sample and of its clip. */
export function windowsOf({ result, predictions }) {
  const samples = new Map(result.map((one) => [one.sampleId, one]));
  const numbers = new Map();
  return predictions.map((one) => {
    const number = numbers.get(one.sampleId) ?? 0;
    numbers.set(one.sampleId, number + 1);
    const { sample, classifications } = samples.get(one.sampleId);
    const scores = classifications[0].result[number];
    const best = Math.max(...Object.values(scores));
    return { ...one, scores, score: best, name: sample.filename, clip: sample.metadata?.clip };
  });
}

/** Return the lines of a CSV file: start in ms, label, and a column for the score of each label. */
export function csvOf(rows, increaseMs, threshold) {
  const labels = Object.keys(rows[0] ?? {});
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const safe = (text) => cell(/^[=+\-@]/.test(text) ? `'${text}` : text); // a spreadsheet would run it as a formula
  const lines = rows.map((row, i) => [i * increaseMs, safe(labelOf(row, threshold)), ...labels.map((name) => row[name])]);
  return [["start_ms", "label", ...labels.map(safe)], ...lines].map((line) => line.join(",")).join("\n").concat("\n");
}
