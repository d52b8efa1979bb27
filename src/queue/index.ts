// The package's entry `flow-denoise/queue`.
export { FlowDenoiseError, type FlowDenoiseErrorCode } from '../core/errors.js';
export type { JobStatus, QueueStatus } from './client.js';
export type { FailureReason, JobOptions } from './job.js';
export { type OpenQueueOptions, openQueue, type PictureQueue, type PictureRequest } from './picture-queue.js';
export type { JobResult, StoredReport } from './picture-work.js';
export { type PictureJobOptions, type SubmitOptions, type SubmitSummary, submit } from './submit.js';
export type { JobOutcome, SubmittedJob } from './tracker.js';
export { type QueueWorker, startWorker } from './worker.js';
export type { JobNames, WorkerEvents, WorkerOptions, WorkerSummary } from './worker-options.js';
