// The impulse of the project: its blocks, as several pages need them.

import { get } from "./api.js";

/** Return {impulse, input, dsp, learn} of the default impulse, each null if it does not exist. */
export async function loadImpulse(signal) {
  const { impulse } = await get("/impulse", {}, signal);
  return {
    impulse: impulse ?? null,
    input: impulse?.inputBlocks[0] ?? null,
    dsp: impulse?.dspBlocks[0] ?? null,
    learn: impulse?.learnBlocks[0] ?? null,
  };
}
