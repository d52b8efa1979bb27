// Records such as training tells, for the tests of its log and page.
import type { StepRecord, ValidationCrop, ValidationRecord } from '#src/train/progress.js';

const SIZE = 8;

export function stepRecord(step: number, changes: Partial<StepRecord> = {}): StepRecord {
  return {
    kind: 'step',
    step,
    loss: 5 / step,
    bitsPerDimension: 3 + 1 / step,
    denoisingError: 0.5,
    gradientNorm: 2,
    rate: 1e-3,
    seconds: 0.5,
    secondsLeft: 100 - step,
    skipped: undefined,
    restored: false,
    ...changes,
  };
}

/** Pixels that are not like any other of another seed. */
export function pixels(seed: number): Uint8Array {
  return Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i * 31 + seed * 57) % 251);
}

export function validationRecord(step: number, changes: Partial<ValidationRecord> = {}): ValidationRecord {
  const crop = (sigma255: number): ValidationCrop => ({
    size: SIZE,
    sigma255,
    clean: pixels(sigma255),
    noisy: pixels(sigma255 + 1),
    denoised: pixels(sigma255 + 2),
  });
  return {
    kind: 'validation',
    step,
    seconds: step * 0.6,
    bitsPerDimension: 3 + 1 / step,
    psnr: [
      { sigma255: 10, noisy: 28.1, denoised: 33.3 },
      { sigma255: 25, noisy: 20.2, denoised: 29.4 },
    ],
    crops: [crop(25), crop(10)],
    samples: { size: SIZE, temperature: 0.7, pictures: [pixels(100), pixels(101)] },
    ...changes,
  };
}
