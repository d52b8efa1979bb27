// The package's entry `flow-denoise/queue`.
export { FlowDenoiseError, type FlowDenoiseErrorCode } from '../core/errors.js';
export type { JobOutcome, JobStatus, QueueStatus, SubmittedJob } from './client.js';
export type { FailureReason, JobNames, JobOptions } from './job.js';
export type { JobResult, StoredReport } from './picture-work.js';
export {
  type OpenQueueOptions,
  openQueue,
  type PictureJobOptions,
  type PictureQueue,
  type PictureRequest,
  type SubmitOptions,
  type SubmitSummary,
  submit,
} from './submit.js';
export {
  type QueueWorker,
  startWorker,
  type WorkerEvents,
  type WorkerOptions,
  type WorkerSummary,
} from './worker.js';
