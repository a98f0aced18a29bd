// Windows with their scores, and scores as CSV.

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
export function csvOf(rows, found, increaseMs) {
  const labels = Object.keys(rows[0] ?? {});
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const safe = (text) => cell(/^[=+\-@]/.test(text) ? `'${text}` : text); // a spreadsheet would run it as a formula
  const lines = rows.map((row, i) => [i * increaseMs, safe(found[i]), ...labels.map((name) => row[name])]);
  return [["start_ms", "label", ...labels.map(safe)], ...lines].map((line) => line.join(",")).join("\n").concat("\n");
}
