// WAV files in the browser: written from samples, and read from any file that the browser can decode.

import { toInt16 } from "./level.js";

const [LOWEST_RATE, HIGHEST_RATE] = [8000, 96_000]; // Hz, that every browser has

/** Return the rate in Hz, or the nearest one that every browser has. */
export const usableRate = (rate) => Math.min(Math.max(rate, LOWEST_RATE), HIGHEST_RATE);

/** Return a mono 16-bit WAV file of samples from -1 to 1, or of int16 samples. */
export function wavOf(samples, rate) {
  const values = samples instanceof Int16Array ? samples : toInt16(samples);
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  values.forEach((value, i) => view.setInt16(44 + 2 * i, value, true));
  return new Blob([view.buffer], { type: "audio/wav" });
}

/**
 * Return {samples, rate} of a file: the mean of its channels, at the rate of the model, so that a long recording takes
 * little memory. Rejects a file that the browser cannot decode.
 */
export async function decode(file, rate) {
  const context = new OfflineAudioContext(1, 1, usableRate(rate));
  try {
    const audio = await context.decodeAudioData(await file.arrayBuffer());
    const channels = Array.from({ length: audio.numberOfChannels }, (_, i) => audio.getChannelData(i));
    const samples = channels.length === 1 ? channels[0]
      : channels[0].map((_, i) => channels.reduce((sum, one) => sum + one[i], 0) / channels.length);
    return { samples, rate: audio.sampleRate };
  } catch {
    throw new Error(`${file.name.slice(0, 100)} cannot be decoded: it is damaged, or in a format that this browser does`
      + " not have. WAV works in every browser; eitk classify reads more formats.");
  }
}

/** Return samples at another rate in Hz. */
export async function resampled(samples, from, to) {
  if (from === to) return samples;
  const context = new OfflineAudioContext(1, Math.max(1, Math.round((samples.length * to) / from)), usableRate(to));
  const source = context.createBufferSource();
  source.buffer = context.createBuffer(1, samples.length, from);
  source.buffer.copyToChannel(samples, 0);
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

export const isWav = async (file) => (await file.slice(0, 4).text()) === "RIFF";
