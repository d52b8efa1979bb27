// The records that training yields, for its log, its page and callers of `train()`.

/** A validation crop as the flow denoises it at one noise level, 8-bit RGB, row-major, `size` x `size`. */
export interface ValidationCrop {
  readonly size: number;
  readonly sigma255: number;
  readonly clean: Uint8Array;
  readonly noisy: Uint8Array;
  /** The posterior mean; for an unconditioned flow, some steps of beta-MAP. */
  readonly denoised: Uint8Array;
}

/** Pictures drawn from the flow, 8-bit RGB, row-major, `size` x `size` each. */
export interface FlowSamples {
  readonly size: number;
  /** Standard deviation of the latents. */
  readonly temperature: number;
  readonly pictures: readonly Uint8Array[];
}

/** After every step. */
export interface StepRecord {
  readonly kind: 'step';
  /** From 1. */
  readonly step: number;
  readonly loss: number;
  /** Of the batch with its noise, uniformly dequantized; lower is better. */
  readonly bitsPerDimension: number;
  /** Mean of (sigma score + n)^2 over the batch; undefined for training by likelihood alone. */
  readonly denoisingError: number | undefined;
  readonly gradientNorm: number;
  readonly rate: number;
  /** The step's duration, including the wait for data. */
  readonly seconds: number;
  /** Until the last step; undefined if unknown. */
  readonly secondsLeft: number | undefined;
  /** Why the step was skipped: 'not finite', 'loss', 'gradient'; undefined if it was not. */
  readonly skipped: string | undefined;
  /** Whether the last snapshot was restored after this step. */
  readonly restored: boolean;
}

/** After every `validateEvery` steps, for the averaged weights. */
export interface ValidationRecord {
  readonly kind: 'validation';
  readonly step: number;
  /** Since training began, including earlier sessions. */
  readonly seconds: number;
  /** Of clean validation crops, uniformly dequantized, at the flow's smallest noise level. */
  readonly bitsPerDimension: number;
  /** Mean PSNR in dB of the validation crops by the posterior mean; for an unconditioned flow, by a short beta-MAP. */
  readonly psnr: readonly { readonly sigma255: number; readonly noisy: number; readonly denoised: number }[];
  readonly crops: readonly ValidationCrop[];
  readonly samples: FlowSamples | undefined;
}

export interface CheckpointRecord {
  readonly kind: 'checkpoint';
  readonly step: number;
  readonly folder: string;
}

/** Something to tell the user; training goes on. */
export interface WarningRecord {
  readonly kind: 'warning';
  readonly step: number;
  readonly message: string;
}

export type TrainingRecord = StepRecord | ValidationRecord | CheckpointRecord | WarningRecord;
