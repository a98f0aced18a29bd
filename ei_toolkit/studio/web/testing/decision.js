// From the scores of successive windows to a stable label, as the sketch decides it (decision.h, impulse/decision.py).

export const UNCERTAIN = "uncertain";

/** Return the mean of scores, which are objects by label; sums have 32 bits, as on the board. */
export function mean(rows) {
  const found = {};
  for (const row of rows) {
    for (const [label, score] of Object.entries(row)) found[label] = Math.fround((found[label] ?? 0) + Math.fround(score));
  }
  for (const label of Object.keys(found)) found[label] = Math.fround(found[label] / rows.length);
  return found;
}

/** Return the mean of each row and up to `depth` - 1 rows before it. */
export const smoothed = (rows, depth) => rows.map((_, i) => mean(rows.slice(Math.max(0, i + 1 - depth), i + 1)));

/** Return the label with the highest score, the first of equal ones. */
export const bestOf = (scores) => Object.keys(scores).reduce((one, other) => (scores[other] > scores[one] ? other : one));

/**
 * Return the label of each row of smoothed scores, `uncertain` below the threshold. A label stays until its score falls
 * below `threshold` - `hysteresis`, or until the score of another label exceeds it by more than `hysteresis`; and for
 * `hold` rows after the first in any case.
 */
export function stableLabels(means, { threshold, hysteresis, hold }) {
  const [lowest, margin] = [Math.fround(threshold), Math.fround(hysteresis)];
  let [winner, held] = [UNCERTAIN, 0];
  return means.map((scores) => {
    if (held > 0) {
      held -= 1;
      return winner;
    }
    const best = bestOf(scores);
    const stays = winner !== UNCERTAIN && scores[winner] >= Math.fround(lowest - margin)
      && Math.fround(scores[best] - scores[winner]) <= margin;
    if (!stays) {
      winner = scores[best] >= lowest ? best : UNCERTAIN;
      held = winner === UNCERTAIN ? 0 : hold;
    }
    return winner;
  });
}
