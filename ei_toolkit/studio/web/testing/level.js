// The level of a window, in the integer arithmetic of the sketch (level.h, audio/level.py).

/** Return int16 samples of numbers from -1 to 1. */
export const toInt16 = (samples) => Int16Array.from(samples, (value) => saturated(Math.round(32768 * value)));

/**
 * Return a window of int16 samples without its mean (`dc`), and with its RMS set to a target (`rms`). `targetDbfs` and
 * `maxGainDb` are in dB. Values that may exceed 53 bits are BigInt.
 */
export function levelled(window, { level, targetDbfs, maxGainDb }) {
  const count = window.length;
  if (level === "none" || count === 0) return window;
  const sum = window.reduce((total, one) => total + one, 0);
  const mean = Math.floor((sum + Math.floor(count / 2)) / count);
  if (level === "dc") return window.map((one) => saturated(one - mean));
  const power = window.reduce((total, one) => total + (one - mean) ** 2, 0);
  const rms = squareRoot((BigInt(power) << 16n) / BigInt(count));
  const target = BigInt(Math.round(32768 * 10 ** (targetDbfs / 20)));
  const gain = Math.min(Math.round(65536 * 10 ** (maxGainDb / 20)), Number((target << 24n) / (rms || 1n)));
  return window.map((one) => saturated(Math.floor(((one - mean) * gain + 32768) / 65536)));
}

const saturated = (value) => Math.max(-32768, Math.min(32767, value));

/** Return the largest integer whose square is at most a BigInt below 2 ** 64. */
function squareRoot(value) {
  let root = BigInt(Math.floor(Math.sqrt(Number(value)))); // a double is off by less than one step here
  while (root * root > value) root -= 1n;
  while ((root + 1n) * (root + 1n) <= value) root += 1n;
  return root;
}
