// What training tells: the records of its log, of its page and of whoever iterates over `train()`. Data only.

/** What the flow makes of one validation crop at one noise level, 8-bit RGB, row-major, `size` x `size`. */
export interface ValidationCrop {
  readonly size: number;
  readonly sigma255: number;
  readonly clean: Uint8Array;
  readonly noisy: Uint8Array;
  /** The posterior mean; of an unconditioned flow, some steps of beta-MAP. */
  readonly denoised: Uint8Array;
}

/** Pictures drawn from the flow at a temperature, 8-bit RGB, row-major, `size` x `size` each. */
export interface FlowSamples {
  readonly size: number;
  /** Standard deviation of the latents that they were made of. */
  readonly temperature: number;
  readonly pictures: readonly Uint8Array[];
}

/** After every step. */
export interface StepRecord {
  readonly kind: 'step';
  /** From 1. */
  readonly step: number;
  /** The objective that is minimised. */
  readonly loss: number;
  /** Of the batch, its own noise included, uniformly dequantized; lower is better. */
  readonly bitsPerDimension: number;
  /** Mean of (sigma score + n)^2 over the batch; undefined for training by likelihood alone. */
  readonly denoisingError: number | undefined;
  readonly gradientNorm: number;
  readonly rate: number;
  /** Of this step, waiting for data included. */
  readonly seconds: number;
  /** Until the last step, as far as it is known. */
  readonly secondsLeft: number | undefined;
  /** Why nothing was learned from this step: 'not finite', 'loss', 'gradient'; undefined for a good one. */
  readonly skipped: string | undefined;
  /** Whether the last snapshot was restored after this step. */
  readonly restored: boolean;
}

/** Every so many steps, of the averaged weights. */
export interface ValidationRecord {
  readonly kind: 'validation';
  readonly step: number;
  /** Since training began, other sessions of it included. */
  readonly seconds: number;
  /** Clean validation crops, uniformly dequantized, at the flow's smallest noise level. */
  readonly bitsPerDimension: number;
  /** Mean PSNR in dB of the validation crops, by the posterior mean; of an unconditioned flow, by a short beta-MAP. */
  readonly psnr: readonly { readonly sigma255: number; readonly noisy: number; readonly denoised: number }[];
  readonly crops: readonly ValidationCrop[];
  readonly samples: FlowSamples | undefined;
}

/** A checkpoint was written whole. */
export interface CheckpointRecord {
  readonly kind: 'checkpoint';
  readonly step: number;
  readonly folder: string;
}

/** Something that the user should know and that does not end training. */
export interface WarningRecord {
  readonly kind: 'warning';
  readonly step: number;
  readonly message: string;
}

export type TrainingRecord = StepRecord | ValidationRecord | CheckpointRecord | WarningRecord;
