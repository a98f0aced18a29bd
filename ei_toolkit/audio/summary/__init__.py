"""Summary features of a signal of audio, as librosa defines them: arrays in, arrays out."""
