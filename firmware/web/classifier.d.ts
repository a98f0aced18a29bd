/** What the classifier was built from. */
export interface Model {
    readonly project: string;
    readonly owner: string;
    readonly deployVersion: number;
    readonly labels: readonly string[];
    /** Samples per second. */
    readonly frequency: number;
    /** Samples of one window. */
    readonly windowSamples: number;
    /** Lowest score of a label that is recognised. */
    readonly threshold: number;
    /** What `classify` evens out in each window, as in the training: nothing, the mean, or mean and loudness. */
    readonly level: 'none' | 'dc' | 'rms';
    /** RMS to which level 'rms' brings a window, in dB of full scale, and its largest gain in dB. */
    readonly targetDbfs: number;
    readonly maxGainDb: number;
    /** SHA-256 of the .tflite file, in hex. */
    readonly modelSha256: string;
}

export declare const model: Model;

export declare class Classifier {
    private constructor();
    /** Compiles the program. Rejects where the browser has no WebAssembly or DecompressionStream. */
    static create(): Promise<Classifier>;
    /**
     * Returns the score of each label, in the order of `model.labels`, for one window of 16-bit values (not scaled to 1).
     * Throws a RangeError unless there are `model.windowSamples` samples.
     */
    classify(samples: ArrayLike<number>): Float32Array;
}

/** Returns the label with the highest score, or "uncertain" if that is below the threshold. */
export declare function decision(scores: ArrayLike<number>, threshold?: number): string;

/** Returns samples of the Web Audio API (-1 to 1) as 16-bit values. */
export declare function toInt16(samples: ArrayLike<number>): Int16Array;

/** A WAV file with 16-bit samples. */
export interface Wav {
    readonly frequency: number;
    /** Samples of one channel. */
    readonly length: number;
    /** Returns the samples [from, to), the mean of all channels. */
    read(from: number, to: number): Promise<Int16Array>;
}

/** Opens a WAV file with 16-bit samples, of any length; null for a file of another kind. */
export declare function openWav(file: Blob): Promise<Wav | null>;
