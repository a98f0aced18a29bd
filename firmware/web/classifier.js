// Classifies windows of audio with the features and the model of one impulse. classifier.d.ts describes the interface.
// The constants MODEL and PROGRAM, the WebAssembly program in base64 of gzip, are in the generated lines above.

export const model = Object.freeze(MODEL);

export class Classifier {
    #exports;

    // Decompresses and compiles the program; a few milliseconds.
    static async create() {
        const program = await WebAssembly.compile(await decompressed(PROGRAM));
        const instance = await WebAssembly.instantiate(program, unavailable(program));
        instance.exports._initialize?.();
        return new Classifier(instance.exports);
    }

    constructor(exports) {
        this.#exports = exports;
    }

    classify(samples) {
        if (samples.length !== model.windowSamples) {
            throw new RangeError(`a window has ${model.windowSamples} samples, but there are ${samples.length}`);
        }
        const { memory, eitk_samples, eitk_scores, eitk_classify } = this.#exports;
        new Float32Array(memory.buffer, eitk_samples(), samples.length).set(samples);
        const error = eitk_classify();
        if (error !== 0) throw new Error(`classification failed: ${error}`);
        return new Float32Array(memory.buffer, eitk_scores(), model.labels.length).slice();
    }
}

export function decision(scores, threshold = model.threshold) {
    let best = 0;
    for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
    return scores[best] >= threshold ? model.labels[best] : 'uncertain';
}

export function toInt16(samples) {
    return Int16Array.from(samples, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768))));
}

// The chunks of a WAV file follow each other with even lengths; "fmt " comes before "data".
export async function openWav(file) {
    const text = (view, at) => String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
    const read = async (at, length) => new DataView(await file.slice(at, at + length).arrayBuffer());
    const start = await read(0, 12);
    if (start.byteLength < 12 || text(start, 0) !== 'RIFF' || text(start, 8) !== 'WAVE') return null;
    let channels = 0;
    let frequency = 0;
    for (let at = 12; at + 8 <= file.size; ) {
        const head = await read(at, 8);
        const [kind, length] = [text(head, 0), head.getUint32(4, true)];
        if (kind === 'fmt ') {
            const format = await read(at + 8, Math.min(length, 40));
            if (format.byteLength < 16) return null;
            const tag = format.getUint16(0, true);
            const isPcm = tag === 1 || (tag === 0xfffe && format.byteLength >= 26 && format.getUint16(24, true) === 1);
            if (!isPcm || format.getUint16(14, true) !== 16) return null;
            channels = format.getUint16(2, true);
            frequency = format.getUint32(4, true);
        } else if (kind === 'data') {
            const bytes = Math.min(length, file.size - at - 8);
            return channels > 0 ? new Wav(file, at + 8, channels, frequency, Math.floor(bytes / 2 / channels)) : null;
        }
        at += 8 + length + (length % 2);
    }
    return null;
}

class Wav {
    #file;
    #start;
    #channels;

    constructor(file, start, channels, frequency, length) {
        this.#file = file;
        this.#start = start;
        this.#channels = channels;
        this.frequency = frequency;
        this.length = length;
    }

    async read(from, to) {
        const size = 2 * this.#channels;
        const bytes = await this.#file.slice(this.#start + from * size, this.#start + to * size).arrayBuffer();
        const values = new Int16Array(bytes);
        if (this.#channels === 1) return values;
        return Int16Array.from({ length: values.length / this.#channels }, (_, frame) => {
            let sum = 0;
            for (let channel = 0; channel < this.#channels; channel++) sum += values[frame * this.#channels + channel];
            return Math.round(sum / this.#channels);
        });
    }
}

async function decompressed(base64) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Response(stream).arrayBuffer();
}

// The C library imports functions for files, of which there are none; each returns the error "not supported".
function unavailable(program) {
    const imports = {};
    for (const { module, name } of WebAssembly.Module.imports(program)) {
        imports[module] ??= {};
        imports[module][name] = () => 58;
    }
    return imports;
}
