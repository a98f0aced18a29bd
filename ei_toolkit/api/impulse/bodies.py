"""An impulse as the official request classes, which refuse what the API would not take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ei_toolkit.api.impulse.state import ImpulseState, LearnState
from ei_toolkit.api.official import official

AUDIO_AXIS = "audio"
SPEC_AUGMENT = {"warping": False, "freqMasking": "low", "timeMasking": "low", "gaussianNoise": "low"}


def impulse_body(state: ImpulseState, name: str, input_id: int, dsp_ids: Sequence[int], learn_id: int) -> Any:
    """CreateImpulseRequest; always with `implementationVersion`, without which the cloud falls back to version 1."""
    window = official("ImpulseInputBlock")(
        id=input_id,
        type="time-series",
        name="Time series",
        title="Time series data",
        windowSizeMs=state.input.window_ms,
        windowIncreaseMs=state.input.increase_ms,
        frequencyHz=state.input.frequency_hz,
        padZeros=state.input.pad_zeros,
    )
    blocks = [
        official("ImpulseDspBlock")(
            id=block_id,
            type=block.type,
            name=block.name,
            title=block.name,
            axes=[AUDIO_AXIS],
            input=input_id,
            implementationVersion=block.version,
        )
        for block_id, block in zip(dsp_ids, state.dsp, strict=True)
    ]
    learn = official("ImpulseLearnBlock")(
        id=learn_id, type="keras", name="Classifier", title="Classification", dsp=list(dsp_ids)
    )
    named = {"name": name} if name else {}
    return official("CreateImpulseRequest")(inputBlocks=[window], dspBlocks=blocks, learnBlocks=[learn], **named)


def learn_body(learn: LearnState) -> Any:
    """SetKerasParameterRequest: for the learn block and for the training job, which take the same."""
    network: dict[str, Any] = {"mode": learn.mode}
    if learn.mode == "expert":
        network["script"] = learn.script
    else:
        network["visualLayers"] = [official("KerasVisualLayer")(**layer) for layer in learn.layers]
    augment = {"enabled": True, **SPEC_AUGMENT} if learn.spec_augment else {"enabled": False}
    seed = {"customParameters": {"seed": str(learn.seed)}} if learn.seed is not None else {}
    return official("SetKerasParameterRequest")(
        **network,
        **seed,
        trainingCycles=learn.epochs,
        learningRate=learn.learning_rate,
        batchSize=learn.batch_size,
        trainTestSplit=learn.validation,
        customValidationMetadataKey=learn.validation_group,
        autoClassWeights=learn.auto_class_weights,
        augmentationPolicySpectrogram=official("AugmentationPolicySpectrogram")(**augment),
        profileInt8=learn.profile_int8,
    )
